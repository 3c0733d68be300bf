"""Samples of functions on panels in |x|, to be weighted by the Gaussian of any variance.

Panels are dyadic: [2ˡ⁻¹, 2ˡ], both sides of the origin together, cut in halves and at the ends of
the pieces. What oscillates under a smooth envelope has panels of a few periods up to where
`oscillation` takes over: beyond, panels of what does not oscillate, and a way off the real line.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import flint
import mpmath
from mpmath import mp, mpf

from freejac.symbolic.ball_pieces import BallPiece
from freejac.symbolic.balls import midpoint, working_bits
from freejac.symbolic.oscillation import Oscillation
from freejac.symbolic.quadrature import Vector, legendre_rule

__all__ = ["MeanPanels", "Moments", "Segment"]

_MOST_HALVED = 40
"""Panels that are cut in two; where that is not enough, the function varies too sharply."""


@dataclass(frozen=True, eq=False)
class Segment:
    """Gauss–Legendre samples of f(x)ⁿ + f(−x)ⁿ on a part of the half-line.

    Attributes:
        squares: x² at the nodes; complex numbers beside the real line.
        rows: a matrix with four rows for every term, the weights that give the integral and the
            last two Legendre coefficients, each times the samples, and those that give E|fⁿ|. For
            complex nodes it is twice as wide: real parts, and imaginary parts with their signs
            changed.
        halves: makes the two halves of it.
    """

    squares: list[Any]
    rows: Any
    halves: Callable[[], list[Segment]]

    def weighted(self, q: mpf) -> list[Vector]:
        """For every term, the integral, its last two Legendre coefficients, and that of |fⁿ|."""
        with working_bits(mp.prec):
            rate = -1 / (2 * flint.arb(q))
            weights = [(rate * square).exp() for square in self.squares]
            if isinstance(weights[0], flint.acb):
                weights = [*(w.real for w in weights), *(w.imag for w in weights)]
            column = flint.arb_mat([[weight.mid()] for weight in weights])
            products = [midpoint(product) for product in (self.rows * column).entries()]
        return [products[i : i + 4] for i in range(0, len(products), 4)]


@dataclass(frozen=True)
class Moments:
    """Samples on all panels inside of 2ˡ together, for variances from 4ˡ⁺¹ on.

    There e^{−x²/2q} is a short series in x²/q: Σ (−4ˡ/2q)ʲ/j! of the moments of (x²/4ˡ)ʲ.

    Attributes:
        level: l.
        rows: a matrix with as many rows as a segment's and a column for every moment.
        tails: of every term the sizes of the last Legendre coefficients, the weight taken for 1.
    """

    level: int
    rows: Any
    tails: Vector

    def weighted(self, q: mpf) -> list[Vector]:
        """As of a segment; the coefficients are signed sums of many."""
        with working_bits(mp.prec):
            rate, weights = -(flint.arb(4) ** self.level) / (2 * flint.arb(q)), [flint.arb(1)]
            for j in range(1, self.rows.ncols()):
                weights.append((weights[-1] * rate / j).mid())
            column = flint.arb_mat([[weight] for weight in weights])
            products = [midpoint(product) for product in (self.rows * column).entries()]
        return [products[i : i + 4] for i in range(0, len(products), 4)]


class MeanPanels:
    """The panels of several powers of functions.

    Args:
        pieces: the functions in balls, between their common breakpoints.
        powers: the terms, pairs of a place among the functions and a power.
        digits: of the means.
        far: what is left of the terms far from 0, if they oscillate.
    """

    def __init__(
        self,
        pieces: Sequence[BallPiece],
        powers: Sequence[tuple[int, int]],
        digits: int,
        far: Oscillation | None = None,
    ) -> None:
        """Sample nothing yet."""
        self._pieces, self._powers, self._digits, self._far = pieces, powers, digits, far
        # Both sides of the origin are sampled at the same |x|, so both are cut at every |end|.
        self._ends = sorted({abs(low) for low, _, _ in pieces[1:]})
        self._made: dict[tuple[int, bool], list[Segment]] = {}
        self._moments: dict[tuple[int, int], Moments] = {}
        self._halved = 0

    def at(self, level: int, innermost: bool) -> list[Segment]:
        """Those on [2ˡ⁻¹, 2ˡ], or on [0, 2ˡ]."""
        key = level, innermost
        if key not in self._made:
            self._made[key] = self._segments(level, innermost)
        return self._made[key]

    def bisect(self, rough: Sequence[Segment]) -> bool:
        """Halve panels; False if there are too many."""
        self._halved += len(rough)
        if self._halved > _MOST_HALVED:
            return False
        self._moments = {}
        for key, segments in self._made.items():
            if any(segment in rough for segment in segments):
                halved = [s.halves() if s in rough else [s] for s in segments]
                self._made[key] = [part for parts in halved for part in parts]
        return True

    def inside(self, inner: int, level: int) -> Moments:
        """The panels from the innermost one, [0, 2ⁱ], to 2ˡ, together."""
        key = inner, level
        if key not in self._moments:
            self._moments[key] = self._together(inner, level)
        return self._moments[key]

    def _together(self, inner: int, level: int) -> Moments:
        count = self._count
        with working_bits(mp.prec):
            unit = flint.arb(4) ** level
            rows, tails = flint.arb_mat(4 * len(self._powers), count), [mpf(0)] * len(self._powers)
            if level > inner:
                less = self.inside(inner, level - 1)
                shrink = [flint.arb(4) ** -j for j in range(count)]
                rows = flint.arb_mat(
                    [
                        [a * b for a, b in zip(row, shrink, strict=True)]
                        for row in less.rows.tolist()
                    ]
                )
                tails = less.tails
            for segment in self.at(level, level == inner):
                powers = [_powers(square / unit, count) for square in segment.squares]
                if isinstance(segment.squares[0], flint.acb):
                    parts = [[p.real for p in own] for own in powers]
                    powers = parts + [[p.imag for p in own] for own in powers]
                moments = segment.rows * flint.arb_mat(powers)
                rows = rows + moments
                plain = [midpoint(row[0]) for row in moments.tolist()]
                tails = [
                    tail + max(abs(plain[4 * i + 1]), abs(plain[4 * i + 2]))
                    for i, tail in enumerate(tails)
                ]
        return Moments(level, rows.mid(), tails)

    @cached_property
    def _count(self) -> int:
        """Terms of the series of e^{−t}, t ≤ 1/8, up to what is negligible."""
        count, term = 1, mpf(1)
        while term > mpf(2) ** -mp.prec:
            term /= 8 * count
            count += 1
        return count

    def slow(self, low: mpf, high: mpf) -> list[Segment]:
        """Of what does not oscillate, beyond X."""
        middle = (low + high) / 2
        return [self._sampled(self._calm, a, b) for a, b in ((low, middle), (middle, high))]

    def upward(self, start: mpf) -> list[Segment]:
        """What oscillates beyond a point: 2 Re of i times the integral from there upward."""
        assert self._far is not None
        ends, width = [mpf(0)], self._resolved / (2 * self._far.highest)
        while ends[-1] < self._far.height:
            ends.append(min(self._far.height, max(2 * ends[-1], width)))
        return [self._beside(start, a, b) for a, b in pairwise(ends)]

    def _segments(self, level: int, innermost: bool) -> list[Segment]:
        low, high = (mpf(0) if innermost else mpf(2) ** (level - 1)), mpf(2) ** level
        far = self._far
        if far is not None and level > far.level:
            return self.slow(low, high) + (self.upward(low) if level == far.level + 1 else [])
        # Halves: exp(−x²) falls by more digits over a whole dyadic panel than its nodes resolve.
        inside = {end for end in self._ends if low < end < high} | {(low + high) / 2}
        if far is not None:
            count = int(far.highest * (high - low) / self._resolved) + 1
            inside |= {low + (high - low) * k / count for k in range(1, count)}
        cuts = [low, *sorted(inside), high]
        return [self._segment(a, b) for a, b in pairwise(cuts)]

    @cached_property
    def _nodes(self) -> int:
        return max(20, 7 * self._digits // 5)

    @cached_property
    def _resolved(self) -> float:
        """The phase on a panel, in radians, whose last Legendre coefficients are negligible."""
        return 4 / math.e * self._nodes * 10 ** (-(self._digits + 2) / self._nodes)

    def _segment(self, a: mpf, b: mpf) -> Segment:
        middle = (a + b) / 2
        right, left = self._between(middle), self._between(-middle)

        def both(at: mpf) -> list[tuple[Any, Any]]:
            here = flint.arb(at)
            ahead, behind = (
                [v.mid() for v in side(t)] for side, t in ((right, here), (left, -here))
            )
            pairs = [(ahead[i] ** n, behind[i] ** n) for i, n in self._powers]
            return [(a + b, abs(a) + abs(b)) for a, b in pairs]

        return self._sampled(both, a, b)

    def _calm(self, at: mpf) -> list[tuple[Any, Any]]:
        assert self._far is not None
        return [(value, abs(value)) for value in _balls(self._far.slow(at))]

    def _sampled(self, samples: Callable[[mpf], list[tuple[Any, Any]]], a: mpf, b: mpf) -> Segment:
        """Values of every term and of its size, as balls, times the rules."""
        middle, half, points, rules = self._rules(a, b)
        places = [middle + half * t for t in points]
        with working_bits(mp.prec):
            rows = []
            for column in zip(*(samples(at) for at in places), strict=True):
                values, sizes = zip(*column, strict=True)
                rows += [_times(rule, values) for rule in rules]
                rows.append(_times(rules[0], sizes))
            squares = [flint.arb(at * at) for at in places]
            return Segment(
                squares,
                flint.arb_mat(rows),
                lambda: [self._sampled(samples, a, middle), self._sampled(samples, middle, b)],
            )

    def _beside(self, start: mpf, a: mpf, b: mpf) -> Segment:
        """Of what oscillates, on a vertical line; its size does not count."""
        assert self._far is not None
        middle, half, points, rules = self._rules(a, b)
        places = [mpmath.mpc(start, middle + half * t) for t in points]
        columns = list(zip(*(self._far.fast(at) for at in places), strict=True))
        with working_bits(mp.prec):
            nothing = [flint.arb(0)] * (2 * len(places))
            rows = []
            for column in columns:
                # 2 Re(i v w) = −2 Im v Re w − 2 Re v Im w
                real = _balls([-2 * v.imag for v in column])
                imaginary = _balls([-2 * v.real for v in column])
                rows += [_times(rule, real) + _times(rule, imaginary) for rule in rules]
                rows.append(nothing)
            squares = [flint.acb(at.real, at.imag) ** 2 for at in places]
            return Segment(
                squares,
                flint.arb_mat(rows),
                lambda: [self._beside(start, a, middle), self._beside(start, middle, b)],
            )

    def _rules(self, a: mpf, b: mpf) -> tuple[mpf, mpf, Sequence[mpf], list[list[Any]]]:
        """The middle, half the width, and Legendre's points and rules on a panel."""
        points, weights, coefficients = legendre_rule(self._nodes, mp.dps)
        with working_bits(mp.prec):
            scale = flint.arb((b - a) / 2)
            rules = [[scale * w for w in _balls(row)] for row in (weights, *coefficients[:2])]
        return (a + b) / 2, (b - a) / 2, points, rules

    def _between(self, at: mpf) -> Callable[[Any], list[Any]]:
        return next(function for low, high, function in self._pieces if low < at < high)


def _powers(value: Any, count: int) -> list[Any]:
    powers = [value**0]
    for _ in range(count - 1):
        powers.append((powers[-1] * value).mid())
    return powers


def _balls(numbers: Sequence[mpf]) -> list[Any]:
    return [flint.arb(number) for number in numbers]


def _times(row: Sequence[Any], column: Sequence[Any]) -> list[Any]:
    return [(w * value).mid() for w, value in zip(row, column, strict=True)]
