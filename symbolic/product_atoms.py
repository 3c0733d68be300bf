"""Atoms of a free product of layers.

A free product of laws on [0, ∞) has an atom at 0 as large as the largest of its factors', and an
atom elsewhere only at a product of atoms, of mass Σ masses − (number of factors − 1) where that is
positive.

Source: Bercovici and Voiculescu, "Regularity questions for free convolution" (1998).
"""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from freejac.symbolic.errors import NoClosedForm
from freejac.symbolic.layers import Atoms, PlacedLayer

__all__ = ["product_atoms"]


def product_atoms(layers: Sequence[PlacedLayer]) -> Atoms:
    """Find the atoms of JᵀJ; see `Jacobian.atoms`."""
    for placed in layers:
        if placed.layer.ensemble.atoms is None:
            raise NoClosedForm(
                "the atoms", f"those of weights {placed.layer.ensemble.name} are not given"
            )
    found = [(sp.S.Zero, 1 - _smallest_rank(layers)), *_away_from_zero(layers)]
    return tuple((location, mass) for location, mass in found if mass != 0)


def _smallest_rank(layers: Sequence[PlacedLayer]) -> sp.Expr:
    """The least of the widths and of the ranks of D and W, in widths of the input."""
    ranks = [sp.S.One]
    for placed in layers:
        weights = dict(placed.layer.ensemble.atoms or ())
        masses = (placed.layer.mass_at_zero, weights.get(sp.S.Zero, sp.S.Zero))
        ranks += [placed.after * (1 - mass) for mass in masses]
    undecided = list(dict.fromkeys(rank for rank in ranks if rank != 1))
    if len(undecided) == 1 and (1 - undecided[0]).is_nonnegative:
        return undecided[0]
    if all(placed.after == 1 for placed in layers):
        # a rank of a square layer never exceeds 1
        return sp.Min(*undecided) if undecided else sp.S.One
    return sp.Min(*ranks)


def _away_from_zero(layers: Sequence[PlacedLayer]) -> list[tuple[sp.Expr, sp.Expr]]:
    """Products of atoms, what they lack of the full mass added up.

    In equal layers the atoms have to be equal: two different ones never add up to enough.
    """
    found: list[tuple[sp.Expr, sp.Expr]] = [(sp.S.One, sp.S.Zero)]
    for placed in layers:
        layer = placed.layer
        weights = [(layer.at(v), s) for v, s in layer.ensemble.atoms or () if v != 0]
        found = [
            ((location * (atom * value) ** placed.count), lack + placed.count * (2 - mass - share))
            for location, lack in found
            for atom, mass in layer.positive_atoms
            for value, share in weights
        ]
        found = [(location, lack) for location, lack in found if not (1 - lack).is_nonpositive]
    masses: dict[sp.Expr, sp.Expr] = {}
    for location, lack in found:
        masses[location] = masses.get(location, sp.S.Zero) + sp.Max(0, 1 - lack)
    return list(masses.items())
