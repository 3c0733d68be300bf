"""Depth limits: L → ∞ at fixed total variance σ₀² of the eigenvalues of J Jᵀ.

With orthogonal weights at criticality S_{JJᵀ} = (S_{D²}(z)/S_{D²}(0))ᴸ, and the variance is
L(μ_2/μ_1² − 1). It stays σ₀² when D²/μ_1 tends to 1 as L grows, and how it does that tells:
  - D² leaves its usual value with a probability ∝ 1/L, and is then a times as large. For a = 0 this
    is the Bernoulli class of Pennington et al.
  - D² fluctuates by O(1/√L): the smooth class, a = 1.
Both are S = exp(−σ₀² z/(1 + (1−a) z)); in ζ = (1+m)/m the eigenvalue is λ = ζ exp(σ₀²/(ζ − a)).

Source: Pennington, Schoenholz and Ganguli, "The emergence of spectral universality in deep
    networks" (2018), arXiv:1802.09979, section 4; the family in a is derived here.

>>> bernoulli_limit().s_transform, smooth_limit().s_transform
(exp(-sigma_0**2*z/(z + 1)), exp(-sigma_0**2*z))
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property, lru_cache
from typing import Any

import sympy as sp
from mpmath import mp

from freejac.symbolic.continuation import GUARD, Complex, Point, Real, SpectralCurve
from freejac.symbolic.derivative_law import AtomicLaw
from freejac.symbolic.domain import Number, as_floats, at_each, finite, rational
from freejac.symbolic.errors import DomainError, NoClosedForm
from freejac.symbolic.series import Series, from_expr
from freejac.symbolic.shape import MomentsOfS
from freejac.symbolic.symbols import parameter, z

__all__ = [
    "DepthLimit",
    "bernoulli_limit",
    "fluctuation_exponent",
    "rare_slope_exponent",
    "sigma_0",
    "smooth_limit",
]

sigma_0 = parameter("sigma_0", positive=True)
"""Root of the total variance of the eigenvalues of J Jᵀ, m_1 = 1."""
rare_value = parameter("a", positive=True)
"""D² where it is not as usual, over its usual value."""


@lru_cache(maxsize=8)
def rare_slope_exponent(value: sp.Expr = rare_value) -> sp.Expr:
    """Derive lim L log(S(z)/S(0)) over σ₀² for D² that is `value` with probability ε, else 1.

    S solves M(ζ) = z with ζ = (1+z)/(z S); its slope in ε at ε = 0, S = 1 is that of log S, and
    the relative variance is ε times its own slope, which L makes σ₀².

    Args:
        value: a ≥ 0, not 1.

    >>> rare_slope_exponent(sp.S.Zero), rare_slope_exponent()
    (-z/(z + 1), z/(z*(a - 1) - 1))
    """
    chance, unknown = sp.Dummy("epsilon", positive=True), sp.Dummy("S")
    law = AtomicLaw("rare", ((sp.S.One, 1 - chance), (value, chance)))
    equation = law.mgf.subs(z, (1 + z) / (z * unknown)) - z
    start = {chance: 0, unknown: 1}
    slope = -sp.diff(equation, chance).subs(start) / sp.diff(equation, unknown).subs(start)
    spread = law.moment(2) / law.moment(1) ** 2 - 1
    relative = sp.cancel(sp.diff(spread, chance).subs(chance, 0))
    slope = sp.cancel(sp.together(slope))
    return sp.factor(sp.cancel((slope - slope.subs(z, 0)) / relative), z)


@lru_cache(maxsize=1)
def fluctuation_exponent() -> tuple[sp.Expr, sp.Expr]:
    """Derive the exponents for D² = 1 + t X, E[X] = 0, E[X²] = 1, where t² L = σ₀².

    The free cumulants beyond the mean are κ_n tⁿ, so S solves S R(zS) = 1 with
    R(w) = 1 + t² w + κ_3 t³ w² + …; orders of log S in t follow one by one.

    Returns:
        The coefficient of t², which L makes σ₀² times it, and that of t³, which goes like 1/√L.

    >>> fluctuation_exponent()
    (-z, -kappa_3*z**2)
    """
    t, skew = sp.Dummy("t", positive=True), parameter("kappa_3")
    series = sp.S.One
    for order in (1, 2, 3):
        unknown = sp.Dummy("s")
        attempt = series + unknown * t**order
        w = z * attempt
        equation = sp.expand(attempt * (1 + t**2 * w + skew * t**3 * w**2) - 1)
        (solution,) = sp.solve(equation.coeff(t, order), unknown)
        series += solution * t**order
    logarithm = from_expr(series, t, 4).log()
    return sp.factor(logarithm.coefficient(2)), sp.factor(logarithm.coefficient(3))


class DepthLimit(MomentsOfS):
    """The law of J Jᵀ in the limit L → ∞, mean 1 and variance σ₀².

    Attributes:
        variance: σ₀².
        rare: a = 0 in the Bernoulli class, 1 in the smooth class, between them else.
        exponent: log S.

    >>> limit = bernoulli_limit()
    >>> limit.moment(2), limit.edges()
    (sigma_0**2 + 1, (0, E*sigma_0**2))
    """

    mean = sp.S.One

    def __init__(self, sigma0: Number, rare: Number) -> None:
        """Take the exponent of the class.

        Args:
            sigma0: σ₀, the root of the total variance; a positive number or expression.
            rare: a in [0, 1].

        Raises:
            DomainError: a number is out of range.
        """
        root = rational("sigma0", sigma0)
        self.rare = rational("the rare value of D²", rare)
        if root.is_finite is False or not root.is_positive:
            raise DomainError(f"sigma0 must be positive, not {sigma0}")
        if not (self.rare.is_nonnegative and (1 - self.rare).is_nonnegative):
            raise DomainError(f"the rare value of D² must lie in [0, 1], not {rare}")
        self._variance = root**2
        smooth = self.rare == 1
        per_variance = fluctuation_exponent()[0] if smooth else rare_slope_exponent(self.rare)
        self.exponent = self._variance * per_variance

    def __repr__(self) -> str:
        names = {sp.S.Zero: "Bernoulli class", sp.S.One: "smooth class"}
        kind = names.get(self.rare, f"rare value {self.rare}")
        return f"DepthLimit({kind}, variance={self._variance})"

    @property
    def variance(self) -> sp.Expr:
        """σ₀²."""
        return self._variance

    @property
    def s_transform(self) -> sp.Expr:
        """S(z) = exp(−σ₀² z/(1 + (1−a) z))."""
        return sp.exp(self.exponent)

    @property
    def inverse_mgf(self) -> sp.Expr:
        """M⁻¹(z) = (1+z)/(z S(z)).

        >>> smooth_limit().inverse_mgf
        (z + 1)*exp(sigma_0**2*z)/z
        """
        return (1 + z) / z * sp.exp(-self.exponent)

    def normalised_series(self, terms: int) -> tuple[Series, dict[sp.Symbol, sp.Expr]]:
        """Expand S, which begins with 1."""
        return from_expr(self.s_transform, z, terms), {}

    @cached_property
    def _log_eigenvalue(self) -> sp.Expr:
        """The function log λ − log ζ of ζ = (1+m)/m, for which z stands."""
        return sp.factor(sp.cancel(-self.exponent.subs(z, 1 / (z - 1))))

    @cached_property
    def green_equation(self) -> sp.Eq:
        """The equation G = m S(m), m = zG − 1, that the Green's function solves.

        >>> smooth_limit().green_equation
        Eq(G, (G*z - 1)*exp(-sigma_0**2*(G*z - 1)))
        """
        green = sp.Symbol("G")
        m = z * green - 1
        return sp.Eq(green, m * sp.exp(self.exponent.subs(z, m)))

    @cached_property
    def stieltjes(self) -> sp.Expr:
        """G(z) = ζ/((ζ − 1) z), with ζ exp(σ₀²/(ζ − a)) = z solved for ζ ~ z at infinity.

        For a = 0 that is ζ = −σ₀²/W(−σ₀²/z), W Lambert's function, its principal branch on the
        whole upper half-plane.

        Raises:
            NoClosedForm: a ≠ 0, see `lambert_equation`.

        >>> bernoulli_limit().stieltjes
        sigma_0**2/(z*(sigma_0**2 + LambertW(-sigma_0**2/z)))
        """
        if self.rare != 0:
            raise NoClosedForm("G", "it needs the generalised Lambert function of two parameters")
        zeta = sp.Dummy("zeta")
        solutions = sp.solve(sp.log(z / zeta) - self._log_eigenvalue.subs(z, zeta), zeta)
        (found,) = (s for s in solutions if sp.limit(s / z, z, sp.oo) == 1)
        return sp.factor(sp.simplify(found / ((found - 1) * z)))

    @cached_property
    def lambert_equation(self) -> sp.Eq:
        """The equation for x = −σ₀²/(ζ − a): x exp(x)/(a x − σ₀²) = 1/z.

        For a = 0 Lambert's W solves it. Else it is x exp(x)/(x − σ₀²/a) = a/z, the definition of
        the generalised Lambert function of Mező and Baricz with parameters 0 and σ₀²/a.

        Source: Mező and Baricz, "On the generalization of the Lambert W function" (2017).

        >>> smooth_limit().lambert_equation
        Eq(x*exp(x)/(-sigma_0**2 + x), 1/z)
        """
        x = sp.Symbol("x")
        zeta = self.rare - self._variance / x
        exponent = sp.cancel(self._log_eigenvalue.subs(z, zeta))
        return sp.Eq(sp.factor(sp.cancel(1 / zeta)) * sp.exp(-exponent), 1 / z)

    @cached_property
    def critical_polynomial(self) -> sp.Poly:
        """The polynomial in ζ, written z, whose roots are the edges' ζ: (ζ − a)² = σ₀² ζ.

        For a = 0 the root at 0, where λ is not analytic, is divided out.
        """
        slope = 1 / z + sp.diff(self._log_eigenvalue, z)
        return sp.Poly(sp.fraction(sp.cancel(sp.together(slope)))[0], z)

    def edges(self) -> tuple[sp.Expr, sp.Expr]:
        """Find the ends of the continuous spectrum, ascending.

        The larger ζ gives the upper edge, the smaller one the lower edge; for a = 0 that is 0.
        """
        if self.critical_polynomial.degree() == 1:
            slope, rest = self.critical_polynomial.all_coeffs()
            return (sp.S.Zero, self._eigenvalue(sp.cancel(-rest / slope)))
        square, slope, rest = self.critical_polynomial.all_coeffs()
        half = sp.factor(-slope / (2 * square))
        root = sp.sqrt(sp.factor(half**2 - sp.cancel(rest / square)))
        return self._eigenvalue(half - root), self._eigenvalue(half + root)

    def _eigenvalue(self, zeta: sp.Expr) -> sp.Expr:
        return zeta * sp.exp(sp.factor(sp.cancel(self._log_eigenvalue.subs(z, zeta))))

    def atoms(self) -> tuple[tuple[sp.Expr, sp.Expr], ...]:
        """Find the atom at the top, (location, mass): of mass 1 − σ₀²/(1−a)², if positive.

        It stands at ζ = 1, m = ∞; near it G = ζ/((ζ−1)λ), so its mass is d log λ/dζ there. It is
        the share of directions that no rare slope touches. The smooth class has none.

        >>> bernoulli_limit(sp.Rational(1, 2)).atoms()
        ((exp(1/4), 3/4),)
        """
        if self.rare == 1:
            return ()
        at = self._log_eigenvalue.subs(z, 1)
        mass = sp.factor((1 / z + sp.diff(self._log_eigenvalue, z)).subs(z, 1))
        mass = sp.Max(0, sp.expand(mass))
        return () if mass == 0 else ((sp.exp(at), mass),)

    def curve(self, *, sigma0: Number | None = None, digits: int = 15) -> LimitCurve:
        """Put numbers in: the numeric law behind `density`, with its support.

        Arguments and errors are those of `density`.
        """
        values = {} if sigma0 is None else {sigma_0: DepthLimit(sigma0, self.rare).variance}
        variance = self._variance.subs({sigma_0: sp.sqrt(values[sigma_0])} if values else {})
        missing = sorted(s.name for s in (variance + self.rare).free_symbols)
        if missing:
            raise DomainError(f"give a value for {', '.join(missing)} to evaluate the density")
        return LimitCurve(variance, self.rare, digits)

    def density(
        self, lam: Number | Iterable[Number], *, sigma0: Number | None = None, digits: int = 15
    ) -> Any:
        """Evaluate the density of the continuous part.

        Args:
            lam: an eigenvalue, or a sequence of them; 0 outside the support, and ∞ at 0 where
                the support starts there.
            sigma0: a number for the symbol σ₀.
            digits: correct digits aimed at, 5 to 1000.

        Returns:
            A number, or a list as long as the sequence: floats up to 15 digits, mpmath numbers
            beyond. The atom is not part of it: see `atoms`.

        Raises:
            DomainError: σ₀ has no value, or a number is out of range.
            NotConvergedError: the continuation did not reach λ.

        >>> round(smooth_limit(1).density(1), 6)
        0.296764
        """
        curve = self.curve(sigma0=sigma0, digits=digits)
        return at_each(lam, lambda points: as_floats(curve.density(points), digits))


class LimitCurve(SpectralCurve):
    """A depth limit in numbers: log λ = log ζ + σ₀²/(ζ − a).

    >>> [mp.nstr(end, 10) for end in LimitCurve(sp.Integer(1), sp.S.Zero).support[0]]
    ['0.0', '2.718281828']
    """

    def __init__(self, variance: sp.Expr, rare: sp.Expr, digits: int = 15) -> None:
        """Take numbers σ₀² > 0 and a in [0, 1]."""
        super().__init__(digits)
        with mp.workdps(digits + GUARD):
            self._variance, self._rare = finite("sigma0**2", variance), finite("a", rare)
        self._limit = DepthLimit(sp.sqrt(variance), rare)

    def _start(self, log_lam: Real) -> tuple[Point, Complex]:
        far = max(1000 * (1 + self._variance), mp.exp(log_lam))
        return [mp.mpc(0, far)], mp.mpc(mp.log(far), mp.pi / 2)

    def _residuals(self, point: Point) -> list[Complex] | None:
        (zeta,) = point
        if not zeta or zeta == self._rare:
            return None
        return [mp.log(zeta) + self._variance / (zeta - self._rare)]

    def _tangent(self, point: Point, defects: list[Complex]) -> Point | None:
        (zeta,) = point
        slope = 1 / zeta - self._variance / (zeta - self._rare) ** 2
        return [defects[0] / slope] if slope else None

    def _one_plus_m(self, point: Point) -> Complex:
        return point[0] / (point[0] - 1)

    def _edge_candidates(self) -> list[Real]:
        ends = (mp.mpf(end.evalf(mp.dps)) for end in self._limit.edges())
        return self._sorted_candidates({end for end in ends if end > 0})


def bernoulli_limit(sigma0: Number = sigma_0) -> DepthLimit:
    """Make the limit for φ′ that is 0 with a probability ∝ 1/L, and constant else: hard tanh.

    Args:
        sigma0: σ₀, the root of the total variance, positive.

    >>> bernoulli_limit().moment(3)
    (3*sigma_0**4 + 4*sigma_0**2 + 2)/2
    """
    return DepthLimit(sigma0, 0)


def smooth_limit(sigma0: Number = sigma_0) -> DepthLimit:
    """Make the limit for φ′ that fluctuates by O(1/√L): tanh, erf, any φ smooth at 0.

    It is e^{−c} times the law of a residual network of effective cumulant c = σ₀²/2.

    Args:
        sigma0: σ₀, the root of the total variance, positive.

    >>> smooth_limit().moment(3)
    (3*sigma_0**4 + 6*sigma_0**2 + 2)/2
    """
    return DepthLimit(sigma0, 1)
