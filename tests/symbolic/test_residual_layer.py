"""One residual layer: determining series, Schwinger–Dyson equation, S, moments, equation, atoms."""

import itertools

import numpy as np
import pytest
import sympy as sp

from freejac.symbolic.depth_expansion import depth_expansion, general_coefficients
from freejac.symbolic.derivative_law import AtomicLaw, bernoulli, derivative_law, point_mass
from freejac.symbolic.determining_series import (
    determining_expr,
    determining_series,
    s_series_from_determining,
)
from freejac.symbolic.ensembles import gaussian, general, orthogonal
from freejac.symbolic.errors import DomainError, NoClosedForm
from freejac.symbolic.residual_layer import ResidualLayer
from freejac.symbolic.schwinger_dyson import (
    determining_symbol,
    green_equation,
    haar_determining,
    skip_symbol,
    stieltjes_symbol,
)
from freejac.symbolic.series import Series, from_expr
from freejac.symbolic.symbols import p, sigma_w, z

HALF = sp.Rational(1, 2)
TWO_VALUES = AtomicLaw("two", ((sp.Rational(1, 4), HALF), (sp.Integer(1), HALF)))


def haar(size, rng):
    q, r = np.linalg.qr(rng.standard_normal((size, size)))
    return q * np.sign(np.diag(r))


def test_green_equation_is_that_of_the_theory():
    """Theory sheet, section 4: G = (1 − AG)/(z(1 − AG)² − a²)."""
    a, g, series = skip_symbol, stieltjes_symbol, determining_symbol
    expected = (1 - series * g) / (z * (1 - series * g) ** 2 - a**2)
    assert sp.cancel(green_equation().rhs - expected) == 0


def test_determining_series_of_the_theory():
    """Theory sheet, section 4: circular A = s; Haar wA(w) = (√(1+4σ²w) − 1)/2."""
    assert determining_expr(1 / (sigma_w**2 * (1 + z))) == sigma_w**2 * z
    expected = (sp.sqrt(1 + 4 * sigma_w**2 * z) - 1) / 2
    assert sp.expand(determining_expr(1 / sigma_w**2) - expected) == 0
    assert sp.expand(haar_determining().subs(skip_symbol, sigma_w) - expected) == 0


def test_determining_series_and_s_are_inverse_maps():
    names = sp.symbols("t_1:5")
    series = Series.of([sp.Symbol("s_0", positive=True), *names])
    back = s_series_from_determining(determining_series(series))
    pairs = zip(back.coefficients, series.coefficients, strict=True)
    assert all(sp.cancel(one - other) == 0 for one, other in pairs)
    with pytest.raises(DomainError, match="mean"):
        determining_series(Series.of([0, 1, 1]))


def test_alternating_cumulants_are_counted_over_partitions():
    """α_n of D·Haar from the moments of X Xᵀ by summing over non-crossing partitions.

    The moments of X Xᵀ in the alternating words X Xᵀ X Xᵀ … count non-crossing partitions whose
    blocks alternate; α_1, α_2, α_3 follow by inclusion: m_1 = α_1, m_2 = 2α_1² + α_2,
    m_3 = 5α_1³ + 6α_1α_2 + α_3.
    """
    weights = {1: [(1,)], 2: [(1, 1)] * 2 + [(2,)], 3: [(1, 1, 1)] * 5 + [(1, 2)] * 6 + [(3,)]}
    found = ResidualLayer((TWO_VALUES,), orthogonal())
    block, values = found.stand_in_block_series(3)
    alpha = [c.xreplace(values) for c in determining_series(block).coefficients]
    for k, partitions in weights.items():
        total = sum(sp.Mul(*(alpha[n - 1] for n in sizes)) for sizes in partitions)
        assert sp.expand(total - sigma_w ** (2 * k) * TWO_VALUES.moment(k)) == 0


def test_circular_layer_moments_are_counted():
    """(a+X)(a+X)ᵀ, X circular of variance s: a² + s and a⁴ + 4a²s + 2s² by pairing X with Xᵀ."""
    layer = ResidualLayer((point_mass(),), skip=skip_symbol)
    s, a = sigma_w**2, skip_symbol
    assert sp.expand(layer.moment(1) - (a**2 + s)) == 0
    assert sp.expand(layer.moment(2) - (a**4 + 4 * a**2 * s + 2 * s**2)) == 0


@pytest.mark.parametrize("weights", [gaussian(), orthogonal()])
@pytest.mark.parametrize("law", [bernoulli(sp.Rational(3, 5)), TWO_VALUES])
@pytest.mark.parametrize("skip", [1, 0.7])
def test_layer_moments_by_simulation(weights, law, skip):
    """One matrix of width 600 with D² exactly distributed: four moments within 4 %."""
    rng, width = np.random.default_rng(8), 600
    counts = [round(float(mass) * width) for _, mass in law.positive_atoms]
    squares = np.repeat([float(location) for location, _ in law.positive_atoms], counts)
    squares = np.concatenate([squares, np.zeros(width - len(squares))])
    matrix = rng.standard_normal((width, width)) / np.sqrt(width)
    if weights.name == "orthogonal":
        matrix = haar(width, rng)
    y = skip * np.eye(width) + np.sqrt(0.8 * rng.permutation(squares))[:, None] * matrix
    spectrum = np.linalg.eigvalsh(y @ y.T)
    layer = ResidualLayer((law,), weights, sp.Rational(4, 5), sp.Rational(str(skip)))
    for k in range(1, 5):
        theory = float(layer.moment(k).subs(sigma_w, 1))
        assert np.mean(spectrum**k) == pytest.approx(theory, rel=0.012 * k)


