"""`docs/claims.md`: every claim of every document with its verdict, and errata of each source."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from freejac.claim_sources import Item, Source
from freejac.codegen.files import write_atomically
from freejac.symbolic.errors import InputError
from freejac.symbolic.verdict import STATUSES
from freejac.verify import Outcome, Report

__all__ = ["MEND", "claims_page", "drift", "row_head", "write"]

MEND = "freejac verify --all --page docs/claims.md"
"""The command that writes the page anew."""

_HEAD = """# Claims of the literature

Every equation and stated result of five sources that can be checked, transcribed as printed, with
its verdict, found anew whenever this page is written. A refuted claim is followed by what the
source should have said; these corrections are counted too.

| verdict | means |
|---|---|
| proved | the difference was reduced to zero by exact steps; the method is named |
| refuted | there is a point at which the two sides are enclosed in disjoint intervals |
| not refuted | the sides agree wherever they were compared; no proof |
| undecided | no point to compare them at, or no convergence |

The documents are in `derivations/`; `freejac verify NAME` checks one of them, and
[Verify your own](verify.md) says how to write one.

This file is written by `freejac verify --all --page docs/claims.md`; do not edit.
"""


def claims_page(report: Report) -> str:
    """Write the page, the same for the same verdicts.

    Raises:
        InputError: a source is no document, or was not checked to its end.
    """
    if report.interrupted or any(source.kind != "document" for source in report.sources):
        raise InputError("a page of claims is written from documents alone")
    counts = report.counts
    lines = [_HEAD, "| source | claims | " + " | ".join(STATUSES) + " |"]
    lines.append("|---|---|" + "---|" * len(STATUSES))
    for source in report.sources:
        outcomes = report.of(source)
        each = [sum(o.verdict.status == status for o in outcomes) for status in STATUSES]
        cells = (f"[{source.title}](#{_anchor(source)})", len(outcomes), *each)
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    total = ("all", len(report.outcomes), *(counts[status] for status in STATUSES))
    lines.append("| " + " | ".join(map(str, total)) + " |")
    for source in report.sources:
        lines += ["", *_section(source, report.of(source))]
    return "\n".join(lines).rstrip() + "\n"


def write(report: Report, path: Path) -> str:
    """Write the page into a file; say so, or nothing if it is there already."""
    text = claims_page(report)
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return ""
    write_atomically(path, text)
    return f"wrote {path}\n"


def drift(report: Report, path: Path) -> str:
    """The difference between the page as it is and as it would be written."""
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    pair = (before.splitlines(True), claims_page(report).splitlines(True))
    return "".join(difflib.unified_diff(*pair, str(path), f"{path}, written anew"))


def _anchor(source: Source) -> str:
    kept = re.sub(r"[^\w\- ]", "", source.title.lower())
    return kept.replace(" ", "-")


def _section(source: Source, outcomes: Iterable[Outcome]) -> Iterator[str]:
    found = list(outcomes)
    yield f"## {source.title}"
    yield ""
    yield f"{source.citation}. Document `{source.name}`."
    errata = [o for o in found if o.verdict.refuted]
    if errata:
        yield from ("", "### Errata", "")
        mended = {o.item.corrects: o for o in found if o.item.corrects}
        for outcome in errata:
            yield from _erratum(outcome, mended.get(outcome.item.id))
    yield from ("", "### Claims", "", "| claim | where | statement | verdict | method |")
    yield "|---|---|---|---|---|"
    for outcome in found:
        yield f"{row_head(outcome.item, outcome.verdict.status)} {_cell(_method(outcome))} |"
    if source.asides:
        yield from ("", "### Not claims", "")
        for aside in source.asides:
            yield f"- {aside.text}: {aside.reason}"


def _method(outcome: Outcome) -> str:
    """How the verdict was found, without what a slower machine would find otherwise."""
    if outcome.item.sampled:
        return "simulation"
    return re.sub(r"\b\d+ (?=admissible points?\b)", "", outcome.verdict.method)


def row_head(item: Item, status: str) -> str:
    """The row of a claim up to its verdict."""
    cells = (f"`{item.id}`", item.place, _math(item.statement), status)
    return f"| {' | '.join(map(_cell, cells))} |"


def _erratum(outcome: Outcome, mended: Outcome | None) -> Iterator[str]:
    """What is printed, where it fails, and what should have been said."""
    item, verdict = outcome.item, outcome.verdict
    yield f"- **{item.place}** (`{item.id}`): {_math(item.statement)} is refuted."
    if verdict.counterexample is not None and not item.sampled:
        yield f"  Counterexample: {verdict.counterexample}."
    if verdict.hint:
        yield f"  Found by the engine: {verdict.hint}."
    if mended is not None:
        yield f"  Instead: {_math(mended.item.statement)}, {mended.verdict.status}."
    if item.note:
        yield f"  Note: {item.note.rstrip('.')}."


def _math(statement: str) -> str:
    """A formula for a table: bars would end its cell, and `](` begin a link."""
    shown = statement.replace("\\|", "\\Vert ").replace("|", "\\vert ").replace("](", "] (")
    return f"${' '.join(shown.split())}$"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
