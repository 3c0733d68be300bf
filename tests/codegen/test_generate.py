"""Regeneration is reproducible, drift is shown, and nothing is half-written."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import mpmath
import pytest

from freejac.codegen import emit, generate, measure
from freejac.codegen.files import write_atomically
from freejac.codegen.phases import phase_record
from freejac.codegen.record import ModuleRecord, ledger_text, read_ledger
from freejac.codegen.selection import SOLVERS, selected
from freejac.codegen.spec import Module
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


@pytest.fixture
def few(copy: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy whose catalogue is that of three activations; `make generate-check` goes over all."""
    names = selected(["linear", "sin", "relu"])
    solvers = [name for name in names if name in SOLVERS]
    monkeypatch.setattr(generate, "MODULES", names)
    monkeypatch.setattr(generate, "SOLVERS", {name: SOLVERS[name] for name in solvers})
    for path in sorted((copy / "generated").glob("*.py")):
        if path.stem not in (*names, "__init__"):
            path.unlink()
    ledger = copy / "generated" / generate.LEDGER
    records = read_ledger(ledger)
    ledger.write_text(ledger_text({name: records[name] for name in names}))
    page = copy / generate.PAGE
    mine = (*(f"| `{name}` |" for name in names),)
    lines = page.read_text().splitlines(keepends=True)
    page.write_text("".join(s for s in lines if s.startswith(mine) or not s.startswith("| `")))
    return copy


def contents(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): p.read_text() for p in folder.rglob("*") if p.is_file()}


def test_a_planted_change_is_shown_and_mended(few: Path) -> None:
    target = few / "generated" / "relu.py"
    before = target.read_text()
    target.write_text(before.replace("q / 2.0", "q / 2.5"))
    (drift,) = generate.check(root=few)
    assert drift.path == "generated/relu.py"
    assert re.search(r"^-.*q / 2\.5", drift.diff, re.M)
    assert re.search(r"^\+.*q / 2\.0", drift.diff, re.M)
    assert generate.generate(root=few) == ["generated/relu.py"]
    assert target.read_text() == before


def test_the_text_does_not_depend_on_the_precision_of_mpmath(few: Path) -> None:
    with mpmath.workdps(7):
        assert not generate.check(["linear_phase", "sin_phase"], root=few)


def test_missing_and_surplus_files_are_drift(few: Path) -> None:
    folder = few / "generated"
    shutil.copy(folder / "relu.py", folder / "forgotten.py")
    (folder / "sin_dual.py").unlink()
    (folder / "notes.py").write_text('"""Not ours."""\n')
    paths = {drift.path for drift in generate.check(root=few)}
    assert paths == {"generated/forgotten.py", "generated/sin_dual.py"}
    generate.generate(root=few)
    assert not generate.check(root=few)
    assert not (folder / "forgotten.py").exists()
    assert (folder / "notes.py").exists()


def test_a_changed_specification_is_drift(few: Path) -> None:
    ledger = few / "generated" / generate.LEDGER
    records = read_ledger(ledger)
    ledger.write_text(ledger.read_text().replace(records["sin"].digest, "0" * 64))
    drifts = {drift.path: drift.diff for drift in generate.check(root=few)}
    assert re.search(r"^\+    second_moment +closed form", drifts["generated/sin.py"], re.MULTILINE)
    assert "not measured" in drifts["generated/sin.py"]


def test_a_name_writes_and_checks_that_alone(copy: Path) -> None:
    before = contents(copy)
    spoilt = {
        "generated/relu.py": before["generated/relu.py"].replace("q / 2.0", "q / 2.5"),
        "docs/kernels.md": before["docs/kernels.md"].replace("| `relu` |", "| `relu` | spoilt |"),
        "generated/old.py": before["generated/relu.py"],
    }
    for path, text in spoilt.items():
        (copy / path).write_text(text)
    assert not generate.check(["linear"], root=copy)
    page = "".join(
        line
        for line in spoilt["docs/kernels.md"].splitlines(keepends=True)
        if not line.startswith("| `linear")
    )
    (copy / generate.PAGE).write_text(page)
    (copy / "generated/linear_phase.py").unlink()
    drifts = {drift.path for drift in generate.check(["linear"], root=copy)}
    assert drifts == {"generated/linear_phase.py", "docs/kernels.md"}
    changed = generate.generate(["linear"], root=copy)
    assert changed == ["generated/linear_phase.py", "docs/kernels.md"]
    assert contents(copy) == before | spoilt


@pytest.mark.parametrize("remeasure", [False, True])
def test_a_name_measures_that_alone(
    copy: Path, monkeypatch: pytest.MonkeyPatch, remeasure: bool
) -> None:
    measured: list[str] = []
    refitted: list[str] = []
    ledger = copy / "generated" / generate.LEDGER
    records = read_ledger(ledger)
    for name in ("linear", "linear_phase", "sin"):
        ledger.write_text(ledger.read_text().replace(records[name].digest, "0" * 64))
    others = {name: record for name, record in read_ledger(ledger).items() if name[:6] != "linear"}

    def pretend(
        jobs: dict[str, tuple[object, Module]], _: object, keep: generate.Keep
    ) -> dict[str, ModuleRecord]:
        measured.extend(jobs)
        found = {
            name: phase_record(module, records["linear"], records[name])
            if name in SOLVERS
            else records[name]
            for name, (_, module, *_) in jobs.items()
        }
        for name, record in found.items():
            keep(name, record)
        return found

    monkeypatch.setattr(generate, "_measured", pretend)
    monkeypatch.setattr(generate, "refit_library", lambda _, names: refitted.extend(names))
    with pytest.raises(InputError, match="contains the means of linear, which have"):
        generate.generate(["linear_phase"], root=copy, remeasure=remeasure)
    assert not measured
    refitted.clear()
    generate.generate(["linear"], root=copy, remeasure=remeasure)
    every = ["linear", "linear_dual", "linear_phase"]
    assert sorted(measured) == (every if remeasure else ["linear", "linear_phase"])
    assert refitted == (["linear"] if remeasure else [])
    after = read_ledger(ledger)
    assert {name: after[name] for name in every} == {name: records[name] for name in every}
    assert {name: record for name, record in after.items() if name not in every} == others


def test_an_unknown_name_is_one_error_with_near_names(copy: Path) -> None:
    before = contents(copy)
    for call in (generate.check, generate.generate):
        with pytest.raises(InputError, match=r"'geluu' and 'relu_daul' .*gelu .*_dual"):
            call(["tanh", "geluu", "relu_daul"], root=copy)
    assert contents(copy) == before


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
    # The committed text was written under a seed of its own.
    environment = {**os.environ, "PYTHONHASHSEED": "4242", "PYTHONIOENCODING": "utf-8"}
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
    target.write_text(text + "# edited\n", encoding="utf-8")
    emit.emit(activation("where(x>0, x, x/5)"), target)  # a generated file may be replaced
    assert target.read_text(encoding="utf-8") == text


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
