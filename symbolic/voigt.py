"""Real and imaginary part of the Faddeeva function as SymPy functions of two real arguments.

w(x + iy) = K(x, y) + i L(x, y) with w(ζ) = exp(−ζ²) erfc(−iζ). Gaussian means of 1/(x² + a²) and
of products of exponentials, sines and erf's are such values; with K and L no imaginary unit is
left in them.

>>> from freejac.symbolic.symbols import x
>>> y = sp.Symbol("y", real=True)
>>> VoigtK(x, y).diff(x)
-2*x*VoigtK(x, y) + 2*y*VoigtL(x, y)
>>> VoigtK(0, y), VoigtL(x, 0)
(erfcx(y), 2*dawson(x)/sqrt(pi))
"""

from __future__ import annotations

from typing import Any, ClassVar

import flint
import sympy as sp
from sympy.core.function import ArgumentIndexError

from freejac.symbolic.balls import BallFunction, vanishes
from freejac.symbolic.scaled import dawson, erfcx, scaled_tail

__all__ = ["VoigtK", "VoigtL"]


def _faddeeva(x: Any, y: Any) -> Any:
    """Ball of w(x + iy), y ≠ 0."""
    turned = flint.acb(y, -x)  # −iζ: w is e^{z²} erfc(z) there
    if y < 0:
        return 2 * (turned * turned).exp() - scaled_tail(-turned)
    return scaled_tail(turned)


