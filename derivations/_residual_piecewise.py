"""Residual networks, section II.3: the linear activation, ReLU and leaky ReLU.

Skip weight a = 1, as the section says. Every closed form is compared with the Gaussian mean that it
stands for.
"""

from __future__ import annotations

import sympy as sp

from freejac.derivations._residual_freeness import LOST
from freejac.symbolic.check import check
from freejac.symbolic.check_families import check_each
from freejac.symbolic.claims import Claim
from freejac.symbolic.expectation import Expectation, expect
from freejac.symbolic.mean_field import MeanField
from freejac.symbolic.symbols import depth, q, sigma_w, x
from freejac.symbolic.verdict import weakest

__all__ = ["CLAIMS"]

_ALPHA = sp.Symbol("alpha", positive=True)
_START = sp.Symbol("q_1", positive=True)
_G = sp.Symbol("G")
_Z = sp.Symbol("z")
_SHARE = sigma_w**2 / depth
_RELU = sp.Max(0, x)
_STEP = sp.Piecewise((1, x > 0), (0, True))
_LEAKY = sp.Piecewise((x, x > 0), (_ALPHA * x, True))
_LEAKY_SLOPE = sp.Piecewise((1, x > 0), (_ALPHA, True))
_LEAKY_CUMULANT = sigma_w**2 * (1 + _ALPHA**2) / 2


def _green(c: sp.Expr) -> sp.Expr:
    """The right side of the Green's equation (25) at a cumulant."""
    return (_Z * _G - 1) * sp.exp(c * (1 - 2 * _Z * _G))


def _leaky_recursion(layers: int) -> tuple[sp.Expr, sp.Expr]:
    """q^{l+1} − q^l of leaky ReLU by eqs. (32) and (35), and as printed; input of mean zero."""
    variances = sp.symbols(f"q_1:{layers + 1}", positive=True)
    first, second = (expect(f) for f in (_LEAKY, _LEAKY**2))
    centre = sum((first.subs(q, v) for v in variances[:-1]), sp.S.Zero)
    now = variances[-1]
    step = _SHARE * (second.subs(q, now) + 2 * first.subs(q, now) * centre)
    roots = sum((sp.sqrt(v * now) for v in variances[:-1]), sp.S.Zero)
    printed = _SHARE * ((1 + _ALPHA**2) / 2 * now + (1 - _ALPHA) ** 2 / sp.pi * roots)
    return step, printed


def _linear_solution(layer: int) -> tuple[sp.Expr, sp.Expr]:
    """q^l of a linear network by eq. (35), iterated, and eq. (40)."""
    variance = _START
    for _ in range(layer - 1):
        variance += _SHARE * expect(x**2).subs(q, variance)
    return sp.expand(variance), sp.expand((1 + _SHARE) ** (layer - 1) * _START)


