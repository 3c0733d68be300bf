"""E[f(√q z)ⁿ] as functions of q, for many values of q.

`gaussian_means` adapts its panels to one q. Here panels are kept (`mean_panels`), and the functions
are evaluated on each of them only once, however many q follow; the Gaussian weight alone depends on
q. Each panel is checked a posteriori, and halved where it fails; a q at which that would take too
many is handed to `gaussian_means`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import mpmath
import sympy as sp
from mpmath import mp, mpf

from freejac.symbolic.ball_pieces import ball_pieces
from freejac.symbolic.balls import working_bits
from freejac.symbolic.band_limited import band_limited
from freejac.symbolic.domain import Number, finite
from freejac.symbolic.errors import DomainError, NotConvergedError
from freejac.symbolic.mean_panels import MeanPanels, Segment
from freejac.symbolic.oscillation import Oscillation
from freejac.symbolic.piecewise import PiecewiseFunction
from freejac.symbolic.quadrature import Vector, exact_number, gaussian_means

__all__ = ["MeanCurve"]

_GUARD_DIGITS = 15
_NOISE_DIGITS = 5
_FARTHEST = 80
_INNERMOST = (-1, -8, -16)
_FEW_LEVELS = 3


class MeanCurve:
    """Gaussian means at many q, at fixed parameters.

    Args:
        terms: pairs of a function and a positive power; Dirac deltas are left out.
        parameters: a value for every parameter.
        digits: digits of the results, relative to E|fⁿ|.
        adaptive: whether a q at which a panel fails is handed to `gaussian_means`, which may take
            seconds for each.

    Raises:
        DomainError: a parameter has no value.

    >>> from freejac.symbolic.piecewise import decompose
    >>> from freejac.symbolic.symbols import x
    >>> square = MeanCurve([(decompose(sp.Max(0, x)), 2)], {}, 20)
    >>> [mpmath.nstr(square(q)[0], 15) for q in (1, 4)]
    ['0.5', '2.0']
    """

    def __init__(
        self,
        terms: Sequence[tuple[PiecewiseFunction, int]],
        parameters: Mapping[sp.Symbol, Number],
        digits: int,
        *,
        adaptive: bool = True,
    ) -> None:
        """Compile the functions."""
        self._adaptive = adaptive
        self._terms, self._parameters, self._digits = list(terms), dict(parameters), digits
        functions = list(dict.fromkeys(function for function, _ in terms))
        self._powers = [(functions.index(function), power) for function, power in terms]
        exact = {s: exact_number(value) for s, value in self._parameters.items()}
        self._waves = band_limited(functions, exact)
        self._innermost: tuple[int, ...] = _INNERMOST
        with mp.workdps(digits + _GUARD_DIGITS):
            with working_bits(mp.prec):
                pieces = ball_pieces(functions, self._parameters)
            self._ends = sorted({abs(low) for low, _, _ in pieces[1:]})
            far = None
            if self._waves is None:
                far = Oscillation.of(functions, self._powers, exact, digits)
            self._panels = MeanPanels(pieces, self._powers, digits, far)
            if far is not None and not self._is_seamless(far):
                self._panels = MeanPanels(pieces, self._powers, digits)

    def __call__(self, variance: Number) -> Vector:
        """One mean a term at variance q > 0.

        Raises:
            DomainError: q is not positive, or a mean is infinite.
            NotConvergedError: an integrand cannot be resolved.
        """
        return [mean for mean, _ in self.sized(variance)]

    def sized(self, variance: Number) -> list[tuple[mpf, mpf]]:
        """One mean a term with E|fⁿ|, on which its digits are counted.

        Raises:
            DomainError: q is not positive, or a mean is infinite.
            NotConvergedError: an integrand cannot be resolved.
        """
        with mp.workdps(self._digits + _GUARD_DIGITS):
            q = finite("the variance q", variance)
            if not q > 0:
                raise DomainError(f"the variance q must be positive, not {variance}")
            if self._waves is not None:
                means = [self._waves[i].mean(n, q, self._digits) for i, n in self._powers]
                return [_without_noise(*mean, self._digits) for mean in means]
            totals = self._refined(q)
        if totals is None and not self._adaptive:
            raise NotConvergedError(f"a mean at q = {mpmath.nstr(q, 6)} is not resolved by panels")
        if totals is None:
            values = gaussian_means(self._terms, variance, self._digits, self._parameters)
            return [(value, abs(value)) for value in values]
        return totals

    def _refined(self, q: mpf) -> list[tuple[mpf, mpf]] | None:
        """Means on panels that are fine enough; None if they would be too many.

        How fine is remembered for the next q.
        """
        while True:
            totals, rough = self._summed(q, self._innermost[0])
            if totals is not None:
                return totals
            if len(self._innermost) > 1:
                self._innermost = self._innermost[1:]
            elif not rough or not self._panels.bisect(rough):
                return None

    def _summed(
        self, q: mpf, innermost: int, *, one_by_one: bool = False
    ) -> tuple[list[tuple[mpf, mpf]] | None, list[Segment]]:
        """Add panels outward until they are negligible; with those that are not resolved.

        What is 0 around the origin is followed beyond its last breakpoint.
        """
        width = mpmath.sqrt(q)
        tolerance = mpf(10) ** -self._digits
        # The innermost panel ends below both scales, that of f and √q/4.
        inner = min(innermost, _floor_log2(width) - 2)
        reach = _floor_log2(width * mpmath.sqrt(2 * self._digits * mpmath.log(10))) + 1
        last = _floor_log2(self._ends[-1]) + 2 if any(self._ends) else inner
        totals = sizes = [mpf(0)] * len(self._terms)
        tails = [mpf(0)] * len(self._terms)
        added: list[tuple[Segment, Vector]] = []
        start, together = inner, _floor_log2(width) - 1
        if together - inner > _FEW_LEVELS and not one_by_one:
            moments = self._panels.inside(inner, together)
            start, tails = together + 1, list(moments.tails)
            weighted = moments.weighted(q)
            totals, sizes = [row[0] for row in weighted], [row[3] for row in weighted]
        for level in range(start, inner + _FARTHEST):
            parts, heights = [mpf(0)] * len(self._terms), [mpf(0)] * len(self._terms)
            for segment in self._panels.at(level, level == inner):
                weighted = segment.weighted(q)
                added.append((segment, [max(abs(row[1]), abs(row[2])) for row in weighted]))
                for i, (part, _, _, size) in enumerate(weighted):
                    parts[i] += part
                    tails[i] += added[-1][1][i]
                    heights[i] += size
            totals = [t + part for t, part in zip(totals, parts, strict=True)]
            sizes = [s + height for s, height in zip(sizes, heights, strict=True)]
            small = all(h <= tolerance * s for h, s in zip(heights, sizes, strict=True))
            begun = level >= last or all(s > 0 for s in sizes)
            if level >= reach and small and begun:
                break
        else:
            return None, []
        if any(tail > tolerance * size for tail, size in zip(tails, sizes, strict=True)):
            if start > inner:
                return self._summed(q, innermost, one_by_one=True)
            allowed = [tolerance * size / len(added) for size in sizes]
            return None, [
                segment
                for segment, own in added
                if any(tail > most for tail, most in zip(own, allowed, strict=True))
            ]
        scale = width * mpmath.sqrt(2 * mp.pi)
        means = [
            _without_noise(total / scale, size / scale, self._digits)
            for total, size in zip(totals, sizes, strict=True)
        ]
        return means, []

    def _is_seamless(self, far: Oscillation) -> bool:
        """Whether the way upward from X/2 leads to what that from X and the panels between do."""
        low, high = mpf(2) ** (far.level - 1), mpf(2) ** far.level
        panels, found = self._panels, []
        for way in (
            (*panels.slow(low, high), *panels.upward(low)),
            (*panels.at(far.level, False), *panels.upward(high)),
        ):
            rows = [segment.weighted(high**2) for segment in way]
            terms = range(len(self._terms))
            found.append([[mpmath.fsum(row[i][j] for row in rows) for j in (0, 3)] for i in terms])
        tolerance = mpf(10) ** -self._digits
        return all(abs(a - b) <= tolerance * size for (a, _), (b, size) in zip(*found, strict=True))


def _without_noise(mean: mpf, size: mpf, digits: int) -> tuple[mpf, mpf]:
    """What cancels to the rounding errors is 0."""
    noise = mpf(10) ** -(digits + _NOISE_DIGITS)
    return (mean if abs(mean) > noise * size else mpf(0)), size


def _floor_log2(value: mpf) -> int:
    return int(mpmath.floor(mpmath.log(value, 2)))
