"""Functions that only kernels need: forms that keep their accuracy in double precision.

They are SymPy functions with a definition (`rewrite`), so that a rewritten expression can be
compared with the one it came from.

>>> import sympy as sp
>>> Sech2(2).rewrite(sp.cosh)
cosh(2)**(-2)
"""

from __future__ import annotations

from typing import Any

import mpmath
import sympy as sp

__all__ = ["AtanRatio", "Cos1m", "ErfMean", "ExpAddend", "ExpInverse", "FromZero", "Root", "Sech2"]


class AtanRatio(sp.Function):
    """atan(a/b) with the arguments (a, b), b > 0: reducing the argument takes the one division."""

    def _eval_rewrite(self, rule: Any, args: Any, **hints: Any) -> sp.Expr:
        above, below = args
        return sp.atan(above / below)

    def _eval_evalf(self, prec: int) -> sp.Expr:
        return self.rewrite(sp.atan)._eval_evalf(prec)

    @staticmethod
    def of(arg: sp.Expr) -> sp.Expr:
        """The arc tangent of a quotient, where the sign of what is below is known."""
        above, below = sp.fraction(arg)
        return sp.atan(arg) if below.is_number or not below.is_positive else AtanRatio(above, below)


class Cos1m(sp.Function):
    """1 − cos(x), which cancels near 0 unless it is written 2 sin²(x/2)."""

    def _eval_rewrite(self, rule: Any, args: Any, **hints: Any) -> sp.Expr:
        (arg,) = args
        return 1 - sp.cos(arg)

    def _eval_evalf(self, prec: int) -> sp.Expr:
        return self.rewrite(sp.cos)._eval_evalf(prec)

    @staticmethod
    def _imp_(x: Any) -> Any:
        return 2 * mpmath.sin(x / 2) ** 2


class ErfMean(sp.Function):
    """√π erf(√z)/(2√z), the mean of e^{−z s²} for s from 0 to 1: smooth at z = 0, where it is 1."""

    def _eval_rewrite(self, rule: Any, args: Any, **hints: Any) -> sp.Expr:
        (z,) = args
        return sp.sqrt(sp.pi) * sp.erf(sp.sqrt(z)) / (2 * sp.sqrt(z))

    def _eval_evalf(self, prec: int) -> sp.Expr:
        return self.rewrite(sp.erf)._eval_evalf(prec)

    @staticmethod
    def _imp_(z: Any) -> Any:
        root = mpmath.sqrt(z)
        return mpmath.sqrt(mpmath.pi) * mpmath.erf(root) / (2 * root) if z else mpmath.mpf(1)


class ExpAddend(sp.Function):
    """eˣ, x ≤ 0, in a sum with a number: how small it is below 1e-304 is not seen there."""

    def _eval_rewrite(self, rule: Any, args: Any, **hints: Any) -> sp.Expr:
        (arg,) = args
        return sp.exp(arg)

    @staticmethod
    def in_sum(expr: sp.Add) -> sp.Expr:
        """The sum with these in it, if it has a number."""
        terms = []
        for term in expr.args:
            factor, rest = term.as_coeff_Mul()
            fades = isinstance(rest, sp.exp) and rest.args[0].is_nonpositive
            terms.append(factor * ExpAddend(rest.args[0]) if fades else term)
        return sp.Add(*terms) if any(term.is_number for term in expr.args) else expr


class ExpInverse(sp.Function):
    """e^{−a/x} for a number a > 0, where code keeps the rounding error of the exponent."""

    def _eval_rewrite(self, rule: Any, args: Any, **hints: Any) -> sp.Expr:
        a, x = args
        return sp.exp(-a / x)

    def _eval_evalf(self, prec: int) -> sp.Expr:
        return self.rewrite(sp.exp)._eval_evalf(prec)

    @staticmethod
    def _imp_(a: Any, x: Any) -> Any:
        return mpmath.exp(-a / x)


class FromZero(sp.Function):
    """x − x₀ for a number x₀, where code keeps what the double nearest to it lacks."""

    def _eval_is_real(self) -> bool:
        return True

    def _eval_rewrite(self, rule: Any, args: Any, **hints: Any) -> sp.Expr:
        x, zero = args
        return x - zero

    def _eval_evalf(self, prec: int) -> sp.Expr:
        return self.rewrite(sp.Add)._eval_evalf(prec)

    @staticmethod
    def _imp_(x: Any, zero: Any) -> Any:
        return x - zero


class Root(sp.Function):
    """The square root of a positive product, which SymPy would take factor by factor."""

    def _eval_is_nonnegative(self) -> bool:
        return True

    def _eval_is_positive(self) -> bool | None:
        return bool(self.args[0].is_positive) or None

    def _eval_rewrite(self, rule: Any, args: Any, **hints: Any) -> sp.Expr:
        return sp.sqrt(args[0])

    def _eval_evalf(self, prec: int) -> sp.Expr:
        return self.rewrite(sp.sqrt)._eval_evalf(prec)

    @staticmethod
    def _imp_(x: Any) -> Any:
        return mpmath.sqrt(x)


class Sech2(sp.Function):
    """1/cosh²(x) = 1 − tanh²(x), where cosh overflows although the value is a plain 0."""

    def _eval_rewrite(self, rule: Any, args: Any, **hints: Any) -> sp.Expr:
        (arg,) = args
        return 1 / sp.cosh(arg) ** 2

    def _eval_evalf(self, prec: int) -> sp.Expr:
        return self.rewrite(sp.cosh)._eval_evalf(prec)

    @staticmethod
    def _imp_(x: Any) -> Any:
        return mpmath.sech(x) ** 2
