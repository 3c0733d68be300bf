r"""What the names of a LaTeX formula mean: symbols, values, functions and random variables.

A name is known only if it was bound. Keys are names with their scripts in one form: `sigma_w`,
`q^*`, `M^-1`.

>>> names = Names()
>>> names.bind_symbol("q", positive=True)
>>> names.bind_activation("phi", "relu")
>>> names.functions["phi"](names.symbols["q"] - 1), names.functions["phi"].derivative(2)
(Max(0, q - 1), DiracDelta(x))
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

import sympy as sp

from freejac.symbolic import symbols as shared
from freejac.symbolic.activation import activation
from freejac.symbolic.errors import InputError
from freejac.symbolic.expectation import Expectation
from freejac.symbolic.functions import Phi, sigmoid, softplus

__all__ = ["KNOWN", "MANY", "FunctionName", "Names", "Random", "substituted", "sympy_name"]

MANY = 12
"""Most arguments of max and min."""

_MAX_ORDER = 10

KNOWN: Mapping[str, Callable[..., sp.Expr]] = {
    "exp": sp.exp,
    "log": sp.log,
    "ln": sp.log,
    "sin": sp.sin,
    "cos": sp.cos,
    "tan": sp.tan,
    "cot": sp.cot,
    "sinh": sp.sinh,
    "cosh": sp.cosh,
    "tanh": sp.tanh,
    "coth": sp.coth,
    "arcsin": sp.asin,
    "arccos": sp.acos,
    "arctan": sp.atan,
    **dict.fromkeys(("arsinh", "asinh"), sp.asinh),
    **dict.fromkeys(("arcosh", "acosh"), sp.acosh),
    **dict.fromkeys(("artanh", "atanh"), sp.atanh),
    "asin": sp.asin,
    "acos": sp.acos,
    "atan": sp.atan,
    "erf": sp.erf,
    "erfc": sp.erfc,
    "erfi": sp.erfi,
    "sign": sp.sign,
    "sgn": sp.sign,
    "sigmoid": sigmoid,
    "softplus": softplus,
    "relu": lambda u: sp.Max(0, u),
    "ReLU": lambda u: sp.Max(0, u),
    "Re": sp.re,
    "Im": sp.im,
    "Phi": Phi,
    "Gamma": sp.gamma,
}
"""Functions of one argument that need no binding."""


@dataclass(frozen=True)
class FunctionName:
    """A function that a name stands for.

    Attributes:
        name: the key it is bound to.
        arguments: the formal arguments, distinct symbols.
        body: its value in them.
        derivatives: for a function of one argument, its derivatives as distributions, if they are
            more than the derivative of the body.
    """

    name: str
    arguments: tuple[sp.Symbol, ...]
    body: sp.Expr
    derivatives: Callable[[int], sp.Expr] | None = None

    def __call__(self, *values: sp.Expr) -> sp.Expr:
        """Value at expressions."""
        return substituted(self.body, dict(zip(self.arguments, values, strict=True)))

    def derivative(self, order: int) -> sp.Expr:
        """The derivative of the given order, in the one formal argument."""
        if self.derivatives is not None:
            return self.derivatives(order)
        return sp.diff(self.body, self.arguments[0], order)

    def slope_at(self, order: int, value: sp.Expr) -> sp.Expr:
        """The derivative of the given order at an expression."""
        if not 0 <= order <= _MAX_ORDER:
            raise InputError(f"derivatives are read up to order {_MAX_ORDER}")
        return substituted(self.derivative(order), {self.arguments[0]: value})


def substituted(body: sp.Expr, values: Mapping[sp.Symbol, sp.Expr]) -> sp.Expr:
    """Put values for symbols, all at once.

    Raises:
        InputError: a value contains a bound variable of the body: of an integral, a sum, a limit,
            or x, that of every expectation. It would be taken for the other.

    >>> substituted(shared.q**2, {shared.q: shared.q + 1})
    (q + 1)**2
    """
    binders = body.atoms(Expectation, sp.Integral, sp.Sum, sp.Product, sp.Limit)
    bound = {symbol for binder in binders for symbol in _bound_by(binder)}
    for symbol in sorted(bound, key=str):
        if any(symbol in value.free_symbols for value in values.values()):
            raise InputError(f"{symbol} is a bound variable in it; use another letter")
    return body.subs(dict(values), simultaneous=len(values) > 1)


def _bound_by(binder: sp.Expr) -> Sequence[sp.Symbol]:
    return [binder.args[1]] if isinstance(binder, sp.Limit) else binder.bound_symbols


@dataclass(frozen=True)
class Random:
    """A centred normal variable: the symbol that stands for it, and its variance."""

    symbol: sp.Symbol
    variance: sp.Expr


@dataclass
class Names:
    """Everything that is bound.

    Attributes:
        symbols: free symbols with their assumptions.
        values: names that stand for an expression.
        functions: names that take arguments.
        random: normal variables, over which an expectation is taken.
        conditions: what holds beside the assumptions of the symbols.
        standard: names that have their meaning from `bind_standard`, which any other replaces.
    """

    symbols: dict[str, sp.Symbol] = field(default_factory=dict)
    values: dict[str, sp.Expr] = field(default_factory=dict)
    functions: dict[str, FunctionName] = field(default_factory=dict)
    random: dict[str, Random] = field(default_factory=dict)
    conditions: list[sp.Basic] = field(default_factory=list)
    standard: set[str] = field(default_factory=set)

    def __contains__(self, name: str) -> bool:
        return any(name in table for table in self._tables())

    def _tables(self) -> tuple[Mapping[str, object], ...]:
        return self.symbols, self.values, self.functions, self.random

    def _require_free(self, name: str) -> None:
        if name in self.standard:
            self.standard.remove(name)
            symbol = self.symbols.pop(name)
            self.conditions = [c for c in self.conditions if symbol not in c.free_symbols]
        elif name in self:
            raise InputError(f"{name} is bound already; a name means one thing in a document")

    def bind_symbol(self, name: str, **assumptions: bool) -> None:
        """Bind a free symbol.

        Raises:
            InputError: the name is bound already.
        """
        self._require_free(name)
        self.symbols[name] = sp.Symbol(sympy_name(name), **assumptions)

    def bind_standard(self) -> None:
        """Bind the shared symbols of `docs/notation.md`, with −1 ≤ c ≤ 1 and p ≤ 1.

        Names that are bound keep their meaning, and a later binding replaces a standard one.

        >>> names = Names()
        >>> names.bind_standard()
        >>> names.conditions
        [c >= -1, c <= 1, p <= 1]
        """
        ranges = {shared.c: (shared.c >= -1, shared.c <= 1), shared.p: (shared.p <= 1,)}
        for symbol in _standard():
            if symbol.name not in self:
                self.symbols[symbol.name] = symbol
                self.standard.add(symbol.name)
                self.conditions += ranges.get(symbol, ())

    def bind_value(self, name: str, value: sp.Expr) -> None:
        """Let a name stand for an expression.

        Raises:
            InputError: the name is bound already.
        """
        self._require_free(name)
        self.values[name] = value

    def bind_function(self, name: str, arguments: Sequence[sp.Symbol], body: sp.Expr) -> None:
        """Let a name with arguments stand for an expression.

        Raises:
            InputError: the name is bound already.
        """
        self._require_free(name)
        self.functions[name] = FunctionName(name, tuple(arguments), body)

    def bind_activation(self, name: str, text: str) -> None:
        """Let a name stand for an activation: of the library, or an expression in x as text.

        Its parameters are the bound symbols of their names.

        Raises:
            ParseError: the text is not in the grammar.
            InputError: the name is bound already, or a parameter is not bound.

        >>> names = Names()
        >>> names.bind_symbol("a", negative=True)
        >>> names.bind_activation("phi", "leaky_relu(a)")
        >>> names.functions["phi"](names.symbols["a"])
        a**2
        """
        self._require_free(name)
        positive = [key for key, symbol in self.symbols.items() if symbol.is_positive]
        phi = activation(text, positive=positive)
        unknown = [symbol.name for symbol in phi.parameters if symbol.name not in self.symbols]
        if unknown:
            hint = f"bind it: symbols {unknown[0]} > 0; or give a value, elu(1)"
            raise InputError(f"the parameter {unknown[0]} of {text} is not bound ({hint})")
        ours = {symbol: self.symbols[symbol.name] for symbol in phi.parameters}
        self.functions[name] = FunctionName(
            name,
            (shared.x,),
            phi.expr.xreplace(ours),
            lambda order: phi.derivative(order).xreplace(ours),
        )

    def bind_random(self, name: str, variance: sp.Expr) -> None:
        """Let a name stand for a centred normal variable.

        Raises:
            InputError: the name is bound already.
        """
        self._require_free(name)
        self.random[name] = Random(sp.Symbol(sympy_name(name), real=True), variance)


@cache
def _standard() -> tuple[sp.Symbol, ...]:
    found = (getattr(shared, name) for name in shared.__all__)
    return tuple(value for value in found if isinstance(value, sp.Symbol))


def sympy_name(name: str) -> str:
    """Name of the SymPy symbol for a key: braces of scripts are not part of it.

    >>> sympy_name("mathcal{G}_rho")
    'mathcalG_rho'
    """
    return name.replace("{", "").replace("}", "")
