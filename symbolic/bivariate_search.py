"""Where f(u₁)g(u₂) matters: a search for the mass of a double Gaussian integral.

The mass may lie far out (exponential growth shifts it), in several places, or on a narrow ridge.
Squares are bounded from samples of log|f| and log|g| and the exact maximum of the density, and
halved where the bound is not negligible.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

from freejac.symbolic.ball_pieces import Ball, BallPieces, Peak
from freejac.symbolic.errors import DomainError, NotConvergedError

__all__ = ["Axis", "Pair", "active_pairs"]

_FARTHEST = 2.0**18
_MOST_CELLS = 100_000
_AROUND = [sign * 1.7**k for k in range(-6, 6) for sign in (-1, 1)]

Pair = tuple[int, int]


class Axis(NamedTuple):
    """A function of one of the two variables.

    Attributes:
        pieces: the function.
        root: standard deviation of its argument.
        origin: where the grid of panels starts, in units of `root`.
    """

    pieces: BallPieces
    root: Ball
    origin: Ball


def active_pairs(
    axes: Sequence[Axis], c: float, s: float, half: float, drop: float, window: float, top: float
) -> tuple[dict[Pair, float], float]:
    """Pairs of panels on which the integrand is within a factor e^−drop of its maximum.

    Args:
        axes: both functions; the first origin is c times the second.
        c: correlation.
        s: √(1 − c²).
        half: half-width of a panel.
        drop: how much smaller is negligible.
        window: no panel of the first axis lies farther from its origin; ∞ for all.
        top: a logarithm that the maximum is known to reach.

    Returns:
        log|f g exp(−e)| of every pair, bounded from above, e being the exponent of the density;
        and the largest such logarithm that was met.

    Raises:
        DomainError: the integrand does not decay.
        NotConvergedError: its mass extends over too many squares.
    """
    search = _Search(axes, c, s, half, top)
    extent = min(_FARTHEST, 3 * window)
    search.look_around(min(window, extent), extent, drop)
    levels = max(1, math.ceil(math.log2(extent / (2 * half))))
    cells = [(i, j) for i in (-1, 0) for j in (-1, 0)]
    left = _MOST_CELLS
    for depth in range(levels, -1, -1):
        width = 2 * half * 2**depth
        cells = [cell for cell in cells if abs(cell[0] + 0.5) * width < window + width / 2]
        left -= len(cells)
        if left < 0:
            raise NotConvergedError("the integrand extends over too many panels of the density")
        bounded = search.bounded(cells, depth)
        cells = [cell for cell, bound in bounded if bound > search.top - drop]
        edge = 1 << (levels - depth)
        if (
            edge == 256
            and extent == _FARTHEST
            and any(k in (-edge, edge - 1) for cell in cells for k in cell)
        ):
            raise DomainError(
                "the Gaussian mean is infinite, or its mass too narrow to be found: the integrand "
                "does not seem to fall within 2^18 standard deviations"
            )
        if depth:
            halves = [(0, 0), (0, 1), (1, 0), (1, 1)]
            cells = [(2 * i + k, 2 * j + m) for i, j in cells for k, m in halves]
    return {cell: bound for cell, bound in bounded if bound > search.top - drop}, search.top


class _Search:
    """Branch and bound on squares of panels."""

    def __init__(self, axes: Sequence[Axis], c: float, s: float, half: float, top: float) -> None:
        self.c, self.s, self.half = c, s, half
        self.pieces = [axis.pieces for axis in axes]
        self.roots = [float(axis.root) for axis in axes]
        self.origins = [float(axis.origin) for axis in axes]
        self.top = top
        self._met: dict[Pair, float] = {}
        self._landmarks: dict[tuple[float, float], float] = {}

    def bounded(self, cells: list[Pair], depth: int) -> list[tuple[Pair, float]]:
        """Squares of 2^depth panels and how large log|f g p| is there; raises `top`."""
        width = 2 * self.half * 2**depth
        self._met = {}
        for place, value in list(self._landmarks.items()):
            self._note(value, place, width)
        peaks = [
            {
                k: self._peak(axis, k * width, (k + 1) * width)
                for k in {cell[axis] for cell in cells}
            }
            for axis in (0, 1)
        ]
        for i, peak in peaks[0].items():
            alpha = self._local(0, peak.at) if peak.value > -math.inf else (i + 0.5) * width
            self._sample(alpha, alpha * self.c, width)
        for peak in peaks[1].values():
            if peak.value > -math.inf:
                beta = self._local(1, peak.at)
                self._sample(self.c * beta, beta, width)
        bounded = []
        for i, j in cells:
            first, second = peaks[0][i], peaks[1][j]
            if first.bound + second.bound > -math.inf:
                place = self._local(0, first.at), self._local(1, second.at)
                here = first.value + second.value + self._log_density(*place)
                self._note(here, place, width)
                bound, where = self._bound((first, second), i * width, j * width, width)
                bounded.append(((i, j), bound, where))
        if bounded:
            self._sample(*max(bounded, key=lambda entry: entry[1])[2], width)
        # What was met in a square is there, whatever the samples of f and g alone suggested.
        return [(cell, max(bound, self._met.get(cell, bound))) for cell, bound, _ in bounded]

    def _bound(
        self, peaks: tuple[Peak, Peak], alpha: float, beta: float, width: float
    ) -> tuple[float, tuple[float, float]]:
        """Largest log|f g p| on a square, from sizes or from slopes, and about where."""
        plain, where = self._highest(alpha, beta, width, (0.0, 0.0))
        first, second = (peak.slope * root for peak, root in zip(peaks, self.roots, strict=True))
        middle = first * (alpha + width / 2) + second * (beta + width / 2)
        tilted, there = self._highest(alpha, beta, width, (first, second))
        return min(
            (peaks[0].bound + peaks[1].bound + plain, where),
            (peaks[0].rest + peaks[1].rest - middle + tilted, there),
        )

    def _peak(self, axis: int, low: float, high: float) -> Peak:
        origin, root = self.origins[axis], self.roots[axis]
        return self.pieces[axis].peak((origin + low) * root, (origin + high) * root)

    def _local(self, axis: int, point: float) -> float:
        return point / self.roots[axis] - self.origins[axis]

    def look_around(self, farthest: float, other: float, drop: float) -> None:
        """A first look, on the scales of the density and on those of the functions themselves.

        Samples of a wide square may all miss a peak: 1 − tanh² far out is rounding error. The
        largest logarithm is kept for each of the smallest squares where it matters.

        Args:
            farthest: how far to look on the first axis.
            other: the same on the second.
            drop: how much smaller is negligible.
        """
        ladders = [self._ladder(axis) for axis in (0, 1)]
        sizes = [[(u, self._least(axis, u)) for u in ladders[axis]] for axis in (0, 1)]
        known = [[(u, size) for u, size in side if size > -math.inf] for side in sizes]
        met = [(a, b, first + second) for (a, first), (b, second) in product(*known)]
        met += [(a, self.c * a, own + self._least(1, self.c * a)) for a, own in known[0]]
        met += [(self.c * b, b, own + self._least(0, self.c * b)) for b, own in known[1]]
        near = ((a, b, size) for a, b, size in met if abs(a) <= farthest and abs(b) <= other)
        seen = [(a, b, size + self._log_density(a, b)) for a, b, size in near]
        level = max((value for _, _, value in seen), default=-math.inf)
        self.top = max(self.top, level)
        best: dict[Pair, tuple[float, float, float]] = {}
        for a, b, value in seen:
            cell = math.floor(a / (2 * self.half)), math.floor(b / (2 * self.half))
            if value > self.top - drop and (cell not in best or value > best[cell][2]):
                best[cell] = a, b, value
        self._landmarks = {(a, b): value for a, b, value in best.values()}

    def _ladder(self, axis: int) -> list[float]:
        """Points of an axis, geometric from every place where there may be something to see."""
        own = (self._local(axis, point) for point in self.pieces[axis].landmarks())
        return [*_AROUND, *(u * self.half for u in _AROUND), *own]

    def _least(self, axis: int, point: float) -> float:
        """log|f| or log|g| at a point of the grid, from below."""
        return self.pieces[axis].log_sizes((self.origins[axis] + point) * self.roots[axis])[0]

    def _sample(self, alpha: float, beta: float, width: float) -> None:
        """Evaluate at a point."""
        value = self._least(0, alpha) + self._least(1, beta) + self._log_density(alpha, beta)
        self._note(value, (alpha, beta), width)

    def _note(self, value: float, place: tuple[float, float], width: float) -> None:
        """Keep what was met at a point, for the squares of a width that touch it."""
        if value > self.top:
            self.top, self._landmarks[place] = value, value
        rows, columns = ({math.floor(u / width), math.ceil(u / width) - 1} for u in place)
        for cell in product(rows, columns):
            self._met[cell] = max(value, self._met.get(cell, value))

    def _log_density(self, alpha: float, beta: float) -> float:
        # a − cb is α − cβ, because the origins are on the line a = cb.
        return -((((alpha - self.c * beta) / self.s) ** 2) + (self.origins[1] + beta) ** 2) / 2

    def _highest(
        self, alpha: float, beta: float, width: float, slopes: tuple[float, float]
    ) -> tuple[float, tuple[float, float]]:
        """Largest log-density plus slopes on a square, at the mode or on a side, and where."""
        c, square, origin = self.c, self.s * self.s, self.origins[1]
        alphas, betas = (alpha, alpha + width), (beta, beta + width)

        def clipped(value: float, ends: tuple[float, float]) -> float:
            return min(max(value, ends[0]), ends[1])

        mode = c * slopes[0] + slopes[1] - origin
        points = [(clipped(c * b + square * slopes[0], alphas), b) for b in betas]
        points += [(a, clipped(c * a + square * (slopes[1] - origin), betas)) for a in alphas]
        inside = clipped(mode, betas)
        points.append((clipped(c * inside + square * slopes[0], alphas), inside))
        return max(
            (self._log_density(a, b) + slopes[0] * a + slopes[1] * b, (a, b)) for a, b in points
        )
