"""The support of a product of residual blocks: where the real solution turns back.

Outside the spectrum G is real, and so is everything in the parametrisation by m = λG − 1. From
λ = +∞ m rises from 0 until dλ/dm = 0, the upper edge. From λ = −∞ m falls from 0 to −1 at
λ = 0; there the spectrum begins unless every block has w = 0 too, at which m goes on below −1 to
the lower edge. That is so for a block when its mean square is below a² (then y = 0), or when X is
invertible with E[1/X Xᵀ] < 1/a² (then y = −1): a outside the annulus of the eigenvalues of X.

Source: Haagerup and Larsen (2000) for the annulus.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from mpmath import fp, mp

from freejac.symbolic.errors import NotConvergedError
from freejac.symbolic.residual_block import BlockInNumbers, BlockState
from freejac.symbolic.residual_product import BlockProduct, ProductState

__all__ = ["is_inside", "lower_edge", "states_at", "support", "upper_edge"]

Interval = tuple[Any, Any]

_GROWTH = 1.25
_END = 1e8
_NEWTON_STEPS = 40
_SCAN = 80
_ROUGH = 1e-9
_INFINITE = 1e3
_LEVELS_TRIED = 5


def support(product: BlockProduct) -> list[Interval]:
    """The intervals of the continuous spectrum, ascending, at mpmath's working precision.

    A gap inside is looked for on a grid of 80 points in log λ, and its ends refined. Where φ′² has
    no bound every 1/κ > 0 is one of its values: the spectrum has no ends.

    Raises:
        NotConvergedError: an edge was not found.
    """
    if len(product.blocks) == 1 and product.blocks[0].count == 1 and product.blocks[0].is_haar:
        return [(_end(product, -1), _end(product, 1))]
    if not all(table.is_bounded for table in product.blocks[0].tables):
        return [(mp.zero, mp.inf)]
    upper = upper_edge(product)
    sheet = _near_sheet(product)
    lower = mp.zero if sheet is None else lower_edge(product, sheet)
    lowest = float(mp.log(lower)) if lower else float(mp.log(upper)) - 12.0
    ends = [lower, *_gap_ends(product, lowest, float(mp.log(upper))), upper]
    return list(zip(ends[::2], ends[1::2], strict=True))


def upper_edge(product: BlockProduct) -> Any:
    """The upper end of the continuous spectrum.

    Raises:
        NotConvergedError: it was not found.
    """
    return _turning(product, _far_sheet(product), 0.0, 1)


def lower_edge(product: BlockProduct, states: list[BlockState]) -> Any:
    """The lower end of a continuous spectrum that does not begin at 0.

    Args:
        product: the law.
        states: near those at m = −1 − product.start, on the sheet where λ → 0 at m = −1.

    Raises:
        NotConvergedError: it was not found.
    """
    return _turning(product, states, -1.0, -1)


def _far_sheet(product: BlockProduct) -> list[BlockState]:
    """The states at m = +start: λ → +∞."""
    return [
        block.near_infinity(product.start / (block.skip_squared + block.mean_square))
        for block in product.rough
    ]


def _near_sheet(product: BlockProduct) -> list[BlockState] | None:
    """The states at m = −1 − start, λ → 0⁺ below the spectrum; None when it begins at 0."""
    found = []
    for block, own in zip(product.rough, product.blocks, strict=True):
        least = 1.0
        for table in own.tables:
            least *= float(table.lowest)
        if block.mean_square < block.skip_squared * (1 - 1e-12):
            found.append(
                block.near_infinity(product.start / (block.skip_squared - block.mean_square))
            )
        elif least > 0 and own.weights_at_minus_one_is_finite:
            inverse = block.mean_inverse_square
            if inverse * block.skip_squared >= 1 - 1e-12:
                return None
            found.append(block.near_zero(product.start / (1 / inverse - block.skip_squared)))
        else:
            return None
    return found


def _turning(product: BlockProduct, states: list[BlockState], origin: float, side: int) -> Any:
    """λ at the first zero of dλ/dm for m from the origin up (side 1), or down (side −1)."""
    blocks, distance, before = product.rough, product.start, (0.0, states)
    found = states_at(fp, blocks, origin + side * distance, states, _ROUGH)
    if found is None:
        raise NotConvergedError("an edge of the spectrum has no start; report the parameters")
    while distance < _END:
        before, factor = (distance, found), _GROWTH
        while (
            found := states_at(fp, blocks, origin + side * distance * factor, before[1], _ROUGH)
        ) is None:
            factor = 1 + (factor - 1) / 2
            if factor - 1 < 1e-9:
                raise NotConvergedError("an edge of the spectrum was lost on the way to it")
        distance *= factor
        if _slope(blocks, origin + side * distance, found) >= 0:
            return _refined(product, origin, side, (before[0], distance), before[1])
    raise NotConvergedError("no edge of the spectrum up to |m| = 1e8")


def _refined(
    product: BlockProduct, origin: float, side: int, bracket: tuple[float, float], states: Any
) -> Any:
    """Bisect dλ/dm = 0 in double precision, then by the secant method at the digits asked for."""
    low, high = bracket
    for _ in range(60):
        middle = (low + high) / 2
        inner = states_at(fp, product.rough, origin + side * middle, states, _ROUGH)
        if inner is None:
            break
        if _slope(product.rough, origin + side * middle, inner) >= 0:
            high = middle
        else:
            low, states = middle, inner
    return _polished_edge(product, origin + side * (low + high) / 2, states)


def _polished_edge(product: BlockProduct, m: float, states: Any) -> Any:
    """λ where dλ/dm = 0, from a start in double precision, on finer rules until it settles."""
    last = None
    for level in range(product.level, product.level + _LEVELS_TRIED):
        found = _edge_at(product, level, m, states)
        if product.exact:
            return found
        if last is not None and abs(found - last) <= mp.mpf(10) ** (-product.digits) * found:
            return found
        last = found
    raise NotConvergedError("an edge of the spectrum did not settle: φ′ is not resolved")


def _edge_at(product: BlockProduct, level: int, m: float, states: Any) -> Any:
    """The same with one rule."""
    blocks, tolerance = product.in_numbers(mp, level), mp.mpf(10) ** (-mp.dps + 5)
    exact = [(mp.mpf(y.real), tuple(mp.mpf(k.real) for k in kappas)) for y, kappas in states]

    def slope(place: Any) -> Any:
        inner = states_at(mp, blocks, place, exact, tolerance)
        if inner is None:
            raise NotConvergedError("an edge of the spectrum did not settle; raise digits")
        return _slope(blocks, place, inner)

    first, second = mp.mpf(m), mp.mpf(m) * (1 + mp.mpf("1e-9"))
    at_first, at_second = slope(first), slope(second)
    for _ in range(30):
        if at_second == at_first:
            break
        step = at_second * (second - first) / (at_second - at_first)
        first, at_first = second, at_second
        second -= step
        # λ is stationary there: half the digits in m give all of them in λ
        if abs(step) <= abs(second) * mp.mpf(10) ** (-product.digits * 2 // 3 - 2):
            break
        at_second = slope(second)
    inner = states_at(mp, blocks, second, exact, tolerance)
    if inner is None:
        raise NotConvergedError("an edge of the spectrum did not settle; raise digits")
    found = (1 + second) / second
    for block, own in zip(blocks, inner, strict=True):
        found *= (second * (1 + second) / block.point(own)) ** block.count
    return found


def states_at(
    ctx: Any, blocks: Sequence[BlockInNumbers], m: Any, states: Sequence[BlockState], tol: Any
) -> list[BlockState] | None:
    """The states at a real m, by Newton's method; None when it does not settle nearby."""
    found = []
    for block, start in zip(blocks, states, strict=True):
        state = start
        for _ in range(_NEWTON_STEPS):
            try:
                alpha, _, _, _, gaps = block.linearised(m, state)
                moved = block.moved(state, alpha, gaps)
            except (ZeroDivisionError, NotConvergedError):
                return None
            size = max(
                abs(alpha) / max(abs(moved[0]), ctx.mpf(1e-12)),
                *(abs(new - old) / abs(old) for old, new in zip(state[1], moved[1], strict=True)),
            )
            if not size < 2 or not moved[0] * state[0] > 0:
                return None
            state = moved
            if size <= tol:
                break
        else:
            return None
        found.append(state)
    return found


