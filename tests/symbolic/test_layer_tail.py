"""Densities that are exponentially small, and next to 0, against bent contours of many digits."""

import math
from itertools import pairwise

import numpy as np
import pytest
import sympy as sp
from mpmath import mp

from freejac.contour_density import contour_density
from freejac.networks import Jacobian
from freejac.symbolic.activation import activation
from freejac.symbolic.errors import NotConvergedError
from freejac.symbolic.layer_tail import is_lost
from freejac.symbolic.layers import Layer
from freejac.symbolic.quadrature import legendre_rule
from freejac.symbolic.slope_nodes import slope_table


def tanh_law(variance, reach, step):
    """φ′² and weights on h = s + i q s/(2√(q² + q s²)): Im φ′² < 0, so no pole is passed."""
    width = mp.sqrt(variance)
    nodes = []
    for k in range(int(reach / step) + 1):
        t = k * mp.mpf(step)
        bent = 1 / mp.sqrt(1 + t * t)
        point, speed = t * (1 + 0.5j * bent), 1 + 0.5j * bent**3
        both = 2 if k else 1
        nodes.append((mp.sech(point * width) ** 4, both * step * speed * mp.npdf(point)))
    return nodes


def mgf(nodes, zeta):
    return sum(w * a / (zeta - a) for a, w in nodes)


@pytest.mark.parametrize(
    ("depth", "variance", "scale", "lam"),
    [
        pytest.param(10_000, "1e-4", "1.0001", "0.93", marks=pytest.mark.slow),
        (2, "0.05", "1", "1e-3"),
    ],
)
def test_the_full_equation_in_many_digits(depth, variance, scale, lam):
    """Newton's method in the complex plane, where 60 or 100 digits see the imaginary part."""
    network = Jacobian("tanh", "orthogonal", depth=depth)
    numbers = {"q": sp.Rational(variance), "sigma_w": sp.Rational(scale)}
    found = network.density([sp.Rational(lam)], digits=14, **numbers)[0]
    with mp.workdps(100 if depth > 2 else 50):
        reach, step = (21, 64) if depth > 2 else (15, 32)
        nodes = tanh_law(mp.mpf(variance), reach, mp.mpf(1) / step)
        # exact: in the tail of 10⁴ layers half a unit of a double λ is 2e-13 of the density
        level = mp.log(mp.mpf(lam)) - 2 * depth * mp.log(mp.mpf(scale))

        def miss(zeta):
            m = mgf(nodes, zeta)
            # far below the bulk −m is about 1: logarithms of positive numbers
            return depth * mp.log(zeta) + (depth - 1) * mp.log(m / (1 + m)) - level

        start = {"0.93": "0.945", "1e-3": "1.11e-3"}[lam]
        zeta = mp.findroot(miss, mp.mpc(start, "1e-9"), tol=mp.mpf(10) ** (-2 * mp.dps + 20))
        expected = -mp.im(mgf(nodes, zeta)) / (mp.pi * mp.mpf(lam))
    assert 0 < expected < 1e-20
    assert found == pytest.approx(float(expected), rel=2e-14, abs=0.0)


@pytest.mark.slow
def test_means_of_the_inverse_that_live_on_the_left():
    """Softplus: E[1/φ′²] comes from h = −2q, 6 √q out; along h − 3i/2, in 100 digits."""
    network = Jacobian("softplus", "orthogonal", depth=2)
    found = network.density([1e-50], q=10)[0]
    with mp.workdps(100):
        step = mp.mpf(1) / 22
        points = [mp.mpc(k * step, "-1.5") for k in range(-2100, 1600)]
        width = mp.sqrt(20 * mp.pi)
        nodes = [((1 + mp.exp(-h)) ** -2, step * mp.exp(-(h**2) / 20) / width) for h in points]

        def miss(log_zeta):
            m = mgf(nodes, mp.exp(log_zeta))
            return 2 * log_zeta + mp.log(m / (1 + m)) - mp.log(mp.mpf(1e-50))

        start = -mp.log(mp.mpf("2.06e41"))
        found_there = mp.findroot(miss, mp.mpc(start, "1e-70"), tol=mp.mpf(10) ** -180)
        expected = float(-mp.im(mgf(nodes, mp.exp(found_there))) / (mp.pi * mp.mpf(1e-50)))
    assert found == pytest.approx(expected, rel=1e-10, abs=0.0)


