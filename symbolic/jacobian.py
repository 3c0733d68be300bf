"""The input-output Jacobian J = Π Dˡ Wˡ of a feed-forward network: the law of JᵀJ.

S_{JᵀJ} = Π_l S_l, for equal layers (S_{D²} S_{WWᵀ})ᴸ, M⁻¹(z) = (1+z)/(z S(z)), and every moment by
Lagrange inversion, with the depth, the widths, the probabilities and σ_w symbolic.

>>> from freejac.symbolic.derivative_law import bernoulli
>>> J = Jacobian(bernoulli())
>>> J.s_transform, J.moment(2), J.variance_at_criticality
((sigma_w**2*(p + z))**(-L), (p*sigma_w**2)**(2*L)*(L + p)/p, L/p)
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import sympy as sp

from freejac.symbolic import edges
from freejac.symbolic.activation import Activation
from freejac.symbolic.depth_limits import DepthLimit, sigma_0
from freejac.symbolic.derivative_law import DerivativeLaw, s_series_from_moments
from freejac.symbolic.domain import Number
from freejac.symbolic.ensembles import Ensemble
from freejac.symbolic.errors import DomainError
from freejac.symbolic.explanation import Explanation
from freejac.symbolic.jacobian_steps import explain
from freejac.symbolic.layer_numbers import LayersInNumbers
from freejac.symbolic.layers import Layer, place
from freejac.symbolic.product_atoms import product_atoms
from freejac.symbolic.series import Series
from freejac.symbolic.shape import MomentsOfS
from freejac.symbolic.symbols import depth as symbolic_depth
from freejac.symbolic.symbols import sigma_w as scale_symbol
from freejac.symbolic.symbols import z
from freejac.symbolic.universality import limit_of

__all__ = ["Jacobian"]

_DEEPEST = 4000


class Jacobian(MomentsOfS, LayersInNumbers):
    """The law of the squared singular values of J, for wide layers.

    Moments and densities are those of JᵀJ, in the N_0 × N_0 matrices; for equal square layers that
    is the law of J Jᵀ as well.

    Moments, variance, skewness and kurtosis are `freejac.symbolic.shape.MomentsOfS`'s; density and
    support are `freejac.symbolic.layer_numbers.LayersInNumbers`'.

    Attributes:
        layers: the layers, from the input to the output.
        factors: the same with their widths in units of the input's.

    Source: Pennington, Schoenholz and Ganguli, "Resurrecting the sigmoid in deep learning
        through dynamical isometry", eqs. (12)–(24).

    >>> from freejac.symbolic.derivative_law import bernoulli, general_law, point_mass
    >>> Jacobian(bernoulli(), weights="orthogonal").variance_at_criticality
    L*(1 - p)/p
    >>> Jacobian(general_law(), "orthogonal").moment(2)
    (mu_1*sigma_w**2)**(2*L)*(L*(-1 + mu_2/mu_1**2) + 1)
    >>> J = Jacobian(point_mass())
    >>> J.skewness, J.kurtosis
    ((3*L - 1)/(2*sqrt(L)), (8*L**2 + 1)/(3*L))
    >>> J = Jacobian(layers=[Layer("linear", 600), Layer("linear", 1400)], input_width=1000)
    >>> J.moment(1), J.atoms()
    (7*sigma_w**4/5, ((0, 2/5),))
    """

    def __init__(
        self,
        phi: str | sp.Expr | Activation | DerivativeLaw | None = None,
        weights: str | Ensemble = "gaussian",
        depth: int | sp.Expr = symbolic_depth,
        *,
        layers: Sequence[Layer] | None = None,
        input_width: Number | None = None,
    ) -> None:
        """Resolve the ingredients: of equal layers by `phi`, `weights`, `depth`; else by `layers`.

        Args:
            phi: an activation (name, text, expression), or a law of D².
            weights: "gaussian", "orthogonal", or an `Ensemble`.
            depth: the number of layers, a positive integer, or a positive integer symbol.
            layers: `Layer`s from the input to the output, in place of the three.
            input_width: the width of the input, when layers have widths.

        Raises:
            DomainError: a number is out of range, φ′² has no law, weights that have to be square
                are not, or both ways of giving layers are used.
            UnknownNameError: the ensemble is not known.
        """
        if (phi is None) == (layers is None):
            raise DomainError("give an activation, as in Jacobian('tanh'), or layers=[Layer(…), …]")
        if phi is not None:
            layers = (Layer(phi, weights=weights, count=depth),)
        elif (weights, depth) != ("gaussian", symbolic_depth):
            raise DomainError("layers=[…] have weights and count of their own: Layer(…, count=4)")
        self.layers = tuple(layers or ())
        self.factors = place(self.layers, input_width)

    def __repr__(self) -> str:
        if len(self.layers) == 1:
            return f"Jacobian({self.law.name}, {self.ensemble.name}, depth={self.depth})"
        return f"Jacobian(layers={list(self.layers)})"

    @property
    def law(self) -> DerivativeLaw:
        """The law of D² = φ′(h)², h ~ N(0, q), of equal layers; DomainError if layers differ."""
        return self._layer.law

    @property
    def ensemble(self) -> Ensemble:
        """The weight ensemble of equal layers; DomainError if layers differ."""
        return self._layer.ensemble

    @property
    def depth(self) -> sp.Expr:
        """The number of layers L, a positive integer or the symbol."""
        return edges.total_depth(self.factors)

    @property
    def _layer(self) -> Layer:
        if len(self.layers) != 1:
            raise DomainError("the layers differ: see .layers and .factors")
        return self.layers[0]

    @cached_property
    def layer_s_transform(self) -> sp.Expr:
        """S_{D²}(z) S_{WWᵀ}(z) of one layer, where layers are equal.

        Raises:
            NoClosedForm: one of the factors is known as a series only.
            DomainError: there are different layers.
        """
        return self._layer.s_transform

    @property
    def s_transform(self) -> sp.Expr:
        """S_{JᵀJ}(z), the product over the layers; (S_{D²} S_{WWᵀ})ᴸ for equal ones.

        Raises:
            NoClosedForm: S of a layer is known as a series only.
        """
        return sp.Mul(*(placed.s_power for placed in self.factors))

    @property
    def inverse_mgf(self) -> sp.Expr:
        """M⁻¹(z) = (1+z)/(z S(z)): the eigenvalue λ as a function of m = M(λ).

        >>> from freejac.symbolic.derivative_law import bernoulli
        >>> Jacobian(bernoulli()).inverse_mgf
        (sigma_w**2*(p + z))**L*(z + 1)/z
        """
        return (1 + z) / (z * self.s_transform)

    @cached_property
    def mean(self) -> sp.Expr:
        """m_1 = Π σ_w² μ_1 × N_L/N_0, for equal layers χᴸ.

        Raises:
            DomainError: the depth is a number so large that exact powers are out of reach.
        """
        if self.depth.is_Integer and self.depth > _DEEPEST:
            raise DomainError(
                f"exact moments at depth {self.depth} have too many digits; keep the symbol "
                "freejac.depth, or use the kernels in freejac.generated.jacobian_moments"
            )
        return sp.Mul(*(placed.mean**placed.count for placed in self.factors))

    @property
    def variance_at_criticality(self) -> sp.Expr:
        """The variance over the squared mean: at χ = 1, where σ_w² = 1/μ_1, the mean is 1.

        >>> from freejac.symbolic.derivative_law import general_law
        >>> Jacobian(general_law(), "orthogonal").variance_at_criticality
        L*(-1 + mu_2/mu_1**2)
        """
        ratio = self.relative_variance
        if not ratio.has(scale_symbol):  # but for an ensemble that does not scale with σ_w
            return ratio
        return ratio.subs(scale_symbol, 1 / sp.sqrt(self.law.moment(1)))

    def normalised_series(self, terms: int) -> tuple[Series, dict[sp.Symbol, sp.Expr]]:
        """Expand S(z)/S(0) in symbols that stand for the moments of D²; and say what they are.

        Args:
            terms: how many coefficients, with the first, which is 1.

        Raises:
            DomainError: the ensemble knows too few coefficients.
        """
        product = Series(sp.S.One, 0, (sp.S.One,) + (sp.S.Zero,) * (terms - 1))
        values: dict[sp.Symbol, sp.Expr] = {}
        units: dict[Layer, tuple[sp.Expr, ...]] = {}
        for placed in self.factors:
            layer = placed.layer
            if layer not in units:
                moments, meaning = layer.law.stand_in_moments(terms)
                values |= {name: layer.at(value) for name, value in meaning.items()}
                series = s_series_from_moments(moments) * layer.ensemble.s_series(terms)
                units[layer] = tuple(layer.at(u) for u in series.unit)
            moved = tuple(u / placed.after**n for n, u in enumerate(units[layer]))
            product *= Series(sp.S.One, 0, moved).power(placed.count)
        return product, values

    def edges(self) -> tuple[sp.Expr, ...]:
        """Find the ends of the continuous spectrum, ascending; none when there are only atoms.

        See `freejac.symbolic.edges`. Equal layers with one slope have a closed form; with a
        symbolic depth, orthogonal weights are understood with L ≥ 2. Other laws have roots of
        `edge_polynomial`, when all but σ_w is a number; a gap in the spectrum makes more than two.

        Returns:
            (lower, upper), or (), or the ends of every interval.

        Raises:
            NoClosedForm: D² has more than one nonzero value and a parameter has no number, D² is
                not atomic, or the weights are neither Gaussian nor orthogonal.

        >>> from freejac.symbolic.derivative_law import bernoulli
        >>> Jacobian(bernoulli(), "orthogonal", depth=2).edges()
        (0, 4*p*sigma_w**4*(1 - p))
        >>> Jacobian("leaky_relu(1/2)", "orthogonal", depth=2).edges()
        (sigma_w**4/16, sigma_w**4)
        """
        return edges.edges(self.factors)

    @cached_property
    def critical_polynomial(self) -> sp.Poly:
        """The polynomial in z = m whose real roots are the critical points of λ(m) = M⁻¹(m).

        Raises:
            NoClosedForm: S of a layer is a series only, or different layers have a D² of several
                nonzero values.

        >>> from freejac.symbolic.derivative_law import bernoulli
        >>> Jacobian(bernoulli()).critical_polynomial
        Poly(L*z**2 + (L - 1)*z - p, z, domain='ZZ[p,L]')
        """
        return edges.critical_polynomial(self.factors)

    @cached_property
    def edge_polynomial(self) -> sp.Poly:
        """The polynomial in λ among whose real roots are the edges other than 0.

        Raises:
            DomainError: the depth is a symbol.
            NoClosedForm: as for `critical_polynomial`.

        >>> J = Jacobian(layers=[Layer("linear", 2, sigma_w=1)], input_width=1)
        >>> J.edge_polynomial                       # (1 ± √2)²
        Poly(lambda**2 - 6*lambda + 1, lambda, domain='ZZ')
        """
        return edges.edge_polynomial(self.factors)

    @property
    def edge_growth(self) -> sp.Expr:
        """The limit of λ₊/(L m_1) as L → ∞ with the layer as it is: e (μ_2/μ_1² − 1 − s_1).

        Any φ and ensemble have it; a linear Gaussian network has e.

        Raises:
            DomainError: all singular values are equal, or layers differ.

        >>> from freejac.symbolic.derivative_law import bernoulli
        >>> Jacobian("linear").edge_growth, Jacobian(bernoulli()).edge_growth
        (E, E/p)
        """
        return edges.growth(self._layer)

    def atoms(self) -> tuple[tuple[sp.Expr, sp.Expr], ...]:
        """Find the atoms of the law of JᵀJ: (location, mass).

        At 0 stands one minus the smallest rank, that of a width or of a D²; elsewhere products of
        atoms whose masses are large enough, see `freejac.symbolic.product_atoms`.

        Raises:
            NoClosedForm: the law of D² is not a finite set of atoms, or the atoms of the
                weights are not known.

        >>> from freejac.symbolic.derivative_law import bernoulli
        >>> Jacobian(bernoulli(sp.Rational(9, 10)), "orthogonal", depth=4).atoms()
        ((0, 1/10), (sigma_w**8, 3/5))
        """
        return product_atoms(self.factors)

    def depth_limit(self, sigma0: Number = sigma_0) -> DepthLimit:
        """Find the law at L → ∞, χ = 1 and fixed total variance σ₀², where there is one.

        σ₀² = L(μ_2/μ_1² − 1) is kept by letting q, or p, depend on L.

        Args:
            sigma0: the root of the total variance, positive; the symbol when left out.

        Raises:
            DomainError: the weights are not orthogonal, φ′² does not tend to a positive constant
                as q → 0, or layers differ.
            NoClosedForm: how φ′² does so is not decided.

        >>> Jacobian("hard_tanh", "orthogonal").depth_limit().s_transform
        exp(-sigma_0**2*z/(z + 1))
        """
        return limit_of(self._layer, sigma0)

    def explain(self) -> Explanation:
        """Derive the law step by step: φ′, the law of D², S, M⁻¹, moments, atoms, edges.

        Every statement is taken from the objects; a transform without closed form is a series.

        >>> [step.text for step in Jacobian("linear", depth=1).explain()][-2:]
        ['lambda_- = 0', 'lambda_+ = 4*sigma_w**2']
        """
        return explain(self)
