"""How a coefficient is written: factored, or collected in the depth, whichever is shorter.

The lengths are counted on the polynomials; only the form that is chosen becomes an expression.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import flint
import sympy as sp

from freejac.symbolic.coefficients import Poly, Ring, ring_of

__all__ = ["readable", "readable_ratio"]

_Factors: TypeAlias = list[tuple[Poly, int]]

_LONGEST_COLLECTED = 40
"""A sum of more terms is not read anyway, and stays a fraction."""


def readable(expr: sp.Expr) -> sp.Expr:
    """Choose the shorter of the factored form and the form collected in the depth.

    >>> from freejac.symbolic.symbols import depth, mu1, mu2, p
    >>> readable(1 + depth / p), readable(depth / p - depth)
    ((L + p)/p, L*(1 - p)/p)
    >>> readable(depth * mu2 / mu1**2 - depth + 1)
    L*(-1 + mu_2/mu_1**2) + 1
    """
    ring = ring_of([expr])
    return readable_ratio(ring, *ring.ratio(expr))


def readable_ratio(ring: Ring, above: Poly, below: Poly) -> sp.Expr:
    """Do the same for a quotient in lowest terms.

    >>> ring = ring_of([])
    >>> readable_ratio(ring, ring.constant(6), ring.constant(4))
    3/2
    """
    if ring.context is None or not above:
        return ring.quotient(above, below)
    if len(above) > _LONGEST_COLLECTED:
        content, over = above.factor()
        return _written(ring, content, over, ring.factors(below))
    forms = [_factored(ring, above, below)]
    for index, symbol in enumerate(ring.generators):
        if symbol.is_Symbol and symbol.is_integer and not below.degrees()[index]:
            forms.append(_collected(ring, above, below, index))
    # a product reads more easily than a sum of the same length
    return min(forms, key=lambda form: form.length + form.is_sum).write()


@dataclass(frozen=True)
class _Form:
    """A way to write a quotient, with its number of operations."""

    length: int
    is_sum: bool
    write: Callable[[], sp.Expr]


def _factored(ring: Ring, above: Poly, below: Poly) -> _Form:
    content, over = above.factor()
    under = ring.factors(below)
    whole, part = abs(int(content.p)), int(content.q)
    top, bottom = _product_length(over, whole), _product_length(under, part)
    # a quotient is one operation more, and so is a sign that no sum takes up
    negative = content < 0 and all(len(f) == 1 or n > 1 for f, n in over)
    length = top + (1 + bottom if under or part > 1 else 0) + negative
    is_sum = len(over) == 1 and not under and len(over[0][0]) > 1 and over[0][1] == 1

    def write() -> sp.Expr:
        return _written(ring, content, over, under)

    return _Form(length, is_sum and abs(content) == 1, write)


def _written(ring: Ring, content: Any, over: _Factors, under: _Factors) -> sp.Expr:
    factors = [ring.expr(f) ** int(n) for f, n in over]
    factors += [ring.expr(f) ** -n for f, n in under]
    return _product(sp.Rational(int(content.p), int(content.q)), factors)


def _product(coefficient: sp.Rational, factors: list[sp.Expr]) -> sp.Expr:
    """Multiply, a minus moved into the first sum: −(p − 1) is 1 − p."""
    if coefficient < 0:
        ordered = sp.Mul(*factors).args if len(factors) > 1 else tuple(factors)
        first = next((f for f in ordered if f.is_Add), None)
        if first is not None:
            place = factors.index(first)
            factors[place] = sp.Add(*(-term for term in first.args))
            coefficient = -coefficient
    if len(factors) == 1 and factors[0].is_Add and coefficient != 1:
        return sp.Mul(coefficient, factors[0], evaluate=False)
    return sp.Mul(coefficient, *factors)


def _collected(ring: Ring, above: Poly, below: Poly, index: int) -> _Form:
    """Σ coefficient × symbolⁱ, each coefficient factored or expanded, whichever is shorter."""
    parts: dict[int, dict[tuple[int, ...], Any]] = {}
    for powers, value in above.to_dict().items():
        rest = tuple(0 if i == index else n for i, n in enumerate(powers))
        parts.setdefault(powers[index], {})[rest] = value
    pieces = []
    for degree, terms in sorted(parts.items(), reverse=True):
        top, bottom = ring.reduced(ring.context.from_dict(terms), below)
        shortest = min(
            (_factored(ring, top, bottom), *_expanded(ring, top, bottom)),
            key=lambda form: form.length,
        )
        pieces.append((degree, shortest, top == bottom))
    length = len(pieces) - 1
    for degree, form, one in pieces:
        length += form.length + (degree > 1) + (degree > 0 and not one)
    symbol = ring.generators[index]

    def write() -> sp.Expr:
        return sp.Add(*(form.write() * symbol**degree for degree, form, _ in pieces))

    return _Form(length, len(pieces) > 1, write)


def _expanded(ring: Ring, above: Poly, below: Poly) -> Iterable[_Form]:
    """Term by term, where the denominator is one term."""
    if len(below) > 1:
        return
    (denominator, scale), *_ = below.to_dict().items()
    terms = [
        (tuple(a - b for a, b in zip(powers, denominator, strict=True)), flint.fmpq(value) / scale)
        for powers, value in above.to_dict().items()
    ]
    length = len(terms) - 1 + sum(_term_length(powers, value) for powers, value in terms)

    def write() -> sp.Expr:
        return sp.Add(*(ring.monomial(powers, value) for powers, value in terms))

    yield _Form(length, len(terms) > 1, write)


def _product_length(factors: _Factors, whole: int) -> int:
    """Operations of a product of powers of polynomials and a whole number."""
    length, count = 0, 1 if whole > 1 else 0
    for factor, power in factors:
        count += 1
        length += _sum_length(factor) + (power > 1)
    return length + max(count - 1, 0)


def _sum_length(poly: Poly) -> int:
    terms = poly.to_dict()
    return len(terms) - 1 + sum(_term_length(powers, value) for powers, value in terms.items())


def _term_length(powers: Iterable[int], value: Any) -> int:
    """Operations of number × powers / powers; the sign belongs to the sum."""
    over, under = 0 if abs(value.p) == 1 else 1, 0 if value.q == 1 else 1
    roots = 0
    for n in powers:
        if n:
            over += n > 0
            under += n < 0
            roots += n > 1 or n < -1
    return max(over - 1, 0) + under + roots
