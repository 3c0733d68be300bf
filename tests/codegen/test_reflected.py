"""Duals with an arcsine in one form: every kind of code, to the last bits, at both ends of c."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from functools import lru_cache
from typing import Any

import mpmath
import numpy as np
import pytest
from mpmath import mp, mpf

from freejac.codegen.arc_parts import arc_parts
from freejac.codegen.dual_forms import elementary_code
from freejac.codegen.dual_spec import DualCode
from freejac.codegen.reflected import reflected_codes
from freejac.symbolic.activation import activation
from freejac.symbolic.bivariate import expect2

# Angles: θ − sin θ cos θ and the like, written out here from the definitions of the kernels.
ARC_COSINE = {
    ("relu", 1): lambda q, t: (mp.pi - t) / (2 * mp.pi),
    ("relu", 0): lambda q, t: q * (mpmath.sin(t) + (mp.pi - t) * mpmath.cos(t)) / (2 * mp.pi),
    ("relu2", 0): lambda q, t: (
        q**2
        * (3 * mpmath.sin(t) * mpmath.cos(t) + (mp.pi - t) * (1 + 2 * mpmath.cos(t) ** 2))
        / (2 * mp.pi)
    ),
}


@lru_cache
def code(name: str, order: int) -> DualCode:
    function = activation(name).distribution(order)
    found = elementary_code(function, expect2(function, function))
    assert found is not None
    return found


def fma(a: float, b: float, c: float) -> float:
    return float(Fraction(a) * Fraction(b) + Fraction(c))


def with_error(exact: Fraction) -> tuple[float, float]:
    return float(exact), float(exact - Fraction(float(exact)))


# What generated modules have of their own for it, in exact numbers.
EXACT = {
    "_fma": fma,
    "_sum": lambda a, b: with_error(Fraction(a) + Fraction(b)),
    "_multiplied": lambda a, b: with_error(Fraction(a) * Fraction(b)),
    "_fused": lambda a, b, c: with_error(Fraction(a) * Fraction(b) + Fraction(c)),
}


def value(code: DualCode, **arguments: float) -> float:
    scope: dict[str, Any] = {"math": math, **EXACT, **arguments}
    exec("\n".join([*code.lines, f"result = {code.result}"]), scope)  # our own text
    return float(scope["result"])


@pytest.mark.parametrize(("name", "order"), ARC_COSINE)
def test_arc_cosine_kernels_are_right_to_the_last_bits(name: str, order: int) -> None:
    # Cho & Saul (2009), eqs. (3)-(7), with c = cos θ exactly.
    found = code(name, order)
    steps = 2.0 ** -np.arange(53.0, 0.0, -2.3)
    for c in [*(steps - 1.0), *(1.0 - steps), -1e-17, 0.0, 1e-160, 0.3, 1.0]:
        for q in (1e-12, 0.7, 1e12):
            with mp.workdps(80):
                exact = ARC_COSINE[name, order](mpf(q), mpmath.acos(mpf(float(c))))
            error = abs(value(found, q=q, c=float(c)) - exact)
            assert error <= 4 * mpf(math.ulp(float(exact))), (q, c)
    assert value(found, q=1.0, c=-1.0) == 0.0


@pytest.mark.parametrize(
    ("name", "order", "kind", "divisions"),
    [
        ("relu", 0, "fitted in 1 - |c|", 0),
        ("relu", 1, "by the arcsine", 0),
        ("leaky_relu", 0, "fitted in 1 - |c|", 0),
        ("leaky_relu", 1, "by the arcsine", 0),
        ("erf", 0, "by the arcsine", 1),
        ("smoothed_relu", 0, "fitted in 1 - q/(q + s^2) |c|", 1),
        pytest.param("gelu", 0, "by the angle from c = -1", 2, marks=pytest.mark.slow),
        # A third for what the root lacks.
        pytest.param("gelu", 1, "by the angle from c = -1", 3, marks=pytest.mark.slow),
    ],
)
def test_one_root_and_few_divisions(name: str, order: int, kind: str, divisions: int) -> None:
    found = code(name, order)
    assert found.method == f"closed form, {kind}"
    assert found.straight
    text = "\n".join(found.lines)
    assert text.count("sqrt") == 1
    # Divisions by numbers are none when it is compiled.
    assert len(re.findall(r"/ (?!\d|math\.pi|\(2\.0 \* math)", text)) == divisions


def test_a_dual_that_vanishes_with_c_keeps_its_digits_there() -> None:
    found = code("erf", 0)
    for c in (1e-300, -1e-160, 1e-9, -0.49, 0.51):
        with mp.workdps(40):
            exact = 2 / mp.pi * mpmath.asin(mpf(c) * 2 * mpf(0.7) / (1 + 2 * mpf(0.7)))
        assert abs(value(found, q=0.7, c=c) - exact) <= 3 * mpf(math.ulp(abs(float(exact))))


def test_leaky_relu_near_its_absolute_value() -> None:
    # φ′ is 1 and a = −1 + δ: (1 + a)²/4 + (1 − a)² asin(c)/(2π) is small for small c > 0.
    found = code("leaky_relu", 1)
    for a in (-1.0 + 2.0**-12, -1.125):
        for c in (0.0, 1e-9, 1e-3):
            with mp.workdps(40):
                exact = (1 + mpf(a)) ** 2 / 4 + (1 - mpf(a)) ** 2 * mpmath.asin(c) / (2 * mp.pi)
            assert abs(value(found, q=1.0, c=c, a=a) / exact - 1) <= 5e-16


def test_what_has_no_bracket_of_one_parity_is_left_to_other_forms() -> None:
    function = activation("where(x > 0, x, x**2)").function
    closed = expect2(function, function)
    assert arc_parts(closed) is None
    (codes,) = reflected_codes(closed, ())
    assert [code.method for code in codes] == ["closed form, by half the angle"]
