"""References for the density of J Jᵀ of any φ: mpmath's continuation, whose means are panels.

`freejac.symbolic.smooth_product` follows the law from large |λ| with E[φ′²/(1 − κφ′²)] integrated
by Gauss–Legendre on panels of the real line, bisected until nothing changes: no contour, no rule of
the kernel's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from mpmath import mp, mpf

from freejac.codegen.contour_nodes import contour_law, contour_rule
from freejac.codegen.points import uniform
from freejac.symbolic.jacobian import Jacobian
from freejac.symbolic.smooth_product import SmoothProduct

__all__ = ["DIGITS", "contour_points", "contour_reference"]

_NAMES = ("tanh", "softplus", "swish", "elu")
_COUNT = 20
DIGITS = 13
"""Of a reference."""
_FINENESS = 9.0


def contour_reference(name: str, point: Mapping[str, Any]) -> tuple[mpf, mpf]:
    """ρ(λ) of the activation behind a point's rule.

    Raises:
        NotConvergedError: the continuation did not reach λ.
    """
    weights = name.split("_", maxsplit=1)[0]
    jacobian = Jacobian(point["phi"], weights, depth=int(point["depth"]))
    law = jacobian.layer_product(q=point["q"], sigma_w=point["sigma_w"], digits=DIGITS)
    assert isinstance(law, SmoothProduct)
    (found,) = law.density([mp.mpf(point["lam"])])
    return found, mpf(1)


def contour_points(*, seed: int = 0) -> list[dict[str, Any]]:
    """Rules of four activations, depths 2 to 5, a λ in the bulk of both ensembles' spectra."""
    points = []
    for turn, (u, v, w) in enumerate(uniform(3, _COUNT, seed)):
        phi, variance, depth = _NAMES[turn % len(_NAMES)], 10.0 ** (u - 0.5), 2 + int(4 * v)
        law = Jacobian(phi, depth=depth).layer_product(q=variance, digits=DIGITS)
        assert isinstance(law, SmoothProduct)
        pieces = [
            (low, high, lambda x, slope=slope: slope(x)[0])
            for low, high, slope in law.layers[0].table.smooth_pieces
        ]
        branches = contour_law(pieces, variance)
        rule = branches and contour_rule(branches, _FINENESS)
        if rule is None:
            continue
        flat, a, a_y, weight, weight_y = rule
        values, masses = a + 1j * a_y, weight + 1j * weight_y
        first, second = (float(np.sum(masses * values**k).real) for k in (1, 2))
        total = depth * (second / first**2 - 1.0)
        scale = first**-0.5
        points.append({
            "phi": phi,
            "q": variance,
            "lam": math.exp(-0.5 * total + (w - 0.5) * math.sqrt(total)),
            "flat": flat,
            "values": values,
            "masses": masses,
            "sigma_w": scale,
            "depth": float(depth),
        })  # fmt: skip
    return points
