"""Densities and simulations as text, as data, and in files."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, isnan
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from freejac.comparison import Comparison, WidthLaw
from freejac.network_theory import NetworkTheory
from freejac.numeric_law import NumericLaw
from freejac.samples import Sample
from freejac.symbolic.errors import InputError

__all__ = [
    "DensityReport",
    "SimulationReport",
    "csv_of",
    "density_json",
    "density_text",
    "grid",
    "ready_to_write",
    "simulation_json",
    "simulation_text",
    "write_sample",
]

Array = NDArray[np.float64]
_MOST_LAYERS = 12
_LEFT_OUT = 1e-4


@dataclass(frozen=True)
class DensityReport:
    """A law with its density on a grid.

    Attributes:
        theory: the network.
        law: the law of its eigenvalues.
        lam: abscissae.
        density: ρ there.
    """

    theory: NetworkTheory
    law: NumericLaw
    lam: Array
    density: Array


@dataclass(frozen=True)
class SimulationReport:
    """A sample, and what the theory says of it.

    Attributes:
        theory: the network.
        sample: what was measured.
        width, seed: what it was drawn with.
        comparison: with the theory; None if it was not asked for.
        width_law: the fit over smaller widths, where the distance is beyond its band.
    """

    theory: NetworkTheory
    sample: Sample
    width: int
    seed: int
    comparison: Comparison | None = None
    width_law: WidthLaw | None = None

    @property
    def agrees(self) -> bool:
        """Whether sampling and the finite width explain the distance; True where none is taken."""
        if self.comparison is None or self.comparison.within:
            return True
        return self.width_law is not None and self.width_law.explains


def grid(law: NumericLaw, points: int, *, log: bool = False) -> Array:
    """Abscissae inside the support, denser at the ends of every interval.

    With `log` they are even in log λ, over six decades where the support begins at 0. Where it
    does, a ten-thousandth of the mass is left out below: the density may be lost in rounding there.
    """
    least = law.quantile(min(1 - 1e-9, float(law.cdf(0.0)) + _LEFT_OUT))
    parts: list[Array] = []
    count = max(2, points // max(1, len(law.support)))
    top = law.support[-1][1] if law.support else 0.0
    for bottom, high in law.support:
        end = high if isfinite(high) else 20 * law.moment(1)
        low = bottom if bottom > 0 else min(least, end)
        if log:
            start = max(low, 1e-6 * (top if isfinite(top) else end))
            if start < end:
                steps = (np.arange(count) + 0.5) / count
                parts.append(np.exp(np.log(start) + (np.log(end) - np.log(start)) * steps))
            continue
        angles = np.pi * (np.arange(count) + 0.5) / count
        parts.append((low + end) / 2 - (end - low) / 2 * np.cos(angles))
    return np.concatenate(parts) if parts else np.empty(0)


def density_text(report: DensityReport) -> str:
    """Lines for a reader: what the law is, then λ and ρ."""
    law = report.law
    lines = [*_head(report.theory), *_law_lines(law), "", f"{'λ':>14} {'ρ(λ)':>14}"]
    lines += [f"{x:14.6g} {y:14.6g}" for x, y in zip(report.lam, report.density, strict=True)]
    return "\n".join(lines) + "\n"


def _head(theory: NetworkTheory) -> list[str]:
    kind = f"residual (skip {theory.skip:g}), " if theory.skip else ""
    scales = f"σ_w = {theory.sigma_w:.10g}, σ_b = {theory.sigma_b:.10g}"
    lines = [f"{theory.phi.name}: {kind}{theory.weights} weights, depth {theory.depth}, {scales}"]
    first, last = theory.q[0], theory.q[-1]
    lines.append(_row("q", f"{first:.10g}" + (f" … {last:.10g}" if first != last else "")))
    if theory.skip:
        lines.append(_row("cumulant", f"{theory.cumulant:.10g}"))
        return lines
    ends = theory.chi[0], theory.chi[-1]
    lines.append(
        _row("χ", f"{ends[0]:.10g}" + (f" … {ends[1]:.10g}" if ends[0] != ends[1] else ""))
    )
    return lines


def _row(name: str, value: str) -> str:
    return f"  {name:<18}{value}"


def _law_lines(law: NumericLaw) -> list[str]:
    intervals = ", ".join(f"[{low:.10g}, {high:.10g}]" for low, high in law.support)
    atoms = ", ".join(f"{mass:.10g} at λ = {place:.10g}" for place, mass in law.atoms)
    moments = ", ".join(f"{law.moment(k):.10g}" for k in (1, 2, 3, 4))
    return [
        _row("support", intervals or "none"),
        _row("atoms", atoms or "none"),
        _row("mass of density", f"{law.mass:.10f} (with atoms 1 {law.defect:+.1e})"),
        _row("m₁, m₂, m₃, m₄", moments),
    ]


def _network_data(theory: NetworkTheory) -> dict[str, Any]:
    return {
        "activation": theory.phi.name,
        "architecture": "residual" if theory.skip else "feedforward",
        "skip": theory.skip,
        "weights": theory.weights,
        "depth": theory.depth,
        "sigma_w": theory.sigma_w,
        "sigma_b": theory.sigma_b,
        "q": list(theory.q),
        "chi": list(theory.chi),
    }


def _law_data(law: NumericLaw) -> dict[str, Any]:
    return {
        "support": [[low, _finite(high)] for low, high in law.support],
        "atoms": [{"location": place, "mass": mass} for place, mass in law.atoms],
        "mass": law.mass,
        "defect": law.defect,
        "moments": [law.moment(k) for k in (1, 2, 3, 4)],
    }


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None


def density_json(report: DensityReport) -> str:
    """The same for a program; an infinite end is null."""
    data = _network_data(report.theory) | _law_data(report.law)
    data |= {
        "lambda": report.lam.tolist(),
        "density": [_finite(y) for y in report.density.tolist()],
    }
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def csv_of(report: DensityReport) -> str:
    """λ and ρ, one pair a line, with every digit."""
    rows = zip(report.lam.tolist(), report.density.tolist(), strict=True)
    return "lambda,density\n" + "".join(f"{x!r},{y!r}\n" for x, y in rows)


def simulation_text(report: SimulationReport) -> str:
    """Lines for a reader: layers, moments, and the comparison."""
    draws = len(report.sample.eigenvalues)
    lines = [*_head(report.theory)]
    lines.append(_row("simulated", f"{draws} × width {report.width}, seed {report.seed}"))
    lines += ["", *_layer_lines(report), ""]
    eigenvalues = report.sample.eigenvalues
    lines.append(_row("eigenvalues", f"{eigenvalues.min():.6g} … {eigenvalues.max():.6g}"))
    if report.comparison is None:
        for k in (1, 2, 3, 4):
            value, error = report.sample.moment(k)
            lines.append(_row(f"m_{k}", f"{value:.6g} ± {error:.2g}"))
    else:
        lines += _comparison_lines(report.comparison, report.width_law)
    return "\n".join(lines) + "\n"


def _shown_layers(depth: int) -> Sequence[int]:
    """All layers, or some of many, the last among them."""
    if depth <= _MOST_LAYERS:
        return range(depth)
    return sorted({round(k) for k in np.linspace(0, depth - 1, _MOST_LAYERS)})


def _layer_lines(report: SimulationReport) -> list[str]:
    sample, theory = report.sample, report.theory
    name = "c_l" if theory.skip else "χ"
    pair = sample.overlap.shape[-1] > 1
    head = f"{'layer':>7} {'q':>21} {'theory':>10} {name:>21} {'theory':>10}"
    lines = [head + (f" {'correlation':>21}" if pair else "")]
    for layer in _shown_layers(theory.depth):
        row = f"{layer + 1:>7} {_measured(sample.q[:, layer]):>21} {theory.q[layer]:>10.5g}"
        row += f" {_measured(sample.chi[:, layer]):>21} {theory.chi[layer]:>10.5g}"
        if pair:
            row += f" {_measured(sample.correlations[:, layer, 0, 1]):>21}"
        lines.append(row)
    return lines


def _measured(values: Array) -> str:
    """Mean and standard error over the draws."""
    if values.size == 1:
        return f"{values[0]:.5g}"
    return f"{values.mean():.5g} ± {values.std(ddof=1) / values.size**0.5:.2g}"


def _comparison_lines(found: Comparison, law: WidthLaw | None) -> list[str]:
    lines = [f"{'':>5} {'simulated':>24} {'theory':>14} {'z':>7}"]
    for check in found.moments:
        shown = f"{check.estimate:.6g} ± {check.error:.2g}"
        lines.append(f"  m_{check.order} {shown:>24} {check.theory:>14.7g} {check.z:>7.2f}")
    bands = f"{found.iid_band:.4f} (independent values)"
    if isfinite(found.draws_band):
        bands += f", {found.draws_band:.4f} (as the draws differ)"
    lines += ["", _row("KS distance", f"{found.distance:.4f} at λ = {found.place:.4g}")]
    lines.append(_row("99 % bands", bands))
    if law is not None:
        over = "width" if law.power == 1 else "√width"
        lines.append(_row("distance", f"{law.a:.4f} + {law.b:.4g}/{over}, {law.error:.1g} off"))
    lines.append(_row("verdict", _verdict(found, law)))
    return lines


def _verdict(found: Comparison, law: WidthLaw | None) -> str:
    if found.within:
        return "agrees: within the band"
    if law is not None and law.explains:
        return "agrees: what is beyond the band falls with the width"
    return "differs: neither sampling nor the width explains the distance"


def simulation_json(report: SimulationReport) -> str:
    """The same for a program; what is not a number is null."""
    sample = report.sample
    draws = len(sample.eigenvalues)
    data = _network_data(report.theory)
    data |= {"width": report.width, "draws": draws, "seed": report.seed}
    data["layers"] = [
        {
            "q": float(sample.q[:, layer].mean()),
            "chi": float(sample.chi[:, layer].mean()),
            "mean": float(sample.mean[:, layer].mean()),
            "second_moment": float(sample.second_moment[:, layer].mean()),
            "lengths": sample.lengths[:, layer].mean(axis=0).tolist(),
            "correlations": _nulled(sample.correlations[:, layer].mean(axis=0).tolist()),
        }
        for layer in range(report.theory.depth)
    ]
    data["moments"] = [
        dict(zip(("estimate", "error"), map(_finite, sample.moment(k)), strict=True))
        for k in (1, 2, 3, 4)
    ]
    data["comparison"] = None if report.comparison is None else _comparison_data(report)
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def _comparison_data(report: SimulationReport) -> dict[str, Any]:
    found, law = report.comparison, report.width_law
    assert found is not None
    return {
        "distance": found.distance,
        "lambda": found.place,
        "iid_band": found.iid_band,
        "draws_band": _finite(found.draws_band),
        "moments": [
            {"theory": check.theory, "z": None if isnan(check.z) else _finite(check.z)}
            for check in found.moments
        ],
        "width_law": None
        if law is None
        else {
            "a": law.a,
            "b": law.b,
            "power": law.power,
            "error": law.error,
        },
        "agrees": report.agrees,
    }


def _nulled(value: Any) -> Any:
    if isinstance(value, list):
        return [_nulled(entry) for entry in value]
    return _finite(value)


def ready_to_write(path: Path) -> None:
    """Refuse, before the work, a file that could not be written after it.

    Raises:
        InputError: the name does not end in .npz, or the folder does not exist.
    """
    if path.suffix != ".npz":
        raise InputError(f"--output writes NumPy's format, NAME.npz, not {path}")
    if not path.parent.is_dir():
        raise InputError(f"the folder {path.parent} does not exist")


def write_sample(report: SimulationReport, path: Path) -> None:
    """Write all that was measured as one .npz file, which is there whole or not at all.

    Besides the arrays of `Sample` it holds `settings`, JSON text of what was drawn.
    """
    settings = _network_data(report.theory) | {"width": report.width, "seed": report.seed}
    sample = report.sample
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("wb") as file:
        np.savez(
            file,
            eigenvalues=sample.eigenvalues,
            overlap=sample.overlap,
            slope_overlap=sample.slope_overlap,
            mean=sample.mean,
            second_moment=sample.second_moment,
            settings=np.array(json.dumps(settings, ensure_ascii=False)),
        )
    os.replace(partial, path)
