"""The density of layers of a smooth φ in double precision: right, whole, and left out if unsure."""

from __future__ import annotations

import math

import numpy as np
import pytest

from freejac.density_kernels import contour_density
from freejac.networks import Jacobian
from freejac.symbolic.symbols import q, sigma_w


@pytest.mark.parametrize("weights", ["gaussian", "orthogonal"])
@pytest.mark.parametrize("name", ["tanh", pytest.param("swish", marks=pytest.mark.slow)])
def test_it_agrees_with_continuation_in_mpmath(name: str, weights: str) -> None:
    jacobian = Jacobian(name, weights, depth=5)
    lam = np.geomspace(1e-6, 60.0, 200)
    found = jacobian.density(lam, q=1, sigma_w=1.5)
    chosen = [60, 120]
    expected = jacobian.density(lam[chosen], q=1, sigma_w=1.5, digits=14)
    assert found[chosen] == pytest.approx(expected, rel=1e-10)
    assert np.all(found >= 0)
    _, upper = jacobian.support(q=1, sigma_w=1.5, digits=9)[0]
    assert np.all((found > 0) == (lam < upper))


@pytest.mark.parametrize("weights", ["gaussian", "orthogonal"])
def test_mass_and_moments(weights: str) -> None:
    # Gauss–Legendre in √(log λ₊/λ): the upper edge is a root, and λρ falls like a power of λ at 0
    depth = 4
    jacobian = Jacobian("tanh", weights, depth=depth)
    _, upper = jacobian.support(q=1, sigma_w=1.5, digits=13)[0]
    nodes, weight = np.polynomial.legendre.leggauss(24)
    ends = np.concatenate([[0.0], np.geomspace(0.05, math.sqrt(300.0), 40)])
    middle, half = (ends[1:] + ends[:-1])[:, None] / 2, np.diff(ends)[:, None] / 2
    y = middle + half * nodes
    lam = upper * np.exp(-(y**2))
    kernel = contour_density(jacobian.layer_product(q=1, sigma_w=1.5, digits=10))
    assert kernel is not None
    heights = kernel(lam)
    known = np.isfinite(heights)
    assert np.all(known[(y > 3e-3) & (y**2 < 38)])
    # next to the edge, where rounding is magnified, ρ grows like y; below exp(−38) is little mass
    first = np.argmin(np.where(known, y, np.inf))
    beside = heights.ravel()[first] / y.ravel()[first] * y
    heights = np.where(known, heights, np.where(y < 3e-3, beside, 0.0))
    for k in range(5):
        found = float(np.sum(half * weight * 2 * y * heights * lam ** (k + 1)))
        expected = float(jacobian.moment(k).subs({q: 1, sigma_w: 1.5})) if k else 1.0
        assert found == pytest.approx(expected, rel=1e-8)


def test_what_two_rules_do_not_agree_on_is_left_out() -> None:
    # D² is close to 1 for almost every h: ζ comes next to the end of its law
    law = Jacobian("tanh", "orthogonal", depth=10).layer_product(q=0.05, sigma_w=1.1, digits=10)
    kernel = contour_density(law)
    assert kernel is not None
    lam = np.geomspace(1e-3, 10.0, 40)
    found = kernel(lam)
    assert np.isnan(found).any()
    # where the density is 1e-7 double precision holds, by this path
    assert np.all(found[20:36] > 0)
    sure = [28, 34]
    expected = [float(value) for value in law.density(lam[sure].tolist())]
    assert found[sure] == pytest.approx(expected, rel=1e-10)


def test_kinks_and_different_layers_are_left_to_mpmath() -> None:
    assert contour_density(Jacobian("elu", depth=3).layer_product(q=1)) is None
    assert contour_density(Jacobian("relu", depth=3).layer_product(q=1)) is None
