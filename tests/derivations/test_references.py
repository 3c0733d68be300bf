"""Notes and reasons name claims that exist."""

from __future__ import annotations

import re

import pytest

from freejac.derivations import document
from freejac.symbolic.claims import Document

NAMED = re.compile(r"\b(?:ps4|curriculum|lecture)\.[a-z0-9]+(?:[.\-][a-z0-9]+)*")
DOCUMENTS = [document(name) for name in ("problem_set_4", "curriculum", "lecture")]
IDS = {claim.id for found in DOCUMENTS for claim in found.every_claim()}


@pytest.mark.parametrize("found", DOCUMENTS, ids=lambda found: found.key)
def test_named_claims_exist(found: Document) -> None:
    texts = [claim.note + " " + claim.assumptions for claim in found.every_claim()]
    texts += [skipped.reason for skipped in found.skipped]
    named = {name for text in texts for name in NAMED.findall(text)}
    assert named
    assert named <= IDS


def test_the_documents_are_not_thinned_out() -> None:
    counts = {found.key: len(found.claims) for found in DOCUMENTS}
    assert counts["ps4"] >= 93
    assert counts["curriculum"] >= 63
    assert counts["lecture"] >= 41
