"""SymPy functions whose numbers come from ball arithmetic, with every digit certified.

A ball is a midpoint and a radius that holds every rounding error made so far. A function is
evaluated at more and more bits until the ball is as small as was asked for, so that cancellation
and ill-conditioned arguments cost time and never digits.

Source: F. Johansson, Arb: efficient arbitrary-precision midpoint-radius interval arithmetic,
IEEE Trans. Comput. 66 (2017) 1281; A. Ziv, ACM Trans. Math. Softw. 17 (1991) 410, for the retries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import pairwise
from typing import Any

import flint
import mpmath
import sympy as sp
from mpmath import mp

__all__ = ["BallFunction", "certified", "integral", "midpoint", "vanishes", "working_bits"]

_GUARD_BITS = 8
_FIRST_BITS = 40
_MOST = 32
_FEWEST_NODES = 20
_BISECTIONS = 30
_DEEPEST = 40
_SUSPICIOUS = 1e-30

Reader = Callable[[int], tuple[Any, ...]]


def certified(function: Callable[..., Any], read: Reader, prec: int) -> Any:
    """Evaluate a function to a relative error of 2^−prec.

    Args:
        function: takes the bits that are wanted and the arguments' balls to a ball.
        read: takes a number of bits to balls of the arguments, that good.
        prec: bits that are wanted.

    Returns:
        An mpmath number. Where the ball does not shrink (an exact zero that nothing recognised, or
        a number below every exponent) it is the midpoint at 32 times the bits.

    >>> value = certified(lambda _, one: one.exp(), lambda bits: (flint.arb(1),), 60)
    >>> print(mpmath.nstr(value, 15))
    2.71828182845905
    """
    goal = prec + _GUARD_BITS
    bits, most = goal + _FIRST_BITS, _MOST * (goal + _FIRST_BITS)
    while True:
        with working_bits(bits):
            ball = function(goal + _GUARD_BITS, *read(bits))
            good = ball.rel_accuracy_bits() if ball.is_finite() else 0
            if good >= goal or bits >= most:
                return midpoint(ball)
        # What is missing, or when nothing is known yet twice as much.
        bits = min(most, bits + (goal - good) + _GUARD_BITS if good > 0 else 2 * bits)


@contextmanager
def working_bits(bits: int) -> Iterator[None]:
    """Work at some bits of python-flint, for the length of a block."""
    saved = flint.ctx.prec
    flint.ctx.prec = bits
    try:
        yield
    finally:
        flint.ctx.prec = saved


def integral(function: Callable[[Any], Any], ends: Sequence[Any], goal: int) -> Any:
    """Integrate a positive smooth function by Gauss–Legendre panels, bisected where needed.

    Args:
        function: takes a real ball to a real ball; analytic inside every panel.
        ends: mpmath numbers between which the panels lie, in either order.
        goal: bits that are wanted, relative to the whole.

    Returns:
        A ball. Its radius holds the rounding errors and the size of the last Legendre
        coefficients, which is what the rule may have missed.
    """
    points, rows = _legendre_rule(_FEWEST_NODES + goal // 4, -(-flint.ctx.prec // 64) * 64)
    panels = list(pairwise(map(flint.arb, sorted(ends))))
    total, tolerance = flint.arb(0), flint.arb(2) ** (-goal - 2)
    for _ in range(_BISECTIONS):
        measured = []
        for a, b in panels:
            middle, half = (a + b) / 2, (b - a) / 2
            values = flint.arb_mat([[function(middle + half * t)] for t in points])
            parts = [part * half for part in (rows * values).entries()]
            measured.append((a, b, parts[0], max(abs(part.mid()) for part in parts[1:])))
        size = total + sum((part for _, _, part, _ in measured), flint.arb(0))
        panels = []
        for a, b, part, missed in measured:
            # Below the rounding errors, which more bits will mend, nothing can be seen.
            if missed <= tolerance * size or missed <= part.rad() or not part.is_finite():
                total += part + flint.arb(0, missed)
            else:
                panels += [(a, (a + b) / 2), ((a + b) / 2, b)]
        if not panels:
            return total
    return flint.arb("nan")


@lru_cache(maxsize=32)
def _legendre_rule(nodes: int, bits: int) -> tuple[list[Any], Any]:
    """Nodes, and the matrix of the weights and of what gives the last Legendre coefficients."""
    with working_bits(bits):
        pairs = [flint.arb.legendre_p_root(nodes, k, weight=True) for k in range(nodes)]
        rows = [[weight for _, weight in pairs]] + [
            [weight * root.legendre_p(nodes - back) for root, weight in pairs] for back in (1, 2, 3)
        ]
    return [root for root, _ in pairs], flint.arb_mat(rows)


def midpoint(ball: Any) -> Any:
    """Midpoint of a real or complex ball as an mpmath number, exactly."""
    if isinstance(ball, flint.acb):
        return mp.make_mpc((midpoint(ball.real)._mpf_, midpoint(ball.imag)._mpf_))
    if not ball.is_finite():
        return mp.nan
    mantissa, exponent = ball.mid().man_exp()
    return mp.make_mpf(mpmath.libmp.from_man_exp(int(mantissa), int(exponent)))


def _exact_ball(number: Any) -> Any:
    """The ball of radius 0 at a finite mpmath number."""
    if isinstance(number, mpmath.mpc):
        return flint.acb(flint.arb(number.real), flint.arb(number.imag))
    return flint.arb(number)


def _ball_around(expr: sp.Expr, bits: int) -> Any:
    """A ball that holds an expression's value, as small as SymPy's evaluation makes it.

    Raises:
        ValueError: the expression has no finite value.
    """
    digits = mpmath.libmp.prec_to_dps(bits) + 2
    value = expr.evalf(digits, maxn=_DEEPEST * digits)
    real, imag = value.as_real_imag()
    if not all(part.is_Rational or part.is_Float for part in (real, imag)):
        raise ValueError(f"{expr} has no finite value")
    parts = [_float_ball(part, bits) for part in (real, imag)]
    return parts[0] if imag == 0 else flint.acb(*parts)


def _float_ball(value: sp.Expr, bits: int) -> Any:
    number = flint.arb(mpmath.mpmathify(value._to_mpmath(bits)))
    # A Float says how many of its bits are good.
    return flint.arb(number, abs(number) * flint.arb(2) ** (2 - min(bits, value._prec)))


class BallFunction(sp.Function):
    """A function with `ball`, from which its numbers come, in SymPy and in code for mpmath."""

    takes_complex = False

    @staticmethod
    def parts(*args: Any) -> tuple[Any, ...]:
        """What `ball` needs of the arguments, as expressions or balls alike.

        A sum that may cancel is named here: SymPy adds exactly.
        """
        return args

    @staticmethod
    def contains(*parts: Any) -> bool:
        """Tell whether the function has a value of its own at balls of the parts."""
        return True

    @staticmethod
    def ball(goal: int, *parts: Any) -> Any:
        """Value at balls, at the working precision of python-flint.

        Args:
            goal: bits that are wanted of the result.
            parts: real balls of the parts, or complex ones when `takes_complex`.
        """
        raise NotImplementedError

    def _eval_evalf(self, prec: int) -> sp.Expr | None:
        if not all(arg.is_number for arg in self.args):
            return None
        parts = self.parts(*self.args)
        try:
            value = self._value(lambda bits: tuple(_ball_around(p, bits) for p in parts), prec)
        except ValueError:  # an argument without a finite value
            return None
        return None if value is None else sp.Expr._from_mpmath(value, prec)

    @classmethod
    def _value(cls, read: Reader, prec: int) -> Any | None:
        parts = read(prec + _FIRST_BITS)
        if not cls.takes_complex and any(isinstance(part, flint.acb) for part in parts):
            return None
        return certified(cls.ball, read, prec) if cls.contains(*parts) else None

    @classmethod
    def _imp_(cls, *args: Any) -> Any:
        """Value at mpmath numbers, at mpmath's working precision; `lambdify` looks for the name."""
        numbers = [mpmath.mpmathify(arg) for arg in args]
        value = None
        if all(map(mpmath.isfinite, numbers)):
            balls = tuple(map(_exact_ball, numbers))
            value = cls._value(lambda _: cls.parts(*balls), mp.prec)
        if value is not None:
            return +value
        # Where an argument is infinite or on the border, `eval` knows the value.
        exact = cls(*map(_exact_number, numbers))
        return mp.nan if exact.has(cls) else mpmath.mpmathify(exact._to_mpmath(mp.prec))


def vanishes(expr: sp.Expr) -> bool:
    """Tell whether an expression is known to be 0; for numbers sooner than SymPy's own test.

    >>> vanishes(sp.sqrt(2) - 1), vanishes(sp.S.Zero)
    (False, True)
    """
    if expr.is_Rational:
        return bool(expr == 0)
    if expr.is_number:
        value = expr.evalf(15)
        if value.is_Float and abs(value) > _SUSPICIOUS:
            return False
    return bool(expr.is_zero)


def _exact_number(number: Any) -> sp.Expr:
    """The SymPy number that an mpmath number is."""
    if isinstance(number, mpmath.mpc):
        return _exact_number(number.real) + sp.I * _exact_number(number.imag)
    if mpmath.isfinite(number):
        return sp.Rational(*map(int, mpmath.libmp.to_rational(number._mpf_)))
    return sp.nan if mpmath.isnan(number) else sp.oo * mpmath.sign(number)
