"""The command line as its users meet it: output, exit codes, one line for every error."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from freejac import command_derive, derive
from freejac.cli import run
from freejac.codegen import generate
from freejac.symbolic.errors import InternalError, NoClosedForm, NotConvergedError
from freejac.symbolic.library import LIBRARY

PROGRAM = [sys.executable, "-m", "freejac"]

BAD_INPUT = {
    "syntax": (["derive", "x+*2"], "unexpected '*' at character 3"),
    "python": (["derive", "__import__('os')"], "__import__('os')"),
    "attribute": (["derive", "x.__class__"], "x.__class__"),
    "empty": (["derive", ""], "empty"),
    "newline": (["derive", "x +\n* 2"], "character"),
    "tower": (["derive", "9**9**9**9"], "9**9**9**9"),
    "near match": (["derive", "gelo"], "did you mean gelu?"),
    "unknown": (["derive", "qwertyuiop"], "qwertyuiop"),
    "constant": (["derive", "3"], "does not depend on x"),
    "not finite": (["derive", "1/x"], "1/x"),
    "not a number": (["derive", "x + nan"], "nan"),
    "exploding": (["derive", "exp(x**2)"], "Gaussian moments"),
    "sigma_w negative": (["derive", "relu", "--sigma-w", "-1"], "sigma_w must be positive"),
    "sigma_w zero": (["derive", "relu", "--sigma-w", "0"], "sigma_w must be positive"),
    "sigma_w nan": (["derive", "relu", "--sigma-w", "nan"], "--sigma-w: 'nan'"),
    "sigma_w inf": (["derive", "relu", "--sigma-w", "inf"], "--sigma-w: 'inf'"),
    "sigma_w huge": (["derive", "relu", "--sigma-w", "1e999"], "1e999"),
    "sigma_w word": (["derive", "relu", "--sigma-w", "1.5.2"], "1.5.2"),
    "sigma_w symbol": (["derive", "relu", "--sigma-w", "a"], "sigma_w must be a finite real"),
    "sigma_b negative": (["derive", "relu", "--sigma-w", "1", "--sigma-b", "-1/2"], "sigma_b"),
    "sigma_b alone": (["derive", "relu", "--sigma-b", "1"], "--sigma-b needs --sigma-w"),
    "depth zero": (["derive", "relu", "--depth", "0"], "not 0"),
    "depth broken": (["derive", "relu", "--depth", "2.5"], "not 2.5"),
    "depth negative": (["derive", "relu", "--depth", "-3"], "not -3"),
    "depth huge": (["derive", "relu", "--depth", "1000000000"], "from 1 to 1000"),
    "depth word": (["derive", "relu", "--depth", "deep"], "not deep"),
    "weights": (["derive", "relu", "--weights", "orthogonl"], "did you mean orthogonal?"),
    "both formats": (["derive", "relu", "--json", "--latex"], "choose one of --latex and --json"),
    "parameter": (["derive", "leaky_relu(b)", "--sigma-w", "1e400"], "1e400"),
    "no value": (["derive", "where(x>0, x, b*x)", "--sigma-w", "1"], "value for the parameter b"),
    "too many": (["derive", "relu", "gelu"], "see freejac --help"),
    "no activation": (["derive"], "ACTIVATION"),
    "option": (["derive", "relu", "--wieghts", "gaussian"], "--wieghts"),
    "command": (["derlve", "relu"], "derlve"),
    "no command": ([], "see freejac --help"),
}


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_one_line(
    case: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments, part = BAD_INPUT[case]
    if arguments[:1] == ["derive"]:
        arguments = [*arguments, "--emit", "kernels.py"]
    assert run(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"freejac: error: \S.*\n", err), err
    assert part in err
    assert list(tmp_path.iterdir()) == []


def test_a_megabyte_of_brackets_is_refused_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["derive", "(" * 10**6 + "x" + ")" * 10**6]) == 2
    assert len(capsys.readouterr().err) < 200


def program(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *arguments],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def test_the_program_fails_as_the_function_does() -> None:
    result = program("derive", "__import__('os').system('echo pwned')")
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("freejac: error: ")


def test_the_program_derives() -> None:
    result = program("derive", "relu", PYTHONIOENCODING="ascii")
    assert result.returncode == 0
    assert result.stderr == ""
    # a terminal without φ is given its number
    assert "definition            \\u03c6(x) = Max(0, x)" in result.stdout


HEAVY = ("sympy", "mpmath", "numpy", "numba", "matplotlib", "jinja2", "lark", "flint", "rich")


def test_help_imports_nothing_heavy() -> None:
    code = f"""
