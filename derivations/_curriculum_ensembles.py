"""The curriculum, section 4, problem 1: 2 × 2 ensembles that are not free."""

from __future__ import annotations

from typing import Any

import sympy as sp

from freejac.derivations._checks import (
    every,
    sum_moment,
    word_moment,
)
from freejac.derivations._gaussian_entries import entries, mean_of_polynomial
from freejac.symbolic.check import check
from freejac.symbolic.check_families import check_each
from freejac.symbolic.check_numbers import check_sample
from freejac.symbolic.claims import Claim, Skipped
from freejac.symbolic.verdict import Verdict

__all__ = ["CLAIMS", "SKIPPED"]

t, u = sp.symbols("t u", real=True)
r = sp.Symbol("r", positive=True)
g = entries("g", 2)
SIGMA_Z = sp.Matrix([[1, 0], [0, -1]])
SIGMA_X = sp.Matrix([[0, 1], [1, 0]])
ALIGNED = sp.exp(-(u**2) / 4) / (2 * sp.sqrt(sp.pi))
"""The density of the eigenvalues of A + B."""
CROSSED = r * sp.exp(-(r**2) / 2)
"""The density of the positive eigenvalue of A + C."""


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
        rhs=lambda: sum_moment(4, NORMAL_MOMENTS, NORMAL_MOMENTS),
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
)

SKIPPED = (
    Skipped("section 4, p_{X,Y} = p_X p_Y", "definition of independence"),
    Skipped(
        "section 4, problem 1, 'three different ensembles'",
        "three are announced and two are defined: a slip of counting, no formula",
    ),
)
