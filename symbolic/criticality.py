"""Critical points: χ = χ_∥ = 1 at a fixed point of the length map.

There, neither a change of a signal's direction nor one of its length grows or shrinks to first
order. χ_∥ − χ = σ_w² E[φφ″] must vanish, Dirac deltas of φ″ counted, which leaves

* every q > 0, if E[φφ″] vanishes identically and so does σ_b (φ = a±x on either side of 0);
* the limit q → 0, if φ(0) = 0 and φ has a slope there, since then E[φφ″] → 0;
* isolated zeros of E[φφ″], with σ_w² = 1/E[φ′²] and σ_b² = q − σ_w² E[φ²], if that is not negative.

Source: Roberts, Yaida & Hanin (2022), The Principles of Deep Learning Theory, arXiv:2106.10165,
    sections 5.1–5.3 (for smooth φ, and φ = a±x).

>>> from freejac.symbolic.activation import activation
>>> find_critical_points(activation("relu"))
(CriticalPoint(q=q, sigma_w=sqrt(2), sigma_b=0, exact=True, kind='line'),)
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp
from mpmath import mp

from freejac.symbolic.activation import Activation
from freejac.symbolic.algebraic import value_at
from freejac.symbolic.asymptotics import mean_series
from freejac.symbolic.domain import exact
from freejac.symbolic.errors import DomainError
from freejac.symbolic.expectation import expectation
from freejac.symbolic.fixed_points import Parameters, bind_parameters
from freejac.symbolic.intervals import is_zero
from freejac.symbolic.mean_zeros import mean_zeros
from freejac.symbolic.piecewise import PiecewiseFunction
from freejac.symbolic.quadrature import gaussian_mean
from freejac.symbolic.symbols import q

__all__ = [
    "CriticalPoint",
    "Response",
    "decided_response",
    "find_critical_points",
    "with_values",
]

_GUARD_DIGITS = 5
_MOST_DIGITS = 1000


@dataclass(frozen=True)
class CriticalPoint:
    """A point (q*, σ_w, σ_b) with χ = χ_∥ = 1 and V(q*) = q*.

    Attributes:
        q: q*; 0 stands for the limit q → 0, the symbol q for every q > 0.
        sigma_w: σ_w > 0.
        sigma_b: σ_b ≥ 0.
        exact: whether the values are exact; otherwise they are numbers to the digits asked for.
        kind: "line" (every q), "origin" (q → 0) or "isolated".
    """

    q: sp.Expr
    sigma_w: sp.Expr
    sigma_b: sp.Expr
    exact: bool
    kind: str


@dataclass(frozen=True)
class Response:
    """The three functions of an activation whose Gaussian means decide.

    Attributes:
        name: the activation's, for messages.
        square: φ².
        slope: φ′².
        curvature: φφ″, with Dirac deltas.
    """

    name: str
    square: PiecewiseFunction
    slope: PiecewiseFunction
    curvature: PiecewiseFunction

    @classmethod
    def of(cls, phi: Activation) -> Response:
        """Build them.

        Raises:
            DomainError: φ jumps, and χ is infinite.
        """
        first = phi.distribution(1)
        if first.deltas:
            raise DomainError(
                f"{phi.name} jumps at x = {first.deltas[0].location}: the susceptibility χ is "
                "infinite, and no point is critical"
            )
        phi_phi = phi.function * phi.distribution(2)
        return cls(phi.name, phi.function**2, first**2, phi_phi)

    @property
    def parameters(self) -> set[sp.Symbol]:
        """Parameters that have no value yet."""
        return self.square.free_symbols

    def subs(self, values: dict[sp.Symbol, sp.Expr]) -> Response:
        """Give parameters values."""
        functions = (f.subs(values) for f in (self.square, self.slope, self.curvature))
        return Response(self.name, *functions)


def find_critical_points(
    phi: Activation, parameters: Parameters | None = None, digits: int = 20
) -> tuple[CriticalPoint, ...]:
    """Every critical point; see `MeanField.critical_points`.

    >>> from freejac.symbolic.activation import activation
    >>> point = find_critical_points(activation("gelu"))[1]
    >>> point.q, point.exact, point.sigma_w.evalf(8) ** 2
    (3/2 + sqrt(17)/2, True, 1.9830583)
    """
    _require_digits(digits)
    response, mean = decided_response(phi, parameters or {})
    if mean == 0:
        return _line(phi, response, parameters or {})
    found = [] if (origin := _origin(response)) is None else [origin]
    if not (mean.is_positive or mean.is_negative):
        for at, known in mean_zeros(response.curvature, digits + _GUARD_DIGITS):
            point = _exactly(response, at) if known else _numerically(response, at, digits)
            found += [] if point is None else [point]
    return tuple(found)


def decided_response(phi: Activation, parameters: Parameters) -> tuple[Response, sp.Expr]:
    """The functions of φ and E[φφ″], with numbers for parameters where symbols do not decide.

    Raises:
        DomainError: φ jumps, or a parameter is needed and has no value.
    """
    response = Response.of(phi).subs(_given(phi, parameters))
    mean = expectation(response.curvature, q)
    if mean != 0 and response.parameters and not (mean.is_positive or mean.is_negative):
        response = with_values(phi, response, parameters)
        mean = expectation(response.curvature, q)
    return response, mean


def _require_digits(digits: object) -> None:
    """Refuse a number of digits that is not a sensible one.

    Raises:
        DomainError: it is not an integer from 1 to 1000.
    """
    if not isinstance(digits, int) or isinstance(digits, bool) or not 1 <= digits <= _MOST_DIGITS:
        raise DomainError(f"digits is an integer from 1 to {_MOST_DIGITS}, not {digits!r}")


def with_values(phi: Activation, response: Response, parameters: Parameters) -> Response:
    """Give the parameters that are left their default values.

    Raises:
        DomainError: one has none.
    """
    values = bind_parameters(phi, parameters)
    return response.subs({symbol: _rational(value) for symbol, value in values.items()})


def _given(phi: Activation, parameters: Parameters) -> dict[sp.Symbol, sp.Expr]:
    """Exact values of the parameters that the caller names, checked."""
    filled = {symbol.name: 1 for symbol in phi.parameters}
    named = {str(key): value for key, value in parameters.items()}
    values = bind_parameters(phi, {**filled, **named})
    return {s: _rational(value) for s, value in values.items() if s.name in named}


def _rational(value: object) -> sp.Expr:
    """A parameter's value, a float as the rational number that it is."""
    number = exact("a parameter", value)
    return sp.Rational(number) if number.is_Float else number


