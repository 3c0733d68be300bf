"""The spectral density of a product of layers whose D² have finitely many values.

With ζ the subordination variable of a layer's D² and m/ν = M_{D²}(ζ), its S_{D²}(m/ν) is
(1 + m/ν)/(m/ν · ζ), and λ = M⁻¹(m) reads
    log λ = log((1+m)/m) + Σ_l [log ζ_l + log((m/ν_l)/(1 + m/ν_l)) − log S_l(m/ν_l) + log(ν_l/ν_{l−1})],
S_l that of the weights. In ζ this is analytic in the upper half-plane: no root of a quadratic, no
branch to choose. A D² of one value needs no variable of its own, ζ = a(1 + wν/m).
"""  # noqa: E501 (the equation is one line)

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import sympy as sp
from mpmath import mp

from freejac.symbolic.continuation import (
    GUARD,
    Complex,
    Point,
    Real,
    SpectralCurve,
    real_roots,
    wrapped,
)
from freejac.symbolic.errors import DomainError, NoClosedForm
from freejac.symbolic.symbols import z

__all__ = ["LayerProduct", "NumericLayer"]


@dataclass(frozen=True)
class NumericLayer:
    """A layer with numbers, at its place.

    Attributes:
        atoms: (value, probability) of φ′² away from 0: positive numbers.
        weights_s: S of square W Wᵀ in z, rational, with numbers only.
        count: how many such layers follow each other, ≥ 1.
        before: ν_{l−1}, the width it comes from, in widths of the input.
        after: ν_l, its width.

    Raises:
        DomainError: a symbol has no value, or a number is out of range.
        NoClosedForm: S of the weights is not rational.
    """

    atoms: tuple[tuple[sp.Expr, sp.Expr], ...]
    weights_s: sp.Expr
    count: int = 1
    before: sp.Expr = sp.S.One
    after: sp.Expr = sp.S.One

    def __post_init__(self) -> None:
        """Refuse what has no value or is no law."""
        parts = [sp.sympify(e, strict=True) for pair in self.atoms for e in pair]
        parts += [sp.sympify(self.weights_s, strict=True).subs(z, 0), self.before, self.after]
        missing = sorted({s.name for e in parts for s in e.free_symbols})
        if missing:
            raise DomainError(f"give a value for {', '.join(missing)} to evaluate the density")
        if not all(e.is_finite and e.is_positive for e in parts):
            raise DomainError("values and probabilities of φ′² must be positive and finite")
        if float(sum(mass for _, mass in self.atoms)) > 1 + 1e-12:
            raise DomainError("the probabilities of φ′² add to more than 1")
        if not self.weights_s.is_rational_function(z):
            raise NoClosedForm("the density", "S of the weights is not a rational function")


class _Slopes:
    """The D² of one kind of layer, at the working precision."""

    def __init__(self, exact: tuple[tuple[sp.Expr, sp.Expr], ...], width: sp.Expr, count: int):
        self.exact, self.exact_width, self.count = exact, width, count
        self.values = [(_number(a), _number(w)) for a, w in exact]
        self.width = _number(width)
        self.mass_at_zero = _number(1 - sum(w for _, w in exact))

    @property
    def rank(self) -> Real:
        """The largest rank that the layer lets through."""
        return self.width * sum(w for _, w in self.values)

    def mgf(self, zeta: Complex) -> tuple[Complex, Complex, Complex]:
        """M_{D²}(ζ), 1 + M without cancellation, and the derivative."""
        ratios = [(a, w / (zeta - a), zeta - a) for a, w in self.values]
        one_plus = self.mass_at_zero + zeta * sum(ratio for _, ratio, _ in ratios)
        slope = -sum(a * ratio / gap for a, ratio, gap in ratios)
        return sum(a * ratio for a, ratio, _ in ratios), one_plus, slope

    def exact_mgf(self, zeta: sp.Symbol) -> sp.Expr:
        """ν M_{D²}(ζ) with rational numbers."""
        terms = (_rational(a) * _rational(w) / (zeta - _rational(a)) for a, w in self.exact)
        return _rational(self.exact_width) * sp.Add(*terms)


