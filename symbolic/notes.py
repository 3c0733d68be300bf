r"""Notes in Markdown or LaTeX whose displayed formulas are claims.

>>> note = read_note("<!-- freejac: symbols q > 0 -->\n$$(q+1)^2 = q^2 + 2q + 1$$\n$$q = \\foo$$\n")
>>> [claim.verdict().status for claim in note.claims], note.unread[0].line
(['proved'], 3)
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace

import sympy as sp

from freejac.symbolic.errors import InputError, ParseError
from freejac.symbolic.latex_names import Names
from freejac.symbolic.latex_statements import Aside, Chain, read_statements
from freejac.symbolic.note_directives import obey, read_condition
from freejac.symbolic.note_scanner import Format, Part, scan
from freejac.symbolic.verdict import STATUSES, Status, Verdict

__all__ = ["Note", "NoteClaim", "Remark", "read_note"]

_SHOWN = 160
_LABEL = re.compile(r"\\label\{[^{}]*\}")
_LAYOUT = re.compile(rf"{_LABEL.pattern}|&|\\\\(?:\[[^\]]*\])?")
_DECREE = (
    "an equation that defines its symbol, or is assumed, is marked: freejac: define, or assume"
)


@dataclass(frozen=True)
class NoteClaim:
    """A displayed formula that claims something.

    Attributes:
        id: its label, or the line it stands on; unique in the note.
        line: number of its line.
        text: the LaTeX of the formula, on one line.
        chain: what it says.
        expected: the status that the note says it has, or None.
    """

    id: str
    line: int
    text: str
    chain: Chain
    expected: Status | None = None

    def verdict(self) -> Verdict:
        """Check it; an equation that may have been meant to hold by decree gets that hint."""
        verdict = self.chain.verdict()
        alone = any(isinstance(term, sp.Symbol) for term in self.chain.terms)
        if verdict.refuted and alone and not verdict.hint:
            return replace(verdict, hint=_DECREE)
        return verdict


@dataclass(frozen=True)
class Remark:
    """A formula that is no claim, or was not read: where, which, and why."""

    line: int
    text: str
    reason: str


@dataclass(frozen=True)
class Note:
    """What a note claims.

    Attributes:
        title: from its front matter, or "".
        claims: in order.
        unread: formulas that could not be read.
        asides: formulas that claim nothing: definitions, rough relations, those marked so.
    """

    title: str
    claims: tuple[NoteClaim, ...]
    unread: tuple[Remark, ...] = ()
    asides: tuple[Remark, ...] = ()


def read_note(text: str, form: Format = "markdown") -> Note:
    r"""Read a note; see `docs/verify.md` for what it may hold.

    Args:
        text: of the file.
        form: "markdown" or "latex".

    Raises:
        InputError: a directive cannot be read; the message names its line.

    >>> read_note("% freejac: symbols standard\n\\[ q \\approx 1 \\]", "latex").asides[0].reason
    '≈ states no exact equality'
    """
    reader = _NoteReader()
    for part in scan(text, form):
        try:
            reader.take(part)
        except InputError as error:
            reason = error.reason if isinstance(error, ParseError) else str(error)
            raise InputError(f"line {part.line}: {reason}") from None
    return reader.note()


@dataclass
class _Next:
    """What directives say of the next formula."""

    define: bool = False
    assume: bool = False
    skip: str | None = None
    conditions: list[sp.Basic] = field(default_factory=list)
    expected: Status | None = None


class _NoteReader:
    def __init__(self) -> None:
        self.names, self.next, self.title = Names(), _Next(), ""
        self.claims: list[NoteClaim] = []
        self.unread: list[Remark] = []
        self.asides: list[Remark] = []
        self.used: Counter[str] = Counter()

    def note(self) -> Note:
        return Note(self.title, tuple(self.claims), tuple(self.unread), tuple(self.asides))

    def take(self, part: Part) -> None:
        if part.kind == "title":
            self.title = _one_line(part.text)
        elif part.kind == "broken":
            self.unread.append(Remark(part.line, "", part.text))
        elif part.kind == "directive":
            self.directive(part.text)
        elif part.kind == "inline":
            self.asides.append(Remark(part.line, _one_line(part.text), "inside a line of text"))
        else:
            self.formula(part)

    def directive(self, text: str) -> None:
        word, _, rest = text.partition(" ")
        if word in {"define", "assume"} and not rest.strip():
            setattr(self.next, word, True)
        elif word == "skip":
            self.next.skip = rest.strip() or "marked as no claim"
        elif word == "for":
            self.next.conditions += read_condition(rest, self.names)
        elif word == "expect":
            status = rest.strip()
            if status not in STATUSES:
                raise InputError(f"expect one of {', '.join(STATUSES)}, not '{status}'")
            self.next.expected = status
        else:
            obey(text, self.names)

    def formula(self, part: Part) -> None:
        marks, self.next = self.next, _Next()
        if marks.skip is not None:
            self.asides.append(Remark(part.line, _one_line(part.text), marks.skip))
            return
        statements = read_statements(
            part.text, self.names, define=marks.define, conditions=marks.conditions
        )
        for statement in statements:
            line = part.line + part.text.count("\n", 0, statement.position)
            shown = _one_line(statement.text)
            if isinstance(statement, Chain) and marks.assume:
                self.names.conditions += statement.relationals()
                self.asides.append(Remark(line, shown, "assumed in what follows"))
            elif isinstance(statement, Chain):
                self.claims.append(
                    NoteClaim(
                        self.identity(statement, line), line, shown, statement, marks.expected
                    )
                )
            elif isinstance(statement, Aside):
                self.asides.append(Remark(line, shown, statement.reason))
            else:
                self.unread.append(Remark(line, shown, statement.reason))

    def identity(self, chain: Chain, line: int) -> str:
        name = chain.label or f"line {line}"
        self.used[name] += 1
        return name if self.used[name] == 1 else f"{name} ({self.used[name]})"


def _one_line(text: str) -> str:
    """The LaTeX for a listing: no layout, and nothing that a terminal would obey."""
    layout = _LABEL if "\\begin{" in text else _LAYOUT  # cases need theirs
    words = " ".join(layout.sub(" ", text).split())
    shown = "".join(character if character.isprintable() else "�" for character in words)
    return shown if len(shown) <= _SHOWN else shown[: _SHOWN - 1] + "…"
