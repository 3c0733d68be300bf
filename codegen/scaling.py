"""A parameter that is a unit of x or of f, and the form of a mean that follows from that.

If f(x; s) = sᵏ g(x/sᵉ), then E[f(√q z; s)ⁿ] = sᵏⁿ G(q/s²ᵉ), where G(q) = E[g(√q z)ⁿ] has no
parameter, so that it has an approximation of its own. The slope βx of a sigmoid and the width of a
smoothed step are such parameters.

>>> from freejac.symbolic.piecewise import decompose
>>> from freejac.symbolic.symbols import x
>>> beta = sp.Symbol("beta", positive=True)
>>> scale = scale_of(decompose(sp.tanh(beta * x) / beta), beta)
>>> scale.exponent, scale.power, scale.unit.pieces[0].expr
(-1, -1, tanh(x))
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import sympy as sp

from freejac.codegen.rational_form import RationalForm
from freejac.codegen.statements import Block
from freejac.symbolic.piecewise import PiecewiseFunction
from freejac.symbolic.symbols import x

__all__ = ["Scale", "ScaledForm", "scale_of"]

_EXPONENTS = (0, 1, -1)
_PLACES = (sp.Rational(3, 7), sp.Rational(-8, 5), sp.Rational(13, 6))
_SETTINGS = (2, 3)
"""Values of x and of a parameter that show most of those that are no unit."""
_APART = sp.Rational(1, 10**9)


@dataclass(frozen=True)
class Scale:
    """f(x; s) = sᵏ g(x/sᵉ).

    Attributes:
        exponent: e.
        power: k.
        unit: g.
    """

    exponent: int
    power: int
    unit: PiecewiseFunction


def scale_of(function: PiecewiseFunction, symbol: sp.Symbol) -> Scale | None:
    """Find e of 0, 1, −1 and a whole k; None if there are none.

    Args:
        function: with this parameter alone and without Dirac deltas.
        symbol: the parameter. One that may be negative or 0 multiplies x in a smooth function: z
            has either sign, and the approximation of G is right down to q = 0.
    """
    if function.deltas or function.free_symbols != {symbol}:
        return None
    smooth = (0, -1) if len(function.pieces) == 1 else (0,)
    for exponent in _EXPONENTS if symbol.is_positive else smooth:
        unit = symbol**exponent
        bodies = [piece.expr.subs(x, x * unit) for piece in function.pieces]
        if not _may_scale(bodies, symbol):
            continue
        ends = [sp.simplify(end / unit) for end in function.breakpoints]
        bodies = [sp.simplify(body) for body in bodies]
        powers = {sp.simplify(symbol * e.diff(symbol) / e) for e in bodies if e != 0}
        if any(end.has(symbol) for end in ends) or len(powers) != 1:
            continue
        (power,) = powers
        if power.is_Integer:
            return Scale(exponent, int(power), function.subs({symbol: sp.S.One}))
    return None


def _may_scale(bodies: Sequence[sp.Expr], symbol: sp.Symbol) -> bool:
    """False where numbers show that s d/ds log f(x sᵉ; s) varies: simplifying takes far longer."""
    sign = -1 if symbol.is_nonpositive else 1
    known = None
    for body in bodies:
        rate = symbol * body.diff(symbol) / body if body else body
        for place in _PLACES if body else ():
            for setting in _SETTINGS:
                value = rate.subs({x: place, symbol: sign * setting}).evalf(20)
                if not (value.is_Float or value.is_Rational):
                    continue
                known = value if known is None else known
                if abs(value - known) > _APART * (1 + abs(known)):
                    return False
    return True


@dataclass(frozen=True)
class ScaledForm:
    """s^power · G(q/s²ᵉ) with an approximation of G.

    Attributes:
        parameter: the name of s.
        exponent: e.
        power: of s.
        unit: G.
    """

    parameter: str
    exponent: int
    power: int
    unit: RationalForm

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ScaledForm:
        """Read plain data."""
        unit = RationalForm.from_json(data["unit"])
        return cls(data["parameter"], data["exponent"], data["power"], unit)

    @property
    def words(self) -> str:
        """What it is, for tables."""
        inner = {0: "√q", 1: f"√q/{self.parameter}", -1: f"√q {self.parameter}"}[self.exponent]
        return self.unit.words.replace("√q", inner)

    def table(self) -> Sequence[Sequence[str]]:
        """The constant that the statements read: none."""
        return ()

    def block(self, table: str) -> Block:
        """Statements in q and s, straight as those of G.

        The power of q with which G begins is joined to that of s: an s of 0 may be right then.
        """
        block = replace(self.unit, lead=0).block(table)
        lines, result = list(block.lines), block.result
        if self.exponent:
            sign = "/" if self.exponent > 0 else "*"
            lines = [re.sub(r"\bq\b", "ratio", line) for line in lines]
            lines.insert(0, f"ratio = q {sign} ({self.parameter} * {self.parameter})")
            result = re.sub(r"\bq\b", "ratio", result)
        lead, power = self.unit.lead, self.power - self.exponent * self.unit.lead
        over: list[str] = [result]
        under: list[str] = []
        (over if power > 0 else under)[:0] = [self.parameter] * abs(power)
        (over if lead > 0 else under)[:0] = ["q"] * (abs(lead) // 2) + ["math.sqrt(q)"] * (lead % 2)
        below = f"({' * '.join(under)})" if len(under) > 1 else "".join(under)
        return Block(tuple(lines), " * ".join(over) + f" / {below}" * bool(under))
