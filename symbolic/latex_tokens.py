r"""LaTeX mathematics as tokens: spacing and comments dropped, names put in one form, depth bounded.

A name is one letter, a Greek letter, or letters in a font or under an accent; `\sigma`, `σ` and
`\mathrm{sigma}` are one name. Everything else keeps its place in the text.

>>> [token.shown for token in tokenize(r"\sigma_w^2\,\left(1+z\right)")]
['sigma', '_', 'w', '^', '2', '(', '1', '+', 'z', ')']
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from freejac.symbolic.errors import ParseError
from freejac.symbolic.latex_commands import (
    ACCENTS,
    BRACKETS,
    CHARACTERS,
    DROPPED,
    FONTS,
    GREEK,
    OPERATORS,
    REFUSED,
    RELATIONS,
    STRUCTURE,
    TEXTS,
    UPRIGHT,
    Kind,
    greek_letter,
)

__all__ = ["Token", "tokenize"]

_MAXCHARACTERS = 20_000
_MAX_TOKENS = 3000
_MAX_DEPTH = 40
_MAX_DIGITS = 40


@dataclass(frozen=True, slots=True)
class Token:
    """One token: what it is, its text in the one form, and its offset in the source."""

    kind: Kind
    text: str
    position: int

    @property
    def shown(self) -> str:
        """The text for a message; a closing bracket has the text of its partner."""
        closes = {"(": ")", "[": "]", "{": "\\}", "<": "\\rangle"}
        return closes.get(self.text, self.text) if self.kind is Kind.CLOSE else self.text


_PLAIN: Mapping[str, tuple[Kind, str]] = {
    **{name: (Kind.NAME, name) for name in GREEK},
    **{name: (Kind.COMMAND, name) for name in STRUCTURE},
    **dict.fromkeys(("dfrac", "tfrac"), (Kind.COMMAND, "frac")),
    **dict.fromkeys(("quad", "qquad"), (Kind.GAP, "quad")),
    **{name: (Kind.OPERATOR, mark) for name, mark in OPERATORS.items()},
    **{name: (Kind.RELATION, mark) for name, mark in RELATIONS.items()},
    **BRACKETS,
    "star": (Kind.OPERATOR, "*"),
    "prime": (Kind.PRIME, "'"),
    "vert": (Kind.BAR, "|"),
}
"""Commands that are one token."""
_LEXEME = re.compile(
    r"(?P<space>[ \t\r\n~]+)|(?P<comment>%[^\n]*)|(?P<assign>:=)"
    r"|(?P<number>[0-9]+(?:\.[0-9]+)?|\.[0-9]+)|(?P<command>\\[A-Za-z]+\*?|\\.)|(?P<character>.)",
    re.DOTALL,
)
_BRACED = re.compile(r"\s*\{([^{}]*)\}|\s*([A-Za-z])|\s*\\([A-Za-z]+)")
_BRACED_TEXT = re.compile(r"\s*\{([^{}]*)\}")
_ROW_SPACING = re.compile(r"\*?\s*\[[0-9.]+\s*[a-z]{2}\]")
_SENTENCE_END = re.compile(r"[\s~}]*(?:$|&|\\(?:tag|label|nonumber|notag|q?quad|text|end|\\))")
"""What may follow a full stop."""
_DELIMITER = re.compile(r"\s*(\\[A-Za-z]+|\\.|.)", re.DOTALL)
_WORD = re.compile(r"\s*(?:\\([A-Za-z]+)|([A-Za-z][A-Za-z0-9]*))\s*")


def tokenize(text: str, faults: dict[int, ParseError] | None = None) -> list[Token]:
    r"""Split LaTeX mathematics into tokens.

    Args:
        text: what stands between the delimiters of a formula, at most 20 000 characters.
        faults: if given, what is not in the subset becomes a token of its own, and the error goes
            here, by its position, so that other rows of the formula can be read.

    Returns:
        The tokens, brackets and braces balanced and at most 40 deep.

    Raises:
        ParseError: a command outside the subset, unbalanced braces, too long or too deep, with
            position and hint.

    >>> tokenize(r"\foo")
    Traceback (most recent call last):
        ...
    freejac.symbolic.errors.ParseError: unknown command \foo at character 1 of "\\foo" (macros are not expanded)
    """  # noqa: E501 (the message is one line)
    if len(text) > _MAXCHARACTERS:
        hint = f"at most {_MAXCHARACTERS}"
        raise ParseError(f"{len(text)} characters are too many", text=text, position=0, hint=hint)
    return _Lexer(text, faults).tokens()


class _Lexer:
    def __init__(self, text: str, faults: dict[int, ParseError] | None) -> None:
        self.text, self.at, self.found = text, 0, list[Token]()
        self.faults = faults

    def error(self, message: str, position: int, hint: str) -> ParseError:
        return ParseError(message, text=self.text, position=position, hint=hint)

    def tokens(self) -> list[Token]:
        while self.at < len(self.text):
            match = _LEXEME.match(self.text, self.at)
            assert match is not None, "the last alternative matches any character"
            start, self.at = self.at, match.end()
            try:
                self.lexeme(match, start)
            except ParseError as error:
                if self.faults is None:
                    raise
                self.faults[start] = error
                self.add(Kind.FAULT, match[0], start)
            if len(self.found) > _MAX_TOKENS:
                raise self.error("the formula is too long", start, f"at most {_MAX_TOKENS} tokens")
        try:
            self.require_balance()
        except ParseError as error:  # a fault before it says more
            raise next(iter((self.faults or {}).values()), error) from None
        return self.found

    def lexeme(self, match: re.Match[str], start: int) -> None:
        """Make the token of a lexeme."""
        lexeme = match[0]
        if match.lastgroup == "command":
            self.command(lexeme[1:], start)
        elif match.lastgroup == "number":
            self.number(lexeme, start)
        elif match.lastgroup == "assign":
            self.add(Kind.RELATION, ":=", start)
        elif match.lastgroup == "character":
            self.character(lexeme, start)

    def add(self, kind: Kind, text: str, position: int) -> None:
        self.found.append(Token(kind, text, position))

    def number(self, lexeme: str, start: int) -> None:
        if len(lexeme) > _MAX_DIGITS:
            raise self.error("a number has too many digits", start, f"at most {_MAX_DIGITS}")
        if re.match(r"[eE][+-]?[0-9]", self.text[self.at :][:3]):
            raise self.error("e after a number", start, "write 10^{-3}, or e \\cdot for Euler's")
        fraction = self.found and self.found[-1].text == "frac"
        if fraction and lexeme.isdigit() and len(lexeme) > 1:  # TeX takes a digit each: \frac12
            self.add(Kind.NUMBER, lexeme[0], start)
            lexeme, start = lexeme[1:], start + 1
        self.add(Kind.NUMBER, lexeme, start)

    def character(self, character: str, start: int) -> None:
        greek = greek_letter(character)
        if character in CHARACTERS:
            self.add(*CHARACTERS[character], start)
        elif character in "²³":
            self.add(Kind.SCRIPT, "^", start)
            self.add(Kind.NUMBER, "2" if character == "²" else "3", start)
        elif greek or (character.isascii() and character.isalpha()):
            self.add(Kind.NAME, greek or character, start)
        elif character != "." or not _SENTENCE_END.match(self.text, self.at):
            hint = "not in the subset" if character.isascii() else "write it as a LaTeX command"
            raise self.error(f"unexpected {character!a}", start, hint)

    def command(self, name: str, start: int) -> None:
        """Read a command, its name without the backslash."""
        name = name if name == "*" else name.removesuffix("*")
        if name in DROPPED:
            return
        plain = _PLAIN.get(name)
        if plain is not None:
            self.add(*plain, start)
        elif name == "\\":
            self.skip_spacing()
            self.add(Kind.ROW, "\\\\", start)
        elif name in {"left", "right"}:
            self.delimiter(name, start)
        elif name in UPRIGHT | FONTS | ACCENTS:
            self.styled(name, start)
        elif name in TEXTS:
            self.add(Kind.WORDS, " ".join(self.argument(name, start).split()), start)
        elif name in {"label", "tag"}:
            self.add(Kind.LABEL, self.argument(name, start).strip(), start)
        elif name in {"begin", "end"}:
            kind = Kind.BEGIN if name == "begin" else Kind.END
            self.add(kind, self.argument(name, start).strip().removesuffix("*"), start)
        else:
            raise self.unknown(name, start)

    def unknown(self, name: str, start: int) -> ParseError:
        if name in REFUSED:
            message, advice = REFUSED[name]
            return self.error(f"\\{name}: {message}", start, advice)
        known = [*GREEK, *STRUCTURE, *RELATIONS, *OPERATORS, *UPRIGHT, *FONTS]
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.75) if len(name) > 3 else []
        hint = f"did you mean \\{close[0]}?" if close else "macros are not expanded"
        return self.error(f"unknown command \\{name}", start, hint)

    def skip_spacing(self) -> None:
        """Pass over the extra space of a row's end: [2pt]."""
        match = _ROW_SPACING.match(self.text, self.at)
        self.at = match.end() if match else self.at

    def delimiter(self, side: str, start: int) -> None:
        r"""Read the bracket after `\left` or `\right`."""
        match = _DELIMITER.match(self.text, self.at)
        mark = match[1].removeprefix("\\") if match else ""
        sided = Kind.OPEN if side == "left" else Kind.CLOSE
        if match is None or (mark not in {"|", "vert", "."} and mark not in BRACKETS):
            raise self.error(f"a bracket is missing after \\{side}", start, "\\left( … \\right)")
        kind, text = BRACKETS.get(mark, (sided, "." if mark == "." else "|"))
        if kind is not sided:
            raise self.error(f"\\{side}{match[1]}", start, "the bracket faces the other way")
        self.add(kind, text, start)
        self.at = match.end()

    def argument(self, name: str, start: int) -> str:
        """Read the braced text after a command, where no braces nest."""
        match = _BRACED_TEXT.match(self.text, self.at)
        if match is None:
            raise self.error(f"\\{name} without a text in braces", start, f"\\{name}{{…}}")
        self.at = match.end()
        return match[1]

    def styled(self, name: str, start: int) -> None:
        """Read a name in a font or under an accent."""
        match = _BRACED.match(self.text, self.at)
        content = match and (match[1] if match[1] is not None else match[2] or f"\\{match[3]}")
        word = _WORD.fullmatch(content) if content else None
        if match is None or word is None or (word[1] and word[1] not in GREEK):
            raise self.error(f"\\{name} of more than a name", start, "a name is letters and digits")
        self.at = match.end()
        plain = word[1] or word[2]
        if name in UPRIGHT:
            self.add(Kind.NAME, plain, start)
        else:
            family = name.replace("wide", "").replace("overline", "bar")
            self.add(Kind.NAME, f"{family}{{{plain}}}", start)

    def require_balance(self) -> None:
        """Refuse brackets that do not match or nest too deeply."""
        stack: list[Token] = []
        closing = {Kind.CLOSE: Kind.OPEN, Kind.END_GROUP: Kind.GROUP, Kind.END: Kind.BEGIN}
        for token in self.found:
            if token.kind in (Kind.OPEN, Kind.GROUP, Kind.BEGIN):
                stack.append(token)
                if len(stack) > _MAX_DEPTH:
                    hint = f"at most {_MAX_DEPTH} levels"
                    raise self.error("brackets are nested too deeply", token.position, hint)
            elif token.kind in closing:
                opener = stack.pop() if stack else None
                if opener is None or opener.kind is not closing[token.kind]:
                    hint = "every bracket and brace needs its partner"
                    raise self.error("unbalanced brackets", token.position, hint)
                alike = opener.text == token.text or "." in (opener.text, token.text)
                if token.kind is not Kind.END_GROUP and not alike:
                    hint = f"opened with {opener.text} at character {opener.position + 1}"
                    raise self.error("brackets of two kinds", token.position, hint)
        if stack:
            hint = "every bracket and brace needs its partner"
            raise self.error("a bracket is not closed", stack[-1].position, hint)
