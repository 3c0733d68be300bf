"""The compiled density of a residual network of finite depth: its arguments, from a numeric law.

Two rules for the law of D² have to agree on each value; where they do not, or double precision is
not enough next to an edge, it is left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sympy as sp
from mpmath import mp

from freejac.symbolic.residual_block import Block
from freejac.symbolic.residual_product import BlockProduct
from freejac.symbolic.symbols import z

__all__ = ["BlocksDensity", "blocks_density"]

_AGREEMENT = 3e-11
_VARIANCES, _LAYERS, _VALUES = (1e-9, 1e6), (1e-6, 1e6), 1e12


@dataclass(frozen=True)
class BlocksDensity:
    """A product of residual blocks over one weight layer each, in doubles.

    Attributes:
        rules: the law of D² by two rules, the same where it is a finite set of atoms: each the
            arguments of `freejac.generated.residual_blocks_density.follow_grid`.
        log_scale: log a²ᴸ, a factor in λ.
    """

    rules: tuple[tuple[Any, ...], tuple[Any, ...]]
    log_scale: float

    def __call__(self, lam: Any) -> Any:
        """ρ at λ > 0 inside the support, any order; nan where it is not certain."""
        import numpy as np

        # Numba is imported when a kernel is first used.
        from freejac.generated.residual_blocks_density import follow_grid, polish

        places, back = np.unique(lam, return_inverse=True)
        levels = np.log(places[::-1]) - self.log_scale
        coarse, fine = self.rules
        points, states, sizes = follow_grid(levels, coarse)
        found = points
        if fine is not coarse:
            found, sizes = polish(points, states, levels, fine)
        heights = -found.imag
        noise = np.abs(found - points) + sizes * np.abs(found)
        with np.errstate(invalid="ignore"):
            certain = (noise <= _AGREEMENT * heights) & (heights > 0)
        density = np.where(certain, heights / (math.pi * places[::-1]), math.nan)
        return density[::-1][back]


@lru_cache(maxsize=16)
def blocks_density(law: BlockProduct) -> BlocksDensity | None:
    """The kernel of a law, or None where none applies: more layers in a block, no skip.

    >>> from freejac.symbolic.residual import ResNet
    >>> law = ResNet("relu").finite(10, "orthogonal").in_numbers(None, 1, {}, 10)
    >>> values, masses, layers, variance, power = blocks_density(law).rules[0]
    >>> values.tolist(), masses.tolist(), layers.tolist(), round(variance, 12), power
    ([[1.0]], [[0.5]], [10.0], 0.1, 2.0)
    """
    first = law.blocks[0]
    skip, variance, power = abs(first.skip), _variance(first), _power(first)
    one_layer = all(len(block.tables) == 1 for block in law.blocks)
    if not one_layer or power is None or skip == 0:
        return None
    layers = [float(block.count) for block in law.blocks]
    scaled = float(variance / skip**2)
    counts_fit = _LAYERS[0] <= min(layers) and max(layers) <= _LAYERS[1]
    if not (_VARIANCES[0] <= scaled <= _VARIANCES[1] and counts_fit):
        return None
    coarse = _rows(law, 0)
    fine = coarse if law.exact else _rows(law, 1)
    if max(row.max() for row in (coarse[0], fine[0])) > _VALUES:
        return None
    import numpy as np

    shared = np.array(layers), scaled, power
    rules = (*coarse, *shared), (*fine, *shared)
    log_scale = float(2 * sum(block.count for block in law.blocks) * mp.log(skip))
    return BlocksDensity((rules[0], rules[0] if law.exact else rules[1]), log_scale)


def _variance(block: Block) -> Any:
    """The mean squared singular value of X where φ′² = 1."""
    return 1 / mp.mpf(sp.Float(block.weights.subs(z, 0), mp.dps))


def _power(block: Block) -> float | None:
    """How often 1 + y stands in w: once for Gaussian weights, twice for orthogonal ones."""
    if not block.weights.has(z):
        return 2.0
    return 1.0 if not sp.cancel(block.weights * (1 + z)).has(z) else None


def _rows(law: BlockProduct, level: int) -> tuple[Any, Any]:
    """Values of φ′² and their masses, a row for every kind of block, filled up with zeros."""
    import numpy as np

    with mp.workdps(17):
        nodes = [block.rule(block.tables[0], level) for block in law.blocks]
    values, masses = (np.zeros((len(nodes), max(map(len, nodes)))) for _ in range(2))
    for k, row in enumerate(nodes):
        values[k, : len(row)] = [float(value) for value, _ in row]
        masses[k, : len(row)] = [float(mass) for _, mass in row]
    return values, masses
