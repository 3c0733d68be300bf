"""Residual networks of finite depth: moments, density, support and atoms, against simulation."""

import numpy as np
import pytest
import sympy as sp
from mpmath import mp

from freejac import simulate
from freejac.symbolic.derivative_law import bernoulli, general_law, point_mass
from freejac.symbolic.errors import DomainError, NoClosedForm
from freejac.symbolic.residual import ResNet
from freejac.symbolic.symbols import depth, p, q, sigma_w

SLOPES = {
    "relu": (lambda h: np.maximum(h, 0), lambda h: (h > 0) * 1.0),
    "tanh": (np.tanh, lambda h: 1 / np.cosh(h) ** 2),
    "hard_tanh": (lambda h: np.clip(h, -1, 1), lambda h: (abs(h) < 1) * 1.0),
}


def nodes(intervals, count=40):
    """Points and weights in each interval, for inverse square roots at its ends."""
    points, weights = np.polynomial.legendre.leggauss(count)
    for low, high in intervals:
        angle = np.pi / 2 * points
        lam = (low + high) / 2 + (high - low) / 2 * np.sin(angle)
        yield lam, weights * np.pi / 2 * (high - low) / 2 * np.cos(angle)


def moments_of_density(network, count=40, **numbers):
    total = np.zeros(4)
    for lam, weight in nodes(network.support(**numbers), count):
        rho = np.array(network.density(lam.tolist(), **numbers))
        total += [np.sum(weight * rho * lam**k) for k in range(4)]
    return total


@pytest.mark.parametrize("weights", ["gaussian", "orthogonal"])
@pytest.mark.parametrize(("layers", "skip"), [(2, 2), (3, 1)])
def test_density_has_mass_one_and_the_moments(weights, layers, skip):
    """Away from a hard edge, 60 nodes a piece integrate to 1e-10; hard tanh at p = 3/4."""
    network = ResNet(bernoulli(sp.Rational(3, 4)), skip=sp.Rational(skip)).finite(layers, weights)
    scale = sp.sqrt(sp.Rational(1, 2))
    expected = [float(network.moment(k).subs(sigma_w, scale)) for k in range(4)]
    found = moments_of_density(network, 60, sigma_w=scale)
    assert found == pytest.approx(expected, rel=1e-10)


def test_linear_orthogonal_layer_is_the_arcsine_law():
    """|a + σ e^{iθ}|² for uniform θ: ρ = 1/(π √((λ − λ₋)(λ₊ − λ)))."""
    network = ResNet("linear", skip=sp.Rational(3, 2)).finite(1, "orthogonal")
    for lam in (0.5, 2.0, 6.0):
        expected = 1 / (np.pi * np.sqrt((lam - 0.25) * (6.25 - lam)))
        assert network.density(lam) == pytest.approx(expected, rel=1e-13)
    assert network.edges() == pytest.approx((0.25, 6.25))
    assert network.density([0.2, 6.3, -1]) == [0, 0, 0]


def test_moments_with_symbolic_depth_agree_with_numbers():
    for weights in ("gaussian", "orthogonal"):
        general = ResNet(bernoulli(), skip=sp.Rational(7, 10)).finite(depth, weights)
        single = ResNet(bernoulli(), skip=sp.Rational(7, 10)).finite(3, weights)
        for k in (1, 2, 3):
            difference = general.moment(k).subs(depth, 3) - single.moment(k)
            assert sp.cancel(sp.together(difference)) == 0


def test_large_depth_tends_to_the_universal_law():
    """The ratio to m_2 = (1 + 2c)e^{2c} is 1 + O(1/L): ten times closer at ten times the depth."""
    found = ResNet("hard_tanh")
    limit = 2 * sp.exp(1)
    gaps = []
    for layers in (200, 2000):
        moment = found.finite(depth).moment(2)
        scale = sp.sqrt(sp.Rational(1, 2) / sp.erf(1 / sp.sqrt(2)))
        values = {depth: layers, q: 1, sigma_w: scale}
        gaps.append(abs(float(moment.subs(values).evalf(30) / limit) - 1))
    assert gaps[0] / gaps[1] == pytest.approx(10, rel=0.05)


