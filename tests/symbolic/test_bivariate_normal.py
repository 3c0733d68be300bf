"""Phi2 and OwenT against the integrals that define them, and against SciPy."""

import pickle

import mpmath
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats
from sympy.core.function import ArgumentIndexError

from freejac.symbolic.bivariate_normal import OwenT, Phi2
from freejac.symbolic.functions import Phi

h, k, r, a = sp.symbols("h k r a", real=True)
HALF = sp.S.Half
TINY = sp.Rational(1, 10**12)

POINTS = [
    (-30, -20, HALF),
    (-20, -20, -1 + TINY),
    (-20, -20, 1 - TINY),
    (-1, 2, -sp.Rational(9, 10)),
    (1, 2, sp.Rational(1, 3)),
    (-40, 40, -HALF),
    (-3, sp.Rational(16, 5), -1 + sp.Rational(1, 10**20)),
    (3, -3, -1 + sp.Rational(1, 10**20)),
    (-sp.sqrt(2), sp.sqrt(2), sp.Rational(7, 10)),
    (-5, -4, TINY),
    (-sp.Rational(1, 10**6), -sp.Rational(1, 10**7), -1 + TINY),
]


def number(value):
    """An mpmath number at the working precision."""
    return mpmath.mpmathify(sp.sympify(value).evalf(mpmath.mp.dps))


def by_conditioning(first, second, below, above):
    """P(X ≤ first, Y ≤ second) = ∫ density(x) P(Y ≤ second | x) dx, with 1 ± ρ given apart.

    Tanh-sinh on panels that double in width away from x = first, where the integrand is largest or
    nearly so, and away from where the conditional probability is a half.
    """
    first, second = sorted((first, second))
    rho, spread = (above - below) / 2, mpmath.sqrt(below * above)
    edge, slope = (second - rho * first) / spread, rho / spread

    def integrand(t):  # x = first − t
        probability = mpmath.erfc(-(edge + slope * t) / mpmath.sqrt(2)) / 2
        return mpmath.exp(first * t - t * t / 2) * probability

    top = integrand(mpmath.mpf(0))
    start = min(1, 1 / (abs(first) + abs(slope) * (1 + abs(edge))))
    marks = {start * mpmath.mpf(2) ** j for j in range(-3, 80)} | {mpmath.mpf(0)}
    marks |= {(sign * mpmath.mpf(2) ** j - edge) / slope for j in range(-2, 5) for sign in (-1, 1)}
    alive = [t for t in sorted(marks) if 0 <= t <= 30 and integrand(t) > top * mpmath.eps**2]
    total = mpmath.quad(lambda t: integrand(t) / top, alive)
    return mpmath.npdf(first) * top * total


@pytest.mark.parametrize("point", POINTS, ids=str)
def test_every_digit_agrees_with_the_definition(point):
    one, other, rho = point
    with mpmath.workdps(80):
        bounds = [number(one), number(other), number(1 - rho), number(1 + rho)]
        expected = by_conditioning(*bounds)
        for digits in (50, 15):
            found = mpmath.mpmathify(Phi2(*point).evalf(digits))
            assert abs(found / expected - 1) < mpmath.mpf(10) ** (1 - digits)


def test_the_double_integral_of_the_density():
    with mpmath.workdps(15):
        rho = mpmath.mpf("0.6")

        def density(s, t):
            exponent = (s * s - 2 * rho * s * t + t * t) / (2 * (1 - rho**2))
            return mpmath.exp(-exponent) / (2 * mpmath.pi * mpmath.sqrt(1 - rho**2))

        found = mpmath.mpmathify(Phi2(-1, HALF, sp.Rational(3, 5)).evalf(15))
        assert abs(mpmath.quad(density, [-8, -1], [-8, -2, 0.5], maxdegree=5) - found) < 1e-8


