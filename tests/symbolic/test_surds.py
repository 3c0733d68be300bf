"""The normal form of coefficients: equal values agree, and a value is what it was."""

from __future__ import annotations

import mpmath
import pytest
import sympy as sp
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf

from freejac.symbolic.errors import InternalError, Undecided
from freejac.symbolic.surds import Field
from freejac.symbolic.symbols import c, parameter, q

a = parameter("a", positive=True)
b = parameter("b")
AT = {q: sp.Rational(17, 23), a: sp.Rational(9, 4), b: sp.Rational(-5, 3), c: sp.Rational(-2, 7)}
FIELD = Field([q, a, b, c, sp.pi, sp.sqrt(2), sp.sqrt(3)])
POSITIVE = [
    q, a, 1 + 2 * q, q + a, 1 - c**2, (1 + 2 * q) ** 2 - 4 * c**2 * q**2, 1 + b**2, 2, 3, 12,
    sp.Rational(3, 8), 4 * q**2 * a, sp.pi,
]  # fmt: skip
RATIONALS = st.builds(sp.Rational, st.integers(-6, 6), st.integers(1, 5))
ATOMS = st.one_of(
    RATIONALS,
    st.sampled_from([q, a, b, c, sp.pi, sp.sqrt(2), 1 / (1 + 2 * q)]),
    st.sampled_from(POSITIVE).map(sp.sqrt),
    st.sampled_from(POSITIVE).map(lambda radicand: 1 / sp.sqrt(radicand)),
)
EXPRESSIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds(sp.Add, inner, inner),
        st.builds(sp.Mul, inner, inner),
        st.builds(lambda base, n: base**n, inner, st.integers(0, 2)),
    ),
    max_leaves=8,
)


def value(expr) -> mpf:
    with mp.workdps(40):
        return mpmath.mpmathify(sp.lambdify(list(AT), expr, "mpmath")(*map(number, AT.values())))


def number(rational) -> mpf:
    return mpf(rational.p) / rational.q


def agree(first, second) -> bool:
    one, other = value(first), value(second)
    return abs(one - other) <= mpf(10) ** -30 * (1 + abs(one))


@settings(max_examples=40)
@given(expr=EXPRESSIONS)
def test_a_surd_has_the_value_of_its_expression(expr):
    surd = FIELD.number(expr)
    assert agree(surd.expr(), expr)
    assert agree(surd.expanded(), expr)


@settings(max_examples=40)
@given(first=EXPRESSIONS, second=EXPRESSIONS)
def test_arithmetic(first, second):
    one, other = FIELD.number(first), FIELD.number(second)
    assert agree((one + other).expr(), first + second)
    assert agree((one - other).expr(), first - second)
    assert agree((one * other).expr(), first * second)


@settings(max_examples=40)
@given(expr=EXPRESSIONS)
def test_equal_values_written_differently_are_equal(expr):
    one, other = FIELD.number(expr), FIELD.number(sp.expand(expr))
    assert one == other
    assert hash(one) == hash(other)
    assert one.expr() == other.expr()
    assert not one - other


@settings(max_examples=40)
@given(expr=EXPRESSIONS)
def test_nothing_is_nested(expr):
    for power in FIELD.number(expr).expr().atoms(sp.Pow):
        if not power.exp.is_Integer:
            assert not any(not inner.exp.is_Integer for inner in power.base.atoms(sp.Pow))


@settings(max_examples=40)
@given(expr=EXPRESSIONS, radicand=st.sampled_from(POSITIVE))
def test_division_and_roots_of_one_term(expr, radicand):
    divisor = FIELD.number(radicand).sqrt() * 3
    assert (FIELD.number(expr) / divisor) * divisor == FIELD.number(expr)
    root = FIELD.number(radicand).sqrt()
    assert root * root == FIELD.number(radicand)
    assert root.sign() == 1


@settings(max_examples=40)
@given(expr=EXPRESSIONS)
def test_a_proved_sign_is_the_sign(expr):
    surd = FIELD.number(expr)
    proved = surd.sign()
    assume(proved is not None)
    size = value(expr)
    assert proved == (0 if abs(size) < mpf(10) ** -30 else mpmath.sign(size))


@pytest.mark.parametrize(
    ("expr", "sign"),
    [
        (1 - c**2, 1),
        (2 - c, 1),
        (c - 1, -1),
        (1 + q - c * q, 1),
        ((1 + 2 * q) ** 2 - 4 * c**2 * q**2, 1),
        (q - 1, None),
        (c, None),
        (b, None),
        (b**2 + a, 1),
        (-a * q, -1),
    ],
)
def test_signs(expr, sign):
    assert FIELD.number(expr).sign() == sign


def test_products_of_roots_are_joined():
    one, other = (FIELD.number(e).sqrt() for e in (1 + q, 1 - c**2))
    assert one * other == FIELD.number((1 + q) * (1 - c**2)).sqrt()
    assert (one * other) * one == FIELD.number(1 + q) * other


def test_roots_of_squares_leave_the_root():
    root = FIELD.number(12 * q**3 * (1 + q) ** 2).sqrt().expr()
    assert root == 2 * sp.sqrt(3) * q * sp.sqrt(q) * (q + 1)


def test_the_sign_of_what_leaves_a_root_must_be_known():
    with pytest.raises(Undecided):
        FIELD.number(q / (b + q)).sqrt()


def test_complex_numbers():
    i = FIELD.i
    assert i * i == FIELD.rational(-1)
    z = FIELD.number(q) + i * FIELD.number(a)
    assert (z * z.conjugate()).expr() == q**2 + a**2
    assert z.real == FIELD.number(q)
    assert z.imaginary == FIELD.number(a)
    assert FIELD.number(-q).sqrt() == i * FIELD.number(q).sqrt()
    assert i**-1 == -i


def test_what_stands_in_front_of_a_constant():
    phase = FIELD.number((4 * q + 2 * sp.pi * q + sp.pi) / (2 * (1 + 2 * q)))
    turns, rest = phase.split(sp.pi)
    assert turns == sp.Rational(1, 2)
    assert rest.expr() == 2 * q / (1 + 2 * q)
    assert FIELD.number(sp.pi * q).split(sp.pi) == (0, FIELD.number(sp.pi * q))


@pytest.mark.parametrize("expr", [sp.Symbol("elsewhere"), sp.exp(q), q ** sp.Rational(1, 3)])
def test_what_the_field_was_not_made_for_is_a_defect(expr):
    with pytest.raises(InternalError):
        FIELD.number(expr)
