"""The first call in a fresh process: what Python, Numba and a generated module take.

    python benchmarks/cold_start.py

Each line is a process of its own, the cache of compiled code warm; the least of several, over that
of `import numba`. Numba itself takes most of what comes on top: the first function that it loads
from a cache makes it register its implementations, and import SciPy's linear algebra where SciPy is
installed, which is half of it.
"""

from __future__ import annotations

import math
import resource
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
    "freejac.kernels, by name": "import freejac; freejac.kernels('relu').second_moment(1.0)",
}


def times(repeats: int = REPEATS) -> dict[str, tuple[float, float]]:
    """Least wall and processor time of each process, in seconds; one round more fills the cache."""
    best = dict.fromkeys(_PROCESSES, (math.inf, math.inf))
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "bare.py").write_text(_BARE)
        for _ in range(repeats + 1):
            for by, code in _PROCESSES.items():
                start, before = time.perf_counter(), _spent()
                subprocess.run([sys.executable, "-c", code], cwd=folder, check=True)
                wall, processor = time.perf_counter() - start, _spent() - before
                best[by] = min(best[by][0], wall), min(best[by][1], processor)
    return best


def _spent() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def lines(repeats: int = REPEATS) -> list[Line]:
    """The table; ratios to the import of Numba."""
    taken = times(repeats)
    numba = taken["import numba"]
    found = []
    for by, (wall, processor) in taken.items():
        over = wall - numba[0]
        remark = "" if over <= 0 else f"{over:.2f} s over the import of numba"
        remark += "" if over <= 0 else f", {processor - numba[1]:.2f} s of them on the processor"
        if "module" in by:
            remark += f"; asked {ASKED:g}" + ("" if over <= ASKED else ": missed")
        found.append(Line("first call, whole process", by, wall, wall / numba[0], remark=remark))
    return found


def main() -> None:
    """Print the table."""
    print(text(lines()))


if __name__ == "__main__":
    main()
