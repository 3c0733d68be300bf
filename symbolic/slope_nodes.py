"""The law of D² = φ′(h)², h ~ N(0, q), as finitely many numbers (value, probability).

For a piecewise-linear φ that is the law itself. For any other φ it is a quadrature rule: the
trapezoidal rule on the whole line, and after a double-exponential substitution on a piece with an
end. Both converge exponentially where φ′ is smooth between its kinks, so halving the step squares
the error, and a caller who sees no change at the next level is done.

Source: Takahasi and Mori, "Double exponential formulas for numerical integration" (1974).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any

import sympy as sp
from mpmath import mp

from freejac.symbolic.activation import Activation
from freejac.symbolic.derivative_law import AtomicLaw
from freejac.symbolic.domain import Number, finite
from freejac.symbolic.errors import DomainError, NotConvergedError
from freejac.symbolic.few_nodes import few_nodes
from freejac.symbolic.fixed_points import bind_parameters
from freejac.symbolic.quadrature import NumericPiece, numeric_pieces
from freejac.symbolic.slope_branches import is_zero, slope_branches, values_on
from freejac.symbolic.slope_panels import SlopePanels
from freejac.symbolic.slope_principal import PrincipalMeans
from freejac.symbolic.slope_range import SlopeRange, slope_range

__all__ = ["SlopeTable", "atomic_table", "slope_table"]

Nodes = list[tuple[Any, Any]]

_COARSEST = 0.25
_LEVELS = 7
_WIDE = mp.mpf(4)
"""A √q from which on φ′ varies much faster than the density of h."""
_FEWEST, _FEW_LEVELS = 8, 3
"""Nodes of the coarsest Gauss rule, and how often they are doubled before all points are taken."""


class SlopeTable:
    """(value, probability) of φ′² away from 0, at any refinement.

    Attributes:
        exact: whether every level is the law itself.
        lowest: the infimum of φ′².

    >>> from freejac.symbolic.activation import activation
    >>> table = slope_table(activation("tanh"), 1)
    >>> with mp.workdps(20):                                    # E[φ′²], 20 digits by quadrature
    ...     print(mp.nstr(sum(value * mass for value, mass in table.nodes(3)), 15))
    0.464402902448268
    """

    def __init__(
        self,
        pieces: list[NumericPiece],
        variance: Any,
        atoms: Nodes,
        curved: Sequence[NumericPiece] = (),
    ) -> None:
        """Keep the smooth pieces of φ′, or the atoms; and pieces of (φ′, φ″)."""
        self._curved = curved
        self._principal: dict[int, PrincipalMeans] = {}
        self._pieces, self._variance, self._atoms = pieces, variance, atoms
        self.exact = bool(atoms)
        self._known: dict[tuple[int, int], Nodes] = {}
        self._few: dict[tuple[int, int], Nodes] = {}
        self._panels: dict[tuple[bool, int], SlopePanels] = {}

    @property
    def variance(self) -> Any:
        """The variance q."""
        return self._variance

    @property
    def smooth_pieces(self) -> list[NumericPiece]:
        """Both ends, and φ′ between them; none where the law is atomic."""
        return list(self._pieces)

    @property
    def is_constant(self) -> bool:
        """Whether φ′ has a piece on which it is constant and not 0."""
        return any(len(values_on(*piece)) == 1 and not is_zero(*piece) for piece in self._pieces)

    @property
    def lowest(self) -> Any:
        """The infimum of φ′², 0 when φ is flat somewhere or at infinity."""
        total = sum(mass for _, mass in self._atoms)
        flat = total < 1 - mp.mpf(10) ** (-mp.dps + 5) if self.exact else self.flat > 0
        return mp.zero if flat else self.least_positive

    @property
    def least_positive(self) -> Any:
        """The infimum of φ′² over all h where φ is not flat; 0 when φ′ comes near 0."""
        return self._range.least

    @property
    def supremum(self) -> Any:
        """The supremum of φ′² over all h, however improbable; ∞ where φ′ grows without bound."""
        return self._range.most

    @cached_property
    def _range(self) -> SlopeRange:
        if self.exact:
            values = [value for value, _ in self._atoms]
            return SlopeRange(min(values), max(values))
        steep = [piece for piece in self._pieces if not is_zero(*piece)]
        return slope_range(steep, mp.sqrt(self._variance))

    @property
    def highest(self) -> Any:
        """The largest φ′² that is met within reach of h."""
        return max(value for value, _ in self.nodes(1))

    @property
    def is_bounded(self) -> bool:
        """Whether φ′² stays bounded, as far as places far out tell."""
        return bool(mp.isfinite(self.supremum))

    @property
    def flat(self) -> Any:
        """The probability that φ′ = 0."""
        if self.exact:
            return 1 - sum(mass for _, mass in self._atoms)
        width = mp.sqrt(self._variance)
        flat = [(low, high) for low, high, slope in self._pieces if is_zero(low, high, slope)]
        return sum((mp.ncdf(high / width) - mp.ncdf(low / width) for low, high in flat), mp.zero)

    def nodes(self, level: int) -> Nodes:
        """The rule of step 2^(−level), at mpmath's working precision.

        Raises:
            NotConvergedError: the level is beyond the finest.
        """
        if self.exact:
            return self._atoms
        if level > _LEVELS:
            raise NotConvergedError("φ′ is not resolved by the finest rule; is √q very large?")
        key = level, mp.prec
        if key not in self._known:
            step = mp.mpf(_COARSEST) / 2**level
            self._known[key] = [
                node for piece in self._pieces for node in _rule(piece, self._variance, step)
            ]
        return self._known[key]

    def few(self, level: int) -> Nodes:
        """Fewer nodes, for means of 1/(t − φ′²) with t away from the values of φ′².

        Levels 0, 1, 2 are Gauss rules of 8, 16, 32 nodes, exact for that many moments twice, of
        ever finer trapezoidal rules; the levels beyond are these rules themselves. A mean that does
        not move from one level to the next is right.

        Raises:
            NotConvergedError: the level is beyond the finest.

        >>> from freejac.symbolic.activation import activation
        >>> table = slope_table(activation("tanh"), 1)
        >>> means = [sum(mass / (3 - value) for value, mass in table.few(k)) for k in (0, 1)]
        >>> len(table.few(0)), abs(means[1] - means[0]) < 1e-13
        (8, True)
        """
        if self.exact:
            return self._atoms
        key = level, mp.prec
        if key not in self._few:
            # the error of a level is the square of that of the level before it
            base = self.level(mp.mpf(10) ** (-mp.dps // 2)) + 1
            points = self.nodes(base + level)
            count = _FEWEST * 2**level
            is_few = level < _FEW_LEVELS and count < len(points)
            self._few[key] = few_nodes(points, count) if is_few else points
        return self._few[key]

    def panels(self, ctx: Any) -> SlopePanels:
        """Panels for means with poles, at the working precision of `mp`, or for `fp`."""
        key = ctx is mp, mp.prec
        if key not in self._panels:
            self._panels[key] = SlopePanels(self._pieces, self._variance, ctx)
        return self._panels[key]

    def principal(self) -> PrincipalMeans:
        """Means with poles on the real line, at the working precision."""
        if mp.prec not in self._principal:
            width = mp.sqrt(self._variance)
            branches = slope_branches(self._curved, width)
            self._principal[mp.prec] = PrincipalMeans(self.panels(mp), branches, width)
        return self._principal[mp.prec]

    def level(self, tolerance: Any) -> int:
        """The first level at which the mean of φ′² no longer moves by more than the tolerance."""
        if self.exact:
            return 0
        last = None
        for level in range(_LEVELS):
            mean = sum(value * mass for value, mass in self.nodes(level))
            if last is not None and abs(mean - last) <= tolerance * mean:
                return level
            last = mean
        raise NotConvergedError("φ′ is not resolved by the finest rule; is √q very large?")


def slope_table(
    phi: Activation, variance: Number, parameters: Mapping[sp.Symbol, Number] | None = None
) -> SlopeTable:
    """Tabulate φ′² of a smooth or kinked activation.

    Args:
        phi: the activation; one that is not piecewise linear.
        variance: q > 0.
        parameters: values of its parameters; the defaults fill those left out.

    Raises:
        DomainError: q is not positive, or a parameter has no value.
    """
    q = finite("the variance q", variance)
    if q <= 0:
        raise DomainError(f"the variance q must be positive, not {variance}")
    values = bind_parameters(phi, parameters or {})
    first, second = phi.distribution(1), phi.distribution(2)
    curved = numeric_pieces([first, second], values)
    return SlopeTable(numeric_pieces([first], values), q, [], curved)


def atomic_table(law: AtomicLaw, values: Mapping[sp.Symbol, Any]) -> SlopeTable:
    """Take the atoms away from 0 of an atomic law, in numbers.

    Raises:
        DomainError: a symbol has no value.

    >>> from freejac.symbolic.derivative_law import bernoulli
    >>> atomic_table(bernoulli(sp.Rational(1, 4)), {}).nodes(0)
    [(mpf('1.0'), mpf('0.25'))]
    """
    atoms = []
    for pair in law.positive_atoms:
        exact = [entry.subs(dict(values)) for entry in pair]
        missing = sorted({s.name for entry in exact for s in entry.free_symbols})
        if missing:
            raise DomainError(f"give a value for {', '.join(missing)} to evaluate the density")
        location, mass = (finite("an atom of D²", entry) for entry in exact)
        if location <= 0 or not 0 < mass <= 1 + mp.mpf("1e-12"):
            raise DomainError(f"{law.name}: an atom at {location} of mass {mass} is out of range")
        atoms.append((location, mass))
    return SlopeTable([], mp.one, atoms)


def _rule(piece: NumericPiece, variance: Any, step: Any) -> Nodes:
    """Give (φ′², probability) on one piece, where it is not negligible."""
    low, high, slope = piece
    negligible = mp.mpf(10) ** (-mp.dps - 5)
    width = mp.sqrt(variance)
    found: Nodes = []
    for point, weight in _unit_rule(low / width, high / width, step, max(width, _WIDE), mp.prec):
        mass = weight * mp.npdf(point)
        value = slope(point * width)[0] ** 2 if mass > negligible else mp.zero
        if value:
            found.append((value, mass))
    return found


@lru_cache(maxsize=64)
def _unit_rule(low: Any, high: Any, step: Any, width: Any, prec: int) -> Nodes:
    """Points and weights for ∫ f over (low, high), f falling like the normal density.

    On the whole line, where f may vary within 1/width of 0 too, of a large width, h = sinh t is
    stepped through evenly.
    """
    reach = mp.sqrt(2 * mp.log(10) * (mp.dps + 8))
    low, high = max(low, -reach), min(high, reach)
    if low >= high:
        return []
    if low == -reach and high == reach and width > _WIDE:
        count = int(mp.asinh(reach * width) / step) + 1
        places = [k * step for k in range(-count, count + 1)]
        return [(mp.sinh(t) / width, step * mp.cosh(t) / width) for t in places]
    if low == -reach and high == reach:
        count = int(reach / step) + 1
        return [(k * step, step) for k in range(-count, count + 1)]
    middle, half = (low + high) / 2, (high - low) / 2
    found: Nodes = []
    step = step / 2
    for k in range(-int(4 / step), int(4 / step) + 1):
        inner = mp.pi / 2 * mp.sinh(k * step)
        slope = half * mp.pi / 2 * mp.cosh(k * step) / mp.cosh(inner) ** 2
        if slope > mp.mpf(10) ** (-mp.dps - 5):
            found.append((middle + half * mp.tanh(inner), step * slope))
    return found
