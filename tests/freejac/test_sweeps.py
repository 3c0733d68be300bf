"""Sweeps: what is computed, and who computes it."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import mpmath
import numpy as np
import pytest
from scipy import special

import freejac as fj
from freejac import sweep_spec
from freejac.cli import run
from freejac.simulate import residual
from freejac.sweep_quantities import compute, request
from freejac.sweep_spec import QUANTITIES, read_spec
from freejac.sweeps import sweep
from freejac.symbolic.errors import Error, InputError

xr = pytest.importorskip("xarray")


def test_the_phase_of_networks_is_that_of_the_exact_maps() -> None:
    found = sweep(activations=["erf", "linear"], sigma_w=[0.4, 0.8, 1.6], sigma_b=0.2)
    for name, weights in (("erf", (0.8, 1.6)), ("linear", (0.4, 0.8))):
        field = fj.MeanField(name)
        for weight in weights:
            here = found.sel(activation=name, sigma_w=weight, sigma_b=0.2)
            scales = field.depth_scales(weight, 0.2)  # mpmath, by brackets
            assert float(here.q) == pytest.approx(scales.q, rel=1e-10, abs=0.0)
            assert float(here.xi_q) == pytest.approx(scales.xi_q, rel=1e-8)
            chi = field.chi.subs({fj.sigma_w: weight, fj.q: scales.q}).evalf()
            assert float(here.chi) == pytest.approx(float(chi), rel=1e-10, abs=0.0)
            assert int(here.phase) == (1 if chi < 1 else 3)
            if chi < 1:
                assert float(here.xi_c) == pytest.approx(scales.xi_c, rel=1e-8)


def test_moments_are_those_of_the_literature() -> None:
    found = sweep(
        activations="relu",
        sigma_w="sqrt(2)",
        depth=[1, 7],
        ensembles=["gaussian", "orthogonal", "residual"],
        quantities=["moment_1", "moment_2", "variance", "p", "cumulant"],
    ).squeeze(drop=True)
    # Pennington, Schoenholz & Ganguli (2017), table 1: L and 2L for ReLU at χ = 1.
    assert found.variance.sel(ensemble="orthogonal").values == pytest.approx([1, 7])
    assert found.variance.sel(ensemble="gaussian").values == pytest.approx([2, 14])
    assert found.moment_1.sel(ensemble="gaussian").values == pytest.approx([1, 1])
    assert found.p == 0.5
    # Tarnowski et al. (2019): c = σ_w²/2 for ReLU, m_1 = eᶜ, m_2 = (1 + 2c)e²ᶜ.
    assert found.cumulant.values == pytest.approx([1, 1])
    residual = found.sel(ensemble="residual")
    assert residual.moment_1.values == pytest.approx([math.e] * 2)
    assert residual.moment_2.values == pytest.approx([3 * math.e**2] * 2)


def test_residual_networks_of_finite_depth() -> None:
    finite = ["residual_gaussian", "residual_orthogonal"]
    fields = {"sigma_w": 1.2, "depth": [1, 4, 10000], "ensembles": ["residual", *finite]}
    found = sweep(fields, activations="relu", quantities=["moment_1", "moment_2", "variance"])
    for name, weights in zip(finite, ("gaussian", "orthogonal"), strict=True):
        # relu has the same law of D² at every q: the exact moments of equal layers
        here = found.sel(ensemble=name).squeeze(drop=True)
        for depth in (1, 4):
            exact = fj.ResNet("relu").finite(depth, weights)
            at = here.sel(depth=depth)
            for k, value in ((1, at.moment_1), (2, at.moment_2)):
                wanted = float(exact.moment(k).subs(fj.sigma_w, 1.2))
                assert float(value) == pytest.approx(wanted, rel=1e-14, abs=0.0)
            assert float(at.variance) == pytest.approx(float(at.moment_2 - at.moment_1**2))
        limit = found.sel(ensemble="residual", depth=10000).squeeze(drop=True)
        assert float(here.moment_2[-1]) == pytest.approx(float(limit.moment_2), rel=1e-3)


@pytest.mark.parametrize("weights", ["gaussian", "orthogonal"])
def test_a_residual_network_of_three_layers_by_simulation(weights: str) -> None:
    fields = {"activations": "erf", "sigma_w": 1.5, "sigma_b": 0.1, "depth": 3}
    found = sweep(fields, ensembles=f"residual_{weights}", quantities=["moment_1", "moment_2"])
    net = residual(
        special.erf,
        lambda h: 2 / math.sqrt(math.pi) * np.exp(-(h**2)),
        width=200,
        depth=3,
        sigma_w=1.5,
        sigma_b=0.1,
        q1=1.0,
        weights=weights,
        draws=20,
        seed=4,
    )
    for k, name in enumerate(("moment_1", "moment_2"), start=1):
        mean, error = net.moment(k)
        assert abs(mean - float(found[name].squeeze())) < 4 * error


def test_edges_count_atoms_and_are_those_of_known_laws() -> None:
    found = sweep(
        activations=["linear", "relu"],
        sigma_w=1,
        sigma_b=0.1,
        depth=2,
        ensembles=["gaussian", "orthogonal"],
        quantities=["edge_lower", "edge_upper", "condition_number"],
    ).squeeze(drop=True)
    linear = found.sel(activation="linear")
    # Two Gaussian layers: the Fuss–Catalan law on (0, 27/4); orthogonal ones keep every length.
    assert linear.edge_upper.values == pytest.approx([27 / 4, 1])
    assert linear.edge_lower.values == pytest.approx([0, 1], abs=1e-12)
    assert linear.condition_number.values.tolist() == [math.inf, 1]
    assert found.sel(activation="relu").condition_number.values.tolist() == [math.inf, math.inf]


def test_the_limit_of_short_signals_and_signals_that_grow() -> None:
    found = sweep(
        activations=["erf", "relu"],
        sigma_w=[0.5, 2],
        depth=1,
        quantities=["q", "chi", "mu_1", "mu_2", "moment_1", "phase", "status"],
    ).squeeze(drop=True)
    short = found.sel(activation="erf", sigma_w=0.5)
    # φ′(0)² = 4/π
    assert (float(short.q), float(short.mu_1)) == (
        0,
        pytest.approx(4 / math.pi, rel=1e-11, abs=0.0),
    )
    growing = found.sel(activation="relu", sigma_w=2)
    assert (float(growing.q), float(growing.chi)) == (math.inf, pytest.approx(2))
    assert float(growing.moment_1) == pytest.approx(2)  # the law of D² is the same at every q
    assert growing.status.attrs["flag_meanings"].split()[int(growing.status)] == "diverges"


def test_a_residual_signal_needs_room_beside_the_biases() -> None:
    spec = {"activations": "erf", "sigma_w": 1, "sigma_b": [0.5, 2], "depth": 3}
    found = sweep(spec, quantities="cumulant", q1=1).squeeze(drop=True).cumulant
    exact = fj.ResNet("erf").propagate(3, 1, 0.5, 1).effective_cumulant
    assert float(found[0]) == pytest.approx(exact, rel=1e-12, abs=0.0)
    assert np.isnan(found[1])


def test_only_the_axes_that_matter_are_there() -> None:
    found = sweep(
        activations="erf",
        sigma_w=[1, 2],
        sigma_b=[0, 1, 2],
        depth=[1, 2, 3, 4],
        ensembles=["orthogonal", "gaussian"],
        quantities=["variance", "q", "cumulant"],
    )
    assert found.q.dims == ("activation", "sigma_w", "sigma_b")
    assert found.cumulant.shape == (1, 2, 3, 4)
    assert found.variance.shape == (1, 2, 3, 4, 2)
    assert found.ensemble.values.tolist() == ["gaussian", "orthogonal"]
    assert set(sweep(activations="erf", sigma_w=1).sizes) == {"activation", "sigma_w", "sigma_b"}


def test_a_dataset_goes_in(tmp_path: Path) -> None:
    axes = xr.Dataset(coords={"activation": ["erf"], "sigma_w": [1.0, 2.0], "sigma_b": 0.5})
    from_dataset = sweep(axes, quantities="chi")
    (tmp_path / "s.toml").write_text(
        'activations = ["erf"]\nsigma_w = "1:2:2"\nsigma_b = 0.5\nquantities = ["chi"]\n'
    )
    xr.testing.assert_identical(from_dataset, sweep(tmp_path / "s.toml"))
    xr.testing.assert_identical(from_dataset, sweep(from_dataset, quantities="chi"))


def test_blocks_cover_the_grid_once(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = sweep(activations="erf", sigma_w="1:2:11", sigma_b="0:1:7", quantities=["q", "phase"])
    for size in (1, 5, 7, 10, 30):
        monkeypatch.setattr(sweep_spec, "_BLOCK", size)
        spec = read_spec({"activations": "erf", "sigma_w": "1:2:11", "sigma_b": "0:1:7"})
        seen = np.zeros((1, 11, 7), int)
        for block in spec.blocks():
            seen[block.place] += 1
        assert (seen == 1).all()
        assert math.prod(spec.block_shape) <= size
    monkeypatch.setattr(sweep_spec, "_BLOCK", 5)
    cut = sweep(activations="erf", sigma_w="1:2:11", sigma_b="0:1:7", quantities=["q", "phase"])
    xr.testing.assert_identical(whole, cut)


def test_a_small_grid_is_work_for_several_threads() -> None:
    grid = {"activations": "erf", "sigma_w": "1:2:200", "sigma_b": "0:1:200"}
    assert 16 <= math.prod(read_spec(grid).block_grid) <= 64
    assert math.prod(read_spec({**grid, "sigma_w": "1:2:3"}).block_grid) == 1


def test_a_block_is_the_same_to_the_last_bit_each_time() -> None:
    spec = read_spec(
        {
            "activations": "erf",
            "sigma_w": "0.5:3:13",
            "sigma_b": "0:1:5",
            "depth": [2, 9],
            "ensembles": ["gaussian", "orthogonal", "residual"],
            "quantities": list(QUANTITIES),
        }
    )
    asked = request(spec, next(spec.blocks()))
    first, second = compute(asked), compute(asked)
    assert {n: a.tobytes() for n, a in first.items()} == {n: a.tobytes() for n, a in second.items()}


def test_other_kernels_on_a_worker_are_refused() -> None:
    spec = read_spec({"activations": "erf", "sigma_w": 1})
    with pytest.raises(Error, match="install the same freejac on every worker"):
        compute(request(spec, next(spec.blocks()), engine="other"))


BAD = {
    "unknown key": ({"sigma": 1}, "no 'sigma'"),
    "near key": ({"activation": "tanh"}, "did you mean activations"),
    "no activation": ({"sigma_w": 1}, "needs activations"),
    "no sigma_w": ({"activations": "tanh"}, "needs sigma_w"),
    "unknown activation": ({"activations": "tahn", "sigma_w": 1}, "did you mean tanh(x)"),
    "python": ({"activations": "__import__('os')", "sigma_w": 1}, "__import__"),
    "not a text": ({"activations": [3], "sigma_w": 1}, "are texts"),
    "twice": ({"activations": ["erf", "erf"], "sigma_w": 1}, "twice"),
    "quantity": ({"activations": "erf", "sigma_w": 1, "quantities": "chy"}, "did you mean chi"),
    "ensemble": (
        {
            "activations": "erf",
            "sigma_w": 1,
            "depth": 1,
            "quantities": "variance",
            "ensembles": "x",
        },
        "gaussian, orthogonal, residual",
    ),
    "depth": ({"activations": "erf", "sigma_w": 1, "quantities": "variance"}, "give depth"),
    "deep": (
        {"activations": "erf", "sigma_w": 1, "quantities": "variance", "depth": 10**7},
        "up to 1000000",
    ),
    "finite edges": (
        {
            "activations": "erf",
            "sigma_w": 1,
            "depth": 1,
            "quantities": "edge_upper",
            "ensembles": ["gaussian", "residual_orthogonal"],
        },
        "no edge_upper for residual_orthogonal, only moments",
    ),
    "sigma_w": ({"activations": "erf", "sigma_w": 0}, "must be positive"),
    "q1": ({"activations": "erf", "sigma_w": 1, "q1": [1, 2]}, "q1 is one number"),
    "no points": ({"activations": "erf", "sigma_w": []}, "has no values"),
    "nan": ({"activations": "erf", "sigma_w": [1, float("nan")]}, "not a finite number"),
    "sigma_b": ({"activations": "erf", "sigma_w": 1, "sigma_b": -1}, "≥ 0"),
    "no value": ({"activations": "where(x>0, x, b*x)", "sigma_w": 1}, "value for b"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_sweep_is_refused(case: str) -> None:
    fields, part = BAD[case]
    with pytest.raises(InputError) as caught:
        sweep(fields)
    assert part in str(caught.value)


def test_without_the_extra_there_is_one_clear_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'freejac\[sweep\]'"):
        sweep(activations="relu", sigma_w=1)
    store = tmp_path / "s.zarr"
    assert run(["sweep", "-a", "relu", "--sigma-w", "1", "--store", str(store)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not store.exists()


def test_importing_freejac_does_not_import_the_extra() -> None:
    code = (
        "import sys, freejac, freejac.cli\n"
        "print([n for n in ('xarray', 'zarr', 'dask', 'distributed') if n in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout == "[]\n"


def test_a_scheduler_that_is_not_there_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("freejac.sweep_run._PATIENCE", "1s")
    store = tmp_path / "s.zarr"
    with pytest.raises(InputError, match=r"no Dask scheduler is reached at tcp://127\.0\.0\.1:9"):
        sweep(activations="relu", sigma_w=1, scheduler="tcp://127.0.0.1:9", store=store)
    assert not list(tmp_path.iterdir())


def test_depth_scales_at_one_point_by_quadrature() -> None:
    """Against nothing of ours: V(q) = q, and χ, by mpmath from the definitions."""
    found = sweep(activations="erf", sigma_w=1.5, sigma_b=0.1, quantities=["q", "chi"])
    q = mpmath.mpf(float(found.q.squeeze()))

    def mean(f: object) -> mpmath.mpf:
        density = lambda z: mpmath.npdf(z) * f(mpmath.sqrt(q) * z)  # noqa: E731
        return mpmath.quad(density, [-12, -4, 0, 4, 12])

    length = 1.5**2 * mean(lambda h: mpmath.erf(h) ** 2) + 0.1**2
    chi = 1.5**2 * mean(lambda h: 4 / mpmath.pi * mpmath.exp(-2 * h**2))
    assert float(length) == pytest.approx(float(q), rel=1e-12, abs=0.0)
    assert float(found.chi.squeeze()) == pytest.approx(float(chi), rel=1e-12, abs=0.0)
