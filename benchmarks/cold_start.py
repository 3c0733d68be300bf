"""The first call in a fresh process: what Python, Numba and a generated module take.

    python benchmarks/cold_start.py

Each line is a process of its own, the cache of compiled code warm; the least of several, over that
of `import numba`. Numba itself takes most of what comes on top: the first function that it loads
from a cache makes it register its implementations, and look for SciPy.
"""

from __future__ import annotations

import math
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from table import Line, text

REPEATS = 5
ASKED = 0.5
_BARE = "from numba import njit\n@njit(cache=True)\ndef f(x): return x + 1.0\n"
_PROCESSES = {
    "Python": "pass",
    "import numba": "import numba",
    "Numba, a function of one addition": "import bare; bare.f(1.0)",
    "freejac, a generated module": "import freejac.generated.hard_tanh as m; m.second_moment(1.0)",
    "freejac, with two arguments": "import freejac.generated.elu as m; m.second_moment(1.0, 1.0)",
    "freejac.kernels, with SymPy": "import freejac; freejac.kernels('relu').second_moment(1.0)",
}


def wall(code: str, folder: Path, repeats: int = REPEATS) -> float:
    """Seconds from start to end of a process, the least of several; one more fills the cache."""
    best = math.inf
    for _ in range(repeats + 1):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], cwd=folder, check=True)
        best = min(best, time.perf_counter() - start)
    return best


def lines(repeats: int = REPEATS) -> list[Line]:
    """The table; ratios to the import of Numba."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "bare.py").write_text(_BARE)
        times = {by: wall(code, Path(folder), repeats) for by, code in _PROCESSES.items()}
    numba = times["import numba"]
    found = []
    for by, taken in times.items():
        over = taken - numba
        remark = "" if over <= 0 else f"{over:.2f} s over the import of numba"
        if "module" in by:
            remark += f", asked {ASKED:g}" + ("" if over <= ASKED else ": missed")
        found.append(Line("first call, seconds in all", by, taken, taken / numba, remark=remark))
    return found


def main() -> None:
    """Print the table."""
    print(text(lines()))


if __name__ == "__main__":
    main()
