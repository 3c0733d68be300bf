"""The density of J Jᵀ with a D² of several values: one branch, right mass, right moments."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from freejac.codegen.slopes_oracle import slopes_density as reference
from freejac.density_kernels import slopes_density
from freejac.generated import gaussian_slopes_density as gaussian
from freejac.generated import orthogonal_slopes_density as orthogonal
from freejac.networks import Jacobian
from freejac.symbolic.derivative_law import AtomicLaw
from freejac.symbolic.symbols import sigma_w

MODULES = {"gaussian": gaussian, "orthogonal": orthogonal}
LAWS = {
    "leaky": (("1", "0.09"), ("1/2", "1/2")),
    "atom": (("1", "0.01"), ("7/10", "3/10")),
    "flat": (("1", "1/4", "0.04"), ("3/10", "3/10", "1/5")),
}
"""The second has an atom at the top of two orthogonal layers, and a gap below."""


def network(name: str, weights: str, depth: int) -> Jacobian:
    """The same law, exact."""
    atoms = [(sp.Rational(a), sp.Rational(w)) for a, w in zip(*LAWS[name], strict=True)]
    flat = [(sp.S.Zero, sp.Rational(1, 5))] if name == "flat" else []
    return Jacobian(AtomicLaw(name, [*atoms, *flat]), weights, depth=depth)


def pieces(low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights on a support: √ at an edge, any power of λ at 0."""
    nodes, weight = np.polynomial.legendre.leggauss(40)
    ends = np.linspace(0.0, math.pi, 9) if low else np.geomspace(1e-6, 19.0, 50)
    middle, half = (ends[1:] + ends[:-1])[:, None] / 2, np.diff(ends)[:, None] / 2
    at = middle + half * nodes
    if low:
        length = math.log(high / low)
        lam = low * np.exp(length * (1 - np.cos(at)) / 2)
        speed = lam * length * np.sin(at) / 2
    else:
        lam = high * np.exp(-(at**2))
        speed = 2 * at * lam
    return lam, half * weight * speed


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("weights", MODULES)
def test_mass_and_moments_with_the_atoms(weights: str, name: str) -> None:
    jacobian = network(name, weights, 2)
    values, masses = (tuple(float(sp.Rational(t)) for t in part) for part in LAWS[name])
    found = np.zeros(5)
    for location, mass in jacobian.atoms():
        found += [float(mass) * float(location.subs(sigma_w, 1)) ** k for k in range(5)]
    for low, high in jacobian.support():
        lam, weight = pieces(low, high)
        heights = MODULES[weights].density(lam, values, masses, 1.0, 2)
        found += [np.sum(weight * heights * lam**k) for k in range(5)]
    exact = [1.0, *(float(jacobian.moment(k).subs(sigma_w, 1)) for k in range(1, 5))]
    assert found == pytest.approx(exact, rel=1e-9)


@settings(max_examples=8, deadline=None)
@given(
    weights=st.sampled_from(sorted(MODULES)),
    share=st.floats(0.05, 0.95),
    slope=st.floats(0.05, 0.9),
    depth=st.integers(2, 30),
    place=st.floats(-8.0, 1.5),
)
def test_no_wrong_branch(
    weights: str, share: float, slope: float, depth: int, place: float
) -> None:
    values, masses = (1.0, slope**2), (share, 1.0 - share)
    scale = math.sqrt(1 / (share + (1 - share) * slope**2))
    lam = math.exp(place)
    point = {"lam": lam, "values": values, "masses": masses, "sigma_w": scale, "depth": depth}
    expected = float(reference("density", point, weights)[0])
    found = MODULES[weights].density(lam, values, masses, scale, depth)
    # next to an edge the rounding of λ is magnified
    beside = MODULES[weights].density(lam * (1 + 1e-12), values, masses, scale, depth)
    assert found == pytest.approx(expected, rel=1e-10, abs=abs(beside - found) + 1e-14)


def test_deep_networks_and_a_long_grid() -> None:
    lam, scale = np.geomspace(1e-300, 100.0, 3000), math.sqrt(1 / 0.545)
    for depth in (1, 2, 40, 1000, 10_000):
        found = gaussian.density(lam, (1.0, 0.09), (0.5, 0.5), scale, depth)
        logarithm = gaussian.log_density(np.log(lam), (1.0, 0.09), (0.5, 0.5), scale, depth)
        assert not np.isnan(found).any()
        inside = found > 0
        assert inside.any()
        assert np.log(found[inside]) == pytest.approx(logarithm[inside], abs=1e-9)
        # a value does not depend on its neighbours
        alone = gaussian.density(lam[1500], (1.0, 0.09), (0.5, 0.5), scale, depth)
        assert alone == pytest.approx(found[1500], rel=1e-11, abs=0.0)
    # ten thousand layers multiply: λ lives at e^−thousands
    levels = np.linspace(-25_000.0, 100.0, 2000)
    deep = orthogonal.log_density(levels, (1.0, 0.09), (0.5, 0.5), 1.0, 10_000)
    assert not np.isnan(deep).any()
    inside = np.isfinite(deep)
    mass = np.trapezoid(np.exp(deep + levels)[inside], levels[inside])
    assert mass == pytest.approx(1.0, abs=1e-3)


def test_outside_of_the_domain_and_the_support() -> None:
    atoms = (1.0, 0.09), (0.5, 0.5)
    assert np.isnan(gaussian.density(1.0, *atoms, 1.0, 2.5))
    assert np.isnan(gaussian.density(1.0, *atoms, 0.0, 2))
    assert np.isnan(gaussian.density([1.0, 2.0], (1.0,), (1.5,), 1.0, 2)).all()
    assert np.isnan(gaussian.density(1.0, (-1.0, 2.0), (0.5, 0.5), 1.0, 2))
    assert np.isnan(gaussian.density(math.nan, *atoms, 1.0, 2))
    assert gaussian.density(-1.0, *atoms, 1.0, 2) == 0.0
    assert gaussian.density(0.0, *atoms, 1.0, 2) == math.inf
    assert gaussian.density(math.inf, *atoms, 1.0, 2) == 0.0
    assert orthogonal.density(0.0, *atoms, 1.0, 2) == 0.0
    (low, high), *_ = Jacobian("leaky_relu(3/10)", "orthogonal", depth=2).support()
    around = [low * (1 - 1e-9), low * (1 + 1e-9), high * (1 - 1e-9), high * (1 + 1e-9)]
    inside = orthogonal.density(around, *atoms, 1.0, 2) > 0
    assert inside.tolist() == [False, True, True, False]


@pytest.mark.parametrize("weights", MODULES)
def test_a_users_activation_is_routed_to_the_kernel(weights: str) -> None:
    jacobian = Jacobian("where(x > 0, x, 3*x/10)", weights, depth=3)
    assert slopes_density(jacobian.layer_product(q=1)) is not None
    lam = np.array([0.01, 0.2, 0.7])
    expected = jacobian.density(lam, q=1, sigma_w=1.1, digits=20)
    assert jacobian.density(lam, q=1, sigma_w=1.1) == pytest.approx(expected.astype(float), 1e-12)
