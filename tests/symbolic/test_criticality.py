"""Critical points against their definition, and exponents against iterated layers."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
import sympy as sp
from mpmath import mp, mpf
from scipy import special

from freejac.symbolic import library
from freejac.symbolic.activation import activation
from freejac.symbolic.algebraic import value_at
from freejac.symbolic.errors import DomainError, NotConvergedError
from freejac.symbolic.mean_field import MeanField
from freejac.symbolic.mean_zeros import mean_zeros
from freejac.symbolic.piecewise import decompose
from freejac.symbolic.quadrature import gaussian_mean
from freejac.symbolic.symbols import q, x

SLOW = {"tanh", "sigmoid", "swish", "mish"}
EVERY = [pytest.param(n, marks=pytest.mark.slow if n in SLOW else ()) for n in library.names()]
KINDS = {
    "line": {"linear", "relu", "leaky_relu"},
    "origin": {"hard_tanh", "tanh", "erf", "elu", "selu", "sin", "shifted_relu"},
    "both": {"gelu", "swish", "mish", "hard_swish"},
    "none": {"sigmoid", "softplus", "hard_sigmoid", "relu2", "smoothed_relu"},
}
"""What each activation has: every q; only q → 0; that and an isolated point; nothing."""
KIND = {name: kind for kind, names in KINDS.items() for name in names}
PINNED = [entry for entry in EVERY if entry.values[0] in KIND]


def is_critical(phi, point, digits):
    """χ = χ_∥ = 1 and V(q*) = q*, all by quadrature of the definitions."""
    at, weight = point.q, point.sigma_w**2
    slope, values = phi.distribution(1) ** 2, phi.defaults
    with mp.workdps(digits + 10):
        q_star = mpf(at.evalf(digits + 10))
        weight, bias = (mpf((e**2).evalf(digits + 10)) for e in (point.sigma_w, point.sigma_b))
        square, tilt, bend = (
            gaussian_mean(f, q_star, digits + 5, values)
            for f in (phi.function**2, slope, phi.function * phi.distribution(2))
        )
        gaps = (weight * tilt - 1, weight * bend, (weight * square + bias) / q_star - 1)
        return all(abs(gap) < 10 * mpf(10) ** -digits for gap in gaps)


@pytest.mark.parametrize("name", EVERY)
def test_critical_points_of_the_library(name):
    phi = activation(name)
    points = MeanField(phi).critical_points(digits=18)
    found = tuple(point.kind for point in points)
    expected = {
        "line": ("line",),
        "origin": ("origin",),
        "both": ("origin", "isolated"),
        "none": (),
    }
    assert name not in KIND or found == expected[KIND[name]]
    for point in points:
        if point.kind == "isolated":
            assert is_critical(phi, point, 17)
        if point.kind == "origin":
            # V′(0+) = χ(0+) = 1: the second moment over q, at a small q.
            slope = gaussian_mean(phi.function**2, mpf(10) ** -20, 20, phi.defaults) * 10**20
            assert abs(point.sigma_w.evalf(20) ** 2 * slope - 1) < 1e-9
            assert point.sigma_b == 0


def test_the_published_critical_points():
    # Roberts, Yaida & Hanin (2022), section 5.3.4: q* = (3 + √17)/2, C_W and C_b of GELU.
    _, gelu = MeanField("gelu").critical_points()
    assert gelu.q == (3 + sp.sqrt(17)) / 2
    assert gelu.exact
    assert abs((gelu.sigma_w**2).evalf(15) - 1.98305826) < 5e-9
    assert abs((gelu.sigma_b**2).evalf(15) - 0.17292239) < 5e-9
    assert is_critical(activation("gelu"), gelu, 40)


@pytest.mark.slow
def test_the_published_critical_point_of_swish():
    # The same section: K* and C_W of SWISH. The bias is checked against its definition alone.
    phi = activation("swish")
    _, swish = MeanField(phi).critical_points(digits=40)
    assert not swish.exact
    assert abs(swish.q - sp.Float("14.32017362", 20)) < 5e-9
    assert abs(swish.sigma_w**2 - sp.Float("1.98800468", 20)) < 5e-9
    assert is_critical(phi, swish, 38)
    with mp.workdps(50):
        bend = phi.function * phi.distribution(2)
        below, above = (
            gaussian_mean(bend, mpf(swish.q._mpf_) * (1 + sign * mpf(10) ** -39), 45)
            for sign in (-1, 1)
        )
        assert below * above < 0


def test_a_scale_of_the_input_scales_the_exact_point():
    (point,) = [p for p in MeanField("x*Phi(3*x)").critical_points() if p.kind == "isolated"]
    assert sp.expand(9 * point.q - (3 + sp.sqrt(17)) / 2) == 0
    (other,) = [
        p for p in MeanField("x*Phi(b*x)").critical_points({"b": 3}) if p.kind == "isolated"
    ]
    assert other == point
    (inexact,) = [
        p for p in MeanField("x*Phi(b*x)").critical_points({"b": 0.5}) if p.kind == "isolated"
    ]
    assert sp.expand(inexact.q / 4 - (3 + sp.sqrt(17)) / 2) == 0


def test_symbols_stay_where_they_decide():
    (leaky,) = MeanField("leaky_relu(a)").critical_points()
    a = leaky.sigma_w.free_symbols.pop()
    assert sp.simplify(leaky.sigma_w**2 - 2 / (1 + a**2)) == 0
    assert leaky.q == q
    scaled = activation("erf(b*x)", positive=["b"])
    (origin,) = MeanField(scaled).critical_points()
    (b,) = scaled.parameters
    assert sp.simplify(origin.sigma_w - sp.sqrt(sp.pi) / (2 * b)) == 0


def test_a_zero_with_a_negative_bias_is_no_critical_point():
    # x Φ(x) + 1/10: E[φφ″] vanishes at q ≈ 18.96, where σ_b² would be negative.
    phi = activation("x*Phi(x) + 1/10")
    bend = phi.function * phi.distribution(2)
    assert gaussian_mean(bend, 18, 15) * gaussian_mean(bend, 20, 15) < 0
    at = mpf("18.9589262623256820")
    assert at < gaussian_mean(phi.function**2, at, 15) / gaussian_mean(
        phi.distribution(1) ** 2, at, 15
    )
    assert MeanField(phi).critical_points(digits=10) == ()


def test_cubics_by_hand():
    # φ = x³ − x + d: E[φφ″] = 6(3q² − q) vanishes at q = 1/3, where E[φ′²] = 27q² − 6q + 1 = 2 and
    # E[φ²] = 15q³ − 6q² + q + d² = 2/9 + d², so that σ_b² = 2/9 − d²/2.
    origin, point = MeanField("x^3 - x").critical_points()
    assert (origin.kind, origin.sigma_w) == ("origin", 1)
    assert (point.q, point.sigma_w**2, point.sigma_b**2) == (
        sp.Rational(1, 3),
        sp.S.Half,
        sp.Rational(2, 9),
    )
    assert MeanField("x^3 - x + 1").critical_points() == ()
    assert MeanField("x^3 - x + 2/3").critical_points()[0].sigma_b == 0


def test_affine_functions_have_no_critical_point_but_linear_ones_do():
    assert MeanField("x + 1").critical_points() == ()
    assert MeanField("-3*x").critical_points()[0].sigma_w == sp.Rational(1, 3)
    assert MeanField("abs(x)").universality().name == "scale-invariant"


def test_a_kink_enters_with_its_delta():
    # φφ″ of |x| + 1 is 2δ(x), that of |x − 1| − 1/2 is −δ(x − 1): E[φφ″] keeps its sign.
    assert MeanField("abs(x) + 1").critical_points() == ()
    assert MeanField("abs(x - 1) - 1/2").critical_points() == ()
    # Here it is δ(x)/2 − 5δ(x − 2), whose mean vanishes where e^{−2/q} = 1/10.
    phi = activation("max(x, 0) - 2*max(x - 2, 0) + 1/2")
    ((at, _),) = mean_zeros(phi.function * phi.distribution(2), 25)
    assert abs(at - (2 / sp.log(10)).evalf(40)) < sp.Float(10) ** -24


@pytest.mark.parametrize(
    ("name", "parameters", "digits", "reason"),
    [
        ("sign(x)", None, 20, "jumps"),
        ("tanh(b*x)", None, 20, "value for the parameter b"),
        ("elu", {"beta": 1}, 20, "no parameter beta"),
        ("elu", {"alpha": -1}, 20, "positive"),
        ("relu", None, 0, "digits"),
        ("relu", None, 2.5, "digits"),
        ("relu", None, True, "digits"),
    ],
)
def test_what_cannot_be_answered_says_why(name, parameters, digits, reason):
    for method in (MeanField(name).critical_points, MeanField(name).universality):
        with pytest.raises(DomainError, match=reason):
            method(parameters, digits)


def test_zeros_are_found_exactly_by_eliminating_radicals():
    # E = (q + 1)^{-1/2} − 3(4q + 1)^{-1/2} at f = e^{−x²/2} − 3e^{−2x²}: 4q + 1 = 9q + 9 has no
    # positive root; with 3/2 instead of 3, 4q + 1 = 9(q + 1)/4 has q = 5/7.
    bumps = sp.exp(-(x**2) / 2) - 3 * sp.exp(-2 * x**2)
    assert mean_zeros(decompose(bumps), 15) == []
    halved = sp.exp(-(x**2) / 2) - sp.Rational(3, 2) * sp.exp(-2 * x**2)
    assert mean_zeros(decompose(halved), 15) == [(sp.Rational(5, 7), True)]
    # An irreducible cubic, and a double root, which no change of sign would show.
    cubic = mean_zeros(decompose(x**6 / 15 - x**2 - 1), 15)
    (root, exact) = cubic[0]
    assert exact
    assert len(cubic) == 1
    assert sp.expand(root**3 - root - 1).evalf(40) < 1e-38
    assert mean_zeros(decompose(x**4 / 3 - 2 * x**2 + 1), 15) == [(1, True)]


def test_zeros_of_transcendental_means_agree_with_their_exact_values():
    # E[cos(x) − 1/2] = e^{−q/2} − 1/2 vanishes at q = 2 log 2.
    ((at, exact),) = mean_zeros(decompose(sp.cos(x) - sp.S.Half), 30)
    assert not exact
    assert abs(at - (2 * sp.log(2)).evalf(40)) < sp.Float(10) ** -29


def test_an_oscillation_under_an_envelope_has_its_one_zero():
    # Large q: the mean goes as −∫ cos(20x)/cosh²x dx < 0, and as q(1 − 400q)e^{−200q} for small q.
    ((at, _),) = mean_zeros(decompose(sp.tanh(x) ** 2 * sp.cos(20 * x)), 15)
    with mp.workdps(25):
        beside = [mpf(str(at)) * (1 + side * mpf(10) ** -12) for side in (-1, 1)]
        ends = mpmath.linspace(0, 0.75, 40)  # fifteen standard deviations

        def weighted(t, variance):
            return mpmath.tanh(t) ** 2 * mpmath.cos(20 * t) * mpmath.exp(-t * t / 2 / variance)

        low, high = (mpmath.quad(lambda t, v=v: weighted(t, v), ends) for v in beside)
    assert low > 0 > high


def test_an_oscillation_that_is_not_resolved_is_not_guessed():
    with pytest.raises(NotConvergedError):
        mean_zeros(decompose(sp.tanh(x) ** 2 * sp.cos(x**2)), 15)


def test_pairs_of_zeros_between_two_points_of_the_grid_are_found():
    # With w = e^{−q} = E[cos(√2 x)] and w² = E[cos(2x)], w² − 1.3 w + 0.42 = (w − 0.6)(w − 0.7).
    f = sp.cos(2 * x) - sp.Rational(13, 10) * sp.cos(sp.sqrt(2) * x) + sp.Rational(42, 100)
    found = mean_zeros(decompose(f), 20)
    expected = [-sp.log(sp.Rational(7, 10)), -sp.log(sp.Rational(6, 10))]
    assert len(found) == 2
    for (at, _), reference in zip(found, expected, strict=True):
        assert abs(at - reference.evalf(30)) < 1e-19


def test_values_at_algebraic_numbers_are_reduced():
    root = (3 + sp.sqrt(17)) / 2
    expr = sp.asin(q / (q + 1)) + q**3 / ((q + 1) * (2 * q + 1) ** sp.Rational(3, 2)) + sp.exp(-q)
    value = value_at(expr, root)
    assert abs((value - expr.subs(q, root)).evalf(30)) < 1e-28
    assert value.has(sp.asin((sp.sqrt(17) - 1) / 4)) or value.has(sp.asin((1 - sp.sqrt(17)) / 4))
    cubic = sp.CRootOf(q**3 - q - 1, 0)
    assert value_at((q**4 + 1) / (q**3 - q), cubic) == cubic**2 + cubic + 1


# Layers iterated in double precision, with a quadrature that shares nothing with ours: Gauss–
# Hermite on the line, or Gauss–Legendre on half-lines for a kink at 0.

NODES, WEIGHTS = special.roots_hermitenorm(160)
WEIGHTS = WEIGHTS / WEIGHTS.sum()
_T, _W = special.roots_legendre(200)
HALF_NODES = 6 * (_T + 1)
HALF_WEIGHTS = 6 * _W * np.exp(-(HALF_NODES**2) / 2) / np.sqrt(2 * np.pi)
KINKED_NODES = np.concatenate([-HALF_NODES, HALF_NODES])
KINKED_WEIGHTS = np.concatenate([HALF_WEIGHTS, HALF_WEIGHTS])


def iterate(phi, slope, sigmas, start, layers, kinked=False):
    """q and log Π χ, log Π V′ layer by layer; V′ = σ_w² E[φφ′x]/q by Stein's identity."""
    nodes, weights = (KINKED_NODES, KINKED_WEIGHTS) if kinked else (NODES, WEIGHTS)
    weight, bias = sigmas[0] ** 2, sigmas[1] ** 2
    variance, perpendicular, parallel = start, 0.0, 0.0
    track = []
    for _ in range(layers):
        at = np.sqrt(variance) * nodes
        value, rise = phi(at), slope(at)
        perpendicular += np.log(weight * (weights @ rise**2))
        parallel += np.log(weight * (weights @ (value * rise * at)) / variance)
        variance = weight * (weights @ value**2) + bias
        track.append((variance, perpendicular, parallel))
    return np.array(track)


