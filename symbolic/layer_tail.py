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

from mpmath import mp

from freejac.symbolic.layer_path import LayerOnPath, LayerState, newton, rise

if TYPE_CHECKING:
    from freejac.symbolic.smooth_product import SmoothProduct

__all__ = ["Tail", "tail"]

_NEAR = mp.mpf("1e-3")


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
