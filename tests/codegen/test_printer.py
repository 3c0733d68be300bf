"""The printed text computes what the expression means, and what cannot be printed is refused."""

from __future__ import annotations

import math

import mpmath
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from freejac.codegen.printer import source
from freejac.codegen.statements import statements
from freejac.symbolic.bivariate_normal import OwenT, Phi2
from freejac.symbolic.errors import InputError
from freejac.symbolic.scaled import dawson, erfcx
from freejac.symbolic.voigt import VoigtK, VoigtL

a, b = sp.symbols("a b", positive=True)
LIBRARY = {
    f"_{name}": getattr(math, name)
    for name in ["atan", "asin", "erf", "erfc", "exp", "log", "tanh"]
}
"""The C library's functions under the names of the kernels' own."""

FORMS = [
    sp.Rational(1, 3) * a**2 * sp.exp(-b) / sp.sqrt(a + b),
    a ** sp.Rational(3, 2) / b ** sp.Rational(5, 2),
    -(a**2) * sp.exp(-(b**2)),
    (a - b) ** 3 - (a + b) / (a * b),
    1 / (1 + a) - 1 / sp.sqrt(b),
    sp.asin(a / (1 + a)) / sp.pi + sp.atan(b) / (2 * sp.pi),
    sp.Max(a, b) - sp.Min(a, b) + sp.Abs(a - b),
    sp.Piecewise((a, a > b), (b**2, True)) * 2,
    sp.erf(a) * sp.erfc(b) - sp.log(a) * sp.tanh(b),
    a**b + 2**a,
    sp.Rational(2, 7) - sp.E * a,
    sp.Rational("1.0507009873554804934193349852946") * a,
]


@pytest.mark.parametrize("expr", FORMS, ids=str)
@pytest.mark.parametrize("point", [(0.7, 1.9), (3.1, 0.2)])
def test_the_text_has_the_value_of_the_expression(
    expr: sp.Expr, point: tuple[float, float]
) -> None:
    block = statements(expr, taken=["a", "b"])
    scope = {"math": math, **LIBRARY, "a": point[0], "b": point[1]}
    exec("\n".join(block.lines), scope)  # our own text, never a user's
    expected = expr.subs({a: sp.Rational(point[0]), b: sp.Rational(point[1])}).evalf(30)
    assert eval(block.result, scope) == pytest.approx(float(expected), rel=2e-14, abs=0.0)
    assert eval(source(expr), scope) == pytest.approx(float(expected), rel=2e-14, abs=0.0)


def test_long_sums_are_split_into_short_lines() -> None:
    expr = sp.Add(*(sp.exp(-k * a) / sp.sqrt(b + k) for k in range(1, 30)))
    block = statements(expr, taken=["a", "b"])
    assert max(map(len, (*block.lines, block.result))) <= 96
    scope = {"math": math, **LIBRARY, "a": 0.3, "b": 2.0}
    exec("\n".join(block.lines), scope)
    expected = float(expr.subs({a: sp.Rational(0.3), b: 2}).evalf(30))
    assert eval(block.result, scope) == pytest.approx(expected, rel=1e-14, abs=0.0)


def test_shared_parts_are_computed_once() -> None:
    block = statements(sp.exp(-a) / (1 + sp.exp(-a)) ** 2, taken=["a"])
    assert block.lines == ("exp_1 = _exp(-a)",)


def test_names_in_use_are_not_taken() -> None:
    busy = sp.Symbol("exp_1")
    block = statements(busy * sp.exp(a) + sp.exp(a) ** 2 + sp.sin(sp.exp(a)), taken=["exp_1", "a"])
    assert all(not line.startswith("exp_1 =") for line in block.lines)


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        (Phi2(a, 2 * b, sp.Symbol("c")), "_bivariate_normal_cdf(a, 2.0 * b, c)"),
        (OwenT(a, b), "_owens_t(a, b)"),
        (VoigtK(a, b), "_voigt_k(a, b)"),
        (VoigtL(a, b), "_voigt_l(a, b)"),
        (erfcx(a), "_erfcx_right(a)"),
        (erfcx(a - b), "_erfcx(a - b)"),
        (dawson(a), "_dawson(a)"),
        (sp.Heaviside(a - b), "_step(a - b)"),
    ],
)
def test_helpers_get_all_their_arguments(expr: sp.Expr, text: str) -> None:
    assert source(expr) == text


@pytest.mark.parametrize("expr", [sp.zeta(a), sp.Function("f")(a)])
def test_a_function_without_code_is_refused(expr: sp.Expr) -> None:
    with pytest.raises(InputError, match="no code for"):
        source(expr)


@given(st.integers(-(10**40), 10**40), st.integers(1, 10**40))
def test_rationals_are_correctly_rounded(numerator: int, denominator: int) -> None:
    value = sp.Rational(numerator, denominator)
    with mpmath.workdps(60):
        exact = float(mpmath.mpf(value.p) / value.q)
    printed = eval(source(value))
    assert printed == pytest.approx(exact, rel=2.3e-16, abs=0)
