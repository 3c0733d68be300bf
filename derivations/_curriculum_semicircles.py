"""The curriculum, section 4, problem 2: semicircles, and the tools for free matrices."""

from __future__ import annotations

from typing import Any

import sympy as sp

from freejac.derivations._checks import (
    by_antiderivative,
    every,
    measured_moments,
    primitive_of_root,
    r_adds,
    semicircle_moment,
    sum_moment,
)
from freejac.symbolic.check import check
from freejac.symbolic.check_families import check_each
from freejac.symbolic.check_functions import check_inverse, check_law
from freejac.symbolic.check_numbers import check_sample
from freejac.symbolic.claims import Claim, Skipped
from freejac.symbolic.symbols import p, z
from freejac.symbolic.verdict import Verdict

__all__ = ["CLAIMS", "SKIPPED"]

t, y = sp.symbols("t y", real=True)
r = sp.Symbol("r", positive=True)
v_1, v_2 = sp.symbols("v_1 v_2", positive=True)
GUE = (z - sp.sqrt(z**2 - 4)) / 2
GOE = z - sp.sqrt(z**2 - 2)
BLUE = z / 2 + 1 / z


def _semicircle_moments(variance: sp.Expr) -> dict[int, sp.Expr]:
    """Catalan numbers times powers of the variance."""
    even = {2 * k: sp.catalan(k) * variance**k for k in range(1, 4)}
    return even | {1: sp.S.Zero, 3: sp.S.Zero, 5: sp.S.Zero}


def _semicircles_add(first: sp.Expr, second: sp.Expr, total: sp.Expr) -> Verdict:
    parts = _semicircle_moments(first), _semicircle_moments(second)
    whole = _semicircle_moments(total)
    return check_each(lambda k: (sum_moment(k, *parts), whole[k]), 1, 6)


def _normalised(beta: int) -> Verdict:
    """The three normalisations: √(2β − x²)/(πβ) on ±√(2β)."""
    return semicircle_moment(0, 2 * beta, sp.S.One)


def _by_moments(stieltjes: sp.Expr, square: int) -> Verdict:
    """The series of a transform at infinity, against the moments of √(c − x²) × 2/(πc)."""
    moments = [sp.S.Zero, sp.Rational(square, 4), sp.S.Zero, sp.Rational(square**2, 8)]
    return every(
        "the first four moments",
        check_law(stieltjes=stieltjes, moments=moments),
        *(semicircle_moment(k, square, value) for k, value in enumerate(moments, start=1)),
    )


def _printed_transform() -> Verdict:
    """(z − √(z²−4))/2 against the integral that defines G, at real z outside the support."""
    density = sp.sqrt(4 - t**2) / (2 * sp.pi)
    claimed = (y - sp.sqrt(y**2 - 4)) / 2
    return check(sp.Integral(density / (y - t), (t, -2, 2)), claimed, sp.Gt(y**2, 4))


def _mended_transform(side: int) -> Verdict:
    """The integral by a primitive, right (side 1) or left (−1) of the support."""
    outside = sp.Gt(y, 2) if side > 0 else sp.Lt(y, -2)
    root = side * sp.sqrt(y**2 - 4)
    primitive = -sp.sqrt(4 - t**2) + y * sp.asin(t / 2)
    primitive -= root * sp.asin((y * t - 4) / (2 * (y - t)))
    return by_antiderivative(
        sp.sqrt(4 - t**2) / (2 * sp.pi) / (y - t),
        primitive / (2 * sp.pi),
        (t, -2, 2),
        (y - root) / 2,
        (outside,),
    )


def _semicircle_measured(simulate: Any) -> Verdict:
    """H_1 alone, and 3/10 H_1 + 7/10 H_2, at size 120."""
    mixed = sp.Rational(29, 100)
    half = sp.S.Half
    return every(
        "moments",
        measured_moments(
            simulate.gaussian_orthogonal(120, draws=40, seed=14),
            {2: half, 4: 2 * half**2, 6: 5 * half**3},
            bias=0.03,
            claim="H_1",
        ),
        measured_moments(
            simulate.gaussian_orthogonal(120, draws=40, seed=15, weights=(0.3, 0.7)),
            {2: mixed, 4: 2 * mixed**2, 6: 5 * mixed**3},
            bias=0.03,
            claim="pH_1 + (1−p)H_2",
        ),
    )


