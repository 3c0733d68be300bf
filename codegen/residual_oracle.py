"""References for the density of residual networks of finite depth: mpmath's continuation.

`freejac.symbolic.residual_product` follows y and κ of every block, each by itself and not one kind
with a multiplicity, with S of the block as it is defined, at 30 digits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sympy as sp
from mpmath import mp, mpf

from freejac.codegen.points import uniform
from freejac.symbolic.residual_block import Block
from freejac.symbolic.residual_edges import support
from freejac.symbolic.residual_product import GUARD, BlockProduct
from freejac.symbolic.slope_nodes import SlopeTable
from freejac.symbolic.symbols import z

__all__ = ["DIGITS", "block_law", "block_points", "block_reference"]

DIGITS = 20
"""Of a reference."""
_PLACES = 5


def block_reference(name: str, point: Mapping[str, Any]) -> tuple[mpf, mpf]:
    """ρ(λ) of a point.

    Raises:
        NotConvergedError: the continuation did not reach λ.
    """
    with mp.workdps(DIGITS + GUARD):
        law = block_law(name.split("_", maxsplit=1)[0], point)
        lam = mpf(point["lam"])
        return law.density([lam])[0], mpf(1)


def block_points(count: int, *, seed: int = 0) -> list[dict[str, Any]]:
    """Laws of one to three kinds of blocks with one to four values; λ inside both spectra.

    Depths 1 to 100, s L from 0.1 to 4. Every fifth place lies from 1e-5 to 1/10 beside an end of
    the spectrum of Gaussian weights, relatively, and of that law alone if it is outside the other.
    """
    points: list[dict[str, Any]] = []
    places = uniform(2, count, seed)
    for turn, row in enumerate(uniform(4, -(-count // _PLACES), seed)):
        setting = _setting(turn, *row)
        ends = [_ends(weights, setting) for weights in ("gaussian", "orthogonal")]
        low, high = max(a for a, _ in ends), min(b for _, b in ends)
        for share, side in places[turn * _PLACES : (turn + 1) * _PLACES]:
            near = 10.0 ** (-1.0 - 4.0 * share)
            inner = low + share * (high - low)
            beside = low * (1.0 + near) if side < 0.5 else high * (1.0 - near)
            lam = beside if share > 0.8 and low > 0.0 else inner
            points.append({**setting, "lam": float(lam)})
    return points


def _ends(weights: str, setting: Mapping[str, Any]) -> tuple[float, float]:
    """Both ends of the spectrum, or of its upper interval."""
    with mp.workdps(DIGITS + GUARD):
        low, high = support(block_law(weights, setting))[-1]
        return float(low), float(high)


def block_law(weights: str, point: Mapping[str, Any]) -> BlockProduct:
    """The law, of the doubles as they are."""
    variance = sp.Rational(point["variance"])
    transform = 1 / variance / (1 + z) if weights == "gaussian" else 1 / variance
    blocks = []
    for values, masses, layers in zip(
        point["values"], point["masses"], point["layers"], strict=True
    ):
        atoms = [(mpf(v), mpf(w)) for v, w in zip(values, masses, strict=True) if w]
        table = SlopeTable([], mp.one, atoms)
        blocks.append(Block((table,), sp.sympify(transform), mp.one, int(layers)))
    return BlockProduct(blocks, DIGITS)


def _setting(turn: int, u: float, v: float, w: float, t: float) -> dict[str, Any]:
    """A law."""
    kinds, nodes = 1 + turn % 3, 1 + turn % 4
    depth = max(kinds, round(100.0**u))
    layers = [float(depth // kinds)] * kinds
    layers[0] += float(depth % kinds)
    values = [
        [(0.2 + 0.8 * v) ** j * (1.0 + 0.2 * k * w) for j in range(nodes)] for k in range(kinds)
    ]
    shares = [[0.1 + (7.3 * (j + 1) * w + 0.37 * k) % 1.0 for j in range(nodes)]
              for k in range(kinds)]  # fmt: skip
    masses = [[share / (sum(row) * (1.0 + 0.3 * t)) for share in row] for row in shares]
    return {
        "values": values,
        "masses": masses,
        "layers": layers,
        "variance": 0.1 * 40.0**t / depth,
    }
