"""A derivation written down: ordered steps, each a statement, the rule that gives it, its source.

>>> from freejac.symbolic.symbols import p, z
>>> steps = Explanation("A projection", (
...     Step(sp.Eq(sp.Function("M")(z), p / (z - 1)), "the moments are all p", "theory"),
... ))
>>> print(steps)
A projection
1. the moments are all p
       M(z) = p/(z - 1)
       [theory]
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

import sympy as sp

from freejac.symbolic.errors import InputError
from freejac.symbolic.symbols import cumulant

__all__ = ["Explanation", "Step"]

_SPECIAL = {
    "\\": r"\textbackslash{}",
    **{character: rf"\{character}" for character in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}
_SIGNS = {
    "−": "-",
    "·": r"\cdot",
    "×": r"\times",
    "±": r"\pm",
    "√": r"\surd",
    "∞": r"\infty",
    "≤": r"\le",
    "≥": r"\ge",
    "≠": r"\ne",
    "≈": r"\approx",
    "∝": r"\propto",
    "→": r"\to",
    "∈": r"\in",
    "∥": r"\parallel",
    "⊞": r"\boxplus",
    "⊠": r"\boxtimes",
    "𝒢": r"\mathcal{G}",
}
_RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ᵀᵏˡⁿᴸˣ", "0123456789+-TklnLx", strict=True)) | {"′": r"\prime "}
_LOWERED = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋ₖₗₙ", "0123456789+-kln", strict=True))
_RUNS = re.compile(rf"([{''.join(_RAISED)}]+)|([{''.join(_LOWERED)}]+)")


@dataclass(frozen=True)
class Step:
    """One step of a derivation.

    Attributes:
        statement: what holds: an equation, an expression, or words.
        rule: why it follows from the steps before, in a few words.
        source: where the rule is published; "" for what is a definition or is derived here.
        formula: the LaTeX of a statement in words that is a formula; "" for plain words.

    Raises:
        InputError: the statement is neither SymPy nor text, is empty, or is an equation that
            SymPy evaluated away (make it with evaluate=False); or there is no rule.

    >>> Step(sp.Eq(sp.Symbol("m_1"), 1), "S(0) = 1/m_1").text
    'm_1 = 1'
    """

    statement: sp.Basic | str
    rule: str
    source: str = ""
    formula: str = ""

    def __post_init__(self) -> None:
        """Refuse a step that says nothing."""
        empty = isinstance(self.statement, str) and not self.statement.strip()
        empty |= isinstance(self.statement, sp.logic.boolalg.BooleanAtom)
        if empty or not isinstance(self.statement, (sp.Basic, str)):
            raise InputError(f"a step states an equation, an expression or words: {self.statement}")
        if not self.rule:
            raise InputError(f"the step {self.statement} needs a rule")

    @property
    def text(self) -> str:
        """The statement on one line; an equation as "left = right"."""
        if isinstance(self.statement, sp.Equality):
            return f"{self.statement.lhs} = {self.statement.rhs}"
        return str(self.statement)

    def latex(self) -> str:
        r"""The statement in LaTeX: a displayed formula, or words.

        >>> print(Step(sp.Eq(sp.Symbol("m_1"), 1), "S(0) = 1/m_1").latex())
        \[ m_{1} = 1 \]
        """
        if self.formula:
            return rf"\[ {self.formula} \]"
        if isinstance(self.statement, str):
            return _escaped(self.statement)
        # the effective cumulant is c in the literature; in code that is the correlation
        return rf"\[ {sp.latex(self.statement, symbol_names={cumulant: 'c'})} \]"


@dataclass(frozen=True)
class Explanation:
    """A derivation: its steps in the order in which they follow from each other.

    Attributes:
        title: what is derived.
        steps: the steps.

    >>> derivation = Explanation("Nothing", (Step("0 = 0", "reflexivity"),))
    >>> len(derivation), derivation[0].rule, [step.text for step in derivation]
    (1, 'reflexivity', ['0 = 0'])
    """

    title: str
    steps: tuple[Step, ...]

    def __iter__(self) -> Iterator[Step]:
        """Go over the steps."""
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, position: int) -> Step:
        """Take the step at a position, counted from 0."""
        return self.steps[position]

    def __str__(self) -> str:
        """Write plain text: the rule, the statement, the source."""
        lines = [self.title]
        for number, step in enumerate(self.steps, start=1):
            lines += [f"{number}. {step.rule}", f"       {step.text}"]
            if step.source:
                lines.append(f"       [{step.source}]")
        return "\n".join(lines)

    def latex(self) -> str:
        r"""Write LaTeX: an enumerated list, for a document with amsmath and amssymb.

        Letters are UTF-8; mathematics in words is set as mathematics.

        >>> print(Explanation("Nothing", (Step("0 = 0", "reflexivity"),)).latex())
        \paragraph{Nothing}
        \begin{enumerate}
        \item reflexivity:
        0 = 0
        \end{enumerate}
        """
        lines = [rf"\paragraph{{{_escaped(self.title)}}}", r"\begin{enumerate}"]
        for step in self.steps:
            lines += [rf"\item {_escaped(step.rule)}:", step.latex()]
            if step.source:
                lines.append(rf"\emph{{{_escaped(step.source)}}}")
        return "\n".join([*lines, r"\end{enumerate}"])


def _escaped(text: str) -> str:
    """Words as LaTeX shows them; letters and signs of mathematics become mathematics."""
    parts = []
    for piece in _RUNS.split(text):
        if piece and piece[0] in _RAISED:
            parts.append(rf"\ensuremath{{^{{{''.join(_RAISED[c] for c in piece)}}}}}")
        elif piece and piece[0] in _LOWERED:
            parts.append(rf"\ensuremath{{_{{{''.join(_LOWERED[c] for c in piece)}}}}}")
        else:
            parts += [_character(c) for c in piece or ""]
    return "".join(parts)


def _character(character: str) -> str:
    mathematics = _SIGNS.get(character) or _greek(character)
    if mathematics:
        return rf"\ensuremath{{{mathematics}}}"
    return _SPECIAL.get(character, character)


def _greek(character: str) -> str:
    """The LaTeX of a Greek letter, from its name in Unicode; "" for any other character."""
    script, _, name = unicodedata.name(character, "").partition(" ")
    size, _, letter = name.partition(" LETTER ")
    if script != "GREEK" or size not in ("SMALL", "CAPITAL"):
        return ""
    spelled = letter.replace("LAMDA", "LAMBDA").lower()
    return "\\" + (spelled if size == "SMALL" else spelled.capitalize())
