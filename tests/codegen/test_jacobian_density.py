"""The density of J Jᵀ with a Bernoulli D²: no wrong branch, right mass, right at every end."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
import sympy as sp

from freejac.codegen.spectral_oracle import jacobian_density, jacobian_edge
from freejac.generated import gaussian_jacobian_density as gaussian
from freejac.generated import orthogonal_jacobian_density as orthogonal
from freejac.symbolic.density import LayerProduct
from freejac.symbolic.derivative_law import bernoulli
from freejac.symbolic.jacobian import Jacobian
from freejac.symbolic.symbols import p as share_symbol
from freejac.symbolic.symbols import sigma_w, z

DEPTHS = [2, 3, 10, 40, 1000, 100_000]
SHARES = [0.5, 0.03, 0.999, 1 - 2.0**-40, 1e-9]
MODULES = {"gaussian": gaussian, "orthogonal": orthogonal}
GRID = np.linspace(-6, 40, 4001)
REST, TURN = np.pi / (1 + np.exp(GRID)), np.pi / (1 + np.exp(-GRID))
"""An angle's distance to π, and the angle, from the edge of the spectrum to λ = 0."""


def on_rays(p: float, depth: int) -> tuple[np.ndarray, np.ndarray]:
    """Log λ and Im m, Gaussian weights and σ_w = 1, where L arg(m + p) = π − rest.

    For p = 1 it is (L + 1) arg(m + p). No equation is solved for that.
    """
    angle = TURN / (depth + (p == 1))
    if p == 1:
        r = np.sin(REST) / np.sin(REST + angle)
    else:
        half = (np.cos(angle) * (1 - 2 * p) + np.sin(angle) / np.tan(REST)) / 2
        root = np.hypot(half, math.sqrt(p * (1 - p)))
        r = np.where(half > 0, p * (1 - p) / (half + root), root - half)
    w = r * np.exp(1j * angle)
    return depth * np.log(r) + np.log(np.abs(1 - p + w) / np.abs(w - p)), w.imag


def on_circles(p: float, depth: int) -> tuple[np.ndarray, np.ndarray]:
    """The same for orthogonal weights, where 0 and −p, −p and −1 are seen at (L−1)v and v.

    Two circles meet there: they are lines in 1/(m + p) = a − i b. Lv = π − rest.
    """
    v = TURN / depth
    top = np.sin(np.minimum(REST, TURN))
    sine = np.where(REST < 1, np.sin(REST + v), np.sin(TURN - v))
    b = sine * np.sin(v) / (p * (1 - p) * top)
    a = 1 / p + b * np.cos(REST + v) / sine
    level = math.log1p(-p) - np.log(np.sin(v)) + np.log(top)
    return level + (depth - 1) * np.log(p * top / sine), b / (a**2 + b**2)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("weights", MODULES)
def test_no_point_is_on_a_wrong_branch(weights: str, depth: int) -> None:
    is_gaussian = weights == "gaussian"
    for p in ([1.0] if is_gaussian else []) + SHARES:
        level, imaginary = (on_rays if is_gaussian else on_circles)(p, depth)
        assert np.all(np.diff(level) < 0)
        found = MODULES[weights].log_density(level, p, 1.0, depth)
        expected = np.log(imaginary / np.pi) - level
        # an edge magnifies the rounding of log λ, and depth that of w in wᴸ
        with np.errstate(all="ignore"):
            steep = np.nan_to_num(np.abs(np.gradient(expected, level)), posinf=0.0)
        allowed = (2 + steep) * np.maximum(1, np.abs(level)) * (2e-15 + 4e-16 * depth)
        assert np.all(np.abs(found - expected) < allowed)


def at_random(count: int, seed: int) -> list[dict[str, float]]:
    """Settings with a mean m₁ in the range of doubles."""
    rng = np.random.default_rng(seed)
    found = []
    for k in range(count):
        depth = float(round(10 ** rng.uniform(0.31, 4)))
        p = [0.5, rng.uniform(), 1 - 10 ** rng.uniform(-14, -1), 10 ** rng.uniform(-9, 0)][k % 4]
        scale = math.exp(min(5.0, max(-5.0, rng.uniform(-100, 100) / depth))) / math.sqrt(p)
        if 1e-3 < scale < 1e3:
            found.append({"p": p, "sigma_w": scale, "depth": depth})
    return found


