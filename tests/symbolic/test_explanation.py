"""Derivations as data, as text and as LaTeX."""

import unicodedata

import pytest
import sympy as sp

from freejac.symbolic.errors import InputError
from freejac.symbolic.explanation import Explanation, Step
from freejac.symbolic.jacobian import Jacobian
from freejac.symbolic.layers import Layer
from freejac.symbolic.residual import ResNet
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


def test_letters_of_mathematics_are_set_as_mathematics():
    words = Explanation("σ₊ and M⁻¹", (Step("φ′ ≠ 0, 1 − Λ", "ζ → ∞"),)).latex()
    for piece in (
        r"\ensuremath{\sigma}\ensuremath{_{+}}",
        r"M\ensuremath{^{-1}}",
        r"\Lambda",
        r"\ne",
    ):
        assert piece in words
    assert words.isascii()


@pytest.mark.parametrize(
    "network",
    [
        Jacobian("hard_tanh", "orthogonal"),
        Jacobian(layers=[Layer("relu", 2), Layer("tanh", 3, q=1)], input_width=1),
        ResNet("tanh"),
        ResNet(["relu", "linear"], sp.Rational(1, 2), batch_norm=True),
    ],
    ids=repr,
)
def test_latex_of_derivations_needs_no_fonts_but_for_names(network):
    """Outside ASCII only Latin letters and dashes are left, which LaTeX reads as UTF-8."""
    left = {c for c in network.explain().latex() if not c.isascii()}
    assert all(unicodedata.name(c).startswith(("LATIN", "EN DASH")) for c in left), left


def test_a_formula_in_words_has_its_own_latex():
    assert Step("a over b", "division", formula=r"\frac{a}{b}").latex() == r"\[ \frac{a}{b} \]"


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
