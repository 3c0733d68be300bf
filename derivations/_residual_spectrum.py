"""Residual networks, section II.1: the universal spectrum of many layers, and its edges."""

from __future__ import annotations

from functools import lru_cache

import sympy as sp

from freejac.derivations._gaussian_entries import (
    residual_moment,
)
from freejac.derivations._residual_freeness import LOST
from freejac.symbolic.check import check
from freejac.symbolic.check_families import check_each
from freejac.symbolic.check_functions import check_inverse, check_law
from freejac.symbolic.claims import Claim
from freejac.symbolic.lambert import GeneralizedLambertW
from freejac.symbolic.symbols import cumulant, depth, z
from freejac.symbolic.verdict import Verdict, weakest

__all__ = ["CLAIMS"]

_G = sp.Symbol("G")
_S = sp.Symbol("S")
_Y = sp.Symbol("y", positive=True)
_X = sp.Symbol("x")
_VAR, _OTHER = sp.symbols("s t", positive=True)
_Z = sp.Symbol("z", positive=True)
_U = sp.Symbol("u", positive=True)
_UNIVERSAL = sp.exp(-cumulant * (1 + 2 * z))


@lru_cache(maxsize=1)
def _edge_points() -> tuple[sp.Expr, sp.Expr]:
    """The values of M at the two edges, (−1 ± √(1 + 2/c))/2."""
    root = sp.sqrt(1 + 2 / cumulant)
    return (root - 1) / 2, (-root - 1) / 2


def _eigenvalue(m: sp.Expr) -> sp.Expr:
    """λ as a function of M = λG − 1, from the Green's equation."""
    return (1 + m) / m * sp.exp(cumulant * (1 + 2 * m))


def _edges() -> Verdict:
    m = sp.Symbol("m", real=True)
    slope = sp.diff(sp.log((1 + m) / m) + cumulant * (1 + 2 * m), m)
    steps = tuple(check(sp.simplify(slope.subs(m, point)), 0) for point in _edge_points())
    return weakest("dλ/dM = 0 at both edges", steps, "edge")


_ROOT = sp.sqrt(cumulant * (cumulant + 2))
_CONDITION = (1 + cumulant + _ROOT) * sp.exp(_ROOT)


def _second_moment() -> Verdict:
    """m_2 of L equal layers, by what one more layer does to it, and its limit."""
    u, h = (1 + _VAR) ** 2, sp.Symbol("h", positive=True)
    step = sp.expand(residual_moment(2, 1, sp.S.One, _VAR) - u)

    def grown(layers: int) -> tuple[sp.Expr, sp.Expr]:
        closed = u**layers * (1 + layers * (u - 1) / u)
        return residual_moment(2, layers, sp.S.One, _VAR), closed

    finite = check_each(grown, 1, 3, claim="m_2 = u^L + L u^(L−1)(u − 1), u = (1 + s)²")
    one = check(step, u - 1)
    near = u.subs(_VAR, cumulant * h)
    power = check(sp.Limit((1 + cumulant / depth) ** depth, depth, sp.oo), sp.exp(cumulant))
    slope = check(sp.Limit((near - 1) / (h * near), h, 0, "+"), 2 * cumulant)
    return weakest("m_2", (one, finite, power, slope), "part")


def _condition_number() -> Verdict:
    """√(λ₊/λ₋) against eq. (26), at c = 2/(r² − 1) where √(1 + 2/c) = r = 1 + u."""
    r = 1 + _U
    c = 2 / (r**2 - 1)
    upper, lower = (_eigenvalue(point).subs(cumulant, c) for point in ((r - 1) / 2, -(r + 1) / 2))
    root = r * c
    edges = tuple(
        check(point.subs(cumulant, c), value)
        for point, value in zip(_edge_points(), ((r - 1) / 2, -(r + 1) / 2), strict=True)
    )
    named = check(root, _ROOT.subs(cumulant, c))
    squared = check(upper / lower, ((1 + c + root) * sp.exp(root)) ** 2)
    return weakest("eq. (26), squared; both sides are positive", (*edges, named, squared), "part")


