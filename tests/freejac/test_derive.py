"""What `derive` says, against quadrature of the definitions; how it says it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache, cached_property

import mpmath
import pytest
import sympy as sp
from mpmath import mp

from freejac.derive import derive
from freejac.quantities import Derivation
from freejac.report import as_json, as_latex, as_text
from freejac.symbolic import functions, symbols
from freejac.symbolic.activation import activation
from freejac.symbolic.bivariate_normal import Phi2
from freejac.symbolic.bivariate_quadrature import gaussian_mean2
from freejac.symbolic.errors import DomainError, UnknownNameError
from freejac.symbolic.expectation import Expectation
from freejac.symbolic.library import names
from freejac.symbolic.piecewise import PiecewiseFunction, decompose
from freejac.symbolic.quadrature import gaussian_mean
from freejac.symbolic.symbols import c, cumulant, depth, q, sigma_b, sigma_w, x, z

DIGITS = 25
LAYERS, VARIANCE, CORRELATION = 2, sp.Rational(7, 5), sp.Rational(3, 10)
POINT = {
    q: VARIANCE,
    sigma_w: sp.Rational(6, 5),
    sigma_b: sp.Rational(3, 10),
    depth: LAYERS,
    z: sp.Rational(3, 10),
    cumulant: sp.Rational(2, 5),
    c: CORRELATION,
}
READABLE = {
    **{s.name: s for s in (x, z, q, c, sigma_w, sigma_b, depth, cumulant)},
    "Phi": functions.Phi,
    "Phi2": Phi2,
    "G": sp.Symbol("G"),
}

theory = cache(derive)


def product(first: tuple[mp.mpf, mp.mpf], second: tuple[mp.mpf, mp.mpf]) -> tuple[mp.mpf, mp.mpf]:
    """First two moments of ab for free a and b, from the definition of freeness."""
    (a1, a2), (b1, b2) = first, second
    return a1 * b1, a2 * b1**2 + a1**2 * b2 - a1**2 * b1**2


class Witness:
    """Every quantity of a network of two Gaussian layers at one point, from its definition."""

    def __init__(self, name: str) -> None:
        self.phi = activation(name)
        self.weight, self.bias = mp.mpf(6) / 5, mp.mpf(3) / 10
        self.at, self.c = mp.mpf(3) / 10, mp.mpf(2) / 5

    def mean(self, f: PiecewiseFunction, variance: object = VARIANCE) -> mp.mpf:
        return gaussian_mean(f, variance, DIGITS)

    def slope(self, function: Callable[[sp.Expr], sp.Expr]) -> mp.mpf:
        return self.mean(self.phi.distribution(1).map(function))

    @cached_property
    def square(self) -> mp.mpf:
        return self.mean(self.phi.function**2)

    @cached_property
    def mu(self) -> tuple[mp.mpf, mp.mpf]:
        return self.slope(lambda s: s**2), self.slope(lambda s: s**4)

    def moments(self, scale: mp.mpf) -> tuple[mp.mpf, mp.mpf]:
        law = (mp.mpf(1), mp.mpf(1))
        for _ in range(LAYERS):
            # W Wᵀ of variance s has the Catalan moments s and 2s².
            law = product(product(law, self.mu), (scale, 2 * scale**2))
        return law

    def variance(self, scale: mp.mpf) -> mp.mpf:
        first, second = self.moments(scale)
        return second - first**2

    def length_slope(self) -> mp.mpf:
        """V′(q) by a central difference of the definition."""
        step = mp.mpf(10) ** -9
        ends = (gaussian_mean(self.phi.function**2, mp.mpf(7) / 5 + s, 40) for s in (step, -step))
        high, low = ends
        return self.weight**2 * (high - low) / (2 * step)

    def slope_mgf(self, point: mp.mpf) -> mp.mpf:
        """M of D² as the mean of φ′²/(z − φ′²)."""
        at = sp.Symbol("at", positive=True)
        integrand = self.phi.distribution(1).map(lambda s: s**2 / (at - s**2))
        return gaussian_mean(integrand, VARIANCE, DIGITS, {at: point})

    @cached_property
    def slope_s(self) -> mp.mpf:
        inverse = mp.findroot(lambda t: self.slope_mgf(t) - self.at, (2, 4), tol=1e-40)
        return (1 + self.at) / (self.at * inverse)

    @cached_property
    def weight_s(self) -> mp.mpf:
        """S of W Wᵀ from the Marchenko–Pastur density √(λ(4s−λ))/(2πsλ)."""
        s = self.weight**2

        def mgf(t: mp.mpf) -> mp.mpf:
            # λ = 4s sin²θ makes the integrand smooth
            return mp.quad(
                lambda a: 4 * mp.cos(a) ** 2 / mp.pi / (t / (4 * s * mp.sin(a) ** 2) - 1),
                mp.linspace(mp.mpf(10) ** -40, mp.pi / 2, 5),
            )

        inverse = mp.findroot(lambda t: mgf(t) - self.at, (5 * s, 8 * s), tol=1e-40)
        return (1 + self.at) / (self.at * inverse)

    @property
    def s_transform(self) -> mp.mpf:
        return (self.slope_s * self.weight_s) ** LAYERS

    def residual_inverse(self, m: mp.mpf) -> mp.mpf:
        """M⁻¹ of Tarnowski et al. (2019): S = exp(−c(1+2z))."""
        return (1 + m) / m * mp.exp(self.c * (1 + 2 * m))

    def residual_moment(self, k: int) -> mp.mpf:
        """(1/k) [z^{k−1}] (z M⁻¹(z))^k, the coefficient as a mean over a circle."""
        nodes = [mp.expjpi(mp.mpf(2 * j) / 64) / 2 for j in range(64)]
        values = [(r * self.residual_inverse(r)) ** k / r ** (k - 1) for r in nodes]
        return mp.re(mp.fsum(values)) / 64 / k

    def condition(self) -> mp.mpf:
        """√(λ₊/λ₋), the extrema of λ(m) outside [−1, 0]."""
        upper, lower = (
            self.residual_inverse(mp.findroot(lambda m: mp.diff(self.residual_inverse, m), start))
            for start in (0.7, -1.7)
        )
        return mp.sqrt(upper / lower)

    def upper_edge(self) -> mp.mpf:
        """The least λ(m) = (1+m)/(m S(m)), m > 0, for the slopes' law p at 1, else 0."""
        p, s = self.mu[0], self.weight**2

        def eigenvalue(m: mp.mpf) -> mp.mpf:
            # at m = 0.3 this S is compared with quadrature under s_transform
            return (1 + m) / m * (s * (p + m)) ** LAYERS

        return eigenvalue(mp.findroot(lambda m: mp.diff(eigenvalue, m), 0.5))

    def pair(self, f: PiecewiseFunction) -> mp.mpf:
        return gaussian_mean2(f, f, VARIANCE, VARIANCE, CORRELATION, 20)

    def oracles(self) -> dict[str, Callable[[], mp.mpf]]:
        s = self.weight**2
        return {
            "mean": lambda: self.mean(self.phi.function),
            "second_moment": lambda: self.square,
            "mu_1": lambda: self.mu[0],
            "mu_2": lambda: self.mu[1],
            "length_map": lambda: s * self.square + self.bias**2,
            "chi": lambda: s * self.mu[0],
            "chi_parallel": self.length_slope,
            "critical_sigma_w2": lambda: 1 / self.mu[0],
            "critical_sigma_b2": lambda: mp.mpf(7) / 5 - self.square / self.mu[0],
            "dual": lambda: self.pair(self.phi.function),
            "slope_dual": lambda: self.pair(self.phi.distribution(1)),
            "atom_1": lambda: self.slope(lambda d: sp.Integer(int(d == 0))),
            "atom_2": lambda: self.slope(lambda d: sp.Integer(int(abs(d) == 1))),
            "spread": lambda: self.mu[1] / self.mu[0] ** 2 - 1,
            "derivative_mgf": lambda: self.slope_mgf(self.at),
            "derivative_s_transform": lambda: self.slope_s,
            "weights_s_transform": lambda: self.weight_s,
            "s_transform": lambda: self.s_transform,
            "inverse_mgf": lambda: (1 + self.at) / (self.at * self.s_transform),
            "moment_1": lambda: self.moments(s)[0],
            "moment_2": lambda: self.moments(s)[1],
            "variance": lambda: self.variance(s),
            "variance_at_criticality": lambda: self.variance(1 / self.mu[0]),
            "edge_lower": lambda: mp.mpf(0),
            "edge_upper": self.upper_edge,
            "jacobian_atom_1": lambda: self.slope(lambda d: sp.Integer(int(d == 0))),
            "residual_cumulant": lambda: s * self.mu[0],
            "residual_s_transform": lambda: mp.exp(-self.c * (1 + 2 * self.at)),
            "residual_moment_1": lambda: self.residual_moment(1),
            "residual_moment_2": lambda: self.residual_moment(2),
            "residual_variance": lambda: self.residual_moment(2) - self.residual_moment(1) ** 2,
            "residual_condition_number": self.condition,
        }


