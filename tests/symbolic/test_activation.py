"""Activations from names, texts and expressions; what cannot be one is refused."""

from __future__ import annotations

import pytest
import sympy as sp

from freejac.symbolic import library
from freejac.symbolic.activation import activation
from freejac.symbolic.errors import DomainError, InputError, ParseError, UnknownNameError
from freejac.symbolic.symbols import c, parameter, x


@pytest.mark.parametrize("name", library.names())
def test_library_entries_are_functions_with_sources(name):
    phi = activation(name)
    assert phi.name == name
    assert phi.source
    assert set(phi.defaults) == set(phi.parameters)


@pytest.mark.parametrize("name", library.names())
@pytest.mark.parametrize("order", [1, 2])
def test_derivatives_agree_with_differences_off_the_kinks(name, order):
    phi = activation(name)
    derived = phi.distribution(order)
    for at in (sp.Rational(-37, 10), sp.Rational(-3, 7), sp.Rational(5, 9), sp.Rational(41, 10)):
        piece = next(p for p in derived.pieces if p.lower < at < p.upper)
        step = sp.Rational(1, 10**8)
        value = lambda t: phi.expr.subs(phi.defaults).subs(x, t)  # noqa: E731
        if order == 1:
            difference = (value(at + step) - value(at - step)) / (2 * step)
        else:
            difference = (value(at + step) - 2 * value(at) + value(at - step)) / step**2
        exact = piece.expr.subs(phi.defaults).subs(x, at)
        assert abs(sp.N(exact - difference, 40)) < 1e-13


def test_spellings_of_one_function_are_equal():
    assert activation("gelu") == activation("x*Phi(x)") == activation("gelu(x)")
    assert activation("silu") == activation("swish")
    assert activation("leaky_relu(3/10)").expr == activation("where(x>0, x, 3*x/10)").expr
    assert activation(sp.tanh(x)) == activation("tanh")


def test_a_logarithm_that_is_an_inverse_hyperbolic_sine() -> None:
    assert activation("log(sqrt(1 + 4*x**2) - 2*x)").expr == -sp.asinh(2 * x)
    shifted = activation("log(x + sqrt(x**2 + 3))").expr
    for at in (-3, 20):
        assert (
            abs(shifted.subs(x, at).evalf(30) - sp.log(at + sp.sqrt(at**2 + 3)).evalf(30)) < 1e-25
        )


def test_parameters_are_bound_or_kept():
    assert activation("elu(2)").parameters == ()
    assert activation("elu").parameters == activation("elu(alpha)").parameters
    assert [s.name for s in activation("elu(beta)").parameters] == ["beta"]
    assert activation("elu(beta)").parameters[0].is_positive
    assert activation("relu(beta*x)", positive=["beta"]).breakpoints == (0,)


@pytest.mark.parametrize(
    ("spec", "error", "complaint"),
    [
        ("gelo", UnknownNameError, "did you mean gelu"),
        ("tahn(x)", UnknownNameError, "did you mean tanh"),
        ("x+*2", ParseError, "character 3"),
        ("__import__('os')", ParseError, "character 1"),
        ("2", DomainError, "does not depend on x"),
        ("sqrt(x)", DomainError, "x = 0"),
        ("1/x", DomainError, "x = 0"),
        ("log(x)", DomainError, "x = 0"),
        ("log(x - 10)", DomainError, "x = 10"),
        ("sin(x)/x", DomainError, "x = 0"),
        ("x**(1/3)", DomainError, "x = 0"),
        ("exp(x**2)", DomainError, r"exp\(x²\)"),
        ("exp(exp(x))", DomainError, r"exp\(x²\)"),
        ("relu(beta*x)", DomainError, "positive"),
        ("elu(-1)", DomainError, "positive"),
        ("leaky_relu(1, 2)", InputError, "takes 1"),
        ("leaky_relu(x/2)", InputError, "cannot depend on x"),
        (3, InputError, "not int"),
        (None, InputError, "NoneType"),
        (sp.Symbol("x") ** 2, InputError, "freejac.x"),
        (c * x, InputError, "rename"),
    ],
)
def test_what_cannot_be_an_activation_is_refused(spec, error, complaint):
    with pytest.raises(error, match=complaint):
        activation(spec)


@pytest.mark.parametrize(
    "text", ["sqrt(1 + x**2)", "1/(1 + x**2)", "log(1 + exp(x))", "x/(1 + abs(x))", "atan(x)"]
)
def test_regular_functions_with_powers_and_logarithms_are_accepted(text):
    assert activation(text).expr.has(x)


@pytest.mark.parametrize("order", [-1, 1.0, True, "1"])
def test_orders_of_derivatives(order):
    with pytest.raises(DomainError):
        activation("relu").derivative(order)


def test_derivatives_to_high_order_of_a_parameter_family():
    slope = parameter("slope")
    third = activation("sin(slope*x)").derivative(3)
    assert sp.simplify(third + slope**3 * sp.cos(slope * x)) == 0
