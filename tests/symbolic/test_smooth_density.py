"""Densities of products of layers of any activation: mass, moments, limits, simulation."""

import math
from itertools import pairwise

import numpy as np
import pytest
import sympy as sp
from mpmath import fp, mp

from freejac.simulate import feed_forward
from freejac.symbolic.activation import activation
from freejac.symbolic.depth_limits import smooth_limit
from freejac.symbolic.derivative_law import bernoulli, general_law
from freejac.symbolic.errors import DomainError, NoClosedForm, NotConvergedError
from freejac.symbolic.jacobian import Jacobian
from freejac.symbolic.layers import Layer
from freejac.symbolic.mean_field import MeanField
from freejac.symbolic.slope_branches import resolved
from freejac.symbolic.slope_nodes import slope_table
from freejac.symbolic.symbols import q, sigma_w

STEEP = "x + tanh(x)/2"
"""φ′² lies between 1 and 9/4: no eigenvalue comes near 0 for its sake."""


def integrals(network, powers, nodes=60, **numbers):
    """∫ λᵏ ρ by Gauss–Legendre; in log λ, its angle smooth at both ends of the support."""
    ((low, high),) = network.support(**numbers)
    low = low or 1e-9 * high  # λρ is integrable at 0
    middle, half = math.log(high * low) / 2, math.log(high / low) / 2
    points, weights = np.polynomial.legendre.leggauss(nodes)
    angle = np.pi / 2 * points
    lam = np.exp(middle + half * np.sin(angle))
    rho = np.array(network.density(lam.tolist(), **numbers))
    mass = weights * np.pi / 2 * half * np.cos(angle) * lam * rho
    return [float(np.sum(mass * lam**k)) for k in powers]


@pytest.mark.parametrize("weights", ["linear", "relu"])
def test_mass_and_moments(weights):
    """Width ratio 3 or more in each layer: soft edges, mass 1, moments of Lagrange inversion."""
    layers = [Layer(STEEP, 4, q=1), Layer(weights, 9)]
    network = Jacobian(layers=layers, input_width=1)
    found = integrals(network, (0, 1, 2), 40)
    theory = [1.0] + [float(network.moment(k).subs(sigma_w, 1).evalf(20)) for k in (1, 2)]
    assert found == pytest.approx(theory, rel=1e-10, abs=0.0)


