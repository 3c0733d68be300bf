"""Places next to edges from which the kernel of a contour law measures log λ.

λ is a product of L powers. In doubles log λ has lost L roundings, and next to an edge, at a
relative distance d, the density amplifies that by 1/(2d). Differences from a place ζ₀ near the edge
lose nothing of the kind: with mpmath's M, dM/dζ and log λ at ζ₀ what is left in doubles is of
second order in ζ − ζ₀, and only that is summed over the rule.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from mpmath import mp

from freejac.codegen.contour_nodes import Rule
from freejac.symbolic.errors import NotConvergedError
from freejac.symbolic.smooth_product import SmoothProduct
from freejac.symbolic.symbols import z

__all__ = ["ANCHOR", "INSIDE", "contour_anchor", "contour_anchors"]

ANCHOR = "ζ, λ in two doubles, the angle of λ, d log λ/dζ, M, 1 + M, dM/dζ"
"""The numbers of an anchor, complex."""

_DIGITS = 35
_STEEP = mp.mpf("1e-24")
"""What the slope of M may be off, relatively."""
INSIDE = 1e-12
"""The distance of ζ₀ from the edge, in log λ."""
_STEPS = 60
_FROM, _TO, _PLACES = 1e-12, 1e6, 2000
"""Where edges are looked for, ζ in units of E[φ′⁴]/E[φ′²], with L above."""
_SMALLEST = 1e-280

_REAL = 1e-6
"""Of d log λ/dζ, an imaginary part that is that of an end of the spectrum."""

Row = npt.NDArray[np.complex128]


def contour_anchors(law: SmoothProduct, rule: Rule) -> Row:
    """Those at the ends of the spectrum where the density begins like a square root.

    Args:
        law: equal square layers.
        rule: of `contour_rule`.

    Returns:
        A row for each that was found: `ANCHOR`.

    >>> from freejac.codegen.contour_nodes import contour_rule, table_contour
    >>> from freejac.symbolic.jacobian import Jacobian
    >>> steep = Jacobian("x + tanh(x)/2", "orthogonal", depth=2)
    >>> law = steep.layer_product(q=1, sigma_w=1, digits=15)
    >>> rule = contour_rule(table_contour(law.layers[0].table), 6.0)
    >>> found = contour_anchors(law, rule)
    >>> (found[:, 1].real / [float(end) for end in law.support[0]]).round(10)
    array([1., 1.])
    """
    (layer,) = law.layers
    first, second = (
        float(np.sum((rule[3] + 1j * rule[4]) * (rule[1] + 1j * rule[2]) ** k).real) for k in (1, 2)
    )
    scale = second / first
    found = []
    for zetas in (
        np.geomspace(_FROM * scale, _TO * scale, _PLACES),
        np.geomspace(_TO * layer.count * scale, _FROM * scale, _PLACES),
    ):
        anchor = _first(law, rule, zetas)
        if anchor is not None:
            found.append(anchor)
    return np.array(found).reshape(-1, 7)


def _first(law: SmoothProduct, rule: Rule, zetas: Any) -> Row | None:
    """The anchor at the first ζ on the real line where λ falls; None where M is complex before."""
    (layer,) = law.layers
    for zeta in map(complex, zetas):
        rise, _ = _rises(rule, float(layer.count), bool(layer.weights.free_symbols), zeta)
        if not rise.real > 0:
            return contour_anchor(law, rule, zeta)
        if abs(rise.imag) > _REAL * abs(rise):
            return None
    return None


def contour_anchor(law: SmoothProduct, rule: Rule, start: complex) -> Row | None:
    """A place above the zero of d log λ/dζ that is nearest to a ζ, or None.

    Args:
        law: equal square layers.
        rule: of `contour_rule`.
        start: ζ, next to an edge.

    >>> from freejac.codegen.contour_nodes import contour_rule, table_contour
    >>> from freejac.symbolic.jacobian import Jacobian
    >>> law = Jacobian("tanh", depth=2).layer_product(q=1, sigma_w=1, digits=10)
    >>> rule = contour_rule(table_contour(law.layers[0].table), 6.0)
    >>> found = contour_anchor(law, rule, 1.2 + 0.1j)
    >>> with mp.workdps(20):                        # beside the upper end
    ...     print(mp.nstr(1 - mp.mpf(found[1].real) / law.support[0][1], 3))
    1.0e-12
    """
    (layer,) = law.layers
    is_gaussian = bool(layer.weights.free_symbols)
    edge = _turning_point(rule, float(layer.count), is_gaussian, start)
    if edge is None:
        return None
    place, bend = edge
    height = math.sqrt(2 * INSIDE / abs(bend))
    try:
        with mp.workdps(_DIGITS):
            return _anchor(law, complex(place.real, max(place.imag, 0.0) + height), is_gaussian)
    except (NotConvergedError, ZeroDivisionError, OverflowError):
        return None


def _anchor(law: SmoothProduct, place: complex, is_gaussian: bool) -> Row | None:
    """The numbers there."""
    (layer,) = law.layers
    zeta, depth = mp.mpc(place), layer.count
    panels = layer.table.panels(mp)
    means = panels.over(panels.panels, 1 / zeta, _STEEP)
    m, n, rate = means.value / zeta, layer.flat + means.above, -means.slope / zeta**2
    above = 1 if is_gaussian else 1 - depth
    square = 1 / mp.mpmathify(layer.weights.subs(z, 0))
    level = depth * mp.log(square * zeta) + (depth - 1) * mp.log(m) + above * mp.log(n)
    slope = depth / zeta + (depth - 1) * rate / m + above * rate / n
    lam = mp.exp(level.real)
    if not _SMALLEST < lam < 1 / mp.mpf(_SMALLEST):
        return None
    angle = level.imag - 2 * mp.pi * mp.nint(level.imag / (2 * mp.pi))
    first = float(lam)
    pair = complex(first, float(lam - first))
    return np.array([place, pair, float(angle), *map(complex, (slope, m, n, rate))])


def _turning_point(
    rule: Rule, depth: float, is_gaussian: bool, start: complex
) -> tuple[complex, complex] | None:
    """Where d log λ/dζ = 0, and the second derivative there, by Newton's method in doubles."""
    zeta = start
    for _ in range(_STEPS):
        slope, bend = _rises(rule, depth, is_gaussian, zeta)
        if not (math.isfinite(abs(bend)) and bend):
            return None
        step = -slope / bend
        longest = 0.1 * abs(zeta)
        zeta += step * min(1.0, longest / abs(step)) if step else 0.0
        if abs(step) <= 1e-9 * abs(zeta):
            return (zeta, bend) if zeta.real > 0 else None
    return None


def _rises(rule: Rule, depth: float, is_gaussian: bool, zeta: complex) -> tuple[complex, complex]:
    """The first two derivatives of log λ in ζ, in doubles; nan at a pole."""
    flat, a, a_y, weight, weight_y = rule
    values, masses = a + 1j * a_y, weight + 1j * weight_y
    above = 1.0 if is_gaussian else 1.0 - depth
    with np.errstate(all="ignore"):
        inverse = 1.0 / (zeta - values)
        shares = masses * values * inverse
        m, n = np.sum(shares), flat + zeta * np.sum(masses * inverse)
        rate, turn = -np.sum(shares * inverse), 2 * np.sum(shares * inverse**2)
        slope = depth / zeta + (depth - 1.0) * rate / m + above * rate / n
        bend = -depth / zeta**2 + (depth - 1.0) * (turn / m - (rate / m) ** 2)
        bend += above * (turn / n - (rate / n) ** 2)
    return complex(slope), complex(bend)
