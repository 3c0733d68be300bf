"""A probability law with its transforms, and the operations of free probability on laws.

Every law knows its moments or its free cumulants to any order. G, M, M⁻¹, S, R and Blue's function
come in closed form where they close, and as series always. X + Y is the free additive convolution
⊞, X * Y the multiplicative ⊠, and with numbers both are the affine maps.

A closed form with a root is the branch at infinity (of G and M) or at zero (of M⁻¹, S, R and B).

>>> from freejac.symbolic import laws
>>> wigner = laws.semicircle()
>>> (wigner / 2 + wigner / 2).r_transform
z/2
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from types import ModuleType
from typing import Any

import sympy as sp

from freejac.symbolic import transforms
from freejac.symbolic.algebraic_law import AlgebraicEquation
from freejac.symbolic.coefficients import tidy
from freejac.symbolic.domain import Number, exact
from freejac.symbolic.errors import DomainError, NoClosedForm
from freejac.symbolic.free_cumulants import (
    cumulants_from_moments,
    moments_from_cumulants,
    s_series_from_cumulants,
)
from freejac.symbolic.law_density import SpectralLaw
from freejac.symbolic.law_equation import transform_polynomial
from freejac.symbolic.series import Series
from freejac.symbolic.symbols import z

__all__ = ["Atoms", "Law", "order"]

Atoms = tuple[tuple[sp.Expr, sp.Expr], ...]
"""(location, mass) of each."""


def order(k: object, name: str = "order") -> int:
    """Read the order of a moment or cumulant.

    Raises:
        DomainError: it is not 0, 1, 2, ….
    """
    if isinstance(k, bool) or not isinstance(k, int) or k < 0:
        raise DomainError(f"the {name} is 0, 1, 2, …, not {k}")
    return k


def _operations() -> ModuleType:
    """The laws made of laws: they are kinds of `Law`, and a law makes them."""
    from freejac.symbolic import free_operations  # noqa: PLC0415 (each needs the other)

    return free_operations


class Law:
    """A probability law on the real line with all its moments.

    A kind of law overrides `moments` or `free_cumulants`, and says which of `known_stieltjes`,
    `known_r` and `known_s` it has.

    Attributes:
        name: how it is shown.
    """

    name: str
    known_stieltjes: sp.Expr | None = None
    known_r: sp.Expr | None = None
    known_s: sp.Expr | None = None

    def __repr__(self) -> str:
        return self.name

    def moments(self, count: int) -> tuple[sp.Expr, ...]:
        """m_1, …, m_count, all at once.

        >>> from freejac.symbolic import laws
        >>> laws.semicircle().moments(6)
        (0, 1, 0, 2, 0, 5)
        """
        return moments_from_cumulants(self.free_cumulants(order(count, "number of moments")))

    def free_cumulants(self, count: int) -> tuple[sp.Expr, ...]:
        """κ_1, …, κ_count, all at once.

        >>> from freejac.symbolic import laws
        >>> laws.free_poisson(3, 2).free_cumulants(3)
        (6, 12, 24)
        """
        return cumulants_from_moments(self.moments(order(count, "number of cumulants")))

    def moment(self, k: int) -> sp.Expr:
        """m_k = E[Xᵏ].

        Raises:
            DomainError: k is negative or not an integer, or only fewer moments are known.
        """
        return self.moments(k)[-1] if order(k, "order of a moment") else sp.S.One

    def free_cumulant(self, k: int) -> sp.Expr:
        """κ_k, k ≥ 1: the coefficient of z^{k−1} in R.

        Raises:
            DomainError: k is not a positive integer, or only fewer moments are known.
        """
        if order(k, "order of a cumulant") == 0:
            raise DomainError("the order of a cumulant is 1, 2, 3, …, not 0")
        return self.free_cumulants(k)[-1]

    @property
    def mean(self) -> sp.Expr:
        """m_1."""
        return self.moment(1)

    @property
    def variance(self) -> sp.Expr:
        """κ_2 = m_2 − m_1²."""
        return self.free_cumulant(2)

    def g_series(self, terms: int) -> Series:
        """G as a series in t = 1/z: t + m_1 t² + ….

        >>> from freejac.symbolic import laws
        >>> laws.semicircle().g_series(5).coefficients
        (1, 0, 1, 0, 2)
        """
        return Series.of([1, *self.moments(max(terms - 1, 0))], valuation=1)

    def mgf_series(self, terms: int) -> Series:
        """M as a series in t = 1/z: m_1 t + m_2 t² + …."""
        return Series.of(self.moments(terms), valuation=1)

    def r_series(self, terms: int) -> Series:
        """R as a series in z: κ_1 + κ_2 z + …."""
        return Series.of(self.free_cumulants(terms))

    def s_series(self, terms: int) -> Series:
        """S as a series in z.

        Raises:
            DomainError: the mean is zero.

        >>> from freejac.symbolic import laws
        >>> laws.bernoulli().s_series(2).coefficients
        (1/p, (p - 1)/p**2)
        """
        self._need_mean()
        return s_series_from_cumulants(self.free_cumulants(terms))

    def inverse_mgf_series(self, terms: int) -> Series:
        """M⁻¹ as a Laurent series in z: m_1/z + ….

        Raises:
            DomainError: the mean is zero.
        """
        return (Series.of([1, 1]).padded(terms) * self.s_series(terms).inverse()).shift(-1)

    def _need_mean(self) -> None:
        if tidy(self.mean) == 0:
            raise DomainError(
                f"the S-transform needs a nonzero mean, and {self.name} has mean 0; "
                "add a constant, or use the R-transform"
            )

    @cached_property
    def stieltjes(self) -> sp.Expr:
        """G(z) = E[1/(z − X)].

        Raises:
            NoClosedForm: it is a root of an equation of degree above two, or not algebraic.
        """
        if self.known_stieltjes is not None:
            return self.known_stieltjes
        if self.known_r is not None:
            return transforms.stieltjes_from_r(self.known_r)
        if self.known_s is not None:
            inverse = transforms.inverse_mgf(self.known_s)
            return transforms.stieltjes_from_mgf(transforms.invert_inverse_mgf(inverse))
        raise self._only_series("G")

    @cached_property
    def mgf(self) -> sp.Expr:
        """M(z) = z G(z) − 1 = E[X/(z − X)]."""
        return transforms.mgf_from_stieltjes(self.stieltjes)

    @cached_property
    def r_transform(self) -> sp.Expr:
        """R(z), which adds under ⊞.

        >>> from freejac.symbolic import laws
        >>> laws.marchenko_pastur(2).r_transform
        1/(1 - 2*z)
        """
        if self.known_r is not None:
            return self.known_r
        if self.known_stieltjes is not None:
            return transforms.r_transform(self.known_stieltjes)
        if self.known_s is not None:
            return transforms.r_from_s(self.known_s)
        raise self._only_series("R")

    @cached_property
    def blue(self) -> sp.Expr:
        """Blue's function B(z) = R(z) + 1/z, the inverse of G."""
        total = self.r_transform + 1 / z
        return sp.factor(sp.together(total)) if total.is_rational_function(z) else total

    @cached_property
    def s_transform(self) -> sp.Expr:
        """S(z), which multiplies under ⊠.

        Raises:
            DomainError: the mean is zero.
            NoClosedForm: it is a root of an equation of degree above two, or not algebraic.

        >>> from freejac.symbolic import laws
        >>> laws.projection().s_transform
        (z + 1)/(p + z)
        """
        self._need_mean()
        if self.known_s is not None:
            return self.known_s
        if self.known_r is not None:
            return transforms.s_from_r(self.known_r)
        if self.known_stieltjes is not None:
            return transforms.s_transform(transforms.invert_mgf(self.mgf))
        raise self._only_series("S")

    @cached_property
    def inverse_mgf(self) -> sp.Expr:
        """M⁻¹(z) = (1+z)/(z S(z)), with M⁻¹(z) ~ m_1/z at z → 0."""
        return transforms.inverse_mgf(self.s_transform)

    def _only_series(self, what: str) -> NoClosedForm:
        return NoClosedForm(f"{what} of {self.name}", "the law is known by its series only")

    def subs(self, values: Mapping[sp.Symbol, Number]) -> Law:
        """Put numbers in for parameters."""
        raise NotImplementedError

    @property
    def is_nonnegative(self) -> bool | None:
        """Whether the law lives on [0, ∞): True, False, or None where that is not known."""
        return None

    def atoms(self) -> Atoms:
        """Find the atoms: (location, mass), ascending where the order is decided.

        Raises:
            NoClosedForm: the atoms of this law are not known in closed form.
        """
        raise NoClosedForm(f"the atoms of {self.name}", "the law is known by its series only")

    @cached_property
    def equation(self) -> AlgebraicEquation:
        """The irreducible polynomial P(z, G) = 0 of an algebraic law.

        Raises:
            NoClosedForm: no transform is algebraic.
            DomainError: the polynomial would be larger than the engine takes on.
        """
        found = transform_polynomial(self.known_stieltjes, self.known_r, self.known_s)
        return self.composed_equation() if found is None else AlgebraicEquation(found, self.moments)

    def composed_equation(self) -> AlgebraicEquation:
        """The equation from those of the laws that this one is made of."""
        raise NoClosedForm(f"the polynomial of {self.name}", "no transform of it is algebraic")

    @cached_property
    def _spectral(self) -> SpectralLaw:
        return SpectralLaw(self.equation)

    def numeric_atoms(self, digits: int = 15) -> list[tuple[Any, Any]]:
        """Find the atoms of an algebraic law from the poles of G: (location, mass), in mpmath.

        Raises:
            NoClosedForm: the law is not algebraic.
            DomainError: a parameter has no value.

        >>> from freejac.symbolic import laws
        >>> laws.from_s_transform((1 + z) / (sp.S.Half + z)).numeric_atoms(10)
        [(mpf('0.0'), mpf('0.5')), (mpf('1.0'), mpf('0.5'))]
        """
        return self._spectral.masses(digits)

    def support(self, digits: int = 15) -> list[tuple[Any, Any]]:
        """Find the intervals of the continuous part, ascending, in mpmath numbers.

        Raises:
            NoClosedForm: the law is not algebraic.
            DomainError: a parameter has no value.

        >>> from freejac.symbolic import laws
        >>> [(float(a), float(b)) for a, b in laws.semicircle().support()]
        [(-2.0, 2.0)]
        """
        return self._spectral.support(digits)

    def density(self, x: Number | Iterable[Number], digits: int = 15) -> Any:
        """Evaluate the density of the continuous part, in mpmath numbers.

        Args:
            x: a real number, or a sequence of them.
            digits: correct digits aimed at.

        Returns:
            A number, or a list: 0 outside the support, +inf where the density has a pole.

        Raises:
            NoClosedForm: the law is not algebraic.
            DomainError: a parameter has no value, or x is not a finite real number.

        >>> from freejac.symbolic import laws
        >>> float(laws.semicircle().density(0)), float(laws.semicircle().density(3))
        (0.3183098861837907, 0.0)
        """
        if isinstance(x, Iterable):
            return self._spectral.densities(list(x), digits)
        return self._spectral.densities([x], digits)[0]

    def stieltjes_at(self, point: Number | complex, digits: int = 15) -> Any:
        """Evaluate G at a point of the upper half-plane, continued from infinity."""
        return self._spectral.stieltjes(point, digits)

    def free_add(self, other: Law | Number) -> Law:
        """X ⊞ Y: the law of the sum of free X and Y; a number shifts."""
        made = _operations()
        return made.free_sum(self, other) if isinstance(other, Law) else made.shifted(self, other)

    def free_multiply(self, other: Law | Number) -> Law:
        """X ⊠ Y: the law of √X Y √X for free X and Y; a number scales.

        Raises:
            DomainError: a mean is zero, so that there is no S-transform.
        """
        made = _operations()
        if isinstance(other, Law):
            return made.free_product(self, other)
        return made.scaled(self, other)

    def free_power(self, exponent: Number) -> Law:
        """X ⊠ X ⊠ … ⊠ X: S to the power of a number ≥ 1 or a positive integer symbol.

        Raises:
            DomainError: the exponent is below 1, or the mean is zero.

        >>> from freejac.symbolic import laws
        >>> from freejac.symbolic.symbols import depth
        >>> laws.marchenko_pastur(1).free_power(depth).moment(2)
        L + 1
        """
        return _operations().free_power(self, exact("the exponent", exponent))

    def __add__(self, other: Law | Number) -> Law:
        return self.free_add(other)

    __radd__ = __add__

    def __neg__(self) -> Law:
        return self.free_multiply(-1)

    def __sub__(self, other: Law | Number) -> Law:
        return self.free_add(-other)

    def __rsub__(self, other: Number) -> Law:
        return (-self).free_add(other)

    def __mul__(self, other: Law | Number) -> Law:
        return self.free_multiply(other)

    __rmul__ = __mul__

    def __truediv__(self, other: Number) -> Law:
        return self.free_multiply(1 / exact("the divisor", other))
