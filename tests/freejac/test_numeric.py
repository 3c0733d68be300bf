"""NumPy functions of activations against mpmath, which differentiates numerically."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
import sympy as sp

from freejac.numeric import numpy_function
from freejac.symbolic.activation import activation
from freejac.symbolic.errors import DomainError
from freejac.symbolic.library import names
from freejac.symbolic.symbols import x

# None is a breakpoint of the library, and they reach far into both tails.
POINTS = np.array([-800.0, -31.7, -2.3, -0.7, -0.013, 0.017, 0.6, 1.9, 31.1, 795.0])


@pytest.mark.parametrize(
    ("name", "order"),
    [*((name, order) for name in names() for order in (0, 1)), ("gelu", 2), ("softplus", 2)],
)
def test_library(name: str, order: int) -> None:
    phi = activation(name)
    exact = sp.lambdify(x, phi.expr.subs(phi.defaults), "mpmath")
    values = numpy_function(phi, order)(POINTS)
    assert values.dtype == np.float64
    for point, value in zip(POINTS, values, strict=True):
        with mpmath.workdps(60):
            expected = mpmath.diff(exact, mpmath.mpf(point), order)
        # Absolute where a function saturates: 1 + tanh(x/2) keeps no relative accuracy there.
        assert value == pytest.approx(float(expected), rel=1e-12, abs=1e-14)


def test_parameters_take_given_values() -> None:
    phi = activation("elu(alpha)")
    (alpha,) = phi.parameters
    point = np.array([-1.0])
    assert numpy_function(phi, parameters={alpha: 2})(point) == pytest.approx(2 * np.expm1(-1))
    assert numpy_function(phi)(point) == pytest.approx(np.expm1(-1))


def test_a_parameter_without_a_value_is_named() -> None:
    with pytest.raises(DomainError, match=r"needs a value for k$"):
        numpy_function(activation("x*tanh(k*x)"))


def test_the_shape_is_kept() -> None:
    slope = numpy_function(activation("linear"), 1)
    assert slope(np.zeros((2, 3))).tolist() == [[1.0] * 3] * 2
    assert slope(np.array(0.5)).shape == ()


def test_a_point_mass_is_not_a_function() -> None:
    with pytest.raises(DomainError, match="derivative 2 of relu has a point mass at x = 0"):
        numpy_function(activation("relu"), 2)


def test_a_negative_order_is_refused() -> None:
    with pytest.raises(DomainError, match="order"):
        numpy_function(activation("relu"), -1)
