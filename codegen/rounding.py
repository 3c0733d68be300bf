"""Means of q that round least: of several forms the one with the smallest error in doubles.

A dual adds squares of means and terms of both signs; each rounding of a mean is seen there twice,
and more. Form by form the error is measured, in 53-bit arithmetic on a grid over the domain, and is
the same on every machine. The forms are

* the closed form, made sound (`codegen.sound`), with numbers under the roots;
* the same below some q, and a polynomial in 1/q or 1/√q beyond, whose first term is nearly all;
* for a mean that changes its sign, a factor q − q₀ and a quotient (`codegen.vanishing`).

>>> from freejac.symbolic.activation import activation
>>> slope = activation("clip(x, -1, 1)").distribution(1)
>>> form = least_rounding(slope, sp.erf(1 / sp.sqrt(2 * q)), 1, 2)
>>> form.args[0].expr
q*erf(Root(1/(2*q)))**2
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import mpmath
import sympy as sp
from mpmath import mp, mpf

from freejac.codegen.correlation import down, up
from freejac.codegen.elementary import chebyshev_series, monomials
from freejac.codegen.functions import ErfMean, ExpInverse, Root
from freejac.codegen.horner import Horner
from freejac.codegen.sound import soundly
from freejac.codegen.vanishing import with_zeros
from freejac.symbolic.errors import NoClosedForm
from freejac.symbolic.piecewise import PiecewiseFunction
from freejac.symbolic.symbols import q

__all__ = ["combined", "gathered", "least_rounding", "rooted", "sine"]

sine = sp.Symbol("sine", positive=True)
"""√(1 − c²), which code has from the angle."""

_DIGITS = 60
_NEGLIGIBLE = mpf(2) ** -57
_LONGEST = 24
_LEAST = mpf(2) ** -960
_LOW, _HIGH = sp.Rational(1, 10**12), sp.Integer(10) ** 12
_BOUNDS = tuple(sp.Integer(2) ** k for k in range(-2, 13, 2))
"""Where a polynomial may begin."""
_PER_DECADE, _EXPONENTS = 13, (-12 * 4, 12 * 13)


def least_rounding(
    integrand: PiecewiseFunction, closed: sp.Expr, power: int, exponent: int
) -> sp.Expr:
    """A form of q^power E[f]^exponent.

    Args:
        integrand: f, for the exact series of its mean.
        closed: E[f] in closed form, in q alone.
        power: a power of q.
        exponent: 1 or 2.

    Raises:
        NoClosedForm: the terms of every form cancel on a part of the domain.
    """
    whole = q**power * closed**exponent
    if not closed.has(q):
        return whole
    for short in (False, True):
        sound = soundly(integrand, closed, short=short)
        form = combined(sound.expr, power, exponent)
        if (sound.low, sound.high) == (_LOW, _HIGH) and not _nested(form):
            forms, tails = [form], list(_tails(whole))
            if (factored := with_zeros(closed)) is not None:
                forms.append(combined(factored, power, exponent))
            candidates = [c for form in forms for c in _candidates(form, tails)]
            return min(candidates, key=_measure(whole))
    raise NoClosedForm(f"E[{integrand.to_sympy()}] for doubles", "its terms cancel")


def _nested(form: sp.Expr) -> bool:
    """Whether cases have cases, which code cannot select."""
    cases = form.args if isinstance(form, sp.Piecewise) else ()
    return any(value.has(sp.Piecewise) for value, _ in cases)


def rooted(expr: sp.Expr) -> sp.Expr:
    """Write a √x √y as √(a² x y), for numbers a with a rational square: fewer roundings.

    >>> rooted(sp.erf(3 / sp.sqrt(2 * q)) * sp.sqrt(q) / sp.sqrt(sp.pi))
    sqrt(q)*erf(Root(9/(2*q)))/sqrt(pi)
    """

    def under(product: sp.Mul) -> sp.Expr:
        number, rest = product.as_independent(*product.free_symbols, as_Add=False)
        factors = sp.Mul.make_args(rest)
        roots = [f for f in factors if f.is_Pow and abs(f.exp) == sp.S.Half and f.base.is_positive]
        plain = number.is_Rational or not (number**2).is_Rational
        if len(roots) + (not plain) < 2 or not roots:
            return product
        inside = sp.Mul(*(f**2 for f in roots)) * (1 if plain else number**2)
        outside = number if plain else sp.sign(number)
        return outside * sp.Mul(Root(inside), *(f for f in factors if f not in roots))

    return expr.replace(lambda e: e.is_Mul and bool(e.free_symbols), under)


def gathered(expr: sp.Expr) -> sp.Expr:
    """Powers of q multiplied into sums, and error functions of one cofactor added first.

    What is constant along an integral rounds the same way everywhere: it should be rounded once.

    >>> y, z = sp.symbols("y z")
    >>> gathered(q * z * (1 / q - sp.erf(y) / sp.sqrt(q) - sp.erf(z) / sp.sqrt(q)))
    z*(-sqrt(q)*(erf(y) + erf(z)) + 1)
    """
    return sp.Add(*(_distributed(term) for term in sp.Add.make_args(expr)))


def _distributed(term: sp.Expr) -> sp.Expr:
    sums = [f for f in term.args if f.is_Add and f.has(q)] if term.is_Mul else []
    if len(sums) != 1:
        return term
    scales = [f for f in term.args if not f.free_symbols - {q} and f not in sums]
    rest = [f for f in term.args if f not in sums and f not in scales]
    groups: dict[sp.Expr, sp.Expr] = {}
    for part in sp.Add.make_args(sums[0]):
        scaled = _smooth(sp.Mul(*scales, part))
        own = [f for f in sp.Mul.make_args(scaled) if isinstance(f, sp.erf)]
        single = own[0] if len(own) == 1 else sp.S.One
        groups[scaled / single] = groups.get(scaled / single, sp.S.Zero) + single
    return sp.Mul(*rest, sp.Add(*(key * group for key, group in groups.items())))


def _smooth(term: sp.Expr) -> sp.Expr:
    """A product with erf(√z) as one with erf(√z)/√z, where no root is left by that."""
    found = [f for f in sp.Mul.make_args(term) if isinstance(f, sp.erf)]
    if len(found) != 1:
        return term
    (root,) = found[0].args
    square = root**2
    opened = (term / found[0]).xreplace({sine: sp.sqrt(up) * sp.sqrt(down)})
    smooth = sp.powsimp(opened * root * 2 / sp.sqrt(sp.pi))
    halves = [p for p in smooth.atoms(sp.Pow) if p.exp.is_Rational and p.exp.q == 2]
    return term if any(p.free_symbols for p in halves) else smooth * ErfMean(square)


def combined(form: sp.Expr, power: int, exponent: int) -> sp.Expr:
    """q^power form^exponent, case by case, with numbers under the roots."""
    if isinstance(form, sp.Piecewise):
        cases = [(combined(value, power, exponent), test) for value, test in form.args]
        return sp.Piecewise(*cases, evaluate=False)
    choices = [f for f in form.args if isinstance(f, sp.Piecewise)] if form.is_Mul else []
    if len(choices) == 1:
        rest = [f for f in form.args if f not in choices]
        cases = [(sp.Mul(*rest, value), test) for value, test in choices[0].args]
        return combined(sp.Piecewise(*cases, evaluate=False), power, exponent)
    powers = rooted(q**power * form**exponent)
    return powers.replace(
        lambda e: e.is_Pow and isinstance(e.base, ExpInverse),
        lambda e: ExpInverse(e.exp * e.base.args[0], e.base.args[1]),
    )


def _candidates(form: sp.Expr, tails: Iterable[tuple[sp.Expr, sp.Expr]]) -> Iterator[sp.Expr]:
    """The form as it is, and with a polynomial instead from some q on."""
    yield form
    cases = form.args if isinstance(form, sp.Piecewise) else ((form, sp.true),)
    if form.has(sp.Piecewise) and not isinstance(form, sp.Piecewise):
        return
    for bound, tail in tails:
        kept = [(v, test) for v, test in cases if test != sp.true and test.rhs < bound]
        value = next(v for v, test in cases if (v, test) not in kept)
        yield sp.Piecewise(*kept, (value, q < bound), (tail, True), evaluate=False)


def _tails(whole: sp.Expr) -> Iterator[tuple[sp.Expr, sp.Expr]]:
    """Bounds, and beyond each the expression as a power of q times a polynomial in 1/q or 1/√q."""
    function = sp.lambdify(q, whole, "mpmath")
    with mp.workdps(_DIGITS):
        far, farther = mpf(10) ** 40, mpf(10) ** 44
        ends = [mpf(function(at)) for at in (far, farther)]
        if not all(ends) or ends[0] * ends[1] < 0:
            return
        exact = mpmath.log(ends[1] / ends[0], 10) / 2
        twice = int(mpmath.nint(exact))
        if abs(exact - twice) > mpf(10) ** -8:
            return
        lead = sp.Rational(twice, 2)
        for bound in _BOUNDS:
            for root in (1, 2):
                found = _polynomial(function, mpf(twice) / 2, mpf(bound.p) / bound.q, root)
                if found is not None:
                    step = bound / q if root == 1 else Root(bound / q)
                    yield bound, q**lead * Horner(step, *(sp.Float(c, 40) for c in found))
                    break


def _polynomial(
    function: Callable[[mpf], mpf], lead: mpf, bound: mpf, root: int
) -> tuple[mpf, ...] | None:
    """Coefficients of f(q)/q^lead in (bound/q)^(1/root), of the lowest degree that is good."""

    def value(t: mpf) -> mpf:
        at = bound / ((1 + t) / 2) ** root
        return mpf(function(at)) / at**lead

    series = chebyshev_series(value, _LONGEST)
    allowed = _NEGLIGIBLE * min(abs(value(mpf(k) / 10)) for k in range(-9, 11))
    length, rest = len(series), mpf(0)
    while length and rest + abs(series[length - 1]) <= allowed:
        rest += abs(series[length - 1])
        length -= 1
    return None if length == len(series) else monomials(series[:length], (-1, 2))


def _measure(whole: sp.Expr) -> Callable[[sp.Expr], mpf]:
    """The largest error of a form in 53-bit arithmetic, in units of what half an ULP does."""
    with mp.workdps(_DIGITS):
        places = [mpmath.power(10, mpf(k) / _PER_DECADE) for k in range(*_EXPONENTS)]
        function = sp.lambdify(q, [whole, q * whole.diff(q)], "mpmath")
        exact = []
        for place in map(float, places):
            value, slope = (mpf(v) for v in function(mpf(place)))
            exact.append((place, value, max(abs(value), abs(slope) / 2, _LEAST)))

    def worst(form: sp.Expr) -> mpf:
        code = sp.lambdify(q, form, ["mpmath"])
        error = mpf(0)
        for place, value, size in exact:
            with mp.workprec(53):
                found = mpmath.mpmathify(code(mpf(place)))
            with mp.workdps(_DIGITS):
                error = max(error, abs(found - value) / size)
        return error

    return worst
