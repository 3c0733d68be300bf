"""Sound forms in double precision against quadrature of the definition."""

from __future__ import annotations

import math

import pytest
import sympy as sp

import freejac as fj
from freejac.codegen.fitted import fitted
from freejac.codegen.horner import Horner
from freejac.codegen.mean_values import MeanValues
from freejac.codegen.quotient import Quotient
from freejac.codegen.rounding import least_rounding
from freejac.codegen.sound import sound_form, soundly
from freejac.symbolic.expectation import as_function, expect
from freejac.symbolic.mean_curve import MeanCurve
from freejac.symbolic.quadrature import gaussian_mean
from freejac.symbolic.symbols import q

POINTS = [1e-12, 2e-3, 0.0999, 0.1, 25.0, 400.0, 1e3, 1.01e3, 1e12]
CASES = [
    ("elu(1)", lambda phi: phi.function**2),
    ("elu(1)", lambda phi: phi.distribution(1) ** 2),
    ("elu(3)", lambda phi: phi.function),
    ("hard_tanh", lambda phi: phi.function**2),
    ("hard_swish", lambda phi: phi.distribution(1) ** 4),
    ("gelu", lambda phi: phi.distribution(1) ** 2),
    ("erf", lambda phi: phi.function**2),
]


@pytest.mark.parametrize("case", range(len(CASES)))
def test_doubles_keep_their_accuracy(case):
    text, integrand = CASES[case]
    definition = integrand(fj.activation(text))
    form = sound_form(definition)
    assert (form.low, form.high) == (sp.Rational(1, 10**12), 10**12)
    kernel = fj.compile(form.expr, [q])
    for variance in POINTS:
        reference = gaussian_mean(definition, variance, 20)
        assert abs(kernel(variance) / reference - 1) < 1e-15, variance


def test_a_zero_of_the_mean_is_no_cancellation():
    # E[φ′² + φφ″] of x exp(−x²/2) is a product: (1 − q)/(1 + 2q)^{5/2}.
    f = fj.parse("x*exp(-x**2/2)")
    parallel = sp.diff(f**2, fj.x, 2) / 2
    form = sound_form(parallel)
    assert not form.expr.has(sp.Piecewise)
    kernel = fj.compile(form.expr, [q])
    for variance in (0.5, math.nextafter(1.0, 2.0), 1.25, 1e12):
        exact = gaussian_mean(as_function(parallel), variance, 20)
        assert abs(kernel(variance) / exact - 1) < 1e-15, variance
    assert kernel(1.0) == 0.0


@pytest.mark.parametrize("alpha", [1.0, 1.0 + 2.0**-40, 1.5])
def test_where_the_limit_vanishes_at_a_parameter_the_mean_does_not_cancel(alpha):
    # E[φ] = (1 − α) √(q/2π) + α q/4 + …: 10⁻⁶ of either part at α = 1, q = 10⁻¹².
    phi = fj.activation("elu")
    form = sound_form(phi.function)
    kernel = fj.compile(form.expr, [q, *phi.parameters])
    curve = MeanCurve([(phi.function, 1)], dict.fromkeys(phi.parameters, alpha), 40)
    for variance in (1e-12, 1e-4, 0.3, 1.99, 5.01, 1e12):
        (exact,), (moved,) = curve(variance), curve(variance * (1 + 2.0**-26))
        condition = 1 + abs((moved / exact - 1) * 2**26)
        assert abs(kernel(variance, alpha) / exact - 1) < 1e-15 * condition, variance


@pytest.mark.parametrize(
    ("text", "least", "bound"),
    [
        pytest.param("shifted_relu", 1.9e-4, 8e-16, marks=pytest.mark.slow),
        # two kinks, and the nearer one alone at small q
        ("max(abs(x) - 1, 0) + max(x - 2, 0)", 7.6e-4, 1e-15),
        # two kinks that cancel from where q is the difference of their squares on
        ("clip(x, -1, 2)", 7.6e-4, 1e-15),
        ("clip(x, -1, 1 + 1/10**7)", 7.6e-4, 1e-15),
    ],
)
def test_a_mean_below_every_power_of_q_keeps_its_digits(text, least, bound):
    # The mean of max(x, −1/2) is about e^{−1/8q}, down to the least double.
    definition = fj.activation(text).function
    form = sound_form(definition)
    assert (form.low, form.high) == (sp.Rational(1, 10**12), 10**12)
    kernel = fj.compile(form.expr, [q])
    means = MeanValues([(definition, 1)], 40, relative=[True])
    for variance in (least, 0.01, 0.3, 1.02, 2.0, 1e12):
        assert abs(kernel(variance) / means(variance)[0] - 1) < bound, variance
    assert kernel(1e-5) == 0
    assert abs(means(1e-5)[0]) < 1e-300


