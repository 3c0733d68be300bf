"""Which depth limit an activation has: how D² = φ′(h)² tends to a constant.

A limit needs weights with equal singular values and a D² whose relative variance can be made
O(1/L). For an activation that is q → 0: h is then near 0.

>>> limit_of(Layer("hard_tanh", weights="orthogonal")).rare
0
>>> limit_of(Layer("tanh", weights="orthogonal")).rare
1
"""

from __future__ import annotations

import sympy as sp

from freejac.symbolic.activation import Activation
from freejac.symbolic.depth_limits import DepthLimit, sigma_0
from freejac.symbolic.derivative_law import AtomicLaw
from freejac.symbolic.domain import Number
from freejac.symbolic.errors import DomainError, NoClosedForm
from freejac.symbolic.layers import Layer
from freejac.symbolic.symbols import q, sigma_w, x

__all__ = ["limit_of"]


def limit_of(layer: Layer, sigma0: Number = sigma_0) -> DepthLimit:
    """Find the depth limit of equal layers; see `Jacobian.depth_limit`."""
    _require_equal_singular_values(layer)
    if isinstance(layer.law, AtomicLaw):
        return DepthLimit(sigma0, _rare_value(layer.law))
    if layer.phi is None:
        raise NoClosedForm(
            "the depth limit",
            f"nothing is known of {layer.law.name} but moments; take bernoulli_limit or "
            "smooth_limit of freejac.symbolic.depth_limits",
        )
    _require_smooth_at_zero(layer.phi)
    return DepthLimit(sigma0, 1)


def _require_equal_singular_values(layer: Layer) -> None:
    s_weights = layer.ensemble.s_transform
    if s_weights is None or sp.cancel(s_weights * sigma_w**2) != 1:
        raise DomainError(
            f"{layer.ensemble.name} weights have no depth limit: their singular values spread, so "
            'the variance grows with the depth; take weights="orthogonal"'
        )


def _rare_value(law: AtomicLaw) -> sp.Expr:
    """The value of D² that becomes rare, over the usual one."""
    positive, zero = law.positive_atoms, law.mass_at_zero != 0
    if len(positive) == 1 and not zero:
        raise DomainError(f"{law.name}: φ′² is constant, so all singular values stay equal")
    usual = [value for value, mass in positive if _can_be_one(mass)]
    if len(usual) != 1:
        raise DomainError(
            f"{law.name}: no value of φ′² becomes certain as q → 0, so the variance grows with "
            "the depth"
        )
    others = [value for value, _ in positive if value != usual[0]] + [sp.S.Zero] * zero
    if len(others) > 1:
        raise NoClosedForm("the depth limit", f"{law.name} has several rare values of φ′²")
    return sp.cancel(others[0] / usual[0])


def _can_be_one(mass: sp.Expr) -> bool:
    """Whether a probability tends to 1 as q → 0, or is a symbol of its own."""
    return bool(mass.is_Symbol or (mass.has(q) and sp.limit(mass, q, 0) == 1))


def _require_smooth_at_zero(phi: Activation) -> None:
    """Refuse φ′ that vanishes or jumps at 0, or is constant near it."""
    right, left = (_slope_beside_zero(phi, side) for side in (1, -1))
    values = [slope.subs(x, 0) for slope in (right, left)]
    if sp.simplify(values[0] ** 2 - values[1] ** 2) != 0 or values[0].is_zero is not False:
        raise DomainError(
            f"{phi.name}: φ′² does not tend to one positive value as q → 0 (φ′(0±) = {values[0]}, "
            f"{values[1]}), so the variance grows with the depth"
        )
    if not right.has(x) or not left.has(x):
        raise NoClosedForm("the depth limit", f"φ′ of {phi.name} is constant on a side of 0")


def _slope_beside_zero(phi: Activation, side: int) -> sp.Expr:
    for piece in phi.distribution(1).pieces:
        lower, upper = side * piece.lower, side * piece.upper
        low, high = (lower, upper) if side > 0 else (upper, lower)
        if low.is_extended_nonpositive and high.is_extended_positive:
            return piece.expr
    raise NoClosedForm("the depth limit", f"where {phi.name} changes its form is not decided")
