"""The transforms G, M, M⁻¹, S, Blue's function and R of a law, and the ways between them.

For a law with moments m_k: G(ζ) = E[1/(ζ − t)], M(ζ) = ζ G(ζ) − 1 = Σ m_k ζ⁻ᵏ, M⁻¹ its inverse
with M⁻¹(z) ~ m_1/z at z → 0, S(z) = (1+z)/(z M⁻¹(z)), B = G⁻¹ with B(z) ~ 1/z, R = B − 1/z.
Every transform here is an expression in the one variable `symbols.z`.
"""

from __future__ import annotations

import sympy as sp

from freejac.symbolic.errors import DomainError, NoClosedForm
from freejac.symbolic.series import Series, from_expr
from freejac.symbolic.symbols import z

__all__ = [
    "blue",
    "inverse_mgf",
    "invert_inverse_mgf",
    "invert_mgf",
    "mgf_from_stieltjes",
    "polynomial_equation",
    "r_from_s",
    "r_transform",
    "s_from_r",
    "s_transform",
    "scale_mgf",
    "scale_s",
    "stieltjes_from_mgf",
    "stieltjes_from_r",
]

_CHECKED_TERMS = 2
"""Terms at infinity that tell the branches apart; the one that has them is the inverse."""
_MAX_DEGREE = 2
"""Roots of higher equations are not written out: they are no longer readable."""


def mgf_from_stieltjes(stieltjes: sp.Expr) -> sp.Expr:
    """M(z) = z G(z) − 1.

    >>> from freejac.symbolic.symbols import p
    >>> mgf_from_stieltjes((1 - p) / z + p / (z - 1))
    p/(z - 1)
    """
    return sp.factor(sp.cancel(z * stieltjes - 1))


def stieltjes_from_mgf(mgf: sp.Expr) -> sp.Expr:
    """G(z) = (1 + M(z))/z.

    >>> stieltjes_from_mgf(1 / (z - 1))
    1/(z - 1)
    """
    return sp.factor(sp.cancel((1 + mgf) / z))


def s_transform(inverse: sp.Expr) -> sp.Expr:
    """S(z) = (1+z)/(z M⁻¹(z)).

    >>> s_transform((1 + z) / z)
    1
    """
    return _quotient(inverse)


def inverse_mgf(s: sp.Expr) -> sp.Expr:
    """M⁻¹(z) = (1+z)/(z S(z)).

    >>> inverse_mgf(sp.Integer(1))
    (z + 1)/z
    """
    return _quotient(s)


def _quotient(other: sp.Expr) -> sp.Expr:
    """S and M⁻¹ are each (1+z)/z over the other: one map, its own inverse."""
    result = (1 + z) / (z * other)
    return sp.factor(sp.cancel(result)) if result.is_rational_function(z) else sp.together(result)


def scale_mgf(mgf: sp.Expr, factor: sp.Expr) -> sp.Expr:
    """M of a·X from M of X: M_{aX}(z) = M_X(z/a).

    >>> from freejac.symbolic.symbols import sigma_w
    >>> scale_mgf(1 / (z - 1), sigma_w**2)
    sigma_w**2/(-sigma_w**2 + z)
    """
    return sp.factor(mgf.subs(z, z / factor))


def scale_s(s: sp.Expr, factor: sp.Expr) -> sp.Expr:
    """S of a·X from S of X: S_{aX}(z) = S_X(z)/a.

    >>> scale_s(1 / (1 + z), sp.Integer(4))
    1/(4*z + 4)
    """
    return sp.cancel(s / factor)


def invert_mgf(mgf: sp.Expr) -> sp.Expr:
    """M⁻¹, the branch with M⁻¹(z) ~ m_1/z as z → 0.

    Args:
        mgf: M as an expression in z: rational, or with one square root.

    Returns:
        M⁻¹ as an expression in z.

    Raises:
        DomainError: the law has zero mean.
        NoClosedForm: the inverse is a root of an equation of degree above two.

    >>> from freejac.symbolic.symbols import p
    >>> invert_mgf(p / (z - 1))
    (p + z)/z
    """
    return _invert_at_infinity(mgf, "M⁻¹")


