"""Means of φ′² with a pole on the real line: their principal values, and what they lack.

For 1/κ among the values of φ′², seen from above,
    M(1/κ) = E[κφ′²/(1 − κφ′²)] = P − i π R,   R = Σ N(h; 0, q) |φ′/(2φ″)| over φ′(h)² = 1/κ,
with P the principal value. Panels next to a pole are symmetric about it: an even number of nodes
takes the principal value by itself. R is known relatively however small it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from mpmath import mp

from freejac.symbolic.errors import NotConvergedError
from freejac.symbolic.slope_branches import SlopeBranch
from freejac.symbolic.slope_panels import Panel, SlopeMeans, SlopePanels

__all__ = ["Poles", "PrincipalMeans"]

_MOST_HALVINGS = 60
_EXACT = 9
"""Digits of the guard that cancellation next to a pole may take."""


class _Pole(NamedTuple):
    """A place where φ′(h)² = 1/κ.

    Attributes:
        h: it, in units of √q.
        steep: the derivative of κφ′² there.
        mass: the density of h/√q.
        slope: φ′, of the piece.
    """

    h: Any
    steep: Any
    mass: Any
    slope: Any


class Poles(NamedTuple):
    """What the poles at one κ amount to.

    Attributes:
        height: R.
        tilt: the derivative of log R in log 1/κ, of its leading part.
    """

    height: Any
    tilt: Any


class PrincipalMeans:
    """The means of `SlopePanels` at real κ, at mpmath's working precision.

    >>> from freejac.symbolic.activation import activation
    >>> from freejac.symbolic.slope_nodes import slope_table
    >>> means = slope_table(activation("tanh"), 1).principal()
    >>> found, poles = means.at(mp.mpf(2))             # φ′² = 1/2 at h = ±0.61
    >>> h = mp.acosh(mp.mpf(2) ** 0.25)
    >>> mp.nstr(poles.height / (2 * mp.npdf(h) / (4 * mp.tanh(h))), 12)
    '1.0'
    """

    def __init__(self, panels: SlopePanels, branches: Sequence[SlopeBranch], width: Any) -> None:
        """Take panels at the working precision, the branches of φ′², and √q."""
        self._panels, self._branches, self._width = panels, branches, width

    def at(self, kappa: Any) -> tuple[SlopeMeans, Poles]:
        """Principal values, the slope a finite part; and R.

        Raises:
            NotConvergedError: 1/κ is a value of φ′² where φ′² turns or φ′ jumps.
        """
        poles = self._poles(kappa)
        steep = mp.mpf(10) ** (_EXACT - mp.dps)
        panels = self._panels.panels
        low, high = panels[0].low, panels[-1].high
        inside = [pole for pole in poles if low < pole.h < high]
        zones = self._zones(inside)
        whole: list[Panel] = []
        for panel in panels:
            whole += _without(self._panels, panel, zones)
        parts = [self._panels.over(whole, kappa, steep)]
        parts += [
            self._beside(pole, (right - left) / 2, kappa)
            for pole, (left, right) in zip(inside, zones, strict=True)
        ]
        return _added(parts), _height(poles)

    def _poles(self, kappa: Any) -> list[_Pole]:
        """All of them, ascending."""
        value, found = 1 / kappa, []
        for branch in self._branches:
            low, high = sorted((branch.at_low, branch.at_high))
            if low < value < high:
                place = branch.place(value)
                slope, curvature = branch.slopes(place)
                h = place / self._width
                steep = 2 * kappa * slope * curvature * self._width
                # φ″ that is lost beyond 1000 digits: hundreds of standard deviations out
                if steep:
                    found.append(_Pole(h, steep, mp.npdf(h), branch.slopes))
        return sorted(found, key=lambda pole: pole.h)

    def _zones(self, poles: Sequence[_Pole]) -> list[tuple[Any, Any]]:
        """Intervals about the poles that do not meet, nor a place where φ′ may jump."""
        ends = {end for panel in self._panels.kinks for end in panel}
        marks = sorted({*(pole.h for pole in poles), *ends})
        zones = []
        for pole in poles:
            gaps = [abs(mark - pole.h) for mark in marks if mark != pole.h]
            half = min([mp.mpf("0.5"), *(gap / 2 for gap in gaps)])
            if not half > mp.mpf(10) ** (-mp.dps // 2):
                raise NotConvergedError("φ′² takes the value 1/κ where it turns, or φ′ jumps")
            zones.append((pole.h - half, pole.h + half))
        return zones

    def _beside(self, pole: _Pole, half: Any, kappa: Any) -> SlopeMeans:
        """The means over a zone, halved until nothing changes."""
        close = mp.mpf(10) ** (_EXACT - mp.dps)
        outer: list[SlopeMeans] = []
        known = self._symmetric(pole, half, kappa)
        for _ in range(_MOST_HALVINGS):
            middle = half / 2
            rings = [
                self._panels.panel(pole.slope, pole.h - half, pole.h - middle),
                self._panels.panel(pole.slope, pole.h + middle, pole.h + half),
            ]
            outer.append(self._panels.over(rings, kappa, close))
            half = middle
            finer = self._symmetric(pole, half, kappa)
            both = _added([finer, outer[-1]])
            # relative to what is cancelled on the way
            sizes = (abs(a) + abs(b) for a, b in zip(finer, outer[-1], strict=True))
            scale = pole.mass / abs(pole.steep)
            sizes = (
                size + scale * weight for size, weight in zip(sizes, (1, 1 / half, 1), strict=True)
            )
            if all(abs(a - b) <= close * s for a, b, s in zip(both, known, sizes, strict=True)):
                return _added([finer, *outer])
            known = finer
        raise NotConvergedError("a principal value did not settle; raise digits")

    def _symmetric(self, pole: _Pole, half: Any, kappa: Any) -> SlopeMeans:
        """The rule on a zone; of the slope the double pole is taken off and put back."""
        value = slope = above = mp.zero
        double = pole.mass / (kappa * pole.steep**2)
        for node, weight in self._panels.rule:
            step = half * node
            f = pole.slope((pole.h + step) * self._width)[0] ** 2
            share = half * weight * mp.npdf(pole.h + step) / (1 - kappa * f)
            value += share * f
            above += share
            slope += share * f / (1 - kappa * f) - half * weight * double / step**2
        return SlopeMeans(value, slope - 2 * double / half, above)


def _without(owner: SlopePanels, panel: Panel, zones: Sequence[tuple[Any, Any]]) -> list[Panel]:
    """What the zones leave of a panel."""
    met = [(a, b) for a, b in zones if a < panel.high and panel.low < b]
    if not met:
        return [panel]
    cuts = [panel.low, *(end for zone in met for end in zone), panel.high]
    pairs = list(pairwise(cuts))[::2]
    return [owner.panel(panel.slope, a, b) for a, b in pairs if a < b]


def _added(parts: Sequence[SlopeMeans]) -> SlopeMeans:
    return SlopeMeans(*(sum(part) for part in zip(*parts, strict=True)))


def _height(poles: Sequence[_Pole]) -> Poles:
    """R, and how it tilts: N falls like e^{−h²/2}."""
    height = tilt = mp.zero
    for pole in poles:
        share = pole.mass / abs(pole.steep)
        height += share
        tilt += share * abs(pole.h / pole.steep)
    return Poles(height, tilt / height if height else mp.zero)
