"""Numbers for the symbols of placed layers: from the exact law to the numeric one."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import sympy as sp
from mpmath import mp

from freejac.symbolic.activation import Activation
from freejac.symbolic.density import LayerProduct, NumericLayer
from freejac.symbolic.derivative_law import AtomicLaw
from freejac.symbolic.domain import Number, exact, finite, rational
from freejac.symbolic.errors import DomainError, NoClosedForm
from freejac.symbolic.layer_block import LayerBlock
from freejac.symbolic.layers import PlacedLayer
from freejac.symbolic.residual_product import GUARD
from freejac.symbolic.slope_density import SlopeDensity
from freejac.symbolic.slope_nodes import atomic_table, slope_table
from freejac.symbolic.smooth_product import SmoothProduct
from freejac.symbolic.symbols import q as variance_symbol
from freejac.symbolic.symbols import z

__all__ = ["bind"]


def bind(
    layers: tuple[PlacedLayer, ...], values: Mapping[sp.Symbol, Number], digits: int
) -> LayerProduct | SmoothProduct | SlopeDensity:
    """Put numbers in.

    Args:
        layers: what `freejac.symbolic.layers.place` gives.
        values: a number for every symbol.
        digits: correct digits aimed at.

    Raises:
        NoClosedForm: of a D² nothing but moments is known.
        DomainError: a value is missing or out of range.

    >>> from freejac.symbolic.layers import Layer, place
    >>> bind(place([Layer("linear", 3, sigma_w=1)], 1), {}, 15).mass_at_zero
    mpf('0.0')
    """
    numbers = {symbol: _admitted(symbol, value) for symbol, value in values.items()}
    present = tuple(placed for placed in layers if _count(placed, numbers))
    if all(isinstance(placed.layer.law, AtomicLaw) for placed in present):
        return _product(tuple(_numeric(placed, numbers) for placed in present), digits)
    return _smooth(tuple(_ingredients(placed, numbers) for placed in present), digits)


@lru_cache(maxsize=32)
def _product(layers: tuple[NumericLayer, ...], digits: int) -> LayerProduct:
    """Keep recent laws: their support is worked out once for many calls with single values."""
    return LayerProduct(layers, digits)


def _count(placed: PlacedLayer, numbers: Mapping[sp.Symbol, sp.Expr]) -> int:
    """How many such layers there are."""
    count = placed.count.subs(numbers)
    if not count.is_Integer or count < 0:
        raise DomainError(f"give depth a positive integer for the number of layers {placed.count}")
    return int(count)


def _numeric(placed: PlacedLayer, numbers: Mapping[sp.Symbol, sp.Expr]) -> NumericLayer:
    """One layer in numbers."""
    layer = placed.layer
    return NumericLayer(
        tuple((a.subs(numbers), mass.subs(numbers)) for a, mass in layer.positive_atoms),
        layer.s_weights.subs(numbers),
        _count(placed, numbers),
        placed.before.subs(numbers),
        placed.after.subs(numbers),
    )


class _Ingredients(NamedTuple):
    """What a layer is made of, in exact numbers."""

    source: Activation | AtomicLaw
    variance: sp.Expr
    parameters: tuple[tuple[sp.Symbol, sp.Expr], ...]
    weights: sp.Expr
    before: sp.Expr
    after: sp.Expr
    layers: int


def _ingredients(placed: PlacedLayer, numbers: Mapping[sp.Symbol, sp.Expr]) -> _Ingredients:
    """Put numbers into one layer, whatever its φ."""
    layer = placed.layer
    exact_ones = (layer.s_weights, placed.before, placed.after, layer.q)
    weights, before, after, variance = (e.subs(numbers) for e in exact_ones)
    needed = {s.name for e in (weights, before, after) for s in e.free_symbols - {z}}
    source: Activation | AtomicLaw
    own = dict(numbers)
    if isinstance(layer.law, AtomicLaw):
        source = layer.law
    elif layer.phi is None:
        raise NoClosedForm("the density", f"only the moments of D² of {layer.law.name} are known")
    else:
        source = layer.phi
        own = {s: v for s, v in numbers.items() if s in layer.phi.parameters}
        needed |= {s.name for s in variance.free_symbols}
    if needed:
        raise DomainError(f"give a value for {', '.join(sorted(needed))} to evaluate the density")
    parameters = tuple(sorted(own.items(), key=lambda item: item[0].name))
    count = _count(placed, numbers)
    return _Ingredients(source, variance, parameters, weights, before, after, count)


@lru_cache(maxsize=32)
def _smooth(layers: tuple[_Ingredients, ...], digits: int) -> SmoothProduct | SlopeDensity:
    """The same for layers of any φ; of one layer with orthogonal weights the law is that of D²."""
    (only, *more) = layers
    is_one = not more and only.layers == 1 and not only.weights.free_symbols
    if is_one and isinstance(only.source, Activation):
        values = dict(only.parameters)
        return SlopeDensity(only.source, only.variance, 1 / only.weights, values, digits)
    blocks = []
    with mp.workdps(digits + GUARD):
        for layer in layers:
            values = dict(layer.parameters)
            if isinstance(layer.source, AtomicLaw):
                known = {**values, variance_symbol: layer.variance}
                table = atomic_table(layer.source, known)
            else:
                table = slope_table(layer.source, layer.variance, values)
            sizes = (finite("a width", layer.before), finite("a width", layer.after))
            blocks.append(LayerBlock((table,), layer.weights, mp.zero, layer.layers, *sizes))
        return SmoothProduct(blocks, digits)


def _admitted(symbol: sp.Symbol, value: Number) -> sp.Expr:
    """Make an exact number for a symbol, and refuse one that contradicts its assumptions."""
    number = exact(str(symbol), value)
    if not number.is_number or number.is_finite is False or not number.is_real:
        raise DomainError(f"{symbol} must be a finite real number, not {value}")
    if symbol.is_positive and not number.is_positive:
        raise DomainError(f"{symbol} must be positive, not {value}")
    return rational(str(symbol), number)
