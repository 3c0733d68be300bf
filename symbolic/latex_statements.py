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
from freejac.symbolic.errors import InputError, ParseError
from freejac.symbolic.expectation import Expectation, expectation
from freejac.symbolic.latex_cases import relations
from freejac.symbolic.latex_commands import Kind
from freejac.symbolic.latex_expressions import Reader, building
from freejac.symbolic.latex_names import Names, sympy_name
from freejac.symbolic.latex_tokens import Token, tokenize
from freejac.symbolic.verdict import Verdict, weakest

__all__ = ["Aside", "Chain", "Statement", "Unread", "read_definition", "read_statements"]

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
_ROWS = frozenset(
    ("aligned", "align", "split", "gather", "gathered", "eqnarray", "multline", "alignat")
)


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
        tokens = _unwrapped(text, tokenize(text, faults))
        rows = _rows(tokens)
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


def _unwrapped(text: str, tokens: list[Token]) -> list[Token]:
    """Take off an environment of rows around the whole."""
    labels = [token for token in tokens if token.kind is Kind.LABEL]
    if tokens and tokens[0].kind is Kind.LABEL:
        tokens = [token for token in tokens if token.kind is not Kind.LABEL] + labels[:1]
    while tokens and tokens[0].kind is Kind.BEGIN and tokens[0].text in _ROWS:
        last = max(k for k, token in enumerate(tokens) if token.kind is not Kind.LABEL)
        if tokens[last].kind is not Kind.END or tokens[last].text != tokens[0].text:
            raise ParseError(
                f"an environment {tokens[0].text} inside a formula",
                text=text,
                position=tokens[0].position,
                hint="rows stand around the whole formula",
            )
        tokens = tokens[1:last] + tokens[last + 1 :]
    return tokens


def _depth_change(token: Token) -> int:
    """1 at an opening bracket of any kind, −1 at a closing one."""
    opens = token.kind in (Kind.OPEN, Kind.GROUP, Kind.BEGIN)
    return opens - (token.kind in (Kind.CLOSE, Kind.END_GROUP, Kind.END))


def _split(tokens: Sequence[Token], kinds: set[Kind]) -> list[list[Token]]:
    """Split at tokens outside all brackets."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += _depth_change(token)
        if depth == 0 and token.kind in kinds:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def _joined_cells(row: list[Token]) -> list[Token]:
    """A row without its alignment: cells go in pairs, left and right of a relation.

    In eqnarray the relation has a cell of its own.
    """
    cells = [_trimmed(cell) for cell in _split(row, {Kind.ALIGN})]
    middle = len(cells) == 3 and [token.kind for token in cells[1]] == [Kind.RELATION]
    joined: list[Token] = []
    for number, cell in enumerate(cells):
        if cell and joined and number % 2 == 0 and not middle:
            joined.append(Token(Kind.GAP, "quad", cell[0].position))
        joined += cell
    return joined


def _trimmed(cell: list[Token]) -> list[Token]:
    """A cell without the space at its ends."""
    inner = [k for k, token in enumerate(cell) if token.kind is not Kind.GAP]
    return cell[inner[0] : inner[-1] + 1] if inner else []


def _relations(tokens: Sequence[Token]) -> list[Token]:
    """The relations outside all brackets."""
    found, depth = [], 0
    for token in tokens:
        depth += _depth_change(token)
        if depth == 0 and token.kind is Kind.RELATION:
            found.append(token)
    return found


def _rows(tokens: Sequence[Token]) -> list[list[Token]]:
    """Rows, each joined with those that go on with it."""
    joined: list[list[Token]] = []
    for row in _split(tokens, {Kind.ROW}):
        flat = _joined_cells(row)
        if not flat:
            continue
        begins_late = row[0].kind is Kind.ALIGN
        first = flat[0]
        goes_on = first.kind is Kind.RELATION or (
            first.kind is Kind.OPERATOR and (begins_late or not _relations(flat))
        )
        if goes_on and joined:
            joined[-1] += flat
        elif first.kind is not Kind.LABEL or len(flat) > 1:
            joined.append(flat)
    return joined


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
            marks = _relations(part)
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
        for part in _split(self.tokens, {Kind.COMMA, Kind.GAP}):
            rest: list[Token] = []
            depth = 0
            for token in part:
                depth += _depth_change(token)
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
        marks = _relations(tokens)
        for token in marks:
            if token.text in _REFUSED:
                message, hint = _REFUSED[token.text]
                raise self.error(message, token, hint)
        sides = _split(tokens, {Kind.RELATION})
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


def read_definition(
    text: str, left: list[Token], right: list[Token], names: Names
) -> tuple[str, dict[str, sp.Symbol]]:
    """Bind `name` or `name(a, b)` to what is read on the right.

    Returns:
        The name, and its arguments.

    Raises:
        ParseError: the left side is no new name, or the right side cannot be read.
    """
    pattern = Reader(text, left, names)
    token = pattern.peek()
    if token.kind is not Kind.NAME:
        raise pattern.error("a definition of what is no name", "f(x) := …")
    pattern.order_scripts(1)
    name, length = max(pattern.spellings(), key=lambda spelling: spelling[1])
    pattern.at += length
    arguments: dict[str, sp.Symbol] = {}
    called = pattern.skip(Kind.OPEN, "(")
    while called and not pattern.next_is(Kind.CLOSE):
        argument = pattern.take()
        if argument.kind is not Kind.NAME or argument.text in arguments:
            raise pattern.error("arguments of a definition are names", "f(x, y) := …", argument)
        bound = names.symbols.get(argument.text)
        arguments[argument.text] = bound or sp.Symbol(sympy_name(argument.text), real=True)
        if not pattern.skip(Kind.COMMA):
            break
    if called:
        pattern.expect(Kind.CLOSE, "(", "f(x) := …")
    pattern.require_end()
    reader = Reader(text, right, names)
    with reader.scope(**arguments):
        value = reader.sum()
        reader.require_end()
    try:
        if called:
            names.bind_function(name, tuple(arguments.values()), value)
        else:
            names.bind_value(name, value)
    except InputError as error:
        raise ParseError(str(error), text=text, position=token.position) from None
    return name, arguments
