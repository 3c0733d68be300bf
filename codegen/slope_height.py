"""The density of φ′(h)², h ~ N(0, q), at a place, from the branches of φ′².

It is what M = E[φ′²/(ζ − φ′²)] has for an imaginary part on the real line: −π R, and
R(x) = x f(x) = Σ N(h; 0, q) |φ′/(2φ″)| over all h with φ′(h)² = x.
"""

from __future__ import annotations

import math
from typing import Any

from mpmath import mp

from freejac.codegen.contour_nodes import Branch, ContourLaw

__all__ = ["log_height"]

Real = Any
"""An mpmath real; mpmath has no types."""

_DIGITS = 30
_FAR = 39
_STEPS = 120
_BESIDE = 1e-7


def log_height(law: ContourLaw, place: float) -> tuple[float, float, float]:
    """Log R and its first two derivatives at x.

    Args:
        law: the branches of φ′².
        place: x.

    Returns:
        (−∞, 0, 0) where φ′² does not take the value within 39 √q.
    """
    with mp.workdps(_DIGITS):
        total = first = second = mp.zero
        for branch in law.branches:
            h = _place(branch, law.width, mp.mpf(place))
            if h is None:
                continue
            log_share, tilt, bend = _expansion(branch, law.width, h)
            share = mp.exp(log_share)
            total += share
            first += share * tilt
            second += share * (tilt**2 + bend)
        if not total > 0:
            return -math.inf, 0.0, 0.0
        tilt = first / total
        return float(mp.log(total)), float(tilt), float(second / total - tilt**2)


def _expansion(branch: Branch, width: float, h: Real) -> tuple[Real, Real, Real]:
    """Log of the branch's share and two derivatives in φ′², from three h."""
    step = mp.mpf(_BESIDE) * width
    (x, at), (right, upper), (left, lower) = (
        _share(branch, width, p) for p in (h, h + step, h - step)
    )
    after, before = (upper - at) / (right - x), (at - lower) / (x - left)
    tilt = (after * (x - left) + before * (right - x)) / (right - left)
    return at, tilt, 2 * (after - before) / (right - left)


def _share(branch: Branch, width: float, h: Real) -> tuple[Real, Real]:
    """φ′² and the log of N(h; 0, q) |φ′/(2φ″)|."""
    slope, curvature = branch.slope(h), _curvature(branch, width, h)
    density = -((h / width) ** 2) / 2 - mp.log(width * mp.sqrt(2 * mp.pi))
    return slope**2, density + mp.log(abs(slope / (2 * curvature)))


def _curvature(branch: Branch, width: float, h: Real) -> Real:
    """φ″, beside the line: no difference is formed."""
    step = mp.mpf(10) ** (-_DIGITS // 2) * width
    return mp.im(branch.slope(mp.mpc(h, step))) / step


def _place(branch: Branch, width: float, value: Real) -> Real | None:
    """The h of a branch with φ′(h)² = value, by Newton's method in a bracket."""
    low = mp.mpf(max(branch.low, -_FAR * width))
    high = mp.mpf(min(branch.high, _FAR * width))
    at_low, at_high = (branch.slope(end) ** 2 for end in (low, high))
    if not min(at_low, at_high) < value < max(at_low, at_high):
        return None
    rising = at_high > at_low
    h = (low + high) / 2
    for _ in range(_STEPS):
        slope = branch.slope(h)
        miss, speed = slope**2 - value, 2 * slope * _curvature(branch, width, h)
        low, high = (low, h) if (miss > 0) == rising else (h, high)
        moved = h - miss / speed if speed else low
        moved = moved if low < moved < high else (low + high) / 2
        if abs(moved - h) <= mp.mpf(10) ** -15 * width:
            return moved - (branch.slope(moved) ** 2 - value) / speed
        h = moved
    return None
