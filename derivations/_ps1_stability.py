"""Problem set 1, problem 3 (e) to (i): regimes of tanh, and stability of fixed points."""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from freejac.derivations._ps1_fixed_points import increasing_through_zero, tanh_is_concave
from freejac.symbolic.activation import Activation
from freejac.symbolic.check import check
from freejac.symbolic.check_families import check_for_all
from freejac.symbolic.claims import Claim
from freejac.symbolic.expectation import Expectation, expect
from freejac.symbolic.mean_field import MeanField
from freejac.symbolic.symbols import q, sigma_b, sigma_w, x
from freejac.symbolic.verdict import Verdict, weakest

__all__ = ["CLAIMS"]

_STEP = sp.Symbol("Delta", real=True)
_SLOPE = sp.Symbol("s", real=True)
TWO_STABLE = "clip(x, -1, 1)**3"
"""Increasing, zero at zero, and flat there: its length map is not concave."""


_BOUNDED = ("hard_tanh", "erf", TWO_STABLE)


def _one_stable_point() -> Verdict:
    """Count stable fixed points at σ_w = 4, σ_b = 0 by signs of V(q) − q at exact points."""

    def stable(phi: Activation) -> tuple[int, int]:
        moment = 16 * expect(phi.function**2)

        def sign(at: sp.Rational, relation: str) -> bool:
            return bool(check(moment.subs(q, at), at, relation=relation))

        near_zero = sign(sp.Rational(1, 100), "<")
        above = sign(sp.Integer(1), ">") and sign(sp.Integer(16), "<")
        return int(near_zero) + int(above), 1

    return check_for_all(
        stable,
        increasing_through_zero,
        among=_BOUNDED,
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
    found = weakest(f"the fixed points of tanh at σ_w = {weight}, σ_b = {bias}", tuple(steps))
    if found.status != "proved":
        return found
    # a search in floating point finds these points and slopes: no proof that there are no others
    method = "fixed points by a search on [1e-12, 1e12], slopes by quadrature"
    return Verdict("not refuted", found.claim, method, samples=len(points))


def _regimes(cases: Sequence[tuple[str, str]], stable: Sequence[bool], zero: bool) -> Verdict:
    found = tuple(regime(sp.Rational(w), sp.Rational(b), stable, zero) for w, b in cases)
    return weakest("the regime of tanh", found, "pair")


def _shrinks() -> Verdict:
    """E[tanh²] ≤ q, and σ_w² q < q."""
    steps = (
        check(Expectation(sp.tanh(x) ** 2, q), q, relation="<=", samples=4),
        check(sigma_w**2 * q, q, sigma_w < 1, relation="<"),
    )
    return weakest("σ_w² E[tanh²] ≤ σ_w² q < q", steps)


def _stable_at_zero() -> Verdict:
    slope = MeanField("tanh").series("length_map", terms=2).coefficient(1)
    steps = (check(slope, sigma_w**2), check(slope, 1, sigma_w < 1, relation="<"))
    return weakest("f′(0) = σ_w² < 1", steps)


def _one_positive_point(*, biased: bool) -> Verdict:
    """V is strictly concave and bounded; it starts above the line y = q, or at 0 and steeper.

    So it meets the line once for q > 0. There V′(q*) < (V(q*) − V(0))/q* ≤ 1, and V′ ≥ 0.
    """
    bound = check(Expectation(sp.tanh(x) ** 2, q), 1, relation="<=", samples=4)
    series = MeanField("tanh").series("length_map", terms=2)
    if biased:
        start = check(series.coefficient(0), 0, sigma_b > 0, relation=">")
    else:
        start = check(series.coefficient(1), 1, sigma_w > 1, relation=">")
    return weakest("one positive fixed point, stable", (tanh_is_concave(), bound, start))


_LARGE = (("11/10", "0"), ("3/2", "0"), ("4", "0"))
_WITH_BIAS = (("1/2", "1/10"), ("1", "1/2"), ("3", "1/2"))
_V_ERF = 2 * sp.asin(2 * q / (2 * q + 1)) / sp.pi


CLAIMS = (
    Claim(
        "ps1.3e-small-weights",
        "problem 3 (e), regime (i)",
        r"\sigma_b = 0,\ \sigma_w < 1 \Rightarrow f(q) < q",
        decide=_shrinks,
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
        decide=lambda: _one_positive_point(biased=False),
        assumptions="tanh: strictly concave, bounded, and of slope σ_w² > 1 at 0",
    ),
    Claim(
        "ps1.3e-large-weights-numbers",
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
        decide=lambda: _one_positive_point(biased=True),
        assumptions="tanh: strictly concave, bounded, and σ_b² > 0 at 0",
    ),
    Claim(
        "ps1.3e-biased-numbers",
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
        lhs=lambda: expect(x**6).subs(q, q + _STEP),
        rhs=lambda: expect(x**6) + sp.diff(expect(x**6), q) * _STEP + sp.O(_STEP**2),
        assumptions="checked for the length map of φ(h) = h³, to first order in Δx",
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
        decide=_stable_at_zero,
        assumptions="tanh: f′(0) = σ_w² by the exact series of the length map",
    ),
    Claim(
        "ps1.3i-one-stable",
        "problem 3 (i)",
        r"\#\{q^*: f(q^*) = q^*,\ f'(q^*) < 1\} \le 1",
        decide=_one_stable_point,
        expected="refuted",
        assumptions="for increasing φ with φ(0) = 0, as if concavity followed from that",
        note="clip(x, −1, 1)³ has fixed points 0, 0.065 and 12.99; the outer two are stable, as the"
        " signs of V(q) − q at q = 1/100, 1 and 16 show",
        correction=Claim(
            "ps1.3i-one-stable.corrected",
            "problem 3 (i)",
            r"\phi = \operatorname{erf}:\quad f''(q) < 0",
            lhs=lambda: sp.factor(sp.diff(_V_ERF, q, 2)),
            rhs=0,
            relation="<",
            assumptions="where the map is strictly concave, as for erf, the chord between two fixed"
            " points lies below it, so that no third one is between them",
        ),
    ),
)
