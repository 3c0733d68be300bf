"""Gaussian integrals of polynomials × exponentials × signs: the mechanisms behind `expect`.

Everything the closed-form engine covers is an expectation over one or two Gaussian variables of
polynomial × exponential of a quadratic × Π sign(yⱼ), yⱼ = αⱼ xᵢ + βⱼ + noise: a breakpoint a is
the factor sign(x − a), and erf(αx + β) is the mean of sign(αx + β + ξ/√2), ξ ~ N(0, 1). Then

* tilting absorbs the exponential into the Gaussian measure (a wave makes its mean complex);
* Stein's identity E[xᵢ g] = mᵢ E[g] + Σₖ Vᵢₖ E[∂ₖ g] lowers powers. The derivative of a sign is
  a Dirac delta, and conditioning on yⱼ = 0 leaves an integral of the same kind with a sign less;
* what is left are means of products of signs: orthant probabilities. One sign gives erf, two the
  bivariate normal distribution, an odd number centred at the origin gives 0, and more have no
  closed form.

Price's theorem, the recursions for truncated moments and those for quadrant moments are all
special cases of the second step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

import sympy as sp

from freejac.symbolic.integrands import Shape
from freejac.symbolic.surds import Surd
from freejac.symbolic.symbols import x
from freejac.symbolic.terms import Obstruction

__all__ = [
    "Leaf",
    "Measure",
    "Moments",
    "Parts",
    "Polynomial",
    "Sign",
    "add_parts",
    "integrate",
    "outgrown",
    "tilted",
]


@dataclass(frozen=True)
class Sign:
    """The factor sign(slope · x[axis] + offset + √noise · ξ), ξ ~ N(0, 1) independent of all.

    Attributes:
        axis: which variable.
        slope, offset: an affine function of it.
        noise: a variance: 0 for a breakpoint, 1/2 for an error function.
    """

    axis: int
    slope: Surd
    offset: Surd
    noise: Surd


@dataclass(frozen=True)
class Leaf:
    """What is left of an integral: 1, erf(h/√2), or E[sign(X + h) sign(Y + k)] at correlation r.

    Attributes:
        arguments: (), (h,) or (h, k, r).
    """

    arguments: tuple[Surd, ...] = ()


Polynomial: TypeAlias = dict[tuple[int, ...], Surd]
"""Coefficients by the powers of the variables."""
Parts: TypeAlias = dict[tuple[Surd, Leaf], Surd]
"""Σ coefficient · exp(exponent) · leaf, as a mapping (exponent, leaf) → coefficient."""


def _add_part(parts: Parts, exponent: Surd, leaf: Leaf, coefficient: Surd) -> None:
    """Add to a sum of parts."""
    key = (exponent, leaf)
    total = parts[key] + coefficient if key in parts else coefficient
    if total:
        parts[key] = total
    else:
        parts.pop(key, None)


@dataclass(frozen=True)
class Measure:
    """weight · exp(exponent) · N(mean, covariance); the mean may be complex."""

    weight: Surd
    exponent: Surd
    mean: tuple[Surd, ...]
    covariance: tuple[tuple[Surd, ...], ...]

    def pinned(self, sign: Sign) -> Measure:
        """Condition on the argument of a sign being 0; the weight is its density there."""
        level, variance = self.level(sign), self.variance(sign)
        i = sign.axis
        pull = [sign.slope * row[i] / variance for row in self.covariance]
        return Measure(
            weight=(level.field.number(2 * sp.pi) * variance).sqrt() ** -1,
            exponent=level**2 / variance / -2,
            mean=tuple(m - a * level for m, a in zip(self.mean, pull, strict=True)),
            covariance=tuple(
                tuple(old - a * sign.slope * self.covariance[i][k] for k, old in enumerate(row))
                for a, row in zip(pull, self.covariance, strict=True)
            ),
        )

    def level(self, sign: Sign) -> Surd:
        """Mean of the argument of a sign."""
        return sign.slope * self.mean[sign.axis] + sign.offset

    def variance(self, sign: Sign) -> Surd:
        """Variance of the argument of a sign."""
        return sign.slope**2 * self.covariance[sign.axis][sign.axis] + sign.noise

    def covariance_of(self, first: Sign, second: Sign) -> Surd:
        """Covariance of the arguments of two signs."""
        return first.slope * second.slope * self.covariance[first.axis][second.axis]


class Moments:
    """E[xⁿ Π sign(yⱼ)] under a measure, for all powers n, without the measure's own prefactor."""

    def __init__(self, measure: Measure, signs: tuple[Sign, ...]) -> None:
        """Start from power 0."""
        self._measure = measure
        self._signs = signs
        self._known: dict[tuple[int, ...], Parts] = {}
        self._pinned: dict[int, tuple[Measure, Moments]] = {}

    def of(self, powers: tuple[int, ...]) -> Parts:
        """Moment of the given powers, one for every variable."""
        # Ascending, so that no recursion is deeper than one step.
        for lower in product(*(range(n + 1) for n in powers)):
            if lower not in self._known:
                self._known[lower] = self._one(lower)
        return self._known[powers]

    def _one(self, powers: tuple[int, ...]) -> Parts:
        axis = next((i for i, n in enumerate(powers) if n), None)
        if axis is None:
            return self._orthant()
        parts: Parts = {}
        lowered = _lower(powers, axis)
        mean, covariance = self._measure.mean, self._measure.covariance
        if mean[axis]:
            add_parts(parts, self._known[lowered], mean[axis])
        for other, n in enumerate(lowered):
            if n:
                add_parts(parts, self._known[_lower(lowered, other)], covariance[axis][other] * n)
        for j, sign in enumerate(self._signs):
            pull = covariance[axis][sign.axis] * sign.slope
            if pull:
                density, rest = self._boundary(j)
                add_parts(parts, rest.of(lowered), density.weight * pull * 2, density.exponent)
        return parts

    def _boundary(self, j: int) -> tuple[Measure, Moments]:
        """The integral over yⱼ = 0: density and remaining moments."""
        if j not in self._pinned:
            measure = self._measure.pinned(self._signs[j])
            rest = self._signs[:j] + self._signs[j + 1 :]
            self._pinned[j] = measure, Moments(measure, rest)
        return self._pinned[j]

    def _orthant(self) -> Parts:
        """E[Π sign(yⱼ)]."""
        signs, measure = self._signs, self._measure
        zero = measure.weight * 0
        one = zero + 1
        if not signs:
            return {(zero, Leaf()): one}
        levels = [measure.level(sign) for sign in signs]
        if len(signs) % 2 and not any(levels):
            return {}
        if len(signs) > 2:
            raise Obstruction(
                f"a product of {len(signs)} error functions or steps needs a {len(signs)}-"
                "dimensional orthant probability"
            )
        spread = [measure.variance(sign).sqrt() for sign in signs]
        heights = tuple(level / width for level, width in zip(levels, spread, strict=True))
        if len(signs) == 1:
            return {(zero, Leaf(heights)): one}
        if any(height.imaginary for height in heights):
            raise Obstruction(
                "a wave with two error functions or steps needs a bivariate normal distribution "
                "of complex argument"
            )
        correlation = measure.covariance_of(*signs) / spread[0] / spread[1]
        return {(zero, Leaf((*heights, correlation))): one}


