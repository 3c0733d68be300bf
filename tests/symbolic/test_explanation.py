"""Derivations as data, as text and as LaTeX."""

import pytest
import sympy as sp

from freejac.symbolic.errors import InputError
from freejac.symbolic.explanation import Explanation, Step
from freejac.symbolic.symbols import depth, p, z

EQUATION = sp.Eq(sp.Function("S")(z), (1 + z) / (p + z) ** depth)
TWO = Explanation(
    "100 % of a_b",
    (Step(EQUATION, "S multiplies", "Voiculescu 1987"), Step("mass & more", "counting")),
)


def test_text_has_rule_statement_and_source_in_order():
    assert str(TWO).splitlines() == [
        "100 % of a_b",
        "1. S multiplies",
        "       S(z) = (z + 1)/(p + z)**L",
        "       [Voiculescu 1987]",
        "2. counting",
        "       mass & more",
    ]


def test_latex_shows_the_equation_and_escapes_words():
    shown = TWO.latex()
    assert sp.latex(EQUATION) in shown
    assert r"100 \% of a\_b" in shown
    assert r"mass \& more" in shown
    assert shown.count(r"\item") == len(TWO) == 2


def test_steps_can_be_gone_over():
    assert [step.rule for step in TWO] == ["S multiplies", "counting"]
    assert TWO[-1].source == ""


@pytest.mark.parametrize("statement", ["", "  ", 3, None, sp.Eq(z, z)])
def test_a_step_says_something(statement):
    with pytest.raises(InputError, match="states"):
        Step(statement, "rule")


def test_a_step_has_a_rule():
    with pytest.raises(InputError, match="needs a rule"):
        Step(EQUATION, "")
