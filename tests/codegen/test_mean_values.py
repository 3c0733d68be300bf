"""Means of a definition to the digits that were asked for, however much cancels in them."""

from __future__ import annotations

from mpmath import mp

from freejac.codegen.mean_values import MeanValues
from freejac.symbolic.activation import activation
from freejac.symbolic.quadrature import gaussian_mean


def test_digits_are_those_of_the_mean_where_that_is_wanted() -> None:
    # E[max(h, −1/2)] at q = 0.005 is 10⁻¹⁴ of what cancels in it; at q = 0.001, 10⁻⁵⁸.
    terms = [(activation("shifted_relu").function, 1)]
    plain, relative = MeanValues(terms, 20), MeanValues(terms, 20, relative=[True])
    for variance, digits in ((0.005, 40), (0.001, 90)):
        exact = gaussian_mean(terms[0][0], variance, digits)
        with mp.workdps(60):
            assert abs(relative(variance)[0] / exact - 1) < 1e-19
    assert plain(0.001) == relative(1e-6) == [0]


def test_what_is_0_around_the_origin_is_not_taken_for_0() -> None:
    # All of E[max(|h| − 1, 0)] lies beyond 36 standard deviations.
    function = activation("max(abs(x) - 1, 0)").function
    exact = gaussian_mean(function, 7.6e-4, 20)
    assert abs(MeanValues([(function, 1)], 20)(7.6e-4)[0] / exact - 1) < 1e-15
