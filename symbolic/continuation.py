"""Continuation of a spectral curve: from an eigenvalue λ to the density there, in numbers.

A law whose S-transform is known gives λ as an analytic function of auxiliary complex variables,
with m = M(λ). The solution is continued from large |λ|, where m ≈ m_1/λ, along the imaginary axis
and down to the real one; then G(λ) = (1+m)/λ and ρ = −Im G/π. The variables are chosen so that
the curve is smooth in them: no branch is to be chosen on the way. Everything is in log λ, so that a
depth of 10⁴ does not overflow.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any

import flint
import mpmath
import sympy as sp
from mpmath import mp

from freejac.symbolic.domain import finite
from freejac.symbolic.errors import DomainError, NotConvergedError

__all__ = ["SpectralCurve", "real_roots"]

Real = Any
"""An mpmath real; mpmath has no types."""
Complex = Any
Point = list[Any]
"""The auxiliary variables."""

GUARD = 15
"""Digits carried beyond those aimed at."""
_NEWTON_STEPS = 12
_MAX_STEPS = 4000
_SHORT, _LONGEST, _CLOSE = 0.25, 8.0, 1e-4
"""How far a step may go, in log ζ; and how near the prediction of one has to be that is not short.
"""
_MOST_DIGITS = 1000


class SpectralCurve(ABC):
    """A law on [0, ∞) given by a curve: λ and m as analytic functions of auxiliary variables.

    Attributes:
        digits: correct digits aimed at.
    """

    def __init__(self, digits: int) -> None:
        """Check the number of digits.

        Raises:
            DomainError: it lies outside 5 … 1000.
        """
        if not 5 <= digits <= _MOST_DIGITS:
            raise DomainError(f"digits must lie between 5 and {_MOST_DIGITS}, not {digits}")
        self.digits = digits

    @abstractmethod
    def _start(self, log_lam: Real) -> tuple[Point, Complex]:
        """A point near the curve at large |λ|, and log λ there, λ on the imaginary axis.

        It is at |λ| itself where that is so large, else as far down as the start is good.
        """

    @abstractmethod
    def _residuals(self, point: Point) -> list[Complex] | None:
        """Log λ at a point, its imaginary part up to 2π, then what has to vanish; None: a pole."""

    @abstractmethod
    def _tangent(self, point: Point, defects: list[Complex]) -> Point | None:
        """The step of the variables that changes `_residuals` by `defects`; None if singular."""

    @abstractmethod
    def _one_plus_m(self, point: Point) -> Complex:
        """1 + m at a point."""

    @abstractmethod
    def _edge_candidates(self) -> list[Real]:
        """Positive λ among which are all ends of the support but 0, sorted, without repetition."""

    def density(self, lams: Sequence[object]) -> list[Real]:
        """ρ at each λ: 0 outside the support, ∞ at a hard edge at 0.

        Args:
            lams: real numbers, in any order.

        Returns:
            mpmath numbers.

        Raises:
            DomainError: a λ is not a finite real number.
            NotConvergedError: the continuation did not reach a λ; its message says which.
        """
        with mp.workdps(self.digits + GUARD):
            points = [finite("lambda", value) for value in lams]
            found: dict[Real, Real] = {}
            for lower, upper in self.support:
                found |= self._densities_within(sorted({t for t in points if lower < t < upper}))
                if lower == 0:
                    found[mp.zero] = mp.inf
            return [found.get(t, mp.zero) for t in points]

    def stieltjes(self, point: object) -> Complex:
        """G at a point of the upper half-plane.

        Raises:
            DomainError: the point is not above the real axis.
            NotConvergedError: the continuation did not reach it.
        """
        with mp.workdps(self.digits + GUARD):
            number = mp.mpc(point.evalf(mp.dps) if isinstance(point, sp.Expr) else point)
            if not (mp.isfinite(number) and number.imag > 0):
                raise DomainError(f"G is continued in the upper half-plane; {point} is not in it")
            place = mp.log(number)
            variables = self._follow(*self._above(place.real), place)
            return self._one_plus_m(variables) / number

    @cached_property
    def support(self) -> list[tuple[Real, Real]]:
        """The intervals of the continuous spectrum, ascending.

        Between neighbouring candidates the density does not change from zero to positive, so one
        point between each pair tells.
        """
        with mp.workdps(self.digits + GUARD):
            ends = [mp.zero, *self._edge_candidates()]
            intervals: list[tuple[Real, Real]] = []
            high: tuple[Point, Complex] | None = None
            for lower, upper in reversed(list(pairwise(ends))):
                middle = mp.log(mp.sqrt(lower * upper) if lower else upper / 2)
                high = self._above(middle, high)
                if not self._is_inside(self._follow(*high, mp.mpc(middle, 0))):
                    continue
                if intervals and intervals[0][0] == upper:
                    intervals[0] = (lower, intervals[0][1])
                else:
                    intervals.insert(0, (lower, upper))
            return intervals

    def _sorted_candidates(self, found: set[Real]) -> list[Real]:
        """Sort, and drop what is the same within the digits aimed at."""
        close = 1 + mp.mpf(10) ** (-self.digits)
        ordered = sorted(found)
        return [
            t for below, t in zip([mp.zero, *ordered], ordered, strict=False) if t > below * close
        ]

    def _densities_within(self, points: list[Real]) -> dict[Real, Real]:
        """ρ at sorted points of one interval, each continued from the one before."""
        result: dict[Real, Real] = {}
        at: Point | None = None
        last: Real = None
        for point in points:
            goal = mp.log(point)
            at = self._solve(goal) if at is None else self._follow(at, last, goal)
            result[point] = -(self._one_plus_m(at) / point).imag / mp.pi
            last = goal
        return result

    def _solve(self, log_lam: Real) -> Point:
        """The variables at λ + i0."""
        return self._follow(*self._above(log_lam), mp.mpc(log_lam, 0))

    def _above(
        self, log_lam: Real, start: tuple[Point, Complex] | None = None
    ) -> tuple[Point, Complex]:
        """The variables at iλ, and log iλ; from those at another place there, or from |λ| → ∞."""
        guess, far = self._start(log_lam)
        if start is None or start[1].real > far.real:
            point = self._newton(guess, far)
            if point is None:
                raise NotConvergedError("no start of the density at large |λ|; raise digits")
            start = (point, far)
        corner = mp.mpc(log_lam, mp.pi / 2)
        return self._follow(*start, corner), corner

    def _follow(self, point: Point, start: Complex, end: Complex) -> Point:
        """Continue the solution along a straight line in log λ, with an adaptive step."""
        done, step = mp.zero, mp.mpf(1)
        for _ in range(_MAX_STEPS):
            if done >= 1:
                return point
            step = min(step, 1 - done)
            here, there = start + done * (end - start), start + (done + step) * (end - start)
            move = self._tangent(point, [there - here] + [mp.zero] * (len(point) - 1))
            arrived = self._step(point, move, there) if move is not None else None
            if arrived is not None:
                point, done, step = arrived, done + step, 2 * step
                continue
            step /= 2
            if step < mp.mpf(10) ** (-self.digits - GUARD // 2):
                break
        raise NotConvergedError(
            f"the density was not reached at log λ = {mpmath.nstr(end, 8)}: "
            "move λ away from the edge, or raise digits"
        )

    def _step(self, point: Point, move: Point, log_lam: Complex) -> Point | None:
        """Correct one predicted step; None when it was too long to be trusted."""
        length = _relative(move, point)
        if not length < _LONGEST:
            return None
        # far outside the spectrum ζ is proportional to λ: the step is taken in log ζ
        guess = [v * mp.exp(d / v) for v, d in zip(point, move, strict=True)]
        arrived = self._newton(guess, log_lam)
        if arrived is None:
            return None
        missed = _relative([a - g for a, g in zip(arrived, guess, strict=True)], guess)
        # a step as short as rounding errors may be missed by as much as these
        noise = mp.mpf(10) ** (-self.digits)
        near = missed <= (max(length / 2, noise) if length < _SHORT else _CLOSE)
        above = all(a.imag > -abs(a) * mp.mpf(10) ** (-self.digits) for a in arrived)
        return arrived if near and above else None

    def _newton(self, guess: Point, log_lam: Complex) -> Point | None:
        """Newton's iteration for log λ = log_lam; None when it does not settle."""
        tolerance = mp.mpf(10) ** (-self.digits - GUARD // 2)
        point = guess
        for _ in range(_NEWTON_STEPS):
            residuals = self._residuals(point)
            if residuals is None:
                return None
            miss = log_lam - residuals[0]
            defects = [mp.mpc(miss.real, wrapped(miss.imag)), *(-r for r in residuals[1:])]
            move = self._tangent(point, defects)
            if move is None:
                return None
            point = [v + d for v, d in zip(point, move, strict=True)]
            if all(abs(d) <= tolerance * abs(v) for v, d in zip(point, move, strict=True)):
                return point
        return None

    def _is_inside(self, point: Point) -> bool:
        """Whether the solution left the real axis: the density is positive."""
        small = mp.mpf(10) ** (-self.digits // 2)
        return any(abs(v.imag) > abs(v) * small for v in point)


def _relative(move: Point, point: Point) -> Real:
    """The largest step in units of the variable that makes it."""
    return max(abs(d / v) for d, v in zip(move, point, strict=True))


def wrapped(angle: Real) -> Real:
    """Bring an angle into (−π, π] by a multiple of 2π."""
    return angle - 2 * mp.pi * mp.nint(angle / (2 * mp.pi))


def real_roots(polynomial: sp.Poly, digits: int) -> list[Real]:
    """Distinct real roots of a polynomial with rational coefficients, at the working precision.

    A root whose imaginary part vanishes to the given digits counts: the coefficients may be
    rounded.

    >>> real_roots(sp.Poly("(t**2 - 4)*(t**2 + 1)"), 10)
    [mpf('-2.0'), mpf('2.0')]
    """
    if polynomial.degree() < 1:
        return []
    _, integral = polynomial.clear_denoms(convert=True)
    coefficients = [int(c) for c in reversed(integral.all_coeffs())]
    close = mp.mpf(10) ** (-digits)
    with flint.ctx.workprec(mp.prec + 10):
        roots = [root for root, _ in flint.fmpz_poly(coefficients).complex_roots()]
        pairs = [(_midpoint(root.real), _midpoint(root.imag)) for root in roots]
    return sorted(real for real, imaginary in pairs if abs(imaginary) <= close * abs(real))


def _midpoint(ball: flint.arb) -> Real:
    mantissa, exponent = ball.mid().man_exp()
    return mp.ldexp(mp.mpf(int(mantissa)), int(exponent))
