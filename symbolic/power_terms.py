"""Arithmetic of truncated power series with a common base under their coefficients.

A `Terms` is a_0 + a_1 z + … with a_k = numerator_k / baseᵏ. In the variable z/base its coefficients
are polynomials, and so are those of products, powers, inverses and compositions: nothing has to be
cancelled until a coefficient is read. The recurrences are those of the derivative, b′a = …
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import flint
import sympy as sp

from freejac.symbolic.coefficients import Poly, Ratio, Ring, content, ring_of

__all__ = ["Terms"]


@dataclass(frozen=True)
class Terms:
    """Coefficients numerator_k/baseᵏ, k = 0, 1, …, in a ring.

    >>> Terms.of([sp.Integer(1), sp.Rational(1, 2)]).power(sp.Integer(-1)).exprs
    (1, -1/2)
    """

    ring: Ring
    base: Poly
    numerators: tuple[Poly, ...]

    @classmethod
    def of(cls, exprs: Sequence[sp.Expr]) -> Terms:
        """Read coefficients; the base is the smallest that clears their denominators."""
        ring = ring_of(exprs)
        return cls.of_ratios(ring, [ring.ratio(expr) for expr in exprs])

    @classmethod
    def of_ratios(cls, ring: Ring, ratios: Sequence[Ratio]) -> Terms:
        """The same from quotients; a denominator of the first is left to the caller."""
        base = ring.one
        if ring.context is not None:
            needed: dict[str, tuple[Poly, int]] = {}
            for k, (_, below) in enumerate(ratios):
                for factor, power in ring.factors(below) if below != ring.one else ():
                    least = -(-power // k)
                    _, known = needed.get(str(factor), (factor, 0))
                    needed[str(factor)] = (factor, max(known, least))
            for factor, power in needed.values():
                base *= factor**power
        powers = _powers(ring, base, len(ratios))
        numerators = [
            above * power if below == ring.one else above * (power // below)
            for (above, below), power in zip(ratios, powers, strict=True)
        ]
        return cls(ring, base, tuple(numerators))

    @cached_property
    def exprs(self) -> tuple[sp.Expr, ...]:
        """The coefficients, each in lowest terms."""
        return tuple(self.ring.quotient(*self.ratio(k)) for k in range(len(self.numerators)))

    def ratio(self, k: int) -> Ratio:
        """The k-th coefficient in lowest terms."""
        above = self.ring.normal(self.numerators[k])
        if self.base == self.ring.one or not above:
            return above, self.ring.one
        below = self.ring.one
        for factor, power in self._base_factors:
            left = power * k
            while left:
                cofactor, rest = divmod(above, factor)
                if rest:
                    break
                above, left = cofactor, left - 1
            below *= factor**left
        return self.ring.reduced(above / content(self.base) ** k, below)

    @cached_property
    def _base_factors(self) -> list[tuple[Poly, int]]:
        return self.ring.factors(self.base)

    def cut(self, known: int) -> Terms:
        """Keep the first terms."""
        return Terms(self.ring, self.base, self.numerators[:known])

    def padded(self, known: int) -> Terms:
        """Take the first terms of a polynomial, or append zeros."""
        zeros = (self.ring.zero,) * (known - len(self.numerators))
        return Terms(self.ring, self.base, self.numerators[:known] + zeros)

    def _aligned(self, other: Terms) -> tuple[Terms, Terms]:
        """Both over one ring and one base."""
        first, second = self, other
        if first.ring is not second.ring:
            ring = first.ring.union(second.ring)
            first, second = first._lifted(ring), second._lifted(ring)
        if first.base == second.base:
            return first, second
        base = first.base * (second.base // first.base.gcd(second.base))
        return first.over(base), second.over(base)

    def _lifted(self, ring: Ring) -> Terms:
        if ring is self.ring:
            return self
        numerators = tuple(ring.lift(n, self.ring) for n in self.numerators)
        return Terms(ring, ring.lift(self.base, self.ring), numerators)

    def over(self, base: Poly) -> Terms:
        """The same over a multiple of the base."""
        if base == self.base:
            return self
        powers = _powers(self.ring, base // self.base, len(self.numerators))
        return Terms(
            self.ring, base, tuple(n * f for n, f in zip(self.numerators, powers, strict=True))
        )

    def __mul__(self, other: Terms) -> Terms:
        """Multiply, to as many terms as both know."""
        first, second = self._aligned(other)
        a, b = first.numerators, second.numerators
        return Terms(
            first.ring,
            first.base,
            tuple(_convolved(a, b, n) for n in range(min(len(a), len(b)))),
        )

    def added(self, other: Terms, ring: Ring, scale: Ratio, other_scale: Ratio) -> Terms:
        """Add scale·self and other_scale·other, times the product of the scales' denominators."""
        first, second = self._aligned(other)
        wide = first.ring.union(ring)
        first, second = first._lifted(wide), second._lifted(wide)
        (above, below), (other_above, other_below) = scale, other_scale
        u, v = wide.lift(above * other_below, ring), wide.lift(other_above * below, ring)
        pairs = zip(first.numerators, second.numerators, strict=True)
        return Terms(wide, first.base, tuple(wide.normal(a * u + b * v) for a, b in pairs))

    def shifted(self, places: int, known: int) -> Terms:
        """Multiply by z^places, to `known` terms."""
        factor = self.base**places
        moved = (self.ring.zero,) * places + tuple(n * factor for n in self.numerators)
        return Terms(self.ring, self.base, moved[:known])

    def monic(self) -> Terms:
        """Divide by the first coefficient, which is not zero."""
        ring, first = self.ring, self.numerators[0]
        if first == ring.one:
            return self
        if ring.context is None or first.is_constant():
            unit = content(first)
            return Terms(ring, self.base, tuple(n / unit for n in self.numerators))
        numerators, power = [ring.one], ring.one
        for n in self.numerators[1:]:
            numerators.append(n * power)
            power *= first
        return Terms(ring, self.base * first, tuple(numerators)).simplified()

    def simplified(self) -> Terms:
        """Take out of the base what cancels in every coefficient."""
        if self.ring.context is None or self.base == self.ring.one:
            return self
        numerators = [self.ring.normal(n) for n in self.numerators]
        unit = content(self.base)
        numerators = [n / unit**k for k, n in enumerate(numerators)]
        base = self.ring.one
        for factor, power in self._base_factors:
            needed = 0
            for k, n in enumerate(numerators[1:], start=1):
                rest = n
                for left in range(power * k, needed * k, -1) if n else ():
                    rest, remainder = divmod(rest, factor)
                    if remainder:
                        needed = -(-left // k)
                        break
            spare = factor ** (power - needed)
            if needed < power:
                numerators = [n // spare**k for k, n in enumerate(numerators)]
            base *= factor**needed
        return Terms(self.ring, base, tuple(numerators))

    def power(self, exponent: sp.Expr) -> Terms:
        """Raise a series that starts with 1: n b_n = Σ_{k=1}^{n} (k e − n + k) a_k b_{n−k}."""
        ring = self.ring
        if exponent.is_Rational:
            e = flint.fmpq(int(exponent.p), int(exponent.q))
            return Terms(ring, self.base, _power(self.numerators, e + 1, 1, ring.one))
        source = ring_of([exponent])
        wide = ring.union(source)
        above, below = (wide.lift(part, source) for part in source.ratio(exponent))
        lifted = self._lifted(wide).over(self._lifted(wide).base * below)
        # the factor k e − n + k has the denominator of e: one power of it is spared in a_k
        scaled = (wide.one, *(n // below for n in lifted.numerators[1:]))
        return Terms(wide, lifted.base, _power(scaled, above + below, below, wide.one))

    def reversed(self) -> Terms:
        """Invert z·self, self starting with 1: the inverse over z, g_n = [z^{n−1}] self^{−n}/n."""
        inverse = self.power(sp.S.NegativeOne)
        found = [self.ring.one]
        for n in range(2, len(self.numerators) + 1):
            powers = _power(inverse.numerators[:n], n + 1, 1, self.ring.one)
            found.append(powers[n - 1] / n)
        return Terms(self.ring, self.base, tuple(found))

    def lagrange(self, exponents: Sequence[int]) -> list[Poly]:
        """[z^{n−1}] selfⁿ / n for a series that starts with 1, as numerators over base^{n−1}."""
        one = self.ring.one
        return [_power(self.numerators[:n], n + 1, 1, one)[n - 1] / n for n in exponents]

    def exp(self) -> Terms:
        """Exponentiate, the constant term left out: n b_n = Σ k a_k b_{n−k}."""
        slopes = [n * k for k, n in enumerate(self.numerators)]
        found = [self.ring.one]
        for n in range(1, len(self.numerators)):
            total = sum((slopes[k] * found[n - k] for k in range(1, n + 1)), self.ring.zero)
            found.append(total / n)
        return Terms(self.ring, self.base, tuple(found))

    def log(self) -> Terms:
        """Take the logarithm of a series that starts with 1: n a_n = Σ k b_k a_{n−k}."""
        found = [self.ring.zero]
        for n in range(1, len(self.numerators)):
            known = (found[k] * (self.numerators[n - k] * k) for k in range(1, n))
            found.append(self.numerators[n] - sum(known, self.ring.zero) / n)
        return Terms(self.ring, self.base, tuple(found))

    def compose(self, inner: Terms, leading: sp.Expr, valuation: int, known: int) -> Terms:
        """Put leading · z^valuation · inner, inner starting with 1, into a polynomial."""
        source = ring_of([leading])
        ring = self.ring.union(inner.ring).union(source)
        outer, unit = self._lifted(ring), inner._lifted(ring).padded(known)
        above, below = (ring.lift(part, source) for part in source.ratio(leading))
        base = outer.base * unit.base * below
        unit = unit.over(base)
        # a_i (above/below)ⁱ z^{v i} over base^{v i}
        spare = base if ring.context is None else base // (outer.base * below)
        step = above * spare * base ** (valuation - 1)
        total = [ring.zero] * known
        running, factor = Terms(ring, base, (ring.one,)).padded(known), ring.one
        for i, numerator in enumerate(outer.numerators):
            scale = numerator * factor
            for n in range(known - valuation * i) if scale else ():
                total[valuation * i + n] += running.numerators[n] * scale
            running, factor = running * unit, factor * step
        return Terms(ring, base, tuple(total))

    def dilated(self, factor: sp.Expr) -> Terms:
        """Replace z by factor·z."""
        source = ring_of([factor])
        ring = self.ring.union(source)
        lifted = self._lifted(ring)
        above, below = (ring.lift(part, source) for part in source.ratio(factor))
        powers = _powers(ring, above, len(self.numerators))
        numerators = tuple(n * f for n, f in zip(lifted.numerators, powers, strict=True))
        return Terms(ring, lifted.base * below, numerators)


def _power(a: Sequence[Poly], plus: Poly, scale: Poly, one: Poly) -> tuple[Poly, ...]:
    """Raise a, a_0 = 1, to e; plus = (e + 1)·scale, and a_k has one power of scale spared."""
    weighted = [n * (k * plus) for k, n in enumerate(a)]
    found = [one]
    for n in range(1, len(a)):
        total = one * 0
        for k in range(1, n + 1):
            if a[k]:
                total += (weighted[k] - a[k] * (n * scale)) * found[n - k]
        found.append(total / n)
    return tuple(found)


def _convolved(a: Sequence[Poly], b: Sequence[Poly], n: int) -> Poly:
    total = a[0] * b[n]
    for i in range(1, n + 1):
        if a[i] and b[n - i]:
            total += a[i] * b[n - i]
    return total


def _powers(ring: Ring, base: Poly, known: int) -> list[Poly]:
    found = [ring.one]
    for _ in range(known - 1):
        found.append(found[-1] * base)
    return found[:known]
