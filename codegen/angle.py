"""Duals with an arcsine near the end where they cancel, exactly rearranged.

A closed form P₀ + P₁ asin(κc) is a function of the angle Θ = π/2 + asin(κc), and near Θ = 0 its
terms cancel to high order in Θ. With τ = tan(Θ/2), in which P₀ and P₁ are rational functions, and

    Θ = 2 (τ − τ³/3 + … ± τ^{2N−1}/(2N−1)) + 2 (−1)^N τ^{2N+1} r_N(τ²),

the first N terms are joined to the rest by exact algebra, and only the remainder r_N is a
polynomial in floating point. Which N, and up to which τ, `dual_forms` finds out.

>>> from freejac.symbolic.symbols import q
>>> closed = c * q * sp.asin(c) / (2 * sp.pi) + c * q / 4 + q * sp.sqrt(1 - c**2) / (2 * sp.pi)
>>> angle = rearranged(closed, 1)
>>> angle.exact
q*tau**3/(pi*(tau**2 + 1))
>>> angle.above, angle.below
(up, down)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import mpmath
import sympy as sp
from mpmath import mp

from freejac.codegen.correlation import paired
from freejac.symbolic.symbols import c

__all__ = [
    "AngleForm",
    "arcsine",
    "in_tangent",
    "linear_in_arcsine",
    "rearranged",
    "remainder",
    "tangent",
]

tangent = sp.Symbol("tau", positive=True)
"""τ = tan(Θ/2)."""
_DIGITS = 60
_NEGLIGIBLE = mpmath.mpf(2) ** -56


@dataclass(frozen=True)
class AngleForm:
    """A dual as exact + factor · r_N(τ²).

    Attributes:
        exact: a rational function of τ and the variance.
        factor: what the remainder is multiplied by.
        above, below: τ² is their quotient.
        joined: N, the number of terms that were joined.
    """

    exact: sp.Expr
    factor: sp.Expr
    above: sp.Expr
    below: sp.Expr
    joined: int


def arcsine(expr: sp.Expr) -> sp.asin | None:
    """The one arcsine of an expression, of a multiple of c; None if there is none or several."""
    found = [a for a in expr.atoms(sp.asin) if a.has(c)]
    if len(found) != 1 or sp.cancel(found[0].args[0] / c).has(c):
        return None
    return found[0]


def rearranged(closed: sp.Expr, joined: int) -> AngleForm | None:
    """Join the first terms of the angle's series to the rest of a closed form.

    Args:
        closed: an expression in q and c with one arcsine.
        joined: how many terms.

    Returns:
        The form; None where the closed form is not rational in τ.
    """
    parts = linear_in_arcsine(closed)
    if parts is None:
        return None
    ratio, factor, rest = parts
    factor = in_tangent(factor, ratio)
    rest = in_tangent(rest, ratio) - factor * sp.pi / 2
    t = tangent
    known = sum(2 * (-1) ** n * t ** (2 * n + 1) / sp.Integer(2 * n + 1) for n in range(joined))
    exact = sp.factor(sp.together(rest + factor * known))
    if exact.has(c) or any(not p.exp.is_Integer for p in exact.atoms(sp.Pow) if p.has(t)):
        return None
    below, above = sp.fraction(sp.together(ratio))[::-1]
    tail = sp.factor(factor * 2 * (-1) ** joined * t ** (2 * joined + 1))
    return AngleForm(exact, tail, paired(below + above * c), paired(below - above * c), joined)


def linear_in_arcsine(closed: sp.Expr) -> tuple[sp.Expr, sp.Expr, sp.Expr] | None:
    """κ, P and R of R + P asin(κc); None where there is no such arcsine, or no such form."""
    arc = arcsine(closed)
    if arc is None:
        return None
    angle = sp.Dummy("angle")
    linear = sp.expand(closed.xreplace({arc: angle}), angle)
    if not linear.is_polynomial(angle) or sp.degree(linear, angle) != 1:
        return None
    return sp.cancel(arc.args[0] / c), linear.coeff(angle, 1), linear.coeff(angle, 0)


def in_tangent(expr: sp.Expr, ratio: sp.Expr) -> sp.Expr:
    """Put κc = −cos Θ = −(1 − τ²)/(1 + τ²), and take the squares out of the roots."""
    cosine = (1 - tangent**2) / (1 + tangent**2)
    inside = expr.subs(c, -cosine / ratio)
    return inside.replace(
        lambda e: e.is_Pow and e.exp.is_Rational and e.exp.q == 2,
        lambda e: sp.powdenest(sp.factor(e.base) ** e.exp),
    )


@lru_cache(maxsize=64)
def remainder(joined: int, reach: sp.Rational) -> tuple[sp.Float, ...]:
    """Coefficients in powers of τ² of r_N, for 0 ≤ τ² ≤ reach, from the lowest.

    Interpolation at Chebyshev's nodes, of the lowest degree that is as good as exact.
    """
    with mp.workdps(_DIGITS):
        end = mpmath.mpf(reach.p) / reach.q

        def function(square: mpmath.mpf) -> mpmath.mpf:
            if square < mpmath.mpf("0.01"):
                terms = range(40)
                return mpmath.fsum((-square) ** n / (2 * (n + joined) + 1) for n in terms)
            root = mpmath.sqrt(square)
            known = mpmath.fsum(
                (-1) ** n * root ** (2 * n + 1) / (2 * n + 1) for n in range(joined)
            )
            return (-1) ** joined * (mpmath.atan(root) - known) / root ** (2 * joined + 1)

        for degree in range(4, 40):
            coefficients, error = mpmath.chebyfit(function, [0, end], degree + 1, error=True)
            if error <= _NEGLIGIBLE * function(end):
                break
        return tuple(sp.Float(k, 40) for k in reversed(coefficients))
