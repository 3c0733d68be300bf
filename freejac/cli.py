"""The command line.

Typer reads the arguments and gives back the work to do; the work is done outside of it, in `run`,
where every way to end has its exit code. Nothing heavy is imported before it is needed, so that
`freejac --help` is immediate.

>>> run(["derive", "x+*2"])
2
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated, cast

import typer

from freejac import (
    command_density,
    command_derive,
    command_generate,
    command_init,
    command_phase,
    command_simulate,
    command_sweep,
    command_verify,
)
from freejac.command_line import BAD_INPUT, DONE, INTERRUPTED, NO, app, complain, examples
from freejac.symbolic.errors import Error, InputError

__all__ = ["COMMANDS", "app", "main", "run"]

COMMANDS = (
    command_density,
    command_derive,
    command_generate,
    command_init,
    command_phase,
    command_simulate,
    command_sweep,
    command_verify,
)
"""The rooms whose import registers their commands."""

# What is wrong with a command line; its home differs between versions of Typer, its place above
# BadParameter does not.
_UsageError = cast("type[typer.BadParameter]", typer.BadParameter.__mro__[1])


def main() -> None:
    """Run the command line and exit."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Do what the arguments say.

    Returns:
        0 done, 1 the answer is no, 2 bad input, 130 interrupted. A reader that closes the pipe
        has seen what it wanted: 0.
    """
    try:
        work = app(args=list(arguments), prog_name="freejac", standalone_mode=False)
        status = work() if callable(work) else int(work or DONE)
        sys.stdout.flush()
    except _UsageError as error:
        message = error.format_message().rstrip(".")
        return complain(f"{message} (see freejac --help)", BAD_INPUT)
    except InputError as error:
        return complain(str(error), BAD_INPUT)
    except Error as error:
        return complain(str(error), NO)
    except BrokenPipeError:
        _abandon_output()
        return DONE
    except OSError as error:
        _abandon_output()
        return complain(f"cannot write: {error.strerror}", NO)
    except (KeyboardInterrupt, typer.Abort):
        return complain("interrupted", INTERRUPTED)
    return status


def _abandon_output() -> None:
    """Keep Python from writing what is left when it exits, and from complaining about it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # slow to import

        print(version("freejac"))
        raise typer.Exit


@app.callback(
    epilog=examples(
        "freejac list",
        "freejac derive gelu",
        'freejac derive "where(x>0, x, 3*x/10)" --weights orthogonal --json',
        "freejac verify notes.md",
    )
)
def _freejac(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Exact theory of random deep networks, and kernels checked against it.

    Exit codes: 0 done, 1 the answer is no, 2 bad input.
    """
