"""The factors e^{−a/q} of a mean that is smaller than every power of q as q → 0.

A function that is 0, or odd, up to its kinks has such a mean, a factor for each kink. Its terms
cancel, and each of them underflows; without the factor their sum has a power of q for a limit.

>>> from freejac.symbolic.symbols import q
>>> exponential_parts(sp.sqrt(q) * sp.exp(-1 / q) - sp.erfc(1 / sp.sqrt(q)) / 2)
{1: sqrt(q) - erfcx(1/sqrt(q))/2}
"""

from __future__ import annotations

import sympy as sp

from freejac.symbolic.scaled import erfcx
from freejac.symbolic.symbols import q

__all__ = ["exponential_parts"]


def exponential_parts(body: sp.Expr) -> dict[sp.Expr, sp.Expr]:
    """Sort the terms of a sum in q alone by their factors e^{−a/q}, a > 0.

    Args:
        body: terms with factors exp(…) and erfc(…).

    Returns:
        By a, the sum of the terms without that factor; empty if a term has none.
    """
    found: dict[sp.Expr, sp.Expr] = {}
    for term in sp.Add.make_args(body):
        exponent, rest = _opened(term)
        rate = -exponent.coeff(q, -1)
        if not rate.is_positive:
            return {}
        found[rate] = found.get(rate, sp.S.Zero) + rest * sp.exp(exponent + rate / q)
    return found


def _opened(term: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """The exponent of a term, that of its error functions included, and its other factors."""
    exponent, rest = sp.S.Zero, []
    for factor in sp.Mul.make_args(term):
        if isinstance(factor, sp.exp):
            exponent += factor.args[0]
        elif isinstance(factor, sp.erfc) and factor.args[0].is_nonnegative:
            exponent -= factor.args[0] ** 2
            rest.append(erfcx(factor.args[0]))
        else:
            rest.append(factor)
    return sp.expand(exponent), sp.Mul(*rest)
