"""An initialisation as text and as data.

>>> from freejac.initial_weights import initialisation
>>> print(as_text(initialisation("relu", 10)).splitlines()[0])
relu, feedforward, gaussian weights, 10 layers
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from freejac.initial_result import Initialisation
from freejac.initial_spectrum import density
from freejac.initialiser_code import as_jax, as_torch

__all__ = ["as_json", "as_text"]

Array = NDArray[np.float64]

_ROWS, _WIDTH = 14, 48
_SEEN_ROWS, _VISIBLE = 56, 2e-3
_FAR = 8.0
"""So many standard deviations beyond the mean nothing is drawn."""


def as_text(found: Initialisation, code: str = "both") -> str:
    """Write the numbers, the expected spectrum, and initialisers to paste.

    Args:
        found: the initialisation.
        code: "torch", "jax", "both" or "none".
    """
    parts = [_numbers(found), _spectrum(found)]
    if code in ("torch", "both"):
        parts.append(f"PyTorch\n\n{as_torch(found)}")
    if code in ("jax", "both"):
        parts.append(f"JAX\n\n{as_jax(found)}")
    return "\n".join(parts)


def _numbers(found: Initialisation) -> str:
    residual = found.architecture == "residual"
    variance = "σ_w²/(L N_in)" if residual else "σ_w²/N_in"
    law = f"W_ij of variance {variance}"
    if found.weights == "orthogonal":
        law = f"W = σ_w{'/√L' * residual} × orthogonal"
    lines = [
        f"{found.activation}, {found.architecture}, {found.weights} weights, {found.depth} "
        f"layer{'s' * (found.depth > 1)}",
        "",
        f"  σ_w    {found.sigma_w:.12g}   {law}",
        f"  σ_b    {found.sigma_b:.12g}   standard deviation of the biases",
    ]
    if residual:
        lines += [
            f"  q₁     {found.q:.6g}   variance of the first pre-activation",
            f"  c      {found.cumulant:.6g}   effective cumulant",
        ]
    else:
        lines += [
            f"  q*     {found.q:.6g}   variance of the pre-activations",
            f"  χ      {found.chi:.6g}",
            f"  χ_∥    {found.chi_parallel:.6g}   a deviation from q* is {found.length_growth:.4g} "
            "times as large at the last layer",
        ]
    return "\n".join([*lines, f"  {found.reason}"]) + "\n"


def _spectrum(found: Initialisation) -> str:
    low, high = found.edges
    ends = "not resolved" if math.isnan(high) else f"from {_number(low)} to {_number(high)}"
    lines = [
        "eigenvalues of JJᵀ, the squared singular values of the Jacobian"
        + ", as L → ∞" * (found.architecture == "residual"),
        "",
        f"  mean               {found.moment_1:.6g}",
        f"  m₂                 {found.moment_2:.6g}",
        f"  variance           {found.variance:.6g}",
        f"  spectrum           {ends}",
        f"  condition number   {_number(found.condition_number)}   of J",
    ]
    lines += [
        f"  atom               at {place:.6g}, mass {mass:.6g}" for place, mass in found.atoms
    ]
    return "\n".join([*lines, *_picture(found)]) + "\n"


def _number(value: float) -> str:
    return "∞" if math.isinf(value) else "not resolved" if math.isnan(value) else f"{value:.6g}"


def _picture(found: Initialisation) -> list[str]:
    """The density in characters, at the middle of slices of the part where it can be seen."""
    low, high = found.edges
    high = min(high, found.moment_1 + _FAR * math.sqrt(found.variance))
    if not low < high:
        return []
    coarse = _density(found, low, high, _SEEN_ROWS)
    if coarse is None:
        return []
    lam, values = coarse
    seen = np.flatnonzero(values > _VISIBLE * values.max())
    step = (lam[1] - lam[0]) / 2
    rows = _density(found, lam[seen[0]] - step, lam[seen[-1]] + step, _ROWS)
    if rows is None:
        return []
    top = rows[1].max()
    lines = [
        f"  {at:9.4g}  {value:9.4g}  {'█' * round(_WIDTH * value / top)}".rstrip()
        for at, value in zip(*rows, strict=True)
    ]
    return ["", f"  {'λ':>9}  {'ρ(λ)':>9}", *lines]


def _density(
    found: Initialisation, low: float, high: float, rows: int
) -> tuple[Array, Array] | None:
    """Places and the density there, 0 where it is not resolved; None if it is nowhere."""
    ends = np.linspace(low, high, rows + 1)
    lam = (ends[1:] + ends[:-1]) / 2
    values = density(found, lam)
    if values is None or not np.nan_to_num(values).max() > 0:
        return None
    return lam, np.nan_to_num(values)


def as_json(found: Initialisation) -> str:
    """Write everything, the initialisers with it; nan is null, ∞ is "inf"."""
    data = {name: _plain(value) for name, value in asdict(found).items()}
    data |= {"length_growth": _plain(found.length_growth)}
    data |= {"torch": as_torch(found), "jax": as_jax(found)}
    return json.dumps(data, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else "inf"
    return value
