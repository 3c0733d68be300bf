"""Residual networks: the derivation step by step, the density, propagation, simulation."""

import math
from itertools import pairwise

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp

from freejac.symbolic.activation import activation
from freejac.symbolic.errors import DomainError
from freejac.symbolic.quadrature import gaussian_mean
from freejac.symbolic.residual import (
    ResNet,
    layer_variance,
    one_layer_green_equation,
    one_layer_s_transform,
    one_layer_series,
    residual_density,
    stieltjes_symbol,
)
from freejac.symbolic.series import from_expr, lagrange_moments
from freejac.symbolic.symbols import cumulant, q, sigma_w, z

SEED_ACTIVATIONS = ["linear", "relu", "leaky_relu", "hard_tanh", "tanh", "sigmoid", "selu"]


def residual_sample(rng, width, layers, total):
    """Eigenvalues of J Jᵀ for J = Π (1 + W), W_ij of variance total/(layers · width)."""
    product = np.eye(width)
    for _ in range(layers):
        weight = rng.standard_normal((width, width)) * math.sqrt(total / (layers * width))
        product = product + weight @ product
    return np.linalg.eigvalsh(product @ product.T)


def test_one_layer_equation_is_that_of_the_theory():
    """Theory sheet, section 4, a = 1: G = (1 − sG)/(z(1 − sG)² − 1)."""
    s, g = layer_variance, stieltjes_symbol
    equation = one_layer_green_equation()
    assert equation.lhs == g
    assert sp.cancel(equation.rhs - (1 - s * g) / (z * (1 - s * g) ** 2 - 1)) == 0


def test_one_layer_moments_are_counted():
    """(1+X)(1+X)ᵀ, X circular of variance s: E = 1 + s, E² = 1 + 4s + 2s² by pairing X with Xᵀ.

    tr((1+X)(1+Xᵀ))² = tr(1 + X + Xᵀ + XXᵀ)²; among the squares only X Xᵀ-pairs survive:
    1 + 2·tr XXᵀ + tr(X + Xᵀ)² + tr(XXᵀ)² = 1 + 2s + 2s + 2s².
    """
    s = layer_variance
    exact = one_layer_s_transform()
    assert sp.simplify(lagrange_moments(exact, 1) - (1 + s)) == 0
    assert sp.simplify(lagrange_moments(exact, 2) - (1 + 4 * s + 2 * s**2)) == 0


def test_one_layer_spectrum_by_simulation():
    rng = np.random.default_rng(3)
    spectrum = residual_sample(rng, 400, 1, 0.5)
    for k in (1, 2, 3):
        theory = lagrange_moments(one_layer_s_transform(), k).subs(layer_variance, sp.S.Half)
        assert np.mean(spectrum**k) == pytest.approx(float(theory), rel=0.03 * k)


def test_leading_order_and_limit():
    """Theory sheet, section 4: S_l = 1 − s(1+2z) + O(s²), S = exp(−c(1+2z))."""
    first = from_expr(one_layer_s_transform(), layer_variance, 2)
    assert sp.cancel(first.coefficient(0) - 1) == 0
    assert sp.cancel(first.coefficient(1) + 1 + 2 * z) == 0
    assert sp.cancel(one_layer_series().coefficient(1) + 1 + 2 * z) == 0
    # the product of L exact layers tends to the exponential, at a point
    point, total = sp.Rational(1, 3), sp.Rational(7, 10)
    layer = one_layer_s_transform().subs(z, point)
    limit = ResNet().s_transform.subs({z: point, cumulant: total}).evalf(30)
    gaps = [
        abs(layer.subs(layer_variance, total / n).evalf(40) ** n / limit - 1)
        for n in (10**3, 10**4)
    ]
    assert gaps[1] < 1e-4
    assert gaps[0] / gaps[1] == pytest.approx(10, rel=0.01)


def test_universal_law():
    found = ResNet()
    g = stieltjes_symbol
    expected = (z * g - 1) * sp.exp(cumulant * (1 - 2 * z * g))
    assert sp.simplify(found.green_equation.rhs - expected) == 0
    assert sp.simplify(found.inverse_mgf * z / (1 + z) - sp.exp(cumulant * (1 + 2 * z))) == 0
    assert found.moment(0) == 1
    assert found.moment(1) == sp.exp(cumulant)
    assert sp.simplify(found.variance - 2 * cumulant * sp.exp(2 * cumulant)) == 0


def test_moments_by_simulation():
    """Depth 60: corrections to the limit are O(c²/L)."""
    rng = np.random.default_rng(11)
    spectrum = residual_sample(rng, 300, 60, 0.4)
    for k in (1, 2, 3):
        theory = float(ResNet().moment(k).subs(cumulant, sp.Rational(2, 5)))
        assert np.mean(spectrum**k) == pytest.approx(theory, rel=0.03 * k)


