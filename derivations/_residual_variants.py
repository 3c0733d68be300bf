"""Residual networks, what the source adds: skips over several layers, and batch normalisation."""

from __future__ import annotations

import sympy as sp

from freejac.derivations._gaussian_entries import entries, mean_of_polynomial
from freejac.derivations._residual_freeness import LOST
from freejac.symbolic.claims import Claim
from freejac.symbolic.expectation import Expectation
from freejac.symbolic.residual import ResNet
from freejac.symbolic.symbols import sigma_w, x

__all__ = ["CLAIMS"]

_GAMMA, _SPREAD = sp.symbols("gamma sigma", positive=True)
_SHIFT, _OFFSET = sp.symbols("mu beta", real=True)


def _two_layer_block() -> tuple[sp.Expr, sp.Expr]:
    """E (1/N) tr X Xᵀ for X = D_1W_1D_2W_2, N = 2, and σ_w⁴ times the mean squares of the D."""
    first, second = (sp.Matrix(2, 2, entries(name, 4)) for name in ("W", "V"))
    slopes, others = entries("D", 2), entries("E", 2)
    block = sp.diag(*slopes) * first * sp.diag(*others) * second
    variances = dict.fromkeys((*first, *second), sigma_w**2 / 2)
    means = [sum(d**2 for d in each) / 2 for each in (slopes, others)]
    mean = mean_of_polynomial((block * block.T).trace() / 2, variances)
    return mean, sp.expand(sigma_w**4 * means[0] * means[1])


def _normalised(f: sp.Expr, argument: sp.Expr) -> sp.Expr:
    return f.subs(x, _GAMMA * (argument - _SHIFT) / _SPREAD + _OFFSET)


CLAIMS = (
    Claim(
        "resnet.ii1-blocks",
        "section II.1, last remark",
        r"\tfrac{1}{N} \mathbb{E} \operatorname{tr} X X^T = \sigma_w^4"
        r" \langle D_1^2 \rangle \langle D_2^2 \rangle,\quad"
        r" X = \mathbf{D}_1 \mathbf{W}_1 \mathbf{D}_2 \mathbf{W}_2",
        lhs=lambda: _two_layer_block()[0],
        rhs=lambda: _two_layer_block()[1],
        assumptions="a skip over two layers, N = 2: the factors of the cumulant multiply",
        note="the source says that the analysis carries over, without a formula",
    ),
    Claim(
        "resnet.iv-slope",
        "section IV, Jacobian with batch normalisation",
        r"\frac{d}{dh} \phi\Bigl(\gamma \frac{h - \mu}{\sigma} + \beta\Bigr) ="
        r" \frac{\gamma}{\sigma} \phi'\Bigl(\gamma \frac{h - \mu}{\sigma} + \beta\Bigr)",
        lhs=lambda: sp.diff(
            _normalised(sp.tanh(x), sp.Symbol("h", real=True)), sp.Symbol("h", real=True)
        ),
        rhs=_GAMMA / _SPREAD * _normalised(1 - sp.tanh(x) ** 2, sp.Symbol("h", real=True)),
        assumptions="tanh; μ and σ as given numbers: what the batch's statistics owe to h itself"
        " is of order 1/(batch size)",
        note=LOST,
    ),
    Claim(
        "resnet.iv-cumulant",
        "section IV, eq. (21) with batch normalisation",
        r"c_l = \sigma_w^2 \Bigl\langle \phi'(h^l)^2 \frac{\gamma^2}{\sigma^2} \Bigr\rangle",
        lhs=sigma_w**2 * (_GAMMA / _SPREAD) ** 2 * Expectation(sp.Heaviside(x) ** 2, _GAMMA**2),
        rhs=lambda: ResNet("relu", batch_norm=True).cumulant.subs(
            {sp.Symbol("gamma", positive=True): _GAMMA, sp.Symbol("sigma", positive=True): _SPREAD}
        ),
        assumptions="ReLU, β = 0, the argument of φ is N(0, γ²): only c changes, not eq. (25)",
        note=LOST,
    ),
)
