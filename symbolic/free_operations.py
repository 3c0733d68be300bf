"""Affine maps of a law, ⊞, ⊠ and powers ⊠L: on cumulants, transforms, atoms.

R_{aX+b}(z) = a R_X(az) + b; R adds under ⊞ and S multiplies under ⊠. An atom of X ⊞ Y is a sum
of atoms whose masses add to more than 1, by which they exceed 1; for ⊠ on [0, ∞) the same holds of
products away from 0, and at 0 stands the larger mass.

Source: Voiculescu, Dykema and Nica, "Free random variables" (1992); for the atoms Bercovici and
Voiculescu, "Regularity questions for free convolution" (1998).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce

import sympy as sp

from freejac.symbolic.algebraic_law import AlgebraicEquation
from freejac.symbolic.coefficients import tidy
from freejac.symbolic.domain import Number, exact
from freejac.symbolic.errors import DomainError, NoClosedForm
from freejac.symbolic.finite_law import FiniteLaw
from freejac.symbolic.law import Atoms, Law, order
from freejac.symbolic.series import Series, lagrange_moment_list
from freejac.symbolic.symbols import z

__all__ = [
    "AffineLaw",
    "PowerLaw",
    "ProductLaw",
    "SumLaw",
    "free_power",
    "free_product",
    "free_sum",
    "scaled",
    "shifted",
]


class AffineLaw(Law):
    """The law of a X + b."""

    def __init__(self, law: Law, factor: sp.Expr, offset: sp.Expr) -> None:
        """Keep X, a ≠ 0 and b; an affine map of an affine map is one."""
        self.law, self.factor, self.offset = law, factor, offset
        scale = "" if factor == 1 else f"({factor})·"
        self.name = f"{scale}{law.name}" + ("" if offset == 0 else f" + ({offset})")
        if law.known_r is not None:
            self.known_r = _tidied(factor * law.known_r.subs(z, factor * z) + offset)
        if law.known_stieltjes is not None:
            self.known_stieltjes = law.known_stieltjes.subs(z, (z - offset) / factor) / factor
        if law.known_s is not None and offset == 0:
            self.known_s = _tidied(law.known_s / factor)

    def free_cumulants(self, count: int) -> tuple[sp.Expr, ...]:
        """κ_n aⁿ, and b on top of the first."""
        cumulants = self.law.free_cumulants(order(count))
        scaled_up = [tidy(k * self.factor**n) for n, k in enumerate(cumulants, start=1)]
        return (tidy(scaled_up[0] + self.offset), *scaled_up[1:]) if scaled_up else ()

    def subs(self, values: Mapping[sp.Symbol, Number]) -> Law:
        """Put numbers in for parameters."""
        law = self.law.subs(values)
        return shifted(scaled(law, self.factor.subs(values)), self.offset.subs(values))

    @property
    def is_nonnegative(self) -> bool | None:
        """Known where X ≥ 0, a > 0, b ≥ 0."""
        known = self.law.is_nonnegative and self.factor.is_positive and self.offset.is_nonnegative
        return True if known else None

    def composed_equation(self) -> AlgebraicEquation:
        """The equation of X, moved."""
        return self.law.equation.affine(self.factor, self.offset, self.moments)

    def atoms(self) -> Atoms:
        """The atoms of X, moved."""
        return tuple((self.factor * a + self.offset, mass) for a, mass in self.law.atoms())


class SumLaw(Law):
    """The free additive convolution of two laws."""

    def __init__(self, first: Law, second: Law) -> None:
        """Add the R-transforms."""
        self.parts = (first, second)
        self.name = f"{first.name} ⊞ {second.name}"
        closed = [_closed_r(law) for law in self.parts]
        if None not in closed:
            self.known_r = _tidied(sp.Add(*closed))

    def free_cumulants(self, count: int) -> tuple[sp.Expr, ...]:
        """Add the cumulants."""
        first, second = (law.free_cumulants(order(count)) for law in self.parts)
        return tuple(tidy(a + b) for a, b in zip(first, second, strict=True))

    def subs(self, values: Mapping[sp.Symbol, Number]) -> Law:
        """Put numbers in for parameters."""
        return free_sum(*(law.subs(values) for law in self.parts))

    @property
    def is_nonnegative(self) -> bool | None:
        """Known where both parts are."""
        return True if all(law.is_nonnegative for law in self.parts) else None

    def composed_equation(self) -> AlgebraicEquation:
        """By a resultant."""
        first, second = self.parts
        return first.equation.add(second.equation, self.moments)

    def atoms(self) -> Atoms:
        """Sums of atoms with masses above 1 together."""
        first, second = (law.atoms() for law in self.parts)
        return _present([(a + b, u + v - 1) for a, u in first for b, v in second])


class ProductLaw(Law):
    """The free multiplicative convolution of two laws of nonzero mean."""

    def __init__(self, first: Law, second: Law) -> None:
        """Multiply the S-transforms."""
        for law in (first, second):
            law._need_mean()
        self.parts = (first, second)
        self.name = f"{first.name} ⊠ {second.name}"
        closed = [_closed_s(law) for law in self.parts]
        if None not in closed:
            self.known_s = _tidied(sp.Mul(*closed))

    def s_series(self, terms: int) -> Series:
        """Multiply the series."""
        first, second = (law.s_series(terms) for law in self.parts)
        return first * second

    def moments(self, count: int) -> tuple[sp.Expr, ...]:
        """Invert M⁻¹ by Lagrange."""
        return lagrange_moment_list(self.s_series(order(count)), count) if count else ()

    def subs(self, values: Mapping[sp.Symbol, Number]) -> Law:
        """Put numbers in for parameters."""
        return free_product(*(law.subs(values) for law in self.parts))

    @property
    def is_nonnegative(self) -> bool | None:
        """Known where both factors are."""
        return True if all(law.is_nonnegative for law in self.parts) else None

    def composed_equation(self) -> AlgebraicEquation:
        """By a resultant."""
        first, second = self.parts
        return first.equation.multiply(second.equation, self.moments)

    def atoms(self) -> Atoms:
        """Products of atoms with masses above 1 together, and the larger mass at 0."""
        first, second = _nonnegative_atoms(self.parts)
        zero = sp.Max(*(mass for atoms in (first, second) for a, mass in atoms if a == 0), 0)
        rest = [(a * b, u + v - 1) for a, u in first for b, v in second if a != 0 and b != 0]
        return _present([(sp.S.Zero, zero), *rest])


class PowerLaw(Law):
    """The free multiplicative power X^{⊠ L}."""

    def __init__(self, law: Law, exponent: sp.Expr) -> None:
        """Raise the S-transform."""
        law._need_mean()
        self.law, self.exponent = law, exponent
        self.name = f"({law.name})^(⊠{exponent})"
        closed = _closed_s(law)
        if closed is not None:
            self.known_s = _tidied(closed**exponent)

    def s_series(self, terms: int) -> Series:
        """Raise the series."""
        return self.law.s_series(terms).power(self.exponent)

    def moments(self, count: int) -> tuple[sp.Expr, ...]:
        """Invert M⁻¹ by Lagrange."""
        return lagrange_moment_list(self.s_series(order(count)), count) if count else ()

    def subs(self, values: Mapping[sp.Symbol, Number]) -> Law:
        """Put numbers in for parameters."""
        return free_power(self.law.subs(values), self.exponent.subs(values))

    @property
    def is_nonnegative(self) -> bool | None:
        """As X."""
        return self.law.is_nonnegative

    def composed_equation(self) -> AlgebraicEquation:
        """By a resultant, for a whole power."""
        if not self.exponent.is_Integer:
            raise NoClosedForm(f"the polynomial of {self.name}", "the power is not a number")
        return self.law.equation.power(int(self.exponent), self.moments)

    def atoms(self) -> Atoms:
        """At 0 as X; at aᴸ the mass 1 − L(1 − mass), where that is positive."""
        (atoms,) = _nonnegative_atoms((self.law,))
        moved = [
            (a**self.exponent, mass if a == 0 else 1 - self.exponent * (1 - mass))
            for a, mass in atoms
        ]
        return _present(moved)


def scaled(law: Law, factor: Number) -> Law:
    """The law of factor × X.

    Raises:
        DomainError: the factor is not a finite real number.
    """
    return _affine(law, _real("the factor", factor), sp.S.Zero)


def shifted(law: Law, offset: Number) -> Law:
    """The law of X + offset.

    Raises:
        DomainError: the offset is not a finite real number.
    """
    return _affine(law, sp.S.One, _real("the offset", offset))


def _affine(law: Law, factor: sp.Expr, offset: sp.Expr) -> Law:
    if isinstance(law, AffineLaw):
        offset, factor = tidy(factor * law.offset + offset), tidy(factor * law.factor)
        law = law.law
    if factor == 0:
        return FiniteLaw(f"point mass at {offset}", ((offset, sp.S.One),))
    return law if (factor, offset) == (1, 0) else AffineLaw(law, factor, offset)


def free_sum(first: Law, second: Law) -> Law:
    """X ⊞ Y."""
    return SumLaw(first, second)


def free_product(first: Law, second: Law) -> Law:
    """X ⊠ Y.

    Raises:
        DomainError: a mean is zero, or neither law is on [0, ∞).
    """
    if first.is_nonnegative is False and second.is_nonnegative is False:
        raise DomainError(f"⊠ needs a law on [0, ∞): neither {first.name} nor {second.name} is")
    return ProductLaw(first, second)


def free_power(law: Law, exponent: sp.Expr) -> Law:
    """X^{⊠ L}.

    Raises:
        DomainError: L is below 1 or not real, or the mean is zero.
    """
    if (exponent - 1).is_negative or exponent.is_real is not True:
        raise DomainError(f"⊠ powers are real numbers ≥ 1 or positive integer symbols: {exponent}")
    return law if exponent == 1 else PowerLaw(law, exponent)


def _closed(get: Callable[[], sp.Expr]) -> sp.Expr | None:
    try:
        return get()
    except NoClosedForm:
        return None


def _closed_r(law: Law) -> sp.Expr | None:
    """R where it is known, or follows from a rational or quadratic G or S."""
    return law.known_r if law.known_r is not None else _closed(lambda: law.r_transform)


def _closed_s(law: Law) -> sp.Expr | None:
    return law.known_s if law.known_s is not None else _closed(lambda: law.s_transform)


def _tidied(expr: sp.Expr) -> sp.Expr:
    return sp.factor(sp.cancel(expr)) if expr.is_rational_function(z) else expr


def _real(name: str, value: Number) -> sp.Expr:
    number = exact(name, value)
    if number is sp.nan or number.is_finite is False or number.is_real is False:
        raise DomainError(f"{name} must be a finite real number, not {value}")
    return number


def _nonnegative_atoms(parts: tuple[Law, ...]) -> list[Atoms]:
    for law in parts:
        if not law.is_nonnegative:
            raise NoClosedForm("the atoms", f"{law.name} is not known to be a law on [0, ∞)")
    return [law.atoms() for law in parts]


def _present(atoms: list[tuple[sp.Expr, sp.Expr]]) -> Atoms:
    """Atoms of positive mass; where a mass has parameters, its positive part."""
    located: dict[sp.Expr, sp.Expr] = {}
    for place, mass in atoms:
        positive = sp.expand(mass) if mass.is_positive else sp.Max(0, sp.expand(mass))
        located[place] = reduce(sp.Max, [located.get(place, sp.S.Zero), positive])
    return tuple((place, mass) for place, mass in located.items() if mass != 0)
