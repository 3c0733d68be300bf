"""Gauss–Legendre panels in ball arithmetic: the rule, interpolation through it, and grading."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import flint
from mpmath import mp

from freejac.symbolic.ball_pieces import Ball
from freejac.symbolic.quadrature import legendre_rule

__all__ = ["Rule", "graded", "rule"]


class Rule(NamedTuple):
    """Gauss–Legendre nodes and weights on [−1, 1].

    Attributes:
        last: the last Legendre polynomials at the nodes.
        barycentric: weights of the interpolation formula through the nodes.
    """

    nodes: list[Ball]
    weights: list[Ball]
    last: list[list[Ball]]
    barycentric: list[Ball]

    def tail(self, weighted: Sequence[Ball]) -> Ball:
        """Size of the last Legendre moments of values that have their weights."""
        zero = flint.arb(0)
        sums = [sum((p * v for p, v in zip(row, weighted, strict=True)), zero) for row in self.last]
        return max(abs(total.mid()) for total in sums)

    def shares(self, point: Ball) -> tuple[list[Ball], Ball]:
        """Numbers whose ratios to the last are Lagrange's polynomials at a point of [−1, 1].

        Source: J.-P. Berrut & L. N. Trefethen, SIAM Rev. 46 (2004) 501, eq. (4.2); the weights are
            those of H. Wang & S. Xiang, Math. Comp. 81 (2012) 861, for Gauss–Legendre nodes.
        """
        shares = [own / (point - t) for own, t in zip(self.barycentric, self.nodes, strict=True)]
        total = sum(shares, flint.arb(0))
        if total.is_finite():
            return shares, total
        return [flint.arb(int((point - t).contains(0))) for t in self.nodes], flint.arb(1)


@lru_cache(maxsize=16)
def rule(digits: int, bits: int) -> Rule:
    """The rule on [−1, 1] that is used for so many digits, good to so many bits."""
    count = 20 + 6 * digits // 5  # resolves exp(−2ξ²) with four digits to spare
    with mp.workprec(bits + 20):
        nodes, weights, rows = legendre_rule(count, mp.dps)
        last = [[flint.arb(r / w) for r, w in zip(row, weights, strict=True)] for row in rows]
    balls = [flint.arb(t) for t in nodes], [flint.arb(w) for w in weights]
    barycentric = [
        (-1) ** k * ((1 - t * t) * w).sqrt() for k, (t, w) in enumerate(zip(*balls, strict=True))
    ]
    return Rule(*balls, last, barycentric)


def graded(low: Ball, high: Ball, marks: Sequence[tuple[float, float]]) -> list[Ball]:
    """Ends between two points, finer towards every mark, down to the mark's own width."""
    a, b = float(low), float(high)
    for mark, finest in marks:
        if b - a > max(finest, 1.5 * max(0.0, a - mark, mark - b)):
            middle = ((low + high) / 2).mid()
            return graded(low, middle, marks) + graded(middle, high, marks)[1:]
    return [low, high]
