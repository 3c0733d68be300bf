"""References for the density of J Jᵀ with a Bernoulli D²: one real unknown, bracketed, and proved.

With w = m + p = r e^{iβ} the equation of Gaussian weights, log λ real, is arg m − arg(1 + m) = Lβ:
on each ray 0 < β < π/L one circle through 0 and −1 has one point, so r follows from a quadratic;
F(w) = log λ is analytic without a critical point there, so it is monotone in β. The root is
bracketed at high precision, and then put into the defining equation, arguments without a multiple
of 2π: it is the branch that begins at m = 0, λ = ∞.

>>> value, _ = jacobian_density({"lam": 2.0, "p": 1.0, "sigma_w": 1.0, "depth": 1.0}, "gaussian")
>>> print(mpmath.nstr(value * 2 * mpmath.pi, 12))                      # Marchenko–Pastur
1.0
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

import mpmath
import sympy as sp
from mpmath import mp, mpf

from freejac.codegen.oracle import DIGITS, residual_density
from freejac.symbolic.depth_limits import DepthLimit, bernoulli_limit, smooth_limit
from freejac.symbolic.derivative_law import bernoulli
from freejac.symbolic.errors import NotConvergedError
from freejac.symbolic.jacobian import Jacobian
from freejac.symbolic.symbols import depth, p, sigma_w

__all__ = [
    "jacobian_atom",
    "jacobian_density",
    "jacobian_edge",
    "limit_atom",
    "limit_density",
    "limit_edge",
]

Values = Mapping[str, float]
Pair = tuple[mpf, mpf]
"""A value, and what its relative error is divided by."""

_GUARD = 40


def jacobian_density(values: Values, weights: str) -> Pair:
    """ρ(λ), or log ρ at a log λ, of equal layers with D² Bernoulli(p), λ inside the support.

    Raises:
        NotConvergedError: λ is not inside the support.
    """
    layers = int(values["depth"])
    with mp.workdps(DIGITS + _GUARD):
        level = mp.log(mpf(values["lam"])) if "lam" in values else mpf(values["log_lam"])
        share, shift = mpf(values["p"]), 2 * layers * mp.log(mpf(values["sigma_w"]))
        m = _solved(share, layers, level - shift, weights == "gaussian")
        density = m.imag / mp.pi * mp.exp(-level)
        if "lam" in values:
            return +density, mpf(1)
        return mp.log(density), max(mpf(1), abs(level)) / abs(mp.log(density))


def _solved(share: mpf, layers: int, level: mpf, is_gaussian: bool) -> mpmath.mpc:
    """The m above the real line with log λ = level, σ_w = 1."""
    if is_gaussian:
        w = _on_rays(share, layers, level)
    else:
        # (m+p)ᴸ/(m (1+m)ᴸ⁻¹) = (1−p) pᴸ⁻¹ wᴸ/(w − 1) at m = p (w−1)/(1−pw)
        w = _on_rays(mpf(1), layers - 1, level - mp.log1p(-share) - (layers - 1) * mp.log(share))
    above = 1 if is_gaussian else 1 - layers
    # next to λ = 0 m + p and 1 − p + m are that small
    with mp.workdps(mp.dps + int(abs(level) / layers) + 40):
        m = w - share if is_gaussian else share * (w - 1) / (1 - share * w)
        value = layers * mp.log(m + share) + above * mp.log(1 + m) - mp.log(m)
    if not (m.imag > 0 and abs(value - level) < mpf(10) ** (-DIGITS) * (1 + abs(level))):
        raise NotConvergedError(f"no m at log λ = {mp.nstr(level, 10)}")
    return m


def _on_rays(share: mpf, layers: int, level: mpf) -> mpmath.mpc:
    """The w = m + p of Gaussian weights."""
    sectors = layers + (share == 1)

    def point(logit: mpf) -> mpmath.mpc:
        rest = mp.pi / (1 + mp.exp(logit))
        angle = (mp.pi - rest) / sectors
        # cot Lβ and sin (L+1)β / sin Lβ, from the distance to the end of the sector
        if share == 1:
            return mp.expj(angle) * mp.sin(rest) / mp.sin(rest + angle)
        half = (mp.cos(angle) * (1 - 2 * share) + mp.sin(angle) * mp.cot(rest)) / 2
        root = mp.sqrt(half**2 + share * (1 - share))
        r = share * (1 - share) / (half + root) if half > 0 else root - half
        return mp.expj(angle) * r

    def miss(logit: mpf) -> mpf:
        w = point(logit)
        return layers * mp.log(abs(w)) + mp.log(abs((1 - share + w) / (w - share))) - level

    reach = abs(level) + abs(layers * mp.log(share)) + 50
    return point(_bracketed(miss, mpf(-120), reach + 120))


def _bracketed(function: Callable[[mpf], mpf], low: mpf, high: mpf) -> mpf:
    """The root of a falling function: halving, then secants that keep the bracket."""
    if not function(low) > 0 > function(high):
        raise NotConvergedError("λ is not inside the support")
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (middle, high) if function(middle) > 0 else (low, middle)
    at = mp.findroot(function, (low, high), solver="anderson", tol=mpf(10) ** (-2 * mp.dps + 20))
    if not low <= at <= high:
        raise NotConvergedError("the root left its bracket")
    return at


def jacobian_edge(name: str, values: Values, weights: str) -> Pair:
    """An end of the continuous spectrum, or the logarithm of the upper one."""
    lower, upper = _edges(weights, values["depth"] == 1)
    with mp.workdps(DIGITS + _GUARD):
        at = {symbol: mpf(values[symbol.name]) for symbol in (p, sigma_w)}
        at[depth] = mpf(values["depth"])
        edge = upper if name == "log_edge" else lower
        value = sp.lambdify(list(at), edge, "mpmath")(*at.values())
        if edge is lower:
            return mpf(value), mpf(1)
        return mp.log(value), max(mpf(1), 1 / abs(mp.log(value)))


@lru_cache
def _edges(weights: str, single: bool) -> tuple[sp.Expr, sp.Expr]:
    law = Jacobian(bernoulli(), weights, depth=1) if single else Jacobian(bernoulli(), weights)
    return law.edges()


def jacobian_atom(values: Values) -> Pair:
    """The mass that projections of rank p leave at the top: max(0, 1 − L(1 − p))."""
    with mp.workdps(DIGITS + _GUARD):
        return max(mpf(0), 1 - mpf(values["depth"]) * (1 - mpf(values["p"]))), mpf(1)


def limit_density(name: str, values: Values) -> Pair:
    """ρ(λ) of a depth limit, and 1 + |λ ρ′/ρ|.

    The Bernoulli class by Lambert's W, λ/σ₀² = exp(y)/y; the smooth class from the residual law.
    """
    lower, upper = _limit(name, values["sigma0"]).edges()
    with mp.workdps(DIGITS + _GUARD):
        square = mpf(values["sigma0"]) ** 2
        lam = mpf(values["lam"]) if "lam" in values else mp.exp(mpf(values["log_lam"]))
        if not mpf(lower.evalf(mp.dps)) < lam < mpf(upper.evalf(mp.dps)):
            return mpf(0), mpf(1)
        if name.startswith("smooth"):
            scale = mp.exp(square / 2)
            inside = {"lam": _exact(lam * scale), "cumulant": _exact(square / 2)}
            density, condition = residual_density(inside)
            return density * scale, 1 + condition
        # the conjugate of y has Im > 0; d log λ = (1 − 1/y) dy and 1 + m = 1/(1 − y/σ₀²)
        y = mp.conj(-mp.lambertw(-square / lam))
        above = 1 / (1 - y / square)
        slope = above**2 / square / (1 - 1 / y)
        density, condition = above.imag / (mp.pi * lam), 1 + abs(slope.imag / above.imag - 1)
        if "lam" in values:
            return density, condition
        logarithm = mp.log(density)
        return logarithm, condition * max(mpf(1), abs(mp.log(lam))) / abs(logarithm)


def _exact(number: mpf) -> sp.Rational:
    return sp.Rational(*map(int, mpmath.libmp.to_rational(number._mpf_)))


def limit_edge(name: str, values: Values) -> Pair:
    """An end of the spectrum of a depth limit, from `DepthLimit.edges`."""
    lower, upper = _limit(name, values["sigma0"]).edges()
    with mp.workdps(DIGITS + _GUARD):
        return mpf((upper if "upper" in name else lower).evalf(DIGITS + 10)), mpf(1)


def limit_atom(values: Values) -> Pair:
    """The mass of the atom of the Bernoulli class that is left."""
    found = dict(_limit("bernoulli", values["sigma0"]).atoms())
    with mp.workdps(DIGITS + _GUARD):
        return mpf(sum(found.values(), sp.S.Zero).evalf(DIGITS + 10)), mpf(1)


@lru_cache(maxsize=64)
def _limit(name: str, sigma0: float) -> DepthLimit:
    make = bernoulli_limit if name.startswith("bernoulli") else smooth_limit
    return make(sp.Rational(sigma0))
