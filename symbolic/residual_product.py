"""The spectral density of a product of residual blocks at finite depth, in numbers.

With m = zG − 1 common to all blocks and w_l that of block l,
    log λ = log((1+m)/m) + Σ_l [log(m(1+m)) − log w_l],
as S_l = w_l/(m(1+m)). The solution is continued from large |λ| along the imaginary axis and down
to the real one, in double precision; it is polished by Newton's method at the digits asked for, on
quadrature rules refined until nothing moves.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from mpmath import fp, mp

from freejac.symbolic.domain import finite
from freejac.symbolic.errors import DomainError, NotConvergedError
from freejac.symbolic.path_following import follow
from freejac.symbolic.residual_block import Block, BlockInNumbers, BlockState

__all__ = ["BlockNumbers", "BlockProduct", "ProductState"]

ProductState = tuple[Any, tuple[BlockState, ...]]
"""m, and the state of every kind of block."""

GUARD = 15
_FAR = 1e-3
_START = 1e-4
_NEWTON_STEPS = 30
_LEVELS_TRIED, _COARSEST_TRIED = 4, 3
_FAR_OFF = 1e-2
"""What a finer rule may change of a solution that was found with a coarser one."""
_DOUBLE_DIGITS = 9
_WELL_INSIDE = 1e-2
_ROUGH = 1e-2
"""Noise of a solution in double precision that mpmath can polish, of Im m."""
_REAL = 1e-12
"""Imaginary parts so small, of one, are rounding errors."""


class BlockNumbers:
    """The blocks of a product, in the numbers of a context.

    Attributes:
        blocks: the kinds of blocks, each with its multiplicity.
        digits: correct digits aimed at.
        level: the refinement of the rules at which solutions are sought first.
    """

    def __init__(self, blocks: Sequence[Block], digits: int = 15) -> None:
        """Take the kinds of blocks.

        Raises:
            DomainError: digits is not between 5 and 100.
        """
        if not 5 <= digits <= 100:
            raise DomainError(f"digits must lie between 5 and 100, not {digits}")
        self.blocks, self.digits, self.level = tuple(blocks), digits, 0

    @cached_property
    def start(self) -> float:
        """How far from where λ is 0 or ∞ a search begins, in m: the edges are at m ~ 1/L."""
        return _START / sum(block.count for block in self.blocks)

    @cached_property
    def settled(self) -> float:
        """The relative change in double precision below which only rounding errors are left.

        Every layer adds one to log λ.
        """
        return max(1e-13, 1e-15 * sum(block.count for block in self.blocks))

    @property
    def exact(self) -> bool:
        """Whether no rule has to be refined."""
        return all(block.exact for block in self.blocks)

    @property
    def rough(self) -> list[BlockInNumbers]:
        """The blocks in double precision."""
        with mp.workdps(17):
            return self.in_numbers(fp, self.level)

    def in_numbers(self, ctx: Any, level: int) -> list[BlockInNumbers]:
        """The blocks in double precision, or at mpmath's working precision."""
        key = ctx is mp, level, mp.prec
        if key not in self._numbers:
            self._numbers[key] = [block.in_numbers(ctx, level) for block in self.blocks]
        return self._numbers[key]

    @cached_property
    def _numbers(self) -> dict[tuple[bool, int, int], list[BlockInNumbers]]:
        return {}


