"""Enclosures: the value of a SymPy expression at a point or on a box, in a real or complex ball.

A ball holds the value with certainty, because every step is an operation of python-flint. Where a
function has no ball version there, its value is computed at two precisions, and the ball's radius
is their difference and then some: such a ball is not rigorous, and `Enclosures.rigorous` says so.

>>> x = sp.Symbol("x", real=True)
>>> Enclosures({x: flint.arb(2)}).of(x**2 - 1)
3.00000000000000
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import flint
import mpmath
import sympy as sp
from sympy.core.relational import Relational

from freejac.symbolic.ball_functions import (
    CONSTANTS,
    CUT,
    REAL,
    Ball,
    NoValue,
    analytic,
    as_acb,
    is_real_ball,
    logarithm,
    power_of_zero,
    rational_ball,
    root,
    with_cut,
)
from freejac.symbolic.balls import BallFunction
from freejac.symbolic.bivariate import Expectation2
from freejac.symbolic.errors import Error
from freejac.symbolic.expectation import Expectation
from freejac.symbolic.rounded import rounded
from freejac.symbolic.two_precisions import evaluated, quadrature

__all__ = ["Ball", "Enclosures", "NoValue", "as_acb", "is_real_ball", "rational_ball"]

_LARGEST_POWER = 10**6
_LONGEST_SUM = 2000


class Enclosures:
    """Balls of expressions at one assignment, at the working precision of python-flint.

    Args:
        values: a ball for each symbol; exact numbers for a point, intervals for a box.
        point: the exact values that the balls stand for, where it is a point: what has no ball
            version is evaluated there.

    Attributes:
        rigorous: whether every ball so far was made by ball arithmetic alone.
    """

    def __init__(
        self,
        values: Mapping[sp.Basic, Ball],
        point: Mapping[sp.Basic, sp.Expr] | None = None,
    ) -> None:
        self._known: dict[sp.Basic, Ball] = dict(values)
        self._point = point
        self.rigorous = True

    def of(self, expr: sp.Basic) -> Ball:
        """The ball of an expression.

        Raises:
            NoValue: it has no finite value here, or a sign that matters cannot be told.
        """
        found = self._known.get(expr)
        if found is None:
            found = self._compute(expr)
            if not found.is_finite():
                raise NoValue(f"{expr} has no finite value")
            if isinstance(found, flint.acb) and is_real_ball(found):
                found = found.real
            self._known[expr] = found
        return found

    def proved_sign(self, expr: sp.Expr) -> int | None:
        """Sign of a real value that its ball proves: 1, −1, or None."""
        try:
            ball = self.of(expr)
        except NoValue:
            return None
        if not is_real_ball(ball) or not self.rigorous:
            return None
        return 1 if ball > 0 else -1 if ball < 0 else None

    def _compute(self, expr: sp.Basic) -> Ball:
        if isinstance(expr, sp.Rational):
            return rational_ball(expr)
        if isinstance(expr, sp.Float):
            middle, half = rounded(expr)
            return rational_ball(middle) + flint.arb(0, rational_ball(half).abs_upper())
        if expr in CONSTANTS:
            return CONSTANTS[expr]()
        if expr is sp.I:
            return flint.acb(0, 1)
        if isinstance(expr, sp.Add):
            return _folded(expr.args, self.of, lambda a, b: a + b)
        if isinstance(expr, sp.Mul):
            return _folded(expr.args, self.of, lambda a, b: a * b)
        if isinstance(expr, sp.Pow):
            return self._power(*expr.args)
        return self._function(expr)

    def _power(self, base: sp.Expr, exponent: sp.Expr) -> Ball:
        ball = self.of(base)
        if exponent.is_Integer and abs(exponent) <= _LARGEST_POWER:
            if exponent < 0 and ball.contains(0):
                raise NoValue(f"{base} may vanish")
            return ball ** int(exponent)
        power = self.of(exponent)
        if is_real_ball(power) and power.rad() == 0 and (whole := power.unique_fmpz()) is not None:
            if whole < 0 and ball.contains(0):
                raise NoValue(f"{base} may vanish")
            if abs(whole) <= _LARGEST_POWER:
                return ball ** int(whole)
        if exponent == sp.S.Half:
            return root(ball)
        if ball == 0:
            return power_of_zero(power)
        if is_real_ball(ball) and is_real_ball(power) and ball > 0:
            return (power * ball.log()).exp()
        return (power * logarithm(ball)).exp()

    def _function(self, expr: sp.Basic) -> Ball:
        head = expr.func
        if head in REAL and len(expr.args) == 1:
            return analytic(head, self.of(expr.args[0]))
        if head is sp.log and len(expr.args) == 1:
            return logarithm(self.of(expr.args[0]))
        if head in CUT:
            return with_cut(head, self.of(expr.args[0]))
        handler = getattr(self, f"_of_{head.__name__.lower()}", None)
        if handler is not None:
            return handler(expr)
        if isinstance(expr, BallFunction):
            return self._ball_function(expr)
        return self.approximate(expr)

    def _ball_function(self, expr: BallFunction) -> Ball:
        parts = [self.of(part) for part in expr.parts(*expr.args)]
        if not expr.takes_complex and not all(map(is_real_ball, parts)):
            raise NoValue(f"{expr.func.__name__} of complex numbers")
        if not expr.contains(*parts):
            return self.approximate(expr)
        # Balls by a series whose remainder is estimated: sound in all we know, not by proof.
        self.rigorous = False
        return expr.ball(flint.ctx.prec, *parts)

    # What is piecewise

    def real(self, expr: sp.Basic) -> Ball:
        """The ball of an expression that has to be real."""
        ball = self.of(expr)
        if not is_real_ball(ball):
            raise NoValue(f"{expr} is not real")
        return ball

    def _of_abs(self, expr: sp.Abs) -> Ball:
        ball = self.of(expr.args[0])
        return abs(ball)

    def _of_sign(self, expr: sp.sign) -> Ball:
        ball = self.of(expr.args[0])
        if not is_real_ball(ball) and not ball.contains(0):
            return ball / abs(ball)
        return flint.arb(self.sign(expr.args[0]))

    def _of_heaviside(self, expr: sp.Heaviside) -> Ball:
        sign = self.sign(expr.args[0])
        return self.of(expr.args[1]) if sign == 0 else flint.arb(int(sign > 0))

    def _of_diracdelta(self, expr: sp.DiracDelta) -> Ball:
        if self.sign(expr.args[0]) == 0:
            raise NoValue("a Dirac delta at its atom")
        return flint.arb(0)

    def _of_max(self, expr: sp.Max) -> Ball:
        return _folded(expr.args, self.real, lambda a, b: a.max(b))

    def _of_min(self, expr: sp.Min) -> Ball:
        return _folded(expr.args, self.real, lambda a, b: a.min(b))

    def _of_re(self, expr: sp.re) -> Ball:
        return as_acb(self.of(expr.args[0])).real

    def _of_im(self, expr: sp.im) -> Ball:
        return as_acb(self.of(expr.args[0])).imag

    def _of_conjugate(self, expr: sp.conjugate) -> Ball:
        return as_acb(self.of(expr.args[0])).conjugate()

    def _of_arg(self, expr: sp.arg) -> Ball:
        return as_acb(logarithm(self.of(expr.args[0]))).imag

    def _of_floor(self, expr: sp.floor) -> Ball:
        return self._rounded(expr.args[0], lambda t: t.floor())

    def _of_ceiling(self, expr: sp.ceiling) -> Ball:
        return self._rounded(expr.args[0], lambda t: t.ceil())

    def _rounded(self, expr: sp.Expr, way: Callable[[Ball], Ball]) -> Ball:
        found = way(self.real(expr))
        if found.rad() != 0:
            raise NoValue(f"{expr} may be on either side of an integer")
        return found

    def _of_piecewise(self, expr: sp.Piecewise) -> Ball:
        for value, condition in expr.args:
            if self.holds(condition):
                return self.of(value)
        raise NoValue("no case of a Piecewise applies")

    def sign(self, expr: sp.Expr) -> int:
        """Sign of a real expression.

        Raises:
            NoValue: its ball contains 0 and more.
        """
        ball = self.real(expr)
        if ball > 0:
            return 1
        if ball < 0:
            return -1
        if ball == 0 or self._is_exactly_zero(expr):
            return 0
        raise NoValue(f"the sign of {expr} cannot be told")

    def _is_exactly_zero(self, expr: sp.Expr) -> bool:
        """By rational arithmetic alone: enclosures cannot show that something is 0."""
        if self._point is None:
            return False
        return _exact_value(expr, self._point) == 0

    def holds(self, condition: sp.Basic) -> bool:
        """Whether a condition holds here.

        Raises:
            NoValue: that cannot be told.
        """
        if condition in (sp.true, sp.false):
            return bool(condition)
        if isinstance(condition, sp.And):
            return all(self.holds(part) for part in condition.args)
        if isinstance(condition, sp.Or):
            return any(self.holds(part) for part in condition.args)
        if isinstance(condition, sp.Not):
            return not self.holds(condition.args[0])
        if isinstance(condition, (sp.Eq, sp.Ne)):
            return self._equal(*condition.args) == isinstance(condition, sp.Eq)
        if isinstance(condition, Relational):
            sign = self.sign(condition.lhs - condition.rhs)
            strict = isinstance(condition, (sp.StrictLessThan, sp.StrictGreaterThan))
            below = isinstance(condition, (sp.LessThan, sp.StrictLessThan))
            return sign == 0 and not strict if sign == 0 else (sign < 0) == below
        if isinstance(condition, sp.Contains):
            return self.holds(condition.args[1].as_relational(condition.args[0]))
        raise NoValue(f"the condition {condition} cannot be told")

    def _equal(self, left: sp.Expr, right: sp.Expr) -> bool:
        a, b = as_acb(self.of(left)), as_acb(self.of(right))
        if not a.overlaps(b):
            return False
        if self._is_exactly_zero(left - right):
            return True
        raise NoValue(f"whether {left} is {right} cannot be told")

    # What python-flint does not have

    def _of_lambertw(self, expr: sp.LambertW) -> Ball:
        branch = int(expr.args[1]) if len(expr.args) > 1 else 0
        return as_acb(self.of(expr.args[0])).lambertw(branch)

    def _of_binomial(self, expr: sp.binomial) -> Ball:
        n, k = (self.of(arg) for arg in expr.args)
        return (n + 1).gamma() * (k + 1).rgamma() * (n - k + 1).rgamma()

    def _of_polygamma(self, expr: sp.polygamma) -> Ball:
        if expr.args[0] == 0:
            return self.of(expr.args[1]).digamma()
        return self.approximate(expr)

    def _of_derivative(self, expr: sp.Derivative) -> Ball:
        done = expr.doit()
        if isinstance(done, sp.Derivative) or done.has(sp.Derivative):
            raise NoValue(f"the derivative {expr} is not known")
        return self.of(done)

    def _of_expectation(self, expr: Expectation) -> Ball:
        return self.approximate(expr)

    def _of_expectation2(self, expr: Expectation2) -> Ball:
        return self.approximate(expr)

    def approximate(self, expr: sp.Basic) -> Ball:
        """A value at two precisions, with their difference, and 2^−p of it, for the radius."""
        if self._point is None:
            raise NoValue(f"{expr.func.__name__} has no ball version")
        exact = expr.subs(self._point) if expr.free_symbols else expr
        return self._by_two(lambda digits: evaluated(exact, digits))

    def _by_two(self, number: Callable[[int], Any]) -> Ball:
        """What a function of the digits gives at two precisions."""
        self.rigorous = False
        digits = mpmath.libmp.prec_to_dps(flint.ctx.prec)
        try:
            coarse, fine = number(2 * digits // 3), number(digits + 2)
        except (TypeError, ValueError, ArithmeticError, NotImplementedError, Error) as error:
            raise NoValue(f"no value: {error}") from None
        if not (mpmath.isfinite(coarse) and mpmath.isfinite(fine)):
            raise NoValue("no finite value")
        radius = 64 * abs(fine - coarse) + abs(fine) * mpmath.mpf(2) ** (8 - flint.ctx.prec)
        spread = flint.arb(0, radius)
        if isinstance(fine, mpmath.mpc) and fine.imag != 0:
            return flint.acb(flint.arb(fine.real) + spread, flint.arb(fine.imag) + spread)
        return flint.arb(mpmath.re(fine)) + spread

    def _of_integral(self, expr: sp.Integral) -> Ball:
        if self._point is None or len(expr.limits) != 1 or len(expr.limits[0]) != 3:
            raise NoValue(f"no value of {expr}")
        symbol, low, high = expr.limits[0]
        point = {s: v for s, v in self._point.items() if s != symbol}
        integrand = expr.function.subs(point)
        ends = [end.subs(point) for end in (low, high)]
        return self._by_two(quadrature(integrand, symbol, ends))

    def _of_sum(self, expr: sp.Sum) -> Ball:
        if self._point is None or len(expr.limits) != 1 or len(expr.limits[0]) != 3:
            raise NoValue(f"no value of {expr}")
        symbol, low, high = expr.limits[0]
        point = {s: v for s, v in self._point.items() if s != symbol}
        low, high, term = low.subs(point), high.subs(point), expr.function.subs(point)
        if not (low.is_Integer and high.is_Integer):
            return self._by_two(lambda digits: evaluated(sp.Sum(term, (symbol, low, high)), digits))
        if high - low > _LONGEST_SUM or high < low - 1:
            raise NoValue("a sum that is too long, or reversed")
        total = flint.arb(0)
        for k in range(int(low), int(high) + 1):
            total += self.of(term.subs(symbol, k))
        return total

    def _of_limit(self, expr: sp.Limit) -> Ball:
        if self._point is None:
            raise NoValue(f"no value of {expr}")
        symbol = expr.args[1]
        value = expr.subs({s: v for s, v in self._point.items() if s != symbol}).doit()
        if value.has(sp.Limit, sp.AccumBounds) or not value.is_finite:
            raise NoValue(f"the limit {expr} is not known to be finite")
        self.rigorous = False
        return self.of(value)


def _folded(args: Any, of: Callable[[Any], Ball], join: Callable[[Ball, Ball], Ball]) -> Ball:
    total = of(args[0])
    for arg in args[1:]:
        total = join(total, of(arg))
    return total


def _exact_value(expr: sp.Expr, point: Mapping[sp.Basic, sp.Expr]) -> sp.Expr | None:
    """The rational value at a rational point, or None."""
    if not expr.is_rational_function():
        return None
    value = sp.expand(expr.xreplace(dict(point)))
    return value if value.is_Rational else None
