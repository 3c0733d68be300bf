"""Problem set 1, problem 3 (a) to (c): fixed points of the length map, and its shape."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import sympy as sp

from freejac.symbolic.activation import Activation
from freejac.symbolic.check import check
from freejac.symbolic.check_families import check_each, check_for_all
from freejac.symbolic.claims import Claim
from freejac.symbolic.expectation import expect
from freejac.symbolic.mean_field import MeanField
from freejac.symbolic.symbols import q, sigma_b, sigma_w, x
from freejac.symbolic.verdict import Verdict, weakest

__all__ = ["CLAIMS", "increasing_through_zero", "tanh_is_concave"]

_ONE = sp.Integer(1)
_RELU = sp.Max(0, x)
_BIASED = sp.Symbol("sigma_b", positive=True)
RELU_MAP = sigma_w**2 * q / 2 + sigma_b**2
"""What the source derives for ReLU; the claims on eqs. (7) to (9) check it."""
RELU_POINT = 2 * _BIASED**2 / (2 - sigma_w**2)


def increasing_through_zero(phi: Activation) -> bool:
    """Whether φ(0) = 0 and φ does not decrease between neighbours on a grid of [−8, 8]."""
    f = phi.expr.subs(phi.defaults)
    values = [sp.N(f.subs(x, sp.Rational(n, 4)), 15) for n in range(-32, 33)]
    rising = all(a <= b for a, b in pairwise(values))
    return rising and f.subs(x, 0) == 0


@lru_cache(maxsize=64)
def second_moment(phi: Activation) -> sp.Expr:
    """E[φ(√q z)²] with the library's parameters."""
    return MeanField(Activation(phi.expr.subs(phi.defaults), name=phi.name)).second_moment


def _stays() -> Verdict:
    def iterated(n: int) -> tuple[sp.Expr, sp.Expr]:
        point = RELU_POINT
        for _ in range(n):
            point = sp.together(RELU_MAP.subs({sigma_b: _BIASED, q: point}))
        return point, RELU_POINT

    return check_each(iterated, 1, 6, where=sigma_w**2 < 2, claim="f^n(x*) = x*")


def _zero_is_fixed() -> Verdict:
    def at_zero(phi: Activation) -> tuple[sp.Expr, sp.Expr]:
        start = MeanField(phi).series("second_moment", terms=1)
        return start.truncated().subs(q, 0), sp.S.Zero

    return check_for_all(
        at_zero, lambda phi: phi.expr.subs(x, 0) == 0, claim="V(0) = 0 when σ_b = 0 and φ(0) = 0"
    )


def _derivative(name: str) -> Verdict:
    """The derivative of the closed length map against the integral of φ φ′ ρ."""
    f = MeanField(name).phi.expr
    slope = sp.sqrt(q) * x
    inner = (f * MeanField(name).phi.derivative()).subs(x, slope) * x
    rhs = expect(inner, _ONE) / sp.sqrt(q)
    return check(sp.diff(second_moment(MeanField(name).phi), q), rhs)


def _slope_is_positive() -> Verdict:
    def slope(phi: Activation) -> tuple[sp.Expr, sp.Expr]:
        return sp.diff(phi.expr.subs(phi.defaults), x), sp.S.Zero

    return check_for_all(
        slope,
        increasing_through_zero,
        relation=">",
        where=sp.Ne(x, 0),
        claim="φ′(x) > 0 for every increasing φ with φ(0) = 0",
    )


def _increases() -> Verdict:
    def growth(phi: Activation) -> tuple[sp.Expr, sp.Expr]:
        return sp.diff(second_moment(phi), q), sp.S.Zero

    return check_for_all(
        growth, increasing_through_zero, relation=">", samples=4, claim="V′(q) > 0"
    )


def tanh_is_concave() -> Verdict:
    """V(q) = σ_w² E[g(q z²)] + σ_b² with g(s) = tanh(√s)²: V″ = σ_w² E[z⁴ g″(q z²)], and g″ < 0.

    With u = √s and t = tanh u, the sign of g″ is that of u(1 − 3t²) − t, and
    u(1 − 3t²) ≤ u(1 − t²) = u/cosh²u < sinh(2u)/(2 cosh²u) = t.
    """
    u = sp.Symbol("u", positive=True)
    s = sp.Symbol("s", positive=True)
    t, curve = sp.tanh(u), sp.diff(sp.tanh(sp.sqrt(s)) ** 2, s, 2)
    steps = (
        check(curve.subs(s, u**2), (u * (1 - 3 * t**2) - t) / (2 * u**3 * sp.cosh(u) ** 2)),
        check(u * (1 - 3 * t**2), u * (1 - t**2), relation="<="),
        check(u * (1 - t**2), u / sp.cosh(u) ** 2),
        check(u, sp.sinh(2 * u) / 2, relation="<"),
        check(sp.sinh(2 * u) / (2 * sp.cosh(u) ** 2), t),
    )
    return weakest("g″ < 0", steps)


def _is_concave() -> Verdict:
    def curvature(phi: Activation) -> tuple[sp.Expr, sp.Expr]:
        return sp.diff(second_moment(phi), q, 2), sp.S.Zero

    return check_for_all(
        curvature,
        increasing_through_zero,
        relation="<=",
        samples=4,
        among=_CLOSED,
        claim="V″(q) ≤ 0",
    )


