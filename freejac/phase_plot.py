"""Pictures of phase diagrams. Needs the `plot` extra: pip install 'freejac[plot]'."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from freejac.phase_report import PhaseDiagram
from freejac.symbolic.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw", "ready"]


def ready(path: Path) -> None:
    """Refuse, before the work, what could not be drawn after it.

    Raises:
        InputError: matplotlib is missing, or the file cannot be.
    """
    if find_spec("matplotlib") is None:
        raise InputError("--plot needs matplotlib: pip install 'freejac[plot]'")
    if path.suffix != ".png":
        raise InputError(f"--plot writes a PNG file, NAME.png, not {path}")
    if not path.parent.is_dir():
        raise InputError(f"the folder {path.parent} does not exist")


def draw(diagram: PhaseDiagram, path: Path) -> None:
    """Draw log₁₀ χ and log₁₀ q* over the plane, with the critical line on both.

    Raises:
        InputError: the grid is not a plane, or as for `ready`.
    """
    ready(path)
    if min(diagram.values["chi"].shape) < 2:
        raise InputError("a plot needs at least two values of σ_w and of σ_b")
    from matplotlib.figure import Figure

    from freejac.plot import save

    figure = Figure(figsize=(10.0, 4.0), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        chi, length = (np.log10(diagram.values[name]) for name in ("chi", "q"))
    reach = float(np.nanmax(np.abs(chi[np.isfinite(chi)]), initial=0.0)) or 1.0
    _panel(left, diagram, chi, "log₁₀ χ", cmap="RdBu_r", vmin=-reach, vmax=reach)
    _panel(right, diagram, length, "log₁₀ q*", cmap="viridis")
    left.set_ylabel("σ_b")
    figure.suptitle(f"{diagram.activation}: phases at the fixed point of the length map")
    save(figure, path)


def _panel(axes: Axes, diagram: PhaseDiagram, values: Any, label: str, **colours: Any) -> None:
    shown = np.ma.masked_invalid(values.T)
    mesh = axes.pcolormesh(
        diagram.sigma_w, diagram.sigma_b, shown, shading="nearest", rasterized=True, **colours
    )
    line = diagram.line
    attracts = line.chi_parallel <= 1
    for where, style, name in ((attracts, "-", "χ = 1"), (~attracts, ":", "χ = 1, q* repels")):
        if where.any():
            bias = np.where(where, line.sigma_b, np.nan)
            axes.plot(line.sigma_w, bias, style, color="black", linewidth=1.6, label=name)
    axes.set_xlim(diagram.sigma_w[0], diagram.sigma_w[-1])
    axes.set_ylim(diagram.sigma_b[0], diagram.sigma_b[-1])
    axes.set_xlabel("σ_w")
    axes.legend(framealpha=0.8, loc="upper left")
    assert axes.figure is not None
    axes.figure.colorbar(mesh, ax=axes, label=label)
