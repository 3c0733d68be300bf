"""Where φ′² is monotone, out to where no double counts any more, and the h where it has a value.

φ is cut where φ″ or φ′ changes sign: on even places within reach of h ~ N(0, q), and on places that
are geometric beyond. What cancels far out, as 1 − tanh², is evaluated with more digits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from mpmath import mp

from freejac.symbolic.errors import NotConvergedError
from freejac.symbolic.quadrature import NumericPiece

__all__ = ["SlopeBranch", "is_zero", "resolved", "slope_branches", "values_on"]

_SCAN = 400
_STEPS = 400
_FAR = 10_000
"""How far branches are followed, in units of √q, or of 1/10 where √q is less."""
_PER_DECADE = 16
_MOST_TURNS = 8
_SMALL, _MOST_DOUBLINGS = mp.mpf("1e-3"), 6


class SlopeBranch(NamedTuple):
    """Where φ′² is monotone.

    Attributes:
        low, high: the ends in h.
        at_low, at_high: φ′² there.
        slopes: h to (φ′, φ″).
    """

    low: Any
    high: Any
    at_low: Any
    at_high: Any
    slopes: Any

    def place(self, value: Any) -> Any:
        """The h with φ′(h)² = value, by Newton's method for its logarithm, kept in a bracket."""
        low, high = (self.low, self.high) if self.at_low < self.at_high else (self.high, self.low)
        h = (low + high) / 2
        close = mp.mpf(10) ** (3 - mp.dps)
        for _ in range(_STEPS):
            slope, curvature = self.slopes(h)
            miss = mp.log(slope**2 / value) if slope else -mp.inf
            low, high = (low, h) if miss > 0 else (h, high)
            step = miss * slope / (2 * curvature) if curvature and slope else mp.inf
            inside = min(low, high) < h - step < max(low, high)
            moved = h - step if inside else (low + high) / 2
            if abs(moved - h) <= close * max(abs(h), min(abs(high - low), 1)):
                return moved
            h = moved
        raise NotConvergedError(f"φ′² = {mp.nstr(value, 10)} was not inverted; raise digits")


def resolved(function: Callable[[Any], Sequence[Any]]) -> Callable[[Any], Sequence[Any]]:
    """The same function, its small values to all digits, or 0 if they are beyond 1000 digits.

    >>> slope = resolved(lambda h: [1 - mp.tanh(h) ** 2])
    >>> [mp.nstr(part, 9) for part in slope(mp.mpf(50))]           # 1/cosh(50)²
    ['1.48803039e-43']
    """

    def values(h: Any) -> Sequence[Any]:
        found = function(h)
        if all(abs(value) > _SMALL for value in found):
            return found
        close = mp.mpf(10) ** (2 - mp.dps)
        prec = mp.prec
        for _ in range(_MOST_DOUBLINGS):
            prec *= 2
            with mp.workprec(prec):
                finer = function(h)
                gaps = [abs(a - b) for a, b in zip(finer, found, strict=True)]
            # as many zeros as digits tell nothing, of either part of a complex number
            if all(
                gap <= close * abs(v) and mp.re(v) and (mp.im(v) or not mp.im(h))
                for gap, v in zip(gaps, finer, strict=True)
            ):
                return [+value for value in finer]
            found = finer
        return [
            +value if gap <= close * abs(value) else mp.zero
            for gap, value in zip(gaps, found, strict=True)
        ]

    return values


def is_zero(low: Any, high: Any, slope: Any) -> bool:
    """Whether φ′ vanishes on a piece: it is analytic there, so a few points tell."""
    return values_on(low, high, slope) == {0}


def values_on(low: Any, high: Any, slope: Any) -> set[Any]:
    """φ′ at a few places of a piece."""
    start = low if mp.isfinite(low) else (high - 3 if mp.isfinite(high) else mp.mpf(-1))
    end = high if mp.isfinite(high) else start + 3
    return {slope(start + (end - start) * mp.mpf(k) / 7)[0] for k in range(1, 7)}


