"""Edges of spectra over arrays, against their definition by quadrature and against known laws."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest

import freejac as fj
from freejac.edge_kernels import edges
from freejac.symbolic.errors import DomainError


def by_quadrature(slope: object, q: float, sigma_w: float, depth: int, gaussian: bool) -> float:
    """The least λ(m) on m > 0, from M by mpmath: what the largest eigenvalue is."""
    with mpmath.workdps(20):
        root = mpmath.sqrt(q)
        sup = slope(mpmath.mpf(0)) ** 2  # of tanh and erf

        def log_eigenvalue(s: mpmath.mpf) -> mpmath.mpf:
            kappa = 1 / (sup * (1 + mpmath.exp(s)))

            def integrand(h: mpmath.mpf) -> mpmath.mpf:
                square = slope(h) ** 2
                return kappa * square / (1 - kappa * square) * mpmath.npdf(h / root) / root

            ends = [mpmath.mpf(10) ** k * root for k in (-4, -3, -2, -1, 0)]
            m = 2 * mpmath.quad(integrand, [0, *ends, 4 * root, 10 * root])
            layer = sigma_w**2 / kappa * m / (1 if gaussian else 1 + m)
            return mpmath.log((1 + m) / m) + depth * mpmath.log(layer)

        low, high = mpmath.mpf(-20), mpmath.log(4 * depth + 4)
        golden = (mpmath.sqrt(5) - 1) / 2
        while high - low > 1e-5:  # λ is stationary: its error is the square of that
            left, right = high - golden * (high - low), low + golden * (high - low)
            if log_eigenvalue(left) < log_eigenvalue(right):
                high = right
            else:
                low = left
        return float(mpmath.exp(log_eigenvalue((low + high) / 2)))


@pytest.mark.parametrize(
    ("weights", "depth", "q"), [("gaussian", 1, 0.4), ("orthogonal", 3, 2.0), ("gaussian", 50, 0.1)]
)
def test_the_upper_edge_is_the_least_eigenvalue_of_the_outer_sheet(
    weights: str, depth: int, q: float
) -> None:
    wanted = by_quadrature(lambda h: mpmath.sech(h) ** 2, q, 1.3, depth, weights == "gaussian")
    low, high = edges("tanh", weights, depth, q, 1.3)
    assert float(low) == 0
    assert float(high) == pytest.approx(wanted, rel=1e-11, abs=0.0)


@pytest.mark.parametrize("depth", [1, 2, 30, 1000])
def test_fuss_catalan(depth: int) -> None:
    # Banica et al. (2011), Free Bessel laws: the product of L square Gaussians ends at
    # (L+1)^(L+1)/L^L.
    wanted = math.exp((depth + 1) * math.log(depth + 1) - depth * math.log(depth))
    low, high = edges("linear", "gaussian", depth, 1.0, 1.0)
    assert float(low) == 0
    assert float(high) == pytest.approx(wanted, rel=depth * 1e-15 + 1e-14)


def test_a_projection_between_rotations() -> None:
    # Two free projections of rank p: the product lives on [0, 4p(1 − p)], with an atom at 1 for
    # p > 1/2 (Voiculescu, Dykema & Nica (1992), example 3.6.7).
    low, high = edges("relu", "orthogonal", 2, 1.0, 1.0)
    assert (float(low), float(high)) == (0, pytest.approx(1, rel=1e-15, abs=0.0))
    low, high = edges("hard_tanh", "orthogonal", 2, [0.5, 4.0], 1.0)
    p = math.erf(0.5 / math.sqrt(2))
    assert high == pytest.approx([1, 4 * p * (1 - p)], rel=1e-14, abs=0.0)


def test_an_invertible_network_has_a_lower_edge() -> None:
    phi = "0.3*x + tanh(x)"
    low, high = edges(phi, "orthogonal", 4, [0.2, 1.5], 1.2)
    exact = fj.Jacobian(phi, "orthogonal").support(q=1.5, sigma_w=1.2, depth=4)
    assert (low[1], high[1]) == pytest.approx(exact[0], rel=1e-12, abs=0.0)
    assert (low > (1.2**2 * 0.09) ** 4).all()  # inf φ′ = 0.3
    gaussian = edges(phi, "gaussian", 4, 1.5, 1.2)
    assert float(gaussian[0]) == 0


def test_what_grows_without_bound_what_is_not_there_and_what_is_not_resolved() -> None:
    low, high = edges("relu2", "gaussian", 3, [1.0, np.nan], 1.0)
    assert (low[0], high[0]) == (0, np.inf)
    assert np.isnan([low[1], high[1]]).all()
    # cos² has its maximum at more places within reach than a table has panels for
    assert np.isnan(edges("sin", "gaussian", 3, 1e8, 1.0)[1])
    with pytest.raises(DomainError, match="jumps"):
        edges("sign(x)", "gaussian", 3, 1.0, 1.0)


def test_the_same_numbers_wherever_they_stand() -> None:
    q = np.geomspace(1e-12, 1e12, 60)
    whole = edges("gelu", "orthogonal", 20, q, 1.1)
    assert not np.isnan(whole).any()
    for k in (0, 17, 59):
        alone = edges("gelu", "orthogonal", 20, q[k], 1.1)
        assert [a.tobytes() for a in alone] == [side[k].tobytes() for side in whole]
