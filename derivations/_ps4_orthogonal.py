"""Problem set 4, problem 5: orthogonal weights, and when they achieve dynamical isometry."""

from __future__ import annotations

from typing import Any

import sympy as sp

from freejac.derivations._checks import HARD_TANH, every, geometric, measured_moments, patiently
from freejac.derivations._ps4_gaussian import gaussian_inverse_mgf, second_moment_measured
from freejac.derivations._ps4_nonlinearities import (
    hard_tanh_second_moment,
    linear_probability,
    probability_chain,
)
from freejac.symbolic.check import check, check_chain
from freejac.symbolic.check_functions import check_inverse, check_law
from freejac.symbolic.claims import Claim, Skipped
from freejac.symbolic.derivative_law import bernoulli
from freejac.symbolic.jacobian import Jacobian
from freejac.symbolic.symbols import depth, p, q, sigma_w, z
from freejac.symbolic.verdict import Verdict

__all__ = ["CLAIMS", "SKIPPED"]

L = depth
y = sp.Symbol("z", real=True)
"""The argument of series: real z, which determines the coefficients."""
d = sp.Symbol("d", positive=True)
"""The depth, as a real number."""
MEAN = (p * sigma_w**2) ** L
FACTOR = (1 - p) / p


def _jacobian() -> Jacobian:
    return Jacobian(bernoulli(), "orthogonal")


def _hard_tanh_measured(simulate: Any) -> Verdict:
    """Hard tanh on the line χ = 1, at L = 6: the smaller q*, the smaller the variance."""
    verdicts = []
    for variance in (sp.Rational(1, 2), sp.Rational(1, 8)):
        chance = linear_probability().subs(q, variance)
        bias = variance - hard_tanh_second_moment().subs(q, variance) / chance
        network = simulate.feed_forward(
            *HARD_TANH,
            width=120,
            depth=6,
            sigma_w=float(chance) ** -0.5,
            sigma_b=float(bias) ** 0.5,
            q1=float(variance),
            weights="orthogonal",
            draws=40,
            seed=5,
        )
        second = 1 + 6 * (1 - chance) / chance
        named = f"q = {variance}"
        verdicts.append(measured_moments(network, {2: second}, bias=0.03, claim=named))
    return every("m_2 of JJᵀ", *verdicts)


def _along_the_line() -> Verdict:
    """σ_w and σ_b² where χ = 1, as q → 0."""
    chance = linear_probability()
    return every(
        "σ_w → 1 and σ_b → 0",
        check(sp.Limit(1 / sp.sqrt(chance), q, 0), 1),
        check(sp.Limit(q - hard_tanh_second_moment() / chance, q, 0), 0),
    )


