"""A law on [0, ∞) in numbers: its distribution function and moments, from density and atoms.

With u = log λ and g = λρ(λ) the distribution function is ∫ g du. Where the support ends at a
positive λ the density goes like a root, or like one over a root: u = edge ± t² makes g du analytic
there. Where it begins at 0 g falls like a power of λ, which is smooth in u: panels double on the
way down, and what is left below the last is the geometric tail. Every panel is a Legendre series,
bisected until its last terms are small, for the mass and for the fourth moment.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp, inf, log, sqrt
from typing import Any

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray

from freejac.symbolic.errors import DomainError, Error, NotConvergedError

__all__ = ["NumericLaw", "Spectrum"]

Array = NDArray[np.float64]
Weight = Callable[[Array], Array]
"""g = λρ(λ) at log λ, ascending."""

_NODES = 20
_NEAR_EDGE = 2.0
_FIRST = 4.0
_NARROWEST = 0.05
_CURVED = 0.25
"""Over which the curvature of log g is taken."""
_MOST_ROUNDS = 40
_MOST_PANELS = 4000
_HIGHEST = 4
_X, _W = legendre.leggauss(_NODES)
_COEFFICIENTS = (
    legendre.legvander(_X, _NODES - 1) * _W[:, None] * (np.arange(_NODES) + 0.5)[None, :]
).T
"""From values at the nodes to coefficients of the Legendre series."""


@dataclass(frozen=True)
class _Panel:
    """A stretch of a chart of log λ.

    Attributes:
        sign: +1, u = anchor + t² (above a lower edge); −1, u = anchor − t² (below an upper one);
            0, u = t.
        anchor: log λ of the edge.
        low, high: ends in t; below an upper edge t is negative.
        series: Legendre coefficients of g du/dt, after it was sampled.
    """

    sign: int
    anchor: float
    low: float
    high: float
    series: Any = None

    def u(self, t: Array) -> Array:
        """Log λ at t."""
        return t if self.sign == 0 else self.anchor + self.sign * t * t

    def t(self, u: Array) -> Array:
        """The inverse."""
        if self.sign == 0:
            return u
        return self.sign * np.sqrt(np.clip(self.sign * (u - self.anchor), 0.0, None))

    @property
    def half(self) -> float:
        """Half the length in t."""
        return (self.high - self.low) / 2

    @property
    def nodes(self) -> Array:
        """Where it is sampled, in t."""
        return np.asarray((self.low + self.high) / 2 + self.half * _X)

    def sampled(self, g: Array) -> _Panel:
        """The same with its series, from g at the nodes."""
        speed = 1.0 if self.sign == 0 else 2 * np.abs(self.nodes)
        return _Panel(self.sign, self.anchor, self.low, self.high, _COEFFICIENTS @ (g * speed))

    def split(self) -> tuple[_Panel, _Panel]:
        """Its halves."""
        middle = (self.low + self.high) / 2
        return (
            _Panel(self.sign, self.anchor, self.low, middle),
            _Panel(self.sign, self.anchor, middle, self.high),
        )

    def integral(self, k: int = 0, top: float = 0.0) -> float:
        """∫ e^{k(u − top)} g du over the panel."""
        if k == 0:
            return float(2 * self.half * self.series[0])
        values = legendre.legval(_X, self.series) * np.exp(k * (self.u(self.nodes) - top))
        return float(self.half * (_W @ values))

    def error(self, k: int = 0, top: float = 0.0) -> float:
        """The size of the last terms of that integrand's series, times the length."""
        series = self.series
        if k:
            values = legendre.legval(_X, self.series)
            series = _COEFFICIENTS @ (values * np.exp(k * (self.u(self.nodes) - top)))
        return float(self.half * np.abs(series[-3:]).max())

    def below(self, u: Array) -> Array:
        """∫ g du from the lower end up to u."""
        s = np.clip((self.t(u) - (self.low + self.high) / 2) / self.half, -1.0, 1.0)
        return np.asarray(self.half * legendre.legval(s, legendre.legint(self.series, lbnd=-1)))

    def at(self, u: float) -> tuple[float, float]:
        """Evaluate g and d log g/du inside a panel without an edge."""
        s = (u - (self.low + self.high) / 2) / self.half
        value = float(legendre.legval(s, self.series))
        slope = float(legendre.legval(s, legendre.legder(self.series))) / self.half
        return value, slope / value if value else inf


