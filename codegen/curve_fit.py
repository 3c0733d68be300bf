"""The quotient of polynomials in t = √q that serves on all of 1e-12 ≤ q ≤ 1e12.

A curve is given by its values at Chebyshev's points of every decade of t; its quotient is the least
one that is as good as doubles, with coefficients of one sign (see `rational_fit`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import flint
import mpmath
from mpmath import mp, mpf

from freejac.codegen.rational_fit import Fit, rational_fit

__all__ = ["DECADES", "GOAL", "Curve", "best_quotient", "in_doubles", "nodes"]

GOAL = 4e-17
"""The relative error that is sought: less than the rounding of doubles."""
_DIGITS = 55
DECADES = (-6, 6)
"""Exponents of ten between which √q lies for 1e-12 ≤ q ≤ 1e12."""
_NODES = 20
_FIRST_SIZE, _LAST_SIZE = 4, 32
_ACCEPTED = 1e-15
_MOST_REFUSED = 3
_REPRESENTABLE = 290
_SCALES = 1024
_LARGEST_LOSS = 1.2


@dataclass(frozen=True)
class Curve:
    """A function at the nodes: points t = √q and values, as balls that are taken for exact."""

    points: Sequence[Any]
    values: Sequence[Any]


@lru_cache(maxsize=4)
def nodes(decades: tuple[int, int] = DECADES, count: int = _NODES) -> tuple[mpf, ...]:
    """Values of √q: Chebyshev points in log t on every decade, ascending.

    Args:
        decades: exponents of ten between which they lie.
        count: how many there are in each.
    """
    low, high = decades
    with mp.workdps(_DIGITS):
        angles = [mp.pi * (2 * k + 1) / (2 * count) for k in range(count)]
        shares = [(1 - mpmath.cos(angle)) / 2 for angle in angles]
        return tuple(mpf(10) ** (n + share) for n in range(low, high) for share in shares)


def best_quotient(
    curve: Curve, lead: int, last: int, *, most: int = _LAST_SIZE, thorough: bool = False
) -> Fit | None:
    """The smallest quotient that is as good as doubles, else the best one that will do.

    Args:
        curve: values of one sign at the nodes.
        lead: first exponent of t as t → 0.
        last: first exponent of t as t → ∞.
        most: the largest degree that is tried.
        thorough: whether no size is passed over, and coefficients may have both signs where their
            terms hardly cancel.

    Returns:
        The fit, or None where none of moderate degree comes near.
    """
    scale, drop = _scale(curve), last - lead

    def attempt(size: int) -> tuple[Fit | None, bool]:
        degrees = (size + min(drop, 0), size - max(drop, 0))
        fit = rational_fit(curve.points, curve.values, lead, degrees, scale, goal=GOAL)
        if fit is None or not _is_representable(fit, curve.points[-1]):
            return fit, False
        return fit, fit.one_signed or (thorough and _loss(fit, curve.points) <= _LARGEST_LOSS)

    best: Fit | None = None
    least = max(_FIRST_SIZE, abs(drop))
    size, refused = least, 0
    while size <= most and refused < _MOST_REFUSED:
        fit, usable = attempt(size)
        if fit is not None and usable:
            if fit.error <= GOAL:
                return _shortest(fit, size, least, attempt) if thorough else fit
            if best is None or fit.error < best.error:
                best = fit
        elif fit is None or fit.error <= _ACCEPTED:  # good, but for its signs
            refused += 1
        # About a digit is won with each degree.
        missing = math.log10(max(fit.error / GOAL, 1.0)) if fit is not None else 0.0
        least = size + 1
        size += max(1, int(0.7 * missing))
    return best if best is not None and best.error <= _ACCEPTED else None


def _shortest(
    fit: Fit, size: int, least: int, attempt: Callable[[int], tuple[Fit | None, bool]]
) -> Fit:
    """The last good one on the way down to sizes that were too small."""
    for smaller in range(size - 1, least - 1, -1):
        less, usable = attempt(smaller)
        if less is None or not usable or less.error > GOAL:
            break
        fit = less
    return fit


def _loss(fit: Fit, points: Sequence[Any]) -> float:
    """By how much the terms of either polynomial outgrow it, at most."""
    worst = 1.0
    for part in (fit.above, fit.below):
        whole, sizes = flint.arb_poly(list(part)), flint.arb_poly([abs(c) for c in part])
        worst = max(worst, *(float(sizes(t) / abs(whole(t))) for t in points))
    return worst


def _scale(curve: Curve) -> Any:
    """The t about which the mean bends from one power to another."""
    logs = [float(t.log()) for t in curve.points]
    sizes = [float(abs(value).log()) for value in curve.values]
    slopes = [(b - a) / (u - t) for (t, a), (u, b) in pairwise(zip(logs, sizes, strict=True))]
    bends = [abs(b - a) for a, b in pairwise(slopes)]
    reached, half = 0.0, math.fsum(bends) / 2
    for place, bend in zip(logs[1:], bends, strict=False):
        reached += bend
        if reached >= half:
            return flint.arb(2) ** round(place / math.log(2))
    return flint.arb(1)


def _is_representable(fit: Fit, end: Any) -> bool:
    """Whether neither a coefficient nor a term at the far end leaves the doubles."""
    far = float(end.log()) / math.log(10)
    return all(
        abs(float(abs(c).log()) / math.log(10)) + far * k < _REPRESENTABLE
        for part in (fit.above, fit.below)
        for k, c in enumerate(part)
    )


def in_doubles(fit: Fit) -> tuple[tuple[mpf, ...], tuple[mpf, ...]]:
    """The coefficients times the number for which doubles come nearest to the first and the last.

    These four make the value at the ends, where their rounding would be seen whole.
    """
    with mp.workdps(_DIGITS):
        above, below = (
            [mpf(c.str(40, radius=False)) for c in part] for part in (fit.above, fit.below)
        )
        ends = (above[0], above[-1], below[0], below[-1])

        def lost(scale: mpf) -> mpf:
            return max(abs(mpf(float(scale * end)) / (scale * end) - 1) for end in ends)

        best = min((1 + mpf(k) / _SCALES for k in range(_SCALES)), key=lost)
        return tuple(best * c for c in above), tuple(best * c for c in below)
