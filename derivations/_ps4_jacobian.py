"""Problem set 4, problem 1: the Jacobian, and its S-transform."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import sympy as sp

from freejac.derivations._checks import (
    HARD_TANH,
    every,
    matrices_agree,
    measured_moments,
    rotation,
    s_multiplies,
)
from freejac.symbolic.check import check
from freejac.symbolic.check_families import check_each
from freejac.symbolic.claims import Claim, Skipped
from freejac.symbolic.expectation import expect
from freejac.symbolic.series import lagrange_moment_list
from freejac.symbolic.symbols import depth, sigma_w, x, z
from freejac.symbolic.verdict import Verdict

__all__ = ["CLAIMS", "SKIPPED", "chain_rule"]

L = depth
a, b, r, s, t, u = sp.symbols("a b r s t u", real=True)
N = sp.Symbol("N", integer=True, positive=True)


def _matrix(name: str) -> sp.Matrix:
    return sp.Matrix(2, 2, sp.symbols(f"{name}_11 {name}_12 {name}_21 {name}_22", real=True))


def _two_layers(bend: sp.Expr) -> tuple[sp.Matrix, sp.Matrix, sp.Matrix]:
    """∂x²/∂x⁰ of two layers of two units with φ(h) = h + bend h², and D²W², D¹W¹."""
    inputs = sp.Matrix(sp.symbols("x_1 x_2", real=True))
    output, factors = inputs, []
    for name in ("v", "w"):
        weights = _matrix(name)
        pre = weights * output + sp.Matrix(sp.symbols(f"b_{name}1 b_{name}2", real=True))
        output = pre.applyfunc(lambda e: e + bend * e**2)
        factors.append(sp.diag(*(1 + 2 * bend * e for e in pre)) * weights)
    return output.jacobian(inputs), factors[1], factors[0]


def chain_rule(bend: sp.Expr) -> Verdict:
    jacobian, second, first = _two_layers(bend)
    return matrices_agree("J = D²W²D¹W¹", jacobian, second * first)


def _diagonal() -> Verdict:
    pre = sp.Matrix(sp.symbols("h_1 h_2", real=True))
    derivative = sp.Matrix(2, 2, lambda i, j: sp.diff(sp.tanh(pre[j]), pre[i]))
    return matrices_agree(
        "D = diag φ′(h)", derivative, sp.diag(*(1 - sp.tanh(e) ** 2 for e in pre))
    )


def _singular() -> tuple[sp.Matrix, sp.Matrix, sp.Matrix]:
    """U, Σ and A = U Σ Vᵀ of a real 2 × 2 matrix."""
    left, sigma = rotation(t), sp.diag(r, s)
    return left, sigma, left * sigma * rotation(u).T


def _decomposition() -> Verdict:
    left, sigma, whole = _singular()
    return matrices_agree("AAᵀ = UΣ²Uᵀ", whole * whole.T, left * sigma**2 * left.T)


def _eigenvalues() -> Verdict:
    _, sigma, whole = _singular()
    shifted = (whole * whole.T - value**2 * sp.eye(2) for value in sigma.diagonal())
    return every(
        "the eigenvalues of AAᵀ are the squared singular values of A",
        *(check(matrix.det(), 0) for matrix in shifted),
    )


def _traces(left: sp.Matrix, right: sp.Matrix, orders: int) -> Verdict:
    return check_each(lambda k: (sp.trace(left**k), sp.trace(right**k)), 1, orders)


def _cyclic() -> Verdict:
    first, second = _matrix("a"), _matrix("b")
    return _traces(first * second, second * first, 3)


def _layer_out() -> Verdict:
    weights, rest = _matrix("w"), _matrix("k")
    slopes = sp.diag(*sp.symbols("d_1 d_2", real=True))
    whole = slopes * weights * rest
    return _traces(whole * whole.T, weights.T * slopes.T * slopes * weights * rest * rest.T, 2)


@lru_cache(maxsize=1)
def _critical_hard_tanh() -> dict[str, float]:
    """Hard tanh at q = 1/2 on the line χ = 1."""
    variance = sp.Rational(1, 2)
    chance = expect(sp.Piecewise((1, sp.Abs(x) < 1), (0, True)), variance)
    second = expect(sp.Max(-1, sp.Min(1, x)) ** 2, variance)
    return {
        "chance": chance,
        "sigma_w": float(1 / sp.sqrt(chance)),
        "sigma_b": float(sp.sqrt(variance - second / chance)),
        "q1": 0.5,
    }


def _product_measured(simulate: Any) -> Verdict:
    """m_2 and m_3 of four layers, from S = (S_WWᵀ S_D²)⁴, against drawn networks."""
    point = dict(_critical_hard_tanh())
    chance = point.pop("chance")
    verdicts = []
    for weights, one in (("gaussian", 1 / (1 + z)), ("orthogonal", sp.S.One)):
        s_layer = chance * one * (1 + z) / (chance + z)
        moments = lagrange_moment_list(s_layer**4, 3)
        network = simulate.feed_forward(
            *HARD_TANH, width=150, depth=4, weights=weights, draws=40, seed=1, **point
        )
        exact = {2: moments[1].evalf(), 3: moments[2].evalf()}
        verdicts.append(measured_moments(network, exact, bias=0.03, claim=weights))
    return every("moments of JJᵀ at L = 4", *verdicts)


CLAIMS = (
    Claim(
        "ps4.1a.jacobian",
        "problem 1(a)",
        r"J = \prod_{l=1}^{L} D^l W^l",
        decide=lambda: chain_rule(a),
        assumptions="J = ∂x^L/∂x⁰, the factor of the last layer stands left, as 1(c) writes it out",
        note="for two layers of two units, all weights and biases, and φ(h) = h + a h²",
    ),
    Claim(
        "ps4.1a.input",
        "problem 1, eqs. (1), (2) and 1(a)",
        r"\frac{\partial x^L}{\partial h^0} = \prod_{l=1}^{L} D^l W^l",
        lhs=lambda: sp.diff(sp.tanh(a * sp.tanh(x) + b), x),
        rhs=a * (1 - sp.tanh(a * sp.tanh(x) + b) ** 2),
        assumptions="one unit, L = 1, φ = tanh, x⁰ = φ(h⁰) by eq. (2)",
        expected="refuted",
        note="the input is called h⁰, but the recursion starts from x⁰; read literally, the "
        "derivative by h⁰ has one more factor φ′(h⁰)",
        correction=Claim(
            "ps4.1a.input.corrected",
            "problem 1, eqs. (1), (2) and 1(a)",
            r"\frac{\partial x^L}{\partial x^0} = \prod_{l=1}^{L} D^l W^l",
            lhs=lambda: sp.diff(sp.tanh(a * x + b), x),
            rhs=a * (1 - sp.tanh(a * x + b) ** 2),
            assumptions="one unit, L = 1, φ = tanh; ps4.1a.jacobian has L = 2",
        ),
    ),
    Claim(
        "ps4.1a.slopes",
        "eq. (3)",
        r"(D^l)_{ij} = \frac{dx_j^l}{dh_i^l} = \phi'(h_i^l)\delta_{ij}",
        decide=_diagonal,
        assumptions="two units, φ = tanh",
    ),
    Claim(
        "ps4.1b.decomposition",
        "problem 1(b)",
        r"AA^T = (U\Sigma V^\dagger)(U\Sigma V^\dagger)^\dagger = U\Sigma^2 U^\dagger",
        decide=_decomposition,
        assumptions="A real, 2 × 2; rotations by a rational parameter",
        note="the step between, UΣᵀΣU†, has its factors the wrong way round where A is not square",
    ),
    Claim(
        "ps4.1b.eigenvalues",
        "problem 1(b)",
        r"\operatorname{spec}(AA^T) = \{\sigma_i^2\}",
        decide=_eigenvalues,
        assumptions="A real, 2 × 2",
    ),
    Claim(
        "ps4.1c.layers",
        "problem 1(c), first line of the solution",
        r"JJ^T = \Bigl(\prod_{l=1}^{N} D^l W^l\Bigr)\Bigl(\prod_{l=1}^{N} D^l W^l\Bigr)^T",
        lhs=sigma_w ** (2 * L),
        rhs=sigma_w**N * sigma_w**N,
        assumptions="N the width, as in 2(b); tried at Dˡ = 1, Wˡ = σ_w",
        expected="refuted",
        note="the product runs over the layers, to L; N is the width elsewhere",
        correction=Claim(
            "ps4.1c.layers.corrected",
            "problem 1(c), first line of the solution",
            r"JJ^T = \Bigl(\prod_{l=1}^{L} D^l W^l\Bigr)\Bigl(\prod_{l=1}^{L} D^l W^l\Bigr)^T",
            lhs=sigma_w ** (2 * L),
            rhs=sigma_w**L * sigma_w**L,
        ),
    ),
    Claim(
        "ps4.1c.cyclic",
        "problem 1(c)",
        r"\operatorname{tr}(AB)^k = \operatorname{tr}(BA)^k",
        decide=_cyclic,
        note="k = 1, 2, 3 and all 2 × 2 matrices; with B = Aᵀ it makes S of WWᵀ and WᵀW equal",
    ),
    Claim(
        "ps4.1c.reordered",
        "problem 1(c)",
        r"S_{JJ^T} = S_{(W_L^T D_L^T D_L W_L)(D_{L-1}W_{L-1}\cdots)(D_{L-1}W_{L-1}\cdots)^T}",
        decide=_layer_out,
        note="by the traces of the first two powers, for all 2 × 2 matrices",
    ),
    Claim(
        "ps4.1c.product",
        "problem 1(c)",
        r"S_{AB} = S_A S_B",
        decide=s_multiplies,
        assumptions="A and B free",
        note="the first three moments, for any A and B, against the definition of freeness",
    ),
    Claim(
        "ps4.1c.s-jacobian",
        "problem 1(c)",
        r"S_{JJ^T} = \prod_{l=1}^{L} S_{W_lW_l^T} S_{D_l^2} = S_{WW^T}^L S_{D^2}^L",
        experiment=_product_measured,
        assumptions="the Dˡ and Wˡ are free, and h ~ N(0, q*) in every layer",
        expected="not refuted",
        note="hard tanh at q = 1/2, χ = 1, L = 4, both ensembles: 40 drawn networks of width 150, "
        "whose moments are allowed 3 % beside their sampling error",
    ),
)


SKIPPED = (
    Skipped("eqs. (1), (2)", "definition of the network"),
    Skipped("problem 1(b), the isometry condition", "definition, restated for eigenvalues"),
    Skipped(
        "problem 1(c), lines with W_t, D_t, D_I",
        "subscripts garbled by the scan; the steps are those of ps4.1c.cyclic and ps4.1c.product",
    ),
    Skipped("problem 1(c), the boxed quotation", "prose; its formula is ps4.1c.s-jacobian"),
)
