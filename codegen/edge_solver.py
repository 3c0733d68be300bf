"""The largest eigenvalue of J Jᵀ for equal layers with any D², in double precision.

With b the supremum of φ′² and κ the inverse of the subordination variable, outside the spectrum
    κ = 1/(b(1 + δ)),   m = M(1/κ) = Σ w (1 − g)/(g + δ),   g = 1 − a/b,
for D² = Σ w δ_a, so that nothing cancels where 1/κ comes near b. The edge is where
    log λ = log((1+m)/m) + L [log σ_w²b(1 + δ) + log m − ε log(1+m)]
is stationary, ε = 0 for Gaussian weights and 1 for orthogonal ones, that is, where with
r = d log m/d log κ and n = d log(1+m)/d log κ
    X = (L − 1) r + n            (Gaussian),
    X = (L − 1)(r − n)           (orthogonal)
is L. There is one such place at most: m, 1 + m and m/(1+m) are power series in κ with coefficients
≥ 0 (moments, and Boolean cumulants of a law on [0, ∞)), so their logarithms are convex in log κ,
and X rises from L − 1. If it stays below L the spectrum ends where 1/κ = b: at an atom, or where
φ′² comes near b so seldom that m stays finite.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

__all__ = ["ends_of_atoms", "ends_of_rule"]

_NEAREST = math.log(1e-16)
_STEPS = 80
_CLOSE = 1e-9
"""Of log δ; λ is stationary there, so that its error is of second order."""
_FAR = 1400.0
"""h²/q beyond which a Gaussian weight is 0."""


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract", "reassoc"})
def _means(gaps: Any, parts: Any, delta: Any) -> Any:
    """M and dm/d log κ; `parts` are w(1 − g)."""
    m = slope = 0.0
    for j in range(gaps.size):
        inverse = 1.0 / (gaps[j] + delta)
        part = parts[j] * inverse
        m += part
        slope += part * inverse
    return m, slope * (1.0 + delta)


@njit(cache=True, error_model="numpy", nogil=True)
def _excess(gaps: Any, parts: Any, place: Any, depth: Any, is_gaussian: Any) -> Any:
    """Log X/L at log δ."""
    m, slope = _means(gaps, parts, math.exp(place))
    if is_gaussian:
        found = (depth - 1.0) * (slope / m) + slope / (1.0 + m)
    else:
        found = (depth - 1.0) * (slope / m) / (1.0 + m)
    return math.log(found / depth)


@njit(cache=True, error_model="numpy", nogil=True)
def _place(gaps: Any, parts: Any, depth: Any, is_gaussian: Any) -> Any:
    """Log δ at the edge, by regula falsi of the Illinois kind."""
    low = _NEAREST
    at_low = _excess(gaps, parts, low, depth, is_gaussian)
    if not at_low > 0.0:
        return low
    high = math.log(4.0 * depth + 4.0)
    at_high = _excess(gaps, parts, high, depth, is_gaussian)
    while at_high > 0.0:
        low, at_low = high, at_high
        high += 4.0
        at_high = _excess(gaps, parts, high, depth, is_gaussian)
    for step in range(_STEPS):
        if high - low <= _CLOSE:
            break
        inside = low + (high - low) * at_low / (at_low - at_high)
        middle = inside if step % 4 < 3 and low < inside < high else 0.5 * (low + high)
        value = _excess(gaps, parts, middle, depth, is_gaussian)
        if value == 0.0:
            return middle
        if value > 0.0:
            at_high *= 0.5 if middle - low < 0.5 * (high - low) else 1.0
            low, at_low = middle, value
        else:
            at_low *= 0.5 if high - middle < 0.5 * (high - low) else 1.0
            high, at_high = middle, value
    return 0.5 * (low + high)


@njit(cache=True, error_model="numpy", nogil=True)
def _log_end(gaps: Any, parts: Any, depth: Any, is_gaussian: Any) -> Any:
    """Log of λ/(σ_w²b)ᴸ."""
    if depth == 1.0 and not is_gaussian:
        return 0.0
    delta = math.exp(_place(gaps, parts, depth, is_gaussian))
    m, _ = _means(gaps, parts, delta)
    above = math.log1p(m)
    layer = math.log1p(delta) + math.log(m) - (0.0 if is_gaussian else above)
    return above - math.log(m) + depth * layer


@njit(cache=True, error_model="numpy", nogil=True)
def ends_of_atoms(gaps: Any, masses: Any, depth: Any, is_gaussian: Any) -> Any:
    """Log of λ/(σ_w²b)ᴸ for laws of finitely many values.

    Args:
        gaps: 1 − a/b of each value a.
        masses: their probabilities, one law a row.
        depth: L.
        is_gaussian: the ensemble.
    """
    found = np.empty(masses.shape[0])
    for k in range(found.size):
        found[k] = _log_end(gaps, masses[k] * (1.0 - gaps), depth, is_gaussian)
    return found


@njit(cache=True, error_model="numpy", nogil=True)
def ends_of_rule(variances: Any, rule: Any, depth: Any, is_gaussian: Any) -> Any:
    """Log of λ/(σ_w²b)ᴸ for φ′(h)², h ~ N(0, q).

    Args:
        variances: q, one law each.
        rule: h², ascending, the weights of dh times 1 − g, and g = 1 − φ′²/b.
        depth: L.
        is_gaussian: the ensemble.
    """
    squares, bare, gaps = rule
    found = np.empty(variances.size)
    parts = np.empty(squares.size)
    for k in range(found.size):
        q = variances[k]
        count = np.searchsorted(squares, _FAR * q)
        scale = 1.0 / math.sqrt(2.0 * math.pi * q)
        for j in range(count):
            parts[j] = bare[j] * scale * math.exp(-0.5 * squares[j] / q)
        found[k] = _log_end(gaps[:count], parts[:count], depth, is_gaussian)
    return found
