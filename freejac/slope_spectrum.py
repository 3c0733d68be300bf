"""The law of σ_w² φ′(h)² by the Gaussian law of h: one layer of orthogonal weights, in numbers.

On a branch of φ′² the distribution function is a Gaussian probability, whatever the density does at
the ends.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import erf, pi, sqrt

import numpy as np
from numpy.typing import NDArray

from freejac.numeric_law import NumericLaw

__all__ = ["SlopeSpectrum"]

Array = NDArray[np.float64]

_HALVINGS = 62
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(60)
_PANELS = 20


class SlopeSpectrum(NumericLaw):
    """σ_w² φ′(h)² for h ~ N(0, q).

    >>> branches = [(-12.0, 0.0), (0.0, 12.0)]
    >>> law = SlopeSpectrum(lambda h: 1 / np.cosh(h) ** 2, branches, 1.0, 1.0, [(0.0, 1.0)])
    >>> abs(law.defect) < 1e-12, round(law.moment(1), 12)                          # E[φ′²]
    (True, 0.464402902448)
    """

    def __init__(
        self,
        slope: Callable[[Array], Array],
        branches: Sequence[tuple[float, float]],
        variance: float,
        scale: float,
        support: Sequence[tuple[float, float]],
        atoms: Sequence[tuple[float, float]] = (),
    ) -> None:
        """Take φ′ and its branches.

        Args:
            slope: φ′, of arrays.
            branches: intervals of h on which φ′² is monotone.
            variance: q.
            scale: σ_w².
            support: intervals of σ_w² φ′² on the branches.
            atoms: of the pieces on which φ′ is constant, in λ.
        """
        self._slope, self._branches, self._scale = slope, tuple(branches), scale
        self._width = sqrt(variance)
        self.support = tuple((float(a), float(b)) for a, b in support)
        self.atoms = tuple(sorted((float(x), float(m)) for x, m in atoms if m > 0))
        self.mass = float(sum(self._probability(a, b) for a, b in self._branches))

    def _squares(self, h: Array) -> Array:
        return np.asarray(self._scale * self._slope(h) ** 2)

    def _probability(self, low: float, high: float) -> float:
        root = sqrt(2) * self._width
        return (erf(high / root) - erf(low / root)) / 2

    def _continuous(self, lam: Array) -> Array:
        values = np.ravel(lam)
        total = np.zeros(values.shape)
        for low, high in self._branches:
            inner = low + (high - low) * np.array([1e-6, 1 - 1e-6])
            first, last = self._squares(inner)
            rising = bool(first < last)
            a, b = np.full(values.shape, low), np.full(values.shape, high)
            for _ in range(_HALVINGS):
                middle = (a + b) / 2
                small = (self._squares(middle) <= values) == rising
                a, b = np.where(small, middle, a), np.where(small, b, middle)
            ends = ((low, h) for h in a) if rising else ((h, high) for h in b)
            total += np.array([self._probability(*pair) for pair in ends])
        return total.reshape(np.shape(lam))

    def _continuous_moment(self, k: int) -> float:
        total = 0.0
        for low, high in self._branches:
            cuts = np.linspace(low, high, _PANELS + 1)
            half = (high - low) / (2 * _PANELS)
            h = (cuts[:-1, None] + half) + half * _NODES[None, :]
            normal = np.exp(-((h / self._width) ** 2) / 2) / (sqrt(2 * pi) * self._width)
            total += float(half * np.sum(_WEIGHTS * normal * self._squares(h) ** k))
        return total
