"""Fixed points of the length map: all of them, bracketed on a grid in log q.

The grid runs over [1e-12, 1e12]. Sign changes of V(q)/q − 1 are refined within their bracket;
where the function comes close to zero without a change of sign, its extremum is located, so that
a pair of close fixed points, or a tangency, is not lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import mpmath
import sympy as sp
from mpmath import mp, mpf

from freejac.symbolic.activation import Activation
from freejac.symbolic.domain import Number, finite
from freejac.symbolic.errors import DomainError, NotConvergedError
from freejac.symbolic.expectation import Expectation
from freejac.symbolic.intervals import is_zero
from freejac.symbolic.mean_curve import MeanCurve
from freejac.symbolic.piecewise import PiecewiseFunction
from freejac.symbolic.quadrature import gaussian_mean
from freejac.symbolic.symbols import q as variance
from freejac.symbolic.symbols import x

__all__ = ["FixedPoint", "Parameters", "bind_parameters", "find_fixed_points", "scales"]

Parameters = Mapping[sp.Symbol, Number] | Mapping[str, Number]
Curve = Callable[[mpf], mpf]

_DIGITS = 18
_SCAN_DIGITS = 15
_CLOSED_FORM_DIGITS = 60
_CONFIRMED = mpf(10) ** -11
_GRID = [mpf(10) ** (mpf(k) / 3) for k in range(-36, 37)]
_ROOT = mpf(10) ** -16
_TANGENT = _NEGLIGIBLE = mpf(10) ** -13


@dataclass(frozen=True)
class FixedPoint:
    """A fixed point of the length map.

    Attributes:
        q: q* with V(q*) = q*.
        slope: V′(q*) = χ_∥ at q*.
        stable: whether |V′(q*)| < 1.
    """

    q: float
    slope: float
    stable: bool


def bind_parameters(phi: Activation, given: Parameters) -> dict[sp.Symbol, Number]:
    """Values for all parameters of an activation: given ones, else the defaults.

    Raises:
        DomainError: a parameter is unknown, has no value, or a value outside its range.
    """
    known = {s.name: s for s in phi.parameters}
    values: dict[sp.Symbol, Number] = dict(phi.defaults)
    for key, value in given.items():
        name = str(key)
        if name not in known:
            raise DomainError(f"{phi.name} has no parameter {name}")
        number = finite(name, value)
        if known[name].is_positive and not number > 0:
            raise DomainError(f"{name} of {phi.name} must be positive, not {value}")
        values[known[name]] = value
    missing = [s.name for s in phi.parameters if s not in values]
    if missing:
        raise DomainError(f"give a value for the parameter {', '.join(missing)} of {phi.name}")
    return values


def scales(sigma_w: Number, sigma_b: Number) -> tuple[mpf, mpf]:
    """σ_w and σ_b at mpmath's working precision.

    Raises:
        DomainError: σ_w is not positive, σ_b is negative, or one is not finite.
    """
    weight, bias = finite("sigma_w", sigma_w), finite("sigma_b", sigma_b)
    if not weight > 0 or not bias >= 0:
        raise DomainError(
            f"need sigma_w > 0 and sigma_b >= 0, not sigma_w = {sigma_w}, sigma_b = {sigma_b}"
        )
    return weight, bias


def find_fixed_points(
    phi: Activation,
    second_moment: tuple[PiecewiseFunction, sp.Expr],
    parallel: PiecewiseFunction,
    sigmas: tuple[Number, Number],
    parameters: Parameters,
) -> tuple[FixedPoint, ...]:
    """All fixed points of V(q) = σ_w² E[φ²] + σ_b²; see `MeanField.fixed_points`."""
    with mp.workdps(_DIGITS + 4):
        weight, bias = (scale**2 for scale in scales(*sigmas))
        values = bind_parameters(phi, parameters)
        mean_square = _curve(*second_moment, values)

        def excess(log_q: mpf) -> mpf:
            at = mpmath.exp(log_q)
            return (weight * mean_square(at) + bias) / at - 1

        def slope(at: mpf) -> mpf:
            return weight * gaussian_mean(parallel, at, _DIGITS, values)

        found = [] if bias else _at_zero(phi, weight, values)
        for root in _roots(excess):
            at = mpmath.exp(root)
            exact = gaussian_mean(second_moment[0], at, _DIGITS, values)
            if abs((weight * exact + bias) / at - 1) > _CONFIRMED:
                raise NotConvergedError(
                    f"the length map of {phi.name} is not resolved near q = {mpmath.nstr(at, 6)}"
                )
            steepness = slope(at)
            found.append(FixedPoint(float(at), float(steepness), bool(abs(steepness) < 1)))
        return tuple(found)


def _curve(
    definition: PiecewiseFunction, closed: sp.Expr, values: Mapping[sp.Symbol, Number]
) -> Curve:
    """E[φ²] as a function of q: the closed form with guard digits, else quadrature."""
    if closed.has(Expectation):
        curve = MeanCurve([(definition, 1)], values, _SCAN_DIGITS)
        return lambda at: curve(at)[0]
    formula = sp.lambdify(variance, closed.subs(dict(values)), "mpmath")

    def evaluate(at: mpf) -> mpf:
        # A closed form may cancel all but its last digits at either end of the grid.
        with mp.workdps(_CLOSED_FORM_DIGITS):
            return formula(at)

    return evaluate


def _at_zero(phi: Activation, weight: mpf, values: Mapping[sp.Symbol, Number]) -> list[FixedPoint]:
    """q* = 0 without biases: a fixed point if φ(0±) = 0, with slope σ_w²(φ′(0−)² + φ′(0+)²)/2."""
    sides = [
        piece
        for piece in phi.function.subs(dict(values)).pieces
        if sp.true not in (piece.lower > 0, piece.upper < 0)
    ]
    sides = [sides[0], sides[-1]]
    if not all(is_zero(side.expr.subs(x, 0)) for side in sides):
        return []
    slopes = [finite("φ′(0)", sp.diff(side.expr, x).subs(x, 0)) for side in sides]
    steepness = weight * mpmath.fsum(s**2 for s in slopes) / 2
    return [FixedPoint(0.0, float(steepness), bool(abs(steepness) < 1))]


def _roots(excess: Curve) -> list[mpf]:
    """Zeros of a function of log q on the grid."""
    sampled = [(u, excess(u)) for u in map(mpmath.log, _GRID)]
    # Where V(q) = q within rounding (a unit slope at small q), there is no zero to locate.
    definite = [(u, h) for u, h in sampled if abs(h) > _NEGLIGIBLE]
    if not definite:
        raise DomainError("every q is a fixed point: V(q) = q identically at these σ_w and σ_b")
    roots = [_bracketed(excess, a, b) for (a, fa), (b, fb) in pairwise(definite) if fa * fb < 0]
    for (a, left), (_, middle), (b, right) in zip(
        definite, definite[1:], definite[2:], strict=False
    ):
        dips = abs(middle) < abs(left) and abs(middle) < abs(right)
        if dips and left * middle > 0 and middle * right > 0:
            roots += _close_pair(excess, a, b, middle)
    return sorted(roots)


def _bracketed(function: Curve, a: mpf, b: mpf) -> mpf:
    """The root in a bracket; `find_fixed_points` confirms it against the definition."""
    return mpmath.findroot(
        function, (a, b), solver="anderson", tol=_ROOT, maxsteps=200, verify=False
    )


def _close_pair(function: Curve, a: mpf, b: mpf, sample: mpf) -> list[mpf]:
    """Two close roots, or a tangency, around an extremum that nearly reaches zero."""
    sign = 1 if sample > 0 else -1
    left, right = a, b
    golden = (mpmath.sqrt(5) - 1) / 2
    for _ in range(60):
        low, high = right - golden * (right - left), left + golden * (right - left)
        f_low, f_high = sign * function(low), sign * function(high)
        for at, value in ((low, f_low), (high, f_high)):
            if value < 0:
                return [
                    _bracketed(function, a, at),
                    _bracketed(function, at, b),
                ]
        if f_low > sign * sample * 2 and f_high > sign * sample * 2:
            break
        left, right = (left, high) if f_low < f_high else (low, right)
        if right - left < mpf(10) ** -9:
            break
    best = (left + right) / 2
    return [best] if abs(function(best)) < _TANGENT else []
