"""E[f(√q z)ⁿ] of sums and products of sines and cosines, by the trapezoidal rule, at any q.

Such an f is entire, and |f(x + iy)| ≤ M e^{τ|y|}: sin(ax + b) has M = 1 and τ = |a|, sums have the
sum of the M and the largest τ, products the product of the M and the sum of the τ. By Poisson's
summation formula the error of the rule with step h is the sum of ∫ f(x) e^{2πikx/h} over k ≠ 0
against the normal density; moved to Im x = q(2πk/h − τ), each is at most

    M exp(−q (2πk/h − τ)²/2).

The step is of the order of 1/τ however large q is, but the number of points grows with √q. Where
f has a period 2π/g, another bound takes over: the density folded into one period differs from the
even one by at most 2 Σ e^{−q g² k²/2} of it, k ≥ 1, so that the mean is the average over the
period, which a rule of more than τ/g points gives exactly.

>>> from freejac.symbolic.piecewise import decompose
>>> from freejac.symbolic.symbols import x
>>> sine = BandLimited.of(decompose(sp.sin(x)), {})
>>> mpmath.nstr(sine.mean(2, 1, 20)[0], 15), mpmath.nstr(sine.mean(2, 10**12, 20)[0], 15)
('0.432332358381694', '0.5')
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import mpmath
import sympy as sp
from mpmath import mp, mpf

from freejac.symbolic.domain import Number
from freejac.symbolic.errors import NotConvergedError
from freejac.symbolic.piecewise import PiecewiseFunction
from freejac.symbolic.symbols import x

__all__ = ["BandLimited", "band_limited"]

_GUARD_DIGITS = 10
_MOST_POINTS = 10**5
_MOST_MISSING = 400
"""By how many digits E|fⁿ| may be smaller than Mⁿ; what is even smaller is 0."""


@dataclass(frozen=True)
class BandLimited:
    """A function of exponential type that is bounded on the real line.

    Attributes:
        expr: in x alone.
        type: τ.
        bound: M.
    """

    expr: sp.Expr
    type: sp.Expr
    bound: sp.Expr

    @classmethod
    def of(
        cls, function: PiecewiseFunction, parameters: Mapping[sp.Symbol, sp.Expr]
    ) -> BandLimited | None:
        """Read a function; None if it is not made of sines, cosines and numbers alone."""
        if len(function.pieces) > 1 or function.deltas:
            return None
        expr = function.pieces[0].expr.subs(parameters)
        found = _growth(expr)
        return cls(expr, *found) if found is not None and expr.has(x) else None

    def mean(self, power: int, variance: Number, digits: int) -> tuple[mpf, mpf]:
        """E[fⁿ] and E|fⁿ|.

        Args:
            power: n, positive.
            variance: q > 0.
            digits: digits of the mean, relative to E|fⁿ|.

        Raises:
            NotConvergedError: q is so large that the rule has too many points, and f no period.
        """
        wanted = digits
        while True:
            with mp.workdps(wanted + _GUARD_DIGITS):
                value, size = self._mean(power, mpf(variance), wanted)
                height = mpf(sp.N(self.bound, 15)) ** power
                missing = int(mpmath.log10(height / size)) + 1 if size else _MOST_MISSING
            if wanted >= digits + min(missing, _MOST_MISSING):
                return value, size
            wanted = digits + min(missing, _MOST_MISSING)

    def _mean(self, power: int, q: mpf, digits: int) -> tuple[mpf, mpf]:
        """The same, with an error of 10⁻ᵈⁱᵍⁱᵗˢ Mⁿ."""
        accuracy = digits * mpmath.log(10) + 2
        top = power * mpf(sp.N(self.type, mp.dps))
        if self._base is not None:
            base = mpf(sp.N(self._base, mp.dps))
            if q * base**2 / 2 > accuracy:
                count = int(top / base) + 16
                turns = [2 * mp.pi * k / (base * count) for k in range(count)]
                return self._sums(power, [(turn, mpf(1) / count) for turn in turns])
        step = 2 * mp.pi / (top + mpmath.sqrt(2 * accuracy / q))
        count = int(mpmath.sqrt(2 * accuracy * q) / step) + 1
        if count > _MOST_POINTS:
            raise NotConvergedError(
                f"a mean at q = {mpmath.nstr(q, 6)} takes {2 * count + 1} points, and it has no "
                "period; take a smaller q"
            )
        scale = step / mpmath.sqrt(2 * mp.pi * q)
        nodes = [(k * step, scale * mpmath.exp(-((k * step) ** 2) / (2 * q))) for k in range(count)]
        return self._sums(power, [*nodes, *((-at, weight) for at, weight in nodes[1:])])

    def _sums(self, power: int, rule: Sequence[tuple[mpf, mpf]]) -> tuple[mpf, mpf]:
        products = [weight * self._values(at) ** power for at, weight in rule]
        return mpmath.fsum(products), mpmath.fsum(products, absolute=True)

    @cached_property
    def _values(self) -> Callable[[mpf], mpf]:
        return sp.lambdify(x, self.expr, "mpmath", cse=True)

    @cached_property
    def _base(self) -> sp.Expr | None:
        """The g of the period 2π/g, if the frequencies have a common divisor."""
        waves = [wave for wave in self.expr.atoms(sp.sin, sp.cos) if wave.has(x)]
        frequencies = [abs(wave.args[0].diff(x)) for wave in waves]
        ratios = [sp.simplify(frequency / frequencies[0]) for frequency in frequencies]
        if not all(ratio.is_Rational for ratio in ratios):
            return None
        shared = sp.Rational(sp.igcd(0, *(r.p for r in ratios)), sp.ilcm(1, *(r.q for r in ratios)))
        return frequencies[0] * shared


def band_limited(
    functions: Iterable[PiecewiseFunction], parameters: Mapping[sp.Symbol, sp.Expr]
) -> list[BandLimited] | None:
    """All functions read, or None if one of them is something else."""
    found = []
    for function in functions:
        wave = BandLimited.of(function, parameters)
        if wave is None:
            return None
        found.append(wave)
    return found


def _growth(expr: sp.Expr) -> tuple[sp.Expr, sp.Expr] | None:
    """τ and M, or None."""
    if expr.is_number:
        return (sp.S.Zero, abs(expr)) if expr.is_real else None
    if isinstance(expr, sp.sin | sp.cos):
        slope = expr.args[0].diff(x)
        return (abs(slope), sp.S.One) if slope.is_number and slope.is_real else None
    if expr.is_Pow and expr.exp.is_Integer and expr.exp.is_positive:
        inner = _growth(expr.base)
        return inner and (inner[0] * expr.exp, inner[1] ** expr.exp)
    if not expr.is_Add and not expr.is_Mul:
        return None
    parts = [_growth(part) for part in expr.args]
    if any(part is None for part in parts):
        return None
    types, bounds = zip(*parts, strict=True)
    return (sp.Max(*types), sp.Add(*bounds)) if expr.is_Add else (sp.Add(*types), sp.Mul(*bounds))
