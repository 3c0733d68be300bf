r"""A position in the tokens of a LaTeX formula, and the names in scope there.

A name may carry scripts: where `q^*` or `M^{-1}` is bound, that is what is read; otherwise a
superscript is a power, and a subscript or a star that is not bound is refused.

>>> from freejac.symbolic.latex_names import Names
>>> from freejac.symbolic.latex_tokens import tokenize
>>> names = Names()
>>> names.bind_symbol("q^*", positive=True)
>>> Cursor("q^* + 1", tokenize("q^* + 1"), names).longest_bound()
('q^*', 3)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import sympy as sp

from freejac.symbolic.errors import ParseError
from freejac.symbolic.latex_commands import Kind
from freejac.symbolic.latex_names import Names
from freejac.symbolic.latex_tokens import Token

__all__ = ["Cursor"]


class Cursor:
    """A position in the tokens of a formula, and the names in scope there."""

    def __init__(self, text: str, tokens: Sequence[Token], names: Names) -> None:
        self.text, self.tokens, self.names = text, list(tokens), names
        self.at, self.end, self.depth = 0, len(self.tokens), 0
        self.scopes: list[dict[str, sp.Symbol]] = []
        self.differential = -1
        r"""Index of a differential inside a fraction: `\frac{dx}{…}`."""

    def peek(self, ahead: int = 0) -> Token:
        """Return the token at the position, or STOP at the end."""
        index = self.at + ahead
        if index < self.end:
            return self.tokens[index]
        ends = self.end < len(self.tokens)
        position = self.tokens[self.end].position if ends else len(self.text)
        return Token(Kind.STOP, "the end", position)

    def take(self) -> Token:
        """Return the token at the position and move on."""
        token = self.peek()
        self.at += 1
        return token

    def next_is(self, kind: Kind, *texts: str) -> bool:
        """Whether the next token is of a kind, and one of some texts."""
        token = self.peek()
        return token.kind is kind and (not texts or token.text in texts)

    def skip(self, kind: Kind, *texts: str) -> bool:
        """Move past the next token if it is of a kind and text."""
        found = self.next_is(kind, *texts)
        self.at += found
        return found

    def expect(self, kind: Kind, text: str, hint: str) -> Token:
        """Take a token that has to be there."""
        if not self.next_is(kind, text):
            raise self.error(f"'{text}' is missing", hint)
        return self.take()

    def error(self, message: str, hint: str, token: Token | None = None) -> ParseError:
        """Compose an error at a token, or at the position."""
        place = token or self.peek()
        return ParseError(message, text=self.text, position=place.position, hint=hint)

    def require_end(self) -> None:
        """Refuse what is left over."""
        token = self.peek()
        if token.kind is Kind.STOP:
            return
        if token.kind is Kind.WORDS:
            raise self.error("words in a formula", "conditions begin with for, if, when or where")
        raise self.error(f"unexpected '{token.shown}'", "see the subset in docs/verify.md")

    @contextmanager
    def until(self, index: int) -> Iterator[None]:
        """Read up to an index, all of it."""
        before, self.end = self.end, index
        yield
        self.require_end()
        self.end = before

    @contextmanager
    def scope(self, **bound: sp.Symbol) -> Iterator[None]:
        """Bind names for a while."""
        self.scopes.append(bound)
        yield
        self.scopes.pop()

    def value_of(self, name: str) -> sp.Expr | None:
        """Return what a name stands for, if it takes no arguments."""
        for scope in reversed(self.scopes):
            if name in scope:
                return scope[name]
        names = self.names
        if name in names.random:
            return names.random[name].symbol
        return names.symbols.get(name) or names.values.get(name)

    def is_bound(self, name: str) -> bool:
        """Whether a name means something here."""
        return any(name in scope for scope in self.scopes) or name in self.names

    def longest_bound(self) -> tuple[str | None, int]:
        """Find the bound name with the most scripts at the position, and its length in tokens."""
        self.order_scripts(self.at + 1)
        best, best_length = None, 0
        for name, length in self.spellings():
            if length > best_length and self.is_bound(name):
                best, best_length = name, length
        follower = self.peek(best_length)
        if best is not None and follower.kind is Kind.SCRIPT:
            longer = self.scripted(best_length, follower.text, best)
            if longer and (follower.text == "_" or longer[0].endswith("^*")):
                raise self.unbound_error(longer[0])
        return best, best_length

    def order_scripts(self, start: int) -> None:
        r"""Put a subscript before a superscript: \sigma^2_w is \sigma_w^2."""
        above = self._script_end(start, "^")
        below = self._script_end(above, "_")
        if start < above < below:
            tokens = self.tokens
            tokens[start:below] = tokens[above:below] + tokens[start:above]

    def _script_end(self, index: int, mark: str) -> int:
        """Index after a script; the same index where there is none."""
        if index >= self.end or self.tokens[index].kind is not Kind.SCRIPT:
            return index
        if self.tokens[index].text != mark:
            return index
        depth, after = 0, index + 1
        while after < self.end:
            kind = self.tokens[after].kind
            depth += (kind is Kind.GROUP) - (kind is Kind.END_GROUP)
            after += 1
            if depth == 0:
                break
        return after

    def spellings(self) -> Iterator[tuple[str, int]]:
        """Every name at the position: bare, with a subscript, a superscript, both, primed."""
        base = self.peek().text
        yield base, 1
        below = self.scripted(1, "_", base)
        if below is not None:
            yield below
        above = self.scripted(below[1], "^", below[0]) if below else self.scripted(1, "^", base)
        if above is not None:
            yield above

    def scripted(self, start: int, mark: str, name: str) -> tuple[str, int] | None:
        """Extend a name by a script, its text in one form: braces and spaces do not count."""
        token = self.peek(start)
        if token.kind is not Kind.SCRIPT or token.text != mark:
            return None
        if self.peek(start + 1).kind is not Kind.GROUP:
            content = self.peek(start + 1)
            return (
                (f"{name}{mark}{content.text}", start + 2)
                if content.kind is not Kind.STOP
                else None
            )
        parts, depth, index = [], 0, start + 1
        while True:
            token = self.peek(index)
            depth += (token.kind is Kind.GROUP) - (token.kind is Kind.END_GROUP)
            if token.kind is Kind.STOP:
                return None
            if token.kind not in (Kind.GROUP, Kind.END_GROUP):
                parts.append(")" if token.kind is Kind.CLOSE and token.text == "(" else token.text)
            index += 1
            if depth == 0:
                return f"{name}{mark}{''.join(parts)}", index

    def unbound_error(self, name: str) -> ParseError:
        """Say how to bind a name."""
        if name in {"d", "D", "mathcal{D}"}:
            hint = "a differential ends an integral: \\int … dx"
        elif self.peek(1).kind is Kind.OPEN:
            hint = f"bind it: functions {name}, or {name}(x) := …, or symbols {name} real"
        else:
            hint = f"bind it: symbols {name} > 0"
        return self.error(f"{name} is not bound", hint)
