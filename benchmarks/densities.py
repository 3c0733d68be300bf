"""The density of J Jᵀ: the kernels against what one would write otherwise; one run, one table.

    python -m pip install 'freejac[bench]'
    python benchmarks/densities.py

L equal layers, Gaussian weights, critical; 10⁴ eigenvalues from λ = 1e-300 to the upper edge, and
from 1e-3 of the edge, the bulk, or fewer where the method is slow. The reference is 50-digit
arithmetic on a proved branch. A point is on a wrong branch, or lost, where the value is off by more
than 1 % or there is none.

Methods:
  - companion: `numpy.roots` of the polynomial of degree L + 1 in m, the root with the largest
    imaginary part among those with m above the real line whose argument fits;
  - companion, as usually written: the same, but the root with the largest imaginary part;
  - SciPy: `scipy.optimize.root` on (Re m, Im m), from the edge down, from the solution before;
  - mpmath: the engine's continuation from large |λ| at 15 digits, each point by itself.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import sympy as sp
from scipy import optimize
from table import Line, text

from freejac.codegen.spectral_oracle import jacobian_density
from freejac.generated import gaussian_jacobian_density as kernel
from freejac.symbolic.density import LayerProduct
from freejac.symbolic.errors import NotConvergedError
from freejac.symbolic.symbols import z

DEPTHS = (2, 10, 40, 1000)
NETWORKS = {"linear": 1.0, "relu": 0.5}
POINTS = 10_000
Method = Callable[[np.ndarray, float, int], np.ndarray]


@dataclass(frozen=True)
class Row:
    """One method on one network.

    Attributes:
        network, depth, region, method: which.
        points: how many eigenvalues were timed.
        microseconds: a point.
        error: the largest relative error on the points compared that are on the right branch.
        wrong: points on a wrong branch, or without a value.
        compared: how many were compared with the reference.
    """

    network: str
    depth: int
    region: str
    method: str
    points: int
    microseconds: float
    error: float
    wrong: int
    compared: int


def compiled(lam: np.ndarray, p: float, depth: int) -> np.ndarray:
    """Ours."""
    values: np.ndarray = kernel.density(lam, p, 1 / math.sqrt(p), float(depth))
    return values


def _polynomial(p: float, depth: int) -> np.ndarray:
    """(1 + m/p)ᴸ (1 + m), from the highest power of m."""
    k = np.arange(depth + 1)
    logarithms = np.cumsum(np.concatenate([[0.0], np.log(depth - k[:-1]) - np.log(k[1:] * p)]))
    return np.convolve(np.exp(logarithms)[::-1], [1.0, 1.0])


def companion(lam: np.ndarray, p: float, depth: int, largest: bool = False) -> np.ndarray:
    """Roots of (1 + m/p)ᴸ (1 + m) − λ m."""
    base, found = _polynomial(p, depth), np.full(lam.size, np.nan)
    for i, value in enumerate(lam):
        coefficients = base.copy()
        coefficients[-2] -= value
        try:
            m = np.roots(coefficients)
        except np.linalg.LinAlgError:
            continue
        m = m[m.imag > 0]
        if m.size == 0:
            found[i] = 0.0
        elif largest:
            found[i] = m.imag.max() / (math.pi * value)
        else:
            turn = depth * np.angle(m + p) + np.angle(1 + m) - np.angle(m)
            found[i] = m.imag[np.argmin(np.abs(turn))] / (math.pi * value)
    return found


def usual_companion(lam: np.ndarray, p: float, depth: int) -> np.ndarray:
    """The root that is furthest from the real line."""
    return companion(lam, p, depth, largest=True)


def scipy_roots(lam: np.ndarray, p: float, depth: int) -> np.ndarray:
    """Continuation from the edge down by `scipy.optimize.root`."""
    found = np.full(lam.size, np.nan)
    edge = 2 * p / (depth - 1 + math.sqrt((depth - 1) ** 2 + 4 * depth * p))
    at = np.array([edge, 0.3 * edge])

    def miss(parts: np.ndarray, level: float) -> tuple[float, float]:
        m = complex(*parts)
        value = depth * np.log(1 + m / p) + np.log(1 + m) - np.log(m) - level
        return value.real, value.imag

    for i in np.argsort(-lam):
        solution = optimize.root(miss, at, args=(math.log(lam[i]),), tol=1e-13)
        if solution.success:
            at = solution.x
            found[i] = abs(at[1]) / (math.pi * lam[i])
    return found


def continued(lam: np.ndarray, p: float, depth: int) -> np.ndarray:
    """The engine's own continuation, in mpmath at 15 digits."""
    law = LayerProduct.equal([(1 / sp.Rational(p), sp.Rational(p))], 1 / (1 + z), depth)
    found = np.full(lam.size, np.nan)
    for i, value in enumerate(lam):
        try:
            (density,) = law.density([float(value)])
        except NotConvergedError:
            continue
        found[i] = float(density)
    return found


