"""Where a smooth function vanishes on an interval, and its sign between the zeros.

Decisions are taken from exact values and declared assumptions only; what cannot be decided is
refused with the advice to declare a parameter positive, never guessed.
"""

from __future__ import annotations

import sympy as sp

from freejac.symbolic.errors import DomainError
from freejac.symbolic.functions import Phi, sigmoid, softplus
from freejac.symbolic.symbols import x

__all__ = ["is_zero", "precedes", "sign_between", "zeros"]

_DIGITS = 60


def is_zero(expr: sp.Expr) -> bool:
    """Decide whether an expression without x vanishes identically in its parameters.

    Constants are decided by 60 digits of the exact value; expressions with parameters by
    simplification.
    """
    expr = sp.sympify(expr, strict=True)
    if expr.is_zero is not None and not expr.is_Add:
        return bool(expr.is_zero)
    if not expr.free_symbols:
        return bool(sp.Abs(expr.evalf(_DIGITS)) < sp.Float(10) ** (10 - _DIGITS))
    return bool(sp.simplify(expr) == 0)


def _sign(expr: sp.Expr) -> int | None:
    """Sign of an expression without x, or None when the assumptions do not decide it."""
    expr = sp.sympify(expr, strict=True)
    if not expr.free_symbols and expr.is_finite is not False:
        if is_zero(expr):
            return 0
        return 1 if expr.evalf(_DIGITS) > 0 else -1
    for candidate in (expr, sp.factor(expr)):
        if candidate.is_positive:
            return 1
        if candidate.is_negative:
            return -1
        if candidate.is_zero:
            return 0
    return None


def precedes(a: sp.Expr, b: sp.Expr) -> bool:
    """Decide a < b for interval ends.

    Raises:
        DomainError: the assumptions on the parameters do not decide the order.

    >>> precedes(sp.Integer(0), sp.oo)
    True
    """
    if a == b:
        return False
    if a == -sp.oo or b == sp.oo:
        return True
    if a == sp.oo or b == -sp.oo:
        return False
    sign = _sign(b - a)
    if sign is None:
        raise DomainError(
            f"cannot decide whether {a} < {b}; declare the parameters positive or give numbers"
        )
    return sign > 0


def sign_between(expr: sp.Expr, lower: sp.Expr, upper: sp.Expr) -> int:
    """Sign of a smooth function on an open interval that holds none of its zeros.

    Raises:
        DomainError: the sign depends on parameters whose assumptions do not decide it.
    """
    if not expr.has(x):
        sign = _sign(expr)
    else:
        if lower == -sp.oo:
            probe = sp.S.Zero if upper == sp.oo else upper - 1
        else:
            probe = lower + 1 if upper == sp.oo else (lower + upper) / 2
        sign = _sign(expr.subs(x, probe))
    if sign is None:
        raise DomainError(
            f"cannot decide the sign of {expr} for x in ({lower}, {upper}); declare its "
            "parameters positive or give numbers"
        )
    return sign


def zeros(expr: sp.Expr, lower: sp.Expr = -sp.oo, upper: sp.Expr = sp.oo) -> list[sp.Expr]:
    """Zeros and poles of a function inside an open interval, ascending.

    Raises:
        DomainError: the zeros cannot be located exactly.

    >>> zeros(sp.exp(x) - 1)
    [0]
    >>> zeros(x**2 - 2, sp.Integer(0), sp.oo)
    [sqrt(2)]
    """
    found: list[sp.Expr] = []
    for root in _real_zeros(sp.sympify(expr, strict=True)):
        if not precedes(lower, root) or not precedes(root, upper):
            continue
        place = sum(1 for other in found if precedes(other, root))
        if not any(is_zero(other - root) for other in found):
            found.insert(place, root)
    return found


def _real_zeros(expr: sp.Expr) -> list[sp.Expr]:
    if not expr.has(x) or expr.is_positive or expr.is_negative:
        return []
    # A quotient changes sign where its denominator does, too.
    numerator, denominator = sp.fraction(sp.together(expr))
    expr = sp.factor_terms(numerator) * sp.factor_terms(denominator)
    if isinstance(expr, sp.Mul):
        return [root for factor in expr.args for root in _real_zeros(factor)]
    if isinstance(expr, sp.Pow) and not expr.exp.has(x):
        return _real_zeros(expr.base) if expr.exp.is_positive else []
    if expr.is_polynomial(x):
        return _polynomial_zeros(expr)
    inner = _invert_monotone(expr)
    if inner is None:
        raise DomainError(
            f"cannot locate the sign changes of {expr}; write the function with where(...) and "
            "explicit breakpoints"
        )
    return [root for equation in inner for root in _real_zeros(equation)]


def _polynomial_zeros(expr: sp.Expr) -> list[sp.Expr]:
    poly = sp.Poly(expr, x)
    if poly.degree() == 1:
        slope, intercept = poly.all_coeffs()
        return [sp.cancel(-intercept / slope)]
    if poly.free_symbols_in_domain:
        factors = [factor for factor, _ in poly.factor_list()[1]]
        if any(factor.degree() > 1 for factor in factors):
            raise DomainError(
                f"cannot locate the sign changes of {expr}; give its parameters numbers"
            )
        return [root for factor in factors for root in _polynomial_zeros(factor.as_expr())]
    if all(coefficient.is_rational for coefficient in poly.coeffs()):
        return list(dict.fromkeys(sp.real_roots(poly)))
    return [root for root in sp.roots(poly, x) if root.is_real]


_INVERSES = {
    sp.exp: (sp.log, sp.S.Zero, sp.oo),
    sp.tanh: (sp.atanh, -1, 1),
    sp.sinh: (sp.asinh, -sp.oo, sp.oo),
    sp.atan: (sp.tan, -sp.pi / 2, sp.pi / 2),
    sp.erf: (sp.erfinv, -1, 1),
    sp.erfc: (sp.erfcinv, 0, 2),
    sp.log: (sp.exp, -sp.oo, sp.oo),
    sigmoid: (lambda y: sp.log(y / (1 - y)), 0, 1),
    softplus: (lambda y: sp.log(sp.exp(y) - 1), 0, sp.oo),
    Phi: (lambda y: sp.sqrt(2) * sp.erfinv(2 * y - 1), 0, 1),
}


def _invert_monotone(expr: sp.Expr) -> list[sp.Expr] | None:
    """Reduce a·F(u(x)) + b = 0, F monotone, to u(x) − F⁻¹(−b/a) = 0; None if not of that form."""
    outer = {f for f in expr.atoms(sp.Function, sp.exp) if f.has(x) and f.func in _INVERSES}
    for func in sorted(outer, key=sp.default_sort_key):
        y = sp.Dummy("y", real=True)
        rest = expr.subs(func, y)
        if rest.has(x) or not rest.is_polynomial(y) or sp.degree(rest, y) != 1:
            continue
        slope, intercept = sp.Poly(rest, y).all_coeffs()
        inverse, low, high = _INVERSES[func.func]
        target = sp.cancel(-intercept / slope)
        if precedes(low, target) and precedes(target, high):
            return [func.args[0] - inverse(target)]
        return []
    return None
