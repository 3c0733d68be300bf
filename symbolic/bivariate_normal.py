"""The bivariate normal distribution function and Owen's T as SymPy functions.

Gaussian expectations in two variables of functions with thresholds are made of them.

>>> h, k, r = sp.symbols("h k r", real=True)
>>> Phi2(h, k, r).diff(r).subs(k, 0)
exp(-h**2/(2 - 2*r**2))/(2*pi*sqrt(1 - r**2))
>>> Phi2(-30, -20, sp.Rational(1, 2)).evalf(20)
2.1489026863722778836e-206
"""

from __future__ import annotations

from typing import Any

import flint
import sympy as sp
from sympy.core.function import ArgumentIndexError

from freejac.symbolic.balls import BallFunction, vanishes
from freejac.symbolic.functions import Phi
from freejac.symbolic.scaled import inverse_odd_series
from freejac.symbolic.wedge import wedge

__all__ = ["OwenT", "Phi2"]

_DOUBTFUL = 1e-12


def _density(x: sp.Expr) -> sp.Expr:
    return sp.exp(-(x**2) / 2) / sp.sqrt(2 * sp.pi)


class _RealFunction(BallFunction):
    """A function of real arguments, bounded there."""

    def _eval_is_extended_real(self) -> bool | None:
        return True if all(arg.is_extended_real for arg in self.args) else None

    def _eval_is_finite(self) -> bool | None:
        return True if all(arg.is_extended_real for arg in self.args) else None

    def _eval_conjugate(self) -> sp.Expr | None:
        return self if all(arg.is_extended_real for arg in self.args) else None


