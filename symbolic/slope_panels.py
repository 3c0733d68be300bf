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

from freejac.symbolic.deadline import check_deadline
from freejac.symbolic.errors import NotConvergedError
from freejac.symbolic.quadrature import NumericPiece, legendre_rule
from freejac.symbolic.slope_branches import is_zero, resolved

__all__ = ["Panel", "SlopeMeans", "SlopePanels"]

_WIDEST = 2
_HALVINGS_PER_DIGIT = 2.75
_STEEP = 1e-5
_MOST_WAITING = 500
_EVEN = 1e-3
_FARTHEST = 38
"""Beyond which, in units of √q, nothing is looked for."""


class SlopeMeans(NamedTuple):
    """Means with a pole at φ′² = 1/κ.

    Attributes:
        value: E[φ′²/(1 − κφ′²)].
        slope: E[φ′²/(1 − κφ′²)²] = d(κ × value)/dκ.
        above: E[1/(1 − κφ′²)] where φ′ ≠ 0: κ × value and the probability of that, without
            cancellation where κ is large.
    """

    value: Any
    slope: Any
    above: Any


class SlopePanels:
    """φ′(h)² for h ~ N(0, q), ready to be averaged with poles.

    Attributes:
        rule: nodes and weights of a panel, on (−1, 1); an even number.
        panels: they, ascending.
        kinks: the ends of the pieces, in units of √q.

    >>> from freejac.symbolic.activation import activation
    >>> from freejac.symbolic.slope_nodes import slope_table
    >>> panels = slope_table(activation("tanh"), 1).panels(fp)
    >>> round(panels.mean(0.0).value, 13)                                 # E[φ′²]
    0.4644029024483
    """

    def __init__(self, pieces: Sequence[NumericPiece], variance: Any, ctx: Any) -> None:
        """Cut the pieces, at mpmath's working precision; `ctx` is `mp` at that, or `fp`."""
        self._ctx, self._width = ctx, mp.sqrt(variance)
        digits = 16 if ctx is fp else mp.dps
        self._tolerance = ctx.mpf(10) ** (2 - digits)
        self._digits = digits
        self._rounding = 4 * ctx.mpf(10) ** (-digits)
        nodes = 2 * max(8, 11 * digits // 20)
        self.rule = list(zip(*legendre_rule(nodes, mp.dps)[:2], strict=True))
        self.panels: list[Panel] = []
        self.kinks: list[tuple[Any, Any]] = []
        left, right = self._reach(pieces, mp.log(10) * (digits + 8))
        for low, high, raw in pieces:
            if is_zero(low, high, raw):
                continue
            slope = resolved(raw)
            a, b = max(low / self._width, left), min(high / self._width, right)
            count = int(mp.ceil((b - a) / _WIDEST)) if a < b else 0
            if count:
                self.kinks.append((a, b))
            ends = [a + (b - a) * k / count for k in range(count)] + [b]
            self.panels += [Panel(self, slope, left, right) for left, right in pairwise(ends)]

    def _reach(self, pieces: Sequence[NumericPiece], lost: Any) -> tuple[Any, Any]:
        """Between which places, in units of √q, the mass lies, and the mean of 1/φ′²."""
        own = mp.sqrt(2 * lost)
        left, right = resolved(pieces[0][2]), resolved(pieces[-1][2])
        found = []
        for sign, slope, end in ((-1, left, pieces[0][1]), (1, right, pieces[-1][0])):
            places = [k for k in range(_FARTHEST) if k * self._width > sign * end]
            logs = []
            for k in places:
                size = abs(slope(sign * k * self._width)[0])
                logs.append(-2 * mp.log(size) - mp.mpf(k) ** 2 / 2 if size else -mp.inf)
            matters = [k for k, v in zip(places, logs, strict=True) if v > max(logs) - lost]
            found.append(max([own, *(mp.mpf(k + 1) for k in matters)]))
        return -found[0], found[1]

    def _is_hopeless(self, panel: Panel, depth: int, kappa: Any) -> bool:
        """Whether a panel was halved as often as its numbers tell its places apart.

        Next to a zero of φ′ that is as much oftener as 1/√κ is small.
        """
        most = _HALVINGS_PER_DIGIT * self._digits
        if depth <= most:
            return False
        return panel.is_even or depth > most + self._ctx.log(1 + abs(kappa)) / (2 * self._ctx.ln2)

    def samples(self, panel: Panel) -> list[tuple[Any, Any]]:
        """(φ′², weight) at the nodes of a panel, in the numbers of the context."""
        found = []
        # next to a zero of φ′ places lose as many digits as the panel is narrow
        with mp.workprec(mp.prec + panel.depth):
            middle, half = (panel.low + panel.high) / 2, (panel.high - panel.low) / 2
            for node, weight in self.rule:
                point = middle + half * node
                value = panel.slope(point * self._width)[0] ** 2
                mass = half * weight * mp.npdf(point)
                found.append((self._ctx.convert(value), self._ctx.convert(mass)))
        return found

    def panel(self, slope: Any, low: Any, high: Any) -> Panel:
        """Another panel."""
        return Panel(self, slope, low, high)

    def mean(self, kappa: Any) -> SlopeMeans:
        """Take the means at κ.

        Raises:
            NotConvergedError: κ is the inverse of a value of φ′², to rounding.
        """
        return self.over(self.panels, kappa)

    def over(self, panels: Sequence[Panel], kappa: Any, steep: Any = None) -> SlopeMeans:
        """The means over some panels; errors as for `mean`.

        Args:
            panels: the panels.
            kappa: κ.
            steep: the error allowed to the slope, relatively; left out, a few digits, which do for
                Newton's method.
        """
        parts = [(panel, panel.sums(kappa)) for panel in panels]
        allowed, allowed_above = (
            self._tolerance * sum(abs(own[k]) for _, own in parts) for k in (0, 2)
        )
        noise = sum(own.noise for _, own in parts)
        least = self._tolerance * noise
        total = slope = above = 0
        waiting = [(panel, own, 0) for panel, own in parts]
        while waiting:
            check_deadline()
            panel, own, depth = waiting.pop()
            halves = [(half, half.sums(kappa)) for half in panel.halves]
            found = _Sums(*(sum(part) for part in zip(*(s for _, s in halves), strict=True)))
            # 1 − κφ′² carries a rounding error, which `noise` amplifies next to a pole
            if (
                abs(found.value - own.value) <= allowed + self._rounding * found.noise
                and abs(found.above - own.above)
                <= allowed_above + self._rounding * abs(kappa) * found.noise
                and abs(found.slope - own.slope)
                <= (_STEEP * found.noise + least if steep is None else steep * noise)
            ):
                total, slope = total + found.value, slope + found.slope
                above += found.above
            elif self._is_hopeless(panel, depth, kappa) or len(waiting) > _MOST_WAITING:
                raise NotConvergedError("φ′² takes the value 1/κ: the mean has a pole on the line")
            else:
                # the coarsest last, so that what never settles is seen by how much waits
                waiting[:0] = [(half, sums, depth + 1) for half, sums in halves]
        return SlopeMeans(total, slope, above)


class _Sums(NamedTuple):
    """Means over a panel.

    Attributes:
        value: E[φ′²/(1 − κφ′²)] there.
        slope: E[φ′²/(1 − κφ′²)²].
        above: E[1/(1 − κφ′²)].
        noise: the mean of the absolute values of the second.
    """

    value: Any
    slope: Any
    above: Any
    noise: Any


class Panel:
    """A part of a piece, its samples, and its halves when they are needed.

    Attributes:
        slope: φ′.
        low, high: its ends, in units of √q.
        depth: how often it was halved.
    """

    def __init__(self, owner: SlopePanels, slope: Any, low: Any, high: Any, depth: int = 0) -> None:
        self._owner, self.slope, self.low, self.high = owner, slope, low, high
        self.depth = depth
        self._samples: list[tuple[Any, Any]] | None = None
        self._halves: tuple[Panel, Panel] | None = None

    @property
    def halves(self) -> tuple[Panel, Panel]:
        """The two halves."""
        if self._halves is None:
            below = self.depth + 1
            with mp.workprec(mp.prec + below):
                middle = (self.low + self.high) / 2
            self._halves = (
                Panel(self._owner, self.slope, self.low, middle, below),
                Panel(self._owner, self.slope, middle, self.high, below),
            )
        return self._halves

    @property
    def is_even(self) -> bool:
        """Whether φ′² hardly varies over the panel."""
        values = [value for value, _ in self._samples or ()]
        return not values or max(values) - min(values) <= _EVEN * max(values)

    def sums(self, kappa: Any) -> _Sums:
        """The means over the panel by its own nodes."""
        if self._samples is None:
            self._samples = self._owner.samples(self)
        total = slope = above = noise = 0
        for value, mass in self._samples:
            below = 1 - kappa * value
            share = mass / below
            ratio = share * value
            steep = ratio / below
            total += ratio
            slope += steep
            above += share
            noise += abs(steep)
        return _Sums(total, slope, above, noise)
