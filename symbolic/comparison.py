"""One comparison of two sides on a domain: first points are tried, then a proof.

>>> q = sp.Symbol("q", positive=True)
>>> compare(sp.exp(q) ** 2, sp.exp(2 * q), "==", Domain({q}, ())).method
'equal normal forms'
"""

from __future__ import annotations

import time

import flint
import sympy as sp

from freejac.symbolic.balls import working_bits
from freejac.symbolic.conditions import Domain
from freejac.symbolic.definitions import DEFINED, written_out
from freejac.symbolic.domain import rational
from freejac.symbolic.enclosures import Enclosures, NoValue, is_real_ball, rational_ball
from freejac.symbolic.proofs import proof_of
from freejac.symbolic.refutation import Evidence, examine, shown
from freejac.symbolic.rounded import rounded
from freejac.symbolic.series_claims import check_series, split_order
from freejac.symbolic.time_limit import FAILURES, OutOfTime, at_most
from freejac.symbolic.verdict import Counterexample, Status, Verdict

__all__ = ["SIGNS", "compare", "printed"]

SIGNS = {"==": "=", "<=": "≤", "<": "<", ">=": "≥", ">": ">", "!=": "≠"}
"""Relations, and how they are printed."""

_BITS = 200
_FEW = 4
_LONGEST_TEXT = 2000


def compare(
    left: sp.Expr,
    right: sp.Expr,
    relation: str,
    domain: Domain,
    *,
    samples: int = 12,
    time_limit: float = 2.0,
    seed: int = 0,
) -> Verdict:
    """Prove or refute a comparison; see `freejac.symbolic.check.check`.

    Args:
        left: the left side.
        right: the right side.
        relation: a key of `SIGNS`.
        domain: the admissible points.
        samples: how many points are tried.
        time_limit: seconds of processor time for the proof; twice that for the points.
        seed: of the random points.
    """
    claim = f"{printed(left)} {SIGNS[relation]} {printed(right)}"
    try:
        with at_most(3 * time_limit):
            special = _special(left, right, relation, domain, claim)
    except OutOfTime:
        special = Verdict("undecided", claim, "it took too long", left=left, right=right)
    except (RecursionError, *FAILURES):
        special = None
    if special is not None:
        return special
    end = time.process_time() + 2 * time_limit
    evidence = examine(left, right, relation, domain, samples=samples, seed=seed, deadline=end)
    if not evidence.samples:
        evidence = _after_definitions(left, right, relation, domain, evidence, time_limit)
    samples = evidence.samples
    if evidence.counterexample is not None:
        method = "disjoint enclosures at an admissible point"
        if not evidence.rigorous:
            method += ", by numbers at two precisions"
        return Verdict(
            "refuted",
            claim,
            method,
            evidence.counterexample,
            samples=samples,
            left=left,
            right=right,
        )
    if not samples:
        return Verdict("undecided", claim, evidence.reason, left=left, right=right)
    proof = _proof(left, right, relation, domain, time_limit)
    points = "point" if samples == 1 else "points"
    return Verdict(
        "not refuted" if proof is None else "proved",
        claim,
        proof or f"{samples} admissible {points}; no proof was found",
        digits=evidence.digits,
        samples=samples,
        left=left,
        right=right,
    )


def _after_definitions(
    left: sp.Expr,
    right: sp.Expr,
    relation: str,
    domain: Domain,
    evidence: Evidence,
    time_limit: float,
) -> Evidence:
    """Where definitions could not be evaluated, their closed forms instead."""
    if not (left.has(*DEFINED) or right.has(*DEFINED)):
        return evidence
    try:
        with at_most(time_limit):
            one, two = written_out(left, domain), written_out(right, domain)
    except (OutOfTime, RecursionError, *FAILURES):
        return evidence
    if not (one.steps or two.steps):
        return evidence
    again = examine(one.expr, two.expr, relation, domain, samples=_FEW, seed=0)
    return again if again.samples else evidence


def printed(expr: sp.Basic) -> str:
    """An expression as text, cut off where it is very long.

    >>> printed(sp.Integer(7) ** 10**5)
    '(Integer with a number too long to print)'
    """
    try:
        text = str(expr)
    except ValueError:  # Python's limit on the digits of an integer
        return f"({type(expr).__name__} with a number too long to print)"
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"


def _proof(
    left: sp.Expr, right: sp.Expr, relation: str, domain: Domain, time_limit: float
) -> str | None:
    decimal = left.has(sp.Float) or right.has(sp.Float)
    if decimal:
        left, right = rational("a side", left), rational("a side", right)
    deadline = time.process_time() + time_limit
    try:
        with at_most(time_limit):
            proof = proof_of(left, right, relation, domain, deadline)
    except (OutOfTime, RecursionError, *FAILURES):
        return None
    return f"{proof}; decimals read exactly" if proof is not None and decimal else proof


def _special(
    left: sp.Expr, right: sp.Expr, relation: str, domain: Domain, claim: str
) -> Verdict | None:
    """Series, infinite limits, and rounded numbers."""
    if relation != "==":
        return None
    if left.has(sp.Order) or right.has(sp.Order):
        (left, first), (right, second) = split_order(left), split_order(right)
        order = sum((part for part in (first, second) if part is not None), sp.S.Zero).getO()
        return check_series(left, right, order, domain, claim)
    for one, other in ((left, right), (right, left)):
        if other in (sp.oo, -sp.oo) or isinstance(one, sp.Limit):
            found = _infinite(one, other, domain, claim)
            if found is not None:
                return found
        if isinstance(other, sp.Float) and not one.free_symbols and not one.has(sp.Float):
            return _rounded(one, other, claim)
    return None


def _infinite(expr: sp.Expr, other: sp.Expr, domain: Domain, claim: str) -> Verdict | None:
    """Where a limit or the other side is infinite."""
    value = written_out(expr, domain)
    limit, method = value.expr, "; ".join(value.steps)
    infinite = other.is_infinite
    if not (isinstance(expr, sp.Limit) and value.steps):
        reason = "infinity is compared with a limit only"
        return Verdict("undecided", claim, reason) if infinite else None
    if not infinite and not limit.is_infinite:
        return None
    if limit == other:
        return Verdict("proved", claim, method)
    if limit.is_infinite or limit.is_finite:
        found = Counterexample({}, str(limit), str(other), method)
        return Verdict("refuted", claim, method, found, corrected=limit)
    return Verdict("undecided", claim, f"the limit {limit} may be infinite")


def _rounded(expr: sp.Expr, decimal: sp.Float, claim: str) -> Verdict:
    """Whether a number rounds to a decimal."""
    middle, half = rounded(decimal)
    with working_bits(_BITS):
        balls = Enclosures({}, {})
        try:
            ball = balls.of(expr)
        except NoValue as answer:
            return Verdict("undecided", claim, f"no value: {answer}")
        gap = abs(ball - rational_ball(middle)) if is_real_ball(ball) else flint.arb("inf")
        unit = rational_ball(half)
        way = "ball arithmetic" if balls.rigorous else "numbers at two precisions"
        if not is_real_ball(ball) or gap > unit:
            note = f"{decimal} stands for what is within {half} of it"
            found = Counterexample({}, *shown(ball, rational_ball(middle)), note)
            return Verdict("refuted", claim, way, found, left=expr, right=decimal)
        status: Status = "proved" if gap <= unit and balls.rigorous else "not refuted"
    return Verdict(status, claim, f"{way}: it rounds to the decimal", samples=1, left=expr)
