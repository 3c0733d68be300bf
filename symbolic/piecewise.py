"""Functions of x that are smooth between breakpoints, with Dirac deltas at them.

`decompose` splits any expression built from `Max`, `Min`, `Abs`, `sign`, `Heaviside`,
`Piecewise` and smooth functions into smooth pieces on intervals. Differentiating a
`PiecewiseFunction` follows the calculus of distributions: a jump of height h at b adds h·δ(x − b),
so that E[φφ″] of a kinked activation counts its kinks.

>>> import sympy as sp
>>> from freejac.symbolic.symbols import x
>>> relu = decompose(sp.Max(0, x))
>>> relu.breakpoints
(0,)
>>> relu.derivative().derivative().to_sympy()
DiracDelta(x)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from math import comb

import sympy as sp

from freejac.symbolic.errors import DomainError
from freejac.symbolic.intervals import compare, is_zero, precedes, signed_parts
from freejac.symbolic.symbols import x

__all__ = ["Delta", "Piece", "PiecewiseFunction", "decompose"]

_MOST_PIECES = 256


@dataclass(frozen=True)
class Piece:
    """A smooth expression on the open interval (lower, upper)."""

    lower: sp.Expr
    upper: sp.Expr
    expr: sp.Expr


@dataclass(frozen=True)
class Delta:
    """The distribution weight · δ⁽ᵒʳᵈᵉʳ⁾(x − location)."""

    location: sp.Expr
    order: int
    weight: sp.Expr


@dataclass(frozen=True)
class PiecewiseFunction:
    """Smooth pieces that cover the real line in order, plus Dirac deltas.

    Attributes:
        pieces: adjacent intervals from −∞ to ∞; values at the breakpoints themselves do not
            matter to any expectation and are not kept.
        deltas: what differentiation left at the jumps.
    """

    pieces: tuple[Piece, ...]
    deltas: tuple[Delta, ...] = ()

    @classmethod
    def smooth(cls, expr: sp.Expr) -> PiecewiseFunction:
        """Wrap an expression that is smooth on the whole line."""
        return cls((Piece(-sp.oo, sp.oo, sp.sympify(expr, strict=True)),))

    @property
    def breakpoints(self) -> tuple[sp.Expr, ...]:
        """Finite ends of the pieces, ascending."""
        return tuple(piece.upper for piece in self.pieces[:-1])

    @property
    def free_symbols(self) -> set[sp.Symbol]:
        """Parameters: every free symbol but x."""
        parts = [e for piece in self.pieces for e in (piece.lower, piece.upper, piece.expr)]
        parts += [e for delta in self.deltas for e in (delta.location, delta.weight)]
        return set().union(*(e.free_symbols for e in parts)) - {x}

    def map(self, func: Callable[[sp.Expr], sp.Expr]) -> PiecewiseFunction:
        """Apply a function to every smooth piece (only meaningful without deltas)."""
        self._require_no_deltas("a nonlinear function")
        return _merge(Piece(p.lower, p.upper, func(p.expr)) for p in self.pieces)

    def subs(self, replacements: dict[sp.Symbol, sp.Expr]) -> PiecewiseFunction:
        """Replace parameters in the pieces, their ends and the deltas."""
        pieces = tuple(
            Piece(p.lower.subs(replacements), p.upper.subs(replacements), p.expr.subs(replacements))
            for p in self.pieces
        )
        deltas = tuple(
            Delta(d.location.subs(replacements), d.order, d.weight.subs(replacements))
            for d in self.deltas
        )
        return PiecewiseFunction(pieces, deltas)

    def derivative(self) -> PiecewiseFunction:
        """Differentiate as a distribution: jumps become Dirac deltas."""
        pieces = _merge(Piece(p.lower, p.upper, sp.diff(p.expr, x)) for p in self.pieces).pieces
        deltas = [Delta(d.location, d.order + 1, d.weight) for d in self.deltas]
        for left, right in pairwise(self.pieces):
            at = left.upper
            jump = right.expr.subs(x, at) - left.expr.subs(x, at)
            if not is_zero(jump):
                deltas.append(Delta(at, 0, sp.factor_terms(jump)))
        return PiecewiseFunction(pieces, tuple(deltas))

    def __add__(self, other: PiecewiseFunction) -> PiecewiseFunction:
        """Add pieces on the common partition, and the deltas."""
        pieces = _combine([self, other], lambda exprs: sp.Add(*exprs)).pieces
        return PiecewiseFunction(pieces, _collect(self.deltas + other.deltas))

    def __mul__(self, other: PiecewiseFunction) -> PiecewiseFunction:
        """Multiply; a delta may only meet a factor that is smooth enough at its location."""
        if self.deltas and other.deltas:
            raise DomainError(
                "a product of Dirac deltas is not defined: the function jumps, and its derivative "
                "enters squared"
            )
        pieces = _combine([self, other], lambda exprs: sp.Mul(*exprs)).pieces
        deltas = [
            term
            for singular, regular in ((self, other), (other, self))
            for delta in singular.deltas
            for term in regular._times_delta(delta)
        ]
        return PiecewiseFunction(pieces, _collect(deltas))

    def __pow__(self, exponent: int) -> PiecewiseFunction:
        """Raise to a positive integer power."""
        if exponent == 1:
            return self
        if self.deltas:
            raise DomainError(
                "a power of a Dirac delta is not defined: the function jumps at x = "
                f"{self.deltas[0].location}, so moments of its derivative do not exist"
            )
        return _merge(Piece(p.lower, p.upper, p.expr**exponent) for p in self.pieces)

    def scaled(self, factor: sp.Expr) -> PiecewiseFunction:
        """Multiply by a factor that does not depend on x."""
        return self * PiecewiseFunction.smooth(factor)

    def to_sympy(self) -> sp.Expr:
        """Write as one SymPy expression: `Piecewise` plus `DiracDelta` terms."""
        last = self.pieces[-1].expr
        body = [(p.expr, x < p.upper) for p in self.pieces[:-1]]
        regular = sp.Piecewise(*body, (last, True)) if body else last
        singular = [
            d.weight
            * (sp.DiracDelta(x - d.location, d.order) if d.order else sp.DiracDelta(x - d.location))
            for d in self.deltas
        ]
        return sp.Add(regular, *singular)

    def _require_no_deltas(self, operation: str) -> None:
        if self.deltas:
            raise DomainError(f"{operation} of a Dirac delta is not defined")

    def _times_delta(self, delta: Delta) -> list[Delta]:
        """Multiply by w·δ⁽ᵏ⁾(x−b): f δ⁽ᵏ⁾ = Σ_j (−1)ʲ C(k,j) f⁽ʲ⁾(b) δ⁽ᵏ⁻ʲ⁾."""
        terms = []
        for j in range(delta.order + 1):
            value = self._value_at(delta.location, j)
            weight = (-1) ** j * comb(delta.order, j) * value * delta.weight
            if not is_zero(weight):
                terms.append(Delta(delta.location, delta.order - j, weight))
        return terms

    def _value_at(self, at: sp.Expr, order: int) -> sp.Expr:
        """Derivative of the given order at a point, the same from both sides."""
        values = [
            sp.diff(p.expr, x, order).subs(x, at)
            for p in self.pieces
            if not precedes(at, p.lower) and not precedes(p.upper, at)
        ]
        if any(not is_zero(v - values[0]) for v in values[1:]):
            raise DomainError(
                f"the product of a jump and a Dirac delta at x = {at} is not defined; "
                "smooth the function there or drop the jump"
            )
        return values[0]


def decompose(expr: sp.Expr) -> PiecewiseFunction:
    """Split an expression in x into smooth pieces.

    Args:
        expr: built from smooth functions, `Max`, `Min`, `Abs`, `sign`, `Heaviside`, `Piecewise`
            (conditions compare functions of x) and, linearly, `DiracDelta` of an affine argument.

    Returns:
        The pieces in order, equal neighbours merged.

    Raises:
        DomainError: a switching point cannot be located, or the order of two symbolic
            breakpoints is not decided by the assumptions on their parameters.

    >>> import sympy as sp
    >>> [str(piece.expr) for piece in decompose(sp.Min(sp.Max(x, -1), 1)).pieces]
    ['-1', 'x', '1']
    """
    expr = sp.sympify(expr, strict=True)
    if expr.has(sp.DiracDelta):
        return _decompose_singular(expr)
    if not expr.has(*_SWITCHING) or not expr.has(x):
        return PiecewiseFunction.smooth(expr)
    if isinstance(expr, sp.Piecewise):
        return _decompose_cases(expr)
    arguments = [decompose(argument) for argument in expr.args]
    if isinstance(expr, _SWITCHING):
        return _split(expr, arguments)
    return _combine(arguments, lambda exprs: expr.func(*exprs))


_SWITCHING = (sp.Max, sp.Min, sp.Abs, sp.sign, sp.Heaviside, sp.Piecewise)


def _split(expr: sp.Expr, arguments: list[PiecewiseFunction]) -> PiecewiseFunction:
    """Resolve one switching function whose arguments are already piecewise smooth."""
    if isinstance(expr, (sp.Max, sp.Min)):
        larger = isinstance(expr, sp.Max)
        result = arguments[0]
        for other in arguments[1:]:
            result = _select(result, other, first_if_positive=larger)
        return result
    inner = arguments[0]
    cases: dict[type, Callable[[sp.Expr, int], sp.Expr]] = {
        sp.Abs: lambda u, s: s * u,
        sp.sign: lambda u, s: sp.Integer(s),
        sp.Heaviside: lambda u, s: sp.Integer((1 + s) // 2),
    }
    choose = cases[expr.func]
    return _merge(
        Piece(lower, upper, choose(piece.expr, sign) if sign else sp.S.Zero)
        for piece in inner.pieces
        for lower, upper, sign in signed_parts(piece.expr, piece.lower, piece.upper)
    )


def _select(
    first: PiecewiseFunction, second: PiecewiseFunction, *, first_if_positive: bool
) -> PiecewiseFunction:
    """Take, point by point, the larger (or the smaller) of two functions."""
    pieces = []
    for lower, upper, (a, b) in _common([first, second]):
        for low, high, sign in signed_parts(a - b, lower, upper):
            pieces.append(Piece(low, high, a if (sign > 0) == first_if_positive else b))
    return _merge(pieces)


def _decompose_cases(expr: sp.Piecewise) -> PiecewiseFunction:
    """Resolve `Piecewise`: the first condition that holds decides."""
    if expr.args[-1][1] != sp.true:
        raise DomainError("the last case of a piecewise function must hold everywhere (otherwise)")
    parts = [
        _combine(
            [_indicator(condition), decompose(value)],
            lambda pair: pair[1] if pair[0] == 1 else _OPEN,
        )
        for value, condition in expr.args
    ]
    # Neighbours first: with n cases every level walks n intervals, and there are log n levels.
    while len(parts) > 1:
        pairs = zip(parts[::2], parts[1::2], strict=False)
        rest = parts[len(parts) // 2 * 2 :]
        parts = [
            _combine([first, second], lambda pair: pair[1] if pair[0] == _OPEN else pair[0])
            for first, second in pairs
        ] + rest
    return parts[0]


_OPEN = sp.Dummy("open")
"""Stands where no case of a `Piecewise` has decided yet."""


def _indicator(condition: sp.Basic) -> PiecewiseFunction:
    """1 where a condition on x holds, 0 elsewhere."""
    if condition in (sp.true, sp.false):
        return PiecewiseFunction.smooth(sp.Integer(condition == sp.true))
    if isinstance(condition, (sp.Eq, sp.Ne)):
        return _coincidence(condition)
    if isinstance(condition, (sp.Gt, sp.Ge, sp.Lt, sp.Le)):
        gap = decompose(condition.gts - condition.lts)
        return _split(sp.Heaviside(x), [gap])
    parts = [_indicator(part) for part in getattr(condition, "args", ())]
    if isinstance(condition, sp.And):
        return _combine(parts, lambda values: sp.Mul(*values))
    if isinstance(condition, sp.Or):
        return _combine(parts, lambda values: sp.Max(*values))
    if isinstance(condition, sp.Not):
        return _combine(parts, lambda values: 1 - values[0])
    raise DomainError(f"the condition {condition} is not a comparison of functions of x")


def _coincidence(condition: sp.Eq | sp.Ne) -> PiecewiseFunction:
    """Where two functions are equal: at single points, which do not matter, or on whole pieces."""
    gap = decompose(condition.lhs - condition.rhs)
    if any(not piece.expr.has(x) and piece.expr.free_symbols for piece in gap.pieces):
        raise DomainError(f"the condition {condition} compares parameters; give them numbers")
    equal = isinstance(condition, sp.Eq)
    return _merge(
        Piece(p.lower, p.upper, sp.Integer((not p.expr.has(x) and is_zero(p.expr)) == equal))
        for p in gap.pieces
    )


def _decompose_singular(expr: sp.Expr) -> PiecewiseFunction:
    """Split a sum of products in which `DiracDelta` enters linearly."""
    if isinstance(expr, sp.Add):
        total = PiecewiseFunction.smooth(sp.S.Zero)
        for term in expr.args:
            total = total + decompose(term)
        return total
    if isinstance(expr, sp.Mul):
        product = PiecewiseFunction.smooth(sp.S.One)
        for factor in expr.args:
            product = product * decompose(factor)
        return product
    if isinstance(expr, sp.DiracDelta):
        order = int(expr.args[1]) if len(expr.args) > 1 else 0
        slope, intercept = sp.diff(expr.args[0], x), expr.args[0].subs(x, 0)
        if slope.has(x) or is_zero(slope):
            raise DomainError(f"{expr} is not a Dirac delta at a point")
        weight = 1 / (sp.Abs(slope) * slope**order)
        zero = PiecewiseFunction.smooth(sp.S.Zero)
        return PiecewiseFunction(zero.pieces, (Delta(-intercept / slope, order, weight),))
    raise DomainError(f"a Dirac delta may only enter linearly, not as in {expr}")


def _common(
    functions: list[PiecewiseFunction],
) -> Iterable[tuple[sp.Expr, sp.Expr, list[sp.Expr]]]:
    """Walk the common refinement of several partitions."""
    index = [0] * len(functions)
    lower = -sp.oo
    while lower != sp.oo:
        current = [f.pieces[i] for f, i in zip(functions, index, strict=True)]
        upper, ending = current[0].upper, [0]
        for k, piece in enumerate(current[1:], start=1):
            order = compare(piece.upper, upper)
            if order < 0:
                upper, ending = piece.upper, [k]
            elif order == 0:
                ending.append(k)
        yield lower, upper, [piece.expr for piece in current]
        for k in ending:
            index[k] += 1
        lower = upper


def _combine(
    functions: list[PiecewiseFunction], func: Callable[[list[sp.Expr]], sp.Expr]
) -> PiecewiseFunction:
    return _merge(Piece(low, high, func(exprs)) for low, high, exprs in _common(functions))


def _merge(pieces: Iterable[Piece]) -> PiecewiseFunction:
    """Join neighbours that carry the same expression."""
    merged: list[Piece] = []
    for piece in pieces:
        if merged and merged[-1].expr == piece.expr:
            merged[-1] = Piece(merged[-1].lower, piece.upper, piece.expr)
        else:
            merged.append(piece)
    if len(merged) > _MOST_PIECES:
        raise DomainError(f"a function of more than {_MOST_PIECES} pieces is out of reach")
    return PiecewiseFunction(tuple(merged))


def _collect(deltas: Iterable[Delta]) -> tuple[Delta, ...]:
    """Add the weights of deltas of one order at one point."""
    weights: dict[tuple[sp.Expr, int], sp.Expr] = {}
    for delta in deltas:
        key = (delta.location, delta.order)
        weights[key] = weights.get(key, sp.S.Zero) + delta.weight
    return tuple(Delta(at, order, w) for (at, order), w in weights.items() if not is_zero(w))
