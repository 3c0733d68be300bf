r"""Checks the claims of documents and notes, in several processes, in the order of the source.

>>> import tempfile, pathlib
>>> path = pathlib.Path(tempfile.mkdtemp()) / "notes.md"
>>> _ = path.write_text("<!-- freejac: symbols q > 0 -->\n$$q + q = 3q$$\n")
>>> report = verify([str(path)])
>>> report.outcomes[0].verdict.status, report.passed()
('refuted', False)
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import FrameType

from freejac.claim_sources import Item, Source, installed, load
from freejac.symbolic.errors import Error, InputError
from freejac.symbolic.verdict import Verdict

__all__ = ["MAX_JOBS", "TIME_LIMIT", "Outcome", "Report", "default_jobs", "installed", "verify"]

MAX_JOBS = 64
TIME_LIMIT = 300.0
"""Seconds of processor time for one claim."""

_DEFAULT_MOST = 8
_CLAIMS_A_PROCESS = 8


@dataclass(frozen=True)
class Outcome:
    """A claim and its verdict.

    Attributes:
        source: of the claim.
        item: the claim.
        verdict: what was found.
    """

    source: Source
    item: Item
    verdict: Verdict

    @property
    def as_expected(self) -> bool:
        """Whether the verdict is the one on record; without a record, whether it is not refuted."""
        if self.item.expected is None:
            return not self.verdict.refuted
        return self.verdict.status == self.item.expected


@dataclass(frozen=True)
class Report:
    """What was found.

    Attributes:
        sources: in the order in which they were asked for.
        outcomes: in the order of the sources.
        interrupted: whether it was stopped before every claim was checked.
    """

    sources: tuple[Source, ...]
    outcomes: tuple[Outcome, ...]
    interrupted: bool = False

    def of(self, source: Source) -> tuple[Outcome, ...]:
        """The outcomes of one source."""
        return tuple(outcome for outcome in self.outcomes if outcome.source is source)

    @property
    def counts(self) -> Counter[str]:
        """How many claims have each status."""
        return Counter(outcome.verdict.status for outcome in self.outcomes)

    def passed(self, *, strict: bool = False) -> bool:
        """Whether every verdict is as expected; strictly, whether everything is read and proved."""
        if strict:
            proved = all(outcome.verdict for outcome in self.outcomes)
            return proved and not any(source.unread for source in self.sources)
        return all(outcome.as_expected for outcome in self.outcomes)


def default_jobs(claims: int) -> int:
    """Number of processes for so many claims: one a core, up to eight; one for a few claims."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(cores or 1, _DEFAULT_MOST, claims // _CLAIMS_A_PROCESS))


def verify(
    names: Sequence[str] = (),
    *,
    jobs: int | None = None,
    time_limit: float = TIME_LIMIT,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Report:
    """Check every claim of some documents and notes.

    Args:
        names: of documents that come with freejac, or paths; all documents if there are none.
        jobs: number of processes; by default one a core, up to eight.
        time_limit: seconds of processor time for one claim, after which it is undecided.
        progress: called with the number of claims done, and of all.

    Returns:
        The verdicts in the order of the sources, whatever the number of processes. Interrupted
        (Ctrl-C), those reached.

    Raises:
        InputError: a source cannot be read, or an argument is out of range.
        Error: a process ended that should not have.
    """
    if jobs is not None and not 1 <= jobs <= MAX_JOBS:
        raise InputError(f"the number of processes is from 1 to {MAX_JOBS}, not {jobs}")
    if not 0 < time_limit < float("inf"):
        raise InputError(f"the time limit is a positive number of seconds, not {time_limit}")
    unique = list(dict.fromkeys(names or installed()))
    sources = tuple(load(name) for name in unique)
    work = [(s, i) for s, source in enumerate(sources) for i in range(len(source.items))]
    found: dict[int, Verdict] = {}
    interrupted = False
    progress(0, len(work))
    try:
        for index, verdict in _verdicts(unique, work, jobs or default_jobs(len(work)), time_limit):
            found[index] = verdict
            progress(len(found), len(work))
    except KeyboardInterrupt:
        interrupted = True
    outcomes = tuple(
        Outcome(sources[s], sources[s].items[i], found[index])
        for index, (s, i) in enumerate(work)
        if index in found
    )
    return Report(sources, outcomes, interrupted)


def _verdicts(
    names: Sequence[str], work: Sequence[tuple[int, int]], jobs: int, time_limit: float
) -> Iterator[tuple[int, Verdict]]:
    """Verdicts as they are found, each with its place."""
    if jobs == 1 or len(work) < 2:
        for index, (s, i) in enumerate(work):
            yield index, _check(names[s], i, time_limit)
        return
    before = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(min(jobs, len(work)), _context(), initializer=_start_worker)
    try:
        places: dict[Future[Verdict], int] = {
            pool.submit(_check, names[s], i, time_limit): index for index, (s, i) in enumerate(work)
        }
        for future in as_completed(places):
            yield places[future], future.result()
    except BrokenProcessPool:
        raise Error("a process ended while it checked a claim; --jobs 1 shows which") from None
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for child in set(multiprocessing.active_children()) - before:
            child.terminate()
        raise
    pool.shutdown()


def _context() -> multiprocessing.context.BaseContext:
    """Forked processes have the sources loaded already; macOS cannot fork safely."""
    forks = "fork" in multiprocessing.get_all_start_methods() and sys.platform != "darwin"
    return multiprocessing.get_context("fork" if forks else "spawn")


def _start_worker() -> None:
    """Leave Ctrl-C to the process that was started by the user."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _check(name: str, index: int, time_limit: float) -> Verdict:
    """Check one claim; whatever its code raises makes it undecided."""
    item = load(name).items[index]
    try:
        with _limited(time_limit):
            verdict = item.check()
        if not isinstance(verdict, Verdict):
            kind = type(verdict).__name__
            return Verdict("undecided", item.id, f"checking it returned {kind}, not a verdict")
        return _portable(verdict)
    except _OutOfTimeError:
        return Verdict("undecided", item.id, f"no answer within {time_limit:g} seconds")
    except Exception as error:
        kind = "" if isinstance(error, Error) else f"{type(error).__name__}: "
        reason = " ".join(str(error).split())
        return Verdict("undecided", item.id, f"checking it failed: {kind}{reason}")


def _portable(verdict: Verdict) -> Verdict:
    """The verdict, without what cannot travel between processes."""
    try:
        pickle.dumps(verdict)
    except Exception:  # whatever pickling an expression may raise
        return replace(verdict, left=None, right=None, corrected=None)
    return verdict


class _OutOfTimeError(BaseException):
    """Raised into a computation; no `except Exception` on its way holds it up."""


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """Stop a computation after so much processor time, where the system has such an alarm.

    The checker bounds its attempts by another alarm, which has to stay free for it.
    """
    if (
        not hasattr(signal, "setitimer")
        or threading.current_thread() is not threading.main_thread()
    ):
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise _OutOfTimeError

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
