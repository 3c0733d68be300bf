r"""Displayed formulas and directives of a Markdown or LaTeX file, with the lines they stand on.

Code, comments and inline formulas are passed over; what opens and does not close is reported.

>>> [(part.kind, part.line, part.text) for part in scan("# A\n<!-- freejac: symbols q > 0 -->\n$$q$$\n")]
[('directive', 2, 'symbols q > 0'), ('formula', 3, 'q')]
"""  # noqa: E501 (a note on one line)

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from freejac.symbolic.errors import InputError

__all__ = ["Format", "Part", "scan"]

Format: TypeAlias = Literal["markdown", "latex"]
Kind: TypeAlias = Literal["directive", "formula", "inline", "broken", "title"]

_ENVIRONMENTS = "equation|align|alignat|gather|multline|eqnarray|displaymath|flalign"
_VERBATIM = "verbatim|lstlisting|minted|comment|filecontents"
_MARKDOWN = re.compile(
    r"(?P<fence>^ {0,3}(?:```+|~~~+))|(?P<comment><!--)|(?P<code>`[^`\n]*`)|(?P<escape>\\[\\$`])"
    r"|(?P<dollars>\$\$)|(?P<inline>\$[^$\n]+\$)|(?P<bracket>\\\[)"
    rf"|\\begin\{{(?P<environment>(?:{_ENVIRONMENTS})\*?)\}}",
    re.MULTILINE,
)
_LATEX = re.compile(
    r"(?P<comment>%)|(?P<escape>\\[\\$%])"
    rf"|\\begin\{{(?P<verbatim>(?:{_VERBATIM})\*?)\}}"
    r"|(?P<dollars>\$\$)|(?P<inline>\$[^$]+\$)|(?P<bracket>\\\[)"
    rf"|\\begin\{{(?P<environment>(?:{_ENVIRONMENTS})\*?)\}}"
)
_DIRECTIVE = re.compile(r"\s*freejac:\s*(.*?)\s*", re.DOTALL)
_KEY = re.compile(r"([A-Za-z_][\w-]*):(?:\s+(.*?)|)\s*")
_MARGIN = re.compile(r"[ \t>]*(?:[-*+]|\(?\w{1,3}[.)])?[ \t]*")
_ENDING = re.compile(r"[ \t.,;:]*(?:\{[^}]*\}|\(\w+\)|<!--.*)?[ \t]*")
_BLANK = re.compile(r"\n[ \t]*(?=\n)")


@dataclass(frozen=True)
class Part:
    """A directive, a formula, or what is wrong with one.

    Attributes:
        kind: "directive", "formula", "title", "inline" for `$$…$$` inside a line of text, or
            "broken" for a formula that does not close.
        text: what it says, or what is wrong.
        line: number of its first line, counted from 1.
        offset: where the text begins in the file.
    """

    kind: Kind
    text: str
    line: int
    offset: int = 0


def scan(text: str, form: Format = "markdown") -> Iterator[Part]:
    r"""Find directives and displayed formulas, in the order of the file.

    Displayed are `$$…$$`, `\[…\]`, and the environments equation, align, alignat, gather,
    multline, eqnarray, flalign and displaymath. Directives stand in front matter, under the key
    `freejac`, in comments `<!-- freejac: … -->`, or, in LaTeX, in lines `% freejac: …`.

    Raises:
        InputError: the front matter is not closed.

    >>> [part.text for part in scan("%freejac: define\n\\[ a \\] and $b$", "latex")]
    ['define', ' a ']
    """
    return _Scanner(text, form).parts()


