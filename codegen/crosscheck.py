"""Comparing kernels with references at 50 digits.

Gaussian means are integrated by mpmath from their definition, and the residual density comes from
Newton's method on the Green's function equation: both check formula and arithmetic. The moments
of J Jᵀ and the residual edges are evaluated in exact numbers, which checks the arithmetic alone;
their formulas are held against simulated matrices in the tests of `symbolic`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import ModuleType

import mpmath
import numpy as np
import sympy as sp

from freejac.codegen.contour_oracle import contour_points, contour_reference
from freejac.codegen.dual_check import dual_points, dual_reference
from freejac.codegen.mean_values import MeanValues
from freejac.codegen.oracle import DIGITS, moment_law, residual_density, residual_edge
from freejac.codegen.points import (
    Point,
    jacobian_points,
    limit_points,
    moment_points,
    residual_points,
    spread_points,
)
from freejac.codegen.record import ModuleRecord
from freejac.codegen.residual_oracle import block_points, block_reference
from freejac.codegen.slopes_oracle import slopes_density, slopes_points
from freejac.codegen.spec import Argument, Derived, Dual, Mean, Module, Sampled
from freejac.codegen.spectral_oracle import (
    jacobian_atom,
    jacobian_density,
    jacobian_edge,
    limit_atom,
    limit_density,
    limit_edge,
)
from freejac.symbolic.errors import NotConvergedError
from freejac.symbolic.piecewise import PiecewiseFunction

__all__ = [
    "POINTS",
    "STEP",
    "Comparison",
    "References",
    "check_points",
    "compare",
    "conditioning",
    "references",
    "rounded_up",
    "worst",
]

_SETTINGS = 10
_CANCELLED = DIGITS - 10
_LEAST = mpmath.mpf(2) ** -960
STEP = mpmath.mpf(2) ** -26
POINTS = 200
"""Interior points of a full check; the ends of the domain come on top."""
POINTS_BY_QUADRATURE = 60
"""Those of duals that close nowhere."""


@dataclass(frozen=True)
class Comparison:
    """One kernel at one point.

    Attributes:
        point: the arguments.
        value: what the kernel returned.
        expected: the reference, rounded to a double.
        error: relative error (over 1 + |λ ρ′/ρ| for the density, over 1 + |q F′/F| for a
            conditioned mean).
        ulp: the same in units in the last place.
    """

    point: Point
    value: float
    expected: float
    error: float
    ulp: float


References = list[tuple[Point, Mapping[str, tuple[mpmath.mpf, mpmath.mpf]]]]
"""Per point: the exact value of each kernel, and its condition number + 1."""


def rounded_up(value: float) -> str:
    """One significant digit, rounded up: the figure that is published.

    What lies below the digits of the references is published as 0.

    >>> rounded_up(2.1e-16), rounded_up(1e-60), rounded_up(3e-16)
    ('3e-16', '0', '3e-16')
    """
    if value < 10.0 ** (5 - DIGITS):
        return "0"
    exponent = math.floor(math.log10(value))
    digit = math.ceil(value / 10.0**exponent * (1 - 1e-12))
    return f"{digit}e{exponent}" if digit < 10 else f"1e{exponent + 1}"


def check_points(module: Module, record: ModuleRecord, count: int, *, seed: int = 0) -> list[Point]:
    """Points over the union of a module's domains, and on both sides of every switch."""
    if isinstance(module.kernels[0], Dual):
        # In two variables quadrature of the definition takes seconds a point.
        open_form = any(isinstance(k, Dual) and k.closed is None for k in module.kernels)
        count = min(count, POINTS_BY_QUADRATURE) if open_form else count
        return dual_points(module.kernels[0].arguments, count, seed=seed)
    if module.variable is None:
        if module.kernels[0].name == "m_1":
            return moment_points(count, seed=seed)
        if module.name == "universality_density":
            return limit_points(count, seed=seed)
        if module.name == "contour_density":
            return contour_points(count, seed=seed)
        if module.name == "residual_blocks_density":
            return block_points(min(count, POINTS_BY_QUADRATURE), seed=seed)
        if module.name.endswith("_slopes_density"):
            count = min(count, POINTS_BY_QUADRATURE)
            return slopes_points(module.name.split("_")[0], count, seed=seed)
        if module.name.endswith("_jacobian_density"):
            return jacobian_points(module.name.split("_")[0], count, seed=seed)
        return residual_points(module.arguments(module.kernels[0])[1], count, seed=seed)
    ends = sorted(
        {
            float(e)
            for k in record.kernels.values()
            for pair in (k.domain, k.closed)
            if pair
            for e in pair
        }
    )
    low, high = module.variable.low, module.variable.high
    if ends:
        low, high = repr(ends[0]), repr(ends[-1])
    variable = Argument("q", "", low, high)
    points = spread_points([variable], count, seed=seed)
    if module.parameters:
        # A few settings in turn: the definition is sampled once for each of them.
        settings = spread_points(list(module.parameters), _SETTINGS, seed=seed)
        corners = [{"q": float(q), **setting} for q in (low, high) for setting in settings]
        points = corners + [p | settings[i % len(settings)] for i, p in enumerate(points)]
    others = {p.name: math.sqrt(abs(float(p.low) * float(p.high))) for p in module.parameters}
    for end in ends[1:-1]:
        beside = (end, math.nextafter(end, 0.0), math.nextafter(end, math.inf))
        points += [{"q": q, **others} for q in beside]
    return points


