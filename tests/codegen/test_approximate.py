"""Approximated means: right to the last bits everywhere, at their limits, and at their zeros."""

from __future__ import annotations

import math
from collections.abc import Callable

import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from freejac.codegen.activation_modules import activation_module
from freejac.codegen.approximate import approximate
from freejac.codegen.load import load_text
from freejac.codegen.rational_form import RationalForm
from freejac.codegen.record import KernelRecord, ModuleRecord
from freejac.codegen.render import render
from freejac.codegen.resolution import sees
from freejac.codegen.spec import Argument, Base, Mean, Module
from freejac.codegen.table_form import TableForm
from freejac.symbolic.activation import activation
from freejac.symbolic.asymptotics import mean_series
from freejac.symbolic.parsing import parse
from freejac.symbolic.piecewise import PiecewiseFunction, decompose
from freejac.symbolic.quadrature import gaussian_mean

FULL = ("1e-12", "1e12")
Q = Argument("q", "variance", *FULL)


def kernel_of(
    f: PiecewiseFunction, power: int, form: RationalForm | TableForm
) -> Callable[[object], np.ndarray]:
    """The form as a compiled kernel."""
    module = Module(
        name="tried",
        title="A mean.",
        template="activation.py.jinja",
        kernels=(Mean("value", "E[f(h)]", "_f", power, None),),
        tolerance=1e-13,
        source="a test",
        variable=Q,
        bases=(Base("_f", "Return f(x).", f),),
    )
    record = ModuleRecord(kernels={"value": KernelRecord(domain=FULL, form=form)})
    return load_text(render(module, record)).value


class Approximated:
    """A mean E[f(h)ⁿ], its form and its kernel."""

    def __init__(self, text: str, power: int = 1) -> None:
        self.function, self.power = decompose(parse(text)), power
        (form,) = approximate([(self.function, power)])
        assert form is not None
        self.form = form
        self.kernel = kernel_of(self.function, power, form)

    @property
    def integrand(self) -> PiecewiseFunction:
        return self.function if self.power == 1 else self.function**self.power

    def error(self, q: float) -> float:
        """Relative error at a double, against 50-digit quadrature of the definition."""
        exact = gaussian_mean(self.integrand, sp.Rational(q), 50)
        with mpmath.workdps(60):
            return abs(float(mpmath.mpf(float(self.kernel(q))) / exact - 1))


@pytest.fixture(scope="module")
def tanh() -> Approximated:
    return Approximated("tanh(x)", 2)


@pytest.fixture(scope="module")
def slope() -> Approximated:
    """E[φ′² + φφ″] of tanh: at large q of the size q^(−3/2), while its parts are q^(−1/2)."""
    return Approximated("(1 - tanh(x)**2)**2 - 2*tanh(x)**2*(1 - tanh(x)**2)")


@pytest.fixture(scope="module")
def crossing() -> Approximated:
    """A mean with a zero: tanh above 0, x/3 below."""
    return Approximated("where(x > 0, tanh(x), x/3)")


VARIANCES = st.floats(math.log(1e-12), math.log(1e12)).map(
    lambda u: min(max(math.exp(u), 1e-12), 1e12)
)


@settings(max_examples=25, deadline=None)
@given(q=VARIANCES)
def test_a_mean_is_right_to_the_last_bits(tanh: Approximated, q: float) -> None:
    assert tanh.error(q) < 1.5e-15


@settings(max_examples=15, deadline=None)
@given(q=VARIANCES)
def test_a_mean_that_cancels_keeps_its_relative_accuracy(slope: Approximated, q: float) -> None:
    assert slope.error(q) < 2e-15


def test_limits_are_those_of_the_exact_series(tanh: Approximated, slope: Approximated) -> None:
    for mean in (tanh, slope):
        for at, q in ((0, 1e-12), (sp.oo, 1e12)):
            series = mean_series(mean.integrand, at, 8).truncated()
            (symbol,) = series.free_symbols or {sp.Symbol("q", positive=True)}
            expected = float(series.subs(symbol, sp.Rational(q)).evalf(40))
            assert float(mean.kernel(q)) == pytest.approx(expected, rel=5e-16, abs=0.0)


def test_the_exponents_are_those_of_the_series(tanh: Approximated) -> None:
    # E[tanh²] ~ q and → 1: P and Q differ in degree by that of the factor q.
    assert isinstance(tanh.form, RationalForm)
    assert tanh.form.lead == 2
    assert len(tanh.form.below) - len(tanh.form.above) == 2
    assert all(float(c) > 0 for c in (*tanh.form.above, *tanh.form.below))


def test_a_growing_mean_grows(tanh: Approximated) -> None:
    values = tanh.kernel(np.geomspace(1e-12, 1e12, 4001))
    assert (np.diff(values) > 0).all()
    assert values[-1] < 1.0


def test_a_zero_is_kept_to_the_last_bits(crossing: Approximated) -> None:
    assert isinstance(crossing.form, RationalForm)
    ((high, low),) = crossing.form.zeros
    zero = float(high)
    with mpmath.workdps(40):
        exact = mpmath.mpf(zero) + float(low)
        assert abs(gaussian_mean(crossing.integrand, exact, 40)) < 1e-30
    for q in (math.nextafter(zero, 0.0), zero, math.nextafter(zero, 9.0), 0.9 * zero, 1.1 * zero):
        assert crossing.error(q) < 2e-15


def test_an_odd_function_has_the_mean_0() -> None:
    (form,) = approximate([(decompose(parse("sin(x)*exp(-x**2)")), 1)])
    assert form == RationalForm(0, (), ("0.0",), ("1.0",))


def test_outside_the_domain_it_is_nan_without_a_warning(tanh: Approximated) -> None:
    with np.errstate(all="raise", under="ignore"):
        assert np.isnan(tanh.kernel([-1.0, 0.0, 9e-13, 1.1e12, 1e300, math.inf])).all()
    with np.errstate(invalid="ignore"):  # a comparison with nan is invalid to the processor
        assert np.isnan(tanh.kernel(math.nan))


def test_what_is_infinite_or_beyond_every_power_has_no_approximation() -> None:
    growing, beyond = decompose(parse("exp(x)")), decompose(parse("tanh(max(0, x - 1))"))
    assert approximate([(growing, 2), (beyond, 2)]) == [None, None]


def test_what_cancels_far_out_is_seen() -> None:
    # e²ˣ/(1 + eˣ)² − eˣ/(1 + eˣ) at x = 10⁶, on a panel as wide
    assert sees(activation_module(activation("log(1 + exp(x)) - log(2)")).base("_parallel"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "power"),
    [
        ("tanh(1000*x)", 2),
        ("tanh(x) + tanh(100*x)/10", 2),
        ("sin(x)*exp(-x**2/9)*tanh(x)", 1),
        ("log(1 + x**2)", 1),
        ("atan(x)", 2),
        ("where(x > 1, tanh(x), x*tanh(1))", 2),
    ],
)
def test_hostile_functions(text: str, power: int) -> None:
    # Sharp, on two scales, kinked, oscillating, with logarithms at infinity, kinked away from 0.
    mean = Approximated(text, power)
    points = 10.0 ** np.linspace(-12, 12, 25)
    assert max(mean.error(float(q)) for q in np.clip(points, 1e-12, 1e12)) < 1e-14
