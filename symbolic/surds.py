"""Exact coefficients: rational functions of the parameters, and square roots of them.

The closed forms of Gaussian expectations have coefficients such as q²/(π(1 + q)√(1 + 2q)). A
`Surd` keeps them in normal form, a sum of (rational function) × √(square-free polynomial), over
python-flint's polynomials: equal values written differently compare equal, 0 is recognised, and
nothing is nested. The imaginary unit is the root of −1, so that complex numbers are surds too.

>>> from freejac.symbolic.symbols import q
>>> field = Field([q, sp.sqrt(8)])
>>> root = (1 + field.number(2 * q)).sqrt()
>>> (field.number(sp.sqrt(8)) / root).expr(), (root * root).expr()
(2*sqrt(2)/sqrt(2*q + 1), 2*q + 1)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import flint
import sympy as sp

from freejac.symbolic.errors import Undecided
from freejac.symbolic.symbols import c as correlation

__all__ = ["Field", "Surd"]

Poly: TypeAlias = Any
"""flint.fmpq_mpoly"""
Number: TypeAlias = "Surd | int"

_LARGEST_FACTORED = 10**30


class Field:
    """The rational functions in the symbols and constants of some expressions, and their roots.

    Args:
        exprs: every expression that `number` will be asked for is built from what occurs here.
        whole: expressions that `whole` will be asked for.
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
        self._atoms = dict(zip(self.generators, self._context.gens(), strict=False))
        self.one_poly = self._context.constant(1)
        self.square_free: dict[str, tuple[Poly, Poly]] = {}
        self.zero = Surd(self, {})
        self.one = self.rational(1)
        self.i = Surd(self, {(True, "1"): _Root(True, self.one_poly, _Ratio.of(self.one_poly))})

    def rational(self, value: int | sp.Rational) -> Surd:
        """A rational number."""
        exact = sp.Rational(value)
        return self._poly(self._context.constant(flint.fmpq(int(exact.p), int(exact.q))))

    def number(self, expr: sp.Expr | int) -> Surd:
        """Bring an expression without x to normal form."""
        expr = sp.sympify(expr, strict=True)
        if expr in self._atoms:
            return self._poly(self._atoms[expr])
        if expr.is_Rational:
            return self.rational(expr)
        if expr is sp.I:
            return self.i
        if expr.is_Add:
            total = self.zero
            for part in expr.args:
                total = total + self.number(part)
            return total
        if expr.is_Mul:
            product = self.one
            for part in expr.args:
                product = product * self.number(part)
            return product
        return self._power(expr)

    def whole(self, expr: sp.Expr) -> Surd:
        """The same free of roots: an expression with roots counts as a constant of its own."""
        return self._poly(self._atoms[expr]) if expr in self._atoms else self.number(expr)

    def _power(self, expr: sp.Expr) -> Surd:
        base, exponent = expr.as_base_exp()
        if exponent.is_Integer:
            return self.number(base) ** int(exponent)
        root = sp.sqrt(base)
        if root in self._atoms:
            return self._poly(self._atoms[root]) ** int(2 * exponent)
        return self.number(base).sqrt() ** int(2 * exponent)

    def _poly(self, poly: Poly) -> Surd:
        if poly.is_zero():
            return self.zero
        return Surd(self, {(False, "1"): _Root(False, self.one_poly, _Ratio.of(poly))})

    def sign(self, poly: Poly) -> int | None:
        """Sign of a polynomial that the assumptions prove: for q > 0, |c| < 1, real parameters."""
        return self._plain_sign(poly) or self._correlated_sign(poly)

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
        if correlation not in self._atoms:
            return None
        index = self.generators.index(correlation)
        t = self._atoms[correlation]
        degree = poly.degrees()[index]
        moved = self._context.constant(0)
        for powers, coefficient in poly.to_dict().items():
            k = powers[index]
            rest = tuple(0 if i == index else n for i, n in enumerate(powers))
            term = self._context.from_dict({rest: coefficient})
            moved += term * (1 - t) ** k * (1 + t) ** (degree - k)
        return self._plain_sign(moved, index)

    def to_sympy(self, poly: Poly) -> sp.Expr:
        """A polynomial, expanded."""
        return sp.Add(
            *(
                sp.Rational(int(coefficient.p), int(coefficient.q))
                * sp.Mul(*(g**n for g, n in zip(self.generators, powers, strict=False) if n))
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
class _Ratio:
    """A quotient of polynomials without common factor, the denominator integral and primitive."""

    above: Poly
    below: Poly

    @classmethod
    def of(cls, above: Poly, below: Poly | None = None) -> _Ratio:
        one = above.context().constant(1)
        if below is None or below == one:
            return cls(above, one)
        common = above.gcd(below)
        above, below = above // common, below // common
        unit = _content(below)
        return cls(above / unit, below / unit)

    def __add__(self, other: _Ratio) -> _Ratio:
        if self.below == other.below:
            return _Ratio.of(self.above + other.above, self.below)
        return _Ratio.of(
            self.above * other.below + other.above * self.below, self.below * other.below
        )

    def __mul__(self, other: _Ratio) -> _Ratio:
        return _Ratio.of(self.above * other.above, self.below * other.below)


def _content(poly: Poly) -> flint.fmpq:
    """The rational number that leaves coprime integers, the leading one positive."""
    coefficients = poly.coeffs()
    above, below = flint.fmpz(0), flint.fmpz(1)
    for coefficient in coefficients:
        above, below = above.gcd(coefficient.p), below.lcm(coefficient.q)
    return flint.fmpq(above if coefficients[0] > 0 else -above, below)


@dataclass(frozen=True)
class _Root:
    """coefficient · √(±radicand), the radicand positive and, as far as proved, square-free."""

    imaginary: bool
    radicand: Poly
    coefficient: _Ratio

    @property
    def key(self) -> tuple[bool, str]:
        return self.imaginary, str(self.radicand)

    def scaled(self, ratio: _Ratio) -> _Root:
        return _Root(self.imaginary, self.radicand, self.coefficient * ratio)


class Surd:
    """A sum of rational functions times square roots; see the module.

    Arithmetic is exact. Division needs a divisor of one term, and so does `sqrt`, which must be
    free of roots besides: that is all that completing a square asks for.
    """

    def __init__(self, field: Field, terms: Mapping[tuple[bool, str], _Root]) -> None:
        """Keep terms that are not zero, by their radicands."""
        self.field = field
        self.terms = terms

    @cached_property
    def key(self) -> tuple[tuple[tuple[bool, str], str, str], ...]:
        """Equal for equal values; sortable."""
        return tuple(
            (key, str(root.coefficient.above), str(root.coefficient.below))
            for key, root in sorted(self.terms.items())
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Surd) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __bool__(self) -> bool:
        """Tell whether it differs from zero."""
        return bool(self.terms)

    def __repr__(self) -> str:
        return str(self.expr())

    def _lift(self, other: Number) -> Surd:
        return other if isinstance(other, Surd) else self.field.rational(other)

    def __add__(self, other: Number) -> Surd:
        other = self._lift(other)
        if not self.terms or not other.terms:
            return other if other.terms else self
        terms = dict(self.terms)
        for key, root in other.terms.items():
            if key not in terms:
                terms[key] = root
                continue
            total = terms[key].coefficient + root.coefficient
            if total.above.is_zero():
                del terms[key]
            else:
                terms[key] = _Root(root.imaginary, root.radicand, total)
        return Surd(self.field, terms)

    __radd__ = __add__

    def __neg__(self) -> Surd:
        return self * -1

    def __sub__(self, other: Number) -> Surd:
        return self + self._lift(other) * -1

    def __rsub__(self, other: int) -> Surd:
        return self * -1 + other

    def __mul__(self, other: Number) -> Surd:
        other = self._lift(other)
        total = self.field.zero
        for first in self.terms.values():
            for second in other.terms.values():
                product = _times(self.field, first, second)
                total = total + Surd(self.field, {product.key: product})
        return total

    __rmul__ = __mul__

    def __truediv__(self, other: Number) -> Surd:
        return self * self._lift(other) ** -1

    def __pow__(self, exponent: int) -> Surd:
        if exponent < 0:
            return self._inverse() ** -exponent
        power, square = self.field.one, self
        while exponent:
            if exponent & 1:
                power = power * square
            exponent >>= 1
            if exponent:
                square = square * square
        return power

    def _inverse(self) -> Surd:
        """1/(r√s) = √s/(r s); for √(−s) with the sign."""
        (root,) = self.terms.values()
        sign = -1 if root.imaginary else 1
        ratio = _Ratio.of(root.coefficient.below * sign, root.coefficient.above * root.radicand)
        inverted = _Root(root.imaginary, root.radicand, ratio)
        return Surd(self.field, {inverted.key: inverted})

    def sqrt(self) -> Surd:
        """The positive root of a positive rational function; i times a root for a negative one.

        Raises:
            Undecided: the sign of a factor in front of the root depends on undeclared parameters.
        """
        if not self.terms:
            return self
        (root,) = self.terms.values()
        above, below = root.coefficient.above, root.coefficient.below
        if self.field.sign(above * below) == -1:
            return self.field.i * (-self).sqrt()
        outside, radicand = _square_free(self.field, above * below)
        ratio = _Ratio.of(outside, below)
        sign = self.field.sign(ratio.above * ratio.below)
        if sign is None:
            raise Undecided(sp.Mul(*self.field.factors(ratio.above * ratio.below)))
        result = _Root(False, radicand, _Ratio(ratio.above * sign, ratio.below))
        return Surd(self.field, {result.key: result})

    @property
    def real(self) -> Surd:
        """Real part."""
        return Surd(self.field, {k: r for k, r in self.terms.items() if not k[0]})

    @property
    def imaginary(self) -> Surd:
        """Imaginary part, a real surd."""
        roots = [
            _Root(False, r.radicand, r.coefficient) for r in self.terms.values() if r.imaginary
        ]
        return Surd(self.field, {r.key: r for r in roots})

    def conjugate(self) -> Surd:
        """Complex conjugate."""
        return self.real - self.field.i * self.imaginary

    def sign(self) -> int | None:
        """Sign where the assumptions prove it: 0, ±1, or None."""
        signs = {
            self.field.sign(r.coefficient.above * r.coefficient.below) for r in self.terms.values()
        }
        if len(signs) > 1:
            return None
        return signs.pop() if signs else 0

    def leading_sign(self) -> int:
        """Sign of the leading coefficient: a convention, opposite for the opposite value."""
        if not self.terms:
            return 0
        ratio = min(self.terms.items())[1].coefficient
        return 1 if ratio.above.leading_coefficient() > 0 else -1

    def expr(self, factor: sp.Expr = sp.S.One) -> sp.Expr:
        """As a SymPy expression, times a factor: every term a product of factors and roots."""
        # One product: SymPy would distribute a lone number over a sum.
        return sp.Add(
            *(
                sp.Mul(
                    *self.field.factors(root.coefficient.above),
                    *_radical_factors(self.field, root),
                    factor,
                )
                for _, root in sorted(self.terms.items())
            )
        )

    def expanded(self) -> sp.Expr:
        """As a SymPy expression, numerators expanded: how exponents are written."""
        return sp.Add(
            *(
                sp.Mul(part, *_radical_factors(self.field, root))
                for _, root in sorted(self.terms.items())
                for part in sp.Add.make_args(self.field.to_sympy(root.coefficient.above))
            )
        )


def _times(field: Field, first: _Root, second: _Root) -> _Root:
    """√s·√t = g√(st/g²) for the common factor g of s and t, if its sign is known."""
    ratio = first.coefficient * second.coefficient
    if first.imaginary and second.imaginary:
        ratio = _Ratio(ratio.above * -1, ratio.below)
    imaginary = first.imaginary != second.imaginary
    one = field.one_poly
    if one in (first.radicand, second.radicand):
        return _Root(imaginary, first.radicand * second.radicand, ratio)
    if first.radicand == second.radicand:
        return _Root(imaginary, one, ratio * _Ratio.of(first.radicand))
    product = first.radicand * second.radicand
    known = field.square_free.get(str(product))
    if known is None:
        known = field.square_free[str(product)] = _square_free(field, product)
    outside, radicand = known
    return _Root(imaginary, radicand, ratio * _Ratio.of(outside))


def _square_free(field: Field, poly: Poly) -> tuple[Poly, Poly]:
    """(g, s) with poly = g² s; s is square-free but for squares of factors of unknown sign."""
    content, factors = poly.factor_squarefree()
    outside, radicand = _square_free_number(field, content)
    for factor, power in factors:
        sign = field.sign(factor)
        if sign is None:
            # A root is positive, and so must be what leaves it.
            radicand *= factor ** int(power)
            continue
        outside *= (factor * sign) ** (int(power) // 2)
        radicand *= factor ** (int(power) % 2)
    return outside, radicand


def _square_free_number(field: Field, number: flint.fmpq) -> tuple[Poly, Poly]:
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
    one = field.one_poly
    return one * flint.fmpq(outside, int(number.q)), one * (sign * inside)


def _radical_factors(field: Field, root: _Root) -> list[sp.Expr]:
    """√radicand / denominator, with roots under the fraction bar where they cancel against it."""
    below = root.coefficient.below
    content, factors = root.radicand.factor()
    radical = sp.sqrt(sp.Rational(abs(int(content.p)), int(content.q)))
    if root.imaginary:
        radical *= sp.I
    signs = [field.sign(factor) for factor, _ in factors]
    over, under = field.one_poly, field.one_poly
    if None in signs:
        over = root.radicand / abs(content)
    else:
        for (factor, _), sign in zip(factors, signs, strict=True):
            if divmod(below, factor)[1].is_zero():
                under *= factor * sign
            else:
                over *= factor * sign
    return [
        radical * _sqrt_expr(field, over) / _sqrt_expr(field, under),
        *(1 / factor for factor in field.factors(below // under)),
    ]


def _sqrt_expr(field: Field, poly: Poly) -> sp.Expr:
    """The root of a polynomial, its monomial factors apart."""
    monomial = poly.term_content()
    return sp.sqrt(field.to_sympy(monomial)) * sp.sqrt(field.to_sympy(poly // monomial))
