"""The laws of free probability, by name.

>>> from freejac.symbolic import laws
>>> coin = laws.atomic([(-1, sp.S.Half), (1, sp.S.Half)])
>>> (coin + coin).moments(4)                    # the arcsine law: central binomial coefficients
(0, 2, 0, 6)
>>> laws.marchenko_pastur(2).s_transform
1/(2*z + 1)
"""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from freejac.symbolic.activation import Activation
from freejac.symbolic.derivative_law import DerivativeLaw, bernoulli, derivative_law
from freejac.symbolic.domain import Number, exact, rational
from freejac.symbolic.errors import DomainError
from freejac.symbolic.finite_law import FiniteLaw
from freejac.symbolic.free_cumulants import cumulants_from_moments
from freejac.symbolic.law import Atoms, Law
from freejac.symbolic.series import from_expr
from freejac.symbolic.symbols import depth, p, z
from freejac.symbolic.transform_laws import LimitLaw, RLaw, SeriesLaw, SLaw

__all__ = [
    "Law",
    "arcsine",
    "atomic",
    "bernoulli",
    "bernoulli_limit",
    "derivative",
    "free_poisson",
    "from_free_cumulants",
    "from_moments",
    "from_r_transform",
    "from_s_transform",
    "fuss_catalan",
    "goe",
    "gue",
    "marchenko_pastur",
    "point_mass",
    "projection",
    "semicircle",
    "smooth_limit",
]


def point_mass(value: Number = 1) -> Law:
    """The law δ_value of a constant.

    Raises:
        DomainError: the value is not a finite real number.

    >>> point_mass(3).r_transform
    3
    """
    location = rational("the value", value)
    return FiniteLaw(f"point mass at {location}", ((location, 1),))


def projection(rank: Number = p) -> Law:
    """The law (1−p) δ_0 + p δ_1 of a projection of trace p.

    Args:
        rank: p in (0, 1], or a symbol.

    Raises:
        DomainError: p is outside (0, 1].

    >>> (projection(sp.S.Half) + projection(sp.S.Half)).equation        # arcsine on [0, 2]
    G**2*z**2 - 2*G**2*z - 1 = 0
    """
    return bernoulli(rank)


def atomic(atoms: Sequence[tuple[Number, Number]]) -> Law:
    """Make a law of finitely many atoms.

    Args:
        atoms: (location, mass); the masses lie in [0, 1] and add to one.

    Raises:
        DomainError: it is not a probability law on the real line.

    >>> atomic([(0, sp.Rational(1, 3)), (2, sp.Rational(2, 3))]).moment(2)
    8/3
    """
    shown = " + ".join(f"{mass} δ({location})" for location, mass in atoms)
    return FiniteLaw(shown or "no atoms", atoms)


def semicircle(variance: Number = 1, mean: Number = 0) -> Law:
    """Wigner's semicircle: density √(4v − (x−m)²)/(2πv) on m ± 2√v.

    Args:
        variance: v, positive.
        mean: m, real.

    Raises:
        DomainError: the variance is not positive.

    Source: Depth First Learning, "Resurrecting the sigmoid", problem set 3, problem 2.

    >>> semicircle().stieltjes, semicircle().blue
    (z/2 - sqrt(z**2 - 4)/2, (z**2 + 1)/z)
    """
    v, m = _positive("the variance", variance), rational("the mean", mean)
    return RLaw(f"semicircle({v})" if m == 0 else f"semicircle({v}, {m})", v * z + m, ())


def gue() -> Law:
    """The semicircle √(4 − x²)/(2π), as seed 001 normalises the unitary ensemble: variance 1.

    >>> gue().r_transform
    z
    """
    return semicircle(1)


def goe() -> Law:
    """The semicircle √(2 − x²)/π, as seed 001 normalises the orthogonal ensemble: variance 1/2.

    >>> (p * goe() + (1 - p) * goe()).r_transform
    z*(2*p**2 - 2*p + 1)/2
    """
    return semicircle(sp.S.Half)


def marchenko_pastur(ratio: Number = 1, variance: Number = 1) -> Law:
    """The law of W Wᵀ for W of N × M independent entries of variance v/M.

    Args:
        ratio: c = N/M, positive.
        variance: v, positive: the mean of the law.

    Returns:
        The law with κ_n = vⁿ c^{n−1}: density √((x−a)(b−x))/(2πcvx) between a, b = v(1 ∓ √c)²,
        and an atom of mass 1 − 1/c at 0 where c > 1.

    Raises:
        DomainError: a number is not positive.

    Source: Marchenko and Pastur, "Distribution of eigenvalues for some sets of random matrices"
        (1967).

    >>> marchenko_pastur(3).moments(3)
    (1, 4, 19)
    """
    c, v = _positive("the ratio", ratio), _positive("the variance", variance)
    name = f"Marchenko–Pastur({c})" if v == 1 else f"Marchenko–Pastur({c}, {v})"
    return RLaw(name, v / (1 - c * v * z), _atom_at_zero(1 - 1 / c), True)


