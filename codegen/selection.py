"""Which modules of the catalogue a list of names means: a module, or all modules of an activation.

>>> selected(["relu", "tanh_dual"])
('relu', 'relu_dual', 'tanh_dual', 'relu_phase')
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from freejac.codegen.catalogue import CATALOGUE
from freejac.symbolic import library
from freejac.symbolic.errors import UnknownNameError
from freejac.symbolic.library import LIBRARY

__all__ = ["MODULES", "SOLVERS", "selected"]

SOLVERS = {f"{name}_phase": name for name in LIBRARY}
"""The activation of every module of solvers."""

MODULES = (*CATALOGUE, *SOLVERS)
"""Names of all modules, in the order of `docs/kernels.md`."""


def selected(names: Iterable[str]) -> tuple[str, ...]:
    """Names of the modules that are meant, in the order of `docs/kernels.md`.

    Args:
        names: modules; the name of an activation stands for its means, duals and solvers together.

    Raises:
        UnknownNameError: there is no such module and no such activation.

    >>> selected(["jacobian_moment"])
    Traceback (most recent call last):
    freejac.symbolic.errors.UnknownNameError: there are no kernels 'jacobian_moment' (did you mean \
jacobian_moments?)
    """
    wanted: set[str] = set()
    unknown: list[str] = []
    for name in names:
        entry = library.resolve(name)
        if entry is not None:
            wanted |= {entry.name, f"{entry.name}_dual", f"{entry.name}_phase"}
        elif name in MODULES:
            wanted.add(name)
        else:
            unknown.append(name)
    if unknown:
        called = " and ".join(map(repr, dict.fromkeys(unknown)))
        raise UnknownNameError(f"there are no kernels {called}", hint=_hint(unknown))
    return tuple(name for name in MODULES if name in wanted)


def _hint(unknown: Iterable[str]) -> str:
    near = [
        found
        for name in unknown
        for found in [
            *difflib.get_close_matches(name, MODULES, n=2, cutoff=0.75),
            *library.near(name),
        ][:2]
    ]
    if not near:
        return "a name is an activation of `freejac list`, or a file of generated/ without .py"
    return f"did you mean {' or '.join(dict.fromkeys(near))}?"
