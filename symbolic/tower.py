"""Towers of generators: rational functions in symbols, constants, roots and functions of them.

A generator stands for an expression. It may be algebraic: a power of it is then a polynomial in
generators that came before, and every polynomial is reduced by that. Generators are not required
to be independent: a polynomial that reduces to 0 is 0 whatever they stand for.

>>> tower = Tower(4, {})
>>> two = tower.constant(2)
>>> root = tower.add("√2", sp.sqrt(2), real=True, nonnegative=True, degree=2, power=two)
>>> tower.to_sympy(tower.reduce(root**3 + 1))
1 + 2*sqrt(2)
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from math import comb
from typing import Any

import flint
import sympy as sp

from freejac.symbolic.polynomials import Poly, Ratio

__all__ = ["Generator", "TooLarge", "Tower", "key_of"]

_MOST_TERMS = 20_000


class TooLarge(ArithmeticError):  # noqa: N818 (an answer)
    """More generators or terms than there is room for."""


@dataclass(frozen=True)
class Generator:
    """What a generator stands for, and what is known of it wherever it is defined.

    Attributes:
        index: its place in the tower.
        expr: in SymPy.
        real: it is real.
        nonnegative: it is real and not negative.
        degree: its power of this degree is a polynomial in generators before it, or 0.
        power: that polynomial.
        log: (rational, polynomial over polynomial): its logarithm where it is positive.
    """

    index: int
    expr: sp.Expr
    real: bool
    nonnegative: bool
    degree: int = 0
    power: Poly | None = None
    log: Ratio | None = None


class Tower:
    """Generators, and the arithmetic of rational functions in them.

    Args:
        size: how many generators there is room for.
        signs: signs of polynomials, by `key_of`, that are known besides; filled as they are found.
    """

    def __init__(self, size: int, signs: dict[str, int | None]) -> None:
        self.size = size
        self.signs = signs
        self.context = flint.fmpq_mpoly_ctx.get([f"g{i}" for i in range(size)], "lex")
        self._polys = self.context.gens()
        self.generators: list[Generator] = []
        self._places: dict[Hashable, int] = {}
        self.one = self.context.constant(1)
        self.zero = self.context.constant(0)

    def constant(self, value: Any) -> Poly:
        """A rational number."""
        exact = sp.Rational(value)
        return self.context.constant(flint.fmpq(int(exact.p), int(exact.q)))

    def find(self, key: Hashable) -> Poly | None:
        """The generator of a key, if there is one."""
        place = self._places.get(key)
        return None if place is None else self._polys[place]

    def add(
        self,
        key: Hashable,
        expr: sp.Expr,
        *,
        real: bool = False,
        nonnegative: bool = False,
        degree: int = 0,
        power: Poly | None = None,
        log: Ratio | None = None,
    ) -> Poly:
        """Add a generator; see `Generator`."""
        index = len(self.generators)
        if index >= self.size:
            raise TooLarge("more generators than there is room for")
        self._places[key] = index
        real = real or nonnegative
        self.generators.append(Generator(index, expr, real, nonnegative, degree, power, log))
        return self._polys[index]

    def alone(self, poly: Poly) -> Generator | None:
        """The generator that a polynomial is, if it is one."""
        terms = poly.to_dict()
        if len(terms) != 1:
            return None
        ((powers, coefficient),) = terms.items()
        if coefficient != 1 or sum(powers) != 1:
            return None
        return self.generators[powers.index(1)]

    # Arithmetic

    def ratio(self, above: Poly, below: Poly | None = None) -> Ratio:
        """A quotient, reduced.

        Raises:
            ZeroDivisionError: the denominator is 0.
        """
        above = self.reduce(above)
        below = self.one if below is None else self.reduce(below)
        if below.is_zero():
            raise ZeroDivisionError("a denominator is 0")
        if above.is_zero():
            return Ratio(self.zero, self.one)
        return Ratio.of(above, below)

    def sum(self, first: Ratio, second: Ratio) -> Ratio:
        """Add."""
        if first.below == second.below:
            return self.ratio(first.above + second.above, first.below)
        common = first.below.gcd(second.below)
        left, right = second.below // common, first.below // common
        return self.ratio(first.above * left + second.above * right, first.below * left)

    def product(self, first: Ratio, second: Ratio) -> Ratio:
        """Multiply."""
        return self.ratio(first.above * second.above, first.below * second.below)

    def inverse(self, value: Ratio) -> Ratio:
        """Reciprocal.

        Raises:
            ZeroDivisionError: of 0.
        """
        return self.ratio(value.below, value.above)

    def power(self, value: Ratio, exponent: int) -> Ratio:
        """Raise to an integer power."""
        if exponent < 0:
            return self.power(self.inverse(value), -exponent)
        terms = max(len(value.above), len(value.below))
        if terms > 1 and comb(exponent + terms - 1, terms - 1) > _MOST_TERMS:
            raise TooLarge("a power has too many terms")
        return self.ratio(value.above**exponent, value.below**exponent)

    def reduce(self, poly: Poly) -> Poly:
        """Replace the powers of algebraic generators, the last generator first."""
        if len(poly) > _MOST_TERMS:
            raise TooLarge("an expression has too many terms")
        for generator in reversed(self.generators):
            if generator.degree and poly.degrees()[generator.index] >= generator.degree:
                poly = self._reduced_by(generator, poly)
        return poly

    def _reduced_by(self, generator: Generator, poly: Poly) -> Poly:
        parts: dict[int, dict[tuple[int, ...], Any]] = {}
        for powers, coefficient in poly.to_dict().items():
            whole, left = divmod(int(powers[generator.index]), generator.degree)
            rest = list(powers)
            rest[generator.index] = left
            parts.setdefault(whole, {})[tuple(rest)] = coefficient
        total = self.zero
        assert generator.power is not None, "algebraic generators have one"
        for whole, part in parts.items():
            total += self.context.from_dict(part) * generator.power**whole
            if len(total) > _MOST_TERMS:
                raise TooLarge("an expression has too many terms")
        return total

    # What is known of a polynomial

    def used(self, poly: Poly) -> list[Generator]:
        """The generators that occur."""
        degrees = poly.degrees()
        return [g for g in self.generators if degrees[g.index]]

    def is_real(self, poly: Poly) -> bool:
        """Whether all its generators are."""
        return all(generator.real for generator in self.used(poly))

    def plain_sign(self, poly: Poly) -> int | None:
        """1 or −1 if no term has another sign (zeros allowed), None if that is not seen."""
        signs = set()
        generators = self.generators
        for powers, coefficient in poly.to_dict().items():
            for generator, power in zip(generators, powers, strict=False):
                if power and not generator.nonnegative and (power % 2 or not generator.real):
                    return None
            signs.add(1 if coefficient > 0 else -1)
        return signs.pop() if len(signs) == 1 else None

    def to_sympy(self, poly: Poly) -> sp.Expr:
        """The expression that a polynomial stands for."""
        terms = []
        for powers, coefficient in poly.to_dict().items():
            factors = [g.expr ** int(n) for g, n in zip(self.generators, powers, strict=False) if n]
            terms.append(sp.Mul(sp.Rational(int(coefficient.p), int(coefficient.q)), *factors))
        return sp.Add(*terms)

    def ratio_to_sympy(self, value: Ratio) -> sp.Expr:
        """The expression that a quotient stands for."""
        return self.to_sympy(value.above) / self.to_sympy(value.below)


def key_of(poly: Poly) -> str:
    """A key that equal polynomials share."""
    return str(poly)
