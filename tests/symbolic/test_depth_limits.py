"""Depth limits: limits of finite depth, Lambert's function, mass, residual networks, refusals."""

import math

import numpy as np
import pytest
import sympy as sp
from mpmath import mp

from freejac.symbolic.depth_limits import DepthLimit, bernoulli_limit, sigma_0, smooth_limit
from freejac.symbolic.derivative_law import AtomicLaw, bernoulli, general_law
from freejac.symbolic.errors import DomainError, NoClosedForm
from freejac.symbolic.jacobian import Jacobian
from freejac.symbolic.residual import residual_density
from freejac.symbolic.symbols import depth, p, q, z

HALF = sp.Rational(1, 2)


def relative(jacobian, k):
    """m_k/m_1^k."""
    return jacobian.moment(k) / jacobian.moment(1) ** k


@pytest.mark.parametrize("k", [3, 4, 5])
def test_finite_depth_converges_like_one_over_depth(k):
    """The Bernoulli class at p = L/(L + σ₀²), where the total variance is σ₀² at every depth."""
    network = Jacobian(bernoulli(), "orthogonal")
    (share,) = sp.solve(network.variance_at_criticality - sigma_0**2, p)
    finite = sp.simplify(relative(network, k).subs(p, share))
    gap = sp.factor(finite - network.depth_limit().moment(k))
    assert sp.limit(gap, depth, sp.oo) == 0
    rate = sp.limit(gap * depth, depth, sp.oo)
    assert rate.is_finite
    assert rate != 0


def test_smooth_networks_converge_like_the_root_of_the_depth():
    """Erf: D² ∝ exp(−4h²) ≈ 1 − 4h², of skewness −2√2, that of −χ²; the third moment shows it.

    log S = −σ₀² z − κ₃ σ₀³ z²/√L + O(1/L), so m_3 is off by κ₃ σ₀³/√L.
    """
    gaps = []
    for layers in (10**4, 4 * 10**4, 16 * 10**4):
        network = Jacobian("erf", "orthogonal")
        spread = network.variance_at_criticality.subs(depth, layers) - 1
        variance = sp.nsolve(spread, q, float(1 / sp.sqrt(32 * layers)), prec=40)
        ratio = relative(network, 3).subs({depth: layers, q: variance}).evalf(30)
        gaps.append((ratio - smooth_limit(1).moment(3)) * sp.sqrt(layers))
    assert abs(gaps[2] + 2 * sp.sqrt(2)) < 0.05
    assert abs(gaps[1] - gaps[2]) < 0.6 * abs(gaps[0] - gaps[1])


@pytest.mark.slow
@pytest.mark.parametrize("value", [sp.Rational(1, 16), HALF])
def test_rare_slopes_converge_to_the_class_between(value):
    """A slope² a with probability ε: L doubled, the distance of the third moment halves."""
    gaps = []
    for layers in (200, 400, 800):
        chance = sp.Symbol("e", positive=True)
        law = AtomicLaw("rare", ((sp.S.One, 1 - chance), (value, chance)))
        spread = layers * (law.moment(2) / law.moment(1) ** 2 - 1) - 1
        guess = sp.Rational(1, layers) / (1 - value) ** 2
        found = sp.Rational(str(sp.nsolve(spread, chance, guess, prec=30)))
        special = AtomicLaw("rare", ((sp.S.One, 1 - found), (value, found)))
        network = Jacobian(special, "orthogonal", depth=layers)
        gaps.append(float(relative(network, 3) - DepthLimit(1, value).moment(3)))
    assert gaps[0] / gaps[1] == pytest.approx(2, rel=0.05)
    assert gaps[1] / gaps[2] == pytest.approx(2, rel=0.03)


