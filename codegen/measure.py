"""Measuring a module: its kernels against the references, and what is recorded of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from freejac.codegen.crosscheck import (
    POINTS,
    Comparison,
    check_points,
    compare,
    references,
    rounded_up,
    worst,
)
from freejac.codegen.load import load_text
from freejac.codegen.phase_check import solver_errors
from freejac.codegen.plan import plan, restrict
from freejac.codegen.record import Interval, ModuleRecord
from freejac.codegen.render import digest, render
from freejac.codegen.spec import Derived, Mean, Module
from freejac.symbolic.errors import Error

__all__ = ["confirmed", "measure", "measure_solvers"]

_ATTEMPTS = 4
_PLACES = 12
"""Places (σ_w, σ_b) at which the solvers of an activation are checked."""


def measure(module: Module, progress: Callable[[str], None] = lambda _: None) -> ModuleRecord:
    """Plan a module, check it at `POINTS` points, and record the worst errors.

    Args:
        module: what to measure.
        progress: told each step in words.

    Returns:
        The complete record.

    Raises:
        Error: a kernel misses its tolerance wherever its domain is drawn.
    """
    record = plan(module, progress=lambda step: progress(f"{module.name}: {step}"))
    return confirmed(module, record, POINTS, lambda step: progress(f"{module.name}: {step}"))


def confirmed(
    module: Module,
    record: ModuleRecord,
    count: int,
    progress: Callable[[str], None] = lambda _: None,
) -> ModuleRecord:
    """Check a plan at `count` points, with domains cut where a kernel misses its tolerance.

    Raises:
        Error: a kernel misses its tolerance wherever its domain is drawn.
    """
    for _ in range(_ATTEMPTS):
        progress(f"cross-checking {len(module.kernels)} kernels")
        exact = references(module, check_points(module, record, count))
        with np.errstate(all="ignore"):
            results = compare(module, load_text(render(module, record)), exact)
        missed = {
            k.name: worst(inside).point
            for k in module.kernels
            if not worst(inside := _inside(results[k.name], record.kernels[k.name].domain)).error
            <= module.tolerance
        }
        if not missed:
            return _with_errors(module, record, results)
        record = _shrunk(module, record, missed)
    raise Error(f"{module.name}: the kernels {', '.join(missed)} miss their tolerance")


def measure_solvers(module: Module, record: ModuleRecord) -> ModuleRecord:
    """Check the solvers of an activation, and record the worst errors.

    Args:
        module: what to measure.
        record: how its means are evaluated.

    Raises:
        Error: a solver misses its tolerance.
    """
    kernels = dict(record.kernels)
    for name, errors in solver_errors(module, load_text(render(module, record)), _PLACES).items():
        if not max(errors) <= module.tolerance:
            raise Error(
                f"{module.name}: the solver {name} misses the tolerance {module.tolerance:g}"
            )
        ulp = max(1, round(max(errors) / float(np.finfo(float).eps)))
        error = rounded_up(max(errors))
        kernels[name] = replace(kernels[name], error=error, ulp=ulp, points=len(errors))
    measured = replace(record, kernels=kernels)
    return replace(measured, digest=digest(module, measured))


def _inside(comparisons: Sequence[Comparison], domain: Interval | None) -> Sequence[Comparison]:
    """Comparisons on the kernel's own domain, which may be smaller than its module's."""
    if domain is None:
        return comparisons
    low, high = float(domain[0]), float(domain[1])
    return [c for c in comparisons if low <= c.point["q"] <= high]


def _with_errors(
    module: Module, record: ModuleRecord, results: Mapping[str, Sequence[Comparison]]
) -> ModuleRecord:
    kernels = {}
    for name, old in record.kernels.items():
        inside = _inside(results[name], old.domain)
        ulp = rounded_up(max(c.ulp for c in inside))
        kernels[name] = replace(
            old,
            error=rounded_up(worst(inside).error),
            ulp=max(1, round(float(ulp))) if float(ulp) else 0,
            points=len(inside),
        )
    measured = replace(record, kernels=kernels)
    return replace(measured, digest=digest(module, measured))


def _shrunk(
    module: Module, record: ModuleRecord, missed: Mapping[str, Mapping[str, float]]
) -> ModuleRecord:
    """Cut each failing kernel's domain at the decade inside its worst point."""
    if module.variable is None:
        raise Error(f"{module.name}: {', '.join(missed)} miss the tolerance {module.tolerance:g}")
    full = (module.variable.low, module.variable.high)
    domains = {
        k.name: record.kernels[k.name].domain or full for k in module.kernels if isinstance(k, Mean)
    }
    for kernel in module.kernels:
        point = missed.get(kernel.name)
        name = kernel.of if isinstance(kernel, Derived) else kernel.name
        if point is None:
            continue
        low, high = domains[name]
        exponent = float(np.log10(point["q"]))
        if exponent >= 0:
            high = min(high, f"1e{int(np.ceil(exponent)) - 1}", key=float)
        else:
            low = max(low, f"1e{int(np.floor(exponent)) + 1}", key=float)
        if float(low) >= float(high):
            raise Error(
                f"the kernel {kernel.name} misses its tolerance {module.tolerance:g} at "
                f"q = {point['q']:.3g}; no domain is left to promise"
            )
        domains[name] = (low, high)
    return restrict(module, record, domains)
