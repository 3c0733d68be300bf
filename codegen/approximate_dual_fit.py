"""Fitting the bounded part of a dual on [0, 1]².

Scales, the exponent and the ends of the rectangles are chosen on a coarse Chebyshev interpolant of
the whole square; then each rectangle is fitted by least squares to values of the product rule of
`codegen.approximate_dual_quadrature`, each weighted by what it contributes to the dual, so that
the error is relative to the dual where the exact part outweighs the fitted one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from itertools import product as pairs_of

import numpy as np
import numpy.typing as npt
import sympy as sp
from numpy.polynomial import chebyshev

from freejac.codegen.approximate_dual_growth import NARROW, WIDE, Growth
from freejac.codegen.approximate_dual_table import Table

__all__ = ["Rules", "UnfitError", "fit"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Rules:
    """Values of a dual in double precision.

    Attributes:
        product: E[f(y + z) f(sign (y − z))] at (sign, variance of y, variance of z).
        odd: the same for an odd f and sign 1, without cancellation, at (variance of y, variance of
            z, their difference).
        mean: E[f(h)] at a variance of h, of which the square is the dual at c = 0.
        square: E[f(h)²], the dual at c = 1.
    """

    product: Callable[[float, float, float], float]
    odd: Callable[[float, float, float], float]
    mean: Callable[[float], float]
    square: Callable[[float], float]


_COARSE = 28
_FINE = 48
_SEEN = 1e-9  # a coefficient of the coarse interpolant that counts
_FARTHEST = 2.0**10
_STEPS = (2.0, 1.375)
# Rectangles in gap and in share, and the total degree, by the number of coefficients.
_SHAPES = ((3, 3, 13), (3, 3, 15), (3, 3, 17), (4, 4, 15), (4, 4, 17), (5, 5, 17))
_NEIGHBOURS = ((1, 0), (-1, 0), (0, 1), (0, -1))
_LEAST_SHARE = 100  # of E[f²]: errors of a smaller D are held against that
_EXTRA = 3  # nodes beyond the degree, in each variable
_GOAL = 6e-14
_LIMIT = 1e-13
_PROMISING = {1: 1e-13, 2: 3e-13}  # estimates that may still fit, by how many signs are fitted
_TRIED = 6  # points between the nodes of a rectangle, in each variable
_EXPONENTS = 6


class UnfitError(Exception):
    """No polynomials of moderate degree reach the goal."""


@dataclass(frozen=True)
class _Square:
    """The coordinates, and the function on them."""

    rules: Rules
    growth: Growth
    gap_scale: float
    share_scale: float
    rooted: bool
    exponent: int

    def narrow(self, share: float) -> float:
        """Variance of z."""
        if self.rooted:
            return self.share_scale * (share * (2.0 - share)) / (1.0 - share) ** 2
        return self.share_scale * share / (1.0 - share)

    def value(self, sign: float, gap: float, share: float) -> tuple[float, float, float]:
        """F, what its errors are held against, and the same where D vanishes.

        These are the size of the exact part, and the larger of |D| and a hundredth of E[f²], all
        over the factor of F.
        """
        b = self.narrow(share)
        a = (b + self.gap_scale * gap) / (1.0 - gap)
        root = math.sqrt(1.0 - gap)
        if self.growth.parity == -1:
            difference = gap * (self.gap_scale + b) / (1.0 - gap)
            whole = self.rules.odd(a, b, difference)
        elif gap == 0.0:
            whole = self.rules.mean(2.0 * b) ** 2
        else:
            whole = self.rules.product(sign, a, b)
        constant, rest = _exact_parts(self.growth, sign)
        exact = constant * gap / (1.0 + root) + sum(w * a**m * b**n for m, n, w in rest)
        scale = root * (self.share_scale + b) ** self.exponent
        if self.growth.parity == -1:
            scale *= gap
        least = max(abs(whole), self.rules.square(a + b) / _LEAST_SHARE)
        return (whole - exact) / scale, abs(exact) / scale, least / scale

    def parts(self, sign: float, gaps: Array, shares: Array) -> tuple[Array, Array, Array]:
        """The values on a grid, as three tables."""
        table = np.array([[self.value(sign, g, s) for s in shares] for g in gaps])
        return table[:, :, 0], table[:, :, 1], table[:, :, 2]

    def values(self, sign: float, gaps: Array, shares: Array) -> tuple[Array, Array]:
        """F on a grid, and the sizes that errors are relative to."""
        found, exact, least = self.parts(sign, gaps, shares)
        return found, _sizes(found, exact, least)


def _sizes(found: Array, exact: Array, least: Array) -> Array:
    """What errors are relative to: the whole rectangle's D, or D itself where that is less.

    A D less than a hundredth of E[f²] counts as that much.
    """
    return np.asarray(np.minimum(np.abs(found).max() + exact, least))


@lru_cache(maxsize=64)
def _exact_parts(growth: Growth, sign: float) -> tuple[float, tuple[tuple[int, int, float], ...]]:
    """The constant of Q, and its other terms as powers of a and b with their weights."""
    polynomial = sp.Poly(growth.plus if sign > 0 else growth.minus, WIDE, NARROW)
    terms = [(m, n, float(weight)) for (m, n), weight in polynomial.terms() if weight != 0]
    constant = sum(weight for m, n, weight in terms if m == n == 0)
    return float(constant), tuple(term for term in terms if term[:2] != (0, 0))


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
        coarse = [_interpolant(square, sign, _FINE) for sign in growth.fitted]
        for columns, rows, degree in _SHAPES:
            gaps, shares, error = _balanced(coarse, columns, rows, degree)
            if error > _PROMISING[len(coarse)]:
                continue
            progress(f"fitting {columns * rows} rectangles with degree {degree}")
            table = _fitted(square, gaps, shares, degree)
            yield table, _missed(square, table)


def _coordinates(rules: Rules, growth: Growth, rooted: bool, start: tuple[float, float]) -> _Square:
    """Scales for which the coarse interpolant of the harder sign needs the fewest coefficients."""
    exponent = _exponent(rules, growth)
    nodes = round(_COARSE / math.sqrt(len(growth.fitted)))
    seen: dict[tuple[float, float], int] = {}

    def count(k: float, m: float) -> int:
        if (k, m) not in seen:
            square = _Square(rules, growth, k, m, rooted, exponent)
            found = [_interpolant(square, sign, nodes).table for sign in growth.fitted]
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
    return _Square(rules, growth, *at, rooted, exponent)


def _exponent(rules: Rules, growth: Growth) -> int:
    """The power of b with which what is fitted grows, from two large variances of one ratio."""
    powers = []
    for sign in growth.fitted:
        square = _Square(rules, growth, 1.0, 1.0, False, 0)
        sizes = [abs(square.value(sign, 0.5, b / (1.0 + b))[0]) for b in (1e4, 1e6)]
        if min(sizes) > 0.0:
            powers.append(math.log(sizes[1] / sizes[0]) / math.log(100.0))
    power = round(max(powers, default=0.0))
    if abs(power) > _EXPONENTS:
        raise UnfitError
    return power


def _nodes(count: int) -> Array:
    """Chebyshev's nodes on [0, 1]."""
    return np.asarray(0.5 - 0.5 * np.cos(np.pi * (np.arange(count) + 0.5) / count))


