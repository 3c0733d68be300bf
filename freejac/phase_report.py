"""A phase diagram as text, as data, and in files.

>>> diagram = phase_diagram("relu", (1.0, 2.0), (0.0,))
>>> print(as_text(diagram).splitlines()[0])
relu: 2 points, σ_w from 1 to 2, σ_b = 0
"""

from __future__ import annotations

import csv
import json
import math
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from freejac.phase_grid import PHASES, STATUSES, CriticalCurve, critical_curve
from freejac.sweep_metadata import attributes
from freejac.sweep_run import Crew, Progress, in_memory
from freejac.sweep_spec import PHASE_DIAGRAM, read_spec
from freejac.sweep_store import require
from freejac.symbolic.errors import InputError
from freejac.symbolic.expectation import Expectation

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["PhaseDiagram", "as_dataset", "as_json", "as_text", "phase_diagram", "write"]

Array = NDArray[Any]

_NAMES = {"phase": PHASES, "status": STATUSES}
_HEADS = {
    "sigma_w": "σ_w",
    "sigma_b": "σ_b",
    "q": "q*",
    "chi": "χ",
    "chi_parallel": "χ_∥",
    "p": "p",
    "c": "c*",
    "xi_q": "ξ_q",
    "xi_c": "ξ_c",
    "phase": "phase",
    "status": "status",
}
_MARKS = {"none": "?", "ordered": ".", "critical": "*", "chaotic": "#"}
_LINE = ("q", "sigma_w", "sigma_b", "chi_parallel")
_LONGEST = 90
_MOST_ROWS = 60
_MAP = (16, 64)


@dataclass(frozen=True)
class PhaseDiagram:
    """A phase diagram.

    Attributes:
        activation: name or text of φ.
        sigma_w, sigma_b: the axes, ascending.
        values: arrays over (σ_w, σ_b) by name, see `freejac.phase_grid.PhasePoints`.
        line: the critical line.
    """

    activation: str
    sigma_w: Array
    sigma_b: Array
    values: Mapping[str, Array]
    line: CriticalCurve


def phase_diagram(
    phi: str,
    sigma_w: Sequence[float],
    sigma_b: Sequence[float],
    *,
    workers: int | None = None,
    progress: Progress | None = None,
) -> PhaseDiagram:
    """Compute a phase diagram, on all processors.

    Args:
        phi: an activation, as `freejac.kernels` takes it.
        sigma_w: values of σ_w > 0.
        sigma_b: values of σ_b ≥ 0.
        workers: number of threads; one for each processor when left out.
        progress: called with the number of blocks done and of all blocks.

    Raises:
        InputError: the activation cannot be read, or a value is out of range.
    """
    spec = read_spec(
        {
            "activations": [phi],
            "sigma_w": sigma_w,
            "sigma_b": sigma_b,
            "quantities": PHASE_DIAGRAM,
        }
    )
    line = critical_curve(phi)
    found = in_memory(spec, Crew(workers=workers, progress=progress))
    values = {name: array[0] for name, array in found.items()}
    return PhaseDiagram(phi, np.array(spec.sigma_w), np.array(spec.sigma_b), values, line)


def as_text(diagram: PhaseDiagram) -> str:
    """Write a table of a small grid, a map of a large one, and the critical line."""
    count = diagram.values["phase"].size
    axes = (_span("σ_w", diagram.sigma_w), _span("σ_b", diagram.sigma_b))
    lines = [f"{diagram.activation}: {count} point{'s' * (count != 1)}, {', '.join(axes)}", ""]
    if count <= _MOST_ROWS:
        lines += _table(_HEADS, [_row(point) for point in _points(diagram)])
    else:
        lines += [*_shares(diagram), "", *_map(diagram), "", _LEGEND]
    return "\n".join([*lines, "", *_line_text(diagram.line)]) + "\n"


_LEGEND = "  . ordered (χ < 1)   # chaotic (χ > 1)   * critical line   ? no fixed point is reached"


def _span(name: str, axis: Array) -> str:
    return f"{name} = {axis[0]:g}" if axis.size == 1 else f"{name} from {axis[0]:g} to {axis[-1]:g}"


def _shares(diagram: PhaseDiagram) -> list[str]:
    codes = diagram.values["phase"]
    counts = [(name, int(np.count_nonzero(codes == k))) for k, name in enumerate(PHASES)]
    return [f"  {name:<9} {n:>10}  {n / codes.size:7.2%}" for name, n in counts if n]


