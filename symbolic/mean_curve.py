"""E[f(√q z)ⁿ] as functions of q, for many values of q.

`gaussian_means` adapts its panels to one q. Here dyadic panels are fixed once in |x|, and the
functions are evaluated on each of them only once, however many q follow; the Gaussian weight
alone depends on q. Each panel is checked a posteriori, and a q at which one fails is handed to
`gaussian_means`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import flint
import mpmath
import sympy as sp
from mpmath import mp, mpf

from freejac.symbolic.balls import midpoint, working_bits
from freejac.symbolic.band_limited import band_limited
from freejac.symbolic.domain import Number, finite
from freejac.symbolic.errors import DomainError, NotConvergedError
from freejac.symbolic.piecewise import PiecewiseFunction
from freejac.symbolic.quadrature import (
    Integrand,
    Vector,
    exact_number,
    gaussian_means,
    legendre_rule,
    numeric_pieces,
)

__all__ = ["MeanCurve"]

_GUARD_DIGITS = 15
_NOISE_DIGITS = 5
_FARTHEST = 80
_INNERMOST = (-1, -8, -16)


@dataclass(frozen=True)
class _Segment:
    """Gauss–Legendre samples of f(x)ⁿ + f(−x)ⁿ on a part of the half-line.

    Attributes:
        squares: x² at the nodes.
        rows: a matrix with four rows for every term, the weights that give the integral and the
            last two Legendre coefficients, each times the samples, and those that give E|fⁿ|.
    """

    squares: list[Any]
    rows: Any


class MeanCurve:
    """Gaussian means at many q, at fixed parameters.

    Args:
        terms: pairs of a function and a positive power; Dirac deltas are left out.
        parameters: a value for every parameter.
        digits: digits of the results, relative to E|fⁿ|.
        adaptive: whether a q at which a panel fails is handed to `gaussian_means`, which may take
            seconds for each.

    Raises:
        DomainError: a parameter has no value.

    >>> from freejac.symbolic.piecewise import decompose
    >>> from freejac.symbolic.symbols import x
    >>> square = MeanCurve([(decompose(sp.Max(0, x)), 2)], {}, 20)
    >>> [mpmath.nstr(square(q)[0], 15) for q in (1, 4)]
    ['0.5', '2.0']
    """

    def __init__(
        self,
        terms: Sequence[tuple[PiecewiseFunction, int]],
        parameters: Mapping[sp.Symbol, Number],
        digits: int,
        *,
        adaptive: bool = True,
    ) -> None:
        """Compile the functions."""
        self._adaptive = adaptive
        self._terms, self._parameters, self._digits = list(terms), dict(parameters), digits
        functions = list(dict.fromkeys(function for function, _ in terms))
        self._powers = [(functions.index(function), power) for function, power in terms]
        exact = {s: exact_number(value) for s, value in self._parameters.items()}
        self._waves = band_limited(functions, exact)
        with mp.workdps(digits + _GUARD_DIGITS):
            self._pieces = numeric_pieces(functions, self._parameters)
        self._innermost: tuple[int, ...] = _INNERMOST
        # Both sides of the origin are sampled at the same |x|, so both are cut at every |end|.
        self._ends = sorted({abs(low) for low, _, _ in self._pieces[1:]})
        self._panel = cache(self._segments)

    def __call__(self, variance: Number) -> Vector:
        """One mean a term at variance q > 0.

        Raises:
            DomainError: q is not positive, or a mean is infinite.
            NotConvergedError: an integrand cannot be resolved.
        """
        return [mean for mean, _ in self.sized(variance)]

    def sized(self, variance: Number) -> list[tuple[mpf, mpf]]:
        """One mean a term with E|fⁿ|, on which its digits are counted.

        Raises:
            DomainError: q is not positive, or a mean is infinite.
            NotConvergedError: an integrand cannot be resolved.
        """
        with mp.workdps(self._digits + _GUARD_DIGITS):
            q = finite("the variance q", variance)
            if not q > 0:
                raise DomainError(f"the variance q must be positive, not {variance}")
            if self._waves is not None:
                means = [self._waves[i].mean(n, q, self._digits) for i, n in self._powers]
                return [_without_noise(*mean, self._digits) for mean in means]
            totals = None
            while totals is None and self._innermost:
                totals = self._summed(q, self._innermost[0])
                if totals is None:  # f varies on a finer scale: remembered for the next q
                    self._innermost = self._innermost[1:]
        if totals is None and not self._adaptive:
            raise NotConvergedError(f"a mean at q = {mpmath.nstr(q, 6)} is not resolved by panels")
        if totals is None:
            values = gaussian_means(self._terms, variance, self._digits, self._parameters)
            return [(value, abs(value)) for value in values]
        return totals

    def _summed(self, q: mpf, innermost: int) -> list[tuple[mpf, mpf]] | None:
        """Add panels outward until they are negligible; None when one is not resolved.

        What is 0 around the origin is followed beyond its last breakpoint.
        """
        width = mpmath.sqrt(q)
        tolerance = mpf(10) ** -self._digits
        # The innermost panel ends below both scales, that of f and √q/4.
        inner = min(innermost, _floor_log2(width) - 2)
        reach = _floor_log2(width * mpmath.sqrt(2 * self._digits * mpmath.log(10))) + 1
        last = _floor_log2(self._ends[-1]) + 2 if any(self._ends) else inner
        totals = sizes = [mpf(0)] * len(self._terms)
        tails = [mpf(0)] * len(self._terms)
        for level in range(inner, inner + _FARTHEST):
            parts, heights = [mpf(0)] * len(self._terms), [mpf(0)] * len(self._terms)
            for segment in self._panel(level, level == inner):
                for i, (part, first, second, size) in enumerate(_weighted(segment, q)):
                    parts[i] += part
                    tails[i] += max(abs(first), abs(second))
                    heights[i] += size
            totals = [t + part for t, part in zip(totals, parts, strict=True)]
            sizes = [s + height for s, height in zip(sizes, heights, strict=True)]
            small = all(h <= tolerance * s for h, s in zip(heights, sizes, strict=True))
            begun = level >= last or all(s > 0 for s in sizes)
            if level >= reach and small and begun:
                break
        else:
            return None
        if any(tail > tolerance * size for tail, size in zip(tails, sizes, strict=True)):
            return None
        scale = width * mpmath.sqrt(2 * mp.pi)
        return [
            _without_noise(total / scale, size / scale, self._digits)
            for total, size in zip(totals, sizes, strict=True)
        ]

    def _segments(self, level: int, innermost: bool) -> list[_Segment]:
        """Samples on [2ˡ⁻¹, 2ˡ], or on [0, 2ˡ], cut at the ends of the pieces."""
        low, high = (mpf(0) if innermost else mpf(2) ** (level - 1)), mpf(2) ** level
        # Halves: exp(−x²) falls by more digits over a whole dyadic panel than its nodes resolve.
        inside = {end for end in self._ends if low < end < high} | {(low + high) / 2}
        cuts = [low, *sorted(inside), high]
        return [self._segment(a, b) for a, b in pairwise(cuts)]

    def _segment(self, a: mpf, b: mpf) -> _Segment:
        nodes = max(20, 7 * self._digits // 5)
        points, weights, coefficients = legendre_rule(nodes, mp.dps)
        middle, half = (a + b) / 2, (b - a) / 2
        places = [middle + half * t for t in points]
        right, left = self._between(middle), self._between(-middle)
        samples, sizes = [], []
        with working_bits(mp.prec):
            for at in places:
                ahead, behind = map(_balls, (right(at), left(-at)))
                both = [(ahead[i] ** n, behind[i] ** n) for i, n in self._powers]
                samples.append([a + b for a, b in both])
                sizes.append([abs(a) + abs(b) for a, b in both])
            scale = flint.arb(half)
            rules = [[scale * w for w in _balls(row)] for row in (weights, *coefficients[:2])]
            rows = []
            columns = zip(zip(*samples, strict=True), zip(*sizes, strict=True), strict=True)
            for column, size in columns:
                rows += [_times(rule, column) for rule in rules]
                rows.append(_times(rules[0], size))
        return _Segment([flint.arb(at * at) for at in places], flint.arb_mat(rows))

    def _between(self, at: mpf) -> Integrand:
        return next(function for low, high, function in self._pieces if low < at < high)


def _without_noise(mean: mpf, size: mpf, digits: int) -> tuple[mpf, mpf]:
    """What cancels to the rounding errors is 0."""
    noise = mpf(10) ** -(digits + _NOISE_DIGITS)
    return (mean if abs(mean) > noise * size else mpf(0)), size


def _weighted(segment: _Segment, q: mpf) -> list[Vector]:
    """For every term, the integral, its last two Legendre coefficients, and that of |fⁿ|."""
    with working_bits(mp.prec):
        rate = -1 / (2 * flint.arb(q))
        weights = flint.arb_mat([[(rate * square).exp().mid()] for square in segment.squares])
        products = [midpoint(product) for product in (segment.rows * weights).entries()]
    return [products[i : i + 4] for i in range(0, len(products), 4)]


def _balls(numbers: Sequence[mpf]) -> list[Any]:
    return [flint.arb(number) for number in numbers]


def _times(row: Sequence[Any], column: Sequence[Any]) -> list[Any]:
    return [(w * value).mid() for w, value in zip(row, column, strict=True)]


def _floor_log2(value: mpf) -> int:
    return int(mpmath.floor(mpmath.log(value, 2)))
