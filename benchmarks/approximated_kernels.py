"""E[tanh²] without a closed form: our kernel, a bare polynomial, and what one would write instead.

    python -m pip install 'freejac[bench]'
    python benchmarks/approximated_kernels.py

One run, one thread, ratios within it: the kernel over a million variances spread over
[1e-12, 1e12] against a polynomial of degree 20 that Numba compiles in place, over an array of the
same size; against 128 Gauss–Hermite nodes in NumPy; against `scipy.integrate.quad`. The accuracy
of each is its worst relative error at variances over the same range, against 30-digit quadrature.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import mpmath
import numpy as np
import sympy as sp
from scipy import integrate
from table import Line, text
from timing import seconds

import freejac as fj
from freejac.codegen.load import load_text
from freejac.symbolic.mean_curve import MeanCurve

POINTS = 1_000_000
_HERMITE_POINTS, _QUAD_POINTS, _CHECKED = 20_000, 200, 49
_DEGREE = 20


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        name: what was run.
        seconds: time of one point.
        error: worst relative error; nan where there is nothing to compare with.
    """

    name: str
    seconds: float
    error: float


def polynomial() -> Callable[..., np.ndarray]:
    """A ufunc: Horner's rule of degree 20, coefficients in the code."""
    lines = [
        "from numba import vectorize",
        '@vectorize(["float64(float64)"], nopython=True, fastmath={"contract"})',
        "def run(x):",
        "    y = 1.01",
        *(f"    y = y * x + {1.0 / (k + 1.3)!r}" for k in range(_DEGREE)),
        "    return y",
    ]
    compiled: Callable[..., np.ndarray] = load_text("\n".join(lines) + "\n").run
    return compiled


def hermite(q: np.ndarray) -> np.ndarray:
    """128 Gauss–Hermite nodes in NumPy."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(128)
    values: np.ndarray = (
        np.tanh(np.sqrt(q)[:, None] * nodes) ** 2 @ weights / math.sqrt(2.0 * math.pi)
    )
    return values


def adaptive(q: np.ndarray) -> np.ndarray:
    """`scipy.integrate.quad` with its own tolerances, one variance after another."""

    def one(scale: float) -> float:
        def integrand(z: float) -> float:
            return math.tanh(scale * z) ** 2 * math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)

        return float(integrate.quad(integrand, -np.inf, np.inf)[0])

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", integrate.IntegrationWarning)
        return np.array([one(math.sqrt(v)) for v in q])


def rows() -> list[Row]:
    """Time all four, and compare three of them with the definition."""
    q = 10.0 ** np.random.default_rng(0).uniform(-12.0, 12.0, POINTS)
    q = np.clip(q, 1e-12, 1e12)
    checked = np.clip(np.geomspace(1e-12, 1e12, _CHECKED), 1e-12, 1e12)
    curve = MeanCurve([(fj.activation("tanh").function, 2)], {}, 30)
    exact = [curve(sp.Rational(v))[0] for v in checked]

    def error(values: np.ndarray) -> float:
        return max(
            float(abs(mpmath.mpf(float(value)) / reference - 1))
            for value, reference in zip(values, exact, strict=True)
        )

    kernel, bare, out = fj.kernels("tanh").module.second_moment, polynomial(), np.empty_like(q)
    spread = np.random.default_rng(1).uniform(-1.0, 1.0, POINTS)
    few, fewest = q[:_HERMITE_POINTS], q[:_QUAD_POINTS]
    return [
        Row("freejac kernel", seconds(lambda: kernel(q, out)) / q.size, error(kernel(checked))),
        Row("polynomial of degree 20", seconds(lambda: bare(spread, out)) / q.size, math.nan),
        Row(
            "Gauss–Hermite, 128 nodes, NumPy",
            seconds(lambda: hermite(few)) / few.size,
            error(hermite(checked)),
        ),
        Row(
            "scipy.integrate.quad",
            seconds(lambda: adaptive(fewest)) / fewest.size,
            error(adaptive(checked)),
        ),
    ]


def lines() -> list[Line]:
    """The table: ratios to the kernel; what was asked of it beside a polynomial and quadrature."""
    table = rows()
    ours = table[0].seconds
    found = []
    for row in table:
        ratio = row.seconds / ours
        remark = ""
        if "polynomial" in row.name:
            remark = f"ours takes {1 / ratio:.1f} of it, asked at most 5"
        elif "Hermite" in row.name:
            remark = "asked 100" + ("" if ratio >= 100 else ": missed")
        found.append(Line("tanh E[φ²]", row.name, row.seconds, ratio, row.error, remark))
    found[0] = Line("tanh E[φ²]", "freejac", ours, None, table[0].error, "q in [1e-12, 1e12]")
    return found


def main() -> None:
    """Print the table."""
    print(text(lines()))


if __name__ == "__main__":
    main()
