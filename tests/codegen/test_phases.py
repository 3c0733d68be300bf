"""Solver kernels against iteration of the maps, dense scans, the exact side and mpmath."""

from __future__ import annotations

import ast
import math
import os
import subprocess
import sys
from functools import cache

import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf

import freejac as fj
from freejac.codegen.activation_modules import activation_dual_module, activation_module
from freejac.codegen.load import load_text
from freejac.codegen.phases import origin, phase_module, phase_record
from freejac.codegen.record import KernelRecord, ModuleRecord
from freejac.codegen.render import render
from freejac.phase_kernels import Phase, Stability, Status
from freejac.symbolic.bivariate_quadrature import gaussian_mean2
from freejac.symbolic.errors import DomainError
from freejac.symbolic.mean_curve import MeanCurve

PLANE = [
    (0.5, 0.0),
    (0.9, 0.1),
    (1.2, 0.0),
    (1.2, 0.3),
    (1.6, 0.2),
    (2.0, 1.0),
    (2.2, 0.05),
    (0.95, 2.0),
]


@cache
def kernels(name):
    return fj.kernels(name)


def finite(found, place=()):
    """The finite fixed points at one place: (q, V′, stability)."""
    rows = zip(
        found.q[place].tolist(),
        found.slope[place].tolist(),
        found.stability[place].tolist(),
        strict=True,
    )
    return [row for row in rows if row[2] != Stability.NONE and row[0] < math.inf]


def excess(name, q, sigma_w, sigma_b):
    """V(q)/q − 1 from the definition."""
    square = fj.activation(name).function ** 2
    with mp.workdps(30):
        mean = MeanCurve([(square, 1)], {}, 25)(q)[0]
        return (mpf(sigma_w) ** 2 * mean + mpf(sigma_b) ** 2) / mpf(q) - 1


def iterated(k, start, sigma_w, sigma_b, layers=3000):
    q = start
    for _ in range(layers):
        q = float(k.length_map(min(max(q, 1e-12), 1e12), sigma_w, sigma_b))
    return q


