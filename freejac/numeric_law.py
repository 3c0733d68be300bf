"""A law on [0, ∞) in numbers, however it was integrated: a continuous part and atoms."""

from __future__ import annotations

from abc import ABC, abstractmethod
from math import exp
from typing import Any

import numpy as np
from numpy.typing import NDArray

from freejac.symbolic.errors import DomainError

__all__ = ["HIGHEST_MOMENT", "NumericLaw"]

Array = NDArray[np.float64]

HIGHEST_MOMENT = 4


class NumericLaw(ABC):
    """A law on [0, ∞) in numbers: a continuous part and atoms.

    Attributes:
        support: the intervals of the continuous part, ascending.
        atoms: (location, mass) of each, ascending.
        mass: of the continuous part, as integrated.
    """

    support: tuple[tuple[float, float], ...]
    atoms: tuple[tuple[float, float], ...]
    mass: float

    @property
    def defect(self) -> float:
        """Mass and atoms together, less one."""
        return self.mass + sum(mass for _, mass in self.atoms) - 1

    @abstractmethod
    def _continuous(self, lam: Array) -> Array:
        """The mass of the continuous part below λ."""

    @abstractmethod
    def _continuous_moment(self, k: int) -> float:
        """∫ λᵏ over the continuous part."""

    def cdf(self, lam: Any) -> Array:
        """The probability of [0, λ], atoms included; of the shape of `lam`."""
        values = np.asarray(lam, dtype=np.float64)
        result = self._continuous(values)
        for location, mass in self.atoms:
            result = result + mass * (values >= location)
        return result

    def cdf_left(self, lam: Any) -> Array:
        """The probability of [0, λ): without an atom at λ."""
        values = np.asarray(lam, dtype=np.float64)
        result = self._continuous(values)
        for location, mass in self.atoms:
            result = result + mass * (values > location)
        return result

    def moment(self, k: int) -> float:
        """∫ λᵏ over the whole law, k from 0 to 4.

        Raises:
            DomainError: another k.
        """
        if k not in range(HIGHEST_MOMENT + 1):
            raise DomainError(f"moments of order 0 to {HIGHEST_MOMENT} are integrated, not {k}")
        return self._continuous_moment(k) + sum(m * x**k for x, m in self.atoms)

    def quantile(self, probability: float) -> float:
        """The least λ, to ten digits, with at least that probability below or at it.

        Raises:
            DomainError: the probability is not between 0 and 1.
        """
        if not 0 < probability < 1:
            raise DomainError(f"a probability between 0 and 1 has a quantile, not {probability}")
        if float(self.cdf(0.0)) >= probability:
            return 0.0
        low, high = -700.0, 700.0
        while high - low > 1e-10 * max(1.0, abs(low)):
            middle = (low + high) / 2
            enough = float(self.cdf(exp(middle))) >= probability
            low, high = (low, middle) if enough else (middle, high)
        return exp(high)
