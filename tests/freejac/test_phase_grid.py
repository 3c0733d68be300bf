"""Phase diagrams: numbers, the critical line, text, files, pictures."""

from __future__ import annotations

import csv
import json
import math
import re
from pathlib import Path

import numpy as np
import pytest

import freejac as fj
from freejac.cli import run
from freejac.phase_grid import PHASES, critical_curve, linear_share, phase_points
from freejac.phase_report import as_json, as_text, phase_diagram, write
from freejac.symbolic.errors import InputError


@pytest.mark.parametrize("name", ["erf", "relu", "hard_tanh", "gelu"])
def test_the_critical_line_is_the_exact_curve(name: str) -> None:
    q = [0.01, 1.0, 30.0]
    curve = critical_curve(name, q)
    weight, bias = fj.MeanField(name).critical_line()
    assert curve.exact == (weight, bias)
    assert curve.q.tolist() == q
    for k, at in enumerate(q):
        # exact expressions at thirty digits
        for expr, found in ((weight, curve.sigma_w[k] ** 2), (bias, curve.sigma_b[k] ** 2)):
            assert found == pytest.approx(float(expr.subs(fj.q, at).evalf(30)), rel=1e-9, abs=1e-12)


def test_on_the_critical_line_the_phase_is_critical_where_it_attracts() -> None:
    curve = critical_curve("erf", [0.1, 1.0, 5.0])
    points = phase_points("erf", curve.sigma_w, curve.sigma_b)
    assert points.q == pytest.approx(curve.q, rel=1e-9)
    assert points.chi == pytest.approx(1, abs=1e-11)
    right = phase_points("erf", curve.sigma_w * 1.01, curve.sigma_b)
    left = phase_points("erf", curve.sigma_w / 1.01, curve.sigma_b)
    assert {PHASES[k] for k in right.phase} == {"chaotic"}
    assert {PHASES[k] for k in left.phase} == {"ordered"}


def test_the_share_of_linear_units() -> None:
    for q in (0.1, 1.0, 40.0):
        inside = math.erf(1 / math.sqrt(2 * q))  # P(|h| < 1)
        assert float(linear_share("hard_tanh")(q)) == pytest.approx(inside, rel=1e-12, abs=0.0)
    assert phase_points("relu", 1.0, 0.3).p == 0.5
    assert np.isnan(phase_points("erf", 1.5, 0.3).p)


