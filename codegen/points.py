"""Where kernels are checked: points that fill a domain evenly, its ends among them.

Everything is deterministic: a Kronecker sequence with the irrational steps of the generalised
golden ratio, shifted by a seed.

>>> domain = [Argument("q", "", "1e-2", "1e2")]
>>> [round(p["q"], 3) for p in spread_points(domain, 2)]
[0.01, 100.0, 1.0, 0.03]
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product

from freejac.codegen.spec import Argument

__all__ = [
    "Point",
    "jacobian_points",
    "limit_points",
    "moment_points",
    "residual_points",
    "spread_points",
    "uniform",
]

Point = dict[str, float]


_ENDS = [[0.0, 0.0, 0.0], [1.0, 0.0, 1.0], [0.0, 1.0, 0.5], [1.0, 1.0, 0.25]]


def _steps(dimension: int) -> list[float]:
    """Powers of the inverse of the root of g^(d+1) = g + 1."""
    root = 2.0
    for _ in range(60):
        root = (1.0 + root) ** (1.0 / (dimension + 1))
    return [root ** -(k + 1) for k in range(dimension)]


def uniform(dimension: int, count: int, seed: int) -> list[list[float]]:
    """A Kronecker sequence in the unit cube."""
    start = 0.5 + 0.7548776662466927 * seed
    steps = _steps(dimension)
    return [[(start + i * step) % 1.0 for step in steps] for i in range(count)]


def _place(argument: Argument, share: float) -> float:
    low, high = float(argument.low), float(argument.high)
    if argument.logarithmic and low > 0:
        value = math.exp(math.log(low) + share * (math.log(high) - math.log(low)))
    elif argument.logarithmic and low == 0:
        value = high * 10.0 ** (-12.0 * (1.0 - share))
    else:
        value = low + share * (high - low)
    return min(max(value, low), high)


def spread_points(arguments: Sequence[Argument], count: int, *, seed: int = 0) -> list[Point]:
    """Corners of the domain (at most 32), then `count` points inside.

    Args:
        arguments: with finite ends; logarithmic ones are spread over decades.
        count: number of interior points.
        seed: another seed gives other interior points.
    """
    ends = [(float(a.low), float(a.high)) for a in arguments]
    corners = [dict(zip((a.name for a in arguments), c, strict=True)) for c in product(*ends)]
    inside = [
        {a.name: _place(a, u) for a, u in zip(arguments, row, strict=True)}
        for row in uniform(len(arguments), count, seed)
    ]
    return corners[:32] + inside


def moment_points(count: int, *, seed: int = 0) -> list[Point]:
    """Arguments of the moments for which m₁² is a normal double, up to depth 10⁶."""
    points = []
    ends = [[*end, 0.5, 0.9] for end in _ENDS]
    for u, v, w, r, s in ends + uniform(5, count, seed):
        depth = float(round(10.0 ** (6.0 * u)))
        mu_1 = 10.0 ** (12.0 * v - 6.0)
        # log₁₀ m₁ in [−140, 140], within the reach of σ_w² in [1e-12, 1e12].
        target = min(max((280.0 * w - 140.0) / depth, -6.0), 6.0)
        sigma_w = math.sqrt(10.0**target / mu_1)
        spread = 10.0 ** (16.0 * r - 10.0)
        s_1 = (-1.0, 0.0, -(10.0 ** (6.0 * s - 3.0)))[int(3e3 * s) % 3]
        mu_2 = max(mu_1**2 * (1.0 + spread), math.nextafter(mu_1**2, math.inf))
        values = {"mu_1": mu_1, "mu_2": min(mu_2, 1e24), "s_1": s_1}
        points.append({**values, "sigma_w": min(max(sigma_w, 1e-6), 1e6), "depth": depth})
    return points


def residual_points(number: Argument, count: int, *, seed: int = 0) -> list[Point]:
    """Points between the edges of the spectrum, spread evenly in log λ, for every cumulant."""
    points: list[Point] = []
    ends = [end[:2] for end in _ENDS]
    for u, v in ends + uniform(2, count, seed):
        c = _place(number, u)
        top = 2.0 * math.atanh(math.sqrt(c / (c + 2.0))) + math.sqrt(c * (c + 2.0))
        # Three in four in the bulk, one in four close to an edge.
        share = 1.0 - 10.0 ** (-8.0 * ((4.0 * v) % 1.0)) if v > 0.75 else v / 0.75
        sign = 1.0 if len(points) % 2 else -1.0
        points.append({"lam": math.exp(sign * top * min(share, 1.0 - 1e-9)), "cumulant": c})
    return points


def jacobian_points(weights: str, count: int, *, seed: int = 0) -> list[Point]:
    """Points inside the spectrum of J Jᵀ with a Bernoulli D², for any depth, p and scale.

    A third lies from 1e-6 to 1/2 below the upper edge, relatively; the others go down to
    λ = 1e-300, and log λ, for the kernels that take it, to −1e4.
    """
    is_gaussian = weights == "gaussian"
    points: list[Point] = []
    for u, v, w, r in uniform(4, 2 * count, seed):
        turn = len(points)
        if turn == count:
            break
        deep = float(round(10.0 ** (6.0 * (u - 0.3) / 0.7)))
        depth = max(float(1 + turn % 4) if u < 0.3 else deep, 1.0 if is_gaussian else 2.0)
        share = (0.5, 10.0 ** (-12.0 * v), 1.0 - 10.0 ** (-15.0 * v - 1e-3), v, 1.0)[turn % 5]
        if share == 1.0 and not is_gaussian:
            share = 1.0 - 0.5 * r
        # log m₁ in [−300, 300], within the reach of the scale
        mean = min(max((600.0 * r - 300.0) / depth, -6.0), 6.0) if turn % 3 else 0.0
        sigma_w = min(max(math.exp(0.5 * mean) / math.sqrt(share), 1e-3), 1e3)
        top, low = _jacobian_ends(is_gaussian, share, sigma_w, depth)
        if low > -math.inf:
            # the interval may be narrow
            level = log_lam = top + (1e-3 + 0.998 * w) * (low - top)
        elif w < 1 / 3:
            level = log_lam = top + math.log1p(-0.5 * 10.0 ** (-17.0 * w))
        else:
            level = top + (1.5 * w - 0.5) * (-690.0 - top)
            log_lam = top + (1.5 * w - 0.5) * (-1e4 - top)
        if abs(level) < 690.0:
            values = {"lam": math.exp(level), "log_lam": log_lam, "p": share}
            points.append({**values, "sigma_w": sigma_w, "depth": depth})
    return points


def _jacobian_ends(
    is_gaussian: bool, share: float, sigma_w: float, depth: float
) -> tuple[float, float]:
    """Log λ at the two ends of the spectrum."""
    rest = depth - 1.0
    if not is_gaussian:
        layer = math.log(sigma_w**2 * share) + math.log1p(1.0 / rest)
        return math.log(depth * sigma_w**2 * (1.0 - share)) + rest * layer, -math.inf
    if depth == 1.0 and share < 1.0:
        low = sigma_w**2 * (1.0 - math.sqrt(share)) ** 2
        return 2.0 * math.log(sigma_w * (1.0 + math.sqrt(share))), math.log(low)
    m = 2.0 * share / (rest + math.sqrt(rest**2 + 4.0 * depth * share))
    return depth * math.log(sigma_w**2 * (share + m)) + math.log((1.0 + m) / m), -math.inf


def limit_points(count: int, *, seed: int = 0) -> list[Point]:
    """Points inside the spectrum of one depth limit or the other; it may be outside the other."""
    points: list[Point] = []
    for u, v in uniform(2, count, seed):
        sigma0 = 10.0 ** (4.0 * u - 3.0)
        c = 0.5 * sigma0**2
        share = 1.0 - 10.0 ** (-32.0 * (v - 0.75)) if v > 0.75 else v / 0.75
        deep = 1.0 + 2.0 * math.log(sigma0) - 10.0 ** (10.0 * v - 6.0)
        if len(points) % 2:
            # down to 1e-60 from the upper edge; every eigenvalue is below it
            level = 1.0 + 2.0 * math.log(sigma0) - 140.0 * (1.0 - share) - 1e-9
        else:
            top = 2.0 * math.atanh(math.sqrt(c / (c + 2.0))) + math.sqrt(c * (c + 2.0))
            level = (1.0 if len(points) % 4 else -1.0) * top * min(share, 1.0 - 1e-9) - c
        points.append({"lam": math.exp(level), "log_lam": deep, "sigma0": sigma0})
    return points
