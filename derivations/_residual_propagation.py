"""Residual networks, section II.2: how the signal changes from layer to layer."""

from __future__ import annotations

from functools import lru_cache

import sympy as sp

from freejac.derivations._gaussian_entries import entries, mean_of_polynomial
from freejac.derivations._residual_freeness import LOST
from freejac.symbolic.activation import Activation
from freejac.symbolic.check_families import check_each, check_for_all
from freejac.symbolic.claims import Claim
from freejac.symbolic.expectation import Expectation
from freejac.symbolic.mean_field import MeanField
from freejac.symbolic.symbols import depth, q, sigma_b, sigma_w, x
from freejac.symbolic.verdict import Verdict

__all__ = ["CLAIMS", "EXAMPLES"]

EXAMPLES = ("linear", "relu", "leaky_relu", "hard_tanh", "tanh", "sigmoid", "selu")
"""The activations that the paper works out."""

_A = sp.Symbol("a", real=True)
_M = sp.Symbol("m", real=True)
_FIRST, _SECOND = sp.symbols("F_1 F_2", real=True)
_NEXT = sigma_w**2 / depth
_START = sp.Symbol("v", positive=True)


def _pre_activation(width: int) -> tuple[sp.Expr, sp.Expr]:
    """⟨h²⟩ for W_ij of variance σ_w²/(LN) and given inputs, and eq. (29)."""
    weights, inputs = entries("W", width), entries("x", width)
    b = sp.Symbol("b", real=True)
    h = sum(w * u for w, u in zip(weights, inputs, strict=True)) + b
    variances = {**dict.fromkeys(weights, _NEXT / width), b: sigma_b**2}
    mean_square = sum(u**2 for u in inputs) / width
    return mean_of_polynomial(h**2, variances), _NEXT * mean_square + sigma_b**2


def _factorised(power: int) -> tuple[sp.Expr, sp.Expr]:
    """(1/N) Σ E[h_iⁿ] x_i and E[hⁿ] ⟨x⟩ for width 3: the average is over W and b, x is given."""
    inputs, total, variances, means = entries("x", 3), sp.S.Zero, {}, []
    for unit in range(3):
        weights, b = entries(f"W{unit}", 3), sp.Symbol(f"b{unit}", real=True)
        h = sum(w * u for w, u in zip(weights, inputs, strict=True)) + b
        variances = {**dict.fromkeys(weights, _NEXT / 3), b: sigma_b**2}
        means.append(mean_of_polynomial(h**power, variances))
        total += means[-1] * inputs[unit] / 3
    return total, means[0] * sum(inputs) / 3


def _mean_square() -> tuple[sp.Expr, sp.Expr]:
    """⟨(xˡ)²⟩ for width 3, φ(h) = h² averaged over W and b, and eq. (31)."""
    inputs, square, seconds = entries("x", 3), sp.S.Zero, []
    for unit in range(3):
        weights, b = entries(f"W{unit}", 3), sp.Symbol(f"b{unit}", real=True)
        h = sum(w * u for w, u in zip(weights, inputs, strict=True)) + b
        variances = {**dict.fromkeys(weights, _NEXT / 3), b: sigma_b**2}
        square += mean_of_polynomial((h**2 + _A * inputs[unit]) ** 2, variances) / 3
        seconds = [mean_of_polynomial(h**power, variances) for power in (2, 4)]
    centre, before = (sum(u**n for u in inputs) / 3 for n in (1, 2))
    return square, seconds[1] + 2 * _A * seconds[0] * centre + _A**2 * before


def _mean_recursion(layers: int) -> tuple[sp.Expr, sp.Expr]:
    """⟨xˡ⟩ by eq. (32), iterated, and by eq. (33)."""
    firsts = sp.symbols(f"F_1:{layers + 1}")
    centre = _M
    for first in firsts:
        centre = first + _A * centre
    solved = _A**layers * _M
    solved += sum(_A ** (layers - k) * first for k, first in enumerate(firsts, start=1))
    return sp.expand(centre), sp.expand(solved)