@pytest.mark.parametrize("name", ["erf", "tanh"])
def test_fixed_points_solve_the_definition(name):
    for sigma_w, sigma_b in PLANE:
        for q, slope, _ in finite(kernels(name).fixed_points(sigma_w, sigma_b)):
            if q:
                assert abs(excess(name, q, sigma_w, sigma_b)) < 4e-15
                near = [excess(name, q * (1 + h), sigma_w, sigma_b) for h in (-1e-6, 1e-6)]
                assert float((near[1] - near[0]) / mpf(2e-6)) == pytest.approx(slope - 1, abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gelu", "hard_tanh", "sin"])
def test_fixed_points_are_those_of_the_exact_side(name):
    for sigma_w, sigma_b in PLANE:
        exact = fj.MeanField(name).fixed_points(sigma_w, sigma_b)
        found = finite(kernels(name).fixed_points(sigma_w, sigma_b))
        assert len(found) == len(exact)
        for (q, slope, stability), point in zip(found, exact, strict=True):
            assert q == pytest.approx(point.q, rel=1e-11, abs=0.0)
            assert slope == pytest.approx(point.slope, rel=1e-9, abs=1e-11)
            assert (stability == Stability.STABLE) == point.stable


def test_depth_scales_are_those_of_the_exact_side():
    for sigma_w, sigma_b in PLANE:
        exact = fj.MeanField("erf").depth_scales(sigma_w, sigma_b)
        found = kernels("erf").phase(sigma_w, sigma_b)
        assert found.status == Status.RESOLVED
        for ours, theirs in zip(
            (found.q, found.c, found.xi_q, found.xi_c),
            (exact.q, exact.c, exact.xi_q, exact.xi_c),
            strict=True,
        ):
            assert float(ours) == pytest.approx(theirs, rel=1e-11, abs=1e-14)


@settings(max_examples=40, deadline=None)
@given(st.floats(0.3, 4), st.floats(0, 2), st.floats(-6, 6))
def test_the_length_that_is_reached_is_the_limit_of_iteration(sigma_w, sigma_b, exponent):
    k = kernels("erf")
    found = k.phase(sigma_w, sigma_b, 10.0**exponent)
    if found.status == Status.RESOLVED and abs(found.slope - 1) > 0.02:
        assert iterated(k, 10.0**exponent, sigma_w, sigma_b) == pytest.approx(
            float(found.q), rel=1e-10, abs=2e-12
        )


@settings(max_examples=40, deadline=None)
@given(st.floats(1.0, 4), st.floats(0, 2))
def test_inputs_that_part_reach_c(sigma_w, sigma_b):
    """In the chaotic phase c* is the limit of the correlation map, iterated from below."""
    k = kernels("erf")
    found = k.phase(sigma_w, sigma_b)
    if found.phase != Phase.CHAOTIC or found.chi < 1.02:
        return
    followed = k.feed_forward(2000, sigma_w, sigma_b, found.q, 0.0)
    assert followed.c[-1] == pytest.approx(float(found.c), abs=1e-10)
    ratio = np.diff(followed.c)
    steps = ratio[:-1][np.abs(ratio[1:]) > 1e-9]
    if steps.size > 8:
        rate = ratio[steps.size - 1] / ratio[steps.size - 2]
        assert math.exp(-1 / found.xi_c) == pytest.approx(rate, rel=1e-3)


@pytest.mark.parametrize("q", [0.02, 0.7, 20.0])
def test_next_to_the_critical_line_c_leaves_1(q):
    """𝒞″(1) = σ_w² q E[φ″²] is 4q²/(1 + 4q) for erf at χ = 1: so 1 − c* ~ (χ − 1)(1 + 4q)/(2q²)."""
    k = kernels("erf")
    weight = mpf(math.pi) * mpmath.sqrt(4 * mpf(q) + 1) / 4
    for step in np.multiply((1e-4, 1e-6, 1e-8), q**2).tolist():
        sigma_w = float(mpmath.sqrt(weight * (1 + step)))
        sigma_b = math.sqrt(q - float(k.length_map(q, sigma_w, 0)))
        found = k.phase(sigma_w, sigma_b)
        chi, tolerance = float(found.chi), 3e-12 / step + 20 * step * (1 + q**-2)
        assert found.phase == Phase.CHAOTIC
        assert (1 - found.c) / (chi - 1) == pytest.approx((1 + 4 * q) / (2 * q**2), rel=tolerance)
        assert found.xi_c * (chi - 1) == pytest.approx(1, rel=tolerance)


@settings(max_examples=60)
@given(
    st.sampled_from([-1.0, 1.0]),
    st.floats(-9.5, -2.0),
    st.one_of(st.none(), st.floats(-9.0, -1.0)),
)
def test_what_is_said_of_digits_next_to_criticality(side, step, bias):
    """erf at σ_w² = π/4 (1 ± 10^step), in 50 digits from the arcsine formulas of its means."""
    sigma_w = float(mpmath.sqrt(mp.pi / 4 * (1 + side * mpf(10) ** step)))
    sigma_b = 0.0 if bias is None else 10.0**bias
    found = kernels("erf").phase(sigma_w, sigma_b)
    if found.status != Status.RESOLVED or found.phase == Phase.CRITICAL or found.q == 0.0:
        return
    with mp.workdps(50):
        weight, c = mpf(sigma_w) ** 2, mpf(1)

        def both(q, c):
            return weight * 2 / mp.pi * mpmath.asin(2 * q * c / (1 + 2 * q)) + mpf(sigma_b) ** 2

        def slopes(q, c):
            return 4 * weight / mp.pi / mpmath.sqrt((1 + 2 * q) ** 2 - (2 * q * c) ** 2)

        guess = mpmath.log(mpf(float(found.q)))
        q = mpmath.exp(mpmath.findroot(lambda t: both(mpmath.exp(t), 1) / mpmath.exp(t) - 1, guess))
        chi = slopes(q, c)
        incline = chi / (1 + 2 * q)
        if found.phase == Phase.CHAOTIC:
            gap = 1 - mpf(float(found.c))
            gap = mpmath.findroot(
                lambda g: (both(q, 1) - both(q, 1 - g)) / (q * g) - 1, (gap, gap * mpf("1.1"))
            )
            c = 1 - gap
            assert abs((1 - mpf(float(found.c))) / gap - 1) <= 2e-13 / abs(1 - chi) + 1e-16 / gap
        assert abs(mpf(float(found.q)) / q - 1) <= 2e-13 / abs(1 - incline)
        for ours, slope in ((found.xi_q, incline), (found.xi_c, slopes(q, c))):
            exact = -1 / mpmath.log(slope)
            assert abs(mpf(float(ours)) / exact - 1) <= 2e-13 * (1 + exact)


@pytest.mark.parametrize("q", [0.01, 0.5, 5.0, 300.0])
def test_the_critical_line(q):
    weight, bias = (side.subs(fj.q, sp.Rational(q)) for side in fj.MeanField("erf").critical_line())
    sigma_w, sigma_b = (float(sp.sqrt(side).evalf(30)) for side in (weight, bias))
    found = kernels("erf").phase(sigma_w, sigma_b)
    assert found.phase == Phase.CRITICAL
    assert (found.c, found.xi_c) == (1, math.inf)
    assert float(found.q) == pytest.approx(q, rel=1e-11, abs=0.0)


def test_a_length_map_that_is_the_identity():
    found = kernels("relu").fixed_points(math.sqrt(2), 0)
    assert (found.status, found.count) == (Status.INTERVAL, 1)
    assert (found.q[0], found.q_end[0], found.stability[0]) == (0, math.inf, Stability.MARGINAL)
    at = kernels("relu").phase(math.sqrt(2), 0, [0.1, 7.0])
    assert at.q.tolist() == [0.1, 7.0]
    assert (at.status == Status.INTERVAL).all()
    assert (at.phase == Phase.CRITICAL).all()


def test_lengths_without_bound():
    k = kernels("relu")
    found = k.fixed_points([1.5, 1.5, 1.0], [0.1, 0.0, 0.1])
    assert found.status.tolist() == [Status.DIVERGES, Status.RESOLVED, Status.RESOLVED]
    assert found.q.tolist()[:2] == [[math.inf, pytest.approx(math.nan, nan_ok=True)], [0, math.inf]]
    assert found.stability.tolist() == [[1, 0], [3, 1], [1, 0]]
    reached = k.phase(1.5, 0.1)
    assert (reached.q, reached.status, reached.phase) == (math.inf, Status.DIVERGES, Phase.NONE)
    assert math.isnan(reached.chi)


def test_beyond_the_domain_nothing_is_guessed():
    """ReLU, V = σ_w² q/2 + σ_b²: q* = 10⁶/(1 − σ_w²/2) is 10¹³."""
    k, sigma_w = kernels("relu"), math.sqrt(2 * (1 - 1e-7))
    assert k.fixed_points(sigma_w, 1e3).status == Status.BEYOND
    found = k.phase(sigma_w, 1e3)
    assert found.status == Status.BEYOND
    assert math.isnan(found.q)


def test_lengths_below_the_table():
    """Without a bias V is linear at 0: q* = σ_b²/(1 − σ_w² s), here with s = 4/π."""
    found = kernels("erf").phase(0.5, 1e-9)
    assert found.status == Status.RESOLVED
    assert float(found.q) == pytest.approx(1e-18 / (1 - 1 / math.pi), rel=1e-14, abs=0.0)


@pytest.mark.parametrize(
    ("sigma_w", "sigma_b", "q0"),
    [(math.nan, 0, 1), (1e-4, 0, 1), (1, -0.1, 1), (1, 1e4, 1), (1, 0, 0), (1, 0, math.inf)],
)
def test_arguments_outside_their_domain(sigma_w, sigma_b, q0):
    found = kernels("erf").phase(sigma_w, sigma_b, q0)
    assert (found.status, found.phase) == (Status.INVALID, Phase.NONE)
    assert math.isnan(found.q)
    assert math.isnan(found.c)


def test_parameters():
    """Leaky ReLU, V = σ_w²(1 + a²)q/2 + σ_b²."""
    slopes = np.array([0.0, 0.3, -0.5])
    found = fj.kernels("leaky_relu").phase(1.1, 0.2, a=slopes)
    assert found.q == pytest.approx(0.04 / (1 - 1.21 * (1 + slopes**2) / 2), rel=1e-14, abs=0.0)
    assert fj.kernels("leaky_relu(3/10)").phase(1.1, 0.2).q == found.q[1]


def test_what_is_not_a_number_is_refused():
    with pytest.raises(DomainError, match="sigma_w"):
        kernels("erf").phase("wide", 0)
    for depth in (0, 1.5, True, 10**7):
        with pytest.raises(DomainError, match="depth"):
            kernels("erf").propagate(depth, 1, 0, 1)


def test_a_result_depends_on_its_place_alone():
    k = kernels("erf")
    sigma_w, sigma_b = np.meshgrid(np.linspace(0.8, 1.6, 23), np.linspace(0, 0.4, 17))
    whole = k.phase(sigma_w, sigma_b)
    for i, j in ((0, 0), (5, 7), (16, 22)):
        alone = k.phase(sigma_w[i, j], sigma_b[i, j])
        for name in ("q", "slope", "chi", "c", "xi_q", "xi_c", "phase", "status"):
            np.testing.assert_array_equal(getattr(whole, name)[i, j], getattr(alone, name))
    chunk = k.phase(sigma_w[3:5, 2:9], sigma_b[3:5, 2:9])
    np.testing.assert_array_equal(chunk.xi_c, whole.xi_c[3:5, 2:9])


STAIRS = """
@njit(error_model="numpy")
def _step(q, a):
    t = a / math.sqrt(2.0 * q)
    return math.erf(t) - 2.0 * t * math.exp(-t * t) / math.sqrt(math.pi) if t > 0.01 else (
        4.0 * t**3 / (3.0 * math.sqrt(math.pi)) * (1.0 - 0.6 * t * t + 3.0 * t**4 / 14.0)
    )


@njit(error_model="numpy")
def _clipped(q, a):
    return q * _step(q, a) + a * a * math.erfc(a / math.sqrt(2.0 * q))


@njit(error_model="numpy")
def _second_moment(q):
    middle, far = _clipped(q, 900.0) - _clipped(q, 30.0), _clipped(q, 1e6) - _clipped(q, 3e4)
    return _clipped(q, 1.0) + 0.9 * middle + 0.8 * far


@njit(error_model="numpy")
def _second_moment_slope(q):
    middle, far = _step(q, 900.0) - _step(q, 30.0), _step(q, 1e6) - _step(q, 3e4)
    return _step(q, 1.0) + 0.9 * middle + 0.8 * far
"""


def stairs(tmp_path):
    """The solvers on φ² = min(x², 1) + …, which rises three times: E[min(h², a²)] is `_clipped`."""
    phi = fj.activation("hard_tanh")
    means, full = activation_module(phi), ("1e-12", "1e12")
    module = phase_module(phi, means, None)
    known = {k.name: KernelRecord(full, full) for k in means.kernels}
    text = render(module, phase_record(module, ModuleRecord(kernels=known)))
    for name in ("_second_moment", "_second_moment_slope"):
        text = text.replace(f"def {name}(q):", f"def _unused{name}(q):")
    marker = "# A table holds"
    assert text.count(marker) == 1
    return load_text(text.replace(marker, f"{STAIRS}\n\n{marker}"), tmp_path)


def test_many_fixed_points(tmp_path):
    """Every crossing of V(q) = q that a dense scan sees, and no other; iteration reaches one."""
    k = stairs(tmp_path)
    q = np.geomspace(1e-12, 1e12, 40_001)
    square = np.array([k._second_moment(at) for at in q])
    draw, most = np.random.default_rng(1), 0
    for _ in range(200):
        sigma_w, sigma_b = float(np.exp(draw.uniform(-0.3, 1.2))), float(draw.choice([0, 0.05, 40]))
        excess = sigma_w**2 * square + sigma_b**2 - q
        seen = q[:-1][excess[:-1] * excess[1:] < 0]
        found, *_, stability, _, _ = k.fixed_points(sigma_w, sigma_b)
        found = found[(stability > 0) & (found > 1e-12) & (found < math.inf)]
        assert found == pytest.approx(seen, rel=2e-3)
        most = max(most, found.size)
        start = reached = 10.0 ** draw.uniform(-6, 9)
        limit, slope = k.phase(sigma_w, sigma_b, start)[:2]
        for _ in range(2000):
            reached = sigma_w**2 * k._second_moment(min(max(reached, 1e-12), 1e12)) + sigma_b**2
        assert abs(slope - 1) < 0.02 or reached == pytest.approx(float(limit), rel=1e-6, abs=1e-10)
    assert most == 5


@pytest.mark.slow
def test_a_pair_of_fixed_points_is_born():
    """At the half-stable critical point of GELU two fixed points merge."""
    (point,) = [p for p in fj.MeanField("gelu").critical_points() if p.q != 0]
    sigma_w, sigma_b, q = (float(sp.N(v, 20)) for v in (point.sigma_w, point.sigma_b, point.q))
    k = kernels("gelu")
    touching = finite(k.fixed_points(sigma_w, sigma_b))
    # Below the one that is half-stable there is another.
    assert [s for _, _, s in touching] == [Stability.STABLE, Stability.MARGINAL]
    assert touching[1][0] == pytest.approx(q, rel=1e-5)
    for shift, kinds in ((-1e-9, [1]), (1e-9, [1, 3, 1])):
        found = finite(k.fixed_points(sigma_w, sigma_b + shift))
        assert [s for _, _, s in found] == kinds
        for at, _, _ in found:
            assert abs(excess("gelu", at, sigma_w, sigma_b + shift)) < 1e-14


def test_residual_network_against_the_exact_side():
    exact = fj.ResNet("erf", skip=sp.Rational(9, 10)).propagate(12, 1.3, 0.2, 0.8, mean=0.5)
    found = kernels("erf").propagate(12, 1.3, 0.2, 0.8, skip=0.9, mean=0.5)
    for name in ("q", "mean", "second_moment", "cumulants"):
        assert getattr(found, name) == pytest.approx(getattr(exact, name), rel=1e-14, abs=0.0)
    assert found.effective_cumulant == pytest.approx(exact.effective_cumulant, rel=1e-14, abs=0.0)


@pytest.mark.slow
def test_residual_network_of_100_000_layers():
    """ReLU in 40 digits: E[φ] = √(q/2π), E[φ²] = q/2, E[φ′²] = 1/2."""
    depth, sigma_w, sigma_b, q1, skip = 100_000, 0.02, 0.3, 0.9, 0.9999
    found = kernels("relu").propagate(depth, sigma_w, sigma_b, q1, skip=skip)
    assert found.status == Status.RESOLVED
    with mp.workdps(40):
        share, bias, kept = mpf(sigma_w) ** 2 / depth, mpf(sigma_b) ** 2, mpf(skip)
        variance, centre = mpf(q1), mpf(0)
        square = (variance - bias) / share
        for layer in range(depth):
            assert layer % 9973 or abs(found.q[layer] / variance - 1) < 1e-13
            shift = mpmath.sqrt(variance / (2 * mp.pi))
            square = variance / 2 + kept * (2 * shift * centre + kept * square)
            centre = shift + kept * centre
            variance = share * square + bias
    assert abs(found.mean[-1] / centre - 1) < 1e-13
    assert abs(found.second_moment[-1] / square - 1) < 1e-13
    assert found.effective_cumulant == pytest.approx(sigma_w**2 / 2, rel=1e-14, abs=0.0)


def test_a_signal_that_leaves_the_domain():
    found = kernels("linear").propagate(1000, 1, 0, 1, skip=1.1)
    assert found.status == Status.BEYOND
    inside = int(np.isfinite(found.q).sum())
    assert 100 < inside < 200
    assert np.isnan(found.q[inside:]).all()
    assert math.isnan(found.effective_cumulant)


def test_without_a_dual_c_is_that_of_the_closed_form(tmp_path):
    """Hard tanh, kinks at ±1: polynomials made for the lengths in question, against its dual."""
    phi, full = fj.activation("hard_tanh"), ("1e-12", "1e12")
    means = activation_module(phi)
    module = phase_module(phi, means, None)
    known = {k.name: KernelRecord(full, full) for k in means.kernels}
    k = load_text(render(module, phase_record(module, ModuleRecord(kernels=known))), tmp_path)
    sigma_w = np.array([1.02, 1.1, 1.4, 2.0, 3.0, 30.0, 1.5, 2.0])
    sigma_b = np.array([1e-4, 1e-3, 0.1, 0.0, 1e-6, 2.0, 0.5, 0.9])
    ours, theirs = k.phase(sigma_w, sigma_b), kernels("hard_tanh").phase(sigma_w, sigma_b)
    assert (theirs.phase == Phase.CHAOTIC).all()
    assert (theirs.c > 0.5).any()
    assert (ours[7] == Status.RESOLVED).all()
    loss = 1 / np.abs(1 - np.exp(-1 / theirs.xi_c))
    assert (np.abs(ours[3] - theirs.c) <= 2e-14 * loss * np.maximum(theirs.c, 1e-16)).all()
    assert ours[5] == pytest.approx(theirs.xi_c, rel=1e-11, abs=0.0)
    # Where no polynomial is good enough nothing is said.
    k._cell_of = lambda *_: (np.empty((0, 2, k._DEGREES, k._LENGTHS)), np.empty((0, 2)), 1.0, 0)
    *_, c, _, xi_c, phase, status = k.phase(1.4, 0.1)
    assert (phase, status) == (Phase.CHAOTIC, Status.UNRESOLVED)
    assert np.isnan([c, xi_c]).all()


@pytest.mark.slow
def test_c_of_an_expression_solves_the_definition():
    phi = fj.activation("tanh(3*x/2) + abs(x)/5")
    sigma_w, sigma_b = np.array([1.2, 3.0]), np.array([0.1, 0.3])
    found = fj.kernels("tanh(a*x) + abs(x)/5").phase(sigma_w, sigma_b, a=1.5)
    assert (found.status == Status.RESOLVED).all()
    for i in range(2):
        q, c = float(found.q[i]), float(found.c[i])
        weight, bias = mpf(sigma_w[i]) ** 2, mpf(sigma_b[i]) ** 2
        product = gaussian_mean2(phi.function, phi.function, q, q, c, 20)
        slopes = gaussian_mean2(phi.distribution(1), phi.distribution(1), q, q, c, 20)
        assert abs((weight * product + bias) / q - c) < 5e-15
        assert math.exp(-1 / found.xi_c[i]) == pytest.approx(
            float(weight * slopes), rel=3e-14, abs=0.0
        )


@pytest.mark.parametrize("name", ["relu", "erf", "leaky_relu"])
@pytest.mark.parametrize("closed", [True, False])
def test_no_name_of_a_module_hides_another(name, closed):
    """The solvers, the helpers and the kernels share one file."""
    phi, full = fj.activation(name), ("1e-12", "1e12")
    means = activation_module(phi)
    module = phase_module(phi, means, activation_dual_module(phi) if closed else None)
    known = {k.name: KernelRecord(full if closed else None, full) for k in means.kernels}
    text = render(module, phase_record(module, ModuleRecord(kernels=known)))
    names = [node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    assert len(names) == len(set(names))
    assert {"phase", "fixed_points", "propagate", "feed_forward"} <= set(names)


def test_the_side_of_0_has_to_be_known():
    phi = fj.activation("relu(x - t)")
    with pytest.raises(DomainError, match="which side of 0"):
        phase_module(phi, activation_module(phi), None)
    assert origin(fj.activation("relu(x - t)", positive=["t"])) == (0, 0)
    assert origin(fj.activation("relu(x + t)", positive=["t"]))[1] == 1


@pytest.mark.slow
def test_processes_that_compile_at_the_same_time_do_not_harm_each_other(tmp_path):
    """What they leave in the cache is whole, whatever each had compiled before."""
    program = (
        "import sys, time; from numba import njit; import freejac as fj\n"
        "for _ in range(int(sys.argv[1])): njit(lambda x: x)(1.0)\n"
        "time.sleep(0.2 * int(sys.argv[1]))\n"
        "print(fj.kernels('relu').fixed_points(1.0, 1.0).q.tolist())"
    )
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}

    def started(before):
        command = [sys.executable, "-c", program, str(before)]
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)

    for group in ([0, 5], [1]):
        for process in [started(before) for before in group]:
            assert process.communicate()[0] == "[2.0]\n"
            assert process.returncode == 0
