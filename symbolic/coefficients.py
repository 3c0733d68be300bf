"""Rational functions of symbols, as exact coefficients, over python-flint's polynomials.

A `Ring` holds the polynomials in the generators of some expressions: symbols, functions, and powers
with a symbolic or fractional exponent, such as p**L or √q. Each power is a generator of its own,
with the one relation that a fractional exponent brings. A ring without generators is that of the
rational numbers.

>>> from freejac.symbolic.symbols import depth, p
>>> ring = ring_of([p**depth, p])
>>> above, below = ring.ratio((p**(2 * depth) - p**2) / (p**depth - p))
>>> ring.quotient(above, below)
p + p**L
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache, lru_cache, reduce
from itertools import count
from math import lcm
from typing import Any, TypeAlias

import flint
import sympy as sp

from freejac.symbolic.errors import DomainError
from freejac.symbolic.long_sums import long_sum

__all__ = ["Poly", "Ratio", "Ring", "ring_of", "tidy"]

Poly: TypeAlias = Any
"""flint.fmpq_mpoly, or flint.fmpq in the ring without generators."""
Ratio: TypeAlias = tuple[Poly, Poly]
"""Numerator and denominator."""
Key: TypeAlias = tuple[sp.Expr, sp.Expr]
"""A base and the symbolic part of its exponent."""

_NUMBERS = count()
_LARGEST_FACTORED = 10**18
_MANY = 12
"""Sums of so many terms are put together by `long_sum`."""


class Ring:
    """Polynomials in generators; make one with `ring_of`."""

    def __init__(self, table: tuple[tuple[Key, int], ...]) -> None:
        """Take the bases with their exponents, and the common denominators of the latter."""
        self.table = table
        self.steps = dict(table)
        self.generators = tuple(b ** (rest / step) for (b, rest), step in table)
        self.is_plain = all(generator.is_Symbol for generator in self.generators)
        names = [_name(generator) for generator in self.generators]
        self.names = frozenset(names)
        self.context: Any = flint.fmpq_mpoly_ctx.get(names, "lex") if names else None
        gens = self.context.gens() if self.context else ()
        self._atoms = dict(zip((key for key, _ in table), gens, strict=True))
        self.one = self.constant(1)
        self.zero = self.constant(0)
        self._relations: dict[int, tuple[int, Poly]] = {}
        self._relations |= dict(self._find_relations())

    def constant(self, value: int | sp.Rational) -> Poly:
        """A rational number."""
        exact = sp.Rational(value)
        number = flint.fmpq(int(exact.p), int(exact.q))
        return self.context.constant(number) if self.context else number

    def _find_relations(self) -> Iterator[tuple[int, tuple[int, Poly]]]:
        """Generators of which a power is a polynomial: √2 and i, √(1 + p)."""
        for index, ((base, rest), step) in enumerate(self.table):
            if base is sp.I:
                yield index, (2, -self.one)
            elif step > 1 and rest == 1 and (base.is_Integer or base.is_Add or base.is_Mul):
                above, below = self.ratio(base)
                if below == self.one:
                    yield index, (step, above)

    def ratio(self, expr: sp.Expr) -> Ratio:
        """Bring an expression in the generators to a quotient of coprime polynomials.

        Raises:
            DomainError: a number is not exact, or infinite.
        """
        if expr.is_Rational:
            return self.constant(expr), self.one
        if expr.is_Add:
            parts = [self.ratio(part) for part in expr.args]
            below = reduce(self._lcm, (b for _, b in parts), self.one)
            total = sum((a * (below if b == self.one else below // b) for a, b in parts), self.zero)
            return self.reduced(total, below)
        if expr.is_Mul:
            above, below = self.one, self.one
            for part in expr.args:
                a, b = self.ratio(part)
                above, below = above * a, below * b
            return self.reduced(above, below)
        base, exponent = expr.as_base_exp()
        if _is_compound(base, exponent):
            above, below = self.ratio(base)
            if exponent < 0:
                above, below = below, above
            return self.reduced(above ** abs(int(exponent)), below ** abs(int(exponent)))
        above, below = self.one, self.one
        for key, power in _factors(base, exponent):
            n = int(power * self.steps[key])
            above *= self._atoms[key] ** max(n, 0)
            below *= self._atoms[key] ** max(-n, 0)
        return self.reduced(above, below)

    def _lcm(self, first: Poly, second: Poly) -> Poly:
        if second in (first, self.one):
            return first
        return second if first == self.one else first * second // first.gcd(second)

    def reduced(self, above: Poly, below: Poly) -> Ratio:
        """Cancel the common factor; the denominator gets coprime integers, the leading one > 0.

        Raises:
            DomainError: the denominator is zero.
        """
        if not below:
            raise DomainError("a coefficient is infinite: its denominator vanishes")
        if self.context is None:
            return above / below, self.one
        above, below = self.normal(above), self.normal(below)
        if not below:
            raise DomainError("a coefficient is infinite: its denominator vanishes")
        if below == self.one:
            return above, below
        common = above.gcd(below)
        if common != self.one:
            above, below = above // common, below // common
        unit = content(below)
        return above / unit, below / unit

    def normal(self, poly: Poly) -> Poly:
        """Apply the relations of roots: no generator keeps a power that is a polynomial."""
        for index, (step, value) in self._relations.items():
            if poly.degrees()[index] < step:
                continue
            total = self.zero
            for powers, coefficient in poly.to_dict().items():
                times, left = divmod(powers[index], step)
                rest = tuple(left if i == index else n for i, n in enumerate(powers))
                total += self.context.from_dict({rest: coefficient}) * value**times
            poly = total
        return poly

    def union(self, other: Ring) -> Ring:
        """The ring of both rings' generators."""
        if self is other or other.names <= self.names:
            return self
        return other if self.names <= other.names else ring_of(self.generators + other.generators)

    def lift(self, poly: Poly, source: Ring) -> Poly:
        """Take a polynomial over from a ring with fewer generators."""
        if source is self:
            return poly
        if source.context is None:
            return self.context.constant(poly)
        if source.names <= self.names:
            return poly.project_to_context(self.context)
        images = [self.ratio(generator)[0] for generator in source.generators]
        return self.normal(poly.compose(*images))

    def expr(self, poly: Poly) -> sp.Expr:
        """A polynomial as an expression, expanded."""
        if self.context is None:
            return _rational(poly)
        terms = poly.to_dict()
        if len(terms) < _MANY or not self.is_plain:
            return sp.Add(*(self.monomial(powers, value) for powers, value in terms.items()))
        return long_sum(self.generators, terms)

    def monomial(self, powers: Iterable[int], coefficient: Any = 1) -> sp.Expr:
        """A product of powers of the generators."""
        factors = [g**n for g, n in zip(self.generators, powers, strict=True) if n]
        return sp.Mul(_rational(coefficient), *factors)

    def quotient(self, above: Poly, below: Poly) -> sp.Expr:
        """A quotient in lowest terms as an expression: expanded over factored, in integers."""
        above, below = self.reduced(above, below)
        if below == self.one:
            return self.expr(above)
        unit = content(above)
        top, bottom = self.expr(above / unit * unit.p), [sp.Integer(int(unit.q))]
        bottom += [self.expr(factor) ** power for factor, power in self.factors(below)]
        return top / sp.Mul(*bottom)

    def factors(self, poly: Poly) -> list[tuple[Poly, int]]:
        """The irreducible factors, without the content."""
        if self.context is None:
            return []
        return [(factor, int(power)) for factor, power in poly.factor()[1]]

    def index(self, symbol: sp.Expr) -> int | None:
        """The place of a generator."""
        return self.generators.index(symbol) if symbol in self.generators else None


