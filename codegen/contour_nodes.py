"""The law of φ′(h)², h ~ N(0, q), as complex numbers and weights: the mean along bent lines.

For ζ above the real line E[f(φ′²)/(ζ − φ′²)] does not change when the line of x = h is moved to
where Im φ′² ≤ 0, as long as that holds all the way: no pole is passed. The line is cut where φ has
a kink or φ′² is stationary; a branch on which φ′² rises is moved down, one on which it falls up,
    x(s) = s ∓ i η tanh((s − a)/b) tanh((c − s)/b)/√(1 + (s/t)²)
between its ends a and c, the last factor where φ′² would turn through a half circle far out. In s
the nodes are even, and next to an end they are even in the logarithm of the distance: a ζ beside
the value of φ′² there is resolved at any distance. The trapezoidal rule converges exponentially.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from mpmath import mp

from freejac.symbolic.slope_branches import resolved
from freejac.symbolic.slope_nodes import SlopeTable

__all__ = ["Branch", "ContourLaw", "Rule", "contour_law", "contour_rule", "table_contour"]

_REACH, _FAR_REACH = 8.7, 38.5
"""Beyond the first in units of √q lies no mass; beyond the second no density that is a double."""
_LOST = 41.0
"""Minus the logarithm of what is lost in doubles."""
_SCAN = 1200
_CROWD = 0.1
_CHECKS = 240
_SHARES = (0.1, 0.3, 0.6, 0.8, 1.0)
_BENDS = ((0.35, math.inf), (0.2, math.inf), (0.35, 1.0), (0.2, 0.5))
"""η and t."""
_BREADTH = 2.0
"""b/η: the bend leaves an end at an angle of arctan(1/2)."""
_NEAREST = 38.0
"""Of the distance to an end, the logarithm in units of b."""
_LEAST, _LEAST_LOG = 1e-280, -690.0
"""Values of φ′² below e^(−690) are 0 to a ζ above the first."""
_MOST_NODES = 200_000
_MOST_BRANCHES, _OSCILLATES = 400, 16
_STRETCHES = 12
_FADE = 8.0
_NEGLIGIBLE = 1e-19
_ROUNDING = 1e-26

Slope = Callable[[Any], Any]
Rule = tuple[float, Any, Any, Any, Any]
"""The mass at 0; real and imaginary parts of the values of φ′² and of the weights."""


class Branch(NamedTuple):
    """Where φ′² is monotone.

    Attributes:
        low, high: the ends in h, ±inf where there is none.
        sign: 1 where φ′² rises, −1 where it falls.
        slope: φ′, for mpmath numbers.
        left, right: between which h the mean is taken.
        least: values of φ′² below it are left out.
    """

    low: float
    high: float
    sign: float
    slope: Slope
    left: float
    right: float
    least: float


class ContourLaw(NamedTuple):
    """The law in branches and atoms.

    Attributes:
        width: √q.
        flat: the mass at 0.
        atoms: (value, mass) where φ′ is constant and not 0.
        branches: the others.
    """

    width: float
    flat: float
    atoms: list[tuple[float, float]]
    branches: list[Branch]

    @property
    def least(self) -> float:
        """What |ζ| has to exceed for the rule to hold."""
        return max((branch.least for branch in self.branches), default=0.0)


def contour_law(pieces: Sequence[tuple[Any, Any, Slope]], variance: float) -> ContourLaw | None:
    """Cut the pieces of φ′ where φ′² is stationary.

    None where φ′ is not evaluated, or φ′² turns too often.

    Args:
        pieces: both ends, and φ′ between them, analytic, for mpmath numbers.
        variance: q.
    """
    width = math.sqrt(variance)
    law = ContourLaw(width, 0.0, [], [])
    flat = 0.0
    try:
        with mp.workdps(17):
            for low, high, slope in pieces:
                value = _constant(low, high, slope, width)
                if value is None:
                    law.branches.extend(_branches(float(low), float(high), slope, width))
                    continue
                mass = float(mp.ncdf(high / width) - mp.ncdf(low / width))
                if value == 0.0:
                    flat += mass
                elif mass:
                    law.atoms.append((value, mass))
    except (TypeError, ValueError, OverflowError, ZeroDivisionError):
        return None
    return law._replace(flat=flat) if len(law.branches) <= _MOST_BRANCHES else None


def table_contour(table: SlopeTable) -> ContourLaw | None:
    """The same of a table of φ′²."""
    pieces = [
        (low, high, lambda x, slope=slope: slope(x)[0]) for low, high, slope in table.smooth_pieces
    ]
    return contour_law(pieces, float(table.variance))


def contour_rule(law: ContourLaw, fineness: float) -> Rule | None:
    """The rule, or None where no contour of this kind serves.

    Args:
        law: branches and atoms.
        fineness: nodes per unit of the bend; the rule converges exponentially in it.

    Returns:
        The mass at 0; real and imaginary parts of the values of φ′² and of the weights.
    """
    flat = law.flat
    values = [np.array([a for a, _ in law.atoms], dtype=complex)]
    weights = [np.array([w for _, w in law.atoms], dtype=complex)]
    try:
        with mp.workdps(17):
            for branch in law.branches:
                if branch.low >= branch.right or branch.high <= branch.left:
                    continue
                found = _branch_nodes(branch, law.width, fineness)
                if found is None:
                    return None
                values.append(found[0])
                weights.append(found[1])
                flat += found[2]
                if sum(part.size for part in values) > _MOST_NODES:
                    return None
    except (TypeError, ValueError, OverflowError, ZeroDivisionError):
        return None
    a, w = np.concatenate(values), np.concatenate(weights)
    if not a.size:
        return None
    parts = (np.ascontiguousarray(part) for part in (a.real, a.imag, w.real, w.imag))
    return (flat, *parts)  # type: ignore[return-value]


def _square(slope: Slope, points: Any) -> Any:
    return np.array([complex(slope(mp.mpmathify(complex(x)))) for x in np.atleast_1d(points)]) ** 2


def _resolved_square(slope: Slope, points: Any) -> Any:
    """The same, what cancels in φ′ far out evaluated with more digits."""
    whole = resolved(lambda x: (slope(x),))
    return np.array([complex(whole(mp.mpmathify(complex(x)))[0]) for x in points]) ** 2


def _constant(low: Any, high: Any, slope: Slope, width: float) -> float | None:
    """φ′² where it is constant; else None."""
    start = low if mp.isfinite(low) else (high - 3 * width if mp.isfinite(high) else -width)
    end = high if mp.isfinite(high) else start + 3 * width
    values = {slope(mp.mpf(start + (end - start) * k / 7)) for k in range(1, 7)}
    return float(values.pop()) ** 2 if len(values) == 1 else None


def _branches(low: float, high: float, slope: Slope, width: float) -> list[Branch]:
    """The branches of one piece within reach of a density; ends out of reach are none.

    Where φ′² oscillates only as far as there is mass.
    """
    turns: list[float] = []
    for reach in (_REACH * width, _FAR_REACH * width):
        left, right = max(low, -reach), min(high, reach)
        if left >= right:
            continue
        turns = _turning_points(slope, left, right)
        if len(turns) > _OSCILLATES:
            break
    if left >= right:
        return []
    ends = [low if low > -reach else -math.inf, *turns, high if high < reach else math.inf]
    found = []
    for a, b in itertools.pairwise(ends):
        start, end = max(a, left), min(b, right)
        places = _spread(start, end, 19)
        rises = _square(slope, places + 1e-8j * (end - start)).imag
        sign = float(np.sign(rises[np.argmax(np.abs(rises))]))
        if not sign:
            raise ValueError("no side of the real line to move to")
        if len(turns) > _OSCILLATES:
            found.append(Branch(a, b, sign, slope, max(a, left), min(b, right), 0.0))
            continue
        left_end, at_left = _reach(a, b, sign, slope, width, -1)
        right_end, at_right = _reach(a, b, sign, slope, width, 1)
        found.append(Branch(a, b, sign, slope, left_end, right_end, max(at_left, at_right)))
    return found


def _reach(
    low: float, high: float, sign: float, slope: Slope, width: float, side: int
) -> tuple[float, float]:
    """Where to end a branch on one side, and the φ′² below which that is felt, 0 for none.

    Mass ends at `_REACH`; but 1 + M at small ζ is ζ E[1/φ′²], which lives farther out.
    """
    end = high if side > 0 else low
    if math.isfinite(end) and abs(end) <= _REACH * width:
        return end, 0.0
    near = side * _REACH * width
    if sign * side > 0 or (side > 0 and low > near) or (side < 0 and high < near):
        return near, 0.0
    inner = max(low, 0.0) if side > 0 else min(high, 0.0)
    outer = side * min(abs(end), _FAR_REACH * width)
    places = np.linspace(inner, outer, _CHECKS)[1:]
    # exponents: φ′² may be below the doubles
    whole = resolved(lambda x: (slope(x),))
    values = [2 * float(mp.log(abs(whole(mp.mpf(x))[0]) + mp.mpf(10) ** -4000)) for x in places]
    shares = -0.5 * (places / width) ** 2 - np.array(values)
    lost = np.flatnonzero(np.array(values) < _LEAST_LOG)
    if lost.size and not math.isfinite(end):
        return float(places[lost[0]]), _LEAST
    felt = np.flatnonzero(shares > shares.max() - _LOST)
    if felt[-1] == len(places) - 1 and not math.isfinite(end):
        # E[1/φ′²] is infinite, or lives beyond doubles
        return near, float(abs(whole(mp.mpf(near))[0]) ** 2)
    cut = float(places[min(felt[-1] + 1, len(places) - 1)])
    return (cut if abs(cut) > abs(near) else near), 0.0


def _spread(low: float, high: float, count: int) -> Any:
    """Places in (low, high): two in three even, the others crowd towards 0, where φ turns."""
    even = np.linspace(low, high, 2 * count + 2)[1:-1]
    first, last = math.asinh(low / _CROWD), math.asinh(high / _CROWD)
    crowded = _CROWD * np.sinh(np.linspace(first, last, count + 2)[1:-1])
    return np.unique(np.concatenate([even, crowded]))


def _turning_points(slope: Slope, low: float, high: float) -> list[float]:
    """Where φ′² is stationary, to rounding."""
    step = 1e-12 * (high - low)
    grid = _spread(low, high, _SCAN)

    def rise(points: Any) -> Any:
        # the imaginary part beside the line is the derivative, without a difference
        return _square(slope, np.asarray(points) + 1j * step).imag

    values = rise(grid)
    size = np.abs(values).max()
    found = []
    for k in np.flatnonzero(values[:-1] * values[1:] < 0):
        if max(abs(values[k]), abs(values[k + 1])) < 1e-13 * size:
            continue
        low, high = grid[k], grid[k + 1]
        for _ in range(60):
            middle = 0.5 * (low + high)
            if rise([middle])[0] * values[k] > 0:
                low = middle
            else:
                high = middle
        found.append(0.5 * (low + high))
    return found


class _Line(NamedTuple):
    """A contour over a branch: its ends, η and b, t, and the way it is bent."""

    low: float
    high: float
    eta: float
    breadth: float
    taper: float
    sign: float
    left: float
    right: float

    def places(self, t: Any) -> tuple[Any, Any, Any, Any]:
        """S, its distance to both ends, and ds/dt at the parameter of the nodes."""
        b = self.breadth
        below, above = np.full(t.shape, math.inf), np.full(t.shape, math.inf)
        if math.isinf(self.low) and math.isinf(self.high):
            return b * t, below, above, np.full(t.shape, b)
        if math.isinf(self.high):
            below = b * np.logaddexp(0.0, t)
            return self.low + below, below, above, b * _sigmoid(t)
        if math.isinf(self.low):
            above = b * np.logaddexp(0.0, t)
            return self.high - above, below, above, b * _sigmoid(t)
        length = (self.high - self.low) / b
        below = b * (np.logaddexp(0.0, t) - np.logaddexp(0.0, t - length))
        above = b * (np.logaddexp(0.0, length - t) - np.logaddexp(0.0, -t))
        s = np.where(t < 0.5 * length, self.low + below, self.high - above)
        speed = np.where(
            t < 0.5 * length,
            _sigmoid(t) - _sigmoid(t - length),
            _sigmoid(length - t) - _sigmoid(-t),
        )
        return s, below, above, b * speed

    def __call__(self, t: Any, share: float = 1.0) -> tuple[Any, Any]:
        """X and dx/dt, with a share of η."""
        s, below, above, speed = self.places(t)
        factors, slopes = [], []
        for distance, sign in ((below, 1.0), (above, -1.0)):
            factor = np.tanh(distance / self.breadth)
            factors.append(factor)
            slopes.append(sign * (1 - factor**2) / self.breadth)
        if self.taper < math.inf:
            ratio = s / self.taper
            factors.append((1 + ratio**2) ** -0.5)
            slopes.append(-ratio / self.taper * (1 + ratio**2) ** -1.5)
        height, rise = np.full(s.shape, -self.sign * share * self.eta), np.zeros(s.shape)
        for factor, slope in zip(factors, slopes, strict=True):
            height, rise = height * factor, rise * factor + height * slope
        return s + 1j * height, (1 + 1j * rise) * speed

    def stretched(self, tau: Any) -> tuple[Any, Any]:
        """The parameter t, and dt/dτ: of even τ the nodes crowd as the bend comes near the line.

        With one end and p = log(1 + eᵗ) the bend falls like 1/(p + c):
        τ = t + (p²/2 + cp) b/t₀.
        """
        if self.taper == math.inf or math.isinf(self.low) == math.isinf(self.high):
            return tau, np.ones(tau.shape)
        ratio, inner = self._crowding
        t = np.minimum(tau, np.sqrt(2.0 * np.maximum(tau, 0.0) / ratio))
        for _ in range(_STRETCHES):
            p, rise = np.logaddexp(0.0, t), _sigmoid(t)
            speed = 1.0 + ratio * (p + inner) * rise
            t = t - (t + ratio * (0.5 * p + inner) * p - tau) / speed
        p, rise = np.logaddexp(0.0, t), _sigmoid(t)
        return t, 1.0 / (1.0 + ratio * (p + inner) * rise)

    def _even(self, t: float) -> float:
        """The τ of a t."""
        if self.taper == math.inf or math.isinf(self.low) == math.isinf(self.high):
            return t
        ratio, inner = self._crowding
        p = float(np.logaddexp(0.0, t))
        return t + ratio * (0.5 * p + inner) * p

    @property
    def _crowding(self) -> tuple[float, float]:
        """How fast nodes crowd, and from where on."""
        end = self.low if math.isinf(self.high) else self.high
        return self.breadth / self.taper, abs(end) / self.breadth

    @property
    def even_range(self) -> tuple[float, float]:
        """The τ between which the mean is taken."""
        first, last = self.range
        return self._even(first), self._even(last)

    @property
    def range(self) -> tuple[float, float]:
        """The parameters between which the mean is taken."""
        b = self.breadth
        if math.isinf(self.low) and math.isinf(self.high):
            return self.left / b, self.right / b
        if math.isinf(self.high):
            return -_NEAREST, (self.right - self.low) / b
        if math.isinf(self.low):
            return -_NEAREST, (self.high - self.left) / b
        return -_NEAREST, (self.high - self.low) / b + _NEAREST


def _sigmoid(t: Any) -> Any:
    return 0.5 * (1.0 + np.tanh(0.5 * t)) if np.ndim(t) == 0 else np.exp(-np.logaddexp(0.0, -t))


def _branch_nodes(branch: Branch, width: float, fineness: float) -> tuple[Any, Any, float] | None:
    """Values of φ′² and weights along the first contour that serves, and the mass left out."""
    low = branch.low if branch.low >= branch.left else -math.inf
    high = branch.high if branch.high <= branch.right else math.inf
    for bend, taper in _BENDS:
        eta = min(bend, 0.7 * width, 0.25 * (high - low))
        line = _Line(low, high, eta, _BREADTH * eta, taper, branch.sign, branch.left, branch.right)
        if _serves(branch.slope, line, width):
            if branch.least != _LEAST:
                return (*_nodes(branch.slope, line, width, fineness), 0.0)
            fade = _Fade.beyond(line, branch.right if branch.sign < 0 else branch.left)
            line = line._replace(**{"right" if branch.sign < 0 else "left": fade.end})
            values, weights = _nodes(branch.slope, line, width, fineness, fade)
            return values, weights, fade.mass(width)
    return None


class _Fade(NamedTuple):
    """Where weights fade out, as φ′² is below the doubles.

    Weights are multiplied by the probability that a normal number of standard deviation δ lies
    beyond x: what is left out is a Gaussian probability, and the rule converges as before.

    Attributes:
        place: where half of them are left.
        breadth: δ.
        side: 1 towards +∞, −1 towards −∞.
    """

    place: float
    breadth: float
    side: int

    @classmethod
    def beyond(cls, line: _Line, cut: float) -> _Fade:
        """One that begins at a place."""
        breadth = line.eta / math.sqrt(1 + (cut / line.taper) ** 2)
        side = 1 if cut > 0 else -1
        return cls(cut + side * _FADE * breadth, breadth, side)

    @property
    def end(self) -> float:
        """Where nothing is left."""
        return self.place + self.side * _FADE * self.breadth

    def mass(self, width: float) -> float:
        """What is left out."""
        return float(mp.ncdf(-abs(self.place) / math.hypot(width, self.breadth)))

    def shares(self, points: Any) -> Any:
        """What is left of the weights at complex places."""
        found = np.ones(points.shape, dtype=complex)
        ratios = self.side * (points - self.place) / self.breadth
        for k in np.flatnonzero(ratios.real > -_FADE):
            found[k] = complex(mp.erfc(mp.mpmathify(complex(ratios[k])) / mp.sqrt(2)) / 2)
        return found


def _serves(slope: Slope, line: _Line, width: float) -> bool:
    """Whether Im φ′² ≤ 0 between the contour and the line."""
    t = np.linspace(*line.range, _CHECKS)
    for share in _SHARES:
        values = _square(slope, line(t, share)[0])
        size = np.abs(values)
        # where φ′ vanishes it is rounding
        if np.any(values.imag > 1e-12 * size + _ROUNDING * size.max()):
            return False
    return True


def _nodes(
    slope: Slope, line: _Line, width: float, fineness: float, fade: _Fade | None = None
) -> tuple[Any, Any]:
    """The trapezoidal rule along the contour."""
    first, last = line.even_range
    height = line.eta
    if math.isinf(line.low) == math.isinf(line.high):
        reach = max(abs(line.left), abs(line.right))
        height = line.eta / math.sqrt(1 + (reach / line.taper) ** 2)
    step = min(height, 0.5 * width) / line.breadth
    step = min(step, math.atan(1 / _BREADTH)) / fineness
    count = int((last - first) / step) + 1
    if count > _MOST_NODES:
        raise ValueError("too many nodes")
    t, stretch = line.stretched(first + step * np.arange(count + 1))
    x, speed = line(t)
    weights = (
        step * stretch * speed * np.exp(-0.5 * (x / width) ** 2) / (width * math.sqrt(2 * math.pi))
    )
    if fade is not None:
        weights = weights * fade.shares(x)
    values = _resolved_square(slope, x)
    with np.errstate(all="ignore"):
        shares = np.where(values == 0, 0.0, np.abs(weights) / np.abs(values))
    kept = (np.abs(weights) > _NEGLIGIBLE) | (shares > _NEGLIGIBLE * shares.max())
    return values[kept], weights[kept]
