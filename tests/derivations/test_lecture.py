"""The lecture: every claim has the recorded verdict, and the errata are these."""

from __future__ import annotations

import pytest

from freejac import simulate
from freejac.derivations.lecture import DOCUMENT
from freejac.symbolic.claims import Claim

CLAIMS = DOCUMENT.every_claim()


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_verdict_is_the_recorded_one(claim: Claim) -> None:
    verdict = claim.verdict(simulate)
    assert verdict.status == claim.expected, str(verdict)
    assert (verdict.counterexample is not None) == (claim.expected == "refuted")


def test_errata() -> None:
    found = [claim.id.removeprefix("lecture.") for claim in CLAIMS if claim.expected == "refuted"]
    assert found == [
        "jacobian",
        "backward.step",
        "backward.start",
        "backward.product",
        "gradient.weights",
        "gradient.biases",
        "weights-variance",
        "bias-variance",
        "bias-measured",
        "fixed-point",
        "linear-growth",
    ]


def test_every_erratum_has_a_proved_correction() -> None:
    for claim in DOCUMENT.claims:
        assert (claim.correction is not None) == (claim.expected == "refuted")
        if claim.correction is not None:
            measured = claim.correction.needs_simulation
            assert claim.correction.expected == ("not refuted" if measured else "proved")


def test_what_is_not_proved_is_measured() -> None:
    for claim in CLAIMS:
        if claim.expected == "not refuted":
            assert claim.needs_simulation
