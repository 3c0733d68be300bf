"""Moments, free cumulants and S against sums over non-crossing partitions, which are enumerated."""

import math
from functools import cache

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from freejac.symbolic import laws
from freejac.symbolic.errors import DomainError
from freejac.symbolic.free_cumulants import (
    cumulants_from_moments,
    cumulants_from_s,
    moments_from_cumulants,
    s_series_from_cumulants,
    s_series_from_moments,
)
from freejac.symbolic.series import lagrange_moment_list

ORDER = 8
RATIONALS = st.fractions(min_value=-3, max_value=3, max_denominator=5).map(
    lambda f: sp.Rational(f.numerator, f.denominator)
)
POSITIVE = st.fractions(min_value=sp.Rational(1, 5), max_value=4, max_denominator=5).map(
    lambda f: sp.Rational(f.numerator, f.denominator)
)


def is_crossing(a, b):
    return any(i < j < k < m for i in a for k in a if i < k for j in b for m in b if j < m)


@cache
def partitions(n):
    """All non-crossing partitions of 0, …, n−1, by adding one point to one block at a time."""
    if n == 0:
        return [[]]
    found = []
    for smaller in partitions(n - 1):
        found.append([*smaller, (n - 1,)])
        for place, block in enumerate(smaller):
            grown = [*smaller[:place], (*block, n - 1), *smaller[place + 1 :]]
            others = [b for b in grown if b is not grown[place]]
            if not any(
                is_crossing(grown[place], b) or is_crossing(b, grown[place]) for b in others
            ):
                found.append(grown)
    return found


def kreweras(partition, n):
    """The largest partition of the gaps that crosses no block, by rotation: K = π⁻¹ γ."""
    inverse = {
        there: here
        for block in partition
        for here, there in zip(block, (*block[1:], block[0]), strict=True)
    }
    step = {i: inverse[(i + 1) % n] for i in range(n)}
    blocks, left = [], set(range(n))
    while left:
        block, i = [], min(left)
        while i in left:
            left.remove(i)
            block.append(i)
            i = step[i]
        blocks.append(tuple(block))
    return blocks


def weight(partition, values):
    return math.prod((values[len(block) - 1] for block in partition), start=sp.S.One)


def counted_moments(cumulants):
    return tuple(
        sum(weight(pi, cumulants) for pi in partitions(n)) for n in range(1, len(cumulants) + 1)
    )


def test_the_enumeration_counts_catalan_numbers():
    """A000108, and the Kreweras complement has n + 1 − |π| blocks."""
    for n in range(1, ORDER + 1):
        assert len(partitions(n)) == math.comb(2 * n, n) // (n + 1)
        assert all(len(kreweras(pi, n)) == n + 1 - len(pi) for pi in partitions(n))


@settings(max_examples=10, deadline=None)
@given(st.lists(RATIONALS, min_size=ORDER, max_size=ORDER))
def test_moments_are_sums_over_non_crossing_partitions(cumulants):
    moments = counted_moments(cumulants)
    assert moments_from_cumulants(cumulants) == moments
    assert cumulants_from_moments(moments) == tuple(cumulants)


def test_the_same_with_symbols():
    cumulants = sp.symbols("k1:6")
    expected = counted_moments(cumulants)
    for found, counted in zip(moments_from_cumulants(cumulants), expected, strict=True):
        assert sp.expand(found - counted) == 0


@settings(max_examples=10, deadline=None)
@given(
    POSITIVE,
    POSITIVE,
    st.lists(RATIONALS, min_size=ORDER - 1, max_size=ORDER - 1),
    st.lists(RATIONALS, min_size=ORDER - 1, max_size=ORDER - 1),
)
def test_products_are_sums_with_kreweras_complements(first, second, rest, others):
    """m_n(ab) = Σ_π κ_π(a) m_{K(π)}(b): Nica and Speicher, Lectures, theorem 14.4."""
    a, b = laws.from_free_cumulants([first, *rest]), laws.from_free_cumulants([second, *others])
    kappa, moments = a.free_cumulants(ORDER), counted_moments(b.free_cumulants(ORDER))
    counted = tuple(
        sum(weight(pi, kappa) * weight(kreweras(pi, n), moments) for pi in partitions(n))
        for n in range(1, ORDER + 1)
    )
    assert (a * b).moments(ORDER) == counted


@settings(max_examples=10, deadline=None)
@given(POSITIVE, st.lists(RATIONALS, min_size=6, max_size=6))
def test_round_trips_through_s(mean, rest):
    cumulants = (mean, *rest)
    s = s_series_from_cumulants(cumulants)
    moments = counted_moments(cumulants)
    assert cumulants_from_s(s) == cumulants
    assert s_series_from_moments(moments) == s
    assert lagrange_moment_list(s, 7) == moments


def test_long_series_stay_exact():
    """Free Poisson of rate 1: all cumulants 1, moments the Catalan numbers."""
    moments = moments_from_cumulants([1] * 40)
    assert moments == tuple(math.comb(2 * n, n) // (n + 1) for n in range(1, 41))
    assert cumulants_from_moments(moments) == (1,) * 40


def test_refusals():
    for make in (s_series_from_cumulants, s_series_from_moments):
        with pytest.raises(DomainError, match="nonzero mean"):
            make([0, 1])
        with pytest.raises(DomainError, match="nonzero mean"):
            make([])
    with pytest.raises(DomainError, match="regular"):
        cumulants_from_s(s_series_from_cumulants([1, 1]).shift(1))
