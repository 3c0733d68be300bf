"""`freejac generate`."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from freejac.command_line import DONE, NO, Work, app, complain, examples, show
from freejac.progress import stages
from freejac.symbolic.errors import InputError


@app.command("generate", epilog=examples("freejac generate", "freejac generate --check"))
def _generate(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; show what would change.")
    ] = False,
    remeasure: Annotated[
        bool, typer.Option("--remeasure", help="Measure the errors of all kernels anew.")
    ] = False,
) -> Work:
    """Write the kernels of the library anew, or check that they are what would be written."""
    if check and remeasure:
        raise InputError("choose one of --check and --remeasure")
    return _check_kernels if check else partial(_write_kernels, remeasure)


def _write_kernels(remeasure: bool) -> int:
    from freejac.codegen.generate import generate  # imports Numba

    with stages() as announce:
        changed = generate(remeasure=remeasure, progress=announce)
    show("".join(f"wrote {path}\n" for path in changed) or "nothing to write\n")
    return DONE


def _check_kernels() -> int:
    from freejac.codegen import generate  # imports Numba

    with stages() as announce:
        announce("comparing generated/ with what would be written")
        drifts = generate.check()
    if not drifts:
        return DONE
    show("".join(drift.diff for drift in drifts))
    files = "file has" if len(drifts) == 1 else "files have"
    return complain(f"{len(drifts)} generated {files} drifted; run: {generate.MEND}", NO)
