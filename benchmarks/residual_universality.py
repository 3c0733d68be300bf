"""Seven activations of residual networks at one effective cumulant, against the universal law.

Usage: python benchmarks/residual_universality.py [--cumulant C] [--width N] [--draws N]
       [--weights gaussian|orthogonal] [--only TEXT] [--jobs N] [--limit S] [--results FILE]

For every activation σ_w is solved for, so that the mean of c_l over the layers is C at this depth.
Networks are drawn at N, N/2 and N/4, and held against the universal law of infinite depth; then, at
width N, against the law of this very depth, where it is known within the limit. "depth" is the
distance of these two laws: what the universal law leaves out, and no width takes away.

Source: Tarnowski et al. (2019), arXiv:1809.08848, section II.3 and figure 1.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from cases import Entry, run_cases

from freejac.comparison import compare, width_law
from freejac.network_theory import NetworkTheory, residual_theory

ACTIVATIONS = ("linear", "relu", "leaky_relu", "hard_tanh", "tanh", "sigmoid", "selu")
DEPTHS = (10, 30, 100)
COLUMNS = (
    "case",
    "sigma_w",
    "q",
    "KS",
    "band",
    "draws band",
    "a",
    "verdict",
    "KS finite L",
    "depth",
    "finite L",
    "stopped",
    "s",
)
_STEPS = 12
_EXACT = 1e-10


def at_cumulant(name: str, weights: str, depth: int, cumulant: float) -> NetworkTheory:
    """The network with that effective cumulant: secants of log c over log σ_w².

    Raises:
        ArithmeticError: they do not settle.
    """
    place, slope = np.log(cumulant / residual_theory(name, depth=2, sigma_w=1).cumulant), 1.0
    before: tuple[float, float] | None = None
    for _ in range(_STEPS):
        theory = residual_theory(name, depth=depth, sigma_w=np.exp(place / 2), weights=weights)
        off = np.log(theory.cumulant / cumulant)
        if abs(off) < _EXACT:
            return theory
        if before is not None and place != before[0]:
            slope = (off - before[1]) / (place - before[0])
        before = place, off
        place -= off / slope
    raise ArithmeticError(f"no sigma_w gives {name} the effective cumulant {cumulant:g}")


def case(
    name: str, weights: str, depth: int, cumulant: float, width: int, draws: int
) -> Iterator[Entry]:
    """One case in numbers, stage by stage."""
    yield {"case": f"{name} {weights} L={depth}"}
    theory = at_cumulant(name, weights, depth, cumulant)
    yield {"sigma_w": f"{theory.sigma_w:.5f}", "q": f"{theory.q[0]:.3g} … {theory.q[-1]:.3g}"}
    universal = theory.law()
    widths = (width, width // 2, width // 4)
    samples = [theory.sample(width=n, draws=draws * width // n, seed=n) for n in widths]
    found = [compare(universal, sample) for sample in samples]
    fit = width_law(widths, found)
    yield {
        "KS": f"{found[0].distance:.4f}",
        "band": f"{found[0].iid_band:.4f}",
        "draws band": f"{found[0].draws_band:.4f}",
        "KS by width": [round(one.distance, 5) for one in found],
        "z": [round(moment.z, 2) for moment in found[0].moments],
        "a": f"{fit.a:.4f}",
        "verdict": "within" if found[0].within else "by width" if fit.explains else "DIFFERS",
    }
    own = replace(theory, finite=True).law()
    held = compare(own, samples[0])
    places = np.linspace(universal.support[0][0] / 2, universal.support[-1][1] * 1.1, 4001)
    yield {
        "KS finite L": f"{held.distance:.4f}",
        "depth": f"{np.abs(own.cdf(places) - universal.cdf(places)).max():.4f}",
        "finite L": "within" if held.within else "beyond",
        "z finite L": [round(moment.z, 2) for moment in held.moments],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cumulant", type=float, default=0.5)
    parser.add_argument("--weights", default="gaussian", choices=("gaussian", "orthogonal"))
    parser.add_argument("--width", type=int, default=500)
    parser.add_argument("--draws", type=int, default=8, help="at the width; more at the others")
    parser.add_argument("--only", default="", help="cases whose name holds this text")
    parser.add_argument("--jobs", type=int, default=1, help="cases at a time")
    parser.add_argument("--limit", type=float, default=3600, help="seconds for a case")
    parser.add_argument("--results", type=Path, default=Path("build/residual.jsonl"))
    given = parser.parse_args()
    size = given.cumulant, given.width, given.draws
    cases = {
        f"{name} {given.weights} L={depth} c={given.cumulant:g} {given.width}x{given.draws}": (
            name,
            given.weights,
            depth,
            *size,
        )
        for depth in DEPTHS[::-1]
        for name in ACTIVATIONS
        if given.only in f"{name} L={depth}"
    }
    print("| " + " | ".join(COLUMNS) + " |\n|" + "---|" * len(COLUMNS), flush=True)
    for entry in run_cases(case, cases, given.results, given.jobs, given.limit):
        print("| " + " | ".join(entry.get(c, "") for c in COLUMNS) + " |", flush=True)


if __name__ == "__main__":
    main()
