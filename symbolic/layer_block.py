"""A layer D W as a block without a skip connection.

With y = m/ν and κ the inverse of the subordination variable of a layer's D², M_{D²}(1/κ) = y, a
layer has S = w/(m(1+m)) with
    w = ν₀ (1+m)(1+y) κ S_W(y),
ν₀ and ν the widths before and after it in widths of the input. That is a residual block without a
skip connection, m = νy in place of its quadratic relation; M_{D²} is that of `slope_panels`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from freejac.symbolic.residual_block import Block, BlockInNumbers, BlockState
from freejac.symbolic.slope_nodes import SlopeTable
from freejac.symbolic.slope_panels import SlopePanels

__all__ = ["LayerBlock", "LayerInNumbers"]


@dataclass(frozen=True)
class LayerBlock(Block):
    """A layer D W, or several equal ones.

    Attributes:
        before: ν₀, the width it comes from, in widths of the input.
        after: ν, its width.
    """

    before: Any = 1
    after: Any = 1

    @property
    def table(self) -> SlopeTable:
        """The law of D²."""
        (table,) = self.tables
        return table

    def in_numbers(self, ctx: Any, level: int) -> BlockInNumbers:
        """Round everything for a context."""
        numbers = super().in_numbers(ctx, level)
        sizes = ctx.convert(self.before), ctx.convert(self.after)
        return LayerInNumbers(numbers, None if self.table.exact else self.table.panels(ctx), *sizes)

    def rule(self, table: SlopeTable, level: int) -> Sequence[tuple[Any, Any]]:
        """For first guesses, where φ is not piecewise linear."""
        return table.nodes(0 if table.exact else table.level(1e-10) + 1 + level)

    @property
    def flat(self) -> Any:
        """The probability that φ′ = 0."""
        return self.table.flat

    @property
    def is_orthogonal_and_square(self) -> bool:
        """Whether it is a square layer of orthogonal weights whose φ′ is nowhere flat."""
        square = self.before == self.after == 1 and not self.weights.free_symbols
        return bool(square and not self.table.exact and self.flat == 0)

    @property
    def is_bounded_below(self) -> bool:
        """Whether φ′² keeps away from 0, but for where it is 0."""
        return bool(self.table.least_positive > 0)

    @property
    def exact(self) -> bool:
        """Panels are refined for each κ: nothing is left to a refinement of the rule."""
        return True


class LayerInNumbers(BlockInNumbers):
    """A layer at one precision and one refinement."""

    def __init__(
        self, block: BlockInNumbers, panels: SlopePanels | None, before: Any, after: Any
    ) -> None:
        self.__dict__.update(block.__dict__)
        self._panels, self._before, self.after = panels, before, after

    @property
    def mean_square(self) -> Any:
        """What the layer multiplies tr(JᵀJ)/N₀ by."""
        return super().mean_square * self.after / self._before

    def near_infinity(self, w: Any) -> BlockState:
        """The state at small w: m = (mean square) w."""
        y = self.mean_square * w / self.after
        (nodes,) = self._nodes
        return y, (y / sum(value * mass for value, mass in nodes),)

    def point(self, state: BlockState) -> Any:
        """Evaluate w = ν₀ (1+νy)(1+y) κ S_W(y)."""
        y, (kappa,) = state
        return self._before * (1 + self.after * y) * (1 + y) * kappa * self._s(y)

    def linearised(self, m: Any, state: BlockState) -> tuple[Any, Any, Any, Any, list[Any]]:
        """Newton's correction, as in `BlockInNumbers`, with y = m/ν exactly."""
        y, (kappa,) = state
        slope, gap = self._mgf(kappa, y)
        curvature = self.after / (1 + self.after * y) + 1 / (1 + y) + self._log_s_slope(y)
        curvature += 1 / (kappa * slope)
        one = 1 / self.after
        return m * one - y, one, curvature, gap / (kappa * slope), [(slope, gap)]

    def mgf(self, kappa: Any) -> tuple[Any, Any]:
        """M_{D²}(1/κ), and its slope in κ."""
        slope, value = self._mgf(kappa, 0)
        return value, slope

    def _mgf(self, kappa: Any, y: Any) -> tuple[Any, Any]:
        """The slope of M_{D²}(1/κ) in κ, and M − y."""
        if self._panels is not None:
            mean = self._panels.mean(kappa)
            return mean.slope, mean.value * kappa - y
        (nodes,) = self._nodes
        mgf = slope = 0
        for value, mass in nodes:
            ratio = mass * value / (1 - value * kappa)
            mgf += ratio
            slope += ratio / (1 - value * kappa)
        return slope, mgf * kappa - y
