"""What to say of text that is not in the grammar: what was unexpected, and what to write instead.

>>> refused_name("q").hint
'call the parameter q1'
>>> unknown_function("tahn").hint
'did you mean tanh?'
"""

from __future__ import annotations

import difflib
import keyword
import unicodedata
from typing import NamedTuple

import lark

from freejac.symbolic import library
from freejac.symbolic.errors import ParseError, UnknownNameError
from freejac.symbolic.grammar import CONSTANTS, FUNCTION_NAMES, OTHERWISE
from freejac.symbolic.symbols import x

__all__ = ["MEANINGS", "Refusal", "refused_name", "syntax_error", "unknown_function"]

MEANINGS = {
    "z": "the argument of the transforms",
    "q": "the variance of a pre-activation",
    "c": "the correlation of two pre-activations",
    "p": "the probability of the linear regime",
    "sigma_w": "the scale of the weights",
    "sigma_b": "the standard deviation of the biases",
    "L": "the depth",
    "cumulant": "the effective cumulant of a residual network",
    "lambda": "an eigenvalue of J Jᵀ",
    "mu_1": "the first moment of D²",
    "mu_2": "the second moment of D²",
    "s_1": "the first coefficient of the weights' S-transform",
}
"""What the shared symbols mean, for a text that takes one as a parameter."""

_NOT_FINITE = frozenset({"nan", "inf", "infinity", "oo", "zoo"})
_SYNONYMS = {
    "ln": "log",
    "arctan": "atan",
    "heaviside": "step",
    "maximum": "max",
    "minimum": "min",
    "expit": "sigmoid",
    "ncdf": "Phi",
    "sgn": "sign",
    "if": "where",
}
_NAMED_CHARACTERS = {
    "−": "-",
    "–": "-",
    "—": "-",
    "×": "*",
    "·": "*",
    "⋅": "*",
    "∙": "*",
    "÷": "/",
    "²": "**2",
    "³": "**3",
    "√": "sqrt(…)",
    "∞": "numbers are finite",
    "≤": "<=",
    "≥": ">=",
    "π": "pi",
    "Φ": "Phi(…)",
    "φ": "Phi(…)",
    "σ": "sigmoid(…)",
}
_CHARACTERS = {
    **dict.fromkeys("[]{}", "only round brackets ( ) are in the grammar"),
    **dict.fromkeys("'\"`", "there are no quoted texts"),
    **dict.fromkeys("\n\r\v\f;", "one expression on one line"),
    **dict.fromkeys("=!", "the comparisons are < <= > >="),
    ".": "a point stands only inside a number; attributes are not in the grammar",
    "_": "names begin with a letter",
}
_ALPHABET = "allowed are letters, digits and + - * / ** ^ ( ) , < <= > >="


def syntax_error(text: str, error: lark.UnexpectedInput) -> ParseError:
    """Translate a refusal of the lexer or the parser.

    Args:
        text: what was parsed.
        error: the refusal.

    Returns:
        The error to raise, with position and hint.
    """
    if isinstance(error, lark.UnexpectedCharacters):
        position = error.pos_in_stream
        character = text[position]
        message = f"unexpected {character!a}"
        return ParseError(message, text=text, position=position, hint=_character_hint(character))
    token = error.token
    if token.type == "$END":
        return ParseError("unexpected end", text=text, position=len(text), hint=_end_hint(text))
    hint = _token_hint(token, text[: token.start_pos])
    return ParseError(f"unexpected '{token}'", text=text, position=token.start_pos, hint=hint)


def _character_hint(character: str) -> str:
    if character in _CHARACTERS:
        return _CHARACTERS[character]
    if character in _NAMED_CHARACTERS:
        return f"write {_NAMED_CHARACTERS[character]}"
    plain = unicodedata.normalize("NFKC", character)
    if plain != character and plain.isascii() and plain.isprintable():
        return f"write {plain}"
    alphabet, _, letter = unicodedata.name(character, "").rpartition(" LETTER ")
    if alphabet.startswith("GREEK") and letter.isalpha():
        return f"write {letter.lower()}"
    return _ALPHABET


