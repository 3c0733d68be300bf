"""A mean as a number or a power of q, and a quotient of polynomials in what it is analytic in.

The quotient is fitted to values in many digits (see `curve_fit`), and taken where its coefficients
have one sign: nothing cancels. Where the mean is a short number at an end, that number is added in
the code, and the quotient, with its roundings, is what is left. Where v is a root less a number,
the quotient is written in the root if next to nothing cancels there: even and odd parts of
polynomials in a root need its square alone, so they do not wait for the root to be taken.

>>> from freejac.symbolic.symbols import q
>>> root = sp.sqrt(1 + q)
>>> variable = Variable(root - 1, lambda v: v * (v + 2), (-4, 13), product=q, root=(root, mpf(1)))
>>> with mpmath.workdps(150):
...     form = fitted(lambda t: mpmath.asin(t / (2 + t)) / t, sp.S.One, variable)
>>> form.atoms(Quotient).pop().args[0]
sqrt(q + 1)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TypeAlias

import flint
import mpmath
import sympy as sp
from mpmath import mpf

from freejac.codegen.curve_fit import GOAL, Curve, best_quotient, in_doubles, nodes
from freejac.codegen.quotient import Quotient
from freejac.codegen.rational_fit import BITS, Fit
from freejac.symbolic.balls import working_bits
from freejac.symbolic.symbols import q

__all__ = ["LARGEST_DEGREE", "TINY", "Function", "Variable", "exponent", "fitted"]

LARGEST_DEGREE = 20
TINY = mpf(10) ** -40
"""A v that stands for 0, as does its inverse for infinity."""
_SETTLED = mpf(10) ** -2
_FITTED = 1e-16
"""The largest error between the nodes: half of what doubles round to."""
_LOST = mpf(2) ** -8
"""What may cancel, as a share of a polynomial: its rounding is not seen."""
_SAME_START = mpf(10) ** -30
_SHORT = 64
"""Denominator of numbers that no rounding is needed for."""
_WHOLE = 1.1

Function: TypeAlias = Callable[[mpf], mpf]


@dataclass(frozen=True)
class Variable:
    """What polynomials are taken in.

    Attributes:
        expr: v as an expression in q.
        variance: q of v.
        decades: exponents of ten between which v is fitted.
        count: nodes in each of them: more where all bends of the mean fall into a few.
        product: v (v + 2) if that is simpler than v, whose roundings are seen at v = 0.
        most: the largest degree.
        root: a root r, and the number a, with v = r − a.
    """

    expr: sp.Expr
    variance: Function
    decades: tuple[int, int]
    count: int = 32
    product: sp.Expr | None = None
    most: int = LARGEST_DEGREE
    root: tuple[sp.Expr, mpf] | None = None


def exponent(first: mpf, second: mpf, low: mpf, high: mpf) -> int | None:
    """The whole power of the argument as which a function goes between two close points."""
    if not first or not second or (first > 0) != (second > 0):
        return None
    slope = mpmath.log(second / first) / mpmath.log(high / low)
    whole = int(mpmath.nint(slope))
    return whole if abs(slope - whole) <= _SETTLED else None


def fitted(function: Function, lead: sp.Expr, variable: Variable) -> sp.Expr | None:
    """The expression `lead` times a quotient of values ≠ 0 at v = 0; None where none is good."""
    factor = sp.lambdify(q, lead, "mpmath")

    def ratio(v: mpf) -> mpf:
        at = variable.variance(v)
        return mpf(function(at)) / factor(at)

    places = nodes(variable.decades, variable.count)
    values = [ratio(v) for v in places]
    if any(not value or (value > 0) != (values[0] > 0) for value in values):
        return None
    first = exponent(*values[:2], *places[:2])
    last = exponent(*values[-2:], *places[-2:])
    if first != 0 or last is None:
        return None
    with working_bits(BITS):
        curve = Curve([flint.arb(v) for v in places], [flint.arb(v) for v in values])
        fit = best_quotient(curve, 0, last, most=variable.most, thorough=True)
    if fit is None or fit.error > GOAL:
        return None
    between = [mpmath.sqrt(a * b) for a, b in pairwise(places)]
    if not _is_good(fit, between, [ratio(v) for v in between]):
        return None
    ends = ((TINY, variable.expr), (1 / TINY, sp.S.One)) if last == 0 else ()
    for at, power in sorted(ends, key=lambda end: _share(values, ratio(end[0]))):
        start, rest = _apart(fit, ratio(at), power.has(q))
        if start and _share(values, start) < 1:
            if not power.has(q) or variable.product is None:
                return lead * (sp.Rational(start) + power * _quotient(variable, rest))
            number, product = variable.product.as_coeff_Mul()
            shared = _quotient(variable, _over_two_more(rest, number))
            return lead * (sp.Rational(start) + product * shared)
    return lead * _quotient(variable, fit)


def _over_two_more(fit: Fit, number: sp.Rational) -> Fit:
    """A number times a quotient, divided by v + 2."""
    with working_bits(BITS):
        above = tuple((flint.arb(number.p) / number.q * c).mid() for c in fit.above)
        below = flint.arb_poly(list(fit.below)) * flint.arb_poly([2, 1])
        return Fit(fit.error, above, tuple(c.mid() for c in below.coeffs()))


def _quotient(variable: Variable, fit: Fit) -> Quotient:
    """The quotient in v, or in the root that v is made of if it cannot cancel there either.

    The even and the odd parts of polynomials in a root need its square alone: they do not wait for
    the root to be taken.
    """
    v = variable.expr
    if variable.root is not None:
        root, start = variable.root
        moved = _moved(fit, start)
        v, fit = (root, moved) if _adds_up(moved, start) else (v, fit)
    above, below = in_doubles(fit)
    return Quotient(v, len(above), *(sp.Float(c, 40) for c in (*above, *below)))


def _adds_up(fit: Fit, start: mpf) -> bool:
    """Whether nothing is lost in either polynomial from some argument on.

    In the argument over that number, let all sums of coefficients from the last on be positive, and
    what is negative be little of them all: it is less of the polynomial the larger the argument is.
    """
    for side in (fit.above, fit.below):
        shares = [mpf(c.str(40, radius=False)) * start**k for k, c in enumerate(side)]
        lost = mpmath.fsum(c for c in shares if c < 0)
        if min(accumulate(reversed(shares))) <= 0 or -lost > _LOST * mpmath.fsum(shares):
            return False
    return True


def _moved(fit: Fit, start: mpf) -> Fit:
    """P(r − a)/Q(r − a) as a quotient in r."""
    with working_bits(BITS):
        shift = flint.arb_poly([-flint.arb(start), 1])
        above, below = (flint.arb_poly(list(side))(shift) for side in (fit.above, fit.below))
        sides = (tuple(c.mid() for c in side.coeffs()) for side in (above, below))
        return Fit(fit.error, *sides)


def _share(values: Sequence[mpf], start: mpf) -> float:
    """What a number leaves of values, as a share of them: so much of their roundings is seen."""
    shares = [float(abs(1 - start / value)) for value in values]
    return math.inf if max(shares) > _WHOLE else math.fsum(shares) / len(shares)


def _apart(fit: Fit, start: mpf, at_0: bool) -> tuple[float, Fit]:
    """A quotient as its value c at v = 0 or ∞ and the rest R: c + v R, or c + R.

    c is 0, and R the quotient, where c needs rounding, or R has coefficients of both signs.
    """
    short = float(mpmath.nint(start * _SHORT) / _SHORT)
    if abs(short - start) > _SAME_START * abs(start):
        return 0.0, fit
    with working_bits(BITS):
        rest = [(a - short * b).mid() for a, b in zip(fit.above, fit.below, strict=True)]
    apart = Fit(fit.error, tuple(rest[1:] if at_0 else rest[:-1]), fit.below)
    return (short, apart) if apart.one_signed else (0.0, fit)


def _is_good(fit: Fit, places: Sequence[mpf], values: Sequence[mpf]) -> bool:
    """Whether it is as good at other places than those of the fit."""
    with working_bits(BITS):
        above, below = flint.arb_poly(list(fit.above)), flint.arb_poly(list(fit.below))
        pairs = [(flint.arb(v), flint.arb(value)) for v, value in zip(places, values, strict=True)]
        return all(abs(float(above(v) / (below(v) * y) - 1)) <= _FITTED for v, y in pairs)
