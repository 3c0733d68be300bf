"""Claims with O(xⁿ): two sides that agree as series to an order.

The difference is expanded by its derivatives where it is analytic at the point, and otherwise
bounded by a limit; each coefficient is then a claim of its own.

>>> from freejac.symbolic.conditions import Domain
>>> x = sp.Symbol("x", real=True)
>>> check_series(sp.sin(x), x - x**3 / 6, sp.O(x**4), Domain({x}, ())).status
'proved'
>>> print(check_series(sp.cos(x), 1 - x**2, sp.O(x**3), Domain({x}, ())).counterexample)
the left side is -0.500000000000, the right side -1 (coefficients of x**2)
"""

from __future__ import annotations

from collections.abc import Iterator

import sympy as sp

from freejac.symbolic.conditions import Domain
from freejac.symbolic.definitions import is_approached, written_out
from freejac.symbolic.normal_form import vanishes_on
from freejac.symbolic.proofs import proof_of_zero
from freejac.symbolic.refutation import examine
from freejac.symbolic.strict_signs import is_analytic
from freejac.symbolic.verdict import STATUSES, Counterexample, Verdict

__all__ = ["check_series", "split_order"]

_MOST_TERMS = 24
_POINTS = 6


def split_order(side: sp.Expr) -> tuple[sp.Expr, sp.Order | None]:
    """A side without its O term, and that term."""
    order = side.getO() if isinstance(side, sp.Expr) and side.has(sp.Order) else None
    return (side.removeO(), order) if order is not None else (side, None)


def check_series(
    left: sp.Expr, right: sp.Expr, order: sp.Order, domain: Domain, claim: str = ""
) -> Verdict:
    """Check that left − right is of an order at a point.

    Args:
        left: one side, without O.
        right: the other side, without O.
        order: a power of one variable at a point, such as O(x**3) or O(1/n, (n, oo)).
        domain: of the parameters.
        claim: for the report.
    """
    claim = claim or f"{left} = {right} + {order}"
    if len(order.variables) != 1:
        return Verdict("undecided", claim, "an order in one variable is needed")
    symbol, place = order.variables[0], order.point[0]
    others = Domain({s for s in domain.symbols if s != symbol}, _without(domain, symbol))
    exact = [written_out(side, domain).expr for side in (left, right)]
    if place.is_finite:
        t = sp.Dummy(symbol.name, real=symbol.is_extended_real)
        exponent = _exponent(order.expr.subs(symbol, place + t), t)
        moved = [side.subs(symbol, place + t) for side in exact]
        terms = range(int(sp.ceiling(exponent))) if exponent is not None else range(0)
        if exponent is not None and len(terms) <= _MOST_TERMS:
            forms = [_analytic_form(side, t, others) for side in moved]
            if None in forms:  # poles that cancel
                forms = [_analytic_form(moved[0] - moved[1], t, others), sp.S.Zero]
            if None not in forms:
                return _by_coefficients(forms, t, symbol - place, terms, others, claim)
    t = sp.Dummy(symbol.name, positive=True)
    steps = []
    for approach in _approaches(symbol, place, domain, t):
        exponent = _exponent(order.expr.subs(symbol, approach), t)
        if exponent is None:
            return Verdict("undecided", claim, "the order is a power of the variable")
        sides = [side.subs(symbol, approach) for side in exact]
        steps.append(_by_limit(sides, t, exponent, others, claim))
    whole = max(steps, key=lambda step: STATUSES.index(step.status))
    if whole and symbol.is_extended_real is None and place.is_finite:
        method = f"{whole.method}, along the real line alone"
        return Verdict("not refuted", claim, method)
    return whole


def _exponent(power: sp.Expr, t: sp.Symbol) -> sp.Expr | None:
    exponent = power.as_coeff_exponent(t)[1]
    return exponent if exponent.is_Rational else None


def _approaches(
    symbol: sp.Symbol, place: sp.Expr, domain: Domain, t: sp.Symbol
) -> Iterator[sp.Expr]:
    """What the variable is as t falls to 0, on each side from which it can come."""
    if place.is_infinite:
        yield 1 / t if place is sp.oo else -1 / t
        return
    range_ = domain.ranges.get(symbol, sp.S.Reals)
    above = range_.sup > place
    below = range_.inf < place
    if above is not sp.false:
        yield place + t
    if below is not sp.false:
        yield place - t


def _without(domain: Domain, symbol: sp.Symbol) -> tuple[sp.Basic, ...]:
    return tuple(c for c in domain.conditions if symbol not in c.free_symbols)


def _analytic_form(side: sp.Expr, t: sp.Symbol, others: Domain) -> sp.Expr | None:
    """The side as an expression analytic at t = 0: as it is, or with a pole cancelled."""
    if is_analytic(side, t, others, sp.S.Zero):
        return side
    cancelled = sp.cancel(sp.together(side))
    if not is_analytic(cancelled, t, others, sp.S.Zero):
        return None
    near = Domain({*others.symbols, t}, others.conditions)
    return cancelled if vanishes_on(side - cancelled, near) else None


def _by_coefficients(
    sides: list[sp.Expr],
    t: sp.Symbol,
    variable: sp.Expr,
    terms: range,
    others: Domain,
    claim: str,
) -> Verdict:
    methods: list[str | None] = []
    digits: list[int] = []
    derivatives = list(sides)
    for n in terms:
        a, b = (sp.expand(side.subs(t, 0) / sp.factorial(n)) for side in derivatives)
        evidence = examine(a, b, "==", others, samples=_POINTS, seed=n)
        if evidence.counterexample is not None:
            found = evidence.counterexample
            noted = Counterexample(
                found.point, found.left, found.right, f"coefficients of {variable**n}"
            )
            return Verdict("refuted", claim, "Taylor coefficients enclosed", noted)
        if not evidence.samples:
            return Verdict("undecided", claim, evidence.reason)
        methods.append(proof_of_zero(a - b, others))
        if evidence.digits is not None:
            digits.append(evidence.digits)
        derivatives = [sp.diff(side, t) for side in derivatives]
    method = f"{len(terms)} Taylor coefficients"
    if None not in methods:
        return Verdict("proved", claim, f"{method}: equal, exactly")
    worst = min(digits) if digits else None
    return Verdict("not refuted", claim, f"{method} agree", digits=worst, samples=_POINTS)


def _by_limit(
    sides: list[sp.Expr], t: sp.Symbol, exponent: sp.Expr, others: Domain, claim: str
) -> Verdict:
    """The difference over the order has a finite limit."""
    quotient = (sides[0] - sides[1]) / t**exponent
    limit = sp.Limit(quotient, t, 0, "+")
    value = limit.doit()
    if value.has(sp.Limit, sp.AccumBounds, sp.nan) or not is_approached(limit, value, others):
        return Verdict("undecided", claim, "the limit of the remainder was not found")
    method = "the remainder over its order, by Gruntz's algorithm"
    if value.is_infinite:
        note = "the remainder over its order grows without bound"
        found = Counterexample({}, str(value), "finite", note)
        return Verdict("refuted", claim, method, found)
    return Verdict("proved", claim, f"{method}: the limit is {value}")
