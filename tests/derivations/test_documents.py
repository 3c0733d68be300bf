"""The documents: every claim has the recorded verdict, and the errata are these."""

from __future__ import annotations

import pytest

from freejac import simulate
from freejac.derivations import documents
from freejac.symbolic.claims import Claim, Document

DOCUMENTS = documents()
CLAIMS = [
    pytest.param(claim, id=claim.id, marks=pytest.mark.slow if claim.slow else ())
    for document in DOCUMENTS
    for claim in document.every_claim()
]

ERRATA = {
    "curriculum": [
        "4.2a.transform",
        "4.2b.both-sides",
    ],
    "lecture": [
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
    ],
    "ps1": [
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
    ],
    "ps4": [
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
    ],
    "resnet": [
        "ii1-condition-number-relu",
        "ii1-stretch",
        "ii2-parameter",
        "ii2-bias",
        "ii2-second-term",
        "ii2-growth",
        "ii3-tanh-linear-growth",
        "ii3-tanh-linear-growth-number",
        "abstract-any-activation",
    ],
}

NOT_PROVED = {
    "curriculum.2.monotone": "about every activation",
    "curriculum.2.concave-tanh": "an expectation without closed form",
    "ps1.3b-zero": "about every activation: members are tried",
    "ps1.3c-increasing": "about every activation: members are tried",
    "ps1.3e-large-weights-numbers": "rests on numerical means of tanh",
    "ps1.3e-biased-numbers": "rests on numerical means of tanh",
    "ps1.4d-fixed-point": "about every activation: members are tried",
    "ps1.3e-listing.corrected": "rests on numerical means of tanh",
    "ps1.5d-fixed-point.corrected": "rests on numerical means of tanh",
    "ps1.5d-iteration.corrected": "rests on numerical means of tanh",
    "ps1.5d-listing.corrected": "rests on numerical means of tanh",
    "ps4.3g.tanh-curve": "rests on numerical means of tanh",
    "resnet.ii1-lambert-solves": "W is the numerical root of its definition",
    "resnet.ii2-no-fixed-point": "seven activations are tried",
    "resnet.ii3-odd-means": "odd activations of the library are tried",
}
"""Claims that are not measured either, and why."""


@pytest.mark.parametrize("claim", CLAIMS)
def test_verdict_is_the_recorded_one(claim: Claim) -> None:
    verdict = claim.verdict(simulate)
    assert verdict.status == claim.expected, str(verdict)
    assert (verdict.counterexample is not None) == (claim.expected == "refuted")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.key)
def test_errata(document: Document) -> None:
    refuted = [claim.id for claim in document.every_claim() if claim.expected == "refuted"]
    assert refuted == [f"{document.key}.{name}" for name in ERRATA[document.key]]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.key)
def test_every_erratum_has_a_correction_that_is_proved_where_it_can_be(document: Document) -> None:
    for claim in document.claims:
        assert (claim.correction is not None) == (claim.expected == "refuted")
        if claim.correction is not None:
            other = claim.correction.needs_simulation or claim.correction.id in NOT_PROVED
            assert claim.correction.expected == ("not refuted" if other else "proved")


def test_what_is_not_proved_is_measured_or_has_a_reason() -> None:
    left = {
        claim.id
        for document in DOCUMENTS
        for claim in document.every_claim()
        if claim.expected == "not refuted" and not claim.needs_simulation
    }
    assert left == set(NOT_PROVED)
