"""The lecture's slides on spectra: growth with depth, and the two classes of their limits."""

from __future__ import annotations

import math
from typing import Any

import sympy as sp

from freejac.derivations._checks import (
    HARD_TANH,
    Units,
    every,
    measured_moments,
    patiently,
)
from freejac.symbolic import laws
from freejac.symbolic.activation import Activation, activation
from freejac.symbolic.check import check
from freejac.symbolic.check_families import check_for_all
from freejac.symbolic.check_functions import check_law
from freejac.symbolic.claims import Claim, Skipped
from freejac.symbolic.derivative_law import general_law
from freejac.symbolic.ensembles import general
from freejac.symbolic.expectation import Expectation, expect
from freejac.symbolic.jacobian import Jacobian
from freejac.symbolic.symbols import depth, mu1, mu2, q, s1, sigma_w, x, z
from freejac.symbolic.verdict import Verdict

__all__ = ["CLAIMS", "SKIPPED"]

L = depth
d = sp.Symbol("d", positive=True)
"""The depth, as a real number."""
v = sp.Symbol("v", positive=True)
"""σ₀², the total variance."""
rate = sp.Symbol("r", positive=True)


def _grows(phi: Any) -> Any:
    if phi.name == "linear":
        return None
    return sp.Gt(Jacobian(phi, "orthogonal").variance_at_criticality, 0, evaluate=False)


def _two_valued(*names: str) -> Verdict:
    """φ′² is 0 or 1 away from the kinks: all its moments are the same."""
    squares = [(activation(name).distribution(1) ** 2).to_sympy() for name in names]
    return every("φ′² is 0 or 1", *(check(square * (square - 1), 0) for square in squares))


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
        "lecture.vanishing",
        "figure 1",
        r"\chi < 1:\quad \chi^L \to 0",
        lhs=lambda: sp.Limit(sp.exp(-rate) ** d, d, sp.oo),
        rhs=0,
        assumptions="χ = e⁻ʳ, r > 0",
        note="the mean squared gradient in the ordered phase",
    ),
    Claim(
        "lecture.exploding",
        "figure 1",
        r"\chi > 1:\quad \chi^{-L} \to 0",
        lhs=lambda: sp.Limit(sp.exp(rate) ** (-d), d, sp.oo),
        rhs=0,
        assumptions="χ = eʳ, r > 0",
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
        "lecture.relu-slopes",
        "figure 3",
        r"\frac{\partial}{\partial q^*}E[\phi'^{k}] = 0",
        decide=lambda: every(
            "φ′ is a fair coin",
            _two_valued("relu"),
            patiently(Expectation(sp.Heaviside(x), q), sp.S.Half),
        ),
        assumptions="φ = ReLU",
        note="φ′ is 0 or 1, with probability 1/2 each, at every q*",
    ),
    Claim(
        "lecture.other-slopes",
        "figure 3",
        r"\frac{\partial\mu_1}{\partial q^*} < 0",
        decide=lambda: every(
            "hard tanh and erf",
            check(sp.diff(sp.erf(1 / sp.sqrt(2 * q)), q), 0, relation="<"),
            check(sp.diff(4 / (sp.pi * sp.sqrt(1 + 4 * q)), q), 0, relation="<"),
            patiently(
                Expectation(4 / sp.pi * sp.exp(-2 * x**2), q), 4 / (sp.pi * sp.sqrt(1 + 4 * q))
            ),
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
        decide=lambda: _two_valued("hard_tanh", "shifted_relu"),
        assumptions="φ = hard tanh, shifted ReLU; every k",
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
        decide=lambda: patiently(*_bernoulli_limit(), {z: (0, 1)}),
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
