"""What is known exactly of E[f(h₁)f(h₂)] before anything is fitted: its growth and its symmetry.

Let h₁ = y + z and h₂ = ±(y − z) with y of variance a, z of variance b ≤ a: + for c ≥ 0, − for
c < 0. Where f approaches the polynomials P₊ and P₋ at ±∞ up to what every power outgrows, the mean
over y is Q(a, b) = ½ Σ E[P(h₁)P(h₂)] over both ends of the line of y, plus a part that is localised
in y: 1/√a times a function of b and 1/a. An f whose even or odd part is a polynomial has both signs
from one of them, because E[f(h₁)f(h₂)] = E[ee] ± E[oo] with its even and odd parts e and o.

>>> from freejac.symbolic.functions import sigmoid
>>> from freejac.symbolic.piecewise import PiecewiseFunction
>>> growth = growth_of(PiecewiseFunction.smooth(sigmoid(x)))
>>> growth.fitted, growth.total, growth.plus, growth.minus
((-1.0,), 1/2, 1/2, 0)
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from freejac.symbolic.finite_parts import FiniteParts, Powers
from freejac.symbolic.functions import softplus
from freejac.symbolic.parity import simplified
from freejac.symbolic.piecewise import PiecewiseFunction
from freejac.symbolic.symbols import x

__all__ = ["NARROW", "WIDE", "Growth", "growth_of"]

WIDE, NARROW = sp.symbols("wide narrow", nonnegative=True)
"""Variances a and b of y and z: a + b = q and a − b = q |c|."""
_Y, _Z = sp.symbols("y z", real=True)


@dataclass(frozen=True)
class Growth:
    """What is known exactly.

    Attributes:
        plus: Q for c ≥ 0, a polynomial in `WIDE` and `NARROW`.
        minus: Q for c < 0.
        fitted: the signs of c for which the rest has to be fitted.
        parity: 1 if f is even, −1 if it is odd, so that the other sign follows; else 0.
        total: with one fitted sign and no parity, D(q, |c|) = total − D(q, −|c|) if `mirrored`,
            else total + D(q, −|c|).
        mirrored: which of these two.
        at_zero: whether f(0) = 0.
    """

    plus: sp.Expr
    minus: sp.Expr
    fitted: tuple[float, ...]
    parity: int
    total: sp.Expr
    mirrored: bool
    at_zero: bool


def growth_of(f: PiecewiseFunction) -> Growth:
    """Find growth and symmetry of a function that is smooth on the whole line.

    Raises:
        NoClosedForm: f grows faster than a polynomial, oscillates, or approaches its growth
            slowly.
        Undecided: a sign is not decided.
    """
    ends = FiniteParts(f)
    right, left = _polynomial(ends.right), _polynomial(ends.left)
    plus = _mean(right, right, 1) / 2 + _mean(left, left, 1) / 2
    minus = _mean(right, left, -1) / 2 + _mean(left, right, -1) / 2
    expr = f.pieces[0].expr
    mirror = _one_softplus(expr.subs(x, -x))
    even, odd = (simplified(_one_softplus(expr) + sign * mirror) / 2 for sign in (1, -1))
    parity = 1 if odd == 0 else -1 if even == 0 else 0
    fitted: tuple[float, ...] = (1.0,) if parity else (1.0, -1.0)
    total, mirrored = sp.S.Zero, False
    if not parity:
        for part, other in ((odd, False), (even, True)):
            if part.is_polynomial(x):
                fitted, mirrored = (-1.0,), other
                total = 2 * _mean(part, part, 1)
    return Growth(
        sp.expand(plus),
        sp.expand(minus),
        fitted,
        parity,
        sp.expand(total),
        mirrored,
        bool(expr.subs(x, 0) == 0),
    )


def _polynomial(powers: Powers) -> sp.Expr:
    return sp.Add(*(weight * x**n for n, weight in powers.items()))


def _mean(first: sp.Expr, second: sp.Expr, sign: int) -> sp.Expr:
    """E[P(y + z) R(sign (y − z))] of two polynomials, as a polynomial in both variances."""
    product = first.subs(x, _Y + _Z) * second.subs(x, sign * (_Y - _Z))
    total = sp.S.Zero
    for (m, n), weight in sp.Poly(sp.expand(product), _Y, _Z).terms():
        if m % 2 == 0 and n % 2 == 0:
            total += weight * _moment(m, WIDE) * _moment(n, NARROW)
    return total


def _moment(n: int, variance: sp.Expr) -> sp.Expr:
    return sp.factorial2(n - 1) * variance ** (n // 2) if n else sp.S.One


def _one_softplus(expr: sp.Expr) -> sp.Expr:
    """The expression with softplus(−x) as softplus(x) − x."""
    return sp.expand(expr).subs(softplus(-x), softplus(x) - x)
