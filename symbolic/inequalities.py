"""Proofs that an expression is positive, or not negative, on a domain.

>>> from freejac.symbolic.conditions import Domain
>>> from freejac.symbolic.symbols import x
>>> proof_of_sign(sp.exp(x) - 1 - x, Domain({x}, ()))
'derivatives from x = 0'
>>> proof_of_sign(x**2 - x + 1, Domain({x}, ()), strict=True)
'signs of factors'
>>> c = sp.Symbol("c", real=True)
>>> proof_of_sign(sp.exp(c) - sp.sin(2 * c), Domain({c}, (c >= -1, c <= 1)), strict=True)
'ball arithmetic on a partition into 3 boxes'
"""

from __future__ import annotations

import math
import time

import flint
import sympy as sp

from freejac.symbolic.balls import working_bits
from freejac.symbolic.conditions import Domain
from freejac.symbolic.enclosures import Enclosures, rational_ball
from freejac.symbolic.expectation import Expectation
from freejac.symbolic.kinks import cases, has_kinks, resolved
from freejac.symbolic.strict_signs import (
    is_analytic,
    is_continuous,
    is_real_on,
    strict_sign,
    weak_sign,
)
from freejac.symbolic.symbols import x

__all__ = ["proof_of_sign"]

_DEPTH = 4
_FEW_BOXES = 60
_MOST_BOXES = 4000
_BOX_BITS = 64
_BOUNDED = (sp.sin, sp.cos, sp.tanh, sp.erf)


def proof_of_sign(
    expr: sp.Expr,
    domain: Domain,
    *,
    strict: bool = False,
    deadline: float = math.inf,
    depth: int = _DEPTH,
) -> str | None:
    """Prove that an expression is ≥ 0, or > 0, wherever it is defined.

    Args:
        expr: real on the domain.
        domain: where.
        strict: whether 0 is excluded.
        deadline: on the clock `time.process_time`.
        depth: how often a derivative may be taken.

    Returns:
        The method, in words, or None.
    """
    expr = domain.substituted(expr)
    sign = strict_sign(expr, domain)
    if sign == 1 or (sign == 0 and not strict):
        return "signs of factors"
    if not strict and weak_sign(expr, domain) == 1:
        return "signs of factors"
    if sign == -1 or time.process_time() > deadline:
        return None
    if has_kinks(expr):
        return _by_cases(expr, domain, strict, deadline, depth)
    return (
        _as_square(expr, domain, strict)
        or _by_bounds(expr, domain, strict)
        or _by_mean(expr, domain, strict, deadline, depth)
        or _by_boxes(expr, domain, deadline, _FEW_BOXES)
        or _by_derivative(expr, domain, strict, deadline, depth)
        or _by_boxes(expr, domain, deadline, _MOST_BOXES)
    )


def _by_cases(
    expr: sp.Expr, domain: Domain, strict: bool, deadline: float, depth: int
) -> str | None:
    methods = []
    try:
        for case in cases(expr, domain):
            part = resolved(case.substituted(expr), case)
            method = proof_of_sign(part, case, strict=strict, deadline=deadline, depth=depth)
            if method is None:
                return None
            methods.append(method)
    except ValueError:
        return None
    return f"{len(methods)} cases: " + "; ".join(dict.fromkeys(methods))


def _as_square(expr: sp.Expr, domain: Domain, strict: bool) -> str | None:
    """A s² + b s + c with a > 0 and b² − 4ac ≤ 0 (or < 0)."""
    for symbol in sorted(expr.free_symbols, key=sp.default_sort_key):
        poly = expr.as_poly(symbol)
        if poly is None or poly.degree() != 2 or symbol not in domain.ranges:
            continue
        a, b, c = (poly.nth(k) for k in (2, 1, 0))
        if symbol in a.free_symbols | b.free_symbols | c.free_symbols:
            continue
        gap = sp.expand(4 * a * c - b**2)
        good = strict_sign(gap, domain) == 1 if strict else weak_sign(gap, domain) == 1
        if good and strict_sign(a, domain) == 1:
            return f"a square in {symbol} completed"
    return None


def _by_bounds(expr: sp.Expr, domain: Domain, strict: bool) -> str | None:
    """Functions between −1 and 1 replaced by new symbols: true for any values, true for theirs."""
    names: dict[sp.Basic, sp.Symbol] = {}
    conditions = []
    for part in expr.atoms(*_BOUNDED):
        if not is_real_on(part.args[0], domain):
            continue
        names[part] = symbol = sp.Dummy("b", real=True)
        make = sp.Interval if isinstance(part, (sp.sin, sp.cos)) else sp.Interval.open
        conditions.append(sp.Contains(symbol, make(-1, 1), evaluate=False))
    if not names:
        return None
    wider = Domain({*domain.symbols, *names.values()}, (*domain.conditions, *conditions))
    relaxed = expr.xreplace(names)
    sign = strict_sign(relaxed, wider) if strict else weak_sign(relaxed, wider)
    functions = sorted({type(part).__name__ for part in names})
    return f"bounds of {', '.join(functions)}" if sign == 1 else None


