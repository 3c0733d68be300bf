"""Problem set 1, problem 4: the correlation map, and χ as its slope at one."""

from __future__ import annotations

import sympy as sp

from freejac.derivations._gaussian_entries import entries, mean_of_polynomial
from freejac.symbolic.activation import Activation
from freejac.symbolic.bivariate import Expectation2, expectation2
from freejac.symbolic.check import check
from freejac.symbolic.check_families import check_each, check_for_all
from freejac.symbolic.claims import Claim
from freejac.symbolic.expectation import Expectation
from freejac.symbolic.mean_field import MeanField
from freejac.symbolic.symbols import c, q, sigma_w, x
from freejac.symbolic.verdict import Verdict, weakest

__all__ = ["CLAIMS"]

_Q1, _Q2 = sp.symbols("q_11 q_22", positive=True)
_Z1, _Z2 = entries("z", 2)
_U1 = sp.sqrt(_Q1) * _Z1
_U2 = sp.sqrt(_Q2) * (c * _Z1 + sp.sqrt(1 - c**2) * _Z2)
_UNIT = {_Z1: 1, _Z2: 1}
_CORRELATED = "-1 < c < 1"
_CLOSED = ("relu", "erf")
"""Activations whose correlation map is elementary."""


def _iterated_integral() -> Verdict:
    """The integral over independent z_1, z_2 against the mean over correlated Gaussians."""

    def powers(n: int) -> tuple[sp.Expr, sp.Expr]:
        left, right = 1 + n // 4, 1 + n % 4
        independent = mean_of_polynomial(_U1**left * _U2**right, _UNIT)
        return independent, expectation2(x**left, x**right, _Q1, _Q2, c)

    return check_each(powers, 0, 15, where=_CORRELATED, claim="∫Dz₁Dz₂ u₁ʲ u₂ᵏ, j, k = 1 … 4")


def _fixed_correlation() -> Verdict:
    def at_one(phi: Activation) -> tuple[sp.Expr, sp.Expr]:
        field = MeanField(phi)
        return expectation2(phi.function, phi.function, q, q, sp.S.One), field.second_moment

    members = ("linear", "relu", "hard_tanh", "erf", "elu", "gelu", "tanh", "sigmoid")
    return check_for_all(at_one, among=members, samples=4, claim="C(1, q*, q*) = V(q*)")


def _slope(name: str) -> Verdict:
    """d/dc of the correlation map against σ_w² E[φ′(u₁)φ′(u₂)]."""
    phi = MeanField(name).phi
    dual = Expectation2(phi.expr, phi.expr, q, q, c)
    closed = expectation2(phi.function, phi.function, q, q, c)
    slope = phi.derivative()
    return weakest(
        name,
        (
            check(closed, dual, _CORRELATED, samples=2),
            check(sp.diff(closed, c) / q, expectation2(slope, slope, q, q, c), _CORRELATED),
        ),
    )


def _chi(name: str) -> Verdict:
    """Slope of the correlation map at c = 1 against σ_w² E[φ′²]."""
    phi = MeanField(name).phi
    closed = expectation2(phi.function, phi.function, q, q, c)
    slope = sp.limit(sp.diff(closed, c) / q, c, 1, "-")
    return check(sigma_w**2 * slope, sigma_w**2 * Expectation(phi.derivative() ** 2, q), samples=4)


def _lengths_settle_first() -> Verdict:
    def rates(phi: Activation) -> tuple[sp.Expr, sp.Expr]:
        field = MeanField(phi)
        return field.chi_parallel, field.chi

    return check_for_all(
        rates, relation="<", samples=4, claim="χ_∥ < χ: lengths settle faster than correlations"
    )


