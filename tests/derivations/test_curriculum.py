"""The curriculum: every claim has the recorded verdict, and the errata are these."""

from __future__ import annotations

import pytest

from freejac import simulate
from freejac.derivations.curriculum import DOCUMENT
from freejac.symbolic.claims import Claim

CLAIMS = DOCUMENT.every_claim()
UNPROVED = {
    "curriculum.2.monotone",  # about every activation
    "curriculum.2.concave-tanh",  # an expectation without closed form
}


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_verdict_is_the_recorded_one(claim: Claim) -> None:
    verdict = claim.verdict(simulate)
    assert verdict.status == claim.expected, str(verdict)
    assert (verdict.counterexample is not None) == (claim.expected == "refuted")


def test_errata() -> None:
    found = [
        claim.id.removeprefix("curriculum.") for claim in CLAIMS if claim.expected == "refuted"
    ]
    assert found == ["4.2a.transform", "4.2b.both-sides"]


def test_every_erratum_has_a_proved_correction() -> None:
    for claim in DOCUMENT.claims:
        assert (claim.correction is not None) == (claim.expected == "refuted")
        if claim.correction is not None:
            assert claim.correction.expected == "proved"


def test_what_is_not_proved_is_measured_or_out_of_reach() -> None:
    for claim in CLAIMS:
        if claim.expected == "not refuted":
            assert claim.needs_simulation or claim.id in UNPROVED
