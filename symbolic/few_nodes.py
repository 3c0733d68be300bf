"""A law of many points as one of a few: the Gauss rule of a discrete measure.

n nodes give E[f] exactly for polynomials of degree 2n − 1, and E[1/(t − x)] with an error that
falls like ρ⁻²ⁿ, ρ > 1 the larger the farther t is from the points: what a mean over a law costs
then depends no more on how finely the law was sampled.

Source: Gautschi, "Orthogonal Polynomials: Computation and Approximation" (2004), sections 2.2.3
    (Stieltjes' procedure) and 3.1.1 (nodes and weights).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt
from typing import Any

from mpmath import mp
from mpmath.matrices.eigen_symmetric import tridiag_eigen

__all__ = ["few_nodes"]

Nodes = list[tuple[Any, Any]]

_GUARD, _GUARD_BITS = 10, 32


def few_nodes(points: Sequence[tuple[Any, Any]], count: int) -> Nodes:
    """The Gauss rule of points (value, mass), at mpmath's working precision.

    Args:
        points: real values with positive masses.
        count: how many nodes, 1 or more; no more than distinct values are needed or given.

    >>> rule = few_nodes([(mp.mpf(k), mp.mpf(1)) for k in (-1, 0, 1)], 2)
    >>> [(mp.nstr(value, 6), mp.nstr(mass, 6)) for value, mass in rule]           # ±√(2/3)
    [('-0.816497', '1.5'), ('0.816497', '1.5')]
    """
    with mp.extradps(_GUARD + count // 2):
        merged: dict[Any, Any] = {}
        for value, mass in points:
            merged[value] = merged.get(value, mp.zero) + mass
        values, masses = list(merged), list(merged.values())
        total = mp.fsum(masses)
        diagonal, beside = _recurrence(values, [m / total for m in masses], count)
        first = mp.zeros(1, len(diagonal))
        first[0, 0] = mp.one
        tridiag_eigen(mp, diagonal, beside, first)
        found = [(diagonal[k], total * first[0, k] ** 2) for k in range(len(diagonal))]
    return [(+value, +mass) for value, mass in found if mass]


def _recurrence(values: list[Any], masses: list[Any], count: int) -> tuple[Any, Any]:
    """The three-term recurrence of the orthonormal polynomials: its diagonal, and beside it.

    In integers, of 2^−bits: they are several times as fast as mpmath's numbers.
    """
    size, bits = min(count, len(values)), mp.prec + _GUARD_BITS
    scale = max(abs(value) for value in values) or mp.one
    places = [_fixed(value / scale, bits) for value in values]
    weights = [_fixed(mass, bits) for mass in masses]
    diagonal, beside = mp.zeros(size, 1), mp.zeros(size, 1)
    before, here, root = [0] * len(values), [1 << bits] * len(values), 0
    for k in range(size):
        centre = sum(
            (w * ((p * p) >> bits) >> bits) * x
            for w, p, x in zip(weights, here, places, strict=True)
        )
        centre >>= bits
        diagonal[k] = scale * mp.ldexp(centre, -bits)
        if k == size - 1:
            break
        after = [
            ((x - centre) * p - root * old) >> bits
            for x, p, old in zip(places, here, before, strict=True)
        ]
        square = sum(w * p * p for w, p in zip(weights, after, strict=True)) >> bits
        root = isqrt(square)
        if root == 0:  # the values are fewer than that
            return diagonal[: k + 1], beside[: k + 1]
        beside[k] = scale * mp.ldexp(root, -bits)
        before, here = here, [(p << bits) // root for p in after]
    return diagonal, beside


def _fixed(value: Any, bits: int) -> int:
    """A number as an integer multiple of 2^−bits."""
    return int(mp.nint(mp.ldexp(value, bits)))
