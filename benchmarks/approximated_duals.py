"""Duals that close nowhere: time a point and accuracy, against Gauss–Hermite product rules.

    python benchmarks/approximated_duals.py

One process, one thread, double precision. The product rule is the textbook one: h₁ = √q u,
h₂ = √q (c u + √(1 − c²) v) on n² nodes. Errors are relative to E[φ(h)²], against quadrature of the
definition at 22 digits; q is spread evenly over decades.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
from timing import seconds

import freejac as fj
from freejac.symbolic.activation import activation
from freejac.symbolic.bivariate_quadrature import gaussian_mean2

POINTS = 100_000
FEW = 200
CHECKED = 40


def hermite(
    function: Callable[[np.ndarray], np.ndarray], q: np.ndarray, c: np.ndarray, count: int
) -> np.ndarray:
    """E[φ(h₁)φ(h₂)] by a product of two Gauss–Hermite rules in NumPy."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(count)
    weights = weights / math.sqrt(2.0 * math.pi)
    values = np.empty_like(q)
    for i, (variance, correlation) in enumerate(zip(q, c, strict=True)):
        rest = math.sqrt(max(0.0, 1.0 - correlation**2))
        first = math.sqrt(variance) * nodes
        second = correlation * first[:, None] + math.sqrt(variance) * rest * nodes
        values[i] = (weights * function(first)) @ function(second) @ weights
    return values


def softplus(x: np.ndarray) -> np.ndarray:
    """log(1 + eˣ)."""
    return np.logaddexp(0.0, x)


FUNCTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "tanh": np.tanh,
    "sigmoid": lambda x: 0.5 * (1.0 + np.tanh(0.5 * x)),
    "softplus": softplus,
    "swish": lambda x: 0.5 * x * (1.0 + np.tanh(0.5 * x)),
    "mish": lambda x: x * np.tanh(softplus(x)),
}


def worst(name: str, q: np.ndarray, c: np.ndarray, values: np.ndarray) -> float:
    """Largest error over E[φ(h)²]."""
    phi = activation(name).function
    errors = []
    for variance, correlation, value in zip(q, c, values, strict=True):
        exact = gaussian_mean2(phi, phi, variance, variance, correlation, 22)
        size = gaussian_mean2(phi, phi, variance, variance, 1, 22)
        errors.append(abs(float((value - exact) / size)))
    return max(errors)


def report(name: str, span: str, q: np.ndarray, c: np.ndarray) -> None:
    """Print the lines of one activation on one span of q."""
    kernels, function = fj.kernels(name), FUNCTIONS[name]
    ours = seconds(lambda: kernels.dual(q, c)) / q.size
    missed = worst(name, q[:CHECKED], c[:CHECKED], kernels.dual(q[:CHECKED], c[:CHECKED]))
    print(f"{name + ', ' + span:34s} {1e9 * ours:12.1f} {'':>9s} {missed:12.1e}")
    for count in (20, 64):
        rule = partial(hermite, function, count=count)
        theirs = seconds(partial(rule, q[:FEW], c[:FEW])) / FEW
        missed = worst(name, q[:CHECKED], c[:CHECKED], rule(q[:CHECKED], c[:CHECKED]))
        what = f"  Gauss-Hermite, {count} x {count} in NumPy"
        print(f"{what:34s} {1e9 * theirs:12.1f} {theirs / ours:8.0f}x {missed:12.1e}")


def main() -> None:
    """Print one line for each activation and alternative."""
    generator = np.random.default_rng(1)
    c = generator.uniform(-1.0, 1.0, POINTS)
    spans = {"q in [0.1, 10]": (-1.0, 1.0), "q in [1e-12, 1e12]": (-12.0, 12.0)}
    print(f"{'':34s} {'ns a point':>12s} {'slower':>9s} {'worst error':>12s}")
    for name in FUNCTIONS:
        for span, (low, high) in spans.items():
            report(name, span, 10.0 ** generator.uniform(low, high, POINTS), c)


if __name__ == "__main__":
    main()