class _Weights:
    """S of one kind of weights, as functions of n = 1 + z, accurate where z tends to −1."""

    def __init__(self, s_transform: sp.Expr, width: sp.Expr, count: int) -> None:
        self.exact, self.exact_width, self.count = s_transform, width, count
        self.width = _number(width)
        shifted = sp.factor(sp.cancel(s_transform.subs(z, z - 1)))
        self.s = sp.lambdify(z, shifted, "mpmath")
        self.log_slope = sp.lambdify(z, sp.cancel(sp.diff(sp.log(shifted), z)), "mpmath")


class LayerProduct(SpectralCurve):
    """The law of JᵀJ of a product of layers, in numbers.

    Attributes:
        layers: the layers, from the input to the output.
        digits: correct digits aimed at.

    >>> ginibre = LayerProduct.equal([(1, 1)], 1 / (1 + z), depth=2)
    >>> [mp.nstr(edge, 12) for edge in ginibre.support[0]]       # (0, 27/4)
    ['0.0', '6.75']
    """

    def __init__(self, layers: Sequence[NumericLayer], digits: int = 15) -> None:
        """Sort equal layers together; numbers are rounded at the working precision.

        Args:
            layers: from the input to the output.
            digits: correct digits aimed at, 5 to 1000.

        Raises:
            DomainError: the number of digits is out of range.
        """
        super().__init__(digits)
        self.layers = tuple(layers)
        with mp.workdps(digits + GUARD):
            slopes = _counted((layer.atoms, layer.after, layer.count) for layer in layers)
            weights = _counted((layer.weights_s, layer.after, layer.count) for layer in layers)
            self._weights = [_Weights(s, width, count) for (s, width), count in weights.items()]
            self._scale = sum(
                layer.count * mp.log(_number(layer.after) / _number(layer.before))
                for layer in layers
            )
            kinds = [_Slopes(atoms, width, count) for (atoms, width), count in slopes.items()]
            self._curves, self._single = _variables(kinds)

    @classmethod
    def equal(
        cls,
        atoms: Sequence[tuple[object, object]],
        weights_s: sp.Expr,
        depth: int,
        digits: int = 15,
    ) -> LayerProduct:
        """Make a product of equal square layers; arguments as for `NumericLayer`."""
        exact = tuple((sp.sympify(a, strict=True), sp.sympify(w, strict=True)) for a, w in atoms)
        return cls([NumericLayer(exact, weights_s, depth)], digits)

    @property
    def mass_at_zero(self) -> Real:
        """The atom at 0: one minus the smallest rank, in widths of the input."""
        ranks = [kind.rank for kind in (*self._curves, *self._single)]
        return 1 - min(mp.one, *ranks)

    @cached_property
    def _depth(self) -> int:
        return sum(layer.count for layer in self.layers)

    def _edge_candidates(self) -> list[Real]:
        """Images of the real critical points of λ(ζ), and of m = ∞."""
        found = set()
        for point in self._critical_points():
            residuals = self._residuals([mp.mpc(v) for v in point])
            if residuals is None or self._is_degenerate(point):
                continue
            if abs(wrapped(residuals[0].imag)) < mp.mpf("1e-8"):
                found.add(mp.exp(residuals[0].real))
        return self._sorted_candidates(found | self._images_of_infinity())

    def _is_degenerate(self, point: list[Real]) -> bool:
        """Whether λ = 0 or m = 0 but for rounding: m is minus a width or the rank of a D², or 0."""
        m = self._curves[0].width * self._curves[0].mgf(point[0])[0]
        ranks = [mp.zero, mp.one, *(kind.rank for kind in (*self._curves, *self._single))]
        ranks += [kind.width for kind in (*self._curves, *self._single)]
        return any(abs(m + rank) < mp.mpf(10) ** (-self.digits) for rank in ranks)

    def _images_of_infinity(self) -> set[Real]:
        """λ where ζ is an atom of D², if the weights keep that finite: m = ∞."""
        far = [sp.limit(w.exact, z, sp.oo) for w in self._weights]
        if not all(value.is_finite and value.is_positive for value in far):
            return set()
        fixed = self._scale - sum(
            w.count * mp.log(_number(value)) for w, value in zip(self._weights, far, strict=True)
        )
        fixed += sum(kind.count * mp.log(kind.values[0][0]) for kind in self._single)
        choices = [
            [kind.count * mp.log(value) for value, _ in kind.values] for kind in self._curves
        ]
        return {mp.exp(fixed + sum(choice)) for choice in product(*choices)}

    def _critical_points(self) -> list[list[Real]]:
        """Real points where dλ = 0 on the curve, with exact polynomials."""
        reference, *others = self._curves
        first, *rest = (sp.Dummy("zeta") for _ in self._curves)
        m = reference.exact_mgf(first)
        steps = [reference.exact_mgf(first)]
        slope = sp.diff(sp.log((1 + m) / m), first)
        for kind in (*self._curves, *self._single):
            local = m / _rational(kind.exact_width)
            slope += kind.count * sp.diff(sp.log(local / (1 + local)), first)
        for kind in self._single:
            ((value, mass),) = ((_rational(a), _rational(w)) for a, w in kind.exact)
            zeta = value * (1 + mass * _rational(kind.exact_width) / m)
            slope += kind.count * sp.diff(sp.log(zeta), first)
        for weight in self._weights:
            log_s = sp.diff(sp.log(weight.exact), z).subs(z, m / _rational(weight.exact_width))
            slope -= weight.count * log_s * sp.diff(m, first) / _rational(weight.exact_width)
        slope += reference.count / first
        for zeta, kind in zip(rest, others, strict=True):
            own = kind.exact_mgf(zeta)
            slope += kind.count / zeta * sp.diff(m, first) / sp.diff(own, zeta)
            steps.append(own)
        condition = sp.fraction(sp.cancel(sp.together(slope)))[0]
        for zeta, own in zip(rest, steps[1:], strict=True):
            constraint = sp.fraction(sp.cancel(sp.together(own - m)))[0]
            condition = sp.resultant(condition, constraint, zeta)
        heads = real_roots(sp.Poly(condition, first), self.digits)
        return [point for head in heads for point in self._completed(head)]

    def _completed(self, head: Real) -> list[list[Real]]:
        """Every real point of the curve with the given first variable."""
        reference, *others = self._curves
        m = reference.width * reference.mgf(head)[0] if self._regular([head]) else None
        if m is None:
            return []
        zeta = sp.Dummy("zeta")
        choices: list[list[Real]] = [[head]]
        for kind in others:
            exact = sp.Rational(str(m))
            numerator = sp.fraction(sp.cancel(sp.together(kind.exact_mgf(zeta) - exact)))[0]
            choices.append(real_roots(sp.Poly(numerator, zeta), self.digits))
        return [list(point) for point in product(*choices)]

    def _start(self, log_lam: Real) -> tuple[Point, Complex]:
        """Where M(λ) ≈ m_1/λ holds to 1e-3, or better: m_2/m_1² bounds the next term."""
        log_mean, spread = self._scale, mp.one
        for kind in (*self._curves, *self._single):
            first, second = (sum(w * a**k for a, w in kind.values) for k in (1, 2))
            log_mean += kind.count * mp.log(first)
            spread += kind.count * (second / first**2 - 1) / kind.width
        for weight in self._weights:
            log_mean -= weight.count * mp.log(weight.s(mp.one))
            spread += weight.count * abs(weight.log_slope(mp.one)) / weight.width
        size = min(mp.mpf("1e-3") / spread, mp.exp(log_mean - log_lam))
        m = size * mp.mpc(0, -1)
        guess = [kind.width * sum(a * w for a, w in kind.values) / m for kind in self._curves]
        return guess, mp.mpc(log_mean - mp.log(abs(m)), mp.pi / 2)

    def _regular(self, point: Point) -> bool:
        """Whether no variable stands at 0 or at an atom."""
        return all(
            v and all(v != a for a, _ in kind.values)
            for v, kind in zip(point, self._curves, strict=False)
        )

    def _one_plus_m(self, point: Point) -> Complex:
        reference = self._curves[0]
        m, n, _ = reference.mgf(point[0])
        return n if reference.exact_width == 1 else 1 + reference.width * m

    def _at_width(self, width: Real, m: Complex, n: Complex) -> tuple[Complex, Complex]:
        """m/ν and 1 + m/ν, given those at the width of the first variable."""
        own = self._curves[0].width
        return (m, n) if width == own else (m * own / width, 1 + m * own / width)

    def _residuals(self, point: Point) -> list[Complex] | None:
        if not self._regular(point):
            return None
        m, n, _ = (mp.mpc(part) for part in self._curves[0].mgf(point[0]))
        total, one_plus = self._at_width(mp.one, m, n)
        if not m or not n or not one_plus:
            return None
        result = mp.log(one_plus / total) + self._scale
        for zeta, kind in zip(point, self._curves, strict=True):
            local, above = self._at_width(kind.width, m, n)
            result += kind.count * (mp.log(zeta) + mp.log(local / above))
        for kind in self._single:
            local, above = self._at_width(kind.width, m, n)
            ((value, mass),) = kind.values
            result += kind.count * mp.log(value * (local + mass) / above)
        for weight in self._weights:
            result -= weight.count * mp.log(weight.s(self._at_width(weight.width, m, n)[1]))
        others = zip(point[1:], self._curves[1:], strict=True)
        misses = [kind.mgf(v)[0] - self._at_width(kind.width, m, n)[0] for v, kind in others]
        return [result, *misses]

    def _log_slope(self, m: Complex, n: Complex) -> Complex:
        """∂ log λ/∂m at fixed ζ, m that at the width of the first variable."""
        own = self._curves[0].width
        total, one_plus = self._at_width(mp.one, m, n)
        slope = -own / (total * one_plus)
        for kind in self._curves:
            local, above = self._at_width(kind.width, m, n)
            slope += kind.count * own / kind.width / (local * above)
        for kind in self._single:
            local, above = self._at_width(kind.width, m, n)
            ((_, mass),) = kind.values
            slope += kind.count * own / kind.width * (1 / (local + mass) - 1 / above)
        for weight in self._weights:
            above = self._at_width(weight.width, m, n)[1]
            slope -= weight.count * own / weight.width * weight.log_slope(above)
        return slope

    def _tangent(self, point: Point, defects: list[Complex]) -> Point | None:
        own = self._curves[0]
        m, n, speed = own.mgf(point[0])
        if not m or not n:
            return None
        along = self._log_slope(m, n) * speed + own.count / point[0]
        if len(point) == 1:
            return [defects[0] / along] if along else None
        size = len(point)
        matrix = mp.zeros(size)
        matrix[0, 0] = along
        for i, (zeta, kind) in enumerate(zip(point[1:], self._curves[1:], strict=True), start=1):
            matrix[0, i] = kind.count / zeta
            matrix[i, 0] = -speed * own.width / kind.width
            matrix[i, i] = kind.mgf(zeta)[2]
        try:
            return list(mp.lu_solve(matrix, mp.matrix(defects)))
        except ZeroDivisionError:
            return None


