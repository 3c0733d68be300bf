"""Mean field: maps, susceptibilities and fixed points against definitions and other programs."""

from __future__ import annotations

import mpmath
import pytest
import sympy as sp

from freejac.symbolic import library
from freejac.symbolic.activation import activation
from freejac.symbolic.errors import DomainError
from freejac.symbolic.mean_curve import MeanCurve
from freejac.symbolic.mean_field import MeanField
from freejac.symbolic.quadrature import gaussian_mean
from freejac.symbolic.symbols import q, sigma_b, sigma_w


def length(phi, variance, weight, bias):
    """V(q) by quadrature of the definition."""
    mean = gaussian_mean(phi.function**2, variance, 20, phi.defaults)
    return mpmath.mpf(weight) ** 2 * mean + mpmath.mpf(bias) ** 2


@pytest.mark.parametrize("name", library.names())
def test_critical_line_is_critical(name):
    mf = MeanField(name)
    weight, bias = mf.critical_line()
    at = {**mf.phi.defaults, q: sp.Rational(13, 10)}
    slope = gaussian_mean(mf.slope_integrand(), at[q], 20, mf.phi.defaults)
    mean = gaussian_mean(mf.phi.function**2, at[q], 20, mf.phi.defaults)
    assert abs(weight.subs(at).evalf(20) * slope - 1) < 1e-16
    assert abs(bias.subs(at).evalf(20) - (at[q] - mean / slope)) < 1e-15


QUICK = {"relu", "elu", "gelu", "hard_tanh", "sin", "tanh", "swish"}


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=() if n in QUICK else pytest.mark.slow) for n in library.names()],
)
@pytest.mark.parametrize("sigmas", [(0.9, 0.2), (1.4, 0.0)])
def test_fixed_points_are_fixed_and_their_slopes_are_slopes(name, sigmas):
    phi = activation(name)
    for point in MeanField(phi).fixed_points(*sigmas):
        if point.q == 0:
            continue
        assert abs(length(phi, point.q, *sigmas) / point.q - 1) < 1e-13
        h = point.q * 1e-5
        rise = length(phi, point.q + h, *sigmas) - length(phi, point.q - h, *sigmas)
        assert abs(rise / (2 * h) - point.slope) < 1e-7 * max(1, abs(point.slope))
        assert point.stable == (abs(point.slope) < 1)


def test_iterating_the_map_reaches_the_stable_fixed_point():
    phi = activation("tanh")
    (point,) = [f for f in MeanField(phi).fixed_points(1.5, 0.1) if f.stable]
    variance = mpmath.mpf(3)
    for _ in range(30):
        variance = length(phi, variance, 1.5, 0.1)
    assert abs(variance - point.q) < 1e-8


def test_selu_has_the_fixed_point_it_was_designed_for():
    # Klambauer et al. (2017): unit variance is a stable fixed point at σ_w = 1, σ_b = 0.
    points = MeanField("selu").fixed_points(1, 0)
    assert [round(f.q, 12) for f in points if f.stable] == [1.0]


def test_regimes_of_relu():
    # Seed problem set 1, 3(d): at most one fixed point, q = 0 without bias, every q at σ_w² = 2.
    mf = MeanField("relu")
    assert [f.q for f in mf.fixed_points(1, 0)] == [0]
    assert [round(f.q, 12) for f in mf.fixed_points(1, 1)] == [2]
    assert mf.fixed_points(1.5, 1) == ()
    with pytest.raises(DomainError, match="every q"):
        mf.fixed_points(2**0.5, 0)


def test_two_close_fixed_points_are_both_found():
    # relu²: V(q) = 1.5 σ_w² q² + σ_b², a parabola whose two fixed points nearly meet.
    weight, bias = 1.0, 0.408  # discriminant 1 − 4·1.5·0.408² = 0.0012
    points = MeanField("relu2").fixed_points(weight, bias)
    root = mpmath.sqrt(1 - 6 * mpmath.mpf(bias) ** 2)
    assert [f.stable for f in points] == [True, False]
    for point, expected in zip(points, ((1 - root) / 3, (1 + root) / 3), strict=True):
        assert abs(point.q - expected) < 1e-11


def test_unit_slope_at_zero_is_one_point_not_many():
    points = MeanField("hard_tanh").fixed_points(1, 0)
    assert [(f.q, f.slope) for f in points] == [(0.0, 1.0)]


