"""Normal forms of expressions: quotients of polynomials in a tower of generators.

Every rewriting is an identity wherever both of its sides are defined: exponentials and
trigonometric functions become powers of a basis of exponentials; roots and logarithms are split
into factors that are not negative on the domain, and no others; functions of equal arguments are
one generator. An expression whose normal form is 0 is 0 wherever it is defined. That the normal
form of something is not 0 shows nothing.

>>> from freejac.symbolic.conditions import Domain
>>> q = sp.Symbol("q", positive=True)
>>> vanishes_on(sp.sqrt(8 * q**3) - 2 * q * sp.sqrt(2 * q), Domain({q}, ()))
True
>>> x = sp.Symbol("x", real=True)
>>> vanishes_on(sp.sqrt(x**2) - x, Domain({x}, ())), vanishes_on(sp.sqrt(x**2) - x, Domain({x}, (x > 0,)))
(False, True)
"""  # noqa: E501 (the answers are one line)

from __future__ import annotations

from functools import cached_property, reduce
from typing import Any

import sympy as sp

from freejac.symbolic.conditions import Domain
from freejac.symbolic.exponential_forms import LARGEST_POWER, ExponentialForms
from freejac.symbolic.function_rules import RULES
from freejac.symbolic.polynomials import Ratio
from freejac.symbolic.root_forms import NotNormal, Restart
from freejac.symbolic.tower import TooLarge, key_of

__all__ = ["NormalForms", "NotNormal", "normal_forms", "vanishes_on"]

_SIZES = (12, 32, 96)
_MOST_RESTARTS = 12
_ODD = (sp.erf, sp.erfi, sp.atan, sp.asin)
_REAL_FUNCTIONS = (sp.erf, sp.erfi, sp.atan, sp.asinh, sp.gamma)
_BINDING = (sp.Integral, sp.Sum, sp.Product, sp.Limit, sp.Derivative, sp.Subs, sp.Lambda)


def vanishes_on(expr: sp.Expr, domain: Domain) -> bool:
    """Whether an expression is proved to be 0 wherever it is defined on the domain."""
    try:
        return normal_forms(expr, domain)[1].above.is_zero()
    except NotNormal:
        return False


def normal_forms(expr: sp.Expr, domain: Domain) -> tuple[NormalForms, Ratio]:
    """The normal form of an expression, and the tower it lives in.

    Raises:
        NotNormal: it has none, or is too large.
    """
    denominators: dict[str, int] = {}
    signs: dict[str, int | None] = {}
    for size in _SIZES:
        for _ in range(_MOST_RESTARTS):
            forms = NormalForms(domain, size, denominators, signs)
            try:
                return forms, forms.of(expr)
            except Restart:
                continue
            except TooLarge as reason:
                if len(forms.tower.generators) < size:
                    raise NotNormal(str(reason)) from None
                break
            except ZeroDivisionError as reason:
                raise NotNormal(str(reason)) from None
    raise NotNormal("too many generators")


