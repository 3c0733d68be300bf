"""What is going on, shown on a terminal and nowhere else."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["stages"]


@contextmanager
def stages() -> Iterator[Callable[[str], None]]:
    """Show the stages while they run, and leave no trace of them.

    Yields:
        A function to be told each stage in words; it does nothing where no one would see it.
    """
    if not sys.stderr.isatty():
        yield lambda stage: None
        return
    from rich.console import Console  # slow to import

    with Console(stderr=True).status("freejac") as status:
        yield lambda stage: status.update(f"{stage} …")
