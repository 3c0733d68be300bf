"""The oracle in two variables: E[f(u₁)g(u₂)] from its definition (a first, slow version)."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import mpmath
import sympy as sp
from mpmath import mp, mpf

from freejac.symbolic.domain import Number, finite
from freejac.symbolic.errors import DomainError
from freejac.symbolic.piecewise import PiecewiseFunction
from freejac.symbolic.quadrature import (
    NumericPiece,
    _integrate,
    _panels,
    gaussian_mean,
    legendre_rule,
    numeric_pieces,
)

__all__ = ["gaussian_mean2"]


def gaussian_mean2(
    f: PiecewiseFunction,
    g: PiecewiseFunction,
    q1: Number,
    q2: Number,
    c: Number,
    digits: int = 30,
    parameters: Mapping[sp.Symbol, Number] | None = None,
) -> mpf:
    """E[f(u₁)g(u₂)], centred Gaussian of variances q1, q2 and correlation c, by quadrature."""
    if f.deltas or g.deltas:
        raise DomainError("deltas are not supported yet")
    with mp.workdps(digits + 20):
        q1, q2, c = (finite(n, v) for n, v in (("q1", q1), ("q2", q2), ("c", c)))
        if not (q1 > 0 and q2 > 0 and abs(c) <= 1):
            raise DomainError("variances must be positive and the correlation in [-1, 1]")
        if c == 0:
            means = [gaussian_mean(h, q, digits + 5, parameters) for h, q in ((f, q1), (g, q2))]
            return means[0] * means[1]
        s = mpmath.sqrt((1 - c) * (1 + c))
        outer = numeric_pieces([f], parameters or {})
        inner = numeric_pieces([g], parameters or {})
        r1, r2 = mpmath.sqrt(q1), mpmath.sqrt(q2)
        images = [low / r2 / c for low, _, _ in inner[1:]]
        marks = [mpf(0)] + [low / r1 for low, _, _ in outer[1:]] + images
        extra = [m + s * k / c for m in images for k in range(-14, 15, 2)]

        def integrand(z: mpf, piece: object) -> list[mpf]:
            weight = mpmath.npdf(z) * piece(r1 * z)[0]
            return [weight * _inner(inner, r2, c * z, s, digits)]

        panels = []
        for low, high, piece in outer:
            a, b = max(low / r1, mpf(-16)), min(high / r1, mpf(16))
            if a < b:
                ends = sorted({*_panels(a, b, marks, 1 / q1), *(e for e in extra if a < e < b)})
                panels += [
                    (u, v, lambda z, piece=piece: integrand(z, piece)) for u, v in pairwise(ends)
                ]
        return _integrate(panels, 1, digits)[0]


def _inner(pieces: list[NumericPiece], r2: mpf, mean: mpf, s: mpf, digits: int) -> mpf:
    if s == 0:
        return next(p for low, high, p in pieces if low <= r2 * mean <= high)(r2 * mean)[0]
    points, weights, _ = legendre_rule(max(24, 3 * digits // 2), mp.dps)
    total = mpf(0)
    for low, high, piece in pieces:
        a, b = max((low / r2 - mean) / s, mpf(-14)), min((high / r2 - mean) / s, mpf(14))
        count = int(mpmath.ceil((b - a) / 4)) if a < b else 0
        for k in range(count):
            middle, half = a + (b - a) * (k + mpf(1) / 2) / count, (b - a) / count / 2
            total += half * mpmath.fsum(
                w * mpmath.npdf(middle + half * t) * piece(r2 * (mean + s * (middle + half * t)))[0]
                for t, w in zip(points, weights, strict=True)
            )
    return total
