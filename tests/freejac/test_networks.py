"""The face of the network laws and kernels: shapes, agreement with mpmath, refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest

import freejac as fj
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


def test_exact_moments_need_a_depth_whose_powers_can_be_written():
    with pytest.raises(fj.DomainError, match=r"freejac\.depth"):
        fj.Jacobian("relu", depth=10**9).moment(2)
