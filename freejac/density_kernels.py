"""Which compiled kernel evaluates the density of a numeric law, and with which arguments.

A kernel takes doubles; a number of the law that is none is rounded, and what the rounding does to
λ, a factor (1 + ε)ᴸ, is put back.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import sympy as sp
from mpmath import mp

from freejac.symbolic.density import LayerProduct
from freejac.symbolic.layer_block import SmoothProduct
from freejac.symbolic.symbols import z

__all__ = [
    "CONTOUR_DIGITS",
    "DIGITS",
    "FEWEST",
    "BernoulliDensity",
    "ContourDensity",
    "bernoulli_density",
    "contour_density",
]

DIGITS = 13
"""What a kernel is good for; more are computed by mpmath."""

CONTOUR_DIGITS = 10
"""What the continuation in double precision is good for."""

FEWEST = 32
"""From so many eigenvalues on it pays to prepare the continuation."""

_FINENESS = (6.0, 9.0)
_AGREEMENT = 1e-10
_REAL = 1e-9
_LEAST_P = 1e-12
_SCALES = (1e-3, 1e3)
_DEEPEST = 10**6


@dataclass(frozen=True)
class BernoulliDensity:
    """Arguments of the kernels for equal layers whose D² has one value besides 0.

    Attributes:
        weights: "gaussian" or "orthogonal".
        p, sigma_w, depth: doubles.
        factor: the exact λ over that of the doubles, less one.
    """

    weights: str
    p: float
    sigma_w: float
    depth: int
    factor: float

    def __call__(self, lam: Any) -> Any:
        """ρ at an array of doubles."""
        # Numba is imported when a kernel is first used.
        from freejac.generated import gaussian_jacobian_density, orthogonal_jacobian_density

        is_gaussian = self.weights == "gaussian"
        module = gaussian_jacobian_density if is_gaussian else orthogonal_jacobian_density
        scaled = lam - lam * (self.factor / (1 + self.factor))
        density = module.density(scaled, self.p, self.sigma_w, float(self.depth))
        return density / (1 + self.factor)


def bernoulli_density(law: object) -> BernoulliDensity | None:
    """The kernel of a law, or None where none applies.

    >>> found = bernoulli_density(LayerProduct.equal([(4, sp.Rational(1, 2))], 1 / (1 + z), 3))
    >>> found.weights, found.p, found.sigma_w, found.depth, found.factor
    ('gaussian', 0.5, 2.0, 3, 0.0)
    """
    if (
        not isinstance(law, LayerProduct)
        or len({replace(layer, count=1) for layer in law.layers}) != 1
    ):
        return None
    first = law.layers[0]
    depth = sum(layer.count for layer in law.layers)
    if len(first.atoms) != 1 or not first.before == first.after == 1 or depth > _DEEPEST:
        return None
    ((value, share),) = first.atoms
    weights = _weights(first.weights_s)
    if weights is None or (weights == "orthogonal" and (depth == 1 or share == 1)):
        return None
    with mp.workdps(40):
        exact_share, square = mp.mpf(share.evalf(40)), mp.mpf(_square(first, value).evalf(40))
        p, sigma_w = float(exact_share), float(mp.sqrt(square))
        if not (_LEAST_P <= p <= 1 and _SCALES[0] <= sigma_w <= _SCALES[1]):
            return None
        ratio = square * exact_share / (mp.mpf(sigma_w) ** 2 * mp.mpf(p))
        return BernoulliDensity(weights, p, sigma_w, depth, float(ratio**depth - 1))


def _square(layer: Any, value: sp.Expr) -> sp.Expr:
    """σ_w² × the slope's square."""
    return value / layer.weights_s.subs(z, 0)


def _weights(transform: sp.Expr) -> str | None:
    """The ensemble whose S this is, but for the scale."""
    if not transform.has(z):
        return "orthogonal"
    return "gaussian" if not sp.cancel(transform * (1 + z)).has(z) else None


@dataclass(frozen=True)
class ContourDensity:
    """Equal layers of a smooth φ: continuation along λ in double precision.

    Two quadrature rules have to agree on each value; where they do not it is left out.

    Attributes:
        depth, is_gaussian, scale: L, the ensemble, σ_w.
        rules: the coarser and the finer.
        far: ζ where λ is large and imaginary.
        highest: the largest φ′² within reach.
    """

    depth: float
    is_gaussian: bool
    scale: float
    rules: tuple[Any, Any]
    far: complex
    highest: float

    def __call__(self, lam: Any) -> Any:
        """ρ at an array of doubles; nan where it is not certain."""
        import numpy as np

        from freejac.codegen.contour_density import follow_grid, polish

        values, places = np.unique(lam.ravel(), return_inverse=True)
        found = np.where(values < 0, 0.0, math.nan)
        positive = np.flatnonzero(values > 0)[::-1]
        levels = np.log(values[positive]) - 2 * self.depth * math.log(self.scale)
        point = follow_grid(levels, self.far, self.depth, self.is_gaussian, self.rules[0])
        first, second = (
            polish(point, levels, self.depth, self.is_gaussian, rule) for rule in self.rules
        )
        inside = point.imag > _REAL * np.abs(point)
        certain = inside & (np.abs(first - second) <= _AGREEMENT * np.abs(second))
        outside = (np.abs(point.imag) < 1e-13 * point.real) & (point.real > self.highest)
        heights = np.where(certain, -second / (math.pi * values[positive]), math.nan)
        found[positive] = np.where(outside, 0.0, heights)
        return found[places].reshape(lam.shape)


@lru_cache(maxsize=16)
def contour_density(law: object) -> ContourDensity | None:
    """The double-precision continuation of a law, or None where φ or the layers do not allow it."""
    if not isinstance(law, SmoothProduct) or len(law.layers) != 1:
        return None
    (layer,) = law.layers
    pieces = layer.table.smooth_pieces
    weights = _weights(layer.weights)
    if weights is None or len(pieces) != 1 or not layer.before == layer.after == 1:
        return None
    import numpy as np

    from freejac.codegen.contour_nodes import contour_rule

    variance = float(layer.table.variance)
    rules = [contour_rule(lambda x: pieces[0][2](x)[0], variance, f) for f in _FINENESS]
    if rules[0] is None or rules[1] is None:
        return None
    values, masses = rules[0][1] + 1j * rules[0][2], rules[0][3] + 1j * rules[0][4]
    first, second = (float(np.sum(masses * values**k).real) for k in (1, 2))
    is_gaussian = weights == "gaussian"
    spread = layer.count * (second / first**2 - 1 + is_gaussian)
    scale = math.sqrt(1 / float(layer.weights.subs(z, 0)))
    far = first / (1e-3 / max(spread, 1.0) * -1j)
    highest = float(layer.table.highest) * (1 + 1e-9)
    return ContourDensity(
        float(layer.count), is_gaussian, scale, (rules[0], rules[1]), far, highest
    )
