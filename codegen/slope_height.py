"""The density of φ′(h)², h ~ N(0, q), at a place, from the branches of φ′².

It is what M = E[φ′²/(ζ − φ′²)] has for an imaginary part on the real line: −π R, and
R(x) = x f(x) = Σ N(h; 0, q) |φ′/(2φ″)| over all h with φ′(h)² = x.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from mpmath import mp

from freejac.codegen.contour_nodes import Branch, ContourLaw
from freejac.symbolic.errors import NotConvergedError
from freejac.symbolic.slope_branches import SlopeBranch, resolved

__all__ = ["UNKNOWN", "log_height"]

Real = Any
"""An mpmath real; mpmath has no types."""

UNKNOWN = math.nan, math.nan, math.nan
"""Where R is not resolved."""

_DIGITS = 30
_FAR = 39
_BESIDE = 1e-7
_ZERO = 1e-20
"""Of the largest φ′² of a branch: an end below it is a zero of φ′, known to rounding."""


def log_height(law: ContourLaw, place: float) -> tuple[float, float, float]:
    """Log R and its first two derivatives at x.

    Args:
        law: the branches of φ′².
        place: x.

    Returns:
        (−∞, 0, 0) where φ′² does not take the value within 39 √q; `UNKNOWN` where φ′² or its
        derivative is lost, as next to a zero of φ′.
    """
    with mp.workdps(_DIGITS):
        total = first = second = mp.zero
        try:
            for branch in law.branches:
                inverse = _inverse(branch, law.width, mp.mpf(place))
                if inverse is None:
                    continue
                log_share, tilt, bend = _expansion(inverse, law.width)
                share = mp.exp(log_share)
                total += share
                first += share * tilt
                second += share * (tilt**2 + bend)
        except NotConvergedError:
            return UNKNOWN
        if not total > 0:
            return -math.inf, 0.0, 0.0
        tilt = first / total
        return float(mp.log(total)), float(tilt), float(second / total - tilt**2)


class _Inverse(NamedTuple):
    """The h at which a branch has a value, and (φ′, φ″) as a function of h."""

    h: Real
    slopes: Any


def _inverse(branch: Branch, width: float, value: Real) -> _Inverse | None:
    """Where a branch takes a value; None if it does not.

    Raises:
        NotConvergedError: that is not resolved.
    """

    def both(h: Real) -> tuple[Real, Real]:
        # φ″ beside the line: no difference is formed
        step = mp.mpf(10) ** (-mp.dps // 2) * width
        return branch.slope(h), mp.im(branch.slope(mp.mpc(h, step))) / step

    slopes = resolved(both)
    low = mp.mpf(max(branch.low, -_FAR * width))
    high = mp.mpf(min(branch.high, _FAR * width))
    at_low, at_high = (slopes(end)[0] ** 2 for end in (low, high))
    least, most = min(at_low, at_high), max(at_low, at_high)
    if least < value < most:
        return _Inverse(SlopeBranch(low, high, at_low, at_high, slopes).place(value), slopes)
    if value <= least <= most * _ZERO and max(abs(low), abs(high)) < _FAR * width:
        raise NotConvergedError("φ′ is lost next to its zero; raise digits")
    return None


def _expansion(inverse: _Inverse, width: float) -> tuple[Real, Real, Real]:
    """Log of the branch's share and two derivatives in φ′²."""
    step = mp.mpf(_BESIDE) * width
    (left, before), (at, speed), (right, after) = (
        _share(inverse.h + move, inverse.slopes, width) for move in (-step, 0, step)
    )
    rise, turn = (right - left) / (2 * step), (right - 2 * at + left) / step**2
    tilt = rise / speed
    return at, tilt, (turn - tilt * (after - before) / (2 * step)) / speed**2


def _share(h: Real, slopes: Any, width: float) -> tuple[Real, Real]:
    """The log of N(h; 0, q) |φ′/(2φ″)|, and the derivative of φ′².

    Raises:
        NotConvergedError: φ″ is lost.
    """
    slope, curvature = slopes(h)
    if not (slope and curvature):
        raise NotConvergedError("φ″ is lost; raise digits")
    density = -((h / width) ** 2) / 2 - mp.log(width * mp.sqrt(2 * mp.pi))
    return density + mp.log(abs(slope / (2 * curvature))), 2 * slope * curvature
