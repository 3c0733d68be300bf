"""Gaussian integrals of one term over an interval: the mechanisms behind `expect`.

Tilting completes the square: under N(0, q) the factor exp(a x² + b x + c) turns the measure into
N(m, v) with v = q/(1 − 2aq), m = bv, and a prefactor. Then

* no erf, no cosine: truncated moments, J_n = m J_{n−1} + (n−1) v J_{n−2} − v [xⁿ⁻¹ N(x; m, v)];
* a cosine: the same recursion with the complex mean v(b + iω), real part taken exactly;
* products of erf: Stein's identity E[x g] = m E[g] + v E[g′] lowers n, and the derivative of an
  erf is a Gaussian, which tilting absorbs; what is left is E[erf], E[erf erf] and odd products.

Each integral is returned as `Part`s: coefficient · exp(exponent) · special, for the canonical
form to collect.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import sympy as sp

from freejac.symbolic.symbols import x
from freejac.symbolic.terms import Obstruction, Term

__all__ = ["Part", "integrate_term"]


@dataclass(frozen=True)
class Part:
    """coefficient · exp(exponent) · special, where special is 1 or one transcendental function."""

    coefficient: sp.Expr
    exponent: sp.Expr = sp.S.Zero
    special: sp.Expr = sp.S.One

    def times(self, factor: sp.Expr, exponent: sp.Expr = sp.S.Zero) -> Part:
        """Multiply by factor · exp(exponent)."""
        return Part(self.coefficient * factor, self.exponent + exponent, self.special)


@dataclass(frozen=True)
class _Measure:
    """The tilted measure prefactor · exp(exponent) · N(mean, variance)."""

    mean: sp.Expr
    variance: sp.Expr
    deviation: sp.Expr
    prefactor: sp.Expr
    exponent: sp.Expr


def integrate_term(term: Term, lower: sp.Expr, upper: sp.Expr, q: sp.Expr) -> list[Part]:
    """∫ term · N(x; 0, q) dx over (lower, upper), in closed form.

    Raises:
        Obstruction: the integral is outside the class, with the reason.
    """
    if _odd_on_the_line(term, lower, upper):
        return []
    if term.opaque != 1:
        raise Obstruction(f"{term.opaque} is outside the class")
    if term.erfs:
        return _with_erfs(term, lower, upper, q)
    if term.wave is not None:
        return _with_cosine(term, lower, upper, q)
    return _truncated_moment(term, lower, upper, q)


def _odd_on_the_line(term: Term, lower: sp.Expr, upper: sp.Expr) -> bool:
    """Whether the term is an odd function of x on a symmetric interval."""
    if lower != -upper or term.linear != 0 or any(offset != 0 for _, offset in term.erfs):
        return False
    sign = (-1) ** (term.power + len(term.erfs))
    if term.opaque != 1:
        mirrored = term.opaque.subs(x, -x)
        if mirrored not in (term.opaque, -term.opaque):
            return False
        sign = sign if mirrored == term.opaque else -sign
    if term.wave is not None:
        phase = term.wave[1]
        if sp.cos(phase) == 0:
            sign = -sign
        elif sp.sin(phase) != 0:
            return False
    return sign < 0


def _tilt(term: Term, q: sp.Expr) -> _Measure:
    """Absorb the exponential of a term into the Gaussian measure."""
    a = term.quadratic
    if not (-a).is_nonnegative:
        if a.is_positive:
            raise Obstruction(
                f"exp({a}*x**2) outgrows the Gaussian weight at a variance of {1 / (2 * a)} or more"
            )
        raise Obstruction(f"the sign of {a} in exp({a}*x**2) is not known; declare it")
    shrink = sp.factor(1 - 2 * a * q)
    variance = q / shrink
    return _Measure(
        mean=term.linear * variance,
        variance=variance,
        deviation=sp.sqrt(q) / sp.sqrt(shrink),
        prefactor=1 / sp.sqrt(shrink),
        exponent=sp.cancel(term.linear**2 * variance / 2 + term.constant),
    )


def _standardised(at: sp.Expr, measure: _Measure) -> sp.Expr:
    """(x − m)/√(2v), the argument of erf, in one canonical shape."""
    if at == 0:
        return -sp.cancel(measure.mean / measure.variance) * measure.deviation / sp.sqrt(2)
    if measure.mean == 0:
        return at / (sp.sqrt(2) * measure.deviation)
    return sp.factor_terms(sp.together(at - measure.mean)) / (sp.sqrt(2) * measure.deviation)


def _truncated_moment(term: Term, lower: sp.Expr, upper: sp.Expr, q: sp.Expr) -> list[Part]:
    """Polynomial × exponential on an interval, by the recursion on the power."""
    measure = _tilt(term, q)
    scale = term.coefficient * measure.prefactor
    mean, variance = measure.mean, measure.variance
    # J_n = inside[n]·J_0 + Σ_end boundary[end][n]·N(end; m, v)
    inside = [sp.S.One, mean]
    for n in range(2, term.power + 1):
        inside.append(sp.expand(mean * inside[n - 1] + (n - 1) * variance * inside[n - 2]))
    weight = scale * inside[term.power]
    parts: list[Part] = []
    for end, sign in ((lower, -1), (upper, 1)):
        if end.is_infinite:
            parts.append(Part(weight / 2, measure.exponent))
            continue
        parts.append(Part(sign * weight / 2, measure.exponent, sp.erf(_standardised(end, measure))))
        boundary = [sp.S.Zero, -variance]
        for n in range(2, term.power + 1):
            boundary.append(
                mean * boundary[n - 1]
                + (n - 1) * variance * boundary[n - 2]
                - variance * end ** (n - 1)
            )
        density = 1 / (sp.sqrt(2 * sp.pi) * measure.deviation)
        exponent = term.quadratic * end**2 + term.linear * end + term.constant - end**2 / (2 * q)
        parts.append(Part(sign * scale * boundary[term.power] * density, exponent))
    return parts


def _with_cosine(term: Term, lower: sp.Expr, upper: sp.Expr, q: sp.Expr) -> list[Part]:
    """Polynomial × exponential × cosine on the line, or on a half-line from 0 without tilt."""
    assert term.wave is not None
    if upper == 0 and lower == -sp.oo:
        return _with_cosine(term.reflected(), sp.S.Zero, sp.oo, q)
    half = lower == 0 and upper == sp.oo
    if not half and (lower != -sp.oo or upper != sp.oo):
        raise Obstruction(
            f"a sine or cosine on the interval ({lower}, {upper}) needs the error function of a "
            "complex argument"
        )
    omega, delta = term.wave
    measure = _tilt(term, q)
    mean, variance = measure.mean, measure.variance
    if half and mean != 0:
        raise Obstruction(
            "a sine or cosine times an exponential on a half-line needs the error function of a "
            "complex argument"
        )
    complex_mean = mean + sp.I * variance * omega
    # P·J_n = P·inside[n]·J_0 + edge[n]/√(2πv), P the prefactor; edge arises on a half-line only
    inside, edge = [sp.S.One, complex_mean], [sp.S.Zero, variance]
    for n in range(2, term.power + 1):
        inside.append(sp.expand(complex_mean * inside[-1] + (n - 1) * variance * inside[-2]))
        edge.append(sp.expand(complex_mean * edge[-1] + (n - 1) * variance * edge[-2]))
    phase = delta + variance * term.linear * omega
    scale = term.coefficient * measure.prefactor
    exponent = sp.cancel(measure.exponent - variance * omega**2 / 2)
    rotation = sp.cos(phase) + sp.I * sp.sin(phase)
    real, imaginary = _real_imaginary(inside[term.power] * rotation)
    if not half:
        return [Part(scale * real, exponent)]
    edge_real, _ = _real_imaginary(edge[term.power] * rotation)
    growth = sp.erfi(omega * measure.deviation / sp.sqrt(2))
    density = 1 / (sp.sqrt(2 * sp.pi) * measure.deviation)
    return [
        Part(scale * real / 2, exponent),
        Part(-scale * imaginary / 2, exponent, growth),
        Part(scale * edge_real * density, term.constant),
    ]


def _real_imaginary(expr: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """Real and imaginary part of a polynomial in I with real coefficients."""
    expanded = sp.expand(expr)
    return expanded.coeff(sp.I, 0), expanded.coeff(sp.I, 1)


def _with_erfs(term: Term, lower: sp.Expr, upper: sp.Expr, q: sp.Expr) -> list[Part]:
    """Polynomial × exponential × products of erf, on the line or a half-line from 0."""
    if term.wave is not None:
        raise Obstruction("a product of erf with a sine or cosine")
    if upper == 0 and lower == -sp.oo:
        return _with_erfs(term.reflected(), sp.S.Zero, sp.oo, q)
    centred = term.linear == 0 and all(offset == 0 for _, offset in term.erfs)
    half = lower == 0 and upper == sp.oo
    if (lower, upper) != (-sp.oo, sp.oo) and not (half and centred):
        raise Obstruction(f"erf on the interval ({lower}, {upper}) needs Owen's T function")
    if half and (term.power + len(term.erfs)) % 2 == 0:
        return _with_erfs(term.times(sp.Rational(1, 2)), -sp.oo, sp.oo, q)
    if term.power == 0:
        return _erf_product(term, q, half=half)
    measure = _tilt(term, q)
    parts: list[Part] = []
    lowered = replace(term, power=term.power - 1)
    if measure.mean != 0:
        parts += integrate_term(lowered.times(measure.mean), lower, upper, q)
    if term.power > 1:
        twice = replace(term, power=term.power - 2)
        parts += integrate_term(twice.times((term.power - 1) * measure.variance), lower, upper, q)
    for index, (slope, offset) in enumerate(term.erfs):
        rest = term.erfs[:index] + term.erfs[index + 1 :]
        derived = lowered.times(
            measure.variance * 2 * slope / sp.sqrt(sp.pi),
            quadratic=term.quadratic - slope**2,
            linear=term.linear - 2 * slope * offset,
            constant=term.constant - offset**2,
            erfs=rest,
        )
        parts += integrate_term(derived, lower, upper, q)
    return parts


def _erf_product(term: Term, q: sp.Expr, *, half: bool) -> list[Part]:
    """E[Π erf(αᵢ x + βᵢ)] under the tilted measure."""
    measure = _tilt(term, q)
    scale = term.coefficient * measure.prefactor
    variance = measure.variance
    if len(term.erfs) == 1:
        ((slope, offset),) = term.erfs
        if half:
            angle = sp.atan(slope * sp.sqrt(2) * measure.deviation) / sp.pi
            return [_with_special(scale, measure.exponent, angle)]
        spread = sp.sqrt(sp.factor(sp.cancel(1 + 2 * slope**2 * variance)))
        argument = sp.factor(sp.cancel(slope * measure.mean + offset)) / spread
        return [_with_special(scale, measure.exponent, sp.erf(argument))]
    if len(term.erfs) == 2 and not half:
        (slope_1, offset_1), (slope_2, offset_2) = term.erfs
        shifts = [sp.cancel(s * measure.mean + o) for s, o in term.erfs]
        if any(shift != 0 for shift in shifts):
            raise Obstruction(
                f"E[erf({slope_1 * x + offset_1})*erf({slope_2 * x + offset_2})] off centre needs "
                "Owen's T function"
            )
        first, second = (sp.factor(sp.cancel(1 + 2 * s**2 * variance)) for s, _ in term.erfs)
        covariance = sp.cancel(2 * slope_1 * slope_2 * variance)
        ratio = covariance / first if first == second else covariance / sp.sqrt(first * second)
        angle = sp.asin(sp.factor(sp.cancel(ratio) if first == second else ratio))
        return [_with_special(scale * 2 / sp.pi, measure.exponent, angle)]
    count = len(term.erfs) + (1 if half else 0)
    raise Obstruction(
        f"a product of {count} error functions needs a {count}-dimensional orthant probability"
    )


def _with_special(scale: sp.Expr, exponent: sp.Expr, special: sp.Expr) -> Part:
    """Move numeric factors of a special function's value into the coefficient."""
    coefficient, function = special.as_independent(sp.Function, as_Add=False)
    return Part(scale * coefficient, exponent, function)
