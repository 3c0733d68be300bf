"""Rounded decimals: what a number that is printed to some digits can stand for.

>>> rounded(0.394)
(197/500, 1/2000)
>>> rounded("-1.50e3")
(-1500, 5)
"""

from __future__ import annotations

import re
from typing import Any

import sympy as sp

from freejac.symbolic.errors import InputError

__all__ = ["rounded"]

_DECIMAL = re.compile(r"[+-]?([0-9]+)(\.([0-9]*))?([eE]([+-]?[0-9]{1,3}))?")


def rounded(value: Any) -> tuple[sp.Rational, sp.Rational]:
    """A decimal as printed, exactly, and half a unit of its last digit (0 for an integer).

    Args:
        value: text of a decimal, or a Python, NumPy or SymPy number.

    Raises:
        InputError: it is no finite decimal number.
    """
    text = _printed(value)
    match = _DECIMAL.fullmatch(text) if len(text) <= 400 else None
    if match is None:
        raise InputError(f"a decimal number is needed, not {value!r}")
    places = match[3]
    exponent = int(match[5] or 0)
    if places is None and match[4] is None:
        return sp.Rational(text), sp.Rational(0)
    unit = sp.Rational(10) ** (exponent - len(places or ""))
    return sp.Rational(text), unit / 2


def _printed(value: Any) -> str:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, sp.Float):
        return repr(float(value)) if value._prec <= 53 else str(value)
    if isinstance(value, (int, sp.Integer)):
        return str(value)
    try:
        return repr(float(value))
    except (TypeError, ValueError):
        raise InputError(f"a decimal number is needed, not {value!r}") from None
