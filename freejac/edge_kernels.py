"""The lowest and the largest eigenvalue of J Jᵀ over arrays of (q, σ_w), in double precision.

The law of φ′² is tabulated once for an activation: at Gauss–Legendre nodes on panels that shrink
towards every place where φ′² is stationary or has a kink, so that one table serves at
every q, and however near 1/κ comes to the supremum (`freejac.codegen.edge_solver`). Two tables
have to agree on an edge.

The lowest eigenvalue is 0 but for orthogonal weights and a φ′² that keeps away from 0: then J has
an inverse, and the lowest is the inverse of its largest.

>>> low, high = edges("tanh", "orthogonal", 10, 1.0, 1.5)
>>> float(low), round(float(high), 6)
(0.0, 25.607094)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import sympy as sp
from mpmath import mp
from numpy.typing import NDArray

from freejac.evaluators import compile
from freejac.symbolic.activation import Activation, activation
from freejac.symbolic.derivative_law import AtomicLaw, derivative_law
from freejac.symbolic.fixed_points import bind_parameters
from freejac.symbolic.quadrature import NumericPiece, legendre_rule, numeric_pieces
from freejac.symbolic.slope_branches import is_zero
from freejac.symbolic.slope_density import SlopeDensity
from freejac.symbolic.slope_range import slope_range
from freejac.symbolic.symbols import q as variance_symbol

__all__ = ["edges"]

Array = NDArray[Any]
Rule = tuple[Array, Array, Array]

_DIGITS = 36
_NODES = (20, 14)
_NEAREST, _FARTHEST = mp.mpf("1e-12"), mp.mpf("4e7")
"""How small the panels become, and how far out they go: 38 √q for q up to 10¹²."""
_FINE = 0.05
"""Panels shrink by quarters below, where φ′² has no structure but a pole that comes near."""
_SCAN = 100
"""The q within whose reach places of stationary φ′² are looked for."""
_MOST_TURNS = 12
_AGREEMENT = 1e-9


def edges(phi: str, weights: str, depth: int, q: Any, sigma_w: Any) -> tuple[Array, Array]:
    """The lowest and the largest eigenvalue of J Jᵀ, atoms included.

    Args:
        phi: an activation whose parameters have values.
        weights: "gaussian" or "orthogonal".
        depth: the number of layers L.
        q: the variance of the pre-activations, from 1e-12 to 1e12.
        sigma_w: σ_w > 0; broadcasts with q.

    Returns:
        Both, to a relative error of about L × 1e-15; nan where q is nan, or where two tables of φ′²
        do not agree: one that oscillates, or has features at many places far from 0.
        ∞ where φ′² is not bounded.

    Raises:
        DomainError: φ jumps, or a parameter has no value.

    Source: Pennington, Schoenholz & Ganguli (2018), arXiv:1802.09979, section 4 (M⁻¹′ = 0).

    >>> low, high = edges("linear", "gaussian", 2, 1.0, 1.0)                # Fuss–Catalan: 27/4
    >>> float(low), round(float(high), 12)
    (0.0, 6.75)
    """
    length, weight = np.broadcast_arrays(np.asarray(q, float), np.asarray(sigma_w, float))
    law = _law(phi)
    is_gaussian = weights == "gaussian"
    flat_length = np.ascontiguousarray(length).reshape(-1)
    with np.errstate(all="ignore"):
        scale = 2 * depth * np.log(weight)
        high = _end(law.upper, flat_length, depth, is_gaussian).reshape(length.shape)
        largest = np.exp(scale + high)
        if is_gaussian or law.lower is None:
            return np.where(np.isnan(largest), np.nan, 0.0), largest
        low = _end(law.lower, flat_length, depth, is_gaussian).reshape(length.shape)
        return np.exp(scale - low), largest


@dataclass(frozen=True)
class _Side:
    """The law of φ′², or of 1/φ′², seen from its supremum b.

    Attributes:
        log_bound: log b; ∞ where it is not bounded.
        rules: a finer and a coarser table; none for a law of finitely many values.
        gaps: 1 − a/b of those values.
        masses: their probabilities, functions of q.
    """

    log_bound: float
    rules: tuple[Rule, ...] = ()
    gaps: Array | None = None
    masses: tuple[Any, ...] = ()


@dataclass(frozen=True)
class _Law:
    """Both sides; no lower one if φ′² comes near 0."""

    upper: _Side
    lower: _Side | None


def _end(side: _Side, length: Array, depth: int, is_gaussian: bool) -> Array:
    """Log of the largest eigenvalue at σ_w = 1."""
    from freejac.codegen.edge_solver import ends_of_atoms, ends_of_rule  # Numba

    if math.isinf(side.log_bound):
        return np.where(np.isnan(length), np.nan, np.inf)
    known = ~np.isnan(length)
    found = np.full(length.shape, np.nan)
    at = length[known]
    if side.gaps is not None:
        rows = [np.broadcast_to(mass(at), at.shape) for mass in side.masses]
        masses = np.ascontiguousarray(np.stack(rows, axis=-1))
        ends = ends_of_atoms(side.gaps, masses, float(depth), is_gaussian)
    else:
        ends, other = (ends_of_rule(at, rule, float(depth), is_gaussian) for rule in side.rules)
        ends = np.where(np.abs(ends - other) <= _AGREEMENT * max(1, depth), ends, np.nan)
    found[known] = ends + depth * side.log_bound
    return found


@lru_cache(maxsize=64)
def _law(phi: str) -> _Law:
    """Tabulate the law of φ′²."""
    shown, law = activation(phi), derivative_law(phi)
    if isinstance(law, AtomicLaw):
        return _atomic(shown, law)
    with mp.workdps(_DIGITS):
        values = bind_parameters(shown, {})
        pieces = numeric_pieces([shown.distribution(1)], values)
        steep = [piece for piece in pieces if not is_zero(*piece)]
        least, most = slope_range(steep, mp.one)
        if not mp.isfinite(most):
            return _Law(_Side(math.inf), None)
        places = _anchors(shown, pieces)
        samples = [_samples(steep, places, nodes) for nodes in _NODES]
        upper = _side(samples, most, 1)
        whole = len(steep) == len(pieces) and least > 0
        return _Law(upper, _side(samples, 1 / least, -1) if whole else None)


def _atomic(phi: Activation, law: AtomicLaw) -> _Law:
    """A law of finitely many values."""
    values = [value.subs(phi.defaults) for value, _ in law.positive_atoms]
    masses = tuple(_function(mass.subs(phi.defaults)) for _, mass in law.positive_atoms)
    whole = law.mass_at_zero == 0

    def side(found: list[sp.Expr]) -> _Side:
        bound = max(found)
        gaps = np.array([float(1 - value / bound) for value in found])
        return _Side(float(sp.log(bound).evalf()), gaps=gaps, masses=masses)

    return _Law(side(values), side([1 / value for value in values]) if whole else None)


def _function(mass: sp.Expr) -> Any:
    """A probability as a function of q."""
    if not mass.free_symbols:
        return lambda q: np.full(q.shape, float(mass))
    return compile(mass, [variance_symbol])


def _side(samples: list[list[tuple[Any, Any, Any]]], bound: Any, power: int) -> _Side:
    """Tables of (φ′²)^power as shares of their supremum."""
    rules = []
    for nodes in samples:
        rows = [(h * h, weight, square**power / bound) for h, weight, square in nodes if square]
        squares, weights, shares = zip(*sorted(rows), strict=True)
        gaps = [max(float(1 - share), 0.0) for share in shares]
        bare = [float(weight * share) for weight, share in zip(weights, shares, strict=True)]
        rules.append((np.array(squares, float), np.array(bare), np.array(gaps)))
    return _Side(float(mp.log(bound)), tuple(rules))


def _anchors(phi: Activation, pieces: list[NumericPiece]) -> list[Any]:
    """Where the panels have to be small: 0, kinks, and where φ′² is stationary, near 0."""
    kinks = {low for low, _, _ in pieces if mp.isfinite(low)}
    turns = {mp.mpf(end) for branch in SlopeDensity(phi, _SCAN, 1).branches for end in branch}
    far = max(map(abs, turns)) * mp.mpf("0.999") if turns else mp.zero
    inside = sorted((turn for turn in turns if abs(turn) < far), key=abs)[:_MOST_TURNS]
    close = mp.mpf("1e-13")
    found: list[Any] = []
    for place in sorted({mp.zero, *kinks, *inside}):
        if not found or place - found[-1] > close * max(1, abs(place)):
            found.append(place)
        elif place in kinks:
            found[-1] = place
    return found


def _panels(anchors: list[Any]) -> list[tuple[Any, Any]]:
    """Panels over the line, shrinking towards every anchor."""

    def steps(reach: Any) -> list[Any]:
        found = [mp.zero, _NEAREST]
        while (following := found[-1] * (4 if found[-1] < _FINE else 2)) < reach:
            found.append(following)
        return found

    out = [*steps(_FARTHEST), _FARTHEST]
    ends = [anchors[0] - step for step in reversed(out)]
    for left, right in pairwise(anchors):
        half = steps((right - left) / 2)
        ends += [left + step for step in half[1:]]
        ends += [right - step for step in reversed(half)]
    ends += [anchors[-1] + step for step in out[1:]]
    return list(pairwise(ends))


def _samples(
    pieces: list[NumericPiece], anchors: list[Any], nodes: int
) -> list[tuple[Any, Any, Any]]:
    """(h, weight of dh, φ′²) on every panel."""
    points, weights, _ = legendre_rule(nodes, 20)
    found = []
    for low, high in _panels(anchors):
        middle, half = (low + high) / 2, (high - low) / 2
        slope = next((f for a, b, f in pieces if a <= middle <= b), None)
        if slope is None:
            continue
        for point, weight in zip(points, weights, strict=True):
            h = middle + half * point
            found.append((h, half * weight, slope(h)[0] ** 2))
    return found
