"""SymPy expressions as Python source that Numba compiles.

Only what is listed here is printed; anything else is refused, never guessed.

>>> import sympy as sp
>>> a, b = sp.symbols("a b", positive=True)
>>> source(sp.Rational(1, 3) * a**2 * sp.exp(-b) / sp.sqrt(a + b))
'a**2 * _exp(-b) / (3.0 * math.sqrt(a + b))'
"""

from __future__ import annotations

from typing import Any, ClassVar

import sympy as sp
from sympy.codegen.cfunctions import expm1, log1p
from sympy.printing.precedence import PRECEDENCE, precedence
from sympy.printing.printer import Printer

from freejac.codegen.correlation import Angle, ExpGap, Tail2
from freejac.codegen.functions import (
    AtanRatio,
    Cos1m,
    ErfMean,
    ExpAddend,
    ExpInverse,
    FromZero,
    Root,
    Sech2,
)
from freejac.codegen.zero_factors import signed
from freejac.symbolic.bivariate_normal import OwenT, Phi2
from freejac.symbolic.errors import InputError
from freejac.symbolic.functions import Phi, sigmoid, softplus
from freejac.symbolic.scaled import dawson, erfcx
from freejac.symbolic.voigt import VoigtK, VoigtL

__all__ = ["HELPERS", "NumbaPrinter", "source"]

HELPERS: dict[type, str] = {
    Angle: "_angle",
    AtanRatio: "_atan_ratio",
    Cos1m: "_one_minus_cos",
    ErfMean: "_erf_mean",
    ExpAddend: "_exp_addend",
    ExpGap: "_exp_gap",
    ExpInverse: "_exp_inverse",
    OwenT: "_owens_t",
    Phi: "_normal_cdf",
    Phi2: "_bivariate_normal_cdf",
    Sech2: "_sech_squared",
    Tail2: "_bivariate_tail",
    VoigtK: "_voigt_k",
    VoigtL: "_voigt_l",
    dawson: "_dawson",
    erfcx: "_erfcx",
    expm1: "_expm1",
    log1p: "_log1p",
    sigmoid: "_sigmoid",
    softplus: "_softplus",
    sp.Heaviside: "_step",
    sp.acos: "_acos",
    sp.asin: "_asin",
    sp.atan: "_atan",
    sp.erf: "_erf",
    sp.erfc: "_erfc",
    sp.exp: "_exp",
    sp.log: "_log",
    sp.sign: "_sign",
    sp.tanh: "_tanh",
}
"""Functions that a module defines for itself when it uses them; templates/helpers.jinja."""

_MATH = {
    sp.acosh: "acosh",
    sp.asinh: "asinh",
    sp.atanh: "atanh",
    sp.cos: "cos",
    sp.cosh: "cosh",
    sp.sin: "sin",
    sp.sinh: "sinh",
    sp.tan: "tan",
}
_POWER_OPERAND = (sp.Symbol, sp.Integer, sp.Float, type(sp.pi), type(sp.E))


