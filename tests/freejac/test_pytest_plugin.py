"""The pytest plugin, as a student meets it: plain pytest, no configuration."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from freejac.pytest_plugin import _told
from freejac.symbolic.verdict import Verdict

HOMEWORK = """
import freejac as fj

relu = fj.MeanField("relu")


def test_second_moment():
    assert fj.check(relu.second_moment, "q/2")


def test_length_map():
    assert fj.check(relu.length_map, "sigma_w**2*q + sigma_b**2")


def test_chi():
    assert fj.check(relu.chi, "sigma_w**2/2")


def test_critical_point():
    assert fj.check(relu.chi, 1, where="sigma_w**2 == 2")


def test_variance_of_the_spectrum():
    assert fj.check(fj.Jacobian("relu").variance_at_criticality, "2*L")


def test_chain():
    assert fj.check_chain("(1 - p)/p", "1/p - p/p", "1/p - 1")
"""


def run_pytest(folder: Path, source: str, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_homework.py").write_text(source)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:zarr", *options],
        cwd=folder,
        env={key: value for key, value in os.environ.items() if not key.startswith("PYTEST")},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    result = run_pytest(tmp_path_factory.mktemp("homework"), HOMEWORK)
    assert result.returncode == 1, result.stdout + result.stderr
    return result.stdout


def test_six_results_one_wrong(report: str) -> None:
    assert "1 failed, 5 passed" in report
    assert "FAILED test_homework.py::test_length_map" in report


def test_the_report_says_what_is_wrong_and_where(report: str) -> None:
    told = "\n".join(line[1:].strip() for line in report.splitlines() if line.startswith("E  "))
    assert "refuted: q*sigma_w**2/2 + sigma_b**2 = q*sigma_w**2 + sigma_b**2" in told
    assert re.search(r"counterexample: at q = \S+, .*the left side is .*, the right side", told)
    assert "Verdict(" not in report


ASSERTS = """
import freejac as fj


def test_call():
    assert fj.check("q", "2*q")


def test_name():
    other = fj.check("q", "5*q")
    verdict = fj.check("q", "2*q")
    assert verdict


def test_status():
    assert fj.check("q", "2*q").status == "proved"


def test_both():
    assert fj.check("q", "q") and fj.check("q", "2*q")


def test_message():
    assert fj.check("q", "2*q"), "a note of mine"


def test_fixture(check_claim):
    check_claim("q", "2*q")


def test_other_failures_are_left_alone():
    assert not fj.check("q", "q")
"""


@pytest.fixture(scope="module")
def sections(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What is said of each test of ASSERTS."""
    out = run_pytest(tmp_path_factory.mktemp("asserts"), ASSERTS).stdout
    assert "7 failed" in out
    parts = re.split(r"^_+ (test_\w+) _+$", out.partition("short test summary")[0], flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("kind", ["call", "name", "status", "both", "message", "fixture"])
def test_every_kind_of_assert_is_explained(kind: str, sections: dict[str, str]) -> None:
    told = [line for line in sections[f"test_{kind}"].splitlines() if line.startswith("E ")]
    assert sum("refuted: q = 2*q" in line for line in told) == 1
    assert sum("counterexample: at q = " in line for line in told) == 1
    assert "5*q" not in "".join(told)
    assert any("a note of mine" in line for line in told) == (kind == "message")


def test_other_failures_are_left_alone(sections: dict[str, str]) -> None:
    assert "assert not Verdict(" in sections["test_other_failures_are_left_alone"]


def test_a_claim_without_proof_says_so() -> None:
    told = _told(Verdict("not refuted", "a = b", "12 points", digits=40, samples=12))
    assert "which is no proof" in told
    assert 'at_least="not refuted"' in told


def test_the_fixture_passes_and_fails(check_claim) -> None:  # type: ignore[no-untyped-def]
    assert check_claim("q + q", "2*q").status == "proved"
    with pytest.raises(AssertionError, match="refuted"):
        check_claim("q + q", "3*q", at_least="not refuted")


def test_a_test_without_claims_loads_no_mathematics(tmp_path: Path) -> None:
    source = """
import sys

def test_it():
    assert "freejac.pytest_plugin" in sys.modules
    assert not {"sympy", "mpmath", "numpy", "rich", "lark"} & set(sys.modules)
"""
    result = run_pytest(tmp_path, source)
    assert result.returncode == 0, result.stdout


def test_starting_costs_little() -> None:
    code = (
        "import pytest, time; start = time.perf_counter(); import freejac.pytest_plugin;"
        "print(time.perf_counter() - start)"
    )
    times = []
    for _ in range(3):
        command = [sys.executable, "-c", code]
        result = subprocess.run(command, capture_output=True, text=True, check=True)
        times.append(float(result.stdout))
    assert min(times) < 0.02
