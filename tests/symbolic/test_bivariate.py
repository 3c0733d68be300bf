"""Duals E[f(h₁)g(h₂)] against quadrature of the definition, published kernels, and theorems."""

from __future__ import annotations

from dataclasses import replace
from math import factorial

import mpmath
import numpy as np
import pytest
import sympy as sp
from closed_form_cases import GOOD, Case, deviation
from hypothesis import example, given, settings
from hypothesis import strategies as st
from integrand_draws import PAIRS, draw_pair
from mpmath import mp

from freejac.symbolic import bivariate
from freejac.symbolic.activation import activation
from freejac.symbolic.bivariate import Expectation2, expect2, expectation2
from freejac.symbolic.bivariate_quadrature import gaussian_mean2
from freejac.symbolic.errors import DomainError, InputError, NoClosedForm, ParseError
from freejac.symbolic.expectation import expect
from freejac.symbolic.functions import Phi
from freejac.symbolic.piecewise import decompose
from freejac.symbolic.symbols import c, parameter, q, x

R = sp.Rational
NEAR = 1 - R(1, 10**12)
q1, q2 = (sp.Symbol(name, positive=True) for name in ("q_1", "q_2"))
CLOSED = (
    "relu", "leaky_relu", "hard_tanh", "erf", "gelu", "elu", "selu", "sin", "hard_sigmoid",
    "hard_swish", "relu2", "shifted_relu", "smoothed_relu", "linear",
)  # fmt: skip


def dual(name, order=0, **rest):
    """E[φ⁽ⁿ⁾φ⁽ⁿ⁾] of a library activation."""
    phi = activation(name)
    function = phi.distribution(order).subs(phi.defaults)
    return expect2(function, function, rest.get("q1", q1), rest.get("q2", q2), c)


def numbers(expr, values, digits=40):
    with mp.workdps(digits):
        at = [mpmath.mpf(value.p) / value.q for value in map(sp.Rational, values.values())]
        return sp.lambdify(tuple(values), expr, "mpmath")(*at)


# Against the definition


@settings(max_examples=25)
@given(random=st.randoms(use_true_random=False), kind=st.sampled_from(sorted(PAIRS)))
def test_generated_pairs(random, kind):
    case = draw_pair(random, kind)
    closed = case.closed()
    assert not closed.has(sp.I, sp.Integral, sp.nan, sp.zoo, sp.oo)
    assert deviation(case, closed) < GOOD


@pytest.mark.parametrize("name", CLOSED)
@pytest.mark.parametrize("at", [NEAR, R(3, 5), R(-1, 10**12), -NEAR])
def test_library_at_numbers(name, at):
    f = activation(name)
    expr = f.function.subs(f.defaults).to_sympy()
    case = Case(name, expr, expr, {q1: R(7, 3), q2: R(1, 50), c: at}, symbolic=False)
    assert deviation(case, case.closed()) < GOOD


growth = st.fractions(min_value=0, max_value=R(3, 5), max_denominator=20)


@settings(max_examples=15)
@given(a=growth, b=growth, at=st.sampled_from([R(-4, 5), R(1, 3), R(9, 10)]))
@example(R(1, 4), R(1, 4), R(1, 2)).via("1 − 2a − 2b + 4ab(1 − c²) = 3/16: just finite")
@example(R(1, 2), R(0), R(1, 2)).via("infinite in one variable alone")
@example(R(1, 3), R(1, 3), R(1, 2)).via("a zero determinant: just infinite")
def test_exponentials_that_grow_together(a, b, at):
    a, b = R(a.numerator, a.denominator), R(b.numerator, b.denominator)
    f, g = x * sp.exp(a * x**2), sp.Max(0, x) * sp.exp(b * x**2)
    finite = a < R(1, 2) and b < R(1, 2) and (1 - 2 * a) * (1 - 2 * b) > 4 * a * b * at**2
    if not finite:
        with pytest.raises(NoClosedForm, match="outgrow"):
            expect2(f, g, 1, 1, at)
        return
    with mp.workdps(40):
        found = mpmath.mpmathify(expect2(f, g, 1, 1, at).evalf(30))
        reference = gaussian_mean2(decompose(f), decompose(g), R(1), R(1), at, 25)
        assert abs(found - reference) < 1e-20 * (1 + abs(reference))


# Published kernels


def cho_saul(n, theta):
    """J_n(θ), Cho & Saul (2009), eq. (4)."""
    t = sp.Symbol("t")
    inner = (sp.pi - t) / sp.sin(t)
    for _ in range(n):
        inner = sp.diff(inner, t) / sp.sin(t)
    return ((-1) ** n * sp.sin(t) ** (2 * n + 1) * inner).subs(t, theta)


