r"""Expectations in LaTeX formulas, over centred normal variables.

`\mathbb{E}[f]` and `\langle f\rangle` are means over the bound random variable in f;
`\mathbb{E}_{z \sim \mathcal{N}(0, q)}[f]` names its own.

>>> from freejac.symbolic.latex_expressions import read_expression
>>> from freejac.symbolic.latex_names import Names
>>> names = Names()
>>> names.bind_standard()
>>> read_expression(r"\mathbb{E}_{u \sim \mathcal{N}(0, q)}[\tanh(u)^2]", names)
Expectation(tanh(x)**2, q)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import sympy as sp
from sympy.core.relational import Relational

from freejac.symbolic.errors import Error
from freejac.symbolic.expectation import Expectation
from freejac.symbolic.latex_commands import Kind
from freejac.symbolic.latex_names import Random, sympy_name
from freejac.symbolic.latex_tokens import Token
from freejac.symbolic.piecewise import decompose
from freejac.symbolic.symbols import x

if TYPE_CHECKING:
    from freejac.symbolic.latex_expressions import Reader

__all__ = ["gaussian_mean", "mean", "mean_over_all", "normal_variance"]


def mean(reader: Reader) -> sp.Expr:
    r"""Read an expectation: \mathbb{E}[f], with \mathbb{E}_z or \mathbb{E}_{z \sim …} too."""
    sign = reader.take()
    variable = _named_variable(reader) if reader.skip(Kind.SCRIPT, "_") else None
    if not reader.next_is(Kind.OPEN, "[", "(", "{"):
        raise reader.error("an expectation without brackets", "\\mathbb{E}[…]", sign)
    bound = {} if variable is None else {variable[0]: variable[1].symbol}
    with reader.scope(**bound):
        value = reader.bracketed()
    if variable is None:
        return mean_over_all(reader, value, sign)
    return gaussian_mean(value, variable[1])


def _named_variable(reader: Reader) -> tuple[str, Random]:
    """Read which variable the mean is over, and its law unless it was bound."""
    braced = reader.skip(Kind.GROUP)
    token = reader.take()
    name = token.text
    if reader.skip(Kind.RELATION, "sim"):
        law = Random(sp.Symbol(sympy_name(name), real=True), normal_variance(reader))
    elif name in reader.names.random:
        law = reader.names.random[name]
    else:
        hint = f"write \\mathbb{{E}}_{{{name} \\sim \\mathcal{{N}}(0, 1)}}, or bind random {name}"
        raise reader.error(f"the law of {name} is not known", hint, token)
    if braced:
        reader.expect(Kind.END_GROUP, "}", "\\mathbb{E}_{z \\sim \\mathcal{N}(0, 1)}")
    return name, law


def normal_variance(reader: Reader) -> sp.Expr:
    r"""Read \mathcal{N}(0, variance)."""
    hint = "\\mathcal{N}(0, \\sigma^2), the second argument being the variance"
    token = reader.take()
    if token.text not in {"mathcal{N}", "N"}:
        raise reader.error("a law that is not normal", hint, token)
    reader.expect(Kind.OPEN, "(", hint)
    centre = reader.sum()
    reader.expect(Kind.COMMA, ",", hint)
    variance = reader.sum()
    reader.expect(Kind.CLOSE, "(", hint)
    if not centre.is_zero:
        raise reader.error("a normal law that is not centred", f"{hint}; shift the argument", token)
    if variance.is_nonpositive:
        raise reader.error("a variance that is not positive", hint, token)
    return variance


def mean_over_all(reader: Reader, value: sp.Expr, token: Token) -> sp.Expr:
    """Take the mean over the bound random variable that occurs."""
    found = [law for law in reader.names.random.values() if value.has(law.symbol)]
    if len(found) > 1:
        names = ", ".join(str(law.symbol) for law in found)
        hint = "name one at a time: \\mathbb{E}_u[\\mathbb{E}_v[…]]"
        raise reader.error(f"a mean over several variables ({names})", hint, token)
    if not found:
        hint = "bind it: random z ~ N(0, 1), or write \\mathbb{E}_{z \\sim \\mathcal{N}(0, 1)}"
        raise reader.error("a mean over no random variable", hint, token)
    return gaussian_mean(value, found[0])


def gaussian_mean(value: sp.Expr, law: Random) -> sp.Expr:
    """E[value] over a centred normal variable: an `Expectation` where it can be one.

    A common positive scale of the variable goes into the variance. Where x is a parameter, or the
    integrand cannot be split at its kinks, the integral against the density stays.

    >>> z = sp.Symbol("z", real=True)
    >>> q = sp.Symbol("q", positive=True)
    >>> gaussian_mean(sp.tanh(sp.sqrt(q) * z) * z, Random(z, sp.S.One))
    Expectation(x*tanh(x)/sqrt(q), q)
    """
    variable, variance = law.symbol, law.variance
    if not value.has(variable):
        return value
    for scale in _scales(value, variable):
        scaled = value.subs(variable, variable / scale)
        if len(scaled.free_symbols) <= len(value.free_symbols):
            value, variance = scaled, variance * scale**2
            break
    if x not in value.free_symbols - {variable}:
        integrand = value.xreplace({variable: x})
        try:
            decompose(integrand)
            return Expectation(integrand, variance)
        except Error:
            pass  # the integral below says the same
    density = sp.exp(-(variable**2) / (2 * variance)) / sp.sqrt(2 * sp.pi * variance)
    return sp.Integral(value * density, (variable, -sp.oo, sp.oo))


def _scales(value: sp.Expr, variable: sp.Symbol) -> Iterator[sp.Expr]:
    """Positive factors of the variable in the arguments of functions and in conditions."""
    seen = set()
    for call in sp.preorder_traversal(value):
        if isinstance(call, (sp.Function, sp.exp, sp.Max, sp.Min, Relational)):
            for argument in call.args:
                if not isinstance(argument, sp.Expr):
                    continue
                scale = argument.coeff(variable, 1)
                free = not scale.has(variable)
                if free and scale.is_positive and scale != 1 and scale not in seen:
                    seen.add(scale)
                    yield scale
