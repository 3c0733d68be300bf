"""Pictures of spectra. Needs the `plot` extra: pip install 'freejac[plot]'."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from freejac.symbolic.errors import DomainError

__all__ = ["Curve", "save", "spectra"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """One spectrum to draw.

    Attributes:
        label: what the legend says of it.
        lam: abscissae λ of the density, ascending.
        density: ρ(λ) there.
        eigenvalues: simulated eigenvalues for a histogram behind the line, any shape; optional.
    """

    label: str
    lam: Array
    density: Array
    eigenvalues: Array | None = None


def spectra(
    curves: Sequence[Curve], *, title: str = "", bins: int = 70, log: bool = False
) -> Figure:
    """Draw densities as lines over histograms of simulated eigenvalues.

    Args:
        curves: what to draw, one or more.
        title: heading of the picture.
        bins: number of bars of each histogram, 1 or more; they span the curve's abscissae.
        log: draw λρ(λ) over log λ, where areas are probabilities as well; λ is positive then.

    Returns:
        A figure that belongs to no window; give it to `save`.

    Raises:
        DomainError: there is nothing to draw, or a curve's arrays differ in shape.

    >>> lam = np.linspace(0.01, 4, 50)
    >>> figure = spectra([Curve("quarter circle", lam, np.sqrt((4 - lam) / lam) / (2 * np.pi))])
    >>> [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    ['quarter circle']
    """
    if not curves or bins < 1:
        raise DomainError("nothing to draw: give at least one curve and one bin")
    figure = Figure(figsize=(7.0, 4.0), layout="constrained")
    axes = figure.add_subplot()
    for index, curve in enumerate(curves):
        if np.ndim(curve.lam) != 1 or np.shape(curve.lam) != np.shape(curve.density):
            raise DomainError(f"curve {curve.label!r}: lam and density need one shape, (n,)")
        colour = f"C{index}"
        if curve.eigenvalues is not None:
            span = (float(curve.lam[0]), float(curve.lam[-1]))
            _histogram(axes, np.ravel(curve.eigenvalues), span, bins, colour, log=log)
        height = curve.lam * curve.density if log else curve.density
        axes.plot(curve.lam, height, color=colour, linewidth=1.8, label=curve.label)
    axes.set_xlabel("eigenvalue λ of JJᵀ")
    if log:
        axes.set_xscale("log")
        axes.set_ylabel("λρ(λ), density of log λ")
    else:
        axes.set_ylabel("density ρ(λ)")
        axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.set_title(title)
    axes.legend(frameon=False)
    return figure


def _histogram(
    axes: Axes, values: Array, span: tuple[float, float], bins: int, colour: str, *, log: bool
) -> None:
    """Bars whose area is the share of the eigenvalues that lie inside the span."""
    ends = np.geomspace(*span, bins + 1) if log else np.linspace(*span, bins + 1)
    counts, edges = np.histogram(values, bins=ends)
    heights = counts / (values.size * np.diff(np.log(edges) if log else edges))
    axes.stairs(heights, edges, fill=True, color=colour, alpha=0.3)


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG; the same figure gives the same bytes.

    Args:
        figure: what to write.
        path: the file, whose folder exists.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(Figure(figsize=(1, 1)), Path(folder) / "empty.png")
    ...     (Path(folder) / "empty.png").read_bytes()[1:4]
    b'PNG'
    """
    # matplotlib would write its version into the file.
    figure.savefig(path, format="png", dpi=110, metadata={"Software": None})
