"""Double integrals ∬ f(r₁a) g(r₂b) p(a, b) da db over a grid of panels on the scale of p.

p is the density of two standard normals of correlation c. With s² = 1 − c² and panels of centres
X, Y and half-widths h ~ 2s, in local coordinates a = X + hξ, b = Y + hη,

    log p = const − e(X, Y) − (H²ξ² + H²η²)/2 − ξ τ(X, Y) − η τ(Y, X) + c H² ξη,    H = h/s.

The exponentials of the last three terms are resolved at few nodes of a panel, whatever f and g
are. So every panel of f, and every panel of g, is integrated by itself, in one dimension, against
the Lagrange polynomials of these nodes; breakpoints, narrow peaks and oscillations stay in there.
That is Gauss–Legendre with an a-posteriori check, bisected until it passes. A pair of panels is
then a product of two vectors with a matrix that is the same for all pairs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import flint

from freejac.symbolic.ball_pieces import Ball
from freejac.symbolic.bivariate_search import Axis, Pair, active_pairs
from freejac.symbolic.errors import NotConvergedError
from freejac.symbolic.legendre_panels import graded, rule

__all__ = ["panel_mean"]

_HALF_WIDTH = 2.0  # H, about
_FINEST = 2.0
_ROUNDS = 40
_STRIDE = 4
_MAX_STRIPS = 20000
_MAX_PAIRS = 30000
_NEAR = 4
_ALIKE = 5.0


class _Strip(NamedTuple):
    """A part of a panel, and one function on it.

    Attributes:
        low: lower end, in the panel's coordinate ξ ∈ [−1, 1].
        high: upper end.
        place: which piece of the function.
        points: nodes ξ.
        values: the values there, with quadrature weight and the panel's own tilt.
    """

    low: Ball
    high: Ball
    place: int
    points: list[Ball]
    values: list[Ball]

    def is_whole(self) -> bool:
        """Whether the strip is all of the panel."""
        return bool(self.low == -1 and self.high == 1)


class _Grid:
    """What all panels share: the density on the grid, and the rule."""

    def __init__(
        self, axes: tuple[Axis, Axis], c: Ball, s: Ball, window: Ball, digits: int
    ) -> None:
        self.axes, self.c, self.s, self.digits = axes, c, s, digits
        self.half = flint.arb(_round_down(_HALF_WIDTH * float(s)))
        self.window = window
        self.rule = rule(digits, flint.ctx.prec)
        self.square = (self.half / s) ** 2  # H²
        self.coupling = c * self.square
        self.at_nodes = [self.turned(node) for node in self.rule.nodes]
        self._strayed: list[Ball] = []

    def local(self, index: int) -> Ball:
        """Centre of a panel, from the origin of its axis."""
        return self.half * (2 * index + 1)

    def log_density(self, pair: Pair) -> Ball:
        """−e(X, Y)."""
        alpha, beta = map(self.local, pair)
        # X − cY is α − cβ, because the origins are on the line a = cb.
        return -(((alpha - self.c * beta) / self.s) ** 2 + (self.axes[1].origin + beta) ** 2) / 2

    def tilt(self, which: int, index: int, neighbour: int) -> Ball:
        """τ of a panel towards a neighbour; the next neighbour's is less by 2cH²."""
        tilt = self.square * (2 * index + 1) - self.coupling * (2 * neighbour + 1)
        return tilt + self.half * self.axes[1].origin if which else tilt

    def limits(self, which: int, index: int) -> tuple[Ball, Ball]:
        """The part of a panel that is inside the window, as ξ."""
        if which or not self.window.is_finite():
            return flint.arb(-1), flint.arb(1)
        ends = [(end - self.local(index)) / self.half for end in (-self.window, self.window)]
        return max(ends[0].mid(), flint.arb(-1)), min(ends[1].mid(), flint.arb(1))

    def turned(self, point: Ball) -> list[Ball]:
        """The density's own part and the tilt towards a neighbour near the main one, at a ξ."""
        factor, step = (-self.square / 2 * point * point).exp(), (2 * self.coupling * point).exp()
        up, down = [factor], [factor]
        for _ in range(_NEAR):
            up.append(up[-1] * step)
            down.append(down[-1] / step)
        return down[:0:-1] + up

    def strayed(self) -> list[Ball]:
        """How far `turned`, coupled, is from its interpolation, between nodes of the rule."""
        if not self._strayed:
            nodes, worst = self.rule.nodes, [flint.arb(0)] * (2 * _NEAR + 1)
            for k in (0, 1, len(nodes) // 2, len(nodes) - 2):
                point = (nodes[k] + nodes[k + 1]) / 2
                shares, norm = self.rule.shares(point)
                for eta in (self.coupling, -self.coupling):
                    exact = [value * (eta * point).exp() for value in self.turned(point)]
                    known = [(eta * node).exp() for node in nodes]
                    for m, value in enumerate(exact):
                        parts = zip(shares, self.at_nodes, known, strict=True)
                        found = sum((a * b[m] * e for a, b, e in parts), flint.arb(0)) / norm
                        worst[m] = max(worst[m], abs((found - value).mid()))
            self._strayed = worst
        return self._strayed

    def coupled(self) -> Any:
        """exp(cH² ξη) at all pairs of nodes."""
        nodes = self.rule.nodes
        table = flint.arb_mat(len(nodes), len(nodes))
        for k, xi in enumerate(nodes):
            for m, eta in enumerate(nodes[: k + 1]):
                table[k, m] = table[m, k] = (self.coupling * xi * eta).exp()
        return table


def _round_down(width: float) -> float:
    mantissa, exponent = math.frexp(width)
    return math.ldexp(math.floor(mantissa * 1024) / 1024, exponent)


class _Panel:
    """A panel of one axis, and neighbours on the other of like tilt.

    Attributes:
        index: which panel of the axis.
        neighbours: panels of the other axis, of which the main one gives the tilt.
        sizes: about ∫|·| over the panel, with every neighbour's tilt.
    """

    def __init__(
        self,
        grid: _Grid,
        which: int,
        index: int,
        neighbours: Sequence[int],
        main: int,
        strips: list[_Strip] | None = None,
    ) -> None:
        self.grid, self.which, self.index = grid, which, index
        self.axis, self.neighbours, self.main = grid.axes[which], neighbours, main
        self.tilt = grid.tilt(which, index, main)
        self.centre = (self.axis.origin + grid.local(index)) * self.axis.root
        self.scale = grid.half * self.axis.root
        self.strips = self._start(*grid.limits(which, index)) if strips is None else strips
        self._measure()

    def _measure(self) -> None:
        """Sizes from some of the nodes."""
        self.offsets = [k - self.main for k in self.neighbours]
        self.sizes, self.mass = [flint.arb(0)] * len(self.offsets), flint.arb(0)
        for strip in self.strips:
            for k in range(_STRIDE // 2, len(strip.points), _STRIDE):
                size = _STRIDE * abs(strip.values[k].mid())
                self.mass += size
                factors = self.grid.turned(strip.points[k])
                for column, offset in enumerate(self.offsets):
                    self.sizes[column] += factors[offset + _NEAR] * size

    def split(self, allowed: Sequence[Ball]) -> _Panel | None:
        """Give up neighbours whose tilt the panel's own nodes do not resolve.

        Args:
            allowed: for every neighbour, what may be left out.

        Returns:
            A panel for those, or None when there are none.
        """
        if self._is_whole():
            return None
        errors = self.grid.strayed()
        excess = {
            k: errors[offset + _NEAR] * self.mass / most
            for k, offset, most in zip(self.neighbours, self.offsets, allowed, strict=True)
            if offset and errors[offset + _NEAR] * self.mass > most
        }
        if not excess:
            return None
        main = max(excess, key=lambda k: excess[k])
        lost = sorted(k for k in excess if abs(k - main) <= _NEAR)
        turn = self.grid.tilt(self.which, self.index, main) - self.tilt
        strips = [
            strip._replace(
                values=[
                    v * (-turn * t).exp() for v, t in zip(strip.values, strip.points, strict=True)
                ]
            )
            for strip in self.strips
        ]
        self.neighbours = [k for k in self.neighbours if k not in lost]
        self._measure()
        return _Panel(self.grid, self.which, self.index, lost, main, strips)

    def _is_whole(self) -> bool:
        return len(self.strips) == 1 and self.strips[0].is_whole()

    def pairs(self) -> list[Pair]:
        """The pairs that the panel makes with its neighbours."""
        if self.which == 0:
            return [(self.index, k) for k in self.neighbours]
        return [(k, self.index) for k in self.neighbours]

    def _start(self, low: Ball, high: Ball) -> list[_Strip]:
        """Strips between the breakpoints, graded towards what is narrow."""
        pieces, scale = self.axis.pieces, float(self.scale)
        breaks = [((point - self.centre) / self.scale).mid() for point in pieces.breaks]
        marks = [(float(end), _FINEST / scale) for end in [-self.centre / self.scale, *breaks]]
        left, right = float(self.centre) - scale, float(self.centre) + scale
        if sharp := pieces.peak(left, right).sharp:
            marks.append(((sharp[0] - float(self.centre)) / scale, 4 * sharp[1] / scale))
        ends = [low, *(end for end in breaks if low < end < high), high]
        strips = []
        for a, b in pairwise(ends):
            place = sum(1 for end in breaks if end <= a)
            strips += [self._strip(u, v, place) for u, v in pairwise(graded(a, b, marks))]
        return strips

    def _strip(self, low: Ball, high: Ball, place: int) -> _Strip:
        """Evaluate the function and the density's own part at the nodes."""
        grid, function = self.grid, self.axis.pieces.functions[place]
        middle, half = (low + high) / 2, (high - low) / 2
        points = [middle + half * t for t in grid.rule.nodes]
        values = [
            half * weight * function(self.centre + self.scale * point) * (-self.tilt * point).exp()
            for point, weight in zip(points, grid.rule.weights, strict=True)
        ]
        return _Strip(low, high, place, points, values)

    def refine(self, allowed: Sequence[Ball]) -> bool:
        """Bisect the strips whose Legendre tail is larger than allowed; tell whether any was.

        Args:
            allowed: for every neighbour, what may be left out.
        """
        grid = self.grid
        limit = min(
            (most * (-2 * abs(grid.coupling * offset)).exp()).mid()
            for most, offset in zip(allowed, self.offsets, strict=True)
        )
        kept: list[_Strip] = []
        for strip in self.strips:
            if grid.rule.tail(strip.values) > limit:
                middle = ((strip.low + strip.high) / 2).mid()
                kept.append(self._strip(strip.low, middle, strip.place))
                kept.append(self._strip(middle, strip.high, strip.place))
            else:
                kept.append(strip)
        changed = len(kept) > len(self.strips)
        if changed:
            self.strips = kept
            self._measure()
        return changed

    def columns(self) -> Any:
        """For every neighbour, weights at the panel's own nodes that integrate what couples."""
        own = self._collected()
        table = flint.arb_mat(len(own), len(self.offsets))
        for row, (value, factors) in enumerate(zip(own, self.grid.at_nodes, strict=True)):
            for column, offset in enumerate(self.offsets):
                table[row, column] = value * factors[offset + _NEAR]
        return table

    def _collected(self) -> list[Ball]:
        """Integrals over the panel against Lagrange's polynomials of its nodes."""
        if self._is_whole():
            return self.strips[0].values
        totals = [flint.arb(0)] * len(self.grid.rule.nodes)
        for strip in self.strips:
            for point, value in zip(strip.points, strip.values, strict=True):
                shares, norm = self.grid.rule.shares(point)
                part = value / norm
                totals = [t + part * share for t, share in zip(totals, shares, strict=True)]
        return totals


def panel_mean(
    axes: tuple[Axis, Axis],
    c: Ball,
    s: Ball,
    digits: int,
    window: Ball | None = None,
    known: Ball | None = None,
) -> tuple[Ball, Ball]:
    """∬ f g p over a ∈ origin ± window and all b, and the same of |f g|, roughly.

    Args:
        axes: f and g; the origin of f is c times the origin of g.
        c: the correlation, −1 < c < 1.
        s: √(1 − c²).
        digits: digits of the integral, relative to the larger of ∬|f g| p and `known`.
        window: half-width of the range of a; everything if left out.
        known: what ∬|f g| p is known to be elsewhere.

    Raises:
        DomainError: the integral is infinite.
        NotConvergedError: a panel cannot be resolved by bisection.
    """
    window = flint.arb.pos_inf() if window is None else window
    grid = _Grid(axes, c, s, window, digits)
    known = flint.arb(0) if known is None else known
    top = float(known.log()) if known > 0 else -math.inf
    drop = (digits + 12) * math.log(10)
    pairs, _ = active_pairs(axes, float(c), float(s), float(grid.half), drop, float(window), top)
    if not pairs:
        return flint.arb(0), flint.arb(0)
    if len(pairs) > _MAX_PAIRS:
        raise NotConvergedError("the integrand extends over too many panels of the density")
    density = {pair: grid.log_density(pair).exp() for pair in pairs}
    panels = [_panels(grid, which, pairs) for which in (0, 1)]
    scale = grid.half**2 / (2 * flint.arb.pi() * s)
    size = _resolve(panels, density, known / scale, grid)
    coupled, total = grid.coupled(), flint.arb(0)
    second = {
        (panel.index, i): column
        for panel in panels[1]
        for i, column in zip(panel.neighbours, panel.columns().transpose().tolist(), strict=True)
    }
    for panel in panels[0]:
        columns = (coupled * panel.columns()).transpose().tolist()
        for pair, column in zip(panel.pairs(), columns, strict=True):
            other = second[pair[1], pair[0]]
            inner = sum((a * b for a, b in zip(column, other, strict=True)), flint.arb(0))
            total += density[pair] * inner
    return total * scale, size * scale


def _panels(grid: _Grid, which: int, pairs: dict[Pair, float]) -> list[_Panel]:
    """The panels of one axis; neighbours that are far apart are given panels of their own."""
    neighbours: dict[int, list[int]] = {}
    for pair in pairs:
        neighbours.setdefault(pair[which], []).append(pair[1 - which])
    panels = []
    for index, others in neighbours.items():
        heights = {k: pairs[(index, k) if which == 0 else (k, index)] for k in others}
        while heights:
            top = max(heights.values())
            best = sorted(k for k, height in heights.items() if height > top - _ALIKE)
            main = best[len(best) // 2]
            near = sorted(k for k in heights if abs(k - main) <= _NEAR)
            panels.append(_Panel(grid, which, index, near, main))
            heights = {k: height for k, height in heights.items() if k not in near}
    return panels


def _resolve(
    panels: Sequence[list[_Panel]], density: dict[Pair, Ball], known: Ball, grid: _Grid
) -> Ball:
    """Bisect strips, and split panels, until what is left out of every pair is negligible."""
    tolerance = flint.arb(10) ** (-grid.digits - 3) / abs(grid.coupling).exp()
    unsettled = [panel for side in panels for panel in side]
    for _ in range(_ROUNDS):
        sizes = [
            {
                pair: size
                for panel in side
                for pair, size in zip(panel.pairs(), panel.sizes, strict=True)
            }
            for side in panels
        ]
        size = sum(
            (d * sizes[0][pair] * sizes[1][pair] for pair, d in density.items()), flint.arb(0)
        )
        limit = tolerance * max(size.mid(), known.mid())
        again = []
        for panel in unsettled:
            weights = [density[pair] * sizes[1 - panel.which][pair] for pair in panel.pairs()]
            allowed = [(limit / w).mid() if w > 0 else flint.arb.pos_inf() for w in weights]
            if panel.refine(allowed):
                again.append(panel)
            elif (other := panel.split(allowed)) is not None:
                panels[panel.which].append(other)
                again += [panel, other]
        if not again:
            return size
        unsettled = again
        if sum(len(panel.strips) for panel in unsettled) > _MAX_STRIPS:
            break
    raise NotConvergedError("the integrand is not resolved; is it smooth between its breakpoints?")
