"""Weight ensembles: the law of W Wᵀ of a layer, by its S-transform.

Every ensemble is normalised so that the mean squared singular value of W is σ_w²:
S_{WWᵀ}(z) = σ_w⁻² (1 + s_1 z + s_2 z² + …).

>>> ensemble("gaussian").s_transform, ensemble("orthogonal").s_transform
(1/(sigma_w**2*(z + 1)), sigma_w**(-2))
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache

import sympy as sp

from freejac.symbolic.errors import DomainError, InternalError, UnknownNameError
from freejac.symbolic.series import Series, from_expr
from freejac.symbolic.symbols import s1, sigma_w, z
from freejac.symbolic.transforms import (
    invert_mgf,
    mgf_from_stieltjes,
    s_transform,
    scale_mgf,
)

__all__ = [
    "Ensemble",
    "catalan_number",
    "catalan_series",
    "ensemble",
    "gaussian",
    "general",
    "orthogonal",
    "wishart_mgf",
]


@dataclass(frozen=True)
class Ensemble:
    """A biunitarily invariant ensemble of weights W.

    Attributes:
        name: how it is shown.
        s_transform: S_{WWᵀ} in z and σ_w, or None when only some coefficients are known.
        s_coefficients: (s_1, s_2, …) as far as they are known, when `s_transform` is None.
        atoms: (location, mass) of every atom of the law of W Wᵀ; None when not known.
        rectangular: whether weights of any shape are meant, with W_ij of variance σ_w²/N_in, so
            that S of an N_out × N_in layer is (ν_in/ν_out) S(z/ν_out), see
            `freejac.symbolic.layers`.

    Raises:
        DomainError: S(0) is not 1/σ_w².

    >>> Ensemble("mine", s_transform=(1 + z / 2) / sigma_w**2).s1
    1/2
    """

    name: str
    s_transform: sp.Expr | None = None
    s_coefficients: tuple[sp.Expr, ...] = ()
    atoms: tuple[tuple[sp.Expr, sp.Expr], ...] | None = None
    rectangular: bool = False

    def __post_init__(self) -> None:
        """Hold every ensemble to one normalisation, so that σ_w means the same in all."""
        if self.s_transform is not None and sp.cancel(self.leading * sigma_w**2) != 1:
            raise DomainError(
                f"ensemble {self.name}: S(0) must be 1/sigma_w**2, not {self.leading}; "
                "rescale it so that the mean squared singular value is sigma_w**2"
            )

    @property
    def leading(self) -> sp.Expr:
        """S(0), the inverse of the mean squared singular value."""
        return self.s_series(1).leading

    @property
    def s1(self) -> sp.Expr:
        """s_1 in S = σ_w⁻²(1 + s_1 z + …): −1 for Gaussian, 0 for orthogonal weights."""
        return self.s_series(2).unit[1]

    def s_series(self, terms: int) -> Series:
        """S as a series known to `terms` terms.

        Raises:
            DomainError: more terms are asked than the ensemble knows.
        """
        if self.s_transform is not None:
            return from_expr(self.s_transform, z, terms)
        if terms > len(self.s_coefficients) + 1:
            raise DomainError(
                f"ensemble {self.name} gives s_1 … s_{len(self.s_coefficients)} only; "
                f"s_{terms - 1} is needed"
            )
        unit = (sp.S.One, *self.s_coefficients)[:terms]
        return Series.of([s / sigma_w**2 for s in unit])


def ensemble(spec: str | Ensemble) -> Ensemble:
    """Look an ensemble up by its name, or pass an `Ensemble` through.

    Args:
        spec: "gaussian" (W_ij of variance σ_w²/N), "orthogonal" (σ_w × Haar), or an `Ensemble`.

    Raises:
        UnknownNameError: the name is not known; a near match is suggested.

    >>> ensemble("orthogonal").s1
    0
    """
    if isinstance(spec, Ensemble):
        return spec
    makers = {"gaussian": gaussian, "orthogonal": orthogonal}
    if spec not in makers:
        near = get_close_matches(str(spec).lower(), makers, n=1)
        hint = f"did you mean {near[0]}?" if near else f"choose one of {', '.join(makers)}"
        raise UnknownNameError(f"unknown weight ensemble {spec!r}", hint=hint)
    return makers[spec]()


def catalan_number(k: sp.Expr) -> sp.Expr:
    """C_k = (2k choose k)/(k + 1), for an integer k ≥ 0 or a symbol for one.

    >>> [catalan_number(sp.Integer(k)) for k in range(5)]
    [1, 1, 2, 5, 14]
    """
    return sp.binomial(2 * k, k) / (k + 1)


def catalan_series(t: sp.Symbol) -> sp.Expr:
    """Sum f(t) = Σ_{k≥0} C_k tᵏ in closed form.

    The convolution recurrence C_{k+1} = Σ C_j C_{k−j} says f = 1 + t f²; its root with f(0) = 1 is
    the candidate. It is accepted only when it solves the linear differential equation that the
    ratio C_{k+1}/C_k, rational in k, gives for the sum; with f(0) = C_0 that equation has one
    power series solution, so the sum is proved for the C_k as defined by the binomial.

    Args:
        t: the variable.

    Raises:
        InternalError: the candidate is not the sum.

    >>> catalan_series(sp.Symbol("t"))
    -sqrt(1 - 4*t)/(2*t) + 1/(2*t)
    """
    unknown = sp.Dummy("f")
    roots = sp.roots(sp.Poly(1 + t * unknown**2 - unknown, unknown))
    beginnings = {root: from_expr(root, t, 1) for root in roots}
    start = Series.of([catalan_number(sp.S.Zero)])
    (closed,) = (root for root, beginning in beginnings.items() if beginning == start)
    if sp.expand(sp.radsimp(sp.together(_recurrence_residual(closed, t)))) != 0:
        raise InternalError("the sum of the Catalan series fails the equation of its term ratio")
    return closed


def _recurrence_residual(f: sp.Expr, t: sp.Symbol) -> sp.Expr:
    """What f leaves of the differential equation for Σ C_k tᵏ.

    With C_{k+1}/C_k = P(k)/Q(k) and θ = t d/dt, multiplying Q(k) C_{k+1} = P(k) C_k by t^{k+1} and
    summing gives Q(θ − 1) f − Q(−1) C_0 = t P(θ) f.
    """
    k = sp.Dummy("k", integer=True, nonnegative=True)
    ratio = sp.combsimp(catalan_number(k + 1) / catalan_number(k))
    above, below = (sp.Poly(part, k) for part in sp.fraction(sp.together(ratio)))

    def applied(polynomial: sp.Poly) -> sp.Expr:
        """P(θ) f, by Horner's rule in the operator θ."""
        result = sp.S.Zero
        for coefficient in polynomial.all_coeffs():
            result = t * sp.diff(result, t) + coefficient * f
        return result

    shifted = below.compose(sp.Poly(k - 1, k))
    return applied(shifted) - below.eval(-1) * catalan_number(sp.S.Zero) - t * applied(above)


