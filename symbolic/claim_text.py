"""Claims given as text: the grammar of `freejac.symbolic.parsing`, its names bound to symbols.

In a claim `q`, `sigma_w` or `L` are the shared symbols, a few more functions are known than in an
activation, and exponents may be symbols. Text is never evaluated as Python.

>>> read_side("sigma_w**(2*L)*(p/2)^L", {})
sigma_w**(2*L)*(p/2)**L
>>> read_conditions("-1 < c <= 1", {})
(-1 < c, c <= 1)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

import lark
import sympy as sp

from freejac.symbolic import symbols as shared
from freejac.symbolic.bivariate_normal import OwenT, Phi2
from freejac.symbolic.errors import ParseError
from freejac.symbolic.grammar import CONSTANTS, FUNCTIONS, Function
from freejac.symbolic.parsing import Builder, syntax_tree
from freejac.symbolic.scaled import dawson, erfcx
from freejac.symbolic.symbols import parameter

__all__ = ["bound_names", "read_conditions", "read_side"]

_MORE_FUNCTIONS = {
    "asin": Function(sp.asin),
    "acos": Function(sp.acos),
    "tan": Function(sp.tan),
    "acosh": Function(sp.acosh),
    "atanh": Function(sp.atanh),
    "erfi": Function(sp.erfi),
    "erfcx": Function(erfcx),
    "dawson": Function(dawson),
    "gamma": Function(sp.gamma),
    "factorial": Function(sp.factorial),
    "binomial": Function(sp.binomial, "n, k", 2, 2),
    "LambertW": Function(sp.LambertW, "u, branch", 1, 2),
    "Phi2": Function(Phi2, "h, k, correlation", 3, 3),
    "OwenT": Function(OwenT, "h, a", 2, 2),
}
_RELATIONS = {"<": sp.Lt, "<=": sp.Le, ">": sp.Gt, ">=": sp.Ge, "==": sp.Eq, "!=": sp.Ne}
_SIGNS = re.compile(r"<=|>=|==|!=|<|>|=|≤|≥|≠")
_SAME = {"=": "==", "≤": "<=", "≥": ">=", "≠": "!="}


@cache
def _shared() -> dict[str, sp.Symbol]:
    found = (getattr(shared, name) for name in shared.__all__ if name != "RESERVED")
    return {symbol.name: symbol for symbol in found if isinstance(symbol, sp.Symbol)}


def bound_names(*exprs: sp.Basic) -> dict[str, sp.Symbol]:
    """Names of the symbols in some expressions, so that text can mean the same symbols."""
    found: dict[str, sp.Symbol] = {}
    for expr in exprs:
        for symbol in sorted(expr.atoms(sp.Symbol), key=sp.default_sort_key):
            found.setdefault(symbol.name, symbol)
    return found


def read_side(text: str, names: Mapping[str, sp.Symbol]) -> sp.Expr:
    """Read one side of a claim.

    Args:
        text: in the grammar.
        names: what some names mean; then come the shared symbols, and real parameters.

    Raises:
        ParseError: the text is not in the grammar.
    """
    tree = syntax_tree(text)
    builder = _ClaimBuilder(text, names)
    builder.measure(tree)
    return builder.value(tree.children[0])


def read_conditions(
    text: str, names: Mapping[str, sp.Symbol], *, evaluate: bool = True
) -> tuple[sp.Basic, ...]:
    """Read a condition such as "0 < p <= 1" or "a != 0"; several are separated by ";" or "and".

    Args:
        text: the conditions.
        names: what names mean, as for `read_side`.
        evaluate: whether to drop what the assumptions on the symbols say already.

    Raises:
        ParseError: it is not a comparison of expressions of the grammar.
    """
    found: list[sp.Basic] = []
    for part in re.split(r";|\band\b", text):
        signs, sides = _split(part)
        if not signs:
            hint = 'write "0 < p <= 1" or "n >= 2"'
            raise ParseError("a condition compares two sides", text=text, hint=hint)
        values = [read_side(side, names) for side in sides]
        for sign, left, right in zip(signs, values, values[1:], strict=False):
            found.append(_RELATIONS[_SAME.get(sign, sign)](left, right, evaluate=evaluate))
    return tuple(condition for condition in found if condition is not sp.true)


def _split(text: str) -> tuple[list[str], list[str]]:
    """Comparison signs outside brackets, and what stands between them."""
    depths, depth = [], 0
    for character in text:
        depth += (character == "(") - (character == ")")
        depths.append(depth)
    outside = [m for m in _SIGNS.finditer(text) if depths[m.start()] == 0]
    ends = [0, *(m.end() for m in outside)]
    starts = [*(m.start() for m in outside), len(text)]
    return [m.group() for m in outside], [text[a:b] for a, b in zip(ends, starts, strict=True)]


class _ClaimBuilder(Builder):
    """Builds what an activation may not contain: shared symbols, more functions, any exponent."""

    def __init__(self, text: str, names: Mapping[str, sp.Symbol]) -> None:
        super().__init__(text, frozenset())
        self.names = {**_shared(), **names}

    def name(self, token: lark.Token) -> sp.Expr:
        """Read a constant, a bound symbol, or a real parameter."""
        if token.value in self.names:
            return self.names[token.value]
        if token.value in CONSTANTS:
            return CONSTANTS[token.value]
        if token.value in FUNCTIONS or token.value in _MORE_FUNCTIONS:
            raise self.error(f"{token} is a function", token, f"write {token}(…)")
        return parameter(token.value)

    def power(self, node: lark.Tree) -> sp.Expr:
        """Raise to a power; its size is bounded where it is a number."""
        base, exponent = self.value(node.children[0]), self.value(node.children[2])
        if exponent.free_symbols:
            return base**exponent
        return super().power(node)

    def call(self, node: lark.Tree) -> sp.Expr:
        """Apply a function, of claims or of activations."""
        name, *arguments = node.children
        function = _MORE_FUNCTIONS.get(name.value)
        if function is None:
            return super().call(node)
        if not function.least <= len(arguments) <= function.most:
            raise self.error(f"wrong arguments for {name}", name, f"write {name}({function.usage})")
        return function.build(*(self.value(argument) for argument in arguments))

    def condition(self, node: lark.Tree | lark.Token, *, last: bool) -> sp.Basic:
        """Build a comparison, which may be about any symbols here."""
        if isinstance(node, lark.Tree) and node.data == "comparison":
            left, operator, right = node.children
            return _RELATIONS[operator.value](self.value(left), self.value(right))
        return super().condition(node, last=last)
