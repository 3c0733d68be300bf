"""Laws of the checker on generated expressions: what it proves holds at any point one looks at."""

from __future__ import annotations

import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import freejac as fj

x, y = sp.symbols("x y", real=True)
q = sp.Symbol("q", positive=True)
SMALL = st.integers(-4, 4)
RATIONAL = st.builds(sp.Rational, st.integers(-9, 9), st.integers(1, 4))
FEW = st.integers(1, 3)
PLACES = [sp.Rational(-7, 3), sp.Rational(-1, 5), sp.S.Zero, sp.Rational(2, 7), sp.S.One, sp.S(4)]

polynomials = st.builds(lambda a, b, c: a * x**2 + b * x * y + c * y + 1, SMALL, SMALL, SMALL)
trigonometric = st.builds(
    lambda a, b, n, m: a * sp.sin(n * x) + b * sp.cos(m * x),
    SMALL,
    SMALL,
    FEW,
    FEW,
)
exponential = st.builds(
    lambda a, b, r: a * sp.exp(r * x) + b * x * sp.exp(-x), SMALL, SMALL, RATIONAL
)
kinked = st.builds(
    lambda a, b, s, t: a * sp.Abs(x - s) + b * sp.Max(x, t), SMALL, SMALL, RATIONAL, RATIONAL
)
expressions = st.one_of(polynomials, trigonometric, exponential, kinked)


def disagree(left, right, places=PLACES):
    """Whether two expressions differ at one of some places, by SymPy's own arithmetic."""
    for place in places:
        values = [
            sp.N(side.subs({x: place, y: 2, q: sp.Rational(3, 2)}), 30) for side in (left, right)
        ]
        if abs(values[0] - values[1]) > sp.Float(10) ** -20:
            return True
    return False


@given(expressions, expressions)
@settings(max_examples=25, deadline=None)
def test_rearranging_is_proved(f, g):
    assert fj.check((f + g) ** 2, sp.expand(f**2 + 2 * f * g + g**2), hints=False)
    assert fj.check(f - g, -(g - f), hints=False)


@given(expressions, expressions)
@settings(max_examples=40, deadline=None)
def test_verdicts_on_random_pairs_agree_with_their_values(f, g):
    verdict = fj.check(f, g, hints=False)
    if verdict:
        assert not disagree(f, g)
    if disagree(f, g):
        assert verdict.status == "refuted"


@given(trigonometric)
@settings(max_examples=15, deadline=None)
def test_trigonometric_identities_are_proved(f):
    assert fj.check(f, sp.expand_trig(f), hints=False)
    assert fj.check(f, f.rewrite(sp.exp), hints=False)
    assert fj.check(sp.Derivative(f, x), sp.diff(f, x), hints=False)


@given(kinked)
@settings(max_examples=15, deadline=None)
def test_kinked_functions_by_their_pieces(f):
    assert fj.check(f, f.rewrite(sp.Piecewise), hints=False)


@given(expressions, RATIONAL.filter(bool))
@settings(max_examples=20, deadline=None)
def test_a_small_exact_offset_is_refuted(f, r):
    verdict = fj.check(f, f + r / 10**25, hints=False)
    assert verdict.status == "refuted"


@given(st.integers(-3, 3).filter(bool), st.integers(1, 4), RATIONAL.filter(lambda r: r > 0))
@settings(max_examples=20, deadline=None)
def test_powers_with_symbolic_exponents(a, n, r):
    depth = fj.depth
    assert fj.check((r * q**n) ** (a * depth), r ** (a * depth) * q ** (a * n * depth), hints=False)
    wrong = fj.check(
        (r * q**n) ** (a * depth), r ** (a * depth) * q ** (a * n * depth + 1), hints=False
    )
    assert wrong.status == "refuted"


@given(expressions, RATIONAL.filter(lambda r: r not in (0, 1)))
@settings(max_examples=12, deadline=None)
def test_a_mended_claim_is_the_original(f, r):
    if not disagree(f, 0 * x) or f.has(y):
        return
    verdict = fj.check(f, r * f)
    assert verdict.refuted
    if verdict.corrected is not None:
        assert fj.check(verdict.corrected, f, hints=False)
