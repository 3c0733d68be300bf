"""What is constant along an integral, as factors that code multiplies as two doubles.

Such a factor rounds the same way at every place: its error is that of the whole integral. So it is
taken out, and multiplied at the end, with the error of each product (`_times`).

>>> q, x = sp.symbols("q x")
>>> taken_out(q * x + q**2 * x**2, [q])
(q, q*x**2 + x)
>>> factors(q**2 * x), two_doubles(1 / sp.Integer(3))
(['x', 'q', 'q'], ('0.3333333333333333', '1.850371707708594e-17'))
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import sympy as sp

from freejac.codegen.printer import source

__all__ = ["Term", "factors", "number_first", "taken_out", "two_doubles", "weighted"]


def taken_out(expr: sp.Expr, constants: Iterable[sp.Symbol]) -> tuple[sp.Expr, sp.Expr]:
    """A product of powers of the constants that every term has, and the rest."""
    product = sp.Mul(*(symbol ** max(_least_power(expr, symbol), 0) for symbol in constants))
    return product, sp.Add(*(term / product for term in sp.Add.make_args(expr)))


def _least_power(expr: sp.Expr, symbol: sp.Symbol) -> int:
    """The largest whole power of a symbol that every term of an expression has."""
    if expr.is_Add:
        return min(_least_power(term, symbol) for term in expr.args)
    if expr.is_Mul:
        return sum(_least_power(factor, symbol) for factor in expr.args)
    base, exponent = expr.as_base_exp()
    return int(exponent) if base == symbol and exponent.is_Integer else 0


def number_first(expr: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """The number of a product, and the rest; 1 before a sum."""
    if expr.is_Add or expr.is_number:
        return sp.S.One, expr
    number, rest = expr.as_independent(*expr.free_symbols, as_Add=False)
    return number, rest


def factors(product: sp.Expr) -> list[str]:
    """The names of a product's factors, as often as they are there; sums in brackets."""
    found = []
    for factor in sp.Mul.make_args(product):
        base, exponent = factor.as_base_exp()
        whole = exponent.is_Integer and exponent > 0
        found += [source(base)] * int(exponent) if whole else [source(factor)]
    return [] if product == 1 else found


def two_doubles(number: sp.Expr) -> tuple[str, str]:
    """A number as a double and what that lacks."""
    high = float(number)
    return repr(high), repr(float((number - sp.Float(high, 60)).evalf(30)))


@dataclass(frozen=True)
class Term:
    """A number times factors times a mean, and the same as one expression."""

    number: tuple[str, str]
    factors: list[str]
    mean: str
    text: str


def weighted(weight: sp.Expr, mean: sp.Symbol) -> Term:
    """The term of a weight times a mean that has a name in code."""
    number, rest = weight.as_independent(*weight.free_symbols, as_Add=False)
    return Term(two_doubles(number), factors(rest), mean.name, source(weight * mean))
