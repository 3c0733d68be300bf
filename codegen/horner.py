"""A polynomial that code evaluates by Horner's rule.

>>> import sympy as sp
>>> u = sp.Symbol("u")
>>> Horner(u, 1, 0, 3).rewrite(sp.Add)
3*u**2 + 1
"""

from __future__ import annotations

from typing import Any

import sympy as sp

__all__ = ["Horner"]


class Horner(sp.Function):
    """The polynomial c_0 + c_1 u + … + c_n uⁿ with the arguments (u, c_0, …, c_n)."""

    def _eval_rewrite(self, rule: Any, args: Any, **hints: Any) -> sp.Expr:
        u, *coefficients = args
        return sp.Add(*(c * u**k for k, c in enumerate(coefficients)))

    def _eval_evalf(self, prec: int) -> sp.Expr:
        return self.rewrite(sp.Add)._eval_evalf(prec)

    @staticmethod
    def _imp_(u: Any, *coefficients: Any) -> Any:
        total = coefficients[-1]
        for coefficient in reversed(coefficients[:-1]):
            total = total * u + coefficient
        return total
