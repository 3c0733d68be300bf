"""The module of an activation's duals, E[φ(h₁)φ(h₂)] and E[φ′(h₁)φ′(h₂)].

>>> from freejac.symbolic.activation import activation
>>> variance = Argument("q", "variance", "1e-12", "1e12")
>>> [kernel.code.method for kernel in dual_module(activation("elu(1)"), variance, ()).kernels]
['integral', 'closed form']
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import sympy as sp

from freejac.codegen.approximate_dual import approximated_dual
from freejac.codegen.dual_forms import elementary_code, positive_code
from freejac.codegen.dual_spec import MEASURE, DualCode
from freejac.codegen.names import code_name
from freejac.codegen.price import integral_code
from freejac.codegen.spec import Argument, Base, Dual, Module
from freejac.symbolic.activation import Activation
from freejac.symbolic.bivariate import expect2
from freejac.symbolic.errors import NoClosedForm
from freejac.symbolic.piecewise import PiecewiseFunction

__all__ = ["dual_module"]

_C = Argument("c", "correlation of h₁ and h₂", "-1.0", "1.0", logarithmic=False)
_SOURCE = (
    "Dual and slope: Poole et al. (2016), arXiv:1606.05340; Daniely, Frostig & Singer (2016), "
    "arXiv:1602.05897; ∂_c dual = q dual_slope: R. Price, IRE Trans. Inf. Theory 4 (1958) 69. "
    f"{MEASURE}"
)
_OPEN = " Where a dual does not close, its error is relative to max(|D|, E[f²]/100) instead."


def dual_module(
    phi: Activation,
    variance: Argument,
    parameters: tuple[Argument, ...],
    *,
    name: str = "",
    text: str = "",
    progress: Callable[[str], None] = lambda _: None,
    approximate: bool = True,
) -> Module:
    """The kernels of an activation that take a correlation.

    Args:
        phi: the activation.
        variance: the argument q.
        parameters: the activation's parameters as arguments, with the names that they have in code.
        name: name of the activation.
        text: the definition to show; the SymPy expression when empty.
        progress: told each step in words.
        approximate: whether a dual without a closed form is approximated, which takes a while.

    Returns:
        Both duals; that of φ alone where φ jumps.

    Raises:
        NoClosedForm: a dual has no closed form that double precision can evaluate, and it is not to
            be approximated, or φ has parameters.
    """
    safe = {p: sp.Symbol(code_name(p.name), **p.assumptions0) for p in phi.parameters}
    bases = (
        Base("_phi", "Return φ(x).", phi.function.subs(safe)),
        Base("_slope", "Return φ′(x).", phi.distribution(1).subs(safe)),
    )
    arguments = (variance, _C, *parameters)
    kernels = tuple(
        _dual(kernel, equation, base, arguments, phi, progress if approximate else None)
        for kernel, equation, base in (
            ("dual", "E[φ(h₁)φ(h₂)]", bases[0]),
            ("dual_slope", "E[φ′(h₁)φ′(h₂)]", bases[1]),
        )
        if not base.function.deltas  # φ jumps: infinite at c = 1
    )
    source = phi.source or "given by the user"
    return Module(
        name=f"{name or 'activation'}_dual",
        title="Gaussian means of products: the dual of an activation, and that of its slope.",
        subject=f"φ(x) = {text or phi.expr}" + (f" ({name})" if name else ""),
        template="dual.py.jinja",
        kernels=kernels,
        tolerance=1e-13,
        source=f"φ: {source}. {_SOURCE}"
        + (_OPEN if any(k.closed is None for k in kernels) else ""),
        parameters=parameters,
        bases=bases,
    )


def _dual(
    name: str,
    equation: str,
    base: Base,
    arguments: tuple[Argument, ...],
    phi: Activation,
    progress: Callable[[str], None] | None,
) -> Dual:
    """One kernel; without a progress to tell, nothing is approximated."""
    slope = name == "dual_slope"
    closed: sp.Expr | None = None
    code: DualCode | None = None
    try:
        closed = expect2(base.function, base.function)
        code = _closed_code(base.function, closed, "slope" if slope else "dual")
    except NoClosedForm:
        if phi.parameters or progress is None:
            raise
    if code is None and phi.parameters:
        raise NoClosedForm(equation, "no form of it keeps its digits; give the parameters numbers")
    if code is None and progress is None:
        raise NoClosedForm(equation, "no form of it keeps its digits")
    if code is None and progress is not None:
        code = approximated_dual(phi, slope, progress)
    assert code is not None
    return Dual(name, equation, base.name, arguments, code, closed)


@lru_cache(maxsize=64)
def _closed_code(function: PiecewiseFunction, closed: sp.Expr, prefix: str) -> DualCode | None:
    """The code of a closed form, which a process looks for once."""
    return (
        elementary_code(function, closed)
        or positive_code(function, closed)
        or integral_code(function, prefix)
    )
