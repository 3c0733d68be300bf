"""Problem set 1, problem 3 (e) to (i): regimes of tanh, and stability of fixed points."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import sympy as sp

from freejac.symbolic.activation import Activation
from freejac.symbolic.check import check
from freejac.symbolic.check_families import check_for_all
from freejac.symbolic.claims import Claim
from freejac.symbolic.expectation import Expectation
from freejac.symbolic.mean_field import MeanField
from freejac.symbolic.symbols import q, sigma_w, x
from freejac.symbolic.verdict import Verdict, weakest

__all__ = ["CLAIMS"]

_STEP = sp.Symbol("Delta", real=True)
_SLOPE = sp.Symbol("s", real=True)
TWO_STABLE = "clip(x, -1, 1)**3"
"""Increasing, zero at zero, and flat there: its length map is not concave."""


def increasing_through_zero(phi: Activation) -> bool:
    """Whether φ(0) = 0 and φ does not decrease between neighbours on a grid of [−8, 8]."""
    f = phi.expr.subs(phi.defaults)
    values = [sp.N(f.subs(x, sp.Rational(n, 4)), 15) for n in range(-32, 33)]
    rising = all(a <= b for a, b in pairwise(values))
    return rising and f.subs(x, 0) == 0


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
    found = weakest(f"the fixed points of tanh at σ_w = {weight}, σ_b = {bias}", tuple(steps))
    if found.status != "proved":
        return found
    # a search in floating point finds these points and slopes: no proof that there are no others
    method = "fixed points by a search on [1e-12, 1e12], slopes by quadrature"
    return Verdict("not refuted", found.claim, method, samples=len(points))


def _regimes(cases: Sequence[tuple[str, str]], stable: Sequence[bool], zero: bool) -> Verdict:
    found = tuple(regime(sp.Rational(w), sp.Rational(b), stable, zero) for w, b in cases)
    return weakest("the regime of tanh", found, "pair")


_SMALL = (("1/2", "0"), ("9/10", "0"))
_LARGE = (("11/10", "0"), ("3/2", "0"), ("4", "0"))
_WITH_BIAS = (("1/2", "1/10"), ("1", "1/2"), ("3", "1/2"))
_V_ERF = 2 * sp.asin(2 * q / (2 * q + 1)) / sp.pi


CLAIMS = (
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
