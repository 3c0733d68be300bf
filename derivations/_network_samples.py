"""What experiments share: activations on arrays, and measured layers against a theory's values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from freejac.symbolic.check_numbers import check_estimate
from freejac.symbolic.verdict import ChainVerdict, weakest

__all__ = ["FUNCTIONS", "check_layers"]

Array = NDArray[np.float64]
Function = Callable[[Array], Array]

_SELU = (1.0507009873554805, 1.6732632423543773)


def _sigmoid(h: Array) -> Array:
    return np.asarray(0.5 + 0.5 * np.tanh(h / 2))


def _selu(h: Array) -> Array:
    scale, alpha = _SELU
    return np.asarray(scale * np.where(h > 0, h, alpha * np.expm1(np.minimum(h, 0))))


def _selu_slope(h: Array) -> Array:
    scale, alpha = _SELU
    return np.asarray(scale * np.where(h > 0, 1.0, alpha * np.exp(np.minimum(h, 0))))


FUNCTIONS: dict[str, tuple[Function, Function]] = {
    "linear": (lambda h: h, np.ones_like),
    "relu": (lambda h: np.maximum(h, 0.0), lambda h: np.where(h > 0, 1.0, 0.0)),
    "leaky_relu": (lambda h: np.where(h > 0, h, h / 4), lambda h: np.where(h > 0, 1.0, 0.25)),
    "hard_tanh": (lambda h: np.clip(h, -1, 1), lambda h: np.where(np.abs(h) < 1, 1.0, 0.0)),
    "tanh": (np.tanh, lambda h: 1 / np.cosh(h) ** 2),
    "sigmoid": (_sigmoid, lambda h: _sigmoid(h) * (1 - _sigmoid(h))),
    "selu": (_selu, _selu_slope),
}
"""φ and φ′ on arrays, written out from their definitions; leaky ReLU has slope 1/4."""


def check_layers(
    measured: Array, expected: Sequence[Any], claim: str, *, bias: float = 0.0
) -> ChainVerdict:
    """Check the mean over networks of something measured in every layer.

    Args:
        measured: shape (networks, layers).
        expected: the theory's value of each layer.
        claim: what is claimed, for the report.
        bias: what the finite width may add to each layer's value, relative to it.
    """
    errors = np.std(measured, axis=0, ddof=1) / sqrt(len(measured))
    steps = [
        check_estimate(float(mean), float(error) + 1e-12, float(value), bias=abs(bias * value))
        for mean, error, value in zip(measured.mean(axis=0), errors, expected, strict=True)
    ]
    return weakest(claim, tuple(steps), "layer")
