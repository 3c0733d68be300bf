"""Phi, sigmoid and softplus against their definitions, integrated or summed by mpmath."""

import math
import pickle

import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from freejac.symbolic.functions import Phi, sigmoid, softplus
from freejac.symbolic.symbols import x

ALL = [Phi, sigmoid, softplus]
POINTS = [
    sp.Integer(-40),
    sp.Rational(-31, 3),
    -sp.sqrt(2),
    sp.Rational(1, 7),
    sp.pi,
    sp.Integer(9),
]


def normal_tail(size):
    """∫ of the normal density beyond size ≥ 0, by quadrature on the scale on which it decays."""
    scale = 1 / max(1, size)
    nodes = [0, *(scale * 2**k for k in range(7)), 150 * scale]
    bulk = mpmath.quad(lambda v: mpmath.exp(-v * size - v * v / 2), nodes)
    return mpmath.npdf(size) * bulk


def definition(function, at):
    """The value from the definition alone: an integral of the density, or exponentials."""
    if function is Phi:
        return normal_tail(-at) if at < 0 else 1 - normal_tail(at)
    if function is sigmoid:
        return mpmath.exp(at) / (1 + mpmath.exp(at))
    return mpmath.log(1 + mpmath.exp(at))


@pytest.mark.parametrize("function", ALL)
@pytest.mark.parametrize("point", POINTS, ids=str)
@pytest.mark.parametrize("digits", [20, 50])
def test_value_agrees_with_the_definition(function, point, digits):
    with mpmath.workdps(digits + 20):
        expected = definition(function, mpmath.mpmathify(point.evalf(digits + 20)))
        found = mpmath.mpmathify(function(point).evalf(digits))
        assert abs(found / expected - 1) < mpmath.mpf(10) ** (1 - digits)


def test_tails_keep_every_digit_of_an_irrational_argument():
    with mpmath.workdps(120):
        expected = mpmath.erfc(mpmath.mpf(40)) / 2
        found = mpmath.mpmathify(Phi(-40 * sp.sqrt(2)).evalf(50))
        assert abs(found / expected - 1) < mpmath.mpf(10) ** -49


@pytest.mark.parametrize(
    ("function", "at_zero", "above"),
    [(Phi, sp.S.Half, 1), (sigmoid, sp.S.Half, 1), (softplus, sp.log(2), sp.oo)],
)
def test_special_values_are_exact(function, at_zero, above):
    assert function(0) == at_zero
    assert function(sp.oo) == above
    assert function(-sp.oo) == 0
    assert function(sp.nan) is sp.nan
    assert sp.limit(function(x), x, sp.oo) == above
    assert sp.limit(function(x), x, -sp.oo) == 0


@pytest.mark.parametrize("function", ALL)
@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_derivatives_agree_with_differences_of_the_definition(function, order):
    derivative = sp.diff(function(x), x, order)
    for point in (sp.Rational(-7, 3), sp.Rational(5, 4)):
        with mpmath.workdps(60):
            at = mpmath.mpf(point.p) / point.q
            closed = {
                Phi: mpmath.ncdf,
                sigmoid: lambda t: 1 / (1 + mpmath.exp(-t)),
                softplus: lambda t: mpmath.log1p(mpmath.exp(t)),
            }[function]
            expected = mpmath.diff(closed, at, order)
            found = mpmath.mpmathify(derivative.subs(x, point).evalf(40))
            assert abs(found / expected - 1) < mpmath.mpf(10) ** -25


def test_derivatives_stay_in_the_same_functions():
    assert sigmoid(x).diff(x) == sigmoid(x) * sigmoid(-x)
    assert softplus(2 * x).diff(x) == 2 * sigmoid(2 * x)
    assert sigmoid(x).diff(x, 4).atoms(sp.Function) == {sigmoid(x), sigmoid(-x)}
    with pytest.raises(sp.core.function.ArgumentIndexError):
        Phi(x).fdiff(2)


@pytest.mark.parametrize("function", ALL)
def test_assumptions(function):
    complex_symbol = sp.Symbol("w")
    assert function(x).is_real
    assert function(x).is_positive
    assert function(x).is_finite
    assert function(complex_symbol).is_real is None
    assert function(complex_symbol).is_positive is None
    assert sp.conjugate(function(x)) == function(x)