def slopes(track, first):
    """Exponents of ℓ between a layer and the last one, of q, Π χ and Π V′."""
    last = len(track)
    rise = np.log(last / first)
    logs = np.column_stack([np.log(track[:, 0]), track[:, 1], track[:, 2]])
    return (logs[first - 1] - logs[-1]) / rise


@pytest.mark.parametrize(
    ("name", "phi", "slope", "kinked"),
    [
        pytest.param("tanh", np.tanh, lambda t: 1 / np.cosh(t) ** 2, False, marks=pytest.mark.slow),
        ("sin", np.sin, np.cos, False),
        ("erf", special.erf, lambda t: 2 / np.sqrt(np.pi) * np.exp(-t * t), False),
        (
            "elu",
            lambda t: np.where(t > 0, t, np.expm1(t)),
            lambda t: np.where(t > 0, 1, np.exp(t)),
            True,
        ),
    ],
)
def test_exponents_at_the_origin(name, phi, slope, kinked):
    found = MeanField(name).universality()
    assert found.name == "K*=0"
    point = found.critical_point
    sigmas = float(point.sigma_w), float(point.sigma_b)
    track = iterate(phi, slope, sigmas, 0.5, 8000, kinked)
    measured = slopes(track, 4000)
    predicted = [float(p) for p in (found.p_0, found.p_perp, found.p_parallel)]
    assert np.allclose(measured, predicted, rtol=0.02)
    amplitude = track[-1, 0] * 8000.0 ** predicted[0]
    assert abs(amplitude / float(found.amplitude) - 1) < 0.05


