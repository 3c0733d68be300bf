"""How well the solvers solve: residuals of their equations at 30 digits, from the definition.

A fixed point q* is held against V(q*)/q* − 1, and c* against 𝒞(c*) − c*: errors of the equation,
which are those of the solution times its distance from criticality, |1 − V′| or |1 − 𝒞′|. Slopes,
χ and depth scales are held against the definition at the q* and c* that were found, and each layer
of a network against what follows from the layer before: an error is magnified by what comes after.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import ModuleType

import sympy as sp
from mpmath import mp, mpf

from freejac.codegen.points import Point, spread_points
from freejac.codegen.spec import Argument, Module
from freejac.symbolic.bivariate_quadrature import gaussian_mean2
from freejac.symbolic.expectation import expect
from freejac.symbolic.mean_curve import MeanCurve
from freejac.symbolic.piecewise import PiecewiseFunction

__all__ = ["solver_errors"]

_DIGITS = 30
_ANGLES = 3
"""At so many points c* is checked: a mean in two variables takes seconds."""
_ANGLE_DIGITS = 20
_DEPTH = 12
_BEYOND = 3
_PLANE = (
    Argument("sigma_w", "", "0.3", "10.0"),
    Argument("sigma_b", "", "1e-3", "3.0"),
)


def solver_errors(module: Module, compiled: ModuleType, count: int) -> dict[str, list[float]]:
    """Relative errors of every solver over a part of the plane around its phases.

    Args:
        module: what the solvers are.
        compiled: the module that was rendered from it.
        count: how many places (σ_w, σ_b), with the parameters of the activation.

    Returns:
        For each solver its errors, a place each.
    """
    arguments = [*_PLANE, *module.parameters]
    points = spread_points(arguments, count)[-count:]
    errors: dict[str, list[float]] = {k.name: [] for k in module.offered}
    angles = 0
    for point in points:
        settings = tuple((p.name, point[p.name]) for p in module.parameters)
        with mp.workdps(_DIGITS):
            law = _Means(module, settings, point["sigma_w"], point["sigma_b"])
            places, worst = _fixed_points(law, compiled, point, dict(settings))
            errors["fixed_points"].append(worst)
            errors["phase"].append(
                _phase(law, compiled, point, dict(settings), places, with_angle=angles < _ANGLES)
            )
            angles += 1
            errors["propagate"].append(_residual(law, compiled, point, dict(settings)))
            errors["feed_forward"].append(_plain(law, compiled, point, dict(settings)))
    return errors


class _Means:
    """The definition's means at one place of the plane."""

    def __init__(
        self,
        module: Module,
        settings: Sequence[tuple[str, float]],
        sigma_w: float,
        sigma_b: float,
    ) -> None:
        self.phi, self.slope, self.parallel = map(module.base, ("_phi", "_slope", "_parallel"))
        symbols = {s.name: s for s in self.phi.free_symbols}
        self.values = {symbols[n]: v for n, v in settings if n in symbols}
        self.curve = _curve(self.phi, self.slope, self.parallel, tuple(self.values.items()))
        self.weight, self.bias = mpf(sigma_w) ** 2, mpf(sigma_b) ** 2

    def at(self, q: mpf) -> tuple[mpf, mpf, mpf, mpf]:
        """E[φ], V, V′ and χ."""
        mean, square, parallel, gain = self.curve(q)
        return (
            mean,
            self.weight * square + self.bias,
            self.weight * (parallel + self._at_kinks(q)),
            self.weight * gain,
        )

    def _at_kinks(self, q: mpf) -> mpf:
        """What the Dirac deltas of φφ″ add."""
        if not self.parallel.deltas:
            return mpf(0)
        nothing = PiecewiseFunction.smooth(sp.S.Zero).pieces
        share = expect(PiecewiseFunction(nothing, self.parallel.deltas))
        names = sorted(share.free_symbols, key=str)
        values = {**{s.name: v for s, v in self.values.items()}, "q": q}
        return mpf(sp.lambdify(names, share, "mpmath")(*(values[s.name] for s in names)))

    def product(self, function: PiecewiseFunction, q: mpf, c: mpf) -> mpf:
        """E[f(h₁)f(h₂)]."""
        return gaussian_mean2(function, function, q, q, c, _ANGLE_DIGITS, self.values)


@lru_cache(maxsize=16)
def _curve(
    phi: PiecewiseFunction,
    slope: PiecewiseFunction,
    parallel: PiecewiseFunction,
    parameters: tuple[tuple[sp.Symbol, float], ...],
) -> MeanCurve:
    """Keep the samples of the definition from one place to the next."""
    smooth = PiecewiseFunction(parallel.pieces)
    return MeanCurve([(phi, 1), (phi, 2), (smooth, 1), (slope, 2)], dict(parameters), _DIGITS)


