"""Residual networks, the experiments: finite networks drawn anew, at small width and depth.

The theory is that of infinite width, and for spectra of infinite depth: what a finite network adds
is allowed for as a bias, named with each claim. Networks are seeded, so that the verdicts repeat.
"""

from __future__ import annotations

from math import exp, sqrt
from typing import Any

import numpy as np
import sympy as sp

from freejac.derivations._network_samples import FUNCTIONS, check_layers
from freejac.symbolic.check_numbers import check_estimate, check_sample
from freejac.symbolic.claims import Claim
from freejac.symbolic.mean_field import MeanField
from freejac.symbolic.residual import ResNet
from freejac.symbolic.symbols import q, sigma_w
from freejac.symbolic.universal_density import residual_density
from freejac.symbolic.verdict import Verdict, weakest

__all__ = ["CLAIMS"]

_WIDTH, _DRAWS, _DEPTH = 80, 16, 6
_WEIGHT, _BIAS, _FIRST = 1.0, 0.5, 1.25
_LAYERS = (0, 2, _DEPTH - 1)


def _theory(name: str, **changes: Any) -> Any:
    parameters = {"a": sp.Rational(1, 4)} if name == "leaky_relu" else {}
    settings = {"sigma_w": _WEIGHT, "sigma_b": _BIAS, "q1": _FIRST, **changes}
    return ResNet(name).propagate(_DEPTH, **settings, parameters=parameters)


def _propagation(name: str, seed: int, weights: str = "gaussian") -> Any:
    """An experiment: q, ⟨x⟩, ⟨x²⟩ and c_l of three layers against eqs. (29) to (35)."""

    def experiment(simulate: Any) -> Verdict:
        phi, slope = FUNCTIONS[name]
        net = simulate.residual(
            phi,
            slope,
            width=_WIDTH,
            depth=_DEPTH,
            sigma_w=_WEIGHT,
            sigma_b=_BIAS,
            q1=_FIRST,
            weights=weights,
            seed=seed,
            draws=_DRAWS,
        )
        theory, bias, kept = _theory(name), 3 / _WIDTH, list(_LAYERS)
        columns = {
            "q": (net.q, theory.q),
            "the mean": (net.mean, theory.mean),
            "the mean square": (net.second_moment, theory.second_moment),
            "c_l": (net.chi, theory.cumulants),
        }
        steps = tuple(
            check_layers(measured[:, kept], [expected[n] for n in kept], what, bias=bias)
            for what, (measured, expected) in columns.items()
        )
        return weakest(f"signal propagation of {name}", steps, "quantity")

    return experiment


def _spectrum(name: str, weight: float, depth: int, seed: int) -> Any:
    """An experiment: the eigenvalues of J Jᵀ against the universal density at the network's c."""

    def experiment(simulate: Any) -> Verdict:
        phi, slope = FUNCTIONS[name]
        net = simulate.residual(
            phi, slope, width=_WIDTH, depth=depth, sigma_w=weight, q1=_FIRST, seed=seed, draws=6
        )
        c = float(net.chi.mean())
        # depth L moves m_k by a relative amount of order c²/L, width N the distance by 1/N
        return check_sample(
            net.eigenvalues.ravel(),
            _distribution(c),
            bias=1 / depth,
            claim=f"the spectrum of {name} at c = {c:.3f}",
        )

    return experiment


def _distribution(c: float) -> Any:
    """The distribution function of the universal law, by the trapezoidal rule in log λ."""
    edge = sqrt(c * (c + 2))
    reach = float(np.log1p(c + edge) + edge)
    logs = np.linspace(-reach, reach, 241)
    weights = np.array([float(residual_density(exp(u), c)) * exp(u) for u in logs])
    steps = np.concatenate([[0.0], np.cumsum((weights[1:] + weights[:-1]) / 2)])
    total = steps / steps[-1]
    return lambda lam: float(np.interp(np.log(lam), logs, total))


def _moments(simulate: Any) -> Verdict:
    """m_1 and m_2 of deep linear networks at three cumulants against eq. (25)."""
    phi, slope = FUNCTIONS["linear"]
    steps = []
    for c, seed in ((0.125, 1), (0.25, 2), (0.5, 3)):
        depth = 16
        net = simulate.residual(
            phi, slope, width=_WIDTH, depth=depth, sigma_w=sqrt(c), seed=seed, draws=16
        )
        for order, value in ((1, exp(c)), (2, (1 + 2 * c) * exp(2 * c))):
            estimate, error = net.moment(order)
            allowed = value * order * (c**2 / depth + 1 / _WIDTH)
            steps.append(
                check_estimate(estimate, error, value, bias=allowed, claim=f"m_{order}, c = {c}")
            )
    return weakest("moments of deep residual networks", tuple(steps), "moment")


