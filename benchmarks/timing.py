"""How the benchmarks time: the best of many calls, in one process."""

from __future__ import annotations

import ctypes
import math
import time
from collections.abc import Callable

__all__ = ["keep_pages", "seconds"]

_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1  # of <malloc.h>


def seconds(work: Callable[[], object], least: float = 0.5) -> float:
    """Best time of one call, over repetitions that fill `least` seconds."""
    work()
    best, spent = math.inf, 0.0
    while spent < least:
        start = time.perf_counter()
        work()
        took = time.perf_counter() - start
        best, spent = min(best, took), spent + took
    return best


def keep_pages() -> None:
    """Let new arrays find the pages of old ones, where the C library is GNU's.

    Its allocator gives the pages of large arrays back: made again, they cost up to 3 ns a point.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    mallopt(_MMAP_THRESHOLD, 1 << 25)
    mallopt(_TRIM_THRESHOLD, 1 << 30)
