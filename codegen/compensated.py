"""Statements that carry what their roundings lack: a value as two doubles.

Every sum and product is evaluated with its own rounding error (`_fused`, `_multiplied`, `_sum`, by
fused multiply-adds), and the errors go on to the result by its derivatives: of the roundings of the
statements only their products are left. What a function of the C library rounds is not known, and
numbers are what they stand for as far as that is told.

Sources: T. Ogita, S. M. Rump & S. Oishi, SIAM J. Sci. Comput. 26 (2005) 1955, for compensated
sums; S. Boldo & J.-M. Muller, IEEE Trans. Comput. 60 (2011) 157, for the error of a fused step.

>>> code = compensated(["y = q * q"], "y - 1.0", ["q"])
>>> code.lines
('y, y_low = _multiplied(q, q)', 'high_2, error_2 = _sum(y, -1.0)', 'low_1 = error_2 + y_low')
>>> code.high, code.low
('high_2', 'low_1')
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

import sympy as sp

__all__ = ["Compensated", "compensated", "lacking"]
_STEP = re.compile(r"total = (total \* step [+-] )?-?([\d.e-]+)")
_SEEN = 2.0**-8
_WIDTH = 96


@dataclass(frozen=True)
class Compensated:
    """Statements, the value, and what it lacks; "" where it lacks nothing that is known."""

    lines: tuple[str, ...]
    high: str
    low: str


def compensated(
    lines: Iterable[str],
    result: str,
    taken: Iterable[str],
    lacks: Mapping[float, float] | None = None,
    kept: Container[int] | None = None,
    cut: Container[int] = frozenset(),
) -> Compensated:
    """The statements with the first order of what roundings make of the result.

    Args:
        lines: assignments, without branches.
        result: the expression of the value.
        taken: names that are in scope, exact.
        lacks: by the doubles of numbers, what those lack.
        kept: which statements keep their own roundings, by number, the result last; all, but for
            steps of series that are not seen, if not given.
        cut: which statements, but those, are taken for right whatever their operands lack.
    """
    tree = ast.parse("\n".join([*lines, result]))
    *assignments, last = tree.body
    words = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    writer = _Writer({*taken, *words}, lacks or {})
    if kept is None:
        kept = set(range(len(tree.body))) - _small_steps(assignments)
    for number, statement in enumerate(assignments):
        writer.keeps = number in kept
        assert isinstance(statement, ast.Assign)
        (target,) = statement.targets
        assert isinstance(target, ast.Name)
        writer.assign(target.id, statement.value, cut=number in cut and number not in kept)
    assert isinstance(last, ast.Expr)
    writer.keeps = len(assignments) in kept
    high, low = ast.unparse(last.value), ""
    if writer.keeps or writer.lacks_any(last.value):
        high, low = writer.write(last.value)
    lines = _needed(writer.lines, f"{high}, {low or high}")
    return Compensated(tuple(part for line in lines for part in _short(line)), high, low)


def _short(line: str) -> Iterator[str]:
    """The statement in parts, none longer than a line of code, with the same roundings."""
    name, value = _target(line), ast.parse(line.partition(" = ")[2], mode="eval").body
    if (
        len(line) <= _WIDTH
        or not isinstance(value, ast.BinOp)
        or name in _names(ast.unparse(value))
    ):
        yield line
        return
    yield from _short(f"{name} = {ast.unparse(value.left)}")
    yield f"{name} = {ast.unparse(ast.BinOp(ast.Name(name), value.op, value.right))}"


def _needed(lines: Sequence[str], result: str) -> tuple[str, ...]:
    """The lines that a result depends on: what a value lacks is not always passed on."""
    wanted = _names(result)
    found: list[str] = []
    for line in reversed(lines):
        targets = _names(_target(line))
        if targets & wanted:
            wanted = wanted - targets | _names(line.partition(" = ")[2])
            found.append(line)
    return tuple(reversed(found))


def _names(text: str) -> set[str]:
    return {n.id for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Name)}


def lacking(expr: sp.Expr) -> dict[float, float]:
    """What the doubles lack of the numbers in an expression, those of its products among them.

    >>> lacking(sp.Symbol("q") / 3)
    {0.3333333333333333: 1.850371707708594e-17, 3.0: 0.0}
    """
    found = {}
    for part in sp.preorder_traversal(expr):
        number = part
        if part.is_Mul and part.free_symbols:
            number = part.as_independent(*part.free_symbols, as_Add=False)[0]
        if number.is_number and number.is_real and number.is_finite:
            exact = abs(sp.Float(number.evalf(50), 50))
            high = float(exact)
            if high:
                found[high] = float((exact - sp.Float(high, 50)).evalf(30))
                if number.is_Rational:
                    found[float(abs(number.q))] = 0.0
    return found


def _small_steps(assignments: Sequence[ast.stmt]) -> set[int]:
    """The first steps of Horner's rule for series, where nothing near the largest number is seen.

    A series is `total` in powers of a `step` that is 1 at most: what its steps round is in
    proportion to the numbers that have been added.
    """
    found: set[int] = set()
    run: list[tuple[int, float]] = []
    for number, statement in enumerate([*assignments, ast.Pass()]):
        text = ast.unparse(statement)
        step = _STEP.fullmatch(text)
        if not (step and step[1] and run):
            sizes = list(accumulate(size for _, size in run))
            least = _SEEN * max((size for _, size in run), default=0.0)
            found |= {n for (n, _), size in zip(run, sizes, strict=True) if size < least}
            run = []
        if step:
            run.append((number, float(step[2])))
    return found


class _Writer:
    """Statements under way; a value is its text and that of what it lacks, "" for nothing."""

    def __init__(self, taken: set[str], lacks: Mapping[float, float]) -> None:
        self._taken, self._lacks = taken, lacks
        self._lows: dict[str, str] = {}
        self.lines: list[str] = []
        self.keeps = True

    def lacks_any(self, value: ast.expr) -> bool:
        """Whether any name in an expression lacks something."""
        names = {node.id for node in ast.walk(value) if isinstance(node, ast.Name)}
        return any(self._lows.get(name) for name in names)

    def assign(self, name: str, value: ast.expr, *, cut: bool) -> None:
        """Write an assignment: the value and what it lacks take the name and its companion."""
        if cut or (not self.keeps and not self.lacks_any(value)):
            self._lows[name] = ""
            self.lines.append(f"{name} = {ast.unparse(value)}")
            return
        start = len(self.lines)
        high, low = self.write(value)
        named = self._lows.get(name) or (self._fresh(f"{name}_low") if low else "")
        self._called(high, name, start)
        if low:
            self._called(low, named, start)
        self._lows[name] = named if low else ""

    def _called(self, text: str, name: str, start: int) -> None:
        """Give a value of the lines from some on a name, where that has no other use after it."""
        word = re.compile(rf"\b{text}\b" if text.isidentifier() else r"\Z")
        made = [n for n in range(start, len(self.lines)) if word.search(_target(self.lines[n]))]
        old = re.compile(rf"\b{name}\b")
        if not text.isidentifier() or not made or any(map(old.search, self.lines[made[0] + 1 :])):
            self.lines.append(f"{name} = {text}")
            return
        self.lines[made[0] :] = [word.sub(name, line) for line in self.lines[made[0] :]]

    def write(self, node: ast.expr) -> tuple[str, str]:
        """The value of an expression, after the lines that it needs."""
        match node:
            case ast.Name(id=name):
                return name, self._lows.get(name, "")
            case ast.Constant(value=float(number)):
                lack = self._lacks.get(number, 0.0) if self.keeps else 0.0
                return repr(number), repr(lack) if lack else ""
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                high, low = self.write(operand)
                return _minus(high), _minus(low)
            case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as op, right=right):
                return self._sum(left, right, "-" if isinstance(op, ast.Sub) else "")
            case ast.BinOp(left=left, op=ast.Mult(), right=right):
                return self._product(self.write(left), self.write(right))
            case ast.BinOp(left=left, op=ast.Div(), right=right):
                return self._quotient(self.write(left), self.write(right))
            case ast.BinOp(left=base, op=ast.Pow(), right=ast.Constant(value=int(times))):
                one = self.write(base)
                power = one
                for _ in range(times - 1):
                    power = self._product(power, one)
                return power
            case ast.IfExp(test=test, body=body, orelse=other):
                return self._choice(ast.unparse(test), self.write(body), self.write(other))
            case ast.Call(func=ast.Attribute(attr="sqrt"), args=[inner]):
                return self._root(self.write(inner))
            case ast.Call(func=function, args=arguments):
                values = [self.write(argument)[0] for argument in arguments]
                return f"{ast.unparse(function)}({', '.join(values)})", ""
            case ast.Compare() | ast.BinOp(op=ast.BitOr() | ast.BitAnd()):
                return ast.unparse(node), ""
        raise NotImplementedError(f"no rule for what {ast.unparse(node)} rounds")

    def _sum(self, left: ast.expr, right: ast.expr, sign: str) -> tuple[str, str]:
        """A sum, one rounding for it and a product in it."""
        for product, other, signs in ((left, right, ("", sign)), (right, left, (sign, ""))):
            match product:
                case ast.BinOp(left=one, op=ast.Mult(), right=two):
                    a, b, rest = self.write(one), self.write(two), self.write(other)
                    a = _minus(a[0]) if signs[0] else a[0], _minus(a[1]) if signs[0] else a[1]
                    rest = (_minus(rest[0]), _minus(rest[1])) if signs[1] else rest
                    plain = f"{_factor(a[0])} * {_factor(b[0])} + {rest[0]}"
                    high, error = self._pair(plain, f"_fused({a[0]}, {b[0]}, {rest[0]})")
                    return self._with(high, error, (a[1], b[0]), (b[1], a[0]), (rest[1], ""))
        a, b = self.write(left), self.write(right)
        second = _minus(b[0]) if sign else b[0]
        high, error = self._pair(f"{a[0]} + {second}", f"_sum({a[0]}, {second})")
        return self._with(high, error, (a[1], ""), (_minus(b[1]) if sign else b[1], ""))

    def _product(self, a: tuple[str, str], b: tuple[str, str]) -> tuple[str, str]:
        if _is_number(a[0]) and _is_number(b[0]):
            return repr(float(a[0]) * float(b[0])), ""
        if _is_exact(a[0]) or _is_exact(b[0]):
            high, error = self._name(f"{_factor(a[0])} * {_factor(b[0])}"), ""
        else:
            plain = f"{_factor(a[0])} * {_factor(b[0])}"
            high, error = self._pair(plain, f"_multiplied({a[0]}, {b[0]})")
        return self._with(high, error, (a[1], b[0]), (b[1], a[0]))

    def _quotient(self, a: tuple[str, str], b: tuple[str, str]) -> tuple[str, str]:
        if _is_number(b[0]) and _is_exact(b[0]):
            return self._product(a, (repr(1.0 / float(b[0])), ""))
        below = self._name(b[0])
        high = self._name(f"{_factor(a[0])} / {below}")
        own = f"_fma(-{high}, {below}, {a[0]})" if self.keeps else ""
        rest = _added([own, a[1], b[1] and f"-{high} * {b[1]}"])
        if not rest:
            return high, ""
        if _is_number(a[0]):
            inverse = f"({high} * {1.0 / float(a[0])!r})"
            return high, self._name(f"{_factor(rest)} * {inverse}", "low")
        return high, self._name(f"{_factor(rest)} / {below}", "low")

    def _root(self, a: tuple[str, str]) -> tuple[str, str]:
        inside = self._name(a[0])
        high = self._name(f"math.sqrt({inside})")
        own = f"_fma(-{high}, {high}, {inside})" if self.keeps else ""
        rest = _added([own, a[1]])
        if not rest:
            return high, ""
        return high, self._name(f"0.5 * {_factor(rest)} / {high}", "low")

    def _choice(self, test: str, a: tuple[str, str], b: tuple[str, str]) -> tuple[str, str]:
        high = self._name(f"{a[0]} if {test} else {b[0]}")
        if not a[1] and not b[1]:
            return high, ""
        return high, self._name(f"{a[1] or '0.0'} if {test} else {b[1] or '0.0'}", "low")

    def _with(self, high: str, error: str, *shares: tuple[str, str]) -> tuple[str, str]:
        """What a value lacks: its own rounding, and what its operands lack times a factor each."""
        terms = [f"{low} * {factor}" if factor else low for low, factor in shares if low]
        text = _added([error, *terms])
        return high, self._name(text, "low") if terms else text

    def _pair(self, plain: str, call: str) -> tuple[str, str]:
        """The value of a sum or product, with its own rounding if that is kept."""
        if not self.keeps:
            return self._name(plain.replace("+ -", "- ")), ""
        high, error = self._fresh("high", True), self._fresh("error", True)
        self.lines.append(f"{high}, {error} = {call}")
        return high, error

    def _name(self, text: str, stem: str = "high") -> str:
        """A name for an expression, unless it is one or a number."""
        if text.isidentifier() or _is_number(text):
            return text
        name = self._fresh(stem, True)
        self.lines.append(f"{name} = {text}")
        return name

    def _fresh(self, stem: str, numbered: bool = False) -> str:
        number = 1
        name = f"{stem}_1" if numbered else stem
        while name in self._taken:
            number += 1
            name = f"{stem}_{number}"
        self._taken.add(name)
        return name


def _target(line: str) -> str:
    return line.partition(" = ")[0]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_exact(text: str) -> bool:
    """Whether it is a power of two, by which nothing is rounded."""
    return _is_number(text) and abs(math.frexp(float(text))[0]) == 0.5


def _minus(text: str) -> str:
    if not text:
        return ""
    if text.startswith("-") and (text[1:].isidentifier() or _is_number(text[1:])):
        return text[1:]
    return f"-{text}" if text.isidentifier() or _is_number(text) else f"-({text})"


def _factor(text: str) -> str:
    """A value in brackets where it is a sum."""
    return f"({text})" if isinstance(ast.parse(text, mode="eval").body, ast.BinOp) else text


def _added(terms: Iterable[str]) -> str:
    return " + ".join(term for term in terms if term).replace("+ -", "- ")