def _far_series(x: sp.Expr, y: sp.Expr, n: int, *, along_x: bool) -> list[tuple[int, sp.Expr]]:
    """Terms of w(x + iy) for large x or large y > 0, up to the power n − 1 of its inverse.

    Returns:
        Pairs: how often the term was turned by i, and its value without a last odd turn.

    Source: DLMF 7.12.1, (i/√π) Σ (2k − 1)!!/(2ᵏ ζ^{2k+1}), and the binomial series.
    """
    large, small = (x, y) if along_x else (y, x)
    terms = []
    for k in range((n + 1) // 2):
        power = 2 * k + 1
        for j in range(n - power):
            size = sp.factorial2(2 * k - 1) * sp.binomial(-power, j) / (2**k * sp.sqrt(sp.pi))
            # ζ = x (1 + iy/x), or iy (1 − ix/y).
            turns = 1 + j if along_x else 1 - power - j
            sign = 1 if turns % 4 < 2 else -1
            terms.append((turns, sign * size * small**j / large ** (power + j)))
    return terms


class _Part(BallFunction):
    """A part of the Faddeeva function: of powers of i the even or the odd ones."""

    turns: ClassVar[int]

    @staticmethod
    def contains(*parts: Any) -> bool:
        """Tell whether y ≠ 0, where the part has no simpler name."""
        return bool(parts[1] != 0)

    @classmethod
    def _is_undefined(cls, args: tuple[sp.Expr, ...]) -> bool:
        # Downwards w grows and turns without a limit.
        return any(arg in (sp.nan, sp.zoo) for arg in args) or args[1] is -sp.oo

    def _eval_is_extended_real(self) -> bool | None:
        return True if all(arg.is_extended_real for arg in self.args) else None

    def _eval_is_finite(self) -> bool | None:
        return True if all(arg.is_finite for arg in self.args) else None

    def _eval_conjugate(self) -> sp.Expr:
        return self.func(*(arg.conjugate() for arg in self.args))

    def _eval_aseries(self, n: int, args0: Any, x: sp.Symbol, logx: Any) -> sp.Expr:
        large = [arg in (sp.oo, -sp.oo) for arg in args0]
        if all(large) or args0[1] is -sp.oo:
            return super()._eval_aseries(n, args0, x, logx)
        real, imaginary = self.args
        terms = _far_series(real, imaginary, n, along_x=large[0])
        chosen = [value for turns, value in terms if turns % 2 == self.turns]
        return sp.Add(*chosen, sp.Order((real if large[0] else imaginary) ** -n, x))

    def _latex_as(self, name: str, printer: Any, exp: str | None) -> str:
        power = "" if exp is None else f"^{{{exp}}}"
        x, y = map(printer._print, self.args)
        return rf"{name}{power}\left({x}, {y}\right)"

    def _scipy_as(self, part: str, printer: Any) -> str:
        x, y = map(printer._print, self.args)
        return f"{printer._module_format('scipy.special.wofz')}(({x}) + 1j*({y})).{part}"


class VoigtK(_Part):
    r"""Real part of the Faddeeva function, K(x, y) = Re w(x + iy), the Voigt function.

    Args:
        x: real; K is even in x.
        y: real. For y > 0, K(x, y) = (y/π) ∫ exp(−t²)/((x − t)² + y²) dt.

    Returns:
        K(0, y) = erfcx(y), K(x, 0) = exp(−x²), limits at ∞, otherwise the unevaluated function.

    Source: DLMF 7.19 (there with another scaling) and 7.4.13.

    >>> VoigtK(-2, 1), VoigtK(3, 0)
    (VoigtK(2, 1), exp(-9))
    """

    turns = 0

    @classmethod
    def eval(cls, x: sp.Expr, y: sp.Expr) -> sp.Expr | None:
        """Exact values and the symmetry; None keeps the function unevaluated."""
        if vanishes(x):
            return erfcx(y)
        if cls._is_undefined((x, y)):
            return sp.nan
        if y is sp.oo or x in (sp.oo, -sp.oo):
            return sp.S.Zero
        if vanishes(y):
            return sp.exp(-(x**2))
        return cls(-x, y) if x.could_extract_minus_sign() else None

    @staticmethod
    def ball(goal: int, *parts: Any) -> Any:
        """Value at balls."""
        x, y = parts
        return _faddeeva(x, y).real

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """Differentiate, from w′ = −2ζ w + 2i/√π."""
        x, y = self.args
        if argindex == 1:
            return 2 * y * VoigtL(x, y) - 2 * x * self
        if argindex == 2:
            return 2 * y * self + 2 * x * VoigtL(x, y) - 2 / sp.sqrt(sp.pi)
        raise ArgumentIndexError(self, argindex)

    def _eval_is_positive(self) -> bool | None:
        x, y = self.args
        return True if x.is_real and y.is_nonnegative else None

    def _eval_rewrite_as_erfc(self, x: sp.Expr, y: sp.Expr, **_: Any) -> sp.Expr:
        upper, lower = _conjugate_values(x, y)
        return (upper + lower) / 2

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        return self._latex_as("K", printer, exp)

    def _numpycode(self, printer: Any) -> str:
        return self._scipy_as("real", printer)

    _scipycode = _numpycode


class VoigtL(_Part):
    r"""Imaginary part of the Faddeeva function, L(x, y) = Im w(x + iy).

    Args:
        x: real; L is odd in x.
        y: real. For y > 0, L(x, y) = (1/π) ∫ exp(−t²)(x − t)/((x − t)² + y²) dt.

    Returns:
        L(0, y) = 0, L(x, 0) = 2 dawson(x)/√π, limits at ∞, otherwise the unevaluated function,
        with a minus sign of x taken out.

    Source: DLMF 7.19 (there with another scaling) and 7.4.14.

    >>> VoigtL(-2, 1), VoigtL(0, 1)
    (-VoigtL(2, 1), 0)
    """

    turns = 1

    @classmethod
    def eval(cls, x: sp.Expr, y: sp.Expr) -> sp.Expr | None:
        """Exact values and the symmetry; None keeps the function unevaluated."""
        if cls._is_undefined((x, y)):
            return sp.nan
        if vanishes(x) or y is sp.oo or x in (sp.oo, -sp.oo):
            return sp.S.Zero
        if vanishes(y):
            return 2 * dawson(x) / sp.sqrt(sp.pi)
        return -cls(-x, y) if x.could_extract_minus_sign() else None

    @staticmethod
    def ball(goal: int, *parts: Any) -> Any:
        """Value at balls."""
        x, y = parts
        return _faddeeva(x, y).imag

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """Differentiate, from w′ = −2ζ w + 2i/√π."""
        x, y = self.args
        if argindex == 1:
            return 2 / sp.sqrt(sp.pi) - 2 * y * VoigtK(x, y) - 2 * x * self
        if argindex == 2:
            return 2 * y * self - 2 * x * VoigtK(x, y)
        raise ArgumentIndexError(self, argindex)

    def _eval_is_positive(self) -> bool | None:
        x, y = self.args
        return x.is_positive if x.is_real and y.is_nonnegative else None

    def _eval_is_negative(self) -> bool | None:
        x, y = self.args
        return x.is_negative if x.is_real and y.is_nonnegative else None

    def _eval_rewrite_as_erfc(self, x: sp.Expr, y: sp.Expr, **_: Any) -> sp.Expr:
        upper, lower = _conjugate_values(x, y)
        return (upper - lower) / (2 * sp.I)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        return self._latex_as("L", printer, exp)

    def _numpycode(self, printer: Any) -> str:
        return self._scipy_as("imag", printer)

    _scipycode = _numpycode


def _conjugate_values(x: sp.Expr, y: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """Return w(x + iy) and, for real x and y, its complex conjugate w(−x + iy)."""
    here, there = x + sp.I * y, x - sp.I * y
    return sp.exp(-(here**2)) * sp.erfc(y - sp.I * x), sp.exp(-(there**2)) * sp.erfc(y + sp.I * x)
