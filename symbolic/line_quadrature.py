"""Gaussian integrals over one line, E[∏ h(α + βt)], t standard normal, in ball arithmetic.

Panels lie between the breakpoints of all factors and are graded towards what is narrow; each is
Gauss–Legendre with an a-posteriori check, bisected until the check passes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

import flint

from freejac.symbolic.ball_pieces import Ball, BallPieces, Peak
from freejac.symbolic.errors import DomainError, NotConvergedError
from freejac.symbolic.legendre_panels import graded, rule

__all__ = ["Factor", "Interval", "Weight", "joined", "line_mean", "panel_ends"]

_FARTHEST = 18
_AROUND = [sign * 1.7**k for k in range(-6, 6) for sign in (-1, 1)]
_FINEST = 2.0
_WIDEST = 3.0
_ROUNDS = 40
_MAX_PANELS = 20000

Interval = tuple[Ball, Ball]


class Factor(NamedTuple):
    """t ↦ h(shift + slope·t).

    Attributes:
        pieces: the function h.
        shift: α.
        slope: β, not 0.
    """

    pieces: BallPieces
    shift: Ball
    slope: Ball

    def breaks(self) -> list[Ball]:
        """Breakpoints in t."""
        return [((point - self.shift) / self.slope).mid() for point in self.pieces.breaks]

    def place(self, point: Ball) -> int:
        """Which piece of h is met at t."""
        argument = self.shift + self.slope * point
        return sum(1 for end in self.pieces.breaks if end < argument)

    def value(self, place: int, point: Ball) -> Ball:
        """Value at t, of the piece that is said."""
        return self.pieces.functions[place](self.shift + self.slope * point)

    def marks(self) -> list[tuple[float, float]]:
        """Places in t towards which panels are graded, and how finely."""
        finest = _FINEST / abs(float(self.slope))
        return [
            (float(-self.shift / self.slope), finest),
            *((float(b), finest) for b in self.breaks()),
        ]

    def peak(self, low: float, high: float) -> Peak:
        """How large log|h| is between two points t, in terms of t."""
        shift, slope = float(self.shift), float(self.slope)
        ends = sorted((shift + slope * low, shift + slope * high))
        peak = self.pieces.peak(ends[0], ends[1])
        sharp = peak.sharp and ((peak.sharp[0] - shift) / slope, peak.sharp[1] / abs(slope))
        return peak._replace(at=(peak.at - shift) / slope, slope=peak.slope * slope, sharp=sharp)

    def log_least(self, point: float) -> float:
        """log|h| at t, from below."""
        return self.pieces.log_sizes(float(self.shift) + float(self.slope) * point)[0]


Weight = Callable[[Ball], Ball]


def line_range(factors: Sequence[Factor], drop: float) -> list[Interval]:
    """Intervals where ∏ h(α + βt)·exp(−t²/2) is within e^−drop of its maximum.

    Raises:
        DomainError: the integrand does not decay.
    """
    # What was met somewhere is there, whatever the samples of wide cells suggest.
    landmarks = _landmarks(factors)
    cells, top = [-1, 0], max(landmarks.values())
    for depth in range(_FARTHEST, -1, -1):
        width = 2.0**depth
        bounded = []
        for k in cells:
            low, high = k * width, (k + 1) * width
            peaks = [factor.peak(low, high) for factor in factors]
            if any(peak.bound == -math.inf for peak in peaks):
                continue
            slope = sum(peak.slope for peak in peaks)
            mode = min(max(slope, low), high)
            tilted = slope * (mode - (low + high) / 2) - mode * mode / 2
            plain = sum(peak.bound for peak in peaks) - min(low * low, high * high) / 2
            bound = min(plain, sum(peak.rest for peak in peaks) + tilted)
            for at in (low, high, mode, *(peak.at for peak in peaks)):
                met = _met(factors, at)
                if met > top:
                    top = landmarks[at] = met
                bound = max(bound, met)
            here = (met for at, met in landmarks.items() if low <= at <= high)
            bounded.append((k, max(bound, *here, -math.inf)))
        cells = [k for k, bound in bounded if bound > top - drop]
        edge = 1 << (_FARTHEST - depth)
        if edge == 256 and any(k in (-edge, edge - 1) for k in cells):
            raise DomainError(
                "the Gaussian mean is infinite, or its mass too narrow to be found: the integrand "
                "does not seem to fall within 2^18 standard deviations"
            )
        if depth:
            cells = [m for k in cells for m in (2 * k, 2 * k + 1)]
    return joined(cells)


def _landmarks(factors: Sequence[Factor]) -> dict[float, float]:
    """What is met on the scale of the law and on those of the factors: the largest of each cell."""
    own = [
        (point - float(factor.shift)) / float(factor.slope)
        for factor in factors
        for point in factor.pieces.landmarks()
    ]
    best: dict[int, tuple[float, float]] = {}
    for at in (*_AROUND, *own):
        if abs(at) < 2.0**_FARTHEST:
            cell, met = math.floor(at), _met(factors, at)
            if cell not in best or met > best[cell][1]:
                best[cell] = at, met
    return dict(best.values())


def _met(factors: Sequence[Factor], at: float) -> float:
    """log|∏ h(α + βt)·exp(−t²/2)| at a point, from below."""
    return sum(factor.log_least(at) for factor in factors) - at * at / 2


def joined(cells: Iterable[int]) -> list[Interval]:
    """The intervals that neighbouring cells [k, k + 1] make up."""
    intervals: list[Interval] = []
    for k in sorted(cells):
        if intervals and intervals[-1][1] == k:
            intervals[-1] = intervals[-1][0], flint.arb(k + 1)
        else:
            intervals.append((flint.arb(k), flint.arb(k + 1)))
    return intervals


def line_mean(
    factors: Sequence[Factor],
    digits: int,
    weight: Weight | None = None,
    intervals: Sequence[Interval] | None = None,
    known: Ball | None = None,
) -> tuple[Ball, Ball]:
    """E[w(t) ∏ h(α + βt)] and E|w ∏ h|, t standard normal.

    Args:
        factors: the functions h.
        digits: digits of the mean, relative to the larger of E|w ∏ h| and `known`.
        weight: a polynomial w of low degree, 1 if left out.
        intervals: where t runs; wherever it matters if left out.
        known: what the second result is known to be elsewhere.

    Raises:
        DomainError: the mean is infinite.
        NotConvergedError: a panel cannot be resolved by bisection.
    """
    if intervals is None:
        intervals = line_range(factors, (digits + 12) * math.log(10))
    panels = [
        _Panel(factors, weight, *ends, digits)
        for low, high in intervals
        for ends in pairwise(panel_ends(factors, low, high))
    ]
    return _resolve(panels, digits, known if known is not None else flint.arb(0))


def panel_ends(factors: Sequence[Factor], low: Ball, high: Ball) -> list[Ball]:
    """Ends of panels between two points: breakpoints, graded towards what is narrow."""
    marks = [mark for factor in factors for mark in factor.marks()]
    sharps = [factor.peak(float(low), float(high)).sharp for factor in factors]
    marks += [(sharp[0], 4 * sharp[1]) for sharp in sharps if sharp]
    breaks = sorted((end for factor in factors for end in factor.breaks()), key=float)
    ends = [low, *(end for end in breaks if low < end < high), high]
    found = [low]
    for a, b in pairwise(ends):
        count = max(1, math.ceil(float(b - a) / _WIDEST))
        parts = [a, *((a + (b - a) * k / count).mid() for k in range(1, count)), b]
        for left, right in pairwise(parts):
            found += graded(left, right, marks)[1:]
    return found


class _Panel:
    """An interval of t, the integral over it, and how well that is known."""

    def __init__(
        self, factors: Sequence[Factor], weight: Weight | None, low: Ball, high: Ball, digits: int
    ) -> None:
        self.factors, self.weight, self.digits = factors, weight, digits
        self.low, self.high = low, high
        middle, half = (low + high) / 2, (high - low) / 2
        own = rule(digits, flint.ctx.prec)
        points = [middle + half * node for node in own.nodes]
        places = [factor.place(middle) for factor in factors]
        values = [w * self._value(t, places) for w, t in zip(own.weights, points, strict=True)]
        zero = flint.arb(0)
        scale = half / (2 * flint.arb.pi()).sqrt()
        self.total = scale * sum(values, zero)
        self.size = scale * sum((abs(v) for v in values), zero)
        self.tail = scale * own.tail(values)

    def halves(self) -> list[_Panel]:
        """The panel bisected."""
        middle = ((self.low + self.high) / 2).mid()
        ends = ((self.low, middle), (middle, self.high))
        return [_Panel(self.factors, self.weight, a, b, self.digits) for a, b in ends]

    def _value(self, point: Ball, places: Sequence[int]) -> Ball:
        value = (-point * point / 2).exp()
        for factor, place in zip(self.factors, places, strict=True):
            value = value * factor.value(place, point)
        return value if self.weight is None else value * self.weight(point)


def _resolve(panels: list[_Panel], digits: int, known: Ball) -> tuple[Ball, Ball]:
    tolerance = flint.arb(10) ** (-digits - 2)
    total = settled = flint.arb(0)
    for _ in range(_ROUNDS):
        size = settled + sum((panel.size for panel in panels), flint.arb(0))
        limit = tolerance * max(size.mid(), known.mid())
        again = []
        for panel in panels:
            if panel.tail > limit.mid():
                again += panel.halves()
            else:
                total += panel.total
                settled += panel.size
        if not again:
            return total, settled
        if len(again) > _MAX_PANELS:
            break
        panels = again
    raise NotConvergedError("the integrand is not resolved; is it smooth between its breakpoints?")
