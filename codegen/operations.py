"""What one evaluation of a kernel costs, counted in its statements.

>>> counted(["root = math.sqrt(q)", "y = 2.0 * root + 1.0"], "y / q")
'2 + 1 div + 1 sqrt'
>>> counted(["e = _exp(-q)"], "e ** 2 * abs(q)")
'2 + 1 call'
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

from freejac.codegen.filling import helper_text

__all__ = ["ROOT", "cost", "counted"]

_DIVISION, ROOT, _CALL = 8.0, 12.0, 100.0
"""Times in a vectorised loop, in fused multiply-adds; a call is one of the C library's."""

_EXACT = {"_fma": 2, "_multiplied": 3, "_sum": 6, "_fused": 7}
"""Additions and multiplications of sums and products with their rounding errors."""
_FREE = frozenset({"abs", "copysign", "min", "max", "view", "float64", "int64"})
_PLAIN = (ast.Add, ast.Sub, ast.Mult, ast.Pow)


def counted(lines: Iterable[str], result: str) -> str:
    """Count additions and multiplications, then divisions, roots, and calls of other functions.

    Args:
        lines: assignments.
        result: the expression that follows them.

    Returns:
        The counts as text; selections, comparisons and signs are free.
    """
    counts: Counter[str] = Counter()
    for node in ast.walk(ast.parse("\n".join([*lines, result]))):
        if isinstance(node, ast.BinOp):
            counts["div" if isinstance(node.op, ast.Div) else _kind(node)] += 1
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func).rpartition(".")[2]
            kind = {"sqrt": "sqrt", "_divided": "div"}.get(name, "call")
            kind = "plain" if name in _EXACT else kind
            counts["" if name in _FREE else kind] += _EXACT.get(name, 1)
    parts = [str(counts["plain"])]
    parts += [f"{counts[kind]} {kind}" for kind in ("div", "sqrt", "call") if counts[kind]]
    return " + ".join(parts)


def cost(lines: Iterable[str], result: str) -> float:
    """About the time of one evaluation in a vectorised loop, in multiply-adds.

    Two additions or multiplications are taken for one fused operation, the same root is taken once,
    and a helper costs what its body does.

    Args:
        lines: assignments.
        result: the expression that follows them.

    >>> cost(["y = 2.0 * q + 1.0"], "y / math.sqrt(y) + math.sqrt(y)")
    21.5
    """
    return _cost(ast.parse("\n".join([*lines, result])))


def _cost(tree: ast.AST) -> float:
    total, roots = 0.0, set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp):
            constant = isinstance(node.left, ast.Constant) and isinstance(node.right, ast.Constant)
            divides = isinstance(node.op, ast.Div) and not isinstance(node.right, ast.Constant)
            total += 0.0 if constant else _DIVISION if divides else 0.5
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func).rpartition(".")[2]
            if name == "sqrt":
                roots.add(ast.unparse(node))
            elif name in _EXACT:
                total += 0.5 * _EXACT[name]
            elif name not in _FREE:
                total += _helper_cost(name)
    return total + ROOT * len(roots)


@lru_cache(maxsize=128)
def _helper_cost(name: str) -> float:
    text = helper_text(name)
    bodies = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    if not bodies:
        return _CALL
    return sum(_cost(statement) for body in bodies for statement in body.body)


def _kind(node: ast.BinOp) -> str:
    return "plain" if isinstance(node.op, _PLAIN) else ""
