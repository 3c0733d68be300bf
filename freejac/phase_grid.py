"""Where wide networks end up: q*, χ, depth scales and phase at every point of a (σ_w, σ_b) grid.

The numbers come from the compiled kernels of the activation; the critical line χ = 1 is the exact
curve of `MeanField.critical_line`, with numbers put in.

>>> points = phase_points("erf", [1.0, 1.6], 0.2)
>>> [PHASES[k] for k in points.phase], points.chi.round(6).tolist()
(['ordered', 'chaotic'], [0.886708, 1.27455])
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from freejac.arrays import real_array
from freejac.evaluators import Kernels, compile, kernels
from freejac.phase_kernels import Phase, Status
from freejac.symbolic.activation import Activation, activation
from freejac.symbolic.derivative_law import AtomicLaw, derivative_law
from freejac.symbolic.errors import DomainError, InputError
from freejac.symbolic.mean_field import MeanField
from freejac.symbolic.symbols import q as variance

__all__ = [
    "PHASES",
    "STATUSES",
    "CriticalCurve",
    "PhasePoints",
    "bound_kernels",
    "critical_curve",
    "linear_share",
    "numbers_for",
    "phase_points",
    "without_length",
]

Array = NDArray[Any]

PHASES = tuple(phase.name.lower() for phase in Phase)
"""What the codes of `PhasePoints.phase` stand for; none where no fixed point is reached."""

STATUSES = tuple(status.name.lower() for status in Status)
"""What the codes of `PhasePoints.status` stand for."""

_LOW, _HIGH = 1e-12, 1e12
_CRUMBS = 1e-13


@dataclass(frozen=True)
class PhasePoints:
    """Numbers at every point of a grid; arrays of one shape.

    Attributes:
        q: the attracting fixed point q* of the length map; ∞ where lengths grow without bound.
        chi: χ at q*, the growth of a small perturbation across one layer.
        chi_parallel: χ_∥ = V′(q*).
        p: probability that a piecewise-linear unit is on a slope other than 0; nan for other φ.
        c: the attracting fixed point c* of the correlation map; 1 in the ordered phase.
        xi_q: ξ_q = −1/log|χ_∥|, in layers.
        xi_c: ξ_c, −1/log of the slope of the correlation map at c*, in layers; ∞ at χ = 1.
        phase: index into `PHASES`.
        status: index into `STATUSES`.
    """

    q: Array
    chi: Array
    chi_parallel: Array
    p: Array
    c: Array
    xi_q: Array
    xi_c: Array
    phase: Array
    status: Array


def phase_points(phi: str, sigma_w: Any, sigma_b: Any) -> PhasePoints:
    """Find the phase of an activation at points (σ_w, σ_b), which broadcast.

    Args:
        phi: an activation, as `freejac.kernels` takes it.
        sigma_w: σ_w > 0.
        sigma_b: σ_b ≥ 0.

    Raises:
        InputError: the activation cannot be read.
        DomainError: a value is not a number, or φ jumps.
    """
    found = bound_kernels(phi).phase(sigma_w, sigma_b)
    share = linear_share(phi)(np.clip(found.q, _LOW, _HIGH))
    return PhasePoints(
        q=found.q,
        chi=_chi(phi, found, sigma_w),
        chi_parallel=found.slope,
        p=np.where(np.isfinite(found.q), share, np.nan),
        c=found.c,
        xi_q=found.xi_q,
        xi_c=found.xi_c,
        phase=found.phase,
        status=found.status,
    )


def _chi(phi: str, found: Any, sigma_w: Any) -> Array:
    """χ at q*; where lengths grow without bound, that of a φ′² whose law does not depend on q."""
    if not without_length(phi) or np.isfinite(found.q).all():
        return found.chi
    return np.where(np.isinf(found.q), bound_kernels(phi).chi(1.0, sigma_w), found.chi)


@lru_cache(maxsize=64)
def without_length(phi: str) -> bool:
    """Whether the law of D² does not depend on q, as for ReLU."""
    law = derivative_law(phi)
    return isinstance(law, AtomicLaw) and not any(mass.has(variance) for _, mass in law.masses)


@lru_cache(maxsize=64)
def bound_kernels(phi: str) -> Kernels:
    """The kernels of an activation whose parameters all have values.

    Raises:
        InputError: the activation cannot be read, or a parameter has no value.
    """
    require_values(activation(phi))
    return kernels(phi)


@lru_cache(maxsize=64)
def linear_share(phi: str) -> Any:
    """Make the function p(q) = P(φ′(h) ≠ 0) of a piecewise-linear φ; nan for any other.

    >>> float(linear_share("relu")(2.0)), float(linear_share("tanh")(1.0))
    (0.5, nan)
    """
    law = derivative_law(phi)
    if not isinstance(law, AtomicLaw):
        return lambda q: np.full(np.shape(q), np.nan)
    share = numbers_for(activation(phi), 1 - law.mass_at_zero)
    if not share.free_symbols:
        return lambda q: np.full(np.shape(q), float(share))
    return compile(share, [variance])


def numbers_for(phi: Activation, expr: sp.Expr) -> sp.Expr:
    """Put the default values of an activation's parameters in.

    Raises:
        InputError: a parameter has none.
    """
    require_values(phi)
    return expr.subs(phi.defaults)


def require_values(phi: Activation) -> None:
    """Refuse an activation with a parameter that has no value.

    Raises:
        InputError: there is one.
    """
    missing = [symbol.name for symbol in phi.parameters if symbol not in phi.defaults]
    if missing:
        raise InputError(f"give a value for {missing[0]}, a parameter of {phi.name}")


@dataclass(frozen=True)
class CriticalCurve:
    """The line χ = 1 in numbers: one row for each q on it.

    Attributes:
        q: the fixed point, ascending; the parameter of the curve.
        sigma_w: σ_w = 1/√E[φ′²].
        sigma_b: σ_b = √(q − σ_w² E[φ²]); points where that is not real are left out.
        chi_parallel: χ_∥ = V′(q); lengths tend to q where it is below 1.
        exact: (σ_w²(q), σ_b²(q)) as SymPy expressions.
    """

    q: Array
    sigma_w: Array
    sigma_b: Array
    chi_parallel: Array
    exact: tuple[sp.Expr, sp.Expr]


def critical_curve(phi: str, q: Any = None) -> CriticalCurve:
    """Put numbers into the critical line of an activation.

    Args:
        phi: an activation, as `freejac.kernels` takes it.
        q: values of the parameter, positive; 10⁻⁴ … 10⁴, twenty a decade, when left out.

    Raises:
        InputError: the activation cannot be read.
        DomainError: φ jumps, and χ is infinite; or a q is not positive.

    >>> curve = critical_curve("relu", [1, 2])
    >>> curve.exact, curve.sigma_w.round(6).tolist(), curve.sigma_b.tolist()
    ((2, 0), [1.414214, 1.414214], [0.0, 0.0])
    """
    at = np.geomspace(1e-4, 1e4, 161) if q is None else np.unique(real_array("q", q))
    if not ((at > 0) & np.isfinite(at)).all():
        raise DomainError("every q on the critical line must be positive and finite")
    shown = activation(phi)
    exact = MeanField(shown).critical_line()
    weight = 1 / bound_kernels(phi).mu_1(at)
    bias = at - weight * bound_kernels(phi).second_moment(at)
    # Where σ_b vanishes identically, as for ReLU, rounding leaves crumbs of either sign.
    bias = np.where(np.abs(bias) <= _CRUMBS * at, 0.0, bias)
    real = bias >= 0
    at, weight, bias = at[real], weight[real], bias[real]
    scale_w = np.sqrt(weight)
    return CriticalCurve(
        at, scale_w, np.sqrt(bias), bound_kernels(phi).chi_parallel(at, scale_w), exact
    )
