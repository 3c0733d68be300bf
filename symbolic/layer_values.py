"""Numbers for the symbols of placed layers: from the exact law to the numeric one."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import sympy as sp

from freejac.symbolic.density import LayerProduct, NumericLayer
from freejac.symbolic.derivative_law import AtomicLaw
from freejac.symbolic.domain import Number, exact
from freejac.symbolic.errors import DomainError, NoClosedForm
from freejac.symbolic.layers import PlacedLayer

__all__ = ["bind"]


def bind(
    layers: tuple[PlacedLayer, ...], values: Mapping[sp.Symbol, Number], digits: int
) -> LayerProduct:
    """Put numbers in.

    Args:
        layers: what `freejac.symbolic.layers.place` gives.
        values: a number for every symbol.
        digits: correct digits aimed at.

    Raises:
        NoClosedForm: S of a layer has no closed form.
        DomainError: a value is missing or out of range.

    >>> from freejac.symbolic.layers import Layer, place
    >>> bind(place([Layer("linear", 3, sigma_w=1)], 1), {}, 15).mass_at_zero
    mpf('0.0')
    """
    for placed in layers:
        if not isinstance(placed.layer.law, AtomicLaw):
            raise NoClosedForm(f"S of D² for {placed.layer.law.name}", "φ is not piecewise linear")
    numbers = {symbol: _admitted(symbol, value) for symbol, value in values.items()}
    numeric = [_numeric(placed, numbers) for placed in layers]
    return _product(tuple(layer for layer in numeric if layer is not None), digits)


@lru_cache(maxsize=32)
def _product(layers: tuple[NumericLayer, ...], digits: int) -> LayerProduct:
    """Keep recent laws: their support is worked out once for many calls with single values."""
    return LayerProduct(layers, digits)


def _numeric(placed: PlacedLayer, numbers: Mapping[sp.Symbol, sp.Expr]) -> NumericLayer | None:
    """One layer in numbers; None when there are none of its kind."""
    count = placed.count.subs(numbers)
    if not count.is_Integer or count < 0:
        raise DomainError(f"give depth a positive integer for the number of layers {placed.count}")
    layer = placed.layer
    atoms = tuple((a.subs(numbers), mass.subs(numbers)) for a, mass in layer.positive_atoms)
    return (
        NumericLayer(
            atoms,
            layer.s_weights.subs(numbers),
            int(count),
            placed.before.subs(numbers),
            placed.after.subs(numbers),
        )
        if count
        else None
    )


def _admitted(symbol: sp.Symbol, value: Number) -> sp.Expr:
    """Make an exact number for a symbol, and refuse one that contradicts its assumptions."""
    number = exact(str(symbol), value)
    if not number.is_number or number.is_finite is False or not number.is_real:
        raise DomainError(f"{symbol} must be a finite real number, not {value}")
    if symbol.is_positive and not number.is_positive:
        raise DomainError(f"{symbol} must be positive, not {value}")
    return sp.nsimplify(number, rational=True) if number.is_Float else number
