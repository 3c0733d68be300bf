"""The generalised Lambert function: equation, branch, derivatives, relation to r-Lambert."""

from itertools import pairwise

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from freejac.symbolic.errors import DomainError
from freejac.symbolic.lambert import GeneralizedLambertW

POINTS = [2 + 3 * sp.I, -3 + sp.I / 10**8, sp.I / 10**20, 7 - 2 * sp.I, sp.Integer(-5)]


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize(("t", "s"), [(-1, 1), (0, 3), (-2, sp.Rational(-19, 10)), (-30, 30)])
def test_it_solves_its_equation_to_forty_digits(t, s, point):
    """eˣ (x − t)/(x − s) = z, and the r-Lambert form v eᵛ + r v = r(s − t)·…, v = x − t."""
    found = GeneralizedLambertW(t, s, point).evalf(90)
    assert abs((sp.exp(found) * (found - t) / (found - s) / point - 1).evalf(60)) < 1e-40
    v, r = found - t, -point * sp.exp(-t)
    assert abs(((v * sp.exp(v) + r * v) / (r * (s - t)) - 1).evalf(60)) < 1e-40


def test_values_at_zero_and_infinity():
    t, s = sp.symbols("t s")
    assert GeneralizedLambertW(t, s, 0) == t
    assert GeneralizedLambertW(t, s, sp.oo) == s
    near = GeneralizedLambertW(-1, 2, sp.Integer(10) ** 30).evalf(20)
    assert abs(near - 2) < 1e-25


def test_the_branch_is_continuous_around_the_cut():
    """Along a circle through the cut it jumps by conjugation, and nowhere else."""
    values = [
        GeneralizedLambertW(-1, 1, 2 * sp.exp(2 * sp.pi * sp.I * k / 32).evalf(20)).evalf(15)
        for k in range(1, 32)
    ]
    steps = [abs(after - before) for before, after in pairwise(values)]
    assert max(steps) < 0.5
    assert abs(values[0] - sp.conjugate(values[-1])) < 1e-12
    on_the_cut = GeneralizedLambertW(-1, 1, 2).evalf(15)
    assert abs(on_the_cut - values[0]) < 0.3
    assert sp.im(on_the_cut) < -0.5


@settings(max_examples=3, deadline=None)
@given(st.floats(-3, 3), st.floats(0.1, 5), st.floats(-4, 4), st.floats(0.2, 4))
def test_derivatives_are_difference_quotients(t, gap, real, imaginary):
    names = sp.symbols("t s z")
    values = [sp.Rational(t), sp.Rational(t) + sp.Rational(gap)]
    values.append(sp.Rational(real) + sp.I * sp.Rational(imaginary))
    function, step = GeneralizedLambertW(*names), sp.Rational(1, 10**12)
    for place, name in enumerate(names):
        exact = function.diff(name).subs(dict(zip(names, values, strict=True))).evalf(20)
        moved = [value + (step if k == place else 0) for k, value in enumerate(values)]
        change = (GeneralizedLambertW(*moved) - GeneralizedLambertW(*values)).evalf(40)
        assert abs(change / step - exact) < 1e-8 * (1 + abs(exact))


def test_latex_and_refusals():
    t, s, z = sp.symbols("t s z")
    assert sp.latex(GeneralizedLambertW(t, s, z) ** 2) == r"W^{2}\left(t; s; z\right)"
    with pytest.raises(DomainError, match="t < s"):
        GeneralizedLambertW(1, -1, 2).evalf()
    assert GeneralizedLambertW(t, 1, 2).evalf() == GeneralizedLambertW(t, 1, 2)
