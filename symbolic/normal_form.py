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

from collections.abc import Callable
from functools import reduce
from math import lcm
from typing import Any

import flint
import sympy as sp

from freejac.symbolic.conditions import Domain
from freejac.symbolic.functions import Phi, sigmoid, softplus
from freejac.symbolic.polynomials import Poly, Ratio
from freejac.symbolic.scaled import dawson, erfcx
from freejac.symbolic.sign_proofs import number_sign, sign_on
from freejac.symbolic.tower import Generator, TooLarge, Tower, key_of

__all__ = ["NormalForms", "NotNormal", "normal_forms", "vanishes_on"]

_SIZES = (12, 32, 96)
_LARGEST_FACTORED = 10**30
_MOST_RESTARTS = 12
_LARGEST_POWER = 200

_ODD = (sp.erf, sp.erfi, sp.atan, sp.asin)
_REAL_FUNCTIONS = (sp.erf, sp.erfi, sp.atan, sp.asinh, sp.gamma)


class NotNormal(ArithmeticError):  # noqa: N818 (an answer)
    """The expression has no normal form here."""


class _Restart(Exception):  # noqa: N818 (control flow)
    """A root needs a larger denominator than it was given."""


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
            except _Restart:
                continue
            except TooLarge as reason:
                if len(forms.tower.generators) < size:
                    raise NotNormal(str(reason)) from None
                break
            except ZeroDivisionError as reason:
                raise NotNormal(str(reason)) from None
    raise NotNormal("too many generators")


