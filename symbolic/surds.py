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
from typing import TypeAlias

import sympy as sp

from freejac.symbolic.errors import InternalError, Undecided
from freejac.symbolic.polynomials import Poly, Ratio, Ring, square_free

__all__ = ["Field", "Surd"]

Number: TypeAlias = "Surd | int"


class Field(Ring):
    """The rational functions in the symbols and constants of some expressions, and their roots.

    Args:
        exprs: every expression that `number` will be asked for is built from what occurs here.
        whole: expressions that `whole` will be asked for.
    """

    def __init__(self, exprs: Iterable[sp.Expr], whole: Iterable[sp.Expr] = ()) -> None:
        """Collect the generators."""
        super().__init__(exprs, whole)
        self.square_free: dict[str, tuple[Poly, Poly]] = {}
        self.zero = Surd(self, {})
        self.one = self.rational(1)
        self.i = Surd(self, {(True, "1"): _Root(True, self.one_poly, Ratio.of(self.one_poly))})

    def rational(self, value: int | sp.Rational) -> Surd:
        """A rational number."""
        return self._poly(self.constant(value))

    def number(self, expr: sp.Expr | int) -> Surd:
        """Bring an expression without x to normal form."""
        expr = sp.sympify(expr, strict=True)
        if expr in self.atoms:
            return self._poly(self.atoms[expr])
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
        return self._poly(self.atoms[expr]) if expr in self.atoms else self.number(expr)

    def _power(self, expr: sp.Expr) -> Surd:
        base, exponent = expr.as_base_exp()
        if base == expr or not (2 * exponent).is_Integer:
            raise InternalError(f"{expr} is not among the symbols and constants of the field")
        if exponent.is_Integer:
            return self.number(base) ** int(exponent)
        root = sp.sqrt(base)
        if root in self.atoms:
            return self._poly(self.atoms[root]) ** int(2 * exponent)
        return self.number(base).sqrt() ** int(2 * exponent)

    def _poly(self, poly: Poly) -> Surd:
        if poly.is_zero():
            return self.zero
        return Surd(self, {(False, "1"): _Root(False, self.one_poly, Ratio.of(poly))})


@dataclass(frozen=True)
class _Root:
    """coefficient · √(±radicand), the radicand positive and, as far as proved, square-free."""

    imaginary: bool
    radicand: Poly
    coefficient: Ratio

    @property
    def key(self) -> tuple[bool, str]:
        return self.imaginary, str(self.radicand)

    @property
    def degree(self) -> int:
        """Twice the total degree."""
        ratio = self.coefficient
        whole = ratio.above.total_degree() - ratio.below.total_degree()
        return int(2 * whole + self.radicand.total_degree())


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
        ratio = Ratio.of(root.coefficient.below * sign, root.coefficient.above * root.radicand)
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
        outside, radicand = square_free(self.field, above * below)
        ratio = Ratio.of(outside, below)
        sign = self.field.sign(ratio.above * ratio.below)
        if sign is None:
            raise Undecided(sp.Mul(*self.field.factors(ratio.above * ratio.below)))
        result = _Root(False, radicand, Ratio(ratio.above * sign, ratio.below))
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
        if not signs:
            return 0
        known = signs.pop() if len(signs) == 1 else None
        return known or self._sign_of_number()

    def _sign_of_number(self) -> int | None:
        """The sign of a real number, by evaluation; None for anything else."""
        polys = [
            poly
            for root in self.terms.values()
            for poly in (root.radicand, root.coefficient.above, root.coefficient.below)
        ]
        if self.imaginary or any(self.field.has_symbols(poly) for poly in polys):
            return None
        number = self.expr()
        return 1 if number.is_positive else -1 if number.is_negative else None

    def split(self, constant: sp.Expr) -> tuple[sp.Rational, Surd]:
        """Split r · constant off, the rational number r being 0 unless that stands alone."""
        plain = self.terms.get((False, "1"))
        if plain is None or constant not in self.field.atoms:
            return sp.S.Zero, self
        share, rest = divmod(
            _linear_part(plain.coefficient.above, self.field, constant), plain.coefficient.below
        )
        if not rest.is_zero() or not share.is_constant():
            return sp.S.Zero, self
        number = self.field.to_sympy(share)
        return number, self - self.field.number(number * constant)

    def leading_sign(self) -> int:
        """Sign of the coefficient that leads the term of highest degree: a convention.

        It is opposite for the opposite value.
        """
        if not self.terms:
            return 0
        _, root = min(self.terms.items(), key=lambda item: (-item[1].degree, item[0]))
        return 1 if root.coefficient.above.leading_coefficient() > 0 else -1

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


def _linear_part(poly: Poly, field: Field, generator: sp.Expr) -> Poly:
    """The coefficient of the first power of a generator."""
    index = field.generators.index(generator)
    terms = {
        tuple(n if i != index else 0 for i, n in enumerate(powers)): coefficient
        for powers, coefficient in poly.to_dict().items()
        if powers[index] == 1
    }
    return poly.context().from_dict(terms)


def _times(field: Field, first: _Root, second: _Root) -> _Root:
    """√s·√t = g√(st/g²) for the common factor g of s and t, if its sign is known."""
    ratio = first.coefficient * second.coefficient
    if first.imaginary and second.imaginary:
        ratio = Ratio(ratio.above * -1, ratio.below)
    imaginary = first.imaginary != second.imaginary
    one = field.one_poly
    if one in (first.radicand, second.radicand):
        return _Root(imaginary, first.radicand * second.radicand, ratio)
    if first.radicand == second.radicand:
        return _Root(imaginary, one, ratio * Ratio.of(first.radicand))
    product = first.radicand * second.radicand
    known = field.square_free.get(str(product))
    if known is None:
        known = field.square_free[str(product)] = square_free(field, product)
    outside, radicand = known
    return _Root(imaginary, radicand, ratio * Ratio.of(outside))


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
    rest, core, power = below // under, under // under.term_content(), 0
    while core != field.one_poly and divmod(rest, core)[1].is_zero():
        rest, power = rest // core, power + 1
    return [
        radical * _sqrt_expr(field, over) / _sqrt_expr(field, under),
        field.to_sympy(core) ** -power,
        *(1 / factor for factor in field.factors(rest)),
    ]


def _sqrt_expr(field: Field, poly: Poly) -> sp.Expr:
    """The root of a polynomial, its monomial factors apart."""
    monomial = poly.term_content()
    return sp.sqrt(field.to_sympy(monomial)) * sp.sqrt(field.to_sympy(poly // monomial))
