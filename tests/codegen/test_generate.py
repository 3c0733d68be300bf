"""Regeneration is reproducible, drift is shown, and nothing is half-written."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from freejac.codegen import emit, generate, measure
from freejac.codegen.files import write_atomically
from freejac.codegen.record import read_ledger
from freejac.symbolic.activation import activation
from freejac.symbolic.errors import Error, InputError


@pytest.fixture
def copy(repository: Path, tmp_path: Path) -> Path:
    shutil.copytree(
        repository / "generated",
        tmp_path / "generated",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    (tmp_path / "docs").mkdir()
    shutil.copy(repository / "docs" / "kernels.md", tmp_path / "docs")
    return tmp_path


def test_the_committed_files_are_what_would_be_written() -> None:
    drifts = generate.check()
    assert not drifts, "".join(d.diff for d in drifts)


def test_a_planted_change_is_shown_and_mended(copy: Path) -> None:
    target = copy / "generated" / "relu.py"
    before = target.read_text()
    target.write_text(before.replace("q / 2.0", "q / 2.5"))
    (drift,) = generate.check(root=copy)
    assert drift.path == "generated/relu.py"
    assert re.search(r"^-.*q / 2\.5", drift.diff, re.M)
    assert re.search(r"^\+.*q / 2\.0", drift.diff, re.M)
    assert generate.generate(root=copy) == ["generated/relu.py"]
    assert target.read_text() == before


def test_missing_and_surplus_files_are_drift(copy: Path) -> None:
    folder = copy / "generated"
    shutil.copy(folder / "relu.py", folder / "forgotten.py")
    (folder / "tanh.py").unlink()
    (folder / "notes.py").write_text('"""Not ours."""\n')
    paths = {drift.path for drift in generate.check(root=copy)}
    assert paths == {"generated/forgotten.py", "generated/tanh.py"}
    generate.generate(root=copy)
    assert not generate.check(root=copy)
    assert not (folder / "forgotten.py").exists()
    assert (folder / "notes.py").exists()


def test_a_changed_specification_is_drift(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = copy / "generated" / generate.LEDGER
    records = read_ledger(ledger)
    ledger.write_text(ledger.read_text().replace(records["sin"].digest, "0" * 64))
    drifts = {drift.path: drift.diff for drift in generate.check(root=copy)}
    assert re.search(r"^\+    second_moment +closed form", drifts["generated/sin.py"], re.MULTILINE)
    assert "not measured" in drifts["generated/sin.py"]


def test_a_broken_ledger_is_one_clear_line(copy: Path) -> None:
    (copy / "generated" / generate.LEDGER).write_text("{not json")
    with pytest.raises(InputError, match="not a ledger"):
        generate.check(root=copy)


def test_outside_a_source_tree_nothing_is_generated(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a source tree"):
        generate.generate(root=tmp_path)


def test_the_text_does_not_depend_on_the_hash_seed(repository: Path) -> None:
    ledger = repository / "generated" / generate.LEDGER
    code = (
        "from freejac.codegen.catalogue import CATALOGUE;"
        "from freejac.codegen.render import render;"
        "from freejac.codegen.record import read_ledger; from pathlib import Path;"
        f"r = read_ledger(Path({str(ledger)!r}));"
        "print(''.join(render(CATALOGUE[n](), r[n]) for n in ('hard_swish', 'elu', 'mish')))"
    )
    committed = "".join(
        (repository / "generated" / f"{n}.py").read_text(encoding="utf-8")
        for n in ("hard_swish", "elu", "mish")
    )
    for seed in ("1", "4242"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"}
        result = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            encoding="utf-8",
            check=True,
            env=environment,
        )
        assert result.stdout == committed + "\n"


def test_a_failed_write_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "file.py"
    target.write_text("old")

    def broken(self: Path, other: Path) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(Path, "replace", broken)
    with pytest.raises(OSError, match="no space"):
        write_atomically(target, "new")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_emit_writes_a_checked_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "POINTS", 12)
    target = tmp_path / "mine.py"
    steps: list[str] = []
    record = emit.emit(activation("where(x>0, x, x/5)"), target, progress=steps.append)
    assert len(steps) >= 2
    text = target.read_text(encoding="utf-8")
    error = record.kernels["second_moment"].error
    assert re.search(rf"second_moment +closed form +1e-12 to 1e12 +{error} ", text)
    emit.emit(activation("where(x>0, x, x/4)"), target)  # a generated file may be replaced
    assert target.read_text(encoding="utf-8") != text


@pytest.mark.parametrize(
    ("name", "message"), [("my-file.py", "module name"), ("missing/k.py", "does not exist")]
)
def test_emit_refuses_a_bad_path(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        emit.emit(activation("relu"), tmp_path / name)


def test_emit_never_overwrites_what_it_did_not_write(tmp_path: Path) -> None:
    target = tmp_path / "thesis.py"
    target.write_text("precious = True\n")
    with pytest.raises(InputError, match="not a generated file"):
        emit.emit(activation("relu"), target)
    assert target.read_text() == "precious = True\n"


def test_emit_writes_nothing_when_the_check_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> None:
        raise Error("the kernel misses its tolerance")

    monkeypatch.setattr(emit, "measure", failing)
    with pytest.raises(Error, match="misses"):
        emit.emit(activation("relu"), tmp_path / "k.py")
    assert not list(tmp_path.iterdir())


def test_generated_text_has_no_overlong_lines_of_code(repository: Path) -> None:
    for path in sorted((repository / "generated").glob("*.py")):
        lines = path.read_text(encoding="utf-8").splitlines()
        code = re.sub(r'"""(.|\n)*?"""', "", path.read_text(encoding="utf-8")).splitlines()
        assert max(map(len, code)) <= 102, path.name  # tables in headers may be wider
        assert not any(line != line.rstrip() for line in lines), path.name
