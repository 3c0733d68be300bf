"""Random matrices and layers drawn one by one: the independent witness of the ensembles.

Nothing here knows a law. Symmetric matrices are drawn, combined, and diagonalised; what free
probability or a hand derivation says about their eigenvalues has to agree with what comes out, up
to the fluctuations of finitely many draws and of finite size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, sqrt
from numbers import Integral, Real

import numpy as np
from numpy.typing import NDArray

from freejac.symbolic.errors import DomainError

__all__ = [
    "SIGMA_X",
    "SIGMA_Z",
    "Eigenvalues",
    "gaussian_multiples",
    "gaussian_orthogonal",
    "haar",
    "single_layer",
    "wishart",
]

Array = NDArray[np.float64]

SIGMA_X = np.array([[0.0, 1.0], [1.0, 0.0]])
SIGMA_Z = np.array([[1.0, 0.0], [0.0, -1.0]])


@dataclass(frozen=True)
class Eigenvalues:
    """Eigenvalues of independent draws.

    Attributes:
        values: ascending in each draw, shape (draws, size).
    """

    values: Array

    def moment(self, k: int) -> tuple[float, float]:
        """Mean over the draws of (1/N) tr Hᵏ, and its standard error (infinite for one draw).

        >>> estimate, error = gaussian_orthogonal(30, draws=20).moment(2)
        >>> abs(estimate - 0.5) < 0.1
        True
        """
        return mean_and_error(np.mean(self.values ** _count("k", k), axis=1))

    def spacings(self) -> Array:
        """Distances of neighbours, shape (draws, size − 1)."""
        return np.diff(self.values, axis=1)

    def cdf(self, x: float) -> float:
        """Share of the eigenvalues, over all draws, that are at most x."""
        return float(np.mean(self.values <= x))


def mean_and_error(each: Array) -> tuple[float, float]:
    """Mean of independent numbers and its standard error; infinite for a single one.

    >>> mean_and_error(np.array([1.0, 3.0]))
    (2.0, 1.0)
    """
    error = np.std(each, ddof=1) / sqrt(each.size) if each.size > 1 else np.inf
    return float(np.mean(each)), float(error)


def gaussian_orthogonal(
    size: int, *, draws: int = 1, seed: int = 0, weights: Sequence[float] = (1.0,)
) -> Eigenvalues:
    """Draw H = Σ a_i H_i/√N with independent H_i of the Gaussian orthogonal ensemble.

    Diagonal entries have variance 1, off-diagonal ones 1/2.

    Args:
        size: N, 2 or more.
        draws: number of independent matrices, 1 or more.
        seed: seed of the random numbers, 0 or more.
        weights: a_1, a_2, …, finite.

    Returns:
        The eigenvalues; of 2 × 2 matrices too those of H/√2.

    Raises:
        DomainError: an argument is out of range.

    Source: Livan, Novaes and Vivo, "Introduction to Random Matrices" (2018), section 1.2.

    >>> gaussian_orthogonal(3, draws=4).values.shape
    (4, 3)
    """
    _count("size", size, least=2)
    random = _random(seed)
    total = np.zeros((_count("draws", draws), size, size))
    for weight in _reals("weights", weights):
        entries = random.standard_normal((draws, size, size))
        total += weight * (entries + entries.transpose(0, 2, 1)) / 2
    return Eigenvalues(np.asarray(np.linalg.eigvalsh(total / sqrt(size)), dtype=np.float64))


def gaussian_multiples(
    directions: Sequence[Array], *, draws: int = 1, seed: int = 0
) -> Eigenvalues:
    """Draw Σ z_i S_i for fixed symmetric matrices S_i and independent standard normal z_i.

    Args:
        directions: the symmetric matrices S_i, of one shape.
        draws: number of independent draws, 1 or more.
        seed: seed of the random numbers, 0 or more.

    Raises:
        DomainError: a matrix is not symmetric, or shapes differ.

    >>> drawn = gaussian_multiples([SIGMA_Z, SIGMA_X], draws=5)
    >>> bool(np.allclose(drawn.values.sum(axis=1), 0))
    True
    """
    stacked = np.array(directions, dtype=np.float64)
    if stacked.ndim != 3 or not np.array_equal(stacked, stacked.transpose(0, 2, 1)):
        raise DomainError("directions: give symmetric matrices of one shape")
    factors = _random(seed).standard_normal((_count("draws", draws), len(stacked)))
    return Eigenvalues(
        np.asarray(np.linalg.eigvalsh(np.einsum("di,ijk->djk", factors, stacked)), dtype=np.float64)
    )


def wishart(size: int, *, draws: int = 1, seed: int = 0, sigma_w: float = 1.0) -> Eigenvalues:
    """Draw W Wᵀ for square W with independent entries N(0, σ_w²/N).

    Args:
        size: N, 2 or more.
        draws: number of independent matrices, 1 or more.
        seed: seed of the random numbers, 0 or more.
        sigma_w: positive.

    Raises:
        DomainError: an argument is out of range.

    >>> bool(wishart(4, draws=2).values.min() >= 0)
    True
    """
    _count("size", size, least=2)
    (scale,) = _reals("sigma_w", [sigma_w])
    entries = _random(seed).standard_normal((_count("draws", draws), size, size))
    singular = np.linalg.svd(entries * scale / sqrt(size), compute_uv=False)
    return Eigenvalues(np.sort(singular**2, axis=1))


def single_layer(
    outputs: Array, *, size: int, draws: int = 1, seed: int = 0, weight: float, bias: float
) -> Array:
    """Mean square of h = W x + b for W_ij ~ N(0, weight) and b_i ~ N(0, bias).

    Args:
        outputs: x, the outputs of the layer before.
        size: number of units of h, 1 or more.
        draws: number of independent layers, 1 or more.
        seed: seed of the random numbers, 0 or more.
        weight: variance of a weight, 0 or more.
        bias: variance of a bias, 0 or more.

    Returns:
        (1/size) ‖h‖² of each draw, shape (draws,).

    >>> single_layer(np.ones(3), size=2, weight=0.0, bias=0.0)
    array([0.])
    """
    variances = _reals("the variances", [weight, bias])
    if min(variances) < 0:
        raise DomainError(f"a variance is not negative: {min(variances)}")
    random = _random(seed)
    shape = (_count("draws", draws), _count("size", size))
    w = sqrt(weight) * random.standard_normal((*shape, outputs.size))
    h = w @ outputs + sqrt(bias) * random.standard_normal(shape)
    return np.asarray(np.mean(h**2, axis=1))


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


def _random(seed: int) -> np.random.Generator:
    return np.random.default_rng(_count("seed", seed, least=0))


def _reals(name: str, values: Sequence[float]) -> list[float]:
    if not all(isinstance(v, Real) and isfinite(v) for v in values):
        raise DomainError(f"{name}: {values!r} are not finite numbers")
    return [float(v) for v in values]


def _count(name: str, value: int, least: int = 1) -> int:
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise DomainError(f"{name} = {value!r} is not an integer of at least {least}")
    return int(value)
