"""What the theory says of one network in numbers: variances layer by layer, χ, and the law of JᵀJ.

>>> theory = feed_forward_theory("relu", depth=2, sigma_w=2**0.5)
>>> [round(chi, 12) for chi in theory.chi], [round(theory.law().moment(k), 6) for k in (1, 2)]
([1.0, 1.0], [1.0, 5.0])
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from freejac.network_spectra import (
    finite_residual_spectrum,
    jacobian_spectrum,
    residual_spectrum,
)
from freejac.networks import FiniteResNet, Jacobian, ResNet
from freejac.numeric import numpy_function
from freejac.numeric_law import NumericLaw
from freejac.samples import Sample
from freejac.simulate import feed_forward, residual
from freejac.symbolic.activation import Activation, activation
from freejac.symbolic.derivative_law import AtomicLaw, derivative_law
from freejac.symbolic.domain import Number, layer_count
from freejac.symbolic.errors import DomainError
from freejac.symbolic.fixed_points import bind_parameters, scales
from freejac.symbolic.layers import Layer
from freejac.symbolic.mean_field import MeanField
from freejac.symbolic.symbols import q as variance_symbol

__all__ = ["NetworkTheory", "feed_forward_theory", "residual_theory"]

Array = NDArray[np.float64]
_DIGITS = 20
_SAME = 1e-10


@dataclass(frozen=True)
class NetworkTheory:
    """One kind of network, and what the theory says of it.

    Attributes:
        phi: the activation.
        weights: "gaussian" or "orthogonal".
        depth: the number of layers.
        sigma_w, sigma_b: the scales.
        q: variance of the pre-activations of each layer.
        chi: σ_w² E[φ′²] of each layer: χ, or c_l of a residual network.
        skip: the skip weight of a residual network, 0 for a feed-forward one.
        finite: whether the law of a residual network is that of its depth, or the universal limit.
        spread: whether the law of D² depends on q.
    """

    phi: Activation
    weights: str
    depth: int
    sigma_w: float
    sigma_b: float
    q: tuple[float, ...]
    chi: tuple[float, ...]
    skip: float = 0.0
    finite: bool = False
    spread: bool = True

    @property
    def cumulant(self) -> float:
        """The mean of c_l over the layers."""
        return sum(self.chi) / len(self.chi)

    @cached_property
    def jacobian(self) -> Jacobian:
        """The Jacobian of a feed-forward network; layers of equal variance stand together."""
        first = self.q[0]
        if not self.spread or all(abs(q / first - 1) < _SAME for q in self.q):
            return Jacobian(self.phi, self.weights, depth=self.depth)
        layers = [
            Layer(self.phi, weights=self.weights, q=sp.Rational(repr(value)), count=len(list(run)))
            for value, run in groupby(self.q)
        ]
        return Jacobian(layers=layers)

    @cached_property
    def residual_network(self) -> ResNet:
        """The residual network."""
        return ResNet(self.phi, sp.Rational(repr(self.skip)))

    @cached_property
    def _finite(self) -> FiniteResNet:
        network = self.residual_network.finite(self.depth, self.weights)
        assert isinstance(network, FiniteResNet)
        return network

    @property
    def _single_q(self) -> float | None:
        return self.q[0] if self.spread else None

    @property
    def _each_q(self) -> list[float] | None:
        return list(self.q) if self.spread else None

    def law(self) -> NumericLaw:
        """The law of the eigenvalues.

        Raises:
            Error: as `freejac.network_spectra`'s functions.
        """
        if not self.skip:
            return jacobian_spectrum(self.jacobian, sigma_w=self.sigma_w, q=self._single_q)
        if not self.finite:
            return residual_spectrum(self.residual_network, self.cumulant, self.depth)
        return finite_residual_spectrum(self._finite, q=self._each_q, sigma_w=self.sigma_w)

    def density(self, lam: Array) -> Array:
        """ρ of the continuous part, at an array of λ inside the support."""
        if not self.skip:
            found = self.jacobian.density(lam, sigma_w=self.sigma_w, q=self._single_q, digits=9)
        elif not self.finite:
            found = self.residual_network.density(lam, cumulant=self.cumulant, depth=self.depth)
        else:
            found = self._finite.density(lam, q=self._each_q, sigma_w=self.sigma_w, digits=9)
        return np.asarray(found, dtype=np.float64)

    def sample(
        self,
        *,
        width: int,
        draws: int = 1,
        seed: int = 0,
        threads: int = 1,
        correlations: Any = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Sample:
        """Draw such networks; arguments as for `freejac.simulate.feed_forward`."""
        given: dict[str, Any] = {
            "width": width,
            "depth": self.depth,
            "sigma_w": self.sigma_w,
            "sigma_b": self.sigma_b,
            "q1": self.q[0],
            "weights": self.weights,
            "draws": draws,
            "seed": seed,
            "threads": threads,
            "correlations": correlations,
            "progress": progress,
        }
        functions = numpy_function(self.phi), numpy_function(self.phi, 1)
        if self.skip:
            return residual(*functions, skip=self.skip, **given)
        return feed_forward(*functions, **given)


def feed_forward_theory(
    phi: str | sp.Expr | Activation,
    *,
    depth: int,
    sigma_w: Number,
    sigma_b: Number = 0,
    weights: str = "gaussian",
    q: Number | None = None,
) -> NetworkTheory:
    """Put a feed-forward network into numbers.

    Args:
        phi: the activation.
        depth: the number of layers, 1 or more.
        sigma_w: positive.
        sigma_b: 0 or more.
        weights: "gaussian" or "orthogonal".
        q: variance of the first pre-activations; the length map gives the others. Left out, every
            layer is at the stable fixed point.

    Raises:
        DomainError: a number is out of range; there is no stable fixed point at a positive q, or
            several, and q is not given.

    >>> theory = feed_forward_theory("tanh", depth=3, sigma_w=1.5, q=2)
    >>> [round(value, 4) for value in theory.q]               # on the way to 0.7934
    [2.0, 1.1699, 0.9516]
    """
    resolved = activation(phi)
    field = MeanField(resolved)
    layers = layer_count(depth)
    w, b = (float(v) for v in scales(sigma_w, sigma_b))
    law = derivative_law(resolved)
    spread = not (isinstance(law, AtomicLaw) and not _has_q(law))
    numbers = bind_parameters(resolved, {})
    first = float(q) if q is not None else _settled(field, w, b, spread)
    if not first > 0 or first < b * b:
        raise DomainError(f"q must be positive and at least sigma_b**2, not {q}")
    second, slope = (e.subs(numbers) for e in (field.second_moment, field.mu(1)))
    variances = [first]
    for _ in range(layers - 1):
        last = variances[-1]
        moved = w * w * _at(second, last) + b * b
        variances.append(last if abs(moved / last - 1) < _SAME else moved)
    known = {value: w * w * _at(slope, value) for value in dict.fromkeys(variances)}
    chi = tuple(known[value] for value in variances)
    return NetworkTheory(resolved, weights, layers, w, b, tuple(variances), chi, spread=spread)


def residual_theory(
    phi: str | sp.Expr | Activation,
    *,
    depth: int,
    sigma_w: Number,
    sigma_b: Number = 0,
    weights: str = "gaussian",
    q: Number | None = None,
    skip: Number = 1,
    finite: bool = False,
) -> NetworkTheory:
    """Put a residual network into numbers.

    Args:
        phi: the activation.
        depth: the number of layers, 1 or more.
        sigma_w: positive; the weights carry an explicit 1/√L.
        sigma_b: 0 or more.
        weights: "gaussian" or "orthogonal".
        q: variance of the first pre-activations; 1 + σ_b² if left out.
        skip: the skip weight.
        finite: take the exact law at this depth rather than the limit.

    Raises:
        DomainError: a number is out of range.

    >>> round(residual_theory("relu", depth=10, sigma_w=1).cumulant, 12)
    0.5
    """
    network = ResNet(phi, skip)
    resolved = activation(phi)
    w, b = (float(v) for v in scales(sigma_w, sigma_b))
    first = 1 + b * b if q is None else float(q)
    signal = network.propagate(depth, w, b, first)
    law = derivative_law(resolved)
    return NetworkTheory(
        resolved,
        weights,
        layer_count(depth),
        w,
        b,
        signal.q,
        signal.cumulants,
        float(network.skip),
        finite,
        not (isinstance(law, AtomicLaw) and not _has_q(law)),
    )


def _has_q(law: AtomicLaw) -> bool:
    return any(entry.has(variance_symbol) for pair in law.atoms() for entry in pair)


def _at(expr: sp.Expr, variance: float) -> float:
    return float(expr.subs(variance_symbol, sp.Float(variance, _DIGITS)).evalf(_DIGITS))


def _settled(field: MeanField, sigma_w: float, sigma_b: float, spread: bool) -> float:
    """The stable fixed point, or any variance where the law does not depend on it."""
    otherwise = max(1.0, 2 * sigma_b**2)
    try:
        found: Sequence[Any] = field.fixed_points(sigma_w, sigma_b)
    except DomainError:
        if spread:
            raise
        return otherwise
    stable = [point.q for point in found if point.stable and point.q > 0]
    if len(stable) == 1:
        return stable[0]
    if not spread:
        return otherwise
    if len(stable) > 1:
        places = ", ".join(f"{value:.6g}" for value in stable)
        raise DomainError(f"several lengths are stable, q = {places}: say which by q")
    why = "signals die out, q* = 0" if found else "lengths grow without bound"
    raise DomainError(f"{why}: give the variance q of the first layer's pre-activations")
