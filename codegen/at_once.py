"""A module compiled at once, for use here and now; what was found is kept in the user's cache."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from types import ModuleType

from freejac.codegen.files import write_atomically
from freejac.codegen.load import cache_folder, load_text
from freejac.codegen.plan import plan
from freejac.codegen.record import ModuleRecord
from freejac.codegen.render import render
from freejac.codegen.spec import Module

__all__ = ["compiled"]

_STRIDE = 4


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
    # The definition and every closed form, as the text depends on them.
    key = hashlib.sha256(repr(module).encode()).hexdigest()[:20]
    kept = cache_folder() / f"plan_{key}.json"
    if kept.exists():
        record = ModuleRecord.from_json(json.loads(kept.read_text(encoding="utf-8")))
    else:
        record = plan(module, stride=_STRIDE, progress=progress)
        write_atomically(kept, json.dumps(record.to_json()))
    progress("compiling")
    return load_text(render(module, record))
