"""The comparison itself: distances of known samples, bands, and what it must not accept."""

from __future__ import annotations

from math import nan, sqrt

import numpy as np
import pytest

from freejac.comparison import Comparison, compare, iid_band, width_law
from freejac.network_spectra import jacobian_spectrum
from freejac.networks import Jacobian
from freejac.numeric import numpy_function
from freejac.samples import Sample
from freejac.simulate import feed_forward
from freejac.spectrum import Spectrum
from freejac.symbolic.activation import activation
from freejac.symbolic.errors import DomainError
from freejac.symbolic.mean_field import MeanField
from freejac.symbolic.symbols import q


def sample(eigenvalues: np.ndarray) -> Sample:
    pairs, layers = np.ones((len(eigenvalues), 1, 1, 1)), np.ones((len(eigenvalues), 1))
    return Sample(np.sort(eigenvalues, axis=1), pairs, pairs, layers, layers)


UNIFORM = Spectrum(np.exp, [(0.0, 1.0)])
"""ρ = 1 on [0, 1]."""


def test_the_distance_is_taken_on_both_sides_of_a_jump() -> None:
    found = compare(UNIFORM, sample(np.array([[0.5, 0.5]])))
    assert found.distance == pytest.approx(0.5, abs=1e-8)
    assert compare(UNIFORM, sample(np.array([[0.1, 0.2]]))).distance == pytest.approx(0.8, abs=1e-8)


def test_the_distance_agrees_with_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    values = np.random.default_rng(1).uniform(size=(4, 50))
    found = compare(UNIFORM, sample(values))
    exact = stats.kstest(values.ravel(), stats.uniform.cdf).statistic
    assert found.distance == pytest.approx(exact, abs=1e-8)
    assert iid_band(200) == pytest.approx(stats.kstwo.ppf(0.99, 200), rel=1e-2)


def test_an_atom_is_met_up_to_rounding() -> None:
    law = Spectrum(lambda u: np.exp(u) / 2, [(0.0, 1.0)], [(2.0, 0.5)])
    values = np.concatenate([(np.arange(50) + 0.5) / 50, np.full(50, 2.0 * (1 - 1e-13))])
    assert compare(law, sample(values[None, :])).distance == pytest.approx(0.005, abs=1e-8)
    off = np.concatenate([values[:50], np.full(50, 1.9)])
    assert compare(law, sample(off[None, :])).distance == pytest.approx(0.5, abs=1e-6)


def test_rounding_below_the_smallest_singular_value_does_not_count() -> None:
    law = Spectrum(lambda u: np.exp(u) / 2, [(0.0, 1.0)], [(0.0, 0.5)])
    zeros = np.geomspace(1e-40, 1e-30, 50)
    values = np.concatenate([zeros, (np.arange(50) + 0.5) / 50])
    assert compare(law, sample(values[None, :])).distance == pytest.approx(0.005, abs=1e-8)


def test_moments_have_errors_and_scores() -> None:
    found = compare(UNIFORM, sample(np.array([[0.2, 0.4], [0.6, 1.0]])))
    first = found.moments[0]
    assert (first.theory, first.estimate) == pytest.approx((0.5, 0.55))
    assert first.z == pytest.approx(0.05 / 0.25, rel=1e-5)
    alone = compare(UNIFORM, sample(np.array([[0.2, 0.4]])))
    assert np.isnan(alone.moments[0].z)
    assert alone.band == alone.iid_band


def test_the_band_of_independent_draws_is_near_the_one_of_theory() -> None:
    values = np.random.default_rng(2).uniform(size=(40, 100))
    found = compare(UNIFORM, sample(values))
    assert found.draws_band == pytest.approx(found.iid_band, rel=0.2)


def test_draws_that_move_together_widen_the_band() -> None:
    random = np.random.default_rng(3)
    grid = (np.arange(100) + 0.5) / 100
    moved = np.clip(grid + 0.2 * random.uniform(-1, 1, size=(10, 1)), 0, 1)
    found = compare(UNIFORM, sample(moved))
    assert found.draws_band > found.iid_band
    assert found.within == (found.distance <= found.draws_band)


def comparison(distance: float, band: float = 0.01) -> Comparison:
    return Comparison(distance, 1.0, 2 * band, band, 0.0, 100, ())


def test_a_law_of_one_over_width_is_told_from_a_wrong_theory() -> None:
    widths = (100, 200, 400)
    law = width_law(widths, [comparison(0.001 + 4 / n) for n in widths])
    assert (law.a, law.b) == pytest.approx((0.001, 4.0))
    assert law.explains
    wrong = width_law(widths, [comparison(0.2 + 4 / n) for n in widths])
    assert not wrong.explains
    assert wrong.a == pytest.approx(0.2)


def test_what_no_law_is_fitted_to() -> None:
    with pytest.raises(DomainError, match="three or more"):
        width_law((100, 200), [comparison(0.1)] * 2)
    with pytest.raises(DomainError, match="three or more"):
        width_law((100, 100, 200), [comparison(0.1)] * 3)
    for size, level in ((0, 0.99), (10, 1.0), (10, nan)):
        with pytest.raises(DomainError):
            iid_band(size, level)


def held(name: str, weights: str, depth: int, variance: float, width: int) -> dict[str, Comparison]:
    """A sample of a network that keeps its variance against its own law, and against others.

    It is critical where a bias keeps the variance there; else it has none.
    """
    phi = activation(name)
    scales = [float(e.subs(q, variance)) for e in MeanField(phi).critical_line()]
    if scales[1] < 0:
        scales = [variance / float(MeanField(phi).second_moment.subs(q, variance)), 0.0]
    drawn = feed_forward(
        numpy_function(phi),
        numpy_function(phi, 1),
        width=width,
        depth=depth,
        sigma_w=sqrt(scales[0]),
        sigma_b=sqrt(scales[1]),
        q1=variance,
        weights=weights,
        draws=6,
        seed=5,
    )
    other = "orthogonal" if weights == "gaussian" else "gaussian"
    laws = {
        "own": (weights, variance),
        "other weights": (other, variance),
        "other variance": (weights, 4 * variance),
    }
    return {
        key: compare(
            jacobian_spectrum(Jacobian(phi, w, depth=depth), q=v, sigma_w=sqrt(scales[0])), drawn
        )
        for key, (w, v) in laws.items()
    }


@pytest.mark.parametrize(("name", "weights"), [("hard_tanh", "orthogonal"), ("relu", "gaussian")])
def test_simulated_networks_have_their_own_law(name: str, weights: str) -> None:
    found = held(name, weights, 2, 0.3, 200)
    assert found["own"].within
    assert not found["other weights"].within
    assert found["other variance"].within == (name == "relu")  # whose D² does not know q
    assert all(abs(m.z) < 5 for m in found["own"].moments)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "weights"), [("tanh", "gaussian"), ("softplus", "orthogonal")])
def test_smooth_networks_have_their_own_law(name: str, weights: str) -> None:
    found = held(name, weights, 4, 0.5 if name == "tanh" else 4.0, 200)
    assert found["own"].within
    assert not found["other weights"].within
