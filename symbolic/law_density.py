"""Density, support and atoms of an algebraic law, to any number of digits.

The physical branch of P(z, G) = 0 is G ~ 1/z at infinity in the upper half-plane. It is continued
from there: all roots are isolated in balls at every step, a step goes at most half-way to the
nearest critical point (where roots meet or one is infinite), and the root is accepted only when it
is far nearer to where the slope leads than any other. On the real axis the critical points cut the
line into intervals inside which the density is analytic: identically zero, or nowhere.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import combinations, pairwise
from typing import Any

import flint
import sympy as sp
from mpmath import mp

from freejac.symbolic.algebraic_law import AlgebraicEquation, degree, green
from freejac.symbolic.coefficients import Poly
from freejac.symbolic.domain import Number, finite
from freejac.symbolic.errors import DomainError, NotConvergedError
from freejac.symbolic.symbols import z

__all__ = ["SpectralLaw"]

Ball = Any
"""flint.arb or flint.acb."""

_GUARD_BITS = 64
_MOST_DIGITS = 1000
_MAX_STEPS = 5000
_SERIES_TERMS = 6
_NEWTON_STEPS = 40
_SHORTEST = 2.0**-40
_EXTRA = 16


class SpectralLaw:
    """The numbers of an algebraic law.

    >>> from freejac.symbolic import laws
    >>> law = SpectralLaw(laws.marchenko_pastur(4).equation)
    >>> [[float(end) for end in interval] for interval in law.support(15)], law.masses(15)
    ([[1.0, 9.0]], [(mpf('0.0'), mpf('0.75'))])
    """

    def __init__(self, equation: AlgebraicEquation) -> None:
        """Read P.

        Raises:
            DomainError: P has parameters besides z and G.
        """
        if equation.parameters:
            shown = ", ".join(str(symbol) for symbol in equation.parameters)
            raise DomainError(
                f"give rational values for {shown} by law.subs({{…}}) to evaluate the density"
            )
        self.equation = equation
        self._points: dict[int, tuple[list[Ball], list[Ball]]] = {}
        self._known: dict[tuple[int, int], list[tuple[Any, Ball]]] = {}

    @cached_property
    def _columns(self) -> list[flint.fmpq_poly]:
        """P as a polynomial in G: its coefficients, polynomials in z."""
        ring, poly = self.equation.ring, self.equation.poly
        place, unknown = ring.index(z), ring.index(green)
        rows: list[dict[int, Any]] = [{} for _ in range(degree(ring, poly, green) + 1)]
        for powers, value in poly.to_dict().items():
            rows[powers[unknown]][powers[place] if place is not None else 0] = value
        return [
            flint.fmpq_poly([row.get(i, 0) for i in range(max(row, default=0) + 1)]) for row in rows
        ]

    @cached_property
    def _critical(self) -> flint.fmpz_poly:
        """The square-free polynomial in z whose roots are the branch points and poles of G."""
        ring, poly = self.equation.ring, self.equation.poly
        product = self._columns[-1]
        if len(self._columns) > 2:
            product = product * _univariate(poly.discriminant(ring.index(green)), ring.index(z))
        integral = product.numer()
        if integral.degree() <= 0:
            return integral
        return integral // integral.gcd(integral.derivative())

    def _critical_points(self, bits: int) -> tuple[list[Ball], list[Ball]]:
        """All critical points, and the real ones ascending."""
        if bits not in self._points:
            with flint.ctx.workprec(bits):
                points = [_middle(root) for root, _ in self._critical.complex_roots()]
            real = sorted((p.real for p in points if p.imag == 0), key=lambda p: p.mid())
            self._points[bits] = points, real
        return self._points[bits]

    def _fibre(self, point: Ball) -> flint.acb_poly:
        """P(point, ·)."""
        return flint.acb_poly([flint.acb_poly(column)(point) for column in self._columns])

    def _slope(self, point: Ball, root: Ball) -> Ball:
        """dG/dz = −P_z/P_G."""
        slopes = [flint.acb_poly(column.derivative())(point) for column in self._columns]
        return -flint.acb_poly(slopes)(root) / self._fibre(point).derivative()(root)

    def _far(self, centre: Ball, points: Sequence[Ball]) -> tuple[Ball, Ball]:
        """A point high above the centre, and the physical G there."""
        moments = [
            flint.acb(flint.fmpq(int(m.p), int(m.q))) for m in self.equation.moments(_SERIES_TERMS)
        ]
        height = 4 * (1 + max((abs(p - centre).mid() for p in points), default=flint.arb(0)))
        for _ in range(60):
            point = flint.acb(centre, height.mid())
            expected = 1 / point
            for k, moment in enumerate(moments, start=1):
                expected += moment / point ** (k + 1)
            fibre = self._fibre(point)
            roots = _sorted(fibre, expected)
            if len(roots) == 1 or abs(roots[0] - expected) * 1000 < abs(roots[1] - expected):
                return point, _polished(fibre, roots[0])
            height *= 4
        raise NotConvergedError("the branch G ~ 1/z is not told apart at large |z|")

    def _follow(
        self, start: Ball, root: Ball, end: Ball, points: Sequence[Ball]
    ) -> tuple[Ball, bool]:
        """Continue G along a straight line: G at its end, and whether it is real there."""
        here, reach = start, flint.arb(0.5)
        roots = [root, *_sorted(self._fibre(here), root)[1:]]
        for _ in range(_MAX_STEPS):
            gap = end - here
            centre = min(points, key=lambda p: abs(p - here).mid(), default=here + 4 * gap + 1)
            nearest = abs(centre - here).mid()
            arrives = bool(abs(gap) <= reach * nearest)
            share = flint.arb(1) if arrives else reach * nearest / abs(gap)
            there = end if arrives else _middle(here + gap * share)
            fibre = self._fibre(there)
            found = self._next(here, roots, there, fibre, centre)
            if found:
                here, roots = there, [_polished(fibre, found[0]), *found[1:]]
                if arrives:
                    return roots[0], _is_real(found)
                reach = min(reach * 2, flint.arb(0.5))
            elif reach < _SHORTEST:
                break
            else:
                reach /= 2
        raise NotConvergedError(f"the branch was lost near {here.mid().str(8, radius=False)}")

    def _next(
        self, here: Ball, roots: Sequence[Ball], there: Ball, fibre: flint.acb_poly, centre: Ball
    ) -> list[Ball]:
        """The roots after a step, the continued one first; empty if the step is too long to tell.

        The guess must single out a root there, and the guess back from that root the root here.
        """
        for model, guess in self._guesses(here, roots[0], there, centre):
            found = _sorted(fibre, guess)
            if _singled_out(guess, found):
                back = dict(self._guesses(there, _middle(found[0]), here, centre))
                if _singled_out(back[model], roots):
                    return found
        return []

    def _guesses(
        self, here: Ball, root: Ball, there: Ball, centre: Ball
    ) -> Iterator[tuple[str, Ball]]:
        """Where the root goes: by a linear G, as at a root, or (z − centre) G, as at a pole."""
        step, slope = there - here, self._slope(here, root)
        yield "linear", root + slope * step
        weighted = (here - centre) * root + (root + (here - centre) * slope) * step
        yield "pole", weighted / (there - centre)

    def _branch(self, place: Ball, bits: int) -> tuple[Ball, bool]:
        """G at x + i0, and whether it is real, for a real x that is not critical.

        The first point of an interval is reached from above, the others along the axis.
        """
        points, real = self._critical_points(bits)
        interval = bisect([float(p.mid()) for p in real], float(place))
        for shift in (interval - 1, interval + 1):  # doubles may not tell x from its neighbour
            if 0 <= shift <= len(real) and _between(place, real, shift):
                interval = shift
        known = self._known.setdefault((bits, interval), [])
        if known:
            start, root = min(known, key=lambda pair: _distance(pair[0], place, real))
            value, is_real = self._follow(flint.acb(start), root, flint.acb(place), points)
        else:
            value, is_real = self._follow(*self._far(place, points), flint.acb(place), points)
        known.append((place, value))
        return value, is_real

    def support(self, digits: int) -> list[tuple[Any, Any]]:
        """The intervals where the density is positive, ascending, as mpmath numbers."""
        bits = _bits(digits)
        found: list[tuple[Any, Any]] = []
        with flint.ctx.workprec(bits), mp.workdps(digits + 5):
            _, real = self._critical_points(bits)
            for low, high in pairwise(real):
                middle = ((low + high) / 2).mid()
                if self._branch(middle, bits)[1]:
                    continue
                ends = _mpf(low), _mpf(high)
                if found and found[-1][1] == ends[0]:
                    found[-1] = (found[-1][0], ends[1])
                else:
                    found.append(ends)
        with mp.workdps(digits):
            return [(+low, +high) for low, high in found]

    def densities(self, values: Sequence[object], digits: int) -> list[Any]:
        """ρ at real points.

        Raises:
            DomainError: a point is not a finite real number, or too many digits are asked for.
        """
        bits = _bits(digits)
        with flint.ctx.workprec(bits), mp.workdps(digits + 10):
            points = [_arb(finite("x", value)) for value in values]
            found = [self._density(point, digits, bits) for point in points]
        with mp.workdps(digits):
            return [+value for value in found]

    def _density(self, point: Ball, digits: int, bits: int) -> Any:
        _, real = self._critical_points(bits)
        close = flint.arb(10) ** -digits * (1 + abs(point))
        if any(abs(point - p) < close for p in real):
            return self._at_critical(point, digits)
        if not real or point < real[0] or point > real[-1]:
            return mp.zero
        value, is_real = self._branch(point, bits)
        return mp.zero if is_real else _mpf(-value.imag / flint.arb.pi())

    def _at_critical(self, point: Ball, digits: int) -> Any:
        """ρ at a critical point: the larger of its limits from both sides, 0 or ∞ included."""
        bits = 8 * _bits(digits)
        with flint.ctx.workprec(bits):
            _, real = self._critical_points(bits)
            centre = min(real, key=lambda p: float(abs(p - point).mid())).mid()
            limits = []
            for side in (-1, 1):
                near = (centre + side * flint.arb(10) ** (-4 * digits)).mid()
                if real[0] < near < real[-1]:
                    limits.append(-self._branch(near, bits)[0].imag / flint.arb.pi())
            value = _mpf(max([flint.arb(0), *limits]))
        if value > mp.mpf(10) ** (digits / 2):
            return mp.inf
        return value if value > mp.mpf(10) ** -digits else mp.zero

    def stieltjes(self, value: Number | complex, digits: int) -> Any:
        """G at a point of the upper half-plane.

        Raises:
            DomainError: the point is not above the real axis.
        """
        bits = _bits(digits)
        with flint.ctx.workprec(bits), mp.workdps(digits + 10):
            number = mp.mpc(value.evalf(mp.dps) if isinstance(value, sp.Expr) else value)
            if not (mp.isfinite(number) and number.imag > 0):
                raise DomainError(f"G is continued in the upper half-plane; {value} is not in it")
            point = flint.acb(_arb(number.real), _arb(number.imag))
            points, _ = self._critical_points(bits)
            root, _ = self._follow(*self._far(point.real, points), point, points)
            found = mp.mpc(_mpf(root.real), _mpf(root.imag))
        with mp.workdps(digits):
            return +found

    def masses(self, digits: int) -> list[tuple[Any, Any]]:
        """The atoms: (location, mass), from iε G(x + iε) at the poles of P."""
        bits = 8 * _bits(digits)
        found = []
        with flint.ctx.workprec(bits), mp.workdps(digits + 10):
            points, _ = self._critical_points(bits)
            leading = self._columns[-1].numer()
            poles = [root.real for root, _ in leading.complex_roots() if root.imag == 0]
            for pole in poles if leading.degree() else []:
                centre = pole.mid()
                height = flint.arb(10) ** (-3 * digits)
                above = flint.acb(centre, height.mid())
                root, _ = self._follow(*self._far(centre, points), above, points)
                mass = _mpf((root * flint.acb(0, height)).real)
                if mass > mp.mpf(10) ** (-digits / 2):
                    found.append((_mpf(pole), mass))
        with mp.workdps(digits):
            return sorted((+place, +mass) for place, mass in found)


def _bits(digits: int) -> int:
    if isinstance(digits, bool) or not isinstance(digits, int) or not 1 <= digits <= _MOST_DIGITS:
        raise DomainError(f"digits must lie between 1 and {_MOST_DIGITS}, not {digits}")
    return int(3.33 * digits) + _GUARD_BITS


def _univariate(poly: Poly, index: int | None) -> flint.fmpq_poly:
    coefficients = {
        powers[index] if index is not None else 0: value for powers, value in poly.to_dict().items()
    }
    return flint.fmpq_poly([coefficients.get(i, 0) for i in range(max(coefficients) + 1)])


def _between(place: Ball, real: Sequence[Ball], interval: int) -> bool:
    above = interval == 0 or place > real[interval - 1]
    return bool(above and (interval == len(real) or place < real[interval]))


def _distance(start: Ball, end: Ball, real: Sequence[Ball]) -> float:
    """How many steps apart: the logarithm of the distances to the nearest critical points."""
    near = [min(float(abs(p - x).mid()) for p in real) for x in (start, end)]
    return abs(float(flint.arb(near[0] / near[1]).log())) + float(abs(start - end).mid()) / max(
        near
    )


def _sorted(fibre: flint.acb_poly, guess: Ball) -> list[Ball]:
    """The roots, in balls far smaller than the gaps between them, the nearest to a guess first."""
    roots = _isolated(fibre)
    gaps = [abs(a - b).mid() for a, b in combinations(roots, 2)]
    if gaps and max(root.rad() for root in roots) * 1000 > min(gaps):
        roots = _isolated(fibre, min(gaps) / 4000)
    return sorted(roots, key=lambda root: float(abs(root - guess).mid()))


def _singled_out(guess: Ball, roots: Sequence[Ball]) -> bool:
    """Whether the first root is far nearer to the guess than the others are to that root."""
    apart = min((abs(r - roots[0]).mid() for r in roots[1:]), default=flint.arb("inf"))
    return bool(abs(roots[0] - guess) * 6 < apart)


def _isolated(fibre: flint.acb_poly, tolerance: Ball | None = None) -> list[Ball]:
    """The roots in disjoint balls; close ones take more precision than they end up with."""
    try:
        return list(fibre.roots(tol=tolerance, maxprec=_EXTRA * flint.ctx.prec))
    except ValueError:
        raise NotConvergedError(
            "the values of G were not told apart: the point is too near an edge; raise digits"
        ) from None


def _polished(fibre: flint.acb_poly, ball: Ball) -> Ball:
    """The root in an isolating ball, by Newton's method at the working precision."""
    slope = fibre.derivative()
    small = flint.arb(2) ** (-2 * flint.ctx.prec // 5)
    root = _middle(ball)
    for _ in range(_NEWTON_STEPS):
        step = _middle(fibre(root) / slope(root))
        root = _middle(root - step)
        if abs(step) <= small * abs(root):
            # this step was quadratically small: the next one leaves rounding errors alone
            root = _middle(root - fibre(root) / slope(root))
            if abs(root - ball).mid() <= 2 * ball.rad() + small * abs(root):
                return root
            break
    refined = _isolated(fibre, small * abs(ball).mid())
    return _middle(min(refined, key=lambda value: float(abs(value - ball).mid())))


def _is_real(found: Sequence[Ball]) -> bool:
    """Whether the first root is real, P having real coefficients.

    It is when its ball meets the axis, and the mirrored ball no other: the conjugate root can
    then be in the same ball only, which holds one.
    """
    mirrored = flint.acb(found[0].real, -found[0].imag)
    return found[0].imag.contains(0) and not any(mirrored.overlaps(r) for r in found[1:])


def _middle(value: Ball) -> Ball:
    """The midpoint, without its radius."""
    return flint.acb(value.real.mid(), value.imag.mid())


def _arb(value: Any) -> Ball:
    sign, mantissa, exponent, _ = value._mpf_
    return flint.arb(int(-mantissa if sign else mantissa)) * flint.arb(2) ** int(exponent)


def _mpf(value: Ball) -> Any:
    mantissa, exponent = value.mid().man_exp()
    return mp.mpf(int(mantissa)) * mp.mpf(2) ** int(exponent)
