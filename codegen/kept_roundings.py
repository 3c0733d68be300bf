"""Which roundings a code has to keep, so that all the others together are small in its result.

A rounding of a statement makes at most half an ULP of its value, and by the derivative of the
result some share of the result. Roundings are as good as independent: the root of the sum of their
squares, times `_DEEP`, is what hardly a point exceeds, whatever a compiler fuses. Of the statements
that have most in it at the worst of many points the one is kept, as two doubles, that costs least
for it; until it is small everywhere.

>>> code = DualCode(("less = c - 1.0", "square = less * less"), "square * q", "")
>>> point = {"q": 1.0, "c": 0.3}
>>> kept_roundings(code, [point], [0.49 * 2.0**-54], 4.0).lines[0]
'less, less_low = _sum(c, -1.0)'
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from freejac.codegen.compensated import compensated
from freejac.codegen.dual_spec import DualCode
from freejac.codegen.operations import cost
from freejac.codegen.points import Point

__all__ = ["kept_roundings"]

_SHIFT = 2.0**-20
_ROUNDING = 2.0**-53
_DEEP = 2.4
_SEEN = 0.5
"""What half an ULP of its operands makes of the result by a statement at most, in units, if what
those lack is not passed on."""
_FACTORS = (1.0, 1.618, 0.447, 2.236, 0.764)
"""By these multiples of a shift operands are moved: moves do not cancel."""


def kept_roundings(
    code: DualCode, points: Sequence[Point], units: Sequence[float], bound: float
) -> DualCode:
    """The code with as many roundings kept as make the bound hold.

    Args:
        code: straight statements.
        points: where it is held.
        units: what an error is measured in at each point.
        bound: what the error is to be below, in units.
    """
    squares, cut = _shares(code, points, units)
    count = len(squares)

    def error(kept: set[int], place: int) -> float:
        return _DEEP * math.sqrt(sum(row[place] for k, row in enumerate(squares) if k not in kept))

    def text(kept: set[int]) -> DualCode:
        names = list(points[0])
        new = compensated(code.lines, code.result, names, code.lacks, kept, cut)
        result = f"{new.high} + {new.low}".replace("+ -", "- ") if new.low else new.high
        return replace(code, lines=new.lines, result=result)

    def price(kept: set[int]) -> float:
        new = text(kept)
        return cost(new.lines, new.result)

    places = range(len(points))
    if max(error(set(), place) for place in places) <= bound:
        return code
    prices = [max(price({k}) - price(set()), 0.5) for k in range(count)]
    kept: set[int] = set()
    while len(kept) < count:
        place = max(places, key=lambda place: error(kept, place))
        left = [k for k in range(count) if k not in kept and squares[k][place] > 0.0]
        if error(kept, place) <= bound or not left:
            break
        kept.add(max(left, key=lambda k: squares[k][place] / prices[k]))
    for k in sorted(kept, key=lambda k: -prices[k]):
        if all(error(kept - {k}, place) <= bound for place in places):
            kept.remove(k)
    return text(kept)


def _shares(
    code: DualCode, points: Sequence[Point], units: Sequence[float]
) -> tuple[list[list[float]], set[int]]:
    """Squares of what the roundings of the statements make at every point; the result comes last.

    Returns:
        Them, and the statements that need not pass on what their operands lack.
    """
    statements = [*code.lines, f"result = {code.result}"]
    counts = [_roundings(line) for line in statements]
    body = "".join(
        f"    {_moved(line, k)}\n" + (f"    {name} = {name} * w[{k}]\n" if count else "")
        for k, (line, count) in enumerate(zip(statements, counts, strict=True))
        for name in [line.partition(" = ")[0]]
    )
    space: dict[str, Any] = {"math": math}
    head = f"def value(w, s, {', '.join(points[0])}):\n"
    exec(compile(f"{head}{body}    return result", "dual", "exec"), space)
    ones, zeros = [1.0] * len(statements), [0.0] * len(statements)
    exact = [space["value"](ones, zeros, *point.values()) for point in points]

    def changes(own: Sequence[float], operands: Sequence[float]) -> list[float]:
        return [
            abs(space["value"](own, operands, *point.values()) - old) / (_SHIFT * unit) * _ROUNDING
            for point, old, unit in zip(points, exact, units, strict=True)
        ]

    squares, cut = [], set[int]()
    for k, count in enumerate(counts):
        own = changes([*ones[:k], 1.0 - _SHIFT, *ones[k + 1 :]], zeros) if count else []
        squares.append([count * share**2 for share in own] or [0.0] * len(points))
        if count and k < len(code.lines):
            passed = changes(ones, [*zeros[:k], -_SHIFT, *zeros[k + 1 :]])
            if max(passed) <= _SEEN:
                cut.add(k)
    return squares, cut


def _moved(line: str, number: int) -> str:
    """A statement whose operands are moved by shares of `s[number]`."""
    tree = ast.parse(line)
    (assignment,) = tree.body
    assert isinstance(assignment, ast.Assign)
    called = {n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    names = {n.id for n in ast.walk(assignment.value) if isinstance(n, ast.Name)}
    order = sorted(names - called - {"math"})
    text = ast.unparse(assignment.value)
    for name, factor in zip(order, _FACTORS * len(order), strict=False):
        text = re.sub(rf"\b{name}\b", f"({name} * (1.0 + {factor} * s[{number}]))", text)
    return f"{line.partition(' = ')[0]} = {text}"


def _roundings(line: str) -> int:
    """How often a statement rounds; a product in a sum is taken to be fused with it."""
    count = 0
    for node in ast.walk(ast.parse(line)):
        if isinstance(node, ast.BinOp):
            sides = (node.left, node.right)
            if isinstance(node.op, ast.Pow):
                count += int(node.right.value) - 1 if isinstance(node.right, ast.Constant) else 1
            elif isinstance(node.op, (ast.Add, ast.Sub)):
                count += 1 - any(map(_is_product, sides))
            elif isinstance(node.op, (ast.Mult, ast.Div)):
                count += not any(map(_is_exact, sides))
        elif isinstance(node, ast.Call):
            count += ast.unparse(node.func) == "math.sqrt"
    return count


def _is_product(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Mult)
        and not any(map(_is_exact, (node.left, node.right)))
    )


def _is_exact(node: ast.expr) -> bool:
    value = node.value if isinstance(node, ast.Constant) else None
    return isinstance(value, float) and abs(math.frexp(value)[0]) == 0.5
