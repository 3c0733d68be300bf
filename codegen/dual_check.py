"""Points and references for duals: where they are checked, and against what.

The reference is the closed form with as many digits as its cancellations ask for; at every fifth
point it has to agree to 18 digits of E[f²] with quadrature of the definition, where that can be
resolved (q up to 1000). Without a closed form the definition is the reference at every point.
At c = 0 a dual is E[f]²: where E[f] changes sign, as that of selu does at q = 1, it has a double
zero in q, and errors there are relative to E[f²].

>>> sorted({round(p["c"], 3) for p in dual_points([_Q, _C], 4)})
[-1.0, -0.998, 0.0, 0.559, 1.0]
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import mpmath
import sympy as sp
from mpmath import mp, mpf

from freejac.codegen.oracle import DUAL_DIGITS
from freejac.codegen.points import Point, spread_points
from freejac.codegen.spec import Argument, Dual, Module
from freejac.symbolic.bivariate import expect2
from freejac.symbolic.bivariate_quadrature import gaussian_mean2
from freejac.symbolic.errors import InternalError, NotConvergedError
from freejac.symbolic.expectation import expect
from freejac.symbolic.piecewise import PiecewiseFunction
from freejac.symbolic.symbols import c, q

__all__ = ["dual_points", "dual_reference"]

_Q = Argument("q", "", "1e-12", "1e12")
_C = Argument("c", "", "-1.0", "1.0", logarithmic=False)
_AGREEMENT = mpf("1e-18")
_LEAST_SHARE = 100
_NOTHING = mpf(2) ** -1100
_MEAN_DIGITS = 60
_ROUNDING = mpf(2) ** -53
_STRIDE = 5
_FARTHEST = 1e3
"""The largest variance at which the definition is integrated where there is a closed form."""
_MOST_DIGITS = 6000


def dual_points(arguments: Sequence[Argument], count: int, *, seed: int = 0) -> list[Point]:
    """Corners of the domain, c = 0, and points inside: half of them crowd at c = ±1.

    Args:
        arguments: q, c and the parameters.
        count: number of interior points.
        seed: another seed gives other interior points.
    """
    share = Argument("c", "", "0.0", "1.0", logarithmic=False)
    spread = [share if a.name == "c" else a for a in arguments]
    points = spread_points(spread, count, seed=seed)
    for point in points:
        point["c"] = _correlation(point["c"])
    zero = [{**point, "c": 0.0} for point in points[:2]]
    return [*zero, *points]


def _correlation(share: float) -> float:
    """From (0, 1) to [−1, 1]: the outer quarters approach the ends by factors of ten."""
    if 0.25 <= share <= 0.75:
        return 4.0 * share - 2.0
    outer = 4.0 * min(share, 1.0 - share)
    return math.copysign(1.0 - 10.0 ** (-16.5 * (1.0 - outer)), share - 0.5)


def dual_reference(module: Module, point: Point, index: int) -> dict[str, tuple[mpf, mpf]]:
    """The value of every dual at a point, and what its error is divided by.

    Raises:
        InternalError: a closed form differs from the definition.
        NotConvergedError: the definition cannot be resolved, and there is no closed form.
    """
    found = {}
    for kernel in module.kernels:
        if isinstance(kernel, Dual):
            if kernel.closed is None:
                found[kernel.name] = _open_values(module, kernel, point)
                continue
            value, slope = _values(module, kernel, point, index)
            at = point["c"]
            distance = min(abs(at), 1.0 - abs(at))
            magnified = 1 + (abs(distance * slope / value) if value and distance else mpf(0))
            if value and at == 0.0 and _mean_turns(module.base(kernel.base), point):
                magnified = _closed_values(module, kernel, point | {"c": 1.0})[0] / value
            found[kernel.name] = (value, magnified)
    return found


def _mean_turns(function: PiecewiseFunction, point: Point) -> bool:
    """Whether E[f] changes sign within the rounding of q."""
    names, mean = _mean_function(function)
    with mp.workdps(_MEAN_DIGITS):
        values = [
            mean(*(mpf(point[n]) * (1 + side * _ROUNDING if n == "q" else 1) for n in names))
            for side in (-1, 1)
        ]
    return bool(values[0] * values[1] < 0)


def _open_values(module: Module, kernel: Dual, point: Point) -> tuple[mpf, mpf]:
    """A dual without a closed form, and what makes its error one of E[f²]/100 where it is less.

    That holds near a zero: the products that are integrated cancel there, in reference and kernel.
    """
    value = _quadrature(module, kernel, point, DUAL_DIGITS)
    size = _quadrature(module, kernel, point | {"c": 1.0}, DUAL_DIGITS)
    return value, max(mpf(1), size / (_LEAST_SHARE * abs(value))) if value else mpf(1)


def _values(module: Module, kernel: Dual, point: Point, index: int) -> tuple[mpf, mpf]:
    """A dual and its derivative in c."""
    value, slope = _closed_values(module, kernel, point)
    if index % _STRIDE == 0 and point["q"] <= _FARTHEST:
        _confirm(module, kernel, point, value)
    return value, slope


def _confirm(module: Module, kernel: Dual, point: Point, value: mpf) -> None:
    """Hold a value of the closed form against the definition, where quadrature resolves that."""
    try:
        defined = _quadrature(module, kernel, point, DUAL_DIGITS)
        size = _quadrature(module, kernel, point | {"c": 1.0}, 8)
    except NotConvergedError:
        return
    if abs(defined - value) > _AGREEMENT * size + _NOTHING:
        raise InternalError(f"{module.name}.{kernel.name} differs from its definition: {point}")


def _closed_values(module: Module, kernel: Dual, point: Point) -> tuple[mpf, mpf]:
    """The closed form and its derivative in c, with as many digits as the cancellations ask for."""
    at = point["c"]
    names, function = _function(module.base(kernel.base), int(at) if abs(at) == 1.0 else None)
    digits, before = 40, None
    while digits < _MOST_DIGITS:
        with mp.workdps(digits):
            value, slope = function(*(mpf(point[name]) for name in names))
            value, slope = mpmath.mpmathify(value), mpmath.mpmathify(slope)
            if before is not None and abs(value - before) <= abs(value) * mpf(10) ** -DUAL_DIGITS:
                return value, slope
            before = value
        digits *= 2
    raise NotConvergedError(f"{kernel.closed} cancels to thousands of digits at {point}")


@lru_cache(maxsize=128)
def _function(
    base: PiecewiseFunction, end: int | None
) -> tuple[tuple[str, ...], Callable[..., Any]]:
    """Names of arguments, and the closed form with its derivative in c, which is 0 at c = ±1."""
    closed = expect2(base, base, c=c if end is None else sp.Integer(end))
    symbols = sorted(closed.free_symbols | {q}, key=str)
    slope = sp.diff(closed, c)
    return tuple(s.name for s in symbols), sp.lambdify(symbols, [closed, slope], "mpmath")


@lru_cache(maxsize=128)
def _mean_function(function: PiecewiseFunction) -> tuple[tuple[str, ...], Callable[..., Any]]:
    """Names of arguments, and the closed form of E[f]."""
    closed = expect(function)
    symbols = sorted(closed.free_symbols | {q}, key=str)
    return tuple(s.name for s in symbols), sp.lambdify(symbols, closed, "mpmath")


def _quadrature(module: Module, kernel: Dual, point: Point, digits: int) -> mpf:
    function = module.base(kernel.base)
    values = {s: point[s.name] for s in function.free_symbols}
    q, c = point["q"], point["c"]
    try:
        return gaussian_mean2(function, function, q, q, c, digits, values)
    except ZeroDivisionError:
        raise NotConvergedError(f"the product cannot be resolved at q = {q:g}, c = {c:g}") from None
