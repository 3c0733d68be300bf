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

_MISSED = 1e-10
"""What the third derivative of log R may change, relatively."""

__all__ = ["follow_grid", "polish", "solve_beside", "solve_real"]


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


@njit(cache=True, error_model="numpy", fastmath={"contract", "reassoc"})
def _symmetric(x: Any, y: Any, rule: Any) -> Any:
    """The mean over the contour and its mirror image: M and its slope, imaginary parts over y.

    It is real on the real line, so that what it adds to an imaginary part is known relatively.
    Returns M, 1 + M and the slope of both.
    """
    flat, values, values_y, weights, weights_y = rule
    m = m_y = total = total_y = 0.0
    for j in range(values.size):
        gap, b = x - values[j], values_y[j]
        # (ζ − a)(ζ − ā) = q + 2 i gap y
        q = gap * gap + b * b - y * y
        inverse = 1.0 / (q * q + 4.0 * gap * gap * y * y)
        real = weights[j] * gap - weights_y[j] * b
        total += (real * q + 2.0 * weights[j] * gap * y * y) * inverse
        total_y += (weights[j] * q - 2.0 * real * gap) * inverse
        wa = weights[j] * values[j] - weights_y[j] * b
        wa_y = weights[j] * b + weights_y[j] * values[j]
        real = wa * gap - wa_y * b
        m += (real * q + 2.0 * wa * gap * y * y) * inverse
        m_y += (wa * q - 2.0 * real * gap) * inverse
    return m, m_y, flat + x * total - y * y * total_y


@njit(cache=True, error_model="numpy")
def solve_real(x: Any, goal: Any, depth: Any, is_gaussian: Any, rule: Any) -> Any:
    """Solve log λ = goal on the real line without the part of M that is imaginary there.

    Returns ζ and d log λ/d log ζ; nan where that is no place outside the bulk of the spectrum.
    """
    above = 1.0 if is_gaussian else 1.0 - depth
    for _ in range(200):
        m, slope, n = _symmetric(x, 0.0, rule)
        sign = m > 0.0 if is_gaussian else m * n > 0.0
        if not (sign and (n > 0.0 or not is_gaussian)):
            break
        level = depth * math.log(x) + (depth - 1.0) * math.log(abs(m)) + above * math.log(abs(n))
        rise = depth + x * slope * ((depth - 1.0) / m + above / n)
        if not rise > 0.0:
            break
        step = (goal - level) / rise
        x *= math.exp(min(max(step, -1.0), 1.0))
        if abs(step) <= 1e-14 + 1e-15 * (depth * abs(math.log(x)) + abs(goal)) / rise:
            return x, rise
    return math.nan, math.nan


@njit(cache=True, error_model="numpy")
def _slope_beside(z: Any, rule: Any) -> Any:
    """The slope of the mean over the contour and its mirror image, complex."""
    _, values, values_y, weights, weights_y = rule
    total = complex(0.0, 0.0)
    for j in range(values.size):
        a, w = complex(values[j], values_y[j]), complex(weights[j], weights_y[j])
        first, second = w * a, w.conjugate() * a.conjugate()
        total -= 0.5 * (first / (z - a) ** 2 + second / (z - a.conjugate()) ** 2)
    return total


@njit(cache=True, error_model="numpy")
def solve_beside(z: Any, goal: Any, height: Any, depth: Any, is_gaussian: Any, rule: Any) -> Any:
    """Im M where ζ is next to the real line: M is that of the mirrored contours less i π R.

    Args:
        z: ζ nearby.
        goal: log λ.
        height: log R, R the density of φ′² at Re z times that place, and the first two derivatives
            of log R; −∞ where φ′² does not take the value.
        depth: L, a float.
        is_gaussian: or orthogonal weights.
        rule: as for `follow_grid`.

    Returns:
        Im M; nan where it does not settle, or ζ is so far from the real line that the third
        derivative of log R counts.
    """
    logarithm, tilt, bend = height
    above = 1.0 if is_gaussian else 1.0 - depth
    start, x, y = z.real, z.real, z.imag
    for step in range(40):
        m, slope, n = _symmetric(x, y, rule)
        along = x - start
        size = 0.0
        if logarithm > -math.inf:
            size = math.pi * math.exp(logarithm + tilt * along + 0.5 * bend * (along**2 - y * y))
        turn = (tilt + bend * along) * y
        cosine, sine = math.cos(turn), math.sin(turn)
        part, part_y = size * sine, y * slope - size * cosine
        u, v = m + part, n + part
        if not (u * v > 0.0 and (u > 0.0 or not is_gaussian)):
            break
        level = 0.5 * depth * math.log(x * x + y * y)
        level += 0.5 * (depth - 1.0) * math.log(u * u + part_y * part_y)
        level += 0.5 * above * math.log(v * v + part_y * part_y)
        angle = depth * math.atan(y / x)
        angle += (depth - 1.0) * math.atan(part_y / u) + above * math.atan(part_y / v)
        outer = (depth - 1.0) / complex(u, part_y) + above / complex(v, part_y)
        # −i π R′
        inner = _slope_beside(complex(x, y), rule) - 1j * tilt * size * complex(cosine, sine)
        move = complex(goal - level, -angle) / (depth / complex(x, y) + inner * outer)
        x, y = x + move.real, y + move.imag
        # the next step would be as its square
        small = abs(move.imag) <= 1e-6 * abs(y) and abs(move.real) * max(abs(tilt), 1 / x) <= 1e-6
        if step > 0 and small and y > 0.0:
            missed = size * abs(y * y * bend) ** 1.5
            return part_y if missed <= _MISSED * abs(part_y) else math.nan
    return math.nan
