"""The two-variable oracle against moments, one-dimensional integrals and nested quadrature."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
import sympy as sp
from mpmath import fp, mp, mpf

from freejac.symbolic import bivariate_quadrature, bivariate_search
from freejac.symbolic.bivariate_quadrature import gaussian_mean2
from freejac.symbolic.errors import DomainError, NotConvergedError
from freejac.symbolic.functions import Phi
from freejac.symbolic.piecewise import decompose
from freejac.symbolic.symbols import parameter, x

R = sp.Rational
NEAR = 1 - R(1, 10**12)
SLOPE = decompose(sp.tanh(x)).derivative()
RELU = decompose(sp.Max(0, x))
BUMPY = decompose(
    sp.Piecewise(
        (x**2 * sp.exp(-(x**2) / 3 + x), x < -1),
        (sp.cos(3 * x + 1), x < R(1, 2)),
        (x * sp.erf(2 * x), True),
    )
)
KINKED = decompose(sp.Piecewise((x * sp.exp(x / 2), x < -2), (x**3 * sp.exp(-(x**2)), True)))


@pytest.fixture(autouse=True)
def sixty_digits():
    with mp.workdps(60):
        yield


def number(value):
    return mpf(value.p) / value.q if isinstance(value, sp.Rational) else mpf(value)


def relative(value, expected):
    return abs(value / expected - 1)


def pairings(labels):
    """All ways to split a list into pairs, enumerated by the partner of the first entry."""
    if not labels:
        yield []
        return
    first, rest = labels[0], labels[1:]
    for k, partner in enumerate(rest):
        for others in pairings(rest[:k] + rest[k + 1 :]):
            yield [(first, partner), *others]


@pytest.mark.parametrize(("n", "m"), [(1, 1), (2, 2), (1, 3), (3, 3), (4, 2)])
@pytest.mark.parametrize(
    ("q1", "q2", "c"),
    [
        (1, 1, R(1, 2)),
        (R(1, 10**6), 10**6, R(-9, 10)),
        (2, 3, NEAR),
        (10**6, 10**6, -NEAR),
        (5, R(1, 7), 1),
        (5, R(1, 7), -1),
    ],
)
def test_moments_are_sums_over_pairings(n, m, q1, q2, c):
    # Isserlis: E of a product is the sum over pairings of products of covariances.
    shared = number(c) * mpmath.sqrt(number(q1) * number(q2))
    covariance = {(1, 1): number(q1), (2, 2): number(q2), (1, 2): shared}
    expected = mpmath.fsum(
        mpmath.fprod(covariance[pair] for pair in pairing)
        for pairing in pairings([1] * n + [2] * m)
    )
    assert relative(gaussian_mean2(decompose(x**n), decompose(x**m), q1, q2, c), expected) < 1e-29


@pytest.mark.parametrize("q1", [R(1, 10**6), 4, 10**6])
def test_without_correlation_the_mean_is_a_product(q1):
    def line(function, q, ends):
        width = mpmath.sqrt(number(q))
        scaled = sorted({-14, *(e / width for e in ends), *range(-3, 4), 14})
        inside = [e for e in scaled if -14 <= e <= 14]
        return mpmath.quad(lambda z: function(width * z) * mpmath.npdf(z), inside)

    second = line(lambda t: t**3 * mpmath.exp(-t * t) if t > -2 else t * mpmath.exp(t / 2), 3, [-2])
    first = line(lambda t: max(t, 0), q1, [0])
    value = gaussian_mean2(RELU, KINKED, q1, 3, 0)
    assert abs(value - first * second) < mpf(10) ** -28 * first


@pytest.mark.parametrize("sign", [1, -1])
def test_full_correlation_is_one_integral(sign):
    # u₂ = ±√(q₂/q₁) u₁, here with q₁ = 2 and q₂ = 8.
    def integrand(z):
        u, v = mpmath.sqrt(2) * z, sign * mpmath.sqrt(8) * z
        return max(u, 0) * mpmath.cos(v) * (1 if v < 1 else 3) * mpmath.npdf(z)

    split = sorted([-14, -4, -2, -1, 0, 1, 2, 4, 14, sign / mpmath.sqrt(8)])
    wave = decompose(sp.Piecewise((sp.cos(x), x < 1), (3 * sp.cos(x), True)))
    assert abs(gaussian_mean2(RELU, wave, 2, 8, sign) - mpmath.quad(integrand, split)) < 1e-29


def nested(f, g, q1, q2, c, f_ends, g_ends):
    """∫ f ∫ g by mpmath's own quadrature in doubles, the inner one split at g's breakpoints."""
    s, r1, r2 = math.sqrt(1 - c * c), math.sqrt(q1), math.sqrt(q2)

    def given(z):
        ends = [(e / r2 - c * z) / s for e in g_ends]
        split = sorted([-9, -3, 0, 3, 9, *(e for e in ends if -9 < e < 9)])
        return fp.quad(lambda w: g(r2 * (c * z + s * w)) * fp.npdf(w), split)

    split = sorted([-9, -3, 0, 3, 9, *(e / r1 for e in f_ends)])
    return fp.quad(lambda z: f(r1 * z) * given(z) * fp.npdf(z), split)


def crossed(f, g, q, c):
    """E[f g] over y = (u₁ ± u₂)/2 and z = (u₁ ∓ u₂)/2, y the wider; f or g decays like exp(−|u|).

    Both are independent and smooth on the scale of f or narrower, so that equal panels resolve
    everything.
    """
    sign = 1 if c > 0 else -1
    roots = [math.sqrt(q * share / 2) for share in (1 + abs(c), 1 - abs(c))]
    nodes, weights = np.polynomial.legendre.leggauss(20)
    lines = []
    for root in roots:
        ends = np.linspace(-1, 1, 41) * min(9 * root, 20)
        middle, half = (ends[1:] + ends[:-1]) / 2, (ends[1] - ends[0]) / 2
        t = (middle[:, None] + half * nodes).ravel()
        law = np.exp(-((t / root) ** 2) / 2) / (root * math.sqrt(2 * math.pi))
        lines.append((t, np.tile(half * weights, 40) * law))
    (y, over_y), (z, over_z) = lines
    values = f(y[:, None] + z) * g(sign * (y[:, None] - z))
    return math.fsum((over_y[:, None] * over_z * values).ravel())


def slope(u):
    return 1 / np.cosh(u) ** 2


def bend(u):
    return -2 * np.tanh(u) / np.cosh(u) ** 2


@pytest.mark.parametrize(
    ("order", "q", "c"),
    [
        (1, 16379.6, -1 + 2.0**-52),
        (1, 16379.6, 0.9999),
        (1, 1e6, -1 + 1e-9),
        (1, 1e12, 1 - 1e-10),
        (1, 1e12, -1 + 1e-12),
        (1, 1e12, 0.999),
        (2, 1e9, 0.02),
        (2, 1e9, -1 + 1e-8),
        (2, 16379.6, -0.999999),
    ],
)
def test_functions_that_are_narrow_on_the_scale_of_the_law(order, q, c):
    function, curve = (slope, SLOPE) if order == 1 else (bend, SLOPE.derivative())
    size = crossed(lambda u: abs(function(u)), lambda u: abs(function(u)), q, c)
    expected = crossed(function, function, q, c)
    assert abs(gaussian_mean2(curve, curve, q, q, c, 16) - expected) < 1e-13 * size


def test_what_is_too_rough_is_refused_after_a_bounded_effort(monkeypatch):
    monkeypatch.setattr(bivariate_quadrature, "_EFFORT", 20_000)
    rough = decompose(sp.sin(10**7 * x))
    for c in (R(1, 2), 1 - R(1, 10**8)):
        with pytest.raises(NotConvergedError, match="effort"):
            gaussian_mean2(rough, rough, 1, 1, c, 12)


def test_a_ridge_of_too_many_squares_is_refused(monkeypatch):
    monkeypatch.setattr(bivariate_search, "_MOST_CELLS", 100)
    with pytest.raises(NotConvergedError, match="too many panels"):
        gaussian_mean2(RELU, RELU, 1, 1, R(99, 100), 12)


@pytest.mark.parametrize("c", ["0.5", "-0.3"])
def test_mild_points_by_nested_quadrature(c):
    expected = nested(
        lambda t: max(t, 0), lambda t: math.erf(t) if t < 1 else t, 2, 3, float(c), [0], [1]
    )
    second = decompose(sp.Piecewise((sp.erf(x), x < 1), (x, True)))
    assert abs(gaussian_mean2(RELU, second, 2, 3, R(c), 20) - expected) < 1e-12


@pytest.mark.parametrize("c", [R(1, 3), R(-9, 10), NEAR])
@pytest.mark.parametrize("scale", [1, 20])
def test_functions_that_cancel_far_out(c, scale):
    # 1 − tanh and 1 − tanh² are rounding errors at large x, where a search begins; written by
    # exponentials they are not, and the nested integral needs neither.
    cases = [
        (1 - sp.tanh(x / scale) ** 2, 4 / (sp.exp(x / scale) + sp.exp(-x / scale)) ** 2),
        (1 - sp.tanh(x / scale), 2 / (1 + sp.exp(2 * x / scale))),
    ]
    for cancelling, stable in cases:
        first, second = decompose(cancelling), decompose(stable)
        found = gaussian_mean2(first, first, 1, 2, c)
        assert relative(found, gaussian_mean2(second, second, 1, 2, c)) < 1e-28
        if c == R(1, 3) and scale == 1:
            plain = sp.lambdify(x, stable, "math")
            assert abs(found - nested(plain, plain, 1, 2, float(c), [], [])) < 1e-12


@pytest.mark.parametrize(
    ("q1", "q2", "c"),
    [(10**4, 10**4, R(1, 2)), (R(1, 100), 10**6, R(-99, 100)), (10**4, 10**4, NEAR)],
)
def test_mass_far_out_in_several_places_is_found(q1, q2, c):
    # E e^{±u₁ ± u₂} from the variance of the sum; cosh·cosh is the mean of the four.
    a, b, shared = number(q1), number(q2), number(c) * mpmath.sqrt(number(q1) * number(q2))
    expected = (mpmath.exp((a + b) / 2 + shared) + mpmath.exp((a + b) / 2 - shared)) / 2
    cosh = decompose(sp.cosh(x))
    assert relative(gaussian_mean2(cosh, cosh, q1, q2, c), expected) < 1e-29


@pytest.mark.parametrize("c", [R(9, 10), R(96, 100)])
def test_growth_that_the_density_just_holds(c):
    # E e^{(u₁² + u₂²)/4} = det(1 − Σ/2)^{−1/2}: the ridge of the density is almost undone.
    steep = decompose(sp.exp(x**2 / 4))
    expected = 1 / mpmath.sqrt((1 - (1 + number(c)) / 2) * (1 - (1 - number(c)) / 2))
    assert relative(gaussian_mean2(steep, steep, 1, 1, c, 20), expected) < 1e-19


HARD = {
    "kinks, c near 1": (BUMPY, KINKED, 2, 3, NEAR),
    "kinks, c near -1": (RELU, KINKED, 2, 3, -NEAR),
    "kinks on a ridge": (BUMPY, KINKED, 2, 3, R(999, 1000)),
    "ratio of variances": (RELU, BUMPY, 10**6, 1, R(7, 10)),
    "waves": (decompose(sp.cos(20 * x)), BUMPY, 1, 1, R(99, 100)),
    "narrow law": (BUMPY, RELU, 10**4, 10**4, 1 - R(1, 10**6)),
    "opposite tails": (
        decompose(sp.Heaviside(x - 1)),
        decompose(sp.Heaviside(-x - 1)),
        1,
        1,
        R(9, 10),
    ),
}


@pytest.mark.parametrize("name", HARD)
def test_more_digits_agree(name):
    # Another number of digits is another rule on other panels.
    coarse, fine = gaussian_mean2(*HARD[name]), gaussian_mean2(*HARD[name], 45)
    assert relative(coarse, fine) < 1e-28


def test_the_order_of_the_functions_does_not_matter():
    assert (
        relative(
            gaussian_mean2(BUMPY, KINKED, 2, 3, NEAR), gaussian_mean2(KINKED, BUMPY, 3, 2, NEAR)
        )
        < mpf(10) ** -28
    )


@pytest.mark.parametrize("c", [R(-9999, 10000), R(-9, 10), NEAR])
def test_far_out_the_density_is_steep(c):
    # E[u₁; u₂ > 499√q₂] = c√q₁ times the standard density at 499, from E[u₁ | u₂] ∝ u₂.
    step = decompose(sp.Heaviside(x - 499))
    expected = number(c) * 100 * mpmath.npdf(mpf(499))
    assert relative(gaussian_mean2(decompose(x), step, 10**4, 1, c), expected) < 1e-29
    assert relative(gaussian_mean2(step, decompose(x), 1, 10**4, c), expected) < 1e-29


@pytest.mark.parametrize("c", [R(1, 2), R(-9, 10), NEAR, 1])
@pytest.mark.parametrize(("q1", "q2"), [(1, 1), (R(3, 2), R(1, 2)), (R(1, 100), 10**4)])
def test_what_cancels_far_out_is_not_lost(q1, q2, c):
    # Beyond the origin 1 − tanh² is but a rounding error, of no use as an estimate of its size.
    means = [
        gaussian_mean2(decompose(f), decompose(f), q1, q2, c, 25)
        for f in (1 - sp.tanh(x) ** 2, 1 / sp.cosh(x) ** 2)
    ]
    assert relative(*means) < 1e-23


@pytest.mark.parametrize("c", [R(9999, 10000), R(-9999, 10000)])
def test_where_a_function_is_all_rounding_error_there_is_nothing(c):
    # 1 − tanh² at 100 is a rounding error on whole panels; the product is analytic in a strip, so
    # that the trapezoidal rule of step 1/8 is good to 20 digits.
    slope, q = decompose(1 - sp.tanh(x) ** 2), 10**4
    grid = [k / mpf(8) for k in range(-220, 221)]
    with mp.workdps(30):
        rate, cc = 1 / (2 * q * (1 - mpf(c.p) ** 2 / c.q**2)), mpf(c.p) / c.q
        ours = [(t, mpmath.sech(t) ** 2 * mpmath.exp(-rate * t * t)) for t in grid]
        total = mpmath.fsum(
            p * r * mpmath.exp(2 * cc * rate * a * b)
            for a, p in ours
            for b, r in ours
            if abs(a) + abs(b) < 27
        )
        norm = 64 * 2 * mp.pi * q * mpmath.sqrt(1 - cc**2)
    assert mpmath.almosteq(gaussian_mean2(slope, slope, q, q, c, 20), total / norm, 1e-19)


@pytest.mark.parametrize("at", [-3, R(1, 7), 2])
def test_a_narrow_peak_off_centre_is_not_lost(at):
    peak = sp.tanh(3 * (x - at))
    means = [
        gaussian_mean2(decompose(f), decompose(sp.exp(x) * f), R(7, 5), 9, R(2, 5), 25)
        for f in (1 - peak**2, 1 / sp.cosh(3 * (x - at)) ** 2)
    ]
    assert relative(*means) < 1e-23


def test_mass_on_both_sides_of_a_bend_is_found():
    # The mean of g given u₁ by Stein's identity, the rest in one dimension.
    f, g = -8 * x**3 * Phi(2 * x - 2) / 5, -2 * x * Phi(7 * x / 3 + 1)
    q1, q2, c = R(787, 10), R(376000), R(-541, 1000)
    spread, pull = mpmath.sqrt(number(q1)), number(c) * mpmath.sqrt(number(q2 / q1))
    rest, slope = number(q2 * (1 - c**2)), mpf(7) / 3
    width = mpmath.sqrt(1 + slope**2 * rest)

    def given(u):
        level = (slope * pull * u + 1) / width
        return -2 * (pull * u * mpmath.ncdf(level) + rest * slope / width * mpmath.npdf(level))

    def weighted(u):
        return -8 * u**3 * mpmath.ncdf(2 * u - 2) / 5 * given(u) * mpmath.npdf(u, 0, spread)

    expected = mpmath.quad(weighted, [-200, -60, -20, -5, -1, 0, 1, 2, 5, 10, 20, 60, 200])
    assert relative(gaussian_mean2(decompose(f), decompose(g), q1, q2, c, 25), expected) < 1e-23


def test_few_digits_are_right_on_panels_of_many_strips():
    # A wide wave with breakpoints against a narrow one: many strips, and tilts in between.
    narrow = decompose((x - R(29, 7)) * sp.exp(-11 * x**2 / 20 + x / 7) * sp.cos(x - 2))
    wave = sp.Piecewise((sp.cos(6 * x + R(7, 5)), x < -1), (sp.cos(2 * x) * sp.erf(9 * x), True))
    args = narrow, decompose(wave), R(4, 3), 1300, R(-9, 10)
    assert abs(gaussian_mean2(*args, 15) - gaussian_mean2(*args, 40)) < 1e-14


def density(a, b, q1, q2, c):
    quadratic = a * a / q1 - 2 * c * a * b / mpmath.sqrt(q1 * q2) + b * b / q2
    scale = 2 * mp.pi * mpmath.sqrt(q1 * q2 * (1 - c * c))
    return mpmath.exp(-quadratic / (2 * (1 - c * c))) / scale


@pytest.mark.parametrize("order", [0, 1, 2])
def test_a_dirac_delta_is_a_derivative_of_the_density(order):
    # E[δ⁽ᵏ⁾(u₁ − 1) max(u₂, 0)] = (−1)ᵏ ∫ v ∂ᵏ p(1, v) dv.
    def slope(v):
        return mpmath.diff(lambda a: density(a, v, mpf(2), mpf(3), mpf("0.5")), 1, order)

    with mp.workdps(25):
        expected = (-1) ** order * mpmath.quad(lambda v: v * slope(v), [0, 2, 5, 10, 20])
    delta = decompose(sp.DiracDelta(x - 1, order) if order else sp.DiracDelta(x - 1))
    assert relative(gaussian_mean2(delta, RELU, 2, 3, R(1, 2), 20), expected) < 1e-15


def test_two_dirac_deltas_are_the_density():
    first, second = decompose(3 * sp.DiracDelta(x - 1)), decompose(sp.DiracDelta(x + 2))
    expected = 3 * density(mpf(1), mpf(-2), mpf(2), mpf(3), mpf("0.5"))
    assert relative(gaussian_mean2(first, second, 2, 3, R(1, 2)), expected) < 1e-29


def test_a_dirac_delta_at_full_correlation():
    # u₂ = √(3/2) u₁, so that the delta leaves √(3/2) p(1).
    value = gaussian_mean2(decompose(sp.DiracDelta(x - 1)), RELU, 2, 3, 1)
    expected = mpmath.sqrt(mpf(3) / 2) * mpmath.npdf(1, 0, mpmath.sqrt(2))
    assert relative(value, expected) < 1e-29


def test_parameters_enter_exactly():
    edge = parameter("edge", positive=True)
    step = decompose(sp.Piecewise((1, x > edge), (0, True)))
    fixed = decompose(sp.Piecewise((1, x > R(7, 2)), (0, True)))
    value = gaussian_mean2(step, RELU, 4, 1, R(1, 3), 30, {edge: R(7, 2)})
    assert value == gaussian_mean2(fixed, RELU, 4, 1, R(1, 3), 30)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ((0, 1, 0), "q1 must be positive"),
        ((1, -1, 0), "q2 must be positive"),
        ((float("nan"), 1, 0), "finite"),
        ((1, float("inf"), 0), "finite"),
        ((1, 1, 1.5), "correlation"),
        ((1, 1, float("nan")), "correlation"),
    ],
)
def test_bad_numbers_are_refused(numbers, message):
    with pytest.raises(DomainError, match=message):
        gaussian_mean2(RELU, RELU, *numbers)


@pytest.mark.parametrize("c", [0, R(1, 2), 1])
def test_infinite_means_are_refused(c):
    with pytest.raises(DomainError, match="infinite"):
        gaussian_mean2(decompose(sp.exp(x**2)), RELU, 1, 1, c, 20)


def test_missing_parameters_are_named():
    with pytest.raises(DomainError, match="slope"):
        gaussian_mean2(decompose(parameter("slope") * x), RELU, 1, 1, R(1, 2))


def test_coinciding_deltas_are_refused():
    delta = decompose(sp.DiracDelta(x - 1))
    with pytest.raises(DomainError, match="Dirac"):
        gaussian_mean2(delta, delta, 1, 1, 1)
