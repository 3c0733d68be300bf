"""Spectral densities in numbers: mass, moments, known laws, simulation, and refusals."""

import math

import numpy as np
import pytest
import sympy as sp
from mpmath import mp

from freejac.symbolic.density import LayerProduct
from freejac.symbolic.derivative_law import bernoulli, general_law
from freejac.symbolic.ensembles import general
from freejac.symbolic.errors import DomainError, NoClosedForm
from freejac.symbolic.jacobian import Jacobian
from freejac.symbolic.layers import Layer
from freejac.symbolic.symbols import depth, p, parameter, q, sigma_w, z

Q, SIGMA = sp.Rational(1, 3), sp.Rational(11, 10)


def integrals(curve, powers, nodes=50):
    """∫ λᵏ ρ by Gauss–Legendre in log λ, or in a root of λ at a hard edge, angle at soft ones."""
    points, weights = np.polynomial.legendre.leggauss(nodes)
    total = np.zeros(len(powers))
    for lower, upper in curve.support:
        if lower == 0:
            # ρ goes like λ^{1/L−1} where φ′ = 0 happens, else like λ^{−L/(L+1)}
            count = sum(layer.count for layer in curve.layers)
            full = all(sum(w for _, w in layer.atoms) == 1 for layer in curve.layers)
            root = 2 * (count + 1 if full else count)
            angle = (points + 1) * np.pi / 4
            lam = [upper * mp.sin(a) ** root for a in angle]
            slope = [x * root * mp.cot(a) * np.pi / 4 for x, a in zip(lam, angle, strict=True)]
        else:
            middle, half = mp.log(upper * lower) / 2, mp.log(upper / lower) / 2
            angle = points * np.pi / 2
            lam = [mp.exp(middle + half * mp.sin(a)) for a in angle]
            slope = [x * half * mp.cos(a) * np.pi / 2 for x, a in zip(lam, angle, strict=True)]
        rho = curve.density(lam)
        for i, k in enumerate(powers):
            terms = zip(weights, slope, lam, rho, strict=True)
            total[i] += float(sum(w * s * x**k * r for w, s, x, r in terms))
    return total


@pytest.mark.parametrize(
    ("phi", "weights", "layers"),
    [
        ("hard_tanh", "gaussian", 1),
        ("leaky_relu(3/10)", "orthogonal", 1),
        *(
            pytest.param(*case, marks=pytest.mark.slow)
            for case in (
                ("linear", "gaussian", 1),
                ("hard_tanh", "orthogonal", 6),
                ("linear", "gaussian", 3),
                ("relu", "gaussian", 4),
                ("hard_tanh", "orthogonal", 2),
                ("leaky_relu(3/10)", "gaussian", 2),
                ("leaky_relu(3/10)", "orthogonal", 2),
                ("leaky_relu(1/10)", "orthogonal", 3),
            )
        ),
    ],
)
def test_mass_and_moments(phi, weights, layers):
    """With the atoms the mass is 1 and the moments are those of Lagrange inversion."""
    jacobian = Jacobian(phi, weights, layers)
    curve = jacobian.layer_product(q=Q, sigma_w=SIGMA)
    found = integrals(curve, (0, 1, 2))
    for location, mass in jacobian.atoms():
        place, share = (float(e.subs({q: Q, sigma_w: SIGMA})) for e in (location, mass))
        found += share * np.array([1, place, place**2])
    theory = [float(jacobian.moment(k).subs({q: Q, sigma_w: SIGMA})) for k in (0, 1, 2)]
    assert found == pytest.approx(theory, rel=1e-10, abs=0.0)


LAYERS = {
    "narrowing": [Layer(bernoulli(sp.Rational(4, 5)), 600), Layer("relu", 1400)],
    "widening": [Layer("linear", 1400), Layer("hard_tanh", 3000, q=Q)],
    "several slopes": [
        Layer("leaky_relu(1/2)", 600),
        Layer("relu", 1400),
        Layer("linear", weights="orthogonal", sigma_w=2, count=2),
    ],
    "different orthogonal": [
        Layer(bernoulli(sp.Rational(9, 10)), weights="orthogonal"),
        Layer("hard_tanh", q=Q, weights="orthogonal", count=2),
    ],
}


