"""Kernels of duals: against the definition in two variables, at both ends of c, and beside."""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path
from types import ModuleType

import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf

from freejac.codegen.activation_modules import activation_dual_module
from freejac.codegen.correlation import completed_squares
from freejac.codegen.crosscheck import check_points, compare, references, worst
from freejac.codegen.dual_check import dual_reference
from freejac.codegen.load import load_text
from freejac.codegen.mean_values import MeanValues
from freejac.codegen.plan import plan
from freejac.codegen.render import render
from freejac.symbolic.activation import activation
from freejac.symbolic.bivariate_quadrature import gaussian_mean2
from freejac.symbolic.errors import NoClosedForm
from freejac.symbolic.quadrature import gaussian_mean
from freejac.symbolic.symbols import c as correlation_symbol
from freejac.symbolic.symbols import q as variance_symbol

# One for each way of evaluation: fitted in 1 − |c|, by the angle from c = −1, exponentials joined,
# an integral of a positive function, an integral from either end, and one over tails.
QUICK = ["relu", "hard_tanh"]
LATER = ["gelu", "sin", "hard_swish", "shifted_relu", "elu(1)"]
ALL = [*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in LATER)]

variances = st.floats(-6.0, 2.0).map(lambda exponent: 10.0**exponent)
beside = st.floats(-16.0, -0.5).map(lambda exponent: 1.0 - 10.0**exponent)
correlations = st.one_of(st.floats(-1.0, 1.0), beside, beside.map(lambda c: -c))


@lru_cache
def duals(name: str) -> ModuleType:
    module = activation_dual_module(activation(name))
    return load_text(render(module, plan(module)))


def definition(name: str, order: int, q: float, c: float) -> mpf:
    f = activation(name).distribution(order)
    return gaussian_mean2(f, f, q, q, c, 22)


@pytest.mark.parametrize("name", ALL)
def test_both_duals_agree_with_the_definition(name: str) -> None:
    @settings(max_examples=3, deadline=None)
    @given(variances, correlations)
    def agree(q: float, c: float) -> None:
        for order, kernel in enumerate((duals(name).dual, duals(name).dual_slope)):
            value = definition(name, order, q, c)
            distance = min(abs(c), 1.0 - abs(c))
            rate = definition(name, order + 1, q, c) if distance else mpf(0)
            # A zero between the ends magnifies the rounding of c, and nothing else does.
            bound = 2e-14 * (abs(value) + q * abs(rate) * distance)
            resolved = 1e-20 * definition(name, order, q, 1.0)
            assert abs(float(kernel(q, c)) - value) <= bound + resolved

    agree()


@pytest.mark.parametrize("name", ALL)
def test_at_the_ends_and_at_zero_one_variable_is_enough(name: str) -> None:
    phi = activation(name)
    for order, kernel in enumerate((duals(name).dual, duals(name).dual_slope)):
        f = phi.distribution(order)
        for q in (1e-12, 1e-3, 1.0, 50.0):
            square = gaussian_mean(f**2, q, 30)
            mean = gaussian_mean(f, q, 30)
            assert abs(float(kernel(q, 1.0)) - square) <= 1e-14 * square
            assert abs(float(kernel(q, 0.0)) - mean**2) <= 1e-14 * mean**2 + 1e-28 * square


@pytest.mark.parametrize("name", ALL)
def test_the_dual_rises_where_its_slope_is_positive_and_the_slope_is_its_derivative(
    name: str,
) -> None:
    # By differences of the definition: ∂_c dual = q dual_slope.
    q, c, step = 0.7, 0.3, mpf(10) ** -6
    with mp.workdps(30):
        ends = [definition(name, 0, q, sp.Rational(c) + s * sp.Rational(1, 10**6)) for s in (-1, 1)]
        slope = (ends[1] - ends[0]) / (2 * step) / q
    assert float(duals(name).dual_slope(q, c)) == pytest.approx(float(slope), rel=1e-9)
    grid = np.linspace(0.0, 1.0, 201)
    # With squares for coefficients in powers of c, a dual grows on [0, 1].
    assert (np.diff(duals(name).dual(q, grid)) >= 0.0).all()


