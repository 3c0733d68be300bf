"""The variances q > 0 at which a Gaussian mean E[f(√q z)] vanishes.

An algebraic closed form gives all of them exactly: its radicals are eliminated by resultants, and
the real roots of the polynomial that is left are tried. Otherwise sign changes are bracketed on a
grid in log q over [1e-12, 1e12], finer around dips, and refined by quadrature of the definition;
a change of its sign certifies the digits.

>>> from freejac.symbolic.piecewise import decompose
>>> from freejac.symbolic.symbols import x
>>> mean_zeros(decompose(x**4 - x**2), 10)
[(1/3, True)]
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import mpmath
import sympy as sp
from mpmath import mp, mpf

from freejac.symbolic.errors import NotConvergedError
from freejac.symbolic.expectation import Expectation, expectation
from freejac.symbolic.intervals import is_zero
from freejac.symbolic.mean_curve import MeanCurve
from freejac.symbolic.piecewise import PiecewiseFunction
from freejac.symbolic.quadrature import gaussian_mean
from freejac.symbolic.symbols import q

__all__ = ["mean_zeros"]

_SCAN_DIGITS = 15
_CLOSED_FORM_DIGITS = 60
_NEGLIGIBLE = mpf(10) ** -12
_GRID = [mpf(10) ** (mpf(k) / 3) for k in range(-36, 37)]
_FINER = 16
_GUARD_DIGITS = 10
_COARSE = mpf(10) ** -12
_MOST_STEPS = 12
_MOST_RADICALS = 4
_MOST_DEGREE = 24

Curve = Callable[[mpf], mpf]
Sample = tuple[mpf, mpf]


def mean_zeros(f: PiecewiseFunction, digits: int) -> list[tuple[sp.Expr, bool]]:
    """Zeros of E[f(√q z)] in q > 0, ascending, each with whether it is exact.

    Args:
        f: the integrand, with its Dirac deltas and without parameters; its mean must not vanish
            identically.
        digits: digits of the zeros that are not exact.

    Returns:
        Pairs (q, exact). A zero that is not exact is in [1e-12, 1e12] and a change of sign; zeros
        of even multiplicity are found only exactly.

    Raises:
        NotConvergedError: a sign cannot be resolved.
    """
    closed = expectation(f, q)
    if closed.is_positive or closed.is_negative:
        return []
    if closed.has(Expectation):
        curve = _scanned(f)
    else:
        candidates = _algebraic_candidates(closed)
        if candidates is not None:
            return [(root, True) for root in candidates if is_zero(closed.subs(q, root))]
        curve = _precise(closed)
    with mp.workdps(_SCAN_DIGITS + _GUARD_DIGITS):
        roots = _crossings(curve)
    return [(_refined(f, root, digits), False) for root in roots]


def _algebraic_candidates(closed: sp.Expr) -> list[sp.Expr] | None:
    """Positive numbers, ascending, with every zero among them; None if it is not algebraic."""
    numerator, _ = sp.fraction(sp.together(closed))
    roots: set[sp.Expr] = set()
    for factor in sp.Mul.make_args(sp.factor_terms(numerator)):
        base, _ = (sp.S.One, 1) if isinstance(factor, sp.exp) else factor.as_base_exp()
        if not base.has(q) or base.is_positive or base.is_negative:
            continue
        polynomial = _without_radicals(base)
        if polynomial is None:
            return None
        for part, _ in sp.factor_list(polynomial)[1]:
            if not part.has(q):
                continue
            if part.free_symbols != {q} or sp.degree(part, q) > _MOST_DEGREE:
                return None
            roots.update(root for root in sp.real_roots(sp.Poly(part, q)) if root > 0)
    return sorted(roots)


def _without_radicals(expr: sp.Expr) -> sp.Expr | None:
    """A polynomial in q and constants that vanishes where the expression does, else None."""
    expr = expr.subs(sp.pi, sp.Dummy("p", positive=True) ** 2)
    functions = expr.atoms(sp.Function, sp.exp, sp.NumberSymbol)
    if any(function.has(q) for function in functions):
        return None
    expr = expr.xreplace({function: sp.Dummy("c") for function in functions})
    radicals = {p for p in expr.atoms(sp.Pow) if not p.exp.is_Integer}
    bases = sorted({p.base for p in radicals}, key=sp.default_sort_key)
    if len(bases) > _MOST_RADICALS or not all(_is_rational_polynomial(b) for b in bases):
        return None
    relations = {}
    for base in bases:
        own = [p for p in radicals if p.base == base]
        degree = sp.ilcm(1, *(p.exp.q for p in own))
        generator = sp.Dummy("g", positive=True)
        expr = expr.xreplace({p: generator ** (p.exp * degree) for p in own})
        relations[generator] = generator**degree - base
    polynomial, _ = sp.fraction(sp.together(expr))
    for generator, relation in relations.items():
        polynomial = sp.resultant(sp.expand(polynomial), relation, generator)
    return sp.expand(polynomial)


def _is_rational_polynomial(expr: sp.Expr) -> bool:
    return expr.is_polynomial(q) and all(c.is_Rational for c in sp.Poly(expr, q).coeffs())


def _precise(closed: sp.Expr) -> Curve:
    """A closed form with guard digits: it may cancel all but its last at either end of the grid."""
    formula = sp.lambdify(q, closed, "mpmath")

    def evaluate(at: mpf) -> mpf:
        with mp.workdps(_CLOSED_FORM_DIGITS):
            return formula(at)

    return evaluate


def _scanned(f: PiecewiseFunction) -> Curve:
    """The mean over the root mean square, on shared nodes; 0 where that is too small to tell."""
    regular = PiecewiseFunction(f.pieces)
    curve = MeanCurve([(regular, 1), (regular, 2)], {}, _SCAN_DIGITS)
    zero = PiecewiseFunction.smooth(sp.S.Zero)
    singular = sp.lambdify(q, expectation(PiecewiseFunction(zero.pieces, f.deltas), q), "mpmath")

    def evaluate(at: mpf) -> mpf:
        mean, square = curve(at)
        ratio = (mean + singular(at)) / mpmath.sqrt(square)
        return ratio if abs(ratio) > _NEGLIGIBLE else mpf(0)

    return evaluate


def _crossings(curve: Curve) -> list[mpf]:
    """Where the curve changes its sign, to about 12 digits."""
    sampled = _sampled(curve, _GRID)
    # A pair of zeros between two points of the grid shows as a dip.
    dips = {
        (a, b)
        for (a, left), (_, middle), (b, right) in zip(
            sampled, sampled[1:], sampled[2:], strict=False
        )
        if abs(middle) < min(abs(left), abs(right)) and left * middle > 0 and middle * right > 0
    }
    finer = [a * (b / a) ** (mpf(k) / _FINER) for a, b in dips for k in range(1, _FINER)]
    sampled = sorted({*sampled, *_sampled(curve, finer)})
    return [
        mpmath.findroot(curve, (a, b), solver="anderson", tol=_COARSE * a, verify=False)
        for (a, left), (b, right) in pairwise(sampled)
        if left * right < 0
    ]


def _sampled(curve: Curve, grid: list[mpf]) -> list[Sample]:
    # From above: what cannot be resolved fails at the largest q, before time goes into the others.
    values = [(at, curve(at)) for at in sorted(grid, reverse=True)]
    return [(at, value) for at, value in reversed(values) if value != 0]


def _refined(f: PiecewiseFunction, root: mpf, digits: int) -> sp.Expr:
    """A zero, known to about 12 digits, to the digits asked for, with its sign change checked."""
    precision = max(digits, _SCAN_DIGITS) + _GUARD_DIGITS
    with mp.workdps(precision):

        def mean(at: mpf) -> mpf:
            return gaussian_mean(f, at, precision)

        tolerance = root * mpf(10) ** (-digits - 2)
        before, after = root * (1 - _COARSE), root * (1 + _COARSE)
        low, high = mean(before), mean(after)
        for _ in range(_MOST_STEPS):
            step = high * (after - before) / (high - low) if high != low else mpf(0)
            before, low = after, high
            after -= step
            if abs(step) < tolerance:
                break
            high = mean(after)
        if not mean(after - tolerance) * mean(after + tolerance) < 0:
            raise NotConvergedError(
                f"a zero of E[{f.to_sympy()}] near q = {mpmath.nstr(root, 6)} is not resolved to "
                f"{digits} digits"
            )
        return sp.Float(after, digits)
