"""The oracle: E[f(√q z)] from its definition, by mpmath at any number of digits.

Nothing here knows a closed form. The integral is taken over x on panels graded towards the
origin and every breakpoint, because the integrand lives on two scales at once, that of f and √q;
each panel is Gauss–Legendre with an a-posteriori check, bisected until the check passes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise

import flint
import mpmath
import sympy as sp
from mpmath import mp, mpf

from freejac.symbolic.domain import Number, finite
from freejac.symbolic.errors import DomainError, NotConvergedError
from freejac.symbolic.piecewise import PiecewiseFunction
from freejac.symbolic.symbols import x

__all__ = ["gaussian_mean", "legendre_rule", "numeric_pieces"]

_GUARD_DIGITS = 15
_MAX_BISECTIONS = 40
_SCAN = [mpf(2) ** (k / mpf(4)) for k in range(-12, 72)]

Integrand = Callable[[mpf], mpf]


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
    missing = sorted(str(s) for s in f.free_symbols - set(values))
    if missing:
        raise DomainError(f"give a value for the parameter {', '.join(missing)}")
    with mp.workdps(digits + _GUARD_DIGITS):
        q = finite("the variance q", variance)
        if not q > 0:
            raise DomainError(f"the variance q must be positive, not {variance}")
        pieces = numeric_pieces(f, values)
        total = mpf(0)
        reach = _reach(pieces, q, digits)
        marks = [mpf(0)] + [b for b, _, _ in pieces[1:]]
        for lower, upper, integrand in pieces:
            low, high = max(lower, -reach[0]), min(upper, reach[1])
            if low < high:
                total += _integrate(integrand, q, _panels(low, high, marks, q), digits)
        total = total / mpmath.sqrt(2 * mp.pi * q) + _delta_part(f, q, values)
    with mp.workdps(digits):
        return +total


def numeric_pieces(
    f: PiecewiseFunction, values: Mapping[sp.Symbol, Number]
) -> list[tuple[mpf, mpf, Integrand]]:
    """The ends and the integrand of every piece, ready for numbers at the working precision."""
    symbols = tuple(sorted(f.free_symbols, key=lambda s: s.name))
    numbers = [finite(s.name, values[s]) for s in symbols]
    pieces: list[tuple[mpf, mpf, Integrand]] = []
    for piece in f.pieces:
        lower, upper = (
            mpf("inf") * (1 if end == sp.oo else -1)
            if end.is_infinite
            else finite("a breakpoint", end.subs({s: _exact(values[s]) for s in symbols}))
            for end in (piece.lower, piece.upper)
        )
        pieces.append((lower, upper, _bound(piece.expr, symbols, numbers)))
    return pieces


def _bound(expr: sp.Expr, symbols: tuple[sp.Symbol, ...], numbers: Sequence[mpf]) -> Integrand:
    function = _compiled(expr, symbols)
    return lambda t: function(t, *numbers)


def _exact(value: Number) -> sp.Rational:
    """The rational number that a float or an mpf is."""
    if isinstance(value, sp.Basic):
        return value
    if isinstance(value, mpf):
        return sp.Rational(*mpmath.libmp.to_rational(value._mpf_))
    return sp.Rational(value)


@lru_cache(maxsize=512)
def _compiled(expr: sp.Expr, symbols: tuple[sp.Symbol, ...]) -> Callable[..., mpf]:
    return sp.lambdify((x, *symbols), expr, "mpmath", cse=True)


def _log_weight(integrand: Integrand, q: mpf, at: mpf) -> mpf:
    value = abs(integrand(at))
    return mpmath.log(value) - at**2 / (2 * q) if value else -mpmath.inf


def _reach(pieces: Sequence[tuple[mpf, mpf, Integrand]], q: mpf, digits: int) -> tuple[mpf, mpf]:
    """How far the integrand matters on either side: where it has fallen by `digits` digits."""
    drop = (digits + 8) * mpmath.log(10)
    width = mpmath.sqrt(q)
    sizes = {}
    for sign in (-1, 1):
        for step in _SCAN:
            at = sign * step * width
            integrand = next(g for low, high, g in pieces if low <= at <= high)
            sizes[at] = _log_weight(integrand, q, at)
    top = max(sizes.values())
    if top == -mpmath.inf:
        return 20 * width, 20 * width
    reach = [16 * width, 16 * width]
    for side, sign in enumerate((-1, 1)):
        for step, following in pairwise(_SCAN):
            if sizes[sign * step * width] > top - drop:
                reach[side] = max(reach[side], following * width)
        if sizes[sign * _SCAN[-1] * width] > top - drop:
            raise DomainError("the Gaussian mean is infinite: the integrand outgrows exp(x²/2q)")
    return reach[0], reach[1]


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


@lru_cache(maxsize=16)
def legendre_rule(nodes: int, digits: int) -> tuple[list[mpf], list[mpf], list[list[mpf]]]:
    """Gauss–Legendre nodes, weights, and the rows that give the last Legendre coefficients."""
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


def _integrate(integrand: Integrand, q: mpf, ends: Sequence[mpf], digits: int) -> mpf:
    """∫ f(x) exp(−x²/2q) dx over panels, bisected until every Legendre tail is negligible."""
    tolerance = mpf(10) ** (-digits)
    accepted = size = mpf(0)
    pending = list(pairwise(ends))
    for _ in range(_MAX_BISECTIONS):
        panels = [(a, b, *_panel(integrand, q, a, b, digits)) for a, b in pending]
        # The size of the whole, not of the panel, decides what is negligible.
        size = max(size, mpmath.fsum(abs(part) for _, _, part, _ in panels))
        accepted += mpmath.fsum(part for _, _, part, tail in panels if tail <= tolerance * size)
        coarse = [(a, b) for a, b, _, tail in panels if tail > tolerance * size]
        if not coarse:
            return accepted
        pending = [half for a, b in coarse for half in ((a, (a + b) / 2), ((a + b) / 2, b))]
    raise NotConvergedError(
        f"the integrand is not resolved near x = {mpmath.nstr(pending[0][0], 6)}; "
        "is it smooth between its breakpoints?"
    )


def _panel(integrand: Integrand, q: mpf, a: mpf, b: mpf, digits: int) -> tuple[mpf, mpf]:
    """The integral over one panel, and the size of its last Legendre coefficients."""
    points, weights, rows = legendre_rule(max(24, 3 * digits // 2), mp.dps)
    middle, half = (a + b) / 2, (b - a) / 2
    values = []
    for t in points:
        at = middle + half * t
        values.append(integrand(at) * mpmath.exp(-at * at / (2 * q)))
    tail = max(abs(mpmath.fdot(row, values)) for row in rows)
    return half * mpmath.fdot(weights, values), half * tail


def _delta_part(f: PiecewiseFunction, q: mpf, values: Mapping[sp.Symbol, Number]) -> mpf:
    """Σ w (−1)ᵏ dᵏ/dxᵏ of the normal density at the deltas."""
    total = mpf(0)
    exact = {s: _exact(v) for s, v in values.items()}
    for delta in f.deltas:
        at = finite("a breakpoint", delta.location.subs(exact))
        weight = finite("a jump", delta.weight.subs(exact))
        slope = mpmath.diff(lambda t: mpmath.npdf(t, 0, mpmath.sqrt(q)), at, delta.order)
        total += weight * (-1) ** delta.order * slope
    return total
