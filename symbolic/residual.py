"""The input-output Jacobian of a residual network: J = Π (1 + Dˡ Wˡ), W of variance σ_w²/(L N).

The derivation is kept in order, each step a function or a property: the generalised
Schwinger–Dyson equation of one layer, its Green's function, its S-transform, the leading order in
1/L, the product of L layers, and from it M⁻¹, the moments, the Green's equation and the edges. In
the limit L → ∞ all of it depends on one number, the effective cumulant c = (1/L) Σ c_l with
c_l = σ_w² E[φ′(√q_l z)²].

Source: Tarnowski, Warchoł, Jastrzębski, Tabor and Nowak, "Dynamical isometry is achieved in
residual networks in a universal way for any activation function" (2019), section II.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property, lru_cache
from typing import Any

import sympy as sp
from mpmath import mp

from freejac.symbolic.activation import Activation, activation
from freejac.symbolic.domain import Number, finite
from freejac.symbolic.errors import DomainError, InternalError, NotConvergedError
from freejac.symbolic.fixed_points import Parameters
from freejac.symbolic.mean_field import MeanField
from freejac.symbolic.propagation import Propagation, propagate
from freejac.symbolic.series import Series, from_expr, lagrange_moments
from freejac.symbolic.symbols import cumulant, parameter, sigma_w, z
from freejac.symbolic.transforms import inverse_mgf

__all__ = [
    "ResNet",
    "layer_variance",
    "one_layer_green_equation",
    "one_layer_s_transform",
    "one_layer_series",
    "residual_density",
    "stieltjes_symbol",
]

layer_variance = parameter("s", positive=True)
"""Variance s = c_l/L of the circular matrix D W of one layer."""
stieltjes_symbol = sp.Symbol("G")
"""The unknown G(z) of the Green's equations."""


@lru_cache(maxsize=1)
def one_layer_green_equation() -> sp.Eq:
    """Derive the equation for G of (1+X)(1+X)ᵀ, X circular of variance s.

    The linearisation [[z, −1], [−1, 1]] has 2×2 generalised Green's function 𝒢 with
    𝒢⁻¹ = [[z, −1], [−1, 1]] − s·diag(𝒢₂₂, 𝒢₁₁); G = 𝒢₁₁, and 𝒢₂₂ is eliminated.

    Source: Tarnowski et al., the generalised Schwinger–Dyson equation of section II.1.

    >>> one_layer_green_equation()
    Eq(G, (-G*s + 1)/(z*(G*s - 1)**2 - 1))
    """
    s, green, other = layer_variance, stieltjes_symbol, sp.Dummy("other")
    upper, lower, skip = z - s * other, 1 - s * green, sp.Integer(-1)
    determinant = upper * lower - skip**2
    # 𝒢₁₁ = lower/determinant and 𝒢₂₂ = upper/determinant: their ratio is linear in 𝒢₂₂
    ratio = sp.Poly(sp.expand(green * upper - other * lower), other)
    eliminated = sp.cancel(-ratio.nth(0) / ratio.nth(1))
    product = sp.factor((upper * lower).subs(other, eliminated))
    return sp.Eq(green, lower / (product + (determinant - upper * lower)))


@lru_cache(maxsize=1)
def one_layer_s_transform() -> sp.Expr:
    """Derive S of (1+X)(1+X)ᵀ, exact in the variance s of X.

    With m = M(ζ), G = (1+m)/ζ and ζ = (1+m)/(m S(m)), so G = m S: the Green's equation becomes
    one for S. Of its two roots the one that tends to 1 as s → 0 is taken.

    >>> from_expr(one_layer_s_transform(), layer_variance, 2).coefficients
    (1, -2*z - 1)
    """
    unknown = sp.Dummy("S")
    equation = one_layer_green_equation()
    replaced = (equation.lhs - equation.rhs).subs(z, (1 + z) / (z * unknown), simultaneous=True)
    replaced = replaced.subs(stieltjes_symbol, z * unknown)
    numerator = sp.fraction(sp.cancel(sp.together(replaced)))[0]
    factors = [f for f, _ in sp.factor_list(numerator)[1] if f.has(layer_variance)]
    square, slope, rest = sp.Poly(sp.Mul(*factors), unknown).all_coeffs()
    root = sp.sqrt(sp.factor(slope**2 - 4 * square * rest))
    for sign in (1, -1):
        candidate = (sign * root - slope) / (2 * square)
        start = from_expr(candidate, layer_variance, 1)
        if start.valuation == 0 and start.leading == 1:
            return sp.factor(candidate)
    raise InternalError("no root of the one-layer equation tends to 1 without weights")


@lru_cache(maxsize=4)
def one_layer_series(terms: int = 2) -> Series:
    """Expand log S of one layer in s: the orders in 1/L.

    >>> one_layer_series().coefficient(1)
    -2*z - 1
    """
    return from_expr(one_layer_s_transform(), layer_variance, terms).log()