def test_a_small_grid_is_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["phase", "relu", "--sigma-w", "1,2", "--sigma-b", "0.5"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("relu: 2 points, σ_w from 1 to 2, σ_b = 0.5\n")
    assert re.search(r"^ +1 +0\.5 +0\.5 +0\.5 .* ordered +resolved$", out, re.MULTILINE)
    assert re.search(r"^ +2 +0\.5 +∞ .* none +diverges$", out, re.MULTILINE)
    assert "σ_w² = 2\n" in out


def test_a_large_grid_is_a_map_with_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["phase", "erf", "--sigma-w", "0.5:3:40", "--sigma-b", "0:1:20"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"^  ordered +\d+ +\d+\.\d\d%$", out, re.MULTILINE)
    rows = [line.split("|")[1] for line in out.splitlines() if "|" in line]
    assert len(rows) == 16
    for row in rows:
        # ordered on the left, the line, chaotic on the right
        assert re.fullmatch(r"\.+\*+#+", row) or re.fullmatch(r"\.+#+", row), row
    assert "σ_w² = pi*sqrt(4*q + 1)/4" in out


def test_json_holds_everything() -> None:
    diagram = phase_diagram("relu", (1.0, 2.0), (0.0, 0.5))
    data = json.loads(as_json(diagram))
    assert data["phase"] == [["ordered", "ordered"], ["none", "none"]]
    assert data["q"] == [[0.0, pytest.approx(0.5)], ["inf", "inf"]] or data["q"][1][1] == "inf"
    assert data["critical_line"]["sigma_w2"] == "2"
    assert data["c"][1][1] is None
    assert len(data["chi"]) == 2


def test_files_hold_what_was_computed(tmp_path: Path) -> None:
    diagram = phase_diagram("erf", (0.8, 1.2, 1.6), (0.1, 0.2))
    for suffix in ("npz", "csv"):
        write(diagram, tmp_path / f"a.{suffix}")
        write(diagram, tmp_path / f"b.{suffix}")
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()
    loaded = np.load(tmp_path / "a.npz")
    assert (loaded["chi"] == diagram.values["chi"]).all()
    assert (loaded["line_sigma_w"] == diagram.line.sigma_w).all()
    with (tmp_path / "a.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 6
    assert float(rows[5]["chi"]) == diagram.values["chi"][2, 1]
    assert {row["phase"] for row in rows} <= set(PHASES)


def test_files_of_xarray(tmp_path: Path) -> None:
    xr = pytest.importorskip("xarray")
    diagram = phase_diagram("erf", (0.8, 1.6), (0.1, 0.2, 0.3))
    write(diagram, tmp_path / "a.zarr")
    write(diagram, tmp_path / "a.zarr")  # over the first
    with xr.open_zarr(tmp_path / "a.zarr", chunks=None, consolidated=False) as found:
        assert (found.q.values == diagram.values["q"]).all()
        assert found.attrs["critical_sigma_w2"] == "pi*sqrt(4*q + 1)/4"
    pytest.importorskip("scipy")
    write(diagram, tmp_path / "a.nc")
    with xr.open_dataset(tmp_path / "a.nc") as found:
        assert (found.chi.values == diagram.values["chi"]).all()


def test_a_picture(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    target = tmp_path / "phases.png"
    arguments = ["phase", "erf", "--sigma-w", "0.5:3:20", "--sigma-b", "0:1:9", "--plot"]
    assert run([*arguments, str(target)]) == 0
    assert target.read_bytes()[1:4] == b"PNG"
    first = target.read_bytes()
    assert run([*arguments, str(target)]) == 0
    assert target.read_bytes() == first


def test_threads_change_no_bit() -> None:
    axes = (np.linspace(0.5, 3, 300), np.linspace(0, 1, 300))
    one, many = (phase_diagram("erf", *axes, workers=n) for n in (1, 3))
    assert all(one.values[n].tobytes() == many.values[n].tobytes() for n in one.values)


BAD = {
    "no such activation": (["tahn"], "did you mean tanh(x)?"),
    "a jump": (["sign(x)"], "jumps"),
    "a range": (["erf", "--sigma-w", "3:1:10"], "--sigma-w: a range ascends"),
    "negative": (["erf", "--sigma-b=-1"], "--sigma-b must be ≥ 0"),
    "zero": (["erf", "--sigma-w", "0"], "--sigma-w must be positive"),
    "suffix": (["erf", "-o", "phases.xls"], "*.npz, *.csv, *.nc, *.zarr"),
    "plot": (["erf", "--plot", "phases.pdf"], "PNG"),
    "plot folder": (["erf", "--plot", "missing/phases.png"], "does not exist"),
    "no parameter": (["where(x>0, x, b*x)"], "value for b"),
    "workers": (["erf", "--workers", "0"], "--workers"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line(
    case: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments, part = BAD[case]
    assert run(["phase", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"freejac: error: \S.*\n", err), err
    assert part in err
    assert list(tmp_path.iterdir()) == []


def test_an_output_that_cannot_be_is_refused_before_the_work(tmp_path: Path) -> None:
    diagram = phase_diagram("relu", (1.0,), (0.0,))
    with pytest.raises(InputError, match="does not exist"):
        write(diagram, tmp_path / "missing" / "a.npz")
    (tmp_path / "a.npz").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        write(diagram, tmp_path / "a.npz")
    assert "relu" in as_text(diagram)
