"""Spectra of networks as `Spectrum`s: the theory's side of a comparison.

>>> import freejac as fj
>>> law = jacobian_spectrum(fj.Jacobian("hard_tanh", "orthogonal", depth=2), q=1, sigma_w=1)
>>> [round(mass, 6) for _, mass in law.atoms], abs(law.defect) < 1e-8
([0.317311, 0.365379], True)
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import sympy as sp
from mpmath import mp
from numpy.typing import NDArray

from freejac.contour_density import contour_density
from freejac.density_kernels import CONTOUR_DIGITS, slopes_density
from freejac.networks import FiniteResNet, Jacobian, ResNet
from freejac.numeric import numpy_function
from freejac.numeric_law import NumericLaw
from freejac.slope_spectrum import SlopeSpectrum
from freejac.spectrum import Spectrum
from freejac.symbolic.domain import Number, exact
from freejac.symbolic.errors import NotConvergedError
from freejac.symbolic.slope_density import SlopeDensity
from freejac.symbolic.symbols import cumulant as cumulant_symbol
from freejac.symbolic.symbols import q as variance_symbol
from freejac.symbolic.symbols import sigma_w as scale_symbol

__all__ = ["finite_residual_spectrum", "jacobian_spectrum", "residual_spectrum"]

Array = NDArray[np.float64]
Parameters = Mapping[sp.Symbol, Number]

_DIGITS = 9
"""Up to 9 digits a density is evaluated in double precision throughout."""
_MORE_DIGITS = 3
"""Next to an edge double precision settles no more, and mpmath's does."""


def jacobian_spectrum(
    network: Jacobian,
    *,
    q: Number | None = None,
    sigma_w: Number = 1,
    parameters: Parameters | None = None,
    digits: int = _DIGITS,
) -> NumericLaw:
    """The law of JᵀJ of a feed-forward network, in numbers.

    Args:
        network: its depth a number.
        q: the variance of the pre-activations, where the law of D² has it.
        sigma_w: the scale of the weights.
        parameters: values of the other symbols.
        digits: of the density.

    Raises:
        NotConvergedError: the density is not resolved, or does not add up to one with the atoms.
        Error: as `Jacobian.density`.
    """
    given = dict(parameters or {})
    curve = network.layer_product(q=q, sigma_w=sigma_w, parameters=given, digits=digits)
    values = {scale_symbol: sigma_w, **given} | ({} if q is None else {variance_symbol: q})

    if isinstance(curve, SlopeDensity):
        phi = curve.phi
        own = {s: v for s, v in given.items() if s in phi.parameters}
        slope = numpy_function(phi, 1, own)
        numbers = float(curve.variance), float(curve.scale)
        atoms = _in_numbers(network, values)
        return SlopeSpectrum(slope, curve.branches, *numbers, curve.support, atoms)

    @cache
    def finer() -> Any:
        """The law in more digits."""
        return network.layer_product(
            q=q, sigma_w=sigma_w, parameters=given, digits=digits + _MORE_DIGITS
        )

    fast_enough = digits <= CONTOUR_DIGITS
    kernel = (slopes_density(curve) or contour_density(curve)) if fast_enough else None

    def weight(u: Array) -> Array:
        if kernel is not None:
            # beside an edge a value may be left out, and is integrated by mpmath
            fast = np.asarray(kernel.weight(u))
            left = np.isnan(fast)
            if left.any():
                fast[left] = slow(u[left])
            return fast
        return slow(u)

    def slow(u: Array) -> Array:
        with mp.workdps(digits + 15):
            places = [mp.exp(mp.mpf(float(v))) for v in u]
            try:
                found = curve.density(places)
            except NotConvergedError:
                found = finer().density(places)
            return np.array([float(a * b) for a, b in zip(places, found, strict=True)])

    return Spectrum(weight, curve.support, _in_numbers(network, values))


def _in_numbers(network: Jacobian, values: Mapping[Any, Number]) -> list[tuple[float, float]]:
    """The atoms, in numbers."""
    known = {s: v for layer in network.layers for s, v in layer.defaults.items()}
    known |= {s: exact(str(s), v) for s, v in values.items()}
    return [
        (float(location.subs(known)), float(mass.subs(known))) for location, mass in network.atoms()
    ]


def residual_spectrum(network: ResNet, cumulant: Number, depth: int | None = None) -> Spectrum:
    """The universal law of a deep residual network.

    Args:
        network: where the skip weight comes from.
        cumulant: the effective cumulant c.
        depth: needed when the skip weight is not 1.

    >>> law = residual_spectrum(ResNet(), 0.5)
    >>> round(law.moment(2) / float(np.exp(1)), 8)             # (1 + 2c) e^{2c}
    2.0
    """
    scale, ratio = (float(v) for v in network.in_numbers(cumulant, depth))
    low, high = (float(e.subs(cumulant_symbol, ratio)) * scale for e in ResNet().edges())

    def weight(u: Array) -> Array:
        lam = np.exp(u)
        return np.asarray(lam * network.density(lam, cumulant=cumulant, depth=depth))

    return Spectrum(weight, [(low, high)])


def finite_residual_spectrum(
    network: FiniteResNet,
    *,
    q: Any = None,
    sigma_w: Number = 1,
    parameters: Parameters | None = None,
    digits: int = _DIGITS,
) -> Spectrum:
    """The exact law at finite depth; arguments as for `FiniteResNet.density`."""
    given = dict(parameters or {})
    settings = {"q": q, "sigma_w": sigma_w, "parameters": given, "digits": digits}
    intervals = network.support(**settings)

    def weight(u: Array) -> Array:
        lam = np.exp(u)
        try:
            found = network.density(lam, **settings)
        except NotConvergedError:
            found = network.density(lam, **settings | {"digits": digits + _MORE_DIGITS})
        return np.asarray(lam * found)

    return Spectrum(weight, intervals)
