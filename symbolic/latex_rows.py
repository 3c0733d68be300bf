r"""The rows of a displayed formula, as tokens: split at what stands outside all brackets.

>>> from freejac.symbolic.latex_tokens import tokenize
>>> rows = joined_rows(tokenize(r"a &= b \\ &= c \\ d &= e"))
>>> ["".join(token.text for token in row) for row in rows]
['a=b=c', 'd=e']
"""

from __future__ import annotations

from collections.abc import Sequence

from freejac.symbolic.errors import ParseError
from freejac.symbolic.latex_commands import Kind
from freejac.symbolic.latex_tokens import Token

__all__ = ["depth_change", "joined_rows", "relation_marks", "split", "unwrapped"]

_ROWS = frozenset(
    ("aligned", "align", "split", "gather", "gathered", "eqnarray", "multline", "alignat")
)


def unwrapped(text: str, tokens: list[Token]) -> list[Token]:
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


def depth_change(token: Token) -> int:
    """1 at an opening bracket of any kind, −1 at a closing one."""
    opens = token.kind in (Kind.OPEN, Kind.GROUP, Kind.BEGIN)
    return opens - (token.kind in (Kind.CLOSE, Kind.END_GROUP, Kind.END))


def split(tokens: Sequence[Token], kinds: set[Kind]) -> list[list[Token]]:
    """Split at tokens outside all brackets."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += depth_change(token)
        if depth == 0 and token.kind in kinds:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def _joined_cells(row: list[Token]) -> list[Token]:
    """A row without its alignment: cells go in pairs, left and right of a relation.

    In eqnarray the relation has a cell of its own.
    """
    cells = [_trimmed(cell) for cell in split(row, {Kind.ALIGN})]
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


def relation_marks(tokens: Sequence[Token]) -> list[Token]:
    """The relations outside all brackets."""
    found, depth = [], 0
    for token in tokens:
        depth += depth_change(token)
        if depth == 0 and token.kind is Kind.RELATION:
            found.append(token)
    return found


def joined_rows(tokens: Sequence[Token]) -> list[list[Token]]:
    """Rows, each joined with those that go on with it."""
    joined: list[list[Token]] = []
    for row in split(tokens, {Kind.ROW}):
        flat = _joined_cells(row)
        if not flat:
            continue
        begins_late = row[0].kind is Kind.ALIGN
        first = flat[0]
        goes_on = first.kind is Kind.RELATION or (
            first.kind is Kind.OPERATOR and (begins_late or not relation_marks(flat))
        )
        if goes_on and joined:
            joined[-1] += flat
        elif first.kind is not Kind.LABEL or len(flat) > 1:
            joined.append(flat)
    return joined
