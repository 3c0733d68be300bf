"""Piecewise functions in ball arithmetic: SymPy expressions compiled to python-flint.

A compiled expression is a list of operations on balls, which is many times faster than mpmath and
carries its own rounding error. `BallPieces` is a `PiecewiseFunction` compiled like that, together
with what a quadrature must know before it starts: how large the function is where.
"""

from __future__ import annotations

import math
import operator
from bisect import bisect
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import flint
import mpmath
import sympy as sp
from mpmath import mp

from freejac.symbolic.balls import midpoint
from freejac.symbolic.domain import Number, finite
from freejac.symbolic.errors import DomainError, NotConvergedError
from freejac.symbolic.functions import Phi, sigmoid, softplus
from freejac.symbolic.hyperbolic import without_difference
from freejac.symbolic.piecewise import PiecewiseFunction
from freejac.symbolic.quadrature import exact_number
from freejac.symbolic.symbols import x

__all__ = [
    "Ball",
    "BallPiece",
    "BallPieces",
    "Peak",
    "ball_pieces",
    "compile_ball",
    "compile_balls",
    "exact_values",
    "number_ball",
]

Ball = Any
"""A real ball of python-flint, which has no types."""
BallPiece = tuple[mpmath.mpf, mpmath.mpf, Callable[[Ball], list[Ball]]]
"""Both ends, and several functions at once between them."""

_SAMPLES = 8
_LADDER = [0.0, *(sign * 4.0**k for k in range(-12, 11) for sign in (-1, 1))]
_SHARP = 20.0
_HALF = flint.arb(1) / 2

_UNARY: dict[Any, Callable[[Ball], Ball]] = {
    sp.exp: flint.arb.exp,
    sp.log: flint.arb.log,
    sp.sin: flint.arb.sin,
    sp.cos: flint.arb.cos,
    sp.tan: flint.arb.tan,
    sp.sinh: flint.arb.sinh,
    sp.cosh: flint.arb.cosh,
    sp.tanh: flint.arb.tanh,
    sp.atan: flint.arb.atan,
    sp.asinh: flint.arb.asinh,
    sp.erf: flint.arb.erf,
    sp.erfc: flint.arb.erfc,
    sp.erfi: flint.arb.erfi,
    sp.Abs: abs,
    Phi: lambda t: (-t * _HALF.sqrt()).erfc() / 2,
    sigmoid: lambda t: 1 / (1 + (-t).exp()),
    softplus: lambda t: t.exp().log1p(),
}


