"""Functions and constants that python-flint encloses, and the kinds of balls.

>>> import sympy as sp
>>> REAL[sp.erf](flint.arb(1)).overlaps(1 - REAL[sp.erfc](flint.arb(1)))
True
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import flint
import sympy as sp

from freejac.symbolic.functions import Phi, sigmoid, softplus

__all__ = [
    "CONSTANTS",
    "CUT",
    "REAL",
    "Ball",
    "NoValue",
    "analytic",
    "as_acb",
    "is_real_ball",
    "logarithm",
    "power_of_zero",
    "rational_ball",
    "root",
    "with_cut",
]

Ball: TypeAlias = Any
"""flint.arb or flint.acb"""

REAL: dict[Any, Callable[[Ball], Ball]] = {
    sp.exp: lambda t: t.exp(),
    sp.sin: lambda t: t.sin(),
    sp.cos: lambda t: t.cos(),
    sp.tan: lambda t: t.tan(),
    sp.cot: lambda t: t.cot(),
    sp.sec: lambda t: t.sec(),
    sp.csc: lambda t: t.csc(),
    sp.sinh: lambda t: t.sinh(),
    sp.cosh: lambda t: t.cosh(),
    sp.tanh: lambda t: t.tanh(),
    sp.coth: lambda t: t.coth(),
    sp.sech: lambda t: t.sech(),
    sp.csch: lambda t: t.csch(),
    sp.asinh: lambda t: t.asinh(),
    sp.erf: lambda t: t.erf(),
    sp.erfc: lambda t: t.erfc(),
    sp.erfi: lambda t: t.erfi(),
    sp.gamma: lambda t: t.gamma(),
    sp.loggamma: lambda t: t.lgamma(),
    sp.zeta: lambda t: t.zeta(),
    sp.atan: lambda t: t.atan(),
    sp.factorial: lambda t: (t + 1).gamma(),
    sp.sinc: lambda t: t.sinc(),
    Phi: lambda t: (-t / flint.arb(2).sqrt()).erfc() / 2,
    sigmoid: lambda t: 1 / (1 + (-t).exp()),
    softplus: lambda t: (1 + t.exp()).log(),
}
"""Functions that are analytic where their argument is a real ball (softplus: there alone)."""
CUT: dict[Any, tuple[str, Callable[[Ball], bool]]] = {
    sp.asin: ("asin", lambda t: abs(t) <= 1),
    sp.acos: ("acos", lambda t: abs(t) <= 1),
    sp.acosh: ("acosh", lambda t: t >= 1),
    sp.atanh: ("atanh", lambda t: abs(t) < 1),
}
"""Functions with a cut on the real line, and where they are real."""
CONSTANTS: dict[sp.Basic, Callable[[], Ball]] = {
    sp.pi: flint.arb.pi,
    sp.E: flint.arb.const_e,
    sp.EulerGamma: flint.arb.const_euler,
    sp.Catalan: flint.arb.const_catalan,
    sp.GoldenRatio: lambda: (1 + flint.arb(5).sqrt()) / 2,
}


class NoValue(ArithmeticError):  # noqa: N818 (an answer)
    """There is no finite value at the point, or none that can be told."""


def rational_ball(value: sp.Rational) -> Ball:
    """The ball of a rational number."""
    return flint.arb(flint.fmpq(int(value.p), int(value.q)))


def as_acb(ball: Ball) -> Ball:
    """The same as a complex ball."""
    return ball if isinstance(ball, flint.acb) else flint.acb(ball)


def is_real_ball(ball: Ball) -> bool:
    """Whether the ball holds real numbers alone."""
    return isinstance(ball, flint.arb) or (ball.imag == 0 and ball.imag.rad() == 0)


def with_cut(head: Any, ball: Ball) -> Ball:
    """The value of a function of `CUT`.

    Raises:
        NoValue: the argument may be on the cut.
    """
    name, is_real = CUT[head]
    if is_real_ball(ball):
        if is_real(ball):
            return getattr(flint.arb, name)(ball)
        raise NoValue(f"{name} on its cut")  # conventions differ there
    if ball.imag.contains(0):
        raise NoValue(f"{name} may be on its cut")
    return getattr(flint.acb, name)(ball)


def analytic(head: Any, ball: Ball) -> Ball:
    """The value of a function of `REAL`.

    Raises:
        NoValue: it is not analytic there.
    """
    if head is softplus and not is_real_ball(ball):
        raise NoValue("softplus of a complex number")
    if head in (sp.atan,) and not is_real_ball(ball) and ball.real.contains(0):
        raise NoValue("atan on its cut")  # conventions differ there
    if head in (sp.gamma, sp.loggamma, sp.factorial) and not is_real_ball(ball):
        return REAL[head](ball)
    if head is sp.loggamma and not ball > 0:
        raise NoValue("log Γ of a number that is not positive")
    return REAL[head](ball)


def power_of_zero(power: Ball) -> Ball:
    """0 to a power, which is 0 where its real part is positive.

    Raises:
        NoValue: it is not.
    """
    if as_acb(power).real > 0:
        return flint.arb(0)
    raise NoValue("0 to a power that is not positive")


def root(ball: Ball) -> Ball:
    """The principal square root."""
    if is_real_ball(ball):
        if ball >= 0:
            return ball.sqrt()
        if ball < 0:
            return flint.acb(0, (-ball).sqrt())
    return as_acb(ball).sqrt()


def logarithm(ball: Ball) -> Ball:
    """The principal logarithm.

    Raises:
        NoValue: the argument may vanish.
    """
    if is_real_ball(ball):
        if ball > 0:
            return ball.log()
        if ball < 0:
            return flint.acb((-ball).log(), flint.arb.pi())
    if ball.contains(0):
        raise NoValue("the logarithm of what may vanish")
    return as_acb(ball).log()
