"""The polynomial P(z, G) of a law, from whichever transform of it is algebraic.

G itself, Blue's function with z = B(G), or M⁻¹ with z = M⁻¹(zG − 1).
"""

from __future__ import annotations

import sympy as sp

from freejac.symbolic.algebraic_law import green
from freejac.symbolic.coefficients import ring_of
from freejac.symbolic.symbols import z
from freejac.symbolic.transforms import inverse_mgf, polynomial_equation

__all__ = ["transform_polynomial"]


def transform_polynomial(
    stieltjes: sp.Expr | None, r: sp.Expr | None, s: sp.Expr | None
) -> sp.Expr | None:
    """P, up to factors, from the first of G, R and S that is algebraic; None if none is.

    >>> transform_polynomial(None, z, None)
    G**2 - G*z + 1
    """
    zeta = sp.Dummy("zeta")
    if stieltjes is not None and _is_simple(stieltjes):
        equation = polynomial_equation(stieltjes.subs(z, zeta), zeta, "G")
        return equation.as_expr().subs({z: green, zeta: z}, simultaneous=True)
    if r is not None and _is_simple(r):
        blue = r.subs(z, zeta) + 1 / zeta
        return polynomial_equation(blue, zeta, "B").as_expr().subs(zeta, green)
    if s is not None and _is_simple(s):
        inverse = polynomial_equation(inverse_mgf(s).subs(z, zeta), zeta, "M⁻¹").as_expr()
        ring = ring_of([moved := sp.expand(inverse.subs(zeta, z * green - 1))])
        return ring.expr(ring.ratio(moved)[0])
    return None


def _is_simple(transform: sp.Expr) -> bool:
    """Whether it is algebraic with at most one radical, a square root: what is squared away."""
    if not transform.is_algebraic_expr(z):
        return False
    radicals = {p for p in transform.atoms(sp.Pow) if p.has(z) and not p.exp.is_Integer}
    return len({p.base for p in radicals}) <= 1 and all(p.exp.q == 2 for p in radicals)
