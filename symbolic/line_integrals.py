"""Exact integrals over an interval that are left unevaluated, and evaluate to any precision.

>>> from freejac.symbolic.symbols import x
>>> area = LineIntegral(sp.exp(-x) * sp.tanh(x), (x, 0, sp.oo))
>>> area.evalf(30), (sp.pi / 2 - 1).evalf(30)
(0.570796326794896619231321691640, 0.570796326794896619231321691640)
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import mpmath
import sympy as sp
from mpmath import mp, mpf

from freejac.symbolic.domain import finite
from freejac.symbolic.errors import NotConvergedError
from freejac.symbolic.quadrature import legendre_rule
from freejac.symbolic.symbols import x

__all__ = ["LineIntegral"]

_GUARD_DIGITS = 15
_ATTEMPTS = 5
_DOUBLINGS = 40
_MOST_PANELS = 200

Integrand = Callable[[mpf], mpf]


class LineIntegral(sp.Integral):
    """∫ f(x) dx over an interval, f smooth on it and, at infinity, smaller than every power.

    It is SymPy's integral with an evaluation of its own: Gauss–Legendre quadrature on panels that
    double outwards, with digits to spare for what cancels in f.

    Raises:
        DomainError: on evaluation, a limit is not a number.
        NotConvergedError: on evaluation, f is not resolved, or does not decay.
    """

    def _eval_evalf(self, prec: int) -> sp.Expr | None:
        if self.free_symbols:
            return None
        ((_, lower, upper),) = self.limits
        digits = mpmath.libmp.prec_to_dps(prec) + 2
        f = sp.lambdify(x, self.function, "mpmath", cse=True)
        working = digits + _GUARD_DIGITS
        for _ in range(_ATTEMPTS):
            with mp.workdps(working):
                value = _integrate(f, lower, upper, digits)
            if value is not None:
                return sp.Float(value, digits)
            working *= 2
        raise NotConvergedError(f"{self} is not resolved, or its integrand does not decay")


def _integrate(f: Integrand, lower: sp.Expr, upper: sp.Expr, digits: int) -> mpf | None:
    """The integral, or None when the working precision does not carry it to so many digits."""
    spare = mpf(10) ** (digits - mp.dps + 8)  # the share of the sum that may cancel
    total = size = mpf(0)
    for panels in _panels(lower, upper):
        small = 0  # panels in a row that do not matter
        for a, b in panels:
            part = _panel(f, (a, b), size, digits)
            if part is None:
                return None
            total, size = total + part, size + abs(part)
            small = small + 1 if abs(part) <= mpf(10) ** (-digits - 4) * size else 0
            if small == 2:
                break
        else:
            if small == 0 and not (lower.is_finite and upper.is_finite):
                return None
    return total if abs(total) >= spare * size or size == 0 else None


def _panels(lower: sp.Expr, upper: sp.Expr) -> list[list[tuple[mpf, mpf]]]:
    """Panels that double outwards, one list for each direction."""
    if lower.is_finite and upper.is_finite:
        a, b = finite("a limit", lower), finite("a limit", upper)
        return [[(a, (a + b) / 2), ((a + b) / 2, b)]]
    if not lower.is_finite and not upper.is_finite:
        return _panels(lower, sp.S.Zero) + _panels(sp.S.Zero, upper)
    start, side = (lower, 1) if lower.is_finite else (upper, -1)
    origin = finite("a limit", start)
    steps = [mpf(0), *(mpf(2) ** k for k in range(-1, _DOUBLINGS))]
    return [[(origin + side * a, origin + side * b) for a, b in pairwise(steps)]]


def _panel(f: Integrand, ends: tuple[mpf, mpf], size: mpf, digits: int) -> mpf | None:
    """One panel, bisected until its last Legendre coefficients are negligible; None when many."""
    points, weights, rows = legendre_rule(max(24, 3 * digits // 2), mp.dps)
    waiting, total = [ends], mpf(0)
    for _ in range(_MOST_PANELS):
        a, b = waiting.pop()
        middle, half = (a + b) / 2, abs(b - a) / 2
        values = [f(middle + (b - a) / 2 * t) for t in points]
        integral = half * mpmath.fdot(weights, values)
        tail = half * max(abs(mpmath.fdot(row, values)) for row in rows)
        if tail <= mpf(10) ** -digits * (size + abs(total) + abs(integral)):
            total += integral
        else:
            waiting += [(middle, b), (a, middle)]
        if not waiting:
            return total
    return None
