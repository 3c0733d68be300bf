"""Layers of any activation in numbers: their means over h, and where their product's spectrum ends.

A layer is a residual block without a skip connection, see `layer_block`. Edges are those of
`residual_edges`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from mpmath import mp

from freejac.symbolic.errors import DomainError, NotConvergedError
from freejac.symbolic.layer_block import LayerBlock
from freejac.symbolic.layer_edges import end_of_spectrum
from freejac.symbolic.layer_path import LayerOnPath
from freejac.symbolic.residual_product import GUARD, BlockNumbers
from freejac.symbolic.slope_nodes import SlopeTable
from freejac.symbolic.slope_panels import SlopeMeans

__all__ = ["SmoothLayers"]


class SmoothLayers(BlockNumbers):
    """The layers of a product, where a φ is not piecewise linear.

    Attributes:
        layers: in order, equal ones together.
    """

    def __init__(self, layers: Sequence[LayerBlock], digits: int = 15) -> None:
        """Take the layers.

        Raises:
            DomainError: digits is not between 5 and 100.
        """
        super().__init__(layers, digits)
        self.layers = tuple(layers)

    def path(self, ctx: Any) -> list[LayerOnPath]:
        """The layers in double precision, or at mpmath's working precision."""
        return self._on_path(ctx, lambda table: _means(table, ctx))

    @property
    def on_real_line(self) -> list[LayerOnPath]:
        """The layers on the real line, with principal values."""
        return self._on_path(mp, _principal)

    def _on_path(self, ctx: Any, means: Any) -> list[LayerOnPath]:
        key = ctx is mp, mp.prec, means is _principal
        if key not in self._known:
            least = self.least_rank
            self._known[key] = [
                LayerOnPath(
                    ctx,
                    layer.weights,
                    layer.count,
                    (layer.before, layer.after),
                    (least, bool(abs(rank - least) <= least * mp.mpf(10) ** (3 - mp.dps))),
                    means(layer.table)(ctx.zero).value,
                    means(layer.table),
                )
                for layer, rank in zip(self.layers, self._exact_ranks, strict=True)
            ]
        return self._known[key]

    @cached_property
    def _known(self) -> dict[tuple[bool, int, bool], list[LayerOnPath]]:
        return {}

    @cached_property
    def _exact_ranks(self) -> list[Any]:
        """The largest rank that each layer lets through, in widths of the input."""
        return [layer.after * (1 - layer.flat) for layer in self.layers]

    @cached_property
    def least_rank(self) -> Any:
        """The smallest of them, or 1: that of the product."""
        return min(mp.one, *self._exact_ranks)

    @cached_property
    def upper(self) -> Any:
        """The upper end of the continuous spectrum: ∞ where a φ′² is not bounded."""
        bounded = all(layer.table.is_bounded for layer in self.layers)
        return end_of_spectrum(self, 0.0, 1) if bounded else mp.inf

    @property
    def _ranks(self) -> list[float]:
        """The same in doubles."""
        return [float(rank) for rank in self._exact_ranks]

    @cached_property
    def _zeros(self) -> tuple[int, bool]:
        """How many zeros λ(m) has at minus the smallest rank; whether a φ′² there comes near 0.

        The input has one where it is as narrow as that, and so has a layer whose weights have an
        S with a pole at −1, as Gaussian ones, or whose φ is flat somewhere.
        """
        least = min(1.0, *self._ranks)
        zeros, spread = int(least == 1), False
        for layer, rank in zip(self.layers, self._ranks, strict=True):
            if rank <= least * (1 + 1e-9):
                spread_out = not layer.weights_at_minus_one_is_finite
                zeros += layer.count * bool(spread_out or layer.flat > 0)
                spread |= not layer.is_bounded_below
        return zeros, spread

    @property
    def _begins_at_zero(self) -> bool:
        """Whether the spectrum does: a simple zero of λ(m) leaves a gap, if no φ′² fills it."""
        zeros, spread = self._zeros
        return zeros != 1 or spread

    @property
    def _at_zero(self) -> Any:
        """ρ at λ = 0."""
        zeros, spread = self._zeros
        if spread and zeros < 2:
            raise DomainError("the density at λ = 0 is not decided where φ′² comes near 0: λ > 0")
        return mp.zero if zeros == 1 else mp.inf

    @property
    def _lower(self) -> Any:
        """The lower end, from the sheet that passes λ = 0 at m = −(smallest rank)."""
        if self._begins_at_zero:
            return mp.zero
        return end_of_spectrum(self, -min(1.0, *self._ranks), -1)

    @cached_property
    def _surely_below(self) -> Any:
        """The lower end, or 0 where it was not found."""
        try:
            return self.support[0][0]
        except NotConvergedError:
            return mp.zero

    @cached_property
    def support(self) -> list[tuple[Any, Any]]:
        """From the lower to the upper end of the continuous spectrum; gaps are not looked for.

        Raises:
            NotConvergedError: an edge was not found.
        """
        with mp.workdps(self.digits + GUARD):
            return [(self._lower, self.upper)]


def _means(table: SlopeTable, ctx: Any) -> Callable[[Any], SlopeMeans]:
    """κ to the means of a law."""
    return _sums(table, ctx) if table.exact else table.panels(ctx).mean


def _principal(table: SlopeTable) -> Callable[[Any], SlopeMeans]:
    """The same on the real line."""
    if table.exact:
        return _sums(table, mp)
    principal = table.principal()
    return lambda kappa: principal.at(kappa)[0] if kappa else table.panels(mp).mean(kappa)


def _sums(table: SlopeTable, ctx: Any) -> Callable[[Any], SlopeMeans]:
    """The means of finitely many values."""
    nodes = [(ctx.convert(value), ctx.convert(mass)) for value, mass in table.nodes(0)]

    def means(kappa: Any) -> SlopeMeans:
        value = slope = above = 0
        for f, mass in nodes:
            share = mass / (1 - kappa * f)
            value, above = value + share * f, above + share
            slope += share * f / (1 - kappa * f)
        return SlopeMeans(value, slope, above)

    return means
