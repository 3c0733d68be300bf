"""A phase sweep of ten million points: time, memory, and the bytes after five kills.

A clean run is timed and its peak memory taken from the system. Then the same sweep is begun anew
and killed (SIGKILL) five times at random moments of its work; each run goes on where the last
was stopped, and the bytes of the store are compared with those of the clean run.

    python benchmarks/sweep_scale.py [--side 3163] [--activation tanh] [--kills 5] [--seed 0]

Needs the `sweep` extra, and a disk with room for two stores of about 70 bytes a point.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_RUN = """
import resource, sys, time
from freejac.sweep_run import in_memory
from freejac.sweep_spec import read_spec
from freejac.sweeps import sweep
phi, side, store = sys.argv[1], int(sys.argv[2]), sys.argv[3]
in_memory(read_spec({"activations": phi, "sigma_w": [1, 2]}))   # kernels are loaded
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print("ready", flush=True)
start, spent = time.perf_counter(), time.process_time()
sweep(
    activations=phi, sigma_w=f"0.5:3:{side}", sigma_b=f"0:1:{side}", store=store,
    progress=lambda done, total: print("at", done, total, flush=True),
)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print("end", time.perf_counter() - start, time.process_time() - spent, before, peak, flush=True)
"""


def main() -> int:
    """Measure, compare, and print a table; 1 if a byte differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=3163, help="points along σ_w and along σ_b")
    parser.add_argument("--activation", default="tanh")
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sweep-") as folder:
        clean, killed = Path(folder, "clean.zarr"), Path(folder, "killed.zarr")
        _, end = _run(given, clean, None)
        wall, spent, before, peak = end
        points = given.side**2
        print(f"activation            {given.activation}")
        print(f"points                {points}")
        print(f"wall time             {wall:.1f} s, {wall / points * 1e9:.0f} ns a point")
        print(f"processor time        {spent:.1f} s, {spent / points * 1e9:.0f} ns a point")
        print(f"memory before, peak   {before / 1024:.0f} MiB, {peak / 1024:.0f} MiB")
        size = sum(path.stat().st_size for path in clean.rglob("*") if path.is_file())
        print(f"store                 {size / 2**20:.0f} MiB, {size / points:.1f} bytes a point")
        same = _survives(given, killed, digest(clean))
    print("bytes after kills     " + ("the same" if same else "DIFFER"))
    return 0 if same else 1


def _survives(given: argparse.Namespace, store: Path, wanted: str) -> bool:
    """Kill runs at random, finish, and compare."""
    draw = random.Random(given.seed)
    for number in range(given.kills):
        # The share of the blocks still missing that this run may do, and a moment after.
        done, _ = _run(given, store, draw.uniform(0, 0.4), pause=draw.uniform(0, 0.2))
        print(f"kill {number + 1}                at {done[0]} of {done[1]} blocks")
    _run(given, store, None)
    return digest(store) == wanted


def _run(
    given: argparse.Namespace, store: Path, share: float | None, pause: float = 0.0
) -> tuple[tuple[int, int], tuple[float, ...]]:
    """Run the sweep in a process of its own, to the end or to a share of what is missing."""
    command = [sys.executable, "-c", _RUN, given.activation, str(given.side), str(store)]
    at, limit, end = (0, 1), None, (0.0, 0.0, 0.0, 0.0)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            kind, *numbers = line.split()
            if kind == "end":
                end = tuple(map(float, numbers))
            if kind != "at":
                continue
            at = int(numbers[0]), int(numbers[1])
            if limit is None and share is not None:
                limit = at[0] + share * (at[1] - at[0])
            if limit is not None and at[0] >= limit:
                time.sleep(pause)
                process.send_signal(signal.SIGKILL)
                break
    if share is None and process.returncode:
        raise SystemExit("the run failed")
    return at, end


def digest(store: Path) -> str:
    """Names and bytes of every file of a store."""
    total = hashlib.sha256()
    for path in sorted(store.rglob("*")):
        if path.is_file():
            total.update(str(path.relative_to(store)).encode())
            total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
