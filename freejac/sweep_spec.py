"""What a sweep computes: axes, quantities, and the blocks that the work is cut into.

>>> spec = read_spec({"activations": "tanh", "sigma_w": "1:2:3", "quantities": ["q", "chi"]})
>>> spec.sizes
{'activation': 1, 'sigma_w': 3, 'sigma_b': 1, 'depth': 0, 'ensemble': 0}
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from freejac.ranges import read_axis, read_counts
from freejac.symbolic.errors import InputError

__all__ = [
    "EDGES",
    "ENSEMBLES",
    "FINITE",
    "PHASE_DIAGRAM",
    "QUANTITIES",
    "Block",
    "Kind",
    "Spec",
    "read_file",
    "read_spec",
]

FINITE = {"residual_gaussian": "gaussian", "residual_orthogonal": "orthogonal"}
"""The weights of residual networks of finite depth."""

ENSEMBLES = ("gaussian", "orthogonal", "residual", *FINITE)
"""Feed-forward networks by their weights; residual ones as L → ∞, where weights do not matter, and
at finite L."""

EDGES = ("edge_lower", "edge_upper", "condition_number")

_AXES = ("activation", "sigma_w", "sigma_b", "depth", "ensemble")
_MOST_LAYERS = 10**6
_BLOCK, _LEAST, _SHARES = 2**16, 2**10, 32
_LAYERS = 16
"""Layers of a residual network that take as long as a point of the mean field."""


@dataclass(frozen=True)
class Kind:
    """A quantity that a sweep can compute.

    Attributes:
        meaning: a few words, and the formula.
        axes: how many of activation, σ_w, σ_b, depth, ensemble it depends on, in this order.
        cost: how much longer a value takes than those of the mean field.
    """

    meaning: str
    axes: int = 3
    cost: int = 1


QUANTITIES: Mapping[str, Kind] = {
    "q": Kind("fixed point q* of the length map"),
    "chi": Kind("χ = σ_w² E[φ′²] at q*"),
    "chi_parallel": Kind("χ_∥ = V′(q*)"),
    "p": Kind("probability of a slope other than 0, for piecewise-linear φ"),
    "c": Kind("fixed point c* of the correlation map"),
    "xi_q": Kind("depth scale ξ_q, in layers"),
    "xi_c": Kind("depth scale ξ_c, in layers"),
    "phase": Kind("phase: none, ordered, critical or chaotic"),
    "status": Kind("how the solver ended"),
    "mu_1": Kind("μ_1 = E[φ′²] at q*"),
    "mu_2": Kind("μ_2 = E[φ′⁴] at q*"),
    "cumulant": Kind("effective cumulant c of a residual network", axes=4),
    "moment_1": Kind("m_1 of JJᵀ", axes=5),
    "moment_2": Kind("m_2 of JJᵀ", axes=5),
    "variance": Kind("m_2 − m_1² of JJᵀ", axes=5),
    "edge_lower": Kind("lowest eigenvalue of JJᵀ", axes=5, cost=32),
    "edge_upper": Kind("largest eigenvalue of JJᵀ", axes=5, cost=32),
    "condition_number": Kind("largest over smallest singular value of J", axes=5, cost=32),
}
"""Every quantity of a sweep by name."""


@dataclass(frozen=True)
class Block:
    """A rectangle of the (σ_w, σ_b) grid of one activation: the unit of work, and of storage.

    Attributes:
        index: (activation, row of blocks, column of blocks), as chunks are counted.
        sigma_w, sigma_b: the slices of the two axes.
    """

    index: tuple[int, int, int]
    sigma_w: slice
    sigma_b: slice

    @property
    def place(self) -> tuple[slice, slice, slice]:
        """Where it lies in an array over activation, σ_w, σ_b."""
        first = self.index[0]
        return slice(first, first + 1), self.sigma_w, self.sigma_b


@dataclass(frozen=True)
class Spec:
    """A sweep.

    Attributes:
        activations: names or texts.
        sigma_w: σ_w > 0, ascending.
        sigma_b: σ_b ≥ 0, ascending.
        depth: numbers of layers, ascending; may be empty if no quantity depends on it.
        ensembles: some of `ENSEMBLES`; likewise.
        quantities: some of `QUANTITIES`.
        q1: variance of the first pre-activation of a residual network.
    """

    activations: tuple[str, ...]
    sigma_w: tuple[float, ...]
    sigma_b: tuple[float, ...]
    depth: tuple[int, ...]
    ensembles: tuple[str, ...]
    quantities: tuple[str, ...]
    q1: float = 1.0

    @property
    def sizes(self) -> dict[str, int]:
        """Length of each axis."""
        axes = (self.activations, self.sigma_w, self.sigma_b, self.depth, self.ensembles)
        return {name: len(axis) for name, axis in zip(_AXES, axes, strict=True)}

    def dims(self, quantity: str) -> tuple[str, ...]:
        """The axes of a quantity."""
        return _AXES[: QUANTITIES[quantity].axes]

    def shape(self, quantity: str) -> tuple[int, ...]:
        """The lengths of its axes."""
        return tuple(self.sizes[name] for name in self.dims(quantity))

    @cached_property
    def block_shape(self) -> tuple[int, int]:
        """Rows and columns of a block: as many points as keep it small and quick."""
        deep = max(1, len(self.depth)) * max(1, len(self.ensembles))
        layers = sum(self.depth) // _LAYERS if self._follows_layers else 1
        cost = max(
            QUANTITIES[name].cost * (deep if QUANTITIES[name].axes > 3 else 1)
            for name in self.quantities
        )
        cost = max(cost, layers)
        # A small grid is cut as well: every thread has work, and progress can be seen.
        share = len(self.sigma_w) * len(self.sigma_b) * cost // _SHARES
        points = max(1, min(_BLOCK, max(_LEAST, share)) // cost)
        columns = min(len(self.sigma_b), points)
        return min(len(self.sigma_w), max(1, points // columns)), columns

    @property
    def _follows_layers(self) -> bool:
        """Whether a signal is followed through every layer of a residual network."""
        return "cumulant" in self.quantities or any("residual" in name for name in self.ensembles)

    def chunk(self, quantity: str) -> tuple[int, ...]:
        """The shape of a block of a quantity, its activation axis with it."""
        return (1, *self.block_shape, *self.shape(quantity)[3:])

    @cached_property
    def block_grid(self) -> tuple[int, int, int]:
        """How many blocks there are along each axis."""
        rows, columns = self.block_shape
        return (
            len(self.activations),
            -(-len(self.sigma_w) // rows),
            -(-len(self.sigma_b) // columns),
        )

    def blocks(self) -> Iterator[Block]:
        """All blocks, in the order in which they are computed."""
        rows, columns = self.block_shape
        first, second, third = self.block_grid
        for i in range(first):
            for j in range(second):
                for k in range(third):
                    yield Block(
                        (i, j, k),
                        slice(j * rows, min((j + 1) * rows, len(self.sigma_w))),
                        slice(k * columns, min((k + 1) * columns, len(self.sigma_b))),
                    )


def read_spec(given: Mapping[str, object]) -> Spec:
    """Read a sweep from plain data, such as a TOML document.

    Args:
        given: `activations`, `sigma_w` and, where they matter, `sigma_b` (0), `depth`,
            `ensembles` (gaussian), `quantities` (those of the phase diagram), `q1` (1). Axes are
            numbers, lists, or texts as `freejac.ranges.read_axis` reads them.

    Raises:
        InputError: something is missing, unknown, or out of range.

    >>> read_spec({"activations": "tanh", "sigma_w": 1, "quantities": "variance"})
    Traceback (most recent call last):
        ...
    freejac.symbolic.errors.InputError: variance depends on the depth: give depth, such as 10
    """
    for key in given:
        if key not in _KEYS:
            raise InputError(f"a sweep has no {key!r}{_hint(key, _KEYS)}")
    for key in ("activations", "sigma_w"):
        if key not in given:
            raise InputError(f"a sweep needs {key}")
    quantities = _names("quantities", given.get("quantities", PHASE_DIAGRAM), QUANTITIES)
    deepest = max(QUANTITIES[name].axes for name in quantities)
    deep = next((name for name in quantities if QUANTITIES[name].axes == deepest), "")
    if deepest > 3 and "depth" not in given:
        raise InputError(f"{deep} depends on the depth: give depth, such as 10")
    depth = read_counts("depth", given["depth"]) if deepest > 3 else ()
    if depth and depth[-1] > _MOST_LAYERS:
        raise InputError(f"depth goes up to {_MOST_LAYERS}, not {depth[-1]}")
    ensembles = _names("ensembles", given.get("ensembles", "gaussian"), ENSEMBLES)
    _require_edges(quantities, ensembles)
    q1 = read_axis("q1", given.get("q1", 1.0), positive=True)
    if len(q1) != 1:
        raise InputError(f"q1 is one number, not {len(q1)}")
    return Spec(
        activations=_texts("activations", given["activations"]),
        sigma_w=read_axis("sigma_w", given["sigma_w"], positive=True),
        sigma_b=read_axis("sigma_b", given.get("sigma_b", 0.0)),
        depth=depth,
        ensembles=ensembles if deepest > 4 else (),
        quantities=quantities,
        q1=q1[0],
    )


def _require_edges(quantities: tuple[str, ...], ensembles: tuple[str, ...]) -> None:
    """Refuse edges of residual networks of finite depth."""
    edge = next((name for name in quantities if name in EDGES), None)
    finite = next((name for name in ensembles if name in FINITE), None)
    if edge and finite:
        raise InputError(
            f"a sweep has no {edge} for {finite}, only moments: take residual, its limit, or "
            "fj.ResNet(...).finite(L).support(...) for one network"
        )


PHASE_DIAGRAM = ("q", "chi", "chi_parallel", "p", "c", "xi_q", "xi_c", "phase", "status")
_KEYS = ("activations", "sigma_w", "sigma_b", "depth", "ensembles", "quantities", "q1")


def read_file(path: Path) -> dict[str, object]:
    """Read a sweep's TOML file.

    Raises:
        InputError: it cannot be read, or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not TOML: {error}") from None


def _texts(name: str, given: object) -> tuple[str, ...]:
    items = [given] if isinstance(given, str) else given
    if not isinstance(items, Iterable):
        raise InputError(f"{name} are texts, not {given!r}")
    texts = tuple(str(item).strip() if isinstance(item, str) else item for item in items)
    for text in texts:
        if not isinstance(text, str) or not text:
            raise InputError(f"{name} are texts, not {text!r}")
    if not texts:
        raise InputError(f"{name} are empty")
    twice = next((text for text in texts if texts.count(text) > 1), None)
    if twice is not None:
        raise InputError(f"{name} have {twice!r} twice")
    return texts


def _names(name: str, given: object, known: Iterable[str]) -> tuple[str, ...]:
    """Names out of a fixed list, in its order."""
    known = list(known)
    found = _texts(name, given)
    for text in found:
        if text not in known:
            raise InputError(f"{name} has no {text!r}{_hint(text, known)}")
    return tuple(text for text in known if text in found)


def _hint(name: str, known: Iterable[str]) -> str:
    known = list(known)
    near = difflib.get_close_matches(name, known, n=1)
    return f" (did you mean {near[0]}?)" if near else f"; there are {', '.join(known)}"
