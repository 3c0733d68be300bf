"""Duals with an arcsine in one form for both signs of c: no second branch, one root.

With the parts of `codegen.arc_parts`, D = R₀ ± (π/2) P + B, and the bracket B is a function of |c|,
of high order in θ = acos(κ|c|). It is written

* as K u^{m/2} S(u), u = 1 − κ|c|, where it depends on κ|c| alone but for a factor K: S is analytic,
  and a polynomial is fitted to it;
* without a sine, by one polynomial for asin s, s ≤ 1/2: P asin(κc) as it stands where κ|c| ≤ 1/2,
  so that nothing is lost where D vanishes with c, and with s = √(u/2) beyond;
* with τ = tan(θ/2) = √(a/b), a and b being 1 ∓ κ|c| over a common denominator, as

      (N ± M τ^{2n} r_n(τ²)) / (Q √(ab)),    atan τ = τ − τ³/3 + … ± τ^{2n+1} r_n(τ²):

  N, M and Q are polynomials, found by exact algebra, the first n terms of the arc tangent among
  them, and everything is divided by at once.

Where D is the sum of terms that do not cancel it is as good as it stands, with
asin(κc) = 2 atan t, |t| ≤ 1, and the arc tangent a polynomial.

>>> from freejac.symbolic.symbols import q
>>> closed = c * q * sp.asin(c) / (2 * sp.pi) + c * q / 4 + q * sp.sqrt(1 - c**2) / (2 * sp.pi)
>>> _, fitted = next(reflected_codes(closed, ()))
>>> fitted.method, fitted.result
('closed form, fitted in 1 - |c|', 'base * q + part')
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache, reduce
from itertools import product

import mpmath
import sympy as sp
from mpmath import mp, mpf

from freejac.codegen.angle import arcsine, remainder
from freejac.codegen.arc_parts import ArcParts, arc_parts, square
from freejac.codegen.constant_factors import two_doubles
from freejac.codegen.correlation import paired, up
from freejac.codegen.dual_spec import DualCode
from freejac.codegen.kernel_block import kernel_block
from freejac.codegen.printer import source
from freejac.codegen.share_sums import BASES, in_size, product_of_sums, starts
from freejac.symbolic.symbols import c, q

__all__ = ["reflected_codes", "with_plain_quotient"]

_MOST_JOINED = 4
_DIGITS = 60
_SMALL = mpf(10) ** -40
_CANCELLED = 200
"""Digits that the bracket is evaluated with next to θ = 0."""
_SETTLED = mpf("1e-9")
_NEGLIGIBLE = mpf(2) ** -56
_DEGREES = range(6, 26)
# fmt: off
_NAMES = frozenset([
    "apart", "arc", "base", "below", "divisor", "down", "edge", "end", "exact", "far", "gap",
    "half", "high", "inverse", "joint", "left", "low", "middle", "missed", "near", "part",
    "ratio", "right", "root", "rough", "size", "step", "total", "up",
])
# fmt: on
_total, _inverse = sp.symbols("total inverse", positive=True)


def reflected_codes(closed: sp.Expr, parameters: Sequence[str]) -> Iterator[list[DualCode]]:
    """Codes of a closed form; none where it has not the form.

    Args:
        closed: an expression in q, c and the parameters with one arcsine.
        parameters: names that are taken, besides q and c.

    Yields:
        Codes among which the cheapest good one is to be taken, the cheaper kinds first.
    """
    taken = frozenset({"q", "c", *parameters, *_NAMES})
    parts = arc_parts(closed)
    first = [_half_angle_code(closed, taken)]
    if parts is not None:
        first += [_fitted_code(parts, taken), _arcsine_code(parts, taken)]
    yield [code for code in first if code is not None]
    if parts is not None:
        for joined in range(_MOST_JOINED):
            yield _joined_codes(parts, joined, taken)


def with_plain_quotient(code: DualCode) -> DualCode:
    """The code without what its quotient's rounding lacks, for who keeps roundings otherwise."""
    lines = [line for line in code.lines if not line.startswith(("missed = ", "inverse = rough"))]
    return replace(code, lines=tuple(line.replace("rough = ", "inverse = ") for line in lines))


