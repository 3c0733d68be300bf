"""The curriculum on "Resurrecting the sigmoid": random matrices, freeness, and the calculations."""

from __future__ import annotations

from dataclasses import replace

from freejac.derivations import (
    _curriculum_ensembles,
    _curriculum_semicircles,
    _curriculum_spacings,
)
from freejac.derivations.problem_set_4 import DOCUMENT as PROBLEM_SET_4
from freejac.symbolic.claims import Claim, Document, Skipped

__all__ = ["DOCUMENT"]

_PARTS = (_curriculum_spacings, _curriculum_ensembles, _curriculum_semicircles)

_REPEATED = {
    "problem 1(c)": ("1c.s-jacobian",),
    "problem 3(c)–(g)": ("3f.probability", "3f.weights", "3f.biases", "3g.probability"),
    "problem 4(a)–(d)": (
        "4a.moments",
        "4a.s",
        "4b.s",
        "4c.inverse",
        "4d.mean",
        "4d.second",
        "4d.second-measured",
    ),
}
"""Formulas that section 5 prints as the task of problem set 4, with the claims that check them."""


def _repeated(name: str, place: str) -> Claim:
    found = PROBLEM_SET_4.claim(f"ps4.{name}")
    return replace(found, id=f"curriculum.5.{name}", source=f"section 5, {place}")


DOCUMENT = Document(
    key="curriculum",
    title="Resurrecting the sigmoid: Theory and practice",
    citation="Piyush, Vinay and Riley, Depth First Learning (2020)",
    claims=(
        *(claim for part in _PARTS for claim in part.CLAIMS),
        *(_repeated(name, place) for place, names in _REPEATED.items() for name in names),
    ),
    skipped=(
        *(skipped for part in _PARTS for skipped in part.SKIPPED),
        Skipped(
            "section 5, the other problems",
            "questions without formulas; problem set 4 answers them, see ps4",
        ),
        Skipped("section 5, problem 3(g), '(σ_w, σ_z plane)'", "a plot is asked for; σ_z is σ_b"),
        Skipped(
            "the last section, experiments",
            "training code that is not part of the text; the growth with depth is "
            "curriculum.5.4d.second-measured",
        ),
    ),
)