@pytest.mark.parametrize("order", range(4))
@pytest.mark.parametrize("at", [R(-99, 100), R(-1, 3), R(1, 7), R(9, 10)])
def test_arc_cosine_kernels(order, at):
    f = sp.Heaviside(x) if order == 0 else sp.Max(0, x) ** order
    published = (3 * R(1, 2)) ** R(order, 2) * cho_saul(order, sp.acos(at)) / (2 * sp.pi)
    assert abs((expect2(f, f, 3, R(1, 2), at) - published).evalf(40)) < 1e-35


def test_the_erf_kernel_is_that_of_williams():
    # Williams (1997), eq. (11), with Σ = (q₁ r; r q₂) for inputs without bias.
    kernel = expect2("erf(x)", "erf(x)", q1, q2, c)
    published = 2 / sp.pi * sp.asin(2 * c * sp.sqrt(q1 * q2) / sp.sqrt((1 + 2 * q1) * (1 + 2 * q2)))
    for values in ({q1: R(1, 9), q2: 7, c: R(-4, 5)}, {q1: 10**6, q2: R(1, 1000), c: NEAR}):
        assert abs(numbers(kernel - published, values)) < 1e-35


@pytest.mark.parametrize(("n", "m"), [(0, 0), (1, 3), (3, 3), (4, 2), (5, 5), (8, 8)])
def test_hermite_polynomials_are_orthogonal(n, m):
    # Mehler (1866): E[He_n(h₁) He_m(h₂)] = n! cⁿ δ_nm at unit variances.
    first, second = (sp.hermite(k, x / sp.sqrt(2)) / sp.sqrt(2) ** k for k in (n, m))
    expected = factorial(n) * c**n if n == m else sp.S.Zero
    assert expect2(sp.expand(first), sp.expand(second), 1, 1) == expected


# Theorems


@pytest.mark.parametrize("name", CLOSED)
def test_price(name):
    # Price (1958): ∂_c E[φφ] = √(q₁q₂) E[φ′φ′].
    slope = sp.diff(dual(name), c) - sp.sqrt(q1 * q2) * dual(name, 1)
    for values in ({q1: R(4, 3), q2: R(1, 5), c: R(-2, 7)}, {q1: 30, q2: 2, c: R(9, 10)}):
        size = abs(numbers(dual(name, 1), values)) + 1
        assert abs(numbers(slope, values)) < 1e-30 * size


@pytest.mark.parametrize("name", ["gelu", "hard_tanh", "elu", "relu2"])
def test_the_heat_equation(name):
    # At a fixed covariance r = c√(q₁q₂): ∂_{q₁} E[φφ] = E[φ″φ]/2.
    r = parameter("r")
    phi = activation(name)
    f, bend = (phi.distribution(n).subs(phi.defaults) for n in (0, 2))
    fixed = r / sp.sqrt(q1 * q2)
    slope = sp.diff(expect2(f, f, q1, q2, c).subs(c, fixed), q1)
    half = expect2(bend, f, q1, q2, c).subs(c, fixed) / 2
    values = {q1: R(4, 3), q2: R(2, 5), r: R(1, 3)}
    assert abs(numbers(slope - half, values)) < 1e-30


@pytest.mark.parametrize("name", CLOSED)
def test_the_ends_are_means_in_one_variable(name):
    phi = activation(name)
    f = phi.function.subs(phi.defaults).to_sympy()
    assert expect2(f, f, c=1) == expect(f**2)
    assert expect2(f, f, c=-1) == expect(f * f.subs(x, -x))
    assert expect2(f, f, q1, q2, 0) == expect(f, q1) * expect(f, q2)
    # and the general form tends to them, like √(1 − c) or faster
    values = {q1: 2, q2: 2, c: 1 - R(1, 10**24)}
    assert abs(numbers(dual(name), values, 60) - numbers(expect(f**2), {q: 2})) < 1e-11


@pytest.mark.parametrize("one", ["relu", "gelu", "elu"])
@pytest.mark.parametrize("other", ["hard_tanh", "erf"])
def test_equal_inputs_give_structurally_equal_results(one, other):
    f, g = (activation(name).function.subs(activation(name).defaults) for name in (one, other))
    assert expect2(f, g, q1, q2, c) == expect2(g, f, q2, q1, c)
    double = expect2(2 * f.to_sympy(), g, q1, q2, c)
    assert sp.expand(double - 2 * expect2(f, g, q1, q2, c)) == 0


def test_steins_identity():
    # E[h₁ g(h₂)] = c √(q₁q₂) E[g′(h₂)]
    for text in ("gelu", "elu", "hard_swish", "where(x > 1, x**2, erf(x))"):
        g = activation(text)
        left = expect2(x, g.function.subs(g.defaults), q1, q2, c)
        slope = g.distribution(1).subs(g.defaults)
        right = c * sp.sqrt(q1 * q2) * expect(slope, q2)
        assert abs(numbers(left - right, {q1: 3, q2: R(2, 7), c: R(-3, 4)})) < 1e-30