@pytest.mark.slow
def test_two_different_layers():
    """As above, with one variable for each."""
    layers = [Layer("tanh", q=sp.Rational(v), weights="orthogonal") for v in ("0.05", "0.04")]
    network = Jacobian(layers=layers)
    found = network.density([sp.Rational(1, 1000)], digits=12)[0]
    with mp.workdps(60):
        first, second = (tanh_law(mp.mpf(v), 17, mp.mpf(1) / 40) for v in ("0.05", "0.04"))

        def miss(one, two):
            m = mgf(first, one)
            level = mp.log(one) + mp.log(two) + mp.log(m / (1 + m)) - mp.log(mp.mpf("1e-3"))
            return level, mgf(second, two) - m

        start = (mp.mpc("1.1e-3", "1e-9"), mp.mpc("1.1e-3", "1e-9"))
        zeta = mp.findroot(miss, start, tol=mp.mpf(10) ** -110)
        expected = -mp.im(mgf(first, zeta[0])) / (mp.pi * mp.mpf("1e-3"))
    assert 0 < expected < 1e-15
    assert found == pytest.approx(float(expected), rel=1e-11, abs=0.0)


def test_a_number_below_the_doubles():
    """Erf, one layer at h = 1100 √q, others in the bulk: log λ = log ζ − 999 log E[1/φ′²]."""
    network = Jacobian("erf", "orthogonal", depth=1000)
    numbers = {"q": sp.Rational("1e-4"), "sigma_w": sp.Rational("1.0001")}
    found = network.density(sp.Rational(1, 2), digits=20, **numbers)
    with mp.workdps(20):
        scale = 4 / mp.pi * mp.mpf("1.0001") ** 2
        # E[1/φ′²] = π/4 E[e^{2h²}] = π/(4√(1 − 4q))
        mean = 1 / mp.sqrt(1 - 4 * mp.mpf("1e-4"))
        square = (1000 * mp.log(scale) - 999 * mp.log(mean) - mp.log(0.5)) / 2
        assert mp.log(found) / (-square / mp.mpf("2e-4")) == pytest.approx(1, rel=1e-4)
    assert network.density(0.5, **numbers) == 0.0
    # at σ_w = 2 ζ is below the doubles, and h is 2000 √q: the exponent is decided first
    law = network.layer_product(q=numbers["q"], sigma_w=sp.Integer(2), digits=10)
    with mp.workdps(25):
        assert is_lost(law, mp.log(0.5))
    assert network.density(0.5, q=numbers["q"], sigma_w=2) == 0.0


def test_no_density_is_lost_where_the_mean_of_the_inverse_is_infinite():
    """Erf at q = 1: E[1/φ′²] = ∞, and the density at small λ is a power of it."""
    network = Jacobian("erf", "orthogonal", depth=1000)
    law = network.layer_product(q=1, sigma_w=sp.Rational(1), digits=10)
    with mp.workdps(25):
        assert not is_lost(law, mp.mpf(-2000))


@pytest.mark.parametrize("depth", [1, 10])
def test_hard_edges_are_powers(depth):
    """Gaussian weights: ρ ∝ λ^{−L/(L+1)}, also where 1 + m is below what 1 resolves."""
    network = Jacobian("tanh", depth=depth)
    one, two = network.density([1e-300, 1e-200], q=sp.Rational("0.05"))
    assert math.log(one / two) == pytest.approx(100 * math.log(10) * depth / (depth + 1), rel=1e-9)


