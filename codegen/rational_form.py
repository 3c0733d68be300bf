"""A rational function of √q as data and as code: what is kept of an approximation.

>>> form = RationalForm(lead=2, zeros=(), above=("1.0", "2.0"), below=("1.0", "3.0", "0.5"))
>>> for line in (*form.block("").lines, form.block("").result):
...     print(line)
root = math.sqrt(q)
above = 2.0 * root + 1.0
even_0 = 0.5 * q + 1.0
below = 3.0 * root + even_0
q * above / below
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from freejac.codegen.horner import quotient_lines
from freejac.codegen.statements import Block
from freejac.codegen.zero_factors import difference

__all__ = ["RationalForm"]


@dataclass(frozen=True)
class RationalForm:
    """q^{lead/2} · Π (q − q₀) · P(√q)/Q(√q); numbers are texts of doubles.

    Attributes:
        lead: exponent of √q.
        zeros: every q₀ as the nearest double and what it lacks: the product keeps its relative
            accuracy up to a zero.
        above: coefficients of P, the constant first.
        below: coefficients of Q.
    """

    lead: int
    zeros: tuple[tuple[str, str], ...]
    above: tuple[str, ...]
    below: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> RationalForm:
        """Read plain data."""
        zeros = tuple((high, low) for high, low in data["zeros"])
        return cls(data["lead"], zeros, tuple(data["above"]), tuple(data["below"]))

    @property
    def words(self) -> str:
        """What it is, for tables."""
        return f"rational in √q, {len(self.above) - 1}/{len(self.below) - 1}"

    def table(self) -> Sequence[Sequence[str]]:
        """The constant that the statements read: none."""
        return ()

    def block(self, table: str) -> Block:
        """Statements in q without a branch or a call but for the root, so that they vectorise."""
        lines = ["root = math.sqrt(q)"]
        lines += quotient_lines(("above", "below"), (self.above, self.below), "root", "q")
        factors = [difference(*zero) for zero in self.zeros]
        over, under = ["above"], ["below"]
        (over if self.lead >= 0 else under)[:0] = ["q"] * (abs(self.lead) // 2)
        (over if self.lead >= 0 else under)[:0] = ["root"] * (abs(self.lead) % 2)
        below = f"({' * '.join(under)})" if len(under) > 1 else "below"
        return Block(tuple(lines), f"{' * '.join([*factors, *over])} / {below}")
