"""The curriculum, sections 2 and 3: propagation of lengths, avoided crossings, level spacings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp

from freejac.derivations._checks import averaged, every, patiently
from freejac.derivations._gaussian_entries import entries, mean_of_polynomial
from freejac.symbolic.activation import Activation, activation
from freejac.symbolic.check import check, check_chain
from freejac.symbolic.check_families import check_for_all
from freejac.symbolic.check_numbers import check_estimate, check_sample
from freejac.symbolic.claims import Claim, Skipped
from freejac.symbolic.expectation import Expectation
from freejac.symbolic.mean_field import MeanField
from freejac.symbolic.symbols import q, sigma_b, sigma_w, x
from freejac.symbolic.verdict import Verdict

__all__ = ["CLAIMS", "SKIPPED"]

Delta, J, A, C, D = sp.symbols("Delta J A C D", real=True)
u, t = sp.symbols("u t", real=True)
s = sp.Symbol("s", positive=True)

SPACING = s / 2 * sp.exp(-(s**2) / 4)
"""The density of the spacing, worked out from A − D ~ N(0, 2) and 2C ~ N(0, 2)."""


def _crossing() -> sp.Matrix:
    return sp.Matrix([[Delta, J], [J, -Delta]])


def _general() -> sp.Matrix:
    return sp.Matrix([[A, C], [C, D]])


def _roots(matrix: sp.Matrix, values: tuple[sp.Expr, sp.Expr]) -> Verdict:
    """Two numbers are the eigenvalues of a 2 × 2 matrix: their sum and product are right."""
    return every(
        "eigenvalues",
        check(sum(values), matrix.trace()),
        check(values[0] * values[1], matrix.det()),
        *(check((matrix - value * sp.eye(2)).det(), 0) for value in values),
    )


def _variance(row: Callable[..., sp.Expr]) -> sp.Expr:
    a, c, d = entries("y", 3)
    return mean_of_polynomial(row(a, c, d), {a: 1, c: sp.S.Half, d: 1})


def _isotropic() -> Verdict:
    """(A − D, 2C) is a centred Gaussian vector with equal variances, without correlation."""
    return every(
        "variances of A − D and 2C",
        check(_variance(lambda a, c, d: (a - d) ** 2), 2),
        check(_variance(lambda a, c, d: (2 * c) ** 2), 2),
        check(_variance(lambda a, c, d: (a - d) * 2 * c), 0),
    )


def _by_polar_coordinates() -> Verdict:
    """The density of (A − D, 2C) at distance s, times the circumference."""
    plane = sp.exp(-(s**2) / 4) / (4 * sp.pi)
    return check(2 * sp.pi * s * plane, SPACING)


def _by_moments() -> Verdict:
    """E[s²], E[s⁴] from the entries, and from the density."""

    def squared(a: sp.Expr, c: sp.Expr, d: sp.Expr) -> sp.Expr:
        return (a - d) ** 2 + 4 * c**2

    return every(
        "moments of the spacing",
        check(sp.Integral(s**2 * SPACING, (s, 0, sp.oo)), _variance(squared)),
        check(
            sp.Integral(s**4 * SPACING, (s, 0, sp.oo)),
            _variance(lambda *entry: squared(*entry) ** 2),
        ),
    )


def _directions() -> list[list[list[float]]]:
    """A, D of variance 1 and C of variance 1/2, as multiples of fixed matrices."""
    root = 0.5**0.5
    return [[[1.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 1.0]], [[0.0, root], [root, 0.0]]]


def _spacings(simulate: Any, draws: int = 4000) -> list[float]:
    drawn = simulate.gaussian_multiples(_directions(), draws=draws, seed=11)
    return [float(value) for value in drawn.spacings()[:, 0]]


def _histogram(simulate: Any) -> Verdict:
    distribution = sp.lambdify(s, 1 - sp.exp(-(s**2) / 4), "math")
    return check_sample(_spacings(simulate), distribution, claim="4000 spacings")


def _mean_spacing(simulate: Any) -> Verdict:
    return check_estimate(*averaged(_spacings(simulate)), sp.sqrt(sp.pi), claim="mean spacing")


def _close_pairs(simulate: Any) -> Verdict:
    """The share of spacings below 1/2, 1 − e^{−1/16}: quadratic, not linear, in the bound."""
    close = averaged(float(value < 0.5) for value in _spacings(simulate))
    return check_estimate(*close, 1 - sp.exp(-sp.Rational(1, 16)), claim="P(s < 1/2)")


def _unit_variance() -> tuple[sp.Expr, sp.Expr]:
    """Variance of h = Σ W_j x_j + b at N = 3, and the recurrence."""
    weights, outputs, (bias,) = entries("w", 3), entries("x", 3), entries("b", 1)
    pre = bias + sum(w * v for w, v in zip(weights, outputs, strict=True))
    variances = dict.fromkeys(weights, sigma_w**2 / 3) | {bias: sigma_b**2}
    recurrence = sigma_w**2 * sum(v**2 for v in outputs) / 3 + sigma_b**2
    return mean_of_polynomial(pre**2, variances), recurrence


def _monotone(phi: Activation) -> Any:
    """V′ = σ_w² E[φφ′h]/q, and φφ′h ≥ 0 wherever φ is increasing and φ(0) = 0."""
    integrand = (phi.function * phi.distribution(1)).to_sympy() * x
    if integrand.has(sp.DiracDelta):
        return None
    return sp.Ge(integrand, 0, evaluate=False)


def _slope(name: str) -> sp.Expr:
    phi = activation(name)
    product = phi.function.to_sympy() * phi.distribution(1).to_sympy() * x
    return sigma_w**2 / q * Expectation(product, q)


_CLOSED = ("relu", "hard_tanh", "erf")


CLAIMS = (
    Claim(
        "curriculum.2c.variance",
        "section 2, problem 2(c)",
        r"\langle (h_i^l)^2\rangle = \sigma_w^2\langle (x^{l-1})^2\rangle + \sigma_b^2",
        decide=lambda: check(*_unit_variance()),
        assumptions="W_ij ~ N(0, σ_w²/N), b_i ~ N(0, σ_b²), N = 3",
        note="asked for, answered here; with the variances as printed",
    ),
    Claim(
        "curriculum.2.zero-fixed-point",
        "section 2, problem 3(b)",
        r"\phi(0) = 0,\ \sigma_b = 0:\quad V(0) = 0",
        lhs=lambda: sp.Limit(MeanField("erf").length_map.subs(sigma_b, 0), q, 0),
        rhs=0,
        assumptions="φ = erf",
        note="asked for, answered here",
    ),
    Claim(
        "curriculum.2.monotone",
        "section 2, problem 3(c)",
        r"\phi \text{ increasing},\ \phi(0) = 0:\quad \frac{dV}{dq} \ge 0",
        decide=lambda: check_for_all(
            _monotone,
            among=("tanh", "erf", "relu", "hard_tanh", "x**3"),
            claim="φ φ′ h ≥ 0, the integrand of q V′(q)/σ_w²",
        ),
        expected="not refuted",
        note="to be shown in the exercise; V′ = σ_w² E[φφ′h]/q",
    ),
    Claim(
        "curriculum.2.slope",
        "section 2, problem 3(c)",
        r"\frac{dV}{dq} = \frac{\sigma_w^2}{q}E[\phi(h)\phi'(h)h]",
        decide=lambda: every(
            "V′",
            *(patiently(sp.diff(MeanField(name).length_map, q), _slope(name)) for name in _CLOSED),
        ),
        assumptions="φ = ReLU, hard tanh, erf",
        note="the integrand is what curriculum.2.monotone is about",
    ),
    Claim(
        "curriculum.2.relu-map",
        "section 2, problem 3(d)",
        r"V(q) = \tfrac12\sigma_w^2q + \sigma_b^2",
        lhs=lambda: sigma_w**2 * Expectation(sp.Max(0, x) ** 2, q) + sigma_b**2,
        rhs=sigma_w**2 * q / 2 + sigma_b**2,
        assumptions="φ = ReLU",
        note="asked for, answered here",
    ),
    Claim(
        "curriculum.2.relu-fixed-point",
        "section 2, problem 3(d)",
        r"q^* = \frac{\sigma_b^2}{1-\sigma_w^2/2}",
        lhs=lambda: (sigma_w**2 * q / 2 + sigma_b**2).subs(q, sigma_b**2 / (1 - sigma_w**2 / 2)),
        rhs=sigma_b**2 / (1 - sigma_w**2 / 2),
        assumptions="φ = ReLU, σ_w² < 2",
        note="asked for, answered here",
    ),
    Claim(
        "curriculum.2.relu-stable",
        "section 2, problem 3(h)",
        r"V'(q^*) = \sigma_w^2/2 < 1",
        decide=lambda: every(
            "stability",
            check(sp.diff(sigma_w**2 * q / 2 + sigma_b**2, q), sigma_w**2 / 2),
            check(sigma_w**2 / 2, 1, sp.Lt(sigma_w, sp.sqrt(2)), relation="<"),
        ),
        assumptions="φ = ReLU, σ_w² < 2",
        note="asked for, answered here",
    ),
    Claim(
        "curriculum.2.concave-relu",
        "section 2, problem 3(i), the length map is concave",
        r"V''(q) = 0",
        decide=lambda: patiently(sp.diff(MeanField("relu").length_map, q, 2), 0),
        assumptions="φ = ReLU",
    ),
    Claim(
        "curriculum.2.concave-tanh",
        "section 2, problem 3(i), the length map is concave",
        r"V''(q) \le 0",
        decide=lambda: patiently(
            sp.diff(MeanField("tanh").second_moment, q, 2), 0, {q: (0, 4)}, relation="<="
        ),
        assumptions="φ = tanh",
        expected="not refuted",
        note="an expectation without closed form; tried at some q < 4",
    ),
    Claim(
        "curriculum.2.concave-erf",
        "section 2, problem 3(i), the length map is concave",
        r"V''(q) < 0",
        decide=lambda: patiently(sp.diff(MeanField("erf").second_moment, q, 2), 0, relation="<"),
        assumptions="φ = erf, a sigmoid with closed forms",
        note="the source says it of tanh, see curriculum.2.concave-tanh",
    ),
    Claim(
        "curriculum.3.1a.eigenvalues",
        "section 3, problem 1(a)i",
        r"\lambda_\pm = \pm\sqrt{\Delta^2+J^2}",
        decide=lambda: _roots(_crossing(), (sp.sqrt(Delta**2 + J**2), -sp.sqrt(Delta**2 + J**2))),
        note="asked for, answered here; real, as the source says of a symmetric matrix",
    ),
    Claim(
        "curriculum.3.1a.crossing",
        "section 3, problem 1(a)ii",
        r"J = 0:\quad \lambda_+ - \lambda_- = 2|\Delta|",
        lhs=2 * sp.sqrt(Delta**2),
        rhs=2 * sp.Abs(Delta),
        note="without J the curves cross at Δ = 0",
    ),
    Claim(
        "curriculum.3.1a.gap",
        "section 3, problem 1(a)iii",
        r"\lambda_+ - \lambda_- \ge 2|J|,\quad \text{equal at } \Delta = 0",
        decide=lambda: every(
            "the gap is 2|J|",
            check(4 * (Delta**2 + J**2), 4 * J**2, relation=">="),
            check((2 * sp.sqrt(Delta**2 + J**2)).subs(Delta, 0), 2 * sp.Abs(J)),
        ),
        note="asked for, answered here; the inequality squared on both sides",
    ),
    Claim(
        "curriculum.3.1b.difference",
        "section 3, problem 1(b)",
        r"|\lambda_1-\lambda_2| = \sqrt{(A-D)^2+4C^2}",
        decide=lambda: _roots(
            _general(),
            tuple((A + D + sign * sp.sqrt((A - D) ** 2 + 4 * C**2)) / 2 for sign in (1, -1)),
        ),
        note="asked for, answered here, through the eigenvalues themselves",
    ),
    Claim(
        "curriculum.3.1c.entries",
        "section 3, problem 1(c)",
        r"A-D,\ 2C \sim \mathcal{N}(0,2),\ \text{independent}",
        decide=_isotropic,
        assumptions="A, D ~ N(0, 1), C ~ N(0, 1/2), independent",
    ),
    Claim(
        "curriculum.3.1c.density",
        "section 3, problem 1(c)i",
        r"p(s) = \frac{s}{2}e^{-s^2/4}",
        decide=lambda: every("the spacing", _by_polar_coordinates(), _by_moments()),
        note="asked for, answered here: by polar coordinates, and by E[s²] and E[s⁴]",
    ),
    Claim(
        "curriculum.3.1c.normalisation",
        "section 3, problem 1(c)i",
        r"\int_0^\infty p(s)\,ds = 1",
        lhs=lambda: sp.Integral(SPACING, (s, 0, sp.oo)),
        rhs=1,
    ),
    Claim(
        "curriculum.3.1c.mean",
        "section 3, problem 1(c)i",
        r"\int_0^\infty s\,p(s)\,ds = \sqrt\pi",
        lhs=lambda: sp.Integral(s * SPACING, (s, 0, sp.oo)),
        rhs=sp.sqrt(sp.pi),
    ),
    Claim(
        "curriculum.3.1c.surmise",
        "section 3, problem 1(c)i",
        r"\sqrt\pi\,p(\sqrt\pi\,s) = \frac{\pi s}{2}e^{-\pi s^2/4}",
        lhs=lambda: sp.sqrt(sp.pi) * SPACING.subs(s, sp.sqrt(sp.pi) * s),
        rhs=sp.pi * s / 2 * sp.exp(-sp.pi * s**2 / 4),
        note="in units of its mean the spacing follows Wigner's surmise",
    ),
    Claim(
        "curriculum.3.1c.surmise-mean",
        "section 3, problem 1(c)i",
        r"\int_0^\infty \frac{\pi s^2}{2}e^{-\pi s^2/4}ds = 1",
        lhs=lambda: sp.Integral(sp.pi * s**2 / 2 * sp.exp(-sp.pi * s**2 / 4), (s, 0, sp.oo)),
        rhs=1,
    ),
    Claim(
        "curriculum.3.1c.repulsion",
        "section 3, problem 1(c)ii",
        r"p(s) = \frac{s}{2} + O(s^3)",
        lhs=SPACING,
        rhs=s / 2 + sp.O(s**3),
        note="asked for, answered here: it vanishes linearly, eigenvalues repel",
    ),
    Claim(
        "curriculum.3.1c.distribution",
        "section 3, problem 1(c)i",
        r"P(s \le u) = 1 - e^{-u^2/4}",
        decide=lambda: check_chain(sp.diff(1 - sp.exp(-(s**2) / 4), s), SPACING),
        note="by its derivative; it vanishes at 0",
    ),
    Claim(
        "curriculum.3.1d.histogram",
        "section 3, problem 1(d)",
        r"s \sim \tfrac{s}{2}e^{-s^2/4}",
        experiment=_histogram,
        expected="not refuted",
        note="4000 drawn matrices, by Kolmogorov's distance",
    ),
    Claim(
        "curriculum.3.1d.mean",
        "section 3, problem 1(d)",
        r"\langle s\rangle = \sqrt\pi",
        experiment=_mean_spacing,
        expected="not refuted",
        note="4000 drawn matrices",
    ),
    Claim(
        "curriculum.3.1d.repulsion",
        "section 3, problem 1(c)ii and (d)",
        r"P(s < \tfrac12) = 1 - e^{-1/16}",
        experiment=_close_pairs,
        expected="not refuted",
        note="4000 drawn matrices",
    ),
)

SKIPPED = (
    Skipped("sections 'Why', 'General resources', 1", "prose and reading lists, no formula"),
    Skipped("section 2, problem 2(a), (b), (d)–(g)", "questions; the answers are claims of ps1"),
    Skipped(
        "section 2, problem 3(a), (e)–(g), (i)",
        "questions on fixed points, tanh and concavity; problem set 1 answers them, see ps1",
    ),
    Skipped(
        "section 3, problem 1(a)ii",
        "a plot is asked for; see curriculum.3.1a.crossing",
    ),
)
