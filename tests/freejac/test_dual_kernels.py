"""Duals through the public face: committed ones, bound parameters, expressions of a user."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest

import freejac as fj
from freejac.generated import leaky_relu_dual, relu_dual


def test_committed_duals_are_taken_and_broadcast() -> None:
    k = fj.kernels("relu")
    q, c = np.array([[0.5], [2.0]]), np.array([-1.0, 0.0, 1.0])
    assert (k.dual(q, c) == relu_dual.dual(q, c)).all()
    assert k.dual(q, c).shape == (2, 3)
    assert k.dual_slope(q, c)[0].tolist() == [0.0, 0.25, 0.5]
    assert k.dual(q.astype(np.float32), np.float32(0.5)).dtype == np.float32


def test_parameters_are_passed_on() -> None:
    c = np.linspace(-1.0, 1.0, 5)
    expected = leaky_relu_dual.dual(2.0, c, 0.3)
    assert (fj.kernels("leaky_relu").dual(2.0, c, a=0.3) == expected).all()
    assert (fj.kernels("leaky_relu(3/10)").dual(2.0, c) == expected).all()
    with pytest.raises(fj.Error, match="leaky_relu has a, not b"):
        fj.kernels("leaky_relu").dual(2.0, c, b=0.3)


def test_the_correlation_map_has_its_fixed_point_with_slope_chi() -> None:
    k = fj.kernels("erf")
    sigma_w, sigma_b = 1.3, 0.2
    q = 1.0
    for _ in range(500):
        q = float(k.length_map(q, sigma_w, sigma_b))
    assert float(k.correlation_map(q, 1.0, sigma_w, sigma_b)) == pytest.approx(
        1.0, rel=1e-14, abs=0.0
    )
    step = 1e-7
    rise = 1.0 - float(k.correlation_map(q, 1.0 - step, sigma_w, sigma_b))
    assert rise / step == pytest.approx(float(k.chi(q, sigma_w)), rel=1e-5)
    assert math.isnan(k.correlation_map(q, 0.5, -1.0, 0.0))


def test_threads_give_the_same_bits() -> None:
    draw = np.random.default_rng(5)
    q, c = 10.0 ** draw.uniform(-3.0, 3.0, 40_000), draw.uniform(-1.0, 1.0, 40_000)
    serial, threaded = fj.kernels("relu"), fj.kernels("relu", parallel=True)
    assert (serial.dual(q, c) == threaded.dual(q, c)).all()


@pytest.mark.slow
def test_an_expression_of_a_user_is_compiled_at_once() -> None:
    # E[(h₁² + h₁)(h₂² + h₂)] = q²(1 + 2c²) + q c, by Isserlis' theorem.
    k = fj.kernels("x**2 + x")
    q, c = np.array([0.25, 3.0]), np.array([-0.5, 0.75])
    assert k.dual(q, c) == pytest.approx(q**2 * (1 + 2 * c**2) + q * c, rel=1e-15, abs=0.0)
    assert k.dual_slope(q, c) == pytest.approx(4 * q * c + 1, rel=1e-15, abs=0.0)


@pytest.mark.slow
def test_where_an_activation_jumps_its_own_means_stand_and_the_rest_is_said_to_be_infinite() -> (
    None
):
    k = fj.kernels("step(x - 3)")
    q = np.geomspace(0.1, 1e12, 9)
    with mpmath.workdps(30):
        tail = [mpmath.ncdf(-3 / mpmath.sqrt(v)) for v in q]
        slope = [mpmath.npdf(3 / mpmath.sqrt(v)) * 3 / (2 * mpmath.sqrt(v) ** 3) for v in q]
    assert k.length_map(q, 2.0, 0.5) == pytest.approx(
        [4 * float(t) + 0.25 for t in tail], rel=1e-15, abs=0.0
    )
    assert k.chi_parallel(q, 2.0) == pytest.approx(
        [4 * float(s) for s in slope], rel=1e-13, abs=0.0
    )
    # P(both > 0) = 1/4 + asin(c)/(2π) (Sheppard 1899)
    centred, c = fj.kernels("sign(x)"), np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
    assert centred.dual(2.0, c) == pytest.approx(
        [-1.0, -1 / 3, 0.0, 1 / 3, 1.0], rel=1e-15, abs=0.0
    )
    for ask in (lambda: k.chi(1.0, 1.0), lambda: k.dual_slope(1.0, 0.5), lambda: k.phase(1.0, 0.1)):
        with pytest.raises(fj.Error, match="jumps at x = 3"):
            ask()
