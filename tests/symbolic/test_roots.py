"""Real roots of polynomials against their definition: a change of sign around every one."""

from __future__ import annotations

import time
from contextlib import suppress
from itertools import pairwise

import mpmath
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from freejac.symbolic.errors import DomainError
from freejac.symbolic.roots import RealRoot, polynomial_roots
from freejac.symbolic.symbols import x

CUBIC = (1, 0, -1, -1)


def _sturm_count(poly: sp.Poly) -> int:
    """Distinct real roots, by the theorem of Sturm (SymPy's own implementation)."""
    return int(poly.count_roots())


@given(coefficients=st.lists(st.integers(-40, 40), min_size=2, max_size=9))
def test_every_real_root_is_found_once_and_is_one(coefficients):
    poly = sp.Poly(coefficients, x)
    if poly.degree() < 1:
        return
    found = polynomial_roots(poly)
    assert len(found) == _sturm_count(poly)
    with mpmath.workdps(60):
        values = sorted(mpmath.mpf(root.evalf(50)) for root, _ in found)
        for root, times in found:
            # the first derivative that does not vanish there tells the multiplicity
            at = mpmath.mpf(root.evalf(50))
            derivatives = [
                abs(mpmath.polyval([int(c) for c in poly.diff((x, k)).all_coeffs()], at))
                for k in range(times + 1)
            ]
            assert max(derivatives[:times]) < mpmath.mpf(10) ** -40 * sum(map(abs, coefficients))
            assert derivatives[times] > mpmath.mpf(10) ** -12
        assert all(low < high for low, high in pairwise(values))


@pytest.mark.parametrize("digits", [15, 60, 400])
def test_a_root_evaluates_to_any_precision(digits):
    root = RealRoot(CUBIC, 0)
    with mpmath.workdps(digits + 10):
        value = mpmath.mpf(root.evalf(digits + 5))
        assert abs(value**3 - value - 1) < mpmath.mpf(10) ** -digits


def test_close_and_distant_roots_keep_their_relative_accuracy():
    poly = sp.Poly(x**5 - sp.Integer(10) ** 300 * x - 1, x)
    small = polynomial_roots(poly)[1][0].evalf(30)
    # −10^−300 to leading order; the next term is smaller by 10^−1500
    assert abs(small / (-(sp.Integer(10) ** -300)) - 1) < 1e-28


def test_a_root_is_a_number_like_others():
    root = RealRoot(CUBIC, 0)
    assert root.is_positive is True
    assert root.is_zero is False
    assert not root.free_symbols
    assert root > sp.Rational(13, 10)
    assert root.func(*root.args) == root
    assert RealRoot((1, 0, -3, 1), 0).is_positive is False
    assert sp.latex(root) == r"\operatorname{root}_{0}\left(t^{3} - t - 1\right)"
    assert sp.lambdify([], root, "math")() == pytest.approx(float(root), rel=1e-15, abs=0.0)
    with mpmath.workdps(40):
        at_forty = sp.lambdify([], root, "mpmath")()
        assert abs(at_forty**3 - at_forty - 1) < mpmath.mpf(10) ** -38


def test_a_root_that_is_not_there_is_refused():
    with pytest.raises(DomainError, match="no real root of index 1"):
        RealRoot(CUBIC, 1)


@pytest.mark.parametrize(
    "poly",
    [
        x**64 - 2 * (10**50 * x - 1) ** 2,
        x**256 - 10**1000 * x - 1,
        sum((7**k % 1000) ** 40 * x**k for k in range(200)),
        x**300 - x,
    ],
)
def test_the_work_is_bounded(poly):
    start = time.process_time()
    with suppress(DomainError):
        polynomial_roots(sp.Poly(poly, x))
    assert time.process_time() - start < 2