@lru_cache(maxsize=1)
def wishart_mgf() -> sp.Expr:
    """M of W Wᵀ for square Gaussian W from its moments C_k σ_w^{2k}: f(σ_w²/z) − 1.

    Source: Depth First Learning, "Resurrecting the sigmoid", problem set 4, 4(a). It prints
        z/(2σ_w²) − 1 − √(1 − 4σ_w²/z)/2, which does not vanish at infinity; the root carries
        the factor z/σ_w².

    >>> wishart_mgf()
    -1 - z*sqrt(-4*sigma_w**2/z + 1)/(2*sigma_w**2) + z/(2*sigma_w**2)
    """
    t = sp.Dummy("t")
    return catalan_series(t).subs(t, sigma_w**2 / z) - 1


@lru_cache(maxsize=1)
def gaussian() -> Ensemble:
    """Square Gaussian weights: S = 1/(σ_w²(1+z)), by summing and inverting the Catalan series.

    >>> gaussian().s1
    -1
    """
    closed = s_transform(invert_mgf(wishart_mgf()))
    return Ensemble("gaussian", closed, atoms=(), rectangular=True)


@lru_cache(maxsize=1)
def orthogonal() -> Ensemble:
    """σ_w × Haar orthogonal weights: W Wᵀ = σ_w², the point mass, S = 1/σ_w².

    >>> orthogonal().atoms
    ((sigma_w**2, 1),)
    """
    identity = mgf_from_stieltjes(1 / (z - 1))
    law = invert_mgf(scale_mgf(identity, sigma_w**2))
    return Ensemble("orthogonal", s_transform(law), atoms=((sigma_w**2, sp.S.One),))


def general(terms: int = 1) -> Ensemble:
    """Make an ensemble of which s_1, …, s_terms are symbols.

    Args:
        terms: how many coefficients are named (≥ 1); moments up to terms + 1 follow from them.

    >>> general().s1
    s_1
    """
    names = [s1] + [sp.Symbol(f"s_{k}", real=True) for k in range(2, terms + 1)]
    return Ensemble("general", s_coefficients=tuple(names))
