"""Solvers of an activation's mean-field equations, as a module of their own.

The module contains again the Gaussian means and the duals that the solvers call, so that it stands
alone.

>>> from freejac.codegen.activation_modules import activation_module
>>> from freejac.symbolic.activation import activation
>>> relu = activation("relu")
>>> [kernel.name for kernel in phase_module(relu, activation_module(relu), None).offered]
['fixed_points', 'phase', 'propagate', 'feed_forward']
"""

from __future__ import annotations

import math
import textwrap
from dataclasses import replace
from typing import Any

import sympy as sp
from mpmath import mp

from freejac.codegen.kernel_block import kernel_block
from freejac.codegen.names import code_name
from freejac.codegen.printer import source
from freejac.codegen.record import KernelRecord, ModuleRecord
from freejac.codegen.spec import Argument, Dual, Formula, Kernel, Mean, Module, Solver
from freejac.codegen.stable import stabilise
from freejac.symbolic.activation import Activation
from freejac.symbolic.errors import DomainError
from freejac.symbolic.piecewise import Piece, PiecewiseFunction
from freejac.symbolic.quadrature import legendre_rule
from freejac.symbolic.symbols import x

__all__ = ["origin", "phase_module", "phase_record", "solvers_alone"]

_MEANS = ("mean", "second_moment", "second_moment_slope", "mu_1")
_PATH_NODES = 20
_CELL_NODES = 12
_DIGITS = 40  # of nodes and weights, before they are written as doubles
_WIDTH = 88

_SIGMA_W = Argument("sigma_w", "scale of the weights", "1e-3", "1e3")
_SIGMA_B = Argument("sigma_b", "standard deviation of the biases", "0.0", "1e3")
_START = Argument("q0", "length from which the iteration starts", "1e-12", "1e12")
_DEPTH = Argument("depth", "number of layers, a whole number", "1.0", "1e6")
_FIRST = Argument("q1", "variance of the first pre-activation", "1e-12", "1e12")
_SKIP = Argument("skip", "factor of the skip connection", "-inf", "inf")
_MEAN = Argument("mean", "⟨x⁰⟩, no larger than q1 allows", "-inf", "inf")
_ANGLE = Argument("c1", "correlation of the first pre-activations", "-1.0", "1.0")

_SOLVERS = (
    Solver(
        "fixed_points",
        "every q* with σ_w² E[φ(h)²] + σ_b² = q*, with V′ and χ",
        (_SIGMA_W, _SIGMA_B),
    ),
    Solver("phase", "the q* that is reached, V′, χ, c*, ξ_q, ξ_c", (_SIGMA_W, _SIGMA_B, _START)),
    Solver(
        "propagate",
        "q, ⟨x⟩, ⟨x²⟩ and c_l through a residual network",
        (_DEPTH, _SIGMA_W, _SIGMA_B, _FIRST, _SKIP, _MEAN),
    ),
    Solver(
        "feed_forward",
        "q, χ and the correlation of two inputs through a plain network",
        (_DEPTH, _SIGMA_W, _SIGMA_B, _FIRST, _ANGLE),
    ),
)


def phase_module(phi: Activation, means: Module, duals: Module | None) -> Module:
    """Solvers of an activation.

    Args:
        phi: the activation; its parameters become arguments of every solver.
        means: the module of its Gaussian means.
        duals: the module of its duals; without one c* comes from polynomials that are made for the
            lengths in question, and no correlation is followed layer by layer.

    Raises:
        DomainError: φ jumps, or it depends on a parameter on which side of 0 a breakpoint lies.
    """
    if deltas := phi.distribution(1).deltas:
        raise DomainError(
            f"{phi.name} jumps at x = {deltas[0].location}: χ is infinite, and there are no solvers"
        )
    safe = {p: sp.Symbol(code_name(p.name), **p.assumptions0) for p in phi.parameters}
    square, slope = (expr.subs(safe) for expr in origin(phi))
    kernels = (k for k in means.kernels if k.name in _MEANS)
    return Module(
        name=f"{means.name}_phase",
        title="Fixed points, phases and signals of wide networks.",
        subject=means.subject,
        template="phase.py.jinja",
        kernels=(*kernels, *(duals.kernels if duals else ()), *_SOLVERS),
        tolerance=means.tolerance,
        source=means.source.partition(" Length map")[0]
        + " Fixed points and phases: Poole et al. (2016), arXiv:1606.05340. Depth scales: "
        "Schoenholz et al. (2017), arXiv:1611.01232, eqs. (7)-(9). Residual networks: Tarnowski "
        "et al. (2019), arXiv:1809.08848, section II.2.",
        variable=means.variable,
        parameters=means.parameters,
        bases=means.bases,
        formulas=(Formula("square_at_zero", square), Formula("slope_at_zero", slope)),
        context=_context,
    )


