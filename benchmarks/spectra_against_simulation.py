"""Spectra in theory against pooled simulation: activations × ensembles × depths.

Usage: python benchmarks/spectra_against_simulation.py [--width N] [--draws N] [--only TEXT]
       [--jobs N] [--limit S] [--results FILE]

Each case is a network whose layers all have the variance q: at the critical point χ = 1, with the
bias that keeps q, where there is one; else without bias, with the σ_w that keeps q. Its law is
integrated: the total mass with the atoms, and m_1 … m_4 against the exact moments. Networks are
drawn at N, N/2 and N/4, as many eigenvalues at each, and the Kolmogorov–Smirnov distance is held
against its 99 % band, and against a law of 1/width, or 1/√width where the law has atoms. One row a
case, in the order in which they end; rows that the results file holds already are not computed
again.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from cases import Entry, run_cases

import freejac as fj
from freejac.comparison import compare, falls_by, width_law
from freejac.network_theory import NetworkTheory, feed_forward_theory
from freejac.symbolic.activation import activation

ACTIVATIONS = {
    "tanh": 0.3,
    "erf": 0.3,
    "gelu": 1.0,
    "swish": 1.0,
    "softplus": 4.0,
    "hard_tanh": 0.3,
    "smoothed_relu": 1.0,
}
"""The variance of every layer. Of the softplus and the smoothed relu no bias keeps it at χ = 1; at
these variances, without bias, χ is below 1."""
WEIGHTS = ("gaussian", "orthogonal")
DEPTHS = (1, 4, 32)
COLUMNS = (
    "case",
    "q",
    "chi",
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
    """The network that keeps this variance: at χ = 1 where a bias does, else without bias."""
    field = fj.MeanField(name)
    values = {**activation(name).defaults, fj.q: variance}
    w2, b2 = (float(e.subs(values)) for e in field.critical_line())
    if b2 < 0:
        w2, b2 = variance / float(field.second_moment.subs(values)), 0.0
    return feed_forward_theory(
        name, depth=depth, sigma_w=w2**0.5, sigma_b=b2**0.5, weights=weights, q=variance
    )


def exact_moment(theory: NetworkTheory, k: int) -> float:
    """m_k by Lagrange inversion, from the moments of φ′²."""
    values = {**theory.phi.defaults, fj.q: theory.q[0], fj.sigma_w: theory.sigma_w}
    return float(theory.jacobian.moment(k).subs(values).evalf(20))


def case(name: str, weights: str, depth: int, width: int, draws: int) -> Iterator[Entry]:
    """One case in numbers, stage by stage."""
    yield {"case": f"{name} {weights} L={depth}"}
    theory = network(name, weights, depth, ACTIVATIONS[name])
    last = "" if theory.q[-1] == theory.q[0] else f" … {theory.q[-1]:.3g}"
    yield {"q": f"{theory.q[0]:g}{last}", "chi": f"{theory.chi[0]:.4f}"}
    law = theory.law()
    yield {"defect": f"{law.defect:.1e}"}
    off = max(abs(law.moment(k) / exact_moment(theory, k) - 1) for k in (1, 2, 3, 4))
    yield {"moments off": f"{off:.1e}"}
    widths = (width, width // 2, width // 4)
    found = [compare(law, theory.sample(width=n, draws=draws * width // n, seed=n)) for n in widths]
    fit = width_law(widths, found, falls_by(law))
    yield {
        "KS": f"{found[0].distance:.4f}",
        "band": f"{found[0].iid_band:.4f}",
        "draws band": f"{found[0].draws_band:.4f}",
        "KS by width": [round(one.distance, 5) for one in found],
        "bands by width": [round(one.band, 5) for one in found],
        "z": [round(moment.z, 2) for moment in found[0].moments],
        "a": f"{fit.a:.4f}",
        "b": f"{fit.b:.3g}",
        "allowed": f"{fit.allowed:.4f}",
        "verdict": "within" if found[0].within else "by width" if fit.explains else "DIFFERS",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--width", type=int, default=1000)
    parser.add_argument("--draws", type=int, default=8, help="at the width; more at the others")
    parser.add_argument("--only", default="", help="cases whose name holds this text")
    parser.add_argument("--jobs", type=int, default=1, help="cases at a time")
    parser.add_argument("--limit", type=float, default=3600, help="seconds for a case")
    parser.add_argument("--results", type=Path, default=Path("build/spectra.jsonl"))
    given = parser.parse_args()
    # the longest first: deep networks, and of these those of orthogonal weights
    order = [(n, w, d) for d in DEPTHS[::-1] for w in WEIGHTS[::-1] for n in ACTIVATIONS]
    size = given.width, given.draws
    cases = {
        f"{name} {weights} L={depth} {given.width}x{given.draws}": (name, weights, depth, *size)
        for name, weights, depth in order
        if given.only in f"{name} {weights} L={depth}"
    }
    print("| " + " | ".join(COLUMNS) + " |\n|" + "---|" * len(COLUMNS), flush=True)
    for entry in run_cases(case, cases, given.results, given.jobs, given.limit):
        print("| " + " | ".join(entry.get(c, "") for c in COLUMNS) + " |", flush=True)


if __name__ == "__main__":
    main()
