"""Every exception that freejac raises, under one root.

A user's bad input (`InputError`) is told apart from an honest "no" of the mathematics
(`NoClosedForm`, `NotConvergedError`) and from a defect of ours (`InternalError`). Messages are one
line: what was wrong, where, and what to do.
"""

from __future__ import annotations

__all__ = [
    "DomainError",
    "Error",
    "InputError",
    "InternalError",
    "NoClosedForm",
    "NotConvergedError",
    "ParseError",
    "Undecided",
    "UnknownNameError",
]


class Error(Exception):
    """Base of every exception raised by freejac.

    >>> issubclass(ParseError, Error)
    True
    """


class InputError(Error):
    """The input cannot be used as given; the message says how to mend it."""


class ParseError(InputError):
    """Text that is not in the grammar.

    Attributes:
        text: the text as given (shortened in the message when long).
        position: offset of the first offending character, counted from 0, or None.
        hint: what to write instead, or "".
        reason: message and hint alone, for a listing that shows text and place itself.

    >>> raise ParseError("unexpected '*'", text="x+*2", position=2, hint="two operators in a row")
    Traceback (most recent call last):
        ...
    freejac.symbolic.errors.ParseError: unexpected '*' at character 3 of "x+*2" (two operators in a row)
    """  # noqa: E501 (the message is one line)

    def __init__(
        self, message: str, *, text: str = "", position: int | None = None, hint: str = ""
    ) -> None:
        """Keep the parts, and compose the one-line message."""
        self.text, self.position, self.hint = text, position, hint
        shown = repr(text if len(text) <= 60 else text[:57] + "...")[1:-1]
        where = "" if position is None else f" at character {position + 1}"
        of = f' of "{shown}"' if text else ""
        advice = f" ({hint})" if hint else ""
        self.reason = message + advice
        super().__init__(f"{message}{where}{of}{advice}")


class UnknownNameError(ParseError):
    """A name that is neither a function of the grammar nor an activation of the library."""


class DomainError(InputError):
    """A value outside the domain of what was asked, such as σ_w < 0 or NaN."""


class Undecided(DomainError):  # noqa: N818 (a question, which a distinction of cases can answer)
    """The assumptions on the parameters do not decide the sign of an expression.

    Attributes:
        expr: the expression in the parameters (SymPy) whose sign is asked for.
        order: whether the question is the order of two points on the line; a Gaussian mean is then
            continuous where the sign changes.
    """

    def __init__(self, expr: object, message: str = "", *, order: bool = False) -> None:
        """Keep the expression, and say what would decide."""
        self.expr, self.order = expr, order
        super().__init__(
            message
            or f"cannot decide the sign of {expr}; declare its parameters positive or give numbers"
        )


class NoClosedForm(Error):  # noqa: N818 (the promised public name)
    """There is no closed form in the class the engine covers, and why.

    Attributes:
        obstruction: the term that does not close.

    >>> raise NoClosedForm("E[tanh(x)**2]", "tanh(x) is outside the class")
    Traceback (most recent call last):
        ...
    freejac.symbolic.errors.NoClosedForm: no closed form for E[tanh(x)**2]: tanh(x) is outside the class
    """  # noqa: E501

    def __init__(self, quantity: str, obstruction: str) -> None:
        """Name the quantity and the obstruction."""
        self.quantity, self.obstruction = quantity, obstruction
        super().__init__(f"no closed form for {quantity}: {obstruction}")


class NotConvergedError(Error):
    """A bounded iteration ended without reaching its tolerance."""


class InternalError(Error):
    """A defect of freejac itself; please report it."""
