"""Finite random networks and the singular values of their Jacobians: the independent witness.

Nothing here knows a closed form. A network is drawn, an input is sent through it, and the singular
values of its input-output Jacobian are computed; the theory has to agree with what comes out, up to
the fluctuations of finite width. The activation and its derivative are plain NumPy functions, as
`freejac.numeric.numpy_function` makes them. Random matrices without a network come from
`freejac.ensemble_samples`, whose functions are found here as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite, sqrt
from numbers import Integral, Real

import numpy as np
from numpy.typing import NDArray

from freejac.ensemble_samples import (
    gaussian_multiples,
    gaussian_orthogonal,
    single_layer,
    wishart,
)
from freejac.symbolic.errors import DomainError

__all__ = [
    "Sample",
    "feed_forward",
    "gaussian_multiples",
    "gaussian_orthogonal",
    "haar",
    "residual",
    "single_layer",
    "wishart",
]

Array = NDArray[np.float64]
Function = Callable[[Array], Array]


@dataclass(frozen=True)
class Sample:
    """What was measured in `draws` independent networks.

    Attributes:
        eigenvalues: eigenvalues of JJᵀ (squared singular values of J), ascending in each draw,
            shape (draws, width).
        q: mean square of the pre-activations of each layer, shape (draws, depth).
        chi: σ_w² × mean of φ′(h)² of each layer, shape (draws, depth): the susceptibility χ of a
            feed-forward layer, c_l of a residual one.
        mean: mean of the layer's outputs x, shape (draws, depth).
        second_moment: mean square of the layer's outputs x, shape (draws, depth).
    """

    eigenvalues: Array
    q: Array
    chi: Array
    mean: Array
    second_moment: Array

    def moment(self, k: int) -> tuple[float, float]:
        """Mean over the draws of (1/N) tr (JJᵀ)ᵏ, and its standard error.

        Args:
            k: order of the moment, 1 or more.

        Returns:
            The estimate and its standard error; the error is infinite for a single draw.

        >>> net = feed_forward(lambda h: h, np.ones_like, width=50, depth=1, draws=4)
        >>> estimate, error = net.moment(1)
        >>> abs(estimate - 1) < 5 * error
        True
        """
        each = np.mean(self.eigenvalues ** _count("k", k), axis=1)
        error = np.std(each, ddof=1) / sqrt(each.size) if each.size > 1 else np.inf
        return float(np.mean(each)), float(error)

    def cdf(self, lam: Array) -> Array:
        """Share of the eigenvalues, over all draws, that are at most `lam` (any shape).

        >>> net = feed_forward(lambda h: h, np.ones_like, width=20, depth=1, weights="orthogonal")
        >>> net.cdf(np.array([0.99, 1.01])).tolist()
        [0.0, 1.0]
        """
        ordered = np.sort(self.eigenvalues, axis=None)
        return np.searchsorted(ordered, lam, side="right") / ordered.size


def feed_forward(
    phi: Function,
    slope: Function,
    *,
    width: int,
    depth: int,
    sigma_w: float = 1.0,
    sigma_b: float = 0.0,
    q1: float = 1.0,
    weights: str = "gaussian",
    seed: int = 0,
    draws: int = 1,
) -> Sample:
    """Draw feed-forward networks hˡ = Wˡxˡ⁻¹ + bˡ, xˡ = φ(hˡ) and their Jacobians J = Π DˡWˡ.

    Args:
        phi: the activation φ, applied to arrays.
        slope: its derivative φ′, applied to arrays.
        width: number N of units of every layer, 2 or more.
        depth: number L of layers, 1 or more.
        sigma_w: W_ij has variance σ_w²/N, or W = σ_w × Haar orthogonal; positive.
        sigma_b: standard deviation of the biases, 0 or more.
        q1: variance of the first layer's pre-activations, at least σ_b²; the input's scale is
            chosen to give it. A fixed point of the length map keeps every layer there.
        weights: "gaussian" or "orthogonal".
        seed: seed of the random numbers, 0 or more; the same seed gives the same networks.
        draws: number of independent networks, 1 or more.

    Returns:
        The measurements, one row a network.

    Raises:
        DomainError: an argument is outside its range, φ or φ′ gives a value that is not finite, or
            the Jacobian leaves the range of double precision.

    Source: Pennington, Schoenholz & Ganguli 2017, "Resurrecting the sigmoid", eqs. (1)-(3).

    >>> relu, step = lambda h: np.maximum(h, 0.0), lambda h: np.where(h > 0, 1.0, 0.0)
    >>> net = feed_forward(relu, step, width=200, depth=3, sigma_w=2**0.5, draws=5)
    >>> net.eigenvalues.shape, net.q.shape
    ((5, 200), (5, 3))
    >>> bool(abs(net.chi.mean() - 1) < 0.1)  # σ_w² E[φ′²] = 2 × 1/2
    True
    """
    network = _Network(phi, slope, width, depth, sigma_w, sigma_b, weights)
    return network.sample(q1, seed, draws)


def residual(
    phi: Function,
    slope: Function,
    *,
    width: int,
    depth: int,
    sigma_w: float = 1.0,
    sigma_b: float = 0.0,
    q1: float = 1.0,
    skip: float = 1.0,
    weights: str = "gaussian",
    seed: int = 0,
    draws: int = 1,
) -> Sample:
    """Draw residual networks hˡ = Wˡxˡ⁻¹ + bˡ, xˡ = φ(hˡ) + a xˡ⁻¹; J = Π (a + DˡWˡ).

    The weights carry an explicit 1/L: W_ij has variance σ_w²/(L N).

    Args:
        phi: the activation φ, applied to arrays.
        slope: its derivative φ′, applied to arrays.
        width: number N of units of every layer, 2 or more.
        depth: number L of layers, 1 or more.
        sigma_w: W_ij has variance σ_w²/(L N), or W = σ_w/√L × Haar orthogonal; positive.
        sigma_b: standard deviation of the biases, 0 or more.
        q1: variance of the first layer's pre-activations, at least σ_b².
        skip: weight a of the skip connection, finite.
        weights: "gaussian" or "orthogonal".
        seed: seed of the random numbers, 0 or more; the same seed gives the same networks.
        draws: number of independent networks, 1 or more.

    Returns:
        The measurements, one row a network; the mean of `chi` over the layers estimates the
        effective cumulant.

    Raises:
        DomainError: an argument is outside its range, φ or φ′ gives a value that is not finite, or
            the Jacobian leaves the range of double precision.

    Source: Tarnowski et al. 2019, "Dynamical isometry is achieved in residual networks in a
    universal way for any activation function", section II.

    >>> slope = lambda h: 1 / np.cosh(h) ** 2
    >>> net = residual(np.tanh, slope, width=100, depth=10, q1=0.5, seed=1)
    >>> bool(net.eigenvalues.min() > 0.02), bool(net.eigenvalues.max() < 12)
    (True, True)
    """
    network = _Network(phi, slope, width, depth, sigma_w, sigma_b, weights, skip, divided=True)
    return network.sample(q1, seed, draws)


def haar(width: int, random: np.random.Generator) -> Array:
    """Draw an orthogonal matrix from Haar's measure on O(width).

    The Q of a Gaussian matrix's QR decomposition, with the signs of R's diagonal moved into it:
    without them LAPACK's convention would prefer some rotations (Mezzadri 2007, section 5).

    >>> matrix = haar(5, np.random.default_rng(0))
    >>> bool(np.allclose(matrix @ matrix.T, np.eye(5)))
    True
    """
    q, r = np.linalg.qr(random.standard_normal((width, width)))
    return np.asarray(q * np.where(np.diagonal(r) < 0, -1.0, 1.0))


@dataclass(frozen=True)
class _Network:
    """The recursion that both kinds of networks share.

    A feed-forward network has no skip connection and its weights are not divided among the layers.
    """

    phi: Function
    slope: Function
    width: int
    depth: int
    sigma_w: float
    sigma_b: float
    weights: str
    skip: float = 0.0
    divided: bool = False

    def __post_init__(self) -> None:
        """Refuse what no network can have."""
        if self.weights not in ("gaussian", "orthogonal"):
            raise DomainError(f'weights = {self.weights!r}: give "gaussian" or "orthogonal"')
        if not (_is_real(self.sigma_w) and self.sigma_w > 0):
            raise DomainError(f"sigma_w = {self.sigma_w!r} is not a positive number")
        if not (_is_real(self.sigma_b) and self.sigma_b >= 0):
            raise DomainError(f"sigma_b = {self.sigma_b!r} is negative or not a number")
        if not _is_real(self.skip):
            raise DomainError(f"skip = {self.skip!r} is not a finite number")
        _count("width", self.width, least=2)
        _count("depth", self.depth)

    @property
    def scale(self) -> float:
        """Root of N × the variance of a weight."""
        return self.sigma_w / (sqrt(self.depth) if self.divided else 1.0)

    def sample(self, q1: float, seed: int, draws: int) -> Sample:
        """Draw the networks, each from its own stream of random numbers."""
        if not (_is_real(q1) and q1 > 0 and q1 >= self.sigma_b**2):
            raise DomainError(
                f"q1 = {q1!r}: give a positive number, at least sigma_b**2 = {self.sigma_b**2!r}"
            )
        root = np.random.SeedSequence(_count("seed", seed, least=0))
        streams = root.spawn(_count("draws", draws))
        # What overflows or is not a number is looked for in every layer, and refused by name.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            rows = [self._draw(float(q1), np.random.default_rng(stream)) for stream in streams]
        return Sample(*(np.array(column) for column in zip(*rows, strict=True)))

    def _draw(self, q1: float, random: np.random.Generator) -> tuple[Array, ...]:
        """Send one Gaussian input through one network, and its Jacobian along with it."""
        spread = sqrt(q1 - self.sigma_b**2) / self.scale
        x = spread * random.standard_normal(self.width)
        jacobian = np.eye(self.width)
        layers = np.empty((4, self.depth))
        for layer in range(self.depth):
            w = self._matrix(random)
            h = w @ x + self.sigma_b * random.standard_normal(self.width)
            slope = _apply(self.slope, "the derivative", h)
            x = _apply(self.phi, "the activation", h) + self.skip * x
            jacobian = slope[:, None] * (w @ jacobian) + self.skip * jacobian
            if not np.isfinite(jacobian).all():
                raise DomainError(
                    f"the Jacobian overflows at layer {layer + 1}: lower depth or sigma_w"
                )
            layers[:, layer] = (
                np.mean(h**2),
                self.sigma_w**2 * np.mean(slope**2),
                np.mean(x),
                np.mean(x**2),
            )
        singular = np.linalg.svd(jacobian, compute_uv=False)
        return np.sort(singular**2), *layers

    def _matrix(self, random: np.random.Generator) -> Array:
        if self.weights == "orthogonal":
            return self.scale * haar(self.width, random)
        return self.scale / sqrt(self.width) * random.standard_normal((self.width, self.width))


def _apply(function: Function, what: str, h: Array) -> Array:
    """Value of the caller's function, checked: one finite real number for each unit."""
    value = np.asarray(function(h), dtype=np.float64)
    if value.shape != h.shape or not np.isfinite(value).all():
        raise DomainError(
            f"{what} gave an array of shape {value.shape} or values that are not finite"
            f" for {h.size} finite inputs"
        )
    return value


def _is_real(value: object) -> bool:
    return isinstance(value, Real) and isfinite(value)


def _count(name: str, value: int, least: int = 1) -> int:
    if not isinstance(value, Integral) or value < least:
        raise DomainError(f"{name} = {value!r} is not an integer of at least {least}")
    return int(value)