class ResNet:
    """The Jacobian of a wide and deep residual network, skip weight 1.

    Attributes:
        phi: the activation, or None for the universal law alone.

    >>> R = ResNet()
    >>> R.s_transform, R.moment(1), R.moment(2)
    (exp(-cumulant*(2*z + 1)), exp(cumulant), (2*cumulant + 1)*exp(2*cumulant))
    >>> ResNet("relu").cumulant
    sigma_w**2/2
    """

    def __init__(self, phi: str | sp.Expr | Activation | None = None) -> None:
        """Take an activation, anything `freejac.activation` takes, or nothing."""
        self.phi = None if phi is None else activation(phi)

    def __repr__(self) -> str:
        return f"ResNet({self.phi.name!r})" if self.phi else "ResNet()"

    @cached_property
    def mean_field(self) -> MeanField:
        """The Gaussian expectations of the activation.

        Raises:
            DomainError: the network was made without an activation.
        """
        if self.phi is None:
            raise DomainError("give an activation: ResNet('tanh') rather than ResNet()")
        return MeanField(self.phi)

    @cached_property
    def cumulant(self) -> sp.Expr:
        """c_l = σ_w² E[φ′(√q z)²] of a layer of variance q; the symbol when φ is not given.

        >>> ResNet("hard_tanh").cumulant
        sigma_w**2*erf(sqrt(2)/(2*sqrt(q)))
        """
        return cumulant if self.phi is None else sigma_w**2 * self.mean_field.mu(1)

    @cached_property
    def s_transform(self) -> sp.Expr:
        """S(z) = exp(−c(1+2z)): log S_l(c_l/L) summed over the layers, to leading order in 1/L.

        The terms beyond the first are O(1/L²) each and add up to O(1/L).
        """
        series = one_layer_series()
        if series.coefficient(0) != 0:
            raise InternalError("S of one layer is not 1 without weights")
        return sp.exp(sp.factor(cumulant * series.coefficient(1)))

    @cached_property
    def inverse_mgf(self) -> sp.Expr:
        """M⁻¹(z) = (1+z)/(z S(z)).

        >>> ResNet().inverse_mgf
        (z + 1)*exp(cumulant*(2*z + 1))/z
        """
        return inverse_mgf(self.s_transform)

    @cached_property
    def green_equation(self) -> sp.Eq:
        """The equation G = (zG − 1) exp(c(1 − 2zG)) that the Green's function solves.

        From G = m S(m) with m = zG − 1.

        >>> ResNet().green_equation
        Eq(G, (G*z - 1)*exp(cumulant*(-2*G*z + 1)))
        """
        m = z * stieltjes_symbol - 1
        exponent = sp.expand(self.s_transform.subs(z, m).exp / cumulant)
        return sp.Eq(stieltjes_symbol, m * sp.exp(cumulant * exponent))

    def moment(self, k: int) -> sp.Expr:
        """m_k of the eigenvalues of J Jᵀ, by Lagrange inversion.

        Args:
            k: 0, 1, 2, …

        Raises:
            DomainError: k is negative or not an integer.

        >>> ResNet().moment(3)
        (6*cumulant**2 + 6*cumulant + 1)*exp(3*cumulant)
        """
        return lagrange_moments(self.s_transform, k)

    @property
    def variance(self) -> sp.Expr:
        """m_2 − m_1².

        >>> ResNet().variance
        2*cumulant*exp(2*cumulant)
        """
        return sp.factor(self.moment(2) - self.moment(1) ** 2)

    def edges(self) -> tuple[sp.Expr, sp.Expr]:
        """Find the ends of the spectrum of J Jᵀ: (lower, upper), where dλ/dm = 0.

        >>> lower, upper = ResNet().edges()
        >>> upper
        (sqrt(cumulant)*sqrt(cumulant + 2) + cumulant + 1)*exp(sqrt(cumulant)*sqrt(cumulant + 2))
        """
        (low, low_exponent), (high, high_exponent) = self._edge_parts
        return low * sp.exp(low_exponent), high * sp.exp(high_exponent)

    @cached_property
    def condition_number(self) -> sp.Expr:
        """The ratio of the largest to the smallest singular value of J: √(λ₊/λ₋).

        Source: Tarnowski et al., the last formula of section II.1.

        >>> ResNet().condition_number
        (sqrt(cumulant)*sqrt(cumulant + 2) + cumulant + 1)*exp(sqrt(cumulant)*sqrt(cumulant + 2))
        """
        (low, low_exponent), (high, high_exponent) = self._edge_parts
        return sp.sqrt(high / low) * sp.exp((high_exponent - low_exponent) / 2)

    @cached_property
    def _edge_parts(self) -> tuple[tuple[sp.Expr, sp.Expr], ...]:
        """(λ without its exponential, the exponent) at the lower and at the upper edge.

        The edges are inverse to each other in both parts; the lower one is written as an
        inverse, which loses no digits to cancellation at small c.
        """
        slope = 1 / (1 + z) - 1 / z - sp.diff(self.s_transform.exp, z)
        condition = sp.Poly(sp.fraction(sp.cancel(slope))[0], z)
        square, linear, rest = condition.all_coeffs()
        half, product = sp.cancel(-linear / (2 * square)), sp.cancel(rest / square)
        root = sp.sqrt(sp.factor(half**2 - product))
        (low, fall), (high, rise) = (
            (sp.expand(sp.radsimp((1 + m) / m)), sp.expand(-self.s_transform.exp.subs(z, m)))
            for m in (half - root, half + root)
        )
        if sp.expand(low * high) != 1 or sp.expand(fall + rise) != 0:
            raise InternalError("the edges of the residual spectrum are not inverse to each other")
        return (1 / high, fall), (high, rise)

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
            DomainError: an argument is out of range, or there is no activation.

        >>> ResNet("linear").propagate(4, sigma_w=1, sigma_b=0, q1=1).q[-1]     # (1 + 1/4)³
        1.953125
        """
        return propagate(
            self.mean_field, depth, sigma_w, sigma_b, q1, mean=mean, parameters=parameters or {}
        )

    def density(
        self, lam: Number | Iterable[Number], *, cumulant: Number, digits: int = 15
    ) -> float | list[float]:
        """Evaluate the density of the eigenvalues of J Jᵀ.

        Args:
            lam: an eigenvalue, or a sequence of them; 0 outside the edges.
            cumulant: the effective cumulant c, positive.
            digits: correct digits aimed at.

        Raises:
            DomainError: a number is not finite, or c is not positive.

        >>> round(ResNet().density(1, cumulant=0.5), 12)       # t/π with t·tan(t/2) = 1/2
        0.305637611171
        """
        if isinstance(lam, Iterable):
            return [float(residual_density(value, cumulant, digits)) for value in lam]
        return float(residual_density(lam, cumulant, digits))


def residual_density(lam: Number, cumulant: Number, digits: int = 15) -> Any:
    """Evaluate the universal density ρ(λ) of residual networks.

    Put m = −1/2 + w with w = s + i t, t > 0 (the complex conjugate of the physical sheet):
        log λ = log((w + 1/2)/(w − 1/2)) + 2cw.
    Its imaginary part vanishes where the segment [−1/2, 1/2] is seen from w under the angle 2ct:
    by the inscribed angle s² = 1/4 + t·cot(2ct) − t² = (1/2 − t·tan(ct))(1/2 + t·cot(ct)), a curve
    from the edges at t = 0 to its top at t·tan(ct) = 1/2. There
        log λ = artanh(s/(1/2 + t·cot(2ct))) + 2cs,
    odd in s and falling with t for s > 0. So each λ has one t, bracketed, no branch is to be
    chosen, and ρ = −Im G/π = t/(πλ). The law is symmetric under λ → 1/λ.

    Args:
        lam: the eigenvalue.
        cumulant: c > 0.
        digits: correct digits, relative.

    Returns:
        ρ(λ) as an mpmath number; 0 outside the support.

    Raises:
        DomainError: a number is not finite, or c is not positive.

    Source: the Green's equation of Tarnowski et al.; the parametrisation is derived here.

    >>> mp.nstr(residual_density(sp.Rational(1, 2), 1, 30) * sp.Rational(1, 4), 10) \
    == mp.nstr(residual_density(2, 1, 30), 10)
    True
    """
    with mp.workdps(digits + 15):
        value, c = (finite(name, x) for name, x in (("lambda", lam), ("cumulant", cumulant)))
        if c <= 0:
            raise DomainError(f"the cumulant must be positive, not {cumulant}")
        if value <= 0:
            return mp.zero
        target = abs(mp.log(value))
        reach = mp.sqrt(c * (c + 2))
        if target >= mp.log1p(c + reach) + reach:
            return mp.zero
        top = _top(c, mp.prec)
        # t = top·cos(α) makes log λ a smooth function at the top of the curve, α = 0
        if target == 0:
            return top / mp.pi
        angle = _root(lambda a: _log_eigenvalue(top * mp.cos(a), c) - target, mp.zero, mp.pi / 2)
        return top * mp.cos(angle) / (mp.pi * value)


@lru_cache(maxsize=64)
def _top(c: Any, prec: int) -> Any:
    """Find the top of the curve, t·tan(ct) = 1/2, at the working precision `prec`."""
    return _root(lambda t: t * mp.sin(c * t) - mp.cos(c * t) / 2, mp.zero, mp.pi / (2 * c))


def _root(func: Callable[[Any], Any], low: Any, high: Any) -> Any:
    """Find the zero in a bracket, superlinearly and without leaving it."""
    try:
        return mp.findroot(func, (low, high), solver="anderson", tol=16 * mp.eps, maxsteps=200)
    except ValueError:
        raise NotConvergedError("the density did not settle in 200 steps; raise digits") from None


def _log_eigenvalue(t: Any, c: Any) -> Any:
    """Evaluate log λ ≥ 0 on the curve at height t, its value at the edge in the limit t → 0."""
    half = mp.mpf(1) / 2
    if t * c < mp.eps:
        s = mp.sqrt(half * (half + 1 / c))
        return mp.atanh(s / (half + half / c)) + 2 * c * s
    squared = (half - t * mp.tan(c * t)) * (half + t * mp.cot(c * t))
    s = mp.sqrt(max(squared, mp.zero))
    return mp.atanh(s / (half + t * mp.cot(2 * c * t))) + 2 * c * s