@pytest.mark.parametrize("name", ALL)
def test_outside_the_domain_a_dual_is_nan_and_no_flag_is_raised_inside(name: str) -> None:
    module = duals(name)
    q = np.geomspace(1e-12, 1e12, 13)[:, None]
    ends = 1.0 - 2.0 ** -np.arange(1.0, 54.0)
    c = np.concatenate([-ends, [-1.0, -1e-300, 0.0, 1e-300, 1.0], ends])
    for kernel in (module.dual, module.dual_slope):
        with np.errstate(all="raise", under="ignore"):
            assert np.isfinite(kernel(q, c)).all()
        with np.errstate(all="ignore"):
            for bad in (math.nextafter(1e-12, 0.0), math.nextafter(1e12, math.inf), 0.0, -1.0):
                assert math.isnan(kernel(bad, 0.5))
            for bad in (math.nextafter(1.0, 2.0), math.nextafter(-1.0, -2.0), math.inf, math.nan):
                assert math.isnan(kernel(1.0, bad))
            assert math.isnan(kernel(math.nan, 0.5))


@pytest.mark.parametrize("exponent", [4, 10, 16])
def test_relu_near_minus_one_is_the_power_three_halves(exponent: int) -> None:
    # E[relu(h₁)relu(h₂)]/q = (1 + c)^{3/2} √8/(6π) (1 + O(1 + c)), and c is a double.
    c = -1.0 + 10.0**-exponent
    with mp.workdps(40):
        exact = definition("relu", 0, 1.0, c)
        up = mpf(c) + 1
        leading = up ** mpf(1.5) * mpmath.sqrt(8) / (6 * mpmath.pi)
    assert abs(exact / leading - 1) <= 0.1 * 10.0**-exponent
    assert abs(float(duals("relu").dual(1.0, c)) / exact - 1) <= 4 * 2.0**-52
    assert duals("relu").dual(1.0, -1.0) == 0.0


def test_gelu_near_minus_one_keeps_its_digits_at_every_variance() -> None:
    # The plain formula is off by 1e-4 there already at q = 100.
    gelu = duals("gelu")
    for q in (1.0, 100.0):
        for c in (-1.0, -1.0 + 1e-16, -1.0 + 1e-8):
            exact = definition("gelu", 0, q, c)
            assert abs(float(gelu.dual(q, c)) / exact - 1) <= 1e-14


def test_the_dual_of_an_odd_function_is_odd_in_c_and_that_of_its_slope_even() -> None:
    for name in ("erf", "hard_tanh"):
        c = np.array([1e-300, 1e-9, 0.3, 1.0 - 1e-12, 1.0])
        module = duals(name)
        assert (module.dual(2.0, -c) == -module.dual(2.0, c)).all()
        assert (module.dual_slope(2.0, -c) == module.dual_slope(2.0, c)).all()
        assert module.dual(2.0, 0.0) == 0.0


@given(st.integers(0, 9), st.integers(-9, 9), st.integers(-12, 12), beside.map(abs))
@settings(max_examples=20)
def test_two_opposite_deltas_leave_parts_that_do_not_cancel(
    a: int, b: int, decade: int, correlation: float
) -> None:
    v, r = variance_symbol, correlation_symbol

    def exponent(one: int, other: int) -> sp.Expr:
        return -(one**2 - 2 * r * one * other + other**2) / (2 * v * (1 - r**2))

    raw = sp.exp(sp.factor(exponent(a, a))) + sp.exp(sp.factor(exponent(b, b)))
    raw -= 2 * sp.exp(exponent(a, b))
    parts = sp.Add.make_args(completed_squares(raw))
    place = {v: sp.Integer(10) ** decade, r: sp.Rational(correlation)}
    values = [part.subs(place).evalf(30) for part in parts]
    assert abs(sum(values) - raw.subs(place).evalf(30, maxn=2000)) <= 1e-25 * max(map(abs, values))
    assert abs(a) == abs(b) or all(value >= 0 for value in values)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "q"),
    [
        *(("min(max(x, 0), 6)", q) for q in (1e-2, 1e4, 1e12)),
        *(("min(max(x, -2), 7)", q) for q in (1e-6, 1e8)),
    ],
)
def test_a_clip_keeps_its_digits_in_the_layer_near_minus_one_and_beyond(
    text: str, q: float
) -> None:
    for edge in (1e-14, min(1 / q, 1.5), min(q**-0.5, 0.9), 0.3):
        correlation = edge - 1.0
        for order, kernel in enumerate((duals(text).dual, duals(text).dual_slope)):
            exact = definition(text, order, q, correlation)
            assert abs(float(kernel(q, correlation)) - exact) <= 1e-13 * abs(exact)


