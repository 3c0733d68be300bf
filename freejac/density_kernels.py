"""Which compiled kernel evaluates the density of a numeric law, and with which arguments.

A kernel takes doubles; a number of the law that is none is rounded, and what the rounding does to
λ, a factor (1 + ε)ᴸ, is put back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import sympy as sp
from mpmath import mp

from freejac.symbolic.density import LayerProduct, NumericLayer
from freejac.symbolic.symbols import z

__all__ = [
    "CONTOUR_DIGITS",
    "DIGITS",
    "FEWEST",
    "BernoulliDensity",
    "SlopesDensity",
    "bernoulli_density",
    "ensemble_of",
    "slopes_density",
]

DIGITS = 13
"""What a kernel is good for; more are computed by mpmath."""

CONTOUR_DIGITS = 10
"""What the continuation in double precision is good for, and several slopes at any depth."""

FEWEST = 32
"""From so many eigenvalues on it pays to prepare the continuation."""

_LEAST_P = 1e-12
_SCALES = (1e-3, 1e3)
_DEEPEST = 10**6
_DEEPEST_OF_SEVERAL = 10**4
_VALUES = (1e-12, 1e12)
_NO_MASS, _LEAST_MASS = 1e-16, 1e-12


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
    first, depth = _equal_layer(law)
    if first is None or len(first.atoms) != 1 or depth > _DEEPEST:
        return None
    ((value, share),) = first.atoms
    weights = ensemble_of(first.weights_s)
    if weights is None or (weights == "orthogonal" and (depth == 1 or share == 1)):
        return None
    with mp.workdps(40):
        exact_share, square = mp.mpf(share.evalf(40)), mp.mpf(_square(first, value).evalf(40))
        p, sigma_w = float(exact_share), float(mp.sqrt(square))
        if not (_LEAST_P <= p <= 1 and _SCALES[0] <= sigma_w <= _SCALES[1]):
            return None
        ratio = square * exact_share / (mp.mpf(sigma_w) ** 2 * mp.mpf(p))
        return BernoulliDensity(weights, p, sigma_w, depth, float(ratio**depth - 1))


@dataclass(frozen=True)
class SlopesDensity:
    """Arguments of the kernels for equal layers whose D² has several values besides 0.

    Attributes:
        weights: "gaussian" or "orthogonal".
        values, masses: of φ′², doubles.
        sigma_w: a double.
        depth: L.
    """

    weights: str
    values: tuple[float, ...]
    masses: tuple[float, ...]
    sigma_w: float
    depth: int

    def __call__(self, lam: Any) -> Any:
        """ρ at an array of doubles."""
        return self._module().density(lam, *self._arguments())

    def weight(self, log_lam: Any) -> Any:
        """λρ at an array of log λ, which may lie below the least double's."""
        import numpy as np

        return np.exp(log_lam + self._module().log_density(log_lam, *self._arguments()))

    def _module(self) -> ModuleType:
        from freejac.generated import gaussian_slopes_density, orthogonal_slopes_density

        is_gaussian = self.weights == "gaussian"
        return gaussian_slopes_density if is_gaussian else orthogonal_slopes_density

    def _arguments(self) -> tuple[Any, ...]:
        return self.values, self.masses, self.sigma_w, float(self.depth)


def slopes_density(law: object) -> SlopesDensity | None:
    """The kernel of a law whose D² has several values, or None where none applies.

    >>> half = sp.Rational(1, 2)
    >>> found = slopes_density(LayerProduct.equal([(4, half), (1, half)], 1 / (1 + z), 3))
    >>> found.weights, found.values, found.masses, found.sigma_w, found.depth
    ('gaussian', (1.0, 4.0), (0.5, 0.5), 1.0, 3)
    """
    first, depth = _equal_layer(law)
    if first is None or len(first.atoms) < 2:
        return None
    weights = ensemble_of(first.weights_s)
    if weights is None or depth > _DEEPEST_OF_SEVERAL:
        return None
    with mp.workdps(40):
        atoms = sorted((mp.mpf(a.evalf(40)), mp.mpf(w.evalf(40))) for a, w in first.atoms)
        sigma_w = float(mp.sqrt(1 / mp.mpf(first.weights_s.subs(z, 0).evalf(40))))
        values, masses = (tuple(map(float, part)) for part in zip(*atoms, strict=True))
        flat = float(1 - sum(mass for _, mass in atoms))
    inside = _SCALES[0] <= sigma_w <= _SCALES[1] and _VALUES[0] <= values[0]
    # a mass at 0 that rounding of the others hides is none to the kernel
    resolved = abs(flat) < _NO_MASS or flat > _LEAST_MASS
    if not (inside and values[-1] <= _VALUES[1] and min(masses) > _NO_MASS and resolved):
        return None
    return SlopesDensity(weights, values, masses, sigma_w, depth)


def _equal_layer(law: object) -> tuple[NumericLayer | None, int]:
    """The layer of a product of equal square layers, and how many they are; None of another law."""
    if not isinstance(law, LayerProduct):
        return None, 0
    kinds = {replace(layer, count=1) for layer in law.layers}
    (first, *others) = kinds
    if others or not first.before == first.after == 1:
        return None, 0
    return first, sum(layer.count for layer in law.layers)


def _square(layer: Any, value: sp.Expr) -> sp.Expr:
    """σ_w² × the slope's square."""
    return value / layer.weights_s.subs(z, 0)


def ensemble_of(transform: sp.Expr) -> str | None:
    """The ensemble whose S this is, but for the scale."""
    if not transform.has(z):
        return "orthogonal"
    return "gaussian" if not sp.cancel(transform * (1 + z)).has(z) else None
