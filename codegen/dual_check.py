"""Points and references for duals: where they are checked, and against what.

The reference is the closed form with as many digits as its cancellations ask for; at every fifth
point it has to agree to 18 digits of E[f²] with quadrature of the definition, where that can be
resolved (q up to 1000). Without a closed form the definition is the reference at every point.
What an error of a dual D is relative to is stated once, in `dual_spec.MEASURE`: an ULP of D, or
what half an ULP of an argument changes D by, whichever is more: of q, of a parameter, or of the
nearest of 1 + c, c and 1 − c. The latter is more next to zeros of D, and where D falls like
exp(−a/q): no argument in doubles is known better. A wrong digit anywhere else is seen whole.

>>> sorted({round(p["c"], 3) for p in dual_points([_Q, _C], 4)})
[-1.0, -0.998, 0.0, 0.559, 1.0]
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
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
_SHIFT_DIGITS = 60
_SUSPECT = 4
"""From what condition on the change of a dual is measured, not taken from its derivatives."""
_ROUNDING = mpf(2) ** -53
_STRIDE = 5
_FARTHEST = 1e3
"""The largest variance at which the definition is integrated where there is a closed form."""
_MOST_DIGITS = 6000
_ZERO_DIGITS = 640
"""As many show the least double beside larger terms: what is 0 at c = 0 then is taken for 0."""


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
    """The value of every dual at a point, and what its error is divided by besides |D|.

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
            value, slopes = _closed_values(module, kernel, point)
            if index % _STRIDE == 0 and point["q"] <= _FARTHEST:
                _confirm(module, kernel, point, value)
            found[kernel.name] = (value, _condition(module, kernel, point, value, slopes))
    return found


def _condition(
    module: Module, kernel: Dual, point: Point, value: mpf, slopes: Mapping[str, mpf]
) -> mpf:
    """Half an ULP of an argument against an ULP of D: 1 but for a D that changes faster than q².

    The rates decide where the change is measured: next to a double zero, that of E[f]² in q, it is
    more than they say.
    """
    if not value:
        return mpf(1)
    rates = [_size(point, name) * slope / value for name, slope in slopes.items()]
    condition = max(mpf(1), *(abs(rate) / 2 for rate in rates))
    if condition < _SUSPECT:
        return condition
    shifts = [_shifted(point, name, sign) for name in slopes for sign in (1, -1)]
    changes = [abs(_closed_values(module, kernel, shift)[0] - value) for shift in shifts]
    return max(mpf(1), max(changes) / (2 * _ROUNDING * abs(value)))


def _shifted(point: Point, name: str, sign: int) -> dict[str, mpf]:
    """The point with an argument, or the nearest of 1 + c, c and 1 − c, changed by half an ULP."""
    moved = {key: mpf(number) for key, number in point.items()}
    with mp.workdps(_SHIFT_DIGITS):
        moved[name] += sign * _ROUNDING * _size(point, name)
    return moved


def _size(point: Point, name: str) -> mpf:
    """What an argument is rounded in proportion to."""
    at = point[name]
    return mpf(min(abs(at), 1.0 - abs(at)) if name == "c" else at)


def _open_values(module: Module, kernel: Dual, point: Point) -> tuple[mpf, mpf]:
    """A dual without a closed form, and what makes its error one of E[f²]/100 where it is less.

    That holds near a zero: the products that are integrated cancel there, in reference and kernel.
    """
    value = _quadrature(module, kernel, point, DUAL_DIGITS)
    size = _quadrature(module, kernel, point | {"c": 1.0}, DUAL_DIGITS)
    return value, max(mpf(1), size / (_LEAST_SHARE * abs(value))) if value else mpf(1)


def _confirm(module: Module, kernel: Dual, point: Point, value: mpf) -> None:
    """Hold a value of the closed form against the definition, where quadrature resolves that."""
    try:
        defined = _quadrature(module, kernel, point, DUAL_DIGITS)
        size = _quadrature(module, kernel, point | {"c": 1.0}, 8)
    except NotConvergedError:
        return
    if abs(defined - value) > _AGREEMENT * size + _NOTHING:
        raise InternalError(f"{module.name}.{kernel.name} differs from its definition: {point}")


def _closed_values(
    module: Module, kernel: Dual, point: Mapping[str, float | mpf]
) -> tuple[mpf, dict[str, mpf]]:
    """The closed form and its derivatives, with as many digits as they ask for."""
    at = point["c"]
    names, function = _function(module.base(kernel.base), int(at) if at in {-1, 0, 1} else None)
    digits, before = 40, None
    while digits < _MOST_DIGITS:
        with mp.workdps(digits):
            value, *slopes = map(mpmath.mpmathify, function(*(mpf(point[name]) for name in names)))
            settled = bool(value) or bool(at) or digits >= _ZERO_DIGITS
            allowed = abs(value) * mpf(10) ** -DUAL_DIGITS
            if before is not None and settled and abs(value - before) <= allowed:
                return value, dict(zip(names, slopes, strict=True))
            before = value
        digits *= 2
    raise NotConvergedError(f"{kernel.closed} cancels to thousands of digits at {point}")


@lru_cache(maxsize=128)
def _function(
    base: PiecewiseFunction, end: int | None
) -> tuple[tuple[str, ...], Callable[..., Any]]:
    """Names of arguments, and the closed form with its derivative in each of them.

    Ends are c = −1, 0 and 1, where fewer terms are left and c is no argument.
    """
    if end == 0:
        closed = expect(base) ** 2
    else:
        closed = expect2(base, base, c=c if end is None else sp.Integer(end))
    symbols = sorted(closed.free_symbols | {q}, key=str)
    forms = [closed, *(sp.diff(closed, symbol) for symbol in symbols)]
    return tuple(s.name for s in symbols), sp.lambdify(symbols, forms, "mpmath", cse=True)


def _quadrature(module: Module, kernel: Dual, point: Point, digits: int) -> mpf:
    function = module.base(kernel.base)
    values = {s: point[s.name] for s in function.free_symbols}
    q, c = point["q"], point["c"]
    try:
        return gaussian_mean2(function, function, q, q, c, digits, values)
    except ZeroDivisionError:
        raise NotConvergedError(f"the product cannot be resolved at q = {q:g}, c = {c:g}") from None
