"""How much faster the kernels are than what one would write otherwise; one run, ratios.

    python -m pip install 'freejac[bench]'
    python benchmarks/kernels.py

Everything is timed in this process, so that the ratios do not depend on the machine's speed.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np
from scipy import integrate, special

import freejac as fj


def seconds(work: Callable[[], object], least: float = 0.3) -> float:
    """Best time of one call, over repetitions that fill `least` seconds."""
    work()
    best, spent = math.inf, 0.0
    while spent < least:
        start = time.perf_counter()
        work()
        took = time.perf_counter() - start
        best, spent = min(best, took), spent + took
    return best


def adaptive(function: Callable[[float], float], q: float) -> float:
    """E[f(√q z)] as one would do it in SciPy: adaptive quadrature of a Python function."""
    scale = math.sqrt(q)
    weight = 1.0 / math.sqrt(2.0 * math.pi)
    value, _ = integrate.quad(
        lambda z: function(scale * z) * weight * math.exp(-0.5 * z * z),
        -13.0,
        13.0,
        epsabs=0.0,
        epsrel=1e-12,
        limit=200,
    )
    return float(value)


def hermite(function: Callable[[np.ndarray], np.ndarray], q: np.ndarray) -> np.ndarray:
    """E[f(√q z)] by 100 Gauss–Hermite nodes in NumPy: fast, and wrong at large q."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(100)
    values: np.ndarray = function(np.sqrt(q)[:, None] * nodes) @ weights / math.sqrt(2.0 * math.pi)
    return values


def gelu_second_moment(q: np.ndarray) -> np.ndarray:
    """The closed form of E[gelu²] in NumPy."""
    first = q**2 / (math.pi * (1.0 + q) * np.sqrt(1.0 + 2.0 * q))
    values: np.ndarray = first + q * np.arcsin(q / (1.0 + q)) / (2.0 * math.pi) + q / 4.0
    return values


def report(what: str, ours: float, theirs: float, points: int) -> None:
    """Print one line of the table."""
    print(f"{what:58s} {1e6 * ours / points:9.3f} µs {theirs / ours:9.1f} ×")


def main() -> None:
    """Time, and print nanoseconds a point and the ratio."""
    q = np.geomspace(1e-3, 1e3, 20_000)
    few = q[::1000]
    gelu, tanh = fj.kernels("gelu"), fj.kernels("tanh")
    print(f"{'kernel against the alternative':58s} {'a point':>12s} {'faster':>11s}")

    ours = seconds(lambda: gelu.second_moment(q))
    report(
        "gelu E[φ²], closed form: NumPy arrays",
        ours,
        seconds(lambda: gelu_second_moment(q)),
        q.size,
    )
    theirs = seconds(lambda: [adaptive(lambda t: (t * special.ndtr(t)) ** 2, v) for v in few])
    report(
        "gelu E[φ²], closed form: scipy.integrate.quad", ours, theirs * q.size / few.size, q.size
    )

    ours = seconds(lambda: tanh.second_moment(q))
    theirs = seconds(lambda: [adaptive(lambda t: math.tanh(t) ** 2, v) for v in few])
    report("tanh E[φ²], quadrature: scipy.integrate.quad", ours, theirs * q.size / few.size, q.size)
    theirs = seconds(lambda: hermite(lambda t: np.tanh(t) ** 2, q))
    report("tanh E[φ²], quadrature: Gauss–Hermite in NumPy", ours, theirs, q.size)
    exact = tanh.second_moment(1e3)
    error = abs(hermite(lambda t: np.tanh(t) ** 2, np.array([1e3]))[0] / exact - 1.0)
    print(f"    (that rule is off by {error:.0e} at q = 1000; the kernel by less than 1e-13)")


if __name__ == "__main__":
    main()