def references(
    module: Module, points: Iterable[Point], advance: Callable[[], None] = lambda: None
) -> References:
    """Exact values of every kernel at every point.

    Args:
        module: the module.
        points: where.
        advance: called after each point.

    Raises:
        NotConvergedError: an integrand cannot be resolved at a point.
    """
    results: References = []
    for index, point in enumerate(points):
        try:
            results.append((point | _extra(module, index), _reference(module, point, index)))
        except NotConvergedError:
            # A dual without a closed form is held against its definition where that is resolved.
            if not any(isinstance(k, Dual) and k.closed is None for k in module.kernels):
                raise
        advance()
    return results


def _reference(
    module: Module, point: Point, index: int
) -> Mapping[str, tuple[mpmath.mpf, mpmath.mpf]]:
    if isinstance(module.kernels[0], Dual):
        return dual_reference(module, point, index)
    if "phi" in point:
        return contour_reference(point)
    one = mpmath.mpf(1)
    if module.variable is None:
        values = {}
        for kernel in module.kernels:
            if isinstance(kernel, Sampled) and kernel.oracle.startswith(("jacobian", "limit")):
                values[kernel.name] = _jacobian_reference(module.name.split("_")[0], kernel, point)
            elif isinstance(kernel, Sampled) and kernel.oracle == "density":
                density, condition = residual_density(point)
                values[kernel.name] = (density, 1 + condition)
            elif isinstance(kernel, Sampled):
                oracle = moment_law if kernel.oracle == "moment" else residual_edge
                values[kernel.name] = (oracle(kernel.name, point), one)
        return values
    means = [k for k in module.kernels if isinstance(k, Mean)]
    symbols = {p.name: p for p in _parameter_symbols(module)}
    curve = _curve(
        tuple((module.base(k.base), k.power) for k in means),
        tuple((symbols[name], value) for name, value in point.items() if name in symbols),
        tuple(
            k.closed != 0 and (k.closed is not None or (k.conditioned and not module.parameters))
            for k in means
        ),
    )
    exact = curve(point["q"])
    # An integral that must be 0 is rounding errors of what cancels.
    noise = (1 + max(abs(value) for value in exact)) * mpmath.mpf(10) ** -_CANCELLED
    exact = [
        mpmath.mpf(0) if k.closed == 0 and abs(value) < noise else value
        for k, value in zip(means, exact, strict=True)
    ]
    values = {k.name: (value, one) for k, value in zip(means, exact, strict=True)}
    if any(k.conditioned for k in means):
        with mpmath.workdps(DIGITS):
            beside = curve(mpmath.mpf(point["q"]) * (1 + STEP))
            for k, value, moved in zip(means, exact, beside, strict=True):
                if k.conditioned and value:
                    values[k.name] = (value, conditioning(value, moved))
    extra = _extra(module, index)
    with mpmath.workdps(60):
        for kernel in module.kernels:
            if isinstance(kernel, Derived):
                inner = {sp.Symbol(kernel.of, real=True): values[kernel.of][0]}
                outer = {
                    s: mpmath.mpf(extra[s.name])
                    for s in kernel.outer.free_symbols
                    if s.name in extra
                }
                arguments = inner | outer
                function = sp.lambdify(list(arguments), kernel.outer, "mpmath")
                values[kernel.name] = (function(*arguments.values()), values[kernel.of][1])
    return values


