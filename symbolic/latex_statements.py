r"""What a displayed formula says: chains of relations, definitions, and conditions on them.

>>> names = Names()
>>> names.bind_standard()
>>> (chain,) = read_statements(r"q + q &= 2q \\ &= \frac{4q}{2}, \quad \text{for } q < 1", names)
>>> chain.terms, chain.relations, chain.conditions
((2*q, 2*q, 2*q), ('==', '=='), (q < 1,))
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import sympy as sp

from freejac.symbolic.check import check
from freejac.symbolic.errors import ParseError
from freejac.symbolic.expectation import Expectation, expectation
from freejac.symbolic.latex_cases import relations
from freejac.symbolic.latex_commands import Kind
from freejac.symbolic.latex_definitions import read_definition
from freejac.symbolic.latex_expressions import Reader, building
from freejac.symbolic.latex_names import Names
from freejac.symbolic.latex_rows import depth_change, joined_rows, relation_marks, split, unwrapped
from freejac.symbolic.latex_tokens import Token, tokenize
from freejac.symbolic.verdict import Verdict, weakest

__all__ = ["Aside", "Chain", "Statement", "Unread", "read_statements"]

_EXACT = {"=": "==", "<": "<", ">": ">", "<=": "<=", ">=": ">=", "!=": "!="}
_SHOWN = {"==": "=", "<=": "≤", ">=": "≥", "!=": "≠"}
_ROUGH = {
    "approx": "≈ states no exact equality",
    "simeq": "≃ states no exact equality",
    "sim": "∼ states no exact equality",
    "propto": "∝ leaves a factor open",
    "ll": "≪ states no exact bound",
    "gg": "≫ states no exact bound",
}
_REFUSED = {
    "equiv": ("≡ may define or state", "write := or ="),
    "in": ("∈ is no comparison", "write \\text{for } 0 < p \\le 1"),
    "Rightarrow": ("an implication", "write two formulas"),
    "implies": ("an implication", "write two formulas"),
    "iff": ("an equivalence", "write two formulas"),
}
_CONDITIONS = frozenset(("for", "if", "when", "where", "with", "provided", "whenever", "for all"))
_NUMBERED = re.compile(r"(?:[.,]|\\q?quad)\s*\(\d{1,3}[a-z]?\)\s*\Z")
"""The number of a formula, printed at its end."""


@dataclass(frozen=True)
class Chain:
    r"""A claim: terms with an exact relation between neighbours.

    Attributes:
        terms: at least two expressions.
        relations: one fewer, each "==", "<", ">", "<=", ">=" or "!=".
        conditions: on the symbols, besides their assumptions.
        position: offset in the text.
        label: of its \label or \tag, or "".
        text: the LaTeX of its row.
    """

    terms: tuple[sp.Expr, ...]
    relations: tuple[str, ...]
    conditions: tuple[sp.Basic, ...] = ()
    position: int = 0
    label: str = ""
    text: str = field(default="", compare=False)

    def verdict(self, **options: float) -> Verdict:
        """Check every step; see `freejac.symbolic.check.check` for the options."""
        steps = tuple(
            check(left, right, self.conditions, relation=relation, **options)  # type: ignore[arg-type]
            for (left, right), relation in zip(pairwise(self.terms), self.relations, strict=True)
        )
        return steps[0] if len(steps) == 1 else weakest(str(self), steps)

    def relationals(self) -> list[sp.Basic]:
        """Its steps as SymPy relations, expectations in closed form where there is one."""
        kinds = {"==": sp.Eq, "!=": sp.Ne, "<": sp.Lt, "<=": sp.Le, ">": sp.Gt, ">=": sp.Ge}
        terms = [_closed(term) for term in self.terms]
        steps = zip(self.relations, pairwise(terms), strict=True)
        made = (kinds[relation](left, right) for relation, (left, right) in steps)
        return [relation for relation in made if relation is not sp.true]

    def __str__(self) -> str:
        rest = zip(self.relations, self.terms[1:], strict=True)
        return str(self.terms[0]) + "".join(f" {_SHOWN.get(r, r)} {term}" for r, term in rest)


def _closed(term: sp.Expr) -> sp.Expr:
    return term.replace(Expectation, expectation)


@dataclass(frozen=True)
class Aside:
    """What was read and is no claim: a definition, or a rough relation, and why."""

    reason: str
    position: int = 0
    text: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True)
class Unread:
    """What was not read, where and why."""

    reason: str
    position: int = 0
    text: str = field(default="", compare=False, repr=False)


Statement = Chain | Aside | Unread


def read_statements(
    text: str,
    names: Names,
    *,
    define: bool = False,
    conditions: Sequence[sp.Basic] = (),
) -> list[Statement]:
    r"""Read a displayed formula.

    Rows are read one by one; a row that begins with a relation, or with an operator after `&`,
    goes on with the row before. Statements in a row are separated by commas, `\quad` or
    `\text{and}`; after `\text{for}` (or if, when, where, with) come conditions.

    Args:
        text: what stands between the delimiters.
        names: what names mean; definitions are added.
        define: whether its equations are definitions, as `:=` always is.
        conditions: that hold for all of it.

    Returns:
        The statements in order, those that could not be read among them.

    >>> names = Names()
    >>> names.bind_symbol("a", real=True)
    >>> read_statements(r"b := 2a", names)
    [Aside(reason='defines b', position=0)]
    >>> read_statements(r"b = a + \foo", names)[0].reason
    'unknown command \\foo (macros are not expanded)'
    """
    text = _NUMBERED.sub(lambda match: " " * len(match[0]), text)
    faults: dict[int, ParseError] = {}
    try:
        tokens = unwrapped(text, tokenize(text, faults))
        rows = joined_rows(tokens)
    except ParseError as error:
        return [Unread(error.reason, error.position or 0, text)]
    ends = [*(row[0].position for row in rows[1:]), len(text)][: len(rows)]
    found: list[Statement] = []
    for row, end in zip(rows, ends, strict=True):
        shown = text[row[0].position : end]
        try:
            for token in row:
                if token.kind is Kind.FAULT:
                    raise faults[token.position]
            with building(text):
                read = _Row(text, row, names).statements(define, tuple(conditions))
        except ParseError as error:
            read = [Unread(error.reason, error.position or 0)]
        found += [replace(statement, text=shown) for statement in read]
    return found or [Unread("empty", 0, text)]


class _Row:
    """The statements of one row, or of rows joined."""

    def __init__(self, text: str, tokens: Sequence[Token], names: Names) -> None:
        self.text, self.names = text, names
        self.label = next((t.text for t in tokens if t.kind is Kind.LABEL), "")
        self.tokens = [token for token in tokens if token.kind is not Kind.LABEL]
        self.arguments: dict[str, sp.Symbol] = {}
        """Of the function that is defined in this row."""

    def error(self, message: str, token: Token, hint: str) -> ParseError:
        return ParseError(message, text=self.text, position=token.position, hint=hint)

    def statements(self, define: bool, outer: tuple[sp.Basic, ...]) -> list[Statement]:
        """Read conditions first, then every statement under them."""
        claims, given = self.parts()
        found: list[Statement] = []
        conditions = [*outer, *self.names.conditions]
        for part in given:
            reader = Reader(self.text, part, self.names)
            conditions += relations(reader)
            reader.require_end()
        held = tuple(c for c in conditions if c is not sp.true)
        for number, part in enumerate(claims):
            marks = relation_marks(part)
            if number and marks and marks[0].text not in {"=", ":=", *_ROUGH}:
                hint = "write \\text{for} before a condition, or a formula of its own"
                raise self.error("an inequality after a comma: claim or condition?", part[0], hint)
            found += self.statement(part, define, held)
        return found

    def parts(self) -> tuple[list[list[Token]], list[list[Token]]]:
        """Statements, and the conditions that follow a word."""
        claims: list[list[Token]] = []
        given: list[list[Token]] = []
        into = claims
        for part in split(self.tokens, {Kind.COMMA, Kind.GAP}):
            rest: list[Token] = []
            depth = 0
            for token in part:
                depth += depth_change(token)
                if depth or token.kind is not Kind.WORDS:
                    rest.append(token)
                    continue
                word = token.text.strip(" ,.:").lower()
                if word in {"", "and"}:
                    into.append(rest)
                elif word in _CONDITIONS:
                    into.append(rest)
                    into = given
                else:
                    hint = "conditions begin with for, if, when, where or with"
                    raise self.error(f"words in a formula: '{token.text}'", token, hint)
                rest = []
            into.append(rest)
        return [part for part in claims if part], [part for part in given if part]

    def statement(
        self, tokens: list[Token], define: bool, conditions: tuple[sp.Basic, ...]
    ) -> list[Statement]:
        """Read one chain of relations, or a definition."""
        marks = relation_marks(tokens)
        for token in marks:
            if token.text in _REFUSED:
                message, hint = _REFUSED[token.text]
                raise self.error(message, token, hint)
        sides = split(tokens, {Kind.RELATION})
        signs = [token.text for token in marks]
        if not signs:
            hint = "a claim has =, <, >, \\le or \\ge outside brackets"
            raise self.error("no relation in it", (tokens or self.tokens)[0], hint)
        found: list[Statement] = []
        place = tokens[0].position
        if signs[0] == ":=" or (define and signs[0] == "="):
            if not sides[1]:
                raise self.error("a definition without a value", marks[0], "name := value")
            name, self.arguments = read_definition(self.text, sides[0], sides[1], self.names)
            found.append(Aside(f"defines {name}", place))
            sides, signs, marks = sides[1:], signs[1:], marks[1:]
        if ":=" in signs:
            raise self.error("a definition inside a chain", marks[signs.index(":=")], "name := …")
        return [*found, *self.chains(sides, signs, conditions, place)] if signs else found

    def chains(
        self,
        sides: list[list[Token]],
        signs: list[str],
        conditions: tuple[sp.Basic, ...],
        place: int,
    ) -> list[Statement]:
        """Exact runs of a chain are claims; what is rough between them is not."""
        terms = [self.value(side) for side in sides]
        found: list[Statement] = []
        start = 0
        for index, sign in enumerate([*signs, "end"]):
            if sign in _EXACT:
                continue
            if index > start:
                relations = tuple(_EXACT[s] for s in signs[start:index])
                run = tuple(terms[start : index + 1])
                about = _connected(run, conditions)
                found.append(Chain(run, relations, about, place, self.label))
            if sign in _ROUGH:
                found.append(Aside(_ROUGH[sign], place))
            start = index + 1
        return found

    def value(self, tokens: list[Token]) -> sp.Expr:
        """Read one side."""
        if not tokens:
            hint = "a chain stands in one display, two relations do not stand in a row"
            raise self.error("a side is missing", self.tokens[0], hint)
        reader = Reader(self.text, tokens, self.names)
        with reader.scope(**self.arguments):
            value = reader.sum()
        reader.require_end()
        return value


def _connected(terms: Sequence[sp.Expr], given: Sequence[sp.Basic]) -> tuple[sp.Basic, ...]:
    """The conditions that say something of the symbols of some terms, directly or not."""
    symbols = set[sp.Basic]().union(*(term.free_symbols for term in terms))
    kept = [condition for condition in given if not condition.free_symbols]
    rest = [condition for condition in given if condition.free_symbols]
    while touching := [c for c in rest if c.free_symbols & symbols]:
        kept += touching
        symbols.update(*(condition.free_symbols for condition in touching))
        rest = [condition for condition in rest if condition not in touching]
    return tuple(dict.fromkeys(condition for condition in given if condition in kept))
