"""A quotient of polynomials in place of a closed form that takes longer.

A Gaussian mean is analytic in √q, and often in something still better; divided by its power at the
ends it is a quotient of two polynomials of moderate degree with coefficients of one sign, as good
as doubles on all of [1e-12, 1e12] (see `curve_fit`). It costs one root and one division, whatever
the closed form holds. The quotient is fitted to the exact closed form, in many digits, and what
cancels there is gone. It is sought in

* √q on all of the domain, for scaled error functions;
* √q from an onset on, for error functions of b/√q, or q if the mean is even or odd in √q: below the
  onset it is, to the last bit, what is left when they are replaced by their limits;
* √(1 + aq) for arc tangents with that root in them.

Of those found, and the closed form, the one is taken that costs least (see `operations.cost`).
From a q on that is given, a quotient is fitted whatever it costs, and whatever cancels in the
expression (`quotient_from`).

>>> import sympy as sp
>>> from freejac.symbolic.scaled import erfcx
>>> from freejac.symbolic.symbols import q
>>> form = short_form(1 - erfcx(sp.sqrt(q)))
>>> exact = 1 - sp.exp(4) * sp.erfc(2)
>>> abs(form.subs(q, 4).evalf(20) / exact - 1).evalf(5) < 1e-16
True
>>> short_form(sp.erf(1 / sp.sqrt(q))).args[0]
(1, q < 0.02691650390625)
>>> short_form(sp.sqrt(q) / 2) is None
True
"""

from __future__ import annotations

from functools import lru_cache

import mpmath
import sympy as sp
from mpmath import mp, mpf

from freejac.codegen.curve_fit import DECADES, nodes
from freejac.codegen.kernel_block import select_block
from freejac.codegen.operations import ROOT, cost
from freejac.codegen.quotient import Quotient
from freejac.codegen.quotient_fit import LARGEST_DEGREE, TINY, Function, Variable, exponent, fitted
from freejac.symbolic.errors import InputError
from freejac.symbolic.functions import Phi
from freejac.symbolic.scaled import erfcx
from freejac.symbolic.symbols import q

__all__ = ["quotient_from", "quotient_of", "short_form"]

_DIGITS = 150
_NEEDED_DEGREE = 28
"""What is tried where nothing else serves."""
_UNFELT = mpf(2) ** -56
_LARGEST_LOSS = 3
_PLACES = 6
"""Bits of an onset."""
_CHEAP = 30.0
"""No quotient costs less."""
_TRIED = (mpf("0.375"), mpf("1.5"))
"""Values of √q at which a parity is looked for."""
_SAME = mpf(10) ** -100
_FIRST_DECADE = -4


@lru_cache(maxsize=256)
def short_form(closed: sp.Expr) -> sp.Expr | None:
    """The form that costs less than an expression, and is as good as doubles.

    Args:
        closed: in q alone; what has other symbols has no such form.

    Returns:
        The form on 1e-12 ≤ q ≤ 1e12; None where the expression itself costs less, where it changes
        its sign, and where no quotient of moderate degree is as good as doubles.
    """
    if closed.free_symbols != {q}:
        return None
    own = _cost(closed)
    if own is None or own <= _CHEAP:
        return None
    with mp.workdps(_DIGITS):
        made = [make(closed) for make in (_everywhere, _from_onset, _in_own_root)]
    found = [form for form in made if form is not None]
    best = min(found, key=lambda form: _cost(form) or own, default=None)
    return best if best is not None and (_cost(best) or own) < own else None


def _cost(form: sp.Expr) -> float | None:
    """About the time it takes; a quotient's root is taken while sums in its square are made."""
    try:
        block = select_block(form, ["q"])
    except InputError:
        return None
    waits = not any(part.args[0].is_Pow for part in form.atoms(Quotient))
    return cost(block.lines, block.result) - (0.0 if waits else ROOT)


def _everywhere(closed: sp.Expr) -> sp.Expr | None:
    """A power of √q times a quotient in √q."""
    return quotient_of(sp.lambdify(q, closed, "mpmath")) if closed.has(erfcx) else None


def quotient_of(function: Function) -> sp.Expr | None:
    """A power of √q times a quotient in √q, good on all of the domain.

    Args:
        function: of q, to many digits at the precision of the caller, and of one sign.
    """
    variable = Variable(sp.sqrt(q), lambda t: t * t, DECADES, 20)
    places = nodes()
    lead = exponent(function(places[0] ** 2), function(places[1] ** 2), places[0], places[1])
    return None if lead is None else fitted(function, sp.sqrt(q) ** lead, variable)


def _from_onset(closed: sp.Expr) -> sp.Expr | None:
    """What is left of error functions of b/√q for small q, and a quotient from there on."""
    rest = _left(closed)
    if rest is None or rest == 0:
        return None
    function = sp.lambdify(q, closed, "mpmath")
    onset = _onset(function, rest)
    if onset is None:
        return None
    square = sp.Float(onset**2, 17)
    sign = _parity(closed)
    form = None
    if sign:
        lead = sp.S.One if sign == 1 else sp.sqrt(q)
        plain = sp.Max(q, square) - square
        decades = (_FIRST_DECADE, 2 * DECADES[1])
        form = fitted(function, lead, Variable(plain, lambda v: v + onset**2, decades, 20))
    if form is None:
        form = _beyond(function, onset)
    if form is None:
        return None
    return sp.Piecewise((rest, q < square), (form, True), evaluate=False)


