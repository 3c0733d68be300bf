"""Problem set 4, problem 2: linear networks."""

from __future__ import annotations

from typing import Any

import sympy as sp

from freejac.derivations._checks import (
    IDENTITY,
    averaged,
    every,
    matrices_agree,
    rotation,
    standard_normal,
)
from freejac.derivations._gaussian_entries import entries, mean_of_polynomial
from freejac.derivations._ps4_jacobian import chain_rule
from freejac.symbolic.check import check
from freejac.symbolic.check_numbers import check_estimate
from freejac.symbolic.claims import Claim, Skipped
from freejac.symbolic.symbols import depth, sigma_w, z
from freejac.symbolic.verdict import Verdict

__all__ = ["CLAIMS", "SKIPPED"]

L = depth
s, t, u = sp.symbols("s t u", real=True)
d = sp.Symbol("d", positive=True)


def _mean_squared_singular_value() -> sp.Expr:
    weights = entries("w", 9)
    matrix = sp.Matrix(3, 3, weights)
    trace = sp.trace(matrix.T * matrix) / 3
    return mean_of_polynomial(trace, dict.fromkeys(weights, sigma_w**2 / 3))


def _largest(layers: sp.Expr) -> sp.Expr:
    """λ_max of a linear Gaussian network at σ_w = 1: M⁻¹ at its critical point z = 1/L."""
    return (layers + 1) ** (layers + 1) / layers**layers


def _largest_is_edge() -> Verdict:
    inverse = (1 + z) ** (L + 1) / z
    return every(
        "λ_max",
        check(sp.diff(inverse, z).subs(z, 1 / L), 0),
        check(inverse.subs(z, 1 / L), _largest(L)),
    )


def _largest_measured(simulate: Any) -> Verdict:
    """Finite width leaves the largest eigenvalue a few per cent off its limit."""
    verdicts = []
    for layers in (1, 3, 6):
        network = simulate.feed_forward(*IDENTITY, width=300, depth=layers, draws=3, seed=layers)
        exact = _largest(sp.Integer(layers))
        largest = averaged(network.eigenvalues[:, -1])
        allowed = 0.15 * float(exact)
        verdicts.append(check_estimate(*largest, exact, bias=allowed, claim=f"L = {layers}"))
    return every("λ_max grows like e L", *verdicts)


def _scaled(power: int) -> sp.Matrix:
    return sigma_w ** (2 * power) * sp.eye(2)


def _orthogonal_product() -> Verdict:
    product = sp.eye(2)
    for parameter in (t, u, s):
        product = sigma_w * rotation(parameter) * product
    return matrices_agree("JJᵀ = σ_w⁶", product * product.T, _scaled(3))


