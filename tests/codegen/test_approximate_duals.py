"""Duals that close nowhere: the definition, both ends of c and of q, and identities."""

from __future__ import annotations

import json
import math
from functools import lru_cache
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import sympy as sp
from mpmath import mpf

from freejac.codegen import approximate_dual
from freejac.codegen.activation_modules import activation_dual_module
from freejac.codegen.approximate_dual import LEDGER, approximated_dual
from freejac.codegen.approximate_dual_growth import NARROW, WIDE, growth_of
from freejac.codegen.approximate_dual_table import Table, polynomial_lines, table_code
from freejac.codegen.crosscheck import compare, references, worst
from freejac.codegen.load import load_text
from freejac.codegen.plan import plan
from freejac.codegen.render import render
from freejac.generated import swish_dual
from freejac.symbolic.activation import activation
from freejac.symbolic.bivariate_quadrature import gaussian_mean2
from freejac.symbolic.errors import DomainError, InputError, NoClosedForm
from freejac.symbolic.quadrature import gaussian_mean

LATER = ["sigmoid", "softplus", "swish", "mish"]
ALL = ["tanh", *(pytest.param(name, marks=pytest.mark.slow) for name in LATER)]
KINKED = "max(tanh(x), -1/2)"

# Both ends of both variables, the corner of small q, the layer of c → ±1 at large q, the middle.
PLACES = [
    (1e-12, 0.5),
    (1e-12, -1.0),
    (1e-3, -0.9),
    (0.3, 0.1),
    (1.0, 1.0 - 1e-12),
    (2.0, -0.75),
    (40.0, -1.0 + 1e-12),
    (300.0, 0.6),
    (1e4, 0.999),
    (1e6, -1.0 + 1e-6),
    (1e9, 0.02),
    (1e12, 1.0),
    (1e12, -1.0),
    (1e12, -0.4),
]


@lru_cache
def duals(name: str) -> ModuleType:
    module = activation_dual_module(activation(name))
    return load_text(render(module, plan(module)))


def definition(name: str, order: int, q: float, c: float) -> mpf:
    f = activation(name).distribution(order)
    return gaussian_mean2(f, f, q, q, c, 22)


def assert_agrees(name: str, order: int, q: float, c: float, value: float) -> None:
    """To 1e-13, of E[f²]/100 where the dual is less."""
    exact = definition(name, order, q, c)
    least = definition(name, order, q, 1.0) / 100
    assert abs(value - exact) <= 1e-13 * max(abs(exact), least), (q, c)


@pytest.mark.parametrize("name", ALL)
def test_agree_with_the_definition_to_both_ends_of_both_variables(name: str) -> None:
    for order, kernel in enumerate((duals(name).dual, duals(name).dual_slope)):
        # For tanh the others are among the slow tests.
        for q, c in PLACES[::3] if name == "tanh" else PLACES:
            assert_agrees(name, order, q, c, float(kernel(q, c)))


@pytest.mark.parametrize("name", ALL)
def test_at_the_ends_and_at_zero_one_variable_is_enough(name: str) -> None:
    phi = activation(name)
    for order, kernel in enumerate((duals(name).dual, duals(name).dual_slope)):
        f = phi.distribution(order)
        for q in (1e-12, 1e-3, 1.0, 1e5):
            square, mean = gaussian_mean(f**2, q, 30), gaussian_mean(f, q, 30)
            assert abs(float(kernel(q, 1.0)) - square) <= 1e-13 * square
            assert abs(float(kernel(q, 0.0)) - mean**2) <= 1e-13 * mean**2 + 1e-15 * square


@pytest.mark.parametrize("name", ALL)
def test_the_slope_is_the_derivative_of_the_dual(name: str) -> None:
    # Price (1958): ∂_c D = q E[φ′φ′], here between the ends by Gauss–Legendre.
    nodes, weights = np.polynomial.legendre.leggauss(40)
    for q, low, high in ((0.5, -1.0, 1.0), (2.0, -0.5, 0.9), (100.0, -0.9, 0.0)):
        c = 0.5 * (low + high) + 0.5 * (high - low) * nodes
        rise = 0.5 * (high - low) * q * weights @ duals(name).dual_slope(q, c)
        ends = duals(name).dual(q, np.array([low, high]))
        assert abs(ends[1] - ends[0] - rise) <= 1e-12 * abs(ends).max()