def _spectral_radius(simulate: Any) -> Verdict:
    """The largest squared modulus of the eigenvalues of D W, both ensembles, against c_l."""
    del simulate  # the matrices need no network
    random, width, weight, variance = np.random.default_rng(4), 160, 1.2, 0.8
    _, slope = FUNCTIONS["tanh"]
    squares = []
    for _ in range(12):
        diagonal = slope(sqrt(variance) * random.standard_normal(width))
        matrix = weight / sqrt(width) * random.standard_normal((width, width))
        values = np.linalg.eigvals(diagonal[:, None] * matrix)
        squares.append(float(np.max(np.abs(values)) ** 2))
    value = float(MeanField("tanh").chi.subs({sigma_w: weight, q: variance}).evalf(15))
    error = float(np.std(squares, ddof=1)) / sqrt(len(squares))
    return check_estimate(
        float(np.mean(squares)), error, value, bias=0.1 * value, claim="the spectral radius"
    )


_SETTINGS = f"σ_w = 1, σ_b = 1/2, q¹ = 5/4; {_DRAWS} networks of width {_WIDTH}, depth {_DEPTH}"

CLAIMS = (
    *(
        Claim(
            f"resnet.a-propagation-{name.replace('_', '-')}",
            "appendix A, Fig. 5",
            r"q^l,\ \langle x^l \rangle,\ \langle (x^l)^2 \rangle,\ c_l",
            experiment=_propagation(name, seed),
            slow=True,
            expected="not refuted",
            assumptions=f"{name.replace('_', ' ')}; {_SETTINGS}",
            note="against eqs. (29) to (35), iterated; relative bias 3/N allowed",
        )
        for seed, name in enumerate(
            ("linear", "relu", "leaky_relu", "hard_tanh", "tanh", "sigmoid", "selu"), start=21
        )
    ),
    Claim(
        "resnet.ii2-orthogonal",
        "section II.2, last remark",
        r"W W^T = \tfrac{\sigma_w^2}{L}:\quad q^l,\ \langle x^l \rangle,"
        r"\ \langle (x^l)^2 \rangle,\ c_l",
        experiment=_propagation("relu", 41, "orthogonal"),
        slow=True,
        expected="not refuted",
        assumptions=f"ReLU with scaled orthogonal weights; {_SETTINGS}",
        note="the recursions of Gaussian weights hold",
    ),
    Claim(
        "resnet.ii1-spectral-radius",
        "section II.1, eq. (21)",
        r"|\lambda(\mathbf{D}\mathbf{W})|^2_{\max} = \sigma_w^2"
        r" \int \mathcal{D}z\, \phi'(\sqrt{q}z)^2",
        experiment=_spectral_radius,
        slow=True,
        expected="not refuted",
        assumptions="tanh, σ_w = 6/5, q = 4/5, W_ij of variance σ_w²/N; 12 matrices of size 160,"
        " bias of 10 % allowed",
    ),
    Claim(
        "resnet.ii4-tanh-spectrum",
        "section II.4, Fig. 1 (left)",
        r"\rho(\lambda) = -\tfrac{1}{\pi} \operatorname{Im} G(\lambda + i0)",
        experiment=_spectrum("tanh", 1.2, 16, 51),
        slow=True,
        expected="not refuted",
        assumptions=f"tanh, σ_w = 6/5, depth 16; 6 networks of width {_WIDTH}; bias 1/L allowed",
    ),
    Claim(
        "resnet.ii4-relu-spectrum",
        "section II.4, Fig. 1 (right)",
        r"\rho(\lambda) = -\tfrac{1}{\pi} \operatorname{Im} G(\lambda + i0)",
        experiment=_spectrum("relu", 1.0, 16, 52),
        slow=True,
        expected="not refuted",
        assumptions=f"ReLU, c = 1/2, depth 16; 6 networks of width {_WIDTH}; bias 1/L allowed",
    ),
    Claim(
        "resnet.iii1-hard-tanh-spectrum",
        "section III.1, Fig. 3",
        r"\rho(\lambda) = -\tfrac{1}{\pi} \operatorname{Im} G(\lambda + i0)",
        experiment=_spectrum("hard_tanh", 1.0, 16, 53),
        slow=True,
        expected="not refuted",
        assumptions=f"hard tanh, depth 16; 6 networks of width {_WIDTH}; the law depends on the"
        " activation through c alone",
    ),
    Claim(
        "resnet.ii4-moments",
        "section II.4 and eq. (25)",
        r"m_1 = e^c,\quad m_2 = (1 + 2c)\, e^{2c}",
        experiment=_moments,
        slow=True,
        expected="not refuted",
        assumptions=f"linear, c = 1/8, 1/4, 1/2, depth 16; 16 networks of width {_WIDTH} each;"
        " relative bias k(c²/L + 1/N) allowed",
    ),
)
