"""Problem set 4, problem 3: the law of D² for ReLU and hard tanh, and their critical points."""

from __future__ import annotations

import sympy as sp

from freejac.derivations._checks import (
    PATIENCE,
    density_of_normal,
    every,
    geometric,
    h,
    patiently,
    positive_from_end,
    standard_normal,
)
from freejac.symbolic.activation import Activation, activation
from freejac.symbolic.check import check, check_chain
from freejac.symbolic.check_functions import check_inverse, check_law
from freejac.symbolic.claims import Claim, Skipped
from freejac.symbolic.expectation import Expectation
from freejac.symbolic.symbols import p, q, sigma_b, sigma_w, x, z
from freejac.symbolic.verdict import Verdict

__all__ = [
    "CLAIMS",
    "SKIPPED",
    "hard_tanh_curve",
    "hard_tanh_second_moment",
    "linear_probability",
    "probability_chain",
]

t = sp.Symbol("t", real=True)
u = sp.Symbol("u", positive=True)
"""1/√(2q)."""
STEP = sp.Piecewise((1, x > 0), (0, True))
INSIDE = sp.Piecewise((1, (x > -1) & (x < 1)), (0, True))
SLOPES = {"relu": STEP, "hard_tanh": INSIDE}
"""φ′, which is also the indicator of the linear regime."""


def linear_probability() -> sp.Expr:
    """p(q) of hard tanh, as the sources give it."""
    return sp.erf(1 / sp.sqrt(2 * q))


def hard_tanh_second_moment() -> sp.Expr:
    """E[φ²] of hard tanh, worked out by hand: the linear part by parts, and two constant ones."""
    inside = linear_probability()
    return q * inside - sp.sqrt(2 * q / sp.pi) * sp.exp(-1 / (2 * q)) + 1 - inside


def _probability(phi: Activation) -> sp.Expr:
    """The probability that φ is in a linear and not constant regime: that φ′ ≠ 0."""
    slope = phi.distribution(1).map(lambda e: sp.Integer(sp.expand(e) != 0))
    return Expectation(slope.to_sympy(), q)


def _susceptibility() -> Verdict:
    return every(
        "χ = σ_w² p",
        *(
            patiently(
                sigma_w**2 * Expectation(slope**2, q),
                sigma_w**2 * _probability(activation(name)),
            )
            for name, slope in SLOPES.items()
        ),
    )


def _two_values() -> Verdict:
    return every(
        "φ′² is 0 or 1",
        *(check(slope**2 * (slope**2 - 1), 0, sp.Ne(x, 0)) for slope in SLOPES.values()),
    )


def _bernoulli() -> Verdict:
    """φ′² takes the values 0 and 1 alone, so that its mean determines its law."""
    return every(
        "ρ of D² for ReLU and hard tanh",
        _two_values(),
        patiently(Expectation(STEP**2, q), sp.S.Half),
        patiently(Expectation(INSIDE**2, q), linear_probability()),
    )


def _stieltjes() -> Verdict:
    inside = linear_probability()
    mean = Expectation(sp.Piecewise((1 / (z - 1), sp.Abs(x) < 1), (1 / z, True)), q)
    return every(
        "G = (1 − p)/z + p/(z − 1)",
        patiently(Expectation(sp.Piecewise((1 / (z - 1), x > 0), (1 / z, True)), q), _g(sp.S.Half)),
        patiently(mean, _g(inside)),
    )


def _g(chance: sp.Expr) -> sp.Expr:
    return (1 - chance) / z + chance / (z - 1)


def hard_tanh_curve() -> Verdict:
    """σ_b² p > 0 along χ = 1: in u = 1/√(2q) it falls to 0 as u → ∞."""
    by_hand = q * linear_probability() - hard_tanh_second_moment()
    in_u = sp.exp(-(u**2)) / (u * sp.sqrt(sp.pi)) - sp.erfc(u)
    return every(
        "σ_b² p > 0",
        patiently(Expectation(sp.Max(-1, sp.Min(1, x)) ** 2, q), hard_tanh_second_moment()),
        check(by_hand.subs(q, 1 / (2 * u**2)), in_u),
        positive_from_end(in_u, -sp.exp(-(u**2)) / (u**2 * sp.sqrt(sp.pi)), u, sp.oo),
    )


