r"""Directives of a note: what binds its names, and what is said of its next formula.

>>> names = Names()
>>> obey("symbols q > 0, c in (-1, 1], n integer >= 2", names)
>>> names.symbols["n"].is_integer, names.conditions
(True, [c > -1, c <= 1, n >= 2])
>>> obey("phi := relu", names)
>>> obey("S(z) := \\frac{1}{1+z}", names)
>>> sorted(names.functions)
['S', 'phi']
"""

from __future__ import annotations

import re
from collections.abc import Callable

import sympy as sp

from freejac.symbolic import library
from freejac.symbolic.errors import InputError, ParseError
from freejac.symbolic.latex_cases import relations
from freejac.symbolic.latex_commands import GREEK, Kind
from freejac.symbolic.latex_definitions import read_definition
from freejac.symbolic.latex_expressions import Reader, read_expression
from freejac.symbolic.latex_means import normal_variance
from freejac.symbolic.latex_names import Names
from freejac.symbolic.latex_tokens import tokenize
from freejac.symbolic.parsing import call_parts

__all__ = ["DIRECTIVES", "obey", "read_condition"]

_ASSUMPTIONS: dict[str, dict[str, bool]] = {
    "real": {"real": True},
    "complex": {},
    "integer": {"integer": True},
    "positive": {"positive": True},
    "negative": {"negative": True},
    "nonnegative": {"nonnegative": True},
}
_RELATIONS = {
    **dict.fromkeys((">",), sp.Gt),
    **dict.fromkeys((">=", "≥", "\\ge", "\\geq"), sp.Ge),
    **dict.fromkeys(("<",), sp.Lt),
    **dict.fromkeys(("<=", "≤", "\\le", "\\leq"), sp.Le),
}
_SYMBOL = re.compile(
    r"(?P<name>\S.*?)\s*(?:(?<![\w\\])(?P<kind>real|complex|integer|positive|negative|nonnegative)\b)?"
    r"\s*(?:(?P<relation>>=|<=|>|<|≥|≤|\\geq?\b|\\leq?\b)\s*(?P<bound>.+)"
    r"|(?:\\in\b|\bin\b)\s*(?P<open>[(\[])(?P<low>[^,]+),(?P<high>[^,]+)(?P<close>[)\]]))?\s*"
)
_PLAIN_NAME = re.compile(r"(?<![\\A-Za-z{])[A-Za-z]{2,}(?![A-Za-z}])")


def obey(text: str, names: Names) -> None:
    r"""Bind names as a directive says.

    Args:
        text: `symbols q > 0, z complex`, `symbols standard`, `functions f, g`,
            `random z ~ N(0, 1)`, `assume p \le 1`, `activation phi := x*Phi(x)`, or a definition:
            `phi := relu`, `S(z) := …`.
        names: what is bound; added to.

    Raises:
        InputError: the directive cannot be read, or a name is bound already.
    """
    word, _, rest = text.partition(" ")
    if ":=" in text and word != "activation":
        _define(text, names)
    elif word in DIRECTIVES:
        DIRECTIVES[word](rest.strip(), names)
    else:
        known = ", ".join((*DIRECTIVES, "NAME := VALUE", "define", "skip", "for", "expect"))
        raise InputError(f"unknown directive '{word}' (there are {known})")


def _named(text: str) -> str:
    r"""Plain words as LaTeX names: sigma_w as \sigma_w, cumulant as \mathrm{cumulant}."""

    def command(match: re.Match[str]) -> str:
        word = match[0]
        return f"\\{word}" if word in GREEK else f"\\mathrm{{{word}}}"

    return _PLAIN_NAME.sub(command, text)


def _key(text: str) -> str:
    """The key of a name with its scripts."""
    latex = _named(text.strip())
    reader = Reader(latex, tokenize(latex), Names())
    if reader.peek().kind is not Kind.NAME:
        raise InputError(f"'{text}' is no name (a letter, with scripts: \\sigma_w, q^*)")
    reader.order_scripts(1)
    name, length = max(reader.spellings(), key=lambda spelling: spelling[1])
    reader.at += length
    if reader.peek().kind is not Kind.STOP:
        raise InputError(f"'{text}' is more than a name (a letter, with scripts: \\sigma_w, q^*)")
    return name


def _items(text: str) -> list[str]:
    """Split at commas outside brackets."""
    items, depth = [""], 0
    for character in text:
        depth += character in "([{"
        depth -= character in ")]}"
        if character == "," and depth == 0:
            items.append("")
        else:
            items[-1] += character
    return [item.strip() for item in items]


