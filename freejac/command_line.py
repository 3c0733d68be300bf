"""What every command shares: the program, its exit codes, how it prints and reports progress.

Commands live in rooms of their own, `command_*.py`, and register with `app`. A command reads its
arguments and gives back the work to do; the work is done by `freejac.cli.run`.

>>> examples("freejac list").splitlines()[-1]
'  freejac list'
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from freejac.symbolic.errors import InputError

if TYPE_CHECKING:
    import sympy as sp

__all__ = [
    "BAD_INPUT",
    "DONE",
    "INTERRUPTED",
    "NO",
    "Work",
    "app",
    "complain",
    "counter",
    "exact_number",
    "examples",
    "show",
]

Work = Callable[[], int]

DONE, NO, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def examples(*lines: str) -> str:
    """Lay examples out for the end of a help text, where a backspace keeps lines apart."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def complain(message: str, status: int) -> int:
    """Write one line to standard error, and give the exit code back."""
    print(f"freejac: error: {' '.join(message.split())}", file=sys.stderr)
    return status


def exact_number(option: str, text: str) -> sp.Expr:
    """Read a number exactly, in the grammar of expressions: 3/2, 0.1, sqrt(2)."""
    from freejac.symbolic.parsing import parse  # imports SymPy

    try:
        return parse(text)
    except InputError as error:
        raise InputError(f"{option}: {error}") from None


def show(text: str) -> None:
    """Write to standard output."""
    if hasattr(sys.stdout, "reconfigure"):
        # A terminal that cannot show φ shows its number rather than stopping us.
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.stdout.write(text)


@contextmanager
def counter(label: str) -> Iterator[Callable[[int, int], None]]:
    """Show on a terminal how many things are done of how many."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console  # slow to import
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn(label), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