def conditioning(value: mpmath.mpf, moved: mpmath.mpf) -> mpmath.mpf:
    """1 + |q F′/F| from F(q) and F((1 + STEP) q): what the rounding of q may do, and 1."""
    return 1 + abs((moved - value) / (STEP * value))


def _jacobian_reference(
    weights: str, kernel: Sampled, point: Point
) -> tuple[mpmath.mpf, mpmath.mpf]:
    """The kernels of a Bernoulli D², and of the depth limits."""
    if "layers" in point:
        return block_reference(kernel.name, point)
    own = {a.name: point[a.name] for a in kernel.arguments}
    if "values" in own:
        return slopes_density(kernel.name, own, weights)
    if kernel.oracle == "limit":
        return limit_density(kernel.name, own)
    if kernel.oracle == "limit_edge":
        return limit_edge(kernel.name, own)
    if kernel.oracle == "limit_atom":
        return limit_atom(own)
    if kernel.oracle == "jacobian_density":
        return jacobian_density(own, weights)
    if kernel.oracle == "jacobian_atom":
        return jacobian_atom(own)
    return jacobian_edge(kernel.name, own, weights)


@lru_cache(maxsize=16)
def _curve(
    terms: tuple[tuple[PiecewiseFunction, int], ...],
    parameters: tuple[tuple[sp.Symbol, float], ...],
    relative: tuple[bool, ...],
) -> MeanValues:
    """Keep the samples of the definition from one variance to the next."""
    return MeanValues(terms, DIGITS, dict(parameters), relative=relative)


def _parameter_symbols(module: Module) -> set[sp.Symbol]:
    return set().union(*(base.function.free_symbols for base in module.bases))


def _extra(module: Module, index: int) -> Point:
    """Values of the arguments that only derived kernels have, changing from point to point."""
    arguments = {a.name: a for k in module.kernels if isinstance(k, Derived) for a in k.extra}
    rows = spread_points(list(arguments.values()), 29) if arguments else [{}]
    return rows[index % len(rows)]


def compare(module: Module, compiled: ModuleType, exact: References) -> dict[str, list[Comparison]]:
    """Evaluate every kernel at every reference point.

    Args:
        module: what the kernels are.
        compiled: the module that was rendered from it.
        exact: the reference values.

    Returns:
        For each kernel its comparisons, in the order of the points.
    """
    results: dict[str, list[Comparison]] = {}
    for kernel in module.kernels:
        names = [a.name for a in module.arguments(kernel)]
        function = getattr(compiled, kernel.name)
        # a point may be one kernel's alone
        own = [(point, values[kernel.name]) for point, values in exact if kernel.name in values]
        if any(a.several for a in module.arguments(kernel)):
            found = [function(*(point[name] for name in names)) for point, _ in own]
        else:
            found = function(*(np.array([point[name] for point, _ in own]) for name in names))
        results[kernel.name] = [
            _comparison({n: point[n] for n in names}, float(value), *reference)
            for (point, reference), value in zip(own, found, strict=True)
        ]
    return results


def _comparison(point: Point, value: float, exact: mpmath.mpf, condition: mpmath.mpf) -> Comparison:
    expected = float(exact)
    if not math.isfinite(value):
        return Comparison(point, value, expected, math.inf, math.inf)
    with mpmath.workdps(60):
        distance = abs(mpmath.mpf(value) - exact) / condition
        # Below the digits of the reference there is nothing to measure.
        if distance <= abs(exact) * mpmath.mpf(10) ** -(DIGITS - 5):
            return Comparison(point, value, expected, 0.0, 0.0)
        # A value below the normal doubles has no digits to lose.
        size = max(abs(exact), _LEAST)
        error = float(distance / size)
        ulp = float(distance / mpmath.mpf(math.ulp(float(size))))
    return Comparison(point, value, expected, error, ulp)


def worst(comparisons: Sequence[Comparison]) -> Comparison:
    """The comparison with the largest error."""
    return max(comparisons, key=lambda c: c.error)
