"""`freejac list` and `freejac derive`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import indent, wrap
from typing import TYPE_CHECKING, Annotated

import typer

from freejac.command_line import DONE, Work, app, exact_number, examples, show
from freejac.progress import stages
from freejac.symbolic.errors import InputError

if TYPE_CHECKING:
    import sympy as sp

    from freejac.symbolic.library import Entry

_MAX_DEPTH = 1000
_WIDTH = 100
_COLUMN = 22


@app.command("list", epilog=examples("freejac list", "freejac list --json"))
def _list(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> Work:
    """List the activation functions of the library: definition, parameters, source."""

    def work() -> int:
        from freejac.symbolic.library import LIBRARY  # imports SymPy

        if as_json:
            show(json.dumps([_entry_data(e) for e in LIBRARY.values()], indent=2) + "\n")
        else:
            show("\n".join(_entry_text(entry) for entry in LIBRARY.values()))
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
    epilog=examples(
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
                exact_number("--sigma-w", sigma_w),
                exact_number("--sigma-b", sigma_b or "0"),
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
            write = report.as_json if as_json else report.as_latex if latex else report.as_text
            with _integers_of_any_length():
                text = write(theory)
        show(text)
        return DONE

    return work


@contextmanager
def _integers_of_any_length() -> Iterator[None]:
    """Print integers of more digits than Python does by default: they are honest results here."""
    limit = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        yield
    finally:
        sys.set_int_max_str_digits(limit)


def _layers(text: str) -> int | sp.Symbol:
    if text == "L":
        from freejac.symbolic.symbols import depth  # imports SymPy

        return depth
    if text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= _MAX_DEPTH:
        return int(text)
    raise InputError(f"--depth is an integer from 1 to {_MAX_DEPTH}, or L, not {text}")
