"""The two network laws with NumPy at the surface: densities take and give arrays.

The exact classes live in `freejac.symbolic`, which knows no NumPy; these add array shapes, and for
residual networks the compiled kernel.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sympy as sp

from freejac.arrays import real_array
from freejac.symbolic import jacobian, residual
from freejac.symbolic.domain import Number, finite
from freejac.symbolic.errors import DomainError

__all__ = ["Jacobian", "ResNet"]


class Jacobian(jacobian.Jacobian):
    """The law of the eigenvalues of J Jᵀ for L equal, square, wide layers.

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
        digits: int = 15,
    ) -> Any:
        """Evaluate the density of the continuous part of the law of J Jᵀ.

        Args:
            lam: eigenvalues, an array of any shape or a number.
            q: the variance of the pre-activations, positive; needed when the law of D² has it.
            sigma_w: the scale of the weights, positive.
            depth: the number of layers, when this Jacobian has the symbol.
            parameters: values of the activation's parameters, or of p.
            digits: correct digits aimed at.

        Returns:
            ρ(λ), of the shape of `lam`: 0 outside the support. Atoms are not part of it; see
            `atoms`.

        Raises:
            NoClosedForm: S of D² has no closed form.
            DomainError: a value is missing or out of range.
            NotConvergedError: the continuation did not reach λ.

        >>> Jacobian("linear", depth=1).density([[1, 2], [3, 5]], q=1).round(6)
        array([[0.275664, 0.159155],
               [0.091888, 0.      ]])
        """
        values = _finite(lam)
        found = super().density(
            values.ravel().tolist(),
            q=q,
            sigma_w=sigma_w,
            depth=depth,
            parameters=parameters,
            digits=digits,
        )
        return _shaped(found, values)


class ResNet(residual.ResNet):
    """The Jacobian of a wide and deep residual network, skip weight 1.

    Arguments, attributes and methods are those of `freejac.symbolic.residual.ResNet`; `density`
    takes and gives arrays, and is compiled.

    >>> ResNet("hard_tanh").cumulant
    sigma_w**2*erf(sqrt(2)/(2*sqrt(q)))
    """

    def density(self, lam: Any, *, cumulant: Number, digits: int = 13) -> Any:
        """Evaluate the density of the eigenvalues of J Jᵀ, by the compiled kernel.

        Args:
            lam: eigenvalues, an array of any shape or a number.
            cumulant: the effective cumulant c, positive.
            digits: correct digits aimed at; more than 13 are computed by mpmath, which takes
                milliseconds a value.

        Returns:
            ρ(λ), of the shape of `lam`: 0 outside the edges.

        Raises:
            DomainError: a number is not finite, or c is not positive.

        >>> ResNet().density([0.5, 1.0, 9.0], cumulant=0.5).round(6)
        array([0.576663, 0.305638, 0.      ])
        """
        values, c = _finite(lam), float(finite("cumulant", cumulant))
        if not c > 0:
            raise DomainError(f"the cumulant must be positive, not {cumulant}")
        low, high = _KERNEL_CUMULANTS
        if digits > 13 or not low <= c <= high:
            found = super().density(values.ravel().tolist(), cumulant=cumulant, digits=digits)
            return _shaped(found, values)
        # Numba is imported when a kernel is first used.
        from freejac.generated import resnet_density

        return _shaped(resnet_density.density(values, c), values)


_KERNEL_CUMULANTS = (1e-6, 1e2)


def _finite(lam: Any) -> Any:
    import numpy as np  # loaded when numbers are asked for

    values = real_array("lambda", lam)
    if not np.isfinite(values).all():
        raise DomainError("every lambda must be a finite real number")
    return values


def _shaped(found: Any, values: Any) -> Any:
    import numpy as np  # as above

    return np.asarray(found, dtype=float).reshape(values.shape)[()]
