"""The law of σ_w² φ′(h)², h ~ N(0, q), in numbers: that of JᵀJ for one layer of orthogonal weights.

φ is cut where φ″ or φ′ changes sign. On each branch φ′² is monotone, and the Gaussian density is
pushed forward through it: ρ(λ) = Σ N(h; 0, q)/(2σ_w²|φ′φ″|) over all h with σ_w² φ′(h)² = λ. At an
extremum of φ′² it goes to infinity like one over a root.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import sympy as sp
from mpmath import mp

from freejac.symbolic.activation import Activation
from freejac.symbolic.domain import Number, finite
from freejac.symbolic.errors import DomainError, NotConvergedError
from freejac.symbolic.fixed_points import bind_parameters
from freejac.symbolic.quadrature import NumericPiece, numeric_pieces

__all__ = ["GUARD", "SlopeDensity"]

GUARD = 15
"""Digits carried beyond those aimed at."""
_SCAN = 400
_STEPS = 400


class _Branch(NamedTuple):
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
        """The h with φ′(h)² = value, by Newton's method kept in a bracket."""
        low, high = (self.low, self.high) if self.at_low < self.at_high else (self.high, self.low)
        h = (low + high) / 2
        close = mp.mpf(10) ** (3 - mp.dps)
        for _ in range(_STEPS):
            slope, curvature = self.slopes(h)
            miss = slope**2 - value
            low, high = (low, h) if miss > 0 else (h, high)
            steep = 2 * slope * curvature
            step = miss / steep if steep else mp.inf
            inside = min(low, high) < h - step < max(low, high)
            moved = h - step if inside else (low + high) / 2
            if abs(moved - h) <= close * max(abs(h), abs(high - low)):
                return moved
            h = moved
        raise NotConvergedError(f"φ′² = {mp.nstr(value, 10)} was not inverted; raise digits")


