"""`freejac generate`."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from freejac.command_line import DONE, NO, Work, app, complain, examples, show
from freejac.progress import stages
from freejac.symbolic.errors import InputError


@app.command(
    "generate",
    epilog=examples(
        "freejac generate",
        "freejac generate gelu",
        "freejac generate --check gelu_dual jacobian_moments",
    ),
)
def _generate(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME",
            help="Modules, and activations for all their modules; all there are if none is named.",
        ),
    ] = None,
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; show what would change.")
    ] = False,
    remeasure: Annotated[
        bool, typer.Option("--remeasure", help="Measure errors anew, of unchanged kernels too.")
    ] = False,
) -> Work:
    """Write the kernels of the library anew, or check that they are what would be written.

    Modules that are named are written, measured or checked alone; all others, with their rows in
    docs/kernels.md and their errors on record, stay as they are.
    """
    if check and remeasure:
        raise InputError("choose one of --check and --remeasure")
    chosen = tuple(names or ())
    return partial(_check_kernels, chosen) if check else partial(_write_kernels, chosen, remeasure)


def _write_kernels(names: tuple[str, ...], remeasure: bool) -> int:
    from freejac.codegen.generate import generate  # imports Numba

    with stages() as announce:
        changed = generate(names, remeasure=remeasure, progress=announce)
    show("".join(f"wrote {path}\n" for path in changed) or "nothing to write\n")
    return DONE


def _check_kernels(names: tuple[str, ...]) -> int:
    from freejac.codegen import generate  # imports Numba

    with stages() as announce:
        announce("comparing generated/ with what would be written")
        drifts = generate.check(names)
    if not drifts:
        return DONE
    show("".join(drift.diff for drift in drifts))
    files = "file has" if len(drifts) == 1 else "files have"
    mend = " ".join((generate.MEND, *names))
    return complain(f"{len(drifts)} generated {files} drifted; run: {mend}", NO)
