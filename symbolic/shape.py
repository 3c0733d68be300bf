"""Moments of a law from its S-transform: mean, variance, skewness, kurtosis, and any other.

m_1 = 1/S(0), and m_k/m_1^k depends on S/S(0) alone, which has neither σ_w nor large powers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import sympy as sp

from freejac.symbolic.errors import DomainError
from freejac.symbolic.series import Series, lagrange_moment_list, lagrange_moments, readable

__all__ = ["MomentsOfS"]


class MomentsOfS(ABC):
    """A law on [0, ∞) with a finite nonzero mean, by the series of its S-transform."""

    _longest: tuple[Series, dict[sp.Symbol, sp.Expr]] | None = None

    @property
    @abstractmethod
    def mean(self) -> sp.Expr:
        """m_1 = 1/S(0)."""

    @abstractmethod
    def normalised_series(self, terms: int) -> tuple[Series, dict[sp.Symbol, sp.Expr]]:
        """Expand S(z)/S(0), in symbols, and say what each symbol stands for.

        Args:
            terms: how many coefficients, with the first, which is 1.
        """

    def moments(self, count: int) -> tuple[sp.Expr, ...]:
        """m_1, …, m_count, all from one expansion of S.

        Args:
            count: 0, 1, 2, …

        Raises:
            DomainError: count is negative, or too few coefficients of S are known.

        >>> from freejac.symbolic.depth_limits import smooth_limit
        >>> smooth_limit(1).moments(3)
        (1, 2, 11/2)
        """
        if isinstance(count, bool) or not isinstance(count, int) or count < 0:
            raise DomainError(f"the number of moments is 0, 1, 2, …, not {count}")
        if count == 0:
            return ()
        series, values = self._expanded(count)
        ratios = lagrange_moment_list(series, count)
        return tuple(self.mean**k * r.xreplace(values) for k, r in enumerate(ratios, start=1))

    def moment(self, k: int) -> sp.Expr:
        """m_k = E[λᵏ].

        Args:
            k: 0, 1, 2, …

        Returns:
            m_1^k times a coefficient, for networks a polynomial in the depth.

        Raises:
            DomainError: k is negative, or too few coefficients of S are known.

        Source: m_k = (1/k) [z^{k−1}] ((1+z)/S)^k.
        """
        ratio = self._combination(k)
        return self.mean**k * ratio

    @property
    def variance(self) -> sp.Expr:
        """m_2 − m_1²."""
        return self.mean**2 * self.relative_variance

    @property
    def relative_variance(self) -> sp.Expr:
        """m_2/m_1² − 1."""
        return self._combination(2, (0, -1, 1))

    @property
    def skewness(self) -> sp.Expr:
        """E[(λ − m_1)³]/variance^{3/2}, the same for every scale.

        Raises:
            DomainError: the law is a point mass, or too few coefficients of S are known.
        """
        return self._combination(3, (0, 2, -3, 1)) / self._spread ** sp.Rational(3, 2)

    @property
    def kurtosis(self) -> sp.Expr:
        """E[(λ − m_1)⁴]/variance², the same for every scale; the excess is 3 less.

        Raises:
            DomainError: as for `skewness`.
        """
        return self._combination(4, (0, -3, 6, -4, 1)) / self._spread**2

    @property
    def _spread(self) -> sp.Expr:
        spread = self.relative_variance
        if spread == 0:
            raise DomainError("all singular values are equal: a point mass has no shape")
        return spread

    def _expanded(self, terms: int) -> tuple[Series, dict[sp.Symbol, sp.Expr]]:
        """`normalised_series` to at least so many terms; the longest is kept."""
        if self._longest is None or self._longest[0].known < terms:
            self._longest = self.normalised_series(terms)
        return self._longest

    def _combination(self, k: int, weights: Sequence[int] = ()) -> sp.Expr:
        """Σ_j weights[j] m_j/m_1^j for j ≤ k, as one polynomial; without weights m_k/m_1^k."""
        if isinstance(k, bool) or not isinstance(k, int) or k < 0:
            raise DomainError(f"the order of a moment is 0, 1, 2, …, not {k}")
        if k == 0:
            return sp.S.One
        series, values = self._expanded(k)
        if not weights:
            return lagrange_moments(series, k).xreplace(values)
        moments = (lagrange_moments(series, j) for j in range(k + 1))
        total = sp.Add(*(w * m for w, m in zip(weights, moments, strict=True)))
        return readable(total).xreplace(values)