def blue(stieltjes: sp.Expr) -> sp.Expr:
    """Blue's function B: G(B(z)) = z with B(z) ~ 1/z as z → 0.

    Args:
        stieltjes: G as an expression in z: rational, or with one square root.

    Raises:
        NoClosedForm: as for `invert_mgf`.

    >>> blue(1 / (z - 1))
    (z + 1)/z
    """
    return _invert_at_infinity(stieltjes, "B")


def r_transform(stieltjes: sp.Expr) -> sp.Expr:
    """R(z) = B(z) − 1/z, which adds under free addition.

    >>> r_transform((z - sp.sqrt(z**2 - 4)) / 2)      # the semicircle of variance 1
    z
    """
    return sp.together(sp.expand(blue(stieltjes) - 1 / z))


def stieltjes_from_r(r: sp.Expr) -> sp.Expr:
    """G from R: the root of R(G) + 1/G = z with G ~ 1/z at infinity.

    Args:
        r: R as an expression in z: rational, or with one square root.

    Raises:
        NoClosedForm: as for `invert_mgf`.

    >>> stieltjes_from_r(z)
    z/2 - sqrt(z**2 - 4)/2
    """
    at_zero = from_expr((r + 1 / z), z, _CHECKED_TERMS + 1)
    expected = at_zero.inverse().reversion()
    return sp.expand(_solve(r + 1 / z, expected, "G", at_infinity=True))


def invert_inverse_mgf(inverse: sp.Expr) -> sp.Expr:
    """M from M⁻¹: the root of M⁻¹(M) = z with M ~ m_1/z at infinity.

    Raises:
        DomainError: M⁻¹ has no simple pole at 0.
        NoClosedForm: as for `invert_mgf`.

    >>> from freejac.symbolic.symbols import p
    >>> invert_inverse_mgf(1 + p / z)
    p/(z - 1)
    """
    at_zero = from_expr(inverse, z, _CHECKED_TERMS)
    if at_zero.valuation != -1:
        raise DomainError("M needs an M⁻¹ with a simple pole at 0: a finite nonzero mean")
    return _solve(inverse, at_zero.inverse().reversion(), "M", at_infinity=True)


def s_from_r(r: sp.Expr) -> sp.Expr:
    """S from R: z R(z) and z S(z) are inverse to each other.

    Raises:
        DomainError: R(0), the mean, is zero.
        NoClosedForm: as for `invert_mgf`.

    >>> s_from_r(1 / (1 - z))
    1/(z + 1)
    """
    return _inverse_over_z(r, "S")


def r_from_s(s: sp.Expr) -> sp.Expr:
    """R from S, by the same relation as `s_from_r`.

    >>> r_from_s(1 / (1 + z))
    -1/(z - 1)
    """
    return _inverse_over_z(s, "R")


def _inverse_over_z(transform: sp.Expr, name: str) -> sp.Expr:
    at_zero = from_expr(z * transform, z, _CHECKED_TERMS)
    if at_zero.valuation != 1:
        raise DomainError(f"{name} needs a law with a finite nonzero mean")
    inverse = _solve(z * transform, at_zero.reversion(), name, at_infinity=False) / z
    return sp.factor(sp.cancel(inverse)) if inverse.is_rational_function(z) else inverse


def _invert_at_infinity(transform: sp.Expr, name: str) -> sp.Expr:
    """Solve F(ζ) = z for ζ, on the branch that goes to infinity as z → 0.

    F(1/t) is a power series in t; its reversion is the series of 1/ζ.
    """
    t = sp.Dummy("t", positive=True)
    at_infinity = from_expr(transform.subs(z, 1 / t), t, _CHECKED_TERMS)
    if at_infinity.valuation != 1:
        raise DomainError(f"{name} needs a finite nonzero first coefficient at infinity (the mean)")
    return _solve(transform, at_infinity.reversion().inverse(), name, at_infinity=False)


