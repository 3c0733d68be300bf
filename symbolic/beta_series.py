"""Derivatives of the Beta function ∫₀^∞ y^{w+j−1} (1 + y)^{ε−p} dy at ε = 0, expanded at w = 0.

The transform is Γ(w + j) Γ(p − j − ε − w)/Γ(p − ε). With ε = wη everything is a power of w times

    exp Σ_{k≥2} ζ(k)/k · wᵏ [(−1)ᵏ + (1 + η)ᵏ − ηᵏ]  ×  factors k + w, k − w(1 + η), k − wη,

a power series in w whose coefficients are polynomials in η and zeta values; Euler's γ cancels.

Source: Abramowitz & Stegun (1964), 6.2.1 (Beta function) and 6.1.33 (log Γ(1 + u) in zeta values).

>>> beta_coefficient(0, 0, 1, 0)  # ∫ log(1 + y) dy/y, regularised
pi**2/6
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import Any

import sympy as sp
from sympy.polys.rings import ring

__all__ = ["beta_coefficient"]

# A power series in w: a list over the powers of w of lists over the powers of η.
Row = list[Any]


@cache
def beta_coefficient(j: int, p: int, logs: int, power: int) -> sp.Expr:
    """Coefficient of wⁿ in ∫₀^∞ y^{w+j−1} (1 + y)^{−p} log(1 + y)ᵐ dy, by continuation in w.

    Args:
        j: an integer, 0 ≤ j ≤ p.
        p: an integer.
        logs: m ≥ 1.
        power: n.
    """
    gap = p - j
    shift = (1 if j == 0 else 0) + (1 if gap == 0 else 0) - (1 if p == 0 else 0)
    top = power + logs + shift
    if top < 0:
        return sp.S.Zero
    zetas, *symbols = ring([f"zeta{k}" for k in range(2, max(top, 2) + 1)], sp.QQ)
    series = _exponential(zetas, symbols, top, logs)
    one, both, eta = [1, 0], [1, 1], [0, 1]  # w, w(1 + η), wη in powers of η
    for k in range(1, j):
        series = _multiplied(series, k, one, 1)
    for k in range(1, gap):
        series = _multiplied(series, k, both, -1)
    for k in range(1, p):
        series = _divided(series, k, eta, -1)
    row = series[top]
    if gap == 0:  # −1/(w(1 + η))
        row = [sum((-1) ** (m - i) * row[i] for i in range(m + 1)) * -1 for m in range(logs + 1)]
    if p == 0:  # −wη
        row = [zetas.zero, *(-entry for entry in row[:-1])]
    values = [sp.zeta(k) for k in range(2, len(symbols) + 2)]
    return sp.factorial(logs) * sp.expand(zetas(row[logs]).as_expr(*values))


def _exponential(zetas: Any, symbols: list[Any], top: int, logs: int) -> list[Row]:
    """The exponential of the sum over zeta values, from E′ = L′E."""
    rates: list[Row] = [[zetas.zero] * (logs + 1) for _ in range(top + 1)]
    for k in range(2, top + 1):
        for m in range(logs + 1):
            count = int(sp.binomial(k, m)) - (1 if m == k else 0) + ((-1) ** k if m == 0 else 0)
            rates[k][m] = symbols[k - 2] * count  # k times the coefficient
    result = [[zetas.one] + [zetas.zero] * logs]
    for n in range(1, top + 1):
        row = [zetas.zero] * (logs + 1)
        for k in range(2, n + 1):
            for a in range(logs + 1):
                for b in range(logs + 1 - a):
                    row[a + b] += rates[k][a] * result[n - k][b]
        result.append([entry * sp.QQ(1, n) for entry in row])
    return result


def _shifted(row: Row, slope: list[int], sign: int) -> Row:
    """A row times ±(slope₀ + slope₁ η)."""
    return [
        sign * (slope[0] * entry + slope[1] * (row[m - 1] if m else 0))
        for m, entry in enumerate(row)
    ]


def _multiplied(series: list[Row], k: int, slope: list[int], sign: int) -> list[Row]:
    """The series times k ± w(slope₀ + slope₁ η)."""
    result = [[k * entry for entry in series[0]]]
    for before, row in pairwise(series):
        added = _shifted(before, slope, sign)
        result.append([k * a + b for a, b in zip(row, added, strict=True)])
    return result


def _divided(series: list[Row], k: int, slope: list[int], sign: int) -> list[Row]:
    """The series over k ± w(slope₀ + slope₁ η)."""
    result: list[Row] = []
    for row in series:
        carried = _shifted(result[-1], slope, sign) if result else [0] * len(row)
        result.append([(a - b) * sp.QQ(1, k) for a, b in zip(row, carried, strict=True)])
    return result
