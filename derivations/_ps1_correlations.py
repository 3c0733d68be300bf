"""Problem set 1, problems 4 and 5: the correlation map, and χ as the growth of gradients."""

from __future__ import annotations

from typing import Any

import sympy as sp

from freejac.derivations._gaussian_entries import entries, mean_of_polynomial
from freejac.derivations._network_samples import FUNCTIONS, check_layers
from freejac.symbolic.activation import Activation
from freejac.symbolic.bivariate import Expectation2, expectation2
from freejac.symbolic.check import check, check_chain
from freejac.symbolic.check_families import check_each, check_for_all
from freejac.symbolic.check_numbers import check_estimate
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
_THETA, _OTHER = sp.symbols("theta vartheta", real=True)
_S1, _S2 = sp.symbols("t_1 t_2", positive=True)
_ERF_SLOPE = 2 * sp.exp(-(x**2)) / sp.sqrt(sp.pi)
_CLOSED = ("relu", "erf")
"""Activations whose correlation map is elementary."""


def _iterated_integral() -> Verdict:
    """The integral over independent z_1, z_2 against the mean over correlated Gaussians."""

    def powers(n: int) -> tuple[sp.Expr, sp.Expr]:
        independent = mean_of_polynomial((_U1 * _U2) ** n, _UNIT)
        return independent, expectation2(x**n, x**n, _Q1, _Q2, c)

    return check_each(powers, 1, 5, where=_CORRELATED, claim="∫Dz₁Dz₂ φ(u₁)φ(u₂) for φ = xⁿ")


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


def _jacobian() -> tuple[sp.Matrix, list[sp.Symbol], list[sp.Symbol]]:
    """A 2 × 2 matrix W D, its weights and the entries of D."""
    weights, slopes = list(entries("W", 4)), list(entries("D", 2))
    return sp.Matrix(2, 2, weights) * sp.diag(*slopes), weights, slopes


def _layer_jacobian() -> Verdict:
    inputs, weights = entries("h", 2), entries("W", 4)
    layer = sp.Matrix(2, 2, weights) * sp.Matrix([sp.tanh(h) for h in inputs])
    product = sp.Matrix(2, 2, weights) * sp.diag(*(1 - sp.tanh(h) ** 2 for h in inputs))
    entrywise = zip(layer.jacobian(inputs), product, strict=True)
    return weakest("the Jacobian is W D", tuple(check(a, b) for a, b in entrywise), "entry")


def _direction() -> sp.Matrix:
    return sp.Matrix([sp.cos(_THETA), sp.sin(_THETA)])


def _stretched() -> tuple[sp.Expr, sp.Expr]:
    """|J x|² and Σ λ_i (x·v_i)² for J = R(φ) diag(s_1, s_2) R(ϑ)ᵀ, whose v_i are known."""
    turn = sp.Matrix([[sp.cos(_OTHER), -sp.sin(_OTHER)], [sp.sin(_OTHER), sp.cos(_OTHER)]])
    image = sp.diag(_S1, _S2) * turn.T * _direction()
    overlaps = turn.T * _direction()
    return image.dot(image), _S1**2 * overlaps[0] ** 2 + _S2**2 * overlaps[1] ** 2


def _mean_square() -> Verdict:
    """The mean of |J x|² over the circle against (1/2) tr JᵀJ."""
    matrix = sp.Matrix(2, 2, list(entries("J", 4)))
    image = matrix * _direction()
    mean = sp.integrate(sp.expand(image.dot(image)), (_THETA, 0, 2 * sp.pi)) / (2 * sp.pi)
    return check(mean, (matrix.T * matrix).trace() / 2)


def _projection() -> Verdict:
    """The mean of (x·v)² over the unit sphere of n dimensions, by the angle to v."""

    def mean(n: int) -> tuple[sp.Expr, sp.Expr]:
        weight = sp.sin(_THETA) ** (n - 2)
        square, total = (
            sp.integrate(f, (_THETA, 0, sp.pi)) for f in (sp.cos(_THETA) ** 2 * weight, weight)
        )
        return square / total, sp.Rational(1, n)

    return check_each(mean, 2, 7, claim="⟨(x·v)²⟩ = 1/N")


