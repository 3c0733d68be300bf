"""Mean-field theory of a wide feed-forward layer: length map, susceptibilities, critical line.

Every quantity is exact: a closed form where there is one, otherwise an expression with unevaluated
`Expectation`s that evaluate to any precision.

>>> mf = MeanField("relu")
>>> mf.length_map, mf.chi
(q*sigma_w**2/2 + sigma_b**2, sigma_w**2/2)
"""

from __future__ import annotations

from functools import cached_property

import sympy as sp

from freejac.symbolic.activation import Activation, activation
from freejac.symbolic.asymptotics import AsymptoticSeries, mean_series
from freejac.symbolic.bivariate import expectation2
from freejac.symbolic.critical_classes import Universality, classify
from freejac.symbolic.criticality import CriticalPoint, find_critical_points
from freejac.symbolic.depth_scales import DepthScales, find_depth_scales
from freejac.symbolic.domain import Number
from freejac.symbolic.errors import DomainError
from freejac.symbolic.expectation import expectation
from freejac.symbolic.fixed_points import FixedPoint, Parameters, find_fixed_points
from freejac.symbolic.piecewise import PiecewiseFunction
from freejac.symbolic.symbols import c, q, sigma_b, sigma_w

__all__ = ["MeanField"]


class MeanField:
    """Signal propagation through hˡ = Wˡ φ(hˡ⁻¹) + bˡ in the limit of infinite width.

    W_ij has variance σ_w²/N, b_i has variance σ_b², and every pre-activation is N(0, q).

    Args:
        phi: an `Activation`, or anything `activation` accepts.

    Attributes:
        phi: the activation.

    Source: Poole et al. (2016), arXiv:1606.05340, eqs. (3)–(5); Schoenholz et al. (2017),
        arXiv:1611.01232, eqs. (3)–(5).

    >>> MeanField("erf").chi
    4*sigma_w**2/(pi*sqrt(4*q + 1))
    """

    def __init__(self, phi: str | sp.Expr | Activation) -> None:
        """Resolve the activation."""
        self.phi = activation(phi)

    def __repr__(self) -> str:
        return f"MeanField({self.phi.name})"

    @cached_property
    def mean(self) -> sp.Expr:
        """E[φ(√q z)]."""
        return expectation(self.phi.function, q)

    @cached_property
    def second_moment(self) -> sp.Expr:
        """E[φ(√q z)²]."""
        return expectation(self.phi.function**2, q)

    @cached_property
    def length_map(self) -> sp.Expr:
        """V(q) = σ_w² E[φ²] + σ_b²: the variance of the next layer's pre-activations."""
        return sigma_w**2 * self.second_moment + sigma_b**2

    @cached_property
    def dual(self) -> sp.Expr:
        """E[φ(h₁)φ(h₂)] for two inputs: variance q each, correlation c.

        >>> MeanField("erf").dual
        2*asin(2*c*q/(2*q + 1))/pi
        """
        return expectation2(self.phi.function, self.phi.function, q, q, c)

    @cached_property
    def slope_dual(self) -> sp.Expr:
        """E[φ′(h₁)φ′(h₂)]: by Price's theorem the slope of `dual` in c, divided by q.

        Raises:
            DomainError: φ jumps, and a product of Dirac deltas would be left at c = 1.

        >>> MeanField("relu").slope_dual
        asin(c)/(2*pi) + 1/4
        """
        self.slope_integrand()
        slope = self.phi.distribution(1)
        return expectation2(slope, slope, q, q, c)

    @cached_property
    def correlation_map(self) -> sp.Expr:
        """The correlation of two inputs in the next layer, as a function of c and q.

        (σ_w² E[φ(h₁)φ(h₂)] + σ_b²)/V(q). At a fixed point q* of the length map, c = 1 is a fixed
        point of it, with slope χ.

        Source: Poole et al. (2016), arXiv:1606.05340, eq. (5).

        >>> MeanField("relu").correlation_map.subs({sigma_b: 0, c: 0})
        1/pi
        """
        return (sigma_w**2 * self.dual + sigma_b**2) / self.length_map

    def slope_integrand(self, k: int = 1) -> PiecewiseFunction:
        """The integrand φ′²ᵏ of μ_k.

        Raises:
            DomainError: k is not a positive integer, or φ jumps, so that φ′² does not exist.
        """
        if not isinstance(k, int) or isinstance(k, bool) or k < 1:
            raise DomainError(f"the moments μ_k of φ′² have k = 1, 2, …, not {k!r}")
        slope = self.phi.distribution(1)
        if slope.deltas:
            raise DomainError(
                f"{self.phi.name} jumps at x = {slope.deltas[0].location}: φ′² does not exist, and "
                "the susceptibility χ is infinite"
            )
        return slope ** (2 * k)

    def mu(self, k: int) -> sp.Expr:
        """μ_k = E[φ′(√q z)²ᵏ], the k-th moment of D².

        Args:
            k: a positive integer.

        Raises:
            DomainError: k is not a positive integer, or φ jumps.

        >>> MeanField("hard_tanh").mu(3)
        erf(sqrt(2)/(2*sqrt(q)))
        """
        return expectation(self.slope_integrand(k), q)

    @cached_property
    def chi(self) -> sp.Expr:
        """χ = σ_w² E[φ′²]: the growth of a small perturbation across one layer.

        Raises:
            DomainError: φ jumps, and χ is infinite.
        """
        return sigma_w**2 * self.mu(1)

    @cached_property
    def chi_parallel(self) -> sp.Expr:
        """χ_∥ = V′(q) = σ_w² E[φ′² + φφ″], Dirac deltas of φ″ counted.

        >>> MeanField("hard_tanh").chi_parallel.subs({sigma_w: 1, q: sp.Rational(1, 2)})
        -2*exp(-1)/sqrt(pi) + erf(1)
        """
        return sigma_w**2 * expectation(self.parallel_integrand, q)

    @property
    def parallel_integrand(self) -> PiecewiseFunction:
        """The function whose Gaussian mean is V′(q)/σ_w²: φ′² + φφ″ where φ does not jump."""
        phi, slope = self.phi.function, self.phi.distribution(1)
        if slope.deltas:
            # φ jumps: φ′² and φφ″ do not exist alone, but the heat equation gives V′ = ½E[(φ²)″].
            return (phi**2).derivative().derivative().scaled(sp.Rational(1, 2))
        return slope**2 + phi * self.phi.distribution(2)

    def critical_line(self) -> tuple[sp.Expr, sp.Expr]:
        """The line χ = 1, parametrised by q: (σ_w²(q), σ_b²(q)).

        It is part of the (σ_w, σ_b) plane where the second value is not negative.

        Returns:
            σ_w² = 1/E[φ′²] and σ_b² = q − σ_w² E[φ²].

        Raises:
            DomainError: φ jumps, and χ is infinite.

        >>> MeanField("relu").critical_line()
        (2, 0)
        """
        weight = 1 / self.mu(1)
        bias = q - weight * self.second_moment
        return weight, min(sp.expand(bias), bias, key=sp.count_ops)

    def fixed_points(
        self, sigma_w: float, sigma_b: float, parameters: Parameters | None = None
    ) -> tuple[FixedPoint, ...]:
        """Every fixed point q* of the length map, ascending, with its stability.

        Args:
            sigma_w: σ_w > 0.
            sigma_b: σ_b ≥ 0.
            parameters: values of the activation's parameters, by symbol or name; the library's
                defaults are taken for those left out.

        Returns:
            Fixed points at q = 0 and in [1e-12, 1e12]; empty if there is none (V(q) > q
            throughout, so that lengths grow without bound).

        Raises:
            DomainError: a value is outside its range, or every q is a fixed point.

        >>> [(round(f.q, 6), f.stable) for f in MeanField("tanh").fixed_points(1.5, 0)]
        [(0.0, False), (0.793354, True)]
        """
        return find_fixed_points(
            self.phi,
            (self.phi.function**2, self.second_moment),
            self.parallel_integrand,
            (sigma_w, sigma_b),
            parameters or {},
        )

    def depth_scales(
        self,
        sigma_w: Number,
        sigma_b: Number,
        q: Number | None = None,
        parameters: Parameters | None = None,
    ) -> DepthScales:
        """Over how many layers lengths and angles settle: ξ_q and ξ_c, numerically.

        Args:
            sigma_w: σ_w > 0.
            sigma_b: σ_b ≥ 0.
            q: the attracting fixed point that is meant, where there are several.
            parameters: as for `fixed_points`.

        Returns:
            The fixed points q* and c* with their depth scales ξ_q = −1/log|V′(q*)| and
            ξ_c = −1/log σ_w² E[φ′(h₁)φ′(h₂)]; ∞ where a slope is 1, as on the critical line.

        Raises:
            DomainError: a value is outside its range, φ jumps, no length attracts, or several do
                and q does not say which.
            NotConvergedError: c* is too near 1 to be told from it.

        Source: Schoenholz et al. (2017), arXiv:1611.01232, eqs. (7)–(9).

        >>> scales = MeanField("erf").depth_scales(1.6, 0.2)
        >>> round(scales.c, 6), round(scales.xi_q, 6), round(scales.xi_c, 6)
        (0.219388, 0.922084, 7.555326)
        >>> MeanField("relu").depth_scales(2**0.5, 0).xi_c
        inf
        """
        return find_depth_scales(self, (sigma_w, sigma_b), q, parameters or {})

    def series(self, quantity: str, at: object = 0, terms: int = 4) -> AsymptoticSeries:
        """The series of a quantity at small or at large q, with exact coefficients.

        Args:
            quantity: "mean", "second_moment", "length_map", "chi", "chi_parallel", or "mu_1",
                "mu_2", … for the moments of φ′².
            at: 0 or `sympy.oo`.
            terms: number of non-zero terms of the mean; σ_b² comes besides.

        Returns:
            The series. What is smaller than every power of q is not part of it: kinks away from 0
            contribute such terms at q → 0, and waves at q → ∞.

        Raises:
            DomainError: no such quantity, place or number of terms; φ jumps, so that the quantity
                does not exist; or a parameter's sign decides and is not declared.
            NoClosedForm: φ is singular at 0, or its growth at infinity is not that of a polynomial
                up to exponentially small terms.

        >>> print(MeanField("tanh").series("length_map", terms=2))
        sigma_b**2 + q*sigma_w**2 - 2*q**2*sigma_w**2 + O(q**3)
        >>> print(MeanField("gelu").series("chi", sp.oo, 2))
        sigma_w**2/2 + sqrt(2)*sigma_w**2/(8*pi*sqrt(q)) + O(q**(-3/2))
        """
        series = mean_series(self._integrand(quantity), at, terms)
        if quantity in ("length_map", "chi", "chi_parallel"):
            series = series.scaled(sigma_w**2)
        return series.plus(sigma_b**2) if quantity == "length_map" else series

    def _integrand(self, quantity: str) -> PiecewiseFunction:
        """The function whose Gaussian mean is a quantity, without σ_w and σ_b."""
        if quantity == "mean":
            return self.phi.function
        if quantity in ("second_moment", "length_map"):
            return self.phi.function**2
        if quantity == "chi":
            return self.slope_integrand()
        if quantity == "chi_parallel":
            return self.parallel_integrand
        prefix, _, index = str(quantity).partition("_")
        if prefix == "mu" and index.isascii() and index.isdigit():
            return self.slope_integrand(int(index))
        raise DomainError(
            f"no series of {quantity!r}; there are mean, second_moment, length_map, chi, "
            "chi_parallel, mu_1, mu_2, …"
        )

    def critical_points(
        self, parameters: Parameters | None = None, digits: int = 20
    ) -> tuple[CriticalPoint, ...]:
        """Every point (q*, σ_w, σ_b) with χ = χ_∥ = 1 and V(q*) = q*.

        There, neither differences of direction nor of length grow or shrink exponentially with
        depth. The condition is E[φφ″] = 0, Dirac deltas counted, and σ_b² ≥ 0.

        Args:
            parameters: values of the activation's parameters, by symbol or name. Those left out
                stay symbols where that decides; otherwise they take the library's defaults.
            digits: digits of values that are not exact.

        Returns:
            A line (every q), or the limit q → 0 and isolated points, q ascending; empty if there
            is none. Isolated points are exact where E[φφ″] is algebraic; otherwise they are
            changes of sign within [1e-12, 1e12], checked by quadrature on either side.

        Raises:
            DomainError: φ jumps, or a parameter is needed and has no value.

        Source: Roberts, Yaida & Hanin (2022), The Principles of Deep Learning Theory,
            arXiv:2106.10165, chapter 5.

        >>> [point.q for point in MeanField("gelu").critical_points()]
        [0, 3/2 + sqrt(17)/2]
        >>> MeanField("softplus").critical_points()
        ()
        """
        return find_critical_points(self.phi, parameters, digits)

    def universality(self, parameters: Parameters | None = None, digits: int = 20) -> Universality:
        """The universality class of φ, with the powers of depth at its critical point.

        Args:
            parameters: as for `critical_points`.
            digits: digits of values that are not exact.

        Returns:
            "scale-invariant", "K*=0" (the limit q → 0, if it attracts), "half-stable" (the first
            isolated point) or "none"; with exponents derived from the series of V and χ.

        Raises:
            DomainError: as for `critical_points`.

        Source: Roberts, Yaida & Hanin (2022), The Principles of Deep Learning Theory,
            arXiv:2106.10165, sections 5.2–5.3.

        >>> print(MeanField("sin").universality().name)
        K*=0
        >>> MeanField("gelu").universality().p_perp
        -8*sqrt(17) - 32
        """
        return classify(self.phi, parameters, digits)
