"""The Zarr store of a sweep: written block by block, and never half of one.

A store holds a group with one array for each quantity, whose chunks are the blocks of the sweep,
the axes, and `done`, an array with one chunk for each block. The chunk of `done` is the record that
a block is complete: it is written after the block's data have reached the disk, and every file is
renamed into place as a whole. A block without its record counts for nothing and is computed again,
which gives the same bytes; so a run that was killed, however often, ends in the bytes of one that
was not.

The bytes of a chunk are those that Zarr itself would write: little-endian numbers, compressed by
Zstandard at a fixed level. Nothing in a store depends on the clock.
"""

from __future__ import annotations

import math
import os
import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from glob import escape
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from freejac.durable_files import PARTIAL, held, settle, write_whole
from freejac.sweep_metadata import (
    LEVEL,
    check_arrays,
    check_stamp,
    data_type,
    fill_value,
    stamp,
    write_arrays,
)
from freejac.sweep_spec import QUANTITIES, Block, Spec
from freejac.symbolic.errors import Error, InputError

__all__ = ["Store", "encode", "require"]

Array = NDArray[Any]

_WRITERS = 8


def require(package: str) -> None:
    """Refuse to go on without a package of the `sweep` extra.

    Raises:
        InputError: it is not installed.
    """
    from importlib.util import find_spec

    if find_spec(package) is None:
        raise InputError(f"this needs {package}: pip install 'freejac[sweep]'")


def encode(block_shape: tuple[int, int], found: Mapping[str, Array]) -> dict[str, bytes]:
    """Turn the numbers of a block into the bytes of its chunks.

    A block at the end of an axis is filled up to the shape of a chunk, as Zarr does.
    """
    from numcodecs.zstd import Zstd

    codec = Zstd(level=LEVEL, checksum=False)
    chunks = {}
    for name, values in found.items():
        shape = (1, *block_shape, *values.shape[3:])
        whole = np.full(shape, fill_value(name), dtype=data_type(name))
        whole[tuple(slice(n) for n in values.shape)] = values
        chunks[name] = bytes(codec.encode(whole))
    return chunks


class Store:
    """A sweep's Zarr store on disk, held by one process while it is open for writing.

    Args:
        path: the folder; made when something is to be written, if it is not there.
        spec: the sweep.
        engines: `engine` of each activation.

    Raises:
        InputError: there is something else, the store of another sweep, or a damaged one; the
            folder that it should be in is not there, or may not be written to; or Zarr is not
            installed.
    """

    def __init__(self, path: Path, spec: Spec, engines: tuple[str, ...]) -> None:
        """Look at what is there."""
        require("zarr")
        self.path, self.spec = path, spec
        self._stamp = stamp(spec, engines)
        if path.exists():
            self._compare()
        elif not path.parent.is_dir():
            raise InputError(f"the folder {path.parent} does not exist")
        elif not os.access(path.parent, os.W_OK | os.X_OK):
            raise InputError(f"the folder {path.parent} may not be written to")

    @contextmanager
    def writing(self) -> Iterator[Callable[[Block, Mapping[str, bytes]], None]]:
        """Make the store, or hold it, and clear away what a killed run left behind.

        Yields:
            The function that writes a block: its chunks, and then the record that they are there.

        Raises:
            InputError: another process holds it.
            Error: the system does not let it be written; what is complete is kept.
        """
        with self._told():
            if not self.path.exists():
                self._create()
        with held(self.path):
            with self._told():
                for stray in self.path.rglob(f"*{PARTIAL}"):
                    stray.unlink()
            with ThreadPoolExecutor(_WRITERS) as pool:
                yield partial(self._write_block, pool)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say where the system did not let something be written."""
        try:
            yield
        except OSError as error:
            raise Error(
                f"cannot write to {self.path}: {error.strerror or error}; blocks that are complete "
                "are kept, and the same sweep goes on with them"
            ) from None

    def missing(self) -> list[Block]:
        """The blocks that are not complete, in order.

        A block is complete if its record is there, and each of its chunks holds what it should.
        """
        return [block for block in self.spec.blocks() if not self._is_complete(block)]

    def _is_complete(self, block: Block) -> bool:
        if not self._record(block).exists():
            return False
        return all(self._is_whole(name, self._place(name, block)) for name in self.spec.quantities)

    def _is_whole(self, name: str, place: Path) -> bool:
        """Whether a chunk can be read: another process, or the disk, may have damaged it."""
        from numcodecs.zstd import Zstd

        wanted = math.prod(self.spec.chunk(name)) * data_type(name).itemsize
        try:
            return len(Zstd().decode(place.read_bytes())) == wanted
        except (OSError, RuntimeError, ValueError):
            return False

    def _write_block(
        self, pool: ThreadPoolExecutor, block: Block, chunks: Mapping[str, bytes]
    ) -> None:
        # Waiting for the disk is what takes long, and several can wait at a time.
        places = [self._place(name, block) for name in chunks]
        with self._told():
            list(pool.map(write_whole, places, chunks.values()))
            write_whole(self._record(block), b"\x01")

    def _record(self, block: Block) -> Path:
        return self._chunk("done", block.index)

    def _place(self, name: str, block: Block) -> Path:
        return self._chunk(name, (*block.index, *(0,) * (QUANTITIES[name].axes - 3)))

    def _chunk(self, array: str, index: tuple[int, ...]) -> Path:
        return self.path.joinpath(array, "c", *map(str, index))

    def _compare(self) -> None:
        """Refuse the store of another sweep, and one that misses parts."""
        check_stamp(self.path, self._stamp)
        check_arrays(self.path, self.spec)

    def _create(self) -> None:
        """Write axes and metadata beside the place, and move them there in one step."""
        with held(self.path.parent, wait=True):
            if self.path.exists():  # another process was faster
                return self._compare()
            # A name of its own: what an interrupted run of this process still writes goes nowhere.
            name = f".{self.path.name}."
            for left in self.path.parent.glob(f"{escape(name)}*{PARTIAL}"):
                shutil.rmtree(left, ignore_errors=True)
            beside = self.path.with_name(f"{name}{uuid4().hex}{PARTIAL}")
            with warnings.catch_warnings():
                # Consolidated metadata is not in the specification of Zarr 3 yet; readers take it.
                warnings.simplefilter("ignore")
                write_arrays(beside, self.spec, self._stamp)
            beside.rename(self.path)
            settle(self.path.parent)