def _solve(transform: sp.Expr, expected: Series, name: str, *, at_infinity: bool) -> sp.Expr:
    """Solve F(ζ) = z for ζ, on the branch with the expected series in z, or in 1/z at infinity.

    The solution is among the roots of the algebraic equation, so when exactly one root starts
    like the series, it is it.
    """
    zeta = sp.Dummy("zeta")
    equation = polynomial_equation(transform.subs(z, zeta), zeta, name)
    if equation.degree() > _MAX_DEGREE:
        raise NoClosedForm(name, f"it is a root of an equation of degree {equation.degree()}")
    matching = [
        root for root in _roots(equation) if _starts_like(root, expected, at_infinity=at_infinity)
    ]
    if len(matching) != 1:
        raise NoClosedForm(name, "the expansion does not single out one root")
    return matching[0]


def _roots(equation: sp.Poly) -> list[sp.Expr]:
    """Solve an equation of degree one or two, written readably."""
    if equation.degree() == 1:
        slope, rest = equation.all_coeffs()
        return [sp.factor(sp.cancel(-rest / slope))]
    square, slope, rest = equation.all_coeffs()
    discriminant = sp.collect(sp.expand(slope**2 - 4 * square * rest), z, sp.factor)
    root = sp.sqrt(discriminant)
    if root.is_rational_function(z):
        return [sp.factor(sp.cancel((sign * root - slope) / (2 * square))) for sign in (1, -1)]
    return [(sign * root - sp.factor(slope)) / sp.factor(2 * square) for sign in (1, -1)]


def _starts_like(candidate: sp.Expr, expected: Series, *, at_infinity: bool) -> bool:
    """Whether the candidate's Laurent series in z, or in 1/z, begins with the expected terms."""
    t = sp.Dummy("t", positive=True)
    local = candidate.subs(z, 1 / t) if at_infinity else candidate.subs(z, t)
    try:
        series = from_expr(local, t, expected.known)
    except DomainError:  # regular where a pole is expected, or zero
        return False
    if series.valuation != expected.valuation:
        return False
    pairs = zip(series.coefficients, expected.coefficients, strict=True)
    return all(sp.cancel(sp.expand(a - b)) == 0 for a, b in pairs)


def polynomial_equation(expr: sp.Expr, zeta: sp.Symbol, name: str) -> sp.Poly:
    """Find the polynomial in ζ that F(ζ) = z satisfies, with a square root squared away."""
    if not expr.is_algebraic_expr(zeta):
        raise NoClosedForm(name, "the equation for it is not algebraic")
    numerator, _ = sp.fraction(sp.together(expr - z))
    radicals = {
        power for power in numerator.atoms(sp.Pow) if power.has(zeta) and power.exp.is_Rational
    }
    roots = {power for power in radicals if not power.exp.is_Integer}
    if not roots:
        return sp.Poly(numerator, zeta)
    if len(roots) > 1 or any(power.exp != sp.Rational(1, 2) for power in roots):
        raise NoClosedForm(name, "more than one radical")
    root = roots.pop()
    stand_in = sp.Dummy("root")
    linear = sp.Poly(numerator.xreplace({root: stand_in}), stand_in)
    if linear.degree() > 1:
        linear = sp.Poly(sp.rem(linear, sp.Poly(stand_in**2 - root.base, stand_in)), stand_in)
    slope, rest = linear.nth(1), linear.nth(0)
    return _primitive(sp.Poly(sp.expand(rest**2 - slope**2 * root.base), zeta))


def _primitive(equation: sp.Poly) -> sp.Poly:
    """Squaring multiplies the equation by factors free of z: drop those."""
    zeta = equation.gen
    factors = [factor for factor, _ in sp.factor_list(equation.as_expr())[1] if factor.has(z)]
    return sp.Poly(sp.Mul(*factors), zeta)
