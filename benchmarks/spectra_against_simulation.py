"""Spectra in theory against pooled simulation: activations × ensembles × depths.

Usage: python benchmarks/spectra_against_simulation.py [--width N] [--draws N] [--only TEXT]
       [--results FILE]

Each case is a network at the critical point χ = 1 with the q* named in the table. Its law is
integrated: the total mass with the atoms, and m_1 … m_4 against the exact moments. Networks are
drawn at N, N/2 and N/4, and the Kolmogorov–Smirnov distance is held against its 99 % band, and
against a law of 1/width, or 1/√width where the law has atoms. One row a case; rows that the results
file holds already are not computed again.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import freejac as fj
from freejac.comparison import compare, falls_by, width_law
from freejac.network_theory import NetworkTheory, feed_forward_theory
from freejac.symbolic.errors import Error

ACTIVATIONS = {
    "tanh": 0.3,
    "erf": 0.3,
    "gelu": 1.0,
    "swish": 1.0,
    "softplus": 1.0,
    "hard_tanh": 0.3,
    "smoothed_relu": 1.0,
}
"""The variance of every layer. Where no bias keeps it, q is the first layer's at χ = 1."""
WEIGHTS = ("gaussian", "orthogonal")
DEPTHS = (1, 4, 32)
COLUMNS = (
    "case",
    "q",
    "defect",
    "moments off",
    "KS",
    "band",
    "draws band",
    "a",
    "b",
    "verdict",
    "s",
)


def network(name: str, weights: str, depth: int, variance: float) -> NetworkTheory:
    """χ = 1 at the first layer, with the bias that keeps q where one does, and none elsewhere."""
    w2, b2 = (float(e.subs(fj.q, variance).evalf()) for e in fj.MeanField(name).critical_line())
    return feed_forward_theory(
        name,
        depth=depth,
        sigma_w=w2**0.5,
        sigma_b=max(b2, 0.0) ** 0.5,
        weights=weights,
        q=variance,
    )


def exact_moment(theory: NetworkTheory, k: int) -> float:
    """m_k by Lagrange inversion, from the moments of φ′²."""
    values = {**theory.phi.defaults, fj.q: theory.q[0], fj.sigma_w: theory.sigma_w}
    return float(theory.jacobian.moment(k).subs(values).evalf(20))


def row(theory: NetworkTheory, width: int, draws: int) -> dict[str, Any]:
    """One case in numbers."""
    law = theory.law()
    off = max(abs(law.moment(k) / exact_moment(theory, k) - 1) for k in (1, 2, 3, 4))
    widths = (width, width // 2, width // 4)
    found = [compare(law, theory.sample(width=n, draws=draws, seed=n)) for n in widths]
    fit = width_law(widths, found, falls_by(law))
    verdict = "within" if found[0].within else "by width" if fit.explains else "DIFFERS"
    return {
        "q": f"{theory.q[0]:g}" + ("" if theory.q[-1] == theory.q[0] else f" … {theory.q[-1]:.3g}"),
        "defect": f"{law.defect:.1e}",
        "moments off": f"{off:.1e}",
        "KS": f"{found[0].distance:.4f}",
        "band": f"{found[0].iid_band:.4f}",
        "draws band": f"{found[0].draws_band:.4f}",
        "a": f"{fit.a:.4f}",
        "b": f"{fit.b:.3g}",
        "verdict": verdict,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--width", type=int, default=1000)
    parser.add_argument("--draws", type=int, default=8)
    parser.add_argument("--only", default="", help="cases whose name holds this text")
    parser.add_argument("--results", type=Path, default=Path("build/spectra.jsonl"))
    given = parser.parse_args()
    given.results.parent.mkdir(parents=True, exist_ok=True)
    kept = given.results.read_text().splitlines() if given.results.exists() else []
    done = {entry["key"]: entry for entry in map(json.loads, kept)}
    print("| " + " | ".join(COLUMNS) + " |\n|" + "---|" * len(COLUMNS), flush=True)
    cases = [(n, w, d) for n in ACTIVATIONS for w in WEIGHTS for d in DEPTHS]
    for name, weights, depth in cases:
        case = f"{name} {weights} L={depth}"
        if given.only not in case:
            continue
        key = f"{case} {given.width}x{given.draws}"
        if key not in done:
            start = time.perf_counter()
            try:
                theory = network(name, weights, depth, ACTIVATIONS[name])
                entry = row(theory, given.width, given.draws)
            except Error as error:
                entry = {"verdict": str(error)}
            entry |= {"key": key, "case": case, "s": f"{time.perf_counter() - start:.0f}"}
            with given.results.open("a") as file:
                file.write(json.dumps(entry, ensure_ascii=False) + "\n")
            done[key] = entry
        print("| " + " | ".join(done[key].get(c, "") for c in COLUMNS) + " |", flush=True)


if __name__ == "__main__":
    main()