def _closed_recursion() -> tuple[sp.Expr, sp.Expr]:
    """q^{l+1} by eqs. (29) and (31), ⟨(xˡ⁻¹)²⟩ eliminated by eq. (29), and eq. (35)."""
    before = (q - sigma_b**2) / _NEXT
    square = _SECOND + 2 * _A * _FIRST * _M + _A**2 * before
    printed = _A**2 * q + (1 - _A**2) * sigma_b**2 + _NEXT * (_SECOND + 2 * _A * _FIRST * _M)
    return _NEXT * square + sigma_b**2, printed


@lru_cache(maxsize=32)
def mean_at(name: str, variance: sp.Expr) -> sp.Expr:
    """E[φ(√q z)] at an exact q, with the library's parameters."""
    phi = MeanField(name).phi
    field = MeanField(Activation(phi.expr.subs(phi.defaults), name=name))
    return field.mean.subs(q, variance)


def _second_term() -> Verdict:
    """2⟨φ⟩⟨x⟩ in the second layer, from an input of mean 0: q grows from 1/2 to 2."""

    def term(phi: Activation) -> tuple[sp.Expr, sp.Expr]:
        before, now = (mean_at(phi.name, sp.Rational(v)) for v in ("1/2", "2"))
        return 2 * now * before, sp.S.Zero

    return check_for_all(
        term, among=EXAMPLES, relation=">=", claim="2⟨φ(h²)⟩⟨x¹⟩ ≥ 0 for q¹ = 1/2, q² = 2"
    )


def _growth() -> Verdict:
    """q²−q¹ for an input of mean −10 and mean square 101, q¹ = 3, σ_w²/L = 1/100."""

    def grows(phi: Activation) -> tuple[sp.Expr, sp.Expr]:
        values = {q: sp.Integer(3)}
        expr = phi.expr.subs(phi.defaults)
        first, second = (Expectation(f, q).subs(values) for f in (expr, expr**2))
        return (second + 2 * first * (-10)) / 100, sp.S.Zero

    return check_for_all(grows, among=EXAMPLES, relation=">", samples=4, claim="q² > q¹")


def _no_fixed_point() -> Verdict:
    def second(phi: Activation) -> tuple[sp.Expr, sp.Expr]:
        return Expectation(phi.expr.subs(phi.defaults) ** 2, q), sp.S.Zero

    return check_for_all(
        second, among=EXAMPLES, relation=">", samples=2, claim="⟨φ(h)²⟩ > 0 for q > 0"
    )


