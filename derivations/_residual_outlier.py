"""Residual networks: the singular value that the spectral density does not see.

The condition number of eq. (26) is the ratio of the ends of the density. It is that of the singular
values where D = diag φ′(Wx + b) may be treated as free of W. For given h = Wx the weights keep a
part h xᵀ/|x|² of rank one, and with ⟨φ′(h)h⟩ ≠ 0, as for ReLU, these parts add up over the layers
to one singular value outside.
"""

from __future__ import annotations

from functools import lru_cache
from math import exp, sqrt
from typing import Any

import numpy as np
import sympy as sp
from mpmath import mp

from freejac.derivations._network_samples import FUNCTIONS
from freejac.symbolic.check import check
from freejac.symbolic.check_numbers import check_estimate
from freejac.symbolic.claims import Claim
from freejac.symbolic.symbols import cumulant
from freejac.symbolic.verdict import Verdict, weakest

__all__ = ["CLAIMS"]

_WIDTH, _DEPTH, _DRAWS = 150, 24, 4
_H = sp.Symbol("h", real=True)


def _edge(c: float) -> float:
    """s_max/s_min by eq. (26), which is λ₊ as well, since λ₊λ₋ = 1."""
    root = sqrt(c * (c + 2))
    return (1 + c + root) * exp(root)


@lru_cache(maxsize=4)
def _drawn(simulate: Any, name: str, weight: float) -> Any:
    """Networks that several claims look at."""
    phi, slope = FUNCTIONS[name]
    return simulate.residual(
        phi, slope, width=_WIDTH, depth=_DEPTH, sigma_w=weight, seed=7, draws=_DRAWS
    )


def _extremes(name: str, weight: float, c: float, skipped: int = 0) -> Any:
    """An experiment: s_max/s_min against eq. (26), without the largest `skipped` values."""

    def experiment(simulate: Any) -> Verdict:
        eigenvalues = _drawn(simulate, name, weight).eigenvalues
        ratios = np.sqrt(eigenvalues[:, -1 - skipped] / eigenvalues[:, 0])
        error = float(np.std(ratios, ddof=1)) / sqrt(len(ratios))
        value = _edge(c)
        return check_estimate(
            float(ratios.mean()), error, value, bias=0.1 * value, claim="the condition number"
        )

    return experiment


def _free_slopes(simulate: Any) -> Verdict:
    """s_max/s_min of Π (1 + DW) with D = diag θ(h), h drawn free of W: c = 1/2, σ_w = 1."""
    del simulate  # a product of matrices, no network
    random, ratios = np.random.default_rng(3), []
    for _ in range(_DRAWS):
        product = np.eye(_WIDTH)
        for _ in range(_DEPTH):
            weights = random.standard_normal((_WIDTH, _WIDTH)) / sqrt(_WIDTH * _DEPTH)
            slopes = (random.standard_normal(_WIDTH) > 0).astype(float)
            product = product + slopes[:, None] * (weights @ product)
        values = np.linalg.svd(product, compute_uv=False)
        ratios.append(float(values[0] / values[-1]))
    error, value = float(np.std(ratios, ddof=1)) / sqrt(_DRAWS), _edge(0.5)
    return check_estimate(
        float(np.mean(ratios)), error, value, bias=0.1 * value, claim="the condition number"
    )


def _stretch(depth: int) -> Verdict:
    """‖J x⁰‖²/‖x⁰‖² = q^{L+1}/q¹ of ReLU by eq. (39), σ_w = 1, against λ₊ at c = 1/2."""
    with mp.workdps(30):
        variance, centre = mp.one, mp.zero
        for _ in range(depth):
            first = mp.sqrt(variance / (2 * mp.pi))
            growth = (variance / 2 + 2 * first * centre) / depth
            variance, centre = variance + growth, centre + first
        stretch = sp.Float(mp.nstr(variance, 15), 15)
    c = sp.Rational(1, 2)
    root = sp.sqrt(c * (c + 2))
    return check(stretch, (1 + c + root) * sp.exp(root), relation="<=")


def _linear_stretch() -> Verdict:
    """e^c ≤ (1 + c + r)eʳ with r = √(c(c + 2)): by c² ≤ r², and as the factor is 1 at least."""
    root = sp.sqrt(cumulant * (cumulant + 2))
    steps = (
        check(cumulant**2, root**2, relation="<="),
        check(1, 1 + cumulant + root, relation="<="),
    )
    return weakest("c ≤ r, and 1 ≤ 1 + c + r", steps)