@pytest.mark.parametrize("c", [sp.Rational(1, 100), sp.S.Half, sp.Integer(3), sp.Integer(40)])
def test_edges_are_double_roots_of_the_inverse(c):
    """The upper edge is the minimum of λ over m > 0, found by bisection of its derivative."""
    lower, upper = (e.subs(cumulant, c).evalf(40) for e in ResNet().edges())
    with mp.workdps(40):
        value = mp.mpf(c.p) / c.q

        def log_lam(m):
            return mp.log((1 + m) / m) + value * (1 + 2 * m)

        def slope(m):
            return 1 / (1 + m) - 1 / m + 2 * value

        bracket = (mp.mpf("1e-9"), 100)
        m = mp.findroot(slope, bracket, solver="bisect", maxsteps=200, verify=False)
        assert abs(mp.exp(log_lam(m)) / mp.mpf(upper) - 1) < 1e-25
        assert abs(mp.mpf(upper) * mp.mpf(lower) - 1) < 1e-35
        condition = mp.mpf(ResNet().condition_number.subs(cumulant, c).evalf(40))
        assert abs(condition / mp.sqrt(mp.mpf(upper) / mp.mpf(lower)) - 1) < 1e-30


@settings(max_examples=20, deadline=None)
@given(st.floats(0.01, 20), st.floats(-0.99, 0.99).filter(lambda x: abs(x) > 0.01))
def test_density_solves_the_green_equation(c, where):
    """G on the real axis from ρ alone: Im G = −πρ, Re G from the equation's imaginary part.

    With m = zG − 1 = u − iπλρ the equation m exp(c(−1−2m)) λ = 1 + m fixes u from its argument;
    its modulus is then an independent check of ρ.
    """
    with mp.workdps(30):
        reach = mp.sqrt(c * (c + 2))
        edge = mp.log1p(c + reach) + reach
        lam = mp.exp(where * edge)
        v = mp.pi * lam * residual_density(lam, c, 25)

        def phase(u):
            m = mp.mpc(u, -v)
            return mp.arg((1 + m) / m) + 2 * c * m.imag

        # |1/2 + u| is bounded by its value at the edge, and the phase is monotone on each side
        side = mp.mpf("-0.5") + mp.sign(where) * (mp.sqrt(1 + 2 / mp.mpf(c)) / 2)
        u = mp.findroot(phase, (mp.mpf("-0.5"), side), solver="anderson", tol=1e-25)
        m = mp.mpc(u, -v)
        assert abs(lam * m * mp.exp(-c * (1 + 2 * m)) / (1 + m) - 1) < 1e-18


@pytest.mark.parametrize("c", [1e-3, 0.1, 1, 5, 30])
def test_density_has_mass_one_and_the_moments(c):
    edge = math.log1p(c + math.sqrt(c * (c + 2))) + math.sqrt(c * (c + 2))
    points, weights = np.polynomial.legendre.leggauss(70)
    total = np.zeros(3)
    for x, w in zip(points, weights, strict=True):
        logarithm = edge * mp.sin(mp.pi / 2 * x)
        lam = mp.exp(logarithm)
        slope = lam * edge * mp.cos(mp.pi / 2 * x) * mp.pi / 2 * w
        rho = residual_density(lam, c)
        total += [float(slope * rho * lam**k * mp.exp(-k * c)) for k in range(3)]
    assert total == pytest.approx([1, 1, 1 + 2 * c], rel=1e-10)


def test_density_digits_and_symmetry():
    for value in ("0.3", "1", "2.7"):
        lam = sp.Rational(value)
        low, high = residual_density(lam, sp.S.Half, 15), residual_density(lam, sp.S.Half, 40)
        assert abs(low / high - 1) < 1e-15
        mirrored = residual_density(1 / lam, sp.S.Half, 40)
        assert abs(mirrored / (high * mp.mpf(lam.p) ** 2 / lam.q**2) - 1) < 1e-14


def test_density_outside_and_at_the_edges():
    lower, upper = (float(e.subs(cumulant, 1)) for e in ResNet().edges())
    grid = [-1, 0, lower * 0.999, upper * 1.001, 1e300]
    assert ResNet().density(grid, cumulant=1) == [0.0] * 5
    inside = ResNet().density([lower * 1.0001, 1, upper * 0.9999], cumulant=1)
    assert all(value > 0 for value in inside)


def test_density_against_a_histogram():
    """Depth 60, width 300, four samples; bins integrated with Simpson's rule."""
    rng = np.random.default_rng(5)
    sample = np.concatenate([residual_sample(rng, 300, 60, 0.5) for _ in range(4)])
    bins = np.linspace(0.4, 3.4, 7)
    for left, right in pairwise(bins):
        rho = ResNet().density([left, (left + right) / 2, right], cumulant=0.5)
        simpson = (rho[0] + 4 * rho[1] + rho[2]) * (right - left) / 6
        observed = np.mean((sample > left) & (sample < right))
        assert observed == pytest.approx(simpson, abs=0.015)


