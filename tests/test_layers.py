"""Who may import whom, checked on the tree itself and on trees that break the contract."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOMS = ("symbolic", "codegen", "generated", "derivations")

# What each room may import besides the standard library and the rooms below it.
EXTERNAL = {
    "symbolic": {"sympy", "mpmath", "flint", "lark"},
    "codegen": {"sympy", "mpmath", "flint", "numpy", "numba", "jinja2"},
    "generated": {"numpy", "numba"},
    "derivations": {"sympy", "mpmath", "flint", "numpy"},  # arrays of drawn networks
}
OURS = {
    "symbolic": {"symbolic"},
    "codegen": {"symbolic", "codegen"},
    "generated": set(),
    "derivations": {"symbolic", "derivations"},
}


def imports(source: str) -> set[str]:
    """Full names of all modules that a source text imports, at any depth of nesting."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add("." * node.level + (node.module or ""))
    return found


def strangers(room: str, source: str) -> set[str]:
    """Imports of a module of that room which the room may not have."""
    allowed = EXTERNAL[room] | set(sys.stdlib_module_names)
    ours = tuple(f"freejac.{other}" for other in OURS[room])
    return {
        name
        for name in imports(source)
        if name.split(".")[0] not in allowed
        and not any(name == other or name.startswith(other + ".") for other in ours)
    }


@pytest.mark.parametrize("room", ROOMS)
def test_every_module_imports_what_its_room_may(repository: Path, room: str) -> None:
    sources = sorted((repository / room).rglob("*.py"))
    assert sources
    found = {
        f"{path.relative_to(repository)}: {name}"
        for path in sources
        for name in strangers(room, path.read_text())
    }
    assert not found


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("symbolic", "import numpy as np"),
        ("symbolic", "def f():\n    from freejac.codegen import spec"),
        ("symbolic", "from . import errors"),
        ("codegen", "import freejac"),
        ("codegen", "from freejac.generated import relu"),
        ("generated", "from freejac.symbolic.symbols import q"),
        ("generated", "import scipy.special"),
        ("derivations", "from freejac.codegen.spec import Kernel"),
    ],
)
def test_a_forbidden_import_is_seen(room: str, source: str) -> None:
    assert strangers(room, source)


def lint_imports(tree: Path) -> subprocess.CompletedProcess[str]:
    """Check the contract of pyproject.toml on a tree."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    return subprocess.run(
        command,
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def copy(repository: Path, tmp_path: Path) -> Path:
    """Copy of the package, links resolved, with the contract beside it."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(repository / "freejac", tmp_path / "freejac", ignore=ignored)
    shutil.copy(repository / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_contract_holds(copy: Path) -> None:
    result = lint_imports(copy)
    assert result.returncode == 0, result.stdout + result.stderr


BROKEN = {
    "symbolic.errors": ("freejac.codegen", "numpy", "freejac.generated"),
    "codegen": ("freejac.simulate", "freejac.generated"),
    "generated": ("freejac.symbolic.symbols", "sympy"),
    "derivations": ("freejac.codegen",),
    "simulate": ("freejac.symbolic.symbols", "freejac.numeric"),
}


def test_every_import_that_breaks_the_contract_is_reported(copy: Path) -> None:
    for name, imported in BROKEN.items():
        path = copy / "freejac" / name.replace(".", "/")
        with (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).open("a") as room:
            room.writelines(f"\nimport {module}\n" for module in imported)
    (copy / "freejac/unlisted.py").touch()
    result = lint_imports(copy)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "0 kept, 6 broken" in result.stdout
    assert "- freejac.unlisted\n" in result.stdout
    for name, imported in BROKEN.items():
        for module in imported:
            assert f"- freejac.{name} -> {module} (l." in result.stdout.replace("-   ", "- ")


@pytest.mark.parametrize("room", ["symbolic", "codegen"])
def test_the_index_of_a_room_names_every_module(repository: Path, room: str) -> None:
    index = ast.get_docstring(ast.parse((repository / room / "__init__.py").read_text())) or ""
    named = {word for part in re.findall(r"`([^`]+)`", index) for word in part.split()}
    prefixes = tuple(word.removesuffix("…") for word in named if word.endswith("…"))
    present = {path.stem for path in (repository / room).glob("*.py")} - {"__init__"}
    assert not {name for name in present - named if not name.startswith(prefixes or ("-",))}
    assert not {name for name in named if "…" not in name} - present
