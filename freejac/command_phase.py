"""`freejac phase`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from freejac.command_line import DONE, Work, app, counter, examples, show
from freejac.ranges import read_axis
from freejac.symbolic.errors import InputError


@app.command(
    "phase",
    epilog=examples(
        "freejac phase tanh",
        "freejac phase gelu --sigma-w 1:2:5 --sigma-b 0,0.1,0.2",
        "freejac phase tanh --sigma-w 0.5:3:1000 --sigma-b 0:1:1000 --output tanh.npz",
        'freejac phase "0.7*tanh(x) + 0.3*x" --plot phases.png',
    ),
)
def _phase(
    activation: Annotated[
        str, typer.Argument(metavar="ACTIVATION", help="Name from the library, or an expression.")
    ],
    *,
    sigma_w: Annotated[
        str, typer.Option("--sigma-w", metavar="RANGE", help="σ_w: a number, 1,2,3, or 0.5:3:100.")
    ] = "0.5:3:101",
    sigma_b: Annotated[
        str, typer.Option("--sigma-b", metavar="RANGE", help="σ_b, likewise.")
    ] = "0:1:51",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write .npz, .csv, .nc or .zarr."),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", metavar="FILE", help="Draw it to this PNG file.")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", "-j", metavar="N", min=1, help="Threads; one a processor."),
    ] = None,
) -> Work:
    """Draw the phase diagram of an activation over a (σ_w, σ_b) grid.

    At every point: the fixed point q* that a signal of length 1 reaches, χ, χ_∥, the linear share
    p of a piecewise-linear unit, the correlation c*, the depth scales ξ_q and ξ_c, and the phase.
    The critical line χ = 1 is the exact curve.

    A range is START:STOP:COUNT, or START:STOP:COUNT:log. Write -- before an expression that begins
    with a minus sign.
    """

    def work() -> int:
        from freejac import phase_report  # imports SymPy and Numba

        axes = (
            read_axis("--sigma-w", sigma_w, positive=True),
            read_axis("--sigma-b", sigma_b),
        )
        if plot is not None:
            from freejac.phase_plot import draw, ready

            ready(plot)
        with counter("computing blocks") as progress:
            diagram = phase_report.phase_diagram(
                activation, *axes, workers=workers, progress=progress
            )
        if output is not None:
            phase_report.write(diagram, output)
        if plot is not None:
            draw(diagram, plot)
        show(phase_report.as_json(diagram) if as_json else phase_report.as_text(diagram))
        return DONE

    if output is not None and output.suffix not in (".npz", ".csv", ".nc", ".zarr"):
        raise InputError(f"--output is one of *.npz, *.csv, *.nc, *.zarr, not {output}")
    return work
