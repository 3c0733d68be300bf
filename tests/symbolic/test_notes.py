"""Notes: which formulas are claims, which are not, and the line of each."""

from __future__ import annotations

import time

import pytest
import sympy as sp

from freejac.symbolic.errors import InputError
from freejac.symbolic.latex_names import Names
from freejac.symbolic.note_directives import obey
from freejac.symbolic.notes import Note, read_note

MARKDOWN = r"""---
layout: post
title: "Length map"
freejac:
  symbols standard
  phi := relu
  random h ~ N(0, q)
  V(q) := \sigma_w^2 \mathbb{E}[\phi(h)^2] + \sigma_b^2
---
# Length map

$$V(q) = \frac{\sigma_w^2}{2} q + \sigma_b^2$$

```python
$$ not a formula $$
```

The value $$q = 2q$$ stands in a line, `$$q = 3q$$` in code, \$$ is no formula.

<!-- freejac: skip a picture -->
$$\foo$$

<!-- freejac: for p < 1/2 -->
\begin{align}
p^2 &< p/2 \label{eq:small} \\
p &= \bar{p} \\
p &= p + 0
\end{align}

<!-- freejac: define -->
$$r = \sigma_w^2/2$$

<!-- freejac: assume -->
$$V(q) = q$$

- $$q(1 - r) = \sigma_b^2.$$

<!-- freejac: expect refuted -->
$$q = 1$$

$$ open

text
"""


@pytest.fixture(scope="module")
def note() -> Note:
    return read_note(MARKDOWN)


def test_claims_stand_where_they_stand(note: Note) -> None:
    assert note.title == "Length map"
    found = [(claim.id, claim.line) for claim in note.claims]
    lines = MARKDOWN.splitlines()
    assert found == [
        ("line 12", 12),
        ("eq:small", 25),
        ("line 27", 27),
        ("line 36", 36),
        ("line 39", 39),
    ]
    assert "p + 0" in lines[27 - 1]


def test_verdicts(note: Note) -> None:
    statuses = {claim.id: claim.verdict().status for claim in note.claims}
    assert statuses["line 12"] in {"proved", "not refuted"}
    assert statuses["line 36"] in {"proved", "not refuted"}  # by the assumption before it
    assert statuses["line 39"] == "refuted"


def test_nothing_is_skipped_silently(note: Note) -> None:
    assert [(remark.line, remark.reason.split(" (")[0]) for remark in note.unread] == [
        (26, "bar{p} is not bound"),
        (41, "$$ is not closed"),
    ]
    assert [(remark.line, remark.reason) for remark in note.asides] == [
        (18, "inside a line of text"),
        (21, "a picture"),
        (31, "defines r"),
        (34, "assumed in what follows"),
    ]


def test_marks_hold_for_one_formula(note: Note) -> None:
    by_id = {claim.id: claim for claim in note.claims}
    assert by_id["line 39"].expected == "refuted"
    assert by_id["line 36"].expected is None
    assert by_id["eq:small"].chain.conditions[-1].free_symbols == {sp.Symbol("p", positive=True)}


LATEX = r"""\documentclass{article}
% freejac: symbols q > 0, a real
\newcommand{\x}{\begin{equation} a = 1 \end{equation}}
\begin{document}
Text with 100\% of $a = 2a$. % \[ a = 3a \]
\begin{verbatim}
\[ a = 4a \]
\end{verbatim}
\begin{tabular}{l} a \\[2pt] b \end{tabular}
\[ q + q = 2q \]
% freejac: for a > 0
\begin{equation*}
  |a| = a
\end{equation*}
$$a^2 \ge 0$$
\begin{alignat}{2} a &= a & \qquad q &= q \end{alignat}
\end{document}
"""


def test_latex() -> None:
    note = read_note(LATEX, "latex")
    assert [claim.line for claim in note.claims] == [10, 13, 15, 16, 16]
    assert not note.unread
    assert all(claim.verdict().status in {"proved", "not refuted"} for claim in note.claims)


