"""Residual networks, sections I and II.1: the Jacobian, and the tools of free probability.

The tools are tried out on W Wᵀ for square Gaussian W, whose moments are counted word by word.
"""

from __future__ import annotations

import sympy as sp

from freejac.derivations._gaussian_entries import (
    entries,
    non_crossing_pairings,
)
from freejac.symbolic.check import check
from freejac.symbolic.check_functions import check_inverse, check_law
from freejac.symbolic.claims import Claim
from freejac.symbolic.symbols import lam, z
from freejac.symbolic.verdict import Verdict, weakest

__all__ = ["CLAIMS", "LOST"]

_A = sp.Symbol("a", positive=True)
_VAR, _OTHER = sp.symbols("s t", positive=True)
_Z = sp.Symbol("z", positive=True)
_U = sp.Symbol("u", positive=True)
_MP_GREEN = (1 - sp.sqrt(1 - 4 / z)) / 2
_MP_R = 1 / (1 - z)
_MP_S = 1 / (1 + z)


def _layers(count: int) -> tuple[sp.Matrix, sp.Matrix]:
    """The Jacobian of x ↦ φ(Wx + b) + a x, φ(h) = h², and the product of eq. (6), width 2."""
    inputs = list(entries("x", 2))
    signal, product = sp.Matrix(inputs), sp.eye(2)
    for layer in range(count):
        weights = sp.Matrix(2, 2, entries(f"W{layer}", 4))
        h = weights * signal + sp.Matrix(entries(f"b{layer}", 2))
        product = (_A * sp.eye(2) + sp.diag(2 * h[0], 2 * h[1]) * weights) * product
        signal = h.applyfunc(lambda u: u**2) + _A * signal
    return signal.jacobian(inputs), product


def _chain_rule() -> Verdict:
    pairs = zip(*_layers(2), strict=True)
    return weakest("J = Π (a + DW)", tuple(check(a, b) for a, b in pairs), "entry")


def _isospectral() -> Verdict:
    """The characteristic polynomials of (Y_2 Y_1)(Y_2 Y_1)ᵀ and of Y_2ᵀY_2 Y_1Y_1ᵀ."""
    first, second = (sp.Matrix(2, 2, entries(name, 4)) for name in ("Y", "V"))
    left = (second * first) * (second * first).T
    right = (second.T * second) * (first * first.T)
    pairs = ((left.trace(), right.trace()), (left.det(), right.det()))
    return weakest("the same eigenvalues", tuple(check(a, b) for a, b in pairs), "coefficient")


def _free_sum() -> Verdict:
    """R of two free semicircular variables against moments of the sum, counted word by word."""

    def moment(k: int) -> sp.Expr:
        total = sp.S.Zero
        for mask in range(2**k):
            word = tuple("S'" if mask >> place & 1 else "T'" for place in range(k))
            ones = word.count("S'")
            if ones % 2 == 0 and (k - ones) % 2 == 0:
                weight = _VAR ** (ones // 2) * _OTHER ** ((k - ones) // 2)
                total += non_crossing_pairings(word) * weight
        return sp.expand(total)

    return check_law(r=_VAR * z + _OTHER * z, moments=[moment(k) for k in range(1, 7)])


def _free_product() -> Verdict:
    """S of W_1W_2(W_1W_2)ᵀ as a product against moments counted word by word."""
    counted = [non_crossing_pairings(("A", "B", "b", "a") * k) for k in range(1, 6)]
    return check_law(s=_MP_S * _MP_S, moments=counted)


LOST = "the formula is lost in the text; restored"
"""Note on a claim whose formula had to be restored."""

CLAIMS = (
    Claim(
        "resnet.i-jacobian",
        "section I, eqs. (5) and (6)",
        r"\mathbf{J} = \frac{\partial x^L}{\partial x^0} = \prod_l (a + \mathbf{D}^l \mathbf{W}^l)",
        decide=_chain_rule,
        assumptions="φ(h) = h², width 2, two layers, any weights and biases",
        note=LOST,
    ),
    Claim(
        "resnet.ii1-moments",
        "section II.1, eq. (7)",
        r"G(z) = \int \frac{\rho(t)}{z - t} dt = \sum_k \frac{m_k}{z^{k+1}}",
        decide=lambda: check_law(
            stieltjes=_MP_GREEN,
            moments=[non_crossing_pairings(("A", "a") * k) for k in range(1, 7)],
        ),
        assumptions="for W Wᵀ, whose moments are counted",
        note=LOST,
    ),
    Claim(
        "resnet.ii1-density",
        "section II.1, eq. (8)",
        r"\rho(\lambda) = -\tfrac{1}{\pi} \lim_{\epsilon \to 0^+}"
        r" \operatorname{Im} G(\lambda + i\epsilon)",
        lhs=lambda: -sp.im(_MP_GREEN.subs(z, 4 / (1 + _U**2))) / sp.pi,
        rhs=sp.sqrt(((4 - lam) / lam).subs(lam, 4 / (1 + _U**2))) / (2 * sp.pi),
        assumptions="for W Wᵀ at λ = 4/(1 + u²), u > 0, which is all of its support; principal"
        " values are those of the upper half-plane",
        note=LOST,
    ),
    Claim(
        "resnet.ii1-r-transform",
        "section II.1, eq. (9)",
        r"R(G(z)) + \frac{1}{G(z)} = z",
        lhs=(_MP_R.subs(z, _MP_GREEN) + 1 / _MP_GREEN).subs(z, _Z),
        rhs=_Z,
        where=_Z > 4,
        assumptions="for W Wᵀ",
        note=LOST,
    ),
    Claim(
        "resnet.ii1-additive",
        "section II.1",
        r"R_{X+Y}(z) = R_X(z) + R_Y(z)",
        decide=_free_sum,
        assumptions="two free semicircular variables; moments to order 6, counted",
    ),
    Claim(
        "resnet.ii1-inverse-maps",
        "section II.1, eq. (10)",
        r"z' = z R(z),\quad z = z' S(z')",
        decide=lambda: check_inverse(z * _MP_R, z * _MP_S, z),
        assumptions="for W Wᵀ",
        note=LOST,
    ),
    Claim(
        "resnet.ii1-multiplicative",
        "section II.1",
        r"S_{XY}(z) = S_X(z) S_Y(z)",
        decide=_free_product,
        assumptions="W_1W_2(W_1W_2)ᵀ; moments to order 5, counted",
    ),
    Claim(
        "resnet.ii1-isospectral",
        "section II.1, before eq. (11)",
        r"\operatorname{spec}(Y_2 Y_1 Y_1^T Y_2^T) = \operatorname{spec}(Y_2^T Y_2 Y_1 Y_1^T)",
        decide=_isospectral,
        assumptions="2 × 2 matrices: trace and determinant",
        note=LOST,
    ),
)
