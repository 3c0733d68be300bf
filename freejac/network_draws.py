"""The recursion that feed-forward and residual networks share, drawn again and again.

Every draw has its own stream of random numbers, a child of the seed: neither the order of the draws
nor the number of threads changes a bit of the result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from math import isfinite, sqrt
from numbers import Integral, Real
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from freejac.ensemble_samples import haar
from freejac.samples import Sample, gathered
from freejac.symbolic.errors import DomainError

__all__ = ["Inputs", "Network", "count", "draw_each", "is_real"]

Array = NDArray[np.float64]
Function = Callable[[Array], Array]
Progress = Callable[[int, int], None]
Result = TypeVar("Result")


@dataclass(frozen=True)
class Inputs:
    """The inputs that a network sees, by what they make of its first layer in a wide network.

    Attributes:
        q1: variance of the first pre-activations, one for all inputs or one for each.
        correlations: of the first pre-activations: a matrix, a number for every pair, or None
            for a single input.
    """

    q1: float | Sequence[float] = 1.0
    correlations: Any = None

    def covariance(self) -> Array:
        """The covariance of the first pre-activations, shape (inputs, inputs).

        Raises:
            DomainError: a variance is not positive, shapes differ, or there is no such covariance.

        >>> Inputs((1.0, 4.0), 0.5).covariance().tolist()
        [[1.0, 1.0], [1.0, 4.0]]
        """
        variances = np.atleast_1d(np.asarray(self.q1, dtype=np.float64))
        if variances.ndim != 1 or not (np.isfinite(variances).all() and (variances > 0).all()):
            raise DomainError(f"q1 = {self.q1!r}: give a positive number, or one for each input")
        c = self._matrix(variances.size)
        if variances.size == 1:
            variances = np.repeat(variances, len(c))
        if len(c) != variances.size:
            raise DomainError(f"{variances.size} values of q1, correlations of {len(c)} inputs")
        close = np.allclose(np.diagonal(c), 1.0, rtol=0, atol=1e-12) and np.array_equal(c, c.T)
        if not close or np.linalg.eigvalsh(c).min() < -1e-10:
            raise DomainError(
                "correlations: give a symmetric matrix with ones on its diagonal and no negative "
                "eigenvalue, or one number in its range"
            )
        root = np.sqrt(variances)
        return np.asarray(c * np.outer(root, root))

    def _matrix(self, given: int) -> Array:
        """The correlations as a matrix; `given` is the number of variances."""
        if self.correlations is None:
            if given > 1:
                raise DomainError("several inputs need correlations: a matrix, or a number")
            return np.ones((1, 1))
        c = np.asarray(self.correlations, dtype=np.float64)
        if c.ndim == 0:
            size = max(given, 2)
            c = np.where(np.eye(size, dtype=bool), 1.0, c)
        if c.ndim != 2 or c.shape[0] != c.shape[1] or not np.isfinite(c).all():
            raise DomainError("correlations: give a number, or a square matrix of finite numbers")
        return c


@dataclass(frozen=True)
class Network:
    """What networks are drawn from.

    A feed-forward network has no skip connection and its weights are not divided among the layers.

    Attributes:
        phi: φ, of arrays.
        slope: φ′, of arrays.
        widths: N_0, …, N_L.
        sigma_w: W_ij has variance σ_w²/N_{l−1}, or W = σ_w × Haar orthogonal.
        sigma_b: standard deviation of the biases.
        weights: "gaussian" or "orthogonal".
        skip: weight of the skip connection.
        divided: whether W carries a factor 1/√L.

    Raises:
        DomainError: a number is out of range, or a matrix that has to be square is not.
    """

    phi: Function
    slope: Function
    widths: tuple[int, ...]
    sigma_w: float
    sigma_b: float
    weights: str
    skip: float = 0.0
    divided: bool = False

    def __post_init__(self) -> None:
        """Refuse what no network can have."""
        if self.weights not in ("gaussian", "orthogonal"):
            raise DomainError(f'weights = {self.weights!r}: give "gaussian" or "orthogonal"')
        if not (is_real(self.sigma_w) and self.sigma_w > 0):
            raise DomainError(f"sigma_w = {self.sigma_w!r} is not a positive number")
        if not (is_real(self.sigma_b) and self.sigma_b >= 0):
            raise DomainError(f"sigma_b = {self.sigma_b!r} is negative or not a number")
        if not is_real(self.skip):
            raise DomainError(f"skip = {self.skip!r} is not a finite number")
        if len(set(self.widths)) > 1 and (self.weights == "orthogonal" or self.skip):
            raise DomainError("orthogonal weights and skip connections need layers of one width")

    @property
    def depth(self) -> int:
        """The number of layers L."""
        return len(self.widths) - 1

    @property
    def scale(self) -> float:
        """Root of N × the variance of a weight."""
        return self.sigma_w / (sqrt(self.depth) if self.divided else 1.0)

    def sample(
        self, inputs: Inputs, seed: int, draws: int, threads: int, progress: Progress | None
    ) -> Sample:
        """Draw the networks, each from its own stream of random numbers.

        Raises:
            DomainError: a number is out of range, q1 is below σ_b², or a draw overflows.
        """
        factor = self._input_factor(inputs.covariance())
        root = np.random.SeedSequence(count("seed", seed, least=0))
        streams = root.spawn(count("draws", draws))

        def draw(stream: np.random.SeedSequence) -> tuple[Array, ...]:
            # What overflows or is not a number is looked for in every layer, and refused by name.
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                return self._draw(factor, np.random.default_rng(stream))

        return gathered(draw_each(draw, streams, count("threads", threads), progress))

    def _input_factor(self, covariance: Array) -> Array:
        """A lower triangular factor F: the inputs are F z, z standard normal.

        With biases, hᵃ·hᵇ/N has a part σ_b² that no input can take away.
        """
        left = covariance - self.sigma_b**2
        if np.diagonal(left).min() < 0:
            raise DomainError(
                f"q1 = {np.diagonal(covariance).min()}: give at least sigma_b**2 = "
                f"{self.sigma_b**2}"
            )
        values, vectors = np.linalg.eigh(left)
        if values.min() < -1e-12 * values.max():
            raise DomainError(
                "correlations: what the biases leave of the covariance, it less sigma_b**2 = "
                f"{self.sigma_b**2}, is none; raise the correlations or q1, or lower sigma_b"
            )
        if len(left) == 1:
            return np.sqrt(left) / self.scale
        r = np.asarray(np.linalg.qr((vectors * np.sqrt(np.clip(values, 0, None))).T, mode="r"))
        return np.asarray(r.T * np.where(np.diagonal(r) < 0, -1.0, 1.0) / self.scale)

    def _draw(self, factor: Array, random: np.random.Generator) -> tuple[Array, ...]:
        """Send Gaussian inputs through one network, and the Jacobian at the first along."""
        x = factor @ random.standard_normal((len(factor), self.widths[0]))
        jacobian = np.eye(self.widths[0])
        overlap, slopes = np.empty((2, self.depth, len(factor), len(factor)))
        mean, square = np.empty((2, self.depth))
        for layer in range(self.depth):
            w = self._matrix(layer, random)
            h = x @ w.T + self.sigma_b * random.standard_normal(len(w))
            slope = _apply(self.slope, "the derivative", h)
            x = _apply(self.phi, "the activation", h) + (self.skip * x if self.skip else 0.0)
            forward = slope[0][:, None] * (w @ jacobian)
            jacobian = forward + self.skip * jacobian if self.skip else forward
            if not np.isfinite(jacobian).all():
                raise DomainError(
                    f"the Jacobian overflows at layer {layer + 1}: lower depth or sigma_w"
                )
            overlap[layer] = h @ h.T / len(w)
            slopes[layer] = self.sigma_w**2 * (slope @ slope.T) / len(w)
            mean[layer], square[layer] = np.mean(x[0]), np.mean(x[0] ** 2)
        return self._squared_singular_values(jacobian), overlap, slopes, mean, square

    def _squared_singular_values(self, jacobian: Array) -> Array:
        """As many as the input has entries, ascending."""
        values = np.zeros(self.widths[0])
        singular = np.linalg.svd(jacobian, compute_uv=False)
        values[: singular.size] = singular**2
        return np.sort(values)

    def _matrix(self, layer: int, random: np.random.Generator) -> Array:
        before, after = self.widths[layer : layer + 2]
        if self.weights == "orthogonal":
            return self.scale * haar(after, random)
        return self.scale / sqrt(before) * random.standard_normal((after, before))


def draw_each(
    draw: Callable[[np.random.SeedSequence], Result],
    streams: Sequence[np.random.SeedSequence],
    threads: int,
    progress: Progress | None = None,
) -> list[Result]:
    """Draw once from every stream, in order of the streams whatever the number of threads.

    >>> streams = np.random.SeedSequence(1).spawn(3)
    >>> draw_each(lambda s: s.spawn_key[0], streams, 2)
    [0, 1, 2]
    """
    tell = progress or (lambda done, total: None)
    total = len(streams)
    results: list[Result] = []
    tell(0, total)
    if threads == 1 or total == 1:
        for done, stream in enumerate(streams, start=1):
            results.append(draw(stream))
            tell(done, total)
        return results
    with ThreadPoolExecutor(min(threads, total)) as pool:
        waiting = [pool.submit(draw, stream) for stream in streams]
        try:
            for done, future in enumerate(as_completed(waiting), start=1):
                future.result()
                tell(done, total)
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
        return [future.result() for future in waiting]


def _apply(function: Function, what: str, h: Array) -> Array:
    """Value of the caller's function, checked: one finite real number for each unit and input."""
    flat = h.ravel()
    value = np.asarray(function(flat), dtype=np.float64)
    if value.shape != flat.shape or not np.isfinite(value).all():
        raise DomainError(
            f"{what} gave an array of shape {value.shape} or values that are not finite"
            f" for {flat.size} finite inputs"
        )
    return value.reshape(h.shape)


def is_real(value: object) -> bool:
    """Whether a value is a finite real number."""
    return isinstance(value, Real) and isfinite(value)


def count(name: str, value: int, least: int = 1) -> int:
    """Read a count.

    Raises:
        DomainError: it is not an integer of at least `least`.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise DomainError(f"{name} = {value!r} is not an integer of at least {least}")
    return int(value)
