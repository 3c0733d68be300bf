"""M_{D²} of an activation at any complex place, by panels that are bisected for that place.

M_{D²}(1/κ)/κ = E[φ′²/(1 − κφ′²)] has poles where φ′² = 1/κ. In the spectrum of a product they come
near the real line, the nearer the smaller the density is. Gauss–Legendre on panels that are
halved until halving changes nothing resolves a pole at any distance, in steps that are its
logarithm. The values of φ′² are kept: another place costs arithmetic only.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from mpmath import fp, mp

from freejac.symbolic.errors import NotConvergedError
from freejac.symbolic.quadrature import NumericPiece, legendre_rule

__all__ = ["SlopePanels"]

_WIDEST = 2
_MOST_HALVINGS = 44
_STEEP = 1e-5


class SlopePanels:
    """φ′(h)² for h ~ N(0, q), ready to be averaged with poles.

    >>> from freejac.symbolic.activation import activation
    >>> from freejac.symbolic.slope_nodes import slope_table
    >>> panels = slope_table(activation("tanh"), 1).panels(fp)
    >>> value, _ = panels.mean(0.0)                                       # E[φ′²]
    >>> round(value, 13)
    0.4644029024483
    """

    def __init__(self, pieces: Sequence[NumericPiece], variance: Any, ctx: Any) -> None:
        """Cut the pieces, at mpmath's working precision; `ctx` is `mp` at that, or `fp`."""
        self._ctx, self._width = ctx, mp.sqrt(variance)
        digits = 16 if ctx is fp else mp.dps
        self._tolerance = ctx.mpf(10) ** (2 - digits)
        self._rounding = 4 * ctx.mpf(10) ** (-digits)
        nodes = max(16, 11 * digits // 10)
        self._rule = list(zip(*legendre_rule(nodes, mp.dps)[:2], strict=True))
        reach = mp.sqrt(2 * mp.log(10) * (digits + 8))
        self._panels = []
        for low, high, slope in pieces:
            a, b = max(low / self._width, -reach), min(high / self._width, reach)
            count = int(mp.ceil((b - a) / _WIDEST)) if a < b else 0
            ends = [a + (b - a) * k / count for k in range(count)] + [b]
            self._panels += [_Panel(self, slope, left, right) for left, right in pairwise(ends)]

    def samples(self, slope: Any, low: Any, high: Any) -> list[tuple[Any, Any]]:
        """(φ′², weight) at the nodes of a panel, in the numbers of the context."""
        middle, half = (low + high) / 2, (high - low) / 2
        found = []
        for node, weight in self._rule:
            point = middle + half * node
            value = slope(point * self._width)[0] ** 2
            if value:
                mass = half * weight * mp.npdf(point)
                found.append((self._ctx.convert(value), self._ctx.convert(mass)))
        return found

    def mean(self, kappa: Any) -> tuple[Any, Any]:
        """E[φ′²/(1 − κφ′²)], and E[φ′²/(1 − κφ′²)²], which is d(κ × the first)/dκ.

        Raises:
            NotConvergedError: κ is the inverse of a value of φ′², to rounding.
        """
        parts = [(panel, panel.sums(kappa)) for panel in self._panels]
        allowed = self._tolerance * sum(abs(own.value) for _, own in parts)
        total = slope = 0
        waiting = [(panel, own, 0) for panel, own in parts]
        while waiting:
            panel, own, depth = waiting.pop()
            halves = [(half, half.sums(kappa)) for half in panel.halves]
            value, steep, noise = (sum(part) for part in zip(*(s for _, s in halves), strict=True))
            # 1 − κφ′² carries a rounding error, which `noise` amplifies next to a pole
            exact = abs(value - own.value) <= allowed + self._rounding * noise
            # a slope is for Newton's method: a few digits do
            if exact and abs(steep - own.slope) <= _STEEP * noise:
                total, slope = total + value, slope + steep
            elif depth > _MOST_HALVINGS:
                raise NotConvergedError("φ′² takes the value 1/κ: the mean has a pole on the line")
            else:
                waiting += [(half, sums, depth + 1) for half, sums in halves]
        return total, slope


class _Sums(NamedTuple):
    """Means over a panel.

    Attributes:
        value: E[φ′²/(1 − κφ′²)] there.
        slope: E[φ′²/(1 − κφ′²)²].
        noise: the mean of the absolute values of the latter.
    """

    value: Any
    slope: Any
    noise: Any


class _Panel:
    """A part of a piece, its samples, and its halves when they are needed."""

    def __init__(self, owner: SlopePanels, slope: Any, low: Any, high: Any) -> None:
        self._owner, self._slope, self._ends = owner, slope, (low, high)
        self._samples: list[tuple[Any, Any]] | None = None
        self._halves: tuple[_Panel, _Panel] | None = None

    @property
    def halves(self) -> tuple[_Panel, _Panel]:
        """The two halves."""
        if self._halves is None:
            low, high = self._ends
            middle = (low + high) / 2
            self._halves = (
                _Panel(self._owner, self._slope, low, middle),
                _Panel(self._owner, self._slope, middle, high),
            )
        return self._halves

    def sums(self, kappa: Any) -> _Sums:
        """The means over the panel by its own nodes."""
        if self._samples is None:
            self._samples = self._owner.samples(self._slope, *self._ends)
        total = slope = noise = 0
        for value, mass in self._samples:
            below = 1 - kappa * value
            ratio = mass * value / below
            steep = ratio / below
            total += ratio
            slope += steep
            noise += abs(steep)
        return _Sums(total, slope, noise)
