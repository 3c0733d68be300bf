"""A form of an expectation that double precision can evaluate over many decades of q.

A closed form may be exact and yet useless in doubles: its terms cancel where q is small or large.
Three things are done about it. Products that overflow or cancel are rewritten (`stabilise`); where
the terms that are left still cancel, a polynomial takes over (`fitted`), for the factor of each
power of the parameters, or, where they cancel everywhere, a quotient beside the slowest of the
factors e^{−a/q} that they have; and where it does is found from the size of the terms, in exact
arithmetic, so that the result is the same on every machine. Where parameters stand elsewhere than
in powers, the exact series of the expectation at q → 0 or q → ∞ takes over.

>>> sound_form("erf(x)**2").expr
2*atan(2*q/sqrt(4*q + 1))/pi
>>> form = sound_form("clip(x, -1, 1)**2")
>>> form.expr.args[0].cond, form.low, form.high
(q <= 1, 1/1000000000000, 1000000000000)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise, product
from typing import TypeAlias

import mpmath
import sympy as sp
from mpmath import mp, mpf

from freejac.codegen.exponential_factor import exponential_parts
from freejac.codegen.fitted import fitted
from freejac.codegen.functions import ExpInverse
from freejac.codegen.horner import Horner
from freejac.codegen.joined import joined
from freejac.codegen.short_forms import quotient_from, short_form
from freejac.codegen.stable import stabilise
from freejac.symbolic.asymptotics import AsymptoticSeries, mean_series
from freejac.symbolic.errors import DomainError, NoClosedForm
from freejac.symbolic.expectation import Integrand, as_function, expect
from freejac.symbolic.piecewise import PiecewiseFunction
from freejac.symbolic.symbols import q

__all__ = ["SoundForm", "sound_form", "soundly"]

_LARGEST_LOSS = 64
"""By how much the terms of a sum may outgrow it at most: six bits."""
_WANTED_LOSSES = (3, 4, 6)
"""By how much they may where a polynomial can take over: the first with which one does."""
_LITTLE_LOSS = mpf("1.5")
"""By how much they may where a quotient is sure to take over."""
_LEADING = (sp.S.One, sp.Integer(2), sp.Integer(5))
"""Leading digits of the q at which it does."""
_NEGLIGIBLE = mpf(2) ** -55
_DIGITS = 150
_DECADES = range(-12, 13)
_PER_DECADE = 4
_LENGTHS = (4, 8, 16, 24, 36, 48)
_POSITIVE = (sp.Rational(1, 100), sp.S.One, sp.Integer(100))
_REAL = (sp.Integer(-10), sp.Rational(1, 100), sp.Integer(10))

Setting: TypeAlias = Mapping[sp.Symbol, sp.Rational]


@dataclass(frozen=True)
class SoundForm:
    """An expression fit for double precision.

    Attributes:
        expr: in q and the parameters; a `Piecewise` where a series takes over.
        low: on [low, high] at most six bits are lost to cancellation, with parameters from
            1/100 to 100 (−10 to 10 for those that are not declared positive).
        high: the other end.
    """

    expr: sp.Expr
    low: sp.Rational
    high: sp.Rational


def sound_form(f: Integrand) -> SoundForm:
    """E[f(h)], h ~ N(0, q), in a form for double precision on 1e-12 ≤ q ≤ 1e12.

    Args:
        f: a SymPy expression in `freejac.x`, text, or a `PiecewiseFunction`.

    Returns:
        The closed form rewritten, with polynomials where it would cancel, or quotients of them.

    Raises:
        NoClosedForm: there is no closed form to start from, or its terms cancel on all of the
            domain.

    >>> sound_form("where(x > 0, x, exp(x) - 1)").expr.subs(q, 400).has(sp.erfc)
    False
    """
    function = as_function(f)
    return soundly(function, expect(function), short=False)


def soundly(function: PiecewiseFunction, closed: sp.Expr, *, short: bool = True) -> SoundForm:
    """The sound form of an integrand whose closed form is known.

    Args:
        function: the integrand.
        closed: its mean.
        short: whether a quotient fitted to the mean may stand for it (see `short_forms`): it is as
            good as doubles, and faster, but it is no longer the mean itself.
    """
    body = stabilise(closed)
    fit = _with_polynomials(function, body, short)
    if fit is not None:
        return SoundForm(fit, _ten(_DECADES[0]), _ten(_DECADES[-1]))
    return _with_series(function, body)


def _with_polynomials(function: PiecewiseFunction, body: sp.Expr, short: bool) -> sp.Expr | None:
    """The factor of each power of the parameters, made sound on all of the domain."""
    parameters = sorted(body.free_symbols - {q}, key=str)
    if not parameters:
        return _sound_part(body, short)
    roots = _vanishing(function, body, parameters)
    moved = dict(zip(parameters, roots, strict=True))
    try:
        shifted = sp.expand(body.subs({p: p + root for p, root in moved.items()}))
        parts = sp.Poly(shifted, *parameters).terms()
    except sp.PolynomialError:
        return None
    parts = [(powers, stabilise(part)) for powers, part in parts]
    sound = [(powers, part, _sound_part(part, short)) for powers, part in parts]
    if any(form is None for _, _, form in sound):
        return None
    if not any(roots) and all(form == part for _, part, form in sound):
        return body
    monomials = [
        sp.Mul(*((p - moved[p]) ** k for p, k in zip(parameters, powers, strict=True)))
        for powers, _, _ in sound
    ]
    return sp.Add(*(m * form for m, (_, _, form) in zip(monomials, sound, strict=True)))


def _vanishing(
    function: PiecewiseFunction, body: sp.Expr, parameters: Sequence[sp.Symbol]
) -> list[sp.Rational]:
    """The parameter at which the limit of a sum as q → 0 is 0, if a double is it; else 0.

    There the factors of its powers cancel, unless they are those of powers of its distance.
    """
    nowhere = [sp.S.Zero] * len(parameters)
    if len(parameters) > 1 or not body.is_Add:
        return nowhere
    (p,) = parameters
    try:
        terms = mean_series(function, 0, 1).terms
    except (NoClosedForm, DomainError):
        return nowhere
    if not terms or not terms[0][0].is_polynomial(p):
        return nowhere
    roots = [r for r in sp.roots(sp.Poly(terms[0][0], p)) if r.is_Rational and r]
    allowed = [r for r in roots if not (p.is_positive and r < 0) and sp.Rational(float(r)) == r]
    return allowed[:1] or nowhere


@lru_cache(maxsize=256)
def _sound_part(body: sp.Expr, short: bool) -> sp.Expr | None:
    """An expression in q alone, with polynomials where its terms outgrow it."""
    whole = short_form(body) if short else None
    if whole is not None:
        return whole
    marks = [d * _ten(k) for k in _DECADES for d in _LEADING][: -len(_LEADING) + 1]
    losses = _losses(body, marks)
    runs = [_longest_run([loss <= wanted for loss in losses]) for wanted in _WANTED_LOSSES]
    for run in runs:
        form = _completed(body, marks, run)
        if form is not None:
            return form
    form = _sound_exponentials(body, marks, short)
    if form is None:
        form = _with_small_factors(body, marks, runs[-1], short)
    return form if form is not None else _with_slowest_factor(body, marks)


def _sound_exponentials(body: sp.Expr, marks: Sequence[sp.Rational], short: bool) -> sp.Expr | None:
    """Sums of terms with one factor e^{−a/q}, each made sound, if they do not cancel."""
    sums = {ExpInverse(rate, q): rest for rate, rest in exponential_parts(body).items()}
    total = sp.Add(*(factor * rest for factor, rest in sums.items()))
    if not sums or max(_losses(total, marks)) > _WANTED_LOSSES[-1]:
        return None
    sound = {factor: _sound_part(rest, short) for factor, rest in sums.items()}
    if any(form is None for form in sound.values()):
        return None
    return sp.Add(*(factor * form for factor, form in sound.items()))


def _with_small_factors(
    body: sp.Expr, marks: Sequence[sp.Rational], run: tuple[int, int] | None, short: bool
) -> sp.Expr | None:
    """Sums with factors e^{−a/q} below a run of marks, and the expression or a polynomial above."""
    if run is None or run[0] == 0:
        return None
    below = _sound_exponentials(body, marks[: run[0] + 1], short)
    above = _completed(body, marks[run[0] :], (0, run[1] - run[0]))
    if below is None or above is None:
        return None
    cases = above.args if isinstance(above, sp.Piecewise) else ((above, sp.true),)
    return sp.Piecewise((below, q < marks[run[0]]), *cases, evaluate=False)


def _with_slowest_factor(body: sp.Expr, marks: Sequence[sp.Rational]) -> sp.Expr | None:
    """Sums with factors e^{−a/q} while they hardly cancel, then the slowest times a quotient.

    What is beside the slowest of them is smooth, has no small factor, and is fitted as a whole: the
    sums of two kinks cancel from where q is as much as the squares of their places differ by.
    """
    sums = exponential_parts(body)
    if not sums:
        return None
    total = sp.Add(*(sp.exp(-rate / q) * rest for rate, rest in sums.items()))
    good = [loss <= _LITTLE_LOSS for loss in _losses(total, marks)]
    last = good.index(False) if False in good else len(good)
    slowest = min(sums)
    rest = sp.Add(*(sp.exp((slowest - rate) / q) * part for rate, part in sums.items()))
    if last == 0:
        return None
    below = _sound_exponentials(body, marks[: last + 1], short=True)
    beyond = quotient_from(rest, marks[last])
    if below is None or beyond is None or below.has(sp.Piecewise):
        return None
    start, quotient = beyond
    above = ExpInverse(slowest, q) * quotient
    return sp.Piecewise((below, q < start), (above, True), evaluate=False)


def _completed(
    body: sp.Expr, marks: Sequence[sp.Rational], run: tuple[int, int] | None
) -> sp.Expr | None:
    """The expression between two marks, and polynomials on both sides; None if there are none."""
    if run is None:
        return None
    low, high = marks[run[0]], marks[run[1]]
    whole, body = body, joined(body, marks[run[0] : run[1] + 1])
    cases = [(body, sp.true)]
    if run[0] > 0:
        cases.insert(0, (fitted(whole, 0, low), q < low))
    if run[1] < len(marks) - 1:
        cases[-1:] = [(body, q <= high), (fitted(whole, sp.oo, high), sp.true)]
    if any(value is None for value, _ in cases):
        return None
    return sp.Piecewise(*cases, evaluate=False) if len(cases) > 1 else body


def _losses(body: sp.Expr, marks: Sequence[sp.Rational]) -> list[mpf]:
    """By how much the terms of a sum outgrow it, between neighbouring marks."""
    with mp.workdps(_DIGITS):
        ends = [mpf(mark.p) / mark.q for mark in marks]
        cells = [
            [low * (high / low) ** (mpf(k) / 4) for k in range(5)] for low, high in pairwise(ends)
        ]
    return [max(_loss(terms) for terms in _values(body, cell, {})) for cell in cells]


def _loss(terms: Sequence[mpf]) -> mpf:
    total, size = abs(mpmath.fsum(terms)), mpmath.fsum(terms, absolute=True)
    if size == 0:  # a zero of every term, not one that they make together
        return mpf(1)
    return size / total if total else mpmath.inf


def _longest_run(good: Sequence[bool]) -> tuple[int, int] | None:
    """First and last mark of the longest run of good cells."""
    best, start = (0, 0), 0
    for index, fine in enumerate([*good, False]):
        if not fine:
            best = max(best, (start, index), key=lambda run: run[1] - run[0])
            start = index + 1
    return best if best[1] > best[0] else None


def _with_series(function: PiecewiseFunction, body: sp.Expr) -> SoundForm:
    """The form with the exact series of the expectation, on as much of the domain as they serve."""
    settings = _settings(body)
    low, high = _well_conditioned(body, settings)
    if low == high:
        raise NoClosedForm(f"E[{function.to_sympy()}] for doubles", "its terms cancel everywhere")
    cases: list[tuple[sp.Expr, sp.Expr]] = [(body, sp.true)]
    if low > _DECADES[0]:
        series = _series(function, body, 0, _grid(_DECADES[0], low), settings)
        if series is not None:
            cases.insert(0, (series, q < _ten(low)))
            low = _DECADES[0]
    if high < _DECADES[-1]:
        series = _series(function, body, sp.oo, _grid(high, _DECADES[-1]), settings)
        if series is not None:
            cases[-1:] = [(body, q <= _ten(high)), (series, sp.true)]
            high = _DECADES[-1]
    expr = sp.Piecewise(*cases, evaluate=False) if len(cases) > 1 else body
    return SoundForm(expr, _ten(low), _ten(high))


def _ten(exponent: int) -> sp.Rational:
    return sp.Rational(10) ** exponent


def _grid(low: int, high: int) -> list[mpf]:
    """Points on [10^low, 10^high], the ends among them."""
    count = (high - low) * _PER_DECADE
    with mp.workdps(_DIGITS):
        return [mpf(10) ** (low + mpf(k) / _PER_DECADE) for k in range(count + 1)]


def _settings(expr: sp.Expr) -> list[Setting]:
    """Values of the parameters at the ends of their ranges and in between."""
    parameters = sorted(expr.free_symbols - {q}, key=str)
    choices = [_POSITIVE if p.is_positive else _REAL for p in parameters]
    return [dict(zip(parameters, values, strict=True)) for values in product(*choices)]


def _values(expr: sp.Expr, points: Iterable[mpf], setting: Setting) -> list[list[mpf]]:
    """The terms of a sum at several q."""
    terms = [term.subs(setting) for term in sp.Add.make_args(expr)]
    function = sp.lambdify(q, terms, "mpmath")
    with mp.workdps(_DIGITS):
        return [[mpf(value) for value in function(point)] for point in points]


def _well_conditioned(body: sp.Expr, settings: Sequence[Setting]) -> tuple[int, int]:
    """The longest run of decades on which no term of the sum is much larger than the sum."""
    points = _grid(_DECADES[0], _DECADES[-1])
    good = [True] * len(points)
    for setting in settings:
        for i, terms in enumerate(_values(body, points, setting)):
            size, total = mpmath.fsum(terms, absolute=True), mpmath.fsum(terms)
            good[i] &= bool(size <= _LARGEST_LOSS * abs(total))
    best, start = (0, 0), _DECADES[0]
    for low, high in pairwise(_DECADES):
        first = (low - _DECADES[0]) * _PER_DECADE
        if not all(good[first : first + _PER_DECADE + 1]):
            start = high
        elif high - start > best[1] - best[0]:
            best = (start, high)
    return best


def _series(
    function: PiecewiseFunction,
    body: sp.Expr,
    at: sp.Expr | int,
    points: Sequence[mpf],
    settings: Sequence[Setting],
) -> sp.Expr | None:
    """The shortest series that is as good as exact at all points, in Horner's form."""
    exact = [[mpmath.fsum(v) for v in _values(body, points, setting)] for setting in settings]
    for length in _LENGTHS:
        try:
            series = mean_series(function, at, length)
        except (NoClosedForm, DomainError):
            return None
        form = series.truncated()
        if all(
            abs(mpmath.fsum(value) - reference) <= _NEGLIGIBLE * abs(reference)
            for setting, references in zip(settings, exact, strict=True)
            for value, reference in zip(_values(form, points, setting), references, strict=True)
        ):
            return _horner(series)
    return None


def _horner(series: AsymptoticSeries) -> sp.Expr:
    """q^e · Σ c_k uᵏ, u a power of q."""
    (_, first), *_ = series.terms
    steps = [abs(2 * (exponent - first)) for _, exponent in series.terms]
    half = any(step % 2 for step in steps)
    unit = sp.sqrt(q) if half else q
    coefficients = [sp.S.Zero] * (int(steps[-1] if half else steps[-1] / 2) + 1)
    for (coefficient, _), step in zip(series.terms, steps, strict=True):
        coefficients[int(step if half else step / 2)] = coefficient
    return q**first * Horner(unit if series.at == 0 else 1 / unit, *coefficients)
