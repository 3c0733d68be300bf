"""Is a hand derivation right? Two sides in, a verdict out.

*proved* rests on exact steps alone; *refuted* on an admissible point where the two sides are
enclosed in disjoint intervals; *not refuted* on random points where they agree; otherwise the
answer is *undecided*. See `freejac.symbolic.verdict`.

>>> from freejac.symbolic.symbols import q
>>> check("sqrt(q**2 + 2*q + 1)", q + 1).status
'proved'
>>> print(check(sp.cos(q) ** 2 + sp.sin(q) ** 2, 2).counterexample)
at q = 1/2 the left side is 1.00000000000, the right side 2
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any, TypeAlias

import sympy as sp

from freejac.symbolic.claim_text import bound_names, read_conditions, read_side
from freejac.symbolic.comparison import SIGNS, compare
from freejac.symbolic.conditions import Domain, read_where
from freejac.symbolic.corrections import with_hint
from freejac.symbolic.domain import exact
from freejac.symbolic.errors import InputError
from freejac.symbolic.verdict import ChainVerdict, Verdict, weakest

__all__ = ["Side", "Where", "as_side", "check", "check_chain"]

Side: TypeAlias = str | int | float | sp.Basic
"""An expression, text, or a number."""
Where: TypeAlias = Any
"""Conditions: a relation, text, `sp.Contains`, a mapping from symbols to sets, or several."""

_OF_RELATIONAL = {
    sp.Eq: "==",
    sp.Ne: "!=",
    sp.Le: "<=",
    sp.Lt: "<",
    sp.Ge: ">=",
    sp.Gt: ">",
}


def check(
    lhs: Side,
    rhs: Side | None = None,
    where: Where = (),
    *,
    relation: str = "==",
    hints: bool = True,
    samples: int = 12,
    time_limit: float = 2.0,
    seed: int = 0,
) -> Verdict:
    """Prove or refute that two sides are equal, or compare as said, wherever both are defined.

    Symbols without assumptions are complex; what is assumed of a symbol always holds. Functions
    take their principal values.

    Args:
        lhs: a SymPy expression; text in the grammar, where `q`, `c`, `p`, `sigma_w`, `L`, … are the
            shared symbols and other names those of the other side or real parameters; or a number.
            A float is a rounded value, known to the digits that Python prints. `sp.Limit`,
            `sp.Integral`, `sp.Sum`, `sp.Derivative`, `Expectation` and `Expectation2` stand
            unevaluated for what they define.
        rhs: the same. With a term `sp.O(x**n)` the sides are compared as series to that order.
            Left out when `lhs` is a relation such as `a <= b` or `sp.Eq(a, b)`.
        where: conditions on the symbols: a relation, text such as "0 < p <= 1", `sp.Contains`, a
            mapping from symbols to sets or to pairs (low, high), or a sequence of these. An
            equation is solved for one of its symbols.
        relation: "==", "<=", "<", ">=", ">" or "!=".
        hints: whether to search for what may have been meant when the claim is refuted.
        samples: how many admissible points are tried.
        time_limit: seconds of processor time after which the attempt to prove is given up.
        seed: of the random points.

    Returns:
        The verdict.

    Raises:
        InputError: a side or a condition cannot be read.

    Source: for the enclosures F. Johansson, Arb, IEEE Trans. Comput. 66 (2017) 1281; for the
        exponentials R. Risch, Trans. Amer. Math. Soc. 139 (1969) 167.

    >>> p = sp.Symbol("p", positive=True)
    >>> check("(1 - p)/p", 1 / p - 1).status
    'proved'
    >>> print(check("q*sigma_w/2", "q*sigma_w**2/2"))
    refuted: q*sigma_w/2 = q*sigma_w**2/2
      method: disjoint enclosures at an admissible point
      counterexample: at q = 1/2, sigma_w = 1/3 the left side is 0.0833333333333, the right side 0.0277777777778
      hint: sigma_w has a square too many. Did you mean q*sigma_w/2 = q*sigma_w/2? (proved)
    >>> check("p*(1 - p) <= 1/4", where="0 < p <= 1").status
    'proved'
    >>> from freejac.symbolic.expectation import Expectation
    >>> x, q = sp.Symbol("x", real=True), sp.Symbol("q", positive=True)
    >>> check(Expectation(sp.erf(x) ** 2, q), "2*asin(2*q/(1 + 2*q))/pi").method
    'closed forms of Gaussian means; equal normal forms'
    """  # noqa: E501 (the answers are one line)
    if lhs is sp.true and rhs is None:
        return Verdict("proved", "true", "the assumptions on the symbols decide it")
    left, right, relation, conditions = _read(lhs, rhs, where, relation)
    domain = Domain(left.free_symbols | right.free_symbols, conditions)
    options: dict[str, Any] = {"samples": samples, "time_limit": time_limit, "seed": seed}
    verdict = compare(left, right, relation, domain, **options)
    return with_hint(verdict, domain, relation) if hints and verdict.refuted else verdict


def _read(
    lhs: Side, rhs: Side | None, where: Where, relation: str
) -> tuple[sp.Expr, sp.Expr, str, tuple[sp.Basic, ...]]:
    """Bring the sides and the conditions to SymPy, text last, so that it can mean their symbols."""
    if rhs is None:
        lhs, rhs, relation = _relational(lhs)
    if relation not in SIGNS:
        raise InputError(f"a relation is one of {' '.join(SIGNS)}, not {relation!r}")
    given = [part for part in (lhs, rhs) if isinstance(part, sp.Basic)]
    names = bound_names(*given, *_symbols_of(where))
    left, right = (as_side(side, names) for side in (lhs, rhs))
    names = bound_names(left, right) | names
    return left, right, relation, read_where(where, names)


def _relational(claim: Side) -> tuple[Any, Any, str]:
    if isinstance(claim, str):
        found = read_conditions(claim, {}, evaluate=False)
        if len(found) != 1:
            raise InputError('a claim alone is one relation, such as "q <= q**2 + 1"')
        claim = found[0]
    if claim is sp.false:
        raise InputError("SymPy made it false on the assumptions: give two sides and a relation=")
    if isinstance(claim, bool):
        raise InputError("== and != compare how sides are written: give two sides to check")
    for kind, relation in _OF_RELATIONAL.items():
        if isinstance(claim, kind):
            return claim.args[0], claim.args[1], relation
    raise InputError(f"give two sides, or a relation such as a <= b, not {claim!r}")


def as_side(side: Side, names: Mapping[str, sp.Symbol]) -> sp.Expr:
    """Read one side: text, a SymPy expression, or a number.

    Raises:
        InputError: it is none of these.

    >>> as_side("q/2", {})
    q/2
    """
    return read_side(side, names) if isinstance(side, str) else exact("a side", side)


def _symbols_of(where: Where) -> Iterable[sp.Basic]:
    if isinstance(where, sp.Basic):
        yield where
    elif isinstance(where, Mapping):
        yield from (part for part in where if isinstance(part, sp.Basic))
    elif isinstance(where, Iterable) and not isinstance(where, str):
        for part in where:
            yield from _symbols_of(part)


def check_chain(*links: Side, where: Where = (), **options: Any) -> ChainVerdict:
    """Check a = b = c = …, step by step.

    Args:
        links: at least two expressions, as `check` takes them.
        where: conditions, as `check` takes them.
        options: passed on to `check`.

    Returns:
        The weakest verdict of the steps, with every step and the number of the first wrong one.

    Raises:
        InputError: fewer than two links, or one that cannot be read.

    >>> chain = check_chain("(q + 1)**2", "q**2 + 2*q + 1", "q**2 + 2*q + 2")
    >>> chain.status, chain.first_wrong, [step.status for step in chain.steps]
    ('refuted', 2, ['proved', 'refuted'])
    """
    if len(links) < 2:
        raise InputError("a chain has at least two links")
    steps = tuple(check(a, b, where, **options) for a, b in pairwise(links))
    return weakest(" = ".join(map(str, links)), steps)
