"""Gaussian expectations E[f(h)], h ~ N(0, q): in closed form, or exact and unevaluated.

>>> from freejac.symbolic.symbols import x
>>> expect(sp.Max(0, x) ** 2)
q/2
>>> expect("tanh(x)**2")
Traceback (most recent call last):
    ...
freejac.symbolic.errors.NoClosedForm: no closed form for E[tanh(x)**2]: tanh(x)**2 is outside the class
"""  # noqa: E501 (the message is one line)

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, TypeAlias

import mpmath
import sympy as sp

from freejac.symbolic.domain import exact
from freejac.symbolic.errors import DomainError, InputError, NoClosedForm
from freejac.symbolic.gaussian import Part, integrate_term
from freejac.symbolic.parsing import parse
from freejac.symbolic.piecewise import Delta, PiecewiseFunction, decompose
from freejac.symbolic.quadrature import gaussian_mean
from freejac.symbolic.symbols import q as default_variance
from freejac.symbolic.symbols import x
from freejac.symbolic.terms import Obstruction, expand_terms

__all__ = ["Expectation", "expect", "expectation"]

Integrand: TypeAlias = str | sp.Expr | PiecewiseFunction


def expect(f: Integrand, variance: sp.Expr = default_variance) -> sp.Expr:
    """E[f(h)] for h ~ N(0, q), in closed form.

    The integrand is split at its breakpoints; each smooth piece is expanded into polynomial ×
    exponential of a quadratic × cosine × products of erf, and each such term integrated by
    completing the square, truncated-moment recursions, and Stein's identity (see
    `freejac.symbolic.gaussian`).

    Args:
        f: a SymPy expression in `freejac.x` (Dirac deltas allowed), text, or a
            `PiecewiseFunction`.
        variance: the variance q, positive.

    Returns:
        The exact value, in a canonical form: one term per exponential, erfc where 1 − erf would
        cancel.

    Raises:
        NoClosedForm: the expectation is outside the class; the message names the obstruction.
        DomainError: f is not a function with a defined expectation.
        ParseError: f is text outside the grammar.

    >>> expect("where(x > 0, x, exp(x) - 1)**2", 1).has(sp.erfc)
    True
    >>> expect("erf(x)**2")
    2*asin(2*q/(2*q + 1))/pi
    """
    function = _as_function(f)
    variance = exact("the variance", variance)
    if not variance.is_positive:
        raise DomainError(f"the variance must be positive, not {variance}")
    return _closed_form(function, variance)


def expectation(f: Integrand, variance: sp.Expr = default_variance) -> sp.Expr:
    """E[f(h)] in closed form if there is one, else the exact unevaluated `Expectation`.

    >>> expectation("tanh(x)**2")
    Expectation(tanh(x)**2, q)
    """
    function = _as_function(f)
    try:
        return expect(function, variance)
    except NoClosedForm:
        return Expectation(function.to_sympy(), variance)


class Expectation(sp.Expr):
    """The exact, unevaluated E[f(h)], h ~ N(0, variance).

    Its arguments are the integrand, an expression in the bound variable x, and the variance. It
    evaluates to any precision by quadrature, and differentiates by the heat equation
    ∂_q E[f] = ½ E[f″].

    >>> Expectation(sp.tanh(x) ** 2, sp.Integer(1)).evalf(20)
    0.39429449039784117442
    """

    is_commutative = True
    is_real = True

    def __new__(cls, integrand: sp.Expr, variance: sp.Expr) -> Expectation:
        """Build from an integrand in x and a variance."""
        return sp.Expr.__new__(
            cls, exact("the integrand", integrand), exact("the variance", variance)
        )

    @property
    def integrand(self) -> PiecewiseFunction:
        """The integrand split into smooth pieces."""
        return decompose(self.args[0])

    @property
    def variance(self) -> sp.Expr:
        """The variance of h."""
        return self.args[1]

    @property
    def free_symbols(self) -> set[sp.Symbol]:
        """Free symbols; x is bound."""
        return (self.args[0].free_symbols - {x}) | self.args[1].free_symbols

    @property
    def bound_symbols(self) -> list[sp.Symbol]:
        """The integration variable."""
        return [x]

    def _eval_is_positive(self) -> bool | None:
        return True if self.args[0].is_positive else None

    def _eval_is_nonnegative(self) -> bool | None:
        return True if self.args[0].is_nonnegative else None

    def _eval_subs(self, old: sp.Expr, new: sp.Expr) -> sp.Expr | None:
        return self if old == x else None

    def _eval_derivative(self, symbol: sp.Symbol) -> sp.Expr:
        heat = self.integrand.derivative().derivative()
        by_variance = expectation(heat, self.variance) / 2 * sp.diff(self.variance, symbol)
        if symbol not in self.args[0].free_symbols:
            return by_variance
        if any(symbol in b.free_symbols for b in self.integrand.breakpoints):
            raise DomainError(f"cannot differentiate {self} by {symbol}: it moves a breakpoint")
        inner = self.integrand.map(lambda e: sp.diff(e, symbol))
        return by_variance + expectation(inner, self.variance)

    def _eval_evalf(self, prec: int) -> sp.Float:
        if self.free_symbols:
            return Expectation(self.args[0], self.args[1].evalf(mpmath.libmp.prec_to_dps(prec)))
        digits = mpmath.libmp.prec_to_dps(prec)
        return sp.Float(gaussian_mean(self.integrand, self.variance, digits + 2), digits + 2)

    def _latex(self, printer: Any) -> str:
        return (
            rf"\mathbb{{E}}_{{h \sim \mathcal{{N}}(0, {printer._print(self.args[1])})}}\left["
            + (printer._print(self.args[0].subs(x, sp.Symbol("h", real=True))) + r"\right]")
        )


