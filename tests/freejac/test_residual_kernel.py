"""The compiled residual density of finite depth: against mpmath, next to edges, and beyond them."""

import math

import numpy as np
import pytest
import sympy as sp
from mpmath import mp

from freejac.network_theory import residual_theory
from freejac.networks import ResNet
from freejac.residual_kernel import blocks_density
from freejac.symbolic import residual
from freejac.symbolic.derivative_law import bernoulli, point_mass
from freejac.symbolic.residual_block import Block
from freejac.symbolic.residual_product import BlockProduct
from freejac.symbolic.slope_nodes import SlopeTable, slope_table

LAM = [0.2, 0.7, 1.0, 3.0]


@pytest.mark.parametrize(
    ("name", "weights", "skip"), [("relu", "gaussian", 1), ("leaky_relu", "orthogonal", 0.8)]
)
def test_a_law_of_few_values_against_mpmath(name, weights, skip):
    factor = sp.Rational(str(skip))
    fast = ResNet(name, factor).finite(5, weights).density(LAM, sigma_w=1.5)
    slow = residual.ResNet(name, factor).finite(5, weights).density(LAM, sigma_w=1.5)
    assert fast == pytest.approx(slow, rel=1e-10, abs=0.0)
    assert min(slow) > 0


@pytest.mark.slow
def test_few_nodes_and_few_variances_are_the_law_of_all():
    """Selu, 16 layers of as many variances: against every layer by itself, with every point."""
    q = [sp.Rational(100 + k, 100) for k in range(16)]
    network = ResNet("selu").finite(16, "orthogonal")
    given = network.in_numbers(q, 1, {}, 9).blocks
    assert len(given) < len(q)
    with mp.workdps(24):
        tables = [slope_table(network.sources[0], v) for v in q]
        laws = [SlopeTable([], mp.one, table.nodes(3)) for table in tables]
        blocks = [Block((law,), given[0].weights, mp.one, 1) for law in laws]
        expected = [float(v) for v in BlockProduct(blocks, 9).density([mp.mpf(t) for t in LAM])]
    assert network.density(LAM, q=q) == pytest.approx(expected, rel=1e-10, abs=0.0)


@pytest.mark.parametrize("weights", ["gaussian", "orthogonal"])
def test_next_to_an_edge_the_density_is_a_root_and_beyond_it_0(weights):
    """At L = 100, down to a relative distance of 1e-13, where the double of λ is all there is."""
    network = ResNet("leaky_relu").finite(100, weights)
    for edge, side in zip(network.edges(), (1, -1), strict=True):
        distances = [1e-13, 1e-11, 1e-9, 1e-7]
        found = network.density([edge * (1 + side * d) for d in distances])
        roots = [value / math.sqrt(d) for value, d in zip(found, distances, strict=True)]
        assert roots == pytest.approx([roots[-1]] * 4, rel=2e-2)
        assert roots[1:] == pytest.approx([roots[-1]] * 3, rel=1e-4)
        assert network.density([edge * (1 - side * d) for d in distances]).tolist() == [0.0] * 4


@pytest.mark.slow
def test_a_deep_law_has_mass_one_and_its_exact_mean():
    """m₁ = Π(1 + c_l/L), c_l of sigmoid from 3.6 to 0.12 as q grows from 1 to 2000."""
    theory = residual_theory("sigmoid", depth=100, sigma_w=8.97, finite=True)
    law = theory.law()
    assert abs(law.defect) < 1e-10
    mean = math.prod(1 + c / 100 for c in theory.chi)
    assert law.moment(1) == pytest.approx(mean, rel=1e-10, abs=0.0)


def test_what_the_kernel_does_not_take():
    two = ResNet([bernoulli(sp.Rational(3, 4)), point_mass()]).finite(2)
    assert blocks_density(two.in_numbers(None, 1, {}, 10)) is None


def test_values_of_any_shape():
    network = ResNet("relu").finite(4)
    found = network.density(np.array([[0.5, 1.0], [-1.0, 1e9]]))
    assert found.shape == (2, 2)
    assert found[1].tolist() == [0.0, 0.0]
    assert found[0, 1] == network.density(1.0)


@pytest.mark.slow
def test_slopes_without_a_bound_have_a_spectrum_without_ends():
    """φ = x² for x > 0: the kernel in the bulk, by two rules, and mpmath in more digits."""
    network = ResNet("relu2").finite(6)
    assert network.support(q=1, sigma_w=0.5, digits=9) == ((0.0, math.inf),)
    fast = network.density([0.5, 1.0, 2.0], q=1, sigma_w=0.5)
    slow = residual.ResNet("relu2").finite(6).density([0.5, 1.0, 2.0], q=1, sigma_w=0.5, digits=12)
    assert fast == pytest.approx(slow, rel=1e-10, abs=0.0)
