r"""What a name in a LaTeX formula stands for: what it is bound to, a function, or a constant.

>>> from freejac.symbolic.latex_expressions import Reader
>>> from freejac.symbolic.latex_names import Names
>>> from freejac.symbolic.latex_tokens import tokenize
>>> names = Names()
>>> names.bind_symbol("q_1", positive=True)
>>> named(Reader("q_1", tokenize("q_1"), names)), named(Reader(r"\pi", tokenize(r"\pi"), names))
(q_1, pi)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sympy as sp

from freejac.symbolic import latex_calculus as calculus
from freejac.symbolic import latex_calls as calls
from freejac.symbolic.latex_commands import Kind
from freejac.symbolic.latex_means import mean
from freejac.symbolic.latex_names import KNOWN
from freejac.symbolic.latex_tokens import Token

if TYPE_CHECKING:
    from freejac.symbolic.latex_expressions import Reader

__all__ = ["named", "plain_name"]


def named(reader: Reader) -> sp.Expr:
    """Read a name with its scripts: what it is bound to, applied if it is a function."""
    token = reader.peek()
    name, length = reader.longest_bound()
    if name is None:
        return _unbound(reader, token)
    reader.at += length
    value = reader.value_of(name)
    if value is not None:
        _require_product(reader, token, name)
        return value
    return calls.bound(reader, reader.names.functions[name], token)


def _require_product(reader: Reader, token: Token, name: str) -> None:
    """Refuse a symbol before a bracketed name, p(q): a product would be written p q."""
    if not reader.next_is(Kind.OPEN, "(") or reader.peek(1).kind is not Kind.NAME:
        return
    index = 2
    while reader.peek(index).kind is Kind.SCRIPT:
        after = reader.peek(index + 1)
        script = reader.scripted(index, reader.peek(index).text, "")
        if script is None or after.kind is Kind.STOP:
            return
        index = script[1]
    if reader.peek(index).kind is Kind.CLOSE:
        hint = f"bind a function {name}(…) := …, or write the product without brackets"
        raise reader.error(f"{name} is a symbol, not a function", hint, token)


def _unbound(reader: Reader, token: Token) -> sp.Expr:
    """Read a name that is known without being bound, or refuse it."""
    after, name = reader.peek(1), token.text
    if name in {"mathbb{E}", "mathbf{E}"} or (name == "E" and after.text == "["):
        return mean(reader)
    if name in {"O", "mathcal{O}"} and after.kind is Kind.OPEN:
        return calculus.order(reader)
    if name in KNOWN and (len(name) > 1 or name in {"Phi", "Gamma"}):
        called = after.kind in (Kind.OPEN, Kind.SCRIPT, Kind.GROUP) or name not in {
            "Phi",
            "Gamma",
        }
        if called:
            reader.at += 1
            return calls.known(reader, token)
    return _constant(reader, token)


def _constant(reader: Reader, token: Token) -> sp.Expr:
    """Read π, e and i."""
    constants = {"pi": sp.pi, "e": sp.E, "i": sp.I}
    if token.text not in constants or reader.peek(1).text == "_":
        shown = reader.scripted(1, "_", token.text)
        raise reader.unbound_error(shown[0] if shown else _starred(reader, token.text))
    reader.at += 1
    return constants[token.text]


def _starred(reader: Reader, name: str) -> str:
    """Keep a star, which is part of a name and no power."""
    star = reader.scripted(1, "^", name)
    return star[0] if star and star[0].endswith("*") else name


def plain_name(reader: Reader) -> sp.Expr:
    """Read a name of one token, without scripts."""
    token = reader.peek()
    value = reader.value_of(token.text) if reader.is_bound(token.text) else None
    if value is None:
        return _constant(reader, token)
    reader.at += 1
    return value
