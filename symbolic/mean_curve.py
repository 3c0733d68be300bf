"""E[f(√q z)] as a function of q, for scanning many values of q.

`gaussian_mean` adapts its panels to one q. Here dyadic panels are fixed once in x, and f is
evaluated on each of them only once, whatever the number of q; the Gaussian weight alone depends
on q. Good to about 14 digits for integrands that vary on a scale of order one around the origin
and the breakpoints; `find_fixed_points` confirms what it finds with `gaussian_mean`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import mpmath
import sympy as sp
from mpmath import mpf

from freejac.symbolic.domain import Number
from freejac.symbolic.piecewise import PiecewiseFunction
from freejac.symbolic.quadrature import legendre_rule, numeric_pieces

__all__ = ["MeanCurve"]

_NODES = 24
_DIGITS = 22
_REACH = 9
_FINEST = -1


class MeanCurve:
    """E[f(√q z)] for many q at fixed parameters.

    Args:
        f: the integrand, without Dirac deltas.
        parameters: a value for every parameter.

    >>> from freejac.symbolic.piecewise import decompose
    >>> mean = MeanCurve(decompose(sp.Max(0, sp.Symbol("x", real=True)) ** 2), {})
    >>> [mpmath.nstr(mean(mpf(q)), 12) for q in (1, 4)]
    ['0.5', '2.0']
    """

    def __init__(self, f: PiecewiseFunction, parameters: Mapping[sp.Symbol, Number]) -> None:
        """Compile the pieces."""
        self._pieces = numeric_pieces([f], parameters)
        self._panel = cache(self._sample)

    def __call__(self, q: mpf) -> mpf:
        """The mean at variance q."""
        width = mpmath.sqrt(q)
        # The innermost panel ends below both scales, 1/2 and √q/4; the outermost beyond 9√q.
        inner = min(_FINEST, _floor_log2(width) - 2)
        outer = _floor_log2(_REACH * width) + 1
        total = mpf(0)
        for sign in (-1, 1):
            for level in range(inner, outer + 1):
                for at, weighted in self._panel(sign, level, level == inner):
                    total += weighted * mpmath.exp(-at * at / (2 * q))
        return total / (width * mpmath.sqrt(2 * mpmath.pi))

    def _sample(self, sign: int, level: int, innermost: bool) -> list[tuple[mpf, mpf]]:
        """Nodes x and weights w·f(x) on ±[2ˡ⁻¹, 2ˡ], or ±[0, 2ˡ], split at the breakpoints."""
        a, b = (mpf(0) if innermost else mpf(2) ** (level - 1)), mpf(2) ** level
        low, high = (a, b) if sign > 0 else (-b, -a)
        points, weights, _ = legendre_rule(_NODES, _DIGITS)
        samples = []
        for lower, upper, function in self._pieces:
            left, right = max(low, lower), min(high, upper)
            if left < right:
                middle, half = (left + right) / 2, (right - left) / 2
                for t, w in zip(points, weights, strict=True):
                    at = middle + half * t
                    samples.append((at, half * w * function(at)[0]))
        return samples


def _floor_log2(value: mpf) -> int:
    return int(mpmath.floor(mpmath.log(value, 2)))
