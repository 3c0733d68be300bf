"""The shared symbols and their assumptions, declared here and nowhere else.

Names follow the field: see the notation table in `docs/notation.md`.

>>> from freejac.symbolic.symbols import q, depth
>>> q.is_positive, depth.is_integer
(True, True)
"""

from __future__ import annotations

import sympy as sp

__all__ = [
    "RESERVED",
    "c",
    "cumulant",
    "depth",
    "lam",
    "mu1",
    "mu2",
    "p",
    "parameter",
    "q",
    "s1",
    "sigma_b",
    "sigma_w",
    "x",
    "z",
]

x = sp.Symbol("x", real=True)
"""Argument of an activation: the pre-activation h."""
z = sp.Symbol("z")
"""Argument of the transforms G, M, S, R (complex)."""
q = sp.Symbol("q", positive=True)
"""Variance of a pre-activation."""
c = sp.Symbol("c", real=True)
"""Correlation of two inputs' pre-activations, in [-1, 1]."""
p = sp.Symbol("p", positive=True)
"""Probability that a piecewise-linear unit is in its linear regime, in (0, 1]."""
sigma_w = sp.Symbol("sigma_w", positive=True)
"""Scale of the weights: W_ij has variance σ_w²/N_in, or W = σ_w × Haar orthogonal."""
sigma_b = sp.Symbol("sigma_b", nonnegative=True)
"""Standard deviation of the biases."""
depth = sp.Symbol("L", integer=True, positive=True)
"""Number of layers L."""
cumulant = sp.Symbol("cumulant", positive=True)
"""Effective cumulant of a residual network."""
lam = sp.Symbol("lambda", real=True)
"""Eigenvalue of J Jᵀ."""
mu1 = sp.Symbol("mu_1", positive=True)
"""First moment of D², E[φ′²]."""
mu2 = sp.Symbol("mu_2", positive=True)
"""Second moment of D², E[φ′⁴]."""
s1 = sp.Symbol("s_1", real=True)
"""First coefficient of σ_w² S_{WᵀW}: −1 for Gaussian, 0 for orthogonal weights."""

RESERVED = frozenset(
    symbol.name for symbol in (x, z, q, c, p, sigma_w, sigma_b, depth, cumulant, lam, mu1, mu2, s1)
)
"""Names that a parameter of an activation cannot take."""


def parameter(name: str, *, positive: bool = False) -> sp.Symbol:
    """Symbol for a parameter of an activation: real, or positive when declared so.

    >>> parameter("alpha", positive=True).is_positive
    True
    """
    return sp.Symbol(name, positive=True) if positive else sp.Symbol(name, real=True)
