"""The rational function in t that comes nearest to given values, relatively, over many decades.

Poles and zeros of a Gaussian mean lie about the negative half-axis of t = √q; so do those of its
best rational approximations, whose coefficients are then all positive: on t > 0 they have no pole,
and Horner's rule loses nothing to cancellation. It is the numerator and the denominator that are
found, from a linear least-squares problem whose weights are corrected in turns: by the denominator
of the turn before (Sanathanan & Koerner), so that the error is that of the quotient, and by its
error (Lawson), so that the largest error falls.

Source: Sanathanan & Koerner (1963), IEEE Trans. Autom. Control 8, 56; Lawson (1961), PhD thesis,
    UCLA; as combined by Nakatsukasa, Sète & Trefethen (2018), SIAM J. Sci. Comput. 40, A1494.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import flint

from freejac.symbolic.balls import working_bits

__all__ = ["BITS", "Fit", "rational_fit"]

BITS = 420
"""Bits of the normal equations, whose condition number is the square of the problem's."""
_TURNS = 10
_PLAIN_TURNS = 2
_LEAST_WEIGHT = 1e-3
_OUT_OF_REACH = 1e3


@dataclass(frozen=True)
class Fit:
    """tᵃ P(t)/Q(t), with Q(0) = 1.

    Attributes:
        error: largest relative error at the points.
        above: coefficients of P, the constant first.
        below: coefficients of Q.
    """

    error: float
    above: tuple[Any, ...]
    below: tuple[Any, ...]

    @property
    def one_signed(self) -> bool:
        """Whether neither P nor Q can cancel or vanish on t > 0."""
        first = self.above[0] > 0
        return all((c > 0) == first for c in self.above) and all(c > 0 for c in self.below)


def rational_fit(
    points: Sequence[Any],
    values: Sequence[Any],
    lead: int,
    degrees: tuple[int, int],
    scale: Any,
    *,
    goal: float = 0.0,
) -> Fit | None:
    """Fit tᵃ P(t)/Q(t) to values.

    Args:
        points: t > 0, as balls.
        values: what is fitted, none of them 0.
        lead: the exponent a.
        degrees: of P and Q.
        scale: a t about which the values bend: the equations are well conditioned there.
        goal: an error that is wanted; turns end where it is reached or out of reach.

    Returns:
        The best fit of all turns; None where the equations are singular.
    """
    with working_bits(BITS):
        problem = _Problem(points, values, lead, degrees, scale)
        try:
            return problem.solve(goal)
        except ZeroDivisionError:
            return None


class _Problem:
    """In v = (t − s)/(t + s), on Chebyshev polynomials; P and Q of t follow exactly."""

    def __init__(
        self,
        points: Sequence[Any],
        values: Sequence[Any],
        lead: int,
        degrees: tuple[int, int],
        scale: Any,
    ) -> None:
        self._degrees, self._scale = degrees, scale
        above, below = degrees
        size = max(degrees)
        rows = [_chebyshev((t - scale) / (t + scale), 2 * size) for t in points]
        self._doubled = flint.arb_mat(rows)
        self._table = flint.arb_mat([row[: size + 1] for row in rows])
        self._goals = [
            (value / (t**lead * (t + scale) ** (above - below))).mid()
            for t, value in zip(points, values, strict=True)
        ]

    def solve(self, goal: float) -> Fit:
        count, best = len(self._goals), None
        below, weights = [flint.arb(1)] * count, [1.0] * count
        for turn in range(_TURNS):
            solution = self._least_squares(below, weights)
            above, below = self._evaluated(solution)
            errors = [
                abs(float((p / (q * goal) - 1).mid()))
                for p, q, goal in zip(above, below, self._goals, strict=True)
            ]
            worst = max(errors)
            if not math.isfinite(worst):
                break
            if best is None or worst < best[0]:
                best = (worst, solution)
            if best[0] <= goal or (turn > _PLAIN_TURNS and best[0] > _OUT_OF_REACH * goal > 0):
                break
            if turn >= _PLAIN_TURNS:
                weights = [
                    weight * (error / worst + _LEAST_WEIGHT)
                    for weight, error in zip(weights, errors, strict=True)
                ]
                mean = math.fsum(weights) / count
                weights = [weight / mean for weight in weights]
        if best is None:
            raise ZeroDivisionError
        return self._in_t(*best)

    def _least_squares(self, below: Sequence[Any], weights: Sequence[float]) -> list[Any]:
        """Coefficients of P, then those of Q beyond its first, which is 1.

        Since 2 T_j T_k = T_{j+k} + T_{|j−k|}, the normal equations are sums of three sequences of
        weighted means of T_n: those of P with P, of P with Q and of Q with Q.
        """
        squares: list[list[Any]] = [[], [], []]
        for goal, q, weight in zip(self._goals, below, weights, strict=True):
            of_q = flint.arb(math.sqrt(weight)) / q
            of_p = of_q / goal
            for into, square in zip(squares, (of_p**2, of_p * of_q, of_q**2), strict=True):
                into.append(square)
        means = (flint.arb_mat(squares) * self._doubled).mid().tolist()
        above_degree, below_degree = self._degrees
        terms = [(0, k) for k in range(above_degree + 1)]
        terms += [(1, k) for k in range(1, below_degree + 1)]
        rows, right = [], []
        for side, j in terms:
            rows.append(
                [
                    (-1) ** (side + other)
                    * (means[side + other][j + k] + means[side + other][abs(j - k)])
                    for other, k in terms
                ]
            )
            right.append([2 * (-1) ** side * means[side + 1][j]])
        normal, moments = flint.arb_mat(rows).mid(), flint.arb_mat(right).mid()
        return [entry.mid() for entry in normal.solve(moments).entries()]

    def _split(self, solution: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        cut = self._degrees[0] + 1
        return list(solution[:cut]), [flint.arb(1), *solution[cut:]]

    def _evaluated(self, solution: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """P and Q at the points."""
        parts = [
            [*part, *[flint.arb(0)] * (self._table.ncols() - len(part))]
            for part in self._split(solution)
        ]
        above, below = (flint.arb_mat(parts) * self._table.transpose()).mid().tolist()
        return above, below

    def _in_t(self, error: float, solution: Sequence[Any]) -> Fit:
        above, below = (
            _monomials(part, degree, self._scale)
            for part, degree in zip(self._split(solution), self._degrees, strict=True)
        )
        unit = below[0]
        return Fit(
            error, tuple((c / unit).mid() for c in above), tuple((c / unit).mid() for c in below)
        )


def _chebyshev(v: Any, degree: int) -> list[Any]:
    values = [flint.arb(1), v.mid()]
    for _ in range(degree - 1):
        values.append((2 * v * values[-1] - values[-2]).mid())
    return values[: degree + 1]


def _monomials(coefficients: Sequence[Any], degree: int, scale: Any) -> list[Any]:
    """(t + s)ᵈ Σ c_k T_k((t − s)/(t + s)) as a polynomial in t."""
    low, high = flint.fmpz_poly([1]), flint.fmpz_poly([0, 1])
    in_v = flint.arb_poly([0])
    for coefficient in coefficients:
        in_v += flint.arb_poly([coefficient]) * flint.arb_poly(low)
        low, high = high, flint.fmpz_poly([0, 2]) * high - low
    minus, plus = flint.arb_poly([-scale, 1]), flint.arb_poly([scale, 1])
    total = flint.arb_poly([0])
    for k in range(degree + 1):
        total += flint.arb_poly([in_v[k]]) * minus**k * plus ** (degree - k)
    return [total[k] for k in range(degree + 1)]
