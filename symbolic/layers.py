"""Layers of a feed-forward network, each with its activation, width, σ_w, ensemble and variance.

With ν_l = N_l/N_0 the transform of JᵀJ in the N_0 × N_0 matrices is
    S_{JᵀJ}(z) = Π_l [ν_{l−1}/(σ_w² (ν_l + z)) · S_{D_l²}(z/ν_l)]
for Gaussian weights: a rectangular factor X of N_l × N_{l−1} shifts the variable from the trace
over N_{l−1} to that over N_l. A layer that keeps the width takes any ensemble.

>>> from freejac.symbolic.derivative_law import bernoulli
>>> hidden, last = place([Layer("linear", 600), Layer(bernoulli(), 1400)], 1000)
>>> hidden.s_transform, last.after
(5/(sigma_w**2*(5*z + 3)), 7/5)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import sympy as sp

from freejac.symbolic.activation import Activation, activation
from freejac.symbolic.derivative_law import DerivativeLaw, derivative_law
from freejac.symbolic.domain import Number, exact, layer_count, rational
from freejac.symbolic.ensembles import Ensemble, ensemble
from freejac.symbolic.errors import DomainError, NoClosedForm
from freejac.symbolic.symbols import q as variance_symbol
from freejac.symbolic.symbols import sigma_w as scale_symbol
from freejac.symbolic.symbols import z

__all__ = ["Atoms", "Layer", "PlacedLayer", "place"]

Atoms = tuple[tuple[sp.Expr, sp.Expr], ...]


class Layer:
    """One layer D W, or several equal ones in a row.

    Attributes:
        phi: the activation, or None where a law was given.
        law: the law of D² = φ′(h)², h ~ N(0, q).
        ensemble: the weight ensemble.
        width: the number of its units, or None for that of the layer before.
        sigma_w: the scale of the weights.
        q: the variance of the pre-activations.
        count: how many such layers follow each other.
        defaults: values for the parameters of the activation.

    >>> Layer("hard_tanh", sigma_w=2, q=1).mean
    4*erf(sqrt(2)/2)
    """

    def __init__(
        self,
        phi: str | sp.Expr | Activation | DerivativeLaw,
        width: Number | None = None,
        *,
        sigma_w: Number = scale_symbol,
        weights: str | Ensemble = "gaussian",
        q: Number = variance_symbol,
        count: int | sp.Expr = 1,
    ) -> None:
        """Resolve the ingredients.

        Args:
            phi: an activation (name, text, expression), or a law of D².
            width: a positive number or expression; only ratios of widths matter.
            sigma_w: positive number or expression: W_ij has variance σ_w²/N_in.
            weights: "gaussian", "orthogonal", or an `Ensemble`.
            q: positive number or expression.
            count: a positive integer, or a positive integer symbol.

        Raises:
            DomainError: a number is out of range, or φ′² has no law.
            UnknownNameError: the ensemble is not known.
        """
        source = phi if isinstance(phi, DerivativeLaw) else activation(phi)
        self.law = derivative_law(source)
        self.phi = source if isinstance(source, Activation) else None
        self.defaults = {} if self.phi is None else self.phi.defaults
        self.ensemble = ensemble(weights)
        self.width = None if width is None else _positive("the width of a layer", width)
        self.sigma_w = _positive("sigma_w", sigma_w)
        self.q = _positive("q", q)
        self.count = _count(count)

    def __repr__(self) -> str:
        size = "" if self.width is None else f", width={self.width}"
        return f"Layer({self.law.name}{size}, {self.ensemble.name}, count={self.count})"

    def at(self, expr: sp.Expr) -> sp.Expr:
        """Put this layer's σ_w and q into an expression in the symbols."""
        values = {scale_symbol: self.sigma_w, variance_symbol: self.q}
        return expr.subs({s: v for s, v in values.items() if s != v}, simultaneous=True)

    @cached_property
    def s_derivative(self) -> sp.Expr:
        """S_{D²}(z).

        Raises:
            NoClosedForm: it is known as a series only.
        """
        return self.at(self.law.s_transform)

    @cached_property
    def s_weights(self) -> sp.Expr:
        """S_{WWᵀ}(z), of square weights.

        Raises:
            NoClosedForm: it is known as a series only.
        """
        if self.ensemble.s_transform is None:
            raise NoClosedForm("S of the weights", f"{self.ensemble.name}: a series only")
        return self.at(self.ensemble.s_transform)

    @cached_property
    def s_transform(self) -> sp.Expr:
        """S_{D²}(z) S_{WWᵀ}(z), of a square layer.

        Raises:
            NoClosedForm: one of the factors is known as a series only.
        """
        product = self.s_weights * self.s_derivative
        return sp.factor(product) if product.is_rational_function(z) else sp.together(product)

    @cached_property
    def mean(self) -> sp.Expr:
        """χ = σ_w² μ_1, the mean squared singular value of a square layer."""
        return self.at(self.law.moment(1) / self.ensemble.leading)

    @property
    def positive_atoms(self) -> Atoms:
        """(value, probability) of the atoms of D² away from 0.

        Raises:
            NoClosedForm: only the moments of D² are known.
        """
        return tuple((self.at(a), self.at(mass)) for a, mass in self.law.positive_atoms)

    @property
    def mass_at_zero(self) -> sp.Expr:
        """The probability that φ′ = 0.

        Raises:
            NoClosedForm: only the moments of D² are known.
        """
        return self.at(self.law.mass_at_zero)


