"""Writing `generated/` and `docs/kernels.md`, and telling whether they are what we would write.

`generate` measures only modules whose text changed; `check` measures nothing.
"""

from __future__ import annotations

import difflib
import multiprocessing
import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from freejac.codegen.catalogue import CATALOGUE, DUALS, refit_library
from freejac.codegen.docs import kernel_table
from freejac.codegen.files import is_generated, write_atomically
from freejac.codegen.measure import measure, measure_solvers
from freejac.codegen.phases import phase_module, phase_record, solvers_alone
from freejac.codegen.record import ModuleRecord, ledger_text, read_ledger
from freejac.codegen.render import digest, render
from freejac.codegen.spec import Module
from freejac.symbolic.activation import activation
from freejac.symbolic.errors import Error, InputError
from freejac.symbolic.library import LIBRARY

__all__ = ["LEDGER", "Drift", "check", "generate"]

Progress = Callable[[str], None]
Keep = Callable[[str, ModuleRecord], None]
LEDGER = "measured.json"
MEND = "freejac generate"
_SOLVERS = "_phase"
_ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Drift:
    """A file that is not what the engine writes.

    Attributes:
        path: relative to the repository.
        diff: unified diff from the file to what it should be.
    """

    path: str
    diff: str


def _measure_by_name(name: str) -> ModuleRecord:
    return measure(CATALOGUE[name]())


def _measure_solvers_by_name(name: str, means: ModuleRecord) -> ModuleRecord:
    base = name.removesuffix(_SOLVERS)
    module = _solvers({base: CATALOGUE[base]()})[name]
    return measure_solvers(module, phase_record(module, means))


def _solvers(modules: Mapping[str, Module]) -> dict[str, Module]:
    """The modules of solvers, on the modules of means that there are."""
    return {f"{name}{_SOLVERS}": _solver(modules, name) for name in LIBRARY if name in modules}


def _solver(modules: Mapping[str, Module], name: str) -> Module:
    dual = modules.get(f"{name}_dual") or (DUALS[name]() if name in DUALS else None)
    return phase_module(activation(name), modules[name], dual)


def _with_means(
    solvers: Mapping[str, Module],
    ledger: Mapping[str, ModuleRecord],
    records: Mapping[str, ModuleRecord],
) -> dict[str, ModuleRecord]:
    """Records of the solvers, as the ledger has them, with those of their means."""
    return {
        name: phase_record(module, records[name.removesuffix(_SOLVERS)], ledger.get(name))
        for name, module in solvers.items()
    }


def generate(
    *, root: Path = _ROOT, remeasure: bool = False, progress: Progress = lambda _: None
) -> list[str]:
    """Bring `generated/` and `docs/kernels.md` up to date.

    Args:
        root: the repository.
        remeasure: measure every module anew, changed or not.
        progress: told each step in words.

    Returns:
        Paths of the files that changed, relative to the repository.

    Raises:
        Error: a kernel fails its cross-check; no module is written then.
        InputError: `root` is not a repository of freejac.

    What has been measured is kept in the ledger at once: after an interruption, or an error, the
    next call measures the rest.
    """
    folder = _generated(root)
    ledger = read_ledger(folder / LEDGER)

    def keep(name: str, record: ModuleRecord) -> None:
        ledger[name] = record
        write_atomically(folder / LEDGER, ledger_text(ledger))

    if remeasure:
        refit_library(progress)
    modules = {name: make() for name, make in CATALOGUE.items()}
    stale = [name for name in modules if remeasure or not _current(modules[name], ledger.get(name))]
    records = {name: ledger[name] for name in modules if name not in stale}
    records |= _measured({name: (_measure_by_name, name) for name in stale}, progress, keep)
    solvers = _solvers(modules)
    known = _with_means(solvers, ledger, records)
    stale = [name for name in solvers if remeasure or not _current(solvers[name], known[name])]
    jobs = {
        name: (_measure_solvers_by_name, name, records[name.removesuffix(_SOLVERS)])
        for name in stale
    }
    records |= known | _measured(jobs, progress, keep)
    modules |= solvers
    changed = []
    for path, text in _files(modules, records).items():
        target = root / path
        if not target.exists() or target.read_text(encoding="utf-8") != text:
            write_atomically(target, text)
            changed.append(path)
    for path in _surplus(root, modules):
        (root / path).unlink()
        changed.append(path)
    return changed


