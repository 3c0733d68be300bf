"""Which compiled kernel evaluates the density of a numeric law, and with which arguments.

A kernel takes doubles; a number of the law that is none is rounded, and what the rounding does to
λ, a factor (1 + ε)ᴸ, is put back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import sympy as sp
from mpmath import mp

from freejac.symbolic.density import LayerProduct
from freejac.symbolic.symbols import z

__all__ = ["DIGITS", "BernoulliDensity", "bernoulli_density"]

DIGITS = 13
"""What a kernel is good for; more are computed by mpmath."""

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
