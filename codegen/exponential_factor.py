"""The factor e^{−a/q} of a mean that is smaller than every power of q as q → 0.

A function that vanishes around 0 has such a mean. Its terms cancel, and each of them underflows;
what is left of them without the factor has a power of q for a limit.

>>> from freejac.symbolic.symbols import q
>>> factor, rest = split(sp.sqrt(q) * sp.exp(-1 / q) - sp.erfc(sp.sqrt(2 / q)))
>>> factor, rest
(ExpInverse(1, q), sqrt(q) - exp(-1/q)*erfcx(sqrt(2)/sqrt(q)))
"""

from __future__ import annotations

import sympy as sp

from freejac.codegen.functions import ExpInverse
from freejac.symbolic.scaled import erfcx
from freejac.symbolic.symbols import q

__all__ = ["split"]


def split(body: sp.Expr) -> tuple[sp.Expr, sp.Expr] | None:
    """Take the largest e^{−a/q}, a > 0, out of all terms of a sum in q alone.

    Args:
        body: terms with factors exp(…) and erfc(…).

    Returns:
        The factor and what is left; None if a term has no such factor.
    """
    terms = [_opened(term) for term in sp.Add.make_args(body)]
    rates = [-exponent.coeff(q, -1) for exponent, _ in terms]
    if not all(rate.is_positive for rate in rates):
        return None
    rate = min(rates, key=lambda value: value.evalf(30))
    rest = [part * sp.exp(exponent + rate / q) for exponent, part in terms]
    return ExpInverse(rate, q), sp.Add(*rest)


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