def slope_branches(pieces: Sequence[NumericPiece], width: Any) -> list[SlopeBranch]:
    """Cut φ at the working precision; where φ′ is constant there is no branch.

    Args:
        pieces: both ends, and (φ′, φ″) between them.
        width: √q.

    >>> from freejac.symbolic.activation import activation
    >>> from freejac.symbolic.quadrature import numeric_pieces
    >>> gelu = activation("gelu")
    >>> pieces = numeric_pieces([gelu.distribution(1), gelu.distribution(2)], {})
    >>> [mp.nstr(branch.high, 6) for branch in slope_branches(pieces, mp.mpf("1e-3"))][:-1]
    ['-1.41421', '-0.751792', '1.41421']
    """
    return [branch for piece in pieces for branch in _cut(piece, width)]


def _cut(piece: NumericPiece, width: Any) -> list[SlopeBranch]:
    """The branches of one piece."""
    low, high, function = piece
    slopes = resolved(function)
    far = _FAR * max(width, mp.mpf("0.1"))
    low, high = max(low, -far), min(high, far)
    if low >= high:
        return []
    grid = _grid(low, high, width)
    samples = [(h, slopes(h)) for h in grid]
    if all(curvature == 0 for _, (_, curvature) in samples):
        return []
    # where no digit of φ″ is left a branch has come to its end
    lost = [h for h, (_, curvature) in samples if curvature == 0 and abs(h) > 10 * width]
    left, right = ([h for h in lost if sign * h > 0] for sign in (-1, 1))
    samples = [
        (h, at) for h, at in samples if max(left, default=low) < h < min(right, default=high)
    ]
    low = samples[0][0] if left else low
    high = samples[-1][0] if right else high
    cuts = {low, high}
    for k in (0, 1):
        for (a, at_a), (b, at_b) in pairwise(samples):
            if at_a[k] == 0:
                cuts.add(a)
            elif at_a[k] * at_b[k] < 0:
                cuts.add(_zero(slopes, k, a, b))
    ordered = _nearest(sorted(cuts), width)
    values = [_square(slopes, h, ordered) for h in ordered]
    return [
        SlopeBranch(a, b, at_a, at_b, slopes)
        for (a, at_a), (b, at_b) in pairwise(zip(ordered, values, strict=True))
        if at_a != at_b
    ]


def _nearest(cuts: list[Any], width: Any) -> list[Any]:
    """Out of reach, a few turns on either side: φ′² may oscillate for ever."""
    reach = _reach(width)
    left, right = ([h for h in cuts if sign * h > reach] for sign in (-1, 1))
    inner = [h for h in cuts if abs(h) <= reach]
    return left[-_MOST_TURNS:] + inner + right[:_MOST_TURNS]


def _reach(width: Any) -> Any:
    """Beyond which h is not met."""
    return mp.sqrt(2 * mp.log(10) * (mp.dps + 8)) * width


def _square(slopes: Any, h: Any, ends: Sequence[Any]) -> Any:
    """φ′², exactly 0 where φ′ changes sign."""
    value = slopes(h)[0]
    beside = max(abs(h), mp.mpf("1e-3")) * mp.mpf(10) ** (-mp.dps // 2)
    if ends[0] < h < ends[-1] and slopes(h - beside)[0] * slopes(h + beside)[0] < 0:
        return mp.zero
    return value**2


def _grid(low: Any, high: Any, width: Any) -> list[Any]:
    """Places in (low, high): even ones, ones that crowd towards 0, where φ lives, and far ones."""
    reach = _reach(width)
    left, right = max(low, -reach), min(high, reach)
    places = set[Any]()
    if left < right:
        places = {left + (right - left) * mp.mpf(k) / _SCAN for k in range(_SCAN + 1)}
        first, last = mp.asinh(left * 10), mp.asinh(right * 10)
        step = (last - first) / _SCAN
        places |= {mp.sinh(first + step * k) / 10 for k in range(1, _SCAN)}
    place, factor = reach, mp.mpf(10) ** (mp.one / _PER_DECADE)
    while place < max(high, -low):
        place *= factor
        places |= {place, -place}
    return sorted(h for h in places if low < h < high)


def _zero(slopes: Any, k: int, low: Any, high: Any) -> Any:
    """The zero of φ′ (k = 0) or φ″ (k = 1) between two places of different sign, by bisection."""
    sign = slopes(low)[k]
    for _ in range(mp.prec + 10):
        middle = (low + high) / 2
        value = slopes(middle)[k]
        if value == 0 or middle in (low, high):
            return middle
        low, high = (middle, high) if value * sign > 0 else (low, middle)
    return (low + high) / 2