def free_poisson(rate: Number, jumps: Number | FiniteLaw = 1) -> Law:
    """The (compound) free Poisson law: κ_n = rate × E[jumpⁿ].

    Args:
        rate: positive.
        jumps: the size of the jumps, or an atomic law of sizes.

    Raises:
        DomainError: the rate is not positive, or a jump is not a finite number other than 0.

    Source: Speicher (1998), "Combinatorial theory of the free product with amalgamation".

    >>> coin = atomic([(-1, sp.S.Half), (1, sp.S.Half)])
    >>> free_poisson(2, coin).free_cumulants(4)
    (0, 2, 0, 2)
    """
    intensity = _positive("the rate", rate)
    sizes = jumps if isinstance(jumps, FiniteLaw) else point_mass(jumps)
    r = sp.Add(*(intensity * mass * a / (1 - a * z) for a, mass in sizes.atoms()))
    inactive = sp.Add(*(mass for a, mass in sizes.atoms() if a == 0))
    at_zero = _atom_at_zero(1 - intensity * (1 - inactive))
    name = f"free Poisson({intensity}, {sizes.name if isinstance(jumps, Law) else jumps})"
    return RLaw(name, sp.factor(sp.together(r)), at_zero, sizes.is_nonnegative)


def arcsine(radius: Number = 2) -> Law:
    """The arcsine law: density 1/(π√(r² − x²)) on (−r, r).

    Args:
        radius: r, positive.

    Raises:
        DomainError: the radius is not positive.

    >>> arcsine().moments(6)
    (0, 2, 0, 6, 0, 20)
    """
    r = _positive("the radius", radius)
    return RLaw(f"arcsine({r})", (sp.sqrt(1 + r**2 * z**2) - 1) / z, ())


def fuss_catalan(layers: Number = depth) -> Law:
    """The law of a product of L square Gaussian matrices times its transpose: S = (1+z)^{−L}.

    Args:
        layers: L, a real number ≥ 1 or a positive integer symbol.

    Raises:
        DomainError: L is below 1.

    Source: Banica, Belinschi, Capitaine and Collins, "Free Bessel laws" (2011).

    >>> fuss_catalan(2).moments(4)
    (1, 3, 12, 55)
    """
    return marchenko_pastur(1).free_power(layers)


def derivative(phi: str | sp.Expr | Activation | DerivativeLaw) -> DerivativeLaw:
    """The law of D² = φ′(h)², h ~ N(0, q), of an activation.

    >>> derivative("relu").s_transform
    2*(z + 1)/(2*z + 1)
    """
    return derivative_law(phi)


def from_s_transform(s: sp.Expr) -> Law:
    """The law on [0, ∞) with a given S-transform; that there is one is left to the caller.

    Args:
        s: an expression in z, regular and nonzero at 0.

    Raises:
        DomainError: it is not.

    >>> from_s_transform(1 / (1 + 2 * z)).moments(3)
    (1, 3, 11)
    """
    expr = exact("S", s)
    return SLaw(f"law of S = {expr}", expr)


def from_r_transform(r: sp.Expr) -> Law:
    """The law with a given R-transform, regular at 0; that there is one is left to the caller.

    >>> from_r_transform(z + z**2).moments(3)
    (0, 1, 1)
    """
    expr = exact("R", r)
    if expr != 0 and from_expr(expr, z, 1).valuation < 0:
        raise DomainError(f"R must be regular at 0, for finite moments: {expr}")
    return RLaw(f"law of R = {expr}", expr)


def from_moments(moments: Sequence[Number]) -> Law:
    """A law of which m_1, …, m_n are known.

    >>> from_moments([1, 2, 5]).s_series(3).coefficients
    (1, -1, 1)
    """
    values = [rational("a moment", m) for m in moments]
    return SeriesLaw(f"law of {len(values)} moments", cumulants_from_moments(values))


def from_free_cumulants(cumulants: Sequence[Number]) -> Law:
    """A law of which κ_1, …, κ_n are known.

    >>> from_free_cumulants([0, 1, 0, 0]).moments(4)
    (0, 1, 0, 2)
    """
    values = tuple(rational("a cumulant", k) for k in cumulants)
    return SeriesLaw(f"law of {len(values)} free cumulants", values)


def bernoulli_limit(variance: Number) -> Law:
    """The limit L → ∞ of orthogonal layers with one slope: S = exp(−v z/(1+z)), mean 1.

    Args:
        variance: v = lim L(μ_2/μ_1² − 1), positive.

    Source: Pennington, Schoenholz and Ganguli, "The emergence of spectral universality in deep
        networks" (2018), the Bernoulli class.

    >>> bernoulli_limit(sp.S.Half).variance, bernoulli_limit(sp.S.Half).atoms()
    (1/2, ((exp(1/2), 1/2),))
    """
    v = _positive("the variance", variance)
    return LimitLaw(f"Bernoulli limit({v})", v, sp.S.Zero)


def smooth_limit(variance: Number) -> Law:
    """The limit L → ∞ of orthogonal layers with smooth φ: S = exp(−v z), mean 1.

    Args:
        variance: v = lim L(μ_2/μ_1² − 1), positive.

    Source: as for `bernoulli_limit`, the smooth class.

    >>> smooth_limit(sp.S.Half).moments(2), round(float(smooth_limit(sp.S.One).density(1)), 6)
    ((1, 3/2), 0.296764)
    """
    v = _positive("the variance", variance)
    return LimitLaw(f"smooth limit({v})", v, sp.S.One)


def _positive(name: str, value: Number) -> sp.Expr:
    number = rational(name, value)
    if number.is_positive is not True:
        raise DomainError(f"{name} must be positive, not {value}")
    return number


def _atom_at_zero(mass: sp.Expr) -> Atoms:
    """The atom at 0 that is left where its mass is positive."""
    return ((sp.S.Zero, sp.Max(0, sp.expand(mass))),)
