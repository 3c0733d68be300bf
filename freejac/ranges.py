"""Axes of grids as text: numbers, lists and ranges.

>>> read_axis("sigma_w", "0.5:3:6")
(0.5, 1.0, 1.5, 2.0, 2.5, 3.0)
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from itertools import pairwise

from freejac.symbolic.errors import InputError

__all__ = ["read_axis", "read_counts"]

_MOST = 10**7
_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
_FORMS = "give a number, a list 1,2,3, a range START:STOP:COUNT, or START:STOP:COUNT:log"


def read_axis(name: str, given: object, *, positive: bool = False) -> tuple[float, ...]:
    """Read the values of one axis of a grid.

    Args:
        name: what the axis is, for messages.
        given: a number; numbers; or text: a number such as 1.5, 3/2 or sqrt(2), "1,2,3",
            "START:STOP:COUNT", evenly spaced with both ends, or "START:STOP:COUNT:log", evenly
            spaced in the logarithm.
        positive: whether 0 is refused; negative numbers always are.

    Returns:
        The values, as many as asked for, strictly ascending.

    Raises:
        InputError: the text is none of these, or a value is out of range or there twice.

    >>> read_axis("sigma_w", "1:100:3:log"), read_axis("sigma_b", "0, 1/4")
    ((1.0, 10.0, 100.0), (0.0, 0.25))
    """
    if isinstance(given, str):
        values = _from_text(name, given)
    elif isinstance(given, Iterable):
        values = tuple(_number(name, value) for value in given)
    else:
        values = (_number(name, given),)
    if not values:
        raise InputError(f"{name} has no values: {_FORMS}")
    for value in values:
        if value < 0 or (positive and value == 0):
            raise InputError(f"{name} must be {'positive' if positive else '≥ 0'}, not {value:g}")
    values = tuple(sorted(values))
    for left, right in pairwise(values):
        if left == right:
            raise InputError(f"{name} has the value {left!r} twice")
    return values


def read_counts(name: str, given: object) -> tuple[int, ...]:
    """Read an axis of whole numbers from 1 on, such as depths; a range in the logarithm is rounded.

    Raises:
        InputError: as for `read_axis`, or a value is not a whole number.

    >>> read_counts("depth", "1:1000:4:log")
    (1, 10, 100, 1000)
    """
    logarithmic = isinstance(given, str) and given.strip().endswith(":log")
    values = read_axis(name, given, positive=True)
    if logarithmic:
        values = tuple(dict.fromkeys(float(round(value)) for value in values))
    for value in values:
        if value != int(value):
            raise InputError(f"{name} must be whole numbers, not {value:g}")
    return tuple(int(value) for value in values)


def _from_text(name: str, text: str) -> tuple[float, ...]:
    parts = text.split(":")
    if len(parts) == 1:
        return tuple(_number(name, part) for part in text.split(","))
    logarithmic = len(parts) == 4 and parts[3].strip() == "log"
    if len(parts) != 3 and not logarithmic:
        raise InputError(f"{name}: cannot read {text!r}; {_FORMS}")
    start, stop, count = _number(name, parts[0]), _number(name, parts[1]), parts[2].strip()
    if not (count.isascii() and count.isdigit() and 2 <= int(count[:9]) <= _MOST):
        raise InputError(
            f"{name}: the number of points is a whole number from 2 to {_MOST}, not {count!r}"
        )
    if not start < stop:
        raise InputError(f"{name}: a range ascends, but {text!r} does not")
    return _between(name, start, stop, int(count), logarithmic)


def _between(
    name: str, start: float, stop: float, count: int, logarithmic: bool
) -> tuple[float, ...]:
    steps = count - 1
    if not logarithmic:
        inner = (start + (stop - start) * (k / steps) for k in range(1, steps))
        return (start, *inner, stop)
    if start <= 0:
        raise InputError(f"{name}: a logarithmic range begins above 0, not at {start:g}")
    ratio = stop / start
    return (start, *(start * ratio ** (k / steps) for k in range(1, steps)), stop)


def _number(name: str, value: object) -> float:
    if isinstance(value, str):
        return _from_expression(name, value.strip())
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise InputError(f"{name}: {value!r} is not a number; {_FORMS}") from None
    if isinstance(value, bool) or not math.isfinite(number):
        raise InputError(f"{name}: {value!r} is not a finite number")
    return number


def _from_expression(name: str, text: str) -> float:
    """Read decimals at once, and 3/2 or sqrt(2) in the grammar of expressions."""
    if _DECIMAL.fullmatch(text) and math.isfinite(number := float(text)):
        return number
    from freejac.symbolic.parsing import parse  # imports SymPy

    try:
        value = parse(text)
    except InputError as error:
        raise InputError(f"{name}: {error}; {_FORMS}") from None
    if not (value.is_number and value.is_finite and value.is_real):
        raise InputError(f"{name}: {text!r} is not a finite number")
    return float(value)