class SlopeDensity:
    """The law of σ_w² φ′(h)², its atoms left out.

    Attributes:
        phi: the activation.
        variance: q.
        scale: σ_w².
        digits: correct digits aimed at.

    >>> from freejac.symbolic.activation import activation
    >>> law = SlopeDensity(activation("tanh"), 1, 1)
    >>> (value,) = law.density([0.25])     # ρ = 2N(h)/(2|φ′φ″|) at 1 − tanh(h)² = 1/2
    >>> mp.nstr(value, 12)
    '0.765192791164'
    """

    def __init__(
        self,
        phi: Activation,
        variance: Number,
        scale: Number,
        parameters: Mapping[sp.Symbol, Number] | None = None,
        digits: int = 15,
    ) -> None:
        """Cut φ into branches.

        Args:
            phi: the activation.
            variance: q > 0.
            scale: σ_w² > 0.
            parameters: values of the activation's parameters; the defaults fill those left out.
            digits: correct digits aimed at, 5 to 100.

        Raises:
            DomainError: a number is out of range, or a parameter has no value.
        """
        if not 5 <= digits <= 100:
            raise DomainError(f"digits must lie between 5 and 100, not {digits}")
        self.phi, self.digits = phi, digits
        with mp.workdps(digits + GUARD):
            q, self.scale = finite("the variance q", variance), finite("sigma_w**2", scale)
            if q <= 0 or self.scale <= 0:
                raise DomainError("the variance q and sigma_w must be positive")
            self.variance, self._width = q, mp.sqrt(q)
            values = bind_parameters(phi, parameters or {})
            pieces = numeric_pieces([phi.distribution(1), phi.distribution(2)], values)
            self._branches = [branch for piece in pieces for branch in self._cut(piece)]

    def density(self, points: Sequence[Any]) -> list[Any]:
        """ρ at each λ, in any order: 0 outside the support, ∞ at an extremum of φ′².

        Raises:
            DomainError: a λ is not a finite real number, or it is 0 and φ′ comes near 0 only far
                out, where the value is not decided.
        """
        with mp.workdps(self.digits + GUARD):
            return [self._value(finite("lambda", point) / self.scale) for point in points]

    @property
    def branches(self) -> list[tuple[float, float]]:
        """The intervals of h on which φ′² is monotone, and not constant."""
        return [(float(branch.low), float(branch.high)) for branch in self._branches]

    @cached_property
    def support(self) -> list[tuple[Any, Any]]:
        """The intervals between values where the density is singular or a branch ends, ascending.

        Neighbours share an end; where no branch goes there is a gap.
        """
        with mp.workdps(self.digits + GUARD):
            close = mp.mpf(10) ** (-self.digits)
            top = max(max(b.at_low, b.at_high) for b in self._branches)
            ends: list[Any] = [mp.zero] if self._comes_near_zero else []
            for value in sorted(v for b in self._branches for v in (b.at_low, b.at_high)):
                if value > close * top and (not ends or value > ends[-1] * (1 + close)):
                    ends.append(value)
            return [
                (self.scale * low, self.scale * high)
                for low, high in pairwise(ends)
                if any(
                    min(b.at_low, b.at_high) < (low + high) / 2 < max(b.at_low, b.at_high)
                    for b in self._branches
                )
            ]

    @property
    def _comes_near_zero(self) -> bool:
        """Whether the infimum of φ′² is 0, up to what is aimed at."""
        values = [v for b in self._branches for v in (b.at_low, b.at_high)]
        return bool(min(values) <= mp.mpf(10) ** (-self.digits) * max(values))

    def _value(self, value: Any) -> Any:
        """σ_w² ρ at φ′² = value."""
        if value < 0 or (value == 0 and not self._comes_near_zero):
            return mp.zero
        if value == 0 and not any(b.at_low == 0 or b.at_high == 0 for b in self._branches):
            raise DomainError("the density at λ = 0 is not decided where φ′² comes near 0: λ > 0")
        total = mp.zero
        for branch in self._branches:
            low, high = sorted((branch.at_low, branch.at_high))
            if low < value < high:
                h = branch.place(value)
                slope, curvature = branch.slopes(h)
                weight = mp.npdf(h / self._width) / self._width
                total += weight / abs(2 * slope * curvature)
            elif value in (low, high):
                return mp.inf
        return total / self.scale

    def _cut(self, piece: NumericPiece) -> list[_Branch]:
        """The branches of one piece; none if φ′ is constant on it."""
        low, high, slopes = piece
        reach = mp.sqrt(2 * mp.log(10) * (mp.dps + 8)) * self._width
        low, high = max(low, -reach), min(high, reach)
        if low >= high:
            return []
        grid = _grid(low, high)
        samples = [slopes(h) for h in grid[1:-1]]
        if all(curvature == 0 for _, curvature in samples):
            return []
        cuts = {low, high}
        for k in (0, 1):
            for (a, at_a), (b, at_b) in pairwise(zip(grid[1:-1], samples, strict=True)):
                if at_a[k] == 0:
                    cuts.add(a)
                elif at_a[k] * at_b[k] < 0:
                    cuts.add(_zero(slopes, k, a, b))
        ordered = sorted(cuts)
        values = [self._square(slopes, h, ordered) for h in ordered]
        return [
            _Branch(a, b, at_a, at_b, slopes)
            for (a, at_a), (b, at_b) in pairwise(zip(ordered, values, strict=True))
            if at_a != at_b
        ]

    def _square(self, slopes: Any, h: Any, ends: Sequence[Any]) -> Any:
        """φ′², exactly 0 where φ′ changes sign."""
        value = slopes(h)[0]
        beside = (ends[-1] - ends[0]) * mp.mpf(10) ** (-mp.dps // 2)
        if ends[0] < h < ends[-1] and slopes(h - beside)[0] * slopes(h + beside)[0] < 0:
            return mp.zero
        return value**2


def _grid(low: Any, high: Any) -> list[Any]:
    """Places in [low, high], even ones and ones that crowd towards 0, where φ lives."""
    even = [low + (high - low) * mp.mpf(k) / _SCAN for k in range(_SCAN + 1)]
    first, last = mp.asinh(low * 10), mp.asinh(high * 10)
    crowded = [mp.sinh(first + (last - first) * mp.mpf(k) / _SCAN) / 10 for k in range(1, _SCAN)]
    return sorted({*even, *(h for h in crowded if low < h < high)})


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
