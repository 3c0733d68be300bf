"""The one table that all benchmarks of kernels fill: a line for each way to get a number."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

__all__ = ["Line", "machine", "text"]

_COMPARED = ("numpy", "scipy", "numba", "sympy", "mpmath", "jax", "python-flint")
_HEADS = ("what", "by", "a point", "÷ ours", "worst error", "remark")


@dataclass(frozen=True)
class Line:
    """One way to get one number.

    Attributes:
        what: the number.
        by: the way.
        seconds: time a point, or of the whole where the remark says so.
        ratio: that time over ours; None for ours.
        error: worst relative error; None where it was not measured.
        remark: what else there is to say.
    """

    what: str
    by: str
    seconds: float
    ratio: float | None = None
    error: float | None = None
    remark: str = ""

    def cells(self) -> tuple[str, ...]:
        """The line as text."""
        ratio = "" if self.ratio is None else f"{self.ratio:.{1 if self.ratio < 100 else 0}f}"
        error = "" if self.error is None or math.isnan(self.error) else f"{self.error:.1e}"
        return self.what, self.by, _time(self.seconds), ratio, error, self.remark


def _time(seconds: float) -> str:
    if math.isnan(seconds):
        return ""
    for unit, size in (("ns", 1e-9), ("µs", 1e-6), ("ms", 1e-3)):
        if seconds < 1000 * size:
            return f"{seconds / size:.2f} {unit}"
    return f"{seconds:.2f} s"


def text(lines: Iterable[Line]) -> str:
    """The table in Markdown, its columns aligned."""
    rows = [_HEADS, *(line.cells() for line in lines)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(_HEADS))]
    rows.insert(1, tuple("-" * width for width in widths))
    aligned = [
        " | ".join(
            cell.rjust(width) if 2 <= i <= 4 else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    return "\n".join(f"| {row} |" for row in aligned)


def machine() -> str:
    """What was run on: processor, system, packages."""
    found = []
    for name in _COMPARED:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"no {name}")
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return (
        f"{_processor()}, {os.cpu_count()} processors{load}; {platform.system()}, "
        f"Python {platform.python_version()}; {', '.join(found)}"
    )


def _processor() -> str:
    listed = Path("/proc/cpuinfo")
    if listed.exists():
        for line in listed.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
