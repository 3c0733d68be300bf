"""Series of a Gaussian mean E[f(√q z)] at small and at large variance q, with exact coefficients.

At q → 0 the one-sided Taylor series of f at 0 decide, integrated term by term (Watson's lemma). At
q → ∞ the polynomials P₊ and P₋ that f approaches at ±∞ decide first. What is left of f decays
faster than every power, so that its weight exp(−x²/2q) may be expanded; the moments that come of it
are the finite parts of `FiniteParts`:

    E[f(√q z)] ~ Σ_n E[|z|ⁿ]/2 · (P₊ₙ + (−1)ⁿ P₋ₙ) q^{n/2}
                 + (2πq)^{−1/2} Σ_k (−1/2q)ᵏ/k! · f.p.∫ x²ᵏ f(x) dx

Source: Olver (1974), Asymptotics and Special Functions, chapter 3, section 3 (Watson's lemma); Wong
    (1989), Asymptotic Approximations of Integrals (finite parts in asymptotic series).

>>> from freejac.symbolic.piecewise import decompose
>>> print(mean_series(decompose(sp.tanh(x) ** 2), 0, 3))
q - 2*q**2 + 17*q**3/3 + O(q**4)
>>> print(mean_series(decompose(sp.Max(0, x) * sp.exp(-x)), sp.oo, 2))
sqrt(2)/(2*sqrt(pi)*sqrt(q)) - 3*sqrt(2)/(2*sqrt(pi)*q**(3/2)) + O(q**(-5/2))
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from freejac.symbolic.domain import exact
from freejac.symbolic.errors import DomainError, Undecided
from freejac.symbolic.finite_erf import ErfSum
from freejac.symbolic.finite_parts import FiniteParts
from freejac.symbolic.intervals import is_zero, precedes
from freejac.symbolic.line_integrals import LineIntegral
from freejac.symbolic.parity import even_part, simplified
from freejac.symbolic.piecewise import PiecewiseFunction
from freejac.symbolic.symbols import q, x
from freejac.symbolic.taylor import taylor

__all__ = ["AsymptoticSeries", "mean_series"]

_MOST_TERMS = 200
_SEARCHED = 12  # exponents looked at beyond those asked for, where coefficients vanish

Term = tuple[sp.Expr, sp.Expr]


@dataclass(frozen=True)
class AsymptoticSeries:
    """A truncated series in the variance q.

    Attributes:
        terms: pairs (coefficient, exponent of q), the largest term first; no coefficient is zero.
        at: where it holds, 0 or ∞.
        order: the exponent of what is left out, O(q**order): that of the next term if there is
            one. It is ∞ at q → 0 (−∞ at q → ∞) where every further coefficient vanishes: what is
            left out is then zero, or smaller than every power of q.

    >>> series = AsymptoticSeries(((sp.Rational(1, 2), sp.S.One),), sp.S.Zero, sp.Integer(2))
    >>> print(series), series.truncated()
    q/2 + O(q**2)
    (None, q/2)
    """

    terms: tuple[Term, ...]
    at: sp.Expr
    order: sp.Expr

    def truncated(self) -> sp.Expr:
        """The sum of the terms, without what is left out."""
        return sp.Add(*(weight * q**exponent for weight, exponent in self.terms))

    def as_expr(self) -> sp.Expr:
        """A SymPy expression with its `Order` term, where there is one."""
        if self.order.is_infinite:
            return self.truncated()
        return self.truncated() + sp.Order(q**self.order, (q, self.at))

    def coefficient(self, exponent: object) -> sp.Expr:
        """Coefficient of q**exponent.

        Raises:
            DomainError: the term is beyond the truncation.
        """
        wanted = exact("the exponent", exponent)
        beyond = wanted >= self.order if self.at == 0 else wanted <= self.order
        if beyond:
            raise DomainError(f"the series is known to O(q**({self.order})) only")
        return next((weight for weight, power in self.terms if power == wanted), sp.S.Zero)

    def scaled(self, factor: sp.Expr) -> AsymptoticSeries:
        """The series times a factor without q."""
        return replace(self, terms=tuple((weight * factor, n) for weight, n in self.terms))

    def plus(self, constant: sp.Expr) -> AsymptoticSeries:
        """The series plus a constant, which must be within the truncation to be seen."""
        terms = {n: weight for weight, n in self.terms}
        kept = self.order > 0 if self.at == 0 else self.order < 0
        if kept:
            terms[sp.S.Zero] = terms.get(sp.S.Zero, sp.S.Zero) + constant
        return replace(self, terms=_sorted(terms, self.at))

    def __str__(self) -> str:
        parts = [sp.sstr(weight * q**exponent) for weight, exponent in self.terms]
        if self.order.is_finite:
            parts.append(f"O({sp.sstr(q**self.order)})")
        return " + ".join(parts or ["0"]).replace(" + -", " - ")

    def _latex(self, printer: Any) -> str:
        parts = [printer._print(weight * q**exponent) for weight, exponent in self.terms]
        if self.order.is_finite:
            parts.append(rf"O\left({printer._print(q**self.order)}\right)")
        return " + ".join(parts or ["0"]).replace("+ -", "- ")

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {sp.latex(self)}$"


def mean_series(f: PiecewiseFunction, at: object = 0, terms: int = 4) -> AsymptoticSeries:
    """The series of E[f(√q z)], z standard normal, as q → 0 or q → ∞.

    At q → 0, half-integer powers appear where f is not smooth at 0, and negative powers where a
    Dirac delta is at 0. Kinks, jumps and deltas at other points b contribute terms of the size of
    exp(−b²/2q), smaller than every power of q: they are not part of the series.

    At q → ∞, waves such as sin(x) contribute terms of the size of exp(−ω²q/2), which are not part
    of the series either.

    The series is asymptotic: it need not converge.

    Args:
        f: the integrand, with its Dirac deltas.
        at: 0 or `sympy.oo`.
        terms: number of non-zero terms, at least 1.

    Returns:
        The series; fewer terms where every further coefficient vanishes. A coefficient is closed
        where its integral closes, otherwise it holds exact `LineIntegral`s, which evaluate to any
        precision.

    Raises:
        DomainError: `at` or `terms` is out of range, or a parameter's sign decides and is not
            declared.
        NoClosedForm: at q → 0, f is singular at 0; at q → ∞, f grows faster than a polynomial, or
            approaches its growth only like a power of 1/x (atan, for one).

    >>> from freejac.symbolic.piecewise import decompose
    >>> print(mean_series(decompose(sp.Abs(x) + sp.DiracDelta(x)), 0, 2))
    sqrt(2)/(2*sqrt(pi)*sqrt(q)) + sqrt(2)*sqrt(q)/sqrt(pi)
    >>> print(mean_series(decompose(sp.tanh(x) ** 2), sp.oo, 3))
    1 - sqrt(2)/(sqrt(pi)*sqrt(q)) + sqrt(2)*pi**(3/2)/(24*q**(3/2)) + O(q**(-5/2))
    """
    place = exact("at", at)
    if place not in (sp.S.Zero, sp.oo):
        raise DomainError(f"a series is taken at q = 0 or at q = oo, not at {at}")
    if not isinstance(terms, int) or isinstance(terms, bool) or not 1 <= terms <= _MOST_TERMS:
        raise DomainError(f"the number of terms is an integer from 1 to {_MOST_TERMS}, not {terms}")
    found, end = (_small if place == 0 else _large)(f, terms)
    kept: list[Term] = []
    for weight, exponent in found:
        coefficient = _canonical(weight)
        if coefficient != 0:
            if len(kept) == terms:
                return AsymptoticSeries(tuple(kept), place, exponent)
            kept.append((coefficient, exponent))
    return AsymptoticSeries(tuple(kept), place, end)


def _small(f: PiecewiseFunction, terms: int) -> tuple[Iterator[Term], sp.Expr]:
    """Coefficients in ascending powers of √q, zeros among them, and where the search ends."""
    right = next(piece.expr for piece in f.pieces if precedes(sp.S.Zero, piece.upper))
    left = next(piece.expr for piece in reversed(f.pieces) if precedes(piece.lower, sp.S.Zero))
    even = simplified(right + left.subs(x, -x))
    if even.is_polynomial(x):
        last = sp.degree(even, x) if even.has(x) else 0
        end = sp.oo
    else:
        last = 4 * terms + 2 * _SEARCHED
        end = sp.Rational(last + 1, 2)

    def stream() -> Iterator[Term]:
        yield from _deltas_at_zero(f)
        done, order = -1, min(last, 2 * terms + 4)
        while done < last:
            ahead = taylor(right, order)
            behind = ahead if left == right else taylor(left, order)
            for n in range(done + 1, order + 1):
                weight = _half_moment(n) * (ahead[n] + (-1) ** n * behind[n])
                yield weight, sp.Rational(n, 2)
            done, order = order, min(last, 2 * order)

    return stream(), end


def _deltas_at_zero(f: PiecewiseFunction) -> Iterator[Term]:
    """E[δ⁽ᵏ⁾(√q z)] = (−1)^{k/2} (k − 1)!!/√(2π) · q^{−(k+1)/2} for even k, and 0 for odd k."""
    for delta in sorted(f.deltas, key=lambda d: -d.order):
        k = delta.order
        if k % 2 == 0 and is_zero(delta.location):
            moment = (-1) ** (k // 2) * sp.factorial2(k - 1) / sp.sqrt(2 * sp.pi)
            yield delta.weight * moment, -sp.Rational(k + 1, 2)


def _large(f: PiecewiseFunction, terms: int) -> tuple[Iterator[Term], sp.Expr]:
    """Coefficients in descending powers of √q, zeros among them, and where the search ends."""
    parts = FiniteParts(f)
    ends = _ends_beyond_all_orders(f)
    last = 0 if ends else terms + _SEARCHED

    def stream() -> Iterator[Term]:
        for n in sorted({*parts.right, *parts.left}, reverse=True):
            weight = parts.right.get(n, sp.S.Zero) + (-1) ** n * parts.left.get(n, sp.S.Zero)
            yield _half_moment(n) * weight, sp.Rational(n, 2)
        for k in range(last):
            scale = sp.Rational(-1, 2) ** k / sp.factorial(k) / sp.sqrt(2 * sp.pi)
            yield scale * parts.integral(2 * k), -k - sp.S.Half

    return stream(), -sp.oo if ends else -last - sp.S.Half


def _ends_beyond_all_orders(f: PiecewiseFunction) -> bool:
    """Whether the even part of f is a polynomial on either side of 0, or a wave on the line."""
    try:
        even = even_part(f)
    except Undecided:
        return False
    if even.deltas or any(b != 0 for b in even.breakpoints):
        return False
    if all(piece.expr.is_polynomial(x) for piece in even.pieces):
        return True
    whole = ErfSum.of(even.pieces[0].expr) if len(even.pieces) == 1 else None
    return whole is not None and whole.is_wave


def _half_moment(n: int) -> sp.Expr:
    """E[zⁿ; z > 0] = 2^{n/2 − 1} Γ((n + 1)/2)/√π, z standard normal."""
    root = sp.Integer(2) ** (sp.Rational(n, 2) - 1)
    return root * sp.gamma(sp.Rational(n + 1, 2)) / sp.sqrt(sp.pi)


def _canonical(weight: sp.Expr) -> sp.Expr:
    """The coefficient expanded, or factored when it holds parameters; zero when it vanishes."""
    expanded = sp.expand(weight)
    if expanded.has(LineIntegral):
        return expanded
    if expanded.free_symbols:
        return sp.factor(expanded)
    return sp.S.Zero if is_zero(expanded) else expanded


def _sorted(terms: dict[sp.Expr, sp.Expr], at: sp.Expr) -> tuple[Term, ...]:
    """The non-zero terms, the largest first."""
    ordered = sorted(terms.items(), reverse=at != 0)
    return tuple((weight, exponent) for exponent, weight in ordered if weight != 0)
