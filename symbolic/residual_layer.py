"""One residual layer Y = a + X exactly: its S-transform, moments, equation and atoms.

X = D_k W_k … D_1 W_1 is the block that the skip connection passes over: one weight layer, or
several. Products of free R-diagonal variables multiply S_{XXᵀ}, so a block differs from one layer
only in S_{XXᵀ}; everything else follows from the relation (m − y)(1 + m − y) = a² w.

>>> from freejac.symbolic.derivative_law import bernoulli
>>> layer = ResidualLayer((bernoulli(),))
>>> layer.moment(1), sp.expand(layer.moment(2))
(p*sigma_w**2 + 1, p**2*sigma_w**4 + p*sigma_w**4 + 4*p*sigma_w**2 + 1)
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property

import sympy as sp

from freejac.symbolic.derivative_law import (
    AtomicLaw,
    DerivativeLaw,
    StandIns,
    s_series_from_moments,
)
from freejac.symbolic.determining_series import (
    determining_expr,
    determining_series,
    s_series_from_determining,
    vanishing_root,
)
from freejac.symbolic.elimination import eliminated, true_factor
from freejac.symbolic.ensembles import Ensemble, gaussian
from freejac.symbolic.errors import DomainError, NoClosedForm
from freejac.symbolic.schwinger_dyson import (
    alternating,
    haar_determining,
    layer_relation,
    point_symbol,
    skip_symbol,
    stieltjes_symbol,
)
from freejac.symbolic.series import Series, from_expr, lagrange_moments
from freejac.symbolic.symbols import z

__all__ = ["ResidualLayer"]

Atoms = tuple[tuple[sp.Expr, sp.Expr], ...]


@dataclass(frozen=True)
class ResidualLayer:
    """The law of Y Yᵀ for Y = a + √share · D_k W_k … D_1 W_1.

    Attributes:
        laws: the law of each D_j², at least one.
        ensemble: the weights, of scale σ_w each.
        share: the factor in the variance of X that is not in the weights: 1/L, say. Positive.
        skip: the weight a of the skip connection, real; 0 for a feed-forward layer.

    >>> from freejac.symbolic.derivative_law import point_mass
    >>> ResidualLayer((point_mass(),)).green_polynomial            # circular X, a = 1
    G**3*sigma_w**4*z - 2*G**2*sigma_w**2*z + G*sigma_w**2 + G*z - G - 1
    """

    laws: tuple[DerivativeLaw, ...]
    ensemble: Ensemble = field(default_factory=gaussian)
    share: sp.Expr = sp.S.One
    skip: sp.Expr = sp.S.One

    def __post_init__(self) -> None:
        """Refuse an empty block, and numbers out of range."""
        if not self.laws:
            raise DomainError("a residual block needs at least one layer")
        if self.share.is_positive is False:
            raise DomainError(f"the share of the variance must be positive, not {self.share}")
        if self.skip.is_real is False or self.skip.is_finite is False or self.skip is sp.nan:
            raise DomainError(f"the skip weight is a finite real number, not {self.skip}")

    @cached_property
    def mean_square(self) -> sp.Expr:
        """The mean squared singular value of X.

        >>> from freejac.symbolic.derivative_law import bernoulli
        >>> ResidualLayer((bernoulli(), bernoulli())).mean_square
        p**2*sigma_w**4
        """
        means = sp.Mul(*(law.moment(1) / self.ensemble.leading for law in self.laws))
        return self.share * means

    @cached_property
    def block_s_transform(self) -> sp.Expr:
        """S_{XXᵀ} = Π S_{D_j²} S_{WWᵀ}/share.

        Raises:
            NoClosedForm: one of the factors is known as a series only.
        """
        if self.ensemble.s_transform is None:
            raise NoClosedForm("S of the weights", f"{self.ensemble.name}: a series only")
        product = sp.Mul(*(law.s_transform * self.ensemble.s_transform for law in self.laws))
        return sp.factor(product / self.share)

    def stand_in_block_series(self, terms: int) -> tuple[Series, StandIns]:
        """Expand S_{XXᵀ} in plain symbols, and say what each symbol stands for.

        Algebra on series is done with the symbols: those of `DerivativeLaw.stand_in_moments`, and
        one for the scale of the weights and of the share.
        """
        values: StandIns = {}
        weights = self.ensemble.s_series(terms)
        block = Series(sp.S.One, 0, weights.unit).power(len(self.laws))
        scale = self.share * weights.leading ** (-len(self.laws))
        for law, count in Counter(self.laws).items():
            moments, names = law.stand_in_moments(terms)
            values |= names
            # a rational mean goes to the scale, where it cancels nothing later
            mean = moments[0] if moments[0].is_Rational else sp.S.One
            scale *= mean**count
            block *= s_series_from_moments(moments).scale(mean).power(count)
        if not scale.is_Rational:
            name = sp.Dummy("s", positive=True)
            values[name], scale = scale, name
        return block.scale(1 / scale), values

    def stand_in_s_series(self, terms: int) -> tuple[Series, StandIns]:
        """Expand S_{YYᵀ} likewise: the determining series of X and of the skip are added."""
        block, values = self.stand_in_block_series(terms)
        total = determining_series(block)
        if self.skip != 0:
            total += from_expr(haar_determining().subs(skip_symbol, self.skip), z, terms)
        return s_series_from_determining(total), values

    def s_series(self, terms: int) -> Series:
        """S_{YYᵀ} to the given number of terms.

        >>> from freejac.symbolic.derivative_law import point_mass
        >>> ResidualLayer((point_mass(),), share=sp.Rational(1, 4)).s_series(1).leading
        4/(sigma_w**2 + 4)
        """
        series, values = self.stand_in_s_series(terms)
        coefficients = [sp.cancel(c.xreplace(values)) for c in series.coefficients]
        return Series.of(coefficients)

    def moment(self, k: int) -> sp.Expr:
        """m_k of the eigenvalues of Y Yᵀ, k ≥ 0."""
        series, values = self.stand_in_s_series(max(1, k) if isinstance(k, int) else 1)
        return lagrange_moments(series, k).xreplace(values)

    @cached_property
    def s_transform(self) -> sp.Expr:
        """S_{YYᵀ}(z), where the equation for it is quadratic: φ linear.

        With C(w) = y and (m − y)(1 + m − y) = a² w = a² y(1+y)S_{XXᵀ}(y), S = w/(m(1+m)).

        Raises:
            NoClosedForm: S is a root of an equation of higher degree; `s_series` expands it.

        >>> from freejac.symbolic.derivative_law import point_mass
        >>> from freejac.symbolic.ensembles import orthogonal
        >>> lagrange_moments(ResidualLayer((point_mass(),), orthogonal()).s_transform, 1)
        sigma_w**2 + 1
        """
        block = self.block_s_transform.subs(z, alternating)
        if not block.is_rational_function(alternating):
            raise NoClosedForm("S of a residual layer", "S of its block is not rational")
        point = alternating * (1 + alternating) * block
        relation = layer_relation()
        equation = (relation.lhs - relation.rhs).subs(skip_symbol, self.skip)
        numerator = sp.fraction(sp.cancel(sp.together(equation.subs(point_symbol, point))))[0]
        slope = self.mean_square / (self.skip**2 + self.mean_square)
        inner = vanishing_root(sp.Poly(numerator, alternating), z, slope, "S of a residual layer")
        return sp.factor(sp.together(point.subs(alternating, inner) / (z * (1 + z))))

    @cached_property
    def determining(self) -> sp.Expr:
        """The determining series C(w) = w A(w) of X in closed form, w written z.

        Raises:
            NoClosedForm: S_{XXᵀ} is not rational, or the equation is of degree above two.

        >>> from freejac.symbolic.derivative_law import point_mass
        >>> ResidualLayer((point_mass(),)).determining
        sigma_w**2*z
        """
        return determining_expr(self.block_s_transform)

    @cached_property
    def block_polynomial(self) -> sp.Expr:
        """The polynomial in y and w that C(w) = y satisfies, for atomic laws of D².

        Each law enters through κ_j = 1/M⁻¹(y): w = (1+y)^{k+1} y^{1−k} Π κ_j S_{WWᵀ}.

        Raises:
            NoClosedForm: a law of D² is not a finite set of atoms, or S of the weights is not
                rational.

        >>> from freejac.symbolic.derivative_law import bernoulli
        >>> ResidualLayer((bernoulli(),)).block_polynomial
        p*sigma_w**2*w + sigma_w**2*w*y - y**2 - y
        """
        weights = self.ensemble.s_transform
        if weights is None or not weights.is_rational_function(z):
            raise NoClosedForm("the equation of the layer", f"S of {self.ensemble.name} weights")
        y, count = alternating, len(self.laws)
        inverses = [sp.Dummy(f"kappa_{j}") for j in range(count)]
        point = (1 + y) ** (count + 1) * y ** (1 - count) * sp.Mul(*inverses)
        point *= weights.subs(z, y) ** count / self.share
        equation = sp.fraction(sp.cancel(sp.together(point_symbol - point)))[0]
        for law, inverse in zip(self.laws, inverses, strict=True):
            if not isinstance(law, AtomicLaw):
                raise NoClosedForm("the equation of the layer", f"D² of {law.name} is not atomic")
            other = sp.fraction(sp.together(y - law.mgf.subs(z, 1 / inverse)))[0]
            equation = eliminated(equation, other, inverse, keep=(point_symbol,))
        start = alternating / self.mean_square
        return true_factor(equation, alternating, point_symbol, start)

    @cached_property
    def green_polynomial(self) -> sp.Expr:
        """The polynomial in z and G that the Green's function of Y Yᵀ satisfies.

        Raises:
            NoClosedForm: as for `block_polynomial`.
        """
        relation = layer_relation()
        condition = sp.expand((relation.lhs - relation.rhs).subs(skip_symbol, self.skip))
        both = eliminated(self.block_polynomial, condition, alternating, keep=(point_symbol, z))
        green = stieltjes_symbol
        values = {point_symbol: z * green**2, z: z * green - 1}
        equation = sp.expand(both.subs(values, simultaneous=True))
        inverse = sp.Dummy("t")
        start = sp.Add(*(self.moment(k) * inverse ** (k + 1) for k in range(4)))
        polynomial = sp.numer(sp.together(equation.subs(z, 1 / inverse)))
        factor = true_factor(polynomial, inverse, green, start)
        return sp.expand(sp.fraction(sp.together(factor.subs(inverse, 1 / z)))[0])

    @cached_property
    def kernel(self) -> sp.Expr:
        """The share of the kernel of X: the largest probability that a φ′ of the block vanishes.

        Raises:
            NoClosedForm: only the moments of a D² are known.
        """
        return sp.Max(*(law.mass_at_zero for law in self.laws))

    def atoms(self) -> Atoms:
        """Find the atoms of the law of Y Yᵀ: (location, mass).

        Symmetrised singular values of free R-diagonal variables add freely; those of aU are ±a, of
        mass ½ each, so an atom of the sum needs one of X of mass above ½: the kernel of X. It
        leaves one at a², of mass 1 − 2P(φ′ ≠ 0) where that is positive.

        Raises:
            NoClosedForm: a law of D² is not a finite set of atoms.

        Source: Bercovici and Voiculescu (1998) on atoms of sums; Haagerup and Schultz (2007)
            on symmetrised singular values.

        >>> from freejac.symbolic.derivative_law import bernoulli
        >>> ResidualLayer((bernoulli(sp.Rational(1, 10)),), skip=sp.Integer(2)).atoms()
        ((4, 4/5),)
        """
        mass = self.kernel if self.skip == 0 else sp.Max(0, 2 * self.kernel - 1)
        return ((self.skip**2, mass),) if mass != 0 else ()
