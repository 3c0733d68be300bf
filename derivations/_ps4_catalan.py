"""Problem set 4, problem 4(a): the law of WWᵀ for Gaussian weights, by Catalan numbers."""

from __future__ import annotations

from typing import Any

import sympy as sp

from freejac.derivations._checks import (
    by_antiderivative,
    every,
    measured_moments,
)
from freejac.derivations._gaussian_entries import non_crossing_pairings
from freejac.symbolic.check import check, check_chain
from freejac.symbolic.check_families import check_each
from freejac.symbolic.check_functions import check_inverse, check_law
from freejac.symbolic.check_numbers import check_sample
from freejac.symbolic.claims import Claim, Skipped
from freejac.symbolic.ensembles import wishart_mgf
from freejac.symbolic.symbols import lam, sigma_w, z
from freejac.symbolic.verdict import Verdict

__all__ = ["CLAIMS", "SKIPPED", "wishart_moment"]

t = sp.Symbol("t", positive=True)
"""σ_w²/z"""
FOUR_T_BELOW_ONE = sp.Lt(t, sp.Rational(1, 4))
order = sp.Symbol("k", integer=True, nonnegative=True)
ORDERS = 8
"""Coefficients that statements about all k are tried at."""


def _catalan(k: int | sp.Expr) -> sp.Expr:
    """C_k by its binomial."""
    return sp.binomial(2 * k, k) / (k + 1)


def _convolved(k: int, last: int) -> sp.Expr:
    """Σ_{j=0}^{last} C_j C_{k−j}."""
    return sp.Add(*(_catalan(j) * _catalan(k - j) for j in range(last + 1)))


def _coefficient_of_square(k: int) -> sp.Expr:
    """Of tᵏ in f², f = Σ C_j tʲ: from the double sum."""
    indices = range(k + 1)
    return sp.Add(*(_catalan(i) * _catalan(j) for i in indices for j in indices if i + j == k))


def wishart_moment(k: int) -> sp.Expr:
    """m_k of WWᵀ, as printed."""
    return sigma_w ** (2 * k) / (k + 1) * sp.binomial(2 * k, k)


def _mgf(root_factor: sp.Expr) -> sp.Expr:
    """The printed M of WWᵀ, and the mended one."""
    root = sp.sqrt(1 - 4 * sigma_w**2 / z)
    return z / (2 * sigma_w**2) - 1 - root_factor * root / 2


def _binomials(k: sp.Expr) -> Verdict:
    """Consecutive C_k by their binomials: (k+2) C_{k+1} = (4k+2) C_k, for every k."""
    return check((k + 2) * _catalan(k + 1), (4 * k + 2) * _catalan(k))


def _series() -> Verdict:
    """Σ C_k tᵏ = (1 − √(1−4t))/(2t): it solves the equation of the ratio, and is 1 at 0.

    The equation is (k+2) C_{k+1} = (4k+2) C_k, multiplied by t^{k+1} and summed over k.
    """
    closed = (1 - sp.sqrt(1 - 4 * t)) / (2 * t)
    return every(
        "Σ C_k tᵏ",
        _binomials(order),
        check(t * (1 - 4 * t) * sp.diff(closed, t) + (1 - 2 * t) * closed, 1, FOUR_T_BELOW_ONE),
        check(sp.Limit(closed, t, 0), 1),
    )


def _spectrum_sampled(simulate: Any) -> Verdict:
    """All eigenvalues of drawn matrices, against the primitive of the density."""
    drawn = simulate.wishart(200, draws=10, seed=16)
    below = sp.sqrt(lam * (4 - lam)) + 2 * sp.asin((lam - 2) / 2) + sp.pi
    distribution = sp.lambdify(lam, below / (2 * sp.pi), "math")
    sample = [min(float(value), 4.0) for value in drawn.values.ravel()]
    return check_sample(sample, distribution, bias=0.005, claim="2000 eigenvalues of WWᵀ")


def _functional_equation() -> Verdict:
    """T f² = f − 1, the recurrence for every k at once: products of series convolve."""
    closed = (1 - sp.sqrt(1 - 4 * t)) / (2 * t)
    return every("t f² = f − 1", _series(), check(t * closed**2, closed - 1, FOUR_T_BELOW_ONE))


