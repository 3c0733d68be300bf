"""Rewriting to forms that keep their accuracy in double precision.

Each rule replaces a form that cancels, overflows or underflows by an equal one that does not:

| form | becomes |
|---|---|
| e^A erfc(B), B ≥ 0 | e^{A−B²} erfcx(B) |
| c e^u − c | c expm1(u) |
| c − c erf(u), c + c erf(u) | c erfc(u), 2 c Phi(√2 u) |
| c − c tanh²(u), c / cosh²(u) | c sech²(u), which does not overflow |
| c − c cos(u) | 2 c sin²(u/2) |
| c − c sigmoid(u) | c sigmoid(−u) |
| log(1 + u), log(1 + e^u) | log1p(u), softplus(u) |
| 1/(1 + e^u), e^u sigmoid(−u) | sigmoid(−u), sigmoid(u) |
| asin(a/b), b > 0 | atan(a/√(b² − a²)): the quotient may be within rounding of 1 |

>>> import sympy as sp
>>> a = sp.Symbol("a", positive=True)
>>> stabilise(sp.exp(2 * a) * sp.erfc(sp.sqrt(2 * a)) + 1 - sp.exp(-a))
erfcx(sqrt(2)*sqrt(a)) - expm1(-a)
"""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp
from sympy.codegen.cfunctions import expm1, log1p

from freejac.codegen.functions import Cos1m, Sech2
from freejac.symbolic.functions import Phi, sigmoid, softplus
from freejac.symbolic.scaled import erfcx
from freejac.symbolic.surds import Field

__all__ = ["stabilise"]


def stabilise(expr: sp.Expr) -> sp.Expr:
    """Rewrite an expression, innermost parts first.

    Args:
        expr: an exact expression; what is known about signs comes from its symbols.

    Returns:
        An equal expression for the printer.

    >>> from freejac.symbolic.symbols import x
    >>> stabilise(sp.log(1 + sp.exp(x)))
    softplus(x)
    """
    if not expr.args or expr.is_Relational:
        return expr
    parts = [stabilise(part) for part in expr.args]
    rebuilt = expr if tuple(parts) == expr.args else expr.func(*parts)
    for kind, rule in _RULES:
        if isinstance(rebuilt, kind):
            rebuilt = rule(rebuilt)
    return rebuilt


def _logarithm(expr: sp.log) -> sp.Expr:
    (arg,) = expr.args
    rest = arg - 1
    if not arg.is_Add or rest.is_Add or rest.is_number:
        return expr
    if isinstance(rest, sp.exp):
        return softplus(rest.args[0])
    return log1p(rest)


def _power(expr: sp.Pow) -> sp.Expr:
    """Recognise (1 + e^u)^{−n} and cosh(u)^{−n}."""
    rest = expr.base - 1
    if isinstance(rest, sp.exp) and expr.exp.is_Integer and expr.exp.is_negative:
        return sigmoid(-rest.args[0]) ** (-expr.exp)
    if isinstance(expr.base, sp.cosh) and expr.exp.is_Integer and expr.exp.is_negative:
        whole, odd = divmod(-int(expr.exp), 2)
        return Sech2(expr.base.args[0]) ** whole * sp.sqrt(Sech2(expr.base.args[0])) ** odd
    return expr


def _product(expr: sp.Mul) -> sp.Expr:
    return _scaled_tails(_logistic_pairs(expr))


def _logistic_pairs(expr: sp.Expr) -> sp.Expr:
    """Use e^u sigmoid(−u) = sigmoid(u), as often as the powers allow."""
    for factor in expr.args if expr.is_Mul else ():
        base, power = factor.as_base_exp()
        if not isinstance(base, sigmoid) or not (power.is_Integer and power > 0):
            continue
        inner = -base.args[0]
        exponent = sum(f.args[0] for f in expr.args if isinstance(f, sp.exp))
        ratio = sp.cancel(exponent / inner)
        if ratio.is_Integer and 0 < ratio <= power:
            rest = sp.Mul(*(f for f in expr.args if not isinstance(f, sp.exp) and f != factor))
            return rest * sigmoid(inner) ** ratio * base ** (power - ratio)
    return expr


def _scaled_tails(expr: sp.Expr) -> sp.Expr:
    """Join exp(A) and erfc(B) with B ≥ 0: neither factor need be representable."""
    if not expr.is_Mul:
        return expr
    exponents = [f.args[0] for f in expr.args if isinstance(f, sp.exp)]
    tails = [f for f in expr.args if isinstance(f, sp.erfc) and f.args[0].is_nonnegative]
    if not exponents or not tails:
        return expr
    tail = tails[0]
    exponent = sp.expand(sp.Add(*exponents) - tail.args[0] ** 2)
    rest = [f for f in expr.args if not isinstance(f, sp.exp) and f is not tail]
    return sp.Mul(*rest, sp.exp(exponent), erfcx(tail.args[0]))


def _arcsine(expr: sp.asin) -> sp.Expr:
    """Write asin(a/b) with the exact difference b² − a², which 1 − (a/b)² would lose."""
    above, below = sp.fraction(sp.together(expr.args[0]))
    if below == 1 or not below.is_positive:
        return expr
    field = Field([above, below])
    gap = field.number(below) ** 2 - field.number(above) ** 2
    return sp.atan(above / sp.sqrt(gap.expr())) if gap.sign() == 1 else expr


_Pair = Callable[[sp.Expr], "sp.Expr | None"]


def _difference(factor: sp.Expr) -> sp.Expr | None:
    """For f with f ≈ 1 somewhere: an accurate form of 1 − f."""
    base, power = factor.as_base_exp()
    if isinstance(factor, sp.exp):
        return -expm1(factor.args[0])
    if isinstance(factor, sp.erf):
        return sp.erfc(factor.args[0])
    if isinstance(factor, sp.erfc):
        return sp.erf(factor.args[0])
    if isinstance(base, sp.tanh) and power == 2:
        return Sech2(base.args[0])
    if isinstance(factor, sp.cos):
        return Cos1m(factor.args[0])
    if isinstance(factor, sigmoid):
        return sigmoid(-factor.args[0])
    return None


def _sum(expr: sp.Expr) -> sp.Expr:
    """Join pairs c, −c·f in a sum to c·(1 − f)."""
    terms = list(expr.args)
    for term in expr.args:
        for factor in sp.Mul.make_args(term):
            joined, partner = _difference(factor), -term / factor
            if isinstance(factor, sp.erf) and -partner in terms:
                joined, partner = 2 * Phi(sp.sqrt(2) * factor.args[0]), -partner
            if joined is not None and term in terms and partner in terms:
                terms.remove(term)
                terms.remove(partner)
                terms.append(partner * joined)
                break
    return sp.Add(*terms)


_RULES: tuple[tuple[type, Callable[[sp.Expr], sp.Expr]], ...] = (
    (sp.asin, _arcsine),
    (sp.log, _logarithm),
    (sp.Pow, _power),
    (sp.Mul, _product),
    (sp.Add, _sum),
)
