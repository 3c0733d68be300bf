r"""Cases and comparisons in LaTeX formulas.

>>> from freejac.symbolic.latex_expressions import read_expression
>>> from freejac.symbolic.latex_names import Names
>>> names = Names()
>>> names.bind_standard()
>>> read_expression(r"\begin{cases} x & x > 0 \\ 0 & \text{otherwise} \end{cases}", names)
Piecewise((x, x > 0), (0, True))
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sympy as sp

from freejac.symbolic.latex_commands import Kind

if TYPE_CHECKING:
    from freejac.symbolic.latex_expressions import Reader

__all__ = ["cases", "relations"]

_CONDITION_WORDS = frozenset(("if", "for", "when", "where"))
_OTHERWISE = frozenset(("otherwise", "else"))
_COMPARISONS = {"<": sp.Lt, "<=": sp.Le, ">": sp.Gt, ">=": sp.Ge, "=": sp.Eq, "!=": sp.Ne}


def cases(reader: Reader) -> sp.Expr:
    r"""Read \begin{cases} … \end{cases}."""
    opening = reader.take()
    if opening.text not in {"cases", "dcases"}:
        raise reader.error(f"an environment {opening.text} in a formula", "only cases", opening)
    pairs: list[tuple[sp.Expr, sp.Basic]] = []
    while not reader.next_is(Kind.END):
        value = reader.sum()
        reader.skip(Kind.COMMA)
        if not reader.skip(Kind.ALIGN):
            raise reader.error("a case without its condition", "value & condition \\\\")
        pairs.append((value, _condition(reader)))
        reader.skip(Kind.COMMA)
        if not reader.skip(Kind.ROW):
            break
    reader.expect(Kind.END, opening.text, "the cases end before it")
    if not pairs or sp.Or(*(condition for _, condition in pairs)) is not sp.true:
        hint = "make the last condition \\text{otherwise}"
        raise reader.error("the cases may leave something out", hint, opening)
    return sp.Piecewise(*pairs)


def _condition(reader: Reader) -> sp.Basic:
    """Read the condition of a case."""
    if reader.next_is(Kind.WORDS):
        word = reader.take()
        plain = word.text.lower().rstrip(".,")
        if plain in _OTHERWISE:
            return sp.true
        if plain not in _CONDITION_WORDS:
            raise reader.error(f"'{word.text}' in a case", "\\text{if} …, \\text{otherwise}", word)
    return sp.And(*relations(reader))


def relations(reader: Reader) -> list[sp.Basic]:
    """Read a chain of comparisons as conditions."""
    values, marks = [reader.sum()], []
    while reader.next_is(Kind.RELATION):
        mark = reader.take()
        if mark.text not in _COMPARISONS:
            raise reader.error(f"'{mark.text}' in a condition", "use = < ≤ > ≥", mark)
        marks.append(mark)
        values.append(reader.sum())
    if not marks:
        raise reader.error("a condition without a comparison", "x > 0")
    try:
        return [
            _COMPARISONS[mark.text](left, right)
            for mark, left, right in zip(marks, values[:-1], values[1:], strict=True)
        ]
    except TypeError:  # SymPy's answer to a side that is not real
        raise reader.error("a comparison of complex values", "both sides are real") from None
