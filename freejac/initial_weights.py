"""Initialisation: the (σ_w, σ_b) at which a deep network keeps its signals and its gradients.

>>> found = initialisation("tanh", 32, weights="orthogonal", variance=0.25)
>>> round(found.variance, 6), round(found.sigma_w, 6), round(found.chi, 12)
(0.25, 1.034165, 1.0)
>>> initialisation("relu", 10).sigma_w == 2**0.5
True
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import sympy as sp
from mpmath import mp
from numpy.typing import NDArray

from freejac.networks import Jacobian, ResNet
from freejac.phase_grid import bound_kernels, numbers_for
from freejac.residual_signal import effective_cumulant
from freejac.symbolic.activation import Activation, activation
from freejac.symbolic.derivative_law import AtomicLaw, DerivativeLaw
from freejac.symbolic.ensembles import ensemble
from freejac.symbolic.errors import DomainError, Error, InputError, NoClosedForm
from freejac.symbolic.mean_field import MeanField
from freejac.symbolic.symbols import cumulant as cumulant_symbol
from freejac.symbolic.symbols import depth as depth_symbol
from freejac.symbolic.symbols import q as variance_symbol
from freejac.symbolic.symbols import sigma_w as scale_symbol
from freejac.symbolic.time_limit import OutOfTime, at_most

__all__ = ["Initialisation", "density", "initialisation"]

Array = NDArray[np.float64]

_GRID = np.geomspace(1e-9, 1e6, 301)
_CRUMBS = 1e-13
_SMALL = 1e-9
_DIGITS = 30
_CLOSE = 1e-15
_PATIENCE = 20.0
_ORDINARY = (1e-2, 1e2)
_DEEPEST = 10**6
_DEFAULT_VARIANCE = 0.25
_DEFAULT_CUMULANT = 0.125
_SOURCE = "Pennington, Schoenholz & Ganguli (2017), arXiv:1711.04735, eqs. (12)-(24)"


@dataclass(frozen=True)
class Initialisation:
    """Weights and biases to begin with, and what to expect of them.

    Attributes:
        activation: name or text of φ.
        architecture: "feedforward" or "residual".
        weights: "gaussian" or "orthogonal".
        depth: the number of layers L.
        sigma_w: σ_w: W_ij has variance σ_w²/N_in, or σ_w²/(L N_in) in a residual network;
            orthogonal weights are σ_w times a Haar matrix.
        sigma_b: σ_b, the standard deviation of the biases.
        q: the variance of the pre-activations: q* at every layer, or, of a residual network, that
            of the first; 0 for the limit q → 0.
        chi: χ at q*, 1 in a feed-forward network; nan in a residual one.
        chi_parallel: χ_∥ at q*; nan in a residual network.
        cumulant: the effective cumulant of a residual network; nan in a feed-forward one.
        moment_1: m_1 of JJᵀ.
        moment_2: m_2 of JJᵀ.
        variance: m_2 − m_1².
        edges: the lowest and the largest eigenvalue of JJᵀ, atoms included; nan where they are not
            resolved.
        atoms: (place, mass) of each atom of JJᵀ.
        condition_number: largest over smallest singular value of J.
        reason: how the point was chosen.
    """

    activation: str
    architecture: str
    weights: str
    depth: int
    sigma_w: float
    sigma_b: float
    q: float
    chi: float
    chi_parallel: float
    cumulant: float
    moment_1: float
    moment_2: float
    variance: float
    edges: tuple[float, float]
    atoms: tuple[tuple[float, float], ...]
    condition_number: float
    reason: str

    @property
    def length_growth(self) -> float:
        """χ_∥ᴸ: what becomes of a small deviation of q from q* at the last layer."""
        return self.chi_parallel**self.depth


def initialisation(
    phi: str,
    depth: int,
    *,
    architecture: str = "feedforward",
    weights: str = "gaussian",
    variance: float | None = None,
    cumulant: float | None = None,
    q: float | None = None,
    sigma_b: float = 0.0,
    input_square: float = 1.0,
) -> Initialisation:
    """Find the scales of weights and biases for a network.

    Args:
        phi: an activation, as `freejac.kernels` takes it.
        depth: the number of layers L.
        architecture: "feedforward", at criticality (χ = 1), or "residual".
        weights: "gaussian" or "orthogonal"; Gaussian in a residual network.
        variance: what the variance of the eigenvalues of JJᵀ shall not exceed (feed-forward);
            1/4 where orthogonal weights reach it, when left out.
        cumulant: the effective cumulant (residual); 1/8 when left out.
        q: the point of the critical line to take (feed-forward), in place of a variance.
        sigma_b: standard deviation of the biases (residual).
        input_square: mean square of the entries of the input (residual).

    Raises:
        InputError: an argument is out of range, or does not go with the architecture.
        Error: there is no critical point, or none keeps the variance below the target; the
            message says what can be reached, and why not less.

    Source: Pennington, Schoenholz & Ganguli (2017), arXiv:1711.04735, and (2018),
        arXiv:1802.09979; Tarnowski et al. (2019), arXiv:1809.08848, sections II.2 and III.1.

    >>> initialisation("relu", 32, weights="orthogonal", variance=1)
    Traceback (most recent call last):
        ...
    freejac.symbolic.errors.Error: relu with orthogonal weights: at χ = 1 the variance of JJᵀ is \
