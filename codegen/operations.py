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

__all__ = ["counted"]

_FREE = frozenset({"abs", "min", "max", "view", "float64", "int64"})
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
            counts["sqrt" if name == "sqrt" else "" if name in _FREE else "call"] += 1
    parts = [str(counts["plain"])]
    parts += [f"{counts[kind]} {kind}" for kind in ("div", "sqrt", "call") if counts[kind]]
    return " + ".join(parts)


def _kind(node: ast.BinOp) -> str:
    return "plain" if isinstance(node.op, _PLAIN) else ""
