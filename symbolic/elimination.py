"""Elimination for algebraic laws: resultants, and the factor that the series at hand satisfies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import flint
import sympy as sp

from freejac.symbolic.errors import InternalError

__all__ = ["eliminated", "true_factor"]


def eliminated(
    first: sp.Expr, second: sp.Expr, unknown: sp.Symbol, keep: Sequence[sp.Symbol]
) -> sp.Expr:
    """Eliminate an unknown from two polynomial equations.

    Args:
        first: a polynomial with rational coefficients, in any symbols and functions of symbols.
        second: another.
        unknown: what is eliminated.
        keep: factors free of all of these are dropped.

    >>> x, y, t = sp.symbols("x y t")
    >>> eliminated(x - t**2, y - 3 * t, t, keep=(x, y))
    9*x - y**2
    """
    ring = _Ring.of(first, second, unknown)
    resultant = ring.read(first).resultant(ring.read(second), ring.names[unknown])
    factors = [f for f in ring.factors(resultant) if f.has(*keep)]
    return sp.expand(sp.Mul(*factors))


def true_factor(
    polynomial: sp.Expr, variable: sp.Symbol, unknown: sp.Symbol, start: sp.Expr
) -> sp.Expr:
    """Choose the factor of P(variable, unknown) of which a given power series is a root.

    The start of the series cancels the lowest orders of the right factor, and of no other; that is
    looked at with numbers in place of the other symbols.

    Args:
        polynomial: P.
        variable: the variable of the series.
        unknown: the unknown that the series stands for.
        start: the known beginning of the series, a polynomial in the variable.

    Raises:
        InternalError: two factors cancel equally far.

    >>> x, y = sp.symbols("x y")
    >>> true_factor(sp.expand((y - x - x**2) * (y + x)), x, y, x + x**2)
    x**2 + x - y
    """
    ring = _Ring.of(polynomial, variable)
    factors = [f for f in ring.factors(ring.read(polynomial)) if f.has(unknown)]
    if len(factors) == 1:
        return factors[0]
    others = [g for g in ring.names if g not in (variable, unknown)]
    point = {g: sp.Rational(sp.prime(5 + k), sp.prime(9 + k)) for k, g in enumerate(others)}
    values = {f: f.xreplace(point) for f in factors}
    beginning = start.xreplace(point)
    reached = {
        f: _order(value.subs(unknown, beginning), variable) - _order(value, variable)
        for f, value in values.items()
    }
    ranked = sorted(factors, key=lambda f: reached[f], reverse=True)
    if reached[ranked[0]] == reached[ranked[1]]:
        raise InternalError("the beginning of the series does not single out one factor")
    return ranked[0]


def _order(expr: sp.Expr, variable: sp.Symbol) -> sp.Expr:
    """The lowest power of the variable with a coefficient other than 0."""
    numerator = sp.fraction(sp.cancel(expr))[0]
    if numerator == 0:
        return sp.oo
    return min(power for (power,) in sp.Poly(numerator, variable).monoms())


@dataclass(frozen=True)
class _Ring:
    """Polynomials over ℤ in flint, and the way there and back."""

    context: Any
    names: dict[sp.Expr, str]

    @classmethod
    def of(cls, *exprs: sp.Expr) -> _Ring:
        generators = sp.Poly(sp.Add(*(sp.Dummy() * e for e in exprs))).gens
        kept = [g for g in generators if any(e.has(g) for e in exprs)]
        names = {generator: f"g{place}" for place, generator in enumerate(kept)}
        context = flint.fmpz_mpoly_ctx.get(tuple(names.values()), flint.Ordering.degrevlex)
        return cls(context, names)

    def read(self, expr: sp.Expr) -> Any:
        """Take an expression; a common denominator is dropped."""
        _, poly = sp.Poly(expr, *self.names).clear_denoms(convert=True)
        terms = {monomial: int(coefficient) for monomial, coefficient in poly.terms()}
        return self.context.from_dict(terms)

    def factors(self, poly: Any) -> list[sp.Expr]:
        """The irreducible factors, without multiplicity and without constants."""
        return [self._written(factor) for factor, _ in poly.factor()[1]]

    def _written(self, poly: Any) -> sp.Expr:
        terms = {
            tuple(map(int, monomial)): int(coefficient)
            for monomial, coefficient in poly.to_dict().items()
        }
        expr = sp.Poly(terms, *self.names).as_expr()
        # the sign of a factor is free: one that does not depend on the order of the generators
        return -expr if expr.could_extract_minus_sign() else expr
