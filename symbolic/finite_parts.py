"""Finite parts of ∫ xⁿ f(x) dx for piecewise smooth f with Dirac deltas.

The finite part subtracts the polynomials that f approaches at ±∞, P₊ on x > 0 and P₋ on x < 0. It
is what the expansion of a Gaussian mean at infinite variance is made of. Each piece is integrated
in closed form in one of two classes (`finite_erf`, `finite_exponential`) or left as a
`LineIntegral`.

>>> from freejac.symbolic.piecewise import decompose
>>> hard_tanh = FiniteParts(decompose(sp.Min(1, sp.Max(-1, x))))
>>> hard_tanh.right, hard_tanh.left, hard_tanh.integral(1)
({0: 1}, {0: -1}, -1/3)
"""

from __future__ import annotations

from typing import TypeAlias

import sympy as sp

from freejac.symbolic.errors import NoClosedForm
from freejac.symbolic.finite_erf import ErfSum, is_short
from freejac.symbolic.finite_exponential import ExponentialSum
from freejac.symbolic.line_integrals import LineIntegral
from freejac.symbolic.piecewise import Piece, PiecewiseFunction
from freejac.symbolic.polynomial_growth import polynomial_at_infinity
from freejac.symbolic.symbols import x

__all__ = ["FiniteParts"]

Form: TypeAlias = ErfSum | ExponentialSum
Powers: TypeAlias = dict[int, sp.Expr]


class FiniteParts:
    """A function prepared for the finite parts of its moments.

    Args:
        f: the function.

    Attributes:
        right: powers and coefficients of the polynomial approached at +∞.
        left: the same at −∞.

    Raises:
        NoClosedForm: f grows faster than a polynomial, or approaches its growth slowly.
        Undecided: a parameter's sign decides, and is not declared.
    """

    def __init__(self, f: PiecewiseFunction) -> None:
        """Sort the pieces into classes, and find the growth at both ends."""
        self._deltas = f.deltas
        self._pieces = [_Prepared(piece) for piece in f.pieces]
        self.right = self._pieces[-1].polynomial(1)
        self.left = self._pieces[0].polynomial(-1)

    def integral(self, power: int) -> sp.Expr:
        """The finite part of ∫ xⁿ f(x) dx, Dirac deltas counted."""
        total = sp.Add(*(prepared.integral(power) for prepared in self._pieces))
        for delta in self._deltas:
            slope = sp.diff(x**power, x, delta.order).subs(x, delta.location)
            total += (-1) ** delta.order * delta.weight * slope
        return sp.expand(total)


class _Prepared:
    """A piece, in a class that has closed forms if there is one."""

    def __init__(self, piece: Piece) -> None:
        self.piece = piece
        self._forms = _forms(piece.expr)

    def polynomial(self, side: int) -> Powers:
        """The polynomial approached at one end."""
        if not self._forms:
            return polynomial_at_infinity(self.piece.expr, side)
        total: Powers = {}
        for form in self._forms:
            for n, weight in form.polynomial(side).items():
                total[n] = total.get(n, sp.S.Zero) + weight
        return total

    def integral(self, power: int) -> sp.Expr:
        """The finite part over the piece."""
        lower, upper = self.piece.lower, self.piece.upper
        parts = [_closed(form, lower, upper, power) for form in self._forms]
        if parts and all(part is not None for part in parts):
            return sp.Add(*parts)
        return self._unevaluated(power)

    def _unevaluated(self, power: int) -> sp.Expr:
        """What is left to quadrature: ∫ xⁿ(f − P) dx, on either side of 0 if need be."""
        if any(isinstance(form, ErfSum) and form.oscillates for form in self._forms):
            raise NoClosedForm(
                f"∫ x**{power}*({self.piece.expr}) dx", "it oscillates without decaying"
            )
        lower, upper = self.piece.lower, self.piece.upper
        if upper != sp.oo and lower != -sp.oo:
            return LineIntegral(x**power * self.piece.expr, (x, lower, upper))
        if upper == sp.oo and lower == -sp.oo:
            return self._ray(sp.S.Zero, -1, power) + self._ray(sp.S.Zero, 1, power)
        return self._ray(*((lower, 1) if upper == sp.oo else (upper, -1)), power)

    def _ray(self, end: sp.Expr, side: int, power: int) -> sp.Expr:
        """From a finite end outwards; the polynomial's own finite part is −side·∫₀ᵉⁿᵈ."""
        growth = self.polynomial(side)
        polynomial = sp.Add(*(weight * x**n for n, weight in growth.items()))
        below = sp.Add(
            *(weight * end ** (n + power + 1) / (n + power + 1) for n, weight in growth.items())
        )
        limits = (x, end, sp.oo) if side > 0 else (x, -sp.oo, end)
        return LineIntegral(x**power * (self.piece.expr - polynomial), limits) - side * below


def _forms(expr: sp.Expr) -> list[Form]:
    """Parts of an expression, each in a class with closed forms; empty when there is none."""
    whole = ErfSum.of(expr) or ExponentialSum.of(expr)
    if whole is not None:
        return [whole]
    if not is_short(expr):
        return []
    summands = {term: ErfSum.of(term) for term in sp.Add.make_args(sp.expand(expr))}
    inside = ErfSum.of(sp.Add(*(term for term, form in summands.items() if form is not None)))
    outside = ExponentialSum.of(sp.Add(*(term for term, form in summands.items() if form is None)))
    return [] if inside is None or outside is None else [inside, outside]


def _closed(form: Form, lower: sp.Expr, upper: sp.Expr, power: int) -> sp.Expr | None:
    if isinstance(form, ErfSum):
        try:
            return form.integral(lower, upper, power)
        except NoClosedForm:
            return None
    if lower == -sp.oo and upper == sp.oo:
        return form.line(power)
    if (lower, upper) in ((0, sp.oo), (-sp.oo, 0)):
        return form.half_line(1 if upper == sp.oo else -1, power)
    return None
