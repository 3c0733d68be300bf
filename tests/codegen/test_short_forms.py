"""Quotients that stand for closed forms: as good as doubles, and only where they cost less."""

import math

import mpmath
import numpy as np
import pytest
import sympy as sp
from numba import njit

import freejac as fj
from freejac.codegen.kernel_block import select_block
from freejac.codegen.operations import cost
from freejac.codegen.quotient import Quotient
from freejac.codegen.short_forms import short_form
from freejac.codegen.sound import sound_form, soundly
from freejac.symbolic.expectation import as_function, expect
from freejac.symbolic.functions import Phi
from freejac.symbolic.quadrature import gaussian_mean
from freejac.symbolic.symbols import q, x

ALL = [sp.Rational(10) ** k for k in (-12, -7, -3, -1, 0, 2, 5, 12)]


def value(form, variance):
    with mpmath.mp.workdps(40):
        return mpmath.mpf(sp.lambdify(q, form, "mpmath")(mpmath.mpf(variance.p) / variance.q))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("where(x > 0, x, exp(x) - 1)**2", "rational in √q"),
        ("clip(x, -1, 1)**2", "rational in √q"),
        ("where(abs(x) < 2, 1, 0)", "rational in q"),
        ("max(x, -1/2)**2", "rational in √q"),
        ("(x*Phi(x))**2", "rational in √(2q + 1)"),
        ("erf(x)**2", "rational in √(4q + 1)"),
    ],
)
def test_a_quotient_is_that_of_the_definition(text, words):
    definition = as_function(text)
    form = soundly(definition, expect(definition)).expr
    (part,) = form.atoms(Quotient)
    assert part.words.startswith(f"{words}, ")
    assert not sound_form(definition).expr.has(Quotient)  # what is asked for by name stays exact
    onsets = [sp.Rational(c.rhs) for c in form.atoms(sp.StrictLessThan)]
    around = [onset * (1 + side * sp.Rational(1, 10**9)) for onset in onsets for side in (-1, 1)]
    for variance in (*ALL, *around):
        exact = gaussian_mean(definition, variance, 30)
        assert abs(value(form, variance) / exact - 1) < 6e-17, variance


def test_sums_need_the_square_of_a_root_alone():
    # Neither polynomial loses anything to cancellation in the root itself, which is 1 or more.
    for power in (fj.activation("gelu").function ** 2, fj.activation("gelu").distribution(1) ** 2):
        (part,) = short_form(expect(power)).atoms(Quotient)
        assert part.args[0].is_Pow
        for side in (part.above, part.below):
            assert sum(map(abs, side)) < (1 + sp.Rational(1, 100)) * sum(side)


def test_no_form_where_the_closed_one_costs_less():
    for name, power in (("erf", 2), ("relu", 2), ("sin", 2)):
        assert short_form(expect(fj.activation(name).distribution(1) ** power)) is None


def test_sums_beside_a_root_do_not_hold_the_rounding_of_what_is_under_it():
    # They are in q itself; a quotient in 1 + 4q that is added to nothing had 6 ULP at large q.
    definition = as_function("erf(x)**2")
    form = soundly(definition, expect(definition)).expr
    block = select_block(form, ["q"])
    assert not any("sum_1 *" in line or "* sum_1" in line for line in block.lines)
    names = {"math": math}
    body = "\n    ".join([*block.lines, f"return {block.result}"])
    exec(f"def kernel(q):\n    {body}", names)  # text of ours
    kernel = njit(error_model="numpy", fastmath={"contract"})(names["kernel"])
    for variance in 10 ** np.random.default_rng(3).uniform(0, 12, 200):
        exact = value(form, sp.Rational(float(variance)))
        assert abs(kernel(variance) - exact) <= 4 * math.ulp(exact)


@pytest.mark.parametrize("text", ["x*exp(x) - 1", "clip(x, -1, 100)**2", "where(x > 1, x**2, 0)"])
def test_no_form_of_what_changes_its_sign_or_bends_too_often_or_begins_at_nothing(text):
    assert short_form(expect(text)) is None


def test_what_a_form_costs():
    tail = cost([], "_erfcx_right(q)")
    assert cost(["a = _erfcx_right(q)"], "a * _erfcx_right(a)") == 2 * tail + 0.5
    assert cost([], "1.0 / q") < tail < cost([], "math.erf(q)")
    assert not short_form(Phi(1 / sp.sqrt(q)) + x)


def test_the_square_of_a_root_is_what_is_under_it():
    for text in ("where(x > 0, x, exp(x) - 1)**2", "where(x > 1, x - 1, 0)"):
        form = soundly(as_function(text), expect(text)).expr
        lines = select_block(form, ["q"]).lines
        assert any("math.sqrt(q)" in line for line in lines)
        assert not any("root_1**2" in line for line in lines)
