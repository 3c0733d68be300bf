"""Distribution functions and moments against laws that are known otherwise."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sympy as sp

from freejac.network_spectra import (
    finite_residual_spectrum,
    jacobian_spectrum,
    residual_spectrum,
)
from freejac.networks import Jacobian, ResNet
from freejac.spectrum import Spectrum
from freejac.symbolic.errors import DomainError, NotConvergedError
from freejac.symbolic.layers import Layer
from freejac.symbolic.symbols import q, sigma_w


def arcsine(u: np.ndarray) -> np.ndarray:
    """λ times the density 1/(π√((λ−1)(3−λ))) of 2 + cos θ, θ uniform."""
    lam = np.exp(u)
    return lam / (np.pi * np.sqrt((lam - 1) * (3 - lam)))


def test_inverse_roots_at_both_ends() -> None:
    law = Spectrum(arcsine, [(1.0, 3.0)])
    assert abs(law.defect) < 1e-9
    lam = np.array([0.5, 1.2, 2.0, 2.9, 4.0])
    expected = np.arccos(np.clip(2 - lam, -1, 1)) / np.pi
    assert law.cdf(lam) == pytest.approx(expected, abs=1e-9)
    assert [law.moment(k) for k in (1, 2)] == pytest.approx([2.0, 4.5], rel=1e-9)


def test_an_unbounded_law() -> None:
    law = Spectrum(lambda u: np.exp(u - np.exp(u)), [(0.0, math.inf)])  # ρ = e^{−λ}
    lam = np.array([0.0, 0.1, 1.0, 10.0])
    assert law.cdf(lam) == pytest.approx(1 - np.exp(-lam), abs=1e-8)
    assert [law.moment(k) for k in range(5)] == pytest.approx([1, 1, 2, 6, 24], rel=1e-8)


def test_a_lower_end_that_falls_faster_than_a_power_is_followed_until_it_is_lost() -> None:
    def half_normal(u: np.ndarray) -> np.ndarray:
        """λ = e^{−8|z|} of a normal z; too small a density is refused, as those of networks are."""
        found = np.exp(-((u / 8) ** 2) / 2) / math.sqrt(32 * math.pi)
        if found.min() < 1e-12:
            raise NotConvergedError("lost")
        return np.asarray(found)

    law = Spectrum(half_normal, [(0.0, 1.0)])
    assert abs(law.defect) < 1e-9
    assert law.cdf(math.exp(-24.0)) == pytest.approx(math.erfc(3 / math.sqrt(2)), abs=1e-9)


def test_atoms_jump() -> None:
    law = Spectrum(lambda u: arcsine(u) / 2, [(1.0, 3.0)], [(5.0, 0.25), (0.0, 0.25)])
    assert law.cdf([0.0, 0.5, 5.0]) == pytest.approx([0.25, 0.25, 1.0])
    assert law.cdf_left([0.0, 5.0]) == pytest.approx([0.0, 0.75])
    assert law.moment(1) == pytest.approx(0.5 * 2 + 1.25)


def test_quantiles() -> None:
    law = Spectrum(lambda u: arcsine(u) / 2, [(1.0, 3.0)], [(0.0, 0.5)])
    assert law.quantile(0.3) == 0.0
    assert law.quantile(0.75) == pytest.approx(2.0, rel=1e-8)
    for wrong in (0.0, 1.0):
        with pytest.raises(DomainError):
            law.quantile(wrong)


def test_atoms_alone() -> None:
    law = Spectrum(arcsine, [], [(2.0, 1.0)])
    assert law.cdf([1.0, 2.0]).tolist() == [0.0, 1.0]
    assert law.moment(3) == 8.0


def test_a_law_that_lacks_mass_is_refused() -> None:
    with pytest.raises(NotConvergedError, match="total mass"):
        Spectrum(lambda u: arcsine(u) / 2, [(1.0, 3.0)])


@pytest.mark.parametrize("support", [[(3.0, 1.0)], [(-1.0, 1.0)], [(1.0, 3.0), (2.0, 4.0)]])
def test_no_law_has_such_a_support(support: list[tuple[float, float]]) -> None:
    with pytest.raises(DomainError):
        Spectrum(arcsine, support)


def moments_and_mass(network: Jacobian, variance: float, scale: float) -> None:
    law = jacobian_spectrum(network, q=variance, sigma_w=scale)
    assert abs(law.defect) < 1e-8
    values = {s: v for layer in network.layers for s, v in layer.defaults.items()}
    values |= {q: variance, sigma_w: scale}
    for k in (1, 2, 3, 4):
        exact = network.moment(k).subs(values).evalf(20)
        assert law.moment(k) == pytest.approx(float(exact), rel=1e-8)


@pytest.mark.parametrize(
    ("name", "weights", "depth"),
    [
        ("hard_tanh", "orthogonal", 2),  # atoms at both ends
        ("leaky_relu(1/2)", "orthogonal", 3),
        ("tanh", "gaussian", 1),
    ],
)
def test_densities_of_networks_integrate_to_their_moments(
    name: str, weights: str, depth: int
) -> None:
    moments_and_mass(Jacobian(name, weights, depth=depth), 0.5, 1.2)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "weights", "depth"),
    [
        ("tanh", "gaussian", 32),  # a thirtieth of the mass lies below e^{−100}
        ("erf", "orthogonal", 4),
        ("tanh", "orthogonal", 4),
        ("elu", "orthogonal", 4),  # falls faster than a power towards 0
        ("gelu", "gaussian", 32),  # some mass lies below the least double
        ("hard_tanh", "gaussian", 32),
    ],
)
def test_densities_of_deep_networks_integrate_to_their_moments(
    name: str, weights: str, depth: int
) -> None:
    moments_and_mass(Jacobian(name, weights, depth=depth), 0.5, 1.2)


def test_marchenko_pastur_of_unequal_widths() -> None:
    network = Jacobian(layers=[Layer("linear", 2, sigma_w=1)], input_width=1)
    law = jacobian_spectrum(network)
    assert law.support[0] == pytest.approx(((1 - 2**0.5) ** 2, (1 + 2**0.5) ** 2))
    assert [law.moment(k) for k in (1, 2)] == pytest.approx([2.0, 6.0], rel=1e-9)


def test_the_universal_residual_law() -> None:
    law = residual_spectrum(ResNet(skip=sp.Rational(9, 10)), 0.4, depth=5)
    ratio, scale = 0.4 / 0.81, 0.9**10
    assert abs(law.defect) < 1e-9
    assert law.moment(1) == pytest.approx(scale * math.exp(ratio), rel=1e-9)


def test_a_residual_network_of_finite_depth() -> None:
    network = ResNet("relu").finite(3, "orthogonal")
    law = finite_residual_spectrum(network, sigma_w=0.8)
    assert abs(law.defect) < 1e-8
    exact = float(network.moment(3).subs(sigma_w, 0.8))
    assert law.moment(3) == pytest.approx(exact, rel=1e-8)