class NormalForms:
    """Normal forms of expressions over one tower.

    Args:
        domain: where signs are asked for.
        size: how many generators there is room for.
        denominators: of roots and exponents, by their keys; larger ones make a restart.
        signs: of polynomials, by their keys.
    """

    def __init__(
        self,
        domain: Domain,
        size: int = _SIZES[-1],
        denominators: dict[str, int] | None = None,
        signs: dict[str, int | None] | None = None,
    ) -> None:
        self.domain = domain
        self.denominators = {} if denominators is None else denominators
        self.tower = Tower(size, {} if signs is None else signs)
        self._known: dict[sp.Expr, Ratio] = {}
        self._exponents: list[tuple[Ratio, Poly, int]] = []
        self._functions: dict[Any, list[tuple[tuple[Ratio, ...], Ratio]]] = {}
        self._facts: list[tuple[Poly, int]] | None = None
        self.one = Ratio.of(self.tower.one)

    # Expressions

    def of(self, expr: sp.Expr) -> Ratio:
        """The normal form of an expression."""
        found = self._known.get(expr)
        if found is None:
            found = self._known[expr] = self._made(expr)
        return found

    def _made(self, expr: sp.Expr) -> Ratio:
        if expr.is_Rational:
            return self._constant(expr)
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

    def _constant(self, value: Any) -> Ratio:
        return Ratio.of(self.tower.constant(value))

    def _sum(self, values: list[Ratio]) -> Ratio:
        """Add those of one denominator first."""
        groups: dict[str, Ratio] = {}
        for value in values:
            key = key_of(value.below)
            known = groups.get(key)
            groups[key] = value if known is None else Ratio(known.above + value.above, value.below)
        reduced = (self.tower.ratio(value.above, value.below) for value in groups.values())
        return reduce(self.tower.sum, reduced, self._constant(0))

    def _symbol(self, symbol: sp.Symbol) -> Ratio:
        found = self.tower.find(symbol)
        if found is None:
            range_ = self.domain.ranges.get(symbol)
            real = range_ is not None
            low = range_ is not None and range_ is not sp.S.EmptySet and range_.inf
            positive = bool(real and low is not False and low.is_nonnegative)
            found = self.tower.add(symbol, symbol, real=real, nonnegative=positive)
        return Ratio.of(found)

    @property
    def i(self) -> Ratio:
        """The imaginary unit."""
        found = self.tower.find(sp.I)
        if found is None:
            minus = self.tower.constant(-1)
            found = self.tower.add(sp.I, sp.I, degree=2, power=minus)
        return Ratio.of(found)

    def _named(self, constant: sp.Expr) -> Ratio:
        found = self.tower.find(constant)
        if found is None:
            found = self.tower.add(constant, constant, real=True, nonnegative=True)
        return Ratio.of(found)

    def _function(self, expr: sp.Expr) -> Ratio:
        if expr is sp.I:
            return self.i
        if expr is sp.E:
            return self.exponential(self.one)
        if expr.is_NumberSymbol:
            return self._named(expr)
        rule = _RULES.get(expr.func)
        if rule is not None:
            return rule(self, *expr.args)
        return self.opaque(expr)

    # Powers

    def _power(self, base: sp.Expr, exponent: sp.Expr) -> Ratio:
        if exponent.is_Integer:
            if abs(exponent) > _LARGEST_POWER:
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

    def rational_power(self, base: Ratio, exponent: sp.Rational) -> Ratio:
        """A principal power: factors that are not negative are split off."""
        if base.above.is_zero():
            if exponent > 0:
                return self._constant(0)
            raise ZeroDivisionError("a negative power of 0")
        result, rest = self.one, self.one
        for factor, power in self._factors(base):
            sign = self.sign(factor)
            if sign == 1:
                part = self._root(factor, exponent * power)
            elif power % 2 == 0 and self.tower.is_real(factor):
                part = self._root_of_square(factor, exponent * power)
            else:
                rest = self.tower.product(rest, self.tower.power(Ratio.of(factor), power))
                continue
            result = self.tower.product(result, part)
        if rest == self.one:
            return result
        return self.tower.product(result, self._opaque_root(rest, exponent))

    def _factors(self, value: Ratio) -> list[tuple[Poly, int]]:
        """Primes, −1, and irreducible polynomials, the negative ones with their sign turned."""
        powers: dict[str, tuple[Poly, int]] = {}
        sign = 1
        for side, direction in ((value.above, 1), (value.below, -1)):
            content, factors = side.factor()
            if content < 0:
                content, sign = -content, -sign
            for number, turn in ((int(content.p), direction), (int(content.q), -direction)):
                for prime, power in _number_factors(number):
                    _count(powers, self.tower.constant(prime), turn * power)
            for poly, power in factors:
                factor, count = poly, int(power)
                if self.sign(factor) == -1:
                    factor = -factor
                    sign = -sign if count % 2 else sign
                _count(powers, factor, direction * count)
        found = [(poly, power) for poly, power in powers.values() if power]
        return [(self.tower.constant(-1), 1), *found] if sign < 0 else found

    def _root(self, factor: Poly, exponent: sp.Rational) -> Ratio:
        """A rational power of a factor that is not negative."""
        alone = self.tower.alone(factor)
        if alone is not None and alone.log is not None:
            scaled = Ratio.of(alone.log.above * flint.fmpq(exponent.p, exponent.q), alone.log.below)
            return self.exponential(scaled)
        key = f"root {key_of(factor)}"
        denominator = self._denominator(key, exponent)
        if denominator == 1:
            return self.tower.power(Ratio.of(factor), int(exponent))
        found = self.tower.find(key)
        if found is None:
            expr = self.tower.to_sympy(factor) ** sp.Rational(1, denominator)
            found = self.tower.add(key, expr, nonnegative=True, degree=denominator, power=factor)
        return self.tower.power(Ratio.of(found), int(exponent * denominator))

    def _root_of_square(self, factor: Poly, exponent: sp.Rational) -> Ratio:
        """A power of the absolute value of a real factor."""
        return self._root(self.absolute(factor).above, exponent)

    def _opaque_root(self, rest: Ratio, exponent: sp.Rational) -> Ratio:
        """A principal root of what may be negative or complex."""
        if rest == self._constant(-1) and exponent.q == 2:
            return self.tower.power(self.i, exponent.p)
        key = f"branch {key_of(rest.above)} / {key_of(rest.below)}"
        degree = self._denominator(key, exponent)
        found = self.tower.find(key)
        if found is None:
            # g = rest^(1/degree), and the generator is g times the denominator of rest.
            power = self.tower.reduce(rest.above * rest.below ** (degree - 1))
            expr = self.tower.ratio_to_sympy(rest) ** sp.Rational(1, degree)
            expr *= self.tower.to_sympy(rest.below)
            found = self.tower.add(key, expr, degree=degree, power=power)
        return self.tower.power(self.tower.ratio(found, rest.below), int(exponent * degree))

    def _denominator(self, key: str, exponent: sp.Rational) -> int:
        known = self.denominators.get(key, 1)
        needed = lcm(known, int(exponent.q))
        if needed != known:
            self.denominators[key] = needed
            if self.tower.find(key) is not None:
                raise _Restart
        return needed

    # Signs

    def sign(self, poly: Poly) -> int | None:
        """1 if a polynomial is ≥ 0 on the domain, −1 if ≤ 0, None if neither is seen."""
        key = key_of(poly)
        names = ",".join(str(g.expr) for g in self.tower.used(poly))
        known = self.tower.signs.get(f"{key} {names}", 0)
        if known == 0:
            known = self.tower.signs[f"{key} {names}"] = self._sign(poly)
        return known

    def _sign(self, poly: Poly) -> int | None:
        sign = self.tower.plain_sign(poly)
        if sign is not None:
            return sign
        used = self.tower.used(poly)
        if not all(generator.real for generator in used):
            return None
        if all(generator.expr.is_Symbol for generator in used):
            sign = sign_on(self.tower.to_sympy(poly), self.domain)
        elif not any(generator.expr.free_symbols for generator in used):
            sign = number_sign(self.tower.to_sympy(poly))
        return self._sign_by_facts(poly) if sign is None else sign

    def _sign_by_facts(self, poly: Poly) -> int | None:
        if self._facts is None:
            self._facts = []
            self._facts = list(self._read_facts())
        for fact, sign in self._facts:
            if poly in (fact, -fact):
                return sign if poly == fact else -sign
        return None

    def _read_facts(self) -> Any:
        """Signs that the conditions give to irreducible polynomials."""
        for condition in self.domain.conditions:
            if not isinstance(condition, (sp.Lt, sp.Le, sp.Gt, sp.Ge)):
                continue
            try:
                difference = self.of(self.domain.substituted(condition.gts - condition.lts))
                factors = self._factors(difference)
            except (NotNormal, TooLarge, ZeroDivisionError):
                continue
            unknown, sign = [], 1
            for factor, power in factors:
                known = self.sign(factor)
                if known is None and power % 2:
                    unknown.append(factor)
                elif known is not None and power % 2:
                    sign *= known
            if len(unknown) == 1:
                yield unknown[0], sign

    def is_nonnegative(self, value: Ratio) -> bool:
        """Whether a quotient is proved to be ≥ 0 on the domain."""
        if value.above.is_zero():
            return True
        sign = 1
        for factor, power in self._factors(value):
            known = self.sign(factor)
            if known is None and not (power % 2 == 0 and self.tower.is_real(factor)):
                return False
            sign *= known if known is not None and power % 2 else 1
        return sign == 1

    def absolute(self, factor: Poly) -> Ratio:
        """The absolute value of an irreducible polynomial."""
        sign = self.sign(factor)
        if sign is not None:
            return Ratio.of(factor * sign)
        key = f"abs {key_of(factor)}"
        found = self.tower.find(key)
        if found is None:
            expr = sp.Abs(self.tower.to_sympy(factor))
            if not self.tower.is_real(factor):
                found = self.tower.add(key, expr, nonnegative=True)
            else:
                square = self.tower.reduce(factor * factor)
                found = self.tower.add(key, expr, nonnegative=True, degree=2, power=square)
        return Ratio.of(found)

    # Exponentials and logarithms

    def exponential(self, exponent: Ratio) -> Ratio:
        """Exp of a normal form, in powers of a basis."""
        result, exponent = self._split_exponent(exponent)
        if exponent.above.is_zero():
            return result
        combination = self._combination(exponent)
        if combination is None:
            combination = [*([flint.fmpq(0)] * len(self._exponents)), flint.fmpq(1)]
            self._exponents.append(self._new_exponent(exponent))
        for place, coefficient in enumerate(combination):
            if coefficient == 0:
                continue
            _, generator, denominator = self._exponents[place]
            if denominator % int(coefficient.q):
                key = f"exp {place}"
                self.denominators[key] = lcm(denominator, int(coefficient.q))
                raise _Restart
            power = int(coefficient * denominator)
            if abs(power) > _LARGEST_POWER:
                raise NotNormal("an exponent is too large")
            part = self.tower.power(Ratio.of(generator), power)
            result = self.tower.product(result, part)
        return result

    def _new_exponent(self, exponent: Ratio) -> tuple[Ratio, Poly, int]:
        place = len(self._exponents)
        denominator = self.denominators.setdefault(f"exp {place}", 1)
        share = Ratio.of(exponent.above / flint.fmpq(denominator), exponent.below)
        real = self.tower.is_real(exponent.above) and self.tower.is_real(exponent.below)
        formal = any(isinstance(g.expr, _FormalLog) for g in self.tower.used(exponent.above))
        expr = sp.exp(self.tower.ratio_to_sympy(share))
        positive = real and not formal
        generator = self.tower.add(
            f"exp {place}", expr, real=real, nonnegative=positive, log=share if positive else None
        )
        return exponent, generator, denominator

    def _split_exponent(self, exponent: Ratio) -> tuple[Ratio, Ratio]:
        """Take out rational multiples of logarithms, and of iπ."""
        result = self.one
        if not exponent.below.is_constant():
            return result, exponent
        rest = self.tower.zero
        unit = exponent.below.leading_coefficient()
        for powers, coefficient in exponent.above.to_dict().items():
            value = sp.Rational(int((coefficient / unit).p), int((coefficient / unit).q))
            part = self._known_exponential(powers, value)
            if part is None:
                rest += self._signed_turn(powers, value) * unit
            else:
                result = self.tower.product(result, part)
        return result, Ratio.of(rest, exponent.below)

    def _signed_turn(self, powers: tuple[int, ...], value: sp.Rational) -> Poly:
        """A term of an exponent; iπ times integers as the formal logarithm of −1, modulo 2."""
        minus = self.tower.constant(-1)
        used = {self.tower.generators[k].expr: (k, int(n)) for k, n in enumerate(powers) if n}
        logs = [e for e in used if isinstance(e, _FormalLog) and e.antilog == Ratio.of(minus)]
        turn = used.keys() >= {sp.I, sp.pi} and used[sp.I][1] == used[sp.pi][1] == 1
        dropped = logs if logs and used[logs[0]][1] == 1 else [sp.I, sp.pi] if turn else []
        others = [expr for expr in used if expr not in dropped]
        term = self.tower.context.from_dict({powers: flint.fmpq(int(value.p), int(value.q))})
        if not dropped or not value.is_Integer or not all(expr.is_integer for expr in others):
            return term
        left = list(powers)
        for expr in dropped:
            left[used[expr][0]] = 0
        rest = self.tower.context.from_dict({tuple(left): flint.fmpq(int(value) % 2)})
        return rest * self._formal_log(minus).above

    def _known_exponential(self, powers: tuple[int, ...], value: sp.Rational) -> Ratio | None:
        """exp(value · monomial) where the monomial is a logarithm or iπ."""
        used = [(self.tower.generators[k], int(n)) for k, n in enumerate(powers) if n]
        if len(used) == 1 and used[0][1] == 1:
            inner = getattr(used[0][0].expr, "antilog", None)
            if isinstance(used[0][0].expr, sp.LambertW) and value.is_Integer:
                return self._exp_of_lambert(used[0][0], int(value))
            if inner is not None:
                if isinstance(used[0][0].expr, _FormalLog):
                    return self.tower.power(inner, int(value)) if value.is_Integer else None
                return self.rational_power(inner, value)
        names = {generator.expr: n for generator, n in used}
        if names == {sp.I: 1, sp.pi: 1}:
            turn = sp.exp(sp.I * sp.pi * value)
            if not turn.has(sp.exp):
                return self.of(turn)
            if value.q in (5, 8, 10, 12):
                return self.of(sp.cos(sp.pi * value) + sp.I * sp.sin(sp.pi * value))
        return None

    def _exp_of_lambert(self, generator: Generator, power: int) -> Ratio:
        """exp(W(u)) = u/W(u)."""
        value = self.of(generator.expr)
        ratio = self.tower.product(self.of(generator.expr.args[0]), self.tower.inverse(value))
        return self.tower.power(ratio, power)

    def _combination(self, exponent: Ratio) -> list[Any] | None:
        """Rational coefficients that make an exponent of the basis, or None."""
        basis = [known for known, _, _ in self._exponents]
        if not basis:
            return None
        ratios = [*basis, exponent]
        common = reduce(_least_common, (ratio.below for ratio in ratios))
        columns = [
            self.tower.reduce(ratio.above * (common // ratio.below)).to_dict() for ratio in ratios
        ]
        monomials = sorted({powers for column in columns for powers in column})
        zero = flint.fmpq(0)
        rows = [[column.get(powers, zero) for column in columns] for powers in monomials]
        echelon, rank = flint.fmpq_mat(rows).rref()
        last = len(basis)
        answer = [zero] * last
        for row in range(rank):
            pivot = next(k for k in range(last + 1) if echelon[row, k] != 0)
            if pivot == last:
                return None
            answer[pivot] = echelon[row, last]
        return answer

    def log(self, value: Ratio, *, whole: bool = False) -> Ratio:
        """Principal logarithm; or one that is right when multiplied by an integer (`whole`)."""
        if value.above.is_zero():
            raise ZeroDivisionError("the logarithm of 0")
        total, rest = self._constant(0), self.one
        for factor, power in self._factors(value):
            if self.sign(factor) == 1:
                part = self._log_of_positive(factor)
            elif whole:
                part = self._formal_log(factor)
            elif power % 2 == 0 and self.tower.is_real(factor):
                part = self._log_of_positive(self.absolute(factor).above)
            else:
                rest = self.tower.product(rest, self.tower.power(Ratio.of(factor), power))
                continue
            scaled = Ratio.of(part.above * power, part.below)
            total = self.tower.sum(total, scaled)
        if rest == self.one:
            return total
        if rest == self._constant(-1):
            return self.tower.sum(total, self.tower.product(self.i, self._named(sp.pi)))
        return self.tower.sum(total, self._opaque_log(rest))

    def _log_of_positive(self, factor: Poly) -> Ratio:
        alone = self.tower.alone(factor)
        if alone is not None and alone.log is not None:
            return alone.log
        if alone is not None and alone.degree and self._is_root(alone):
            inner = self.log(Ratio.of(alone.power))
            return Ratio.of(inner.above / flint.fmpq(alone.degree), inner.below)
        return self._log_generator(factor, _PositiveLog, real=True)

    def _is_root(self, generator: Generator) -> bool:
        return generator.nonnegative and not isinstance(generator.expr, sp.Abs)

    def _formal_log(self, factor: Poly) -> Ratio:
        return self._log_generator(factor, _FormalLog, real=self.tower.is_real(factor))

    def _log_generator(self, factor: Poly, kind: Any, *, real: bool) -> Ratio:
        key = f"{kind.__name__} {key_of(factor)}"
        found = self.tower.find(key)
        if found is None:
            expr = kind(self.tower.to_sympy(factor))
            expr.antilog = Ratio.of(factor)
            found = self.tower.add(key, expr, real=real)
        return Ratio.of(found)

    def _opaque_log(self, rest: Ratio) -> Ratio:
        key = f"log {key_of(rest.above)} / {key_of(rest.below)}"
        found = self.tower.find(key)
        if found is None:
            expr = _AnyLog(self.tower.ratio_to_sympy(rest))
            expr.antilog = rest
            found = self.tower.add(key, expr)
        return Ratio.of(found)

    # Other functions

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

    def negative(self, value: Ratio) -> Ratio:
        """Minus a normal form."""
        return Ratio(-value.above, value.below)

    def absolute_value(self, arg: sp.Expr) -> Ratio:
        """The absolute value of an expression."""
        value = self.of(arg)
        if value.above.is_zero():
            return value
        result = self.one
        for factor, power in self._factors(value):
            part = self.tower.power(self.absolute(factor), power)
            result = self.tower.product(result, part)
        return result


class _Log(sp.Function):
    """The logarithm of a factor, kept as it is; `antilog` is its normal form."""

    antilog: Ratio

    @classmethod
    def eval(cls, arg: sp.Expr) -> None:
        """Keep it."""


class _PositiveLog(_Log):
    """The real logarithm of what is positive."""


class _AnyLog(_Log):
    """The principal logarithm of what may be negative or complex."""


class _FormalLog(_Log):
    """Any logarithm: it is multiplied by integers and exponentiated."""


_BINDING = (sp.Integral, sp.Sum, sp.Product, sp.Limit, sp.Derivative, sp.Subs, sp.Lambda)


def _count(powers: dict[str, tuple[Poly, int]], poly: Poly, power: int) -> None:
    key = key_of(poly)
    known = powers.get(key, (poly, 0))
    powers[key] = (poly, known[1] + power)


def _number_factors(number: int) -> list[tuple[int, int]]:
    """Primes and their powers; a number too large to factor counts as one."""
    if number == 1:
        return []
    if number > _LARGEST_FACTORED:
        return [(number, 1)]
    return [(int(prime), int(power)) for prime, power in flint.fmpz(number).factor()]


def _least_common(first: Poly, second: Poly) -> Poly:
    return first * (second // first.gcd(second))


def _as(rewriting: Callable[..., sp.Expr]) -> Callable[..., Ratio]:
    """A rule that rewrites a function by others."""

    def rule(forms: NormalForms, *args: sp.Expr) -> Ratio:
        return forms.of(rewriting(*args))

    return rule


def _trigonometric(forms: NormalForms, arg: sp.Expr, sine: bool) -> Ratio:
    turn = forms.exponential(forms.tower.product(forms.i, forms.of(arg)))
    back = forms.tower.inverse(turn)
    half = forms._constant(sp.S.Half)
    if not sine:
        return forms.tower.product(half, forms.tower.sum(turn, back))
    difference = forms.tower.sum(turn, forms.negative(back))
    minus_i_half = forms.tower.product(forms.negative(half), forms.i)
    return forms.tower.product(minus_i_half, difference)


def _shifted_gamma(forms: NormalForms, arg: sp.Expr) -> Ratio:
    """Γ(u + n) by Γ(u): the whole number in the argument is taken out."""
    whole = int(sp.floor(arg.as_coeff_Add()[0])) if arg.as_coeff_Add()[0].is_Rational else 0
    if whole == 0 or abs(whole) > _LARGEST_POWER:
        return forms.opaque(sp.gamma(arg, evaluate=False))
    base = sp.expand(arg - whole)
    factors = [base + k for k in range(whole)] if whole > 0 else []
    below = [base - k for k in range(1, -whole + 1)] if whole < 0 else []
    result = forms.opaque(sp.gamma(base, evaluate=False))
    for factor in factors:
        result = forms.tower.product(result, forms.of(factor))
    for factor in below:
        result = forms.tower.product(result, forms.tower.inverse(forms.of(factor)))
    return result


def _inverse_tanh(forms: NormalForms, arg: sp.Expr) -> Ratio:
    """By logarithms between −1 and 1; on the cuts outside conventions differ."""
    sides = [forms.of(1 + arg), forms.of(1 - arg)]
    if not all(forms.is_nonnegative(side) for side in sides):
        return forms.opaque(sp.atanh(arg, evaluate=False))
    return forms.of((sp.log(1 + arg) - sp.log(1 - arg)) / 2)


def _binomial(forms: NormalForms, n: sp.Expr, k: sp.Expr) -> Ratio:
    """By Γ, unless n may be negative and k is not a number: there conventions differ."""
    numbered = k.is_Integer and k.is_nonnegative
    if not numbered and not forms.is_nonnegative(forms.of(n)):
        return forms.opaque(sp.binomial(n, k, evaluate=False))
    return forms.of(sp.gamma(n + 1) / sp.gamma(k + 1) / sp.gamma(n - k + 1))


_RULES: dict[Any, Callable[..., Ratio]] = {
    sp.exp: lambda forms, u: forms.exponential(forms.of(u)),
    sp.log: lambda forms, u, *base: (
        forms.log(forms.of(u)) if not base else forms.of(sp.log(u) / sp.log(base[0]))
    ),
    sp.sin: lambda forms, u: _trigonometric(forms, u, sine=True),
    sp.cos: lambda forms, u: _trigonometric(forms, u, sine=False),
    sp.tan: _as(lambda u: sp.sin(u) / sp.cos(u)),
    sp.cot: _as(lambda u: sp.cos(u) / sp.sin(u)),
    sp.sec: _as(lambda u: 1 / sp.cos(u)),
    sp.csc: _as(lambda u: 1 / sp.sin(u)),
    sp.sinh: _as(lambda u: (sp.exp(u) - sp.exp(-u)) / 2),
    sp.cosh: _as(lambda u: (sp.exp(u) + sp.exp(-u)) / 2),
    sp.tanh: _as(lambda u: (sp.exp(2 * u) - 1) / (sp.exp(2 * u) + 1)),
    sp.coth: _as(lambda u: (sp.exp(2 * u) + 1) / (sp.exp(2 * u) - 1)),
    sp.sech: _as(lambda u: 2 / (sp.exp(u) + sp.exp(-u))),
    sp.csch: _as(lambda u: 2 / (sp.exp(u) - sp.exp(-u))),
    sp.acos: _as(lambda u: sp.pi / 2 - sp.asin(u)),
    sp.asinh: _as(lambda u: sp.log(u + sp.sqrt(u**2 + 1))),
    sp.acosh: _as(lambda u: sp.log(u + sp.sqrt(u - 1) * sp.sqrt(u + 1))),
    sp.atanh: _inverse_tanh,
    sp.erfc: _as(lambda u: 1 - sp.erf(u)),
    erfcx: _as(lambda u: sp.exp(u**2) * (1 - sp.erf(u))),
    dawson: _as(lambda u: sp.sqrt(sp.pi) / 2 * sp.exp(-(u**2)) * sp.erfi(u)),
    Phi: _as(lambda u: (1 + sp.erf(u / sp.sqrt(2))) / 2),
    sigmoid: _as(lambda u: 1 / (1 + sp.exp(-u))),
    softplus: _as(lambda u: sp.log(1 + sp.exp(u))),
    sp.gamma: _shifted_gamma,
    sp.factorial: _as(lambda u: sp.gamma(u + 1)),
    sp.binomial: _binomial,
    sp.Abs: lambda forms, u: forms.absolute_value(u),
}
