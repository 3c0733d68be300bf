"""Series: ring laws, composition, Lagrange inversion, on random exact coefficients."""

import math

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from freejac.symbolic.errors import DomainError
from freejac.symbolic.long_sums import long_sum
from freejac.symbolic.series import (
    Series,
    from_expr,
    lagrange_moment_list,
    lagrange_moments,
    readable,
)
from freejac.symbolic.symbols import depth, p, sigma_w, z

RATIONALS = st.fractions(min_value=-4, max_value=4, max_denominator=6).map(
    lambda f: sp.Rational(f.numerator, f.denominator)
)
TERMS = 5


def series(valuation=0, nonzero=False):
    first = RATIONALS.filter(bool) if nonzero else RATIONALS
    rest = st.lists(RATIONALS, min_size=TERMS - 1, max_size=TERMS - 1)
    return st.tuples(first, rest).map(lambda t: Series.of([t[0], *t[1]], valuation))


def agree(a, b, least):
    """Equal in every term both know, and both know at least `least` orders."""
    high = min(a.order, b.order)
    assert high >= least
    low = min(a.valuation, b.valuation)
    for n in range(low, high):
        assert sp.simplify(a.coefficient(n) - b.coefficient(n)) == 0


@settings(max_examples=40, deadline=None)
@given(series(), series(), series())
def test_ring_laws(a, b, c):
    agree(a + b, b + a, TERMS)
    agree((a + b) + c, a + (b + c), TERMS)
    agree(a * b, b * a, TERMS)
    agree((a * b) * c, a * (b * c), TERMS)
    agree(a * (b + c), a * b + a * c, TERMS)
    agree(a - a, Series(sp.S.Zero, TERMS, ()), TERMS)


@settings(max_examples=40, deadline=None)
@given(series(nonzero=True), st.integers(-3, 3))
def test_inverse_and_integer_powers(a, n):
    agree(a * a.inverse(), Series.of([1, 0, 0, 0, 0]), TERMS)
    product = Series.of([1, 0, 0, 0, 0])
    for _ in range(abs(n)):
        product *= a if n > 0 else a.inverse()
    agree(a.power(n), product, TERMS)


@settings(max_examples=30, deadline=None)
@given(series(nonzero=True), st.integers(1, 6))
def test_symbolic_power_specialises(a, n):
    general = a.power(depth)
    assert [u.subs(depth, n) for u in general.unit] == list(a.power(n).unit)
    assert general.leading.subs(depth, n) == a.leading**n


@settings(max_examples=30, deadline=None)
@given(series(valuation=1, nonzero=True))
def test_reversion_is_the_compositional_inverse(a):
    identity = Series.of([1, 0, 0, 0, 0], valuation=1)
    agree(a.compose(a.reversion()), identity, TERMS + 1)
    agree(a.reversion().compose(a), identity, TERMS + 1)


@settings(max_examples=30, deadline=None)
@given(series(valuation=-1, nonzero=True), series(valuation=1, nonzero=True))
def test_composition_evaluates(a, b):
    """a(b(z)) against substituting the polynomials and expanding at 0 by division."""
    composed = a.compose(b)
    left = from_expr(
        sum(
            c * sum(d * z ** (k + 1) for k, d in enumerate(b.coefficients)) ** (n - 1)
            for n, c in enumerate(a.coefficients)
        ),
        z,
        3,
    )
    agree(composed, left, composed.valuation + 3)


@settings(max_examples=30, deadline=None)
@given(series(valuation=1))
def test_exp_and_log_are_inverse(a):
    agree(a.exp().log(), a, TERMS)


@pytest.mark.parametrize(
    ("expr", "coefficients"),
    [
        (sp.exp(2 * z), [2**k / sp.factorial(k) for k in range(5)]),
        (1 / (1 - z - z**2), [1, 1, 2, 3, 5]),
        (sp.log(1 + z), [1, -sp.Rational(1, 2), sp.Rational(1, 3), -sp.Rational(1, 4)]),
        ((1 - sp.sqrt(1 - 4 * z)) / 2, [1, 1, 2, 5, 14]),
        (sp.sqrt(z**2 + 2 * z**3), [1, 1, -sp.Rational(1, 2), sp.Rational(1, 2)]),
        ((1 + z) ** sp.Rational(-1, 2), [sp.binomial(-sp.Rational(1, 2), k) for k in range(4)]),
    ],
)
def test_known_expansions(expr, coefficients):
    assert from_expr(expr, z, len(coefficients)).coefficients == tuple(coefficients)


def test_cancelling_leading_terms_are_recovered():
    found = from_expr(sp.exp(z) - 1 - z - z**2 / 2, z, 2)
    assert (found.valuation, found.coefficients) == (3, (sp.Rational(1, 6), sp.Rational(1, 24)))


