"""The depth limits: the whole curve without solving, the engine's continuation, mass, moments."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sympy as sp

from freejac.generated import universality_density as kernel
from freejac.symbolic.depth_limits import bernoulli_limit, smooth_limit

LIMITS = {"bernoulli": bernoulli_limit, "smooth": smooth_limit}
DENSITIES = {"bernoulli": kernel.bernoulli_density, "smooth": kernel.smooth_density}


def compare(found: np.ndarray, expected: np.ndarray, lam: np.ndarray, inside: slice) -> None:
    """An edge magnifies the rounding of λ."""
    with np.errstate(all="ignore"):
        steep = np.abs(np.gradient(np.log(expected), np.log(lam)))
    off = np.abs(found / expected - 1) / (2 + np.nan_to_num(steep, posinf=0.0))
    assert off[inside].max() < 2e-13


@pytest.mark.parametrize("sigma0", [0.01, 0.5, 0.99, 1.0, 1.01, 4.0])
def test_no_point_of_the_bernoulli_class_is_on_a_wrong_branch(sigma0: float) -> None:
    # y = θ cot θ + i θ is on the curve for every θ; λ = σ₀² exp(y)/y goes from e σ₀² down
    theta = np.concatenate([np.linspace(0.02, 3.0, 3000), np.pi - np.geomspace(0.14, 0.008, 500)])
    real = theta / np.tan(theta)
    lam = sigma0**2 * np.exp(real) * np.sin(theta) / theta
    gap = sigma0**2 - real
    expected = sigma0**2 * theta / (gap**2 + theta**2) / (np.pi * lam)
    compare(kernel.bernoulli_density(lam, sigma0), expected, lam, slice(1, -1))


@pytest.mark.parametrize("sigma0", [0.01, 0.5, 1.0, 3.0, 8.0])
def test_no_point_of_the_smooth_class_is_on_a_wrong_branch(sigma0: float) -> None:
    # m = −1/2 + s + i t: s² = 1/4 + t cot 2ct − t², from the upper edge to where s = 0, and back
    c = 0.5 * sigma0**2
    t = np.linspace(1e-3, 1.0, 20001) * min(math.sqrt(0.25 + 0.5 / c), 0.499 * math.pi / c)
    square = 0.25 + t / np.tan(2 * c * t) - t**2
    t, s = t[square > 1e-4], np.sqrt(square[square > 1e-4])
    for sign in (1, -1):
        mu = sign * s + 1j * t
        level = np.log(np.abs(mu + 0.5) / np.abs(mu - 0.5)) + 2 * c * mu.real - c
        lam = np.exp(level)
        compare(kernel.smooth_density(lam, sigma0), t / (np.pi * lam), lam, slice(1, -1))


@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.parametrize("sigma0", [0.3, 1.5])
def test_the_density_is_that_of_a_continuation_from_large_eigenvalues(
    name: str, sigma0: float
) -> None:
    limit = LIMITS[name](sp.Rational(sigma0))
    low, high = (float(end) for end in limit.edges())
    lam = low + (high - low) * np.array([1e-3, 0.4, 0.99])
    expected = [float(v) for v in limit.density(lam.tolist(), digits=25)]
    assert DENSITIES[name](lam, sigma0) == pytest.approx(expected, rel=1e-12, abs=0.0)


@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.parametrize("sigma0", [0.2, 0.9, 2.0])
def test_mass_and_moments(name: str, sigma0: float) -> None:
    limit = LIMITS[name](sp.Rational(sigma0))
    atoms = [(float(at), float(mass)) for at, mass in limit.atoms()]
    low, high = (float(end) for end in limit.edges())
    nodes, weights = np.polynomial.legendre.leggauss(200)
    if name == "smooth":
        # both ends are square roots
        angle = (nodes + 1) * math.pi / 4
        lam = low + (high - low) * np.cos(angle) ** 2
        step = weights * math.pi / 4 * (high - low) * np.sin(2 * angle)
        level = np.log(lam)
        heights = np.log(kernel.smooth_density(lam, sigma0))
        step = step / lam
    else:
        # λ ρ falls like 1/log² at 0: θ of y as the variable, log λ being about −π/(π − θ) there
        rest = (nodes + 1) * math.pi / 2
        theta = math.pi - rest
        real = theta / np.tan(theta)
        level = real + np.log(np.sin(rest) / theta) + 2 * math.log(sigma0)
        heights = kernel.bernoulli_log_density(level, sigma0)
        # d log λ/dθ = −|1 − 1/y|² |y|²/θ
        step = weights * math.pi / 2 * ((real - 1) ** 2 + theta**2) / theta
    for k in range(5):
        body = np.exp(heights + (k + 1) * level) * step
        found = float(np.sum(body)) + sum(mass * at**k for at, mass in atoms)
        expected = 1.0 if k == 0 else float(limit.moment(k))
        assert found == pytest.approx(expected, rel=1e-8)


def test_edges_and_zeros_outside() -> None:
    for sigma0 in (0.1, 1.0, 5.0):
        low, high = kernel.smooth_lower_edge(sigma0), kernel.smooth_upper_edge(sigma0)
        top = kernel.bernoulli_upper_edge(sigma0)
        assert np.all(kernel.smooth_density([low * (1 - 1e-12), high * (1 + 1e-12)], sigma0) == 0)
        assert np.all(kernel.smooth_density([low * (1 + 1e-12), high * (1 - 1e-12)], sigma0) > 0)
        assert np.all(kernel.bernoulli_density([top * (1 + 1e-14), math.inf], sigma0) == 0)
        assert np.all(kernel.bernoulli_density([top * (1 - 1e-14), 1e-300], sigma0) > 0)
        assert np.all(kernel.smooth_density([-1.0, 0.0, math.inf], sigma0) == 0)
        assert kernel.bernoulli_density(0.0, sigma0) == math.inf
    assert math.isnan(kernel.smooth_density(1.0, 20.0))
    assert math.isnan(kernel.bernoulli_density(math.nan, 1.0))
