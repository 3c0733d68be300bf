"""Duals that close nowhere: time a point and accuracy, against Gauss–Hermite product rules.

    python benchmarks/approximated_duals.py

One process, one thread, double precision. The product rule is the textbook one: h₁ = √q u,
h₂ = √q (c u + √(1 − c²) v) on n² nodes. Errors are relative to E[φ(h)²], against quadrature of the
definition at 22 digits; q is spread evenly over decades.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec

import numpy as np
from mpmath import mpf
from table import Line, text
from timing import seconds

import freejac as fj
from freejac.symbolic.activation import activation
from freejac.symbolic.bivariate_quadrature import gaussian_mean2

POINTS = 100_000
FEW = 50
CHECKED = 5


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


def exact(name: str, q: np.ndarray, c: np.ndarray) -> list[tuple[mpf, mpf]]:
    """The dual and E[φ(h)²] at 22 digits."""
    phi = activation(name).function
    return [
        tuple(gaussian_mean2(phi, phi, variance, variance, at, 22) for at in (correlation, 1))
        for variance, correlation in zip(q, c, strict=True)
    ]


def worst(values: np.ndarray, references: list[tuple[mpf, mpf]]) -> float:
    """Largest error over E[φ(h)²]."""
    pairs = zip(values, references, strict=True)
    return max(abs(float((value - dual) / size)) for value, (dual, size) in pairs)


def report(name: str, span: str, q: np.ndarray, c: np.ndarray) -> Iterator[Line]:
    """The lines of one activation on one span of q."""
    kernels, function = fj.kernels(name), FUNCTIONS[name]
    references = exact(name, q[:CHECKED], c[:CHECKED])
    ours = seconds(lambda: kernels.dual(q, c)) / q.size
    missed = worst(kernels.dual(q[:CHECKED], c[:CHECKED]), references)
    what = f"{name} E[φφ]"
    yield Line(what, "freejac", ours, None, missed, span)
    for count in (20, 64):
        rule = partial(hermite, function, count=count)
        theirs = seconds(partial(rule, q[:FEW], c[:FEW])) / FEW
        missed = worst(rule(q[:CHECKED], c[:CHECKED]), references)
        by = f"Gauss–Hermite, {count} × {count}, NumPy"
        yield Line(what, by, theirs, theirs / ours, missed, span)


def lines() -> list[Line]:
    """The table, for activations whose duals are at hand and need not be fitted first."""
    generator = np.random.default_rng(1)
    c = generator.uniform(-1.0, 1.0, POINTS)
    spans = {"q in [0.1, 10]": (-1.0, 1.0), "q in [1e-12, 1e12]": (-12.0, 12.0)}
    found = []
    for name in FUNCTIONS:
        if find_spec(f"freejac.generated.{name}_dual"):
            for span, (low, high) in spans.items():
                found += report(name, span, 10.0 ** generator.uniform(low, high, POINTS), c)
    return found


def main() -> None:
    """Print the table."""
    print(text(lines()))


if __name__ == "__main__":
    main()
