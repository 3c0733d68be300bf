"""Problem set 4, problem 4(b)–(e): Gaussian weights, and the variance of JJᵀ."""

from __future__ import annotations

from typing import Any

import sympy as sp

from freejac.derivations._checks import (
    RELU,
    every,
    measured_moments,
    patiently,
)
from freejac.derivations._ps4_nonlinearities import linear_probability
from freejac.symbolic.activation import Activation
from freejac.symbolic.check import check, check_chain
from freejac.symbolic.check_families import check_for_all
from freejac.symbolic.check_functions import check_law
from freejac.symbolic.claims import Claim, Skipped
from freejac.symbolic.derivative_law import bernoulli, general_law
from freejac.symbolic.expectation import expect
from freejac.symbolic.jacobian import Jacobian
from freejac.symbolic.symbols import depth, mu1, mu2, p, sigma_w, z
from freejac.symbolic.verdict import Verdict

__all__ = ["CLAIMS", "SKIPPED", "gaussian_inverse_mgf", "second_moment_measured"]

L = depth
a, b, c, d = sp.symbols("a b c d", positive=True)
y = sp.Symbol("z", real=True)
"""The argument of series: real z, which determines the coefficients."""
m1, m2, m3 = sp.symbols("m_1 m_2 m_3", positive=True)


def gaussian_inverse_mgf(s: sp.Expr) -> sp.Expr:
    """M⁻¹ from S by its definition."""
    return (1 + z) / (z * s)


INVERSE = (1 + z) / z * (z + p) ** L * sigma_w ** (2 * L)
MEAN = sigma_w ** (2 * L) * p**L
SECOND = MEAN**2 * (1 + L / p)
ANSATZ = a / z + b + c * z + d * z**2


def _powers(shifted: bool) -> Verdict:
    """Taking a/z out of the ansatz, as printed and with the powers of z it leaves."""
    if shifted:
        bracket = 1 + b / a + c / a * z + d / a * z**2
    else:
        bracket = 1 + b / a * z + c / a * z**2 + d / a * z**3
    return every(
        "both terms of eq. (14)",
        check(m1 / ANSATZ, m1 * z / a / bracket),
        check(m2 / ANSATZ**2, m2 * z**2 / a**2 / bracket**2),
    )


def second_moment_measured(simulate: Any, weights: str, exact: dict[int, sp.Expr]) -> Verdict:
    """m_2 of ReLU networks on their critical point, by depth, against drawn networks."""
    verdicts = []
    for layers, value in exact.items():
        network = simulate.feed_forward(
            *RELU, width=120, depth=layers, sigma_w=2**0.5, weights=weights, draws=60, seed=layers
        )
        named = f"L = {layers}"
        verdicts.append(measured_moments(network, {2: value}, bias=0.02 * layers, claim=named))
    return every("1 + the variance, by depth", *verdicts)


def _general_variance(phi: Activation) -> tuple[sp.Expr, sp.Expr]:
    """The variance at criticality from the moments of D², and L/p with p = P(φ′ ≠ 0)."""
    slope = phi.distribution(1)
    regime = slope.map(lambda e: sp.Integer(sp.expand(e) != 0))
    return Jacobian(phi).variance_at_criticality, L / expect(regime)


def _below_one() -> Verdict:
    def statement(phi: Activation) -> Any:
        if not phi.is_piecewise_linear:
            return None
        regime = phi.distribution(1).map(lambda e: sp.Integer(sp.expand(e) != 0))
        return sp.Lt(expect(regime), 1, evaluate=False)

    return check_for_all(
        statement, among=("relu", "hard_tanh", "hard_sigmoid", "linear"), claim="p(q*) below 1"
    )


