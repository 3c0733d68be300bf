"""Distinctions of cases against quadrature: right for every order of the parameters."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest
import sympy as sp
from hypothesis import example, given, settings
from hypothesis import strategies as st

from freejac.symbolic.cases import by_cases
from freejac.symbolic.errors import DomainError, Undecided
from freejac.symbolic.expectation import expect
from freejac.symbolic.facts import extended
from freejac.symbolic.parsing import parse
from freejac.symbolic.piecewise import decompose
from freejac.symbolic.quadrature import gaussian_mean
from freejac.symbolic.signs import after, assuming, is_zero, known_sign, sign_of
from freejac.symbolic.symbols import parameter, q, x

a, b, d = (parameter(name) for name in "abd")
alpha, beta = (parameter(name, positive=True) for name in ("alpha", "beta"))
half = sp.Rational(1, 2)

TEXTS = (
    "clip(x, a, b)",
    "clip(x, a, b)**2",
    "abs(x - a) + abs(x - b)",
    "abs(x - a)*abs(x - b)",
    "max(x, a*x)",
    "max(a*x, b*x)",
    "where(x > a, x, 0)*where(x > b, 1, 0)",
    "where(x > a, exp(x), b)",
    "where(a*x > 0, x**2, 0)",
    "where((1 - a)*x > b, x, 1)",
    "relu(a*x + b)",
    "relu(a*x + b)*step(x)",
    "relu(x - a*b)*step(x)",
    "sign(x**2 - a)*x**2",
    "abs(x**2 + a*x + 1)",
    "abs(abs(x) - a)",
    "relu(exp(x) - a)",
    "where(x > a, where(x < b, x, a), b)",
)

number = st.one_of(
    st.sampled_from([-2, -1, 0, half, 1, 2]).map(sp.sympify),
    st.fractions(-3, 3, max_denominator=50).map(lambda v: sp.Rational(v.numerator, v.denominator)),
)


def mean(expr: sp.Expr, variance: sp.Expr = q) -> sp.Expr:
    """E[f] with every case."""
    return by_cases(lambda given: expect(decompose(expr.subs(given)), variance.subs(given)))


@cache
def mean_of(text: str) -> sp.Expr:
    return mean(parse(text))


def assert_right(expr: sp.Expr, result: sp.Expr, values: dict[sp.Symbol, sp.Expr]) -> None:
    """Compare with the definition after the numbers are put into the function itself."""
    numbers = {s: v for s, v in values.items() if s != q}
    expected = sp.Float(gaussian_mean(decompose(expr.subs(numbers)), values[q], 16), 25)
    found = result.subs(values).evalf(25)
    assert abs(found - expected) <= 1e-13 * (1 + abs(expected)), (result, values)


@settings(max_examples=60)
@given(text=st.sampled_from(TEXTS), first=number, second=number, variance=st.integers(1, 40))
@example("clip(x, a, b)", sp.S.One, sp.S.One, 2)
@example("relu(a*x + b)", sp.S.Zero, sp.S.One, 2)
@example("where(a*x > 0, x**2, 0)", sp.S.Zero, sp.S.Zero, 2)
@example("abs(x**2 + a*x + 1)", sp.Integer(2), sp.S.Zero, 2)
@example("where((1 - a)*x > b, x, 1)", sp.S.One, -sp.S.One, 2)
def test_means_are_right_for_every_order_of_the_parameters(text, first, second, variance):
    values = {a: first, b: second, q: sp.Rational(variance, 8)}
    assert_right(parse(text), mean_of(text), values)


@settings(max_examples=12)
@given(values=st.tuples(number, number, number))
def test_three_thresholds_in_any_order(values):
    expr = parse("relu(x - a)*where(x > b, 1, -1)*where(x > d, x, 1)")
    result = _three_thresholds()
    assert_right(expr, result, {a: values[0], b: values[1], d: values[2], q: half})


@cache
def _three_thresholds() -> sp.Expr:
    return mean(parse("relu(x - a)*where(x > b, 1, -1)*where(x > d, x, 1)"))


affine = st.builds(
    lambda slope, shift: slope * x + shift,
    st.sampled_from([1, -1, a, a - 1]),
    st.sampled_from([0, 1, a, b, -b, a + b]),
)
kinked = st.one_of(
    affine.map(lambda u: sp.Max(u, 0)),
    affine.map(sp.Abs),
    affine.map(lambda u: sp.Piecewise((1, u > 0), (0, True))),
    st.builds(sp.Max, affine, affine),
)


@pytest.mark.slow
@settings(max_examples=10)
@given(factors=st.lists(kinked, min_size=1, max_size=1), values=st.tuples(number, number))
def test_generated_functions_are_right_for_every_order(factors, values):
    expr = sp.Mul(*factors)
    assert_right(expr, mean(expr), {a: values[0], b: values[1], q: sp.S.One})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("max(x, a*x)", sp.sqrt(q) * sp.Abs(a - 1) / sp.sqrt(2 * sp.pi)),
        ("abs(a*x)", sp.sqrt(2 * q / sp.pi) * sp.Abs(a)),
        ("relu(a*x)**2", a**2 * q / 2),
        ("where(a*x > 0, x**2, 0)", sp.Piecewise((0, sp.Eq(a, 0)), (q / 2, True))),
    ],
)
def test_cases_that_agree_are_joined(text, expected):
    # The values are the moments of |x| and x², written down by hand.
    assert sp.simplify(mean(parse(text)) - expected) == 0


@pytest.mark.parametrize(
    "text",
    ["abs(x - a) + abs(x - b)", "relu(x - a) + relu(x - b)", "relu(a*x)**2", "max(a*x, b*x)"],
)
def test_no_spurious_piecewise(text):
    assert not mean(parse(text)).has(sp.Piecewise)


@pytest.mark.parametrize("text", TEXTS)
def test_conditions_are_comparisons_of_parameters(text):
    for node in mean_of(text).atoms(sp.core.relational.Relational):
        assert node.free_symbols <= {a, b}
        assert not node.has(q, sp.Dummy)


def test_the_order_of_the_cases_is_reproducible():
    text = "abs(x - a)*abs(x - b)"
    assert str(mean(parse(text))) == str(mean(parse(text)))
    conditions = [condition for _, condition in mean_of("clip(x, a, b)").args]
    assert conditions == [a < b, sp.true]


def test_equalities_are_put_into_the_variance_as_well():
    shared = parse("step(a*x)*x**2")
    assert_right(shared, mean(shared, a**2 + 1).subs(a, 0), {q: sp.S.One, a: sp.S.Zero})


def test_an_assumption_saves_a_case():
    positive = parse("relu(a*x + b)", positive=["a"])
    assert not mean(positive).has(sp.Piecewise)
    symbol = next(s for s in positive.free_symbols if s.name == "a")
    assert_right(positive, mean(positive), {symbol: half, b: -sp.S.One, q: sp.S.One})


def test_a_question_about_what_no_parameter_enters_linearly_stays_open():
    with pytest.raises(Undecided, match="sign"):
        by_cases(lambda given: sp.Integer(sign_of(sp.exp(a) - a - 2)))


def test_a_computation_that_does_not_look_at_the_facts_is_stopped():
    def stubborn(given: dict[sp.Symbol, sp.Expr]) -> sp.Expr:
        raise Undecided(a)

    with pytest.raises(Undecided, match="sign of a"):
        by_cases(stubborn)


def test_too_many_cases_are_refused():
    symbols = [parameter(f"t{k}") for k in range(9)]

    def build(given: dict[sp.Symbol, sp.Expr]) -> sp.Expr:
        signs = [sign_of(s.subs(given)) for s in symbols]
        return sp.Add(*(3**k * s for k, s in enumerate(signs)))

    with pytest.raises(DomainError, match="too many cases"):
        by_cases(build)


def test_nested_distinctions_keep_what_is_known():
    def inner(given: dict[sp.Symbol, sp.Expr]) -> sp.Expr:
        return by_cases(lambda more: sp.Integer(sign_of(a.subs(given).subs(more))))

    result = by_cases(lambda given: inner(given) * sign_of(a.subs(given)))
    assert result == sp.Piecewise((0, sp.Eq(a, 0)), (1, True))


EXPRESSIONS: tuple[Callable[[], sp.Expr], ...] = (
    lambda: a - b,
    lambda: alpha - 1,
    lambda: alpha - beta,
    lambda: a - alpha * beta,
    lambda: 2 * a - 3 * b + 1,
    lambda: alpha * a - b,
)


@pytest.mark.parametrize("make", EXPRESSIONS)
@pytest.mark.parametrize("sign", [-1, 0, 1])
def test_a_fact_makes_the_expression_have_its_sign(make, sign):
    facts = extended((), make(), sign)
    assert known_sign(make(), facts) == sign
    for symbol in make().free_symbols:
        if symbol.is_positive:
            assert known_sign(symbol, facts) == 1


def test_facts_add_up():
    facts = extended((), a - b, 1)
    facts = extended(facts, b - d, 1)
    assert known_sign(a - d, facts) == 1
    with assuming(facts):
        assert sign_of((d - a) * (b - a) ** 3 * (a - d) ** 2) == 1
    assert known_sign(a - d) is None
    assert after(a - d, facts).is_positive


@pytest.mark.parametrize(
    ("expr", "zero"),
    [
        (a * (a + 1) - a**2 - a, True),
        (sp.sin(a) ** 2 + sp.cos(a) ** 2 - 1, True),
        (sp.sqrt(3 + 2 * sp.sqrt(2)) - 1 - sp.sqrt(2), True),
        (sp.exp(-200) - sp.exp(-201), False),
        (sp.Abs(a) - a, False),
        (sp.Abs(alpha) - alpha, True),
        (alpha - sp.sqrt(alpha**2), True),
        (sp.exp(a + b) - sp.exp(a) * sp.exp(b), True),
        (a - b, False),
        (1 / a - 1 / b, False),
    ],
)
def test_zero_is_recognised(expr, zero):
    assert is_zero(expr) is zero


@pytest.mark.parametrize(
    ("expr", "sign"),
    [
        (sp.sqrt(2) - sp.Rational(3, 2), -1),
        (sp.pi - sp.Rational(355, 113), -1),
        (alpha + 1, 1),
        (-alpha * beta, -1),
        (a**2 + 1, 1),
        (sp.erf(-alpha), -1),
        (sp.log(alpha + 2), 1),
        (alpha**2 + alpha * beta - alpha, None),
        (a**2, None),
    ],
)
def test_signs_follow_from_values_and_assumptions(expr, sign):
    if sign is None:
        with pytest.raises(Undecided):
            sign_of(expr)
    else:
        assert sign_of(expr) == sign
