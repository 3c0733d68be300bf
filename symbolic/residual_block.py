"""One residual block in numbers, linearised: what continuation along λ needs of it.

The block X = D_k W_k … D_1 W_1 has the unknowns y = M_{XXᵀ} and, for each D_j², the inverse κ_j of
its subordination variable, M_{D_j²}(1/κ_j) = y. Given m they solve
    (m − y)(1 + m − y) = a² w,   w = (1+y)^{k+1} y^{1−k} Π κ_j · S_W(y)^k/share.
No square root is written, so that there is no branch to choose, and κ passes through 0 where the
subordination variable passes through infinity.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp
from mpmath import mp

from freejac.symbolic.errors import NoClosedForm
from freejac.symbolic.slope_nodes import SlopeTable
from freejac.symbolic.symbols import z

__all__ = ["Block", "BlockInNumbers", "BlockState"]

BlockState = tuple[Any, tuple[Any, ...]]
"""(y, (κ_1, …, κ_k))."""


@dataclass(frozen=True)
class Block:
    """What a block is made of.

    Attributes:
        tables: φ_j′² of each weight layer.
        weights: S of W Wᵀ, to the power k and over the share: numbers and z.
        skip: the skip weight a.
        count: how many blocks of the network are like this; not an integer where a few stand for
            many of slowly changing variance.
    """

    tables: tuple[SlopeTable, ...]
    weights: sp.Expr
    skip: Any
    count: Any

    def __post_init__(self) -> None:
        """Refuse weights that cannot be evaluated."""
        if not self.weights.is_rational_function(z):
            raise NoClosedForm("the density", "S of the weights is not a rational function")

    @property
    def exact(self) -> bool:
        """Whether the law of every D_j² is a finite set of atoms."""
        return all(table.exact for table in self.tables)

    def rule(self, table: SlopeTable, level: int) -> Sequence[tuple[Any, Any]]:
        """The (φ′², probability) that stand for a law at a refinement."""
        return table.few(level)

    @property
    def weights_at_minus_one_is_finite(self) -> bool:
        """Whether E[1/W Wᵀ] is finite."""
        return bool(sp.denom(sp.cancel(self.weights)).subs(z, -1) != 0)

    @property
    def is_haar(self) -> bool:
        """Whether X is a multiple of a Haar orthogonal matrix: φ linear, weights orthogonal."""
        flat = all(
            table.exact and len(nodes := table.nodes(0)) == 1 and nodes[0][1] == 1
            for table in self.tables
        )
        return flat and not self.weights.has(z)

    def in_numbers(self, ctx: Any, level: int) -> BlockInNumbers:
        """Round everything for a context: mpmath's `mp` at its precision, or `fp`."""
        nodes = tuple(
            [(ctx.convert(v), ctx.convert(w)) for v, w in self.rule(table, level)]
            for table in self.tables
        )
        slope = sp.cancel(sp.diff(self.weights, z) / self.weights)
        module = "mpmath" if ctx is mp else "math"
        weights, slopes = (sp.lambdify(z, sp.factor(e), module) for e in (self.weights, slope))
        skip = ctx.convert(self.skip)
        return BlockInNumbers(nodes, weights, slopes, skip**2, ctx.convert(self.count))


class BlockInNumbers:
    """A block at one precision and one refinement.

    >>> from mpmath import fp
    >>> table = SlopeTable([], mp.one, [(mp.one, mp.one)])           # φ linear
    >>> block = Block((table,), 1 / (1 + z), mp.one, 1).in_numbers(fp, 0)
    >>> block.mean_square
    1.0
    """

    def __init__(
        self,
        nodes: tuple[Sequence[tuple[Any, Any]], ...],
        weights: Any,
        weights_log_slope: Any,
        skip_squared: Any,
        count: Any,
    ) -> None:
        """Keep the numbers; `weights` and its logarithmic derivative are functions of y."""
        self._nodes, self._s, self._log_s_slope = nodes, weights, weights_log_slope
        self.skip_squared, self.count = skip_squared, count

    @property
    def mean_square(self) -> Any:
        """The mean squared singular value of X."""
        found = 1 / self._s(0)
        for nodes in self._nodes:
            found *= sum(value * mass for value, mass in nodes)
        return found

    @property
    def mean_inverse_square(self) -> Any:
        """The mean of the inverse squared singular values of X, for φ′² away from 0."""
        found = self._s(-1)
        for nodes in self._nodes:
            found *= sum(mass / value for value, mass in nodes)
        return found

    def near_infinity(self, w: Any) -> BlockState:
        """The state at small w on the sheet where y vanishes with w."""
        y = self.mean_square * w
        return y, tuple(y / sum(v * mass for v, mass in nodes) for nodes in self._nodes)

    def near_zero(self, w: Any) -> BlockState:
        """The state at small w on the sheet where y tends to −1: X invertible."""
        inverse = self.mean_inverse_square
        kappas = tuple(inverse * sum(mass / v for v, mass in nodes) / w for nodes in self._nodes)
        return -1 - w / inverse, kappas

    def point(self, state: BlockState) -> Any:
        """Evaluate w = (1+y)^{k+1} y^{1−k} Π κ_j S_W(y)^k/share."""
        y, kappas = state
        found = (1 + y) ** (len(kappas) + 1) * self._s(y)
        for kappa in kappas:
            found *= kappa
        return found / y ** (len(kappas) - 1) if len(kappas) > 1 else found

    def linearised(self, m: Any, state: BlockState) -> tuple[Any, Any, Any, Any, list[Any]]:
        """Newton's correction as an affine function of that of m.

        Returns:
            α, β of δy = α + β δm; P, Q of δ(log w) = P δy − Q; and for every law (M′, M − y), from
            which δκ_j = (δy − (M_j − y))/M_j′.
        """
        y, kappas = state
        gaps, curvature, lag = [], (len(kappas) + 1) / (1 + y) + self._log_s_slope(y), 0
        if len(kappas) > 1:
            curvature += (1 - len(kappas)) / y
        for nodes, kappa in zip(self._nodes, kappas, strict=True):
            mgf = slope = 0
            for value, mass in nodes:
                ratio = value / (1 - value * kappa)
                mgf += mass * ratio
                slope += mass * ratio * ratio / value
            gap = mgf * kappa - y
            gaps.append((slope, gap))
            curvature += 1 / (kappa * slope)
            lag += gap / (kappa * slope)
        scaled = self.skip_squared * self.point(state)
        residual = (m - y) * (1 + m - y) - scaled
        steep = 1 + 2 * (m - y)
        below = steep + scaled * curvature
        return (residual + scaled * lag) / below, steep / below, curvature, lag, gaps

    @staticmethod
    def moved(state: BlockState, step: Any, gaps: list[Any]) -> BlockState:
        """Apply δy and what follows from it for the κ_j."""
        y, kappas = state
        return y + step, tuple(
            kappa + (step - gap) / slope for kappa, (slope, gap) in zip(kappas, gaps, strict=True)
        )