_CLOSED = ("linear", "relu", "hard_tanh", "erf", "elu", "relu2")
"""Increasing members of the library whose second derivative of V is elementary."""
_DEGENERATE = {sigma_w: sp.sqrt(2), sigma_b: 0}
_V_ERF = 2 * sp.asin(2 * q / (2 * q + 1)) / sp.pi


CLAIMS = (
    Claim(
        "ps1.3a-stays",
        "problem 3 (a)",
        r"f(x^*) = x^* \Rightarrow f^n(x^*) = x^*",
        decide=_stays,
        assumptions="checked for the length map of ReLU, n from 1 to 6",
    ),
    Claim(
        "ps1.3b-fixed-point",
        "problem 3 (b), eq. (5)",
        r"q^* = \sigma_w^2 \int \phi\bigl(\rho\sqrt{q^*}\bigr)^2 d\rho + \sigma_b^2",
        lhs=RELU_POINT,
        rhs=lambda: (sigma_w**2 * expect(_RELU**2) + _BIASED**2).subs(q, RELU_POINT),
        where=sigma_w**2 < 2,
        assumptions="checked for ReLU, whose fixed point is explicit; dρ the normal measure",
    ),
    Claim(
        "ps1.3b-zero",
        "problem 3 (b)",
        r"\sigma_b = 0,\ \phi(0) = 0 \Rightarrow q^* = 0",
        decide=_zero_is_fixed,
        expected="not refuted",
        assumptions="for all φ of the library with φ(0) = 0",
    ),
    Claim(
        "ps1.3c-derivative",
        "problem 3 (c)",
        r"f'(q) = \frac{\sigma_w^2}{\sqrt{q}}"
        r" \int \phi(\rho\sqrt{q})\, \phi'(\rho\sqrt{q})\, \rho\, d\rho",
        decide=lambda: weakest(
            "the derivative of the length map",
            tuple(_derivative(name) for name in ("linear", "relu", "hard_tanh", "erf")),
            "activation",
        ),
        assumptions="checked for linear, ReLU, hard tanh and erf",
    ),
    Claim(
        "ps1.3c-slope",
        "problem 3 (c)",
        r"\phi'(x) > 0",
        decide=_slope_is_positive,
        expected="refuted",
        assumptions="for all increasing φ with φ(0) = 0, ReLU among them as the source says",
        note="used to conclude that the length map increases, which is true all the same",
        correction=Claim(
            "ps1.3c-slope.corrected",
            "problem 3 (c)",
            r"\phi'(x) \ge 0",
            lhs=lambda: sp.diff(sp.Piecewise((x, x > 0), (0, True)), x),
            rhs=0,
            relation=">=",
            assumptions="for ReLU",
        ),
    ),
    Claim(
        "ps1.3c-increasing",
        "problem 3 (c)",
        r"f'(q) > 0",
        decide=_increases,
        expected="not refuted",
        assumptions="for all φ of the library that increase with φ(0) = 0",
    ),
    Claim(
        "ps1.3c-increasing-relu",
        "problem 3 (c)",
        r"f'(q) > 0",
        lhs=lambda: sp.diff(sigma_w**2 * expect(_RELU**2) + sigma_b**2, q),
        rhs=0,
        relation=">",
        assumptions="ReLU, one of the two activations that the source names",
    ),
    Claim(
        "ps1.3c-concave",
        "problem 3 (c), optional part",
        r"f''(q) \le 0",
        decide=_is_concave,
        expected="refuted",
        assumptions="for all increasing φ with φ(0) = 0",
        note="the source says that it has no proof; there is none, for max(0, x)² has a convex map",
        correction=Claim(
            "ps1.3c-concave.corrected",
            "problem 3 (c), optional part",
            r"\phi = \operatorname{erf}:\quad f''(q) \le 0",
            lhs=lambda: sp.factor(sp.diff(_V_ERF, q, 2)),
            rhs=0,
            relation="<=",
            assumptions="for erf; what makes it so is that φ(√s)² is a concave function of s",
        ),
    ),
    Claim(
        "ps1.3c-concave-tanh",
        "problem 3 (c), optional part",
        r"\phi = \tanh:\quad f''(q) < 0",
        decide=tanh_is_concave,
        assumptions="tanh: f(q) = σ_w² E[g(qz²)] + σ_b² is concave because g(s) = tanh(√s)² is",
        note="the case that the source needs, and says it could not prove",
    ),
    Claim(
        "ps1.3c-twice",
        "problem 3 (c) and (i)",
        r"f \text{ concave},\ f(1) = 1,\ f(2) = 2 \Rightarrow f(q) \ne q \quad (q > 2)",
        lhs=lambda: (sigma_w**2 * expect(_RELU**2) + sigma_b**2).subs(_DEGENERATE),
        rhs=q,
        where=q > 2,
        relation="!=",
        expected="refuted",
        assumptions="f the length map of ReLU at σ_w = √2, σ_b = 0, which is concave",
        note="at most two meetings with a line need strict concavity",
        correction=Claim(
            "ps1.3c-twice.corrected",
            "problem 3 (c) and (i)",
            r"f''(q) < 0",
            lhs=lambda: sp.factor(sp.diff(_V_ERF, q, 2)),
            rhs=0,
            relation="<",
            assumptions="for erf: strictly concave, so that no line is met three times",
        ),
    ),
)
