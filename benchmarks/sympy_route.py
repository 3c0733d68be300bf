"""Gaussian means by SymPy's own integrator, by the best route we found for it.

The integrand is split at its breakpoints by hand, expanded, and integrated term by term with
Meijer G-functions (`meijerg=True`); in two variables the inner integral is over h₂ given h₁.
`sympy.stats.E`, or `integrate` without these preparations, solves fewer.
"""

from __future__ import annotations

import sympy as sp

from freejac.symbolic.functions import Phi
from freejac.symbolic.piecewise import PiecewiseFunction
from freejac.symbolic.symbols import x

__all__ = ["NotFoundError", "mean", "mean2"]

_t = sp.Symbol("t", real=True)


class NotFoundError(Exception):
    """SymPy leaves the integral as it is."""


def _plain(expr: sp.Expr) -> sp.Expr:
    """Without functions of ours."""
    return expr.replace(Phi, lambda u: (1 + sp.erf(u / sp.sqrt(2))) / 2)


def _integral(expr: sp.Expr, variable: sp.Symbol, lower: sp.Expr, upper: sp.Expr) -> sp.Expr:
    total = sp.S.Zero
    for term in sp.Add.make_args(sp.expand(expr)):
        found = sp.integrate(term, (variable, lower, upper), meijerg=True)
        if found.has(sp.Integral):
            raise NotFoundError(str(term))
        total += found
    return sp.unpolarify(total).replace(sp.polar_lift, lambda u: u)


def mean(f: PiecewiseFunction, q: sp.Expr) -> sp.Expr:
    """E[f(h)], h ~ N(0, q)."""
    density = sp.exp(-(x**2) / (2 * q)) / sp.sqrt(2 * sp.pi * q)
    return sp.Add(
        *(_integral(_plain(p.expr) * density, x, p.lower, p.upper) for p in f.pieces),
        *(
            d.weight * (-1) ** d.order * sp.diff(density, x, d.order).subs(x, d.location)
            for d in f.deltas
        ),
    )


def mean2(
    f: PiecewiseFunction, g: PiecewiseFunction, q1: sp.Expr, q2: sp.Expr, c: sp.Expr
) -> sp.Expr:
    """E[f(h₁)g(h₂)], both centred Gaussian of correlation c; h₂ = c√(q₂/q₁) h₁ + √(q₂(1−c²)) t."""
    pull, spread = c * sp.sqrt(q2) / sp.sqrt(q1), sp.sqrt(q2) * sp.sqrt(1 - c**2)
    density = sp.exp(-(x**2) / (2 * q1)) / sp.sqrt(2 * sp.pi * q1)
    given = sp.exp(-(_t**2) / 2) / sp.sqrt(2 * sp.pi)
    inner = sp.S.Zero
    for piece in g.pieces:
        ends = (
            end if end.is_infinite else (end - pull * x) / spread
            for end in (piece.lower, piece.upper)
        )
        inner += _integral(_plain(piece.expr).subs(x, pull * x + spread * _t) * given, _t, *ends)
    return sp.Add(
        *(_integral(_plain(p.expr) * density * inner, x, p.lower, p.upper) for p in f.pieces)
    )
