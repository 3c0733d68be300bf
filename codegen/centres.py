"""Where a smooth function varies, if that is not around 0: the −b of tanh(x + b).

Panels are graded towards 0 and towards breakpoints. A step or a bump elsewhere is on none of them,
unless its centre is made a breakpoint too: the pieces on both sides are the same expression.

>>> import sympy as sp
>>> from freejac.symbolic.piecewise import decompose
>>> from freejac.symbolic.symbols import x
>>> centres(decompose(sp.tanh(x + 50) + sp.exp(-((x - 3) ** 2))))
(-50, 3)
"""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from freejac.symbolic.errors import DomainError
from freejac.symbolic.intervals import compare
from freejac.symbolic.piecewise import Piece, PiecewiseFunction
from freejac.symbolic.symbols import x

__all__ = ["centres", "cut"]

_MOST = 4
_WAVES = (sp.sin, sp.cos)


def centres(function: PiecewiseFunction) -> tuple[sp.Expr, ...]:
    """Zeros or vertices of arguments of degree 1 and 2, ascending; 0 and breakpoints are none.

    Args:
        function: its parameters may be symbols: a centre whose place among the others their
            assumptions do not tell is left out.
    """
    found: list[sp.Expr] = []
    for piece in function.pieces:
        for at in sorted(_of(piece.expr), key=sp.default_sort_key):
            if _lies_inside(at, piece) and len(found) < _MOST:
                _insert(found, at)
    return tuple(found)


def cut(function: PiecewiseFunction, at: Sequence[sp.Expr]) -> PiecewiseFunction:
    """The same function, with further breakpoints."""
    pieces = []
    for piece in function.pieces:
        low = piece.lower
        for place in at:
            if compare(low, place) < 0 and compare(place, piece.upper) < 0:
                pieces.append(Piece(low, place, piece.expr))
                low = place
        pieces.append(Piece(low, piece.upper, piece.expr))
    return PiecewiseFunction(tuple(pieces), function.deltas)


def _of(expr: sp.Expr) -> set[sp.Expr]:
    """The centres of the parts of a smooth expression."""
    arguments = [f.args[0] for f in expr.atoms(sp.Function, sp.exp) if not isinstance(f, _WAVES)]
    arguments += [p.base for p in expr.atoms(sp.Pow) if not (p.exp.is_Integer and p.exp > 0)]
    places = set()
    for argument in arguments:
        if not argument.is_polynomial(x):
            continue
        degree = sp.degree(argument, x) if argument.has(x) else 0
        if degree in (1, 2):
            lead, next_ = sp.Poly(argument, x).all_coeffs()[:2]
            place = sp.cancel(-next_ / (degree * lead))
            if place.is_zero is not True and place.is_real:
                places.add(place)
    return places


def _lies_inside(at: sp.Expr, piece: Piece) -> bool:
    try:
        return compare(piece.lower, at) < 0 and compare(at, piece.upper) < 0
    except DomainError:
        return False


def _insert(found: list[sp.Expr], at: sp.Expr) -> None:
    """Insert in order, if there is an order, and if it is new."""
    try:
        orders = [compare(at, other) for other in found]
    except DomainError:
        return
    if 0 not in orders:
        found.insert(sum(order > 0 for order in orders), at)