CLAIMS = (
    Claim(
        "ps4.4b.s",
        "problem 4(b)",
        r"S_{JJ^T} = (S_{WW^T})^L (S_{D^2})^L"
        r" = \bigl(\sigma_w^{-2}(1+z)^{-1}\bigr)^L \Bigl(\frac{1+z}{z+p}\Bigr)^L"
        r" = \sigma_w^{-2L}(z+p(q^*))^{-L}",
        decide=lambda: check_chain(
            (1 / (sigma_w**2 * (z + 1))) ** L * ((z + 1) / (z + p)) ** L,
            (sigma_w**-2 * (1 + z) ** -1) ** L * ((1 + z) / (z + p)) ** L,
            sigma_w ** (-2 * L) * (z + p) ** (-L),
        ),
    ),
    Claim(
        "ps4.4c.inverse",
        "problem 4(c)",
        r"M_{JJ^T}^{-1}(z) = \frac{1+z}{zS_{JJ^T}(z)} = \frac{1+z}{z}(z+p)^L\sigma_w^{2L}",
        lhs=lambda: gaussian_inverse_mgf(sigma_w ** (-2 * L) * (z + p) ** (-L)),
        rhs=INVERSE,
    ),
    Claim(
        "ps4.4d.series",
        "problem 4(d), solution: the expansion of eq. (14)",
        r"z = \frac{m_1z}{a}\bigl(1 + (b/a) + (c/a)z + (d/a)z^2 + \cdots\bigr)^{-1}"
        r" + \frac{m_2z^2}{a^2}\bigl(1 + (b/a) + (c/a)z + (d/a)z^2 + \cdots\bigr)^{-2} + \cdots",
        decide=lambda: _powers(shifted=True),
        expected="refuted",
        note="every term in the brackets has lost one power of z; the next line is right again",
        correction=Claim(
            "ps4.4d.series.corrected",
            "problem 4(d), solution",
            r"z = \frac{m_1z}{a}\bigl(1 + (b/a)z + (c/a)z^2 + (d/a)z^3 + \cdots\bigr)^{-1}"
            r" + \frac{m_2z^2}{a^2}\bigl(1 + (b/a)z + (c/a)z^2 + (d/a)z^3 + \cdots\bigr)^{-2}"
            r" + \cdots",
            decide=lambda: _powers(shifted=False),
        ),
    ),
    Claim(
        "ps4.4d.expansion",
        "problem 4(d), solution: the last line of the expansion",
        r"\frac{m_1}{M^{-1}} + \frac{m_2}{(M^{-1})^2} + \cdots"
        r" = \frac{m_1}{a}z - \frac{m_1b}{a^2}z^2 + \frac{m_2}{a^2}z^2 + O(z^3)",
        decide=lambda: patiently(
            (m1 / ANSATZ + m2 / ANSATZ**2 + m3 / ANSATZ**3).subs(z, y),
            m1 / a * y - m1 * b / a**2 * y**2 + m2 / a**2 * y**2 + sp.O(y**3),
        ),
    ),
    Claim(
        "ps4.4d.coefficients",
        "problem 4(d), solution",
        r"a = m_1,\quad b = m_2/m_1",
        decide=lambda: every(
            "the coefficients of z and z²",
            check((m1 / a).subs(a, m1), 1),
            check((-m1 * b / a**2 + m2 / a**2).subs({a: m1, b: m2 / m1}), 0),
        ),
        note="they make the coefficient of z one and that of z² zero",
    ),
    Claim(
        "ps4.4d.inversion",
        "eq. (15)",
        r"M^{-1}(z) = \frac{m_1}{z} + \frac{m_2}{m_1} + \cdots",
        decide=lambda: check_law(inverse_mgf=m1 / z + m2 / m1 + c * z, moments=[m1, m2]),
        note="for every law with a mean; the moments by Lagrange's formula",
    ),
    Claim(
        "ps4.4d.mean",
        "eq. (16)",
        r"m_1 = \sigma_w^{2L}p(q^*)^L",
        lhs=lambda: Jacobian(bernoulli()).moment(1),
        rhs=MEAN,
    ),
    Claim(
        "ps4.4d.laurent",
        "eqs. (15)–(17)",
        r"zM_{JJ^T}^{-1}(z) = \sigma_w^{2L}p^L"
        r" + z\bigl(\sigma_w^{2L}p^L + \sigma_w^{2L}Lp^{L-1}\bigr) + O(z^2)",
        decide=lambda: patiently(
            (1 + y) * (y + p) ** L, p**L + y * (p**L + L * p ** (L - 1)) + sp.O(y**2)
        ),
        note="σ_w^{2L} is a common factor, left out",
    ),
    Claim(
        "ps4.4d.ratio",
        "eqs. (17), (18)",
        r"\frac{m_2}{m_1} = \sigma_w^{2L}p^L + \sigma_w^{2L}Lp^{L-1}"
        r" = m_1\Bigl(1 + \frac{L}{p}\Bigr)",
        lhs=sigma_w ** (2 * L) * p**L + sigma_w ** (2 * L) * L * p ** (L - 1),
        rhs=MEAN * (1 + L / p),
    ),
    Claim(
        "ps4.4d.second",
        "problem 4(d) and eq. (19)",
        r"m_2 = m_1^2\,\frac{L+p(q^*)}{p(q^*)} = m_1^2\Bigl(1 + \frac{L}{p(q^*)}\Bigr)",
        decide=lambda: check_chain(
            Jacobian(bernoulli()).moment(2), MEAN**2 * (L + p) / p, MEAN**2 * (1 + L / p)
        ),
        note="the first link is the engine's own moment, from S",
    ),
    Claim(
        "ps4.4d.second-measured",
        "problem 4(d)",
        r"m_2 = 1 + 2L",
        experiment=lambda simulate: second_moment_measured(
            simulate, "gaussian", {n: sp.Integer(1 + 2 * n) for n in (1, 2, 4)}
        ),
        assumptions="φ = ReLU, (σ_w, σ_b) = (√2, 0)",
        expected="not refuted",
        note="L = 1, 2, 4: 60 networks of width 120 each, 2 % a layer allowed for the width",
    ),
    Claim(
        "ps4.4e.variance",
        "eqs. (20)–(22)",
        r"\sigma_{JJ^T}^2 = m_2 - m_1^2 = m_1^2\Bigl(1 + \frac Lp\Bigr) - m_1^2"
        r" = m_1^2\,\frac{L}{p(q^*)}",
        decide=lambda: check_chain(
            Jacobian(bernoulli()).variance, SECOND - MEAN**2, MEAN**2 * L / p
        ),
    ),
    Claim(
        "ps4.4e.unit-mean",
        "problem 4(e), and 3(a)",
        r"\chi = \sigma_w^2p(q^*) = 1 \Rightarrow m_1 = 1",
        lhs=(sigma_w**2 * p) ** L,
        rhs=1,
        where=sp.Eq(p, sigma_w**-2),
    ),
    Claim(
        "ps4.4e.critical",
        "eq. (23)",
        r"\sigma_{JJ^T,\text{crit}}^2 = \frac{L}{p(q^*)}",
        lhs=lambda: Jacobian(bernoulli()).variance.subs(sigma_w, 1 / sp.sqrt(p)),
        rhs=L / p,
        assumptions="χ = 1",
    ),
    Claim(
        "ps4.4e.relu",
        "problem 4(e)",
        r"\sigma_{JJ^T,\text{crit}}^2 = 2L",
        lhs=lambda: Jacobian("relu").variance_at_criticality,
        rhs=2 * L,
        assumptions="φ = ReLU",
    ),
    Claim(
        "ps4.4e.probability",
        "problem 4(e), last paragraphs",
        r"p(q^*) < 1",
        decide=_below_one,
        assumptions="said of every nonlinearity; tried on those of slope 0 or constant",
        expected="refuted",
        note="a linear network has p = 1; it changes nothing in the argument",
        correction=Claim(
            "ps4.4e.probability.corrected",
            "problem 4(e), last paragraphs",
            r"p(q^*) \le 1",
            lhs=linear_probability,
            rhs=1,
            relation="<=",
            assumptions="φ = hard tanh; for ReLU p is 1/2, for a linear network 1",
        ),
    ),
    Claim(
        "ps4.4e.any",
        "problem 4(e), 'no matter what the nonlinearity'",
        r"\sigma_{JJ^T,\text{crit}}^2 = \frac{L}{p(q^*)}",
        decide=lambda: check_for_all(
            _general_variance,
            among=("relu", "hard_tanh", "linear", "leaky_relu(1/2)", "erf"),
            claim="the variance is L/p for every φ",
        ),
        assumptions="p = P(φ′ ≠ 0)",
        expected="refuted",
        note="L/p holds where φ′² takes the values 0 and one other; in general E[φ′⁴]/E[φ′²]² "
        "stands in the place of 1/p",
        correction=Claim(
            "ps4.4e.any.corrected",
            "problem 4(e)",
            r"\sigma_{JJ^T,\text{crit}}^2 = L\,\frac{\mu_2}{\mu_1^2},\quad"
            r"\mu_k = E[\phi'(\sqrt{q^*}h)^{2k}]",
            lhs=lambda: Jacobian(general_law()).variance_at_criticality,
            rhs=L * mu2 / mu1**2,
            assumptions="any φ, Gaussian weights",
        ),
    ),
    Claim(
        "ps4.4e.more-than-depth",
        "problem 4(e)",
        r"\frac{L}{p(q^*)} > L",
        lhs=L / p,
        rhs=L,
        relation=">",
        where="0 < p < 1",
    ),
    Claim(
        "ps4.4e.at-least-depth",
        "problem 4(e), conclusion",
        r"L\,\frac{\mu_2}{\mu_1^2} \ge L",
        lhs=L * mu2 / mu1**2,
        rhs=L,
        relation=">=",
        where=sp.Ge(mu2, mu1**2),
        assumptions="μ_2 ≥ μ_1², Jensen's inequality",
        note="so the conclusion holds for every φ, by the mended formula",
    ),
)

SKIPPED = (
    Skipped("eqs. (11)–(14)", "the ansatz, and what follows by putting it in"),
    Skipped("eq. (20)", "definition of the variance, first link of ps4.4e.variance"),
    Skipped(
        "problem 4(e), conclusion",
        "prose; what it rests on is ps4.4e.any.corrected and ps4.4e.at-least-depth",
    ),
)
