"""The ends of the spectrum of a product of layers of any activation, on the real sheets.

Outside the spectrum everything is real, and 1/κ of each layer lies outside the range of φ′²: above
the supremum for the upper end, below the infimum for the lower. With b that bound and
    1/κ = b (1 ± e⁻ˢ),
M_{D²} is monotone in s, from where the sheet starts at s = −∞ to where 1/κ meets b at s = ∞. There
M is infinite if φ′² takes the value b often enough, as at a maximum of φ′² that h reaches, and
dλ/dm = 0 on the way. Where φ′² comes near b only at infinity, or so far out that its probability
is negligible, M may stay finite, and the sheet ends without a zero of dλ/dm: then the spectrum
ends where 1/κ = b, and its density falls to 0 there like the Gaussian tail.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from mpmath import fp, mp

from freejac.symbolic.errors import NotConvergedError

if TYPE_CHECKING:
    from freejac.symbolic.layer_block import LayerInNumbers
    from freejac.symbolic.smooth_layers import SmoothLayers

__all__ = ["end_of_spectrum"]

_FIRST, _STEP = -60.0, 0.25
_NEAREST = 1e-12
"""How near, in double precision, 1/κ comes to the range of φ′², of one."""
_BISECTIONS, _SECANTS, _NEWTON_STEPS = 70, 60, 150

_Ends: TypeAlias = tuple[Any, Any, Any, Any]
"""Where a function is negative, where it is positive, and its values there."""


def end_of_spectrum(product: SmoothLayers, origin: float, side: int) -> Any:
    """The upper end (side 1, from m = 0) or the lower (side −1, from m = −(smallest rank)).

    Args:
        product: the law.
        origin: where λ is ∞, or 0.
        side: the direction in which m leaves it.

    Raises:
        NotConvergedError: an end was not found.
    """
    try:
        return _end(product, origin, side)
    except ZeroDivisionError as error:
        raise NotConvergedError("an edge of the spectrum was lost: is φ′ oscillating?") from error


def _end(product: SmoothLayers, origin: float, side: int) -> Any:
    """Follow the sheet to the first zero of dλ/dm, or to where it ends."""
    rough = _Sheet(product, side)
    place = rough.place_of(origin + side * product.start)
    before, slope = place, rough.slope(place)
    if not slope < 0:
        raise NotConvergedError("an edge of the spectrum has no start; report the parameters")
    while slope < 0 and place < rough.last:
        before = place
        grown = place * 1.25 if 0 < place < 1 else place + _STEP
        place = min(grown, rough.last)
        slope = rough.slope(place)
    exact = _ExactSheet(product, rough)
    ends = None
    if not slope < 0:
        before, place = _bisected(rough.slope, before, place)
        ends = _bracket(exact.slope, mp.mpf(before), mp.mpf(place))
    if ends is None:
        # a sign that rounding errors changed is none: the rest of the way is gone in mpmath
        if exact.slope(exact.last) < 0:
            return exact.eigenvalue(exact.last)
        ends = _bracket(exact.slope, mp.mpf(before), exact.last)
    if ends is None:
        raise NotConvergedError("an edge of the spectrum did not settle; raise digits")
    return exact.eigenvalue(_zero(exact.slope, ends, product.digits))


class _Sheet:
    """λ and dλ/dm along a real sheet, in double precision.

    Attributes:
        side: 1 for the sheet of the upper end, −1 for that of the lower.
        leader: the layer whose s is the variable: the one that bounds m.
        last: the largest s.
    """

    _ctx: Any = fp

    def __init__(self, product: SmoothLayers, side: int) -> None:
        self.side, self.last, self._close = side, -fp.log(_NEAREST), 1e-13
        self._known: dict[int, Any] = {}
        self._blocks = cast("Sequence[LayerInNumbers]", product.rough)
        self._bounds = [float(bound) for bound in _bounds(product, side)]
        reached = [
            abs(block.after * self._mgf(index, self.last)[0])
            for index, block in enumerate(self._blocks)
        ]
        self.leader = min(range(len(reached)), key=reached.__getitem__)

    def place_of(self, m: Any) -> Any:
        """The s of the leading layer at m."""
        return self.solved(self.leader, m)

    def slope(self, place: Any) -> Any:
        """The derivative of log λ in m: negative until the end."""
        m, states = self._states(place)
        found = 1 / (1 + m) - 1 / m
        for block, own in zip(self._blocks, states, strict=True):
            _, beta, curvature, _, _ = block.linearised(m, own)
            found += block.count * (1 / m + 1 / (1 + m) - curvature * beta)
        return found

    def eigenvalue(self, place: Any) -> Any:
        """λ at the place."""
        m, states = self._states(place)
        found = (1 + m) / m
        for block, own in zip(self._blocks, states, strict=True):
            found *= (m * (1 + m) / block.point(own)) ** block.count
        return found

    def _states(self, place: Any) -> tuple[Any, list[Any]]:
        """M, and the state of every layer."""
        leader = self.leader
        m = self._blocks[leader].after * self._mgf(leader, place)[0]
        states = []
        for index, block in enumerate(self._blocks):
            own = place if index == leader else self.solved(index, m)
            states.append((m / block.after, (self._kappa(index, own),)))
        return m, states

    def _kappa(self, index: int, place: Any) -> Any:
        """κ = 1/(b (1 ± e⁻ˢ))."""
        return 1 / (self._bounds[index] * self._ratio(place))

    def _ratio(self, place: Any) -> Any:
        """1 ± e⁻ˢ, not 0."""
        found = 1 + self._ctx.exp(-place) if self.side > 0 else -self._ctx.expm1(-place)
        return found or self._ctx.mpf("1e-40")

    def _mgf(self, index: int, place: Any) -> tuple[Any, Any]:
        """M_{D²} of a layer, and its slope in κ."""
        return self._blocks[index].mgf(self._kappa(index, place))

    def solved(self, index: int, m: Any) -> Any:
        """The s of a layer at m: M is monotone; Newton's method kept in a bracket."""
        goal, low, high = m / self._blocks[index].after, self._ctx.mpf(_FIRST), self.last
        place = self._ctx.mpf(self._known.get(index, (low + high) / 2))
        for _ in range(_NEWTON_STEPS):
            kappa = self._kappa(index, place)
            value, slope = self._mgf(index, place)
            miss = (value - goal) / slope
            low, high = (low, place) if self.side * miss > 0 else (place, high)
            # dκ/ds = ± e⁻ˢ κ/(1 ± e⁻ˢ)
            speed = self.side * self._ctx.exp(-place) * kappa / self._ratio(place)
            moved = place - miss / speed
            settled = abs(miss) <= self._close * abs(kappa)
            if settled or high - low <= self._close * abs(high):
                break
            place = moved if low < moved < high else (low + high) / 2
        else:
            raise NotConvergedError("an edge of the spectrum did not settle; raise digits")
        self._known[index] = place
        return place


