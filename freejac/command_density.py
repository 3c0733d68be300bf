"""`freejac density`."""

from __future__ import annotations

from typing import Annotated

import typer

from freejac.command_line import DONE, Work, app, examples, show
from freejac.command_network import (
    ActivationText,
    Bias,
    Depth,
    FirstVariance,
    PlotFile,
    Scale,
    Skip,
    Weights,
    network_theory_of,
    refuse_without_residual,
)
from freejac.progress import stages
from freejac.symbolic.errors import InputError


@app.command(
    "density",
    epilog=examples(
        "freejac density tanh --depth 10 --sigma-w 1.3 --sigma-b 0.1",
        "freejac density hard_tanh --depth 4 --weights orthogonal --sigma-w 1.1 --plot ht.png",
        "freejac density gelu --depth 30 --sigma-w 0.8 --residual --json",
        'freejac density "0.7*tanh(x) + 0.3*x" --depth 5 --sigma-w 1.2 --q 0.5 --csv > density.csv',
    ),
)
def _density(
    activation: ActivationText,
    *,
    depth: Depth,
    sigma_w: Scale,
    sigma_b: Bias = "0",
    weights: Weights = "gaussian",
    q: FirstVariance = None,
    is_residual: Annotated[
        bool, typer.Option("--residual", help="A residual network; the limit of many layers.")
    ] = False,
    skip: Skip = None,
    finite: Annotated[
        bool, typer.Option("--finite", help="The exact law at this depth (residual).")
    ] = False,
    points: Annotated[
        int, typer.Option("--points", metavar="N", min=2, max=100_000, help="Number of λ.")
    ] = 40,
    log: Annotated[bool, typer.Option("--log", help="λ even in log λ.")] = False,
    plot: PlotFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print λ and ρ as CSV.")] = False,
) -> Work:
    """Evaluate the density of the eigenvalues of JᵀJ.

    Shown are its support, atoms, mass and moments, and a table of λ and ρ(λ). Every layer is at the
    stable fixed point q* of the length map, or the lengths start at --q and follow the map.

    Write -- before an expression that begins with a minus sign.
    """
    if as_json and as_csv:
        raise InputError("choose one of --json and --csv")
    refuse_without_residual(is_residual, finite, skip)

    def work() -> int:
        from freejac import spectra_report  # imports SymPy and NumPy

        if plot is not None:
            from freejac.phase_plot import ready

            ready(plot)
        with stages() as announce:
            announce("following lengths")
            theory = network_theory_of(
                activation,
                depth=depth,
                sigma_w=sigma_w,
                sigma_b=sigma_b,
                q=q,
                weights=weights,
                is_residual=is_residual,
                skip=skip,
                finite=finite,
            )
            announce("integrating the density")
            law = theory.law()
            announce("evaluating the density")
            lam = spectra_report.grid(law, points, log=log)
            report = spectra_report.DensityReport(theory, law, lam, theory.density(lam))
            if plot is not None:
                from freejac.plot import Curve, save, spectra

                announce("drawing")
                curve = Curve(f"depth {depth}", report.lam, report.density)
                save(spectra([curve], title=f"{theory.phi.name}, {weights}", log=log), plot)
        write = (
            spectra_report.density_json
            if as_json
            else spectra_report.csv_of
            if as_csv
            else spectra_report.density_text
        )
        show(write(report))
        return DONE

    return work
