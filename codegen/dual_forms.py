"""The form in which code evaluates a dual that has a closed form without integrals.

Where one of the forms of `codegen.reflected` keeps its digits for all c, the cheapest of them is
taken. Else candidates are the closed form itself, in 1 ± c; the same in the angle
Θ = π/2 + asin(κc); and near Θ = 0 the exact rearrangements of `codegen.angle`, for several orders
and reaches. Which is taken is decided by evaluating all of them in 53-bit arithmetic on a grid over
the whole domain, the ends c = ±1 and their neighbours included, and comparing with hundreds of
digits: the same decision on every machine.

Errors are measured in the unit of `dual_spec.MEASURE`: where a dual D crosses zero, no form in
double precision has a small relative error.

>>> from freejac.symbolic.activation import activation
>>> from freejac.symbolic.bivariate import expect2
>>> phi = activation("relu").function
>>> code = closed_code(expect2(phi, phi), 0, ())
>>> code.method, code.result
('closed form, fitted in 1 - |c|', 'base * q + part')
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import mpmath
import sympy as sp
from mpmath import mp, mpf

from freejac.codegen.angle import AngleForm, arcsine, rearranged, remainder, tangent
from freejac.codegen.correlation import (
    Angle,
    ExpGap,
    down,
    gap,
    gap_exponentials,
    joined_exponentials,
    paired,
    up,
    with_tails,
)
from freejac.codegen.dual_check import dual_points
from freejac.codegen.dual_spec import DualCode
from freejac.codegen.horner import Horner
from freejac.codegen.kept_roundings import kept_roundings
from freejac.codegen.kernel_block import kernel_block
from freejac.codegen.operations import cost
from freejac.codegen.printer import source
from freejac.codegen.reflected import reflected_codes, with_plain_quotient
from freejac.codegen.spec import Argument
from freejac.codegen.stable import stabilise
from freejac.symbolic.bivariate_normal import Phi2
from freejac.symbolic.piecewise import PiecewiseFunction
from freejac.symbolic.symbols import c, q
from freejac.symbolic.symmetry import parity

__all__ = ["closed_code", "elementary_code", "positive_code", "positive_form"]

_ELEMENTARY = (sp.asin, sp.exp, sp.Pow, sp.Add, sp.Mul)
_SHARP, _USABLE = 3.5, 8.0
"""Errors of a code with one form for all c, in units of the last place: what is taken at once, and
what is taken at all."""
_BOUND, _MANY = 4.2, 1000
"""What roundings are kept for: an estimate is to be below it, in those units, at so many points."""
_SEEN = 40
"""Codes are compared by the mean of so many of the largest errors: one alone is chance."""
_GOOD = mpf("2e-15")
_ACCEPTED = mpf("1e-14")
_CALL = re.compile(r"\b_\w+\(")
"""A function of our own in a code; without one a code runs as it is."""
_DIGITS = 200
_MOST_JOINED = 4
_REACHES = (sp.Rational(1, 8), sp.Rational(1, 3), sp.S.One)
_VARIANCES = (
    *(sp.Integer(10) ** k for k in range(-12, 13, 2)),
    *map(sp.Rational, ("1/3", 2, 5, 21, 300)),
)
_POSITIVE = (sp.Rational(1, 100), sp.S.One, sp.Integer(100))
_REAL = (
    sp.Integer(-10),
    sp.Rational(-3, 2),
    sp.Rational(-9, 10),
    sp.Rational(1, 100),
    sp.Rational(1, 2),
    sp.Integer(10),
)
_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "Angle": Angle._imp_,
    "ExpGap": ExpGap._imp_,
}


@dataclass(frozen=True)
class _Candidate:
    """A form for all c, and one instead of it near the end where Θ = 0."""

    whole: sp.Expr
    near: AngleForm | None = None
    reach: sp.Rational = sp.S.Zero

    @property
    def tail(self) -> sp.Expr:
        """The form near the end."""
        if self.near is None:
            return sp.S.Zero
        series = Horner(tangent**2, *remainder(self.near.joined, self.reach))
        return self.near.exact + self.near.factor * series


def elementary_code(function: PiecewiseFunction, closed: sp.Expr) -> DualCode | None:
    """The code of E[f(h₁)f(h₂)] where its closed form is elementary and some form of it sound.

    Args:
        function: f.
        closed: the closed form.

    Returns:
        The code; None if there is none.
    """
    functions = {type(e) for e in sp.preorder_traversal(closed) if e.args}
    if not functions <= set(_ELEMENTARY):
        return None
    parameters = sorted(function.free_symbols, key=str)
    code = closed_code(closed, parity(function), parameters)
    if code is None or _CALL.search(code.text):
        return code
    return _sharpened(code, closed, parameters)


def _sharpened(code: DualCode, closed: sp.Expr, parameters: Sequence[sp.Symbol]) -> DualCode:
    """The code, with two doubles where so many roundings meet that they are seen."""
    arguments = [
        Argument("q", "", "1e-12", "1e12"),
        Argument("c", "", "-1.0", "1.0", logarithmic=False),
    ]
    for symbol in parameters:
        ends = _POSITIVE if symbol.is_positive else _REAL
        low, high = (repr(float(end)) for end in (ends[0], ends[-1]))
        arguments.append(Argument(symbol.name, "", low, high, logarithmic=bool(symbol.is_positive)))
    points = [p for p in dual_points(arguments, _MANY) if 0.0 < abs(p["c"]) < 1.0]
    symbols = [q, c, *parameters]
    places = [{s: sp.Rational(p[s.name]) for s in symbols} for p in points]
    exact = _references(closed, places)
    if _errors_in_doubles(code, places, exact)[-1] <= _SHARP:
        return code
    units = [math.ulp(max(abs(float(v)), 2.0**-1000)) * float(rate) for v, rate in exact]
    return kept_roundings(with_plain_quotient(code), points, units, _BOUND)


def positive_code(function: PiecewiseFunction, closed: sp.Expr) -> DualCode | None:
    """The code of a closed form with the bivariate normal distribution, if all its terms are ≥ 0.

    Args:
        function: f.
        closed: the closed form.

    Returns:
        The code; None where a term may be negative, so that others may cancel it.
    """
    form = positive_form(closed)
    if form is None:
        return None
    taken = ["q", "c", "up", "down", "gap", *sorted(s.name for s in function.free_symbols)]
    block = kernel_block(form, taken)
    return DualCode((*_ends(form, "c"), *block.lines), block.result, "closed form")


def positive_form(closed: sp.Expr) -> sp.Expr | None:
    """A sum of terms none of which is negative, in code's functions; None if there is none."""
    turned = _turned(closed)
    if turned is None:
        return None
    form = paired(with_tails(turned))
    terms = sp.Add.make_args(form)
    return form if not form.has(Phi2) and all(t.is_nonnegative for t in terms) else None