@pytest.mark.slow
@pytest.mark.parametrize("q", [1e4, 1e8])
def test_the_slope_of_elu_keeps_its_digits_at_both_ends(q: float) -> None:
    # What two tails of the normal distribution add: their bounds differ by little there.
    for edge in (1e-14, 1 / q, q**-0.5):
        for correlation in (1.0 - edge, edge - 1.0):
            exact = definition("elu(1)", 1, q, correlation)
            found = float(duals("elu(1)").dual_slope(q, correlation))
            assert abs(found - exact) <= 2e-15 * abs(exact)


def test_a_wrong_dual_is_caught_by_the_cross_check(tmp_path: Path) -> None:
    module = activation_dual_module(activation("erf"))
    record = plan(module)
    text = render(module, record).replace("return value", "return 1.00000000000025 * value", 1)
    points = check_points(module, record, 4)
    results = compare(module, load_text(text, tmp_path), references(module, points))
    assert worst(results["dual"]).error == pytest.approx(2.5e-13, rel=0.1, abs=0.0)
    assert worst(results["dual_slope"]).error < 1e-15


@pytest.mark.parametrize(("name", "q"), [("relu", 3.0), ("relu2", 1e-6)])
def test_an_error_of_a_few_ulps_is_seen_whole_where_no_zero_is_near(name: str, q: float) -> None:
    module = activation_dual_module(activation(name))
    for c in (-1.0 + 1e-12, -0.4, 1e-9, 0.7, 1.0 - 1e-15):
        for value, condition in dual_reference(module, {"q": q, "c": c}, 1).values():
            assert value
            assert 1 <= condition <= 1.5


def test_beside_a_zero_the_unit_is_what_rounding_the_arguments_changes_and_no_more() -> None:
    # The mean of f vanishes at q = 2/π, so that E[f]², the dual at c = 0, has a double zero there.
    module = activation_dual_module(activation("relu(x) - 1/pi"))
    for off in (0.0, 1e-12, 1e-6, 1e-2):
        point = {"q": 2.0 / math.pi * (1.0 + off), "c": 0.0}
        value, condition = dual_reference(module, point, 1)["dual"]
        with mp.workdps(40):
            own = mpmath.sqrt(mpf(point["q"]) / (2 * mpmath.pi)) - 1 / mpmath.pi
            assert abs(value / own**2 - 1) <= 1e-15
            moved = mpmath.sqrt(mpf(point["q"]) * (1 + mpf(2) ** -53) / (2 * mpmath.pi))
            change = abs((moved - 1 / mpmath.pi) ** 2 - own**2)
        assert change / 4 <= condition * value * mpf(2) ** -53 <= 4 * change + value * mpf(2) ** -53


