"""The fit: exact where it can be, near-best elsewhere, and its poles are noticed."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import flint
import pytest

from freejac.codegen.rational_fit import BITS, Fit, rational_fit
from freejac.symbolic.balls import working_bits


def fitted(
    function: Callable[[Any], Any], lead: int, degrees: tuple[int, int], scale: float = 1.0
) -> Fit:
    with working_bits(BITS):
        points = [flint.arb(10) ** (flint.arb(12 * k) / 89 - 6) for k in range(90)]
        values = [function(t) for t in points]
        fit = rational_fit(points, values, lead, degrees, flint.arb(scale))
    assert fit is not None
    return fit


def test_a_rational_function_is_found_exactly() -> None:
    fit = fitted(lambda t: t**2 * (3 + t) / (1 + 2 * t + 5 * t**2), 2, (1, 2))
    assert fit.error < 1e-80
    assert fit.one_signed
    assert [float(c) for c in fit.above] == [3.0, 1.0]
    assert [float(c) for c in fit.below] == [1.0, 2.0, 5.0]


@pytest.mark.parametrize("scale", [0.25, 1.0, 4.0])
def test_the_scale_need_not_be_exact(scale: float) -> None:
    fit = fitted(lambda t: 1 / (1 + t * t).sqrt(), 0, (13, 14), scale)
    assert fit.error < 1e-8


def test_errors_fall_by_the_same_factor_with_every_degree() -> None:
    # 1/√(1 + t²) has branch points at ±i: the convergence of best approximations is geometric.
    errors = [fitted(lambda t: 1 / (1 + t * t).sqrt(), 0, (n - 1, n)).error for n in (6, 9, 12, 15)]
    ratios = [late / early for early, late in pairwise(errors)]
    assert max(ratios) < 0.1
    assert errors[-1] < 1e-8


def test_a_pole_on_the_axis_is_noticed() -> None:
    assert not fitted(lambda t: 1 / (1 - t / 7), 0, (0, 1)).one_signed
    assert fitted(lambda t: -1 / (1 + t / 7), 0, (0, 1)).one_signed
