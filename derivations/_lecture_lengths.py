"""The lecture's slides on lengths: the recursion, its fixed points, and critical points."""

from __future__ import annotations

from typing import Any

import sympy as sp

from freejac.derivations._checks import (
    averaged,
    every,
    patiently,
    positive_from_end,
    standard_normal,
)
from freejac.derivations._gaussian_entries import entries, mean_of_polynomial
from freejac.derivations._ps4_nonlinearities import hard_tanh_curve
from freejac.symbolic.check import check
from freejac.symbolic.check_numbers import check_estimate
from freejac.symbolic.claims import Claim, Skipped
from freejac.symbolic.expectation import Expectation
from freejac.symbolic.mean_field import MeanField
from freejac.symbolic.symbols import c, q, sigma_b, sigma_w, x
from freejac.symbolic.verdict import Verdict

__all__ = ["CLAIMS", "SKIPPED"]

BEFORE, HERE = 3, 2
"""Widths n_{ℓ−1} and n_ℓ at which statements for all widths are tried."""


def _length(weight_variance: sp.Expr, bias_variance: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """Mean of n_ℓ⁻¹‖Wφ + b‖² over W and b, and the printed recursion; φ is the vector f."""
    outputs = entries("f", BEFORE)
    total = sp.S.Zero
    variances: dict[sp.Symbol, sp.Expr] = {}
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


def _erf_curve() -> Verdict:
    """σ_b² E[φ′²] > 0 along χ = 1: it rises from 0 at q = 0."""
    slope = 4 / (sp.pi * sp.sqrt(1 + 4 * q))
    second = 2 / sp.pi * sp.asin(2 * q / (1 + 2 * q))
    rise = 16 * q**2 / (sp.pi * (1 + 2 * q) * (1 + 4 * q) ** sp.Rational(3, 2))
    return every(
        "erf",
        patiently(Expectation(4 / sp.pi * sp.exp(-2 * x**2), q), slope),
        patiently(Expectation(sp.erf(x) ** 2, q), second),
        positive_from_end(q * slope - second, rise, q, sp.S.Zero),
    )


def _correlation_slope() -> tuple[sp.Expr, sp.Expr]:
    """Slope at c = 1 of the correlation map, whose denominator is q* there; and χ."""
    field = MeanField("erf")
    slope = sp.diff(sigma_w**2 * field.dual, c).subs(c, 1) / q
    return slope, sigma_w**2 * Expectation(4 / sp.pi * sp.exp(-2 * x**2), q)


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
        "widths are equal the two agree (the first slide gives W the shape n_ℓ × n_ℓ)",
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
        r"q^* = \sigma_w^2\int(2\pi)^{-1/2}\phi\bigl(\sqrt{q^{(*)}}z\bigr)^2e^{-z^2/2}dz"
        r" + \sigma_b^2,\quad q^* \ge 0",
        lhs=_relu_fixed_point,
        rhs=0,
        relation=">=",
        where=(sp.Gt(sigma_b, 0), sp.Ne(sigma_w, sp.sqrt(2))),
        assumptions="φ = ReLU, any σ_w and σ_b > 0",
        expected="refuted",
        note="said of every φ, σ_w and σ_b; for ReLU the left side here, σ_b²/(1 − σ_w²/2), alone "
        "solves the equation, and it is negative at σ_w² > 2, which a length is not",
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
        "lecture.correlation-slope",
        "slides 'Spectrum of the Jacobian' and the last",
        r"\frac{\partial c^{(\ell)}}{\partial c^{(\ell-1)}}\Big|_{c=1} = \chi",
        decide=lambda: check(*_correlation_slope()),
        assumptions="φ = erf, q = q* a fixed point",
        note="χ decides whether correlations leave the fixed point c = 1",
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
        r"\chi = 1:\quad \sigma_b^2 = q^* - \frac{E[\phi^2]}{E[\phi'^2]} > 0",
        decide=lambda: every("hard tanh and erf", hard_tanh_curve(), _erf_curve()),
        assumptions="φ = hard tanh, erf; every q*",
        note="that the critical points are curves: each q* gives one",
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
)
