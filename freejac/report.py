"""A derivation as text for a terminal, as LaTeX, or as JSON.

Text is laid out for 100 columns with two-dimensional formulas; there, and only there, rational
constants of many digits are shortened to ten digits, and the line says ≈ instead of =. LaTeX and
JSON are exact.

>>> from freejac.derive import derive
>>> "second derivative" in as_text(derive("relu"))
False
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from textwrap import wrap
from typing import Any

import sympy as sp
from sympy.printing.pretty.pretty import PrettyPrinter
from sympy.printing.pretty.stringpict import prettyForm
from sympy.printing.str import StrPrinter

from freejac.quantities import Derivation, Quantity, Section
from freejac.symbolic.bivariate import Expectation2
from freejac.symbolic.expectation import Expectation
from freejac.symbolic.symbols import cumulant, x

__all__ = ["as_json", "as_latex", "as_text"]

_WIDTH = 100
_LABEL = 21
_HANGING = 6
_SHOWN_DIGITS = 10
_LONG = 10**12
_LATEX_NAMES = {cumulant: r"\mathrm{cumulant}"}
_OPEN = "no closed form"


def as_text(theory: Derivation) -> str:
    """Lay a derivation out for reading.

    Returns:
        Lines of at most 100 columns, but for words that are longer. `*` marks what has no closed
        form and `–` what does not exist; the reasons stand at the end of each section.
    """
    blocks = [_heading(theory)]
    blocks += [_section_text(section, theory.names) for section in theory.sections]
    return "\n\n".join(blocks) + "\n"


def _heading(theory: Derivation) -> str:
    phi = theory.phi
    lines = [f"{phi.name}, {theory.weights.name} weights, depth {theory.depth}"]
    if phi.parameters:
        given = (
            f"{s} = {phi.defaults[s]}" if s in phi.defaults else str(s) for s in phi.parameters
        )
        lines.append(f"parameters: {', '.join(given)}")
    if phi.source:
        lines += wrap(phi.source, _WIDTH)
    return "\n".join(lines)


def _section_text(section: Section, names: Mapping[Expectation, str]) -> str:
    lines = [section.title, "─" * len(section.title)]
    tall = False
    for quantity in section.quantities:
        rows = _quantity_text(quantity, names, section.name == "expectations")
        if tall or (len(rows) > 1 and len(lines) > 2):
            lines.append("")
        tall = len(rows) > 1
        lines += rows
    remarks = {q.note: _mark(q) for q in section.quantities if q.note and not _is_beside(q)}
    for note, mark in remarks.items():
        lines += wrap(note, _WIDTH, initial_indent=f"{mark} ", subsequent_indent="  ")
    return "\n".join(lines)


def _mark(quantity: Quantity) -> str:
    """Tell what has no closed form, and what does not exist, from the rest."""
    if quantity.note.startswith(_OPEN):
        return "*"
    return "–" if quantity.value is None else " "


def _is_beside(quantity: Quantity) -> bool:
    """Whether the note stands on the line of the value."""
    return _mark(quantity) == " "


def _quantity_text(
    quantity: Quantity, names: Mapping[Expectation, str], definition: bool
) -> list[str]:
    """Lay one quantity out: meaning, symbol, and the value on the symbol's line or below it.

    An expectation without closed form is shown in full where it is defined, and by its name
    everywhere else. What is too wide even for a line of its own is shown in terms of μ_1 and μ_2,
    or broken at its plus signs.
    """
    left = f"{_mark(quantity)} {quantity.meaning:<{_LABEL}} "
    if quantity.value is None:
        return [f"{left}{quantity.symbol}  —"]
    exact, shown = quantity.value, {} if definition else names
    form = _form(exact, shown)
    relation = _relation(exact)
    here = f"{left}{quantity.symbol} {relation} " if quantity.symbol else left
    note = f"   ({quantity.note})" if quantity.note and _is_beside(quantity) else ""
    if form.width() + len(here) + len(note) <= _WIDTH:
        return _beside(here, form, note)
    if form.width() <= _WIDTH - _HANGING:
        return [here.rstrip(), *_beside(" " * _HANGING, form, note)]
    if quantity.general is not None:
        return _beside(f"{left}{quantity.symbol} = ", _form(quantity.general, shown), note)
    return [here.rstrip(), *_broken(exact, shown)]


def _relation(value: sp.Basic) -> str:
    return "≈" if _shortened(value) != value else "="


def _beside(left: str, form: prettyForm, right: str) -> list[str]:
    """Put text on both sides of a formula, on its base line."""
    rows = form.render(wrap_line=False).splitlines()
    blank = " " * len(left)
    return [
        (
            (left if k == form.baseline else blank) + row + (right if k == form.baseline else "")
        ).rstrip()
        for k, row in enumerate(rows)
    ]


def _broken(value: sp.Basic, names: Mapping[Expectation, str]) -> list[str]:
    """Lay out a formula that is too wide: a term on each line, one still too wide on several."""
    value, lines = _shortened(value), list[str]()
    room = _WIDTH - _HANGING - 2
    terms = value.as_ordered_terms() if isinstance(value, sp.Add) else [value]
    for k, term in enumerate(terms):
        negative = k > 0 and term.could_extract_minus_sign()
        sign = "  " if k == 0 else "- " if negative else "+ "
        form = _form(-term if negative else term, names)
        if form.width() <= room:
            lines += _beside(" " * _HANGING + sign, form, "")
            continue
        text = _Line(names).doprint(-term if negative else term)
        lines += wrap(
            text,
            _WIDTH,
            initial_indent=" " * _HANGING + sign,
            subsequent_indent=" " * (_HANGING + 4),
            break_long_words=False,
            break_on_hyphens=False,
        )
    return lines


def _shortened(value: sp.Basic) -> sp.Basic:
    """Replace rational constants of many digits by decimals."""
    long = {
        number: sp.Float(number, _SHOWN_DIGITS)
        for number in value.atoms(sp.Rational)
        if abs(number.p) >= _LONG or number.q >= _LONG
    }
    return value.xreplace(long) if long else value


def _form(value: sp.Basic, names: Mapping[Expectation, str]) -> prettyForm:
    return _Pretty(names)._print(_shortened(value))


class _Pretty(PrettyPrinter):
    """SymPy's two-dimensional printer, with E[…] for expectations."""

    def __init__(self, names: Mapping[Expectation, str]) -> None:
        super().__init__({"use_unicode": True, "wrap_line": False, "num_columns": 10**6})
        self._names = names

    def _print_Expectation(self, expr: Expectation) -> prettyForm:
        if expr in self._names:
            return prettyForm(self._names[expr])
        inner = self._print(expr.args[0].xreplace({x: _H}))
        return prettyForm(*prettyForm(*inner.parens("[", "]")).left("E"))

    def _print_Expectation2(self, expr: Expectation2) -> prettyForm:
        inner = self._print(_product(expr))
        return prettyForm(*prettyForm(*inner.parens("[", "]")).left("E"))