class NumericLaw(ABC):
    """A law on [0, ∞) in numbers: a continuous part and atoms.

    Attributes:
        support: the intervals of the continuous part, ascending.
        atoms: (location, mass) of each, ascending.
        mass: of the continuous part, as integrated.
    """

    support: tuple[tuple[float, float], ...]
    atoms: tuple[tuple[float, float], ...]
    mass: float

    @property
    def defect(self) -> float:
        """Mass and atoms together, less one."""
        return self.mass + sum(mass for _, mass in self.atoms) - 1

    @abstractmethod
    def _continuous(self, lam: Array) -> Array:
        """The mass of the continuous part below λ."""

    @abstractmethod
    def _continuous_moment(self, k: int) -> float:
        """∫ λᵏ over the continuous part."""

    def cdf(self, lam: Any) -> Array:
        """The probability of [0, λ], atoms included; of the shape of `lam`."""
        values = np.asarray(lam, dtype=np.float64)
        result = self._continuous(values)
        for location, mass in self.atoms:
            result = result + mass * (values >= location)
        return result

    def cdf_left(self, lam: Any) -> Array:
        """The probability of [0, λ): without an atom at λ."""
        values = np.asarray(lam, dtype=np.float64)
        result = self._continuous(values)
        for location, mass in self.atoms:
            result = result + mass * (values > location)
        return result

    def moment(self, k: int) -> float:
        """∫ λᵏ over the whole law, k from 0 to 4.

        Raises:
            DomainError: another k.
        """
        if k not in range(_HIGHEST + 1):
            raise DomainError(f"moments of order 0 to {_HIGHEST} are integrated, not {k}")
        return self._continuous_moment(k) + sum(m * x**k for x, m in self.atoms)

    def quantile(self, probability: float) -> float:
        """The least λ, to ten digits, with at least that probability below or at it.

        Raises:
            DomainError: the probability is not between 0 and 1.
        """
        if not 0 < probability < 1:
            raise DomainError(f"a probability between 0 and 1 has a quantile, not {probability}")
        if float(self.cdf(0.0)) >= probability:
            return 0.0
        low, high = -700.0, 700.0
        while high - low > 1e-10 * max(1.0, abs(low)):
            middle = (low + high) / 2
            enough = float(self.cdf(exp(middle))) >= probability
            low, high = (low, middle) if enough else (middle, high)
        return exp(high)