def test_relu_keeps_every_length_and_direction():
    found = MeanField("relu").universality()
    assert (found.name, found.p_0, found.p_parallel, found.p_perp) == ("scale-invariant", 0, 0, 0)
    sigmas = float(found.critical_point.sigma_w), 0.0
    for start in (0.01, 7.0):
        track = iterate(
            lambda t: np.maximum(t, 0), lambda t: 1.0 * (t > 0), sigmas, start, 3000, True
        )
        assert np.allclose(track[-1], [start, 0, 0], rtol=1e-9, atol=1e-9)


def _gelu(t):
    return t * special.ndtr(t)


def _gelu_slope(t):
    return special.ndtr(t) + t * np.exp(-t * t / 2) / np.sqrt(2 * np.pi)


def _hard_swish(t):
    return t * np.clip(t / 6 + 0.5, 0, 1)


def test_exponents_of_gelu():
    found = MeanField("gelu").universality()
    assert found.name == "half-stable"
    assert (found.p_0, found.p_parallel) == (1, 2)
    assert found.p_perp == -32 - 8 * sp.sqrt(17)
    point = found.critical_point
    q_star = float(point.q)
    sigmas = float(point.sigma_w), float(point.sigma_b)
    # From above, 1/Δ grows by 1/amplitude a layer; V′ and χ accumulate like powers of Δ.
    track = iterate(_gelu, _gelu_slope, sigmas, q_star + 0.005, 4000)
    gap = track[:, 0] - q_star
    assert (np.diff(gap) < 0).all()
    growth = (1 / gap[-1] - 1 / gap[0]) / (len(gap) - 1)
    assert abs(growth * float(found.amplitude) - 1) < 0.02
    ratio = np.log(gap[-1] / gap[0])
    assert abs((track[-1, 1] - track[0, 1]) / ratio / float(found.p_perp) - 1) < 0.02
    assert abs((track[-1, 2] - track[0, 2]) / ratio / 2 - 1) < 0.02
    # From below it runs away.
    below = iterate(_gelu, _gelu_slope, sigmas, q_star - 0.005, 4000)[:, 0]
    assert (np.diff(below) < 0).all()
    assert below[-1] < q_star - 0.005