def closed_code(
    closed: sp.Expr, symmetry: int | None, parameters: Sequence[sp.Symbol]
) -> DualCode | None:
    """The code of an elementary closed form in q and c; None if every form of it cancels.

    Args:
        closed: the dual as an expression in `q`, `c` and the parameters.
        symmetry: 1 or −1 where the dual is even or odd in c, and exponentials may be joined.
        parameters: its parameters.
    """
    folded = bool(symmetry) and closed.has(sp.exp)
    points = [p for p in _grid(parameters) if not folded or p[c] > 0]
    exact = _references(closed, points)
    names = [s.name for s in parameters]
    if not closed.has(sp.exp) and (short := _short_code(closed, names, points, exact)):
        return short
    best: tuple[mpf, _Candidate] | None = None
    for candidate in _candidates(closed, folded):
        error = _worst_error(candidate, points, exact, None if best is None else best[0])
        if best is None or error < best[0]:
            best = error, candidate
        if error <= _GOOD:
            break
    if best is None or best[0] > _ACCEPTED:
        return None
    return _code(best[1], names, symmetry if folded else None)


def _short_code(
    closed: sp.Expr,
    parameters: Sequence[str],
    points: Sequence[Mapping[sp.Symbol, sp.Rational]],
    exact: Sequence[tuple[mpf, mpf]],
) -> DualCode | None:
    """The code with one form for all c that costs least of those that are as good as doubles.

    Where no code of a kind is, the best of them, if that is good still, before longer kinds are
    tried; None where all are bad.
    """
    for codes in reflected_codes(closed, parameters):
        found = []
        for code in sorted(codes, key=lambda code: cost(code.lines, code.result)):
            errors = _errors_in_doubles(code, points, exact)
            if errors[-1] <= _SHARP:
                return code
            if errors[-1] <= _USABLE:
                found.append((mpmath.nint(10 * mpmath.fsum(errors[-_SEEN:]) / _SEEN), code))
        if found:
            return min(found, key=lambda pair: pair[0])[1]
    return None


