"""`freejac verify`: verdicts, exit codes, and every kind of bad input."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from freejac import claims_page, verify_report
from freejac.claim_sources import installed, load
from freejac.cli import run
from freejac.symbolic.errors import Error, InputError
from freejac.verify import default_jobs, verify

GOOD = "<!-- freejac: symbols q > 0 -->\n$$(q+1)^2 = q^2 + 2q + 1$$\n"
WRONG = GOOD + "\n$$q + q = 3q$$\n"
CLAIMS = """
from freejac import Claim, Document, Skipped

DOCUMENT = Document(
    "demo", "Demo", "Nobody (2026)",
    (
        Claim("demo.right", "eq. (1)", r"q + q = 2q", "q + q", "2*q"),
        Claim(
            "demo.wrong", "eq. (2)", r"|q| + q = 3q", "q + q", "3*q", expected="refuted",
            correction=Claim("demo.mended", "eq. (2)", r"q + q = 2q", "q + q", "2*q"),
            note="a factor",
        ),
    ),
    (Skipped("eq. (3)", "a picture"),),
)
"""


def written(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text)
    return str(folder / name)


# --- exit codes ---------------------------------------------------------------------------------


def test_a_right_note_is_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", written(tmp_path, "good.md", GOOD)]) == 0
    out, err = capsys.readouterr()
    assert "1 claim: 1 proved" in out
    assert err == ""


def test_a_wrong_note_is_1_and_says_where(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["verify", written(tmp_path, "wrong.md", WRONG)]) == 1
    out = capsys.readouterr().out
    assert "line 4: q + q = 3q" in out
    assert re.search(r"counterexample: at q = \S+ the left side is", out)
    assert "2 claims: 1 proved, 1 refuted" in out


def test_what_a_note_expects_is_0(tmp_path: Path) -> None:
    text = GOOD + "<!-- freejac: expect refuted -->\n$$q + q = 3q$$\n"
    assert run(["verify", written(tmp_path, "known.md", text)]) == 0
    text = GOOD + "<!-- freejac: expect refuted -->\n$$q + q = 2q$$\n"
    assert run(["verify", written(tmp_path, "mended.md", text)]) == 1


def test_a_document_is_held_to_its_record(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["verify", written(tmp_path, "claims.py", CLAIMS)]) == 0
    assert "refuted, as recorded" in capsys.readouterr().out
    drifted = CLAIMS.replace(', expected="refuted"', "")
    assert run(["verify", written(tmp_path, "drifted.py", drifted)]) == 1
    assert "expected to be proved, now refuted" in capsys.readouterr().out


def test_strict_wants_everything_read_and_proved(tmp_path: Path) -> None:
    claims = written(tmp_path, "claims.py", CLAIMS)
    assert run(["verify", "--strict", claims]) == 1
    assert run(["verify", "--strict", written(tmp_path, "good.md", GOOD)]) == 0
    unread = written(tmp_path, "unread.md", GOOD + "\n$$\\foo = 1$$\n")
    assert run(["verify", unread]) == 0
    assert run(["verify", "--strict", unread]) == 1


def test_json_is_for_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = WRONG + "\n$$\\foo = 1$$\n$$q \\approx 1$$\n"
    assert run(["verify", "--json", written(tmp_path, "wrong.md", text)]) == 1
    data = json.loads(capsys.readouterr().out)
    assert data["passed"] is False
    assert data["counts"] == {"proved": 1, "not refuted": 0, "undecided": 0, "refuted": 1}
    (source,) = data["sources"]
    assert [claim["verdict"]["status"] for claim in source["claims"]] == ["proved", "refuted"]
    assert source["claims"][1]["verdict"]["counterexample"]["point"].keys() == {"q"}
    assert [remark["line"] for remark in source["not_read"]] == [6]
    assert [remark["line"] for remark in source["not_claims"]] == [7]


# --- processes ----------------------------------------------------------------------------------


def test_any_number_of_processes_gives_the_same(tmp_path: Path) -> None:
    formulas = "\n".join(
        f"$$(q+{n})^2 = q^2 + {2 * n}q + {n * n + (n == 7)}$$\n" for n in range(12)
    )
    names = [
        written(tmp_path, "many.md", GOOD + formulas),
        written(tmp_path, "claims.py", CLAIMS),
    ]
    one, three = (verify_report.as_json(verify(names, jobs=jobs)) for jobs in (1, 3))
    assert one == three


def test_progress_reaches_the_end(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    verify([written(tmp_path, "wrong.md", WRONG)], progress=lambda *step: seen.append(step))
    assert seen == [(0, 2), (1, 2), (2, 2)]


def test_few_claims_need_one_process() -> None:
    assert default_jobs(3) == 1
    assert 1 <= default_jobs(1000) <= 8


def test_code_that_fails_makes_its_claim_undecided(tmp_path: Path) -> None:
    text = """
from freejac import Claim
claims = [
    Claim("a.raises", "", "1", decide=lambda: 1 / 0),
    Claim("a.nothing", "", "1", decide=lambda: None),
    Claim("a.endless", "", "1", decide=lambda: [None for _ in iter(int, 1)]),
    Claim("a.right", "", "1 = 1", "q", "q"),
]
"""
    report = verify([written(tmp_path, "fails.py", text)], jobs=1, time_limit=0.5)
    first, second, third, fourth = report.outcomes
    assert first.verdict.method == "checking it failed: ZeroDivisionError: division by zero"
    assert second.verdict.method == "checking it returned NoneType, not a verdict"
    assert third.verdict.method == "no answer within 0.5 seconds"
    assert fourth.verdict
    assert not report.passed()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that share what is loaded")
def test_a_process_that_ends_is_one_error(tmp_path: Path) -> None:
    text = """
