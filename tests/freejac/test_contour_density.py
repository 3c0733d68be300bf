"""The density of layers of a smooth φ in double precision: right, whole, and left out if unsure."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from mpmath import mp

from freejac.codegen.contour_nodes import contour_rule, table_contour
from freejac.contour_density import ContourDensity, contour_density
from freejac.networks import Jacobian
from freejac.symbolic.activation import activation
from freejac.symbolic.layers import Layer
from freejac.symbolic.quadrature import gaussian_mean, legendre_rule
from freejac.symbolic.slope_nodes import slope_table


@pytest.mark.parametrize("weights", ["gaussian", "orthogonal"])
@pytest.mark.parametrize(
    "name", ["tanh", "elu", *(pytest.param(n, marks=pytest.mark.slow) for n in ("swish",))]
)
def test_it_agrees_with_continuation_in_mpmath(name: str, weights: str) -> None:
    jacobian = Jacobian(name, weights, depth=5)
    _, upper = jacobian.support(q=1, sigma_w=1.5, digits=20)[0]
    lam = np.append(np.geomspace(1e-6, 60.0, 200), float(upper) * (1 - 1e-6))
    found = jacobian.density(lam, q=1, sigma_w=1.5)
    chosen = [60, 200]
    expected = jacobian.density(lam[chosen], q=1, sigma_w=1.5, digits=14)
    assert found[chosen] == pytest.approx(expected, rel=1e-10, abs=0.0)
    assert np.all(found >= 0)
    assert np.all((found > 0) == (lam < upper))


EDGES = [
    ("tanh", "gaussian", 1000, 1.0, 1.3),
    ("0.7*tanh(x) + 0.3*x", "orthogonal", 2, 1.0, 1.0),  # both ends
    pytest.param("softplus", "gaussian", 40, 1.0, 1.6, marks=pytest.mark.slow),
    pytest.param("erf", "orthogonal", 1000, 1.0, 1.3, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("name", "weights", "depth", "variance", "scale"), EDGES)
def test_next_to_an_edge_no_digit_is_lost(
    name: str, weights: str, depth: int, variance: float, scale: float
) -> None:
    numbers = {"q": variance, "sigma_w": scale}
    jacobian = Jacobian(name, weights, depth=depth)
    kernel = contour_density(jacobian.layer_product(digits=10, **numbers))
    law = jacobian.layer_product(digits=22, **numbers)
    assert kernel is not None
    ends = [(end, side) for end, side in zip(law.support[0], (1, -1), strict=True) if end]
    assert len(ends) == 1 + name.startswith("0.7")
    for end, side in ends:
        inside = np.array([float(end * (1 + side * mp.mpf(10) ** -k)) for k in (2, 6, 9)])
        # each as if it were the only one
        found = np.concatenate([kernel(inside[k : k + 1]) for k in (2, 1, 0)])[::-1]
        expected = [float(rho) for rho in law.density(inside.tolist())]
        assert found == pytest.approx(expected, rel=3e-11, abs=0.0)
        outside = np.array([float(end * (1 - side * mp.mpf(10) ** -k)) for k in (2, 6, 9, 11)])
        assert kernel(outside).tolist() == [0.0] * 4


TAILS = [
    ("softplus", 10.0, 2, 1e-60),  # R of φ′² = e^(−118) at h = −19 √q
    ("swish", 1e-3, 2, 0.158),  # λρ = 4e-5: beside the line
    ("tanh", 10.0, 2, 1e-60),  # φ′² = 1e-27 cancels in 1 − tanh²
    pytest.param("sigmoid", 1e-3, 4, 1.52e-5, marks=pytest.mark.slow),
    pytest.param("mish", 0.05, 4, 0.01, marks=pytest.mark.slow),
    pytest.param("0.7*tanh(x) + 0.3*x", 0.01, 32, 0.2, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("name", "variance", "depth", "lam"), TAILS)
def test_tails_agree_with_continuation_in_mpmath(
    name: str, variance: float, depth: int, lam: float
) -> None:
    weights = "gaussian" if name == "tanh" else "orthogonal"
    jacobian = Jacobian(name, weights, depth=depth)
    kernel = contour_density(jacobian.layer_product(q=variance, digits=10))
    assert kernel is not None
    expected = jacobian.density(lam, q=variance, digits=20)
    assert expected > 0
    assert kernel(np.array([lam]))[0] == pytest.approx(float(expected), rel=1e-10, abs=0.0)


MOMENTS = [("tanh", "gaussian", 4, 1.0), ("elu", "gaussian", 3, 1.0)]


def integrated(kernel: ContourDensity, low: float, high: float, scale: float) -> np.ndarray:
    """∫ ρ λᵏ dλ / scaleᵏ, k = 0, 1, 2, over log λ: panels are halved until nothing changes."""
    nodes, weight = np.polynomial.legendre.leggauss(10)
    ends = np.linspace(low, high, 13)
    panels, total = list(itertools.pairwise(ends)), np.zeros(3)
    known = None
    while panels:
        a, b = np.array(panels).T[:, :, None]
        u = (a + b) / 2 + (b - a) / 2 * nodes
        lam = np.exp(u)
        # next to an edge the value may be left out
        heights = np.nan_to_num(kernel.weight(u)) * (b - a) / 2 * weight
        sums = np.stack([np.sum(heights * (lam / scale) ** k, axis=1) for k in range(3)])
        if known is None:
            known, rest = sums, list(range(len(panels)))
        else:
            pairs = sums[:, 0::2] + sums[:, 1::2]
            settled = np.all(np.abs(pairs - known) < 1e-9, axis=0)
            settled |= (b - a).ravel()[0::2] < 1e-7
            total += pairs[:, settled].sum(axis=1)
            rest = [2 * k + half for k in np.flatnonzero(~settled) for half in (0, 1)]
        known = sums[:, rest]
        ends_of = [panels[k] for k in rest]
        panels = [p for a, b in ends_of for p in ((a, (a + b) / 2), ((a + b) / 2, b))]
    return total


@pytest.mark.parametrize(("name", "weights", "depth", "variance"), MOMENTS)
def test_mass_and_moments(name: str, weights: str, depth: int, variance: float) -> None:
    jacobian = Jacobian(name, weights, depth=depth)
    kernel = contour_density(jacobian.layer_product(q=variance, digits=10))
    assert kernel is not None
    phi = activation(name)
    slope = phi.distribution(1).subs(phi.defaults)
    exact = [gaussian_mean(slope ** (2 * k), variance, 15) for k in (1, 2)]
    mean, spread = float(exact[0]) ** depth, float(exact[1] / exact[0] ** 2) - 1
    total = depth * (spread + (weights == "gaussian"))
    # λρ falls like a power of λ at 0, or like a Gaussian
    reach = 24.0 * (depth + 1) if weights == "gaussian" else 14.0 * math.sqrt(total) + total
    middle = math.log(mean)
    found = integrated(kernel, middle - reach, middle + 1.5 + math.log1p(total), mean)
    assert found == pytest.approx([1.0, 1.0, 1.0 + total], rel=1e-8)


def test_tails_of_the_bulk_against_sixty_digits() -> None:
    # φ′² = (1 + e^(−h))^(−2) rises: E[…] along h − i/200, whose trapezoidal rule converges
    # exponentially; where the density is 1e-40 of the bulk's, 60 digits see it
    variance, depth = 1e-4, 4
    law = Jacobian("softplus", "orthogonal", depth=depth).layer_product(q=variance, digits=10)
    kernel = contour_density(law)
    assert kernel is not None
    lam = np.array([0.00336, 0.0036, 0.00374, 0.0041, 0.0043])
    found = kernel(lam)
    with mp.workdps(60):
        step = mp.mpf(1) / 4000
        points = [mp.mpc(k * step, mp.mpf(-1) / 200) for k in range(-800, 801)]
        nodes = [
            ((1 + mp.exp(-h)) ** -2, step * mp.exp(-(h**2) / (2 * mp.mpf("1e-4")))) for h in points
        ]
        scale = mp.sqrt(2 * mp.pi * mp.mpf("1e-4"))
        for place, value in zip(lam, found, strict=True):
            level = mp.log(mp.mpf(float(place)))

            def miss(zeta: mp.mpc, level: mp.mpf = level) -> mp.mpc:
                m = sum(w * a / (zeta - a) for a, w in nodes) / scale
                return depth * mp.log(zeta) + (depth - 1) * mp.log(m / (1 + m)) - level

            ((start,), _, _) = kernel._inside(np.log(np.array([place])), math.inf)
            zeta = mp.findroot(miss, mp.mpc(start), tol=mp.mpf(10) ** -100)
            m = sum(w * a / (zeta - a) for a, w in nodes) / scale
            assert value == pytest.approx(float(-m.imag / (mp.pi * place)), rel=1e-9, abs=0.0)


FAR = [
    ("erf", 30, lambda h: 4 / mp.pi / mp.exp(2 * h**2), lambda u: (mp.sqrt(u / 2), mp.sqrt(8 * u))),
    pytest.param(
        "tanh", 1000, lambda h: mp.sech(h) ** 4, lambda u: (u / 4, 4), marks=pytest.mark.slow
    ),
]


@pytest.mark.parametrize(("name", "variance", "square", "place"), FAR)
def test_rules_hold_as_far_as_there_are_doubles(name, variance, square, place) -> None:
    """1 + M = E[ζ/(ζ − φ′²)] at ζ of any size, by Gauss–Legendre about the pole."""
    law = table_contour(slope_table(activation(name), variance))
    flat, values, values_y, masses, masses_y = contour_rule(law, 6.0)
    a, w = values + 1j * values_y, masses + 1j * masses_y
    for power in (-3, -60, -200):
        zeta = complex(1.0, 1.0) * 10.0**power
        found = flat + np.sum(w * zeta / (zeta - a))
        with mp.workdps(20):
            # log φ′² falls with this speed at the pole
            pole, speed = place(-power * mp.ln10)
            width, exact = mp.sqrt(variance), mp.mpf(10) ** power * mp.mpc(1, 1)
            cuts = {max(pole + k / speed, mp.zero) for k in range(-45, 46)}
            cuts |= {far for k in range(1, 11) if (far := k * width) > min(cuts)}
            expected = mp.zero
            for low, high in itertools.pairwise(sorted(cuts)):
                for node, weight in zip(*legendre_rule(24, 20)[:2], strict=True):
                    h = (low + high) / 2 + (high - low) / 2 * node
                    mass = (high - low) * weight * mp.npdf(h / width) / width
                    expected += mass * exact / (exact - square(h))
        assert abs(found / complex(expected) - 1) < 1e-12


def test_a_slope_that_oscillates_has_branches_as_far_as_there_is_mass() -> None:
    """sin at q = 100: the turns of cos² within 8.7 √q, and the values of φ′² on them."""
    law = table_contour(slope_table(activation("sin"), 100))
    turns = [branch.low for branch in law.branches[1:]]
    assert np.diff(turns) == pytest.approx(math.pi / 2, rel=1e-9)
    assert 8.7 * 10 - math.pi / 2 < turns[-1] < 8.7 * 10


def test_different_layers_and_one_slope_are_left_out() -> None:
    assert contour_density(Jacobian("relu", depth=3).layer_product(q=1)) is None
    layers = [Layer("tanh", q=1, sigma_w=1), Layer("gelu", q=1, sigma_w=1)]
    assert contour_density(Jacobian(layers=layers).layer_product()) is None
