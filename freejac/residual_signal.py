"""The effective cumulant of residual networks, and their moments at finite depth, over arrays.

>>> effective_cumulant("relu", 10, 2.0, 0.0, 1.0).item()     # σ_w²/2
2.0
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from freejac.phase_grid import bound_kernels, without_length

__all__ = ["FiniteMoments", "effective_cumulant", "finite_moments"]

Array = NDArray[Any]

_MOST_NUMBERS = 2**20


def effective_cumulant(phi: str, depth: int, sigma_w: Any, sigma_b: Any, q1: Any) -> Array:
    """Follow a signal through residual networks: the mean of c_l = σ_w² E[φ′(√q_l z)²].

    Args:
        phi: an activation, as `freejac.kernels` takes it.
        depth: the number of layers L.
        sigma_w: W_ij has variance σ_w²/(L N).
        sigma_b: standard deviation of the biases.
        q1: variance of the first pre-activation, of an input of mean 0.

    Returns:
        An array of the shape to which the last three broadcast; nan where q1 ≤ σ_b².

    Source: Tarnowski et al. (2019), arXiv:1809.08848, section II.2.
    """
    found = np.empty(np.broadcast(sigma_w, sigma_b, q1).shape)
    flat = found.reshape(-1)
    for some in _networks(phi, depth, sigma_w, sigma_b, q1):
        flat[some.place] = some.effective
    return found


@dataclass(frozen=True)
class FiniteMoments:
    """Moments of J Jᵀ at finite depth.

    Attributes:
        mean: m_1.
        spread: m_2/m_1² − 1.
    """

    mean: Array
    spread: Array


def finite_moments(
    phi: str, depth: int, sigma_w: Any, sigma_b: Any, q1: Any, weights: str
) -> FiniteMoments:
    """The first two moments of J Jᵀ for J = Π (1 + Dˡ Wˡ), each layer with its own q_l.

    With x = c_l/L a layer has m_1 = 1 + x and m_2 = 1 + 4x + (σ_w²/L)² μ_2(q_l), to which Gaussian
    weights add x². Factors multiply S: their m_1 multiply, and their m_2/m_1² − 1 add.

    Args:
        phi: an activation, as `freejac.kernels` takes it.
        depth: the number of layers L.
        sigma_w: W_ij has variance σ_w²/(L N).
        sigma_b: standard deviation of the biases.
        q1: variance of the first pre-activation, of an input of mean 0.
        weights: "gaussian" or "orthogonal".

    Returns:
        Arrays of the shape to which the last three numbers broadcast; nan where q1 ≤ σ_b².

    Source: Tarnowski et al. (2019), arXiv:1809.08848, section II.3, before L → ∞.

    >>> found = finite_moments("relu", 2, 2.0, 0.0, 1.0, "orthogonal")
    >>> found.mean.item(), round(found.spread.item(), 12)        # m_1 = (1 + σ_w²/4)²
    (4.0, 1.5)
    """
    shape = np.broadcast(sigma_w, sigma_b, q1).shape
    mean, spread = np.empty(shape), np.empty(shape)
    means, spreads = mean.reshape(-1), spread.reshape(-1)
    mu_2 = bound_kernels(phi).mu_2
    for some in _networks(phi, depth, sigma_w, sigma_b, q1):
        x = some.cumulants / depth
        share = (some.sigma_w**2 / depth)[:, np.newaxis]
        own = 2 * x + share**2 * mu_2(some.q) - (x**2 if weights == "orthogonal" else 0)
        means[some.place] = np.exp(some.times * np.log1p(x).sum(axis=-1))
        spreads[some.place] = some.times * (own / (1 + x) ** 2).sum(axis=-1)
    return FiniteMoments(mean, spread)


@dataclass(frozen=True)
class _Networks:
    """Some of the networks, layer by layer.

    Attributes:
        place: which they are.
        sigma_w: σ_w of each.
        q: q_l, over networks and layers.
        cumulants: c_l, likewise.
        effective: their mean over the layers.
        times: how often the layers given follow each other.
    """

    place: slice
    sigma_w: Array
    q: Array
    cumulants: Array
    effective: Array
    times: int = 1


def _networks(phi: str, depth: int, sigma_w: Any, sigma_b: Any, q1: Any) -> Iterator[_Networks]:
    """Follow signals through networks, a few at a time."""
    arrays = (np.asarray(value, dtype=float) for value in (sigma_w, sigma_b, q1))
    weight, bias, length = (a.reshape(-1) for a in np.broadcast_arrays(*arrays))
    k = bound_kernels(phi)
    if without_length(phi):  # all layers are equal, however large q_l becomes
        one = np.where(length > bias**2, weight**2 * k.mu_1(1.0), np.nan)
        ones = np.ones((weight.size, 1))
        yield _Networks(slice(None), weight, ones, one[:, np.newaxis], one, depth)
        return
    step = max(1, _MOST_NUMBERS // depth)
    for start in range(0, weight.size, step):
        part = slice(start, start + step)
        signal = k.propagate(depth, weight[part], bias[part], length[part])
        yield _Networks(part, weight[part], signal.q, signal.cumulants, signal.effective_cumulant)