def _density_moments() -> Verdict:
    """Against Marchenko and Pastur's law at σ_w = 1; a scale only multiplies m_k.

    The derivative of λ^{k+1/2}(4−λ)^{3/2}, which vanishes at both ends, is
    ((4k+2) − (k+2)λ) λᵏ times the density: the ratio of consecutive moments is that of the C_k.
    """
    density = sp.sqrt((4 - lam) / lam)
    inside = {lam: (0, 4)}
    boundary = lam ** (order + sp.S.Half) * (4 - lam) ** sp.Rational(3, 2)
    derivative = ((4 * order + 2) - (order + 2) * lam) * lam**order * density
    primitive = sp.sqrt(lam * (4 - lam)) + 2 * sp.asin((lam - 2) / 2)
    return every(
        "moments of the density",
        check(sp.diff(boundary, lam), derivative, inside),
        check(boundary.subs(lam, 0), 0),
        check(boundary.subs(lam, 4), 0),
        _binomials(order),
        by_antiderivative(density, primitive, (lam, 0, 4), 2 * sp.pi),
    )


def _cumulant_moments() -> Verdict:
    """Against the free Poisson law of rate 1, all of whose free cumulants are σ_w^{2n}."""
    orders = range(1, ORDERS + 1)
    return check_law(
        r=sigma_w**2 / (1 - sigma_w**2 * z), moments=[wishart_moment(k) for k in orders]
    )


def _sampled(simulate: Any) -> Verdict:
    drawn = simulate.wishart(100, draws=60, seed=4)
    exact = {k: wishart_moment(k).subs(sigma_w, 1) for k in (1, 2, 3, 4)}
    return measured_moments(drawn, exact, bias=0.01, claim="moments of WWᵀ")


def _quadratic(mgf: sp.Expr) -> Verdict:
    """The quadratic equation, and the branch: m_1/z + m_2/z² + … at infinity."""
    return every(
        "M of WWᵀ",
        check(sigma_w**2 / z * (mgf + 1) ** 2, mgf),
        check_law(mgf=mgf, moments=[wishart_moment(k) for k in range(1, 5)]),
    )