class _Lines:
    """Statements under way, and the names that are taken."""

    def __init__(self, taken: Iterable[str], lines: Iterable[str] = ()) -> None:
        self.taken = set(taken)
        self.lines: list[str] = list(lines)
        self.lacks: dict[float, float] = {}

    def write(self, expr: sp.Expr) -> str:
        """The statements of an expression, and the text of its value."""
        if expr.is_number:
            return source(expr)
        block = kernel_block(expr, self.taken)
        self.lines += block.lines
        self.taken |= {line.split(" = ")[0] for line in block.lines}
        return block.result

    def assign(self, name: str, expr: sp.Expr) -> str:
        """Assign an expression that is no number to a name; what stands for it."""
        text = self.write(expr)
        if expr.is_number:
            return text
        self.lines.append(f"{name} = {text}")
        return name

    def polynomial(self, step: str, coefficients: Sequence[sp.Expr]) -> None:
        """Horner's rule, a line for each coefficient."""
        for coefficient in coefficients:
            high, low = map(float, two_doubles(abs(coefficient)))
            self.lacks[high] = low
        first, *others = [float(k) for k in reversed(coefficients)]
        signs = [("-" if k < 0 else "+", abs(k)) for k in others]
        self.lines.append(f"total = {first!r}")
        self.lines += [f"total = total * {step} {sign} {k!r}" for sign, k in signs]

    def code(self, result: str, method: str, *, folded: bool = True) -> DualCode:
        """The code, with what has to be assigned before."""
        first = starts([*self.lines, result], folded=folded)
        lines = (*first, *self.lines)
        return DualCode(lines, result, f"closed form, {method}", straight=True, lacks=self.lacks)


def _with_rest(parts: ArcParts, lines: _Lines, bracket: sp.Expr, method: str) -> DualCode:
    """The code of a bracket, an expression in |c| and in what the lines assign, and of the rest."""
    lines.lines.append(f"part = {lines.write(bracket)}")
    left, right = parts.outside(-1), parts.outside(1)
    if left == right == 0:
        return lines.code("part" if parts.sign == 1 else "math.copysign(part, -c)", method)
    # Times q at the end: that product is not rounded where the sum is fused with it.
    fused = all(sp.cancel(side / q).is_polynomial(q) for side in (left, right))
    if fused:
        left, right = sp.cancel(left / q), sp.cancel(right / q)
    sides = lines.assign("right", right), lines.assign("left", left)
    lines.lines.append("base = {} if c > 0.0 else {}".format(*sides))
    base = "base * q" if fused else "base"
    if parts.sign == 1:
        return lines.code(f"{base} + part", method)
    return lines.code(f"{base} - part if c > 0.0 else {base} + part", method)


# Brackets that depend on κ|c| alone.


def _fitted_code(parts: ArcParts, taken: Iterable[str]) -> DualCode | None:
    shape = _shape(parts)
    fit = None if shape is None else _fit(shape[1])
    if shape is None or fit is None:
        return None
    power, coefficients = fit
    plain = parts.below == parts.above
    distance = up if plain else sp.Symbol("edge", nonnegative=True)
    lines = _Lines(taken)
    factor, whole = shape[0], power // 2
    if not plain:
        lines.assign("low", in_size(parts.low))
        lines.assign("edge", sp.Symbol("low", positive=True) / parts.below)
        # below · u is rounded less often.
        while whole and sp.fraction(sp.cancel(factor / parts.below))[1].is_number:
            factor = sp.cancel(factor / parts.below) * sp.Symbol("low", positive=True)
            whole -= 1
    lines.lines.append(f"root = math.sqrt({distance})")
    lines.polynomial(str(distance), coefficients)
    bracket = factor * distance**whole * sp.Symbol("root", nonnegative=True) * _total
    words = (
        "" if plain else str(parts.above / parts.below).replace("**", "^").replace("*", "") + " "
    )
    return _with_rest(parts, lines, bracket, f"fitted in 1 - {words}|c|")


def _shape(parts: ArcParts) -> tuple[sp.Expr, sp.Expr] | None:
    """The factor K, and the bracket over it in τ²; None if it has others in it."""
    at = -(1 - square) / (1 + square) * parts.below / parts.above
    outer, inner = _split(parts.factor.subs(c, at))
    other, shape = _split(parts.sine.subs(c, at))
    share = sp.cancel(other / outer)
    if share.free_symbols or (inner.free_symbols | shape.free_symbols) - {square}:
        return None
    root = sp.sqrt(square)
    number, factor = outer.as_independent(*outer.free_symbols, as_Add=False)
    return factor, number * (2 * inner * sp.atan(root) + share * shape * root)


