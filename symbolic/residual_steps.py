"""The derivation of the residual law, written down for `ResNet.explain`."""

from __future__ import annotations

import sympy as sp

from freejac.symbolic.depth_expansion import depth_expansion, general_coefficients
from freejac.symbolic.explanation import Explanation, Step
from freejac.symbolic.lambert import GeneralizedLambertW
from freejac.symbolic.schwinger_dyson import (
    alternating,
    determining_symbol,
    green_equation,
    layer_relation,
    point_symbol,
    skip_symbol,
    stieltjes_symbol,
)
from freejac.symbolic.symbols import cumulant, z
from freejac.symbolic.symbols import depth as depth_symbol

__all__ = ["residual_steps"]

_PAPER = "Tarnowski et al. (2019), section II.1"


def residual_steps(
    skip: sp.Expr, s_transform: sp.Expr, equation: sp.Eq, layer_cumulant: sp.Expr
) -> Explanation:
    """Write the steps down, each statement taken from the function that derives it.

    Args:
        skip: the skip weight a.
        s_transform: S of J Jᵀ in the limit.
        equation: the Green's equation in the limit.
        layer_cumulant: c_l.

    >>> from freejac.symbolic.residual import ResNet
    >>> len(ResNet("relu").explain())
    11
    """
    s_of = sp.Function("S")
    layer_s, block_s = s_of(z), sp.Function("S_X")(alternating)
    given = {skip_symbol: skip}
    orders = depth_expansion(general_coefficients(1), skip, 2)
    leading = sp.Add(*(term / depth_symbol**n for n, term in enumerate(orders)))
    leading = leading.subs(general_coefficients(1)[0], cumulant)
    ratio = cumulant / skip**2
    scale = skip ** (2 * depth_symbol)
    solution = (ratio + GeneralizedLambertW(-ratio, ratio, z / scale)) / (2 * ratio * z)
    tied = sp.Eq(point_symbol, alternating * (1 + alternating) * block_s, evaluate=False)
    steps = (
        Step(
            "J = Π (a + Dˡ Wˡ), and D W has only alternating free cumulants, with series A",
            "the block of a layer is R-diagonal: X = D W with biunitarily invariant W",
            "Nica and Speicher (1997)",
        ),
        Step(
            "𝒢⁻¹ = [[z, −a], [−a, 1]] − A(𝒢₁₁𝒢₂₂) diag(𝒢₂₂, 𝒢₁₁)",
            "generalised Schwinger–Dyson equation of [[z, −Y], [−Yᵀ, 1]], Y = a + X",
            _PAPER,
        ),
        Step(green_equation().subs(given), "eliminate 𝒢₂₂ = zG; A is taken at zG²", _PAPER),
        Step(
            sp.Eq(alternating, point_symbol * determining_symbol, evaluate=False),
            "name w = zG² and y = w A(w), the determining series of X",
        ),
        Step(tied, "compositional inverse of the determining series", "Nica and Speicher (1997)"),
        Step(
            layer_relation().subs(given),
            "put zG = 1 + m; m is written z, as the variable of S is",
        ),
        Step(
            sp.Eq(layer_s, point_symbol / (z * (1 + z)), evaluate=False),
            "M⁻¹(m) = (1+m)²/w and S = (1+m)/(m M⁻¹(m)): the exact law of one layer",
        ),
        Step(
            sp.Eq(skip**2 * layer_s, leading, evaluate=False),
            "weights of variance σ_w²/(L N): expand in 1/L, the rest is O(1/L²); the cumulant is "
            f"c_l = {layer_cumulant}",
            _PAPER,
        ),
        Step(
            sp.Eq(s_of(z), s_transform, evaluate=False),
            "S multiplies over free layers; the limit of the product, c the mean of the c_l",
            _PAPER,
        ),
        Step(equation, "G = m S(m) with m = zG − 1", _PAPER),
        Step(
            sp.Eq(stieltjes_symbol, solution, evaluate=False),
            "with x = (c/a²)(2zG − 1) the equation is eˣ (x + c/a²)/(x − c/a²) = z/a^(2L)",
            "Mező and Baricz (2017), the generalised Lambert function",
        ),
    )
    return Explanation("The law of J Jᵀ for a residual network", steps)
