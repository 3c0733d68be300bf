r"""Definitions in LaTeX: a name, or a name and its arguments, bound to what stands on the right.

>>> from freejac.symbolic.latex_tokens import tokenize
>>> names = Names()
>>> left, right = tokenize("f(x)"), tokenize("x^2 + 1")
>>> read_definition("f(x) := x^2 + 1", left, right, names)
('f', {'x': x})
>>> names.functions["f"](3)
10
"""

from __future__ import annotations

import sympy as sp

from freejac.symbolic.errors import InputError, ParseError
from freejac.symbolic.latex_commands import Kind
from freejac.symbolic.latex_expressions import Reader
from freejac.symbolic.latex_names import Names, sympy_name
from freejac.symbolic.latex_tokens import Token

__all__ = ["read_definition"]


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
