"""Verdicts on claims, laid out for a terminal or as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from io import StringIO

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from freejac.claim_sources import Source
from freejac.symbolic.notes import Remark
from freejac.symbolic.verdict import STATUSES
from freejac.verify import Outcome, Report

__all__ = ["as_json", "as_text", "summary"]

_WIDTH = 100
_NAME = 36
_GAPS = 6
"""Columns between the columns."""
_STYLES = {"proved": "green", "not refuted": "yellow", "undecided": "magenta", "refuted": "red"}


def as_json(report: Report, *, strict: bool = False) -> str:
    """Everything that was found, for a program: see `docs/verify.md` for the keys."""
    data = {
        "passed": report.passed(strict=strict) and not report.interrupted,
        "interrupted": report.interrupted,
        "counts": {status: report.counts[status] for status in STATUSES},
        "sources": [_source_data(source, report.of(source)) for source in report.sources],
    }
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def _source_data(source: Source, outcomes: Iterable[Outcome]) -> dict[str, object]:
    return {
        "name": source.name,
        "kind": source.kind,
        "title": source.title,
        "citation": source.citation,
        "claims": [
            {
                "id": outcome.item.id,
                "place": outcome.item.place,
                "statement": outcome.item.statement,
                "expected": outcome.item.expected,
                "as_expected": outcome.as_expected,
                "corrects": outcome.item.corrects or None,
                "verdict": outcome.verdict.to_dict(),
            }
            for outcome in outcomes
        ],
        "not_read": [_remark_data(remark) for remark in source.unread],
        "not_claims": [_remark_data(remark) for remark in source.asides],
    }


def _remark_data(remark: Remark) -> dict[str, object]:
    return {"line": remark.line or None, "text": remark.text, "reason": remark.reason}


def as_text(report: Report, *, color: bool = False, width: int = _WIDTH) -> str:
    """A table of verdicts for each source, then what is wrong, in full."""
    out = StringIO()
    console = Console(
        file=out, width=width, force_terminal=color, no_color=not color, highlight=False
    )
    for source in report.sources:
        outcomes = report.of(source)
        console.print(Text(_heading(source), style="bold"))
        if outcomes:
            console.print(_table(outcomes, width))
        for text in _details(outcomes):
            console.print(text, soft_wrap=True)
        for remark in source.unread:
            shown = f": {remark.text}" if remark.text else ""
            console.print(
                Text(f"not read, line {remark.line}{shown}", style="yellow"), soft_wrap=True
            )
            console.print(Text(f"  {remark.reason}"), soft_wrap=True)
        if source.unread:
            console.print()
    console.print(Text(summary(report)), soft_wrap=True)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _heading(source: Source) -> str:
    return f"{source.name}: {source.title}" if source.title else source.name


def _table(outcomes: Iterable[Outcome], width: int) -> Table:
    shown = list(outcomes)
    verdicts = [_verdict(outcome) for outcome in shown]
    first = max(len(_name(outcome)) for outcome in shown)
    second = max(len(verdict.plain) for verdict in verdicts)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("claim", no_wrap=True, min_width=first)
    table.add_column("verdict", no_wrap=True, min_width=second)
    table.add_column("formula", no_wrap=True)
    for outcome, verdict in zip(shown, verdicts, strict=True):
        formula = " ".join(outcome.item.statement.split())
        rest = _cut(formula, max(20, width - first - second - _GAPS))
        table.add_row(Text(_name(outcome)), verdict, Text(rest))
    return table


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _name(outcome: Outcome) -> str:
    """The id; that of a correction is indented."""
    name = "  " * bool(outcome.item.corrects) + outcome.item.id
    return _cut(name, _NAME)


def _verdict(outcome: Outcome) -> Text:
    """The status, and whether it is a surprise."""
    status = outcome.verdict.status
    recorded = outcome.item.expected is not None and status != "proved" and outcome.as_expected
    surprise = "" if outcome.as_expected else " ✗"
    return Text(status + (", as recorded" if recorded else surprise), _STYLES[status])


def _details(outcomes: Iterable[Outcome]) -> Iterator[Text]:
    """What is wrong or open: formula, counterexample, hint."""
    for outcome in outcomes:
        item, verdict = outcome.item, outcome.verdict
        if outcome.as_expected and verdict.status in {"proved", "not refuted"}:
            continue
        where = "" if item.place in {"", item.id} else f" ({item.place})"
        yield Text(f"{item.id}{where}: {' '.join(item.statement.split())}", style="bold")
        if not outcome.as_expected and item.expected is not None:
            yield Text(f"  expected to be {item.expected}, now {verdict.status}", style="red")
        for number, line in enumerate(verdict.lines()):
            yield Text(f"  {line}", style=_STYLES[verdict.status] if number == 0 else "")
        if item.note:
            yield Text(f"    note: {item.note}")
        yield Text("")


def summary(report: Report) -> str:
    """How many claims have which verdict, in one line.

    >>> summary(Report((), ()))
    'no claims'
    """
    counts = report.counts
    total = len(report.outcomes)
    parts = [f"{counts[status]} {status}" for status in STATUSES if counts[status]]
    text = f"{total} claim{'s' * (total != 1)}: " + ", ".join(parts) if total else "no claims"
    unread = sum(len(source.unread) for source in report.sources)
    asides = sum(len(source.asides) for source in report.sources)
    surprises = sum(not o.as_expected and o.item.expected is not None for o in report.outcomes)
    text += f"; {unread} formula{'s' * (unread != 1)} not read" if unread else ""
    text += f"; {asides} not a claim" if asides else ""
    return text + (f"; {surprises} not as recorded" if surprises else "")
