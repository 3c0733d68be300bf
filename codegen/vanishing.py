"""A mean that changes its sign, as factors q − q₀ and a quotient of polynomials.

Before its zero such a mean cancels, in any form that is a sum. Divided by its factors it keeps one
sign, and is fitted as others are (see `short_forms`).

>>> import sympy as sp
>>> from freejac.symbolic.scaled import erfcx
>>> from freejac.symbolic.symbols import q
>>> form = with_zeros((q - 2) * erfcx(sp.sqrt(q)))
>>> [factor.evalf(5, subs={q: 3}) for factor in form.args if isinstance(factor, FromZero)]
[1.0000]
"""

from __future__ import annotations

from itertools import pairwise

import mpmath
import sympy as sp
from mpmath import mp

from freejac.codegen.curve_fit import nodes
from freejac.codegen.functions import FromZero
from freejac.codegen.short_forms import quotient_of
from freejac.symbolic.symbols import q

__all__ = ["with_zeros"]

_DIGITS = 150
_ZERO_DIGITS = 50
_MOST_ZEROS = 2
_STEPS = 100


def with_zeros(closed: sp.Expr) -> sp.Expr | None:
    """The form on 1e-12 ≤ q ≤ 1e12 with a factor for each zero.

    Args:
        closed: in q alone.

    Returns:
        The form; None where there is no change of sign, or more than two, and where no quotient of
        moderate degree is as good as doubles.
    """
    function = sp.lambdify(q, closed, "mpmath")
    with mp.workdps(_DIGITS):
        places = [t * t for t in nodes()]
        values = [mpmath.mpf(function(place)) for place in places]
        changes = [
            ends
            for ends, (left, right) in zip(pairwise(places), pairwise(values), strict=True)
            if left * right < 0
        ]
        if not 1 <= len(changes) <= _MOST_ZEROS:
            return None
        tol = mpmath.mpf(10) ** (-2 * _ZERO_DIGITS)
        roots = [
            mpmath.findroot(
                function, ends, solver="anderson", tol=tol, maxsteps=_STEPS, verify=False
            )
            for ends in changes
        ]

        def rest(at: mpmath.mpf) -> mpmath.mpf:
            return function(at) / mpmath.fprod(at - root for root in roots)

        quotient = quotient_of(rest)
    factors = [FromZero(q, sp.Float(root, _ZERO_DIGITS)) for root in roots]
    return None if quotient is None else sp.Mul(*factors, quotient)
