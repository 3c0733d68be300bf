"""A NumPy ufunc over an array, on all processors.

>>> import numpy as np
>>> q = np.linspace(0.0, 1.0, 100_000)
>>> bool((threaded(np.sqrt)(q) == np.sqrt(q)).all())
True
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np

__all__ = ["threaded"]

_LEAST = 16_384
"""Results below which threads cost more than they save."""
_SHARES = 4
"""Parts for each processor, so that one that is busy elsewhere does not hold up the others."""


@lru_cache(maxsize=1)
def _pool(process: int) -> ThreadPoolExecutor:
    """The threads of a process; a forked one has none of its parent's."""
    return ThreadPoolExecutor(_processors(), thread_name_prefix="freejac")


def _processors() -> int:
    """Processors that this process may use."""
    available = getattr(os, "sched_getaffinity", None)
    return len(available(0)) if available else os.cpu_count() or 1


def threaded(function: np.ufunc) -> Callable[..., Any]:
    """A function of arrays that shares the elements out among threads.

    Every element is computed by the ufunc itself, so that the results are the same bits. NumPy
    releases the interpreter's lock while a ufunc runs.

    Args:
        function: a ufunc with one result.

    Returns:
        A function of the same arguments, which broadcast.
    """

    def run(*arguments: Any) -> Any:
        shape = np.broadcast_shapes(*map(np.shape, arguments))
        axis = int(np.argmax(shape)) if shape else 0
        if not shape or np.prod(shape, dtype=float) < _LEAST or _processors() == 1:
            return function(*arguments)
        kind = function(*(np.ravel(a)[:1] if np.ndim(a) else a for a in arguments)).dtype
        result = np.empty(shape, kind)
        edges = np.linspace(0, shape[axis], _SHARES * _processors() + 1).astype(int)

        def part(start: int, stop: int) -> None:
            inputs = [_slice(a, len(shape) - axis, start, stop) for a in arguments]
            place = (slice(None),) * axis + (slice(start, stop),)
            function(*inputs, out=result[place])

        for done in [_pool(os.getpid()).submit(part, *ends) for ends in pairwise(edges)]:
            done.result()
        return result

    return run


def _slice(array: Any, axis_from_end: int, start: int, stop: int) -> Any:
    """The part of an argument that belongs to a part of the results along one axis."""
    dimension = np.ndim(array)
    if dimension < axis_from_end or np.shape(array)[-axis_from_end] == 1:
        return array
    place = (slice(None),) * (dimension - axis_from_end) + (slice(start, stop),)
    return np.asarray(array)[place]
