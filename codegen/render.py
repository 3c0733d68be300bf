"""From a module's specification and its record to the text of a Python file.

The text depends on nothing else: no clock, no environment, no order of a set.
"""

from __future__ import annotations

import hashlib
import re
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

import jinja2
import sympy as sp

from freejac.codegen.elementary import coefficients, constants
from freejac.codegen.horner import Horner
from freejac.codegen.operations import counted
from freejac.codegen.oracle import DIGITS, DUAL_DIGITS
from freejac.codegen.printer import HELPERS, source
from freejac.codegen.record import KernelRecord, ModuleRecord
from freejac.codegen.spec import (
    Argument,
    Base,
    Derived,
    Dual,
    Kernel,
    Mean,
    Module,
    Sampled,
    Solver,
)
from freejac.codegen.stable import stabilise
from freejac.codegen.statements import LINE, Block, statements
from freejac.symbolic.expectation import expect
from freejac.symbolic.piecewise import PiecewiseFunction
from freejac.symbolic.quadrature import legendre_rule

__all__ = ["digest", "kernel_block", "method", "preamble", "quadrature_view", "render", "template"]

_WIDTH = 96
_HALF_NODES = 10
_HELPER_NODES = 40
_METHODS = {"density": "Newton", "jacobian_density": "Newton", "limit": "Newton"}
_WORD = re.compile(r"\b_\w+")
_HELPER_NAMES = frozenset(HELPERS.values()) | {
    "_MIDPOINTS",
    "_RULE_NODES",
    "_asin_reduced",
    "_conditional",
    "_erfcx_right",
    "_exp_difference",
    "_exp_parts",
    "_exp_square",
    "_faddeeva",
    "_gaussian_tail",
    "_log_parts",
    "_lower_half",
    "_product",
    "_split",
    "_sum",
    "_tail_parts",
    "_times_power",
    "_wedge",
}


