"""What `import freejac` loads, and what the wheel holds."""

from __future__ import annotations

import ast
import importlib.metadata
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import freejac

ROOMS = ("freejac", "symbolic", "codegen", "generated", "derivations")
HEAVY = {"sympy", "mpmath", "flint", "lark", "numpy", "numba", "jinja2", "matplotlib", "rich"}


def loaded_by(statement: str) -> set[str]:
    """Heavy modules that a fresh interpreter has loaded after a statement."""
    code = f"import sys; {statement}; print(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return HEAVY & set(result.stdout.split())


def test_importing_freejac_loads_nothing_heavy() -> None:
    assert loaded_by("import freejac; dir(freejac); freejac.__version__") == set()


def test_the_command_line_starts_without_the_mathematics() -> None:
    assert not loaded_by("import freejac.cli") - {"rich"}


def test_symbolic_work_loads_no_compiler() -> None:
    assert not loaded_by("import freejac; freejac.expect('x**2')") & {"numba", "matplotlib"}


def test_a_committed_kernel_needs_no_symbolic_work() -> None:
    loaded = loaded_by("import freejac; freejac.kernels('ReLU').second_moment(1.0)")
    assert loaded & {"sympy", "mpmath", "flint", "lark", "jinja2"} == set()


def test_a_name_is_loaded_when_it_is_used() -> None:
    assert "sympy" in loaded_by("import freejac; freejac.q")


def test_every_promised_name_is_there() -> None:
    for name in freejac.__all__:
        assert getattr(freejac, name) is not None
        assert name in dir(freejac)


def test_no_public_name_is_a_module(repository: Path) -> None:
    # Importing freejac.name would put the module in the place of the name.
    modules = {path.stem for path in (repository / "freejac").iterdir()}
    assert modules & set(freejac.__all__) == set()


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'freejac' has no attribute 'jacobean'"):
        freejac.jacobean  # noqa: B018 (the access is the test)


def test_type_checkers_see_the_names_that_are_loaded(repository: Path) -> None:
    tree = ast.parse((repository / "freejac/__init__.py").read_text())
    guarded = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.asname: (node.module, alias.name)
        for node in guarded.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    loaded = {
        name: (home.partition(":")[0], home.partition(":")[2] or name)
        for name, home in freejac._HOME.items()
    }
    assert seen == loaded
    assert set(freejac.__all__) == {*loaded, "__version__"}


def test_the_version_is_the_installed_one() -> None:
    assert freejac.__version__ == importlib.metadata.version("freejac")


@pytest.fixture(scope="module")
def wheel(
    copy_sources: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory
) -> zipfile.ZipFile:
    """Build the wheel from a clean copy, so that no earlier build folder leaks into it."""
    clean, out = copy_sources(tmp_path_factory.mktemp("clean")), tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out)]
    result = subprocess.run(command, cwd=clean, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return zipfile.ZipFile(next(out.glob("*.whl")))


def test_the_wheel_holds_every_module_and_template(
    repository: Path, sources: list[Path], wheel: zipfile.ZipFile
) -> None:
    expected = {
        ("" if name.parts[0] == "freejac" else "freejac/") + name.as_posix()
        for name in sources
        if name.parts[0] in ROOMS and not (repository / name).is_symlink()
    }
    held = {name for name in wheel.namelist() if name.startswith("freejac/")}
    assert "freejac/py.typed" in expected
    assert held == expected


def test_the_wheel_brings_the_command_and_the_pytest_plugin(wheel: zipfile.ZipFile) -> None:
    (name,) = (name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    points = wheel.read(name).decode()
    assert "[console_scripts]\nfreejac = freejac.cli:main" in points
    assert "[pytest11]\nfreejac = freejac.pytest_plugin" in points


def test_the_wheel_has_one_top_level_name(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}
    version = importlib.metadata.version("freejac")
    assert tops == {"freejac", f"freejac-{version}.dist-info"}


def test_the_wheel_works_on_its_own(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path / "site")
    code = (
        "import freejac, freejac.symbolic.symbols as s;"
        "print(freejac.__file__, s.__file__, freejac.expect('x**2'))"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    package, module, value = result.stdout.split()
    assert Path(package).is_relative_to(tmp_path)
    assert Path(module).is_relative_to(tmp_path)
    assert value == "q"
