"""What is measured in random networks: eigenvalues of the Jacobian, lengths and angles by layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from freejac.symbolic.errors import DomainError

__all__ = ["Sample", "gathered"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Sample:
    """What was measured in `draws` independent networks; the Jacobian is that at the first input.

    Attributes:
        eigenvalues: eigenvalues of JᵀJ (squared singular values of J, and zeros where the output
            is narrower than the input), ascending in each draw, shape (draws, input width).
        overlap: hᵃ·hᵇ/N of the pre-activations of inputs a and b, shape
            (draws, depth, inputs, inputs).
        slope_overlap: σ_w² × mean of φ′(hᵃ)φ′(hᵇ), of the same shape.
        mean: mean of the layer's outputs x for the first input, shape (draws, depth).
        second_moment: mean square of the layer's outputs x for the first input, shape
            (draws, depth).
    """

    eigenvalues: Array
    overlap: Array
    slope_overlap: Array
    mean: Array
    second_moment: Array

    @property
    def q(self) -> Array:
        """Mean square of the pre-activations for the first input, shape (draws, depth)."""
        return self.overlap[:, :, 0, 0]

    @property
    def chi(self) -> Array:
        """σ_w² × mean of φ′(h)² for the first input, shape (draws, depth).

        The susceptibility χ of a feed-forward layer, c_l of a residual one.
        """
        return self.slope_overlap[:, :, 0, 0]

    @property
    def lengths(self) -> Array:
        """Mean square of the pre-activations for every input, shape (draws, depth, inputs)."""
        return np.diagonal(self.overlap, axis1=2, axis2=3)

    @property
    def correlations(self) -> Array:
        """c_ab = hᵃ·hᵇ/(|hᵃ||hᵇ|) of every pair, shape (draws, depth, inputs, inputs).

        NaN where a layer is silent.

        >>> from freejac.simulate import feed_forward
        >>> net = feed_forward(np.tanh, lambda h: 1 - np.tanh(h)**2, width=50, depth=2,
        ...                    correlations=1)
        >>> float(net.correlations.round(12).min())
        1.0
        """
        norms = np.sqrt(self.lengths)
        with np.errstate(invalid="ignore", divide="ignore"):
            return self.overlap / (norms[..., :, None] * norms[..., None, :])

    def moment(self, k: int) -> tuple[float, float]:
        """Mean over the draws of (1/N) tr (JᵀJ)ᵏ, and its standard error.

        Args:
            k: order of the moment, 1 or more.

        Returns:
            The estimate and its standard error; the error is infinite for a single draw.

        Raises:
            DomainError: k is not a positive integer.

        >>> from freejac.simulate import feed_forward
        >>> net = feed_forward(lambda h: h, np.ones_like, width=50, depth=1, draws=4)
        >>> estimate, error = net.moment(1)
        >>> abs(estimate - 1) < 5 * error
        True
        """
        if isinstance(k, bool) or not isinstance(k, Integral) or k < 1:
            raise DomainError(f"k = {k!r} is not an integer of at least 1")
        each = np.mean(self.eigenvalues ** int(k), axis=1)
        error = np.std(each, ddof=1) / sqrt(each.size) if each.size > 1 else np.inf
        return float(np.mean(each)), float(error)

    def cdf(self, lam: Any) -> Array:
        """Share of the eigenvalues, over all draws, that are at most `lam` (any shape).

        >>> from freejac.simulate import feed_forward
        >>> net = feed_forward(lambda h: h, np.ones_like, width=20, depth=1, weights="orthogonal")
        >>> net.cdf(np.array([0.99, 1.01])).tolist()
        [0.0, 1.0]
        """
        ordered = np.sort(self.eigenvalues, axis=None)
        return np.asarray(np.searchsorted(ordered, lam, side="right") / ordered.size)


def gathered(rows: Sequence[tuple[Array, ...]]) -> Sample:
    """Stack what each draw measured, in the order of `Sample`'s attributes."""
    return Sample(*(np.array(column) for column in zip(*rows, strict=True)))
