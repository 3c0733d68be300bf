"""Closed forms against quadrature of their definition, over the library and generated terms."""

from __future__ import annotations

from dataclasses import replace

import mpmath
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from integrand_draws import draw

from freejac.symbolic import library
from freejac.symbolic.activation import activation
from freejac.symbolic.errors import DomainError, InputError, NoClosedForm, ParseError
from freejac.symbolic.expectation import Expectation, expect, expectation
from freejac.symbolic.functions import Phi, sigmoid
from freejac.symbolic.piecewise import decompose
from freejac.symbolic.quadrature import gaussian_mean
from freejac.symbolic.symbols import parameter, q, x

VARIANCES = [sp.Rational(1, 10**6), sp.Rational(3, 100), sp.Rational(7, 5), 60, 10**6]
QUANTITIES = {
    "E[φ]": lambda phi: phi.function,
    "E[φ²]": lambda phi: phi.function**2,
    "E[φ′²]": lambda phi: phi.distribution(1) ** 2,
    "E[φ′⁴]": lambda phi: phi.distribution(1) ** 4,
}
# What has a closed form in the class; the rest is refused (checked below), never guessed.
CLOSED = {name: set(QUANTITIES) for name in library.names()} | {
    "gelu": {"E[φ]", "E[φ²]", "E[φ′²]"},
    "smoothed_relu": {"E[φ]", "E[φ²]", "E[φ′²]"},
    "tanh": {"E[φ]"},
    "sigmoid": {"E[φ]"},
    "swish": set(),
    "softplus": set(),
    "mish": set(),
}
CASES = [(name, label) for name in library.names() for label in QUANTITIES]


def defaults(phi):
    return {symbol: value + sp.Rational(1, 7) for symbol, value in phi.defaults.items()}


def deviation(closed, definition, variance, values, *, signed=False) -> mpmath.mpf:
    """Deviation of a closed form from quadrature of its definition, at 30 digits.

    Relative to the value; for an integrand of both signs, whose mean may be exponentially small,
    relative to the root mean square of the integrand.
    """
    with mpmath.mp.workdps(60):
        at = mpmath.mpf(sp.Rational(variance).p) / sp.Rational(variance).q
        value = sp.lambdify(q, closed.subs(values), "mpmath")(at)
        reference = gaussian_mean(definition, variance, 30, values)
        if signed:
            return abs(value - reference) / mpmath.sqrt(
                gaussian_mean(definition**2, variance, 10, values)
            )
        return abs(value / reference - 1)


@pytest.mark.parametrize(("name", "label"), CASES)
def test_library(name, label):
    phi = activation(name)
    definition = QUANTITIES[label](phi)
    if label not in CLOSED[name]:
        with pytest.raises(NoClosedForm):
            expect(definition)
        assert expectation(definition).has(Expectation)
        return
    closed = expect(definition)
    assert not closed.has(sp.I, sp.Integral, sp.Piecewise)
    signed = label == "E[φ]"
    for variance in VARIANCES[:-1] if name == "sin" else VARIANCES:
        assert deviation(closed, definition, variance, defaults(phi), signed=signed) < 1e-28


@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_all_even_slope_moments_of_erf(k):
    definition = activation("erf").distribution(1) ** (2 * k)
    assert deviation(expect(definition), definition, sp.Rational(7, 3), {}) < 1e-28


@pytest.mark.parametrize(
    "name", ["relu", "leaky_relu", "hard_tanh", "elu", "hard_swish", "shifted_relu", "gelu", "sin"]
)
def test_parallel_susceptibility_counts_the_kinks(name):
    # d/dq E[φ²] = E[φ′² + φφ″]: the right side in closed form, the left by differencing quadrature.
    phi = activation(name)
    values = defaults(phi)
    closed = expect(phi.distribution(1) ** 2 + phi.function * phi.distribution(2)).subs(values)
    with mpmath.mp.workdps(40):
        slope = mpmath.diff(
            lambda t: gaussian_mean(phi.function**2, t, 35, values), mpmath.mpf(2), h=1e-9
        )
        assert abs(closed.subs(q, 2).evalf(30) / sp.Float(slope, 30) - 1) < 1e-15