def _points(diagram: PhaseDiagram) -> list[dict[str, Any]]:
    """One mapping for each point."""
    return [
        {
            "sigma_w": weight,
            "sigma_b": bias,
            **{name: array[i, j] for name, array in diagram.values.items()},
        }
        for i, weight in enumerate(diagram.sigma_w)
        for j, bias in enumerate(diagram.sigma_b)
    ]


def _row(point: Mapping[str, Any]) -> list[str]:
    return [
        _NAMES[name][int(point[name])] if name in _NAMES else _number(point[name])
        for name in _HEADS
    ]


def _number(value: float) -> str:
    return "—" if math.isnan(value) else "∞" if math.isinf(value) else f"{value:.6g}"


def _table(heads: Mapping[str, str], rows: list[list[str]]) -> list[str]:
    texts = [list(heads.values()), *rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    return [
        "  " + "  ".join(f"{cell:>{w}}" for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in texts
    ]


def _map(diagram: PhaseDiagram) -> list[str]:
    """Characters for phases, σ_w to the right and σ_b upwards; the line is the exact one."""
    codes = diagram.values["phase"]
    height, width = (min(limit, n) for limit, n in zip(_MAP, codes.shape[::-1], strict=True))
    columns, rows = _spread(codes.shape[0], width), _spread(codes.shape[1], height)
    cells = [[_MARKS[PHASES[codes[i, j]]] for i in columns] for j in rows]
    for weight, bias in zip(diagram.line.sigma_w, diagram.line.sigma_b, strict=True):
        i = _nearest(diagram.sigma_w[columns], weight)
        j = _nearest(diagram.sigma_b[rows], bias)
        if i is not None and j is not None:
            cells[j][i] = "*"
    labels = [f"{diagram.sigma_b[j]:.4g}" for j in rows]
    margin = max(map(len, (*labels, "σ_b")))
    lines = [
        f"  {label if j in (0, len(rows) - 1) else '':>{margin}} |{''.join(row)}"
        for j, (label, row) in enumerate(zip(labels, cells, strict=True))
    ]
    left, right = f"{diagram.sigma_w[0]:.4g}", f"{diagram.sigma_w[-1]:.4g}"
    gap = max(1, width - len(left) - len(right))
    foot = f"  {'':>{margin}}  {left}{' σ_w '.center(gap) if gap > 4 else ' ' * gap}{right}"
    return [f"  {'σ_b':>{margin}}", *lines[::-1], foot]


def _spread(count: int, wanted: int) -> list[int]:
    """Indices that stand for an axis: evenly spaced, with both ends."""
    return [round(k * (count - 1) / max(1, wanted - 1)) for k in range(wanted)]


def _nearest(axis: Array, value: float) -> int | None:
    """The place of a value on an axis, or None beyond its ends."""
    if axis.size == 1 or not axis[0] <= value <= axis[-1]:
        return None
    return int(np.argmin(np.abs(axis - value)))


def _line_text(line: CriticalCurve) -> list[str]:
    weight, bias = line.exact
    lines = [
        "critical line χ = 1",
        f"  σ_w² = {_formula(weight, '1/E[φ′²]')}",
        f"  σ_b² = {_formula(bias, 'q − σ_w² E[φ²]')}",
    ]
    if not line.q.size:
        return [*lines, "  σ_b² is negative for all q: no point of the plane is on it"]
    shown = _spread(line.q.size, min(9, line.q.size))
    heads = {"q": "q", "sigma_w": "σ_w", "sigma_b": "σ_b", "chi_parallel": "χ_∥"}
    rows = [[_number(getattr(line, name)[k]) for name in heads] for k in shown]
    return [*lines, "", *_table(heads, rows)]


def _formula(exact: sp.Expr, definition: str) -> str:
    """The closed form if it is short, else what it is by definition."""
    text = sp.sstr(exact)
    return text if len(text) <= _LONGEST and not exact.has(Expectation) else definition


def as_json(diagram: PhaseDiagram) -> str:
    """Write everything as JSON: arrays over (σ_w, σ_b); nan is null, ∞ is "inf"."""
    line = diagram.line
    weight, bias = line.exact
    data = {
        "activation": diagram.activation,
        "sigma_w": diagram.sigma_w.tolist(),
        "sigma_b": diagram.sigma_b.tolist(),
        **{
            name: _plain(np.array(_NAMES[name])[array] if name in _NAMES else array)
            for name, array in diagram.values.items()
        },
        "critical_line": {
            "sigma_w2": sp.sstr(weight),
            "sigma_b2": sp.sstr(bias),
            **{name: _plain(getattr(line, name)) for name in _LINE},
        },
    }
    return json.dumps(data, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(array: Array) -> Any:
    if array.ndim:
        return [_plain(part) for part in array]
    if array.dtype.kind != "f":
        return str(array)
    return float(array) if np.isfinite(array) else None if np.isnan(array) else "inf"


def write(diagram: PhaseDiagram, path: Path) -> None:
    """Write everything to a file, in one step; its suffix says how.

    Args:
        diagram: what to write.
        path: NAME.npz, NAME.csv (a row for each point), or NAME.nc or NAME.zarr, which need the
            `sweep` extra.

    Raises:
        InputError: the suffix is none of these, the folder does not exist, or a package is
            missing.
    """
    writer = _WRITERS.get(path.suffix)
    if writer is None:
        raise InputError(f"{path}: the output is one of {', '.join('*' + s for s in _WRITERS)}")
    if not path.parent.is_dir():
        raise InputError(f"the folder {path.parent} does not exist")
    if path.is_dir() and path.suffix != ".zarr":
        raise InputError(f"{path} is a folder")
    beside = path.with_name(f".{path.name}.partial")
    writer(diagram, beside)
    if path.is_dir():
        shutil.rmtree(path)
    beside.replace(path)


def _write_npz(diagram: PhaseDiagram, path: Path) -> None:
    line = {f"line_{name}": getattr(diagram.line, name) for name in _LINE}
    arrays: dict[str, Any] = {"sigma_w": diagram.sigma_w, "sigma_b": diagram.sigma_b}
    arrays |= {**diagram.values, **line}
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays)


def _write_csv(diagram: PhaseDiagram, path: Path) -> None:
    weight, bias = np.meshgrid(diagram.sigma_w, diagram.sigma_b, indexing="ij")
    columns = [weight, bias, *(diagram.values[name] for name in list(_HEADS)[2:])]
    texts = [
        [_NAMES[name][k] for k in column.ravel()] if name in _NAMES else column.ravel().tolist()
        for name, column in zip(_HEADS, columns, strict=True)
    ]
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(_HEADS)
        table.writerows(zip(*texts, strict=True))


def as_dataset(diagram: PhaseDiagram) -> xr.Dataset:
    """Make an xarray dataset of it; the critical line lies over an axis of its own.

    Raises:
        InputError: xarray is not installed.
    """
    require("xarray")
    import xarray as xr

    dims = ("sigma_w", "sigma_b")
    values = {name: (dims, array, attributes(name)) for name, array in diagram.values.items()}
    line = {f"line_{name}": ("line_q", getattr(diagram.line, name)) for name in _LINE[1:]}
    axes = {"sigma_w": diagram.sigma_w, "sigma_b": diagram.sigma_b, "line_q": diagram.line.q}
    weight, bias = diagram.line.exact
    return xr.Dataset(
        {**values, **line},
        coords=axes,
        attrs={
            "activation": diagram.activation,
            "critical_sigma_w2": sp.sstr(weight),
            "critical_sigma_b2": sp.sstr(bias),
        },
    )


def _write_zarr(diagram: PhaseDiagram, path: Path) -> None:
    require("zarr")
    shutil.rmtree(path, ignore_errors=True)
    as_dataset(diagram).to_zarr(path, mode="w", consolidated=False)


def _write_netcdf(diagram: PhaseDiagram, path: Path) -> None:
    data = as_dataset(diagram)
    if not any(find_spec(engine) for engine in ("netCDF4", "h5netcdf", "scipy")):
        raise InputError("netCDF needs one of h5netcdf, netCDF4, scipy: pip install h5netcdf")
    data.to_netcdf(path)


_WRITERS: Mapping[str, Callable[[PhaseDiagram, Path], None]] = {
    ".npz": _write_npz,
    ".csv": _write_csv,
    ".nc": _write_netcdf,
    ".zarr": _write_zarr,
}
