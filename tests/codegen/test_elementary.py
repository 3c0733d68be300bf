"""The kernels' own elementary and error functions: at most two units in the last place anywhere."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import mpmath
import numpy as np
import pytest
from mpmath import mp, mpf

from freejac.codegen.elementary import interpolant, polynomials
from freejac.codegen.filling import environment, preamble
from freejac.codegen.load import load_text

MODULE = """import math

import numpy as np
from numba import njit
{% from "helpers.jinja" import helper %}
{% for name in names %}


{{ helper(name) }}
{% endfor %}
"""
INF, NAN = math.inf, math.nan
TINY = 5e-324


def spread(low: float, high: float, count: int) -> list[float]:
    """Evenly in the logarithm, never on powers of two or ten."""
    steps = (np.arange(count) + 0.381966) / count
    return [float(v) for v in np.exp(np.log(low) + steps * (np.log(high) - np.log(low)))]


def evenly(low: float, high: float, count: int) -> list[float]:
    return [low + (high - low) * (k + 0.381966) / count for k in range(count)]


def both(points: list[float]) -> list[float]:
    return points + [-p for p in points]


def scaled_tail(t: mpf) -> mpf:
    if t < 1e5:
        return mpmath.exp(t * t) * mpmath.erfc(t)
    return (1 - 1 / (2 * t * t)) / (t * mpmath.sqrt(mp.pi))


Points = Callable[[int], list[float]]
# Oracle, points, and special values: argument and result.
CASES: dict[str, tuple[Callable[[mpf], mpf], Points, dict[float, float]]] = {
    "_exp": (
        mpmath.exp,
        lambda n: evenly(-745, -708, n) + evenly(-708, 709.7, n) + both(spread(1e-20, 3, n)),
        {0.0: 1.0, INF: INF, -INF: 0.0, 710.0: INF, -746.0: 0.0, 1e300: INF, -1e300: 0.0},
    ),
    "_exp_addend": (
        mpmath.exp,
        lambda n: evenly(-700, 0, n) + [-v for v in spread(1e-20, 3, n)],
        {0.0: 1.0, -INF: math.exp(-700.0), -1e300: math.exp(-700.0)},
    ),
    "_expm1": (
        mpmath.expm1,
        lambda n: evenly(-45, 709.7, n) + evenly(-2, 2, n) + both(spread(1e-300, 3, n)),
        {0.0: 0.0, INF: INF, -INF: -1.0, 710.0: INF, TINY: TINY},
    ),
    "_log": (
        mpmath.log,
        lambda n: spread(TINY, 2e-308, n) + spread(1e-300, 1e308, n) + spread(0.2, 5, n),
        {1.0: 0.0, 0.0: -INF, INF: INF, -1.0: NAN, -INF: NAN},
    ),
    "_log1p": (
        mpmath.log1p,
        lambda n: both(spread(1e-300, 0.999, n)) + spread(0.1, 1e308, n) + evenly(-0.999, 2, n),
        {0.0: 0.0, -1.0: -INF, INF: INF, -2.0: NAN, TINY: TINY},
    ),
    "_atan": (
        mpmath.atan,
        lambda n: both(spread(1e-300, 1e300, n)) + evenly(-3, 3, n),
        {0.0: 0.0, INF: math.pi / 2, -INF: -math.pi / 2, TINY: TINY},
    ),
    "_asin": (
        mpmath.asin,
        lambda n: both(spread(1e-300, 1, n)) + evenly(-1, 1, n),
        {0.0: 0.0, 1.0: math.pi / 2, -1.0: -math.pi / 2, 1.0 + 1e-15: NAN},
    ),
    "_acos": (
        mpmath.acos,
        lambda n: (
            both(spread(1e-300, 1, n)) + evenly(-1, 1, n) + [1 - v for v in spread(1e-15, 1, n)]
        ),
        {0.0: math.pi / 2, 1.0: 0.0, -1.0: math.pi, -1.0 - 1e-15: NAN},
    ),
    "_tanh": (
        mpmath.tanh,
        lambda n: both(spread(1e-300, 30, n)) + evenly(-3, 3, n),
        {0.0: 0.0, INF: 1.0, -INF: -1.0, TINY: TINY},
    ),
    "_erf": (
        mpmath.erf,
        lambda n: both(spread(1e-300, 10, n)) + evenly(-3, 3, n),
        {0.0: 0.0, INF: 1.0, -INF: -1.0, 1e200: 1.0},
    ),
    "_erfc": (
        mpmath.erfc,
        lambda n: both(spread(1e-300, 26, n)) + evenly(-3, 26, n) + evenly(26, 27.2, n),
        {0.0: 1.0, INF: 0.0, -INF: 2.0, 1e200: 0.0},
    ),
    "_erfcx_right": (
        scaled_tail,
        lambda n: spread(1e-300, 1e300, n) + evenly(0, 30, n),
        {0.0: 1.0, INF: 0.0},
    ),
    "_erfcx": (
        scaled_tail,
        lambda n: both(spread(1e-300, 1, n)) + evenly(-26, 30, n),
        {0.0: 1.0, INF: 0.0, -INF: INF, -30.0: INF},
    ),
    "_normal_cdf": (
        lambda t: mpmath.erfc(-t / mpmath.sqrt(2)) / 2,
        lambda n: both(spread(1e-300, 37, n)) + evenly(-38, 3, n),
        {0.0: 0.5, INF: 1.0, -INF: 0.0, -1e200: 0.0},
    ),
}


@pytest.fixture(scope="module")
def functions(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    names = preamble(" ".join([*CASES, "_divided"]), always_math=True, always_numpy=True)["helpers"]
    text = environment().from_string(MODULE).render(names=names)
    return load_text(text, Path(tmp_path_factory.mktemp("elementary")))


def worst(functions: ModuleType, name: str, count: int) -> tuple[float, float]:
    oracle, points, _ = CASES[name]
    function = getattr(functions, name)
    found = (0.0, NAN)
    with mpmath.workdps(40):
        for x in points(count):
            exact = oracle(mpf(x))
            unit = mpf(math.ulp(float(exact)))
            found = max(found, (float(abs(mpf(function(x)) - exact) / unit), x))
    return found


@pytest.mark.parametrize("name", sorted(CASES))
def test_at_most_two_units_in_the_last_place(functions: ModuleType, name: str) -> None:
    error, where = worst(functions, name, 150)
    assert error <= 2.0, where


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(CASES))
def test_at_most_two_units_at_many_points(functions: ModuleType, name: str) -> None:
    error, where = worst(functions, name, 4000)
    assert error <= 2.0, where


@pytest.mark.parametrize("name", sorted(CASES))
def test_limits_and_what_has_no_value(functions: ModuleType, name: str) -> None:
    function = getattr(functions, name)
    for x, expected in {**CASES[name][2], NAN: NAN}.items():
        found = function(x)
        assert found == expected or (math.isnan(found) and math.isnan(expected)), (x, found)


@pytest.mark.parametrize("name", ["_atan", "_asin", "_erf", "_tanh", "_expm1", "_log1p"])
def test_minus_zero_stays(functions: ModuleType, name: str) -> None:
    if name != "_expm1":  # it is a sum that ends in 0
        assert math.copysign(1.0, getattr(functions, name)(-0.0)) == -1.0


def test_a_division_by_steps_is_that_of_the_processor(functions: ModuleType) -> None:
    below = [*spread(1e-100, 1e100, 500), *(1.0 + v for v in evenly(0.0, 1.0, 500))]
    for above, by in zip(both(spread(1e-50, 1e50, 500)), below, strict=True):
        assert abs(functions._divided(above, by) - above / by) <= math.ulp(above / by)


def test_polynomials_are_as_good_as_doubles() -> None:
    # Against the function itself between the points of interpolation: less than an eighth of 2⁻⁵³.
    with mpmath.workdps(40):
        half = mpmath.log(2) / 2
        for k in range(50):
            r = half * (2 * k - 49) / 50
            exact = mpmath.expm1(r) - r
            found = r * r * mpmath.polyval(polynomials()["exp"][::-1], r)
            assert abs(found - exact) < mpf(2) ** -56
        worst_gap = max(
            abs(1 + x * x * mpmath.polyval(polynomials()["asin"][::-1], x * x) - mpmath.asin(x) / x)
            for x in (mpf(k) / 100 for k in range(1, 51))
        )
        assert worst_gap < mpf(2) ** -56


def test_interpolation_reproduces_a_polynomial() -> None:
    found = interpolant(lambda t: 1 - 3 * t + t**5, mpf(-2), mpf(3), 7)
    with mpmath.workdps(40):
        for value, expected in zip(found, (1, -3, 0, 0, 0, 1, 0, 0), strict=True):
            assert abs(value - expected) < mpf(10) ** -35
