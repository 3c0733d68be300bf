"""Laws as objects: transforms, ⊞ and ⊠ as laws of arithmetic, atoms, refusals."""

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp

from freejac.symbolic import laws
from freejac.symbolic.derivative_law import derivative_law, general_law
from freejac.symbolic.errors import DomainError, NoClosedForm
from freejac.symbolic.series import from_expr
from freejac.symbolic.symbols import depth, p, q, sigma_w, z

HALF = sp.S.Half
COIN = laws.atomic([(-1, HALF), (1, HALF)])
COUNT = 6


def rational(f):
    return sp.Rational(f.numerator, f.denominator)


POSITIVE = st.fractions(min_value=sp.Rational(1, 6), max_value=4, max_denominator=6).map(rational)
PROPER = st.fractions(min_value=sp.Rational(1, 9), max_value=sp.Rational(8, 9), max_denominator=9)


@st.composite
def atomic_laws(draw, low=0):
    share = rational(draw(PROPER))
    first, second = draw(st.integers(low, 2)), draw(st.integers(3, 5))
    return laws.atomic([(first, share), (second, 1 - share)])


POSITIVE_LAWS = st.one_of(
    atomic_laws(),
    POSITIVE.map(laws.marchenko_pastur),
    st.builds(laws.free_poisson, POSITIVE, POSITIVE),
    PROPER.map(lambda f: laws.bernoulli(rational(f))),
)
REAL_LAWS = st.one_of(POSITIVE_LAWS, POSITIVE.map(laws.semicircle), atomic_laws(low=-4))


def same(first, second, count=COUNT):
    assert first.moments(count) == second.moments(count)


@settings(max_examples=12, deadline=None)
@given(REAL_LAWS, REAL_LAWS, REAL_LAWS)
def test_free_addition_is_a_commutative_monoid(a, b, c):
    same(a + b, b + a)
    same((a + b) + c, a + (b + c))
    same(a + laws.point_mass(0), a)
    same(a + laws.point_mass(3), a + 3)


@settings(max_examples=12, deadline=None)
@given(POSITIVE_LAWS, POSITIVE_LAWS, POSITIVE_LAWS)
def test_free_multiplication_is_a_commutative_monoid(a, b, c):
    same(a * b, b * a)
    same((a * b) * c, a * (b * c))
    same(a * laws.point_mass(1), a)
    same(a * laws.point_mass(2), 2 * a)
    same(a.free_power(3), a * a * a)


@settings(max_examples=12, deadline=None)
@given(POSITIVE_LAWS, POSITIVE_LAWS)
def test_r_adds_and_s_multiplies(a, b):
    """Of laws rebuilt from their moments alone, so that the transforms have to be derived."""
    total, product = (laws.from_moments(law.moments(COUNT)) for law in (a + b, a * b))
    assert (a.r_series(COUNT) + b.r_series(COUNT)) == total.r_series(COUNT)
    assert (a.s_series(COUNT) * b.s_series(COUNT)) == product.s_series(COUNT)


@settings(max_examples=15, deadline=None)
@given(REAL_LAWS, POSITIVE, st.integers(-2, 2))
def test_affine_maps_move_moments(law, factor, offset):
    """E[(aX + b)ᵏ] by the binomial theorem."""
    moved, known = factor * law - offset, (1, *law.moments(4))
    for k in range(1, 5):
        direct = sum(
            sp.binomial(k, j) * factor**j * known[j] * (-offset) ** (k - j) for j in range(k + 1)
        )
        assert moved.moment(k) == direct
    same(-1 * -law, law)
    same((law + 1) - 1, law)
    same((3 * law) / 3, law)


@settings(max_examples=20, deadline=None)
@given(REAL_LAWS)
def test_closed_transforms_have_the_series(law):
    """Each closed form, expanded, against the coefficients from the moments."""
    t = sp.Dummy("t", positive=True)
    g = from_expr(law.stieltjes.subs(z, 1 / t), t, COUNT)
    assert g == law.g_series(COUNT)
    for n in range(1, 4):
        r = from_expr(law.r_transform + 1 / z, z, 5)
        assert sp.simplify(r.coefficient(n - 1) - law.free_cumulant(n)) == 0
    if law.mean != 0:
        found = from_expr(law.s_transform, z, 3)
        expected = law.s_series(3)
        for n in range(3):
            assert sp.simplify(found.coefficient(n) - expected.coefficient(n)) == 0
        inverse = from_expr(law.inverse_mgf, z, 3)
        for n in range(-1, 2):
            difference = inverse.coefficient(n) - law.inverse_mgf_series(3).coefficient(n)
            assert sp.simplify(difference) == 0


