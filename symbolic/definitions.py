"""Definitions written out: derivatives, means, integrals, sums and limits, by exact steps.

>>> from freejac.symbolic.conditions import Domain, Point
>>> from freejac.symbolic.expectation import Expectation
>>> from freejac.symbolic.symbols import q, x
>>> n = sp.Symbol("n", integer=True, positive=True)
>>> k = sp.Symbol("k", integer=True)
>>> written_out(Expectation(sp.Max(0, x) ** 2, q), Domain({q}, ())).expr
q/2
>>> written_out(sp.Integral(x**2, (x, 0, q)), Domain({q}, ())).steps
('an antiderivative',)
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import sympy as sp

from freejac.symbolic.bivariate import Expectation2, expect2
from freejac.symbolic.conditions import Domain, Point
from freejac.symbolic.errors import Error
from freejac.symbolic.expectation import Expectation, expect
from freejac.symbolic.normal_form import vanishes_on
from freejac.symbolic.strict_signs import is_analytic, is_continuous
from freejac.symbolic.symbols import x
from freejac.symbolic.time_limit import FAILURES

__all__ = ["DEFINED", "WrittenOut", "by_one_term", "is_approached", "written_out"]

DEFINED = (sp.Derivative, sp.Integral, sp.Sum, sp.Product, sp.Limit, Expectation, Expectation2)
"""What stands for its definition."""

_LONGEST_SUM = 400
_FEW_POINTS = 4


@dataclass(frozen=True)
class WrittenOut:
    """An expression after its definitions were written out, as far as that could be done.

    Attributes:
        expr: equal to the one before wherever that is defined.
        steps: what was used, in words.
    """

    expr: sp.Expr
    steps: tuple[str, ...] = ()


def written_out(expr: sp.Expr, domain: Domain) -> WrittenOut:
    """Write out every definition in an expression that exact steps can, the innermost first."""
    steps: dict[str, None] = {}
    result = _visit(expr, domain, steps)
    return WrittenOut(result, tuple(steps))


def _visit(expr: sp.Basic, domain: Domain, steps: dict[str, None]) -> Any:
    if not expr.has(*DEFINED):
        return expr
    if isinstance(expr, (Expectation, Expectation2)):
        return _closed_mean(expr, steps)
    args = [_visit(arg, domain, steps) for arg in expr.args]
    if args != list(expr.args):
        expr = expr.func(*args)
    if isinstance(expr, sp.Derivative):
        done = expr.doit()
        steps["differentiation"] = None
        return done if not done.has(sp.Derivative) else expr
    if isinstance(expr, (sp.Sum, sp.Product)):
        return _finite(expr, steps)
    if isinstance(expr, sp.Integral):
        return _integrated(expr, domain, steps)
    return _limit(expr, domain, steps) if isinstance(expr, sp.Limit) else expr


def _limit(expr: sp.Limit, domain: Domain, steps: dict[str, None]) -> sp.Expr:
    """By Gruntz's algorithm, if values near the limit point agree with what it answers."""
    try:
        value = expr.doit()
    except FAILURES:
        return expr
    if value.has(sp.Limit, sp.AccumBounds, sp.nan, sp.zoo) or not is_approached(
        expr, value, domain
    ):
        return expr
    steps["Gruntz's algorithm for limits"] = None
    return value


def is_approached(expr: sp.Limit, value: sp.Expr, domain: Domain) -> bool:
    """Whether the expression comes nearer and nearer to a value, at some admissible points."""
    points = list(domain.points(random.Random(1), _FEW_POINTS if domain.symbols else 1))
    return bool(points) and all(_comes_nearer(expr, value, point) for point in points)


def _comes_nearer(expr: sp.Limit, value: sp.Expr, point: Point) -> bool:
    inner, symbol, to, side = expr.args
    point.pop(symbol, None)
    inner, value, to = (part.subs(point) for part in (inner, value, to))
    distances = []
    for place in _near(to, str(side)):
        there = inner.subs(symbol, place).evalf(30)
        if not there.is_number or there.has(sp.nan, sp.zoo):
            return False
        gap = 1 / sp.Abs(there) if value.is_infinite else sp.Abs(there - value)
        distances.append(gap.evalf(30))
    least = sp.Float(10) ** -20
    pairs = pairwise(distances)
    return all(bool(b < a) or bool(b < least) for a, b in pairs) and bool(
        distances[-1] < distances[0] * sp.Rational(9, 10) or distances[-1] < least
    )


def _near(to: sp.Expr, side: str) -> list[sp.Expr]:
    """Places that approach a limit point."""
    if to.is_infinite:
        sign = 1 if to is sp.oo else -1
        return [sp.Integer(sign * 4**k) for k in (2, 4, 6)]
    sign = -1 if side == "-" else 1
    return [to + sp.Rational(sign, 8**k) for k in (2, 4, 6)]


def by_one_term(expr: sp.Expr, symbol: sp.Symbol, first: sp.Expr) -> sp.Expr | None:
    """Sums up to n + 1 as sums up to n and one more term, for n from `first` on; None if not so.

    `symbol` is n; the expression already has n + 1 for it.
    """
    for part in expr.atoms(sp.Sum):
        if symbol not in part.free_symbols:
            continue
        if len(part.limits) != 1 or len(part.limits[0]) != 3:
            return None
        index, low, high = part.limits[0]
        shift = sp.expand(high - symbol)
        if not (shift.is_Integer and low.is_Integer) or symbol in part.function.free_symbols:
            return None
        if first + shift - 1 < low - 1:
            return None
        shorter = sp.Sum(part.function, (index, low, high - 1))
        expr = expr.xreplace({part: shorter + part.function.subs(index, high)})
    return expr


