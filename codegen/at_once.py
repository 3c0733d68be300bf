"""A module compiled at once, for use here and now; what was found is kept in the user's cache."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from types import ModuleType

import numpy as np

from freejac.codegen.activation_modules import activation_dual_module, activation_module
from freejac.codegen.crosscheck import check_points, compare, references, worst
from freejac.codegen.files import write_atomically
from freejac.codegen.load import cache_folder, load_text
from freejac.codegen.measure import confirmed
from freejac.codegen.phases import phase_module, phase_record
from freejac.codegen.plan import plan
from freejac.codegen.record import ModuleRecord
from freejac.codegen.render import render
from freejac.codegen.spec import Dual, Mean, Module
from freejac.symbolic.activation import Activation
from freejac.symbolic.errors import Error, NoClosedForm

__all__ = ["compiled", "compiled_solvers"]

_VERSION = 2
"""Of plans: what an earlier one left on a machine is planned anew."""
_STRIDE = 4
_TRIALS = 6
_CONFIRMED = 40


def compiled(module: Module, progress: Callable[[str], None] = lambda _: None) -> ModuleType:
    """Plan a module, unless that has been done on this machine, and load its kernels.

    Args:
        module: what is wanted.
        progress: told each step in words.

    Returns:
        The kernels. Nothing is kept unless every step was completed.

    Raises:
        Error: a kernel agrees with its definition nowhere.
    """
    record = _planned(module, progress)
    progress("compiling")
    return load_text(render(module, record))


def compiled_solvers(
    phi: Activation, progress: Callable[[str], None] = lambda _: None, *, duals: bool = False
) -> ModuleType:
    """Load the solvers of an activation; its Gaussian means are planned as for `compiled`.

    Args:
        phi: the activation.
        progress: told each step in words.
        duals: whether duals without a closed form are approximated, as following a correlation
            from layer to layer needs; the other solvers do without.

    Raises:
        Error: a mean agrees with its definition nowhere.
        DomainError: φ jumps, or it depends on a parameter on which side of 0 a breakpoint lies.
    """
    means = activation_module(phi)
    module = phase_module(phi, means, _duals(phi, progress, duals))
    record = phase_record(module, _planned(means, progress))
    progress("compiling the solvers")
    return load_text(render(module, record))


def _duals(phi: Activation, progress: Callable[[str], None], approximate: bool) -> Module | None:
    try:
        return activation_dual_module(phi, progress=progress, approximate=approximate)
    except NoClosedForm:
        return None


def _planned(module: Module, progress: Callable[[str], None]) -> ModuleRecord:
    # The definition and every closed form, as the text depends on them.
    key = hashlib.sha256(f"{_VERSION} {module!r}".encode()).hexdigest()[:20]
    kept = cache_folder() / f"plan_{key}.json"
    if kept.exists():
        record = ModuleRecord.from_json(json.loads(kept.read_text(encoding="utf-8")))
    else:
        record = plan(module, stride=_STRIDE, progress=progress)
        means = [kernel.name for kernel in module.kernels if isinstance(kernel, Mean)]
        if any(record.kernels[name].integrates for name in means):
            # powers of ten far apart do not show where quadrature is lost between them
            record = confirmed(module, record, _CONFIRMED, progress)
        if any(isinstance(kernel, Dual) for kernel in module.kernels):
            progress("comparing the duals with their definition")
            _require_agreement(module, record)
        write_atomically(kept, json.dumps(record.to_json()))
    return record


def _require_agreement(module: Module, record: ModuleRecord) -> None:
    """Compare at the ends of the domain and at a few points inside."""
    exact = references(module, check_points(module, record, _TRIALS))
    with np.errstate(all="ignore"):
        results = compare(module, load_text(render(module, record)), exact)
    for name, comparisons in results.items():
        bad = worst(comparisons)
        if not bad.error <= module.tolerance:
            where = ", ".join(f"{key} = {value:g}" for key, value in bad.point.items())
            raise Error(f"the kernel {name} misses its tolerance {module.tolerance:g} at {where}")
