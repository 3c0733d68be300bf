"""Gaussian expectations in two variables, E[f(h₁)g(h₂)]: closed form, or exact and unevaluated.

These are the duals, or kernels, of activation functions: the correlation map, and the
neural-network Gaussian process and tangent kernels, are built from them.

>>> expect2("erf(x)", "erf(x)")
2*asin(2*c*q/(2*q + 1))/pi
>>> expect2("relu(x)", "relu(x)", 1, 1)
c*asin(c)/(2*pi) + c/4 + sqrt(1 - c**2)/(2*pi)
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from typing import Any

import mpmath
import sympy as sp

from freejac.symbolic.assembly import assemble
from freejac.symbolic.bivariate_quadrature import gaussian_mean2
from freejac.symbolic.cases import by_cases
from freejac.symbolic.domain import exact, rational
from freejac.symbolic.errors import DomainError, NoClosedForm
from freejac.symbolic.expectation import Integrand, as_function, expect, expectation, pieces, read
from freejac.symbolic.gaussian import Parts, Polynomial, add_parts, integrate
from freejac.symbolic.growth import require_joint_decay
from freejac.symbolic.integrands import Shape, SignedSum, collect, generators, signed_sum
from freejac.symbolic.piecewise import PiecewiseFunction, decompose
from freejac.symbolic.signs import Chain, assumed
from freejac.symbolic.surds import Field, Surd
from freejac.symbolic.symbols import c as default_correlation
from freejac.symbolic.symbols import q as default_variance
from freejac.symbolic.symbols import x
from freejac.symbolic.symmetry import dilated, parity
from freejac.symbolic.terms import Obstruction

__all__ = ["Expectation2", "expect2", "expectation2"]

_MOST_MOMENTS = 6000
"""Far more than any product of activations has; what needs more would run for minutes."""


def expect2(
    f: Integrand,
    g: Integrand,
    q1: sp.Expr = default_variance,
    q2: sp.Expr | None = None,
    c: sp.Expr = default_correlation,
) -> sp.Expr:
    """E[f(h₁)g(h₂)] for centred Gaussian h₁, h₂ of variances q₁, q₂ and correlation c.

    Args:
        f: a SymPy expression in `freejac.x`, text, or a `PiecewiseFunction`.
        g: the same, of h₂.
        q1: variance of h₁, positive.
        q2: variance of h₂, positive; that of h₁ if left out.
        c: correlation, in [−1, 1]. A symbol stands for −1 < c < 1; at c = ±1 give the number.

    Returns:
        The exact value. What does not reduce to elementary functions is written with the
        bivariate normal distribution `Phi2`.

    Raises:
        NoClosedForm: the expectation is outside the class; the message names the obstruction.
        DomainError: a variance is not positive, c not in [−1, 1], or f, g not functions.
        ParseError: f or g is text outside the grammar.

    Source: for ReLU powers, Cho & Saul (2009), Kernel methods for deep learning, NIPS 22; for
        erf, Williams (1997), Computing with infinite networks, NIPS 9, eq. (11).

    >>> expect2("where(x>0, 1, 0)", "where(x>0, 1, 0)")
    asin(c)/(2*pi) + 1/4
    >>> expect2("exp(x)", "exp(x)", c=1)
    exp(2*q)
    """
    integrands = read(f), read(g)
    q1, q2 = _variances(q1, q2)
    c = rational("the correlation", c)
    if c.is_real is False or (c**2 - 1).is_positive:
        raise DomainError(f"the correlation must lie in [-1, 1], not {c}")
    if c.is_zero:
        return expect(f, q1) * expect(g, q2)
    return by_cases(
        lambda given: _in_case(
            *(pieces(integrand, given) for integrand in integrands),
            *(value.subs(dict(given)) for value in (q1, q2, c)),
        )
    )


def _in_case(
    f: PiecewiseFunction, g: PiecewiseFunction, q1: sp.Expr, q2: sp.Expr, c: sp.Expr
) -> sp.Expr:
    if (c**2 - 1).is_zero:
        return expect(_on_the_diagonal(f, g, q1, q2, c), q1)
    return _closed_form(f, g, q1, q2, c, assumed())


def expectation2(
    f: Integrand,
    g: Integrand,
    q1: sp.Expr = default_variance,
    q2: sp.Expr | None = None,
    c: sp.Expr = default_correlation,
) -> sp.Expr:
    """E[f(h₁)g(h₂)] in closed form if there is one, else the exact unevaluated `Expectation2`.

    Arguments and errors are those of `expect2`, without `NoClosedForm`.

    >>> expectation2("tanh(x)", "tanh(x)").subs({default_variance: 1, default_correlation: 1})
    Expectation(tanh(x)**2, 1)
    """
    first, second = as_function(f), as_function(g)
    variances = _variances(q1, q2)
    try:
        return expect2(first, second, *variances, c)
    except NoClosedForm:
        return Expectation2(first.to_sympy(), second.to_sympy(), *variances, c)


class Expectation2(sp.Expr):
    """The exact, unevaluated E[f(h₁)g(h₂)], the h centred Gaussian.

    Its arguments are f and g, expressions in the bound variable x, the two variances, and the
    correlation. It evaluates to any precision by quadrature, and differentiates by Price's theorem
    ∂_c E[f g] = √(q₁q₂) E[f′ g′] and the heat equation.

    Source: R. Price, IRE Trans. Inf. Theory 4 (1958) 69.

    >>> kernel = Expectation2(sp.tanh(x), sp.tanh(x), sp.S.One, sp.S.One, sp.S.Half)
    >>> kernel.evalf(12)
    0.186324413203
    """

    is_commutative = True
    is_real = True

    def __new__(cls, f: sp.Expr, g: sp.Expr, q1: sp.Expr, q2: sp.Expr, c: sp.Expr) -> sp.Expr:
        """Build from two integrands in x; at c = 0 and c = ±1 one variable is enough."""
        f, g = exact("f", f), exact("g", g)
        q1, q2 = _variances(q1, q2)
        c = rational("the correlation", c)
        if c.is_zero:
            return expectation(f, q1) * expectation(g, q2)
        if (c**2 - 1).is_zero:
            return expectation(_on_the_diagonal(decompose(f), decompose(g), q1, q2, c), q1)
        if (f, q1) != (g, q2) and sp.default_sort_key((f, q1)) > sp.default_sort_key((g, q2)):
            f, g, q1, q2 = g, f, q2, q1
        return sp.Expr.__new__(cls, f, g, q1, q2, c)

    @property
    def functions(self) -> tuple[PiecewiseFunction, PiecewiseFunction]:
        """The two integrands, split into smooth pieces."""
        return decompose(self.args[0]), decompose(self.args[1])

    @property
    def free_symbols(self) -> set[sp.Symbol]:
        """Free symbols; x is bound."""
        return set().union(*(arg.free_symbols for arg in self.args)) - {x}

    @property
    def bound_symbols(self) -> list[sp.Symbol]:
        """The variable that stands for h₁ in f and for h₂ in g."""
        return [x]

    def _eval_subs(self, old: sp.Expr, new: sp.Expr) -> sp.Expr | None:
        return self if old == x else None

    def _eval_derivative(self, symbol: sp.Symbol) -> sp.Expr:
        f, g, q1, q2, c = self.args
        if symbol in (f.free_symbols | g.free_symbols) - {x}:
            raise DomainError(
                f"cannot differentiate {self} by {symbol}, a parameter of an integrand"
            )
        first, second = self.functions
        slopes = first.derivative(), second.derivative()
        # With the covariance r = c√(q₁q₂): ∂_r = E[f′g′], and ∂_q₁ at fixed r is E[f″g]/2.
        covariance = sp.diff(c * sp.sqrt(q1) * sp.sqrt(q2), symbol)
        total = covariance * expectation2(*slopes, q1, q2, c) if covariance != 0 else sp.S.Zero
        for variance, pair in (
            (q1, (slopes[0].derivative(), second)),
            (q2, (first, slopes[1].derivative())),
        ):
            rate = sp.diff(variance, symbol) / 2
            total += rate * expectation2(*pair, q1, q2, c) if rate != 0 else 0
        return total

    def _eval_evalf(self, prec: int) -> sp.Expr:
        digits = mpmath.libmp.prec_to_dps(prec) + 2
        if self.free_symbols:
            return Expectation2(*self.args[:2], *(arg.evalf(digits) for arg in self.args[2:]))
        f, g = self.functions
        q1, q2, c = self.args[2:]
        return sp.Float(gaussian_mean2(f, g, q1, q2, c, digits), digits)

    def _latex(self, printer: Any) -> str:
        f, g, q1, q2, c = self.args
        names = [sp.Symbol(name, real=True) for name in ("h_1", "h_2")]
        inner = " ".join(
            rf"\left({printer._print(part.subs(x, name))}\right)"
            for part, name in zip((f, g), names, strict=True)
        )
        variances = ",".join(printer._print(variance) for variance in (q1, q2))
        return rf"\mathbb{{E}}_{{{variances};\, {printer._print(c)}}}\left[{inner}\right]"


@lru_cache(maxsize=2048)
def _closed_form(
    f: PiecewiseFunction,
    g: PiecewiseFunction,
    q1: sp.Expr,
    q2: sp.Expr,
    c: sp.Expr,
    facts: Chain,
) -> sp.Expr:
    """The closed form in one case; the facts that define it are part of the cache's key."""
    try:
        terms = [collect(f), collect(g)]
        found, whole = generators(terms[0] + terms[1], f.deltas + g.deltas)
        field = Field(found | {c}, whole | {q1, q2})
        covariance = _covariance(field, q1, q2, c)
        require_joint_decay(*terms, covariance)
        if _odd_together(f, g):
            return sp.S.Zero
        for located in terms[0] + terms[1]:
            if located.term.opaque != 1:
                raise Obstruction(f"{located.term.opaque} is outside the class")
        first = signed_sum(terms[0], f.deltas, field)
        second = signed_sum(terms[1], g.deltas, field)
        parts = _integrate_pairs(first, second, covariance)
    except Obstruction as reason:
        raise NoClosedForm(
            f"E[f(h₁)g(h₂)] of f = {f.to_sympy()}, g = {g.to_sympy()}", str(reason)
        ) from None
    return assemble(parts)


