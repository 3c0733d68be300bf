"""Any expression of ours as a compiled NumPy ufunc, at once.

>>> import sympy as sp
>>> from freejac.symbolic.symbols import q
>>> compile_expression(sp.sqrt(q) / 2, [q])([4.0, 9.0])
array([1. , 1.5])
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import mpmath
import numpy as np
import sympy as sp

from freejac.codegen.filling import preamble, template
from freejac.codegen.kernel_block import kernel_block
from freejac.codegen.load import load_text
from freejac.codegen.names import code_name
from freejac.codegen.printer import source
from freejac.codegen.quadrature_view import quadrature_view
from freejac.codegen.spec import Argument, Base
from freejac.codegen.stable import stabilise
from freejac.symbolic.domain import exact
from freejac.symbolic.errors import Error, InputError, NotConvergedError
from freejac.symbolic.expectation import Expectation
from freejac.symbolic.quadrature import gaussian_mean

__all__ = ["compile_expression"]

_FINEST = "0.015625"
_AGREEMENT = 1e-9
_TRIALS = ((0.6, 1.7, 0.9, 1.3), (2.5, 0.3, 1.9, 0.7), (0.1, 5.0, 0.2, 3.0))


def compile_expression(expr: sp.Expr, args: Sequence[sp.Symbol]) -> Callable[..., Any]:
    """Compile an expression, which may contain unevaluated Gaussian expectations.

    Args:
        expr: a SymPy expression in the functions that kernels know.
        args: the symbols that become arguments, in order; every free symbol is among them.

    Returns:
        A NumPy ufunc of doubles: scalars and arrays, broadcasting.

    Raises:
        InputError: a symbol is not among the arguments, or a function has no code.
        Error: the kernel disagrees with mpmath at a trial point: the expression cancels so badly
            that double precision does not carry it.
    """
    expr, args = exact("what is compiled", expr), tuple(args)
    _require_arguments(expr, args)
    expectations = sorted(expr.atoms(Expectation), key=sp.default_sort_key)
    safe = _safe_names(args, expectations)
    inner = sorted({s for e in expectations for s in e.args[0].free_symbols & set(args)}, key=str)
    means = {e: sp.Symbol(f"mean_{i + 1}", real=True) for i, e in enumerate(expectations)}
    view = _view(expr, args, means, inner, safe)
    text = template("expression.py.jinja", module=view)
    kernel: Callable[..., Any] = load_text(text).value
    _compare(expr, args, means, kernel)
    return kernel


def _require_arguments(expr: sp.Expr, args: tuple[sp.Symbol, ...]) -> None:
    if not args or not all(isinstance(a, sp.Symbol) for a in args) or len(set(args)) < len(args):
        raise InputError("args is a sequence of different symbols, at least one: [freejac.q]")
    missing = sorted(str(s) for s in expr.free_symbols - set(args))
    if missing:
        raise InputError(f"add {', '.join(missing)} to args: the expression depends on it")


def _safe_names(
    args: Iterable[sp.Symbol], expectations: Iterable[Expectation]
) -> dict[sp.Symbol, sp.Symbol]:
    """Symbols as they stand in the code; integrands use q and x themselves."""
    inside = set().union(*(e.args[0].free_symbols for e in expectations)) if expectations else set()
    safe = {}
    for symbol in args:
        name = code_name(symbol.name)
        if symbol in inside and name in {"q", "x"}:
            name = f"p_{name}"
        safe[symbol] = sp.Symbol(name, **symbol.assumptions0)
    return safe


def _view(
    expr: sp.Expr,
    args: tuple[sp.Symbol, ...],
    means: dict[Expectation, sp.Symbol],
    inner: list[sp.Symbol],
    safe: dict[sp.Symbol, sp.Symbol],
) -> dict[str, Any]:
    """Context of the template."""
    names = [safe[a].name for a in args]
    parameters = tuple(Argument(safe[s].name, "", "", "") for s in inner)
    rest = "".join(f", {p.name}" for p in parameters)
    bases, calls = [], []
    for number, (expectation, symbol) in enumerate(means.items(), 1):
        function = expectation.integrand.subs(safe)
        if function.deltas:
            raise InputError(f"{expectation} holds a Dirac delta; expand it with freejac.expect")
        bases.append(Base(f"_f_{number}", "Return an integrand; x is not a breakpoint.", function))
        variance = source(stabilise(expectation.variance.subs(safe, simultaneous=True)))
        calls.append(
            {"name": symbol.name, "value": f"_gaussian_mean(_F_{number}, {variance}{rest})"}
        )
    rule = None
    if bases:
        terms = [(base.name.upper(), base.name, 1) for base in bases]
        rule = quadrature_view(bases, terms, parameters, _FINEST)
    plain = expr.xreplace(means).subs(safe, simultaneous=True)
    block = kernel_block(plain, [*names, *(m.name for m in means.values())])
    text = "\n".join([*block.lines, block.result, *(c["value"] for c in calls)])
    for base in rule["bases"] if rule else ():
        text += "\n".join(line for p in base["pieces"] for line in (*p.block.lines, p.block.result))
    kernel = {
        "name": "value",
        "equation": "Return the expression's value",
        "call": ", ".join(names),
        "inputs": names,
        "scales": (),
        "straight": False,
        "block": block,
        "details": ["Args:", *(f"    {name}: a double." for name in names)],
    }
    return {
        "intro": [f"Arguments: {', '.join(map(str, args))}."],
        "quadrature": rule,
        **preamble(text, always_math=rule is not None, always_numpy=rule is not None),
        "kernels": [kernel],
        "means": calls,
    }


def _compare(
    expr: sp.Expr,
    args: tuple[sp.Symbol, ...],
    means: dict[Expectation, sp.Symbol],
    kernel: Callable[..., Any],
) -> None:
    """Compare with mpmath at the trial points at which the expression is real and finite."""
    plain = sp.lambdify([*args, *means.values()], expr.xreplace(means), "mpmath")
    for trial in _TRIALS:
        point = {a: _admissible(a, trial[i % len(trial)]) for i, a in enumerate(args)}
        try:
            with mpmath.workdps(60):
                inner = [_mean_value(e, point) for e in means]
                expected = plain(*(mpmath.mpf(v) for v in point.values()), *inner)
        except (ZeroDivisionError, ValueError, OverflowError, NotConvergedError):
            continue  # The trial point is outside the expression's domain.
        if not isinstance(expected, mpmath.mpf | int) or not mpmath.isfinite(expected):
            continue
        with np.errstate(all="ignore"):
            value = float(kernel(*point.values()))
        if not abs(value - expected) <= _AGREEMENT * max(abs(expected), mpmath.mpf("1e-300")):
            where = ", ".join(f"{a} = {v:g}" for a, v in point.items())
            raise Error(
                f"the compiled kernel gives {value:.17g} instead of {mpmath.nstr(expected, 17)} at "
                f"{where}: the expression cancels in double precision; rewrite it"
            )


def _mean_value(expectation: Expectation, point: dict[sp.Symbol, float]) -> mpmath.mpf:
    numbers = {s: sp.Rational(v) for s, v in point.items()}
    function = expectation.integrand
    variance = expectation.variance.subs(numbers)
    inside = {s: v for s, v in numbers.items() if s in function.free_symbols}
    return gaussian_mean(function, variance, 30, inside)


def _admissible(symbol: sp.Symbol, value: float) -> float:
    """Move a trial value to where the symbol's assumptions hold."""
    if symbol.is_integer:
        value = float(np.ceil(value))
    return -value if symbol.is_negative or symbol.is_nonpositive else value