class Spectrum(NumericLaw):
    """Distribution function and moments of a law by its density.

    >>> def quarter_circle(u):                     # Marchenko–Pastur: √(λ(4−λ))/(2πλ)
    ...     return np.sqrt(np.exp(u) * (4 - np.exp(u))) / (2 * np.pi)
    >>> law = Spectrum(quarter_circle, [(0.0, 4.0)])
    >>> abs(law.defect) < 1e-8, [round(law.moment(k), 9) for k in (1, 2, 3)]
    (True, [1.0, 2.0, 5.0])
    >>> bool(abs(law.cdf(2.0) - (0.5 + 1 / np.pi)) < 1e-8)
    True
    """

    def __init__(
        self,
        weight: Weight,
        support: Sequence[tuple[float, float]],
        atoms: Sequence[tuple[float, float]] = (),
        *,
        tolerance: float = 1e-9,
        allowed: float = 1e-6,
    ) -> None:
        """Integrate.

        Args:
            weight: g = λρ(λ) as a function of an ascending array of log λ inside the support;
                what it raises at the far left, as 0, ends the panels there.
            support: intervals of the continuous part; the first may begin at 0, the last may end
                at infinity.
            atoms: (location, mass) of each.
            tolerance: error allowed to each panel, of the mass and relative to the fourth moment.
            allowed: the largest defect of the total mass that is accepted.

        Raises:
            DomainError: an interval or a mass is out of range.
            NotConvergedError: panels do not converge, or the total mass is not one.
        """
        self.support = tuple((float(a), float(b)) for a, b in support)
        self.atoms = tuple(sorted((float(x), float(m)) for x, m in atoms if m > 0))
        flat = [end for interval in self.support for end in interval]
        if (
            flat != sorted(flat)
            or any(end < 0 for end in flat)
            or any(m > 1 for _, m in self.atoms)
        ):
            raise DomainError("a law has ascending intervals in [0, ∞) and masses in [0, 1]")
        self._weight, self._tolerance = weight, tolerance
        self._panels: list[_Panel] = []
        self._tail = (0.0, 0.0, 0.0)
        for interval in self.support:
            self._add(*interval)
        self._panels.sort(key=lambda panel: float(panel.u(np.array(panel.low))))
        masses = [panel.integral() for panel in self._panels]
        self._starts = np.array([float(p.u(np.array(p.low))) for p in self._panels])
        self._before = self._tail[0] + np.concatenate([[0.0], np.cumsum(masses)])
        self.mass = float(self._before[-1])
        if abs(self.defect) > allowed:
            raise NotConvergedError(
                f"density and atoms have a total mass of 1 + {self.defect:.1e}: the density is not "
                "resolved, or an atom is missing"
            )

    def _continuous_moment(self, k: int) -> float:
        """The tail towards 0 counts for k = 0 alone."""
        tail = self._tail[0] if k == 0 else 0.0
        return tail + sum(panel.integral(k) for panel in self._panels)

    def _continuous(self, lam: Array) -> Array:
        """The mass of the continuous part below λ."""
        flat = np.ravel(lam)
        with np.errstate(divide="ignore"):
            u = np.log(np.clip(flat, 0.0, None))
        result = np.zeros(flat.shape)
        if not self._panels:
            return result.reshape(lam.shape)
        index = np.searchsorted(self._starts, u, side="right") - 1
        for k in np.unique(index):
            here = index == k
            if k < 0:
                mass, rate, start = self._tail
                result[here] = mass * np.exp(rate * (u[here] - start)) if mass else 0.0
            else:
                result[here] = self._before[k] + self._panels[k].below(u[here])
        return result.reshape(lam.shape)

    def _add(self, low: float, high: float) -> None:
        """Cut one interval into panels."""
        if low == high:
            return
        top = log(high) if high < inf else None
        bottom = log(low) if low > 0 else None
        if top is None or bottom is None:
            self._add_unbounded(bottom, top)
            return
        reach = min(_NEAR_EDGE**2, (top - bottom) / 2)
        root = sqrt(reach)
        panels = [_Panel(1, bottom, 0.0, root), _Panel(-1, top, -root, 0.0)]
        if top - bottom > 2 * reach:
            panels.insert(1, _Panel(0, 0.0, bottom + reach, top - reach))
        self._panels += self._resolved(panels)

    def _add_unbounded(self, bottom: float | None, top: float | None) -> None:
        """An interval that begins at 0 or ends at infinity."""
        if bottom is not None:
            self._panels += self._resolved([_Panel(1, bottom, 0.0, _NEAR_EDGE)])
            self._upwards(bottom + _NEAR_EDGE**2)
            return
        start = 0.0
        if top is None:
            self._upwards(start)
        else:
            self._panels += self._resolved([_Panel(-1, top, -_NEAR_EDGE, 0.0)])
            start = top - _NEAR_EDGE**2
        self._downwards(start)

    def _upwards(self, start: float) -> None:
        """Panels to the right until nothing is left, also of the fourth moment."""
        width = _FIRST / 2
        for _ in range(_MOST_ROUNDS):
            found = self._resolved([_Panel(0, 0.0, start, start + width)])
            self._panels += found
            start += width
            scale = sum(panel.integral(_HIGHEST, start) for panel in self._panels)
            last = found[-1]
            if last.integral(_HIGHEST, start) < 1e-2 * self._tolerance * scale:
                return
        raise NotConvergedError("the spectrum has a long upper tail: its moments are not resolved")

    def _downwards(self, start: float) -> None:
        """Panels to the left, doubling, until the rest is a known geometric tail."""
        width, lost = _FIRST, False
        while width > _NARROWEST:
            try:
                found = self._resolved([_Panel(0, 0.0, start - width, start)], positive=True)
            except Error:
                # the density is lost in rounding: as far down as it is not
                width, lost = width / 4, True
                continue
            self._panels += found
            start -= width
            self._tail, error = _geometric_tail(found)
            if error < self._tolerance:
                return
            width *= 1 if lost else 2
        if not self._panels:
            raise NotConvergedError("the density could not be evaluated near its upper end")

    def _resolved(self, panels: list[_Panel], *, positive: bool = False) -> list[_Panel]:
        """Sample panels, and halve those that their series does not resolve.

        Raises:
            NotConvergedError: that does not end; or g vanishes and should not.
        """
        waiting, done = panels, list[_Panel]()
        top = max(float(p.u(np.array(p.high))) for p in (*panels, *self._panels))
        known = sum(panel.integral(_HIGHEST, top) for panel in self._panels)
        for _ in range(_MOST_ROUNDS):
            waiting = self._sampled(waiting, positive)
            scale = known + sum(panel.integral(_HIGHEST, top) for panel in (*done, *waiting))
            coarse: list[_Panel] = []
            for panel in waiting:
                exact = panel.error() <= self._tolerance
                if exact and panel.error(_HIGHEST, top) <= self._tolerance * scale:
                    done.append(panel)
                else:
                    coarse += panel.split()
            if not coarse:
                return sorted(done, key=lambda panel: float(panel.u(np.array(panel.low))))
            if len(coarse) + len(done) > _MOST_PANELS:
                break
            waiting = coarse
        raise NotConvergedError("the density is not resolved by ever shorter panels")

    def _sampled(self, panels: list[_Panel], positive: bool) -> list[_Panel]:
        """All at once: the density is continued from one λ to the next."""
        u = np.concatenate([panel.u(panel.nodes) for panel in panels])
        order = np.argsort(u)
        g = np.empty(u.size)
        g[order] = self._weight(u[order])
        if not np.isfinite(g).all() or (g < 0).any() or (positive and (g == 0).any()):
            raise NotConvergedError(
                "the density has a value that is negative or not finite, or is lost in rounding"
            )
        return [
            panel.sampled(part)
            for panel, part in zip(panels, np.split(g, len(panels)), strict=True)
        ]


