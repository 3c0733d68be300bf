"""The Jacobian of placed layers in numbers: the density of JᵀJ, and its support."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any

import sympy as sp

from freejac.symbolic.density import LayerProduct
from freejac.symbolic.domain import Number, as_floats, at_each, layer_count
from freejac.symbolic.errors import DomainError
from freejac.symbolic.layer_values import bind
from freejac.symbolic.layers import Layer, PlacedLayer
from freejac.symbolic.slope_density import SlopeDensity
from freejac.symbolic.smooth_product import SmoothProduct
from freejac.symbolic.symbols import q as variance_symbol
from freejac.symbolic.symbols import sigma_w as scale_symbol

__all__ = ["LayersInNumbers"]


class LayersInNumbers(ABC):
    """A product of layers whose symbols may be given numbers.

    Attributes:
        layers: the layers, from the input to the output.
        factors: the same with their widths in units of the input's.
    """

    layers: tuple[Layer, ...]
    factors: tuple[PlacedLayer, ...]

    @property
    @abstractmethod
    def depth(self) -> sp.Expr:
        """The number of layers."""

    def density(
        self,
        lam: Number | Iterable[Number],
        *,
        q: Number | None = None,
        sigma_w: Number = 1,
        depth: int | None = None,
        parameters: Mapping[sp.Symbol, Number] | None = None,
        digits: int = 15,
    ) -> Any:
        """Evaluate the density of the continuous part of the law of JᵀJ, numerically.

        Args:
            lam: an eigenvalue, or a sequence of them; the density is 0 outside the support. At 0
                it is infinite where it grows towards 0.
            q: the variance of the pre-activations, positive; needed when the law of D² has it.
            sigma_w: the scale of the weights, positive.
            depth: the number of layers, when this Jacobian has the symbol.
            parameters: values of the activation's parameters, for those without a default, or
                of p, or of symbols among widths, variances and scales of layers.
            digits: correct digits aimed at, 5 to 1000; to 100 where a φ is not piecewise linear.

        Returns:
            A number, or a list as long as the sequence: floats up to 15 digits, mpmath numbers
            beyond. Atoms are not part of it: see `atoms`.

        Raises:
            NoClosedForm: of a D² nothing but moments is known.
            DomainError: a value is missing or out of range.
            NotConvergedError: the continuation did not reach λ, as at a singular point.

        >>> from freejac.symbolic.jacobian import Jacobian
        >>> round(Jacobian("tanh", "orthogonal", depth=10).density(0.5, q=1, sigma_w=1.4), 6)
        0.161438
        >>> J = Jacobian("linear", depth=1)              # Marchenko–Pastur: √(λ(4−λ))/(2πλ)
        >>> round(J.density(2, q=1, sigma_w=1) * 6.283185307179586, 12)
        1.0
        """
        curve = self.layer_product(
            q=q, sigma_w=sigma_w, depth=depth, parameters=parameters, digits=digits
        )
        return at_each(lam, lambda points: as_floats(curve.density(points), digits))

    def support(
        self,
        *,
        q: Number | None = None,
        sigma_w: Number = 1,
        depth: int | None = None,
        parameters: Mapping[sp.Symbol, Number] | None = None,
        digits: int = 15,
    ) -> tuple[tuple[Any, Any], ...]:
        """Find the intervals of the continuous spectrum of JᵀJ, numerically, ascending.

        Arguments and errors are those of `density`. Where a φ is not piecewise linear the answer
        is one interval, from the lowest to the highest eigenvalue: the ends of the law, which at
        small q lie far beyond where its mass is if φ′² is largest, or least, far from 0. For one
        layer of orthogonal weights it is cut where the density of φ′(h)² is singular.

        >>> from freejac.symbolic.jacobian import Jacobian
        >>> Jacobian("linear", depth=2).support()                  # 27/4
        ((0.0, 6.75),)
        """
        curve = self.layer_product(
            q=q, sigma_w=sigma_w, depth=depth, parameters=parameters, digits=digits
        )
        return tuple(
            (low, high) for low, high in (as_floats([*ends], digits) for ends in curve.support)
        )

    def layer_product(
        self,
        *,
        q: Number | None = None,
        sigma_w: Number = 1,
        depth: int | None = None,
        parameters: Mapping[sp.Symbol, Number] | None = None,
        digits: int = 15,
    ) -> LayerProduct | SmoothProduct | SlopeDensity:
        """Put numbers in: the numeric law behind `density`, with its support.

        Arguments and errors are those of `density`.
        """
        given = dict(parameters or {})
        if depth is not None:
            given |= self._depth_value(depth)
        values = {s: v for layer in self.layers for s, v in layer.defaults.items()}
        values |= given | {scale_symbol: sigma_w}
        if q is not None:
            values[variance_symbol] = q
        return bind(self.factors, values, digits)

    def _depth_value(self, depth: int) -> dict[sp.Symbol, Number]:
        """The symbol for the number of layers, and its value."""
        counts = {s for layer in self.layers for s in layer.count.free_symbols}
        number = layer_count(depth)
        if len(counts) == 1:
            return {counts.pop(): number}
        if self.depth != number:
            raise DomainError(f"give depth a positive integer equal to that of {self!r}")
        return {}