@pytest.mark.parametrize(
    ("point", "log"),
    [((-20, -20, -1 + TINY), -200 * 2 * 10**12), ((-(10**20), -(10**20), HALF), -2 * 10**40 / 3)],
)
def test_where_no_double_reaches(point, log):
    # The exponent of the density at the corner, −(h² − 2ρhk + k²)/(2(1 − ρ²)) = −h²/(1 + ρ).
    assert float(sp.log(Phi2(*point).evalf(30))) == pytest.approx(log, rel=1e-9)


@pytest.mark.parametrize(
    "point",
    [
        (1, HALF),
        (30, HALF),
        (40, 10),
        (sp.Rational(1, 10**10), 10**12),
        (5, sp.Rational(1, 10**30)),
        (sp.sqrt(3), sp.sqrt(2)),
        (-3, -2),
    ],
    ids=str,
)
@pytest.mark.parametrize("digits", [15, 50])
def test_owens_function_agrees_with_its_definition(point, digits):
    with mpmath.workdps(digits + 12):
        size, end = map(number, point)
        reach = mpmath.asinh(min(abs(end), 4 * mpmath.sqrt(digits) / abs(size)))

        def integrand(v):  # t = sinh(v reach)
            t = mpmath.sinh(v * reach)
            return mpmath.exp(-((size * t) ** 2) / 2) / mpmath.sqrt(1 + t * t)

        bulk = reach * mpmath.quad(integrand, mpmath.linspace(0, 1, 9))
        bulk *= mpmath.exp(-size * size / 2) / (2 * mpmath.pi)
        expected = mpmath.sign(end) * bulk
        found = mpmath.mpmathify(OwenT(*point).evalf(digits))
        assert abs(found / expected - 1) < mpmath.mpf(10) ** (1 - digits)


@given(
    one=st.floats(-6, 6), other=st.floats(-6, 6), rho=st.floats(-0.99, 0.99), size=st.floats(-9, 9)
)
@settings(max_examples=12, deadline=None)
def test_scipy_agrees(one, other, rho, size):
    law = stats.multivariate_normal(cov=[[1, rho], [rho, 1]])
    found = float(Phi2(sp.Float(one, 20), sp.Float(other, 20), sp.Float(rho, 20)))
    assert found == pytest.approx(law.cdf([one, other]), abs=1e-7)
    found = float(OwenT(sp.Float(one, 20), sp.Float(size, 20)))
    assert found == pytest.approx(special.owens_t(one, size), rel=1e-12, abs=1e-16)


rationals = st.fractions(-9, 9, max_denominator=1000).map(
    lambda f: sp.Rational(f.numerator, f.denominator)
)
correlations = st.fractions(-1, 1, max_denominator=10**6).map(
    lambda f: sp.Rational(f.numerator, f.denominator)
)


@given(one=rationals, other=rationals, rho=correlations)
@settings(max_examples=10, deadline=None)
def test_probabilities_of_the_quadrants_add_up(one, other, rho):
    value = Phi2(one, other, rho)
    assert value == Phi2(other, one, rho)
    quadrants = value + Phi2(-one, other, -rho) + Phi2(one, -other, -rho) + Phi2(-one, -other, rho)
    assert abs(quadrants.evalf(30) - 1) < 1e-28
    strip = value + Phi2(one, -other, -rho) - Phi(one)
    assert abs(strip.evalf(30)) < 1e-28


@given(size=rationals, slope=rationals)
@settings(max_examples=10, deadline=None)
def test_owens_identity(size, slope):
    # D. B. Owen (1956), equation 3.4, for a > 0.
    slope = abs(slope) + TINY
    pair = OwenT(size, slope) + OwenT(slope * size, 1 / slope)
    products = (Phi(size) + Phi(slope * size)) / 2 - Phi(size) * Phi(slope * size)
    assert abs((pair - products).evalf(30)) < 1e-28
    assert OwenT(-size, slope) == OwenT(size, slope) == -OwenT(size, -slope)


