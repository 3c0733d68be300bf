"""What a check answers: proved, refuted, not refuted or undecided, and the evidence for it.

>>> verdict = Verdict("refuted", "x = x**2", "ball arithmetic", hint="true only at x = 1")
>>> bool(verdict), verdict.status
(False, 'refuted')
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

import sympy as sp

from freejac.symbolic.errors import InputError

__all__ = ["STATUSES", "ChainVerdict", "Counterexample", "Status", "Verdict", "weakest"]

Status: TypeAlias = Literal["proved", "refuted", "not refuted", "undecided"]

STATUSES: tuple[Status, ...] = ("proved", "not refuted", "undecided", "refuted")
"""Every status, from the strongest support of a claim to its refutation."""

_MEANINGS = {
    "proved": "shown by exact steps",
    "refuted": "false at the point below",
    "not refuted": "it agrees wherever it was tried, which is no proof",
    "undecided": "nothing can be said",
}


@dataclass(frozen=True)
class Counterexample(Mapping[sp.Basic, sp.Expr]):
    """A point at which a claim fails: a mapping from its symbols to exact values.

    Attributes:
        point: the exact value of each symbol.
        left: enclosure of the left side there, a decimal with its error bound.
        right: the same of the right side.
        note: what else the reader needs to redo it, or "".

    >>> x = sp.Symbol("x")
    >>> found = Counterexample({x: sp.Rational(1, 2)}, "0.5", "0.25")
    >>> found[x], str(found)
    (1/2, 'at x = 1/2 the left side is 0.5, the right side 0.25')
    """

    point: Mapping[sp.Basic, Any]
    left: str
    right: str
    note: str = ""

    def __getitem__(self, symbol: sp.Basic) -> Any:
        return self.point[symbol]

    def __iter__(self) -> Iterator[sp.Basic]:
        return iter(self.point)

    def __len__(self) -> int:
        return len(self.point)

    def __bool__(self) -> bool:
        return True  # there is one, even where there are no symbols

    def __hash__(self) -> int:
        return hash((tuple(self.point.items()), self.left, self.right))

    def __str__(self) -> str:
        values = ", ".join(f"{symbol} = {value}" for symbol, value in self.point.items())
        place = f"at {values} the" if values else "the"
        note = f" ({self.note})" if self.note else ""
        return f"{place} left side is {self.left}, the right side {self.right}{note}"

    def to_dict(self) -> dict[str, Any]:
        """Plain texts, for JSON."""
        point = {str(symbol): str(value) for symbol, value in self.point.items()}
        return {"point": point, "left": self.left, "right": self.right, "note": self.note}


@dataclass(frozen=True)
class Verdict:
    """The answer to a claim. It is true, as a Boolean, only when the claim is proved.

    Attributes:
        status: "proved", "refuted", "not refuted" or "undecided".
        claim: the claim as it was understood, readable.
        method: how the answer was found; for "undecided", what is missing.
        counterexample: where the claim fails, for "refuted".
        digits: to how many significant digits the sides agree at every point that was tried.
        samples: number of admissible points that were tried.
        hint: what may have been meant, "" if nothing that verifies was found.
        corrected: the mended right side, a SymPy expression, or the mended relation.
        left, right: the two sides in SymPy, where there are two.

    >>> verdict = Verdict("not refuted", "a = b", "12 points", digits=40, samples=12)
    >>> print(verdict)
    not refuted: a = b
      method: 12 points
      agreement: 40 digits at 12 points
    """

    status: Status
    claim: str
    method: str
    counterexample: Counterexample | None = None
    digits: int | None = None
    samples: int = 0
    hint: str = ""
    corrected: sp.Basic | None = None
    left: sp.Basic | None = field(default=None, repr=False)
    right: sp.Basic | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            raise InputError(f"a status is one of {', '.join(STATUSES)}, not {self.status!r}")

    def __bool__(self) -> bool:
        return self.status == "proved"

    @property
    def refuted(self) -> bool:
        """Whether a counterexample was found."""
        return self.status == "refuted"

    @property
    def meaning(self) -> str:
        """What the status says, in one clause."""
        return _MEANINGS[self.status]

    def about(self, claim: str) -> Verdict:
        """The same verdict, on a claim worded otherwise."""
        return replace(self, claim=claim)

    def lines(self) -> list[str]:
        """The verdict and its evidence, a line each."""
        lines = [f"{self.status}: {self.claim}", f"  method: {self.method}"]
        if self.counterexample is not None:
            lines.append(f"  counterexample: {self.counterexample}")
        if self.digits is not None and self.samples and not self.refuted:
            lines.append(f"  agreement: {self.digits} digits at {self.samples} points")
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        return lines

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        found = self.counterexample
        return {
            "status": self.status,
            "claim": self.claim,
            "method": self.method,
            "counterexample": None if found is None else found.to_dict(),
            "digits": self.digits,
            "samples": self.samples,
            "hint": self.hint,
            "corrected": None if self.corrected is None else str(self.corrected),
        }

    def _repr_latex_(self) -> str:
        text = rf"\text{{{self.status}}}"
        if self.left is not None and self.right is not None:
            text += rf":\quad {sp.latex(self.left)} \;\text{{against}}\; {sp.latex(self.right)}"
        if self.corrected is not None:
            text += rf"\quad\text{{did you mean }} {sp.latex(self.corrected)}\,?"
        return f"$\\displaystyle {text}$"


@dataclass(frozen=True)
class ChainVerdict(Verdict):
    """The verdict on a = b = c = …: the weakest of its steps, each of them kept.

    Attributes:
        steps: one verdict a step, in order.
    """

    steps: tuple[Verdict, ...] = ()

    @property
    def first_wrong(self) -> int | None:
        """Number of the first refuted step, counted from 1, or None."""
        wrong = (n for n, step in enumerate(self.steps, 1) if step.refuted)
        return next(wrong, None)

    def lines(self) -> list[str]:
        """The verdict, then every step."""
        lines = [f"{self.status}: {self.claim}", f"  method: {self.method}"]
        for number, step in enumerate(self.steps, 1):
            lines += [f"  step {number} {step.lines()[0]}", *(f"  {t}" for t in step.lines()[1:])]
        return lines

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON, with the steps."""
        steps = [step.to_dict() for step in self.steps]
        return {**super().to_dict(), "steps": steps, "first_wrong": self.first_wrong}


def weakest(claim: str, steps: tuple[Verdict, ...], word: str = "step") -> ChainVerdict:
    """Join verdicts that all have to hold: refuted if one is, proved if all are.

    >>> good = Verdict("proved", "1 = 1", "exact")
    >>> open_ = Verdict("undecided", "a = b", "no admissible point")
    >>> weakest("both", (good, open_)).status
    'undecided'
    """
    if not steps:
        raise InputError("a chain needs at least one step")
    worst = max(steps, key=lambda step: STATUSES.index(step.status))
    number = next(n for n, step in enumerate(steps, 1) if step is worst)
    if worst.status == "proved":
        ways = list(dict.fromkeys(step.method for step in steps))
        method = f"every {word}: " + "; ".join(ways)
    else:
        first = "the first wrong " if worst.refuted else ""
        method = f"{first}{word} {number} of {len(steps)}, {worst.claim}: {worst.method}"
    digits = [step.digits for step in steps if step.digits is not None]
    return ChainVerdict(
        worst.status,
        claim,
        method,
        worst.counterexample,
        min(digits) if digits else None,
        sum(step.samples for step in steps),
        worst.hint,
        worst.corrected,
        steps=steps,
    )
