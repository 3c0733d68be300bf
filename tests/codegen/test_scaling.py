"""Parameters that are units: found where they are, and nowhere else; kernels against quadrature."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
import sympy as sp

import freejac as fj
from freejac.codegen.activation_modules import moment_module
from freejac.codegen.load import load_text
from freejac.codegen.plan import plan
from freejac.codegen.render import render
from freejac.codegen.scaling import ScaledForm, scale_of
from freejac.symbolic.parsing import parse
from freejac.symbolic.piecewise import decompose
from freejac.symbolic.quadrature import gaussian_mean
from freejac.symbolic.symbols import x

S = sp.Symbol("s", positive=True)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("s**2*tanh(x)", (0, 2)),
        ("Phi(x/s)/s", (1, -1)),
        ("clip(x, -s, s)", (1, 1)),
        ("log(1 + exp(s*x))/s", (-1, -1)),
        ("where(x > 0, x, s*(exp(x) - 1))", None),
        ("tanh(x + s)", None),
        ("tanh(s*x) + x", None),
    ],
)
def test_a_unit_is_found(text: str, found: tuple[int, int] | None) -> None:
    scale = scale_of(decompose(parse(text).subs(sp.Symbol("s", real=True), S)), S)
    assert (None if scale is None else (scale.exponent, scale.power)) == found


def test_what_may_be_negative_is_no_unit_of_a_kinked_function() -> None:
    s = sp.Symbol("s", real=True)
    kinked = decompose(sp.Piecewise((sp.tanh(s * x), x > 0), (s * x, True)))
    smooth = decompose(sp.tanh(s * x))
    assert scale_of(kinked, s) is None
    assert scale_of(smooth, s).exponent == -1


@pytest.mark.slow
def test_the_kernel_is_the_mean_for_every_value_of_the_parameter() -> None:
    phi = fj.activation("x*sigmoid(b*x)")
    module = moment_module(phi, 1)
    record = plan(module, stride=12)
    form = record.kernels["mu_1"].form
    assert isinstance(form, ScaledForm)
    kernel = load_text(render(module, record)).mu_1
    (b,) = phi.parameters
    for q, value in [(1e-12, 10.0), (1.0, -3.0), (7.0, 0.0), (30.0, 1e-9), (1e12, -10.0)]:
        exact = gaussian_mean(phi.distribution(1) ** 2, q, 25, {b: value})
        with mpmath.workdps(30):
            assert abs(float(kernel(q, value) / exact - 1)) < 2e-15, (q, value)
    assert np.isnan(kernel(1.0, 10.1))
