"""Laws given by one transform, or by their first free cumulants.

What closes of the other transforms is `Law`'s; the kinds here say which one is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

import sympy as sp
from mpmath import mp

from freejac.symbolic.depth_limits import DepthLimit
from freejac.symbolic.domain import Number, at_each, rational
from freejac.symbolic.errors import DomainError
from freejac.symbolic.free_cumulants import cumulants_from_s
from freejac.symbolic.law import Atoms, Law, order
from freejac.symbolic.series import Series, from_expr, lagrange_moment_list
from freejac.symbolic.symbols import z

__all__ = ["LimitLaw", "RLaw", "SLaw", "SeriesLaw"]

_FEWEST = 5
"""The fewest digits that a curve is followed with."""


class RLaw(Law):
    """A law given by its R-transform.

    >>> RLaw("semicircle", z).moments(4)
    (0, 1, 0, 2)
    """

    def __init__(
        self, name: str, r: sp.Expr, atoms: Atoms | None = None, nonnegative: bool | None = None
    ) -> None:
        """Keep R, the atoms if they are known, and whether the law lives on [0, ∞)."""
        self.name, self.known_r = name, r
        self._atoms, self._nonnegative = atoms, nonnegative

    def free_cumulants(self, count: int) -> tuple[sp.Expr, ...]:
        """κ_1, …, κ_count."""
        if order(count) == 0 or self.known_r == 0:
            return (sp.S.Zero,) * count
        # + z^count, so that a polynomial R of lower degree has a leading term to count from
        series = from_expr(1 / z + self.known_r, z, count + 1)
        return tuple(series.coefficient(n) for n in range(count))

    def subs(self, values: Mapping[sp.Symbol, Number]) -> Law:
        """Put numbers in for parameters."""
        atoms = self._atoms and tuple((a.subs(values), m.subs(values)) for a, m in self._atoms)
        return RLaw(self.name, _put(self.known_r, values), atoms, self._nonnegative)

    @property
    def is_nonnegative(self) -> bool | None:
        """Whether the law lives on [0, ∞), where that is known."""
        return self._nonnegative

    def atoms(self) -> Atoms:
        """The atoms, where they are known."""
        if self._atoms is None:
            return super().atoms()
        return tuple((a, m) for a, m in self._atoms if m != 0)


class SLaw(Law):
    """A law on [0, ∞) given by its S-transform.

    >>> SLaw("Marchenko–Pastur", 1 / (1 + z)).moments(4)
    (1, 2, 5, 14)
    """

    def __init__(self, name: str, s: sp.Expr) -> None:
        """Refuse a law without a finite mean other than 0."""
        self.name, self.known_s = name, s
        if (start := from_expr(s, z, 1)).valuation != 0:
            raise DomainError(
                f"S must be regular and nonzero at 0, for a finite nonzero mean: {s} starts with "
                f"z**{start.valuation}"
            )

    def s_series(self, terms: int) -> Series:
        """S as a series in z."""
        return from_expr(self.known_s, z, terms)

    def moments(self, count: int) -> tuple[sp.Expr, ...]:
        """m_1, …, m_count."""
        return lagrange_moment_list(self.known_s, order(count))

    def free_cumulants(self, count: int) -> tuple[sp.Expr, ...]:
        """κ_1, …, κ_count."""
        return cumulants_from_s(self.s_series(count)) if order(count) else ()

    def subs(self, values: Mapping[sp.Symbol, Number]) -> Law:
        """Put numbers in for parameters."""
        return SLaw(self.name, _put(self.known_s, values))

    @property
    def is_nonnegative(self) -> bool | None:
        """Whether the law lives on [0, ∞), where that is known."""
        return True


class LimitLaw(SLaw):
    """A limit of deep networks, S = exp(−v z/(1 + (1−a) z)): transcendental, with a density.

    >>> LimitLaw("smooth", sp.S.One, sp.S.One).support(10)[0][1] > 4.8571
    True
    """

    def __init__(self, name: str, variance: sp.Expr, rare: sp.Expr) -> None:
        """Take v > 0, and a in [0, 1]: see `freejac.symbolic.depth_limits`."""
        self.limit = DepthLimit(sp.sqrt(variance), rare)
        super().__init__(name, self.limit.s_transform)

    def subs(self, values: Mapping[sp.Symbol, Number]) -> Law:
        """Put a number in for the variance."""
        return LimitLaw(self.name, _put(self.limit.variance, values), self.limit.rare)

    def atoms(self) -> Atoms:
        """Find the atom at the top that the first class may have."""
        return self.limit.atoms()

    @cached_property
    def stieltjes(self) -> sp.Expr:
        """G(z), by Lambert's function where that solves it.

        Raises:
            NoClosedForm: it takes the generalised Lambert function.
        """
        return self.limit.stieltjes

    def numeric_atoms(self, digits: int = 15) -> list[tuple[Any, Any]]:
        """The atom in numbers."""
        with mp.workdps(digits):
            return [tuple(mp.mpf(e.evalf(digits)) for e in atom) for atom in self.atoms()]

    def support(self, digits: int = 15) -> list[tuple[Any, Any]]:
        """Find the interval of the continuous part."""
        found = self.limit.curve(digits=max(digits, _FEWEST)).support
        with mp.workdps(digits):
            return [(+low, +high) for low, high in found]

    def density(self, x: Number | Iterable[Number], digits: int = 15) -> Any:
        """Evaluate the density of the continuous part, by continuation from large x."""
        found = at_each(x, self.limit.curve(digits=max(digits, _FEWEST)).density)
        with mp.workdps(digits):
            return [+value for value in found] if isinstance(found, list) else +found

    def stieltjes_at(self, point: Number | complex, digits: int = 15) -> Any:
        """Evaluate G at a point of the upper half-plane, continued from infinity."""
        found = self.limit.curve(digits=max(digits, _FEWEST)).stieltjes(point)
        with mp.workdps(digits):
            return +found


class SeriesLaw(Law):
    """A law of which the first free cumulants are known.

    >>> SeriesLaw("three", (sp.S.Zero, sp.S.One, sp.S.Zero)).moments(3)
    (0, 1, 0)
    """

    def __init__(self, name: str, cumulants: tuple[sp.Expr, ...]) -> None:
        """Keep the cumulants."""
        self.name, self._cumulants = name, cumulants

    def free_cumulants(self, count: int) -> tuple[sp.Expr, ...]:
        """κ_1, …, κ_count."""
        if order(count) > len(self._cumulants):
            raise DomainError(f"{self.name} gives {len(self._cumulants)} moments; not {count}")
        return self._cumulants[:count]

    def subs(self, values: Mapping[sp.Symbol, Number]) -> Law:
        """Put numbers in for parameters."""
        return SeriesLaw(self.name, tuple(_put(k, values) for k in self._cumulants))


def _put(expr: sp.Expr, values: Mapping[sp.Symbol, Number]) -> sp.Expr:
    return expr.subs({symbol: rational(str(symbol), value) for symbol, value in values.items()})