import os
from freejac import Claim
claims = [Claim(f"a.c{n}", "", "1", decide=lambda: os._exit(3)) for n in range(4)]
"""
    with pytest.raises(Error, match="a process ended while it checked a claim"):
        verify([written(tmp_path, "exits.py", text)], jobs=2)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_ctrl_c_shows_what_is_done(tmp_path: Path, jobs: str) -> None:
    reached = tmp_path / "reached"
    text = f"""
import time
from pathlib import Path
from freejac import Claim, Verdict

def slow():
    Path({str(reached)!r}).touch()
    time.sleep(60)

claims = [
    Claim("a.first", "", "1 = 1", decide=lambda: Verdict("proved", "1 = 1", "a look")),
    Claim("a.slow", "", "1", decide=slow),
    Claim("a.slower", "", "1", decide=slow),
]
"""
    command = [sys.executable, "-m", "freejac", "verify", "--jobs", jobs]
    process = subprocess.Popen(
        [*command, written(tmp_path, "slow.py", text)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # What runs in the background of a shell ignores it, and so would its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    while not reached.exists() and process.poll() is None:
        time.sleep(0.1)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=90)
    assert process.returncode == 130
    assert "a.first" in out
    assert "a.slow" not in out
    assert err == "freejac: error: interrupted\n"


# --- bad input ----------------------------------------------------------------------------------

BAD_FILES = {
    "empty.md": (b"", "holds no displayed formula"),
    "binary.md": (bytes(range(256)), "is not UTF-8 text (byte 129)"),
    "nul.md": (b"$$q\0$$", "is not text (byte 4 is 0)"),
    "open.md": (b"---\ntitle: x\n", "the front matter that begins on line 1 is not closed"),
    "directive.md": (b"\n<!-- freejac: symbls q -->", "line 2: unknown directive 'symbls'"),
    "syntax.py": (b"x = (\n", "line 1"),
    "raises.py": (b"\nx = 1 / 0\n", "line 2: ZeroDivisionError: division by zero"),
    "exits.py": (b"raise SystemExit(0)", "SystemExit: 0"),
    "nothing.py": (b"x = 1", "defines no Document and no list of claims"),
    "notes.docx": (b"x", "is not a Python file (.py) or a note (.md, .tex)"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_one_line(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content, part = BAD_FILES[name]
    (tmp_path / name).write_bytes(content)
    assert run(["verify", str(tmp_path / name)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"freejac: error: \S.*\n", err), err
    assert part in err
    assert name in err


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["missing.md"], "missing.md does not exist"),
        (["missing.py"], "missing.py does not exist"),
        (["."], ". is a folder"),
        (["folder.md"], "folder.md is a folder"),
        (["problem_set_9"], "there is no file or document problem_set_9 (documents: "),
        (["--all", "notes.md"], "choose one of --all and FILE"),
        (["--check"], "--check needs --page"),
        (["--jobs", "0"], "from 1 to 64, not 0"),
        (["--jobs", "many"], "--jobs"),
        (["--time-limit", "-1"], "positive number of seconds"),
        (["--time-limit", "nan"], "positive number of seconds"),
    ],
)
def test_bad_arguments_are_one_line(
    arguments: list[str],
    part: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.md").mkdir()
    assert run(["verify", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert part in err


def test_a_note_is_never_run(tmp_path: Path) -> None:
    target = tmp_path / "evaluated"
    code = f"open({str(target)!r}, 'w')"
    text = f"<!-- freejac: symbols q > 0 -->\n$${code} = 1$$\n$$q = __import__('os').getcwd()$$\n"
    report = verify([written(tmp_path, "hostile.md", text)])
    assert len(report.sources[0].unread) == 2
    assert not target.exists()


# --- the page -----------------------------------------------------------------------------------


def test_the_page_lists_claims_and_errata(tmp_path: Path) -> None:
    report = verify([written(tmp_path, "claims.py", CLAIMS)], jobs=1)
    page = claims_page.claims_page(report)
    assert "## Demo" in page
    assert "### Errata" in page
    assert "- **eq. (2)** (`demo.wrong`): $\\vert q\\vert + q = 3q$ is refuted." in page
    assert "  Instead: $q + q = 2q$, proved." in page
    assert "| `demo.right` | eq. (1) | $q + q = 2q$ | proved |" in page
    assert "- eq. (3): a picture" in page


def test_the_page_drifts_when_a_verdict_changes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    claims, page = written(tmp_path, "claims.py", CLAIMS), str(tmp_path / "claims.md")
    assert run(["verify", claims, "--page", page]) == 0
    assert "wrote" in capsys.readouterr().out
    assert run(["verify", claims, "--page", page, "--check"]) == 0
    (tmp_path / "claims.md").write_text("old\n")
    assert run(["verify", claims, "--page", page, "--check"]) == 1
    out, err = capsys.readouterr()
    assert "-old" in out
    assert claims_page.MEND in err
    assert (tmp_path / "claims.md").read_text() == "old\n"


def test_a_page_of_notes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="from documents alone"):
        claims_page.claims_page(verify([written(tmp_path, "good.md", GOOD)]))


# --- documents that come with freejac -----------------------------------------------------------


def test_installed_documents_load() -> None:
    for name in installed():
        source = load(name)
        assert source.items
        assert source.citation
