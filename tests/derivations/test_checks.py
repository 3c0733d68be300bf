"""What the documents share: right where it can be told independently, and able to say no."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
import sympy as sp

from freejac import ensemble_samples, simulate
from freejac.derivations import _checks, _lecture_spectra, _ps4_gaussian
from freejac.derivations._checks import (
    by_antiderivative,
    matrices_agree,
    measured_moments,
    positive_from_end,
    primitive_of_root,
    rotation,
    semicircle_moment,
    sum_moment,
    word_moment,
)
from freejac.symbolic import laws

t = sp.Symbol("t", real=True)
u = sp.Symbol("u", positive=True)


def test_free_coins_add_to_the_arcsine_law() -> None:
    coin = {k: (1 + (-1) ** k) / 2 for k in range(1, 7)}
    coin = {k: sp.Integer(int(value)) for k, value in coin.items()}
    assert [sum_moment(2 * k, coin, coin) for k in (1, 2, 3)] == [comb(2 * k, k) for k in (1, 2, 3)]


def test_mixed_moments_are_those_of_large_rotated_matrices() -> None:
    random = np.random.default_rng(5)
    size = 400
    turn = simulate.haar(size, random)
    a = np.diag(random.choice([0.0, 1.0, 2.0], size))
    b = turn @ np.diag(random.choice([1.0, 3.0], size)) @ turn.T
    alone = {
        letter: {k: float(np.trace(np.linalg.matrix_power(m, k)) / size) for k in (1, 2, 3)}
        for letter, m in (("a", a), ("b", b))
    }
    drawn = np.trace(a @ b @ a @ b @ b) / size
    assert float(word_moment("ababb", alone)) == pytest.approx(drawn, rel=0.02)


def test_rotations_are_orthogonal() -> None:
    assert matrices_agree("QQᵀ", rotation(t) * rotation(t).T, sp.eye(2)).status == "proved"
    assert matrices_agree("Q", rotation(t), sp.eye(2)).status == "refuted"


def test_primitives_prove_the_right_value_and_no_other() -> None:
    primitive = primitive_of_root(2, sp.Integer(4), t)
    root = t**2 * sp.sqrt(4 - t**2)
    assert by_antiderivative(root, primitive, (t, -2, 2), 2 * sp.pi).status == "proved"
    assert by_antiderivative(root, primitive, (t, -2, 2), sp.pi).status == "refuted"
    assert by_antiderivative(2 * root, primitive, (t, -2, 2), 2 * sp.pi).status == "refuted"
    assert semicircle_moment(4, 4, sp.Integer(2)).status == "proved"
    assert semicircle_moment(4, 4, sp.Integer(3)).status == "refuted"


def test_positive_from_end_needs_the_slope_and_the_end() -> None:
    assert positive_from_end(sp.exp(-u), -sp.exp(-u), u, sp.oo).status == "proved"
    assert positive_from_end(u**2, 2 * u, u, sp.S.Zero).status == "proved"
    assert positive_from_end(u - 1, sp.S.One, u, sp.S.Zero).status == "refuted"
    assert positive_from_end(u**2 - u, 2 * u - 1, u, sp.S.Zero).status == "refuted"


def test_drawn_networks_refute_the_other_ensemble() -> None:
    gaussian = {2: sp.Integer(5), 4: sp.Integer(9)}
    orthogonal = {2: sp.Integer(3), 4: sp.Integer(5)}
    measure = _ps4_gaussian.second_moment_measured
    assert measure(simulate, "gaussian", orthogonal).status == "refuted"
    assert measure(simulate, "orthogonal", gaussian).status == "refuted"


def test_drawn_networks_refute_the_other_class_of_limits() -> None:
    smooth = laws.smooth_limit(sp.Rational(1, 4))
    verdict = _lecture_spectra._spectrum(simulate, "hard_tanh", _checks.HARD_TANH, smooth)
    assert verdict.status == "refuted"


def test_drawn_matrices_refute_a_wrong_variance() -> None:
    drawn = ensemble_samples.gaussian_orthogonal(120, draws=40, seed=14)
    wrong = measured_moments(drawn, {2: sp.S.One}, bias=0.03, claim="H")
    assert wrong.status == "refuted"


@pytest.mark.parametrize(
    "arguments",
    [
        {"size": 1},
        {"size": 4, "draws": 0},
        {"size": 4, "seed": -1},
        {"size": 4, "weights": [np.nan]},
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, object]) -> None:
    with pytest.raises(simulate.DomainError):
        ensemble_samples.gaussian_orthogonal(**arguments)


def test_entries_of_drawn_matrices() -> None:
    drawn = ensemble_samples.gaussian_multiples([np.eye(2), [[0.0, 1.0], [1.0, 0.0]]], draws=5000)
    assert drawn.spacings().mean() == pytest.approx(2 * np.sqrt(2 / np.pi), rel=0.03)
    lengths = ensemble_samples.single_layer(np.ones(10), size=4000, seed=3, weight=0.1, bias=0.5)
    assert lengths[0] == pytest.approx(1.5, rel=0.1)
