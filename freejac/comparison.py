"""Theory against simulation: distance of distribution functions, moments, and the law of 1/width.

The Kolmogorov–Smirnov distance is the largest difference of the two distribution functions. Were
the eigenvalues independent, it would stay below `iid_band` in 99 % of samples. They are not:
eigenvalues of one matrix repel each other, which makes that band too wide, and the length of the
signal differs from draw to draw and moves all eigenvalues of a draw together, which may make it too
narrow. So a second band is measured: how far the mean of the draws' distribution functions strays,
from their differences. What stays beyond both is of the finite width, and falls as 1/width, or as
1/√width where atoms go by the extreme of fluctuating ranks; or the theory is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, inf, sqrt

import numpy as np
from numpy.typing import NDArray

from freejac.numeric_law import NumericLaw
from freejac.samples import Sample
from freejac.symbolic.errors import DomainError

__all__ = ["Comparison", "MomentCheck", "WidthLaw", "compare", "falls_by", "iid_band", "width_law"]

Array = NDArray[np.float64]

_LEVEL = 0.99
_Z = 2.5758293035489004
"""The two-sided normal quantile of that level."""
_FLIPS = 2000
_GRID = 512
_SNAP = 1e-9
_HIGHEST = 4


@dataclass(frozen=True)
class MomentCheck:
    """A moment in theory and in simulation.

    Attributes:
        order: k.
        theory: m_k.
        estimate: its mean over the draws.
        error: the standard error of that; infinite for one draw.
    """

    order: int
    theory: float
    estimate: float
    error: float

    @property
    def z(self) -> float:
        """How many standard errors the estimate is off; NaN where there is no error to compare."""
        off = self.estimate - self.theory
        if self.error == 0:
            return 0.0 if abs(off) <= 1e-9 * abs(self.theory) else inf
        return off / self.error if self.error < inf else float("nan")


@dataclass(frozen=True)
class Comparison:
    """A sample held against a law.

    Attributes:
        distance: the Kolmogorov–Smirnov distance.
        place: the λ where it is taken.
        iid_band: what independent eigenvalues would stay below in 99 % of samples.
        draws_band: what the mean over the draws stays below, from how the draws differ; infinite
            for one draw.
        resolution: the λ below which a singular value is rounding; of the eigenvalues there only
            the number is compared.
        size: how many eigenvalues there are.
        moments: m_1 … m_4.
    """

    distance: float
    place: float
    iid_band: float
    draws_band: float
    resolution: float
    size: int
    moments: tuple[MomentCheck, ...]

    @property
    def band(self) -> float:
        """The wider of the bands that are known."""
        return max(self.iid_band, self.draws_band if self.draws_band < inf else 0.0)

    @property
    def within(self) -> bool:
        """Whether the distance is one that sampling explains."""
        return self.distance <= self.band


@dataclass(frozen=True)
class WidthLaw:
    """distance = a + b/width^power, fitted to several widths.

    Attributes:
        a: what would remain at infinite width.
        b: the strength of the finite width.
        power: 1, or 1/2 where ranks fluctuate.
        error: the standard error of a.
        allowed: the largest a that sampling explains.
    """

    a: float
    b: float
    power: float
    error: float
    allowed: float

    @property
    def explains(self) -> bool:
        """Whether nothing remains at infinite width that sampling does not explain."""
        return self.a <= self.allowed


def compare(law: NumericLaw, sample: Sample) -> Comparison:
    """Hold the eigenvalues of a sample against a law.

    Args:
        law: the theory.
        sample: eigenvalues of any number of draws.

    >>> from freejac.network_spectra import jacobian_spectrum
    >>> from freejac.networks import Jacobian
    >>> from freejac.simulate import feed_forward
    >>> law = jacobian_spectrum(Jacobian("linear", depth=1))
    >>> sample = feed_forward(lambda h: h, np.ones_like, width=100, depth=1, draws=4)
    >>> found = compare(law, sample)
    >>> found.within, round(found.iid_band, 3), [m.order for m in found.moments]
    (True, 0.081, [1, 2, 3, 4])
    """
    eigenvalues = _snapped(sample.eigenvalues, law)
    draws, width = eigenvalues.shape
    floor = _resolution(eigenvalues)
    distance, place = _distance(law, np.sort(eigenvalues, axis=None), floor)
    checks = tuple(MomentCheck(k, law.moment(k), *sample.moment(k)) for k in range(1, _HIGHEST + 1))
    return Comparison(
        distance,
        place,
        iid_band(draws * width),
        _draws_band(eigenvalues, floor),
        floor,
        draws * width,
        checks,
    )


def iid_band(size: int, level: float = _LEVEL) -> float:
    """The quantile of the Kolmogorov–Smirnov distance of `size` independent values.

    Args:
        size: how many, 1 or more; from ten on the result is good to a percent.
        level: the probability of staying below, in (0, 1).

    Raises:
        DomainError: an argument is out of range.

    Source: M. A. Stephens (1970), J. Royal Stat. Soc. B 32, 115: √n + 0.12 + 0.11/√n.

    >>> round(iid_band(1000), 4)
    0.0513
    """
    if size < 1 or not 0 < level < 1:
        raise DomainError("a band has a size of at least 1 and a level between 0 and 1")

    def excess(x: float) -> float:
        """The probability of lying beyond x/√n, by Kolmogorov's series."""
        return 2 * sum((-1) ** (k - 1) * exp(-2 * (k * x) ** 2) for k in range(1, 101))

    low, high = 0.2, 5.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) > 1 - level else (low, middle)
    root = sqrt(size)
    return low / (root + 0.12 + 0.11 / root)


