"""Series of expressions, and Lagrange inversion: from the S-transform to the moments."""

from __future__ import annotations

from functools import lru_cache

import sympy as sp

from freejac.symbolic.coefficients import tidy
from freejac.symbolic.errors import DomainError
from freejac.symbolic.laurent import Series
from freejac.symbolic.power_terms import Terms
from freejac.symbolic.readable import readable, readable_ratio
from freejac.symbolic.symbols import z

__all__ = ["Series", "from_expr", "lagrange_moment_list", "lagrange_moments", "readable"]

_ATTEMPTS = 4
"""How often `from_expr` doubles its working order when leading terms cancel."""


_ONE = Terms.of([sp.S.One])


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
    return _from_expr(sp.sympify(expr, strict=True), var, terms)


@lru_cache(maxsize=256)
def _from_expr(expr: sp.Expr, var: sp.Symbol, terms: int) -> Series:
    working = terms
    for _ in range(_ATTEMPTS):
        series = _expand(expr, var, working)
        if series.known >= terms:
            return series.truncated(terms)
        working *= 2
    raise DomainError(f"no nonzero term of {expr} in {var} within {working // 2} orders")


def _expand(expr: sp.Expr, var: sp.Symbol, terms: int) -> Series:
    """One pass of `from_expr`; the result may know fewer terms where leading ones cancel."""
    if not expr.has(var):
        return _constant(expr, terms)
    if expr == var:
        return Series(sp.S.One, 1, _ONE.padded(terms))
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


def _constant(expr: sp.Expr, terms: int) -> Series:
    expr = tidy(expr)
    return Series(sp.S.Zero, terms) if expr == 0 else Series(expr, 0, _ONE.padded(terms))


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
    return _moments(s_transform, range(k, k + 1), var)[0]


def lagrange_moment_list(
    s_transform: sp.Expr | Series, count: int, var: sp.Symbol = z
) -> tuple[sp.Expr, ...]:
    """Derive m_1, …, m_count at once, as `lagrange_moments` does each.

    >>> lagrange_moment_list(1 / (1 + z), 5)        # Catalan numbers
    (1, 2, 5, 14, 42)
    """
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        raise DomainError(f"the number of moments is 0, 1, 2, …, not {count}")
    return _moments(s_transform, range(1, count + 1), var)


def _moments(s_transform: sp.Expr | Series, orders: range, var: sp.Symbol) -> tuple[sp.Expr, ...]:
    if not orders:
        return ()
    most = orders[-1]
    series = s_transform if isinstance(s_transform, Series) else from_expr(s_transform, var, most)
    if series.valuation != 0 or not series.known:
        raise DomainError("S must be regular and nonzero at 0: the law needs a finite nonzero mean")
    if series.known < most:
        raise DomainError(f"moment {most} needs {most} terms of S; {series.known} are known")
    factor = Series.of([1, 1]).padded(most) * series.truncated(most).inverse()
    ring, base = factor.terms.ring, factor.terms.base
    found = []
    for k, above in zip(orders, factor.terms.lagrange(orders), strict=True):
        ratio = Terms(ring, base, (*(ring.zero,) * (k - 1), above)).ratio(k - 1)
        found.append(factor.leading**k * readable_ratio(ring, *ratio))
    return tuple(found)
