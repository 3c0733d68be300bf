"""The face of the network laws and kernels: shapes, agreement with mpmath, refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sympy as sp
from mpmath import mp
from scipy.special import erfinv

import freejac as fj
from freejac.simulate import feed_forward
from freejac.symbolic.derivative_law import bernoulli
from freejac.symbolic.layers import Layer
from freejac.symbolic.residual import residual_density


@pytest.mark.parametrize("cumulant", [1e-9, 1e-3, 0.5, 20.0, 300.0])
def test_residual_density_agrees_with_mpmath_inside_and_beyond_the_kernel(cumulant):
    # log λ is symmetric about 0; the edges are at ±(artanh-like) top, so stay within half of it.
    top = 2 * math.atanh(math.sqrt(cumulant / (cumulant + 2))) + math.sqrt(
        cumulant * (cumulant + 2)
    )
    lam = np.exp(top * np.array([-0.5, -0.1, 0.0, 0.3, 0.5, 1.5]))
    found = fj.ResNet().density(lam, cumulant=cumulant)
    expected = [float(residual_density(float(value), cumulant, 25)) for value in lam]
    assert found[-1] == 0
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_shapes_are_kept():
    network = fj.ResNet()
    assert network.density(np.ones((2, 3)), cumulant=1).shape == (2, 3)
    assert isinstance(network.density(1, cumulant=1), float)
    assert fj.Jacobian("relu", depth=2).density([[1.0], [2.0]], sigma_w=1).shape == (2, 1)


@pytest.mark.parametrize("lam", ["one", [1, "two"], [1, float("nan")], [float("inf")], [1j], None])
def test_eigenvalues_must_be_finite_numbers(lam):
    with pytest.raises(fj.DomainError, match="lambda"):
        fj.ResNet().density(lam, cumulant=1)
    with pytest.raises(fj.DomainError, match="lambda"):
        fj.Jacobian("relu", depth=2).density(lam)


@pytest.mark.parametrize("cumulant", [0, -1, float("nan"), "one"])
def test_cumulants_must_be_positive(cumulant):
    with pytest.raises(fj.DomainError, match="cumulant"):
        fj.ResNet().density(1, cumulant=cumulant)


def test_kernels_refuse_what_is_no_number():
    with pytest.raises(fj.DomainError, match="q must be real numbers"):
        fj.kernels("relu").second_moment("a")
    with pytest.raises(fj.DomainError, match="alpha must be real numbers"):
        fj.kernels("elu").mu_1(1.0, alpha="b")
    with pytest.raises(fj.DomainError, match="q must be real numbers"):
        fj.kernels("relu").second_moment([None, 1.0])


def test_whole_numbers_of_numpy_are_whole_numbers():
    relu = fj.kernels("relu")
    assert relu.propagate(np.int64(3), 1.0, 0.0, 1.0).q.shape == (3,)
    assert relu.mu(1.0, np.int64(2)) == 0.5


def test_exact_moments_need_a_depth_whose_powers_can_be_written():
    with pytest.raises(fj.DomainError, match=r"freejac\.depth"):
        fj.Jacobian("relu", depth=10**9).moment(2)


def test_more_digits_than_a_float_has():
    network = fj.Jacobian("linear", depth=1)
    found = network.density([[1, 2]], digits=40)
    with mp.workdps(40):
        for value, lam in zip(found.ravel(), (1, 2), strict=True):
            expected = mp.sqrt(lam * (4 - lam)) / (2 * mp.pi * lam)
            assert abs(value / expected - 1) < mp.mpf("1e-39")
    assert found.shape == (1, 2)


@pytest.mark.parametrize(
    "lam", [sp.Rational(93, 100), mp.mpf("0.1"), 10**400, sp.Rational(1, 10**400), np.float32(0.1)]
)
def test_exact_eigenvalues_are_not_rounded(lam):
    """Marchenko–Pastur: √(λ(4−λ))/(2πλ), where a double of λ would be short of 23 digits."""
    found = fj.Jacobian("linear", depth=1).density([lam, 2], digits=40)
    with mp.workdps(60):
        exact = mp.mpf(lam.p) / lam.q if isinstance(lam, sp.Rational) else mp.convert(lam)
        expected = mp.sqrt(exact * (4 - exact)) / (2 * mp.pi * exact) if exact < 4 else 0
        assert abs(found[0] - expected) <= mp.mpf("1e-39") * expected


def test_what_doubles_do_not_hold_is_no_double():
    """λ = 10⁻⁴⁰⁰ is not 0, where the density is infinite, and 10⁴⁰⁰ lies outside."""
    found = fj.Jacobian("linear", depth=1).density([sp.Rational(1, 10**400), 10**400])
    assert found[0] == pytest.approx(1e200 / math.pi, rel=1e-10)
    assert found[1] == 0


def test_layers_with_widths_have_arrays_too():
    layers = [Layer("relu", 600, sigma_w=1), Layer("linear", 1400, sigma_w=1)]
    network = fj.Jacobian(layers=layers, input_width=1000)
    lower, upper = (float(edge) for edge in network.edges())
    found = network.density(np.array([lower / 2, (lower + upper) / 2, 2 * upper]))
    assert found[1] > 0 == found[0] == found[2]


def hard_tanh(h):
    return np.clip(h, -1, 1)


def hard_tanh_slope(h):
    return (np.abs(h) < 1).astype(float)


def numbers(expr, **values):
    """An exact expression at numbers for p and σ_w."""
    return float(expr.subs({getattr(fj, name): value for name, value in values.items()}).evalf(20))


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.9, 0.6])
def test_orthogonal_hard_tanh_above_and_below_the_threshold(share):
    """Four layers: an atom at the top for p > 3/4. Width 800, q kept at p = erf(1/√(2q))."""
    layers, scale, draws = 4, 1.05, 6
    variance = 1 / (2 * erfinv(share) ** 2)
    square = float(fj.MeanField("hard_tanh").second_moment.subs(fj.q, variance).evalf(20))
    sample = feed_forward(
        hard_tanh,
        hard_tanh_slope,
        width=800,
        depth=layers,
        sigma_w=scale,
        sigma_b=float(np.sqrt(variance - scale**2 * square)),
        q1=variance,
        weights="orthogonal",
        seed=4,
        draws=draws,
    )
    network = fj.Jacobian(bernoulli(), "orthogonal", depth=layers)
    for k in (1, 2, 3):
        estimate, error = sample.moment(k)
        assert abs(estimate - numbers(network.moment(k), p=share, sigma_w=scale)) < 4 * error
        assert error < 0.05 * estimate
    (zero, rank), (top, mass) = network.atoms()
    assert zero == 0
    eigenvalues = sample.eigenvalues
    assert np.mean(eigenvalues < 1e-12) == pytest.approx(numbers(rank, p=share), abs=0.02)
    top, mass = numbers(top, sigma_w=scale), numbers(mass, p=share)
    at_top = np.abs(eigenvalues / top - 1) < 1e-9
    assert np.mean(at_top) == pytest.approx(mass, abs=0.03)
    assert (mass == 0) == (share < 0.75)
    upper = numbers(network.edges()[1], p=share, sigma_w=scale)
    largest = [row[~tops].max() for row, tops in zip(eigenvalues, at_top, strict=True)]
    assert np.sqrt(np.mean(largest)) == pytest.approx(np.sqrt(upper), rel=0.03)
    # the continuous spectrum starts at 0
    smallest = [row[row > 1e-12].min() for row in eigenvalues]
    assert max(smallest) < 1e-3


@pytest.mark.slow
def test_widths_1000_600_1400():
    """Two hard-tanh layers, a signal sent through at the variances that theory says; six draws."""
    draws, scales, variance = 6, (1.3, 0.9), 0.2
    generator = np.random.default_rng(11)
    spectra = []
    for _ in range(draws):
        x = generator.standard_normal(1000) * np.sqrt(variance) / scales[0]
        first = scales[0] * generator.standard_normal((600, 1000)) / np.sqrt(1000)
        second = scales[1] * generator.standard_normal((1400, 600)) / np.sqrt(600)
        h1 = first @ x
        h2 = second @ hard_tanh(h1)
        masks = hard_tanh_slope(h1), hard_tanh_slope(h2)
        jacobian = masks[1][:, None] * second @ (masks[0][:, None] * first)
        spectra.append(np.linalg.svd(jacobian, compute_uv=False) ** 2)
    spectra = np.array(spectra)
    square = fj.MeanField("hard_tanh").second_moment.subs(fj.q, variance).evalf(20)
    layers = []
    variances = (variance, scales[1] ** 2 * square)
    for scale, width, q in zip(scales, (600, 1400), variances, strict=True):
        share = sp.Rational(str(math.erf(1 / math.sqrt(2 * q))))
        layers.append(Layer(bernoulli(share), width, sigma_w=scale))
    network = fj.Jacobian(layers=layers, input_width=1000)
    for k in (1, 2, 3):
        rows = np.mean(spectra**k, axis=1)
        error = rows.std(ddof=1) / np.sqrt(draws)
        assert abs(rows.mean() - float(network.moment(k))) < 4 * error
        assert error < 0.05 * rows.mean()
    ((zero, mass),) = network.atoms()
    assert zero == 0
    positive = spectra > 1e-12
    assert np.mean(~positive) == pytest.approx(float(mass), abs=0.02)
    lower, upper = (float(edge) for edge in network.edges())
    smallest = [row[keep].min() for row, keep in zip(spectra, positive, strict=True)]
    assert np.sqrt(smallest).mean() == pytest.approx(np.sqrt(lower), rel=0.03)
    assert np.sqrt(spectra.max(axis=1)).mean() == pytest.approx(np.sqrt(upper), rel=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("ratio", [sp.Rational(1, 10), 1, 10])
def test_one_layer_of_any_aspect_ratio(ratio):
    """Marchenko–Pastur by the layers: 3000 entries a side at most."""
    inputs = 3000 if ratio < 1 else 900
    rows = int(inputs * ratio) if ratio != 10 else 9000
    generator = np.random.default_rng(3)
    weights = generator.standard_normal((rows, inputs)) / np.sqrt(inputs)
    gram = weights.T @ weights if rows >= inputs else weights @ weights.T
    spectrum = np.linalg.eigvalsh(gram)
    network = fj.Jacobian(layers=[Layer("linear", rows, sigma_w=1)], input_width=inputs)
    for k in (1, 2, 3):
        measured = np.sum(spectrum**k) / inputs
        assert measured == pytest.approx(float(network.moment(k)), rel=0.01)
    lower, upper = (float(edge) for edge in network.edges())
    assert np.sqrt(spectrum.max()) == pytest.approx(np.sqrt(upper), rel=0.03)
    if lower:
        assert np.sqrt(spectrum.min()) == pytest.approx(np.sqrt(lower), rel=0.03)
