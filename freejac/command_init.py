"""`freejac init`."""

from __future__ import annotations

from typing import Annotated

import typer

from freejac.command_line import DONE, Work, app, examples, show
from freejac.progress import stages
from freejac.ranges import read_axis, read_counts
from freejac.symbolic.errors import InputError

_CODE = ("both", "torch", "jax", "none")


@app.command(
    "init",
    epilog=examples(
        "freejac init tanh --depth 32 --weights orthogonal --variance 0.25",
        "freejac init relu --depth 10 --code torch",
        "freejac init gelu --depth 50 --architecture residual --cumulant 0.5",
        "freejac init erf --depth 100 --q 0.1 --json",
    ),
)
def _init(
    activation: Annotated[
        str, typer.Argument(metavar="ACTIVATION", help="Name from the library, or an expression.")
    ],
    *,
    depth: Annotated[str, typer.Option("--depth", metavar="N", help="Number of layers.")],
    architecture: Annotated[
        str, typer.Option("--architecture", metavar="NAME", help="feedforward or residual.")
    ] = "feedforward",
    weights: Annotated[
        str, typer.Option("--weights", metavar="NAME", help="gaussian or orthogonal.")
    ] = "gaussian",
    variance: Annotated[
        str | None,
        typer.Option("--variance", metavar="NUMBER", help="Largest variance of JJᵀ (feedforward)."),
    ] = None,
    cumulant: Annotated[
        str | None,
        typer.Option("--cumulant", metavar="NUMBER", help="Effective cumulant (residual); 1/8."),
    ] = None,
    q: Annotated[
        str | None,
        typer.Option("--q", metavar="NUMBER", help="This point of the critical line."),
    ] = None,
    sigma_b: Annotated[
        str, typer.Option("--sigma-b", metavar="NUMBER", help="σ_b of a residual network.")
    ] = "0",
    code: Annotated[
        str, typer.Option("--code", metavar="NAME", help="torch, jax, both or none.")
    ] = "both",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> Work:
    """Choose the scales of weights and biases, and write initialisers to paste.

    A feed-forward network is put on the critical line χ = 1: where the variance of the eigenvalues
    of JJᵀ keeps below a target, or where χ_∥ = 1 as well. A residual network is given an effective
    cumulant. Shown are the numbers, the expected spectrum, and code for PyTorch and JAX.

    The answer is 1 if there is no such point; the message says why.
    """
    if code not in _CODE:
        raise InputError(f"--code is one of {', '.join(_CODE)}, not {code}")

    def work() -> int:
        from freejac import initial_report  # imports SymPy and Numba
        from freejac.initial_weights import initialisation

        with stages() as announce:
            announce("looking along the critical line")
            found = initialisation(
                activation,
                _one_count("--depth", depth),
                architecture=architecture,
                weights=weights,
                variance=_one("--variance", variance),
                cumulant=_one("--cumulant", cumulant),
                q=_one("--q", q),
                sigma_b=_one("--sigma-b", sigma_b) or 0.0,
            )
            announce("drawing the spectrum")
            text = initial_report.as_json(found) if as_json else initial_report.as_text(found, code)
        show(text)
        return DONE

    return work


def _one(option: str, text: str | None) -> float | None:
    if text is None:
        return None
    values = read_axis(option, text)
    if len(values) != 1:
        raise InputError(f"{option} takes one number, not {text}")
    return values[0]


def _one_count(option: str, text: str) -> int:
    values = read_counts(option, text)
    if len(values) != 1:
        raise InputError(f"{option} takes one number, not {text}")
    return values[0]
