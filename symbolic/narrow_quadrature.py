"""E[f(√q₁a) g(√q₂b)], a and b standard normal of correlation near ±1.

Given a, b is known but for s = √(1 − c²), small. On a layer of a few s around the image of every
breakpoint of g, the double integral is taken on the grid of panels. Elsewhere the mean of g over
the narrow law of b is a smooth function of a, which is found at Legendre nodes, by the
trapezoidal rule, and interpolated: f may be as rough as it likes without costing more of these.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import flint

from freejac.symbolic.ball_pieces import Ball, BallPieces
from freejac.symbolic.bivariate_panels import panel_mean
from freejac.symbolic.bivariate_search import Axis, active_pairs
from freejac.symbolic.errors import NotConvergedError
from freejac.symbolic.legendre_panels import rule
from freejac.symbolic.line_quadrature import Factor, Interval, joined, line_mean, panel_ends

__all__ = ["narrow_mean"]

_SMOOTH = 0.1
_FAR = 64
_FARTHEST_REACH = 60.0
_LADDER = [1.5**k for k in range(-2, 40)]
_MAX_PANELS = 1000
_LEAST = 14.0
_PASSES = 4
_STEPS = [2.0**-k for k in range(1, 8)]
_UNRESOLVED = "the integrand is not resolved; is it smooth between its breakpoints?"


def narrow_mean(
    pieces: Sequence[BallPieces], roots: Sequence[Ball], c: Ball, s: Ball, digits: int
) -> tuple[Ball, Ball]:
    """E[f(√q₁a) g(√q₂b)], and E|f g|, roughly.

    Args:
        pieces: f and g.
        roots: √q₁ and √q₂.
        c: correlation.
        s: √(1 − c²), small.
        digits: digits of the mean, relative to E|f g|.

    Raises:
        DomainError: the mean is infinite.
        NotConvergedError: a panel cannot be resolved by bisection.
    """
    return _Narrow(pieces, roots, c, s, digits).value()


class _Narrow:
    """One evaluation."""

    def __init__(
        self, pieces: Sequence[BallPieces], roots: Sequence[Ball], c: Ball, s: Ball, digits: int
    ) -> None:
        self.pieces, self.roots, self.c, self.s, self.digits = pieces, roots, c, s, digits
        self.drop = (digits + 12) * math.log(10)

    def value(self) -> tuple[Ball, Ball]:
        """The mean, and the mean of absolute values."""
        axes = [Axis(p, r, flint.arb(0)) for p, r in zip(self.pieces, self.roots, strict=True)]
        numbers = float(self.c), float(self.s)
        pairs, top = active_pairs(axes, *numbers, 0.5, self.drop, math.inf, -math.inf)
        cells = sorted({i for i, _ in pairs})
        reach = self._reach(cells)
        layers = self._layers(reach) if reach <= _FARTHEST_REACH else None
        if layers is None:
            return panel_mean((axes[0], axes[1]), self.c, self.s, self.digits)
        # First as if the mass were a peak of width 10⁻⁶; again if it is less.
        known = flint.arb(top - _LEAST).exp() if top > -math.inf else flint.arb(0)
        for _ in range(_PASSES):
            total, size = self._sum(_outside(joined(cells), layers), layers, reach, known)
            if size.mid() >= known.mid() or size.mid() == 0:
                return total, size
            known = (size / 2).mid()
        raise NotConvergedError(_UNRESOLVED)

    def _sum(
        self, between: Sequence[Interval], layers: Sequence[Interval], reach: float, known: Ball
    ) -> tuple[Ball, Ball]:
        """The mean and its size, to an accuracy relative to what the size is known to be."""
        total, size = self._between(between, reach, known)
        for low, high in layers:
            centre = ((low + high) / 2).mid()
            axes = (
                Axis(self.pieces[0], self.roots[0], centre),
                Axis(self.pieces[1], self.roots[1], centre / self.c),
            )
            window = ((high - low) / 2).mid()
            part = panel_mean(axes, self.c, self.s, self.digits, window, known + size)
            total, size = total + part[0], size + part[1]
        return total, size

    def _between(
        self, intervals: Sequence[Interval], reach: float, known: Ball
    ) -> tuple[Ball, Ball]:
        """The part where g is smooth."""
        own = Factor(self.pieces[0], flint.arb(0), self.roots[0])
        other = Factor(self.pieces[1], flint.arb(0), self.c * self.roots[1])
        law = _Law(self.s * self.roots[1], reach)
        left = [ends for interval in intervals for ends in pairwise(panel_ends([other], *interval))]
        total = size = flint.arb(0)
        tolerance = flint.arb(10) ** (-self.digits - 2)
        for _ in range(_MAX_PANELS):
            if not left:
                return total, size
            low, high = left.pop()
            tilt = _Tilt(other, low, high)
            # From above: where f cancels to a rounding error, nothing is known but its size.
            mass = line_mean([own], 3, tilt, [(low, high)])[1].abs_upper()
            if mass == 0:
                continue
            limit = tolerance * (known + size) / mass
            smoothed = _Smoothed(other, law, tilt, (low, high), self.digits, limit.mid())
            if smoothed.tail.is_finite():
                part = line_mean([own], self.digits, smoothed, [(low, high)], known + size)
                if smoothed.tail <= max(limit.mid(), (tolerance * part[1] / mass).mid()):
                    total, size = total + part[0], size + part[1]
                    continue
            middle = ((low + high) / 2).mid()
            if not float(low) < float(middle) < float(high):
                raise NotConvergedError(_UNRESOLVED)
            left += [(low, middle), (middle, high)]
        raise NotConvergedError(_UNRESOLVED)

    def _reach(self, cells: Sequence[int]) -> float:
        """How many standard deviations of b given a matter, wherever a matters."""
        first, second = self.pieces
        roots, c, s = [float(root) for root in self.roots], float(self.c), float(self.s)
        found = []
        top = -math.inf
        places = [u / roots[0] for u in first.landmarks()]
        for a in (*(k + 0.5 for k in cells), *(a for a in places if math.floor(a) in cells)):
            own = first.log_sizes(roots[0] * a)
            if own[1] > -math.inf:
                for w in (sign * size for size in _LADDER for sign in (-1, 1)):
                    least, most = (
                        one + other - (a * a + w * w) / 2
                        for one, other in zip(
                            own, second.log_sizes(roots[1] * (c * a + s * w)), strict=True
                        )
                    )
                    found.append((most, abs(w)))
                    top = max(top, least)
        farthest = max(
            (w for size, w in found if size > max(top - self.drop, -math.inf)), default=0.0
        )
        return max(1.5 * farthest, math.sqrt(2 * self.drop)) + 1

    def _layers(self, reach: float) -> list[Interval] | None:
        """Intervals of a from which a breakpoint of g can be reached, apart from each other.

        None when one is reached from too far.
        """
        spread = float(self.s * self.roots[1])
        marks = self.pieces[1].breaks + ([flint.arb(0)] if spread > _SMOOTH else [])
        unit = self.s / abs(self.c)
        layers: list[Interval] = []
        for centre in sorted((mark / self.roots[1] / self.c for mark in marks), key=float):
            wide = max(reach, self._distance(float(centre), float(unit)))
            if wide > _FARTHEST_REACH:
                return None
            low, high = (centre - wide * unit).mid(), (centre + wide * unit).mid()
            if layers and low <= layers[-1][1]:
                layers[-1] = layers[-1][0], max(high, layers[-1][1])
            else:
                layers.append((low, high))
        return layers

    def _distance(self, centre: float, unit: float) -> float:
        """How far from a breakpoint, in units, a matters: far out the density is steep."""
        found = []
        top = -math.inf
        landmarks = (u / float(self.roots[0]) for u in self.pieces[0].landmarks())
        near = [w for w in ((a - centre) / unit for a in landmarks) if abs(w) <= _FAR]
        for w in (*(k / 2 for k in range(-2 * _FAR, 2 * _FAR + 1)), *near):
            a = centre + unit * w
            least, most = self.pieces[0].log_sizes(float(self.roots[0]) * a)
            found.append((most - (a * a + w * w) / 2, abs(w)))
            top = max(top, least - (a * a + w * w) / 2)
        return 1 + max((w for size, w in found if size > top - self.drop), default=0.0)


def _outside(intervals: Sequence[Interval], layers: Sequence[Interval]) -> list[Interval]:
    """What layers, in order, leave of intervals."""
    left = []
    for low, high in intervals:
        begin = low
        for start, end in layers:
            if start < high and end > begin:
                if start > begin:
                    left.append((begin, start))
                begin = end
        if begin < high:
            left.append((begin, high))
    return left


class _Tilt:
    """The exponential that a factor follows on the whole, from one end of a panel to the other."""

    def __init__(self, factor: Factor, low: Ball, high: Ball) -> None:
        self.middle = (low + high) / 2
        self.slope = flint.arb(factor.peak(float(low), float(high)).slope)

    def __call__(self, point: Ball) -> Ball:
        """Value at t."""
        return (self.slope * (point - self.middle)).exp()


class _Smoothed:
    """t ↦ E h(α + βt + spread·w), w normal, on a panel; callable there.

    Attributes:
        tail: the size of the last Legendre coefficients, relative to the tilt.
    """

    def __init__(
        self, factor: Factor, law: _Law, tilt: _Tilt, ends: Interval, digits: int, limit: Ball
    ) -> None:
        low, high = ends
        self.factor, self.law, self.tilt = factor, law, tilt
        self.middle, self.half = (low + high) / 2, (high - low) / 2
        self.place = factor.place(self.middle)
        self.rule = rule(digits, flint.ctx.prec)
        self.values, self.tail = [], flint.arb.pos_inf()
        step = self._step([low, self.middle, high], limit)
        if step is not None:
            points = [self.middle + self.half * t for t in self.rule.nodes]
            self.values = [self._mean(t, step) for t in points]
            weighted = [w * v for w, v in zip(self.rule.weights, self.values, strict=True)]
            self.tail = self.rule.tail(weighted) * len(weighted)

    def _step(self, tests: Sequence[Ball], limit: Ball) -> float | None:
        """A step that is fine enough at some points."""
        means = [self._mean(t, _STEPS[0]) for t in tests]
        for step, half in pairwise(_STEPS):
            finer = [self._mean(t, half) for t in tests]
            if all(abs((a - b).mid()) <= limit for a, b in zip(means, finer, strict=True)):
                return step
            means = finer
        return None

    def __call__(self, point: Ball) -> Ball:
        """Interpolated value."""
        shares, norm = self.rule.shares((point - self.middle) / self.half)
        total = sum((a * b for a, b in zip(shares, self.values, strict=True)), flint.arb(0))
        return total / norm * self.tilt(point)

    def _mean(self, point: Ball, step: float) -> Ball:
        """Without the tilt, by the trapezoidal rule, exponentially good for an analytic h."""
        centre = self.factor.shift + self.factor.slope * point
        piece, total = self.factor.pieces.functions[self.place], flint.arb(0)
        for offset, weight in self.law.offsets(step):
            total += weight * piece(centre + offset)
        return total / self.tilt(point)


class _Law:
    """A centred normal law by the trapezoidal rule, cut at ±reach standard deviations."""

    def __init__(self, spread: Ball, reach: float) -> None:
        self.spread, self.reach = spread, reach
        self._offsets: dict[float, list[tuple[Ball, Ball]]] = {}

    def offsets(self, step: float) -> list[tuple[Ball, Ball]]:
        """Places and weights."""
        if step not in self._offsets:
            count = math.ceil(self.reach / step)
            scale = step / (2 * flint.arb.pi()).sqrt()
            points = [flint.arb(k) * step for k in range(-count, count + 1)]
            self._offsets[step] = [(self.spread * w, scale * (-w * w / 2).exp()) for w in points]
        return self._offsets[step]
