"""Normal forms of roots, and the signs they need: factors that are not negative are split off.

(a b)^e = a^e b^e wherever a ≥ 0, whatever b is; of a square of something real, the root is an
absolute value. What may be negative or complex stays together under one root.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from math import lcm
from typing import Any

import flint
import sympy as sp

from freejac.symbolic.conditions import Domain
from freejac.symbolic.polynomials import Poly, Ratio
from freejac.symbolic.sign_proofs import number_sign, sign_on
from freejac.symbolic.tower import TooLarge, Tower, key_of

__all__ = ["NotNormal", "Restart", "RootForms"]

_LARGEST_FACTORED = 10**30


class NotNormal(ArithmeticError):  # noqa: N818 (an answer)
    """The expression has no normal form here."""


class Restart(Exception):  # noqa: N818 (control flow)
    """A root needs a larger denominator than it was given."""


class RootForms(ABC):
    """Rational powers, and signs, over one tower.

    Args:
        domain: where signs are asked for.
        size: how many generators there is room for.
        denominators: of roots and exponents, by their keys; larger ones make a restart.
        signs: of polynomials, by their keys.
    """

    def __init__(
        self,
        domain: Domain,
        size: int,
        denominators: dict[str, int],
        signs: dict[str, int | None],
    ) -> None:
        self.domain = domain
        self.denominators = denominators
        self.tower = Tower(size, signs)
        self._facts: list[tuple[Poly, int]] | None = None
        self.one = Ratio.of(self.tower.one)

    @abstractmethod
    def of(self, expr: sp.Expr) -> Ratio:
        """The normal form of an expression."""

    @abstractmethod
    def opaque(self, expr: sp.Expr) -> Ratio:
        """A function of normal forms as a generator; equal arguments give the same."""

    @abstractmethod
    def exponential(self, exponent: Ratio) -> Ratio:
        """Exp of a normal form."""

    def constant(self, value: Any) -> Ratio:
        """A rational number."""
        return Ratio.of(self.tower.constant(value))

    @property
    def i(self) -> Ratio:
        """The imaginary unit."""
        found = self.tower.find(sp.I)
        if found is None:
            minus = self.tower.constant(-1)
            found = self.tower.add(sp.I, sp.I, degree=2, power=minus)
        return Ratio.of(found)

    def named(self, constant: sp.Expr) -> Ratio:
        """A positive constant that has a name, such as π."""
        found = self.tower.find(constant)
        if found is None:
            found = self.tower.add(constant, constant, real=True, nonnegative=True)
        return Ratio.of(found)

    def negative(self, value: Ratio) -> Ratio:
        """Minus a normal form."""
        return Ratio(-value.above, value.below)

    def rational_power(self, base: Ratio, exponent: sp.Rational) -> Ratio:
        """A principal power: factors that are not negative are split off."""
        if base.above.is_zero():
            if exponent > 0:
                return self.constant(0)
            raise ZeroDivisionError("a negative power of 0")
        result, rest = self.one, self.one
        for factor, power in self.factors(base):
            sign = self.sign(factor)
            if sign == 1:
                part = self._root(factor, exponent * power)
            elif power % 2 == 0 and self.tower.is_real(factor):
                part = self._root_of_square(factor, exponent * power)
            else:
                rest = self.tower.product(rest, self.tower.power(Ratio.of(factor), power))
                continue
            result = self.tower.product(result, part)
        if rest == self.one:
            return result
        return self.tower.product(result, self._opaque_root(rest, exponent))

    def factors(self, value: Ratio) -> list[tuple[Poly, int]]:
        """Primes, −1, and irreducible polynomials, the negative ones with their sign turned."""
        powers: dict[str, tuple[Poly, int]] = {}
        sign = 1
        for side, direction in ((value.above, 1), (value.below, -1)):
            content, factors = side.factor()
            if content < 0:
                content, sign = -content, -sign
            for number, turn in ((int(content.p), direction), (int(content.q), -direction)):
                for prime, power in _number_factors(number):
                    _count(powers, self.tower.constant(prime), turn * power)
            for poly, power in factors:
                factor, count = poly, int(power)
                if self.sign(factor) == -1:
                    factor = -factor
                    sign = -sign if count % 2 else sign
                _count(powers, factor, direction * count)
        found = [(poly, power) for poly, power in powers.values() if power]
        return [(self.tower.constant(-1), 1), *found] if sign < 0 else found

    def _root(self, factor: Poly, exponent: sp.Rational) -> Ratio:
        """A rational power of a factor that is not negative."""
        alone = self.tower.alone(factor)
        if alone is not None and alone.log is not None:
            scaled = Ratio.of(alone.log.above * flint.fmpq(exponent.p, exponent.q), alone.log.below)
            return self.exponential(scaled)
        key = f"root {key_of(factor)}"
        denominator = self.denominator(key, exponent)
        if denominator == 1:
            return self.tower.power(Ratio.of(factor), int(exponent))
        found = self.tower.find(key)
        if found is None:
            expr = self.tower.to_sympy(factor) ** sp.Rational(1, denominator)
            found = self.tower.add(key, expr, nonnegative=True, degree=denominator, power=factor)
        return self.tower.power(Ratio.of(found), int(exponent * denominator))

    def _root_of_square(self, factor: Poly, exponent: sp.Rational) -> Ratio:
        """A power of the absolute value of a real factor."""
        return self._root(self.absolute(factor).above, exponent)

    def _opaque_root(self, rest: Ratio, exponent: sp.Rational) -> Ratio:
        """A principal root of what may be negative or complex."""
        if rest == self.constant(-1) and exponent.q == 2:
            return self.tower.power(self.i, exponent.p)
        key = f"branch {key_of(rest.above)} / {key_of(rest.below)}"
        degree = self.denominator(key, exponent)
        found = self.tower.find(key)
        if found is None:
            # g = rest^(1/degree), and the generator is g times the denominator of rest.
            power = self.tower.reduce(rest.above * rest.below ** (degree - 1))
            expr = self.tower.ratio_to_sympy(rest) ** sp.Rational(1, degree)
            expr *= self.tower.to_sympy(rest.below)
            found = self.tower.add(key, expr, degree=degree, power=power)
        return self.tower.power(self.tower.ratio(found, rest.below), int(exponent * degree))

    def denominator(self, key: str, exponent: sp.Rational) -> int:
        """The denominator with which a root is taken, large enough for an exponent.

        Raises:
            Restart: it was taken with a smaller one.
        """
        known = self.denominators.get(key, 1)
        needed = lcm(known, int(exponent.q))
        if needed != known:
            self.denominators[key] = needed
            if self.tower.find(key) is not None:
                raise Restart
        return needed

    def sign(self, poly: Poly) -> int | None:
        """1 if a polynomial is ≥ 0 on the domain, −1 if ≤ 0, None if neither is seen."""
        key = key_of(poly)
        names = ",".join(str(g.expr) for g in self.tower.used(poly))
        known = self.tower.signs.get(f"{key} {names}", 0)
        if known == 0:
            known = self.tower.signs[f"{key} {names}"] = self._sign(poly)
        return known

    def _sign(self, poly: Poly) -> int | None:
        sign = self.tower.plain_sign(poly)
        if sign is not None:
            return sign
        used = self.tower.used(poly)
        if not all(generator.real for generator in used):
            return None
        if all(generator.expr.is_Symbol for generator in used):
            sign = sign_on(self.tower.to_sympy(poly), self.domain)
        elif not any(generator.expr.free_symbols for generator in used):
            sign = number_sign(self.tower.to_sympy(poly))
        return self._sign_by_facts(poly) if sign is None else sign

    def _sign_by_facts(self, poly: Poly) -> int | None:
        if self._facts is None:
            self._facts = []
            self._facts = list(self._read_facts())
        for fact, sign in self._facts:
            if poly in (fact, -fact):
                return sign if poly == fact else -sign
        return None

    def _read_facts(self) -> Any:
        """Signs that the conditions give to irreducible polynomials."""
        for condition in self.domain.conditions:
            if not isinstance(condition, (sp.Lt, sp.Le, sp.Gt, sp.Ge)):
                continue
            try:
                difference = self.of(self.domain.substituted(condition.gts - condition.lts))
                factors = self.factors(difference)
            except (NotNormal, TooLarge, ZeroDivisionError):
                continue
            unknown, sign = [], 1
            for factor, power in factors:
                known = self.sign(factor)
                if known is None and power % 2:
                    unknown.append(factor)
                elif known is not None and power % 2:
                    sign *= known
            if len(unknown) == 1:
                yield unknown[0], sign

    def is_nonnegative(self, value: Ratio) -> bool:
        """Whether a quotient is proved to be ≥ 0 on the domain."""
        if value.above.is_zero():
            return True
        sign = 1
        for factor, power in self.factors(value):
            known = self.sign(factor)
            if known is None and not (power % 2 == 0 and self.tower.is_real(factor)):
                return False
            sign *= known if known is not None and power % 2 else 1
        return sign == 1

    def absolute(self, factor: Poly) -> Ratio:
        """The absolute value of an irreducible polynomial."""
        sign = self.sign(factor)
        if sign is not None:
            return Ratio.of(factor * sign)
        key = f"abs {key_of(factor)}"
        found = self.tower.find(key)
        if found is None:
            expr = sp.Abs(self.tower.to_sympy(factor))
            if not self.tower.is_real(factor):
                found = self.tower.add(key, expr, nonnegative=True)
            else:
                square = self.tower.reduce(factor * factor)
                found = self.tower.add(key, expr, nonnegative=True, degree=2, power=square)
        return Ratio.of(found)


def _count(powers: dict[str, tuple[Poly, int]], poly: Poly, power: int) -> None:
    key = key_of(poly)
    known = powers.get(key, (poly, 0))
    powers[key] = (poly, known[1] + power)


def _number_factors(number: int) -> list[tuple[int, int]]:
    """Primes and their powers; a number too large to factor counts as one."""
    if number == 1:
        return []
    if number > _LARGEST_FACTORED:
        return [(number, 1)]
    return [(int(prime), int(power)) for prime, power in flint.fmpz(number).factor()]
