"""The recipes of CONTRIBUTING.md, carried out step by step in a copy of the tree."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

RECIPE = re.compile(r"^ *```recipe (?P<target>\S+)\n(?P<body>.*?)^ *```$", re.MULTILINE | re.DOTALL)

# The oracle of step 2: what the copy's engine finds against quadrature of the definition.
COMPARE = """
import mpmath
import freejac as fj
from freejac.symbolic.piecewise import decompose
from freejac.symbolic.quadrature import gaussian_mean

phi = fj.activation("relu6")
assert not fj.expect(phi.expr).has(fj.Expectation)
for power in (1, 2):
    closed = fj.expect(phi.expr**power)
    for variance in ("1/100", "1", "50"):
        q = fj.parse(variance)
        expected = gaussian_mean(decompose(phi.expr**power), q, digits=30)
        with mpmath.workdps(30):
            value = mpmath.mpmathify(closed.subs(fj.q, q).evalf(30))
            assert mpmath.almosteq(value, expected, 1e-25)
print("agrees")
"""


def section(page: str, title: str) -> str:
    """Text below a heading of level two, up to the next one."""
    start = page.index(f"## {title}\n")
    end = page.find("\n## ", start + 1)
    return page[start : end if end > 0 else None]


def insert_entry(library: Path, entry: str) -> None:
    """Write an entry at the end of the tuple `_ENTRIES`."""
    source = library.read_text()
    entries = next(
        node.value
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_ENTRIES"
    )
    lines = source.splitlines(keepends=True)
    assert entries.end_lineno is not None
    lines.insert(entries.end_lineno - 1, textwrap.indent(textwrap.dedent(entry), "    "))
    library.write_text("".join(lines))


@pytest.fixture
def tree(copy_sources: Callable[[Path], Path], tmp_path: Path) -> Path:
    """Copy of the project to work in."""
    return copy_sources(tmp_path / "tree")


def run(command: list[str] | str, tree: Path) -> str:
    """Run a command in the copy, with the copy's package before the installed one."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(tree), "COLUMNS": "100"}
    # To rewrite the asserts of every test takes longer than to run those of one activation.
    environment["PYTEST_ADDOPTS"] = "--assert=plain"
    result = subprocess.run(
        command,
        shell=isinstance(command, str),
        cwd=tree,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert result.returncode == 0, f"{command}\n{result.stdout}"
    return result.stdout


@pytest.mark.slow
def test_how_to_add_an_activation(repository: Path, tree: Path) -> None:
    page = (repository / "CONTRIBUTING.md").read_text()
    outputs: dict[str, str] = {}
    for step in RECIPE.finditer(section(page, "How to add an activation")):
        if step["target"] == "console":
            for line in re.findall(r"^ *\$ (.*)$", step["body"], re.MULTILINE):
                outputs[line] = run(line, tree)
        else:
            assert step["target"] == "symbolic/library.py"
            insert_entry(tree / step["target"], step["body"])

    assert "relu6" in outputs["freejac list"]
    assert "relu6" in outputs["freejac derive relu6"]
    assert re.search(r"\b[1-9]\d* passed", outputs["python -m pytest tests -k relu6"])
    assert "relu6" in (tree / "docs/kernels.md").read_text()
    assert run([sys.executable, "-c", COMPARE], tree).strip() == "agrees"
    assert not (repository / "generated/relu6.py").exists()
    assert (tree / "generated/relu6.py").exists()
