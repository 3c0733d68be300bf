"""Stable forms equal the forms they replace, and keep their digits where those lose them."""

from __future__ import annotations

from pathlib import Path

import mpmath
import numpy as np
import pytest
import sympy as sp

from freejac.codegen.functions import Cos1m, Sech2
from freejac.codegen.load import load_text
from freejac.codegen.stable import stabilise
from freejac.symbolic.functions import Phi, sigmoid, softplus
from freejac.symbolic.scaled import erfcx
from freejac.symbolic.symbols import q, x

u = sp.Symbol("u", positive=True)

REWRITTEN = [
    (sp.exp(2 * u) * sp.erfc(sp.sqrt(2 * u)), erfcx(sp.sqrt(2) * sp.sqrt(u))),
    (u * sp.exp(x) - u, u * sp.Function("expm1")(x)),
    (sp.Rational(1, 2) - sp.exp(-2 * q) / 2, None),
    (1 - sp.erf(u), sp.erfc(u)),
    (3 + 3 * sp.erf(x), 6 * Phi(sp.sqrt(2) * x)),
    (1 - sp.tanh(x) ** 2, Sech2(x)),
    (1 / sp.cosh(x) ** 3, None),
    (1 - sp.cos(x), Cos1m(x)),
    (1 - sigmoid(x), sigmoid(-x)),
    (sp.log(1 + sp.exp(x)), softplus(x)),
    (sp.log(1 + x**2), None),
    ((x / (1 + sp.exp(-x))).diff(x), x * sigmoid(x) * sigmoid(-x) + sigmoid(x)),
    (sp.exp(x) / (1 + sp.exp(x)) ** 2, sigmoid(x) * sigmoid(-x)),
]


@pytest.mark.parametrize(("expr", "expected"), REWRITTEN, ids=lambda e: str(e)[:40])
def test_a_stable_form_has_the_same_value(expr: sp.Expr, expected: sp.Expr | None) -> None:
    stable = stabilise(expr)
    assert stable != expr
    if expected is not None and not expected.atoms(sp.core.function.AppliedUndef):
        assert stable == expected
    for value in (sp.Rational(1, 7), sp.Rational(9, 4)):
        point = dict.fromkeys(expr.free_symbols, value)
        assert abs(stable.subs(point).evalf(40) - expr.subs(point).evalf(40)) < 1e-35


def test_what_is_already_stable_is_left_alone() -> None:
    expr = sp.sqrt(u) * sp.exp(-u) + sp.erfc(u)
    assert stabilise(expr) == expr


HELPERS = """import math

import numpy as np
from numba import njit

{% from "helpers.jinja" import helper %}
{% for name in names %}
{{ helper(name) }}
{% endfor %}
"""

ORACLES = {
    "_erfcx": lambda t: mpmath.exp(t * t) * mpmath.erfc(t),
    "_normal_cdf": lambda t: mpmath.erfc(-t / mpmath.sqrt(2)) / 2,
    "_one_minus_cos": lambda t: 2 * mpmath.sin(t / 2) ** 2,
    "_sech_squared": lambda t: 1 / mpmath.cosh(t) ** 2,
    "_sigmoid": lambda t: 1 / (1 + mpmath.exp(-t)),
    "_softplus": lambda t: mpmath.log1p(mpmath.exp(t)),
}


@pytest.fixture(scope="module")
def helpers(tmp_path_factory: pytest.TempPathFactory) -> object:
    from freejac.codegen.filling import environment, preamble

    names = preamble(" ".join(ORACLES), always_math=True, always_numpy=True)["helpers"]
    text = environment().from_string(HELPERS).render(names=names)
    return load_text(text, Path(tmp_path_factory.mktemp("helpers")))


@pytest.mark.parametrize("name", sorted(ORACLES))
def test_helpers_are_accurate_to_a_few_units_in_the_last_place(helpers: object, name: str) -> None:
    points = np.concatenate([np.linspace(-25, 40, 131), np.geomspace(1e-12, 1e3, 61)])
    if name == "_normal_cdf":
        points = points[points > -37]  # the value is a normal double
    with mpmath.workdps(60), np.errstate(all="raise", under="ignore"):
        for t in map(float, points):
            exact = ORACLES[name](mpmath.mpf(t))
            if abs(exact) > 1e-300:
                error = abs(getattr(helpers, name)(t) / exact - 1)
                assert error < 3e-15, (t, error)


def test_the_quadrature_nodes_integrate_polynomials_exactly() -> None:
    # A rule of 20 points is exact to degree 39: Gauss's theorem.
    from freejac.codegen.quadrature_view import quadrature_view

    view = quadrature_view([], [], (), "0.5")
    for degree in (0, 2, 20, 38):
        total = sum(
            2 * float(w) * float(t) ** degree
            for t, w in zip(view["nodes"], view["weights"], strict=True)
        )
        assert total == pytest.approx(2 / (degree + 1), rel=1e-14, abs=0.0)