@pytest.mark.parametrize("weights", MODULES)
def test_the_density_is_that_of_a_continuation_from_large_eigenvalues(weights: str) -> None:
    transform = 1 / (1 + z) if weights == "gaussian" else sp.S.One
    shares = np.array([0.01, 0.5, 0.999])
    for values in at_random(4, 1):
        p, scale, depth = values["p"], values["sigma_w"], int(values["depth"])
        top = float(MODULES[weights].log_edge(p, scale, depth))
        lam = np.exp(top + np.log(shares))
        law = LayerProduct.equal(
            [(sp.Rational(scale) ** 2, sp.Rational(p))], transform, depth, digits=30
        )
        found = MODULES[weights].density(lam, p, scale, depth)
        for value, point in zip(found, lam, strict=True):
            with mpmath.workdps(50):
                m = law._one_plus_m(law._solve(mpmath.log(mpmath.mpf(point))))
                expected = -m.imag / mpmath.pi / mpmath.mpf(point)
            assert float(abs(value / expected - 1)) < 1e-13


@pytest.mark.parametrize("weights", MODULES)
def test_down_to_the_least_doubles_against_fifty_digits(weights: str) -> None:
    for values in at_random(40, 2):
        p, scale, depth = values["p"], values["sigma_w"], values["depth"]
        top = float(MODULES[weights].log_edge(p, scale, depth))
        for level in (-690.0, -690.0 + 0.6 * (top + 690.0)):
            lam = math.exp(level)
            expected, _ = jacobian_density({**values, "lam": lam}, weights)
            found = MODULES[weights].density(lam, p, scale, depth)
            assert float(abs(found / expected - 1)) < 1e-12


@pytest.mark.parametrize("weights", MODULES)
def test_next_to_the_edge_the_error_is_as_stated(weights: str) -> None:
    for k, values in enumerate(at_random(40, 3)):
        p, scale, depth = values["p"], values["sigma_w"], values["depth"]
        edge, _ = jacobian_edge("log_edge", values, weights)
        lam = math.exp(edge) * (1 - 10.0 ** -(6 + k % 6))
        with mpmath.workdps(50):
            distance = float(-mpmath.expm1(mpmath.log(mpmath.mpf(lam)) - edge))
        expected, _ = jacobian_density({**values, "lam": lam}, weights)
        found = MODULES[weights].density(lam, p, scale, depth)
        assert float(abs(found / expected - 1)) < 1e-13 + 1e-16 / distance


@pytest.mark.parametrize("weights", MODULES)
def test_outside_the_support_the_density_is_exactly_zero(weights: str) -> None:
    module = MODULES[weights]
    for values in at_random(20, 4):
        lower, upper = Jacobian(bernoulli(), weights, depth=int(min(values["depth"], 50))).edges()
        p, scale, depth = values["p"], values["sigma_w"], min(values["depth"], 50)
        at = {share_symbol: sp.Rational(p), sigma_w: sp.Rational(scale)}
        edge = float(sp.N(upper.subs(at), 30))
        assert lower.subs(at) == 0
        above = edge * np.array([1 + 1e-14, 1 + 1e-9, 2.0, 1e9])
        assert np.all(module.density(above, p, scale, depth) == 0)
        assert np.all(module.density(edge * np.array([0.5, 1 - 1e-14]), p, scale, depth) > 0)
        assert np.all(module.density([-1.0, -1e-300, math.inf], p, scale, depth) == 0)
        assert module.density(0.0, p, scale, depth) == math.inf
        assert module.log_density(math.log(edge) + 1e-13, p, scale, depth) == -math.inf


def test_one_gaussian_layer_is_the_marchenko_pastur_law() -> None:
    for p, scale in ((0.3, 1.7), (1 - 1e-9, 0.4), (1e-6, 20.0), (1.0, 1.0)):
        with mpmath.workdps(40):
            root = mpmath.sqrt(mpmath.mpf(p))
            low, high = (mpmath.mpf(scale) ** 2 * (1 + sign * root) ** 2 for sign in (-1, 1))
        assert float(gaussian.lower_edge(p, scale, 1)) == pytest.approx(
            float(low), rel=1e-15, abs=0.0
        )
        lam = np.linspace(float(low), float(high), 41)[1:-1]
        for point, value in zip(lam, gaussian.density(lam, p, scale, 1), strict=True):
            with mpmath.workdps(40):
                under = (high - mpmath.mpf(point)) * (mpmath.mpf(point) - low)
                expected = mpmath.sqrt(under) / (2 * mpmath.pi * mpmath.mpf(scale) ** 2 * point)
            assert float(abs(value / expected - 1)) < 1e-13
        outside = [float(low) * (1 - 1e-12) - 1e-300, float(high) * (1 + 1e-12)]
        assert np.all(gaussian.density(outside, p, scale, 1) == 0)


