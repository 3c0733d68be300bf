"""The polynomial that a smooth function approaches at infinity, up to what every power outgrows.

>>> from freejac.symbolic.functions import Phi
>>> polynomial_at_infinity(x**2 * Phi(x) + sp.tanh(sp.erf(x)), 1)
{2: 1, 0: tanh(1)}
"""

from __future__ import annotations

import sympy as sp

from freejac.symbolic.errors import NoClosedForm
from freejac.symbolic.functions import Phi, sigmoid, softplus
from freejac.symbolic.signs import sign_of
from freejac.symbolic.symbols import x

__all__ = ["polynomial_at_infinity"]

# Limits at ∓∞; every one is approached exponentially fast.
_SATURATING = {
    sp.tanh: (-1, 1),
    sp.erf: (-1, 1),
    sp.erfc: (2, 0),
    Phi: (0, 1),
    sigmoid: (0, 1),
}


def polynomial_at_infinity(expr: sp.Expr, side: int) -> dict[int, sp.Expr]:
    """Powers and coefficients of P with f = P + o(x⁻ⁿ) for every n, at +∞ (side = 1) or −∞.

    Raises:
        NoClosedForm: f grows faster than a polynomial, oscillates, or approaches its growth only
            like a power of 1/x; the message names the part that does.
        Undecided: a parameter's sign decides, and is not declared.
    """
    approached = _approached(expr.subs(x, side * x))
    if approached == 0:
        return {}
    terms = sp.Poly(approached, x).terms()
    return {n: weight * side**n for (n,), weight in terms}


def _approached(expr: sp.Expr) -> sp.Expr:
    """P at +∞, as an expression: sums and products of P + rapidly decaying are of that form."""
    if not expr.has(x) or expr == x:
        return expr
    if expr.is_Add or expr.is_Mul:
        return sp.expand(expr.func(*map(_approached, expr.args)))
    if isinstance(expr, sp.exp) or (expr.is_Pow and expr.base == sp.E):
        return _exponential(expr, _approached(expr.exp))
    if expr.is_Pow and not expr.exp.has(x):
        base = _approached(expr.base)
        if expr.exp.is_Integer and expr.exp > 0:
            return sp.expand(base**expr.exp)
        if not base.has(x) and base.is_nonzero:
            return base**expr.exp
        raise _slow(expr)
    if len(expr.args) == 1:
        argument = _approached(expr.args[0])
        if not argument.has(x):
            return _at_limit(expr, argument)
        return _at_infinity(expr, argument)
    raise _slow(expr)


def _exponential(expr: sp.Expr, exponent: sp.Expr) -> sp.Expr:
    if not exponent.has(x):
        return sp.exp(exponent)
    if _direction(exponent) > 0:
        raise NoClosedForm("the series at q → ∞", f"{expr} grows faster than a polynomial")
    return sp.S.Zero


def _at_limit(expr: sp.Expr, argument: sp.Expr) -> sp.Expr:
    """A function of an argument that tends to a point; its slope there must exist."""
    value = expr.func(argument)
    slope = expr.func(x).diff(x).subs(x, argument)
    if any(part.has(sp.zoo, sp.nan, sp.oo) or part.is_finite is False for part in (value, slope)):
        raise _slow(expr)
    return value


def _at_infinity(expr: sp.Expr, argument: sp.Expr) -> sp.Expr:
    """A function of an argument that grows like a polynomial."""
    if isinstance(expr, softplus):
        return argument if _direction(argument) > 0 else sp.S.Zero
    if expr.func in _SATURATING:
        low, high = _SATURATING[expr.func]
        return sp.Integer(high if _direction(argument) > 0 else low)
    if isinstance(expr, (sp.sin, sp.cos)):
        raise NoClosedForm(
            "the series at q → ∞", f"{expr} oscillates beside functions that saturate"
        )
    raise _slow(expr)


def _direction(polynomial: sp.Expr) -> int:
    """The sign of a polynomial at +∞."""
    return sign_of(sp.Poly(polynomial, x).LC())


def _slow(expr: sp.Expr) -> NoClosedForm:
    return NoClosedForm(
        "the series at q → ∞",
        f"{expr} approaches its limit like a power of 1/x, which brings logarithms of q, or in a "
        "way that is not known",
    )