import sys
from freejac.cli import run
status = run(["derive", "--help"])
print("loaded:", [name for name in {HEAVY!r} if name in sys.modules])
sys.exit(status)
"""
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.endswith("loaded: []\n")


@pytest.mark.parametrize("command", ["list", "derive", "generate"])
def test_every_command_has_help_with_an_example(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([command, "--help"]) == 0
    out = capsys.readouterr().out
    assert re.search(rf"Examples:\n +freejac {command}", out)
    assert "\b" not in out


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["-h"]) == 0
    out = capsys.readouterr().out
    for command in ("list", "derive", "generate"):
        assert re.search(rf"^  {command} ", out, re.MULTILINE)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", capsys.readouterr().out)


def test_list_shows_the_whole_library(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["list"]) == 0
    out = capsys.readouterr().out
    for name, entry in LIBRARY.items():
        assert re.search(rf"^{name}\b.*φ\(x\) = {re.escape(entry.text)}$", out, re.MULTILINE)
    assert "a = 1/100" in out
    assert "arXiv:1606.08415" in out


def test_list_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["list", "--json"]) == 0
    entries = json.loads(capsys.readouterr().out)
    assert [entry["name"] for entry in entries] == list(LIBRARY)
    elu = next(entry for entry in entries if entry["name"] == "elu")
    assert elu["parameters"] == [{"name": "alpha", "default": "1", "positive": True}]
    assert set(elu) == {"name", "aliases", "definition", "parameters", "source"}


def test_derive_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["derive", "where(x>0, x, b*x)", "--positive", "b", "--depth", "3", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["depth"] == "3"
    assert data["activation"]["parameters"] == [{"name": "b", "default": None, "positive": True}]
    sections = {section["name"]: section["quantities"] for section in data["sections"]}
    first = next(q for q in sections["jacobian"] if q["name"] == "moment_1")
    assert first["sympy"] == "sigma_w**6*(b**2/2 + 1/2)**3"


def test_derive_with_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["derive", "relu", "--sigma-w", "sqrt(2)", "--sigma-b", "0.5"]) == 0
    assert "at σ_w = sqrt(2), σ_b = 1/2" in capsys.readouterr().out


def test_a_deep_network_of_long_constants_is_written_in_full(
    capsys: pytest.CaptureFixture[str],
) -> None:
    slope = "1.0507009873554804934193349852946"
    arguments = ["derive", f"{slope}*where(x>0, x, x/3)", "--depth", "1000", "--json"]
    assert run(arguments) == 0
    data = json.loads(capsys.readouterr().out)
    # more digits than Python converts to text by default
    assert any(len(q["sympy"] or "") > 5000 for s in data["sections"] for q in s["quantities"])


def test_latex_goes_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["derive", "linear", "--latex", "--weights", "orthogonal"]) == 0
    out, err = capsys.readouterr()
    assert r"\begin{align*}" in out
    assert err == ""


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NoClosedForm("E[f]", "a\nreason"), 1),
        (NotConvergedError("too slow"), 1),
        (InternalError("please report"), 1),
        (KeyboardInterrupt(), 130),
    ],
)
def test_every_end_has_its_exit_code(
    error: BaseException,
    status: int,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(derive, "derive", fail)
    assert run(["derive", "relu"]) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"freejac: error: \S.*\n", err)


def test_a_reader_that_leaves_is_no_error() -> None:
    process = subprocess.Popen(
        [*PROGRAM, "list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait() == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a full device")
def test_a_full_disk_is_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [*PROGRAM, "list"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert result.returncode == 1
    assert re.fullmatch(r"freejac: error: cannot write: .*\n", result.stderr)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_progress_is_shown_on_a_terminal_and_not_in_the_output() -> None:
    leader, follower = os.openpty()
    with subprocess.Popen(
        [*PROGRAM, "derive", "relu"],
        stdout=subprocess.PIPE,
        stderr=follower,
        env={**os.environ, "TERM": "xterm"},
    ) as process:
        os.close(follower)
        shown = b""
        while True:
            try:
                part = os.read(leader, 4096)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            shown += part
        assert process.stdout is not None
        printed = process.stdout.read()
    os.close(leader)
    assert process.returncode == 0
    assert b"residual network" in shown
    assert b"\x1b" not in printed
    assert printed.startswith(b"relu, gaussian weights, depth L\n")


def test_emit_refuses_a_folder_that_is_not_there(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(["derive", "linear", "--emit", str(tmp_path / "missing" / "kernels.py")]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"freejac: error: the folder .*missing does not exist\n", err)
    assert list(tmp_path.iterdir()) == []


def test_emit_refuses_to_overwrite_what_it_did_not_write(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    target = tmp_path / "kernels.py"
    target.write_text("mine = 1\n")
    assert run(["derive", "linear", "--emit", str(target)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"freejac: error: .*not a generated file.*\n", err)
    assert target.read_text() == "mine = 1\n"
    assert list(tmp_path.iterdir()) == [target]


def test_emit_leaves_nothing_of_what_has_no_means(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(["derive", "exp(x**2)", "--emit", str(tmp_path / "kernels.py")]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"freejac: error: \S.*\n", err)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_emit_writes_kernels_that_run_alone(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    target = tmp_path / "kernels.py"
    assert run(["derive", "relu", "--emit", str(target)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert f"Kernels written to {target}\n" in out
    assert "worst relative error" in out
    code = "import sys, kernels; print(kernels.chi(2.0, 3.0), 'freejac' in sys.modules)"
    alone = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    # χ = σ_w²/2 for ReLU (He et al. 2015)
    assert alone.stdout == "4.5 False\n"


def test_check_shows_the_drift_and_how_to_mend_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    drifts = [generate.Drift("generated/relu.py", "-old\n+new\n")]
    monkeypatch.setattr(generate, "check", lambda names: drifts)
    for names in ([], ["relu", "sin_dual"]):
        assert run(["generate", "--check", *names]) == 1
        out, err = capsys.readouterr()
        assert out == "-old\n+new\n"
        mend = " ".join(["freejac generate", *names])
        assert err == f"freejac: error: 1 generated file has drifted; run: {mend}\n"
    monkeypatch.setattr(generate, "check", list)
    assert run(["generate", "--check"]) == 0
    assert capsys.readouterr() == ("", "")


def test_generate_names_what_it_wrote(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[tuple[str, ...], bool]] = []

    def write(names: tuple[str, ...], *, remeasure: bool, progress: object) -> list[str]:
        asked.append((names, remeasure))
        return ["generated/relu.py"] if remeasure else []

    monkeypatch.setattr(generate, "generate", write)
    assert run(["generate", "--remeasure"]) == 0
    assert capsys.readouterr().out == "wrote generated/relu.py\n"
    assert run(["generate"]) == 0
    assert run(["generate", "gelu", "relu_dual"]) == 0
    assert capsys.readouterr().out == "nothing to write\n" * 2
    assert asked == [((), True), ((), False), (("gelu", "relu_dual"), False)]
    assert run(["generate", "--check", "--remeasure"]) == 2


def test_limits_of_the_depth_are_those_of_the_message() -> None:
    assert command_derive._layers("1000") == 1000
    assert command_derive._layers("1") == 1
