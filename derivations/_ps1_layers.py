"""Problem set 1, problems 1 and 2: one layer of random weights, and its wide limit."""

from __future__ import annotations

from typing import Any

import sympy as sp

from freejac.derivations._gaussian_entries import entries, mean_of_polynomial
from freejac.derivations._network_samples import FUNCTIONS, check_layers
from freejac.symbolic.activation import Activation
from freejac.symbolic.check import check, check_chain
from freejac.symbolic.check_families import check_each
from freejac.symbolic.claims import Claim
from freejac.symbolic.expectation import Expectation, expect
from freejac.symbolic.mean_field import MeanField
from freejac.symbolic.symbols import q, sigma_b, sigma_w, x
from freejac.symbolic.verdict import Verdict, weakest

__all__ = ["CLAIMS"]

_SIGMA = sp.Symbol("sigma", positive=True)
_V = sp.Symbol("v", positive=True)
_N = sp.Symbol("N", integer=True, positive=True)
_Y = sp.Symbol("y", real=True)
_WIDTHS = (1, 6)
_ONE = sp.Integer(1)


def _unit(width: int, variance: sp.Expr, bias: sp.Expr = sp.S.Zero) -> tuple[sp.Expr, Any]:
    """Build h = Σ W_j x_j + b, W_j of the given variance and x_j of v, and list what varies."""
    weights, inputs = entries("W", width), entries("x", width)
    b = sp.Symbol("b", real=True)
    h = sum(w * u for w, u in zip(weights, inputs, strict=True)) + b
    return h, {**dict.fromkeys(weights, variance), **dict.fromkeys(inputs, _V), b: bias}


def _second_moment(width: int, variance: sp.Expr, bias: sp.Expr = sp.S.Zero) -> sp.Expr:
    h, variances = _unit(width, variance, bias)
    return mean_of_polynomial(h**2, variances)


def _mean_is_zero() -> Verdict:
    return check_each(lambda n: (mean_of_polynomial(*_unit(n, _SIGMA**2)), 0), *_WIDTHS)


def _variance() -> Verdict:
    return check_each(lambda n: (_second_moment(n, _SIGMA**2), n * _SIGMA**2 * _V), *_WIDTHS)


def _variance_chain() -> Verdict:
    """The steps of problem 1 (a) for four inputs, each mean taken by itself."""
    weights, inputs = entries("W", 4), entries("x", 4)
    h, variances = _unit(4, _SIGMA**2)

    def mean(f: sp.Expr) -> sp.Expr:
        return mean_of_polynomial(f, variances)

    pairs = [(i, j) for i in range(4) for j in range(4)]
    return check_chain(
        mean(h**2),
        sum(mean(weights[i] * weights[j]) * mean(inputs[i] * inputs[j]) for i, j in pairs),
        sum(mean(w**2) * mean(u**2) for w, u in zip(weights, inputs, strict=True)),
        _SIGMA**2 * sum(mean(u**2) for u in inputs),
    )


def _deep_variance(depth: int) -> tuple[sp.Expr, sp.Expr]:
    """Variance of a unit behind `depth` linear layers of width 2, and (Nσ²)ˡ v."""
    inputs = entries("x", 2)
    variances: dict[sp.Symbol, sp.Expr] = dict.fromkeys(inputs, _V)
    signal = list(inputs)
    for layer in range(1, depth + 1):
        rows = [entries(f"W{layer}{row}", 2) for row in range(2)]
        variances |= {w: _SIGMA**2 for row in rows for w in row}
        signal = [sum(w * u for w, u in zip(row, signal, strict=True)) for row in rows]
    return mean_of_polynomial(signal[0] ** 2, variances), (2 * _SIGMA**2) ** depth * _V


def _two_terms() -> tuple[sp.Expr, sp.Expr, sp.Expr]:
    """⟨h²⟩, ⟨(W_1 x_1)²⟩ + ⟨b²⟩ and ⟨(Σ W x)²⟩ + ⟨b²⟩ for two inputs."""
    h, variances = _unit(2, sigma_w**2 / 2, sigma_b**2)
    first = sp.Mul(*[s for s in variances if s.name in {"W_1", "x_1"}])
    bias = next(s for s in variances if s.name == "b")
    means = [mean_of_polynomial(f**2, variances) for f in (h, first, h - bias, bias)]
    return means[0], means[1] + means[3], means[2] + means[3]


def _bias_share() -> Verdict:
    def added(n: int) -> tuple[sp.Expr, sp.Expr]:
        with_bias = _second_moment(n, sigma_w**2 / n, sigma_b**2)
        return with_bias - _second_moment(n, sigma_w**2 / n), sigma_b**2

    return check_each(added, *_WIDTHS)