# Checked on their own below: not numbers.
FORMULAS = {"phi", "slope", "curvature", "breakpoints", "residual_green_equation"}


@pytest.mark.parametrize(
    ("name", "count"), [("relu", 32), ("hard_tanh", 32), ("gelu", 18)], ids=str
)
def test_every_closed_form_agrees_with_its_definition(name: str, count: int) -> None:
    data = json.loads(as_json(theory(name)))
    closed = [
        quantity
        for section in data["sections"]
        for quantity in section["quantities"]
        if quantity["closed_form"] and quantity["name"] not in FORMULAS
    ]
    assert len(closed) == count
    with mp.workdps(DIGITS):
        oracles = Witness(name).oracles()
        for quantity in closed:
            value = sp.sympify(quantity["sympy"], locals=READABLE).subs(POINT)
            expected = oracles[quantity["name"]]()
            found = mpmath.mpmathify(sp.N(value, DIGITS))
            assert mpmath.almosteq(found, expected, 1e-14, 1e-14), (
                quantity["name"],
                found,
                expected,
            )


@pytest.mark.parametrize("name", ["relu", "hard_tanh", "gelu", "elu", "selu"])
def test_derivatives_agree_with_steins_identity(name: str) -> None:
    phi, found = activation(name).function, theory(name)
    factors = {"slope": x / VARIANCE, "curvature": x**2 / VARIANCE**2 - 1 / VARIANCE}
    values = activation(name).defaults
    for key, factor in factors.items():
        direct = gaussian_mean(decompose(found[key].value), VARIANCE, DIGITS, values)
        by_parts = gaussian_mean(phi.map(lambda e, f=factor: e * f), VARIANCE, DIGITS, values)
        assert mpmath.almosteq(direct, by_parts, 1e-20, 1e-20)
    assert found["breakpoints" if name != "gelu" else "phi"].closed_form


