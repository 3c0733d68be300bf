"""Spectra of finite random networks against the theory of infinitely wide ones.

Widths of 500 and more, fixed seeds. Bounds on distribution functions are given with what a wrong
theory would show, and the tests assert that they would see it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from freejac.networks import Jacobian, ResNet
from freejac.numeric import numpy_function
from freejac.simulate import Sample, feed_forward, residual
from freejac.symbolic.activation import activation
from freejac.symbolic.mean_field import MeanField
from freejac.symbolic.propagation import Propagation
from freejac.symbolic.symbols import cumulant, q, sigma_w


def distance(sample: Sample, lam: np.ndarray, density: np.ndarray, above: float = 0.0) -> float:
    """Largest difference of the distribution functions at the points of a grid.

    The theory's is one minus the mass above λ, summed from the top, because the density may be
    singular at zero; `above` is the mass above the grid.
    """
    heights = (density * lam)[::-1]
    steps = -np.diff(np.log(lam[::-1]))
    mass = np.concatenate([[0.0], np.cumsum((heights[1:] + heights[:-1]) / 2 * steps)])[::-1]
    return float(np.abs(1 - above - mass - sample.cdf(lam)).max())


@dataclass(frozen=True)
class Critical:
    """Networks of a critical activation, and the numbers they were drawn with."""

    name: str
    variance: float
    sigma_w: float
    sample: Sample


@pytest.fixture(scope="module")
def hard_tanh() -> Critical:
    """Eight critical hard-tanh networks of three layers."""
    phi = activation("hard_tanh")
    variance = 0.5
    line = [float(side.subs(q, variance)) ** 0.5 for side in MeanField(phi).critical_line()]
    sample = feed_forward(
        numpy_function(phi),
        numpy_function(phi, 1),
        width=500,
        depth=3,
        sigma_w=line[0],
        sigma_b=line[1],
        q1=variance,
        seed=1,
        draws=8,
    )
    return Critical("hard_tanh", variance, line[0], sample)


def test_the_critical_line_keeps_lengths_and_gradients(hard_tanh: Critical) -> None:
    for measured, expected in ((hard_tanh.sample.q, hard_tanh.variance), (hard_tanh.sample.chi, 1)):
        error = measured.std(axis=0, ddof=1) / len(measured) ** 0.5
        assert np.all(np.abs(measured.mean(axis=0) - expected) < 5 * error)
        assert np.all(error < 0.05)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_feed_forward_moments(hard_tanh: Critical, k: int) -> None:
    moment = Jacobian(hard_tanh.name, "gaussian", depth=3).moment(k)
    expected = float(moment.subs({q: hard_tanh.variance, sigma_w: hard_tanh.sigma_w}))
    estimate, error = hard_tanh.sample.moment(k)
    assert abs(estimate - expected) < 4 * error
    assert error < 0.05 * expected


def test_feed_forward_distribution(hard_tanh: Critical) -> None:
    lam = np.geomspace(1e-3, 12.0, 150)

    def off(weights: str, depth: int) -> float:
        jacobian = Jacobian(hard_tanh.name, weights, depth=depth)
        density = jacobian.density(lam, q=hard_tanh.variance, sigma_w=hard_tanh.sigma_w)
        return distance(hard_tanh.sample, lam, np.array(density))

    assert off("gaussian", 3) < 0.015
    assert off("gaussian", 2) > 0.05
    assert off("orthogonal", 3) > 0.05


def test_feed_forward_edge(hard_tanh: Critical) -> None:
    _, upper = Jacobian(hard_tanh.name, "gaussian", depth=3).edges()
    edge = float(upper.subs({q: hard_tanh.variance, sigma_w: hard_tanh.sigma_w}))
    largest = hard_tanh.sample.eigenvalues[:, -1]
    # The whole spectrum breathes with the sample's m_1, by about 5 % at this width.
    assert largest.mean() == pytest.approx(edge, rel=0.1)


@dataclass(frozen=True)
class Residual:
    """Residual networks, and what the theory says of the same model."""

    network: ResNet
    signal: Propagation
    sample: Sample

    def edges(self, factor: float = 1.0) -> list[float]:
        """Ends of the predicted spectrum at a multiple of the predicted cumulant."""
        value = factor * self.signal.effective_cumulant
        return [float(edge.subs(cumulant, value)) for edge in self.network.edges()]

    def distance(self, factor: float = 1.0) -> float:
        """Distance of the distribution functions at a multiple of the predicted cumulant."""
        low, high = np.log(self.edges(factor))
        # Chebyshev points: the density vanishes like a root at both edges.
        angles = np.linspace(np.pi, 0.0, 61)
        lam = np.exp((low + high) / 2 + (high - low) / 2 * np.cos(angles))
        value = factor * self.signal.effective_cumulant
        return distance(self.sample, lam, np.array(self.network.density(lam, cumulant=value)))


def residual_networks(name: str, depth: int, sigma_b: float, q1: float) -> Residual:
    """Three networks of width 500, with σ_w = 1."""
    phi = activation(name)
    sample = residual(
        numpy_function(phi),
        numpy_function(phi, 1),
        width=500,
        depth=depth,
        sigma_b=sigma_b,
        q1=q1,
        seed=2,
        draws=3,
    )
    network = ResNet(phi)
    return Residual(network, network.propagate(depth, 1, sigma_b, q1), sample)


@pytest.fixture(scope="module")
def tanh() -> Residual:
    """Residual tanh networks of 40 layers."""
    return residual_networks("tanh", 40, 0.1, 0.1)


@pytest.fixture(scope="module")
def relu() -> Residual:
    """Residual ReLU networks of 30 layers without biases, where φ(ax) = aφ(x)."""
    return residual_networks("relu", 30, 0.0, 1.0)


@pytest.mark.parametrize("case", ["tanh", "relu"])
def test_residual_propagation(case: str, request: pytest.FixtureRequest) -> None:
    networks: Residual = request.getfixturevalue(case)
    sample, signal = networks.sample, networks.signal
    scale = signal.second_moment[-1] ** 0.5
    assert sample.q.mean(axis=0) == pytest.approx(np.array(signal.q), rel=0.1)
    assert sample.chi.mean(axis=0) == pytest.approx(np.array(signal.cumulants), rel=0.1)
    assert sample.chi.mean() == pytest.approx(signal.effective_cumulant, rel=0.02)
    assert sample.second_moment.mean(axis=0) == pytest.approx(
        np.array(signal.second_moment), rel=0.1
    )
    # The mean of 500 entries of this scale has a standard error of scale/√500 in each draw.
    error = scale / np.sqrt(500 * len(sample.mean))
    assert np.abs(sample.mean.mean(axis=0) - np.array(signal.mean)).max() < 4 * error


@pytest.mark.parametrize("case", ["tanh", "relu"])
def test_residual_distribution(case: str, request: pytest.FixtureRequest) -> None:
    networks: Residual = request.getfixturevalue(case)
    assert networks.distance() < 0.012
    assert networks.distance(factor=0.75) > 0.03
    assert networks.distance(factor=1.25) > 0.03


def test_residual_edges(tanh: Residual) -> None:
    lower, upper = tanh.edges()
    # At this width and depth the edges are off by N^(−2/3) ≈ 2 % and by 1/L ≈ 3 %.
    assert tanh.sample.eigenvalues[:, 0].mean() == pytest.approx(lower, rel=0.08)
    assert tanh.sample.eigenvalues[:, -1].mean() == pytest.approx(upper, rel=0.08)


def test_a_homogeneous_network_has_one_eigenvalue_beyond_the_edge(relu: Residual) -> None:
    # Without biases xᴸ = J x⁰, so JJᵀ has an eigenvalue of at least |xᴸ|²/|x⁰|². The input is
    # one direction among N: it does not count in the spectrum of the bulk, whose edge it passes.
    lower, upper = relu.edges()
    growth = relu.sample.second_moment[:, -1] / (relu.sample.q[:, 0] * 30)
    eigenvalues = relu.sample.eigenvalues
    assert np.all(eigenvalues[:, -1] > 0.9 * growth)
    assert np.all(growth > 1.2 * upper)
    assert eigenvalues[:, -2].mean() == pytest.approx(upper, rel=0.1)
    assert eigenvalues[:, 0].mean() == pytest.approx(lower, rel=0.1)
