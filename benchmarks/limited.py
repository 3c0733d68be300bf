"""A piece of work in a process of its own, with limits on its processor time."""

from __future__ import annotations

import multiprocessing
import resource
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, TypeAlias

__all__ = ["Send", "allow", "run_limited"]

Send: TypeAlias = Callable[[Any], None]
"""What the work calls with each of its messages."""


def _work(work: Callable[[Send], None], limit: int, sender: Connection) -> None:
    allow(limit)
    work(sender.send)


def allow(seconds: int) -> None:
    """End this process after so many more seconds of processor time."""
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + seconds, -1))


def run_limited(work: Callable[[Send], None], limit: int) -> list[Any]:
    """The messages that work sends before it ends or its processor time is up.

    Args:
        work: is handed a function that sends a message, which must pickle. It may call `allow` to
            give itself more time.
        limit: seconds of processor time.
    """
    here, there = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=_work, args=(work, limit, there))
    process.start()
    there.close()
    messages = []
    try:
        while True:
            messages.append(here.recv())
    except EOFError:
        pass
    finally:
        process.kill()
        process.join()
    return messages
