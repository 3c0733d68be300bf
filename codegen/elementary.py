"""Polynomials for elementary and error functions in straight-line double precision.

LLVM turns a loop over numbers into one over vectors only if its body has no calls and no branches,
so kernels do not call the C library: they reduce an argument, evaluate one polynomial, and put the
result together (templates/elementary.jinja). This room derives the coefficients, from mpmath's
functions by interpolation at Chebyshev's points, which is within a small factor of the best
approximation of the same degree.

| function | reduction | polynomial |
|---|---|---|
| exp, expm1 | n log 2 + r, 2·abs(r) ≤ log 2 | (eʳ − 1 − r)/r² in r |
| log, log1p | 2ⁿ m, 1/√2 ≤ m ≤ √2, s = (m − 1)/(m + 1) | (2 artanh(s) − 2s)/s³ in s² |
| atan | a, (a − 1)/(a + 1) or −1/a, at most tan(π/8) | (atan(t) − t)/t³ in t² |
| asin, acos | x, or √((1 − x)/2) beyond 1/2 | (asin(x) − x)/x³ in x² |
| erf | x up to 1, 1 − erfc(x) beyond | erf(x)/x − 1 in x² |
| mean of exp(−z s²), 0 < s < 1 | z up to 1, √π erf(√z)/(2√z) beyond | (it − 1)/z in z |
| erfcx, x ≥ 0 | s = x/(x + 15/4), all of [0, ∞) | ((1 + 2x) erfcx(x) − 1)/s in 2s − 1 |
| 1 − s m(s), s ≥ 0, m Mills's ratio | t = (s − 5)/(s + 5), all of [0, ∞) | (1 + s)² of it in t |

That of erfcx is by M. M. Shepherd and J. G. Laframboise, Math. Comp. 36 (1981) 249; erfc is
exp(−x²) times it.

>>> [round(c, 9) for c in map(float, polynomials()["erf"][:2])]
[0.128379167, -0.376126389]
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias

import mpmath
from mpmath import mp, mpf

__all__ = [
    "chebyshev_series",
    "coefficients",
    "constants",
    "interpolant",
    "monomials",
    "polynomials",
]

_DIGITS = 50
_CENTRE = mpf(15) / 4
"""x at which the reduced argument of erfcx is halfway: a good choice by trial."""
_RADIAL_CENTRE = mpf(5)
"""The same for one less s times Mills's ratio at s."""
_INVERSE_SHIFT = 5 - math.sqrt(24)
"""k for which (2 − m − k)/2 is nearest to 1/(1 + m), 0 ≤ m ≤ 1 − k: to k/2, 5 %."""

Function: TypeAlias = Callable[[mpf], mpf]


def interpolant(f: Function, low: mpf, high: mpf, degree: int) -> tuple[mpf, ...]:
    """Coefficients, from the constant on, of the polynomial through f at Chebyshev's points.

    Args:
        f: smooth on [low, high].
        low: one end of the interval.
        high: the other.
        degree: of the polynomial.

    >>> [int(round(c)) for c in interpolant(lambda t: t**2 - 3, mpf(0), mpf(2), 2)]
    [-3, 0, 1]
    """
    with mp.workdps(_DIGITS):
        centre, half = (mpf(high) + low) / 2, (mpf(high) - low) / 2
        series = chebyshev_series(lambda t: f(centre + half * t), degree)
        return monomials(series, [-centre / half, 1 / half])


def chebyshev_series(f: Function, degree: int) -> list[mpf]:
    """Coefficients in Chebyshev's polynomials T_0, T_1, … of an interpolant on [−1, 1].

    >>> [int(round(c)) for c in chebyshev_series(lambda t: 2 * t**2 + t, 2)]
    [1, 1, 1]
    """
    count = degree + 1
    angles = [mp.pi * (2 * k + 1) / (2 * count) for k in range(count)]
    values = [f(mpmath.cos(angle)) for angle in angles]
    series = [
        2 * mpmath.fsum(v * mpmath.cos(j * a) for v, a in zip(values, angles, strict=True)) / count
        for j in range(count)
    ]
    return [series[0] / 2, *series[1:]]


def monomials(series: Sequence[mpf], inner: Sequence[mpf] = (0, 1)) -> tuple[mpf, ...]:
    """Σ series_j T_j(inner(x)) in powers of x, by Clenshaw's recurrence.

    Args:
        series: coefficients in Chebyshev's polynomials.
        inner: constant and slope of a linear function.
    """
    size = len(series)
    above, total = [mpf(0)] * size, [mpf(0)] * size
    for j in range(size - 1, -1, -1):
        factor = 1 if j == 0 else 2
        shifted = [
            factor * (inner[0] * t + inner[1] * (total[k - 1] if k else 0))
            for k, t in enumerate(total)
        ]
        above, total = total, [s - a for s, a in zip(shifted, above, strict=True)]
        total[0] += series[j]
    return tuple(total)


