"""The infimum and the supremum of φ′² over the whole real line.

The ends of a spectrum are those of the law, not of the part of it that is met: with h ~ N(0, q) and
small q the largest φ′² may stand hundreds of standard deviations from 0, or be reached at infinity
only. φ′ is looked at on grids that are geometric about 0 and about every kink, and the extremum is
closed in upon between its neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from mpmath import mp

from freejac.symbolic.quadrature import NumericPiece

__all__ = ["SlopeRange", "slope_range"]

_DECADES = range(-6, 12)
_PER_DECADE = 16
_EVEN = 96
_REACH, _MET = 9, 2
_FAR, _GROWING = mp.mpf("1e8"), mp.mpf("1.001")
"""Beyond which h, and by what factor, φ′² is larger than nearer to 0 where it has no bound."""
_NEGLIGIBLE = mp.mpf("1e-8")


class SlopeRange(NamedTuple):
    """Between which values φ′² lies.

    Attributes:
        least: the infimum; 0 when it is negligible beside what is met, as for x + √(1+x²).
        most: the supremum, or ∞.
    """

    least: Any
    most: Any


def slope_range(pieces: Sequence[NumericPiece], width: Any) -> SlopeRange:
    """The range of φ′² on pieces of the line.

    Args:
        pieces: both ends, and φ′ between them; not constant 0.
        width: the standard deviation of h, for a scale of the grids.

    A supremum approached like 1/h is short of it by 1e-12; a φ′ that oscillates faster than the
    grid is seen at its points only.

    >>> from freejac.symbolic.activation import activation
    >>> from freejac.symbolic.quadrature import numeric_pieces
    >>> gelu = numeric_pieces([activation("gelu").distribution(1)], {})
    >>> least, most = slope_range(gelu, mp.mpf("1e-6"))
    >>> root = mp.sqrt(2)                                 # sup φ′ = Φ(√2) + √2 N(√2)
    >>> least, abs(most - (mp.ncdf(root) + root * mp.npdf(root)) ** 2) < 1e-14
    (mpf('0.0'), True)
    """
    least, near, far, met = mp.inf, mp.zero, mp.zero, mp.zero
    for low, high, slope in pieces:
        grid = _grid(low, high, width)
        values = [slope(h)[0] for h in grid]
        if min(values) < 0 < max(values):
            least = mp.zero
        squares = [value**2 for value in values]
        near = max([near, *(v for h, v in zip(grid, squares, strict=True) if abs(h) <= _FAR)])
        far = max([far, *(v for h, v in zip(grid, squares, strict=True) if abs(h) > _FAR)])

        met = max([met, *(v for h, v in zip(grid, squares, strict=True) if abs(h) <= _MET * width)])

        def square(h: Any, slope: Callable[[Any], Sequence[Any]] = slope) -> Any:
            return slope(h)[0] ** 2

        ends = [
            low if mp.isfinite(low) else grid[0],
            *grid,
            high if mp.isfinite(high) else grid[-1],
        ]
        bottom = min(range(len(grid)), key=squares.__getitem__)
        top = max(range(len(grid)), key=squares.__getitem__)
        found = _closed_in(square, ends[bottom], ends[bottom + 2], -1)
        least = min(least, squares[bottom], found)
        if abs(grid[top]) <= _FAR:
            near = max(near, _closed_in(square, ends[top], ends[top + 2], 1))
    most = mp.inf if far > _GROWING * near else max(near, far)
    return SlopeRange(least if least > _NEGLIGIBLE * (met or most) else mp.zero, most)


def _grid(low: Any, high: Any, width: Any) -> list[Any]:
    """Places inside (low, high): even within reach of h, geometric about 0 and the ends."""
    reach = _REACH * width
    a, b = max(low, -reach), min(high, reach)
    places = {a + (b - a) * (k + mp.mpf("0.5")) / _EVEN for k in range(_EVEN)} if a < b else set()
    steps = [
        mp.mpf(10) ** (decade + mp.mpf(k) / _PER_DECADE)
        for decade in _DECADES
        for k in range(_PER_DECADE)
    ]
    steps.append(max(mp.mpf(10) ** _DECADES.stop, 1000 * width))
    for anchor in {mp.zero, low, high}:
        if mp.isfinite(anchor):
            places |= {anchor + sign * step for step in steps for sign in (-1, 1)}
    return sorted(place for place in places if low < place < high)


def _closed_in(square: Callable[[Any], Any], left: Any, right: Any, sign: int) -> Any:
    """The largest (sign 1) or least (sign −1) value between two places with one extremum."""
    best = square((left + right) / 2)
    for _ in range(2 * mp.prec):
        a, b = (2 * left + right) / 3, (left + 2 * right) / 3
        at_a, at_b = square(a), square(b)
        best = max(best, at_a, at_b) if sign > 0 else min(best, at_a, at_b)
        left, right = (left, b) if (at_a - at_b) * sign > 0 else (a, right)
    return best
