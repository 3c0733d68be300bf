"""Exact real roots of polynomials with rational coefficients.

A root that radicals of numbers do not give in one step is a `RealRoot`: an exact real number that
evaluates to any precision. Factoring is FLINT's; roots are isolated by bisection and Descartes'
rule of signs in integers, with a bound on the work, so that no polynomial takes long.

>>> from freejac.symbolic.symbols import x
>>> polynomial_roots(sp.Poly((x - 1) ** 2 * (x**2 - 2) * (x**3 - x - 1), x))
[(-sqrt(2), 1), (sqrt(2), 1), (RealRoot((1, 0, -1, -1), 0), 1), (1, 2)]
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise
from typing import Any, TypeAlias

import flint
import mpmath
import sympy as sp

from freejac.symbolic.errors import DomainError

__all__ = ["MOST_DEGREE", "RealRoot", "degree_bound", "polynomial_roots"]

MOST_DEGREE = 256
"""Highest degree of a polynomial that is expanded."""
_MOST_BITS = 4_000
_MOST_ROOTS = 32
_MOST_WORK = 1_500_000_000  # bits added up in Taylor shifts: less than half a second
_GUARD_BITS = 10


def degree_bound(expr: sp.Expr, symbol: sp.Symbol) -> int:
    """Bound the degree of a polynomial from its shape, before anything is expanded.

    >>> from freejac.symbolic.symbols import x
    >>> degree_bound((x**2 + 1) ** 1000 - x, x)
    2000
    """
    if expr == symbol:
        return 1
    if expr.is_Add:
        return max(degree_bound(term, symbol) for term in expr.args)
    if expr.is_Mul:
        return sum(degree_bound(factor, symbol) for factor in expr.args)
    if expr.is_Pow and expr.exp.is_Integer:
        return abs(int(expr.exp)) * degree_bound(expr.base, symbol)
    return 0


def polynomial_roots(poly: sp.Poly) -> list[tuple[sp.Expr, int]]:
    """Distinct real roots of a polynomial with rational coefficients, with multiplicities.

    Args:
        poly: univariate, with rational coefficients.

    Returns:
        Roots factor by factor; of one factor in ascending order.

    Raises:
        DomainError: degree or coefficients are too large, or roots too close to be told apart with
            bounded work.
    """
    if poly.degree() > MOST_DEGREE:
        raise DomainError(f"a polynomial of a degree above {MOST_DEGREE}")
    _, integral = poly.clear_denoms(convert=True)
    coefficients = [int(c) for c in reversed(integral.all_coeffs())]
    if max(abs(c).bit_length() for c in coefficients) > _MOST_BITS:
        raise DomainError(f"a polynomial with coefficients of more than {_MOST_BITS} bits")
    _, factors = flint.fmpz_poly(coefficients).factor()
    return [
        (root, int(multiplicity))
        for factor, multiplicity in factors
        for root in _irreducible([int(c) for c in factor.coeffs()])
    ]


def _irreducible(coefficients: list[int]) -> list[sp.Expr]:
    """Real roots of an irreducible polynomial over the integers, ascending."""
    degree = len(coefficients) - 1
    last, *middle, first = (sp.Integer(c) for c in coefficients)
    if degree == 1:
        return [-last / first]
    if degree == 2:
        discriminant = middle[0] ** 2 - 4 * first * last
        centre, reach = -middle[0] / (2 * first), sp.sqrt(discriminant) / (2 * sp.Abs(first))
        return [centre - reach, centre + reach] if discriminant > 0 else []
    if not any(middle):
        size, negative = sp.root(sp.Abs(last / first), degree), last * first > 0
        if degree % 2:
            return [-size if negative else size]
        return [] if negative else [-size, size]
    shared = tuple(reversed(coefficients))
    count = len(_isolated(shared))
    if count > _MOST_ROOTS:
        raise DomainError(f"an irreducible polynomial with {count} real roots")
    return [RealRoot(shared, k) for k in range(count)]


class RealRoot(sp.Expr):
    """The k-th real root, counted from below and from 0, of an irreducible polynomial.

    Args:
        coefficients: integers, the leading one first, of an irreducible polynomial of degree ≥ 3.
        index: k.

    Raises:
        DomainError: there is no such root.

    >>> RealRoot((1, 0, -1, -1), 0).evalf(30)
    1.32471795724474602596090885448
    """

    is_commutative = True
    is_number = True
    is_real = True
    is_algebraic = True
    is_irrational = True

    def __new__(cls, coefficients: Iterable[int], index: int) -> RealRoot:
        """Name a root."""
        shared = tuple(int(c) for c in coefficients)
        if not 0 <= int(index) < len(_isolated(shared)):
            raise DomainError(f"the polynomial {shared} has no real root of index {index}")
        return sp.Expr.__new__(cls, sp.Tuple(*shared), sp.Integer(index))

    @property
    def free_symbols(self) -> set[sp.Symbol]:
        """None: it is a number."""
        return set()

    def _eval_is_positive(self) -> bool:
        return bool(_refined(*self._key, 10) > 0)

    def _eval_evalf(self, prec: int) -> sp.Float:
        bits = -(-(prec + _GUARD_BITS) // 64) * 64
        return sp.Expr._from_mpmath(_refined(*self._key, bits), prec)

    @property
    def _key(self) -> tuple[tuple[int, ...], int]:
        return tuple(int(c) for c in self.args[0]), int(self.args[1])

    def _latex(self, printer: Any) -> str:
        polynomial = printer._print(sp.Poly.from_list(list(self.args[0]), sp.Symbol("t")).as_expr())
        return rf"\operatorname{{root}}_{{{self.args[1]}}}\left({polynomial}\right)"

    def _pythoncode(self, printer: Any) -> str:
        return repr(float(self))

    _numpycode = _pythoncode

    def _mpmathcode(self, printer: Any) -> str:
        name = printer._module_format
        coefficients = list(self._key[0])
        return (
            f"{name('mpmath.findroot')}(lambda t: {name('mpmath.polyval')}({coefficients}, t), "
            f"{name('mpmath.mpf')}('{self.evalf(40)}'))"
        )


Interval: TypeAlias = tuple[Any, Any]
"""Open, with flint.fmpq ends."""


@lru_cache(maxsize=256)
def _isolated(coefficients: tuple[int, ...]) -> tuple[Interval, ...]:
    """Disjoint intervals, ascending, each with one real root of an irreducible polynomial.

    Raises:
        DomainError: the roots are too close for the work allowed.
    """
    poly = flint.fmpz_poly(list(reversed(coefficients)))
    mirrored = poly(flint.fmpz_poly([0, -1]))
    below = [(-upper, -lower) for lower, upper in reversed(_positive(mirrored))]
    return (*below, *_positive(poly))


def _positive(poly: flint.fmpz_poly) -> list[Interval]:
    """Isolate the positive roots: bisect (0, 2ᵏ) until Descartes' rule counts one or none."""
    degree, reach = poly.degree(), _reach([int(c) for c in poly.coeffs()])
    shift = flint.fmpz_poly([1, 1])
    found: list[Interval] = []
    stack, work = [(_scaled(poly, reach), flint.fmpq(0), flint.fmpq(2) ** reach)], 0
    while stack:
        here, lower, width = stack.pop()
        work += degree**2 * (degree + here.height_bits())
        if work > _MOST_WORK:
            raise DomainError(
                "a polynomial whose roots are too close to be told apart in good time"
            )
        flipped = flint.fmpz_poly(list(reversed(here.coeffs())))
        changes = _sign_changes(flipped(shift).coeffs())
        if changes == 1:
            found.append((lower, lower + width))
        elif changes:
            half, left = width / 2, _scaled(here, -1)
            stack += [(left(shift), lower + half, half), (left, lower, half)]
    return found


