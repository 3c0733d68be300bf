"""Residual networks, section II.1: one layer, from its linearisation to its S-transform."""

from __future__ import annotations

import sympy as sp

from freejac.derivations._gaussian_entries import (
    entries,
    residual_moment,
)
from freejac.derivations._residual_freeness import LOST
from freejac.symbolic.check import check
from freejac.symbolic.check_families import check_each
from freejac.symbolic.check_functions import check_law
from freejac.symbolic.claims import Claim
from freejac.symbolic.determining_series import determining_expr
from freejac.symbolic.symbols import z
from freejac.symbolic.verdict import Verdict, weakest

__all__ = ["CLAIMS"]

_A = sp.Symbol("a", positive=True)
_DET = sp.Symbol("A")
_G = sp.Symbol("G")
_S = sp.Symbol("S")
_Y = sp.Symbol("y", positive=True)
_VAR = sp.Symbol("s", positive=True)
_SIGMA = sp.Symbol("sigma", positive=True)
_Z = sp.Symbol("z", positive=True)
_MP_S = 1 / (1 + z)
_ONE_LAYER = _G * (z * (1 - _DET * _G) ** 2 - _A**2) - (1 - _DET * _G)
"""Eq. (17), G times the denominator less the numerator."""
_QUADRATIC = (1 - _DET * _Y * _S) * (1 - _DET * (1 + _Y) * _S) - _A**2 * _S
"""Eq. (19): zero."""
_BRANCH = (2 * _VAR * _Y + _VAR + 1 - sp.sqrt(1 + 4 * _VAR * _Y + 2 * _VAR + _VAR**2)) / (
    2 * _VAR**2 * _Y * (_Y + 1)
)
"""The root of eq. (19) for a = 1 and A = s that is regular at s = 0."""


def _two_layers() -> Verdict:
    """S_1 S_2 of two residual layers against moments of their product, counted word by word."""
    terms = 3
    root = sp.series(_BRANCH.subs(_VAR, sp.Rational(1, 3)), _Y, 0, terms).removeO().subs(_Y, z)
    counted = [residual_moment(k, 2, sp.S.One, sp.Rational(1, 3)) for k in range(1, terms + 1)]
    return check_law(s=root**2, moments=counted)


def _resolvent() -> Verdict:
    """The upper left block of the resolvent of [[z, −Y], [−Yᵀ, 1]] for 2 × 2 matrices Y."""
    matrix = sp.Matrix(2, 2, entries("Y", 4))
    linear = sp.Matrix(sp.BlockMatrix([[z * sp.eye(2), -matrix], [-matrix.T, sp.eye(2)]]))
    block = linear.inv(method="ADJ")[:2, :2]
    direct = (z * sp.eye(2) - matrix * matrix.T).inv(method="ADJ")
    pairs = zip(block, direct, strict=True)
    return weakest("the block is the resolvent", tuple(check(a, b) for a, b in pairs), "entry")


def _schwinger_dyson() -> Verdict:
    """𝒢 = (𝒵 − ℛ(𝒢))⁻¹ with 𝒢_11 = G, 𝒢_22 = zG: both diagonal entries, eq. (17) for G."""
    matrix = sp.Matrix([[z - _DET * z * _G, -_A], [-_A, 1 - _DET * _G]])
    inverse = matrix.inv()
    formula = (1 - _DET * _G) / (z * (1 - _DET * _G) ** 2 - _A**2)
    return weakest(
        "the Schwinger–Dyson equation",
        (check(inverse[0, 0], formula), check(inverse[1, 1], z * formula)),
        "entry",
    )


def _one_layer_moments(order: int) -> tuple[sp.Expr, sp.Expr]:
    """Coefficient of z^−order in eq. (17) at A = s, moments counted; it should vanish."""
    t = sp.Symbol("t")
    moments = [sp.S.One, *(residual_moment(k, 1, _A, _VAR) for k in range(1, order + 1))]
    green = sum(m * t ** (k + 1) for k, m in enumerate(moments))
    residual = _ONE_LAYER.subs({_DET: _VAR, _G: green, z: 1 / t})
    return sp.expand(sp.expand(residual).coeff(t, order)), sp.S.Zero


def _orthogonal_layer() -> tuple[sp.Expr, sp.Expr]:
    """Eq. (17) for X = σ × Haar, a = 1, at the Green's function of 1 + σ² + 2σ cos θ."""
    green = 1 / sp.sqrt((z - 1 - _SIGMA**2) ** 2 - 4 * _SIGMA**2)
    series = (sp.sqrt(1 + 4 * _SIGMA**2 * z * green**2) - 1) / (2 * z * green**2)
    values = {_A: 1, _DET: series, _G: green}
    return _ONE_LAYER.subs(values, simultaneous=True), sp.S.Zero


def _orthogonal_order() -> tuple[sp.Expr, sp.Expr]:
    """Eq. (19) for Haar weights of scale √s at the universal S, to first order in s."""
    trial = 1 - _VAR * (1 + 2 * _Y)
    point = _Y * (1 + _Y) * trial
    series = (sp.sqrt(1 + 4 * _VAR * point) - 1) / (2 * point)
    return _QUADRATIC.subs({_A: 1, _DET: series, _S: trial}, simultaneous=True), sp.O(_VAR**2)


def _scaled_series() -> Verdict:
    steps = []
    for transform in (_MP_S, sp.S.One):
        scaled = determining_expr(transform / _SIGMA**2)
        steps.append(check(scaled, determining_expr(transform).subs(z, _SIGMA**2 * z)))
    return weakest("w A(w) of a scaled matrix", tuple(steps), "ensemble")


