"""R-diagonal variables: the determining series, and how it meets the S-transform.

A matrix X = D W with biunitarily invariant weights W is R-diagonal: its only free cumulants are
the alternating ones, α_n, so one series C(w) = Σ α_n wⁿ = w A(w) says everything about it. It is
tied to the law of X Xᵀ by
    y(1+y) S_{XXᵀ}(y) = w   ⟺   C(w) = y,
and it adds when free R-diagonal variables are added. A scaled R-diagonal variable √s X has
C(s w), for every cumulant α_n counts n factors X and n factors Xᵀ.

Source: Nica and Speicher, "R-diagonal pairs" (1997) and "Lectures on the combinatorics of free
probability", lecture 15; A is the determining sequence of Nowak and Tarnowski (2017).

>>> determining_expr(1 / (1 + z)), determining_expr(sp.Integer(1))     # circular, Haar
(z, sqrt(4*z + 1)/2 - 1/2)
"""

from __future__ import annotations

import sympy as sp

from freejac.symbolic.errors import DomainError, InternalError, NoClosedForm
from freejac.symbolic.series import Series, from_expr
from freejac.symbolic.symbols import z

__all__ = [
    "determining_expr",
    "determining_series",
    "s_series_from_determining",
    "vanishing_root",
]


def determining_series(s_transform: Series) -> Series:
    """Find C(w) = w A(w) from the series of S_{XXᵀ}, by reverting y ↦ y(1+y)S(y).

    Args:
        s_transform: S at 0, regular and nonzero there; as many terms of C follow.

    Raises:
        DomainError: S is zero or has a pole at 0: X Xᵀ has no finite nonzero mean.

    >>> determining_series(from_expr(sp.Integer(1), z, 4)).coefficients    # ±Catalan numbers
    (1, -1, 2, -5)
    """
    if s_transform.valuation != 0 or not s_transform.unit:
        raise DomainError("the determining series needs X Xᵀ to have a finite nonzero mean")
    return (_quadratic(len(s_transform.unit)) * s_transform).reversion()


def s_series_from_determining(determining: Series) -> Series:
    """Find S_{XXᵀ} from C(w): S(y) = C⁻¹(y)/(y(1+y)).

    >>> s_series_from_determining(Series.of([1, 0, 0], valuation=1)).coefficients     # circular
    (1, -1, 1)
    """
    known = len(determining.unit)
    return determining.reversion() * _quadratic(known).inverse()


def _quadratic(terms: int) -> Series:
    return from_expr(z * (1 + z), z, terms)


def determining_expr(s_transform: sp.Expr) -> sp.Expr:
    """Solve y(1+y)S(y) = w for y = C(w) in closed form; the variable of C is called z too.

    Args:
        s_transform: S_{XXᵀ} in z.

    Raises:
        NoClosedForm: S is not rational, or the equation is of degree above two.

    >>> from freejac.symbolic.symbols import sigma_w
    >>> determining_expr(1 / sigma_w**2)                                # Haar of scale σ_w
    sqrt(4*sigma_w**2*z + 1)/2 - 1/2
    """
    if not s_transform.is_rational_function(z):
        raise NoClosedForm("the determining series", "S is not a rational function")
    y = sp.Dummy("y")
    relation = sp.together(z - (z * (1 + z) * s_transform).subs(z, y))
    numerator = sp.Poly(sp.fraction(sp.cancel(relation))[0], y)
    start = determining_series(from_expr(s_transform, z, 2))
    return vanishing_root(numerator, z, start.coefficient(1), "the determining series")


def vanishing_root(equation: sp.Poly, variable: sp.Symbol, slope: sp.Expr, what: str) -> sp.Expr:
    """Solve an equation for the root that starts as slope × variable.

    Args:
        equation: a polynomial in its generator, of degree one or two.
        variable: the root is a function of it.
        slope: the first coefficient, which tells the roots apart.
        what: what is solved for, for the message.

    Raises:
        NoClosedForm: the degree is above two.

    >>> y = sp.Symbol("y")
    >>> vanishing_root(sp.Poly(y**2 + y - z, y), z, sp.Integer(1), "y")
    sqrt(4*z + 1)/2 - 1/2
    """
    if equation.degree() > 2:
        raise NoClosedForm(what, f"it is a root of an equation of degree {equation.degree()}")
    if equation.degree() == 1:
        return sp.factor(-equation.nth(0) / equation.nth(1))
    square, linear, rest = equation.all_coeffs()
    root = sp.sqrt(sp.factor(linear**2 - 4 * square * rest))
    for sign in (1, -1):
        candidate = sp.expand(
            sp.cancel(sign / (2 * square)) * root - sp.cancel(linear / square / 2)
        )
        try:
            start = from_expr(candidate, variable, 1)
        except DomainError:  # it vanishes identically, or has no expansion
            continue
        if start.valuation == 1 and sp.cancel(start.leading - slope) == 0:
            return candidate
    raise InternalError(f"no root of the equation for {what} starts as expected")