@dataclass(frozen=True)
class PieceView:
    """One smooth piece as code: below `upper` the block's result."""

    upper: str
    block: Block


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("freejac.codegen"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters["entry"] = "{}[i]".format
    environment.globals["rule"] = _gauss_legendre(_HELPER_NODES)
    environment.globals |= {"poly": coefficients(), "number": constants()}
    return environment


def template(name: str, **context: Any) -> str:
    """Fill a template; a name that the context lacks is an error."""
    return _environment().get_template(name).render(**context)


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
    text += "\n".join(k.code.text for k in module.kernels if isinstance(k, Dual))
    needs_numpy = rule is not None or any(k["table"]["rows"] for k in kernels)
    view = {
        "title": module.title,
        "intro": _intro(module),
        "digits": DUAL_DIGITS if _is_dual(module) else DIGITS,
        "table": _table(module, record),
        "costs": _costs(module, kernels),
        "names": sorted(k.name for k in module.offered),
        "kernels": kernels,
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


def preamble(text: str, *, always_math: bool, always_numpy: bool) -> dict[str, Any]:
    """Which helpers a module's text needs, those that they call among them, and which imports.

    Args:
        text: the code of the kernels.
        always_math: whether the rest of the module needs `math`.
        always_numpy: whether the rest of the module needs NumPy.
    """
    helper = _environment().get_template("helpers.jinja").module.helper
    found: dict[str, str] = {}
    unread = [text]
    while unread:
        words = set(_WORD.findall(unread.pop()))
        for name in words & _HELPER_NAMES - set(found):
            found[name] = helper(name)
            unread.append(found[name])
    code = "\n".join([text, *found.values()])
    return {
        "helpers": sorted(found),
        "uses_math": always_math or "math." in code,
        "uses_numpy": always_numpy or "np." in code,
    }


def kernel_block(expr: sp.Expr, names: Iterable[str]) -> Block:
    """Statements of an expression in its stable form; cases become branches that return."""
    names = list(names)
    if expr.has(Horner):
        return _select_block(expr, names)
    if not isinstance(expr, sp.Piecewise):
        return _plain_block(expr, names)
    lines: list[str] = []
    *cases, (last, _) = expr.args
    for value, condition in cases:
        block = _plain_block(value, names, indented=4)
        lines.append(f"if {source(condition)}:")
        lines += [f"    {line}" for line in (*block.lines, f"return {block.result}")]
    block = _plain_block(last, names)
    return Block((*lines, *block.lines), block.result)


def _select_block(expr: sp.Expr, names: Iterable[str]) -> Block:
    """Statements without branches: every case is evaluated, and a selection follows.

    A polynomial is evaluated at the nearest q at which it holds.
    """
    taken = list(names)
    lines: list[str] = []
    chosen = {}
    for choice in sorted(expr.atoms(sp.Piecewise), key=sp.default_sort_key):
        selection = ""
        for value, condition in reversed(choice.args):
            bound = _bound(value, condition, choice.args)
            block = _plain_block(value.replace(Horner, partial(_confined, bound)), taken)
            name = _fresh("case", taken)
            lines += [*block.lines, f"{name} = {block.result}"]
            taken += [line.split(" = ")[0] for line in (*block.lines, f"{name} = ")]
            selection = f"{name} if {source(condition)} else {selection}" if selection else name
        name = _fresh("choice", taken)
        taken.append(name)
        lines.append(f"{name} = {selection}")
        chosen[choice] = sp.Symbol(name, real=True)
    block = _plain_block(expr.xreplace(chosen), taken)
    return Block((*lines, *block.lines), block.result)


def _fresh(stem: str, taken: Iterable[str]) -> str:
    taken = set(taken)
    return next(name for k in range(1, len(taken) + 2) if (name := f"{stem}_{k}") not in taken)


def _bound(value: sp.Expr, condition: sp.Basic, cases: tuple[sp.Tuple, ...]) -> sp.Basic:
    """The condition under which a series is used; the last case has what the others leave."""
    if condition == sp.true and value.has(Horner):
        return cases[-2][1].negated
    return condition


def _confined(bound: sp.core.relational.Relational, u: sp.Expr, *coefficients: sp.Expr) -> sp.Expr:
    limit = sp.Min if bound.rel_op in {"<", "<="} else sp.Max
    return Horner(u.subs(bound.lhs, limit(bound.lhs, bound.rhs)), *coefficients)


def _plain_block(expr: sp.Expr, names: list[str], *, indented: int = 0) -> Block:
    series = expr.atoms(Horner)
    if series:
        (series,) = series
        return _series_block(expr, series, names)
    expr = sp.expand(expr) if any(abs(n.p) > 2**53 for n in expr.atoms(sp.Integer)) else expr
    return statements(stabilise(expr), taken=names, width=LINE - indented)


def _series_block(expr: sp.Expr, series: Horner, names: list[str]) -> Block:
    """Horner's rule, a line for each coefficient; numbers are rounded once, here."""
    total = sp.Symbol("total", real=True)
    u, *coefficients = series.args
    values = [source(_rounded(c)) for c in reversed(coefficients)]
    lines = [f"step = {source(u)}", f"total = {values[0]}"]
    for value in values[1:]:
        negative = value.startswith("-")
        tail = "" if value == "0.0" else f" - {value[1:]}" if negative else f" + {value}"
        lines.append(f"total = total * step{tail}")
    block = statements(expr.xreplace({series: total}), taken=[*names, "total", "step"])
    return Block((*lines, *block.lines), block.result)


def _rounded(coefficient: sp.Expr) -> sp.Expr:
    """A coefficient with its numbers rounded to doubles."""
    total = []
    for term in sp.Add.make_args(sp.expand(coefficient)):
        number, rest = term.as_independent(*coefficient.free_symbols)
        whole = number if number.is_Integer else sp.Float(number.evalf(40), 17)
        total.append(whole * rest)
    return sp.Add(*total)


def quadrature_view(
    bases: Iterable[Base],
    terms: Iterable[tuple[str, str, int]],
    parameters: tuple[Argument, ...],
    finest: str,
) -> dict[str, Any]:
    """Context of the quadrature template.

    Args:
        bases: functions of x.
        terms: (constant's name, base's name, power) of each integrand.
        parameters: arguments after x.
        finest: width of the finest panel, as text.
    """
    names = [p.name for p in parameters]
    bases = list(bases)
    nodes, weights = _gauss_legendre(2 * _HALF_NODES)
    values = []
    for constant, base, power in terms:
        call = f"{base}({', '.join(['x', *names])})"
        values.append({"constant": constant, "value": call if power == 1 else f"{call} ** {power}"})
    return {
        "nodes": nodes,
        "weights": weights,
        "terms": values,
        "bases": [
            {"name": b.name, "summary": b.summary, "pieces": _pieces(b.function, names)}
            for b in bases
        ],
        "point": ", ".join(["x", *names]),
        "variance": ", ".join(["q", *names]),
        "rest": "".join(f", {name}" for name in names),
        "finest": finest,
        "marks": [source(stabilise(mark)) for mark in _marks([b.function for b in bases])],
    }


def _pieces(function: PiecewiseFunction, names: list[str]) -> list[PieceView]:
    return [
        PieceView(
            "" if piece.upper == sp.oo else source(stabilise(piece.upper)),
            kernel_block(piece.expr, ["x", *names]),
        )
        for piece in function.pieces
    ]


def _marks(functions: list[PiecewiseFunction]) -> list[sp.Expr]:
    """Breakpoints, and 0 where its place among them is known."""
    marks: list[sp.Expr] = []
    for function in functions:
        marks += [at for at in function.breakpoints if at not in marks]
    known = all(at.is_extended_real and at.is_positive is not None for at in marks)
    if known and 0 not in marks and all(at.is_zero is not None for at in marks):
        marks.append(sp.S.Zero)
    if all(at.is_number for at in marks):
        return sorted(marks, key=lambda at: at.evalf(30))
    below = [at for at in marks if at.is_negative]
    above = [at for at in marks if not at.is_negative and not at.is_zero]
    return [*below, *(at for at in marks if at.is_zero), *above]


@lru_cache(maxsize=2)
def _gauss_legendre(count: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Positive nodes, from the largest, and their weights, correctly rounded to doubles."""
    points, weights, _ = legendre_rule(count, 40)
    pairs = sorted(zip(points, weights, strict=True), reverse=True)[: count // 2]
    return tuple(repr(float(t)) for t, _ in pairs), tuple(repr(float(w)) for _, w in pairs)


def _rule_of(module: Module, record: ModuleRecord) -> dict[str, Any] | None:
    """The quadrature part, with the integrands that some kernel needs."""
    needed = [
        k for k in module.kernels if isinstance(k, Mean) and _integrates(record.kernels[k.name])
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


def _integrates(record: KernelRecord) -> bool:
    return record.form is None and _switch(record) != ""


def _switch(record: KernelRecord) -> str | None:
    """Condition on q for quadrature: "" never, None always."""
    if record.closed is None or record.domain is None:
        return None
    (low, high), (least, most) = record.closed, record.domain
    if low == least and high == most:
        return ""
    if low == least:
        return f"q > {high}"
    return f"q < {low}" if high == most else f"not {low} <= q <= {high}"


def _kernel_view(module: Module, kernel: Kernel, record: ModuleRecord) -> dict[str, Any]:
    arguments = module.arguments(kernel)
    names = [a.name for a in arguments]
    view: dict[str, Any] = {
        "name": kernel.name,
        "equation": kernel.equation,
        "call": ", ".join(names),
        "inputs": names,
        "signature": f"float64({', '.join(['float64'] * len(names))})",
        "switch": "",
        "by_quadrature": "",
        "kind": type(kernel).__name__.lower(),
        "formula": "",
        "straight": False,
        "table": {"name": "", "rows": ()},
        "block": Block((), ""),
    }
    domain = {a.name: (a.low, a.high) for a in arguments}
    if isinstance(kernel, Mean):
        mine = record.kernels[kernel.name]
        view["straight"] = _switch(mine) == ""
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
        view["straight"] = inner_record.form is not None or _switch(inner_record) == ""
        # The kernel that is called checks q and the parameters.
        arguments = kernel.extra
    elif isinstance(kernel, Dual):
        view["code"] = kernel.code
        view["straight"] = kernel.code.straight
    elif isinstance(kernel, Sampled):
        view |= _sampled_view(module, kernel, names)
    view["checks"] = [f"{domain[a.name][0]} <= {a.name} <= {domain[a.name][1]}" for a in arguments]
    view["inside"] = " and ".join(view["checks"])
    if view["straight"]:
        view["harmless"] = {a.name: _harmless(*domain[a.name]) for a in arguments}
    view["details"] = _details(module.arguments(kernel), domain)
    return view


def _harmless(low: str, high: str) -> str:
    """A harmless value of an argument, for what is computed and not used."""
    return "1.0" if float(low) <= 1.0 <= float(high) else low


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
    switch = _switch(record)
    quadrature = f"_gaussian_mean(_{kernel.name.upper()}, {', '.join(names)})" + _delta_source(
        module, kernel
    )
    if switch is None or kernel.closed is None:
        return {"block": Block((), quadrature)}
    block = _select_block(kernel.closed, names)
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


def _details(arguments: Iterable[Argument], domain: Mapping[str, tuple[str, str]]) -> list[str]:
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


def _is_dual(module: Module) -> bool:
    return isinstance(module.kernels[0], Dual)


def _intro(module: Module) -> list[str]:
    lines = textwrap.wrap(module.subject, _WIDTH)
    if _is_dual(module):
        lines.append("Here h₁ and h₂ are centred normal of variance q, their correlation is c.")
    if module.variable:
        lines += ["Here h = √q z, z standard normal.", ""]
    elif lines:
        lines.append("")
    for kernel in module.offered:
        call = f"{kernel.name}({', '.join(a.name for a in module.arguments(kernel))})"
        lines += textwrap.wrap(f"{call} = {kernel.equation}", _WIDTH, initial_indent="    ")
    return [*lines, "", *textwrap.wrap(f"Source: {module.source}", _WIDTH)]


def _costs(module: Module, views: Iterable[Mapping[str, Any]]) -> list[str]:
    """Operations of what is not integrated, a line for each."""
    found = {
        kernel.name: counted(view["block"].lines, view["block"].result)
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


def _table(module: Module, record: ModuleRecord) -> list[str]:
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
    switch = _switch(record)
    if switch is None:
        return "quadrature"
    parts = [f"polynomial if {condition}" for condition in _polynomial_conditions(kernel.closed)]
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
