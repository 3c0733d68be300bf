"""The kernels' own Owen's T, bivariate normal, Voigt and Dawson functions, in double precision."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy as sp
from scipy import special

from freejac.codegen.compile import compile_expression
from freejac.codegen.filling import environment, preamble
from freejac.codegen.load import load_text
from freejac.codegen.points import spread_points
from freejac.codegen.spec import Argument
from freejac.symbolic.bivariate_normal import OwenT, Phi2
from freejac.symbolic.scaled import dawson, erfcx
from freejac.symbolic.voigt import VoigtK, VoigtL

MODULE = """import math

import numpy as np
from numba import njit
{% from "helpers.jinja" import helper %}
{% for name in names %}


{{ helper(name) }}
{% endfor %}
"""
CALLED = "_bivariate_normal_cdf _bivariate_tail _dawson _owens_t _voigt_k _voigt_l"
Points = Iterator[tuple[float, ...]]


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    names = preamble(CALLED, always_math=True, always_numpy=True)["helpers"]
    text = environment().from_string(MODULE).render(names=names)
    return load_text(text, Path(tmp_path_factory.mktemp("special")))


def unit_points(count: int) -> list[tuple[float, float, float]]:
    domain = [Argument(name, "", "1e-1", "1e1") for name in "abc"]
    spread = spread_points(domain, count)
    return [tuple((math.log10(p[name]) + 1) / 2 for name in "abc") for p in spread]


def owens_points(count: int) -> Points:
    for i, (u, v, _) in enumerate(unit_points(count)):
        h = (37 * u, 4 * u, 10 ** (8 * u - 6.5))[i % 3]
        near_one = 1 + (-1) ** i * 10 ** (-1 - 9 * v)
        yield h, (v, 3 * v, 10 ** (14 * v - 8), near_one, 8.3 / max(h, 1e-9))[i % 5]


def quadrant_points(count: int) -> Points:
    for i, (u, v, w) in enumerate(unit_points(count)):
        side = (-1) ** (i // 2)
        rho = (2 * w - 1, side * (1 - 10 ** (-1 - 14 * w)), side * 10 ** (-8 * w))[i % 3]
        h = (16 * u - 8, 45 * u - 37, side * 10 ** (9.5 * u - 8))[(i // 3) % 3]
        ridge = rho * h + (18 * v - 9) * math.sqrt((1 - rho) * (1 + rho))
        k = (16 * v - 8, 45 * v - 37, h, -h, ridge, side * 10 ** (-10 * v) - h, 0.0)[i % 7]
        if max(abs(h), abs(k)) < 37 and abs(rho) < 1:
            yield h, k, rho


def half_plane_points(count: int) -> Points:
    for i, (u, v, _) in enumerate(unit_points(count)):
        x = (8 * u, 10 ** (12 * u - 8), 10 ** (3.5 * u - 3))[i % 3]
        yield x, (8 * v, 10 ** (16 * v - 12), 10 ** (-30 * v), 10 ** (3.5 * v - 3))[i % 4]


def line_points(count: int) -> Points:
    for i, (u, _, _) in enumerate(unit_points(count)):
        yield ((8 * u, 10 ** (16 * u - 6), -2 * u)[i % 3],)


def tail_points(count: int) -> Points:
    for i, (u, v, w) in enumerate(unit_points(count)):
        side = (-1) ** (i // 2)
        rho = (2 * w - 1, side * (1 - 10 ** (-1 - 14 * w)), side * 10 ** (-8 * w))[i % 3]
        a = (5 * u, 10 ** (12 * u - 6))[i % 2]
        b = (5 * v, a, 0.0, abs(rho * a), 10 ** (12 * v - 6))[i % 5]
        if abs(rho) < 1:
            yield a, b, rho, 1 + rho, 1 - rho


class QuadrantMean:
    """E[exp(−aX − bY); X, Y > 0], from the distribution function by a shift of its bounds."""

    @staticmethod
    def _imp_(a: float, b: float, rho: float, *_: float) -> mpmath.mpf:
        with mpmath.workprec(160):
            a, b, rho = map(mpmath.mpf, (a, b, rho))
            quadrant = Phi2._imp_(-(a + rho * b), -(b + rho * a), rho)
            return quadrant * mpmath.exp((a * a + 2 * rho * a * b + b * b) / 2)


# Three times what the helpers state.
CASES: dict[str, tuple[Any, Callable[[int], Points], float]] = {
    "_bivariate_normal_cdf": (Phi2, quadrant_points, 9e-15),
    "_bivariate_tail": (QuadrantMean, tail_points, 2.4e-15),
    "_dawson": (dawson, line_points, 3.3e-15),
    "_owens_t": (OwenT, owens_points, 2.1e-15),
    "_voigt_k": (VoigtK, half_plane_points, 3e-15),
    "_voigt_l": (VoigtL, half_plane_points, 3.6e-15),
}


def worst_error(kernel: Any, function: Any, points: Points) -> tuple[float, tuple[float, ...]]:
    """Largest relative error, against ball arithmetic at 80 bits, where the value is normal."""
    worst = (0.0, (math.nan,))
    with mpmath.workprec(80):
        for point in points:
            exact = function._imp_(*point)
            if abs(exact) > 1e-290:
                worst = max(worst, (float(abs(kernel(*point) / exact - 1)), point))
    return worst


@pytest.mark.parametrize("name", sorted(CASES))
def test_relative_accuracy(kernels: ModuleType, name: str) -> None:
    function, points, bound = CASES[name]
    error, where = worst_error(getattr(kernels, name), function, points(150))
    assert error < bound, where


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(CASES))
def test_relative_accuracy_at_many_points(kernels: ModuleType, name: str) -> None:
    function, points, bound = CASES[name]
    count = 500 if name == "_bivariate_tail" else 2500  # its reference is slow
    error, where = worst_error(getattr(kernels, name), function, points(count))
    assert error < bound, where


def test_scipy_agrees(kernels: ModuleType) -> None:
    for h, a in owens_points(60):
        if a > 1e-3:  # below, SciPy's loses digits
            assert kernels._owens_t(h, a) == pytest.approx(
                special.owens_t(h, a), rel=1e-12, abs=0.0
            )
    for x, y in half_plane_points(60):
        witness = special.wofz(complex(x, y))
        assert kernels._voigt_l(x, y) == pytest.approx(witness.imag, rel=1e-12, abs=0.0)
        assert abs(kernels._voigt_k(x, y) - witness.real) <= 1e-12 * abs(witness)
    for (x,) in line_points(60):
        assert kernels._dawson(x) == pytest.approx(special.dawsn(x), rel=1e-13, abs=0.0)


def test_below_the_real_line_the_error_is_small_against_the_modulus(kernels: ModuleType) -> None:
    for x, y in half_plane_points(120):
        if y < 25:
            witness = special.wofz(complex(x, -y))
            found = complex(kernels._voigt_k(x, -y), kernels._voigt_l(x, -y))
            assert abs(found - witness) <= 1e-12 * abs(witness), (x, y)


def test_symmetries_hold_exactly(kernels: ModuleType) -> None:
    for u, v, w in unit_points(40):
        x, y, rho = 6 * u - 3, 6 * v - 3, 1.9 * w - 0.95
        quadrant = kernels._bivariate_normal_cdf
        assert quadrant(x, y, rho) == quadrant(y, x, rho)
        assert kernels._owens_t(-x, y) == kernels._owens_t(x, y) == -kernels._owens_t(x, -y)
        assert kernels._voigt_k(-x, y) == kernels._voigt_k(x, y)
        assert kernels._voigt_l(-x, y) == -kernels._voigt_l(x, y)
        assert kernels._dawson(-x) == -kernels._dawson(x)


def test_limits_of_the_quadrant_probability(kernels: ModuleType) -> None:
    quadrant, inf = kernels._bivariate_normal_cdf, math.inf
    below_one = special.ndtr(1.0)
    assert quadrant(inf, 1.0, 0.3) == pytest.approx(below_one, rel=1e-15, abs=0.0)
    assert quadrant(1.0, 1e300, -0.3) == pytest.approx(below_one, rel=1e-15, abs=0.0)
    assert quadrant(1.0, 2.0, 1.0) == pytest.approx(below_one, rel=1e-15, abs=0.0)
    assert quadrant(1.0, 2.0, -1.0) == pytest.approx(
        below_one - special.ndtr(-2.0), rel=1e-14, abs=0.0
    )
    assert [quadrant(inf, inf, 0.5), quadrant(-inf, inf, 0.5), quadrant(-1.0, 0.5, -1.0)] == [
        1,
        0,
        0,
    ]
    for bad in ((1.0, 1.0, 1.5), (math.nan, 1.0, 0.1), (1.0, math.nan, 0.1), (1.0, 1.0, math.nan)):
        assert math.isnan(quadrant(*bad))


def test_limits_of_the_mean_over_a_quadrant(kernels: ModuleType) -> None:
    tail = kernels._bivariate_tail
    assert tail(0.0, 0.0, 0.5, 1.5, 0.5) == pytest.approx(1 / 3, rel=1e-15, abs=0.0)
    assert tail(2.0, 3.0, -1.0, 0.0, 2.0) == 0.0
    # Of one variable: E[exp(−5X); X > 0] = erfcx(5/√2)/2.
    scaled = special.erfcx(5 / math.sqrt(2)) / 2
    assert tail(2.0, 3.0, 1.0, 2.0, 0.0) == pytest.approx(scaled, rel=1e-15, abs=0.0)
    assert tail(5.0, 0.0, 0.0, 1.0, 1.0) == pytest.approx(scaled / 2, rel=1e-15, abs=0.0)


def test_limits_of_the_others(kernels: ModuleType) -> None:
    inf, nan = math.inf, math.nan
    assert kernels._owens_t(1.0, inf) == pytest.approx(special.ndtr(-1.0) / 2, rel=1e-15, abs=0.0)
    assert kernels._owens_t(0.0, 1.0) == pytest.approx(0.125, rel=1e-15, abs=0.0)
    assert [kernels._owens_t(inf, 1.0), kernels._owens_t(5.0, 0.0)] == [0.0, 0.0]
    assert [kernels._dawson(v) for v in (0.0, inf, -inf)] == [0.0, 0.0, 0.0]
    assert kernels._voigt_k(0.0, 0.0) == 1.0
    for part in (kernels._voigt_k, kernels._voigt_l):
        assert [part(inf, 1.0), part(1.0, inf), part(inf, -1.0)] == [0.0, 0.0, 0.0]
        assert math.isnan(part(nan, 1.0))
        assert math.isnan(part(1.0, nan))
    assert math.isnan(kernels._owens_t(nan, 1.0))
    assert math.isnan(kernels._owens_t(1.0, nan))
    assert math.isnan(kernels._dawson(nan))


def test_a_planted_error_is_seen(kernels: ModuleType) -> None:
    # The measure itself: one part in 10¹³ too much at the points of the fast test.
    for name, (function, points, bound) in CASES.items():
        kernel = getattr(kernels, name)
        error, _ = worst_error(lambda *p, f=kernel: f(*p) * (1 + 1e-13), function, points(5))
        assert error > bound, name


def test_all_of_them_compile_together() -> None:
    h, k, c = sp.symbols("h k c", real=True)
    expr = Phi2(h, k, c / 10) + OwenT(h, k) * VoigtK(h, k) - VoigtL(k, h) + dawson(k) * erfcx(h)
    compiled = compile_expression(expr, [h, k, c])
    point = (0.3, -1.2, 4.0)
    exact = expr.subs(dict(zip((h, k, c), map(sp.Rational, point), strict=True))).evalf(20)
    assert float(compiled(*point)) == pytest.approx(float(exact), rel=1e-14, abs=0.0)
    assert compiled(np.ones(3), 0.5, 1.0).shape == (3,)


def test_a_module_defines_what_its_helpers_call() -> None:
    needed = preamble("value = _owens_t(h, a)", always_math=False, always_numpy=False)
    own = {"_RULE_NODES", "_exp_square", "_owens_t", "_product", "_wedge"}
    assert own < set(needed["helpers"])
    assert any(name.startswith("_erfcx") for name in needed["helpers"])
    assert needed["helpers"] == sorted(needed["helpers"])
    assert needed["uses_math"]
    assert needed["uses_numpy"]
    plain = preamble("value = a * b", always_math=False, always_numpy=False)
    assert plain == {"helpers": [], "uses_math": False, "uses_numpy": False}


def test_the_trapezoidal_rule_is_exact_for_its_weight() -> None:
    # Poisson's summation formula: the error is 2 exp(−4π²) of the integral √π, below a double's.
    scope: dict[str, Any] = {"np": np}
    template = environment().from_string('{% from "helpers.jinja" import helper %}{{ helper(n) }}')
    exec(template.render(n="_MIDPOINTS"), scope)  # our own text, never a user's
    total = math.sqrt(math.pi)
    assert scope["_MIDPOINT_WEIGHTS"].sum() == pytest.approx(total, rel=1e-15, abs=0.0)
    assert 0.5 + scope["_MULTIPLE_WEIGHTS"].sum() == pytest.approx(total, rel=1e-15, abs=0.0)
