"""The numbers of one block of a sweep, from the compiled kernels.

What is computed depends on the request alone, in the same order whoever computes it, so that the
same block has the same bits on every thread and in every process of a machine.

>>> from freejac.sweep_spec import read_spec
>>> spec = read_spec(
...     {"activations": "relu", "sigma_w": "sqrt(2)", "depth": 10, "quantities": "variance",
...      "ensembles": ["gaussian", "orthogonal"]}
... )
>>> compute(request(spec, next(spec.blocks())))["variance"].ravel().round(9).tolist()
[20.0, 10.0]
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from freejac import edge_kernels
from freejac.evaluators import compile
from freejac.networks import ResNet
from freejac.phase_grid import PhasePoints, bound_kernels, phase_points, without_length
from freejac.residual_signal import FiniteMoments, effective_cumulant, finite_moments
from freejac.sweep_spec import EDGES, FINITE, Block, Spec
from freejac.symbolic.ensembles import ensemble
from freejac.symbolic.errors import Error
from freejac.symbolic.symbols import cumulant

__all__ = ["Request", "compute", "engine", "engines", "request"]

Array = NDArray[Any]

_LEAST, _MOST = 1e-12, 1e12
_FIELDS = ("q", "chi", "chi_parallel", "p", "c", "xi_q", "xi_c", "phase", "status")


@dataclass(frozen=True)
class Request:
    """A block with everything that its computation needs.

    Attributes:
        activation: name or text.
        sigma_w, sigma_b: the values of the block's rows and columns.
        depth, ensembles, quantities, q1, block_shape: as in `Spec`.
        engine: `engine` of the activation where the sweep was begun.
    """

    activation: str
    sigma_w: tuple[float, ...]
    sigma_b: tuple[float, ...]
    depth: tuple[int, ...]
    ensembles: tuple[str, ...]
    quantities: tuple[str, ...]
    q1: float
    block_shape: tuple[int, int]
    engine: str = ""


def request(spec: Spec, block: Block, engine: str = "") -> Request:
    """Cut the request for a block out of a sweep."""
    return Request(
        spec.activations[block.index[0]],
        spec.sigma_w[block.sigma_w],
        spec.sigma_b[block.sigma_b],
        spec.depth,
        spec.ensembles,
        spec.quantities,
        spec.q1,
        spec.block_shape,
        engine,
    )


@lru_cache(maxsize=256)
def engine(phi: str) -> str:
    """Name the kernels of an activation by a digest of their text: other kernels, other digest.

    Raises:
        InputError: the activation cannot be read.
    """
    from freejac.codegen import edge_solver
    from freejac.generated import jacobian_moments, resnet_density

    k = bound_kernels(phi)
    solvers = (k.solvers, edge_kernels, edge_solver)
    modules = (k.module, *solvers, jacobian_moments, resnet_density)
    text = "".join(inspect.getsource(module) for module in modules)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def engines(spec: Spec) -> tuple[str, ...]:
    """`engine` of each activation of a sweep."""
    return tuple(engine(phi) for phi in spec.activations)


def compute(wanted: Request) -> dict[str, Array]:
    """Compute every quantity of a block.

    Returns:
        By name, arrays over (1, σ_w, σ_b), with depth and ensemble behind where they matter; nan
        where a quantity does not exist or is out of the kernels' reach.

    Raises:
        Error: the kernels here are not those with which the sweep was begun.
    """
    if wanted.engine and engine(wanted.activation) != wanted.engine:
        raise Error(
            f"the kernels of {wanted.activation} differ from those the sweep was begun with: "
            "install the same freejac on every worker"
        )
    _prepare(wanted)
    return _values(wanted)


_LOCK = Lock()
_READY: set[tuple[object, ...]] = set()


def _prepare(wanted: Request) -> None:
    """Derive and compile what a request needs, once, and in one thread at a time."""
    key = (wanted.activation, wanted.quantities, wanted.ensembles)
    with _LOCK:
        if key not in _READY:
            _values(
                replace(
                    wanted,
                    sigma_w=wanted.sigma_w[:1],
                    sigma_b=wanted.sigma_b[:1],
                    depth=wanted.depth[:1],
                )
            )
            _READY.add(key)


def _values(wanted: Request) -> dict[str, Array]:
    weight, bias = (
        np.ascontiguousarray(axis)
        for axis in np.meshgrid(wanted.sigma_w, wanted.sigma_b, indexing="ij")
    )
    # What does not exist is nan, and no occasion for a warning.
    with np.errstate(all="ignore"):
        points = _Points(wanted, weight, bias)
        found = {name: points.quantity(name) for name in wanted.quantities}
    return {name: values[np.newaxis] for name, values in found.items()}


class _Points:
    """The quantities of a block, each computed when it is asked for."""

    def __init__(self, wanted: Request, weight: Array, bias: Array) -> None:
        self.wanted, self.weight, self.bias = wanted, weight, bias
        self.kernels = bound_kernels(wanted.activation)
        self.mean_field: PhasePoints = phase_points(wanted.activation, weight, bias)
        self._known: dict[str, Array] = {}
        self._finite: dict[str, FiniteMoments] = {}

    def quantity(self, name: str) -> Array:
        if name in _FIELDS:
            return getattr(self.mean_field, name)
        if name not in self._known:
            if name in ("mu_1", "mu_2"):
                self._known[name] = getattr(self.kernels, name)(self._length)
            elif name == "cumulant":
                self._known[name] = self._cumulants()
            elif name in EDGES:
                self._known |= self._spectra()
            else:
                self._known[name] = self._over_networks(name)
        return self._known[name]

    @property
    def _length(self) -> Array:
        """q* where the law of D² can be evaluated; at q* = 0 its limit, to twelve digits."""
        length = self.mean_field.q
        if without_length(self.wanted.activation):
            return np.ones_like(length)
        return np.where(np.isinf(length), np.nan, np.clip(length, _LEAST, _MOST))

    def _cumulants(self) -> Array:
        """The effective cumulant at each depth, on a new last axis."""
        w = self.wanted
        columns = [
            effective_cumulant(w.activation, depth, self.weight, self.bias, w.q1)
            for depth in w.depth
        ]
        return np.stack(columns, axis=-1)

    def _over_networks(self, name: str) -> Array:
        """A moment, at each depth and for each ensemble."""
        result = np.empty((*self.weight.shape, len(self.wanted.depth), len(self.wanted.ensembles)))
        for k, weights in enumerate(self.wanted.ensembles):
            if weights == "residual":
                result[..., k] = _residual_function(name)(self.quantity("cumulant"))
                continue
            for i, depth in enumerate(self.wanted.depth):
                one = self._finite_moment if weights in FINITE else self._moment
                result[..., i, k] = one(name, depth, weights)
        return result

    def _finite_moment(self, name: str, depth: int, weights: str) -> Array:
        """A moment of a residual network with the q_l of its layers."""
        w, key = self.wanted, f"{weights} {depth}"
        if key not in self._finite:
            self._finite[key] = finite_moments(
                w.activation, depth, self.weight, self.bias, w.q1, FINITE[weights]
            )
        found = self._finite[key]
        factor = {"moment_1": 1.0, "moment_2": 1 + found.spread, "variance": found.spread}[name]
        return found.mean ** (1 if name == "moment_1" else 2) * factor

    def _moment(self, name: str, depth: int, weights: str) -> Array:
        from freejac.generated import jacobian_moments as kernel

        mu_1, mu_2 = self.quantity("mu_1"), self.quantity("mu_2")
        if name == "moment_1":
            return kernel.m_1(mu_1, self.weight, float(depth))
        function = kernel.m_2 if name == "moment_2" else kernel.variance
        # Rounding may leave μ_2 a little below μ_1², where φ′² is almost constant.
        spread = np.maximum(mu_2, mu_1 * mu_1 * (1 + 4e-16))
        return function(mu_1, spread, _first_coefficient(weights), self.weight, float(depth))

    def _spectra(self) -> dict[str, Array]:
        """Both edges and the condition number, at each depth and for each ensemble."""
        shape = (*self.weight.shape, len(self.wanted.depth), len(self.wanted.ensembles))
        low, high = np.empty(shape), np.empty(shape)
        for k, weights in enumerate(self.wanted.ensembles):
            if weights == "residual":
                low[..., k], high[..., k] = _residual_edges(self.quantity("cumulant"))
                continue
            for i, depth in enumerate(self.wanted.depth):
                low[..., i, k], high[..., i, k] = edge_kernels.edges(
                    self.wanted.activation, weights, depth, self._length, self.weight
                )
        condition = np.sqrt(high / low)
        return dict(zip(EDGES, (low, high, condition), strict=True))


def _residual_edges(number: Array) -> tuple[Array, Array]:
    from freejac.generated import resnet_density

    return resnet_density.lower_edge(number), resnet_density.upper_edge(number)


@lru_cache(maxsize=8)
def _first_coefficient(weights: str) -> float:
    return float(ensemble(weights).s1)


@lru_cache(maxsize=8)
def _residual_function(name: str) -> Callable[[Array], Array]:
    """m_1, m_2 or m_2 − m_1² of the universal law as a function of the cumulant."""
    law = ResNet()
    exact = {"moment_1": law.moment(1), "moment_2": law.moment(2), "variance": law.variance}[name]
    return compile(exact, [cumulant])
