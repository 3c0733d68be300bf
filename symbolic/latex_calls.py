r"""Functions in LaTeX formulas, known and bound, and how far their arguments reach.

Without brackets an argument is one factor with numbers before it; more is refused.

>>> from freejac.symbolic.latex_expressions import read_expression
>>> from freejac.symbolic.latex_names import Names
>>> names = Names()
>>> names.bind_standard()
>>> names.bind_activation("phi", "tanh")
>>> read_expression(r"\sin 2\pi x\, \phi'(x)", names)
(1 - tanh(x)**2)*sin(2*pi*x)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sympy as sp

from freejac.symbolic.errors import InputError
from freejac.symbolic.latex_commands import Kind
from freejac.symbolic.latex_names import KNOWN, FunctionName
from freejac.symbolic.latex_tokens import Token

if TYPE_CHECKING:
    from freejac.symbolic.latex_expressions import Reader

__all__ = ["arguments", "bound", "known"]

_MAX_GAMMA = 200
_PREFIX = frozenset(("int", "sum", "prod", "lim"))


def bound(reader: Reader, function: FunctionName, token: Token) -> sp.Expr:
    """Read a bound function after its name: primes, a power, its arguments."""
    order = 0
    while reader.skip(Kind.PRIME):
        order += 1
    exponent = None
    if reader.skip(Kind.SCRIPT, "^"):
        derivative = _bracketed_order(reader)
        if derivative is not None:
            return _apply(reader, function, token, derivative, None)
        order += _primes(reader)
        if not reader.next_is(Kind.OPEN):
            exponent = reader.script()
        if exponent is not None and exponent.could_extract_minus_sign():
            name = function.name
            hint = f"inverse or reciprocal? bind {name}^{{-1}}, or write 1/{name}(x)"
            raise reader.error("a negative power of a function's name", hint, token)
    return _apply(reader, function, token, order, exponent)


def _bracketed_order(reader: Reader) -> int | None:
    """Read the order of a derivative: f^{(3)}."""
    inside = reader.tokens[reader.at : reader.at + 5]
    kinds = [Kind.GROUP, Kind.OPEN, Kind.NUMBER, Kind.CLOSE, Kind.END_GROUP]
    if [token.kind for token in inside] != kinds or not inside[2].text.isdigit():
        return None
    reader.at += 5
    return min(int(inside[2].text), 10**6)


def known(reader: Reader, token: Token) -> sp.Expr:
    r"""Read a function that needs no binding: \sin x, \sin(x), \sin^2 x."""
    exponent = None
    if reader.next_is(Kind.SCRIPT, "_"):
        raise reader.error("a subscript on a function", "write \\log x/\\log 2", token)
    if reader.next_is(Kind.PRIME):
        raise reader.error("a prime on a known function", "write \\frac{d}{dx}", token)
    if reader.skip(Kind.SCRIPT, "^"):
        begun = reader.peek()
        exponent = reader.script()
        if exponent.could_extract_minus_sign():
            hint = "inverse or reciprocal? write \\arcsin(x) or 1/\\sin(x)"
            raise reader.error("a negative power of a function's name", hint, begun)
    if reader.next_is(Kind.OPEN, "(", "[", "{") or reader.next_is(Kind.OPEN, "|"):
        values = (
            [reader.bracketed()] if reader.next_is(Kind.OPEN, "|") else arguments(reader, token)
        )
        if len(values) != 1:
            raise reader.error(f"{token.text} takes one argument", "", token)
        value = values[0]
    elif reader.next_is(Kind.GROUP):
        value = reader.invisible()
    else:
        value = _open_argument(reader, token)
    if token.text == "Gamma" and value.is_Rational and abs(value) > _MAX_GAMMA:
        raise reader.error("a gamma function is too large", f"up to Γ({_MAX_GAMMA})", token)
    result = reader.bounded(KNOWN[token.text](value))
    return result if exponent is None else reader.power(result, exponent, token)


def _open_argument(reader: Reader, token: Token) -> sp.Expr:
    r"""Read an argument without brackets: x, 2x, 2\pi x, \frac{…}{…}, and no more."""
    value, coefficient = sp.S.One, True
    while reader.starts_factor() and not _names_function(reader) and not _at_limit(reader):
        follower = reader.peek()
        if not coefficient or (follower.kind is Kind.OPEN and value != 1):
            hint = f"write brackets: {token.text}(…)"
            raise reader.error(f"where the argument of {token.text} ends is open", hint, follower)
        factor = reader.factor()
        coefficient = bool(factor.is_number)
        value = value * factor
    if value == 1 and coefficient:
        raise reader.error(f"{token.text} without its argument", f"write {token.text}(x)", token)
    if reader.next_is(Kind.OPERATOR, "/"):
        hint = f"write {token.text}(x)/y or {token.text}(x/y)"
        raise reader.error(f"a slash after the argument of {token.text}", hint)
    return value


def _names_function(reader: Reader) -> bool:
    """Whether a function, an integral or a sum begins here, which ends an open argument."""
    token = reader.peek()
    if token.kind is Kind.COMMAND:
        return token.text in KNOWN or token.text in _PREFIX or token.text in {"max", "min"}
    if token.kind is not Kind.NAME:
        return False
    bound, _ = reader.longest_bound()
    return bound in reader.names.functions or (token.text in KNOWN and len(token.text) > 1)


def _at_limit(reader: Reader) -> bool:
    """Whether the differential of an integral stands here."""
    return reader.at == reader.differential


def _apply(
    reader: Reader, function: FunctionName, token: Token, order: int, power: sp.Expr | None
) -> sp.Expr:
    """Read the arguments of a bound function."""
    values = arguments(reader, token)
    if len(values) != len(function.arguments):
        message = f"{function.name} takes {len(function.arguments)} arguments"
        raise reader.error(f"{message}, not {len(values)}", "see its definition", token)
    if order and len(values) > 1:
        hint = "write \\frac{\\partial}{\\partial x}"
        raise reader.error("a prime on a function of several arguments", hint, token)
    try:
        value = function.slope_at(order, values[0]) if order else function(*values)
    except InputError as error:
        raise reader.error(str(error), "", token) from None
    return value if power is None else reader.power(value, power, token)


def arguments(reader: Reader, token: Token) -> list[sp.Expr]:
    """Read arguments in brackets of any kind."""
    if not reader.next_is(Kind.OPEN, "(", "[", "{"):
        raise reader.error(f"{token.text} without its argument", f"write {token.text}(…)", token)
    kind = reader.take().text
    values = [reader.sum()]
    while reader.skip(Kind.COMMA):
        values.append(reader.sum())
    reader.expect(Kind.CLOSE, kind, "the arguments end before it")
    return values


def _primes(reader: Reader) -> int:
    r"""Read primes written as a superscript: f^{\prime\prime}, f^\prime."""
    index = reader.at + reader.next_is(Kind.GROUP)
    count = 0
    while reader.peek(index - reader.at).kind is Kind.PRIME:
        count, index = count + 1, index + 1
    if count:
        reader.at = index + (reader.tokens[reader.at].kind is Kind.GROUP)
    return count
