"""Algebraic laws: densities against textbook formulas, total mass, moments, simulation."""

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp

from freejac.symbolic import laws
from freejac.symbolic.algebraic_law import green
from freejac.symbolic.errors import DomainError
from freejac.symbolic.symbols import z

HALF, THIRD = sp.S.Half, sp.Rational(1, 3)
COIN = laws.atomic([(-1, HALF), (1, HALF)])
THREE = laws.atomic([(0, THIRD), (1, THIRD), (3, THIRD)])
DIGITS = 16


def integrals(law, powers, count):
    """∫ xᵏ ρ + Σ mass·locationᵏ by the midpoint rule in θ, x = middle + half·sin θ: the roots at
    the edges become smooth and periodic, so that the rule converges geometrically."""
    with mp.workdps(DIGITS):
        totals = [sum(m * place**k for place, m in law.numeric_atoms(DIGITS)) for k in powers]
        for low, high in law.support(DIGITS):
            middle, half = (low + high) / 2, (high - low) / 2
            angles = [mp.pi * (j + mp.mpf(1) / 2 - mp.mpf(count) / 2) / count for j in range(count)]
            points = [middle + half * mp.sin(angle) for angle in angles]
            for x, angle, rho in zip(points, angles, law.density(points, DIGITS), strict=True):
                weight = rho * half * mp.cos(angle) * mp.pi / count
                totals = [t + weight * x**k for t, k in zip(totals, powers, strict=True)]
        return totals


def semicircle(x, variance):
    """Wigner (1955)."""
    return mp.sqrt(4 * variance - x**2) / (2 * mp.pi * variance)


def marchenko_pastur(x, ratio):
    """Marchenko and Pastur (1967), for W Wᵀ with W of N × M, entries of variance 1/M, c = N/M."""
    root = mp.sqrt(mp.mpf(ratio))
    low, high = (1 - root) ** 2, (1 + root) ** 2
    return mp.sqrt((x - low) * (high - x)) / (2 * mp.pi * ratio * x)


def test_semicircle_density():
    law = laws.semicircle(sp.Rational(9, 4))
    with mp.workdps(60):
        for x in (mp.mpf(-2), mp.mpf(0), mp.mpf("0.3"), mp.mpf("2.999")):
            assert abs(law.density(x, 50) - semicircle(x, mp.mpf(9) / 4)) < mp.mpf(10) ** -48
    assert [law.density(x) for x in (-3, 3, 5)] == [0, 0, 0]
    (ends,) = law.support(30)
    assert ends == (-3, 3)


@pytest.mark.parametrize("ratio", [sp.Rational(1, 10), sp.S.One, sp.Integer(10)])
def test_marchenko_pastur_density(ratio):
    law = laws.marchenko_pastur(ratio)
    with mp.workdps(35):
        number = mp.mpf(ratio.p) / ratio.q
        low, high = (1 - mp.sqrt(number)) ** 2, (1 + mp.sqrt(number)) ** 2
        (ends,) = law.support(30)
        assert abs(ends[0] - low) < mp.mpf(10) ** -28
        assert abs(ends[1] - high) < mp.mpf(10) ** -28
        for share in ("0.001", "0.3", "0.999"):
            x = low + (high - low) * mp.mpf(share)
            exact = marchenko_pastur(x, number)
            assert abs(law.density(x, 30) / exact - 1) < mp.mpf(10) ** -27
    (mass,) = [m for _, m in law.numeric_atoms(15)] or [0]
    assert abs(mass - max(0, 1 - 1 / ratio)) < 1e-14
    assert law.density(0) == (mp.inf if ratio == 1 else 0)


def test_two_coins_make_an_arcsine():
    """Voiculescu's example: 1/(π√(4 − x²)); and of two projections, on [0, 2]."""
    total = COIN + COIN
    assert sp.expand(total.equation.expr - (green**2 * (z**2 - 4) - 1)) == 0
    with mp.workdps(40):
        for x in (mp.mpf("-1.9"), mp.mpf(0), mp.mpf(1)):
            exact = 1 / (mp.pi * mp.sqrt(4 - x**2))
            assert abs(total.density(x, 30) - exact) < mp.mpf(10) ** -28
            shifted = (laws.projection(HALF) + laws.projection(HALF)).density((x + 2) / 2, 30)
            assert abs(shifted - 2 * exact) < mp.mpf(10) ** -28
    assert total.density(2) == mp.inf


def test_powers_of_square_gaussians():
    """Penson and Życzkowski (2011): the density of two factors, and its edge 27/4."""
    law = laws.fuss_catalan(2)
    (ends,) = law.support(20)
    assert ends[0] == 0
    assert abs(ends[1] - mp.mpf(27) / 4) < 1e-18
    with mp.workdps(25):
        x = mp.mpf(1)
        root = (27 + 3 * mp.sqrt(81 - 12 * x)) ** (mp.mpf(1) / 3)
        front = 2 ** (mp.mpf(1) / 3) * mp.sqrt(3) / (12 * mp.pi)
        exact = (
            front
            * (2 ** (mp.mpf(1) / 3) * root**2 - 6 * x ** (mp.mpf(1) / 3))
            / (x ** (mp.mpf(2) / 3) * root)
        )
        assert abs(law.density(1, 20) - exact) < 1e-18


