"""Functions that oscillate under a smooth envelope, as sin(5x) + tanh(x): what is left far out.

Beyond some X such an f is Σ e^{ikx} g_k(x), its sines and cosines written as exponentials; so is
every power, fⁿ = Σ e^{ikx} G_k(x). Panels of the real line see G₀, which does not oscillate. The
others are integrated against w(x) = e^{−x²/2q} on another way, by Cauchy's theorem:

    ∫_X^∞ e^{ikx} G_k(x) w(x) dx = i ∫_0^Y e^{ik(X + iy)} G_k(X + iy) w(X + iy) dy + O(e^{−kY}),

for k > 0 and Y ≤ X, where G_k is analytic and bounded on Re x ≥ X, 0 ≤ Im x ≤ Y. However large q
is, all of it comes from a few periods next to X. The singularities of an envelope lie next to 0, or
where numbers in it shift them to; X is beyond. Whoever uses it compares two X (`MeanCurve`).

>>> from freejac.symbolic.piecewise import decompose
>>> wave = Oscillation.of([decompose(sp.sin(5 * x) + sp.tanh(x))], [(0, 2)], {}, 20)
>>> wave.slow(mpf(10**3))  # of f²: tanh² and the half of sin² that does not oscillate, twice
[mpf('3.0')]
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import mpmath
import sympy as sp
from mpmath import mp, mpc, mpf

from freejac.symbolic.functions import softplus
from freejac.symbolic.piecewise import PiecewiseFunction
from freejac.symbolic.symbols import x

__all__ = ["Oscillation"]

_GUARD_DIGITS = 5
_NEAREST = 16
_FARTHEST = 2**16
_MOST_PERIODS = 2000
_REAL_ONLY = (sp.Abs, sp.sign, sp.Max, sp.Min, sp.Piecewise, sp.Heaviside, sp.conjugate)

Parts = dict[sp.Expr, sp.Expr]
"""By frequency k the factor of e^{ikx}."""


@dataclass(frozen=True)
class _Power:
    """A power of a function on one side, as a sum of exponentials.

    Attributes:
        function: which.
        frequencies: of the power.
        steps: for every multiplication, (place among the parts so far, place among the function's
            own, place among the new ones).
    """

    function: int
    frequencies: tuple[sp.Expr, ...]
    steps: tuple[tuple[tuple[int, int, int], ...], ...]

    def factors(self, own: Sequence[mpc]) -> list[mpc]:
        """Those of the power from those of the function."""
        total = [mpf(1)]
        for step in self.steps:
            longer = [mpf(0)] * (1 + max(into for _, _, into in step))
            for i, j, into in step:
                longer[into] += total[i] * own[j]
            total = longer
        return total


@dataclass(frozen=True)
class _Side:
    """The functions on one side.

    Attributes:
        factors: of every function, those of its exponentials at a point.
        powers: one a term.
    """

    factors: Callable[[mpf | mpc], list[list[mpc]]]
    powers: tuple[_Power, ...]


class Oscillation:
    """Powers of functions that oscillate far from 0.

    Attributes:
        level: X is 2 to this power.
        highest: the highest frequency in any of the powers.
        height: Y.
    """

    def __init__(
        self, sides: Sequence[_Side], level: int, band: Sequence[sp.Expr], height: mpf
    ) -> None:
        """Keep the parts."""
        self._sides, self._positive = sides, band
        self._count = len(sides[0].powers)
        self.level, self.height = level, height
        self.highest = max(mpf(sp.N(k, mp.dps)) for k in band)

    @classmethod
    def of(
        cls,
        functions: Sequence[PiecewiseFunction],
        powers: Sequence[tuple[int, int]],
        parameters: Mapping[sp.Symbol, sp.Expr],
        digits: int,
    ) -> Oscillation | None:
        """Read functions.

        Args:
            functions: of x.
            powers: the terms, pairs of a place among the functions and a power.
            parameters: a value for every parameter.
            digits: to which what is left out is negligible.

        Returns:
            None if nothing oscillates, or not in this way, or through too many periods.
        """
        if not any(p.expr.atoms(sp.sin, sp.cos) for f in functions for p in f.pieces):
            return None
        sides: list[_Side] = []
        sizes = {sp.S.One}
        for sign, piece in ((1, -1), (-1, 0)):
            own = [f.pieces[piece].expr.subs(parameters).subs(x, sign * x) for f in functions]
            found = [_parts(expr) for expr in own]
            parts = [part for part in found if part is not None and not _is_real_only(part)]
            if len(parts) < len(functions):
                return None
            sides.append(_side(parts, powers))
            sizes |= {abs(n) for part in parts for g in part.values() for n in g.atoms(sp.Number)}
        ends = [abs(end.subs(parameters)) for f in functions for end in f.breakpoints]
        everywhere = {abs(k) for side in sides for power in side.powers for k in power.frequencies}
        band = sorted(everywhere - {sp.S.Zero}, key=lambda k: sp.N(k, 30))
        if not band:
            return None
        with mp.workdps(digits):
            lowest, highest = (mpf(sp.N(band[i], digits)) for i in (0, -1))
            height = (digits + _GUARD_DIGITS) * mpmath.log(10) / lowest
            numbers = [mpf(sp.N(size, 15)) for size in sizes if size.is_finite and size]
            spread = max(numbers) / min(numbers)
            edge = max([mpf(0), *(mpf(sp.N(end, 15)) for end in ends)])
            far = max(2 * height, 2 * spread, 4 * edge, _NEAREST)
            if far > _FARTHEST or far * highest > 2 * mp.pi * _MOST_PERIODS:
                return None
            return cls(sides, int(mpmath.ceil(mpmath.log(far, 2))), band, height)

    def slow(self, at: mpf) -> list[mpf]:
        """G₀(x) + G₀(−x) of every term, x beyond X."""
        totals = [mpf(0)] * self._count
        for side in self._sides:
            own = side.factors(at)
            for i, power in enumerate(side.powers):
                if sp.S.Zero in power.frequencies:
                    place = power.frequencies.index(sp.S.Zero)
                    totals[i] += mpmath.re(power.factors(own[power.function])[place])
        return totals

    def fast(self, at: mpc) -> list[mpc]:
        """Σ e^{ikx} G_k over k > 0 of every term, both sides together, x beyond X."""
        totals = [mpc(0)] * self._count
        waves = {k: mpmath.expj(mpf(sp.N(k, mp.dps)) * at) for k in self._positive}
        for side in self._sides:
            own = side.factors(at)
            for i, power in enumerate(side.powers):
                factors = power.factors(own[power.function])
                for k, factor in zip(power.frequencies, factors, strict=True):
                    if k in waves:
                        totals[i] += waves[k] * factor
        return totals


def _parts(expr: sp.Expr) -> Parts | None:
    """A function as a sum of exponentials times what does not oscillate; None if it is not one."""
    if not any(wave.has(x) for wave in expr.atoms(sp.sin, sp.cos)):
        return {sp.S.Zero: expr}
    if isinstance(expr, sp.sin | sp.cos):
        slope = expr.args[0].diff(x)
        if not (slope.is_number and slope.is_real):
            return None
        turn = sp.exp(sp.I * expr.args[0].subs(x, 0)) / 2
        if isinstance(expr, sp.sin):
            turn /= sp.I
        return {slope: turn, -slope: sp.conjugate(turn)}
    if expr.is_Pow and expr.exp.is_Integer and expr.exp.is_positive:
        inner = _parts(expr.base)
        return inner and _product([inner] * int(expr.exp))
    if not expr.is_Add and not expr.is_Mul:
        return None
    found = [_parts(part) for part in expr.args]
    parts = [part for part in found if part is not None]
    if len(parts) < len(found):
        return None
    return _sum(parts) if expr.is_Add else _product(parts)


def _sum(parts: Sequence[Parts]) -> Parts:
    total: Parts = {}
    for part in parts:
        for k, factor in part.items():
            total[k] = total.get(k, sp.S.Zero) + factor
    return total


def _product(parts: Sequence[Parts]) -> Parts:
    total: Parts = {sp.S.Zero: sp.S.One}
    for part in parts:
        total = _sum([{k + m: a * b} for k, a in total.items() for m, b in part.items()])
    return total


def _is_real_only(parts: Parts) -> bool:
    """Whether a factor is no analytic function."""
    return any(factor.has(*_REAL_ONLY) for factor in parts.values())


def _side(parts: Sequence[Parts], powers: Sequence[tuple[int, int]]) -> _Side:
    """The factors as one compiled function, and how they multiply."""
    factors = [_beyond(factor) for part in parts for factor in part.values()]
    compiled = sp.lambdify(x, factors, "mpmath", cse=True)
    lengths = [len(part) for part in parts]

    def evaluated(at: mpf | mpc) -> list[list[mpc]]:
        values = iter(compiled(at))
        return [[next(values) for _ in range(length)] for length in lengths]

    return _Side(evaluated, tuple(_power(i, list(parts[i]), power) for i, power in powers))


def _beyond(expr: sp.Expr) -> sp.Expr:
    """The softplus of what grows, on the branch that is analytic beside the real line."""

    def grown(u: sp.Expr) -> sp.Expr:
        return u + softplus(-u) if sp.N(u.subs(x, _FARTHEST)) > 0 else softplus(u)

    return expr.replace(softplus, grown)


def _power(function: int, own: Sequence[sp.Expr], power: int) -> _Power:
    frequencies, steps = [sp.S.Zero], []
    for _ in range(power):
        sums = [[k + m for m in own] for k in frequencies]
        longer = list(dict.fromkeys(k for row in sums for k in row))
        steps.append(
            tuple((i, j, longer.index(k)) for i, row in enumerate(sums) for j, k in enumerate(row))
        )
        frequencies = longer
    return _Power(function, tuple(frequencies), tuple(steps))
