"""Signs of expressions without x: from exact values, declared assumptions, and the case at hand.

Nothing is guessed: what the assumptions leave open is raised as `Undecided`, and
`freejac.symbolic.cases` may then distinguish cases. Within a case, `assuming` holds what is known
as a chain of substitutions, each of a symbol by an expression in positive ones.

>>> a, b = sp.symbols("a b", real=True)
>>> gap = sp.Dummy(positive=True)
>>> with assuming(((b, a + gap),)):
...     sign_of(2 * a - 2 * b)
-1
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import TypeAlias

import sympy as sp

from freejac.symbolic.errors import DomainError, Undecided
from freejac.symbolic.roots import MOST_DEGREE, degree_bound, polynomial_roots

__all__ = [
    "Chain",
    "after",
    "assumed",
    "assuming",
    "general_point",
    "is_zero",
    "known_sign",
    "sign_of",
    "value_at",
]

Chain: TypeAlias = tuple[tuple[sp.Symbol, sp.Expr], ...]
"""Substitutions, to be made one after the other."""

_DIGITS = 15
_DECISIVE_BITS = 30
_NO_FACTS: Chain = ()
_FACTS: ContextVar[Chain] = ContextVar("facts", default=_NO_FACTS)
_PIECEWISE = (sp.Abs, sp.sign, sp.Max, sp.Min, sp.Heaviside, sp.Piecewise, sp.floor, sp.ceiling)
_ODD_MONOTONE = (sp.erf, sp.tanh, sp.sinh, sp.atan, sp.asinh, sp.atanh, sp.erfinv, sp.tan, sp.asin)


@contextmanager
def assuming(facts: Chain) -> Iterator[None]:
    """Take facts about the parameters for granted within the block."""
    token = _FACTS.set(facts)
    try:
        yield
    finally:
        _FACTS.reset(token)


def assumed() -> Chain:
    """The facts of the case at hand, which belong in the key of a cache that depends on signs."""
    return _FACTS.get()


def after(expr: sp.Expr, facts: Chain) -> sp.Expr:
    """Make the substitutions of a chain."""
    for symbol, replacement in facts:
        expr = expr.subs(symbol, replacement)
    return expr


def sign_of(expr: sp.Expr) -> int:
    """Sign of an expression without x: −1, 0 or 1.

    Raises:
        Undecided: the assumptions leave it open; the error carries the first factor whose sign is
            open.

    >>> sign_of(sp.sqrt(2) - sp.Rational(3, 2))
    -1
    """
    sign = _immediate(expr)
    if sign is not None:
        return sign
    product = 1
    for factor in _factors(expr):
        sign = known_sign(factor, _FACTS.get())
        if sign is None:
            sign = _by_roots(factor)
        product *= sign
    return product


def _immediate(expr: sp.Expr) -> int | None:
    """Sign of a number, or what SymPy's assumptions tell at once."""
    if expr.is_Rational:
        return (expr.p > 0) - (expr.p < 0)
    if not expr.free_symbols:
        return _number_sign(expr)
    return 1 if expr.is_positive else -1 if expr.is_negative else 0 if expr.is_zero else None


def _number_sign(expr: sp.Expr) -> int | None:
    if expr.is_infinite:
        return 1 if expr.is_extended_positive else -1 if expr.is_extended_negative else None
    value = expr.evalf(_DIGITS)  # works with up to a hundred digits to get these right
    if not value.is_Float and not value.is_Rational:
        return None  # complex, or not a number at all
    if not value or (value.is_Float and value._prec < _DECISIVE_BITS):
        return 0  # everything cancelled, to a hundred digits
    return 1 if value > 0 else -1


def _factors(expr: sp.Expr) -> list[sp.Expr]:
    """Factors whose signs make the sign, odd powers as their bases."""
    if any(degree_bound(expr, symbol) > MOST_DEGREE for symbol in expr.free_symbols):
        return [expr]
    factored = sp.factor(sp.together(expr))
    return [base for factor in sp.Mul.make_args(factored) for base in _bases(factor)]


