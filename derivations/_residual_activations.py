"""Residual networks, section II.3: cumulants and recursions of the activations worked out there.

Skip weight a = 1, as the section says. Every closed form is compared with the Gaussian mean that it
stands for.
"""

from __future__ import annotations

import sympy as sp

from freejac.symbolic.activation import Activation
from freejac.symbolic.check import check
from freejac.symbolic.check_families import check_each, check_for_all
from freejac.symbolic.claims import Claim
from freejac.symbolic.expectation import Expectation, expect
from freejac.symbolic.functions import Phi, sigmoid
from freejac.symbolic.mean_field import MeanField
from freejac.symbolic.symbols import cumulant, depth, q, sigma_w, x
from freejac.symbolic.verdict import Verdict, weakest

__all__ = ["CLAIMS"]

_ALPHA = sp.Symbol("alpha", positive=True)
_SCALE = sp.Symbol("lambda", positive=True)
_START = sp.Symbol("q_1", positive=True)
_G = sp.Symbol("G")
_Z = sp.Symbol("z")
_SHARE = sigma_w**2 / depth
_S = sp.Symbol("s", positive=True)

_RELU = sp.Max(0, x)
_STEP = sp.Piecewise((1, x > 0), (0, True))
_LEAKY = sp.Piecewise((x, x > 0), (_ALPHA * x, True))
_LEAKY_SLOPE = sp.Piecewise((1, x > 0), (_ALPHA, True))
_CLIP = sp.Min(1, sp.Max(-1, x))
_CLIP_SLOPE = sp.Piecewise((1, (x > -1) & (x < 1)), (0, True))
_SELU = sp.Piecewise((_SCALE * x, x > 0), (_SCALE * _ALPHA * (sp.exp(x) - 1), True))
_SELU_SLOPE = sp.Piecewise((_SCALE, x > 0), (_SCALE * _ALPHA * sp.exp(x), True))

_LEAKY_CUMULANT = sigma_w**2 * (1 + _ALPHA**2) / 2
_INSIDE = sp.erf(1 / sp.sqrt(2 * q))
_TAIL = sp.exp(q / 2) * Phi(-sp.sqrt(q))
_TAIL_SQUARE = sp.exp(2 * q) * Phi(-2 * sp.sqrt(q))
_SELU_MEAN = _SCALE * (sp.sqrt(q / (2 * sp.pi)) + _ALPHA * (_TAIL - sp.Rational(1, 2)))
_SELU_SQUARE = _SCALE**2 * (q / 2 + _ALPHA**2 * (_TAIL_SQUARE - 2 * _TAIL + sp.Rational(1, 2)))
_SELU_CUMULANT = sigma_w**2 * _SCALE**2 * (sp.Rational(1, 2) + _ALPHA**2 * _TAIL_SQUARE)

_RELU_POINT = {_SCALE: 1, _ALPHA: 0}
_LOST = "the formula is lost in the text; restored"


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


def _is_odd(phi: Activation) -> bool:
    f = phi.expr
    return all(sp.N(f.subs(x, v) + f.subs(x, -v), 15) == 0 for v in (sp.Rational(1, 3), 2, 5))


def _odd_means() -> Verdict:
    def mean(phi: Activation) -> tuple[sp.Expr, sp.Expr]:
        return Expectation(phi.expr, q), sp.S.Zero

    return check_for_all(mean, _is_odd, samples=4, claim="E[φ] = 0 for odd φ")


def _sigmoid_frozen(layer: int) -> tuple[sp.Expr, sp.Expr]:
    """Eq. (48) with E[φ²] kept at its first value, summed, and eq. (49); input of mean zero."""
    second = sp.Symbol("F_2", positive=True)
    variance = _START
    for k in range(1, layer):
        variance += _SHARE * (second + sp.Rational(k - 1, 2))
    printed = _START + _SHARE * ((layer - 1) * second + sp.Rational((layer - 1) * (layer - 2), 4))
    return sp.expand(variance), sp.expand(printed)


def _sigmoid_mean(layer: int) -> tuple[sp.Expr, sp.Expr]:
    centre = sp.S.Zero
    for _ in range(layer):
        centre += MeanField("sigmoid").mean
    return centre, sp.Rational(layer, 2)


def _sigmoid_square(layer: int) -> Verdict:
    """⟨(xˡ)²⟩ − ⟨(xˡ⁻¹)²⟩ = E[φ²] + ⟨xˡ⁻¹⟩ of a sigmoid network is positive."""
    growth = Expectation(sigmoid(x) ** 2, q) + sp.Rational(layer - 1, 2)
    return check(growth, 0, relation=">", samples=3)


def _saturation() -> Verdict:
    """The leading power of E[φ′²] at large q is q^(−1/2): c_l tends to zero."""
    series = MeanField("sigmoid").series("mu_1", sp.oo, 1)
    return check(sp.Limit(series.truncated(), q, sp.oo), 0)