class _Scanner:
    def __init__(self, text: str, form: Format) -> None:
        self.text, self.form = text, form
        self.breaks = [match.start() for match in re.finditer("\n", text)]
        self.blanks = [match.start() for match in _BLANK.finditer(text)]
        self.last: dict[str, int] = {}
        self.at = 0

    def line(self, offset: int) -> int:
        return bisect_right(self.breaks, offset - 1) + 1

    def find(self, mark: str, start: int) -> int:
        """Offset of the next mark, or −1; the search is made once where there is none."""
        if mark not in self.last:
            self.last[mark] = self.text.rfind(mark)
        return self.text.find(mark, start) if start <= self.last[mark] else -1

    def parts(self) -> Iterator[Part]:
        if self.form == "markdown":
            yield from self.front_matter()
        pattern = _MARKDOWN if self.form == "markdown" else _LATEX
        body = self.text.find("\\begin{document}") if self.form == "latex" else -1
        while match := pattern.search(self.text, self.at):
            start, self.at = match.start(), match.end()
            kind = match.lastgroup
            if kind == "fence":
                self.skip_fence(match["fence"].strip())
            elif kind == "verbatim":
                self.skip_to(f"\\end{{{match['verbatim']}}}")
            elif kind == "comment":
                yield from self.comment()
            elif kind in {"dollars", "bracket", "environment"} and start > body:
                yield self.formula(match)

    def formula(self, match: re.Match[str]) -> Part:
        """Take a displayed formula up to its end."""
        start, environment = match.end(), match.groupdict().get("environment")
        if environment:
            closing = f"\\end{{{environment}}}"
        else:
            closing = "$$" if match.lastgroup == "dollars" else "\\]"
        end = self.find(closing, start)
        place = bisect_right(self.blanks, start)
        blank = self.blanks[place] if place < len(self.blanks) else len(self.text)
        line = self.line(match.start())
        if end < 0 or (blank < end and not environment):
            before = "" if end < 0 else " before the next empty line"
            return Part("broken", f"{match[0]} is not closed{before}", line, start)
        self.at = end + len(closing)
        text = self.text[start:end]
        if self.form == "markdown" and not environment and self.inside_text(match.start()):
            return Part("inline", text, line, start)
        if environment and environment.startswith("alignat"):
            text = re.sub(r"\A\s*\{\d+\}", lambda m: " " * len(m[0]), text)
        return Part("formula", text, line, start)

    def inside_text(self, start: int) -> bool:
        """Whether other text stands on the lines where a formula begins and ends."""
        before = self.text[self.text.rfind("\n", 0, start) + 1 : start]
        end = self.text.find("\n", self.at)
        after = self.text[self.at : len(self.text) if end < 0 else end]
        return not (_MARGIN.fullmatch(before) and _ENDING.fullmatch(after))

    def comment(self) -> Iterator[Part]:
        """Read a directive from a comment, and pass over other comments."""
        start = self.at
        if self.form == "latex":
            end = self.text.find("\n", start)
            end = after = len(self.text) if end < 0 else end
        else:
            end = self.find("-->", start)
            if end < 0:
                return
            after = end + 3
        self.at = after
        match = _DIRECTIVE.fullmatch(self.text[start:end])
        for line in (match[1] if match else "").splitlines():
            if line.strip():
                yield Part("directive", line.strip(), self.line(start), start)

    def skip_fence(self, mark: str) -> None:
        """Pass over a block of code; an open one reaches to the end."""
        closing = re.compile(rf"^ {{0,3}}{mark}+[ \t]*$", re.MULTILINE).search(self.text, self.at)
        self.at = closing.end() if closing else len(self.text)

    def skip_to(self, mark: str) -> None:
        end = self.find(mark, self.at)
        self.at = len(self.text) if end < 0 else end + len(mark)

    def front_matter(self) -> Iterator[Part]:
        """Read the lines between `---` at the top: the keys title and freejac, and no others."""
        lines = self.text.splitlines()
        if not lines or lines[0].rstrip() != "---":
            return
        closing = next((k for k, s in enumerate(lines[1:], 1) if s.rstrip() in {"---", "..."}), 0)
        if not closing:
            raise InputError("the front matter that begins on line 1 is not closed with ---")
        inside = False
        for number, line in enumerate(lines[1:closing], 2):
            key = _KEY.fullmatch(line)
            if key:
                inside = key[1] == "freejac" and (key[2] or "|") == "|"
                if key[1] == "title" and key[2]:
                    yield Part("title", key[2].strip("'\""), number)
                elif key[1] == "freejac" and not inside:
                    yield Part("directive", key[2], number)
            elif inside and line.strip():
                yield Part("directive", line.strip().removeprefix("- "), number)
        self.at = sum(len(s) for s in self.text.splitlines(keepends=True)[: closing + 1])
