r"""Claims of the literature as data: what is said, where, and how it is checked.

A document of `freejac.derivations` is a tuple of claims, each transcribed as its source prints it.

>>> from freejac.symbolic.symbols import q
>>> claim = Claim("demo.relu", "sec. 1, eq. (2)", r"\tfrac{q}{2}", lhs="q/2", rhs=q / 2)
>>> claim.verdict().status
'proved'
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from freejac.symbolic.check import check
from freejac.symbolic.errors import InputError
from freejac.symbolic.verdict import STATUSES, Status, Verdict

__all__ = ["Claim", "Document", "Skipped"]

_IDENTITY = re.compile(r"[a-z0-9]+([.\-][a-z0-9]+)*")


@dataclass(frozen=True)
class Claim:
    r"""One checkable statement of a source, transcribed as printed.

    It is checked in one of three ways: by `check` on `lhs` and `rhs`; by `decide`, a function of no
    argument that returns a verdict; or by `experiment`, a function that is handed the module
    `freejac.simulate` by whoever runs the claims, because documents import the exact mathematics
    alone.

    Args:
        id: permanent name, lower case with dots and dashes, first the document's key:
            "ps1.length-map.relu".
        source: section, page or equation of the source.
        statement: the formula as printed, in LaTeX, without words.
        lhs: left side, anything that `check` takes, or a function of no argument that returns it
            (what is slow to derive is derived only when the claim is checked).
        rhs: right side, in the same way; None for a relational given as `lhs`.
        where: conditions, as `check` takes them.
        relation: "==", "<=", "<", ">=", ">" or "!=".
        decide: see above.
        experiment: see above.
        assumptions: in words, what the source assumes.
        expected: the status that the author of the document recorded.
        correction: for a refuted claim, what the source should have said; a claim expected to be
            proved.
        note: anything else a reader should know: what the slip is, or how the claim was read.
        slow: whether checking takes more than a few seconds.

    Raises:
        InputError: no way to check it, or more than one, or a malformed id or status.
    """

    id: str
    source: str
    statement: str
    lhs: Any = None
    rhs: Any = None
    where: Any = ()
    relation: str = "=="
    decide: Callable[[], Verdict] | None = None
    experiment: Callable[[Any], Verdict] | None = None
    assumptions: str = ""
    expected: Status = "proved"
    correction: Claim | None = None
    note: str = ""
    slow: bool = False

    def __post_init__(self) -> None:
        if not _IDENTITY.fullmatch(self.id):
            raise InputError(f"a claim's id is lower case with dots and dashes, not {self.id!r}")
        ways = (self.lhs, self.decide, self.experiment)
        if sum(way is not None for way in ways) != 1:
            raise InputError(f"claim {self.id}: give lhs and rhs, or decide, or experiment")
        if self.expected not in STATUSES:
            raise InputError(f"claim {self.id}: a status is one of {', '.join(STATUSES)}")

    @property
    def needs_simulation(self) -> bool:
        """Whether `verdict` has to be handed `freejac.simulate`."""
        return self.experiment is not None

    def verdict(self, simulate: Any = None) -> Verdict:
        """Check the claim.

        Args:
            simulate: the module `freejac.simulate`, which experiments need.

        Raises:
            InputError: it is an experiment, and there is nothing to simulate with.
        """
        if self.experiment is not None:
            if simulate is None:
                raise InputError(f"claim {self.id} is an experiment: hand it freejac.simulate")
            return self.experiment(simulate)
        if self.decide is not None:
            return self.decide()
        return check(_derived(self.lhs), _derived(self.rhs), self.where, relation=self.relation)


def _derived(side: Any) -> Any:
    """A side, derived now if it is a function; a SymPy symbol is callable too, but no function."""
    return side() if callable(side) and not isinstance(side, sp.Basic) else side


@dataclass(frozen=True)
class Skipped:
    """A statement of a source that is not a claim here, and why.

    Args:
        ref: section, page or equation.
        reason: why it cannot be checked, or says nothing to check.
    """

    ref: str
    reason: str

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise InputError(f"{self.ref} is skipped without a reason")


@dataclass(frozen=True)
class Document:
    """The claims of one source.

    Args:
        key: short name, the first part of its claims' ids.
        title: of the source.
        citation: authors, year, and where it appeared.
        claims: in the order of the source.
        skipped: what is no claim here, with reasons.

    Raises:
        InputError: two claims share an id, or an id does not begin with the key.
    """

    key: str
    title: str
    citation: str
    claims: tuple[Claim, ...]
    skipped: tuple[Skipped, ...] = field(default=())

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for claim in self.every_claim():
            if claim.id in seen:
                raise InputError(f"two claims of {self.key} have the id {claim.id}")
            if not claim.id.startswith(f"{self.key}."):
                raise InputError(f"the id {claim.id} does not begin with {self.key}.")
            seen.add(claim.id)

    def every_claim(self) -> tuple[Claim, ...]:
        """The claims, each refuted one followed by its correction."""
        found: list[Claim] = []
        for claim in self.claims:
            found.append(claim)
            if claim.correction is not None:
                found.append(claim.correction)
        return tuple(found)

    def claim(self, name: str) -> Claim:
        """Find a claim by its id.

        Raises:
            InputError: there is none.
        """
        for claim in self.every_claim():
            if claim.id == name:
                return claim
        raise InputError(f"{self.key} has no claim {name}")
