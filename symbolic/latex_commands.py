r"""The commands and characters of the LaTeX subset, and what kind of token each is.

>>> BRACKETS["langle"], RELATIONS["leq"]
((<Kind.OPEN: 4>, '<'), '<=')
"""

from __future__ import annotations

import unicodedata
from enum import Enum, auto

__all__ = [
    "ACCENTS",
    "BRACKETS",
    "CHARACTERS",
    "DROPPED",
    "ELEMENTARY",
    "FONTS",
    "GREEK",
    "OPERATORS",
    "REFUSED",
    "RELATIONS",
    "STRUCTURE",
    "TEXTS",
    "UPRIGHT",
    "Kind",
    "greek_letter",
]


class Kind(Enum):
    """What a token is to the parser."""

    NUMBER = auto()
    NAME = auto()
    COMMAND = auto()
    OPEN = auto()  # a bracket that shows
    CLOSE = auto()
    BAR = auto()  # | that may open or close
    GROUP = auto()  # a brace, which does not show
    END_GROUP = auto()
    OPERATOR = auto()  # + - * / !
    RELATION = auto()
    SCRIPT = auto()  # ^ or _
    PRIME = auto()
    COMMA = auto()
    ALIGN = auto()  # &
    ROW = auto()  # \\
    GAP = auto()  # \quad
    WORDS = auto()  # \text{…}
    BEGIN = auto()
    END = auto()
    LABEL = auto()
    FAULT = auto()  # what is not in the subset
    STOP = auto()


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


GREEK = _words(
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi "
    "pi varpi rho varrho sigma varsigma tau upsilon phi varphi chi psi omega Gamma Delta Theta "
    "Lambda Xi Pi Sigma Upsilon Phi Psi Omega ell"
)
ELEMENTARY = _words("exp log ln sin cos tan cot sinh cosh tanh coth arcsin arccos arctan Re Im")
"""Commands of functions with one argument."""
STRUCTURE = ELEMENTARY | _words(
    "frac dfrac tfrac sqrt binom int sum prod lim infty partial to max min pm mp"
)
DROPPED = _words(
    "displaystyle textstyle scriptstyle limits nolimits nonumber notag allowbreak , ; : ! big Big "
    "bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr"
) | {" ", "\n"}
"""Spacing and size, which mean nothing."""
OPERATORS = {"cdot": "*", "times": "*", "ast": "*", "div": "/"}
RELATIONS = {
    **{name: name for name in _words("approx sim simeq propto equiv in implies iff ll gg")},
    **dict.fromkeys(_words("Rightarrow rightarrow longrightarrow mapsto"), "Rightarrow"),
    **dict.fromkeys(("le", "leq", "leqslant"), "<="),
    **dict.fromkeys(("ge", "geq", "geqslant"), ">="),
    **dict.fromkeys(("ne", "neq"), "!="),
    **dict.fromkeys(("coloneqq", "triangleq", "coloneq"), ":="),
    "lt": "<",
    "gt": ">",
}
BRACKETS = {
    "(": (Kind.OPEN, "("),
    ")": (Kind.CLOSE, "("),
    "[": (Kind.OPEN, "["),
    "]": (Kind.CLOSE, "["),
    "{": (Kind.OPEN, "{"),
    "}": (Kind.CLOSE, "{"),
    "lbrace": (Kind.OPEN, "{"),
    "rbrace": (Kind.CLOSE, "{"),
    "langle": (Kind.OPEN, "<"),
    "rangle": (Kind.CLOSE, "<"),
    "lvert": (Kind.OPEN, "|"),
    "rvert": (Kind.CLOSE, "|"),
    "lbrack": (Kind.OPEN, "["),
    "rbrack": (Kind.CLOSE, "["),
}
"""Brackets that show, each with its kind and the form in which both of a pair are written."""
UPRIGHT = _words("mathrm operatorname mathit mathsf mathop rm textsf")
FONTS = _words("mathcal mathbb mathbf mathfrak mathscr boldsymbol bm")
ACCENTS = _words("hat tilde bar widehat widetilde overline dot")
TEXTS = _words("text textrm mbox textit textnormal")
CHARACTERS = {
    **{character: (Kind.OPERATOR, character) for character in "+-*/!"},
    **{character: (Kind.RELATION, character) for character in "=<>"},
    **{character: (Kind.SCRIPT, character) for character in "^_"},
    **dict.fromkeys("·⋅×∗", (Kind.OPERATOR, "*")),
    **dict.fromkeys("'′", (Kind.PRIME, "'")),
    **dict.fromkeys(",;", (Kind.COMMA, ",")),
    **{character: BRACKETS[character] for character in "()[]"},
    "−": (Kind.OPERATOR, "-"),
    "≤": (Kind.RELATION, "<="),
    "≥": (Kind.RELATION, ">="),
    "≠": (Kind.RELATION, "!="),
    "≈": (Kind.RELATION, "approx"),
    "&": (Kind.ALIGN, "&"),
    "|": (Kind.BAR, "|"),
    "{": (Kind.GROUP, "{"),
    "}": (Kind.END_GROUP, "}"),
    "∞": (Kind.COMMAND, "infty"),
    "∂": (Kind.COMMAND, "partial"),
    "∫": (Kind.COMMAND, "int"),
}


REFUSED = {
    **dict.fromkeys(
        ("dots", "cdots", "ldots", "vdots", "ddots", "dotsb", "dotsc"),
        ("an ellipsis leaves terms out", "write \\sum or \\prod"),
    ),
    **dict.fromkeys(("|", "Vert", "lVert", "rVert"), ("a norm", "norms are not in the subset")),
    **dict.fromkeys(
        ("dagger", "top", "intercal", "mathsf T"),
        ("a transpose", "matrices are not in the subset"),
    ),
    **dict.fromkeys(("oint", "iint", "iiint"), ("an integral of its own kind", "write \\int")),
    "nabla": ("a gradient", "write \\frac{\\partial}{\\partial x}"),
    "circ": ("a composition or a degree", "write f(g(x))"),
    "mid": ("a conditional", "condition the law: \\mathbb{E}_{z \\sim \\mathcal{N}(0, q)}"),
}
"""Commands with a meaning that the subset does not have, each with what to say."""


def greek_letter(character: str) -> str | None:
    """Name of a Greek letter's command.

    >>> greek_letter("σ"), greek_letter("Φ"), greek_letter("s")
    ('sigma', 'Phi', None)
    """
    alphabet, _, letter = unicodedata.name(character, "").rpartition(" LETTER ")
    if alphabet not in {"GREEK SMALL", "GREEK CAPITAL"}:
        return None
    name = letter.lower() if alphabet.endswith("SMALL") else letter.capitalize()
    name = {"lamda": "lambda", "Lamda": "Lambda", "final sigma": "sigma"}.get(name, name)
    return name if name in GREEK else None
