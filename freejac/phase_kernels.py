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

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from numbers import Integral
from typing import Any

from freejac.symbolic.errors import DomainError

__all__ = [
    "FeedForward",
    "FixedPoints",
    "Phase",
    "PhaseDiagram",
    "PhaseKernels",
    "Residual",
    "Stability",
    "Status",
]

_MOST_LAYERS = 10**6


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


class PhaseKernels:
    """The methods of `freejac.evaluators.Kernels` that solve mean-field equations."""

    def _call_solver(
        self,
        name: str,
        before: tuple[int, ...],
        given: Mapping[str, Any],
        parameters: Mapping[str, Any],
    ) -> Any:
        raise NotImplementedError

    def fixed_points(self, sigma_w: Any, sigma_b: Any, **parameters: Any) -> FixedPoints:
        """Every fixed point of the length map V(q) = σ_w² E[φ(h)²] + σ_b², with its stability.

        None is missed: E[φ²] does not depend on σ_w and σ_b, so that the intervals on which it is
        convex or concave are found once, and on each of them V(q) = q at most twice.

        Args:
            sigma_w: σ_w, from 1e-3 to 1e3.
            sigma_b: σ_b, from 0 to 1e3.
            parameters: of the activation.

        Returns:
            The fixed points; q is good to 2e-13/|1 − V′|, relative: what the means may be off,
            over the distance from criticality.

        Raises:
            DomainError: an argument is not a real number.

        >>> from freejac.evaluators import kernels
        >>> found = kernels("erf").fixed_points([1.0, 0.5], 0.0)
        >>> found.q.round(6).tolist(), found.stability.tolist()
        ([[0.0, 0.141924], [0.0, nan]], [[3, 1], [1, 0]])
        >>> kernels("relu").fixed_points(2**0.5, 0.0).q_end     # every length is kept
        array([inf])
        """
        return FixedPoints(*self._solve("fixed_points", sigma_w, sigma_b, parameters=parameters))

    def phase(self, sigma_w: Any, sigma_b: Any, q0: Any = 1.0, **parameters: Any) -> PhaseDiagram:
        """Where a wide network takes a signal of length q₀, and over how many layers.

        The fixed point is not found by iteration. As √q E[φ²] rises, log V falls by at most half of
        what log q rises, so that every iteration of V ends in the next fixed point on its way, or
        at infinity.

        Args:
            sigma_w: σ_w, from 1e-3 to 1e3.
            sigma_b: σ_b, from 0 to 1e3.
            q0: the length of the first pre-activation, from 1e-12 to 1e12.
            parameters: of the activation.

        Returns:
            q*, χ, c* and the depth scales. Next to criticality digits are few, as the means may be
            off by 2e-13: q is good to r = 2e-13/|1 − V′|, 1 − c* to 2e-13/|1 − χ|, a depth scale ξ
            to 2e-13 ξ, all relative; where two q* are about to merge ξ_q is good to ξ_q r. What
            would have no digit is called critical.

        Raises:
            DomainError: an argument is not a real number.

        Source: Poole et al. (2016), arXiv:1606.05340; Schoenholz et al. (2017), arXiv:1611.01232,
            eqs. (7)–(9).

        >>> from freejac.evaluators import kernels
        >>> found = kernels("erf").phase([0.5, 1.6], 0.2)
        >>> found.phase.tolist(), found.c.round(6).tolist(), found.xi_c.round(6).tolist()
        ([1, 3], [1.0, 0.219388], [0.802621, 7.555326])
        """
        found = self._solve("phase", sigma_w, sigma_b, q0, parameters=parameters)
        return PhaseDiagram(*found)

    def propagate(
        self,
        depth: int,
        sigma_w: Any,
        sigma_b: Any,
        q1: Any,
        *,
        skip: Any = 1.0,
        mean: Any = 0.0,
        **parameters: Any,
    ) -> Residual:
        """A signal through the residual network xˡ = φ(hˡ) + a xˡ⁻¹, W of variance σ_w²/(L N).

        The fast twin of `freejac.ResNet.propagate`. Sums are kept in two doubles, so that 10⁵
        layers add no error of their own.

        Args:
            depth: the number of layers L, from 1 to 10⁶.
            sigma_w: σ_w, from 1e-3 to 1e3.
            sigma_b: σ_b, from 0 to 1e3.
            q1: the variance of the first pre-activation, > σ_b².
            skip: the skip weight a.
            mean: ⟨x⁰⟩, with ⟨x⁰⟩² ≤ (q1 − σ_b²)L/σ_w².
            parameters: of the activation.

        Raises:
            DomainError: the depth is not a whole number from 1 to 10⁶, or another argument is not a
                real number.

        Source: Tarnowski et al. (2019), arXiv:1809.08848, section II.2.

        >>> from freejac.evaluators import kernels
        >>> kernels("linear").propagate(4, 1, 0, 1).q     # (1 + 1/4)ˡ⁻¹
        array([1.      , 1.25    , 1.5625  , 1.953125])
        """
        arguments = (sigma_w, sigma_b, q1, skip, mean)
        return Residual(*self._solve("propagate", *arguments, depth=depth, parameters=parameters))

    def feed_forward(
        self,
        depth: int,
        sigma_w: Any,
        sigma_b: Any,
        q1: Any,
        c1: Any = 1.0,
        **parameters: Any,
    ) -> FeedForward:
        """Two signals of one length through a plain network, layer by layer.

        Args:
            depth: the number of layers L, from 1 to 10⁶.
            sigma_w: σ_w, from 1e-3 to 1e3.
            sigma_b: σ_b, from 0 to 1e3.
            q1: the variance of the first pre-activations, from 1e-12 to 1e12.
            c1: their correlation, from −1 to 1.
            parameters: of the activation.

        Raises:
            DomainError: the depth is not a whole number from 1 to 10⁶, or another argument is not a
                real number.

        Source: Poole et al. (2016), arXiv:1606.05340, eqs. (3)–(5).

        >>> from freejac.evaluators import kernels
        >>> kernels("relu").feed_forward(3, 2**0.5, 0, 1, 0.0).c.round(6)
        array([0.      , 0.31831 , 0.493731])
        """
        arguments = (sigma_w, sigma_b, q1, c1)
        found = self._solve("feed_forward", *arguments, depth=depth, parameters=parameters)
        return FeedForward(*found)

    def _solve(
        self, name: str, *arguments: Any, parameters: dict[str, Any], depth: int | None = None
    ) -> Any:
        names = {
            "fixed_points": ("sigma_w", "sigma_b"),
            "phase": ("sigma_w", "sigma_b", "q0"),
            "propagate": ("sigma_w", "sigma_b", "q1", "skip", "mean"),
            "feed_forward": ("sigma_w", "sigma_b", "q1", "c1"),
        }[name]
        given = dict(zip(names, arguments, strict=True))
        if depth is None:
            return self._call_solver(name, (), given, parameters)
        whole = isinstance(depth, Integral) and not isinstance(depth, bool)
        if not whole or not 1 <= depth <= _MOST_LAYERS:
            raise DomainError(f"the depth is a whole number from 1 to 10⁶, not {depth!r}")
        return self._call_solver(name, (int(depth),), given, parameters)
