"""The law of φ′(h)², h ~ N(0, q), as complex numbers and weights: the mean along a bent line.

For ζ above the real line E[f(φ′²)/(ζ − φ′²)] does not change when the line of x = h is moved to
where Im φ′² ≤ 0, as long as that holds all the way: no pole is passed. Between the places x_k where
φ′² is stationary the line is moved up where φ′² falls and down where it rises,
    x(s) = s + i η (± Π tanh((s − x_k)/b)) / √(1 + (s/t)²),
the last factor where φ′² would turn through a half circle far out, and the trapezoidal rule
converges exponentially.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from mpmath import mp

__all__ = ["contour_rule"]

_REACH = 8.7
_SCAN = 400
_SHARES = (0.1, 0.3, 0.6, 0.8, 1.0)
_BENDS = ((0.35, math.inf), (0.2, math.inf), (0.35, 1.0), (0.2, 0.5))
"""η and t."""
_MOST_NODES = 6000
_NEGLIGIBLE = 1e-19

Rule = tuple[float, Any, Any, Any, Any]


def contour_rule(slope: Callable[[Any], Any], variance: float, fineness: float) -> Rule | None:
    """The rule, or None where no contour of this kind serves.

    Args:
        slope: φ′, analytic, for mpmath numbers; it may be constant nowhere.
        variance: q.
        fineness: nodes per unit of the bend; the rule converges exponentially in it.

    Returns:
        0, the mass at 0; real and imaginary parts of the values of φ′² and of the weights.
    """
    width = math.sqrt(variance)

    def square(points: Any) -> Any:
        return np.array([complex(slope(mp.mpmathify(complex(x)))) for x in points]) ** 2

    try:
        with mp.workdps(17):
            turns = _turning_points(square, _REACH * width)
            for bend, taper in _BENDS:
                line = _checked(square, turns, min(bend, 0.7 * width), taper, width)
                if line is not None:
                    return _nodes(square, line, width, fineness)
    except (TypeError, ValueError, OverflowError, ZeroDivisionError):
        return None
    return None


def _turning_points(square: Any, reach: float) -> list[float]:
    """Where φ′² is stationary, to rounding."""
    step = 1e-5 * reach
    grid = np.linspace(-reach, reach, 2 * _SCAN + 2)

    def rise(points: Any) -> Any:
        # the imaginary part beside the line is the derivative, without a difference
        return square(np.asarray(points) + 1j * step * 1e-3).imag

    values = rise(grid)
    size = np.abs(values).max()
    found = []
    for k in np.flatnonzero(values[:-1] * values[1:] < 0):
        if max(abs(values[k]), abs(values[k + 1])) < 1e-13 * size:
            continue
        low, high = grid[k], grid[k + 1]
        for _ in range(60):
            middle = 0.5 * (low + high)
            if rise([middle])[0] * values[k] > 0:
                low = middle
            else:
                high = middle
        found.append(0.5 * (low + high))
    return found


class _Line(NamedTuple):
    """The contour: where it crosses the real line, η, b, t, and the sign far to the right."""

    turns: list[float]
    eta: float
    breadth: float
    taper: float
    sign: float

    def __call__(self, s: Any, share: float = 1.0) -> tuple[Any, Any]:
        """x(s) and its derivative, with a share of η."""
        factors = [np.tanh((s - x) / self.breadth) for x in self.turns]
        slopes = [(1 - factor**2) / self.breadth for factor in factors]
        if self.taper < math.inf:
            ratio = s / self.taper
            factors.append((1 + ratio**2) ** -0.5)
            slopes.append(-ratio / self.taper * (1 + ratio**2) ** -1.5)
        height, rise = np.full(s.shape, self.sign * share * self.eta), np.zeros(s.shape)
        for factor, slope in zip(factors, slopes, strict=True):
            height, rise = height * factor, rise * factor + height * slope
        return s + 1j * height, 1 + 1j * rise


def _checked(
    square: Any, turns: list[float], eta: float, taper: float, width: float
) -> _Line | None:
    """The contour, if Im φ′² ≤ 0 between it and the line."""
    s = np.linspace(-_REACH, _REACH, _SCAN) * width
    breadth = min([1.0, *(0.5 * np.diff(turns))])
    # right of the last turn the line goes up where φ′² falls
    (beside,) = square([(turns[-1] if turns else 0.0) + 1e-3 * width + 1e-8j * width])
    line = _Line(turns, eta, float(breadth), taper, 1.0 if beside.imag < 0 else -1.0)
    for share in _SHARES:
        values = square(line(s, share)[0])
        if np.any(values.imag > 1e-12 * np.abs(values)):
            return None
    return line


def _nodes(square: Any, line: _Line, width: float, fineness: float) -> Rule | None:
    """The trapezoidal rule along the contour."""
    farthest = line.eta / math.sqrt(1 + (_REACH * width / line.taper) ** 2)
    step = min(farthest, line.breadth, 0.5 * width) / fineness
    count = int(_REACH * width / step) + 1
    if 2 * count > _MOST_NODES:
        return None
    s = np.arange(-count, count + 1) * step
    x, slope = line(s)
    weights = step * slope * np.exp(-0.5 * (x / width) ** 2) / (width * math.sqrt(2 * math.pi))
    kept = np.abs(weights) > _NEGLIGIBLE
    values, weights = square(x[kept]), weights[kept]
    a, a_y, w, w_y = (
        np.ascontiguousarray(part)
        for part in (values.real, values.imag, weights.real, weights.imag)
    )
    return 0.0, a, a_y, w, w_y
