"""Truncated Laurent series with exact coefficients, and Lagrange inversion on them.

A nonzero series is kept as ``leading * z**valuation * (1 + u_1 z + …)``. With the leading
coefficient apart, a power with a symbolic exponent L is exact and cheap: the leading coefficient
goes to ``leading**L`` and every u_k becomes a polynomial in L. That is what gives moments of a
product of L layers with L a symbol.
"""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from freejac.symbolic.coefficients import ring_of, tidy
from freejac.symbolic.errors import DomainError
from freejac.symbolic.power_terms import Terms

__all__ = ["Series"]

_ZERO = Terms.of([sp.S.Zero])


class Series:
    """A Laurent series known to finitely many terms.

    Attributes:
        leading: the first nonzero coefficient; 0 for a series of which no nonzero term is known.
        valuation: the exponent of the leading term; for a zero series, its order of vanishing O(·).
        unit: (1, u_1, u_2, …): the coefficients over the leading one; empty for a zero series.

    >>> from freejac.symbolic.symbols import depth, p
    >>> (Series.of([p, 1, 0]).power(depth)).coefficients
    (p**L, L*p**L/p, p**L*(L**2 - L)/(2*p**2))
    """

    __slots__ = ("_unit", "leading", "terms", "valuation")

    def __init__(
        self, leading: sp.Expr, valuation: int, unit: Sequence[sp.Expr] | Terms = ()
    ) -> None:
        """Keep the parts; the unit as expressions, or as terms that start with 1."""
        self.leading, self.valuation = leading, valuation
        self._unit: tuple[sp.Expr, ...] | None = None
        if not isinstance(unit, Terms):
            self._unit = tuple(sp.sympify(u, strict=True) for u in unit)
            unit = Terms.of(self._unit)
        self.terms = unit

    @classmethod
    def of(cls, coefficients: Sequence[object], valuation: int = 0) -> Series:
        """Series with the given coefficients from ``z**valuation`` on, known to ``len`` terms.

        Raises:
            DomainError: a coefficient is a float, or infinite.

        >>> Series.of([0, 2, 4]).valuation
        1
        """
        exprs = [sp.sympify(term, strict=True) for term in coefficients]
        ring = ring_of(exprs)
        ratios = [ring.ratio(expr) for expr in exprs]
        for lead, (above, below) in enumerate(ratios):
            if above:
                rest = [ring.reduced(a * below, b * above) for a, b in ratios[lead + 1 :]]
                unit = Terms.of_ratios(ring, [(ring.one, ring.one), *rest])
                return cls(ring.quotient(above, below), valuation + lead, unit)
        return cls(sp.S.Zero, valuation + len(exprs))

    @property
    def unit(self) -> tuple[sp.Expr, ...]:
        """The coefficients over the leading one."""
        if self._unit is None:
            self._unit = self.terms.exprs
        return self._unit

    @property
    def known(self) -> int:
        """How many terms are known, from the leading one on."""
        return len(self.terms.numerators)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Series):
            return NotImplemented
        return (self.leading, self.valuation, self.unit) == (
            other.leading,
            other.valuation,
            other.unit,
        )

    def __hash__(self) -> int:
        return hash((self.leading, self.valuation, self.unit))

    def __repr__(self) -> str:
        return f"Series({self.leading}, {self.valuation}, {self.unit})"

    @property
    def order(self) -> int:
        """The exponent N of the error term O(z**N)."""
        return self.valuation + self.known

    @property
    def coefficients(self) -> tuple[sp.Expr, ...]:
        """The known coefficients, from that of ``z**valuation`` on."""
        return tuple(self.leading * u for u in self.unit)

    def coefficient(self, exponent: int) -> sp.Expr:
        """Coefficient of ``z**exponent``.

        Raises:
            DomainError: the term is beyond the truncation.
        """
        if exponent >= self.order:
            raise DomainError(f"the series is known to O(z^{self.order}) only: no term {exponent}")
        if exponent < self.valuation:
            return sp.S.Zero
        place = exponent - self.valuation
        if self._unit is not None:
            return self.leading * self._unit[place]
        return self.leading * self.terms.ring.quotient(*self.terms.ratio(place))

    def truncated(self, terms: int) -> Series:
        """Keep at most so many terms."""
        return Series(self.leading, self.valuation, self.terms.cut(terms))

    def padded(self, terms: int) -> Series:
        """Take a polynomial to be known to so many terms."""
        return Series(self.leading, self.valuation, self.terms.padded(terms))

    def __neg__(self) -> Series:
        return Series(-self.leading, self.valuation, self.terms)

    def __add__(self, other: Series) -> Series:
        low, high = min(self.valuation, other.valuation), min(self.order, other.order)
        ring = ring_of([self.leading, other.leading])
        scales = [ring.ratio(series.leading) for series in (self, other)]
        aligned = [
            (series.terms if series.known else _ZERO).shifted(
                min(series.valuation, high) - low, high - low
            )
            for series in (self, other)
        ]
        padded = [terms.padded(max(high - low, 0)) for terms in aligned]
        total = padded[0].added(padded[1], ring, *scales)
        lead = next((n for n, above in enumerate(total.numerators) if above), None)
        if lead is None:
            return Series(sp.S.Zero, high)
        denominator = scales[0][1] * scales[1][1]
        below = total.ring.lift(denominator, ring) * total.base**lead
        leading = total.ring.quotient(total.numerators[lead], below)
        rest = Terms(total.ring, total.base, total.numerators[lead:])
        return Series(leading, low + lead, rest.monic())

    def __sub__(self, other: Series) -> Series:
        return self + (-other)

    def __mul__(self, other: Series) -> Series:
        valuation = self.valuation + other.valuation
        if not (self.known and other.known):
            return Series(sp.S.Zero, valuation)
        leading = self.leading * other.leading
        if leading.is_rational_function():  # a power such as p**L is better left as it is
            leading = tidy(leading)
        return Series(leading, valuation, self.terms * other.terms)

    def scale(self, factor: object) -> Series:
        """Multiply by a constant.

        >>> Series.of([1, 2]).scale(3).coefficients
        (3, 6)
        """
        constant = sp.sympify(factor, strict=True)
        if constant == 0:
            return Series(sp.S.Zero, self.order)
        return Series(constant * self.leading, self.valuation, self.terms)

    def shift(self, exponent: int) -> Series:
        """Multiply by ``z**exponent``."""
        return Series(self.leading, self.valuation + exponent, self.terms)

    def monic(self) -> Series:
        """Divide by the leading term: the series starts with 1."""
        return Series(sp.S.One, 0, self.terms)

    def dilate(self, factor: object) -> Series:
        """self(factor·z), the factor not zero.

        >>> Series.of([1, 1, 1]).dilate(2).coefficients
        (1, 2, 4)
        """
        constant = sp.sympify(factor, strict=True)
        leading = self.leading * constant**self.valuation
        return Series(leading, self.valuation, self.terms.dilated(constant))

    def derivative(self) -> Series:
        """Differentiate term by term.

        >>> Series.of([5, 1, 1]).derivative().coefficients
        (1, 2)
        """
        if not self.known:
            return Series(sp.S.Zero, self.valuation - 1)
        slopes = [(self.valuation + k) * u for k, u in enumerate(self.unit)]
        return Series.of(slopes, self.valuation - 1).scale(self.leading)

    def power(self, exponent: object) -> Series:
        """Raise to a power: number or symbol.

        Args:
            exponent: any exact number or expression free of the series variable. When the
                series does not start at z⁰, valuation × exponent must be an integer.

        Raises:
            DomainError: a zero series, or a fractional power of z.

        >>> Series.of([1, -4, 0]).power(sp.Rational(1, 2)).coefficients
        (1, -2, -2)
        """
        e = sp.sympify(exponent, strict=True)
        valuation = self.valuation * e
        if not self.known:
            raise DomainError("no power of a series without a known nonzero term")
        if not valuation.is_Integer:
            raise DomainError(f"(z^{self.valuation})^({e}) is not a Laurent series")
        # a root of a perfect square shows itself only when the square is factored
        root = e.is_Rational and not e.is_Integer
        leading = sp.factor(self.leading) if root else self.leading
        return Series(_raised(leading, e), int(valuation), self.terms.power(e))

    def inverse(self) -> Series:
        """1/self.

        >>> Series.of([1, 1, 0]).inverse().coefficients
        (1, -1, 1)
        """
        return self.power(-1)

    def compose(self, inner: Series) -> Series:
        """self(inner(z)) for an inner series that vanishes at 0.

        Raises:
            DomainError: the inner series has a constant term or a pole.

        >>> Series.of([1, 1, 1]).compose(Series.of([1, 1], valuation=1)).coefficients
        (1, 1, 2)
        """
        if inner.valuation < 1:
            raise DomainError("only a series that vanishes at 0 can be put into another")
        if not self.known:
            return Series(sp.S.Zero, self.valuation * inner.valuation)
        if not inner.known:
            if self.valuation:
                raise DomainError("no power of a series without a known nonzero term")
            return Series(self.leading, 0, self.terms.cut(1).padded(inner.valuation))
        known = self.known * inner.valuation
        if self.known > 1:  # inner z^v(1 + … + O(z^k)) is known to k terms beyond its first
            known = min(known, inner.valuation + inner.known)
        composed = self.terms.compose(inner.terms, inner.leading, inner.valuation, known)
        result = Series(sp.S.One, 0, composed)
        if self.valuation:
            result *= inner.power(self.valuation)
        return result.scale(self.leading)

    def reversion(self) -> Series:
        """Find the compositional inverse, by Lagrange: [zⁿ] f⁻¹ = (1/n) [z^{n−1}] (z/f)ⁿ.

        Raises:
            DomainError: the series does not start at z¹.

        >>> Series.of([1, -1, 0, 0], valuation=1).reversion().coefficients
        (1, 1, 2, 5)
        """
        if self.valuation != 1 or not self.known:
            raise DomainError("only a series a·z + …, a ≠ 0, has a compositional inverse")
        unit = self.terms.reversed().dilated(1 / self.leading)
        return Series(1 / self.leading, 1, unit)

    def exp(self) -> Series:
        """Exponentiate a series without a pole, from b′ = a′ b.

        >>> Series.of([0, 1, 0]).exp().coefficients
        (1, 1, 1/2)
        """
        if self.valuation < 0:
            raise DomainError("exp of a pole is not a Laurent series")
        constant = self.coefficient(0) if self.order > 0 else sp.S.Zero
        full = Terms.of([sp.S.Zero, *(self.coefficient(n) for n in range(1, self.order))])
        return Series(sp.exp(constant), 0, full.exp().cut(self.order))

    def log(self) -> Series:
        """Take the logarithm of a series that starts at z⁰, from a b′ = a′.

        >>> Series.of([1, 1, 0]).log().coefficients
        (1, -1/2)
        """
        if self.valuation != 0 or not self.known:
            raise DomainError("log of a zero or a pole is not a Laurent series")
        rest = self.terms.log().exprs[1:]
        return Series.of([sp.log(self.leading), *rest])


def _raised(leading: sp.Expr, exponent: sp.Expr) -> sp.Expr:
    """leading**exponent, (1/p)**(−L) written p**L."""
    power = leading**exponent
    if power.is_Pow and not power.exp.is_Number and power.exp.could_extract_minus_sign():
        above, below = power.base.as_numer_denom()
        return below ** (-power.exp) if above == 1 else power
    return power
