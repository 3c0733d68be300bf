"""`docs/kernels.md`: every generated kernel with its domain and measured error."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import fill

from freejac.codegen.crosscheck import POINTS, POINTS_BY_QUADRATURE
from freejac.codegen.dual_spec import MEASURE
from freejac.codegen.file_head import method
from freejac.codegen.oracle import DIGITS
from freejac.codegen.record import ModuleRecord
from freejac.codegen.spec import Module

__all__ = ["kernel_table"]

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


def kernel_table(modules: Mapping[str, Module], records: Mapping[str, ModuleRecord]) -> str:
    """Write the page from specifications and records."""
    lines = [
        "| module | kernel | computes | evaluated by | q | error | ulp | points |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, module in modules.items():
        for kernel in module.offered:
            mine = records[name].kernels[kernel.name]
            call = f"{kernel.name}({', '.join(a.name for a in module.arguments(kernel))})"
            domain = f"{mine.domain[0]} to {mine.domain[1]}" if mine.domain else "see the file"
            cells = (f"`{name}`", f"`{call}`", kernel.equation, method(kernel, mine), domain)
            figures = (mine.error or "not measured", str(mine.ulp), str(mine.points))
            # |c| in a cell does not end it
            escaped = [cell.replace("|", r"\|") for cell in (*cells, *figures)]
            lines.append(f"| {' | '.join(escaped)} |")
    return _HEAD + "\n".join(lines) + "\n"
