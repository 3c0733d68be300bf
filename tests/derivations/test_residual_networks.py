"""The residual-network paper: every claim has the recorded verdict, and the errata are these."""

from __future__ import annotations

import pytest

from freejac import simulate
from freejac.derivations.residual_networks import DOCUMENT
from freejac.symbolic.claims import Claim

CLAIMS = [
    pytest.param(claim, id=claim.id, marks=pytest.mark.slow if claim.slow else ())
    for claim in DOCUMENT.every_claim()
]

NOT_PROVED = {
    "resnet.ii1-lambert-solves": "W is the numerical root of its definition",
    "resnet.ii2-no-fixed-point": "seven activations are tried",
    "resnet.ii3-odd-means": "odd activations of the library are tried",
}


@pytest.mark.parametrize("claim", CLAIMS)
def test_verdict_is_the_recorded_one(claim: Claim) -> None:
    verdict = claim.verdict(simulate)
    assert verdict.status == claim.expected, str(verdict)
    assert (verdict.counterexample is not None) == (claim.expected == "refuted")


def test_errata() -> None:
    refuted = [claim.id for claim in DOCUMENT.claims if claim.expected == "refuted"]
    assert [name.removeprefix("resnet.") for name in refuted] == [
        "ii1-condition-number-relu",
        "ii1-stretch",
        "ii2-parameter",
        "ii2-bias",
        "ii2-second-term",
        "ii2-growth",
        "ii3-tanh-linear-growth",
        "ii3-tanh-linear-growth-number",
        "abstract-any-activation",
    ]


def test_every_erratum_has_a_correction_that_is_proved_where_it_can_be() -> None:
    for claim in DOCUMENT.claims:
        assert (claim.correction is not None) == (claim.expected == "refuted")
        if claim.correction is not None:
            measured = claim.correction.needs_simulation
            assert claim.correction.expected == ("not refuted" if measured else "proved")


def test_what_is_not_proved_is_measured_or_has_a_reason() -> None:
    left = {
        claim.id
        for claim in DOCUMENT.every_claim()
        if claim.expected == "not refuted" and not claim.needs_simulation
    }
    assert left == set(NOT_PROVED)
