"""Signal propagation through a residual network: q, ⟨x⟩, ⟨x²⟩ and c_l, layer by layer.

The model is hˡ = Wˡ xˡ⁻¹ + bˡ, xˡ = φ(hˡ) + a xˡ⁻¹, with W of variance σ_w²/(L N) and b of σ_b².
With ⟨φ(hˡ) xˡ⁻¹⟩ = ⟨φ(hˡ)⟩⟨xˡ⁻¹⟩,
    ⟨xˡ⟩ = E[φ] + a⟨xˡ⁻¹⟩,   ⟨(xˡ)²⟩ = E[φ²] + 2a E[φ] ⟨xˡ⁻¹⟩ + a²⟨(xˡ⁻¹)²⟩,
    q^{l+1} = (σ_w²/L) ⟨(xˡ)²⟩ + σ_b²,
the expectations at variance q^l.

Source: Tarnowski et al. (2019), section II.2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sympy as sp
from mpmath import mp

from freejac.symbolic.domain import Number, finite, layer_count
from freejac.symbolic.errors import DomainError
from freejac.symbolic.fixed_points import Parameters, bind_parameters, scales
from freejac.symbolic.mean_field import MeanField
from freejac.symbolic.symbols import q as variance_symbol

__all__ = ["Propagation", "propagate"]

_DIGITS = 20


@dataclass(frozen=True)
class Propagation:
    """What a residual network does to a signal; entry l − 1 of each tuple belongs to layer l.

    Attributes:
        q: the variance of the pre-activation hˡ.
        mean: ⟨xˡ⟩.
        second_moment: ⟨(xˡ)²⟩.
        cumulants: c_l = σ_w² E[φ′(√q_l z)²].
    """

    q: tuple[float, ...]
    mean: tuple[float, ...]
    second_moment: tuple[float, ...]
    cumulants: tuple[float, ...]

    @property
    def effective_cumulant(self) -> float:
        """The mean of the c_l."""
        return sum(self.cumulants) / len(self.cumulants)


def propagate(
    mean_field: MeanField,
    depth: int,
    sigma_w: Number,
    sigma_b: Number,
    q1: Number,
    *,
    skip: Number,
    mean: Number,
    parameters: Parameters,
) -> Propagation:
    """Follow a signal through the layers; see `ResNet.propagate` for arguments and errors."""
    layers = layer_count(depth)
    values = bind_parameters(mean_field.phi, parameters)
    with mp.workdps(_DIGITS):
        weight, bias = scales(sigma_w, sigma_b)
        variance, centre, kept = (
            finite(name, value)
            for name, value in (("q1", q1), ("mean", mean), ("the skip weight", skip))
        )
        if variance <= bias**2:
            raise DomainError(f"q1 must exceed sigma_b**2, not {q1}")
        share = weight**2 / layers
        square = (variance - bias**2) / share
        if centre**2 > square * (1 + mp.mpf("1e-12")):
            raise DomainError(f"an input of mean {mean} has q1 >= {mp.nstr(share * centre**2, 8)}")
        first, second, slope = (
            _function(expr, values)
            for expr in (mean_field.mean, mean_field.second_moment, mean_field.mu(1))
        )
        rows: list[tuple[float, ...]] = []
        for _ in range(layers):
            shift = first(variance)
            square = second(variance) + 2 * kept * shift * centre + kept**2 * square
            centre = shift + kept * centre
            row = (variance, centre, square, weight**2 * slope(variance))
            rows.append(tuple(float(entry) for entry in row))
            variance = share * square + bias**2
    return Propagation(*zip(*rows, strict=True))


def _function(expr: sp.Expr, parameters: Mapping[sp.Symbol, Number]) -> Callable[[Any], Any]:
    """Make a numeric function of q: a closed form, or quadrature where there is none."""
    bound = expr.subs(dict(parameters))

    def evaluate(variance: Any) -> Any:
        number = sp.Float(variance, _DIGITS)
        return mp.mpf(bound.subs(variance_symbol, number).evalf(_DIGITS))

    return evaluate