@pytest.mark.parametrize("name", SEED_ACTIVATIONS)
def test_cumulants_of_the_seed(name):
    """c_l = σ_w² E[φ′²] against quadrature of the definition, at two variances."""
    phi = activation(name)
    found = ResNet(phi)
    for variance in (sp.Rational(1, 4), sp.Integer(3)):
        oracle = gaussian_mean(phi.distribution(1) ** 2, variance, 25, phi.defaults)
        value = found.cumulant.subs({**phi.defaults, q: variance, sigma_w: 2}).evalf(22)
        assert abs(value / (4 * sp.Float(oracle, 25)) - 1) < 1e-18


def test_closed_cumulants():
    """Tarnowski et al., section II.3: σ_w², σ_w²/2, σ_w²(1+a²)/2, σ_w² erf(1/√(2q))."""
    a = activation("leaky_relu(a)").parameters[0]
    assert ResNet("linear").cumulant == sigma_w**2
    assert ResNet("relu").cumulant == sigma_w**2 / 2
    assert sp.expand(ResNet("leaky_relu(a)").cumulant - sigma_w**2 * (1 + a**2) / 2) == 0
    assert sp.simplify(ResNet("hard_tanh").cumulant - sigma_w**2 * sp.erf(1 / sp.sqrt(2 * q))) == 0
    assert ResNet().cumulant == cumulant


def test_linear_propagation_is_geometric():
    """x^l = x^{l−1} + h^l with independent parts: ⟨x²⟩ grows by q = σ_w²⟨x²⟩/L + σ_b²."""
    found = ResNet("linear").propagate(5, sigma_w=1.5, sigma_b=0.3, q1=2)
    square = (2 - 0.09) * 5 / 2.25
    for layer in range(5):
        variance = 2.25 / 5 * square + 0.09
        square += variance
        assert found.q[layer] == pytest.approx(variance, rel=1e-14)
        assert found.second_moment[layer] == pytest.approx(square, rel=1e-14)
    assert found.mean == (0,) * 5
    assert found.effective_cumulant == pytest.approx(2.25, rel=1e-14)


@pytest.mark.parametrize("name", ["tanh", "relu", "sigmoid", "selu"])
def test_propagation_against_a_simulated_network(name):
    """Width 2000, 12 layers, one input; E[φ′²] by the empirical slopes."""
    layers, width, scale, bias = 12, 2000, 1.2, 0.2
    rng = np.random.default_rng(17)
    phi = sp.lambdify(
        sp.Symbol("x"),
        activation(name).expr.rewrite(sp.exp).subs(sp.Symbol("x", real=True), sp.Symbol("x")),
        "numpy",
    )
    signal = rng.standard_normal(width) * 1.5 + 0.5
    q1 = scale**2 / layers * np.mean(signal**2) + bias**2
    found = ResNet(name).propagate(layers, scale, bias, q1, mean=np.mean(signal))
    for layer in range(layers):
        weight = rng.standard_normal((width, width)) * scale / math.sqrt(layers * width)
        hidden = weight @ signal + bias * rng.standard_normal(width)
        signal = signal + phi(hidden)
        assert np.mean(hidden**2) == pytest.approx(found.q[layer], rel=0.15)
        assert np.mean(signal) == pytest.approx(found.mean[layer], abs=0.15)
        assert np.mean(signal**2) == pytest.approx(found.second_moment[layer], rel=0.1)


def test_propagation_uses_parameters_and_defaults():
    default = ResNet("leaky_relu").propagate(3, 1, 0, 1)
    assert default.effective_cumulant == pytest.approx((1 + 1e-4) / 2)
    free = ResNet("leaky_relu(b)")
    assert free.propagate(
        3, 1, 0, 1, parameters={activation("leaky_relu(b)").parameters[0]: sp.S.Half}
    ).cumulants[0] == pytest.approx(5 / 8)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"depth": 0}, "depth"),
        ({"depth": 2.5}, "depth"),
        ({"sigma_w": -1}, "sigma_w"),
        ({"sigma_w": math.nan}, "sigma_w"),
        ({"sigma_b": -0.1}, "sigma_b"),
        ({"q1": math.inf}, "q1"),
        ({"q1": 0.5, "sigma_b": 1}, "q1"),
        ({"mean": 100}, "mean"),
    ],
)
def test_bad_propagation_arguments(arguments, named):
    good = {"depth": 3, "sigma_w": 1, "sigma_b": 0, "q1": 1}
    with pytest.raises(DomainError, match=named):
        ResNet("relu").propagate(**(good | arguments))


def test_other_refusals():
    with pytest.raises(DomainError, match="give an activation"):
        ResNet().propagate(3, 1, 0, 1)
    for bad in (0, -1, math.nan):
        with pytest.raises(DomainError, match="cumulant"):
            ResNet().density(1, cumulant=bad)
    with pytest.raises(DomainError, match="lambda"):
        ResNet().density([1, math.nan], cumulant=1)
    with pytest.raises(DomainError, match="order"):
        ResNet().moment(-1)