def _recurrence(*, with_bias: bool) -> Verdict:
    """The chain of problem 2 (c) for three inputs; its first link is printed without the bias."""
    h, variances = _unit(3, sigma_w**2 / 3, sigma_b**2)
    bias = next(s for s in variances if s.name == "b")
    weighted = mean_of_polynomial((h - bias) ** 2, variances)
    first = weighted + (mean_of_polynomial(bias**2, variances) if with_bias else 0)
    return check_chain(
        mean_of_polynomial(h**2, variances),
        first,
        weighted + sigma_b**2,
        sigma_w**2 / 3 * (3 * _V) + sigma_b**2,
        sigma_w**2 * _V + sigma_b**2,
    )


def _fourth_moment(width: int) -> sp.Expr:
    """⟨h_1² h_2²⟩ of two units that share inputs of variance v, weights of variance σ_w²/N."""
    first, second, inputs = entries("W", width), entries("V", width), entries("x", width)
    variances = {
        **dict.fromkeys((*first, *second), sigma_w**2 / width),
        **dict.fromkeys(inputs, _V),
    }
    one, two = (sum(w * u for w, u in zip(r, inputs, strict=True)) for r in (first, second))
    return mean_of_polynomial(one**2 * two**2, variances)


def _shared_inputs() -> Verdict:
    cases = check_each(
        lambda n: (_fourth_moment(n), sigma_w**4 * _V**2 * (1 + 2 / sp.Integer(n))), 1, 4
    )
    gap = sp.Limit(sigma_w**4 * _V**2 * (1 + 2 / _N), _N, sp.oo)
    return weakest("two units decorrelate", (cases, check(gap, (sigma_w**2 * _V) ** 2)))


def _finite_variance() -> Verdict:
    def bounded(phi: Activation) -> tuple[sp.Expr, sp.Expr]:
        return Expectation(phi.expr**2, q), q + 1

    members = (MeanField(name).phi for name in ("sigmoid", "relu", "tanh"))
    steps = (check(*bounded(phi), relation="<=", samples=4) for phi in members)
    return weakest("⟨φ(h)²⟩ ≤ ⟨h²⟩ + 1", tuple(steps), "activation")


def _propagation(simulate: Any) -> Verdict:
    """q^l of tanh networks of width 120 against the iterated length map."""
    weight, bias, start, depth = 1.5, 0.5, 2.0, 4
    phi, slope = FUNCTIONS["tanh"]
    net = simulate.feed_forward(
        phi,
        slope,
        width=120,
        depth=depth,
        sigma_w=weight,
        sigma_b=bias,
        q1=start,
        seed=11,
        draws=24,
    )
    length_map = MeanField("tanh").length_map.subs({sigma_w: weight, sigma_b: bias})
    expected = [start]
    while len(expected) < depth:
        expected.append(float(length_map.subs(q, sp.Float(expected[-1], 20)).evalf(15)))
    # the recursion holds for N → ∞; at width N it is off by a term of relative order 1/N
    return check_layers(net.q, expected, "q^l of networks follows the recursion", bias=3 / 120)


def _standard_measure(name: str) -> Verdict:
    """E over N(0, q) of φ(h)² and over the standard normal of φ(√q y)²."""
    f = MeanField(name).phi.expr
    return check(expect(f**2, q), expect(f.subs(x, sp.sqrt(q) * x) ** 2, _ONE))


_DENSITY = sp.exp(-(x**2) / (2 * q)) / sp.sqrt(2 * sp.pi * q)


def _standard_density(at: sp.Expr) -> sp.Expr:
    return sp.exp(-(at**2) / 2) / sp.sqrt(2 * sp.pi)


_SCALED = Claim(
    "ps1.1b-scaled-weights.corrected",
    "problem 1 (b)",
    r"\langle (h_i^l)^2 \rangle = \sigma_w^2 \langle (h_i^{l-1})^2 \rangle",
    decide=lambda: check_each(
        lambda n: (_second_moment(n, sigma_w**2 / n), sigma_w**2 * _V), *_WIDTHS
    ),
    assumptions="identity activation, no biases, W_ij of variance σ_w²/N",
    note="the factor per layer no longer depends on N, and is 1 for σ_w = 1 alone",
)

