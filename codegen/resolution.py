"""Whether fixed panels see all of a function: none of it may hide between their nodes.

A step of width 10⁻⁷ away from 0 is invisible to any rule of moderate order, and the usual check, by
the last Legendre coefficients, is as blind. But the function is known on both sides of the step:
the rule's integral of f′ must give what f rises by.

>>> import sympy as sp
>>> from freejac.symbolic.piecewise import decompose
>>> from freejac.symbolic.symbols import x
>>> sees(decompose(sp.tanh(1000 * x))), sees(decompose(sp.tanh(10**7 * (x - 1))))
(True, False)
"""

from __future__ import annotations

from itertools import pairwise

import flint
from mpmath import mp, mpf

from freejac.symbolic.ball_pieces import ball_pieces
from freejac.symbolic.balls import working_bits
from freejac.symbolic.oscillation import Oscillation
from freejac.symbolic.piecewise import PiecewiseFunction
from freejac.symbolic.quadrature import legendre_rule

__all__ = ["sees"]

_DIGITS, _NODES = 25, 35
_GUARD_DIGITS = 15
"""Where terms cancel, as in e³ˣ/(1 + eˣ)³ − e²ˣ/(1 + eˣ)², panels of width 10⁶ magnify rounding."""
_LEVELS = range(-24, 22)
_DECIMALS = 8
_PHASE = 6


def sees(function: PiecewiseFunction) -> bool:
    """Compare the integral of f′ with the rise of f, on panels that halve towards 0.

    Args:
        function: without parameters; Dirac deltas do not matter.
    """
    smooth = PiecewiseFunction(function.pieces)
    terms = [smooth, smooth.derivative()], [(0, 1), (1, 1)]
    with mp.workdps(_DIGITS):
        halves = _halves(Oscillation.of(*terms, {}, _DIGITS))
    with mp.workdps(_DIGITS + _GUARD_DIGITS):
        ends = sorted({*halves, *(-end for end in halves)})
        points, weights, _ = legendre_rule(_NODES, mp.dps)
        with working_bits(mp.prec):
            panels = []
            for low, high, both in ball_pieces([smooth, smooth.derivative()], {}):
                inside = [end for end in ends if low < end < high]
                panels += [(a, b, both) for a, b in pairwise(inside)]
            rule = list(zip(map(flint.arb, points), map(flint.arb, weights), strict=True))
            tolerance, sizes = flint.arb(10) ** -_DECIMALS, {-1: flint.arb(0), 1: flint.arb(0)}
            for a, b, both in sorted(panels, key=lambda panel: abs(panel[0] + panel[1])):
                middle, half = flint.arb((a + b) / 2), flint.arb((b - a) / 2)
                samples = [[v.mid() for v in both(middle + half * t)] for t, _ in rule]
                steps = zip(rule, samples, strict=True)
                integral = half * sum((w * slope for (_, w), (_, slope) in steps), flint.arb(0))
                # What has decayed is held against what it was nearer to 0.
                side = 1 if a + b > 0 else -1
                sizes[side] = max(sizes[side], *(abs(value) for value, _ in samples))
                left, right = (both(flint.arb(end))[0] for end in (a, b))
                if not abs((right - left - integral).mid()) <= (tolerance * sizes[side]).mid():
                    return False
    return True


def _halves(far: Oscillation | None) -> list[mpf]:
    """Ends of panels on the half-line; of what oscillates, through a period at most and up to X."""
    halves = [mpf(2) ** k * share for k in _LEVELS for share in (1, mpf(3) / 2)]
    if far is None:
        return halves
    halves = [end for end in halves if end <= mpf(2) ** far.level]
    counts = [int(far.highest * (b - a) / _PHASE) + 1 for a, b in pairwise(halves)]
    return halves[:1] + [
        a + (b - a) * k / count
        for (a, b), count in zip(pairwise(halves), counts, strict=True)
        for k in range(1, count + 1)
    ]
