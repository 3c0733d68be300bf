"""A polynomial that stands in for a closed form where the closed form cancels.

Near q = 0 or q = ∞ a Gaussian mean is a power of q times a smooth function of √q or 1/√q. This
function is interpolated at Chebyshev's points of the exact closed form, in many digits, and cut off
where the rest is below the rounding of doubles: some twenty terms serve all the way to q = 1.

>>> import sympy as sp
>>> from freejac.symbolic.symbols import q
>>> near = fitted(sp.sqrt(q) * sp.exp(sp.sqrt(q)), 0, sp.Integer(1))
>>> near.args[0], round(near.subs(q, sp.Rational(1, 4)).evalf(20) / sp.exp(sp.S.Half), 12)
(sqrt(q), 0.500000000000)
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import mpmath
import sympy as sp
from mpmath import mp, mpf

from freejac.codegen.elementary import chebyshev_series, monomials
from freejac.codegen.horner import Horner
from freejac.symbolic.symbols import q

__all__ = ["fitted"]

_DIGITS = 150
_LONGEST = 48
_NEGLIGIBLE = mpf(2) ** -56
_LARGEST_LOSS = 2.5
"""By how much the terms of the polynomial may outgrow it before another weight is tried."""
_SHORT = 24
"""As many terms are not worth a search."""
_LONG = 36
"""Nor are these near 0, where few functions need more."""
_SHIFTS = (0, 1, 2, 4)
"""At infinity the argument is 1/(√q + shift): with 0 for what is smooth in 1/√q, as error functions
of it are, and more for scaled ones of √q, which are smooth on the other side of 0 as well; near 0
it is the same in 1/√q."""
_FAR = mpf(10) ** 30


def fitted(closed: sp.Expr, at: sp.Expr | int, bound: sp.Rational) -> sp.Expr | None:
    """A form of an expression in q alone, as good as doubles between 0 or ∞ and the bound.

    Args:
        closed: positive or negative throughout; a power of q in the limit.
        at: 0 or oo, the end at which it is wanted.
        bound: the other end.

    Returns:
        A power of q times a polynomial in √q/(1 + n√q) or 1/(√q + n), perhaps over 1 + q or
        1 + 1/q; None if the limit is no power, or if more than 48 terms were needed.
    """
    function = sp.lambdify(q, closed, "mpmath")
    edge = sp.sqrt(bound)
    with mp.workdps(_DIGITS):
        exponent = _power_at(function, at)
        if exponent is None:
            return None
        best: tuple[float, int, sp.Integer, tuple[sp.Float, ...]] | None = None
        for shift, weight in product(_SHIFTS, (0, 1)):
            variance = _variance(at, bound, shift)
            found = _polynomial(function, at, variance, exponent, weight)
            if found is not None and (best is None or _rank(*found) < _rank(best[0], best[3])):
                best = (found[0], weight, sp.Integer(shift), found[1])
            if best is not None and best[0] <= _LARGEST_LOSS and len(best[3]) <= _SHORT:
                break
            if at == 0 and weight and best is not None and len(best[3]) <= _LONG:
                break
    if best is None:
        return None
    _, weight, number, coefficients = best
    # With a shift the argument changes fast with q at the bound, where it is 1: its difference to 1
    # is computed there.
    root = sp.sqrt(q)
    plain = 2 * (root / edge if at == 0 else edge / root) - 1
    gap = (1 - root / edge) / (1 + number * root) if at == 0 else (root - edge) / (root + number)
    body = Horner(1 - 2 * gap if number else plain, *coefficients)
    return q**exponent * body / (1 + (q if at == 0 else 1 / q)) ** weight


def _rank(loss: float, coefficients: tuple[sp.Float, ...]) -> tuple[bool, int]:
    """Which of two forms is better: the one that keeps its digits, then the shorter."""
    return loss > _LARGEST_LOSS, len(coefficients)


def _variance(at: sp.Expr | int, bound: sp.Rational, shift: int) -> Callable[[mpf], mpf]:
    """The variance for an argument of the polynomial from 0, where it is 0 or ∞, to 1."""
    edge = mpmath.sqrt(mpf(bound.p) / bound.q)
    if at == 0:
        return lambda share: ((1 / edge + shift) / share - shift) ** -2
    return lambda share: ((edge + shift) / share - shift) ** 2


def _power_at(function: Callable[[mpf], mpf], at: sp.Expr | int) -> sp.Rational | None:
    """The exponent e, half of a whole number, with f ~ c q^e."""
    far = 1 / _FAR if at == 0 else _FAR
    near, farther = function(far), function(far * far)
    if not near or not farther or (near > 0) != (farther > 0):
        return None
    slope = mpmath.log(farther / near) / mpmath.log(far)
    twice = int(mpmath.nint(2 * slope))
    return sp.Rational(twice, 2) if abs(2 * slope - twice) < mpf(10) ** -8 else None


def _polynomial(
    function: Callable[[mpf], mpf],
    at: sp.Expr | int,
    variance: Callable[[mpf], mpf],
    exponent: sp.Rational,
    weight: int,
) -> tuple[float, tuple[sp.Float, ...]] | None:
    """By how much its terms outgrow it, and the coefficients of the shortest that is good."""
    power = mpf(exponent.p) / exponent.q

    def value(t: mpf) -> mpf:
        at_t = variance((1 + t) / 2)
        weighted = 1 + (at_t if at == 0 else 1 / at_t)
        return function(at_t) / at_t**power * weighted**weight

    series = chebyshev_series(value, _LONGEST)
    points = [mpf(k) / 20 for k in range(-19, 21)]
    sizes = [abs(value(t)) for t in points]
    allowed = min(sizes) * _NEGLIGIBLE
    length, rest = len(series), mpf(0)
    while length and rest + abs(series[length - 1]) <= allowed:
        rest += abs(series[length - 1])
        length -= 1
    if length == len(series):
        return None
    coefficients = monomials(series[:length])
    loss = max(
        mpmath.fsum(abs(c * t**k) for k, c in enumerate(coefficients)) / size
        for t, size in zip(points, sizes, strict=True)
    )
    return float(loss), tuple(sp.Float(c, 40) for c in coefficients)
