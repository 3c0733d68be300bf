"""A polynomial that code evaluates by Horner's rule.

>>> import sympy as sp
>>> u = sp.Symbol("u")
>>> Horner(u, 1, 0, 3).rewrite(sp.Add)
3*u**2 + 1
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp

from freejac.codegen.zero_factors import signed

__all__ = ["SHORT", "Horner", "quotient_lines"]

SHORT = 6
"""As many terms take Horner's rule: fewer constants are loaded, and no more digits are lost."""


class Horner(sp.Function):
    """The polynomial c_0 + c_1 u + … + c_n uⁿ with the arguments (u, c_0, …, c_n)."""

    def _eval_rewrite(self, rule: Any, args: Any, **hints: Any) -> sp.Expr:
        u, *coefficients = args
        return sp.Add(*(c * u**k for k, c in enumerate(coefficients)))

    def _eval_evalf(self, prec: int) -> sp.Expr:
        return self.rewrite(sp.Add)._eval_evalf(prec)

    @staticmethod
    def _imp_(u: Any, *coefficients: Any) -> Any:
        total = coefficients[-1]
        for coefficient in reversed(coefficients[:-1]):
            total = total * u + coefficient
        return total


def quotient_lines(
    names: tuple[str, str],
    sides: tuple[Sequence[str], Sequence[str]],
    root: str,
    square: str,
    stem: str = "",
    short: int = SHORT,
) -> list[str]:
    """Assignments of two polynomials in a root that are to be divided.

    Even and odd part of each are polynomials in the square, or in what is added to a number there.
    If all are short they take Horner's rule; longer ones are summed in pairs (Estrin's scheme): the
    roundings follow one another in three or four steps, not seven or eight, and those of the powers
    are the same above and below.

    Args:
        names: what the polynomials are assigned to.
        sides: texts of doubles, the constant first, of each.
        root: the name of the argument.
        square: the name of its square, or of what the parts are polynomials in.
        stem: what names of intermediate results begin with.
        short: the most terms that take Horner's rule.

    >>> quotient_lines(("p", "r"), (("1.0", "2.0", "-3.0"), ("1.0", "5.0")), "t", "q")
    ['even_0 = -3.0 * q + 1.0', 'p = 2.0 * t + even_0', 'r = 5.0 * t + 1.0']
    >>> quotient_lines(("p", "r"), (("2.0", "3.0", "1.0"), ("4.0",)), "t", "q")
    ['even_0 = q + 2.0', 'p = 3.0 * t + even_0', 'r = 4.0']
    """
    powers, lines = [square], list[str]()
    longest = max((len(side) + 1) // 2 for side in sides)
    while longest > short and 2 ** len(powers) < longest:
        powers.append(f"{stem}power_{2 ** len(powers)}")
        lines.append(f"{powers[-1]} = {powers[-2]} * {powers[-2]}")
    for name, numbers in zip(names, sides, strict=True):
        parts = []
        for part, own in (("even", numbers[0::2]), ("odd", numbers[1::2])):
            more, result = _in_pairs(f"{stem}{part}", own, powers)
            lines += more
            parts.append(result)
        even, odd = parts
        lines.append(f"{name} = {odd} * {root} {signed(even)}" if odd else f"{name} = {even}")
    return lines


def _in_pairs(
    stem: str, coefficients: Sequence[str], powers: Sequence[str]
) -> tuple[list[str], str]:
    """Assignments, and the name or number that is the polynomial; "" for none at all."""
    terms, lines = list(coefficients), list[str]()
    if len(powers) == 1 and len(terms) > 2:
        *rest, total = terms
        for coefficient in reversed(rest):
            lines.append(f"{stem} = {_product(total, powers[0])} {signed(coefficient)}")
            total = stem
        return lines, total
    for power in powers:
        if len(terms) < 2:
            break
        paired = []
        for k in range(0, len(terms) - 1, 2):
            name = f"{stem}_{k // 2}"
            lines.append(f"{name} = {_product(terms[k + 1], power)} {signed(terms[k])}")
            paired.append(name)
        terms = paired + (terms[-1:] if len(terms) % 2 else [])
    return lines, terms[0] if terms else ""


def _product(factor: str, power: str) -> str:
    return power if factor == "1.0" else f"{factor} * {power}"
