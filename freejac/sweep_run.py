"""Blocks computed by threads or by a Dask cluster, a bounded number at a time.

>>> from freejac.sweep_spec import read_spec
>>> spec = read_spec({"activations": "relu", "sigma_w": [1, 2], "quantities": "chi"})
>>> in_memory(spec)["chi"].ravel().tolist()
[0.5, 2.0]
"""

from __future__ import annotations

import logging
import math
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    CancelledError,
    Executor,
    Future,
    ThreadPoolExecutor,
    wait,
)
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from freejac.sweep_metadata import data_type, fill_value
from freejac.sweep_quantities import Request, compute, engines, request
from freejac.sweep_spec import Block, Spec
from freejac.sweep_store import require
from freejac.symbolic.errors import Error, InputError

__all__ = ["Crew", "Progress", "in_memory", "run"]

Progress = Callable[[int, int], None]
Array = NDArray[Any]

_PATIENCE = "10s"
_ADDRESS = re.compile(r"((tcp|tls|ucx|ws|wss)://)?[^:/\s]+:\d{1,5}(/.*)?|inproc://.+")


@dataclass(frozen=True)
class Crew:
    """Who computes, and who is told.

    Attributes:
        scheduler: address of a Dask scheduler, or a cluster; None for threads of this process.
        workers: number of threads; None for one a processor.
        progress: called with the number of blocks done and of all blocks.
    """

    scheduler: Any = None
    workers: int | None = None
    progress: Progress | None = None

    def report(self, done: int, total: int) -> None:
        """Say how far the work is."""
        if self.progress is not None:
            self.progress(done, total)


def in_memory(spec: Spec, crew: Crew | None = None) -> dict[str, Array]:
    """Compute a sweep into arrays, by name of the quantity."""
    arrays = {
        name: np.full(spec.shape(name), fill_value(name), dtype=data_type(name))
        for name in spec.quantities
    }

    def keep(block: Block, found: Mapping[str, Array]) -> None:
        for name, values in found.items():
            arrays[name][block.place] = values

    run(spec, list(spec.blocks()), compute, nullcontext(keep), crew or Crew())
    return arrays


def run(
    spec: Spec,
    blocks: Sequence[Block],
    work: Callable[[Request], Any],
    keeping: AbstractContextManager[Callable[[Block, Any], None]],
    crew: Crew,
) -> None:
    """Have blocks computed, and keep each as it is done.

    Args:
        spec: the sweep.
        blocks: those of its blocks that are wanted.
        work: what is done with a request, where the worker is.
        keeping: gives what is done with a block's result, here; entered when the crew is there.
        crew: who computes.

    Raises:
        InputError: the scheduler is not reached, or has no workers.
        Error: the cluster is lost; or as `work` raises it.
    """
    total = math.prod(spec.block_grid)
    done = total - len(blocks)
    crew.report(done, total)
    if not blocks:
        return
    names = engines(spec)
    pending: dict[Future[Any], Block] = {}
    waiting = iter(blocks)
    with _executor(crew) as (executor, width), keeping as keep:
        try:
            while True:
                for block in waiting:
                    asked = request(spec, block, names[block.index[0]])
                    pending[executor.submit(work, asked)] = block
                    if len(pending) >= 2 * width:
                        break
                if not pending:
                    return
                for future in wait(pending, return_when=FIRST_COMPLETED).done:
                    keep(pending.pop(future), future.result())
                    done += 1
                    crew.report(done, total)
        finally:
            for future in pending:
                future.cancel()


@contextmanager
def _executor(crew: Crew) -> Iterator[tuple[Executor, int]]:
    """Threads, or the workers of a Dask cluster; with how many blocks they take at a time."""
    if crew.scheduler is None:
        width = crew.workers or _processors()
        with ThreadPoolExecutor(width, thread_name_prefix="freejac") as pool:
            yield pool, width
        return
    require("distributed")
    with _cluster(crew.scheduler) as found:
        yield found


@contextmanager
def _cluster(scheduler: Any) -> Iterator[tuple[Executor, int]]:
    """The workers of a Dask cluster."""
    from distributed import Client, KilledWorker
    from distributed.comm import CommClosedError

    if isinstance(scheduler, str) and not _ADDRESS.fullmatch(scheduler):
        raise InputError(
            f"a Dask scheduler has an address such as tcp://10.0.0.1:8786, not {scheduler!r}"
        )
    try:
        client = Client(scheduler, set_as_default=False, timeout=_PATIENCE)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"no Dask scheduler is reached at {scheduler}: {error}") from None
    with _quiet(), client:
        try:
            client.wait_for_workers(1, timeout=_PATIENCE)
        except TimeoutError:
            raise InputError(
                f"the Dask scheduler at {scheduler} has no worker: start some with "
                f"dask worker {scheduler}"
            ) from None
        width = sum(client.nthreads().values())
        try:
            yield client.get_executor(retries=3), width
        except ImportError as error:
            raise InputError(f"the workers of {scheduler} miss {error.name}: {error}") from None
        except (CancelledError, CommClosedError, KilledWorker) as error:
            raise Error(
                f"the Dask cluster at {scheduler} was lost ({type(error).__name__}); blocks that "
                "are complete are kept, and the same sweep goes on with them"
            ) from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Dask from logging, with tracebacks, what is told in one line."""
    log = logging.getLogger("distributed.client")
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)


def _processors() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1
