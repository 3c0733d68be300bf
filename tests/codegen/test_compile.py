"""`fj.compile` and `fj.kernels`: any expression, and any activation, at once."""

from __future__ import annotations

import math
import pickle
from pathlib import Path

import numpy as np
import pytest
import sympy as sp

from freejac.codegen.compile import compile_expression
from freejac.evaluators import kernels
from freejac.symbolic.errors import DomainError, Error, InputError
from freejac.symbolic.expectation import Expectation, expectation
from freejac.symbolic.quadrature import gaussian_mean
from freejac.symbolic.symbols import lam, parameter, q, sigma_w, x


def test_a_compiled_expression_broadcasts() -> None:
    f = compile_expression(sigma_w**2 * sp.sqrt(q), [q, sigma_w])
    assert f(np.array([[1.0], [4.0]]), np.array([1.0, 2.0])).tolist() == [[1.0, 4.0], [2.0, 8.0]]


def test_an_unevaluated_expectation_is_integrated() -> None:
    a = parameter("a")
    mean = expectation(sp.tanh(a * x) ** 2)
    assert isinstance(mean, Expectation)
    f = compile_expression(1 + sigma_w**2 * mean, [q, sigma_w, a])
    exact = gaussian_mean(mean.integrand, 0.75, 20, {a: 2})
    assert f(0.75, 3.0, 2.0) == pytest.approx(1 + 9 * float(exact), rel=1e-14, abs=0.0)


def test_names_that_python_or_the_template_use_are_no_obstacle() -> None:
    low = sp.Symbol("low", positive=True)
    f = compile_expression(lam * expectation(sp.tanh(low * x) ** 4), [lam, low, q])
    assert f(2.0, 1.0, 1.0) == pytest.approx(2 * f(1.0, 1.0, 1.0))


def test_arguments_must_be_complete_and_different() -> None:
    with pytest.raises(InputError, match="add q to args"):
        compile_expression(q * sigma_w, [sigma_w])
    with pytest.raises(InputError, match="different symbols"):
        compile_expression(q, [q, q])
    with pytest.raises(InputError, match="no code for zeta"):
        compile_expression(sp.zeta(q), [q])


def test_an_expression_that_double_precision_cannot_carry_is_refused() -> None:
    # (1 + q·10⁻³⁰ − 1)·10³⁰ = q, but not in doubles: q + 10³⁰ rounds q away.
    big = sp.Integer(10) ** 30
    expr = sp.Add(sp.sqrt(q**2 + big**2), -big, evaluate=False)
    with pytest.raises(Error, match="cancels in double precision"):
        compile_expression(expr, [q])


def test_library_kernels_take_parameters_by_name_default_or_text() -> None:
    half = kernels("leaky_relu(1/2)")
    assert half.mu_1(1.0) == pytest.approx((1 + 0.25) / 2)
    named = kernels("leaky_relu")
    assert named.mu_1(1.0, a=0.5) == half.mu_1(1.0)
    assert named.mu_1(1.0) == pytest.approx((1 + 1e-4) / 2)
    assert kernels("silu").module is kernels("swish").module
    with pytest.raises(InputError, match="has a, not b"):
        named.mu_1(1.0, b=1.0)


def test_kernels_and_their_methods_can_be_pickled() -> None:
    half = kernels("leaky_relu(1/2)", parallel=True)
    again = pickle.loads(pickle.dumps(half))
    assert again.module is half.module
    assert again.defaults == half.defaults
    assert again.parallel
    assert pickle.loads(pickle.dumps(half.mu_1))(2.0) == half.mu_1(2.0)


def test_all_kernels_of_an_activation_agree_with_the_definition() -> None:
    k = kernels("hard_tanh")
    inside = math.erf(1 / math.sqrt(2 * 0.7))  # P(|h| < 1), q = 0.7
    assert k.chi(0.7, 2.0) == pytest.approx(4 * inside)
    assert k.mu(0.7, 2) == pytest.approx(inside)
    assert k.mu(0.7, 5) == pytest.approx(inside)
    assert k.length_map(0.7, 2.0, 0.5) == pytest.approx(4 * k.second_moment(0.7) + 0.25)
    with pytest.raises(DomainError, match="order of a moment"):
        k.mu(0.7, 0)


def test_higher_moments_without_a_closed_form_are_integrated() -> None:
    k = kernels("tanh")
    slope = k.phi.distribution(1) ** 6
    assert k.mu(2.0, 3) == pytest.approx(float(gaussian_mean(slope, 2, 20)), rel=1e-13, abs=0.0)


@pytest.mark.slow
def test_an_activation_of_one_s_own_is_compiled_and_kept(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    b = sp.Symbol("b", positive=True)
    k = kernels(x * sp.tanh(b * x))
    exact = gaussian_mean(k.phi.function**2, 0.5, 20, {b: 2})
    assert k.second_moment(0.5, b=2.0) == pytest.approx(float(exact), rel=1e-13, abs=0.0)
    assert kernels(x * sp.tanh(b * x)).module is k.module
    with pytest.raises(InputError, match="give a value for b"):
        k.second_moment(0.5)


def test_text_is_refused_and_never_evaluated(tmp_path: Path) -> None:
    target = tmp_path / "evaluated"
    with pytest.raises(InputError, match="SymPy expression"):
        compile_expression(f"open({str(target)!r}, 'w')", [q])
    assert not target.exists()
