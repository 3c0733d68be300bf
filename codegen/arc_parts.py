"""A closed form with one arcsine, taken apart for c < 0.

A dual D = R₀ + P asin(κc) + R₁ √(1 − κ²c²), R₀, P and R₁ rational, is with θ = acos(κ|c|)

    D = R₀ ± (π/2) P + (R₁ sin θ ∓ P θ),    the upper sign for c > 0.

Where R₁(c) = ε R₁(−c) and P(c) = −ε P(−c), the last bracket at c > 0 is ε times that at −c: one
function of |c| serves both signs.

>>> from freejac.symbolic.symbols import q
>>> parts = arc_parts(c * q * sp.asin(c) / 2 + q * sp.sqrt(1 - c**2) / 2)
>>> parts.sign, parts.outside(1), parts.low, parts.high
(1, pi*c*q/4, up, down)
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from freejac.codegen.angle import in_tangent, linear_in_arcsine, tangent
from freejac.codegen.correlation import paired
from freejac.symbolic.symbols import c

__all__ = ["ArcParts", "arc_parts", "square"]

square = sp.Symbol("z", positive=True)
"""τ², τ = tan(θ/2)."""


@dataclass(frozen=True)
class ArcParts:
    """R₀ + P asin(κc) + R₁ √(1 − κ²c²) with a bracket that is even or odd in c.

    Attributes:
        rest, factor: R₀ and P.
        sine: R₁ √(1 − κ²c²)/τ as it is for c < 0, in c.
        below, above: κ is above/below.
        sign: ε.
    """

    rest: sp.Expr
    factor: sp.Expr
    sine: sp.Expr
    below: sp.Expr
    above: sp.Expr
    sign: int

    @property
    def low(self) -> sp.Expr:
        """1 − κ|c| times the denominator of κ, for c < 0; τ² is low/high."""
        return paired(self.below + self.above * c)

    @property
    def high(self) -> sp.Expr:
        """1 + κ|c| times the denominator of κ, for c < 0."""
        return paired(self.below - self.above * c)

    def outside(self, side: int) -> sp.Expr:
        """What is not in the bracket, for c of this sign."""
        return sp.factor(self.rest + side * sp.pi / 2 * self.factor)


def arc_parts(closed: sp.Expr) -> ArcParts | None:
    """The parts of a closed form; None where it has not the form, or no bracket of one parity."""
    split = linear_in_arcsine(closed)
    if split is None:
        return None
    ratio, factor, rest = split
    inside = sp.cancel(sp.together(in_tangent(rest, ratio)))
    if inside.has(c) or any(not p.exp.is_Integer for p in inside.atoms(sp.Pow) if p.has(tangent)):
        return None
    below, above = sp.fraction(sp.together(ratio))[::-1]
    place = (below + above * c) / (below - above * c)
    turned = inside.subs(tangent, -tangent)
    # A root is odd in τ, and what has none is even.
    even, odd = (
        sp.cancel(sp.cancel(sp.together(part)).subs(tangent, sp.sqrt(square)).subs(square, place))
        for part in ((inside + turned) / 2, (inside - turned) / (2 * tangent))
    )
    sine = sp.cancel(odd * (1 + place) / 2)
    for sign in (1, -1):
        pairs = ((factor, -sign), (sine, sign))
        if all(sp.cancel(part.subs(c, -c) - own * part) == 0 for part, own in pairs):
            return ArcParts(sp.factor(even), sp.factor(factor), odd, below, above, sign)
    return None
