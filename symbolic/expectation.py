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

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, TypeAlias

import mpmath
import sympy as sp

from freejac.symbolic.assembly import assemble
from freejac.symbolic.cases import by_cases
from freejac.symbolic.domain import exact, rational
from freejac.symbolic.errors import DomainError, InputError, NoClosedForm
from freejac.symbolic.gaussian import Parts, Polynomial, add_parts, integrate
from freejac.symbolic.growth import integrate_flat, split_flat
from freejac.symbolic.integrands import Located, collect, fold_opaque, generators, signed_sum
from freejac.symbolic.parsing import parse
from freejac.symbolic.piecewise import PiecewiseFunction, decompose
from freejac.symbolic.quadrature import gaussian_mean
from freejac.symbolic.rational import RationalTerm, integrate_rational, rational_term
from freejac.symbolic.signs import Chain, assumed
from freejac.symbolic.surds import Field
from freejac.symbolic.symbols import q as default_variance
from freejac.symbolic.symbols import x
from freejac.symbolic.terms import Obstruction

__all__ = [
    "Expectation",
    "Integrand",
    "as_function",
    "expect",
    "expectation",
    "pieces",
    "read",
]

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
        cancel. Where the sign or the order of parameters matters and their assumptions leave it
        open, a `Piecewise` of the cases.

    Raises:
        NoClosedForm: the expectation is outside the class; the message names the obstruction.
        DomainError: f is not a function with a defined expectation.
        ParseError: f is text outside the grammar.

    >>> expect("where(x > 0, x, exp(x) - 1)**2", 1).has(sp.erfc)
    True
    >>> expect("erf(x)**2")
    2*asin(2*q/(2*q + 1))/pi
    """
    integrand = read(f)
    variance = rational("the variance", variance)
    if not variance.is_positive:
        raise DomainError(f"the variance must be positive, not {variance}")
    return by_cases(
        lambda given: _closed_form(pieces(integrand, given), variance.subs(dict(given)), assumed())
    )


def expectation(f: Integrand, variance: sp.Expr = default_variance) -> sp.Expr:
    """E[f(h)] in closed form if there is one, else the exact unevaluated `Expectation`.

    >>> expectation("tanh(x)**2")
    Expectation(tanh(x)**2, q)
    """
    function = as_function(f)
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
            cls, exact("the integrand", integrand), rational("the variance", variance)
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


def as_function(f: Integrand) -> PiecewiseFunction:
    """Read an integrand: text, expression, or pieces.

    Raises:
        InputError: it is nothing of the kind.
    """
    return pieces(read(f), {})


def read(f: Integrand) -> sp.Expr | PiecewiseFunction:
    """Take an integrand in, its breakpoints not yet looked for.

    Raises:
        InputError: it is nothing of the kind.
    """
    if isinstance(f, PiecewiseFunction):
        return f
    if isinstance(f, str):
        return parse(f)
    if not isinstance(f, (sp.Expr, int)):
        raise InputError(f"an integrand is text or a SymPy expression, not {type(f).__name__}")
    return rational("the integrand", f)


def pieces(
    integrand: sp.Expr | PiecewiseFunction, given: Mapping[sp.Symbol, sp.Expr]
) -> PiecewiseFunction:
    """Split an integrand at its breakpoints, after substitutions for its parameters."""
    if isinstance(integrand, PiecewiseFunction):
        return integrand.subs(dict(given)) if given else integrand
    return decompose(integrand.subs(dict(given)) if given else integrand)


@lru_cache(maxsize=2048)
def _closed_form(function: PiecewiseFunction, q: sp.Expr, facts: Chain) -> sp.Expr:
    """The closed form in one case; the facts that define it are part of the cache's key."""
    try:
        terms, rationals = _split(fold_opaque(collect(function)))
        found, whole = generators(terms, function.deltas)
        for fraction in rationals:
            found |= fraction.constants
        field = Field(found, whole | {q})
        variance = field.whole(q)
        ordinary, flat = split_flat(terms, variance)
        parts: Parts = {}
        for shape, powers in signed_sum(ordinary, function.deltas, field).items():
            polynomial: Polynomial = {
                (power,): coefficient for power, coefficient in powers.items()
            }
            add_parts(parts, integrate([[variance]], [shape], polynomial))
        for located in flat:
            add_parts(parts, integrate_flat(located, variance))
        for fraction in rationals:
            add_parts(parts, integrate_rational(fraction, variance))
    except Obstruction as reason:
        raise NoClosedForm(f"E[{function.to_sympy()}]", str(reason)) from None
    return assemble(parts)


def _split(terms: Iterable[Located]) -> tuple[list[Located], list[RationalTerm]]:
    """Terms of the class, and rational functions."""
    plain: list[Located] = []
    rationals = []
    for located in terms:
        if located.term.opaque == 1:
            plain.append(located)
            continue
        fraction = rational_term(located)
        if fraction is None:
            raise Obstruction(f"{located.term.opaque} is outside the class")
        rationals.append(fraction)
        plain += fraction.located
    return plain, rationals
