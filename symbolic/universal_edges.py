"""The edges of the universal law of residual networks, skip weight 1: where dλ/dm = 0."""

from __future__ import annotations

from functools import lru_cache

import sympy as sp

from freejac.symbolic.depth_expansion import universal_exponent
from freejac.symbolic.errors import InternalError
from freejac.symbolic.symbols import cumulant, z

__all__ = ["edge_parts"]


@lru_cache(maxsize=1)
def edge_parts() -> tuple[tuple[sp.Expr, sp.Expr], ...]:
    """Find (λ without its exponential, the exponent) at the lower and at the upper edge.

    The edges are inverse to each other in both parts; the lower one is written as an inverse,
    which loses no digits to cancellation at small c.

    >>> edge_parts()[1][0]
    sqrt(cumulant)*sqrt(cumulant + 2) + cumulant + 1
    """
    exponent = cumulant * universal_exponent()
    slope = 1 / (1 + z) - 1 / z - sp.diff(exponent, z)
    condition = sp.Poly(sp.fraction(sp.cancel(slope))[0], z)
    square, linear, rest = condition.all_coeffs()
    half, product = sp.cancel(-linear / (2 * square)), sp.cancel(rest / square)
    root = sp.sqrt(sp.factor(half**2 - product))
    (low, fall), (high, rise) = (
        (sp.expand(sp.radsimp((1 + m) / m)), sp.expand(-exponent.subs(z, m)))
        for m in (half - root, half + root)
    )
    if sp.expand(low * high) != 1 or sp.expand(fall + rise) != 0:
        raise InternalError("the edges of the residual spectrum are not inverse to each other")
    return (1 / high, fall), (high, rise)