@pytest.mark.parametrize("index", [1, 2, 3])
@pytest.mark.parametrize("point", [("-1.5", "0.5", "0.6"), ("2", "-0.3", "-0.8")])
def test_derivatives_agree_with_differences_of_the_definition(index, point):
    with mpmath.workdps(16):
        at = [mpmath.mpf(v) for v in point]
        order = tuple(int(i == index) for i in (1, 2, 3))
        slope = mpmath.diff(lambda s, t, c: by_conditioning(s, t, 1 - c, 1 + c), at, order)
        exact = (
            Phi2(h, k, r)
            .fdiff(index)
            .subs(dict(zip((h, k, r), map(sp.Rational, point), strict=True)))
        )
        assert abs(mpmath.mpmathify(exact.evalf(20)) / slope - 1) < 1e-6


@pytest.mark.parametrize("index", [1, 2])
@pytest.mark.parametrize("point", [("0.7", "1.5"), ("-1.2", "0.4")])
def test_derivatives_of_owens_function(index, point):
    def definition(size, end):
        inner = mpmath.quad(
            lambda t: mpmath.exp(-(size**2) * (1 + t * t) / 2) / (1 + t * t), [0, end]
        )
        return inner / (2 * mpmath.pi)

    with mpmath.workdps(25):
        order = (1, 0) if index == 1 else (0, 1)
        slope = mpmath.diff(definition, [mpmath.mpf(v) for v in point], order)
        exact = OwenT(h, a).fdiff(index).subs({h: sp.Rational(point[0]), a: sp.Rational(point[1])})
        assert abs(mpmath.mpmathify(exact.evalf(20)) / slope - 1) < 1e-9


def test_derivatives_are_named():
    # Plackett: the derivative in ρ is the mixed derivative in the bounds.
    mixed = Phi2(h, k, r).diff(h).diff(k)
    at = {h: HALF, k: -1, r: sp.Rational(1, 3)}
    assert abs((mixed - Phi2(h, k, r).diff(r)).subs(at).evalf(30)) < 1e-28
    with pytest.raises(ArgumentIndexError):
        Phi2(h, k, r).fdiff(4)
    with pytest.raises(ArgumentIndexError):
        OwenT(h, a).fdiff(0)


def test_exact_values_of_phi2():
    assert Phi2(h, k, 0) == Phi(h) * Phi(k)
    assert Phi2(0, 0, r) == sp.Rational(1, 4) + sp.asin(r) / (2 * sp.pi)
    assert Phi2(0, 0, HALF) == sp.Rational(1, 3)
    assert Phi2(h, sp.oo, r) == Phi2(sp.oo, h, r) == Phi(h)
    assert Phi2(h, -sp.oo, r) == Phi2(-sp.oo, sp.oo, r) == 0
    assert Phi2(sp.oo, sp.oo, r) == 1
    assert Phi2(k, h, r) == Phi2(h, k, r)


def test_exact_values_at_full_correlation():
    positive = sp.Symbol("d", positive=True)
    assert Phi2(1, 2, 1) == Phi(1)
    assert Phi2(h, h + positive, 1) == Phi(h)
    assert Phi2(h, k, 1) == Phi(sp.Min(h, k))
    assert Phi2(1, 2, -1) == Phi(1) - Phi(-2)
    assert Phi2(h, -h - positive, -1) == 0
    assert Phi2(h, k, -1).subs({h: 1, k: -3}) == 0
    assert abs(Phi2(h, k, -1).subs({h: 1, k: 2}).evalf(30) - Phi2(1, 2, -1).evalf(30)) < 1e-28


def test_exact_values_of_owens_function():
    assert OwenT(h, 0) == OwenT(sp.oo, a) == OwenT(-sp.oo, a) == 0
    assert OwenT(0, a) == sp.atan(a) / (2 * sp.pi)
    assert OwenT(0, sp.oo) == sp.Rational(1, 4)
    assert OwenT(h, 1) == Phi(h) * Phi(-h) / 2
    assert OwenT(h, -1) == -Phi(h) * Phi(-h) / 2
    assert OwenT(h, sp.oo) == Phi(-sp.Abs(h)) / 2
    assert OwenT(-h, -a) == -OwenT(h, a)


