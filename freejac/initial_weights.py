"""Initialisation: the (σ_w, σ_b) at which a deep network keeps its signals and its gradients.

>>> found = initialisation("tanh", 32, weights="orthogonal", variance=0.25)
>>> round(found.variance, 6), round(found.sigma_w, 6), round(found.chi, 12)
(0.25, 1.034165, 1.0)
>>> initialisation("relu", 10).sigma_w == 2**0.5
True
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from freejac.initial_feedforward import CriticalLine
from freejac.initial_residual import residual
from freejac.initial_result import Initialisation
from freejac.symbolic.errors import InputError

__all__ = ["initialisation"]

_DEEPEST = 10**6
_DEFAULT_VARIANCE = 0.25
_DEFAULT_CUMULANT = 0.125


def initialisation(
    phi: str,
    depth: int,
    *,
    architecture: str = "feedforward",
    weights: str = "gaussian",
    variance: float | None = None,
    cumulant: float | None = None,
    q: float | None = None,
    sigma_b: float = 0.0,
    input_square: float = 1.0,
) -> Initialisation:
    """Find the scales of weights and biases for a network.

    Args:
        phi: an activation, as `freejac.kernels` takes it.
        depth: the number of layers L.
        architecture: "feedforward", at criticality (χ = 1), or "residual".
        weights: "gaussian" or "orthogonal"; a deep residual network has the same
            spectrum with both.
        variance: what the variance of the eigenvalues of JJᵀ shall not exceed (feed-forward);
            1/4 where orthogonal weights reach it, when left out.
        cumulant: the effective cumulant (residual); 1/8 when left out.
        q: the point of the critical line to take (feed-forward), in place of a variance.
        sigma_b: standard deviation of the biases (residual).
        input_square: mean square of the entries of the input (residual).

    Raises:
        InputError: an argument is out of range, or does not go with the architecture.
        Error: there is no critical point, or none keeps the variance below the target; the
            message says what can be reached, and why not less.

    Source: Pennington, Schoenholz & Ganguli (2017), arXiv:1711.04735, and (2018),
        arXiv:1802.09979; Tarnowski et al. (2019), arXiv:1809.08848, sections II.2 and III.1.

    >>> initialisation("relu", 32, weights="orthogonal", variance=1)
    Traceback (most recent call last):
        ...
    freejac.symbolic.errors.Error: relu with orthogonal weights: at χ = 1 the variance of JJᵀ is \
L (μ_2/μ_1² − 1 − s_1) ≥ 32 at every q, and not below 1 (Pennington, Schoenholz & Ganguli (2017), \
arXiv:1711.04735, eqs. (12)-(24)): relu: no value of φ′² becomes certain as q → 0, so the \
variance grows with the depth
    >>> found = initialisation("relu", 10, architecture="residual", cumulant=0.5)
    >>> round(found.sigma_w, 12), round(found.moment_1, 6)       # c = σ_w²/2, m_1 = eᶜ
    (1.0, 1.648721)
    """
    _require(depth, {"variance": variance, "cumulant": cumulant, "q": q})
    if weights not in ("gaussian", "orthogonal"):
        raise InputError(f"weights are gaussian or orthogonal, not {weights!r}")
    if architecture == "residual":
        if variance is not None or q is not None:
            raise InputError(
                "a residual network has a cumulant for its target, not a variance or q"
            )
        target = _DEFAULT_CUMULANT if cumulant is None else cumulant
        return residual(phi, depth, weights, target, sigma_b, input_square)
    if architecture != "feedforward":
        raise InputError(f"the architecture is feedforward or residual, not {architecture!r}")
    if cumulant is not None or sigma_b:
        raise InputError("cumulant and sigma_b belong to residual networks; give a variance or q")
    if q is not None and variance is not None:
        raise InputError("give q or a variance, not both")
    line = CriticalLine(phi, depth, weights)
    if q is not None:
        return line.at(q, "the point of the critical line χ = 1 that was asked for")
    if variance is not None:
        return line.below(variance)
    if weights == "orthogonal" and line.least < _DEFAULT_VARIANCE:
        return line.below(_DEFAULT_VARIANCE)
    return line.default()


def _require(depth: object, targets: Mapping[str, float | None]) -> None:
    """Refuse a depth that is no number of layers, and targets that are not positive."""
    if isinstance(depth, bool) or not isinstance(depth, int) or not 1 <= depth <= _DEEPEST:
        raise InputError(f"the depth is a whole number from 1 to {_DEEPEST}, not {depth!r}")
    for name, value in targets.items():
        if value is not None and not (value > 0 and math.isfinite(value)):
            raise InputError(f"{name} must be positive and finite, not {value}")
