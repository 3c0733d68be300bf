"""The two network laws with NumPy at the surface: densities take and give arrays.

The exact classes live in `freejac.symbolic`, which knows no NumPy; these add array shapes, and for
residual networks the compiled kernel.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sympy as sp
from mpmath import mp

from freejac.arrays import exact_array, real_array
from freejac.contour_density import contour_density
from freejac.density_kernels import (
    CONTOUR_DIGITS,
    DIGITS,
    FEWEST,
    bernoulli_density,
    slopes_density,
)
from freejac.residual_kernel import blocks_density
from freejac.symbolic import jacobian, residual, residual_finite
from freejac.symbolic.domain import Number, finite
from freejac.symbolic.ensembles import Ensemble

__all__ = ["FiniteResNet", "Jacobian", "ResNet"]


class Jacobian(jacobian.Jacobian):
    """The law of the squared singular values of J, for wide layers, equal or not.

    Arguments, attributes and methods are those of `freejac.symbolic.jacobian.Jacobian`;
    `density` takes and gives arrays.

    >>> Jacobian("relu", weights="orthogonal").variance_at_criticality
    L
    """

    def density(
        self,
        lam: Any,
        *,
        q: Number | None = None,
        sigma_w: Number = 1,
        depth: int | None = None,
        parameters: Mapping[sp.Symbol, Number] | None = None,
        digits: int = CONTOUR_DIGITS,
    ) -> Any:
        """Evaluate the density of the continuous part of the law of JᵀJ.

        Equal square layers of Gaussian or orthogonal weights whose φ′ has one value besides 0,
        as those of linear, relu and hard_tanh, have a compiled kernel: it takes less than a
        microsecond a point at any depth. So has a φ′ of several values, as that of leaky_relu, to
        depth 10⁴, with 10 digits. Equal layers of any other φ, kinked or not, are
        followed along λ in double precision, for 32 eigenvalues or more, in tens of microseconds
        each, and in milliseconds in tails where the density is lost beside M. Next to an edge λ is
        measured from a place there, found once a law with mpmath, so that no digit is lost; a
        density of φ′² below e⁻⁶⁹⁰ counts as 0. What two quadrature rules do not agree on, or what
        rounding would cost more than 10 digits, is left to mpmath.

        Args:
            lam: eigenvalues, an array of any shape or a number; kernels take doubles, and where
                mpmath evaluates exact numbers stay exact.
            q: the variance of the pre-activations, positive; needed when the law of D² has it.
            sigma_w: the scale of the weights, positive.
            depth: the number of layers, when this Jacobian has the symbol.
            parameters: values of the activation's parameters, of p, or of other symbols in layers.
            digits: correct digits aimed at, 5 to 1000; to 100 where a φ is not piecewise linear.
                Of a φ without kinks double precision gives 10. Up to 9, any such φ is evaluated in
                double precision throughout, many times faster. The kernel gives up to 13,
                relatively, but next to an edge, at a relative distance d, where its error grows
                to 1e-16/d; more are computed by mpmath.

        Returns:
            ρ(λ), of the shape of `lam`: 0 outside the support; floats up to 15 digits, mpmath
            numbers beyond. Atoms are not part of it; see `atoms`.

        Raises:
            NoClosedForm: of a D² nothing but moments is known.
            DomainError: a value is missing or out of range.
            NotConvergedError: the continuation did not reach λ, as at a singular point.

        >>> Jacobian("linear", depth=1).density([[1, 2], [3, 5]], q=1).round(6)
        array([[0.275664, 0.159155],
               [0.091888, 0.      ]])
        """
        values = exact_array("lambda", lam)
        law = self.layer_product(
            q=q, sigma_w=sigma_w, depth=depth, parameters=parameters, digits=digits
        )
        are_doubles = digits > DIGITS or _are_doubles(values)
        kernel = bernoulli_density(law) if digits <= DIGITS and are_doubles else None
        if kernel is not None:
            return kernel(_doubles(values))[()]
        fast = digits <= CONTOUR_DIGITS and are_doubles
        several = slopes_density(law) if fast else None
        if several is not None:
            return several(_doubles(values))[()]
        contour = contour_density(law) if fast and values.size >= FEWEST else None
        if contour is not None:
            return _completed(contour(_doubles(values)), values, law)
        found = law.density(values.ravel().tolist())
        if digits <= _FLOAT_DIGITS:
            return _shaped(found, values)
        return _shaped(found, values, object)


class ResNet(residual.ResNet):
    """The Jacobian of a wide and deep residual network.

    Arguments, attributes and methods are those of `freejac.symbolic.residual.ResNet`; `density`
    takes and gives arrays, and is compiled.

    >>> ResNet("hard_tanh").cumulant
    sigma_w**2*erf(sqrt(2)/(2*sqrt(q)))
    """

    def density(
        self, lam: Any, *, cumulant: Number, depth: int | None = None, digits: int = DIGITS
    ) -> Any:
        """Evaluate the density of the eigenvalues of J Jᵀ, by the compiled kernel.

        Args:
            lam: eigenvalues, an array of any shape or a number.
            cumulant: the effective cumulant c, positive.
            depth: the number of layers, needed for the factor a^{2L} when a ≠ 1.
            digits: correct digits aimed at; more than 13 are computed by mpmath, which takes
                milliseconds a value.

        Returns:
            ρ(λ), of the shape of `lam`: 0 outside the edges.

        Raises:
            DomainError: a number is not finite, c is not positive, or the depth is missing.

        >>> ResNet().density([0.5, 1.0, 9.0], cumulant=0.5).round(6)
        array([0.576663, 0.305638, 0.      ])
        """
        values = exact_array("lambda", lam)
        scale, c = map(float, self.in_numbers(cumulant, depth))
        low, high = _KERNEL_CUMULANTS
        if digits > DIGITS or not low <= c <= high:
            points = values.ravel().tolist()
            found = super().density(points, cumulant=cumulant, depth=depth, digits=digits)
            return _shaped(found, values)
        # Numba is imported when a kernel is first used.
        from freejac.generated import resnet_density

        return _shaped(resnet_density.density(_doubles(values) / scale, c) / scale, values)

    def _finite(self, depth: sp.Expr, weights: Ensemble) -> FiniteResNet:
        """Give the finite law an array surface."""
        return FiniteResNet(self._sources(), depth, weights, self.skip, self._block_gain())


class FiniteResNet(residual_finite.FiniteResNet):
    """The exact law at finite depth; `density` takes and gives arrays.

    >>> ResNet("linear").finite(1, "orthogonal").density([[0.5, 1.0], [2.0, 5.0]]).round(6)
    array([[0.24062 , 0.183776],
           [0.159155, 0.      ]])
    """

    def density(
        self,
        lam: Any,
        *,
        q: residual_finite.Variances = None,
        sigma_w: Number = 1,
        parameters: Mapping[sp.Symbol, Number] | None = None,
        digits: int = CONTOUR_DIGITS,
    ) -> Any:
        """Evaluate the density of the continuous part of the law of J Jᵀ.

        Skips over one weight layer each have a compiled kernel: it takes microseconds a point,
        after the support was found, in seconds where φ is not piecewise linear. Next to an edge
        mpmath takes over.

        Args:
            lam: eigenvalues, an array of any shape or a number.
            q: the variance of the pre-activations, one for all blocks or one for each; needed
                when the law of D² depends on it.
            sigma_w: the scale of the weights, positive.
            parameters: values of the activation's parameters, and of the other symbols.
            digits: correct digits aimed at; more than 10 are computed by mpmath.

        Returns:
            ρ(λ), of the shape of `lam`: 0 outside the support.

        Raises:
            DomainError: a value is missing or out of range.
            NotConvergedError: λ is an atom.
        """
        values = exact_array("lambda", lam)
        settings: dict[str, Any] = {
            "q": q, "sigma_w": sigma_w, "parameters": parameters, "digits": digits
        }  # fmt: skip
        kernel = None
        if digits <= CONTOUR_DIGITS:
            kernel = blocks_density(self.law(**settings)[0])
        if kernel is None:
            return _shaped(super().density(values.ravel().tolist(), **settings), values)
        import numpy as np  # loaded when numbers are asked for

        given = values.ravel()
        points = _doubles(given)
        inside = np.zeros(points.shape, dtype=bool)
        for low, high in self.support(**settings):
            inside |= (low < points) & (points < high)
        found = np.zeros(points.shape)
        found[inside] = kernel(points[inside])
        left = np.isnan(found)
        if left.any():
            found[left] = super().density(given[left].tolist(), **settings)
        return _shaped(found, values)


_KERNEL_CUMULANTS = (1e-6, 1e2)
_FLOAT_DIGITS = 15
_LEAST, _MOST = 2.3e-308, 1.7e308


def _doubles(values: Any) -> Any:
    """What a kernel takes."""
    return real_array("lambda", values)


def _are_doubles(values: Any) -> bool:
    """Whether no number is beyond the doubles, or so small that its digits are lost."""
    if values.dtype != object:
        return True
    with mp.workdps(20):
        sizes = [abs(finite("lambda", value)) for value in values.ravel()]
    return all(size == 0 or _LEAST < size < _MOST for size in sizes)


def _completed(found: Any, values: Any, law: Any) -> Any:
    """Fill in by mpmath what double precision left open."""
    import numpy as np  # as above

    left = np.isnan(found)
    if left.any():
        found[left] = [float(value) for value in law.density(values[left].tolist())]
    return found[()]


def _shaped(found: Any, values: Any, kind: type = float) -> Any:
    import numpy as np  # as above

    return np.asarray(found, dtype=kind).reshape(values.shape)[()]
