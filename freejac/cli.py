"""The command line: `freejac list`, `derive`, `verify`, `generate`.

Typer reads the arguments and gives back the work to do; the work is done outside of it, in `run`,
where every way to end has its exit code. Nothing heavy is imported before it is needed, so that
`freejac --help` is immediate.

>>> run(["derive", "x+*2"])
2
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from textwrap import indent, wrap
from typing import TYPE_CHECKING, Annotated, cast

import typer

from freejac.progress import stages
from freejac.symbolic.errors import Error, InputError

if TYPE_CHECKING:
    import sympy as sp

    from freejac.symbolic.library import Entry

__all__ = ["app", "main", "run"]

Work = Callable[[], int]

DONE, NO, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130

_MAX_DEPTH = 1000
_WIDTH = 100
_COLUMN = 22

# What is wrong with a command line; its home differs between versions of Typer, its place above
# BadParameter does not.
_UsageError = cast("type[typer.BadParameter]", typer.BadParameter.__mro__[1])


def _examples(*lines: str) -> str:
    """Lay examples out for the end of a help text, where a backspace keeps lines apart."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


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
        return _complain(f"{message} (see freejac --help)", BAD_INPUT)
    except InputError as error:
        return _complain(str(error), BAD_INPUT)
    except Error as error:
        return _complain(str(error), NO)
    except BrokenPipeError:
        _abandon_output()
        return DONE
    except OSError as error:
        _abandon_output()
        return _complain(f"cannot write: {error.strerror}", NO)
    except (KeyboardInterrupt, typer.Abort):
        return _complain("interrupted", INTERRUPTED)
    return status


