"""Expressions in a correlation c, written so that nothing cancels at c = ±1.

With 1 + c and 1 − c, which are exact in double precision where they are small, and their product
g = 1 − c², a polynomial such as q² − c²q² + 2q + 1 is q²g + 2q + 1: a sum of positive terms.

>>> paired(1 / sp.sqrt(q**2 - c**2 * q**2 + 2 * q + 1))
1/sqrt(gap*q**2 + 2*q + 1)
>>> paired(sp.sqrt(1 - c**2)), paired(sp.sqrt(1 + c))
(sqrt(gap), sqrt(up))
"""

from __future__ import annotations

from itertools import permutations
from typing import Any

import mpmath
import sympy as sp
from sympy.codegen.cfunctions import expm1

from freejac.symbolic.bivariate_normal import Phi2
from freejac.symbolic.symbols import c, q

__all__ = [
    "Angle",
    "ExpGap",
    "Tail2",
    "completed_squares",
    "down",
    "gap",
    "gap_exponentials",
    "joined_exponentials",
    "paired",
    "up",
    "with_tails",
]

up = sp.Symbol("up", positive=True)
"""1 + c."""
down = sp.Symbol("down", positive=True)
"""1 − c."""
gap = sp.Symbol("gap", positive=True)
"""1 − c²."""


class Angle(sp.Function):
    """The angle 2 atan(√(a/b)) ∈ [0, π] of a ≥ 0 and b ≥ 0, not both 0."""

    def _eval_is_nonnegative(self) -> bool:
        return True

    @staticmethod
    def _imp_(a: Any, b: Any) -> Any:
        return 2 * mpmath.atan2(mpmath.sqrt(a), mpmath.sqrt(b))


class ExpGap(sp.Function):
    """exp(−q(1 − c)), where code keeps the rounding error of the exponent."""

    @staticmethod
    def _imp_(q: Any, c: Any) -> Any:
        return mpmath.exp(-q * (1 - c))


class Tail2(sp.Function):
    """The mean of e^{−aX − bY} where X, Y > 0, normals of correlation ρ, for a, b ≥ 0.

    Its arguments are a, b, ρ, 1 + ρ and 1 − ρ. It is e^{Q/2} Φ₂(h, k; ρ) with
    Q = (h² − 2ρhk + k²)/(1 − ρ²), of which a and b are the slopes −∂Q/∂h/2 and −∂Q/∂k/2: neither
    factor need be representable, and differences of h and k that cancel do not occur.
    """

    def _eval_is_positive(self) -> bool:
        return True


def with_tails(expr: sp.Expr) -> sp.Expr:
    """Join e^E Φ₂(h, k; ρ) to `Tail2` where E = Q/2 falls with h and with k."""

    def joined(product: sp.Mul) -> sp.Expr:
        tails = [f for f in product.args if isinstance(f, Phi2)]
        exponents = [f.args[0] for f in product.args if isinstance(f, sp.exp)]
        if len(tails) != 1:
            return product
        h, k, rho = tails[0].args
        form = (h**2 - 2 * rho * h * k + k**2) / (2 * (1 - rho**2))
        rates = [sp.factor((rho * v - u) / (1 - rho**2)) for u, v in ((h, k), (k, h))]
        falls = all(rate.is_nonnegative for rate in rates)
        if not falls or sp.simplify(sp.Add(*exponents) - form) != 0:
            return product
        rest = [f for f in product.args if not isinstance(f, sp.exp) and f != tails[0]]
        return sp.Mul(*rest, Tail2(*rates, rho, 1 + rho, 1 - rho))

    return expr.replace(lambda e: e.is_Mul and e.has(Phi2), joined)


def paired(expr: sp.Expr) -> sp.Expr:
    """Write every sum in the one of c, 1 + c, 1 − c and 1 − c² that cancels least.

    Args:
        expr: an expression in c and others.

    Returns:
        An equal expression in c, `up`, `down` and `gap`.
    """
    if expr.is_Add and expr.has(c):
        expr = _least(expr)
    if not expr.args or not expr.has(c):
        return expr
    return expr.func(*(paired(part) for part in expr.args))


