"""The density of a product of layers where it is exponentially small.

There m and all κ are real but for parts as small as the density. On the real line M_{D²} of a layer
is P − i π R, with P the principal value and R from the density of φ′² at 1/κ (`slope_principal`).
To first order in the R of the layers, with the real solution for P in place of M,
    ρ(λ) = Σ_l R_l / (κ dP_l/dκ) / (λ |d log λ/dm|),
summed over layers. What is left out is of the relative order of the square of what the imaginary
part of 1/κ changes R by; where that counts, Newton's method goes on from there in complex numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from mpmath import fp, mp

from freejac.symbolic.domain import finite
from freejac.symbolic.errors import NotConvergedError
from freejac.symbolic.layer_path import LayerOnPath, LayerState, newton, rise

if TYPE_CHECKING:
    from freejac.symbolic.slope_nodes import SlopeTable
    from freejac.symbolic.smooth_product import SmoothProduct

__all__ = ["Tail", "is_lost", "tail"]

_NEAR = mp.mpf("1e-3")
_DOUBLES, _LOST, _NEGLIGIBLE = 745, 5000, 30
"""Logarithms: of the least double; of what is lost; of what counts for nothing beside a mean."""
_SAME = mp.mpf("1e-9")


class Tail(NamedTuple):
    """A solution on the real line.

    Attributes:
        density: ρ, to first order; 0 if no φ′² takes its value.
        error: the relative order of what was left out.
        state: the solution, with its imaginary parts to first order.
    """

    density: Any
    error: Any
    state: LayerState


def tail(product: SmoothProduct, log_lam: Any, start: LayerState) -> Tail | None:
    """The density at a place, at the working precision; None if the solution there is not real.

    Args:
        product: the law.
        log_lam: log λ.
        start: the continued solution, at λ or at a nearby place above the real line.
    """
    layers, least = product.on_real_line, product.least_rank
    real = LayerState(mp.re(start.m), mp.re(start.d), tuple(mp.re(kappa) for kappa in start.kappas))
    tolerance = mp.mpf(10) ** (-product.digits - 4)
    steps = newton(layers, least, real, log_lam, tolerance, lambda v: mp.log(abs(v)))
    if steps is None or not _is_near(start, steps[1]):
        return None
    found = steps[1]
    poles = [
        layer.table.principal().at(kappa)[1] if not layer.table.exact else None
        for layer, kappa in zip(product.layers, found.kappas, strict=True)
    ]
    heights = [pole.height if pole else mp.zero for pole in poles]
    along, rates = rise(layers, least, found)
    # λ falls as m grows outside the bulk
    if not along < 0:
        return None
    pushed = sum(
        layer.count * height / rate
        for layer, height, rate in zip(layers, heights, rates, strict=True)
    )
    density = pushed / (mp.exp(log_lam) * abs(along))
    state = _lifted(layers, found, heights, rates, mp.pi * pushed / along)
    shares = [mp.im(k) / mp.re(k) for k in state.kappas]
    tilts = [pole.tilt if pole else mp.zero for pole in poles]
    error = max((share * (1 + tilt)) ** 2 for share, tilt in zip(shares, tilts, strict=True))
    return Tail(density, error, state) if density >= 0 else None


def _is_near(start: LayerState, found: LayerState) -> bool:
    """Whether the real solution is that which was continued: as near as its imaginary part says."""
    pairs = [(start.m, found.m), (start.d, found.d), *zip(start.kappas, found.kappas, strict=True)]
    return all(abs(b - mp.re(a)) <= abs(mp.im(a)) + _NEAR * abs(b) for a, b in pairs)


def _lifted(
    layers: Sequence[LayerOnPath],
    state: LayerState,
    heights: Sequence[Any],
    rates: Sequence[Any],
    imaginary: Any,
) -> LayerState:
    """Add the imaginary parts: δκ = κ (δm/ν + i π R)/(κ dP/dκ)."""
    kappas = tuple(
        mp.mpc(kappa, kappa * (imaginary / layer.after + mp.pi * height) / rate)
        for layer, kappa, height, rate in zip(layers, state.kappas, heights, rates, strict=True)
    )
    return LayerState(mp.mpc(state.m, imaginary), mp.mpc(state.d, imaginary), kappas)


def is_lost(product: SmoothProduct, log_lam: Any) -> bool:
    """Whether λ is so far below the spectrum that ρ is certainly below e^(−5000).

    With equal orthogonal layers and E[1/φ′²] finite λ = ζ/E[1/φ′²]ᴸ⁻¹ on the sheet that passes
    λ = 0, but for a relative error of the order of ζ, which is out of the range of doubles; and λρ
    is R there.
    """
    if len(product.layers) > 1 or not product.layers[0].is_orthogonal_and_square:
        return False
    (layer,), (quick,) = product.layers, product.path(fp)
    start = log_lam + layer.count * mp.log(finite("a scale", layer.weights))
    # E[1/φ′²] is at least 1/E[φ′²]
    if start - (layer.count - 1) * mp.log(quick.mean) > -_DOUBLES:
        return False
    if not _is_felt_inside(layer.table, 1 / quick.mean):
        return False
    mean = _inverse_mean(layer.table, start)
    if mean is None:
        return False
    log_zeta = start + (layer.count - 1) * mp.log(mean)
    again = _inverse_mean(layer.table, log_zeta) if log_zeta < -_DOUBLES else None
    if again is None or abs(again - mean) > _SAME * mean:
        return False
    _, poles = layer.table.principal().at(mp.exp(-log_zeta))
    return bool(poles.height < mp.exp(log_lam - _LOST))


def _inverse_mean(table: SlopeTable, log_zeta: Any) -> Any:
    """E[1/φ′²] from 1 + M at a small ζ; None where it is not of that kind."""
    kappa = mp.exp(-log_zeta)
    try:
        mean = -table.panels(mp).mean(kappa).above * kappa
    except NotConvergedError:
        return None  # φ′² takes the value ζ within reach
    return mean if mean > 0 else None


def _is_felt_inside(table: SlopeTable, least: Any) -> bool:
    """Whether the mean of 1/φ′², at least so large, comes from the panels and not their ends."""
    width, panels = mp.sqrt(table.variance), table.panels(mp).panels
    for place, piece in ((panels[0].low, 0), (panels[-1].high, -1)):
        slope = abs(table.smooth_pieces[piece][2](place * width)[0])
        if not slope or -2 * mp.log(slope) - place**2 / 2 > mp.log(least) - _NEGLIGIBLE:
            return False
    return True
