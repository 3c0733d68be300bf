"""A stretch of a spectrum over log λ: where it is sampled, its Legendre series and its integrals.

With u = log λ and g = λρ(λ), g du/dt is a Legendre series in a chart t: u itself, or u = edge ± t²
next to an edge, where g goes like a root, or like one over a root, and g du/dt is analytic.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, inf
from typing import Any

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray

__all__ = ["Panel", "geometric_tail"]

Array = NDArray[np.float64]

_NODES = 20
_CURVED = 0.25
"""Over which the curvature of log g is taken."""
_X, _W = legendre.leggauss(_NODES)
_COEFFICIENTS = (
    legendre.legvander(_X, _NODES - 1) * _W[:, None] * (np.arange(_NODES) + 0.5)[None, :]
).T
"""From values at the nodes to coefficients of the Legendre series."""


@dataclass(frozen=True)
class Panel:
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

    def sampled(self, g: Array) -> Panel:
        """The same with its series, from g at the nodes."""
        speed = 1.0 if self.sign == 0 else 2 * np.abs(self.nodes)
        return Panel(self.sign, self.anchor, self.low, self.high, _COEFFICIENTS @ (g * speed))

    def split(self) -> tuple[Panel, Panel]:
        """Its halves."""
        middle = (self.low + self.high) / 2
        return (
            Panel(self.sign, self.anchor, self.low, middle),
            Panel(self.sign, self.anchor, middle, self.high),
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


def geometric_tail(panels: list[Panel]) -> tuple[tuple[float, float, float], float]:
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
