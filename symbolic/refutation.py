"""The search for a point at which a claim fails, in ball arithmetic.

>>> from freejac.symbolic.conditions import Domain
>>> x = sp.Symbol("x", real=True)
>>> evidence = examine(sp.sqrt(x**2), x, "==", Domain({x}, ()), samples=8, seed=0)
>>> print(evidence.counterexample)
at x = -2/3 the left side is 0.666666666667, the right side -0.666666666667
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass

import flint
import sympy as sp

from freejac.symbolic.balls import working_bits
from freejac.symbolic.conditions import Domain, Point, ball_of
from freejac.symbolic.enclosures import Ball, Enclosures, NoValue, as_acb, is_real_ball
from freejac.symbolic.kinks import has_kinks
from freejac.symbolic.normal_form import vanishes_on
from freejac.symbolic.time_limit import FAILURES, OutOfTime, at_most
from freejac.symbolic.verdict import Counterexample

__all__ = ["Evidence", "compared", "examine", "shown"]

_BITS = (80, 200)
_FAR_BITS = 1500
_SHOWN_DIGITS = 12
_SLOW = 0.1
_ENOUGH = 3
_SLOW_SEARCH = 0.4
_LONGEST = 5.0


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
        deadline: on the clock `time.process_time`.
    """
    tally = _Tally(left, right, relation, samples)
    try:
        with at_most(max(0.0, min(deadline - time.process_time(), _LONGEST))):
            for point in domain.points(random.Random(seed), 4 * samples):
                if tally.done >= samples or tally.take(point):
                    break
            for point in _borders(left, right, relation, domain):
                if tally.counterexample is not None or tally.take(point):
                    break
    except OutOfTime:
        tally.reason = "the values could not be computed in the time allowed"
    except (RecursionError, *FAILURES) as answer:
        tally.reason = f"no admissible point was found: {answer}"
    return tally.evidence()


class _Tally:
    """What the points tried so far have shown."""

    def __init__(self, left: sp.Expr, right: sp.Expr, relation: str, samples: int) -> None:
        self.sides, self.samples, self.began = (left, right, relation), samples, time.process_time()
        self.counterexample: Counterexample | None = None
        self.done, self.rigorous, self.reason = 0, True, "there is no admissible point"
        self.digits: int | None = None

    def take(self, point: Point) -> bool:
        """Try a point; whether that is enough."""
        try:
            outcome = compared(*self.sides, point, far=self.done < 2)
        except (RecursionError, *FAILURES) as answer:
            self.reason = f"no point where both sides have a value was found: {answer}"
            return self.elapsed > _LONGEST
        self.done += 1
        self.rigorous = self.rigorous and outcome.rigorous
        self.counterexample = outcome.counterexample
        if outcome.digits is not None:
            known = self.digits
            self.digits = outcome.digits if known is None else min(known, outcome.digits)
        slow = self.elapsed > (_SLOW_SEARCH if self.done >= _ENOUGH else 2 * _SLOW_SEARCH)
        return slow or self.counterexample is not None

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return time.process_time() - self.began

    def evidence(self) -> Evidence:
        """What it comes to."""
        reason = "" if self.done else self.reason
        digits = None if self.counterexample is not None else self.digits
        return Evidence(self.counterexample, digits, self.done, self.rigorous, reason)


def _borders(left: sp.Expr, right: sp.Expr, relation: str, domain: Domain) -> Iterator[Point]:
    """Special points, where something happens at them that random points would miss."""
    if relation in {"<", ">", "!="} or has_kinks(left) or has_kinks(right):
        yield from domain.special_points()


def compared(
    left: sp.Expr, right: sp.Expr, relation: str, point: Point, *, far: bool = False
) -> Evidence:
    """Compare the sides at one point, at more and more bits.

    Raises:
        NoValue: a side has no value there.
    """
    digits, rigorous, began = None, True, time.process_time()
    for bits in (*_BITS, _FAR_BITS) if far else _BITS:
        if bits == _FAR_BITS and not rigorous:
            break
        if time.process_time() - began > _SLOW:
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
    if relation in {"<", ">", "!="} and _are_equal(left, right, point):
        found = Counterexample(point, *shown(a, b), "the two are equal, exactly")
        return Evidence(found, samples=1, rigorous=True)
    return Evidence(None, digits, 1, rigorous)


def _are_equal(left: sp.Expr, right: sp.Expr, point: Point) -> bool:
    difference = (left - right).subs(point)
    return not difference.free_symbols and vanishes_on(difference, Domain((), ()))


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
    return max(0, _orders(abs(as_acb(a) - as_acb(b)).abs_upper(), _size(a, b)))


def _size(a: Ball, b: Ball) -> Ball:
    return max(abs(as_acb(a)).abs_upper(), abs(as_acb(b)).abs_upper())


def _orders(gap: Ball, size: Ball) -> int:
    """How many orders of magnitude a gap is below a size."""
    if gap == 0 or size == 0:
        return int(flint.ctx.prec * math.log10(2))
    ratio = float((gap / size).log()) / math.log(10)
    return int(-ratio) if math.isfinite(ratio) else 0


def shown(a: Ball, b: Ball) -> tuple[str, str]:
    """Both sides as decimals, with so many digits that they differ."""
    gap = abs(as_acb(a) - as_acb(b)).abs_lower()
    digits = max(_SHOWN_DIGITS, 3 + _orders(gap, _size(a, b)) if gap > 0 else 0)
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