def _closed_mean(expr: Any, steps: dict[str, None]) -> sp.Expr:
    try:
        done = expect(*expr.args) if isinstance(expr, Expectation) else expect2(*expr.args)
    except Error:
        return expr
    steps["closed forms of Gaussian means"] = None
    return done


def _finite(expr: Any, steps: dict[str, None]) -> sp.Expr:
    """A sum or product with few terms."""
    if len(expr.limits) != 1 or len(expr.limits[0]) != 3:
        return expr
    symbol, low, high = expr.limits[0]
    count = sp.expand(high - low)
    if not count.is_Integer or not (low.is_Integer or low.is_integer) or count > _LONGEST_SUM:
        return expr
    if count < -1:
        return expr  # SymPy's convention for reversed limits is not everyone's
    terms = [expr.function.subs(symbol, low + k) for k in range(int(count) + 1)]
    steps["every term written out"] = None
    return sp.Add(*terms) if isinstance(expr, sp.Sum) else sp.Mul(*terms)


def _integrated(expr: sp.Integral, domain: Domain, steps: dict[str, None]) -> sp.Expr:
    """An integral by the engine of Gaussian means, or by an antiderivative that is checked."""
    if any(len(limit) != 3 for limit in expr.limits):
        return expr
    inner = expr.function
    for limit in expr.limits:
        done = _integral(inner, limit, domain, steps)
        if done is None:
            return expr
        inner = done
    return inner


def _integral(f: sp.Expr, limit: Any, domain: Domain, steps: dict[str, None]) -> sp.Expr | None:
    symbol, low, high = limit
    if low == high:
        return sp.S.Zero
    return _gaussian_integral(f, symbol, low, high, steps) or _by_antiderivative(
        f, symbol, low, high, domain, steps
    )


def _gaussian_integral(
    f: sp.Expr, symbol: sp.Symbol, low: sp.Expr, high: sp.Expr, steps: dict[str, None]
) -> sp.Expr | None:
    """∫ f = E[f(h) √(2π) exp(h²/2)], where the weight of f cancels the exponential."""
    if not f.has(sp.exp) and (low.is_infinite or high.is_infinite):
        return None
    weight = _quadratic_weight(f, symbol)
    if weight is None:
        return None
    h = x
    variance = 1 / (2 * weight)
    rest = sp.powsimp(sp.expand(f * sp.exp(weight * symbol**2), power_exp=False))
    rest = (rest * sp.sqrt(2 * sp.pi * variance)).subs(symbol, h)
    if low != -sp.oo:
        rest = sp.Piecewise((rest, h > low), (0, True))
    if high != sp.oo:
        rest = sp.Piecewise((rest, h < high), (0, True))
    try:
        done = expect(rest, variance)
    except Error:
        return None
    steps["closed forms of Gaussian means"] = None
    return done


def _quadratic_weight(f: sp.Expr, symbol: sp.Symbol) -> sp.Expr | None:
    """The least a > 0 with a factor exp(−a t²) in f."""
    found = []
    for part in f.atoms(sp.exp):
        poly = part.args[0].as_poly(symbol)
        if poly is not None and poly.degree() == 2 and (-poly.LC()).is_positive:
            found.append(-poly.LC())
    return found[0] if found and all(weight == found[0] for weight in found) else None


def _by_antiderivative(
    f: sp.Expr,
    symbol: sp.Symbol,
    low: sp.Expr,
    high: sp.Expr,
    domain: Domain,
    steps: dict[str, None],
) -> sp.Expr | None:
    """F(b) − F(a) for an F with F′ = f that is analytic between the ends; at the ends by values."""
    t = sp.Dummy(symbol.name, real=True)
    integrand = f.subs(symbol, t)
    try:
        antiderivative = sp.integrate(integrand, t, conds="none")
    except FAILURES:
        return None
    if antiderivative.has(sp.Integral, sp.Piecewise):
        return None
    between = _between(t, low, high, domain)
    if between is None or not is_analytic(antiderivative, t, between):
        return None
    if not vanishes_on(sp.diff(antiderivative, t) - integrand, between):
        return None
    ends = [_at_end(antiderivative, t, end, domain, steps) for end in (low, high)]
    if any(end.has(sp.nan, sp.zoo, sp.oo, -sp.oo, sp.Limit) for end in ends):
        return None
    closed = _between(t, low, high, domain, closed=True)
    if closed is None or not is_continuous(antiderivative, t, closed):
        return None
    steps["an antiderivative"] = None
    return ends[1] - ends[0]


def _at_end(
    expr: sp.Expr, t: sp.Symbol, end: sp.Expr, domain: Domain, steps: dict[str, None]
) -> sp.Expr:
    """The value at an end of the integral, at infinity the limit."""
    if not end.is_infinite:
        return expr.subs(t, end)
    return _limit(sp.Limit(expr, t, end), domain, steps)


def _between(
    t: sp.Symbol, low: sp.Expr, high: sp.Expr, domain: Domain, *, closed: bool = False
) -> Domain | None:
    """The domain with the variable between the ends; symbolic ends are left open."""
    numbers = [low if low.is_number else None, high if high.is_number else None]
    conditions = list(domain.conditions)
    if None not in numbers:
        make = sp.Interval if closed else sp.Interval.open
        conditions.append(sp.Contains(t, make(low, high), evaluate=False))
    elif low.is_nonnegative and high.is_nonnegative:
        range_ = sp.Interval(0, sp.oo) if closed else sp.Interval.open(0, sp.oo)
        conditions.append(sp.Contains(t, range_, evaluate=False))
    return Domain({*domain.symbols, t}, tuple(conditions))
