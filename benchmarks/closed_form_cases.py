"""A Gaussian expectation to check, its closed form, and how far that is off.

What is measured against is quadrature of the definition. The error is absolute, divided by the
root mean square of the integrand: a mean may be exponentially small, or 0, where nothing else is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import mpmath
import sympy as sp
from mpmath import mp, mpf

from freejac.symbolic.bivariate import expect2
from freejac.symbolic.bivariate_quadrature import gaussian_mean2
from freejac.symbolic.expectation import expect
from freejac.symbolic.piecewise import PiecewiseFunction, decompose
from freejac.symbolic.quadrature import gaussian_mean
from freejac.symbolic.symbols import c, parameter, q

__all__ = ["GOOD", "Case", "deviation", "evaluate", "q1", "q2", "width"]

GOOD = mpf(10) ** -25
"""What the deviation of a right form stays below, when the quadrature is good to 30 digits."""

_ENOUGH = mpf(10) ** -30
_MOST_DIGITS = 4000
_SMALLEST = mpf(10) ** -100

q1, q2 = (sp.Symbol(name, positive=True) for name in ("q_1", "q_2"))
width = parameter("width", positive=True)
"""The parameter of integrands that have one."""

Values: TypeAlias = Mapping[sp.Symbol, sp.Rational]


@dataclass(frozen=True)
class Case:
    """E[f(h)], or E[f(h₁)g(h₂)].

    Attributes:
        kind: which part of the class it is from.
        f, g: the factors; g is None in one variable.
        values: numbers for the variances, the correlation, and the parameter.
        symbolic: whether the engine sees symbols for the variances and the correlation.
    """

    kind: str
    f: sp.Expr
    g: sp.Expr | None = None
    values: Values = field(default_factory=dict)
    symbolic: bool = True

    def closed(self) -> sp.Expr:
        """What the engine makes of it."""
        names = (q,) if self.g is None else (q1, q2, c)
        at = names if self.symbolic else [self.values[name] for name in names]
        return expect(self.f, *at) if self.g is None else expect2(self.f, self.g, *at)

    def __str__(self) -> str:
        parts = [f"f = {self.f}", *([] if self.g is None else [f"g = {self.g}"])]
        parts += [f"{symbol} = {value}" for symbol, value in self.values.items()]
        return f"[{self.kind}, {'symbolic' if self.symbolic else 'numeric'}] {'; '.join(parts)}"

    __repr__ = __str__


def evaluate(expr: sp.Expr, values: Values, size: mpf) -> mpf:
    """Value of a closed form to 1e-30 of a size, at as many digits as its cancellations ask for.

    Raises:
        ArithmeticError: its terms are thousands of digits larger than the size.
    """
    terms = sp.lambdify(tuple(values), list(sp.Add.make_args(expr)), "mpmath")
    previous, digits = None, 60
    while digits < _MOST_DIGITS:
        with mp.workdps(digits):
            parts = [mp.mpmathify(term) for term in terms(*map(_number, values.values()))]
            value = mpmath.fsum(parts)
            lost = mpmath.log10(max(abs(part) for part in parts) / size + 1)
            if previous is not None and abs(value - previous) <= _ENOUGH * size:
                return value
        if digits > lost + 40:
            previous, digits = value, 2 * digits
        else:
            previous, digits = None, int(lost) + 60
    raise ArithmeticError(f"{expr} cancels to thousands of digits at {values}")


def deviation(case: Case, closed: sp.Expr, digits: int = 30) -> mpf:
    """|closed form − quadrature of the definition| / root mean square of the integrand.

    For a pair the size is the product of both; a Dirac delta counts with its weight times the
    density; and a size below 1e-100, of an integrand that lives many standard deviations out, is
    taken for that.

    Raises:
        NotConvergedError: quadrature does not resolve the integrand.
        DomainError: quadrature takes the mean for infinite.
        ArithmeticError: the closed form cancels to thousands of digits.
    """
    values = case.values
    parameters = {s: v for s, v in values.items() if s not in (q, q1, q2, c)}
    f = decompose(case.f)
    with mp.workdps(digits + 20):
        if case.g is None:
            size = _size(f, values[q], parameters)
            reference = gaussian_mean(f, values[q], digits, parameters)
        else:
            g = decompose(case.g)
            size = _size(f, values[q1], parameters) * _size(g, values[q2], parameters)
            at = (values[symbol] for symbol in (q1, q2, c))
            reference = gaussian_mean2(f, g, *at, digits, parameters)
        size = max(size, _SMALLEST)
        return abs(evaluate(closed, values, size) - reference) / size


def _size(f: PiecewiseFunction, variance: sp.Rational, parameters: Values) -> mpf:
    total = mpmath.sqrt(gaussian_mean(PiecewiseFunction(f.pieces) ** 2, variance, 8, parameters))
    spread = mpmath.sqrt(_number(variance))
    for delta in f.deltas:
        at, weight = (mpf(e.subs(parameters).evalf(20)) for e in (delta.location, delta.weight))
        steepness = (abs(at) / spread + 1) / spread
        total += abs(weight) * mpmath.npdf(at, 0, spread) * steepness**delta.order
    return total


def _number(value: sp.Rational) -> mpf:
    return mpf(value.p) / value.q