def _mean_traces(*, printed: bool) -> Verdict:
    """The chain of problem 5 (b), the mean taken over W of variance σ_w²/2 and over D."""
    matrix, weights, slopes = _jacobian()
    variances = dict.fromkeys(weights, sigma_w**2 / 2)
    square = sp.Symbol("m", positive=True)
    mean = mean_of_polynomial((matrix.T * matrix).trace() / 2, variances)
    mean = mean.subs({slope: sp.sqrt(square) for slope in slopes})
    second = Expectation(_ERF_SLOPE**2, q)
    if printed:
        printed_trace = mean_of_polynomial(matrix.trace() / 2, variances)
        links = (mean.subs(square, second), printed_trace, sigma_w**2 * Expectation(_ERF_SLOPE, q))
        return check_chain(*links, samples=4)
    return check_chain(mean.subs(square, second), sigma_w**2 * second, MeanField("erf").chi)


def _one_layer(simulate: Any) -> Verdict:
    phi, slope = FUNCTIONS["tanh"]
    weight, variance, width = 1.5, 0.8, 100
    net = simulate.feed_forward(
        phi, slope, width=width, depth=1, sigma_w=weight, q1=variance, seed=5, draws=60
    )
    chi = MeanField("tanh").chi.subs({sigma_w: weight, q: variance}).evalf(15)
    estimate, error = net.moment(1)
    return check_estimate(estimate, error, chi, bias=2 / width, claim="mean squared singular value")