class NormalForms(ExponentialForms):
    """Normal forms of expressions over one tower."""

    @cached_property
    def _known(self) -> dict[sp.Expr, Ratio]:
        return {}

    @cached_property
    def _functions(self) -> dict[Any, list[tuple[tuple[Ratio, ...], Ratio]]]:
        """Functions that are generators: their arguments, and what stands for them."""
        return {}

    def of(self, expr: sp.Expr) -> Ratio:
        """The normal form of an expression."""
        found = self._known.get(expr)
        if found is None:
            found = self._known[expr] = self._made(expr)
        return found

    def _made(self, expr: sp.Expr) -> Ratio:
        if expr.is_Rational:
            return self.constant(expr)
        if expr.is_Symbol:
            return self._symbol(expr)
        if expr.is_Add:
            return self._sum([self.of(arg) for arg in expr.args])
        if expr.is_Mul:
            return reduce(self.tower.product, (self.of(arg) for arg in expr.args))
        if isinstance(expr, sp.Pow):
            return self._power(*expr.args)
        if isinstance(expr, sp.Float) or expr in (sp.nan, sp.zoo, sp.oo, -sp.oo):
            raise NotNormal(f"{expr} is no exact number")
        if not isinstance(expr, sp.Expr):
            raise NotNormal(f"{expr} is no expression")
        return self._function(expr)

    def _sum(self, values: list[Ratio]) -> Ratio:
        """Add those of one denominator first."""
        groups: dict[str, Ratio] = {}
        for value in values:
            key = key_of(value.below)
            known = groups.get(key)
            groups[key] = value if known is None else Ratio(known.above + value.above, value.below)
        reduced = (self.tower.ratio(value.above, value.below) for value in groups.values())
        return reduce(self.tower.sum, reduced, self.constant(0))

    def _symbol(self, symbol: sp.Symbol) -> Ratio:
        found = self.tower.find(symbol)
        if found is None:
            range_ = self.domain.ranges.get(symbol)
            real = range_ is not None
            low = range_ is not None and range_ is not sp.S.EmptySet and range_.inf
            positive = bool(real and low is not False and low.is_nonnegative)
            found = self.tower.add(symbol, symbol, real=real, nonnegative=positive)
        return Ratio.of(found)

    def _function(self, expr: sp.Expr) -> Ratio:
        if expr is sp.I:
            return self.i
        if expr is sp.E:
            return self.exponential(self.one)
        if expr.is_NumberSymbol:
            return self.named(expr)
        rule = RULES.get(expr.func)
        if rule is not None:
            return rule(self, *expr.args)
        return self.opaque(expr)

    def _power(self, base: sp.Expr, exponent: sp.Expr) -> Ratio:
        if exponent.is_Integer:
            if abs(exponent) > LARGEST_POWER:
                raise NotNormal(f"the exponent {exponent} is too large")
            return self.tower.power(self.of(base), int(exponent))
        if exponent.is_Rational:
            if base.is_number and exponent.q == 2 and not base.is_Rational:
                simpler = sp.sqrtdenest(sp.sqrt(base))
                if simpler != sp.sqrt(base):
                    return self.tower.power(self.of(simpler), int(2 * exponent))
            return self.rational_power(self.of(base), exponent)
        value = self.of(base)
        if value.above.is_zero():
            raise NotNormal("0 to a symbolic power")
        logarithm = self.log(value, whole=bool(exponent.is_integer))
        return self.exponential(self.tower.product(self.of(exponent), logarithm))

    def opaque(self, expr: sp.Expr, real: bool | None = None) -> Ratio:
        """A function of normal forms as a generator; equal arguments give the same."""
        try:
            args = tuple(self.of(arg) for arg in expr.args if isinstance(arg, sp.Expr))
        except (NotNormal, ZeroDivisionError):
            args = ()
        if len(args) != len(expr.args) or expr.func in _BINDING:
            return self._whole(expr)
        for known, value in self._functions.get(expr.func, ()):
            if self._all_equal(known, args):
                return value
        if real is None:
            real = (expr.func in _REAL_FUNCTIONS and self._is_real(args[0])) or bool(expr.is_real)
        positive = bool(expr.is_nonnegative)
        poly = self.tower.add(("function", expr), expr, real=real, nonnegative=positive)
        value = Ratio.of(poly)
        known_ones = self._functions.setdefault(expr.func, [])
        known_ones.append((args, value))
        if expr.func in _ODD:
            negative = tuple(self.negative(arg) for arg in args)
            known_ones.append((negative, self.negative(value)))
        return value

    def _whole(self, expr: sp.Expr) -> Ratio:
        """An expression as a generator, known by its own name alone."""
        found = self.tower.find(("whole", expr))
        if found is None:
            positive = bool(expr.is_nonnegative)
            found = self.tower.add(
                ("whole", expr), expr, real=bool(expr.is_real), nonnegative=positive
            )
        return Ratio.of(found)

    def _is_real(self, value: Ratio) -> bool:
        return self.tower.is_real(value.above) and self.tower.is_real(value.below)

    def _all_equal(self, first: tuple[Ratio, ...], second: tuple[Ratio, ...]) -> bool:
        return all(
            self.tower.reduce(a.above * b.below - b.above * a.below).is_zero()
            for a, b in zip(first, second, strict=True)
        )