_LINEAR_VARIANCE = (1 + _NEXT) ** 2 * (_NEXT * _START + sigma_b**2)
_RELU_GAIN = _NEXT * (
    Expectation(sp.Max(0, x) ** 2, q) + 2 * Expectation(sp.Max(0, x), q) * sp.Symbol("mu")
)
_MU = sp.Symbol("mu", nonnegative=True)
CLAIMS = (
    Claim(
        "resnet.ii2-parameter",
        "section II.2, first sentence",
        r"c = \frac{1}{L} \sum_l \bigl\langle \phi'(h^l)^2 \bigr\rangle",
        lhs=sigma_w**2 * Expectation(sp.Heaviside(x) ** 2, q),
        rhs=Expectation(sp.Heaviside(x) ** 2, q),
        expected="refuted",
        assumptions="ReLU, all layers alike; c_l the squared spectral radius times L, eq. (21)",
        note="said in words: the squared derivative, averaged over units and layers; σ_w² is"
        " missing",
        correction=Claim(
            "resnet.ii2-parameter.corrected",
            "section II.2, first sentence",
            r"c = \frac{\sigma_w^2}{L} \sum_l \bigl\langle \phi'(h^l)^2 \bigr\rangle",
            lhs=lambda: MeanField("relu").chi,
            rhs=sigma_w**2 * Expectation(sp.Heaviside(x) ** 2, q),
            assumptions="ReLU",
        ),
    ),
    Claim(
        "resnet.ii2-pre-activation",
        "section II.2, eqs. (27) and (29)",
        r"q^{l+1} = \frac{\sigma_w^2}{L} \langle (x^l)^2 \rangle + \sigma_b^2",
        decide=lambda: check_each(_pre_activation, 1, 5),
        assumptions="W_ij of variance σ_w²/(LN), b_i of variance σ_b²; widths 1 to 5",
        note=LOST,
    ),
    Claim(
        "resnet.ii2-factorisation",
        "section II.2, before eq. (31)",
        r"\langle \phi(h^l) x^{l-1} \rangle = \langle \phi(h^l) \rangle \langle x^{l-1} \rangle",
        decide=lambda: check_each(_factorised, 1, 5, claim="for φ(h) = hⁿ"),
        assumptions="averaged over W and b at given x, for which every h_i has the same law;"
        " φ = hⁿ, width 3",
        note="assumed by the source for large N; averaged like this it holds at any N",
    ),
    Claim(
        "resnet.ii2-post-activation",
        "section II.2, eqs. (30) and (31)",
        r"\langle (x^l)^2 \rangle = \langle \phi^2 \rangle +"
        r" 2a\langle \phi \rangle\langle x^{l-1} \rangle + a^2 \langle (x^{l-1})^2 \rangle",
        lhs=lambda: _mean_square()[0],
        rhs=lambda: _mean_square()[1],
        assumptions="xˡ = φ(hˡ) + a xˡ⁻¹, width 3; the mean of φ(h)x as in"
        " resnet.ii2-factorisation",
        note=LOST,
    ),
    Claim(
        "resnet.ii2-mean",
        "section II.2, eqs. (32) and (33)",
        r"\langle x^l \rangle = \langle \phi(h^l) \rangle + a \langle x^{l-1} \rangle \Rightarrow"
        r" \langle x^l \rangle = a^l \langle x^0 \rangle"
        r" + \sum_{k=1}^{l} a^{l-k} \langle \phi(h^k) \rangle",
        decide=lambda: check_each(_mean_recursion, 1, 8),
        assumptions="depths 1 to 8",
        note=LOST,
    ),
    Claim(
        "resnet.ii2-recursion",
        "section II.2, eq. (35)",
        r"q^{l+1} = a^2 q^l + (1 - a^2)\sigma_b^2 + \frac{\sigma_w^2}{L}\Bigl("
        r"\mathbb{E}[\phi(\sqrt{q^l}z)^2] + 2a\, \mathbb{E}[\phi(\sqrt{q^l}z)]"
        r" \langle x^{l-1} \rangle\Bigr)",
        lhs=lambda: _closed_recursion()[0],
        rhs=lambda: _closed_recursion()[1],
        assumptions="from eqs. (29) and (31)",
        note=LOST,
    ),
    Claim(
        "resnet.ii2-feed-forward",
        "section II.2, after eq. (35)",
        r"a = 0 \Rightarrow q^{l+1} = \frac{\sigma_w^2}{L}"
        r" \mathbb{E}[\phi(\sqrt{q^l}z)^2] + \sigma_b^2",
        lhs=lambda: _closed_recursion()[1].subs(_A, 0),
        rhs=_NEXT * _SECOND + sigma_b**2,
        note="the recursion of feed-forward networks, but for the explicit 1/L",
    ),
    Claim(
        "resnet.ii2-bias-increments",
        "section II.2, after eq. (35)",
        r"a = 1 \Rightarrow \frac{\partial}{\partial \sigma_b}(q^{l+1} - q^l) = 0",
        lhs=lambda: sp.diff(_closed_recursion()[1].subs(_A, 1) - q, sigma_b),
        rhs=0,
        assumptions="at given q^l and ⟨x⟩",
    ),
    Claim(
        "resnet.ii2-bias",
        "section II.2, after eq. (35)",
        r"a = 1 \Rightarrow \frac{\partial q^l}{\partial \sigma_b} = 0",
        lhs=lambda: sp.diff(_LINEAR_VARIANCE, sigma_b),
        rhs=0,
        expected="refuted",
        assumptions="linear network, q³ from an input of mean square v",
        note="said to have no influence on the statistics of the pre-activations; the first layer"
        " has q¹ = (σ_w²/L)⟨(x⁰)²⟩ + σ_b², and all others start from it",
        correction=Claim(
            "resnet.ii2-bias.corrected",
            "section II.2, after eq. (35)",
            r"a = 1 \Rightarrow q^{l+1} - q^l = \frac{\sigma_w^2}{L}\Bigl("
            r"\mathbb{E}[\phi(\sqrt{q^l}z)^2] + 2\, \mathbb{E}[\phi(\sqrt{q^l}z)]"
            r" \langle x^{l-1} \rangle\Bigr)",
            lhs=lambda: _closed_recursion()[0].subs(_A, 1) - q,
            rhs=_NEXT * (_SECOND + 2 * _FIRST * _M),
            assumptions="no σ_b in the increments: the biases enter through q¹ alone",
        ),
    ),
    Claim(
        "resnet.ii2-second-term",
        "section II.2, after eq. (35)",
        r"2a\, \mathbb{E}[\phi(\sqrt{q^l}z)] \langle x^{l-1} \rangle \ge 0",
        decide=_second_term,
        expected="refuted",
        assumptions="for all activations of section II.3, a = 1; input of mean zero, second layer"
        " with q¹ = 1/2 and q² = 2, as large weights give it",
        note="the mean of SELU is negative for q < 1 and positive for q > 1",
        correction=Claim(
            "resnet.ii2-second-term.corrected",
            "section II.2, after eq. (35)",
            r"2\, \mathbb{E}[\phi(\sqrt{q^2}z)]\, \mathbb{E}[\phi(\sqrt{q^1}z)] \ge 0",
            lhs=2 * Expectation(sp.Max(0, x), q) * Expectation(sp.Max(0, x), _START),
            rhs=0,
            relation=">=",
            assumptions="ReLU, any q¹ and q²; leaky ReLU and sigmoid likewise, and the term is zero"
            " for the odd activations",
        ),
    ),
    Claim(
        "resnet.ii2-growth",
        "section II.2, after eq. (35)",
        r"q^{l+1} > q^l",
        decide=_growth,
        expected="refuted",
        assumptions="for all activations of section II.3, a = 1; an input of mean −10 and mean"
        " square 101, q¹ = 3, σ_w²/L = 1/100",
        note="the input's mean is not restricted in section II.2; the experiments have mean zero",
        correction=Claim(
            "resnet.ii2-growth.corrected",
            "section II.2, after eq. (35)",
            r"\langle x^{l-1} \rangle \ge 0 \Rightarrow q^{l+1} > q^l",
            lhs=lambda: _RELU_GAIN.subs(sp.Symbol("mu"), _MU),
            rhs=0,
            relation=">",
            assumptions="ReLU",
        ),
    ),
    Claim(
        "resnet.ii2-no-fixed-point",
        "section II.2, after eq. (35)",
        r"\mathbb{E}[\phi(\sqrt{q}z)^2] > 0",
        decide=_no_fixed_point,
        expected="not refuted",
        assumptions="for all activations of section II.3, a = 1: q and ⟨x⟩ are both at rest only"
        " if E[φ] = 0 and then E[φ²] = 0",
    ),
    Claim(
        "resnet.ii2-without-scaling",
        "section II.2, last remark on eq. (35)",
        r"\lim_{L \to \infty} (1 + \sigma_w^2)^{L-1} q^1 = \infty",
        lhs=sp.Limit((1 + sigma_w**2) ** (depth - 1) * _START, depth, sp.oo),
        rhs=sp.oo,
        assumptions="linear network whose weights lack the 1/L",
    ),
)
