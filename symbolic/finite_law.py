"""Laws of finitely many atoms anywhere on the real line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import sympy as sp

from freejac.symbolic.coefficients import tidy
from freejac.symbolic.domain import Number, rational
from freejac.symbolic.errors import DomainError
from freejac.symbolic.law import Atoms, Law, order
from freejac.symbolic.symbols import z

__all__ = ["FiniteLaw", "checked_atoms"]


class FiniteLaw(Law):
    """A law of finitely many atoms.

    Attributes:
        masses: (location, mass) of each, masses adding to one.

    >>> FiniteLaw("coin", ((-1, sp.S.Half), (1, sp.S.Half))).stieltjes
    z/((z - 1)*(z + 1))
    """

    def __init__(self, name: str, atoms: Sequence[tuple[object, object]]) -> None:
        """Drop atoms of no mass, and refuse what is not a probability law."""
        self.name = name
        self.masses = checked_atoms(name, atoms)

    @cached_property
    def known_stieltjes(self) -> sp.Expr:  # type: ignore[override]
        """G(z) = Σ mass/(z − location)."""
        terms = (mass / (z - location) for location, mass in self.masses)
        return sp.factor(sp.together(sp.Add(*terms)))

    def moments(self, count: int) -> tuple[sp.Expr, ...]:
        """m_k = Σ mass × locationᵏ."""
        return tuple(
            tidy(sp.Add(*(mass * location**k for location, mass in self.masses)))
            for k in range(1, order(count) + 1)
        )

    def subs(self, values: Mapping[sp.Symbol, Number]) -> Law:
        """Put numbers in for parameters."""
        return FiniteLaw(self.name, [(a.subs(values), w.subs(values)) for a, w in self.masses])

    @property
    def is_nonnegative(self) -> bool | None:
        """Decided by the locations."""
        signs = [location.is_nonnegative for location, _ in self.masses]
        if all(signs):
            return True
        return False if False in signs else None

    def atoms(self) -> Atoms:
        """All of the law."""
        return self.masses


def checked_atoms(name: str, atoms: Sequence[tuple[object, object]]) -> Atoms:
    """Read atoms, with equal locations added up.

    Raises:
        DomainError: a location is not finite and real, a mass is outside [0, 1], or the masses do
            not add to one.
    """
    located: dict[sp.Expr, sp.Expr] = {}
    for place, share in atoms:
        location, mass = rational("a location", place), rational("a probability", share)
        if location.is_finite is False or location.is_real is False or location is sp.nan:
            raise DomainError(f"{name}: an atom lies at a finite real x, not {location}")
        out = mass.is_negative or (mass - 1).is_positive or mass.is_real is False
        if out or mass is sp.nan:
            raise DomainError(f"{name}: a probability lies in [0, 1], not {mass}")
        located[location] = located.get(location, sp.S.Zero) + mass
    total = sp.Add(*located.values())
    if (total - 1).is_zero is False and sp.simplify(total - 1) != 0:
        raise DomainError(f"{name}: the probabilities add to {total}, not 1")
    return tuple((location, mass) for location, mass in located.items() if mass != 0)