rationals = st.builds(sp.Rational, st.integers(-5, 5), st.integers(1, 4))
positive = st.builds(sp.Rational, st.integers(1, 5), st.integers(1, 4))
polynomial = st.builds(lambda c, n: c * x**n, rationals.filter(bool), st.integers(0, 4))
exponential = st.builds(lambda a, b: sp.exp(-a * x**2 + b * x), positive | st.just(0), rationals)
wave = st.builds(
    lambda f, w, d: f(w * x + d), st.sampled_from([sp.sin, sp.cos]), positive, rationals
)
error = st.builds(lambda a, b: sp.erf(a * x + b), positive, rationals)
bend = st.builds(lambda a: Phi(a * x), positive)


def product(*factors):
    return st.builds(sp.Mul, *factors)


whole_line = st.one_of(
    product(polynomial, exponential, wave),
    product(polynomial, wave, wave),
    product(polynomial, exponential, error),
    product(polynomial, bend, bend),
    product(polynomial, bend, bend, bend),
)
on_intervals = product(polynomial, exponential)
half_lines = st.one_of(product(polynomial, wave), product(polynomial, bend))


def check(expr):
    definition = decompose(expr)
    try:
        closed = expect(definition)
    except NoClosedForm:
        return  # an honest refusal; which ones are due is pinned below
    for variance in (sp.Rational(1, 50), sp.Rational(11, 3)):
        with mpmath.mp.workdps(60):
            at = mpmath.mpf(variance.p) / variance.q
            value = sp.lambdify(q, closed, "mpmath")(at)
            reference = gaussian_mean(definition, variance, 20)
            if abs(value - reference) <= 1e-17 * abs(reference):
                continue  # √E[f²] is no less, and takes as long as the mean
            size = mpmath.sqrt(gaussian_mean(definition**2, variance, 8))
            assert abs(value - reference) <= 1e-17 * size


def on_pieces(first, second, third, a, width):
    return sp.Piecewise((first, x < a), (second, x < a + width), (third, True))


def at_zero(left, right):
    return sp.Piecewise((left, x < 0), (right, True))


cases = st.one_of(
    whole_line,
    st.builds(on_pieces, on_intervals, on_intervals, on_intervals, rationals, positive),
    st.builds(at_zero, half_lines, half_lines),
)


@settings(max_examples=40, deadline=None)
@given(expr=cases)
def test_generated_integrands(expr):
    check(expr)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(expr=cases)
def test_many_generated_integrands(expr):
    check(expr)


@settings(max_examples=20, deadline=None)
@given(first=polynomial, second=polynomial, factor=rationals.filter(bool))
def test_linear(first, second, factor):
    together = expect(factor * first * Phi(x) + second)
    apart = factor * expect(first * Phi(x)) + expect(second)
    assert sp.simplify(together - apart) == 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (sp.Max(0, x) ** 2, sp.Piecewise((x**2, x > 0), (0, True))),
        (sp.Abs(x), sp.Max(x, -x)),
        (x * Phi(x), x * (1 + sp.erf(x / sp.sqrt(2))) / 2),
        (sp.sinh(x) ** 2, (sp.exp(2 * x) - 2 + sp.exp(-2 * x)) / 4),
        (sp.sin(x) ** 2, 1 - sp.cos(x) ** 2),
        (sigmoid(x), sp.Rational(1, 2) + sp.tanh(x / 2) / 2),
    ],
)
def test_equal_inputs_give_structurally_equal_results(one, other):
    assert expect(one) == expect(other)


REWRITTEN = {
    "expanded": sp.expand,
    "Φ as erf": lambda e: e.replace(Phi, lambda u: (1 + sp.erf(u / sp.sqrt(2))) / 2),
    "erf as erfc": lambda e: e.replace(sp.erf, lambda u: 1 - sp.erfc(u)),
    "sin as cos": lambda e: e.replace(sp.sin, lambda u: sp.cos(u - sp.pi / 2)),
    "reflected": lambda e: e.subs(x, -x),
}


