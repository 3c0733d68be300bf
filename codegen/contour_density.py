"""The density of J Jᵀ for equal layers with any D², in double precision, along a grid of λ.

The law of D² is given by numbers (value a, weight w), Σ w = 1 with the mass at 0. They may be
complex: a Gaussian mean over the real line, moved into the complex plane to where φ′² has a
negative imaginary part, is the same analytic function of ζ above the real line, and no pole comes
near.
    M = Σ w a/(ζ − a),   log λ = L log ζ + (L − 1) log M + log(1 + M)   (Gaussian weights),
                         log λ = L log ζ + (L − 1) (log M − log(1 + M)) (orthogonal weights),
and ρ = −Im (1 + M)/(πλ). ζ is followed from large |λ| along the imaginary axis and down to the
first λ, then from each λ to the next, by tangents and Newton's method with an adaptive step.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

__all__ = ["follow_grid", "polish"]


@njit(cache=True, error_model="numpy", fastmath={"contract", "reassoc"})
def _means(x: Any, y: Any, values: Any, values_y: Any, weights: Any, weights_y: Any) -> Any:
    """M, Σ w/(ζ − a) and dM/dζ at ζ = x + iy; loops over real arrays are vectorised."""
    m = m_y = total = total_y = slope = slope_y = 0.0
    for j in range(values.size):
        u, v = x - values[j], y - values_y[j]
        inverse = 1.0 / (u * u + v * v)
        g = (weights[j] * u + weights_y[j] * v) * inverse
        g_y = (weights_y[j] * u - weights[j] * v) * inverse
        h = g * values[j] - g_y * values_y[j]
        h_y = g * values_y[j] + g_y * values[j]
        total += g
        total_y += g_y
        m += h
        m_y += h_y
        slope -= (h * u + h_y * v) * inverse
        slope_y -= (h_y * u - h * v) * inverse
    return complex(m, m_y), complex(total, total_y), complex(slope, slope_y)


@njit(cache=True, error_model="numpy")
def _level(z: Any, depth: Any, is_gaussian: Any, rule: Any) -> Any:
    """Log λ at ζ, its derivative, and 1 + M."""
    flat, values, values_y, weights, weights_y = rule
    m, total, slope = _means(z.real, z.imag, values, values_y, weights, weights_y)
    n = flat + z * total
    above = 1.0 if is_gaussian else 1.0 - depth
    level = depth * np.log(z) + (depth - 1.0) * np.log(m) + above * np.log(n)
    return level, depth / z + (depth - 1.0) * slope / m + above * slope / n, n


@njit(cache=True, error_model="numpy")
def _newton(z: Any, goal: Any, depth: Any, is_gaussian: Any, rule: Any) -> Any:
    """Newton's iteration for log λ = goal from a close start, and whether it settled."""
    for _ in range(12):
        level, slope, _ = _level(z, depth, is_gaussian, rule)
        step = (goal - level) / slope
        z = z + step
        if not z.imag > -1e-14 * abs(z):
            return z, False
        if abs(step) <= 1e-9 * abs(z):
            return z, True
    return z, False


@njit(cache=True, error_model="numpy")
def _follow(z: Any, start: Any, end: Any, depth: Any, is_gaussian: Any, rule: Any) -> Any:
    """Continue ζ along a straight line in log λ; and whether the end was reached."""
    done, step = 0.0, 1.0
    for _ in range(2000):
        if done >= 1.0:
            return z, True
        step = min(step, 1.0 - done)
        _, slope, _ = _level(z, depth, is_gaussian, rule)
        move = step * (end - start) / slope
        if abs(move) < 0.25 * abs(z):
            there = start + (done + step) * (end - start)
            found, settled = _newton(z + move, there, depth, is_gaussian, rule)
            if settled and abs(found - z - move) <= 0.5 * abs(move):
                z, done, step = found, done + step, 2.0 * step
                continue
        step *= 0.5
        if step < 1e-10:
            break
    return z, False


@njit(cache=True, error_model="numpy")
def follow_grid(levels: Any, far: Any, depth: Any, is_gaussian: Any, rule: Any) -> Any:
    """Find ζ at each of descending log λ.

    Args:
        levels: log λ, descending.
        far: ζ where λ is large and imaginary, to leading order.
        depth: L, a float.
        is_gaussian: or orthogonal weights.
        rule: the mass at 0, and real and imaginary parts of the values and weights.

    Returns:
        ζ, real outside the spectrum; nan where it was not reached.
    """
    found = np.full(levels.size, complex(math.nan, math.nan))
    begin, _, _ = _level(far, depth, is_gaussian, rule)
    z, last, inside = far, 0.0, False
    for i in range(levels.size):
        goal = complex(levels[i], 0.0)
        settled, point = False, z
        if inside:
            point, settled = _follow(z, complex(last, 0.0), goal, depth, is_gaussian, rule)
        if not settled:
            corner = complex(levels[i], 0.5 * math.pi)
            point, settled = _follow(far, begin, corner, depth, is_gaussian, rule)
            if settled:
                point, settled = _follow(point, corner, goal, depth, is_gaussian, rule)
        if settled:
            found[i] = point
        inside = settled and point.imag > 1e-9 * abs(point)
        if inside:
            z, last = point, levels[i]
    return found


@njit(cache=True, error_model="numpy")
def polish(points: Any, levels: Any, depth: Any, is_gaussian: Any, rule: Any) -> Any:
    """Im (1 + M) at each ζ by Newton's method with another rule; nan where it does not settle."""
    found = np.full(levels.size, math.nan)
    for i in range(levels.size):
        if points[i].real == points[i].real:
            goal = complex(levels[i], 0.0)
            point, settled = _newton(points[i], goal, depth, is_gaussian, rule)
            if settled:
                _, _, n = _level(point, depth, is_gaussian, rule)
                found[i] = n.imag
    return found
