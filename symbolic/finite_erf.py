"""Finite parts of ∫ xⁿ f(x) dx, f a sum of polynomial × exponential × cosine × products of erf.

The finite part drops what grows like a power or an exponential at an infinite end (Hadamard; the
same as analytic continuation in the exponent, and Abel summation for a cosine). It is linear and
obeys integration by parts, which turns every erf into a Gaussian; a line integral with a Gaussian
is an expectation, and `expect` knows it.

>>> from freejac.symbolic.symbols import x
>>> total = ErfSum.of(sp.erf(x) ** 2)
>>> total.polynomial(1), total.integral(-sp.oo, sp.oo, 0)
({0: 1}, -2*sqrt(2)/sqrt(pi))
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import comb, prod

import sympy as sp

from freejac.symbolic.errors import NoClosedForm
from freejac.symbolic.expectation import expect
from freejac.symbolic.functions import Phi
from freejac.symbolic.piecewise import Piece, PiecewiseFunction
from freejac.symbolic.signs import sign_of
from freejac.symbolic.symbols import x

__all__ = ["ErfSum", "is_short"]

_MOST_TERMS = 2000


@dataclass(frozen=True)
class _Monomial:
    """coefficient · xⁿ · exp(a x² + b x) · Π erf(αᵢ x + βᵢ) · rest.

    Attributes:
        coefficient, power, quadratic: real; without x.
        linear: b, complex for a cosine.
        erfs: the pairs (αᵢ, βᵢ).
        rest: any other factor, allowed beside a Gaussian (a < 0) only.
    """

    coefficient: sp.Expr
    power: int = 0
    quadratic: sp.Expr = sp.S.Zero
    linear: sp.Expr = sp.S.Zero
    erfs: tuple[tuple[sp.Expr, sp.Expr], ...] = ()
    rest: sp.Expr = sp.S.One


@dataclass(frozen=True)
class ErfSum:
    """A smooth function of the class, as a sum of its monomials."""

    monomials: tuple[_Monomial, ...]

    @classmethod
    def of(cls, expr: sp.Expr) -> ErfSum | None:
        """Expand an expression in x; None when it is outside the class.

        >>> ErfSum.of(sp.tanh(sp.Symbol("x", real=True))) is None
        True
        """
        expr = expr.replace(Phi, lambda u: (1 + sp.erf(u / sp.sqrt(2))) / 2)
        expr = expr.replace(sp.erfc, lambda u: 1 - sp.erf(u))
        expr = expr.replace(sp.cosh, lambda u: (sp.exp(u) + sp.exp(-u)) / 2)
        expr = expr.replace(sp.sinh, lambda u: (sp.exp(u) - sp.exp(-u)) / 2)
        if not is_short(expr):
            return None
        monomials: list[_Monomial] = []
        expanded = sp.expand(expr, power_base=False, log=False)
        for summand in sp.Add.make_args(expanded):
            if summand == 0:
                continue
            parsed = _parse(summand)
            if parsed is None:
                return None
            monomials += parsed
        return cls(tuple(monomials))

    @property
    def oscillates(self) -> bool:
        """Whether a cosine occurs that nothing damps."""
        return any(
            m.quadratic == 0 and sp.im(m.linear) != 0 and sp.re(m.linear) == 0
            for m in self.monomials
        )

    @property
    def is_wave(self) -> bool:
        """Whether only powers and cosines occur: no kink, no exponential, no erf."""
        return all(m.quadratic == 0 and not m.erfs and sp.re(m.linear) == 0 for m in self.monomials)

    def polynomial(self, side: int) -> dict[int, sp.Expr]:
        """The polynomial that the function approaches at +∞ (side = 1) or −∞ (side = −1).

        Waves are left out: on a half-line they contribute at its finite end only.

        Raises:
            NoClosedForm: the function grows faster than a polynomial.
            Undecided: a parameter's sign decides, and is not declared.
        """
        growth: dict[sp.Expr, dict[int, sp.Expr]] = {}
        for m in self.monomials:
            if m.quadratic != 0:
                if sign_of(m.quadratic) > 0:
                    raise _grows(sp.exp(m.quadratic * x**2))
                continue
            direction = sign_of(sp.re(m.linear)) * side
            if direction < 0 or (direction == 0 and sp.im(m.linear) != 0):
                continue
            weight = m.coefficient * prod(sign_of(slope) * side for slope, _ in m.erfs)
            powers = growth.setdefault(m.linear, {})
            powers[m.power] = sp.expand(powers.get(m.power, sp.S.Zero) + weight)
        for rate, powers in growth.items():
            if rate != 0 and any(weight != 0 for weight in powers.values()):
                raise _grows(sp.exp(rate * x))
        return {n: w for n, w in growth.get(sp.S.Zero, {}).items() if w != 0}

    def integral(self, lower: sp.Expr, upper: sp.Expr, power: int) -> sp.Expr:
        """The finite part of ∫ xⁿ f(x) dx over an interval.

        Raises:
            NoClosedForm: a Gaussian integral in it does not close.
        """
        direct: list[sp.Expr] = []
        gaussian: dict[tuple[sp.Expr, sp.Expr], sp.Expr] = {}
        for monomial in self.monomials:
            raised = replace(monomial, power=monomial.power + power)
            ends, integrals = _by_parts(raised, lower, upper)
            direct += ends
            for m in integrals:
                key = m.quadratic, m.linear
                product = sp.Mul(*(sp.erf(a * x + b) for a, b in m.erfs), m.rest)
                term = m.coefficient * x**m.power * product
                gaussian[key] = gaussian.get(key, sp.S.Zero) + term
        for (quadratic, linear), factor in gaussian.items():
            direct.append(_gaussian(factor, quadratic, linear, lower, upper))
        return sp.expand(sp.Add(*direct))


def is_short(expr: sp.Expr) -> bool:
    """Whether expansion makes a number of terms that is worth its time."""
    return _expanded_size(expr) <= _MOST_TERMS


def _expanded_size(expr: sp.Expr) -> int:
    """An upper bound on the number of terms that expansion makes."""
    if expr.is_Add:
        return sum(map(_expanded_size, expr.args))
    if expr.is_Mul:
        return prod(map(_expanded_size, expr.args))
    if expr.is_Pow and expr.exp.is_Integer and expr.exp > 0:
        return comb(_expanded_size(expr.base) + int(expr.exp) - 1, int(expr.exp))
    return 1


def _parse(summand: sp.Expr) -> list[_Monomial] | None:
    """Sort the factors of one product; None when one does not fit."""
    coefficient, dependent = summand.as_independent(x, as_Add=False)
    power, quadratic, linear = 0, sp.S.Zero, sp.S.Zero
    erfs: tuple[tuple[sp.Expr, sp.Expr], ...] = ()
    waves, rest = sp.S.One, sp.S.One
    for factor in sp.Mul.make_args(dependent):
        base, exponent = (factor, sp.S.One) if isinstance(factor, sp.exp) else factor.as_base_exp()
        counted = exponent.is_Integer and exponent > 0
        if base == x and counted:
            power += int(exponent)
        elif isinstance(base, sp.exp) and (line := _coefficients(base.exp, 2)):
            quadratic, linear = quadratic + line[2], linear + line[1]
            coefficient *= sp.exp(line[0])
        elif isinstance(base, sp.erf) and counted and (line := _coefficients(base.args[0], 1)):
            erfs += ((line[1], line[0]),) * int(exponent)
        elif isinstance(base, (sp.sin, sp.cos)) and counted and _coefficients(base.args[0], 1):
            waves *= factor
        elif _outgrows(factor):
            return None
        else:
            rest *= factor
    if quadratic != 0:
        return [_Monomial(coefficient, power, quadratic, linear, erfs, rest * waves)]
    if rest != 1 or (waves != 1 and erfs):
        return None
    plain = _Monomial(coefficient, power, quadratic, linear, erfs)
    return [plain] if waves == 1 else _with_waves(plain, waves)


def _outgrows(factor: sp.Expr) -> bool:
    """Whether a factor may grow faster than a Gaussian falls."""
    return any(power.exp.has(x) for power in factor.atoms(sp.Pow, sp.exp))


def _with_waves(monomial: _Monomial, waves: sp.Expr) -> list[_Monomial]:
    """Write powers of sines and cosines as exponentials with imaginary rates."""
    terms = {sp.S.Zero: sp.S.One}
    for factor in sp.Mul.make_args(waves):
        base, exponent = factor.as_base_exp()
        offset, slope = _coefficients(base.args[0], 1) or []
        phase = sp.cos(offset) + sp.I * sp.sin(offset)
        forward = phase / 2 if isinstance(base, sp.cos) else phase / (2 * sp.I)
        for _ in range(int(exponent)):
            grown: dict[sp.Expr, sp.Expr] = {}
            for rate, weight in terms.items():
                for step, half in ((slope, forward), (-slope, sp.conjugate(forward))):
                    grown[rate + step] = grown.get(rate + step, sp.S.Zero) + weight * half
            terms = grown
    return [
        replace(
            monomial,
            coefficient=monomial.coefficient * sp.expand(weight),
            linear=monomial.linear + sp.I * rate,
        )
        for rate, weight in terms.items()
    ]


def _coefficients(expr: sp.Expr, degree: int) -> list[sp.Expr] | None:
    """Coefficients of 1, x, … of a polynomial of bounded degree, else None."""
    expanded = sp.expand(expr)
    if not expanded.is_polynomial(x) or sp.degree(expanded, x) > degree:
        return None
    return [expanded.coeff(x, n) for n in range(degree + 1)]


def _grows(function: sp.Expr) -> NoClosedForm:
    return NoClosedForm("the series at q → ∞", f"{function} grows faster than a polynomial")


def _by_parts(
    monomial: _Monomial, lower: sp.Expr, upper: sp.Expr
) -> tuple[list[sp.Expr], Iterable[_Monomial]]:
    """Values at the finite ends, and the Gaussian integrals that are left."""
    if monomial.quadratic != 0:
        return [], [monomial]
    primitive = _primitive(monomial.power, monomial.linear)
    ends = []
    for end, sign in ((upper, 1), (lower, -1)):
        if end.is_finite is not False:
            decay, angle = sp.re(monomial.linear) * end, sp.im(monomial.linear) * end
            wave = sp.exp(decay) * (sp.cos(angle) + sp.I * sp.sin(angle))
            factor = sp.Mul(wave, *(sp.erf(a * end + b) for a, b in monomial.erfs))
            value = sp.Add(*(weight * end**n for n, weight in primitive))
            ends.append(sign * monomial.coefficient * value * factor)
    integrals = [
        _Monomial(
            -monomial.coefficient * weight * 2 * a / sp.sqrt(sp.pi) * sp.exp(-(b**2)),
            n,
            -(a**2),
            monomial.linear - 2 * a * b,
            monomial.erfs[:i] + monomial.erfs[i + 1 :],
        )
        for i, (a, b) in enumerate(monomial.erfs)
        for n, weight in primitive
    ]
    return ends, integrals


def _primitive(power: int, rate: sp.Expr) -> list[tuple[int, sp.Expr]]:
    """∫ xⁿ e^{bx} dx = e^{bx} Σ weight·xᵏ, as pairs (k, weight)."""
    if rate == 0:
        return [(power + 1, sp.Rational(1, power + 1))]
    real, imaginary = sp.re(rate), sp.im(rate)
    inverse = (real - sp.I * imaginary) / (real**2 + imaginary**2)
    return [
        (power - j, sp.expand((-1) ** j * sp.ff(power, j) * inverse ** (j + 1)))
        for j in range(power + 1)
    ]


def _gaussian(
    factor: sp.Expr, quadratic: sp.Expr, linear: sp.Expr, lower: sp.Expr, upper: sp.Expr
) -> sp.Expr:
    """∫ factor · exp(a x² + b x) dx as an expectation around the centre of the Gaussian."""
    variance = -1 / (2 * quadratic)
    centre = sp.cancel(linear * variance)
    shifted = factor.subs(x, x + centre)
    zero = sp.S.Zero
    pieces = [Piece(lower - centre, upper - centre, shifted)]
    if lower != -sp.oo:
        pieces.insert(0, Piece(-sp.oo, lower - centre, zero))
    if upper != sp.oo:
        pieces.append(Piece(upper - centre, sp.oo, zero))
    mean = expect(PiecewiseFunction(tuple(pieces)), variance)
    return sp.sqrt(2 * sp.pi * variance) * sp.exp(linear * centre / 2) * mean
