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

import sympy as sp

from freejac.symbolic.conditions import Domain
from freejac.symbolic.definitions import is_approached, written_out
from freejac.symbolic.proofs import proof_of_zero
from freejac.symbolic.refutation import examine
from freejac.symbolic.strict_signs import is_analytic
from freejac.symbolic.verdict import Counterexample, Verdict

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
    t = sp.Dummy(symbol.name, positive=True)
    moved = 1 / t if place.is_infinite else place + t
    if place is -sp.oo:
        moved = -moved
    sides = [written_out(side, domain).expr.subs(symbol, moved) for side in (left, right)]
    exponent = order.expr.subs(symbol, moved).as_coeff_exponent(t)[1]
    if not exponent.is_Rational:
        return Verdict("undecided", claim, "the order is a power of the variable")
    others = Domain({s for s in domain.symbols if s != symbol}, _without(domain, symbol))
    terms = range(int(sp.ceiling(exponent)))
    if place.is_finite and len(terms) <= _MOST_TERMS and _is_analytic_at_zero(sides, t, others):
        return _by_coefficients(sides, t, symbol - place, terms, others, claim)
    return _by_limit(sides, t, exponent, others, claim)


def _without(domain: Domain, symbol: sp.Symbol) -> tuple[sp.Basic, ...]:
    return tuple(c for c in domain.conditions if symbol not in c.free_symbols)


def _is_analytic_at_zero(sides: list[sp.Expr], t: sp.Symbol, others: Domain) -> bool:
    """Whether each function in the sides is analytic at the value its argument has there."""
    return all(_analytic_at(side, t, others) for side in sides)


def _analytic_at(expr: sp.Expr, t: sp.Symbol, others: Domain) -> bool:
    if t not in expr.free_symbols or expr == t:
        return True
    if not all(_analytic_at(arg, t, others) for arg in expr.args if isinstance(arg, sp.Expr)):
        return False
    # A function of new symbols that are fixed at the arguments' values there.
    dummies = [sp.Dummy(real=True) for _ in expr.args]
    values = [arg.subs(t, 0) for arg in expr.args]
    if any(value.has(sp.nan, sp.zoo, sp.oo) for value in values):
        return False
    try:
        shell = expr.func(
            *(
                d if t in arg.free_symbols else arg
                for d, arg in zip(dummies, expr.args, strict=True)
            )
        )
    except (TypeError, ValueError):
        return False
    fixed = Domain(others.symbols, others.conditions)
    for dummy, value in zip(dummies, values, strict=True):
        if value.is_real is not True:
            return False
        fixed.ranges[dummy] = sp.FiniteSet(value) if value.is_number else sp.S.Reals
    return all(_shell_is_analytic(shell, d, v, fixed) for d, v in zip(dummies, values, strict=True))


def _shell_is_analytic(shell: sp.Expr, dummy: sp.Symbol, value: sp.Expr, domain: Domain) -> bool:
    """Whether one function is analytic near a value of one argument."""
    if dummy not in shell.free_symbols or shell.is_Add or shell.is_Mul:
        return True
    if value.is_number:
        near = Domain(domain.symbols, domain.conditions)
        near.ranges.update(domain.ranges)
        exact = value if value.is_Rational else sp.nsimplify(value, rational=True)
        width = sp.Rational(1, 1000)
        near.ranges[dummy] = sp.Interval.open(exact - width, exact + width)
        return is_analytic(shell, dummy, near)
    return is_analytic(shell, dummy, domain)


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