def _slope(blocks: Sequence[BlockInNumbers], m: Any, states: Sequence[BlockState]) -> Any:
    """Evaluate d log λ/dm."""
    found = 1 / (1 + m) - 1 / m
    for block, own in zip(blocks, states, strict=True):
        _, beta, curvature, _, _ = block.linearised(m, own)
        found += block.count * (1 / m + 1 / (1 + m) - curvature * beta)
    return found


def _end(product: BlockProduct, side: int) -> Any:
    """(r ± a)² for X = r·Haar, the arcsine law of |a + r e^{iθ}|²: there m is infinite."""
    (block,) = product.in_numbers(mp, product.level)
    return (mp.sqrt(block.mean_square) + side * mp.sqrt(block.skip_squared)) ** 2


def _gap_ends(product: BlockProduct, lowest: float, highest: float) -> list[Any]:
    """The edges between two places in log λ, ascending, found on a grid of 80 points."""
    grid = [
        (lowest + highest) / 2 - (highest - lowest) / 2 * fp.cos(fp.pi * (k + 0.5) / _SCAN)
        for k in range(_SCAN)
    ]
    states = product.solutions(grid)
    seen = [(p, state) for p, state in zip(grid, states, strict=True) if state is not None]
    ends = []
    for before, after in pairwise(seen):
        if is_inside(before[1]) != is_inside(after[1]):
            ends.append(_gap_end(product, _last_outside(product, before, after)))
    return ends


def _last_outside(
    product: BlockProduct, before: tuple[float, ProductState], after: tuple[float, ProductState]
) -> ProductState:
    """Bisect between a point inside and one outside: the state closest to the edge, outside."""
    (low, _), (high, _) = before, after
    outer = after[1] if is_inside(before[1]) else before[1]
    for _ in range(30):
        middle = (low + high) / 2
        (state,) = product.solutions([middle])
        if state is None:
            break
        if not is_inside(state):
            outer = state
        low, high = (low, middle) if is_inside(state) == is_inside(after[1]) else (middle, high)
    return outer


def _gap_end(product: BlockProduct, outer: ProductState) -> Any:
    """The edge next to a point of a gap; G is infinite at one where an atom is about to appear."""
    if abs(outer[0]) < _INFINITE:
        return _polished_edge(product, outer[0].real, outer[1])
    skips = [mp.convert(block.skip) ** (2 * block.count) for block in product.blocks]
    return mp.fprod(skips)


def is_inside(state: ProductState) -> bool:
    """Whether a solution on the real axis left it: the density is positive there."""
    return bool(abs(state[0].imag) > 1e-7 * abs(state[0]))