def falls_by(law: NumericLaw) -> float:
    """The power of the width by which a distance falls: 1, or 1/2 where the law has atoms.

    The number of units in the linear regime of a piecewise-linear φ fluctuates by √width in every
    layer, and the atoms' masses go by the extreme of these numbers.
    """
    return 0.5 if law.atoms else 1.0


def width_law(widths: Sequence[int], found: Sequence[Comparison], power: float = 1.0) -> WidthLaw:
    """Fit distance = a + b/width^power.

    The errors of the distances are taken from their measured bands. A distance of noise alone is
    not 0: a is allowed up to its own error, or the narrowest band.

    Args:
        widths: three or more different widths.
        found: the comparison at each.
        power: see `falls_by`.

    Raises:
        DomainError: there are fewer than three widths, or they do not match.
    """
    if len(widths) != len(found) or len(set(widths)) < 3:
        raise DomainError("a law of 1/width needs comparisons at three or more different widths")
    bands = [one.draws_band if one.draws_band < inf else one.iid_band for one in found]
    sigma = np.array(bands) / _Z
    design = np.column_stack([np.ones(len(widths)), np.array(widths, dtype=np.float64) ** -power])
    scaled = design / sigma[:, None]
    covariance = np.linalg.inv(scaled.T @ scaled)
    a, b = covariance @ scaled.T @ (np.array([one.distance for one in found]) / sigma)
    error = float(np.sqrt(covariance[0, 0]))
    return WidthLaw(float(a), float(b), power, error, max(_Z * error, min(bands)))


def _snapped(eigenvalues: Array, law: NumericLaw) -> Array:
    """Move eigenvalues that are an atom but for rounding onto it."""
    result = np.array(eigenvalues, dtype=np.float64)
    for location, _ in law.atoms:
        if location > 0:
            result[np.abs(result / location - 1) < _SNAP] = location
    return result


def _resolution(eigenvalues: Array) -> float:
    """The λ below which an eigenvalue may be rounding of the largest singular value."""
    width = eigenvalues.shape[1]
    return float((width * np.finfo(float).eps) ** 2 * eigenvalues.max())


def _distance(law: NumericLaw, ordered: Array, floor: float) -> tuple[float, float]:
    """The largest difference of the distribution functions at λ ≥ floor, and where it is.

    Both are monotone: between jumps of either the difference is largest next to a jump.
    """
    places = np.concatenate([ordered, [x for x, _ in law.atoms], [floor]])
    places = np.unique(places[places >= floor])
    below = np.searchsorted(ordered, places, side="left") / ordered.size
    upto = np.searchsorted(ordered, places, side="right") / ordered.size
    at = np.abs(upto - law.cdf(places))
    before = np.where(places > floor, np.abs(below - law.cdf_left(places)), 0.0)
    both = np.maximum(at, before)
    k = int(np.argmax(both))
    return float(both[k]), float(places[k])


def _draws_band(eigenvalues: Array, floor: float) -> float:
    """The 99 % quantile of sup |mean of F_d − its expectation|, by flipping signs of F_d − mean."""
    draws = len(eigenvalues)
    if draws < 2:
        return inf
    pooled = np.sort(eigenvalues, axis=None)
    grid = np.unique(np.maximum(pooled[:: max(1, pooled.size // _GRID)], floor))
    each = np.array([np.searchsorted(np.sort(row), grid, side="right") for row in eigenvalues])
    each = each / eigenvalues.shape[1]
    centred = (each - each.mean(axis=0)) * sqrt(draws / (draws - 1))
    signs = np.random.default_rng(0).choice([-1.0, 1.0], size=(_FLIPS, draws))
    return float(np.quantile(np.abs(signs @ centred / draws).max(axis=1), _LEVEL))
