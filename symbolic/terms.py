"""The normal form of an integrand: sums of polynomial × exp(quadratic) × cos × products of erf.

Every function the closed-form engine covers is brought to a list of `Term`s; what cannot be is
named as the obstruction.

>>> from freejac.symbolic.symbols import x
>>> [(t.coefficient, t.power, t.linear) for t in expand_terms(x * (sp.exp(x) - 1))]
[(-1, 1, 0), (1, 1, 1)]
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from math import comb, prod

import sympy as sp

from freejac.symbolic.functions import Phi, sigmoid, softplus
from freejac.symbolic.symbols import x

__all__ = ["Obstruction", "Term", "expand_terms"]

_MOST_TERMS = 1000


class Obstruction(Exception):  # noqa: N818 (a signal between rooms, never seen by a user)
    """Why a term has no closed form in the class."""


@dataclass(frozen=True)
class Term:
    """coefficient · xⁿ · exp(a x² + b x + c) · cos(ω x + δ) · Π erf(αᵢ x + βᵢ).

    Attributes:
        coefficient: factor without x.
        power: n.
        quadratic, linear, constant: a, b, c of the exponent.
        wave: (ω, δ), or None for no cosine.
        erfs: the pairs (αᵢ, βᵢ), sorted.
        opaque: a factor outside the class, or 1; such a term can only vanish by symmetry.
    """

    coefficient: sp.Expr
    power: int = 0
    quadratic: sp.Expr = sp.S.Zero
    linear: sp.Expr = sp.S.Zero
    constant: sp.Expr = sp.S.Zero
    wave: tuple[sp.Expr, sp.Expr] | None = None
    erfs: tuple[tuple[sp.Expr, sp.Expr], ...] = ()
    opaque: sp.Expr = sp.S.One

    def times(self, factor: sp.Expr, **changes: object) -> Term:
        """Multiply the coefficient and replace other fields."""
        return replace(self, coefficient=self.coefficient * factor, **changes)  # type: ignore[arg-type]

    def reflected(self) -> Term:
        """The term as a function of −x."""
        wave = None if self.wave is None else (-self.wave[0], self.wave[1])
        return replace(
            self,
            coefficient=self.coefficient * (-1) ** self.power,
            linear=-self.linear,
            wave=wave,
            erfs=tuple((-slope, offset) for slope, offset in self.erfs),
            opaque=self.opaque.subs(x, -x),
        )


def expand_terms(expr: sp.Expr) -> list[Term]:
    """Expand a smooth expression in x into terms of the class.

    Factors outside the class are kept as `opaque`, so that odd ones can still be recognised to
    integrate to zero.

    Raises:
        Obstruction: expansion would make too many terms.
    """
    rewritten = _in_base_functions(expr)
    if _expanded_size(rewritten) > _MOST_TERMS:
        raise Obstruction(f"it expands into more than {_MOST_TERMS} terms")
    kept, names = _protected(rewritten)
    expanded = sp.expand(kept, power_base=False, power_exp=False, log=False)
    return [
        term
        for summand in sp.Add.make_args(expanded)
        for term in _classify(summand.xreplace(names))
        if term.coefficient != 0
    ]


def _protected(expr: sp.Expr) -> tuple[sp.Expr, dict[sp.Symbol, sp.Expr]]:
    """Put names in place of denominators, which expansion would multiply out."""
    below = {
        part
        for part in expr.atoms(sp.Pow)
        if part.has(x) and not (part.exp.is_Integer and part.exp > 0)
    }
    names = {sp.Dummy(): part for part in below}
    return expr.xreplace({part: name for name, part in names.items()}), names


def _in_base_functions(expr: sp.Expr) -> sp.Expr:
    """Write an expression with exp, cos, erf, and with functions that are odd or even in x.

    The odd part of the sigmoid is a tanh, the even part of the softplus a logarithm of cosh: both
    have means that may vanish, or be known, by symmetry alone.
    """
    if not expr.args or not expr.has(x):
        return expr
    if isinstance(expr, sp.Mul):
        expr = _with_sigmoids(expr)
    if isinstance(expr, sp.Pow) and (split := _divided(*expr.args)) is not None:
        return _in_base_functions(split)
    parts = [_in_base_functions(part) for part in expr.args]
    rebuilt = expr if tuple(parts) == expr.args else expr.func(*parts)
    u = rebuilt.args[0]
    if isinstance(rebuilt, sp.Pow):
        if not rebuilt.base.has(x) and rebuilt.base.is_positive:
            return sp.exp(rebuilt.exp * sp.log(rebuilt.base))
        rest = rebuilt.base - 1
        if isinstance(rest, sp.exp) and rebuilt.exp.is_Integer and rebuilt.exp < 0:
            return ((1 - sp.tanh(rest.args[0] / 2)) / 2) ** -rebuilt.exp
        return rebuilt
    if isinstance(rebuilt, sp.log) and isinstance(u - 1, sp.exp):
        return _in_base_functions(softplus((u - 1).args[0]))
    rule = _BASE.get(rebuilt.func)
    return rule(u) if rule else rebuilt


def _divided(base: sp.Expr, power: sp.Expr) -> sp.Expr | None:
    """A denominator without what all of its terms share, a number or an exponential."""
    if not (base.is_Add and power.is_Integer and power < 0):
        return None
    exponents, bare = [], []
    for term in base.args:
        factors = sp.Mul.make_args(term)
        exponents.append(sp.expand(sp.Add(*(f.exp for f in factors if isinstance(f, sp.exp)))))
        bare.append(sp.Mul(*(f for f in factors if not isinstance(f, sp.exp))))
    together = len(set(exponents)) == 1
    shared = exponents[0] if together else sp.S.Zero
    content, rest = (sp.Add(*bare) if together else base).as_content_primitive()
    if content == 1 and shared == 0:
        return None
    return content**power * sp.exp(power * shared) * rest**power


def _with_sigmoids(product: sp.Expr) -> sp.Expr:
    """Write exp(u)/(1 + exp(u)) as the sigmoid."""
    for factor in product.args:
        base, power = factor.as_base_exp()
        if isinstance(base - 1, sp.exp) and power.is_Integer and power < 0:
            u = (base - 1).args[0]
            exponent = sp.Add(*(e.args[0] for e in product.args if isinstance(e, sp.exp)))
            times = sp.cancel(exponent / u)
            if times.is_Integer and times > 0:
                times = min(times, -power)
                return product / sp.exp(u) ** times * base**times * sigmoid(u) ** times
    return product


_BASE: dict[type, Callable[[sp.Expr], sp.Expr]] = {
    Phi: lambda u: (1 + sp.erf(u / sp.sqrt(2))) / 2,
    sp.erfc: lambda u: 1 - sp.erf(u),
    sigmoid: lambda u: (1 + sp.tanh(u / 2)) / 2,
    softplus: lambda u: u / 2 + sp.log(2 * sp.cosh(u / 2), evaluate=False),
    sp.cosh: lambda u: (sp.exp(u) + sp.exp(-u)) / 2,
    sp.sinh: lambda u: (sp.exp(u) - sp.exp(-u)) / 2,
}


def _classify(summand: sp.Expr) -> list[Term]:
    """Sort the factors of one product into a term (several when cosines multiply)."""
    independent, dependent = summand.as_independent(x, as_Add=False)
    terms = [Term(independent)]
    for factor in sp.Mul.make_args(dependent):
        base, exponent = (factor, 1) if isinstance(factor, sp.exp) else factor.as_base_exp()
        whole = exponent.is_integer and exponent > 0 if isinstance(exponent, sp.Basic) else True
        times = int(exponent) if whole else 0
        if base == x and whole:
            terms = [replace(t, power=t.power + times) for t in terms]
        elif isinstance(base, sp.exp) and (coefficients := _quadratic(base.exp)):
            a, b, c = coefficients
            terms = [
                replace(t, quadratic=t.quadratic + a, linear=t.linear + b, constant=t.constant + c)
                for t in terms
            ]
        elif isinstance(base, sp.erf) and whole and (line := _affine(base.args[0])):
            added = (line,) * times
            terms = [replace(t, erfs=_sorted(t.erfs + added)) for t in terms]
        elif isinstance(base, (sp.sin, sp.cos)) and whole and (line := _affine(base.args[0])):
            omega, delta = line
            if isinstance(base, sp.sin):
                delta = delta - sp.pi / 2
            for _ in range(times):
                terms = _joined(new for t in terms for new in _times_cosine(t, omega, delta))
        else:
            terms = [replace(t, opaque=t.opaque * factor) for t in terms]
    return terms


def _joined(terms: Iterable[Term]) -> list[Term]:
    """Add the coefficients of terms that are otherwise equal: cosⁿ gives n + 1 of them, not 2ⁿ."""
    sums: dict[Term, sp.Expr] = {}
    for term in terms:
        wave = term.wave
        if wave is not None and wave[0].could_extract_minus_sign():
            wave = (-wave[0], -wave[1])
        bare = replace(term, coefficient=sp.S.One, wave=wave)
        sums[bare] = sums.get(bare, sp.S.Zero) + term.coefficient
    return [replace(bare, coefficient=c) for bare, c in sums.items() if c != 0]


def _expanded_size(expr: sp.Expr) -> int:
    """An upper bound on the number of terms that expansion makes."""
    if isinstance(expr, sp.Add):
        return sum(_expanded_size(part) for part in expr.args)
    if isinstance(expr, sp.Mul):
        return prod(_expanded_size(part) for part in expr.args)
    if isinstance(expr, sp.Pow) and expr.exp.is_Integer and expr.exp > 0:
        # A power of a cosine becomes cosines of multiples.
        size = 2 if isinstance(expr.base, (sp.sin, sp.cos)) else _expanded_size(expr.base)
        power = int(expr.exp)
        return comb(size + power - 1, power)
    return 1


def _sorted(
    erfs: Iterable[tuple[sp.Expr, sp.Expr]],
) -> tuple[tuple[sp.Expr, sp.Expr], ...]:
    return tuple(sorted(erfs, key=sp.default_sort_key))


def _affine(expr: sp.Expr) -> tuple[sp.Expr, sp.Expr] | None:
    """(slope, offset) of an affine function of x, else None."""
    if not expr.is_polynomial(x) or sp.degree(expr, x) > 1:
        return None
    return expr.coeff(x, 1), expr.coeff(x, 0)


def _quadratic(expr: sp.Expr) -> tuple[sp.Expr, sp.Expr, sp.Expr] | None:
    """Coefficients of a polynomial of degree at most two in x, else None."""
    expanded = sp.expand(expr)
    if not expanded.is_polynomial(x) or sp.degree(expanded, x) > 2:
        return None
    return expanded.coeff(x, 2), expanded.coeff(x, 1), expanded.coeff(x, 0)


def _times_cosine(term: Term, omega: sp.Expr, delta: sp.Expr) -> list[Term]:
    """Multiply by cos(ωx + δ): cos A cos B = (cos(A + B) + cos(A − B))/2."""
    if term.wave is None:
        return [replace(term, wave=(omega, delta))]
    old_omega, old_delta = term.wave
    products = [(old_omega + omega, old_delta + delta), (old_omega - omega, old_delta - delta)]
    result = []
    for frequency, phase in products:
        if frequency == 0:
            result.append(term.times(sp.cos(phase) / 2, wave=None))
        else:
            result.append(term.times(sp.Rational(1, 2), wave=(frequency, phase)))
    return result