def _geometric_tail(panels: list[_Panel]) -> tuple[tuple[float, float, float], float]:
    """What is below ascending panels if g goes on falling there as a power of λ.

    A g = c₁t + c₂t² with t = λ^s has the rates s(1 + x/(1+x)), x = c₂t/c₁; two rates give s and x.
    The error is taken from the same guess without x, and from the curvature of log g, which is as
    large where g falls ever faster.

    Returns:
        (mass, rate of d log g/du, log λ), error.
    """
    start, end = panels[0].low, panels[-1].high
    value, rate = panels[0].at(start)
    if value <= 0:
        return (0.0, 0.0, start), 0.0
    middle = (start + end) / 2
    _, other = next(p for p in panels if p.low <= middle <= p.high).at(middle)
    if rate <= 0 or other <= 0:
        return (0.0, 0.0, start), inf
    growth = exp(min(rate * (middle - start), 50.0))
    power = rate - (other - rate) / (growth - 1)
    excess = rate / power - 1 if power > 0 else inf
    if not abs(excess) < 0.1:
        # g falls faster than a power: what is left is about as much as this, or less
        return (value / rate, rate, start), value / rate
    ratio = excess / (1 - excess)
    tail = value / power * (1 + ratio / 2) / (1 + ratio)
    step = min(_CURVED, panels[0].high - start)
    bend = (panels[0].at(start + step)[1] - rate) / step
    return (tail, rate, start), max(abs(tail - value / rate), value * abs(bend) / rate**3)
