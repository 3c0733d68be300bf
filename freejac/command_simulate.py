"""`freejac simulate`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

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

_Width: TypeAlias = Annotated[
    int, typer.Option("--width", metavar="N", min=2, max=20_000, help="Units of every layer.")
]
_Draws: TypeAlias = Annotated[
    int, typer.Option("--draws", metavar="N", min=1, max=100_000, help="Number of networks.")
]
_Seed: TypeAlias = Annotated[
    int, typer.Option("--seed", metavar="N", min=0, help="Seed of the random numbers.")
]
_Threads: TypeAlias = Annotated[
    int, typer.Option("--threads", "-j", metavar="N", min=1, help="Draws at a time.")
]
_Correlation: TypeAlias = Annotated[
    float | None,
    typer.Option("--correlation", metavar="C", help="Send a second input along, and measure c."),
]
_Finite: TypeAlias = Annotated[
    bool, typer.Option("--finite", help="Compare with the exact law at this depth (residual).")
]
_Compare: TypeAlias = Annotated[
    bool, typer.Option("--compare", help="Hold the eigenvalues against the theory.")
]
_Output: TypeAlias = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write all measurements, .npz."),
]


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
    width: _Width = 500,
    draws: _Draws = 8,
    seed: _Seed = 1,
    threads: _Threads = 1,
    q: FirstVariance = None,
    correlation: _Correlation = None,
    is_residual: Annotated[bool, typer.Option("--residual", help="A residual network.")] = False,
    skip: Skip = None,
    finite: _Finite = False,
    compare: _Compare = False,
    plot: PlotFile = None,
    log: Annotated[bool, typer.Option("--log", help="Draw over log λ.")] = False,
    output: _Output = None,
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
    theory = partial(
        network_theory_of,
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
    drawing = _Drawing(width, draws, seed, threads, correlation)
    return partial(_work, theory, drawing, _Wanted(compare, plot, log, output, as_json))


@dataclass(frozen=True)
class _Drawing:
    """How networks are drawn."""

    width: int
    draws: int
    seed: int
    threads: int
    correlation: float | None

    def of(self, theory: NetworkTheory) -> Sample:
        """Networks of the whole width, with a second input if one is wanted."""
        return self._drawn(theory, "drawing networks", self.width, self.correlation)

    def narrower(self, theory: NetworkTheory, width: int) -> Sample:
        """As many networks of another width."""
        return self._drawn(theory, f"drawing networks of width {width}", width, None)

    def _drawn(
        self, theory: NetworkTheory, label: str, width: int, correlation: float | None
    ) -> Sample:
        with counter(label) as progress:
            return theory.sample(
                width=width,
                draws=self.draws,
                seed=self.seed,
                threads=self.threads,
                correlations=correlation,
                progress=progress,
            )


@dataclass(frozen=True)
class _Wanted:
    """What is made of the networks that were drawn."""

    compare: bool
    plot: Path | None
    log: bool
    output: Path | None
    as_json: bool


def _work(theory_of: Callable[[], NetworkTheory], drawing: _Drawing, wanted: _Wanted) -> int:
    from freejac import spectra_report  # imports SymPy and NumPy

    if wanted.plot is not None:
        from freejac.phase_plot import ready

        ready(wanted.plot)
    if wanted.output is not None:
        spectra_report.ready_to_write(wanted.output)
    with stages() as announce:
        announce("following lengths")
        theory = theory_of()
    sample = drawing.of(theory)
    found, fit = None, None
    if wanted.compare or wanted.plot is not None:
        with stages() as announce:
            announce("integrating the density")
            law = theory.law()
        if wanted.compare:
            found, fit = _held(theory, law, sample, drawing)
        if wanted.plot is not None:
            _draw(theory, law, sample, wanted.plot, wanted.log)
    report = spectra_report.SimulationReport(
        theory, sample, drawing.width, drawing.seed, found, fit
    )
    if wanted.output is not None:
        spectra_report.write_sample(report, wanted.output)
    write = spectra_report.simulation_json if wanted.as_json else spectra_report.simulation_text
    show(write(report))
    return DONE if report.agrees else NO


def _held(
    theory: NetworkTheory, law: NumericLaw, sample: Sample, drawing: _Drawing
) -> tuple[Comparison, WidthLaw | None]:
    """The comparison; and the law of 1/width, where the distance is beyond its band."""
    from freejac.comparison import compare, falls_by, width_law

    found = compare(law, sample)
    if found.within or drawing.width < 8:
        return found, None
    widths = (drawing.width, drawing.width // 2, drawing.width // 4)
    others = [compare(law, drawing.narrower(theory, width)) for width in widths[1:]]
    return found, width_law(widths, (found, *others), falls_by(law))


def _draw(theory: NetworkTheory, law: NumericLaw, sample: Sample, path: Path, log: bool) -> None:
    from freejac.plot import Curve, save, spectra
    from freejac.spectra_report import grid

    lam = grid(law, 200, log=log)
    curve = Curve("theory", lam, theory.density(lam), sample.eigenvalues)
    title = f"{theory.phi.name}, {theory.weights}, depth {theory.depth}"
    save(spectra([curve], title=f"{title}: theory (line), simulation (bars)", log=log), path)
