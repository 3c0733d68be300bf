"""Means of sines and cosines under an envelope, against the real line and against their limit."""

from __future__ import annotations

import mpmath
import pytest
import sympy as sp
from mpmath import mp, mpf

from freejac.symbolic.errors import NotConvergedError
from freejac.symbolic.mean_curve import MeanCurve
from freejac.symbolic.oscillation import Oscillation
from freejac.symbolic.parsing import parse
from freejac.symbolic.piecewise import decompose
from freejac.symbolic.quadrature import gaussian_mean


def curve(text: str, power: int, digits: int = 20) -> MeanCurve:
    return MeanCurve([(decompose(parse(text)), power)], {}, digits, adaptive=False)


@pytest.mark.parametrize(
    ("text", "power", "q"),
    [
        ("sin(5*x) + tanh(x)", 2, 100.0),
        ("x*cos(x)*sigmoid(x - 3) + where(x > 0, softplus(x), x)", 1, 1000.0),
        ("where(x > -1, cos(2*x + 1)*atan(x), x/3)", 3, 30.0),
        ("sin(x)*log(1 + exp(x))", 1, 1000.0),  # jumps beside the line, which is seen
    ],
)
def test_it_is_the_integral_over_the_real_line(text: str, power: int, q: float) -> None:
    exact = gaussian_mean(decompose(parse(text)) ** power, q, 25)
    size = gaussian_mean(decompose(parse(text)) ** (2 * power), q, 10) ** mpf("0.5")
    try:
        (value,) = curve(text, power)(q)
    except NotConvergedError:
        assert "log" in text
        return
    assert abs(value - exact) < mpf("1e-19") * size


@pytest.mark.parametrize("k", [1, 2])
def test_where_no_rule_on_the_real_line_reaches(k: int) -> None:
    # √(2πq) E[sin(kh) tanh(h)] → ∫ sin(kx) tanh(x) dx in the sense of Abel, which is the sum of the
    # residues e^{−kπ(n + 1/2)} of tanh at iπ(n + 1/2) times 2π: π/sinh(πk/2)
    q = 10**12
    (value,) = curve(f"sin({k}*x)*tanh(x)", 1, 30)(q)
    with mp.workdps(30):
        limit = mp.pi / mpmath.sinh(mp.pi * k / 2) / mpmath.sqrt(2 * mp.pi * q)
        assert abs(value / limit - 1) < mpf("1e-11")


@pytest.mark.parametrize("text", ["tanh(x)", "sin(x**2)", "tanh(sin(x))", "exp(-x**2)"])
def test_what_does_not_oscillate_in_this_way(text: str) -> None:
    assert Oscillation.of([decompose(parse(text))], [(0, 1)], {}, 20) is None


def test_panels_are_halved_where_a_function_bends() -> None:
    function = decompose(sp.tanh(8 * (parse("x") - 30)))
    (value,) = MeanCurve([(function, 1)], {}, 20, adaptive=False)(400)
    assert abs(value / gaussian_mean(function, 400, 25) - 1) < mpf("1e-18")