@pytest.mark.slow
def test_different_variances_in_the_blocks():
    """One variance for each block; equal ones are the same as one."""
    network = ResNet("hard_tanh").finite(2)
    points = [0.4, 1.0, 2.5]
    same = network.density(points, q=[1, 1])
    assert same == pytest.approx(network.density(points, q=1), rel=1e-12)
    mixed = network.density(points, q=[sp.Rational(1, 2), 2])
    assert mixed == pytest.approx(network.density(points, q=[2, sp.Rational(1, 2)]), rel=1e-11)
    assert mixed != pytest.approx(same, rel=1e-3)


@pytest.mark.slow
def test_block_of_two_layers():
    """X = D₂W₂D₁W₁ in one block: mass 1 and the moments of the exact series."""
    laws = [bernoulli(sp.Rational(3, 4)), point_mass()]
    network = ResNet(laws, skip=sp.Integer(2)).finite(2)
    expected = [float(network.moment(k).subs(sigma_w, 1)) for k in range(4)]
    assert moments_of_density(network, 120) == pytest.approx(expected, rel=1e-9)


def test_digits_of_the_density():
    network = ResNet(bernoulli(sp.Rational(3, 4))).finite(3)
    with mp.workdps(60):
        low, high = (network.in_numbers(None, 1, {}, n).density([mp.mpf(2)])[0] for n in (15, 40))
        assert abs(low / high - 1) < 1e-15


def test_batch_normalisation_scales_the_weights():
    """D → diag(φ′ γ/σ) is the same as weights of scale σ_w γ/σ."""
    plain = ResNet("relu").finite(2)
    normalised = ResNet("relu", batch_norm=(3, 2)).finite(2)
    expected = plain.moment(3).subs(sigma_w, sigma_w * sp.Rational(3, 2))
    assert sp.expand(normalised.moment(3) - expected) == 0


def test_refusals():
    with pytest.raises(DomainError, match="depth"):
        ResNet("relu").finite(0)
    with pytest.raises(DomainError, match="depth"):
        ResNet("relu").finite().density(1.0)
    with pytest.raises(DomainError, match="give an activation"):
        ResNet().finite(2)
    with pytest.raises(DomainError, match="value for q"):
        ResNet("hard_tanh").finite(2).density(1.0)
    with pytest.raises(DomainError, match="variance q"):
        ResNet("tanh").finite(2).density(1.0)
    with pytest.raises(DomainError, match="2 blocks, not 3"):
        ResNet("tanh").finite(2).density(1.0, q=[1, 1, 1])
    with pytest.raises(DomainError, match="sigma_w"):
        ResNet("relu").finite(2).density(1.0, sigma_w=-1)
    with pytest.raises(DomainError, match="value for p"):
        ResNet(bernoulli(p)).finite(2).density(1.0)
    with pytest.raises(DomainError, match="lambda"):
        ResNet("relu").finite(2).density(float("nan"))
    with pytest.raises(NoClosedForm, match="only the moments"):
        ResNet(general_law()).finite(2).atoms()
    assert ResNet("tanh").finite(2).atoms() == ()


def sampled(name, layers, weights, skip, scale, width=400):
    """Eigenvalues of one simulated network and the variances of its layers."""
    net = simulate.residual(
        *SLOPES[name],
        width=width,
        depth=layers,
        sigma_w=scale,
        sigma_b=0.3,
        q1=1.0,
        skip=skip,
        weights=weights,
        seed=5,
    )
    return net.eigenvalues[0], [sp.Rational(round(v, 6)) for v in net.q[0]]


