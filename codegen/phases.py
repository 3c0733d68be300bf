"""Solvers of an activation's mean-field equations, as a module of their own.

The module contains again the Gaussian means that the solvers call, so that it stands alone.
"""

from __future__ import annotations

import math
from typing import Any

import sympy as sp
from mpmath import mp

from freejac.codegen.catalogue import activation_module
from freejac.codegen.names import code_name
from freejac.codegen.record import ModuleRecord
from freejac.codegen.render import kernel_block
from freejac.codegen.sound import soundly
from freejac.codegen.spec import Base, Formula, Mean, Module
from freejac.symbolic.activation import Activation
from freejac.symbolic.errors import DomainError, NoClosedForm
from freejac.symbolic.expectation import expect
from freejac.symbolic.piecewise import Piece, PiecewiseFunction
from freejac.symbolic.quadrature import legendre_rule
from freejac.symbolic.symbols import x

__all__ = ["origin", "phase_module"]

_PATH_NODES = 10


def origin(phi: Activation) -> tuple[sp.Expr, sp.Expr]:
    """E[φ²] and E[φ′²] as q → 0: the means of their limits at 0 from either side.

    Raises:
        DomainError: it depends on a parameter on which piece 0 lies, or a limit does not exist.

    >>> from freejac.symbolic.activation import activation
    >>> origin(activation("relu")), origin(activation("sigmoid"))
    ((0, 1/2), (1/4, 1/16))
    """
    pieces = phi.function.pieces
    left, right = _at_zero(phi, pieces[::-1], -1), _at_zero(phi, pieces, 1)
    values = [_limit(phi, side.expr, sign) for side, sign in ((left, "-"), (right, "+"))]
    slopes = [
        _limit(phi, sp.diff(side.expr, x), sign) for side, sign in ((left, "-"), (right, "+"))
    ]
    return tuple(sp.factor(sum(v**2 for v in pair) / 2) for pair in (values, slopes))


def _at_zero(phi: Activation, pieces: tuple[Piece, ...], side: int) -> Piece:
    """The piece on one side of 0."""
    for piece in pieces:
        beyond = piece.upper > 0 if side > 0 else piece.lower < 0
        if beyond == sp.true:
            return piece
        if beyond != sp.false:
            break
    raise DomainError(
        f"{phi.name}: it depends on a parameter on which side of 0 a breakpoint lies; declare its "
        "sign, or give it a value"
    )


def _limit(phi: Activation, expr: sp.Expr, side: str) -> sp.Expr:
    value = expr.subs(x, 0)
    if value.is_finite is not True:
        value = sp.limit(expr, x, 0, side)
    if value.is_finite is False:
        raise DomainError(f"{phi.name} or its slope has no limit at 0")
    return value



def phase_module(phi: Activation, *, name: str = "", text: str = "") -> Module:
    """Solvers of an activation, on the Gaussian means of its module.

    Args:
        phi: the activation; its parameters become arguments of every solver.
        name: name of the activation's own module.
        text: the definition to show.

    Raises:
        DomainError: φ jumps, or it depends on a parameter on which piece 0 lies.
    """
    means = activation_module(phi, name=name, text=text)
    safe = {p: sp.Symbol(code_name(p.name), **p.assumptions0) for p in phi.parameters}
    square, slope = (expr.subs(safe) for expr in origin(phi))
    drive = means.base("_phi") * means.base("_slope") * PiecewiseFunction.smooth(x)
    return Module(
        name=f"{name}_phase",
        title="Fixed points, phases and signals of wide networks of an activation.",
        subject=means.subject,
        template="phase.py.jinja",
        kernels=(
            *(kernel for kernel in means.kernels if kernel.name in ("second_moment", "mu_1")),
            Mean("first_moment", "E[φ(h)]", "_phi", 1, _closed(means.base("_phi"))),
            Mean("drive", "E[h φ(h) φ′(h)]", "_driven", 1, _closed(drive)),
        ),
        tolerance=means.tolerance,
        source=means.source,
        variable=means.variable,
        parameters=means.parameters,
        bases=(*means.bases, Base("_driven", "Return x φ(x) φ′(x).", drive)),
        context=_context,
        formulas=(Formula("square_at_zero", square), Formula("slope_at_zero", slope)),
    )


def _closed(integrand: PiecewiseFunction) -> sp.Expr | None:
    try:
        return soundly(integrand, expect(integrand)).expr
    except NoClosedForm:
        return None


def _context(module: Module, record: ModuleRecord) -> dict[str, Any]:
    """What the template of the solvers needs besides the Gaussian means."""
    names = [p.name for p in module.parameters]
    settings = "".join(f", table[_SETTINGS, {i}]" for i in range(len(names)))
    formulas = {f.name: f.expr for f in module.formulas}
    blocks = {name: kernel_block(expr, names) for name, expr in formulas.items()}
    path, weights = _path()
    domains = [mine.domain for mine in record.kernels.values() if mine.domain]
    low, high = max((d[0] for d in domains), key=float), min((d[1] for d in domains), key=float)
    solver = {
        "settings": settings,
        "names": ", ".join(names),
        "rest": "".join(f", {name}" for name in names),
        "origin": blocks,
        "steepness": f"_drive(q{settings}) / q",
        "centre": f"_first_moment(q{settings})",
        "low": low,
        "high": high,
        "first": round(math.log10(float(low))),
        "last": round(math.log10(float(high))),
        "path": path,
        "path_weights": weights,
        "arguments": [
            "sigma_w: scale of the weights, from 1e-3 to 1e3.",
            "sigma_b: standard deviation of the biases, from 0 to 1e3.",
        ],
    }
    from freejac.symbolic.mean_field import MeanField
    from freejac.symbolic.bivariate import Expectation2
    solver["dual_dev"] = None
    if module.kernels[0].closed is not None:
        if module.phi_dev not in ("relu","erf"):
            solver["dual_dev"] = "stub"
            return {"solver": solver}
        mf = MeanField(module.phi_dev)
        solver["dual_dev"] = {"dual": kernel_block(mf.dual, ["q","c"]), "dual_slope": kernel_block(mf.slope_dual, ["q","c"])}
    return {"solver": solver}


def _path() -> tuple[list[str], list[str]]:
    """Nodes and weights on [0, 1] of ∫ f(t) 2t dt."""
    points, weights, _ = legendre_rule(_PATH_NODES, 40)
    with mp.workdps(40):
        nodes = [(1 + t) / 2 for t in points]
        return [repr(float(t)) for t in nodes], [
            repr(float(w * t)) for t, w in zip(nodes, weights, strict=True)
        ]
