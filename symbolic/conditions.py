"""Where a claim is meant to hold: the assumptions on its symbols, and conditions besides.

>>> x, y = sp.symbols("x y", real=True)
>>> domain = Domain({x, y}, read_where(((x > 0), sp.Eq(y, x + 1), "x < 2"), {"x": x}))
>>> domain.ranges[x], domain.solved
(Interval.open(0, 2), {y: x + 1})
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import sympy as sp
from sympy.core.relational import Relational

from freejac.symbolic.balls import working_bits
from freejac.symbolic.claim_text import read_conditions
from freejac.symbolic.enclosures import Ball, Enclosures, NoValue
from freejac.symbolic.errors import InputError

__all__ = ["Domain", "Point", "ball_of", "read_where"]

Point: TypeAlias = dict[sp.Basic, sp.Expr]
"""An exact number for every symbol."""

_TRIES = 60
_BITS = 128
_SPECIAL_SHARE = 0.12
_SPECIAL = (sp.S.Zero, sp.S.One, sp.S.NegativeOne, sp.S.Half)
_LINE = sp.Interval(-sp.oo, sp.oo)


def read_where(where: Any, names: Mapping[str, sp.Symbol]) -> tuple[sp.Basic, ...]:
    """Read conditions, in any form that `check` takes.

    Raises:
        InputError: it is none of these forms.

    >>> x = sp.Symbol("x", real=True)
    >>> read_where({x: (0, 1)}, {})
    (Contains(x, Interval.open(0, 1)),)
    """
    if where is None or where is True or where is sp.true:
        return ()
    if where is False or where is sp.false:
        return (sp.false,)
    if isinstance(where, str):
        return read_conditions(where, names) if where.strip() else ()
    if isinstance(where, sp.And):
        return tuple(part for arg in where.args for part in read_where(arg, names))
    if isinstance(where, Mapping):
        pairs = ((_symbol(s, names), range_) for s, range_ in where.items())
        return tuple(_membership(symbol, range_) for symbol, range_ in pairs)
    if isinstance(where, (Relational, sp.Contains, sp.Or, sp.Not)):
        return (where,)
    if isinstance(where, Iterable):
        return tuple(part for item in where for part in read_where(item, names))
    raise InputError(f"a condition is a relation, text, or a mapping to sets, not {where!r}")


def _symbol(symbol: Any, names: Mapping[str, sp.Symbol]) -> sp.Symbol:
    if isinstance(symbol, str) and symbol in names:
        return names[symbol]
    if not isinstance(symbol, sp.Symbol):
        raise InputError(f"a range is given for a symbol of the claim, not for {symbol!r}")
    return symbol


def _membership(symbol: sp.Symbol, range_: Any) -> sp.Basic:
    if isinstance(range_, (sp.Set,)):
        return sp.Contains(symbol, range_, evaluate=False)
    try:
        low, high = (sp.sympify(end, strict=True) for end in range_)
        return sp.Contains(symbol, sp.Interval.open(low, high), evaluate=False)
    except (TypeError, ValueError, sp.SympifyError):
        message = f"the range of {symbol} is a set or a pair (low, high), not {range_!r}"
        raise InputError(message) from None


def ball_of(value: sp.Expr) -> Ball:
    """The ball of an exact number, at the working precision of python-flint."""
    return Enclosures({}, {}).of(value)


class Domain:
    """The set of admissible points.

    Attributes:
        symbols: in order.
        ranges: for each real symbol the interval or set it is confined to, by itself.
        solved: symbols that an equation gives in terms of the others.
        rest: conditions that only points can be tested against.
    """

    def __init__(self, symbols: Iterable[sp.Symbol], conditions: tuple[sp.Basic, ...]) -> None:
        named = set(symbols).union(*(condition.free_symbols for condition in conditions))
        self.symbols = sorted(named, key=sp.default_sort_key)
        self.conditions = conditions
        self.ranges: dict[sp.Symbol, sp.Set] = {
            symbol: _assumed(symbol) for symbol in self.symbols if symbol.is_extended_real
        }
        self.solved: dict[sp.Symbol, sp.Expr] = {}
        self.rest: list[sp.Basic] = []
        for condition in conditions:
            self._make_real(condition)
        for condition in conditions:
            self._take(condition)

    def _make_real(self, condition: sp.Basic) -> None:
        """What is compared with a real number by <, or lies in an interval, is real."""
        if isinstance(condition, sp.Contains):
            pairs = [(condition.args[0], condition.args[1].is_subset(sp.S.Reals))]
        elif isinstance(condition, Relational) and not isinstance(condition, (sp.Eq, sp.Ne)):
            (left, right) = condition.args
            pairs = [(left, right.is_extended_real), (right, left.is_extended_real)]
        else:
            return
        for symbol, real in pairs:
            if isinstance(symbol, sp.Symbol) and real and symbol.is_extended_real is None:
                self.ranges.setdefault(symbol, _LINE)

    def _take(self, condition: sp.Basic) -> None:
        if isinstance(condition, sp.Contains) and condition.args[0] in self.ranges:
            self._confine(condition.args[0], condition.args[1])
        elif isinstance(condition, sp.Eq) and self._solve(condition):
            return
        elif not self._confined_by(condition):
            self.rest.append(condition)

    def _confine(self, symbol: sp.Symbol, to: sp.Set) -> None:
        self.ranges[symbol] = _whole_ends(symbol, self.ranges[symbol].intersect(to))

    def _confined_by(self, condition: sp.Basic) -> bool:
        """Use a condition on one real symbol against a number."""
        if not isinstance(condition, Relational) or isinstance(condition, (sp.Eq, sp.Ne)):
            return False
        for symbol, bound, flipped in (
            (condition.lhs, condition.rhs, False),
            (condition.rhs, condition.lhs, True),
        ):
            if symbol in self.ranges and bound.is_extended_real and bound.is_number:
                below = isinstance(condition, (sp.Lt, sp.Le)) != flipped
                strict = isinstance(condition, (sp.Lt, sp.Gt))
                to = (
                    sp.Interval(-sp.oo, bound, False, strict)
                    if below
                    else sp.Interval(bound, sp.oo, strict, False)
                )
                self._confine(symbol, to)
                return True
        return False

    def _solve(self, equation: sp.Eq) -> bool:
        """Give one symbol by the others: one that enters linearly, or by one power."""
        difference = sp.numer(sp.together(equation.lhs - equation.rhs))
        alone = [side for side in equation.args if isinstance(side, sp.Symbol)]
        others = sorted(difference.free_symbols, key=sp.default_sort_key)
        for symbol in dict.fromkeys((*alone, *others)):
            if symbol in self.solved or symbol.is_integer:
                continue
            value = _solution(difference, symbol)
            if value is None or value.free_symbols & self.solved.keys():
                continue
            self.solved = {s: e.xreplace({symbol: value}) for s, e in self.solved.items()}
            self.solved[symbol] = value
            return True
        return False

    def substituted(self, expr: sp.Basic) -> sp.Basic:
        """An expression after the equations."""
        return expr.subs(self.solved, simultaneous=True) if self.solved else expr

    def points(self, rng: random.Random, count: int) -> Iterator[Point]:
        """Draw admissible points, simple ones first; fewer if the domain is hard to hit."""
        for number in range(count if self.symbols else 1):
            for attempt in range(_TRIES):
                point = self._drawn(rng, 0 if attempt == 0 and number == 0 else number + attempt)
                if point is not None and self.admits(point):
                    yield point
                    break
            else:
                if number == 0:
                    return

    def special_points(self) -> Iterator[Point]:
        """Admissible points where one symbol has a value at which functions often differ."""
        simple = self._drawn(random.Random(0), 0)
        if simple is None:
            return
        for symbol in self.symbols:
            range_ = self.ranges.get(symbol)
            if range_ is None or symbol in self.solved:
                continue
            ends = (range_.inf, range_.sup) if isinstance(range_, sp.Interval) else ()
            for value in dict.fromkeys((*ends, *_SPECIAL)):
                if not (value.is_Rational and range_.contains(value) is sp.true):
                    continue
                point = {**simple, symbol: value}
                point |= {s: e.xreplace(point) for s, e in self.solved.items()}
                finite = not any(v.has(sp.nan, sp.zoo) for v in point.values())
                if finite and all(_fits(s, v) for s, v in point.items()) and self.admits(point):
                    yield point

    def _drawn(self, rng: random.Random, size: int) -> Point | None:
        point: Point = {}
        for place, symbol in enumerate(self.symbols):
            if symbol in self.solved:
                continue
            value = self._draw(symbol, rng, size, place)
            if value is None:
                return None
            point[symbol] = value
        for symbol, expr in self.solved.items():
            value = expr.xreplace(point)
            if value.has(sp.nan, sp.zoo, sp.oo) or not _fits(symbol, value):
                return None
            point[symbol] = value
        return {symbol: point[symbol] for symbol in self.symbols}

    def _draw(self, symbol: sp.Symbol, rng: random.Random, size: int, place: int) -> Any:
        for _ in range(_TRIES):
            if symbol in self.ranges:
                value = _from_set(self.ranges[symbol], symbol, rng, size, place)
            elif symbol.is_imaginary:
                value = sp.I * _from_set(_LINE, symbol, rng, size, place)
            else:
                real, imaginary = (_between(_LINE, rng, size, place) for _ in range(2))
                # Far from the real line, too, where the logarithm of an exponential has turned.
                turned = imaginary * rng.choice((1, 1, 1, 9))
                value = real + sp.I * turned if rng.random() < 0.8 else real
            if value is None or _fits(symbol, value):
                return value
        return None

    def admits(self, point: Point) -> bool:
        """Whether a point satisfies every condition, for certain."""
        for symbol in self.solved:
            if symbol in self.ranges and not _inside(self.ranges[symbol], point[symbol]):
                return False
        with working_bits(_BITS):
            return all(self._holds(condition, point) for condition in self.rest)

    @staticmethod
    def _holds(condition: sp.Basic, point: Point) -> bool:
        try:
            balls = {symbol: ball_of(value) for symbol, value in point.items()}
            return Enclosures(balls, point).holds(condition)
        except NoValue:
            return False


def _assumed(symbol: sp.Symbol) -> sp.Set:
    if symbol.is_zero:
        return sp.FiniteSet(0)
    low = 0 if symbol.is_extended_nonnegative else -sp.oo
    high = 0 if symbol.is_extended_nonpositive else sp.oo
    open_at_zero = bool(symbol.is_nonzero)
    return _whole_ends(symbol, sp.Interval(low, high, open_at_zero, open_at_zero))


def _whole_ends(symbol: sp.Symbol, range_: sp.Set) -> sp.Set:
    """The range of an integer, from its first to its last."""
    if not symbol.is_integer or not isinstance(range_, sp.Interval):
        return range_
    low, high = range_.start, range_.end
    first = low if low.is_infinite else sp.floor(low) + 1 if range_.left_open else sp.ceiling(low)
    last = (
        high if high.is_infinite else sp.ceiling(high) - 1 if range_.right_open else sp.floor(high)
    )
    return sp.Interval(first, last)


def _solution(difference: sp.Expr, symbol: sp.Symbol) -> sp.Expr | None:
    poly = difference.as_poly(symbol)
    if poly is None or len(poly.monoms()) > 2 or poly.degree() < 1:
        return None
    degree, free = poly.degree(), poly.nth(0)
    if poly.LC().is_nonzero is not True or (len(poly.monoms()) == 2 and free == 0):
        return None  # where the coefficient vanishes there may be more solutions
    value = sp.factor(-free / poly.LC())
    if degree == 1:
        return value
    if symbol.is_nonnegative and value.is_nonnegative is not False:
        return value ** sp.Rational(1, degree)
    return None


def _fits(symbol: sp.Symbol, value: sp.Expr) -> bool:
    """Whether a value has what is assumed of the symbol."""
    for fact, holds in symbol.assumptions0.items():
        if fact in {"commutative", "hermitian"}:
            continue
        if getattr(value, f"is_{fact}", None) is not holds:
            return False
    return True


def _inside(range_: sp.Set, value: sp.Expr) -> bool:
    return range_.contains(value) is sp.true


def _from_set(
    range_: sp.Set, symbol: sp.Symbol, rng: random.Random, size: int, place: int
) -> sp.Expr | None:
    """A number of a set: a simple one at size 0, then more and more general ones."""
    if range_ is sp.S.EmptySet:
        return None
    if isinstance(range_, sp.FiniteSet):
        return rng.choice(sorted(range_.args, key=sp.default_sort_key))
    if isinstance(range_, sp.Union):
        return _from_set(rng.choice(range_.args), symbol, rng, size, place)
    if range_ in (sp.S.Integers, sp.S.Naturals, sp.S.Naturals0):
        range_ = sp.Interval(range_.inf, range_.sup)
        return sp.Integer(_whole(range_, rng, size))
    if isinstance(range_, sp.Range):
        return rng.choice(range_[: min(len(range_), 40)])
    if not isinstance(range_, sp.Interval):
        return None
    if symbol.is_integer:
        value = _whole(range_, rng, size)
        return None if value is None else sp.Integer(value)
    return _between(range_, rng, size, place)


def _whole(range_: sp.Interval, rng: random.Random, size: int) -> int | None:
    reach = 3 + min(size, 5)
    low = range_.start if range_.start.is_finite else None
    high = range_.end if range_.end.is_finite else None
    if low is None and high is None:
        return rng.randint(-reach, reach)
    if low is None:
        last = int(sp.floor(high))
        return rng.randint(last - reach, last)
    first = int(sp.ceiling(low))
    last = first + reach if high is None else min(int(sp.floor(high)), first + 40)
    return None if last < first else rng.randint(first, last)


def _between(range_: sp.Interval, rng: random.Random, size: int, place: int) -> sp.Expr:
    low, high = range_.start, range_.end
    if size and rng.random() < _SPECIAL_SHARE:
        special = rng.choice((low, high, *_SPECIAL))
        if special.is_Rational and range_.contains(special) is sp.true:
            return special
    part = sp.Rational(1, 2 + place) if size == 0 else _fraction(rng, size)
    if low.is_finite and high.is_finite:
        if not (low.is_Rational and high.is_Rational):
            low, high = _rational_within(low, high)
        return low + (high - low) * part
    step = _size(part, rng, size)
    if low.is_finite:
        return _near(low, 1) + step
    if high.is_finite:
        return _near(high, -1) - step
    return step if size == 0 or rng.random() < 0.5 else -step


def _fraction(rng: random.Random, size: int) -> sp.Rational:
    below = 7 + 10 * min(size, 30)
    bottom = rng.randint(3, below)
    return sp.Rational(rng.randint(1, bottom - 1), bottom)


def _size(part: sp.Rational, rng: random.Random, size: int) -> sp.Rational:
    """A positive number, mostly between 1/8 and 4."""
    if size == 0:
        return part
    return part * rng.choice((1, 1, 2, 4)) if rng.random() < 0.8 else 1 / part


def _near(end: sp.Expr, side: int) -> sp.Rational:
    """A rational number at an end of the range, or just inside."""
    if end.is_Rational:
        return end
    return sp.Rational(int(sp.floor(end * 1024)) + (side > 0), 1024)


def _rational_within(low: sp.Expr, high: sp.Expr) -> tuple[sp.Rational, sp.Rational]:
    scale = 2 ** int(sp.ceiling(10 - sp.log(high - low, 2).evalf()))
    inner_low = sp.Rational(int(sp.ceiling(low * scale)), scale)
    return inner_low, sp.Rational(int(sp.floor(high * scale)), scale)
