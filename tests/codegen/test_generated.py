"""The committed kernels: standalone, broadcasting, nan outside, and as accurate as they say."""

from __future__ import annotations

import importlib
import math
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from mpmath import mp

from freejac.codegen.catalogue import CATALOGUE
from freejac.codegen.crosscheck import (
    POINTS,
    POINTS_BY_QUADRATURE,
    check_points,
    compare,
    references,
    worst,
)
from freejac.codegen.generate import LEDGER
from freejac.codegen.record import ModuleRecord, read_ledger
from freejac.codegen.residual_oracle import block_law, block_reference
from freejac.symbolic.library import names
from freejac.symbolic.residual_edges import support

ACTIVATIONS = names()
# Numba compiles a module when it is first imported: the others are run with the slow tests.
SAMPLE = ["hard_tanh", "tanh", "elu"]
SOME = [pytest.param(n, marks=() if n in SAMPLE else pytest.mark.slow, id=n) for n in ACTIVATIONS]
DENSITIES = {"gaussian_jacobian_density", "orthogonal_jacobian_density"}
ON_CURVES = {
    "contour_density": 12,
    "gaussian_slopes_density": 60,
    "orthogonal_slopes_density": 60,
    "residual_blocks_density": 60,
}
"""Densities that take a law as arrays, to 10 digits: how many points they are checked at."""
SPECTRA = {*DENSITIES, *ON_CURVES, "jacobian_moments", "resnet_density", "universality_density"}
PARAMETERS = {"elu": (1.0,), "leaky_relu": (0.25,), "smoothed_relu": (0.5,)}


@pytest.fixture(scope="module")
def records(repository: Path) -> dict[str, ModuleRecord]:
    return read_ledger(repository / "generated" / LEDGER)


def module_of(name: str) -> ModuleType:
    return importlib.import_module(f"freejac.generated.{name}")


def test_every_activation_of_the_library_has_its_module(repository: Path) -> None:
    present = {path.stem for path in (repository / "generated").glob("*.py")} - {"__init__"}
    solvers = {f"{name}_phase" for name in ACTIVATIONS}
    assert present == {*CATALOGUE, *solvers}
    assert {*ACTIVATIONS, *SPECTRA} <= present


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_the_ledger_states_a_full_check_within_tolerance(
    records: dict[str, ModuleRecord], name: str
) -> None:
    open_form = name in {f"{n}_dual" for n in ("mish", "sigmoid", "softplus", "swish", "tanh")}
    least = ON_CURVES.get(name, POINTS_BY_QUADRATURE if open_form else POINTS)
    bound = 1e-10 if name in ON_CURVES else 1e-12 if name in DENSITIES else 1e-13
    for kernel in records[name].kernels.values():
        assert kernel.domain in (None, ("1e-12", "1e12"))
        assert kernel.points >= least
        assert kernel.closed is None or kernel.ulp <= 4
        assert 0.0 <= float(kernel.error) <= bound


@pytest.mark.parametrize(
    ("name", "needs"),
    [
        ("hard_tanh", "second_moment(1.0)"),
        ("tanh", "mu_1(1.0)"),
        ("resnet_density", "density(1.0, 0.5)"),
    ],
)
def test_a_module_runs_alone_in_an_empty_folder(
    repository: Path, tmp_path: Path, name: str, needs: str
) -> None:
    shutil.copy(repository / "generated" / f"{name}.py", tmp_path / "copied.py")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import copied; "
        f"print(float(copied.{needs})); "
        "print(sorted({'freejac', 'sympy', 'mpmath', 'jinja2'} & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    value, loaded = result.stdout.split("\n")[:2]
    assert loaded == "[]"
    assert float(value) == float(eval(f"module_of(name).{needs}"))


def test_kernels_broadcast_and_take_any_real_type() -> None:
    tanh = module_of("tanh")
    q = np.array([[0.5], [2.0]])
    values = tanh.length_map(q, np.array([1.0, 1.5, 2.0]), 0.1)
    assert values.shape == (2, 3)
    assert values.dtype == np.float64
    assert values[1, 2] == tanh.length_map(2.0, 2.0, 0.1)
    assert tanh.mu_1(np.float32(0.5)) == np.float32(tanh.mu_1(0.5))
    assert tanh.mu_1(2) == tanh.mu_1(2.0)
    out = np.empty(2)
    tanh.mu_2(np.array([0.5, 2.0]), out)
    assert out[1] == tanh.mu_2(2.0)


@pytest.mark.parametrize("name", SOME)
def test_outside_its_domain_a_kernel_is_nan_and_at_the_ends_it_is_not(
    records: dict[str, ModuleRecord], name: str
) -> None:
    module, extra = module_of(name), PARAMETERS.get(name, ())
    for kernel in ("second_moment", "mu_1", "mu_2"):
        low, high = map(float, records[name].kernels[kernel].domain)
        function = getattr(module, kernel)
        assert np.isfinite(function(np.array([low, high]), *extra)).all()
        outside = [math.nextafter(low, 0.0), math.nextafter(high, math.inf), -1.0, 0.0, math.nan]
        with np.errstate(invalid="ignore"):  # NumPy's own warning when the result is nan
            assert np.isnan(function(np.array(outside), *extra)).all()
            assert math.isnan(module.length_map(1.0, -1.0, 0.0, *extra))
            assert math.isnan(module.length_map(1.0, 1.0, math.nan, *extra))


