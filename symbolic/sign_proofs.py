"""Signs of polynomials on a domain, by proof.

The ranges of the symbols are mapped onto positive numbers: a < s < b by s = (a + b t)/(1 + t). A
polynomial all of whose coefficients are then of one sign has that sign; in one symbol the roots
inside the range are counted by Sturm's theorem. By continuity a sign on the open domain holds on
its closure, with zeros.

>>> from freejac.symbolic.conditions import Domain
>>> x, y = sp.symbols("x y", real=True)
>>> domain = Domain({x, y}, (x > 0, x < 1, y > 2))
>>> sign_on(y - x, domain), sign_on(x - x**2, domain), sign_on(x**2 - x + 1, Domain({x}, ()))
(1, 1, 1)
>>> sign_on(y - 3 * x, domain)
"""

from __future__ import annotations

import sympy as sp

from freejac.symbolic.balls import working_bits
from freejac.symbolic.conditions import Domain
from freejac.symbolic.enclosures import Enclosures

__all__ = ["number_sign", "sign_on"]

_BITS = 200
_MOST_DEGREE = 60
_MOST_TERMS = 600


def number_sign(expr: sp.Expr) -> int | None:
    """Sign of a real number that an enclosure shows: 1, −1, or None."""
    with working_bits(_BITS):
        return Enclosures({}, {}).proved_sign(expr)


def sign_on(expr: sp.Expr, domain: Domain) -> int | None:
    """Sign of a polynomial with rational coefficients on a domain: 1 (≥ 0), −1 (≤ 0), or None.

    A polynomial that is not constant vanishes on a set without interior only.
    """
    symbols = sorted(expr.free_symbols, key=sp.default_sort_key)
    if not all(symbol in domain.ranges for symbol in symbols):
        return None
    poly = sp.Poly(expr, *symbols, domain="QQ") if symbols else None
    if poly is None:
        return number_sign(expr)
    if poly.total_degree() > _MOST_DEGREE or len(poly.terms()) > _MOST_TERMS:
        return None
    return _by_coefficients(poly, domain) or (
        _by_roots(poly, domain.ranges[symbols[0]]) if len(symbols) == 1 else None
    )


def _by_coefficients(poly: sp.Poly, domain: Domain) -> int | None:
    moved = poly
    signed = []
    for place, symbol in enumerate(poly.gens):
        ends = _ends(domain.ranges[symbol])
        if ends is None:
            return None
        moved, positive = _onto_positive(moved, place, *ends)
        signed.append(positive)
    signs = set()
    for powers, coefficient in moved.terms():
        if any(n % 2 and not positive for n, positive in zip(powers, signed, strict=True)):
            return None
        signs.add(1 if coefficient > 0 else -1)
    return signs.pop() if len(signs) == 1 else None


def _ends(range_: sp.Set) -> tuple[sp.Expr, sp.Expr] | None:
    """Rational numbers or infinities that bound a range."""
    low, high = range_.inf, range_.sup
    for end in (low, high):
        if not (end.is_Rational or end in (sp.oo, -sp.oo)):
            return None
    return (low, high) if low < high else None


def _onto_positive(poly: sp.Poly, place: int, low: sp.Expr, high: sp.Expr) -> tuple[sp.Poly, bool]:
    """The polynomial in t > 0 instead of a symbol, times a positive factor; or as it was."""
    symbol = poly.gens[place]
    if low.is_finite and high.is_finite:
        above, below = low + high * symbol, 1 + symbol
    elif low.is_finite:
        if low == 0:
            return poly, True
        above, below = low + symbol, sp.S.One
    elif high.is_finite:
        above, below = high - symbol, sp.S.One
    else:
        return poly, False
    degree = poly.degree(symbol)
    top = sp.Poly(above, *poly.gens, domain="QQ")
    bottom = sp.Poly(below, *poly.gens, domain="QQ")
    total = sp.Poly(0, *poly.gens, domain="QQ")
    parts: dict[int, dict[tuple[int, ...], sp.Expr]] = {}
    for powers, coefficient in poly.terms():
        rest = tuple(0 if i == place else n for i, n in enumerate(powers))
        parts.setdefault(powers[place], {})[rest] = coefficient
    for power, part in parts.items():
        rest = sp.Poly(part, *poly.gens, domain="QQ")
        total += rest * top**power * bottom ** (degree - power)
    return total, True


def _by_roots(poly: sp.Poly, range_: sp.Set) -> int | None:
    """Sign of a polynomial in one symbol, if it has no root of odd multiplicity inside."""
    ends = _ends(range_)
    if ends is None:
        return None
    low, high = ends
    for factor, multiplicity in poly.factor_list()[1]:
        if multiplicity % 2 == 0:
            continue
        inside = factor.count_roots(None if low is -sp.oo else low, None if high is sp.oo else high)
        inside -= sum(1 for end in {low, high} if end.is_finite and factor.eval(end) == 0)
        if inside:
            return None
    point = (
        (low + high) / 2
        if low.is_finite and high.is_finite
        else low + 1
        if low.is_finite
        else high - 1
        if high.is_finite
        else sp.S.Zero
    )
    for shift in range(poly.degree() + 1):
        near = point + sp.Rational(shift, 3 * poly.degree() + 3) * (
            (high - low) / 2 if low.is_finite and high.is_finite else (-1 if high.is_finite else 1)
        )
        value = poly.eval(near)
        if value != 0:
            return 1 if value > 0 else -1
    return None
