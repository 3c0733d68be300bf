"""E[f(√q z)ⁿ] to many digits at many q: the definition, Dirac deltas among it.

A mean of both signs may be far smaller than what is integrated: it gets more digits.

>>> from freejac.symbolic.piecewise import decompose
>>> from freejac.symbolic.symbols import x
>>> step = decompose(sp.Max(0, x)).derivative()
>>> values = MeanValues([(step, 2), (step.derivative(), 1)], 20)
>>> [mp.nstr(value, 10) for value in values(1)]
['0.5', '0.3989422804']
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import compress

import sympy as sp
from mpmath import mp, mpf

from freejac.symbolic.domain import Number, finite
from freejac.symbolic.mean_curve import MeanCurve
from freejac.symbolic.piecewise import PiecewiseFunction
from freejac.symbolic.quadrature import delta_part

__all__ = ["MeanValues", "Term"]

Term = tuple[PiecewiseFunction, int]

_MORE_DIGITS = 22
"""For means of both signs: at q = 10¹², E[φ′² + φφ″] of tanh is 10⁻¹⁸ of what is integrated."""


class MeanValues:
    """Gaussian means as functions of q, at fixed parameters.

    Args:
        terms: pairs of a function and a positive power.
        digits: digits of the results, even powers; for the others relative to E|fⁿ| and
            22 more.
        parameters: a value for every parameter.

    Raises:
        DomainError: a parameter has no value.
    """

    def __init__(
        self,
        terms: Sequence[Term],
        digits: int,
        parameters: Mapping[sp.Symbol, Number] | None = None,
    ) -> None:
        """Sort the terms by the digits that they need."""
        self._terms, self._parameters = list(terms), dict(parameters or {})
        self._signed = [power % 2 == 1 for _, power in terms]
        self._digits = digits + _MORE_DIGITS
        self._even = self._curve([power for power in self._signed if not power], digits)
        self._odd = self._curve([power for power in self._signed if power], self._digits)

    def _curve(self, kind: Sequence[bool], digits: int) -> MeanCurve | None:
        if not kind:
            return None
        chosen = [signed is kind[0] for signed in self._signed]
        return MeanCurve(list(compress(self._terms, chosen)), self._parameters, digits)

    def __call__(self, variance: Number) -> list[mpf]:
        """One mean a term at variance q > 0.

        Raises:
            DomainError: q is not positive, or a mean is infinite.
            NotConvergedError: an integrand cannot be resolved.
        """
        even = iter(self._even(variance) if self._even else ())
        odd = iter(self._odd(variance) if self._odd else ())
        with mp.workdps(self._digits):
            q = finite("the variance q", variance)
            return [
                next(odd) + delta_part(f, q, self._parameters) if signed else next(even)
                for (f, _), signed in zip(self._terms, self._signed, strict=True)
            ]
