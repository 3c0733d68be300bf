"""Problem set 1, problem 3: fixed points of the length map, their number and their stability."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import sympy as sp

from freejac.symbolic.activation import Activation
from freejac.symbolic.check import check, check_chain
from freejac.symbolic.check_families import check_each, check_for_all
from freejac.symbolic.claims import Claim
from freejac.symbolic.expectation import Expectation, expect
from freejac.symbolic.mean_field import MeanField
from freejac.symbolic.symbols import q, sigma_b, sigma_w, x
from freejac.symbolic.verdict import Verdict, weakest

__all__ = ["CLAIMS", "increasing_through_zero"]

_ONE = sp.Integer(1)
_RELU = sp.Max(0, x)
_BIASED = sp.Symbol("sigma_b", positive=True)
_STEP = sp.Symbol("Delta", real=True)
_SLOPE = sp.Symbol("s", real=True)

RELU_MAP = sigma_w**2 * q / 2 + sigma_b**2
"""What the source derives for ReLU; the claims on eqs. (7) to (9) check it."""
RELU_POINT = 2 * _BIASED**2 / (2 - sigma_w**2)

TWO_STABLE = "clip(x, -1, 1)**3"
"""Increasing, zero at zero, and flat there: its length map is not concave."""


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
    rhs = Expectation(inner, _ONE) / sp.sqrt(q)
    return check(sp.diff(second_moment(MeanField(name).phi), q), rhs, samples=4)


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


def _one_stable_point() -> Verdict:
    def stable(phi: Activation) -> tuple[int, int]:
        points = MeanField(phi).fixed_points(4, 0)
        return sum(point.stable for point in points), 1

    members = ("hard_tanh", "tanh", "erf", TWO_STABLE)
    return check_for_all(
        stable,
        increasing_through_zero,
        among=members,
        relation="<=",
        claim="at most one stable fixed point at σ_w = 4, σ_b = 0",
    )


def regime(weight: sp.Rational, bias: sp.Rational, stable: Sequence[bool], zero: bool) -> Verdict:
    """Check the fixed points of tanh: how many, whether 0 is one, and the stability of each."""
    points = MeanField("tanh").fixed_points(weight, bias)
    steps = [check(len(points), len(stable)), check(int(points[0].q == 0), int(zero))]
    for point, holds in zip(points, stable, strict=False):
        relation = "<" if holds else ">"
        steps.append(check(sp.Float(point.slope, 15), 1, relation=relation))
    return weakest(f"the fixed points of tanh at σ_w = {weight}, σ_b = {bias}", tuple(steps))


def _regimes(cases: Sequence[tuple[str, str]], stable: Sequence[bool], zero: bool) -> Verdict:
    found = tuple(regime(sp.Rational(w), sp.Rational(b), stable, zero) for w, b in cases)
    return weakest("the regime of tanh", found, "pair")


_SMALL = (("1/2", "0"), ("9/10", "0"))
_LARGE = (("11/10", "0"), ("3/2", "0"), ("4", "0"))
_WITH_BIAS = (("1/2", "1/10"), ("1", "1/2"), ("3", "1/2"))

_HALF = sp.Integral(x**2 * sp.exp(-(x**2) / 2) / sp.sqrt(2 * sp.pi), (x, 0, sp.oo))
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
    Claim(
        "ps1.3d-length-map",
        "problem 3 (d), eqs. (6) to (9)",
        r"\sigma_w^2 \int \phi(\rho\sqrt{q})^2 d\rho + \sigma_b^2 = \sigma_w^2"
        r" \int_0^\infty \rho^2 q\, d\rho + \sigma_b^2 = q \sigma_w^2"
        r" \int_0^\infty \rho^2 d\rho + \sigma_b^2 = q \tfrac{\sigma_w^2}{2} + \sigma_b^2",
        decide=lambda: check_chain(
            sigma_w**2 * Expectation(_RELU.subs(x, sp.sqrt(q) * x) ** 2, _ONE) + sigma_b**2,
            sigma_w**2 * Expectation(q * x**2 * sp.Heaviside(x), _ONE) + sigma_b**2,
            q * sigma_w**2 * Expectation(x**2 * sp.Heaviside(x), _ONE) + sigma_b**2,
            q * sigma_w**2 / 2 + sigma_b**2,
            samples=4,
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
        where=sigma_w < sp.sqrt(2),
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
        r"0 \le f(0),\quad f(q) < \sigma_w^2 + \sigma_b^2",
        lhs=sigma_w**2 * Expectation(sp.tanh(x) ** 2, q) + sigma_b**2,
        rhs=sigma_w**2 + sigma_b**2,
        relation="<",
        expected="not refuted",
        assumptions="tanh: a continuous map of [0, σ_w² + σ_b²] into itself has a fixed point",
    ),
    Claim(
        "ps1.3e-small-weights",
        "problem 3 (e), regime (i)",
        r"\sigma_b = 0,\ \sigma_w < 1 \Rightarrow f(q) < q",
        lhs=sigma_w**2 * Expectation(sp.tanh(x) ** 2, q),
        rhs=q,
        where=sigma_w < 1,
        relation="<",
        expected="not refuted",
        assumptions="tanh: q* = 0 is the only fixed point",
    ),
    Claim(
        "ps1.3e-slope-at-zero",
        "problem 3 (e), regimes (i) and (ii)",
        r"f'(0) = \sigma_w^2",
        lhs=lambda: MeanField("tanh").series("length_map", terms=2).coefficient(1),
        rhs=sigma_w**2,
        assumptions="tanh: 0 loses its stability at σ_w = 1",
    ),
    Claim(
        "ps1.3e-large-weights",
        "problem 3 (e), regime (ii)",
        r"\sigma_b = 0,\ \sigma_w > 1 \Rightarrow q^* \in \{0, q_1\},\ q_1 > 0",
        decide=lambda: _regimes(_LARGE, (False, True), zero=True),
        expected="not refuted",
        assumptions="tanh, at σ_w = 1.1, 1.5, 4; fixed points by a search on [1e-12, 1e12]",
    ),
    Claim(
        "ps1.3e-biased",
        "problem 3 (e), regime (iii)",
        r"\sigma_b > 0 \Rightarrow q^* > 0 \text{ unique}",
        decide=lambda: _regimes(_WITH_BIAS, (True,), zero=False),
        expected="not refuted",
        assumptions="tanh, at (σ_w, σ_b) = (0.5, 0.1), (1, 0.5), (3, 0.5)",
    ),
    Claim(
        "ps1.3f-linearisation",
        "problem 3 (f)",
        r"f(x^* + \Delta x) \approx f(x^*) + f'(x^*) \Delta x",
        lhs=_V_ERF.subs(q, q + _STEP),
        rhs=_V_ERF + sp.diff(_V_ERF, q) * _STEP + sp.O(_STEP**2),
        assumptions="checked for the length map of erf, to first order in Δx",
    ),
    Claim(
        "ps1.3f-contraction",
        "problem 3 (f)",
        r"|f'(x^*)| < 1 \Rightarrow |f'(x^*) \Delta x| < |\Delta x|",
        lhs=sp.Abs(_SLOPE * _STEP),
        rhs=sp.Abs(_STEP),
        where=(_SLOPE > -1, _SLOPE < 1, sp.Ne(_STEP, 0)),
        relation="<",
    ),
    Claim(
        "ps1.3g-small-weights",
        "problem 3 (g), regime (i)",
        r"\sigma_b = 0,\ \sigma_w < 1 \Rightarrow q^* = 0 \text{ stable}",
        decide=lambda: _regimes(_SMALL, (True,), zero=True),
        expected="not refuted",
        assumptions="tanh, at σ_w = 0.5, 0.9",
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
    Claim(
        "ps1.3i-one-stable",
        "problem 3 (i)",
        r"\#\{q^*: f(q^*) = q^*,\ f'(q^*) < 1\} \le 1",
        decide=_one_stable_point,
        expected="refuted",
        assumptions="for increasing φ with φ(0) = 0, as if concavity followed from that",
        note="clip(x, −1, 1)³ has fixed points 0, 0.065 and 12.99; the outer two are stable",
        correction=Claim(
            "ps1.3i-one-stable.corrected",
            "problem 3 (i)",
            r"f(a) = a,\ f(b) = b,\ a < m < b,\ f \text{ strictly concave} \Rightarrow f(m) > m",
            lhs=lambda: sp.factor(sp.diff(_V_ERF, q, 2)),
            rhs=0,
            relation="<",
            assumptions="where the map is strictly concave, as for erf, the chord lies below it",
        ),
    ),
)
