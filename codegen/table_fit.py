"""Polynomials in √q on every interval between powers of two, for means that bend too often."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import flint
from mpmath import mp, mpf

from freejac.codegen.table_form import TableForm
from freejac.codegen.zero_factors import halves
from freejac.symbolic.balls import working_bits
from freejac.symbolic.errors import Error

__all__ = ["table_fit"]

_BITS = 200
_FIRST, _LAST = -20, 20  # 2⁻²⁰ < 10⁻⁶ and 10⁶ < 2²⁰
_NODES = 36
_MOST_DEGREE = 30
_NEGLIGIBLE = 4e-17
_LARGEST_GROWTH = 8.0


def table_fit(mean: Callable[[mpf], mpf], zeros: Sequence[Any]) -> TableForm | None:
    """Interpolate a mean on 1e-12 ≤ q ≤ 1e12.

    Args:
        mean: its value at q, to 20 digits or more.
        zeros: its zeros, as balls, which are split off.

    Returns:
        The table; None where some row is not resolved by a polynomial of degree 30.
    """
    rows = []
    with working_bits(_BITS), mp.workprec(_BITS):
        # From above: what cannot be resolved fails there first.
        for exponent in reversed(range(_FIRST, _LAST)):
            try:
                row = _row(mean, zeros, exponent)
            except (Error, ZeroDivisionError):
                return None
            if row is None:
                return None
            rows.append(row)
        degree = max(len(row) for row in rows)
        padded = [(*row, *["0.0"] * (degree - len(row))) for row in reversed(rows)]
        return TableForm(tuple(halves(zero) for zero in zeros), _FIRST, tuple(padded))


def _row(mean: Callable[[mpf], mpf], zeros: Sequence[Any], exponent: int) -> list[str] | None:
    """Coefficients of the shortest polynomial that is as good as doubles."""
    values = []
    for x in _places():
        t = mpf(2) ** exponent * (mpf(3) + x) / 2
        value, q = flint.arb(mean(t * t)), flint.arb(t * t)
        for zero in zeros:
            value *= (q + float(zero.mid())) / (q - zero)
        values.append(value.mid())
    least = min(abs(value) for value in values)
    if not least > 0:
        return None
    series = [
        (sum((c * v for c, v in zip(row, values, strict=True)), flint.arb(0)) / least).mid()
        for row in _transform()
    ]
    sizes = [abs(float(c)) for c in series]
    degree, tail = _NODES - 1, 0.0
    while degree > 0 and tail + sizes[degree] <= _NEGLIGIBLE:
        tail += sizes[degree]
        degree -= 1
    if degree > _MOST_DEGREE:
        return None
    polynomial = _monomials(series[: degree + 1])
    if sum(abs(float(c)) for c in polynomial) > _LARGEST_GROWTH * max(
        1.0, float((max(abs(v) for v in values) / least).mid())
    ):
        return None
    return [repr(float((c * least).mid())) for c in polynomial]


@lru_cache(maxsize=1)
def _places() -> list[mpf]:
    with mp.workprec(_BITS):
        return [mp.cos(mp.pi * (2 * k + 1) / (2 * _NODES)) for k in range(_NODES)]


@lru_cache(maxsize=1)
def _transform() -> list[list[Any]]:
    """Rows that give Chebyshev coefficients from values at the places."""
    with mp.workprec(_BITS):
        angles = [mp.pi * (2 * k + 1) / (2 * _NODES) for k in range(_NODES)]
        return [
            [flint.arb((1 if n == 0 else 2) * mp.cos(n * angle) / _NODES) for angle in angles]
            for n in range(_NODES)
        ]


def _monomials(series: Sequence[Any]) -> list[Any]:
    low, high = flint.fmpz_poly([1]), flint.fmpz_poly([0, 1])
    total = flint.arb_poly([0])
    for coefficient in series:
        total += flint.arb_poly([coefficient]) * flint.arb_poly(low)
        low, high = high, flint.fmpz_poly([0, 2]) * high - low
    return [total[k] for k in range(len(series))]
