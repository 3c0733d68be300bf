"""Residual networks of finite depth: moments, density, support and atoms, against simulation."""

import numpy as np
import pytest
import sympy as sp
from mpmath import mp

from freejac import simulate
from freejac.symbolic.derivative_law import bernoulli, general_law, point_mass
from freejac.symbolic.errors import DomainError, NoClosedForm
from freejac.symbolic.residual import ResNet
from freejac.symbolic.symbols import depth, p, q, sigma_w

SLOPES = {
    "relu": (lambda h: np.maximum(h, 0), lambda h: (h > 0) * 1.0),
    "tanh": (np.tanh, lambda h: 1 / np.cosh(h) ** 2),
    "hard_tanh": (lambda h: np.clip(h, -1, 1), lambda h: (abs(h) < 1) * 1.0),
}


def nodes(intervals, count=40):
    """Points and weights in each interval, for inverse square roots at its ends."""
    points, weights = np.polynomial.legendre.leggauss(count)
    for low, high in intervals:
        angle = np.pi / 2 * points
        lam = (low + high) / 2 + (high - low) / 2 * np.sin(angle)
        yield lam, weights * np.pi / 2 * (high - low) / 2 * np.cos(angle)


def moments_of_density(network, count=40, **numbers):
    total = np.zeros(4)
    for lam, weight in nodes(network.support(**numbers), count):
        rho = np.array(network.density(lam.tolist(), **numbers))
        total += [np.sum(weight * rho * lam**k) for k in range(4)]
    return total


@pytest.mark.parametrize("weights", ["gaussian", "orthogonal"])
@pytest.mark.parametrize(("layers", "skip"), [(2, 2), (3, 1)])
def test_density_has_mass_one_and_the_moments(weights, layers, skip):
    """Away from a hard edge, 60 nodes a piece integrate to 1e-10; hard tanh at p = 3/4."""
    network = ResNet(bernoulli(sp.Rational(3, 4)), skip=sp.Rational(skip)).finite(layers, weights)
    scale = sp.sqrt(sp.Rational(1, 2))
    expected = [float(network.moment(k).subs(sigma_w, scale)) for k in range(4)]
    found = moments_of_density(network, 60, sigma_w=scale)
    assert found == pytest.approx(expected, rel=1e-10, abs=0.0)


def test_linear_orthogonal_layer_is_the_arcsine_law():
    """|a + σ e^{iθ}|² for uniform θ: ρ = 1/(π √((λ − λ₋)(λ₊ − λ)))."""
    network = ResNet("linear", skip=sp.Rational(3, 2)).finite(1, "orthogonal")
    for lam in (0.5, 2.0, 6.0):
        expected = 1 / (np.pi * np.sqrt((lam - 0.25) * (6.25 - lam)))
        assert network.density(lam) == pytest.approx(expected, rel=1e-13, abs=0.0)
    assert network.edges() == pytest.approx((0.25, 6.25))
    assert network.density([0.2, 6.3, -1]) == [0, 0, 0]


def test_moments_with_symbolic_depth_agree_with_numbers():
    for weights in ("gaussian", "orthogonal"):
        general = ResNet(bernoulli(), skip=sp.Rational(7, 10)).finite(depth, weights)
        single = ResNet(bernoulli(), skip=sp.Rational(7, 10)).finite(3, weights)
        for k in (1, 2, 3):
            difference = general.moment(k).subs(depth, 3) - single.moment(k)
            assert sp.cancel(sp.together(difference)) == 0


def test_large_depth_tends_to_the_universal_law():
    """The ratio to m_2 = (1 + 2c)e^{2c} is 1 + O(1/L): ten times closer at ten times the depth."""
    found = ResNet("hard_tanh")
    limit = 2 * sp.exp(1)
    gaps = []
    for layers in (200, 2000):
        moment = found.finite(depth).moment(2)
        scale = sp.sqrt(sp.Rational(1, 2) / sp.erf(1 / sp.sqrt(2)))
        values = {depth: layers, q: 1, sigma_w: scale}
        gaps.append(abs(float(moment.subs(values).evalf(30) / limit) - 1))
    assert gaps[0] / gaps[1] == pytest.approx(10, rel=0.05)


@pytest.mark.slow
def test_different_variances_in_the_blocks():
    """One variance for each block; equal ones are the same as one."""
    network = ResNet("hard_tanh").finite(2)
    points = [0.4, 1.0, 2.5]
    same = network.density(points, q=[1, 1])
    assert same == pytest.approx(network.density(points, q=1), rel=1e-12, abs=0.0)
    mixed = network.density(points, q=[sp.Rational(1, 2), 2])
    assert mixed == pytest.approx(
        network.density(points, q=[2, sp.Rational(1, 2)]), rel=1e-11, abs=0.0
    )
    assert mixed != pytest.approx(same, rel=1e-3)


