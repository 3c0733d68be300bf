"""Taylor coefficients at 0 of a smooth expression in x, exact and to any order.

Power-series arithmetic instead of repeated differentiation, which swells: a composition g(u(x))
follows from g(u)′ = g′(u) u′, one order of g′(u) at a time, for whatever g knows its derivative.

>>> taylor(sp.tanh(x), 5)
[0, 1, 0, -1/3, 0, 2/15]
"""

from __future__ import annotations

from collections.abc import Iterable

import sympy as sp

from freejac.symbolic.errors import NoClosedForm
from freejac.symbolic.symbols import x

__all__ = ["taylor"]

_STRIDE = 12  # orders gained in one pass, which bounds how deep compositions call themselves

Coefficients = list[sp.Expr]


def taylor(expr: sp.Expr, order: int) -> Coefficients:
    """Coefficients of x⁰ … xᵒʳᵈᵉʳ of an expression that is analytic at 0.

    Raises:
        NoClosedForm: the expression has no Taylor series at 0, or a part is unknown.

    >>> from freejac.symbolic.functions import Phi
    >>> taylor(x * Phi(x), 2)
    [0, 1/2, sqrt(2)/(2*sqrt(pi))]
    """
    expansion = _Expansion()
    for reached in range(0, order, _STRIDE):
        expansion(expr, reached)
    return expansion(expr, order)


class _Expansion:
    """Series of an expression and its parts, each kept to the order it was last needed to."""

    def __init__(self) -> None:
        self._known: dict[sp.Expr, Coefficients] = {}

    def __call__(self, expr: sp.Expr, order: int) -> Coefficients:
        if order < 0:
            return []
        known = self._known.get(expr, [])
        if len(known) <= order:
            known = self._known[expr] = self._expanded(expr, order)
        return known[: order + 1]

    def _expanded(self, expr: sp.Expr, order: int) -> Coefficients:
        if not expr.has(x):
            return [expr, *[sp.S.Zero] * order]
        if expr == x:
            return [sp.S.Zero, sp.S.One, *[sp.S.Zero] * order][: order + 1]
        if expr.is_Add:
            columns = zip(*(self(part, order) for part in expr.args), strict=True)
            return [_sum(column) for column in columns]
        if expr.is_Mul:
            product = [sp.S.One, *[sp.S.Zero] * order]
            for factor in expr.args:
                product = _times(product, self(factor, order))
            return product
        if isinstance(expr, sp.Function) and len(expr.args) == 1:
            return self._composed(expr, order)
        if expr.is_Pow and not expr.exp.has(x):
            return self._power(expr.base, expr.exp, order)
        raise NoClosedForm(f"the Taylor series of {expr} at 0", "it is not analytic there")

    def _composed(self, expr: sp.Expr, order: int) -> Coefficients:
        """g(u) from its value and n·g_n = Σ k u_k (g′(u))_{n−k}."""
        argument = expr.args[0]
        inner = self(argument, order)
        outer = sp.Dummy("y", real=True)
        slope = self(expr.func(outer).fdiff(1).subs(outer, argument), order - 1)
        rising = [k * u for k, u in enumerate(inner)][1:]
        derivative = _times(rising, slope)
        value = _constant(expr.func(inner[0]))
        if value.is_finite is False or value is sp.nan:
            raise NoClosedForm(f"the Taylor series of {expr} at 0", "it is singular there")
        return [value, *(_tidy(d / n) for n, d in enumerate(derivative, 1))]

    def _power(self, base: sp.Expr, exponent: sp.Expr, order: int) -> Coefficients:
        """A power by J. C. P. Miller's recurrence, after the leading power of x is taken out."""
        coefficients = self(base, order)
        lead = next((k for k, b in enumerate(coefficients) if b != 0), order + 1)
        if lead > 0 and not (exponent.is_Integer and exponent > 0):
            raise NoClosedForm(
                f"the Taylor series of {base**exponent} at 0", "it is singular there"
            )
        shift = lead * int(exponent) if lead else 0
        if shift > order:
            return [sp.S.Zero] * (order + 1)
        b = coefficients[lead:]
        if exponent.is_Integer and exponent > 0 and b[0].is_Add:
            # without a division by b₀: sums below would grow without end
            return [sp.S.Zero] * shift + _repeated(b, int(exponent), order - shift + 1)
        power = [b[0] ** exponent]
        for n in range(1, order - shift + 1):
            total = _sum(
                (exponent * k - (n - k)) * b[k] * power[n - k]
                for k in range(1, min(n + 1, len(b)))
                if b[k] != 0
            )
            power.append(_tidy(total / (n * b[0])))
        return [sp.S.Zero] * shift + power


def _repeated(base: Coefficients, exponent: int, length: int) -> Coefficients:
    """A power by squaring, cut to a length."""
    base = [*base, *[sp.S.Zero] * (length - len(base))][:length]
    if exponent == 1:
        return base
    half = _repeated(base, exponent // 2, length)
    square = _times(half, half)
    return _times(square, base) if exponent % 2 else square


def _times(first: Coefficients, second: Coefficients) -> Coefficients:
    """The product, to the order of the shorter series."""
    length = min(len(first), len(second))
    return [
        _sum(first[i] * second[n - i] for i in range(n + 1) if first[i] != 0 and second[n - i] != 0)
        for n in range(length)
    ]


def _sum(terms: Iterable[sp.Expr]) -> sp.Expr:
    return _tidy(sp.Add(*terms))


def _tidy(value: sp.Expr) -> sp.Expr:
    return value if value.is_Rational else sp.expand(value)


def _constant(value: sp.Expr) -> sp.Expr:
    """A value at 0; rational where exponentials and logarithms cancel, as in tanh(log 2)."""
    if not value.has(sp.log):
        return value
    simpler = sp.expand(value.rewrite(sp.exp))
    return simpler if simpler.is_Rational else value
