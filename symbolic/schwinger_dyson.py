"""One residual layer Y = a + X, X = D W: from the Schwinger–Dyson equation to its law.

Each step is a function, in order: the linearised equation, the equation for G, the relation
between M⁻¹ and the determining series of X, and the addition law that it says in other words.

Source: Tarnowski et al. (2019), section II.1; Nowak and Tarnowski (2017) for R-diagonal X.
"""

from __future__ import annotations

from functools import lru_cache

import sympy as sp

from freejac.symbolic.determining_series import vanishing_root
from freejac.symbolic.errors import InternalError
from freejac.symbolic.symbols import parameter, z

__all__ = [
    "alternating",
    "determining_symbol",
    "green_equation",
    "haar_determining",
    "layer_relation",
    "point_symbol",
    "skip_symbol",
    "stieltjes_symbol",
]

skip_symbol = parameter("a", positive=True)
"""Skip weight a; a and −a give the same law, for X and −X have the same."""
stieltjes_symbol = sp.Symbol("G")
"""The unknown G(z) of the Green's equations."""
determining_symbol = sp.Symbol("A")
"""The determining series A at the point z G²."""
alternating = sp.Symbol("y")
"""y = C(w) = w A(w), the determining series of X times its variable."""
point_symbol = sp.Symbol("w")
"""The variable w = zG² of the determining series."""


@lru_cache(maxsize=1)
def green_equation() -> sp.Eq:
    """Derive the equation for G of Y Yᵀ, Y = a + X with X R-diagonal.

    The linearisation [[z, −Y], [−Yᵀ, 1]] has the 2×2 generalised Green's function 𝒢 with
    𝒢⁻¹ = [[z, −a], [−a, 1]] − A·diag(𝒢₂₂, 𝒢₁₁), A at 𝒢₁₁𝒢₂₂. G = 𝒢₁₁; 𝒢₂₂ is eliminated, and
    turns out to be zG, so that A is taken at zG².

    >>> green_equation()
    Eq(G, (-A*G + 1)/(-a**2 + z*(A*G - 1)**2))
    """
    a, green, other = skip_symbol, stieltjes_symbol, sp.Dummy("other")
    upper, lower = z - determining_symbol * other, 1 - determining_symbol * green
    determinant = upper * lower - a**2
    # 𝒢₁₁ = lower/determinant and 𝒢₂₂ = upper/determinant: their ratio is linear in 𝒢₂₂
    ratio = sp.Poly(sp.expand(green * upper - other * lower), other)
    eliminated = sp.cancel(-ratio.nth(0) / ratio.nth(1))
    if sp.expand(eliminated - z * green) != 0:
        raise InternalError("the second block of the Green's function is not z G")
    product = sp.factor((upper * lower).subs(other, eliminated))
    return sp.Eq(green, lower / (product + (determinant - upper * lower)))


@lru_cache(maxsize=1)
def layer_relation() -> sp.Eq:
    """Put zG = 1 + m and A G = y/(1 + m), y = w A(w), w = zG²: (m − y)(1 + m − y) = a² w.

    Here m = M_{YYᵀ}, written z as the variable of S is, and w, written w, is (1+m)²/λ; so
    S_{YYᵀ}(m) = w/(m(1+m)) follows from C(w) = y.

    >>> layer_relation()
    Eq((-y + z)*(-y + z + 1), a**2*w)
    """
    m, eigenvalue = z, (1 + z) ** 2 / point_symbol
    green = (1 + m) / eigenvalue
    equation = green_equation()
    series = alternating / ((1 + m) * green)  # A, from A G = y/(zG)
    values = {z: eigenvalue, stieltjes_symbol: green, determining_symbol: series}
    replaced = (equation.lhs - equation.rhs).subs(values, simultaneous=True)
    numerator = sp.fraction(sp.cancel(sp.together(replaced)))[0]
    factors = [f for f, _ in sp.factor_list(numerator)[1] if f.has(alternating)]
    left = (m - alternating) * (1 + m - alternating)
    found = sp.cancel(sp.Mul(*factors) / (left - skip_symbol**2 * point_symbol))
    if not found.is_number:
        raise InternalError("the one-layer equation lost its form")
    return sp.Eq(left, skip_symbol**2 * point_symbol)


@lru_cache(maxsize=1)
def haar_determining() -> sp.Expr:
    """Solve the relation for u = m − y: u = (√(1 + 4a²w) − 1)/2, w written z.

    That is the determining series of a·Haar, so m = C_X(w) + C_{aU}(w): a + X has the singular
    values of aU + X, U Haar and free of X, and determining series add.

    >>> haar_determining()
    sqrt(4*a**2*z + 1)/2 - 1/2
    """
    u = sp.Dummy("u")
    relation = layer_relation()
    left = relation.lhs.subs(alternating, z - u)
    right = relation.rhs.subs(point_symbol, z)
    equation = sp.Poly(sp.expand(left) - right, u)
    return vanishing_root(equation, z, skip_symbol**2, "the determining series of the skip")
