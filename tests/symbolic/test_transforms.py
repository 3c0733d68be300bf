"""Transforms: inverse to each other, on the right branch, and consistent under scaling."""

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from freejac.symbolic import transforms as tr
from freejac.symbolic.derivative_law import AtomicLaw
from freejac.symbolic.errors import DomainError, NoClosedForm
from freejac.symbolic.series import from_expr, lagrange_moments
from freejac.symbolic.symbols import p, sigma_w, z

PROPER = st.fractions(min_value=sp.Rational(1, 9), max_value=sp.Rational(8, 9), max_denominator=9)


def rational(f):
    return sp.Rational(f.numerator, f.denominator)


@st.composite
def two_atom_laws(draw):
    """Masses and positive locations; the rest of the mass sits at 0."""
    first = rational(draw(PROPER)) / 2
    second = rational(draw(PROPER)) / 2
    a, b = draw(st.integers(1, 3)), draw(st.integers(4, 7))
    return ((sp.Integer(a) / 2, first), (sp.Integer(b) / 2, second))


def mgf(atoms):
    return sum(w * a / (z - a) for a, w in atoms)


@settings(max_examples=25, deadline=None)
@given(two_atom_laws(), st.integers(1, 12))
def test_inverse_of_two_atoms_is_the_right_root(atoms, numerator):
    """M(M⁻¹(m)) = m at a real m > 0, where M is one to one beyond the largest atom."""
    m = sp.Rational(numerator, 7)
    zeta = tr.invert_mgf(mgf(atoms)).subs(z, m)
    assert float(zeta) > max(float(a) for a, _ in atoms)
    assert abs(sp.N(mgf(atoms).subs(z, zeta) - m, 30)) < sp.Float("1e-25")


@settings(max_examples=25, deadline=None)
@given(two_atom_laws())
def test_moments_of_the_s_transform_are_those_of_the_atoms(atoms):
    s = tr.s_transform(tr.invert_mgf(mgf(atoms)))
    for k in range(1, 5):
        assert sp.simplify(lagrange_moments(s, k) - sum(w * a**k for a, w in atoms)) == 0


@settings(max_examples=15, deadline=None)
@given(two_atom_laws(), st.integers(2, 5))
def test_scaling(atoms, factor):
    scaled = [(factor * a, w) for a, w in atoms]
    assert sp.cancel(mgf(scaled) - tr.scale_mgf(mgf(atoms), sp.Integer(factor))) == 0
    series = AtomicLaw("scaled", (*scaled, (0, 1 - sum(w for _, w in scaled)))).s_series(3)
    unscaled = AtomicLaw("plain", (*atoms, (0, 1 - sum(w for _, w in atoms)))).s_series(3)
    assert series.coefficients == tuple(c / factor for c in unscaled.coefficients)


def test_round_trips():
    stieltjes = (1 - p) / z + p / (z - 1)
    assert sp.cancel(tr.stieltjes_from_mgf(tr.mgf_from_stieltjes(stieltjes)) - stieltjes) == 0
    s = (1 + z) / (z + p)
    assert sp.cancel(tr.s_transform(tr.inverse_mgf(s)) - s) == 0
    assert tr.scale_s(s, sigma_w**2).subs(z, 0) == 1 / (p * sigma_w**2)


def test_projection_by_hand():
    """Seed problem set 4, 3(e): M = p/(z−1), M⁻¹ = 1 + p/z, S = (1+z)/(z+p)."""
    found = tr.mgf_from_stieltjes((1 - p) / z + p / (z - 1))
    assert sp.cancel(found - p / (z - 1)) == 0
    assert sp.cancel(tr.invert_mgf(found) - (1 + p / z)) == 0
    assert sp.cancel(tr.s_transform(tr.invert_mgf(found)) - (1 + z) / (z + p)) == 0


def test_blue_and_r():
    """Semicircle of variance v has R = v z; a point mass at a has R = a (their free cumulants)."""
    v, a = sp.symbols("v a", positive=True)
    assert sp.simplify(tr.r_transform((z - sp.sqrt(z**2 - 4 * v)) / (2 * v)) - v * z) == 0
    assert sp.simplify(tr.r_transform(1 / (z - a)) - a) == 0
    assert sp.cancel(tr.blue(1 / (z - a)) - (a + 1 / z)) == 0


@settings(max_examples=15, deadline=None)
@given(PROPER, st.integers(-3, 3), st.integers(4, 7))
def test_free_cumulants_of_r(share, low, high):
    """R = κ_1 + κ_2 z + κ_3 z²; κ_n from moments by the sum over non-crossing partitions."""
    weight = rational(share)
    atoms = ((low, weight), (high, 1 - weight))
    m1, m2, m3 = (sum(w * a**k for a, w in atoms) for k in (1, 2, 3))
    series = from_expr(tr.r_transform(sum(w / (z - a) for a, w in atoms)), z, 3)
    cumulants = [m1, m2 - m1**2, m3 - 3 * m1 * m2 + 2 * m1**3]
    assert [sp.simplify(series.coefficient(n)) for n in range(3)] == cumulants


def test_refusals():
    with pytest.raises(DomainError, match="mean"):
        tr.invert_mgf((z**2 - z * sp.sqrt(z**2 - 4)) / 2 - 1)
    with pytest.raises(NoClosedForm, match="degree 3"):
        tr.invert_mgf(sum(sp.Rational(1, 3) * k / (z - k) for k in (1, 2, 3)))
    with pytest.raises(NoClosedForm, match="radical"):
        tr.invert_mgf(sp.sqrt(1 + 1 / z) * sp.sqrt(1 + 2 / z) - 1)


def test_ways_back_are_inverse_to_the_ways_there():
    """On Marchenko–Pastur of ratio c, with G by its textbook formula, and on the semicircle."""
    c = sp.Symbol("c", positive=True)
    r, s = 1 / (1 - c * z), 1 / (1 + c * z)
    assert sp.cancel(tr.s_from_r(r) - s) == 0
    assert sp.cancel(tr.r_from_s(s) - r) == 0
    g = tr.stieltjes_from_r(r)
    root = sp.sqrt((z - 1 - c) ** 2 - 4 * c)
    assert sp.simplify(g - (z - 1 + c - root) / (2 * c * z)) == 0
    assert sp.simplify(tr.r_transform(g) - r) == 0
    m = tr.invert_inverse_mgf(tr.inverse_mgf(s))
    assert sp.simplify(m - (z * g - 1)) == 0


def test_refused_ways_back():
    with pytest.raises(DomainError, match="mean"):
        tr.s_from_r(z)
    with pytest.raises(DomainError, match="mean"):
        tr.invert_inverse_mgf(1 + z)
    with pytest.raises(NoClosedForm, match="algebraic"):
        tr.r_from_s(sp.exp(-z))
    with pytest.raises(NoClosedForm, match="degree 3"):
        tr.stieltjes_from_r(z / (1 - z**2))