def test_block_moments_by_simulation():
    """a + D₂W₂D₁W₁: S_{XXᵀ} of R-diagonal factors multiply."""
    rng, width = np.random.default_rng(4), 600
    half = np.repeat([0.0, 1.0], width // 2)
    block = np.eye(width)
    for _ in range(2):
        block = rng.permutation(half)[:, None] * (haar(width, rng) @ block)
    y = np.eye(width) + block
    spectrum = np.linalg.eigvalsh(y @ y.T)
    layer = ResidualLayer((bernoulli(HALF), bernoulli(HALF)), orthogonal())
    single = ResidualLayer((bernoulli(HALF),), orthogonal())
    for k in range(1, 5):
        theory = float(layer.moment(k).subs(sigma_w, 1))
        assert np.mean(spectrum**k) == pytest.approx(theory, rel=0.02 * k)
    assert np.mean(spectrum) != pytest.approx(float(single.moment(1).subs(sigma_w, 1)), rel=0.1)


@pytest.mark.parametrize("weights", [gaussian(), orthogonal()])
@pytest.mark.parametrize("law", [point_mass(), bernoulli(), TWO_VALUES])
def test_green_polynomial_is_solved_by_the_moment_series(weights, law):
    """G = Σ m_k/z^{k+1} put into the polynomial cancels six orders more than a wrong series."""
    layer = ResidualLayer((law,), weights, skip=sp.Rational(7, 10))
    values = {sigma_w: sp.Rational(6, 5), p: sp.Rational(2, 5)}
    polynomial = layer.green_polynomial.subs(values)
    t = sp.Dummy("t")

    def order(moments):
        beginning = sp.Poly(sum(m * t ** (k + 1) for k, m in enumerate(moments)), t)
        terms = sp.Poly(polynomial, z, stieltjes_symbol).terms()
        top = max(i for (i, _), _ in terms)
        reached = sum(c * sp.Poly(t ** (top - i), t) * beginning**j for (i, j), c in terms)
        return min(n for (n,) in reached.monoms())

    moments = [layer.moment(k).subs(values) for k in range(7)]
    assert order(moments) >= order([1, moments[1] + 1]) + 5


def test_closed_s_transform_agrees_with_its_series():
    for weights in (gaussian(), orthogonal()):
        layer = ResidualLayer((point_mass(),), weights, skip=skip_symbol)
        closed = from_expr(layer.s_transform, z, 4).coefficients
        series = layer.s_series(4).coefficients
        assert all(sp.cancel(one - two) == 0 for one, two in zip(closed, series, strict=True))
    with pytest.raises(NoClosedForm, match="degree 3"):
        _ = ResidualLayer((bernoulli(),)).s_transform
    with pytest.raises(NoClosedForm, match="not atomic"):
        _ = ResidualLayer((derivative_law("tanh"),)).green_polynomial


def test_depth_expansion_solves_the_relation():
    """(m − y)(1 + m − y) = a² w with y = C(t w), truncated: the rest is O(t^orders)."""
    orders, t, a = 4, sp.Dummy("t"), sp.Rational(7, 10)
    alpha, m = tuple(sp.Rational(n, 3) for n in (2, -1, 4, 5)), sp.Rational(3, 2)
    terms = [term.subs(z, m) for term in depth_expansion(alpha, a, orders)]
    point = sp.Poly(sum(term * t**n for n, term in enumerate(terms)) * m * (1 + m) / a**2, t)
    y = sum(own * (t * point) ** n for n, own in enumerate(alpha, start=1))
    rest = (m - y) * (1 + m - y) - a**2 * point
    assert min(n for (n,) in rest.monoms()) == orders
    with pytest.raises(DomainError, match="skip"):
        depth_expansion(alpha, sp.S.Zero, 2)
    with pytest.raises(DomainError, match="3 orders need 2"):
        depth_expansion(alpha[:1], a, 3)


def test_first_order_is_universal_and_the_second_is_not():
    alpha = general_coefficients(2)
    _, first, second = depth_expansion(alpha, sp.S.One, 3)
    assert first.free_symbols == {alpha[0], z}
    assert alpha[1] in second.free_symbols


@pytest.mark.parametrize(("mass", "skip"), list(itertools.product(["1/5", "3/10"], [1, 2])))
def test_atoms_by_simulation(mass, skip):
    """P(φ′ ≠ 0) = p < 1/2 leaves the eigenvalue a² with mass 1 − 2p."""
    law = bernoulli(sp.Rational(mass))
    rng, width = np.random.default_rng(1), 200
    slopes = np.arange(width) < width * float(sp.Rational(mass))
    y = skip * np.eye(width) + slopes[:, None] * haar(width, rng)
    spectrum = np.linalg.eigvalsh(y @ y.T)
    ((where, weight),) = ResidualLayer((law,), orthogonal(), skip=sp.Integer(skip)).atoms()
    assert np.mean(abs(spectrum - float(where)) < 1e-9) == pytest.approx(float(weight), abs=1e-9)
    assert ResidualLayer((bernoulli(HALF),)).atoms() == ()


def test_refusals():
    with pytest.raises(DomainError, match="at least one layer"):
        ResidualLayer(())
    with pytest.raises(DomainError, match="share"):
        ResidualLayer((bernoulli(),), share=sp.Integer(-1))
    with pytest.raises(DomainError, match="skip weight"):
        ResidualLayer((bernoulli(),), skip=sp.I)
    with pytest.raises(NoClosedForm, match="series only"):
        _ = ResidualLayer((bernoulli(),), general()).s_transform
    with pytest.raises(DomainError, match="order"):
        ResidualLayer((bernoulli(),)).moment(-1)
