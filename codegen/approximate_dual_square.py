"""The unit square on which the bounded part of a dual is fitted: coordinates, and values there.

The coordinates are those of `approximate_dual_table`; values are those of a product rule, and each
comes with what its error is held against, so that the error is relative to the dual where the
exact part outweighs the fitted one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import sympy as sp

from freejac.codegen.approximate_dual_growth import NARROW, WIDE, Growth

__all__ = ["Array", "Rules", "Square", "nodes_of", "sizes"]

Array = npt.NDArray[np.float64]

_LEAST_SHARE = 100  # of E[f²]: errors of a smaller D are held against that


@dataclass(frozen=True)
class Rules:
    """Values of a dual in double precision.

    Attributes:
        product: E[f(y + z) f(sign (y − z))] at (sign, variance of y, variance of z).
        odd: the same for an odd f and sign 1, without cancellation, at (variance of y, variance of
            z, their difference).
        mean: E[f(h)] at a variance of h, of which the square is the dual at c = 0.
        square: E[f(h)²], the dual at c = 1.
    """

    product: Callable[[float, float, float], float]
    odd: Callable[[float, float, float], float]
    mean: Callable[[float], float]
    square: Callable[[float], float]


@dataclass(frozen=True)
class Square:
    """The coordinates, and the function on them."""

    rules: Rules
    growth: Growth
    gap_scale: float
    share_scale: float
    rooted: bool
    exponent: int

    def narrow(self, share: float) -> float:
        """Variance of z."""
        if self.rooted:
            return self.share_scale * (share * (2.0 - share)) / (1.0 - share) ** 2
        return self.share_scale * share / (1.0 - share)

    def value(self, sign: float, gap: float, share: float) -> tuple[float, float, float]:
        """F, what its errors are held against, and the same where D vanishes.

        These are the size of the exact part, and the larger of |D| and a hundredth of E[f²], all
        over the factor of F.
        """
        b = self.narrow(share)
        a = (b + self.gap_scale * gap) / (1.0 - gap)
        root = math.sqrt(1.0 - gap)
        if self.growth.parity == -1:
            difference = gap * (self.gap_scale + b) / (1.0 - gap)
            whole = self.rules.odd(a, b, difference)
        elif gap == 0.0:
            whole = self.rules.mean(2.0 * b) ** 2
        else:
            whole = self.rules.product(sign, a, b)
        constant, rest = _exact_parts(self.growth, sign)
        exact = constant * gap / (1.0 + root) + sum(w * a**m * b**n for m, n, w in rest)
        scale = root * (self.share_scale + b) ** self.exponent
        if self.growth.parity == -1:
            scale *= gap
        least = max(abs(whole), self.rules.square(a + b) / _LEAST_SHARE)
        return (whole - exact) / scale, abs(exact) / scale, least / scale

    def parts(self, sign: float, gaps: Array, shares: Array) -> tuple[Array, Array, Array]:
        """The values on a grid, as three tables."""
        table = np.array([[self.value(sign, g, s) for s in shares] for g in gaps])
        return table[:, :, 0], table[:, :, 1], table[:, :, 2]

    def values(self, sign: float, gaps: Array, shares: Array) -> tuple[Array, Array]:
        """F on a grid, and the sizes that errors are relative to."""
        found, exact, least = self.parts(sign, gaps, shares)
        return found, sizes(found, exact, least)


def sizes(found: Array, exact: Array, least: Array) -> Array:
    """What errors are relative to: the whole rectangle's D, or D itself where that is less.

    A D less than a hundredth of E[f²] counts as that much.
    """
    return np.asarray(np.minimum(np.abs(found).max() + exact, least))


@lru_cache(maxsize=64)
def _exact_parts(growth: Growth, sign: float) -> tuple[float, tuple[tuple[int, int, float], ...]]:
    """The constant of Q, and its other terms as powers of a and b with their weights."""
    polynomial = sp.Poly(growth.plus if sign > 0 else growth.minus, WIDE, NARROW)
    terms = [(m, n, float(weight)) for (m, n), weight in polynomial.terms() if weight != 0]
    constant = sum(weight for m, n, weight in terms if m == n == 0)
    return float(constant), tuple(term for term in terms if term[:2] != (0, 0))


def nodes_of(count: int) -> Array:
    """Chebyshev's nodes on [0, 1]."""
    return np.asarray(0.5 - 0.5 * np.cos(np.pi * (np.arange(count) + 0.5) / count))
