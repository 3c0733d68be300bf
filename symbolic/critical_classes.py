"""Universality classes of criticality: how a deep network forgets lengths and directions.

At criticality nothing grows or decays exponentially with the number of layers ℓ, but powers of ℓ
are left. They follow from the first terms of two series: with Δ = q − q*,

    V(q) − q = a Δ^{1+r} + …,   χ(q) − 1 = b Δ^s + …

Then Δ ~ (r|a|ℓ)^{−1/r} on the side where it shrinks; a difference of lengths grows by the factor
V′(q) = 1 + (1 + r) a Δ^r a layer and decays like ℓ^{−(1+1/r)}; a difference of directions grows by
χ and decays like ℓ^{−b/(ra)} if s = r, is kept if s > r, and goes faster than any power if s < r.
Where V(q) − q is smaller than every power, as for a φ that is linear around 0, r = ∞.

Source: Roberts, Yaida & Hanin (2022), The Principles of Deep Learning Theory, arXiv:2106.10165,
    sections 5.2 (scale-invariant), 5.3.3 (K* = 0) and 5.3.4 (half-stable), for r = s = 1.

>>> from freejac.symbolic.activation import activation
>>> found = classify(activation("erf"))
>>> found.name, found.p_0, found.p_parallel, found.p_perp
('K*=0', 1, 2, 1)
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp
from mpmath import mp

from freejac.symbolic.activation import Activation
from freejac.symbolic.algebraic import value_at
from freejac.symbolic.asymptotics import mean_series
from freejac.symbolic.criticality import (
    CriticalPoint,
    Response,
    decided_response,
    find_critical_points,
    with_values,
)
from freejac.symbolic.errors import NotConvergedError
from freejac.symbolic.expectation import Expectation, expectation
from freejac.symbolic.fixed_points import Parameters
from freejac.symbolic.piecewise import Piece, PiecewiseFunction
from freejac.symbolic.quadrature import gaussian_mean
from freejac.symbolic.symbols import q

__all__ = ["Universality", "classify"]

_GUARD_DIGITS = 10
_WIDEST = 30  # characters of an exact number in a sentence
_layers = sp.Symbol("ℓ", positive=True)


@dataclass(frozen=True)
class Universality:
    """A universality class, with the powers of the depth ℓ at its critical point.

    Attributes:
        name: "scale-invariant", "K*=0", "half-stable" or "none".
        critical_point: the point that is meant; None if there is none.
        p_0: |q − q*| ~ amplitude · ℓ^{−p_0} (0 for a logarithm, or where q stays).
        p_parallel: a small difference of lengths decays like ℓ^{−p_parallel}.
        p_perp: a small difference of directions decays like ℓ^{−p_perp}; ∞ if faster.
        amplitude: the factor of ℓ^{−p_0}; None where q does not follow a power.
        explanation: one sentence.
    """

    name: str
    critical_point: CriticalPoint | None
    p_0: sp.Expr | None
    p_parallel: sp.Expr | None
    p_perp: sp.Expr | None
    amplitude: sp.Expr | None
    explanation: str

    def __str__(self) -> str:
        return f"{self.name}: {self.explanation}"


@dataclass(frozen=True)
class _Local:
    """V(q) − q = a q^{1+r} + … and χ(q) − 1 = b q^s + … at q → 0."""

    a: sp.Expr
    r: sp.Expr
    b: sp.Expr
    s: sp.Expr

    @property
    def exponents(self) -> tuple[sp.Expr, sp.Expr, sp.Expr]:
        """(p_0, p_∥, p_⊥)."""
        if self.s == self.r:
            perpendicular = self.b / (self.r * self.a)
        else:
            perpendicular = sp.S.Zero if self.s > self.r else sp.oo * sp.sign(self.b / self.a)
        return 1 / self.r, 1 + 1 / self.r, perpendicular

    @property
    def amplitude(self) -> sp.Expr:
        """(r|a|)^{−1/r}."""
        return (self.r * sp.Abs(self.a)) ** (-1 / self.r)


def classify(
    phi: Activation, parameters: Parameters | None = None, digits: int = 20
) -> Universality:
    """The universality class; see `MeanField.universality`.

    >>> from freejac.symbolic.activation import activation
    >>> print(classify(activation("relu")))
    scale-invariant: every q is a fixed point at sigma_w = sqrt(2), sigma_b = 0; nothing decays
    """
    points = find_critical_points(phi, parameters, digits)
    response, _ = decided_response(phi, parameters or {})
    reasons = []
    for point in points:
        if point.kind == "line":
            return _on_a_line(point)
        if point.kind == "origin":
            found = _at_origin(phi, response, point, parameters or {})
        else:
            found = _half_stable(response, point, digits)
        if found.name != "none":
            return found
        reasons.append(found.explanation)
    explanation = "; ".join(reasons) or "no point has χ = χ_∥ = 1 and a fixed point"
    return _none(explanation)


def _none(explanation: str) -> Universality:
    return Universality("none", None, None, None, None, None, explanation)


def _on_a_line(point: CriticalPoint) -> Universality:
    if point.sigma_b != 0:
        return _none("the critical points form a curve, along which V(q) is not the identity")
    zero = sp.S.Zero
    explanation = (
        f"every q is a fixed point at sigma_w = {_shown(point.sigma_w)}, sigma_b = 0; nothing "
        "decays"
    )
    return Universality("scale-invariant", point, zero, zero, zero, None, explanation)


def _at_origin(
    phi: Activation, response: Response, point: CriticalPoint, parameters: Parameters
) -> Universality:
    """The limit q → 0, if it attracts."""
    local = _local_at_origin(response)
    undecided = local is None or local.a.is_negative is local.a.is_positive
    if response.parameters and undecided:
        response = with_values(phi, response, parameters)
        local = _local_at_origin(response)
    if local is None:
        return _linear_at_origin(response, point)
    if local.a.is_positive:
        return _none("the critical point q → 0 repels")
    decay, parallel, perpendicular = local.exponents
    explanation = (
        f"q tends to 0 like {_law(local.amplitude, decay)} at sigma_w = {_shown(point.sigma_w)}, "
        f"sigma_b = 0; {_differences(parallel, perpendicular)}"
    )
    return Universality("K*=0", point, decay, parallel, perpendicular, local.amplitude, explanation)


def _local_at_origin(response: Response) -> _Local | None:
    """From the series at q → 0; None where V(q) = q to every order."""
    square, slope = (mean_series(f, 0, 2) for f in (response.square, response.slope))
    if len(square.terms) == 1:
        if square.order.is_finite:
            raise NotConvergedError(
                f"the series of E[φ²] of {response.name} is flat beyond its order"
            )
        return None
    (lead, _), (second, exponent) = square.terms
    # Beyond its truncation, the series of χ goes on with a power that is higher than r.
    change, order = slope.terms[1] if len(slope.terms) > 1 else (sp.S.Zero, slope.order)
    return _Local(sp.cancel(second / lead), exponent - 1, sp.cancel(change / lead), order)


def _linear_at_origin(response: Response, point: CriticalPoint) -> Universality:
    """For φ linear on either side of 0 up to a distance d, V(q) − q is like exp(−d²/2q)."""
    tail = _beyond_germ(response.square)
    nearest = min(abs(b) for b in tail.breakpoints if b != 0)
    # Well inside the asymptotic regime, and still far from underflow.
    if gaussian_mean(tail, nearest**2 / 200, 15) > 0:
        return _none("the critical point q → 0 repels")
    explanation = (
        f"q tends to 0 like {nearest**2 / (2 * sp.log(_layers))}, slower than any power, at "
        f"sigma_w = {_shown(point.sigma_w)}, sigma_b = 0; up to logarithms, "
        f"{_differences(sp.S.One, sp.S.Zero)}"
    )
    return Universality("K*=0", point, sp.S.Zero, sp.S.One, sp.S.Zero, None, explanation)


def _beyond_germ(square: PiecewiseFunction) -> PiecewiseFunction:
    """φ² minus what it is next to 0 on either side."""
    right = next(p.expr for p in square.pieces if p.upper > 0)
    left = next(p.expr for p in reversed(square.pieces) if p.lower < 0)
    zero = sp.S.Zero
    germ = PiecewiseFunction((Piece(-sp.oo, zero, -left), Piece(zero, sp.oo, -right)))
    return square + germ


def _half_stable(response: Response, point: CriticalPoint, digits: int) -> Universality:
    """An isolated q*, which attracts from one side and repels from the other."""
    bend, ratio = _bend_and_ratio(response, point, digits)
    if bend == 0:
        return _none(f"the length map has no curvature at the critical point q = {point.q}")
    decay, parallel = sp.S.One, sp.Integer(2)
    amplitude = 2 / (point.sigma_w**2 * sp.Abs(bend))
    side, other = ("below", "above") if bend.evalf(15) > 0 else ("above", "below")
    explanation = (
        f"q tends to q* = {_shown(point.q)} from {side} like {_law(amplitude, decay)}, and "
        f"leaves it {other}, at sigma_w = {_shown(point.sigma_w)}, sigma_b = "
        f"{_shown(point.sigma_b)}; {_differences(parallel, ratio)}"
    )
    return Universality("half-stable", point, decay, parallel, ratio, amplitude, explanation)


def _bend_and_ratio(
    response: Response, point: CriticalPoint, digits: int
) -> tuple[sp.Expr, sp.Expr]:
    """∂²E[φ²]/∂q², and p_⊥ = ∂E[φ′²]/∂q over half of it; by the heat equation ∂_q E[f] = ½E[f″]."""
    parallel = (response.slope + response.curvature).derivative().derivative()
    second = response.slope.derivative().derivative()
    bend, tilt = expectation(parallel, q) / 2, expectation(second, q) / 2
    if point.exact and not bend.has(Expectation) and not tilt.has(Expectation):
        return value_at(bend, point.q), value_at(sp.factor(2 * tilt / bend), point.q)
    with mp.workdps(digits + _GUARD_DIGITS):
        bend = gaussian_mean(parallel, point.q, digits + _GUARD_DIGITS) / 2
        tilt = gaussian_mean(second, point.q, digits + _GUARD_DIGITS) / 2
        return sp.Float(bend, digits), sp.Float(2 * tilt / bend, digits)


def _law(amplitude: sp.Expr, exponent: sp.Expr) -> str:
    short = len(sp.sstr(amplitude)) <= _WIDEST and not amplitude.has(sp.Float)
    number = amplitude if short else amplitude.evalf(6)
    return sp.sstr(number * _layers ** (-exponent))


def _shown(number: sp.Expr) -> str:
    """A number, in digits when its exact form is long."""
    text = sp.sstr(number)
    short = len(text) <= _WIDEST and not number.has(sp.Float)
    return text if short else sp.sstr(number.evalf(10))


def _differences(parallel: sp.Expr, perpendicular: sp.Expr) -> str:
    lengths = f"a difference of lengths decays like {_law(sp.S.One, parallel)}"
    if perpendicular == 0:
        return f"{lengths}, one of directions stays"
    if perpendicular.is_infinite:
        return f"{lengths}, one of directions changes faster than any power"
    number = perpendicular if perpendicular.is_Rational else perpendicular.evalf(6)
    verb = "decays" if number > 0 else "grows"
    return f"{lengths}, one of directions {verb} like {_law(sp.S.One, number)}"
