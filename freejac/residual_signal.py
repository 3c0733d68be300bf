"""The effective cumulant of residual networks, over arrays of (σ_w, σ_b).

>>> effective_cumulant("relu", 10, 2.0, 0.0, 1.0).item()     # σ_w²/2
2.0
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from freejac.phase_grid import bound_kernels

__all__ = ["effective_cumulant"]

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
    arrays = (np.asarray(value, dtype=float) for value in (sigma_w, sigma_b, q1))
    weight, bias, length = np.broadcast_arrays(*arrays)
    found = np.empty(weight.shape)
    # The solver gives every layer; of long networks a few at a time are kept.
    step = max(1, _MOST_NUMBERS // depth)
    flat = found.reshape(-1)
    for start in range(0, flat.size, step):
        part = slice(start, start + step)
        given = (weight.flat[part], bias.flat[part], length.flat[part])
        flat[part] = bound_kernels(phi).propagate(depth, *given).effective_cumulant
    return found
