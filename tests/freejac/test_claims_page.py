"""`docs/claims.md` says what the documents record; their tests hold the record to the engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from freejac.claim_sources import installed, load
from freejac.claims_page import MEND, row_head


@pytest.fixture(scope="module")
def page(repository: Path) -> str:
    return (repository / "docs/claims.md").read_text()


@pytest.mark.parametrize("name", installed())
def test_every_claim_is_listed_with_its_verdict(name: str, page: str) -> None:
    items = load(name).items
    missing = [item.id for item in items if row_head(item, item.expected or "") not in page]
    assert missing == [], f"run: {MEND}"


@pytest.mark.parametrize("name", installed())
def test_every_refuted_claim_is_an_erratum(name: str, page: str) -> None:
    refuted = [item for item in load(name).items if item.expected == "refuted"]
    missing = [item.id for item in refuted if f"(`{item.id}`)" not in page]
    assert missing == [], f"run: {MEND}"


@pytest.mark.parametrize("name", installed())
def test_everything_left_out_has_its_reason(name: str, page: str) -> None:
    assert [a.text for a in load(name).asides if f"- {a.text}: {a.reason}" not in page] == []


def test_the_page_lists_nothing_else(page: str) -> None:
    rows = sum(line.startswith("| `") for line in page.splitlines())
    assert rows == sum(len(load(name).items) for name in installed())
