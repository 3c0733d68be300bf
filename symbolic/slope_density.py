"""The law of σ_w² φ′(h)², h ~ N(0, q), in numbers: that of JᵀJ for one layer of orthogonal weights.

On each branch φ′² is monotone, and the Gaussian density is pushed forward through it:
ρ(λ) = Σ N(h; 0, q)/(2σ_w²|φ′φ″|) over all h with σ_w² φ′(h)² = λ. At an extremum of φ′² it goes to
infinity like one over a root.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any

import sympy as sp
from mpmath import mp

from freejac.symbolic.activation import Activation
from freejac.symbolic.domain import Number, finite
from freejac.symbolic.errors import DomainError
from freejac.symbolic.fixed_points import bind_parameters
from freejac.symbolic.quadrature import numeric_pieces
from freejac.symbolic.slope_branches import is_zero, slope_branches
from freejac.symbolic.slope_range import slope_range

__all__ = ["GUARD", "SlopeDensity"]

_REACH = 13
"""Beyond which, in units of √q, h is not met."""
_NEGLIGIBLE = mp.mpf("1e-8")
"""So small beside the largest, φ′² far out tends to 0."""

GUARD = 15
"""Digits carried beyond those aimed at."""


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
            self._branches = slope_branches(pieces, self._width)
            self._kinks = [low for low, _, _ in pieces[1:]]
            steep = [piece for piece in pieces if not is_zero(*piece)]
            self._least, self._most = slope_range(steep, self._width)

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
        """The intervals of h, as far as it is met, on which φ′² is monotone and not constant."""
        reach = _REACH * float(self._width)
        found = [(max(float(b.low), -reach), min(float(b.high), reach)) for b in self._branches]
        return [(low, high) for low, high in found if low < high]

    @cached_property
    def support(self) -> list[tuple[Any, Any]]:
        """The intervals between values where the density is singular or a branch ends, ascending.

        Neighbours share an end; where no branch goes there is a gap.
        """
        with mp.workdps(self.digits + GUARD):
            ends: list[Any] = [self._least]
            for value in sorted({*self._singular, self._most}):
                if value > ends[-1] * (1 + mp.mpf(10) ** (-self.digits)):
                    ends.append(value)
            return [
                (self.scale * low, self.scale * high)
                for low, high in pairwise(ends)
                if self._covers(min((low + high) / 2, 2 * low + 1))
            ]

    @property
    def _singular(self) -> list[Any]:
        """φ′² at the ends of branches; at those of the scan, if it tends to a number there."""
        ends = [(b.low, b.at_low) for b in self._branches]
        ends += [(b.high, b.at_high) for b in self._branches]
        first, last = self._branches[0].low, self._branches[-1].high
        inner = [v for h, v in ends if first < h < last or h in self._kinks]
        outer = [v for h, v in ends if not first < h < last]
        top = max([v for v in (*inner, self._most) if mp.isfinite(v)], default=mp.zero)
        found = [v for v in inner if v > top * mp.mpf(10) ** (-self.digits)]
        if mp.isfinite(self._most):
            found += [v for v in outer if v > top * _NEGLIGIBLE]
        return [v for v in found if v > self._least]

    def _covers(self, value: Any) -> bool:
        """Whether φ′² takes the value on a branch."""
        return any(sorted((b.at_low, value, b.at_high))[1] == value for b in self._branches)

    def _value(self, value: Any) -> Any:
        """σ_w² ρ at φ′² = value."""
        if value < 0 or (value == 0 and self._least > 0):
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