@pytest.mark.parametrize("bad", [sp.nan, sp.zoo])
def test_what_is_no_number_gives_nan(bad):
    for point in ((bad, k, r), (h, bad, r), (h, k, bad), (bad, sp.oo, r)):
        assert Phi2(*point) is sp.nan
    for point in ((bad, a), (h, bad), (bad, 0)):
        assert OwenT(*point) is sp.nan
    for rho in (2, -sp.Rational(101, 100), sp.sqrt(2), sp.oo):
        assert Phi2(h, k, rho) is sp.nan


def test_assumptions():
    positive, w = sp.Symbol("b", positive=True), sp.Symbol("w")
    assert Phi2(h, k, r).is_nonnegative
    assert Phi2(h, k, r).is_positive is None
    assert Phi2(h, k, HALF).is_positive
    assert Phi2(w, k, r).is_real is None
    assert OwenT(h, positive).is_positive
    assert (-OwenT(h, positive)).is_negative
    assert OwenT(h, a).is_positive is None
    for value in (Phi2(h, k, r), OwenT(h, a)):
        assert value.is_real
        assert value.is_finite
        assert sp.conjugate(value) == value


REWRITTEN = [
    (-1, 2),
    (-2, -HALF),
    (0, sp.Rational(3, 2)),
    (-1, 0),
    (sp.Rational(2, 3), 1),
    (HALF, HALF),
    (-3, -3),
]


@pytest.mark.parametrize("bounds", REWRITTEN, ids=str)
@pytest.mark.parametrize("rho", [sp.Rational(-4, 5), sp.Rational(1, 3)])
def test_rewriting_in_owens_function_keeps_the_value(bounds, rho):
    value = Phi2(*bounds, rho).evalf(40)
    for rewritten in (
        Phi2(*bounds, rho).rewrite(OwenT),
        Phi2(h, k, r).rewrite(OwenT).subs({h: bounds[0], k: bounds[1], r: rho}),
    ):
        assert not rewritten.has(Phi2)
        assert abs(rewritten.evalf(40) - value) < 1e-37


def test_rewriting_in_other_ways_keeps_the_value():
    at = OwenT(HALF, sp.Rational(7, 3))
    assert abs((at.rewrite(Phi2) - at).evalf(30)) < 1e-28
    assert not at.rewrite(Phi2).has(OwenT)
    assert abs(at.rewrite(sp.Integral).evalf(15) - at.evalf(15)) < 1e-13
    value = Phi2(-1, HALF, sp.Rational(-2, 3))
    integral = value.rewrite(sp.Integral)
    ((t, low, high),) = integral.limits
    area = mpmath.quad(sp.lambdify(t, integral.function, "mpmath"), [-8, -4, high])
    assert low == -sp.oo
    assert abs(area - value.evalf(15)) < 1e-13


def test_series():
    t, positive = sp.Symbol("t"), sp.Symbol("b", positive=True)
    near = OwenT(t, a).series(t, 0, 4).removeO()
    assert sp.expand(near - sp.atan(a) / (2 * sp.pi) + a * t**2 / (4 * sp.pi)) == 0
    assert OwenT(positive, t).series(t, 0, 2).removeO() == t * sp.exp(-(positive**2) / 2) / (
        2 * sp.pi
    )
    assert OwenT(positive, 1 / t).series(t, 0, 3).removeO() == Phi(-positive) / 2
    far = OwenT(t, HALF).series(t, sp.oo, 4).removeO()
    assert far.subs(t, 20).evalf(20) / OwenT(20, HALF).evalf(20) == pytest.approx(1, abs=1e-4)
    # To first order in ρ the density at ρ = 0 (Plackett).
    slope = Phi2(h, k, t).series(t, 0, 2).removeO().coeff(t)
    assert sp.simplify(slope - sp.exp(-(h**2) / 2 - k**2 / 2) / (2 * sp.pi)) == 0