@pytest.mark.parametrize(
    "name", ["narrowing", *(pytest.param(n, marks=pytest.mark.slow) for n in list(LAYERS)[1:])]
)
def test_mass_and_moments_of_layers(name):
    jacobian = Jacobian(layers=LAYERS[name], input_width=1000)
    curve = jacobian.layer_product(sigma_w=SIGMA)
    found = integrals(curve, (0, 1, 2), 80)
    for location, mass in jacobian.atoms():
        place, share = (float(e.subs({sigma_w: SIGMA})) for e in (location, mass))
        found += share * np.array([1, place, place**2])
    theory = [float(jacobian.moment(k).subs(sigma_w, SIGMA)) for k in (0, 1, 2)]
    assert found == pytest.approx(theory, rel=1e-10, abs=0.0)


@pytest.mark.slow
def test_two_different_laws_of_several_slopes():
    """Each has a variable of its own on the curve."""
    layers = [Layer("leaky_relu(1/2)", 2), Layer("leaky_relu(1/10)", 3)]
    jacobian = Jacobian(layers=layers, input_width=1)
    curve = jacobian.layer_product(sigma_w=1)
    assert len(curve.support) == 1
    found = integrals(curve, (0, 1, 2), 30)
    theory = [float(jacobian.moment(k).subs(sigma_w, 1)) for k in (0, 1, 2)]
    assert found == pytest.approx(theory, rel=1e-6)


def test_symbols_in_layers_get_values():
    ratio, scale = parameter("ratio", positive=True), parameter("scale", positive=True)
    layers = [Layer(bernoulli(), ratio, sigma_w=scale)]
    jacobian = Jacobian(layers=layers, input_width=1)
    found = jacobian.density(2, parameters={ratio: 3, scale: 1, p: sp.Rational(1, 3)})
    assert found == pytest.approx(1 / (2 * math.pi), rel=1e-12, abs=0.0)
    with pytest.raises(DomainError, match="value for p"):
        jacobian.density(2, parameters={ratio: 3, scale: 1})
    block = Jacobian(layers=[Layer("linear", 2), Layer("linear", 3, count=depth)], input_width=1)
    with pytest.raises(DomainError, match="depth"):
        block.density(1)
    assert block.density(1, depth=1) == pytest.approx(
        Jacobian(layers=[Layer("linear", 2), Layer("linear", 3)], input_width=1).density(1)
    )


@pytest.mark.parametrize("weights", ["gaussian", "orthogonal"])
@pytest.mark.parametrize("layers", [1, 9])
def test_support_agrees_with_the_closed_edges(weights, layers):
    jacobian = Jacobian("hard_tanh", weights, layers)
    edges = [e.subs({q: Q, sigma_w: SIGMA}).evalf(20) for e in jacobian.edges()]
    support = jacobian.layer_product(q=Q, sigma_w=SIGMA).support
    flat = [end for interval in support for end in interval]
    assert [float(e) for e in flat] == pytest.approx([float(e) for e in edges], rel=1e-12, abs=0.0)


@pytest.mark.slow
def test_band_beside_an_atom():
    """Slopes² a = 1/100 and 1 with shares 1/10 and 9/10, two orthogonal layers.

    Each direction of the small slope in one layer meets one of the other in a 2 × 2 block whose
    determinant is a²: eigenvalues come in pairs λ, a²/λ, and 1 − 2/10 of them stay at 1.
    """
    shares = [(sp.Rational(1, 100), sp.Rational(1, 10)), (1, sp.Rational(9, 10))]
    curve = LayerProduct.equal(shares, sp.Integer(1), 2)
    ((lower, upper),) = curve.support
    assert lower * upper == pytest.approx(1e-4, rel=1e-12, abs=0.0)
    assert upper < 1
    assert integrals(curve, (0,))[0] == pytest.approx(0.2, rel=1e-8)


@pytest.mark.slow
def test_support_with_a_gap():
    """One Gaussian layer, slopes² 1 and 1000: the tenth with the large slope splits off."""
    shares = [(1, sp.Rational(9, 10)), (1000, sp.Rational(1, 10))]
    curve = LayerProduct.equal(shares, 1 / (1 + z), 1)
    (start, low), (high, _) = curve.support
    assert start == 0 < low < high
    found = integrals(curve, (0, 1))
    assert found == pytest.approx([1, 100.9], rel=1e-8)
    assert curve.density([mp.sqrt(low * high)]) == [0]


