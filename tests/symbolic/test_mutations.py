"""The checker on true identities of the project, and on each of them with one slip in it."""

from __future__ import annotations

import statistics

import pytest
from mutations import SLIPS, Outcome, outcome
from true_identities import identities


def run(numbers: range) -> list[Outcome]:
    every = identities()
    found = (outcome(number, every[number], seed=7) for number in numbers)
    return [one for one in found if one is not None]


def require(outcomes: list[Outcome]) -> None:
    """No identity refuted, no mutant proved, and nearly every question answered."""
    assert [one.name for one in outcomes if one.true_status == "refuted"] == []
    assert [one.mutant for one in outcomes if one.false_status == "proved"] == []
    proved = sum(one.true_status == "proved" for one in outcomes)
    refuted = sum(one.false_status == "refuted" for one in outcomes)
    assert proved >= 0.9 * len(outcomes)
    assert refuted >= 0.98 * len(outcomes) - 1


@pytest.mark.slow
def test_true_identities_are_proved_and_their_mutants_refuted():
    outcomes = run(range(120))
    assert len(outcomes) >= 100
    assert {one.slip for one in outcomes} == set(SLIPS)
    require(outcomes)
    assert statistics.median(one.true_seconds for one in outcomes) < 0.5


@pytest.mark.slow
def test_there_are_a_thousand_identities():
    every = identities()
    assert len(every) >= 1000
    assert all(one.left != one.right for one in every)