def _errors_in_doubles(
    code: DualCode,
    points: Sequence[Mapping[sp.Symbol, sp.Rational]],
    exact: Sequence[tuple[mpf, mpf]],
) -> list[mpf]:
    """The errors of statements, which are our own, run as they are; in increasing order."""
    names = ", ".join(symbol.name for symbol in points[0])
    body = "".join(f"    {line}\n" for line in (*code.lines, f"return {code.result}"))
    space: dict[str, Any] = {"math": math}
    exec(compile(f"def value({names}):\n{body}", "dual", "exec"), space)
    errors = []
    for point, (value, condition) in zip(points, exact, strict=True):
        try:
            found = space["value"](*(float(v) for v in point.values()))
        except (ArithmeticError, ValueError):
            return [mpmath.inf]
        with mp.workdps(_DIGITS):
            unit = math.ulp(max(abs(float(value)), 2.0**-1000))
            errors.append(abs(found - value) / unit / condition)
    return sorted(errors)


def _candidates(closed: sp.Expr, folded: bool) -> Iterable[_Candidate]:
    if folded:
        closed = gap_exponentials(joined_exponentials(closed))
    plain = _with_half_angle(paired(closed))
    yield _Candidate(stabilise(plain))
    arc = arcsine(closed)
    if arc is None:
        return
    yield _Candidate(stabilise(paired(sp.factor_terms(_turned(closed)))))
    for reach, joined in product(_REACHES, range(_MOST_JOINED)):
        near = rearranged(closed, joined)
        if near is not None:
            yield _Candidate(stabilise(plain), near, reach)


def _turned(closed: sp.Expr) -> sp.Expr | None:
    """The closed form with its arcsine written as an angle less π/2; None if it has none."""
    arc = arcsine(closed)
    if arc is None:
        return None
    below, above = sp.fraction(sp.together(arc.args[0]))[::-1]
    angle = Angle(below + above, below - above)
    terms = sp.Add.make_args(closed.xreplace({arc: angle - sp.pi / 2}))
    return sp.Add(*(sp.expand(term, deep=False) for term in terms))


def _with_half_angle(expr: sp.Expr) -> sp.Expr:
    """Write asin(a/b) = 2 atan(a/(b + √(b² − a²))): the argument stays in [−1, 1]."""

    def rewritten(argument: sp.Expr) -> sp.Expr:
        below, above = sp.fraction(sp.together(argument))[::-1]
        root = sp.sqrt(paired(sp.expand(below**2 - above**2)))
        return 2 * sp.atan(above / (below + root))

    return expr.replace(sp.asin, rewritten)


def _grid(parameters: Sequence[sp.Symbol]) -> list[dict[sp.Symbol, sp.Rational]]:
    ends = [1 - sp.Rational(1, 2**k) for k in (1, 2, 3, 4, 6, 9, 14, 20, 27, 34, 41, 47, 53)]
    inside = [sp.Rational(1, 2**k) for k in (2, 3, 6, 15, 40)]
    inside += [sp.Rational(k, 100) for k in (5, 16, 37, 45, 52, 58, 66, 83)]
    correlations = [sign * value for value in (*ends, *inside) for sign in (1, -1)]
    choices = [_POSITIVE if p.is_positive else _REAL for p in parameters]
    variances = _VARIANCES if not parameters else _VARIANCES[::2]
    return [
        {q: variance, c: correlation, **dict(zip(parameters, setting, strict=True))}
        for setting in product(*choices)
        for variance in variances
        for correlation in correlations
    ]