def test_known_densities():
    """Marchenko–Pastur, and two Ginibre factors (Penson and Życzkowski 2011, case s = 2)."""
    grid = [0.01, 0.5, 1.0, 3.9]
    found = Jacobian("linear", depth=1).density(grid)
    assert found == pytest.approx(
        [math.sqrt(x * (4 - x)) / (2 * math.pi * x) for x in grid], rel=1e-12, abs=0.0
    )

    def fuss(x):
        inner = 27 + 3 * math.sqrt(81 - 12 * x)
        front = 2 ** (1 / 3) * math.sqrt(3) / (12 * math.pi)
        top = 2 ** (1 / 3) * inner ** (2 / 3) - 6 * x ** (1 / 3)
        return front * top / (x ** (2 / 3) * inner ** (1 / 3))

    grid = [0.001, 0.3, 1.0, 6.5]
    assert Jacobian("linear", depth=2).density(grid) == pytest.approx(
        [fuss(x) for x in grid], rel=1e-11, abs=0.0
    )


def test_two_free_projections():
    """p = 1/2: λ has the arcsine law √(1/(λ(1−λ)))/(2π) away from the atom of mass 1/2 at 0."""
    jacobian = Jacobian("relu", "orthogonal", 2)
    grid = [0.1, 0.5, 0.9]
    found = jacobian.density(grid, q=1)
    assert found == pytest.approx(
        [1 / (2 * math.pi * math.sqrt(x * (1 - x))) for x in grid], rel=1e-12, abs=0.0
    )


def test_outside_the_support():
    jacobian = Jacobian("hard_tanh", "gaussian", 1)
    lower, upper = (float(e.subs({q: Q, sigma_w: 1})) for e in jacobian.edges())
    grid = [-1.0, 0.0, lower * 0.99, upper * 1.01, 1e6]
    assert jacobian.density(grid, q=Q) == [0.0] * 5
    assert Jacobian("relu", "gaussian", 2).density(0, q=1) == math.inf
    assert jacobian.density(upper, q=Q) < 1e-6


def test_order_and_repetition_do_not_matter():
    jacobian = Jacobian("hard_tanh", "orthogonal", 2)
    grid = [0.3, 0.05, 0.3]
    one_by_one = [jacobian.density(x, q=Q) for x in grid]
    assert jacobian.density(grid, q=Q) == pytest.approx(one_by_one, rel=1e-12, abs=0.0)


def test_near_the_edge_and_more_digits():
    jacobian = Jacobian("linear", depth=1)
    close = sp.Integer(4) - sp.Rational(1, 10**9)
    found = float(jacobian.density(close, digits=30))
    assert found == pytest.approx(math.sqrt(1e-9) / (4 * math.pi), rel=1e-8)
    with mp.workdps(120):
        expected = mp.sqrt(3) / (2 * mp.pi)
        assert abs(jacobian.density(1, digits=100) / expected - 1) < mp.mpf("1e-99")


@pytest.mark.parametrize(
    ("layers", "digits"),
    [
        (10_000, 15),
        pytest.param(5, 50, marks=pytest.mark.slow),
        pytest.param(50, 15, marks=pytest.mark.slow),
    ],
)
def test_deep_ginibre_products(layers, digits):
    """λ = sin^{L+1}((L+1)a)/(sin a · sin^L(La)), ρ = sin²a · sin^{L−1}(La)/(π sin^L((L+1)a)).

    Haagerup and Möller (2013), "The law of large numbers for the free multiplicative
    convolution", for 0 < a < π/(L+1).
    """
    with mp.workdps(digits + 15):
        angles = [mp.pi / (layers + 1) * mp.mpf(f) for f in ("0.05", "0.3", "0.7", "0.97")]
        lam, rho = [], []
        for a in angles:
            high, low = mp.sin((layers + 1) * a), mp.sin(layers * a)
            lam.append(high ** (layers + 1) / (mp.sin(a) * low**layers))
            rho.append(mp.sin(a) ** 2 * low ** (layers - 1) / (mp.pi * high**layers))
        curve = LayerProduct.equal([(1, 1)], 1 / (1 + z), layers, digits)
        for found, expected in zip(curve.density(lam), rho, strict=True):
            assert abs(found / expected - 1) < mp.mpf(10) ** (3 - digits)


