"""Problem set 1, the two printed programs, as numbers: what they would return.

The programs are run in our own words, with mpmath: their density, their integrand, and their
iteration, at chosen weights and biases. What the print lost (stars of the powers, a cut line) is
read as the formulas beside it say; what the author wrote wrongly is kept.
"""

from __future__ import annotations

from typing import Any

import mpmath
import sympy as sp
from mpmath import mp

from freejac.symbolic.check import check
from freejac.symbolic.check_numbers import check_value
from freejac.symbolic.claims import Claim
from freejac.symbolic.expectation import Expectation
from freejac.symbolic.mean_field import MeanField
from freejac.symbolic.symbols import q, sigma_b, sigma_w, x
from freejac.symbolic.verdict import Verdict

__all__ = ["CLAIMS"]

_WEIGHT, _BIAS = sp.Rational(3, 2), sp.Rational(3, 10)
_SETTINGS = {sigma_w: _WEIGHT, sigma_b: _BIAS}
_START = "0.7"
_DIGITS = 20
_TOLERANCE = 1e-8
"""What the integration routine of the programs promises by default, 1.49e-8 absolute."""

_PRINTED = sp.sqrt(2 * sp.pi) * sp.exp(-(x**2) / 2)
_NORMAL = sp.exp(-(x**2) / 2) / sp.sqrt(2 * sp.pi)


def _integral(f: Any, *, printed: bool) -> Any:
    """∫ f(x) gaussian(x) dx with the printed density, or the normal one."""
    factor = mp.sqrt(2 * mp.pi)
    scale = factor if printed else 1 / factor
    # beyond |x| = 12 the density is below 1e-31
    return mp.quad(lambda u: f(u) * scale * mp.exp(-(u**2) / 2), [-12, -4, 0, 4, 12])


def _length_map(variance: Any, *, printed: bool) -> Any:
    root = mp.sqrt(variance)
    second = _integral(lambda u: mp.tanh(u * root) ** 2, printed=printed)
    return mp.mpf(_WEIGHT) ** 2 * second + mp.mpf(_BIAS) ** 2


def _fixed_point(*, printed: bool) -> Any:
    """Iterate the length map from 0.7 until it settles."""
    point = mp.mpf(_START)
    for _ in range(300):
        following = _length_map(point, printed=printed)
        if abs(following - point) <= mp.mpf("1e-12") * abs(following):
            return following
        point = following
    raise ArithmeticError("the iteration does not settle")


def _accelerated_step() -> Verdict:
    """The first step x − (Δx)²/Δ²x of the routine that the program calls, from 0.7."""
    with mpmath.workdps(_DIGITS):
        point = mp.mpf(_START)
        first = _length_map(point, printed=True)
        second = _length_map(first, printed=True)
        step = point - (first - point) ** 2 / (second - 2 * first + point)
        return check(sp.Float(mp.nstr(step, 15), 15), 0, relation=">")


def _chi(*, printed: bool) -> Any:
    root = mp.sqrt(_fixed_point(printed=printed))
    power = 2 if printed else 4
    return mp.mpf(_WEIGHT) ** 2 * _integral(lambda u: mp.sech(u * root) ** power, printed=printed)


def _exact_point() -> sp.Expr:
    return sp.Float(MeanField("tanh").fixed_points(_WEIGHT, _BIAS)[-1].q, 15)


def _returned(program: Any, exact: sp.Expr, *, printed: bool) -> Verdict:
    with mpmath.workdps(_DIGITS):
        value = mp.nstr(program(printed=printed), 16)
    return check_value(value, exact, tolerance=_TOLERANCE)


def _length_map_returned(*, printed: bool) -> Verdict:
    exact = MeanField("tanh").length_map.subs({**_SETTINGS, q: 1})
    return _returned(
        lambda printed: _length_map(mp.mpf(1), printed=printed), exact, printed=printed
    )


def _fixed_point_returned(*, printed: bool) -> Verdict:
    with mpmath.workdps(_DIGITS):
        value = mp.nstr(_fixed_point(printed=printed), 16)
    exact = MeanField("tanh").length_map.subs({**_SETTINGS, q: sp.Rational(value)})
    return check_value(value, exact, tolerance=_TOLERANCE)


def _chi_returned(*, printed: bool) -> Verdict:
    exact = MeanField("tanh").chi.subs({**_SETTINGS, q: _exact_point()})
    return _returned(_chi, exact, printed=printed)


_AT = "σ_w = 3/2, σ_b = 3/10"

