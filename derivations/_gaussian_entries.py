"""Expectations over finitely many independent Gaussian variables, term by term.

The definitions that a source starts from are sums over a few weights and inputs. Here they are
taken literally: a polynomial is expanded, and every monomial is replaced by the product of its
moments, E[wᵏ] = (k − 1)!! σᵏ for even k and 0 for odd k. No theory of networks enters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

import sympy as sp

__all__ = ["entries", "mean_of_polynomial", "non_crossing_moment"]


def entries(name: str, count: int) -> tuple[sp.Symbol, ...]:
    """Real variables name_1, …, name_count.

    >>> entries("w", 2)
    (w_1, w_2)
    """
    return tuple(sp.Symbol(f"{name}_{n}", real=True) for n in range(1, count + 1))


def mean_of_polynomial(polynomial: sp.Expr, variances: Mapping[sp.Symbol, object]) -> sp.Expr:
    """Expectation of a polynomial in independent centred Gaussian variables.

    Args:
        polynomial: in the variables; other symbols are constants.
        variances: the variance of each variable.

    >>> w, h, v = sp.symbols("w h v")
    >>> mean_of_polynomial((w * h + 1) ** 2, {w: 3, h: v})
    3*v + 1
    """
    variables = list(variances)
    total = sp.S.Zero
    for powers, coefficient in sp.Poly(sp.expand(polynomial), *variables).terms():
        if any(power % 2 for power in powers):
            continue
        factors = (
            sp.factorial2(power - 1) * sp.sympify(variances[variable]) ** (power // 2)
            for variable, power in zip(variables, powers, strict=True)
            if power
        )
        total += coefficient * sp.Mul(*factors)
    return sp.expand(total)


def non_crossing_moment(order: int, skip: sp.Expr, variance: sp.Expr) -> sp.Expr:
    """Limit of (1/N) E tr (Y Yᵀ)ᵏ for Y = a + X, X square with independent entries of variance s/N.

    Every word of the expanded power is counted by hand: a pairing of its letters X with letters Xᵀ
    contributes in the limit if and only if it is non-crossing.

    Args:
        order: k.
        skip: a.
        variance: s.

    Source: Mingo and Speicher, "Free Probability and Random Matrices" (2017), section 1.

    >>> a, s = sp.symbols("a s")
    >>> non_crossing_moment(2, a, s)
    a**4 + 4*a**2*s + 2*s**2
    """
    total = sp.S.Zero
    for mask in range(4**order):
        word = tuple(place % 2 for place in range(2 * order) if mask >> place & 1)
        pairings = _pairings(word)
        if pairings:
            total += pairings * skip ** (2 * order - len(word)) * variance ** (len(word) // 2)
    return sp.expand(total)


@lru_cache(maxsize=4096)
def _pairings(word: tuple[int, ...]) -> int:
    """Number of non-crossing pairings of the letters 0 with the letters 1."""
    if not word:
        return 1
    partners: Iterable[int] = range(1, len(word), 2)
    return sum(
        _pairings(word[1:j]) * _pairings(word[j + 1 :]) for j in partners if word[j] != word[0]
    )
