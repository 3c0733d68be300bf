"""The spectral density of a product of layers of any activation, by quadrature over h.

The means of the layers and the ends of the spectrum are those of `smooth_layers`; the solution is
followed, and polished, as in `residual_product`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from mpmath import fp, mp

from freejac.symbolic.deadline import deadline
from freejac.symbolic.domain import finite
from freejac.symbolic.errors import NoClosedForm, NotConvergedError
from freejac.symbolic.layer_block import LayerBlock
from freejac.symbolic.layer_path import LayerState, newton
from freejac.symbolic.layer_tail import Tail, is_lost, tail
from freejac.symbolic.path_following import follow, follow_far
from freejac.symbolic.residual_product import GUARD
from freejac.symbolic.smooth_layers import SmoothLayers

__all__ = ["SmoothProduct"]

_LOST = 1e-10
"""An imaginary part of m, of one, whose digits are not many in double precision."""
_REAL = 1e-12
"""One that may be rounding alone."""
_HIGH = 1e-3
"""One that has as many as are asked for where double precision is enough."""
_DOUBLE_DIGITS = 9
_FLOAT_DIGITS = 15
_FAR, _CLOSE = 1e-3, 1e-4
_ROUGHEST = 1e-4
_LARGEST = 1e100
"""Beyond which the square of a κ is no double."""
_ANGLE, _SETTLED = "1e-3", "1e-12"
_MORE_DIGITS, _MOST_DIGITS = 10, 40
"""What the precision is raised by, at a time and at most."""
_SECONDS = 20.0
"""Of processor time, what one λ may take to 15 digits."""
_NEAREST = 1e-10
"""How near the real line the way down is tried in steps."""


class SmoothProduct(SmoothLayers):
    """The law of JᵀJ of a product of layers, in numbers, where a φ is not piecewise linear."""

    def __init__(self, layers: Sequence[LayerBlock], digits: int = 15) -> None:
        """Take the layers.

        Raises:
            NoClosedForm: there is one layer, with orthogonal weights: the law is that of D².
            DomainError: digits is not between 5 and 100.
        """
        super().__init__(layers, digits)
        if len(layers) == 1 and layers[0].count == 1 and not layers[0].weights.free_symbols:
            raise NoClosedForm(
                "the density",
                "of one layer with orthogonal weights: that of σ_w² φ′(h)², see SlopeDensity",
            )

    def density(self, points: Sequence[Any]) -> list[Any]:
        """ρ at each λ, in any order: 0 outside the support, and up to 15 digits below e^(−5000).

        Raises:
            DomainError: a λ is not a finite real number, or it is 0 and the value there is not
                decided.
            NotConvergedError: the continuation did not reach a λ, as at a singular point, or took
                too long.
        """
        with mp.workdps(self.digits + GUARD):
            values = [finite("lambda", value) for value in points]
            positive = sorted({value for value in values if value > 0})
            kept = [value for value in positive if not self._is_lost(value)]
            found = dict(zip(kept, self._positive(kept), strict=True))
            if 0 in values:
                found[mp.zero] = self._at_zero
            return [found.get(value, mp.zero) for value in values]

    def _positive(self, points: Sequence[Any]) -> list[Any]:
        """ρ at ascending λ > 0: the solution is followed down to each, from the one above it."""
        found: list[Any] = []
        state: LayerState | None = None
        last = mp.zero
        for point in reversed(points):
            with deadline(self._seconds, f"the density at λ = {mp.nstr(point, 10)}"):
                if self._is_outside(point):
                    found.append(mp.zero)
                    continue
                beside = self._beside(state, last, point)
                state, angle = (beside, 0.0) if beside else self._arrived(mp.log(point))
                last = point
                found.append(self._value(point, state, angle))
                state = None if angle else state
        return found[::-1]

    @property
    def _seconds(self) -> float:
        """How long one λ may take."""
        return _SECONDS * max(1.0, self.digits / _FLOAT_DIGITS) ** 2

    def _is_outside(self, point: Any) -> bool:
        """Whether λ is at an end of the continuous spectrum or beyond."""
        # the largest eigenvalue is not below the mean, and it is no atom
        is_below = mp.log(point) < self._log_mean and not self._has_atoms
        return (not is_below and point >= self.upper) or point <= self._surely_below

    @cached_property
    def _log_mean(self) -> Any:
        """Log of the mean eigenvalue, less what rounding may do to it."""
        layers = self.path(fp)
        return sum(layer.count * (fp.log(layer.mean_square) - _REAL) for layer in layers)

    @cached_property
    def _has_atoms(self) -> bool:
        """Whether a φ′ is constant and not 0 somewhere."""
        return any(layer.table.exact or layer.table.is_constant for layer in self.layers)

    def _is_lost(self, point: Any) -> bool:
        """Whether ρ is 0 to as many digits as are asked for, without a look at the ends."""
        return self.digits <= _FLOAT_DIGITS and is_lost(self, mp.log(point))

    def _value(self, point: Any, state: LayerState, angle: Any) -> Any:
        """ρ at λ, from the continued solution at λ times e^{i angle}."""
        if angle or not self.is_resolved(state):
            reached = tail(self, mp.log(point), state)
            if reached is None:
                return self.value(point, self._closer(state, angle, point))
            if reached.error <= mp.mpf(10) ** (-self.digits):
                return self._confirmed(point, reached)
            state = reached.state
        return self.value(point, state)

    def _confirmed(self, point: Any, reached: Tail) -> Any:
        """A density in a tail with more digits, until two precisions agree on those asked for.

        Raises:
            NotConvergedError: they do not.
        """
        for more in range(_MORE_DIGITS, _MOST_DIGITS + 1, _MORE_DIGITS):
            known = reached
            with mp.workdps(mp.dps + more):
                again = tail(self, mp.log(point), known.state)
            if again is None:
                break
            reached = again
            if abs(reached.density - known.density) <= mp.mpf(10) ** (-self.digits) * known.density:
                return +reached.density
        raise NotConvergedError(
            f"{self.digits} digits of the density at λ = {mp.nstr(point, 10)} were not reached: "
            "ask for fewer, or move λ"
        )

    def _closer(self, state: LayerState, angle: Any, point: Any) -> LayerState:
        """The solution at λ, next to an edge, where rounding in doubles ended the way down.

        Raises:
            NotConvergedError: it is not reached.
        """

        def solve(state: LayerState, target: Any) -> LayerState | None:
            return self._continued(mp, state, target, mp.mpf(_SETTLED))

        goal = mp.mpc(mp.log(point))
        if angle:
            start = goal + mp.mpc(0, angle)
            found, done = follow_far(solve, _in_mpmath(state), start, goal, _NEAREST)
            if done == 1:
                return found
        raise NotConvergedError(
            f"the density is singular near λ = {mp.nstr(point, 10)}: move away from there"
        )

    def value(self, point: Any, state: LayerState) -> Any:
        """ρ at λ, by Newton's method from a solution next to it, at the digits aimed at.

        Raises:
            NotConvergedError: that did not settle, or the branch was lost.
        """
        goal = mp.log(point)
        in_doubles = self.digits <= _DOUBLE_DIGITS and _height(state) > _HIGH and _is_double(state)
        ctx, fine = mp, mp.mpf(10) ** (-self.digits - GUARD // 2)
        start = _in_mpmath(state)
        if in_doubles:
            ctx, goal, fine, start = fp, complex(goal), self.settled, state
        steps = self._newton(ctx, start, goal, fine)
        if steps is None:
            raise NotConvergedError("the density did not settle: move λ away from the edge")
        found = steps[1]
        if found.d.imag > _REAL * abs(found.d):
            raise NotConvergedError(
                f"the branch was lost near λ = {mp.nstr(point, 10)}: move away from the edge"
            )
        return max(-found.d.imag / (mp.pi * point), mp.zero)

    def is_resolved(self, state: LayerState) -> bool:
        """Whether the imaginary part of m is above what double precision loses."""
        return bool(_height(state) > _LOST)

    def _arrived(self, log_point: Any) -> tuple[LayerState, Any]:
        """The solution at a real λ, or above it where the way down is lost; the angle of λ there.

        In double precision, where that has the exponents.
        """
        level = float(log_point)
        corner = complex(level, fp.pi / 2)
        first, far = self._above
        state, done = follow_far(self._solve, first, far, corner, _ROUGHEST)
        if done < 1:
            return self._beyond_doubles(state, far + done * (corner - far), log_point)
        found, done = follow_far(self._solve, state, corner, complex(level, 0), _NEAREST)
        return found, (1 - done) * corner.imag

    def _beyond_doubles(
        self, state: LayerState, here: complex, log_point: Any
    ) -> tuple[LayerState, Any]:
        """The same from the last solution in doubles, and log λ there: numbers of any exponent."""

        def solve(state: LayerState, target: Any) -> LayerState | None:
            return self._continued(mp, state, target, mp.mpf(_SETTLED))

        goal = mp.mpc(log_point, _ANGLE)
        beside = follow(solve, _in_mpmath(state), mp.mpc(here), goal, "the density")
        found = solve(beside, mp.mpc(log_point))
        return (beside, goal.imag) if found is None else (found, mp.zero)

    @cached_property
    def _above(self) -> tuple[LayerState, complex]:
        """The solution on the imaginary axis where M(λ) ≈ m_1/λ, and log λ."""
        layers = self.path(fp)
        m = complex(0, -_FAR / sum(layer.count for layer in layers))
        kappas = tuple(m / (layer.after * layer.mean) for layer in layers)
        mean = sum(layer.count * fp.log(layer.mean_square) for layer in layers)
        target = mean - fp.log(m)
        guess = LayerState(m, m + float(self.least_rank), kappas)
        steps = self._newton(fp, guess, target, self.settled)
        if steps is None:
            raise NotConvergedError("no start at large |λ|; report the parameters")
        return steps[1], target

    def _newton(
        self, ctx: Any, state: LayerState, goal: Any, fine: Any
    ) -> tuple[LayerState, LayerState] | None:
        least = ctx.convert(self.least_rank)
        return newton(self.path(ctx), least, state, goal, fine, ctx.log, ctx.mpc(0, 2 * ctx.pi))

    def _solve(self, state: LayerState, target: complex) -> LayerState | None:
        """The solution at a place near that of another, in double precision."""
        found = self._continued(fp, state, target, self.settled)
        if found is None or max(map(abs, found.kappas)) > _LARGEST:
            return None
        return found

    def _continued(self, ctx: Any, state: LayerState, target: Any, fine: Any) -> LayerState | None:
        """The same; None if it is not near, nor where the first step led."""
        steps = self._newton(ctx, state, target, fine)
        if steps is None:
            return None
        first, found = steps
        # m = E[t/(λ − t)] lies below the real axis for λ above; near an edge its conjugate is close
        if found.d.imag > _REAL * min(abs(found.d), abs(found.m)):
            return None
        is_near = self._distance(state, found) < 1 / 3 or self._distance(first, found) < _CLOSE
        return found if is_near else None

    def _distance(self, before: LayerState, after: LayerState) -> float:
        """How far the solution moved, relatively."""
        gap = abs(after.d - before.d)
        sizes = [before.d, before.m, *(layer.share(before.d) for layer in self.path(fp))]
        moves = [gap / abs(size) for size in sizes]
        moves += [abs(b - a) / abs(a) for a, b in zip(before.kappas, after.kappas, strict=True)]
        return float(max(moves))

    def _beside(self, state: LayerState | None, last: Any, point: Any) -> LayerState | None:
        """The solution continued along the real line inside the spectrum; None if it is lost."""
        if state is None or not (self.is_resolved(state) and _is_double(state)):
            return None
        ends = complex(mp.log(last)), complex(mp.log(point))
        try:
            found = follow(self._solve, state, *ends, "the density")
        except NotConvergedError:
            return None
        return found if self.is_resolved(found) else None


def _height(state: LayerState) -> Any:
    """The imaginary part of m, beside m and m + ρ."""
    return abs(state.d.imag) / min(abs(state.d), abs(state.m))


def _is_double(state: LayerState) -> bool:
    return isinstance(state.d, complex)


def _in_mpmath(state: LayerState) -> LayerState:
    return LayerState(mp.mpc(state.m), mp.mpc(state.d), tuple(map(mp.mpc, state.kappas)))
