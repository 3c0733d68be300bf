"""An expression as a few short statements: shared parts named once, long lines split.

>>> import sympy as sp
>>> a = sp.Symbol("a", positive=True)
>>> block = statements(sp.exp(-a) / (1 + sp.exp(-a)) ** 2, taken=["a"])
>>> block.lines, block.result
(('exp_1 = _exp(-a)',), 'exp_1 / (1.0 + exp_1) ** 2')
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sympy as sp
from sympy.functions.elementary.piecewise import ExprCondPair
from sympy.logic.boolalg import Boolean

from freejac.codegen.functions import AtanRatio, Cos1m
from freejac.codegen.horner import SHORT, quotient_lines
from freejac.codegen.printer import source
from freejac.codegen.quotient import Quotient
from freejac.symbolic.bivariate_normal import OwenT, Phi2
from freejac.symbolic.functions import Phi, sigmoid, softplus
from freejac.symbolic.scaled import dawson, erfcx
from freejac.symbolic.symbols import q
from freejac.symbolic.voigt import VoigtK, VoigtL

__all__ = ["LINE", "Block", "statements"]

LINE = 84
"""Longest line of a function's body, without its indentation."""
_FEW = 3
"""The most terms of a quotient that take Horner's rule where its roundings are seen whole."""
_STEMS: dict[type, str] = {
    AtanRatio: "angle",
    Cos1m: "versine",
    OwenT: "wedge",
    Phi: "cdf",
    Phi2: "cdf",
    VoigtK: "voigt",
    VoigtL: "voigt",
    dawson: "dawson",
    erfcx: "tail",
    sigmoid: "logistic",
    softplus: "plus",
    sp.Add: "sum",
    sp.Mul: "term",
    sp.acos: "angle",
    sp.asin: "angle",
    sp.atan: "angle",
    sp.erf: "erf",
    sp.erfc: "tail",
    sp.exp: "exp",
    sp.log: "log",
    sp.tanh: "tanh",
}


@dataclass(frozen=True)
class Block:
    """Assignments in order, and the expression of the result."""

    lines: tuple[str, ...]
    result: str


def statements(expr: sp.Expr, *, taken: Iterable[str], width: int = LINE) -> Block:
    """Write an expression as assignments of at most `width` characters and a result.

    Args:
        expr: what `printer.source` prints.
        taken: names that the assignments must not use.
        width: longest line, without indentation.

    Returns:
        The block. It depends on the expression alone: same text on every machine.
    """
    return _Writer(taken, width).write(expr)


class _Writer:
    def __init__(self, taken: Iterable[str], width: int) -> None:
        self._taken = set(taken)
        self._width = width
        self._lines: list[str] = []
        self._named: dict[sp.Expr, sp.Symbol] = {}

    def write(self, expr: sp.Expr) -> Block:
        expr = expr.replace(sp.atan, AtanRatio.of)
        quotients = sorted(expr.atoms(Quotient), key=sp.default_sort_key)
        sums = expr.atoms(sp.Add)
        expr = expr.xreplace(
            {part: self._quotient(part, any(s.has(part) for s in sums)) for part in quotients}
        )
        counts: Counter[sp.Expr] = Counter()
        _count(expr, counts)
        repeated = {part for part, times in counts.items() if times > 1 and _is_work(part)}
        result = self._shorten(self._share(expr, repeated))
        return Block(tuple(self._lines), source(result))

    def _quotient(self, part: Quotient, added: bool) -> sp.Symbol:
        """Write the lines of a quotient of polynomials, and name it.

        Polynomials beside √(1 + aq) are in q: the rounding of 1 + aq is not in them. Where such a
        quotient is not added to anything, its roundings are seen whole, and follow in fewer steps.
        """
        v, short = part.args[0], SHORT
        sides: tuple[Sequence[sp.Expr], Sequence[sp.Expr]] = (part.above, part.below)
        name = self._fresh("quotient")
        if v.is_Pow and v.base.is_Add:
            v, sides = _in_symbol(v, *sides)
            short = SHORT if added else _FEW
        square = q.name
        if v.is_Pow and v.base.args and v.base not in self._named:
            self._named[v.base] = self._assign(v.base)
        if v.args and v not in self._named:
            self._named[v] = self._assign(v.xreplace(self._named))
        root = self._named.get(v, v)
        if not v.is_Pow:
            square = self._fresh("square")
            self._lines.append(f"{square} = {root} * {root}")
        elif not v.base.is_Add:
            square = source((v**2).xreplace(self._named))
        names = self._fresh("above"), self._fresh("below")
        above, below = ([repr(float(c)) for c in side] for side in sides)
        self._lines += quotient_lines(names, (above, below), root.name, square, f"{name}_", short)
        self._lines.append(f"{name} = {names[0]} / {names[1]}")
        return sp.Symbol(name, real=True)

    def _share(self, expr: sp.Expr, repeated: set[sp.Expr]) -> sp.Expr:
        """Replace repeated parts by names, innermost first."""
        if expr in self._named:
            return self._named[expr]
        if not expr.args:
            return expr
        parts = [self._share(part, repeated) for part in _ordered(expr)]
        rebuilt = expr.func(*parts)
        if expr in repeated:
            self._named[expr] = self._assign(rebuilt)
            return self._named[expr]
        return rebuilt

    def _shorten(self, expr: sp.Expr) -> sp.Expr:
        """Name parts until the text of what remains fits on a line."""
        while len(source(expr)) > self._width:
            parts = _ordered(expr)
            if isinstance(expr, (sp.Add, sp.Mul)) and len(parts) > 3:
                half = len(parts) // 2
                first = self._assign(expr.func(*parts[:half]))
                expr = expr.func(first, *parts[half:])
            else:
                longest = max(parts, key=lambda part: len(source(part)))
                name = self._assign(longest)
                if name == longest:  # a long name; nothing is left to split
                    break
                expr = expr.func(*(name if part is longest else part for part in parts))
        return expr

    def _assign(self, expr: sp.Expr) -> sp.Symbol:
        short = self._shorten(expr)
        if short.is_Symbol:
            return short
        name = self._fresh(_stem(expr))
        self._lines.append(f"{name} = {source(short)}")
        return sp.Symbol(name, real=True, **({"nonnegative": True} if expr.is_nonnegative else {}))

    def _fresh(self, stem: str) -> str:
        number = 1
        while f"{stem}_{number}" in self._taken:
            number += 1
        self._taken.add(f"{stem}_{number}")
        return f"{stem}_{number}"


