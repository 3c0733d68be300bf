"""Problem set 1, problem 3 (d) and (h): the length map of ReLU, its fixed points and stability."""

from __future__ import annotations

import sympy as sp

from freejac.symbolic.check import check_chain
from freejac.symbolic.claims import Claim
from freejac.symbolic.expectation import Expectation, expect
from freejac.symbolic.symbols import q, sigma_b, sigma_w, x

__all__ = ["CLAIMS"]

_ONE = sp.Integer(1)
_RELU = sp.Max(0, x)
_BIASED = sp.Symbol("sigma_b", positive=True)
RELU_POINT = 2 * _BIASED**2 / (2 - sigma_w**2)
_HALF = sp.Integral(x**2 * sp.exp(-(x**2) / 2) / sp.sqrt(2 * sp.pi), (x, 0, sp.oo))
_DEGENERATE = {sigma_w: sp.sqrt(2), sigma_b: 0}


CLAIMS = (
    Claim(
        "ps1.3d-length-map",
        "problem 3 (d), eqs. (6) to (9)",
        r"\sigma_w^2 \int \phi(\rho\sqrt{q})^2 d\rho + \sigma_b^2 = \sigma_w^2"
        r" \int_0^\infty \rho^2 q\, d\rho + \sigma_b^2 = q \sigma_w^2"
        r" \int_0^\infty \rho^2 d\rho + \sigma_b^2 = q \tfrac{\sigma_w^2}{2} + \sigma_b^2",
        decide=lambda: check_chain(
            sigma_w**2 * expect(_RELU.subs(x, sp.sqrt(q) * x) ** 2, _ONE) + sigma_b**2,
            sigma_w**2 * expect(q * x**2 * sp.Heaviside(x), _ONE) + sigma_b**2,
            q * sigma_w**2 * expect(x**2 * sp.Heaviside(x), _ONE) + sigma_b**2,
            q * sigma_w**2 / 2 + sigma_b**2,
        ),
        assumptions="ReLU; dρ the normal measure",
    ),
    Claim(
        "ps1.3d-half",
        "problem 3 (d)",
        r"\int_0^\infty \rho^2 d\rho = \tfrac{1}{2} \int_{-\infty}^\infty \rho^2 d\rho"
        r" = \tfrac{1}{2}",
        lhs=_HALF,
        rhs=sp.Rational(1, 2),
        assumptions="dρ the normal measure",
    ),
    Claim(
        "ps1.3d-at-most-one",
        "problem 3 (d)",
        r"f(1) = 1 \Rightarrow f(q) \ne q \quad (q \ne 1)",
        lhs=lambda: (sigma_w**2 * expect(_RELU**2) + sigma_b**2).subs(_DEGENERATE),
        rhs=q,
        where=q > 1,
        relation="!=",
        expected="refuted",
        assumptions="ReLU at σ_w = √2, σ_b = 0",
        note="said of every linear map; the source names the exception two sentences later",
        correction=Claim(
            "ps1.3d-at-most-one.corrected",
            "problem 3 (d)",
            r"f(q) - q = \bigl(\tfrac{\sigma_w^2}{2} - 1\bigr)(q - q^*),\quad"
            r" q^* = \tfrac{2\sigma_b^2}{2 - \sigma_w^2}",
            lhs=lambda: sigma_w**2 * expect(_RELU**2) + _BIASED**2 - q,
            rhs=(sigma_w**2 / 2 - 1) * (q - RELU_POINT),
            where=sp.Ne(sigma_w**2, 2),
            assumptions="ReLU, σ_w ≠ √2: a product with one zero in q",
        ),
    ),
    Claim(
        "ps1.3d-unbiased",
        "problem 3 (d)",
        r"\sigma_b = 0 \Rightarrow f(0) = 0",
        lhs=lambda: (sigma_w**2 * expect(_RELU**2)).subs(q, 0),
        rhs=0,
    ),
    Claim(
        "ps1.3d-below",
        "problem 3 (d)",
        r"\sigma_b^2 > 0,\ \sigma_w < \sqrt{2} \Rightarrow q^* > 0",
        lhs=RELU_POINT,
        rhs=0,
        where=sigma_w**2 < 2,
        relation=">",
        assumptions="ReLU; q* as the root of eq. (9)",
    ),
    Claim(
        "ps1.3d-above",
        "problem 3 (d)",
        r"\sigma_b^2 > 0,\ \sigma_w \ge \sqrt{2} \Rightarrow f(q) > q",
        lhs=lambda: sigma_w**2 * expect(_RELU**2) + _BIASED**2,
        rhs=q,
        where=sigma_w >= sp.sqrt(2),
        relation=">",
        assumptions="ReLU: no fixed point",
    ),
    Claim(
        "ps1.3d-degenerate",
        "problem 3 (d) and (h)",
        r"\sigma_w = \sqrt{2},\ \sigma_b = 0 \Rightarrow q^l(q^{l-1}) = q^{l-1}",
        lhs=lambda: (sigma_w**2 * expect(_RELU**2) + sigma_b**2).subs(_DEGENERATE),
        rhs=q,
        assumptions="ReLU",
    ),
    Claim(
        "ps1.3d-tanh",
        "problem 3 (d)",
        r"0 \le f(q) \le \sigma_w^2 + \sigma_b^2",
        lhs=sigma_w**2 * Expectation(sp.tanh(x) ** 2, q) + sigma_b**2,
        rhs=sigma_w**2 + sigma_b**2,
        relation="<=",
        assumptions="tanh: a continuous map of [0, σ_w² + σ_b²] into itself has a fixed point",
    ),
    Claim(
        "ps1.3h-slope",
        "problem 3 (h)",
        r"f'(q) = \tfrac{\sigma_w^2}{2}",
        lhs=lambda: sp.diff(sigma_w**2 * expect(_RELU**2) + sigma_b**2, q),
        rhs=sigma_w**2 / 2,
        assumptions="ReLU, any σ_b",
    ),
    Claim(
        "ps1.3h-stable",
        "problem 3 (h)",
        r"\sigma_w < \sqrt{2} \Rightarrow f'(q^*) < 1",
        lhs=lambda: sp.diff(sigma_w**2 * expect(_RELU**2) + sigma_b**2, q),
        rhs=1,
        where=sigma_w < sp.sqrt(2),
        relation="<",
        assumptions="ReLU, σ_b zero or not",
    ),
    Claim(
        "ps1.3h-unstable",
        "problem 3 (h)",
        r"\sigma_w > \sqrt{2} \Rightarrow f'(0) > 1",
        lhs=lambda: sp.diff(sigma_w**2 * expect(_RELU**2), q),
        rhs=1,
        where=sigma_w > sp.sqrt(2),
        relation=">",
        assumptions="ReLU, σ_b = 0",
    ),
)
