"""A factor q − q₀ of a mean that vanishes at q₀, relatively exact however near q is.

>>> difference("0.3333333333333333", "1.85e-17"), difference("2.0", "-1e-17")
('(q - 0.3333333333333333 - 1.85e-17)', '(q - 2.0 + 1e-17)')
"""

from __future__ import annotations

from typing import Any

import flint

__all__ = ["difference", "halves", "signed"]


def difference(high: str, low: str) -> str:
    """The code of q − q₀, with q₀ as the nearest double and what it lacks; q − high is exact."""
    return f"(q - {high} {signed(low, negated=True)})"


def halves(zero: Any) -> tuple[str, str]:
    """A ball as the nearest double and what it lacks."""
    high = float(zero.mid())
    return repr(high), repr(float((zero - flint.arb(high)).mid()))


def signed(number: str, *, negated: bool = False) -> str:
    """A number, or minus it, as the end of a sum.

    >>> signed("-2.5"), signed("2.5"), signed("2.5", negated=True)
    ('- 2.5', '+ 2.5', '- 2.5')
    """
    negative = number.startswith("-")
    return f"{'-' if negative != negated else '+'} {number.removeprefix('-')}"
