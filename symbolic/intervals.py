"""Where a smooth function vanishes on an interval, and its sign between the zeros.

A function is brought to a product of constants and of (x − root): polynomials by their roots,
monotone functions by their inverses. Decisions are taken from exact values, declared assumptions
and the case at hand only; what cannot be decided is refused, never guessed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import sympy as sp

from freejac.symbolic.errors import DomainError, Undecided
from freejac.symbolic.functions import Phi, sigmoid, softplus
from freejac.symbolic.roots import MOST_DEGREE, degree_bound, polynomial_roots
from freejac.symbolic.signs import Chain, assumed, is_zero, sign_of
from freejac.symbolic.symbols import x

__all__ = ["compare", "is_zero", "precedes", "sign_between", "signed_parts", "zeros"]

_MOST_FRACTIONS = 12
_MOST_DEGREE_BELOW = 64
_MOST_NESTED = 12


def compare(a: sp.Expr, b: sp.Expr) -> int:
    """Order of two interval ends: −1 for a < b, 0 for a = b, 1 for a > b.

    Raises:
        Undecided: the assumptions on the parameters leave the order open.

    >>> compare(sp.sqrt(2), sp.Rational(3, 2)), compare(sp.Integer(0), sp.oo)
    (-1, -1)
    """
    if a == b:
        return 0
    if a == -sp.oo or b == sp.oo:
        return -1
    if a == sp.oo or b == -sp.oo:
        return 1
    try:
        return sign_of(a - b)
    except Undecided as open_question:
        raise Undecided(
            open_question.expr,
            f"cannot decide whether {a} < {b}; declare the parameters positive or give numbers",
            order=True,
        ) from None


def precedes(a: sp.Expr, b: sp.Expr) -> bool:
    """Decide a < b for interval ends.

    Raises:
        Undecided: the assumptions on the parameters leave the order open.

    >>> precedes(sp.Integer(0), sp.oo)
    True
    """
    return compare(a, b) < 0


def sign_between(expr: sp.Expr, lower: sp.Expr, upper: sp.Expr) -> int:
    """Sign of a smooth function on an open interval that holds none of its zeros.

    Raises:
        Undecided: the sign depends on parameters whose assumptions leave it open.
        DomainError: the zeros cannot be located exactly.
    """
    return signed_parts(expr, *map(sp.sympify, (lower, upper)))[0][2]


def zeros(expr: sp.Expr, lower: sp.Expr = -sp.oo, upper: sp.Expr = sp.oo) -> list[sp.Expr]:
    """Zeros and poles of a function inside an open interval, ascending.

    Raises:
        DomainError: the zeros cannot be located exactly.

    >>> zeros(sp.exp(x) - 1)
    [0]
    >>> zeros(x**2 - 2, sp.Integer(0), sp.oo)
    [sqrt(2)]
    """
    inside, _ = _located(_in_case(expr, assumed()), lower, upper)
    return [root for root, _ in inside]


def signed_parts(
    expr: sp.Expr, lower: sp.Expr, upper: sp.Expr
) -> list[tuple[sp.Expr, sp.Expr, int]]:
    """Split an interval at the zeros of a smooth function, with its sign on each part.

    Raises:
        Undecided: an order or a sign depends on parameters whose assumptions leave it open.
        DomainError: the zeros cannot be located exactly.

    >>> signed_parts(x**2 - 1, sp.Integer(0), sp.oo)
    [(0, 1, -1), (1, oo, 1)]
    """
    product = _in_case(expr, assumed())
    inside, above = _located(product, lower, upper)
    sign = (-1) ** (above + sum(times for _, times in inside))
    for constant in product.constants:
        sign *= _sign_asked(constant, expr, lower, upper)
    parts, start = [], lower
    for root, times in inside:
        parts.append((start, root, sign))
        start, sign = root, sign * (-1) ** times
    return [*parts, (start, upper, sign)]


def _sign_asked(constant: sp.Expr, expr: sp.Expr, lower: sp.Expr, upper: sp.Expr) -> int:
    try:
        return sign_of(constant)
    except Undecided as open_question:
        raise Undecided(
            open_question.expr,
            f"cannot decide the sign of {expr} for x in ({lower}, {upper}); declare its "
            "parameters positive or give numbers",
        ) from None


@dataclass(frozen=True)
class _Product:
    """A function with the sign of Π constants · Π (x − root)^times, and its zeros and poles."""

    constants: tuple[sp.Expr, ...] = ()
    roots: tuple[tuple[sp.Expr, int], ...] = ()

    def __mul__(self, other: _Product) -> _Product:
        return _Product(self.constants + other.constants, self.roots + other.roots)

    def __pow__(self, exponent: int) -> _Product:
        return _Product(
            self.constants * exponent, tuple((root, times * exponent) for root, times in self.roots)
        )


_POSITIVE = _Product()
_NEGATIVE = _Product((sp.S.NegativeOne,))
_Root: TypeAlias = tuple[sp.Expr, int]


def _located(product: _Product, lower: sp.Expr, upper: sp.Expr) -> tuple[list[_Root], int]:
    """Roots inside an interval, ascending, with multiplicities; and how many lie above it."""
    inside: list[_Root] = []
    above = 0
    for root, times in product.roots:
        if not precedes(lower, root):
            continue
        if not precedes(root, upper):
            above += times
            continue
        place = _place(inside, root)
        if place < len(inside) and is_zero(inside[place][0] - root):
            inside[place] = (inside[place][0], inside[place][1] + times)
        else:
            inside.insert(place, (root, times))
    return inside, above


def _place(inside: list[_Root], root: sp.Expr) -> int:
    """How many roots precede another."""
    low, high = 0, len(inside)
    while low < high:
        middle = (low + high) // 2
        if precedes(inside[middle][0], root):
            low = middle + 1
        else:
            high = middle
    return low


@lru_cache(maxsize=2048)
def _in_case(expr: sp.Expr, _facts: Chain) -> _Product:
    """The product of a function; signs are asked for on the way, so the facts are in the key."""
    return _product(sp.sympify(expr, strict=True))


def _product(expr: sp.Expr) -> _Product:
    """Bring a smooth function of x to a product."""
    result = _POSITIVE
    # A quotient changes sign where its denominator does, too.
    for part in _quotient(expr):
        for factor in sp.Mul.make_args(sp.factor_terms(part)):
            result = result * _one_factor(factor)
    return result


def _quotient(expr: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """Numerator and denominator of a sum of fractions."""
    if not expr.is_Add:
        return sp.fraction(expr)
    powers = {
        power
        for power in expr.atoms(sp.Pow, sp.exp)
        if power.has(x) and (power.exp.is_negative or power.exp.could_extract_minus_sign())
    }
    if not powers:
        return expr, sp.S.One
    if _is_rational(expr) and sum(degree_bound(power, x) for power in powers) <= _MOST_DEGREE_BELOW:
        rational = sp.field([x], sp.QQ)[0].from_expr(expr)
        return rational.numer.as_expr(), rational.denom.as_expr()
    if len(powers) > _MOST_FRACTIONS:
        raise _not_located(expr)
    return sp.fraction(sp.together(expr))


def _is_rational(expr: sp.Expr) -> bool:
    """Whether an expression is a rational function of x over the rational numbers."""
    if expr.is_Pow:
        return bool(expr.exp.is_Integer) and _is_rational(expr.base)
    if expr.is_Add or expr.is_Mul:
        return all(_is_rational(part) for part in expr.args)
    return expr == x or bool(expr.is_Rational)


def _one_factor(expr: sp.Expr) -> _Product:
    if not expr.has(x):
        return _Product((expr,))
    if isinstance(expr, sp.Pow) and not expr.exp.has(x):
        return _power(expr)
    degree = degree_bound(expr, x) if expr.is_polynomial(x) else 0
    if 1 <= degree <= 2 or (1 <= degree <= MOST_DEGREE and expr.free_symbols == {x}):
        return _polynomial(sp.Poly(expr, x))
    if expr.is_positive:
        return _POSITIVE
    if expr.is_negative:
        return _NEGATIVE
    if degree > MOST_DEGREE:
        raise _not_located(expr)
    return _polynomial(sp.Poly(expr, x)) if degree else _composed(expr)


def _power(expr: sp.Pow) -> _Product:
    base = _product(expr.base)
    if expr.exp.is_odd:
        return base
    if expr.exp.is_even or expr.exp.is_integer is False:  # a root of what is not negative
        return base**2
    raise _not_located(expr)


def _polynomial(poly: sp.Poly) -> _Product:
    """Roots in closed form: rational coefficients, or factors of degree 2, or two terms."""
    if all(coefficient.is_Rational for coefficient in poly.all_coeffs()):
        try:
            return _Product((poly.LC(),), tuple(polynomial_roots(poly)))
        except DomainError as bound:
            raise DomainError(f"{_not_located(poly.as_expr())} ({bound})") from None
    constant, factors = (sp.S.One, [(poly, 1)]) if poly.degree() < 3 else poly.factor_list()
    result = _Product((constant,))
    for factor, times in factors:
        result = result * _factor_of_polynomial(factor) ** (2 - times % 2)
    return result


def _factor_of_polynomial(poly: sp.Poly) -> _Product:
    degree, leading = poly.degree(), poly.LC()
    if degree == 0:
        return _Product((leading,))
    sign_of(leading)  # without which the roots mean nothing
    if degree == 1:
        return _Product((leading,), ((_ratio(-poly.nth(0), leading), 1),))
    if degree == 2:
        return _quadratic(poly)
    if len(poly.terms()) == 2 and poly.nth(0) != 0:
        return _binomial(leading, degree, _ratio(-poly.nth(0), leading))
    raise _not_located(poly.as_expr())


def _ratio(above: sp.Expr, below: sp.Expr) -> sp.Expr:
    ratio = above / below
    return sp.cancel(ratio) if ratio.free_symbols else sp.expand(ratio)


def _quadratic(poly: sp.Poly) -> _Product:
    a, b, c = poly.all_coeffs()
    discriminant = sp.factor_terms(sp.expand(b**2 - 4 * a * c))
    sign = sign_of(discriminant)
    if sign < 0:
        return _Product((a,))
    middle, reach = _ratio(-b, 2 * a), sp.sqrt(discriminant) / (2 * a)
    if sign == 0:
        return _Product((a,), ((middle, 2),))
    return _Product((a,), ((middle - reach, 1), (middle + reach, 1)))


def _binomial(leading: sp.Expr, degree: int, power: sp.Expr) -> _Product:
    """The product of leading · (xⁿ − power)."""
    sign = sign_of(power)
    size = sp.root(power * sign, degree)
    if degree % 2:
        return _Product((leading,), ((sign * size, 1),))
    return _Product((leading,), ((-size, 1), (size, 1)) if sign > 0 else ())


@dataclass(frozen=True)
class _Monotone:
    """A monotone function with open range (low, high), or one that is only bounded (no inverse)."""

    inverse: Callable[[sp.Expr], sp.Expr] | None
    low: sp.Expr
    high: sp.Expr
    rising: bool = True


_INVERSES = {
    sp.exp: _Monotone(sp.log, sp.S.Zero, sp.oo),
    sp.tanh: _Monotone(sp.atanh, sp.S.NegativeOne, sp.S.One),
    sp.sinh: _Monotone(sp.asinh, -sp.oo, sp.oo),
    sp.atan: _Monotone(sp.tan, -sp.pi / 2, sp.pi / 2),
    sp.erf: _Monotone(sp.erfinv, sp.S.NegativeOne, sp.S.One),
    sp.erfc: _Monotone(sp.erfcinv, sp.S.Zero, sp.Integer(2), rising=False),
    sp.log: _Monotone(sp.exp, -sp.oo, sp.oo),
    sigmoid: _Monotone(lambda y: sp.log(y / (1 - y)), sp.S.Zero, sp.S.One),
    softplus: _Monotone(lambda y: sp.log(sp.exp(y) - 1), sp.S.Zero, sp.oo),
    Phi: _Monotone(lambda y: sp.sqrt(2) * sp.erfinv(2 * y - 1), sp.S.Zero, sp.S.One),
    sp.sin: _Monotone(None, sp.S.NegativeOne, sp.S.One),
    sp.cos: _Monotone(None, sp.S.NegativeOne, sp.S.One),
}


def _composed(expr: sp.Expr) -> _Product:
    """A polynomial in one F(u(x)): the sign of F(u) − y is that of u − F⁻¹(y), F rising."""
    outer = {f for f in expr.atoms(sp.Function, sp.exp) if f.has(x) and f.func in _INVERSES}
    if len(outer) > _MOST_NESTED:
        raise _not_located(expr)
    for func in sorted(outer, key=sp.default_sort_key):
        y = sp.Dummy("y", real=True)
        rest = expr.subs(func, y)
        if rest.has(x) or not rest.is_polynomial(y) or degree_bound(rest, y) > MOST_DEGREE:
            continue
        levels = _polynomial(sp.Poly(rest, y))
        result = _Product(levels.constants)
        for level, times in levels.roots:
            result = result * _level(func, level, expr) ** (2 - times % 2)
        return result
    if expr.has(sp.cosh):
        return _product(expr.replace(sp.cosh, lambda u: (sp.exp(u) + sp.exp(-u)) / 2))
    raise _not_located(expr)


def _level(func: sp.Expr, level: sp.Expr, expr: sp.Expr) -> _Product:
    """F(u) − level."""
    outer = _INVERSES[func.func]
    if outer.inverse is None:
        if precedes(level, outer.low):
            return _POSITIVE
        if precedes(outer.high, level):
            return _NEGATIVE
        raise _not_located(expr)
    if not precedes(outer.low, level):
        return _POSITIVE
    if not precedes(level, outer.high):
        return _NEGATIVE
    inner = _product(func.args[0] - outer.inverse(level))
    return inner if outer.rising else inner * _NEGATIVE


def _not_located(expr: sp.Expr) -> DomainError:
    long = sp.count_ops(expr) > 40 or any(
        max(n.p.bit_length(), n.q.bit_length()) > 200 for n in expr.atoms(sp.Rational)
    )
    shown = "a long expression" if long or len(str(expr)) > 80 else str(expr)
    return DomainError(
        f"cannot locate the sign changes of {shown}; write the function with where(...) and "
        "explicit breakpoints, or give its parameters numbers"
    )
