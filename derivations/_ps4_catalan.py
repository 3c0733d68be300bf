"""Problem set 4, problem 4(a): the law of WWᵀ for Gaussian weights, by Catalan numbers."""

from __future__ import annotations

from typing import Any

import sympy as sp

from freejac.derivations._checks import (
    by_antiderivative,
    every,
    measured_moments,
    primitive_of_root,
)
from freejac.derivations._gaussian_entries import non_crossing_pairings
from freejac.symbolic.check import check, check_chain
from freejac.symbolic.check_families import check_each
from freejac.symbolic.check_functions import check_inverse, check_law
from freejac.symbolic.claims import Claim, Skipped
from freejac.symbolic.ensembles import wishart_mgf
from freejac.symbolic.symbols import lam, sigma_w, z
from freejac.symbolic.verdict import Verdict

__all__ = ["CLAIMS", "SKIPPED", "wishart_moment"]

shift = sp.Symbol("u", real=True)
ORDERS = 8
"""Coefficients that statements about all k are tried at."""


def _catalan(k: int) -> sp.Expr:
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


def _density_moments() -> Verdict:
    """Against Marchenko and Pastur's law at σ_w = 1; a scale only multiplies m_k."""
    density = sp.sqrt((4 - lam) / lam) / (2 * sp.pi)

    def one(k: int) -> Verdict:
        # λᵏ√((4−λ)/λ) = (u+2)^{k−1}√(4−u²) at λ = u + 2
        terms = sp.Poly((shift + 2) ** (k - 1), shift).terms()
        primitive = sum(
            factor * primitive_of_root(powers[0], sp.Integer(4), lam - 2)
            for powers, factor in terms
        )
        value = wishart_moment(k).subs(sigma_w, 1)
        return by_antiderivative(lam**k * density, primitive / (2 * sp.pi), (lam, 0, 4), value)

    return check_each(one, 1, 4)


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
        note="k ≤ 4, against Marchenko and Pastur's density, by a primitive",
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
        "ps4.4a.recurrence",
        "problem 4(a), solution",
        r"C_k = \sum_{j=0}^{k-1} C_j C_{k-j-1}",
        decide=lambda: check_each(lambda k: (_catalan(k), _convolved(k - 1, k - 1)), 1, 12),
        assumptions="k ≥ 1",
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
        decide=lambda: check_each(
            lambda k: (_coefficient_of_square(k - 1), _catalan(k)), 1, ORDERS
        ),
        note="the first eight coefficients",
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