def test_edges_and_atoms_are_those_of_deep_networks():
    network = Jacobian(bernoulli(), "orthogonal")
    values = {depth: 10**5, p: 1 / (1 + HALF**2 / 10**5)}
    scale = network.moment(1)
    (_, upper), (_, top) = network.edges(), network.atoms()
    limit = bernoulli_limit(HALF)
    assert float((upper / scale).subs(values)) == pytest.approx(math.e / 4, rel=1e-4)
    assert float(limit.edges()[1]) == pytest.approx(math.e / 4, rel=1e-14, abs=0.0)
    ((location, mass),) = limit.atoms()
    assert float((top[0] / scale).subs(values)) == pytest.approx(float(location), rel=1e-4)
    assert float(top[1].subs(values)) == pytest.approx(float(mass), abs=1e-4)
    assert bernoulli_limit(1).atoms() == ()
    assert bernoulli_limit().atoms()[0][1].subs(sigma_0, 2) == 0


def test_smooth_edges_are_those_of_deep_erf_networks_in_numbers():
    """The S-transform exp(−σ₀² z) has λ = (1+m)/m exp(σ₀² m): extremes by golden search."""
    lower, upper = (float(end) for end in smooth_limit(HALF).edges())
    grid = np.linspace(1e-3, 20, 400_000)
    above = (1 + grid) / grid * np.exp(grid / 4)
    below = (grid / (1 + grid)) * np.exp(-(1 + grid) / 4)
    assert upper == pytest.approx(above.min(), rel=1e-8)
    assert lower == pytest.approx(below.max(), rel=1e-8)


def test_bernoulli_density_is_lamberts():
    """ρ = −Im G/π at λ + i0 with mpmath's W; the continuation knows nothing of it."""
    limit = bernoulli_limit(sp.Rational(4, 5))
    green = sp.lambdify(z, limit.stieltjes, "mpmath")
    with mp.workdps(50):
        for lam in (mp.mpf("1e-8"), mp.mpf("0.3"), mp.mpf("1.7")):
            expected = -green(lam).imag / mp.pi
            found = limit.density(lam, digits=40)
            assert abs(found / expected - 1) < mp.mpf("1e-39")


def test_green_functions_solve_their_equations():
    """Where λ > λ₊ + atom, G = Σ m_k/λ^{k+1}: the Lambert form, and both equations, in numbers."""
    limit, lam = bernoulli_limit(HALF), sp.Integer(40)
    value = limit.stieltjes.subs(z, lam).evalf(30)
    series = sum(limit.moment(k) / lam ** (k + 1) for k in range(16))
    assert abs(value / series.evalf(30) - 1) < 1e-15
    for law in (limit, smooth_limit(HALF), DepthLimit(HALF, sp.Rational(1, 3))):
        green = sum(law.moment(k) / lam ** (k + 1) for k in range(16)).evalf(30)
        values = {z: lam, sp.Symbol("G"): green}
        left, right = (side.subs(values) for side in law.green_equation.args)
        assert abs(left / right - 1) < 1e-13
        m = lam * green - 1
        x = -law.variance / ((1 + m) / m - law.rare)
        left, right = (side.subs({z: lam, sp.Symbol("x"): x}) for side in law.lambert_equation.args)
        assert abs(left / right - 1) < 1e-13


@pytest.mark.parametrize("lam", [0.1, 1.0, 4.0])
def test_the_smooth_class_is_a_residual_law(lam):
    """e^{−c} times the residual law of cumulant c = σ₀²/2."""
    scale = mp.exp(mp.mpf("0.5"))
    expected = scale * residual_density(scale * lam, HALF, 20)
    assert smooth_limit(1).density(lam) == pytest.approx(float(expected), rel=1e-13, abs=0.0)