class Phi2(_RealFunction):
    r"""Bivariate normal distribution function, Φ₂(h, k; ρ) = P(X ≤ h, Y ≤ k).

    X and Y are standard normal with correlation ρ.

    Args:
        h: a real bound.
        k: a real bound; Φ₂ is symmetric in h and k, which are put in SymPy's order.
        rho: the correlation, in [−1, 1]; nan beyond.

    Returns:
        Exact values where one argument is 0, ±1 or ±∞ and makes it elementary or a product of
        Φ's, otherwise the unevaluated function.

    Source: Abramowitz & Stegun (1964), 26.3; R. L. Plackett, Biometrika 41 (1954) 351, for the
    derivative in ρ, which is the density.

    >>> h, k, r = sp.symbols("h k r", real=True)
    >>> Phi2(0, 0, r), Phi2(h, sp.oo, r), Phi2(k, h, 0)
    (asin(r)/(2*pi) + 1/4, Phi(h), Phi(h)*Phi(k))
    """

    @classmethod
    def eval(cls, h: sp.Expr, k: sp.Expr, rho: sp.Expr) -> sp.Expr | None:
        """Exact values and the order of h and k; None keeps the function unevaluated."""
        if any(arg in (sp.nan, sp.zoo) for arg in (h, k, rho)):
            return sp.nan
        if rho in (sp.oo, -sp.oo) or (rho.is_number and _is_beyond_one(rho)):
            return sp.nan
        if -sp.oo in (h, k):
            return sp.S.Zero
        if sp.oo in (h, k):
            return Phi(k if h is sp.oo else h)
        if vanishes(rho):
            return Phi(h) * Phi(k)
        if rho in (sp.S.One, sp.S.NegativeOne):
            return _comonotone(h, k) if rho is sp.S.One else _antimonotone(h, k)
        if vanishes(h) and vanishes(k):
            return sp.Rational(1, 4) + sp.asin(rho) / (2 * sp.pi)
        first, second = sorted((h, k), key=sp.default_sort_key)
        return cls(first, second, rho) if (first, second) != (h, k) else None

    @staticmethod
    def parts(*args: Any) -> tuple[Any, ...]:
        """Return h, k, h + k, h − k, 1 + ρ, 1 − ρ."""
        h, k, rho = args
        return h, k, h + k, h - k, 1 + rho, 1 - rho

    @staticmethod
    def contains(*parts: Any) -> bool:
        """Tell whether −1 < ρ < 1."""
        return bool(parts[4] > 0 and parts[5] > 0)

    @staticmethod
    def ball(goal: int, *parts: Any) -> Any:
        """Value at balls; every term is positive.

        The density integrated from correlation −1, v² = (1 + ρ)/(1 − ρ), with s, d = (h ± k)/2:

            Φ₂ = max(0, Φ(h) − Φ(−k))
                 + (1/π) ∫₀^V exp(−s²(1 + v⁻²)/2 − d²(1 + v²)/2)/(1 + v²) dv.
        """
        h, k, total, difference, above, below = parts
        part = wedge(goal, total * total / 4, difference * difference / 4, (above / below).sqrt())
        if total <= 0:
            return part
        # Φ(h) − Φ(−k) = Φ(k) − Φ(−h), of which the one from tails does not cancel.
        low, high = (k, h) if h > k else (h, k)
        root = flint.arb(2).sqrt()
        return ((-low / root).erfc() - (high / root).erfc()) / 2 + part

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """Differentiate in h, k or ρ."""
        h, k, rho = self.args
        rest = 1 - rho**2
        if argindex == 1:
            return _density(h) * Phi((k - rho * h) / sp.sqrt(rest))
        if argindex == 2:
            return _density(k) * Phi((h - rho * k) / sp.sqrt(rest))
        if argindex == 3:
            exponent = -(h**2 - 2 * rho * h * k + k**2) / (2 * rest)
            return sp.exp(exponent) / (2 * sp.pi * sp.sqrt(rest))
        raise ArgumentIndexError(self, argindex)

    def _eval_is_nonnegative(self) -> bool | None:
        return True if all(arg.is_extended_real for arg in self.args) else None

    def _eval_is_positive(self) -> bool | None:
        h, k, rho = self.args
        inside = (1 - rho).is_positive and (1 + rho).is_positive
        return True if inside and h.is_real and k.is_real else None

    def _eval_rewrite_as_OwenT(  # noqa: N802 (SymPy finds it by the function's name)
        self, h: sp.Expr, k: sp.Expr, rho: sp.Expr, **_: Any
    ) -> sp.Expr:
        root = sp.sqrt(1 - rho**2)
        on_axis = [Phi(u) / 2 + OwenT(u, rho / root) for u in (k, h)]
        if h.is_zero or k.is_zero:
            return on_axis[0 if h.is_zero else 1]
        if h == k:
            return Phi(h) - 2 * OwenT(h, sp.sqrt((1 - rho) / (1 + rho)))
        same = (Phi(h) + Phi(k)) / 2 - sum(
            OwenT(u, (v - rho * u) / (u * root)) for u, v in ((h, k), (k, h))
        )
        side = h * k
        if side.is_positive or side.is_negative:
            return same if side.is_positive else same - sp.S.Half
        return sp.Piecewise(
            (on_axis[0], sp.Eq(h, 0)),
            (on_axis[1], sp.Eq(k, 0)),
            (same, side > 0),
            (same - sp.S.Half, True),
        )

    def _eval_rewrite_as_tractable(
        self,
        h: sp.Expr,
        k: sp.Expr,
        rho: sp.Expr,
        limitvar: sp.Symbol | None = None,
        **_: Any,
    ) -> sp.Expr:
        for u, v in ((h, k), (k, h)):
            if limitvar is not None and sp.limit(u, limitvar, sp.oo) is -sp.oo:
                return sp.exp(-(u**2) / 2) * _ScaledPhi2(u, v, rho)
        return self

    def _eval_rewrite_as_Integral(  # noqa: N802 (SymPy finds it by the class's name)
        self, h: sp.Expr, k: sp.Expr, rho: sp.Expr, **_: Any
    ) -> sp.Expr:
        t = sp.Dummy("t", real=True)
        inner = Phi((k - rho * t) / sp.sqrt(1 - rho**2))
        return sp.Integral(_density(t) * inner, (t, -sp.oo, h))

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        h, k, rho = map(printer._print, self.args)
        power = "" if exp is None else f"^{{{exp}}}"
        return rf"\Phi_{{2}}{power}\left({h}, {k}; {rho}\right)"

    def _numpycode(self, printer: Any) -> str:
        return f"({printer._print(self.rewrite(OwenT))})"

    _scipycode = _numpycode