def _least(expr: sp.Add) -> sp.Expr:
    if not expr.is_polynomial(c):
        return expr
    forms = [expr, sp.expand(expr.subs(c, up - 1)), sp.expand(expr.subs(c, 1 - down))]
    powers = sp.Poly(expr, c)
    if all(n % 2 == 0 for (n,) in powers.monoms()):
        even = sum(k * (1 - gap) ** (n // 2) for (n,), k in powers.terms())
        forms.insert(1, sp.expand(even))
    return min(forms, key=_doubt)


def _doubt(expr: sp.Expr) -> tuple[float, int]:
    """How many terms may work against the rest; terms odd in c have either sign."""
    terms = sp.Add.make_args(expr)
    negative = sum(1 for term in terms if term.could_extract_minus_sign())
    either = sum(1 for term in terms if _is_odd(term))
    return (min(negative, len(terms) - negative) + 0.5 * either if len(terms) > 1 else 0), len(
        terms
    )


def _is_odd(term: sp.Expr) -> bool:
    return bool(sp.degree(term, c) % 2) if term.is_polynomial(c) and term.has(c) else False


def completed_squares(expr: sp.Expr) -> sp.Expr:
    """Write k(e^X − 2e^Y + e^Z) as k(e^{X/2} − e^{Z/2})² and 2k(e^{(X+Z)/2} − e^Y), for 0 ≤ c ≤ 1.

    Two Dirac deltas of opposite weights leave such sums. Where c > 0 neither part is negative, and
    each is one function that does not cancel.
    """
    terms = list(sp.Add.make_args(expr))
    for x_term, z_term, y_term in permutations(terms, 3):
        if not {x_term, y_term, z_term} <= set(terms):
            continue
        (x, k), (y, m), (z, n) = map(_power_of_e, (x_term, y_term, z_term))
        middle = (x + z) / 2
        if sp.expand(k - n) != 0 or sp.expand(m + 2 * k) != 0 or not _falls(z - x):
            continue
        if _falls(y - middle):
            rest = -2 * k * sp.exp(middle) * expm1(sp.factor(y - middle))
        elif _falls(middle - y):
            rest = 2 * k * sp.exp(y) * expm1(sp.factor(middle - y))
        else:
            continue
        square = k * sp.exp(x) * expm1(sp.factor((z - x) / 2)) ** 2
        terms = [t for t in terms if t not in (x_term, y_term, z_term)] + [square, rest]
    return sp.Add(*terms)


def _power_of_e(term: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    exponent, factor = _exponent(term)
    return (sp.S.Zero if exponent is None else exponent), factor


def joined_exponentials(expr: sp.Expr) -> sp.Expr:
    """Write k e^X − k e^Y as −k e^X expm1(Y − X), for 0 ≤ c ≤ 1 and Y ≤ X there."""
    terms = list(sp.Add.make_args(expr))
    for first in list(terms):
        for second in list(terms):
            if first not in terms or second not in terms or first is second:
                continue
            (x, k), (y, m) = _exponent(first), _exponent(second)
            if x is None or y is None or sp.expand(k + m) != 0:
                continue
            if _falls(y - x):
                terms.remove(first)
                terms.remove(second)
                terms.append(-k * sp.exp(x) * expm1(sp.factor(y - x)))
    return sp.Add(*terms)


def _falls(expr: sp.Expr) -> bool:
    """Whether an expression is negative for 0 < c < 1, seen with c = 1/(1 + y)."""
    y = sp.Dummy("y", positive=True)
    return bool(sp.factor(expr.subs(c, 1 / (1 + y))).is_negative)


def _exponent(term: sp.Expr) -> tuple[sp.Expr | None, sp.Expr]:
    """The exponent of a term, and its other factors; the sum of several is one fraction."""
    factors = sp.Mul.make_args(term)
    exponents = [f.args[0] for f in factors if isinstance(f, sp.exp)]
    if not exponents:
        return None, term
    rest = sp.Mul(*(f for f in factors if not isinstance(f, sp.exp)))
    return exponents[0] if len(exponents) == 1 else sp.factor(sp.Add(*exponents)), rest


def gap_exponentials(expr: sp.Expr) -> sp.Expr:
    """Write exp(−q(1 ∓ c)) as the function whose code keeps the rounding of the exponent."""
    expr = expr.replace(
        lambda e: isinstance(e, sp.exp) and sp.expand(e.args[0] + q * (1 - c)) == 0,
        lambda e: ExpGap(q, c),
    )
    return expr.replace(
        lambda e: isinstance(e, sp.exp) and sp.expand(e.args[0] + q * (1 + c)) == 0,
        lambda e: ExpGap(q, -c),
    )
