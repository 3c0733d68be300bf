"""The oracle in two variables: E[f(u₁)g(u₂)] from its definition, at any number of digits.

Nothing here knows a closed form or an expansion of the density in orthogonal polynomials. The
double integral is taken on a grid of panels on the scale of the density. For c near ±1 that scale
is narrow; there u₂ given u₁ is integrated first, except where g has a breakpoint within reach.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import product

import flint
import mpmath
import sympy as sp
from mpmath import mp, mpf

from freejac.symbolic.ball_pieces import Ball, BallPieces, exact_values, number_ball
from freejac.symbolic.balls import midpoint, working_bits
from freejac.symbolic.bivariate_panels import panel_mean
from freejac.symbolic.bivariate_search import Axis
from freejac.symbolic.domain import Number, finite
from freejac.symbolic.errors import DomainError, NotConvergedError
from freejac.symbolic.line_quadrature import Factor, line_mean
from freejac.symbolic.narrow_quadrature import narrow_mean
from freejac.symbolic.piecewise import PiecewiseFunction
from freejac.symbolic.quadrature import exact_number, gaussian_mean
from freejac.symbolic.symmetry import dilated

__all__ = ["gaussian_mean2"]

Numbers = tuple[sp.Expr, sp.Expr, sp.Expr]

_GUARD_DIGITS = 25
_ATTEMPTS = 4
_NARROW = 0.04
_EFFORT = 3_000_000  # evaluations of one function, some 15 seconds


def gaussian_mean2(
    f: PiecewiseFunction,
    g: PiecewiseFunction,
    q1: Number,
    q2: Number,
    c: Number,
    digits: int = 30,
    parameters: Mapping[sp.Symbol, Number] | None = None,
) -> mpf:
    """E[f(u₁)g(u₂)], u₁ and u₂ centred Gaussian, by quadrature of the definition.

    Args:
        f: the function of u₁, with its Dirac deltas.
        g: the function of u₂, with its Dirac deltas.
        q1: variance of u₁, positive.
        q2: variance of u₂, positive.
        c: correlation, in [−1, 1].
        digits: digits the result is good to, relative to E|f(u₁)g(u₂)|.
        parameters: a value for every parameter of f and g.

    Returns:
        The mean at `digits` digits.

    Raises:
        DomainError: a variance is not positive, c not in [−1, 1], a parameter has no value, the
            mean is infinite, or deltas coincide at c = ±1.
        NotConvergedError: the integrand cannot be resolved by bisection, or not with three million
            evaluations of f or g.

    >>> from freejac.symbolic.piecewise import decompose
    >>> from freejac.symbolic.symbols import x
    >>> step = decompose(sp.Heaviside(x))
    >>> print(mpmath.nstr(gaussian_mean2(step, step, 1, 4, sp.Rational(1, 2)), 20))
    0.33333333333333333333
    """
    values = dict(parameters or {})
    numbers = _read(q1, q2, c, digits)
    if abs(numbers[2]) == 1 and (f.deltas or g.deltas):
        return gaussian_mean(_on_the_line(f, g, numbers, values), numbers[0], digits)
    guard = _GUARD_DIGITS
    for _ in range(_ATTEMPTS):
        bits = int((digits + guard) * math.log2(10)) + 1
        with mp.workprec(bits + 10), working_bits(bits):
            total, size = _Mean2(f, g, numbers, digits, values).value()
            if total.rad() <= flint.arb(10) ** (-digits - 1) * size.mid():
                with mp.workdps(digits):
                    return +midpoint(total)
        guard *= 2
    raise NotConvergedError("rounding errors exceed the precision; do the functions cancel?")


class _Mean2:
    """One evaluation at the present precision."""

    def __init__(
        self,
        f: PiecewiseFunction,
        g: PiecewiseFunction,
        numbers: Numbers,
        digits: int,
        parameters: Mapping[sp.Symbol, Number],
    ) -> None:
        self.digits = digits
        self.roots = [number_ball(number).sqrt() for number in numbers[:2]]
        self.c = number_ball(numbers[2])
        self.s = ((1 - self.c) * (1 + self.c)).sqrt()
        self.functions = f, g
        self.pieces = [BallPieces(function, parameters, _EFFORT) for function in (f, g)]
        self.deltas = [_deltas(function, parameters) for function in (f, g)]

    def value(self) -> tuple[Ball, Ball]:
        """The mean, and the mean of absolute values."""
        parts = [self._regular()]
        for which, deltas in enumerate(self.deltas):
            parts += [self._delta(which, *delta) for delta in deltas]
        parts += [self._two_deltas(*pair) for pair in product(*self.deltas)]
        totals, sizes = zip(*parts, strict=True)
        return sum(totals, flint.arb(0)), sum(sizes, flint.arb(0))

    def _regular(self) -> tuple[Ball, Ball]:
        first, second = self.pieces
        if self.c == 0:
            means = [
                line_mean([Factor(pieces, flint.arb(0), root)], self.digits + 2)
                for pieces, root in zip(self.pieces, self.roots, strict=True)
            ]
            return means[0][0] * means[1][0], means[0][1] * means[1][1]
        if self.s == 0:
            factors = [
                Factor(first, flint.arb(0), self.roots[0]),
                Factor(second, flint.arb(0), self.c * self.roots[1]),
            ]
            return line_mean(factors, self.digits)
        if float(self.s) < _NARROW:
            # The function of the narrower variable varies less over the narrow law.
            order = (0, 1) if self.roots[0] >= self.roots[1] else (1, 0)
            pieces, roots = [self.pieces[k] for k in order], [self.roots[k] for k in order]
            return narrow_mean(pieces, roots, self.c, self.s, self.digits)
        axes = [Axis(p, r, flint.arb(0)) for p, r in zip(self.pieces, self.roots, strict=True)]
        return panel_mean((axes[0], axes[1]), self.c, self.s, self.digits)

    def _delta(self, which: int, at: Ball, order: int, jump: Ball) -> tuple[Ball, Ball]:
        """E[w δ⁽ᵏ⁾(u − b) h(v)], from (−1)ᵏ times the k-th derivative of the density at b.

        With λ = b/√q and v = √q′(cλ + s w), the density of (u, v) as a function of u has the
        derivative (−1)ᵏ Heₖ(sλ − c w) (s√q)⁻ᵏ times itself.
        """
        c, s, root = self.c, self.s, self.roots[which]
        level = at / root
        scale = jump / root * (-level * level / 2).exp() / (2 * flint.arb.pi()).sqrt()
        other = self.roots[1 - which]
        factor = Factor(self.pieces[1 - which], other * c * level, other * s)
        weight = None if order == 0 else lambda w: _hermite(order, s * level - c * w)
        total, size = line_mean([factor], self.digits, weight)
        scale = scale / (s * root) ** order
        return total * scale, size * abs(scale)

    def _two_deltas(
        self, first: tuple[Ball, int, Ball], second: tuple[Ball, int, Ball]
    ) -> tuple[Ball, Ball]:
        """(−1)^{j+k} ∂ʲ∂ᵏ of the joint density at the two places."""
        c, s = midpoint(self.c), midpoint(self.s)
        roots = [midpoint(root) for root in self.roots]

        def density(u: mpf, v: mpf) -> mpf:
            a, b = u / roots[0], v / roots[1]
            return mpmath.exp(-(((a - c * b) / s) ** 2 + b * b) / 2) / (
                2 * mp.pi * s * roots[0] * roots[1]
            )

        orders = first[1], second[1]
        point = midpoint(first[0]), midpoint(second[0])
        slope = mpmath.diff(density, point, orders) if any(orders) else density(*point)
        value = flint.arb((-1) ** sum(orders) * slope) * first[2] * second[2]
        return value, abs(value)


def _hermite(order: int, point: Ball) -> Ball:
    """Heₖ, by Heₖ₊₁ = t Heₖ − k Heₖ₋₁."""
    before, value = flint.arb(0), flint.arb(1)
    for k in range(order):
        before, value = value, point * value - k * before
    return value


def _read(q1: Number, q2: Number, c: Number, digits: int) -> Numbers:
    """The variances and the correlation as exact numbers."""
    names = "the variance q1", "the variance q2", "the correlation"
    with mp.workdps(digits + _GUARD_DIGITS):
        numbers = [finite(name, value) for name, value in zip(names, (q1, q2, c), strict=True)]
        for name, number in zip(names[:2], numbers[:2], strict=True):
            if not number > 0:
                raise DomainError(f"{name} must be positive, not {mpmath.nstr(number, 6)}")
        if not abs(numbers[2]) <= 1:
            raise DomainError(f"the correlation must lie in [-1, 1], not {c}")
    first, second, third = (
        value if isinstance(value, sp.Expr) else exact_number(number)
        for value, number in zip((q1, q2, c), numbers, strict=True)
    )
    return first, second, third


def _on_the_line(
    f: PiecewiseFunction,
    g: PiecewiseFunction,
    numbers: Numbers,
    parameters: Mapping[sp.Symbol, Number],
) -> PiecewiseFunction:
    """f(u) g(±√(q₂/q₁) u), what is left of both at c = ±1."""
    q1, q2, c = numbers
    first, second = (h.subs(exact_values(h, parameters)) for h in (f, g))
    return first * dilated(second, c * sp.sqrt(q2 / q1))


def _deltas(
    function: PiecewiseFunction, parameters: Mapping[sp.Symbol, Number]
) -> list[tuple[Ball, int, Ball]]:
    exact = exact_values(function, parameters)
    return [
        (number_ball(d.location.subs(exact)), d.order, number_ball(d.weight.subs(exact)))
        for d in function.deltas
    ]