def _lower(powers: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return tuple(n - (i == axis) for i, n in enumerate(powers))


def add_parts(
    parts: Parts, others: Parts, factor: Surd | None = None, exponent: Surd | None = None
) -> None:
    """Add another sum of parts, times factor · exp(exponent)."""
    for (old, leaf), coefficient in others.items():
        _add_part(
            parts,
            old if exponent is None else old + exponent,
            leaf,
            coefficient if factor is None else coefficient * factor,
        )


def tilted(covariance: Sequence[Sequence[Surd]], shapes: Sequence[Shape]) -> Measure:
    """Absorb one exponential of a quadratic for each axis into a centred Gaussian measure.

    The variance of an exponential that outgrows the weight is negative; see `growth` for when that
    makes sense.
    """
    field = covariance[0][0].field
    weight, matrix = field.one, [list(row) for row in covariance]
    for axis, shape in enumerate(shapes):
        if not shape.quadratic:
            continue
        column = [row[axis] for row in matrix]
        shrink = 1 - 2 * shape.quadratic * column[axis]
        # The root that belongs to +√ of the new variance, should that be negative.
        weight = weight / shrink.sqrt().conjugate()
        pull = [2 * shape.quadratic * entry / shrink for entry in column]
        matrix = [
            [old + a * b for old, b in zip(row, column, strict=True)]
            for a, row in zip(pull, matrix, strict=True)
        ]
    linear = [shape.linear for shape in shapes]
    mean = tuple(
        sum((v * b for v, b in zip(row, linear, strict=True)), field.zero) for row in matrix
    )
    exponent = sum((shape.constant for shape in shapes), field.zero)
    for b, m in zip(linear, mean, strict=True):
        exponent = exponent + b * m / 2
    return Measure(weight, exponent, mean, tuple(map(tuple, matrix)))


def outgrown(quadratic: Surd) -> Obstruction:
    """Why exp(quadratic · x²) has no finite mean, or may have none."""
    coefficient = quadratic.expr()
    exponential = sp.exp(coefficient * x**2)
    if quadratic.sign() == 1:
        return Obstruction(
            f"{exponential} outgrows the Gaussian weight at a variance of "
            f"{1 / (2 * coefficient)} or more"
        )
    return Obstruction(f"the sign of {coefficient} in {exponential} is not known; declare it")


def integrate(
    covariance: Sequence[Sequence[Surd]], shapes: Sequence[Shape], powers: Polynomial
) -> Parts:
    """E[Σ coefficient · xⁿ · Π shapes] over centred Gaussian variables, one shape for each.

    Raises:
        Obstruction: it has no closed form in the class, and why.
    """
    measure = tilted(covariance, shapes)
    weight, exponent = measure.weight, measure.exponent
    for axis, shape in enumerate(shapes):
        if shape.pin is None:
            continue
        for _ in range(shape.pin.order):
            powers = _by_parts(measure, powers, axis)
        edge = Sign(axis, weight.field.one, -shape.pin.location, weight.field.zero)
        measure = measure.pinned(edge)
        weight, exponent = weight * measure.weight, exponent + measure.exponent
    signs = tuple(
        Sign(axis, step.slope, step.offset, step.noise)
        for axis, shape in enumerate(shapes)
        for step in shape.steps
    )
    moments = Moments(measure, signs)
    parts: Parts = {}
    for power, coefficient in powers.items():
        add_parts(parts, moments.of(power), coefficient * weight, exponent)
    return parts


def _by_parts(measure: Measure, powers: Polynomial, axis: int) -> Polynomial:
    """Lower the order of a delta: E[δ′(xᵢ) Q] = E[δ(xᵢ) ((V⁻¹(x − m))ᵢ Q − ∂ᵢQ)]."""
    total: Polynomial = {}

    def add(power: tuple[int, ...], coefficient: Surd) -> None:
        total[power] = total[power] + coefficient if power in total else coefficient

    for power, coefficient in powers.items():
        for other, entry in enumerate(_inverse_row(measure.covariance, axis)):
            raised = tuple(n + (i == other) for i, n in enumerate(power))
            add(raised, coefficient * entry)
            add(power, -coefficient * entry * measure.mean[other])
        if power[axis]:
            add(_lower(power, axis), -coefficient * power[axis])
    return total


def _inverse_row(matrix: Sequence[Sequence[Surd]], row: int) -> list[Surd]:
    """One row of the inverse of a symmetric 1 × 1 or 2 × 2 matrix."""
    if len(matrix) == 1:
        return [matrix[0][0] ** -1]
    determinant = matrix[0][0] * matrix[1][1] - matrix[0][1] ** 2
    cofactors = [-matrix[0][1] / determinant] * 2
    cofactors[row] = matrix[1 - row][1 - row] / determinant
    return cofactors