def _is_beyond_one(rho: sp.Expr) -> bool:
    """Tell whether a number is no correlation; SymPy's own test of its sign would be dear."""
    if rho.is_Rational:
        return bool(abs(rho) > 1)
    value = rho.evalf(15)
    return bool(value.is_Float and abs(value) > 1 + _DOUBTFUL)


def _comonotone(h: sp.Expr, k: sp.Expr) -> sp.Expr | None:
    """Φ₂(h, k; 1): both variables are one."""
    if (h - k).is_nonnegative or (h - k).is_nonpositive:
        return Phi(k if (h - k).is_nonnegative else h)
    return Phi(sp.Min(h, k)) if h.is_extended_real and k.is_extended_real else None


def _antimonotone(h: sp.Expr, k: sp.Expr) -> sp.Expr | None:
    """Φ₂(h, k; −1): one variable is the other with the opposite sign."""
    if (h + k).is_nonpositive:
        return sp.S.Zero
    h, k = sorted((h, k), key=sp.default_sort_key)
    if (h + k).is_nonnegative:
        return Phi(h) - Phi(-k)
    both = h.is_extended_real and k.is_extended_real
    return sp.Max(0, Phi(h) - Phi(-k)) if both else None


class OwenT(_RealFunction):
    r"""Owen's function T(h, a) = (1/2π) ∫₀ᵃ exp(−h²(1 + t²)/2)/(1 + t²) dt.

    Args:
        h: real; T is even in h.
        a: real; T is odd in a.

    Returns:
        Exact values at h ∈ {0, ±∞} and a ∈ {0, ±1, ±∞}, otherwise the unevaluated function, with
        minus signs taken out of h and a.

    Source: D. B. Owen, Ann. Math. Statist. 27 (1956) 1075.

    >>> h, a = sp.symbols("h a", real=True)
    >>> OwenT(-h, -a), OwenT(0, a), OwenT(h, 1)
    (-OwenT(h, a), atan(a)/(2*pi), Phi(-h)*Phi(h)/2)
    """

    @classmethod
    def eval(cls, h: sp.Expr, a: sp.Expr) -> sp.Expr | None:
        """Exact values and the symmetries; None keeps the function unevaluated."""
        if any(arg in (sp.nan, sp.zoo) for arg in (h, a)):
            return sp.nan
        if vanishes(a) or h in (sp.oo, -sp.oo):
            return sp.S.Zero
        if vanishes(h):
            return sp.atan(a) / (2 * sp.pi)
        if h.could_extract_minus_sign():
            return cls(-h, a)
        if a.could_extract_minus_sign():
            return -cls(h, -a)
        if a is sp.S.One:
            return Phi(h) * Phi(-h) / 2
        if a is sp.oo and h.is_extended_real:
            return Phi(-sp.Abs(h)) / 2
        return None

    @staticmethod
    def contains(*parts: Any) -> bool:
        """Tell whether a ≠ 0."""
        return bool(parts[1] != 0)

    @staticmethod
    def ball(goal: int, *parts: Any) -> Any:
        """Value at balls, from the definition."""
        h, a = parts
        return wedge(goal, flint.arb(0), h * h, abs(a)) * a.sgn() / 2

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """Differentiate in h or a."""
        h, a = self.args
        if argindex == 1:
            return -_density(h) * sp.erf(a * h / sp.sqrt(2)) / 2
        if argindex == 2:
            return sp.exp(-(h**2) * (1 + a**2) / 2) / (2 * sp.pi * (1 + a**2))
        raise ArgumentIndexError(self, argindex)

    def _eval_is_positive(self) -> bool | None:
        h, a = self.args
        return a.is_extended_positive if h.is_real and a.is_extended_real else None

    def _eval_is_negative(self) -> bool | None:
        h, a = self.args
        return a.is_extended_negative if h.is_real and a.is_extended_real else None

    def _eval_aseries(self, n: int, args0: Any, x: sp.Symbol, logx: Any) -> sp.Expr:
        # T(h, ∞) = Φ(−|h|)/2; what a finite a > 0 takes from it is exponentially smaller.
        h, a = self.args
        if args0[0] is sp.oo and args0[1].is_extended_positive:
            top = sp.exp(-(h**2) / 2)
            series = _ScaledOwenT(h, a)._eval_aseries(n, args0, x, logx)
            return sp.Add(*(top * term for term in series.removeO().args), top * series.getO())
        if args0[1] is sp.oo and args0[0].is_nonzero and args0[0].is_finite:
            return Phi(-sp.Abs(h)) / 2 + sp.Order(a**-n, x)
        return super()._eval_aseries(n, args0, x, logx)

    def _eval_rewrite_as_tractable(
        self, h: sp.Expr, a: sp.Expr, limitvar: sp.Symbol | None = None, **_: Any
    ) -> sp.Expr:
        if limitvar is None or sp.limit(h, limitvar, sp.oo) not in (sp.oo, -sp.oo):
            return self
        size = h if sp.limit(h, limitvar, sp.oo) is sp.oo else -h
        return sp.exp(-(h**2) / 2) * _ScaledOwenT(size, a)

    def _eval_rewrite_as_Phi2(  # noqa: N802 (SymPy finds it by the function's name)
        self, h: sp.Expr, a: sp.Expr, **_: Any
    ) -> sp.Expr:
        return Phi2(0, h, a / sp.sqrt(1 + a**2)) - Phi(h) / 2

    def _eval_rewrite_as_Integral(  # noqa: N802 (SymPy finds it by the class's name)
        self, h: sp.Expr, a: sp.Expr, **_: Any
    ) -> sp.Expr:
        t = sp.Dummy("t", real=True)
        inner = sp.exp(-(h**2) * (1 + t**2) / 2) / (1 + t**2)
        return sp.Integral(inner, (t, 0, a)) / (2 * sp.pi)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        h, a = map(printer._print, self.args)
        power = "" if exp is None else f"^{{{exp}}}"
        return rf"T{power}\left({h}, {a}\right)"

    def _numpycode(self, printer: Any) -> str:
        h, a = map(printer._print, self.args)
        return f"{printer._module_format('scipy.special.owens_t')}({h}, {a})"

    _scipycode = _numpycode


