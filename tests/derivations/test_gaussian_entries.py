"""The counting that documents rest on: against pairings by brute force, and known numbers."""

from __future__ import annotations

from collections.abc import Iterator
from math import comb

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from freejac import simulate
from freejac.derivations._gaussian_entries import (
    entries,
    mean_of_polynomial,
    non_crossing_pairings,
    residual_moment,
)
from freejac.derivations._network_samples import FUNCTIONS
from freejac.numeric import numpy_function
from freejac.symbolic.activation import activation

Pairing = list[tuple[int, int]]


def pairings(places: list[int]) -> Iterator[Pairing]:
    if not places:
        yield []
        return
    first, *rest = places
    for n, other in enumerate(rest):
        for remaining in pairings(rest[:n] + rest[n + 1 :]):
            yield [(first, other), *remaining]


def crosses(pairing: Pairing) -> bool:
    return any(a < c < b < d for a, b in pairing for c, d in pairing)


@given(st.lists(st.sampled_from("AaBb"), max_size=8))
@settings(deadline=None, max_examples=60)
def test_non_crossing_pairings_are_those_of_brute_force(letters: list[str]) -> None:
    word = tuple(letters)
    counted = sum(
        1
        for pairing in pairings(list(range(len(word))))
        if not crosses(pairing) and all(word[i] == word[j].swapcase() for i, j in pairing)
    )
    assert non_crossing_pairings(word) == counted


@pytest.mark.parametrize("k", range(1, 8))
def test_catalan_and_fuss_catalan_numbers(k: int) -> None:
    assert non_crossing_pairings(("A", "a") * k) == comb(2 * k, k) // (k + 1)
    assert non_crossing_pairings(("S'",) * (2 * k)) == comb(2 * k, k) // (k + 1)
    if k < 6:
        assert non_crossing_pairings(("A", "B", "b", "a") * k) == comb(3 * k, k) // (2 * k + 1)


@given(st.lists(st.integers(0, 3), min_size=6, max_size=6))
@settings(deadline=None, max_examples=40)
def test_mean_of_a_monomial_by_pairings(powers: list[int]) -> None:
    variables = entries("w", len(powers))
    variances = {w: sp.Rational(n, 2) for n, w in enumerate(variables, start=1)}
    monomial = sp.Mul(*(w**power for w, power in zip(variables, powers, strict=True)))
    factors = [w for w, power in zip(variables, powers, strict=True) for _ in range(power)]
    if len(factors) > 8:
        return
    total = sum(
        (
            sp.Mul(*(variances[factors[i]] for i, _ in pairing))
            for pairing in pairings(list(range(len(factors))))
            if all(factors[i] == factors[j] for i, j in pairing)
        ),
        sp.S.Zero,
    )
    assert mean_of_polynomial(monomial, variances) == total


def test_residual_moments_are_those_of_drawn_networks() -> None:
    weight, depth = 0.8, 2
    net = simulate.residual(
        *FUNCTIONS["linear"], width=150, depth=depth, sigma_w=weight, seed=1, draws=20
    )
    for order in (1, 2, 3):
        exact = residual_moment(order, depth, sp.S.One, sp.Rational(8, 10) ** 2 / depth)
        estimate, error = net.moment(order)
        assert abs(estimate - float(exact)) < 4 * error + 4 * order**2 / 150


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_activations_on_arrays_are_those_of_the_library(name: str) -> None:
    phi = activation(name)
    values = {symbol: sp.Rational(1, 4) for symbol in phi.parameters}
    points = np.linspace(-4, 4, 41) + 0.01
    for order, mine in enumerate(FUNCTIONS[name]):
        theirs = numpy_function(phi, order, parameters=values)
        assert np.allclose(mine(points), theirs(points), atol=1e-14)
