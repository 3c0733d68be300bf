"""The oracle: E[f(√q z)] from its definition, by mpmath at any number of digits.

Nothing here knows a closed form. The integral is taken over x on panels graded towards the
origin and every breakpoint, because the integrand lives on two scales at once, that of f and √q;
each panel is Gauss–Legendre with an a-posteriori check, bisected until the check passes. Sums and
products of sines and cosines alone have the trapezoidal rule (`band_limited`).
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise

import flint
import mpmath
import sympy as sp
from mpmath import mp, mpf

from freejac.symbolic.band_limited import band_limited
from freejac.symbolic.domain import Number, finite
from freejac.symbolic.errors import DomainError, NotConvergedError
from freejac.symbolic.hyperbolic import without_difference
from freejac.symbolic.piecewise import PiecewiseFunction
from freejac.symbolic.symbols import x

__all__ = [
    "delta_part",
    "exact_number",
    "gaussian_mean",
    "gaussian_means",
    "legendre_rule",
    "numeric_pieces",
]

_GUARD_DIGITS = 15
_MAX_BISECTIONS = 40
_MAX_PANELS = 1000
_SCAN = [mpf(2) ** (k / mpf(4)) for k in range(-12, 72)]

Vector = list[mpf]
Integrand = Callable[[mpf], Vector]
NumericPiece = tuple[mpf, mpf, Integrand]


def gaussian_mean(
    f: PiecewiseFunction,
    variance: Number,
    digits: int = 50,
    parameters: Mapping[sp.Symbol, Number] | None = None,
) -> mpf:
    """E[f(√q z)], z standard normal, by quadrature of the definition.

    Args:
        f: the integrand, with its Dirac deltas.
        variance: q > 0.
        digits: digits the result is good to, relative to E|f|.
        parameters: a value for every parameter of f.

    Returns:
        The mean at `digits` digits.

    Raises:
        DomainError: q is not positive, a parameter has no value, or the mean is infinite.
        NotConvergedError: the integrand cannot be resolved by bisection.

    >>> from freejac.symbolic.piecewise import decompose
    >>> print(mpmath.nstr(gaussian_mean(decompose(sp.Max(0, x)), 2, 30) ** 2 * mpmath.pi, 20))
    1.0
    """
    values = dict(parameters or {})
    (regular,) = gaussian_means([(f, 1)], variance, digits, values)
    with mp.workdps(digits + _GUARD_DIGITS):
        total = regular + delta_part(f, finite("the variance q", variance), values)
    with mp.workdps(digits):
        return +total


def gaussian_means(
    terms: Sequence[tuple[PiecewiseFunction, int]],
    variance: Number,
    digits: int = 50,
    parameters: Mapping[sp.Symbol, Number] | None = None,
) -> Vector:
    """E[f(√q z)ⁿ] of several powers of functions, on shared nodes; Dirac deltas are left out.

    Args:
        terms: pairs of a function and a positive power.
        variance: q > 0.
        digits: digits each result is good to, relative to E|fⁿ|.
        parameters: a value for every parameter.

    Returns:
        One mean a term, with guard digits beyond `digits`.

    Raises:
        DomainError: as for `gaussian_mean`.
        NotConvergedError: as for `gaussian_mean`.

    >>> from freejac.symbolic.piecewise import decompose
    >>> second, fourth = gaussian_means([(decompose(x), 2), (decompose(x), 4)], 2, 20)
    >>> print(mpmath.nstr(second, 15), mpmath.nstr(fourth, 15))
    2.0 12.0
    """
    functions = list(dict.fromkeys(function for function, _ in terms))
    powers = [(functions.index(function), power) for function, power in terms]
    with mp.workdps(digits + _GUARD_DIGITS):
        q = finite("the variance q", variance)
        if not q > 0:
            raise DomainError(f"the variance q must be positive, not {variance}")
        exact = {s: exact_number(value) for s, value in (parameters or {}).items()}
        waves = band_limited(functions, exact)
        if waves is not None:
            return [waves[index].mean(power, q, digits)[0] for index, power in powers]
        pieces = [
            (low, high, _weighted(integrand, powers, q))
            for low, high, integrand in numeric_pieces(functions, parameters or {})
        ]
        reach = _reach(pieces, q, digits)
        marks = [mpf(0)] + [low for low, _, _ in pieces[1:]]
        panels = [
            (a, b, integrand)
            for lower, upper, integrand in pieces
            if (low := max(lower, -reach[0])) < (high := min(upper, reach[1]))
            for a, b in pairwise(_panels(low, high, marks, q))
        ]
        scale = mpmath.sqrt(2 * mp.pi * q)
        return [total / scale for total in _integrate(panels, len(terms), digits)]


def numeric_pieces(
    functions: Sequence[PiecewiseFunction], values: Mapping[sp.Symbol, Number]
) -> list[NumericPiece]:
    """The common pieces of functions: both ends, and all functions at once between them.

    Numbers are taken at the working precision.

    Raises:
        DomainError: a parameter has no value.
    """
    symbols = tuple(sorted(set().union(*(f.free_symbols for f in functions)), key=lambda s: s.name))
    missing = [s.name for s in symbols if s not in values]
    if missing:
        raise DomainError(f"give a value for the parameter {', '.join(missing)}")
    numbers = [finite(s.name, values[s]) for s in symbols]
    exact = {s: exact_number(values[s]) for s in symbols}
    ends = [
        [finite("a breakpoint", end.subs(exact)) for end in function.breakpoints]
        for function in functions
    ]
    infinity = mpf("inf")
    partition = [-infinity, *sorted({end for own in ends for end in own}), infinity]
    pieces = []
    for low, high in pairwise(partition):
        places = [bisect(own, low) for own in ends]
        exprs = tuple(f.pieces[i].expr for f, i in zip(functions, places, strict=True))
        pieces.append((low, high, _bound(exprs, symbols, numbers)))
    return pieces


def _bound(
    exprs: tuple[sp.Expr, ...], symbols: tuple[sp.Symbol, ...], numbers: Sequence[mpf]
) -> Integrand:
    function = _compiled(exprs, symbols)
    return lambda t: function(t, *numbers)


def _weighted(integrand: Integrand, powers: Sequence[tuple[int, int]], q: mpf) -> Integrand:
    """The powers that are wanted, times the Gaussian weight."""

    def weighted(t: mpf) -> Vector:
        values, weight = integrand(t), mpmath.exp(-t * t / (2 * q))
        return [weight * values[index] ** power for index, power in powers]

    return weighted


def exact_number(value: Number) -> sp.Rational:
    """The number as SymPy has it; a float or an mpf is the rational number that it is."""
    if isinstance(value, sp.Basic):
        return value
    if isinstance(value, mpf):
        # int: mpmath may count in gmpy2 where SymPy does not
        return sp.Rational(*map(int, mpmath.libmp.to_rational(value._mpf_)))
    return sp.Rational(value)


@lru_cache(maxsize=512)
def _compiled(exprs: tuple[sp.Expr, ...], symbols: tuple[sp.Symbol, ...]) -> Callable[..., Vector]:
    kept = [without_difference(expr) for expr in exprs]
    return sp.lambdify((x, *symbols), kept, "mpmath", cse=True)


def _reach(pieces: Sequence[NumericPiece], q: mpf, digits: int) -> tuple[mpf, mpf]:
    """How far the integrands matter on either side: where they have fallen by `digits` digits."""
    drop = mpf(10) ** (-digits - 8)
    width = mpmath.sqrt(q)
    places = _scan(pieces, q)
    sizes = {
        sign: [[abs(v) for v in _at(pieces, sign * place)] for place in places] for sign in (-1, 1)
    }
    tops = [max(column) for column in zip(*sizes[-1], *sizes[1], strict=True)]
    reach = []
    for sign in (-1, 1):
        matters = [
            k
            for k, values in enumerate(sizes[sign])
            if any(v > drop * top for v, top in zip(values, tops, strict=True))
        ]
        last = matters[-1] if matters else 0
        if last + 1 == len(places):
            raise DomainError("the Gaussian mean is infinite: the integrand outgrows exp(x²/2q)")
        reach.append(max(16 * width, places[last + 1]))
    return reach[0], reach[1]


def _scan(pieces: Sequence[NumericPiece], q: mpf) -> list[mpf]:
    """Distances from 0: multiples of √q, and of the scale of the decay beyond far breakpoints."""
    width = mpmath.sqrt(q)
    far = {abs(low) for low, _, _ in pieces[1:] if abs(low) > width}
    beyond = {end + step * q / end for end in far for step in _SCAN}
    return sorted({step * width for step in _SCAN} | beyond)


def _at(pieces: Sequence[NumericPiece], t: mpf) -> Vector:
    return next(integrand for low, high, integrand in pieces if low <= t <= high)(t)


def _panels(low: mpf, high: mpf, marks: Sequence[mpf], q: mpf) -> list[mpf]:
    """Panel ends in [low, high], graded by factors of two towards every mark."""
    finest = min(mpf(1) / 2, mpmath.sqrt(q) / 2)
    ends = {low, high}
    for mark in marks:
        if low < mark < high:
            ends.add(mark)
        distance = finest
        while distance < high - low + max(abs(low - mark), abs(high - mark)):
            ends.update(e for e in (mark - distance, mark + distance) if low < e < high)
            distance *= 2
    ordered = sorted(ends)
    kept = [ordered[0]]
    for end in ordered[1:]:
        if end - kept[-1] > finest / 8 or end == ordered[-1] or end in marks:
            kept.append(end)
    return kept


def legendre_rule(nodes: int, digits: int) -> tuple[list[mpf], list[mpf], list[list[mpf]]]:
    """Gauss–Legendre nodes, weights, and the rows that give the last Legendre coefficients.

    Rounded to the precision of the caller.
    """
    return _legendre_rule(nodes, digits, mp.prec)


@lru_cache(maxsize=32)
def _legendre_rule(
    nodes: int, digits: int, precision: int
) -> tuple[list[mpf], list[mpf], list[list[mpf]]]:
    saved = flint.ctx.dps
    flint.ctx.dps = digits + 10
    try:
        pairs = [flint.arb.legendre_p_root(nodes, k, weight=True) for k in range(nodes)]
        points = [mpf(root.mid().str(digits + 5, radius=False)) for root, _ in pairs]
        weights = [mpf(weight.mid().str(digits + 5, radius=False)) for _, weight in pairs]
    finally:
        flint.ctx.dps = saved
    rows = [
        [w * mpmath.legendre(nodes - back, t) for t, w in zip(points, weights, strict=True)]
        for back in (1, 2, 3)
    ]
    return points, weights, rows


def _integrate(panels: list[tuple[mpf, mpf, Integrand]], count: int, digits: int) -> Vector:
    """Integrate over panels, bisected until every Legendre tail is negligible."""
    tolerance = mpf(10) ** (-digits)
    totals, sizes = [mpf(0)] * count, [mpf(0)] * count
    for _ in range(_MAX_BISECTIONS):
        measured = [(panel, _panel(*panel, digits)) for panel in panels]
        # The size of the whole, not of the panel, decides what is negligible.
        sizes = [
            max(size, mpmath.fsum(abs(parts[i][0]) for _, parts in measured))
            for i, size in enumerate(sizes)
        ]
        panels = []
        for (a, b, integrand), parts in measured:
            if any(tail > tolerance * size for (_, tail), size in zip(parts, sizes, strict=True)):
                middle = (a + b) / 2
                panels += [(a, middle, integrand), (middle, b, integrand)]
            else:
                totals = [t + part for t, (part, _) in zip(totals, parts, strict=True)]
        if not panels:
            return totals
        if len(panels) > _MAX_PANELS:  # as x sin(x) far beyond q = 10⁴ would ask for
            break
    raise NotConvergedError(
        f"the integrand is not resolved near x = {mpmath.nstr(panels[0][0], 6)}; "
        "is it smooth between its breakpoints?"
    )


def _panel(a: mpf, b: mpf, integrand: Integrand, digits: int) -> list[tuple[mpf, mpf]]:
    """For every term, the integral over a panel and the size of its last Legendre coefficients."""
    points, weights, rows = legendre_rule(max(24, 3 * digits // 2), mp.dps)
    middle, half = (a + b) / 2, (b - a) / 2
    columns = zip(*(integrand(middle + half * t) for t in points), strict=True)
    return [
        (
            half * mpmath.fdot(weights, column),
            half * max(abs(mpmath.fdot(row, column)) for row in rows),
        )
        for column in columns
    ]


def delta_part(f: PiecewiseFunction, q: mpf, values: Mapping[sp.Symbol, Number]) -> mpf:
    """The part of a mean that Dirac deltas make: Σ w (−1)ᵏ dᵏ/dxᵏ of the normal density at them."""
    total = mpf(0)
    exact = {s: exact_number(v) for s, v in values.items()}
    for delta in f.deltas:
        at = finite("a breakpoint", delta.location.subs(exact))
        weight = finite("a jump", delta.weight.subs(exact))
        slope = mpmath.diff(lambda t: mpmath.npdf(t, 0, mpmath.sqrt(q)), at, delta.order)
        total += weight * (-1) ** delta.order * slope
    return total