CLAIMS = (
    Claim(
        "ps1.3e-gaussian",
        "problem 3 (e) and problem 5 (d), listings",
        r"\rho(x) = \sqrt{2\pi}\, e^{-x^2/2}",
        lhs=_NORMAL,
        rhs=_PRINTED,
        expected="refuted",
        assumptions="ρ the standard normal density, as in problem 2 (e)",
        note="both listings multiply by √(2π) where they have to divide: 2π times too large",
        correction=Claim(
            "ps1.3e-gaussian.corrected",
            "problem 3 (e) and problem 5 (d), listings",
            r"\rho(x) = \frac{1}{\sqrt{2\pi}} e^{-x^2/2}",
            lhs=lambda: sp.exp(-(x**2) / 2) / sp.integrate(sp.exp(-(x**2) / 2), (x, -sp.oo, sp.oo)),
            rhs=_NORMAL,
            assumptions="the multiple of exp(−x²/2) whose integral is one",
        ),
    ),
    Claim(
        "ps1.3e-listing",
        "problem 3 (e), listing",
        r"\mathtt{lengthmap}(1, \sigma_w, \sigma_b) ="
        r" \sigma_w^2 \int \tanh(y)^2 \rho(y)\, dy + \sigma_b^2",
        decide=lambda: _length_map_returned(printed=True),
        expected="refuted",
        assumptions=f"{_AT}, q = 1",
        note="the first term is 2π times too large; the lost stars of the powers are read back",
        correction=Claim(
            "ps1.3e-listing.corrected",
            "problem 3 (e), listing",
            r"\mathtt{lengthmap}(1, \sigma_w, \sigma_b) ="
            r" \sigma_w^2 \int \tanh(y)^2 \rho(y)\, dy + \sigma_b^2",
            decide=lambda: _length_map_returned(printed=False),
            expected="not refuted",
            assumptions=f"{_AT}, q = 1, with the density divided by √(2π)",
            note="no proof: E[tanh²] has no closed form, both sides are quadratures",
        ),
    ),
    Claim(
        "ps1.5d-derivative",
        "problem 5 (d), comment in the listing",
        r"\tanh'(x) = \operatorname{sech}(x)",
        lhs=lambda: sp.diff(sp.tanh(x), x),
        rhs=1 / sp.cosh(x),
        expected="refuted",
        correction=Claim(
            "ps1.5d-derivative.corrected",
            "problem 5 (d), comment in the listing",
            r"\tanh'(x) = \operatorname{sech}(x)^2",
            lhs=lambda: sp.diff(sp.tanh(x), x),
            rhs=1 / sp.cosh(x) ** 2,
        ),
    ),
    Claim(
        "ps1.5d-integrand",
        "problem 5 (d), listing against eq. (21)",
        r"\phi'(\sqrt{q} x)^2 = \cosh(\sqrt{q} x)^{-2}",
        lhs=lambda: sp.diff(sp.tanh(x), x).subs(x, sp.sqrt(q) * x) ** 2,
        rhs=sp.cosh(sp.sqrt(q) * x) ** -2,
        expected="refuted",
        assumptions="φ = tanh",
        note="the listing takes φ′ itself for what eq. (21) squares",
        correction=Claim(
            "ps1.5d-integrand.corrected",
            "problem 5 (d), listing",
            r"\phi'(\sqrt{q} x)^2 = \cosh(\sqrt{q} x)^{-4}",
            lhs=lambda: sp.diff(sp.tanh(x), x).subs(x, sp.sqrt(q) * x) ** 2,
            rhs=sp.cosh(sp.sqrt(q) * x) ** -4,
        ),
    ),
    Claim(
        "ps1.5d-fixed-point",
        "problem 5 (d), eq. (22) and listing",
        r"\mathtt{q\_star}(0.7, \sigma_w, \sigma_b) = q^*",
        decide=lambda: _fixed_point_returned(printed=True),
        expected="refuted",
        assumptions=_AT,
        note="the wrong density again: the fixed point of 2πσ_w²E[tanh²] + σ_b²",
        correction=Claim(
            "ps1.5d-fixed-point.corrected",
            "problem 5 (d), eq. (22) and listing",
            r"\mathtt{q\_star}(0.7, \sigma_w, \sigma_b) = q^*",
            decide=lambda: _fixed_point_returned(printed=False),
            expected="not refuted",
            assumptions=f"{_AT}, with the density divided by √(2π)",
            note="no proof: E[tanh²] has no closed form; q is put into eq. (22)",
        ),
    ),
    Claim(
        "ps1.5d-iteration",
        "problem 5 (d), listing",
        r"q_0 - \frac{(q_1 - q_0)^2}{q_2 - 2 q_1 + q_0} > 0,\quad q_0 = 0.7",
        decide=_accelerated_step,
        expected="refuted",
        assumptions=_AT,
        note="the accelerated iteration that the listing calls takes a negative length in its first"
        " step, and the program ends without a number; with the right density it converges",
        correction=Claim(
            "ps1.5d-iteration.corrected",
            "problem 5 (d), listing",
            r"|f'(q^*)| < 1",
            lhs=lambda: MeanField("tanh").chi_parallel.subs({**_SETTINGS, q: _exact_point()}),
            rhs=1,
            relation="<",
            expected="not refuted",
            assumptions=f"{_AT}: plain iteration of eq. (22) converges",
            note="no proof: the slope has no closed form",
        ),
    ),
    Claim(
        "ps1.5d-listing",
        "problem 5 (d), listing",
        r"\mathtt{chi}(\sigma_w, \sigma_b) ="
        r" \sigma_w^2 \int \mathcal{D}z\, \phi'(\sqrt{q^*}z)^2",
        decide=lambda: _chi_returned(printed=True),
        expected="refuted",
        assumptions=f"{_AT}; the listing returns the pair that its integration routine gives,"
        " of which the first entry is meant",
        note="wrong density and missing square: it would draw χ = 1 at other weights",
        correction=Claim(
            "ps1.5d-listing.corrected",
            "problem 5 (d), listing",
            r"\mathtt{chi}(\sigma_w, \sigma_b) ="
            r" \sigma_w^2 \int \mathcal{D}z\, \phi'(\sqrt{q^*}z)^2",
            decide=lambda: _chi_returned(printed=False),
            expected="not refuted",
            assumptions=f"{_AT}, with the density divided by √(2π) and sech⁴",
            note="no proof: E[sech⁴] has no closed form, both sides are quadratures",
        ),
    ),
    Claim(
        "ps1.5d-chi-bound",
        "problem 5 (d), eq. (21)",
        r"\chi \le \sigma_w^2",
        lhs=sigma_w**2 * Expectation((1 - sp.tanh(x) ** 2) ** 2, q),
        rhs=sigma_w**2,
        relation="<=",
        assumptions="tanh; not printed, it is why the curve χ = 1 lies in σ_w ≥ 1",
    ),
)
