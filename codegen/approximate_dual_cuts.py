"""Where the unit square is cut: rectangles equally hard to fit, by a coarse interpolant."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from itertools import product as pairs_of
from operator import itemgetter

import numpy as np
from numpy.polynomial import chebyshev

from freejac.codegen.approximate_dual_square import Array, Square, nodes_of, sizes

__all__ = ["Coarse", "balanced", "interpolant"]

_ROUNDS = 20


@dataclass(frozen=True)
class Coarse:
    """F on the square, over its largest value.

    Attributes:
        table: its Chebyshev coefficients.
        exact: the size of the exact part, at Chebyshev's nodes.
        least: what errors are relative to at most.
    """

    table: Array
    exact: Array
    least: Array

    def size(self, gaps: tuple[float, float], shares: tuple[float, float], values: Array) -> float:
        """The geometric mean of the sizes on a rectangle with these values of F."""
        nodes = nodes_of(len(self.exact))
        rows, columns = (
            np.unique([np.abs(nodes - (a + (b - a) * t)).argmin() for t in nodes])
            for a, b in (gaps, shares)
        )
        place = np.ix_(rows, columns)
        return float(np.exp(np.log(sizes(values, self.exact[place], self.least[place])).mean()))


def interpolant(square: Square, sign: float, count: int) -> Coarse:
    """A coarse interpolant."""
    nodes = nodes_of(count)
    values, exact, least = square.parts(sign, nodes, nodes)
    to = chebyshev.chebvander(2.0 * nodes - 1.0, count - 1) * (2.0 / count)
    to[:, 0] *= 0.5
    most = np.abs(values).max()
    return Coarse(np.asarray(to.T @ values @ to / most), exact / most, least / most)


def balanced(
    tables: list[Coarse], columns: int, rows: int, degree: int
) -> tuple[tuple[float, ...], tuple[float, ...], float]:
    """Ends of rectangles that are equally hard, and the error that is to be expected there."""
    ends = [list(np.sin(np.pi * np.arange(n + 1) / (2 * n)) ** 2) for n in (columns, rows)]
    tried = []
    for _ in range(_ROUNDS):
        tails = np.log10(_tails(tables, ends[0], ends[1], degree))
        tried.append((float(tails.max()), [tuple(map(float, axis)) for axis in ends]))
        for axis in (0, 1):
            hard = tails.max(axis=1 - axis)
            widths = np.diff(ends[axis]) * 10.0 ** (-0.6 * (hard - hard.mean()) / degree)
            ends[axis] = [0.0, *np.round(np.cumsum(widths) / widths.sum(), 4)[:-1], 1.0]
    error, (gaps, shares) = min(tried, key=itemgetter(0))
    return gaps, shares, 10.0**error


def _tails(tables: list[Coarse], gaps: list[float], shares: list[float], degree: int) -> Array:
    """What a total degree leaves out on each rectangle, over what errors are relative to."""
    count = degree + 5
    nodes = nodes_of(count)
    to = chebyshev.chebvander(2.0 * nodes - 1.0, count - 1) * (2.0 / count)
    to[:, 0] *= 0.5
    beyond = np.add.outer(np.arange(count), np.arange(count)) > degree
    worst = np.zeros((len(gaps) - 1, len(shares) - 1))
    for coarse in tables:
        table = coarse.table
        left = [_at(low + (high - low) * nodes, len(table)) for low, high in pairwise(gaps)]
        right = [_at(low + (high - low) * nodes, len(table)) for low, high in pairwise(shares)]
        for i, j in pairs_of(range(len(left)), range(len(right))):
            values = left[i] @ table @ right[j].T
            coefficients = np.abs(to.T @ values @ to)
            size = coarse.size((gaps[i], gaps[i + 1]), (shares[j], shares[j + 1]), values)
            if len(tables) == 1:
                # A bounded part alone: ends so chosen keep the error down at the corners, too.
                size = min(size, float(np.abs(values).max()))
            tail = 2.0 * float(np.sqrt((coefficients[beyond] ** 2).sum())) / size
            worst[i, j] = max(worst[i, j], tail)
    return worst


def _at(points: Array, count: int) -> Array:
    return np.asarray(chebyshev.chebvander(2.0 * points - 1.0, count - 1))
