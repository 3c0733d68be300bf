r"""Expressions in LaTeX, read into SymPy by recursive descent.

What could mean two things is refused, never guessed.

The grammar, each rule a method of `Reader`:

    sum      ← [+-] term (("+" | "-") term)*
    term     ← factor ((· | × | / | nothing) factor)*
    factor   ← atom ("^" script)? "!"?
    atom     ← number | name | name "(" sum, … ")" | bracket | \frac | \sqrt | \int … | \sum …

>>> from freejac.symbolic.latex_names import Names
>>> names = Names()
>>> names.bind_standard()
>>> read_expression(r"\frac{\sigma_w^2}{2} q + \sin^2 x", names)
q*sigma_w**2/2 + sin(x)**2
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction

import mpmath
import sympy as sp

from freejac.symbolic import latex_calculus as calculus
from freejac.symbolic import latex_calls as calls
from freejac.symbolic.errors import ParseError
from freejac.symbolic.latex_cases import cases
from freejac.symbolic.latex_commands import ELEMENTARY, Kind
from freejac.symbolic.latex_cursor import Cursor
from freejac.symbolic.latex_means import mean_over_all
from freejac.symbolic.latex_names import MANY, Names
from freejac.symbolic.latex_tokens import Token, tokenize
from freejac.symbolic.latex_values import named, plain_name
from freejac.symbolic.time_limit import OutOfTime, at_most

__all__ = ["Reader", "building", "read_expression"]

_SECONDS = 10
_MAX_DEPTH = 60
_MAX_BITS = 1400
_MAX_EXPONENT = 1000
_MAX_FACTORIAL = 200
_PREFIX = frozenset(("int", "sum", "prod", "lim"))
_ATOM_COMMANDS = ELEMENTARY | {"frac", "sqrt", "binom", "infty", "max", "min"} | _PREFIX
_UNEVALUATED = (sp.Integral, sp.Sum, sp.Product, sp.Limit, sp.Derivative, sp.Order)


def read_expression(text: str, names: Names) -> sp.Expr:
    r"""Read one expression.

    Args:
        text: LaTeX mathematics in the subset of `docs/verify.md`.
        names: what its names mean.

    Returns:
        The expression; integrals, sums and limits stay unevaluated.

    Raises:
        ParseError: the text is not in the subset, or could mean two things.

    >>> names = Names()
    >>> names.bind_symbol("a", positive=True)
    >>> read_expression(r"\int_0^\infty e^{-a t}\,dt", names)
    Integral(exp(-a*t), (t, 0, oo))
    """
    reader = Reader(text, tokenize(text), names)
    with building(text):
        value = reader.sum()
    reader.require_end()
    return value


@contextmanager
def building(text: str) -> Iterator[None]:
    """Refuse a text that SymPy cannot hold, whatever it raises, or not within some seconds."""
    try:
        with at_most(_SECONDS):
            yield
    except ParseError:
        raise
    except OutOfTime:
        hint = "shorten it, or define its parts"
        raise ParseError(
            f"reading it takes over {_SECONDS} seconds", text=text, hint=hint
        ) from None
    except Exception as error:  # SymPy has no common root of its exceptions
        reason = " ".join(str(error).split())[:100] or type(error).__name__
        raise ParseError(f"not an expression SymPy can hold: {reason}", text=text) from None


class Reader(Cursor):
    """Reads expressions at a cursor."""

    in_bars = False
    """Whether a bare bar closes what was opened."""

    # --- sums, products, powers -----------------------------------------------------------------

    def sum(self) -> sp.Expr:
        """Read terms that are added and subtracted."""
        terms = [self.signed()]
        while self.next_is(Kind.OPERATOR, "+", "-"):
            terms.append(-self.term() if self.take().text == "-" else self.term())
        return self.bounded(sp.Add(*terms))

    def signed(self) -> sp.Expr:
        """Read a term with an optional sign."""
        if self.next_is(Kind.COMMAND, "pm", "mp"):
            raise self.error("\\pm means two things", "write one formula for each sign")
        if self.skip(Kind.OPERATOR, "-"):
            return -self.term()
        self.skip(Kind.OPERATOR, "+")
        return self.term()

    def term(self) -> sp.Expr:
        """Read factors, multiplied and divided from left to right."""
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise self.error("the formula is nested too deeply", f"at most {_MAX_DEPTH} levels")
        value = self.factor()
        while True:
            token = self.peek()
            if self.skip(Kind.OPERATOR, "*"):
                value = value * self.factor()
            elif self.skip(Kind.OPERATOR, "/"):
                value = self.quotient(value, self.factor(), token)
                if self.starts_factor() and not self.next_is(Kind.CLOSE):
                    hint = "write a fraction, or brackets: a/b c may be (a/b)c or a/(bc)"
                    raise self.error("a factor after a slash", hint)
            elif token.kind is Kind.NUMBER:
                hint = "write braces, x^{12}, or put the number first"
                raise self.error("a number after a factor", hint)
            elif self.starts_factor():
                value = value * self.factor()
            else:
                break
        if self.next_is(Kind.COMMAND, "pm", "mp"):
            raise self.error("\\pm means two things", "write one formula for each sign")
        self.depth -= 1
        return self.bounded(value)

    def starts_factor(self) -> bool:
        """Whether what follows is a factor without an operator before it."""
        token = self.peek()
        if token.kind is Kind.COMMAND:
            return token.text in _ATOM_COMMANDS
        if token.kind is Kind.BAR:
            return not self.in_bars
        return token.kind in (Kind.NUMBER, Kind.NAME, Kind.OPEN, Kind.GROUP, Kind.BEGIN)

    def quotient(self, value: sp.Expr, divisor: sp.Expr, token: Token) -> sp.Expr:
        """Divide, but not by zero."""
        if divisor.is_zero:
            raise self.error("division by zero", "the divisor is 0", token)
        return value / divisor

    def factor(self) -> sp.Expr:
        """Read an atom with its power."""
        token = self.peek()
        value = self.atom()
        if self.skip(Kind.OPERATOR, "!"):
            if value.is_Integer and not 0 <= value <= _MAX_FACTORIAL:
                hint = f"from 0! to {_MAX_FACTORIAL}!"
                raise self.error("a factorial out of range", hint, token)
            value = sp.factorial(value)
        if self.next_is(Kind.PRIME):
            raise self.error("a prime on what is not a function", "bind it: f(x) := …")
        if self.next_is(Kind.SCRIPT, "_"):
            raise self.error("a subscript on what is not a name", "bind it with the name")
        if self.skip(Kind.SCRIPT, "^"):
            value = self.power(value, self.script(), token)
            if self.next_is(Kind.SCRIPT, "^") or self.next_is(Kind.PRIME):
                raise self.error("two superscripts", "write braces: (x^a)^b or x^{a^b}")
        return value

    def power(self, base: sp.Expr, exponent: sp.Expr, token: Token) -> sp.Expr:
        """Raise to a power whose size is known beforehand."""
        if base.is_zero and not exponent.is_positive:
            raise self.error("a power of zero", "0 has positive powers only", token)
        if exponent.is_number and exponent.is_Rational:
            size = max(abs(base.p), base.q).bit_length() if base.is_Rational else 1
            if abs(exponent) > _MAX_EXPONENT or size * abs(exponent) > _MAX_BITS:
                hint = f"exponents to {_MAX_EXPONENT}, numbers to 400 digits"
                raise self.error("a power is too large", hint, token)
        return self.bounded(base**exponent)

    def bounded(self, value: sp.Expr) -> sp.Expr:
        """Return the value if it is not too large a number, nor none at all."""
        if value.has(sp.nan, sp.zoo):
            raise self.error("an undefined expression", "such as 0/0 or ∞ − ∞")
        if value.free_symbols or value.is_Rational or value.has(*_UNEVALUATED, sp.oo, sp.I):
            return value
        size = value.evalf(15)
        if size.is_Float and size and abs(mpmath.mag(size._to_mpmath(53))) > _MAX_BITS:
            raise self.error("a constant is too large or too small", "up to 400 digits")
        return value

    def script(self) -> sp.Expr:
        """Read what stands in a script: a braced expression, or one token."""
        if self.next_is(Kind.GROUP):
            return self.braced()
        self.split_number()
        token = self.peek()
        if token.kind is Kind.COMMAND and token.text == "infty":
            return self.take() and sp.oo
        if token.kind not in (Kind.NUMBER, Kind.NAME):
            raise self.error("a script without braces", "write x^{…}")
        return self.number() if token.kind is Kind.NUMBER else plain_name(self)

    def split_number(self) -> None:
        """TeX takes one digit where braces are missing: 1^23 is 1² 3."""
        token = self.peek()
        if token.kind is Kind.NUMBER and len(token.text) > 1:
            hint = "TeX takes its first digit alone; write braces"
            raise self.error(f"{token.text} without braces", hint)

    def braced(self) -> sp.Expr:
        """Read a braced argument."""
        self.expect(Kind.GROUP, "{", "write the argument in braces")
        value = self.sum()
        self.expect(Kind.END_GROUP, "}", "the argument ends before it")
        return value

    def argument(self) -> sp.Expr:
        """Read an argument of a command: braced, or one digit or letter."""
        return self.script()

    # --- atoms ----------------------------------------------------------------------------------

    def atom(self) -> sp.Expr:
        """Read an expression that needs no brackets."""
        token = self.peek()
        if self.at == self.differential:
            self.at += 2
            return sp.S.One
        if token.kind is Kind.NUMBER:
            return self.number()
        if token.kind is Kind.NAME:
            return named(self)
        if token.kind is Kind.GROUP:
            return self.invisible()
        if token.kind in (Kind.OPEN, Kind.BAR):
            return self.bracketed()
        if token.kind is Kind.BEGIN:
            return cases(self)
        if token.kind is Kind.COMMAND and token.text in _ATOM_COMMANDS:
            return self.command()
        if token.kind is Kind.COMMAND and token.text == "partial":
            raise self.error("∂ outside a fraction", "write \\frac{\\partial}{\\partial x} f")
        if token.kind is Kind.STOP:
            raise self.error("an expression is missing at the end", "the formula breaks off")
        raise self.error(f"an expression is missing before '{token.shown}'", "two operators?")

    def number(self) -> sp.Expr:
        """Read a numeral exactly."""
        exact = Fraction(self.take().text)
        return sp.Rational(exact.numerator, exact.denominator)

    def invisible(self) -> sp.Expr:
        """Read braces, which do not show: they may not hide a sum."""
        token = self.take()
        value = self.term()
        if not self.next_is(Kind.END_GROUP):
            raise self.error("braces around a sum do not show", "write brackets", token)
        self.take()
        return value

    def bracketed(self) -> sp.Expr:
        """Read brackets of any kind, bars and angles included."""
        token = self.take()
        if token.kind is Kind.BAR:
            before, self.in_bars = self.in_bars, True
            value = self.sum()
            self.in_bars = before
            self.expect(Kind.BAR, "|", "nested bars are \\left| … \\right|")
            return sp.Abs(value)
        before, self.in_bars = self.in_bars, False
        value = self.sum()
        if self.next_is(Kind.RELATION):
            raise self.error("a relation in brackets", "write a condition as \\text{for } p > 0")
        if self.next_is(Kind.COMMA):
            raise self.error("a pair is not a value", "decimals take a point")
        self.in_bars = before
        if not self.next_is(Kind.CLOSE):
            self.require_end()
            raise self.error("a bracket is not closed", "every bracket needs its partner", token)
        closing = self.take()
        if token.text == "." and closing.text == "|":
            return calculus.evaluated(self, value)
        if "." in (token.text, closing.text):
            raise self.error("one bracket alone", "\\left. goes with \\right|", token)
        if token.text == "<":
            return mean_over_all(self, value, token)
        return sp.Abs(value) if token.text == "|" else value

    def command(self) -> sp.Expr:
        """Read what a command begins."""
        token = self.take()
        if token.text == "infty":
            return sp.oo
        if token.text == "frac":
            if calculus.is_derivative(self):
                return calculus.derivative(self)
            top = self.argument()
            return self.quotient(top, self.argument(), token)
        if token.text == "sqrt":
            return self.root(token)
        if token.text == "binom":
            return self.binomial(token)
        if token.text in _PREFIX:
            return calculus.PREFIX[token.text](self)
        if token.text in {"max", "min"}:
            values = calls.arguments(self, token)
            if not 2 <= len(values) <= MANY:
                raise self.error(f"\\{token.text} of 2 to {MANY} values", "\\max(a, b)", token)
            return (sp.Max if token.text == "max" else sp.Min)(*values)
        return calls.known(self, token)

    def binomial(self, token: Token) -> sp.Expr:
        """Read a binomial coefficient, whose size is known beforehand."""
        above, below = self.argument(), self.argument()
        if below.is_Integer and abs(below) > _MAX_FACTORIAL:
            hint = f"at most {_MAX_FACTORIAL} below"
            raise self.error("a binomial coefficient is too large", hint, token)
        return self.bounded(sp.binomial(above, below))

    def root(self, token: Token) -> sp.Expr:
        """Read a root, with its order in square brackets."""
        order = sp.Integer(2)
        if self.skip(Kind.OPEN, "["):
            order = self.sum()
            self.expect(Kind.CLOSE, "[", "\\sqrt[3]{x}")
        if order.is_zero:
            raise self.error("a root of order 0", "\\sqrt[3]{x}", token)
        return self.power(self.argument(), 1 / order, token)
