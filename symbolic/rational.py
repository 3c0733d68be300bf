"""Means of rational functions of x under a Gaussian law: poles off the real line.

E[1/(x − w)] is the Faddeeva function of w, that is erfc for a pole on the imaginary axis; Stein's
identity raises the order of a pole.

Source: Abramowitz & Stegun (1964), 7.1.4, for ∫ exp(−t²)/(z − t) dt.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import comb

import sympy as sp

from freejac.symbolic.gaussian import Leaf, Measure, Parts, add_parts, tilted
from freejac.symbolic.integrands import Located, signed_sum
from freejac.symbolic.surds import Field, Surd
from freejac.symbolic.symbols import x
from freejac.symbolic.terms import Obstruction, Term

__all__ = ["RationalTerm", "integrate_rational", "rational_term"]

_HIGHEST_DEGREE = 24


@dataclass(frozen=True)
class _Fraction:
    """numerator / (quadratic)^order, the numerator of degree at most one."""

    numerator: sp.Poly
    quadratic: sp.Poly
    order: int


@dataclass(frozen=True)
class RationalTerm:
    """A term whose factor outside the class is a rational function, in partial fractions.

    Attributes:
        bare: the term without power and rational factor.
        polynomial: the polynomial part.
        fractions: the rest.
    """

    bare: Term
    polynomial: sp.Poly
    fractions: tuple[_Fraction, ...]

    @property
    def constants(self) -> set[sp.Expr]:
        """Every constant that occurs in the fractions."""
        polys = [p for f in self.fractions for p in (f.numerator, f.quadratic)]
        return {coefficient for poly in polys for coefficient in poly.all_coeffs()}

    @property
    def located(self) -> list[Located]:
        """The polynomial part, as terms on the line; the bare term if there is none."""
        return [
            Located(self.bare.times(coefficient, power=power), -sp.oo, sp.oo)
            for (power,), coefficient in self.polynomial.terms()
        ]


def rational_term(located: Located) -> RationalTerm | None:
    """Read a term as a rational function on the line; None if it is nothing of the kind.

    Raises:
        Obstruction: it is one, but not in closed form: a pole on the line, an interval, a factor
            erf, or poles that are no square roots.
    """
    term = located.term
    if not term.opaque.is_rational_function(x):
        return None
    if (located.lower, located.upper) != (-sp.oo, sp.oo) or term.erfs:
        raise Obstruction(
            f"{term.opaque} on an interval, or times an error function, is outside the class"
        )
    numerator, denominator = sp.fraction(sp.together(x**term.power * term.opaque))
    above, below = sp.Poly(numerator, x), sp.Poly(denominator, x)
    if max(above.degree(), below.degree()) > _HIGHEST_DEGREE:
        raise Obstruction(f"the degree of {term.opaque} exceeds {_HIGHEST_DEGREE}")
    polynomial, remainder = sp.div(above, below)
    fractions = sp.apart(remainder.as_expr() / below.as_expr(), x) if remainder else sp.S.Zero
    return RationalTerm(
        replace(term, power=0, opaque=sp.S.One),
        polynomial,
        tuple(_read_fraction(part) for part in sp.Add.make_args(fractions) if part != 0),
    )


def _read_fraction(part: sp.Expr) -> _Fraction:
    above, below = sp.fraction(sp.together(part))
    content, factors = sp.factor_list(below, x)
    if len(factors) != 1 or sp.degree(factors[0][0], x) != 2:
        degree = max((sp.degree(factor, x) for factor, _ in factors), default=0)
        reason = "it has a pole on the real line" if degree == 1 else "its poles are not quadratic"
        raise Obstruction(f"{part} is outside the class: {reason}")
    quadratic, order = factors[0]
    return _Fraction(sp.Poly(above / content, x), sp.Poly(quadratic, x), order)


def integrate_rational(rational: RationalTerm, variance: Surd) -> Parts:
    """E of the fractions of a rational term under N(0, variance)."""
    field = variance.field
    line = Located(rational.bare, -sp.oo, sp.oo)
    parts: Parts = {}
    for shape, powers in signed_sum([line], (), field).items():
        measure = tilted([[variance]], [shape])
        for fraction in rational.fractions:
            for pole in _poles(fraction, field):
                add_parts(parts, _integrate_pole(fraction, pole, measure, powers[0]))
    return parts


@dataclass(frozen=True)
class _Pole:
    """A root of a quadratic without real roots.

    Attributes:
        at: where it is.
        side: 1 above the real line, −1 below.
        gap: its distance from the other root.
    """

    at: Surd
    side: int
    gap: Surd


def _poles(fraction: _Fraction, field: Field) -> list[_Pole]:
    a, b, d = (field.number(coefficient) for coefficient in fraction.quadratic.all_coeffs())
    discriminant = 4 * a * d - b**2
    if discriminant.sign() != 1:
        quadratic = fraction.quadratic.as_expr()
        raise Obstruction(f"1/({quadratic}) has, or may have, a pole on the real line")
    centre, half = b / a / -2, field.i * discriminant.sqrt() / a / 2
    upper = a.sign() or 1
    return [_Pole(centre + half, upper, 2 * half), _Pole(centre - half, -upper, -2 * half)]


def _integrate_pole(fraction: _Fraction, pole: _Pole, measure: Measure, scale: Surd) -> Parts:
    """Σ A_k E[1/(x − w)ᵏ], the A_k from the Laurent series at the pole w."""
    field = scale.field
    slope, value = (field.number(fraction.numerator.coeff_monomial(x**n)) for n in (1, 0))
    leading = field.number(fraction.quadratic.LC()) ** fraction.order
    value = value + slope * pole.at
    means = _Inverse(pole, measure)
    parts: Parts = {}
    for i in range(fraction.order):
        coefficient = value * _binomial(fraction.order, i) * pole.gap ** (-fraction.order - i)
        if i:
            lower = _binomial(fraction.order, i - 1) * pole.gap ** (1 - fraction.order - i)
            coefficient = coefficient + slope * lower
        factor = scale * coefficient / leading * measure.weight
        if factor:
            add_parts(parts, means.power(fraction.order - i), factor, measure.exponent)
    return parts


def _binomial(order: int, i: int) -> int:
    """C(−order, i)."""
    return (-1) ** i * comb(order + i - 1, i)


class _Inverse:
    """E[1/(x − w)ᵏ] under N(m, v), w off the line."""

    def __init__(self, pole: _Pole, measure: Measure) -> None:
        self._offset = pole.at - measure.mean[0]
        self._variance = measure.covariance[0][0]
        field = self._offset.field
        zero, one = field.zero, field.one
        turn = field.i * pole.side
        # ±i √(π/2v) w(±(w − m)/√(2v)), w(ζ) = exp(−ζ²) (1 + erf(iζ))
        scale = turn * (field.number(sp.pi) / (2 * self._variance)).sqrt()
        exponent = self._offset**2 / self._variance / -2
        height = turn * self._offset / self._variance.sqrt()
        self._powers: list[Parts] = [
            {(zero, Leaf()): one},
            {(exponent, Leaf()): scale, (exponent, Leaf((height,))): scale},
        ]

    def power(self, k: int) -> Parts:
        """By Stein's identity: E[(x − m) g] = v E[g′] for g = 1/(x − w)ᵏ."""
        while len(self._powers) <= k:
            n = len(self._powers) - 1
            factor = self._variance**-1 / -n
            following: Parts = {}
            add_parts(following, self._powers[n - 1], factor)
            add_parts(following, self._powers[n], factor * self._offset)
            self._powers.append(following)
        return self._powers[k]
