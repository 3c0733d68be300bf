"""Stretched and mirrored functions, and parity.

>>> from freejac.symbolic.piecewise import decompose
>>> relu = decompose(sp.Max(0, x))
>>> dilated(relu, sp.Integer(-2)).to_sympy()
Piecewise((-2*x, x < 0), (0, True))
>>> parity(decompose(sp.Abs(x) * sp.tanh(x)))
-1
"""

from __future__ import annotations

import sympy as sp

from freejac.symbolic.piecewise import Delta, Piece, PiecewiseFunction
from freejac.symbolic.symbols import x

__all__ = ["dilated", "parity"]


def dilated(function: PiecewiseFunction, factor: sp.Expr) -> PiecewiseFunction:
    """The function x ↦ f(factor · x), Dirac deltas included.

    Args:
        function: f.
        factor: a real number other than 0, its sign known.
    """
    pieces = [
        Piece(_moved(p.lower, factor), _moved(p.upper, factor), p.expr.subs(x, factor * x))
        for p in function.pieces
    ]
    if factor.is_negative:
        pieces = [Piece(p.upper, p.lower, p.expr) for p in reversed(pieces)]
    deltas = tuple(
        # δ⁽ⁿ⁾(kx − b) = δ⁽ⁿ⁾(x − b/k)/(|k| kⁿ)
        Delta(d.location / factor, d.order, d.weight / (sp.Abs(factor) * factor**d.order))
        for d in function.deltas
    )
    return PiecewiseFunction(tuple(pieces), deltas)


def _moved(end: sp.Expr, factor: sp.Expr) -> sp.Expr:
    if end.is_infinite:
        return -end if factor.is_negative else end
    return end / factor


def parity(function: PiecewiseFunction) -> int | None:
    """1 for an even function, −1 for an odd one, None for neither; structure alone is looked at.

    An expression counts as equal to another if their expanded forms agree.
    """
    mirror = dilated(function, sp.S.NegativeOne)
    for sign in (1, -1):
        if _same(function, mirror, sign):
            return sign
    return None


def _same(function: PiecewiseFunction, mirror: PiecewiseFunction, sign: int) -> bool:
    if len(function.pieces) != len(mirror.pieces):
        return False
    pieces = zip(function.pieces, mirror.pieces, strict=True)
    deltas = {(d.location, d.order, sp.expand(d.weight)) for d in function.deltas}
    mirrored = {(d.location, d.order, sp.expand(sign * d.weight)) for d in mirror.deltas}
    return deltas == mirrored and all(
        a.lower == b.lower and a.upper == b.upper and sp.expand(a.expr - sign * b.expr) == 0
        for a, b in pieces
    )