CLAIMS = (
    Claim(
        "ps1.1a-mean",
        "problem 1 (a)",
        r"\langle h_i^l \rangle = \sum_j \langle W_{ij}^l \rangle \langle x_j^{l-1} \rangle = 0",
        decide=_mean_is_zero,
        assumptions="W_ij independent, centred, of variance σ²; no biases; widths 1 to 6",
    ),
    Claim(
        "ps1.1a-variance",
        "problem 1 (a)",
        r"\langle (h_i^l)^2 \rangle = N \sigma^2 \operatorname{Var}(h_i^{l-1})",
        decide=_variance,
        assumptions="identity activation, W_ij of variance σ², no biases; widths 1 to 6",
    ),
    Claim(
        "ps1.1a-chain",
        "problem 1 (a)",
        r"\Bigl\langle \Bigl(\sum_j W_{ij}^l x_j^{l-1}\Bigr)^2 \Bigr\rangle ="
        r" \sum_{jj'} \langle W_{ij}^l W_{ij'}^l \rangle \langle x_j^{l-1} x_{j'}^{l-1} \rangle ="
        r" \sum_j \langle (W_{ij}^l)^2 \rangle \langle (x_j^{l-1})^2 \rangle ="
        r" \sigma^2 \sum_j \langle (x_j^{l-1})^2 \rangle",
        decide=_variance_chain,
        assumptions="W_ij independent, centred, of variance σ², no biases; width 4",
    ),
    Claim(
        "ps1.1a-unit-variance",
        "problem 1 (a), reason given for the fifth line",
        r"\langle (W_{ij}^l)^2 \rangle = 1",
        lhs=Expectation(x**2, _SIGMA**2),
        rhs=1,
        expected="refuted",
        assumptions="W_ij of variance σ²",
        note="the line itself has the right factor σ²; its reason says unit variance",
        correction=Claim(
            "ps1.1a-unit-variance.corrected",
            "problem 1 (a)",
            r"\langle (W_{ij}^l)^2 \rangle = \sigma^2",
            lhs=Expectation(x**2, _SIGMA**2),
            rhs=_SIGMA**2,
        ),
    ),
    Claim(
        "ps1.1a-depth",
        "problem 1 (a), last sentence",
        r"\operatorname{Var}(h_i^l) = (N\sigma^2)^l \operatorname{Var}(h_i^0)",
        decide=lambda: check_each(_deep_variance, 1, 3),
        assumptions="identity activation, W_ij of variance σ²; width 2, depths 1 to 3",
    ),
    Claim(
        "ps1.1b-scaled-weights",
        "problem 1 (b)",
        r"W^l \sim \mathcal{N}(0, \sigma_w^2/N) \Rightarrow"
        r" \operatorname{Var}(h_i^l) = \operatorname{Var}(h_i^{l-1})",
        lhs=lambda: _second_moment(3, sigma_w**2 / 3),
        rhs=_V,
        expected="refuted",
        assumptions="identity activation, no biases; width 3",
        note="the problem asks for variances that do not change with the number of layers; the"
        " scaling takes away N, not σ_w²",
        correction=_SCALED,
    ),
    Claim(
        "ps1.1c-bias-equation",
        "problem 1 (c), eq. (3)",
        r"\langle (h_i^l)^2 \rangle ="
        r" \langle (W_{ij}^l x_j^{l-1})^2 \rangle + \langle (b_i^l)^2 \rangle",
        lhs=lambda: _two_terms()[0],
        rhs=lambda: _two_terms()[1],
        expected="refuted",
        assumptions="W_ij of variance σ_w²/N; width 2",
        note="the sum over j is missing; the source writes its sums elsewhere",
        correction=Claim(
            "ps1.1c-bias-equation.corrected",
            "problem 1 (c), eq. (3)",
            r"\langle (h_i^l)^2 \rangle = \Bigl\langle \Bigl(\sum_j W_{ij}^l x_j^{l-1}\Bigr)^2"
            r" \Bigr\rangle + \langle (b_i^l)^2 \rangle",
            lhs=lambda: _two_terms()[0],
            rhs=lambda: _two_terms()[2],
        ),
    ),
    Claim(
        "ps1.1c-bias-width",
        "problem 1 (c)",
        r"\langle (h_i^l)^2 \rangle\big|_{b} - \langle (h_i^l)^2 \rangle\big|_{b=0} = \sigma_b^2",
        decide=_bias_share,
        assumptions="b_i of variance σ_b², whatever N; widths 1 to 6",
    ),
    Claim(
        "ps1.2a-length",
        "problem 2 (a)",
        r"|h^l| = \sum_{i=1}^N (h_i^l)^2",
        lhs=lambda: sp.Matrix(entries("h", 2)).norm(),
        rhs=lambda: sum(h**2 for h in entries("h", 2)),
        expected="refuted",
        assumptions="N = 2",
        note="called the Euclidean magnitude; it is its square",
        correction=Claim(
            "ps1.2a-length.corrected",
            "problem 2 (a)",
            r"|h^l|^2 = \sum_{i=1}^N (h_i^l)^2",
            lhs=lambda: sp.Matrix(entries("h", 2)).norm() ** 2,
            rhs=lambda: sum(h**2 for h in entries("h", 2)),
        ),
    ),
    Claim(
        "ps1.2c-recurrence",
        "problem 2 (c)",
        r"\langle (h_i^l)^2 \rangle = \Bigl\langle \Bigl(\sum_j W_{ij}^l x_j^{l-1}\Bigr)^2"
        r" \Bigr\rangle = \dots = \sigma_w^2 \langle (x^{l-1})^2 \rangle + \sigma_b^2",
        decide=lambda: _recurrence(with_bias=False),
        expected="refuted",
        assumptions="W_ij of variance σ_w²/N, b_i of variance σ_b²; width 3",
        note="the first link lacks the bias, which the second brings back",
        correction=Claim(
            "ps1.2c-recurrence.corrected",
            "problem 2 (c)",
            r"\langle (h_i^l)^2 \rangle = \Bigl\langle \Bigl(\sum_j W_{ij}^l x_j^{l-1}\Bigr)^2"
            r" \Bigr\rangle + \langle (b_i^l)^2 \rangle = \dots ="
            r" \sigma_w^2 \langle (x^{l-1})^2 \rangle + \sigma_b^2",
            decide=lambda: _recurrence(with_bias=True),
        ),
    ),
    Claim(
        "ps1.2d-finite-variance",
        "problem 2 (d), ii",
        r"\langle h^2 \rangle < \infty \Rightarrow \langle \phi(h)^2 \rangle < \infty",
        decide=_finite_variance,
        assumptions="φ one of sigmoid, ReLU, tanh; checked as ⟨φ²⟩ ≤ ⟨h²⟩ + 1",
    ),
    Claim(
        "ps1.2d-independence",
        "problem 2 (d), iv",
        r"\langle (h_1^l)^2 (h_2^l)^2 \rangle = \langle (h_1^l)^2 \rangle\langle (h_2^l)^2 \rangle",
        lhs=lambda: _fourth_moment(3),
        rhs=(sigma_w**2 * _V) ** 2,
        expected="refuted",
        assumptions="units of one layer, linear, Gaussian inputs; width 3",
        note="the units share their inputs, so that they are independent given these, and"
        " otherwise in the limit of infinite width alone",
        correction=Claim(
            "ps1.2d-independence.corrected",
            "problem 2 (d), iv",
            r"\langle (h_1^l)^2 (h_2^l)^2 \rangle = \left(1 + \tfrac{2}{N}\right)"
            r" \langle (h_1^l)^2 \rangle\langle (h_2^l)^2 \rangle \to"
            r" \langle (h_1^l)^2 \rangle\langle (h_2^l)^2 \rangle",
            decide=_shared_inputs,
            assumptions="as above; widths 1 to 4, and the limit of the formula",
        ),
    ),
    Claim(
        "ps1.2e-density",
        "problem 2 (e)",
        r"p_{h^{l-1}}(x) = \tfrac{1}{\sqrt{2\pi q^{l-1}}} e^{-x^2/2q^{l-1}}"
        r" = \tfrac{1}{\sqrt{q^{l-1}}} \rho\bigl(x/\sqrt{q^{l-1}}\bigr)",
        lhs=_DENSITY,
        rhs=_standard_density(x / sp.sqrt(q)) / sp.sqrt(q),
    ),
    Claim(
        "ps1.2e-standard-measure",
        "problem 2 (e)",
        r"\int dx\, \phi(x)^2 p_{h^{l-1}}(x) = \int dy\, \phi(y\sqrt{q^{l-1}})^2 \rho(y)",
        decide=lambda: weakest(
            "change of variables",
            tuple(_standard_measure(name) for name in ("linear", "relu", "hard_tanh", "erf")),
            "activation",
        ),
        assumptions="checked for linear, ReLU, hard tanh and erf",
    ),
    Claim(
        "ps1.2e-length-map",
        "problem 2 (e), last equation",
        r"q^l = \sigma_w^2 \int dy\, \phi(y\sqrt{q^{l-1}})^2 \rho(y) + \sigma_b^2",
        lhs=lambda: MeanField("erf").length_map,
        rhs=sigma_w**2 * Expectation(sp.erf(sp.sqrt(q) * x) ** 2, _ONE) + sigma_b**2,
        assumptions="checked for erf, whose length map is elementary",
    ),
    Claim(
        "ps1.2e-networks",
        "problem 2 (b), (c) and (e)",
        r"q^l = \tfrac{1}{N}\sum_i (h_i^l)^2 \to"
        r" \sigma_w^2 \langle \phi(h^{l-1})^2 \rangle + \sigma_b^2",
        experiment=_propagation,
        slow=True,
        expected="not refuted",
        assumptions="tanh, σ_w = 3/2, σ_b = 1/2, 24 networks of width 120, layers 1 to 4",
    ),
)