def test_mass_beside_an_atom():
    """φ flat for h < 0 and of slope 1 to 2 above: half the mass at 0, the rest away from it."""
    network = Jacobian("where(x > 0, x + tanh(x), 0)", depth=1)
    assert network.atoms() == ((0, sp.S.Half),)
    assert network.support(q=1)[0][0] > 0
    found = integrals(network, (0, 1, 2), 50, q=1, digits=12)
    theory = [0.5] + [float(network.moment(k).subs({q: 1, sigma_w: 1}).evalf(20)) for k in (1, 2)]
    assert found == pytest.approx(theory, rel=1e-9)
    assert network.density(0, q=1) == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "weights", "layers", "variance"),
    [
        ("erf", "gaussian", 2, 0.5),
        ("erf", "orthogonal", 2, 1.0),
        ("gelu", "gaussian", 2, 1.0),
        ("elu", "gaussian", 1, 2.0),
    ],
)
def test_first_moments_with_a_hard_edge(name, weights, layers, variance):
    """∫ λρ and ∫ λ²ρ to 1e-6, kinks among them; the density at 0 is not integrated."""
    network = Jacobian(name, weights, depth=layers)
    values = {q: sp.Rational(variance), sigma_w: 1, **activation(name).defaults}
    found = integrals(network, (1, 2), 100, q=variance, digits=9)
    theory = [float(network.moment(k).subs(values).evalf(20)) for k in (1, 2)]
    assert found == pytest.approx(theory, rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("weights", ["gaussian", "orthogonal"])
@pytest.mark.parametrize(("name", "layers"), [("tanh", 10), ("gelu", 3)])
def test_simulated_networks(name, layers, weights):
    """Width 800, critical, four draws: within five standard errors, and a wrong depth is not."""
    phi = {"tanh": np.tanh, "gelu": lambda h: h * normal(h)}[name]
    slope = {
        "tanh": lambda h: 1 / np.cosh(h) ** 2,
        "gelu": lambda h: normal(h) + h * np.exp(-(h**2) / 2) / math.sqrt(2 * math.pi),
    }[name]
    variance = {"tanh": 0.3, "gelu": 3.0}[name]
    line = [float(e.subs(q, variance).evalf()) ** 0.5 for e in MeanField(name).critical_line()]
    arguments = {"width": 800, "depth": layers, "weights": weights, "seed": 1, "draws": 4}
    net = feed_forward(phi, slope, sigma_w=line[0], sigma_b=line[1], q1=variance, **arguments)
    theory = Jacobian(name, weights, depth=layers)
    numbers = {"q": variance, "sigma_w": line[0], "digits": 9}
    ((_, high),) = theory.support(**numbers)

    grid = np.geomspace(0.02, high, 41)
    shares = (net.eigenvalues[:, :, None] > grid[:-1]).mean(axis=1)
    error = shares.std(axis=0, ddof=1).max() / 2 + 1 / 800

    def off(network):
        """Largest difference of the shares between points of a grid and the top."""
        points, weights_ = np.polynomial.legendre.leggauss(3)
        lam = [(b + a) / 2 + (b - a) / 2 * points for a, b in pairwise(grid)]
        rho = np.array(network.density(np.concatenate(lam).tolist(), **numbers)).reshape(-1, 3)
        mass = (rho @ weights_) * np.diff(grid) / 2
        return abs(shares.mean(axis=0) - np.cumsum(mass[::-1])[::-1]).max()

    assert off(theory) < 5 * error
    assert error < 0.01
    assert off(Jacobian(name, weights, depth=3 * layers)) > 5 * error


def normal(h):
    """Φ."""
    return (1 + np.vectorize(math.erf)(h / math.sqrt(2))) / 2


def test_ten_thousand_layers_are_the_depth_limit():
    """Orthogonal erf at L(μ₂/μ₁² − 1) = 1, χ = 1; the limit is off by O(1/√L)."""
    network = Jacobian("erf", "orthogonal", depth=10_000)
    variance = sp.nsolve(network.variance_at_criticality - 1, q, 0.0018, prec=20)
    scale = float((1 / MeanField("erf").mu(1)).subs(q, variance)) ** 0.5
    grid = [0.2, 0.6, 1.0, 2.0, 3.0]
    found = network.density(grid, q=variance, sigma_w=scale)
    assert found == pytest.approx(smooth_limit(1).density(grid), rel=0.05)


def test_piecewise_linear_layers_among_others():
    """A linear layer first or last, and a ReLU of 2n units as n linear ones."""
    first = [Layer(STEEP, 4, q=1), Layer("linear", 9)]
    second = [Layer(STEEP, 4, q=1), Layer("relu", 18, sigma_w=sp.sqrt(2) * sigma_w)]
    # D of trace 1/2 on 18 rows of variance 2σ²/N leaves 9 rows of twice the variance
    one = Jacobian(layers=first, input_width=1).density([8.0, 20.0])
    two = Jacobian(layers=second, input_width=1).density([8 * 2.0, 20 * 2.0])
    assert two == pytest.approx([rho / 2 for rho in one], rel=1e-12, abs=0.0)


def test_scale_of_the_weights_and_order_of_the_points():
    network = Jacobian("tanh", depth=3)
    grid = [0.3, 0.02, 1.1, 0.3]
    plain = network.density(grid, q=1)
    scaled = network.density([64 * x for x in grid], q=1, sigma_w=2)
    assert scaled == pytest.approx([rho / 64 for rho in plain], rel=1e-12, abs=0.0)
    assert network.density(0.3, q=1) == pytest.approx(plain[0], rel=1e-13, abs=0.0)
    assert network.density([-1, 0, 1e3], q=1) == [0, math.inf, 0]


def test_more_digits():
    network = Jacobian("tanh", depth=2)
    low, high = network.density(0.3, q=1), network.density(0.3, q=1, digits=40)
    assert abs(high / low - 1) < 1e-14
    with mp.workdps(40):
        assert abs(network.density(0.3, q=1, digits=30) / high - 1) < mp.mpf("1e-29")


def test_means_at_a_distance_from_the_poles():
    """E[φ′²/(1 − κφ′²)] and its square by mpmath's quadrature, φ = tanh."""
    panels = slope_table(activation("tanh"), 1).panels(fp)
    for kappa in (mp.mpc(-3, 0.1), mp.mpc(0.4, -0.3)):
        found = panels.mean(complex(kappa))
        for power, value in zip((1, 2), found[:2], strict=True):

            def integrand(h, kappa=kappa, power=power):
                square = mp.sech(h) ** 4
                return square / (1 - kappa * square) ** power * mp.npdf(h)

            assert value == pytest.approx(
                complex(mp.quad(integrand, [-9, -1, 1, 9])), rel=1e-12, abs=0.0
            )


@pytest.mark.parametrize("distance", [1e-4, 1e-8])
def test_means_next_to_the_poles(distance):
    """Plemelj: Im E[f/(1 − κf)] → π Σ p(h) f/|κf′| over f(h) = 1/κ, for f = sech⁴ at ±h."""
    panels = slope_table(activation("tanh"), 1).panels(fp)
    place = math.acosh(2.5**0.25)
    density = math.exp(-(place**2) / 2) / math.sqrt(2 * math.pi)
    expected = 2 * math.pi * density / (2.5 * 4 * math.tanh(place))
    found = panels.mean(complex(2.5, distance)).value
    assert found.imag == pytest.approx(expected, rel=max(100 * distance, 1e-6))


def test_means_where_the_slope_has_no_digits_left():
    """Erf at q = 30: E[φ′²] = 4/(π√(1 + 4q)); 9 standard deviations out φ′² is 1e-1000."""
    with mp.workdps(25):
        means = slope_table(activation("erf"), 30).panels(mp).mean(mp.zero)
        assert abs(means.value * mp.pi * mp.sqrt(121) / 4 - 1) < mp.mpf("1e-21")
        assert abs(means.above - 1) < mp.mpf("1e-21")


def test_both_parts_of_a_complex_slope_have_their_digits():
    slope = resolved(lambda h: [1 - mp.tanh(h) ** 2])
    place = mp.mpc(60, "0.35")
    (found,) = slope(place)
    exact = mp.sech(place) ** 2
    assert abs(found.real / exact.real - 1) < 1e-12
    assert abs(found.imag / exact.imag - 1) < 1e-12


def test_a_pole_on_the_line_is_refused():
    panels = slope_table(activation("tanh"), 1).panels(fp)
    for kappa in (2.5, complex(2.5, 1e-14)):
        with pytest.raises(NotConvergedError, match="pole on the line"):
            panels.mean(kappa)


def test_refusals():
    with pytest.raises(NoClosedForm, match="only the moments"):
        Jacobian(general_law(), depth=2).density(1)
    with pytest.raises(DomainError, match="value for q"):
        Jacobian("tanh", depth=2).density(1)
    with pytest.raises(DomainError, match="parameter beta"):
        Jacobian("x*sigmoid(beta*x)", depth=2).density(1, q=1)
    with pytest.raises(DomainError, match="depth"):
        Jacobian("tanh").density(1, q=1)
    with pytest.raises(DomainError, match="digits"):
        Jacobian("tanh", depth=2).density(1, q=1, digits=200)
    with pytest.raises(DomainError, match="lambda"):
        Jacobian("tanh", depth=2).density(math.nan, q=1)
    with pytest.raises(DomainError, match="λ = 0 is not decided"):
        Jacobian("tanh", "orthogonal", depth=2).density(0, q=1)


@pytest.mark.parametrize("layers", [10**4, 10**7])
def test_deep_upper_edges_grow_like_e_times_the_depth(layers):
    """λ₊/(L m_1) → e (μ_2/μ_1² + 1) for Gaussian weights, off by O(1/L); erf, χ = 1."""
    network = Jacobian("erf", depth=layers)
    scale = float((1 / MeanField("erf").mu(1)).subs(q, 1)) ** 0.5
    ((_, high),) = network.support(q=1, sigma_w=scale)
    growth = float(Jacobian("erf").edge_growth.subs(q, 1))
    mean = (scale**2 * float(MeanField("erf").mu(1).subs(q, 1))) ** layers
    assert high / layers / mean == pytest.approx(growth, rel=10 / layers)


def test_supports():
    """With φ′² unbounded there is no upper edge; the lower one is found past a wide layer."""
    assert Jacobian("relu2", depth=2).support(q=1) == ((0, math.inf),)
    wide = Jacobian(layers=[Layer(STEEP, 9, q=1)], input_width=1)
    ((low, high),) = wide.support()
    # 1 ≤ φ′² ≤ 9/4: between the edges of those constants
    assert (1 - 3) ** 2 < low < 2.25 * (1 - 3) ** 2
    assert (1 + 3) ** 2 < high < 2.25 * (1 + 3) ** 2
    for edge, inside in ((low, 1.0001), (high, 0.9999)):
        assert wide.density(edge * inside) > 0
        assert wide.density(edge / inside) == 0
    mixed = [Layer(bernoulli(sp.Rational(1, 2)), 2), Layer("tanh", 3, q=1)]
    assert Jacobian(layers=mixed, input_width=1).support()[0][0] == 0