def _semicircle_sampled(simulate: Any) -> Verdict:
    drawn = simulate.gaussian_orthogonal(200, draws=10, seed=17)
    below = primitive_of_root(0, sp.Integer(2), t) / sp.pi + sp.S.Half
    distribution = sp.lambdify(t, below, "math")
    end = 1.414213562  # just inside, where the root is real
    sample = [max(-end, min(end, float(value))) for value in drawn.values.ravel()]
    return check_sample(sample, distribution, bias=0.005, claim="2000 eigenvalues of H")


CLAIMS = (
    Claim(
        "curriculum.4.2a.semicircle",
        "section 4, problem 2(a)",
        r"\int\frac1\pi\sqrt{2-x^2}\,dx = 1",
        decide=lambda: _normalised(1),
    ),
    Claim(
        "curriculum.4.2a.measured",
        "section 4, problem 2(a)",
        r"\rho_{sc}(x) = \frac1\pi\sqrt{2-x^2}",
        experiment=_semicircle_sampled,
        expected="not refuted",
        note="ten matrices of size 200, diagonal entries of variance 1/N and others of 1/(2N), by "
        "Kolmogorov's distance, 0.005 allowed for the size",
    ),
    Claim(
        "curriculum.4.2a.variance",
        "section 4, problem 2(a)",
        r"\int\frac{x^2}{\pi}\sqrt{2-x^2}\,dx = \tfrac12",
        decide=lambda: semicircle_moment(2, 2, sp.S.Half),
    ),
    Claim(
        "curriculum.4.2a.factors",
        "section 4, problem 2(a), with 4 or 8 in the root",
        r"\int\frac{1}{2\pi}\sqrt{4-x^2}\,dx = \int\frac{1}{4\pi}\sqrt{8-x^2}\,dx = 1",
        decide=lambda: every("unitary and symplectic", _normalised(2), _normalised(4)),
    ),
    Claim(
        "curriculum.4.2a.moments",
        "section 4, problem 2(a)",
        r"\frac{1}{2\pi}\sqrt{4-x^2} \mapsto \frac{z-\sqrt{z^2-4}}{2}",
        decide=lambda: _by_moments(GUE, 4),
        note="the first four moments of the density against the series of the transform",
    ),
    Claim(
        "curriculum.4.2a.transform",
        "section 4, problem 2(a)",
        r"\int\frac{1}{2\pi}\frac{\sqrt{4-t^2}}{z-t}\,dt = \frac{z-\sqrt{z^2-4}}{2}",
        decide=_printed_transform,
        assumptions="z real, outside [−2, 2], the principal root",
        expected="refuted",
        note="left of the support the principal root has the wrong sign; the source does not say "
        "which root it means",
        correction=Claim(
            "curriculum.4.2a.transform.corrected",
            "section 4, problem 2(a)",
            r"\int\frac{1}{2\pi}\frac{\sqrt{4-t^2}}{z-t}\,dt"
            r" = \frac{z \mp \sqrt{z^2-4}}{2},\quad \pm z > 2",
            decide=lambda: every(
                "right and left of the support", _mended_transform(1), _mended_transform(-1)
            ),
            assumptions="z real, outside [−2, 2]",
            note="by a primitive; the root is that of √(z−2)√(z+2), positive at z > 2",
        ),
    ),
    Claim(
        "curriculum.4.2a.goe",
        "section 4, problem 2(a)",
        r"G(z) = z - \sqrt{z^2-2}",
        decide=lambda: every(
            "the transform of √(2−x²)/π",
            check(sp.sqrt(2) * GUE.subs(z, sp.sqrt(2) * r), GOE.subs(z, r), sp.Gt(r, sp.sqrt(2))),
            _by_moments(GOE, 2),
        ),
        note="asked for, answered here: by scaling, and by four moments of the density",
    ),
    Claim(
        "curriculum.4.2b.blue",
        "section 4, problem 2(b)",
        r"B(z) = \frac z2 + \frac1z,\quad B(G(z)) = z",
        decide=lambda: check_inverse(BLUE, GOE),
        note="asked for, answered here",
    ),
    Claim(
        "curriculum.4.2b.both-sides",
        "section 4, problem 2(b)",
        r"G(B(z)) = B(G(z)) = z",
        decide=lambda: check_inverse(GOE.subs(z, r), BLUE.subs(z, r), r),
        assumptions="the semicircle of this problem, z > 0",
        expected="refuted",
        note="the source names no region; B maps 0 < z < √2 onto the outside of the support, and "
        "beyond √2 it comes back",
        correction=Claim(
            "curriculum.4.2b.both-sides.corrected",
            "section 4, problem 2(b)",
            r"0 < z < \sqrt2:\quad G(B(z)) = z",
            decide=lambda: check_inverse(GOE.subs(z, r), BLUE.subs(z, r), r, where=sp.Lt(r**2, 2)),
        ),
    ),
    Claim(
        "curriculum.4.2c.r",
        "section 4, problem 2(c)",
        r"R(z) = B(z) - \frac1z = \frac z2",
        decide=lambda: every(
            "R",
            check(BLUE - 1 / z, z / 2),
            check_law(r=z / 2, moments=[0, sp.S.Half, 0, sp.S.Half]),
        ),
        note="asked for, answered here; also by the moments ∫xᵏρ = 0, 1/2, 0, 1/2",
    ),
    Claim(
        "curriculum.4.2d.addition",
        "section 4, problem 2(d)",
        r"R_{X+Y}(z) = R_X(z) + R_Y(z)",
        decide=r_adds,
        assumptions="X and Y free",
        note="the first four moments, for any two laws, against the definition of freeness",
    ),
    Claim(
        "curriculum.4.2d.mixture",
        "section 4, problem 2(d)",
        r"R_{pH_1+(1-p)H_2}(z) = \frac{p^2+(1-p)^2}{2}\,z",
        decide=lambda: _semicircles_add(p**2 / 2, (1 - p) ** 2 / 2, (p**2 + (1 - p) ** 2) / 2),
        assumptions="H_1, H_2 free, of R = z/2",
        note="asked for, answered here: six moments of the sum, by the definition of freeness, are "
        "those of the semicircle with this R",
    ),
    Claim(
        "curriculum.4.2d.scaling",
        "section 4, problem 2(d)",
        r"R_{pH}(z) = \tfrac{p^2}{2}z",
        decide=lambda: check_law(
            r=p**2 * z / 2,
            moments=[0, p**2 / 2, 0, p**4 / 2, 0, 5 * p**6 / 8],
        ),
        note="a factor scales the k-th moment by its k-th power, so R_{aX}(z) = aR_X(az)",
    ),
    Claim(
        "curriculum.4.2e.closed",
        "section 4, problem 2(e)",
        r"v_1z + v_2z = (v_1+v_2)z",
        decide=lambda: _semicircles_add(v_1, v_2, v_1 + v_2),
        note="the sum of free semicircles is a semicircle: six moments, by the definition of "
        "freeness, for all variances",
    ),
    Claim(
        "curriculum.4.2.measured",
        "section 4, problem 2",
        r"\langle\tfrac1N\operatorname{tr}H^{2k}\rangle = C_kv^k",
        experiment=_semicircle_measured,
        expected="not refuted",
        note="k = 1, 2, 3, v = 1/2 for H_1 and 29/100 for 0.3 H_1 + 0.7 H_2: 40 matrices of size "
        "120 each, 3 % allowed for the size",
    ),
)

SKIPPED = (
    Skipped("section 4, problem 2, G, B and R", "definitions"),
    Skipped("section 4, problem 2(d), that GOE matrices are free", "assumed by the source as well"),
)
