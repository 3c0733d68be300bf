"""The phase diagram of tanh: q*, χ and ξ_c on a grid, against SciPy one point at a time; one run.

    python -m pip install 'freejac[bench]'
    python benchmarks/phase_diagram.py

SciPy is used as in the solutions to a problem set on these networks, with their slips mended: the
Gaussian is normalised, φ is squared and φ′ = 1/cosh² too. That code stops at χ: it finds no c*, so
the comparison leaves out most of what the kernels spend in the chaotic phase.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable

import numpy as np
from scipy import integrate, optimize
from table import Line, text

import freejac as fj

SIDE = 1000
SAMPLE = 16
WEIGHTS = (0.5, 3.0)
BIASES = (0.0, 2.0)
Row = tuple[str, float, float]


def gaussian(x: float) -> float:
    """The standard normal density."""
    return math.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)


def fixed_point(sigma_w: float, sigma_b: float, start: float = 0.7) -> float:
    """q* by Steffensen's iteration of an adaptive quadrature."""

    def length_map(q: float) -> float:
        root = math.sqrt(abs(q))
        mean, _ = integrate.quad(lambda x: np.tanh(root * x) ** 2 * gaussian(x), -np.inf, np.inf)
        return sigma_w**2 * mean + sigma_b**2

    return float(optimize.fixed_point(length_map, start))


def chi(q: float, sigma_w: float) -> float:
    """σ_w² E[φ′²]."""
    root = math.sqrt(abs(q))
    mean, _ = integrate.quad(lambda x: gaussian(x) / np.cosh(root * x) ** 4, -np.inf, np.inf)
    return float(sigma_w**2 * mean)


def by_scipy(sigma_w: float, sigma_b: float) -> tuple[float, float]:
    """q* and χ; nan where the iteration does not converge."""
    try:
        q = fixed_point(sigma_w, sigma_b)
    except RuntimeError:
        return math.nan, math.nan
    return q, chi(q, sigma_w)


def seconds(work: Callable[[], object], repeats: int) -> float:
    """Best time of one call."""
    best = math.inf
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


def plane(side: int) -> tuple[np.ndarray, np.ndarray]:
    """σ_w along the rows, σ_b along the columns."""
    return np.linspace(*WEIGHTS, side)[:, None], np.linspace(*BIASES, side)


def rows(side: int = SIDE, sample: int = SAMPLE) -> list[Row]:
    """What was timed, seconds a point, and how many times as fast as SciPy.

    Args:
        side: points along either axis of the diagram.
        sample: points along either axis that SciPy is given.
    """
    k = fj.kernels("tanh")
    weights, biases = plane(side)
    few = [(w, b) for w in plane(sample)[0][:, 0].tolist() for b in plane(sample)[1].tolist()]
    k.phase(1.0, 0.1)
    k.fixed_points(1.0, 0.1)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        theirs = seconds(lambda: [by_scipy(w, b) for w, b in few], 1) / len(few)
    whole = seconds(lambda: k.phase(weights, biases), 3) / side**2
    lengths = seconds(lambda: k.fixed_points(weights, biases), 3) / side**2
    return [
        ("scipy.integrate.quad and optimize.fixed_point: q*, χ", theirs, 1.0),
        ("freejac: q*, V′, χ, c*, ξ_q, ξ_c", whole, theirs / whole),
        ("freejac: every q*, V′, χ, stability", lengths, theirs / lengths),
    ]


def agreement(sample: int = SAMPLE) -> tuple[float, int]:
    """The median relative difference of χ, and at how many points SciPy differs by over 1e-6."""
    weights, biases = plane(sample)
    ours = fj.kernels("tanh").phase(weights, biases).chi
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        theirs = np.array(
            [[by_scipy(w, b)[1] for b in biases.tolist()] for w in weights[:, 0].tolist()]
        )
    difference = np.abs(theirs / ours - 1.0)
    return float(np.nanmedian(difference)), int((~(difference < 1e-6)).sum())


def lines() -> list[Line]:
    """The table."""
    (theirs, time_a_point, _), *ours = rows()
    median, wrong = agreement()
    asked = "asked 1000 beside q*, χ, ξ_c"
    found = [
        Line(f"phase diagram of tanh, {SIDE} × {SIDE}", name, value, remark=f"{ratio:.0f} × SciPy")
        for name, value, ratio in ours
    ]
    remark = f"{asked}; χ off by over 1e-6 at {wrong} of {SAMPLE**2}, median {median:.0e}"
    ratio = time_a_point / ours[0][1]
    return [*found, Line("the same, without ξ_c", theirs, time_a_point, ratio, remark=remark)]


def main() -> None:
    """Print the table."""
    print(text(lines()))


if __name__ == "__main__":
    main()
