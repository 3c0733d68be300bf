"""Many cases at a time, each in a process of its own that may fail or be stopped alone.

Results are kept in a file of JSON lines, in the order in which cases end. A case that the file
holds is not computed again.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, TypeAlias

__all__ = ["Entry", "Stages", "run_cases"]

Entry: TypeAlias = dict[str, Any]
Stages: TypeAlias = Callable[..., Iterator[Entry]]
"""A function at the top of a module: it yields what it finds, stage by stage. What was yielded is
kept when a later stage fails or takes too long."""

_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


@dataclass
class _Running:
    """A case under way."""

    key: str
    process: BaseProcess
    start: float
    found: Entry


def run_cases(
    work: Stages, cases: Mapping[str, tuple[Any, ...]], results: Path, jobs: int, limit: float
) -> Iterator[Entry]:
    """The entries of all cases, those on file first and then as they end.

    An entry has what the work found, its "key", its seconds "s", and its "verdict"; where it was
    "stopped", by an error or by the limit, that says so, and is the verdict if none was found.

    Args:
        work: called with a case's arguments, in another process.
        cases: arguments by key, the longest cases first.
        results: the file of JSON lines, made if need be.
        jobs: how many processes at a time.
        limit: seconds of wall time for a case.
    """
    results.parent.mkdir(parents=True, exist_ok=True)
    kept = results.read_text(encoding="utf-8").splitlines() if results.exists() else []
    done = {entry["key"]: entry for entry in map(_read, kept) if entry}
    yield from (done[key] for key in cases if key in done)
    waiting = [key for key in cases if key not in done]
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))  # for the processes started below
    running: dict[Connection, _Running] = {}
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                key = waiting.pop(0)
                receiver, process = _start(work, cases[key])
                running[receiver] = _Running(key, process, time.monotonic(), {})
            for entry in _ended(running, limit):
                with results.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(entry, ensure_ascii=False) + "\n")
                yield entry
    finally:
        for left in running.values():
            left.process.kill()


def _read(line: str) -> Entry:
    """An entry; nothing, where the line was cut off."""
    try:
        return dict(json.loads(line))
    except ValueError:
        return {}


def _start(work: Stages, arguments: tuple[Any, ...]) -> tuple[Connection, BaseProcess]:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(work, arguments, there), daemon=True)
    process.start()
    there.close()
    return here, process


def _work(work: Stages, arguments: tuple[Any, ...], sender: Connection) -> None:
    """In the other process."""
    try:
        for found in work(*arguments):
            sender.send(found)
        sender.send({"ended": True})
    except Exception as error:  # whatever it is, it is this case's verdict
        sender.send({"stopped": f"{type(error).__name__}: {error}", "ended": True})


def _ended(running: dict[Connection, _Running], limit: float) -> list[Entry]:
    """Wait a moment, and take out the cases that ended or are over their time."""
    for ready in wait(list(running), timeout=0.5):
        assert isinstance(ready, Connection)
        case = running[ready]
        try:
            case.found |= ready.recv()
        except (EOFError, OSError):
            case.process.join()
            code = case.process.exitcode
            case.found |= {"stopped": f"its process ended with code {code}", "ended": True}
    entries = []
    for receiver, case in list(running.items()):
        seconds = time.monotonic() - case.start
        if not case.found.get("ended"):
            if seconds < limit:
                continue
            case.process.kill()
            case.found["stopped"] = f"took more than {limit:g} s"
        case.process.join()
        receiver.close()
        del running[receiver]
        case.found.pop("ended", None)
        case.found.setdefault("verdict", case.found.get("stopped", ""))
        entries.append({"key": case.key, **case.found, "s": f"{seconds:.0f}"})
    return entries