@pytest.mark.parametrize(
    ("law", "count"),
    [
        (THREE + laws.semicircle(sp.Rational(1, 10)), 40),
        (laws.marchenko_pastur(2) + COIN, 60),
        (THREE * laws.marchenko_pastur(sp.Rational(1, 10)), 80),
        (laws.atomic([(0, sp.Rational(4, 5)), (2, sp.Rational(1, 5))]) + COIN / 2, 30),
    ],
    ids=["three bands", "Wishart and a coin", "correlated Wishart", "atoms left"],
)
def test_mass_and_moments_integrate(law, count):
    mass, first, second = integrals(law, (0, 1, 2), count)
    assert abs(mass - 1) < 1e-10
    for found, k in ((first, 1), (second, 2)):
        exact = law.moment(k)
        assert abs(found - mp.mpf(exact.p) / exact.q) < 1e-9


def test_atoms_by_the_rule_and_by_the_poles():
    """Bercovici and Voiculescu's rule against residues of the continued G."""
    heavy = laws.atomic([(0, sp.Rational(4, 5)), (2, sp.Rational(1, 5))])
    for law in (
        heavy + COIN * sp.Rational(1, 3),
        heavy + laws.atomic([(1, THIRD), (3, 2 * THIRD)]),
        laws.projection(sp.Rational(9, 10)).free_power(3),
    ):
        exact = np.array(sorted(law.atoms()), dtype=float)
        found = np.array(law.numeric_atoms(12), dtype=float)
        assert found == pytest.approx(exact, abs=1e-9)


@settings(max_examples=8, deadline=None)
@given(st.integers(1, 8), st.integers(1, 6), st.integers(-3, 3))
def test_g_in_the_upper_half_plane(share, height, place):
    """Continued G at a point far from the real axis against the moment series to order 40."""
    law = laws.atomic([(0, sp.Rational(share, 9)), (1, 1 - sp.Rational(share, 9))])
    total = law + laws.semicircle(sp.Rational(1, 4))
    point = complex(place, 8 + height)
    series = sum(complex(m) / point ** (k + 1) for k, m in enumerate((1, *total.moments(40))))
    assert abs(complex(total.stieltjes_at(point)) - series) < 1e-12
    near = total.stieltjes_at(complex(place / 2, 1e-3))
    assert near.imag < 0


def test_equations_agree_with_the_direct_ones():
    """⊞, ⊠ and powers by resultants against the polynomial from the closed transform."""
    mp2, mp3 = laws.marchenko_pastur(2), laws.marchenko_pastur(3)
    total = mp2 + mp3
    resultant = mp2.equation.add(mp3.equation, total.moments)
    assert sp.expand(resultant.expr - total.equation.expr) == 0
    product = mp2 * mp3
    resultant = mp2.equation.multiply(mp3.equation, product.moments)
    assert sp.expand(resultant.expr - product.equation.expr) == 0
    power = mp2.free_power(3)
    resultant = mp2.equation.power(3, power.moments)
    assert sp.expand(resultant.expr - power.equation.expr) == 0


def test_large_resultants_are_refused():
    five = laws.atomic([(n * n, sp.Rational(1, 5)) for n in range(5)])
    seven = laws.atomic([(n * n * n, sp.Rational(1, 7)) for n in range(7)])
    with pytest.raises(DomainError, match="degrees"):
        _ = (five + seven + laws.arcsine()).equation
    assert (five + seven).moment(1) == 6 + 63


def haar(rng, n):
    weight, upper = np.linalg.qr(rng.standard_normal((n, n)))
    return weight * np.sign(np.diag(upper))


def test_sums_and_products_by_simulation():
    """A + U B Uᵀ and √A U B Uᵀ √A of size 400: moments, edges, and a histogram."""
    rng, n = np.random.default_rng(11), 400
    first = np.repeat([1.0, 4.0], [180, 220])
    second = np.repeat([1.0, 2.0, 6.0], [120, 160, 120])
    turn = haar(rng, n)
    rotated = (turn * second) @ turn.T
    a = laws.atomic([(1, sp.Rational(9, 20)), (4, sp.Rational(11, 20))])
    b = laws.atomic([(1, sp.Rational(3, 10)), (2, sp.Rational(2, 5)), (6, sp.Rational(3, 10))])
    root = np.sqrt(first)
    for law, matrix in ((a + b, np.diag(first) + rotated), (a * b, root[:, None] * rotated * root)):
        spectrum = np.linalg.eigvalsh(matrix)
        for k in (1, 2, 3):
            assert np.mean(spectrum**k) == pytest.approx(float(law.moment(k)), rel=0.02 * k)
        support = law.support()
        assert float(support[0][0]) == pytest.approx(spectrum[0], rel=0.03)
        assert float(support[-1][1]) == pytest.approx(spectrum[-1], rel=0.03)
        edges = np.linspace(spectrum[0], spectrum[-1], 6)
        counts, _ = np.histogram(spectrum, edges)
        for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True):
            grid = np.linspace(low, high, 41)[:-1] + (high - low) / 80
            mass = np.mean([float(rho) for rho in law.density(list(grid))]) * (high - low)
            assert mass == pytest.approx(count / n, abs=0.02)
