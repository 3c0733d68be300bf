"""The curriculum, section 4: 2 × 2 ensembles that are not free, and the tools for free ones."""

from __future__ import annotations

from itertools import product
from typing import Any

import sympy as sp

from freejac.derivations._checks import (
    by_antiderivative,
    every,
    measured_moments,
    r_adds,
    semicircle_moment,
    word_moment,
)
from freejac.derivations._gaussian_entries import entries, mean_of_polynomial
from freejac.symbolic.check import check
from freejac.symbolic.check_families import check_each
from freejac.symbolic.check_functions import check_inverse, check_law
from freejac.symbolic.check_numbers import check_sample
from freejac.symbolic.claims import Claim, Skipped
from freejac.symbolic.symbols import p, z
from freejac.symbolic.verdict import Verdict

__all__ = ["CLAIMS", "SKIPPED"]

t, u, v, y = sp.symbols("t u v y", real=True)
r = sp.Symbol("r", positive=True)
v_1, v_2 = sp.symbols("v_1 v_2", positive=True)
g = entries("g", 2)

SIGMA_Z = sp.Matrix([[1, 0], [0, -1]])
SIGMA_X = sp.Matrix([[0, 1], [1, 0]])

ALIGNED = sp.exp(-(u**2) / 4) / (2 * sp.sqrt(sp.pi))
"""The density of the eigenvalues of A + B."""
CROSSED = r * sp.exp(-(r**2) / 2)
"""The density of the positive eigenvalue of A + C."""

GUE = (z - sp.sqrt(z**2 - 4)) / 2
GOE = z - sp.sqrt(z**2 - 2)
BLUE = z / 2 + 1 / z


def _normal(variable: sp.Symbol) -> sp.Expr:
    return sp.exp(-(variable**2) / 2) / sp.sqrt(2 * sp.pi)


def _roots(matrix: sp.Matrix, value: sp.Expr) -> Verdict:
    """± value are the eigenvalues of a matrix without trace."""
    return every(
        "eigenvalues",
        check(matrix.trace(), 0),
        check((matrix - value * sp.eye(2)).det(), 0),
        check((matrix + value * sp.eye(2)).det(), 0),
    )


def _one_ensemble(matrix: sp.Matrix) -> Verdict:
    """Eigenvalues ±g of g σ; the average of the densities of g and −g is that of g."""
    return every(
        "eigenvalues and their density",
        _roots(g[0] * matrix, g[0]),
        check((_normal(u) + _normal(u).subs(u, -u)) / 2, _normal(u)),
    )


def _drawn_moment(second: sp.Matrix, order: int) -> sp.Expr:
    """Mean of ½ tr (g_1 σ_z + g_2 σ)ᵏ over the Gaussian factors."""
    whole = g[0] * SIGMA_Z + g[1] * second
    return mean_of_polynomial(sp.trace(whole**order) / 2, dict.fromkeys(g, 1))


def _aligned_moments() -> Verdict:
    return check_each(
        lambda k: (
            sp.Integral(u ** (2 * k) * ALIGNED, (u, -sp.oo, sp.oo)),
            _drawn_moment(SIGMA_Z, 2 * k),
        ),
        1,
        3,
    )


def _crossed_moments() -> Verdict:
    return check_each(
        lambda k: (
            sp.Integral(r ** (2 * k) * CROSSED, (r, 0, sp.oo)),
            _drawn_moment(SIGMA_X, 2 * k),
        ),
        1,
        3,
    )


def _mixed(second: sp.Matrix) -> sp.Expr:
    """Mean of ½ tr ABAB, zero if A and B were free: both have mean zero."""
    whole = (g[0] * SIGMA_Z * g[1] * second) ** 2
    return mean_of_polynomial(sp.trace(whole) / 2, dict.fromkeys(g, 1))


NORMAL_MOMENTS = {1: 0, 2: 1, 3: 0, 4: 3}


def _semicircle_moments(variance: sp.Expr) -> dict[int, sp.Expr]:
    """Catalan numbers times powers of the variance."""
    even = {2 * k: sp.catalan(k) * variance**k for k in range(1, 4)}
    return even | {1: sp.S.Zero, 3: sp.S.Zero, 5: sp.S.Zero}


def _sum_moment(order: int, first: dict[int, Any], second: dict[int, Any]) -> sp.Expr:
    """Of A + B by the definition of freeness: every word of the expanded power."""
    alone = {"a": first, "b": second}
    words = product("ab", repeat=order)
    return sp.Add(*(word_moment("".join(word), alone) for word in words))


def _semicircles_add(first: sp.Expr, second: sp.Expr, total: sp.Expr) -> Verdict:
    parts = _semicircle_moments(first), _semicircle_moments(second)
    whole = _semicircle_moments(total)
    return check_each(lambda k: (_sum_moment(k, *parts), whole[k]), 1, 6)


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


def _two_by_two(simulate: Any) -> Verdict:
    """The eigenvalues of drawn A + B, and the positive ones of A + C, against the densities."""
    one, other = ([[1.0, 0.0], [0.0, -1.0]], [[0.0, 1.0], [1.0, 0.0]])
    aligned = simulate.gaussian_multiples([one, one], draws=3000, seed=12).values
    crossed = simulate.gaussian_multiples([one, other], draws=3000, seed=13).values
    width = sp.lambdify(u, sp.erfc(-u / 2) / 2, "math")
    return every(
        "A + B and A + C",
        # A + B is (g_1 + g_2)σ_z: the sign that makes an eigenvalue the lower one is a fair coin
        check_sample(_unordered(aligned), width, claim="A + B"),
        check_sample(crossed[:, 1], sp.lambdify(r, 1 - sp.exp(-(r**2) / 2), "math"), claim="A + C"),
    )