def moments(weights: str, p: float, depth: int, most: int) -> list[float]:
    """∫ λᵏ ρ dλ, k = 0 … most, σ_w² = 1/p, by Gauss–Legendre in √(log λ₊/λ), from the kernel."""
    module, scale = MODULES[weights], 1 / math.sqrt(p)
    top = float(module.log_edge(p, scale, depth))
    nodes, weight = np.polynomial.legendre.leggauss(24)
    ends = np.concatenate([[0.0], np.geomspace(0.02, math.sqrt(45.0 * (depth + 1)), 160)])
    middle, half = (ends[1:] + ends[:-1])[:, None] / 2, np.diff(ends)[:, None] / 2
    y = middle + half * nodes
    level = top - y * y
    heights = module.log_density(level, p, scale, depth)
    return [
        float(np.sum(half * weight * 2 * y * np.exp(heights + (k + 1) * level)))
        for k in range(most + 1)
    ]


@pytest.mark.parametrize("weights", MODULES)
@pytest.mark.parametrize(("p", "depth"), [(0.5, 2), (0.9, 10), (1 - 1e-6, 40), (0.97, 1000)])
def test_mass_and_moments(weights: str, p: float, depth: int) -> None:
    found = moments(weights, p, depth, 4)
    law = Jacobian(bernoulli(sp.Rational(p)), weights, depth=depth)
    atom = float(orthogonal.atom(p, depth)) if weights == "orthogonal" else 0.0
    location = p**-depth if atom else 0.0
    assert found[0] + atom + 1 - p == pytest.approx(1, abs=1e-9)
    for k in range(1, 5):
        expected = float(law.moment(k).subs(sigma_w, sp.sqrt(1 / sp.Rational(p))).evalf(30))
        assert found[k] + atom * location**k == pytest.approx(expected, rel=1e-9)


def test_linear_networks_have_the_moments_of_fuss_and_catalan() -> None:
    for depth in (1, 2, 5, 40):
        found = moments("gaussian", 1.0, depth, 4)
        for k in range(5):
            expected = sp.binomial((depth + 1) * k, k) / (depth * k + 1)
            assert found[k] == pytest.approx(float(expected), rel=1e-9)


@pytest.mark.parametrize("weights", MODULES)
def test_products_of_random_matrices(weights: str) -> None:
    rng, width, p, depth = np.random.default_rng(8), 400, 0.8, 3
    pooled = []
    for _ in range(3):
        product = np.eye(width)
        for _ in range(depth):
            matrix = rng.standard_normal((width, width)) / math.sqrt(width)
            if weights == "orthogonal":
                q, r = np.linalg.qr(matrix)
                matrix = q * np.sign(np.diag(r))
            product = (rng.random(width) < p)[:, None] * (matrix @ product)
        pooled.append(np.linalg.svd(product, compute_uv=False) ** 2)
    sample = np.sort(np.concatenate(pooled))
    top = math.exp(MODULES[weights].log_edge(p, 1.0, depth))
    ends = top * np.linspace(0, 1, 41)[1:] ** 3
    # the mass above each, by the midpoint rule in the angle of λ/λ₊ = cos²
    found = []
    for end in ends:
        span = math.acos(min(1.0, math.sqrt(end / top)))
        angle = (np.arange(4000) + 0.5) / 4000 * span
        lam = top * np.cos(angle) ** 2
        heights = MODULES[weights].density(lam, p, 1.0, depth) * top * np.sin(2 * angle)
        found.append(heights.mean() * span if span else 0.0)
    atom = float(orthogonal.atom(p, depth)) if weights == "orthogonal" else 0.0
    beyond = np.array(found) + atom * (ends < 1 - 1e-9)
    measured = np.array([(sample > end * (1 + 1e-9)).mean() for end in ends])
    assert np.abs(beyond - measured).max() < 0.02


@pytest.mark.parametrize("weights", MODULES)
def test_beyond_the_domain_there_is_no_value(weights: str) -> None:
    density = MODULES[weights].density
    for arguments in (
        (math.nan, 0.5, 1.0, 3),
        (1.0, 0.0, 1.0, 3),
        (1.0, 1.5, 1.0, 3),
        (1.0, 0.5, -1.0, 3),
        (1.0, 0.5, 1.0, 2.5),
        (1.0, 0.5, 1.0, 0),
        (1.0, 0.5, 1.0, 2e6),
    ):
        assert math.isnan(density(*arguments))


def test_orthogonal_weights_alone_have_atoms_only() -> None:
    assert np.all(orthogonal.density([0.5, 1.0], 1.0, 1.0, 5) == 0)
    assert np.all(orthogonal.density([0.5, 1.0], 0.5, 1.0, 1) == 0)
    assert orthogonal.atom(1.0, 5) == 1
    assert float(orthogonal.atom(0.9, 4)) == pytest.approx(0.6)