def test_a_mean_that_changes_its_sign_keeps_its_digits_up_to_the_zero():
    # The mean of selu vanishes at 1 + 1.4e-31.
    definition = fj.activation("selu").function
    form = least_rounding(definition, expect(definition), 0, 1)
    kernel = fj.compile(form, [q])
    means = MeanValues([(definition, 1)], 40, relative=[True])
    for variance in (0.2, 0.483, math.nextafter(1.0, 0.0), 1.0, 25.0, 1e12):
        assert abs(kernel(variance) / means(variance)[0] - 1) < 1e-15, variance


def test_what_no_series_helps_a_polynomial_does():
    # E[x² e^{−|x|}] cancels from q = 1 on, and its series at infinity diverges too early to help.
    definition = fj.activation("x**2*exp(-abs(x))").function
    form = sound_form(definition)
    assert (form.low, form.high) == (sp.Rational(1, 10**12), 10**12)
    kernel = fj.compile(form.expr, [q])
    for variance in (1e-12, 0.19, 0.21, 5.0, 30.0, 1e6, 1e12):
        reference = gaussian_mean(definition, variance, 20)
        assert abs(kernel(variance) / reference - 1) < 2e-15, variance


def test_factors_of_powers_of_parameters_are_made_sound_one_by_one():
    # E[φ²] = q/2 + α² F(q), and F cancels at small q.
    definition = as_function("where(x > 0, x, alpha*(exp(x) - 1))**2")
    form = soundly(definition, expect(definition))
    (part,) = form.expr.atoms(Quotient)
    assert part.free_symbols == {q}
    (alpha,) = form.expr.free_symbols - {q}
    assert (form.expr - q / 2).subs(q, 100).coeff(alpha, 2).evalf(20) > 0.4


def test_the_textbook_form_fails_where_the_sound_one_does_not():
    # E[φ′²] of ELU: e^{2q}(1 − erf(√(2q)))/2 + 1/2, evaluated as it stands.
    def textbook(v):
        return math.exp(2 * v) * (1 - math.erf(math.sqrt(2 * v))) / 2 + 0.5

    slope = fj.activation("elu(1)").distribution(1)
    kernel = fj.compile(sound_form(slope**2).expr, [q])
    exact = float(gaussian_mean(slope**2, 25, 20))
    assert abs(textbook(25) / exact - 1) > 0.01
    with pytest.raises(OverflowError):
        textbook(400)
    assert abs(kernel(25.0) / exact - 1) < 1e-15
    assert abs(kernel(400.0) / float(gaussian_mean(slope**2, 400, 20)) - 1) < 1e-15


def test_the_polynomial_is_that_of_the_definition():
    form = sound_form("clip(x, -1, 1)**2")
    large = form.expr.args[1].expr.replace(Horner, lambda *a: Horner(*a).rewrite(sp.Add))
    # E[φ²] = 1 − (4/3) (2πq)^{−1/2} + …
    at = sp.Float("1e24", 40)
    assert abs((1 - large.subs(q, at).evalf(40)) * sp.sqrt(2 * sp.pi * at) * 3 / 4 - 1) < 1e-3


def test_a_polynomial_takes_over_where_two_bits_are_lost():
    form = sound_form("clip(x, -1, 1)**2")
    (closed, below), _ = form.expr.args
    terms = sp.Add.make_args(closed)
    for variance in (below.rhs / 100, below.rhs):
        sizes = [abs(term.subs(q, variance).evalf(30)) for term in terms]
        assert sum(sizes) <= 4 * abs(closed.subs(q, variance).evalf(30))
    assert sum(abs(t.subs(q, 100).evalf(30)) for t in terms) > 4 * closed.subs(q, 100).evalf(30)


def test_what_is_no_power_in_the_limit_is_not_fitted():
    assert fitted(sp.exp(-1 / q), 0, sp.S.One) is None
    assert fitted(sp.log(1 + q), sp.oo, sp.S.One) is None
    assert fitted(sp.sin(100 * q), 0, sp.S.One) is None


def test_horner_is_the_polynomial():
    u = sp.Symbol("u", real=True)
    polynomial = Horner(u, 1, sp.Rational(1, 3), 0, 2)
    assert sp.expand(polynomial.rewrite(sp.Add) - (1 + u / 3 + 2 * u**3)) == 0
    assert polynomial.subs(u, 2).evalf(20) == sp.Float(17 + sp.Rational(2, 3), 20)
    assert sp.lambdify(u, polynomial, "mpmath")(2) == sp.lambdify(u, 1 + u / 3 + 2 * u**3)(2)