@dataclass(frozen=True)
class PlacedLayer:
    """A layer between its widths, which are counted in widths of the input.

    Attributes:
        layer: the layer.
        before: ν_{l−1} = N_{l−1}/N_0.
        after: ν_l = N_l/N_0.
        count: how many such layers follow each other.
    """

    layer: Layer
    before: sp.Expr
    after: sp.Expr
    count: sp.Expr

    @property
    def s_transform(self) -> sp.Expr:
        """The factor of S_{JᵀJ} of one such layer: (ν_{l−1}/ν_l) S(z/ν_l).

        Raises:
            NoClosedForm: as for `Layer.s_transform`.
        """
        if self.before == self.after == 1:
            return self.layer.s_transform
        moved = (self.before / self.after) * self.layer.s_transform.subs(z, z / self.after)
        return sp.factor(moved) if moved.is_rational_function(z) else sp.together(moved)

    @property
    def s_power(self) -> sp.Expr:
        """The factor of S_{JᵀJ} of all such layers.

        Raises:
            NoClosedForm: as for `Layer.s_transform`.
        """
        numerator, denominator = sp.fraction(self.s_transform)
        if not numerator.has(z):  # a fraction without z above reads better as a negative power
            return (denominator / numerator) ** (-self.count)
        return numerator**self.count * denominator ** (-self.count)

    @property
    def mean(self) -> sp.Expr:
        """What one such layer multiplies tr(JᵀJ)/N_0 by: χ ν_l/ν_{l−1}."""
        return self.layer.mean * self.after / self.before


def place(layers: Sequence[Layer], input_width: Number | None = None) -> tuple[PlacedLayer, ...]:
    """Put layers one after another.

    Args:
        layers: from the input to the output, at least one.
        input_width: N_0; needed when a layer has a width.

    Returns:
        The layers with their width ratios; of several equal layers that begin with a change of
        width the first one stands apart.

    Raises:
        DomainError: there is no layer, the input width is missing, or weights that have to be
            square are not.

    >>> place([Layer("relu", 200, weights="orthogonal")], 100)
    Traceback (most recent call last):
        ...
    freejac.symbolic.errors.DomainError: layer 1 goes from width 100 to 200: orthogonal weights \
are square here; keep the width or take weights="gaussian"
    """
    if not layers or not all(isinstance(layer, Layer) for layer in layers):
        raise DomainError(f"layers is a sequence of one or more Layer(…), not {layers!r}")
    if input_width is None and any(layer.width is not None for layer in layers):
        raise DomainError("layers with a width need input_width, the width of the network's input")
    origin = sp.S.One if input_width is None else _positive("input_width", input_width)
    placed: list[PlacedLayer] = []
    width = origin
    for number, layer in enumerate(layers, start=1):
        wide = width if layer.width is None else layer.width
        before, after = sp.cancel(width / origin), sp.cancel(wide / origin)
        count = layer.count
        if before != after:
            if not layer.ensemble.rectangular:
                raise DomainError(
                    f"layer {number} goes from width {width} to {wide}: {layer.ensemble.name} "
                    'weights are square here; keep the width or take weights="gaussian"'
                )
            placed.append(PlacedLayer(layer, before, after, sp.S.One))
            count -= 1
        if count != 0:
            placed.append(PlacedLayer(layer, after, after, count))
        width = wide
    return tuple(placed)


def _positive(name: str, value: Number) -> sp.Expr:
    number = rational(name, exact(name, value))
    if number.is_finite is False or number.is_positive is False or number is sp.nan:
        raise DomainError(f"{name} must be positive and finite, not {value}")
    if number.is_positive is None:
        raise DomainError(f"{name} must be positive: declare the symbols of {value} positive")
    return number


def _count(depth: int | sp.Expr) -> sp.Expr:
    """Accept a positive integer, or a symbol declared one."""
    if isinstance(depth, sp.Expr) and not depth.is_Number:
        if depth.is_integer and depth.is_positive:
            return depth
        raise DomainError(f"the depth is a positive integer or freejac.depth, not {depth}")
    return sp.Integer(layer_count(depth))
