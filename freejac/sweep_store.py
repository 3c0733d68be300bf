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

import hashlib
import json
import os
import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from freejac.phase_grid import PHASES, STATUSES
from freejac.sweep_spec import QUANTITIES, Block, Spec
from freejac.symbolic.errors import InputError

__all__ = ["Store", "attributes", "data_type", "encode", "fill_value", "require"]

Array = NDArray[Any]

_LEVEL = 3
_WRITERS = 8
_PARTIAL = ".partial"
_CODES = {"phase": PHASES, "status": STATUSES}
_AXES: Mapping[str, str] = {
    "sigma_w": "scale of the weights",
    "sigma_b": "standard deviation of the biases",
    "depth": "number of layers",
    "activation": "activation function",
    "ensemble": "architecture and weights",
}


def require(package: str) -> None:
    """Refuse to go on without a package of the `sweep` extra.

    Raises:
        InputError: it is not installed.
    """
    from importlib.util import find_spec

    if find_spec(package) is None:
        raise InputError(f"this needs {package}: pip install 'freejac[sweep]'")


def data_type(quantity: str) -> np.dtype[Any]:
    """How a quantity is stored."""
    return np.dtype("int8") if quantity in _CODES else np.dtype("<f8")


def encode(block_shape: tuple[int, int], found: Mapping[str, Array]) -> dict[str, bytes]:
    """Turn the numbers of a block into the bytes of its chunks.

    A block at the end of an axis is filled up to the shape of a chunk, as Zarr does.
    """
    from numcodecs.zstd import Zstd

    codec = Zstd(level=_LEVEL, checksum=False)
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
        path: the folder; made if it is not there.
        spec: the sweep.
        engines: `engine` of each activation.

    Raises:
        InputError: there is something else, or the store of another sweep; another process
            writes to it; or Zarr is not installed.
    """

    def __init__(self, path: Path, spec: Spec, engines: tuple[str, ...]) -> None:
        """Make the store, or look at what is there."""
        require("zarr")
        self.path, self.spec = path, spec
        self._stamp = _stamp(spec, engines)
        if not path.exists():
            self._create()
        self._compare()

    @contextmanager
    def writing(self) -> Iterator[Callable[[Block, Mapping[str, bytes]], None]]:
        """Hold the store, and clear away what a killed run left behind.

        Yields:
            The function that writes a block: its chunks, and then the record that they are there.

        Raises:
            InputError: another process holds it.
        """
        with _lock(self.path):
            for stray in self.path.rglob(f"*{_PARTIAL}"):
                stray.unlink()
            with ThreadPoolExecutor(_WRITERS) as pool:
                yield partial(self._write_block, pool)

    def missing(self) -> list[Block]:
        """The blocks that are not complete, in order."""
        return [block for block in self.spec.blocks() if not self._record(block).exists()]

    def _write_block(
        self, pool: ThreadPoolExecutor, block: Block, chunks: Mapping[str, bytes]
    ) -> None:
        # Waiting for the disk is what takes long, and several can wait at a time.
        places = [
            self._chunk(name, (*block.index, *(0,) * (QUANTITIES[name].axes - 3)))
            for name in chunks
        ]
        list(pool.map(_write, places, chunks.values()))
        _write(self._record(block), b"\x01")

    def _record(self, block: Block) -> Path:
        return self._chunk("done", block.index)

    def _chunk(self, array: str, index: tuple[int, ...]) -> Path:
        return self.path.joinpath(array, "c", *map(str, index))

    def _compare(self) -> None:
        """Refuse the store of another sweep."""
        there = _read_stamp(self.path)
        for key, mine in self._stamp.items():
            if there.get(key) != mine:
                raise InputError(
                    f"{self.path} holds another sweep: {_difference(key, there.get(key), mine)}; "
                    "name another store, or remove it"
                )

    def _create(self) -> None:
        """Write axes and metadata beside the place, and move them there in one step."""
        if not self.path.parent.is_dir():
            raise InputError(f"the folder {self.path.parent} does not exist")
        beside = self.path.with_name(f".{self.path.name}{_PARTIAL}")
        shutil.rmtree(beside, ignore_errors=True)
        with warnings.catch_warnings():
            # Consolidated metadata is not in the specification of Zarr 3 yet; readers take it.
            warnings.simplefilter("ignore")
            self._write_skeleton(beside)
        beside.rename(self.path)
        _settle(self.path.parent)

    def _write_skeleton(self, folder: Path) -> None:
        import zarr

        spec = self.spec
        group = zarr.create_group(
            folder,
            zarr_format=3,
            attributes={
                "title": "freejac sweep",
                "residual_q1": spec.q1,
                "freejac_sweep": self._stamp,
            },
        )
        axes = {
            "activation": np.array(spec.activations, dtype=object),
            "sigma_w": np.array(spec.sigma_w),
            "sigma_b": np.array(spec.sigma_b),
            "depth": np.array(spec.depth, dtype="<i8"),
            "ensemble": np.array(spec.ensembles, dtype=object),
        }
        for name, values in axes.items():
            if len(values):
                text = values.dtype == object
                array = group.create_array(
                    name,
                    shape=values.shape,
                    dtype=str if text else values.dtype,
                    chunks=values.shape,
                    compressors=None,
                    dimension_names=(name,),
                    attributes={"long_name": _AXES[name]},
                )
                array[:] = values
        for name in spec.quantities:
            group.create_array(
                name,
                shape=spec.shape(name),
                chunks=spec.chunk(name),
                dtype=data_type(name),
                fill_value=fill_value(name),
                compressors=[zarr.codecs.ZstdCodec(level=_LEVEL, checksum=False)],
                dimension_names=spec.dims(name),
                attributes=attributes(name),
            )
        group.create_array(
            "done",
            shape=spec.block_grid,
            chunks=(1, 1, 1),
            dtype="uint8",
            fill_value=0,
            compressors=None,
            dimension_names=("activation", "block_row", "block_column"),
            attributes={"long_name": "1 where a block is complete"},
        )
        zarr.consolidate_metadata(folder)


def attributes(quantity: str) -> dict[str, Any]:
    """What a quantity is, for readers of a dataset."""
    known: dict[str, Any] = {"long_name": QUANTITIES[quantity].meaning}
    if quantity in _CODES:
        names = _CODES[quantity]
        known |= {"flag_values": list(range(len(names))), "flag_meanings": " ".join(names)}
    return known


def fill_value(quantity: str) -> float:
    """What stands where nothing is written yet."""
    return 0 if quantity in _CODES else np.nan


def _stamp(spec: Spec, engines: tuple[str, ...]) -> dict[str, Any]:
    """What has to agree between a store and a run that goes on with it."""
    return {
        "activations": list(spec.activations),
        "sigma_w": _digest(spec.sigma_w),
        "sigma_b": _digest(spec.sigma_b),
        "depth": list(spec.depth),
        "ensembles": list(spec.ensembles),
        "quantities": list(spec.quantities),
        "q1": spec.q1,
        "blocks": list(spec.block_shape),
        "kernels": list(engines),
    }


def _digest(values: tuple[float, ...]) -> str:
    kept = hashlib.sha256(np.array(values, dtype="<f8").tobytes()).hexdigest()[:16]
    return f"{len(values)} values from {values[0]!r} to {values[-1]!r}, digest {kept}"


def _difference(key: str, there: object, mine: object) -> str:
    if key == "kernels":
        return "its kernels are those of another version of freejac"
    return f"{key} there: {_shown(there)}; here: {_shown(mine)}"


def _shown(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 80 else text[:77] + "…"


def _read_stamp(path: Path) -> dict[str, Any]:
    try:
        found = json.loads((path / "zarr.json").read_text(encoding="utf-8"))
        stamp = found["attributes"]["freejac_sweep"]
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f"{path} is there, and is not the store of a sweep") from None
    return dict(stamp)


def _write(path: Path, data: bytes) -> None:
    """Put a file in place as a whole, after its bytes have reached the disk."""
    _make(path.parent)
    beside = path.with_name(path.name + _PARTIAL)
    with beside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    _settle(path.parent)


def _make(folder: Path) -> None:
    if not folder.is_dir():
        _make(folder.parent)
        folder.mkdir(exist_ok=True)
        _settle(folder.parent)


def _settle(folder: Path) -> None:
    """Make the names in a folder last, where the system lets a folder be opened."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Hold a folder; the system lets go of it when the process ends, killed or not.

    Raises:
        InputError: another process holds it.
    """
    try:
        import fcntl
    except ImportError:  # not a POSIX system: two runs at a time are not told apart
        yield
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise InputError(f"another process is writing to {path}") from None
        yield
    finally:
        os.close(descriptor)
