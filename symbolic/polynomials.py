"""Polynomials in the symbols and constants of some expressions, over python-flint.

>>> from freejac.symbolic.symbols import c, q
>>> ring = Ring([q, c])
>>> one_minus_c2 = 1 - ring.atoms[c] ** 2
>>> ring.sign(one_minus_c2), ring.factors(one_minus_c2)
(1, [-1, c - 1, c + 1])
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import flint
import sympy as sp

from freejac.symbolic.signs import assumed, known_sign
from freejac.symbolic.symbols import c as correlation

__all__ = ["Poly", "Ratio", "Ring", "square_free"]

Poly: TypeAlias = Any
"""flint.fmpq_mpoly"""

_LARGEST_FACTORED = 10**30


class Ring:
    """Polynomials over the rational numbers, with what the assumptions say about their signs.

    Args:
        exprs: their symbols, constants and functions become generators.
        whole: expressions that become generators themselves if they hold roots.
    """

    def __init__(self, exprs: Iterable[sp.Expr], whole: Iterable[sp.Expr] = ()) -> None:
        """Collect the generators."""
        found: set[sp.Expr] = set()
        for expr in exprs:
            _collect_generators(expr, found)
        for expr in whole:
            if any(_is_irrational_power(part) for part in sp.preorder_traversal(expr)):
                found.add(expr)
            else:
                _collect_generators(expr, found)
        self.generators = tuple(sorted(found, key=sp.default_sort_key))
        names = [f"g{i}" for i in range(len(self.generators))] or ["g0"]
        self._context = flint.fmpq_mpoly_ctx.get(names, "lex")
        self.atoms = dict(zip(self.generators, self._context.gens(), strict=False))
        self.one_poly = self._context.constant(1)

    def constant(self, value: int | sp.Rational) -> Poly:
        """A rational number as a polynomial."""
        exact = sp.Rational(value)
        return self._context.constant(flint.fmpq(int(exact.p), int(exact.q)))

    def sign(self, poly: Poly) -> int | None:
        """Sign of a polynomial that the assumptions prove: for q > 0, |c| < 1, real parameters."""
        sign = self._plain_sign(poly) or self._correlated_sign(poly)
        facts = assumed()
        return known_sign(self.to_sympy(poly), facts) if sign is None and facts else sign

    def _plain_sign(self, poly: Poly, positive: int = -1) -> int | None:
        """All terms of one sign; `positive` is one more generator taken to be positive."""
        signs = set()
        for powers, coefficient in poly.to_dict().items():
            for i, (generator, power) in enumerate(zip(self.generators, powers, strict=False)):
                if power % 2 and i != positive and not generator.is_positive:
                    return None
            signs.add(1 if coefficient > 0 else -1)
        return signs.pop() if len(signs) == 1 else None

    def _correlated_sign(self, poly: Poly) -> int | None:
        """The same after c = (1 − t)/(1 + t), which maps t > 0 onto |c| < 1."""
        if correlation not in self.atoms:
            return None
        index = self.generators.index(correlation)
        t = self.atoms[correlation]
        degree = poly.degrees()[index]
        moved = self._context.constant(0)
        for powers, coefficient in poly.to_dict().items():
            k = powers[index]
            rest = tuple(0 if i == index else n for i, n in enumerate(powers))
            term = self._context.from_dict({rest: coefficient})
            moved += term * (1 - t) ** k * (1 + t) ** (degree - k)
        return self._plain_sign(moved, index)

    def has_symbols(self, poly: Poly) -> bool:
        """Tell whether it is more than a number."""
        degrees = zip(self.generators, poly.degrees(), strict=False)
        return any(degree and generator.free_symbols for generator, degree in degrees)

    def to_sympy(self, poly: Poly) -> sp.Expr:
        """A polynomial, expanded."""
        return sp.Add(
            *(
                sp.Mul(
                    sp.Rational(int(coefficient.p), int(coefficient.q)),
                    *(g**n for g, n in zip(self.generators, powers, strict=False) if n),
                )
                for powers, coefficient in poly.to_dict().items()
            )
        )

    def factors(self, poly: Poly) -> list[sp.Expr]:
        """The irreducible factors of a polynomial, its content first."""
        content, factors = poly.factor()
        powers = [self.to_sympy(factor) ** int(power) for factor, power in factors]
        return [sp.Rational(int(content.p), int(content.q)), *powers]


def _collect_generators(expr: sp.Expr, found: set[sp.Expr]) -> None:
    """Symbols, constants and functions of them; a root also whole, in case it is nested."""
    if expr.is_Rational or expr is sp.I:
        return
    if expr.is_Add or expr.is_Mul:
        for part in expr.args:
            _collect_generators(part, found)
        return
    base, exponent = expr.as_base_exp()
    simple = exponent.is_Rational and exponent.q <= 2 and base is not sp.E
    if expr.is_Pow and simple:
        nested = any(_is_irrational_power(part) for part in sp.preorder_traversal(base))
        if nested or not (exponent.is_Integer or base.is_positive):
            found.add(base if exponent.is_Integer else sp.sqrt(base))
        else:
            _collect_generators(base, found)
        return
    found.add(expr)


def _is_irrational_power(expr: sp.Expr) -> bool:
    return bool(expr.is_Pow and not expr.exp.is_Integer)


@dataclass(frozen=True)
class Ratio:
    """A quotient of polynomials without common factor, the denominator integral and primitive."""

    above: Poly
    below: Poly

    @classmethod
    def of(cls, above: Poly, below: Poly | None = None) -> Ratio:
        """Cancel the common factor."""
        one = above.context().constant(1)
        if below is None or below == one:
            return cls(above, one)
        common = above.gcd(below)
        above, below = above // common, below // common
        unit = _content(below)
        return cls(above / unit, below / unit)

    def __add__(self, other: Ratio) -> Ratio:
        if self.below == other.below:
            return Ratio.of(self.above + other.above, self.below)
        return Ratio.of(
            self.above * other.below + other.above * self.below, self.below * other.below
        )

    def __mul__(self, other: Ratio) -> Ratio:
        return Ratio.of(self.above * other.above, self.below * other.below)


def _content(poly: Poly) -> flint.fmpq:
    """The rational number that leaves coprime integers, the leading one positive."""
    coefficients = poly.coeffs()
    above, below = flint.fmpz(0), flint.fmpz(1)
    for coefficient in coefficients:
        above, below = above.gcd(coefficient.p), below.lcm(coefficient.q)
    return flint.fmpq(above if coefficients[0] > 0 else -above, below)


def square_free(ring: Ring, poly: Poly) -> tuple[Poly, Poly]:
    """(g, s) with poly = g² s; s is square-free but for squares of factors of unknown sign."""
    content, factors = poly.factor_squarefree()
    outside, radicand = _square_free_number(ring, content)
    for factor, power in factors:
        sign = ring.sign(factor)
        if sign is None:
            # A root is positive, and so must be what leaves it.
            radicand *= factor ** int(power)
            continue
        outside *= (factor * sign) ** (int(power) // 2)
        radicand *= factor ** (int(power) % 2)
    return outside, radicand


def _square_free_number(ring: Ring, number: flint.fmpq) -> tuple[Poly, Poly]:
    """(g, s) with number = g² s, s an integer, square-free if it could be factored."""
    whole = int(number.p) * int(number.q)
    sign, size = (1, whole) if whole > 0 else (-1, -whole)
    outside, inside = 1, 1
    if size <= _LARGEST_FACTORED:
        for prime, power in flint.fmpz(size).factor():
            outside *= int(prime) ** (int(power) // 2)
            inside *= int(prime) ** (int(power) % 2)
    else:
        root = int(flint.fmpz(size).isqrt())
        outside, inside = (root, 1) if root * root == size else (1, size)
    one = ring.one_poly
    return one * flint.fmpq(outside, int(number.q)), one * (sign * inside)