def test_a_function_that_is_linear_around_zero_decays_like_a_logarithm():
    found = MeanField("hard_tanh").universality()
    assert (found.name, found.p_0, found.p_parallel, found.p_perp) == ("K*=0", 0, 1, 0)
    assert "log" in found.explanation
    # dq/dℓ = q − V(q), exactly, so that ℓ = ∫ dq/(q − V(q)); q log ℓ tends to 1/2.
    with mp.workdps(15):

        def shrink(at):
            edge = 1 / mpmath.sqrt(at)
            density = mpmath.exp(-1 / (2 * at)) / mpmath.sqrt(2 * mp.pi)
            return (at - 1) * mpmath.erfc(edge / mpmath.sqrt(2)) + 2 * density * mpmath.sqrt(at)

        products = []
        for at in (mpf(1) / 40, mpf(1) / 400):
            panels = [at, at * mpf("1.02"), at * mpf("1.1"), at * mpf("1.5"), at * 4]
            layers = mpmath.quad(lambda v: 1 / shrink(v), panels)
            products.append(at * mpmath.log(layers))
    assert abs(products[0] - 0.5) < 0.15
    assert abs(products[1] - 0.5) < abs(products[0] - 0.5) / 2


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("relu2", "no point"),
        ("smoothed_relu", "no point"),
        ("x*(1 + x^2)", "repels"),
        ("where(abs(x) < 1, x, x^3)", "repels"),
    ],
)
def test_no_class_has_a_reason(name, word):
    found = MeanField(name).universality()
    assert (found.name, found.critical_point, found.p_0) == ("none", None, None)
    assert word in str(found)


