"""What is in the store of a sweep besides its blocks: axes, arrays, and the stamp of the sweep.

>>> data_type("phase"), data_type("q")
(dtype('int8'), dtype('float64'))
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from freejac.phase_grid import PHASES, STATUSES
from freejac.sweep_spec import QUANTITIES, Spec
from freejac.symbolic.errors import InputError

__all__ = [
    "LEVEL",
    "attributes",
    "check_arrays",
    "check_stamp",
    "data_type",
    "fill_value",
    "stamp",
    "write_arrays",
]

Array = NDArray[Any]

LEVEL = 3
"""How hard Zstandard compresses."""

_CODES = {"phase": PHASES, "status": STATUSES}
_AXES: Mapping[str, str] = {
    "sigma_w": "scale of the weights",
    "sigma_b": "standard deviation of the biases",
    "depth": "number of layers",
    "activation": "activation function",
    "ensemble": "architecture and weights",
}


def data_type(quantity: str) -> np.dtype[Any]:
    """How a quantity is stored."""
    return np.dtype("int8") if quantity in _CODES else np.dtype("<f8")


def _axes(spec: Spec) -> dict[str, Array]:
    """The values of every axis."""
    return {
        "activation": np.array(spec.activations, dtype=object),
        "sigma_w": np.array(spec.sigma_w),
        "sigma_b": np.array(spec.sigma_b),
        "depth": np.array(spec.depth, dtype="<i8"),
        "ensemble": np.array(spec.ensembles, dtype=object),
    }


def write_arrays(folder: Path, spec: Spec, mark: Mapping[str, Any]) -> None:
    """Make a group with the axes, an empty array for each quantity, and the stamp."""
    import zarr

    group = zarr.create_group(
        folder,
        zarr_format=3,
        attributes={
            "title": "freejac sweep",
            "residual_q1": spec.q1,
            "freejac_sweep": dict(mark),
        },
    )
    for name, values in _axes(spec).items():
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
            compressors=[zarr.codecs.ZstdCodec(level=LEVEL, checksum=False)],
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


def check_arrays(folder: Path, spec: Spec) -> None:
    """Look whether the arrays of a store are there.

    Raises:
        InputError: one of them cannot be read, or is another one.
    """
    import zarr

    wanted = {name: (spec.shape(name), spec.chunk(name)) for name in spec.quantities}
    wanted["done"] = spec.block_grid, (1, 1, 1)
    for name, values in _axes(spec).items():
        if len(values):
            wanted[name] = values.shape, values.shape
    for name, (shape, chunks) in wanted.items():
        try:
            array = zarr.open_array(folder / name, mode="r", zarr_format=3)
            same = (array.shape, array.chunks) == (shape, chunks)
            if same and name in _AXES:
                same = array[:].tolist() == _axes(spec)[name].tolist()
        except Exception:  # whatever Zarr makes of what is no array
            same = False
        if not same:
            raise InputError(
                f"{folder} is damaged: {folder / name} is not what it was; remove the store, and "
                "begin anew"
            )


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


def stamp(spec: Spec, engines: tuple[str, ...]) -> dict[str, Any]:
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


def check_stamp(folder: Path, mine: Mapping[str, Any]) -> None:
    """Refuse the store of another sweep.

    Raises:
        InputError: it is one, or what is there is no store.
    """
    there = _read_stamp(folder)
    for key, value in mine.items():
        if there.get(key) != value:
            raise InputError(
                f"{folder} holds another sweep: {_difference(key, there.get(key), value)}; "
                "name another store, or remove it"
            )


def _read_stamp(path: Path) -> dict[str, Any]:
    try:
        found = json.loads((path / "zarr.json").read_text(encoding="utf-8"))
        stamp = found["attributes"]["freejac_sweep"]
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f"{path} is there, and is not the store of a sweep") from None
    return dict(stamp)
