"""`freejac verify`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from freejac.command_line import DONE, NO, Work, app, complain, counter, examples, show
from freejac.symbolic.errors import InputError


@app.command(
    "verify",
    epilog=examples(
        "freejac verify notes.md",
        "freejac verify chapter.tex my_claims.py --strict",
        "freejac verify problem_set_4",
        "freejac verify --all --json",
    ),
)
def _verify(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILE", help="Notes (.md, .tex), Python files, or names of documents."
        ),
    ] = None,
    *,
    everything: Annotated[
        bool, typer.Option("--all", help="All documents that come with freejac; the default.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="1 unless every formula is read and proved.")
    ] = False,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", metavar="N", help="Number of processes; one a core."),
    ] = None,
    time_limit: Annotated[
        float, typer.Option("--time-limit", metavar="SECONDS", help="Processor time for one claim.")
    ] = 300.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    page: Annotated[
        Path | None,
        typer.Option("--page", metavar="FILE", help="Write a page of claims and errata."),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Do not write the page; show what would change.")
    ] = False,
) -> Work:
    """Check hand derivations: claims in documents, in Python files, and in notes.

    Every displayed formula of a note is a claim. Each claim is proved, refuted by a point at which
    its sides differ, or neither. What is not read is listed.

    The answer is 1 if a claim of a note is refuted, or if a verdict of a document is not the one on
    record.
    """
    if everything and names:
        raise InputError("choose one of --all and FILE")
    if check and page is None:
        raise InputError("--check needs --page")

    def work() -> int:
        from freejac import claims_page, verify_report  # imports SymPy
        from freejac.verify import verify

        with counter("checking claims") as progress:
            report = verify(names or (), jobs=jobs, time_limit=time_limit, progress=progress)
        color = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        show(
            verify_report.as_json(report, strict=strict)
            if as_json
            else verify_report.as_text(report, color=color)
        )
        if report.interrupted:
            raise KeyboardInterrupt
        if page is not None:
            drift = claims_page.drift(report, page) if check else claims_page.write(report, page)
            show(drift)
            if check and drift:
                return complain(f"{page} drifted; run: {claims_page.MEND}", NO)
        return DONE if report.passed(strict=strict) else NO

    return work
