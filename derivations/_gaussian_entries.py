"""Expectations over finitely many independent Gaussian variables, term by term.

The definitions that a source starts from are sums over a few weights and inputs. Here they are
taken literally: a polynomial is expanded, and every monomial is replaced by the product of its
moments, E[wᵏ] = (k − 1)!! σᵏ for even k and 0 for odd k. No theory of networks enters.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import sympy as sp

__all__ = ["entries", "mean_of_polynomial", "non_crossing_pairings", "residual_moment"]


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


def non_crossing_pairings(word: tuple[str, ...]) -> int:
    """Number of non-crossing pairings of a word in free circular and semicircular letters.

    A circular letter X, a large matrix of independent entries, is paired with its transpose, which
    is written in lower case, x. A semicircular letter, a symmetric matrix, is written with a prime
    and paired with itself. Each pairing contributes the letters' variances to the trace, in the
    limit of large matrices; crossing ones do not.

    Args:
        word: the letters, in order.

    Source: Mingo and Speicher, "Free Probability and Random Matrices" (2017), section 1.

    >>> non_crossing_pairings(("X", "x", "X", "x")), non_crossing_pairings(("S'",) * 4)
    (2, 2)
    """
    if not word:
        return 1
    partner = word[0] if word[0].endswith("'") else word[0].swapcase()
    return _pairings(word, partner)


@lru_cache(maxsize=65536)
def _pairings(word: tuple[str, ...], partner: str) -> int:
    return sum(
        non_crossing_pairings(word[1:j]) * non_crossing_pairings(word[j + 1 :])
        for j in range(1, len(word), 2)
        if word[j] == partner
    )


def residual_moment(order: int, layers: int, skip: sp.Expr, variance: sp.Expr) -> sp.Expr:
    """Limit of (1/N) E tr (J Jᵀ)ᵏ for J = Π (a + X_l), the entries of X_l of variance s/N.

    Every word of the expanded power is counted by its non-crossing pairings.

    Args:
        order: k.
        layers: the number of factors; 2^(2 k layers) words are counted.
        skip: a.
        variance: s.

    >>> a, s = sp.symbols("a s")
    >>> residual_moment(2, 1, a, s)
    a**4 + 4*a**2*s + 2*s**2
    """
    letters = "ABCDEF"[:layers]
    pattern = (*letters, *letters[::-1].lower()) * order
    total: dict[int, int] = {}
    for mask in range(2 ** len(pattern)):
        word = tuple(letter for place, letter in enumerate(pattern) if mask >> place & 1)
        if len(word) % 2 == 0:
            total[len(word)] = total.get(len(word), 0) + non_crossing_pairings(word)
    return sp.expand(
        sum(
            n * skip ** (len(pattern) - size) * variance ** (size // 2) for size, n in total.items()
        )
    )