def test_the_semicircle_of_the_seed():
    """Seed 001, problem set 3, problem 2: G, Blue's function, R, and p H_1 + (1−p) H_2."""
    assert sp.simplify(laws.gue().stieltjes - (z - sp.sqrt(z**2 - 4)) / 2) == 0
    goe = laws.goe()
    assert sp.simplify(goe.stieltjes - (z - sp.sqrt(z**2 - 2))) == 0
    assert sp.cancel(goe.blue - (z / 2 + 1 / z)) == 0
    mixed = p * goe + (1 - p) * goe
    assert sp.expand(mixed.r_transform - (p**2 + (1 - p) ** 2) * z / 2) == 0
    same(mixed, laws.semicircle((p**2 + (1 - p) ** 2) / 2), 4)
    assert mixed.equation.expr == laws.semicircle((p**2 + (1 - p) ** 2) / 2).equation.expr


def test_known_moments():
    """OEIS: Catalan (A000108), central binomial (A000984), Fuss–Catalan (A001764) numbers."""
    assert laws.marchenko_pastur().moments(5) == (1, 2, 5, 14, 42)
    assert laws.arcsine().moments(8)[1::2] == (2, 6, 20, 70)
    same(COIN + COIN, laws.arcsine())
    assert laws.fuss_catalan(2).moments(5) == (1, 3, 12, 55, 273)
    for k in range(1, 5):
        count = laws.fuss_catalan().moment(k)
        for layers in (1, 2, 5):
            fuss = sp.binomial((layers + 1) * k, k) / (layers * k + 1)
            assert count.subs(depth, layers) == fuss


def test_marchenko_pastur_is_free_poisson():
    for ratio in (sp.Rational(1, 10), sp.S.One, sp.Integer(10)):
        same(laws.marchenko_pastur(ratio), laws.free_poisson(1 / ratio, ratio))
    assert sp.cancel(laws.marchenko_pastur(q).s_transform - 1 / (1 + q * z)) == 0


def test_symbolic_depth_of_a_power():
    network = laws.bernoulli() * (sigma_w**2 * laws.marchenko_pastur())
    power = network.free_power(depth)
    assert power.moment(1) == (p * sigma_w**2) ** depth
    found = power.moment(2) / power.moment(1) ** 2
    assert sp.simplify(found - (depth + p) / p) == 0


def test_derivative_laws_are_laws():
    relu, tanh = derivative_law("relu"), derivative_law("tanh")
    assert isinstance(relu, laws.Law)
    assert isinstance(tanh, laws.Law)
    assert relu.atoms() == ((0, HALF), (1, HALF))
    assert (relu * laws.marchenko_pastur()).moments(2) == (HALF, sp.Rational(3, 4))
    product = general_law() * laws.marchenko_pastur()
    mu1, mu2 = general_law().moments(2)
    assert sp.expand(product.moment(2) - mu2 - mu1**2) == 0
    with pytest.raises(NoClosedForm, match="atoms"):
        _ = tanh.r_transform


def test_limits_have_mean_one_and_their_variance():
    v = sp.Rational(1, 3)
    for law in (laws.bernoulli_limit(v), laws.smooth_limit(v)):
        assert law.moment(1) == 1
        assert law.variance == v