CLAIMS = (
    Claim(
        "ps1.4b-covariance",
        "problem 4 (b), solution",
        r"\mathbb{E}(u_1 u_2) = \sqrt{q_{11} q_{22}}\, c_{12} = q_{12}",
        lhs=lambda: mean_of_polynomial(_U1 * _U2, _UNIT),
        rhs=sp.sqrt(_Q1 * _Q2) * c,
        where=_CORRELATED,
    ),
    Claim(
        "ps1.4b-variance",
        "problem 4 (b)",
        r"\mathbb{E}(u_2^2) = q_{22}",
        lhs=lambda: mean_of_polynomial(_U2**2, _UNIT),
        rhs=_Q2,
        where=_CORRELATED,
    ),
    Claim(
        "ps1.4b-map",
        "problem 4 (b)",
        r"\int \mathcal{D}z_1 \mathcal{D}z_2\, \phi(u_1)\phi(u_2) ="
        r" \mathbb{E}[\phi(h_1)\phi(h_2)]",
        decide=_iterated_integral,
        assumptions="checked for all monomials u₁ʲu₂ᵏ, j, k from 1 to 4, hence for every polynomial"
        " φ of degree 4 with φ(0) = 0",
    ),
    Claim(
        "ps1.4c-range",
        "problem 4 (c)",
        r"\bigl(\textstyle\sum_i h_i k_i\bigr)^2 \le \sum_i h_i^2 \sum_i k_i^2",
        lhs=lambda: sum(a * b for a, b in zip(entries("h", 2), entries("k", 2), strict=True)) ** 2,
        rhs=lambda: sp.Mul(*(sum(a**2 for a in entries(name, 2)) for name in "hk")),
        relation="<=",
        assumptions="N = 2; says −1 ≤ c ≤ 1",
    ),
    Claim(
        "ps1.4d-fixed-point",
        "problem 4 (d), eqs. (12) and (13)",
        r"\sigma_w^2 \int \mathcal{D}z_1 \mathcal{D}z_2\, \phi(z_1\sqrt{q^*})^2 + \sigma_b^2 ="
        r" \sigma_w^2 \int \mathcal{D}z_1\, \phi(z_1\sqrt{q^*})^2 + \sigma_b^2 = q^*",
        decide=_fixed_correlation,
        expected="not refuted",
        assumptions="for all φ; eight were tried",
    ),
    Claim(
        "ps1.4d-fixed-point-relu",
        "problem 4 (d)",
        r"c^* = 1",
        lhs=lambda: sp.simplify(MeanField("relu").correlation_map.subs(c, 1)),
        rhs=1,
        assumptions="ReLU, any σ_w, σ_b and q",
    ),
    Claim(
        "ps1.4e-derivative",
        "problem 4 (e), solution",
        r"\frac{\partial c_{12}^l}{\partial c_{12}^{l-1}} ="
        r" \sigma_w^2 \int \phi'(u_1)\phi'(u_2)\, \mathcal{D}z_1 \mathcal{D}z_2",
        decide=lambda: weakest("Price", tuple(_slope(name) for name in _CLOSED), "activation"),
        assumptions="q_11 = q_22 = q*; checked for ReLU and erf",
        note="the ∂ of the denominator is missing in the text that we have",
    ),
    Claim(
        "ps1.4e-chi",
        "problem 4 (e), eq. (14)",
        r"\chi = \left.\frac{\partial c_{12}^l}{\partial c_{12}^{l-1}}\right|_{c = 1} ="
        r" \sigma_w^2 \int \mathcal{D}z\, \bigl[\phi'(\sqrt{q^*} z)\bigr]^2",
        decide=lambda: weakest("slope at 1", tuple(_chi(name) for name in _CLOSED), "activation"),
        assumptions="checked for ReLU and erf",
    ),
    Claim(
        "ps1.4e-faster",
        "problem 4 (e)",
        r"\chi_\parallel < \chi",
        decide=_lengths_settle_first,
        expected="refuted",
        assumptions="for all φ: lengths converge quickly compared with correlations",
        note="for linear, ReLU and leaky ReLU both converge at the same rate, σ_w²E[φ′²]",
        correction=Claim(
            "ps1.4e-faster.corrected",
            "problem 4 (e)",
            r"\chi_\parallel - \chi = \sigma_w^2 \mathbb{E}[\phi\phi''],\quad"
            r" \tanh(x) \tanh''(x) \le 0",
            lhs=lambda: sp.tanh(x) * sp.diff(sp.tanh(x), x, 2),
            rhs=0,
            relation="<=",
            assumptions="tanh, of which the source speaks: the integrand is nowhere positive",
        ),
    ),
    Claim(
        "ps1.4e-faster-gap",
        "problem 4 (e)",
        r"\chi_\parallel - \chi = \sigma_w^2 \mathbb{E}[\phi\phi'']",
        lhs=lambda: MeanField("erf").chi_parallel - MeanField("erf").chi,
        rhs=sigma_w**2 * Expectation(sp.erf(x) * sp.diff(sp.erf(x), x, 2), q),
        assumptions="for erf; not in the source, it says when lengths settle first",
    ),
)
