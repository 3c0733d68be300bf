"""The normal distribution function, the sigmoid and the softplus as SymPy functions.

SymPy has none of the three under a name of its own: written out with `erf`, `exp` or `log` they
lose their meaning, and with it the identities and the stable evaluation that rest on it.

>>> from freejac.symbolic.symbols import x
>>> softplus(x).diff(x, 2)
sigmoid(-x)*sigmoid(x)
>>> Phi(-40).evalf(20)
3.6558935409150297037e-350
"""

from __future__ import annotations

from typing import Any, ClassVar

import mpmath
import sympy as sp
from sympy.codegen.cfunctions import log1p
from sympy.core.function import ArgumentIndexError

from freejac.symbolic.scaled import inverse_odd_series

__all__ = ["Phi", "sigmoid", "softplus"]

_GUARD_BITS = 10


class _RealAnalytic(sp.Function):
    """A function that is analytic on the real line, and finite, real and positive there.

    A subclass gives its values at 0 and ±∞, its value at an mpmath number, and its derivative.
    """

    values: ClassVar[dict[sp.Expr, sp.Expr]]

    @staticmethod
    def at(point: Any) -> Any:
        """Value at an mpmath number, at mpmath's working precision."""
        raise NotImplementedError

    @staticmethod
    def slope(arg: sp.Expr) -> sp.Expr:
        """Return the derivative at an expression."""
        raise NotImplementedError

    @classmethod
    def eval(cls, arg: sp.Expr) -> sp.Expr | None:
        """Exact values; None keeps the function unevaluated."""
        if arg in (sp.nan, sp.zoo):
            return sp.nan
        return cls.values.get(sp.S.Zero if arg.is_zero else arg)

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """Differentiate with respect to the one argument."""
        if argindex != 1:
            raise ArgumentIndexError(self, argindex)
        return self.slope(self.args[0])

    def _eval_evalf(self, prec: int) -> sp.Expr | None:
        # The relative error of the argument t is amplified at most by t² (Φ in its lower tail):
        # argument and function both get the bits that this costs.
        arg = self.args[0]
        try:
            bits = prec + _GUARD_BITS + 2 * max(0, mpmath.mag(arg._to_mpmath(53)))
            with mpmath.workprec(bits):
                value = self.at(arg._to_mpmath(bits))
        except ValueError:  # SymPy's answer for an argument that is no number
            return None
        return sp.Expr._from_mpmath(value, prec)

    def _eval_is_finite(self) -> bool | None:
        return True if self.args[0].is_real else None

    def _eval_is_extended_real(self) -> bool | None:
        return True if self.args[0].is_extended_real else None

    def _eval_is_positive(self) -> bool | None:
        return True if self.args[0].is_real else None

    def _latex_as(self, name: str, printer: Any, exp: str | None) -> str:
        power = "" if exp is None else f"^{{{exp}}}"
        return rf"{name}{power}\left({printer._print(self.args[0])} \right)"


