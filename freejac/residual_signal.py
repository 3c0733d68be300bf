"""The effective cumulant of residual networks, over arrays of (σ_w, σ_b).

>>> effective_cumulant("relu", 10, 2.0, 0.0, 1.0).item()     # σ_w²/2
2.0
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from freejac.evaluators import Kernels, compile, kernels
from freejac.phase_grid import numbers_for
from freejac.symbolic.activation import activation
from freejac.symbolic.mean_field import MeanField
from freejac.symbolic.symbols import q

__all__ = ["effective_cumulant"]

Array = NDArray[Any]


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
    weight, bias, length = np.broadcast_arrays(
        *(np.asarray(v, float) for v in (sigma_w, sigma_b, q1))
    )
    k, mean = _kernels(phi), _mean(phi)
    centre, total = np.zeros(weight.shape), np.zeros(weight.shape)
    share = weight**2 / depth
    with np.errstate(all="ignore"):
        square = np.where(length > bias**2, (length - bias**2) / share, np.nan)
        for _ in range(depth):
            shift = mean(length)
            total = total + weight**2 * k.mu_1(length)
            square = k.second_moment(length) + 2 * shift * centre + square
            centre = shift + centre
            length = share * square + bias**2
    return total / depth


@lru_cache(maxsize=64)
def _kernels(phi: str) -> Kernels:
    return kernels(phi)


@lru_cache(maxsize=64)
def _mean(phi: str) -> Callable[[Array], Array]:
    shown = activation(phi)
    return compile(numbers_for(shown, MeanField(shown).mean), [q])
