"""Values by numerical methods, which are taken at two precisions to see how good they are."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import mpmath
import sympy as sp
from mpmath import mp
from sympy.core.relational import Relational

__all__ = ["evaluated", "quadrature"]


def quadrature(integrand: sp.Expr, symbol: sp.Symbol, ends: list[sp.Expr]) -> Callable[[int], Any]:
    """An integral by tanh-sinh quadrature between its kinks, as a function of the digits.

    It raises ValueError where the integral does not converge.

    >>> t = sp.Symbol("t", real=True)
    >>> print(quadrature(sp.Abs(t), t, [sp.Integer(-1), sp.Integer(1)])(15))
    1.0
    """
    function = sp.lambdify(symbol, integrand, "mpmath")
    kinks = _kinks(integrand, symbol)

    def value(digits: int) -> Any:
        with mp.workdps(digits):
            first, last = (_end(end, digits) for end in ends)
            inner = [mpmath.mpf(sp.N(kink, digits)) for kink in kinks]
            inside = [u for u in inner if min(first, last) < u < max(first, last)]
            panels = [first, *sorted(inside, reverse=bool(first > last)), last]
            total, error = mpmath.quad(function, panels, error=True)
            if error > abs(total) * mpmath.mpf(10) ** (-digits // 2) + mp.eps:
                raise ValueError("the integral does not converge")
            return +total

    return value


def _kinks(expr: sp.Expr, symbol: sp.Symbol) -> list[sp.Expr]:
    """Places where an integrand may have a kink, as far as they are roots of polynomials."""
    found: set[sp.Expr] = set()
    levels = [part.args[0] for part in expr.atoms(sp.Abs, sp.sign, sp.Heaviside)]
    levels += [a - b for part in expr.atoms(sp.Max, sp.Min) for a, b in pairwise(part.args)]
    levels += [relation.lhs - relation.rhs for relation in expr.atoms(Relational)]
    for level in levels:
        poly = level.as_poly(symbol)
        if poly is not None and not poly.free_symbols_in_domain and poly.degree() > 0:
            found |= {root for root in poly.real_roots() if root.is_real}
    return sorted(found)


def _end(end: sp.Expr, digits: int) -> Any:
    if end.is_infinite:
        return mp.inf if end is sp.oo else -mp.inf
    return mpmath.mpmathify(sp.N(end, digits)._to_mpmath(mp.prec))


def evaluated(expr: sp.Basic, digits: int) -> Any:
    """An expression without symbols by SymPy's evaluation.

    Raises:
        ValueError: it has no finite value.
    """
    with mp.workdps(digits + 5):
        value = sp.N(expr, digits)
        if not value.is_number or value.has(sp.nan, sp.zoo, sp.oo, -sp.oo):
            raise ValueError("no finite value")
        number = mpmath.mpmathify(value._to_mpmath(mp.prec))
    if not mpmath.isfinite(number):
        raise ValueError("no finite value")
    return number
