"""Least squares on every rectangle of the unit square, and by how much they miss between nodes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product as pairs_of

import numpy as np
from numpy.polynomial import chebyshev

from freejac.codegen.approximate_dual_square import Array, Square, nodes_of
from freejac.codegen.approximate_dual_table import Table

__all__ = ["fitted", "missed_by"]

_EXTRA = 3  # nodes beyond the degree, in each variable
_TRIED = 6  # points between the nodes of a rectangle, in each variable


def fitted(
    square: Square, gaps: tuple[float, ...], shares: tuple[float, ...], degree: int
) -> Table:
    """Least squares on every rectangle."""
    rows = []
    for sign in square.growth.fitted:
        for left, low in pairs_of(range(len(gaps) - 1), range(len(shares) - 1)):
            place = _Place(square, sign, gaps[left : left + 2], shares[low : low + 2])
            grid = place.near_zero(degree) if left == 0 else place.plain(degree)
            rows.append(tuple(float(grid[m, n]) for m, n in _powers(degree)))
    return Table(
        square.gap_scale,
        square.share_scale,
        square.rooted,
        square.exponent,
        square.growth.parity == -1,
        gaps,
        shares,
        degree,
        tuple(rows),
    )


def missed_by(square: Square, table: Table) -> float:
    """Worst error between the nodes, over what it is relative to."""
    inner = (np.arange(_TRIED) + 0.3) / _TRIED
    places = pairs_of(
        square.growth.fitted, range(len(table.gaps) - 1), range(len(table.shares) - 1)
    )
    worst = 0.0
    for (sign, left, low), row in zip(places, table.rows, strict=True):
        gaps = table.gaps[left] + (table.gaps[left + 1] - table.gaps[left]) * inner
        shares = table.shares[low] + (table.shares[low + 1] - table.shares[low]) * inner
        values, sizes = square.values(sign, gaps, shares)
        found = sum(
            value * np.multiply.outer(inner**m, inner**n)
            for (m, n), value in zip(_powers(table.degree), row, strict=True)
        )
        worst = max(worst, float((np.abs(found - values) / sizes).max()))
    return worst


def _powers(degree: int) -> list[tuple[int, int]]:
    """Exponents of gap and share, in the order of a row."""
    return [(m, n) for n in range(degree + 1) for m in range(degree - n, -1, -1)]


@dataclass(frozen=True)
class _Place:
    """One rectangle."""

    square: Square
    sign: float
    gaps: tuple[float, ...]
    shares: tuple[float, ...]

    def grid(self, left: Array, right: Array) -> tuple[Array, Array]:
        """F at places in [0, 1]², and what its errors are relative to."""
        return self.square.values(
            self.sign,
            self.gaps[0] + (self.gaps[1] - self.gaps[0]) * left,
            self.shares[0] + (self.shares[1] - self.shares[0]) * right,
        )

    def plain(self, degree: int) -> Array:
        """Coefficients of gapᵐ shareⁿ by least squares."""
        nodes = nodes_of(degree + 1 + _EXTRA)
        values, sizes = self.grid(nodes, nodes)
        return _squares(values, 1.0 / sizes, degree)

    def near_zero(self, degree: int) -> Array:
        """The same where c → 0, with F at c = 0 for itself.

        Where f(0) = 0 it is small of second order at q = 0. Then the dual keeps its relative
        accuracy to c = 0 and to q = 0.
        """
        growth = self.square.growth
        nodes = nodes_of(degree + 1 + _EXTRA)
        values, sizes = self.grid(nodes, nodes)
        if growth.parity == -1 or not growth.at_zero:
            return _squares(values, 1.0 / sizes, degree)
        corner = self.shares[0] == 0.0
        order = 2 if corner else 0
        edge = self.grid(np.zeros(1), nodes)[0][0]
        found = chebyshev.chebfit(2.0 * nodes - 1.0, edge / nodes**order, degree - order)
        start = np.zeros(degree + 1)
        start[order:] = found @ _shifted(degree - order)
        values = values - edge
        weights = nodes[:, None] / (nodes[:, None] + (nodes if corner else np.ones_like(nodes)))
        slopes = _squares(values / nodes[:, None], weights, degree - 1)
        grid = np.zeros((degree + 1, degree + 1))
        grid[1:, :-1] = slopes
        grid[0] = start
        return grid


def _squares(values: Array, weights: Array, degree: int) -> Array:
    """Coefficients on [0, 1]² by weighted least squares at Chebyshev's nodes."""
    nodes = nodes_of(len(values))
    powers = _powers(degree)
    basis = chebyshev.chebvander(2.0 * nodes - 1.0, degree)
    columns = [np.multiply.outer(basis[:, m], basis[:, n]).ravel() for m, n in powers]
    matrix = np.stack(columns, axis=1)
    scale = weights.ravel()
    found = np.linalg.lstsq(matrix * scale[:, None], values.ravel() * scale)[0]
    grid = np.zeros((degree + 1, degree + 1))
    for (m, n), value in zip(powers, found, strict=True):
        grid[m, n] = value
    to = _shifted(degree)
    return np.asarray(to.T @ grid @ to)


def _shifted(degree: int) -> Array:
    """Row n: the coefficients of T_n(2x − 1) in powers of x, whole numbers."""
    rows = np.zeros((degree + 1, degree + 1))
    rows[0, 0] = 1.0
    if degree:
        rows[1, :2] = -1.0, 2.0
    for n in range(2, degree + 1):
        rows[n] = -2.0 * rows[n - 1] - rows[n - 2]
        rows[n, 1:] += 4.0 * rows[n - 1, :-1]
    return rows
