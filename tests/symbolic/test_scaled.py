"""erfcx and dawson against their definitions, integrated by mpmath, and against SciPy."""

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

BOTH = [erfcx, dawson]
POINTS = [
    sp.Integer(-6),
    -sp.sqrt(2),
    sp.Rational(-1, 10**12),
    sp.Rational(1, 7),
    sp.pi,
    sp.Integer(40),
    sp.Integer(10) ** 9,
]


def definition(function, at):
    """Value from the integral that defines it, with the exponentials joined before they grow.

    erfcx: (2/√π) ∫₀^∞ exp(−t² − 2xt) dt; dawson: ∫₀ˣ exp(t² − x²) dt, with t = x − s.
    """
    width = 1 / (1 + abs(at))
    ends = [0, *(width * 2**k for k in range(9))]
    if function is erfcx:
        if at < 0:
            return 2 * mpmath.exp(at**2) - definition(erfcx, -at)
        bulk = mpmath.quad(lambda t: mpmath.exp(-t * t - 2 * at * t), [*ends, mpmath.inf])
        return 2 / mpmath.sqrt(mpmath.pi) * bulk
    if at < 0:
        return -definition(dawson, -at)
    inside = [e for e in ends if e < at] + [at]
    return mpmath.quad(lambda s: mpmath.exp(s * s - 2 * at * s), inside)


@pytest.mark.parametrize("function", BOTH)
@pytest.mark.parametrize("point", POINTS, ids=str)
@pytest.mark.parametrize("digits", [15, 50])
def test_every_digit_agrees_with_the_definition(function, point, digits):
    with mpmath.workdps(digits + 25):
        expected = definition(function, mpmath.mpmathify(point.evalf(digits + 25)))
        found = mpmath.mpmathify(function(point).evalf(digits))
        assert abs(found / expected - 1) < mpmath.mpf(10) ** (1 - digits)


def test_arguments_at_which_the_exponential_has_no_double():
    # DLMF 7.12.1: the first term is right to 1/(2x²).
    large = sp.Integer(10) ** 200
    assert abs(erfcx(large).evalf(50) * large * sp.sqrt(sp.pi).evalf(60) - 1) < sp.Rational(
        1, 10**49
    )
    assert abs(dawson(large).evalf(50) * 2 * large - 1) < sp.Rational(1, 10**49)


@pytest.mark.parametrize(("function", "witness"), [(erfcx, special.erfcx), (dawson, special.dawsn)])
@given(at=st.floats(-20, 1e6))
@settings(max_examples=30, deadline=None)
def test_scipy_agrees(function, witness, at):
    assert float(function(sp.Float(at, 20)).evalf(20)) == pytest.approx(
        witness(at), rel=1e-13, abs=0.0
    )


@pytest.mark.parametrize("function", BOTH)
@pytest.mark.parametrize("at", ["-1.75", "0.3", "4.5"])
def test_derivatives_agree_with_differences_of_the_definition(function, at):
    with mpmath.workdps(25):
        for order in (1, 2):
            slope = mpmath.diff(lambda t: definition(function, t), mpmath.mpf(at), order)
            exact = function(x).diff(x, order).subs(x, sp.Rational(at)).evalf(30)
            assert abs(mpmath.mpmathify(exact) / slope - 1) < 1e-9


def test_exact_values():
    assert [erfcx(0), erfcx(sp.oo), erfcx(-sp.oo)] == [1, 0, sp.oo]
    assert [dawson(0), dawson(sp.oo), dawson(-sp.oo)] == [0, 0, 0]
    assert dawson(-x) == -dawson(x)
    for function in BOTH:
        assert function(sp.nan) is sp.nan
        assert function(sp.zoo) is sp.nan
        with pytest.raises(ArgumentIndexError):
            function(x).fdiff(2)


def test_on_the_imaginary_axis_they_are_one_anothers_parts():
    assert erfcx(sp.I * x) == sp.exp(-(x**2)) - 2 * sp.I * dawson(x) / sp.sqrt(sp.pi)
    assert dawson(sp.I * x) == sp.I * sp.sqrt(sp.pi) * sp.exp(x**2) * sp.erf(x) / 2


