"""A table of polynomials in √q as data and as code, one polynomial for each power of two.

It is taken where no rational function serves. Any mean that is smooth in log q has one; finding
the row costs several times what a rational function does, because the loop is not vectorised.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from freejac.codegen.statements import Block
from freejac.codegen.zero_factors import difference

__all__ = ["TableForm"]

_BIAS = 1023  # of the exponent of a double


@dataclass(frozen=True)
class TableForm:
    """Π (q − q₀)/(q + q₀) · P_e(x), where √q = 2^e (x + 3)/2 with −1 ≤ x < 1.

    Numbers are texts of doubles. A factor is ±1 far from its zero, so that no row is steeper than
    the mean; below the line is the nearest double.

    Attributes:
        zeros: every q₀ as the nearest double and what it lacks.
        first: the exponent e of the first row.
        rows: coefficients of P_e, the constant first, for e = first, first + 1, …
    """

    zeros: tuple[tuple[str, str], ...]
    first: int
    rows: tuple[tuple[str, ...], ...]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TableForm:
        """Read plain data."""
        zeros = tuple((high, low) for high, low in data["zeros"])
        return cls(zeros, data["first"], tuple(tuple(row) for row in data["rows"]))

    @property
    def words(self) -> str:
        """What it is, for tables."""
        return f"{len(self.rows)} polynomials in √q, degree {len(self.rows[0]) - 1}"

    def table(self) -> Sequence[Sequence[str]]:
        """The constant that the statements read."""
        return self.rows

    def block(self, table: str) -> Block:
        """Statements in q that read the constant `table`."""
        degree = len(self.rows[0]) - 1
        lines = [
            "root = math.sqrt(q)",
            "bits = np.float64(root).view(np.int64)",
            f"row = (bits >> 52) - {_BIAS + self.first}",
            "bits = (bits & 0xFFFFFFFFFFFFF) | 0x3FF0000000000000",
            "x = 2.0 * np.int64(bits).view(np.float64) - 3.0",
            f"value = {table}[row, {degree}]",
            *(f"value = value * x + {table}[row, {k}]" for k in reversed(range(degree))),
        ]
        above = " * ".join([*(difference(*zero) for zero in self.zeros), "value"])
        below = " * ".join(f"(q + {high})" for high, _ in self.zeros)
        return Block(tuple(lines), f"{above} / ({below})" if below else above)
