"""Moments, free cumulants and the coefficients of S: each from each, to any order, exactly.

With C(z) = 1 + Σ κ_n zⁿ = 1 + z R(z) and m(t) = 1 + Σ m_n tⁿ, C(t m(t)) = m(t): t m(t) and z/C(z)
are inverse to each other. So are z R(z) and z S(z). Both ways are Lagrange inversions.

Source: Speicher, "Multiplicative functions on the lattice of non-crossing partitions and free
convolution" (1994), and Nica and Speicher, "Lectures on the combinatorics of free probability",
lectures 11 and 18.
"""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from freejac.symbolic.coefficients import tidy
from freejac.symbolic.errors import DomainError
from freejac.symbolic.power_terms import Terms
from freejac.symbolic.series import Series

__all__ = [
    "cumulants_from_moments",
    "cumulants_from_s",
    "moments_from_cumulants",
    "s_series_from_cumulants",
    "s_series_from_moments",
]

Exprs = tuple[sp.Expr, ...]


def cumulants_from_moments(moments: Sequence[sp.Expr]) -> Exprs:
    """κ_1, …, κ_n from m_1, …, m_n.

    >>> cumulants_from_moments(sp.symbols("m1:4"))
    (m1, -m1**2 + m2, 2*m1**3 - 3*m1*m2 + m3)
    """
    inverse = Series.of([1, *moments], valuation=1).reversion()
    return inverse.shift(-1).inverse().coefficients[1:]


def moments_from_cumulants(cumulants: Sequence[sp.Expr]) -> Exprs:
    """m_1, …, m_n from κ_1, …, κ_n: m_n = [zⁿ] C(z)^{n+1}/(n+1).

    >>> moments_from_cumulants([0, 1, 0, 0, 0, 0])        # semicircle: Catalan numbers
    (0, 1, 0, 2, 0, 5)
    """
    terms = Terms.of([sp.S.One, *(sp.sympify(kappa, strict=True) for kappa in cumulants)])
    found = terms.lagrange(range(2, len(cumulants) + 2))
    padded = Terms(terms.ring, terms.base, (terms.ring.one, *found))
    return padded.exprs[1:]


def s_series_from_cumulants(cumulants: Sequence[sp.Expr]) -> Series:
    """S to as many terms as there are cumulants: z S(z) inverts z R(z).

    Raises:
        DomainError: the mean κ_1 vanishes, or there is no cumulant.

    >>> s_series_from_cumulants([1, 1, 1]).coefficients
    (1, -1, 1)
    """
    if not cumulants or tidy(sp.sympify(cumulants[0], strict=True)) == 0:
        raise DomainError("the S-transform needs a law with nonzero mean")
    return Series.of(cumulants, valuation=1).reversion().shift(-1)


def cumulants_from_s(s: Series) -> Exprs:
    """κ_1, …, κ_n from the first n terms of S.

    Raises:
        DomainError: S does not start with a nonzero constant.

    >>> cumulants_from_s(Series.of([1, -1, 1]))
    (1, 1, 1)
    """
    if s.valuation != 0 or not s.known:
        raise DomainError("S must be regular and nonzero at 0: the law needs a finite nonzero mean")
    return s.shift(1).reversion().coefficients


def s_series_from_moments(moments: Sequence[sp.Expr]) -> Series:
    """Expand S(z) from moments: with t(z) the reversion of Σ m_k tᵏ, S = (1+z) t(z)/z.

    Args:
        moments: (m_1, m_2, …), m_1 ≠ 0; as many terms of S follow.

    Raises:
        DomainError: the mean vanishes, so that S does not exist.

    >>> s_series_from_moments((1, 2, 5)).coefficients      # Catalan numbers: S = 1/(1+z)
    (1, -1, 1)
    """
    if not moments or tidy(sp.sympify(moments[0], strict=True)) == 0:
        raise DomainError("the S-transform needs a law with nonzero mean")
    inverse = Series.of(moments, valuation=1).reversion()
    return Series.of([1, 1]).padded(len(moments)) * inverse.shift(-1)