class _ExactSheet(_Sheet):
    """The same at mpmath's working precision."""

    _ctx = mp

    def __init__(self, product: SmoothLayers, rough: _Sheet) -> None:
        self.side, self.leader, self._known = rough.side, rough.leader, dict(rough._known)
        self._close = mp.mpf(10) ** (8 - mp.dps)
        self.last = (product.digits + 5) * mp.ln10
        self._blocks = cast("Sequence[LayerInNumbers]", product.in_numbers(mp, product.level))
        self._bounds = _bounds(product, rough.side)


def _bounds(product: SmoothLayers, side: int) -> list[Any]:
    """The supremum, or the infimum, of every φ′²."""
    tables = [layer.table for layer in product.layers]
    return [table.supremum if side > 0 else table.least_positive for table in tables]


def _bisected(function: Callable[[Any], Any], low: Any, high: Any) -> tuple[Any, Any]:
    """Close in upon where a function changes from negative to positive, in double precision."""
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if not low < middle < high:
            break
        low, high = (middle, high) if function(middle) < 0 else (low, middle)
    return low, high


def _zero(function: Callable[[Any], Any], ends: _Ends, digits: int) -> Any:
    """The zero between a negative and a positive value, by regula falsi of the Illinois kind."""
    low, high, at_low, at_high = ends
    close, last = mp.mpf(10) ** (-2 * digits // 3 - 2), low
    for step in range(_SECANTS):
        inside = low + (high - low) * at_low / (at_low - at_high)
        place = inside if step % 4 < 3 else (low + high) / 2
        value = function(place)
        if value == 0 or abs(place - last) <= close * (1 + abs(place)):
            return place
        last = place
        if value < 0:
            low, at_low, at_high = place, value, at_high / 2
        else:
            high, at_high, at_low = place, value, at_low / 2
    raise NotConvergedError("an edge of the spectrum did not settle; raise digits")


def _bracket(function: Callable[[Any], Any], low: Any, high: Any) -> _Ends | None:
    """Widen what double precision closed in upon to where the sign changes: s loses e^s of it."""
    margin = mp.mpf("1e-10")
    while margin < 1:
        ends = low - margin, high + margin
        values = [function(end) for end in ends]
        if values[0] < 0 < values[1]:
            return (*ends, *values)
        margin *= 30
    return None
