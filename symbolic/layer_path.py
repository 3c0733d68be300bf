"""Newton's method for log λ of a product of layers, with numbers that keep their digits near λ = 0.

There m tends to −ρ, ρ the smallest rank of the layers and of the input, and what counts is
    d = m + ρ,
of which 1 + m, and 1 + m/ν and E[1/(1 − κφ′²)] of the layers of that rank, are multiples. With κ
the inverse of the subordination variable of each layer,
    log λ = log((1+m)/m) + Σ_l [log m − log ν₀ − log(1 + m/ν) − log κ − log S_W(m/ν)].
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from typing import Any, NamedTuple

import sympy as sp
from mpmath import fp, mp

from freejac.symbolic.deadline import TooLongError
from freejac.symbolic.errors import NotConvergedError
from freejac.symbolic.slope_panels import SlopeMeans
from freejac.symbolic.symbols import z

__all__ = ["LayerOnPath", "LayerState", "newton", "rise"]

_NEWTON_STEPS = 40
_STAGNANT = 0.75
_LONGEST = 1e4
_LONGEST_OF_DOUBLES = 20.0
"""How far a step may go, in logarithms."""


class LayerState(NamedTuple):
    """A solution.

    Attributes:
        m: M(λ).
        d: m + ρ; each has digits that the other lost.
        kappas: κ of every layer.
    """

    m: Any
    d: Any
    kappas: tuple[Any, ...]


class LayerOnPath:
    """A layer, or several equal ones, in the numbers of a context.

    Attributes:
        count: how many.
        after: ν.
        mean: E[φ′²].
        means: κ to the means.
    """

    def __init__(
        self,
        ctx: Any,
        weights: sp.Expr,
        count: int,
        sizes: tuple[Any, Any],
        rank: tuple[Any, bool],
        mean: Any,
        means: Callable[[Any], SlopeMeans],
    ) -> None:
        """Take the layer.

        Args:
            ctx: `mp` or `fp`.
            weights: S of W Wᵀ in z, with numbers.
            count: how many such layers there are.
            sizes: ν₀ and ν.
            rank: ρ, and whether the layer has it.
            mean: E[φ′²].
            means: κ to the means.
        """
        self.count, self.mean, self.means = count, mean, means
        self._before, self.after = map(ctx.convert, sizes)
        self._is_narrow = rank[1]
        # ν − ρ, exactly 0 where the layer is as narrow as the product
        self._spare = ctx.convert(sizes[1] - rank[0])
        shifted = sp.factor(sp.cancel(weights.subs(z, z - 1)))
        module = "mpmath" if ctx is mp else "cmath"
        self._s = sp.lambdify(z, shifted, module)
        self._log_s_slope = sp.lambdify(z, sp.cancel(sp.diff(shifted, z) / shifted), module)

    @property
    def mean_square(self) -> Any:
        """What the layer multiplies tr(JᵀJ)/N₀ by."""
        return (self.mean * self.after / (self._before * self._s(1))).real

    def share(self, d: Any) -> Any:
        """1 + m/ν."""
        return (self._spare + d) / self.after

    def gap(self, kappa: Any, means: SlopeMeans, m: Any, d: Any) -> Any:
        """M_{D²}(1/κ) − m/ν."""
        if self._is_narrow and abs(d) < abs(m):
            return means.above - d / self.after
        return kappa * means.value - m / self.after

    def level(self, d: Any, kappa: Any, log: Callable[[Any], Any]) -> Any:
        """What it adds to log λ, but for log m."""
        n = self.share(d)
        return -log(self._before) - log(n) - log(kappa) - log(self._s(n))

    def slope(self, d: Any) -> Any:
        """Minus the derivative of that in m at fixed κ."""
        n = self.share(d)
        return (1 / n + self._log_s_slope(n)) / self.after


def newton(
    layers: Sequence[LayerOnPath],
    least: Any,
    state: LayerState,
    target: Any,
    tolerance: Any,
    log: Callable[[Any], Any],
    turn: Any = None,
) -> tuple[LayerState, LayerState] | None:
    """Solve log λ = target; None when it does not settle. Gives the first step too.

    Args:
        layers: the layers.
        least: ρ.
        state: a start.
        target: log λ.
        tolerance: the relative size of the last step.
        log: the logarithm, of the absolute value on the real line.
        turn: 2πi for complex logarithms.
    """
    first: LayerState | None = None
    known = inf
    for _ in range(_NEWTON_STEPS):
        try:
            state, size = _step(layers, least, state, target, log, turn)
        except TooLongError:
            raise
        except (ZeroDivisionError, OverflowError, ValueError, NotConvergedError):
            return None  # left the range of the numbers, or of what is resolved
        first = first or state
        # where every layer adds its rounding error steps end in noise
        if size <= tolerance or known / 2 < size <= tolerance**_STAGNANT:
            return first, state
        known = size
    return None


def _step(
    layers: Sequence[LayerOnPath],
    least: Any,
    state: LayerState,
    target: Any,
    log: Callable[[Any], Any],
    turn: Any,
) -> tuple[LayerState, Any]:
    """One step, and its size relative to what is moved."""
    m, d, kappas = state
    exp, top = (mp.exp if isinstance(d, mp.mpf | mp.mpc) else fp.exp), (1 - least) + d
    level, tilt = log(top) - log(m) - target, 1 / top - 1 / m
    parts = []
    for layer, kappa in zip(layers, kappas, strict=True):
        means = layer.means(kappa)
        gap, rate = layer.gap(kappa, means, m, d), 1 / (kappa * means.slope)
        level += layer.count * (log(m) + layer.level(d, kappa, log) + gap * rate)
        tilt += layer.count * (1 / m - layer.slope(d) - rate / layer.after)
        parts.append((gap, means.slope))
    if turn is not None:
        level -= turn * round(float((level / turn).real))
    move = -level / tilt
    moves = [
        (move / layer.after - gap) / slope
        for layer, (gap, slope) in zip(layers, parts, strict=True)
    ]
    size = max(abs(move / m), *(abs(a / b) for a, b in zip(moves, kappas, strict=True)))
    if not size < (_LONGEST if exp is mp.exp else _LONGEST_OF_DOUBLES):
        raise OverflowError("a step out of all proportion")
    # far outside the spectrum κ and what is left of m or m + ρ are powers of λ
    if abs(d) < abs(m):
        d *= exp(move / d)
        m = d - least
    else:
        m *= exp(move / m)
        d = m + least
    return LayerState(m, d, tuple(k * exp(a / k) for a, k in zip(moves, kappas, strict=True))), size


def rise(layers: Sequence[LayerOnPath], least: Any, state: LayerState) -> tuple[Any, list[Any]]:
    """The derivative of log λ in m along the solutions, and κ dM_{D²}/dκ of every layer."""
    m, d, kappas = state
    total, rates = 1 / ((1 - least) + d) - 1 / m, []
    for layer, kappa in zip(layers, kappas, strict=True):
        rate = kappa * layer.means(kappa).slope
        total += layer.count * (1 / m - layer.slope(d) - 1 / (rate * layer.after))
        rates.append(rate)
    return total, rates
