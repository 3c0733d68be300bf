"""The spectral density of a product of layers of any activation, by quadrature over h.

With y = m/ν and κ the inverse of the subordination variable of a layer's D², M_{D²}(1/κ) = y, a
layer has S = w/(m(1+m)) with
    w = ν₀ (1+m)(1+y) κ S_W(y),
ν₀ and ν the widths before and after it in widths of the input. That is a residual block without a
skip connection, m = νy in place of its quadratic relation; continuation, polishing and edges are
those of `residual_product` and `residual_edges`, and M_{D²} is that of `slope_panels`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mpmath import mp

from freejac.symbolic.domain import finite
from freejac.symbolic.errors import DomainError, NoClosedForm, NotConvergedError
from freejac.symbolic.layer_edges import end_of_spectrum
from freejac.symbolic.path_following import follow
from freejac.symbolic.residual_block import Block, BlockInNumbers, BlockState
from freejac.symbolic.residual_edges import is_inside
from freejac.symbolic.residual_product import GUARD, BlockProduct, ProductState
from freejac.symbolic.slope_nodes import SlopeTable
from freejac.symbolic.slope_panels import SlopePanels

__all__ = ["LayerBlock", "SmoothProduct"]

_LOST = 1e-12
"""An imaginary part of m that may be rounding alone."""


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
            mean, slope = self._panels.mean(kappa)
            return slope, mean * kappa - y
        (nodes,) = self._nodes
        mgf = slope = 0
        for value, mass in nodes:
            ratio = mass * value / (1 - value * kappa)
            mgf += ratio
            slope += ratio / (1 - value * kappa)
        return slope, mgf * kappa - y


class SmoothProduct(BlockProduct):
    """The law of JᵀJ of a product of layers, in numbers, where a φ is not piecewise linear."""

    def __init__(self, layers: Sequence[LayerBlock], digits: int = 15) -> None:
        """Take the layers.

        Raises:
            NoClosedForm: there is one layer, with orthogonal weights: the law is that of D².
            DomainError: digits is not between 5 and 100.
        """
        super().__init__(layers, digits)
        self.layers = tuple(layers)
        if len(layers) == 1 and layers[0].count == 1 and not layers[0].weights.free_symbols:
            raise NoClosedForm(
                "the density",
                "of one layer with orthogonal weights: that of σ_w² φ′(h)², see SlopeDensity",
            )

    def density(self, points: Sequence[Any]) -> list[Any]:
        """ρ at each λ, in any order: 0 outside the support.

        Raises:
            DomainError: a λ is not a finite real number, or it is 0 and the value there is not
                decided.
            NotConvergedError: the continuation did not reach a λ, or a rule does not resolve φ′.
        """
        with mp.workdps(self.digits + GUARD):
            values = [finite("lambda", value) for value in points]
            positive = sorted({value for value in values if value > 0})
            found = dict(zip(positive, self._positive(positive), strict=True))
            if 0 in values:
                found[mp.zero] = self._at_zero
            return [found.get(value, mp.zero) for value in values]

    def _positive(self, points: Sequence[Any]) -> list[Any]:
        """ρ at ascending λ > 0: the solution is followed down to each, from the one above it."""
        upper, found = self.upper, []
        state: ProductState | None = None
        last = mp.zero
        for point in reversed(points):
            if point >= upper:
                found.append(mp.zero)
                continue
            state = self._beside(state, last, point) or self.solutions([float(mp.log(point))])[0]
            if state is None or not (self._is_inside(state) or self._is_outside(state)):
                raise NotConvergedError(
                    f"the density at λ = {mp.nstr(point, 10)} is singular, or so small that double "
                    "precision loses it: move λ away from there"
                )
            last = point
            found.append(self.value(point, state) if self._is_inside(state) else mp.zero)
        return found[::-1]

    def _is_inside(self, state: ProductState) -> bool:
        """Whether the density is positive: m left the real axis, or does so seen from −rank.

        Where λ tends to 0, m tends to minus the smallest rank, and so does its imaginary part to 0.
        """
        from_rank = abs(state[0] + min(1.0, *self._ranks))
        return is_inside(state) or bool(abs(state[0].imag) > max(_LOST, 1e-3 * from_rank))

    def _is_outside(self, state: ProductState) -> bool:
        """Whether a real solution is one outside the spectrum: no 1/κ is a value of φ′².

        Inside it the solution may be real to rounding, where the density is exponentially small.
        """
        for layer, (_, (kappa,)) in zip(self.layers, state[1], strict=True):
            place = 1 / kappa.real
            table = layer.table
            if not table.exact and table.least_positive < place < table.supremum:
                return False
        return True

    def _beside(self, state: ProductState | None, last: Any, point: Any) -> ProductState | None:
        """The solution continued along the real line inside the spectrum; None if it is lost."""
        if state is None or not self._is_inside(state):
            return None
        ends = complex(mp.log(last)), complex(mp.log(point))
        try:
            found = follow(self._solve, state, *ends, "the density")
        except NotConvergedError:
            return None
        return found if self._is_inside(found) else None

    @cached_property
    def upper(self) -> Any:
        """The upper end of the continuous spectrum: ∞ where a φ′² is not bounded."""
        bounded = all(layer.table.is_bounded for layer in self.layers)
        return end_of_spectrum(self, 0.0, 1) if bounded else mp.inf

    @property
    def _ranks(self) -> list[float]:
        """The largest rank that each layer lets through, in widths of the input."""
        return [float(layer.after * (1 - layer.flat)) for layer in self.layers]

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
    def support(self) -> list[tuple[Any, Any]]:
        """From the lower to the upper end of the continuous spectrum; gaps are not looked for.

        Raises:
            NotConvergedError: an edge was not found.
        """
        with mp.workdps(self.digits + GUARD):
            return [(self._lower, self.upper)]
