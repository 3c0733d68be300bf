"""Code of E[f(h₁)f(h₂)] by a fixed product rule, for an f that closes nowhere.

With h₁ = y + z and h₂ = ±(y − z), y and z independent, z the narrower, both integrals are smooth
but where an argument passes a breakpoint. Gauss–Legendre panels are graded towards these places,
so that their number grows like log q; the mean over z of positive terms keeps its relative
accuracy to c = ±1. It costs tens to hundreds of microseconds a point, and is what the polynomials
of `codegen.approximate_dual_fit` are fitted to.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

import sympy as sp
from mpmath import mpf

from freejac.codegen.filling import template
from freejac.codegen.kernel_block import kernel_block
from freejac.codegen.printer import source
from freejac.codegen.stable import stabilise
from freejac.symbolic.piecewise import PiecewiseFunction
from freejac.symbolic.quadrature import legendre_rule

__all__ = ["Panels", "quadrature_text"]

_NODES = 12


@dataclass(frozen=True)
class Panels:
    """How fine the rule is.

    Attributes:
        finest: width of the panel beside a breakpoint and beside 0, at most.
        parts: equal panels for each doubling of the distance from there.
    """

    finest: float = 1.0
    parts: int = 1


def quadrature_text(f: PiecewiseFunction, prefix: str, summary: str, panels: Panels) -> list[str]:
    """Lines at the level of a module that end with `{prefix}_mean(q, c)`.

    Args:
        f: the function, without Dirac deltas and parameters.
        prefix: what every name begins with, such as "_dual".
        summary: docstring of f.
        panels: how fine the rule is.
    """
    points, weights, _ = legendre_rule(_NODES, 40)
    marks = sorted({0.0, *(float(at.evalf(30)) for at in f.breakpoints)})
    text = template(
        "dual_quadrature.jinja",
        rule={
            "prefix": prefix,
            "summary": summary,
            "nodes": [repr(float(t)) for t in points],
            "weights": [repr(float(w)) for w in weights],
            "marks": _numbers(marks),
            "sums": _numbers({0.5 * abs(a + b) for a, b in product(marks, marks)}),
            "differences": _numbers({0.5 * abs(a - b) for a, b in product(marks, marks)}),
            "pieces": [
                {
                    "upper": "" if piece.upper == sp.oo else source(stabilise(piece.upper)),
                    "block": kernel_block(piece.expr, ["x"]),
                }
                for piece in f.pieces
            ],
            "finest": repr(panels.finest),
            "parts": panels.parts,
        },
    )
    return text.strip("\n").split("\n")


def _numbers(values: Iterable[float | mpf]) -> list[str]:
    return [repr(number) for number in sorted(float(value) for value in values)]
