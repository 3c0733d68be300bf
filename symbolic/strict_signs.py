"""Strict signs of expressions on a domain, and whether they are analytic there: by proof, or None.

>>> from freejac.symbolic.conditions import Domain
>>> q = sp.Symbol("q", positive=True)
>>> c = sp.Symbol("c", real=True)
>>> domain = Domain({q, c}, (c > -1, c < 1))
>>> strict_sign(1 - c, domain), strict_sign(sp.sqrt(1 + 2 * q) - c, domain)
(1, None)
>>> is_analytic(sp.asin(2 * c * q / (1 + 2 * q)), c, domain)
True
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from freejac.symbolic.conditions import Domain
from freejac.symbolic.functions import Phi, sigmoid, softplus
from freejac.symbolic.normal_form import NormalForms, NotNormal, normal_forms
from freejac.symbolic.polynomials import Poly
from freejac.symbolic.scaled import dawson, erfcx
from freejac.symbolic.sign_proofs import number_sign, sign_on
from freejac.symbolic.tower import Generator, TooLarge

__all__ = ["is_analytic", "is_continuous", "is_real_on", "strict_sign", "weak_sign"]

_ENTIRE = (
    sp.exp,
    sp.sin,
    sp.cos,
    sp.sinh,
    sp.cosh,
    sp.erf,
    sp.erfc,
    sp.erfi,
    Phi,
    erfcx,
    dawson,
)
_ON_THE_LINE = (sp.tanh, sp.atan, sp.asinh, sp.sech, sigmoid, softplus)


def strict_sign(expr: sp.Expr, domain: Domain) -> int | None:
    """Sign of an expression that is the same, and not 0, everywhere on the domain: 1, −1, or None.

    An expression that is 0 everywhere has the sign 0.
    """
    if expr.is_positive:
        return 1
    if expr.is_negative:
        return -1
    if expr.is_zero:
        return 0
    if not expr.free_symbols:
        return number_sign(expr)
    try:
        forms, value = normal_forms(expr, domain)
    except NotNormal:
        return None
    if value.above.is_zero():
        return 0
    product = 1
    try:
        for factor, power in forms.factors(value):
            sign = _strict_factor(forms, factor)
            if sign is None and power % 2 == 0 and forms.tower.is_real(factor):
                sign = 1 if _never_zero(forms, factor) else None
            if sign is None:
                return None
            product *= sign if power % 2 else 1
    except (NotNormal, TooLarge, ZeroDivisionError):
        return None
    return product


def _never_zero(forms: NormalForms, factor: Poly) -> bool:
    alone = forms.tower.alone(factor)
    return alone is not None and bool(alone.expr.is_nonzero)


def _strict_factor(forms: NormalForms, factor: Poly) -> int | None:
    """Strict sign of −1, a prime, or an irreducible polynomial."""
    tower = forms.tower
    if factor.is_constant():
        return 1 if factor.leading_coefficient() > 0 else -1
    sign = tower.plain_sign(factor)
    if sign is not None:
        return sign if _has_strict_term(forms, factor) else None
    used = tower.used(factor)
    if not all(generator.real for generator in used):
        return None
    if all(generator.expr.is_Symbol for generator in used):
        return _strict_polynomial(tower.to_sympy(factor), forms.domain) or _by_facts(forms, factor)
    if not any(generator.expr.free_symbols for generator in used):
        return number_sign(tower.to_sympy(factor))
    return _by_facts(forms, factor)


def _by_facts(forms: NormalForms, factor: Poly) -> int | None:
    """A condition that says so, strictly."""
    for condition in forms.domain.conditions:
        if not isinstance(condition, (sp.Lt, sp.Gt)):
            continue
        try:
            value = forms.of(forms.domain.substituted(condition.gts - condition.lts))
            factors = forms.factors(value)
        except (NotNormal, TooLarge, ZeroDivisionError):
            continue
        sign, found = 1, False
        for other, power in factors:
            if other in (factor, -factor):
                found = power % 2 == 1
                sign *= 1 if other == factor else -1
                continue
            known = forms.sign(other) if power % 2 else 1
            if known is None:
                break
            sign *= known
        else:
            if found:
                return sign
    return None


def _has_strict_term(forms: NormalForms, poly: Poly) -> bool:
    for powers in poly.to_dict():
        used = [g for g, n in zip(forms.tower.generators, powers, strict=False) if n]
        if all(_is_strict(forms.domain, generator) for generator in used):
            return True
    return False


def _is_strict(domain: Domain, generator: Generator) -> bool:
    """Whether what a generator stands for is never 0."""
    expr = generator.expr
    if expr.is_nonzero:
        return True
    range_ = domain.ranges.get(expr)
    if range_ is not None:
        return range_.contains(sp.S.Zero) is sp.false
    return isinstance(expr, sp.exp)


def _strict_polynomial(expr: sp.Expr, domain: Domain) -> int | None:
    """Strict sign of an irreducible polynomial in symbols."""
    sign = sign_on(expr, domain)
    if sign is None:
        return None
    symbols = sorted(expr.free_symbols, key=sp.default_sort_key)
    if any(not _is_open(domain.ranges[symbol]) for symbol in symbols):
        return None
    if len(symbols) == 1:
        # Irreducible, so that every root is simple and would change the sign.
        return sign
    # All coefficients of one sign in positive variables: on the open domain no zero is left.
    flat = all(_is_bounded_somewhere(domain.ranges[symbol]) for symbol in symbols)
    return sign if flat else None


def _is_open(range_: sp.Set) -> bool:
    return isinstance(range_, sp.Interval) and bool(range_.left_open and range_.right_open)


def _is_bounded_somewhere(range_: sp.Interval) -> bool:
    return bool(range_.start.is_finite or range_.end.is_finite)


def is_analytic(
    expr: sp.Expr, symbol: sp.Symbol, domain: Domain, at: sp.Expr | None = None
) -> bool:
    """Whether an expression is proved to be analytic in a symbol on the domain.

    Args:
        expr: the expression.
        symbol: the variable.
        domain: of all symbols.
        at: a value of the symbol, if analyticity at that value alone is asked for.
    """
    if symbol not in expr.free_symbols or expr == symbol:
        return True
    inner = [is_analytic(arg, symbol, domain, at) for arg in expr.args if isinstance(arg, sp.Expr)]
    if len(inner) != len(expr.args) or not all(inner):
        return False
    if expr.is_Add or expr.is_Mul or isinstance(expr, _ENTIRE):
        return True
    args = expr.args if at is None else tuple(arg.subs(symbol, at) for arg in expr.args)
    if any(arg.has(sp.nan, sp.zoo, sp.oo, -sp.oo) for arg in args):
        return False
    if isinstance(expr, sp.Pow):
        constant = symbol not in expr.exp.free_symbols
        return _power_is_analytic(args[0], expr.exp if constant else sp.Dummy(), domain)
    return _is_analytic_outside(expr.func, args, domain)


def _is_analytic_outside(function: Any, args: tuple[sp.Expr, ...], domain: Domain) -> bool:
    """Whether a function is analytic at every value that its argument takes."""
    arg = args[0]
    if function in _ON_THE_LINE:
        return is_real_on(arg, domain)
    if function in (sp.log, sp.gamma) and len(args) == 1:
        return strict_sign(arg, domain) == 1
    if function in (sp.asin, sp.acos, sp.atanh):
        return strict_sign(1 - arg, domain) == 1 == strict_sign(1 + arg, domain)
    return False


def is_continuous(expr: sp.Expr, symbol: sp.Symbol, domain: Domain) -> bool:
    """Whether an expression is proved to be continuous in a symbol on the domain.

    >>> from freejac.symbolic.conditions import Domain
    >>> c = sp.Symbol("c", real=True)
    >>> closed = Domain({c}, (c >= -1, c <= 1))
    >>> is_continuous(sp.asin(c) + sp.sqrt(1 - c), c, closed), is_continuous(1 / c, c, closed)
    (True, False)
    """
    if symbol not in expr.free_symbols or expr == symbol:
        return True
    inner = [is_continuous(arg, symbol, domain) for arg in expr.args if isinstance(arg, sp.Expr)]
    if len(inner) != len(expr.args) or not all(inner):
        return False
    if expr.is_Add or expr.is_Mul or isinstance(expr, (*_ENTIRE, sp.Abs)):
        return True
    if isinstance(expr, sp.Pow):
        if expr.exp.is_Rational and expr.exp > 0:
            return bool(expr.exp.is_Integer) or weak_sign(expr.base, domain) == 1
        return _power_is_analytic(expr.base, expr.exp, domain)
    if isinstance(expr, (sp.asin, sp.acos)):
        arg = expr.args[0]
        return weak_sign(1 - arg, domain) == 1 == weak_sign(1 + arg, domain)
    return _is_analytic_outside(expr.func, expr.args, domain)


def weak_sign(expr: sp.Expr, domain: Domain) -> int | None:
    """1 if an expression is ≥ 0 on the whole domain, −1 if ≤ 0, None if neither is proved."""
    try:
        forms, value = normal_forms(expr, domain)
        if value.above.is_zero():
            return 1
        product = 1
        for factor, power in forms.factors(value):
            sign = forms.sign(factor)
            if power % 2 == 0 and forms.tower.is_real(factor):
                continue
            if sign is None:
                return None
            product *= sign if power % 2 else 1
    except (NotNormal, TooLarge, ZeroDivisionError):
        return None
    return product


def _power_is_analytic(base: sp.Expr, exponent: sp.Expr, domain: Domain) -> bool:
    if exponent.is_Integer and exponent >= 0:
        return True
    if exponent.is_integer:
        return bool(base.is_nonzero) or strict_sign(base, domain) in (1, -1)
    return strict_sign(base, domain) == 1


def is_real_on(expr: sp.Expr, domain: Domain) -> bool:
    """Whether an expression is proved to be real on the domain."""
    if expr.is_real:
        return True
    value: Any
    try:
        forms, value = normal_forms(expr, domain)
    except NotNormal:
        return False
    return forms.tower.is_real(value.above) and forms.tower.is_real(value.below)
