"""The density of equal layers of any φ, by continuation along λ in double precision.

Two rules have to agree on each value; what they leave out is for mpmath.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from mpmath import mp

from freejac.density_kernels import ensemble_of
from freejac.symbolic.smooth_product import SmoothProduct
from freejac.symbolic.symbols import z

__all__ = ["ContourDensity", "contour_density"]

_FINENESS = (6.0, 9.0)
_AGREEMENT = 1e-10
_DROWNED = 2e-11
"""What M's own rounding errors may do to its imaginary part, relatively."""
_MOST_ANCHORS = 8
"""Of one law: places next to its edges."""
_REACH = 0.1
"""In log λ, how far from an anchor λ may be measured from it."""
_BESIDE = 1e-6
"""In log λ, the distance at which an edge is looked for that a λ may be next to."""
_OUTSIDE = 0.1
"""An imaginary part that rounding may change by as much is 0."""
_FAR_FROM_TAILS = 1e-6
"""As `_DROWNED`, next to an edge."""
_DEEPEST_LOG = -690.0
"""A density of φ′² whose logarithm is below it is 0."""


@dataclass(frozen=True)
class ContourDensity:
    """Equal layers of any φ: continuation along λ in double precision.

    Two quadrature rules have to agree on each value; where they do not it is left out. Next to an
    edge, where rounding of log λ would count, λ is measured from a place there. Where the density
    is so small beside M that it drowns in rounding, the imaginary part of M on the real line is
    taken from the density of φ′² itself.

    Attributes:
        depth, is_gaussian: L, the ensemble.
        scale: L log σ_w² in two doubles.
        rules: the coarser and the finer.
        far: ζ where λ is large and imaginary.
        law: the branches of φ′².
        product: the law of J Jᵀ.
    """

    depth: float
    is_gaussian: bool
    scale: tuple[float, float]
    rules: tuple[Any, Any]
    far: complex
    law: Any
    product: SmoothProduct
    _anchors: list[Any] = field(default_factory=list, compare=False, repr=False)

    def __call__(self, lam: Any) -> Any:
        """ρ at an array of doubles; nan where it is not certain to 10 digits."""
        import numpy as np

        found = np.where(lam < 0, 0.0, math.nan)
        positive = lam > 0
        places = lam[positive]
        with np.errstate(over="ignore"):
            found[positive] = self._weight(np.log(places), _AGREEMENT, places) / places
        return found

    def weight(self, log_lam: Any) -> Any:
        """λρ at an array of log λ, which may lie below the least double's; nan as above.

        Next to an edge, where the rounding of λ counts, the errors of what is given are relative
        to λρ in the bulk.
        """
        return self._weight(log_lam, math.inf)

    def _weight(self, log_lam: Any, allowed: float, lam: Any = None) -> Any:
        """The same; nan as well where rounding of λ would do more than is allowed to Im M."""
        import numpy as np

        given = log_lam if lam is None else lam
        _, kept, places = np.unique(given.ravel(), return_index=True, return_inverse=True)
        kept = kept[::-1]
        levels = (log_lam.ravel()[kept] - self.scale[0]) - self.scale[1]
        point, imaginary, is_edge = self._inside(levels, allowed)
        places_found = None if lam is None else lam.ravel()[kept]
        if places_found is not None:
            self._next_to_edges(places_found, point, imaginary, is_edge)
        start = complex(math.nan)
        for index in np.flatnonzero(np.isnan(imaginary) & ~is_edge):
            start = point[index] if point[index] == point[index] else start
            imaginary[index] = self._alone(start, levels[index : index + 1], allowed)
        if places_found is not None:
            self._on_edges(places_found, levels, imaginary)
        return (-imaginary / math.pi)[::-1][places].reshape(log_lam.shape)

    def _next_to_edges(self, lam: Any, point: Any, imaginary: Any, is_edge: Any) -> None:
        """Im M from anchors where rounding of log λ would count, as far as both rules agree."""
        import numpy as np

        left = is_edge.copy()
        for anchor in self._anchors:
            self._from_anchor(anchor, lam, point, imaginary, left)
        while left.any():
            # the nearest to the edge first
            nearest = np.flatnonzero(left)[np.argmin(point[left].imag)]
            anchor = self._new_anchor(complex(point[nearest]))
            if anchor is None:
                break
            self._from_anchor(anchor, lam, point, imaginary, left)
            if left[nearest]:
                break

    def _on_edges(self, lam: Any, levels: Any, imaginary: Any) -> None:
        """The same so near to an edge that ζ was not reached."""
        import numpy as np

        for index in np.flatnonzero(np.isnan(imaginary)):
            away = [abs(_offsets(lam[index], anchor)) for anchor in self._anchors]
            if not np.isnan(imaginary[index]) or min(away, default=1.0) < _BESIDE:
                continue
            beside = levels[index] + _BESIDE * np.array([1.0, -1.0])
            point, _, is_edge = self._inside(beside, _AGREEMENT)
            for start in point[is_edge]:
                anchor = self._new_anchor(complex(start))
                if anchor is not None:
                    unknown = np.full(lam.size, complex(math.nan))
                    none = np.zeros(lam.size, dtype=bool)
                    self._from_anchor(anchor, lam, unknown, imaginary, none)
                    break

    def _new_anchor(self, start: complex) -> Any:
        """An anchor for a ζ next to an edge, None where there is none or too many are known."""
        from freejac.codegen.contour_anchors import contour_anchor

        if len(self._anchors) >= _MOST_ANCHORS:
            return None
        found = contour_anchor(self.product, self.rules[1], start)
        if found is not None:
            self._anchors.append(found)
        return found

    def _from_anchor(self, anchor: Any, lam: Any, point: Any, imaginary: Any, left: Any) -> None:
        """Fill in what is next to one anchor."""
        import numpy as np

        from freejac.codegen.contour_anchors import INSIDE
        from freejac.codegen.slope_height import log_height
        from freejac.generated.contour_density import solve_near

        away = _offsets(lam, anchor)
        near = np.flatnonzero(np.abs(away) < _REACH)
        near = near[left[near] | np.isnan(imaginary[near])]
        if not near.size:
            return
        settings = anchor, self.depth, self.is_gaussian
        start = np.where(left[near], point[near], complex(math.nan))
        first, _, _ = solve_near(start, away[near], *settings, self.rules[0])
        second, magnified, found = solve_near(start, away[near], *settings, self.rules[1])
        certain = (np.abs(first - second) <= _AGREEMENT * np.abs(second)) & (second < 0)
        certain &= (magnified <= _AGREEMENT) & (found.real > self.law.least)
        imaginary[near[certain]] = second[certain]
        left[near[certain]] = False
        outside = ~certain & (magnified > _OUTSIDE) & (np.abs(away[near]) > 10 * INSIDE)
        for index, place in zip(near[outside], found[outside].real, strict=True):
            if log_height(self.law, float(place))[0] < _DEEPEST_LOG:
                imaginary[index], left[index] = -0.0, False

    def _alone(self, start: complex, level: Any, allowed: float) -> float:
        """Im M at one log λ, by itself if no ζ is known nearby."""
        found = self._beside(start, float(level[0]), allowed)
        if not math.isnan(found):
            return found
        (start,), (inside,), (is_edge,) = self._inside(level, allowed)
        if is_edge or not math.isnan(inside):
            return float(inside)
        return self._beside(start, float(level[0]), allowed)

    def _inside(self, levels: Any, allowed: float) -> tuple[Any, Any, Any]:
        """ζ and Im M at descending log λ, nan where that is not certain; and where λ's rounding is.

        M is certain where both rules agree on it and it does not drown in M's rounding errors.
        """
        import numpy as np

        from freejac.generated.contour_density import follow_grid, polish

        settings = self.depth, self.is_gaussian
        point = follow_grid(levels, self.far, *settings, self.rules[0])
        first, _, _ = polish(point, levels, *settings, self.rules[0])
        second, drowned, magnified = polish(point, levels, *settings, self.rules[1])
        known = np.abs(point) > self.law.least
        is_edge = known & (drowned <= _FAR_FROM_TAILS) & (magnified > allowed)
        certain = known & (drowned <= _DROWNED)
        certain &= np.abs(first - second) <= _AGREEMENT * np.abs(second)
        return point, np.where(certain & ~is_edge, second, math.nan), is_edge

    def _beside(self, start: complex, level: float, allowed: float) -> float:
        """Im M where ζ is next to the real line; nan where both rules do not say so."""
        from freejac.codegen.slope_height import log_height
        from freejac.generated.contour_density import solve_beside, solve_real

        settings = self.depth, self.is_gaussian
        place = start if start.imag > 0 else complex(math.nan)
        for x in (start.real, self._outside(level)):
            both = [solve_real(x, level, *settings, rule)[0] for rule in self.rules]
            if abs(both[0] - both[1]) <= _AGREEMENT * both[1]:
                place = complex(both[1])
                break
        if not place.real > self.law.least:
            return math.nan
        # the second time R is expanded where ζ was found
        for _ in range(2):
            height = log_height(self.law, place.real)
            if math.isnan(height[0]):
                return math.nan
            if place.imag == 0 and height[0] < _DEEPEST_LOG:
                return -0.0
            found = [solve_beside(place, level, height, *settings, rule) for rule in self.rules]
            (first, *_), (second, magnified, place_found) = found
            # a small density amplifies the rounding of λ as it does a change of λ
            depth = max(1.0, -height[0] / 20) if place.imag == 0 else 1.0
            agree = abs(first - second) <= _AGREEMENT * depth * abs(second)
            if agree and magnified <= allowed * depth:
                return float(second)
            if not place_found.real > self.law.least:
                break
            place = place_found
        return math.nan

    def _outside(self, level: float) -> float:
        """ζ far from the spectrum on the side of λ, to leading order."""
        import numpy as np

        _, values, values_y, masses, masses_y = self.rules[1]
        a, w = values + 1j * values_y, masses + 1j * masses_y
        # where φ′ vanishes the mean of the inverse is none
        with np.errstate(all="ignore"):
            mean, inverse = (float((w * a**k).sum().real) for k in (1, -1))
        rest = self.depth - 1
        above = level - rest * math.log(mean)
        if level > self.depth * math.log(mean) or not inverse > 0:
            return math.exp(min(above, 700.0))
        return math.exp(min(level + rest * math.log(inverse), 700.0))


