"""The runner of the benchmarks: a case may fail or hang, and none is computed twice."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from cases import Entry, run_cases


def staged(what: str) -> Iterator[Entry]:
    yield {"first": what}
    if what == "hangs":
        time.sleep(600)
    if what == "dies":
        os._exit(3)
    if what == "fails":
        raise ValueError("no such thing")
    yield {"verdict": "within"}


def test_each_case_ends_by_itself_and_keeps_what_it_found(tmp_path: Path) -> None:
    results = tmp_path / "made" / "results.jsonl"
    cases = {what: (what,) for what in ("hangs", "dies", "fails", "ends")}
    found = {entry["key"]: entry for entry in run_cases(staged, cases, results, 4, 8.0)}
    assert {key: entry["verdict"] for key, entry in found.items()} == {
        "hangs": "took more than 8 s",
        "dies": "its process ended with code 3",
        "fails": "ValueError: no such thing",
        "ends": "within",
    }
    assert all(entry["first"] == key for key, entry in found.items())
    with results.open("a", encoding="utf-8") as file:
        file.write('{"key": "cut o')
    again = {entry["key"]: entry for entry in run_cases(staged, cases, results, 4, 0.0)}
    assert again == found