def test_breakpoints_are_where_the_slope_jumps() -> None:
    assert theory("hard_tanh")["breakpoints"].value == sp.FiniteSet(-1, 1)
    with pytest.raises(KeyError):
        theory("gelu")["breakpoints"]


def test_greens_equation_is_that_of_the_paper() -> None:
    found = theory("relu")["residual_green_equation"].value
    green = sp.Symbol("G")
    # Tarnowski et al. (2019), section II.1
    expected = (z * green - 1) * sp.exp(cumulant * (1 - 2 * z * green))
    assert found.lhs == green
    assert sp.simplify(found.rhs - expected) == 0


@pytest.mark.parametrize("name", ["where(x>0, x, 3*x/10)", "relu", "hard_tanh", "linear"])
def test_piecewise_linear_activations_keep_the_depth_symbolic(name: str) -> None:
    gaussian, orthogonal = theory(name), derive(name, weights="orthogonal")
    for found, spread in ((gaussian, 1), (orthogonal, 0)):
        value = found["variance_at_criticality"].value
        slopes = [found[f"mu_{k}"].value for k in (1, 2)]
        # theory: L (μ₂/μ₁² − 1 − s₁), with s₁ = −1 for Gaussian and 0 for orthogonal weights
        assert sp.simplify(value - depth * (slopes[1] / slopes[0] ** 2 - 1 + spread)) == 0


@pytest.mark.parametrize("name", names())
def test_every_library_activation_is_derived_and_written(name: str) -> None:
    found = theory(name)
    text, data = as_text(found), json.loads(as_json(found))
    assert text.startswith(f"{found.phi.name}, gaussian weights, depth L\n")
    assert max(map(len, text.splitlines())) <= 100
    assert "Expectation" not in text
    assert not re.search(r"\d{15}", text)
    listed = [quantity for section in data["sections"] for quantity in section["quantities"]]
    assert len({quantity["name"] for quantity in listed}) == len(listed)
    for quantity in listed:
        if quantity["closed_form"]:
            assert "Expectation" not in quantity["sympy"]
            assert not quantity["note"]
        else:
            assert quantity["note"]


def test_json_is_exact() -> None:
    found = theory("selu")
    data = json.loads(as_json(found))
    written = {q["name"]: q for section in data["sections"] for q in section["quantities"]}
    assert sp.sympify(written["mu_1"]["sympy"], locals=READABLE) == found["mu_1"].value
    assert written["mu_1"]["latex"] == sp.latex(found["mu_1"].value)


def test_what_does_not_close_says_why_and_stays_exact() -> None:
    found = theory("tanh")
    square = found["second_moment"]
    assert isinstance(square.value, Expectation)
    assert not square.closed_form
    assert square.note == "no closed form: tanh(x)**2 is outside the class"
    assert found["mean"].closed_form
    for name in ("length_map", "chi", "variance", "derivative_s_transform", "edge_upper"):
        assert not found[name].closed_form
        assert found[name].note.startswith("no closed form: ")
    text = as_text(found)
    assert "V(q) = σ_b  + σ_w ⋅E[φ²]" in text
    assert "* mean square" in text