def _by_mean(
    expr: sp.Expr, domain: Domain, strict: bool, deadline: float, depth: int
) -> str | None:
    """The mean of what is nowhere negative; the variance is the mean of x²."""
    means = list(expr.atoms(Expectation))
    if len(means) != 1 or depth <= 0:
        return None
    mean, variance = means[0], means[0].variance
    place = sp.Dummy("m")
    poly = expr.xreplace({mean: place}).as_poly(place)
    if poly is None or poly.degree() != 1:
        return None
    factor, rest = poly.nth(1), poly.nth(0)
    by_square = rest.subs(variance, x**2) if variance.is_Symbol else rest
    line = Domain({*domain.symbols, x}, domain.conditions)
    for other in dict.fromkeys((rest, by_square)):
        integrand = factor * mean.args[0] + other
        if other != rest and (factor.has(variance) or sp.Poly(rest, variance).degree() != 1):
            continue
        if proof_of_sign(integrand, line, deadline=deadline, depth=depth - 1) is None:
            continue
        if not strict:
            return "the mean of what is nowhere negative"
    return None


def _by_derivative(
    expr: sp.Expr, domain: Domain, strict: bool, deadline: float, depth: int
) -> str | None:
    """Not negative at one value of a symbol, and growing away from it on both sides."""
    if depth <= 0:
        return None
    for symbol in sorted(expr.free_symbols, key=sp.default_sort_key):
        range_ = domain.ranges.get(symbol)
        if symbol.is_integer or not isinstance(range_, sp.Interval):
            continue
        for place in _starts(range_):
            if time.process_time() > deadline:
                return None
            if _grows_from(place, expr, symbol, range_, domain, strict, deadline, depth):
                return f"derivatives from {symbol} = {place}"
    return None


def _starts(range_: sp.Interval) -> list[sp.Expr]:
    """Values from which an expression may grow: the ends, and simple ones inside."""
    ends = [end for end in (range_.start, range_.end) if end.is_finite]
    inner = [v for v in (sp.S.Zero, sp.S.One, sp.S.Half) if range_.contains(v) is sp.true]
    return list(dict.fromkeys([*ends, *inner]))


def _grows_from(
    place: sp.Expr,
    expr: sp.Expr,
    symbol: sp.Symbol,
    range_: sp.Interval,
    domain: Domain,
    strict: bool,
    deadline: float,
    depth: int,
) -> bool:
    there = expr.subs(symbol, place)
    if there.has(sp.nan, sp.zoo, sp.oo, -sp.oo):
        return False
    belongs = range_.contains(place) is sp.true
    needs = strict and belongs
    if proof_of_sign(there, domain, strict=needs, deadline=deadline, depth=depth - 1) is None:
        return False
    opened = (range_.left_open and range_.start != place, range_.right_open and range_.end != place)
    hull = sp.Interval(range_.start, range_.end, *opened)
    if not is_continuous(expr, symbol, _moved(domain, symbol, hull)):
        return False
    slope = sp.diff(expr, symbol)
    for low, high, way in ((place, range_.end, 1), (range_.start, place, -1)):
        if low == high:
            continue
        side = _moved(domain, symbol, sp.Interval.open(low, high))
        if not is_analytic(expr, symbol, side):
            return False
        grows = proof_of_sign(
            way * slope, side, strict=strict and not belongs, deadline=deadline, depth=depth - 1
        )
        if grows is None:
            return False
    return True


def _moved(domain: Domain, symbol: sp.Symbol, range_: sp.Interval) -> Domain:
    """The domain with another range of one symbol, which need not be within the old one."""
    found = Domain(domain.symbols, domain.conditions)
    found.ranges[symbol] = range_
    return found


def _by_boxes(expr: sp.Expr, domain: Domain, deadline: float, most: int) -> str | None:
    """Enclosures on smaller and smaller boxes: a proof of strict positivity on a compact box."""
    symbols = sorted(expr.free_symbols, key=sp.default_sort_key)
    ranges = [domain.ranges.get(symbol, sp.S.Complexes) for symbol in symbols]
    if not symbols or not all(map(_is_compact, ranges)):
        return None
    waiting = [tuple((range_.start, range_.end) for range_ in ranges)]
    count = 0
    with working_bits(_BOX_BITS):
        while waiting:
            box = waiting.pop()
            count += 1
            if count > most or time.process_time() > deadline:
                return None
            sign = _sign_on_box(expr, dict(zip(symbols, box, strict=True)))
            if sign == 1:
                continue
            if sign == -1:
                return None
            waiting += _halved(box)
    return f"ball arithmetic on a partition into {(count + 1) // 2} boxes"


def _is_compact(range_: sp.Set) -> bool:
    """Whether the closure of a range is bounded by rational numbers."""
    if not isinstance(range_, sp.Interval):
        return False
    return bool(range_.start.is_Rational and range_.end.is_Rational)


def _sign_on_box(expr: sp.Expr, box: dict[sp.Basic, tuple[sp.Expr, sp.Expr]]) -> int | None:
    values = {}
    for symbol, (low, high) in box.items():
        middle, radius = (low + high) / 2, (high - low) / 2
        values[symbol] = rational_ball(middle) + flint.arb(0, rational_ball(radius).abs_upper())
    return Enclosures(values).proved_sign(expr)


def _halved(
    box: tuple[tuple[sp.Expr, sp.Expr], ...],
) -> list[tuple[tuple[sp.Expr, sp.Expr], ...]]:
    widest = max(range(len(box)), key=lambda k: box[k][1] - box[k][0])
    low, high = box[widest]
    middle = (low + high) / 2
    return [(*box[:widest], part, *box[widest + 1 :]) for part in ((low, middle), (middle, high))]
