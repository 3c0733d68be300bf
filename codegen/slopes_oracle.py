"""References for the density of J Jᵀ with a D² of several values: mpmath's continuation.

G is continued from large |λ| (`freejac.symbolic.density`) to λ (1 + i ε), ε far below the digits
that are compared: nothing is taken from the kernel's reasoning.

>>> point = {"lam": 2.0, "values": (1.0,), "masses": (1.0,), "sigma_w": 1.0, "depth": 1.0}
>>> value, _ = slopes_density("density", point, "gaussian")
>>> print(mp.nstr(value * 2 * mp.pi, 12))                           # Marchenko–Pastur
1.0
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import sympy as sp
from mpmath import mp, mpf

from freejac.codegen.points import uniform
from freejac.symbolic.density import LayerProduct
from freejac.symbolic.errors import NotConvergedError
from freejac.symbolic.symbols import z

__all__ = ["DIGITS", "slopes_density", "slopes_points"]

DIGITS = 40
"""Of a reference."""
_OFF = mpf(10) ** -45
_LAWS = 20
_DEEP = 100
_DEEPEST = 667.0

Values = Mapping[str, Any]
Atoms = tuple[tuple[float, ...], tuple[float, ...]]
"""Values and masses."""


def slopes_density(name: str, values: Values, weights: str) -> tuple[mpf, mpf]:
    """ρ(λ), or log ρ at a log λ, and what its relative error is divided by.

    Raises:
        NotConvergedError: the continuation did not reach λ.
    """
    atoms = tuple(values["values"]), tuple(values["masses"])
    with mp.workdps(DIGITS + 20):
        is_log = name == "log_density"
        level = mpf(values["log_lam"]) if is_log else mp.log(mpf(values["lam"]))
        density = _density(weights, atoms, float(values["sigma_w"]), int(values["depth"]), level)
        if not is_log:
            return density, mpf(1)
        return mp.log(density), max(mpf(1), abs(level)) / abs(mp.log(density))


@lru_cache(maxsize=1024)
def _density(weights: str, atoms: Atoms, sigma_w: float, depth: int, level: mpf) -> mpf:
    """ρ beside the real line, without the atom at 0; 0 where it is lost in the distance."""
    law = _law(weights, atoms, sigma_w, depth)
    lam = mp.exp(level) * mp.mpc(1, _OFF)
    continuous = law.stieltjes(lam) - law.mass_at_zero / lam
    return -continuous.imag / mp.pi if abs(lam * continuous.imag) > mp.sqrt(_OFF) else mpf(0)


@lru_cache(maxsize=64)
def _law(weights: str, atoms: Atoms, sigma_w: float, depth: int) -> LayerProduct:
    """The law, of the doubles as they are but for masses that add to 1 up to rounding."""
    exact = [sp.Rational(mass) for mass in atoms[1]]
    if abs(sum(exact) - 1) < sp.Rational(1, 10**14):
        exact = [mass / sum(exact) for mass in exact]
    pairs = [(sp.Rational(a), w) for a, w in zip(atoms[0], exact, strict=True) if w]
    scale = 1 / sp.Rational(sigma_w) ** 2
    transform = scale / (1 + z) if weights == "gaussian" else scale
    return LayerProduct.equal(pairs, transform, depth, DIGITS)


def slopes_points(weights: str, count: int, *, seed: int = 0) -> list[dict[str, Any]]:
    """Laws of two to four values, half of them with a mass at 0, and places inside their spectra.

    Depths 1 to 10⁴, mean eigenvalue 1. To depth 100 a third of the places lies from 1e-6 to 1/2
    beside an edge, relatively, the others are spread over the logarithm of an interval of the
    spectrum, down to λ = 1e-290. Deeper they are |λ| on the negative line of ζ, where most of the
    spectrum is; what the continuation does not reach is left out.
    """
    points: list[dict[str, Any]] = []
    rows = uniform(3, _LAWS, seed)
    settings = [_setting(weights, turn, *row) for turn, row in enumerate(rows)]
    for turn, (share, side) in enumerate(uniform(2, 4 * count, seed)):
        setting = settings[turn % _LAWS]
        atoms = setting["values"], setting["masses"]
        depth = int(setting["depth"])
        if depth > _DEEP:
            level = _magnitude(setting, weights, 0.3 + share)
        else:
            law = _law(weights, atoms, setting["sigma_w"], depth)
            level = _place(law.support[turn // _LAWS % len(law.support)], share, side)
        point = {**setting, "lam": math.exp(level), "log_lam": level}
        if level > -_DEEPEST and _is_inside(weights, point):
            points.append(point)
        if len(points) == count:
            break
    return points


def _is_inside(weights: str, point: dict[str, Any]) -> bool:
    """Whether continuation arrives there, and the density is positive."""
    try:
        return all(
            slopes_density(name, point, weights)[0] != 0 for name in ("density", "log_density")
        )
    except (NotConvergedError, ValueError):
        return False


def _place(ends: tuple[mpf, mpf], share: float, side: float) -> float:
    """A log λ in an interval."""
    low, high = ends
    with mp.workdps(30):
        top = float(mp.log(high))
        bottom = max(float(mp.log(low)) if low else -math.inf, -_DEEPEST)
    if side > 1 / 3:
        return bottom + (1e-3 + 0.998 * share) * (top - bottom)
    near = math.log1p(-0.5 * 10.0 ** (-5.7 * share))
    level = top + near if share < 2 / 3 or bottom == -_DEEPEST else bottom - near
    return min(max(level, bottom + 1e-6 * (top - bottom)), top - 1e-6 * (top - bottom))


def _magnitude(setting: dict[str, Any], weights: str, share: float) -> float:
    """Log |λ| at ζ = −(geometric mean of values of φ′²)."""
    values, masses, depth = setting["values"], setting["masses"], setting["depth"]
    zeta = -math.exp(math.log(values[-1]) * share)
    m = math.fsum(w * a / (zeta - a) for a, w in zip(values, masses, strict=True))
    power = 1.0 if weights == "gaussian" else 1.0 - depth
    level = depth * math.log(-zeta) + (depth - 1.0) * math.log(-m) + power * math.log1p(m)
    return level + 2.0 * depth * math.log(setting["sigma_w"])


def _setting(weights: str, turn: int, u: float, v: float, w: float) -> dict[str, Any]:
    """A law."""
    depth = float(round(10.0 ** (4.0 * u))) if turn % 3 else float(1 + turn % 4)
    if weights == "orthogonal":
        depth = max(depth, 2.0)
    number = 2 + turn % 3
    values = tuple(10.0 ** (-2.0 * v * k / (number - 1)) for k in range(number))
    shares = [0.1 + ((k + 1) * w * 7.3) % 1.0 for k in range(number)]
    total = math.fsum(shares) * (1.0 + (v * w if turn % 2 else 0.0))
    masses = [share / total for share in shares]
    if not turn % 2:
        masses[-1] = 1.0 - math.fsum(masses[:-1])
    mean = math.fsum(a * m for a, m in zip(values, masses, strict=True))
    return {"values": values, "masses": tuple(masses), "sigma_w": mean**-0.5, "depth": depth}
