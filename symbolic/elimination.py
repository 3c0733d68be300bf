"""Elimination for algebraic laws: resultants, and the factor that the series at hand satisfies."""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from freejac.symbolic.coefficients import Poly, Ring, ring_of
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
    ring = ring_of([first, second, unknown])
    above = [ring.ratio(expr)[0] for expr in (first, second)]
    factors = _factors(ring, above[0].resultant(above[1], ring.index(unknown)))
    return sp.expand(sp.Mul(*(f for f in factors if f.has(*keep))))


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
    ring = ring_of([polynomial, variable])
    factors = [f for f in _factors(ring, ring.ratio(polynomial)[0]) if f.has(unknown)]
    if len(factors) == 1:
        return factors[0]
    others = [g for g in ring.generators if g not in (variable, unknown)]
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


def _factors(ring: Ring, poly: Poly) -> list[sp.Expr]:
    """The irreducible factors as expressions, without multiplicity and without constants."""
    found = [ring.expr(factor) for factor, _ in ring.factors(poly)]
    # the sign of a factor is free: one that does not depend on the order of the generators
    return [-factor if factor.could_extract_minus_sign() else factor for factor in found]
