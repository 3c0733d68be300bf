"""Weight ensembles: what the engine sums and inverts, against moments counted or sampled."""

import numpy as np
import pytest
import sympy as sp

from freejac.symbolic.ensembles import (
    Ensemble,
    catalan_number,
    catalan_series,
    ensemble,
    general,
    wishart_mgf,
)
from freejac.symbolic.errors import DomainError, UnknownNameError
from freejac.symbolic.series import from_expr, lagrange_moments
from freejac.symbolic.symbols import s1, sigma_w, z


def test_catalan_series_has_catalan_coefficients():
    """C_k counted: C_{k+1} = Σ C_j C_{k−j}."""
    t = sp.Symbol("t")
    counted = [1]
    for k in range(8):
        counted.append(sum(counted[j] * counted[k - j] for j in range(k + 1)))
    assert list(from_expr(catalan_series(t), t, 9).coefficients) == counted
    assert [catalan_number(sp.Integer(k)) for k in range(9)] == counted


def test_wishart_mgf_vanishes_at_infinity_unlike_the_printed_one():
    """Seed problem set 4, 4(a), prints z/(2σ²) − 1 − √(1 − 4σ²/z)/2 in place of z√(…)/(2σ²)."""
    assert sp.limit(wishart_mgf().subs(sigma_w, 1), z, sp.oo) == 0
    printed = z / 2 - 1 - sp.sqrt(1 - 4 / z) / 2
    assert sp.limit(printed, z, sp.oo) == sp.oo
    t = sp.Symbol("t", positive=True)
    at_infinity = from_expr(wishart_mgf().subs(z, 1 / t), t, 3)
    assert [at_infinity.coefficient(k) for k in (1, 2, 3)] == [
        sigma_w**2,
        2 * sigma_w**4,
        5 * sigma_w**6,
    ]


def test_s_transforms():
    assert sp.cancel(ensemble("gaussian").s_transform - 1 / (sigma_w**2 * (1 + z))) == 0
    assert sp.cancel(ensemble("orthogonal").s_transform - 1 / sigma_w**2) == 0
    assert (ensemble("gaussian").s1, ensemble("orthogonal").s1) == (-1, 0)


def test_only_gaussian_weights_come_in_other_shapes():
    assert ensemble("gaussian").rectangular
    assert not ensemble("orthogonal").rectangular
    assert not Ensemble("mine", (1 + z) / sigma_w**2).rectangular


def test_gaussian_moments_by_simulation():
    """Wishart moments of one 400 × 400 sample; fluctuations are O(1/N)."""
    rng = np.random.default_rng(20)
    n, scale = 400, 1.3
    weights = scale * rng.standard_normal((n, n)) / np.sqrt(n)
    spectrum = np.linalg.svd(weights, compute_uv=False) ** 2
    s = ensemble("gaussian").s_transform
    for k in (1, 2, 3):
        theory = float(lagrange_moments(s, k).subs(sigma_w, sp.Rational(13, 10)))
        assert np.mean(spectrum**k) == pytest.approx(theory, rel=0.02 * k)


def test_general_and_custom_ensembles():
    assert general().s1 == s1
    assert general(3).s_series(4).unit[1:] == (
        s1,
        sp.Symbol("s_2", real=True),
        sp.Symbol("s_3", real=True),
    )
    with pytest.raises(DomainError, match="s_2 is needed"):
        general().s_series(3)
    custom = Ensemble("custom", s_transform=(1 + z) / sigma_w**2)
    assert ensemble(custom) is custom
    with pytest.raises(DomainError, match="S\\(0\\)"):
        Ensemble("wrong", s_transform=2 / sigma_w**2)


@pytest.mark.parametrize(("name", "near"), [("guassian", "gaussian"), ("Orthogonal", "orthogonal")])
def test_unknown_names_suggest_a_near_one(name, near):
    with pytest.raises(UnknownNameError, match=near):
        ensemble(name)
    with pytest.raises(UnknownNameError, match="choose one of"):
        ensemble("zzz")
