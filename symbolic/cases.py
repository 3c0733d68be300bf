"""Distinctions of cases: where the assumptions on parameters leave a sign open, both are computed.

`by_cases` runs a computation; when it asks for the sign of an expression that is not decided, the
computation is run again in the case that it is negative, positive, or zero, and so on in each case.
What is known in a case is kept as facts for `freejac.symbolic.signs`, so that the parameters keep
their names; only equalities are substituted. Results that agree are joined.

>>> from freejac.symbolic.signs import sign_of
>>> a, b = sp.symbols("a b", real=True)
>>> by_cases(lambda given: (a - b).subs(given) * sign_of((a - b).subs(given)))
Abs(a - b)
>>> by_cases(lambda given: a if sign_of((a - b).subs(given)) > 0 else 2 * b)
Piecewise((2*b, a <= b), (a, True))
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeAlias

import sympy as sp

from freejac.symbolic.errors import DomainError, Undecided
from freejac.symbolic.facts import Gap, extended, splittable
from freejac.symbolic.functions import Phi
from freejac.symbolic.signs import (
    Chain,
    after,
    assumed,
    assuming,
    general_point,
    known_sign,
    value_at,
)

__all__ = ["by_cases"]

Given: TypeAlias = Mapping[sp.Symbol, sp.Expr]

_MOST_RUNS = 64
_MOST_WORK = 5000  # nodes of the results of all cases together
_APART = sp.Float("1e-9")
_MOST_EXPANDED = 500  # nodes of expressions that are still expanded to be compared
_MOST_COMPARED = 6  # comparisons between results that are still tried to be joined


def by_cases(build: Callable[[Given], sp.Expr]) -> sp.Expr:
    """Run a computation in every case that its parameters' signs and order make necessary.

    Args:
        build: the computation; its argument are substitutions for parameters (equalities that hold
            in a case), to be made in all of its input. It must ask for signs and orders through
            `freejac.symbolic.signs`, and must not be cached across cases.

    Returns:
        The result if it is the same in all cases, else a `Piecewise` of them, whose conditions are
        comparisons of parameters. Cases are joined where their results are equal as expressions,
        expanded and with what is known in the case.

    Raises:
        Undecided: a sign cannot be traced to a parameter that enters linearly.
        DomainError: there are too many cases, or one of them is not defined.
    """
    *cases, last = _folded(_Exploration(build).of(_Case(assumed())))
    if not cases:
        return last.value
    return sp.Piecewise(
        *((leaf.value, sp.And(*(q.relation for q in leaf.needed()))) for leaf in cases),
        (last.value, True),
    )


@dataclass(frozen=True)
class _Answer:
    """One comparison: `relation` holds because `expr` has the sign `sign`."""

    relation: sp.Basic
    expr: sp.Expr
    sign: int

    def holds(self, facts: Chain) -> bool | None:
        """Whether it holds in a case; None if that is open."""
        sign = known_sign(self.expr, facts)
        if sign == 0:
            return isinstance(self.relation, (sp.Eq, sp.Le, sp.Ge))
        return None if sign is None else sign == self.sign


@dataclass(frozen=True)
class _Case:
    """What is known: facts about signs, and equalities as substitutions."""

    facts: Chain = ()
    given: tuple[tuple[sp.Symbol, sp.Expr], ...] = ()


@dataclass(frozen=True)
class _Leaf:
    """A result, under conditions, and the cases in which it was found."""

    conditions: tuple[_Answer, ...]
    value: sp.Expr
    cases: tuple[Chain, ...]

    def needed(self) -> list[_Answer]:
        """The conditions that do not follow from the others."""
        kept = list(self.conditions)
        for answer in self.conditions:
            others = [other for other in kept if other is not answer]
            facts: Chain | None = ()
            for other in others:
                facts = None if facts is None else extended(facts, other.expr, other.sign)
            strict = not any(isinstance(o.relation, (sp.Le, sp.Ge, sp.Eq)) for o in kept)
            if strict and facts and known_sign(answer.expr, facts) == answer.sign:
                kept = others
        return kept


_Leaves: TypeAlias = tuple[_Leaf, ...]
"""The first leaf whose conditions hold decides; the last has none."""


class _Exploration:
    """The tree of cases of one computation."""

    def __init__(self, build: Callable[[Given], sp.Expr]) -> None:
        self._build = build
        self._runs = 0
        self._work = 0

    def of(self, case: _Case) -> _Leaves:
        """Results in a case, split further where a sign is open."""
        self._runs += 1
        try:
            with assuming(case.facts):
                value = self._build(dict(case.given))
        except Undecided as question:
            return self._split(case, question)
        self._work += _size(value)
        return (_Leaf((), value, (case.facts,)),)

    def _split(self, case: _Case, question: Undecided) -> _Leaves:
        expr = splittable(question.expr, case.facts)
        # Asking for what is known means that the computation does not look at the facts.
        if expr is None or known_sign(question.expr, case.facts) is not None:
            raise question
        if self._runs > _MOST_RUNS or self._work > _MOST_WORK:
            raise DomainError(
                f"there are too many cases between the parameters (the last: {question}); "
                "give some of them numbers"
            )
        gap = Gap.of(expr, case.facts)
        below = self.of(replace(case, facts=gap.facts(case.facts, -1)))
        above = self.of(replace(case, facts=gap.facts(case.facts, 1)))
        touching = [gap.facts(case.facts, 0)]
        if question.order and expr == question.expr and _meet(gap, below, above, touching):
            return _joined(gap, below, below, above, touching)
        at = self.of(_equal(case, gap))
        return _joined(gap, below, at, above, _cases(at))


def _equal(case: _Case, gap: Gap) -> _Case:
    """The case in which a parameter is at its level."""
    solution = {gap.symbol: gap.level}
    given = tuple((symbol, value.subs(solution)) for symbol, value in case.given)
    return _Case(gap.facts(case.facts, 0), (*given, (gap.symbol, gap.level)))


def _joined(
    gap: Gap, below: _Leaves, at: _Leaves, above: _Leaves, touching: Sequence[Chain]
) -> _Leaves:
    """Join the results on both sides of a gap and in between, with as few cases as possible."""
    everywhere = [*_cases(below), *touching, *_cases(above)]
    candidates = sorted((below, above), key=_complexity)
    if len(below) == len(above) == 1:
        candidates += _symmetric(gap, below[0], above[0])
    joint = [
        tuple(replace(leaf, cases=tuple(everywhere)) for leaf in leaves)
        for leaves in candidates
        if _agree(leaves, below, _cases(below)) and _agree(leaves, above, _cases(above))
    ]
    for leaves in joint:
        if _meet(gap, leaves, at, touching):
            return leaves
    if joint:
        return (*_under(gap, sp.Eq, at), *joint[0])
    if _meet(gap, above, at, touching):
        return (*_under(gap, sp.Lt, below), *above)
    if _meet(gap, below, at, touching):
        return (*_under(gap, sp.Le, below), *above)
    return (*_under(gap, sp.Eq, at), *_under(gap, sp.Lt, below), *above)


def _symmetric(gap: Gap, below: _Leaf, above: _Leaf) -> list[_Leaves]:
    """Results in which the distance from the level enters by its size alone."""
    size = sp.Abs(gap.symbol - gap.level)
    values = [
        above.value.subs(gap.symbol, gap.level + size),
        below.value.subs(gap.symbol, gap.level - size),
    ]
    most = _size(above.value) + _size(below.value)
    values = sorted((v for v in values if _size(v) <= most), key=_size)
    return [(_Leaf((), value, ()),) for value in values]


def _folded(leaves: _Leaves) -> _Leaves:
    """A, B and again A as B in between, else A."""
    if len(leaves) < 3:
        return leaves
    *others, outer, between, last = leaves
    needed = outer.needed()
    if len(needed) != 1 or not _agree((last,), (outer,), outer.cases):
        return leaves
    answer = needed[0]
    outside = replace(answer, relation=sp.Not(answer.relation), sign=-answer.sign)
    return (*others, replace(between, conditions=(outside, *between.conditions)), last)


def _under(gap: Gap, relation: type, leaves: _Leaves) -> _Leaves:
    sign = 0 if relation is sp.Eq else -gap.slope_sign
    answer = _Answer(relation(gap.symbol, gap.level), gap.expr, sign)
    return tuple(replace(leaf, conditions=(answer, *leaf.conditions)) for leaf in leaves)


def _cases(leaves: _Leaves) -> list[Chain]:
    return [facts for leaf in leaves for facts in leaf.cases]


def _complexity(leaves: _Leaves) -> tuple[int, int, str]:
    return (
        len(leaves),
        sum(_size(leaf.value) for leaf in leaves),
        str([leaf.value for leaf in leaves]),
    )


def _agree(first: _Leaves, second: _Leaves, cases: Iterable[Chain]) -> bool:
    """Whether two results are the same function in some cases."""
    if first is second:
        return True
    asked = [answer for leaf in (*first, *second) for answer in leaf.conditions]
    answers = list({answer.expr: answer for answer in asked}.values())
    return len(answers) <= _MOST_COMPARED and all(
        _equal_values(_chosen(first, finer), _chosen(second, finer), finer)
        for facts in cases
        for finer in _decided(answers, facts)
    )


def _decided(answers: Sequence[_Answer], facts: Chain) -> Iterator[Chain]:
    """Split a case until every comparison is decided in it."""
    open_ones = (answer for answer in answers if known_sign(answer.expr, facts) is None)
    answer = next(open_ones, None)
    if answer is None:
        yield facts
        return
    for sign in (-1, 0, 1):
        finer = extended(facts, answer.expr, sign)
        if finer is None or known_sign(answer.expr, finer) is None:
            yield facts  # in which the values cannot be chosen, so that nothing is joined
        else:
            yield from _decided(answers, finer)


def _meet(gap: Gap, leaves: _Leaves, at: _Leaves, touching: Iterable[Chain]) -> bool:
    """Whether a result stays right where the parameter is at its level."""
    if not _regular(leaves, gap):
        return False
    first, second = (
        tuple(replace(leaf, value=leaf.value.subs(gap.symbol, gap.level)) for leaf in side)
        for side in (leaves, at)
    )
    return leaves is at or _agree(first, second, touching)


def _chosen(leaves: _Leaves, facts: Chain) -> sp.Expr | None:
    """The value of the leaf that decides in a case; None if the case leaves that open."""
    for leaf in leaves:
        verdicts = [answer.holds(facts) for answer in leaf.conditions]
        if all(verdicts):
            return leaf.value
        if False not in verdicts:
            return None
    return None


def _equal_values(first: sp.Expr | None, second: sp.Expr | None, facts: Chain) -> bool:
    if first is None or second is None or first == second:
        return first is not None and first == second
    if _differ(first, second, facts):
        return False
    if _size(first) + _size(second) > _MOST_EXPANDED:
        return False
    # The parameters themselves make shorter expressions than what the facts say about them.
    return _cancel(first, second) or _cancel(after(first, facts), after(second, facts))


def _cancel(first: sp.Expr, second: sp.Expr) -> bool:
    """Whether two expressions are equal when expanded over a common denominator."""
    if _size(first) + _size(second) > _MOST_EXPANDED:
        return False
    gap = _plain(first) - _plain(second)
    if gap == 0:
        return True
    numerator = sp.fraction(sp.together(gap))[0]
    return bool(_size(numerator) <= _MOST_EXPANDED and sp.expand(numerator) == 0)


def _differ(first: sp.Expr, second: sp.Expr, facts: Chain) -> bool:
    """Whether the values at a point of the case refute equality: far cheaper than expanding."""
    symbols = frozenset(first.free_symbols | second.free_symbols)
    one, other = (_value(expr, symbols, facts) for expr in (first, second))
    if one is None or other is None:
        return False
    return bool(abs(one - other) > _APART * (abs(one) + abs(other)))


@lru_cache(maxsize=1024)
def _value(expr: sp.Expr, symbols: frozenset[sp.Symbol], facts: Chain) -> sp.Expr | None:
    replaced = {symbol: after(symbol, facts) for symbol in symbols}
    free = set().union(*(value.free_symbols for value in replaced.values()))
    chosen = general_point(free, 0)
    return value_at(expr, {s: v.subs(chosen, simultaneous=True) for s, v in replaced.items()})


@lru_cache(maxsize=4096)
def _size(expr: sp.Basic) -> int:
    """Number of nodes of the tree; what occurs more than once is looked up."""
    return 1 + sum(map(_size, expr.args))


def _plain(expr: sp.Expr) -> sp.Expr:
    """The same with every normal distribution written as erf, and expanded."""
    expr = expr.replace(sp.erfc, lambda u: 1 - sp.erf(u))
    return sp.expand(expr.replace(Phi, lambda u: (1 + sp.erf(u / sp.sqrt(2))) / 2))


def _regular(leaves: _Leaves, gap: Gap) -> bool:
    """Whether formulas stay defined where the parameter is at its level."""
    values = [leaf.value for leaf in leaves]
    inverted = [power.base for value in values for power in value.atoms(sp.Pow) if _below(power)]
    limits = [expr.subs(gap.symbol, gap.level) for expr in (*values, *inverted)]
    infinite = (sp.nan, sp.zoo, sp.oo, -sp.oo)
    return not any(v.has(*infinite) for v in limits) and all(v != 0 for v in limits[len(values) :])


def _below(power: sp.Pow) -> bool:
    """Whether a power is a denominator."""
    return bool(power.exp.could_extract_minus_sign())
