"""Facts about parameters: what the sign of an expression says about one that enters linearly.

A fact is a substitution: a parameter by a bound plus or minus something positive, or by a fraction
of a bound where it is positive and below it. No assumption on the parameter is lost on the way
where another way would keep it.

>>> a, b = sp.Symbol("a", real=True), sp.Symbol("b", positive=True)
>>> extended((), a - b, 1)
((a, _gap0 + b),)
>>> extended((), b - 1, -1)
((b, _part0/(_part0 + 1)),)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import sympy as sp

from freejac.symbolic.errors import Undecided
from freejac.symbolic.signs import Chain, after, assuming, known_sign, sign_of

__all__ = ["Gap", "extended", "splittable"]


@dataclass(frozen=True)
class _Line:
    """slope · symbol + rest, the sign of the slope known; it vanishes at `level`."""

    symbol: sp.Symbol
    slope_sign: int
    level: sp.Expr


def _lines(expr: sp.Expr, facts: Chain = ()) -> Iterator[_Line]:
    """Every way to read an expression as linear in one symbol."""
    for symbol in sorted(expr.free_symbols, key=sp.default_sort_key):
        slope = _slope(expr, symbol)
        sign = None if slope is None else known_sign(slope, facts)
        if sign:
            yield _Line(symbol, sign, sp.cancel(symbol - expr / slope))


def _slope(expr: sp.Expr, symbol: sp.Symbol) -> sp.Expr | None:
    poly = expr.as_poly(symbol)
    return poly.nth(1) if poly is not None and poly.degree() == 1 else None


def extended(facts: Chain, expr: sp.Expr, sign: int) -> Chain | None:
    """Add the fact that an expression has a sign (−1, 0, 1); None if no symbol is linear in it."""
    numerator, denominator = sp.fraction(sp.factor(sp.together(after(expr, facts))))
    below = known_sign(denominator)
    if not below:
        return None
    ways = [_beyond(line, sign * below * line.slope_sign, len(facts)) for line in _lines(numerator)]
    ways.sort(key=lambda way: not way[1])
    return (*facts, ways[0][0]) if ways else None


def _beyond(line: _Line, side: int, index: int) -> tuple[tuple[sp.Symbol, sp.Expr], bool]:
    """A symbol above (1), at (0) or below (−1) its level, and whether its own sign is kept."""
    symbol, level = line.symbol, line.level
    own = 1 if symbol.is_nonnegative else -1 if symbol.is_nonpositive else 0
    bound = known_sign(level)
    if side * own < 0 and bound == own:
        part = _part(index, zero=not symbol.is_nonzero)
        return (symbol, sp.factor(level * part / (1 + part))), True
    if side == 0:
        kept = own in (0, bound) or (bound == 0 and not symbol.is_nonzero)
    else:
        kept = own == 0 or bound in (own, 0)
    return (symbol, level + side * _gap(index)), kept


@cache
def _gap(index: int) -> sp.Dummy:
    return sp.Dummy(f"gap{index}", positive=True)


@cache
def _part(index: int, *, zero: bool) -> sp.Dummy:
    name = f"part{index}"
    return sp.Dummy(name, nonnegative=True) if zero else sp.Dummy(name, positive=True)


def splittable(expr: sp.Expr, facts: Chain) -> sp.Expr | None:
    """An expression whose sign can be distinguished and has to be known first: often `expr` itself.

    None if no parameter can be solved for.
    """
    signs = (-1, 0, 1)
    if any(True for _ in _lines(expr, facts)) and all(extended(facts, expr, s) for s in signs):
        return expr
    for inner in _inner(expr):
        try:
            with assuming(facts):
                sign_of(inner)
        except Undecided as question:
            if question.expr != expr:
                return splittable(question.expr, facts)
    return None


def _inner(expr: sp.Expr) -> Iterator[sp.Expr]:
    """Expressions whose sign must be known before that of a larger one."""
    for symbol in sorted(expr.free_symbols, key=sp.default_sort_key):
        slope = _slope(expr, symbol)
        if slope is not None:
            yield slope
    kinks = expr.atoms(sp.Abs, sp.sign, sp.Max, sp.Min)
    for kink in sorted(kinks, key=sp.default_sort_key):
        first, *others = kink.args
        yield from (first - other for other in others or [sp.S.Zero])


@dataclass(frozen=True)
class Gap:
    """An expression as the distance of a parameter from a level.

    Attributes:
        expr: positive where slope_sign · (symbol − level) is.
        symbol, slope_sign, level: as said.
    """

    expr: sp.Expr
    symbol: sp.Symbol
    slope_sign: int
    level: sp.Expr

    @classmethod
    def of(cls, expr: sp.Expr, facts: Chain) -> Gap:
        """Choose the parameter: one whose own sign is kept, then by name."""
        lines = sorted(_lines(expr, facts), key=lambda line: not _fits(line, facts))
        return cls(expr, lines[0].symbol, lines[0].slope_sign, lines[0].level)

    def facts(self, facts: Chain, side: int) -> Chain:
        """Add that the parameter is below (−1), at (0) or above (1) the level."""
        longer = extended(facts, self.expr, side * self.slope_sign)
        assert longer is not None, "splittable() has seen to it"
        return longer


def _fits(line: _Line, facts: Chain) -> bool:
    symbol, bound = line.symbol, known_sign(line.level, facts)
    if symbol.is_nonnegative:
        return bound == 1 or (bound == 0 and not symbol.is_nonzero)
    return not symbol.is_nonpositive or bound == -1
