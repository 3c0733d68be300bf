"""The trapezoidal rule for sines and cosines, against quadrature and against itself with more."""

from __future__ import annotations

import mpmath
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf

from freejac.symbolic.band_limited import BandLimited
from freejac.symbolic.errors import NotConvergedError
from freejac.symbolic.parsing import parse
from freejac.symbolic.piecewise import PiecewiseFunction, decompose
from freejac.symbolic.quadrature import gaussian_mean
from freejac.symbolic.symbols import x

SMALL = st.fractions(-3, 3, max_denominator=4).map(
    lambda f: sp.Rational(f.numerator, f.denominator)
)
WAVES = st.builds(
    lambda a, b, c: c * sp.sin(a * x + b), SMALL.filter(bool), SMALL, SMALL.filter(bool)
)


def read(text: str) -> BandLimited:
    wave = BandLimited.of(decompose(parse(text)), {})
    assert wave is not None
    return wave


@pytest.mark.parametrize(
    ("text", "power", "q"),
    [("sin(x)", 2, 1e-12), ("sin(x)", 2, 40.0), ("cos(2*x) - sin(3*x + 1)/2", 3, 0.3)],
)
def test_the_rule_is_the_integral(text: str, power: int, q: float) -> None:
    with mp.workdps(60):  # quad counts its digits from 1
        f, root = sp.lambdify(x, parse(text), "mpmath"), mpmath.sqrt(q)
        ends = mpmath.linspace(-14, 14, 33)
        value = mpmath.quad(lambda z: f(root * z) ** power * mpmath.npdf(z), ends)
        size = mpmath.quad(lambda z: f(root * z) ** 2 * mpmath.npdf(z), ends)
        assert abs(read(text).mean(power, q, 25)[0] - value) <= mpf("1e-24") * size


@settings(max_examples=20, deadline=None)
@given(st.lists(WAVES, min_size=1, max_size=3), st.integers(1, 3), st.integers(-12, 5))
def test_more_digits_change_no_more_than_is_promised(
    waves: list[sp.Expr], power: int, exponent: int
) -> None:
    # With 20 digits the average over a period is taken where with 120 the line is.
    wave = BandLimited.of(PiecewiseFunction.smooth(sp.Add(*waves)), {})
    if wave is None:  # the waves cancelled
        return
    q = sp.Rational(10) ** exponent / 3
    with mp.workdps(130):
        q = mpf(q.p) / q.q
        (near, size), (far, _) = wave.mean(power, q, 20), wave.mean(power, q, 120)
        assert abs(near - far) <= mpf("1e-20") * size


def test_a_mean_far_below_what_cancels_in_it_is_resolved() -> None:
    # E[cos 2h] = e^(−2q) is 1e-174 of what is summed.
    (value, size) = read("cos(x)**2 - sin(x)**2").mean(1, 200, 200)
    with mp.workdps(60):
        assert size > 0.5
        assert abs(value * mpmath.exp(400) - 1) < mpf("1e-20")


def test_at_any_q_the_public_oracle_has_it() -> None:
    square = decompose(sp.sin(x)) ** 2
    for q in (1e5, 1e8, 1e12):
        assert abs(gaussian_mean(square, q, 30) - mpf(1) / 2) < mpf("1e-29")


@pytest.mark.parametrize("text", ["x*sin(x)", "sin(x**2)", "max(x, 0)", "sin(tanh(x))", "2"])
def test_nothing_else_is_taken(text: str) -> None:
    assert BandLimited.of(decompose(parse(text)), {}) is None


def test_without_a_period_the_line_is_long() -> None:
    wave = read("sin(x) + cos(sqrt(2)*x)")
    with mp.workdps(30):
        exact = 1 - mpmath.exp(-2000) / 2 + mpmath.exp(-4000) / 2
        assert abs(wave.mean(2, 1000, 20)[0] - exact) < mpf("1e-19")
    with pytest.raises(NotConvergedError, match="no period"):
        wave.mean(2, 10**12, 20)