class Phi(_RealAnalytic):
    r"""Distribution function of the standard normal law, Φ(x) = P(z ≤ x), z ~ N(0, 1).

    Args:
        x: any expression; Φ is entire, so complex numbers are meant too.

    Returns:
        The value at 0, ±∞, otherwise the unevaluated function. Numbers evaluate to any precision
        with full relative accuracy in both tails.

    Source: Abramowitz & Stegun (1964), 26.2.2 and 26.2.29: Φ(x) = erfc(−x/√2)/2.

    >>> from freejac.symbolic.symbols import x
    >>> Phi(0), Phi(x).diff(x), Phi(x).rewrite(sp.erf)
    (1/2, sqrt(2)*exp(-x**2/2)/(2*sqrt(pi)), erf(sqrt(2)*x/2)/2 + 1/2)
    """

    values: ClassVar[dict[sp.Expr, sp.Expr]] = {
        sp.S.Zero: sp.S.Half,
        sp.oo: sp.S.One,
        -sp.oo: sp.S.Zero,
    }

    @staticmethod
    def at(point: Any) -> Any:
        """Value at an mpmath number, at mpmath's working precision."""
        return mpmath.erfc(-point / mpmath.sqrt(2)) / 2

    @staticmethod
    def slope(arg: sp.Expr) -> sp.Expr:
        """Return the standard normal density."""
        return sp.exp(-(arg**2) / 2) / sp.sqrt(2 * sp.pi)

    def _eval_conjugate(self) -> sp.Expr:
        return self.func(self.args[0].conjugate())

    def _eval_aseries(self, n: int, args0: Any, x: sp.Symbol, logx: Any) -> sp.Expr:
        # Φ(u) = erfcx(−u/√2) e^{−u²/2}/2 as u → −∞, and Φ(u) = 1 − Φ(−u).
        (arg,) = self.args
        if args0[0] not in (sp.oo, -sp.oo):
            return super()._eval_aseries(n, args0, x, logx)
        top, low = sp.exp(-(arg**2) / 2) / 2, args0[0] is -sp.oo
        tail = inverse_odd_series(
            (-arg if low else arg) / sp.sqrt(2), n, x, sign=-1, factor=1 / sp.sqrt(sp.pi)
        )
        parts = [top * term for term in sp.Add.make_args(tail.removeO())]
        return sp.Add(*(parts if low else [1, *(-part for part in parts)]), top * tail.getO())

    def _eval_rewrite_as_erf(self, arg: sp.Expr, **_: Any) -> sp.Expr:
        return (1 + sp.erf(arg / sp.sqrt(2))) / 2

    def _eval_rewrite_as_erfc(self, arg: sp.Expr, **_: Any) -> sp.Expr:
        return sp.erfc(-arg / sp.sqrt(2)) / 2

    def _eval_rewrite_as_tractable(self, arg: sp.Expr, **hints: Any) -> sp.Expr:
        return self._eval_rewrite_as_erf(arg).rewrite("tractable", **hints)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        return self._latex_as(r"\Phi", printer, exp)

    # SymPy writes erfc(−t) as 2 − erfc(t), which cancels in the lower tail: code calls the
    # distribution function itself.
    def _mpmathcode(self, printer: Any) -> str:
        # erfc, unlike ncdf, takes complex numbers too
        erfc, sqrt = (printer._module_format(f"mpmath.{name}") for name in ("erfc", "sqrt"))
        return f"({erfc}(-({printer._print(self.args[0])})/{sqrt}(2))/2)"

    def _numpycode(self, printer: Any) -> str:
        return f"{printer._module_format('scipy.special.ndtr')}({printer._print(self.args[0])})"

    def _pythoncode(self, printer: Any) -> str:
        arg = printer._print(-self.args[0] / sp.sqrt(2))
        return f"({printer._module_format('math.erfc')}({arg})/2)"