@pytest.mark.slow
def test_block_of_two_layers():
    """X = D₂W₂D₁W₁ in one block: mass 1 and the moments of the exact series."""
    laws = [bernoulli(sp.Rational(3, 4)), point_mass()]
    network = ResNet(laws, skip=sp.Integer(2)).finite(2)
    expected = [float(network.moment(k).subs(sigma_w, 1)) for k in range(4)]
    assert moments_of_density(network, 120) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("scale", [sp.Rational(1, 3), sp.Integer(1)])
def test_the_branch_is_kept_next_to_both_edges(scale):
    """ρ ~ κ√|λ − edge|: next to an edge the conjugate solution is close, and would give 0."""
    network = ResNet("linear").finite(24)
    for edge, side in zip(network.edges(sigma_w=scale), (1, -1), strict=True):
        found = [
            network.density(edge * (1 + side * d), sigma_w=scale, digits=12) / d**0.5
            for d in (1e-6, 1e-5, 1e-4)
        ]
        assert found == pytest.approx([found[-1]] * 3, rel=1e-3)


def test_digits_of_the_density():
    network = ResNet(bernoulli(sp.Rational(3, 4))).finite(3)
    with mp.workdps(60):
        low, high = (network.in_numbers(None, 1, {}, n).density([mp.mpf(2)])[0] for n in (15, 40))
        assert abs(low / high - 1) < 1e-15


def test_batch_normalisation_scales_the_weights():
    """D → diag(φ′ γ/σ) is the same as weights of scale σ_w γ/σ."""
    plain = ResNet("relu").finite(2)
    normalised = ResNet("relu", batch_norm=(3, 2)).finite(2)
    expected = plain.moment(3).subs(sigma_w, sigma_w * sp.Rational(3, 2))
    assert sp.expand(normalised.moment(3) - expected) == 0


def test_refusals():
    with pytest.raises(DomainError, match="depth"):
        ResNet("relu").finite(0)
    with pytest.raises(DomainError, match="depth"):
        ResNet("relu").finite().density(1.0)
    with pytest.raises(DomainError, match="give an activation"):
        ResNet().finite(2)
    with pytest.raises(DomainError, match="value for q"):
        ResNet("hard_tanh").finite(2).density(1.0)
    with pytest.raises(DomainError, match="variance q"):
        ResNet("tanh").finite(2).density(1.0)
    with pytest.raises(DomainError, match="2 blocks, not 3"):
        ResNet("tanh").finite(2).density(1.0, q=[1, 1, 1])
    with pytest.raises(DomainError, match="sigma_w"):
        ResNet("relu").finite(2).density(1.0, sigma_w=-1)
    with pytest.raises(DomainError, match="value for p"):
        ResNet(bernoulli(p)).finite(2).density(1.0)
    with pytest.raises(DomainError, match="lambda"):
        ResNet("relu").finite(2).density(float("nan"))
    with pytest.raises(NoClosedForm, match="only the moments"):
        ResNet(general_law()).finite(2).atoms()
    assert ResNet("tanh").finite(2).atoms() == ()


DRAWS = 6


def sampled(name, layers, weights, skip, scale, width=400):
    """Some simulated networks, and the variances of their layers."""
    net = simulate.residual(
        *SLOPES[name],
        width=width,
        depth=layers,
        sigma_w=scale,
        sigma_b=0.3,
        q1=1.0,
        skip=skip,
        weights=weights,
        seed=5,
        draws=DRAWS,
    )
    return net, [sp.Rational(round(v, 6)) for v in net.q.mean(axis=0)]


def distance(network, net, variances, scale, singular=None):
    """Largest |mean distribution function of the draws − theory|, and its sampling error.

    Both in the places where the theory is integrated; the error is the largest standard error over
    the draws, with one eigenvalue's step. Beyond a singular place the theory is summed from above.
    """
    numbers = {"q": variances, "sigma_w": scale, "digits": 8}
    pieces = network.support(**numbers)
    if singular:
        ((low, high),) = pieces
        pieces = ((low, 0.998 * singular), (1.002 * singular, high))
    levels, places, total = [], [], 0.0
    points, weights = np.polynomial.legendre.leggauss(14)
    for number, (lam, weight) in enumerate(nodes(pieces, 14)):
        mass = weight * np.array(network.density(lam.tolist(), **numbers))
        smooth = np.polynomial.Legendre.fit(points, mass / weights, 13, domain=[-1, 1])
        below = smooth.integ(lbnd=-1)(points)
        from_above = singular and number
        levels.extend(1 - mass.sum() + below if from_above else total + below)
        places.extend(lam)
        total += mass.sum()
    shares = np.array([np.searchsorted(own, places) / own.size for own in net.eigenvalues])
    error = shares.std(axis=0, ddof=1).max() / len(shares) ** 0.5 + 1 / net.eigenvalues.shape[1]
    return float(np.max(abs(shares.mean(axis=0) - np.array(levels)))), float(error)


