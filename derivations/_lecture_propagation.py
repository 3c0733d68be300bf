"""The lecture's later slides: lengths, critical points, and the two classes of spectra."""

from __future__ import annotations

import math
from typing import Any

import sympy as sp

from freejac.derivations._checks import (
    HARD_TANH,
    Units,
    averaged,
    every,
    measured_moments,
    standard_normal,
)
from freejac.derivations._gaussian_entries import entries, mean_of_polynomial
from freejac.symbolic import laws
from freejac.symbolic.activation import Activation, activation
from freejac.symbolic.check import check
from freejac.symbolic.check_families import check_each, check_for_all
from freejac.symbolic.check_functions import check_law
from freejac.symbolic.check_numbers import check_estimate
from freejac.symbolic.claims import Claim, Skipped
from freejac.symbolic.derivative_law import general_law
from freejac.symbolic.ensembles import general
from freejac.symbolic.expectation import Expectation, expect
from freejac.symbolic.jacobian import Jacobian
from freejac.symbolic.symbols import depth, mu1, mu2, q, s1, sigma_b, sigma_w, x, z
from freejac.symbolic.verdict import Verdict

__all__ = ["CLAIMS", "SKIPPED"]

L = depth
d = sp.Symbol("d", positive=True)
"""The depth, as a real number."""
v = sp.Symbol("v", positive=True)
"""σ₀², the total variance."""
chi = sp.Symbol("chi", positive=True)

BEFORE, HERE = 3, 2
"""Widths n_{ℓ−1} and n_ℓ at which statements for all widths are tried."""


