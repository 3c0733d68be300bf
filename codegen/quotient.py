"""A quotient of polynomials in √q in place of a closed form that is dear.

A scaled error function costs two divisions and a polynomial of degree 23. A mean that is a sum of
them is a power of √q times one quotient of degree 12 on all of [1e-12, 1e12], what cancels in the
sum included (see `curve_fit`). It is fitted to the exact closed form, in many digits.

>>> import sympy as sp
>>> from freejac.symbolic.scaled import erfcx
>>> from freejac.symbolic.symbols import q
>>> form = quotient(1 - erfcx(sp.sqrt(q)))
>>> form.has(Quotient), form.has(erfcx)
(True, False)
>>> exact = 1 - sp.exp(4) * sp.erfc(2)
>>> abs(form.subs(q, 4).evalf(20) / exact - 1).evalf(5) < 1e-16
True
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import flint
import mpmath
import sympy as sp
from mpmath import mp, mpf

from freejac.codegen.curve_fit import GOAL, Curve, best_quotient, in_doubles, nodes
from freejac.codegen.rational_fit import BITS
from freejac.symbolic.balls import working_bits
from freejac.symbolic.scaled import erfcx
from freejac.symbolic.symbols import q

__all__ = ["Quotient", "quotient"]

_DIGITS = 150
_SETTLED = mpf(10) ** -2
_MOST_COEFFICIENTS = 30


class Quotient(sp.Function):
    """P(√u)/Q(√u) with the arguments (u, n, p_0, …, p_n−1, q_0, …), the constants first."""

    @property
    def above(self) -> tuple[sp.Expr, ...]:
        """Coefficients of P."""
        return tuple(self.args[2 : 2 + int(self.args[1])])

    @property
    def below(self) -> tuple[sp.Expr, ...]:
        """Coefficients of Q."""
        return tuple(self.args[2 + int(self.args[1]) :])

    @property
    def words(self) -> str:
        """What it is, for tables."""
        return f"rational in √q, {len(self.above) - 1}/{len(self.below) - 1}"

    def _eval_evalf(self, prec: int) -> sp.Expr:
        root = sp.sqrt(self.args[0])
        above, below = (
            sp.Add(*(c * root**k for k, c in enumerate(part))) for part in (self.above, self.below)
        )
        return (above / below)._eval_evalf(prec)

    @staticmethod
    def _imp_(u: Any, count: Any, *coefficients: Any) -> Any:
        root, cut = u**0.5, int(count)
        above, below = coefficients[:cut], coefficients[cut:]
        return _horner(above, root) / _horner(below, root)


def _horner(coefficients: Sequence[Any], t: Any) -> Any:
    total = coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        total = total * t + coefficient
    return total


@lru_cache(maxsize=256)
def quotient(closed: sp.Expr) -> sp.Expr | None:
    """A power of q times a `Quotient`, as good as doubles on 1e-12 ≤ q ≤ 1e12.

    Args:
        closed: an expression in q alone.

    Returns:
        The form; None without a scaled error function, which it would not pay for, for what
        changes its sign, and where none of moderate degree is as good as doubles.
    """
    if closed.free_symbols != {q} or not closed.has(erfcx):
        return None
    function = sp.lambdify(q, closed, "mpmath")
    with mp.workdps(_DIGITS):
        places = nodes()
        values = [mpf(function(t * t)) for t in places]
        if any(not v or (v > 0) != (values[0] > 0) for v in values):
            return None
        slopes = [
            mpmath.log(values[j] / values[i]) / mpmath.log(places[j] / places[i])
            for i, j in ((0, 1), (-2, -1))
        ]
    lead, last = (int(mpmath.nint(slope)) for slope in slopes)
    if max(abs(slopes[0] - lead), abs(slopes[1] - last)) > _SETTLED:
        return None
    with working_bits(BITS):
        curve = Curve([flint.arb(t) for t in places], [flint.arb(v) for v in values])
        fit = best_quotient(curve, lead, last)
    if fit is None or fit.error > GOAL or len(fit.above) + len(fit.below) > _MOST_COEFFICIENTS:
        return None
    above, below = in_doubles(fit)
    numbers = [sp.Float(c, 40) for c in (*above, *below)]
    return sp.sqrt(q) ** lead * Quotient(q, len(above), *numbers)
