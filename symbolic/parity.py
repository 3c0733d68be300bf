"""The even part of a function, which alone decides its Gaussian means.

>>> from freejac.symbolic.functions import sigmoid
>>> from freejac.symbolic.piecewise import decompose
>>> even_part(decompose(sigmoid(x))).to_sympy()
1/2
"""

from __future__ import annotations

import sympy as sp

from freejac.symbolic.piecewise import Delta, Piece, PiecewiseFunction
from freejac.symbolic.symbols import x

__all__ = ["even_part", "reflected", "simplified"]


def reflected(f: PiecewiseFunction) -> PiecewiseFunction:
    """f(−x), Dirac deltas mirrored."""
    pieces = tuple(
        Piece(-piece.upper, -piece.lower, piece.expr.subs(x, -x)) for piece in reversed(f.pieces)
    )
    deltas = tuple(Delta(-d.location, d.order, (-1) ** d.order * d.weight) for d in f.deltas)
    return PiecewiseFunction(pieces, deltas)


def even_part(f: PiecewiseFunction) -> PiecewiseFunction:
    """(f(x) + f(−x))/2, each piece a polynomial where an identity of tanh or erf makes it one.

    Raises:
        Undecided: the order of a breakpoint and the negative of another is not decided.
    """
    half = f.scaled(sp.Rational(1, 2))
    total = half + reflected(half)
    simple = PiecewiseFunction(total.pieces).map(simplified)
    return PiecewiseFunction(simple.pieces, total.deltas)


def simplified(expr: sp.Expr) -> sp.Expr:
    """A sum as a polynomial if sigmoids or error functions in it cancel, else as it is.

    >>> from freejac.symbolic.functions import Phi
    >>> simplified(x * Phi(x) + x * Phi(-x))
    x
    """
    forms = (sp.expand(form) for form in (expr, expr.rewrite(sp.tanh), expr.rewrite(sp.erf)))
    return next((form for form in forms if form.is_polynomial(x)), expr)