def _bases(factor: sp.Expr) -> list[sp.Expr]:
    """What the sign of one factor hangs on; a base that must not vanish is listed twice."""
    if isinstance(factor, sp.Pow) and factor.exp.is_Integer:
        bases = _bases(factor.base)
        return bases if factor.exp % 2 else bases * 2
    if isinstance(factor, sp.Abs):
        return _bases(factor.args[0]) * 2
    if isinstance(factor, _ODD_MONOTONE):
        return _bases(factor.args[0])
    if isinstance(factor, sp.log):
        return _bases(sp.factor(factor.args[0] - 1))
    return [factor]


@lru_cache(maxsize=4096)
def known_sign(expr: sp.Expr, facts: Chain = _NO_FACTS) -> int | None:
    """Sign of an expression where the declared assumptions and the facts prove it, else None."""
    expr = after(expr, facts)
    sign = _immediate(expr)
    if sign is not None or not expr.free_symbols:
        return sign
    product = 1
    for factor in _factors(expr):
        sign = _immediate(factor)
        if sign is None:
            sign = _immediate(sp.expand(factor))
        if sign is None:
            return None
        product *= sign
    return product


def _by_roots(expr: sp.Expr) -> int:
    """Sign of a polynomial in one parameter, by the order of the parameter and its real roots."""
    symbols = expr.free_symbols
    symbol = next(iter(symbols), None)
    if len(symbols) != 1 or not expr.is_polynomial(symbol):
        raise Undecided(expr)
    if not 1 < degree_bound(expr, symbol) <= MOST_DEGREE:
        raise Undecided(expr)
    poly = sp.Poly(expr, symbol)
    if not all(coefficient.is_Rational for coefficient in poly.all_coeffs()):
        raise Undecided(expr)
    try:
        roots = polynomial_roots(poly)
    except DomainError:
        raise Undecided(expr) from None
    sign = sign_of(poly.LC())
    for root, multiplicity in roots:
        sign *= sign_of(symbol - root) ** multiplicity
    return sign


@lru_cache(maxsize=4096)
def is_zero(expr: sp.Expr) -> bool:
    """Decide whether an expression without x vanishes identically in its parameters.

    Constants are decided by a hundred digits of the exact value. An analytic expression in
    parameters vanishes where it does at three points in general position; one with absolute values
    and the like where simplification proves it, too.

    >>> a = sp.Symbol("a", real=True)
    >>> is_zero(a * (a + 1) - a**2 - a), is_zero(a - sp.Abs(a))
    (True, False)
    """
    expr = sp.sympify(expr, strict=True)
    if expr.is_Rational:
        return expr == 0
    if not expr.free_symbols:
        return _number_sign(expr) == 0
    if expr.is_zero is not None and not expr.is_Add:
        return bool(expr.is_zero)
    if any(_value(expr, place) != 0 for place in range(3)):
        return False
    return not expr.has(*_PIECEWISE) or bool(sp.simplify(expr) == 0)


def _value(expr: sp.Expr, place: int) -> sp.Expr | None:
    """Value at a point in general position, 0 where a hundred digits cancel, None if undefined."""
    return value_at(expr, general_point(expr.free_symbols, place))


def value_at(expr: sp.Expr, point: Mapping[sp.Symbol, sp.Expr]) -> sp.Expr | None:
    """Value at a point to 15 digits, 0 where a hundred digits cancel, None if undefined."""
    value = expr.evalf(_DIGITS, subs=point)
    if not value.is_number or not value.is_finite:
        return None
    parts = [part for part in value.as_real_imag() if part != 0]
    noise = all(part.is_Float and part._prec < _DECISIVE_BITS for part in parts)
    return sp.S.Zero if noise else value


def general_point(symbols: Iterable[sp.Symbol], place: int) -> dict[sp.Symbol, sp.Expr]:
    """Values without a pattern that satisfy the assumptions on the symbols; one of many places."""
    ordered = sorted(symbols, key=sp.default_sort_key)
    return {symbol: _generic(symbol, k, place) for k, symbol in enumerate(ordered)}


def _generic(symbol: sp.Symbol, index: int, place: int) -> sp.Rational:
    """A value without a pattern that satisfies the assumptions on a symbol."""
    seed = 7919 * (3 * index + place + 1)
    if symbol.is_integer:
        return sp.Integer(3 + seed % 11)
    size = sp.Rational(1 + seed % 997, 1009) + sp.Rational(1, 5)
    unsigned = symbol.is_nonnegative or (place + index) % 2 == 0
    return -size if symbol.is_nonpositive or not unsigned else size
