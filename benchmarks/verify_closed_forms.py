"""Closed forms against 30-digit quadrature of their definition, on random cases in the class.

    python benchmarks/verify_closed_forms.py --cases 2000 --seed 1 --jobs 2 --log verify.jsonl

Every second case is in two variables. Variances are log-uniform in [1e-6, 1e6], correlations
anywhere in [−1, 1] with ±1, ±1 ∓ 1e-12 and 0 among them. A closed form is evaluated at two
precisions that agree, and is right when it is off by less than 1e-25 of the root mean square of
the integrand. A case is a function of the seed and its number, so `--only 17` runs number 17 alone.
With a log, an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random

import mpmath
import sympy as sp
from closed_form_cases import GOOD, Case, deviation
from integrand_draws import KINDS, PAIRS, draw, draw_pair

from freejac.symbolic.errors import DomainError, NoClosedForm, NotConvergedError

VERDICTS = ("right", "WRONG", "crashed", "refused", "form too slow", "not resolved")
_NOT_IN_A_FORM = (sp.I, sp.Integral, sp.nan, sp.zoo, sp.oo)


@dataclass(frozen=True)
class Outcome:
    """What came of one case.

    Attributes:
        number: which case of the seed.
        kind: its part of the class.
        verdict: one of `VERDICTS`.
        seconds: CPU time of the closed form, or of its refusal.
        error: deviation over root mean square, or None.
        note: the obstruction of a refusal, or what went wrong.
        case: the case, written out.
    """

    number: int
    kind: str
    verdict: str
    seconds: float
    error: float | None
    note: str
    case: str


def case_of(seed: int, number: int, kinds: Sequence[str]) -> Case:
    """The case of a number: even ones in one variable, odd ones in two, unless kinds are named."""
    random = Random(f"{seed}:{number}")
    if kinds:
        kind = random.choice(list(kinds))
        return draw(random, kind) if kind in KINDS else draw_pair(random, kind)
    return draw_pair(random) if number % 2 else draw(random)


def judge(case: Case, number: int, sender: Connection) -> None:
    """Send the outcome; before that, that the closed form is there."""

    def outcome(verdict: str, error: mpmath.mpf | None = None, note: str = "") -> Outcome:
        size = None if error is None else float(error)
        return Outcome(number, case.kind, verdict, seconds, size, note, str(case))

    start, seconds = time.process_time(), 0.0
    try:
        closed = case.closed()
        seconds = time.process_time() - start
        sender.send(seconds)
        strange = [str(part) for part in _NOT_IN_A_FORM if closed.has(part)]
        if strange:
            sender.send(outcome("WRONG", note=f"{', '.join(strange)} in {closed}"))
            return
        error = _measured(case, closed)
        if isinstance(error, str):
            sender.send(outcome("not resolved", note=error))
        else:
            sender.send(outcome("right" if error < GOOD else "WRONG", error))
    except (NoClosedForm, DomainError) as refusal:
        seconds = time.process_time() - start
        reason = getattr(refusal, "obstruction", "") or str(refusal)
        sender.send(outcome("refused", note=reason))
    except BaseException as crash:
        sender.send(outcome("crashed", note=repr(crash)))
        raise


def _measured(case: Case, closed: sp.Expr) -> mpmath.mpf | str:
    """The deviation, or why there is none."""
    try:
        return deviation(case, closed)
    except (NotConvergedError, DomainError) as reason:
        return f"quadrature: {reason}"
    except ArithmeticError as reason:
        return f"evaluation: {str(reason)[-120:]}"


@dataclass
class _Running:
    """A case in a process of its own, which can be ended."""

    number: int
    case: Case
    process: BaseProcess
    receiver: Connection
    deadline: float
    seconds: float | None = None

    def ended(self, limit: float) -> Outcome:
        """The outcome when its time is up."""
        self.process.kill()
        slow = self.seconds is None
        return Outcome(
            self.number,
            self.case.kind,
            "form too slow" if slow else "not resolved",
            limit if slow else float(self.seconds or 0),
            None,
            f"more than {limit:g} s",
            str(self.case),
        )


def outcomes(
    seed: int, numbers: Sequence[int], kinds: Sequence[str], jobs: int, limit: float
) -> Iterator[Outcome]:
    """Run cases, a process each, and yield what comes of them."""
    context = multiprocessing.get_context("fork")
    left, running = list(reversed(numbers)), list[_Running]()
    try:
        while left or running:
            while left and len(running) < jobs:
                number = left.pop()
                case = case_of(seed, number, kinds)
                receiver, sender = context.Pipe(duplex=False)
                process = context.Process(target=judge, args=(case, number, sender))
                process.start()
                sender.close()
                running.append(_Running(number, case, process, receiver, time.time() + limit))
            wait([entry.receiver for entry in running], timeout=0.5)
            for entry in list(running):
                outcome = _look(entry, limit)
                if outcome is not None:
                    entry.process.join()
                    running.remove(entry)
                    yield outcome
    finally:
        for entry in running:
            entry.process.kill()


def _look(entry: _Running, limit: float) -> Outcome | None:
    """The outcome of a case, if it has one by now."""
    while entry.receiver.poll():
        try:
            message = entry.receiver.recv()
        except EOFError:
            message = Outcome(
                entry.number, entry.case.kind, "crashed", 0.0, None, "no answer", str(entry.case)
            )
        if isinstance(message, Outcome):
            return message
        entry.seconds = message
    return entry.ended(limit) if time.time() > entry.deadline else None


def report(found: Sequence[Outcome]) -> None:
    """Print the table, what was refused, and everything that is wrong."""
    print(f"\n{'':18s}" + "".join(f"{verdict:>15s}" for verdict in VERDICTS))
    kinds = [*KINDS, *PAIRS]
    for kind in [kind for kind in kinds if any(o.kind == kind for o in found)]:
        _row(kind, [o for o in found if o.kind == kind])
    _row("one variable", [o for o in found if o.kind in KINDS])
    _row("two variables", [o for o in found if o.kind in PAIRS])
    _row("all", found)
    errors = [o.error for o in found if o.verdict == "right" and o.error is not None]
    if errors:
        print(f"worst error of a right form, over the root mean square: {max(errors):.1e}")
    for verdict in ("right", "refused"):
        seconds = [o.seconds for o in found if o.verdict == verdict]
        if seconds:
            median = statistics.median(seconds)
            print(f"seconds, {verdict}: median {median:.3f}, longest {max(seconds):.2f}")
    for title, verdict in (("refused", "refused"), ("not resolved", "not resolved")):
        for note, count in Counter(o.note for o in found if o.verdict == verdict).most_common():
            print(f"{title} {count:5d} × {note}")
    for outcome in found:
        if outcome.verdict in ("WRONG", "crashed", "form too slow"):
            print(f"\n{outcome.verdict} number {outcome.number}: {outcome.case}")
            print(f"    {outcome.note} {'' if outcome.error is None else outcome.error}")


def _row(name: str, found: Sequence[Outcome]) -> None:
    counts = Counter(outcome.verdict for outcome in found)
    print(f"{name:18s}" + "".join(f"{counts[verdict]:15d}" for verdict in VERDICTS))


def main() -> int:
    """Run, and return 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--cases", type=int, default=200, help="how many (default: 200)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time (default: 1)")
    parser.add_argument("--kind", action="append", default=[], choices=[*KINDS, *PAIRS])
    parser.add_argument("--only", type=int, help="the number of one case")
    parser.add_argument("--log", type=Path, help="outcomes, a line each; read first if it is there")
    parser.add_argument("--limit", type=float, default=120.0, help="seconds a case (default: 120)")
    options = parser.parse_args()
    lines = options.log.read_text().splitlines() if options.log and options.log.exists() else []
    found = [Outcome(**json.loads(line)) for line in lines]
    wanted = range(options.cases) if options.only is None else [options.only]
    numbers = [number for number in wanted if number not in {o.number for o in found}]
    start = time.time()
    try:
        for outcome in outcomes(options.seed, numbers, options.kind, options.jobs, options.limit):
            found.append(outcome)
            if options.log:
                with options.log.open("a") as log:
                    log.write(json.dumps(asdict(outcome)) + "\n")
            if outcome.verdict not in ("right", "refused"):
                print(f"{outcome.verdict} number {outcome.number}: {outcome.case}", flush=True)
            if sys.stderr.isatty():
                done = (
                    f"{len(found)} of {max(len(wanted), len(found))}, {time.time() - start:.0f} s"
                )
                print(f"\r{done}", end="", file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        print("\nstopped")
    report(sorted(found, key=lambda outcome: outcome.number))
    return int(any(outcome.verdict in ("WRONG", "crashed") for outcome in found))


if __name__ == "__main__":
    sys.exit(main())
