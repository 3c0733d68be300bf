"""Truncated Laurent series with exact coefficients, and Lagrange inversion on them.

A nonzero series is kept as ``leading * z**valuation * (1 + u_1 z + …)``. With the leading
coefficient apart, a power with a symbolic exponent L is exact and cheap: the leading coefficient
goes to ``leading**L`` and every u_k becomes a polynomial in L. That is what gives moments of a
product of L layers with L a symbol.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sympy as sp
from sympy.polys.fields import sfield

from freejac.symbolic.errors import DomainError
from freejac.symbolic.symbols import z

__all__ = ["Series", "from_expr", "lagrange_moments", "readable"]

_ATTEMPTS = 4
"""How often `from_expr` doubles its working order when leading terms cancel."""


def _tidy(expr: sp.Expr) -> sp.Expr:
    """Canonical form of a coefficient: a quotient of coprime polynomials."""
    return expr if expr.is_Rational else sfield(expr)[1].as_expr()


@dataclass(frozen=True)
class Series:
    """A Laurent series known to finitely many terms.

    Attributes:
        leading: the first nonzero coefficient; 0 for a series of which no nonzero term is known.
        valuation: the exponent of the leading term; for a zero series, its order of vanishing O(·).
        unit: (1, u_1, u_2, …): the coefficients over the leading one; empty for a zero series.

    >>> from freejac.symbolic.symbols import depth, p
    >>> (Series.of([p, 1, 0]).power(depth)).coefficients
    (p**L, L*p**L/p, p**L*(L**2 - L)/(2*p**2))
    """

    leading: sp.Expr
    valuation: int
    unit: tuple[sp.Expr, ...]

    @classmethod
    def of(cls, coefficients: Sequence[object], valuation: int = 0) -> Series:
        """Series with the given coefficients from ``z**valuation`` on, known to ``len`` terms.

        >>> Series.of([0, 2, 4]).valuation
        1
        """
        terms = [sp.sympify(term, strict=True) for term in coefficients]
        for lead, term in enumerate(terms):
            first = _tidy(term)
            if first != 0:
                rest = [_tidy(term / first) for term in terms[lead + 1 :]]
                return cls(first, valuation + lead, (sp.S.One, *rest))
        return cls(sp.S.Zero, valuation + len(terms), ())

    @property
    def order(self) -> int:
        """The exponent N of the error term O(z**N)."""
        return self.valuation + len(self.unit)

    @property
    def coefficients(self) -> tuple[sp.Expr, ...]:
        """The known coefficients, from that of ``z**valuation`` on."""
        return tuple(self.leading * u for u in self.unit)

    def coefficient(self, exponent: int) -> sp.Expr:
        """Coefficient of ``z**exponent``.

        Raises:
            DomainError: the term is beyond the truncation.
        """
        if exponent >= self.order:
            raise DomainError(f"the series is known to O(z^{self.order}) only: no term {exponent}")
        if exponent < self.valuation:
            return sp.S.Zero
        return self.leading * self.unit[exponent - self.valuation]

    def __neg__(self) -> Series:
        return Series(-self.leading, self.valuation, self.unit)

    def __add__(self, other: Series) -> Series:
        low, high = min(self.valuation, other.valuation), min(self.order, other.order)
        terms = [self.coefficient(n) + other.coefficient(n) for n in range(low, high)]
        return Series.of(terms, low)

    def __sub__(self, other: Series) -> Series:
        return self + (-other)

    def __mul__(self, other: Series) -> Series:
        valuation = self.valuation + other.valuation
        known = min(len(self.unit), len(other.unit))
        if known == 0:
            return Series(sp.S.Zero, valuation, ())
        unit = tuple(
            _tidy(sp.Add(*(self.unit[i] * other.unit[n - i] for i in range(n + 1))))
            for n in range(known)
        )
        leading = self.leading * other.leading
        if leading.is_rational_function():  # a power such as p**L is better left as it is
            leading = _tidy(leading)
        return Series(leading, valuation, unit)

    def scale(self, factor: object) -> Series:
        """Multiply by a constant.

        >>> Series.of([1, 2]).scale(3).coefficients
        (3, 6)
        """
        constant = sp.sympify(factor, strict=True)
        if constant == 0:
            return Series(sp.S.Zero, self.order, ())
        return Series(constant * self.leading, self.valuation, self.unit)

    def shift(self, exponent: int) -> Series:
        """Multiply by ``z**exponent``."""
        return Series(self.leading, self.valuation + exponent, self.unit)

    def power(self, exponent: object) -> Series:
        """Raise to a power: number or symbol.

        With b = a^e, z·b′·a = e·z·a′·b gives the recurrence (a_0 = 1)
        n b_n = Σ_{k=1}^{n} (k e − n + k) a_k b_{n−k}.

        Args:
            exponent: any exact number or expression free of the series variable. When the
                series does not start at z⁰, valuation × exponent must be an integer.

        Raises:
            DomainError: a zero series, or a fractional power of z.

        >>> Series.of([1, -4, 0]).power(sp.Rational(1, 2)).coefficients
        (1, -2, -2)
        """
        e = sp.sympify(exponent, strict=True)
        valuation = self.valuation * e
        if not self.unit:
            raise DomainError("no power of a series without a known nonzero term")
        if not valuation.is_Integer:
            raise DomainError(f"(z^{self.valuation})^({e}) is not a Laurent series")
        unit: list[sp.Expr] = [sp.S.One]
        for n in range(1, len(self.unit)):
            terms = ((k * e - n + k) * self.unit[k] * unit[n - k] for k in range(1, n + 1))
            unit.append(_tidy(sp.Add(*terms) / n))
        # a root of a perfect square shows itself only when the square is factored
        root = e.is_Rational and not e.is_Integer
        leading = sp.factor(self.leading) if root else self.leading
        return Series(leading**e, int(valuation), tuple(unit))

    def inverse(self) -> Series:
        """1/self.

        >>> Series.of([1, 1, 0]).inverse().coefficients
        (1, -1, 1)
        """
        return self.power(-1)

    def compose(self, inner: Series) -> Series:
        """self(inner(z)) for an inner series that vanishes at 0.

        Raises:
            DomainError: the inner series has a constant term or a pole.

        >>> Series.of([1, 1, 1]).compose(Series.of([1, 1], valuation=1)).coefficients
        (1, 1, 2)
        """
        if inner.valuation < 1:
            raise DomainError("only a series that vanishes at 0 can be put into another")
        if not self.unit:
            return Series(sp.S.Zero, self.valuation * inner.valuation, ())
        total = Series(sp.S.Zero, (len(self.unit)) * inner.valuation, ())
        running = Series(sp.S.One, 0, (sp.S.One,) + (sp.S.Zero,) * (total.valuation - 1))
        for u in self.unit:
            total += running.scale(u)
            running *= inner
        if self.valuation:
            total *= inner.power(self.valuation)
        return total.scale(self.leading)

    def reversion(self) -> Series:
        """Find the compositional inverse, by Lagrange: [zⁿ] f⁻¹ = (1/n) [z^{n−1}] (z/f)ⁿ.

        Raises:
            DomainError: the series does not start at z¹.

        >>> Series.of([1, -1, 0, 0], valuation=1).reversion().coefficients
        (1, 1, 2, 5)
        """
        if self.valuation != 1 or not self.unit:
            raise DomainError("only a series a·z + …, a ≠ 0, has a compositional inverse")
        factor = Series(1 / self.leading, 0, Series(sp.S.One, 0, self.unit).power(-1).unit)
        terms = [factor.power(n).coefficient(n - 1) / n for n in range(1, self.order)]
        return Series.of(terms, 1)

    def exp(self) -> Series:
        """Exponentiate a series without a pole, from b′ = a′ b.

        >>> Series.of([0, 1, 0]).exp().coefficients
        (1, 1, 1/2)
        """
        if self.valuation < 0:
            raise DomainError("exp of a pole is not a Laurent series")
        slopes = [n * self.coefficient(n) for n in range(self.order)]
        unit: list[sp.Expr] = [sp.S.One]
        for n in range(1, self.order):
            terms = (slopes[k] * unit[n - k] for k in range(1, n + 1))
            unit.append(_tidy(sp.Add(*terms) / n))
        return Series(sp.exp(self.coefficient(0)), 0, tuple(unit))

    def log(self) -> Series:
        """Take the logarithm of a series that starts at z⁰, from a b′ = a′.

        >>> Series.of([1, 1, 0]).log().coefficients
        (1, -1/2)
        """
        if self.valuation != 0 or not self.unit:
            raise DomainError("log of a zero or a pole is not a Laurent series")
        terms: list[sp.Expr] = [sp.log(self.leading)]
        for n in range(1, len(self.unit)):
            known = (k * terms[k] * self.unit[n - k] for k in range(1, n))
            terms.append(_tidy(self.unit[n] - sp.Add(*known) / n))
        return Series.of(terms)


def from_expr(expr: sp.Expr, var: sp.Symbol = z, terms: int = 6) -> Series:
    """Laurent series of an expression at var = 0.

    Args:
        expr: built of +, ×, exp, log and powers with exponents free of `var`.
        var: the variable.
        terms: how many terms, counted from the leading one (≥ 1).

    Returns:
        A series with at least `terms` known terms.

    Raises:
        DomainError: the expression is not in the class, has no Laurent series at 0, or is zero
            to every order tried.

    >>> from freejac.symbolic.symbols import depth, p
    >>> from_expr((z + p)**(-depth), terms=2).unit
    (1, -L/p)
    """
    working = terms
    for _ in range(_ATTEMPTS):
        series = _expand(sp.sympify(expr, strict=True), var, working)
        if len(series.unit) >= terms:
            return Series(series.leading, series.valuation, series.unit[:terms])
        working *= 2
    raise DomainError(f"no nonzero term of {expr} in {var} within {working // 2} orders")


def _expand(expr: sp.Expr, var: sp.Symbol, terms: int) -> Series:
    """One pass of `from_expr`; the result may know fewer terms where leading ones cancel."""
    padding = (sp.S.Zero,) * (terms - 1)
    if not expr.has(var):
        return Series.of((expr, *padding))
    if expr == var:
        return Series(sp.S.One, 1, (sp.S.One, *padding))
    if isinstance(expr, sp.exp):
        return _expand(expr.exp, var, terms).exp()
    if isinstance(expr, sp.log):
        return _expand(expr.args[0], var, terms).log()
    if isinstance(expr, sp.Pow) and not expr.exp.has(var):
        return _expand(expr.base, var, terms).power(expr.exp)
    if isinstance(expr, (sp.Add, sp.Mul)):
        parts = [_expand(part, var, terms) for part in expr.args]
        total = parts[0]
        for part in parts[1:]:
            total = total + part if isinstance(expr, sp.Add) else total * part
        return total
    raise DomainError(f"{expr} is not a power series in {var} that the engine can expand")


def readable(expr: sp.Expr) -> sp.Expr:
    """Choose the shorter of the factored form and the form collected in the depth.

    >>> from freejac.symbolic.symbols import depth, mu1, mu2, p
    >>> readable(1 + depth / p), readable(depth / p - depth)
    ((L + p)/p, L*(1 - p)/p)
    >>> readable(depth * mu2 / mu1**2 - depth + 1)
    L*(-1 + mu_2/mu_1**2) + 1
    """
    forms = [_without_sign(sp.factor(expr))]
    layers = sorted((s for s in expr.free_symbols if s.is_integer), key=lambda s: s.name)
    forms += [sp.collect(sp.expand(expr), symbol, _short) for symbol in layers]
    # a product reads more easily than a sum of the same length
    return min(forms, key=lambda form: sp.count_ops(form) + (1 if form.is_Add else 0))


def _short(coefficient: sp.Expr) -> sp.Expr:
    """Factor a coefficient, or leave it a sum where that is shorter."""
    return min(_without_sign(sp.factor(coefficient)), sp.expand(coefficient), key=sp.count_ops)


def _without_sign(product: sp.Expr) -> sp.Expr:
    """Move a minus in front of a product into its first sum: −(p − 1) is 1 − p."""
    sign, rest = product.as_coeff_Mul()
    if not sign.is_negative:
        return product
    factors = list(sp.Mul.make_args(rest))
    for position, factor in enumerate(factors):
        if isinstance(factor, sp.Add):
            factors[position] = sp.Add(*(-term for term in factor.args))
            return sp.Mul(-sign, *factors)
    return product


def lagrange_moments(s_transform: sp.Expr | Series, k: int, var: sp.Symbol = z) -> sp.Expr:
    """Derive the k-th moment from the S-transform: m_k = (1/k) [z^{k−1}] ((1+z)/S(z))^k.

    Args:
        s_transform: S as an expression in `var`, or as a series known to at least k terms.
        k: 0, 1, 2, …
        var: the variable of S.

    Returns:
        m_k, written m_1^k × a factored coefficient.

    Raises:
        DomainError: k is negative, S is not regular and nonzero at 0 (the mean vanishes or is
            infinite), or too few terms of S are known.

    Source: Lagrange inversion of M⁻¹(z) = (1+z)/(z S(z)); Pennington, Schoenholz and Ganguli,
        "Resurrecting the sigmoid in deep learning through dynamical isometry", eq. (18).

    >>> from freejac.symbolic.symbols import depth, p, sigma_w
    >>> lagrange_moments((sigma_w**2 * (z + p))**(-depth), 2)
    (p*sigma_w**2)**(2*L)*(L + p)/p
    """
    if isinstance(k, bool) or not isinstance(k, int) or k < 0:
        raise DomainError(f"the order of a moment is 0, 1, 2, …, not {k}")
    if k == 0:
        return sp.S.One
    series = s_transform if isinstance(s_transform, Series) else from_expr(s_transform, var, k)
    if series.valuation != 0 or not series.unit:
        raise DomainError("S must be regular and nonzero at 0: the law needs a finite nonzero mean")
    known = len(series.unit)
    if known < k:
        raise DomainError(f"moment {k} needs {k} terms of S; {known} are known")
    factor = from_expr(1 + var, var, known) * series.inverse()
    return factor.leading**k * readable(factor.power(k).unit[k - 1] / k)