def test_principal_values_are_mean_values():
    """E[f/(1 − κf)] at κ just off the line, f = tanh′²."""
    with mp.workdps(30):
        found, poles = slope_table(activation("tanh"), 1).principal().at(mp.mpf(2))
        beside = slope_table(activation("tanh"), 1).panels(mp).mean(mp.mpc(2, "-1e-8")).value
        assert abs(beside.real / found.value - 1) < 1e-7
        assert abs(-2 * beside.imag / (mp.pi * poles.height) - 1) < 1e-6


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "variance", "depth", "lam"),
    [
        ("tanh", 0.05, 100, 1.2e-6),
        ("erf", 0.05, 10, 0.01),
        ("gelu", 1e-3, 5, 0.7),  # the upper end: φ′² is largest at h = √2
    ],
)
def test_principal_values_and_mirrored_contours(name, variance, depth, lam):
    """The compiled kernel has the imaginary part beside the line another way."""
    scale = {"tanh": 1.1, "erf": 1.0, "gelu": 2.0}[name]
    network = Jacobian(name, "orthogonal", depth=depth)
    kernel = contour_density(network.layer_product(q=variance, sigma_w=scale, digits=10))
    found = network.density(lam, q=variance, sigma_w=scale)
    assert found == pytest.approx(kernel(np.array([lam]))[0], rel=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tanh", "softplus"])
def test_every_place_has_a_number(name):
    """Ten thousand orthogonal layers: λ from far below the bulk to beyond the upper end."""
    network = Jacobian(name, "orthogonal", depth=10_000)
    lam = [10.0**k for k in (-300, -30, -3, 0, 3, 30, 300)]
    found = network.density(lam, q=1e-4, sigma_w=1.0001)
    assert all(0 <= rho < math.inf for rho in found)


@pytest.mark.slow
def test_a_zero_of_the_slope_far_below_the_bulk():
    """Gelu: the poles are 1e-20 from the zero of φ′, and ζ falls like λ^(2/3)."""
    found = Jacobian("gelu", "orthogonal", depth=2).density([sp.Rational(1, 10**60)], q=1)[0]
    with mp.workdps(45):

        def slope(h):
            return mp.ncdf(h) + h * mp.npdf(h)

        zero = mp.findroot(slope, mp.mpf("-0.75"))
        cuts = {zero, *(zero + side * mp.mpf(2) ** -k for side in (1, -1) for k in range(0, 78, 2))}
        cuts |= {mp.mpf(k) for k in range(1, 12)} | {mp.mpf(-k) / 12 for k in range(30, 168)}
        rule = legendre_rule(30, 45)
        nodes = []
        for low, high in pairwise(sorted(cuts)):
            for node, weight in zip(*rule[:2], strict=True):
                h = (low + high) / 2 + (high - low) / 2 * node
                nodes.append((slope(h) ** 2, (high - low) / 2 * weight * mp.npdf(h)))

        def above(zeta):
            return sum(w * zeta / (zeta - a) for a, w in nodes)

        def miss(log_zeta):
            m = above(mp.exp(log_zeta))
            return 2 * log_zeta + mp.log((m - 1) / m) + 60 * mp.ln10

        height = mp.pi * mp.npdf(zero) / ((2 - zero**2) * mp.npdf(zero))
        place = mp.mpf(2) / 3 * (mp.log(height) - 60 * mp.ln10) + mp.mpc(0, mp.pi / 3)
        place = mp.findroot(miss, (place, place + mp.mpf("1e-4")), tol=1e-50)
        expected = -mp.im(above(mp.exp(place))) * mp.mpf(10) ** 60 / mp.pi
    assert found == pytest.approx(float(expected), rel=1e-11)


def test_one_eigenvalue_takes_a_bounded_time(monkeypatch):
    """What is out of reach ends in an error that names λ."""
    monkeypatch.setattr("freejac.symbolic.smooth_product._SECONDS", 0.3)
    law = Jacobian("gelu", "orthogonal", depth=2).layer_product(q=2, digits=12)
    with pytest.raises(NotConvergedError, match=r"λ = 1\.0e-300 takes too long"):
        law.density([mp.mpf("1e-300")])