_NETWORKS = f"{_DRAWS} networks of width {_WIDTH}, depth {_DEPTH}"
_RATIO = r"\frac{s_{\max}}{s_{\min}} \to \bigl(1 + c + \sqrt{c(c + 2)}\bigr) e^{\sqrt{c(c + 2)}}"

CLAIMS = (
    Claim(
        "resnet.ii1-condition-number-linear",
        "section II.1, eq. (26)",
        _RATIO,
        experiment=_extremes("linear", 0.5**0.5, 0.5),
        slow=True,
        expected="not refuted",
        assumptions=f"linear, c = 1/2, {_NETWORKS}; bias of 10 % allowed",
    ),
    Claim(
        "resnet.ii1-condition-number-relu",
        "section II.1, eq. (26), with section II.3",
        _RATIO,
        experiment=_extremes("relu", 1.0, 0.5),
        slow=True,
        expected="refuted",
        assumptions=f"ReLU without biases, c = 1/2, {_NETWORKS}",
        note="one singular value lies outside: D depends on W, and ⟨φ′(h)h⟩ ≠ 0 gives each layer a"
        " part of rank one. It changes no density, but it is the largest value, and grows with L",
        correction=Claim(
            "resnet.ii1-condition-number-relu.corrected",
            "section II.1, eq. (26)",
            r"\frac{s_2}{s_N} \to \bigl(1 + c + \sqrt{c(c + 2)}\bigr) e^{\sqrt{c(c + 2)}}",
            experiment=_extremes("relu", 1.0, 0.5, skipped=1),
            slow=True,
            expected="not refuted",
            assumptions="as above: the ends of the continuous part; bias of 10 % allowed",
            note="no proof, it is a measurement",
        ),
    ),
    Claim(
        "resnet.ii1-condition-number-free",
        "section II.1, eq. (26)",
        _RATIO,
        experiment=_free_slopes,
        slow=True,
        expected="not refuted",
        assumptions=f"ReLU's slopes drawn free of W, c = 1/2; {_DRAWS} products of {_DEPTH} factors"
        f" of size {_WIDTH}; bias of 10 % allowed",
        note="not in the source: what the derivation of eq. (26) takes for granted",
    ),
    Claim(
        "resnet.ii1-homogeneous",
        "section I, eqs. (1) and (6)",
        r"\phi'(h) h = \phi(h) \Rightarrow \mathbf{J} x^0 = x^L",
        lhs=_H * sp.Piecewise((1, _H > 0), (0, True)),
        rhs=sp.Max(0, _H),
        assumptions="ReLU without biases, h = Wx: (1 + DW)x = φ(h) + x in each layer",
        note="not printed; with eq. (29), ‖Jx⁰‖²/‖x⁰‖² = q^{L+1}/q¹",
    ),
    Claim(
        "resnet.ii1-stretch",
        "section II.1, eq. (26), against section II.3, eq. (39)",
        r"\frac{q^{L+1}}{q^1} = \frac{\|\mathbf{J}x^0\|^2}{\|x^0\|^2} \le s_{\max}^2 ="
        r" \bigl(1 + c + \sqrt{c(c + 2)}\bigr) e^{\sqrt{c(c + 2)}}",
        decide=lambda: _stretch(64),
        expected="refuted",
        assumptions="ReLU without biases, σ_w = 1, c = 1/2, L = 64; input of mean zero",
        note="by the source's own recursion the signal grows beyond the edge of the spectrum: the"
        " ratio is 7.8 at L = 16, 163 at 64, 9e4 at 256",
        correction=Claim(
            "resnet.ii1-stretch.corrected",
            "section II.1, eq. (26), against section II.3, eq. (40)",
            r"\frac{q^{L+1}}{q^1} \to e^{c} \le"
            r" \bigl(1 + c + \sqrt{c(c + 2)}\bigr) e^{\sqrt{c(c + 2)}}",
            decide=_linear_stretch,
            assumptions="linear networks, where ⟨φ′(h)h⟩ = 0 and q^{L+1}/q¹ → e^c",
        ),
    ),
)
