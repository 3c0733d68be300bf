"""The spectrum of JJᵀ that an initialisation has: ends, atoms, density.

>>> round(ends("tanh", "gaussian", 2, 0.0, 1.0)[1], 12)          # q → 0: two Gaussian layers
6.75
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from mpmath import mp
from numpy.typing import NDArray

from freejac import edge_kernels
from freejac.contour_density import contour_density
from freejac.initial_result import Initialisation
from freejac.networks import Jacobian, ResNet
from freejac.phase_grid import numbers_for
from freejac.symbolic.activation import activation
from freejac.symbolic.errors import Error, NoClosedForm
from freejac.symbolic.fixed_points import bind_parameters
from freejac.symbolic.quadrature import numeric_pieces
from freejac.symbolic.symbols import depth as depth_symbol
from freejac.symbolic.symbols import q as variance_symbol
from freejac.symbolic.symbols import sigma_w as scale_symbol
from freejac.symbolic.time_limit import OutOfTime, at_most

__all__ = ["SMALL", "atoms", "density", "ends", "spread_at_rest"]

Array = NDArray[np.float64]

SMALL = 1e-9
"""Up to which q φ is its tangents at 0."""
_DIGITS = 25
_PATIENCE = 5.0


def ends(phi: str, weights: str, depth: int, q: float, sigma_w: float) -> tuple[float, float]:
    """The lowest and the largest eigenvalue, atoms included; nan where they are not resolved."""
    phi, q = _at(phi, q)
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
        exact = Jacobian(phi, weights).atoms()
    except NoClosedForm:
        return ()
    pairs = (tuple(float(numbers_for(shown, part).subs(values)) for part in pair) for pair in exact)
    return tuple((place, mass) for place, mass in pairs if mass > 0)


def density(found: Initialisation, lam: Array) -> Array | None:
    """The density of the eigenvalues of JJᵀ that an initialisation has.

    Returns:
        To nine digits; nan at an eigenvalue where it is not resolved, None where it is nowhere.
    """
    if found.architecture == "residual":
        return ResNet().density(lam, cumulant=found.cumulant)
    phi, q = _at(found.activation, found.q)
    law = Jacobian(phi, found.weights)
    scale, depth = found.sigma_w, found.depth
    try:
        with at_most(_PATIENCE):
            # The continuation in double precision leaves out what it does not resolve.
            numbers = law.layer_product(q=q, sigma_w=scale, depth=depth, digits=9)
            contour = contour_density(numbers)
            if contour is not None:
                return contour(lam)
            return law.density(lam, q=q, sigma_w=scale, depth=depth, digits=9)
    except (Error, OutOfTime):
        return None


def spread_at_rest(phi: str) -> float:
    """μ_2/μ_1² − 1 as q → 0: 0 but for a φ with a kink at 0."""
    right, left = (float(slope) ** 2 for slope in _slopes_at_rest(phi))
    return ((right - left) / (right + left)) ** 2


def _at(phi: str, q: float) -> tuple[str, float]:
    """An activation and a q with this law of D²; as q → 0 the tangents of φ at 0 stand for it."""
    if q > SMALL:
        return phi, q
    right, left = _slopes_at_rest(phi)
    if right == left:
        return f"{right}*x", 1.0
    return f"where(x > 0, {right}*x, {left}*x)", 1.0


@lru_cache(maxsize=64)
def _slopes_at_rest(phi: str) -> tuple[str, str]:
    """φ′ on the right and on the left of 0, as decimals."""
    shown = activation(phi)
    with mp.workdps(_DIGITS + 5):
        pieces = numeric_pieces([shown.distribution(1)], bind_parameters(shown, {}))
        right = next(slope for low, high, slope in pieces if low <= 0 < high)
        left = next(slope for low, high, slope in pieces if low < 0 <= high)
        first, second = (mp.nstr(slope(mp.zero)[0], _DIGITS) for slope in (right, left))
    return first, second