class BlockProduct(BlockNumbers):
    """The law of J Jᵀ for J a product of residual blocks, in numbers.

    Attributes:
        blocks: the kinds of blocks, each with its multiplicity.
        digits: correct digits aimed at.
    """

    def solutions(self, log_points: Sequence[float]) -> list[ProductState | None]:
        """The states at λ + i0 for ascending real log λ, in double precision.

        None stands at a singular point: an edge, or an atom.

        Raises:
            NotConvergedError: the way along the imaginary axis was lost.
        """
        found: list[ProductState | None] = []
        state, here = self._start()
        reached: ProductState | None = None
        for point in sorted(log_points, reverse=True):
            reached = self._continued(reached, point)
            if reached is None:
                corner = complex(point, fp.pi / 2)
                state, here = follow(self._solve, state, here, corner, "the density"), corner
                try:
                    reached = follow(self._solve, state, corner, complex(point, 0), "the density")
                except NotConvergedError:
                    reached = None
            found.append(reached)
        return found[::-1]

    def _continued(self, state: ProductState | None, point: float) -> ProductState | None:
        """The solution continued along the real line, well inside the spectrum; None elsewhere."""
        if state is None or not _is_well_inside(state):
            return None
        found = self._solve(state, complex(point, 0))
        return found if found is not None and _is_well_inside(found) else None

    def density(self, points: Sequence[Any]) -> list[Any]:
        """ρ at ascending λ > 0 inside the support, at mpmath's working precision.

        Raises:
            NotConvergedError: λ is an edge or an atom, or no rule resolves φ′.
        """
        while True:
            try:
                return self._density(points)
            except NotConvergedError:
                if self.exact or self.level == _COARSEST_TRIED:
                    raise
                self.level += 1

    def _density(self, points: Sequence[Any]) -> list[Any]:
        states = self.solutions([float(mp.log(point)) for point in points])
        found = []
        for point, state in zip(points, states, strict=True):
            found.append(self.value(point, state or self._in_more_digits(point)))
        return found

    def _in_more_digits(self, point: Any) -> ProductState:
        """The state at λ + i0, the last part of the way at mpmath's working precision.

        Raises:
            NotConvergedError: λ is an edge or an atom.
        """
        end, fine = mp.mpc(mp.log(point)), mp.mpf(10) ** (GUARD // 2 - mp.dps)
        corner = complex(end.real, fp.pi / 2)
        state, here = self._start()
        state = follow(self._solve, state, here, corner, "the density")
        blocks = self.in_numbers(mp, self.level)

        def solve(before: ProductState, target: Any) -> ProductState | None:
            found = newton(mp, blocks, before, target, fine, _ROUGH)
            return found if found is not None and _is_near(before, found) else None

        try:
            return follow(solve, _converted(mp, state), mp.mpc(corner), end, "the density")
        except NotConvergedError:
            raise NotConvergedError(
                f"the density is singular near λ = {mp.nstr(point, 10)}: move away from there"
            ) from None

    def value(self, point: Any, state: ProductState) -> Any:
        """ρ at λ, from the solution there in double precision."""
        m = self.polished(state, mp.mpc(mp.log(point)))[0]
        if m.imag > _REAL * abs(m):
            raise NotConvergedError(
                f"the branch was lost near λ = {mp.nstr(point, 10)}: move away from the edge"
            )
        return max(-m.imag / (mp.pi * point), mp.zero)

    def polished(self, state: ProductState, log_lam: Any) -> ProductState:
        """Newton's method at the precision needed, on finer rules until m does not move.

        Raises:
            NotConvergedError: it does not settle.
        """
        found = None
        if self.digits <= _DOUBLE_DIGITS:
            found = self._refined(fp, state, complex(log_lam), self.settled)
        if found is None:
            # next to an edge double precision is not enough for a few digits either
            fine = mp.mpf(10) ** (-self.digits - GUARD // 2)
            found = self._refined(mp, state, log_lam, fine)
        if found is None:
            raise NotConvergedError("the density did not settle: move λ away from the edge")
        return found

    def _refined(self, ctx: Any, state: ProductState, goal: Any, fine: Any) -> ProductState | None:
        """The solution on finer rules until m does not move; None if it does."""
        tolerance = mp.mpf(10) ** (-self.digits)
        known: ProductState | None = None
        for level in range(self.level, self.level + _LEVELS_TRIED):
            blocks = self.in_numbers(ctx, level)
            start = known if known is not None else _converted(ctx, state)
            found = newton(ctx, blocks, start, goal, fine, tolerance)
            if found is None or self.exact:
                return found
            moved = 1.0 if known is None else abs(found[0] - known[0]) / abs(found[0])
            height = abs(found[0].imag) / abs(found[0])
            if moved <= tolerance * height:
                return found
            if known is not None and moved > _FAR_OFF * height:
                return None
            known = found
        return None

    def _start(self) -> tuple[ProductState, complex]:
        """The solution on the imaginary axis where M(λ) ≈ m_1/λ."""
        depth = sum(block.count for block in self.blocks)
        m = complex(0, -_FAR / depth)
        means = [block.skip_squared + block.mean_square for block in self.rough]
        mean = sum(
            block.count * fp.log(value) for block, value in zip(self.rough, means, strict=True)
        )
        states = tuple(
            block.near_infinity(m / value) for block, value in zip(self.rough, means, strict=True)
        )
        target = mean - fp.log(m)
        found = newton(fp, self.rough, (m, states), target, self.settled)
        if found is None:
            raise NotConvergedError(f"no start at large |λ| for depth {depth}")
        return found, target

    def _solve(self, state: ProductState, target: complex) -> ProductState | None:
        found = newton(fp, self.rough, state, target, self.settled, _ROUGH)
        return found if found is not None and _is_near(state, found) else None


def newton(
    ctx: Any,
    blocks: Sequence[BlockInNumbers],
    state: ProductState,
    target: Any,
    tolerance: Any,
    noise: Any = 0,
) -> ProductState | None:
    """Newton's method for log λ = target; None when it does not settle.

    Next to an edge steps end in rounding errors: those may be as large as `noise`, of Im m.
    """
    last = ctx.inf
    for _ in range(_NEWTON_STEPS):
        try:
            state, size = _step(ctx, blocks, state, target)
        except (ZeroDivisionError, OverflowError, ValueError, NotConvergedError):
            return None  # left the range of the numbers, or of what is resolved
        if not size < 1e6:  # not a number, or far away
            return None
        m = state[0]
        if size <= tolerance or (4 * size >= last and size * abs(m) <= noise * abs(m.imag)):
            return state
        last = size
    return None


def _step(
    ctx: Any, blocks: Sequence[BlockInNumbers], state: ProductState, target: Any
) -> tuple[ProductState, Any]:
    """One step, and its size relative to what is moved."""
    m, inner = state
    residual, slope = ctx.log((1 + m) / m) - target, 1 / (1 + m) - 1 / m
    parts = [block.linearised(m, own) for block, own in zip(blocks, inner, strict=True)]
    for block, own, (alpha, beta, curvature, lag, _) in zip(blocks, inner, parts, strict=True):
        residual += block.count * ctx.log(m * (1 + m) / block.point(own))
        residual += block.count * (lag - curvature * alpha)
        slope += block.count * (1 / m + 1 / (1 + m) - curvature * beta)
    turns = round(float(residual.imag / (2 * ctx.pi))) if hasattr(residual, "imag") else 0
    change = -(residual - ctx.mpc(0, 2 * ctx.pi * turns)) / slope
    size, states = abs(change / m), []
    for block, own, (alpha, beta, _, _, gaps) in zip(blocks, inner, parts, strict=True):
        moved = block.moved(own, alpha + beta * change, gaps)
        # 1 + m and 1 + y may be as small as rounding: they do not tell whether it has settled
        size = max(size, abs(moved[0] - own[0]) / abs(own[0]))
        states.append(moved)
    return (m + change, tuple(states)), size


def _distance(before: BlockState, after: BlockState) -> Any:
    """The largest relative change of y, 1 + y and the κ_j."""
    (y, kappas), (new_y, new_kappas) = before, after
    gap = abs(new_y - y)
    return max(
        gap / abs(y),
        gap / abs(1 + y),
        *(abs(new - old) / abs(old) for old, new in zip(kappas, new_kappas, strict=True)),
    )


def _is_near(before: ProductState, after: ProductState) -> bool:
    """Whether nothing moved by more than a third of itself, nor m out of the lower half-plane.

    m = E[t/(λ − t)] is below the real axis for λ above it; near an edge its conjugate is close.
    """
    if after[0].imag > _REAL * abs(after[0]):
        return False
    change = abs(after[0] - before[0])
    distances = [_distance(old, new) for old, new in zip(before[1], after[1], strict=True)]
    return bool(max(change / abs(before[0]), change / abs(1 + before[0]), *distances) < 1 / 3)


def _is_well_inside(state: ProductState) -> bool:
    """Whether the density is positive, and no edge is near."""
    return bool(state[0].imag < -_WELL_INSIDE * abs(state[0]))


def _converted(ctx: Any, state: ProductState) -> ProductState:
    m, inner = state
    return ctx.mpc(m), tuple((ctx.mpc(y), tuple(map(ctx.mpc, kappas))) for y, kappas in inner)


def positive(name: str, value: Any) -> Any:
    """Read a positive number."""
    number = finite(name, value)
    if number <= 0:
        raise DomainError(f"{name} must be positive, not {value}")
    return number
