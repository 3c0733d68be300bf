"""Random matrices and networks of widths 600 and more against the laws: moments, edges, atoms.

Moments have to agree within five standard errors of a few draws, extreme singular values within
3 %. Seeds are fixed.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
import sympy as sp

from freejac import laws
from freejac.networks import Jacobian
from freejac.simulate import feed_forward
from freejac.symbolic.layers import Layer
from freejac.symbolic.mean_field import MeanField
from freejac.symbolic.symbols import q, sigma_w

Eigenvalues = list[np.ndarray]


def moments_agree(draws: Eigenvalues, theory: Iterable[float]) -> None:
    """m_1, m_2, … within five standard errors, of 3 % times the order at most."""
    for k, expected in enumerate(theory, start=1):
        each = np.array([np.mean(own**k) for own in draws])
        error = each.std(ddof=1) / len(draws) ** 0.5
        assert error < 0.03 * k * expected
        assert abs(each.mean() - expected) < 5 * error


def extremes(draws: Eigenvalues, rank: float = 1) -> tuple[float, float]:
    """Mean smallest and largest singular value, besides those that are 0."""
    floor = 1e-12 * max(own.max() for own in draws)
    low = np.mean([np.sqrt(own[own > floor].min()) for own in draws])
    assert np.mean([np.mean(own > floor) for own in draws]) == pytest.approx(rank, abs=0.02)
    return float(low), float(np.mean([np.sqrt(own.max()) for own in draws]))


@pytest.mark.parametrize(("rows", "columns"), [(800, 8000), (1200, 1200), (8000, 800)])
def test_marchenko_pastur(rows: int, columns: int) -> None:
    """W Wᵀ for W of N × M at c = N/M = 0.1, 1, 10; at c = 1 the lower edge is 0."""
    random, draws = np.random.default_rng(1), []
    for _ in range(4):
        w = random.standard_normal((rows, columns), dtype=np.float32) / np.sqrt(columns)
        small = np.asarray(w @ w.T if rows <= columns else w.T @ w, dtype=float)
        spectrum = np.maximum(np.linalg.eigvalsh(small), 0)
        draws.append(np.concatenate([np.zeros(rows - len(spectrum)), spectrum]))
    law = laws.marchenko_pastur(sp.Rational(rows, columns))
    moments_agree(draws, [float(m) for m in law.moments(3)])
    ((low, high),) = [(float(a), float(b)) for a, b in law.support()]
    zero = sum(mass for place, mass in law.atoms() if place == 0)
    smallest, largest = extremes(draws, 1 - float(zero))
    assert largest == pytest.approx(np.sqrt(high), rel=0.03)
    if rows == columns:
        assert smallest < 0.03 * largest
    else:
        assert smallest == pytest.approx(np.sqrt(low), rel=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("variance", [0.15, 1.5], ids=["p > 1 - 1/L", "p < 1 - 1/L"])
def test_orthogonal_hard_tanh(variance: float) -> None:
    """Four critical layers: above 1 − 1/L = 3/4 part of the spectrum stays at the top."""
    line = [float(side.subs(q, variance)) for side in MeanField("hard_tanh").critical_line()]
    net = feed_forward(
        lambda h: np.clip(h, -1, 1),
        lambda h: (abs(h) < 1) * 1.0,
        width=1000,
        depth=4,
        sigma_w=line[0] ** 0.5,
        sigma_b=line[1] ** 0.5,
        q1=variance,
        weights="orthogonal",
        seed=3,
        draws=6,
    )
    draws = list(net.eigenvalues)
    values = {q: variance, sigma_w: line[0] ** 0.5}
    network = Jacobian("hard_tanh", "orthogonal", depth=4)
    moments_agree(draws, [float(network.moment(k).subs(values)) for k in (1, 2, 3)])
    (_, at_zero), (top, share) = [[float(e.subs(values)) for e in atom] for atom in network.atoms()]
    _, edge = (float(e.subs(values)) for e in network.edges())
    linear = float(net.chi.mean() / line[0])
    _, largest = extremes(draws, 1 - at_zero)
    if linear > 0.75:
        # the atom is exact in every draw; the continuous part ends below it
        assert largest == pytest.approx(np.sqrt(top), rel=1e-9)
        stays = np.mean([np.mean(own > top * (1 - 1e-9)) for own in draws])
        assert stays == pytest.approx(share, abs=4 * (4 * linear * (1 - linear) / 6000) ** 0.5)
        below = np.mean([own[own < top * (1 - 1e-6)].max() for own in draws])
        assert np.sqrt(below) == pytest.approx(np.sqrt(edge), rel=0.03)
    else:
        assert share == 0
        assert largest == pytest.approx(np.sqrt(edge), rel=0.03)


@pytest.mark.slow
def test_widths_that_change() -> None:
    """1000 → 600 → 1400, ReLU then hard tanh, Gaussian weights and a real forward pass."""
    random, scale, draws = np.random.default_rng(5), 1.3, []
    for _ in range(8):
        signal = random.standard_normal(1000) / scale
        first = scale / np.sqrt(1000) * random.standard_normal((600, 1000))
        hidden = first @ signal
        second = scale / np.sqrt(600) * random.standard_normal((1400, 600))
        output = second @ np.maximum(hidden, 0)
        jacobian = (abs(output) < 1)[:, None] * (second @ ((hidden > 0)[:, None] * first))
        draws.append(np.linalg.svd(jacobian, compute_uv=False)[:1000] ** 2)
    draws = [np.concatenate([own, np.zeros(1000 - len(own))]) for own in draws]
    layers = [
        Layer("relu", 600, sigma_w=sp.Rational(13, 10), q=1),
        Layer("hard_tanh", 1400, sigma_w=sp.Rational(13, 10), q=sp.Rational(169, 200)),
    ]
    network = Jacobian(layers=layers, input_width=1000)
    moments_agree(draws, [float(network.moment(k)) for k in (1, 2, 3)])
    ((low, high),) = network.support()
    ((_, at_zero),) = network.atoms()
    assert float(at_zero) == pytest.approx(0.7)
    smallest, largest = extremes(draws, 0.3)
    assert largest == pytest.approx(np.sqrt(high), rel=0.03)
    assert smallest == pytest.approx(np.sqrt(low), rel=0.03)
