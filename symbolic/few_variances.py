"""A few variances that stand for those of many layers.

Σ_l f(q_l) over slowly changing q_l is a sum that a Gauss rule of the measure Σ_l δ(q_l) takes at a
few places: the logarithm of S of a layer is an analytic function of q. How many are enough is seen
from the moments of φ′², of which it is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mpmath import mp

from freejac.symbolic.few_nodes import few_nodes
from freejac.symbolic.slope_nodes import SlopeTable

__all__ = ["few_variances"]

_FIRST = 4
_WORTH = 0.75
"""A rule of that many nodes, of the number of variances, is not worth it."""
_SPARE = 3
"""Digits by which the moments are to agree beyond those aimed at."""


def few_variances(
    counts: Mapping[Any, int], tables: Callable[[Any], Sequence[SlopeTable]], digits: int
) -> list[tuple[Any, Any]]:
    """Replace many variances by few, or keep them.

    Args:
        counts: how many layers have each variance.
        tables: φ′² of the weight layers of a block at a variance.
        digits: to which the sum over the layers is to be right.

    Returns:
        (variance, number of layers), the number not an integer where variances were replaced.

    >>> from freejac.symbolic.activation import activation
    >>> from freejac.symbolic.slope_nodes import slope_table
    >>> many = {mp.mpf(1) + mp.mpf(k) / 100: 1 for k in range(100)}
    >>> found = few_variances(many, lambda q: [slope_table(activation("tanh"), q)], 12)
    >>> len(found) < 20, round(float(sum(count for _, count in found)), 12)
    (True, 100.0)
    """
    known: dict[Any, list[Any]] = {}

    def means(rule: list[tuple[Any, Any]]) -> list[Any]:
        """Sums over the layers of functions of the moments of φ′²."""
        for variance, _ in rule:
            if variance not in known:
                known[variance] = [v for table in tables(variance) for v in _functions(table)]
        columns = zip(*(known[variance] for variance, _ in rule), strict=True)
        return [mp.fdot(column, (count for _, count in rule)) for column in columns]

    points = [(mp.log(variance), mp.mpf(count)) for variance, count in counts.items()]
    size, last, before = _FIRST, None, None
    while size < _WORTH * len(points):
        rule = [(mp.exp(place), count) for place, count in few_nodes(points, size)]
        here = means(rule)
        if last is not None and before is not None and _agree(here, last, digits + _SPARE):
            return before
        last, before, size = here, rule, size + size // 2
    return [(variance, mp.mpf(count)) for variance, count in counts.items()]


def _functions(table: SlopeTable) -> list[Any]:
    """Of E[φ′²] and E[φ′⁴]: what the first terms of log S of a layer are made of."""
    nodes = table.few(0)
    first, second = (mp.fsum(mass * value**k for value, mass in nodes) for k in (1, 2))
    return [first, second, mp.log(first), second / first**2]


def _agree(here: list[Any], there: list[Any], digits: int) -> bool:
    """Whether sums agree, to so many digits."""
    close = mp.mpf(10) ** (-digits)
    return all(abs(a - b) <= close * abs(a) for a, b in zip(here, there, strict=True))
