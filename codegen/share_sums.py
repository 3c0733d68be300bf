"""Polynomials in q and c < 0 as sums whose terms add up, and products of them.

In x = q(1 − |c|) and w = q|c|, both ≥ 0 and independent of each other, a polynomial in which q
carries every c has numbers for coefficients: what cancels between its terms has cancelled before.

>>> from freejac.symbolic.symbols import q
>>> number, form = product_of_sums(q**2 * (1 + c) ** 2 * (1 + q) + 2 * q * c * (1 + q + q * c), {})
>>> number * form
apart**2*(apart + 1) + joint*(apart*(apart - 2) - 2)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import sympy as sp

from freejac.codegen.correlation import paired, up
from freejac.symbolic.symbols import c, q

__all__ = ["BASES", "apart", "in_size", "joint", "product_of_sums", "size", "starts", "summed"]

size = sp.Symbol("size", nonnegative=True)
"""|c|; `up` and `down` are then 1 − |c| and 1 + |c|."""
joint = sp.Symbol("joint", nonnegative=True)
"""q|c|."""
apart = sp.Symbol("apart", nonnegative=True)
"""q(1 − |c|)."""
BASES = ("shares", "apart", "whole")
"""In what a polynomial may be written: x and w; x and |c|; q and x, q being exact."""


def in_size(expr: sp.Expr) -> sp.Expr:
    """An expression for c < 0 in |c|."""
    return expr.subs(c, -size)


def starts(lines: Iterable[str], *, folded: bool = True) -> list[str]:
    """Assignments of |c|, 1 ∓ |c| and what else has a name here, as far as the lines use them.

    Args:
        lines: statements.
        folded: whether it is |c|; else `up` and `down` are 1 ± c.
    """
    words = set(re.findall(r"\w+", "\n".join(lines)))
    less, more = ("- size", "+ size") if folded else ("+ c", "- c")
    known = (
        ("up", f"1.0 {less}", {"up", "gap", "apart"}),
        ("down", f"1.0 {more}", {"down", "gap"}),
        ("gap", "up * down", {"gap"}),
        ("apart", "q * up", {"apart"}),
        ("joint", "q * size", {"joint"}),
    )
    found = [f"{name} = {value}" for name, value, users in known if words & users]
    return ["size = abs(c)", *found] if folded else found


def product_of_sums(
    expr: sp.Expr, named: Mapping[str, sp.Expr], basis: str = BASES[0]
) -> tuple[sp.Expr, sp.Expr]:
    """A polynomial in c, for c < 0, as a number and a product of sums and of what has a name.

    As many factors q as can be are put together with factors that have c in them.

    Args:
        expr: a polynomial in c.
        named: polynomials in c that code has names for.
        basis: one of `BASES`; where a factor cannot be written so, it is written in the first.
    """
    content, factors = sp.factor_list(expr, c)
    number, product = content.as_independent(*content.free_symbols, as_Add=False)
    left = product.as_powers_dict()[q]
    product /= q**left
    for base, power in factors:
        names = [n for n, known in named.items() if not sp.cancel(base / known).has(c)]
        if names:
            share = sp.cancel(base / named[names[0]])
            product *= (share * sp.Symbol(names[0], positive=True)) ** power
        elif base == c:
            both = min(left, power)
            number, left = number * (-1) ** power, left - both
            product *= joint**both * size ** (power - both)
        else:
            lacking = max(n - m for m, n in sp.Poly(base, q, c).monoms())
            if basis == "apart" and (short := _in_apart(base)) is not None:
                product *= short**power
                continue
            used = max(lacking, 0) if lacking * power <= left else 0
            left -= used * power
            part = _added_up(sp.expand(base * q**used), basis)
            outside, inside = part.as_independent(*part.free_symbols, as_Add=False)
            number, product = number * outside**power, product * inside**power
    return number, product * q**left


def summed(expr: sp.Expr) -> sp.Expr:
    """A polynomial in q and c < 0 by Horner's rule in q: one rounding where q is small."""
    poly = sp.Poly(sp.expand(expr), q)
    total = sp.S.Zero
    for coefficient in poly.all_coeffs():
        total = total * q + _added_up(coefficient)
    return total


def _added_up(expr: sp.Expr, basis: str = BASES[0]) -> sp.Expr:
    """In 1 ± c, or by powers of q, if that makes all signs the same; else in shares."""
    short = in_size(paired(expr))
    if _one_signed(short):
        return short
    powers = [in_size(paired(part)) for part in sp.Poly(sp.expand(expr), q).all_coeffs()]
    if _one_signed(sp.Add(*(part * q**n for n, part in enumerate(powers)))):
        return summed(expr)
    return _in_shares(expr, basis == "whole") or _in_both(expr)


def _one_signed(expr: sp.Expr) -> bool:
    terms = sp.Add.make_args(sp.expand(expr))
    return len({term.could_extract_minus_sign() for term in terms}) == 1


def _in_apart(expr: sp.Expr) -> sp.Expr | None:
    """In q(1 − |c|) and |c|; None if a power of q lacks that of 1 − |c|."""
    total = sp.S.Zero
    for coefficient, power in zip(*_powers(expr), strict=True):
        share, rest = sp.div(coefficient, (1 + c) ** power, c)
        if rest != 0:
            return None
        total = total * apart + in_size(share)
    return total


def _powers(expr: sp.Expr) -> tuple[list[sp.Expr], list[int]]:
    coefficients = sp.Poly(sp.expand(expr), q).all_coeffs()
    return coefficients, list(range(len(coefficients) - 1, -1, -1))


def _in_shares(expr: sp.Expr, whole: bool) -> sp.Expr | None:
    """In q|c| and q(1 − |c|), or in q instead of the first; None if q does not carry every c."""
    poly = sp.Poly(sp.expand(expr), q, c)
    if any(n > m for m, n in poly.monoms()):
        return None
    if whole:
        turned = sum(k * q ** (m - n) * (apart - q) ** n for (m, n), k in poly.terms())
        return _nested(sp.Poly(sp.expand(turned), q, apart))
    turned = sum(k * (apart + joint) ** (m - n) * (-joint) ** n for (m, n), k in poly.terms())
    return _nested(sp.Poly(sp.expand(turned), joint, apart))


def _in_both(expr: sp.Expr) -> sp.Expr:
    """In Bernstein's basis, powers of |c| times powers of 1 − |c|."""
    y = sp.Dummy("y")
    poly = sp.Poly(sp.expand(expr.subs(c, -y)), y)
    degree = poly.degree()
    both = sum(k * y**n * (y + up) ** (degree - n) for (n,), k in poly.terms())
    return _nested(sp.Poly(sp.expand(both), y, up)).subs(y, size)


def _nested(poly: sp.Poly) -> sp.Expr:
    """Horner's rule in the first variable, and in the second for its coefficients."""
    number, poly = poly.primitive()
    first, second = poly.gens
    total = sp.S.Zero
    for n in range(poly.degree(first), -1, -1):
        inner = sp.S.Zero
        for m in range(poly.degree(second), -1, -1):
            inner = inner * second + sp.factor(poly.coeff_monomial(first**n * second**m))
        total = total * first + inner
    return sp.Mul(number, total, evaluate=False)