def _split(expr: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """An expression as a product of one without and one with τ²."""
    factored = sp.factor(sp.cancel(sp.together(expr)))
    outer, inner = factored.as_independent(square, as_Add=False)
    return outer, inner


@lru_cache(maxsize=64)
def _fit(bracket: sp.Expr) -> tuple[int, tuple[sp.Float, ...]] | None:
    """The m and the polynomial S of B = u^{m/2} S(u), u = 1 − κ|c| ∈ [0, 1]."""
    function = sp.lambdify(square, bracket, "mpmath")

    def value(u: mpf) -> mpf:
        with mp.workdps(_CANCELLED):
            return mpf(function(u / (2 - u)))

    with mp.workdps(_DIGITS):
        slope = mpmath.log(value(4 * _SMALL) / value(_SMALL)) / mpmath.log(2)
        power = int(mpmath.nint(slope))
        if not power % 2 or abs(slope - power) > _SETTLED:
            return None

        def smooth(u: mpf) -> mpf:
            u = max(u, _SMALL)
            return value(u) / mpmath.sqrt(u) ** power

        bound = _NEGLIGIBLE * min(abs(smooth(mpf(k) / 4)) for k in range(5))
        for degree in _DEGREES:
            found, error = mpmath.chebyfit(smooth, [0, 1], degree + 1, error=True)
            if error <= bound:
                return power, tuple(sp.Float(k, 40) for k in reversed(found))
    return None


# Brackets without a sine.


def _arcsine_code(parts: ArcParts, taken: Iterable[str]) -> DualCode | None:
    """R₀ + P asin(κc), beyond κ|c| = 1/2 with asin = π/2 − 2 asin √(u/2)."""
    if parts.sine != 0:
        return None
    lines = _Lines(taken)
    if parts.below == parts.above:
        ratio = "size"
        lines.lines += ["far = size > 0.5", "step = 0.5 * up if far else size * size"]
    else:
        ratio = "ratio"
        lines.lines.append(f"inverse = {lines.write(1 / parts.below)}")
        for name, expr in (("ratio", in_size(-parts.above * c)), ("edge", in_size(parts.low))):
            lines.lines.append(f"{name} = {lines.write(expr * _inverse)}")
        lines.lines += ["far = ratio > 0.5", "step = 0.5 * edge if far else ratio * ratio"]
    lines.lines.append(f"root = math.sqrt(step) if far else {ratio}")
    # The number before the arcsine is a factor of every coefficient: it is rounded with them.
    number, factor = parts.factor.as_independent(*parts.factor.free_symbols, as_Add=False)
    lines.polynomial("step", [number * k for k in _arcsine()])
    lines.lines += ["arc = -2.0 * root * total if far else root * total"]
    lines.lines += ["part = -arc if c < 0.0 else arc"]
    sides = lines.assign("right", parts.outside(1)), lines.assign("left", parts.outside(-1))
    middle = lines.assign("middle", parts.rest)
    lines.lines.append("end = {} if c > 0.0 else {}".format(*sides))
    lines.lines.append(f"base = end if far else {middle}")
    product = lines.write(factor * sp.Symbol("part", real=True))
    return lines.code(f"base + {product}", "by the arcsine")


@lru_cache(maxsize=1)
def _arcsine() -> tuple[sp.Float, ...]:
    """Coefficients in powers of s² of asin(s)/s for s² ≤ 1/4."""

    def smooth(square: mpf) -> mpf:
        root = mpmath.sqrt(max(square, _SMALL))
        return mpmath.asin(root) / root

    with mp.workdps(_DIGITS):
        for degree in _DEGREES:
            found, error = mpmath.chebyfit(smooth, [0, mpf(1) / 4], degree + 1, error=True)
            if error <= _NEGLIGIBLE:
                break
        return tuple(sp.Float(k, 40) for k in reversed(found))


# Brackets with the first terms of the arc tangent joined.


def _joined_codes(parts: ArcParts, joined: int, taken: Iterable[str]) -> list[DualCode]:
    """B = τ (R₁ sin θ/τ + 2 P (1 − τ²/3 + …) ± 2 P τ^{2n} r_n(τ²)), and τ = a/√(ab).

    The sum of the first two may be one polynomial N, so that nothing cancels at c = −1; or remain
    two where that is of no use, and the roundings of N's variables would be seen more than theirs.
    In which variables N rounds least is tried.
    """
    low, high = parts.below + parts.above * c, parts.below - parts.above * c
    known = parts.factor * sum(
        2 * (-low / high) ** n / sp.Integer(2 * n + 1) for n in range(joined)
    )
    first, *others = [
        [sp.cancel(sp.together(part * low)) for part in several if part != 0]
        for several in ((2 * parts.factor,), (parts.sine + known,), (parts.sine, known))
    ]
    denominators = [sp.fraction(part)[1] for several in (first, *others) for part in several]
    quotient = _Quotient(parts, reduce(sp.lcm, denominators), low, high)
    scale, remaining = quotient.over_shared(first[0])
    remaining *= (-sp.Symbol("step", nonnegative=True)) ** joined
    (whole,), several = others[0] or [sp.S.Zero], others[1]
    # Of forms that are as good the one with q in it, which is not rounded, comes first.
    nears = dict.fromkeys((k / scale) * form for k, form in reversed([*quotient.forms(whole)]))
    far = sp.Add(*(k / scale * form for k, form in map(quotient.over_shared, several)))
    codes = []
    for near, exact in product(nears, [None] if joined == 0 else [None, far]):
        lines = quotient.lines(scale, taken)
        lines.polynomial("step", remainder(joined, sp.S.One))
        if exact is not None:
            for name, expr in (("near", near), ("far", far)):
                lines.lines.append(f"{name} = {lines.write(expr)}")
            lines.lines.append("exact = far if (size < 0.5) | (high < 2.0 * low) else near")
        summand = near if exact is None else sp.Symbol("exact", real=True)
        bracket = _inverse * sp.factor_terms(summand + remaining * _total)
        codes.append(_with_rest(parts, lines, bracket, "by the angle from c = -1"))
    return codes


class _Quotient:
    """What is divided by Q √(ab), where τ² = a/b."""

    def __init__(self, parts: ArcParts, shared: sp.Expr, low: sp.Expr, high: sp.Expr) -> None:
        self._parts = parts
        self._ends = {"low": low, "high": high}
        self._number, self._divisor = product_of_sums(sp.cancel(shared), self._ends)
        self._shared = sp.cancel(shared / self._number)

    def over_shared(self, expr: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
        """A number and a form of what is above Q, with Q itself where that is a factor."""
        return next(self.forms(expr))

    def forms(self, expr: sp.Expr) -> Iterator[tuple[sp.Expr, sp.Expr]]:
        """The same in every way in which its polynomials are written."""
        if sp.fraction(expr)[1].is_number:
            number, form = product_of_sums(sp.cancel(expr), self._ends)
            yield number, form * sp.Symbol("divisor", positive=True)
            return
        for basis in BASES:
            found = product_of_sums(sp.cancel(expr * self._shared), self._ends, basis)
            if found is not None:
                yield found

    def lines(self, scale: sp.Expr, taken: Iterable[str]) -> _Lines:
        """Assignments of a, b, their root, Q, a number over Q √(ab), and τ².

        That quotient is a factor of everything: what its rounding and that of the number lack is
        added, so that it is right but for its last rounding.
        """
        parts, lines = self._parts, _Lines(taken)
        for name, expr in (
            ("low", in_size(parts.low)),
            ("high", in_size(parts.high)),
            ("divisor", self._divisor),
        ):
            lines.lines.append(f"{name} = {lines.write(expr)}")
        lines.lines.append("root = math.sqrt(low * high)")
        rounded = float(scale)
        lacking = float((scale / sp.Float(rounded, 60) - 1).evalf(30))
        lines.lacks[abs(rounded)] = lacking * abs(rounded)
        lines.lines += [
            "below = divisor * root",
            f"rough = {rounded!r} / below",
            f"missed = ({rounded!r} - rough * below) * {float(1 / scale)!r} + {lacking!r}",
            "inverse = rough + rough * missed",
            "step = low / high",
        ]
        return lines


# Closed forms as they stand.


def _half_angle_code(closed: sp.Expr, taken: Iterable[str]) -> DualCode | None:
    arc = arcsine(closed)
    if arc is None:
        return None
    below, above = sp.fraction(sp.together(arc.args[0]))[::-1]
    root = sp.sqrt(paired(sp.expand(below**2 - above**2)))
    lines = _Lines(taken)
    lines.lines += [f"half = {lines.write(above / (below + root))}", "step = half * half"]
    lines.polynomial("step", remainder(0, sp.S.One))
    angle = 2 * sp.Symbol("half", real=True) * _total
    result = lines.write(paired(closed.xreplace({arc: angle})))
    return lines.code(result, "by half the angle", folded=False)