def _variables(kinds: list[_Slopes]) -> tuple[list[_Slopes], list[_Slopes]]:
    """Choose whose ζ are the variables: of every D² with several values, else of the bottleneck.

    Where λ tends to 0, m tends to minus the smallest rank; ζ of the layer that has it says how
    near without cancellation. If that is the input, ζ = (1+m)/m of a layer that does nothing.
    """
    several = [kind for kind in kinds if len(kind.values) > 1]
    single = [kind for kind in kinds if len(kind.values) == 1]
    if several:
        return several, single
    narrow = min(single, key=lambda kind: kind.rank)
    if narrow.rank <= 1:
        return [narrow], [kind for kind in single if kind is not narrow]
    return [_Slopes(((sp.S.One, sp.S.One),), sp.S.One, 0)], single


def _counted(kinds: Any) -> dict[Any, int]:
    """Add up the counts of what is the same."""
    counts: dict[Any, int] = {}
    for what, width, count in kinds:
        counts[what, width] = counts.get((what, width), 0) + count
    return counts


def _number(exact: sp.Expr) -> Real:
    return mp.mpf(exact.evalf(mp.dps))


def _rational(number: sp.Expr) -> sp.Rational:
    """Round to a rational at the working precision: an exact polynomial has exact roots."""
    return number if number.is_Rational else sp.Rational(number.evalf(mp.dps))
