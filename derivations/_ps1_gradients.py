"""Problem set 1, problem 5: χ as the mean squared singular value of a layer, and its powers."""

from __future__ import annotations

from typing import Any

import sympy as sp

from freejac.derivations._gaussian_entries import entries, mean_of_polynomial
from freejac.derivations._network_samples import FUNCTIONS, check_layers
from freejac.symbolic.check import check, check_chain
from freejac.symbolic.check_families import check_each
from freejac.symbolic.check_numbers import check_estimate
from freejac.symbolic.claims import Claim
from freejac.symbolic.expectation import Expectation
from freejac.symbolic.mean_field import MeanField
from freejac.symbolic.symbols import q, sigma_w, x
from freejac.symbolic.verdict import Verdict, weakest

__all__ = ["CLAIMS"]

_THETA, _OTHER = sp.symbols("theta vartheta", real=True)
_S1, _S2 = sp.symbols("t_1 t_2", positive=True)
_ERF_SLOPE = 2 * sp.exp(-(x**2)) / sp.sqrt(sp.pi)


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


def _eigenvalue() -> sp.Expr:
    """The eigenvalue of JᵀJ for a 1 × 1 matrix J with singular value t_1."""
    matrix = sp.Matrix([[_S1]])
    (found,) = (matrix.T * matrix).eigenvals()
    return found


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
        rhs=_eigenvalue,
        expected="refuted",
        assumptions="N = 1, J a positive number",
        note="the singular values are the roots of these eigenvalues, as part (a) says",
        correction=Claim(
            "ps1.5b-singular-values.corrected",
            "problem 5 (b), solution",
            r"s_i(\mathbf{J})^2 = \lambda_i(\mathbf{J}^T\mathbf{J})",
            lhs=_S1**2,
            rhs=_eigenvalue,
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
