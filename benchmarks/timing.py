"""How the benchmarks time: the best of many calls, in one process."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

__all__ = ["seconds"]


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
