"""Which roundings a code has to keep, so that all the others together are small in its result.

A rounding of a statement makes at most half an ULP of its value, and by the derivative of the
result some share of the result. Roundings are as good as independent: their sum, and where they
are many the root of the sum of their squares, times `_DEEP`, is what hardly a point exceeds. Of the
statements that have most in it at the worst of many points the one is kept, as two doubles, that
costs least for it; until it is small everywhere.

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
from itertools import count as counted
from typing import Any

from freejac.codegen.compensated import compensated
from freejac.codegen.dual_spec import DualCode
from freejac.codegen.operations import cost
from freejac.codegen.points import Point

__all__ = ["kept_roundings"]

_SHIFT = 2.0**-20
_ROUNDING = 2.0**-53
_DEEP = 2.1
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
    whole, code = code, _one_by_one(code)
    shares, cut = _shares(code, points, units)
    number = len(shares)

    def error(kept: set[int], place: int) -> float:
        left = [(n, row[place]) for k, (n, row) in enumerate(shares) if k not in kept]
        together = math.sqrt(sum(n * share**2 for n, share in left))
        return min(_DEEP * together, sum(n * share for n, share in left))

    def own(k: int, place: int) -> float:
        count, row = shares[k]
        return count * row[place] ** 2

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
        return whole
    prices = [max(price({k}) - price(set()), 0.5) for k in range(number)]
    kept: set[int] = set()
    while len(kept) < number:
        place = max(places, key=lambda place: error(kept, place))
        left = [k for k in range(number) if k not in kept and own(k, place)]
        if error(kept, place) <= bound or not left:
            break
        kept.add(max(left, key=lambda k: own(k, place) / prices[k]))
    for k in sorted(kept, key=lambda k: -prices[k]):
        if all(error(kept - {k}, place) <= bound for place in places):
            kept.remove(k)
    return text(kept) if kept else whole


def _one_by_one(code: DualCode) -> DualCode:
    """The code with a statement for everything that is rounded; products in sums are fused."""
    taken = {n.id for n in ast.walk(ast.parse(code.text)) if isinstance(n, ast.Name)}
    lines: list[str] = []

    def named(node: ast.expr) -> ast.expr:
        node = opened(node)
        if not _roundings(ast.unparse(node)):
            return node
        name = next(f"value_{k}" for k in counted(1) if f"value_{k}" not in taken)
        taken.add(name)
        lines.append(f"{name} = {ast.unparse(node)}")
        return ast.Name(name)

    def opened(node: ast.expr) -> ast.expr:
        match node:
            case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as op, right=right):
                first, second = (opened(s) if _is_product(s) else named(s) for s in (left, right))
                both = _is_product(first) and _is_product(second)
                return ast.BinOp(first, op, named(second) if both else second)
            case ast.BinOp(left=left, op=op, right=right):
                return ast.BinOp(named(left), op, named(right))
            case ast.UnaryOp(op=op, operand=operand):
                return ast.UnaryOp(op, named(operand))
            case ast.IfExp(test=test, body=body, orelse=other):
                return ast.IfExp(test, named(body), named(other))
            case ast.Call(func=function, args=arguments):
                return ast.Call(function, [named(a) for a in arguments], [])
        return node

    for line in code.lines:
        (statement,) = ast.parse(line).body
        assert isinstance(statement, ast.Assign)
        text = ast.unparse(opened(statement.value))
        lines.append(f"{line.partition(' = ')[0]} = {text}")
    result = ast.unparse(opened(ast.parse(code.result, mode="eval").body))
    return replace(code, lines=tuple(lines), result=result)


def _shares(
    code: DualCode, points: Sequence[Point], units: Sequence[float]
) -> tuple[list[tuple[int, list[float]]], set[int]]:
    """How often a statement rounds, and what that makes at every point; the result comes last.

    Returns:
        Them, and the statements that need not pass on what their operands lack.
    """
    statements = [*code.lines, f"result = {code.result}"]
    counts = [_roundings(line) for line in statements]
    body = "".join(
        f"    {_moved(line, k)}\n" + (f"    {name} = {name} * own_[{k}]\n" if count else "")
        for k, (line, count) in enumerate(zip(statements, counts, strict=True))
        for name in [line.partition(" = ")[0]]
    )
    space: dict[str, Any] = {"math": math}
    head = f"def value(own_, moves_, {', '.join(points[0])}):\n"
    exec(compile(f"{head}{body}    return result", "dual", "exec"), space)
    ones, zeros = [1.0] * len(statements), [0.0] * len(statements)
    exact = [space["value"](ones, zeros, *point.values()) for point in points]

    def changes(own: Sequence[float], operands: Sequence[float]) -> list[float]:
        return [
            abs(space["value"](own, operands, *point.values()) - old) / (_SHIFT * unit) * _ROUNDING
            for point, old, unit in zip(points, exact, units, strict=True)
        ]

    shares, cut = [], set[int]()
    for k, count in enumerate(counts):
        own = changes([*ones[:k], 1.0 - _SHIFT, *ones[k + 1 :]], zeros) if count else []
        if statements[k] == "up = 1.0 - size":  # exact from 1/2 on
            own = [0.0 if abs(p["c"]) >= 0.5 else one for p, one in zip(points, own, strict=True)]
        shares.append((count, own or [0.0] * len(points)))
        if count and k < len(code.lines):
            passed = changes(ones, [*zeros[:k], -_SHIFT, *zeros[k + 1 :]])
            if max(passed) <= _SEEN:
                cut.add(k)
    return shares, cut


def _moved(line: str, number: int) -> str:
    """A statement whose operands are moved by shares of `moves_[number]`."""
    tree = ast.parse(line)
    (assignment,) = tree.body
    assert isinstance(assignment, ast.Assign)
    called = {
        n.func.id
        for n in ast.walk(tree)
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
    }
    names = {n.id for n in ast.walk(assignment.value) if isinstance(n, ast.Name)}
    order = sorted(names - called - {"math"})
    text = ast.unparse(assignment.value)
    for name, factor in zip(order, _FACTORS * len(order), strict=False):
        text = re.sub(rf"\b{name}\b", f"({name} * (1.0 + {factor} * moves_[{number}]))", text)
    return f"{line.partition(' = ')[0]} = {text}"


def _roundings(line: str) -> int:
    """How often a statement rounds; a product in a sum is taken to be fused with it."""
    count = 0
    for node in ast.walk(ast.parse(line)):
        if isinstance(node, ast.BinOp):
            sides = (node.left, node.right)
            if isinstance(node.op, ast.Pow):
                count += int(ast.unparse(node.right)) - 1
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
    """Whether it is a power of two, by which nothing is rounded."""
    node = node.operand if isinstance(node, ast.UnaryOp) else node
    value = node.value if isinstance(node, ast.Constant) else None
    return isinstance(value, float) and abs(math.frexp(value)[0]) == 0.5
