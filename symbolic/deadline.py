"""A bound on the processor time that a long evaluation takes, checked where its work is done.

Processor time of the thread, so that an answer does not depend on what else a machine is doing.
Unlike `time_limit` it needs no timer, and so holds in every thread.

>>> with deadline(0.01, "an endless sum"):
...     while True:
...         check_deadline()
Traceback (most recent call last):
    ...
freejac.symbolic.deadline.TooLongError: an endless sum takes too long
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import thread_time

from freejac.symbolic.errors import NotConvergedError

__all__ = ["TooLongError", "check_deadline", "deadline"]


class TooLongError(NotConvergedError):
    """The time allowed is up."""


_end: ContextVar[tuple[float, str] | None] = ContextVar("end", default=None)


@contextmanager
def deadline(seconds: float, what: str) -> Iterator[None]:
    """Let the block take so many seconds; within another such block it is the outer that counts.

    Args:
        seconds: of processor time.
        what: what takes too long, for the message.

    Raises:
        TooLongError: `check_deadline` is called in the block after that.
    """
    if _end.get() is not None:
        yield
        return
    token = _end.set((thread_time() + seconds, what))
    try:
        yield
    finally:
        _end.reset(token)


def check_deadline() -> None:
    """Go on, if there is time left or no deadline.

    Raises:
        TooLongError: there is none left.
    """
    end = _end.get()
    if end is not None and thread_time() > end[0]:
        raise TooLongError(f"{end[1]} takes too long")
