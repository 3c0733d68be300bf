"""Residual networks of finite depth, without the 1/L approximation.

J = Π_l (a + Dˡ_k Wˡ_k … Dˡ_1 Wˡ_1), W biunitarily invariant, so that S_{JJᵀ} is the product of the
exact one-layer transforms. Unlike the limit L → ∞ it depends on φ through every μ_k, and on the
weight ensemble.

>>> from freejac.symbolic.derivative_law import bernoulli
>>> from freejac.symbolic.symbols import depth
>>> FiniteResNet((bernoulli(),), depth).moment(1)
(1 + p*sigma_w**2/L)**L
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, cached_property
from typing import Any

import sympy as sp
from mpmath import mp

from freejac.symbolic.activation import Activation
from freejac.symbolic.derivative_law import AtomicLaw, DerivativeLaw, derivative_law
from freejac.symbolic.domain import Number, at_each, exact, finite
from freejac.symbolic.ensembles import Ensemble, gaussian
from freejac.symbolic.errors import DomainError, NoClosedForm
from freejac.symbolic.few_variances import few_variances
from freejac.symbolic.residual_block import Block
from freejac.symbolic.residual_edges import support
from freejac.symbolic.residual_layer import ResidualLayer
from freejac.symbolic.residual_product import GUARD, BlockProduct, positive
from freejac.symbolic.series import Series, lagrange_moments
from freejac.symbolic.shape import MomentsOfS
from freejac.symbolic.slope_nodes import SlopeTable, atomic_table, slope_table
from freejac.symbolic.symbols import q as variance_symbol
from freejac.symbolic.symbols import sigma_w as scale_symbol
from freejac.symbolic.symbols import z

__all__ = ["FiniteResNet"]

Variances = Number | Sequence[Number] | None
Interval = tuple[Any, Any]


class FiniteResNet(MomentsOfS):
    """The law of the eigenvalues of J Jᵀ for L residual blocks of equal form.

    Moments, variance, skewness and kurtosis are `freejac.symbolic.shape.MomentsOfS`'s.

    Attributes:
        sources: φ of each weight layer of a block, or the law of its D².
        depth: the number of blocks L, a positive integer or a symbol for one.
        ensemble: the weights; each matrix has scale σ_w, and a block carries one factor 1/L.
        layer: one block, exact.
    """

    def __init__(
        self,
        sources: Sequence[Activation | DerivativeLaw],
        depth: sp.Expr,
        weights: Ensemble | None = None,
        skip: sp.Expr = sp.S.One,
        gain: sp.Expr = sp.S.One,
    ) -> None:
        """Assemble the block.

        Args:
            sources: what the skip passes over, in any order.
            depth: L.
            weights: the ensemble; Gaussian unless given.
            skip: the skip weight a.
            gain: a factor in the variance of the block, as batch normalisation has: (γ/σ)².

        Raises:
            DomainError: L is not a positive integer, or a number is out of range.
        """
        if not (depth.is_integer and depth.is_positive):
            raise DomainError(f"the depth is a positive integer or a symbol for one, not {depth}")
        self.sources, self.depth = tuple(sources), depth
        self.ensemble = weights or gaussian()
        laws: dict[Any, DerivativeLaw] = {}
        for source in self.sources:
            laws.setdefault(source, derivative_law(source))
        block = tuple(laws[source] for source in self.sources)
        self._last: tuple[Any, tuple[BlockProduct, list[Interval]]] | None = None
        self.layer = ResidualLayer(block, self.ensemble, gain / depth, skip)

    def __repr__(self) -> str:
        names = ", ".join(law.name for law in self.layer.laws)
        return f"FiniteResNet({names}; {self.ensemble.name}, L={self.depth}, a={self.layer.skip})"

    @cached_property
    def s_transform(self) -> sp.Expr:
        """S_{JJᵀ} = S_lᴸ.

        Raises:
            NoClosedForm: S of a layer is a root of an equation of degree above two; its series
                is `layer.s_series`.
        """
        return self.layer.s_transform**self.depth

    def s_series(self, terms: int) -> Series:
        """S_{JJᵀ} to the given number of terms, exact in L."""
        return self.layer.s_series(terms).power(self.depth)

    @cached_property
    def mean(self) -> sp.Expr:
        """m_1 = (a² + s)ᴸ, s the mean squared singular value of a block."""
        return (self.layer.skip**2 + self.layer.mean_square) ** self.depth

    def normalised_series(self, terms: int) -> tuple[Series, dict[sp.Symbol, sp.Expr]]:
        """Expand S(z)/S(0), in symbols, and say what each symbol stands for."""
        series, values = self.layer.stand_in_s_series(terms)
        return series.monic().power(self.depth), values

    def moment(self, k: int) -> sp.Expr:
        """m_k of the eigenvalues of J Jᵀ, by Lagrange inversion; exact in L, a, σ_w and the μ_k.

        Args:
            k: 0, 1, 2, …

        Raises:
            DomainError: k is negative or not an integer.

        >>> from freejac.symbolic.derivative_law import point_mass
        >>> FiniteResNet((point_mass(),), sp.Integer(1)).moment(2)       # 1 + 4s + 2s²
        2*sigma_w**4 + 4*sigma_w**2 + 1
        """
        wanted = k if isinstance(k, int) and k > 0 else 1
        series, values = self.layer.stand_in_s_series(wanted)
        found = lagrange_moments(series.power(self.depth), k)
        # at a numeric depth the moment is a polynomial, and is written as one
        found = sp.factor(sp.cancel(found)) if self.depth.is_Integer else found
        return found.xreplace(values)

    def atoms(self) -> tuple[tuple[sp.Expr, sp.Expr], ...]:
        """Find the atoms of the law of J Jᵀ: (location, mass).

        An atom of a free product stands at a product of atoms; with masses w_l it has mass
        Σ w_l − (L − 1) where that is positive. So one stands at a^{2L}, of mass 1 − 2LP(φ′ ≠ 0);
        without a skip connection, at 0.

        Raises:
            NoClosedForm: a law of D² is not a finite set of atoms.

        >>> from freejac.symbolic.derivative_law import bernoulli
        >>> FiniteResNet((bernoulli(sp.Rational(1, 10)),), sp.Integer(3)).atoms()
        ((1, 2/5),)
        """
        own = self.layer.atoms()
        if self.layer.skip == 0 or not own:
            return own
        excess = 1 - 2 * self.depth * (1 - self.layer.kernel)
        if excess.is_number and not excess.is_positive:
            return ()
        return ((self.layer.skip ** (2 * self.depth), sp.Max(0, excess)),)

    def density(
        self,
        lam: Number | Iterable[Number],
        *,
        q: Variances = None,
        sigma_w: Number = 1,
        parameters: Mapping[sp.Symbol, Number] | None = None,
        digits: int = 15,
    ) -> float | list[float]:
        """Evaluate the density of the continuous part of the law of J Jᵀ.

        Args:
            lam: an eigenvalue, or a sequence of them.
            q: the variance of the pre-activations, one for all blocks or one for each; needed
                when the law of D² depends on it.
            sigma_w: the scale of the weights, positive.
            parameters: values of the activation's parameters, and of the other symbols.
            digits: correct digits aimed at, 5 to 100; the result is a float.

        Returns:
            ρ(λ): 0 outside the support. Atoms are not part of it; see `atoms`.

        Raises:
            DomainError: a value is missing or out of range.
            NotConvergedError: λ is an edge or an atom.

        >>> from freejac.symbolic.derivative_law import point_mass
        >>> network = FiniteResNet((point_mass(),), sp.Integer(1))
        >>> round(network.density(1.0), 10)          # G³ − 2G² + G − 1 = 0 at λ = 1
        0.2370968642
        """

        def evaluate(points: list[Number]) -> list[float]:
            values = [finite("lambda", value) for value in points]
            product, intervals = self.law(
                q=q, sigma_w=sigma_w, parameters=parameters, digits=digits
            )
            inside = sorted({t for t in values if any(a < t < b for a, b in intervals)})
            found = dict(zip(inside, product.density(inside), strict=True))
            return [float(found.get(t, mp.zero)) for t in values]

        with mp.workdps(digits + GUARD):
            return at_each(lam, evaluate)

    def support(
        self,
        *,
        q: Variances = None,
        sigma_w: Number = 1,
        parameters: Mapping[sp.Symbol, Number] | None = None,
        digits: int = 15,
    ) -> tuple[tuple[float, float], ...]:
        """Find the intervals of the continuous spectrum of J Jᵀ, numerically.

        Args and Raises: as for `density`.

        >>> from freejac.symbolic.derivative_law import point_mass
        >>> from freejac.symbolic.ensembles import orthogonal
        >>> network = FiniteResNet((point_mass(),), sp.Integer(1), orthogonal())
        >>> network.support(sigma_w=2)                             # |1 + 2 e^{iθ}|²
        ((1.0, 9.0),)
        """
        found = self.law(q=q, sigma_w=sigma_w, parameters=parameters, digits=digits)[1]
        return tuple((float(low), float(high)) for low, high in found)

    def edges(self, **arguments: Any) -> tuple[float, float]:
        """The ends of the continuous spectrum: the outermost of `support`, same arguments."""
        found = self.support(**arguments)
        return found[0][0], found[-1][1]

    def law(
        self,
        *,
        q: Variances = None,
        sigma_w: Number = 1,
        parameters: Mapping[sp.Symbol, Number] | None = None,
        digits: int = 15,
    ) -> tuple[BlockProduct, list[Interval]]:
        """The law in numbers, and its support; those of the last call are kept.

        Args and Raises: as for `density`.
        """
        given = parameters or {}
        each = tuple(q) if isinstance(q, Sequence) else q
        key = each, sigma_w, frozenset(given.items()), digits
        if self._last is None or self._last[0] != key:
            with mp.workdps(digits + GUARD):
                product = self.in_numbers(q, sigma_w, given, digits)
                self._last = key, (product, support(product))
        return self._last[1]

    def in_numbers(
        self,
        q: Variances,
        sigma_w: Number,
        parameters: Mapping[sp.Symbol, Number],
        digits: int,
    ) -> BlockProduct:
        """Put numbers in: the product of blocks that the density is evaluated from."""
        if not self.depth.is_Integer:
            raise DomainError("give the depth as a number to evaluate the density")
        if self.ensemble.s_transform is None:
            raise NoClosedForm("the density", f"S of {self.ensemble.name} weights is a series only")
        values = {s: exact(s.name, v) for s, v in parameters.items() if isinstance(s, sp.Symbol)}
        values[scale_symbol] = exact("sigma_w", sigma_w)
        positive("sigma_w", sigma_w)
        weights = self.ensemble.s_transform ** len(self.sources) / self.layer.share
        weights, skip = weights.subs(values), self.layer.skip.subs(values)
        missing = sorted(s.name for s in (weights.free_symbols | skip.free_symbols) - {z})
        if missing:
            raise DomainError(f"give a value for {', '.join(missing)} to evaluate the density")
        blocks = [
            Block(tables, weights, finite("the skip weight", skip), count)
            for tables, count in self._tables(q, values, parameters, digits)
        ]
        return BlockProduct(blocks, digits)

    def _tables(
        self,
        q: Variances,
        values: dict[sp.Symbol, sp.Expr],
        parameters: Mapping[Any, Number],
        digits: int,
    ) -> list[tuple[tuple[SlopeTable, ...], Any]]:
        """φ′² of the weight layers of every kind of block, and how many there are of it."""
        depth = int(self.depth)
        if isinstance(q, Sequence) and len(q) != depth:
            raise DomainError(f"give one variance for each of the {depth} blocks, not {len(q)}")
        given = Counter(q) if isinstance(q, Sequence) else Counter({q: depth})
        kinds: Counter[sp.Expr | None] = Counter()
        for value, count in given.items():
            variance = None if value is None else exact("q", value)
            if variance is not None:
                positive("the variance q", variance)
            kinds[variance] += count

        @cache
        def tables(variance: Any) -> tuple[SlopeTable, ...]:
            place = sp.Float(variance, mp.dps) if isinstance(variance, mp.mpf) else variance
            return tuple(
                self._table(law, source, place, values, parameters) for law, source in self._pairs
            )

        if len(kinds) == 1:
            return [(tables(kind), count) for kind, count in kinds.items()]
        numbers = {finite("the variance q", kind): count for kind, count in kinds.items()}
        return [(tables(v), count) for v, count in few_variances(numbers, tables, digits)]

    @property
    def _pairs(self) -> list[tuple[DerivativeLaw, Activation | DerivativeLaw]]:
        return list(zip(self.layer.laws, self.sources, strict=True))

    @staticmethod
    def _table(
        law: DerivativeLaw,
        source: Activation | DerivativeLaw,
        variance: sp.Expr | None,
        values: dict[sp.Symbol, sp.Expr],
        parameters: Mapping[Any, Number],
    ) -> SlopeTable:
        if isinstance(law, AtomicLaw):
            known = dict(source.defaults) if isinstance(source, Activation) else {}
            known |= values
            if variance is not None:
                known[variance_symbol] = variance
            return atomic_table(law, known)
        if not isinstance(source, Activation):
            raise NoClosedForm("the density", f"only the moments of D² of {law.name} are known")
        if variance is None:
            raise DomainError("give the variance q of the pre-activations to evaluate the density")
        own = {s: v for s, v in parameters.items() if s in source.parameters}
        return slope_table(source, variance, own)
