"""Gaussian means without a closed form as rational functions of √q, good to the last bits.

A mean F(q) = E[f(√q z)] of a function that is smooth on its own scale is analytic in t = √q on the
sector |arg t| < 3π/4 and has a series at either end: powers of t as q → 0, of 1/t as q → ∞. So

    F(q) ≈ t^a · P(t)/Q(t)

where a is the first exponent at q → 0 and deg P − deg Q the rest of the first at q → ∞. The
degrees are the least for which the error is below half a unit in the last place on all of
[1e-12, 1e12]; about 16 for the activations of the library. Zeros of F are split off as factors
q − q₀, so that the error is relative up to them.

What no such quotient comes near has no `approximate` form, and the kernel integrates: a mean that
is smaller than every power of q at an end (all of f beyond a kink), or one with logarithms in its
series (atan).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

import flint
import mpmath
import sympy as sp
from mpmath import mp, mpf

from freejac.codegen.curve_fit import DECADES, Curve, best_quotient, in_doubles
from freejac.codegen.curve_fit import nodes as nodes_of
from freejac.codegen.mean_values import MeanValues, Term
from freejac.codegen.rational_fit import BITS, Fit
from freejac.codegen.rational_form import RationalForm
from freejac.codegen.table_fit import table_fit
from freejac.codegen.table_form import TableForm
from freejac.codegen.zero_factors import halves
from freejac.symbolic.asymptotics import mean_series
from freejac.symbolic.balls import working_bits
from freejac.symbolic.errors import DomainError, Error, NoClosedForm

__all__ = ["approximate"]

_DIGITS = 25
_MORE_DIGITS = 22
"""For means of both signs: at q = 10¹², E[φ′² + φφ″] of tanh is 10⁻¹⁸ of what is integrated."""
_MOST_ZEROS = 4
_LARGEST_EXPONENT = 16
_SETTLED = 1e-2
_STEPS = 60

Progress = Callable[[str], None]


def approximate(
    terms: Sequence[Term],
    progress: Progress = lambda _: None,
    *,
    decades: tuple[int, int] = DECADES,
) -> list[RationalForm | TableForm | None]:
    """Approximate means E[fⁿ] on 1e-12 ≤ q ≤ 1e12.

    Args:
        terms: pairs of a function without parameters and a positive power.
        progress: told each step in words.
        decades: exponents of ten between which √q lies; with others there is no table.

    Returns:
        For every term its form, or None where no quotient of moderate degree comes near.
    """
    progress("integrating at high precision")
    nodes = nodes_of(decades)
    sampled = _sampled(terms, nodes)
    forms: list[RationalForm | TableForm | None] = []
    for number, (term, found) in enumerate(zip(terms, sampled, strict=True), 1):
        progress(f"fitting mean {number} of {len(terms)}")
        forms.append(None if found is None else _form(term, nodes, *found))
    return forms


Sampled = tuple[list[mpf], Callable[[mpf], mpf]]
"""A mean at the nodes, and as a function of q."""


def _sampled(terms: Sequence[Term], nodes: Sequence[mpf]) -> list[Sampled | None]:
    """Every mean; None for one that is infinite or not resolved at some node."""
    if not terms:
        return []
    try:
        # Together: they share samples, and tables of all of them have the same places.
        curve = cache(MeanValues(terms, _DIGITS, more=_MORE_DIGITS, adaptive=False))
        # From above: what cannot be resolved fails there first.
        rows = [curve(_squared(t)) for t in reversed(nodes)]
    except (Error, ZeroDivisionError):
        if len(terms) == 1:
            return [None]
        return [found for term in terms for found in _sampled([term], nodes)]

    def one(place: int) -> Callable[[mpf], mpf]:
        return lambda q: curve(q)[place]

    columns = zip(*reversed(rows), strict=True)
    return [(list(column), one(place)) for place, column in enumerate(columns)]


def _squared(t: mpf) -> mpf:
    with mp.workdps(_DIGITS + 30):
        return t * t


def _form(
    term: Term, nodes: Sequence[mpf], values: Sequence[mpf], mean: Callable[[mpf], mpf]
) -> RationalForm | TableForm | None:
    if all(value == 0 for value in values):
        return RationalForm(0, (), ("0.0",), ("1.0",))
    zeros = _zeros(term, nodes, values)
    if zeros is None or any(value == 0 for value in values):
        return None
    with working_bits(BITS):
        points = [flint.arb(t) for t in nodes]
        rest = [flint.arb(value) for value in values]
        for zero in zeros:
            rest = [(value / (t * t - zero)).mid() for t, value in zip(points, rest, strict=True)]
    lead, last = _exponents(term, nodes, values)
    if max(abs(lead), abs(last)) > _LARGEST_EXPONENT:  # beyond every power
        return None
    fit = best_quotient(Curve(points, rest), lead, last - 2 * len(zeros))
    if fit is not None:
        return _printed(fit, lead, zeros)
    if nodes != nodes_of(DECADES):
        return None
    return table_fit(mean, zeros)


def _zeros(term: Term, nodes: Sequence[mpf], values: Sequence[mpf]) -> list[Any] | None:
    """Where the mean changes its sign, as balls; None where it does so too often."""
    changes = [
        (a, b)
        for (a, left), (b, right) in pairwise(zip(nodes, values, strict=True))
        if left * right < 0
    ]
    if len(changes) > _MOST_ZEROS:
        return None
    curve = MeanValues([term], _DIGITS + _MORE_DIGITS)
    with mp.workdps(2 * _DIGITS):
        try:
            roots = [
                mpmath.findroot(
                    lambda q: curve(q)[0],
                    (a * a, b * b),
                    solver="anderson",
                    tol=a * a * mpf(10) ** (-40),
                    maxsteps=_STEPS,
                    verify=False,
                )
                for a, b in changes
            ]
        except Error:
            return None
    return [flint.arb(root) for root in roots]


def _exponents(term: Term, nodes: Sequence[mpf], values: Sequence[mpf]) -> tuple[int, int]:
    """First exponents of √q at both ends: as measured there, from the series if that is unclear."""
    found = []
    for at, i, j in ((sp.S.Zero, 0, 1), (sp.oo, -2, -1)):
        with mp.workdps(_DIGITS):
            slope = float(mpmath.log(values[j] / values[i]) / mpmath.log(nodes[j] / nodes[i]))
        if abs(slope - round(slope)) > _SETTLED:
            slope = _first_exponent(term, at, slope)
        found.append(round(slope))
    return found[0], found[1]


def _first_exponent(term: Term, at: sp.Expr, measured: float) -> float:
    function, power = term
    try:
        terms = mean_series(function if power == 1 else function**power, at, 1).terms
    except (NoClosedForm, DomainError):
        return measured
    return float(2 * terms[0][1]) if terms else measured


def _printed(fit: Fit, lead: int, zeros: Iterable[Any]) -> RationalForm:
    split = tuple(halves(zero) for zero in zeros)
    above, below = (tuple(repr(float(c)) for c in part) for part in in_doubles(fit))
    return RationalForm(lead, split, above, below)
