"""Expansions at 0 of Mellin transforms, for R rational and for R times a power of log(1 + y).

M(w) = ∫₀^∞ y^{w−1} R(y) dy is meromorphic; where R does not decay, it is meant by analytic
continuation. Rational numbers, π, zeta values and logarithms of the poles of R are all that occur.

Source: Gradshteyn & Ryzhik, Table of Integrals, Series, and Products, 3.241.2 (a simple pole) and
    3.194.3 (a Beta function).

>>> from freejac.symbolic.symbols import x
>>> pole_moment(sp.Poly(1, x), sp.Poly(1 + x, x), 1)  # ∫ log(y)/(1 + y) dy/y, regularised
pi**2/6
"""

from __future__ import annotations

from functools import cache, lru_cache
from math import factorial

import sympy as sp

from freejac.symbolic.beta_series import beta_coefficient

__all__ = ["half_line_moment", "logarithm_moment", "pole_moment"]


def pole_moment(numerator: sp.Poly, denominator: sp.Poly, power: int) -> sp.Expr | None:
    """Coefficient of wⁿ in M(w) = π/sin(πw) Σ Res (−y)^{w−1} R(y), R a quotient in lowest terms.

    Returns:
        The exact value; None when a pole is on the positive axis or has no simple form.
    """
    total = sp.S.Zero
    for factor, weights in _residues(numerator, denominator):
        if factor.degree() > 2:
            return None
        for root in _roots(factor):
            value = _at_pole(root, weights, power + 1)
            if value is None:
                return None
            total += value
    return total


def logarithm_moment(
    numerator: sp.Poly, denominator: sp.Poly, logs: int, power: int
) -> sp.Expr | None:
    """Coefficient of wⁿ in the transform of R(y) log(1 + y)ᵐ; None when R has a pole but −1."""
    order = _order_at_minus_one(denominator)
    if order is None:
        return None
    scale = 1 / denominator.LC()
    return scale * sp.Add(
        *(weight * beta_coefficient(j, order, logs, power) for (j,), weight in numerator.terms())
    )


def half_line_moment(numerator: sp.Poly, denominator: sp.Poly, power: int) -> sp.Expr | None:
    """Σ_{m≥1} r_m/m^{n+1} for R(t) = Σ r_m tᵐ; None when R has a pole but −1.

    A divergent sum is Abel's; with t = e^{−x}, it is the finite part of ∫₀^∞ xⁿ R dx over n!.
    """
    order = _order_at_minus_one(denominator)
    if order is None:
        return None
    t = numerator.gen
    shifted = numerator.compose(sp.Poly(t - 1, t))
    total = sp.S.Zero
    for (i,), weight in shifted.terms():
        total += weight * _binomial_sum(i - order, power + 1)
    return sp.expand(total / denominator.LC())


def _eta(s: int) -> sp.Expr:
    """Dirichlet's η(s) = Σ_{m≥1} (−1)^{m−1}/mˢ."""
    return sp.log(2) if s == 1 else (1 - sp.Integer(2) ** (1 - s)) * sp.zeta(s)


def _binomial_sum(exponent: int, s: int) -> sp.Expr:
    """Σ_{m≥1} [tᵐ](1 + t)^k / mˢ."""
    if exponent >= 0:
        terms = (sp.binomial(exponent, m) / sp.Integer(m) ** s for m in range(1, exponent + 1))
        return sp.Add(*terms)
    m = sp.Dummy("m")
    growth = sp.Poly(sp.rf(m + 1, -exponent - 1) / sp.factorial(-exponent - 1), m)
    return -sp.Add(*(weight * _eta(s - d) for (d,), weight in growth.terms()))


def _order_at_minus_one(denominator: sp.Poly) -> int | None:
    """The p for which the polynomial is a multiple of (1 + y)ᵖ, or None."""
    y, p = denominator.gen, denominator.degree()
    power = sp.Poly(denominator.LC() * (1 + y) ** p, y)
    return p if (denominator - power).is_zero else None


@lru_cache(maxsize=256)
def _residues(
    numerator: sp.Poly, denominator: sp.Poly
) -> tuple[tuple[sp.Poly, tuple[sp.Poly, ...]], ...]:
    """For each irreducible factor g of the denominator: the residue at its roots ρ over (−ρ)ʷ.

    It is Σ_j c_j (−1)^{j−1} C(w − 1, j − 1) (−ρ)^{−j}, c_j the coefficient of (y − ρ)^{−j}: a
    polynomial in w, whose coefficients are polynomials in ρ, reduced by g.
    """
    y = numerator.gen
    found = []
    for irreducible, order in denominator.factor_list()[1]:
        factor = irreducible.to_field()
        parts = _principal_part(numerator, denominator, factor, order)
        inverse = sp.invert(sp.Poly(-y, y).rem(factor), factor)
        weights = [sp.Poly(0, y)] * order
        scale = sp.Poly(1, y)
        for j, part in enumerate(parts, 1):
            scale = (scale * inverse).rem(factor)
            residue = (part * scale).rem(factor) * (-1) ** (j - 1)
            for t, count in enumerate(_binomial(j - 1)):
                weights[t] += residue * count
        found.append((factor, tuple(weights)))
    return tuple(found)


