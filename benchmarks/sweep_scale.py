"""A phase sweep of ten million points: time, memory, and the bytes after five kills.

A clean run is timed and its peak memory taken from the system. Then the same sweep is begun anew
and killed (SIGKILL): while the axes and metadata are written, during the first block, five times at
random moments, and during the last block. Each run goes on where the last was stopped, and the
bytes of the store are compared with those of the clean run.

    python benchmarks/sweep_scale.py [--side 3163] [--activation tanh] [--block 65536] [--kills 5]

Needs the `sweep` extra, and a disk with room for two stores of about 70 bytes a point.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

_RUN = """
import resource, sys, time
from freejac import sweep_spec
sweep_spec._BLOCK = int(sys.argv[4])
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
    parser.add_argument("--block", type=int, default=2**16, help="points of a block")
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sweep-") as folder:
        clean, killed = Path(folder, "clean.zarr"), Path(folder, "killed.zarr")
        _, end = _run(given, clean)
        wall, spent, before, peak = end
        points = given.side**2
        print(f"activation            {given.activation}")
        print(f"points                {points}")
        print(f"wall time             {wall:.1f} s, {wall / points * 1e9:.0f} ns a point")
        print(f"processor time        {spent:.1f} s, {spent / points * 1e9:.0f} ns a point")
        print(f"memory before, peak   {before / 1024:.0f} MiB, {peak / 1024:.0f} MiB")
        print(f"nan of c*, ξ_c        {_unresolved(clean)}")
        size = sum(path.stat().st_size for path in clean.rglob("*") if path.is_file())
        print(f"store                 {size / 2**20:.0f} MiB, {size / points:.1f} bytes a point")
        same = _survives(given, killed, digest(clean))
    print("bytes after kills     " + ("the same" if same else "DIFFER"))
    return 0 if same else 1


def _survives(given: argparse.Namespace, store: Path, wanted: str) -> bool:
    """Kill runs at the moments that are told, finish, and compare."""
    draw = random.Random(given.seed)

    def half() -> bool:
        return len(list(store.parent.glob(f".{store.name}.*/**/zarr.json"))) > 4

    _killed_when(given, store, half, "while metadata are written")
    _killed_when(given, store, store.exists, "during the first block")
    for number in range(given.kills):
        # The share of the blocks still missing that this run may do, and a moment after.
        share = draw.uniform(0, 0.4)
        at, _ = _run(given, store, lambda now, all_, s=share: now + s * (all_ - now), draw)
        print(f"kill {number + 1}                at {at[0]} of {at[1]} blocks")
    at, _ = _run(given, store, lambda now, all_: all_ - 1)
    print(f"kill                  at {at[0]} of {at[1]} blocks")
    _run(given, store)
    return digest(store) == wanted


def _killed_when(
    given: argparse.Namespace, store: Path, happens: Callable[[], bool], moment: str
) -> None:
    """Kill a run as soon as something is on disk."""
    with subprocess.Popen(_command(given, store), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        while not happens() and process.poll() is None:
            time.sleep(1e-5)
        if process.poll() is not None:
            raise SystemExit(f"the run ended before it could be killed {moment}")
        process.send_signal(signal.SIGKILL)
    files = sum(path.is_file() for path in store.parent.rglob("*") if "killed" in str(path))
    print(f"kill                  {moment}: {files} files were there")


def _command(given: argparse.Namespace, store: Path) -> list[str]:
    sizes = str(given.side), str(store), str(given.block)
    return [sys.executable, "-c", _RUN, given.activation, *sizes]


def _run(
    given: argparse.Namespace,
    store: Path,
    last: Callable[[int, int], float] | None = None,
    draw: random.Random | None = None,
) -> tuple[tuple[int, int], tuple[float, ...]]:
    """Run the sweep in a process of its own, to the end or to a number of blocks."""
    at, limit, end = (0, 1), math.inf, (0.0, 0.0, 0.0, 0.0)
    with subprocess.Popen(_command(given, store), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            kind, *numbers = line.split()
            if kind == "end":
                end = tuple(map(float, numbers))
            if kind != "at":
                continue
            at = int(numbers[0]), int(numbers[1])
            if last is not None and math.isinf(limit):
                limit = last(*at)
            if at[0] >= limit:
                time.sleep(draw.uniform(0, 0.2) if draw else 0)
                process.send_signal(signal.SIGKILL)
                break
    if last is None and process.returncode:
        raise SystemExit("the run failed")
    return at, end


def _unresolved(store: Path) -> str:
    """How many c* and ξ_c are missing where q* is finite."""
    import numpy as np
    import zarr

    there = zarr.open_group(store, mode="r")
    finite = np.isfinite(there["q"][...])
    lost = [int((np.isnan(there[name][...]) & finite).sum()) for name in ("c", "xi_c")]
    return ", ".join(map(str, lost)) + f" of {int(finite.sum())} with finite q*"


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