def test_series_are_those_of_the_moments() -> None:
    found = derive("tanh", depth=LAYERS)["inverse_mgf"].value.removeO()
    # M⁻¹ = m_1/z + (m_2/m_1) + …, with the moments of a free product
    mu, scale = (mp.mpf(3) / 10, mp.mpf(1) / 5), mp.mpf(36) / 25
    law = (mp.mpf(1), mp.mpf(1))
    for _ in range(LAYERS):
        law = product(product(law, mu), (scale, 2 * scale**2))
    values = {symbols.mu1: sp.Rational(3, 10), symbols.mu2: sp.Rational(1, 5)}
    laurent = sp.expand(found.subs(values | {sigma_w: sp.Rational(6, 5)}) * z)
    assert mpmath.almosteq(mp.mpf(laurent.coeff(z, 0)), law[0], 1e-12)
    assert mpmath.almosteq(mp.mpf(laurent.coeff(z, 1)), law[1] / law[0], 1e-12)


def test_a_jump_stops_only_what_it_concerns() -> None:
    found = derive("sign(x)")
    assert found["second_moment"].value == 1
    assert found["length_map"].value == sigma_b**2 + sigma_w**2
    for name in ("chi", "mu_1", "s_transform", "residual_cumulant", "critical_sigma_w2"):
        assert found[name].value is None
        assert "jumps at x = 0" in found[name].note
    assert "χ  —" in as_text(found)


def test_fixed_points_are_where_the_length_map_returns() -> None:
    found = derive("tanh", scales=(sp.Rational(3, 2), sp.Rational(1, 10)))
    point, slope = found["fixed_point_1"], found["fixed_point_1_slope"]
    assert not point.closed_form
    square = gaussian_mean(activation("tanh").function ** 2, point.value, 20)
    assert mpmath.almosteq(mp.mpf("2.25") * square + mp.mpf("0.01"), mp.mpf(point.value), 1e-13)
    assert point.note == "numerical; stable"
    assert abs(slope.value) < 1
    # at q* the slope of tanh has the mean square χ/σ_w²
    squared = gaussian_mean(activation("tanh").distribution(1) ** 2, point.value, 20)
    assert mpmath.almosteq(
        mp.mpf("2.25") * squared, mp.mpf(found["fixed_point_1_chi"].value), 1e-13
    )


def test_lengths_without_fixed_point_say_so() -> None:
    growing = derive("relu", scales=(sp.Integer(2), sp.Integer(1)))["fixed_points"]
    assert growing.value is None
    assert "grow without bound" in growing.note
    critical = derive("relu", scales=(sp.sqrt(2), sp.Integer(0)))["fixed_points"]
    assert "every q" in critical.note


@pytest.mark.parametrize(
    "scales", [(sp.Integer(-1), 0), (sp.Integer(0), 0), (1, -1), (sp.nan, 0), (sp.oo, 0), (x, 0)]
)
def test_scales_out_of_range_are_refused(scales: tuple[object, object]) -> None:
    with pytest.raises(DomainError):
        derive("relu", scales=tuple(sp.sympify(scale) for scale in scales))


def test_fixed_points_need_values_for_all_parameters() -> None:
    with pytest.raises(DomainError, match="value for the parameter a"):
        derive("where(x>0, x, a*x)", scales=(sp.Integer(1), sp.Integer(0)))


def test_unknown_weights_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="orthogonal"):
        derive("relu", weights="orthogonl")


def test_stages_are_announced_in_order() -> None:
    heard: list[str] = []
    derive("linear", announce=heard.append)
    assert heard == [
        "activation",
        "Gaussian expectations",
        "mean field",
        "two inputs",
        "law of D²",
        "weights",
        "Jacobian",
        "residual network",
    ]


def latex_environments(text: str) -> list[str]:
    return re.findall(r"\\begin\{align\*\}\n(.*?)\n\\end\{align\*\}", text, re.DOTALL)


@pytest.mark.parametrize("name", ["gelu", "tanh", "hard_tanh", "sign(x)", "elu(alpha)"])
def test_latex_is_balanced(name: str) -> None:
    found: Derivation = theory(name)
    text = as_latex(found)
    environments = latex_environments(text)
    with_values = [s for s in found.sections if any(q.value is not None for q in s.quantities)]
    assert len(environments) == text.count("align*") / 2 == len(with_values)
    for body in environments:
        assert body.count("{") == body.count("}")
        assert len(re.findall(r"\\left\b", body)) == len(re.findall(r"\\right\b", body))
        assert "\n\n" not in body
        assert body.isascii()
        assert not body.rstrip().endswith("\\\\")
    outside = re.sub(r"\\begin\{align\*\}.*?\\end\{align\*\}", "", text, flags=re.DOTALL)
    for line in filter(None, outside.splitlines()):
        assert line.startswith(("%", r"\paragraph{"))


def test_long_constants_are_shortened_in_text_alone() -> None:
    found = theory("selu")
    text = as_text(found)
    assert "φ′(x) ≈" in text
    assert "1.758099341" in text
    assert "κ =" in text