def _end_hint(text: str) -> str:
    return "a ')' is missing" if text.count("(") > text.count(")") else "the expression breaks off"


def _token_hint(token: lark.Token, before: str) -> str:
    previous = before.rstrip(" \t")[-1:]
    operand_expected = previous in {"", "(", ",", *"+-*/^<=>"}
    if token in {"if", "else", "and", "or", "not"}:
        return "cases are written where(cond, a, b)"
    if token.type == "NUMBER" and token.startswith("."):
        return "a number has one decimal point"
    if token.type in {"NAME", "NUMBER", "LPAR"}:
        return "write * for a product"
    if token.type == "COMMA" and not operand_expected:
        return "a comma separates the arguments of a function; decimals take a point"
    if token.type == "COMPARE" and not operand_expected:
        return "one comparison at a time: where(x < 0, a, where(x < 1, b, c))"
    if token.type == "RPAR" and before.count("(") <= before.count(")"):
        return "there is no '(' for it"
    if previous and previous in "+-*/^<=>" and token.type not in {"RPAR", "COMMA"}:
        return "two operators in a row"
    return "an expression is missing before it"


class Refusal(NamedTuple):
    """Why a name is refused, what to write instead, and the error to raise."""

    message: str
    hint: str
    kind: type[ParseError] = ParseError


def refused_name(name: str) -> Refusal | None:
    """Say why a name cannot be a parameter.

    Args:
        name: a name that is neither `x` nor a constant.

    Returns:
        The refusal, or None if the name is free.
    """
    if name in MEANINGS:
        return Refusal(f"{name} is {MEANINGS[name]}", f"call the parameter {name}1")
    if name.lower() in _NOT_FINITE:
        return Refusal(f"'{name}' is not a number of the grammar", "numbers are finite")
    if name in OTHERWISE:
        return Refusal(f"'{name}' out of place", "it is the last condition of Piecewise")
    if "__" in name or keyword.iskeyword(name):
        free = name.replace("__", "_").strip("_")
        return Refusal(f"'{name}' cannot name a parameter", f"call it {free}1")
    if name in FUNCTION_NAMES:
        return Refusal(f"{name} is a function", f"write {name}(x)")
    if name in library.LIBRARY:
        return _of_the_library(library.LIBRARY[name])
    meant = {
        _letters(other): other for other in (*library.names(), *FUNCTION_NAMES, *CONSTANTS, x.name)
    }
    if _letters(name) not in meant:
        return None
    near = meant[_letters(name)]
    call = f"{near}(x)" if near in FUNCTION_NAMES else near
    return Refusal(f"unknown name '{name}'", f"did you mean {call}?", UnknownNameError)


def _letters(name: str) -> str:
    """Key that capitals, and in longer names transposed letters, leave alone."""
    return "".join(sorted(name.lower())) if len(name) > 3 else name.lower()


def _of_the_library(entry: library.Entry) -> Refusal:
    message = f"{entry.name} is an activation of the library, not of the grammar"
    return Refusal(message, f"name it alone, or write {entry.text}", UnknownNameError)


def unknown_function(name: str) -> Refusal:
    """Say what a function that the grammar does not have may have been meant to be.

    Args:
        name: the name before the bracket.

    Returns:
        The refusal.
    """
    lower = name.lower()
    known = {function.lower(): function for function in FUNCTION_NAMES}
    entry = library.resolve(name)
    if entry is not None and lower not in known:
        return _of_the_library(entry)
    message = f"unknown function '{name}'"
    close = difflib.get_close_matches(lower, list(known), n=1)
    meant = known.get(lower) or _SYNONYMS.get(lower) or (known[close[0]] if close else None)
    if meant is not None:
        hint = f"did you mean {meant}?"
    elif lower == "pow":
        hint = "write a**b"
    else:
        hint = f"for a product write {name}*(…); the functions are {', '.join(FUNCTION_NAMES)}"
    return Refusal(message, hint, UnknownNameError)
