"""`freejac sweep`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from freejac.command_line import DONE, Work, app, counter, examples, show

if TYPE_CHECKING:
    import xarray as xr


@app.command(
    "sweep",
    epilog=examples(
        "freejac sweep sweep.toml --store sweep.zarr",
        "freejac sweep --activation tanh --sigma-w 0.5:3:1000 --sigma-b 0:1:1000 --store t.zarr",
        "freejac sweep -a relu -a gelu --sigma-w 1:2:11 --depth 10,100 --ensemble orthogonal \\",
        "    --quantity variance --quantity moment_1 --store spectra.zarr",
        "freejac sweep sweep.toml --store sweep.zarr --scheduler tcp://10.0.0.1:8786",
    ),
)
def _sweep(
    spec: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="The sweep as TOML; the options override it."),
    ] = None,
    *,
    store: Annotated[
        Path, typer.Option("--store", "-o", metavar="FOLDER", help="The Zarr store to write to.")
    ],
    activation: Annotated[
        list[str] | None,
        typer.Option("--activation", "-a", metavar="NAME", help="Activation; may be repeated."),
    ] = None,
    sigma_w: Annotated[
        str | None,
        typer.Option("--sigma-w", metavar="RANGE", help="σ_w: a number, 1,2,3, or 0.5:3:100."),
    ] = None,
    sigma_b: Annotated[
        str | None, typer.Option("--sigma-b", metavar="RANGE", help="σ_b; 0 if not given.")
    ] = None,
    depth: Annotated[
        str | None, typer.Option("--depth", metavar="RANGE", help="Numbers of layers.")
    ] = None,
    ensemble: Annotated[
        list[str] | None,
        typer.Option(
            "--ensemble", metavar="NAME", help="gaussian, orthogonal, residual; may be repeated."
        ),
    ] = None,
    quantity: Annotated[
        list[str] | None,
        typer.Option(
            "--quantity", metavar="NAME", help="What to compute; may be repeated. See below."
        ),
    ] = None,
    q1: Annotated[
        str | None,
        typer.Option("--q1", metavar="NUMBER", help="First variance of a residual network; 1."),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option("--scheduler", metavar="ADDRESS", help="Dask scheduler; threads without."),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", "-j", metavar="N", min=1, help="Threads; one a processor."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> Work:
    """Compute quantities over activations × σ_w × σ_b × depth × ensemble, into a Zarr store.

    The store is written block by block. The same command goes on where a run was stopped, by
    whatever; nothing is lost, nothing is computed twice that was complete.

    Quantities of (activation, σ_w, σ_b): q, chi, chi_parallel, p, c, xi_q, xi_c, phase, status,
    which are computed if none is named, and mu_1, mu_2. With the depth: cumulant. With depth and
    ensemble: moment_1, moment_2, variance, edge_lower, edge_upper, condition_number.

    Keys of the file: activations, sigma_w, sigma_b, depth, ensembles, quantities, q1. A range is
    START:STOP:COUNT, or START:STOP:COUNT:log.
    """

    def work() -> int:
        from freejac.sweep_spec import read_file
        from freejac.sweeps import sweep  # imports SymPy and Numba

        options = {
            "activations": activation,
            "sigma_w": sigma_w,
            "sigma_b": sigma_b,
            "depth": depth,
            "ensembles": ensemble,
            "quantities": quantity,
            "q1": q1,
        }
        fields = read_file(spec) if spec is not None else {}
        fields |= {name: value for name, value in options.items() if value not in (None, [])}
        with counter("computing blocks") as progress:
            found = sweep(
                fields, store=store, scheduler=scheduler, workers=workers, progress=progress
            )
        show(_as_json(store, found) if as_json else _as_text(store, found))
        return DONE

    return work


def _as_text(store: Path, found: xr.Dataset) -> str:
    sizes = " × ".join(f"{size} {name}" for name, size in found.sizes.items())
    lines = [f"{store}: {sizes}"]
    for name, array in found.data_vars.items():
        lines.append(f"  {name:<17} {array.attrs['long_name']}")
    return "\n".join(lines) + "\n"


def _as_json(store: Path, found: xr.Dataset) -> str:
    data = {
        "store": str(store),
        "sizes": {str(name): size for name, size in found.sizes.items()},
        "quantities": {
            str(name): {"dims": list(array.dims), "meaning": array.attrs["long_name"]}
            for name, array in found.data_vars.items()
        },
    }
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"