@pytest.mark.parametrize("name", SOME)
def test_kernels_raise_no_floating_point_flags(name: str) -> None:
    extra = PARAMETERS.get(name, ())
    with np.errstate(all="raise", under="ignore"):
        for kernel in ("second_moment", "mu_1", "mu_2"):
            getattr(module_of(name), kernel)(np.geomspace(1e-12, 1e4, 9), *extra)


def test_the_residual_density_integrates_to_one_with_the_mean_of_its_law() -> None:
    # m₁ = e^c: the first moment of S(z) = exp(−c(1+2z)); the substitution removes both edges.
    density = module_of("resnet_density")
    nodes, weights = np.polynomial.legendre.leggauss(400)
    for c in (1e-3, 0.3, 2.0):
        top = math.log(density.upper_edge(c))
        level = top * np.sin(0.5 * math.pi * nodes)
        lam = np.exp(level)
        measure = weights * 0.5 * math.pi * top * np.cos(0.5 * math.pi * nodes) * lam
        values = density.density(lam, c)
        assert np.sum(measure * values) == pytest.approx(1.0, abs=1e-7)
        assert np.sum(measure * values * lam) == pytest.approx(math.exp(c), rel=1e-7)


def test_the_residual_density_is_exactly_zero_outside_its_support() -> None:
    density = module_of("resnet_density")
    for c in (1e-3, 1.0, 30.0):
        low, high = density.lower_edge(c), density.upper_edge(c)
        outside = np.array([-1.0, 0.0, 0.999999 * low, 1.000001 * high, 1e300, math.inf])
        assert (density.density(outside, c) == 0.0).all()
        assert density.density(1.000001 * low, c) > 0.0
        assert density.density(0.999999 * high, c) > 0.0
    assert math.isnan(density.density(math.nan, 1.0))
    assert math.isnan(density.density(1.0, 0.0))


@pytest.mark.parametrize("weights", ["gaussian", "orthogonal"])
def test_residual_densities_next_to_an_edge_lose_what_is_stated(weights: str) -> None:
    """The header's 1e-15/d at a relative distance d, or nan where that exceeds 1e-8."""
    setting = {
        "values": [[1.0, 0.25], [0.75, 0.5]],
        "masses": [[0.5, 0.375], [0.25, 0.75]],
        "layers": [5.0, 4.0],
        "variance": 0.125,
    }
    with mp.workdps(45):
        low, high = map(float, support(block_law(weights, setting))[-1])
    density = getattr(module_of("residual_blocks_density"), f"{weights}_density")
    resolved = 0
    for distance in (1e-2, 1e-4, 1e-6, 1e-7, 1e-9):
        for lam in (low * (1.0 + distance), high * (1.0 - distance)):
            value = float(density(lam, *setting.values()))
            expected, _ = block_reference(f"{weights}_density", {**setting, "lam": lam})
            if math.isnan(value):
                assert distance <= 1e-7
                continue
            resolved += 1
            assert abs(value / float(expected) - 1.0) <= 1e-15 / distance
    assert resolved >= 6


def test_moments_keep_their_digits_where_the_plain_formula_loses_them() -> None:
    # σ_w²μ₁ = 1 + 2⁻⁵², L = 10⁶, μ₂ = μ₁²(1 + 2⁻⁴⁰): exact in the inputs, by integer arithmetic.
    moments = module_of("jacobian_moments")
    mu_1 = 1.0 + 2.0**-52
    assert moments.m_1(mu_1, 1.0, 1e6) == pytest.approx(
        math.exp(1e6 * 2.0**-52), rel=1e-15, abs=0.0
    )
    assert moments.variance(1.0, 1.0 + 2.0**-40, 0.0, 1.0, 1000.0) == 1000 * 2.0**-40
    assert math.isnan(moments.variance(1.0, 0.99, 0.0, 1.0, 10.0))
    assert math.isnan(moments.m_1(1.0, 1.0, 2.5))


def remeasured(records: dict[str, ModuleRecord], name: str, count: int, seed: int) -> None:
    module, record = CATALOGUE[name](), records[name]
    points = check_points(module, record, count, seed=seed)
    # In two variables the oracle takes half a second a point.
    exact = references(module, points[-4:] if name.endswith("_dual") else points)
    results = compare(module, module_of(name), exact)
    for kernel, comparisons in results.items():
        domain = record.kernels[kernel].domain
        inside = [
            c
            for c in comparisons
            if domain is None or float(domain[0]) <= c.point["q"] <= float(domain[1])
        ]
        if not inside:
            continue  # a place may be one kernel's alone
        found = worst(inside)
        # Other points may be a little worse than those of the ledger.
        assert found.error <= 4 * float(record.kernels[kernel].error) + 1e-15, found


@pytest.mark.parametrize("name", ["hard_tanh", "tanh", "jacobian_moments", "resnet_density"])
def test_a_sample_of_kernels_is_as_accurate_as_recorded(
    records: dict[str, ModuleRecord], name: str
) -> None:
    remeasured(records, name, 6, seed=7)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_every_kernel_is_as_accurate_as_recorded(
    records: dict[str, ModuleRecord], name: str
) -> None:
    # The oracle bisects its way through the bend of the smoothed ReLU when its width s is small.
    count = 6 if name in ON_CURVES else 20 if name == "smoothed_relu" else 80
    remeasured(records, name, count, seed=1)
