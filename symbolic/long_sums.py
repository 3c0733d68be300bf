"""Sums of many monomials as SymPy expressions, put together at once.

SymPy flattens, gathers and questions every product that it makes; of a polynomial in normal form
nothing of that is needed. What remains is SymPy's order of the arguments, by `Basic.compare`: of
symbols and powers in a product it depends on the exponents only through which are 1; of products
in a sum, on the length and the number in front first.

>>> from freejac.symbolic.symbols import depth, p
>>> terms = {(n, m): n - 3 * m for n in range(4) for m in range(4)}
>>> usual = sp.Add(*(c * depth**n * p**m for (n, m), c in terms.items()))
>>> long_sum((depth, p), terms) == usual
True
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Mapping
from functools import cmp_to_key
from typing import Any

import flint
import sympy as sp

__all__ = ["long_sum"]

_ORDER = cmp_to_key(sp.Basic.compare)


def long_sum(symbols: tuple[sp.Symbol, ...], terms: Mapping[tuple[int, ...], Any]) -> sp.Expr:
    """Make Σ coefficient × monomial.

    Args:
        symbols: commutative symbols.
        terms: the coefficients, rational numbers, by their exponents; two or more not zero.
    """
    powers: dict[tuple[int, int], sp.Expr] = {}
    orders: dict[tuple[int, ...], list[int]] = {}
    constant: list[sp.Expr] = []
    numbered: list[sp.Expr] = []
    others: list[sp.Expr] = []
    for exponents, value in terms.items():
        number = flint.fmpq(value)
        if not number:
            continue
        above, below = int(number.p), int(number.q)
        coefficient = sp.Integer(above) if below == 1 else sp.Rational(above, below)
        pattern = tuple([min(n, 2) for n in exponents])
        if pattern not in orders:
            present = [i for i, n in enumerate(pattern) if n]
            orders[pattern] = sorted(present, key=lambda i: _ORDER(symbols[i] ** exponents[i]))
        factors = []
        for i in orders[pattern]:
            power = (i, exponents[i])
            if power not in powers:
                powers[power] = symbols[i] ** exponents[i]
            factors.append(powers[power])
        if not factors:
            constant = [coefficient]
        elif below == 1 and abs(above) > 1:
            numbered.append(sp.Mul._from_args([coefficient, *factors]))
        else:
            others.append(sp.Mul(coefficient, *factors))
    numbered.sort(key=lambda term: (len(term.args), term.args[0].p, _ORDER(term)))
    for term in others:
        insort(numbered, term, key=_ORDER)
    return sp.Add._from_args(constant + numbered)
