"""The Jacobian of a feed-forward network: the seeds' results, counted moments, simulation."""

import math
import time

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from freejac.symbolic.activation import activation
from freejac.symbolic.derivative_law import AtomicLaw, bernoulli, general_law, point_mass
from freejac.symbolic.ensembles import Ensemble, general
from freejac.symbolic.errors import DomainError, NoClosedForm
from freejac.symbolic.jacobian import Jacobian
from freejac.symbolic.layers import Layer
from freejac.symbolic.quadrature import gaussian_mean
from freejac.symbolic.symbols import depth, mu1, mu2, p, parameter, q, s1, sigma_w, z

CHI = sigma_w**2 * p


def same(a, b):
    return sp.simplify(a - b) == 0


def test_gaussian_piecewise_linear():
    """Seed problem set 4, 4(b)–(e): S, m_1, m_2 and L/p, with L, p, σ_w symbolic."""
    found = Jacobian(bernoulli())
    assert same(found.s_transform, sigma_w ** (-2 * depth) * (z + p) ** (-depth))
    assert same(found.inverse_mgf, (1 + z) / z * (z + p) ** depth * sigma_w ** (2 * depth))
    assert found.moment(1) == CHI**depth
    assert same(found.moment(2), CHI ** (2 * depth) * (depth + p) / p)
    assert same(found.variance, CHI ** (2 * depth) * depth / p)
    assert found.variance_at_criticality == depth / p


def test_orthogonal_piecewise_linear():
    """Seed problem set 4, 5(b)–(c); its 'for large L' is exact for every L."""
    found = Jacobian(bernoulli(), "orthogonal")
    assert same(found.s_transform * (sigma_w**2 * (z + p) / (1 + z)) ** depth, 1)
    assert same(found.moment(2), CHI ** (2 * depth) * (depth + p - depth * p) / p)
    assert found.variance_at_criticality == depth * (1 - p) / p


def test_general_moments():
    """Theory sheet, section 3: m_2 = (σ_w²μ_1)^{2L} L (μ_2/μ_1² + 1/L − 1 − s_1)."""
    found = Jacobian(general_law(), general())
    expected = (sigma_w**2 * mu1) ** (2 * depth) * depth * (mu2 / mu1**2 + 1 / depth - 1 - s1)
    assert same(found.moment(2), expected)
    assert same(found.variance_at_criticality, depth * (mu2 / mu1**2 - 1 - s1))
    with pytest.raises(DomainError, match="s_2 is needed"):
        found.moment(3)


def test_products_of_gaussian_matrices_are_counted():
    for layers in (1, 2, 3):
        found = Jacobian(point_mass(), depth=layers)
        for k in range(1, 5):
            count = sp.binomial((layers + 1) * k, k) / (layers * k + 1)
            assert same(found.moment(k), count * sigma_w ** (2 * layers * k))


