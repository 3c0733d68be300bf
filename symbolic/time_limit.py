"""A bound on the processor time that a computation of SymPy takes, where it can be had.

Processor time, so that an answer does not depend on what else the machine is doing.

>>> try:
...     with at_most(0.05):
...         while True:
...             pass
... except OutOfTime:
...     print("stopped")
stopped
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from freejac.symbolic.errors import Error

__all__ = ["FAILURES", "OutOfTime", "at_most"]

FAILURES = (ArithmeticError, ValueError, TypeError, AttributeError, NotImplementedError, Error)
"""What an attempt may end with, where its failure is an answer: SymPy raises all of them."""


class OutOfTime(Exception):  # noqa: N818 (an answer)
    """The time is up."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raise `OutOfTime` in the block after so many seconds of processor time.

    It needs the timer of the main thread; in other threads, and while somebody else uses the
    timer, the block is not bounded.
    """
    free = threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer")
    if not free or signal.getitimer(signal.ITIMER_VIRTUAL)[0] > 0:
        yield
        return

    def ring(number: int, frame: FrameType | None) -> None:
        raise OutOfTime

    before = signal.signal(signal.SIGVTALRM, ring)
    signal.setitimer(signal.ITIMER_VIRTUAL, max(seconds, 1e-3), 0.2)  # again, if it was swallowed
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
