"""A law on [0, ∞) in numbers: its distribution function and moments, from density and atoms.

With u = log λ and g = λρ(λ) the distribution function is ∫ g du. Where the support ends at a
positive λ the density goes like a root, or like one over a root: u = edge ± t² makes g du analytic
there. Where it begins at 0 g falls like a power of λ, which is smooth in u: panels double on the
way down, and what is left below the last is the geometric tail. Every panel is a Legendre series,
bisected until its last terms are small, for the mass and for the fourth moment.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf, log, sqrt

import numpy as np
from numpy.typing import NDArray

from freejac.numeric_law import HIGHEST_MOMENT, NumericLaw
from freejac.spectrum_panels import Panel, geometric_tail
from freejac.symbolic.errors import DomainError, Error, NotConvergedError

__all__ = ["Spectrum"]

Array = NDArray[np.float64]
Weight = Callable[[Array], Array]
"""g = λρ(λ) at log λ, ascending."""

_NEAR_EDGE = 2.0
_FIRST = 4.0
_NARROWEST = 0.05
_MOST_ROUNDS = 40
_MOST_PANELS = 4000


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
        self._panels: list[Panel] = []
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
        panels = [Panel(1, bottom, 0.0, root), Panel(-1, top, -root, 0.0)]
        if top - bottom > 2 * reach:
            panels.insert(1, Panel(0, 0.0, bottom + reach, top - reach))
        self._panels += self._resolved(panels)

    def _add_unbounded(self, bottom: float | None, top: float | None) -> None:
        """An interval that begins at 0 or ends at infinity."""
        if bottom is not None:
            self._panels += self._resolved([Panel(1, bottom, 0.0, _NEAR_EDGE)])
            self._upwards(bottom + _NEAR_EDGE**2)
            return
        start = 0.0
        if top is None:
            self._upwards(start)
        else:
            self._panels += self._resolved([Panel(-1, top, -_NEAR_EDGE, 0.0)])
            start = top - _NEAR_EDGE**2
        self._downwards(start)

    def _upwards(self, start: float) -> None:
        """Panels to the right until nothing is left, also of the fourth moment."""
        width = _FIRST / 2
        for _ in range(_MOST_ROUNDS):
            found = self._resolved([Panel(0, 0.0, start, start + width)])
            self._panels += found
            start += width
            scale = sum(panel.integral(HIGHEST_MOMENT, start) for panel in self._panels)
            last = found[-1]
            if last.integral(HIGHEST_MOMENT, start) < 1e-2 * self._tolerance * scale:
                return
        raise NotConvergedError("the spectrum has a long upper tail: its moments are not resolved")

    def _downwards(self, start: float) -> None:
        """Panels to the left, doubling, until the rest is a known geometric tail."""
        width, lost = _FIRST, False
        while width > _NARROWEST:
            try:
                found = self._resolved([Panel(0, 0.0, start - width, start)], positive=True)
            except Error:
                # the density is lost in rounding: as far down as it is not
                width, lost = width / 4, True
                continue
            self._panels += found
            start -= width
            self._tail, error = geometric_tail(found)
            if error < self._tolerance:
                return
            width *= 1 if lost else 2
        if not self._panels:
            raise NotConvergedError("the density could not be evaluated near its upper end")

    def _resolved(self, panels: list[Panel], *, positive: bool = False) -> list[Panel]:
        """Sample panels, and halve those that their series does not resolve.

        Raises:
            NotConvergedError: that does not end; or g vanishes and should not.
        """
        waiting, done = panels, list[Panel]()
        top = max(float(p.u(np.array(p.high))) for p in (*panels, *self._panels))
        known = sum(panel.integral(HIGHEST_MOMENT, top) for panel in self._panels)
        for _ in range(_MOST_ROUNDS):
            waiting = self._sampled(waiting, positive)
            scale = known + sum(panel.integral(HIGHEST_MOMENT, top) for panel in (*done, *waiting))
            coarse: list[Panel] = []
            for panel in waiting:
                exact = panel.error() <= self._tolerance
                if exact and panel.error(HIGHEST_MOMENT, top) <= self._tolerance * scale:
                    done.append(panel)
                else:
                    coarse += panel.split()
            if not coarse:
                return sorted(done, key=lambda panel: float(panel.u(np.array(panel.low))))
            if len(coarse) + len(done) > _MOST_PANELS:
                break
            waiting = coarse
        raise NotConvergedError("the density is not resolved by ever shorter panels")

    def _sampled(self, panels: list[Panel], positive: bool) -> list[Panel]:
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