def _as_function(f: Integrand) -> PiecewiseFunction:
    if isinstance(f, PiecewiseFunction):
        return f
    if isinstance(f, str):
        return decompose(parse(f))
    if not isinstance(f, (sp.Expr, int)):
        raise InputError(f"an integrand is text or a SymPy expression, not {type(f).__name__}")
    return decompose(sp.sympify(f, strict=True))


@lru_cache(maxsize=2048)
def _closed_form(function: PiecewiseFunction, q: sp.Expr) -> sp.Expr:
    parts: list[Part] = []
    try:
        for piece in function.pieces:
            for term in expand_terms(piece.expr):
                parts += integrate_term(term, piece.lower, piece.upper, q)
    except Obstruction as reason:
        raise NoClosedForm(f"E[{function.to_sympy()}]", str(reason)) from None
    parts += [_delta_part(delta, q) for delta in function.deltas]
    return _canonical(parts)


def _delta_part(delta: Delta, q: sp.Expr) -> Part:
    """∫ w δ⁽ᵏ⁾(x − b) N(x; 0, q) dx = w (−1)ᵏ N⁽ᵏ⁾(b) = w He_k(b/√q) N(b)/q^{k/2}."""
    at = delta.location
    hermite = sp.hermite_prob(delta.order, x).subs(x, at / sp.sqrt(q))
    factor = delta.weight * hermite / q ** sp.Rational(delta.order, 2)
    return Part(factor / sp.sqrt(2 * sp.pi * q), -(at**2) / (2 * q))


def _canonical(parts: Iterable[Part]) -> sp.Expr:
    """Collect parts by exponential, simplify the coefficients, and choose erf or erfc."""
    groups: dict[sp.Expr, dict[sp.Expr, sp.Expr]] = {}
    for part in parts:
        sign, special = sp.S.One, part.special
        if isinstance(special, sp.Mul):
            # SymPy moves the sign of an odd function's argument to the front.
            sign, special = special.as_coeff_Mul()
        if special != 1 and not special.has(sp.Function):
            sign, special = sign * special, sp.S.One
        group = groups.setdefault(sp.expand(part.exponent), {})
        group[special] = group.get(special, sp.S.Zero) + part.coefficient * sign
    total = sp.S.Zero
    for exponent, group in groups.items():
        simplified = {s: _simple(coefficient) for s, coefficient in group.items()}
        total += sp.Add(*(c * sp.exp(exponent) for c in _with_erfc(simplified)))
    return total


def _simple(coefficient: sp.Expr) -> sp.Expr:
    """Sum of products: terms that share their irrational factors are joined and factored.

    Radicals and π are kept apart from rational functions, so that nothing is nested and equal
    coefficients written differently come out equal.
    """
    groups: dict[sp.Expr, sp.Expr] = {}
    for term in _products(coefficient):
        signature = sp.S.One
        for factor in sp.Mul.make_args(term):
            base, exponent = factor.as_base_exp()
            if base.is_NumberSymbol:
                signature *= factor
            elif exponent.is_Rational and not exponent.is_Integer:
                signature *= base ** (exponent - sp.floor(exponent))
        groups[signature] = groups.get(signature, sp.S.Zero) + term / signature
    return sp.Add(*(sp.factor(sp.together(rest)) * sig for sig, rest in groups.items()))


def _products(coefficient: sp.Expr) -> list[sp.Expr]:
    """Expand the numerators of a sum, and leave its denominators factored."""
    products = []
    for summand in sp.Add.make_args(coefficient):
        numerator, denominator = sp.fraction(summand)
        products += [n / denominator for n in sp.Add.make_args(sp.expand(numerator))]
    return products


def _with_erfc(group: dict[sp.Expr, sp.Expr]) -> list[sp.Expr]:
    """Write k + c·erf(B) as k·erfc(B) + (k + c)·erf(B), so that nothing cancels at large B."""
    constant = group.pop(sp.S.One, sp.S.Zero)
    erfs = [s for s in group if isinstance(s, sp.erf) and group[s] != 0]
    partners = [s for s in erfs if _simple(constant + group[s]) == 0] if constant != 0 else []
    chosen = partners[0] if partners else erfs[0] if len(erfs) == 1 and constant != 0 else None
    if chosen is None or _simple(constant - group[chosen]) == 0:
        return [constant, *(c * s for s, c in group.items())]
    rest = _simple(constant + group.pop(chosen))
    terms = [constant * sp.erfc(chosen.args[0]), rest * chosen]
    return terms + [c * s for s, c in group.items()]
