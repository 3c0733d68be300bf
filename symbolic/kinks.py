"""Cases: what has kinks or steps, with the domain cut where they are.

>>> x = sp.Symbol("x", real=True)
>>> expr = sp.Abs(x) - sp.Max(x, -x)
>>> [resolved(case.substituted(expr), case) for case in cases(expr, Domain({x}, ()))]
[0, 0, 0]
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import sympy as sp
from sympy.core.relational import Relational

from freejac.symbolic.conditions import Domain
from freejac.symbolic.strict_signs import strict_sign

__all__ = ["KINKED", "cases", "has_kinks", "resolved"]

KINKED = (sp.Abs, sp.sign, sp.Max, sp.Min, sp.Heaviside, sp.Piecewise, sp.floor, sp.ceiling)
_MOST_CASES = 60


def has_kinks(expr: sp.Basic) -> bool:
    """Whether an expression has parts that only a distinction of cases resolves."""
    return bool(expr.has(*KINKED) or expr.has(sp.DiracDelta))


def resolved(expr: sp.Expr, domain: Domain) -> sp.Expr:
    """Replace what has one sign on the whole domain, as far as that is proved."""
    if not expr.args or not has_kinks(expr):
        return expr
    if isinstance(expr, sp.Piecewise):
        return _of_cases(expr, domain)
    args = [resolved(arg, domain) for arg in expr.args]
    expr = expr.func(*args) if args != list(expr.args) else expr
    if isinstance(expr, (sp.Abs, sp.sign, sp.Heaviside)):
        sign = strict_sign(expr.args[0], domain)
        return expr if sign is None else _signed(expr, sign)
    if isinstance(expr, (sp.Max, sp.Min)):
        return _extreme(expr, domain)
    if isinstance(expr, sp.DiracDelta):
        return sp.S.Zero if strict_sign(expr.args[0], domain) in (1, -1) else expr
    return expr


def _signed(expr: sp.Expr, sign: int) -> sp.Expr:
    if isinstance(expr, sp.Abs):
        return sign * expr.args[0]
    if isinstance(expr, sp.sign):
        return sp.Integer(sign)
    return expr.args[1] if sign == 0 else sp.Integer(sign > 0)


def _extreme(expr: sp.Expr, domain: Domain) -> sp.Expr:
    """Max or Min without the arguments that another one beats."""
    turn = 1 if isinstance(expr, sp.Max) else -1
    left = list(expr.args)
    for arg in expr.args:
        others = [other for other in left if other != arg]
        if any(strict_sign(turn * (other - arg), domain) in (0, 1) for other in others):
            left.remove(arg)
    return expr.func(*left)


def _of_cases(expr: sp.Piecewise, domain: Domain) -> sp.Expr:
    kept: list[tuple[sp.Expr, sp.Basic]] = []
    for value, condition in expr.args:
        holds = decided(condition, domain)
        if holds is False:
            continue
        kept.append((value, sp.true if holds else condition))
        if holds:
            break
    if kept and kept[0][1] is sp.true:
        return resolved(kept[0][0], domain)
    return sp.Piecewise(*kept) if kept and len(kept) < len(expr.args) else expr


def decided(condition: sp.Basic, domain: Domain) -> bool | None:
    """Whether a condition holds everywhere, or nowhere, on the domain."""
    if condition in (sp.true, sp.false):
        return bool(condition)
    if isinstance(condition, (sp.And, sp.Or)):
        answers = [decided(part, domain) for part in condition.args]
        decisive = isinstance(condition, sp.Or)
        if decisive in answers:
            return decisive
        return None if None in answers else not decisive
    if isinstance(condition, sp.Not):
        answer = decided(condition.args[0], domain)
        return None if answer is None else not answer
    if not isinstance(condition, Relational):
        return None
    sign = strict_sign(condition.lhs - condition.rhs, domain)
    if sign is None:
        return None
    return {
        sp.Lt: sign < 0,
        sp.Le: sign <= 0,
        sp.Gt: sign > 0,
        sp.Ge: sign >= 0,
        sp.Eq: sign == 0,
        sp.Ne: sign != 0,
    }[type(condition)]


def cases(expr: sp.Expr, domain: Domain) -> Iterator[Domain]:
    """Parts of the domain, all of it together, on each of which no kink of an expression is left.

    Raises:
        ValueError: it cannot be cut like that.
    """
    waiting, count = [domain], 0
    while waiting:
        case = waiting.pop()
        count += 1
        if count > _MOST_CASES:
            raise ValueError("too many cases")
        if any(case.substituted(condition) is sp.false for condition in case.conditions):
            continue
        left = resolved(case.substituted(expr), case)
        if not has_kinks(left):
            yield case
            continue
        cuts = (_cut(question, case) for question in questions(left))
        parts = next((found for found in cuts if found), None)
        if parts is None:
            raise ValueError("the domain cannot be cut at the kinks")
        waiting += parts


def questions(expr: sp.Basic) -> Iterator[sp.Expr]:
    """Expressions whose sign matters, the innermost first."""
    for arg in expr.args:
        yield from questions(arg)
    if isinstance(expr, (sp.Abs, sp.sign, sp.Heaviside, sp.DiracDelta)):
        yield expr.args[0]
    elif isinstance(expr, (sp.Max, sp.Min)):
        yield expr.args[0] - expr.args[1]
    elif isinstance(expr, sp.Piecewise):
        for _, condition in expr.args:
            for relation in condition.atoms(Relational):
                yield relation.lhs - relation.rhs


def _cut(question: sp.Expr, domain: Domain) -> list[Domain] | None:
    """The domain where an expression is negative, 0, and positive."""
    symbols = sorted(question.free_symbols, key=sp.default_sort_key)
    if not all(symbol in domain.ranges for symbol in symbols):
        return None  # a complex number is neither negative nor 0 nor positive
    if len(symbols) == 1:
        return _cut_range(question, symbols[0], domain)
    for symbol in symbols:
        poly = question.as_poly(symbol)
        if poly is None or poly.degree() != 1 or symbol.is_integer:
            continue
        if strict_sign(poly.nth(1), domain) in (1, -1):
            level = sp.cancel(-poly.nth(0) / poly.nth(1))
            at = _at(domain, symbol, level)
            return [_with(domain, question > 0), _with(domain, question < 0), at]
    return None


def _cut_range(question: sp.Expr, symbol: sp.Symbol, domain: Domain) -> list[Domain] | None:
    """Cut the range of one symbol at the roots, and at its own ends."""
    range_ = domain.ranges.get(symbol)
    poly = question.as_poly(symbol)
    if poly is None or not isinstance(range_, sp.Interval):
        return None
    if not all(coefficient.is_Rational for coefficient in poly.all_coeffs()):
        return None
    roots = {root for factor, _ in poly.factor_list()[1] for root in _rational_root(factor)}
    curved = [factor for factor, _ in poly.factor_list()[1] if factor.degree() > 1]
    if any(_has_root(factor, range_) for factor in curved):
        return None
    inside = sorted(root for root in roots if range_.contains(root) is sp.true)
    ends = [end for end in (range_.start, range_.end) if range_.contains(end) is sp.true]
    points = sorted({*inside, *ends})
    if not points:
        return None
    parts = [_at(domain, symbol, point) for point in points]
    edges = [range_.start, *(p for p in points if range_.start < p < range_.end), range_.end]
    for low, high in pairwise(edges):
        if low < high:
            between = sp.Interval.open(low, high)
            parts.append(_with(domain, sp.Contains(symbol, between, evaluate=False)))
    return parts


def _rational_root(factor: sp.Poly) -> list[sp.Expr]:
    return [-factor.nth(0) / factor.nth(1)] if factor.degree() == 1 else []


def _has_root(factor: sp.Poly, range_: sp.Interval) -> bool:
    low, high = range_.start, range_.end
    return bool(
        factor.count_roots(low if low.is_Rational else None, high if high.is_Rational else None)
    )


def _with(domain: Domain, *conditions: Any) -> Domain:
    return Domain(domain.symbols, (*domain.conditions, *conditions))


def _at(domain: Domain, symbol: sp.Symbol, value: sp.Expr) -> Domain:
    """The domain with a symbol fixed."""
    return _with(domain, sp.Eq(symbol, value, evaluate=False))