def _reach(coefficients: list[int]) -> int:
    """Exponent k such that every root is below 2ᵏ in size: Fujiwara's bound in whole bits."""
    leading = abs(coefficients[-1]).bit_length()
    ratios = [
        -((leading - 1 - abs(c).bit_length()) // k)
        for k, c in enumerate(reversed(coefficients[:-1]), start=1)
        if c
    ]
    return max(ratios) + 1


def _scaled(poly: flint.fmpz_poly, bits: int) -> flint.fmpz_poly:
    """p(2ᵇ x), times the power of 2 that makes it integral and small."""
    coefficients = [int(c) for c in poly.coeffs()]
    shifts = [bits * k for k in range(len(coefficients))]
    spare = min(
        s + (c & -c).bit_length() - 1 for c, s in zip(coefficients, shifts, strict=True) if c
    )
    moves = [s - spare for s in shifts]
    return flint.fmpz_poly(
        [c << k if k >= 0 else c >> -k for c, k in zip(coefficients, moves, strict=True)]
    )


def _sign_changes(coefficients: Iterable[Any]) -> int:
    signs = [c > 0 for c in coefficients if c != 0]
    return sum(1 for first, second in pairwise(signs) if first != second)


@lru_cache(maxsize=1024)
def _refined(coefficients: tuple[int, ...], index: int, bits: int) -> mpmath.mpf:
    """The root to a relative precision, by Newton's method on balls and bisection."""
    poly = flint.fmpz_poly(list(reversed(coefficients)))
    lower, upper = _isolated(coefficients)[index]
    mirrored = upper <= 0
    if mirrored:
        poly, lower, upper = poly(flint.fmpz_poly([0, -1])), -upper, -lower
    rising = _is_positive(poly, upper)
    step, precision = 1, bits + poly.height_bits() + 64
    while upper - lower > lower / 2**bits:
        if upper > 2 * lower:
            # the exponent first
            middle = upper / 2**step if lower == 0 else _geometric_mean(lower, upper)
            step *= 2
        else:
            closer = _newton(poly, lower, upper, precision)
            if closer is not None and 4 * (closer[1] - closer[0]) < upper - lower:
                lower, upper = closer
                continue
            middle = (lower + upper) / 2
        if _is_positive(poly, middle) == rising:
            upper = middle
        else:
            lower = middle
    with mpmath.workprec(bits + _GUARD_BITS):
        middle = (lower + upper) / 2
        return mpmath.mpf((-1 if mirrored else 1) * int(middle.p)) / int(middle.q)


def _geometric_mean(lower: flint.fmpq, upper: flint.fmpq) -> flint.fmpq:
    """A power of 2 between two positive numbers that are a factor of 2 apart."""
    exponents = [int(v.p).bit_length() - int(v.q).bit_length() for v in (lower, upper)]
    middle = flint.fmpq(2) ** (sum(exponents) // 2)
    return middle if lower < middle < upper else (lower + upper) / 2


def _is_positive(poly: flint.fmpz_poly, point: flint.fmpq) -> bool:
    """Sign at a number that is no root."""
    precision = 64
    while True:
        with flint.ctx.workprec(precision):
            value = flint.arb_poly(poly)(flint.arb(point))
            if value > 0 or value < 0:
                return bool(value > 0)
        precision *= 2


def _newton(
    poly: flint.fmpz_poly, lower: flint.fmpq, upper: flint.fmpq, precision: int
) -> Interval | None:
    """Interval m − p(m)/p′(X), X around m: it holds the root, too; None if p′ may vanish."""
    middle = (lower + upper) / 2
    with flint.ctx.workprec(precision):
        around = flint.arb(middle, flint.arb((upper - lower) / 2))
        slope = flint.arb_poly(poly).derivative()(around)
        if slope.contains(0):
            return None
        ball = flint.arb(middle) - flint.arb_poly(poly)(flint.arb(middle)) / slope
        low, high = (_dyadic(end) for end in (ball.lower(), ball.upper()))
    low, high = max(low, lower), min(high, upper)
    return (low, high) if low < high else None


def _dyadic(end: flint.arb) -> flint.fmpq:
    mantissa, exponent = end.man_exp()
    return flint.fmpq(mantissa) * flint.fmpq(2) ** int(exponent)