def _linear_growth() -> tuple[sp.Expr, sp.Expr]:
    """The limit of q^L of an odd activation, φ(h) = h, and what eq. (46) says at l = L."""
    limit = sp.Limit((1 + _SHARE) ** (depth - 1) * _START, depth, sp.oo)
    return limit, _START + sigma_w**2 * expect(x**2).subs(q, _START)


def _reductions(selu: sp.Expr, relu: sp.Expr) -> Verdict:
    """SELU's formula at λ = 1, α = 0 against ReLU's mean."""
    return check(selu.subs(_RELU_POINT), relu)


CLAIMS = (
    Claim(
        "resnet.ii3-linear",
        "section II.3, linear",
        r"\phi(x) = x \Rightarrow c = \sigma_w^2",
        lhs=sigma_w**2 * Expectation(sp.diff(x, x) ** 2, q),
        rhs=sigma_w**2,
        note=_LOST,
    ),
    Claim(
        "resnet.ii3-relu",
        "section II.3, ReLU, eq. (36)",
        r"\phi'(x) = \theta(x) \Rightarrow c = \tfrac{1}{2} \sigma_w^2",
        lhs=sigma_w**2 * Expectation(_STEP**2, q),
        rhs=sigma_w**2 / 2,
        note=_LOST,
    ),
    Claim(
        "resnet.ii3-leaky-relu",
        "section II.3, leaky ReLU, eq. (37)",
        r"c = \tfrac{1}{2} \sigma_w^2 (1 + \alpha^2)",
        lhs=sigma_w**2 * Expectation(_LEAKY_SLOPE**2, q),
        rhs=_LEAKY_CUMULANT,
        note=_LOST,
    ),
    Claim(
        "resnet.ii3-leaky-green",
        "section II.3, eq. (38)",
        r"G = (zG - 1)\, e^{\frac{\sigma_w^2}{2}(1 + \alpha^2)(1 - 2zG)}",
        lhs=lambda: _green(sigma_w**2 * expect(_LEAKY_SLOPE**2)),
        rhs=(_Z * _G - 1) * sp.exp(sigma_w**2 / 2 * (1 + _ALPHA**2) * (1 - 2 * _Z * _G)),
        note=_LOST,
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
        note=_LOST,
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
        note=_LOST,
    ),
    Claim(
        "resnet.ii3-leaky-recursion",
        "section II.3, eq. (39)",
        r"q^{l+1} = q^l + \frac{\sigma_w^2}{L}\Bigl(\frac{1 + \alpha^2}{2} q^l"
        r" + \frac{(1 - \alpha)^2}{\pi} \sum_{k<l} \sqrt{q^k q^l}\Bigr)",
        decide=lambda: check_each(_leaky_recursion, 1, 4),
        assumptions="an input of mean zero; layers 1 to 4; linear and ReLU are α = 1 and α = 0",
        note=_LOST,
    ),
    Claim(
        "resnet.ii3-linear-solution",
        "section II.3, eq. (40)",
        r"q^l = \Bigl(1 + \frac{\sigma_w^2}{L}\Bigr)^{l-1} q^1",
        decide=lambda: check_each(_linear_solution, 1, 8),
        assumptions="φ(x) = x; layers 1 to 8",
        note=_LOST,
    ),
    Claim(
        "resnet.ii3-linear-limit",
        "section II.3, after eq. (40)",
        r"\lim_{L \to \infty} q^L = e^{\sigma_w^2} q^1",
        lhs=sp.Limit((1 + _SHARE) ** (depth - 1) * _START, depth, sp.oo),
        rhs=sp.exp(sigma_w**2) * _START,
        assumptions="the scaling by 1/L keeps it finite",
    ),
    Claim(
        "resnet.ii3-hard-tanh",
        "section II.3, hard tanh, eq. (41)",
        r"c_l = \sigma_w^2 \operatorname{erf}\Bigl(\frac{1}{\sqrt{2q^l}}\Bigr)",
        lhs=sigma_w**2 * Expectation(_CLIP_SLOPE**2, q),
        rhs=sigma_w**2 * _INSIDE,
        note=_LOST,
    ),
    Claim(
        "resnet.ii3-hard-tanh-recursion",
        "section II.3, hard tanh, eq. (42)",
        r"q^{l+1} = q^l + \frac{\sigma_w^2}{L}\Bigl(1 - \sqrt{\tfrac{2q^l}{\pi}} e^{-1/2q^l}"
        r" + (q^l - 1)\operatorname{erf}\bigl(\tfrac{1}{\sqrt{2q^l}}\bigr)\Bigr)",
        lhs=q + _SHARE * Expectation(_CLIP**2, q),
        rhs=q + _SHARE * (1 - sp.sqrt(2 * q / sp.pi) * sp.exp(-1 / (2 * q)) + (q - 1) * _INSIDE),
        note=_LOST,
    ),
    Claim(
        "resnet.ii3-hard-tanh-mean",
        "section II.3, hard tanh",
        r"\mathbb{E}[\phi] = 0",
        lhs=Expectation(_CLIP, q),
        rhs=0,
    ),
    Claim(
        "resnet.ii3-tanh-mean",
        "section II.3, tanh, eq. (43)",
        r"\mathbb{E}[\tanh] = 0",
        lhs=Expectation(sp.tanh(x), q),
        rhs=0,
        assumptions="the last term of eq. (35) vanishes",
    ),
    Claim(
        "resnet.ii3-odd-means",
        "section II.3, after eq. (46)",
        r"\phi(-x) = -\phi(x) \Rightarrow \mathbb{E}[\phi] = 0",
        decide=_odd_means,
        expected="not refuted",
        assumptions="for all odd φ of the library",
    ),
    Claim(
        "resnet.ii3-tanh-linear-growth",
        "section II.3, tanh, eqs. (44) to (46)",
        r"q^l \to q^1 + \frac{(l-1)\sigma_w^2}{L} \mathbb{E}[\phi(\sqrt{q^1}z)^2]"
        r" \quad (L \to \infty)",
        lhs=lambda: _linear_growth()[0],
        rhs=lambda: _linear_growth()[1],
        expected="refuted",
        assumptions="l = L; said of every antisymmetric φ with the behaviour of tanh near zero:"
        " φ(h) = h",
        note="lost, restored; the conditions around eq. (45) are lost as well. Over L layers q"
        " changes by an amount of order one, so that E[φ²] may not be kept at its first value",
        correction=Claim(
            "resnet.ii3-tanh-linear-growth.corrected",
            "section II.3, tanh, eqs. (44) to (46)",
            r"q^l = q^1 + \frac{(l-1)\sigma_w^2}{L} \mathbb{E}[\phi(\sqrt{q^1}z)^2]"
            r" + O(\sigma_w^4)",
            lhs=_START * (1 + _S / depth) ** 5,
            rhs=_START + 5 * _S / depth * _START + sp.O(_S**2),
            assumptions="φ(h) = h, l = 6, s = σ_w²: right for small weights, not for deep networks;"
            " the limit of deep networks is the solution of dQ/dt = σ_w² E[φ(√Q z)²], here"
            " q¹ exp(σ_w²), as resnet.ii3-linear-limit says",
        ),
    ),
    Claim(
        "resnet.ii3-sigmoid-mean",
        "section II.3, sigmoid, eq. (47)",
        r"\mathbb{E}[\phi(\sqrt{q}z)] = \tfrac{1}{2}",
        lhs=Expectation(sigmoid(x), q),
        rhs=sp.Rational(1, 2),
        assumptions="any q",
        note=_LOST,
    ),
    Claim(
        "resnet.ii3-sigmoid-recursion",
        "section II.3, sigmoid, eq. (48)",
        r"q^{l+1} = q^l + \frac{\sigma_w^2}{L}\bigl(\mathbb{E}[\phi(\sqrt{q^l}z)^2]"
        r" + \langle x^{l-1} \rangle\bigr)",
        lhs=lambda: (
            _SHARE * (sp.Symbol("F_2") + 2 * MeanField("sigmoid").mean * sp.Symbol("m", real=True))
        ),
        rhs=_SHARE * (sp.Symbol("F_2") + sp.Symbol("m", real=True)),
        assumptions="from eq. (35), m for ⟨x⟩",
        note=_LOST,
    ),
    Claim(
        "resnet.ii3-sigmoid-growing-mean",
        "section II.3, sigmoid",
        r"\langle x^l \rangle = \tfrac{l}{2}",
        decide=lambda: check_each(_sigmoid_mean, 1, 8),
        assumptions="an input of mean zero: the mean of the post-activations grows with depth",
    ),
    Claim(
        "resnet.ii3-sigmoid-growing-square",
        "section II.3, sigmoid",
        r"\langle (x^l)^2 \rangle > \langle (x^{l-1})^2 \rangle",
        decide=lambda: check_each(_sigmoid_square, 1, 3),
        assumptions="an input of mean zero; layers 1 to 3, any q",
    ),
    Claim(
        "resnet.ii3-sigmoid-approximation",
        "section II.3, sigmoid, eq. (49)",
        r"q^l \approx q^1 + \frac{\sigma_w^2}{L}\Bigl((l-1)\, \mathbb{E}[\phi(\sqrt{q^1}z)^2]"
        r" + \frac{(l-1)(l-2)}{4}\Bigr)",
        decide=lambda: check_each(_sigmoid_frozen, 1, 9),
        assumptions="E[φ²] kept at its first value, as for tanh; layers 1 to 9",
        note=_LOST,
    ),
    Claim(
        "resnet.ii3-sigmoid-approximation-error",
        "section II.3, sigmoid, eq. (49)",
        r"\mathbb{E}[\phi(\sqrt{q^l}z)^2] \le \tfrac{1}{2}",
        lhs=Expectation(sigmoid(x) ** 2, q),
        rhs=sp.Rational(1, 2),
        relation="<=",
        expected="not refuted",
        assumptions="so that eq. (49) is off by σ_w²/2 at most, while q^L grows like σ_w²L/4",
        note="not printed",
    ),
    Claim(
        "resnet.ii3-sigmoid-saturation",
        "section II.3, sigmoid",
        r"\lim_{q \to \infty} \mathbb{E}[\phi'(\sqrt{q}z)^2] = 0",
        decide=_saturation,
        assumptions="by the leading term of the exact series at large q",
    ),
    Claim(
        "resnet.ii3-sigmoid-cumulant",
        "section II.3, sigmoid",
        r"\lim_{q \to 0} c_l = \tfrac{1}{16} \sigma_w^2",
        lhs=lambda: MeanField("sigmoid").series("chi", terms=2).coefficient(0),
        rhs=sigma_w**2 / 16,
        assumptions="by the exact series at small q",
        note="not printed; φ′(0) = 1/4",
    ),
    Claim(
        "resnet.ii3-selu-mean",
        "section II.3, SELU, eq. (50)",
        r"\mathbb{E}[\phi] = \lambda\Bigl(\sqrt{\tfrac{q}{2\pi}}"
        r" + \alpha\bigl(e^{q/2} \Phi(-\sqrt{q}) - \tfrac{1}{2}\bigr)\Bigr)",
        lhs=Expectation(_SELU, q),
        rhs=_SELU_MEAN,
        note=_LOST,
    ),
    Claim(
        "resnet.ii3-selu-square",
        "section II.3, SELU, eq. (51)",
        r"\mathbb{E}[\phi^2] = \lambda^2\Bigl(\tfrac{q}{2} + \alpha^2\bigl(e^{2q} \Phi(-2\sqrt{q})"
        r" - 2 e^{q/2} \Phi(-\sqrt{q}) + \tfrac{1}{2}\bigr)\Bigr)",
        lhs=Expectation(_SELU**2, q),
        rhs=_SELU_SQUARE,
        note=_LOST,
    ),
    Claim(
        "resnet.ii3-selu-cumulant",
        "section II.3, SELU, eq. (52)",
        r"c_l = \sigma_w^2 \lambda^2\Bigl(\tfrac{1}{2}"
        r" + \alpha^2 e^{2q^l} \Phi\bigl(-2\sqrt{q^l}\bigr)\Bigr)",
        lhs=sigma_w**2 * Expectation(_SELU_SLOPE**2, q),
        rhs=_SELU_CUMULANT,
        note=_LOST,
    ),
    Claim(
        "resnet.ii3-selu-to-relu",
        "section II.3, SELU, last remark",
        r"\lambda = 1,\ \alpha = 0:\quad \mathbb{E}[\phi] = \sqrt{\tfrac{q}{2\pi}},"
        r" \mathbb{E}[\phi^2] = \tfrac{q}{2},\ c = \tfrac{1}{2}\sigma_w^2",
        decide=lambda: weakest(
            "SELU becomes ReLU",
            (
                _reductions(_SELU_MEAN, MeanField("relu").mean),
                _reductions(_SELU_SQUARE, MeanField("relu").second_moment),
                _reductions(_SELU_CUMULANT, MeanField("relu").chi),
            ),
            "formula",
        ),
    ),
    Claim(
        "resnet.abstract-any-activation",
        "title and abstract",
        r"c_l < \infty \text{ for any } \phi",
        lhs=lambda: sp.Limit(sigma_w**2 * expect(sp.diff(sp.erf(x / _S), x) ** 2), _S, 0, "+"),
        rhs=cumulant,
        expected="refuted",
        assumptions="c finite, φ = sign(x), the limit of erf(x/s) for s → 0",
        note="a jump makes c_l infinite; the activations of the paper have none",
        correction=Claim(
            "resnet.abstract-any-activation.corrected",
            "title and abstract",
            r"\phi \text{ without jumps},\ |\phi'| \le K \Rightarrow c_l \le K^2 \sigma_w^2",
            lhs=sigma_w**2 * Expectation(_SELU_SLOPE**2, q),
            rhs=sigma_w**2 * _SCALE**2 * (1 + _ALPHA**2),
            relation="<=",
            expected="not refuted",
            assumptions="checked for SELU, whose slope is at most λ max(1, α)",
        ),
    ),
)
