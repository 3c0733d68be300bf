"""The store of a sweep: what is on disk after a run, after many, and after one that was killed."""

from __future__ import annotations

import errno
import json
import os
import random
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from freejac import sweep_spec, sweep_store
from freejac.cli import run
from freejac.sweep_quantities import compute, engines, request
from freejac.sweep_spec import Spec, read_spec
from freejac.sweep_store import Store, encode
from freejac.sweeps import sweep
from freejac.symbolic.errors import Error, InputError

zarr = pytest.importorskip("zarr")
xr = pytest.importorskip("xarray")

FIELDS: dict[str, object] = {
    "activations": ["relu", "linear"],
    "sigma_w": "1:2:5",
    "sigma_b": "0:1:3",
    "depth": [1, 4],
    "ensembles": ["gaussian", "residual"],
    "quantities": ["q", "phase", "variance"],
}


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep_spec, "_BLOCK", 16)


def contents(store: Path) -> dict[str, bytes]:
    """Every file of a store by its name."""
    return {
        str(path.relative_to(store)): path.read_bytes()
        for path in store.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The bytes of a run that nothing disturbed."""
    folder = tmp_path_factory.mktemp("clean")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sweep_spec, "_BLOCK", 16)
        sweep(FIELDS, store=folder / "s.zarr", workers=1)
    return contents(folder / "s.zarr")


def test_what_is_read_back_is_what_was_computed(tmp_path: Path) -> None:
    written = sweep(FIELDS, store=tmp_path / "s.zarr")
    in_memory = sweep(FIELDS)
    for name, array in in_memory.items():
        assert written[name].dims == array.dims
        assert written[name].attrs == array.attrs
        np.testing.assert_array_equal(written[name].values, array.values)
    for name in in_memory.coords:
        assert written[name].values.tolist() == in_memory[name].values.tolist()
    opened = xr.open_zarr(tmp_path / "s.zarr", chunks=None)
    assert (opened.done == 1).all()


def test_chunks_are_those_that_zarr_would_write(tmp_path: Path) -> None:
    sweep(FIELDS, store=tmp_path / "s.zarr")
    before = contents(tmp_path / "s.zarr")
    group = zarr.open_group(tmp_path / "s.zarr")
    with zarr.config.set({"array.write_empty_chunks": True}):
        for name in ("q", "phase", "variance", "done"):
            group[name][...] = group[name][...]
    assert contents(tmp_path / "s.zarr") == before


def test_threads_and_order_do_not_matter(tmp_path: Path, clean: dict[str, bytes]) -> None:
    sweep(FIELDS, store=tmp_path / "s.zarr", workers=3)
    assert contents(tmp_path / "s.zarr") == clean
    spec = read_spec(FIELDS)
    backwards = Store(tmp_path / "b.zarr", spec, engines(spec))
    with backwards.writing() as write:
        for block in reversed(backwards.missing()):
            write(block, encode(spec.block_shape, compute(request(spec, block))))
    assert contents(tmp_path / "b.zarr") == clean


def test_a_run_that_is_complete_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, int]] = []
    sweep(FIELDS, store=tmp_path / "s.zarr")
    stamps = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    monkeypatch.setattr("freejac.sweeps.compute", None)
    sweep(FIELDS, store=tmp_path / "s.zarr", progress=lambda *at: seen.append(at))
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == stamps
    assert seen == [(10, 10)]


class _Killed(BaseException):
    """What a test raises where a run ends."""


def operations(spec: Spec, folder: Path) -> int:
    """How many steps on the disk a run takes."""
    return _dying_at(spec, folder, -1)


def _dying_at(spec: Spec, store: Path, last: int) -> int:
    """Run until just before the given step on the disk, in one thread; -1 is to the end."""
    count = 0

    def step(do: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **options: Any) -> Any:
            nonlocal count
            count += 1
            if count == last:
                raise _Killed
            return do(*arguments, **options)

        return counted

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sweep_store, "_WRITERS", 1)
        patch.setattr(os, "fsync", step(lambda descriptor: None))  # waits; tells no other process
        patch.setattr(Path, "replace", step(Path.replace))
        patch.setattr(Path, "rename", step(Path.rename))
        patch.setattr(Path, "mkdir", step(Path.mkdir))
        place = Store(store, spec, engines(spec))
        with place.writing() as write:
            for block in place.missing():
                write(block, encode(spec.block_shape, compute(request(spec, block))))
    return count


def test_wherever_a_run_ends_the_next_goes_on_to_the_same_bytes(
    tmp_path: Path,
) -> None:
    fields = {"activations": ["relu", "linear"], "sigma_w": [1, 2], "quantities": ["q", "phase"]}
    sweep(fields, store=tmp_path / "clean.zarr")
    clean = contents(tmp_path / "clean.zarr")
    spec = read_spec(fields)
    steps = operations(spec, tmp_path / "whole.zarr")
    assert contents(tmp_path / "whole.zarr") == clean
    assert steps > 40
    for last in range(1, steps + 1):
        store = tmp_path / f"{last}.zarr"
        with pytest.raises(_Killed):
            _dying_at(spec, store, last)
        if store.exists():
            # Whatever is marked as complete is complete, and what is read is right or nan.
            done = zarr.open_array(store / "done", mode="r")[...]
            assert int(done.sum()) == 2 - len(Store(store, spec, engines(spec)).missing())
        _dying_at(spec, store, -1)
        assert contents(store) == clean


def test_half_a_file_is_written_anew(tmp_path: Path, clean: dict[str, bytes]) -> None:
    store = tmp_path / "s.zarr"
    sweep(FIELDS, store=store)
    (store / "done" / "c" / "1" / "0" / "0").unlink()
    (store / "q" / "c" / "1" / "0" / "0").write_bytes(b"half")
    (store / "q" / "c" / "1" / "0" / "0.partial").write_bytes(b"quarter")
    sweep(FIELDS, store=store)
    assert contents(store) == clean


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"sigma_w": "1:2:6"}, "sigma_w there: 5 values from 1.0 to 2.0"),
        ({"sigma_b": [0, 0.6, 1]}, "sigma_b there"),
        ({"activations": "relu"}, "activations there: relu, linear; here: relu"),
        ({"quantities": ["q", "phase", "moment_1"]}, "quantities there"),
        ({"depth": [1, 5]}, "depth there: 1, 4; here: 1, 5"),
        ({"ensembles": "residual"}, "ensembles there"),
        ({"q1": 2}, "q1 there: 1.0; here: 2.0"),
    ],
)
def test_the_store_of_another_sweep_is_refused(
    tmp_path: Path, change: dict[str, object], part: str
) -> None:
    store = tmp_path / "s.zarr"
    sweep(FIELDS, store=store)
    before = contents(store)
    with pytest.raises(InputError, match="holds another sweep") as caught:
        sweep({**FIELDS, **change}, store=store)
    assert part in str(caught.value)
    assert contents(store) == before


def test_a_store_of_other_kernels_is_refused(tmp_path: Path) -> None:
    spec = read_spec(FIELDS)
    with Store(tmp_path / "s.zarr", spec, ("other", "kernels")).writing():
        pass
    with pytest.raises(InputError, match="another version of freejac"):
        sweep(FIELDS, store=tmp_path / "s.zarr")


def test_what_is_no_store_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("years of work")
    for place in ("mine", "mine/thesis.tex"):
        with pytest.raises(InputError, match="is not the store of a sweep"):
            sweep(FIELDS, store=tmp_path / place)
    with pytest.raises(InputError, match=r"the folder .*missing does not exist"):
        sweep(FIELDS, store=tmp_path / "missing" / "s.zarr")
    assert contents(tmp_path) == {"mine/thesis.tex": b"years of work"}


@pytest.mark.parametrize("name", ["q", "phase", "variance", "done", "sigma_w", "ensemble"])
def test_a_store_that_misses_an_array_is_refused(tmp_path: Path, name: str) -> None:
    store = tmp_path / "s.zarr"
    sweep(FIELDS, store=store)
    (store / name / "zarr.json").unlink()
    before = contents(store)
    with pytest.raises(InputError, match=rf"is damaged: .*{name} is not what it was; remove"):
        sweep(FIELDS, store=store)
    assert contents(store) == before


@pytest.mark.parametrize("damage", [b"", b"garbage", None])
def test_damaged_chunks_are_computed_anew(
    tmp_path: Path, clean: dict[str, bytes], damage: bytes | None
) -> None:
    store = tmp_path / "s.zarr"
    sweep(FIELDS, store=store)
    chunk = store / "variance" / "c" / "1" / "0" / "0" / "0" / "0"
    chunk.write_bytes(chunk.read_bytes()[:-3] if damage is None else damage)
    (store / "q" / "c" / "0" / "0" / "0").unlink()
    sweep(FIELDS, store=store)
    assert contents(store) == clean


def test_what_cannot_be_written_is_one_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    store = tmp_path / "s.zarr"
    with monkeypatch.context() as patch:
        patch.setattr("freejac.sweep_store.os.access", lambda path, mode: False)
        with pytest.raises(InputError, match=r"the folder .* may not be written to"):
            sweep(FIELDS, store=store)
        assert not list(tmp_path.iterdir())
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(Error, match="No space left on device; blocks that are complete are"):
            sweep(FIELDS, store=store)
    sweep(FIELDS, store=store)
    assert (xr.open_zarr(store, chunks=None).done == 1).all()


@pytest.mark.parametrize("address", ["nonsense", "", "ftp://a:1", "tcp://a"])
def test_what_is_no_address_is_refused_before_anything_is_written(
    tmp_path: Path, address: str
) -> None:
    pytest.importorskip("distributed")
    with pytest.raises(InputError, match=r"an address such as tcp://10\.0\.0\.1:8786"):
        sweep(FIELDS, store=tmp_path / "s.zarr", scheduler=address)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.name != "posix", reason="needs locks of POSIX")
def test_two_runs_do_not_write_to_one_store(tmp_path: Path) -> None:
    spec = read_spec(FIELDS)
    place = Store(tmp_path / "s.zarr", spec, engines(spec))
    with place.writing(), pytest.raises(InputError, match="another process is writing"):
        sweep(FIELDS, store=tmp_path / "s.zarr")
    sweep(FIELDS, store=tmp_path / "s.zarr")


def test_the_command_line_writes_the_same(
    tmp_path: Path, clean: dict[str, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "spec.toml"
    lines = [f"{key} = {json.dumps(value)}" for key, value in FIELDS.items() if key != "sigma_b"]
    file.write_text("\n".join(lines))
    store = tmp_path / "s.zarr"
    assert run(["sweep", str(file), "--sigma-b", "0:1:3", "--store", str(store), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["sizes"]["sigma_w"] == 5
    assert list(found["quantities"]["variance"]["dims"])[-1] == "ensemble"
    assert contents(store) == clean
    assert run(["sweep", str(file), "--sigma-b", "0", "--store", str(store)]) == 2
    assert "holds another sweep" in capsys.readouterr().err


@pytest.mark.slow
def test_two_worker_processes_write_the_same_bytes(tmp_path: Path, clean: dict[str, bytes]) -> None:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        sweep(FIELDS, store=tmp_path / "s.zarr", scheduler=cluster.scheduler_address)
        in_memory = sweep(FIELDS, scheduler=cluster)
    assert contents(tmp_path / "s.zarr") == clean
    xr.testing.assert_identical(in_memory, sweep(FIELDS))


@pytest.mark.slow
def test_a_scheduler_without_workers_is_one_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr("freejac.sweep_run._PATIENCE", "1s")
    with (
        distributed.LocalCluster(n_workers=0, processes=True, dashboard_address=None) as cluster,
        pytest.raises(InputError, match="has no worker: start some with dask worker tcp://"),
    ):
        sweep(FIELDS, store=tmp_path / "s.zarr", scheduler=cluster.scheduler_address)
    assert not list(tmp_path.iterdir())


_RUN = """
import sys
from freejac import sweep_spec
sweep_spec._BLOCK = 2000
from freejac.sweeps import sweep
sweep(
    activations="erf", sigma_w="0.5:3:400", sigma_b="0:1:300", store=sys.argv[1],
    progress=lambda done, total: print(done, total, flush=True),
)
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_five_kills_at_random_change_no_byte(tmp_path: Path) -> None:
    script = tmp_path / "run.py"
    script.write_text(textwrap.dedent(_RUN))
    command = [sys.executable, str(script)]
    subprocess.run([*command, str(tmp_path / "clean.zarr")], check=True, capture_output=True)
    draw = random.Random(7)
    before = 0
    for _ in range(5):
        after = draw.randint(1, 8)
        with subprocess.Popen(
            [*command, str(tmp_path / "killed.zarr")], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            done, total = map(int, process.stdout.readline().split())
            assert before <= done < total  # nothing that was complete is lost
            for _ in range(after):
                before, total = map(int, process.stdout.readline().split())
            process.send_signal(signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL
    subprocess.run([*command, str(tmp_path / "killed.zarr")], check=True, capture_output=True)
    assert contents(tmp_path / "killed.zarr") == contents(tmp_path / "clean.zarr")