def _error(value: float, exact: mpf, scale: mpf | None = None) -> float:
    """Relative error; `scale` in place of the size of a number that may vanish."""
    if not math.isfinite(value):
        return math.inf
    size = abs(exact) if scale is None else scale
    return float(abs(mpf(value) - exact) / size) if size else float(abs(value))


def _fixed_points(
    law: _Means, compiled: ModuleType, point: Point, settings: Mapping[str, float]
) -> tuple[list[float], float]:
    found = compiled.fixed_points(point["sigma_w"], point["sigma_b"], **settings)
    q, _, slope, chi, stability = (row.tolist() for row in found[:5])
    places = [v for v, kind in zip(q, stability, strict=True) if kind and 0 < v < math.inf]
    worst = 0.0
    for i, where in enumerate(q):
        if where in places:
            _, following, incline, gain = law.at(mpf(where))
            worst = max(
                worst,
                float(abs(following / mpf(where) - 1)),
                _error(slope[i], incline, max(abs(incline), mpf(1))),
                _error(chi[i], gain),
            )
    return places, worst


def _phase(
    law: _Means,
    compiled: ModuleType,
    point: Point,
    settings: Mapping[str, float],
    places: Sequence[float],
    *,
    with_angle: bool,
) -> float:
    found = compiled.phase(point["sigma_w"], point["sigma_b"], 1.0, **settings)
    q, slope, chi, c, xi_q, xi_c = map(float, found[:6])
    if not 0 < q < math.inf:
        return 0.0
    if q not in places:
        return math.inf
    _, following, incline, gain = law.at(mpf(q))
    worst = max(
        float(abs(following / mpf(q) - 1)),
        _error(slope, incline, max(abs(incline), mpf(1))),
        _error(chi, gain),
        _error(math.exp(-1 / xi_q) if xi_q else 0.0, abs(incline), mpf(1)),
    )
    if c == 1.0:
        return max(worst, _error(math.exp(-1 / xi_c), gain))
    if with_angle:
        product = (law.weight * law.product(law.phi, mpf(q), mpf(c)) + law.bias) / following
        tilt = law.weight * law.product(law.slope, mpf(q), mpf(c))
        worst = max(worst, float(abs(product - mpf(c))), _error(math.exp(-1 / xi_c), tilt))
    return worst


def _residual(
    law: _Means, compiled: ModuleType, point: Point, settings: Mapping[str, float]
) -> float:
    """Each layer is held against what follows from the layer before, as the solver gave it."""
    q1, skip, start = 1.0 + point["sigma_b"] ** 2, 0.9, 0.2
    scales = (point["sigma_w"], point["sigma_b"])
    found = compiled.propagate(_DEPTH, *scales, q1, skip, start, **settings)
    share, kept = law.weight / _DEPTH, mpf(skip)
    centre, square = mpf(start), (mpf(q1) - law.bias) / share
    worst = 0.0
    for i in range(_DEPTH):
        variance = share * square + law.bias
        if not compiled._LOW <= variance <= compiled._HIGH or centre**2 > square:
            break
        if not math.isfinite(found[0][i]):
            # E[φ] may have a smaller domain than the rest; the status says so.
            return worst if int(found[5]) == _BEYOND else math.inf
        at = mpf(float(found[0][i]))
        shift, following, _, gain = law.at(at)
        product = 2 * kept * shift * centre
        exact = (
            variance,
            shift + kept * centre,
            (following - law.bias) / law.weight + product + kept**2 * square,
            gain,
        )
        values = [float(row[i]) for row in found[:4]]
        # Two terms of a mean may have different signs.
        scale = (None, abs(shift) + abs(kept * centre), None, None)
        for value, right, size in zip(values, exact, scale, strict=True):
            worst = max(worst, _error(value, right, size))
        centre, square = mpf(values[1]), mpf(values[2])
    return worst


def _plain(law: _Means, compiled: ModuleType, point: Point, settings: Mapping[str, float]) -> float:
    found = compiled.feed_forward(_DEPTH, point["sigma_w"], point["sigma_b"], 1.0, 1.0, **settings)
    variance, worst = mpf(1), 0.0
    for i in range(_DEPTH):
        if not compiled._LOW <= variance <= compiled._HIGH:
            break
        value = float(found[0][i])
        if not math.isfinite(value):
            return math.inf
        worst = max(worst, _error(value, variance))
        _, variance, _, gain = law.at(mpf(value))
        worst = max(worst, _error(float(found[1][i]), gain))
    return worst
