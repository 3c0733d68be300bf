"""Batch normalisation: every pre-activation becomes γ(h − ⟨h⟩)/σ, so that D = diag(φ′ γ/σ)."""

from __future__ import annotations

import sympy as sp

from freejac.symbolic.domain import Number, exact
from freejac.symbolic.errors import DomainError
from freejac.symbolic.symbols import parameter

__all__ = ["normalisation_gain"]


def normalisation_gain(batch_norm: bool | tuple[Number, Number]) -> sp.Expr:
    """Find the factor (γ/σ)² in D²; 1 without batch normalisation.

    Args:
        batch_norm: False, True for the symbols gamma and sigma, or the pair (γ, σ).

    Raises:
        DomainError: it is none of these, or a number is not positive.

    Source: Tarnowski et al. (2019), section IV.

    >>> normalisation_gain((3, 2)), normalisation_gain(True)
    (9/4, gamma**2/sigma**2)
    """
    if batch_norm is False:
        return sp.S.One
    if batch_norm is True:
        gamma, sigma = parameter("gamma", positive=True), parameter("sigma", positive=True)
    else:
        if not isinstance(batch_norm, tuple) or len(batch_norm) != 2:
            raise DomainError(f"batch_norm is True or a pair (gamma, sigma), not {batch_norm!r}")
        gamma, sigma = (
            exact(name, value) for name, value in zip(("gamma", "sigma"), batch_norm, strict=True)
        )
    for name, value in (("gamma", gamma), ("sigma", sigma)):
        if value.is_finite is False or value.is_positive is False:
            raise DomainError(f"{name} of batch normalisation must be positive, not {value}")
    return (gamma / sigma) ** 2
