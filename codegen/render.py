"""From a module's specification and its record to the text of a Python file.

The text depends on nothing else: no clock, no environment, no order of a set.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import sympy as sp

from freejac.codegen.divisions import without_waiting
from freejac.codegen.file_head import (
    argument_lines,
    cost_lines,
    error_lines,
    intro_lines,
    is_dual,
)
from freejac.codegen.filling import preamble, template
from freejac.codegen.kernel_block import kernel_block, select_block
from freejac.codegen.oracle import DIGITS, DUAL_DIGITS
from freejac.codegen.printer import source
from freejac.codegen.quadrature_view import quadrature_view
from freejac.codegen.record import KernelRecord, ModuleRecord
from freejac.codegen.row_constants import row_constants
from freejac.codegen.spec import Derived, Dual, Kernel, Mean, Module, Sampled
from freejac.codegen.stable import stabilise
from freejac.codegen.statements import Block
from freejac.symbolic.expectation import expect
from freejac.symbolic.piecewise import PiecewiseFunction

__all__ = ["digest", "render"]

_ROWS = frozenset({"activation.py.jinja", "dual.py.jinja"})
"""Templates of kernels that are evaluated in rows; elsewhere a number waits for the one before."""


def render(module: Module, record: ModuleRecord) -> str:
    """Write a module.

    Args:
        module: what to write.
        record: where closed forms are used, on which domain, and the measured errors.

    Returns:
        The file's content, formatted.
    """
    kernels = [_kernel_view(module, kernel, record) for kernel in module.kernels]
    rule = _rule_of(module, record)
    context = module.context(module, record) if module.context else {}
    blocks = [k["block"] for k in kernels] + [
        p.block for b in (rule or {}).get("bases", ()) for p in b["pieces"]
    ]
    blocks += context.get("blocks", ())
    text = "\n".join(line for block in blocks for line in (*block.lines, block.result))
    duals = [k for k in module.kernels if isinstance(k, Dual)]
    text += "\n".join(k["code"].text for k in kernels if k["code"])
    needs_numpy = rule is not None or any(k["table"]["rows"] for k in kernels)
    view = {
        "title": module.title,
        "intro": intro_lines(module),
        "digits": DUAL_DIGITS if is_dual(module) else DIGITS,
        "table": error_lines(module, record),
        "costs": cost_lines(module, kernels),
        "names": sorted(k.name for k in module.offered),
        "kernels": kernels,
        "shared": list(dict.fromkeys(b for k in duals for b in k.code.shared)),
        "quadrature": rule,
        **preamble(text, always_math=True, always_numpy=needs_numpy),
        **context,
    }
    return template(module.template, module=view)


def digest(module: Module, record: ModuleRecord) -> str:
    """Fingerprint of the text without its error figures."""
    blank = {
        name: replace(kernel, error="", ulp=0, points=0) for name, kernel in record.kernels.items()
    }
    text = render(module, replace(record, digest="", kernels=blank))
    return hashlib.sha256(text.encode()).hexdigest()


def _rule_of(module: Module, record: ModuleRecord) -> dict[str, Any] | None:
    """The quadrature part, with the integrands that some kernel needs."""
    needed = [
        k for k in module.kernels if isinstance(k, Mean) and record.kernels[k.name].integrates
    ]
    if not needed:
        return None
    used = {k.base for k in needed}
    return quadrature_view(
        [base for base in module.bases if base.name in used],
        [(f"_{k.name.upper()}", k.base, k.power) for k in needed],
        module.parameters,
        record.finest,
    )


def _kernel_view(module: Module, kernel: Kernel, record: ModuleRecord) -> dict[str, Any]:
    arguments = module.arguments(kernel)
    names = [a.name for a in arguments]
    view: dict[str, Any] = {
        "name": kernel.name,
        "equation": kernel.equation,
        "call": ", ".join(names),
        "inputs": names,
        "scales": (),
        "constants": (),
        "signature": f"float64({', '.join(['float64'] * len(names))})",
        "switch": "",
        "by_quadrature": "",
        "kind": type(kernel).__name__.lower(),
        "formula": "",
        "straight": False,
        "table": {"name": "", "rows": ()},
        "block": Block((), ""),
        "code": None,
    }
    domain = {a.name: (a.low, a.high) for a in arguments}
    if isinstance(kernel, Mean):
        mine = record.kernels[kernel.name]
        view["straight"] = mine.quadrature_condition == ""
        domain["q"] = mine.domain or domain["q"]
        view |= _mean_view(module, kernel, names, mine)
    elif isinstance(kernel, Derived):
        domain["q"] = record.kernels[kernel.of].domain or domain["q"]
        inner = ", ".join(["q", *(p.name for p in module.parameters)])
        block = kernel_block(kernel.outer, names)
        call = f"{kernel.of} = _{kernel.of}({inner})"
        view["block"] = Block((call, *block.lines), block.result)
        # Where quadrature is called, a loop calls it for no more numbers than it must.
        inner_record = record.kernels[kernel.of]
        view["straight"] = inner_record.form is not None or inner_record.quadrature_condition == ""
        mean = next(k for k in module.kernels if k.name == kernel.of)
        fixed = _kernel_view(module, mean, record)["scales"] if module.parameters else ()
        view["scales"] = (*(a.name for a in kernel.extra), *fixed) if view["straight"] else ()
        # The kernel that is called checks q and the parameters.
        arguments = kernel.extra
    elif isinstance(kernel, Dual):
        view["code"] = kernel.code
        view["straight"] = kernel.code.straight
    elif isinstance(kernel, Sampled):
        view |= _sampled_view(module, kernel, names)
    view["checks"] = [f"{domain[a.name][0]} <= {a.name} <= {domain[a.name][1]}" for a in arguments]
    view["bounds"] = {a.name: domain[a.name] for a in arguments}
    view["details"] = argument_lines(module.arguments(kernel), domain)
    if view["straight"] and module.template in _ROWS:
        _spare_divisions(view)
        if isinstance(kernel, Mean):
            _part_constants(view, [p.name for p in module.parameters])
    return view


def _spare_divisions(view: dict[str, Any]) -> None:
    """Let a loop over a row not wait for divisions; see `divisions`."""
    least = {name: float(low) for name, (low, _) in view["bounds"].items() if float(low) >= 0.0}
    least |= dict.fromkeys(("up", "down", "gap"), 0.0)
    for part in ("block", "code"):
        if view[part] and view[part].result:
            lines, result = without_waiting(view[part].lines, view[part].result, least)
            view[part] = replace(view[part], lines=lines, result=result)


def _part_constants(view: dict[str, Any], parameters: list[str]) -> None:
    """Let a row with the same parameters all along check and multiply them once."""
    parted = row_constants(view["block"].lines, view["block"].result, parameters)
    if parted is not None:
        view["scales"], view["constants"] = tuple(parameters), parted.constants
        view["block"] = Block(parted.lines, parted.result)


def _mean_view(
    module: Module, kernel: Mean, names: list[str], record: KernelRecord
) -> dict[str, Any]:
    if record.form is not None:
        table = f"_{kernel.name.upper()}_TABLE"
        return {
            "straight": True,
            "block": record.form.block(table),
            "table": {"name": table, "rows": record.form.table()},
        }
    switch = record.quadrature_condition
    quadrature = f"_gaussian_mean(_{kernel.name.upper()}, {', '.join(names)})" + _delta_source(
        module, kernel
    )
    if switch is None or kernel.closed is None:
        return {"block": Block((), quadrature)}
    block = select_block(kernel.closed, names)
    return {"block": block, "switch": switch, "by_quadrature": quadrature}


def _delta_source(module: Module, kernel: Mean) -> str:
    """What Dirac deltas add to the quadrature of the rest; "" for nothing."""
    deltas = module.base(kernel.base).deltas
    if not deltas:
        return ""
    singular = PiecewiseFunction(PiecewiseFunction.smooth(sp.S.Zero).pieces, deltas)
    return f" + ({source(stabilise(expect(singular)))})"


def _sampled_view(module: Module, kernel: Sampled, names: list[str]) -> dict[str, Any]:
    formula = next((f.expr for f in module.formulas if f.name == kernel.name), None)
    if formula is None:
        return {}
    block = kernel_block(formula, names)
    squared = "2.0 * depth" if kernel.name != "m_1" else "depth"
    power = f"_power(mu_1, sigma_w, {squared})"
    factor = source(stabilise(formula))
    bracket = f"({factor})" if formula.is_Add else factor
    return {"block": block, "formula": power if formula == 1 else f"{power} * {bracket}"}