class _Compiler:
    """Collects the operations of one expression; equal parts are computed once."""

    def __init__(self) -> None:
        self.slots: dict[sp.Expr, int] = {x: 0}
        self.values: list[Ball] = [None]
        self.steps: list[tuple[int, Callable[..., Ball], tuple[int, ...]]] = []

    def visit(self, expr: sp.Expr) -> int:
        """Slot of the value of an expression."""
        if expr not in self.slots:
            self.slots[expr] = self._leaf(expr) if not expr.args else self._compound(expr)
        return self.slots[expr]

    def _leaf(self, expr: sp.Expr) -> int:
        if isinstance(expr, sp.Rational):
            ball = flint.arb(flint.fmpq(int(expr.p), int(expr.q)))
        elif isinstance(expr, sp.Float):
            ball = flint.arb(mp.make_mpf(expr._mpf_))
        elif expr is sp.pi:
            ball = flint.arb.pi()
        elif expr is sp.E:
            ball = flint.arb.const_e()
        else:
            bits = flint.ctx.prec + 10
            ball = flint.arb(finite("a constant", sp.Float(expr._to_mpmath(bits), precision=bits)))
        return self._constant(ball)

    def _constant(self, ball: Ball) -> int:
        self.values.append(ball)
        return len(self.values) - 1

    def _step(self, operation: Callable[..., Ball], *slots: int) -> int:
        if 0 in slots or any(self.values[slot] is None for slot in slots):
            self.values.append(None)
            self.steps.append((len(self.values) - 1, operation, slots))
            return len(self.values) - 1
        return self._constant(operation(*(self.values[slot] for slot in slots)))

    def _compound(self, expr: sp.Expr) -> int:
        if isinstance(expr, (sp.Add, sp.Mul)):
            operation = operator.add if isinstance(expr, sp.Add) else operator.mul
            # Constants first, so that they are folded into one.
            slots = [self.visit(arg) for arg in sorted(expr.args, key=lambda arg: arg.has(x))]
            total = slots[0]
            for slot in slots[1:]:
                total = self._step(operation, total, slot)
            return total
        if isinstance(expr, sp.Pow):
            return self._power(*expr.args)
        slots = [self.visit(arg) for arg in expr.args]
        if expr.func in _UNARY:
            return self._step(_UNARY[expr.func], *slots)
        return self._step(_through_mpmath(expr.func, len(slots)), *slots)

    def _power(self, base: sp.Expr, exponent: sp.Expr) -> int:
        slot = self.visit(base)
        if exponent.is_Integer and 2 <= exponent <= 16:
            half = slot if exponent < 4 else self.visit(base ** (exponent // 2))
            square = self._step(operator.mul, half, half)
            return self._step(operator.mul, square, slot) if exponent % 2 else square
        if exponent == -1:
            return self._step(lambda t: 1 / t, slot)
        if exponent == sp.S.Half:
            return self._step(flint.arb.sqrt, slot)
        if exponent.is_negative and exponent.is_Integer:
            return self._step(lambda t: 1 / t, self.visit(base**-exponent))
        return self._step(operator.pow, slot, self.visit(exponent))


def _through_mpmath(func: Any, count: int) -> Callable[..., Ball]:
    """Any other function, at the midpoints of its arguments."""
    symbols = sp.symbols(f"t:{count}")
    function = sp.lambdify(symbols, func(*symbols), "mpmath")

    def evaluate(*balls: Ball) -> Ball:
        with mp.workprec(flint.ctx.prec + 10):
            value = flint.arb(mpmath.mpf(function(*map(midpoint, balls))))
        return flint.arb(value, abs(value) * flint.arb(2) ** (-flint.ctx.prec))

    return evaluate


def compile_ball(expr: sp.Expr) -> Callable[[Ball], Ball]:
    """The function x ↦ expr on balls; constants are taken at the present bits of python-flint.

    >>> square = compile_ball((x + 1) ** 2)
    >>> print(square(flint.arb(3)))
    16.0000000000000
    """
    values = compile_balls([expr])
    return lambda point: values(point)[0]


def compile_balls(exprs: Sequence[sp.Expr]) -> Callable[[Ball], list[Ball]]:
    """Several functions at once: what they share is computed once."""
    compiler = _Compiler()
    results = [compiler.visit(without_difference(expr)) for expr in exprs]
    template, steps = compiler.values, compiler.steps

    def functions(point: Ball) -> list[Ball]:
        values = template.copy()
        values[0] = point
        for slot, operation, slots in steps:
            if len(slots) == 2:
                values[slot] = operation(values[slots[0]], values[slots[1]])
            else:
                values[slot] = operation(*[values[k] for k in slots])
        return [values[result] for result in results]

    return functions


def ball_pieces(
    functions: Sequence[PiecewiseFunction], parameters: Mapping[sp.Symbol, Number]
) -> list[BallPiece]:
    """As `numeric_pieces`, in balls: between their common breakpoints, all functions at once.

    Numbers are taken at the working precision of mpmath and python-flint, which have to agree.

    Raises:
        DomainError: a parameter has no value, or a breakpoint is not a finite real number.
    """
    exact: dict[sp.Symbol, sp.Expr] = {}
    for f in functions:
        exact |= exact_values(f, parameters)
    ends = [[finite("a breakpoint", end.subs(exact)) for end in f.breakpoints] for f in functions]
    infinity = mpmath.mpf("inf")
    partition = [-infinity, *sorted({end for own in ends for end in own}), infinity]
    pieces = []
    for low, high in pairwise(partition):
        places = [bisect(own, low) for own in ends]
        exprs = [f.pieces[i].expr.subs(exact) for f, i in zip(functions, places, strict=True)]
        pieces.append((low, high, compile_balls(exprs)))
    return pieces


class Peak(NamedTuple):
    """How large log|f| is on an interval.

    Attributes:
        bound: an estimate from above of its largest value.
        value: the largest value that was sampled, less its rounding error.
        at: where that is.
        slope: the mean slope, of which `rest` is free.
        rest: an estimate from above of log|f| − slope·(x − middle).
        sharp: place and width of a maximum that is narrow on the scale of the interval.
    """

    bound: float
    value: float
    at: float
    slope: float
    rest: float
    sharp: tuple[float, float] | None = None


_NOTHING = Peak(-math.inf, -math.inf, 0.0, 0.0, -math.inf)


class BallPieces:
    """A piecewise function on balls, at the present bits of python-flint, without its deltas.

    Args:
        f: the function.
        parameters: a value for every parameter of it.
        effort: how often it may be evaluated before `NotConvergedError` is raised.

    Attributes:
        breaks: balls of the breakpoints, ascending.
        functions: the compiled pieces, one more than breakpoints.

    Raises:
        DomainError: a parameter has no value, or a breakpoint is not a finite real number.

    >>> from freejac.symbolic.piecewise import decompose
    >>> relu = BallPieces(decompose(sp.Max(0, x)), {})
    >>> print(relu.functions[1](flint.arb(2)), relu.log_size(2.0) == math.log(2.0))
    2.00000000000000 True
    """

    def __init__(
        self,
        f: PiecewiseFunction,
        parameters: Mapping[sp.Symbol, Number],
        effort: float = math.inf,
    ) -> None:
        exact = exact_values(f, parameters)
        self.breaks = [number_ball(end.subs(exact)) for end in f.breakpoints]
        self._effort = effort
        self.functions = [self._metered(piece.expr.subs(exact)) for piece in f.pieces]
        self._edges = [float(end) for end in self.breaks]
        self._vanishes = [piece.expr == 0 for piece in f.pieces]
        self._peaks: dict[tuple[float, float], Peak] = {}

    def _metered(self, expr: sp.Expr) -> Callable[[Ball], Ball]:
        function = compile_ball(expr)

        def evaluate(point: Ball) -> Ball:
            self._effort -= 1
            if self._effort < 0:
                raise NotConvergedError(
                    f"the integral is not resolved with the effort allowed; {expr} varies too "
                    "sharply on the scale of the Gaussian law"
                )
            return function(point)

        return evaluate

    def landmarks(self) -> list[float]:
        """Points on every scale of the function itself, around 0 and its breakpoints.

        On the scale of a wide law it may have nothing to see but rounding errors.
        """
        return [centre + step for centre in (0.0, *self._edges) for step in _LADDER]

    def log_size(self, point: float) -> float:
        """log|f| at a point, rounding errors added to |f|; −∞ at a zero."""
        return self.log_sizes(point)[1]

    def log_sizes(self, point: float) -> tuple[float, float]:
        """log|f| at a point, from below and from above.

        Where terms cancel, what is left is a rounding error: it is no more than the upper one, but
        may be nothing at all.
        """
        place = bisect(self._edges, point)
        if self._vanishes[place]:
            return -math.inf, -math.inf
        size = abs(self.functions[place](flint.arb(point)))
        if not size.is_finite():
            raise DomainError(f"the integrand is not finite near x = {point:.6g}")
        return _log(size.abs_lower()), _log(size.abs_upper())

    def peak(self, low: float, high: float) -> Peak:
        """How large log|f| is between two points."""
        key = low, high
        if key not in self._peaks:
            inside = [edge for edge in self._edges if low < edge < high]
            parts = [self._sampled(a, b) for a, b in pairwise([low, *inside, high])]
            top = max(parts, key=lambda part: part.value)
            if len(parts) > 1:
                bound = max(part.bound for part in parts)
                sharp = next((part.sharp for part in parts if part.sharp), None)
                top = Peak(bound, top.value, top.at, 0.0, bound, sharp)
            self._peaks[key] = top
        return self._peaks[key]

    def _sampled(self, low: float, high: float) -> Peak:
        step = (high - low) / _SAMPLES
        points = [low + (k + 0.5) * step for k in range(_SAMPLES)]
        met = [(u, *self.log_sizes(u)) for u in points]
        known = [(u, most) for u, _, most in met if most > -math.inf]
        if not known:
            return _NOTHING
        places, sizes = [u for u, _ in known], [size for _, size in known]
        at, value, _ = max(met, key=lambda entry: entry[1:])
        top = max(sizes)
        if len(sizes) < _SAMPLES or places[0] == places[-1]:
            return Peak(top, value, at, 0.0, top)
        slope, middle = (sizes[-1] - sizes[0]) / (places[-1] - places[0]), (low + high) / 2
        rest, _ = _bound([v - slope * (u - middle) for u, v in known])
        bound, sharp = _bound(sizes)
        if sharp is None:
            return Peak(bound, value, at, slope, rest)
        return Peak(bound, value, at, slope, rest, (low + sharp[0] * step, sharp[1] * step))


def _log(size: Ball) -> float:
    return float(size.log()) if size > 0 else -math.inf


def _bound(sizes: list[float]) -> tuple[float, tuple[float, float] | None]:
    """Largest value between equidistant samples, and the place and width of a sharp maximum."""
    bounds = [max(sizes)]
    for a, b, c in (sizes[:3], sizes[:-4:-1]):
        # By the parabola at the end, half a step beyond the last sample.
        bounds.append(a + max(0.0, (a - b) / 2) + max(0.0, 0.375 * (a - 2 * b + c)))
    sharp = None
    for k in range(1, len(sizes) - 1):
        left, right = sizes[k] - sizes[k - 1], sizes[k] - sizes[k + 1]
        if left >= 0 and right >= 0 and left + right > 0:
            # The parabola through three samples is exact for a Gaussian, however narrow.
            shift, bend = (left - right) / (2 * (left + right)), left + right
            bounds.append(sizes[k] + bend * shift * shift / 2)
            if bend > _SHARP:
                sharp = k + 0.5 + shift, 1 / math.sqrt(bend)
    return max(bounds), sharp


def exact_values(
    f: PiecewiseFunction, parameters: Mapping[sp.Symbol, Number]
) -> dict[sp.Symbol, sp.Expr]:
    """The parameters of a function as exact numbers.

    Raises:
        DomainError: one has no value, or none that is finite.
    """
    missing = sorted(s.name for s in f.free_symbols if s not in parameters)
    if missing:
        raise DomainError(f"give a value for the parameter {', '.join(missing)}")
    for symbol in f.free_symbols:
        finite(symbol.name, parameters[symbol])
    return {symbol: exact_number(parameters[symbol]) for symbol in f.free_symbols}


def number_ball(expr: sp.Expr) -> Ball:
    """The ball of a number.

    Raises:
        DomainError: the expression is not a finite real number.
    """
    finite("a breakpoint or weight", expr)
    return compile_ball(expr)(flint.arb(0))
