"""References for kernels: high-precision values from definitions, never from our closed forms.

Gaussian means are integrated by `symbolic.quadrature`; here are the laws that are no integrals.

>>> print(mpmath.nstr(residual_edge("upper_edge", {"cumulant": 1}), 12))
21.0944232477
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import mpmath
import sympy as sp
from mpmath import mp, mpf

from freejac.symbolic.errors import NotConvergedError

__all__ = [
    "DIGITS",
    "DUAL_DIGITS",
    "moment_law",
    "residual_density",
    "residual_edge",
    "residual_stieltjes",
]

DIGITS = 50
"""Digits to which every reference is good, but those of duals."""
DUAL_DIGITS = 20
"""Digits to which references of duals are good."""

Exact: TypeAlias = int | float | sp.Rational


def _mpf(value: Exact) -> mpf:
    exact = sp.Rational(value)
    return mpf(exact.p) / exact.q


def moment_law(name: str, values: Mapping[str, Exact]) -> mpf:
    """m₁, m₂ or the variance of JJᵀ, summed from Lagrange's formula at exact numbers.

    m_k = (1/k) [z^{k−1}] ((1+z)/S(z))^k with S(z) = (S_{D²}(z) S_{WᵀW}(z))^L, to first order in z.
    """
    mu_1, sigma_w, depth = (sp.Rational(values[k]) for k in ("mu_1", "sigma_w", "depth"))
    with mp.workdps(DIGITS + 400):
        # 1/S = (σ_w² μ₁)^L (1 − L (s₁ + t₁) z + …), where S_{D²} = (1 + t₁ z + …)/μ₁ and
        # t₁ = 1 − μ₂/μ₁²: inverting M_{D²} = μ₁/ζ + μ₂/ζ² to second order.
        scale = _mpf(sigma_w**2 * mu_1) ** int(depth)
        if name == "m_1":
            return scale
        first = 1 - _mpf(sp.Rational(values["mu_2"]) / mu_1**2) + _mpf(sp.Rational(values["s_1"]))
        slope = 1 - int(depth) * first
        # (1/2) [z] ((1 + z)/S)² = scale² · (coefficient of z in (1 + z)/S, normalised).
        second = scale**2 * slope
        return second if name == "m_2" else second - scale**2


def residual_edge(name: str, values: Mapping[str, Exact]) -> mpf:
    """End of the support: where λ as a function of m = M(λ) is stationary."""
    with mp.workdps(DIGITS + 10):
        c = _mpf(values["cumulant"])
        # log λ(m) = log((1 + m)/m) + c (1 + 2m) is stationary where 2c m (1 + m) = 1.
        lower, upper = sorted(mpmath.polyroots([2 * c, 2 * c, -1], extraprec=200))
        m = upper if name == "upper_edge" else lower
        return mpmath.exp(mpmath.log((1 + m) / m) + c * (1 + 2 * m))


def residual_stieltjes(lam: Exact, cumulant: Exact) -> mpmath.mpc:
    """G(λ) of a residual network, λ inside the support, by Newton's method.

    The root of G = (zG − 1) exp(c(1 − 2zG)) is followed from G ≈ 1/z at large Im z down to the
    real line, and refined there.

    Raises:
        NotConvergedError: λ is on an edge.
    """
    with mp.workdps(DIGITS + 20):
        at, c = _mpf(lam), _mpf(cumulant)
        with mp.workdps(20):
            z = mpmath.mpc(at, 100 * (1 + at) * mpmath.exp(4 * c))
            u = 1 + mpmath.exp(c) / z  # m₁ = e^c
            while z.imag > at * mpf("1e-8"):
                u = _newton(z, u, c, 12)
                z = mpmath.mpc(at, z.imag * mpf("0.8"))
        g = _newton(mpmath.mpc(at), u, c, DIGITS + 5) / at
        # The equation is real at real z: with G its conjugate is a root, and −Im G/π = ρ ≥ 0.
        return g if g.imag <= 0 else mpmath.conj(g)


def _newton(z: mpmath.mpc, u: mpmath.mpc, c: mpf, digits: int) -> mpmath.mpc:
    """Root u = zG of the logarithm of the equation, which is well scaled for every z."""
    for _ in range(200):
        residual = mpmath.log((u - 1) / u * z) + c * (1 - 2 * u)
        step = residual / (1 / (u - 1) - 1 / u - 2 * c)
        u -= step
        if abs(step) < abs(u) * mpf(10) ** -digits:
            return u
    raise NotConvergedError(f"no Green's function at z = {mpmath.nstr(z, 8)}")


def residual_density(values: Mapping[str, Exact]) -> tuple[mpf, mpf]:
    """ρ(λ) and |λ ρ′/ρ| of a residual network, λ inside the support."""
    with mp.workdps(DIGITS + 20):
        lam, c = (_mpf(values[k]) for k in ("lam", "cumulant"))
        g = residual_stieltjes(values["lam"], values["cumulant"])
        u = lam * g
        # d/dz of the logarithmic equation: u′ (1/(u−1) − 1/u − 2c) + 1/z = 0.
        slope = -1 / lam / (1 / (u - 1) - 1 / u - 2 * c)
        density = -g.imag / mp.pi
        derivative = -mpmath.im(slope / lam - u / lam**2) / mp.pi
        return density, abs(lam * derivative / density)