def _symbols(text: str, names: Names) -> None:
    for item in _intervals_kept(text):
        if item == "standard":
            names.bind_standard()
        else:
            _symbol(item, names)


def _intervals_kept(text: str) -> list[str]:
    """Items of a list in which half-open intervals hold commas."""
    return [part.strip() for part in re.split(r",(?![^(\[]*[)\]])", text)]


def _symbol(item: str, names: Names) -> None:
    match = _SYMBOL.fullmatch(item)
    if match is None or not (match["kind"] or match["relation"] or match["open"]):
        hint = "write q > 0, c in (-1, 1), n integer >= 1, a real or z complex"
        raise InputError(f"what is '{item}'? ({hint})")
    key = _key(match["name"])
    assumptions = dict(_ASSUMPTIONS[match["kind"] or "real"])
    limits: list[tuple[str, sp.Expr]] = []
    if match["relation"]:
        limits.append((match["relation"], read_expression(_named(match["bound"]), names)))
    if match["open"]:
        limits.append((">=" if match["open"] == "[" else ">", _bound(match["low"], names)))
        limits.append(("<=" if match["close"] == "]" else "<", _bound(match["high"], names)))
    for sign, value in limits:
        assumptions |= _sign(_RELATIONS[sign], value)
    if limits and not match["kind"] and "real" in assumptions and len(assumptions) > 1:
        del assumptions["real"]
    names.bind_symbol(key, **assumptions)
    conditions = (_RELATIONS[sign](names.symbols[key], value) for sign, value in limits)
    names.conditions += [c for c in conditions if c is not sp.true and _says_something(c)]


def _says_something(condition: sp.Basic) -> bool:
    """Whether a bound says anything: those at infinity do not."""
    return not condition.has(sp.oo, -sp.oo)


def _bound(text: str, names: Names) -> sp.Expr:
    return read_expression(_named(text.replace("oo", "\\infty")), names)


def _sign(relation: type[sp.Basic], bound: sp.Expr) -> dict[str, bool]:
    """The assumption on a symbol that a bound implies."""
    strict = relation in (sp.Gt, sp.Lt)
    if relation in (sp.Gt, sp.Ge) and bound.is_nonnegative:
        return {"positive": True} if strict or bound.is_positive else {"nonnegative": True}
    if relation in (sp.Lt, sp.Le) and bound.is_nonpositive:
        return {"negative": True} if strict or bound.is_negative else {"nonpositive": True}
    return {}


def _functions(text: str, names: Names) -> None:
    for item in _items(text):
        key = _key(item)
        argument = sp.Symbol("t", real=True)
        function = sp.Function(key.replace("{", "").replace("}", ""), real=True)
        names.bind_function(key, (argument,), function(argument))


def _random(text: str, names: Names) -> None:
    name, tilde, law = (part.strip() for part in re.sub(r"\\sim\b", "~", text).partition("~"))
    if not tilde:
        raise InputError(f"'{text}': write random z ~ N(0, 1), the second being the variance")
    latex = _named(law)
    names.bind_random(_key(name), normal_variance(Reader(latex, tokenize(latex), names)))


def _assume(text: str, names: Names) -> None:
    names.conditions += read_condition(text, names)


def read_condition(text: str, names: Names) -> list[sp.Basic]:
    r"""Read conditions, separated by commas.

    Raises:
        ParseError: one is not a comparison.

    >>> names = Names()
    >>> names.bind_standard()
    >>> read_condition("0 < p <= 1", names)
    [p <= 1]
    """
    found: list[sp.Basic] = []
    for part in _items(_named(text).replace("<=", "\\le ").replace(">=", "\\ge ")):
        reader = Reader(part, tokenize(part), names)
        found += relations(reader)
        reader.require_end()
    return [condition for condition in found if condition is not sp.true]


def _activation(text: str, names: Names) -> None:
    name, sign, body = text.partition(":=")
    if not sign:
        raise InputError(f"'{text}': write activation phi := x*Phi(x)")
    names.bind_activation(_key(name), body.strip())


def _define(text: str, names: Names) -> None:
    left, _, right = text.partition(":=")
    if library.resolve(call_parts(right)[0]) is not None and "(" not in left:
        names.bind_activation(_key(left), right.strip())
        return
    pattern, value = _named(left), _named(right)
    try:
        read_definition(pattern, tokenize(pattern), tokenize(value), names)
    except ParseError as error:
        raise InputError(f"'{text}': {error.reason}") from None


DIRECTIVES: dict[str, Callable[[str, Names], None]] = {
    "symbols": _symbols,
    "functions": _functions,
    "random": _random,
    "assume": _assume,
    "activation": _activation,
}
"""What binds names, by its first word."""