def _references(
    closed: sp.Expr, points: Sequence[Mapping[sp.Symbol, sp.Rational]]
) -> list[tuple[mpf, mpf]]:
    """The exact values, and half an ULP of an argument against an ULP of each, if more than 1."""
    names = list(points[0])
    function = sp.lambdify(names, [closed, *(sp.diff(closed, name) for name in names)], "mpmath")
    found = []
    with mp.workdps(_DIGITS):
        for point in points:
            value, *slopes = function(*(_number(v) for v in point.values()))
            sizes = {**point, c: min(abs(point[c]), 1 - abs(point[c]))}
            changes = [
                abs(_number(sizes[name]) * slope / (2 * value)) if value else mpf(0)
                for name, slope in zip(names, slopes, strict=True)
            ]
            found.append((value, max(mpf(1), *changes)))
    return found


def _number(value: sp.Rational) -> mpf:
    return mpf(value.p) / value.q


def _worst_error(
    candidate: _Candidate,
    points: Sequence[Mapping[sp.Symbol, sp.Rational]],
    exact: Sequence[tuple[mpf, mpf]],
    limit: mpf | None,
) -> mpf:
    """The largest error in 53-bit arithmetic, or some error above the limit."""
    names = [*points[0], up, down, gap, tangent]
    near = candidate.near
    modules = [dict(_FUNCTIONS), "mpmath"]
    whole = sp.lambdify(names, candidate.whole, modules)
    tail = sp.lambdify(names, candidate.tail, modules)
    square = sp.lambdify(names[:-1], near.above / near.below, modules) if near else None
    worst = mpf(0)
    for point, (value, condition) in zip(points, exact, strict=True):
        with mp.workprec(53):
            numbers = [_number(v) for v in point.values()]
            numbers += [1 + _number(point[c]), 1 - _number(point[c])]
            numbers.append(numbers[-1] * numbers[-2])
            ratio = square(*numbers) if square else mpf(1)
            chosen = tail if ratio < _number(candidate.reach) else whole
            result = chosen(*numbers, mpmath.sqrt(ratio))
        with mp.workdps(_DIGITS):
            # Below the smallest normal double there is nothing to measure.
            size = max(abs(value), mpf(2) ** -1000)
            worst = max(worst, abs(result - value) / size / condition)
        if limit is not None and worst > limit:
            break
    return worst


def _code(candidate: _Candidate, parameters: list[str], symmetry: int | None) -> DualCode:
    """Statements of a candidate; both forms are computed, so that the loop over points is one."""
    taken = ["q", "c", "up", "down", "gap", "size", *parameters]
    whole, near = candidate.whole, candidate.near
    argument = "size" if symmetry else "c"
    first = ["size = abs(c)"] if symmetry else []
    if symmetry:
        whole = whole.xreplace({c: sp.Symbol("size", nonnegative=True)})
    block = kernel_block(whole, taken)
    if near is None:
        lines = [*first, *_ends(whole, argument), *block.lines]
        result = f"math.copysign({block.result}, c)" if symmetry == -1 else block.result
        return DualCode(tuple(lines), result, "closed form", straight=True)
    lines = _ends(whole + near.above + near.below + candidate.tail, argument)
    taken += ["above", "below", "tau", "near", "far", "step", "total"]
    lines += [f"above = {source(near.above)}", f"below = {source(near.below)}"]
    # Where the rearranged form is not taken, it is kept from overflowing.
    bound = "below" if candidate.reach == 1 else f"below / {float(1 / candidate.reach)!r}"
    lines += [
        "ratio = above / max(below, 0.5 * (above + below))",
        f"tau = math.sqrt(min(ratio, {source(candidate.reach)}))",
    ]
    for name, expr in (("near", candidate.tail), ("far", whole)):
        block = kernel_block(expr, taken)
        lines += [*block.lines, f"{name} = {block.result}"]
        taken += [line.split(" = ")[0] for line in block.lines]
    method = "closed form; rearranged near c = -1"
    return DualCode(tuple(lines), f"near if above < {bound} else far", method, straight=True)


def _ends(expr: sp.Expr, argument: str) -> list[str]:
    """The statements that define `up`, `down` and `gap` where they are used."""
    used = expr.free_symbols
    lines = []
    if used & {up, gap}:
        lines.append(f"up = 1.0 + {argument}")
    if used & {down, gap}:
        lines.append(f"down = 1.0 - {argument}")
    if gap in used:
        lines.append("gap = up * down")
    return lines
