"""A quotient of polynomials as a SymPy function: what a fit becomes in a closed form.

>>> import sympy as sp
>>> from freejac.symbolic.symbols import q
>>> form = Quotient(sp.sqrt(q), 2, 1, 3, 1, 0, 2)
>>> form.above, form.below, form.words
((1, 3), (1, 0, 2), 'rational in √q, 1/2')
>>> form.subs(q, 4).evalf(5)
0.77778
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp

from freejac.symbolic.symbols import q

__all__ = ["Quotient"]


class Quotient(sp.Function):
    """P(v)/Q(v) with the arguments (v, n, p_0, …, p_n−1, q_0, …), the constants first."""

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
        """What it is, for tables; a constant that v is shifted by is left out."""
        roots = sorted(p for p in self.args[0].atoms(sp.Pow) if p.exp == sp.S.Half and p.has(q))
        bases = [str(root.base).replace("*", "") for root in roots]
        names = [f"√{base}" if base == "q" else f"√({base})" for base in bases] or ["q"]
        degrees = f"{len(self.above) - 1}/{len(self.below) - 1}"
        return f"rational in {', '.join(names)}, {degrees}"

    def _eval_evalf(self, prec: int) -> sp.Expr:
        v = self.args[0]
        above, below = (
            sp.Add(*(c * v**k for k, c in enumerate(part))) for part in (self.above, self.below)
        )
        return (above / below)._eval_evalf(prec)

    @staticmethod
    def _imp_(v: Any, count: Any, *coefficients: Any) -> Any:
        cut = int(count)
        return _horner(coefficients[:cut], v) / _horner(coefficients[cut:], v)


def _horner(coefficients: Sequence[Any], v: Any) -> Any:
    total = coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        total = total * v + coefficient
    return total