def test_symbolic_parameters_stay():
    a, b = parameter("a"), parameter("b")
    general = expect2(sp.erf(a * x), Phi(b * x), q1, q2, c)
    assert general.free_symbols == {a, b, q1, q2, c}
    assert general.subs({a: 1, b: 1}) == expect2(sp.erf(x), Phi(x), q1, q2, c)
    thresholds = expect2("where(x > a, 1, 0)", "where(x > b, 1, 0)", 1)
    assert str(thresholds) == "Phi2(-a, -b, c)"


# What does not close, and unevaluated means


@pytest.mark.parametrize(
    ("f", "g", "obstruction"),
    [
        ("tanh(x)", "tanh(x)", "tanh"),
        ("Phi(x)**2", "Phi(x)**2", "4-dimensional orthant"),
        ("where(x > 0, sin(x), 0)", "relu(x)", "complex argument"),
        ("1/(1 + x**2)", "x**2", "outside the class"),
        ("exp(x**2/4)", "exp(x**2/4)", "together may outgrow"),
        ("exp(a*x**2)", "x", "the sign of a"),
        ("x*exp(x**2)", "1", "outgrows"),
    ],
)
def test_refusals_name_the_obstruction(f, g, obstruction):
    with pytest.raises(NoClosedForm, match=obstruction):
        expect2(f, g)


def test_odd_against_even_vanishes_even_outside_the_class():
    assert expect2("tanh(x)", "x**2") == 0
    assert expect2("atan(x)*exp(-x**2)", "x*tanh(x) - x**2/2", c=R(1, 3)) == 0
    with pytest.raises(NoClosedForm):
        expect2("tanh(x)", "exp(x)")


def test_bad_input_is_refused():
    with pytest.raises(DomainError, match=r"\[-1, 1\]"):
        expect2("x", "x", 1, 1, R(11, 10))
    with pytest.raises(DomainError, match="positive"):
        expect2("x", "x", -1)
    with pytest.raises(ParseError):
        expect2("x", "x +* 2")
    with pytest.raises(InputError):
        expect2(None, "x")


def test_unevaluated_means_evaluate_and_differentiate():
    kernel = expectation2("tanh(x)", "tanh(x)", q1, q2)
    assert isinstance(kernel, Expectation2)
    values = {q1: R(3, 2), q2: R(1, 2), c: R(2, 5)}
    value = kernel.subs(values).evalf(20)
    step = R(1, 10**6)
    for symbol in (q1, q2, c):
        up, down = (
            kernel.subs({**values, symbol: values[symbol] + sign * step}).evalf(20)
            for sign in (1, -1)
        )
        slope = sp.diff(kernel, symbol).subs(values).evalf(15)
        assert abs(slope - (up - down) / (2 * step)) < 1e-11
    grid = np.linspace(-9, 9, 361)
    u, v = np.meshgrid(grid, grid)
    # The trapezoidal rule, which is exponentially good for an analytic integrand.
    weight = np.exp(-(u**2 + v**2) / 2) * 0.05**2 / (2 * np.pi)
    second = np.sqrt(0.5) * (0.4 * u + np.sqrt(1 - 0.4**2) * v)
    nested = np.sum(np.tanh(np.sqrt(1.5) * u) * np.tanh(second) * weight)
    assert abs(value - nested) < 1e-12


# The tests themselves


@pytest.mark.parametrize("mechanism", ["leaf", "conditioning", "covariance"])
def test_a_planted_wrong_rule_is_caught(monkeypatch, mechanism):
    from freejac.symbolic import gaussian

    slightly = R(1000001, 1000000)
    orthant, pinned, covariance = (
        gaussian.Moments._orthant, gaussian.Measure.pinned, bivariate._covariance,
    )  # fmt: skip

    def wrong_leaf(self):
        parts = orthant(self)
        wrong = next(iter(parts.values())).field.rational(slightly) if parts else None
        return {k: v * wrong if len(k[1].arguments) == 3 else v for k, v in parts.items()}

    def wrong_density(self, sign):
        measure = pinned(self, sign)
        return replace(measure, weight=measure.weight * measure.weight.field.rational(slightly))

    def wrong_covariance(field, *arguments):
        (first, shared), (_, second) = covariance(field, *arguments)
        shared = shared * field.rational(slightly)
        return [[first, shared], [shared, second]]

    plant = {
        "leaf": (gaussian.Moments, "_orthant", wrong_leaf),
        "conditioning": (gaussian.Measure, "pinned", wrong_density),
        "covariance": (bivariate, "_covariance", wrong_covariance),
    }
    bivariate._closed_form.cache_clear()
    monkeypatch.setattr(*plant[mechanism])
    values = {q1: R(7, 3), q2: R(1, 50), c: R(3, 5)}
    f = sp.Min(sp.Max(x, -1), 1)
    case = Case("planted", f, f, values, symbolic=False)
    assert deviation(case, case.closed()) > GOOD
    bivariate._closed_form.cache_clear()