CLAIMS = (
    Claim(
        "resnet.ii1-product",
        "section II.1, eq. (11)",
        r"S_{\mathbf{J}\mathbf{J}^T}(z) = \prod_l S_l(z)",
        decide=_two_layers,
        assumptions="two layers 1 + X, s = 1/3, S_l the root of eq. (19); three moments, counted",
        note=LOST,
    ),
    Claim(
        "resnet.ii1-linearisation",
        "section II.1, eqs. (13) and (14)",
        r"\begin{pmatrix} z & -Y \\ -Y^T & 1 \end{pmatrix}^{-1}_{11} = (z - Y Y^T)^{-1}",
        decide=_resolvent,
        assumptions="2 × 2 matrices Y",
        note=LOST,
    ),
    Claim(
        "resnet.ii1-scaling",
        "section II.1, after eq. (16)",
        r"A_{\sigma X}(w) = \sigma^2 A_X(\sigma^2 w)",
        decide=_scaled_series,
        assumptions="Gaussian and Haar orthogonal X",
        note=LOST,
    ),
    Claim(
        "resnet.ii1-schwinger-dyson",
        "section II.1, eqs. (15) to (17)",
        r"\mathcal{G}^{-1} = \mathcal{Z} - A(\mathcal{G}_{11}\mathcal{G}_{22})"
        r"\begin{pmatrix} \mathcal{G}_{22} & 0 \\ 0 & \mathcal{G}_{11} \end{pmatrix}"
        r" \Rightarrow G = \frac{1 - AG}{z(1 - AG)^2 - a^2},\ \mathcal{G}_{22} = zG",
        decide=_schwinger_dyson,
        note=LOST,
    ),
    Claim(
        "resnet.ii1-one-layer-gaussian",
        "section II.1, eq. (17)",
        r"G = \frac{1 - sG}{z(1 - sG)^2 - a^2},\quad G = \sum_k \frac{m_k}{z^{k+1}}",
        decide=lambda: check_each(_one_layer_moments, 1, 6, claim="eq. (17), coefficient of z⁻ⁿ"),
        assumptions="Gaussian X of variance s, any a; moments to order 6, counted",
        note=LOST,
    ),
    Claim(
        "resnet.ii1-one-layer-orthogonal",
        "section II.1, eq. (17)",
        r"G = \frac{1}{\sqrt{(z - 1 - \sigma^2)^2 - 4\sigma^2}},\quad"
        r" A(w) = \frac{\sqrt{1 + 4\sigma^2 w} - 1}{2w}",
        lhs=lambda: _orthogonal_layer()[0].subs(z, _Z),
        rhs=0,
        where=(_Z > 20, _SIGMA < 2),
        assumptions="X = σ × Haar, a = 1: |1 + σe^{iθ}|² with θ uniform, known directly",
        note=LOST,
    ),
    Claim(
        "resnet.ii1-one-layer-r",
        "section II.1, eq. (18)",
        r"z\bigl((R + \tfrac{1}{z})(1 - sz)^2 - a^2\bigr) = 1 - sz \Rightarrow"
        r" R(z) = \frac{s}{1 - sz} + \frac{a^2}{(1 - sz)^2}",
        decide=lambda: check_law(
            r=_VAR / (1 - _VAR * z) + _A**2 / (1 - _VAR * z) ** 2,
            moments=[residual_moment(k, 1, _A, _VAR) for k in range(1, 6)],
        ),
        assumptions="Gaussian X of variance s; moments to order 5, counted",
        note=LOST,
    ),
    Claim(
        "resnet.ii1-one-layer-s",
        "section II.1, eq. (19)",
        r"G\bigl(z(1 - AG)^2 - a^2\bigr) - (1 - AG) ="
        r" y \bigl[(1 - A y S)(1 - A (1 + y) S) - a^2 S\bigr],\quad G = yS,\ z = \tfrac{1 + y}{yS}",
        lhs=_ONE_LAYER.subs({_G: _Y * _S, z: (1 + _Y) / (_Y * _S)}, simultaneous=True),
        rhs=_Y * _QUADRATIC,
        assumptions="exact at any depth, for any biunitarily invariant X",
        note=LOST,
    ),
    Claim(
        "resnet.ii1-branch",
        "section II.1, before eq. (20)",
        r"(1 - s y S)(1 - s(1 + y) S) = S",
        lhs=_QUADRATIC.subs({_A: 1, _DET: _VAR, _S: _BRANCH}),
        rhs=0,
        assumptions="Gaussian X, a = 1: S the root that stays finite as s → 0",
        note=LOST,
    ),
    Claim(
        "resnet.ii1-expansion",
        "section II.1, eq. (20)",
        r"S_l(z) = 1 - \frac{c_l}{L}(1 + 2z) + O(L^{-2})",
        lhs=_BRANCH,
        rhs=1 - _VAR * (1 + 2 * _Y) + sp.O(_VAR**2),
        assumptions="Gaussian weights, a = 1, s = c_l/L",
        note=LOST,
    ),
    Claim(
        "resnet.ii1-expansion-orthogonal",
        "section II.1, eq. (20)",
        r"S_l(z) = 1 - \frac{c_l}{L}(1 + 2z) + O(L^{-2})",
        lhs=lambda: _orthogonal_order()[0],
        rhs=lambda: _orthogonal_order()[1],
        assumptions="scaled orthogonal weights: the same first order, put into eq. (19)",
        note=LOST,
    ),
)
