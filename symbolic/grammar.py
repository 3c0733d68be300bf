"""The text grammar: its rules, its names, and what they mean in SymPy.

>>> FUNCTIONS["clip"].build(sp.Integer(3), 0, 1)
1
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sympy as sp

from freejac.symbolic.functions import Phi, sigmoid, softplus

__all__ = [
    "BRANCHING",
    "COMPARISONS",
    "CONSTANTS",
    "FUNCTIONS",
    "FUNCTION_NAMES",
    "GRAMMAR",
    "KINKED",
    "OTHERWISE",
    "Function",
]

GRAMMAR = r"""
    start: _argument
    _argument: sum | comparison | pair
    pair: "(" _argument ("," _argument)+ ")"
    comparison: sum COMPARE sum
    ?sum: product (ADD product)*
    ?product: signed (MUL signed)*
    ?signed: ADD signed -> sign | power
    ?power: _atom | _atom POW signed
    _atom: NUMBER | NAME | call | group
    call: NAME "(" [_argument ("," _argument)*] ")"
    group: "(" (sum | comparison) ")"

    COMPARE: /<=|>=|<|>/
    ADD: /[+-]/
    POW.2: /\*\*|\^/
    MUL: /[*\/]/
    NUMBER: /([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?/
    NAME: /[A-Za-z][A-Za-z0-9_]*/
    %ignore /[ \t]+/
"""


@dataclass(frozen=True)
class Function:
    """A function of the grammar.

    Attributes:
        build: its meaning in SymPy.
        usage: its arguments as a hint shows them.
        least: fewest arguments.
        most: most arguments.
    """

    build: Callable[..., sp.Basic]
    usage: str = "u"
    least: int = 1
    most: int = 1


_MANY = 12  # SymPy compares the arguments of Max and Min pairwise

FUNCTIONS = {
    "sqrt": Function(sp.sqrt),
    "exp": Function(sp.exp),
    "log": Function(sp.log),
    "sin": Function(sp.sin),
    "cos": Function(sp.cos),
    "tanh": Function(sp.tanh),
    "sinh": Function(sp.sinh),
    "cosh": Function(sp.cosh),
    "atan": Function(sp.atan),
    "asinh": Function(sp.asinh),
    "erf": Function(sp.erf),
    "erfc": Function(sp.erfc),
    "Phi": Function(Phi),
    "sigmoid": Function(sigmoid),
    "softplus": Function(softplus),
    "relu": Function(lambda u: sp.Max(0, u)),
    "abs": Function(sp.Abs),
    "sign": Function(sp.sign),
    "step": Function(lambda u: sp.Heaviside(u, sp.S.Half)),
    "min": Function(sp.Min, "a, b, …", 2, _MANY),
    "max": Function(sp.Max, "a, b, …", 2, _MANY),
    "clip": Function(lambda u, low, high: sp.Min(sp.Max(u, low), high), "u, lower, upper", 3, 3),
}
"""Functions whose arguments are values. step(0) = 1/2, so that step is the mean of its limits."""

BRANCHING = {
    "where": Function(sp.Piecewise, "cond, a, b", 3, 3),
    "Piecewise": Function(sp.Piecewise, "(a, cond), …, (b, otherwise)", 1, 64),
}
"""Functions whose arguments contain conditions; `build` takes the cases."""

FUNCTION_NAMES = (*FUNCTIONS, *BRANCHING)
KINKED = frozenset({"relu", "abs", "min", "max", "clip"})
"""Functions whose arguments SymPy compares, at a cost that nesting multiplies."""

CONSTANTS = {"pi": sp.pi, "e": sp.E}
COMPARISONS = {"<": sp.Lt, "<=": sp.Le, ">": sp.Gt, ">=": sp.Ge}
OTHERWISE = frozenset({"True", "otherwise"})
"""What stands for the condition of the last case."""
