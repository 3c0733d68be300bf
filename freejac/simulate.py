"""Finite random networks and the singular values of their Jacobians: the independent witness.

Nothing here knows a closed form. A network is drawn, inputs are sent through it, and the singular
values of its input-output Jacobian are computed; the theory has to agree with what comes out, up to
the fluctuations of finite width. The activation and its derivative are plain NumPy functions, as
`freejac.numeric.numpy_function` makes them. Random matrices without a network come from
`freejac.ensemble_samples`, whose functions are found here as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from freejac.ensemble_samples import (
    gaussian_multiples,
    gaussian_orthogonal,
    haar,
    single_layer,
    wishart,
)
from freejac.network_draws import Inputs, Network, Progress, count
from freejac.samples import Sample
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


def feed_forward(
    phi: Function,
    slope: Function,
    *,
    width: int | Sequence[int],
    depth: int,
    sigma_w: float = 1.0,
    sigma_b: float = 0.0,
    q1: float | Sequence[float] = 1.0,
    correlations: Any = None,
    weights: str = "gaussian",
    seed: int = 0,
    draws: int = 1,
    threads: int = 1,
    progress: Progress | None = None,
) -> Sample:
    """Draw feed-forward networks hˡ = Wˡxˡ⁻¹ + bˡ, xˡ = φ(hˡ) and their Jacobians J = Π DˡWˡ.

    Args:
        phi: the activation φ, applied to arrays.
        slope: its derivative φ′, applied to arrays.
        width: number N of units of every layer, 2 or more; or N_0, …, N_L, the input's first.
        depth: number L of layers, 1 or more.
        sigma_w: W_ij has variance σ_w²/N_in, or W = σ_w × Haar orthogonal; positive.
        sigma_b: standard deviation of the biases, 0 or more.
        q1: variance of the first layer's pre-activations, at least σ_b², or one for each input;
            the inputs' scale is chosen to give it. A fixed point of the length map keeps every
            layer there.
        correlations: of the first layer's pre-activations of several inputs: a matrix, or a number
            for every pair, two inputs unless q1 says how many; None for one input.
        weights: "gaussian" or "orthogonal", the latter square.
        seed: seed of the random numbers, 0 or more; the same seed gives the same networks.
        draws: number of independent networks, 1 or more.
        threads: how many draws at a time; the result does not depend on it.
        progress: called with (draws done, draws) before the first draw and after each.

    Returns:
        The measurements, one row a network.

    Raises:
        DomainError: an argument is outside its range, φ or φ′ gives a value that is not finite, or
            the Jacobian leaves the range of double precision.

    Source: Pennington, Schoenholz & Ganguli 2017, "Resurrecting the sigmoid", eqs. (1)-(3); for
        several inputs Poole et al. 2016, arXiv:1606.05340, eq. (5).

    >>> relu, step = lambda h: np.maximum(h, 0.0), lambda h: np.where(h > 0, 1.0, 0.0)
    >>> net = feed_forward(relu, step, width=200, depth=3, sigma_w=2**0.5, draws=5)
    >>> net.eigenvalues.shape, net.q.shape
    ((5, 200), (5, 3))
    >>> bool(abs(net.chi.mean() - 1) < 0.1)  # σ_w² E[φ′²] = 2 × 1/2
    True
    >>> pair = feed_forward(relu, step, width=2000, depth=3, sigma_w=2**0.5, correlations=0)
    >>> bool(abs(pair.correlations[0, 1, 0, 1] - 1 / np.pi) < 0.1)  # the arc-cosine kernel at 0
    True
    """
    network = Network(phi, slope, _widths(width, depth), sigma_w, sigma_b, weights)
    return network.sample(Inputs(q1, correlations), seed, draws, threads, progress)


def residual(
    phi: Function,
    slope: Function,
    *,
    width: int,
    depth: int,
    sigma_w: float = 1.0,
    sigma_b: float = 0.0,
    q1: float | Sequence[float] = 1.0,
    correlations: Any = None,
    skip: float = 1.0,
    weights: str = "gaussian",
    seed: int = 0,
    draws: int = 1,
    threads: int = 1,
    progress: Progress | None = None,
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
        q1: variance of the first layer's pre-activations, at least σ_b², or one for each input.
        correlations: as for `feed_forward`.
        skip: weight a of the skip connection, finite.
        weights: "gaussian" or "orthogonal".
        seed: seed of the random numbers, 0 or more; the same seed gives the same networks.
        draws: number of independent networks, 1 or more.
        threads: how many draws at a time; the result does not depend on it.
        progress: called with (draws done, draws) before the first draw and after each.

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
    widths = _widths(count("width", width, least=2), depth)
    network = Network(phi, slope, widths, sigma_w, sigma_b, weights, skip, divided=True)
    return network.sample(Inputs(q1, correlations), seed, draws, threads, progress)


def _widths(width: int | Sequence[int], depth: int) -> tuple[int, ...]:
    """N_0, …, N_L."""
    layers = count("depth", depth)
    if not isinstance(width, (Sequence, np.ndarray)) or isinstance(width, str):
        return (count("width", width, least=2),) * (layers + 1)
    if len(width) != layers + 1:
        raise DomainError(f"{layers} layers have {layers + 1} widths, the input's first: {width!r}")
    return tuple(count("width", n, least=2) for n in width)
