"""The input-output Jacobian of a residual network: J = Π (a + Dˡ Wˡ), W of variance σ_w²/(L N).

In the limit L → ∞ all of it depends on one number, the effective cumulant c = (1/L) Σ c_l with
c_l = σ_w² E[φ′(√q_l z)²]: the one-layer law (`residual_layer`) is expanded in 1/L
(`depth_expansion`), and from S of the product come M⁻¹, the moments, the Green's equation, its
solution, the density and the edges. With a skip weight a ≠ 1 the law is that of a^{2L} times the
eigenvalues at c/a². `ResNet.finite` keeps L finite.

Source: Tarnowski, Warchoł, Jastrzębski, Tabor and Nowak, "Dynamical isometry is achieved in
residual networks in a universal way for any activation function" (2019), section II.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any, TypeAlias

import sympy as sp
from mpmath import mp

from freejac.symbolic.activation import Activation, activation
from freejac.symbolic.depth_expansion import depth_expansion, universal_exponent
from freejac.symbolic.derivative_law import DerivativeLaw
from freejac.symbolic.determining_series import determining_series
from freejac.symbolic.domain import Number, at_each, exact, finite, layer_count
from freejac.symbolic.ensembles import Ensemble, ensemble
from freejac.symbolic.errors import DomainError
from freejac.symbolic.explanation import Explanation
from freejac.symbolic.fixed_points import Parameters
from freejac.symbolic.lambert import GeneralizedLambertW
from freejac.symbolic.mean_field import MeanField
from freejac.symbolic.normalisation import normalisation_gain
from freejac.symbolic.propagation import Propagation, propagate
from freejac.symbolic.residual_finite import FiniteResNet
from freejac.symbolic.residual_steps import residual_steps
from freejac.symbolic.schwinger_dyson import stieltjes_symbol
from freejac.symbolic.series import Series, from_expr
from freejac.symbolic.shape import MomentsOfS
from freejac.symbolic.symbols import cumulant, sigma_w, z
from freejac.symbolic.symbols import depth as depth_symbol
from freejac.symbolic.transforms import inverse_mgf
from freejac.symbolic.universal_density import residual_density
from freejac.symbolic.universal_edges import edge_parts

__all__ = ["ResNet", "residual_density"]

Source: TypeAlias = str | sp.Expr | Activation | DerivativeLaw


class ResNet(MomentsOfS):
    """The Jacobian of a wide and deep residual network.

    Moments, variance, skewness and kurtosis are `freejac.symbolic.shape.MomentsOfS`'s.

    Attributes:
        phi: the activation, when the skip passes over one weight layer; else None.
        block: the activations, or laws of D², of the weight layers that a skip passes over.
        skip: the skip weight a.
        gain: (γ/σ)² of batch normalisation, 1 without.

    >>> R = ResNet()
    >>> R.s_transform, R.moment(1), R.moment(2)
    (exp(-cumulant*(2*z + 1)), exp(cumulant), (2*cumulant + 1)*exp(2*cumulant))
    >>> ResNet("relu").cumulant, ResNet(["relu", "linear"]).cumulant
    (sigma_w**2/2, sigma_w**4/2)
    """

    def __init__(
        self,
        phi: Source | Sequence[Source] | None = None,
        skip: Number = 1,
        *,
        batch_norm: bool | tuple[Number, Number] = False,
    ) -> None:
        """Take what is inside the skip connection.

        Args:
            phi: an activation, anything `freejac.activation` takes, or the law of its D²; a list
                of them for a block of several weight layers, each of scale σ_w, the block with
                one factor 1/L; nothing for the universal law alone.
            skip: the skip weight a, real and not 0, a number or a symbol.
            batch_norm: (γ, σ), as every pre-activation is replaced by γ(h − ⟨h⟩)/σ, so that D is
                diag(φ′ γ/σ); True for the symbols gamma and sigma. q is then the variance of the
                argument of φ.

        Raises:
            DomainError: a is 0 or not finite; γ or σ is not positive.

        >>> ResNet("relu", batch_norm=True).cumulant
        gamma**2*sigma_w**2/(2*sigma**2)
        """
        sources = [] if phi is None else [phi] if not isinstance(phi, (list, tuple)) else list(phi)
        if phi is not None and not sources:
            raise DomainError("a residual block needs at least one layer")
        self.block = tuple(s if isinstance(s, DerivativeLaw) else activation(s) for s in sources)
        only = self.block[0] if len(self.block) == 1 else None
        self.phi = only if isinstance(only, Activation) else None
        self.skip = exact("the skip weight", skip)
        if self.skip == 0 or not (self.skip.is_finite and self.skip.is_real):
            raise DomainError(
                f"the skip weight is a finite real number other than 0, not {skip}; "
                "without skip connections use Jacobian"
            )
        self.gain = normalisation_gain(batch_norm)

    def __repr__(self) -> str:
        names = [source.name for source in self.block]
        shown = "" if not names else repr(names[0]) if len(names) == 1 else repr(names)
        more = "" if self.skip == 1 else f"{', ' if shown else ''}skip={self.skip}"
        return f"ResNet({shown}{more})"

    @cached_property
    def mean_field(self) -> MeanField:
        """The Gaussian expectations of the activation.

        Raises:
            DomainError: the network was made without an activation, or with several.
        """
        if self.phi is None:
            raise DomainError("give an activation: ResNet('tanh') rather than ResNet()")
        return MeanField(self.phi)

    @cached_property
    def cumulant(self) -> sp.Expr:
        """c_l = σ_w² E[φ′(√q z)²] of a layer of variance q; the symbol when φ is not given.

        In a block the factors of its layers multiply; batch normalisation puts (γ/σ)² to each.

        >>> ResNet("hard_tanh").cumulant
        sigma_w**2*erf(sqrt(2)/(2*sqrt(q)))
        """
        if not self.block:
            return cumulant
        means = (
            s.moment(1) if isinstance(s, DerivativeLaw) else MeanField(s).mu(1) for s in self.block
        )
        return sp.Mul(*(sigma_w**2 * self.gain * mean for mean in means))

    @property
    def _ratio(self) -> sp.Expr:
        """The cumulant of J/aᴸ, c/a²."""
        return cumulant / self.skip**2

    @property
    def _scale(self) -> sp.Expr:
        """The factor a^{2L} of the eigenvalues."""
        return self.skip ** (2 * depth_symbol)

    @cached_property
    def s_transform(self) -> sp.Expr:
        """S(z) = a^{−2L} exp(−(c/a²)(1+2z)): log S_l summed over layers, to leading order in 1/L.

        >>> from freejac.symbolic.schwinger_dyson import skip_symbol
        >>> ResNet(skip=skip_symbol).s_transform
        exp(-cumulant*(2*z + 1)/a**2)/a**(2*L)
        """
        return sp.exp(sp.factor(self._ratio * universal_exponent())) / self._scale

    @cached_property
    def inverse_mgf(self) -> sp.Expr:
        """M⁻¹(z) = (1+z)/(z S(z)).

        >>> ResNet().inverse_mgf
        (z + 1)*exp(cumulant*(2*z + 1))/z
        """
        return inverse_mgf(self.s_transform)

    @cached_property
    def green_equation(self) -> sp.Eq:
        """The equation G = (zG − 1) exp(c(1 − 2zG)) that the Green's function solves, at a = 1.

        From G = m S(m) with m = zG − 1.

        >>> ResNet().green_equation
        Eq(G, (G*z - 1)*exp(cumulant*(-2*G*z + 1)))
        """
        m = z * stieltjes_symbol - 1
        exponent = sp.expand(universal_exponent().subs(z, m))
        return sp.Eq(stieltjes_symbol, m * sp.exp(self._ratio * exponent) / self._scale)

    @cached_property
    def green_function(self) -> sp.Expr:
        """G(z) by the generalised Lambert function: (c + W(−c; c; z))/(2cz) at a = 1.

        The paper says "the Lambert function"; it is the one with a rational argument, for with
        x = c(2zG − 1) the Green's equation is eˣ(x + c)/(x − c) = z. See `symbolic.lambert`.

        >>> ResNet().green_function
        (cumulant + GeneralizedLambertW(-cumulant, cumulant, z))/(2*cumulant*z)
        """
        ratio = self._ratio
        return (ratio + GeneralizedLambertW(-ratio, ratio, z / self._scale)) / (2 * ratio * z)

    @cached_property
    def mean(self) -> sp.Expr:
        """m_1 = a^{2L} exp(c/a²).

        >>> ResNet().mean, ResNet().moment(3)
        (exp(cumulant), (6*cumulant**2 + 6*cumulant + 1)*exp(3*cumulant))
        >>> ResNet().variance, ResNet().kurtosis
        (2*cumulant*exp(2*cumulant), 16*cumulant/3 + 2)
        """
        return 1 / self.s_transform.subs(z, 0)

    def normalised_series(self, terms: int) -> tuple[Series, dict[sp.Symbol, sp.Expr]]:
        """Expand S(z)/S(0) = exp(−2(c/a²)z)."""
        exponent = universal_exponent()
        ratio = sp.exp(self._ratio * sp.expand(exponent - exponent.subs(z, 0)))
        return from_expr(ratio, z, terms), {}

    def edges(self) -> tuple[sp.Expr, sp.Expr]:
        """Find the ends of the spectrum of J Jᵀ: (lower, upper), where dλ/dm = 0.

        >>> lower, upper = ResNet().edges()
        >>> upper
        (sqrt(cumulant)*sqrt(cumulant + 2) + cumulant + 1)*exp(sqrt(cumulant)*sqrt(cumulant + 2))
        """
        (low, low_exponent), (high, high_exponent) = self._edge_parts
        return (
            self._scale * low * sp.exp(low_exponent),
            self._scale * high * sp.exp(high_exponent),
        )

    @cached_property
    def condition_number(self) -> sp.Expr:
        """The ratio of the largest to the smallest singular value of J: √(λ₊/λ₋).

        >>> ResNet().condition_number
        (sqrt(cumulant)*sqrt(cumulant + 2) + cumulant + 1)*exp(sqrt(cumulant)*sqrt(cumulant + 2))
        """
        (low, low_exponent), (high, high_exponent) = self._edge_parts
        return sp.sqrt(high / low) * sp.exp((high_exponent - low_exponent) / 2)

    @cached_property
    def _edge_parts(self) -> tuple[tuple[sp.Expr, sp.Expr], ...]:
        """(λ without its exponential, the exponent) at either edge, without the factor a^{2L}."""
        parts = edge_parts()
        if self.skip == 1:
            return parts
        return tuple(
            (front.subs(cumulant, self._ratio), exponent.subs(cumulant, self._ratio))
            for front, exponent in parts
        )

    def depth_expansion(
        self, orders: int = 3, weights: str | Ensemble = "gaussian"
    ) -> tuple[sp.Expr, ...]:
        """Expand a² S of one layer in 1/L: give the coefficients from that of 1 on.

        The limit keeps the first two; from the third on the weight ensemble and μ_2, μ_3, … of
        the activation enter, and universality ends.

        Args:
            orders: how many coefficients, ≥ 1.
            weights: "gaussian", "orthogonal", or an `Ensemble`.

        >>> ResNet("linear").depth_expansion(2)
        (1, -sigma_w**2*(2*z + 1))
        """
        wanted = layer_count(orders)
        layer = self._finite(sp.S.One, ensemble(weights)).layer
        block, values = layer.stand_in_block_series(max(1, wanted - 1))
        series = determining_series(block)
        known = [series.coefficient(n) for n in range(1, wanted)]
        found = depth_expansion(known, self.skip, wanted)
        return tuple(sp.factor(term.xreplace(values)) for term in found)

    def finite(
        self, depth: int | sp.Expr = depth_symbol, weights: str | Ensemble = "gaussian"
    ) -> FiniteResNet:
        """Keep the depth finite: the exact law, which depends on all μ_k and on the ensemble.

        Args:
            depth: the number of blocks, a positive integer or a symbol for one.
            weights: "gaussian", "orthogonal", or an `Ensemble`.

        Raises:
            DomainError: the depth is not a positive integer, or there is no activation.
            UnknownNameError: the ensemble is not known.

        >>> ResNet("relu").finite(2, "orthogonal").moment(2)
        (sigma_w**2/4 + 1)**2*(3*sigma_w**4/16 + 3*sigma_w**2/2 + 1)
        """
        return self._finite(exact("the depth", depth), ensemble(weights))

    def _finite(self, depth: sp.Expr, weights: Ensemble) -> FiniteResNet:
        return FiniteResNet(self._sources(), depth, weights, self.skip, self._block_gain())

    def _sources(self) -> tuple[Activation | DerivativeLaw, ...]:
        if not self.block:
            raise DomainError("give an activation: ResNet('tanh') rather than ResNet()")
        return self.block

    def _block_gain(self) -> sp.Expr:
        return self.gain ** len(self.block)

    def propagate(
        self,
        depth: int,
        sigma_w: Number,
        sigma_b: Number,
        q1: Number,
        *,
        mean: Number = 0,
        parameters: Parameters | None = None,
    ) -> Propagation:
        """Follow the signal through the layers, numerically.

        Args:
            depth: the number of layers L, ≥ 1.
            sigma_w: the scale of the weights, W_ij of variance σ_w²/(L N); positive.
            sigma_b: the standard deviation of the biases, ≥ 0.
            q1: the variance of the first pre-activation, > σ_b².
            mean: the mean of the input's entries; the input must have room for it:
                ⟨x⁰⟩² ≤ (q1 − σ_b²)L/σ_w².
            parameters: values of the activation's parameters, for those without a default.

        Returns:
            Per layer the variance q, the mean and second moment of x, and c_l; and the
            effective cumulant.

        Raises:
            DomainError: an argument is out of range, there is no activation or more than one, or
                there is batch normalisation, which sets q itself.

        >>> ResNet("linear").propagate(4, sigma_w=1, sigma_b=0, q1=1).q[-1]     # (1 + 1/4)³
        1.953125
        """
        if len(self.block) > 1:
            raise DomainError("a signal is followed through skips over one weight layer each")
        if self.gain != 1:
            raise DomainError("batch normalisation sets the variances itself: nothing to propagate")
        return propagate(
            self.mean_field,
            depth,
            sigma_w,
            sigma_b,
            q1,
            skip=self.skip,
            mean=mean,
            parameters=parameters or {},
        )

    def density(
        self,
        lam: Number | Iterable[Number],
        *,
        cumulant: Number,
        depth: int | None = None,
        digits: int = 15,
    ) -> float | list[float]:
        """Evaluate the density of the eigenvalues of J Jᵀ, L → ∞.

        Args:
            lam: an eigenvalue, or a sequence of them; 0 outside the edges.
            cumulant: the effective cumulant c, positive.
            depth: the number of layers, needed for the factor a^{2L} when a ≠ 1.
            digits: correct digits aimed at.

        Raises:
            DomainError: a number is not finite, c is not positive, or the depth is missing.

        >>> round(ResNet().density(1, cumulant=0.5), 12)       # t/π with t·tan(t/2) = 1/2
        0.305637611171
        """
        with mp.workdps(digits + 15):
            scale, ratio = self.in_numbers(cumulant, depth)
            return at_each(
                lam,
                lambda points: [
                    float(residual_density(finite("lambda", t) / scale, ratio, digits) / scale)
                    for t in points
                ],
            )

    def in_numbers(self, cumulant: Number, depth: int | None) -> tuple[Any, Any]:
        """a^{2L} and c/a² at mpmath's working precision, for the density.

        Raises:
            DomainError: a is a symbol, or differs from 1 and the depth is missing.
        """
        c = finite("cumulant", cumulant)
        if c <= 0:
            raise DomainError(f"the cumulant must be positive, not {cumulant}")
        if self.skip == 1:
            return mp.one, c
        if depth is None:
            raise DomainError(f"give the depth: with skip weight {self.skip} the scale is a^(2L)")
        weight = finite("the skip weight", self.skip)
        return weight ** (2 * layer_count(depth)), c / weight**2

    def explain(self) -> Explanation:
        """The derivation of the law, step by step: text by str(), and `.latex()`.

        >>> print(ResNet("relu").explain()[7].text)
        c_l = sigma_w**2/2
        """
        return residual_steps(self)
