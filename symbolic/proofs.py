"""Proofs that an expression is 0 on a domain. What is not proved is not said to be false.

>>> from freejac.symbolic.conditions import Domain
>>> x = sp.Symbol("x", positive=True)
>>> proof_of_zero(sp.atan(x) + sp.atan(1 / x) - sp.pi / 2, Domain({x}, ()))
'equal derivatives in x, and equal at x = 1'
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

import sympy as sp

from freejac.symbolic.conditions import Domain
from freejac.symbolic.definitions import DEFINED, by_one_term, written_out
from freejac.symbolic.inequalities import proof_of_sign
from freejac.symbolic.kinks import cases, has_kinks, resolved
from freejac.symbolic.normal_form import vanishes_on
from freejac.symbolic.strict_signs import is_analytic, strict_sign

__all__ = ["proof_of", "proof_of_zero"]

_DEPTH = 3


def proof_of(
    left: sp.Expr, right: sp.Expr, relation: str, domain: Domain, deadline: float = math.inf
) -> str | None:
    """Prove a claim; the method in words, or None.

    >>> q = sp.Symbol("q", positive=True)
    >>> proof_of(sp.Integral(sp.exp(q), q), sp.exp(q), "==", Domain({q}, ()))
    """
    if relation != "==":
        return _of_comparison(left, right, relation, domain, deadline)
    plain = proof_of_zero(left - right, domain, deadline)
    if plain is not None:
        return plain
    if not (left.has(*DEFINED) or right.has(*DEFINED)):
        return None
    written = written_out(left - right, domain)
    method = proof_of_zero(written.expr, domain, deadline) if written.steps else None
    if method is not None:
        return "; ".join((*written.steps, method))
    return _by_induction(left - right, domain, deadline)


def _of_comparison(
    left: sp.Expr, right: sp.Expr, relation: str, domain: Domain, deadline: float
) -> str | None:
    written = written_out(right - left if relation in {"<", "<="} else left - right, domain)
    if relation == "!=":
        sign = strict_sign(domain.substituted(written.expr), domain)
        return "signs of factors" if sign in (1, -1) else None
    strict = relation in {"<", ">"}
    method = proof_of_sign(written.expr, domain, strict=strict, deadline=deadline)
    return (
        None
        if method is None
        else "; ".join([", ".join(written.steps), method][not written.steps :])
    )


def _by_induction(expr: sp.Expr, domain: Domain, deadline: float) -> str | None:
    """In an integer that bounds sums: right at first, and the same step on both sides."""
    bounds = {s for part in expr.atoms(sp.Sum) for s in part.limits[0][-1].free_symbols}
    for symbol in sorted(bounds, key=sp.default_sort_key):
        range_ = domain.ranges.get(symbol)
        if not symbol.is_integer or range_ is None or not range_.inf.is_Integer:
            continue
        first = range_.inf
        step = by_one_term(expr.subs(symbol, symbol + 1), symbol, first)
        if step is None or proof_of_zero(step - expr, domain, deadline) is None:
            continue
        start = written_out(expr.subs(symbol, first), domain).expr
        if proof_of_zero(start, domain, deadline) is not None:
            return f"induction in {symbol}"
    return None


def proof_of_zero(
    expr: sp.Expr, domain: Domain, deadline: float = math.inf, depth: int = _DEPTH
) -> str | None:
    """Prove that an expression vanishes wherever it is defined.

    Args:
        expr: in terms that normal forms know; definitions are written out before.
        domain: where.
        deadline: on the clock `time.process_time`.
        depth: how often a derivative may be taken.

    Returns:
        The method, in words, or None.
    """
    expr = domain.substituted(expr)
    if vanishes_on(expr, domain):
        return "equal normal forms"
    if time.process_time() > deadline:
        return None
    if has_kinks(expr):
        return _by_cases(expr, domain, deadline, depth)
    return _by_branches(expr, domain, deadline, depth) or _by_derivative(
        expr, domain, deadline, depth
    )


def _by_cases(expr: sp.Expr, domain: Domain, deadline: float, depth: int) -> str | None:
    """Prove it on each part of the domain on which no kink is left."""
    methods = []
    try:
        for case in cases(expr, domain):
            part = resolved(case.substituted(expr), case)
            method = proof_of_zero(part, case, deadline, depth)
            if method is None:
                return None
            methods.append(method)
    except ValueError:
        return None
    ways = "; ".join(dict.fromkeys(methods))
    return f"{len(methods)} cases, in each {ways}"


def _by_branches(expr: sp.Expr, domain: Domain, deadline: float, depth: int) -> str | None:
    """Distinguish the signs of what stands under roots and logarithms."""
    for base in _branch_points(expr):
        factors = sp.Mul.make_args(sp.factor(base))
        for factor in factors:
            inner = factor.base if isinstance(factor, sp.Pow) else factor
            if not inner.free_symbols or not inner.is_real or not inner.is_polynomial():
                continue
            if strict_sign(inner, domain) is not None:
                continue
            marker = sp.Abs(inner, evaluate=False)
            try:
                parts = list(cases(marker, domain))
            except ValueError:
                continue
            if len(parts) < 2:
                continue
            found = (
                [proof_of_zero(expr, case, deadline, depth - 1) for case in parts]
                if depth
                else [None]
            )
            if None in found:
                return None
            return f"{len(found)} cases by the sign of {inner}"
    return None


def _branch_points(expr: sp.Expr) -> Iterator[sp.Expr]:
    """What stands under roots, symbolic powers and logarithms."""
    for part in sp.preorder_traversal(expr):
        if isinstance(part, sp.Pow) and not part.exp.is_integer:
            yield part.base
        elif isinstance(part, sp.log):
            yield part.args[0]


def _by_derivative(expr: sp.Expr, domain: Domain, deadline: float, depth: int) -> str | None:
    """Constant in a symbol, and 0 at one value of it (and at the ends that belong to its range)."""
    if depth <= 0:
        return None
    for symbol in sorted(expr.free_symbols, key=sp.default_sort_key):
        range_ = domain.ranges.get(symbol)
        if time.process_time() > deadline:
            return None
        if symbol.is_integer or not isinstance(range_, sp.Interval):
            continue
        ends = [end for end in (range_.start, range_.end) if range_.contains(end) is sp.true]
        inside = Domain(
            domain.symbols,
            (
                *domain.conditions,
                sp.Contains(symbol, sp.Interval.open(range_.start, range_.end), evaluate=False),
            ),
        )
        if not is_analytic(expr, symbol, inside):
            continue
        slope = sp.diff(expr, symbol)
        if proof_of_zero(slope, inside, deadline, depth - 1) is None:
            continue
        place = next(
            (
                value
                for value in _places(inside.ranges[symbol])
                if _is_zero_at(expr, symbol, value, domain, deadline, depth)
            ),
            None,
        )
        if place is None:
            continue
        if all(_is_zero_at(expr, symbol, end, domain, deadline, depth) for end in ends):
            return f"equal derivatives in {symbol}, and equal at {symbol} = {place}"
    return None


def _is_zero_at(
    expr: sp.Expr, symbol: sp.Symbol, value: sp.Expr, domain: Domain, deadline: float, depth: int
) -> bool:
    there = expr.subs(symbol, value)
    if there.has(sp.nan, sp.zoo, sp.oo):
        return False
    return proof_of_zero(there, domain, deadline, depth - 1) is not None


def _places(range_: sp.Set) -> Iterator[sp.Expr]:
    """Values at which expressions may be simple."""
    middle = []
    if range_.start.is_Rational and range_.end.is_Rational:
        middle = [(range_.start + range_.end) / 2]
    for value in (sp.S.Zero, sp.S.One, sp.S.NegativeOne, sp.S.Half, *middle):
        if range_.contains(value) is sp.true:
            yield value
