"""The derivation of the residual law, written down for `ResNet.explain`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import sympy as sp

from freejac.symbolic.depth_expansion import depth_expansion, general_coefficients
from freejac.symbolic.explanation import Explanation, Step
from freejac.symbolic.jacobian_steps import lagrange_step
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

if TYPE_CHECKING:
    from freejac.symbolic.residual import ResNet

__all__ = ["residual_steps"]

_S = sp.Function("S")

_PAPER = "Tarnowski et al. (2019), section II.1"


def residual_steps(network: ResNet) -> Explanation:
    """Write the steps down, each statement taken from the object or function that derives it.

    >>> from freejac.symbolic.residual import ResNet
    >>> [step.text for step in residual_steps(ResNet("relu"))][-6:-3]
    ['m_2 = (2*cumulant + 1)*exp(2*cumulant)', 'Var(lambda) = 2*cumulant*exp(2*cumulant)', \
'2*cumulant*z**2 + 2*cumulant*z - 1 = 0']
    """
    steps = (*_layer_steps(network.skip), *_limit_steps(network), *_spectrum_steps(network))
    return Explanation("The law of J Jᵀ for a residual network", steps)


def _layer_steps(skip: sp.Expr) -> Iterator[Step]:
    """From the block to the exact S of one layer."""
    given = {skip_symbol: skip}
    block_s = sp.Function("S_X")(alternating)
    yield Step(
        "J = Π (a + Dˡ Wˡ), and D W has only alternating free cumulants, with series A",
        "the block of a layer is R-diagonal: X = D W with biunitarily invariant W",
        "Nica and Speicher (1997)",
    )
    yield Step(
        "𝒢⁻¹ = [[z, −a], [−a, 1]] − A(𝒢₁₁𝒢₂₂) diag(𝒢₂₂, 𝒢₁₁)",
        "generalised Schwinger–Dyson equation of [[z, −Y], [−Yᵀ, 1]], Y = a + X",
        _PAPER,
        r"\mathcal{G}^{-1} = \begin{pmatrix} z & -a \\ -a & 1 \end{pmatrix} - A(\mathcal{G}_{11}"
        r"\mathcal{G}_{22}) \begin{pmatrix} \mathcal{G}_{22} & 0 \\ 0 & \mathcal{G}_{11} "
        r"\end{pmatrix}",
    )
    yield Step(green_equation().subs(given), "eliminate 𝒢₂₂ = zG; A is taken at zG²", _PAPER)
    yield _equation(
        alternating,
        point_symbol * determining_symbol,
        "name w = zG² and y = w A(w), the determining series of X",
    )
    yield _equation(
        point_symbol,
        alternating * (1 + alternating) * block_s,
        "compositional inverse of the determining series",
        "Nica and Speicher (1997)",
    )
    yield Step(
        layer_relation().subs(given),
        "put zG = 1 + m; m is written z, as the variable of S is",
    )
    yield _equation(
        _S(z),
        point_symbol / (z * (1 + z)),
        "M⁻¹(m) = (1+m)²/w and S = (1+m)/(m M⁻¹(m)): the exact law of one layer",
    )


def _limit_steps(network: ResNet) -> Iterator[Step]:
    """The expansion in 1/L, the limit, and the Green's function."""
    skip = network.skip
    if network.block:
        rule = "the mean square of √L X, for one layer σ_w² E[φ′(h)²], h ~ N(0, q)"
        yield _equation(sp.Symbol("c_l"), network.cumulant, rule, _PAPER)
    orders = depth_expansion(general_coefficients(1), skip, 2)
    leading = sp.Add(*(term / depth_symbol**n for n, term in enumerate(orders)))
    yield _equation(
        skip**2 * _S(z),
        leading.subs(general_coefficients(1)[0], cumulant),
        "weights of variance σ_w²/(L N): expand in 1/L, the rest is O(1/L²); c is c_l here",
        _PAPER,
    )
    yield _equation(
        _S(z),
        network.s_transform,
        "S multiplies over free layers; the limit of the product, c the mean of the c_l",
        _PAPER,
    )
    yield Step(network.green_equation, "G = m S(m) with m = zG − 1", _PAPER)
    yield _equation(
        stieltjes_symbol,
        network.green_function,
        "with x = (c/a²)(2zG − 1) the equation is eˣ (x + c/a²)/(x − c/a²) = z/a^(2L)",
        "Mező and Baricz (2017), the generalised Lambert function",
    )


def _spectrum_steps(network: ResNet) -> Iterator[Step]:
    """Moments, edges and the condition number."""
    yield lagrange_step()
    for k in (1, 2):
        yield _equation(sp.Symbol(f"m_{k}"), network.moment(k), f"k = {k}")
    spread = sp.Function("Var")(sp.Symbol("lambda"))
    yield _equation(spread, network.variance, "m_2 − m_1²")
    slope = sp.diff(sp.log(network.inverse_mgf), z)
    condition = sp.Poly(sp.fraction(sp.cancel(sp.together(sp.expand(slope))))[0], z)
    yield _equation(condition.as_expr(), sp.S.Zero, "at an edge dM⁻¹/dz = 0")
    for name, end in zip(("lambda_-", "lambda_+"), network.edges(), strict=True):
        yield _equation(sp.Symbol(name), end, "λ = M⁻¹ there")
    rule = "the largest singular value over the smallest, √(λ₊/λ₋)"
    yield _equation(sp.Symbol("kappa"), network.condition_number, rule)


def _equation(left: sp.Expr, right: sp.Expr, rule: str, source: str = "") -> Step:
    return Step(sp.Eq(left, right, evaluate=False), rule, source)