@pytest.mark.parametrize(("q", "c"), [(8.64, -1.0 + 1e-12), (10.2, -1.0), (25.0, -0.99)])
def test_beside_its_zeros_a_dual_is_as_good(q: float, c: float) -> None:
    # E[φ′φ′] of swish passes through 0 at q = 12 or so for c = −1.
    assert_agrees("swish", 1, q, c, float(swish_dual.dual_slope(q, c)))


def test_an_odd_activation_has_an_odd_dual() -> None:
    q = np.geomspace(1e-12, 1e12, 400)
    c = np.linspace(0.0, 1.0, 400) ** 4
    assert np.array_equal(duals("tanh").dual(q, -c), -duals("tanh").dual(q, c))
    assert np.array_equal(duals("tanh").dual_slope(q, -c), duals("tanh").dual_slope(q, c))
    assert not duals("tanh").dual(q, 0.0).any()


def test_outside_the_domain_is_nan_and_inside_it_never() -> None:
    inside = duals("tanh").dual(np.geomspace(1e-12, 1e12, 300)[:, None], np.linspace(-1, 1, 301))
    assert np.isfinite(inside).all()
    for q, c in ((0.0, 0.5), (1.0, 1.0000001), (math.nan, 0.0), (1.0, math.nan), (1e13, 0.0)):
        assert math.isnan(duals("tanh").dual(q, c))


def test_rectangles_join_without_a_step() -> None:
    # The dual of tanh rises in c everywhere, and its values on a fine grid do so too.
    for q in (1e-3, 0.4, 3.0, 50.0, 1e4):
        values = duals("tanh").dual(q, np.linspace(-1.0, 1.0, 100_001))
        assert (np.diff(values) > 0.0).all()


@pytest.mark.parametrize("text", ["tanh(x)", "sigmoid(x)", "softplus(x)", "x*sigmoid(x)"])
def test_both_signs_from_one(text: str) -> None:
    growth = growth_of(activation(text).function)
    q, c = 2.5, 0.3
    plus, minus = (definition(text, 0, q, sign * c) for sign in (1, -1))
    if growth.parity:
        assert abs(plus - growth.parity * minus) < 1e-15
        return
    total = growth.total.subs({WIDE: sp.Rational("3.25") / 2, NARROW: sp.Rational("1.75") / 2})
    assert growth.fitted == (-1.0,)
    assert abs(plus - (mpf(total.p) / total.q + (-minus if growth.mirrored else minus))) < 1e-15


def test_growth_is_what_large_variances_leave() -> None:
    for text, c in (("tanh(x) + x/2", 1.0), ("x*tanh(softplus(x))", 0.999999), ("x**2*tanh(x)", 1)):
        growth = growth_of(activation(text).function)
        exact = definition(text, 0, 1e10, c)
        wide, narrow = 5e9 * (1 + c), 5e9 * (1 - c)
        assert float(growth.plus.subs({WIDE: wide, NARROW: narrow})) == pytest.approx(
            float(exact), rel=5e-3
        )


def test_slow_tails_have_no_growth_of_this_kind() -> None:
    with pytest.raises(NoClosedForm):
        growth_of(activation("atan(x)").function)


@pytest.mark.slow
def test_tanh_agrees_at_the_other_places() -> None:
    for order, kernel in enumerate((duals("tanh").dual, duals("tanh").dual_slope)):
        for q, c in PLACES:
            assert_agrees("tanh", order, q, c, float(kernel(q, c)))


@pytest.mark.slow
@pytest.mark.parametrize("text", [KINKED])
def test_a_kinked_expression_is_integrated_as_well(text: str) -> None:
    module = activation_dual_module(activation(text))
    assert {kernel.code.method for kernel in module.kernels} == {"quadrature"}
    for order, kernel in enumerate((duals(text).dual, duals(text).dual_slope)):
        for q, c in ((0.7, -0.5), (60.0, -1.0)):
            exact = definition(text, order, q, c)
            size = definition(text, order, q, 1.0)
            assert abs(float(kernel(q, c)) - exact) <= 2e-14 * abs(exact) + 2e-16 * size