class _ScaledPhi2(sp.Function):
    """exp(h²/2) Φ₂(h, k; ρ), without the exponential that SymPy's limits must see at h → −∞."""

    @classmethod
    def eval(cls, h: sp.Expr, k: sp.Expr, rho: sp.Expr) -> sp.Expr | None:
        """It is less than the Mills ratio, which falls like 1/|h|."""
        return sp.S.Zero if h is -sp.oo else None

    def _eval_rewrite_as_intractable(
        self, h: sp.Expr, k: sp.Expr, rho: sp.Expr, **_: Any
    ) -> sp.Expr:
        return sp.exp(h**2 / 2) * Phi2(h, k, rho)


class _ScaledOwenT(sp.Function):
    """exp(h²/2) T(h, a), which varies slowly at large h, where SymPy's limits need that."""

    def _eval_rewrite_as_intractable(self, h: sp.Expr, a: sp.Expr, **_: Any) -> sp.Expr:
        return sp.exp(h**2 / 2) * OwenT(h, a)

    def _eval_aseries(self, n: int, args0: Any, x: sp.Symbol, logx: Any) -> sp.Expr:
        h, _ = self.args
        if args0[0] is not sp.oo or not args0[1].is_extended_positive:
            return super()._eval_aseries(n, args0, x, logx)
        factor = 1 / (4 * sp.sqrt(sp.pi))
        return inverse_odd_series(h / sp.sqrt(2), n, x, sign=-1, factor=factor)
