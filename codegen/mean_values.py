"""E[f(√q z)ⁿ] to many digits at many q: the definition, Dirac deltas among it.

>>> from freejac.symbolic.piecewise import decompose
>>> from freejac.symbolic.symbols import x
>>> step = decompose(sp.Max(0, x)).derivative()
>>> values = MeanValues([(step, 2), (step.derivative(), 1)], 20)
>>> [mp.nstr(value, 10) for value in values(1)]
['0.5', '0.3989422804']
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sympy as sp
from mpmath import mp, mpf

from freejac.symbolic.domain import Number, finite
from freejac.symbolic.mean_curve import MeanCurve
from freejac.symbolic.piecewise import PiecewiseFunction
from freejac.symbolic.quadrature import delta_part

__all__ = ["MeanValues", "Term"]

_GUARD_DIGITS = 15
_LEAST_DIGITS = 330

Term = tuple[PiecewiseFunction, int]


class MeanValues:
    """Gaussian means as functions of q, at fixed parameters.

    Args:
        terms: pairs of a function and a positive power.
        digits: digits of the results, relative to E|fⁿ|.
        parameters: a value for every parameter.
        more: further digits for odd powers: such a mean may be far smaller than E|fⁿ|.
        adaptive: whether a q is taken at which fixed panels do not resolve f; it may take seconds.
        relative: for every term, whether its digits are to be those of the mean itself however much
            cancels in it, down to the least double; Dirac deltas are not counted.

    Raises:
        DomainError: a parameter has no value.
    """

    def __init__(
        self,
        terms: Sequence[Term],
        digits: int,
        parameters: Mapping[sp.Symbol, Number] | None = None,
        *,
        more: int = 0,
        adaptive: bool = True,
        relative: Sequence[bool] = (),
    ) -> None:
        """Sort the terms by the digits that they need."""
        self._terms, self._parameters = list(terms), dict(parameters or {})
        self._digits = digits + more
        self._relative = list(relative) or [False] * len(self._terms)
        self._deep: dict[int, MeanCurve] = {}
        groups: dict[int, list[int]] = {}
        for place, (_, power) in enumerate(terms):
            groups.setdefault(digits + more * (power % 2), []).append(place)
        self._curves = [
            (places, self._curve([terms[place] for place in places], count, adaptive))
            for count, places in groups.items()
        ]

    def _curve(self, terms: list[Term], digits: int, adaptive: bool) -> MeanCurve:
        return MeanCurve(terms, self._parameters, digits, adaptive=adaptive)

    def __call__(self, variance: Number) -> list[mpf]:
        """One mean a term at variance q > 0.

        Raises:
            DomainError: q is not positive, or a mean is infinite.
            NotConvergedError: an integrand cannot be resolved.
        """
        values = [mpf(0)] * len(self._terms)
        for places, curve in self._curves:
            for place, (value, size) in zip(places, curve.sized(variance), strict=True):
                cancels = abs(value) < size * mpf(10) ** (-self._digits // 2)
                deep = cancels and self._relative[place]
                values[place] = self._deeper(place, variance) if deep else value
        with mp.workdps(self._digits + _GUARD_DIGITS):
            q = finite("the variance q", variance)
            return [
                value + delta_part(f, q, self._parameters) if f.deltas else value
                for (f, _), value in zip(self._terms, values, strict=True)
            ]

    def _deeper(self, place: int, variance: Number) -> mpf:
        """The mean with as many digits as tell it from 0, unless it is below every double."""
        if place not in self._deep:
            digits = _LEAST_DIGITS + self._digits
            self._deep[place] = self._curve([self._terms[place]], digits, adaptive=False)
        (value,) = self._deep[place](variance)
        return value