@settings(max_examples=40)
@given(
    random=st.randoms(use_true_random=False),
    kind=st.sampled_from(["line", "centred", "intervals", "kinks", "rational", "parameters"]),
)
def test_generated_integrands_written_differently(random, kind):
    integrand = draw(random, kind).f
    forms = {name: expect(rewrite(integrand)) for name, rewrite in REWRITTEN.items()}
    assert set(forms.values()) == {expect(integrand)}, (integrand, forms)


@pytest.mark.parametrize(
    ("text", "obstruction"),
    [
        ("tanh(x)**2", "tanh"),
        ("softplus(x)", "softplus"),
        ("Phi(x)**4", "orthant"),
        ("where(x>1, erf(x)*sin(x), 0)", "complex argument"),
        ("where(x>1, erf(x)*erf(2*x), 0)", "3-dimensional orthant"),
        ("1/(x**4 + 1)", "not quadratic"),
        ("1/(x - 1)", "pole"),
        ("exp(x**2/4)", "outgrows"),
    ],
)
def test_refusals_name_the_obstruction(text, obstruction):
    with pytest.raises(NoClosedForm, match=obstruction):
        expect(text)


def test_odd_integrands_vanish_even_outside_the_class():
    assert expect("tanh(x)") == 0
    assert expect("x**3*tanh(x)**2*cos(x)") == 0
    assert expect("sigmoid(x)") == sp.Rational(1, 2)


def test_unevaluated_expectations_evaluate_and_differentiate():
    mean = Expectation(sp.tanh(x) ** 2, q)
    with mpmath.mp.workdps(30):
        reference = mpmath.quad(
            lambda t: mpmath.tanh(t) ** 2 * mpmath.npdf(t), mpmath.linspace(-14, 14, 15)
        )
    assert abs(mean.subs(q, 1).evalf(25) - sp.Float(reference, 25)) < 1e-24
    step = sp.Rational(1, 10**8)
    difference = (mean.subs(q, 1 + step) - mean.subs(q, 1 - step)).evalf(30) / (2 * step)
    assert abs(sp.diff(mean, q).subs(q, 1).evalf(20) - difference) < 1e-14
    assert mean.subs(x, 3) == mean
    assert mean.free_symbols == {q}


def test_symbolic_parameters_stay():
    slope = parameter("slope")
    assert expect(sp.erf(slope * x) ** 2).subs({slope: 1}) == expect(sp.erf(x) ** 2)


@pytest.mark.parametrize("bad", [None, 1.5j, ["x"]])
def test_integrands_of_the_wrong_kind(bad):
    with pytest.raises(InputError):
        expect(bad)


def test_bad_text_and_bad_variance():
    with pytest.raises(ParseError):
        expect("x +* 2")
    with pytest.raises(DomainError):
        expect("x", -1)


@pytest.mark.parametrize("mechanism", ["leaf", "conditioning", "tilting"])
def test_a_planted_wrong_rule_is_caught(monkeypatch, mechanism):
    from freejac.symbolic import expectation as engine
    from freejac.symbolic import gaussian

    slightly = sp.Rational(1001, 1000)
    orthant, pinned, tilted = gaussian.Moments._orthant, gaussian.Measure.pinned, gaussian.tilted

    def wrong_leaf(self):
        parts = orthant(self)
        wrong = next(iter(parts.values())).field.rational(slightly) if parts else None
        return {k: v * wrong if len(k[1].arguments) == 3 else v for k, v in parts.items()}

    def wrong_density(self, sign):
        measure = pinned(self, sign)
        return replace(measure, weight=measure.weight * measure.weight.field.rational(slightly))

    def wrong_weight(covariance, shapes):
        measure = tilted(covariance, shapes)
        factor = slightly if any(shape.quadratic for shape in shapes) else sp.S.One
        return replace(measure, weight=measure.weight * measure.weight.field.rational(factor))

    plant = {
        "leaf": (gaussian.Moments, "_orthant", wrong_leaf),
        "conditioning": (gaussian.Measure, "pinned", wrong_density),
        "tilting": (gaussian, "tilted", wrong_weight),
    }
    engine._closed_form.cache_clear()
    monkeypatch.setattr(*plant[mechanism])
    with pytest.raises(AssertionError):
        check(x**2 * Phi(x) ** 2 * sp.exp(-(x**2)) + sp.Rational(1, 10**9) * x**2)
    engine._closed_form.cache_clear()
