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
from freejac.symbolic.residual import ResNet, residual_density
from freejac.symbolic.schwinger_dyson import skip_symbol, stieltjes_symbol
from freejac.symbolic.symbols import cumulant, depth, q, sigma_w, z

SEED_ACTIVATIONS = ["linear", "relu", "leaky_relu", "hard_tanh", "tanh", "sigmoid", "selu"]


def residual_sample(rng, width, layers, total):
    """Eigenvalues of J Jᵀ for J = Π (1 + W), W_ij of variance total/(layers · width)."""
    product = np.eye(width)
    for _ in range(layers):
        weight = rng.standard_normal((width, width)) * math.sqrt(total / (layers * width))
        product = product + weight @ product
    return np.linalg.eigvalsh(product @ product.T)


def test_leading_order_and_limit():
    """Theory sheet, section 4: S_l = 1 − s(1+2z) + O(s²), and the product of L exact layers."""
    found = ResNet("linear")
    zeroth, first = found.depth_expansion(2)
    assert zeroth == 1
    assert sp.expand(first + sigma_w**2 * (1 + 2 * z)) == 0
    point, total = sp.Rational(1, 3), sp.Rational(7, 10)
    limit = found.s_transform.subs({z: point, cumulant: total}).evalf(30)
    gaps = [
        abs(found.finite(n).s_transform.subs({z: point, sigma_w: sp.sqrt(total)}).evalf(40) - limit)
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
    total = np.zeros(5)
    for x, w in zip(points, weights, strict=True):
        logarithm = edge * mp.sin(mp.pi / 2 * x)
        lam = mp.exp(logarithm)
        slope = lam * edge * mp.cos(mp.pi / 2 * x) * mp.pi / 2 * w
        rho = residual_density(lam, c)
        total += [float(slope * rho * lam**k * mp.exp(-k * c)) for k in range(5)]
    assert total[:3] == pytest.approx([1, 1, 1 + 2 * c], rel=1e-10, abs=0.0)
    m2, m3, m4 = total[2:]
    third, fourth = m3 - 3 * m2 + 2, m4 - 4 * m3 + 6 * m2 - 3
    shape = [float(e.subs(cumulant, c)) for e in (ResNet().skewness, ResNet().kurtosis)]
    assert shape == pytest.approx([third / (2 * c) ** 1.5, fourth / (2 * c) ** 2], rel=1e-6)


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


def test_skip_weight_scales_the_universal_law():
    """J/aᴸ is a product of layers 1 + D W/a: cumulant c/a², eigenvalues times a^{2L}."""
    plain, scaled = ResNet(), ResNet(skip=skip_symbol)
    ratio = cumulant / skip_symbol**2
    for k in (1, 2, 4):
        expected = skip_symbol ** (2 * k * depth) * plain.moment(k).subs(cumulant, ratio)
        assert sp.simplify(scaled.moment(k) / expected) == 1
    for own, other in zip(scaled.edges(), plain.edges(), strict=True):
        expected = skip_symbol ** (2 * depth) * other.subs(cumulant, ratio)
        values = {skip_symbol: sp.Rational(7, 10), depth: 5, cumulant: sp.Rational(3, 10)}
        assert abs((own / expected).subs(values).evalf(30) - 1) < 1e-25
    found = ResNet(skip=sp.Rational(7, 10)).density([0.02, 0.05], cumulant=0.3, depth=4)
    scale = 0.7**8
    expected = [
        value / scale for value in plain.density([0.02 / scale, 0.05 / scale], cumulant=0.3 / 0.49)
    ]
    assert found == pytest.approx(expected, rel=1e-12, abs=0.0)


def test_skip_weight_moments_by_simulation():
    """Depth 60 with a = 1 − 1/60, width 400: the mean and the second moment of the limit."""
    rng, weight, layers = np.random.default_rng(2), 1 - 1 / 60, 60
    product = np.eye(400)
    for _ in range(layers):
        product = weight * product + rng.standard_normal((400, 400)) @ product * math.sqrt(
            0.5 / (layers * 400)
        )
    spectrum = np.linalg.eigvalsh(product @ product.T)
    network = ResNet(skip=sp.Rational(59, 60))
    for k in (1, 2):
        theory = float(network.moment(k).subs({depth: layers, cumulant: sp.S.Half}))
        assert np.mean(spectrum**k) == pytest.approx(theory, rel=0.04 * k)
        wrong = float(ResNet().moment(k).subs(cumulant, sp.S.Half))
        assert np.mean(spectrum**k) != pytest.approx(wrong, rel=0.3)


@pytest.mark.parametrize("c", [sp.Rational(1, 10), sp.Integer(1), sp.Integer(10)])
def test_green_function_is_a_generalised_lambert_function(c):
    """It solves the Green's equation to 40 digits for Im z > 0, and gives the density."""
    found, g = ResNet(), stieltjes_symbol
    equation = (found.green_equation.rhs / g).subs(cumulant, c)
    for point in (sp.Rational(1, 3) + 2 * sp.I, -3 + sp.I / 10**6, 5 + sp.I, 1 + sp.I / 10**9):
        value = found.green_function.subs({cumulant: c, z: point}).evalf(60)
        assert sp.im(value) < 0
        assert abs((equation.subs({z: point, g: value}) - 1).evalf(50)) < 1e-40
    for lam in (sp.Rational(1, 2), sp.Integer(1), sp.Rational(8, 5)):
        value = found.green_function.subs({cumulant: c, z: lam}).evalf(40)
        with mp.workdps(40):
            density = -mp.mpf(sp.im(value)) / mp.pi
            assert abs(density / residual_density(lam, c, 35) - 1) < 1e-34
    far = sp.Integer(10) ** 12
    value = found.green_function.subs({cumulant: c, z: far}).evalf(40)
    mean = sp.exp(c)
    assert abs((far**2 * (value - 1 / far) / mean).evalf(30) - 1) < 1e-6


def test_batch_normalisation_and_blocks_change_the_cumulant_alone():
    gamma, sigma = sp.Rational(3, 2), sp.Rational(5, 4)
    found = ResNet("hard_tanh", batch_norm=(gamma, sigma))
    ratio = found.cumulant / ResNet("hard_tanh").cumulant
    assert sp.simplify(ratio - (gamma / sigma) ** 2) == 0
    assert found.s_transform == ResNet("hard_tanh").s_transform
    block = ResNet(["relu", "leaky_relu(1/2)"])
    assert sp.simplify(block.cumulant - sigma_w**4 * sp.Rational(5, 16)) == 0
    with pytest.raises(DomainError, match="batch"):
        found.propagate(3, 1, 0, 1)
    with pytest.raises(DomainError, match="one weight layer each"):
        block.propagate(3, 1, 0, 1)
    for bad in ((0, 1), (1, -1), (1, sp.oo), 3, (1, 2, 3)):
        with pytest.raises(DomainError, match=r"gamma|sigma|batch_norm"):
            ResNet("relu", batch_norm=bad)


@pytest.mark.parametrize("bad", [0, math.nan, math.inf, sp.I, "1"])
def test_bad_skip_weights(bad):
    with pytest.raises(DomainError, match="skip weight"):
        ResNet("relu", skip=bad)


def test_the_steps_of_the_derivation():
    steps = ResNet("relu", skip=skip_symbol).explain()
    assert len(steps) == 20
    assert all(step.rule for step in steps)
    text, latex = str(steps), steps.latex()
    for piece in ("R-diagonal", "sigma_w**2/2", "GeneralizedLambertW", "exp(-cumulant"):
        assert piece in text
    assert latex.count(r"\item") == 20


def test_linear_propagation_is_geometric():
    """x^l = x^{l−1} + h^l with independent parts: ⟨x²⟩ grows by q = σ_w²⟨x²⟩/L + σ_b²."""
    found = ResNet("linear").propagate(5, sigma_w=1.5, sigma_b=0.3, q1=2)
    square = (2 - 0.09) * 5 / 2.25
    for layer in range(5):
        variance = 2.25 / 5 * square + 0.09
        square += variance
        assert found.q[layer] == pytest.approx(variance, rel=1e-14, abs=0.0)
        assert found.second_moment[layer] == pytest.approx(square, rel=1e-14, abs=0.0)
    assert found.mean == (0,) * 5
    assert found.effective_cumulant == pytest.approx(2.25, rel=1e-14, abs=0.0)


@pytest.mark.parametrize("name", ["tanh", "relu", "sigmoid", "selu"])
def test_propagation_against_a_simulated_network(name):
    """Width 1000, 8 layers, one input; E[φ′²] by the empirical slopes."""
    layers, width, scale, bias = 8, 1000, 1.2, 0.2
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


@pytest.mark.parametrize("name", ["tanh", "sigmoid"])
def test_propagation_with_a_skip_weight(name):
    """Width 1000, 8 layers, a = 0.7, a biased input: q, ⟨x⟩ and ⟨x²⟩ in every layer."""
    layers, width, scale, bias, weight = 8, 1000, 1.5, 0.4, 0.7
    rng = np.random.default_rng(23)
    phi = {"tanh": np.tanh, "sigmoid": lambda h: 1 / (1 + np.exp(-h))}[name]
    signal = rng.standard_normal(width) + 0.8
    q1 = scale**2 / layers * np.mean(signal**2) + bias**2
    arguments = {"depth": layers, "sigma_w": scale, "sigma_b": bias, "q1": q1}
    found = ResNet(name, skip=weight).propagate(**arguments, mean=np.mean(signal))
    plain = ResNet(name).propagate(**arguments, mean=np.mean(signal))
    for layer in range(layers):
        matrix = rng.standard_normal((width, width)) * scale / math.sqrt(layers * width)
        hidden = matrix @ signal + bias * rng.standard_normal(width)
        signal = phi(hidden) + weight * signal
        assert np.mean(hidden**2) == pytest.approx(found.q[layer], rel=0.12)
        assert np.mean(signal) == pytest.approx(found.mean[layer], abs=0.1)
        assert np.mean(signal**2) == pytest.approx(found.second_moment[layer], rel=0.1)
    assert np.mean(signal**2) != pytest.approx(plain.second_moment[-1], rel=0.3)


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
