"""Writing `generated/` and `docs/kernels.md`, and telling whether they are what we would write.

`generate` measures only modules whose text changed; `check` measures nothing.
"""

from __future__ import annotations

import difflib
import multiprocessing
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from freejac.codegen.catalogue import CATALOGUE, DUALS, refit_library
from freejac.codegen.docs import kernel_table, with_rows
from freejac.codegen.files import is_generated, write_atomically
from freejac.codegen.measure import measure, measure_solvers
from freejac.codegen.phases import phase_module, phase_record, solvers_alone
from freejac.codegen.record import ModuleRecord, ledger_text, read_ledger
from freejac.codegen.render import digest, render
from freejac.codegen.selection import MODULES, SOLVERS, selected
from freejac.codegen.spec import Module
from freejac.symbolic.activation import activation
from freejac.symbolic.errors import Error, InputError

__all__ = ["LEDGER", "Drift", "check", "generate"]

Progress = Callable[[str], None]
Keep = Callable[[str, ModuleRecord], None]
LEDGER = "measured.json"
PAGE = "docs/kernels.md"
MEND = "freejac generate"
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


def generate(
    names: Sequence[str] = (),
    *,
    root: Path = _ROOT,
    remeasure: bool = False,
    progress: Progress = lambda _: None,
) -> list[str]:
    """Bring `generated/` and `docs/kernels.md` up to date.

    Args:
        names: modules, and activations for all their modules; everything else stays as it is. All
            modules when empty.
        root: the repository.
        remeasure: measure every module anew, changed or not.
        progress: told each step in words.

    Returns:
        Paths of the files that changed, relative to the repository.

    Raises:
        Error: a kernel fails its cross-check; no module is written then.
        InputError: `root` is not a repository of freejac, a name is unknown, or solvers are asked
            for without the means in them, which are not measured as they are now.

    What has been measured is kept in the ledger at once: after an interruption, or an error, the
    next call measures the rest.
    """
    wanted = selected(names) if names else MODULES
    folder = _generated(root)
    ledger = read_ledger(folder / LEDGER)

    def keep(name: str, record: ModuleRecord) -> None:
        ledger[name] = record
        write_atomically(folder / LEDGER, ledger_text(ledger))

    if remeasure:
        refit_library(progress, [name for name in DUALS if f"{name}_dual" in wanted])
    modules = {name: CATALOGUE[name]() for name in wanted if name in CATALOGUE}
    stale = [name for name in modules if remeasure or not _current(modules[name], ledger.get(name))]
    _refuse_without_means(wanted, ledger)
    # Solvers wait for their means alone: they are measured beside duals and everything else.
    _measured({name: (measure, modules[name]) for name in stale if name in DUALS}, progress, keep)
    solvers = {name: _solvers(name) for name in wanted if name in SOLVERS}
    known = {name: _with_means(module, ledger) for name, module in solvers.items()}
    jobs: dict[str, tuple[Any, ...]] = {
        name: (measure_solvers, module, phase_record(module, ledger[SOLVERS[name]]))
        for name, module in solvers.items()
        if remeasure or not _current(module, known[name])
    } | {name: (measure, modules[name]) for name in stale if name not in DUALS}
    measured = _measured(jobs, progress, keep)
    records = {name: ledger[name] for name in modules} | known | measured
    modules |= solvers
    changed = []
    files = _files(modules, records) | _pages(root, modules, records, ledger if names else None)
    for path, text in files.items():
        target = root / path
        if not target.exists() or target.read_text(encoding="utf-8") != text:
            write_atomically(target, text)
            changed.append(path)
    for path in [] if names else _surplus(root):
        (root / path).unlink()
        changed.append(path)
    return changed


def _solvers(name: str) -> Module:
    base = SOLVERS[name]
    return phase_module(activation(base), CATALOGUE[base](), DUALS[base]())


def _with_means(solvers: Module, ledger: Mapping[str, ModuleRecord]) -> ModuleRecord:
    """The record of solvers, as the ledger has it, with those of their means."""
    return phase_record(solvers, ledger[SOLVERS[solvers.name]], ledger.get(solvers.name))


def _refuse_without_means(wanted: Sequence[str], ledger: Mapping[str, ModuleRecord]) -> None:
    """Say what to do where solvers alone are wanted, and the means in them are not measured."""
    for name in wanted:
        base = SOLVERS.get(name)
        if base and base not in wanted and not _current(CATALOGUE[base](), ledger.get(base)):
            raise InputError(
                f"{name} contains the means of {base}, which have changed since they were "
                f"measured; run `{MEND} {base}`"
            )


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


def check(names: Sequence[str] = (), *, root: Path = _ROOT) -> list[Drift]:
    """Compare the committed files with what the engine writes, without measuring.

    Args:
        names: modules, and activations for all their modules; only these are compared. Everything
            when empty.
        root: the repository.

    Returns:
        One entry per differing, missing or surplus file; empty when all is well. `MEND`, followed
        by the names, is the command that mends it.

    Raises:
        InputError: `root` is not a repository of freejac, or a name is unknown.
    """
    wanted = selected(names) if names else MODULES
    ledger = read_ledger(_generated(root) / LEDGER)
    drifts, modules, records = [], {}, {}
    for name in wanted:
        if name not in ledger or SOLVERS.get(name, name) not in ledger:
            drifts.append(Drift(f"generated/{name}.py", f"{name} has never been measured\n"))
            continue
        module = modules[name] = _solvers(name) if name in SOLVERS else CATALOGUE[name]()
        record = _with_means(module, ledger) if name in SOLVERS else ledger[name]
        # A text that changed is shown as it is before it is measured again.
        records[name] = record if _current(module, record) else _unmeasured(record)
    files = _files(modules, records) | _pages(root, modules, records, ledger if names else None)
    for path, text in files.items():
        target = root / path
        present = target.read_text(encoding="utf-8") if target.exists() else ""
        if present != text:
            drifts.append(Drift(path, _diff(path, present, text)))
    surplus = [] if names else _surplus(root)
    return drifts + [Drift(path, f"{path} belongs to no module\n") for path in surplus]


def _unmeasured(record: ModuleRecord) -> ModuleRecord:
    kernels = {n: replace(k, error="", ulp=0, points=0) for n, k in record.kernels.items()}
    return replace(record, kernels=kernels)


def _current(module: Module, record: ModuleRecord | None) -> bool:
    if record is None or set(record.kernels) != {k.name for k in module.kernels}:
        return False
    return digest(module, record) == record.digest


def _files(modules: Mapping[str, Module], records: Mapping[str, ModuleRecord]) -> dict[str, str]:
    """The modules themselves."""
    return {
        f"generated/{name}.py": render(module, records[name]) for name, module in modules.items()
    }


def _pages(
    root: Path,
    modules: Mapping[str, Module],
    records: Mapping[str, ModuleRecord],
    others: Mapping[str, ModuleRecord] | None,
) -> dict[str, str]:
    """The ledger and the page of kernels; with what they hold of others, if that is to stay."""
    own = {name: solvers_alone(modules[name], record) for name, record in records.items()}
    path = root / PAGE
    if others is None:
        page = kernel_table(modules, records)
    else:
        present = path.read_text(encoding="utf-8") if path.exists() else ""
        page = with_rows(present, modules, records, MODULES)
    return {f"generated/{LEDGER}": ledger_text({**(others or {}), **own}), PAGE: page}


def _surplus(root: Path) -> list[str]:
    """Generated files of modules that are no more."""
    wanted = {f"{name}.py" for name in MODULES}
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
