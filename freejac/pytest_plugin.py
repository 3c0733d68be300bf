"""For tests of hand derivations: a failed check says where it fails, and what may be meant.

pytest loads this module by itself once freejac is installed. It imports no mathematics before a
test does.

```python
def test_length_map_of_relu():
    assert fj.check(fj.MeanField("relu").length_map, "sigma_w**2*q/2 + sigma_b**2")
```
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from freejac.symbolic.verdict import Status, Verdict

__all__ = ["check_claim"]

_VERDICT = "freejac.symbolic.verdict"


@pytest.fixture
def check_claim() -> Callable[..., Verdict]:
    """Check a claim, and fail the test unless it holds.

    The fixture is a function that takes what `freejac.check` takes, and `at_least`: the weakest
    status that passes, "proved" unless given, or "not refuted". It returns the verdict. It needs
    no assert, and so works where asserts are not rewritten.
    """
    from freejac.symbolic.check import check  # imports SymPy
    from freejac.symbolic.verdict import STATUSES

    def checked(*claim: Any, at_least: Status = "proved", **options: Any) -> Verdict:
        __tracebackhide__ = True
        verdict = check(*claim, **options)
        if STATUSES.index(verdict.status) > STATUSES.index(at_least):
            raise AssertionError(_told(verdict))
        return verdict

    return checked


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(call: pytest.CallInfo[None]) -> None:
    """Put the verdicts that made an assert fail in the place of their representation."""
    home = sys.modules.get(_VERDICT)  # absent while no test has used it
    if home is None or call.excinfo is None or not isinstance(call.excinfo.value, AssertionError):
        return
    verdicts = list(_false_verdicts(call.excinfo, home.Verdict))
    if verdicts:
        error = call.excinfo.value
        # A message of the test's own stands above what the assert was rewritten to.
        own = re.split(r"^assert ", str(error), maxsplit=1, flags=re.MULTILINE)[0].strip()
        error.args = ("\n".join([*filter(None, [own]), *map(_told, verdicts)]),)


def _told(verdict: Verdict) -> str:
    """The verdict and its evidence; one without proof also says what would let it pass."""
    if verdict.status != "not refuted":
        return str(verdict)
    advice = 'check_claim(…, at_least="not refuted") lets it pass'
    return f"{verdict}\n  {verdict.meaning}; {advice}"


def _false_verdicts(
    caught: pytest.ExceptionInfo[BaseException], kind: type[Verdict]
) -> Iterator[Verdict]:
    """The verdicts that a failed assert was about.

    pytest keeps the values inside an assert in variables of the frame, whose names begin with
    @py_assert; a verdict that the test itself gave a name is in the assert under that name.
    """
    entry = caught.traceback[-1]
    if str(entry.path) == __file__:  # the fixture has said it all
        return
    statement, seen = str(entry.statement), set[int]()
    for name, value in entry.frame.f_locals.items():
        named = name.startswith("@py_assert") or re.search(rf"\b{re.escape(name)}\b", statement)
        if isinstance(value, kind) and not value and named and id(value) not in seen:
            seen.add(id(value))
            yield value
