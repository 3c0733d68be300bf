"""Files that are there as a whole or not at all, and folders that one process holds.

>>> import tempfile
>>> with tempfile.TemporaryDirectory() as folder:
...     place = Path(folder, "a", "b")
...     write_whole(place, b"data")
...     [path.name for path in place.parent.iterdir()]
['b']
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from freejac.symbolic.errors import InputError

__all__ = ["PARTIAL", "held", "settle", "write_whole"]

PARTIAL = ".partial"
"""What the name of a file that is being written ends in."""


def write_whole(path: Path, data: bytes) -> None:
    """Put a file in place as a whole, after its bytes have reached the disk."""
    _make(path.parent)
    beside = path.with_name(path.name + PARTIAL)
    with beside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    settle(path.parent)


def _make(folder: Path) -> None:
    if not folder.is_dir():
        _make(folder.parent)
        folder.mkdir(exist_ok=True)
        settle(folder.parent)


def settle(folder: Path) -> None:
    """Make the names in a folder last, where the system lets a folder be opened."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def held(path: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold a folder; the system lets go of it when the process ends, killed or not.

    Args:
        path: the folder.
        wait: until another process lets go of it.

    Raises:
        InputError: another process holds it, and it is not waited for.
    """
    try:
        import fcntl
    except ImportError:  # not a POSIX system: two runs at a time are not told apart
        yield
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except OSError:
            raise InputError(f"another process is writing to {path}") from None
        yield
    finally:
        os.close(descriptor)
