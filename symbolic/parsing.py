"""From text to an exact SymPy expression, through a grammar; text is never evaluated as Python.

Text is lexed and parsed by an LALR(1) grammar, the tree is measured, and only then is it turned
into SymPy, node by node, each power and each constant checked before the next is built on it. What
a text can cost is therefore bounded whatever it says.

>>> parse("x*Phi(x) - 0.1"), parse("where(x > 0, x, a*x)", positive=["a"])
(x*Phi(x) - 1/10, Piecewise((x, x > 0), (a*x, True)))
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from functools import cache

import lark
import mpmath
import sympy as sp

from freejac.symbolic import hints
from freejac.symbolic.errors import InputError, ParseError
from freejac.symbolic.grammar import (
    BRANCHING,
    COMPARISONS,
    CONSTANTS,
    FUNCTION_NAMES,
    FUNCTIONS,
    GRAMMAR,
    KINKED,
    OTHERWISE,
)
from freejac.symbolic.symbols import parameter, x

__all__ = ["Builder", "call_parts", "parse", "syntax_tree"]

_MAX_CHARACTERS = 2000
_MAX_DEPTH = 50
_MAX_SYMBOLS = 500
_MAX_LITERAL_DIGITS = 40
_MAX_DECIMAL_EXPONENT = 300
_MAX_DIGITS = 400
_MAX_BITS = int(_MAX_DIGITS * 3.33)
_MAX_EXPONENT = 64
_MAX_KINKS = 8
_NESTING = frozenset({"group", "call", "sign", "power", "pair"})
_NOT_REAL = (sp.nan, sp.zoo, sp.oo, -sp.oo, sp.I)


def parse(text: str, *, positive: Iterable[str] = ()) -> sp.Expr:
    """Read an activation function, exactly.

    The grammar: `x` and named parameters; integers, fractions and decimals (0.1 is 1/10); `pi`,
    `e`; `+ - * / ** ^`, binding as in Python; `sqrt exp log sin cos tanh sinh cosh atan erf erfc
    Phi sigmoid softplus relu abs sign step min max clip`, where step(0) = 1/2;
    `where(cond, a, b)` and `Piecewise((a, cond), …, (b, otherwise))`.

    Args:
        text: one line of at most 2000 characters, 500 names, numbers and operators, and nesting 50.
        positive: names of the parameters to be declared positive; the others are real.

    Returns:
        The expression in `freejac.symbolic.symbols.x` and parameters, real on the real line as far
        as its constants tell.

    Raises:
        InputError: the input is not a string.
        ParseError: the text is not in the grammar or too large, a constant is not a finite real
            number, or a name is taken; with the position and a hint.
        UnknownNameError: a function that the grammar does not have.

    >>> parse("-x^2/3 + 0.1"), parse("clip(x, -1, 1)")
    (1/10 - x**2/3, Min(1, Max(-1, x)))
    """
    if isinstance(positive, str):
        raise InputError(f'positive takes a list of names: ["{positive}"]')
    tree = syntax_tree(text)
    builder = Builder(text, frozenset(positive))
    builder.measure(tree)
    value = builder.value(tree.children[0])
    if value.has(*_NOT_REAL):
        raise builder.error("the expression is not real", tree, "x and the parameters are real")
    return value


def syntax_tree(text: str) -> lark.Tree:
    """Parse text by the grammar, before anything is built.

    Raises:
        InputError: the input is not a string.
        ParseError: the text is not in the grammar, or too long.

    >>> syntax_tree("x + 1").children[0].data.value
    'sum'
    """
    if not isinstance(text, str):
        raise InputError(f"an expression is given as text, not as {type(text).__name__}")
    if len(text) > _MAX_CHARACTERS:
        message = f"{len(text)} characters of text are too many"
        hint = f"at most {_MAX_CHARACTERS}"
        raise ParseError(message, text=text, position=_MAX_CHARACTERS, hint=hint)
    if not text.strip(" \t"):
        raise ParseError("empty text", text=text, position=0, hint='write an expression: "tanh(x)"')
    _require_shallow(text)
    try:
        return _parser().parse(text)
    except lark.UnexpectedInput as error:
        raise hints.syntax_error(text, error) from None


def call_parts(text: str) -> tuple[str, list[str]]:
    """Split a text such as "elu(alpha)" into its head and its arguments, unread.

    Args:
        text: any text.

    Returns:
        What stands before the bracket and the arguments in it, if the whole text is one call;
        otherwise the text itself and no arguments.

    >>> call_parts("leaky_relu(3/10)"), call_parts("gelu"), call_parts("relu(x) - (x)")
    (('leaky_relu', ['3/10']), ('gelu', []), ('relu(x) - (x)', []))
    """
    whole = text.strip(" \t")
    head, bracket, inside = whole[:-1].partition("(")
    if not bracket or not whole.endswith(")") or len(whole) > _MAX_CHARACTERS:
        return whole, []
    arguments, depth = [""], 0
    for character in inside:
        depth += (character == "(") - (character == ")")
        if depth < 0:
            return whole, []
        if character == "," and depth == 0:
            arguments.append("")
        else:
            arguments[-1] += character
    stripped = [argument.strip(" \t") for argument in arguments]
    return head.strip(" \t"), [] if stripped == [""] else stripped


@cache
def _parser() -> lark.Lark:
    return lark.Lark(GRAMMAR, parser="lalr", lexer="basic", propagate_positions=True)


def _require_shallow(text: str) -> None:
    depth = 0
    for position, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth > _MAX_DEPTH:
            message, hint = "brackets are nested too deeply", f"at most {_MAX_DEPTH} levels"
            raise ParseError(message, text=text, position=position, hint=hint)


def _position(node: lark.Tree | lark.Token) -> int:
    return node.start_pos if isinstance(node, lark.Token) else node.meta.start_pos


class Builder:
    """Turns a tree into SymPy, children first, and refuses what is too large or not real."""

    def __init__(self, text: str, positive: frozenset[str]) -> None:
        self.text, self.positive = text, positive

    def error(
        self,
        message: str,
        node: lark.Tree | lark.Token,
        hint: str,
        kind: type[ParseError] = ParseError,
    ) -> ParseError:
        """Compose an error at a node."""
        return kind(message, text=self.text, position=_position(node), hint=hint)

    def measure(self, tree: lark.Tree) -> None:
        """Refuse a tree that is too deep or too large, before anything is built."""
        symbols, stack = 0, [(tree, 0, 0)]
        while stack:
            node, depth, kinks = stack.pop()
            if isinstance(node, lark.Token):
                symbols += 1
                if symbols > _MAX_SYMBOLS:
                    hint = f"at most {_MAX_SYMBOLS} names, numbers and operators"
                    raise self.error("the expression is too long", node, hint)
                continue
            depth += node.data in _NESTING
            kinks += node.data == "call" and node.children[0] in KINKED
            if depth > _MAX_DEPTH or kinks > _MAX_KINKS:
                hint = f"at most {_MAX_DEPTH} levels, {_MAX_KINKS} of relu, abs, min, max and clip"
                raise self.error("the expression is nested too deeply", node, hint)
            stack.extend((child, depth, kinks) for child in reversed(node.children))

    def value(self, node: lark.Tree | lark.Token) -> sp.Expr:
        """Build the value of a node."""
        if isinstance(node, lark.Token):
            value = self.number(node) if node.type == "NUMBER" else self.name(node)
        elif node.data == "comparison":
            hint = "a comparison stands in where(x > 0, a, b)"
            raise self.error("a comparison is not a value", node, hint)
        elif node.data == "pair":
            hint = "a comma separates the arguments of a function; decimals take a point"
            raise self.error("a pair is not a value", node, hint)
        else:
            value = getattr(self, node.data)(node)
        return self.checked(value, node)

    def checked(self, value: sp.Expr, node: lark.Tree | lark.Token) -> sp.Expr:
        """Return the value if its numbers are bounded, and real where it is a constant."""
        rationals = [part for part in (value, *value.args) if part.is_Rational]
        if any(max(abs(r.p), r.q).bit_length() > _MAX_BITS for r in rationals):
            raise self.error("a number is too long", node, f"at most {_MAX_DIGITS} digits")
        for factor in sp.Mul.make_args(value):
            if factor.is_Pow and factor.base.free_symbols and factor.exp.is_number:
                self.bounded_exponent(factor.exp, node)
        if value.is_Rational or value.free_symbols:
            return value
        approximate = sp.nan if value.has(*_NOT_REAL) else value.evalf(15)
        if not (approximate.is_Number and approximate.is_finite):
            hint = "constants are finite real numbers"
            raise self.error("a constant is not a finite real number", node, hint)
        if approximate.is_Float and approximate._prec == 1:
            raise self.error("a constant cannot be told from 0", node, "write 0, or simplify it")
        if abs(mpmath.mag(approximate._to_mpmath(53))) > _MAX_BITS:
            hint = f"between 1e-{_MAX_DIGITS} and 1e{_MAX_DIGITS}"
            raise self.error("a constant is too large or too small", node, hint)
        return value

    def bounded_exponent(self, exponent: sp.Expr, node: lark.Tree | lark.Token) -> None:
        """Refuse a large power of something that is not a constant."""
        if abs(exponent.evalf(15)) > _MAX_EXPONENT:
            raise self.error("the exponent is too large", node, f"at most {_MAX_EXPONENT}")

    def number(self, token: lark.Token) -> sp.Expr:
        """Read a numeral exactly."""
        mantissa, _, exponent = token.lower().partition("e")
        if len(mantissa.replace(".", "")) > _MAX_LITERAL_DIGITS:
            hint = f"at most {_MAX_LITERAL_DIGITS} digits"
            raise self.error("a number has too many digits", token, hint)
        if len(exponent) > 9 or abs(int(exponent or 0)) > _MAX_DECIMAL_EXPONENT:
            hint = f"exponents are between -{_MAX_DECIMAL_EXPONENT} and {_MAX_DECIMAL_EXPONENT}"
            raise self.error("a number is too large or too small", token, hint)
        exact = Fraction(token.value)
        return sp.Rational(exact.numerator, exact.denominator)

    def name(self, token: lark.Token) -> sp.Expr:
        """Read a constant, x, or a parameter."""
        name = token.value
        if name in CONSTANTS:
            return CONSTANTS[name]
        if name == x.name:
            return x
        refusal = hints.refused_name(name)
        if refusal is not None:
            raise self.error(refusal.message, token, refusal.hint, refusal.kind)
        return parameter(name, positive=name in self.positive)

    def sum(self, node: lark.Tree) -> sp.Expr:
        """Add and subtract."""
        first, *rest = node.children
        terms = [self.value(first)]
        for operator, term in zip(rest[::2], rest[1::2], strict=True):
            terms.append(self.value(term) if operator == "+" else -self.value(term))
        return sp.Add(*terms)

    def product(self, node: lark.Tree) -> sp.Expr:
        """Multiply and divide from left to right."""
        first, *rest = node.children
        result = self.value(first)
        for operator, factor in zip(rest[::2], rest[1::2], strict=True):
            value = self.value(factor)
            if operator == "/" and value.is_zero:
                raise self.error("division by zero", factor, "the divisor is 0 for every x")
            result = self.checked(result * value if operator == "*" else result / value, factor)
        return result

    def sign(self, node: lark.Tree) -> sp.Expr:
        """Apply a leading sign."""
        operator, operand = node.children
        return self.value(operand) if operator == "+" else -self.value(operand)

    def group(self, node: lark.Tree) -> sp.Expr:
        """Read what stands in brackets."""
        return self.value(node.children[0])

    def power(self, node: lark.Tree) -> sp.Expr:
        """Raise to a power whose size is known beforehand."""
        base, exponent = self.value(node.children[0]), self.value(node.children[2])
        if exponent.free_symbols:
            if not base.has(x) and not base.is_positive:
                hint = "with a variable exponent the base is positive; declare a parameter so"
                raise self.error("a power is not real", node, hint)
        elif base.free_symbols:
            self.bounded_exponent(exponent, node.children[2])
        elif base.is_zero and not exponent.is_nonnegative:
            raise self.error("division by zero", node, "0 has no negative power")
        elif self.bits(base) * abs(exponent.evalf(15)) > _MAX_BITS:
            hint = f"at most {_MAX_DIGITS} digits"
            raise self.error("a power is too large or too small", node.children[2], hint)
        return base**exponent

    @staticmethod
    def bits(constant: sp.Expr) -> int:
        """Bits that one factor adds to a power of a constant, at least one."""
        if constant.is_Rational:
            return max(abs(constant.p), constant.q).bit_length()
        return max(1, abs(mpmath.mag(constant.evalf(15)._to_mpmath(53))))

    def call(self, node: lark.Tree) -> sp.Expr:
        """Apply a function to its arguments."""
        name, *arguments = node.children
        if name not in FUNCTION_NAMES:
            refusal = hints.unknown_function(name.value)
            raise self.error(refusal.message, name, refusal.hint, refusal.kind)
        function = FUNCTIONS.get(name.value) or BRANCHING[name.value]
        if not function.least <= len(arguments) <= function.most:
            few = "few" if len(arguments) < function.least else "many"
            message = f"too {few} arguments ({len(arguments)}) for {name}"
            raise self.error(message, name, f"write {name}({function.usage})")
        if name in BRANCHING:
            return self.branches(name, arguments)
        values = [self.value(argument) for argument in arguments]
        if name == "clip" and (values[1] - values[2]).is_positive:
            raise self.error("the bounds of clip are reversed", name, "clip(u, lower, upper)")
        return function.build(*values)

    def branches(self, name: lark.Token, arguments: list[lark.Tree]) -> sp.Expr:
        """Build a function given case by case."""
        if name == "where":
            condition, yes, no = arguments
            case = (self.value(yes), self.condition(condition, last=False))
            return sp.Piecewise(case, (self.value(no), True))
        cases = []
        for argument in arguments:
            if getattr(argument, "data", None) != "pair" or len(argument.children) != 2:
                hint = "Piecewise((a, x < 0), (b, otherwise))"
                raise self.error("a case is a pair of a value and a condition", argument, hint)
            value, condition = argument.children
            last = argument is arguments[-1]
            cases.append((self.value(value), self.condition(condition, last=last)))
        if sp.Or(*(condition for _, condition in cases)) is not sp.true:
            hint = "make the last condition 'otherwise'"
            raise self.error("the cases may leave out some x", name, hint)
        return sp.Piecewise(*cases)

    def condition(self, node: lark.Tree | lark.Token, *, last: bool) -> sp.Basic:
        """Build a comparison, or the last case's `otherwise`."""
        if isinstance(node, lark.Token) and node.value in OTHERWISE:
            if last:
                return sp.true
            raise self.error(f"'{node}' out of place", node, "the last condition of Piecewise")
        if isinstance(node, lark.Tree) and node.data == "group":
            return self.condition(node.children[0], last=False)
        if isinstance(node, lark.Token) or node.data != "comparison":
            raise self.error("a condition is missing", node, "compare with < <= > >=: x > 0")
        left, operator, right = node.children
        try:
            relation = COMPARISONS[operator.value](self.value(left), self.value(right))
        except TypeError:  # SymPy's answer to a side that is not real
            hint = "both sides are real"
            raise self.error("a comparison of values that are not real", node, hint) from None
        if relation not in (sp.true, sp.false) and x not in relation.free_symbols:
            hint = "compare with x, or declare the parameter positive"
            raise self.error("a comparison cannot be decided", node, hint)
        return relation