@pytest.mark.parametrize("make", [laws.bernoulli_limit, laws.smooth_limit])
def test_limits_have_densities(make):
    """First and second moment with the atom at the top, 1e-10; G against the moment series."""
    law = make(q).subs({q: sp.Rational(1, 3)})
    ((low, high),) = law.support(20)
    totals = sum(
        (float(mass) * np.array([float(place), float(place) ** 2]))
        for place, mass in [*law.numeric_atoms(), (mp.zero, mp.zero)]
    )
    points, weights = np.polynomial.legendre.leggauss(120)
    start = mp.log(low) if low else mp.log(high) - 60  # λρ is integrable at a hard edge
    middle, half = (mp.log(high) + start) / 2, (mp.log(high) - start) / 2
    lam = [mp.exp(middle + half * mp.sin(mp.pi / 2 * t)) for t in points]
    slope = [x * half * mp.pi / 2 * mp.cos(mp.pi / 2 * t) for x, t in zip(lam, points, strict=True)]
    for x, s, w, rho in zip(lam, slope, weights, law.density(lam), strict=True):
        totals += [float(w * s * rho * x), float(w * s * rho * x**2)]
    assert totals == pytest.approx([1, 4 / 3], rel=1e-10, abs=0.0)
    point = 60 + 20j
    series = sum(complex(m) / point ** (k + 1) for k, m in enumerate((1, *law.moments(14))))
    assert abs(complex(law.stieltjes_at(point)) - series) < 1e-12
    with pytest.raises(DomainError, match="upper half-plane"):
        law.stieltjes_at(1 - 1j)
    with pytest.raises(DomainError, match="value for q"):
        make(q).density(1)


def test_atoms_of_sums_and_products():
    """Bercovici and Voiculescu (1998): masses above 1 together, by the excess."""
    heavy = laws.atomic([(0, sp.Rational(9, 10)), (5, sp.Rational(1, 10))])
    light = laws.atomic([(1, sp.Rational(3, 10)), (2, sp.Rational(7, 10))])
    assert set((heavy + light).atoms()) == {(1, sp.Rational(1, 5)), (2, sp.Rational(3, 5))}
    assert (heavy * light).atoms() == ((0, sp.Rational(9, 10)),)
    assert (COIN + COIN).atoms() == ()
    top = laws.projection(sp.Rational(9, 10)).free_power(4)
    assert set(top.atoms()) == {(0, sp.Rational(1, 10)), (1, sp.Rational(3, 5))}
    assert laws.marchenko_pastur(4).atoms() == ((0, sp.Rational(3, 4)),)
    assert laws.marchenko_pastur(HALF).atoms() == ()
    assert (2 * heavy + 1).atoms() == ((1, sp.Rational(9, 10)), (11, sp.Rational(1, 10)))


def test_numbers_put_in():
    law = (laws.bernoulli() * laws.marchenko_pastur(q) + 1).subs({p: HALF, q: 2})
    same(law, laws.bernoulli(HALF) * laws.marchenko_pastur(2) + 1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: laws.semicircle().s_transform, "mean 0"),
        (lambda: COIN.s_series(3), "mean 0"),
        (lambda: COIN * laws.marchenko_pastur(), "mean 0"),
        (lambda: COIN.free_power(2), "mean 0"),
        (lambda: (laws.marchenko_pastur() - 1).inverse_mgf, "mean 0"),
        (lambda: laws.bernoulli(0), "probability"),
        (lambda: laws.projection(sp.Rational(3, 2)), "probability"),
        (lambda: laws.projection(-1), "probability"),
        (lambda: laws.bernoulli(1.2), r"probability must lie in \(0, 1\], not 1\.2$"),
        (lambda: laws.semicircle(-1), "variance must be positive"),
        (lambda: laws.marchenko_pastur(0), "ratio must be positive"),
        (lambda: laws.free_poisson(-1), "rate must be positive"),
        (lambda: laws.atomic([(0, HALF)]), "add to"),
        (lambda: laws.atomic([(sp.oo, 1)]), "finite"),
        (lambda: laws.atomic([(0, 2), (1, -1)]), "probability"),
        (lambda: laws.fuss_catalan(HALF), "≥ 1"),
        (lambda: laws.marchenko_pastur() * sp.nan, "factor"),
        (lambda: laws.from_s_transform(1 / z), "regular"),
        (lambda: laws.from_r_transform(1 / z), "regular"),
        (lambda: laws.from_moments([1, 2]).moment(3), "moments"),
        (lambda: laws.semicircle().moment(-1), "order"),
        (lambda: laws.semicircle().free_cumulant(0), "order"),
        (lambda: laws.marchenko_pastur(q).density(1), "give rational values for q"),
        (lambda: laws.semicircle().density(sp.nan), "finite"),
        (lambda: laws.semicircle().density(0, digits=0), "digits"),
    ],
)
def test_refusals_are_one_clear_line(make, message):
    with pytest.raises(DomainError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)
