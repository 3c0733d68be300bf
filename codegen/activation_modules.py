"""Specifications of an activation's modules: its Gaussian means, and its duals."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import sympy as sp

from freejac.codegen.centres import centres, cut
from freejac.codegen.duals import dual_module
from freejac.codegen.names import code_name
from freejac.codegen.sound import soundly
from freejac.codegen.spec import Argument, Base, Derived, Kernel, Mean, Module
from freejac.symbolic.activation import Activation
from freejac.symbolic.errors import NoClosedForm
from freejac.symbolic.expectation import expect
from freejac.symbolic.mean_field import MeanField
from freejac.symbolic.piecewise import PiecewiseFunction
from freejac.symbolic.symbols import sigma_b, sigma_w, x

__all__ = ["activation_dual_module", "activation_module", "moment_module"]

Q = Argument("q", "variance of the pre-activation h", "1e-12", "1e12")
_SIGMA_W = Argument("sigma_w", "scale of the weights", "1e-3", "1e3")
_SIGMA_B = Argument("sigma_b", "standard deviation of the biases", "0.0", "1e3")
_TOLERANCE = 1e-13
_GROWTH = "second_moment_slope"
_SPECTRUM = (
    " μ_1 and μ_2, the moments of D²: Pennington, Schoenholz & Ganguli (2017), arXiv:1711.04735."
)


def activation_module(phi: Activation, *, name: str = "", text: str = "") -> Module:
    """Kernels of one activation.

    Args:
        phi: the activation; its parameters become arguments of every kernel.
        name: module name.
        text: the definition to show; the SymPy expression when empty.

    Returns:
        E[φ], E[φ²] with the length map and its slope χ_∥, and the moments of φ′², each with its
        closed form if there is one. Where φ jumps the moments of φ′² are infinite, and left out.
    """
    safe = {p: sp.Symbol(code_name(p.name), **p.assumptions0) for p in phi.parameters}
    function, slope = phi.function.subs(safe), phi.distribution(1).subs(safe)
    parallel = MeanField(phi).parallel_integrand.subs(safe)
    parameters = tuple(_parameter(safe[p], phi.defaults.get(p)) for p in phi.parameters)
    regular = "(φ²)″(x)/2" if slope.deltas else "φ′(x)² + φ(x) φ″(x)"
    growth = "E[(φ²)″(h)]/2" if slope.deltas else "E[φ′(h)² + φ(h) φ″(h)]"
    means = (
        _mean("mean", "E[φ(h)]", "_phi", function, 1, bool(parameters)),
        _mean("second_moment", "E[φ(h)²]", "_phi", function, 2),
        _mean(_GROWTH, f"d/dq E[φ(h)²] = {growth}", "_parallel", parallel, 1, bool(parameters)),
    )
    length_map = Derived(
        "length_map",
        "σ_w² E[φ(h)²] + σ_b²",
        "second_moment",
        sigma_w**2 * _value("second_moment") + sigma_b**2,
        (_SIGMA_W, _SIGMA_B),
    )
    chi_parallel = Derived(
        "chi_parallel",
        f"σ_w² {growth}, the slope of the length map",
        _GROWTH,
        sigma_w**2 * _value(_GROWTH),
        (_SIGMA_W,),
    )
    moments = () if slope.deltas else _moments(slope)
    source = phi.source or "given by the user"
    middles = centres(function)
    spectrum = _SPECTRUM if moments else ""
    kernels = (*means[:2], length_map, means[2], chi_parallel, *moments)
    return Module(
        name=name or "activation",
        title="Gaussian means of an activation and of its slope.",
        subject=f"φ(x) = {text or phi.expr}" + (f" ({name})" if name else ""),
        template="activation.py.jinja",
        kernels=kernels,
        tolerance=_TOLERANCE,
        source=f"φ: {source}. Length map and χ: Poole et al. (2016), arXiv:1606.05340."
        f"{spectrum}{_measure(kernels, bool(parameters))}",
        variable=Q,
        parameters=parameters,
        bases=(
            Base("_phi", "Return φ(x); x is not a breakpoint.", cut(function, middles)),
            Base("_slope", "Return φ′(x); x is not a breakpoint.", cut(slope, middles)),
            Base("_parallel", f"Return {regular}; x is not a breakpoint.", cut(parallel, middles)),
        ),
    )


def _moments(slope: PiecewiseFunction) -> tuple[Kernel, ...]:
    """The moments of φ′², and χ."""
    return (
        _mean("mu_1", "E[φ′(h)²]", "_slope", slope, 2),
        Derived("chi", "σ_w² E[φ′(h)²]", "mu_1", sigma_w**2 * _value("mu_1"), (_SIGMA_W,)),
        _mean("mu_2", "E[φ′(h)⁴]", "_slope", slope, 4),
    )


def _mean(
    name: str,
    equation: str,
    base: str,
    function: PiecewiseFunction,
    power: int,
    conditioned: bool = False,
) -> Mean:
    """The mean of a power, with its closed form if there is one."""
    closed = _closed(function if power == 1 else function**power)
    cancels = closed is None and power % 2 == 1
    falls = _may_fall(function, odd_too=cancels)
    return Mean(name, equation, base, power, closed, conditioned or falls)


def _may_fall(function: PiecewiseFunction, *, odd_too: bool) -> bool:
    """Whether all of a mean may lie beyond breakpoints: around 0 the function is 0, or odd."""
    around = [
        piece.expr
        for piece in function.pieces
        if not piece.lower.is_nonnegative and not piece.upper.is_nonpositive
    ]
    if len(function.pieces) == 1:
        return False
    return any(
        expr.is_zero or (odd_too and (expr + expr.subs(x, -x)).expand().is_zero) for expr in around
    )


def _measure(kernels: Sequence[Kernel], has_parameters: bool) -> str:
    """What the errors of conditioned kernels are divided by."""
    means = {k.name for k in kernels if isinstance(k, Mean) and k.conditioned}
    names = [
        k.name for k in kernels if k.name in means or (isinstance(k, Derived) and k.of in means)
    ]
    if not names:
        return ""
    several = f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
    reason = (
        "where F vanishes depends on the parameters"
        if has_parameters
        else "F may fall like exp(−a/q) as q → 0"
    )
    return f" The errors of {several}, F(q), are divided by 1 + |q F′/F|: {reason}."


def moment_module(phi: Activation, k: int) -> Module:
    """The kernel of μ_k = E[φ′(h)^{2k}] alone.

    Args:
        phi: the activation; its parameters become arguments.
        k: at least 1.

    Raises:
        DomainError: φ jumps, so that the moments of φ′ do not exist.
    """
    safe = {p: sp.Symbol(code_name(p.name), **p.assumptions0) for p in phi.parameters}
    slope = phi.distribution(1).subs(safe)
    return Module(
        name=f"mu_{k}",
        title="A moment of the slope of an activation.",
        subject=f"φ(x) = {phi.expr}",
        template="activation.py.jinja",
        kernels=(_mean(f"mu_{k}", f"E[φ′(h)^{2 * k}]", "_slope", slope, 2 * k),),
        tolerance=_TOLERANCE,
        source="Pennington, Schoenholz & Ganguli (2017), arXiv:1711.04735.",
        variable=Q,
        parameters=tuple(_parameter(safe[p], phi.defaults.get(p)) for p in phi.parameters),
        bases=(Base("_slope", "Return φ′(x); x is not a breakpoint.", cut(slope, centres(slope))),),
    )


def activation_dual_module(
    phi: Activation,
    *,
    name: str = "",
    text: str = "",
    progress: Callable[[str], None] = lambda _: None,
    approximate: bool = True,
) -> Module:
    """Kernels of one activation that take a correlation.

    Args:
        phi: the activation; its parameters become arguments of every kernel.
        name: name of the activation.
        text: the definition to show; the SymPy expression when empty.
        progress: told each step in words.
        approximate: whether a dual without a closed form is approximated, which takes a while.

    Returns:
        E[φ(h₁)φ(h₂)] and E[φ′(h₁)φ′(h₂)]; the first alone where φ jumps: then the second is
        infinite at c = 1.

    Raises:
        NoClosedForm: there is no closed form that double precision can evaluate, and none is to be
            approximated, or φ has parameters.
    """
    safe = {p: sp.Symbol(code_name(p.name), **p.assumptions0) for p in phi.parameters}
    parameters = tuple(_parameter(safe[p], phi.defaults.get(p)) for p in phi.parameters)
    return dual_module(
        phi, Q, parameters, name=name, text=text, progress=progress, approximate=approximate
    )


def _value(kernel: str) -> sp.Symbol:
    """The symbol of another kernel's value."""
    return sp.Symbol(kernel, real=True)


def _closed(integrand: PiecewiseFunction) -> sp.Expr | None:
    try:
        return soundly(integrand, expect(integrand)).expr
    except NoClosedForm:
        return None


def _parameter(symbol: sp.Symbol, default: sp.Rational | None) -> Argument:
    shown = "" if default is None else f", {default} by default"
    if symbol.is_positive:
        return Argument(symbol.name, f"parameter{shown}", "1e-2", "1e2")
    return Argument(symbol.name, f"parameter{shown}", "-10.0", "10.0", logarithmic=False)