@dataclass(frozen=True)
class _Coarse:
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
        nodes = _nodes(len(self.exact))
        rows, columns = (
            np.unique([np.abs(nodes - (a + (b - a) * t)).argmin() for t in nodes])
            for a, b in (gaps, shares)
        )
        place = np.ix_(rows, columns)
        return float(np.exp(np.log(_sizes(values, self.exact[place], self.least[place])).mean()))


def _interpolant(square: _Square, sign: float, count: int) -> _Coarse:
    """A coarse interpolant."""
    nodes = _nodes(count)
    values, exact, least = square.parts(sign, nodes, nodes)
    to = chebyshev.chebvander(2.0 * nodes - 1.0, count - 1) * (2.0 / count)
    to[:, 0] *= 0.5
    most = np.abs(values).max()
    return _Coarse(np.asarray(to.T @ values @ to / most), exact / most, least / most)


def _balanced(
    tables: list[_Coarse], columns: int, rows: int, degree: int
) -> tuple[tuple[float, ...], tuple[float, ...], float]:
    """Ends of rectangles that are equally hard, and the error that is to be expected there."""
    ends = [list(np.sin(np.pi * np.arange(n + 1) / (2 * n)) ** 2) for n in (columns, rows)]
    best = None
    for _ in range(20):
        tails = np.log10(_tails(tables, ends[0], ends[1], degree))
        if best is None or tails.max() < best[2]:
            best = tuple(ends[0]), tuple(ends[1]), float(tails.max())
        for axis in (0, 1):
            hard = tails.max(axis=1 - axis)
            widths = np.diff(ends[axis]) * 10.0 ** (-0.6 * (hard - hard.mean()) / degree)
            ends[axis] = [0.0, *np.round(np.cumsum(widths) / widths.sum(), 4)[:-1], 1.0]
    if best is None:
        raise UnfitError
    plain = [tuple(float(end) for end in axis) for axis in best[:2]]
    return plain[0], plain[1], 10.0 ** best[2]


def _tails(tables: list[_Coarse], gaps: list[float], shares: list[float], degree: int) -> Array:
    """What a total degree leaves out on each rectangle, over what errors are relative to."""
    count = degree + 5
    nodes = _nodes(count)
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


def _fitted(
    square: _Square, gaps: tuple[float, ...], shares: tuple[float, ...], degree: int
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


def _missed(square: _Square, table: Table) -> float:
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
        fitted = sum(
            value * np.multiply.outer(inner**m, inner**n)
            for (m, n), value in zip(_powers(table.degree), row, strict=True)
        )
        worst = max(worst, float((np.abs(fitted - values) / sizes).max()))
    return worst


def _powers(degree: int) -> list[tuple[int, int]]:
    """Exponents of gap and share, in the order of a row."""
    return [(m, n) for n in range(degree + 1) for m in range(degree - n, -1, -1)]


@dataclass(frozen=True)
class _Place:
    """One rectangle."""

    square: _Square
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
        nodes = _nodes(degree + 1 + _EXTRA)
        values, sizes = self.grid(nodes, nodes)
        return _squares(values, 1.0 / sizes, degree)

    def near_zero(self, degree: int) -> Array:
        """The same where c → 0, with F at c = 0 for itself.

        Where f(0) = 0 it is small of second order at q = 0. Then the dual keeps its relative
        accuracy to c = 0 and to q = 0.
        """
        growth = self.square.growth
        nodes = _nodes(degree + 1 + _EXTRA)
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
    nodes = _nodes(len(values))
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