def _variances(q1: sp.Expr, q2: sp.Expr | None) -> tuple[sp.Expr, sp.Expr]:
    q1 = rational("the variance q1", q1)
    q2 = q1 if q2 is None else rational("the variance q2", q2)
    for variance in (q1, q2):
        if not variance.is_positive:
            raise DomainError(f"a variance must be positive, not {variance}")
    return q1, q2


def _on_the_diagonal(
    f: PiecewiseFunction, g: PiecewiseFunction, q1: sp.Expr, q2: sp.Expr, c: sp.Expr
) -> PiecewiseFunction:
    """At c = ±1, h₂ is a multiple of h₁."""
    return f * dilated(g, c * sp.sqrt(q2 / q1))


def _covariance(field: Field, q1: sp.Expr, q2: sp.Expr, c: sp.Expr) -> list[list[Surd]]:
    first, second = field.whole(q1), field.whole(q2)
    shared = field.number(c) * (first if first == second else (first * second).sqrt())
    return [[first, shared], [shared, second]]


def _integrate_pairs(first: SignedSum, second: SignedSum, covariance: list[list[Surd]]) -> Parts:
    moments = sum(
        (max(powers_1) + 1) * (max(powers_2) + 1)
        for powers_1, powers_2 in product(first.values(), second.values())
    )
    if moments > _MOST_MOMENTS:
        raise Obstruction(f"it needs {moments} moments of two variables, more than are computed")
    parts: Parts = {}
    for (shape_1, powers_1), (shape_2, powers_2) in product(first.items(), second.items()):
        for shape, powers in _with_conjugate(shape_2, powers_2, both=shape_1.is_wave):
            polynomial: Polynomial = {
                (n, m): a * b for (n, a), (m, b) in product(powers_1.items(), powers.items())
            }
            add_parts(parts, integrate(covariance, (shape_1, shape), polynomial))
    return parts


def _with_conjugate(
    shape: Shape, powers: dict[int, Surd], *, both: bool
) -> list[tuple[Shape, dict[int, Surd]]]:
    """For two waves A and B: Re A · Re B = Re A(B/2) + Re A(B̄/2)."""
    if not (both and shape.is_wave):
        return [(shape, powers)]
    halves = {n: b / 2 for n, b in powers.items()}
    return [
        (shape, halves),
        (shape.conjugate(), {n: b.conjugate() for n, b in halves.items()}),
    ]


def _odd_together(f: PiecewiseFunction, g: PiecewiseFunction) -> bool:
    """Whether one function is odd and the other even, so that the mean is 0 by symmetry."""
    parities = parity(f), parity(g)
    return None not in parities and parities[0] != parities[1]
