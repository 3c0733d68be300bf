"""Depth scales against iteration of the length and correlation maps by their definitions."""

import math

import numpy as np
import pytest
import sympy as sp

import freejac as fj
from freejac.symbolic.errors import DomainError
from freejac.symbolic.mean_field import MeanField
from freejac.symbolic.symbols import q

NODES = np.arange(-9, 9.05, 0.1)  # the trapezoidal rule converges exponentially
WEIGHTS = np.exp(-(NODES**2) / 2)
WEIGHTS = WEIGHTS / WEIGHTS.sum()
FIRST, SECOND = NODES[:, None], NODES[None, :]
BOTH = WEIGHTS[:, None] * WEIGHTS[None, :]

SMOOTH = {
    "tanh": np.tanh,
    "erf": np.vectorize(math.erf),
    "softplus": lambda h: np.logaddexp(0, h),
    "sin": np.sin,
}


def iterated(phi, sigma_w, sigma_b, layers):
    """q, and c of two inputs that start at 0.6, layer by layer; all by the trapezoidal rule."""
    variance, c = 1.3, 0.6
    for _ in range(layers):
        root = math.sqrt(variance)
        one, other = phi(root * FIRST), phi(root * (c * FIRST + math.sqrt(1 - c * c) * SECOND))
        square = sigma_w**2 * float(np.sum(WEIGHTS * phi(root * NODES) ** 2)) + sigma_b**2
        product = sigma_w**2 * float(np.sum(BOTH * one * other)) + sigma_b**2
        variance, c = square, min(product / square, 1.0)
        yield variance, c


def rate(values, limit):
    """−1/log of the last well resolved ratio of distances from the limit."""
    gaps = [abs(v - limit) for v in values]
    place = max(n for n, gap in enumerate(gaps) if gap > 1e-7)
    return -1 / math.log(gaps[place] / gaps[place - 1])


@pytest.mark.parametrize(
    ("name", "sigma_w", "sigma_b"),
    [
        ("tanh", 1.8, 0.2),
        ("tanh", 0.9, 0.5),
        ("erf", 1.6, 0.2),
        ("sin", 1.4, 0.4),
        ("softplus", 0.7, 0.3),
        ("tanh", 2.5, 0),
    ],
)
def test_iteration_of_the_maps(name, sigma_w, sigma_b):
    """Chaotic and ordered: the limits to 1e-9, the rates to 1e-4 (they settle geometrically)."""
    found = MeanField(name).depth_scales(sigma_w, sigma_b)
    steps = list(iterated(SMOOTH[name], sigma_w, sigma_b, 250))
    lengths, angles = zip(*steps, strict=True)
    assert lengths[-1] == pytest.approx(found.q, rel=1e-9)
    assert angles[-1] == pytest.approx(found.c, abs=1e-9)
    assert rate(lengths, found.q) == pytest.approx(found.xi_q, rel=1e-4)
    assert rate(angles, found.c) == pytest.approx(found.xi_c, rel=1e-4)


@pytest.mark.parametrize(
    ("name", "variance"),
    [("erf", sp.Rational(1, 100)), ("erf", sp.Integer(5)), ("hard_tanh", sp.S.Half)],
)
def test_the_critical_line_has_no_depth_scale_of_angles(name, variance):
    network = MeanField(name)
    line = [side.subs(q, variance) for side in network.critical_line()]
    found = network.depth_scales(*(float(side.evalf()) ** 0.5 for side in line))
    assert found.xi_c == math.inf
    assert found.c == 1
    assert found.q == pytest.approx(float(variance), rel=1e-9)
    assert 0 < found.xi_q < math.inf


def test_scale_invariant_networks():
    """ReLU: q → σ_w² q/2 + σ_b², χ = σ_w²/2; on the line σ_w² = 2, σ_b = 0 every q is kept."""
    network = MeanField("relu")
    found = network.depth_scales(1, 0.2)
    assert found.q == pytest.approx(0.08, rel=1e-14, abs=0.0)
    assert found.xi_q == found.xi_c == pytest.approx(1 / math.log(2), rel=1e-13, abs=0.0)
    for root in (2**0.5, sp.sqrt(2)):
        kept = network.depth_scales(root, 0)
        assert (kept.xi_q, kept.xi_c, kept.c) == (math.inf, math.inf, 1)
    assert network.depth_scales(sp.sqrt(2), 0, q=7).q == 7
    fading = network.depth_scales(1, 0)
    assert fading.q == 0
    assert fading.xi_q == fading.xi_c == pytest.approx(1 / math.log(2), rel=1e-13, abs=0.0)


def test_marginal_and_flat_origins():
    marginal = MeanField("tanh").depth_scales(1, 0)
    assert (marginal.q, marginal.xi_q, marginal.xi_c) == (0, math.inf, math.inf)
    assert MeanField("relu2").depth_scales(0.3, 0).xi_q == 0


def test_close_to_the_line_scales_grow_like_one_over_the_distance():
    """χ − 1 ≈ the distance d; ordered −1/log χ ≈ 1/d, so ten times nearer is ten times as long."""
    network = MeanField("erf")
    weight, bias = (float(e.subs(q, 1)) for e in network.critical_line())
    scales = [network.depth_scales((weight * (1 - d)) ** 0.5, bias**0.5).xi_c for d in (1e-4, 1e-5)]
    assert scales[1] / scales[0] == pytest.approx(10, rel=1e-3)


def test_refusals():
    with pytest.raises(DomainError, match="no length attracts"):
        MeanField("relu").depth_scales(2, 0.1)
    with pytest.raises(DomainError, match="jumps"):
        MeanField("sign(x)").depth_scales(1, 0.1)
    with pytest.raises(DomainError, match=r"give q, one of .*: 0\.276"):
        MeanField("tanh").depth_scales(1, 0.3, q=0.1)
    for bad in ((0, 1), (1, -1), (math.nan, 0)):
        with pytest.raises(DomainError, match="sigma"):
            MeanField("tanh").depth_scales(*bad)
    with pytest.raises(DomainError, match="no parameter"):
        fj.MeanField("tanh").depth_scales(1, 0, parameters={"beta": 1})
