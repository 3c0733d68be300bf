"""The oracle against integrals known independently, at both ends of the range of q."""

from __future__ import annotations

import mpmath
import pytest
import sympy as sp
from mpmath import mp, mpf

from freejac.symbolic.errors import DomainError
from freejac.symbolic.piecewise import decompose
from freejac.symbolic.quadrature import gaussian_mean
from freejac.symbolic.symbols import parameter, x

VARIANCES = ["1e-12", "1e-3", "1", "37.5", "1e12"]


@pytest.fixture(autouse=True)
def fifty_digits():
    with mp.workdps(60):
        yield


def relative(value, expected):
    return abs(value / expected - 1)


@pytest.mark.parametrize("variance", VARIANCES)
def test_polynomial_moments(variance):
    q = mpf(variance)
    sixth = gaussian_mean(decompose(x**6), q, 50)
    assert relative(sixth, 15 * q**3) < 1e-49  # E z⁶ = 15, textbook


@pytest.mark.parametrize("variance", VARIANCES)
def test_probability_of_an_interval(variance):
    q = mpf(variance)
    inside = gaussian_mean(decompose(sp.Piecewise((1, sp.Abs(x) < 1), (0, True))), q, 50)
    assert relative(inside, mpmath.erf(1 / mpmath.sqrt(2 * q))) < 1e-49


def test_a_sharp_step_off_centre_is_resolved_by_bisection():
    # E[tanh(400 (x − 1))] against mpmath's own quadrature with the step as a split point.
    sharp = gaussian_mean(decompose(sp.tanh(400 * (x - 1))), 1, 30)
    split = [-12, 0, mpf("0.9"), mpf("0.98"), 1, mpf("1.02"), mpf("1.1"), 2, 12]
    reference = mpmath.quad(lambda t: mpmath.tanh(400 * (t - 1)) * mpmath.npdf(t), split)
    assert abs(sharp - reference) < 1e-28


@pytest.mark.parametrize("variance", [mpf(2), mpf(300)])
def test_exponential_growth_shifts_the_mass(variance):
    mean = gaussian_mean(decompose(sp.exp(x)), variance, 40)
    assert relative(mean, mpmath.exp(variance / 2)) < 1e-39


def test_dirac_deltas_count():
    curvature = decompose(sp.DiracDelta(x - 1, 2))
    q = mpf(3)
    expected = mpmath.diff(lambda t: mpmath.npdf(t, 0, mpmath.sqrt(q)), 1, 2)
    assert relative(gaussian_mean(curvature, q, 40), expected) < 1e-30


def test_parameters_move_breakpoints():
    edge = parameter("edge", positive=True)
    tail = decompose(sp.Piecewise((1, x > edge), (0, True)))
    value = gaussian_mean(tail, 4, 40, {edge: sp.Rational(7, 2)})
    assert relative(value, mpmath.erfc(mpf(7) / 4 / mpmath.sqrt(2)) / 2) < 1e-39


@pytest.mark.parametrize("variance", ["1e-12", "1e-4", "2"])
def test_what_begins_far_from_0_is_found(variance):
    # Beyond the step the integrand falls on the scale q/edge, 2·10⁵ times below √q.
    q, edge = mpf(variance), mpf(1) / 5
    tail = decompose(sp.Piecewise((1, x > sp.Rational(1, 5)), (0, True)))
    expected = mpmath.erfc(edge / mpmath.sqrt(2 * q)) / 2
    assert relative(gaussian_mean(tail, q, 40), expected) < 1e-37


@pytest.mark.parametrize("variance", [0, -1, float("nan"), float("inf")])
def test_bad_variances_are_refused(variance):
    with pytest.raises(DomainError):
        gaussian_mean(decompose(x), variance)


def test_infinite_means_are_refused():
    with pytest.raises(DomainError, match="infinite"):
        gaussian_mean(decompose(sp.exp(x**2)), 1, 20)


def test_missing_parameters_are_named():
    with pytest.raises(DomainError, match="slope"):
        gaussian_mean(decompose(parameter("slope") * x), 1)