BROKEN = {
    "front matter": ("---\ntitle: x\n$$q = q$$\n", "line 1 is not closed"),
    "directive": ("<!-- freejac: symbls q -->", "line 1: unknown directive 'symbls'"),
    "assumption": ("\n<!-- freejac: symbols q -->", "line 2: what is 'q'?"),
    "name": ("<!-- freejac: symbols q + 1 > 0 -->", "is more than a name"),
    "twice": ("<!-- freejac: symbols q > 0, q real -->", "q is bound already"),
    "law": ("<!-- freejac: random z ~ U(0, 1) -->", "a law that is not normal"),
    "tilde": ("<!-- freejac: random z -->", "write random z ~ N(0, 1)"),
    "activation": ("<!-- freejac: activation phi := tahn(x) -->", "did you mean tanh?"),
    "value": ("<!-- freejac: S(z) := \\foo -->", "unknown command \\foo"),
    "status": ("<!-- freejac: expect true -->", "expect one of proved"),
    "python": ("<!-- freejac: symbols __import__('os') -->", "line 1"),
    "condition": ("<!-- freejac: for q -->", "line 1"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_directive_that_cannot_be_read_is_one_line(case: str) -> None:
    text, part = BROKEN[case]
    with pytest.raises(InputError) as refusal:
        read_note(text)
    assert part in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_symbols_carry_assumptions_and_conditions() -> None:
    names = Names()
    obey(r"symbols \sigma_w > 0, b >= 0, c in (-1, 1], n integer >= 2, m \le 0, z complex", names)
    symbols = names.symbols
    assert symbols["sigma_w"] == sp.Symbol("sigma_w", positive=True)
    assert symbols["b"].is_nonnegative
    assert symbols["n"].is_integer
    assert symbols["n"].is_positive
    assert symbols["m"].is_nonpositive
    assert symbols["z"].is_real is None
    c, n = symbols["c"], symbols["n"]
    assert names.conditions == [c > -1, c <= 1, n >= 2]


def test_a_binding_replaces_a_standard_one() -> None:
    names = Names()
    for text in ("symbols standard", "random z ~ N(0, 1)", "symbols c > 2"):
        obey(text, names)
    assert set(names.random) == {"z"}
    assert names.symbols["c"].is_positive
    assert names.conditions == [sp.Symbol("p", positive=True) <= 1, names.symbols["c"] > 2]
    with pytest.raises(InputError, match="c is bound already"):
        obey("symbols c > 3", names)


def test_parameters_of_an_activation_are_the_bound_symbols() -> None:
    note = read_note(
        "<!-- freejac: symbols standard -->\n<!-- freejac: symbols a in (0, 1) -->\n"
        "<!-- freejac: phi := leaky_relu(a) -->\n<!-- freejac: random h ~ N(0, q) -->\n"
        "$$\\mathbb{E}[\\phi(h)^2] = \\frac{1 + a^2}{2} q$$\n"
        "$$\\mathbb{E}[\\phi'(h)^2] = \\frac{1 + a}{2}$$\n"
    )
    assert [claim.verdict().status for claim in note.claims] == ["proved", "refuted"]
    with pytest.raises(InputError, match="the parameter alpha of elu is not bound"):
        read_note("<!-- freejac: phi := elu -->")


def test_plain_and_latex_names_are_one() -> None:
    names = Names()
    obey("symbols sigma_w > 0, q^* > 0, M^{-1} real, cumulant > 0", names)
    assert set(names.symbols) == {"sigma_w", "q^*", "M^-1", "cumulant"}


def test_what_is_listed_cannot_steer_a_terminal() -> None:
    note = read_note("---\ntitle: \x1b[2J\n---\n$$\x1b[31mq = \x07$$\n")
    assert note.title == "�[2J"
    assert [remark.text for remark in note.unread] == ["�[31mq = �"]
    assert "\x1b" not in note.unread[0].reason


@pytest.mark.parametrize(
    "text",
    [
        "$$" * 100_001,
        "\\[" * 100_000,
        "\\begin{equation}" * 50_000,
        "<!--" * 100_000,
        "```\n" * 50_001,
        "$" * 100_001,
        "$$" + "{" * 10**5 + "}" * 10**5 + "$$",
        "$$" + "(" * 10**4,
    ],
    ids=lambda text: text[:8],
)
def test_hostile_notes_are_read_in_no_time(text: str) -> None:
    start = time.process_time()
    assert read_note(text).claims == ()
    assert time.process_time() - start < 5


def test_thousands_of_formulas() -> None:
    text = "<!-- freejac: symbols q > 0 -->\n" + "$$(q+1)^2 = q^2 + 2q + 1$$\n\n" * 3000
    start = time.process_time()
    note = read_note(text)
    assert len(note.claims) == len({claim.id for claim in note.claims}) == 3000
    assert time.process_time() - start < 20
