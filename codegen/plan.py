"""Deciding by measurement how a kernel is evaluated and on which domain it is promised.

1. Closed form: in double precision against itself at 100 digits, on a fine grid of q. Where it
   loses more than `_CLOSED_TOLERANCE` to cancellation, something else has to be found.
2. Approximation, of a mean whose closed form does not serve everywhere, and which has no parameter
   or one that is a unit: a quotient of polynomials in √q, or a table of polynomials, if one is as
   good as doubles and the definition can be resolved everywhere. It is taken for all of the domain.
3. Quadrature, where neither serves: of what has other parameters, or no such quotient. Switches
   from a closed form are powers of ten, rounded towards the safe side, so that the text does not
   depend on the machine that measured.
4. Panels and domain: the kernel against its definition at powers of ten from q = 1 outward. Where
   it misses its tolerance, finer panels are tried first; then the domain ends there.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import replace
from types import ModuleType

import mpmath
import numpy as np
import sympy as sp

from freejac.codegen.approximate import approximate
from freejac.codegen.crosscheck import STEP, References, compare, conditioning, references, worst
from freejac.codegen.load import load_text
from freejac.codegen.points import Point, spread_points
from freejac.codegen.rational_form import RationalForm
from freejac.codegen.record import Interval, KernelRecord, ModuleRecord
from freejac.codegen.render import render
from freejac.codegen.resolution import sees
from freejac.codegen.scaling import ScaledForm, scale_of
from freejac.codegen.spec import Derived, Dual, Mean, Module
from freejac.symbolic.errors import DomainError, Error, NotConvergedError

__all__ = ["plan", "restrict"]

_CLOSED_TOLERANCE = 2e-14
_LEAST = sys.float_info.min
_DECADES = range(-12, 13)
_PER_DECADE = 40
_PER_DECADE_AND_SETTING = 10
_SCALED_DECADES = (-8, 8)
"""Decades of √q/s: a parameter is at least 1/100 and at most 100."""
_FINEST = ("0.5", "0.015625", "0.00048828125")
_FALLS = 4
"""An error that finer panels do not make as many times smaller is not theirs."""


Progress = Callable[[str], None]


def plan(module: Module, *, stride: int = 1, progress: Progress = lambda _: None) -> ModuleRecord:
    """Choose evaluation and domain of every kernel.

    Args:
        module: what to plan.
        stride: decades between two probes of the domain: 1, 2, 3, 4, 6 or 12.
        progress: told each step in words.

    Returns:
        A record without error figures.

    Raises:
        Error: a kernel meets its tolerance nowhere.
    """
    if module.variable is None:
        return ModuleRecord(
            kernels={
                k.name: KernelRecord(
                    domain=(k.arguments[0].low, k.arguments[0].high)
                    if isinstance(k, Dual)
                    else None
                )
                for k in module.kernels
            }
        )
    full = (module.variable.low, module.variable.high)
    progress("measuring closed forms")
    closed = _closed_intervals(module, full)
    records = {k.name: KernelRecord(closed.get(k.name), full) for k in module.kernels}
    progress("integrating the definition")
    exact = _probe_references(module, stride)
    if (min(exact), max(exact)) == (_DECADES[0], _DECADES[-1]):
        records |= _approximated(module, records, full, progress)
    progress("comparing kernels with their definition")
    means = [k for k in module.kernels if isinstance(k, Mean)]
    record, compiled, errors = _finest(module, means, records, exact)
    reached = {name: _span(own, module.tolerance) for name, own in errors.items()}
    for name, (low, high) in reached.items():
        if low >= high:
            raise Error(
                f"the kernel {name} misses its tolerance {module.tolerance:g} around q = 1: the "
                "activation varies too sharply for the panels (rescale x), or cancels in the mean "
                "to less than doubles hold"
            )
    if stride > 1 and any(span != (min(exact), max(exact)) for span in reached.values()):
        progress("looking for the ends of domains")
        errors = _errors(
            module, means, compiled, exact | _probe_references(module, 1, skipped=exact)
        )
        reached = {name: _span(own, module.tolerance) for name, own in errors.items()}
    domains = {name: (_decade(low), _decade(high)) for name, (low, high) in reached.items()}
    return restrict(module, record, domains)


def _approximated(
    module: Module, records: Mapping[str, KernelRecord], full: Interval, progress: Progress
) -> dict[str, KernelRecord]:
    """Records of the means that an approximation serves better than what they have."""
    wanting = [k for k in module.kernels if isinstance(k, Mean) and records[k.name].closed != full]
    if module.parameters:
        return _scaled(module, wanting, full, progress)
    seen = {name for name in sorted({k.base for k in wanting}) if sees(module.base(name))}
    wanting = [k for k in wanting if k.base in seen]
    forms = approximate([(module.base(k.base), k.power) for k in wanting], progress)
    return {
        k.name: KernelRecord(domain=full, form=form)
        for k, form in zip(wanting, forms, strict=True)
        if form is not None
    }


def _scaled(
    module: Module, wanting: Sequence[Mean], full: Interval, progress: Progress
) -> dict[str, KernelRecord]:
    """The same where the one parameter is a unit of x or of f."""
    scales = {}
    for kernel in wanting:
        function = module.base(kernel.base)
        scale = scale_of(function, *function.free_symbols) if len(module.parameters) == 1 else None
        if scale is not None and sees(scale.unit):
            scales[kernel.name] = scale
    chosen = [k for k in wanting if k.name in scales]
    terms = [(scales[k.name].unit, k.power) for k in chosen]
    forms = approximate(terms, progress, decades=_SCALED_DECADES)
    name = module.parameters[0].name
    return {
        k.name: KernelRecord(
            domain=full,
            form=ScaledForm(name, scales[k.name].exponent, scales[k.name].power * k.power, form),
        )
        for k, form in zip(chosen, forms, strict=True)
        if isinstance(form, RationalForm)
    }


def restrict(module: Module, record: ModuleRecord, domains: Mapping[str, Interval]) -> ModuleRecord:
    """Confine kernels to intervals of q, and each closed form to its kernel's interval."""
    kernels = {}
    for kernel in module.kernels:
        low, high = domains[kernel.of if isinstance(kernel, Derived) else kernel.name]
        old = record.kernels[kernel.name]
        closed = old.closed
        if closed:
            inner = (max(closed[0], low, key=float), min(closed[1], high, key=float))
            closed = inner if float(inner[0]) < float(inner[1]) else None
        kernels[kernel.name] = replace(old, closed=closed, domain=(low, high))
    return replace(record, kernels=kernels)