@pytest.mark.slow
def test_an_expression_of_a_user_is_fitted_at_once() -> None:
    text = "sigmoid(3*x) - 1/4"
    module = activation_dual_module(activation(text))
    assert module.kernels[0].code.method == "polynomials"
    points = [{"q": q, "c": c} for q, c in PLACES]
    results = compare(module, duals(text), references(module, points))
    assert worst(results["dual"]).error <= 1e-13


def test_a_fit_of_too_much_effort_is_given_up_for_panels(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(approximate_dual, "_EFFORT", 1000)
    monkeypatch.setattr(approximate_dual, "cache_folder", lambda: tmp_path)
    text = "tanh(2*x) + 1/8"
    assert approximated_dual(activation(text)).method == "quadrature"
    # That is remembered: the next time nothing is tried.
    steps: list[str] = []
    assert approximated_dual(activation(text), progress=steps.append).method == "quadrature"
    assert not any("choosing" in step for step in steps)


def test_duals_of_mish_need_no_fit() -> None:
    steps: list[str] = []
    for slope in (False, True):
        assert approximated_dual(activation("mish"), slope, steps.append).method == "polynomials"
    assert not any("choosing" in step or "fitting" in step for step in steps)


def test_a_wrong_coefficient_is_caught_by_the_cross_check() -> None:
    module = activation_dual_module(activation("tanh"))
    text = render(module, plan(module))
    # The value of F in the corner q → 0: the constant of the first rectangle.
    table = next(t for t in json.loads(LEDGER.read_text()).values() if t["of"] == "tanh, dual of φ")
    constant = table["rows"][0][table["degree"]]
    assert text.count(repr(constant)) == 1
    wrong = text.replace(repr(constant), repr(constant + 1e-9))
    points = [{"q": q, "c": c} for q, c in PLACES[:4]]
    results = compare(module, load_text(wrong), references(module, points))
    assert worst(results["dual"]).error > 1e-12


def test_the_text_is_the_same_each_time_and_tables_survive_their_ledger() -> None:
    first, again = (approximated_dual(activation("tanh")) for _ in range(2))
    assert first == again
    assert first.method == "polynomials"
    table = Table(0.5, 0.25, True, 1, False, (0.0, 0.5, 1.0), (0.0, 1.0), 1, ((1.0, 2.0, 3.0),) * 2)
    assert Table.from_json(table.to_json()) == table
    growth = growth_of(activation("sigmoid").function)
    assert table_code(table, growth, "_dual") == table_code(table, growth, "_dual")
    assert LEDGER.exists()


def test_a_small_table_is_the_polynomial_that_it_says() -> None:
    # One rectangle above gap = 1/2, of F = 1 + 2 gap′ + 3 share, gap′ = 2 gap − 1; F = 4 below.
    rows = ((0.0, 4.0, 0.0), (2.0, 1.0, 3.0))
    table = Table(1.0, 1.0, False, 0, False, (0.0, 0.5, 1.0), (0.0, 1.0), 1, rows)
    growth = growth_of(activation("1 - tanh(x)**2").function)
    constants, lines, result = table_code(table, growth, "_dual")
    body = "\n".join(f"    {line}" for line in lines)
    shared = [line for block in polynomial_lines(1) for line in block]
    module = load_text(
        "import math\nimport numpy as np\nfrom numba import njit\n\n"
        + "\n".join([*shared, *constants])
        + f"\n\n\n@njit\ndef value(q, c):\n{body}\n    return {result}\n"
    )
    for q, c in ((0.5, 0.25), (8.0, -0.75), (100.0, 1.0)):
        a, b = 0.5 * q * (1 + abs(c)), 0.5 * q * (1 - abs(c))
        gap, share = (a - b) / (1 + a), b / (1 + b)
        polynomial = 1 + 2 * (2 * gap - 1) + 3 * share if gap > 0.5 else 4.0
        assert module.value(q, c) == pytest.approx(
            math.sqrt(1 - gap) * polynomial, rel=1e-14, abs=0.0
        )


def test_what_has_no_dual_says_so() -> None:
    with pytest.raises(InputError, match="parameter a"):
        approximated_dual(activation("tanh(a*x)"))
    with pytest.raises(NoClosedForm, match="tanh"):
        activation_dual_module(activation("tanh(a*x)"))
    with pytest.raises(DomainError, match="jumps"):
        approximated_dual(activation("sign(x)"), slope=True)
