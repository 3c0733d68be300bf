"""Fitting the bounded part of a dual on [0, 1]².

Scales, the exponent and the ends of the rectangles are chosen on a coarse Chebyshev interpolant of
the whole square; then each rectangle is fitted by least squares to values of the product rule of
`codegen.approximate_dual_quadrature`, each weighted by what it contributes to the dual.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from freejac.codegen.approximate_dual_cuts import balanced, interpolant
from freejac.codegen.approximate_dual_growth import Growth
from freejac.codegen.approximate_dual_rectangles import fitted, missed_by
from freejac.codegen.approximate_dual_square import Rules, Square
from freejac.codegen.approximate_dual_table import Table

__all__ = ["UnfitError", "fit"]

_COARSE = 28
_FINE = 48
_SEEN = 1e-9  # a coefficient of the coarse interpolant that counts
_FARTHEST = 2.0**10
_STEPS = (2.0, 1.375)
# Rectangles in gap and in share, and the total degree, by the number of coefficients.
_SHAPES = ((3, 3, 13), (3, 3, 15), (3, 3, 17), (4, 4, 15), (4, 4, 17), (5, 5, 17))
_NEIGHBOURS = ((1, 0), (-1, 0), (0, 1), (0, -1))
_GOAL = 6e-14
_LIMIT = 1e-13
_PROMISING = {1: 1e-13, 2: 3e-13}  # estimates that may still fit, by how many signs are fitted
_EXPONENTS = 6


class UnfitError(Exception):
    """No polynomials of moderate degree reach the goal."""


def fit(rules: Rules, growth: Growth, progress: Callable[[str], None] = lambda _: None) -> Table:
    """Fit the bounded part of a dual.

    Args:
        rules: values of the dual.
        growth: its exact part.
        progress: told each step in words.

    Returns:
        The table with the lowest degree that reaches the goal, 6e-14; if the effort ends before,
        the best that was found, to 1e-13.

    Raises:
        UnfitError: there is none.
    """
    best: tuple[float, Table] | None = None
    try:
        for table, missed in _tables(rules, growth, progress):
            progress(f"missed by {missed:.1e} at most between the nodes")
            if best is None or missed < best[0]:
                best = missed, table
            if missed <= _GOAL:
                break
    except UnfitError:
        progress("giving up")
    if best is None or best[0] > _LIMIT:
        raise UnfitError
    return best[1]


def _tables(
    rules: Rules, growth: Growth, progress: Callable[[str], None]
) -> Iterator[tuple[Table, float]]:
    """Tables of growing cost, and by how much each misses."""
    scales = (1.0, 1.0)
    for rooted in (False, True):
        progress("choosing coordinates" + (" in odd powers, too" if rooted else ""))
        square = _coordinates(rules, growth, rooted, scales)
        scales = square.gap_scale, square.share_scale
        coarse = [interpolant(square, sign, _FINE) for sign in growth.fitted]
        for columns, rows, degree in _SHAPES:
            gaps, shares, error = balanced(coarse, columns, rows, degree)
            if error > _PROMISING[len(coarse)]:
                continue
            progress(f"fitting {columns * rows} rectangles with degree {degree}")
            table = fitted(square, gaps, shares, degree)
            yield table, missed_by(square, table)


def _coordinates(rules: Rules, growth: Growth, rooted: bool, start: tuple[float, float]) -> Square:
    """Scales for which the coarse interpolant of the harder sign needs the fewest coefficients."""
    exponent = _exponent(rules, growth)
    nodes = round(_COARSE / math.sqrt(len(growth.fitted)))
    seen: dict[tuple[float, float], int] = {}

    def count(k: float, m: float) -> int:
        if (k, m) not in seen:
            square = Square(rules, growth, k, m, rooted, exponent)
            found = [interpolant(square, sign, nodes).table for sign in growth.fitted]
            seen[k, m] = max(int((np.abs(table) > _SEEN).sum()) for table in found)
        return seen[k, m]

    at = start
    for step in _STEPS:
        while True:
            near = [(at[0] * step**u, at[1] * step**v) for u, v in _NEIGHBOURS]
            allowed = [p for p in near if min(p) > 1.0 / _FARTHEST and max(p) < _FARTHEST]
            better = min(allowed, key=lambda pair: count(*pair))
            if count(*better) >= count(*at):
                break
            at = better
    return Square(rules, growth, *at, rooted, exponent)


def _exponent(rules: Rules, growth: Growth) -> int:
    """The power of b with which what is fitted grows, from two large variances of one ratio."""
    powers = []
    for sign in growth.fitted:
        square = Square(rules, growth, 1.0, 1.0, False, 0)
        sizes = [abs(square.value(sign, 0.5, b / (1.0 + b))[0]) for b in (1e4, 1e6)]
        if min(sizes) > 0.0:
            powers.append(math.log(sizes[1] / sizes[0]) / math.log(100.0))
    power = round(max(powers, default=0.0))
    if abs(power) > _EXPONENTS:
        raise UnfitError
    return power
