"""`freejac simulate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from freejac.command_line import DONE, NO, Work, app, counter, examples, show
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

if TYPE_CHECKING:
    from freejac.comparison import Comparison, WidthLaw
    from freejac.network_theory import NetworkTheory
    from freejac.numeric_law import NumericLaw
    from freejac.samples import Sample


@app.command(
    "simulate",
    epilog=examples(
        "freejac simulate tanh --depth 10 --sigma-w 1.3 --sigma-b 0.1 --draws 4",
        "freejac simulate relu --depth 4 --sigma-w 1.4 --width 200 --correlation 0.5",
        "freejac simulate hard_tanh --depth 3 --weights orthogonal --sigma-w 1.1 --compare",
        "freejac simulate gelu --depth 50 --sigma-w 0.6 --residual --compare --plot gelu.png",
    ),
)
def _simulate(
    activation: ActivationText,
    *,
    depth: Depth,
    sigma_w: Scale,
    sigma_b: Bias = "0",
    weights: Weights = "gaussian",
    width: Annotated[
        int, typer.Option("--width", metavar="N", min=2, max=20_000, help="Units of every layer.")
    ] = 500,
    draws: Annotated[
        int, typer.Option("--draws", metavar="N", min=1, max=100_000, help="Number of networks.")
    ] = 8,
    seed: Annotated[
        int, typer.Option("--seed", metavar="N", min=0, help="Seed of the random numbers.")
    ] = 1,
    threads: Annotated[
        int, typer.Option("--threads", "-j", metavar="N", min=1, help="Draws at a time.")
    ] = 1,
    q: FirstVariance = None,
    correlation: Annotated[
        float | None,
        typer.Option(
            "--correlation", metavar="C", help="Send a second input along, and measure c."
        ),
    ] = None,
    is_residual: Annotated[bool, typer.Option("--residual", help="A residual network.")] = False,
    skip: Skip = None,
    finite: Annotated[
        bool, typer.Option("--finite", help="Compare with the exact law at this depth (residual).")
    ] = False,
    compare: Annotated[
        bool, typer.Option("--compare", help="Hold the eigenvalues against the theory.")
    ] = False,
    plot: PlotFile = None,
    log: Annotated[bool, typer.Option("--log", help="Draw over log λ.")] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write all measurements, .npz."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> Work:
    """Draw random networks of finite width, and measure the singular values of their Jacobians.

    Shown are, layer by layer, the variance of the pre-activations and χ, and the moments of the
    eigenvalues of JᵀJ, beside what the theory says. With --compare also the Kolmogorov–Smirnov
    distance: where it is beyond what sampling explains, two smaller widths are drawn, and a law of
    1/width is fitted; of 1/√width, where there are atoms, whose masses fluctuate with the ranks.

    The answer is 1 if neither explains the distance. Write -- before an expression that begins with
    a minus sign.
    """
    refuse_without_residual(is_residual, finite, skip)
    if weights not in ("gaussian", "orthogonal"):
        raise InputError(f"--weights is gaussian or orthogonal, not {weights}")

    def work() -> int:
        from freejac import spectra_report  # imports SymPy and NumPy

        if plot is not None:
            from freejac.phase_plot import ready

            ready(plot)
        if output is not None:
            spectra_report.ready_to_write(output)
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
        drawn = {"draws": draws, "seed": seed, "threads": threads}
        with counter("drawing networks") as progress:
            sample = theory.sample(
                width=width, correlations=correlation, progress=progress, **drawn
            )
        law, found, fit = None, None, None
        if compare or plot is not None:
            with stages() as announce:
                announce("integrating the density")
                law = theory.law()
        if compare and law is not None:
            found, fit = _held(theory, law, sample, width, drawn)
        report = spectra_report.SimulationReport(theory, sample, width, seed, found, fit)
        if output is not None:
            spectra_report.write_sample(report, output)
        if plot is not None and law is not None:
            _draw(theory, law, sample, plot, log)
        text = spectra_report.simulation_json if as_json else spectra_report.simulation_text
        show(text(report))
        return DONE if report.agrees else NO

    return work


def _held(
    theory: NetworkTheory, law: NumericLaw, sample: Sample, width: int, drawn: dict[str, Any]
) -> tuple[Comparison, WidthLaw | None]:
    """The comparison; and the law of 1/width, where the distance is beyond its band."""
    from freejac.comparison import compare, falls_by, width_law

    found = compare(law, sample)
    if found.within or width < 8:
        return found, None
    widths = (width, width // 2, width // 4)
    others = []
    for smaller in widths[1:]:
        with counter(f"drawing networks of width {smaller}") as progress:
            others.append(compare(law, theory.sample(width=smaller, progress=progress, **drawn)))
    return found, width_law(widths, (found, *others), falls_by(law))


def _draw(theory: NetworkTheory, law: NumericLaw, sample: Sample, path: Path, log: bool) -> None:
    from freejac.plot import Curve, save, spectra
    from freejac.spectra_report import grid

    lam = grid(law, 200, log=log)
    curve = Curve("theory", lam, theory.density(lam), sample.eigenvalues)
    title = f"{theory.phi.name}, {theory.weights}, depth {theory.depth}"
    save(spectra([curve], title=f"{title}: theory (line), simulation (bars)", log=log), path)
