"""VoigtK and VoigtL against the integrals that define them, and against SciPy."""

import pickle

import mpmath
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special
from sympy.core.function import ArgumentIndexError

from freejac.symbolic.scaled import dawson, erfcx
from freejac.symbolic.symbols import x
from freejac.symbolic.voigt import VoigtK, VoigtL

BOTH = [VoigtK, VoigtL]
y = sp.Symbol("y", real=True)
POINTS = [
    ("0.3", "0.2"),
    ("-1.5", "2.5"),
    ("3", "1e-3"),
    ("12", "0.75"),
    ("1e-8", "7"),
    ("1e6", "1e-6"),
    ("2", "-1.5"),
    ("7", "-0.1"),
]


def definition(function, at, height):
    """The Hilbert transform of exp(−t²) over π, DLMF 7.7.2; below the axis by its continuation."""
    if height < 0:
        z = mpmath.mpc(at, height)
        grown, value = 2 * mpmath.exp(-z * z), definition(function, at, -height)
        return grown.real - value if function is VoigtK else grown.imag + value
    near = [at + sign * height * 2**k for sign in (-1, 1) for k in range(-2, 26)]
    bound = mpmath.sqrt(mpmath.mp.prec) + 1
    ends = sorted({-bound, bound, *range(-8, 9), at, *near})
    ends = [e for e in ends if -bound <= e <= bound]

    def integrand(t):
        above = height if function is VoigtK else at - t
        return mpmath.exp(-t * t) * above / ((at - t) ** 2 + height**2)

    return mpmath.quad(integrand, ends) / mpmath.pi


@pytest.mark.parametrize("function", BOTH)
@pytest.mark.parametrize("point", POINTS, ids=str)
def test_values_agree_with_the_definition(function, point):
    with mpmath.workdps(45):
        expected = definition(function, *map(mpmath.mpf, point))
        found = mpmath.mpmathify(function(*map(sp.Rational, point)).evalf(30))
        assert abs(found / expected - 1) < 1e-28


@pytest.mark.parametrize(
    "point", [("3", "1e-40"), ("30", "1e-300"), ("1e100", "0.5"), ("28", "-2")]
)
def test_both_parts_keep_their_digits_when_one_is_far_smaller(point):
    # mpmath at enough digits that the smaller part, 1e-400 at least of the other, is right.
    with mpmath.workdps(800):
        z = mpmath.mpc(*map(mpmath.mpf, point))
        if abs(z.real) > 1e50:  # DLMF 7.12.1
            w = 1j / mpmath.sqrt(mpmath.pi) / z * (1 + 1 / (2 * z * z))
        else:
            w = mpmath.exp(-z * z) * mpmath.erfc(mpmath.mpc(z.imag, -z.real))
        for function, expected in ((VoigtK, w.real), (VoigtL, w.imag)):
            found = mpmath.mpmathify(function(*map(sp.Rational, point)).evalf(50))
            assert abs(found / expected - 1) < mpmath.mpf(10) ** -49


@given(at=st.floats(-50, 50), height=st.floats(-4, 50))
@settings(max_examples=60, deadline=None)
def test_scipy_agrees(at, height):
    witness = special.wofz(at + 1j * height)
    found = [float(f(sp.Float(at, 20), sp.Float(height, 20)).evalf(20)) for f in BOTH]
    assert abs(complex(*found) - witness) <= 1e-12 * abs(witness)


@pytest.mark.parametrize("function", BOTH)
@pytest.mark.parametrize("point", [("-2.5", "1.4"), ("1.5", "-0.8")])
@pytest.mark.parametrize("index", [1, 2])
def test_derivatives_agree_with_differences_of_the_definition(function, point, index):
    with mpmath.workdps(20):
        at = [mpmath.mpf(v) for v in point]
        order = (1, 0) if index == 1 else (0, 1)
        slope = mpmath.diff(lambda a, b: definition(function, a, b), at, order)
        exact = (
            function(x, y).fdiff(index).subs({x: sp.Rational(point[0]), y: sp.Rational(point[1])})
        )
        assert abs(mpmath.mpmathify(exact.evalf(30)) / slope - 1) < 1e-8


def test_the_parts_are_harmonic_conjugates():
    assert sp.expand(VoigtK(x, y).diff(x) - VoigtL(x, y).diff(y)) == 0
    assert sp.expand(VoigtK(x, y).diff(y) + VoigtL(x, y).diff(x)) == 0
    with pytest.raises(ArgumentIndexError):
        VoigtK(x, y).fdiff(3)
    with pytest.raises(ArgumentIndexError):
        VoigtL(x, y).fdiff(0)


