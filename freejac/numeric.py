"""From an activation to plain NumPy functions, for simulation.

This is not the road to fast kernels (`freejac.codegen` is): it evaluates φ and its derivatives
exactly as they are written, piece by piece, and knows no expectation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import pairwise

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from freejac.symbolic.activation import Activation
from freejac.symbolic.errors import DomainError
from freejac.symbolic.functions import Phi
from freejac.symbolic.symbols import x

__all__ = ["numpy_function"]

Array = NDArray[np.float64]


def numpy_function(
    phi: Activation, order: int = 0, parameters: Mapping[sp.Symbol, sp.Expr | float] | None = None
) -> Callable[[Array], Array]:
    """Make a NumPy function of an activation or of one of its derivatives.

    Args:
        phi: the activation.
        order: which derivative, 0 or more; 0 is φ itself.
        parameters: values of the activation's parameters; those not named take their defaults.

    Returns:
        A function from an array of any shape to an array of that shape. Each piece of φ is
        evaluated on its own interval alone. At a breakpoint the piece on the right counts.

    Raises:
        DomainError: a parameter has no value, the order is not an integer of at least 0, or that
            derivative has a point mass, so that it is not a function.

    >>> from freejac.symbolic.activation import activation
    >>> slope = numpy_function(activation("relu"), order=1)
    >>> slope(np.array([-2.0, 3.0])).tolist()
    [0.0, 1.0]
    """
    values = {**phi.defaults, **(parameters or {})}
    function = phi.distribution(order)
    if function.deltas:
        raise DomainError(
            f"derivative {order} of {phi.name} has a point mass at x = "
            f"{function.deltas[0].location}: it is not a function"
        )
    missing = sorted(symbol.name for symbol in function.free_symbols - set(values))
    if missing:
        raise DomainError(f"{phi.name} needs a value for {', '.join(missing)}")
    function = function.subs(values)
    ends = [float(end) for end in (-sp.oo, *function.breakpoints, sp.oo)]
    parts = [_lambdify(piece.expr) for piece in function.pieces]

    def evaluate(h: Array) -> Array:
        h = np.asarray(h, dtype=np.float64)
        result = np.empty_like(h)
        for part, (lower, upper) in zip(parts, pairwise(ends), strict=True):
            inside = (h >= lower) & (h < upper)
            result[inside] = part(h[inside])
        return result

    return evaluate


# NumPy has no error function. SciPy has, and Φ too, but nothing else needs SciPy. SymPy writes the
# lower tail of Φ as 1 − erfc(…)/2, which is good to double precision in absolute terms.
_SPECIAL = {
    "erf": np.vectorize(math.erf, otypes=[np.float64]),
    "erfc": np.vectorize(math.erfc, otypes=[np.float64]),
}


def _lambdify(expr: sp.Expr) -> Callable[[Array], Array]:
    tails = expr.replace(Phi, lambda argument: sp.erfc(-argument / sp.sqrt(2)) / 2)
    return sp.lambdify(x, tails, modules=[_SPECIAL, "numpy"])