class sigmoid(_RealAnalytic):  # noqa: N801 (SymPy's functions are named as they are written)
    r"""The logistic function 1/(1 + e⁻ˣ).

    Args:
        x: any expression; complex numbers are meant, with poles at iπ(2k + 1).

    Returns:
        The value at 0, ±∞, otherwise the unevaluated function. Derivatives are polynomials in
        sigmoid(x) and sigmoid(−x), so that no tail is written as a difference.

    Source: the definition above, from which σ(−x) = 1 − σ(x) and σ′(x) = σ(x)σ(−x).

    >>> from freejac.symbolic.symbols import x
    >>> sigmoid(0), sigmoid(x).diff(x), sigmoid(x).rewrite(sp.tanh)
    (1/2, sigmoid(-x)*sigmoid(x), tanh(x/2)/2 + 1/2)
    """

    values: ClassVar[dict[sp.Expr, sp.Expr]] = {
        sp.S.Zero: sp.S.Half,
        sp.oo: sp.S.One,
        -sp.oo: sp.S.Zero,
    }

    @staticmethod
    def at(point: Any) -> Any:
        """Value at an mpmath number, at mpmath's working precision."""
        return 1 / (1 + mpmath.exp(-point))

    @staticmethod
    def slope(arg: sp.Expr) -> sp.Expr:
        """Return the logistic density, as a product that keeps both tails."""
        return sigmoid(arg) * sigmoid(-arg)

    def _eval_conjugate(self) -> sp.Expr:
        return self.func(self.args[0].conjugate())

    def _eval_rewrite_as_exp(self, arg: sp.Expr, **_: Any) -> sp.Expr:
        return 1 / (1 + sp.exp(-arg))

    def _eval_rewrite_as_tanh(self, arg: sp.Expr, **_: Any) -> sp.Expr:
        return (1 + sp.tanh(arg / 2)) / 2

    def _eval_rewrite_as_tractable(self, arg: sp.Expr, **_: Any) -> sp.Expr:
        return self._eval_rewrite_as_exp(arg)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        return self._latex_as(r"\operatorname{sigmoid}", printer, exp)

    def _mpmathcode(self, printer: Any) -> str:
        return f"({printer._print(self.rewrite(sp.exp))})"

    def _pythoncode(self, printer: Any) -> str:
        # e^{min(x, 0)}/(1 + e^{−|x|}): doubles neither overflow nor lose the lower tail.
        arg, size = self.args[0], sp.Abs(self.args[0])
        return f"({printer._print(sp.exp((arg - size) / 2) / (1 + sp.exp(-size)))})"

    _numpycode = _pythoncode


class softplus(_RealAnalytic):  # noqa: N801 (SymPy's functions are named as they are written)
    r"""The softplus log(1 + eˣ), a smooth ReLU.

    Args:
        x: any expression; for complex numbers the principal branch of the logarithm.

    Returns:
        The value at 0, ±∞, otherwise the unevaluated function.

    Source: Dugas et al. (2001), Incorporating second-order functional knowledge for better option
    pricing, NIPS 13.

    >>> from freejac.symbolic.symbols import x
    >>> softplus(0), softplus(x).diff(x), softplus(x).rewrite(sp.log)
    (log(2), sigmoid(x), log(exp(x) + 1))
    """

    values: ClassVar[dict[sp.Expr, sp.Expr]] = {
        sp.S.Zero: sp.log(2),
        sp.oo: sp.oo,
        -sp.oo: sp.S.Zero,
    }

    @staticmethod
    def at(point: Any) -> Any:
        """Value at an mpmath number, at mpmath's working precision."""
        return mpmath.log1p(mpmath.exp(point))

    @staticmethod
    def slope(arg: sp.Expr) -> sp.Expr:
        """Return the sigmoid."""
        return sigmoid(arg)

    def _eval_conjugate(self) -> sp.Expr | None:
        # On the logarithm's cut the conjugate of the value is not the value of the conjugate.
        return self if self.args[0].is_extended_real else None

    def _eval_rewrite_as_log(self, arg: sp.Expr, **_: Any) -> sp.Expr:
        return sp.log(1 + sp.exp(arg))

    def _eval_rewrite_as_tractable(self, arg: sp.Expr, **_: Any) -> sp.Expr:
        return self._eval_rewrite_as_log(arg)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        return self._latex_as(r"\operatorname{softplus}", printer, exp)

    def _mpmathcode(self, printer: Any) -> str:
        arg = self.args[0]
        return f"{printer._module_format('mpmath.log1p')}({printer._print(sp.exp(arg))})"

    def _pythoncode(self, printer: Any) -> str:
        # max(x, 0) + log1p(e^{−|x|}): doubles neither overflow nor lose the lower tail.
        arg, size = self.args[0], sp.Abs(self.args[0])
        return f"({printer._print((arg + size) / 2 + log1p(sp.exp(-size)))})"

    _numpycode = _pythoncode
