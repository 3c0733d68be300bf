"""Means of a definition to the digits that were asked for, however much cancels in them."""

from __future__ import annotations

from freejac.codegen.mean_values import MeanValues
from freejac.symbolic.activation import activation
from freejac.symbolic.quadrature import gaussian_mean


def test_digits_are_those_of_the_mean_where_that_is_wanted() -> None:
    # E[max(h, −1/2)] at q = 0.001 is 10⁻⁵⁸ of what cancels in it.
    terms = [(activation("shifted_relu").function, 1)]
    exact = gaussian_mean(terms[0][0], 0.001, 90)
    assert MeanValues(terms, 20)(0.001) == [0]
    assert abs(MeanValues(terms, 20, relative=[True])(0.001)[0] / exact - 1) < 1e-14


def test_what_is_0_around_the_origin_is_not_taken_for_0() -> None:
    # All of E[max(|h| − 1, 0)] lies beyond 36 standard deviations.
    function = activation("max(abs(x) - 1, 0)").function
    exact = gaussian_mean(function, 7.6e-4, 20)
    assert abs(MeanValues([(function, 1)], 20)(7.6e-4)[0] / exact - 1) < 1e-15