CLAIMS = (
    Claim(
        "ps4.4a.moments",
        "problem 4(a)",
        r"m_k = \frac{\sigma_w^{2k}}{k+1}\binom{2k}{k}",
        decide=_cumulant_moments,
        note="k ≤ 8, against the free cumulants σ_w^{2n}",
    ),
    Claim(
        "ps4.4a.pairings",
        "problem 4(a)",
        r"m_k = \sigma_w^{2k}C_k",
        decide=lambda: check_each(
            lambda k: (
                wishart_moment(k),
                sigma_w ** (2 * k) * non_crossing_pairings(("W", "w") * k),
            ),
            1,
            ORDERS,
        ),
        note="k ≤ 8, against the non-crossing pairings of WWᵀWWᵀ…WWᵀ, counted one by one",
    ),
    Claim(
        "ps4.4a.moments-of-density",
        "problem 4(a)",
        r"m_k = \int_0^4 \lambda^k \frac{\sqrt{(4-\lambda)/\lambda}}{2\pi}\,d\lambda",
        decide=_density_moments,
        assumptions="σ_w = 1",
        note="every k, against Marchenko and Pastur's density, by parts",
    ),
    Claim(
        "ps4.4a.moments-measured",
        "problem 4(a)",
        r"m_k = \tfrac1N \operatorname{tr}(WW^T)^k",
        experiment=_sampled,
        expected="not refuted",
        note="σ_w = 1, k ≤ 4: 60 matrices of size 100, 1 % allowed for the size",
    ),
    Claim(
        "ps4.4a.spectrum-measured",
        "problem 4(a), the density with these moments",
        r"\rho_{WW^T}(\lambda) = \frac{\sqrt{(4-\lambda)/\lambda}}{2\pi}",
        experiment=_spectrum_sampled,
        assumptions="σ_w = 1",
        expected="not refuted",
        note="ten matrices of size 200, by Kolmogorov's distance, 0.005 allowed for the size",
    ),
    Claim(
        "ps4.4a.recurrence",
        "problem 4(a), solution",
        r"C_k = \sum_{j=0}^{k-1} C_j C_{k-j-1}",
        decide=lambda: every(
            "the recurrence",
            _functional_equation(),
            check_each(lambda k: (_catalan(k), _convolved(k - 1, k - 1)), 1, 6),
        ),
        assumptions="k ≥ 1",
        note="for every k, by the series that the binomials sum to; and directly for k ≤ 6",
    ),
    Claim(
        "ps4.4a.collect",
        "problem 4(a), solution: f(x)² after collecting like terms",
        r"f(x)^2 = \sum_{k\ge0} \Bigl(\frac{\sigma_w^2}{z}\Bigr)^k \sum_{j=0}^{k-1} C_j C_{k-j}"
        r" = \sum_{k\ge0} \Bigl(\frac{\sigma_w^2}{z}\Bigr)^k C_{k+1}",
        decide=lambda: check_each(
            lambda k: check_chain(_coefficient_of_square(k), _convolved(k, k - 1), _catalan(k + 1)),
            0,
            ORDERS,
            claim="coefficients of (σ_w²/z)ⁿ",
        ),
        expected="refuted",
        note="the inner sum ends one term early; f is called f(x) though its variable is z",
        correction=Claim(
            "ps4.4a.collect.corrected",
            "problem 4(a), solution",
            r"f(x)^2 = \sum_{k\ge0} \Bigl(\frac{\sigma_w^2}{z}\Bigr)^k \sum_{j=0}^{k} C_j C_{k-j}"
            r" = \sum_{k\ge0} \Bigl(\frac{\sigma_w^2}{z}\Bigr)^k C_{k+1}",
            decide=lambda: check_each(
                lambda k: check_chain(_coefficient_of_square(k), _convolved(k, k), _catalan(k + 1)),
                0,
                ORDERS,
            ),
            note="the first nine coefficients",
        ),
    ),
    Claim(
        "ps4.4a.functional",
        "problem 4(a), solution",
        r"\frac{\sigma_w^2}{z}\bigl(M(z)+1\bigr)^2 = \sum_{k\ge1}"
        r"\Bigl(\frac{\sigma_w^2}{z}\Bigr)^k C_k = M(z)",
        decide=_functional_equation,
        note="f = 1 + M in t = σ_w²/z; every coefficient at once",
    ),
    Claim(
        "ps4.4a.mgf",
        "problem 4(a), solution: the solution of the quadratic equation",
        r"M_{WW^T}(z) = \frac{z}{2\sigma_w^2} - 1 - \frac12\sqrt{1 - \frac{4\sigma_w^2}{z}}",
        lhs=wishart_mgf,
        rhs=lambda: _mgf(sp.S.One),
        assumptions="the left side is the sum of the Catalan series",
        expected="refuted",
        note="the root has lost its factor z/σ_w²",
        correction=Claim(
            "ps4.4a.mgf.corrected",
            "problem 4(a), solution",
            r"M_{WW^T}(z) = \frac{z}{2\sigma_w^2} - 1"
            r" - \frac{z}{2\sigma_w^2}\sqrt{1 - \frac{4\sigma_w^2}{z}}",
            decide=lambda: _quadratic(_mgf(z / sigma_w**2)),
            note="it solves the equation and begins with the first four moments",
        ),
    ),
    Claim(
        "ps4.4a.inverse",
        "problem 4(a), solution",
        r"M_{WW^T}^{-1}(z) = \sigma_w^2 \frac{(z+1)^2}{z}",
        decide=lambda: check_inverse(sigma_w**2 * (z + 1) ** 2 / z, _mgf(z / sigma_w**2)),
    ),
    Claim(
        "ps4.4a.s",
        "problem 4(a)",
        r"S_{WW^T}(z) = \frac{1}{\sigma_w^2 (z+1)}",
        decide=lambda: every(
            "S of WWᵀ",
            check((1 + z) / (z * (sigma_w**2 * (z + 1) ** 2 / z)), 1 / (sigma_w**2 * (z + 1))),
            check_law(
                s=1 / (sigma_w**2 * (z + 1)), moments=[wishart_moment(k) for k in range(1, 6)]
            ),
        ),
        note="from M⁻¹, and against the first five moments",
    ),
)

SKIPPED = (
    Skipped(
        "problem 4(a), 'the product of two random Gaussian matrices'", "prose: W and its own Wᵀ"
    ),
)
