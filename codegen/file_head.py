"""What the head of a generated file says: its subject, its measured errors and its costs."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

import sympy as sp

from freejac.codegen.horner import Horner
from freejac.codegen.operations import counted
from freejac.codegen.quotient import Quotient
from freejac.codegen.record import KernelRecord, ModuleRecord
from freejac.codegen.spec import Argument, Derived, Dual, Kernel, Mean, Module, Sampled, Solver

__all__ = ["argument_lines", "cost_lines", "error_lines", "intro_lines", "is_dual", "method"]

_WIDTH = 96
_METHODS = {"density": "Newton", "jacobian_density": "Newton", "limit": "Newton"}


def intro_lines(module: Module) -> list[str]:
    """What the kernels compute, and where it is from."""
    lines = textwrap.wrap(module.subject, _WIDTH)
    if is_dual(module):
        lines.append("Here h₁ and h₂ are centred normal of variance q, their correlation is c.")
    if module.variable:
        lines += ["Here h = √q z, z standard normal.", ""]
    elif lines:
        lines.append("")
    for kernel in module.offered:
        call = f"{kernel.name}({', '.join(a.name for a in module.arguments(kernel))})"
        lines += textwrap.wrap(f"{call} = {kernel.equation}", _WIDTH, initial_indent="    ")
    return [*lines, "", *textwrap.wrap(f"Source: {module.source}", _WIDTH)]


def error_lines(module: Module, record: ModuleRecord) -> list[str]:
    """The table of measured errors."""
    rows: list[tuple[str, ...]] = [("kernel", "evaluated by", "q", "error", "ulp", "points")]
    for kernel in module.offered:
        mine = record.kernels[kernel.name]
        rows.append(
            (
                kernel.name,
                method(kernel, mine),
                f"{mine.domain[0]} to {mine.domain[1]}" if mine.domain else "-",
                mine.error or "not measured",
                str(mine.ulp) if mine.error else "-",
                str(mine.points),
            )
        )
    if all(row[2] == "-" for row in rows[1:]):
        rows = [row[:2] + row[3:] for row in rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        ("    " + "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True))).rstrip()
        for row in rows
    ]


def method(kernel: Kernel, record: KernelRecord) -> str:
    """How a kernel is evaluated, in words."""
    if isinstance(kernel, Dual):
        return kernel.code.method
    if isinstance(kernel, Solver):
        return "iteration"
    if isinstance(kernel, Sampled):
        return _METHODS.get(kernel.oracle, "formula")
    if isinstance(kernel, Derived):
        return kernel.of
    if record.form is not None:
        return record.form.words
    switch = record.quadrature_condition
    if switch is None:
        return "quadrature"
    quotients = kernel.closed.atoms(Quotient) if kernel.closed else ()
    parts = sorted({part.words for part in quotients})
    parts += [f"polynomial if {condition}" for condition in _polynomial_conditions(kernel.closed)]
    parts += [f"quadrature if {switch}"] if switch else []
    return f"closed; {', '.join(parts)}" if parts else "closed form"


def _polynomial_conditions(closed: sp.Expr | None) -> list[str]:
    """Where a polynomial stands in for a closed form."""
    choices = sorted(closed.atoms(sp.Piecewise), key=sp.default_sort_key) if closed else []
    found = []
    for choice in choices:
        for k, (value, condition) in enumerate(choice.args):
            if value.has(Horner):
                far = condition == sp.true
                bound = choice.args[k - 1][1].rhs if far else condition.rhs
                found.append(f"q {'>' if far else '<'} {float(bound):g}")
    return found


def cost_lines(module: Module, views: Iterable[Mapping[str, Any]]) -> list[str]:
    """Operations of what is not integrated, a line for each."""
    found = {
        kernel.name: counted(
            [*map(" = ".join, view["constants"]), *view["block"].lines], view["block"].result
        )
        for kernel, view in zip(module.kernels, views, strict=True)
        if isinstance(kernel, Mean | Derived) and "_gaussian_mean(" not in view["block"].result
    }
    found |= {
        kernel.name: counted(kernel.code.lines, kernel.code.result)
        for kernel in module.kernels
        if isinstance(kernel, Dual) and kernel.code.straight
    }
    width = max(map(len, found), default=0)
    return [f"    {name.ljust(width)}  {cost}" for name, cost in found.items()]


def argument_lines(
    arguments: Iterable[Argument], domain: Mapping[str, tuple[str, str]]
) -> list[str]:
    """Arguments and result of a docstring."""
    lines = ["Args:"]
    for a in arguments:
        low, high = domain[a.name]
        promised = "" if "inf" in low else f", from {_plain(low)} to {_plain(high)}"
        lines += textwrap.wrap(
            f"{a.name}: {a.meaning}{promised}.",
            _WIDTH - 4,
            initial_indent="    ",
            subsequent_indent="        ",
        )
    return [
        *lines,
        "",
        "Returns:",
        "    The value; nan outside the domain. Scalars and arrays broadcast.",
    ]


def _plain(number: str) -> str:
    return number.removesuffix(".0")


def is_dual(module: Module) -> bool:
    """Whether a module's kernels have two inputs q and c."""
    return isinstance(module.kernels[0], Dual)
