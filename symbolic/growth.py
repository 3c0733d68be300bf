"""Exponentials exp(a x²) that grow, a > 0, against the Gaussian weight exp(−x²/2q).

On an unbounded interval the mean is infinite from q = 1/(2a) on. On a bounded one it is finite
for every q: below 1/(2a) and above it the general formula holds (above it, with erfi in place of
erf), and at q = 1/(2a) the weights cancel and an elementary integral is left. Two variables bear
what leaves their joint density falling in every direction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product

import sympy as sp

from freejac.symbolic.gaussian import Leaf, Parts, add_parts, outgrown
from freejac.symbolic.integrands import Located
from freejac.symbolic.signs import sign_of
from freejac.symbolic.surds import Field, Surd
from freejac.symbolic.symbols import x
from freejac.symbolic.terms import Obstruction, Term

__all__ = ["integrate_flat", "require_joint_decay", "split_flat"]


def split_flat(terms: Iterable[Located], variance: Surd) -> tuple[list[Located], list[Located]]:
    """Terms for the general formula, and those whose exponential cancels the Gaussian weight.

    Raises:
        Obstruction: the mean is infinite, or may be.
        Undecided: 1 − 2aq may have either sign, and the two have different formulas.
    """
    ordinary: list[Located] = []
    flat: list[Located] = []
    for located in terms:
        quadratic = -variance.field.whole(-located.term.quadratic)
        shrink = 1 - 2 * quadratic * variance
        sign = shrink.sign()
        if sign != 1 and (located.lower.is_infinite or located.upper.is_infinite):
            raise outgrown(quadratic)
        if sign is None:
            sign = sign_of(shrink.expr())
        (ordinary if sign else flat).append(located)
    return ordinary, flat


def require_joint_decay(
    first: Iterable[Located], second: Iterable[Located], covariance: Sequence[Sequence[Surd]]
) -> None:
    """Refuse pairs of exponentials that grow faster than the density of two variables falls.

    exp(a h₁² + b h₂²) has a finite mean if and only if V⁻¹ − 2 diag(a, b) is positive definite, V
    the covariance. Bounded intervals are no exception here.

    Raises:
        Obstruction: there is such a pair, or one that may be.
    """
    field = covariance[0][0].field
    rates = [{-field.whole(-located.term.quadratic) for located in own} for own in (first, second)]
    for a, b in product(*rates):
        grows = [rate for rate in (a, b) if rate and rate.sign() != -1]
        if not grows:
            continue
        (variance_1, shared), (_, variance_2) = covariance
        alone = [1 - 2 * a * variance_1, 1 - 2 * b * variance_2]
        together = alone[0] * alone[1] - 4 * a * b * shared**2
        if any(condition.sign() != 1 for condition in (*alone, together)):
            raise outgrown(grows[0]) if len(grows) == 1 else _outgrown_together(a, b)


def _outgrown_together(a: Surd, b: Surd) -> Obstruction:
    first, second = (sp.exp(rate.expr() * x**2) for rate in (a, b))
    return Obstruction(f"{first} and {second} together may outgrow the Gaussian weight")


def integrate_flat(located: Located, variance: Surd) -> Parts:
    """∫ coefficient · xⁿ · Re exp(βx + γ) dx/√(2πq) over a bounded interval, β and γ complex."""
    field, term = variance.field, located.term
    if term.erfs:
        raise Obstruction("an error function under a weight that is constant")
    weight = field.number(term.coefficient) / (field.number(2 * sp.pi) * variance).sqrt()
    rate, constant = _exponent(term, field)
    parts: Parts = {}
    for end, sign in ((located.upper, 1), (located.lower, -1)):
        at = field.number(end)
        add_parts(parts, _primitive(term.power, rate, at), weight * sign, constant)
    return parts


def _exponent(term: Term, field: Field) -> tuple[Surd, Surd]:
    rate, constant = field.number(term.linear), field.number(term.constant)
    if term.wave is None:
        return rate, constant
    omega, delta = (field.number(part) for part in term.wave)
    return rate + field.i * omega, constant + field.i * delta


def _primitive(power: int, rate: Surd, at: Surd) -> Parts:
    """∫ xⁿ exp(βx) dx at a point: by parts, ∫ = xⁿ exp(βx)/β − (n/β) ∫ xⁿ⁻¹ exp(βx)."""
    zero = rate * 0
    if not rate:
        return {(zero, Leaf()): at ** (power + 1) / (power + 1)}
    inverse = rate.conjugate() / (rate * rate.conjugate())
    total = inverse
    for n in range(1, power + 1):
        total = (at**n - n * total) * inverse
    return {(rate * at, Leaf()): total}
