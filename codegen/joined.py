"""One exponential and one scaled error function for all error functions of one argument.

Means of pieces between kinks hold erf(y), erfc(y) and exp(−y²) with y = b/√q. Each costs an
exponential; with erfc(y) = exp(−y²) erfcx(y) they are

    A + exp(−y²) (B₁ erfcx(y) + B₀)

and one is enough. That is as good where A makes up the value: the rounding of y² and what cancels
between the terms must not show, which is measured.

>>> import sympy as sp
>>> from freejac.symbolic.symbols import q
>>> y = 1 / sp.sqrt(2 * q)
>>> joined(q * sp.erf(y) + sp.erfc(y), [sp.Rational(1, 100), sp.S.One])
q + ((1 - q)*erfcx(sqrt(2)/(2*sqrt(q))))*exp(-1/(2*q))
"""

from __future__ import annotations

from collections.abc import Sequence

import mpmath
import sympy as sp
from mpmath import mp, mpf

from freejac.symbolic.scaled import erfcx
from freejac.symbolic.symbols import q

__all__ = ["joined"]

_DIGITS = 60
_WORSE = mpf("1.35")
"""By how much more the terms may outgrow their sum than before."""
_SEEN = mpf(1)
"""The most that y² may be times the part of the exponential: its rounding is magnified so much."""


def joined(body: sp.Expr, marks: Sequence[sp.Rational]) -> sp.Expr:
    """The expression with one exponential, or as it was.

    Args:
        body: in q alone.
        marks: where it is used, from end to end.
    """
    arguments = {f.args[0] for f in body.atoms(sp.erf, sp.erfc)}
    if len(arguments) != 1:
        return body
    (y,) = arguments
    exponent = sp.expand(-(y**2))
    if not y.is_nonnegative or y.free_symbols != {q}:
        return body
    decay, tail = sp.Dummy("decay", positive=True), sp.Dummy("tail", positive=True)
    marked = body.replace(sp.erf, lambda _: 1 - decay * tail)
    marked = marked.replace(sp.erfc, lambda _: decay * tail)
    marked = marked.replace(
        lambda part: isinstance(part, sp.exp) and sp.expand(part.args[0] - exponent) == 0,
        lambda _: decay,
    )
    parts = sp.collect(sp.expand(marked), [decay * tail, decay], evaluate=False)
    rest, scaled, plain = (
        sp.factor_terms(parts.pop(key, sp.S.Zero)) for key in (sp.S.One, decay * tail, decay)
    )
    if parts or rest == 0 or {decay, tail} & (rest + scaled + plain).free_symbols:
        return body
    terms = [rest, scaled * erfcx(y) * sp.exp(exponent), plain * sp.exp(exponent)]
    if not _as_good(body, terms, y, marks):
        return body
    bracket = sp.Add(scaled * erfcx(y), plain)
    return sp.Add(rest, sp.Mul(bracket, sp.exp(exponent), evaluate=False), evaluate=False)


def _as_good(
    body: sp.Expr, terms: Sequence[sp.Expr], y: sp.Expr, marks: Sequence[sp.Rational]
) -> bool:
    before = sp.lambdify(q, list(sp.Add.make_args(body)), "mpmath")
    after = sp.lambdify(q, [*terms, y**2], "mpmath")
    with mp.workdps(_DIGITS):
        worst = [mpf(1), mpf(0)]
        for mark in marks:
            at = mpf(mark.p) / mark.q
            *values, square = (mpf(v) for v in after(at))
            total = abs(mpmath.fsum(values))
            if not total or square * mpmath.fsum(values[1:], absolute=True) > _SEEN * total:
                return False
            old = [mpf(v) for v in before(at)]
            worst[0] = max(worst[0], mpmath.fsum(old, absolute=True) / total)
            worst[1] = max(worst[1], mpmath.fsum(values, absolute=True) / total)
    return worst[1] <= _WORSE * worst[0]