def ring_of(exprs: Iterable[sp.Expr]) -> Ring:
    """Make the ring in which all the expressions are quotients.

    Raises:
        DomainError: an expression holds a float, or is infinite.
    """
    found: dict[Key, int] = {}
    for expr in exprs:
        _collect(expr, found)
    if not found:
        return _ring(())
    ordered = sorted(found, key=lambda key: (sp.default_sort_key(key[0]), str(key[1])))
    return _ring(tuple((key, found[key]) for key in ordered))


@lru_cache(maxsize=1024)
def tidy(expr: sp.Expr) -> sp.Expr:
    """Canonical form of an expression: a quotient of coprime polynomials.

    >>> from freejac.symbolic.symbols import p
    >>> tidy((p**2 - 1) / (2 * p + 2))
    p/2 - 1/2
    """
    if expr.is_Rational or expr.is_Symbol:
        return expr
    ring = ring_of([expr])
    return ring.quotient(*ring.ratio(expr))


def content(poly: Poly) -> flint.fmpq:
    """The rational number that leaves coprime integers, the leading one positive."""
    if isinstance(poly, flint.fmpq):
        return poly
    above, below = flint.fmpz(0), flint.fmpz(1)
    coefficients = poly.coeffs()
    for coefficient in coefficients:
        above, below = above.gcd(coefficient.p), below.lcm(coefficient.q)
    if not coefficients:
        return flint.fmpq(1)
    return flint.fmpq(above if coefficients[0] > 0 else -above, below)


@lru_cache(maxsize=512)
def _ring(table: tuple[tuple[Key, int], ...]) -> Ring:
    return Ring(table)


@cache
def _name(generator: sp.Expr) -> str:
    """One name for each generator, in every ring."""
    return f"g{next(_NUMBERS)}"


def _rational(value: Any) -> sp.Rational:
    exact = flint.fmpq(value)
    above, below = int(exact.p), int(exact.q)
    return sp.Integer(above) if below == 1 else sp.Rational(above, below)


def _collect(expr: sp.Expr, found: dict[Key, int]) -> None:
    """Note the powers of an expression, with the denominators of their exponents."""
    if expr.is_Rational:
        return
    if expr.is_Number:
        raise DomainError(f"coefficients are exact and finite: {expr} is not; write a Rational")
    if expr.is_Add or expr.is_Mul:
        for part in expr.args:
            _collect(part, found)
        return
    base, exponent = expr.as_base_exp()
    if _is_compound(base, exponent):
        _collect(base, found)
        return
    for key, power in _factors(base, exponent):
        found[key] = lcm(found.get(key, 1), int(power.q))
        # a root of a sum is related to the sum
        if power.q > 1 and key[1] == 1 and (base.is_Add or base.is_Mul):
            _collect(base, found)


def _is_compound(base: sp.Expr, exponent: sp.Expr) -> bool:
    """Whether a power is one of an expression with generators of its own."""
    return bool(exponent.is_Integer and (base.is_Add or base.is_Mul or base.is_Rational))


def _factors(base: sp.Expr, exponent: sp.Expr) -> Iterator[tuple[Key, sp.Rational]]:
    """Split base**exponent into powers with exponents (rational number) × (symbolic part)."""
    if base.is_Integer and exponent.is_Rational and 1 < base < _LARGEST_FACTORED:
        for prime, power in sp.factorint(base).items():
            yield (sp.Integer(prime), sp.S.One), power * exponent
        return
    for part in sp.Add.make_args(sp.expand(exponent)):
        power, rest = part.as_coeff_Mul()
        yield (base, rest), power
