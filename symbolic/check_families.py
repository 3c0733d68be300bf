"""Claims about every member of a family: for all n ≤ N, and for all φ with a property.

>>> check_each(lambda n: (sum(range(n + 1)), n * (n + 1) // 2), 1, 10).status
'proved'
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import sympy as sp

from freejac.symbolic import library
from freejac.symbolic.activation import Activation, activation
from freejac.symbolic.check import Where, check
from freejac.symbolic.errors import InputError
from freejac.symbolic.verdict import Verdict, weakest

__all__ = ["check_each", "check_for_all"]


def check_each(
    statement: Callable[[int], Any],
    first: int,
    last: int,
    where: Where = (),
    claim: str = "",
    **options: Any,
) -> Verdict:
    """Check a statement for every integer n with first ≤ n ≤ last, such as a recursion.

    Args:
        statement: takes n to a pair of sides, a relation, or a verdict.
        first: the first n.
        last: the last n.
        where: conditions, as `check` takes them.
        claim: the statement in words or as a formula, for the report.
        options: passed on to `check`.

    Returns:
        Proved if every one is, for n in that range and no further.

    Raises:
        InputError: there is no such n.

    >>> check_each(lambda n: (2**n, n**2 + 1), 0, 6).counterexample
    Counterexample(point={n: 2}, left='4', right='5', note='')
    """
    if last < first:
        raise InputError(f"there is no n from {first} to {last}")
    named = f"{claim or 'the statement'}, n = {first} … {last}"
    steps = []
    for n in range(first, last + 1):
        step = verdict_of(statement(n), where, **options)
        steps.append(step.about(f"n = {n}: {step.claim}"))
        if step.refuted:
            found = step.counterexample
            if found is not None:
                found = replace(found, point={sp.Symbol("n"): sp.Integer(n), **found.point})
            steps[-1] = replace(steps[-1], counterexample=found)
            break
    return weakest(named, tuple(steps), "case")


def check_for_all(
    statement: Callable[[Activation], Any],
    having: Callable[[Activation], bool] | None = None,
    *,
    among: Iterable[str | sp.Expr] | None = None,
    where: Where = (),
    claim: str = "",
    **options: Any,
) -> Verdict:
    """Check a statement about every activation that has a property, by looking for one that fails.

    Args:
        statement: takes an activation to a pair of sides, a relation, a verdict, or None where it
            says nothing about it.
        having: the property; every activation has it if left out.
        among: activations to try, as `activation` takes them; the library if left out.
        where: conditions, as `check` takes them.
        claim: the statement in words or as a formula, for the report.
        options: passed on to `check`.

    Returns:
        Refuted by the first member that fails; never proved, however many do not.

    >>> verdict = check_for_all(lambda phi: (phi.expr.subs(sp.Symbol("x", real=True), 0), 0))
    >>> verdict.status, verdict.counterexample["phi"]
    ('refuted', 'sigmoid')
    """
    named = claim or "the statement, for every activation"
    members = [activation(member) for member in (library.names() if among is None else among)]
    tried: list[Verdict] = []
    for phi in members:
        if having is not None and not having(phi):
            continue
        outcome = statement(phi)
        if outcome is None:
            continue
        verdict = verdict_of(outcome, where, **options)
        if verdict.refuted and verdict.counterexample is not None:
            found = replace(
                verdict.counterexample, point={"phi": phi.name, **verdict.counterexample.point}
            )
            method = f"{phi.name} fails: {verdict.method}"
            return replace(verdict, claim=named, method=method, counterexample=found)
        tried.append(verdict)
    if not any(verdict.status in {"proved", "not refuted"} for verdict in tried):
        return Verdict("undecided", named, "no member of the library could be tried")
    method = f"it holds for {len(tried)} activations that were tried, which is no proof"
    return Verdict("not refuted", named, method, samples=len(tried))


def verdict_of(outcome: Any, where: Where = (), **options: Any) -> Verdict:
    """A verdict on whatever a statement returns: a verdict, a pair of sides, or a relation."""
    if isinstance(outcome, Verdict):
        return outcome
    if isinstance(outcome, tuple):
        left, right, *conditions = outcome
        return check(left, right, conditions[0] if conditions else where, **options)
    return check(outcome, where=where, **options)
