"""Every snippet of the documentation runs, and prints what the page says it prints."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]

# Languages of blocks that name the file they are: ```markdown notes.md
FILES = ("markdown", "latex", "python", "toml")

# Commands that .ci/run itself carries out, or that need another machine.
ELSEWHERE = ("git clone ", "cd ", "make ", "pip install ", ".ci/run")

FENCE = re.compile(r"^ *```(?P<info>[^\n`]*)\n(?P<body>.*?)^ *```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Snippet:
    """One fenced block: what it is written in, its text, and its first line's number."""

    info: str
    body: str
    line: int


@dataclass(frozen=True)
class Command:
    """One `$ …` line of a console block and the output shown below it."""

    text: str
    shown: str
    status: int


def snippets(text: str) -> list[Snippet]:
    """All fenced blocks of a page, in order."""
    return [
        Snippet(
            match["info"].strip(), dedent(match["body"]), text.count("\n", 0, match.start()) + 2
        )
        for match in FENCE.finditer(text)
    ]


def commands(body: str) -> list[Command]:
    """Commands of a console block; a comment `# exit code N` states a status other than 0."""
    parts = re.split(r"^\$ ", body, flags=re.MULTILINE)
    if parts[0].strip():
        raise ValueError("a console block starts with a command: $ …")
    found = []
    for part in parts[1:]:
        line, _, shown = part.partition("\n")
        text, _, status = line.partition("  # exit code ")
        found.append(Command(text.strip(), shown.rstrip(), int(status or 0)))
    return found


def agrees(printed: str, shown: str) -> bool:
    """Whether the output is what is shown; `…` stands for any text, ends of lines do not count."""
    lines = "\n".join(line.rstrip() for line in printed.strip("\n").splitlines())
    pattern = ".*".join(re.escape(part) for part in shown.strip("\n").split("…"))
    return re.fullmatch(pattern, lines, re.DOTALL) is not None


def run_command(command: Command, folder: Path) -> None:
    """Run one command as a reader would, beside the installed tools."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}
    environment.pop("PYTEST_ADDOPTS", None)
    result = subprocess.run(
        ["bash", "-c", command.text],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert result.returncode == command.status, f"$ {command.text}\n{result.stdout}"
    if command.shown:
        assert agrees(result.stdout, command.shown), (
            f"$ {command.text}\n--- shown\n{command.shown}\n--- printed\n{result.stdout}"
        )


def run_python(snippet: Snippet, namespace: dict[str, object], page: str) -> None:
    """Run a Python block; one with prompts is compared with the values it shows."""
    if not snippet.body.lstrip().startswith(">>>"):
        source = "\n" * (snippet.line - 1) + snippet.body
        exec(compile(source, page, "exec"), namespace)
        return
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    test = doctest.DocTestParser().get_doctest(
        snippet.body, namespace, page, page, snippet.line - 1
    )
    complaints: list[str] = []
    runner = doctest.DocTestRunner(optionflags=flags)
    runner.run(test, out=complaints.append, clear_globs=False)
    namespace.update(test.globs)
    assert not complaints, "".join(complaints)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_snippets(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {"__name__": page.stem}
    for snippet in snippets(page.read_text()):
        language, _, file = snippet.info.partition(" ")
        if file and language in FILES:
            (tmp_path / file).write_text(snippet.body)
        elif snippet.info == "python":
            run_python(snippet, namespace, str(page))
        elif snippet.info == "console":
            for command in commands(snippet.body):
                if not command.text.startswith(ELSEWHERE):
                    run_command(command, tmp_path)
        else:
            # `recipe …` blocks are carried out by test_recipes.py, `text` shows what is not run.
            assert snippet.info.split()[:1] in (["recipe"], ["text"]), f"{page}:{snippet.line}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)", FENCE.sub("", page.read_text()))
    local = [target for target in targets if "://" not in target]
    assert [target for target in local if not (page.parent / target).exists()] == []


def test_pictures_are_small() -> None:
    pictures = list((ROOT / "docs/figures").glob("*.png"))
    assert pictures
    assert all(picture.stat().st_size < 150_000 for picture in pictures)


def test_a_wrong_value_is_noticed() -> None:
    with pytest.raises(AssertionError, match="Expected"):
        run_python(Snippet("python", ">>> 1 + 1\n3\n", 1), {}, "page")


def test_a_wrong_output_is_noticed(tmp_path: Path) -> None:
    (command,) = commands("$ echo one two\none three\n")
    with pytest.raises(AssertionError, match="shown"):
        run_command(command, tmp_path)


def test_a_failing_command_is_noticed(tmp_path: Path) -> None:
    for body in ("$ false\n", "$ true  # exit code 2\n"):
        (command,) = commands(body)
        with pytest.raises(AssertionError):
            run_command(command, tmp_path)


def test_an_ellipsis_stands_for_any_text() -> None:
    assert agrees("a\nb\nc  \n", "a\n…\nc")
    assert not agrees("a\nb\nd\n", "a\n…\nc")