def _abandon_output() -> None:
    """Keep Python from writing what is left when it exits, and from complaining about it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _complain(message: str, status: int) -> int:
    print(f"freejac: error: {' '.join(message.split())}", file=sys.stderr)
    return status


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # slow to import

        print(version("freejac"))
        raise typer.Exit


@app.callback(
    epilog=_examples(
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


@app.command("list", epilog=_examples("freejac list", "freejac list --json"))
def _list(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> Work:
    """List the activation functions of the library: definition, parameters, source."""

    def work() -> int:
        from freejac.symbolic.library import LIBRARY  # imports SymPy

        if as_json:
            _print(json.dumps([_entry_data(e) for e in LIBRARY.values()], indent=2) + "\n")
        else:
            _print("\n".join(_entry_text(entry) for entry in LIBRARY.values()))
        return DONE

    return work


def _entry_data(entry: Entry) -> dict[str, object]:
    return {
        "name": entry.name,
        "aliases": list(entry.aliases),
        "definition": entry.text,
        "parameters": [
            {"name": p.name, "default": str(p.default), "positive": p.positive}
            for p in entry.parameters
        ],
        "source": entry.source,
    }


def _entry_text(entry: Entry) -> str:
    head = entry.name + (
        f"({', '.join(p.name for p in entry.parameters)})" * bool(entry.parameters)
    )
    lines = [f"φ(x) = {entry.text}"]
    lines += [f"{p.name} = {p.default}" + ", positive" * p.positive for p in entry.parameters]
    if entry.aliases:
        lines.append(f"also {', '.join(entry.aliases)}")
    lines += wrap(entry.source, _WIDTH - _COLUMN)
    return f"{head:<{_COLUMN}}" + indent("\n".join(lines), " " * _COLUMN).lstrip() + "\n"


@app.command(
    "derive",
    epilog=_examples(
        "freejac derive gelu",
        'freejac derive "elu(alpha)" --depth 10',
        'freejac derive "where(x>0, x, a*x)" --positive a --weights orthogonal --latex',
        "freejac derive tanh --sigma-w 3/2 --sigma-b 0.1",
        'freejac derive "0.7*tanh(x) + 0.3*x" --emit my_kernels.py',
    ),
)
def _derive(
    activation: Annotated[
        str, typer.Argument(metavar="ACTIVATION", help="Name from the library, or an expression.")
    ],
    *,
    weights: Annotated[
        str, typer.Option("--weights", metavar="NAME", help="gaussian or orthogonal.")
    ] = "gaussian",
    depth: Annotated[
        str, typer.Option("--depth", metavar="N", help="Number of layers, or L for any.")
    ] = "L",
    positive: Annotated[
        list[str] | None,
        typer.Option("--positive", metavar="NAME", help="This parameter is positive."),
    ] = None,
    sigma_w: Annotated[
        str | None,
        typer.Option("--sigma-w", metavar="NUMBER", help="Find fixed points at this σ_w."),
    ] = None,
    sigma_b: Annotated[
        str | None,
        typer.Option("--sigma-b", metavar="NUMBER", help="… and this σ_b; 0 if not given."),
    ] = None,
    latex: Annotated[bool, typer.Option("--latex", help="Print LaTeX.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    emit: Annotated[
        Path | None,
        typer.Option("--emit", metavar="FILE", help="Write checked kernels to this Python file."),
    ] = None,
) -> Work:
    """Derive the theory of an activation function.

    Derivatives, Gaussian expectations, mean-field maps, critical line, law of the squared
    slopes, S-transforms, moments of the Jacobian's spectrum, and the cumulant of a residual
    network. What has no closed form is marked, and says why.

    Write -- before an expression that begins with a minus sign.
    """
    if latex and as_json:
        raise InputError("choose one of --latex and --json")
    if sigma_b is not None and sigma_w is None:
        raise InputError("--sigma-b needs --sigma-w")

    def work() -> int:
        from freejac import report  # imports SymPy
        from freejac.derive import derive

        scales = (
            None
            if sigma_w is None
            else (
                _number("--sigma-w", sigma_w),
                _number("--sigma-b", sigma_b or "0"),
            )
        )
        layers = _layers(depth)
        with stages() as announce:
            theory = derive(
                activation,
                weights=weights,
                depth=layers,
                positive=positive or (),
                scales=scales,
                emit=emit,
                announce=announce,
            )
            # Integers of more digits than Python prints by default are honest results here.
            sys.set_int_max_str_digits(0)
            write = report.as_json if as_json else report.as_latex if latex else report.as_text
            text = write(theory)
        _print(text)
        return DONE

    return work


def _layers(text: str) -> int | sp.Symbol:
    if text == "L":
        from freejac.symbolic.symbols import depth  # imports SymPy

        return depth
    if text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= _MAX_DEPTH:
        return int(text)
    raise InputError(f"--depth is an integer from 1 to {_MAX_DEPTH}, or L, not {text}")


def _number(option: str, text: str) -> sp.Expr:
    """Read a number exactly, in the grammar of expressions: 3/2, 0.1, sqrt(2)."""
    from freejac.symbolic.parsing import parse  # imports SymPy

    try:
        return parse(text)
    except InputError as error:
        raise InputError(f"{option}: {error}") from None


@app.command(
    "verify",
    epilog=_examples(
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

        with _counter("checking claims") as progress:
            report = verify(names or (), jobs=jobs, time_limit=time_limit, progress=progress)
        color = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        _print(
            verify_report.as_json(report, strict=strict)
            if as_json
            else verify_report.as_text(report, color=color)
        )
        if report.interrupted:
            raise KeyboardInterrupt
        if page is not None:
            drift = claims_page.drift(report, page) if check else claims_page.write(report, page)
            _print(drift)
            if check and drift:
                return _complain(f"{page} drifted; run: {claims_page.MEND}", NO)
        return DONE if report.passed(strict=strict) else NO

    return work


@app.command("generate", epilog=_examples("freejac generate", "freejac generate --check"))
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
    _print("".join(f"wrote {path}\n" for path in changed) or "nothing to write\n")
    return DONE


def _check_kernels() -> int:
    from freejac.codegen import generate  # imports Numba

    with stages() as announce:
        announce("comparing generated/ with what would be written")
        drifts = generate.check()
    if not drifts:
        return DONE
    _print("".join(drift.diff for drift in drifts))
    files = "file has" if len(drifts) == 1 else "files have"
    return _complain(f"{len(drifts)} generated {files} drifted; run: {generate.MEND}", NO)


def _print(text: str) -> None:
    if hasattr(sys.stdout, "reconfigure"):
        # A terminal that cannot show φ shows its number rather than stopping us.
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.stdout.write(text)


@contextmanager
def _counter(label: str) -> Iterator[Callable[[int, int], None]]:
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