def _growth(simulate: Any) -> Verdict:
    """Mean squared singular value behind five layers at q*, as χˡ: growing and shrinking."""
    phi, slope = FUNCTIONS["tanh"]
    width, depth, steps = 100, 5, []
    for weight, bias, seed in ((1.8, 0.1, 1), (0.9, 0.3, 2)):
        point = MeanField("tanh").fixed_points(weight, bias)[-1].q
        net = simulate.feed_forward(
            phi,
            slope,
            width=width,
            depth=depth,
            sigma_w=weight,
            sigma_b=bias,
            q1=point,
            seed=seed,
            draws=20,
        )
        chi = float(MeanField("tanh").chi.subs({sigma_w: weight, q: point}).evalf(15))
        square = net.eigenvalues.mean(axis=1)[:, None]
        steps.append(check_layers(square, [chi**depth], f"χ = {chi:.4f}", bias=4 * depth / width))
    return weakest("the mean squared singular value is χˡ", tuple(steps), "network")


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
        assumptions="checked for φ = xⁿ, n from 1 to 5, which span the polynomials' diagonal terms",
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
    Claim(
        "ps1.5a-expansion",
        "problem 5 (a), eqs. (15) to (17)",
        r"\mathbf{y}^T\mathbf{y} = \sum_i \lambda_i (\mathbf{x}^T\mathbf{v}_i)^2",
        lhs=lambda: _stretched()[0],
        rhs=lambda: _stretched()[1],
        assumptions="N = 2, |x| = 1, J with singular values s_1, s_2 along turned axes",
    ),
    Claim(
        "ps1.5a-projection",
        "problem 5 (a)",
        r"\langle (\mathbf{x}^T\mathbf{v}_i)^2 \rangle = \tfrac{1}{N}",
        decide=_projection,
        assumptions="x uniform on the unit sphere; N from 2 to 7",
    ),
    Claim(
        "ps1.5a-average",
        "problem 5 (a), eq. (18)",
        r"\langle \mathbf{y}^T\mathbf{y} \rangle ="
        r" \tfrac{1}{N} \operatorname{tr} \mathbf{J}^T\mathbf{J}",
        decide=_mean_square,
        assumptions="N = 2, any J",
    ),
    Claim(
        "ps1.5b-jacobian",
        "problem 5 (b), eq. (20)",
        r"\frac{\partial h_i^l}{\partial h_j^{l-1}} = W_{ij}^l \phi'(h_j^{l-1})",
        decide=_layer_jacobian,
        assumptions="tanh, N = 2",
    ),
    Claim(
        "ps1.5b-singular-values",
        "problem 5 (b), solution",
        r"s_i(\mathbf{J}) = \lambda_i(\mathbf{J}^T\mathbf{J})",
        lhs=_S1,
        rhs=lambda: max((sp.diag(_S1, 0).T * sp.diag(_S1, 0)).eigenvals(), key=sp.count_ops),
        expected="refuted",
        assumptions="J = diag(s_1, 0)",
        note="the singular values are the roots of these eigenvalues, as part (a) says",
        correction=Claim(
            "ps1.5b-singular-values.corrected",
            "problem 5 (b), solution",
            r"s_i(\mathbf{J})^2 = \lambda_i(\mathbf{J}^T\mathbf{J})",
            lhs=_S1**2,
            rhs=lambda: max((sp.diag(_S1, 0).T * sp.diag(_S1, 0)).eigenvals(), key=sp.count_ops),
        ),
    ),
    Claim(
        "ps1.5b-trace",
        "problem 5 (b), solution",
        r"\tfrac{1}{N} \operatorname{tr}(\mathbf{J}^T\mathbf{J}) ="
        r" \tfrac{1}{N} \operatorname{tr}(D^l W^l)",
        lhs=lambda: (_jacobian()[0].T * _jacobian()[0]).trace() / 2,
        rhs=lambda: _jacobian()[0].trace() / 2,
        expected="refuted",
        assumptions="J = W D, N = 2",
        note="tr(D Wᵀ W D) was meant; the trace of J itself has mean zero",
        correction=Claim(
            "ps1.5b-trace.corrected",
            "problem 5 (b), solution",
            r"\tfrac{1}{N} \operatorname{tr}(\mathbf{J}^T\mathbf{J})"
            r" = \tfrac{1}{N} \operatorname{tr}(D^2 W^T W)",
            lhs=lambda: (_jacobian()[0].T * _jacobian()[0]).trace() / 2,
            rhs=lambda: (
                (
                    sp.diag(*(d**2 for d in entries("D", 2)))
                    * sp.Matrix(2, 2, entries("W", 4)).T
                    * sp.Matrix(2, 2, entries("W", 4))
                ).trace()
                / 2
            ),
        ),
    ),
    Claim(
        "ps1.5b-chi",
        "problem 5 (b), last equation",
        r"\mathbb{E}\,\tfrac{1}{N} \operatorname{tr}(\mathbf{J}^T\mathbf{J}) ="
        r" \mathbb{E}\,\tfrac{1}{N} \operatorname{tr}(D^l W^l) ="
        r" \sigma_w^2 \int \phi'\bigl(\sqrt{q^*}\rho\bigr) \mathcal{D}\rho",
        decide=lambda: _mean_traces(printed=True),
        expected="refuted",
        assumptions="erf, N = 2",
        note="the square of φ′ is missing, besides the trace; for ReLU φ′² = φ′ hides it",
        correction=Claim(
            "ps1.5b-chi.corrected",
            "problem 5 (b), last equation",
            r"\mathbb{E}\,\tfrac{1}{N} \operatorname{tr}(\mathbf{J}^T\mathbf{J}) ="
            r" \sigma_w^2 \int \phi'\bigl(\sqrt{q^*}\rho\bigr)^2 \mathcal{D}\rho = \chi",
            decide=lambda: _mean_traces(printed=False),
            assumptions="erf, N = 2",
        ),
    ),
    Claim(
        "ps1.5b-chi-square",
        "problem 5 (b), last equation against eq. (14)",
        r"\chi = \sigma_w^2 \int \phi'\bigl(\sqrt{q^*}\rho\bigr) \mathcal{D}\rho",
        lhs=lambda: MeanField("erf").chi,
        rhs=sigma_w**2 * Expectation(_ERF_SLOPE, q),
        expected="refuted",
        assumptions="erf",
        note="the missing square alone, the left side as in eq. (14)",
        correction=Claim(
            "ps1.5b-chi-square.corrected",
            "problem 5 (d), eq. (21)",
            r"\chi = \sigma_w^2 \int \mathcal{D}z\, \phi'\bigl(\sqrt{q^*} z\bigr)^2",
            lhs=lambda: MeanField("erf").chi,
            rhs=sigma_w**2 * Expectation(_ERF_SLOPE**2, q),
            assumptions="erf",
        ),
    ),
    Claim(
        "ps1.5b-networks",
        "problem 5 (b)",
        r"\tfrac{1}{N}\sum_i s_i(\mathbf{J})^2 \to \chi",
        experiment=_one_layer,
        slow=True,
        expected="not refuted",
        assumptions="tanh, σ_w = 3/2, q = 4/5, 60 layers of width 100",
    ),
    Claim(
        "ps1.5c-growth",
        "problem 5 (c)",
        r"\tfrac{1}{N}\operatorname{tr}(\mathbf{J}^T\mathbf{J}) \to \chi^l",
        experiment=_growth,
        slow=True,
        expected="not refuted",
        assumptions="tanh at q*, five layers: (σ_w, σ_b) = (1.8, 0.1) with χ > 1, (0.9, 0.3) with"
        " χ < 1; 20 networks of width 100 each",
    ),
)