def _decade(exponent: int) -> str:
    return f"1e{exponent}" if exponent else "1.0"


def _closed_intervals(module: Module, full: Interval) -> dict[str, Interval]:
    """Where each closed form is accurate in double precision, as powers of ten."""
    means = [k for k in module.kernels if isinstance(k, Mean) and k.closed is not None]
    if not means:
        return {}
    everywhere = {k.name: KernelRecord(None, full) for k in module.kernels}
    everywhere |= {k.name: KernelRecord(full, full) for k in means}
    compiled = load_text(render(module, ModuleRecord(kernels=everywhere)))
    density = _PER_DECADE_AND_SETTING if module.parameters else _PER_DECADE
    exponents = [k / density for k in range(-12 * density, 12 * density + 1)]
    settings = spread_points(list(module.parameters), 3) if module.parameters else [{}]
    intervals = {}
    for kernel in means:
        good = np.ones(len(exponents), dtype=bool)
        for setting in settings:
            points = [{"q": min(max(10.0**e, 1e-12), 1e12), **setting} for e in exponents]
            good &= _closed_errors(kernel, compiled, points) <= _CLOSED_TOLERANCE
        interval = _longest_run(good, density)
        if interval:
            intervals[kernel.name] = interval
    return intervals


def _closed_errors(kernel: Mean, compiled: ModuleType, points: list[Point]) -> np.ndarray:
    names = list(points[0])
    columns = [np.array([point[name] for point in points]) for name in names]
    with np.errstate(all="ignore"):
        values = getattr(compiled, kernel.name)(*columns)
    if kernel.closed is None:
        return np.full(len(points), np.inf)
    symbols = {s.name: s for s in kernel.closed.free_symbols}
    used = [name for name in names if name in symbols]
    exact = sp.lambdify([symbols[name] for name in used], kernel.closed, "mpmath")
    errors = []
    with mpmath.workdps(100):
        for point, value in zip(points, values, strict=True):
            numbers = {name: mpmath.mpf(point[name]) for name in used}
            reference = mpmath.mpf(exact(*numbers.values()))
            error = _relative(float(value), reference)
            if kernel.conditioned and "q" in numbers and 0.0 < error < float("inf"):
                moved = mpmath.mpf(exact(*(numbers | {"q": numbers["q"] * (1 + STEP)}).values()))
                error /= float(conditioning(reference, moved))
            errors.append(error)
    return np.array(errors)