@pytest.mark.parametrize("at", [sp.Rational(1, 3) + sp.I / 2, -2 - 3 * sp.I, 5 - sp.I])
def test_complex_values_agree_with_the_definition(at):
    with mpmath.workdps(40):
        z = mpmath.mpc(*map(mpmath.mpmathify, at.evalf(40).as_real_imag()))
        found = [mpmath.mpmathify(function(at).evalf(30)) for function in BOTH]
        integral = mpmath.quad(lambda t: z * mpmath.exp((z * t) ** 2 - z**2), [0, 1])
        assert mpmath.almosteq(found[0], mpmath.exp(z**2) * mpmath.erfc(z), 1e-29)
        assert mpmath.almosteq(found[1], integral, 1e-29)


def test_assumptions():
    positive, negative = sp.Symbol("a", positive=True), sp.Symbol("b", negative=True)
    w = sp.Symbol("w")
    assert erfcx(x).is_positive
    assert dawson(positive).is_positive
    assert dawson(negative).is_negative
    assert dawson(x).is_positive is None
    for function in BOTH:
        assert function(x).is_real
        assert function(x).is_finite
        assert function(w).is_real is None
        assert sp.conjugate(function(x)) == function(x)
        assert sp.conjugate(function(w)) == function(sp.conjugate(w))


@pytest.mark.parametrize(("function", "form"), [(erfcx, sp.erfc), (dawson, sp.erfi)])
def test_rewriting_keeps_the_value(function, form):
    rewritten = function(x).rewrite(form)
    assert not rewritten.has(function)
    for point in (sp.Rational(-5, 2), sp.Rational(7, 3)):
        assert abs(rewritten.subs(x, point).evalf(40) / function(point).evalf(40) - 1) < 1e-37


def test_series_at_zero_and_at_infinity():
    t = sp.Symbol("t")
    # DLMF 7.6.1 and 7.12.1.
    assert dawson(t).series(t, 0, 6) == t - 2 * t**3 / 3 + 4 * t**5 / 15 + sp.O(t**6)
    assert erfcx(t).series(t, 0, 3) == 1 - 2 * t / sp.sqrt(sp.pi) + t**2 + sp.O(t**3)
    far = dawson(t).series(t, sp.oo, 6).removeO()
    assert sp.expand(far - (1 / (2 * t) + 1 / (4 * t**3) + sp.Rational(3, 8) / t**5)) == 0
    far = erfcx(t).series(t, sp.oo, 6).removeO() * sp.sqrt(sp.pi)
    assert sp.expand(far - (1 / t - 1 / (2 * t**3) + sp.Rational(3, 4) / t**5)) == 0


def test_limits():
    t = sp.Symbol("t")
    assert sp.limit(t * erfcx(t), t, sp.oo) == 1 / sp.sqrt(sp.pi)
    assert sp.limit(erfcx(t) * sp.exp(-(t**2)), t, -sp.oo) == 2
    assert sp.limit(t * dawson(t), t, -sp.oo) == sp.S.Half
    assert sp.limit((1 - erfcx(t)) / t, t, 0) == 2 / sp.sqrt(sp.pi)


@pytest.mark.parametrize("function", BOTH)
def test_compiled_to_mpmath_at_its_precision(function):
    compiled = sp.lambdify(x, 2 * function(x), "mpmath", cse=True)
    with mpmath.workdps(60):
        at = mpmath.mpf("7.25")
        assert abs(compiled(at) / (2 * definition(function, at)) - 1) < mpmath.mpf(10) ** -58
    assert mpmath.isnan(compiled(mpmath.nan))
    assert compiled(mpmath.inf) == 0


@pytest.mark.parametrize("module", ["numpy", ["numpy", "scipy"], "math"])
def test_compiled_to_doubles(module):
    compiled = sp.lambdify(x, [erfcx(x), dawson(x)], module)
    found = [float(value) for value in compiled(3.5)]
    assert found == pytest.approx([special.erfcx(3.5), special.dawsn(3.5)], rel=1e-14, abs=0.0)


def test_latex_and_pickle():
    assert sp.latex(erfcx(x)) == r"\operatorname{erfcx}\left(x\right)"
    assert sp.latex(dawson(x) ** 2) == r"\operatorname{F}^{2}\left(x\right)"
    for function in BOTH:
        assert pickle.loads(pickle.dumps(function(x + 1))) == function(x + 1)
        assert function(x + sp.Rational(1, 3)).evalf().has(function)
