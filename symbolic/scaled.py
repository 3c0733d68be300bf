"""The scaled complementary error function and Dawson's integral as SymPy functions.

Both are what is left of erfc and erfi when the exponential that overflows is taken out.

>>> from freejac.symbolic.symbols import x
>>> erfcx(x).diff(x), dawson(x).diff(x)
(2*x*erfcx(x) - 2/sqrt(pi), -2*x*dawson(x) + 1)
>>> erfcx(1000).evalf(20)
0.00056418930145338765420
"""

from __future__ import annotations

from typing import Any

import flint
import sympy as sp
from sympy.core.function import ArgumentIndexError

from freejac.symbolic.balls import BallFunction, vanishes

__all__ = ["dawson", "erfcx", "inverse_odd_series", "scaled_tail"]


def scaled_tail(point: Any) -> Any:
    """Ball of e^{z²} erfc(z) at a ball z with Re z ≥ 0, however large.

    Source: DLMF 7.11.5: the function is U(1/2, 1/2, z²)/√π.
    """
    half = flint.arb(1) / 2
    if isinstance(point, flint.acb):
        half = flint.acb(half)
    return (point * point).hypgeom_u(half, half) / flint.arb.pi().sqrt()


def inverse_odd_series(
    arg: sp.Expr, n: int, x: sp.Symbol, *, sign: int, factor: sp.Expr
) -> sp.Expr:
    """Return factor Σ (±1)ᵏ (2k − 1)!!/(2ᵏ arg^{2k+1}), with an order term for what is left out.

    Args:
        arg: an expression that grows without bound as x → 0.
        n: powers of 1/arg to go to.
        x: the variable of the order term.
        sign: 1 or −1, for the sign in the series.
        factor: a constant.

    Source: DLMF 7.12.1.
    """
    terms = [
        factor * sign**k * sp.factorial2(2 * k - 1) / (2**k * arg ** (2 * k + 1))
        for k in range((n + 1) // 2)
    ]
    return sp.Add(*terms, sp.Order(arg**-n, x))


class _Entire(BallFunction):
    """A function of one argument, entire and real on the real line."""

    takes_complex = True

    def _eval_is_extended_real(self) -> bool | None:
        return True if self.args[0].is_extended_real else None

    def _eval_is_finite(self) -> bool | None:
        return True if self.args[0].is_finite else None

    def _eval_conjugate(self) -> sp.Expr:
        return self.func(self.args[0].conjugate())

    def _latex_as(self, name: str, printer: Any, exp: str | None) -> str:
        power = "" if exp is None else f"^{{{exp}}}"
        return rf"{name}{power}\left({printer._print(self.args[0])}\right)"

    def _numpycode(self, printer: Any) -> str:
        # With its module: SymPy gives the bare name erfcx to the code for mpmath.
        module = printer._module_format("scipy.special")
        return f"{module}.{self.scipy_name}({printer._print(self.args[0])})"

    _scipycode = _numpycode


class erfcx(_Entire):  # noqa: N801 (SymPy's functions are named as they are written)
    r"""Scaled complementary error function erfcx(x) = exp(x²) erfc(x).

    Args:
        x: any expression; the function is entire.

    Returns:
        The value at 0 and ±∞, otherwise the unevaluated function.

    Source: W. J. Cody, Math. Comp. 23 (1969) 631, for why it deserves a name; DLMF 7.2.

    >>> erfcx(0), erfcx(sp.oo), erfcx(2).rewrite(sp.erfc)
    (1, 0, exp(4)*erfc(2))
    """

    scipy_name = "erfcx"

    @classmethod
    def eval(cls, arg: sp.Expr) -> sp.Expr | None:
        """Exact values; None keeps the function unevaluated."""
        if arg in (sp.nan, sp.zoo):
            return sp.nan
        if vanishes(arg):
            return sp.S.One
        if arg is sp.oo:
            return sp.S.Zero
        if arg is -sp.oo:
            return sp.oo
        turned = arg.extract_multiplicatively(sp.I)
        if turned is not None:
            return sp.exp(-(turned**2)) - 2 * sp.I * dawson(turned) / sp.sqrt(sp.pi)
        return None

    @staticmethod
    def ball(goal: int, *parts: Any) -> Any:
        """Value at a ball; on the left 2 e^{z²} − erfcx(−z), which does not cancel there."""
        (point,) = parts
        if point.real >= 0:
            return scaled_tail(point)
        if point.real <= 0:
            return 2 * (point * point).exp() - scaled_tail(-point)
        return (point * point).exp() * point.erfc()

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """Differentiate: erfcx′ = 2x erfcx − 2/√π."""
        if argindex != 1:
            raise ArgumentIndexError(self, argindex)
        return 2 * self.args[0] * self - 2 / sp.sqrt(sp.pi)

    def _eval_is_positive(self) -> bool | None:
        return True if self.args[0].is_real else None

    def _eval_aseries(self, n: int, args0: Any, x: sp.Symbol, logx: Any) -> sp.Expr:
        (arg,) = self.args
        if args0[0] not in (sp.oo, -sp.oo):
            return super()._eval_aseries(n, args0, x, logx)
        tail = inverse_odd_series(arg, n, x, sign=-1, factor=1 / sp.sqrt(sp.pi))
        return tail if args0[0] is sp.oo else 2 * sp.exp(arg**2) + tail

    def _eval_rewrite_as_tractable(
        self, arg: sp.Expr, limitvar: sp.Symbol | None = None, **_: Any
    ) -> sp.Expr:
        falls = limitvar is not None and sp.limit(arg, limitvar, sp.oo) is -sp.oo
        return 2 * sp.exp(arg**2) - erfcx(-arg) if falls else self

    def _eval_rewrite_as_erfc(self, arg: sp.Expr, **_: Any) -> sp.Expr:
        return sp.exp(arg**2) * sp.erfc(arg)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        return self._latex_as(r"\operatorname{erfcx}", printer, exp)


class dawson(_Entire):  # noqa: N801 (SymPy's functions are named as they are written)
    r"""Dawson's integral F(x) = exp(−x²) ∫₀ˣ exp(t²) dt.

    Args:
        x: any expression; the function is entire and odd.

    Returns:
        The value at 0 and ±∞, otherwise the unevaluated function, with a minus sign of the
        argument taken out.

    Source: DLMF 7.2.5.

    >>> dawson(0), dawson(-sp.pi), dawson(2).rewrite(sp.erfi)
    (0, -dawson(pi), sqrt(pi)*exp(-4)*erfi(2)/2)
    """

    scipy_name = "dawsn"

    @classmethod
    def eval(cls, arg: sp.Expr) -> sp.Expr | None:
        """Exact values and the sign; None keeps the function unevaluated."""
        if arg in (sp.nan, sp.zoo):
            return sp.nan
        if vanishes(arg) or arg in (sp.oo, -sp.oo):
            return sp.S.Zero
        if arg.could_extract_minus_sign():
            return -cls(-arg)
        turned = arg.extract_multiplicatively(sp.I)
        if turned is not None:
            return sp.I * sp.sqrt(sp.pi) * sp.exp(turned**2) * sp.erf(turned) / 2
        return None

    @staticmethod
    def ball(goal: int, *parts: Any) -> Any:
        """Value at a ball: F(z) = z ₁F₁(1; 3/2; −z²) (DLMF 7.11.4, by Kummer's relation)."""
        (point,) = parts
        one, half = flint.arb(1), flint.arb(1) / 2
        if isinstance(point, flint.acb):
            one, half = flint.acb(one), flint.acb(half)
        return point * (-point * point).hypgeom_1f1(one, one + half)

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """Differentiate: F′ = 1 − 2x F."""
        if argindex != 1:
            raise ArgumentIndexError(self, argindex)
        return 1 - 2 * self.args[0] * self

    def _eval_is_positive(self) -> bool | None:
        return self.args[0].is_positive if self.args[0].is_real else None

    def _eval_is_negative(self) -> bool | None:
        return self.args[0].is_negative if self.args[0].is_real else None

    def _eval_is_zero(self) -> bool | None:
        return self.args[0].is_zero if self.args[0].is_real else None

    def _eval_aseries(self, n: int, args0: Any, x: sp.Symbol, logx: Any) -> sp.Expr:
        if args0[0] in (sp.oo, -sp.oo):
            return inverse_odd_series(self.args[0], n, x, sign=1, factor=sp.S.Half)
        return super()._eval_aseries(n, args0, x, logx)

    def _eval_rewrite_as_erfi(self, arg: sp.Expr, **_: Any) -> sp.Expr:
        return sp.sqrt(sp.pi) * sp.exp(-(arg**2)) * sp.erfi(arg) / 2

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        return self._latex_as(r"\operatorname{F}", printer, exp)
