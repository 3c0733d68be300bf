"""Problem set 1: every claim has the recorded verdict, and the errata are these."""

from __future__ import annotations

import pytest

from freejac import simulate
from freejac.derivations.problem_set_1 import DOCUMENT
from freejac.symbolic.claims import Claim

CLAIMS = [
    pytest.param(claim, id=claim.id, marks=pytest.mark.slow if claim.slow else ())
    for claim in DOCUMENT.every_claim()
]

NO_CLOSED_FORM = {
    "ps1.3e-large-weights-numbers",
    "ps1.3e-biased-numbers",
    "ps1.3e-listing.corrected",
    "ps1.5d-fixed-point.corrected",
    "ps1.5d-iteration.corrected",
    "ps1.5d-listing.corrected",
}
"""Claims about tanh that rest on numerical means."""

FOR_ALL = {"ps1.3b-zero", "ps1.3c-increasing", "ps1.4d-fixed-point"}
"""Claims about every activation with a property: members are tried."""


@pytest.mark.parametrize("claim", CLAIMS)
def test_verdict_is_the_recorded_one(claim: Claim) -> None:
    verdict = claim.verdict(simulate)
    assert verdict.status == claim.expected, str(verdict)
    assert (verdict.counterexample is not None) == (claim.expected == "refuted")


def test_errata() -> None:
    refuted = [claim.id for claim in DOCUMENT.claims if claim.expected == "refuted"]
    assert [name.removeprefix("ps1.") for name in refuted] == [
        "1a-unit-variance",
        "1b-scaled-weights",
        "1c-bias-equation",
        "2a-length",
        "2c-recurrence",
        "2d-independence",
        "3c-slope",
        "3c-concave",
        "3c-twice",
        "3d-at-most-one",
        "3i-one-stable",
        "4e-faster",
        "5b-singular-values",
        "5b-trace",
        "5b-chi",
        "5b-chi-square",
        "3e-gaussian",
        "3e-listing",
        "5d-derivative",
        "5d-integrand",
        "5d-fixed-point",
        "5d-iteration",
        "5d-listing",
    ]


def test_every_erratum_has_a_correction_that_is_proved_where_it_can_be() -> None:
    for claim in DOCUMENT.claims:
        assert (claim.correction is not None) == (claim.expected == "refuted")
        if claim.correction is not None:
            numerical = claim.correction.id in NO_CLOSED_FORM
            assert claim.correction.expected == ("not refuted" if numerical else "proved")


def test_what_is_not_proved_is_measured_or_tried_or_has_no_closed_form() -> None:
    left = {
        claim.id
        for claim in DOCUMENT.every_claim()
        if claim.expected == "not refuted" and not claim.needs_simulation
    }
    assert left == NO_CLOSED_FORM | FOR_ALL
