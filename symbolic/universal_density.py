"""The universal density of residual networks, in the limit of infinite depth and skip weight 1.

Everything follows one real parameter along the curve on which λ is real: no branch is chosen.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from mpmath import mp

from freejac.symbolic.domain import Number, finite
from freejac.symbolic.errors import DomainError, NotConvergedError

__all__ = ["residual_density"]


def residual_density(lam: Number, cumulant: Number, digits: int = 15) -> Any:
    """Evaluate the universal density ρ(λ) of residual networks.

    Put m = −1/2 + w with w = s + i t, t > 0 (the complex conjugate of the physical sheet):
        log λ = log((w + 1/2)/(w − 1/2)) + 2cw.
    Its imaginary part vanishes where the segment [−1/2, 1/2] is seen from w under the angle 2ct:
    by the inscribed angle s² = 1/4 + t·cot(2ct) − t² = (1/2 − t·tan(ct))(1/2 + t·cot(ct)), a curve
    from the edges at t = 0 to its top at t·tan(ct) = 1/2. There
        log λ = artanh(s/(1/2 + t·cot(2ct))) + 2cs,
    odd in s and falling with t for s > 0. So each λ has one t, bracketed, no branch is to be
    chosen, and ρ = −Im G/π = t/(πλ). The law is symmetric under λ → 1/λ.

    Args:
        lam: the eigenvalue.
        cumulant: c > 0.
        digits: correct digits, relative.

    Returns:
        ρ(λ) as an mpmath number; 0 outside the support.

    Raises:
        DomainError: a number is not finite, or c is not positive.

    Source: the Green's equation of Tarnowski et al.; the parametrisation is derived here.

    >>> import sympy as sp
    >>> mp.nstr(residual_density(sp.Rational(1, 2), 1, 30) * sp.Rational(1, 4), 10) \
    == mp.nstr(residual_density(2, 1, 30), 10)
    True
    """
    with mp.workdps(digits + 15):
        value, c = (finite(name, x) for name, x in (("lambda", lam), ("cumulant", cumulant)))
        if c <= 0:
            raise DomainError(f"the cumulant must be positive, not {cumulant}")
        if value <= 0:
            return mp.zero
        target = abs(mp.log(value))
        reach = mp.sqrt(c * (c + 2))
        if target >= mp.log1p(c + reach) + reach:
            return mp.zero
        top = _top(c, mp.prec)
        # t = top·cos(α) makes log λ a smooth function at the top of the curve, α = 0
        if target == 0:
            return top / mp.pi
        angle = _root(lambda a: _log_eigenvalue(top * mp.cos(a), c) - target, mp.zero, mp.pi / 2)
        return top * mp.cos(angle) / (mp.pi * value)


@lru_cache(maxsize=64)
def _top(c: Any, prec: int) -> Any:
    """Find the top of the curve, t·tan(ct) = 1/2, at the working precision `prec`."""
    return _root(lambda t: t * mp.sin(c * t) - mp.cos(c * t) / 2, mp.zero, mp.pi / (2 * c))


def _root(func: Callable[[Any], Any], low: Any, high: Any) -> Any:
    """Find the zero in a bracket, superlinearly and without leaving it."""
    try:
        return mp.findroot(func, (low, high), solver="anderson", tol=16 * mp.eps, maxsteps=200)
    except ValueError:
        raise NotConvergedError("the density did not settle in 200 steps; raise digits") from None


def _log_eigenvalue(t: Any, c: Any) -> Any:
    """Evaluate log λ ≥ 0 on the curve at height t, its value at the edge in the limit t → 0."""
    half = mp.mpf(1) / 2
    if t * c < mp.eps:
        s = mp.sqrt(half * (half + 1 / c))
        return mp.atanh(s / (half + half / c)) + 2 * c * s
    squared = (half - t * mp.tan(c * t)) * (half + t * mp.cot(c * t))
    s = mp.sqrt(max(squared, mp.zero))
    return mp.atanh(s / (half + t * mp.cot(2 * c * t))) + 2 * c * s