def probability_chain() -> Verdict:
    """p(q*) of hard tanh: the integral of the density of N(0, q*), and both printed forms."""
    return check_chain(
        sp.Integral(density_of_normal(q), (h, -1, 1)),
        sp.erf(sp.sqrt(1 / (2 * q))),
        linear_probability(),
        **PATIENCE,
    )


CLAIMS = (
    Claim(
        "ps4.3c.integrand",
        "problem 3(c), solution",
        r"\chi = \sigma_w^2 \int \mathcal{D}h\, \phi'((\sqrt{q^*}\,h)^2)",
        lhs=lambda: sigma_w**2 * standard_normal(sp.Heaviside((sp.sqrt(q) * h) ** 2)),
        rhs=lambda: sigma_w**2 * Expectation(STEP**2, q),
        assumptions="φ = ReLU; the right side is χ by its definition",
        expected="refuted",
        note="the square stands on the argument of φ′ instead of on φ′",
        correction=Claim(
            "ps4.3c.integrand.corrected",
            "problem 3(c), solution",
            r"\chi = \sigma_w^2 \int \mathcal{D}h\, \phi'(\sqrt{q^*}\,h)^2",
            decide=lambda: patiently(
                sigma_w**2 * Expectation(STEP.subs(x, sp.sqrt(q) * x) ** 2, sp.S.One),
                sigma_w**2 * Expectation(STEP**2, q),
            ),
            assumptions="φ = ReLU",
        ),
    ),
    Claim(
        "ps4.3c.values",
        "problem 3(c), solution",
        r"\chi \in \{0, 1\}",
        lhs=lambda: (
            sigma_w**2 * Expectation(STEP**2, q) * (sigma_w**2 * Expectation(STEP**2, q) - 1)
        ),
        rhs=0,
        assumptions="φ = ReLU",
        expected="refuted",
        note="what takes these values alone is φ′², not its mean; where φ′ = 0 the integrand is 0, "
        "not χ",
        correction=Claim(
            "ps4.3c.values.corrected",
            "problem 3(c), solution",
            r"\phi'(h)^2 \in \{0, 1\}",
            decide=_two_values,
            assumptions="φ = ReLU or hard tanh, away from the kink of ReLU",
        ),
    ),
    Claim(
        "ps4.3c.probability",
        "problem 3(c), solution",
        r"\chi = \sigma_w^2 p(q^*),\quad p(q^*) = P(\phi' = 0)",
        lhs=lambda: sigma_w**2 * Expectation(INSIDE**2, q),
        rhs=lambda: sigma_w**2 * Expectation(1 - INSIDE, q),
        assumptions="φ = hard tanh",
        expected="refuted",
        note="a few words before, p is the probability that φ′ ≠ 0, which is right",
        correction=Claim(
            "ps4.3c.probability.corrected",
            "problem 3(c)",
            r"\chi = \sigma_w^2 p(q^*),\quad p(q^*) = P(\phi' \ne 0)",
            decide=_susceptibility,
            assumptions="φ = ReLU or hard tanh",
        ),
    ),
    Claim(
        "ps4.3d.density",
        "problem 3(d), written out in 3(e)",
        r"\rho_{D^2}(z) = (1 - p(q^*))\delta(z) + p(q^*)\delta(z-1)",
        decide=_bernoulli,
        assumptions="φ = ReLU or hard tanh",
        note="φ′² is 0 or 1, and its mean is p",
    ),
    Claim(
        "ps4.3e.stieltjes",
        "problem 3(e)",
        r"G_{D^2}(z) = \int \frac{\rho(t)\,dt}{z-t} = \frac{1-p(q^*)}{z} + \frac{p(q^*)}{z-1}",
        decide=_stieltjes,
        assumptions="φ = ReLU or hard tanh",
        note="against E[1/(z − φ′²)]; the line between writes the masses as ρ(0) and ρ(1)",
    ),
    Claim(
        "ps4.3e.mgf",
        "problem 3(e)",
        r"M_{D^2}(z) = zG_{D^2}(z) - 1 = z\Bigl(\frac{1-p}{z} + \frac{p}{z-1}\Bigr) - 1"
        r" = -p + \frac{zp}{z-1} = p\Bigl(\frac{z}{z-1} - 1\Bigr) = \frac{p}{z-1}",
        decide=lambda: check_chain(
            z * _g(p) - 1,
            -p + z * p / (z - 1),
            p * (z / (z - 1) - 1),
            p / (z - 1),
        ),
    ),
    Claim(
        "ps4.3e.moments",
        "problem 3(e), M as the moment-generating function",
        r"\frac{p}{z-1} = \sum_{k\ge1} \frac{m_k}{z^k},\quad m_k = p",
        decide=lambda: geometric(p / (z - 1), p, sp.S.One),
        note="every coefficient: zM = p + M",
    ),
    Claim(
        "ps4.3e.inverse",
        "problem 3(e)",
        r"M_{D^2}^{-1}(z) = \frac{p(q^*)}{z} + 1",
        decide=lambda: check_inverse(p / (z - 1), p / z + 1, z, domain=()),
        note="inverse on both sides",
    ),
    Claim(
        "ps4.3e.s",
        "problem 3(e)",
        r"S_{D^2}(z) = \frac{1+z}{zM_{D^2}^{-1}(z)} = \frac{1+z}{z(p/z+1)} = \frac{z+1}{z+p}",
        decide=lambda: every(
            "S of D²",
            check_chain((1 + z) / (z * (p / z + 1)), (z + 1) / (z + p)),
            check_law(stieltjes=_g(p), s=(z + 1) / (z + p)),
        ),
        note="also against G directly",
    ),
    Claim(
        "ps4.3f.probability",
        "problem 3(f)",
        r"p(q^*) = \tfrac12",
        decide=lambda: patiently(Expectation(STEP, q), sp.S.Half),
        assumptions="φ = ReLU, at every q*",
    ),
    Claim(
        "ps4.3f.weights",
        "problem 3(f)",
        r"\chi = \sigma_w^2 p(q^*) = 1 \Rightarrow \sigma_w^2 = 2",
        lhs=sigma_w**2,
        rhs=2,
        where=sp.Eq(sigma_w**2 / 2, 1),
        assumptions="φ = ReLU",
    ),
    Claim(
        "ps4.3f.length",
        "eqs. (6)–(9)",
        r"q^* = \sigma_w^2 \int \mathcal{D}h\,\phi(\sqrt{q^*}h)^2 + \sigma_b^2"
        r" = q^*\sigma_w^2 \int_{h>0} \mathcal{D}h\,h^2 + \sigma_b^2"
        r" = \tfrac12 q^*\sigma_w^2 \int \mathcal{D}h\,h^2 + \sigma_b^2"
        r" = \tfrac12 q^*\sigma_w^2 + \sigma_b^2",
        decide=lambda: check_chain(
            sigma_w**2 * Expectation(sp.Max(0, x) ** 2, q) + sigma_b**2,
            q * sigma_w**2 * standard_normal(h**2, sp.S.Zero) + sigma_b**2,
            q * sigma_w**2 * standard_normal(h**2) / 2 + sigma_b**2,
            q * sigma_w**2 / 2 + sigma_b**2,
            **PATIENCE,
        ),
        assumptions="φ = ReLU",
    ),
    Claim(
        "ps4.3f.biases",
        "problem 3(f)",
        r"q^* = q^* + \sigma_b^2 \Rightarrow \sigma_b^2 = 0",
        lhs=lambda: (q * sigma_w**2 / 2 + sigma_b**2 - q).subs(sigma_w, sp.sqrt(2)),
        rhs=sigma_b**2,
        assumptions="φ = ReLU, σ_w² = 2",
        note="what q* must make vanish is σ_b² itself; so (√2, 0) is the only critical point",
    ),
    Claim(
        "ps4.3g.probability",
        "problem 3(g)",
        r"p(q^*) = \int_{-1}^{1} \frac{e^{-h^2/2q^*}}{\sqrt{2\pi q^*}}\,dh"
        r" = \operatorname{erf}\bigl(\sqrt{1/2q^*}\bigr) = \operatorname{erf}(1/\sqrt{2q^*})",
        decide=probability_chain,
        assumptions="φ = hard tanh",
        note="printed is ∫ z dz from −1 to 1, z said to be a Gaussian: its density is meant",
    ),
    Claim(
        "ps4.3g.factor",
        "problem 3(g), solution",
        r"\operatorname{erf}(u) = \frac{2}{\pi} \int_0^u e^{-t^2}\,dt",
        lhs=lambda: sp.erf(x),
        rhs=lambda: 2 / sp.pi * sp.Integral(sp.exp(-(t**2)), (t, 0, x)),
        expected="refuted",
        note="the leading factor is given as 2/π",
        correction=Claim(
            "ps4.3g.factor.corrected",
            "problem 3(g), solution",
            r"\operatorname{erf}(u) = \frac{2}{\sqrt\pi} \int_0^u e^{-t^2}\,dt",
            lhs=lambda: sp.erf(x),
            rhs=lambda: 2 / sp.sqrt(sp.pi) * sp.Integral(sp.exp(-(t**2)), (t, 0, x)),
        ),
    ),
    Claim(
        "ps4.3g.definition",
        "problem 3(g), solution",
        r"\operatorname{erf}(u) = \int_0^u e^{-t^2}\,dt",
        lhs=lambda: sp.erf(x),
        rhs=lambda: sp.Integral(sp.exp(-(t**2)), (t, 0, x)),
        expected="refuted",
        note="erf is said to be commonly defined without its leading factor; it is defined with "
        "it, and p(q*) = erf(1/√(2q*)) needs it",
        correction=Claim(
            "ps4.3g.definition.corrected",
            "problem 3(g), solution",
            r"\tfrac{\sqrt\pi}{2}\operatorname{erf}(u) = \int_0^u e^{-t^2}\,dt",
            lhs=lambda: sp.sqrt(sp.pi) / 2 * sp.erf(x),
            rhs=lambda: sp.Integral(sp.exp(-(t**2)), (t, 0, x)),
        ),
    ),
    Claim(
        "ps4.3g.length",
        "problem 3(g), eq. (10)",
        r"q^* = \sigma_w^2\Bigl[1 - (1-q^*)\operatorname{erf}\tfrac{1}{\sqrt{2q^*}}"
        r" - \sqrt{\tfrac{2q^*}{\pi}}\,e^{-1/2q^*}\Bigr] + \sigma_b^2",
        decide=lambda: patiently(
            sigma_w**2 * Expectation(sp.Max(-1, sp.Min(1, x)) ** 2, q) + sigma_b**2,
            sigma_w**2 * hard_tanh_second_moment() + sigma_b**2,
        ),
        assumptions="φ = hard tanh; the sides are eq. (10)'s right side and its closed form",
        note="asked for and not printed; the answer is ours",
    ),
    Claim(
        "ps4.3g.curve",
        "problem 3(g)",
        r"\sigma_b^2(q^*) = q^* - \frac{E[\phi^2]}{p(q^*)} > 0",
        decide=hard_tanh_curve,
        assumptions="φ = hard tanh, χ = 1",
        note="that the critical points form a curve: every q* gives one",
    ),
    Claim(
        "ps4.3g.tanh-curve",
        "problem 3(g), said of tanh",
        r"\sigma_b^2(q^*) = q^* - \frac{E[\phi^2]}{E[\phi'^2]} \ge 0",
        lhs=lambda: q * Expectation(sp.cosh(x) ** -4, q) - Expectation(sp.tanh(x) ** 2, q),
        rhs=0,
        where={q: (0, 4)},
        relation=">=",
        assumptions="φ = tanh, χ = 1; multiplied by E[φ′²]",
        expected="not refuted",
        note="these expectations have no closed form, and no proof was found",
    ),
)

SKIPPED = (
    Skipped("eqs. (4), (5)", "definitions of ReLU and hard tanh"),
    Skipped("problem 3(a)", "prose; that the mean eigenvalue is then 1 is ps4.4e.unit-mean"),
    Skipped("problem 3(b)", "prose: why q = q* may be assumed"),
    Skipped(
        "problem 3(d), 'a step function'",
        "prose; the distribution function of φ′² is meant, p itself is smooth in q*",
    ),
    Skipped("eq. (6)", "the definition of q*, which ps4.3f.length starts from"),
    Skipped(
        "problem 3(g), plots in the '(σ_w, σ_z) plane'",
        "a picture is asked for; σ_z occurs nowhere else and stands for σ_b",
    ),
)
