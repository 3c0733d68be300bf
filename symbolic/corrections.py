"""What may have been meant by a refuted claim: "Did you mean …", found by search and then checked.

Candidates are the right side times a constant or a power of a symbol, plus a constant, with a
symbol replaced (p by 1 − p, σ by σ², n by n + 1, two symbols swapped), and with one sign, exponent,
coefficient or term changed. Those that agree with the left side at a point are checked like any
claim, and only one that holds is reported.

>>> q = sp.Symbol("q", positive=True)
>>> verdict = with_hint(compare(q**2 / 2, q**2, "==", Domain({q}, ())), Domain({q}, ()), "==")
>>> print(verdict.hint)
the right side is 2 times too large. Did you mean q**2/2 = q**2/2? (proved)
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations
from typing import Any

import sympy as sp

from freejac.symbolic.balls import midpoint, working_bits
from freejac.symbolic.comparison import SIGNS, compare
from freejac.symbolic.conditions import Domain, Point, ball_of
from freejac.symbolic.enclosures import Ball, Enclosures, NoValue, as_acb, is_real_ball
from freejac.symbolic.time_limit import FAILURES, OutOfTime, at_most
from freejac.symbolic.verdict import Verdict

__all__ = ["with_hint"]

_BITS = 100
_POINTS = 3
_TIME = 2.0
_LARGEST = 64
_MOST_TERMS = 12
_HALVES = {">": sp.Interval.open(0, sp.oo), "<": sp.Interval.open(-sp.oo, 0)}
_MOST_EDITS = 400
_SURDS = tuple(
    (sp.sqrt(surd) * sp.pi ** sp.Rational(power, 2))
    for power in (0, 2, -2, 1, -1, 4, -4)
    for surd in (1, 2, 3)
)


@dataclass(frozen=True)
class _Candidate:
    """A mended right side, and what was wrong with it as it was."""

    right: sp.Expr
    what: str


def with_hint(verdict: Verdict, domain: Domain, relation: str) -> Verdict:
    """Add to a refuted verdict what may have been meant, if that is found.

    Args:
        verdict: with both sides.
        domain: the admissible points.
        relation: of the claim.
    """
    left, right = verdict.left, verdict.right
    if not verdict.refuted or not isinstance(left, sp.Expr) or not isinstance(right, sp.Expr):
        return verdict
    try:
        with at_most(_TIME):
            if relation != "==":
                return _other_relation(verdict, left, right, relation, domain)
            search = _Search(left, right, domain)
            return search.mended(verdict)
    except (OutOfTime, RecursionError, *FAILURES):
        return verdict


def _other_relation(
    verdict: Verdict, left: sp.Expr, right: sp.Expr, relation: str, domain: Domain
) -> Verdict:
    weaker = {"<": ("<=", ">", ">="), ">": (">=", "<", "<="), "<=": (">", ">="), ">=": ("<", "<=")}
    kinds = {"<": sp.Lt, "<=": sp.Le, ">": sp.Gt, ">=": sp.Ge}
    for other in weaker.get(relation, ()):
        if compare(left, right, other, domain, time_limit=0.5):
            meant = f"Did you mean {left} {SIGNS[other]} {right}? (proved)"
            mended = kinds[other](left, right, evaluate=False)
            return replace(verdict, hint=meant, corrected=mended)
    return verdict


class _Search:
    """The search for one claim."""

    def __init__(self, left: sp.Expr, right: sp.Expr, domain: Domain) -> None:
        self.left, self.right, self.domain = left, right, domain
        self.deadline = time.process_time() + _TIME
        self.points: list[Point] = []
        self.values: list[Ball] = []
        for point in domain.points(random.Random(5), 4 * _POINTS):
            value = self.value(left, point)
            if value is not None:
                self.points.append(point)
                self.values.append(value)
            if len(self.points) == _POINTS:
                break

    def value(self, expr: sp.Expr, point: Point) -> Ball | None:
        """The value at a point, or None."""
        with working_bits(_BITS):
            try:
                return Enclosures({s: ball_of(v) for s, v in point.items()}, point).of(expr)
            except NoValue:
                return None

    def mended(self, verdict: Verdict) -> Verdict:
        """The verdict with the first candidate that holds."""
        if not self.points:
            return verdict
        for candidate in self.candidates():
            if not self.agrees(candidate.right):
                continue
            outcome = compare(
                self.left, candidate.right, "==", self.domain, samples=6, time_limit=1
            )
            if outcome.status not in {"proved", "not refuted"}:
                continue
            how = "proved" if outcome else f"not proved; it agrees at {outcome.samples} points"
            meant = f"Did you mean {self.left} = {candidate.right}? ({how})"
            hint = f"{candidate.what}. {meant}"
            return replace(verdict, hint=hint, corrected=candidate.right)
        single = self.only_side() or self.only_value()
        return replace(verdict, hint=single) if single else verdict

    def agrees(self, right: sp.Expr) -> bool:
        """Whether a right side cannot be told from the left at the points."""
        for point, known in zip(self.points, self.values, strict=True):
            value = self.value(right, point)
            if value is None or not as_acb(value).overlaps(as_acb(known)):
                return False
        return True

    def candidates(self) -> Iterator[_Candidate]:
        """In order of plausibility."""
        yield from self.scaled()
        yield from self.shifted()
        yield from self.replaced()
        yield from self.multiplied()
        yield from self.edited()
        yield from self.by_terms()

    # The whole right side

    def scaled(self) -> Iterator[_Candidate]:
        """Times a constant."""
        constant = self._constant_ratio(self.left, self.right)
        if constant is not None:
            yield _Candidate(constant * self.right, _scale_in_words(constant))

    def shifted(self) -> Iterator[_Candidate]:
        """Plus a constant."""
        constant = self._constant_ratio(self.left - self.right, sp.S.One)
        if constant is not None:
            small = "small" if constant > 0 else "large"
            what = f"the right side is too {small} by {abs(constant)}"
            yield _Candidate(self.right + constant, what)

    def multiplied(self) -> Iterator[_Candidate]:
        """Times a constant and powers of symbols."""
        factor = self._monomial_ratio(self.left, self.right)
        if factor is not None:
            what = f"the right side lacks the factor {factor}"
            yield _Candidate(factor * self.right, what)

    def by_terms(self) -> Iterator[_Candidate]:
        """A term times a constant, or a missing term."""
        gap = self.left - self.right
        terms = sp.Add.make_args(self.right)
        for term in terms if 1 < len(terms) <= _MOST_TERMS else ():
            constant = self._constant_ratio(gap, term)
            if constant is not None and constant != -1:
                what = f"the term {term} lacks the factor {1 + constant}"
                yield _Candidate(self.right + constant * term, what)
        missing = self._monomial_ratio(gap, sp.S.One)
        if missing is not None:
            yield _Candidate(self.right + missing, f"the term {missing} is missing")

    def _ratios(self, points: list[Point], above: sp.Expr, below: sp.Expr) -> list[float] | None:
        found = []
        for point in points:
            a, b = (self.value(side, point) for side in (above, below))
            if a is None or b is None or not is_real_ball(a) or not is_real_ball(b):
                return None
            if a.contains(0) or b.contains(0):
                return None
            found.append(_as_float(a / b))
        return found

    def _constant_ratio(self, above: sp.Expr, below: sp.Expr) -> sp.Expr | None:
        ratios = self._ratios(self.points, above, below)
        return None if ratios is None else _constant(ratios)

    def _monomial_ratio(self, above: sp.Expr, below: sp.Expr) -> sp.Expr | None:
        """A constant and powers of symbols that one expression is times another."""
        base = dict(self.points[0])
        monomial = sp.S.One
        for symbol in self.domain.symbols:
            if symbol in self.domain.solved or symbol.is_integer:
                continue
            other = {**base, symbol: base[symbol] * sp.Rational(5, 4)}
            other |= {s: e.xreplace(other) for s, e in self.domain.solved.items()}
            ratios = self._ratios([base, other], above, below)
            if ratios is None or ratios[0] * ratios[1] <= 0:
                return None
            slope = math.log(ratios[1] / ratios[0]) / math.log(1.25)
            if not math.isfinite(slope):
                return None
            exponent = Fraction(slope).limit_denominator(4)
            if abs(slope - exponent) > 1e-9 or abs(exponent) > 12:
                return None
            monomial *= symbol ** sp.Rational(exponent.numerator, exponent.denominator)
        if monomial == 1:
            return None
        constant = self._constant_ratio(above, below * monomial)
        return None if constant is None else constant * monomial

    # Symbols

    def replaced(self) -> Iterator[_Candidate]:
        """One symbol by another expression, or two swapped."""
        symbols = sorted(self.right.free_symbols, key=sp.default_sort_key)
        for symbol in symbols:
            for new, what in _replacements(symbol):
                yield _Candidate(self.right.subs(symbol, new), what)
        for a, b in combinations(sorted(self.domain.symbols, key=sp.default_sort_key), 2):
            if {a, b} & set(symbols) and a.is_integer == b.is_integer:
                swapped = self.right.subs({a: b, b: a}, simultaneous=True)
                yield _Candidate(swapped, f"{a} and {b} are swapped")

    # One place

    def edited(self) -> Iterator[_Candidate]:
        """One sign, exponent, coefficient, function or term changed."""
        for count, (right, what) in enumerate(_edits(self.right, self.domain.symbols)):
            if count > _MOST_EDITS or time.process_time() > self.deadline:
                return
            if not right.has(sp.nan, sp.zoo, sp.oo):
                yield _Candidate(right, what)

    def only_side(self) -> str:
        """A sign of one symbol for which the claim is right."""
        for symbol in self.domain.symbols:
            if self.domain.ranges.get(symbol) != sp.S.Reals:
                continue
            for sign, side in _HALVES.items():
                half = sp.Contains(symbol, side, evaluate=False)
                part = Domain(self.domain.symbols, (*self.domain.conditions, half))
                if compare(self.left, self.right, "==", part, samples=4, time_limit=0.3):
                    return f"it is right for {symbol} {sign} 0, and not in general"
        return ""

    def only_value(self) -> str:
        """A value of one symbol at which the claim is right."""
        for symbol in self.domain.symbols:
            range_ = self.domain.ranges.get(symbol)
            if range_ is None or symbol in self.domain.solved:
                continue
            for value in (sp.S.One, sp.S.Zero, sp.S.NegativeOne, sp.S.Half, sp.Integer(2)):
                if range_.contains(value) is not sp.true:
                    continue
                if symbol.is_integer and not value.is_integer:
                    continue
                one, two = (side.subs(symbol, value) for side in (self.left, self.right))
                rest = Domain(
                    {s for s in self.domain.symbols if s != symbol},
                    tuple(c.subs(symbol, value) for c in self.domain.conditions),
                )
                if compare(one, two, "==", rest, samples=4, time_limit=0.3):
                    return f"it is right at {symbol} = {value}, and not in general"
        return ""


def _replacements(symbol: sp.Symbol) -> Iterator[tuple[sp.Expr, str]]:
    if symbol.is_integer:
        for shift in (1, -1):
            yield symbol + shift, f"the index {symbol} is shifted by one"
        return
    yield 1 - symbol, f"{symbol} stands for 1 - {symbol}"
    yield symbol**2, f"{symbol} lacks a square"
    if symbol.is_nonnegative:
        yield sp.sqrt(symbol), f"{symbol} has a square too many"
    yield -symbol, f"the sign of {symbol} is wrong"
    yield 1 / symbol, f"{symbol} stands for its inverse"


def _edits(expr: sp.Expr, symbols: Sequence[sp.Symbol]) -> Iterator[tuple[sp.Expr, str]]:
    """Every expression with one place changed, and what was changed."""
    yield from _edits_here(expr)
    if isinstance(expr, sp.Symbol):
        for other in symbols:
            if other != expr and other.is_integer == expr.is_integer:
                yield other, f"{other} is needed instead of {expr}"
    for place, arg in enumerate(expr.args):
        if not isinstance(arg, sp.Expr) or isinstance(expr, (sp.Integral, sp.Sum, sp.Limit)):
            continue
        for changed, what in _edits(arg, symbols):
            args = (*expr.args[:place], changed, *expr.args[place + 1 :])
            try:
                yield expr.func(*args), what
            except (TypeError, ValueError):
                continue


def _edits_here(expr: sp.Expr) -> Iterator[tuple[sp.Expr, str]]:
    if isinstance(expr, sp.Add):
        for term in expr.args:
            yield expr - 2 * term, f"the sign of the term {term} is wrong"
            yield expr + term, f"the term {term} lacks a factor 2"
            yield expr - term / 2, f"the term {term} has a factor 2 too many"
            yield expr - term, f"the term {term} is too many"
    elif isinstance(expr, sp.Pow):
        base, exponent = expr.args
        for new in (exponent + 1, exponent - 1, 2 * exponent, exponent / 2, -exponent):
            yield base**new, f"the exponent of {base} is {new}, not {exponent}"
    elif isinstance(expr, sp.Rational) and expr not in (sp.S.One, sp.S.Zero):
        near = (-expr, 2 * expr, expr / 2, expr + 1, expr - 1, 1 / expr, expr**2)
        for number in near:
            yield number, f"{number} is needed instead of {expr}"
    elif isinstance(expr, sp.Symbol) and not expr.is_integer:
        yield expr**2, f"{expr} lacks a square"
        yield 2 * expr, f"{expr} lacks a factor 2"
        yield -expr, f"the sign of {expr} is wrong"
        yield 1 + expr, f"1 + {expr} is needed instead of {expr}"
        yield 1 - expr, f"1 - {expr} is needed instead of {expr}"
    elif isinstance(expr, sp.Symbol):
        for shift in (1, -1):
            yield expr + shift, f"{expr + shift} is needed instead of {expr}"
        yield 2 * expr, f"{expr} lacks a factor 2"
    elif isinstance(expr, sp.Function) and len(expr.args) == 1:
        yield expr**2, f"{expr} lacks a square"
        for other in _SIBLINGS.get(expr.func, ()):
            yield other(expr.args[0]), f"{other.__name__} is needed instead of {expr.func}"


_SIBLINGS: dict[Any, tuple[Callable[..., sp.Expr], ...]] = {
    sp.sin: (sp.cos,),
    sp.cos: (sp.sin,),
    sp.sinh: (sp.cosh,),
    sp.cosh: (sp.sinh,),
    sp.asin: (sp.acos,),
    sp.acos: (sp.asin,),
    sp.erf: (sp.erfc,),
    sp.erfc: (sp.erf,),
}


def _as_float(ball: Ball) -> float:
    return float(midpoint(ball))


def _float(expr: sp.Expr) -> float:
    return float(expr.evalf(30))


def _constant(values: list[float]) -> sp.Expr | None:
    """The simple constant that some numbers are, or None."""
    first = values[0]
    if not all(map(math.isfinite, values)) or first == 0:
        return None
    if any(abs(value - first) > 1e-11 * abs(first) for value in values):
        return None
    for surd in _SURDS:
        ratio = first / float(surd)
        simple = Fraction(ratio).limit_denominator(_LARGEST)
        near = abs(ratio - simple) < 1e-12 * abs(ratio)
        if near and simple and abs(simple.numerator) <= 10 * _LARGEST:
            return sp.Rational(simple.numerator, simple.denominator) * surd
    return None


def _scale_in_words(factor: sp.Expr) -> str:
    if factor == -1:
        return "the sign of the right side is wrong"
    size = abs(factor)
    word = f"{1 / size} times too large" if size < 1 else f"{size} times too small"
    return f"the right side is {word}" + (", and its sign is wrong" if factor < 0 else "")