def _unordered(values: Any) -> list[float]:
    """One eigenvalue of each draw, the lower and the upper in turn."""
    return [float(row[number % 2]) for number, row in enumerate(values)]


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


CLAIMS = (
    Claim(
        "curriculum.4.1a.density",
        "section 4, problem 1(a)",
        r"\rho_1(x) = \frac{1}{\sqrt{2\pi}}e^{-x^2/2}",
        decide=lambda: _one_ensemble(SIGMA_Z),
        note="asked for, answered here",
    ),
    Claim(
        "curriculum.4.1b.density",
        "section 4, problem 1(b)",
        r"\rho_2(x) = \rho_1(x)",
        decide=lambda: _one_ensemble(SIGMA_X),
        note="the source says that the two are the same",
    ),
    Claim(
        "curriculum.4.1c.density",
        "section 4, problem 1(c)",
        r"\rho_{A+B}(x) = \int\rho_1(t)\rho_1(x-t)\,dt = \frac{1}{2\sqrt\pi}e^{-x^2/4}",
        lhs=lambda: sp.Integral(_normal(t) * _normal(t).subs(t, u - t), (t, -sp.oo, sp.oo)),
        rhs=ALIGNED,
        note="asked for, answered here: A + B = (g_1 + g_2)σ_z",
    ),
    Claim(
        "curriculum.4.1c.moments",
        "section 4, problem 1(c)",
        r"\int x^{2k}\rho_{A+B}\,dx = \tfrac12\langle\operatorname{tr}(A+B)^{2k}\rangle",
        decide=_aligned_moments,
        note="k = 1, 2, 3, against the matrices themselves",
    ),
    Claim(
        "curriculum.4.1d.zero",
        "section 4, problem 1(d)",
        r"\rho_{A+C}(0) = 0 < \rho_{A+B}(0)",
        decide=lambda: every(
            "at 0", check(CROSSED.subs(r, 0), 0), check(ALIGNED.subs(u, 0), 0, relation=">")
        ),
        note="asked for, answered here: the avoided crossing",
    ),
    Claim(
        "curriculum.4.1e.eigenvalues",
        "section 4, problem 1(e)",
        r"\lambda_\pm = \pm\sqrt{g_1^2+g_2^2}",
        decide=lambda: _roots(g[0] * SIGMA_Z + g[1] * SIGMA_X, sp.sqrt(g[0] ** 2 + g[1] ** 2)),
    ),
    Claim(
        "curriculum.4.1e.density",
        "section 4, problem 1(e)",
        r"\rho_{A+C}(x) = \frac{|x|}{2}e^{-x^2/2}",
        decide=lambda: every(
            "mass and moments",
            check(2 * sp.Integral(CROSSED / 2, (r, 0, sp.oo)), 1),
            _crossed_moments(),
        ),
        note="asked for, answered here: its mass, and three moments against the matrices",
    ),
    Claim(
        "curriculum.4.1.different",
        "section 4, problem 1, end",
        r"\tfrac12\langle\operatorname{tr}(A+B)^4\rangle"
        r" \ne \tfrac12\langle\operatorname{tr}(A+C)^4\rangle",
        lhs=lambda: _drawn_moment(SIGMA_Z, 4),
        rhs=lambda: _drawn_moment(SIGMA_X, 4),
        relation="!=",
        note="the source says that the sums differ, though A, B and C have one density and "
        "independent entries: 12 and 8",
    ),
    Claim(
        "curriculum.4.1.not-free",
        "section 4, problem 1, independent entries are not enough",
        r"\tfrac12\langle\operatorname{tr}(A+C)^4\rangle \ne \varphi\bigl((a+c)^4\bigr)",
        lhs=lambda: _drawn_moment(SIGMA_X, 4),
        rhs=lambda: _sum_moment(4, NORMAL_MOMENTS, NORMAL_MOMENTS),
        relation="!=",
        assumptions="a, c free and standard normal",
        note="8 and 10; A + B has 12, so that neither sum is that of free elements",
    ),
    Claim(
        "curriculum.4.1.mixed",
        "section 4, problem 1, angular correlations",
        r"\tfrac12\langle\operatorname{tr}ACAC\rangle = -1,\quad"
        r" \tfrac12\langle\operatorname{tr}ABAB\rangle = 1",
        decide=lambda: every(
            "mixed moments",
            check(_mixed(SIGMA_X), -1),
            check(_mixed(SIGMA_Z), 1),
            check(word_moment("abab", {"a": NORMAL_MOMENTS, "b": NORMAL_MOMENTS}), 0),
        ),
        note="free elements of mean zero have φ(acac) = 0",
    ),
    Claim(
        "curriculum.4.1.measured",
        "section 4, problem 1(c), (e)",
        r"\lambda(A+B) \sim \tfrac{1}{2\sqrt\pi}e^{-x^2/4},\quad"
        r" |\lambda(A+C)| \sim xe^{-x^2/2}",
        experiment=_two_by_two,
        expected="not refuted",
        note="3000 drawn matrices each, by Kolmogorov's distance",
    ),
    Claim(
        "curriculum.4.2a.semicircle",
        "section 4, problem 2(a)",
        r"\int\frac1\pi\sqrt{2-x^2}\,dx = 1",
        decide=lambda: _normalised(1),
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
    Skipped("section 4, p_{X,Y} = p_X p_Y", "definition of independence"),
    Skipped(
        "section 4, problem 1, 'three different ensembles'",
        "three are announced and two are defined: a slip of counting, no formula",
    ),
    Skipped("section 4, problem 2, G, B and R", "definitions"),
    Skipped("section 4, problem 2(d), that GOE matrices are free", "assumed by the source as well"),
)
