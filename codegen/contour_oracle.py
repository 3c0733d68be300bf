"""References for the density of J Jᵀ of any φ: mpmath's continuation, whose means are panels.

`freejac.symbolic.smooth_product` follows the law from large |λ| with E[φ′²/(1 − κφ′²)] integrated
by Gauss–Legendre on panels of the real line, bisected until nothing changes: no contour, no rule of
the kernel's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp
from mpmath import mpf

from freejac.codegen.contour_anchors import contour_anchors
from freejac.codegen.contour_nodes import contour_rule, table_contour
from freejac.codegen.points import uniform
from freejac.symbolic.jacobian import Jacobian
from freejac.symbolic.smooth_product import SmoothProduct

__all__ = ["DIGITS", "PHIS", "contour_points", "contour_reference"]

PHIS = (
    "tanh", "sigmoid", "softplus", "gelu", "swish", "mish", "elu", "erf", "sin",
    "0.7*tanh(x) + 0.3*x",
)  # fmt: skip
_DEPTHS = (1, 2, 4, 32, 1000)
_PLACES, _MOST = 3, 36
DIGITS = 20
"""Of a reference."""
_NEAREST = -9.0
"""The logarithm of the least distance from an end, relatively."""
_FINENESS = 9.0
_LEAST = 1e-4


def contour_reference(point: Mapping[str, Any]) -> dict[str, tuple[mpf, mpf]]:
    """ρ(λ) of the activation behind a point's rule, of its ensemble, by the kernel's name.

    Raises:
        NotConvergedError: the continuation did not reach λ.
    """
    law = point["phi"], point["weights"], int(point["depth"]), point["q"], point["sigma_w"]
    return {f"{point['weights']}_density": (_density(*law, point["lam"]), mpf(1))}


@lru_cache(maxsize=256)
def _density(phi: str, weights: str, depth: int, variance: float, scale: float, lam: float) -> mpf:
    """ρ(λ)."""
    (found,) = _law(phi, weights, depth, variance, scale).density([mpf(lam)])
    return found


def contour_points(count: int, *, seed: int = 0) -> list[dict[str, Any]]:
    """Rules of ten activations, and places in the spectrum of one ensemble each.

    Depths 1 to 1000 (orthogonal from 2), q from 1e-3 to 1e2, mean eigenvalue 1. Of each law one
    place is within two standard deviations of log λ, one lies from 1e-9 to 1/10 below the upper
    end, relatively, one in the same way above a lower end that is not 0, and one,
    of Gaussian weights, from 1 down to 1e-280 or 10^(−8(L + 1)). What lies in a tail, λρ < 1e-2,
    or 1e-4 √d at a distance d from an end, is left out.
    """
    points: list[dict[str, Any]] = []
    count = min(count, _MOST)
    for turn, (u, *places) in enumerate(uniform(1 + _PLACES, 2 * count, seed)):
        phi, depth = PHIS[turn % len(PHIS)], _DEPTHS[(turn + turn // len(PHIS)) % len(_DEPTHS)]
        weights = ("gaussian", "orthogonal")[turn // 2 % 2]
        if weights == "orthogonal":
            # half of elu's φ′² is 1: two layers of it do not end in a square root
            depth = max(depth, 4 if phi == "elu" else 2)
        variance = 10.0 ** (5.0 * u - 3.0)
        points += _points(phi, weights, depth, variance, places)
        if len(points) >= count:
            return points[:count]
    return points


def _points(
    phi: str, weights: str, depth: int, variance: float, places: list[float]
) -> list[dict[str, Any]]:
    """The places of one law; none where no contour serves."""
    rule = _rule(_law(phi, weights, depth, variance, 1.0))
    if rule is None:
        return []
    flat, a, a_y, weight, weight_y = rule
    values, masses = a + 1j * a_y, weight + 1j * weight_y
    first, second = (float(np.sum(masses * values**k).real) for k in (1, 2))
    spread = math.log1p(depth * (second / first**2 - 1.0 + (weights == "gaussian")))
    scale = first**-0.5
    exact = _law(phi, weights, depth, variance, scale)
    low, high = map(float, exact.support[0])
    near = [10.0 ** (_NEAREST + u * (-1.0 - _NEAREST)) for u in places]
    middle = math.exp(-0.5 * spread + (4.0 * places[0] - 2.0) * math.sqrt(spread))
    found = [min(max(middle, 1.1 * low), 0.9 * high), high * (1.0 - near[1])]
    if low > 0.0:
        found.append(low * (1.0 + near[2]))
    own = {
        "phi": phi, "weights": weights, "q": variance, "flat": flat, "values": values,
        "masses": masses, "sigma_w": scale, "depth": float(depth),
        "anchors": contour_anchors(exact, rule),
    }  # fmt: skip
    law = phi, weights, depth, variance, scale
    # the first is none next to an edge
    bounds = (100 * _LEAST, _LEAST * math.sqrt(near[1]), _LEAST * math.sqrt(near[2]))
    found = [u for u, bound in zip(found, bounds, strict=False) if u * _density(*law, u) > bound]
    if weights == "gaussian":
        found.append(10.0 ** (-min(280.0, 8.0 * (depth + 1)) * places[2]))
    return [{**own, "lam": lam} for lam in found]


def _law(phi: str, weights: str, depth: int, variance: float, scale: float) -> SmoothProduct:
    """The law of the doubles as they are."""
    law = Jacobian(phi, weights, depth=depth).layer_product(
        q=sp.Rational(variance), sigma_w=sp.Rational(scale), digits=DIGITS
    )
    assert isinstance(law, SmoothProduct)
    return law


def _rule(law: SmoothProduct) -> Any:
    """The rule the kernel is given."""
    branches = table_contour(law.layers[0].table)
    return branches and contour_rule(branches, _FINENESS)