def _measured(
    jobs: Mapping[str, tuple[Any, ...]], progress: Progress, keep: Keep
) -> dict[str, ModuleRecord]:
    """Call functions with their arguments, in processes; give what they return by name."""
    if not jobs:
        return {}
    records, failed = {}, []
    # Fresh processes: Numba's compiler does not survive a fork of a threaded parent.
    context = multiprocessing.get_context("spawn")
    workers = min(len(jobs), os.cpu_count() or 1)
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        started = {pool.submit(*call): name for name, call in jobs.items()}
        try:
            for count, done in enumerate(as_completed(started), 1):
                name = started[done]
                try:
                    records[name] = done.result()
                except Error as error:
                    failed.append(f"{name}: {error}")
                    continue
                keep(name, records[name])
                progress(f"{name}: cross-checked ({count} of {len(jobs)})")
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    if failed:
        raise Error("; ".join(sorted(failed)))
    return records


def check(*, root: Path = _ROOT) -> list[Drift]:
    """Compare the committed files with what the engine writes, without measuring.

    Args:
        root: the repository.

    Returns:
        One entry per differing, missing or surplus file; empty when all is well. `MEND` is the
        command that mends it.
    """
    folder = _generated(root)
    ledger = read_ledger(folder / LEDGER)
    modules = {name: make() for name, make in CATALOGUE.items()}
    drifts, records = [], {}
    for name, module in modules.items():
        record = ledger.get(name)
        if record is None:
            drifts.append(Drift(f"generated/{name}.py", f"{name} has never been measured\n"))
            continue
        # A text that changed is shown as it is before it is measured again.
        records[name] = record if _current(module, record) else _unmeasured(record)
    known = {name: module for name, module in modules.items() if name in records}
    solvers = _solvers(known)
    for name, record in _with_means(solvers, ledger, records).items():
        if name not in ledger:
            drifts.append(Drift(f"generated/{name}.py", f"{name} has never been measured\n"))
            continue
        known[name] = solvers[name]
        records[name] = record if _current(solvers[name], record) else _unmeasured(record)
    modules |= solvers
    for path, text in _files(known, records).items():
        target = root / path
        present = target.read_text(encoding="utf-8") if target.exists() else ""
        if present != text:
            drifts.append(Drift(path, _diff(path, present, text)))
    return drifts + [
        Drift(path, f"{path} belongs to no module\n") for path in _surplus(root, modules)
    ]


def _unmeasured(record: ModuleRecord) -> ModuleRecord:
    kernels = {n: replace(k, error="", ulp=0, points=0) for n, k in record.kernels.items()}
    return replace(record, kernels=kernels)


def _current(module: Module, record: ModuleRecord | None) -> bool:
    if record is None or set(record.kernels) != {k.name for k in module.kernels}:
        return False
    return digest(module, record) == record.digest


def _files(modules: Mapping[str, Module], records: Mapping[str, ModuleRecord]) -> dict[str, str]:
    files = {
        f"generated/{name}.py": render(module, records[name]) for name, module in modules.items()
    }
    own = {n: solvers_alone(modules[n], record) for n, record in records.items()}
    files[f"generated/{LEDGER}"] = ledger_text(own)
    files["docs/kernels.md"] = kernel_table(modules, records)
    return files


def _surplus(root: Path, modules: Iterable[str]) -> list[str]:
    """Generated files of modules that are no more."""
    wanted = {f"{name}.py" for name in modules}
    present = sorted((root / "generated").glob("*.py"))
    return [
        f"generated/{path.name}"
        for path in present
        if path.name not in wanted and is_generated(path)
    ]


def _diff(path: str, old: str, new: str) -> str:
    lines = difflib.unified_diff(
        old.splitlines(keepends=True), new.splitlines(keepends=True), f"a/{path}", f"b/{path}"
    )
    return "".join(lines)


def _generated(root: Path) -> Path:
    folder = root / "generated"
    if not (folder / "__init__.py").exists() or not (root / "docs").is_dir():
        raise InputError(
            f"{root} is not a source tree of freejac; run this in a checkout of the repository"
        )
    return folder
