"""Gauss rules of discrete measures: exact for polynomials, close for what has a pole elsewhere."""

from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp

from freejac.symbolic.activation import activation
from freejac.symbolic.few_nodes import few_nodes
from freejac.symbolic.slope_nodes import slope_table

POINTS = st.dictionaries(
    st.fractions(-4, 4, max_denominator=50), st.fractions(1, 9), min_size=5, max_size=12
)


def numbers(points):
    return [
        (mp.mpf(v.numerator) / v.denominator, mp.mpf(w.numerator) / w.denominator)
        for v, w in points.items()
    ]


@settings(max_examples=30, deadline=None)
@given(POINTS, st.integers(1, 5))
def test_a_rule_is_exact_to_degree_2n_minus_1(points, count):
    with mp.workdps(30):
        exact = numbers(points)
        rule = few_nodes(exact, count)
        assert len(rule) == count
        assert all(mass > 0 for _, mass in rule)
        for k in range(2 * count):
            found, expected = (mp.fsum(w * v**k for v, w in law) for law in (rule, exact))
            assert abs(found - expected) < mp.mpf(10) ** -26 * sum(w * 4**k for _, w in exact)


def test_as_many_nodes_as_values_are_the_values():
    with mp.workdps(30):
        law = [(mp.mpf(1), mp.mpf(1) / 4), (mp.mpf(1), mp.mpf(1) / 4), (mp.mpf(3), mp.mpf(1) / 2)]
        for count in (2, 5):
            rule = few_nodes(law, count)
            for (value, mass), expected in zip(rule, (1, 3), strict=True):
                assert abs(value - expected) < 1e-28
                assert abs(mass - mp.mpf(1) / 2) < 1e-28


def test_where_phi_varies_much_faster_than_h_the_law_is_resolved():
    """E[φ′²] of sigmoid at q = 10⁶, by quadrature of the definition."""
    with mp.workdps(25):
        width = mp.mpf(10) ** 3
        rule = slope_table(activation("sigmoid"), width**2).few(1)

        def integrand(h):
            slope = 1 / (2 + mp.exp(h) + mp.exp(-h))
            return slope**2 * mp.npdf(h, 0, width)

        expected = 2 * mp.quad(integrand, [0, 2, 5, 10, 20, 40, 80])
        assert abs(mp.fsum(w * v for v, w in rule) / expected - 1) < 1e-20
