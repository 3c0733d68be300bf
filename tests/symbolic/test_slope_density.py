"""One layer of orthogonal weights: φ′(h)² pushed forward, against Gaussian probabilities."""

from __future__ import annotations

import math

import mpmath
import pytest
import sympy as sp
from mpmath import mp

from freejac.symbolic.activation import activation
from freejac.symbolic.errors import DomainError
from freejac.symbolic.jacobian import Jacobian
from freejac.symbolic.slope_density import SlopeDensity


def probability(law: SlopeDensity, low: float, high: float) -> float:
    """∫ ρ between two values of no singularity, by mpmath."""
    with mp.workdps(15):
        return float(mpmath.quad(lambda t: law.density([t])[0], [low, high]))


def test_tanh_by_its_inverse() -> None:
    law = SlopeDensity(activation("tanh"), 2, sp.Rational(9, 4))

    def below(lam: float) -> float:
        """P(σ_w² sech⁴ h ≤ λ)."""
        place = math.acosh((2.25 / lam) ** 0.25)
        return math.erfc(place / 2)

    assert probability(law, 0.2, 1.5) == pytest.approx(below(1.5) - below(0.2), rel=1e-12, abs=0.0)
    assert [float(e) for e in law.support[0]] == [0.0, 2.25]


@pytest.mark.parametrize("name", ["gelu", "swish", "softplus", "erf"])
def test_a_piece_of_the_law_is_a_gaussian_probability(name: str) -> None:
    phi = activation(name)
    law = SlopeDensity(phi, 1, 1)
    slope = sp.lambdify(*phi.derivative(1).free_symbols, phi.derivative(1), "mpmath")
    low, high = 0.3, 0.6  # between the singular values of all of these
    with mp.workdps(15):
        # the share of h with low < φ′(h)² < high: a sum over fine cells, with their edges refined
        cells = [mp.mpf(-9) + mp.mpf(18) * k / 4000 for k in range(4001)]
        inside = [low < slope(h) ** 2 < high for h in cells]
        expected = mp.zero
        for (a, at_a), (b, at_b) in zip(
            zip(cells, inside, strict=True), list(zip(cells, inside, strict=True))[1:], strict=False
        ):
            if at_a != at_b:
                goal = low if (slope(a) ** 2 - low) * (slope(b) ** 2 - low) < 0 else high
                root = mpmath.findroot(
                    lambda h, g=goal: slope(h) ** 2 - g, (a, b), solver="anderson"
                )
                expected += (1 if at_a else -1) * mp.ncdf(root)
    assert probability(law, low, high) == pytest.approx(float(expected), rel=1e-10, abs=0.0)


def test_the_jacobian_of_one_orthogonal_layer_has_it() -> None:
    network = Jacobian("gelu", "orthogonal", depth=1)
    density = network.density([0.5, 3.0, 0.01], q=1, sigma_w=1)
    assert density[1] == 0.0
    assert density[0] == pytest.approx(
        float(SlopeDensity(activation("gelu"), 1, 1).density([0.5])[0])
    )
    # φ′ has a minimum of −0.129 and a maximum of 1.129: at ∓√2
    ends = [end for interval in network.support(q=1) for end in interval]
    extreme = [
        (0.5 * math.erfc(x / 2**0.5) - x * math.exp(-x * x / 2) / (2 * math.pi) ** 0.5) ** 2
        for x in (2**0.5, -(2**0.5))
    ]
    assert ends[1] == pytest.approx(min(extreme), rel=1e-12, abs=0.0)
    assert ends[-1] == pytest.approx(max(extreme), rel=1e-12, abs=0.0)


def test_digits() -> None:
    network = Jacobian("erf", "orthogonal", depth=1)
    few, many = (network.density([0.7], q=1, digits=digits)[0] for digits in (9, 40))
    assert few == pytest.approx(float(many), rel=1e-9)
    with mp.workdps(45):
        place = mp.sqrt(mp.log(4 / (mp.pi * mp.mpf(0.7))) / 2)
        expected = 2 * mp.npdf(place) / (4 * place * mp.mpf(0.7))
        assert abs(many / expected - 1) < mp.mpf(10) ** -38


def test_a_kinked_activation_keeps_its_atom_apart() -> None:
    network = Jacobian("elu", "orthogonal", depth=1)
    law = SlopeDensity(activation("elu"), 1, 4)
    assert network.atoms() == ((sp.Symbol("sigma_w", positive=True) ** 2, sp.Rational(1, 2)),)
    assert law.branches[0][1] == 0.0
    # φ′² = e^{2h} on h < 0
    place = math.log(0.25) / 2
    expected = math.exp(-(place**2) / 2) / math.sqrt(2 * math.pi) / (2 * 0.25) / 4
    assert float(law.density([1.0])[0]) == pytest.approx(expected, rel=1e-12, abs=0.0)


def test_singular_places_and_refusals() -> None:
    tanh, gelu = (SlopeDensity(activation(name), 1, 1) for name in ("tanh", "gelu"))
    assert tanh.density([1, 2, -1]) == [mp.inf, 0, 0]
    assert gelu.density([0]) == [mp.inf]
    with pytest.raises(DomainError, match="not decided"):
        tanh.density([0])
    with pytest.raises(DomainError, match="must be positive"):
        SlopeDensity(activation("tanh"), 0, 1)
    with pytest.raises(DomainError, match="digits"):
        SlopeDensity(activation("tanh"), 1, 1, digits=2000)


@pytest.mark.parametrize(("variance", "lam"), [(0.05, 1e-6), (1, 1e-40), (1e-4, 0.9)])
def test_far_tails(variance: float, lam: float) -> None:
    """Tanh: P(φ′² ≤ λ) = erfc(h/√(2q)), λ = sech⁴ h, however many standard deviations out."""
    law = SlopeDensity(activation("tanh"), variance, 1)
    with mp.workdps(30):
        q, place = mp.mpf(variance), mp.acosh(mp.mpf(lam) ** -0.25)
        expected = 2 * mp.npdf(place, 0, mp.sqrt(q)) / (4 * lam * mp.tanh(place))
        assert abs(law.density([lam])[0] / expected - 1) < 1e-14
        assert law.support == [(0, 1)]


@pytest.mark.parametrize(
    ("text", "ends"), [("x + x**3", (1, math.inf)), ("x + log(1 + exp(x))", (1, 4))]
)
def test_ends_of_the_law_and_not_of_what_is_met(text: str, ends: tuple[float, float]) -> None:
    assert Jacobian(text, "orthogonal", depth=1).support(q=1) == (ends,)
