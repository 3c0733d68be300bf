"""The law of D² = φ′(h)², h ~ N(0, q): its moments, and its transforms where they close.

A piecewise-linear φ gives finitely many atoms, and G, M, M⁻¹, S follow exactly (S up to two
atoms away from 0). Any other φ gives the moments μ_k = E[φ′^{2k}], and S as a series.

>>> derivative_law("relu").s_transform
2*(z + 1)/(2*z + 1)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property

import sympy as sp

from freejac.symbolic import transforms
from freejac.symbolic.activation import Activation, activation
from freejac.symbolic.domain import exact
from freejac.symbolic.errors import DomainError, NoClosedForm
from freejac.symbolic.expectation import expect
from freejac.symbolic.mean_field import MeanField
from freejac.symbolic.piecewise import PiecewiseFunction
from freejac.symbolic.series import Series, from_expr
from freejac.symbolic.symbols import p as linear_probability
from freejac.symbolic.symbols import parameter, q, z

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


class DerivativeLaw(ABC):
    """A law on [0, ∞) with finite moments, as that of D².

    Attributes:
        name: how it is shown.
    """

    name: str

    @abstractmethod
    def moment(self, k: int) -> sp.Expr:
        """μ_k, the k-th moment."""

    @abstractmethod
    def stand_in_moments(self, terms: int) -> tuple[tuple[sp.Expr, ...], StandIns]:
        """Give μ_1 … μ_terms in plain symbols, and what each symbol stands for.

        Algebra on series is done with the symbols; a value such as erf(1/√(2q)) or an
        unevaluated expectation enters once, at the end.
        """

    def s_series(self, terms: int) -> Series:
        """S(z) to the given number of terms, by reverting the moment series.

        >>> bernoulli().s_series(2).coefficients
        (1/p, (p - 1)/p**2)
        """
        return s_series_from_moments(tuple(self.moment(k) for k in range(1, terms + 1)))

    @property
    def stieltjes(self) -> sp.Expr:
        """G(z) = E[1/(z − D²)]."""
        return transforms.stieltjes_from_mgf(self.mgf)

    @property
    def mgf(self) -> sp.Expr:
        """M(z) = E[D²/(z − D²)]."""
        raise NoClosedForm(f"M of {self.name}", "the law of D² is not a finite set of atoms")

    @cached_property
    def inverse_mgf(self) -> sp.Expr:
        """M⁻¹(z), with M⁻¹(z) ~ μ_1/z at z → 0."""
        return transforms.invert_mgf(self.mgf)

    @cached_property
    def s_transform(self) -> sp.Expr:
        """S(z) = (1+z)/(z M⁻¹(z)).

        Raises:
            NoClosedForm: D² is not atomic, or has more than two atoms away from 0.
        """
        return transforms.s_transform(self.inverse_mgf)


class AtomicLaw(DerivativeLaw):
    """A law of finitely many atoms: D² of a piecewise-linear activation.

    Attributes:
        atoms: (location, mass), masses adding to one.

    >>> bernoulli().mgf
    p/(z - 1)
    """

    def __init__(self, name: str, atoms: tuple[tuple[sp.Expr, sp.Expr], ...]) -> None:
        """Drop atoms of no mass, and refuse what is not a law on [0, ∞) with a positive mean."""
        self.name = name
        self.atoms = tuple(
            (sp.sympify(location, strict=True), sp.sympify(mass, strict=True))
            for location, mass in atoms
            if sp.sympify(mass, strict=True) != 0
        )
        for location, mass in self.atoms:
            if location.is_finite is False or location.is_negative or not _is_real(location):
                raise DomainError(f"{name}: an atom of D² lies at a finite x ≥ 0, not {location}")
            if not _is_real(mass) or mass.is_negative or (mass - 1).is_positive:
                raise DomainError(f"{name}: a probability lies in [0, 1], not {mass}")
        total = sp.Add(*(mass for _, mass in self.atoms))
        if (total - 1).is_zero is False and sp.simplify(total - 1) != 0:
            raise DomainError(f"{name}: the probabilities add to {total}, not 1")
        if not self.positive_atoms:
            raise DomainError(f"{name}: φ′ vanishes almost everywhere, so the Jacobian is zero")

    @property
    def positive_atoms(self) -> tuple[tuple[sp.Expr, sp.Expr], ...]:
        """The atoms away from 0."""
        return tuple((location, mass) for location, mass in self.atoms if location != 0)

    @property
    def mass_at_zero(self) -> sp.Expr:
        """The probability that φ′ = 0."""
        return sp.Add(*(mass for location, mass in self.atoms if location == 0))

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

    @cached_property
    def mgf(self) -> sp.Expr:
        """M(z) = Σ mass × location/(z − location)."""
        terms = (mass * location / (z - location) for location, mass in self.positive_atoms)
        return sp.Add(*terms)


class MomentLaw(DerivativeLaw):
    """The law of D² of an activation that is not piecewise linear, by its moments.

    >>> MomentLaw(activation("erf")).moment(1)
    4/(pi*sqrt(4*q + 1))
    """

    def __init__(self, phi: Activation) -> None:
        """Keep φ′; its moments are taken when they are asked for."""
        self.name = phi.name
        self._mean_field = MeanField(phi)

    def moment(self, k: int) -> sp.Expr:
        """μ_k = E[φ′^{2k}] in q: closed form, or an unevaluated expectation."""
        return self._mean_field.mu(k)

    def stand_in_moments(self, terms: int) -> tuple[tuple[sp.Expr, ...], StandIns]:
        """Put symbols in place of the moments."""
        symbols = tuple(sp.Dummy(f"mu_{k}", positive=True) for k in range(1, terms + 1))
        return symbols, {mu: self.moment(k) for k, mu in enumerate(symbols, start=1)}

    def s_series(self, terms: int) -> Series:
        """S(z) by reversion, with the moments put in at the end."""
        symbols, values = self.stand_in_moments(terms)
        series = s_series_from_moments(symbols)
        return Series(
            series.leading.xreplace(values),
            series.valuation,
            tuple(u.xreplace(values) for u in series.unit),
        )


class GeneralLaw(DerivativeLaw):
    """A law with moments mu_1, mu_2, … left as symbols.

    >>> GeneralLaw().moment(2)
    mu_2
    """

    name = "D²"

    def moment(self, k: int) -> sp.Expr:
        """Return the symbol mu_k."""
        return _moment_symbols(k)[-1]

    def stand_in_moments(self, terms: int) -> tuple[tuple[sp.Expr, ...], StandIns]:
        """Return the symbols mu_k, which stand for themselves."""
        return _moment_symbols(terms), {}


def s_series_from_moments(moments: tuple[sp.Expr, ...]) -> Series:
    """Expand S(z) from moments: with t(z) the reversion of Σ m_k tᵏ, S = (1+z) t(z)/z.

    Args:
        moments: (m_1, m_2, …), m_1 ≠ 0; as many terms of S follow.

    Raises:
        DomainError: the mean vanishes, so that S does not exist.

    >>> t = s_series_from_moments((sp.Integer(1), sp.Integer(2), sp.Integer(5)))
    >>> t.coefficients      # Catalan numbers: S = 1/(1+z)
    (1, -1, 1)
    """
    if not moments or moments[0] == 0:
        raise DomainError("the S-transform needs a law with nonzero mean")
    inverse = Series.of(moments, valuation=1).reversion()
    return from_expr(1 + z, z, len(moments)) * inverse.shift(-1)


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
    mass, location = exact("the probability", probability), exact("the value", value)
    if location.is_positive is False or not _is_real(location):
        raise DomainError(f"the value of φ′² in the linear regime must be positive, not {location}")
    if mass.is_positive is False:
        raise DomainError(f"the probability must lie in (0, 1], not {mass}")
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

    >>> derivative_law("hard_tanh").atoms
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
