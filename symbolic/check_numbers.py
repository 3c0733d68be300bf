"""Claims about numbers: what a program returned, and what a simulation measured.

>>> check_value(3.1416, sp.pi, tolerance=1e-5).status
'proved'
>>> check_estimate(0.52, 0.01, sp.Rational(1, 2)).status
'not refuted'
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import flint
import sympy as sp

from freejac.symbolic.balls import working_bits
from freejac.symbolic.check import Side, as_side
from freejac.symbolic.enclosures import Enclosures, NoValue, is_real_ball, rational_ball
from freejac.symbolic.errors import InputError
from freejac.symbolic.refutation import shown
from freejac.symbolic.rounded import rounded
from freejac.symbolic.verdict import Counterexample, Status, Verdict, weakest

__all__ = ["check_estimate", "check_sample", "check_value"]

_BITS = 200


def check_value(
    computed: Any,
    exact: Side | Sequence[Side],
    *,
    tolerance: float | None = None,
    relative: bool = False,
    claim: str = "",
) -> Verdict:
    """Check what numerical code returned against an exact value.

    Args:
        computed: a number, text of a decimal, a sequence of them, or a function of no argument that
            returns one.
        exact: the exact value, or as many of them.
        tolerance: largest difference allowed. If left out, half a unit of the last digit that is
            shown of the computed value.
        relative: whether the tolerance is relative to the exact value.
        claim: in words or as a formula, for the report.

    Returns:
        Proved if an enclosure of the exact value lies within the tolerance, refuted if outside.

    Raises:
        InputError: not as many values as exact ones, or no number.

    >>> check_value(["0.333", "0.6667"], ["1/3", "2/3"]).status
    'proved'
    >>> print(check_value(lambda: 0.25, "1/3", tolerance=0.01).counterexample)
    the left side is 0.250000000000, the right side 0.333333333333 (they differ by more than 0.01)
    """
    returned = computed() if callable(computed) and not isinstance(computed, sp.Basic) else computed
    if isinstance(exact, (list, tuple)):
        values = list(returned)
        if len(values) != len(exact):
            raise InputError(f"{len(values)} values were computed, {len(exact)} are exact")
        pairs = zip(values, exact, strict=True)
        steps = [_one_value(value, side, tolerance, relative, "") for value, side in pairs]
        return weakest(claim or "every value", tuple(steps), "value")
    return _one_value(returned, exact, tolerance, relative, claim)


def _one_value(
    value: Any, exact: Side, tolerance: float | None, relative: bool, claim: str
) -> Verdict:
    number, unit = rounded(value)
    side = as_side(exact, {})
    named = claim or f"{value} ≈ {side}"
    with working_bits(_BITS):
        balls = Enclosures({}, {})
        try:
            ball = balls.of(side)
        except NoValue as answer:
            return Verdict("undecided", named, f"no value: {answer}")
        if not is_real_ball(ball):
            return Verdict("undecided", named, f"{side} is not real")
        given = rational_ball(number)
        allowed = rational_ball(unit) if tolerance is None else flint.arb(tolerance)
        if relative:
            allowed *= abs(ball)
        gap = abs(given - ball)
        way = "ball arithmetic" if balls.rigorous else "mpmath at two precisions"
        if gap > allowed:
            note = f"they differ by more than {float(allowed):.3g}"
            found = Counterexample({}, *shown(given, ball), note)
            return Verdict("refuted", named, way, found, left=side)
        if gap <= allowed and balls.rigorous:
            return Verdict("proved", named, f"{way}, within {float(allowed):.3g}", left=side)
        status: Status = "not refuted" if gap <= allowed else "undecided"
        return Verdict(status, named, f"{way}, within {float(allowed):.3g}", samples=1)


def check_estimate(
    estimate: float,
    error: float,
    exact: Side,
    *,
    significance: float = 1e-3,
    bias: float = 0.0,
    claim: str = "",
) -> Verdict:
    """Check an estimate with its standard error against a theory's value.

    Args:
        estimate: what was measured.
        error: its standard error, positive.
        exact: the theory's value.
        significance: probability of refuting a true claim.
        bias: systematic difference to allow for, such as that of a finite width.
        claim: in words or as a formula, for the report.

    Returns:
        Refuted or not refuted at that significance; never proved.

    Raises:
        InputError: the error is not positive, or a number is not finite.

    >>> check_estimate(0.6, 0.01, "1/2").status
    'refuted'
    """
    numbers = [float(number) for number in (estimate, error, bias)]
    if not all(map(math.isfinite, numbers)) or not error > 0 or bias < 0:
        raise InputError("an estimate is finite, its standard error positive")
    value = float(as_side(exact, {}).evalf(30))
    distance = max(0.0, abs(numbers[0] - value) - numbers[2]) / numbers[1]
    chance = math.erfc(distance / math.sqrt(2))
    named = claim or f"{estimate:.6g} ± {error:.2g} estimates {exact}"
    method = f"{distance:.2f} standard errors apart, p = {chance:.2g}"
    if chance < significance:
        found = Counterexample({}, f"{estimate:.8g} ± {error:.2g}", f"{value:.8g}")
        return Verdict("refuted", named, f"{method} < {significance:g}", found)
    return Verdict("not refuted", named, f"{method} ≥ {significance:g}", samples=1)


def check_sample(
    sample: Iterable[float],
    cdf: Callable[[float], float],
    *,
    significance: float = 1e-3,
    bias: float = 0.0,
    claim: str = "",
) -> Verdict:
    """Check a sample against a distribution function, by Kolmogorov and Smirnov's distance.

    The eigenvalues of one matrix repel each other: their distance is smaller than that of
    independent numbers, so that the test refutes a true law more rarely than it says.

    Args:
        sample: the numbers.
        cdf: the theory's distribution function, continuous.
        significance: probability of refuting a true claim about independent numbers.
        bias: systematic distance to allow for, such as that of a finite width.
        claim: in words or as a formula, for the report.

    Returns:
        Refuted or not refuted at that significance; never proved.

    Raises:
        InputError: the sample is empty.

    Source: Kolmogorov (1933); the series for the p-value with Stephens' correction (1970).

    >>> check_sample([k / 100 for k in range(1, 100)], lambda t: t).status
    'not refuted'
    """
    values = sorted(map(float, sample))
    count = len(values)
    if not count:
        raise InputError("the sample is empty")
    theory = [float(cdf(value)) for value in values]
    steps = [max(u - k / count, (k + 1) / count - u) for k, u in enumerate(theory)]
    worst = max(range(count), key=steps.__getitem__)
    distance = max(0.0, steps[worst] - bias)
    scaled = (math.sqrt(count) + 0.12 + 0.11 / math.sqrt(count)) * distance
    chance = _kolmogorov(scaled)
    named = claim or f"{count} numbers follow the distribution"
    method = f"distance {steps[worst]:.3g} of {count} numbers, p = {chance:.2g}"
    if chance < significance:
        left, right = f"{(worst + 1) / count:.6g}", f"{theory[worst]:.6g}"
        note = "distribution functions, sampled and claimed"
        place = {sp.Symbol("t"): f"{values[worst]:.6g}"}
        found = Counterexample(place, left, right, note)
        return Verdict("refuted", named, f"{method} < {significance:g}", found)
    return Verdict("not refuted", named, f"{method} ≥ {significance:g}", samples=count)


def _kolmogorov(t: float) -> float:
    if t < 0.2:
        return 1.0
    total = sum((-1) ** (k - 1) * math.exp(-2 * (k * t) ** 2) for k in range(1, 101))
    return min(1.0, max(0.0, 2 * total))
