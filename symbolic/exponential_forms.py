"""Normal forms of exponentials and logarithms.

Exponentials are powers of a basis of exponents that are linearly independent over the rational
numbers. A logarithm is the sum of those of its positive factors and of one of what is left; a power
with an integer for its symbolic exponent is split at every factor.
"""

from __future__ import annotations

from abc import ABC
from functools import cached_property, reduce
from math import lcm
from typing import Any

import flint
import sympy as sp

from freejac.symbolic.polynomials import Poly, Ratio
from freejac.symbolic.root_forms import NotNormal, Restart, RootForms
from freejac.symbolic.tower import Generator, key_of

__all__ = ["LARGEST_POWER", "ExponentialForms"]

LARGEST_POWER = 200
"""Largest power of a generator or an expression that is written out."""


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


class ExponentialForms(RootForms, ABC):
    """Exponentials and logarithms over one tower."""

    @cached_property
    def _exponents(self) -> list[tuple[Ratio, Poly, int]]:
        """The basis so far: an exponent, its exponential, and the denominator of its powers."""
        return []

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
                raise Restart
            power = int(coefficient * denominator)
            if abs(power) > LARGEST_POWER:
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
        total, rest = self.constant(0), self.one
        for factor, power in self.factors(value):
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
        if rest == self.constant(-1):
            return self.tower.sum(total, self.tower.product(self.i, self.named(sp.pi)))
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


def _least_common(first: Poly, second: Poly) -> Poly:
    return first * (second // first.gcd(second))