def test_symbolic_power_is_binomial():
    found = from_expr((1 + z) ** depth, z, 5)
    for k in range(5):
        expected = sp.ff(depth, k) / math.factorial(k)
        assert sp.expand(found.coefficient(k) - expected) == 0


def test_refusals():
    with pytest.raises(DomainError, match="Laurent"):
        from_expr(sp.sqrt(z), z, 3)
    with pytest.raises(DomainError, match="no nonzero term"):
        from_expr((1 + z) ** 2 - 1 - 2 * z - z**2, z, 3)
    with pytest.raises(DomainError, match="expand"):
        from_expr(sp.tanh(z), z, 3)
    with pytest.raises(DomainError, match="known to"):
        Series.of([1, 2]).coefficient(2)
    with pytest.raises(DomainError, match="vanishes"):
        Series.of([1, 2]).compose(Series.of([1, 2]))
    with pytest.raises(DomainError, match="compositional"):
        Series.of([1, 2]).reversion()
    for wrong in (-1, True, 1.5):
        with pytest.raises(DomainError, match="order of a moment"):
            lagrange_moments(1 / (1 + z), wrong)
    with pytest.raises(DomainError, match="mean"):
        lagrange_moments(1 / z, 2)
    with pytest.raises(DomainError, match="needs 3 terms"):
        lagrange_moments(Series.of([1, 1]), 3)


def test_catalan_and_fuss_catalan_numbers():
    """Products of n square Gaussian matrices: m_k = binomial((n+1)k, k)/(nk+1), from counting."""
    for n in (1, 2, 3):
        for k in range(1, 6):
            assert lagrange_moments((1 + z) ** (-n), k) == sp.binomial((n + 1) * k, k) / (n * k + 1)


def test_moments_with_symbolic_depth_read_as_written():
    s = (sigma_w**2 * (z + p)) ** (-depth)
    m1, m2 = lagrange_moments(s, 1), lagrange_moments(s, 2)
    assert m1 == (sigma_w**2 * p) ** depth
    assert m2 == m1**2 * (depth + p) / p


@settings(max_examples=20, deadline=None)
@given(st.lists(RATIONALS, min_size=1, max_size=4))
def test_readable_keeps_the_value(coefficients):
    expr = sum(c * depth**k / p**k for k, c in enumerate(coefficients))
    assert sp.expand(readable(sp.sympify(expr)) - expr) == 0


def test_moments_all_at_once_are_those_one_by_one():
    s = (sigma_w**2 * (z + p)) ** (-depth)
    assert lagrange_moment_list(s, 6) == tuple(lagrange_moments(s, k) for k in range(1, 7))
    assert lagrange_moment_list(s, 0) == ()
    with pytest.raises(DomainError, match="number of moments"):
        lagrange_moment_list(s, -1)


@pytest.mark.parametrize("layers", [1, 2, 5])
def test_twenty_moments_are_counted(layers):
    """Square Gaussian factors: m_k = binomial((L+1)k, k)/(Lk+1), from counting, up to m_20."""
    found = lagrange_moment_list((z + p) ** (-depth), 20)
    for k in (1, 7, 13, 20):
        count = sp.binomial((layers + 1) * k, k) / (layers * k + 1)
        assert found[k - 1].subs({depth: layers, p: 1}) == count


def test_roots_among_the_coefficients_are_recognised():
    """(1 + √2 z)(1 − √2 z) = 1 − 2z², and √(1+p)² = 1 + p."""
    for root, square in ((sp.sqrt(2), 2), (sp.sqrt(1 + p), 1 + p), (sp.sqrt(p), p), (sp.I, -1)):
        product = Series.of([1, root, 0]) * Series.of([1, -root, 0])
        assert product.coefficients == (1, 0, -square)
    assert (Series.of([sp.sqrt(6)]) - Series.of([sp.sqrt(2) * sp.sqrt(3)])).known == 0


@settings(max_examples=30, deadline=None)
@given(series(valuation=1), RATIONALS.filter(bool))
def test_dilation_and_derivative(a, factor):
    """The chain rule: d/dz f(cz) = c f′(cz)."""
    agree(a.dilate(factor).derivative(), a.derivative().dilate(factor).scale(factor), TERMS)


@settings(max_examples=30, deadline=None)
@given(
    st.dictionaries(
        st.tuples(st.integers(0, 3), st.integers(0, 3)), st.integers(-3, 3), min_size=2
    ).filter(lambda terms: sum(map(bool, terms.values())) > 1)
)
def test_long_sums_are_those_that_sympy_makes(terms):
    usual = sp.Add(*(c * depth**n * p**m for (n, m), c in terms.items()))
    assert long_sum((depth, p), terms) == usual
    assert str(long_sum((depth, p), terms)) == str(usual)


def test_floats_and_infinities_are_refused():
    for wrong in (0.5, sp.Float(2), sp.oo, sp.nan):
        with pytest.raises(DomainError, match="exact"):
            Series.of([1, wrong])