_LAMBERT_POINT = sp.exp(_X) * (_X + cumulant) / (_X - cumulant)
_G_SOLUTION = (cumulant + GeneralizedLambertW(-cumulant, cumulant, _Z)) / (2 * cumulant * _Z)
CLAIMS = (
    Claim(
        "resnet.ii1-log-sum",
        "section II.1, eq. (22)",
        r"\log S_{\mathbf{J}\mathbf{J}^T}(z) = -\frac{1}{L} \sum_l c_l (1 + 2z) + O(L^{-1})",
        lhs=sp.log(1 - _VAR * (1 + 2 * _Y)),
        rhs=-_VAR * (1 + 2 * _Y) + sp.O(_VAR**2),
        assumptions="each of the L terms of the sum, s = c_l/L, to an error of order L⁻²; S_l from"
        " eq. (20)",
        note=LOST,
    ),
    Claim(
        "resnet.ii1-exponential",
        "section II.1, eq. (23)",
        r"S_{\mathbf{J}\mathbf{J}^T}(z) = \lim_{L \to \infty}"
        r" \Bigl(1 - \frac{c}{L}(1 + 2z)\Bigr)^L = e^{-c(1 + 2z)}",
        lhs=sp.Limit((1 - cumulant * (1 + 2 * _Y) / depth) ** depth, depth, sp.oo),
        rhs=sp.exp(-cumulant * (1 + 2 * _Y)),
        assumptions="equal c_l = c",
        note=LOST,
    ),
    Claim(
        "resnet.ii1-r-equation",
        "section II.1, eq. (24)",
        r"R(z) = e^{c(1 + 2zR(z))} \Rightarrow zR(z) = -\frac{1}{2c} W\bigl(-2cze^c\bigr)",
        decide=lambda: check_inverse(
            (z * _UNIVERSAL).subs(z, _Z),
            -sp.LambertW(-2 * cumulant * _Z * sp.exp(cumulant)) / (2 * cumulant),
            _Z,
            where=[sp.Rational(1, 50) > _Z, cumulant < 1],
        ),
        assumptions="zR and zS are inverse functions; near z = 0, c < 1",
        note="lost, restored; it is R that Lambert's own W gives, W(x) e^{W(x)} = x",
    ),
    Claim(
        "resnet.ii1-cumulants",
        "section II.1, eq. (24)",
        r"R(z) = \sum_n \frac{(2cn)^{n-1}}{n!} e^{nc} z^{n-1}",
        decide=lambda: check_law(
            s=_UNIVERSAL,
            cumulants=[
                (2 * cumulant * n) ** (n - 1) / sp.factorial(n) * sp.exp(n * cumulant)
                for n in range(1, 5)
            ],
        ),
        assumptions="the expansion of W, to four free cumulants",
        note="not printed; it ties the Lambert function of eq. (24) to S",
    ),
    Claim(
        "resnet.ii1-green",
        "section II.1, eq. (25)",
        r"G = (zG - 1)\, e^{c(1 - 2zG)}",
        lhs=_Y * sp.exp(-cumulant * (1 + 2 * _Y)),
        rhs=lambda: ((z * _G - 1) * sp.exp(cumulant * (1 - 2 * z * _G))).subs(
            {z: (1 + _Y) / (_Y * _S), _G: _Y * _S}, simultaneous=True
        ),
        assumptions="G = yS(y) at z = (1 + y)/(yS(y)), S = exp(−c(1 + 2y))",
        note=LOST,
    ),
    Claim(
        "resnet.ii1-lambert",
        "section II.1, after eq. (25)",
        r"x = c(2zG - 1):\quad e^x \frac{x + c}{x - c} = z,\quad x = W(-c; c; z)",
        lhs=((_X + cumulant) / (2 * cumulant * z)).subs(z, _LAMBERT_POINT),
        rhs=lambda: (
            ((z * _G - 1) * sp.exp(cumulant * (1 - 2 * z * _G)))
            .subs(_G, (_X + cumulant) / (2 * cumulant * z))
            .subs(z, _LAMBERT_POINT)
        ),
        assumptions="x a solution of the equation on the left, so that G = (x + c)/(2cz)",
        note="the source says “the Lambert function” and cites Corless et al., whose W inverts"
        " x eˣ; the solution is the generalised one, with one upper and one lower parameter",
    ),
    Claim(
        "resnet.ii1-lambert-solves",
        "section II.1, after eq. (25)",
        r"G = \frac{c + W(-c; c; z)}{2cz}",
        lhs=_G_SOLUTION,
        rhs=lambda: (_Z * _G_SOLUTION - 1) * sp.exp(cumulant * (1 - 2 * _Z * _G_SOLUTION)),
        where=(_Z > 60, cumulant < 1, cumulant > sp.Rational(1, 10)),
        expected="not refuted",
        assumptions="right of the spectrum, W by its definition as the root that tends to c",
        note="not printed",
    ),
    Claim(
        "resnet.ii1-mean",
        "section II.1, eq. (25)",
        r"m_1 = \lim_{L \to \infty} \Bigl(1 + \frac{c}{L}\Bigr)^L = e^c",
        decide=lambda: weakest(
            "m_1",
            (
                check_each(
                    lambda n: (residual_moment(1, n, sp.S.One, _VAR), (1 + _VAR) ** n), 1, 5
                ),
                check(sp.Limit((1 + cumulant / depth) ** depth, depth, sp.oo), sp.exp(cumulant)),
                check_law(s=_UNIVERSAL, moments=[sp.exp(cumulant)]),
            ),
            "part",
        ),
        assumptions="moments at finite depth counted, then the limit, then S of eq. (23)",
        note="not printed; a check of eqs. (23) and (25) from the matrices",
    ),
    Claim(
        "resnet.ii1-second-moment",
        "section II.1, eq. (25)",
        r"m_2 = \lim_{L \to \infty} m_2(L) = (1 + 2c)\, e^{2c}",
        decide=_second_moment,
        assumptions="m_2 at depths 1 to 3 counted, then the limit of its closed form",
        note="not printed",
    ),
    Claim(
        "resnet.ii1-moments-of-s",
        "section II.1, eqs. (23) and (25)",
        r"m_1 = e^c,\ m_2 = (1 + 2c) e^{2c},\ m_3 = (1 + 6c + 6c^2) e^{3c}",
        decide=lambda: check_law(
            s=_UNIVERSAL,
            moments=[
                sp.exp(cumulant),
                (1 + 2 * cumulant) * sp.exp(2 * cumulant),
                (1 + 6 * cumulant + 6 * cumulant**2) * sp.exp(3 * cumulant),
            ],
        ),
        note="not printed",
    ),
    Claim(
        "resnet.ii1-edges",
        "section II.1, before eq. (26)",
        r"\lambda_\pm = \frac{1 + m_\pm}{m_\pm} e^{c(1 + 2m_\pm)},\quad"
        r" m_\pm = \tfrac{1}{2}\bigl(-1 \pm \sqrt{1 + 2/c}\bigr),\quad \frac{d\lambda}{dm} = 0",
        decide=_edges,
        note="not printed: the derivation of eq. (26) is left out by the source",
    ),
    Claim(
        "resnet.ii1-condition-number",
        "section II.1, eq. (26)",
        r"\frac{s_{\max}}{s_{\min}} = \bigl(1 + c + \sqrt{c(c + 2)}\bigr) e^{\sqrt{c(c + 2)}}",
        decide=_condition_number,
        assumptions="c = 2/(r² − 1) with r > 1, which is every c > 0 and makes all roots explicit",
        note=LOST,
    ),
    Claim(
        "resnet.ii1-reciprocal-edges",
        "section II.1, eq. (26)",
        r"\lambda_+ \lambda_- = 1",
        lhs=lambda: _eigenvalue(_edge_points()[0]) * _eigenvalue(_edge_points()[1]),
        rhs=1,
        note="not printed; why s_max is the root of the condition number",
    ),
    Claim(
        "resnet.ii1-isometry",
        "section I.1 and Fig. 1",
        r"\lim_{c \to 0} \frac{s_{\max}}{s_{\min}} = 1",
        lhs=sp.Limit(_CONDITION, cumulant, 0, "+"),
        rhs=1,
        assumptions="dynamical isometry: all singular values tend to one",
    ),
    Claim(
        "resnet.ii1-narrower",
        "Fig. 1, caption",
        r"\frac{d}{dc} \frac{s_{\max}}{s_{\min}} > 0",
        lhs=lambda: sp.diff(_CONDITION, cumulant),
        rhs=0,
        relation=">",
        assumptions="the smaller c, the narrower the spectrum",
    ),
)
