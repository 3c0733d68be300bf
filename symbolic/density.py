"""The spectral density of a product of equal layers whose D² has finitely many values.

With ζ the subordination variable of one layer's D² and m = M_{D²}(ζ), S_{D²} = (1+m)/(mζ) and
λ = M⁻¹(m) read
    log λ = log((1+m)/m) + L [log ζ + log(m/(1+m)) − log S_{WWᵀ}(m)],
which is analytic for ζ in the upper half-plane: no root of a quadratic, no branch to choose. The
solution is continued from large |λ|, where m ≈ m_1/λ, along the imaginary axis and down to the
real one; then G(λ) = (1+m)/λ and ρ = −Im G/π. Logarithms are taken before the power L, so that a
depth of 10⁴ does not overflow.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any

import mpmath
import sympy as sp
from mpmath import mp

from freejac.symbolic.domain import finite
from freejac.symbolic.errors import DomainError, NoClosedForm, NotConvergedError
from freejac.symbolic.symbols import z

__all__ = ["LayerProduct"]

Real = Any
"""An mpmath real; mpmath has no types."""
Complex = Any

_GUARD = 15
_NEWTON_STEPS = 12
_MAX_STEPS = 4000


class LayerProduct:
    """The law of L equal layers, in numbers.

    Attributes:
        atoms: (value, probability) of φ′² away from 0.
        depth: the number of layers.
        digits: correct digits aimed at.

    >>> ginibre = LayerProduct([(1, 1)], 1 / (1 + z), depth=2)
    >>> [float(mpmath.nstr(edge, 12)) for edge in ginibre.support[0]]       # (0, 27/4)
    [0.0, 6.75]
    """

    def __init__(
        self,
        atoms: Sequence[tuple[object, object]],
        weights_s: sp.Expr,
        depth: int,
        digits: int = 15,
    ) -> None:
        """Keep exact numbers; they are rounded at the working precision.

        Args:
            atoms: (value, probability) of φ′² away from 0: positive numbers.
            weights_s: S of W Wᵀ in z, rational, with numbers only.
            depth: the number of layers, ≥ 1.
            digits: correct digits aimed at, 5 to 100.

        Raises:
            DomainError: a symbol has no value, or a number is out of range.
            NoClosedForm: S of the weights is not rational.
        """
        self.atoms = tuple(
            (sp.sympify(a, strict=True), sp.sympify(mass, strict=True)) for a, mass in atoms
        )
        parts = [e for pair in self.atoms for e in pair] + [
            sp.sympify(weights_s, strict=True).subs(z, 0)
        ]
        missing = sorted({s.name for e in parts for s in e.free_symbols})
        if missing:
            raise DomainError(f"give a value for {', '.join(missing)} to evaluate the density")
        if not all(e.is_finite and e.is_positive for e in parts):
            raise DomainError("values and probabilities of φ′² must be positive and finite")
        if float(sum(mass for _, mass in self.atoms)) > 1 + 1e-12:
            raise DomainError("the probabilities of φ′² add to more than 1")
        if not weights_s.is_rational_function(z):
            raise NoClosedForm("the density", "S of the weights is not a rational function")
        if not 5 <= digits <= 100:
            raise DomainError(f"digits must lie between 5 and 100, not {digits}")
        self.depth, self.digits, self._weights_s = depth, digits, weights_s
        with mp.workdps(digits + _GUARD):
            self._values = [
                (mp.mpf(a.evalf(mp.dps)), mp.mpf(w.evalf(mp.dps))) for a, w in self.atoms
            ]
            self._mass_at_zero = mp.mpf((1 - sum(w for _, w in self.atoms)).evalf(mp.dps))
        # S as a function of n = 1 + m, which is what stays accurate where m tends to −1
        shifted = sp.factor(sp.cancel(weights_s.subs(z, z - 1)))
        self._s = sp.lambdify(z, shifted, "mpmath")
        self._log_s_slope = sp.lambdify(z, sp.cancel(sp.diff(sp.log(shifted), z)), "mpmath")

    def density(self, lams: Sequence[object]) -> list[Real]:
        """ρ at each λ: 0 outside the support, ∞ at a hard edge at 0.

        Args:
            lams: real numbers, in any order.

        Raises:
            DomainError: a λ is not a finite real number.
            NotConvergedError: the continuation did not reach a λ; its message says which.
        """
        with mp.workdps(self.digits + _GUARD):
            points = [finite("lambda", value) for value in lams]
            found: dict[Real, Real] = {}
            for lower, upper in self.support:
                found |= self._densities_within(sorted({t for t in points if lower < t < upper}))
                if lower == 0:
                    found[mp.zero] = mp.inf
            return [found.get(t, mp.zero) for t in points]

    @cached_property
    def support(self) -> list[tuple[Real, Real]]:
        """The intervals of the continuous spectrum, ascending.

        An edge is the image of a real critical point of λ(ζ), or of m = ∞, or 0. Between
        neighbouring candidates the density does not change from zero to positive, so one point
        between each pair tells.
        """
        with mp.workdps(self.digits + _GUARD):
            ends = [mp.zero, *self._edge_candidates()]
            intervals: list[tuple[Real, Real]] = []
            for lower, upper in pairwise(ends):
                middle = mp.sqrt(lower * upper) if lower else upper / 2
                if not self._is_inside(self._solve(mp.log(middle))):
                    continue
                if intervals and intervals[-1][1] == lower:
                    intervals[-1] = (intervals[-1][0], upper)
                else:
                    intervals.append((lower, upper))
            return intervals

    def _edge_candidates(self) -> list[Real]:
        """Positive images of the real critical points of λ(ζ) and of the atoms of D², sorted."""
        zeta = sp.Dummy("zeta")
        exact = [(_rational(a), _rational(w)) for a, w in self.atoms]
        mgf = sp.Add(*(a * w / (zeta - a) for a, w in exact))
        log_s = sp.diff(sp.log(self._weights_s), z).subs(z, mgf)
        slope = self.depth / zeta + sp.diff(mgf, zeta) * (
            (self.depth - 1) / (mgf * (1 + mgf)) - self.depth * log_s
        )
        numerator = sp.Poly(sp.fraction(sp.cancel(sp.together(slope)))[0], zeta)
        found = set()
        for root in numerator.nroots(n=mp.dps, maxsteps=500) if numerator.degree() > 0 else []:
            if abs(sp.im(root)) > sp.Float(10) ** (-self.digits) * abs(root):
                continue
            log_value = self._log_eigenvalue(mp.mpc(mp.mpf(sp.re(root))))
            if mp.isfinite(log_value.real) and abs(_wrapped(log_value.imag)) < mp.mpf("1e-8"):
                found.add(mp.exp(log_value.real))
        far = sp.limit(self._weights_s, z, sp.oo)
        if far.is_finite and far.is_positive:
            found |= {(a / mp.mpf(far.evalf(mp.dps))) ** self.depth for a, _ in self._values}
        close = 1 + mp.mpf(10) ** (-self.digits)
        ordered = sorted(found)
        return [
            t for below, t in zip([mp.zero, *ordered], ordered, strict=False) if t > below * close
        ]

    def _densities_within(self, points: list[Real]) -> dict[Real, Real]:
        """ρ at sorted points of one interval, each continued from the one before."""
        result: dict[Real, Real] = {}
        zeta: Complex = None
        last: Real = None
        for point in points:
            goal = mp.log(point)
            zeta = self._solve(goal) if zeta is None else self._follow(zeta, last, goal)
            result[point] = -(self._mgf(zeta)[1] / point).imag / mp.pi
            last = goal
        return result

    def _solve(self, log_lam: Real) -> Complex:
        """ζ at λ + i0, continued from |λ| → ∞."""
        mean = self.depth * mp.log(sum(a * w for a, w in self._values) / self._s(mp.one))
        # there M(λ) ≈ m_1/λ holds to 1e-3: m_2/m_1² is at most of the order of L
        small = mp.mpf("1e-3") / self.depth
        start = mp.mpc(mean - mp.log(small), mp.pi / 2)
        guess = sum(a * w for a, w in self._values) / (small * mp.mpc(0, -1))
        zeta = self._newton(guess, start)
        if zeta is None:
            raise NotConvergedError(f"no start at large |λ| for depth {self.depth}; raise digits")
        corner = mp.mpc(log_lam, mp.pi / 2)
        return self._follow(self._follow(zeta, start, corner), corner, mp.mpc(log_lam, 0))

    def _follow(self, zeta: Complex, start: Complex, end: Complex) -> Complex:
        """Continue the solution along a straight line in log λ, with an adaptive step."""
        done, step = mp.zero, mp.mpf(1)
        for _ in range(_MAX_STEPS):
            if done >= 1:
                return zeta
            step = min(step, 1 - done)
            here, there = start + done * (end - start), start + (done + step) * (end - start)
            slope = self._slope(zeta)
            guess = zeta + (there - here) / slope
            modest = abs(guess - zeta) < abs(zeta) / 4
            arrived: Complex = self._newton(guess, there) if modest else None
            near = arrived is not None and abs(arrived - guess) <= abs(guess - zeta) / 2
            if near and arrived.imag > -abs(arrived) * mp.mpf(10) ** (-self.digits):
                zeta, done, step = arrived, done + step, 2 * step
                continue
            step /= 2
            if step < mp.mpf(10) ** (-self.digits - _GUARD // 2):
                break
        raise NotConvergedError(
            f"the density was not reached at log λ = {mpmath.nstr(end, 8)}: "
            "move λ away from the edge, or raise digits"
        )

    def _newton(self, zeta: Complex, log_lam: Complex) -> Complex:
        """Newton's iteration for log λ(ζ) = log_lam; None when it does not settle."""
        tolerance = mp.mpf(10) ** (-self.digits - _GUARD // 2)
        for _ in range(_NEWTON_STEPS):
            if not zeta or any(zeta == a for a, _ in self._values):
                return None
            residual = self._log_eigenvalue(zeta) - log_lam
            slope = self._slope(zeta)
            if not slope:
                return None
            step = mp.mpc(residual.real, _wrapped(residual.imag)) / slope
            zeta -= step
            if abs(step) <= tolerance * abs(zeta):
                return zeta
        return None

    def _mgf(self, zeta: Complex) -> tuple[Complex, Complex, Complex]:
        """M_{D²}(ζ), 1 + M without cancellation, and the derivative."""
        ratios = [(a, w / (zeta - a), zeta - a) for a, w in self._values]
        one_plus = self._mass_at_zero + zeta * sum(ratio for _, ratio, _ in ratios)
        slope = -sum(a * ratio / gap for a, ratio, gap in ratios)
        return sum(a * ratio for a, ratio, _ in ratios), one_plus, slope

    def _log_eigenvalue(self, zeta: Complex) -> Complex:
        """Evaluate log λ(ζ), its imaginary part up to multiples of 2π."""
        if any(zeta == a for a, _ in self._values):
            return mp.mpc(mp.inf)
        m, n, _ = (mp.mpc(part) for part in self._mgf(zeta))
        if not m or not n:
            return mp.mpc(mp.inf)
        layer = mp.log(zeta) + mp.log(m / n) - mp.log(self._s(n))
        return mp.log(n / m) + self.depth * layer

    def _slope(self, zeta: Complex) -> Complex:
        """Evaluate d log λ/dζ."""
        m, n, slope = self._mgf(zeta)
        inner = (self.depth - 1) / (m * n) - self.depth * self._log_s_slope(n)
        return self.depth / zeta + slope * inner

    def _is_inside(self, zeta: Complex) -> bool:
        """Whether the solution left the real axis: the density is positive."""
        return bool(abs(zeta.imag) > abs(zeta) * mp.mpf(10) ** (-self.digits // 2))


def _wrapped(angle: Real) -> Real:
    """Bring an angle into (−π, π] by a multiple of 2π."""
    return angle - 2 * mp.pi * mp.nint(angle / (2 * mp.pi))


def _rational(number: sp.Expr) -> sp.Rational:
    """Round to a rational at the working precision: an exact polynomial has exact roots."""
    return number if number.is_Rational else sp.Rational(number.evalf(mp.dps))
