"""Every benchmark of the kernels, one after the other; figures in a table are of one run.

    python -m pip install 'freejac[bench]'
    python benchmarks/kernels.py
    python benchmarks/kernels.py densities phase_diagram

Each table is also a program of its own, and says in its head what is compared with what.
"""

from __future__ import annotations

import sys
from importlib import import_module

ROOMS = (
    "closed_form_kernels",
    "approximated_kernels",
    "dual_kernels",
    "approximated_duals",
    "phase_diagram",
    "densities",
)


def main(names: list[str]) -> int:
    """Run the tables that are named, or all of them."""
    unknown = [name for name in names if name not in ROOMS]
    if unknown:
        print(f"no table is called {unknown[0]}; there are {', '.join(ROOMS)}", file=sys.stderr)
        return 2
    for name in names or ROOMS:
        room = import_module(name)
        print(f"\n== {name}: {(room.__doc__ or '').splitlines()[0]}", flush=True)
        room.main()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
