"""Statements of an expression: what a closed form becomes in a generated function."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import sympy as sp

from freejac.codegen.horner import Horner
from freejac.codegen.printer import source
from freejac.codegen.quotient import Quotient
from freejac.codegen.stable import stabilise
from freejac.codegen.statements import LINE, Block, statements

__all__ = ["kernel_block", "select_block"]


def kernel_block(expr: sp.Expr, names: Iterable[str]) -> Block:
    """Statements of an expression in its stable form; cases become branches that return."""
    names = list(names)
    if expr.has(Horner, Quotient):
        return select_block(expr, names)
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


def select_block(expr: sp.Expr, names: Iterable[str]) -> Block:
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
