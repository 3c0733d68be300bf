"""Piecewise functions against pointwise evaluation, and the calculus of distributions."""

from __future__ import annotations

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from freejac.symbolic.errors import DomainError
from freejac.symbolic.piecewise import PiecewiseFunction, decompose
from freejac.symbolic.symbols import parameter, x

half = sp.Rational(1, 2)
alpha = parameter("alpha", positive=True)


def _linear(expr: sp.Expr) -> bool:
    return not expr.has(sp.exp, sp.tanh) and all(
        sp.degree(atom, x) <= 1 for atom in sp.preorder_traversal(expr) if atom.is_polynomial(x)
    )


affine = st.builds(
    lambda a, b: sp.Rational(a, 2) * x + sp.Rational(b, 3),
    st.integers(-4, 4),
    st.integers(-6, 6),
)
smooth = st.one_of(affine, affine.map(lambda u: sp.exp(u) - 1), affine.map(sp.tanh))
kinked = st.recursive(
    smooth,
    lambda inner: st.one_of(
        st.builds(sp.Max, inner.filter(_linear), inner.filter(_linear)),
        st.builds(sp.Min, inner.filter(_linear), inner.filter(_linear)),
        inner.map(sp.Abs),
        st.builds(lambda a, b: a + b, inner, affine),
        st.builds(lambda a, b: a * b, affine, affine),
    ),
    max_leaves=4,
)


def value(function: PiecewiseFunction, at: sp.Expr) -> sp.Expr:
    piece = next(p for p in function.pieces if p.lower <= at <= p.upper)
    return piece.expr.subs(x, at)


@settings(max_examples=60, deadline=None)
@given(expr=kinked, at=st.fractions(-5, 5, max_denominator=97))
def test_pieces_agree_with_the_expression_everywhere(expr, at):
    try:
        function = decompose(expr)
    except DomainError:
        return  # a sign change that cannot be located is refused, never guessed
    point = sp.Rational(at.numerator, at.denominator)
    assert abs(sp.N(value(function, point) - expr.subs(x, point), 30)) < 1e-25


@pytest.mark.parametrize(
    ("expr", "breakpoints"),
    [
        (sp.Max(0, x), (0,)),
        (sp.Min(sp.Max(x, -1), 1), (-1, 1)),
        (sp.Abs(sp.Abs(x) - 1), (-1, 0, 1)),
        (sp.Max(0, x - alpha), (alpha,)),
        (sp.Max(0, x) + sp.Min(0, alpha * (sp.exp(x / 3) - 1)), (0,)),
        (sp.sign(x**2 - 2), (-sp.sqrt(2), sp.sqrt(2))),
        (sp.Piecewise((x, sp.tanh(x) > half), (0, True)), (sp.atanh(half),)),
        (sp.Piecewise((x, (x < -1) | (x > 2)), (0, True)), (-1, 2)),
        (sp.Piecewise((x, (x > -1) & (x < 2)), (0, True)), (-1, 2)),
        (sp.sign(1 / (x - 1)), (1,)),
        (sp.Abs(x / (x**2 + 1)), (0,)),
        (sp.Abs(parameter("beta")) * x, ()),
        (sp.Max(x, x), ()),
        (sp.Max(0, x) - sp.Max(0, x) + x, ()),
    ],
)
def test_breakpoints_are_exact(expr, breakpoints):
    found = decompose(expr).breakpoints
    assert len(found) == len(breakpoints)
    assert all(sp.simplify(a - b) == 0 for a, b in zip(found, breakpoints, strict=True))


def test_second_derivative_of_a_kink_is_a_delta_of_the_jump_in_slope():
    leaky = decompose(sp.Max(0, x) + alpha * sp.Min(0, x))
    assert (
        sp.simplify(leaky.derivative().derivative().to_sympy() - (1 - alpha) * sp.DiracDelta(x))
        == 0
    )


def test_a_jump_differentiates_to_deltas_of_rising_order():
    step = decompose(sp.Heaviside(x - 2, half))
    assert step.derivative().to_sympy() == sp.DiracDelta(x - 2)
    assert step.derivative().derivative().to_sympy() == sp.DiracDelta(x - 2, 1)


def test_smooth_function_times_derivative_of_delta_follows_leibniz():
    # f δ′ = f(b) δ′ − f′(b) δ
    product = decompose(sp.exp(x)) * decompose(sp.DiracDelta(x - 1, 1))
    expected = sp.E * sp.DiracDelta(x - 1, 1) - sp.E * sp.DiracDelta(x - 1)
    assert sp.simplify(product.to_sympy() - expected) == 0


@pytest.mark.parametrize(
    ("expr", "complaint"),
    [
        (sp.sign(x) * sp.DiracDelta(x), "jump"),
        (sp.DiracDelta(x) ** 2, "linearly"),
        (sp.DiracDelta(x) * sp.DiracDelta(x - 1), "product of Dirac deltas"),
        (sp.Abs(sp.sin(x)), "sign changes"),
        (sp.Max(0, parameter("beta") * x), "positive"),
    ],
)
def test_what_is_undefined_or_undecided_is_refused(expr, complaint):
    with pytest.raises(DomainError, match=complaint):
        decompose(expr)


def test_a_point_where_two_functions_are_equal_does_not_count():
    sinc = sp.Piecewise((1, sp.Eq(x, 0)), (sp.sin(x) / x, True))
    assert decompose(sinc).to_sympy() == sp.sin(x) / x
    assert decompose(sp.Piecewise((1, sp.Ne(x, 2)), (x, True))).to_sympy() == 1


def test_equality_on_a_whole_piece_counts():
    pieces = decompose(sp.Piecewise((1, sp.Eq(sp.Max(x, 0), 0)), (x, True))).pieces
    assert [(piece.upper, piece.expr) for piece in pieces] == [(0, 1), (sp.oo, x)]


def test_many_cases_are_split_in_order():
    steps = sp.Piecewise(*((sp.Integer(k), x < k) for k in range(200)), (sp.S.NegativeOne, True))
    pieces = decompose(steps).pieces
    assert [piece.expr for piece in pieces] == [*range(200), -1]
    assert [piece.upper for piece in pieces] == [*range(200), sp.oo]


def test_a_function_of_too_many_pieces_is_refused():
    folded = x
    for k in range(12):
        folded = sp.Abs(folded - 2 ** (12 - k))
    with pytest.raises(DomainError, match="256 pieces"):
        decompose(folded)
