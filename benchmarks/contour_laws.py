"""Densities of J Jᵀ on contours against mpmath: activations × ensembles × depths × variances.

Usage: python benchmarks/contour_laws.py [--laws N] [--seed N] [--only TEXT] [--jobs N] [--limit S]
       [--results FILE]

Law number k is the same on every machine. Of each, λ lies in the bulk, next to both ends and in the
tail below; the mean eigenvalue is 1. "worst" is the largest relative error, "of its bound" the
largest share of what the kernel promises, 1e-10 + 4e-16 L/d at a relative distance d from an end.
"left out" counts values that the kernel leaves to mpmath, as it does in tails.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import sympy as sp
from cases import Entry, run_cases

from freejac.codegen.contour_oracle import PHIS
from freejac.codegen.points import uniform
from freejac.contour_density import contour_density
from freejac.networks import Jacobian
from freejac.symbolic.activation import activation
from freejac.symbolic.quadrature import gaussian_mean

OTHERS = ("x*sigmoid(1.702*x)", "atan(x)", "x + sin(x)**2", "sqrt(1 + x**2) - 1")
DEPTHS = (2, 3, 5, 10, 32, 100, 1000)
COLUMNS = ("case", "points", "left out", "worst", "of its bound", "verdict", "stopped", "s")
_BESIDE = (1e-6, 1e-3)
_BULK = 3
_DIGITS = 14


def case(phi: str, weights: str, depth: int, variance: float) -> Iterator[Entry]:
    """One law in numbers, stage by stage."""
    yield {"case": f"{phi} {weights} L={depth} q={variance:.3g}"}
    jacobian = Jacobian(phi, weights, depth=depth)
    slope = activation(phi).distribution(1).subs(activation(phi).defaults)
    scale = sp.Rational(float(gaussian_mean(slope**2, variance, 15)) ** -0.5)
    numbers = {"q": sp.Rational(variance), "sigma_w": scale}
    kernel = contour_density(jacobian.layer_product(**numbers, digits=10))
    if kernel is None:
        yield {"verdict": "no contour"}
        return
    low, high = map(float, jacobian.support(**numbers, digits=20)[0])
    beside = np.array(_BESIDE) * min(depth, 100)
    bulk = np.geomspace(max(1.1 * low, 1e-3 * high), 0.7 * high, _BULK)
    lam = np.concatenate([bulk, high * (1 - beside), low * (1 + beside)])
    lam = np.unique(lam[(lam > low) & (lam < high)])
    ends = np.array([end for end in (low, high) if end > 0])
    distance = np.abs(1 - lam[:, None] / ends).min(axis=1)
    found = kernel(lam)
    kept = np.isfinite(found)
    yield {"points": str(lam.size), "left out": str(int((~kept).sum()))}
    expected = np.asarray(jacobian.density(lam[kept], **numbers, digits=_DIGITS), dtype=float)
    # far from where the mass is both may be 0
    errors = np.abs(found[kept] - expected) / np.where(expected, expected, 1.0)
    share = errors / (1e-10 + 4e-16 * depth / distance[kept])
    yield {
        "worst": f"{errors.max(initial=0):.1e}",
        "of its bound": f"{share.max(initial=0):.2g}",
        "verdict": "within" if (share <= 1).all() else "BEYOND",
        "lam": [float(at) for at in lam[kept]],
        "errors": [float(error) for error in errors],
    }


def laws(count: int, seed: int) -> Iterator[tuple[str, str, int, float]]:
    """Laws that fill the space of activations, depths and variances evenly."""
    names = (*PHIS, *OTHERS)
    for turn, (u,) in enumerate(uniform(1, count, seed)):
        depth = DEPTHS[(turn + turn // len(names)) % len(DEPTHS)]
        weights = ("gaussian", "orthogonal")[(turn + turn // len(names)) % 2]
        yield names[turn % len(names)], weights, depth, float(f"{10.0 ** (5.0 * u - 3.0):.3g}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--laws", type=int, default=42)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="laws whose name holds this text")
    parser.add_argument("--jobs", type=int, default=1, help="laws at a time")
    parser.add_argument("--limit", type=float, default=300, help="seconds for a law")
    parser.add_argument("--results", type=Path, default=Path("build/contour_laws.jsonl"))
    given = parser.parse_args()
    cases = {
        " ".join(map(str, law)): law
        for law in laws(given.laws, given.seed)
        if given.only in " ".join(map(str, law))
    }
    print("| " + " | ".join(COLUMNS) + " |\n|" + "---|" * len(COLUMNS), flush=True)
    for entry in run_cases(case, cases, given.results, given.jobs, given.limit):
        print("| " + " | ".join(entry.get(c, "") for c in COLUMNS) + " |", flush=True)


if __name__ == "__main__":
    main()