def _relative(value: float, reference: mpmath.mpf) -> float:
    if not np.isfinite(value):
        return float("inf")
    if abs(reference) < _LEAST:  # not more than a double can be near
        return 0.0 if abs(value) <= _LEAST else float("inf")
    return float(abs(value / reference - 1))


def _longest_run(good: np.ndarray, density: int) -> Interval | None:
    """Longest run of decades all of whose grid points are good; at least two decades."""
    decades = [
        bool(good[i * density : (i + 1) * density + 1].all()) for i in range(len(_DECADES) - 1)
    ]
    best: tuple[int, int] = (0, 0)
    start = 0
    for i, fine in enumerate([*decades, False]):
        if not fine:
            best = max(best, (start, i), key=lambda run: run[1] - run[0])
            start = i + 1
    if best[1] - best[0] < 2:
        return None
    return _decade(_DECADES[best[0]]), _decade(_DECADES[best[1]])


def _probe_references(
    module: Module, stride: int, skipped: Container[int] = ()
) -> dict[int, References]:
    """References at powers of ten from q = 1 outward, as far as the definition can be resolved."""
    settings = spread_points(list(module.parameters), 1) if module.parameters else [{}]
    found: dict[int, References] = {}
    for side in (range(0, 13, stride), range(-stride, -13, -stride)):
        for exponent in side:
            if exponent in skipped:
                continue
            points = [{"q": float(_decade(exponent)), **setting} for setting in settings]
            try:
                found[exponent] = references(module, points)
            except (NotConvergedError, DomainError):
                # At q = 1 there is nothing to promise; farther out the domain ends here.
                if not found and not skipped:
                    raise
                break
    return found


Errors = dict[int, float]
"""By the exponent of q, the worst error there."""


def _finest(
    module: Module,
    means: Sequence[Mean],
    records: Mapping[str, KernelRecord],
    exact: Mapping[int, References],
) -> tuple[ModuleRecord, ModuleType, dict[str, Errors]]:
    """The widest panels that serve, with the kernels and their errors.

    Finer ones are tried as long as they help; what is lost to cancellation they do not bring back.
    """
    record = ModuleRecord(finest=_FINEST[0], kernels=dict(records))
    compiled = load_text(render(module, record))
    errors = _errors(module, means, compiled, exact)
    for finest in _FINEST[1:]:
        # a form does not depend on panels, and compiling takes seconds
        missing = [
            k
            for k in means
            if records[k.name].integrates and max(errors[k.name].values()) > module.tolerance
        ]
        finer = replace(record, finest=finest)
        trial = load_text(render(module, finer)) if missing else compiled
        found = _errors(module, missing, trial, exact)
        if not any(_helps(errors[name], own, module.tolerance) for name, own in found.items()):
            break
        record, compiled, errors = finer, trial, errors | found
    return record, compiled, errors


def _helps(before: Errors, after: Errors, tolerance: float) -> bool:
    """Whether an error that is too large falls."""
    return any(
        error > tolerance and after[exponent] < error / _FALLS for exponent, error in before.items()
    )


def _errors(
    module: Module,
    means: Sequence[Mean],
    compiled: ModuleType,
    exact: Mapping[int, References],
) -> dict[str, Errors]:
    """The worst error of each mean at every decade."""
    only = replace(module, kernels=tuple(means))
    errors: dict[str, Errors] = {k.name: {} for k in means}
    for exponent, rows in exact.items():
        with np.errstate(all="ignore"):
            results = compare(only, compiled, rows)
        for name, own in errors.items():
            error = worst(results[name]).error
            own[exponent] = error if error >= 0 else float("inf")
    return errors


def _span(errors: Errors, tolerance: float) -> tuple[int, int]:
    """The decades around q = 1 on which a mean meets its tolerance; empty: (0, 0)."""
    failing = [exponent for exponent, error in errors.items() if error > tolerance]
    worst_below = max((e for e in failing if e <= 0), default=min(errors) - 1)
    worst_above = min((e for e in failing if e >= 0), default=max(errors) + 1)
    kept = [e for e in errors if worst_below < e < worst_above]
    return (min(kept), max(kept)) if kept else (0, 0)