@settings(max_examples=10, deadline=None)
@given(st.fractions(min_value=sp.Rational(1, 9), max_value=1, max_denominator=9), st.integers(1, 4))
def test_one_gaussian_layer_counts_non_crossing_partitions(fraction, k):
    """D W Wᵀ D with D a projection: m_k = Σ_j N(k, j) p^j, N the Narayana numbers."""
    share = sp.Rational(fraction.numerator, fraction.denominator)
    found = Jacobian(bernoulli(share), depth=1).moment(k)
    narayana = [math.comb(k, j) * math.comb(k, j - 1) // k for j in range(1, k + 1)]
    count = sum(n * share**j for j, n in enumerate(narayana, start=1))
    assert same(found, count * sigma_w ** (2 * k))


def test_two_projections():
    """Free P, Q of trace p: tr(PQPQ) = tr P² (tr Q)² + (tr P)² tr Q² − (tr P tr Q)²."""
    found = Jacobian(bernoulli(), "orthogonal", depth=2)
    assert same(found.moment(2), (2 * p**3 - p**4) * sigma_w**8)


@pytest.mark.parametrize("weights", ["gaussian", "orthogonal"])
def test_moments_from_s_and_from_the_law_agree(weights):
    """The S-transform of `s_transform`, expanded by SymPy, against `moment`, at L = 3."""
    found = Jacobian(bernoulli(), weights, depth=3)
    for k in (1, 2, 3):
        factor = ((1 + z) / found.s_transform) ** k
        coefficient = sp.diff(sp.simplify(factor), z, k - 1).subs(z, 0) / sp.factorial(k - 1)
        assert same(found.moment(k), coefficient / k)


@pytest.mark.parametrize("name", ["tanh", "hard_tanh", "leaky_relu(3/10)", "erf"])
def test_activations_in_numbers(name):
    """m_2 from μ_1, μ_2 by quadrature of the definition, through the theory sheet's formula."""
    slope = activation(name).distribution(1)
    first, second = (gaussian_mean(slope ** (2 * k), sp.Rational(1, 2), 20) for k in (1, 2))
    for weights, first_coefficient in (("gaussian", -1), ("orthogonal", 0)):
        found = Jacobian(name, weights, depth=7).moment(2)
        value = found.subs({q: sp.Rational(1, 2), sigma_w: sp.Rational(6, 5)}).evalf(18)
        chi = sp.Rational(36, 25) * first
        expected = chi**14 * 7 * (second / first**2 + sp.Rational(1, 7) - 1 - first_coefficient)
        assert abs(value / expected - 1) < 1e-14


@pytest.mark.parametrize("weights", ["gaussian", "orthogonal"])
def test_moments_by_simulation(weights):
    """Three layers of width 300, slopes 0 and 1 in random places, four samples."""
    rng = np.random.default_rng(7)
    n, share, scale = 300, 0.6, 1.2
    spectra = []
    for _ in range(4):
        product = np.eye(n)
        for _ in range(3):
            weight = rng.standard_normal((n, n))
            if weights == "orthogonal":
                weight, upper = np.linalg.qr(weight)
                weight = weight * np.sign(np.diag(upper))
            else:
                weight /= np.sqrt(n)
            product = (rng.permutation(n) < share * n)[:, None] * (scale * weight @ product)
        spectra.append(np.linalg.eigvalsh(product @ product.T))
    found = Jacobian(bernoulli(sp.Rational(3, 5)), weights, depth=3)
    for k in (1, 2, 3):
        theory = float(found.moment(k).subs(sigma_w, sp.Rational(6, 5)))
        assert np.mean(np.array(spectra) ** k) == pytest.approx(theory, rel=0.04 * k)


def test_edges():
    """MP: σ²(1 ± √p)²; L Ginibre factors: (L+1)^{L+1}/L^L; two projections: 4p(1−p)."""
    lower, upper = Jacobian(bernoulli(), depth=1).edges()
    assert same(lower, sigma_w**2 * (1 - sp.sqrt(p)) ** 2)
    assert same(upper, sigma_w**2 * (1 + sp.sqrt(p)) ** 2)
    for layers in (1, 2, 5):
        lower, upper = Jacobian(point_mass(), depth=layers).edges()
        count = sp.Rational((layers + 1) ** (layers + 1), layers**layers)
        assert (lower, sp.simplify(upper)) == (0, count * sigma_w ** (2 * layers))
    lower, upper = Jacobian(bernoulli(), "orthogonal", depth=2).edges()
    assert lower == 0
    assert same(upper, 4 * p * (1 - p) * sigma_w**4)
    assert Jacobian(bernoulli(), "orthogonal", depth=1).edges() == ()
    assert Jacobian(point_mass(), "orthogonal").edges() == ()


@pytest.mark.parametrize("weights", ["gaussian", "orthogonal"])
def test_edges_with_symbolic_depth_specialise(weights):
    general_edges = Jacobian(bernoulli(), weights).edges()
    for layers in (2, 3, 8) if weights == "orthogonal" else (1, 2, 3, 8):
        special = Jacobian(bernoulli(), weights, depth=layers).edges()
        for a, b in zip(general_edges, special, strict=True):
            values = {p: sp.Rational(2, 7), sigma_w: sp.Rational(3, 2)}
            assert abs((a.subs(depth, layers) - b).subs(values).evalf(30)) < 1e-25


def test_fuss_catalan_edges_grow_like_e_times_the_depth():
    """(L+1)^{L+1}/L^L ~ e L, by SymPy's limit; the growth is derived from S without any edge."""
    network = Jacobian("linear")
    _, upper = network.edges()
    ratio = upper.subs(sigma_w, 1) / depth
    assert sp.limit(sp.simplify(ratio), depth, sp.oo) == sp.E == network.edge_growth


@pytest.mark.parametrize("weights", ["gaussian", "orthogonal"])
def test_growth_is_that_of_the_closed_edges(weights):
    network = Jacobian(bernoulli(), weights)
    values = {p: sp.Rational(2, 3), depth: sp.Float(10**6, 30)}
    ratio = (network.edges()[1] / network.moment(1) / depth).subs(values).evalf(20)
    assert float(ratio) == pytest.approx(float(network.edge_growth.subs(values)), rel=1e-5)
    with pytest.raises(DomainError, match="no edge"):
        _ = Jacobian("linear", "orthogonal").edge_growth


@pytest.mark.parametrize(
    ("weights", "layers"),
    [
        ("gaussian", 2),
        pytest.param("gaussian", 3, marks=pytest.mark.slow),
        pytest.param("orthogonal", 3, marks=pytest.mark.slow),
        pytest.param("orthogonal", 2, marks=pytest.mark.slow),
    ],
)
def test_edges_of_leaky_networks_are_roots_of_their_polynomial(weights, layers):
    """The largest eigenvalue by search: λ(ζ) of the density's parametrisation, ζ above the atoms.

    M = (a/(ζ−a) + 1/(ζ−1))/2, λ = ζᴸ (m/(1+m))^{L−1} for orthogonal, × (1+m)ᴸ for Gaussian weights.
    """
    network = Jacobian("leaky_relu(1/2)", weights, depth=layers)
    upper = float(network.edges()[-1].subs(sigma_w, 1))
    zeta = 1 + np.geomspace(1e-11, 8, 1_000_000)
    m = (0.25 / (zeta - 0.25) + 1 / (zeta - 1)) / 2
    lam = zeta**layers * (m / (1 + m)) ** (layers - 1)
    if weights == "gaussian":
        lam = lam * (1 + m) ** layers
    assert upper == pytest.approx(lam.min(), rel=1e-9)
    polynomial = network.edge_polynomial.subs(sigma_w, 1)
    scale = sum(abs(c) for c in sp.Poly(polynomial).all_coeffs())
    assert abs(sp.Poly(polynomial).eval(sp.Float(upper, 15))) < 1e-9 * scale * upper**4


@pytest.mark.slow
def test_edges_of_a_split_spectrum():
    """Slopes² 1 and 1000: two bands, four ends, between which the density is positive."""
    shares = ((sp.S.One, sp.Rational(9, 10)), (sp.Integer(1000), sp.Rational(1, 10)))
    network = Jacobian(AtomicLaw("split", shares), depth=1)
    ends = [end.subs(sigma_w, 1) for end in network.edges()]
    assert len(ends) == 4
    assert ends[0] == 0
    assert network.density(float((ends[1] + ends[2]) / 2)) == 0
    assert network.density(float((ends[2] + ends[3]) / 2)) > 0


def test_skewness_and_kurtosis_by_counting():
    """Products of L Gaussian matrices: m_k = Fuss–Catalan, counted, at L = 1, 2, 3."""
    network = Jacobian(point_mass())
    for layers in (1, 2, 3):
        m = [sp.binomial((layers + 1) * k, k) / (layers * k + 1) for k in range(5)]
        variance = m[2] - 1
        third = m[3] - 3 * m[2] + 2
        fourth = m[4] - 4 * m[3] + 6 * m[2] - 3
        assert same(network.skewness.subs(depth, layers), third / variance ** sp.Rational(3, 2))
        assert same(network.kurtosis.subs(depth, layers), fourth / variance**2)


def test_shape_in_general_terms():
    """One layer with S of the weights 1 + s₁z + s₂z²: D² and W Wᵀ by Speicher's m_3 of a product.

    For free a and b of moments a_k, b_k, that of the alternating word of length six is
    a3 b1³ + 3 a1 a2 b1 b2 + a1³ b3 − 3 a1 a2 b1³ − 3 a1³ b1 b2 + 2 a1³ b1³.
    """
    found = Jacobian(general_law(), general(3), depth=1)
    s2 = sp.Symbol("s_2", real=True)
    a1, a2, a3 = (parameter(f"mu_{k}", positive=True) for k in (1, 2, 3))
    # moments of a law with S = 1 + s₁z + s₂z²: reversion by hand
    b1, b2, b3 = 1, 1 - s1, 1 - 3 * s1 + 2 * s1**2 - s2
    product = (
        a3 * b1 + 3 * a1 * a2 * b1 * b2 + a1**3 * b3 - 3 * a1 * a2 - 3 * a1**3 * b2 + 2 * a1**3
    )
    assert same(found.moment(3), sigma_w**6 * product)
    variance = a2 / a1**2 - 1 - s1
    second = a2 / a1**2 - s1
    third = product / a1**3 - 3 * second + 2
    assert same(found.skewness, third / variance ** sp.Rational(3, 2))
    assert found.kurtosis.has(sp.Symbol("s_3", real=True))
    with pytest.raises(DomainError, match="s_3 is needed"):
        _ = Jacobian(general_law(), general(2)).kurtosis
    with pytest.raises(DomainError, match="no shape"):
        _ = Jacobian("linear", "orthogonal").skewness


def test_explanations_follow_the_objects():
    network = Jacobian("hard_tanh", "orthogonal")
    derivation = network.explain()
    right = [step.statement.rhs for step in derivation if isinstance(step.statement, sp.Eq)]
    parts = [
        network.layers[0].phi.derivative(1),
        network.law.mgf,
        network.law.s_transform,
        network.s_transform,
        network.inverse_mgf,
        network.moment(1),
        network.moment(2),
        network.variance,
        *(mass for _, mass in network.atoms()),
        *network.edges(),
    ]
    positions = [right.index(part) for part in parts]
    assert positions == sorted(positions)
    assert all(step.rule for step in derivation)
    assert r"\operatorname{erf}" in derivation.latex()


def test_explanations_without_closed_forms_say_so():
    smooth = Jacobian("tanh").explain()
    assert "the law of D² is not a finite set of atoms" in smooth[-1].text
    assert any("O(z**2)" in step.text for step in smooth)
    mixed = Jacobian(layers=[Layer("relu", 2), Layer("tanh", 3, q=1)], input_width=1).explain()
    assert any(step.text.startswith("S_D2(z)") for step in mixed)
    assert any("from width ν to ν′" in step.rule for step in mixed)


def test_edges_where_there_is_no_formula():
    with pytest.raises(NoClosedForm, match="more than one"):
        Jacobian("leaky_relu").edges()
    with pytest.raises(NoClosedForm, match="more than one"):
        Jacobian("tanh").edges()
    with pytest.raises(DomainError, match="critical_polynomial"):
        _ = Jacobian(bernoulli()).edge_polynomial
    two = Jacobian(layers=[Layer("leaky_relu(1/2)"), Layer("leaky_relu(1/3)")])
    with pytest.raises(NoClosedForm, match="several nonzero"):
        _ = two.edge_polynomial
    with pytest.raises(NoClosedForm, match="series"):
        _ = Jacobian(bernoulli(), general()).s_transform


def test_atoms():
    """Theory sheet, section 3: 1 − p at 0; orthogonal: max(0, 1 − L(1−p)) at σ_w^{2L}."""
    assert Jacobian(bernoulli()).atoms() == ((0, 1 - p),)
    at_zero, top = Jacobian(bernoulli(), "orthogonal").atoms()
    assert at_zero == (0, 1 - p)
    assert top[0] == sigma_w ** (2 * depth)
    assert top[1].subs({depth: 3, p: sp.Rational(9, 10)}) == sp.Rational(7, 10)
    assert top[1].subs({depth: 20, p: sp.Rational(9, 10)}) == 0
    assert Jacobian("linear").atoms() == ()
    with pytest.raises(NoClosedForm, match="only the moments"):
        Jacobian(general_law()).atoms()


def test_atoms_of_smooth_activations_are_those_of_their_linear_pieces():
    """Elu is linear for h > 0, relu² flat for h < 0; tanh is nowhere either."""
    half = sp.S.Half
    assert Jacobian("tanh").atoms() == Jacobian("tanh", "orthogonal", depth=3).atoms() == ()
    assert Jacobian("relu2").atoms() == ((0, half),)
    assert Jacobian("elu", "orthogonal", depth=1).atoms() == ((sigma_w**2, half),)
    assert Jacobian("elu", "orthogonal", depth=2).atoms() == ()
    mixed = [Layer("elu", weights="orthogonal"), Layer(bernoulli(), weights="orthogonal")]
    (_, mass) = Jacobian(layers=mixed).atoms()[1]
    assert mass.subs(p, sp.Rational(9, 10)) == sp.Rational(2, 5)


def test_atoms_that_are_not_known():
    with pytest.raises(NoClosedForm, match="not given"):
        Jacobian("relu", Ensemble("mine", (1 + z / 2) / sigma_w**2)).atoms()


def test_twenty_moments_at_once():
    """m_k/m_1^k = (1/k) Σ_j (k over k−1−j)(kL over j) p^{−j}, binomial by binomial, at L = 7."""
    network = Jacobian(bernoulli())
    share = sp.Rational(3, 8)
    for k, moment in enumerate(network.moments(20), start=1):
        terms = (sp.binomial(k, k - 1 - j) * sp.binomial(7 * k, j) / share**j for j in range(k))
        found = (moment / network.mean**k).subs({depth: 7, p: share})
        assert found == sum(terms) / k
    assert network.moments(3) == tuple(network.moment(k) for k in (1, 2, 3))
    assert network.moments(0) == ()
    with pytest.raises(DomainError, match="number of moments"):
        network.moments(-1)


def test_twenty_moments_in_a_tenth_of_a_second():
    """Processor time of a network and its moments, code warm: 0.04 to 0.055 s measured."""

    def seconds():
        start = time.process_time()
        Jacobian(bernoulli()).moments(20)
        return time.process_time() - start

    seconds()
    assert min(seconds() for _ in range(3)) < 0.1


def test_symbolic_moments_are_fast():
    Jacobian(bernoulli()).moment(1)
    start = time.perf_counter()
    fresh = Jacobian(bernoulli())
    for k in (1, 2, 3, 4):
        fresh.moment(k)
    assert time.perf_counter() - start < 3  # 0.2 s on an idle core


@pytest.mark.parametrize(
    "layers", [0, -1, 2.5, sp.Rational(1, 2), math.nan, sp.nan, True, sp.oo, p]
)
def test_bad_depth(layers):
    with pytest.raises(DomainError, match="depth"):
        Jacobian(bernoulli(), depth=layers)


def test_integer_like_depths_are_accepted():
    assert Jacobian(bernoulli(), depth=np.int64(3)).depth == 3
    assert Jacobian(bernoulli(), depth=sp.Integer(3)).depth == 3


def test_bad_orders():
    for wrong in (-1, 1.0, True):
        with pytest.raises(DomainError, match="order"):
            Jacobian(bernoulli()).moment(wrong)
    assert Jacobian(bernoulli()).moment(0) == 1