def _line(phi: Activation, response: Response, parameters: Parameters) -> tuple[CriticalPoint, ...]:
    """χ = χ_∥ for every q: critical where V(q) = q leaves room for a bias."""
    weight, bias = _sigmas(response, q)
    if bias != 0 and response.parameters and not bias.is_negative:
        response = with_values(phi, response, parameters)
        weight, bias = _sigmas(response, q)
    if bias.is_negative or (bias != 0 and bias.subs(q, 1).evalf() < 0):
        return ()
    return (CriticalPoint(q, sp.sqrt(sp.factor(weight)), sp.sqrt(bias), True, "line"),)


def _sigmas(response: Response, at: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """(σ_w², σ_b²) where χ = 1 and V(q) = q."""
    slope, square = expectation(response.slope, q), expectation(response.square, q)
    if at != q:
        slope, square = value_at(slope, at), value_at(square, at)
    weight = 1 / slope
    return weight, sp.cancel(q - weight * square) if at == q else at - weight * square


def _origin(response: Response) -> CriticalPoint | None:
    """The limit q → 0: a fixed point without biases if E[φ²] = s q + …; χ, χ_∥ tend to σ_w² s."""
    leading = mean_series(response.square, 0, 1).terms
    if not leading or leading[0][1] != 1:
        return None
    return CriticalPoint(sp.S.Zero, 1 / sp.sqrt(leading[0][0]), sp.S.Zero, True, "origin")


def _exactly(response: Response, at: sp.Expr) -> CriticalPoint | None:
    weight, bias = _sigmas(response, at)
    if is_zero(bias):
        bias = sp.S.Zero
    if bias.evalf(30) < 0:
        return None
    return CriticalPoint(at, sp.sqrt(weight), sp.sqrt(bias), True, "isolated")


def _numerically(response: Response, at: sp.Expr, digits: int) -> CriticalPoint | None:
    with mp.workdps(digits + _GUARD_DIGITS):
        slope = gaussian_mean(response.slope, at, digits + _GUARD_DIGITS)
        square = gaussian_mean(response.square, at, digits + _GUARD_DIGITS)
        bias = sp.Float(at) - square / slope
        if bias < 0:
            return None
        values = (at, 1 / mp.sqrt(slope), sp.sqrt(bias))
        q_star, sigma_w, sigma_b = (sp.Float(value, digits) for value in values)
    return CriticalPoint(q_star, sigma_w, sigma_b, False, "isolated")