def _beyond(
    function: Function, onset: mpf, first: int = _FIRST_DECADE, most: int = LARGEST_DEGREE
) -> sp.Expr | None:
    """A power of q times a quotient in what √q is more than an onset, fitted from 10^first on."""
    start = sp.Float(onset, 17)
    variable = Variable(
        sp.Max(sp.sqrt(q), start) - start,
        lambda v: (v + onset) ** 2,
        (first, DECADES[1]),
        most=most,
        root=(sp.sqrt(sp.Max(q, sp.Float(onset**2, 17))), onset),
    )
    return fitted(function, q ** _whole_power(function), variable)


def quotient_from(closed: sp.Expr, least: sp.Rational) -> tuple[sp.Float, sp.Expr] | None:
    """A quotient that is as good as doubles from some q on, whatever cancels in the expression.

    Args:
        closed: in q alone, of one sign from there on, a power of q in the limit.
        least: about where it is to begin.

    Returns:
        Where it begins, a square of few bits not above `least`, and the quotient in √q; None where
        no quotient of moderate degree is as good.
    """
    with mp.workdps(_DIGITS):
        onset = _of_few_bits(mpmath.sqrt(mpf(least.p) / least.q))
        first = int(mpmath.floor(mpmath.log10(onset))) + 1 + _FIRST_DECADE
        form = _beyond(sp.lambdify(q, closed, "mpmath"), onset, first, _NEEDED_DEGREE)
    return None if form is None else (sp.Float(onset**2, 17), form)


def _whole_power(function: Function) -> int:
    """The whole power of q as which a mean grows at most: powers above and below are the same."""
    low, high = nodes()[-2], nodes()[-1]
    power = exponent(function(low**2), function(high**2), low, high)
    return max(0, (power or 0) // 2)


def _left(closed: sp.Expr) -> sp.Expr | None:
    """The limits of error functions and exponentials as q → 0, where each is 0 or 1 there.

    None where there are none, or one is of another argument.
    """
    kinds = closed.atoms(sp.erf, sp.erfc, Phi, sp.exp)
    limits = {}
    for part in kinds:
        power = -1 if isinstance(part, sp.exp) else -sp.S.Half
        factor = part.args[0] / q**power
        if not factor.is_number or not factor.is_real:
            return None
        limits[part] = part.func(sp.oo * factor)
    left = closed.xreplace(limits)
    if not kinds or left.has(sp.oo, sp.nan, erfcx) or left.free_symbols - {q}:
        return None
    return left


def _onset(function: Function, rest: sp.Expr) -> mpf | None:
    """The largest √q of few bits up to which the rest is the mean, and adds up without loss."""
    terms = sp.lambdify(q, list(sp.Add.make_args(sp.expand(rest))), "mpmath")

    def unfelt(t: mpf) -> bool:
        values = [mpf(value) for value in terms(t * t)]
        total = abs(mpmath.fsum(values))
        if mpmath.fsum(values, absolute=True) > _LARGEST_LOSS * total:
            return False
        return abs(function(t * t) - mpmath.fsum(values)) <= _UNFELT * total

    felt = [t for t in nodes() if not unfelt(t)]
    if not felt or felt[0] == nodes()[0]:
        return None
    low, high = max(t for t in nodes() if t < felt[0]), felt[0]
    while high - low > low / 2 ** (_PLACES + 2):
        middle = (low + high) / 2
        low, high = (middle, high) if unfelt(middle) else (low, middle)
    return _of_few_bits(low)


def _of_few_bits(root: mpf) -> mpf:
    unit = mpf(2) ** (int(mpmath.floor(mpmath.log(root, 2))) + 1 - _PLACES)
    return mpmath.floor(root / unit) * unit


def _parity(closed: sp.Expr) -> int:
    """1 or −1 if the closed form is even or odd in √q, else 0."""
    t = sp.Symbol("t", positive=True)
    function = sp.lambdify(t, closed.subs(q, t**2), "mpmath")
    signs = set()
    for at in _TRIED:
        here, there = function(at), function(-at)
        near = [sign for sign in (1, -1) if abs(there - sign * here) <= _SAME * abs(here)]
        signs.add(near[0] if near else 0)
    return signs.pop() if len(signs) == 1 else 0


def _in_own_root(closed: sp.Expr) -> sp.Expr | None:
    """A power of q times a quotient in √(1 + aq) − 1, for the only root there is."""
    bases = {
        p.base for p in closed.atoms(sp.Pow) if p.exp.is_Rational and p.exp.q == 2 and p.has(q)
    }
    if len(bases) != 1 or closed.has(sp.erf, sp.erfc, erfcx, Phi, sp.exp):
        return None
    (base,) = bases
    if not base.is_polynomial(q) or sp.degree(base, q) != 1:
        return None
    ratio = base.coeff(q, 1) / base.coeff(q, 0) if base.coeff(q, 0) else sp.S.Zero
    if not (ratio.is_Rational and ratio > 0):
        return None
    per = mpf(ratio.q) / ratio.p
    variable = Variable(
        sp.sqrt(1 + ratio * q) - 1,
        lambda v: v * (v + 2) * per,
        (_FIRST_DECADE, DECADES[1] + 1),
        product=ratio * q,
        root=(sp.sqrt(1 + ratio * q), mpf(1)),
    )
    function = sp.lambdify(q, closed, "mpmath")
    lead = exponent(function(TINY / 10), function(TINY), TINY / 10, TINY)
    return None if lead is None else fitted(function, q**lead, variable)
