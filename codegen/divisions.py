"""Divisions by Newton's steps, where a loop would wait for the unit that divides and takes roots.

That unit takes vectors one after the other, beside multiplications and additions. A kernel with a
root, a division and little else waits for it; by Newton's steps, a division is nine multiply-adds
(`_divided` in templates/elementary.jinja), correct to the last bit but one like the other.

>>> without_waiting(["root = math.sqrt(1.0 + q)"], "2.0 / root", {"q": 0.0})
(('root = math.sqrt(1.0 + q)',), '_divided(2.0, root)')
>>> without_waiting([], "2.0 / math.sqrt(c)", {"q": 0.0})  # what is below may be 0
((), '2.0 / math.sqrt(c)')
"""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping, Sequence
from typing import TypeGuard

__all__ = ["without_waiting"]

_DIVISION, _ROOT, _BY_STEPS = 9.0, 16.0, 10.0
"""Times of vectors of eight in multiply-adds (Zen 4; other processors' ratios are close)."""
_GAIN = 0.85
"""What is left of the time, at most, where the steps are taken."""
_SMALLEST = 1e-100
_FREE = frozenset({"abs", "copysign", "max", "min"})


def without_waiting(
    lines: Sequence[str], result: str, least: Mapping[str, float]
) -> tuple[tuple[str, ...], str]:
    """Replace the divisions of straight statements if their loop takes less time then.

    Args:
        lines: assignments.
        result: the expression that follows them.
        least: lower bounds, not below 0, of the names in scope; others may have any sign.

    Returns:
        The statements, as they were where helpers are called, where multiplications take the time,
        and where something is divided by what is not known to be positive.
    """
    statements = [*lines, f"return_ = {result}"]
    tree = ast.parse("\n".join(statements))
    if not _waits(tree):
        return tuple(lines), result
    bounds = dict(least)
    for statement in tree.body:
        if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], ast.Name):
            return tuple(lines), result
        for node in ast.walk(statement.value):
            if _divides(node) and not (_least(node.right, bounds) or 0.0) > _SMALLEST:
                return tuple(lines), result
        found = _least(statement.value, bounds)
        if found is not None:
            bounds.setdefault(statement.targets[0].id, found)
    *steps, last = (ast.unparse(_Steps().visit(statement)) for statement in tree.body)
    return tuple(steps), last.removeprefix("return_ = ")


def _waits(tree: ast.Module) -> bool:
    """Whether the steps save time; the same root is taken once."""
    work, divisions, roots = 0.0, 0, set[str]()
    for node in ast.walk(tree):
        if _divides(node):
            divisions += 1
        elif isinstance(node, ast.BinOp):
            work += 0.5
        elif isinstance(node, ast.Compare | ast.IfExp):
            work += 1.0
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func).rpartition(".")[2]
            if name == "sqrt":
                roots.add(ast.unparse(node))
            elif name not in _FREE:
                return False
    now = max(work, _ROOT * len(roots) + _DIVISION * divisions)
    return max(work + _BY_STEPS * divisions, _ROOT * len(roots)) <= _GAIN * now


def _divides(node: ast.AST) -> TypeGuard[ast.BinOp]:
    return (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Div)
        and not isinstance(node.right, ast.Constant)
    )


def _least(node: ast.expr, bounds: Mapping[str, float]) -> float | None:
    """A lower bound of what is never negative; None where that is not seen."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value) if node.value >= 0 else None
    if isinstance(node, ast.Name):
        return bounds.get(node.id)
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "math.sqrt":
        inner = _least(node.args[0], bounds)
        return None if inner is None else math.sqrt(inner)
    if not isinstance(node, ast.BinOp):
        return None
    left, right = _least(node.left, bounds), _least(node.right, bounds)
    if left is None or right is None:
        return None
    if isinstance(node.op, ast.Add):
        return left + right
    if isinstance(node.op, ast.Mult):
        return left * right
    if isinstance(node.op, ast.Pow) and isinstance(node.right, ast.Constant):
        return float(left**right)
    return None


class _Steps(ast.NodeTransformer):
    """Calls in place of divisions."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        """Replace one division, and those inside it."""
        self.generic_visit(node)
        if not _divides(node):
            return node
        return ast.Call(ast.Name("_divided", ast.Load()), [node.left, node.right], [])
