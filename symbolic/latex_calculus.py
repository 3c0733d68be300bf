r"""Integrals, sums, limits, derivatives and orders in LaTeX formulas.

An integral ends at its differential, or the differential comes first: `\int_a^b f\,dx`,
`\int dx\, f`, `\int \frac{dx}{f}`. `\int\mathcal{D}z` is the mean over a standard normal z.
Sums, products, limits and derivatives reach as far as a product does.

>>> from freejac.symbolic.latex_expressions import read_expression
>>> from freejac.symbolic.latex_names import Names
>>> names = Names()
>>> names.bind_standard()
>>> names.bind_activation("phi", "tanh")
>>> read_expression(r"\int \mathcal{D}z\, \phi(\sqrt{q} z)^2", names)
Expectation(tanh(x)**2, q)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import sympy as sp

from freejac.symbolic.errors import InputError, ParseError
from freejac.symbolic.latex_commands import Kind
from freejac.symbolic.latex_means import gaussian_mean
from freejac.symbolic.latex_names import Random, substituted, sympy_name
from freejac.symbolic.latex_tokens import Token

if TYPE_CHECKING:
    from freejac.symbolic.latex_expressions import Reader

__all__ = [
    "PREFIX",
    "derivative",
    "evaluated",
    "is_derivative",
    "order",
]

_MAX_ORDER = 10
_GAUSSIAN = frozenset(("D", "mathcal{D}"))


# --- integrals ----------------------------------------------------------------------------------


def integral(reader: Reader) -> sp.Expr:
    """Read an integral after its sign."""
    sign = reader.peek(-1)
    bounds = _bounds(reader)
    place = _differential(reader)
    if place is None:
        raise reader.error("an integral without its differential", "\\int_a^b … dx", sign)
    index, inside = place
    gaussian = reader.tokens[index].text in _GAUSSIAN
    name = reader.tokens[index + 1].text
    if bounds is None and not gaussian:
        raise reader.error("an integral without bounds", "\\int_a^b, or \\int_{\\mathbb{R}}", sign)
    variable = sp.Symbol(sympy_name(name), real=True)
    with reader.scope(**{name: variable}):
        value = _integrand(reader, index, inside)
    low, high = bounds or (-sp.oo, sp.oo)
    if gaussian and (low, high) == (-sp.oo, sp.oo):
        return gaussian_mean(value, Random(variable, sp.S.One))
    density = sp.exp(-(variable**2) / 2) / sp.sqrt(2 * sp.pi) if gaussian else sp.S.One
    if (low, high) == (-sp.oo, sp.oo):
        return _over_the_line(value, variable)
    return sp.Integral(value * density, (variable, low, high))


def _over_the_line(value: sp.Expr, variable: sp.Symbol) -> sp.Expr:
    """Integrate over the line: a mean where a normal density is a factor."""
    for factor in sp.Mul.make_args(value):
        exponent = factor.exp if isinstance(factor, sp.exp) else None
        square = None if exponent is None else exponent.coeff(variable, 2)
        if square is not None and square.is_negative and not square.has(variable):
            variance = -1 / (2 * square)
            rest = value / sp.exp(square * variable**2) * sp.sqrt(2 * sp.pi * variance)
            return gaussian_mean(rest, Random(variable, variance))
    return sp.Integral(value, (variable, -sp.oo, sp.oo))


def _integrand(reader: Reader, index: int, inside: bool) -> sp.Expr:
    """Read what is integrated: before the differential, after it, or around it."""
    if inside:
        before, reader.differential = reader.differential, index
        value = reader.term()
        reader.differential = before
        return value
    if index == reader.at:
        reader.at += 2
        return reader.term()
    with reader.until(index):
        value = reader.sum()
    reader.at = index + 2
    return value


def _bounds(reader: Reader) -> tuple[sp.Expr, sp.Expr] | None:
    """Read the bounds of an integral; None if there are none."""
    found: dict[str, sp.Expr] = {}
    while reader.next_is(Kind.SCRIPT):
        mark = reader.take()
        inside = [token.text for token in reader.tokens[reader.at : reader.at + 3]]
        if mark.text == "_" and inside[:1] == ["mathbb{R}"]:
            reader.at += 1
            found.update({"_": -sp.oo, "^": sp.oo})
        elif mark.text == "_" and inside == ["{", "mathbb{R}", "}"]:
            reader.at += 3
            found.update({"_": -sp.oo, "^": sp.oo})
        else:
            found[mark.text] = reader.script()
    if not found:
        return None
    if set(found) != {"_", "^"}:
        raise reader.error("one bound of an integral alone", "\\int_a^b")
    return found["_"], found["^"]


def _differential(reader: Reader) -> tuple[int, bool] | None:
    """Find the differential that belongs to an integral: its index, and whether it is inside.

    Inside means in the numerator of a fraction.
    """
    depth, pending = 0, 0
    for index in range(reader.at, reader.end):
        token = reader.tokens[index]
        if token.kind in (Kind.OPEN, Kind.GROUP, Kind.BEGIN):
            depth += 1
        elif token.kind in (Kind.CLOSE, Kind.END_GROUP, Kind.END):
            depth -= 1
            if depth < 0:
                break
        elif depth == 0 and token.kind is Kind.COMMAND and token.text == "int":
            pending += 1
        elif depth == 0 and _is_differential(reader, index):
            if pending == 0:
                return index, False
            pending -= 1
    return _inside_fraction(reader)


def _inside_fraction(reader: Reader) -> tuple[int, bool] | None:
    depth, numerators = 0, set[int]()
    for index in range(reader.at, reader.end):
        token = reader.tokens[index]
        if token.kind is Kind.COMMAND and token.text == "frac" and depth == 0:
            numerators.add(index + 1)
        depth += token.kind is Kind.GROUP
        depth -= token.kind is Kind.END_GROUP
        if depth < 0:
            break
        if depth == 1 and numerators and _is_differential(reader, index):
            return index, True
    return None


def _is_differential(reader: Reader, index: int) -> bool:
    token = reader.tokens[index]
    follower = reader.tokens[index + 1] if index + 1 < reader.end else None
    mark = token.kind is Kind.NAME and (token.text == "d" or token.text in _GAUSSIAN)
    named = follower is not None and follower.kind is Kind.NAME
    return mark and named and not reader.is_bound(token.text)


# --- sums, products, limits ---------------------------------------------------------------------


def _series(kind: type[sp.Expr]) -> Callable[[Reader], sp.Expr]:
    def read(reader: Reader) -> sp.Expr:
        sign = reader.peek(-1)
        hint = f"\\{sign.text}_{{k=0}}^{{n}}"
        reader.order_scripts(reader.at)
        if not reader.skip(Kind.SCRIPT, "_") or not reader.skip(Kind.GROUP):
            raise reader.error("an index with its first value is missing", hint)
        name = reader.take()
        if name.kind is not Kind.NAME or not reader.skip(Kind.RELATION, "="):
            raise reader.error("an index with its first value is missing", hint, name)
        low = reader.sum()
        reader.expect(Kind.END_GROUP, "}", hint)
        if not reader.skip(Kind.SCRIPT, "^"):
            raise reader.error("the last value of an index is missing", hint)
        high = reader.script()
        index = sp.Symbol(sympy_name(name.text), integer=True, **_sign_of(low))
        with reader.scope(**{name.text: index}):
            return kind(reader.term(), (index, low, high))

    return read


def _sign_of(low: sp.Expr) -> dict[str, bool]:
    """Sign of an index that begins at a value."""
    if low.is_positive:
        return {"positive": True}
    return {"nonnegative": True} if low.is_nonnegative else {}


def limit(reader: Reader) -> sp.Expr:
    r"""Read a limit after `\lim`."""
    hint = "\\lim_{x \\to 0}"
    if not reader.skip(Kind.SCRIPT, "_") or not reader.skip(Kind.GROUP):
        raise reader.error("a limit without its variable", hint)
    name = reader.take()
    if name.kind is not Kind.NAME or not (
        reader.skip(Kind.COMMAND, "to") or reader.skip(Kind.RELATION, "Rightarrow")
    ):
        raise reader.error("a limit without its variable", hint, name)
    side, end = _side(reader)
    with reader.until(end):
        target = reader.sum()
    reader.at = _closing(reader, end) + 1
    bound = reader.value_of(name.text) if reader.is_bound(name.text) else None
    own = bound.assumptions0 if isinstance(bound, sp.Symbol) else {"real": True}
    variable = sp.Symbol(sympy_name(name.text), **own)
    with reader.scope(**{name.text: variable}):
        return sp.Limit(reader.term(), variable, target, side)


def _closing(reader: Reader, start: int) -> int:
    """Index of the brace that closes the group around a position."""
    depth = 0
    for index in range(start, reader.end):
        kind = reader.tokens[index].kind
        if kind is Kind.END_GROUP and depth == 0:
            return index
        depth += (kind is Kind.GROUP) - (kind is Kind.END_GROUP)
    raise reader.error("a limit without its target", "\\lim_{x \\to 0}")


def _side(reader: Reader) -> tuple[str, int]:
    """Find the side of a limit, 0^+ or 0^-, and where its target ends."""
    index, depth = reader.at, 0
    while index < reader.end:
        token = reader.tokens[index]
        if token.kind is Kind.END_GROUP and depth == 0:
            return "+-" if _two_sided(reader, index) else "+", index
        depth += (token.kind is Kind.GROUP) - (token.kind is Kind.END_GROUP)
        if token.kind is Kind.SCRIPT and depth == 0:
            after = [t for t in reader.tokens[index + 1 : index + 3] if t.kind is not Kind.GROUP]
            if after and after[0].kind is Kind.OPERATOR and after[0].text in "+-":
                return after[0].text, index
        index += 1
    raise reader.error("a limit without its target", "\\lim_{x \\to 0}")


def _two_sided(reader: Reader, index: int) -> bool:
    """Whether the target is a finite point, approached from both sides."""
    return all(token.text != "infty" for token in reader.tokens[reader.at : index])


PREFIX: dict[str, Callable[[Reader], sp.Expr]] = {
    "int": integral,
    "sum": _series(sp.Sum),
    "prod": _series(sp.Product),
    "lim": limit,
}
"""Signs that stand before what they act on."""


# --- derivatives --------------------------------------------------------------------------------


def is_derivative(reader: Reader) -> bool:
    """Whether a fraction is d/dx or ∂/∂x, its sign read already."""
    token = reader.peek(1) if reader.next_is(Kind.GROUP) else reader.peek()
    return _is_d(reader, token) and reader.at + 1 != reader.differential


def _is_d(reader: Reader, token: Token) -> bool:
    if token.kind is Kind.COMMAND and token.text == "partial":
        return True
    return token.kind is Kind.NAME and token.text == "d" and not reader.is_bound("d")


def derivative(reader: Reader) -> sp.Expr:
    r"""Read a derivative: \frac{d}{dx} f, \frac{d^2 f}{dx^2}, \frac{\partial f}{\partial x}."""
    start = reader.peek()
    reader.expect(Kind.GROUP, "{", "\\frac{d}{dx}")
    reader.take()
    total = _count(reader)
    value = None if reader.next_is(Kind.END_GROUP) else reader.term()
    reader.expect(Kind.END_GROUP, "}", "\\frac{d f}{dx}")
    reader.expect(Kind.GROUP, "{", "\\frac{d}{dx}")
    variables: list[tuple[sp.Symbol, int]] = []
    while not reader.next_is(Kind.END_GROUP):
        if not _is_d(reader, reader.take()):
            raise reader.error("a derivative by what is no variable", "\\frac{d}{dx}", start)
        token = reader.peek()
        name, length = reader.longest_bound()
        variable = reader.value_of(name) if name else None
        if not isinstance(variable, sp.Symbol):
            raise reader.error(f"a derivative by {token.text}", "bind it as a symbol", token)
        reader.at += length
        variables.append((variable, _count(reader)))
    reader.take()
    if sum(count for _, count in variables) != total:
        raise reader.error("the orders of a derivative differ", "\\frac{d^2}{dx^2}", start)
    if value is None:
        value = reader.term()
    for variable, _ in variables:
        if variable not in value.free_symbols:
            hint = f"bind what depends on {variable} as a function of it, f({variable}) := …"
            raise reader.error(f"a derivative of what does not contain {variable}", hint, start)
    return sp.diff(value, *variables)


def _count(reader: Reader) -> int:
    """Read the order of a derivative."""
    if not reader.skip(Kind.SCRIPT, "^"):
        return 1
    token = reader.peek()
    count = reader.script()
    if not (count.is_Integer and 1 <= count <= _MAX_ORDER):
        raise reader.error("the order of a derivative", f"from 1 to {_MAX_ORDER}", token)
    return int(count)


def evaluated(reader: Reader, value: sp.Expr) -> sp.Expr:
    r"""Put values in: \left. f \right|_{q = 1}."""
    hint = "\\left. f \\right|_{q = 1}"
    if not reader.skip(Kind.SCRIPT, "_") or not reader.skip(Kind.GROUP):
        raise reader.error("values are missing after the bar", hint)
    put: dict[sp.Symbol, sp.Expr] = {}
    while True:
        token = reader.peek()
        name, length = reader.longest_bound()
        symbol = reader.value_of(name) if name else None
        if not isinstance(symbol, sp.Symbol):
            raise reader.error(f"{token.text} is no symbol to put a value for", hint, token)
        reader.at += length
        reader.expect(Kind.RELATION, "=", hint)
        put[symbol] = reader.sum()
        if not reader.skip(Kind.COMMA):
            break
    reader.expect(Kind.END_GROUP, "}", hint)
    try:
        return reader.bounded(substituted(value, put))
    except ParseError:
        raise
    except InputError as error:
        raise reader.error(str(error), hint) from None


# --- orders -------------------------------------------------------------------------------------


def order(reader: Reader) -> sp.Expr:
    """Read an order term O(z^3), or O(1/L) as L grows."""
    token = reader.take()
    value = reader.bracketed()
    symbols = value.free_symbols
    if len(symbols) != 1:
        raise reader.error("an order in several variables, or none", "O(z^3)", token)
    (variable,) = symbols
    constant, power = value.as_independent(variable, as_Add=False)
    degree = power.as_base_exp()[1] if power.as_base_exp()[0] == variable else None
    if degree is None or not degree.is_number or constant.is_zero:
        raise reader.error("an order that is no power", "O(z^3)", token)
    return sp.Order(power, (variable, sp.S.Zero if degree.is_positive else sp.oo))