def test_a_parameter_is_known_no_better_than_q_and_c() -> None:
    # φ′ is 1 and a: D = a + (1 − a)² S has a zero in a for every S = acos(−c)/(2π).
    module = activation_dual_module(activation("leaky_relu"))
    with mp.workdps(40):
        share = mpmath.acos(mpf("0.8")) / (2 * mpmath.pi)
        zero = 1 - (1 - mpmath.sqrt(1 - 4 * share)) / (2 * share)
    for off in (1e-12, 1e-6, 1e-2):
        point = {"q": 1.0, "c": -0.8, "a": float(zero) * (1.0 + off)}
        value, condition = dual_reference(module, point, 1)["dual_slope"]
        with mp.workdps(40):
            exact_share = mpmath.acos(-mpf(point["c"])) / (2 * mpmath.pi)
            at = mpf(point["a"])
            assert abs(at + (1 - at) ** 2 * exact_share - value) <= 1e-18 * abs(value)
            change = abs(at * (1 - 2 * (1 - at) * exact_share)) / 2
            by_c = mpf(1) - mpf("0.8")
            change_c = by_c * (1 - at) ** 2 / (4 * mpmath.pi * mpmath.sqrt(1 - mpf("0.64")))
        expected = max(change, change_c) / abs(value)
        assert float(condition) == pytest.approx(float(max(1, expected)), rel=1e-2, abs=0.0)


def test_an_error_of_eight_ulps_is_told(tmp_path: Path) -> None:
    module = activation_dual_module(activation("hard_tanh"))
    record = plan(module)
    text = render(module, record).replace("copysign(total,", "copysign(total * (1.0 + 2.0**-49),")
    exact = references(module, check_points(module, record, 6))
    results = compare(module, load_text(text, tmp_path), exact)
    assert worst(results["dual"]).ulp >= 6.0
    assert max(comparison.ulp for comparison in results["dual_slope"]) <= 4.0


@pytest.mark.slow
@pytest.mark.parametrize("q", [1e6, 1e11])
def test_a_clip_between_its_layer_and_one_half_is_summed_where_nothing_cancels(q: float) -> None:
    # From c = 0 its terms outgrow it by hundreds there: 101 ULP before.
    module = activation_dual_module(activation("hard_sigmoid"))
    points = [{"q": q, "c": -1.0 + edge} for edge in (8 / q**0.5, 1e-3, 0.04)]
    exact = references(module, points)
    for comparisons in compare(module, duals("hard_sigmoid"), exact).values():
        assert max(comparison.ulp for comparison in comparisons) <= 4.0


@pytest.mark.slow
def test_the_dual_of_an_almost_odd_clip_is_exponentially_small_at_zero_and_right() -> None:
    phi = activation("clip(x, -1, 1.01)")
    module = activation_dual_module(phi)
    assert {kernel.code.method for kernel in module.kernels} == {"integral"}
    kernel = load_text(render(module, plan(module))).dual
    for q in (0.003, 1.0, 1e6):
        for c in (0.0, 1e-10, -1e-3):
            exact, condition = dual_reference(module, {"q": q, "c": c}, 1)["dual"]
            assert abs(float(kernel(q, c)) / exact - 1) <= 2e-15 * condition
    (mean,) = MeanValues([(phi.function, 1)], 40, relative=[True])(0.003)
    with mp.workdps(40):
        exact, _ = dual_reference(module, {"q": 0.003, "c": 0.0}, 1)["dual"]
        assert 0 < exact < 1e-140
        assert abs(exact / mean**2 - 1) <= 1e-20


def test_what_has_no_dual_says_so() -> None:
    with pytest.raises(NoClosedForm, match="tanh"):
        activation_dual_module(activation("tanh(a*x)"))


def test_where_an_activation_jumps_only_its_own_dual_is_finite() -> None:
    assert [k.name for k in activation_dual_module(activation("sign(x)")).kernels] == ["dual"]


@pytest.mark.slow
@pytest.mark.parametrize("text", ["abs(x) - x/3", "where(abs(x) < 1, x**2, 1) + relu(x)"])
def test_expressions_of_a_user_get_duals_as_good(text: str) -> None:
    module = activation_dual_module(activation(text))
    record = plan(module)
    points = check_points(module, record, 8, seed=3)
    results = compare(module, load_text(render(module, record)), references(module, points))
    for comparisons in results.values():
        assert worst(comparisons).error <= 2e-14
