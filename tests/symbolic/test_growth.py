"""Growing exponentials: finite on bounded intervals at every variance, infinite beyond."""

from __future__ import annotations

import mpmath
import pytest
import sympy as sp
from mpmath import mp, mpf

from freejac.symbolic.errors import NoClosedForm
from freejac.symbolic.expectation import expect
from freejac.symbolic.symbols import parameter, q, x

HALF = sp.Rational(1, 2)
FACTORS = {
    "1": sp.S.One,
    "x³ − x": x**3 - x,
    "exp": sp.exp(x / 3) * x,
    "cos": sp.cos(2 * x + 1),
    "x sin exp": x * sp.sin(x) * sp.exp(-x),
}


def between(expr, lower=-1, upper=2):
    return sp.Piecewise((0, x < lower), (expr, x < upper), (0, True))


def by_quadrature(expr, variance, lower=-1, upper=2) -> mpf:
    """The definition, on the interval."""
    function = sp.lambdify(x, expr * sp.exp(-(x**2) / (2 * variance)), "mpmath")
    with mp.workdps(40):
        root = mpmath.sqrt(2 * mp.pi * mpf(variance.p) / variance.q)
        return mpmath.quad(function, mpmath.linspace(lower, upper, 7)) / root


# exp(x²) against exp(−x²/2q): below q = 1/2 the weight wins, at 1/2 they cancel.
@pytest.mark.parametrize("variance", [sp.Rational(1, 50), sp.Rational(2, 5), HALF, sp.S.One, 90])
@pytest.mark.parametrize("factor", FACTORS.values(), ids=FACTORS)
def test_on_a_bounded_interval(factor, variance):
    variance = sp.Rational(variance)
    expr = factor * sp.exp(x**2)
    closed = expect(between(expr), variance)
    reference = by_quadrature(expr, variance)
    assert not closed.has(sp.I)
    assert abs(sp.Float(reference, 40) - closed.evalf(40)) < 1e-30 * (1 + abs(reference))


@pytest.mark.parametrize("variance", [sp.Rational(1, 50), sp.Rational(2, 5)])
def test_with_an_error_function_below_the_critical_variance(variance):
    expr = x * sp.exp(x**2) * sp.erf(x - 1)
    closed = expect(between(expr), variance)
    assert abs(sp.Float(by_quadrature(expr, variance), 40) - closed.evalf(40)) < 1e-30


def test_a_variance_without_a_value_gives_the_three_cases():
    closed = expect(between(x**2 * sp.exp(x**2)))
    for variance in (sp.Rational(1, 7), HALF, sp.Integer(3)):
        here = closed.subs(q, variance)
        assert here == expect(between(x**2 * sp.exp(x**2)), variance)
        reference = by_quadrature(x**2 * sp.exp(x**2), variance)
        assert abs(sp.Float(reference, 40) - here.evalf(40)) < 1e-30


def test_a_rate_without_a_value():
    rate = parameter("rate", positive=True)
    closed = expect(between(sp.exp(rate * x**2)), 1)
    for value in (sp.Rational(1, 5), HALF, sp.Integer(2)):
        reference = by_quadrature(sp.exp(value * x**2), sp.S.One)
        assert abs(sp.Float(reference, 40) - closed.subs(rate, value).evalf(40)) < 1e-30


def test_the_critical_variance_is_the_limit_from_both_sides():
    near = sp.Rational(1, 10**14)
    expr = between((x + 2) * sp.exp(x**2))
    there = expect(expr, HALF).evalf(30)
    for side in (1, -1):
        assert abs(expect(expr, HALF + side * near).evalf(30) - there) < 1e-12


@pytest.mark.parametrize("expr", [sp.exp(x**2), x * sp.exp(x**2 - x), sp.Max(0, x) * sp.exp(x**2)])
@pytest.mark.parametrize("variance", [q, HALF, sp.S.One])
def test_what_is_infinite_is_refused(expr, variance):
    with pytest.raises(NoClosedForm, match="outgrows the Gaussian weight at a variance of 1/2"):
        expect(expr, variance)


def test_below_the_critical_variance_the_line_is_no_obstacle():
    assert expect(sp.exp(x**2), sp.Rational(1, 4)) == sp.sqrt(2)
    assert expect(x**2 * sp.exp(x**2), sp.Rational(1, 4)) == sp.sqrt(2) / 2


def test_growth_and_decay_that_cancel_are_neither():
    assert expect(sp.exp(x**2) * x**2 * sp.exp(-(x**2))) == q


def test_a_rate_of_unknown_sign_is_named():
    with pytest.raises(NoClosedForm, match="declare it"):
        expect(sp.exp(parameter("rate") * x**2))


@pytest.mark.parametrize("variance", [HALF, sp.Integer(3)])
def test_an_error_function_from_the_critical_variance_on_is_refused(variance):
    with pytest.raises(NoClosedForm, match="error function"):
        expect(between(sp.exp(x**2) * sp.erf(x)), variance)


def test_a_planted_wrong_primitive_is_caught(monkeypatch):
    from freejac.symbolic import expectation, growth

    honest = growth._primitive
    monkeypatch.setattr(growth, "_primitive", lambda n, rate, at: honest(n, rate, at * 2))
    expectation._closed_form.cache_clear()
    with pytest.raises(AssertionError):
        test_on_a_bounded_interval(FACTORS["x³ − x"], HALF)
    expectation._closed_form.cache_clear()
