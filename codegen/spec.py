"""What a kernel is, as data: names, domain, definition, closed form, source.

A `Module` becomes one file in `generated/`. Decimal texts ("1e-12") stand for numbers wherever a
number is printed, so that no file depends on how a platform writes a double.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import sympy as sp

from freejac.codegen.dual_spec import DualCode
from freejac.symbolic.piecewise import PiecewiseFunction

__all__ = [
    "Argument",
    "Base",
    "Derived",
    "Dual",
    "Formula",
    "Kernel",
    "Mean",
    "Module",
    "Sampled",
    "Solver",
]


@dataclass(frozen=True)
class Argument:
    """An argument of a kernel and the closed interval on which it is promised to work.

    Attributes:
        name: its name in the code and in expressions.
        meaning: a few words.
        low, high: ends of the interval, as decimal text.
        logarithmic: whether samples are spread evenly in the logarithm.
        several: whether it is an array of such numbers.
    """

    name: str
    meaning: str
    low: str
    high: str
    logarithmic: bool = True
    several: bool = False


@dataclass(frozen=True)
class Base:
    """A function of x that integrands are powers of: φ or φ′."""

    name: str
    summary: str
    function: PiecewiseFunction


@dataclass(frozen=True)
class Mean:
    """The kernel E[f(√q z)^power], z standard normal.

    Attributes:
        name: function name.
        equation: what it computes, for the reader.
        base: name of the base f.
        power: exponent.
        closed: closed form in q and the parameters, or None.
        conditioned: whether its errors are taken relative to |F| + |q F′|: its zeros depend on
            parameters, or it falls like exp(−a/q) as q → 0.
    """

    name: str
    equation: str
    base: str
    power: int
    closed: sp.Expr | None
    conditioned: bool = False


@dataclass(frozen=True)
class Derived:
    """A kernel that is an expression in another kernel of the module.

    Attributes:
        name: function name.
        equation: what it computes, for the reader.
        of: name of the kernel it calls.
        outer: expression in the symbol of that name and in `extra`.
        extra: arguments besides q and the parameters.
    """

    name: str
    equation: str
    of: str
    outer: sp.Expr
    extra: tuple[Argument, ...]


@dataclass(frozen=True)
class Sampled:
    """A kernel that a template of its own writes, with the points at which it is checked.

    Attributes:
        name: function name.
        equation: what it computes, for the reader.
        arguments: in order.
        oracle: name of the reference in `codegen.oracle`.
    """

    name: str
    equation: str
    arguments: tuple[Argument, ...]
    oracle: str


@dataclass(frozen=True)
class Dual:
    """The kernel E[f(h₁)f(h₂)], h₁ and h₂ normal of one variance and a correlation.

    Attributes:
        name: function name.
        equation: what it computes, for the reader.
        base: name of the base f.
        arguments: q, c and the parameters.
        code: how it is evaluated.
        closed: closed form in q, c and the parameters, or None: it serves the cross-check.
    """

    name: str
    equation: str
    base: str
    arguments: tuple[Argument, ...]
    code: DualCode
    closed: sp.Expr | None = None


@dataclass(frozen=True)
class Solver:
    """A function that solves equations in other kernels of its module, and returns several arrays.

    Attributes:
        name: function name.
        equation: what it computes, for the reader.
        arguments: in order, without the parameters.
    """

    name: str
    equation: str
    arguments: tuple[Argument, ...]


@dataclass(frozen=True)
class Formula:
    """An expression that a hand-laid template prints under a name."""

    name: str
    expr: sp.Expr


Kernel: TypeAlias = Mean | Derived | Sampled | Dual | Solver


@dataclass(frozen=True)
class Module:
    """One generated file.

    Attributes:
        name: module name.
        title: first line of its docstring.
        subject: what it is about, in a line of its own; "" for nothing.
        template: file in `codegen/templates`.
        kernels: what it offers, in order.
        tolerance: the worst relative error with which it is accepted.
        source: papers and equations.
        variable: the argument q of the means.
        parameters: further arguments of every kernel, after its own.
        bases: functions that integrands are powers of.
        formulas: expressions for the template.
        context: gives, with the module's record, what else the template needs.
    """

    name: str
    title: str
    template: str
    kernels: tuple[Kernel, ...]
    tolerance: float
    source: str
    subject: str = ""
    variable: Argument | None = None
    parameters: tuple[Argument, ...] = ()
    bases: tuple[Base, ...] = ()
    formulas: tuple[Formula, ...] = field(default=())
    context: Callable[[Module, Any], Mapping[str, Any]] | None = field(default=None, repr=False)

    def base(self, name: str) -> PiecewiseFunction:
        """The function of a base by its name."""
        return next(base.function for base in self.bases if base.name == name)

    @property
    def offered(self) -> tuple[Kernel, ...]:
        """The kernels that are public: in a module of solvers these alone."""
        solvers = tuple(k for k in self.kernels if isinstance(k, Solver))
        return solvers or self.kernels

    def arguments(self, kernel: Kernel) -> tuple[Argument, ...]:
        """Every argument of a kernel, in order."""
        if isinstance(kernel, Sampled | Dual):
            return kernel.arguments
        if isinstance(kernel, Solver):
            return (*kernel.arguments, *self.parameters)
        own = (self.variable,) if self.variable else ()
        extra = kernel.extra if isinstance(kernel, Derived) else ()
        return (*own, *extra, *self.parameters)