class _Line(StrPrinter):
    """SymPy's one-line printer, with E[…] for expectations."""

    def __init__(self, names: Mapping[Expectation, str]) -> None:
        super().__init__()
        self._names = names

    def _print_Expectation(self, expr: Expectation) -> str:
        inner = self._print(expr.args[0].xreplace({x: _H}))
        return self._names.get(expr, f"E[{inner}]")

    def _print_Expectation2(self, expr: Expectation2) -> str:
        return f"E[{self._print(_product(expr))}]"


_H = sp.Symbol("h", real=True)
"""How the bound variable of an expectation is written."""
_PAIR = sp.symbols("h₁ h₂", real=True)


def _product(expr: Expectation2) -> sp.Expr:
    """f(h₁) g(h₂)."""
    parts = (f.xreplace({x: h}) for f, h in zip(expr.args[:2], _PAIR, strict=True))
    return sp.Mul(*parts, evaluate=False)


def as_latex(theory: Derivation) -> str:
    """Write a derivation as a LaTeX fragment: one `align*` for each section.

    Returns:
        Text that compiles in a document with amsmath and amssymb. Notes, and quantities that do
        not exist, are comments.
    """
    title = f"{_comment(theory.phi.name)}, {theory.weights.name} weights, depth {theory.depth}"
    blocks = [f"% {title}\n% needs amsmath and amssymb"]
    blocks += [_section_latex(section) for section in theory.sections]
    return "\n\n".join(blocks) + "\n"


def _section_latex(section: Section) -> str:
    heading = section.name.replace("_", " ").capitalize()
    lines = [rf"\paragraph{{{heading}}}", f"% {section.title}"]
    lines += [
        f"% {quantity.symbol}: {_comment(quantity.note)}"
        for quantity in section.quantities
        if quantity.note
    ]
    rows = [
        _latex(quantity.value, relation=f"{quantity.latex} &= " if quantity.latex else "& ")
        for quantity in section.quantities
        if quantity.value is not None
    ]
    if rows:
        lines += [r"\begin{align*}", " \\\\\n".join(rows), r"\end{align*}"]
    return "\n".join(lines)


def _comment(text: str) -> str:
    return " ".join(text.split())


def _latex(value: sp.Basic, relation: str = "") -> str:
    return relation + sp.latex(value, symbol_names=_LATEX_NAMES)


def as_json(theory: Derivation) -> str:
    """Write a derivation as JSON; the schema is in `docs/cli.md`."""
    phi = theory.phi
    data = {
        "activation": {
            "name": phi.name,
            "expression": str(phi.expr),
            "source": phi.source,
            "parameters": [
                {
                    "name": symbol.name,
                    "default": str(phi.defaults[symbol]) if symbol in phi.defaults else None,
                    "positive": bool(symbol.is_positive),
                }
                for symbol in phi.parameters
            ],
        },
        "weights": theory.weights.name,
        "depth": str(theory.depth),
        "sections": [
            {
                "name": section.name,
                "title": section.title,
                "quantities": [_quantity_data(quantity) for quantity in section.quantities],
            }
            for section in theory.sections
        ],
    }
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"


def _quantity_data(quantity: Quantity) -> dict[str, Any]:
    value, general = quantity.value, quantity.general
    return {
        "name": quantity.name,
        "symbol": quantity.symbol,
        "meaning": quantity.meaning,
        "sympy": None if value is None else str(value),
        "latex": None if value is None else _latex(value),
        "closed_form": quantity.closed_form,
        "note": quantity.note,
        "in_moments": None if general is None else str(general),
    }
