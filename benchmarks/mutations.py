"""The checker on true identities of the project, and on each of them with one slip in it.

    python benchmarks/mutations.py --cases 1000 --seed 1 --log mutations.jsonl

A slip is a changed sign, coefficient or exponent, a symbol taken for another, or a dropped term, in
a random place of the right side. One that leaves the identity true, by its values at random points
to sixty digits in SymPy's own arithmetic, is drawn again. A case is a function of the seed and its
number; with a log, an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

import sympy as sp
from true_identities import Identity, identities

from freejac.symbolic.check import check
from freejac.symbolic.conditions import Domain, read_where
from freejac.symbolic.errors import Error

SLIPS = ("sign", "coefficient", "exponent", "symbol", "dropped term")
_DIGITS = 60
_DRAWS = 40


@dataclass(frozen=True)
class Outcome:
    """What came of one identity and its mutant.

    Attributes:
        number: which identity.
        name: what it says.
        true_status: verdict on it as it is.
        true_seconds: time that took.
        method: of that verdict.
        slip: kind of the slip.
        mutant: the mutated right side.
        false_status: verdict on the mutant.
        false_seconds: time that took.
        hint: what the checker took it for.
    """

    number: int
    name: str
    true_status: str
    true_seconds: float
    method: str
    slip: str
    mutant: str
    false_status: str
    false_seconds: float
    hint: str


def places(expr: sp.Basic) -> Iterator[tuple[int, ...]]:
    """Paths to every subexpression that is not bound by a definition."""
    yield ()
    for k, arg in enumerate(expr.args):
        if isinstance(arg, sp.Expr):
            yield from ((k, *rest) for rest in places(arg))


def at(expr: sp.Basic, path: tuple[int, ...]) -> sp.Basic:
    """The subexpression at a path."""
    for k in path:
        expr = expr.args[k]
    return expr


def put(expr: sp.Basic, path: tuple[int, ...], new: sp.Basic) -> sp.Basic:
    """The expression with another subexpression at a path."""
    if not path:
        return new
    k, *rest = path
    args = list(expr.args)
    args[k] = put(args[k], tuple(rest), new)
    return expr.func(*args)


def slipped(expr: sp.Expr, slip: str, rng: Random) -> sp.Expr | None:
    """An expression with a slip of a kind in a random place, or None where there is no place."""
    found = [path for path in places(expr) if _fits(at(expr, path), slip, expr)]
    if not found:
        return None
    path = rng.choice(found)
    old = at(expr, path)
    if slip == "sign":
        return put(expr, path, old - 2 * rng.choice(old.args) if old.is_Add else -old)
    if slip == "coefficient":
        factor = rng.choice((2, sp.S.Half, 3, sp.Rational(2, 3), sp.Rational(5, 4)))
        return put(expr, path, old * factor)
    if slip == "exponent":
        shift = rng.choice((1, -1, sp.S.Half))
        return put(expr, path, old.base ** (old.exp + shift) if old.is_Pow else old ** (1 + shift))
    if slip == "symbol":
        others = sorted(expr.free_symbols - {old}, key=sp.default_sort_key)
        return put(expr, path, rng.choice(others))
    return put(expr, path, old.func(*(a for a in old.args if a != rng.choice(old.args))))


def _fits(part: sp.Basic, slip: str, whole: sp.Expr) -> bool:
    if slip == "sign":
        return bool(part.is_Add or part.is_Mul)
    if slip == "coefficient":
        return bool(part.is_Mul or part.is_Symbol or part.is_Function)
    if slip == "exponent":
        return bool(part.is_Pow or part.is_Symbol)
    if slip == "symbol":
        return bool(part.is_Symbol and len(whole.free_symbols) > 1)
    return bool(part.is_Add and len(part.args) > 1)


def is_still_true(one: Identity, mutant: sp.Expr, rng: Random) -> bool | None:
    """Whether a mutant has the values of the right side, or None if it has none."""
    names = {symbol.name: symbol for symbol in one.right.free_symbols | mutant.free_symbols}
    domain = Domain(names.values(), read_where(one.where, names))
    seen = 0
    for point in domain.points(rng, 6):
        there = [side.subs(point) for side in (one.right, mutant)]
        a, b = (sp.N(side, _DIGITS) for side in there)
        if not (a.is_number and b.is_number) or b.has(sp.nan, sp.zoo, sp.oo, -sp.oo):
            continue
        seen += 1
        if abs(a - b) > abs(a) * sp.Float(10) ** (10 - _DIGITS):
            return False
    return True if seen else None


def mutated(one: Identity, rng: Random) -> tuple[str, sp.Expr] | None:
    """A slip and the false right side it makes."""
    for _ in range(_DRAWS):
        slip = rng.choice(SLIPS)
        try:
            mutant = slipped(one.right, slip, rng)
            if mutant is None or mutant.has(sp.nan, sp.zoo, sp.oo, -sp.oo):
                continue
            if is_still_true(one, mutant, rng) is False:
                return slip, mutant
        except (TypeError, ValueError, Error):
            continue
    return None


def outcome(number: int, one: Identity, seed: int, *, hints: bool = False) -> Outcome | None:
    """Check an identity and one mutant of it; None if no false mutant was found."""
    rng = Random(f"{seed} {number}")
    drawn = mutated(one, rng)
    if drawn is None:
        return None
    began = time.perf_counter()
    true = check(one.left, one.right, one.where)
    between = time.perf_counter()
    false = check(one.left, drawn[1], one.where, hints=hints)
    end = time.perf_counter()
    return Outcome(
        number,
        one.name,
        true.status,
        round(between - began, 4),
        true.method,
        drawn[0],
        str(drawn[1])[:2000],
        false.status,
        round(end - between, 4),
        false.hint,
    )


def table(outcomes: list[Outcome]) -> str:
    """The verdicts and times, in lines."""
    true = Counter(one.true_status for one in outcomes)
    false = Counter(one.false_status for one in outcomes)
    lines = [f"{len(outcomes)} identities and as many mutants", ""]
    lines.append(f"{'verdict':<14}{'identities':>12}{'mutants':>12}")
    statuses = ("proved", "not refuted", "undecided", "refuted")
    lines += [f"{status:<14}{true[status]:>12}{false[status]:>12}" for status in statuses]
    lines += ["", f"{'slip':<14}{'mutants':>12}{'refuted':>12}"]
    for slip in SLIPS:
        made = [one for one in outcomes if one.slip == slip]
        refuted = sum(one.false_status == "refuted" for one in made)
        lines.append(f"{slip:<14}{len(made):>12}{refuted:>12}")
    lines.append("")
    for what, times in (
        ("identities", [one.true_seconds for one in outcomes]),
        ("mutants", [one.false_seconds for one in outcomes]),
    ):
        within = sum(seconds <= 2 for seconds in times)
        lines.append(
            f"{what}: median {statistics.median(times):.3f} s, longest {max(times):.2f} s, "
            f"{within} of {len(times)} within 2 s"
        )
    return "\n".join(lines)


def main() -> int:
    """Run the cases that the log does not have yet, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--log", type=Path)
    parser.add_argument("--hints", action="store_true", help="search for what was meant, too")
    given = parser.parse_args()
    done: dict[int, Outcome] = {}
    if given.log and given.log.exists():
        records = map(json.loads, given.log.read_text().splitlines())
        done = {record["number"]: Outcome(**record) for record in records}
    for number, one in enumerate(identities()):
        if len(done) >= given.cases:
            break
        if number in done:
            continue
        found = outcome(number, one, given.seed, hints=given.hints)
        if found is None:
            continue
        done[number] = found
        bad = found.true_status == "refuted" or found.false_status != "refuted"
        if bad or found.true_status != "proved":
            print(f"{number} {found.name}: {found.true_status}, mutant {found.false_status}")
        if given.log:
            with given.log.open("a") as log:
                log.write(json.dumps(asdict(found)) + "\n")
        if len(done) % 100 == 0:
            print(f"{len(done)} done", file=sys.stderr)
    outcomes = list(done.values())
    print(table(outcomes))
    proved_false = any(one.false_status == "proved" for one in outcomes)
    return int(proved_false or any(one.true_status == "refuted" for one in outcomes))


if __name__ == "__main__":
    sys.exit(main())
