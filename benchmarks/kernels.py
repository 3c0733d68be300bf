"""Every benchmark of the kernels in one table; figures in it are of one run.

    python -m pip install 'freejac[bench]'
    python benchmarks/kernels.py --output table.md
    python benchmarks/kernels.py densities phase_diagram

Each part is also a program of its own, and says in its head what is compared with what. All of them
take about five minutes on a quiet machine; what is done is shown. Kernels that were never called
before are compiled first (once, a minute or two): run it twice, or a part of it first.
"""

from __future__ import annotations

import argparse
import sys
import time
from importlib import import_module
from pathlib import Path

from table import Line, machine, text
from timing import keep_pages

ROOMS = (
    "cold_start",
    "closed_form_kernels",
    "approximated_kernels",
    "dual_kernels",
    "approximated_duals",
    "phase_diagram",
    "densities",
    "threaded_kernels",
)


def main(arguments: list[str] | None = None) -> int:
    """Run the parts that are named, or all of them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(ROOMS)}")
    parser.add_argument("--output", type=Path, help="a file for the table, in Markdown")
    parser.add_argument("--keep-pages", action="store_true", help="new arrays reuse memory")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.parts if name not in ROOMS]
    if unknown:
        parser.error(f"no part is called {unknown[0]}; there are {', '.join(ROOMS)}")
    if options.keep_pages:
        keep_pages()
    start, head, found = time.time(), machine(), list[Line]()
    for name in options.parts or ROOMS:
        began = time.time()
        print(f"{name} …", end="", file=sys.stderr, flush=True)
        found += import_module(name).lines()
        print(f" {time.time() - began:.0f} s", file=sys.stderr, flush=True)
        if options.output:  # what there is, should a later part fail
            options.output.write_text(f"{head}\n\n{text(found)}\n", encoding="utf-8")
    print(f"{head}\n\n{text(found)}\n\n{time.time() - start:.0f} s in all", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