def _principal_part(
    numerator: sp.Poly, denominator: sp.Poly, factor: sp.Poly, order: int
) -> list[sp.Poly]:
    """Coefficients of (y − ρ)⁻¹, (y − ρ)⁻², … at the roots ρ of an irreducible factor."""
    cofactor = sp.quo(denominator.to_field(), factor**order)
    # around ρ: denominator = hᵖ · (g(ρ + h)/h)ᵖ · cofactor(ρ + h)
    bottom = _product(
        [_around(factor, factor, order + 1)[1:]] * order + [_around(cofactor, factor, order)],
        factor,
        order,
    )
    top = _around(numerator.to_field(), factor, order)
    inverse = sp.invert(bottom[0], factor)
    quotient: list[sp.Poly] = []
    for n in range(order):
        known = (bottom[k] * quotient[n - k] for k in range(1, n + 1))
        rest = top[n] - sum(known, sp.Poly(0, numerator.gen))
        quotient.append((rest * inverse).rem(factor))
    return list(reversed(quotient))


def _around(polynomial: sp.Poly, modulus: sp.Poly, terms: int) -> list[sp.Poly]:
    """Taylor coefficients at a root of the modulus, reduced by it."""
    coefficients = []
    for n in range(terms):
        coefficients.append(polynomial.rem(modulus))
        polynomial = polynomial.diff() * sp.Rational(1, n + 1)
    return coefficients


def _product(series: list[list[sp.Poly]], modulus: sp.Poly, terms: int) -> list[sp.Poly]:
    result = [sp.Poly(1, modulus.gen), *[sp.Poly(0, modulus.gen)] * (terms - 1)]
    for factor in series:
        result = [
            sum((result[i] * factor[n - i] for i in range(n + 1)), sp.Poly(0, modulus.gen)).rem(
                modulus
            )
            for n in range(terms)
        ]
    return result


def _roots(factor: sp.Poly) -> list[sp.Expr]:
    """Roots of a factor of degree at most two, one of each complex pair."""
    a, b, *c = (sp.S.Zero, *factor.all_coeffs())[-3:]
    if factor.degree() == 1:
        return [-c[0] / b]
    if factor.degree() > 2:
        return []
    gap = b**2 - 4 * a * c[0]
    if gap.is_negative:
        return [(-b + sp.sqrt(gap)) / (2 * a)]
    return [(-b - sp.sqrt(gap)) / (2 * a), (-b + sp.sqrt(gap)) / (2 * a)]


def _at_pole(root: sp.Expr, weights: tuple[sp.Poly, ...], order: int) -> sp.Expr | None:
    """[wⁿ] of πw/sin(πw) · (−ρ)ʷ · Σ weights_t wᵗ, both poles of a complex pair counted."""
    real, imaginary = root.as_real_imag()
    if imaginary == 0:
        if not (-root).is_positive:
            return None
        exponent = sp.expand_log(sp.log(-root))
    else:
        size = sp.expand(real**2 + imaginary**2)
        exponent = sp.expand_log(sp.log(size)) / 2 + sp.I * sp.atan2(-imaginary, -real)
    total = sp.S.Zero
    for t, weight in enumerate(weights[: order + 1]):
        value = sp.expand(weight.as_expr().subs(weight.gen, root))
        total += sp.expand(value * _cosecant_exponential(exponent, order - t))
    return total if imaginary == 0 else sp.expand(2 * total.coeff(sp.I, 0))


@lru_cache(maxsize=1024)
def _cosecant_exponential(rate: sp.Expr, order: int) -> sp.Expr:
    """[wⁿ] of πw/sin(πw) · e^{rate·w}; the cosecant is 1 + 2 Σ η(2k) w^{2k}."""
    higher = (
        2 * _eta(k) * rate ** (order - k) / factorial(order - k) for k in range(2, order + 1, 2)
    )
    return sp.expand(sp.Add(rate**order / factorial(order), *higher))


@cache
def _binomial(k: int) -> tuple[sp.Expr, ...]:
    """Coefficients of C(w − 1, k) in ascending powers of w."""
    w = sp.Dummy("w")
    return tuple(reversed(sp.Poly(sp.ff(w - 1, k) / sp.factorial(k), w).all_coeffs()))