def _offsets(lam: Any, anchor: Any) -> Any:
    """Log λ less an anchor's."""
    from freejac.generated import contour_density as kernels

    module: Any = kernels
    return module.offsets(lam, anchor)


@lru_cache(maxsize=16)
def contour_density(law: object) -> ContourDensity | None:
    """The double-precision continuation of a law, or None where φ or the layers do not allow it."""
    if not isinstance(law, SmoothProduct) or len(law.layers) != 1:
        return None
    (layer,) = law.layers
    weights = ensemble_of(layer.weights)
    if weights is None or layer.table.exact or not layer.before == layer.after == 1:
        return None
    import numpy as np

    from freejac.codegen.contour_nodes import contour_rule, table_contour

    branches = table_contour(layer.table)
    rules = [branches and contour_rule(branches, f) for f in _FINENESS]
    if rules[0] is None or rules[1] is None:
        return None
    values, masses = rules[0][1] + 1j * rules[0][2], rules[0][3] + 1j * rules[0][4]
    first, second = (float(np.sum(masses * values**k).real) for k in (1, 2))
    is_gaussian = weights == "gaussian"
    spread = layer.count * (second / first**2 - 1 + is_gaussian)
    with mp.workdps(40):
        exact_scale = -layer.count * mp.log(mp.mpf(layer.weights.subs(z, 0).evalf(40)))
        scale = float(exact_scale), float(exact_scale - float(exact_scale))
    far = first / (1e-3 / max(spread, 1.0) * -1j)
    return ContourDensity(
        float(layer.count), is_gaussian, scale, (rules[0], rules[1]), far, branches, law
    )