def _in_symbol(
    root: sp.Expr, above: Sequence[sp.Expr], below: Sequence[sp.Expr]
) -> tuple[sp.Expr, tuple[Sequence[sp.Expr], Sequence[sp.Expr]]]:
    """Polynomials in √(1 + aq) as even and odd parts in q, beside √(1/a + q) where 1/a is a double.

    That root waits for an addition alone, which is done beside multiplications. So is the first
    one of the sum that begins with 1: all are divided by the last coefficient below.
    """
    ratio = root.base.coeff(q, 1)
    factor = sp.sqrt(ratio) if ratio.is_Rational and not ratio.p & (ratio.p - 1) else sp.S.One

    def moved(side: Sequence[sp.Expr]) -> list[sp.Expr]:
        found = list(side)
        for first, scale in ((0, sp.S.One), (1, factor)):
            part = side[first::2]
            whole = sp.Poly(sum(c * root.base**k for k, c in enumerate(part)), q)
            found[first::2] = [scale * whole.coeff_monomial(q**k) for k in range(len(part))]
        return found

    sides = moved(above), moved(below)
    unit = sides[1][-1]
    over, under = ([(c / unit).evalf(40) for c in side] for side in sides)
    return sp.sqrt(sp.expand(root.base / factor**2)), (over, under)


def _count(expr: sp.Expr, counts: Counter[sp.Expr]) -> None:
    counts[expr] += 1
    # Parts of a repeated part are shared through it.
    if counts[expr] == 1:
        for part in expr.args:
            _count(part, counts)


def _is_work(expr: sp.Expr) -> bool:
    """Tell whether naming the part saves work: a function, a root, or a longer product or sum."""
    if not expr.args or expr.is_number or expr.is_Relational or isinstance(expr, sp.Tuple):
        return False
    if expr.is_Pow:
        return not (expr.exp.is_Integer and (expr.base.is_Symbol or expr.base.is_number))
    if expr.is_Mul:
        return sum(1 for factor in expr.args if not factor.is_number) > 1
    return not isinstance(expr, (ExprCondPair, Boolean))


def _ordered(expr: sp.Expr) -> list[sp.Expr]:
    if isinstance(expr, (sp.Add, sp.Mul, sp.Max, sp.Min)):
        return sorted(expr.args, key=sp.default_sort_key)
    return list(expr.args)


def _stem(expr: sp.Expr) -> str:
    if expr.is_Pow:
        return "root" if expr.exp.is_Rational and expr.exp.q == 2 else "power"
    return _STEMS.get(expr.func, "part")
