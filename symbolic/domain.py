"""Numbers from the outside: read exactly once, refused with one clear line when out of range."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import index
from typing import Any, TypeAlias

import sympy as sp
from mpmath import mp

from freejac.symbolic.errors import DomainError

__all__ = ["Number", "as_floats", "at_each", "exact", "finite", "layer_count", "rational"]

Number: TypeAlias = int | float | sp.Expr
"""What a caller may give as a number."""

_FLOAT_DIGITS = 15


def exact(name: str, value: object) -> sp.Expr:
    """Take a number or an expression as it is; text is refused, never evaluated.

    Args:
        name: what it is, for the message.
        value: a SymPy expression, or a Python or NumPy number.

    Raises:
        DomainError: it is neither.

    >>> exact("q", 3)
    3
    """
    try:
        converted = sp.sympify(value, strict=True)
    except sp.SympifyError:
        converted = None
    if not isinstance(converted, sp.Expr):
        raise DomainError(f"{name} must be a number or a SymPy expression, not {value!r}")
    return converted


def rational(name: str, value: object) -> sp.Expr:
    """Read like `exact`, with every float taken for the decimal that Python shows for it.

    >>> rational("q", 0.1)
    1/10
    """
    expr = exact(name, value)
    decimals = {f: sp.Rational(repr(float(f))) for f in expr.atoms(sp.Float) if f._prec <= 53}
    wide = {f: sp.Rational(f) for f in expr.atoms(sp.Float) if f._prec > 53}
    return expr.xreplace(decimals | wide)


def finite(name: str, value: object) -> Any:
    """Read a finite real number at mpmath's working precision.

    Args:
        name: what the number is, for the message.
        value: a Python, NumPy, mpmath or SymPy number.

    Raises:
        DomainError: it is not a finite real number.

    >>> finite("q", sp.Rational(1, 2))
    mpf('0.5')
    """
    try:
        number = mp.mpf(value.evalf(mp.dps) if isinstance(value, sp.Expr) else value)
    except (TypeError, ValueError):
        raise DomainError(f"{name} must be a finite real number, not {value}") from None
    if not mp.isfinite(number):
        raise DomainError(f"{name} must be a finite real number, not {value}")
    return number


def layer_count(depth: object) -> int:
    """Read a number of layers: a Python, NumPy or SymPy integer, at least 1.

    Raises:
        DomainError: it is not a positive integer.

    >>> layer_count(3)
    3
    """
    try:
        layers = 0 if isinstance(depth, bool) else index(depth)  # type: ignore[arg-type]
    except TypeError:
        layers = 0
    if layers < 1:
        raise DomainError(f"the depth is a positive integer, not {depth}")
    return layers


def at_each(points: Any | Iterable[Any], evaluate: Callable[[list[Any]], list[Any]]) -> Any:
    """Evaluate at a number, or at every one of a sequence.

    Args:
        points: a number, or a sequence of them.
        evaluate: gives as many values as it gets points.

    Returns:
        A value, or a list as long as the sequence.

    >>> at_each(3, lambda values: [2 * v for v in values]), at_each((), list)
    (6, [])
    """
    if isinstance(points, Iterable):
        return evaluate(list(points))
    return evaluate([points])[0]


def as_floats(values: list[Any], digits: int) -> list[Any]:
    """Round to floats where these hold the digits asked for, up to 15."""
    return [float(value) for value in values] if digits <= _FLOAT_DIGITS else values