class NumbaPrinter(Printer):
    """Print to Python with `math`, in double precision, in the layout of the formatter."""

    printmethod: ClassVar[str] = "_numbacode"

    def emptyPrinter(self, expr: Any) -> str:  # noqa: N802 (SymPy's hook)
        """Refuse what no method prints."""
        name = expr.func.__name__ if isinstance(expr, sp.Basic) else type(expr).__name__
        raise InputError(f"kernels have no code for {name}, in {expr}")

    def _operand(self, expr: sp.Expr, level: int, *, strict: bool = False) -> str:
        text = self._print(expr)
        own = precedence(expr)
        if _is_written_as_product(expr):
            own = min(own, PRECEDENCE["Mul"])
        needs = own < level or (strict and own <= level)
        return f"({text})" if needs else text

    def _print_Symbol(self, expr: sp.Symbol) -> str:
        return expr.name

    def _print_Integer(self, expr: sp.Integer) -> str:
        return repr(float(int(expr)))

    def _print_Rational(self, expr: sp.Rational) -> str:
        if _is_exact(expr):
            return f"{float(expr.p)!r} / {float(expr.q)!r}"
        return repr(expr.p / expr.q)  # Python rounds a quotient of integers correctly

    def _print_Float(self, expr: sp.Float) -> str:
        return repr(float(expr))

    def _print_Pi(self, expr: sp.Expr) -> str:
        return "math.pi"

    def _print_Exp1(self, expr: sp.Expr) -> str:
        return "math.e"

    def _print_Add(self, expr: sp.Add) -> str:
        text = ""
        for term in sorted(ExpAddend.in_sum(expr).args, key=_sum_order):
            negative = term.could_extract_minus_sign()
            if negative and not text:
                text = self._negated(-term)
                continue
            body = self._operand(-term if negative else term, PRECEDENCE["Add"], strict=negative)
            text += (" - " if negative else " + ") * bool(text) + body
        return text

    def _negated(self, expr: sp.Expr) -> str:
        """Put a minus before a product; the formatter wants a power after it in brackets."""
        if expr.is_Mul:
            return self._product(expr, negative=True)
        text = self._operand(expr, PRECEDENCE["Mul"])
        return f"-({text})" if "**" in text and expr.is_Pow else f"-{text}"

    def _print_Mul(self, expr: sp.Mul) -> str:
        if expr.could_extract_minus_sign() and expr.args[0].is_number and expr.args[0] < 0:
            return self._negated(-expr)
        return self._product(expr, negative=False)

    def _product(self, expr: sp.Mul, *, negative: bool) -> str:
        above: list[str] = []
        below: list[str] = []
        for factor in sorted(_with_one_number(expr), key=_product_order):
            self._split_factor(factor, above, below)
        above = above or ["1.0"]
        if negative:
            is_power = "**" in above[0] and not above[0].startswith(("(", "math.sqrt", "_"))
            above[0] = f"-({above[0]})" if is_power else f"-{above[0]}"
        text = " * ".join(above)
        if not below:
            return text
        return f"{text} / " + (f"({' * '.join(below)})" if len(below) > 1 else below[0])

    def _split_factor(self, factor: sp.Expr, above: list[str], below: list[str]) -> None:
        """Write one factor above or below the fraction bar."""
        level = PRECEDENCE["Mul"]
        if isinstance(factor, sp.Rational) and not _is_exact(factor):
            above.append(self._print(factor))
        elif isinstance(factor, sp.Rational):
            if factor.p != 1:
                above.append(self._print(sp.Integer(factor.p)))
            if factor.q != 1:
                below.append(self._print(sp.Integer(factor.q)))
        elif isinstance(factor, sp.Pow) and factor.exp.is_negative and factor.base is not sp.E:
            below.append(self._operand(factor.base**-factor.exp, level, strict=True))
        else:
            above.append(self._operand(factor, level))

    def _print_Pow(self, expr: sp.Pow) -> str:
        base, exponent = expr.base, expr.exp
        if exponent.is_negative and exponent.is_number:
            below = self._operand(base**-exponent, PRECEDENCE["Mul"], strict=True)
            return f"1.0 / {below}"
        if exponent.is_Integer:
            # Numba multiplies out a constant integer power.
            bar = "**" if isinstance(base, _POWER_OPERAND) else " ** "
            return f"{self._operand(base, PRECEDENCE['Pow'], strict=True)}{bar}{exponent}"
        if exponent == sp.S.Half and isinstance(base, sp.Max | sp.Min):
            # The root of the variable is there already; rounding keeps the order.
            return self._print(base.func(*(sp.sqrt(arg) for arg in base.args)))
        if exponent == sp.S.Half:
            return f"math.sqrt({self._print(base)})"
        if exponent.is_Rational and exponent.q == 2:
            whole = self._operand(base ** (exponent - sp.S.Half), PRECEDENCE["Mul"])
            return f"{whole} * math.sqrt({self._print(base)})"
        return f"math.pow({self._print(base)}, {self._print(exponent)})"

    def _print_Function(self, expr: sp.Function) -> str:
        # Heaviside has its value at 0 for a second argument.
        count = 1 if isinstance(expr, sp.Heaviside) else len(expr.args)
        arguments = ", ".join(map(self._print, expr.args[:count]))
        if expr.func is erfcx and expr.args[0].is_nonnegative:
            return f"_erfcx_right({arguments})"
        if expr.func in HELPERS:
            return f"{HELPERS[expr.func]}({arguments})"
        if expr.func in _MATH and len(expr.args) == 1:
            return f"math.{_MATH[expr.func]}({arguments})"
        return self.emptyPrinter(expr)

    def _print_ExpInverse(self, expr: ExpInverse) -> str:
        """Write the number as the nearest double and what that lacks."""
        rate, x = expr.args
        high = float(rate)
        low = float((rate - sp.Rational(high)).evalf(20))
        return f"{HELPERS[ExpInverse]}({high!r}, {low!r}, {self._print(x)})"

    def _print_FromZero(self, expr: FromZero) -> str:
        """Write the number as the nearest double and what that lacks; in brackets."""
        x, zero = expr.args
        high = float(zero)
        low = float((zero - sp.Float(high, 50)).evalf(20))
        return f"({self._print(x)} - {high!r} {signed(repr(low), negated=True)})"

    def _print_Root(self, expr: Root) -> str:
        """Print it like any root: of the largest or least of numbers it is that of their roots."""
        return f"math.sqrt({self._print(expr.args[0])})"

    _print_exp = _print_sign = _print_Heaviside = _print_log = _print_Function

    def _print_Abs(self, expr: sp.Abs) -> str:
        return f"abs({self._print(expr.args[0])})"

    def _print_Max(self, expr: sp.Max) -> str:
        return f"max({', '.join(map(self._print, sorted(expr.args, key=_sum_order)))})"

    def _print_Min(self, expr: sp.Min) -> str:
        return f"min({', '.join(map(self._print, sorted(expr.args, key=_sum_order)))})"

    def _print_Piecewise(self, expr: sp.Piecewise) -> str:
        *cases, (last, condition) = expr.args
        if condition != sp.true:
            raise InputError(f"a Piecewise needs a last case that always holds: {expr}")
        text = self._print(last)
        for value, test in reversed(cases):
            text = f"({self._print(value)} if {self._print(test)} else {text})"
        return text

    def _print_Relational(self, expr: sp.core.relational.Relational) -> str:
        return f"{self._print(expr.lhs)} {expr.rel_op} {self._print(expr.rhs)}"