def test_a_function_that_jumps_has_a_length_map_but_no_chi():
    mf = MeanField("sign(x)")
    assert mf.length_map == sigma_b**2 + sigma_w**2
    assert mf.chi_parallel == 0
    with pytest.raises(DomainError, match="jumps at x = 0"):
        _ = mf.chi


@pytest.mark.parametrize(
    ("weight", "bias"),
    [(-1, 0), (0, 0), (1, -1), (float("nan"), 0), (1, float("inf")), ("one", 0), (None, 0)],
)
def test_bad_values_are_refused(weight, bias):
    with pytest.raises(DomainError):
        MeanField("tanh").fixed_points(weight, bias)


@pytest.mark.parametrize("parameters", [{"beta": 1}, {"alpha": -1}, {"alpha": float("nan")}])
def test_bad_parameters_are_refused(parameters):
    with pytest.raises(DomainError):
        MeanField("elu").fixed_points(1, 0, parameters)


def test_parameters_need_values():
    with pytest.raises(DomainError, match="beta"):
        MeanField("tanh(beta*x)").fixed_points(1, 0)
    (point,) = MeanField("erf(beta*x)").fixed_points(1, 0.5, {"beta": sp.Rational(1, 2)})
    assert point.stable


@pytest.mark.parametrize("k", [0, -1, 1.5, True])
def test_moments_are_numbered_from_one(k):
    with pytest.raises(DomainError):
        MeanField("relu").mu(k)


@pytest.mark.parametrize("name", ["tanh", "hard_swish", "elu", "mish"])
@pytest.mark.parametrize("variance", ["1e-12", "1e-4", "0.7", "50", "1e12"])
def test_shared_nodes_agree_with_the_oracle(name, variance):
    phi = activation(name)
    slope = phi.distribution(1)
    with mpmath.mp.workdps(60):
        at = mpmath.mpf(variance)
        curve = MeanCurve([(phi.function, 2), (slope, 4)], phi.defaults, 40)
        for value, definition in zip(curve(at), (phi.function**2, slope**4), strict=True):
            reference = gaussian_mean(definition, at, 45, phi.defaults)
            assert abs(value / reference - 1) < 1e-38


def test_shared_nodes_follow_exponential_growth_and_give_way_where_they_fail():
    with mpmath.mp.workdps(40):
        far = MeanCurve([(activation("exp(x)").function, 1)], {}, 30)(900)[0]
        assert abs(far / mpmath.exp(450) - 1) < 1e-28
        sharp = activation("tanh(400*(x - 1))").function
        value = MeanCurve([(sharp, 2)], {}, 25)(1)[0]
        assert abs(value / gaussian_mean(sharp**2, 1, 25) - 1) < 1e-23


def test_the_mean_field_series_carry_the_scales():
    mf = MeanField("relu")
    assert mf.series("length_map").truncated() == sigma_w**2 * q / 2 + sigma_b**2
    assert mf.series("second_moment", sp.oo).truncated() == q / 2
    assert mf.series("chi").truncated() == sigma_w**2 / 2
    assert mf.series("mu_3").truncated() == sp.S.Half
    assert MeanField("tanh").series("chi_parallel", terms=2).coefficient(1) == -4 * sigma_w**2
    # A constant below the order of what is left out is not shown.
    assert MeanField("elu").series("length_map", sp.oo, 1).coefficient(1) == sigma_w**2 / 2
    assert not MeanField("elu").series("length_map", sp.oo, 1).truncated().has(sigma_b)


@pytest.mark.parametrize("quantity", ["mu", "mu_0", "mu_x", "mu_-1", "variance", "", None, 3])
def test_unknown_quantities_are_refused(quantity):
    with pytest.raises(DomainError):
        MeanField("tanh").series(quantity)


def test_the_series_of_chi_parallel_is_the_slope_of_that_of_the_length_map():
    for at in (0, sp.oo):
        mf = MeanField("gelu")
        slope = mf.series("chi_parallel", at, 3)
        for weight, exponent in mf.series("length_map", at, 3).terms:
            if exponent != 0:
                assert sp.expand(slope.coefficient(exponent - 1) - exponent * weight) == 0


def test_a_critical_point_is_on_the_critical_line_with_both_susceptibilities_one():
    mf = MeanField("gelu")
    point = mf.critical_points()[1]
    at = {q: point.q, sigma_w: point.sigma_w, sigma_b: point.sigma_b}
    for quantity, value in ((mf.chi, 1), (mf.chi_parallel, 1), (mf.length_map, point.q)):
        assert abs((quantity.subs(at) - value).evalf(30)) < 1e-25
    assert mf.universality().critical_point == point