def test_limits():
    t, positive = sp.Symbol("t"), sp.Symbol("b", positive=True)
    assert sp.limit(OwenT(t, positive), t, sp.oo) == 0
    assert sp.limit(OwenT(positive, t), t, sp.oo) == Phi(-positive) / 2
    grown = sp.limit(OwenT(t, positive) * t * sp.exp(t**2 / 2), t, sp.oo)
    assert grown == 1 / (2 * sp.sqrt(2 * sp.pi))
    assert sp.limit(Phi2(t, k, r), t, sp.oo) == Phi(k)
    assert sp.limit(t * Phi2(t, k, r), t, -sp.oo) == 0
    assert sp.limit(Phi2(t, 0, HALF) * sp.exp(t**2 / 4), t, -sp.oo) == 0
    # SymPy cannot tell how fast Φ₂ falls: no answer is better than a wrong one.
    assert sp.limit(Phi2(t, 0, HALF) * sp.exp(t**2), t, -sp.oo).has(sp.Limit)
    assert sp.limit(Phi2(1, 2, t), t, 1, "-") == Phi(1)


def test_compiled_to_mpmath_at_its_precision():
    compiled = sp.lambdify((h, k, r), [Phi2(h, k, r), OwenT(h, k)], "mpmath", cse=True)
    with mpmath.workdps(50):
        point = [mpmath.mpf(v) for v in ("-2.5", "1.25", "0.75")]
        found = compiled(*point)
        expected = by_conditioning(point[0], point[1], 1 - point[2], 1 + point[2])
        assert abs(found[0] / expected - 1) < mpmath.mpf(10) ** -45
        exact = OwenT(sp.Rational(5, 2), sp.Rational(5, 4)).evalf(50)
        assert abs(found[1] - mpmath.mpmathify(exact)) < mpmath.mpf(10) ** -49


def test_compiled_to_mpmath_at_the_borders():
    compiled = sp.lambdify((h, k, r), Phi2(h, k, r), "mpmath")
    assert mpmath.almosteq(compiled(1, 2, 1), mpmath.ncdf(1))
    assert mpmath.almosteq(compiled(-1, 2, -1), mpmath.ncdf(-1) - mpmath.ncdf(-2), 1e-14)
    assert mpmath.almosteq(compiled(mpmath.inf, 2, 0.5), mpmath.ncdf(2))
    assert compiled(-mpmath.inf, 2, 0.5) == 0
    for point in ((mpmath.nan, 2, 0.5), (1, 2, 1.5), (1, mpmath.mpc(1, 2), 0.5)):
        assert mpmath.isnan(compiled(*point))
    tail = sp.lambdify((h, a), OwenT(h, a), "mpmath")
    assert mpmath.almosteq(tail(2, mpmath.inf), mpmath.ncdf(-2) / 2)
    assert tail(0, 1) == mpmath.mpf(1) / 8


@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
@pytest.mark.parametrize("module", ["numpy", ["numpy", "scipy"], "math"])
def test_compiled_to_doubles(module):
    compiled = sp.lambdify((h, k, r), [Phi2(h, k, r), OwenT(h, k)], module)
    for point in ((-0.5, 1.25, 0.75), (0.4, 0.0, -0.25), (-1.0, -2.0, 0.5)):
        found = [float(value) for value in compiled(*point)]
        exact = [Phi2(*map(sp.Rational, point)), OwenT(*map(sp.Rational, point[:2]))]
        assert found == pytest.approx(
            [float(value.evalf(20)) for value in exact], rel=1e-13, abs=0.0
        )


def test_latex_pickle_and_symbols():
    assert sp.latex(Phi2(h, k, r)) == r"\Phi_{2}\left(h, k; r\right)"
    assert sp.latex(OwenT(h, a) ** 2) == r"T^{2}\left(h, a\right)"
    for value in (Phi2(h, k, r), OwenT(h, a)):
        assert pickle.loads(pickle.dumps(value)) == value
        assert value.subs(h, sp.Rational(1, 3)).evalf().has(type(value))
    assert Phi2(0.5, 0.25, 0.125).is_Float
    assert Phi2(sp.I, 1, HALF).evalf().has(Phi2)
