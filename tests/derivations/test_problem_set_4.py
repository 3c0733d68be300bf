"""Problem set 4: every claim has the recorded verdict, and the errata are these."""

from __future__ import annotations

import pytest

from freejac import simulate
from freejac.derivations.problem_set_4 import DOCUMENT
from freejac.symbolic.claims import Claim

CLAIMS = DOCUMENT.every_claim()


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_verdict_is_the_recorded_one(claim: Claim) -> None:
    verdict = claim.verdict(simulate)
    assert verdict.status == claim.expected, str(verdict)
    assert (verdict.counterexample is not None) == (claim.expected == "refuted")


def test_errata() -> None:
    found = [claim.id.removeprefix("ps4.") for claim in CLAIMS if claim.expected == "refuted"]
    assert found == [
        "1a.input",
        "1c.layers",
        "2b.factor",
        "2b.product-factor",
        "3c.integrand",
        "3c.values",
        "3c.probability",
        "3g.factor",
        "3g.definition",
        "4a.collect",
        "4a.mgf",
        "4d.series",
        "4e.probability",
        "4e.any",
        "5d.relu",
    ]


def test_every_erratum_has_a_proved_correction() -> None:
    for claim in DOCUMENT.claims:
        assert (claim.correction is not None) == (claim.expected == "refuted")
        if claim.correction is not None:
            assert claim.correction.expected == "proved"


def test_what_is_not_proved_is_measured_or_has_no_closed_form() -> None:
    for claim in CLAIMS:
        if claim.expected == "not refuted":
            assert claim.needs_simulation or claim.id == "ps4.3g.tanh-curve"