def _with_one_number(expr: sp.Mul) -> tuple[sp.Expr, ...]:
    """Factors with irrational numbers multiplied out: rounded once, and no division by them."""
    numbers = [factor for factor in expr.args if factor.is_number]
    if all(isinstance(number, sp.Rational) for number in numbers) or not expr.free_symbols:
        return expr.args
    rest = [factor for factor in expr.args if not factor.is_number]
    return (sp.Mul(*numbers).evalf(40), *rest)


def _is_exact(expr: sp.Rational) -> bool:
    """Tell whether numerator and denominator are doubles."""
    return max(abs(expr.p), expr.q) <= 2**53


def _is_written_as_product(expr: sp.Expr) -> bool:
    """Tell whether the text is a product although SymPy sees a number or a power."""
    if isinstance(expr, sp.Rational):
        return not isinstance(expr, sp.Integer)
    if not isinstance(expr, sp.Pow) or not expr.exp.is_Rational:
        return False
    return bool(expr.exp.is_negative or (expr.exp.q == 2 and expr.exp != sp.S.Half))


def _sum_order(term: sp.Expr) -> tuple[bool, Any]:
    """Sort key of a sum: positive terms first, so that no line starts with a minus in vain."""
    return (term.could_extract_minus_sign(), sp.default_sort_key(term))


def _product_order(factor: sp.Expr) -> tuple[bool, bool, Any]:
    """Sort key of a product: numbers, then names and powers of them, then functions."""
    return (
        not factor.is_number,
        bool(factor.atoms(sp.Function)) or isinstance(factor, sp.Add),
        sp.default_sort_key(factor),
    )


def source(expr: sp.Expr) -> str:
    """Print one expression.

    Args:
        expr: built from numbers, symbols and the functions that kernels know.

    Returns:
        A Python expression in `math` and the helpers of `HELPERS`.

    Raises:
        InputError: the expression contains something that has no code.

    >>> source(sp.Symbol("a") ** 3 - 1)
    'a**3 - 1.0'
    """
    return str(NumbaPrinter().doprint(expr))
