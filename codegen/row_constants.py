"""What a kernel holds of parameters alone: the same for a whole row, if they are numbers.

Products of parameters are put into a function of their own. There they are rounded by themselves,
whether a loop computes them once or with every q; where they stood, they could be fused with a sum
in one case and not in the other, and the last bit would depend on it.

>>> parted = row_constants(["a = 2.0 * alpha**2 + q"], "a * alpha**2", ["alpha"])
>>> parted.constants
(('constant_1', '2.0 * alpha ** 2'), ('constant_2', 'alpha ** 2'))
>>> parted.lines, parted.result
(('a = constant_1 + q',), 'a * constant_2')
>>> row_constants([], "_exp(alpha) * q", ["alpha"]) is None
True
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count

__all__ = ["Parted", "row_constants"]

_ROUNDED = (ast.Mult, ast.Div, ast.Pow)


@dataclass(frozen=True)
class Parted:
    """Names and texts of the constants, and the statements in which the names stand for them."""

    constants: tuple[tuple[str, str], ...]
    lines: tuple[str, ...]
    result: str


def row_constants(lines: Iterable[str], result: str, names: Sequence[str]) -> Parted | None:
    """Part statements into what depends on some arguments alone and the rest.

    Args:
        lines: assignments.
        result: the expression that follows them.
        names: the arguments.

    Returns:
        The parts; None where functions are called with these arguments alone: what is inside of
        them would have to be kept apart as well.
    """
    if not names:
        return None
    tree = ast.parse("\n".join([*lines, f"return_ = {result}"]))
    there = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    taker = _Taker(names, there)
    statements = []
    for statement in tree.body:
        if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], ast.Name):
            return None
        if any(isinstance(n, ast.Call) and taker.is_fixed(n) for n in ast.walk(statement)):
            return None
        statement.value = taker.visit(statement.value)
        statements.append(ast.unparse(statement))
        if taker.is_fixed(statement.value):
            taker.names.add(statement.targets[0].id)
    *rest, last = statements
    constants = tuple((name, text) for text, name in taker.taken.items())
    return Parted(constants, tuple(rest), last.removeprefix("return_ = "))


class _Taker(ast.NodeTransformer):
    """Names in place of the largest products of given names, and what the names stand for."""

    def __init__(self, names: Sequence[str], there: set[str]) -> None:
        self.names, self.taken = set(names), dict[str, str]()
        self._fresh = (name for k in count(1) if (name := f"constant_{k}") not in there)

    def is_fixed(self, node: ast.expr) -> bool:
        """Whether it has names, and given ones alone; the function of a call is not asked."""
        inner = [*node.args] if isinstance(node, ast.Call) else [node]
        found = {n.id for part in inner for n in ast.walk(part) if isinstance(n, ast.Name)}
        return bool(found) and found <= self.names

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        """Take it if it is fixed and rounds a product, or what is inside of it."""
        if not self.is_fixed(node):
            self.generic_visit(node)
            return node
        if not any(isinstance(n, _ROUNDED) for n in ast.walk(node)):
            return node
        text = ast.unparse(node)
        if text not in self.taken:
            self.taken[text] = next(self._fresh)
            self.names.add(self.taken[text])
        return ast.Name(self.taken[text], ast.Load())