L (μ_2/μ_1² − 1 − s_1) ≥ 32 at every q, and not below 1 (Pennington, Schoenholz & Ganguli (2017), \
arXiv:1711.04735, eqs. (12)-(24)): relu: no value of φ′² becomes certain as q → 0, so the \
variance grows with the depth
    >>> found = initialisation("relu", 10, architecture="residual", cumulant=0.5)
    >>> round(found.sigma_w, 12), round(found.moment_1, 6)       # c = σ_w²/2, m_1 = eᶜ
    (1.0, 1.648721)
    """
    _require(depth, {"variance": variance, "cumulant": cumulant, "q": q})
    if architecture == "residual":
        if variance is not None or q is not None or weights != "gaussian":
            raise InputError(
                "a residual network has gaussian weights here, and a cumulant for its target"
            )
        return _residual(phi, depth, cumulant or _DEFAULT_CUMULANT, sigma_b, input_square)
    if architecture != "feedforward":
        raise InputError(f"the architecture is feedforward or residual, not {architecture!r}")
    if weights not in ("gaussian", "orthogonal"):
        raise InputError(f"weights are gaussian or orthogonal, not {weights!r}")
    if cumulant is not None or sigma_b:
        raise InputError("cumulant and sigma_b belong to residual networks; give a variance or q")
    if q is not None and variance is not None:
        raise InputError("give q or a variance, not both")
    line = _Line(phi, depth, weights)
    if q is not None:
        return line.at(q, "the point of the critical line χ = 1 that was asked for")
    if variance is not None:
        return line.below(variance)
    if weights == "orthogonal" and line.least < _DEFAULT_VARIANCE:
        return line.below(_DEFAULT_VARIANCE)
    return line.default()


def _require(depth: object, targets: Mapping[str, float | None]) -> None:
    """Refuse a depth that is no number of layers, and targets that are not positive."""
    if isinstance(depth, bool) or not isinstance(depth, int) or not 1 <= depth <= _DEEPEST:
        raise InputError(f"the depth is a whole number from 1 to {_DEEPEST}, not {depth!r}")
    for name, value in targets.items():
        if value is not None and not (value > 0 and math.isfinite(value)):
            raise InputError(f"{name} must be positive and finite, not {value}")


class _Line:
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
        inside = max(q, 1e-12)
        chi, parallel = (
            float(k.chi(inside, weight)),
            float(bound_kernels(self.phi).chi_parallel(inside, weight)),
        )
        spread = max(0.0, float(k.mu_2(inside)) / float(k.mu_1(inside)) ** 2 - 1)
        if q <= _SMALL:
            spread = 0.0
        variance = self.depth * (spread - _first(self.weights))
        edges, atoms = _spectrum(self.shown, self.weights, self.depth, q, weight)
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
            atoms,
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


def _spectrum(
    phi: Activation, weights: str, depth: int, q: float, weight: float
) -> tuple[tuple[float, float], tuple[tuple[float, float], ...]]:
    """The lowest and the largest eigenvalue, and the atoms."""
    law = _law_at(phi, weights, q, weight)
    values = {variance_symbol: q, scale_symbol: weight, depth_symbol: depth}
    try:
        atoms = tuple(
            (
                float(numbers_for(phi, place).subs(values)),
                float(numbers_for(phi, mass).subs(values)),
            )
            for place, mass in law.atoms()
        )
    except NoClosedForm:  # no finite set of atoms
        atoms = ()
    atoms = tuple(atom for atom in atoms if atom[1] > 0)
    try:
        with at_most(_PATIENCE):
            parts = law.support(q=q or None, sigma_w=weight, depth=depth)
    except (Error, OutOfTime):
        # Where φ′² is largest far out, its law has tails that no double holds, up to edges that no
        # network shows.
        return (math.nan, math.nan), atoms
    ends = [end for part in parts for end in part] + [place for place, _ in atoms]
    if not ends or not all(map(math.isfinite, ends)):
        return (math.nan, math.nan), atoms
    return (min(ends), max(ends)), atoms


def _law_at(phi: Activation, weights: str, q: float, weight: float) -> Jacobian:
    """The law of JJᵀ; as q → 0 on the critical line D² tends to the constant 1/σ_w²."""
    if q > _SMALL:
        return Jacobian(phi, weights)
    constant: DerivativeLaw = AtomicLaw(phi.name, ((sp.Float(weight**-2, 17), 1),))
    return Jacobian(constant, weights)


def _condition(edges: tuple[float, float]) -> float:
    low, high = edges
    return math.inf if low == 0 else math.sqrt(high / low)


def _residual(
    phi: str, depth: int, target: float, sigma_b: float, input_square: float
) -> Initialisation:
    """Choose σ_w so that the effective cumulant is the target."""
    if not (sigma_b >= 0 and math.isfinite(sigma_b)):
        raise InputError(f"sigma_b must be ≥ 0 and finite, not {sigma_b}")
    if not (input_square > 0 and math.isfinite(input_square)):
        raise InputError(f"the mean square of the input must be positive, not {input_square}")

    def first(weight: float) -> float:
        return weight**2 * input_square / depth + sigma_b**2

    def excess(log_weight: float) -> float:
        weight = math.exp(log_weight)
        found = float(effective_cumulant(phi, depth, weight, sigma_b, first(weight)))
        return math.log(found / target) if found > 0 else math.nan

    weight = math.exp(_root(excess, phi))
    law, number = ResNet(), float(effective_cumulant(phi, depth, weight, sigma_b, first(weight)))
    values = {cumulant_symbol: number}
    low, high, condition, mean, second, variance = (
        float(expr.subs(values).evalf())
        for expr in (
            *law.edges(),
            law.condition_number,
            law.moment(1),
            law.moment(2),
            law.variance,
        )
    )
    return Initialisation(
        phi,
        "residual",
        "gaussian",
        depth,
        weight,
        sigma_b,
        first(weight),
        math.nan,
        math.nan,
        number,
        mean,
        second,
        variance,
        (low, high),
        (),
        condition,
        f"the effective cumulant is {target:g}, for an input of mean square {input_square:g}",
    )


def _root(excess: Callable[[float], float], phi: str) -> float:
    """Bracket log σ_w from below, and close in on it by the Illinois rule."""
    low = high = math.log(1e-2)
    f_low = f_high = excess(low)
    while f_high < 0 and high < math.log(1e3):
        low, f_low = high, f_high
        high += 0.5
        f_high = excess(high)
    if not f_low < 0 <= f_high:
        raise Error(f"no σ_w from 1/100 to 1000 gives {phi} that effective cumulant")
    for _ in range(60):
        middle = (low * f_high - high * f_low) / (f_high - f_low)
        found = excess(middle)
        if abs(found) < _CLOSE or abs(high - low) < _CLOSE:
            return middle
        if found * f_high < 0:
            low, f_low = high, f_high
        else:
            f_low /= 2
        high, f_high = middle, found
    return high


def density(found: Initialisation, lam: Array) -> Array | None:
    """The density of the eigenvalues of JJᵀ that an initialisation has, or None if not resolved."""
    try:
        if found.architecture == "residual":
            return ResNet().density(lam, cumulant=found.cumulant)
        law = _law_at(activation(found.activation), found.weights, found.q, found.sigma_w)
        with at_most(_PATIENCE):
            return law.density(
                lam, q=found.q or None, sigma_w=found.sigma_w, depth=found.depth, digits=9
            )
    except (Error, OutOfTime):
        return None
