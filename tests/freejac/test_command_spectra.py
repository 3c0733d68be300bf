"""`freejac density` and `freejac simulate` as their users meet them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from freejac.cli import run

BAD_INPUT = {
    "no depth": (["density", "tanh", "--sigma-w", "1"], "--depth"),
    "no sigma_w": (["simulate", "tanh", "--depth", "2"], "--sigma-w"),
    "negative": (["density", "tanh", "--depth", "2", "--sigma-w", "-1"], "sigma_w"),
    "word": (["density", "tanh", "--depth", "2", "--sigma-w", "big"], "sigma_w must be"),
    "name": (["density", "tanhh", "--depth", "2", "--sigma-w", "1"], "did you mean tanh?"),
    "weights": (
        ["simulate", "tanh", "--depth", "2", "--sigma-w", "1", "--weights", "sparse"],
        "gaussian or orthogonal",
    ),
    "died out": (["density", "tanh", "--depth", "2", "--sigma-w", "0.9"], "signals die out"),
    "grows": (["density", "relu^2", "--depth", "2", "--sigma-w", "9"], "signals die out"),
    "q": (["density", "tanh", "--depth", "2", "--sigma-w", "1", "--q", "-1"], "q must be positive"),
    "q below bias": (
        ["simulate", "tanh", "--depth", "2", "--sigma-w", "1", "--sigma-b", "1", "--q", "0.5"],
        "at least sigma_b**2",
    ),
    "formats": (
        ["density", "tanh", "--depth", "2", "--sigma-w", "1", "--json", "--csv"],
        "choose one of",
    ),
    "finite": (["density", "tanh", "--depth", "2", "--sigma-w", "1", "--finite"], "--residual"),
    "skip": (
        ["simulate", "tanh", "--depth", "2", "--sigma-w", "1", "--residual", "--skip", "0"],
        "skip weight",
    ),
    "correlation": (
        ["simulate", "relu", "--depth", "1", "--sigma-w", "1", "--correlation", "2"],
        "correlations",
    ),
    "output": (
        ["simulate", "relu", "--depth", "1", "--sigma-w", "1", "--output", "x.csv"],
        "NAME.npz",
    ),
    "folder": (
        ["simulate", "relu", "--depth", "1", "--sigma-w", "1", "-o", "nowhere/x.npz"],
        "folder nowhere",
    ),
    "plot": (["density", "relu", "--depth", "1", "--sigma-w", "1", "--plot", "x.pdf"], "PNG"),
    "depth": (["density", "relu", "--depth", "0", "--sigma-w", "1"], "--depth"),
    "points": (["density", "relu", "--depth", "1", "--sigma-w", "1", "--points", "1"], "--points"),
}


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_one_line(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments, part = BAD_INPUT[case]
    assert run(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"freejac: error: \S.*\n", err), err
    assert part in err


@pytest.mark.parametrize("command", ["density", "simulate"])
def test_help_has_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([command, "--help"]) == 0
    assert re.search(rf"Examples:\n +freejac {command} tanh", capsys.readouterr().out)


def test_the_density_as_text_json_and_csv(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["density", "hard_tanh", "--depth", "2", "--weights", "orthogonal", "--points", "8"]
    asked += ["--sigma-w", "6/5", "--sigma-b", "0.1"]
    assert run(asked) == 0
    text = capsys.readouterr().out
    assert "with atoms 1 " in text
    assert len(text.splitlines()) == 9 + 8
    assert run([*asked, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    # fixed point: χ and q of hard tanh, by the definition of the length map
    z = np.random.default_rng(0).standard_normal(10**6)
    q = data["q"][0]
    assert q == pytest.approx(1.44 * np.mean(np.clip(q**0.5 * z, -1, 1) ** 2) + 0.01, rel=5e-3)
    assert sum(atom["mass"] for atom in data["atoms"]) + data["mass"] == pytest.approx(1, abs=1e-8)
    assert data["moments"][0] == pytest.approx(data["chi"][0] ** 2)
    assert run([*asked, "--csv"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "lambda,density"
    assert [float(v) for v in lines[1].split(",")] == [data["lambda"][0], data["density"][0]]


def test_lengths_off_the_fixed_point(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["density", "relu", "--depth", "2", "--sigma-w", "1", "--q", "3", "--points", "2"]
    assert run([*asked, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["q"] == [3.0, 1.5]


@pytest.mark.slow
def test_a_smooth_network_off_the_fixed_point(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["simulate", "tanh", "--depth", "3", "--sigma-w", "1.5", "--q", "3", "--width", "150"]
    assert run([*asked, "--draws", "6", "--compare", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["q"][0] == 3.0
    assert data["q"][0] > data["q"][1] > data["q"][2]
    assert data["comparison"]["agrees"]


def test_a_residual_density(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["density", "relu", "--depth", "3", "--sigma-w", "1", "--residual", "--json"]
    assert run([*asked, "--points", "3"]) == 0
    limit = json.loads(capsys.readouterr().out)
    assert run([*asked, "--points", "3", "--finite"]) == 0
    exact = json.loads(capsys.readouterr().out)
    assert limit["moments"][0] == pytest.approx(np.exp(0.5))
    assert exact["moments"][0] == pytest.approx((1 + 0.5 / 3) ** 3)


def test_a_simulation_is_compared_drawn_and_kept(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    asked = ["simulate", "hard_tanh", "--depth", "2", "--sigma-w", "1.2", "--sigma-b", "0.1"]
    asked += ["--width", "100", "--draws", "4", "--seed", "3", "--correlation", "0.5"]
    files = ["--plot", str(tmp_path / "a.png"), "--output", str(tmp_path / "a.npz")]
    assert run([*asked, "--compare", *files]) == 0
    text = capsys.readouterr().out
    assert "verdict           agrees" in text
    assert "correlation" in text
    assert (tmp_path / "a.png").read_bytes()[1:4] == b"PNG"
    with np.load(tmp_path / "a.npz") as kept:
        assert kept["eigenvalues"].shape == (4, 100)
        assert kept["overlap"].shape == (4, 2, 2, 2)
        settings = json.loads(str(kept["settings"]))
    assert settings["activation"] == "hard_tanh"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npz", "a.png"]
    assert run([*asked, "--threads", "2", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    with np.load(tmp_path / "a.npz") as kept:
        assert data["moments"][0]["estimate"] == np.mean(np.mean(kept["eigenvalues"], axis=1))
        assert data["layers"][1]["correlations"][0][1] == pytest.approx(
            np.mean(
                kept["overlap"][:, 1, 0, 1]
                / np.sqrt(kept["overlap"][:, 1, 0, 0] * kept["overlap"][:, 1, 1, 1])
            )
        )


def test_a_wrong_theory_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    # the limit of many layers is not the law of one
    asked = ["simulate", "linear", "--depth", "1", "--sigma-w", "1", "--residual", "--compare"]
    assert run([*asked, "--width", "120"]) == 1
    assert "differs" in capsys.readouterr().out
    assert run([*asked, "--width", "120", "--finite"]) == 0
    assert "agrees" in capsys.readouterr().out
