"""The critical line χ = 1 of a feed-forward network, and which of its points to begin with."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache

import numpy as np
import sympy as sp
from mpmath import mp

from freejac.initial_result import Initialisation
from freejac.initial_spectrum import SMALL, atoms, ends, spread_at_rest
from freejac.networks import Jacobian
from freejac.phase_grid import bound_kernels, numbers_for
from freejac.symbolic.activation import activation
from freejac.symbolic.ensembles import ensemble
from freejac.symbolic.errors import DomainError, Error, InputError, NoClosedForm
from freejac.symbolic.mean_field import MeanField
from freejac.symbolic.symbols import q as variance_symbol

__all__ = ["CriticalLine"]

_GRID = np.geomspace(1e-9, 1e6, 301)
_CRUMBS = 1e-13
_DIGITS = 30
_ORDINARY = (1e-2, 1e2)
_SOURCE = "Pennington, Schoenholz & Ganguli (2017), arXiv:1711.04735, eqs. (12)-(24)"


class CriticalLine:
    """The critical line of an activation, with the variance of JJᵀ along it."""

    def __init__(self, phi: str, depth: int, weights: str) -> None:
        self.phi, self.depth, self.weights = phi, depth, weights
        self.shown = activation(phi)
        k = bound_kernels(phi)
        with np.errstate(all="ignore"):
            slope, fourth = k.mu_1(_GRID), k.mu_2(_GRID)
            bias = _GRID - k.second_moment(_GRID) / slope
            variance = depth * (np.maximum(fourth / slope**2 - 1, 0) - _first(weights))
        real = bias >= -_CRUMBS * _GRID
        self.q, self.variances = _GRID[real], variance[real]
        if not self.q.size:
            raise Error(
                f"{phi} has no critical point: σ_b² = q − E[φ²]/E[φ′²] is negative for every q"
            )

    @property
    def least(self) -> float:
        """The least variance that the line comes to."""
        return float(self.variances.min())

    def at(self, q: float, reason: str) -> Initialisation:
        """The initialisation at a point of the line."""
        place = {variance_symbol: sp.Float(q, _DIGITS)}
        with mp.workdps(_DIGITS):
            weight, bias = (
                mp.mpf(numbers_for(self.shown, e).subs(place).evalf(_DIGITS))
                for e in MeanField(self.shown).critical_line()
            )
            if bias < -_CRUMBS * q:
                raise InputError(
                    f"q = {q:g} is not on the critical line of {self.phi}: "
                    f"σ_b² = q − E[φ²]/E[φ′²] = {float(bias):.4g} there"
                )
            scales = float(mp.sqrt(weight)), float(mp.sqrt(max(bias, 0)))
        return self._complete(q, *scales, reason)

    def below(self, target: float) -> Initialisation:
        """The point of largest q, from the left, at which the variance does not exceed a target."""
        inside = self.variances <= target
        if not inside.any():
            raise Error(self._unreachable(target))
        if inside.all():
            return replace(
                self.default(),
                reason=f"the variance is below {target:g} on the whole critical line",
            )
        first = int(np.argmax(inside))
        rest = np.flatnonzero(~inside[first:])
        last = first + (int(rest[0]) - 1 if rest.size else inside.size - 1 - first)
        q = self.q[last]
        if rest.size and self._neighbours(last):
            q = self._crossing(float(self.q[last]), float(self.q[last + 1]), target)
        return self.at(
            q, f"the largest q on the critical line with a variance of JJᵀ up to {target:g}"
        )

    def _neighbours(self, k: int) -> bool:
        """Whether the line goes on, without a gap, to its next point on the grid."""
        return bool(self.q[k + 1] < self.q[k] * (_GRID[1] / _GRID[0]) * (1 + 1e-9))

    def _crossing(self, low: float, high: float, target: float) -> float:
        """Halve between a q that keeps to the target and one that does not."""
        k = bound_kernels(self.phi)
        for _ in range(60):
            middle = math.sqrt(low * high)
            spread = float(k.mu_2(middle)) / float(k.mu_1(middle)) ** 2 - 1
            keeps = self.depth * (spread - _first(self.weights)) <= target
            low, high = (middle, high) if keeps else (low, middle)
        return low

    def _unreachable(self, target: float) -> str:
        reason = _why(self.phi, self.weights)
        return (
            f"{self.phi} with {self.weights} weights: at χ = 1 the variance of JJᵀ is "
            f"L (μ_2/μ_1² − 1 − s_1) ≥ {self.least:.6g} at every q, and not below {target:g} "
            f"({_SOURCE}): {reason}"
        )

    def default(self) -> Initialisation:
        """Where χ = χ_∥ = 1, if such a point attracts; else where the line begins."""
        found = MeanField(self.shown).universality(dict(self.shown.defaults))
        point = found.critical_point
        if point is None or found.name == "none":
            q, parallel = self._calmest()
            return self.at(
                q,
                f"on the critical line χ = 1, with χ_∥ = {parallel:.6g}; no point that attracts "
                "has χ_∥ = 1 as well",
            )
        if point.kind == "line":
            return self.at(1.0, "χ = χ_∥ = 1 at every q; q = 1 is shown")
        if point.kind == "isolated":
            return self.at(float(point.q), f"the point with χ = χ_∥ = 1: {found.explanation}")
        scale = float(numbers_for(self.shown, point.sigma_w).evalf(_DIGITS))
        return self._complete(0.0, scale, 0.0, f"χ = χ_∥ = 1 as q → 0: {found.explanation}")

    def _calmest(self) -> tuple[float, float]:
        """The q with χ_∥ nearest to 1, and of those the one nearest to 1 itself."""
        ordinary = (self.q >= _ORDINARY[0]) & (self.q <= _ORDINARY[1])
        among = self.q[ordinary] if ordinary.any() else self.q
        scale = 1 / np.sqrt(bound_kernels(self.phi).mu_1(among))
        parallel = bound_kernels(self.phi).chi_parallel(among, scale)
        away = np.round(np.abs(np.log(np.abs(parallel))), 6)
        best = np.lexsort((np.abs(np.log(among)), away))[0]
        return float(among[best]), float(parallel[best])

    def _complete(self, q: float, weight: float, bias: float, reason: str) -> Initialisation:
        k = bound_kernels(self.phi)
        chi = parallel = 1.0
        spread = spread_at_rest(self.phi)
        if q > SMALL:
            chi, parallel = float(k.chi(q, weight)), float(k.chi_parallel(q, weight))
            spread = max(0.0, float(k.mu_2(q)) / float(k.mu_1(q)) ** 2 - 1)
        variance = self.depth * (spread - _first(self.weights))
        place = (self.phi, self.weights, self.depth, q, weight)
        edges = ends(*place)
        return Initialisation(
            self.phi,
            "feedforward",
            self.weights,
            self.depth,
            weight,
            bias,
            q,
            chi,
            parallel,
            math.nan,
            1.0,
            1.0 + variance,
            variance,
            edges,
            atoms(*place),
            _condition(edges),
            reason,
        )


def _why(phi: str, weights: str) -> str:
    """The reason why the variance does not become small, as the theory of depth limits has it."""
    if weights == "gaussian":
        return "Gaussian weights alone have s_1 = −1, which is L; take orthogonal ones"
    try:
        Jacobian(phi, weights).depth_limit()
    except (DomainError, NoClosedForm) as reason:
        return str(reason)
    return "nowhere on the part of the line with σ_b² ≥ 0 is φ′² close enough to constant"


@lru_cache(maxsize=8)
def _first(weights: str) -> float:
    return float(ensemble(weights).s1)


def _condition(edges: tuple[float, float]) -> float:
    low, high = edges
    return math.inf if low == 0 else math.sqrt(high / low)