@pytest.mark.parametrize("name", PINNED)
def test_classes_of_the_library(name):
    found = MeanField(name).universality(digits=10)
    expected = {"line": "scale-invariant", "origin": "K*=0", "both": "half-stable", "none": "none"}
    assert found.name == expected[KIND[name]]
    assert str(found).startswith(found.name)
    assert (found.p_0 is None) == (found.name == "none")


def test_parameters_take_values_or_defaults():
    # ELU with α = 2: E[φ²] = (1 + α²)q/2 − α²√(2/π) q^{3/2}; p_⊥ = 2 whatever α.
    found = MeanField("elu").universality({"alpha": 2})
    assert found.critical_point.sigma_w == sp.sqrt(10) / 5
    assert found.p_perp == 2
    clipped = activation("clip(x, -b, b)", positive=["b"])
    assert MeanField(clipped).universality({"b": 3}).name == "K*=0"
    with pytest.raises(DomainError, match="value for the parameter b"):
        MeanField(clipped).universality()


@pytest.mark.slow
def test_the_exponents_of_hard_swish_from_iterated_layers():
    found = MeanField("hard_swish").universality()
    point = found.critical_point
    q_star = float(point.q)
    # Kinks at ±3 move with q on the normal's scale: a fine midpoint rule instead of Gauss–Hermite.
    t = (np.arange(400_000) + 0.5) * (24 / 400_000) - 12
    w = np.exp(-t * t / 2) / np.sqrt(2 * np.pi) * (24 / 400_000)
    variance, layers = q_star - 0.05, 300
    first = variance
    for _ in range(layers):
        variance = float(point.sigma_w) ** 2 * (w @ _hard_swish(np.sqrt(variance) * t) ** 2)
        variance += float(point.sigma_b) ** 2
    growth = (1 / (q_star - variance) - 1 / (q_star - first)) / layers
    assert abs(growth * float(found.amplitude) - 1) < 0.05