def moments_of(limit, nodes=70):
    """∫ λᵏ ρ, k = 0, 1, 2, in log λ; at a hard edge in ψ = arg(1/ζ), on which λ = sin ψ/ψ-like."""
    curve = limit.curve()
    ((lower, upper),) = curve.support
    points, weights = np.polynomial.legendre.leggauss(nodes)
    if lower == 0:
        # with s/ζ = u: log λ = log s − log u + u; Im = 0 on |u| = ψ/sin ψ, ψ in (0, π)
        psi = [mp.mpf(t) for t in (points + 1) * np.pi / 2]
        s = mp.mpf(limit.variance.evalf(20))
        lam = [s * mp.sin(t) / t * mp.exp(t * mp.cot(t)) for t in psi]
        slope = [
            v * (mp.cot(t) - 1 / t + mp.cot(t) - t / mp.sin(t) ** 2) * mp.pi / 2
            for v, t in zip(lam, psi, strict=True)
        ]
    else:
        middle, half = mp.log(upper * lower) / 2, mp.log(upper / lower) / 2
        angle = points * np.pi / 2
        lam = [mp.exp(middle + half * mp.sin(a)) for a in angle]
        slope = [v * half * mp.cos(a) * np.pi / 2 for v, a in zip(lam, angle, strict=True)]
    rho = curve.density(lam)
    rows = list(zip(weights, slope, lam, rho, strict=True))
    totals = [abs(sum(w * s * v**k * r for w, s, v, r in rows)) for k in range(3)]
    for place, mass in limit.atoms():
        totals = [t + mp.mpf(mass) * mp.mpf(place.evalf(20)) ** k for k, t in enumerate(totals)]
    return [float(t) for t in totals]


@pytest.mark.parametrize(
    ("sigma0", "rare"),
    [
        (HALF, 1),
        (HALF, 0),
        *(
            pytest.param(*case, marks=pytest.mark.slow)
            for case in ((2, 1), (2, 0), (HALF, HALF), (HALF, 0.9))
        ),
    ],
)
def test_mass_and_moments(sigma0, rare):
    """With the atom the mass is 1, the mean 1 and the variance σ₀²."""
    limit = DepthLimit(sigma0, rare)
    assert moments_of(limit) == pytest.approx([1, 1, 1 + float(sigma0) ** 2], rel=1e-10, abs=0.0)


def test_which_activation_has_which_limit():
    kinds = {"hard_tanh": 0, "shifted_relu": 0, "tanh": 1, "erf": 1, "gelu": 1, "softplus": 1}
    for name, rare in kinds.items():
        assert Jacobian(name, "orthogonal").depth_limit(2).rare == rare
    outside = "where(x > 1, (x + 1)/2, where(x < -1, (x - 1)/2, x))"
    assert Jacobian(outside, "orthogonal").depth_limit().rare == sp.Rational(1, 4)
    for name in ("relu", "leaky_relu", "elu", "relu2", "linear"):
        with pytest.raises(DomainError, match=r"φ′² is constant|grows with"):
            Jacobian(name, "orthogonal").depth_limit()
    with pytest.raises(DomainError, match="gaussian weights have no depth limit"):
        Jacobian("tanh").depth_limit()
    with pytest.raises(NoClosedForm, match="smooth_limit"):
        Jacobian(general_law(), "orthogonal").depth_limit()


def test_refusals():
    for wrong in (0, -1, math.nan, math.inf):
        with pytest.raises(DomainError, match="sigma0 must be positive"):
            smooth_limit(wrong)
    for wrong in (-1, 2, math.nan):
        with pytest.raises(DomainError, match="rare value"):
            DepthLimit(1, wrong)
    with pytest.raises(DomainError, match="value for sigma_0"):
        smooth_limit().density(1)
    assert smooth_limit().density(1, sigma0=1) == smooth_limit(1).density(1)
    with pytest.raises(DomainError, match="digits"):
        smooth_limit(1).density(1, digits=3)
    with pytest.raises(NoClosedForm, match="generalised Lambert"):
        _ = smooth_limit().stieltjes
    assert smooth_limit(1).density([0, 100]) == [0, 0]
    assert bernoulli_limit(1).density(0) == math.inf
