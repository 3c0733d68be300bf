"""Zeros and signs against pointwise evaluation; hostile input is refused, and soon."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from freejac.symbolic.activation import activation
from freejac.symbolic.errors import DomainError, Undecided
from freejac.symbolic.functions import Phi, sigmoid, softplus
from freejac.symbolic.intervals import compare, sign_between, signed_parts, zeros
from freejac.symbolic.piecewise import decompose
from freejac.symbolic.roots import RealRoot
from freejac.symbolic.symbols import parameter, x

a, b = parameter("a"), parameter("b")
alpha = parameter("alpha", positive=True)
third = sp.Rational(1, 3)


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        (x**2 - 2, [-sp.sqrt(2), sp.sqrt(2)]),
        ((x - 1) * (sp.exp(x) - 2), [sp.log(2), sp.Integer(1)]),
        (sp.exp(x) + 1, []),
        (x**2 + 1, []),
        (sp.tanh(2 * x) - 2, []),
        (x**3 - x - 1, [RealRoot((1, 0, -1, -1), 0)]),
        (x**3 - 2, [sp.cbrt(2)]),
        (x**4 - alpha, [-(alpha ** sp.Rational(1, 4)), alpha ** sp.Rational(1, 4)]),
        (x**2 - alpha, [-sp.sqrt(alpha), sp.sqrt(alpha)]),
        (
            x**2 + alpha * x - 1,
            [(-alpha - sp.sqrt(alpha**2 + 4)) / 2, (-alpha + sp.sqrt(alpha**2 + 4)) / 2],
        ),
        (x**2 - sp.pi, [-sp.sqrt(sp.pi), sp.sqrt(sp.pi)]),
        (1 / (x - 1) - 1 / x, [0, 1]),
        (sp.exp(2 * x) - 3 * sp.exp(x) + 2, [0, sp.log(2)]),
        (sp.cosh(x) - 2, [sp.log(2 - sp.sqrt(3)), sp.log(2 + sp.sqrt(3))]),
        (sp.erfc(x) - 1, [0]),
        (Phi(x) - third, [sp.sqrt(2) * sp.erfinv(-third)]),
        (sigmoid(x) * 4 - 1, [-sp.log(3)]),
        (softplus(x) - sp.log(3), [sp.log(2)]),
        (2 + sp.sin(x), []),
        (sp.exp(-(x**2)) - third, [-sp.sqrt(sp.log(3)), sp.sqrt(sp.log(3))]),
    ],
)
def test_zeros(expr, expected):
    found = zeros(expr)
    assert len(found) == len(expected)
    assert all(sp.simplify(one - other) == 0 for one, other in zip(found, expected, strict=True))


factor = st.one_of(
    st.builds(lambda n, k: n * x - k, st.integers(-3, 3), st.integers(-4, 4)),
    st.builds(lambda n, k: x**2 + n * x + k, st.integers(-3, 3), st.integers(-3, 3)),
    st.builds(lambda n, k: x**3 + n * x + k, st.integers(-3, 3), st.integers(-3, 3)),
    st.builds(lambda n, k: sp.exp(n * x) - k, st.integers(-2, 2), st.integers(-1, 3)),
    st.builds(
        lambda n, k: sp.erf(x - n) - sp.Rational(k, 3), st.integers(-2, 2), st.integers(-2, 2)
    ),
    st.builds(lambda n: 1 / (x - n), st.integers(-3, 3)),
)


@given(
    factors=st.lists(factor, min_size=1, max_size=3),
    lower=st.integers(-4, 2),
    width=st.integers(1, 5),
    at=st.fractions(0, 1, max_denominator=101),
)
def test_signs_agree_with_the_value_everywhere(factors, lower, width, at):
    expr = sp.Mul(*factors)
    parts = signed_parts(expr, sp.Integer(lower), sp.Integer(lower + width))
    point = lower + width * sp.Rational(at.numerator, at.denominator)
    value = sp.N(expr.subs(x, point), 30)
    inside = [sign for low, high, sign in parts if low < point < high]
    if inside and value.is_finite:
        assert sp.sign(value) == inside[0]
    ends = [low for low, _, _ in parts] + [parts[-1][1]]
    assert all(compare(low, high) < 0 for low, high in pairwise(ends))


def test_signs_between_zeros():
    assert [sign_between(x**2 - 1, a, b) for a, b in ((-sp.oo, -1), (-1, 1), (1, sp.oo))] == [
        1,
        -1,
        1,
    ]


def test_no_new_question_is_asked_about_a_known_order():
    # (x − α)(x + α) on (α, 3α) must not compare α with the middle of the interval.
    assert signed_parts((x - alpha) * (x + alpha), alpha, 3 * alpha) == [(alpha, 3 * alpha, 1)]


@pytest.mark.parametrize(
    ("expr", "asked"),
    [(x - a, None), (a * x - b, a), (x**2 - a, a), (x**2 + a * x + 1, a + 2)],
)
def test_an_open_question_names_what_would_decide_it(expr, asked):
    if asked is None:
        assert [sign for _, _, sign in signed_parts(expr, -sp.oo, sp.oo)] == [-1, 1]
        return
    with pytest.raises(Undecided) as question:
        signed_parts(expr, -sp.oo, sp.oo)
    assert question.value.expr in (asked, -asked, a - 2)
    assert not question.value.order


def test_the_order_of_two_thresholds_is_a_question_of_order():
    with pytest.raises(Undecided, match=r"whether [ab] < [ab]") as question:
        signed_parts(x - a, b, sp.oo)
    assert question.value.order
    assert sp.expand(question.value.expr - (b - a)) == 0 or question.value.expr == a - b


def _nested(count: int, wrap) -> sp.Expr:
    expr = x
    for k in range(count):
        expr = wrap(expr, k)
    return expr


HOSTILE = {
    "degree 200 without a zero": lambda: sp.Max(0, x**200 - x + 1),
    "degree 200": lambda: sp.Max(0, x**200 - x - 1),
    "degree 10⁹": lambda: sp.Abs(x ** (10**9) - x + 1),
    "a power of degree 10⁹": lambda: sp.Abs((x + 1) ** (10**9) - x),
    "huge coefficients": lambda: sp.Abs((x + 1) ** 100 - 10**400 * x),
    "close roots": lambda: sp.Abs(x**20 - 2 * (10**50 * x - 1) ** 2),
    "Wilkinson": lambda: sp.Abs(sp.prod([x - k for k in range(1, 21)]).expand() - 1),
    "irrational coefficients": lambda: sp.Abs(x**5 - sp.sqrt(2) * x + 1),
    "many fractions": lambda: sp.Abs(sp.Add(*(1 / (x - k) for k in range(40)))),
    "many quadratic fractions": lambda: sp.Abs(sp.Add(*(1 / (x**2 - k) for k in range(40)))),
    "fractions of exponentials": lambda: sp.Abs(sp.Add(*(1 / (sp.exp(x) + k) for k in range(20)))),
    "a wave": lambda: sp.Max(0, sp.sin(x)),
    "a wave and a line": lambda: sp.Max(sp.sin(x), x / 9),
    "transcendental": lambda: sp.Abs(sp.exp(x) - x**5),
    "nested Abs": lambda: _nested(30, lambda e, k: sp.Abs(e - 1)),
    "nested Max": lambda: _nested(30, lambda e, k: sp.Max(e - k, sp.Integer(k))),
    "folded": lambda: _nested(14, lambda e, k: sp.Abs(e - 2 ** (14 - k))),
    "nested tanh": lambda: sp.Abs(_nested(30, lambda e, k: sp.tanh(e)) - third),
    "a tower": lambda: sp.Abs(_nested(8, lambda e, k: sp.exp(e)) - 2),
    "200 cases": lambda: sp.Piecewise(*((x + k, x < k) for k in range(200)), (0, True)),
    "200 nested conditions": lambda: sp.Piecewise(
        *((x**k, (x > k) & (x < k + 1)) for k in range(200)), (0, True)
    ),
}


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE)
def test_hostile_functions_are_split_or_refused_soon(make):
    expr = make()
    start = time.process_time()
    pieces, refusal = (), "refused"
    try:
        pieces = decompose(expr).pieces
    except DomainError as error:
        refusal = str(error)
    assert time.process_time() - start < 2
    assert len(pieces) <= 256
    assert len(refusal) < 300
    assert "\n" not in refusal


@pytest.mark.parametrize(
    ("text", "breakpoints"),
    [("relu(x**64 - x + 1)", 0), ("relu(x**64 - x - 1)", 2), ("abs(x**5 - 3*x + 1)", 3)],
)
def test_an_activation_may_have_kinks_at_algebraic_numbers(text, breakpoints):
    assert len(activation(text).breakpoints) == breakpoints


def test_a_wave_is_split_only_where_it_keeps_its_sign():
    assert decompose(sp.Abs(sp.cos(x) - 2)).to_sympy() == 2 - sp.cos(x)
    with pytest.raises(DomainError, match=r"sign changes of sin\(x\) - 1"):
        decompose(sp.Abs(sp.sin(x) - 1) * x)