def moments_agree(net, network, values, orders):
    """Within five standard errors of the draws, which are a few per cent at most."""
    for k in orders:
        theory = float(network.moment(k).subs(values).evalf())
        found, error = net.moment(k)
        assert abs(found - theory) < 5 * error
        assert error < 0.05 * theory


@pytest.mark.slow
@pytest.mark.parametrize("name", ["relu", "tanh", "hard_tanh"])
@pytest.mark.parametrize("weights", ["gaussian", "orthogonal"])
@pytest.mark.parametrize(("layers", "skip"), [(1, 1), (2, 0.7), (3, 1)])
def test_finite_depth_by_simulation(name, weights, layers, skip):
    """Moments and the distribution function within five standard errors of six networks."""
    net, variances = sampled(name, layers, weights, skip, 1.0)
    network = ResNet(name, skip=sp.Rational(str(skip))).finite(layers, weights)
    if name == "relu":
        moments_agree(net, network, {sigma_w: 1}, (1, 2, 3))
    elif layers == 1:
        moments_agree(net, network, {sigma_w: 1, q: variances[0]}, (1, 2, 3))
    # of X = DW with P(φ′ ≠ 0) = 1/2 an atom at a² is about to appear: the density is infinite there
    singular = float(skip) ** 2 if (name, layers) == ("relu", 1) else None
    gap, error = distance(network, net, None if name == "relu" else variances, 1, singular)
    assert gap < 5 * error
    assert error < 0.016


@pytest.mark.slow
def test_a_wrong_skip_depth_or_ensemble_is_told_apart():
    net, _ = sampled("relu", 2, "orthogonal", 0.7, 1.5, width=800)
    right = ResNet("relu", skip=sp.Rational(7, 10))
    scale = sp.Rational(3, 2)
    gap, error = distance(right.finite(2, "orthogonal"), net, None, scale)
    assert gap < 5 * error
    for wrong in (
        right.finite(2, "gaussian"),
        right.finite(3, "orthogonal"),
        ResNet("relu", skip=sp.Rational(4, 5)).finite(2, "orthogonal"),
    ):
        gap, error = distance(wrong, net, None, scale)
        assert gap > 5 * error


TRACY_WIDOM_MEAN, TRACY_WIDOM_SPREAD = -1.2065335745820, 1.2680340580063
"""Of the largest eigenvalue of real symmetric matrices: Bornemann (2010), arXiv:0904.1581, table 7:
mean −1.20653 35745 820…, variance 1.60778 10345 810…."""


def finite_width(network, edge, side, width, scale):
    """Mean and standard deviation of log σ/edge of the extreme singular value at finite width.

    Where ρ = κ√|λ − edge|/π the extreme eigenvalue is off by (κN)^{−2/3} times the Tracy–Widom
    law: with κ = 1 that is the semicircle on [−2, 2].
    """
    depth_inside = edge * 1e-4
    rho = network.density(edge - side * depth_inside, sigma_w=scale, digits=12)
    shift = (np.pi * rho / depth_inside**0.5 * width) ** (-2 / 3) / edge / 2
    return side * TRACY_WIDOM_MEAN * shift, TRACY_WIDOM_SPREAD * shift


@pytest.mark.slow
@pytest.mark.parametrize(
    ("c", "layers", "draws"), [("0.1", 12, 4), ("1", 24, 4), ("10", 40, 12)], ids=str
)
def test_universal_law_by_simulation(c, layers, draws):
    """Linear residual networks, width 800: moments, and both extreme singular values within 3 %.

    At c = 10 the extremes of one network scatter by 3 to 5 % and lie 4 % inside the edges, both
    by the Tracy–Widom law, so that is part of the comparison, and twelve networks are averaged.
    """
    width, scale = 800, sp.sqrt(sp.Rational(c))
    net = simulate.residual(
        lambda h: h,
        np.ones_like,
        width=width,
        depth=layers,
        sigma_w=float(scale),
        seed=3,
        draws=draws,
    )
    network = ResNet("linear").finite(layers)
    moments_agree(net, network, {sigma_w: scale}, (1, 2))
    for place, side, edge in zip((0, -1), (-1, 1), network.edges(sigma_w=scale), strict=True):
        found = np.log(net.eigenvalues[:, place] / edge) / 2
        shift, spread = finite_width(network, edge, side, width, scale)
        assert found.mean() == pytest.approx(shift, abs=0.03)
        assert abs(found.mean() - shift) < 4 * spread / draws**0.5
        if c != "10":
            assert np.exp(found.mean()) == pytest.approx(1, abs=0.03)
