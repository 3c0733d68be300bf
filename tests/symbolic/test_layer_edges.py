"""The ends of the spectrum of smooth layers: where M_{D²} stays finite, and at tiny q."""

import math

import pytest
import sympy as sp
from mpmath import mp

from freejac.symbolic.activation import activation
from freejac.symbolic.jacobian import Jacobian
from freejac.symbolic.layers import Layer
from freejac.symbolic.slope_nodes import slope_table


def mean(function, slope, variance):
    """E[function(φ′(h)²)] by mpmath's quadrature."""
    width = mp.sqrt(variance)
    cuts = [-14, -8, -5, -3, -1, 0, 1, 2, 3, 4, 5, 6, 8, 10, 14]
    return mp.quad(lambda t: function(slope(t * width) ** 2) * mp.npdf(t), cuts)


def logistic(h):
    return 1 / (1 + mp.exp(-h))


def test_a_supremum_at_infinity_with_a_turning_point_before_it():
    """Softplus, one Gaussian layer: E[(2κf − 1)/(1 − κf)²] = 0, λ = E[1/(1 − κf)]/κ, f = φ′²."""
    with mp.workdps(25):
        kappa = mp.findroot(
            lambda k: mean(lambda f: (2 * k * f - 1) / (1 - k * f) ** 2, logistic, 1),
            (0.94, 0.97),
            solver="anderson",
        )
        edge = mean(lambda f: 1 / (1 - kappa * f), logistic, 1) / kappa
    network = Jacobian("softplus", depth=1)
    ((low, high),) = network.support(q=1)
    assert low == 0
    assert high == pytest.approx(float(edge), rel=1e-14, abs=0.0)
    inside, outside = network.density([high * (1 - 1e-8), high * (1 + 1e-8)], q=1)
    assert outside == 0
    # √(λ₊ − λ): the density a hundred times nearer is ten times smaller
    assert inside == pytest.approx(network.density(high * (1 - 1e-6), q=1) / 10, rel=1e-3)


def test_a_supremum_at_infinity_that_is_the_end():
    """Softplus, ten orthogonal layers, q = 1/10: dλ/dm < 0 to κ = 1, λ₊ = (m/(1+m))⁹ there."""
    with mp.workdps(25):
        m = mean(lambda f: f / (1 - f), logistic, mp.mpf("0.1"))
        steep = mean(lambda f: f / (1 - f) ** 2, logistic, mp.mpf("0.1"))
        assert 9 * steep / (m * (1 + m)) < 10  # d log λ/dκ < 0
        edge = (m / (1 + m)) ** 9
    found = Jacobian("softplus", "orthogonal", depth=10).support(q=sp.Rational(1, 10))
    assert found == ((0, pytest.approx(float(edge), rel=1e-13, abs=0.0)),)


def tail_slope(name):
    """The largest φ′ and φ′(0), by a fine grid and Newton's method."""
    phi = {
        "gelu": lambda h: h * mp.ncdf(h),
        "swish": lambda h: h * logistic(h),
    }[name]
    place = mp.findroot(lambda h: mp.diff(phi, h, 2), {"gelu": 1.4, "swish": 2.4}[name])
    return mp.diff(phi, place), mp.diff(phi, 0)


@pytest.mark.parametrize("variance", ["1e-4", "1e-12"])
@pytest.mark.parametrize("name", ["gelu", "swish"])
def test_the_steepest_slope_far_in_the_tail(name, variance):
    """L orthogonal layers, q → 0: one layer at sup φ′², the others at φ′(0)², up to O(q)."""
    with mp.workdps(30):
        most, slope = tail_slope(name)
        limit = most**2 * slope ** (2 * 31)
    ((low, high),) = Jacobian(name, "orthogonal", depth=32).support(q=sp.Rational(variance))
    assert low == 0
    assert high == pytest.approx(float(limit), rel=1000 * float(variance) + 1e-13)


@pytest.mark.parametrize("variance", [1e-6, 1e-11])
def test_a_steepest_slope_at_zero_and_tiny_q(variance):
    """Tanh: φ′² ≈ 1 − 2qx², 1/κ = 1 + qt; four layers have log λ = q(4t − 3/E[1/(t+2x²)])."""

    def level(t):
        """The perturbation (1 − λ)/q; its largest value belongs to λ₊."""
        return 3 / (2 * mp.quad(lambda x: mp.npdf(x) / (t + 2 * x**2), [0, 0.3, 1, 3, 12])) - 4 * t

    first = max(level(mp.mpf(k) / 100) for k in range(1, 100))
    ((low, high),) = Jacobian("tanh", "orthogonal", depth=4).support(q=variance)
    assert low == 0
    assert (1 - high) / variance == pytest.approx(float(first), rel=1e-3)


def test_an_infimum_at_infinity():
    """φ = x + softplus has 1 < φ′² < 4: two orthogonal layers end at λ₋ = m/(1+m), κ = 1."""
    with mp.workdps(25):
        m = mean(lambda f: f / (1 - f), lambda h: 1 + logistic(h), mp.mpf("0.1"))
        steep = mean(lambda f: f / (1 - f) ** 2, lambda h: 1 + logistic(h), mp.mpf("0.1"))
        assert steep / (m * (1 + m)) < 2  # d log λ/dκ < 0
    network = Jacobian("x + log(1 + exp(x))", "orthogonal", depth=2)
    ((low, high),) = network.support(q=sp.Rational(1, 10))
    assert low == pytest.approx(float(m / (1 + m)), rel=1e-13, abs=0.0)
    assert low < 2.25**2 < high < 16


def test_an_infimum_below_slopes_without_bound():
    """φ = x + x³, φ′² ≥ 1: two orthogonal layers end where λ = m/((1+m)κ²) is largest, κ > 1."""
    with mp.workdps(15):

        def level(kappa):
            m = mean(lambda f: kappa * f / (1 - kappa * f), lambda h: 1 + 3 * h * h, mp.mpf("0.1"))
            return m / (1 + m) / kappa**2

        edge = max(level(1 + mp.mpf(k) / 100) for k in range(2, 60))
    ((low, high),) = Jacobian("x + x**3", "orthogonal", depth=2).support(q=sp.Rational(1, 10))
    assert low == pytest.approx(float(edge), rel=1e-4)
    assert high == math.inf


def test_an_end_that_rounding_errors_hide():
    """φ′ = 1 for h > 0: two orthogonal layers reach σ_w⁴, where dλ/dm falls below 1e-60."""
    given = {"q": sp.Rational("2.0852369924229843"), "sigma_w": sp.Rational("1.264423157319905")}
    ((_, high),) = Jacobian("elu", "orthogonal", depth=2).support(**given, digits=20)
    assert abs(high / float(given["sigma_w"]) ** 4 - 1) < 1e-15


def test_layers_of_different_activations():
    """The order of square layers does not matter; a scale of one comes out as a factor."""
    one = [Layer("softplus", weights="orthogonal", q=1), Layer("gelu", weights="orthogonal", q=2)]
    two = [one[1], Layer("softplus", weights="orthogonal", q=1, sigma_w=3)]
    ((_, first),) = Jacobian(layers=one).support()
    ((_, second),) = Jacobian(layers=two).support()
    assert second == pytest.approx(9 * first, rel=1e-13, abs=0.0)


def test_the_range_of_slopes():
    for name, variance in (("softplus", 1), ("softplus", sp.Rational("1e-12"))):
        table = slope_table(activation(name), variance)
        assert (float(table.least_positive), float(table.supremum)) == (0, 1)
    assert math.isinf(float(slope_table(activation("x**2 + x"), sp.Rational("1e-20")).supremum))
