"""Where signals in a wide network end, over whole planes of (σ_w, σ_b): results of the solvers.

The solvers are generated, one module an activation (`generated/NAME_phase.py`). Here are the names
of what they return; the methods that call them are those of `freejac.evaluators.Kernels`:

    k.fixed_points(sigma_w, sigma_b)                    every q* of the length map
    k.phase(sigma_w, sigma_b, q0=1)                     the q* that is reached, χ, c*, depth scales
    k.propagate(depth, sigma_w, sigma_b, q1)            residual network, layer by layer
    k.feed_forward(depth, sigma_w, sigma_b, q1, c1=1)   plain network, layer by layer

Arguments broadcast against each other, and every field of a result is an array of their shape
(with an axis of fixed points or of layers behind it); the result at one place never depends on
what else is in the array.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

__all__ = ["FeedForward", "FixedPoints", "Phase", "PhaseDiagram", "Residual", "Stability", "Status"]


class Status(IntEnum):
    """How a solver ended."""

    RESOLVED = 0
    """Found; all fields are what they say."""
    INTERVAL = 1
    """A whole interval of lengths is fixed, to the resolution of the kernels (ReLU at σ_w = √2)."""
    DIVERGES = 2
    """V(q) > q from the start on and for all large q: lengths grow without bound."""
    BEYOND = 3
    """There is a fixed point outside [1e-12, 1e12] that is not resolved; its fields are nan."""
    UNRESOLVED = 4
    """Doubles do not tell, or a bound on iterations was met; the fields concerned are nan."""
    INVALID = 5
    """An argument is nan or outside its domain; all fields are nan."""


class Phase(IntEnum):
    """The phase of a network at its fixed point q*."""

    NONE = 0
    """No fixed point is reached."""
    ORDERED = 1
    """χ < 1: nearby inputs converge."""
    CRITICAL = 2
    """χ = 1 within the resolution."""
    CHAOTIC = 3
    """χ > 1: nearby inputs part."""


class Stability(IntEnum):
    """Whether lengths near a fixed point return to it."""

    NONE = 0
    """No fixed point: this entry fills up the array."""
    STABLE = 1
    """V′(q*) < 1."""
    MARGINAL = 2
    """V′(q*) = 1 within the resolution: a point of tangency, or an interval of fixed points."""
    UNSTABLE = 3
    """V′(q*) > 1."""


@dataclass(frozen=True)
class FixedPoints:
    """Every fixed point of the length map; the last axis counts them, q ascending.

    Attributes:
        q: q* with V(q*) = q*; 0 where V(0) = 0; ∞ where V(q) > q for all large q; nan fills up.
        q_end: the same as q, or the upper end of an interval [q, q_end] that is fixed.
        slope: V′(q*) = χ_∥; nan at ∞.
        chi: χ = σ_w² E[φ′²] at q*; nan at ∞.
        stability: a `Stability`.
        count: how many entries there are at each place, without the last axis.
        status: a `Status`, without the last axis: RESOLVED, INTERVAL, DIVERGES (none is finite),
            BEYOND or INVALID.
    """

    q: Any
    q_end: Any
    slope: Any
    chi: Any
    stability: Any
    count: Any
    status: Any


@dataclass(frozen=True)
class PhaseDiagram:
    """What a wide feed-forward network does to signals that start at length q₀.

    Attributes:
        q: the fixed point q* that V, V∘V, … reach from q₀; ∞ where they diverge.
        slope: V′(q*) = χ_∥.
        chi: χ = σ_w² E[φ′²] at q*.
        c: c*, the attracting fixed point of the correlation map at q*; 1 in the ordered phase.
        xi_q: ξ_q = −1/log|V′(q*)|, in layers; ∞ at V′ = 1, and 0 where V′ = 0.
        xi_c: ξ_c = −1/log σ_w² E[φ′(h₁)φ′(h₂)] at c*, in layers; ∞ on the critical line.
        phase: a `Phase`.
        status: a `Status`.
    """

    q: Any
    slope: Any
    chi: Any
    c: Any
    xi_q: Any
    xi_c: Any
    phase: Any
    status: Any


@dataclass(frozen=True)
class Residual:
    """What a residual network does to a signal; the last axis counts layers, 1 … L.

    Attributes:
        q: the variance of the pre-activation hˡ.
        mean: ⟨xˡ⟩.
        second_moment: ⟨(xˡ)²⟩.
        cumulants: c_l = σ_w² E[φ′(√q_l z)²].
        effective_cumulant: the mean of the c_l, without the last axis.
        status: a `Status`, without the last axis; BEYOND where q left [1e-12, 1e12], with nan from
            that layer on.
    """

    q: Any
    mean: Any
    second_moment: Any
    cumulants: Any
    effective_cumulant: Any
    status: Any


@dataclass(frozen=True)
class FeedForward:
    """What a plain network does to two inputs of one length; the last axis counts layers, 1 … L.

    Attributes:
        q: the variance of the pre-activation hˡ.
        chi: χ_l = σ_w² E[φ′(√q_l z)²].
        c: the correlation of the two inputs' pre-activations.
        status: a `Status`, without the last axis; BEYOND where q left [1e-12, 1e12], with nan from
            that layer on.
    """

    q: Any
    chi: Any
    c: Any
    status: Any
