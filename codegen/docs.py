"""`docs/kernels.md`: every generated kernel with its domain and measured error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill

from freejac.codegen.crosscheck import POINTS, POINTS_BY_QUADRATURE
from freejac.codegen.dual_spec import MEASURE
from freejac.codegen.file_head import method
from freejac.codegen.oracle import DIGITS
from freejac.codegen.record import ModuleRecord
from freejac.codegen.spec import Module

__all__ = ["kernel_table", "with_rows"]

_HEAD = f"""# Kernels

Every kernel in `generated/`, with the worst relative error measured against {DIGITS}-digit
references at {POINTS} points or more ({POINTS_BY_QUADRATURE} for duals that close nowhere), spread
over the logarithm of its domain. Outside its domain a
kernel returns nan.

| kernels | reference |
|---|---|
| Gaussian means | quadrature of the definition (sines: trapezoidal rule), both ends of q included |
| duals | the closed form at up to thousands of digits, held against quadrature of the definition |
| solvers | residuals of their equations, quadrature of the definition at 30 digits, at 12 places |
| residual density | Newton's method on the Green's function equation, inside the edges |
| density of JJᵀ, D² of several values | mpmath's continuation from large λ, 40 digits, 60 points |
| density of JJᵀ, rules on contours | mpmath's continuation with means over panels, 20 digits |
| density of JJᵀ, residual, finite depth | mpmath's continuation, 20 digits, 60 points |
| density of JJᵀ, Bernoulli D² | one real unknown, bracketed, put into the defining equation |
| moments and edges of JJᵀ | Lagrange's formula and the edge condition in exact numbers |

The trapezoidal rule for sines and cosines has a proved error, and beyond q of a few thousand it is
the average over a period. A dual without a closed form is measured against quadrature in two
variables, at 20 digits, relative to max(|D|, E[f²]/100).

{fill(MEASURE, 100)}
No argument in doubles is known better. Everywhere else an ULP is an ULP of the value.

The last row measures the arithmetic of a kernel, not
its formula; the formulas are held against simulated matrices and known laws in `tests/`.

Figures are rounded up to one digit; *ulp* counts units in the last place. They hold where sums
and products fuse, as on every processor with AVX2 and FMA or of ARM's 64 bits: there the bits of a
value do not depend on the length of its vectors (held in `tests/` for AVX2 against what the machine
has). Processors without lose a few units more. Where a closed form cancels in double precision, a
polynomial made from it takes over, or the kernel integrates instead; the switches are found from
the size of the terms, and by measurement.

This file is written by `freejac generate`; do not edit.

"""


_COLUMNS = """\
| module | kernel | computes | evaluated by | q | error | ulp | points |
|---|---|---|---|---|---|---|---|
"""


def kernel_table(modules: Mapping[str, Module], records: Mapping[str, ModuleRecord]) -> str:
    """Write the page from specifications and records."""
    lines = [row for name, module in modules.items() for row in _rows(module, records[name])]
    return _HEAD + _COLUMNS + "".join(lines)


def with_rows(
    page: str,
    modules: Mapping[str, Module],
    records: Mapping[str, ModuleRecord],
    order: Sequence[str],
) -> str:
    """A page with the rows of some modules written anew, and everything else as it is.

    Args:
        page: the page; "" for a new one.
        modules: those whose rows are written, by name.
        records: theirs.
        order: names of all modules; a module that had no rows goes before those that follow it.
    """
    head, columns, table = (page or _HEAD + _COLUMNS).partition(_COLUMNS)
    rows = [
        (name, line)
        for line in table.splitlines(keepends=True)
        if (name := line.split("`", 2)[1] if line.startswith("| `") else "") not in modules
    ]
    rank = {name: place for place, name in enumerate(order)}
    for name in sorted(modules, key=rank.__getitem__):
        later = (i for i, (other, _) in enumerate(rows) if rank.get(other, -1) > rank[name])
        place = next(later, len(rows))
        rows[place:place] = [(name, line) for line in _rows(modules[name], records[name])]
    return head + columns + "".join(line for _, line in rows)


def _rows(module: Module, record: ModuleRecord) -> list[str]:
    rows = []
    for kernel in module.offered:
        mine = record.kernels[kernel.name]
        call = f"{kernel.name}({', '.join(a.name for a in module.arguments(kernel))})"
        domain = f"{mine.domain[0]} to {mine.domain[1]}" if mine.domain else "see the file"
        cells = (f"`{module.name}`", f"`{call}`", kernel.equation, method(kernel, mine), domain)
        figures = (mine.error or "not measured", str(mine.ulp), str(mine.points))
        # |c| in a cell does not end it
        escaped = [cell.replace("|", r"\|") for cell in (*cells, *figures)]
        rows.append(f"| {' | '.join(escaped)} |\n")
    return rows
