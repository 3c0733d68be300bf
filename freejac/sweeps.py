"""Sweeps: any quantity over activations × σ_w × σ_b × depth × ensemble, as an xarray dataset.

Needs the `sweep` extra: pip install 'freejac[sweep]'.

>>> found = sweep(activations=["relu", "erf"], sigma_w="1:2:3", sigma_b=0.1, quantities="chi")
>>> found["chi"].sel(activation="erf", sigma_b=0.1).values.round(6).tolist()
[0.968688, 1.235937, 1.528681]
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from freejac.sweep_metadata import attributes
from freejac.sweep_quantities import Request, compute, engines
from freejac.sweep_run import Crew, Progress, in_memory, run
from freejac.sweep_spec import Spec, read_file, read_spec
from freejac.sweep_store import Store, encode, require
from freejac.symbolic.errors import InputError

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["sweep"]

Array = NDArray[Any]


def sweep(
    spec: Mapping[str, object] | str | Path | xr.Dataset | None = None,
    *,
    store: str | Path | None = None,
    scheduler: Any = None,
    workers: int | None = None,
    progress: Progress | None = None,
    **fields: object,
) -> xr.Dataset:
    """Compute quantities over a grid of networks.

    Args:
        spec: the sweep: a mapping, a TOML file, or a dataset whose coordinates activation, σ_w,
            σ_b, depth, ensemble are the axes; nothing if `fields` say it all.
        store: a Zarr store to write to, block by block. One that a run left unfinished is gone
            on with; its completed blocks are not computed again. Without it all is in memory.
        scheduler: address of a Dask scheduler, or a cluster; threads of this process without.
        workers: number of threads; one for each processor when left out.
        progress: called with the number of blocks done and of all blocks.
        fields: activations, sigma_w, sigma_b, depth, ensembles, quantities, q1, which override
            those of `spec`; see `freejac.sweep_spec.read_spec`.

    Returns:
        A dataset with a variable for each quantity. That of a store is read when it is used.

    Raises:
        InputError: the sweep cannot be read; the store holds another one, or another process
            writes to it; the scheduler is not reached; or an extra package is missing.

    The activation, σ_w, σ_b, depth and ensemble axes are ascending or as given; a quantity has
    those that it depends on. Without result, as where lengths grow without bound, it is nan.

    >>> grid = sweep(activations="relu", sigma_w="sqrt(2)", depth=[2, 8], quantities="variance",
    ...              ensembles=["gaussian", "orthogonal", "residual"])
    >>> grid["variance"].squeeze(drop=True).round(6).values.tolist()
    [[4.0, 2.0, 14.778112], [16.0, 8.0, 14.778112]]
    """
    require("xarray")
    wanted = read_spec({**_fields(spec), **fields})
    crew = Crew(scheduler, workers, progress)
    if store is None:
        return _as_dataset(wanted, in_memory(wanted, crew))
    place = Store(Path(store), wanted, engines(wanted))
    run(wanted, place.missing(), _chunks, place.writing(), crew)
    return _open(place.path)


def _fields(spec: Any) -> dict[str, object]:
    """The sweep as plain data."""
    if spec is None:
        return {}
    if isinstance(spec, (str, Path)):
        return read_file(Path(spec))
    if isinstance(spec, Mapping) and not hasattr(spec, "coords"):
        return dict(spec)
    coordinates = getattr(spec, "coords", None)
    if coordinates is None:
        raise InputError(f"a sweep is a mapping, a TOML file or a dataset, not {spec!r}")
    plural = {"activation": "activations", "ensemble": "ensembles"}
    found: dict[str, object] = {}
    for name, values in coordinates.items():
        found[plural.get(name, str(name))] = np.atleast_1d(values.values).tolist()
    return found


def _as_dataset(spec: Spec, arrays: Mapping[str, Array]) -> xr.Dataset:
    import xarray as xr

    axes = {
        "activation": list(spec.activations),
        "sigma_w": list(spec.sigma_w),
        "sigma_b": list(spec.sigma_b),
        "depth": list(spec.depth),
        "ensemble": list(spec.ensembles),
    }
    return xr.Dataset(
        {name: (spec.dims(name), values, attributes(name)) for name, values in arrays.items()},
        coords={name: values for name, values in axes.items() if values},
        attrs={"title": "freejac sweep", "residual_q1": spec.q1},
    )


def _open(path: Path) -> xr.Dataset:
    import xarray as xr

    return xr.open_zarr(path, chunks=None).drop_vars("done")


def _chunks(wanted: Request) -> dict[str, bytes]:
    """Compute a block where it is asked for, and send back the bytes to store."""
    return encode(wanted.block_shape, compute(wanted))