CLAIMS = (
    Claim(
        "ps4.2a.jacobian",
        "problem 2(a)",
        r"J = \prod_{l=1}^{L} W^l",
        decide=lambda: chain_rule(sp.S.Zero),
        assumptions="φ(x) = x",
        note="two layers of two units",
    ),
    Claim(
        "ps4.2b.factor",
        "problem 2(b), solution",
        r"W = \sigma_w^2 O,\quad W^T W = \sigma_w^2 I",
        decide=lambda: matrices_agree(
            "WᵀW = σ_w²", (sigma_w**2 * rotation(t)).T * (sigma_w**2 * rotation(t)), _scaled(1)
        ),
        assumptions="O orthogonal",
        expected="refuted",
        note="each W is called orthogonal up to the factor σ_w²; it is so up to σ_w",
        correction=Claim(
            "ps4.2b.factor.corrected",
            "problem 2(b), solution",
            r"W = \sigma_w O,\quad W^T W = \sigma_w^2 I",
            decide=lambda: matrices_agree(
                "WᵀW = σ_w²", (sigma_w * rotation(t)).T * (sigma_w * rotation(t)), _scaled(1)
            ),
        ),
    ),
    Claim(
        "ps4.2b.product-factor",
        "problem 2(b), solution",
        r"J = \sigma_w^{2L} O,\quad JJ^T = \sigma_w^{2L} I",
        lhs=sigma_w ** (2 * L) * sigma_w ** (2 * L),
        rhs=sigma_w ** (2 * L),
        assumptions="O orthogonal",
        expected="refuted",
        note="the same slip for the product: J is orthogonal up to σ_wᴸ",
        correction=Claim(
            "ps4.2b.product-factor.corrected",
            "problem 2(b), solution",
            r"J = \sigma_w^{L} O,\quad JJ^T = \sigma_w^{2L} I",
            lhs=sigma_w**L * sigma_w**L,
            rhs=sigma_w ** (2 * L),
        ),
    ),
    Claim(
        "ps4.2b.spectrum",
        "problem 2(b)",
        r"JJ^T = \sigma_w^{2L} I",
        decide=_orthogonal_product,
        assumptions="Wˡ = σ_w Oˡ, φ linear",
        note="three layers of two units, every rotation; so all singular values are σ_wᴸ",
    ),
    Claim(
        "ps4.2b.isometry",
        "problem 2(b)",
        r"\sigma_w = 1 \Rightarrow \sigma_w^L = 1",
        lhs=sigma_w**L,
        rhs=1,
        where=sp.Eq(sigma_w, 1),
        note="at every depth",
    ),
    Claim(
        "ps4.2c.chi",
        "problem 2(c)",
        r"\chi = \sigma_w^2 \int \mathcal{D}h\, \phi'(\sqrt{q^*} h)^2 = \sigma_w^2",
        lhs=lambda: sigma_w**2 * standard_normal(sp.S.One),
        rhs=sigma_w**2,
        assumptions="φ(x) = x",
    ),
    Claim(
        "ps4.2c.layer",
        "problem 2(c)",
        r"\chi = \langle\tfrac1N\operatorname{tr}W^TW\rangle = \sigma_w^2",
        decide=lambda: check(_mean_squared_singular_value(), sigma_w**2),
        assumptions="Gaussian W of variance σ_w²/N, N = 3",
        note="the mean squared singular value of a layer, from the weights themselves",
    ),
    Claim(
        "ps4.2c.unit-mean",
        "problem 2(c)",
        r"\chi = 1 \Rightarrow \sigma_w = 1",
        lhs=sigma_w,
        rhs=1,
        where=sp.Eq(sigma_w**2, 1),
    ),
    Claim(
        "ps4.2c.edge",
        "problem 2(c), from eq. (13) of the paper",
        r"\lambda_{\max} = \frac{(L+1)^{L+1}}{L^L}",
        decide=_largest_is_edge,
        assumptions="Gaussian weights, σ_w = 1, φ linear",
        note="the problem set refers to the paper for λ_max; here it is the critical point of "
        "M⁻¹(z) = (1+z)^{L+1}/z",
    ),
    Claim(
        "ps4.2c.growth",
        "problem 2(c)",
        r"\lim_{L\to\infty} \frac{\lambda_{\max}}{L} = e",
        lhs=lambda: sp.Limit(_largest(d) / d, d, sp.oo),
        rhs=sp.E,
        assumptions="Gaussian weights, σ_w = 1, φ linear",
        note="the source says that λ_max scales linearly with L",
    ),
    Claim(
        "ps4.2c.growth-measured",
        "problem 2(c)",
        r"\lambda_{\max} = O(L)",
        experiment=_largest_measured,
        assumptions="Gaussian weights, σ_w = 1, φ linear",
        expected="not refuted",
        note="three networks of width 300 each at L = 1, 3, 6 against (L+1)^{L+1}/Lᴸ, 15 % allowed "
        "for the width",
    ),
)


SKIPPED = (
    Skipped("problem 2(b), ensembles", "definition; σ_m for σ_w is an artefact of the scan"),
    Skipped(
        "problem 2(c), eq. (13) of the paper",
        "not printed in the source; what it is used for is ps4.2c.edge and ps4.2c.growth",
    ),
    Skipped(
        "problem 2(c), last sentence",
        "prose; what is measurable in it is the variance, ps4.4e.critical",
    ),
)
