"""Algebraic laws: the irreducible polynomial P(z, G) that the Stieltjes transform G(z) solves.

⊞ and ⊠ eliminate one unknown from two such polynomials. With z = B(G), B the inverse of G,
    ⊞: z = z_1 + z_2 − 1/G at one G,
and with m = zG − 1, z = M⁻¹(m),
    ⊠: z = z_1 z_2 m/(1+m) at one m.
The resultant has other factors besides the right one: that one, and no other, is solved by the
expansion G = 1/z + m_1/z² + … at infinity.

Source: Rao and Edelman, "The polynomial method for random matrices" (2008), arXiv:math/0601389.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

import sympy as sp

from freejac.symbolic.coefficients import Poly, Ring, ring_of
from freejac.symbolic.domain import Number, rational
from freejac.symbolic.errors import DomainError, InternalError
from freejac.symbolic.series import Series
from freejac.symbolic.symbols import z

__all__ = ["AlgebraicEquation", "Moments", "green"]

Moments = Callable[[int], Sequence[sp.Expr]]
"""The first moments of a law, as many as asked for."""

green = sp.Symbol("G")
"""The unknown G(z)."""
_UNKNOWN = sp.Dummy("u")
_LARGEST = 1200
"""The largest (degree in z) × (degree in G) that a resultant may be expected to have."""
_MOST_TERMS = 400


class AlgebraicEquation:
    """P(z, G) = 0, irreducible, for the law with given moments.

    Attributes:
        expr: P, with coprime integer coefficients.
        moments: the moments of the law.

    >>> from freejac.symbolic import laws
    >>> coin = laws.atomic([(-1, sp.S.Half), (1, sp.S.Half)])
    >>> (coin + coin).equation.expr                         # arcsine: G = 1/√(z² − 4)
    G**2*z**2 - 4*G**2 - 1
    """

    def __init__(self, expr: sp.Expr, moments: Moments) -> None:
        """Take the factor of a polynomial that the law with these moments solves.

        Raises:
            InternalError: no factor is.
        """
        self.moments = moments
        ring = ring_of([expr, z, green])
        self.expr = _chosen(ring, ring.ratio(expr)[0], moments)

    def __repr__(self) -> str:
        return f"{self.expr} = 0"

    @cached_property
    def ring(self) -> Ring:
        """The ring of P."""
        return ring_of([self.expr, z, green, _UNKNOWN])

    @cached_property
    def poly(self) -> Poly:
        """P in the ring."""
        return self.ring.ratio(self.expr)[0]

    @cached_property
    def parameters(self) -> tuple[sp.Expr, ...]:
        """What P has besides z and G."""
        return tuple(g for g in self.ring.generators if g not in (z, green, _UNKNOWN))

    @cached_property
    def degrees(self) -> tuple[int, int]:
        """The degrees in z and in G: the number of branches of B and of G."""
        return degree(self.ring, self.poly, z), degree(self.ring, self.poly, green)

    def affine(self, factor: sp.Expr, offset: sp.Expr, moments: Moments) -> AlgebraicEquation:
        """The equation of aX + b: G(z) = G_X((z − b)/a)/a."""
        moved = self.expr.subs({z: (z - offset) / factor, green: factor * green}, simultaneous=True)
        return AlgebraicEquation(_numerator(moved), moments)

    def add(self, other: AlgebraicEquation, moments: Moments) -> AlgebraicEquation:
        """The equation of X ⊞ Y, whose moments are given.

        Raises:
            DomainError: the resultant would be too large.
        """
        self._bounded(other)
        first = self.expr.subs(z, _UNKNOWN)
        second = _numerator(other.expr.subs(z, z - _UNKNOWN + 1 / green))
        return AlgebraicEquation(_eliminated(first, second), moments)

    def multiply(self, other: AlgebraicEquation, moments: Moments) -> AlgebraicEquation:
        """The equation of X ⊠ Y, whose moments are given.

        Raises:
            DomainError: the resultant would be too large.
        """
        self._bounded(other)
        m = z * green - 1
        first = _in_m(self.expr, _UNKNOWN, m)
        second = _in_m(other.expr, z * (1 + m) / (m * _UNKNOWN), m)
        return AlgebraicEquation(_eliminated(first, second), moments)

    def power(self, exponent: int, moments: Moments) -> AlgebraicEquation:
        """The equation of X^{⊠ L}: z = z_1ᴸ (m/(1+m))^{L−1}.

        Raises:
            DomainError: the resultant would be too large.
        """
        if self.degrees[0] * self.degrees[1] * exponent**2 > _LARGEST:
            raise _too_large(self.degrees[0] * exponent, self.degrees[1] * exponent)
        m = z * green - 1
        first = _in_m(self.expr, _UNKNOWN, m)
        second = z * (1 + m) ** (exponent - 1) - _UNKNOWN**exponent * m ** (exponent - 1)
        return AlgebraicEquation(_eliminated(first, second), moments)

    def subs(self, values: Mapping[sp.Symbol, Number], moments: Moments) -> AlgebraicEquation:
        """Put numbers in for parameters."""
        exact = {symbol: rational(str(symbol), value) for symbol, value in values.items()}
        return AlgebraicEquation(_numerator(self.expr.subs(exact)), moments)

    def _bounded(self, other: AlgebraicEquation) -> None:
        branches = self.degrees[0] * other.degrees[0]
        sheets = self.degrees[0] * other.degrees[1] + self.degrees[1] * other.degrees[0]
        if branches * sheets > _LARGEST:
            raise _too_large(branches, sheets)


def degree(ring: Ring, poly: Poly, symbol: sp.Symbol) -> int:
    """The degree in one of the generators."""
    index = ring.index(symbol)
    return 0 if index is None else int(poly.degrees()[index])


def _too_large(first: int, second: int) -> DomainError:
    return DomainError(
        f"the polynomial of this law would have degrees about {first} in z and {second} in G; "
        f"the engine takes on products of degrees up to {_LARGEST}: its moments are available"
    )


def _numerator(expr: sp.Expr) -> sp.Expr:
    ring = ring_of([expr])
    return ring.expr(ring.ratio(expr)[0])


def _in_m(expr: sp.Expr, point: sp.Expr, m: sp.Expr) -> sp.Expr:
    """P(point, (1+m)/point): the equation of M⁻¹(m) = point."""
    moved = expr.subs({z: point, green: (1 + m) / point}, simultaneous=True)
    return _numerator(moved)


def _eliminated(first: sp.Expr, second: sp.Expr) -> sp.Expr:
    """The resultant in the auxiliary unknown, as an expression in z and G."""
    ring = ring_of([first, second, _UNKNOWN])
    index = ring.index(_UNKNOWN)
    above = ring.ratio(first)[0].resultant(ring.ratio(second)[0], index)
    return ring.expr(above)


def _chosen(ring: Ring, poly: Poly, moments: Moments) -> sp.Expr:
    """The factor that the expansion at infinity solves, found to as many orders as it takes."""
    factors = [f for f, _ in ring.factors(poly) if degree(ring, f, green)]
    terms = 8
    while len(factors) > 1 and terms <= _MOST_TERMS:
        series = Series.of([1, *moments(terms - 1)], valuation=1)
        factors = [f for f in factors if _residual(ring, f, series).known == 0]
        terms *= 2
    if len(factors) != 1:
        raise InternalError(f"{len(factors)} factors of the resultant fit the moments of the law")
    unit = factors[0]
    return ring.expr(unit)


def _residual(ring: Ring, poly: Poly, series: Series) -> Series:
    """P(1/t, G(t)) times the power of t that clears its poles, to as many terms as G."""
    place, unknown = ring.index(z), ring.index(green)
    top = degree(ring, poly, z)
    rows: dict[int, dict[int, sp.Expr]] = {}
    for powers, value in poly.to_dict().items():
        i, j = (0 if place is None else powers[place]), powers[unknown]
        rest = tuple(0 if k in (place, unknown) else n for k, n in enumerate(powers))
        row = rows.setdefault(j, {})
        row[top - i] = row.get(top - i, sp.S.Zero) + ring.monomial(rest, value)
    total = Series(sp.S.Zero, series.known)
    for j, row in rows.items():
        factor = Series.of([row.get(i, 0) for i in range(top + 1)]).padded(series.known)
        power = series.power(j) if j else Series.of([1]).padded(series.known)
        total += factor * power
    return total
