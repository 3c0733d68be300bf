"""The input-output Jacobian J = Π Dˡ Wˡ of a feed-forward network: the law of J Jᵀ.

S_{JJᵀ} = (S_{D²} S_{WWᵀ})ᴸ, M⁻¹(z) = (1+z)/(z S(z)), and every moment by Lagrange inversion, with
the depth, the probabilities and σ_w symbolic.

>>> from freejac.symbolic.derivative_law import bernoulli
>>> J = Jacobian(bernoulli())
>>> J.s_transform, J.moment(2), J.variance_at_criticality
((sigma_w**2*(p + z))**(-L), (p*sigma_w**2)**(2*L)*(L + p)/p, L/p)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property, lru_cache

import sympy as sp

from freejac.symbolic.activation import Activation, activation
from freejac.symbolic.density import LayerProduct
from freejac.symbolic.derivative_law import (
    AtomicLaw,
    DerivativeLaw,
    derivative_law,
    s_series_from_moments,
)
from freejac.symbolic.domain import Number, exact, layer_count
from freejac.symbolic.ensembles import Ensemble, ensemble
from freejac.symbolic.errors import DomainError, NoClosedForm
from freejac.symbolic.series import Series, lagrange_moments, readable
from freejac.symbolic.symbols import depth as symbolic_depth
from freejac.symbolic.symbols import q as variance_symbol
from freejac.symbolic.symbols import sigma_w as scale_symbol
from freejac.symbolic.symbols import z

__all__ = ["Jacobian"]

_DEEPEST = 4000


class Jacobian:
    """The law of the eigenvalues of J Jᵀ for L equal, square, wide layers.

    Attributes:
        law: the law of D² = φ′(h)², h ~ N(0, q).
        ensemble: the weight ensemble.
        depth: the number of layers L, a positive integer or the symbol.

    Source: Pennington, Schoenholz and Ganguli, "Resurrecting the sigmoid in deep learning
        through dynamical isometry", eqs. (12)–(24).

    >>> from freejac.symbolic.derivative_law import bernoulli
    >>> Jacobian(bernoulli(), weights="orthogonal").variance_at_criticality
    L*(1 - p)/p
    """

    def __init__(
        self,
        phi: str | sp.Expr | Activation | DerivativeLaw,
        weights: str | Ensemble = "gaussian",
        depth: int | sp.Expr = symbolic_depth,
    ) -> None:
        """Resolve the three ingredients.

        Args:
            phi: an activation (name, text, expression), or a law of D².
            weights: "gaussian", "orthogonal", or an `Ensemble`.
            depth: the number of layers, a positive integer, or a positive integer symbol.

        Raises:
            DomainError: the depth is not a positive integer, or φ′² has no law.
            UnknownNameError: the ensemble is not known.
        """
        source = phi if isinstance(phi, DerivativeLaw) else activation(phi)
        self.law = derivative_law(source)
        self._defaults = source.defaults if isinstance(source, Activation) else {}
        self.ensemble = ensemble(weights)
        self.depth = _checked_depth(depth)

    def __repr__(self) -> str:
        return f"Jacobian({self.law.name}, {self.ensemble.name}, depth={self.depth})"

    @cached_property
    def layer_s_transform(self) -> sp.Expr:
        """S_{D²}(z) S_{WWᵀ}(z) of one layer.

        Raises:
            NoClosedForm: one of the factors is known as a series only.
        """
        if self.ensemble.s_transform is None:
            raise NoClosedForm("S of the weights", f"{self.ensemble.name}: a series only")
        product = self.law.s_transform * self.ensemble.s_transform
        return sp.factor(product) if product.is_rational_function(z) else sp.together(product)

    @property
    def s_transform(self) -> sp.Expr:
        """S_{JJᵀ}(z) = (S_{D²} S_{WWᵀ})ᴸ.

        Raises:
            NoClosedForm: as for `layer_s_transform`.
        """
        numerator, denominator = sp.fraction(self.layer_s_transform)
        if not numerator.has(z):
            return (denominator / numerator) ** (-self.depth)
        return numerator**self.depth * denominator ** (-self.depth)

    @property
    def inverse_mgf(self) -> sp.Expr:
        """M⁻¹(z) = (1+z)/(z S(z)): the eigenvalue λ as a function of m = M(λ).

        >>> from freejac.symbolic.derivative_law import bernoulli
        >>> Jacobian(bernoulli()).inverse_mgf
        (sigma_w**2*(p + z))**L*(z + 1)/z
        """
        return (1 + z) / (z * self.s_transform)

    @cached_property
    def mean(self) -> sp.Expr:
        """m_1 = χᴸ = (σ_w² μ_1)ᴸ.

        Raises:
            DomainError: the depth is a number so large that exact powers are out of reach.
        """
        if self.depth.is_Integer and self.depth > _DEEPEST:
            raise DomainError(
                f"exact moments at depth {self.depth} have too many digits; keep the symbol "
                "freejac.depth, or use the kernels in freejac.generated.jacobian_moments"
            )
        return (self.law.moment(1) / self.ensemble.leading) ** self.depth

    def moment(self, k: int) -> sp.Expr:
        """m_k = E[λᵏ] over the eigenvalues of J Jᵀ.

        Args:
            k: 0, 1, 2, …

        Returns:
            m_1^k times a polynomial in the depth; exact in q for an activation.

        Raises:
            DomainError: k is negative, or the ensemble knows too few coefficients of S.

        Source: m_k = (1/k) [z^{k−1}] ((1+z)/S)^k.

        >>> from freejac.symbolic.derivative_law import general_law
        >>> Jacobian(general_law(), "orthogonal").moment(2)
        (mu_1*sigma_w**2)**(2*L)*(L*(-1 + mu_2/mu_1**2) + 1)
        """
        ratio = self._ratio(k)
        return self.mean**k * ratio

    @property
    def variance(self) -> sp.Expr:
        """m_2 − m_1², the variance of the eigenvalues of J Jᵀ."""
        return self.mean**2 * self._ratio(2, centred=True)

    @property
    def variance_at_criticality(self) -> sp.Expr:
        """The variance at χ = 1, where σ_w² = 1/μ_1 and the mean is 1.

        >>> from freejac.symbolic.derivative_law import general_law
        >>> Jacobian(general_law(), "orthogonal").variance_at_criticality
        L*(-1 + mu_2/mu_1**2)
        """
        critical = 1 / sp.sqrt(self.law.moment(1))
        return self._ratio(2, centred=True).subs(scale_symbol, critical)

    def _ratio(self, k: int, centred: bool = False) -> sp.Expr:
        """m_k/m_1^k, less one when centred; m_1 cancels, so S is normalised to S(0) = 1."""
        if isinstance(k, bool) or not isinstance(k, int) or k < 0:
            raise DomainError(f"the order of a moment is 0, 1, 2, …, not {k}")
        if k == 0:
            return sp.S.One
        moments, values = self.law.stand_in_moments(k)
        layer = s_series_from_moments(moments) * self.ensemble.s_series(k)
        product = Series(sp.S.One, 0, layer.unit).power(self.depth)
        ratio = lagrange_moments(product, k)
        return (readable(ratio - 1) if centred else ratio).xreplace(values)

    def edges(self) -> tuple[sp.Expr, ...]:
        """Find the ends of the continuous spectrum, ascending; none when there are only atoms.

        The edges are real critical points of λ(m) = M⁻¹(m). From λ = +∞ (m = 0⁺) downwards m
        grows until dλ/dm = 0 at the upper edge; where orthogonal weights leave an atom at the
        top, m passes through infinity, and the same root is then below −1. From λ = 0⁻ the
        inverse has an L-fold zero at m = −P(φ′ ≠ 0), so the spectrum starts at 0, but for one
        Gaussian layer, where it is simple and m goes on to the lower critical point. With a
        symbolic depth, orthogonal weights are understood with L ≥ 2.

        Returns:
            (lower, upper), or ().

        Raises:
            NoClosedForm: φ′² has more than one nonzero value, or the weights are neither Gaussian
                nor orthogonal.

        >>> from freejac.symbolic.derivative_law import bernoulli
        >>> Jacobian(bernoulli(), "orthogonal", depth=2).edges()
        (0, 4*p*sigma_w**4*(1 - p))
        """
        law = self._bernoulli("the edges")
        if self.ensemble.atoms is None or self.ensemble.s_transform is None:
            raise NoClosedForm("the edges", f"weights {self.ensemble.name}: solve M⁻¹′ = 0 instead")
        slope = 1 / (1 + z) - 1 / z - self.depth * sp.diff(sp.log(self.layer_s_transform), z)
        condition = sp.Poly(sp.fraction(sp.cancel(sp.together(slope)))[0], z)
        if condition.degree() == 0:
            return ()
        upper, lower = _critical_points(condition)
        if lower is None:
            return (sp.S.Zero, self._eigenvalue(upper))
        single = self._eigenvalue(lower)
        if law.mass_at_zero == 0 or (self.depth - 1).is_positive:
            return (sp.S.Zero, self._eigenvalue(upper))
        if self.depth == 1:
            return (single, self._eigenvalue(upper))
        single = sp.simplify(single.subs(self.depth, 1))
        start = sp.Piecewise((single, sp.Eq(self.depth, 1)), (0, True))
        return (start, self._eigenvalue(upper))

    def _eigenvalue(self, m: sp.Expr) -> sp.Expr:
        """λ(m), each factor simplified by itself."""
        front = readable(sp.radsimp(sp.cancel((1 + m) / m)))
        layer = sp.factor(sp.cancel((1 / self.layer_s_transform).subs(z, m)))
        return front * layer**self.depth

    def _bernoulli(self, quantity: str) -> AtomicLaw:
        if not isinstance(self.law, AtomicLaw) or len(self.law.positive_atoms) != 1:
            raise NoClosedForm(quantity, f"φ′² of {self.law.name} has more than one nonzero value")
        return self.law

    def atoms(self) -> tuple[tuple[sp.Expr, sp.Expr], ...]:
        """Find the atoms of the law of J Jᵀ: (location, mass).

        At 0 stands the larger of the layers' masses at 0. Elsewhere a free product of laws
        has an atom only at a product of atoms, of mass Σ masses − (number of factors − 1) where
        that is positive; two different atoms of D² never add up to enough.

        Raises:
            NoClosedForm: the law of D² is not a finite set of atoms, or the atoms of the
                weights are not known.

        Source: Bercovici and Voiculescu, "Regularity questions for free convolution" (1998).

        >>> from freejac.symbolic.derivative_law import bernoulli
        >>> Jacobian(bernoulli(sp.Rational(9, 10)), "orthogonal", depth=4).atoms()
        ((0, 1/10), (sigma_w**8, 3/5))
        """
        if not isinstance(self.law, AtomicLaw):
            raise NoClosedForm(f"the atoms for {self.law.name}", "the law of D² is not atomic")
        if self.ensemble.atoms is None:
            raise NoClosedForm("the atoms", f"those of weights {self.ensemble.name} are not given")
        weights = dict(self.ensemble.atoms)
        at_zero = [self.law.mass_at_zero]
        if sp.S.Zero in weights:
            at_zero.append(weights.pop(sp.S.Zero))
        found = [(sp.S.Zero, sp.Max(*at_zero))]
        for location, mass in self.law.positive_atoms:
            for weight, share in weights.items():
                excess = 1 - self.depth * ((1 - mass) + (1 - share))
                found.append(((location * weight) ** self.depth, sp.Max(0, excess)))
        return tuple((location, mass) for location, mass in found if mass != 0)

    def density(
        self,
        lam: Number | Iterable[Number],
        *,
        q: Number | None = None,
        sigma_w: Number = 1,
        depth: int | None = None,
        parameters: Mapping[sp.Symbol, Number] | None = None,
        digits: int = 15,
    ) -> float | list[float]:
        """Evaluate the density of the continuous part of the law of J Jᵀ, numerically.

        Args:
            lam: an eigenvalue, or a sequence of them; the density is 0 outside the support,
                and infinite at 0 where the support starts there.
            q: the variance of the pre-activations, positive; needed when the law of D² has it.
            sigma_w: the scale of the weights, positive.
            depth: the number of layers, when this Jacobian has the symbol.
            parameters: values of the activation's parameters, for those without a default, or
                of p.
            digits: correct digits aimed at.

        Returns:
            A number, or a list as long as the sequence. Atoms are not part of it: see `atoms`.

        Raises:
            NoClosedForm: S of D² has no closed form.
            DomainError: a value is missing or out of range.
            NotConvergedError: the continuation did not reach λ.

        >>> J = Jacobian("linear", depth=1)              # Marchenko–Pastur: √(λ(4−λ))/(2πλ)
        >>> round(J.density(2, q=1, sigma_w=1) * 6.283185307179586, 12)
        1.0
        """
        curve = self.layer_product(
            q=q, sigma_w=sigma_w, depth=depth, parameters=parameters, digits=digits
        )
        if isinstance(lam, Iterable):
            return [float(value) for value in curve.density(list(lam))]
        return float(curve.density([lam])[0])

    def layer_product(
        self,
        *,
        q: Number | None = None,
        sigma_w: Number = 1,
        depth: int | None = None,
        parameters: Mapping[sp.Symbol, Number] | None = None,
        digits: int = 15,
    ) -> LayerProduct:
        """Put numbers in: the numeric law behind `density`, with its support.

        Arguments and errors are those of `density`.
        """
        if not isinstance(self.law, AtomicLaw):
            raise NoClosedForm(f"S of D² for {self.law.name}", "φ is not piecewise linear")
        if self.ensemble.s_transform is None:
            raise NoClosedForm("S of the weights", f"{self.ensemble.name}: a series only")
        layers = self.depth if depth is None else _checked_depth(depth)
        if not layers.is_Integer or (self.depth.is_Integer and layers != self.depth):
            raise DomainError(f"give depth a positive integer equal to that of {self!r}")
        values = {**self._defaults, **(parameters or {}), scale_symbol: sigma_w}
        if q is not None:
            values[variance_symbol] = q
        exact = {symbol: _positive(symbol, value) for symbol, value in values.items()}
        atoms = tuple((a.subs(exact), mass.subs(exact)) for a, mass in self.law.positive_atoms)
        return _curve(atoms, self.ensemble.s_transform.subs(exact), int(layers), digits)


@lru_cache(maxsize=32)
def _curve(
    atoms: tuple[tuple[sp.Expr, sp.Expr], ...], weights_s: sp.Expr, layers: int, digits: int
) -> LayerProduct:
    """Keep recent laws: their support is worked out once for many calls with single values."""
    return LayerProduct(atoms, weights_s, layers, digits)


def _critical_points(condition: sp.Poly) -> tuple[sp.Expr, sp.Expr | None]:
    """Solve dλ/dm = 0; of the two roots of a quadratic the positive one comes first.

    The quadratic is L m² + (L−1) m − p up to a factor: its roots have opposite signs, so the
    positive one is that with the positive root of the discriminant.
    """
    if condition.degree() == 1:
        slope, rest = condition.all_coeffs()
        return sp.factor(-rest / slope), None
    square, slope, rest = condition.all_coeffs()
    half, product = sp.factor(-slope / (2 * square)), sp.factor(rest / square)
    if not product.is_negative:
        raise NoClosedForm("the edges", "the order of the critical points of M⁻¹ is not decided")
    root = sp.sqrt(sp.factor(half**2 - product))
    return half + root, half - root


def _checked_depth(depth: int | sp.Expr) -> sp.Expr:
    """Accept a positive integer, or a symbol declared one."""
    if isinstance(depth, sp.Expr) and not depth.is_Number:
        if depth.is_integer and depth.is_positive:
            return depth
        raise DomainError(f"the depth is a positive integer or freejac.depth, not {depth}")
    return sp.Integer(layer_count(depth))


def _positive(symbol: sp.Symbol, value: Number) -> sp.Expr:
    """Make an exact number for a symbol, and refuse one that contradicts its assumptions."""
    number = exact(str(symbol), value)
    if not number.is_number or number.is_finite is False or not number.is_real:
        raise DomainError(f"{symbol} must be a finite real number, not {value}")
    if symbol.is_positive and not number.is_positive:
        raise DomainError(f"{symbol} must be positive, not {value}")
    return sp.nsimplify(number, rational=True) if number.is_Float else number
