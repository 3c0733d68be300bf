"""Layers of different widths, activations, scales and ensembles, against counted moments."""

import math

import pytest
import sympy as sp

from freejac.symbolic.derivative_law import bernoulli, general_law, point_mass
from freejac.symbolic.ensembles import Ensemble, general
from freejac.symbolic.errors import DomainError, NoClosedForm
from freejac.symbolic.jacobian import Jacobian
from freejac.symbolic.layers import Layer, place
from freejac.symbolic.symbols import depth, p, parameter, q, sigma_w, z

N1, N2 = (parameter(f"nu_{k}", positive=True) for k in (1, 2))


def same(a, b):
    return sp.simplify(a - b) == 0


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_one_rectangular_layer_counts_non_crossing_partitions(k):
    """W of ν N × N, entries of variance 1/N: tr (WᵀW)ᵏ/N = Σ_j N(k, j) νʲ, Narayana numbers."""
    found = Jacobian(layers=[Layer(point_mass(), N1, sigma_w=1)], input_width=1).moment(k)
    counts = [math.comb(k, j) * math.comb(k, j - 1) // k for j in range(1, k + 1)]
    assert same(found, sum(n * N1**j for j, n in enumerate(counts, start=1)))


def test_two_rectangular_layers_by_wick():
    """tr (W₁ᵀ A W₁)² = ν₁ tr A² + (ν₁ tr A)² for A = W₂ᵀW₂, whose moments are c, c + c², c = ν₂/ν₁.

    Traces are per row; the first line is Wick's theorem for W₁ of variance 1/N₀.
    """
    layers = [Layer(point_mass(), N1, sigma_w=1), Layer(point_mass(), N2, sigma_w=1)]
    found = Jacobian(layers=layers, input_width=1).moment(2)
    ratio = N2 / N1
    assert same(found, N1 * (ratio + ratio**2) + (N1 * ratio) ** 2)


def test_a_mask_after_a_rectangular_layer_thins_its_rows():
    """D of trace p after W of ν rows is a W of pν rows."""
    masked = Jacobian(layers=[Layer(bernoulli(), N1)], input_width=1)
    thinned = Jacobian(layers=[Layer(point_mass(), p * N1)], input_width=1)
    for k in (1, 2, 3):
        assert same(masked.moment(k), thinned.moment(k))


def test_equal_layers_are_a_special_case():
    for weights in ("gaussian", "orthogonal"):
        one = Jacobian(bernoulli(), weights)
        layer = Layer(bernoulli(), 300, weights=weights, count=depth)
        other = Jacobian(layers=[layer], input_width=300)
        assert same(one.s_transform / other.s_transform, 1)
        assert same(one.moment(3), other.moment(3))
        assert one.edges() == other.edges()
        assert one.atoms() == other.atoms()
    single = Layer(bernoulli(), sigma_w=2)
    repeated = Jacobian(layers=[single, single, single])
    at_once = Jacobian(layers=[Layer(bernoulli(), sigma_w=2, count=3)])
    assert repeated.moment(3) == at_once.moment(3)
    assert repeated.edges() == at_once.edges()


def test_a_block_of_symbolic_depth_after_a_change_of_width():
    block = Jacobian(layers=[Layer(bernoulli(), 2, count=depth)], input_width=1)
    for layers in (1, 2, 5):
        special = Jacobian(layers=[Layer(bernoulli(), 2, count=layers)], input_width=1)
        for k in (1, 2, 3):
            assert same(block.moment(k).subs(depth, layers), special.moment(k))
        assert special.depth == layers
    assert block.depth == depth


def test_each_layer_has_its_own_variance_and_scale():
    layers = [Layer("hard_tanh", q=sp.Rational(1, 2), sigma_w=2), Layer("erf", q=3, sigma_w=5)]
    found = Jacobian(layers=layers)
    assert same(found.moment(1), 4 * sp.erf(1) * 25 * 4 / (sp.pi * sp.sqrt(13)))
    assert found.moment(2).free_symbols == set()
    free = Jacobian(layers=[Layer("hard_tanh"), Layer("hard_tanh", q=3)]).moment(1)
    assert free.free_symbols == {q, sigma_w}


def test_ensembles_mix():
    """Relative variances add up: μ_2/μ_1² − 1 − s₁ of one layer, 1/p − 1 of an orthogonal one."""
    layers = [Layer(general_law(), weights=general(2)), Layer(bernoulli(), weights="orthogonal")]
    mu_1, mu_2, s_1 = (sp.Symbol(n, positive=True) for n in ("mu_1", "mu_2", "s_1"))
    found = Jacobian(layers=layers).relative_variance.subs(sp.Symbol("s_1", real=True), s_1)
    assert same(found, mu_2 / mu_1**2 - 1 - s_1 + 1 / p - 1)


def test_atoms_of_layers():
    """One minus the smallest rank; with orthogonal weights one minus all that is lacking."""
    widths = [Layer("relu", 600), Layer("linear", 1400)]
    assert Jacobian(layers=widths, input_width=1000).atoms() == ((0, sp.Rational(7, 10)),)
    symbolic = Jacobian(layers=[Layer("linear", N1), Layer(bernoulli(), N2)], input_width=1)
    ((location, mass),) = symbolic.atoms()
    assert location == 0
    values = {N1: sp.Rational(2, 3), N2: 3, p: sp.Rational(1, 5)}
    assert mass.subs(values) == sp.Rational(2, 5)
    layers = [
        Layer(bernoulli(sp.Rational(9, 10), 4), weights="orthogonal", sigma_w=3),
        Layer(bernoulli(sp.Rational(4, 5)), weights="orthogonal", sigma_w=1, count=2),
    ]
    assert Jacobian(layers=layers).atoms() == ((0, sp.Rational(1, 5)), (36, sp.Rational(1, 2)))
    gaussian_between = [layers[0], Layer("linear"), layers[1]]
    assert Jacobian(layers=gaussian_between).atoms() == ((0, sp.Rational(1, 5)),)


def test_edges_of_layers():
    """One layer: σ²(1 ± √(νp))²; the linear chain's polynomial is symmetric in its widths."""
    lower, upper = Jacobian(layers=[Layer(bernoulli(), N1)], input_width=1).edges()
    assert same(lower, sigma_w**2 * (1 - sp.sqrt(N1 * p)) ** 2)
    assert same(upper, sigma_w**2 * (1 + sp.sqrt(N1 * p)) ** 2)
    wide = Jacobian(layers=[Layer("linear", 2), Layer("linear", 6)], input_width=1)
    narrow = Jacobian(layers=[Layer("linear", 6), Layer("linear", 2)], input_width=1)
    # σ²/N_in: WᵀW of the first and second order differ by the widths they are divided by
    first, second = (sp.Poly(J.edge_polynomial) for J in (wide, narrow))
    ratio = sp.Rational(1 * 2, 1 * 6)
    (lam,) = first.gens
    assert same(
        sp.Poly(second.as_expr().subs(lam, lam * ratio), lam).monic().as_expr(),
        first.monic().as_expr(),
    )
    with pytest.raises(NoClosedForm, match="depends on nu_1"):
        Jacobian(layers=[Layer("linear", N1), Layer("linear", 3)], input_width=1).edges()


@pytest.mark.parametrize("weights", ["orthogonal", Ensemble("mine", (1 + z / 2) / sigma_w**2)])
def test_weights_that_are_square_by_nature(weights):
    with pytest.raises(DomainError, match=r"from width 1000 to 600: .* weights are square"):
        Jacobian(layers=[Layer("relu", 600, weights=weights)], input_width=1000)
    with pytest.raises(DomainError, match="weights are square"):
        place([Layer("relu", N1), Layer("relu", N2, weights=weights)], 1)


def test_refusals():
    with pytest.raises(DomainError, match="input_width"):
        Jacobian(layers=[Layer("relu", 600)])
    with pytest.raises(DomainError, match="one or more Layer"):
        Jacobian(layers=[])
    with pytest.raises(DomainError, match="one or more Layer"):
        Jacobian(layers=["relu"])
    for wrong in ({}, {"phi": "relu", "layers": [Layer("relu")]}):
        with pytest.raises(DomainError, match="give an activation"):
            Jacobian(**wrong)
    with pytest.raises(DomainError, match="of their own"):
        Jacobian(layers=[Layer("relu")], weights="orthogonal")
    for wrong in (0, -3, math.nan, math.inf, sp.Symbol("n")):
        with pytest.raises(DomainError, match="width of a layer must be positive"):
            Layer("relu", wrong)
        with pytest.raises(DomainError, match="sigma_w must be positive"):
            Layer("relu", sigma_w=wrong)
    with pytest.raises(DomainError, match="positive integer"):
        Layer("relu", count=0)
    with pytest.raises(DomainError, match=r"\.layers"):
        _ = Jacobian(layers=[Layer("relu"), Layer("tanh")]).law
    for wrong in (0, -1, sp.Rational(3, 2)):
        with pytest.raises(DomainError, match="probability"):
            Layer(bernoulli(wrong))
