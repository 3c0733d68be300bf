"""Means of rational functions: against published integrals, quadrature, and one another."""

from __future__ import annotations

from random import Random

import pytest
import sympy as sp
from closed_form_cases import GOOD, deviation
from hypothesis import given, settings
from hypothesis import strategies as st
from integrand_draws import draw

from freejac.symbolic import expectation, rational
from freejac.symbolic.errors import NoClosedForm
from freejac.symbolic.expectation import expect
from freejac.symbolic.symbols import parameter, q, x

a = parameter("a", positive=True)


def test_the_published_integral():
    # Abramowitz & Stegun (1964), 7.4.11: ∫₀^∞ exp(−at²)/(t² + x²) dt = π/(2x) exp(ax²) erfc(√a x)
    published = (
        2 * sp.pi / (2 * a) * sp.exp(a**2 / (2 * q)) * sp.erfc(a / sp.sqrt(2 * q))
    ) / sp.sqrt(2 * sp.pi * q)
    assert sp.simplify(expect(1 / (x**2 + a**2)) - published) == 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (x**2 / (1 + x**2) ** 2, 1 / (1 + x**2) - 1 / (1 + x**2) ** 2),
        (x**6 / (1 + x**2), x**4 - x**2 + 1 - 1 / (1 + x**2)),
        (1 / ((x**2 + 1) * (x**2 + 4)), (1 / (x**2 + 1) - 1 / (x**2 + 4)) / 3),
        (1 / (x**2 + 2 * x + 3), 1 / (x**2 - 2 * x + 3)),
        (1 / ((x - 1) ** 2 + 4), 1 / (x**2 - 2 * x + 5)),
        (x / (x**2 + 1), sp.S.Zero),
        (sp.cos(x) ** 2 / (1 + x**2), (1 + sp.cos(2 * x)) / (2 + 2 * x**2)),
        (sp.sinh(x) / (1 + x**2) * x, x * sp.exp(x) / (1 + x**2)),
    ],
)
def test_equal_means_are_equal_forms(one, other):
    assert expect(one) == expect(other)


@pytest.mark.parametrize("power", [1, 2, 3, 4])
def test_the_derivative_by_the_pole_raises_its_order(power):
    # ∂/∂b E[(x² + b)⁻ᵏ] = −k E[(x² + b)⁻ᵏ⁻¹]
    b = parameter("b", positive=True)
    slope = sp.diff(expect((x**2 + b) ** -power), b)
    raised = -power * expect((x**2 + b) ** (-power - 1))
    for values in ({b: sp.Rational(3, 7), q: 2}, {b: 5, q: sp.Rational(1, 9)}):
        assert abs((slope - raised).subs(values).evalf(30, maxn=400)) < 1e-28


@settings(max_examples=15)
@given(random=st.randoms(use_true_random=False))
def test_generated(random):
    case = draw(random, "rational")
    assert deviation(case, case.closed()) < GOOD


@pytest.mark.parametrize(
    ("expr", "obstruction"),
    [
        (1 / (x - 1), "pole on the real line"),
        (1 / (x**2 - 2), "pole on the real line"),
        (1 / x**2, "pole on the real line"),
        (1 / (x**4 + 1), "not quadratic"),
        (1 / (x**3 + x + 1), "real line|not quadratic"),
        (sp.erf(x) ** 2 / (1 + x**2), "error function"),
        (sp.Max(0, x) / (1 + x**2), "interval"),
        (1 / (x**2 + parameter("b") * x + 1), "may have, a pole"),
        (1 / (x**2 + 1) ** 30, "degree"),
    ],
)
def test_refusals(expr, obstruction):
    with pytest.raises(NoClosedForm, match=obstruction):
        expect(expr)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_planted_wrong_residue_is_caught(monkeypatch, seed):
    case = draw(Random(seed), "rational")
    honest = rational._Inverse.power
    monkeypatch.setattr(
        rational._Inverse,
        "power",
        lambda self, k: {
            part: value * sp.Rational(10**9 + 1, 10**9) for part, value in honest(self, k).items()
        },
    )
    expectation._closed_form.cache_clear()
    assert deviation(case, case.closed()) > GOOD
    expectation._closed_form.cache_clear()