@pytest.mark.slow
@pytest.mark.parametrize(("weights", "seed"), [("gaussian", 1), ("orthogonal", 2)])
def test_histogram_of_simulated_matrices(weights, seed):
    """Two layers, width 300, six samples; bins by the density integrated with Simpson's rule."""
    rng = np.random.default_rng(seed)
    n, share = 300, 0.7
    spectra = []
    for _ in range(6):
        product = np.eye(n)
        for _ in range(2):
            weight = rng.standard_normal((n, n)) / np.sqrt(n)
            if weights == "orthogonal":
                weight, upper = np.linalg.qr(weight)
                weight = weight * np.sign(np.diag(upper))
            product = (rng.permutation(n) < share * n)[:, None] * (weight @ product)
        spectra.append(np.linalg.eigvalsh(product @ product.T))
    sample = np.concatenate(spectra)
    jacobian = Jacobian(bernoulli(), weights, 2)
    bins = np.linspace(0.1, 0.8, 8)
    fine = np.linspace(0.1, 0.8, 29)
    rho = np.array(jacobian.density(list(fine), parameters={p: 0.7}))
    for left, right, start in zip(bins, bins[1:], range(0, 28, 4), strict=False):
        simpson = rho[start : start + 5] @ np.array([1, 4, 2, 4, 1]) * (right - left) / 12
        observed = np.mean((sample > left) & (sample < right))
        assert observed == pytest.approx(simpson, abs=0.01)


@pytest.mark.slow
def test_parameters_and_their_defaults():
    given = Jacobian("leaky_relu(1/100)", depth=2).density(0.5, sigma_w=SIGMA)
    assert Jacobian("leaky_relu", depth=2).density(0.5, sigma_w=SIGMA) == given
    free = Jacobian("where(x > 0, x, b*x)", depth=2)
    (b,) = free.law.moment(1).free_symbols
    assert free.density(0.5, sigma_w=SIGMA, parameters={b: 0.01}) == given
    with pytest.raises(DomainError, match="value for b"):
        free.density(0.5)


def test_refusals():
    with pytest.raises(NoClosedForm, match="only the moments"):
        Jacobian(general_law(), depth=2).density(1, q=1)
    with pytest.raises(NoClosedForm, match="series"):
        Jacobian("relu", general(), depth=2).density(1, q=1)
    with pytest.raises(DomainError, match="value for q"):
        Jacobian("hard_tanh", depth=2).density(1)
    with pytest.raises(DomainError, match="depth"):
        Jacobian("relu").density(1)
    with pytest.raises(DomainError, match="depth"):
        Jacobian("relu", depth=2).density(1, depth=3)
    for bad in (math.nan, math.inf, "a"):
        with pytest.raises(DomainError, match="lambda"):
            Jacobian("relu", depth=2).density(bad)
    for bad in (-1, 0, math.nan):
        with pytest.raises(DomainError, match="sigma_w"):
            Jacobian("relu", depth=2).density(1, sigma_w=bad)
        with pytest.raises(DomainError, match="q"):
            Jacobian("hard_tanh", depth=2).density(1, q=bad)
    with pytest.raises(DomainError, match="more than 1"):
        Jacobian(bernoulli(), depth=2).density(1, parameters={p: 1.5})
    with pytest.raises(NoClosedForm, match="rational"):
        LayerProduct.equal([(1, 1)], sp.exp(-z), 2)
    with pytest.raises(DomainError, match="digits"):
        LayerProduct.equal([(1, 1)], sp.Integer(1), 2, digits=2000)


@pytest.mark.parametrize("layers", [1279, 10_000])
def test_the_support_of_deep_orthogonal_products(layers):
    """Slopes 1 and 1/100: real λ(ζ) turns at both ends, for ζ above and below both values."""
    values = [(1, sp.Rational(1, 2)), (sp.Rational(1, 10_000), sp.Rational(1, 2))]
    curve = LayerProduct.equal(values, sp.S.One, layers)

    def level(log_zeta):
        zeta = mp.exp(log_zeta)
        m = sum(a * w / (zeta - a) for a, w in ((1, 0.5), (1e-4, 0.5)))
        return layers * mp.log(zeta) + (layers - 1) * mp.log(m / (1 + m))

    with mp.workdps(30):
        upper = min(level(mp.mpf(k) / 50) for k in range(50, 1000))
        lower = max(level(-mp.mpf(k) / 50) for k in range(500, 1450))
        ((low, high),) = curve.support
        assert abs(mp.log(high) - upper) < 2e-4 * layers
        assert abs(mp.log(low) - lower) < 2e-4 * layers
    # the way from far above is one over e-folds of λ, not over quarters of one
    assert curve.density([2 * high, low / 2]) == [0, 0]