def _length(weight_variance: sp.Expr, bias_variance: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """Mean of n_ℓ⁻¹‖Wφ + b‖² over W and b, and the printed recursion; φ is the vector f."""
    outputs = entries("f", BEFORE)
    total, variances = sp.S.Zero, {}
    for unit in range(HERE):
        weights, (bias,) = entries(f"w_{unit}", BEFORE), entries(f"b_{unit}", 1)
        pre = bias + sum(w * f for w, f in zip(weights, outputs, strict=True))
        total += pre**2 / HERE
        variances |= dict.fromkeys(weights, weight_variance) | {bias: bias_variance}
    recursion = sigma_w**2 / BEFORE * sum(f**2 for f in outputs) + sigma_b**2
    return mean_of_polynomial(total, variances), recursion


def _bias_measured(simulate: Any, bias: float) -> Verdict:
    """One layer of 20 units behind outputs of mean square 1, at σ_w = σ_b = 1."""
    outputs = sp.lambdify([], "ones(20)", "numpy")()
    each = simulate.single_layer(outputs, size=20, draws=400, seed=8, weight=1 / 20, bias=bias)
    return check_estimate(*averaged(each), 2, claim="q = σ_w² + σ_b² = 2")


def _one_layer_jacobian() -> tuple[sp.Expr, sp.Expr]:
    """Mean over W of (1/N) tr JᵀJ, J = D W, and σ_w² times the mean of D²; N = 2."""
    weights = entries("w", 4)
    slopes = entries("s", 2)
    jacobian = sp.diag(*slopes) * sp.Matrix(2, 2, weights)
    trace = sp.trace(jacobian.T * jacobian) / 2
    mean = mean_of_polynomial(trace, dict.fromkeys(weights, sigma_w**2 / 2))
    return mean, sigma_w**2 * sum(s**2 for s in slopes) / 2


def _lengths_measured(simulate: Any) -> Verdict:
    """Five layers of tanh at σ_w = 3/2, σ_b = 1/2, from q = 2."""
    network = simulate.feed_forward(
        sp.lambdify(x, sp.tanh(x), "numpy"),
        sp.lambdify(x, 1 / sp.cosh(x) ** 2, "numpy"),
        width=500,
        depth=4,
        sigma_w=1.5,
        sigma_b=0.5,
        q1=2.0,
        draws=6,
        seed=9,
    )
    variance, verdicts = sp.Float(2), []
    for layer in range(4):
        measured = [float(value) for value in network.q[:, layer]]
        mean = sum(measured) / len(measured)
        error = (
            sum((m - mean) ** 2 for m in measured) / (len(measured) - 1) / len(measured)
        ) ** 0.5
        named = f"q of layer {layer + 1}"
        verdicts.append(check_estimate(mean, error, variance, bias=0.01, claim=named))
        variance = sp.Float(2.25) * Expectation(sp.tanh(x) ** 2, variance).evalf(15) + 0.25
    return every("the length map, layer by layer", *verdicts)


def _relu_fixed_point() -> sp.Expr:
    """What solves q = ½σ_w² q + σ_b²."""
    return sigma_b**2 / (1 - sigma_w**2 / 2)


def _curve(second: sp.Expr, slope: sp.Expr) -> Verdict:
    """σ_b² ≥ 0 along χ = 1, times E[φ′²]."""
    return check(q * Expectation(slope**2, q), Expectation(second, q), relation=">=")


def _curves() -> Verdict:
    inside = sp.Piecewise((1, sp.Abs(x) < 1), (0, True))
    return every(
        "hard tanh and erf",
        _curve(sp.Max(-1, sp.Min(1, x)) ** 2, inside),
        _curve(sp.erf(x) ** 2, 2 / sp.sqrt(sp.pi) * sp.exp(-(x**2))),
    )


def _grows(phi: Any) -> Any:
    if phi.name == "linear":
        return None
    return sp.Gt(Jacobian(phi, "orthogonal").variance_at_criticality, 0, evaluate=False)


def _two_valued() -> Verdict:
    """φ′² of hard tanh and shifted ReLU is 0 or 1: all its moments are the same."""

    def moments(name: str) -> Verdict:
        slope = activation(name).distribution(1)
        first = Expectation((slope**2).to_sympy(), q)
        return check_each(lambda k: (Expectation((slope ** (2 * k)).to_sympy(), q), first), 2, 4)

    return every("moments of φ′²", moments("hard_tanh"), moments("shifted_relu"))


def _limit(name: str) -> sp.Expr:
    return Jacobian(name, "orthogonal").depth_limit(sp.S.Half).s_transform


def _classes() -> Verdict:
    bernoulli, smooth = sp.exp(-z / (4 * (1 + z))), sp.exp(-z / 4)
    return every(
        "S in the limit",
        *(check(_limit(name), bernoulli) for name in ("hard_tanh", "shifted_relu")),
        *(check(_limit(name), smooth) for name in ("erf", "smoothed_relu")),
    )


def _bernoulli_limit() -> tuple[sp.Expr, sp.Expr]:
    """(S/S(0))ᴸ of orthogonal layers with p = L/(L + σ₀²), so that L(1−p)/p = σ₀²."""
    chance = d / (d + v)
    layer = sp.cancel(chance * (1 + z) / (z + chance))
    return sp.Limit(layer**d, d, sp.oo), sp.exp(-v * z / (1 + z))


def _spectra_measured(simulate: Any) -> Verdict:
    """Orthogonal networks with σ₀² = 1/4, L = 32, against the limiting laws' moments."""
    erf_units: Units = (
        lambda u: [math.erf(value) for value in u],
        sp.lambdify(x, 2 / sp.sqrt(sp.pi) * sp.exp(-(x**2)), "numpy"),
    )
    return every(
        "moments at L = 32",
        _spectrum(simulate, "hard_tanh", HARD_TANH, laws.bernoulli_limit(sp.Rational(1, 4))),
        _spectrum(simulate, "erf", erf_units, laws.smooth_limit(sp.Rational(1, 4))),
    )


def _spectrum(simulate: Any, name: str, units: Units, law: laws.Law) -> Verdict:
    layers, total = 32, 0.25
    phi = activation(name)
    variance = _variance_for(phi, total / layers)
    first, second = (
        float(expect(f, q).subs(q, variance)) for f in (phi.distribution(1) ** 2, phi.function**2)
    )
    network = simulate.feed_forward(
        *units,
        width=100,
        depth=layers,
        sigma_w=first**-0.5,
        sigma_b=(variance - second / first) ** 0.5,
        q1=variance,
        weights="orthogonal",
        draws=12,
        seed=10,
    )
    exact = {2: law.moment(2), 3: law.moment(3)}
    return measured_moments(network, exact, bias=0.03, claim=name)


def _variance_for(phi: Activation, relative: float) -> float:
    """The q at which μ_2/μ_1² − 1 has a given value, by bisection."""
    first, second = (expect(phi.distribution(1) ** (2 * k), q) for k in (1, 2))
    spread = sp.lambdify(q, second / first**2 - 1, "mpmath")
    low, high = 1e-4, 4.0
    for _ in range(40):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if spread(middle) < relative else (low, middle)
    return low


def _same_at_every_depth() -> Verdict:
    """S of one layer of either activation, in its own p; both have the same form."""

    def layer(name: str) -> Verdict:
        jacobian = Jacobian(name, "orthogonal")
        chance = jacobian.law.moment(1)
        return check(jacobian.layer_s_transform * sigma_w**2, (1 + z) / (z + chance))

    return every("S of one layer", layer("hard_tanh"), layer("shifted_relu"))


CLAIMS = (
    Claim(
        "lecture.weights-variance",
        "slide 'Norm of hidden layer output'",
        r"W^{(\ell)} \sim \mathcal{N}(0,\sigma_w^2/n_\ell):\quad"
        r" q^{(\ell)} = \sigma_w^2n_{\ell-1}^{-1}\|\phi(h^{(\ell-1)})\|_2^2 + \sigma_b^2",
        decide=lambda: check(*_length(sigma_w**2 / HERE, sigma_b**2)),
        assumptions="n_{ℓ−1} = 3, n_ℓ = 2, mean over W and b, b ~ N(0, σ_b²)",
        expected="refuted",
        note="the variance of a weight is divided by the number of its inputs, n_{ℓ−1}; where all "
        "widths are equal the two agree",
        correction=Claim(
            "lecture.weights-variance.corrected",
            "slide 'Norm of hidden layer output'",
            r"W^{(\ell)} \sim \mathcal{N}(0,\sigma_w^2/n_{\ell-1}):\quad"
            r" q^{(\ell)} = \sigma_w^2n_{\ell-1}^{-1}\|\phi(h^{(\ell-1)})\|_2^2 + \sigma_b^2",
            decide=lambda: check(*_length(sigma_w**2 / BEFORE, sigma_b**2)),
            assumptions="n_{ℓ−1} = 3, n_ℓ = 2",
        ),
    ),
    Claim(
        "lecture.bias-variance",
        "slide 'Norm of hidden layer output'",
        r"b^{(\ell)} \sim \mathcal{N}(0,\sigma_b^2/n_\ell):\quad"
        r" q^{(\ell)} = \sigma_w^2n_{\ell-1}^{-1}\|\phi(h^{(\ell-1)})\|_2^2 + \sigma_b^2",
        decide=lambda: check(*_length(sigma_w**2 / BEFORE, sigma_b**2 / HERE)),
        assumptions="n_{ℓ−1} = 3, n_ℓ = 2, mean over W and b",
        expected="refuted",
        note="a bias is not summed over: with this variance its share vanishes at large width",
        correction=Claim(
            "lecture.bias-variance.corrected",
            "slide 'Norm of hidden layer output'",
            r"b^{(\ell)} \sim \mathcal{N}(0,\sigma_b^2):\quad"
            r" q^{(\ell)} = \sigma_w^2n_{\ell-1}^{-1}\|\phi(h^{(\ell-1)})\|_2^2 + \sigma_b^2",
            decide=lambda: check(*_length(sigma_w**2 / BEFORE, sigma_b**2)),
            assumptions="n_{ℓ−1} = 3, n_ℓ = 2",
        ),
    ),
    Claim(
        "lecture.bias-measured",
        "slide 'Norm of hidden layer output'",
        r"b \sim \mathcal{N}(0,\sigma_b^2/n):\quad q = \sigma_w^2 + \sigma_b^2",
        experiment=lambda simulate: _bias_measured(simulate, 1 / 20),
        assumptions="σ_w = σ_b = 1, n = 20, outputs of mean square 1",
        expected="refuted",
        note="the same slip, seen in 400 drawn layers",
        correction=Claim(
            "lecture.bias-measured.corrected",
            "slide 'Norm of hidden layer output'",
            r"b \sim \mathcal{N}(0,\sigma_b^2):\quad q = \sigma_w^2 + \sigma_b^2",
            experiment=lambda simulate: _bias_measured(simulate, 1.0),
            expected="not refuted",
            note="a sample proves nothing; the proof is lecture.bias-variance.corrected",
        ),
    ),
    Claim(
        "lecture.length-map",
        "slide 'Norm of hidden layer output'",
        r"q^{(\ell)} = \sigma_w^2\int(2\pi)^{-1/2}\phi\bigl(\sqrt{q^{(\ell-1)}}z\bigr)^2"
        r"e^{-z^2/2}dz + \sigma_b^2",
        experiment=_lengths_measured,
        assumptions="φ = tanh, σ_w = 3/2, σ_b = 1/2, q¹ = 2",
        expected="not refuted",
        note="four layers: six networks of width 500, 0.01 allowed for the width",
    ),
    Claim(
        "lecture.fixed-point",
        "slide 'Norm of hidden layer output', the recursion has a fixed point",
        r"q^* = \frac{\sigma_b^2}{1-\sigma_w^2/2} \ge 0",
        lhs=_relu_fixed_point,
        rhs=0,
        relation=">=",
        where=(sp.Gt(sigma_b, 0), sp.Ne(sigma_w, sp.sqrt(2))),
        assumptions="φ = ReLU, any σ_w and σ_b > 0",
        expected="refuted",
        note="said of every φ, σ_w and σ_b; what solves the equation for ReLU is negative at "
        "σ_w² > 2, and a length is not",
        correction=Claim(
            "lecture.fixed-point.corrected",
            "slide 'Norm of hidden layer output'",
            r"\sigma_w^2 < 2:\quad q^* = \frac{\sigma_b^2}{1-\sigma_w^2/2}"
            r" = \tfrac12\sigma_w^2q^* + \sigma_b^2 \ge 0",
            decide=lambda: every(
                "the fixed point",
                check(sigma_w**2 * _relu_fixed_point() / 2 + sigma_b**2, _relu_fixed_point()),
                check(_relu_fixed_point(), 0, sp.Lt(sigma_w**2, 2), relation=">="),
            ),
            assumptions="φ = ReLU",
        ),
    ),
    Claim(
        "lecture.mean-singular-value",
        "slide 'Norm of hidden layer output'",
        r"\chi = \sigma_w^2\int\mathcal{D}z\,\phi'(\sqrt{q^*}z)^2 = \tfrac1N\operatorname{tr}J^TJ",
        decide=lambda: check(*_one_layer_jacobian()),
        assumptions="one layer, N = 2, Gaussian W; ∫ is the mean of D² over the units",
        note="the mean singular value of JᵀJ, which is the mean squared singular value of J",
    ),
    Claim(
        "lecture.vanishing",
        "figure 1",
        r"\chi < 1:\quad \chi^L \to 0",
        lhs=lambda: sp.Limit(chi**d, d, sp.oo).subs(chi, sp.Rational(9, 10)),
        rhs=0,
        assumptions="χ = 9/10",
        note="the mean squared gradient in the ordered phase",
    ),
    Claim(
        "lecture.exploding",
        "figure 1",
        r"\chi > 1:\quad \chi^{-L} \to 0",
        lhs=lambda: sp.Limit(chi ** (-d), d, sp.oo).subs(chi, sp.Rational(11, 10)),
        rhs=0,
        assumptions="χ = 11/10",
        note="the mean squared gradient grows without bound in the chaotic phase",
    ),
    Claim(
        "lecture.linear-growth",
        "slide 'Examples of moment generating functions', for all nonlinear activations",
        r"\mu_1\sigma_w^2 = 1:\quad \sigma_{JJ^T}^2 = cL,\ c > 0",
        decide=lambda: check_for_all(
            _grows,
            among=("relu", "hard_tanh", "erf", "leaky_relu(1/2)", "abs(x)"),
            claim="the variance grows with the depth",
        ),
        assumptions="orthogonal weights",
        expected="refuted",
        note="where |φ′| is constant D² is a multiple of the identity: φ = |x| is nonlinear and "
        "isometric",
        correction=Claim(
            "lecture.linear-growth.corrected",
            "slide 'Examples of moment generating functions'",
            r"\mu_1\sigma_w^2 = 1:\quad"
            r" \sigma_{JJ^T}^2 = L\Bigl(\frac{\mu_2}{\mu_1^2} - 1 - s_1\Bigr)",
            lhs=lambda: Jacobian(general_law(), general()).variance_at_criticality,
            rhs=L * (mu2 / mu1**2 - 1 - s1),
            note="zero if and only if φ′² is constant and s_1 = 0",
        ),
    ),
    Claim(
        "lecture.linear",
        "slide 'Examples of moment generating functions'",
        r"q^* = \sigma_w^2q^* + \sigma_b^2",
        lhs=lambda: (
            sigma_w**2 * standard_normal((sp.sqrt(q) * sp.Symbol("h", real=True)) ** 2) + sigma_b**2
        ),
        rhs=sigma_w**2 * q + sigma_b**2,
        assumptions="φ linear",
    ),
    Claim(
        "lecture.linear.critical",
        "slide 'Examples of moment generating functions'",
        r"(\sigma_w, \sigma_b) = (1, 0)",
        lhs=lambda: sigma_w**2 * q + sigma_b**2 - q,
        rhs=sigma_b**2,
        where=sp.Eq(sigma_w, 1),
        assumptions="φ linear, χ = σ_w² = 1",
        note="what the fixed point makes vanish is σ_b²; then every q* is a fixed point",
    ),
    Claim(
        "lecture.relu",
        "slide 'Examples of moment generating functions'",
        r"q^* = \tfrac12\sigma_w^2q^* + \sigma_b^2",
        lhs=lambda: sigma_w**2 * Expectation(sp.Max(0, x) ** 2, q) + sigma_b**2,
        rhs=sigma_w**2 * q / 2 + sigma_b**2,
        assumptions="φ = ReLU",
    ),
    Claim(
        "lecture.relu.critical",
        "slide 'Examples of moment generating functions'",
        r"(\sigma_w, \sigma_b) = (\sqrt2, 0)",
        lhs=lambda: sigma_w**2 * q / 2 + sigma_b**2 - q,
        rhs=sigma_b**2,
        where=sp.Eq(sigma_w, sp.sqrt(2)),
        assumptions="φ = ReLU, χ = σ_w²/2 = 1",
    ),
    Claim(
        "lecture.curves",
        "slide 'Examples of moment generating functions'",
        r"\chi = 1:\quad \sigma_b^2 = q^* - \frac{E[\phi^2]}{E[\phi'^2]} \ge 0",
        decide=_curves,
        assumptions="φ = hard tanh, erf; every q*",
        expected="not refuted",
        note="that the critical points are curves: each q* gives one",
    ),
    Claim(
        "lecture.relu-slopes",
        "figure 3",
        r"\frac{\partial}{\partial q^*}E[\phi'^{k}] = 0",
        decide=lambda: check_each(
            lambda k: (Expectation(sp.Heaviside(x) ** k, q), sp.S.Half), 1, 4
        ),
        assumptions="φ = ReLU",
        note="the law of φ′ is that of a fair coin at every q*; four moments",
    ),
    Claim(
        "lecture.other-slopes",
        "figure 3",
        r"\frac{\partial\mu_1}{\partial q^*} < 0",
        decide=lambda: every(
            "hard tanh and erf",
            check(sp.diff(sp.erf(1 / sp.sqrt(2 * q)), q), 0, relation="<"),
            check(sp.diff(4 / (sp.pi * sp.sqrt(1 + 4 * q)), q), 0, relation="<"),
            check(Expectation(4 / sp.pi * sp.exp(-2 * x**2), q), 4 / (sp.pi * sp.sqrt(1 + 4 * q))),
        ),
        assumptions="φ = hard tanh, erf",
        note="their laws of φ′ do depend on q*",
    ),
    Claim(
        "lecture.relu-spectrum",
        "figure 3, no stable limiting distribution",
        r"\sigma_{JJ^T}^2 = L",
        lhs=lambda: Jacobian("relu", "orthogonal").variance_at_criticality,
        rhs=L,
        assumptions="φ = ReLU, orthogonal weights, χ = 1",
        note="no choice of q* keeps the variance bounded as L grows",
    ),
    Claim(
        "lecture.bernoulli-slopes",
        "figure 4",
        r"E[\phi'^{2k}] = p(q^*)",
        decide=_two_valued,
        assumptions="φ = hard tanh, shifted ReLU; k ≤ 4",
    ),
    Claim(
        "lecture.classes",
        "figure 4",
        r"S_{JJ^T} \to e^{-\sigma_0^2z/(1+z)},\ e^{-\sigma_0^2z}",
        decide=_classes,
        assumptions="L → ∞ at σ₀² = 1/4, orthogonal weights, χ = 1",
        note="hard tanh and shifted ReLU share the first, erf and smoothed ReLU the second",
    ),
    Claim(
        "lecture.bernoulli-limit",
        "figure 4, the first class",
        r"\lim_{L\to\infty}\Bigl(\frac{p(1+z)}{z+p}\Bigr)^L = e^{-\sigma_0^2z/(1+z)},\quad"
        r" \frac{L(1-p)}{p} = \sigma_0^2",
        lhs=lambda: _bernoulli_limit()[0],
        rhs=lambda: _bernoulli_limit()[1],
        where={z: (0, 1)},
    ),
    Claim(
        "lecture.limit-variance",
        "figure 4",
        r"\sigma_0^2 = 1/4",
        decide=lambda: every(
            "m_1 and m_2 of both limits",
            check_law(s=sp.exp(-z / (4 * (1 + z))), moments=[1, sp.Rational(5, 4)]),
            check_law(s=sp.exp(-z / 4), moments=[1, sp.Rational(5, 4)]),
        ),
    ),
    Claim(
        "lecture.same-rate",
        "figure 4",
        r"S_{JJ^T}^{\text{hard tanh}} = S_{JJ^T}^{\text{shifted ReLU}}"
        r" = \Bigl(\frac{p(1+z)}{z+p}\Bigr)^L",
        decide=_same_at_every_depth,
        assumptions="orthogonal weights, χ = 1, the same p",
        note="the rates of convergence are said to be similar: the laws agree at every depth",
    ),
    Claim(
        "lecture.spectra-measured",
        "figure 4",
        r"m_k(L) \to m_k(\infty)",
        experiment=_spectra_measured,
        assumptions="σ₀² = 1/4, orthogonal weights, χ = 1, L = 32",
        expected="not refuted",
        note="hard tanh and erf, k = 2, 3: twelve networks of width 100 each, 3 % allowed for "
        "width and depth",
    ),
    Claim(
        "lecture.limits-differ",
        "figure 4, two classes",
        r"m_3 = \tfrac{51}{32} \ne \tfrac{59}{32}",
        lhs=lambda: laws.bernoulli_limit(sp.Rational(1, 4)).moment(3),
        rhs=lambda: laws.smooth_limit(sp.Rational(1, 4)).moment(3),
        relation="!=",
        assumptions="σ₀² = 1/4",
    ),
)

SKIPPED = (
    Skipped("slide 'Norm of hidden layer output', q as an average", "definition"),
    Skipped("slide 'Norm of hidden layer output', the second equation for q*", "definition of q*"),
    Skipped(
        "slide 'Norm of hidden layer output', φ(√(q z))",
        "the square and the radical of the fixed-point equation are garbled by the scan; the "
        "recursion above it has them right",
    ),
    Skipped("slide 'Edge of chaos curves'", "a picture; its mean χᵈ is lecture.mean-measured"),
    Skipped(
        "slide 'Examples of moment generating functions', the table",
        "an image, not in the text; problem set 4 has its entries for ReLU and hard tanh",
    ),
    Skipped("figure 3, the histograms", "pictures"),
    Skipped(
        "figure 4, rates of erf and smoothed ReLU", "said of curves in a picture, without a number"
    ),
    Skipped("figure 4, L = 8192", "solutions of an equation of the paper that is not printed here"),
    Skipped("last slide", "prose, repeating the slides before"),
)