def _exp(r: mpf) -> mpf:
    return mpf(1) / 2 + r / 6 if abs(r) < 1e-30 else (mpmath.expm1(r) - r) / r**2


def _log(z: mpf) -> mpf:
    s = mpmath.sqrt(z)
    return mpf(2) / 3 if z == 0 else 2 * (mpmath.atanh(s) - s) / (s * z)


def _atan(z: mpf) -> mpf:
    t = mpmath.sqrt(z)
    return -mpf(1) / 3 if z == 0 else (mpmath.atan(t) - t) / (t * z)


def _asin(z: mpf) -> mpf:
    x = mpmath.sqrt(z)
    return mpf(1) / 6 if z == 0 else (mpmath.asin(x) - x) / (x * z)


def _erf(z: mpf) -> mpf:
    x = mpmath.sqrt(z)
    return mpmath.erf(x) / x - 1


def _erf_mean(z: mpf) -> mpf:
    x = mpmath.sqrt(z)
    return (mpmath.sqrt(mp.pi) * mpmath.erf(x) / (2 * x) - 1) / z


def _erfcx(t: mpf) -> mpf:
    s = (1 + t) / 2
    x = _CENTRE * s / (1 - s)
    return ((1 + 2 * x) * mpmath.exp(x * x) * mpmath.erfc(x) - 1) / s


def _radial(t: mpf) -> mpf:
    s = _RADIAL_CENTRE * (1 + t) / (1 - t)
    mills = mpmath.sqrt(mp.pi / 2) * mpmath.exp(s * s / 2) * mpmath.erfc(s / mpmath.sqrt(2))
    return (1 + s) ** 2 * (1 - s * mills)


@lru_cache(maxsize=1)
def polynomials() -> Mapping[str, tuple[mpf, ...]]:
    """Coefficients by the name of the function, from the constant on."""
    with mp.workdps(_DIGITS):
        half = mpmath.log(2) * mpf("0.5001")
        widest = (3 - 2 * mpmath.sqrt(2)) ** 2 * mpf("1.001")
        return {
            "exp": interpolant(_exp, -half, half, 10),
            "log": interpolant(_log, mpf(0), widest, 6),
            "atan": interpolant(_atan, mpf(0), mpmath.tan(mp.pi / 8) ** 2 * mpf("1.001"), 10),
            "asin": interpolant(_asin, mpf(0), mpf(1) / 4, 12),
            "erf": interpolant(_erf, mpf(0), mpf(1), 11),
            "erf_mean": interpolant(_erf_mean, mpf(0), mpf(1), 11),
            "erfcx": interpolant(_erfcx, mpf(-1), mpf(1), 23),
            "radial": interpolant(_radial, mpf(-1), mpf(1), 26),
        }


@lru_cache(maxsize=1)
def constants() -> Mapping[str, str]:
    """Numbers of the templates, as text; "…_high" has trailing zeros, "…_low" is what is left.

    >>> float(constants()["ln2_high"]) * 2**40 % 1
    0.0
    """
    with mp.workdps(_DIGITS):
        split = {
            "ln2": (mpmath.log(2), 40),
            "pi_2": (mp.pi / 2, 52),
            "pi_4": (mp.pi / 4, 53),
            "root_2": (mpmath.sqrt(2), 52),
        }
        table = {"per_ln2": 1 / mpmath.log(2), "centre": _CENTRE}
        table["root_pi"] = mpmath.sqrt(mp.pi)
        table["radial_centre"] = _RADIAL_CENTRE
        table["normal_centre"] = _CENTRE * mpmath.sqrt(2)
        for name, (value, places) in split.items():
            high = mpmath.floor(value * 2**places) / 2**places
            table |= {f"{name}_high": high, f"{name}_low": value - high}
        texts = {name: repr(float(value)) for name, value in table.items()}
    bits = {"root_half_bits": math.sqrt(0.5), "magic_bits": 1.5 * 2.0**52}
    texts |= {k: str(struct.unpack("<q", struct.pack("<d", v))[0]) for k, v in bits.items()}
    return texts | {"inverse_bits": str(round((2046 - _INVERSE_SHIFT) * 2**52))}


@lru_cache(maxsize=1)
def coefficients() -> Mapping[str, tuple[str, ...]]:
    """The polynomials as doubles in text, from the highest power on: the order of Horner's rule."""
    return {k: tuple(repr(float(c)) for c in reversed(v)) for k, v in polynomials().items()}
