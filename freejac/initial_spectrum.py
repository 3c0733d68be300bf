"""The spectrum of JJᵀ that an initialisation has: ends, atoms, density.

>>> round(ends("tanh", "gaussian", 2, 0.0, 1.0)[1], 12)          # q → 0: two Gaussian layers
6.75
"""

from __future__ import annotations

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from freejac import edge_kernels
from freejac.initial_result import Initialisation
from freejac.networks import Jacobian, ResNet
from freejac.phase_grid import numbers_for
from freejac.symbolic.activation import activation
from freejac.symbolic.derivative_law import AtomicLaw, DerivativeLaw
from freejac.symbolic.errors import Error, NoClosedForm
from freejac.symbolic.symbols import depth as depth_symbol
from freejac.symbolic.symbols import q as variance_symbol
from freejac.symbolic.symbols import sigma_w as scale_symbol
from freejac.symbolic.time_limit import OutOfTime, at_most

__all__ = ["SMALL", "atoms", "density", "ends"]

Array = NDArray[np.float64]

SMALL = 1e-9
"""Up to which q φ′² counts as constant."""
_PATIENCE = 20.0


def ends(phi: str, weights: str, depth: int, q: float, sigma_w: float) -> tuple[float, float]:
    """The lowest and the largest eigenvalue, atoms included; nan where they are not resolved.

    As q → 0 on the critical line D² tends to the constant 1/σ_w².
    """
    if q <= SMALL:
        phi, q, sigma_w = "linear", 1.0, 1.0
    low, high = edge_kernels.edges(phi, weights, depth, q, sigma_w)
    return float(low), float(high)


def atoms(
    phi: str, weights: str, depth: int, q: float, sigma_w: float
) -> tuple[tuple[float, float], ...]:
    """(place, mass) of each atom; none where they are no finite set."""
    shown, values = (
        activation(phi),
        {variance_symbol: q, scale_symbol: sigma_w, depth_symbol: depth},
    )
    try:
        exact = _law_at(phi, weights, q, sigma_w).atoms()
    except NoClosedForm:
        return ()
    pairs = (tuple(float(numbers_for(shown, part).subs(values)) for part in pair) for pair in exact)
    return tuple((place, mass) for place, mass in pairs if mass > 0)


def density(found: Initialisation, lam: Array) -> Array | None:
    """The density of the eigenvalues of JJᵀ that an initialisation has, or None if not resolved."""
    try:
        if found.architecture == "residual":
            return ResNet().density(lam, cumulant=found.cumulant)
        law = _law_at(found.activation, found.weights, found.q, found.sigma_w)
        with at_most(_PATIENCE):
            return law.density(
                lam, q=found.q or None, sigma_w=found.sigma_w, depth=found.depth, digits=9
            )
    except (Error, OutOfTime):
        return None


def _law_at(phi: str, weights: str, q: float, sigma_w: float) -> Jacobian:
    """The law of JJᵀ, with D² = 1/σ_w² as q → 0."""
    if q > SMALL:
        return Jacobian(phi, weights)
    constant: DerivativeLaw = AtomicLaw(phi, ((sp.Float(sigma_w**-2, 17), 1),))
    return Jacobian(constant, weights)
