"""Integrands in the class of the engine: sums of polynomial × exponential × signs in one variable.

A breakpoint is written with sign(x − a), and an error function as the mean of a noisy sign, so
that all pieces of a function become one sum whose equal terms are joined.

>>> from freejac.symbolic.piecewise import decompose
>>> from freejac.symbolic.surds import Field
>>> relu = decompose(sp.Max(0, x))
>>> total = signed_sum(collect(relu), (), Field([]))
>>> [(len(shape.steps), powers) for shape, powers in total.items()]
[(1, {1: 1/2}), (0, {1: 1/2})]
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import sympy as sp

from freejac.symbolic.piecewise import Delta, PiecewiseFunction
from freejac.symbolic.surds import Field, Surd
from freejac.symbolic.symbols import x
from freejac.symbolic.terms import Term, expand_terms

__all__ = [
    "Located",
    "Pin",
    "Shape",
    "SignedSum",
    "Step",
    "collect",
    "fold_opaque",
    "generators",
    "signed_sum",
]


@dataclass(frozen=True)
class Step:
    """The factor sign(slope · x + offset + √noise · ξ), ξ ~ N(0, 1)."""

    slope: Surd
    offset: Surd
    noise: Surd


@dataclass(frozen=True)
class Pin:
    """The factor δ⁽ᵒʳᵈᵉʳ⁾(x − location)."""

    location: Surd
    order: int


@dataclass(frozen=True)
class Shape:
    """exp(quadratic x² + linear x + constant) · Π steps · pin, without power and coefficient.

    For a wave linear, constant and coefficients are complex, and the real part is meant.

    Attributes:
        quadratic: real.
        linear, constant: complex for a wave.
        steps: sorted.
        pin: a Dirac delta, or None.
    """

    quadratic: Surd
    linear: Surd
    constant: Surd
    steps: tuple[Step, ...] = ()
    pin: Pin | None = None

    @property
    def is_wave(self) -> bool:
        """Whether it is complex."""
        return bool(self.linear.imaginary)

    def conjugate(self) -> Shape:
        """The shape with the complex conjugate exponential."""
        return replace(self, linear=self.linear.conjugate(), constant=self.constant.conjugate())


SignedSum: TypeAlias = dict[Shape, dict[int, Surd]]
"""Coefficients by power of x, for every shape."""


@dataclass(frozen=True)
class Located:
    """A term on the interval on which it stands."""

    term: Term
    lower: sp.Expr
    upper: sp.Expr


def collect(function: PiecewiseFunction) -> list[Located]:
    """Expand every piece into terms.

    Raises:
        Obstruction: a piece expands into too many terms.
    """
    return [
        Located(term, piece.lower, piece.upper)
        for piece in function.pieces
        for term in expand_terms(piece.expr)
    ]


def fold_opaque(terms: Sequence[Located]) -> list[Located]:
    """Drop what is outside the class but vanishes by symmetry.

    Under a centred Gaussian law a term may be moved to x > 0 by x → −x; opposite terms cancel
    there.
    """
    inside = []
    sums: dict[Located, sp.Expr] = {}
    origin: dict[Located, Located] = {}
    for located in terms:
        if located.term.opaque.is_rational_function(x):
            inside.append(located)
            continue
        for half in _on_positive_side(located):
            bare, coefficient = _unit(half)
            sums[bare] = sums.get(bare, sp.S.Zero) + coefficient
            origin[bare] = located
    # What is left is refused, and named as it was written, not as its mirror image.
    return inside + [origin[bare] for bare, total in sums.items() if sp.expand(total) != 0]


def _on_positive_side(located: Located) -> list[Located]:
    """An equal sum of terms on x > 0, where the signs of the ends are known."""
    term, lower, upper = located.term, located.lower, located.upper
    if lower.is_extended_nonnegative:
        return [located]
    if upper.is_extended_nonpositive:
        return [Located(term.reflected(), -upper, -lower)]
    if lower.is_extended_negative and upper.is_extended_positive:
        return [Located(term.reflected(), sp.S.Zero, -lower), Located(term, sp.S.Zero, upper)]
    return [located]


def _unit(located: Located) -> tuple[Located, sp.Expr]:
    """Split off the coefficient, signs of odd functions included."""
    term = located.term
    sign, opaque = term.opaque.as_coeff_Mul()
    coefficient = term.coefficient * sign
    erfs = []
    for slope, offset in term.erfs:
        turn = -1 if (slope * x + offset).could_extract_minus_sign() else 1
        coefficient *= turn
        erfs.append((turn * slope, turn * offset))
    wave = term.wave
    if wave is not None and wave[0].could_extract_minus_sign():
        wave = (-wave[0], -wave[1])
    if wave is not None and sp.cos(wave[1]) == 0:
        # A sine: its phase is ±π/2, and one of the two is enough.
        coefficient *= sp.sin(wave[1])
        wave = (wave[0], sp.pi / 2)
    bare = replace(
        term,
        coefficient=sp.S.One,
        opaque=opaque,
        wave=wave,
        erfs=tuple(sorted(erfs, key=sp.default_sort_key)),
    )
    return replace(located, term=bare), coefficient


def generators(
    terms: Iterable[Located], deltas: Iterable[Delta]
) -> tuple[set[sp.Expr], set[sp.Expr]]:
    """Every constant that occurs, and those that have to be free of roots (see `Field.whole`).

    These are what is added to something else before a root is taken.
    """
    whole: set[sp.Expr] = set()
    found = {sp.pi}
    for located in terms:
        term = located.term
        whole.add(-term.quadratic)
        for slope, _ in term.erfs:
            (whole if slope.has(sp.Add) else found).add(slope)
        found |= {term.linear, term.constant, *(b for _, b in term.erfs)}
        found.update(*_constants(term.coefficient))
        found |= {end for end in (located.lower, located.upper) if end.is_finite is not False}
        found |= set(term.wave or ())
    for delta in deltas:
        found.update({delta.location}, *_constants(delta.weight))
    return found, whole


def signed_sum(terms: Iterable[Located], deltas: Sequence[Delta], field: Field) -> SignedSum:
    """Join all terms of a function, and its Dirac deltas."""
    total: SignedSum = {}
    for located in terms:
        _add_term(total, located, field)
    zero = field.zero
    for delta in deltas:
        pin = Pin(field.number(delta.location), delta.order)
        for factor, exponent, angle in _constants(delta.weight):
            phase, turn = _phase(angle, field)
            constant = field.number(exponent) + field.i * phase
            _add(total, Shape(zero, zero, constant, (), pin), 0, field.number(factor) * turn)
    return {shape: powers for shape, powers in total.items() if powers}


def _add_term(total: SignedSum, located: Located, field: Field) -> None:
    term = located.term
    omega, delta = term.wave or (sp.S.Zero, sp.S.Zero)
    if omega.could_extract_minus_sign():
        omega, delta = -omega, -delta
    half = field.rational(sp.Rational(1, 2))
    steps = [Step(field.whole(slope), field.number(offset), half) for slope, offset in term.erfs]
    for weight, edge in _edges(located, field):
        ordered = sorted([*steps, *edge], key=lambda s: (s.slope.key, s.offset.key, s.noise.key))
        for factor, exponent, angle in _constants(term.coefficient):
            phase, turn = _phase(delta + angle, field)
            shape = Shape(
                -field.whole(-term.quadratic),
                field.number(term.linear) + field.i * field.number(omega),
                field.number(term.constant + exponent) + field.i * phase,
                tuple(ordered),
            )
            _add(total, shape, term.power, field.number(factor) * turn * weight)


def _phase(delta: sp.Expr, field: Field) -> tuple[Surd, Surd]:
    """Write exp(iδ) as turn · exp(iδ′): a turn by a multiple of π/2 is exact."""
    quarters = 2 * sp.expand(delta).coeff(sp.pi)
    if not quarters.is_Integer:
        return field.number(delta), field.one
    return field.number(delta - quarters * sp.pi / 2), field.i ** (int(quarters) % 4)


def _edges(located: Located, field: Field) -> list[tuple[Surd, tuple[Step, ...]]]:
    """The indicator of an interval: half the difference of the signs at its ends."""
    half = field.rational(sp.Rational(1, 2))
    sides: list[tuple[Surd, tuple[Step, ...]]] = []
    whole = field.zero
    for end, weight in ((located.lower, half), (located.upper, -half)):
        if end.is_infinite:
            whole = whole + half
        else:
            step = Step(field.one, -field.number(end), field.zero)
            sides.append((weight, (step,)))
    return [*sides, (whole, ())] if whole else sides


def _constants(expr: sp.Expr) -> list[tuple[sp.Expr, sp.Expr, sp.Expr]]:
    """Write an expression without x as a sum of factor · exp(exponent) · Re exp(i phase).

    As triples (factor, exponent, phase), so that exponents and phases join those of x.
    """
    total: dict[tuple[sp.Expr, sp.Expr], sp.Expr] = {}
    for product in sp.Add.make_args(expr):
        rest, exponent, phases = sp.S.One, sp.S.Zero, {sp.S.Zero: sp.S.One}
        for factor in sp.Mul.make_args(product):
            base, power = factor.as_base_exp()
            if base is sp.E:
                exponent += power
            elif isinstance(base, (sp.sin, sp.cos)) and power.is_Integer and power > 0:
                for _ in range(int(power)):
                    phases = _turned(phases, base)
            else:
                rest *= factor
        for phase, share in phases.items():
            key = exponent, phase
            total[key] = total.get(key, sp.S.Zero) + rest * share
    return [(factor, *key) for key, factor in total.items()]


def _turned(phases: dict[sp.Expr, sp.Expr], wave: sp.Expr) -> dict[sp.Expr, sp.Expr]:
    """Multiply by a constant cosine or sine: cos(a) Re z = Re z(exp(ia) + exp(−ia))/2."""
    angle = wave.args[0] - (sp.pi / 2 if isinstance(wave, sp.sin) else 0)
    total: dict[sp.Expr, sp.Expr] = {}
    for phase, share in phases.items():
        for turned in (phase + angle, phase - angle):
            total[turned] = total.get(turned, sp.S.Zero) + share / 2
    return total


def _add(total: SignedSum, shape: Shape, power: int, coefficient: Surd) -> None:
    powers = total.setdefault(shape, {})
    added = powers[power] + coefficient if power in powers else coefficient
    if added:
        powers[power] = added
    else:
        powers.pop(power, None)
