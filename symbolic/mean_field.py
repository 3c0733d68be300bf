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
from freejac.symbolic.errors import DomainError
from freejac.symbolic.expectation import expectation
from freejac.symbolic.fixed_points import FixedPoint, Parameters, find_fixed_points
from freejac.symbolic.piecewise import PiecewiseFunction
from freejac.symbolic.symbols import q, sigma_b, sigma_w

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
        return sigma_w**2 * expectation(self._parallel_integrand, q)

    @property
    def _parallel_integrand(self) -> PiecewiseFunction:
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
            self._parallel_integrand,
            (sigma_w, sigma_b),
            parameters or {},
        )