METHODS: dict[str, tuple[Method, dict[int, int]]] = {
    "freejac": (compiled, dict.fromkeys(DEPTHS, POINTS)),
    "companion": (companion, {2: 200, 10: 200, 40: 60, 1000: 1}),
    "companion, largest": (usual_companion, {2: 200, 10: 200, 40: 60}),
    "SciPy": (scipy_roots, dict.fromkeys(DEPTHS, 200)),
    "mpmath": (continued, dict.fromkeys(DEPTHS, 2)),
}


def rows(depths: tuple[int, ...] = DEPTHS, compared: int = 60) -> list[Row]:
    """Time and compare every method; `compared` points of each with the reference."""
    found = []
    for network, p in NETWORKS.items():
        for depth in depths:
            edge = float(kernel.log_edge(p, 1 / math.sqrt(p), float(depth)))
            for region, start in (("whole", math.log(1e-300)), ("bulk", edge + math.log(1e-3))):
                for name, (method, counts) in METHODS.items():
                    if depth in counts:
                        lam = np.exp(np.linspace(start, edge, counts[depth] + 1)[:-1])
                        setting = (network, p, depth, region, name)
                        found.append(_row(setting, method, lam, compared))
    return found


def _row(
    setting: tuple[str, float, int, str, str], method: Method, lam: np.ndarray, compared: int
) -> Row:
    network, p, depth, region, name = setting
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        if name == "freejac":
            method(lam[:1], p, depth)  # compiled, and warm
        best, values = math.inf, lam
        for _ in range(7 if name == "freejac" else 1):
            start = time.perf_counter()
            values = method(lam, p, depth)
            best = min(best, time.perf_counter() - start)
    chosen = np.unique(np.linspace(0, lam.size - 1, min(lam.size, compared)).astype(int))
    scale = {"p": p, "sigma_w": 1 / math.sqrt(p), "depth": float(depth)}
    exact = [
        float(jacobian_density({**scale, "lam": float(lam[i])}, "gaussian")[0]) for i in chosen
    ]
    off = np.abs(values[chosen] / np.array(exact) - 1)
    right = off < 0.01
    error = float(off[right].max()) if right.any() else math.nan
    pace = 1e6 * best / lam.size
    wrong = int((~right).sum())
    return Row(network, depth, region, name, lam.size, pace, error, wrong, chosen.size)


def lines() -> list[Line]:
    """The table; ratios on each network, depth and region are to ours there."""
    ours, found = math.nan, []
    for row in rows():
        if row.method == "freejac":
            ours = row.microseconds
        is_ours = row.method == "freejac"
        asked = ", asked at most 1 µs" + (": missed" if ours > 1 else "") if is_ours else ""
        found.append(
            Line(
                f"ρ of J Jᵀ, {row.network}, L = {row.depth}, {row.region}",
                row.method,
                1e-6 * row.microseconds,
                None if is_ours else row.microseconds / ours,
                row.error,
                f"wrong branch at {row.wrong} of {row.compared}{asked}",
            )
        )
    return found


def main() -> None:
    """Print the table."""
    print(text(lines()))


if __name__ == "__main__":
    main()
