"""Kernels on all processors against one thread: ten million points, a new array for the results.

    python benchmarks/threaded_kernels.py

Wall-clock time, the best of many calls, in one run. The values are compared first: they are the
same bits. Cheap kernels are limited by the memory, and by new pages for what they return.
"""

from __future__ import annotations

import os
from functools import partial

import numpy as np
from table import Line, text
from timing import seconds

import freejac as fj

POINTS = 10_000_000
CASES = (
    ("relu", "second_moment"),
    ("gelu", "second_moment"),
    ("elu", "mu_1"),
    ("tanh", "second_moment"),
    ("gelu", "dual"),
    ("tanh", "dual"),
)


def lines(points: int = POINTS) -> list[Line]:
    """The table: threads, and one of them."""
    rng = np.random.default_rng(0)
    q, c = 10.0 ** rng.uniform(-3, 2, points), rng.uniform(-1, 1, points)
    found = []
    for activation, name in CASES:
        given = (q, c) if name == "dual" else (q,)
        one, all_ = (getattr(fj.kernels(activation, parallel=way), name) for way in (False, True))
        assert np.array_equal(one(*given), all_(*given))
        alone, shared = (seconds(partial(kernel, *given)) for kernel in (one, all_))
        what = f"{activation} {name.replace('dual', 'E[φφ]')}, {points:.0e} points"
        found += [
            Line(what, f"freejac, {os.cpu_count()} processors", shared / points),
            Line(what, "freejac, one thread", alone / points, alone / shared),
        ]
    return found


def main() -> None:
    """Print the table."""
    print(text(lines()))


if __name__ == "__main__":
    main()