CLAIMS = (
    Claim(
        "resnet.ii3-linear",
        "section II.3, linear",
        r"\phi(x) = x \Rightarrow c = \sigma_w^2",
        lhs=sigma_w**2 * Expectation(sp.diff(x, x) ** 2, q),
        rhs=sigma_w**2,
        note=LOST,
    ),
    Claim(
        "resnet.ii3-relu",
        "section II.3, ReLU, eq. (36)",
        r"\phi'(x) = \theta(x) \Rightarrow c = \tfrac{1}{2} \sigma_w^2",
        lhs=sigma_w**2 * Expectation(_STEP**2, q),
        rhs=sigma_w**2 / 2,
        note=LOST,
    ),
    Claim(
        "resnet.ii3-leaky-relu",
        "section II.3, leaky ReLU, eq. (37)",
        r"c = \tfrac{1}{2} \sigma_w^2 (1 + \alpha^2)",
        lhs=sigma_w**2 * Expectation(_LEAKY_SLOPE**2, q),
        rhs=_LEAKY_CUMULANT,
        note=LOST,
    ),
    Claim(
        "resnet.ii3-leaky-green",
        "section II.3, eq. (38)",
        r"G = (zG - 1)\, e^{\frac{\sigma_w^2}{2}(1 + \alpha^2)(1 - 2zG)}",
        lhs=lambda: _green(sigma_w**2 * expect(_LEAKY_SLOPE**2)),
        rhs=(_Z * _G - 1) * sp.exp(sigma_w**2 / 2 * (1 + _ALPHA**2) * (1 - 2 * _Z * _G)),
        note=LOST,
    ),
    Claim(
        "resnet.ii3-leaky-linear",
        "section II.3, after eq. (38)",
        r"\alpha = 1:\quad c = \sigma_w^2",
        lhs=_LEAKY_CUMULANT.subs(_ALPHA, 1),
        rhs=lambda: MeanField("linear").chi,
        assumptions="α = 1 is the linear activation",
    ),
    Claim(
        "resnet.ii3-leaky-to-relu",
        "section II.3, after eq. (38)",
        r"\alpha = 0:\quad c = \tfrac{1}{2} \sigma_w^2",
        lhs=_LEAKY_CUMULANT.subs(_ALPHA, 0),
        rhs=lambda: MeanField("relu").chi,
        assumptions="α = 0 is ReLU",
    ),
    Claim(
        "resnet.ii3-relu-mean",
        "section II.3, ReLU",
        r"\mathbb{E}[\phi] = \sqrt{\tfrac{q}{2\pi}},\quad \mathbb{E}[\phi^2] = \tfrac{q}{2}",
        decide=lambda: weakest(
            "ReLU",
            (
                check(Expectation(_RELU, q), sp.sqrt(q / (2 * sp.pi)), samples=4),
                check(Expectation(_RELU**2, q), q / 2, samples=4),
            ),
            "mean",
        ),
        note=LOST,
    ),
    Claim(
        "resnet.ii3-leaky-mean",
        "section II.3, leaky ReLU",
        r"\mathbb{E}[\phi] = (1 - \alpha)\sqrt{\tfrac{q}{2\pi}},\quad"
        r" \mathbb{E}[\phi^2] = \tfrac{1 + \alpha^2}{2} q",
        decide=lambda: weakest(
            "leaky ReLU",
            (
                check(Expectation(_LEAKY, q), (1 - _ALPHA) * sp.sqrt(q / (2 * sp.pi)), samples=4),
                check(Expectation(_LEAKY**2, q), (1 + _ALPHA**2) / 2 * q, samples=4),
            ),
            "mean",
        ),
        note=LOST,
    ),
    Claim(
        "resnet.ii3-leaky-recursion",
        "section II.3, eq. (39)",
        r"q^{l+1} = q^l + \frac{\sigma_w^2}{L}\Bigl(\frac{1 + \alpha^2}{2} q^l"
        r" + \frac{(1 - \alpha)^2}{\pi} \sum_{k<l} \sqrt{q^k q^l}\Bigr)",
        decide=lambda: check_each(_leaky_recursion, 1, 4),
        assumptions="an input of mean zero; layers 1 to 4; linear and ReLU are α = 1 and α = 0",
        note=LOST,
    ),
    Claim(
        "resnet.ii3-linear-solution",
        "section II.3, eq. (40)",
        r"q^l = \Bigl(1 + \frac{\sigma_w^2}{L}\Bigr)^{l-1} q^1",
        decide=lambda: check_each(_linear_solution, 1, 8),
        assumptions="φ(x) = x; layers 1 to 8",
        note=LOST,
    ),
    Claim(
        "resnet.ii3-linear-limit",
        "section II.3, after eq. (40)",
        r"\lim_{L \to \infty} q^L = e^{\sigma_w^2} q^1",
        lhs=sp.Limit((1 + _SHARE) ** (depth - 1) * _START, depth, sp.oo),
        rhs=sp.exp(sigma_w**2) * _START,
        assumptions="the scaling by 1/L keeps it finite",
    ),
)
