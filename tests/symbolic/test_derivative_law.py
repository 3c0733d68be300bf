"""The law of D²: atoms and moments against the definition, and S against both."""

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp

from freejac.symbolic.activation import activation
from freejac.symbolic.derivative_law import (
    AtomicLaw,
    MomentLaw,
    bernoulli,
    derivative_law,
    general_law,
    point_mass,
    s_series_from_moments,
)
from freejac.symbolic.errors import DomainError, NoClosedForm
from freejac.symbolic.quadrature import gaussian_mean
from freejac.symbolic.series import from_expr, lagrange_moments
from freejac.symbolic.symbols import mu1, mu2, p, q, z

PROBABILITY = st.fractions(min_value=sp.Rational(1, 20), max_value=1, max_denominator=20).map(
    lambda f: sp.Rational(f.numerator, f.denominator)
)


@pytest.mark.parametrize(
    "name", ["relu", "hard_tanh", "leaky_relu(3/10)", "linear", "where(x<-1, 2*x+1, min(x, 3))"]
)
@pytest.mark.parametrize("variance", [sp.Rational(1, 3), sp.Integer(2)])
def test_atoms_have_the_moments_of_the_definition(name, variance):
    law = derivative_law(name)
    slope = activation(name).distribution(1)
    assert isinstance(law, AtomicLaw)
    assert sp.simplify(sum(mass for _, mass in law.atoms())) == 1
    for k in (1, 2, 3):
        oracle = gaussian_mean(slope ** (2 * k), variance, 25)
        assert abs(law.moment(k).subs(q, variance).evalf(25) - sp.Float(oracle, 25)) < 1e-20


@pytest.mark.parametrize("name", ["tanh", "erf", "softplus", "elu(1/2)"])
def test_moments_of_other_activations(name):
    law = derivative_law(name)
    assert isinstance(law, MomentLaw)
    for k in (1, 2):
        oracle = gaussian_mean(activation(name).distribution(1) ** (2 * k), sp.Rational(3, 2), 20)
        assert abs(law.moment(k).subs(q, sp.Rational(3, 2)).evalf(20) - sp.Float(oracle)) < 1e-14
    with pytest.raises(NoClosedForm, match="atoms"):
        _ = law.s_transform


def test_known_probabilities():
    """Seed problem set 4, 3(f) and 3(g): 1/2 for ReLU, erf(1/√(2q)) for hard tanh."""
    assert derivative_law("relu").atoms() == ((0, sp.Rational(1, 2)), (1, sp.Rational(1, 2)))
    assert sp.simplify(derivative_law("hard_tanh").moment(1) - sp.erf(1 / sp.sqrt(2 * q))) == 0
    a = sp.Symbol("a", real=True)
    assert set(derivative_law("leaky_relu(a)").atoms()) == {(a**2, sp.S.Half), (1, sp.S.Half)}


@settings(max_examples=25, deadline=None)
@given(PROBABILITY, st.integers(1, 5))
def test_bernoulli(probability, value):
    law = bernoulli(probability, value)
    grid = np.linspace(-3, -1, 5)
    for point in grid:  # M(z) = E[D²/(z − D²)] at points outside the support
        direct = float(probability) * value / (point - value)
        assert float(law.mgf.subs(z, sp.Float(point))) == pytest.approx(direct, rel=1e-12, abs=0.0)
    for k in range(1, 5):
        assert sp.simplify(lagrange_moments(law.s_transform, k) - probability * value**k) == 0
    assert from_expr(law.s_transform, z, 4).coefficients == law.s_series(4).coefficients


def test_bernoulli_transforms_of_the_seed():
    """Seed problem set 4, 3(e)."""
    law = bernoulli()
    assert sp.cancel(law.stieltjes - ((1 - p) / z + p / (z - 1))) == 0
    assert sp.cancel(law.inverse_mgf - (p / z + 1)) == 0
    assert sp.cancel(law.s_transform - (z + 1) / (z + p)) == 0
    assert point_mass().s_transform == 1


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=4, max_size=4, unique=True))
def test_moments_and_s_round_trip(moments):
    exact = tuple(sp.Integer(m) for m in moments)
    series = s_series_from_moments(exact)
    for k in range(1, 5):
        assert sp.simplify(lagrange_moments(series, k) - exact[k - 1]) == 0


def test_general_law():
    assert (general_law().moment(1), general_law().moment(2)) == (mu1, mu2)
    assert lagrange_moments(general_law().s_series(3), 3) == sp.Symbol("mu_3", positive=True)


def test_two_atoms_agree_with_their_series():
    law = derivative_law("leaky_relu(3/10)")
    assert from_expr(law.s_transform, z, 4).coefficients == law.s_series(4).coefficients


def test_moment_law_series_is_numeric_at_a_point():
    """μ_k of tanh at q = 1 by quadrature, S by hand: S = 1/μ_1 + (1/μ_1 − μ_2/μ_1³) z + …."""
    law = derivative_law("tanh")
    slope = activation("tanh").distribution(1)
    with mp.workdps(20):
        m1, m2 = (gaussian_mean(slope ** (2 * k), 1, 20) for k in (1, 2))
        found = [c.subs(q, 1).evalf(18) for c in law.s_series(2).coefficients]
        assert abs(found[0] - 1 / m1) < 1e-15
        assert abs(found[1] - (1 / m1 - m2 / m1**3)) < 1e-15


@pytest.mark.parametrize(
    "make",
    [
        lambda: bernoulli(0),
        lambda: bernoulli(sp.Rational(3, 2)),
        lambda: bernoulli(sp.nan),
        lambda: bernoulli(sp.Rational(1, 2), -1),
        lambda: bernoulli(sp.Rational(1, 2), sp.oo),
        lambda: AtomicLaw("half", ((1, sp.Rational(1, 2)),)),
        lambda: derivative_law("0*x + 1"),
        lambda: derivative_law("sign(x)"),
        lambda: s_series_from_moments((sp.S.Zero, sp.S.One)),
    ],
)
def test_what_is_not_a_law_is_refused(make):
    with pytest.raises(DomainError):
        make()
