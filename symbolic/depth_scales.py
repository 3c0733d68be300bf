"""Depth scales: over how many layers a wide network forgets lengths and angles.

Near a fixed point q* of the length map deviations shrink by V′(q*) a layer, and near the fixed
point c* of the correlation map by σ_w² E[φ′(h₁)φ′(h₂)]; a depth scale is −1/log of that.

On [0, 1] the correlation map 𝒞 is a power series in c with coefficients ≥ 0, so it is convex, and
𝒞(1) = 1 with slope χ. For χ ≤ 1 only c = 1 attracts; for χ > 1 there is exactly one other fixed
point, it lies in [0, 1), and it attracts. So it can be bracketed, and none is missed.

Source: Schoenholz, Gilmer, Ganguli and Sohl-Dickstein (2017), "Deep information propagation",
    arXiv:1611.01232, eqs. (7)–(9).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import inf, log
from typing import TYPE_CHECKING

import mpmath
import sympy as sp
from mpmath import mp, mpf

from freejac.symbolic.domain import Number, exact, finite
from freejac.symbolic.errors import DomainError, NotConvergedError
from freejac.symbolic.fixed_points import FixedPoint, Parameters, bind_parameters, scales
from freejac.symbolic.symbols import c as correlation
from freejac.symbolic.symbols import q as variance
from freejac.symbolic.symbols import sigma_b as bias_symbol
from freejac.symbolic.symbols import sigma_w as scale_symbol

if TYPE_CHECKING:
    from freejac.symbolic.mean_field import MeanField

__all__ = ["DepthScales", "find_depth_scales"]

_DIGITS = 18
_UNIT = 1e-13
"""A slope so near 1 is 1: σ_w and σ_b in doubles do not tell more."""
_SAME = 1e-6
_HALVINGS = 45
_LENGTHS = (mpf(10) ** -6, mpf(1), mpf(10) ** 6)


@dataclass(frozen=True)
class DepthScales:
    """Where a signal ends, and the depths over which it gets there.

    Attributes:
        q: the fixed point q* of the length map.
        c: the attracting fixed point c* of the correlation map; 1 in the ordered phase.
        xi_q: ξ_q = −1/log|V′(q*)|, in layers; ∞ at V′ = 1, and 0 where V′ = 0.
        xi_c: ξ_c = −1/log σ_w² E[φ′(h₁)φ′(h₂)] at c*, in layers; ∞ on the critical line.
    """

    q: float
    c: float
    xi_q: float
    xi_c: float


def find_depth_scales(
    mean_field: MeanField,
    sigmas: tuple[Number, Number],
    q: Number | None,
    parameters: Parameters,
) -> DepthScales:
    """Find both depth scales; see `MeanField.depth_scales`."""
    values = dict(bind_parameters(mean_field.phi, parameters))
    values |= {scale_symbol: exact("sigma_w", sigmas[0]), bias_symbol: exact("sigma_b", sigmas[1])}
    with mp.workdps(_DIGITS):
        scales(*sigmas)
        point = _attracting(mean_field, sigmas, q, parameters, values)
        if point.q == 0:  # two signals fade together, each layer by its slope at 0
            return DepthScales(0.0, 1.0, _scale(point.slope), _scale(point.slope))
        values[variance] = sp.Rational(point.q)
        chi = _number(mean_field.chi, values)
        if chi <= 1 + _UNIT:
            return DepthScales(point.q, 1.0, _scale(point.slope), _scale(chi))
        where = _correlation(mean_field, values)
        slope = _number(scale_symbol**2 * mean_field.slope_dual, {**values, correlation: where})
        return DepthScales(point.q, float(where), _scale(point.slope), _scale(slope))


def _attracting(
    mean_field: MeanField,
    sigmas: tuple[Number, Number],
    q: Number | None,
    parameters: Parameters,
    values: Mapping[sp.Symbol, Number],
) -> FixedPoint:
    """The attracting fixed point of the length map, the one near q if there are several."""
    wanted = None if q is None else finite("q", exact("q", q))
    if _keeps_every_length(mean_field.length_map, values):
        return FixedPoint(1.0 if wanted is None else float(wanted), 1.0, stable=False)
    known = mean_field.fixed_points(*sigmas, parameters)
    found = [point for point in known if abs(point.slope) <= 1 + _UNIT]
    shown = ", ".join(f"{point.q:.8g}" for point in found)
    if not found:
        raise DomainError(
            f"no length attracts at sigma_w = {sigmas[0]}, sigma_b = {sigmas[1]}: there are no "
            "depth scales"
        )
    if wanted is not None:
        found = [point for point in found if abs(point.q - wanted) <= _SAME * max(point.q, wanted)]
    if len(found) != 1:
        raise DomainError(f"give q, one of the lengths that attract: {shown}")
    return found[0]


def _keeps_every_length(length_map: sp.Expr, values: Mapping[sp.Symbol, Number]) -> bool:
    """Whether V(q) = q for every q, to rounding, as for ReLU on its critical line."""
    return all(
        abs(_number(length_map, {**values, variance: sp.Rational(str(q))}) / q - 1) < _UNIT
        for q in _LENGTHS
    )


def _correlation(mean_field: MeanField, values: Mapping[sp.Symbol, Number]) -> sp.Rational:
    """The fixed point of the correlation map in [0, 1), where χ > 1."""
    length = _number(mean_field.length_map, values)
    covariance = scale_symbol**2 * mean_field.dual + bias_symbol**2

    @cache
    def excess(c: mpf) -> mpf:
        place = sp.Rational(mpmath.nstr(c, _DIGITS + 5))
        return _number(covariance, {**values, correlation: place}) / length - c

    if excess(mpf(0)) < _UNIT:
        return sp.S.Zero
    distance = mpf(1) / 2
    for _ in range(_HALVINGS):
        if excess(1 - distance) < 0:
            break
        distance /= 2
    else:
        raise NotConvergedError("c* is too near 1 to be told from it: the critical line is close")
    root = mpmath.findroot(
        excess, (mpf(0), 1 - distance), solver="anderson", tol=mpf(10) ** -17, verify=False
    )
    if not abs(excess(root)) < _UNIT:
        raise NotConvergedError("the fixed point of the correlation map was not found")
    return sp.Rational(mpmath.nstr(root, _DIGITS))


def _number(expr: sp.Expr, values: Mapping[sp.Symbol, Number]) -> mpf:
    return mpf(expr.subs(dict(values)).evalf(_DIGITS))


def _scale(slope: float | mpf) -> float:
    """−1/log of the size of a slope."""
    size = float(abs(slope))
    if abs(size - 1) <= _UNIT:
        return inf
    return -1 / log(size) if size else 0.0
