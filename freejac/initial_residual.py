"""σ_w of a residual network whose effective cumulant is a target."""

from __future__ import annotations

import math
from collections.abc import Callable

from freejac.initial_result import Initialisation
from freejac.networks import ResNet
from freejac.residual_signal import effective_cumulant
from freejac.symbolic.errors import Error, InputError
from freejac.symbolic.symbols import cumulant as cumulant_symbol

__all__ = ["residual"]

_CLOSE = 1e-15


def residual(
    phi: str, depth: int, weights: str, target: float, sigma_b: float, input_square: float
) -> Initialisation:
    """Choose σ_w so that the effective cumulant is the target."""
    if not (sigma_b >= 0 and math.isfinite(sigma_b)):
        raise InputError(f"sigma_b must be ≥ 0 and finite, not {sigma_b}")
    if not (input_square > 0 and math.isfinite(input_square)):
        raise InputError(f"the mean square of the input must be positive, not {input_square}")

    def first(weight: float) -> float:
        return weight**2 * input_square / depth + sigma_b**2

    def excess(log_weight: float) -> float:
        weight = math.exp(log_weight)
        found = float(effective_cumulant(phi, depth, weight, sigma_b, first(weight)))
        return math.log(found / target) if found > 0 else math.nan

    weight = math.exp(_root(excess, phi, target))
    law, number = ResNet(), float(effective_cumulant(phi, depth, weight, sigma_b, first(weight)))
    values = {cumulant_symbol: number}
    low, high, condition, mean, second, variance = (
        float(expr.subs(values).evalf())
        for expr in (
            *law.edges(),
            law.condition_number,
            law.moment(1),
            law.moment(2),
            law.variance,
        )
    )
    return Initialisation(
        phi,
        "residual",
        weights,
        depth,
        weight,
        sigma_b,
        first(weight),
        math.nan,
        math.nan,
        number,
        mean,
        second,
        variance,
        (low, high),
        (),
        condition,
        f"the effective cumulant is {target:g}, for an input of mean square {input_square:g}",
    )


def _root(excess: Callable[[float], float], phi: str, target: float) -> float:
    """Bracket log σ_w from below, and close in on it by the Illinois rule."""
    low = high = math.log(1e-2)
    f_low = f_high = excess(low)
    while f_high < 0 and high < math.log(1e3):
        low, f_low = high, f_high
        high += 0.5
        f_high = excess(high)
    if not f_low < 0 <= f_high:
        raise Error(
            f"no σ_w from 1/100 to 1000 gives {phi} the effective cumulant {target:g}: take one "
            "that is nearer to 1"
        )
    for _ in range(60):
        middle = (low * f_high - high * f_low) / (f_high - f_low)
        found = excess(middle)
        if abs(found) < _CLOSE or abs(high - low) < _CLOSE:
            return middle
        if found * f_high < 0:
            low, f_low = high, f_high
        else:
            f_low /= 2
        high, f_high = middle, found
    return high
