"""The law of D² = φ′(h)², h ~ N(0, q): its moments, and its transforms where they close.

A piecewise-linear φ gives finitely many atoms, and G, M, M⁻¹, S follow exactly (S up to two
atoms away from 0). Any other φ gives the moments μ_k = E[φ′^{2k}], and S as a series.

>>> derivative_law("relu").s_transform
2*(z + 1)/(2*z + 1)
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property

import sympy as sp

from freejac.symbolic.activation import Activation, activation
from freejac.symbolic.domain import Number, rational
from freejac.symbolic.errors import DomainError, NoClosedForm
from freejac.symbolic.expectation import expect
from freejac.symbolic.finite_law import FiniteLaw
from freejac.symbolic.free_cumulants import s_series_from_moments
from freejac.symbolic.law import Law, order
from freejac.symbolic.mean_field import MeanField
from freejac.symbolic.piecewise import PiecewiseFunction
from freejac.symbolic.series import Series
from freejac.symbolic.symbols import p as linear_probability
from freejac.symbolic.symbols import parameter, q, x

__all__ = [
    "AtomicLaw",
    "DerivativeLaw",
    "GeneralLaw",
    "MomentLaw",
    "bernoulli",
    "derivative_law",
    "general_law",
    "point_mass",
    "s_series_from_moments",
]

StandIns = dict[sp.Symbol, sp.Expr]


class DerivativeLaw(Law):
    """A law on [0, ∞) with finite moments, as that of D²."""

    @abstractmethod
    def moment(self, k: int) -> sp.Expr:
        """μ_k, the k-th moment."""

    @abstractmethod
    def stand_in_moments(self, terms: int) -> tuple[tuple[sp.Expr, ...], StandIns]:
        """Give μ_1 … μ_terms in plain symbols, and what each symbol stands for.

        Algebra on series is done with the symbols; a value such as erf(1/√(2q)) or an
        unevaluated expectation enters once, at the end.
        """

    @property
    def positive_atoms(self) -> tuple[tuple[sp.Expr, sp.Expr], ...]:
        """The atoms away from 0.

        Raises:
            NoClosedForm: only moments are known.
        """
        raise NoClosedForm(f"the atoms for {self.name}", "only the moments of D² are known")

    @property
    def mass_at_zero(self) -> sp.Expr:
        """The probability that φ′ = 0.

        Raises:
            NoClosedForm: only moments are known.
        """
        raise NoClosedForm(f"the atoms for {self.name}", "only the moments of D² are known")

    def s_series(self, terms: int) -> Series:
        """S(z) to the given number of terms, by reverting the moment series.

        >>> bernoulli().s_series(2).coefficients
        (1/p, (p - 1)/p**2)
        """
        return s_series_from_moments(self.moments(terms))

    def moments(self, count: int) -> tuple[sp.Expr, ...]:
        """μ_1, …, μ_count."""
        return tuple(self.moment(k) for k in range(1, order(count) + 1))

    @property
    def is_nonnegative(self) -> bool | None:
        """Squares are."""
        return True

    def _only_series(self, what: str) -> NoClosedForm:
        return NoClosedForm(f"{what} of {self.name}", "the law of D² is not a finite set of atoms")


class AtomicLaw(FiniteLaw, DerivativeLaw):
    """A law of finitely many atoms on [0, ∞): D² of a piecewise-linear activation.

    >>> bernoulli().mgf
    p/(z - 1)
    """

    def __init__(self, name: str, atoms: Sequence[tuple[object, object]]) -> None:
        """Refuse, besides what is no law, atoms below 0 and a law without a positive mean."""
        super().__init__(name, atoms)
        for location, _ in self.masses:
            if location.is_negative:
                raise DomainError(f"{name}: an atom of D² lies at a finite x ≥ 0, not {location}")
        if not self.positive_atoms:
            raise DomainError(f"{name}: φ′ vanishes almost everywhere, so the Jacobian is zero")

    @property
    def positive_atoms(self) -> tuple[tuple[sp.Expr, sp.Expr], ...]:
        """The atoms away from 0."""
        return tuple((location, mass) for location, mass in self.masses if location != 0)

    @property
    def mass_at_zero(self) -> sp.Expr:
        """The probability that φ′ = 0."""
        return sp.Add(*(mass for location, mass in self.masses if location == 0))

    def moment(self, k: int) -> sp.Expr:
        """μ_k = Σ mass × locationᵏ.

        >>> bernoulli().moment(3)
        p
        """
        return sp.Add(*(mass * location**k for location, mass in self.positive_atoms))

    def stand_in_moments(self, terms: int) -> tuple[tuple[sp.Expr, ...], StandIns]:
        """Put symbols in place of probabilities that are functions of q."""
        names: StandIns = {}
        atoms = []
        for location, mass in self.positive_atoms:
            if mass.is_Rational or mass.is_Symbol:
                atoms.append((location, mass))
                continue
            name = sp.Dummy("p", positive=True)
            names[name] = mass
            atoms.append((location, name))
        moments = tuple(sp.Add(*(w * a**k for a, w in atoms)) for k in range(1, terms + 1))
        return moments, names

    def subs(self, values: Mapping[sp.Symbol, Number]) -> Law:
        """Put numbers in for parameters."""
        return AtomicLaw(self.name, [(a.subs(values), w.subs(values)) for a, w in self.masses])


class MomentLaw(DerivativeLaw):
    """The law of D² of an activation that is not piecewise linear, by its moments.

    >>> MomentLaw(activation("erf")).moment(1)
    4/(pi*sqrt(4*q + 1))
    """

    def __init__(self, phi: Activation) -> None:
        """Keep φ′; its moments are taken when they are asked for."""
        self.name = phi.name
        self._mean_field = MeanField(phi)

    @cached_property
    def _constant(self) -> dict[sp.Expr, sp.Expr]:
        """Where φ′² is constant on a piece, the value and its probability.

        Elsewhere φ′ is analytic and takes a value on a set of measure 0: the rest has a density.
        """
        squared = self._mean_field.phi.distribution(1) ** 2
        values = dict.fromkeys(p.expr for p in squared.pieces if not p.expr.has(x))
        return {value: _probability(squared, value) for value in values}

    @property
    def positive_atoms(self) -> tuple[tuple[sp.Expr, sp.Expr], ...]:
        """The atoms away from 0, of pieces on which φ is linear.

        >>> derivative_law("elu").positive_atoms, derivative_law("tanh").positive_atoms
        (((1, 1/2),), ())
        """
        return tuple((value, mass) for value, mass in self._constant.items() if value != 0)

    @property
    def mass_at_zero(self) -> sp.Expr:
        """The probability of the pieces on which φ is constant."""
        return self._constant.get(sp.S.Zero, sp.S.Zero)

    def moment(self, k: int) -> sp.Expr:
        """μ_k = E[φ′^{2k}] in q: closed form, or an unevaluated expectation."""
        return self._mean_field.mu(k)

    def stand_in_moments(self, terms: int) -> tuple[tuple[sp.Expr, ...], StandIns]:
        """Put symbols in place of the moments."""
        symbols = tuple(sp.Dummy(f"mu_{k}", positive=True) for k in range(1, terms + 1))
        return symbols, {mu: self.moment(k) for k, mu in enumerate(symbols, start=1)}

    def subs(self, values: Mapping[sp.Symbol, Number]) -> Law:
        """Put numbers in for q and the parameters: a law known by its moments."""
        return _Substituted(self, values)

    def s_series(self, terms: int) -> Series:
        """S(z) by reversion, with the moments put in at the end."""
        symbols, values = self.stand_in_moments(terms)
        series = s_series_from_moments(symbols)
        return Series(
            series.leading.xreplace(values),
            series.valuation,
            tuple(u.xreplace(values) for u in series.unit),
        )


class _Substituted(DerivativeLaw):
    """A law of D² with numbers put in."""

    def __init__(self, law: DerivativeLaw, values: Mapping[sp.Symbol, Number]) -> None:
        self.name, self._law, self._values = law.name, law, dict(values)

    def moment(self, k: int) -> sp.Expr:
        return self._law.moment(k).subs(self._values)

    def stand_in_moments(self, terms: int) -> tuple[tuple[sp.Expr, ...], StandIns]:
        symbols, stand_ins = self._law.stand_in_moments(terms)
        return symbols, {symbol: expr.subs(self._values) for symbol, expr in stand_ins.items()}

    def subs(self, values: Mapping[sp.Symbol, Number]) -> Law:
        return _Substituted(self._law, {**self._values, **values})


class GeneralLaw(DerivativeLaw):
    """A law with moments mu_1, mu_2, … left as symbols.

    >>> GeneralLaw().moment(2)
    mu_2
    """

    name = "D²"

    def moment(self, k: int) -> sp.Expr:
        """Return the symbol mu_k."""
        return _moment_symbols(k)[-1] if k else sp.S.One

    def subs(self, values: Mapping[sp.Symbol, Number]) -> Law:
        """Put numbers in for moments."""
        return _Substituted(self, values)

    def stand_in_moments(self, terms: int) -> tuple[tuple[sp.Expr, ...], StandIns]:
        """Return the symbols mu_k, which stand for themselves."""
        return _moment_symbols(terms), {}


def bernoulli(
    probability: sp.Expr | int = linear_probability, value: sp.Expr | int = sp.S.One
) -> AtomicLaw:
    """Make the law (1−p) δ_0 + p δ_value: φ has slope √value with probability p, else 0.

    Args:
        probability: p in (0, 1].
        value: where the atom away from 0 stands, positive.

    Raises:
        DomainError: p is outside (0, 1], or value is not positive.

    >>> bernoulli().s_transform
    (z + 1)/(p + z)
    >>> bernoulli(sp.Rational(1, 2), 4).inverse_mgf
    2*(2*z + 1)/z
    """
    mass, location = rational("the probability", probability), rational("the value", value)
    if location.is_positive is False or not _is_real(location):
        raise DomainError(f"the value of φ′² in the linear regime must be positive, not {location}")
    if mass.is_positive is False or (mass - 1).is_positive or not _is_real(mass):
        raise DomainError(f"the probability must lie in (0, 1], not {probability}")
    return AtomicLaw(f"Bernoulli({mass})", ((sp.S.Zero, 1 - mass), (location, mass)))


def point_mass(value: sp.Expr | int = 1) -> AtomicLaw:
    """Make the law of a constant φ′² = value: a linear activation.

    >>> point_mass().s_transform
    1
    """
    return bernoulli(1, value)


def general_law() -> GeneralLaw:
    """Leave the law of D² general: moments mu_1, mu_2, … as symbols.

    >>> general_law().s_series(2).unit[1]
    (mu_1**2 - mu_2)/mu_1**2
    """
    return GeneralLaw()


def derivative_law(phi: str | sp.Expr | Activation | DerivativeLaw) -> DerivativeLaw:
    """Find the law of φ′(h)² for h ~ N(0, q).

    Args:
        phi: an activation, anything `activation` takes, or a law, which is passed through.

    Returns:
        An `AtomicLaw` with probabilities in q when φ is piecewise linear, else a `MomentLaw`.

    Raises:
        DomainError: φ jumps, or is constant.

    >>> derivative_law("hard_tanh").atoms()
    ((0, 1 - erf(sqrt(2)/(2*sqrt(q)))), (1, erf(sqrt(2)/(2*sqrt(q)))))
    """
    if isinstance(phi, DerivativeLaw):
        return phi
    resolved = activation(phi)
    if not resolved.is_piecewise_linear:
        return MomentLaw(resolved)
    squared = resolved.distribution(1) ** 2
    values = list(dict.fromkeys(sp.expand(piece.expr) for piece in squared.pieces))
    positive = [(value, _probability(squared, value)) for value in values if value != 0]
    atoms = tuple(positive)
    if sp.S.Zero in values:
        atoms = ((sp.S.Zero, 1 - sp.Add(*(mass for _, mass in positive))), *atoms)
    return AtomicLaw(resolved.name, atoms)


def _probability(function: PiecewiseFunction, value: sp.Expr) -> sp.Expr:
    """Find the probability that a piecewise constant function of h takes a value."""
    return expect(function.map(lambda e: sp.Integer(sp.expand(e) == value)), q)


def _moment_symbols(terms: int) -> tuple[sp.Symbol, ...]:
    return tuple(parameter(f"mu_{k}", positive=True) for k in range(1, terms + 1))


def _is_real(value: sp.Expr) -> bool:
    return value.is_real is not False and value is not sp.nan
