"""What the quadrature template is given: panels between marks, and integrands piece by piece."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from freejac.codegen.filling import gauss_legendre
from freejac.codegen.kernel_block import kernel_block
from freejac.codegen.printer import source
from freejac.codegen.spec import Argument, Base
from freejac.codegen.stable import stabilise
from freejac.codegen.statements import Block
from freejac.symbolic.piecewise import Piece, PiecewiseFunction

__all__ = ["PieceView", "quadrature_view"]

_HALF_NODES = 10


@dataclass(frozen=True)
class PieceView:
    """One smooth piece as code: below `upper` the block's result."""

    upper: str
    block: Block


def quadrature_view(
    bases: Iterable[Base],
    terms: Iterable[tuple[str, str, int]],
    parameters: tuple[Argument, ...],
    finest: str,
) -> dict[str, Any]:
    """Context of the quadrature template.

    Args:
        bases: functions of x.
        terms: (constant's name, base's name, power) of each integrand.
        parameters: arguments after x.
        finest: width of the finest panel, as text.
    """
    names = [p.name for p in parameters]
    bases = list(bases)
    nodes, weights = gauss_legendre(2 * _HALF_NODES)
    values = []
    for constant, base, power in terms:
        call = f"{base}({', '.join(['x', *names])})"
        values.append({"constant": constant, "value": call if power == 1 else f"{call} ** {power}"})
    return {
        "nodes": nodes,
        "weights": weights,
        "terms": values,
        "bases": [
            {"name": b.name, "summary": b.summary, "pieces": _pieces(b.function, names)}
            for b in bases
        ],
        "point": ", ".join(["x", *names]),
        "variance": ", ".join(["q", *names]),
        "rest": "".join(f", {name}" for name in names),
        "finest": finest,
        "marks": [source(stabilise(mark)) for mark in _marks([b.function for b in bases])],
    }


def _pieces(function: PiecewiseFunction, names: list[str]) -> list[PieceView]:
    return [
        PieceView(
            "" if piece.upper == sp.oo else source(stabilise(piece.upper)),
            kernel_block(piece.expr, ["x", *names]),
        )
        for piece in _joined(function)
    ]


def _joined(function: PiecewiseFunction) -> list[Piece]:
    """The pieces, those that a centre alone parts in one."""
    joined: list[Piece] = []
    for piece in function.pieces:
        if joined and joined[-1].expr == piece.expr:
            joined[-1] = replace(joined[-1], upper=piece.upper)
        else:
            joined.append(piece)
    return joined


def _marks(functions: list[PiecewiseFunction]) -> list[sp.Expr]:
    """Breakpoints other than 0."""
    marks = dict.fromkeys(at for function in functions for at in function.breakpoints)
    return [at for at in marks if not at.is_zero]