def phase_record(
    module: Module, means: ModuleRecord, solvers: ModuleRecord | None = None
) -> ModuleRecord:
    """The record of a module of solvers: its means are as recorded, the rest as measured before."""
    known = solvers or ModuleRecord()
    kernels = {
        k.name: known.kernels.get(k.name, KernelRecord())
        if isinstance(k, Solver)
        else means.kernels.get(k.name, KernelRecord())
        for k in module.kernels
    }
    return ModuleRecord(digest=known.digest, finest=means.finest, kernels=kernels)


def solvers_alone(module: Module, record: ModuleRecord) -> ModuleRecord:
    """A record without the kernels that its module does not offer: they have records elsewhere."""
    names = {k.name for k in module.offered}
    return replace(record, kernels={n: k for n, k in record.kernels.items() if n in names})


def origin(phi: Activation) -> tuple[sp.Expr, sp.Expr]:
    """E[φ²] and E[φ′²] as q → 0: the means of their limits at 0 from either side.

    Raises:
        DomainError: it depends on a parameter on which piece 0 lies, or a limit does not exist.

    >>> from freejac.symbolic.activation import activation
    >>> origin(activation("relu")), origin(activation("sigmoid"))
    ((0, 1/2), (1/4, 1/16))
    """
    pieces = phi.function.pieces
    sides = ((_at_zero(phi, pieces[::-1], -1).expr, "-"), (_at_zero(phi, pieces, 1).expr, "+"))
    square = sum(_limit(phi, expr, side) ** 2 for expr, side in sides) / 2
    slope = sum(_limit(phi, sp.diff(expr, x), side) ** 2 for expr, side in sides) / 2
    return sp.factor(square), sp.factor(slope)


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


def _context(module: Module, record: ModuleRecord) -> dict[str, Any]:
    """What the template of the solvers needs besides the Gaussian means and the duals."""
    names = [p.name for p in module.parameters]
    settings = "".join(f", table[_SETTINGS, {i}]" for i in range(len(names)))
    domains = [
        d for k in module.kernels if isinstance(k, Mean) and (d := record.kernels[k.name].domain)
    ]
    low, high = max((d[0] for d in domains), key=float), min((d[1] for d in domains), key=float)
    has_duals = any(isinstance(k, Dual) for k in module.kernels)
    path, weights = _path()
    solver: dict[str, Any] = {
        "settings": settings,
        "names": ", ".join(names),
        "rest": "".join(f", {name}" for name in names),
        "origin": {f.name: kernel_block(f.expr, names) for f in module.formulas},
        "both": f"_dual(q, c{settings})" if has_duals else "math.nan",
        "both_slopes": f"_dual_slope(q, c{settings})" if has_duals else "math.nan",
        "low": low,
        "high": high,
        "first": round(math.log10(float(low))),
        "last": round(math.log10(float(high))),
        "cells": None if has_duals else _cells(module.base("_slope"), names),
        "path": path,
        "path_weights": weights,
        "arguments": {k.name: _arguments(module, k) for k in module.offered},
    }
    blocks = [*solver["origin"].values()]
    if solver["cells"]:
        blocks += [piece["block"] for piece in solver["cells"]["pieces"]]
    return {"solver": solver, "blocks": blocks}


def _cells(slope: PiecewiseFunction, names: list[str]) -> dict[str, Any]:
    """What the polynomials of S(c) = E[φ′(h₁)φ′(h₂)] are made from, where there is no dual."""
    with mp.workdps(_DIGITS):  # whatever the caller's precision
        points, weights, _ = legendre_rule(_CELL_NODES, _DIGITS)
    marks = [source(stabilise(mark)) for mark in slope.breakpoints]
    if 0 not in slope.breakpoints:
        marks.append("0.0")
    pieces = [
        {
            "upper": "" if piece.upper == sp.oo else source(stabilise(piece.upper)),
            "block": kernel_block(piece.expr, ["x", *names]),
        }
        for piece in slope.pieces
    ]
    return {
        "nodes": [repr(float(t)) for t in points],
        "weights": [repr(float(w)) for w in weights],
        "marks": marks,
        "smooth": not slope.breakpoints,
        "settings": len(names),
        "pieces": pieces,
    }


def _arguments(module: Module, kernel: Kernel) -> list[str]:
    lines: list[str] = []
    for a in module.arguments(kernel):
        ends = (end.removesuffix(".0") for end in (a.low, a.high))
        promised = "" if "inf" in a.low else ", from {} to {}".format(*ends)
        text = f"{a.name}: {a.meaning}{promised}."
        lines += textwrap.wrap(text, _WIDTH, initial_indent="    ", subsequent_indent="        ")
    return lines


def _path() -> tuple[list[str], list[str]]:
    """Nodes and weights on [0, 1] of ∫ f(t) 2t dt."""
    with mp.workdps(_DIGITS):  # whatever the caller's precision
        points, weights, _ = legendre_rule(_PATH_NODES, _DIGITS)
        nodes = [(1 + t) / 2 for t in points]
        products = [w * t for w, t in zip(weights, nodes, strict=True)]
    return [repr(float(t)) for t in nodes], [repr(float(w)) for w in products]