def test_conjugate_of_a_complex_argument():
    w = sp.Symbol("w")
    assert sp.conjugate(Phi(w)) == Phi(sp.conjugate(w))
    assert sp.conjugate(sigmoid(w)) == sigmoid(sp.conjugate(w))
    assert isinstance(sp.conjugate(softplus(w)), sp.conjugate)


@pytest.mark.parametrize("function", [Phi, sigmoid])
def test_complex_values(function):
    point = sp.Rational(1, 3) + sp.I / 2
    form = sp.erf if function is Phi else sp.exp
    difference = function(point).evalf(30) - function(point).rewrite(form).evalf(30)
    assert abs(difference) < 1e-28


@pytest.mark.parametrize(
    ("function", "form"),
    [(Phi, sp.erf), (Phi, sp.erfc), (sigmoid, sp.exp), (sigmoid, sp.tanh), (softplus, sp.log)],
)
@given(point=st.fractions(min_value=-8, max_value=8, max_denominator=50))
@settings(max_examples=25, deadline=None)
def test_rewriting_keeps_the_value(function, form, point):
    at = sp.Rational(point.numerator, point.denominator)
    rewritten = function(x).rewrite(form)
    assert not rewritten.has(function)
    assert abs(rewritten.subs(x, at).evalf(40) - function(at).evalf(40)) < 1e-35


@pytest.mark.parametrize(
    ("function", "latex"),
    [(Phi, r"\Phi"), (sigmoid, r"\operatorname{sigmoid}"), (softplus, r"\operatorname{softplus}")],
)
def test_latex(function, latex):
    assert sp.latex(function(x)) == rf"{latex}\left(x \right)"
    assert sp.latex(function(x) ** 2) == rf"{latex}^{{2}}\left(x \right)"


@pytest.mark.parametrize("function", ALL)
def test_compiled_to_mpmath(function):
    compiled = sp.lambdify(x, function(x) ** 2, "mpmath")
    with mpmath.workdps(60):
        at = mpmath.mpf(-12)
        assert abs(compiled(at) / definition(function, at) ** 2 - 1) < mpmath.mpf(10) ** -50


@pytest.mark.parametrize("function", ALL)
@pytest.mark.parametrize("at", [-700.0, -37.5, -1.0, 0.0, 2.5, 710.0])
@pytest.mark.parametrize("module", ["math", "numpy"])
def test_compiled_to_doubles(function, at, module):
    if function is Phi and module == "numpy":
        pytest.importorskip("scipy")
    found = sp.lambdify(x, function(x), module)(at)
    with mpmath.workdps(40):
        expected = float(mpmath.mpmathify(function(sp.Float(at, 40)).evalf(30)))
    assert math.isclose(found, expected, rel_tol=1e-12)


def test_compiled_to_arrays():
    at = np.linspace(-50, 50, 11)
    found = sp.lambdify(x, softplus(x) - sigmoid(x), "numpy")(at)
    assert found.shape == at.shape
    assert np.all(np.isfinite(found))


@pytest.mark.parametrize("function", ALL)
def test_pickles_and_series(function):
    assert pickle.loads(pickle.dumps(function(x + 1))) == function(x + 1)
    series = sp.series(function(x), x, 0, 3).removeO()
    assert series.subs(x, 0) == function(0)
    assert series.diff(x).subs(x, 0) == function(x).diff(x).subs(x, 0)


@pytest.mark.parametrize("function", ALL)
def test_evalf_leaves_symbols_alone(function):
    assert function(x + sp.Rational(1, 3)).evalf().has(function)


def test_the_normal_distribution_has_series_in_both_tails():
    t = sp.Symbol("t", positive=True)
    # Abramowitz & Stegun 26.2.12: 1 − Φ(u) ~ φ(u)(1/u − 1/u³ + …)
    tail = sp.exp(-1 / (2 * t**2)) * (t - t**3) / sp.sqrt(2 * sp.pi)
    assert sp.expand(Phi(1 / t).series(t, 0, 4).removeO() - (1 - tail)) == 0
    assert sp.expand(Phi(-1 / t).series(t, 0, 4).removeO() - tail) == 0