def test_exact_values():
    assert VoigtK(0, y) == erfcx(y)
    assert VoigtL(0, y) == 0
    assert VoigtK(x, 0) == sp.exp(-(x**2))
    assert VoigtL(x, 0) == 2 * dawson(x) / sp.sqrt(sp.pi)
    assert VoigtK(-x, y) == VoigtK(x, y)
    assert VoigtL(-x, y) == -VoigtL(x, y)
    assert VoigtK(0, -sp.oo) is sp.oo
    for function in BOTH:
        assert function(sp.oo, y) == function(x, sp.oo) == function(-sp.oo, 2) == 0
        for bad in (sp.nan, sp.zoo):
            assert function(bad, y) is sp.nan
            assert function(x, bad) is sp.nan
        assert function(x, -sp.oo) is sp.nan


def test_assumptions():
    a, b = sp.symbols("a b", positive=True)
    w = sp.Symbol("w")
    assert VoigtK(x, b).is_positive
    assert VoigtK(x, y).is_positive is None
    assert VoigtL(a, b).is_positive
    assert VoigtL(-a, b).is_negative
    for function in BOTH:
        assert function(x, y).is_real
        assert function(x, y).is_finite
        assert function(w, y).is_real is None
        assert sp.conjugate(function(x, y)) == function(x, y)


@pytest.mark.parametrize("function", BOTH)
def test_rewriting_keeps_the_value(function):
    rewritten = function(x, y).rewrite(sp.erfc)
    assert not rewritten.has(function)
    for point in ((2, sp.Rational(1, 3)), (sp.Rational(-3, 2), -1)):
        here = rewritten.subs({x: point[0], y: point[1]}).evalf(40)
        assert abs(here - function(*point).evalf(40)) < 1e-38


@pytest.mark.parametrize("function", BOTH)
@pytest.mark.parametrize("along_x", [True, False])
def test_series_at_infinity_approach_the_function(function, along_x):
    t, fixed = sp.Symbol("t"), sp.Rational(7, 3)
    expr = function(t, y) if along_x else function(y, t)
    series = expr.series(t, sp.oo, 9).removeO()
    errors = []
    for far in (50, 100):
        value = expr.subs({t: far, y: fixed}).evalf(40)
        errors.append(abs(series.subs({t: far, y: fixed}).evalf(40) - value))
    # The first power left out is the ninth or the tenth.
    assert 2**8.8 < errors[0] / errors[1] < 2**10.3


def test_series_at_zero_and_limits():
    t, a = sp.Symbol("t"), sp.Symbol("a", positive=True)
    start = VoigtL(t, a).series(t, 0, 2).removeO()
    assert sp.expand(start - t * (2 / sp.sqrt(sp.pi) - 2 * a * erfcx(a))) == 0
    assert sp.limit(t**2 * VoigtK(t, a), t, sp.oo) == a / sp.sqrt(sp.pi)
    assert sp.limit(t * VoigtL(t, a), t, -sp.oo) == 1 / sp.sqrt(sp.pi)
    assert sp.limit(t * VoigtK(x, t), t, sp.oo) == 1 / sp.sqrt(sp.pi)


@pytest.mark.parametrize("function", BOTH)
def test_compiled_to_mpmath_at_its_precision(function):
    compiled = sp.lambdify((x, y), function(x, y) + 1, "mpmath")
    with mpmath.workdps(50):
        point = mpmath.mpf("1.25"), mpmath.mpf("0.5")
        assert abs(compiled(*point) - 1 - definition(function, *point)) < mpmath.mpf(10) ** -48
        edge = compiled(point[0], mpmath.mpf(0)) - 1
        assert abs(edge - mpmath.mpmathify(function(sp.Rational(5, 4), 0).evalf(50))) < 1e-48
    assert compiled(mpmath.inf, 1) == 1
    assert mpmath.isnan(compiled(mpmath.nan, 1))
    assert mpmath.isnan(compiled(mpmath.mpc(1, 1), 1))


@pytest.mark.parametrize("module", ["numpy", ["numpy", "scipy"], "math"])
def test_compiled_to_doubles(module):
    found = sp.lambdify((x, y), [VoigtK(x, y), VoigtL(x, y)], module)(0.5, 0.25)
    assert complex(*map(float, found)) == pytest.approx(
        special.wofz(0.5 + 0.25j), rel=1e-14, abs=0.0
    )


def test_latex_and_pickle():
    assert sp.latex(VoigtK(x, y)) == r"K\left(x, y\right)"
    assert sp.latex(VoigtL(x, y) ** 2) == r"L^{2}\left(x, y\right)"
    for function in BOTH:
        assert pickle.loads(pickle.dumps(function(x, y))) == function(x, y)
        assert function(x, sp.Rational(1, 3)).evalf().has(function)