CLAIMS = (
    Claim(
        "ps4.5a.identity-mgf",
        "problem 5(a)",
        r"M_I(z) = \sum_{k\ge1} z^{-k} = \frac{1}{z-1}",
        decide=lambda: geometric(1 / (z - 1), sp.S.One, sp.S.One),
        note="all moments of the identity are 1; every coefficient: zM = 1 + M",
    ),
    Claim(
        "ps4.5a.identity-inverse",
        "problem 5(a)",
        r"M_I^{-1}(z) = \frac{1+z}{z}",
        decide=lambda: check_inverse(1 / (z - 1), (1 + z) / z, z, domain=()),
    ),
    Claim(
        "ps4.5a.identity-s",
        "problem 5(a)",
        r"S_I = \frac{1+z}{z}\cdot\frac{z}{1+z} = 1",
        lhs=(1 + z) / (z * ((1 + z) / z)),
        rhs=1,
        note="the first link is (1+z)/(z M⁻¹)",
    ),
    Claim(
        "ps4.5a.scaled-mgf",
        "problem 5(a)",
        r"M_{\sigma_w^2I}(z) = \frac{1}{z/\sigma_w^2 - 1}",
        decide=lambda: geometric(1 / (z / sigma_w**2 - 1), sigma_w**2, sigma_w**2),
        note="its moments are σ_w^{2k}, k = 1, 2, …: zM = σ_w²(1 + M)",
    ),
    Claim(
        "ps4.5a.scaled-inverse",
        "problem 5(a)",
        r"M_{\sigma_w^2I}^{-1}(z) = \sigma_w^2\,\frac{z+1}{z}",
        decide=lambda: check_inverse(
            1 / (z / sigma_w**2 - 1), sigma_w**2 * (z + 1) / z, z, domain=()
        ),
    ),
    Claim(
        "ps4.5a.s",
        "problem 5(a)",
        r"S_{WW^T} = S_{\sigma_w^2I} = \sigma_w^{-2}",
        decide=lambda: check_law(mgf=1 / (z / sigma_w**2 - 1), s=sigma_w**-2),
    ),
    Claim(
        "ps4.5b.s",
        "eq. (24)",
        r"S_{JJ^T} = S_{WW^T}^L S_{D^2}^L = \sigma_w^{-2L}\Bigl(\frac{z+1}{z+p(q^*)}\Bigr)^L",
        lhs=(sigma_w**-2) ** L * ((z + 1) / (z + p)) ** L,
        rhs=sigma_w ** (-2 * L) * ((z + 1) / (z + p)) ** L,
    ),
    Claim(
        "ps4.5b.inverse",
        "eq. (25)",
        r"M_{JJ^T}^{-1}(z) = \frac{z+1}{z}\,S_{JJ^T}^{-1}"
        r" = \frac{z+1}{z}\Bigl(\frac{z+1}{z+p(q^*)}\Bigr)^{-L}\sigma_w^{2L}",
        lhs=lambda: gaussian_inverse_mgf(sigma_w ** (-2 * L) * ((z + 1) / (z + p)) ** L),
        rhs=(z + 1) / z * ((z + 1) / (z + p)) ** (-L) * sigma_w ** (2 * L),
    ),
    Claim(
        "ps4.5c.series",
        "problem 5(c)",
        r"(z+1)\Bigl(\frac{z+1}{z+p}\Bigr)^{-L}\sigma_w^{2L}"
        r" = p^L\sigma_w^{2L} + z\,p^{L-1}\sigma_w^{2L}(L + p - Lp) + \cdots",
        decide=lambda: patiently(
            (y + 1) * ((y + 1) / (y + p)) ** (-L),
            p**L + y * p ** (L - 1) * (L + p - L * p) + sp.O(y**2),
        ),
        note="σ_w^{2L} is a common factor, left out",
    ),
    Claim(
        "ps4.5c.mean",
        "problem 5(c)",
        r"m_1 = (p(q^*)\sigma_w^2)^L",
        lhs=lambda: _jacobian().moment(1),
        rhs=MEAN,
        note="against the engine's moment, from S",
    ),
    Claim(
        "ps4.5c.second",
        "problem 5(c)",
        r"m_2 = \frac{m_1^2(L + p - Lp)}{p} = m_1^2\Bigl(1 + \frac{L - Lp}{p}\Bigr)",
        decide=lambda: check_chain(
            _jacobian().moment(2),
            MEAN**2 * (L + p - L * p) / p,
            MEAN**2 * (1 + (L - L * p) / p),
        ),
    ),
    Claim(
        "ps4.5c.variance",
        "eq. (26) and the last line of 5(c)",
        r"\sigma_{JJ^T}^2 = m_2 - m_1^2 = \frac{L - Lp}{p} = \frac{1-p(q^*)}{p(q^*)}L",
        decide=lambda: check_chain(
            _jacobian().variance.subs(sigma_w, 1 / sp.sqrt(p)), (L - L * p) / p, FACTOR * L
        ),
        assumptions="χ = σ_w² p = 1",
        note="eq. (26) is asked for large L; it holds at every L",
    ),
    Claim(
        "ps4.5d.relu",
        "problem 5(d)",
        r"\sigma_{JJ^T} = L",
        lhs=lambda: sp.sqrt(Jacobian("relu", "orthogonal").variance_at_criticality),
        rhs=L,
        assumptions="φ = ReLU, χ = 1",
        expected="refuted",
        note="a square is missing: L is the variance, not its root",
        correction=Claim(
            "ps4.5d.relu.corrected",
            "problem 5(d)",
            r"\sigma_{JJ^T}^2 = L",
            lhs=lambda: Jacobian("relu", "orthogonal").variance_at_criticality,
            rhs=L,
            assumptions="φ = ReLU, χ = 1",
        ),
    ),
    Claim(
        "ps4.5d.relu-measured",
        "problem 5(d)",
        r"m_2 = 1 + L",
        experiment=lambda simulate: second_moment_measured(
            simulate, "orthogonal", {n: sp.Integer(1 + n) for n in (2, 4, 8)}
        ),
        assumptions="φ = ReLU, (σ_w, σ_b) = (√2, 0)",
        expected="not refuted",
        note="L = 2, 4, 8: 60 networks of width 120 each, 2 % a layer allowed for the width",
    ),
    Claim(
        "ps4.5d.unbounded",
        "problem 5(d)",
        r"\lim_{L\to\infty} \sigma_{JJ^T}^{-2} = 0",
        lhs=lambda: sp.Limit(
            1 / sp.Symbol("d", positive=True), sp.Symbol("d", positive=True), sp.oo
        ),
        rhs=0,
        assumptions="φ = ReLU, χ = 1",
        note="the variance grows without bound",
    ),
    Claim(
        "ps4.5e.factor",
        "problem 5(e)",
        r"\lim_{p\to1} \frac{1-p}{p} = 0",
        lhs=lambda: sp.Limit(FACTOR, p, 1),
        rhs=0,
    ),
    Claim(
        "ps4.5e.probability",
        "problem 5(e)",
        r"p(q^*) = \operatorname{erf}\bigl((2q^*)^{-1/2}\bigr)",
        decide=lambda: every(
            "p of hard tanh",
            probability_chain(),
            check(sp.erf((2 * q) ** sp.Rational(-1, 2)), linear_probability()),
        ),
    ),
    Claim(
        "ps4.5e.range",
        "problem 5(e)",
        r"p(q^*) \in [0, 1]",
        decide=lambda: every(
            "0 ≤ p ≤ 1",
            check(linear_probability(), 0, relation=">="),
            check(linear_probability(), 1, relation="<="),
        ),
        assumptions="φ = hard tanh",
    ),
    Claim(
        "ps4.5e.limit",
        "problem 5(e)",
        r"\lim_{q^*\to0} p(q^*) = 1",
        lhs=lambda: sp.Limit(linear_probability(), q, 0),
        rhs=1,
    ),
    Claim(
        "ps4.5e.monotone",
        "problem 5(e)",
        r"\frac{dp}{dq^*} < 0",
        lhs=lambda: sp.diff(linear_probability(), q),
        rhs=0,
        relation="<",
        note="p rises towards 1 as q* falls",
    ),
    Claim(
        "ps4.5e.line",
        "problem 5(e)",
        r"q^* \to 0:\quad \sigma_w \to 1,\ \sigma_b \to 0",
        decide=_along_the_line,
        assumptions="φ = hard tanh, χ = 1",
    ),
    Claim(
        "ps4.5e.isometry",
        "problem 5(e)",
        r"\lim_{q^*\to0} L\,\frac{1-p(q^*)}{p(q^*)} = 0",
        lhs=lambda: sp.Limit(L * FACTOR.subs(p, linear_probability()), q, 0),
        rhs=0,
        note="at every depth",
    ),
    Claim(
        "ps4.5e.measured",
        "problem 5(e)",
        r"m_2 = 1 + L\,\frac{1-p(q^*)}{p(q^*)}",
        experiment=_hard_tanh_measured,
        assumptions="φ = hard tanh, orthogonal weights, χ = 1",
        expected="not refuted",
        note="L = 6, q* = 1/2 and 1/8: 40 networks of width 120 each, 3 % allowed for the width",
    ),
)

SKIPPED = (
    Skipped("problem 5(a), WWᵀ = σ_w² I", "definition of the ensemble; see ps4.2b.spectrum"),
    Skipped(
        "problem 5(c), M⁻¹ = m_1/z + m_2/m_1 + …",
        "repeats eq. (15), which is ps4.4d.inversion",
    ),
    Skipped("problem 5(d), last sentence", "prose, of ps4.4e.relu and ps4.5d.relu.corrected"),
    Skipped(
        "problem 5(e), 'depends entirely on the factor'",
        "prose: at a given depth; the depth is the other factor",
    ),
    Skipped("problem 5(e), continuity of q* in σ_w and σ_b", "prose, without a formula"),
)
