"""The search for a point at which a claim fails, in ball arithmetic.

>>> from freejac.symbolic.conditions import Domain
>>> x = sp.Symbol("x", real=True)
>>> evidence = examine(sp.sqrt(x**2), x, "==", Domain({x}, ()), samples=8, seed=0)
>>> print(evidence.counterexample)
at x = -32/19 the left side is 1.68421052632, the right side -1.68421052632
"""

from __future__ import annotations

import math
import random
import time
from dataclasses import dataclass

import flint
import sympy as sp

from freejac.symbolic.balls import working_bits
from freejac.symbolic.conditions import Domain, Point, ball_of
from freejac.symbolic.enclosures import Ball, Enclosures, NoValue, as_acb, is_real_ball
from freejac.symbolic.verdict import Counterexample

__all__ = ["Evidence", "compared", "examine", "shown"]

_BITS = (80, 200)
_FAR_BITS = 1500
_SHOWN_DIGITS = 12
_SLOW = 0.1
_ENOUGH = 3
_SLOW_SEARCH = 0.4


@dataclass(frozen=True)
class Evidence:
    """What trying admissible points gave.

    Attributes:
        counterexample: a point where the claim fails for certain, or None.
        digits: significant digits to which the sides agree everywhere.
        samples: points at which both sides have values.
        rigorous: whether every enclosure was by ball arithmetic.
        reason: if nothing could be tried, why.
    """

    counterexample: Counterexample | None = None
    digits: int | None = None
    samples: int = 0
    rigorous: bool = True
    reason: str = ""


def examine(
    left: sp.Expr,
    right: sp.Expr,
    relation: str,
    domain: Domain,
    *,
    samples: int,
    seed: int,
    deadline: float = math.inf,
) -> Evidence:
    """Try points until one refutes the claim.

    Args:
        left: the left side.
        right: the right side.
        relation: between them.
        domain: the admissible points.
        samples: how many are wanted at which both sides have a value.
        seed: of the random points.
        deadline: on the clock `time.monotonic`.
    """
    rng, began = random.Random(seed), time.monotonic()
    done, digits, rigorous, reason = 0, None, True, "there is no admissible point"
    for point in domain.points(rng, 4 * samples):
        elapsed = time.monotonic() - began
        if done >= samples or (done and time.monotonic() > deadline):
            break
        if done >= _ENOUGH and elapsed > _SLOW_SEARCH:
            break
        try:
            outcome = compared(left, right, relation, point, far=done < 2)
        except NoValue as answer:
            reason = f"no point where both sides have a value was found: {answer}"
            continue
        done += 1
        rigorous = rigorous and outcome.rigorous
        if outcome.counterexample is not None:
            return Evidence(outcome.counterexample, samples=done, rigorous=outcome.rigorous)
        if outcome.digits is not None:
            digits = outcome.digits if digits is None else min(digits, outcome.digits)
    return Evidence(None, digits, done, rigorous, "" if done else reason)


def compared(
    left: sp.Expr, right: sp.Expr, relation: str, point: Point, *, far: bool = False
) -> Evidence:
    """Compare the sides at one point, at more and more bits.

    Raises:
        NoValue: a side has no value there.
    """
    digits, rigorous, began = None, True, time.monotonic()
    for bits in (*_BITS, _FAR_BITS) if far else _BITS:
        if bits == _FAR_BITS and not rigorous:
            break
        if time.monotonic() - began > _SLOW:
            break
        with working_bits(bits):
            balls = Enclosures({s: ball_of(v) for s, v in point.items()}, point)
            a, b = balls.of(left), balls.of(right)
            rigorous = balls.rigorous
            if _fails(a, b, relation):
                note = "" if rigorous else f"by mpmath at two precisions, {bits} bits"
                found = Counterexample(point, *shown(a, b), note)
                return Evidence(found, samples=1, rigorous=rigorous)
            if _holds(a, b, relation):
                return Evidence(None, None, 1, rigorous)
            digits = _agreement(a, b)
    return Evidence(None, digits, 1, rigorous)


def _fails(a: Ball, b: Ball, relation: str) -> bool:
    if relation == "==":
        return not as_acb(a).overlaps(as_acb(b))
    if relation == "!=":
        return bool(a == b)
    if not (is_real_ball(a) and is_real_ball(b)):
        raise NoValue("a side is not real")
    if relation in {"<=", "<"}:
        return bool(a > b) or (relation == "<" and bool(a == b))
    return bool(a < b) or (relation == ">" and bool(a == b))


def _holds(a: Ball, b: Ball, relation: str) -> bool:
    if relation == "==":
        return False
    if relation == "!=":
        return not as_acb(a).overlaps(as_acb(b))
    return bool(a < b) if relation in {"<=", "<"} else bool(a > b)


def _agreement(a: Ball, b: Ball) -> int:
    """Significant digits to which overlapping balls are known to agree."""
    gap = abs(as_acb(a) - as_acb(b)).abs_upper()
    size = max(abs(as_acb(a)).abs_upper(), abs(as_acb(b)).abs_upper())
    if size == 0 or gap == 0:
        return int(flint.ctx.prec * math.log10(2))
    return max(0, int(-float((gap / size).log()) / math.log(10)))


def shown(a: Ball, b: Ball) -> tuple[str, str]:
    """Both sides as decimals, with so many digits that they differ."""
    gap = abs(as_acb(a) - as_acb(b)).abs_lower()
    size = max(abs(as_acb(a)).abs_upper(), abs(as_acb(b)).abs_upper())
    needed = 3 - int(float((gap / size).log()) / math.log(10)) if gap > 0 else 0
    digits = max(_SHOWN_DIGITS, needed)
    return _decimal(a, digits), _decimal(b, digits)


def _decimal(ball: Ball, digits: int) -> str:
    """A decimal that the ball determines to its last digit, or the ball itself."""
    if isinstance(ball, flint.acb):
        real, imaginary = _decimal(ball.real, digits), _decimal(ball.imag, digits)
        if ball.imag == 0:
            return real
        join = "" if imaginary.startswith("-") else "+"
        return f"{imaginary}i" if ball.real == 0 else f"{real} {join}{imaginary}i"
    if ball.rad() == 0 and (whole := ball.unique_fmpz()) is not None:
        return str(int(whole))
    return str(ball.str(digits, radius=ball.rel_accuracy_bits() < digits * 3.4))
