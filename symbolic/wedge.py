"""The probability that two normal variables fall into a wedge, to any number of digits.

The bivariate normal distribution function and Owen's T are such probabilities. The integral is of
a positive function that is log-concave in log v: nothing cancels, in no tail and at no correlation.
"""

from __future__ import annotations

from typing import Any

import flint
import mpmath
from mpmath import mp, mpf

from freejac.symbolic.balls import integral, midpoint, working_bits

__all__ = ["wedge"]

_GUARD_BITS = 20
_COARSE = 0.1
_SHORTER = mpf(7) / 8
_REACH_BITS = 64


def wedge(goal: int, below: Any, above: Any, end: Any) -> Any:
    """Ball of (1/π) ∫₀^V exp(−A(1 + v⁻²)/2 − B(1 + v²)/2)/(1 + v²) dv.

    In log v the integrand is log-concave: it is integrated from where it has fallen by all the
    bits on the one side of its top to where it has on the other, octave by octave.

    Args:
        goal: bits that are wanted.
        below: ball of A ≥ 0.
        above: ball of B ≥ 0.
        end: ball of V > 0.
    """
    if not (end.is_finite() and end > 0):
        return flint.arb("nan")
    drop = mpf(goal + _GUARD_BITS) * mpmath.ln2
    low, top, high = _reach(midpoint(below), midpoint(above), midpoint(end), drop)
    peak = (below / (top * top) + above * top * top) / 2
    scale = (-(below + above) / 2 - peak).exp() / flint.arb.pi()
    if scale.rel_accuracy_bits() <= 0:
        return scale * flint.arb(2)  # the integral of 1/(1 + v²) is less

    left, right = below / 2, above / 2

    def integrand(v: Any) -> Any:
        square = v * v
        return (peak - left / square - right * square).exp() / (1 + square)

    # Without the part that a pole at 0 would blow up, the integrand is smooth down to 0.
    smooth = 1 / (1 + mpmath.sqrt(midpoint(above))) if below == 0 else mpf(0)
    ends = _octaves(low, high, smooth)
    bulk = integral(integrand, ends, goal)
    # Log-concave in log v: what is left out is less than its end value times the width.
    width, middle = flint.arb(mpmath.log(high / low)), flint.arb(top)
    bulk += flint.arb(0, (flint.arb(-drop).exp() * width * middle / (1 + middle * middle)).upper())
    if high == midpoint(end):
        bulk += integrand(end) * (end - high)
    return scale * bulk


def _octaves(low: mpf, high: mpf, smooth: mpf) -> list[mpf]:
    """Ends of panels of factors of two, from the top down; below `smooth` one panel to 0."""
    ends = [high]
    while ends[-1] > max(2 * low, smooth):
        ends.append(ends[-1] / 2)
    return [*ends, mpf(0) if smooth else low]


def _reach(below: mpf, above: mpf, end: mpf, drop: mpf) -> tuple[mpf, mpf, mpf]:
    """Where the integrand of `wedge` over log v has fallen by e^{−drop}, its top, and again."""
    steep = max(mpmath.mag(below / (end * end)), mpmath.mag(above * end * end), 0)
    with mp.workprec(_REACH_BITS + int(steep)):
        limit = mpmath.log(end)

        def slope(w: mpf) -> mpf:
            return below * mpmath.exp(-2 * w) - above * mpmath.exp(2 * w) - mpmath.tanh(w)

        def bend(w: mpf) -> mpf:
            sides = below * mpmath.exp(-2 * w) + above * mpmath.exp(2 * w)
            return mpmath.sqrt(2 * sides + mpmath.sech(w) ** 2)

        top = limit
        if slope(limit) < 0:
            step = mpf(1)
            while slope(limit - step) < 0:
                step *= 2
            left, right = limit - step, limit
            while (right - left) * bend((left + right) / 2) > _COARSE:
                top = (left + right) / 2
                left, right = (top, right) if slope(top) > 0 else (left, top)
        a, b = below * mpmath.exp(-2 * top), above * mpmath.exp(2 * top)

        centre, rising, falling, depth = map(flint.arb, (top, a, b, drop))

        def reaches(shift: mpf) -> bool:
            move = flint.arb(shift)
            sides = rising * (-2 * move).expm1() + falling * (2 * move).expm1()
            bends = ((centre + move).cosh() / centre.cosh()).log()
            return bool(sides / 2 + bends >= depth)

        def fallen(side: int) -> mpf:
            with working_bits(mp.prec):
                step = 1 / (abs(slope(top)) + bend(top))
                while not reaches(side * step):
                    step *= 2
                for _ in range(4):
                    shorter = step * _SHORTER
                    step = shorter if reaches(side * shorter) else step
            return mpmath.exp(top + side * step)

        if top == limit:
            return fallen(-1), end, end
        return fallen(-1), mpmath.exp(top), min(end, fallen(1))