def distance(network, spectrum, variances, scale):
    """Kolmogorov–Smirnov distance, the law of the density taken with its atoms."""
    numbers = {"q": variances, "sigma_w": scale, "digits": 8}
    order = np.sort(spectrum)
    atoms = 0.0
    levels, places = [], []
    for lam, weight in nodes(network.support(**numbers), 20):
        rho = np.array(network.density(lam.tolist(), **numbers))
        mass = weight * rho
        levels.extend(atoms + np.cumsum(mass) - mass / 2)
        places.extend(lam)
        atoms += mass.sum()
    empirical = np.searchsorted(order, places) / order.size
    return float(np.max(abs(empirical - np.array(levels)))), atoms


@pytest.mark.slow
@pytest.mark.parametrize("name", ["relu", "tanh", "hard_tanh"])
@pytest.mark.parametrize("weights", ["gaussian", "orthogonal"])
@pytest.mark.parametrize(("layers", "skip"), [(1, 1), (2, 0.7), (5, 1)])
def test_finite_depth_by_simulation(name, weights, layers, skip):
    """Moments within 4 % times their order, Kolmogorov–Smirnov distance below 0.04."""
    spectrum, variances = sampled(name, layers, weights, skip, 1.0)
    if name == "relu":
        variances = None
    network = ResNet(name, skip=sp.Rational(str(skip))).finite(layers, weights)
    if name == "relu" or layers == 1:
        values = {sigma_w: 1} | ({q: variances[0]} if variances else {})
        for k in (1, 2, 3):
            theory = float(network.moment(k).subs(values).evalf())
            assert np.mean(spectrum**k) == pytest.approx(theory, rel=0.04 * k)
    if (name, layers, weights) == ("relu", 1, "gaussian"):
        # The density is singular at λ = a² = 1: compared on either side of it.
        for low, high in ((0.2, 0.9), (1.2, 3.0)):
            middle, half = (high + low) / 2, (high - low) / 2
            nodes_, weights_ = np.polynomial.legendre.leggauss(24)
            density = network.density((middle + half * nodes_).tolist(), sigma_w=1)
            share = np.mean((spectrum > low) & (spectrum < high))
            assert half * np.dot(weights_, density) == pytest.approx(share, abs=0.01)
        return
    gap, _ = distance(network, spectrum, variances, 1)
    assert gap < 0.04


@pytest.mark.slow
def test_a_wrong_skip_depth_or_ensemble_is_told_apart():
    spectrum, _ = sampled("relu", 2, "orthogonal", 0.7, 1.5)
    right = ResNet("relu", skip=sp.Rational(7, 10))
    scale = sp.Rational(3, 2)
    assert distance(right.finite(2, "orthogonal"), spectrum, None, scale)[0] < 0.04
    for wrong in (
        right.finite(2, "gaussian"),
        right.finite(3, "orthogonal"),
        ResNet("relu", skip=sp.Rational(4, 5)).finite(2, "orthogonal"),
    ):
        assert distance(wrong, spectrum, None, scale)[0] > 0.04


@pytest.mark.slow
@pytest.mark.parametrize("c", [0.1, 1, 10])
def test_universal_law_by_simulation(c):
    """Linear residual network, width 800, L = 40 (400 at c = 10 costs too much): edges, moments."""
    layers = 60 if c == 10 else 24
    phi, slope = (lambda h: h), np.ones_like
    net = simulate.residual(phi, slope, width=800, depth=layers, sigma_w=c**0.5, q1=1.0, seed=3)
    spectrum = net.eigenvalues[0]
    network = ResNet("linear").finite(layers)
    for k in (1, 2):
        theory = float(network.moment(k).subs(sigma_w, sp.sqrt(sp.Rational(str(c)))).evalf())
        error = 3 * np.std(spectrum**k) / 800**0.5
        assert abs(np.mean(spectrum**k) - theory) < error
    if c == 10:
        return  # at width 800 the largest singular value is still 4 % inside its edge
    low, high = network.edges(sigma_w=sp.sqrt(sp.Rational(str(c))))
    assert np.sqrt(spectrum.max()) == pytest.approx(np.sqrt(high), rel=0.03)
    assert np.sqrt(spectrum.min()) == pytest.approx(np.sqrt(low), rel=0.03)
