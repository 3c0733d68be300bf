"""Duals that close nowhere: code of E[φ(h₁)φ(h₂)] and E[φ′(h₁)φ′(h₂)] of any activation.

h₁ and h₂ are normal of variance q and correlation c, q from 1e-12 to 1e12 and c from −1 to 1.
"""

from __future__ import annotations

from collections.abc import Callable

from freejac.codegen.approximate_dual_quadrature import Panels, quadrature_text
from freejac.codegen.dual_spec import DualCode
from freejac.symbolic.activation import Activation
from freejac.symbolic.errors import DomainError, InputError
from freejac.symbolic.piecewise import PiecewiseFunction

__all__ = ["approximated_dual", "integrand"]


def approximated_dual(
    phi: Activation, slope: bool = False, progress: Callable[[str], None] = lambda _: None
) -> DualCode:
    """The code of a dual that has no closed form.

    Args:
        phi: an activation without parameters.
        slope: whether E[φ′(h₁)φ′(h₂)] is wanted in place of E[φ(h₁)φ(h₂)].
        progress: told each step in words.

    Returns:
        Module-level constants and functions, and the body of a function of q and c.

    Raises:
        InputError: the activation has parameters.
        DomainError: φ jumps, so that the dual of its slope does not exist.

    >>> from freejac.symbolic.activation import activation
    >>> approximated_dual(activation("where(x>0, tanh(x), 0)")).result
    '_dual_mean(q, c)'
    """
    f = integrand(phi, slope)
    progress(f"{phi.name}: the dual is integrated on panels")
    return _by_quadrature(f, slope, Panels())


def integrand(phi: Activation, slope: bool) -> PiecewiseFunction:
    """φ or φ′, of which a dual is the mean of a product.

    Raises:
        InputError: the activation has parameters.
        DomainError: φ jumps, so that the dual of its slope does not exist.
    """
    if phi.parameters:
        raise InputError(
            f"{phi.name} has the parameter {phi.parameters[0]}; give it a number, as in "
            '"tanh(3*x)" for "tanh(a*x)"'
        )
    f = phi.distribution(1) if slope else phi.function
    if f.deltas:
        raise DomainError(
            f"{phi.name} jumps at x = {f.deltas[0].location}, so that the dual of its slope does "
            "not exist"
        )
    return f


def _by_quadrature(f: PiecewiseFunction, slope: bool, panels: Panels) -> DualCode:
    prefix = "_slope" if slope else "_dual"
    summary = f"Return φ{'′' if slope else ''}(x); x is not a breakpoint."
    lines = quadrature_text(f, prefix, summary, panels)
    return DualCode((), f"{prefix}_mean(q, c)", "quadrature", tuple(lines))
