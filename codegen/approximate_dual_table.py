"""Piecewise polynomials of two variables that stand for a dual, as data and as code.

With a = q(1 + |c|)/2, b = q(1 − |c|)/2 and scales k and m, everything is smooth in

    gap = q|c|/(k + a) = 1 − (k + b)/(k + a),    share = b/(m + b),

which both run over [0, 1], to the limits q → 0, q → ∞, c → 0 and |c| → 1, and

    D = Q₁(a, b) + p₀ (1 − √(1 − gap)) + √(1 − gap) (m + b)ᵉ F(gap, share),

p₀ and Q₁ the constant and the rest of `Growth.plus` or `Growth.minus`. F is bounded; on each of a
few rectangles it is a polynomial of a total degree. Where f has a tail that is no even function,
odd powers of √b come in, and 1 − √(m/(m + b)) takes the place of share.
"""

from __future__ import annotations

import textwrap
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import sympy as sp

from freejac.codegen.approximate_dual_growth import NARROW, WIDE, Growth
from freejac.codegen.printer import source

__all__ = ["Table", "polynomial_lines", "table_code"]

_IN = " " * 12


@dataclass(frozen=True)
class Table:
    """A fitted F, for every sign of c that was fitted.

    Attributes:
        gap_scale: k.
        share_scale: m.
        rooted: whether 1 − √(m/(m + b)) takes the place of b/(m + b).
        exponent: e.
        divided: whether gap is a factor of F that is divided out, as for an odd f.
        gaps: ends of the rectangles in gap, from 0 to 1.
        shares: the same in share.
        degree: total degree.
        rows: coefficients of a rectangle, those of share⁰ first, each group from the highest power
            of gap to the lowest, where both variables run over [0, 1] on the rectangle. Rectangles
            in the order of gap, then share, those of c ≥ 0 first.
    """

    gap_scale: float
    share_scale: float
    rooted: bool
    exponent: int
    divided: bool
    gaps: tuple[float, ...]
    shares: tuple[float, ...]
    degree: int
    rows: tuple[tuple[float, ...], ...]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Table:
        """Read plain data."""
        rows = tuple(tuple(float(v) for v in row) for row in data["rows"])
        return cls(
            float(data["gap_scale"]),
            float(data["share_scale"]),
            bool(data["rooted"]),
            int(data["exponent"]),
            bool(data["divided"]),
            tuple(float(v) for v in data["gaps"]),
            tuple(float(v) for v in data["shares"]),
            int(data["degree"]),
            rows,
        )


def table_code(table: Table, growth: Growth, prefix: str) -> tuple[list[str], list[str], str]:
    """Module-level lines, lines of the body, and the result in `q` and `c`.

    Args:
        table: the fitted part.
        growth: the exact part.
        prefix: what every name begins with, such as "_dual".
    """
    k, m = repr(table.gap_scale), repr(table.share_scale)
    lines = [
        "size = abs(c)",
        "wide = 0.5 * q * (1.0 + size)",
        "narrow = 0.5 * q * (1.0 - size)",
        "shared = q * size",
        f"gap = shared / ({k} + wide)",
        f"root = math.sqrt(({k} + narrow) / ({k} + wide))",
    ]
    if table.rooted:
        lines.append(f"moved = {m} + narrow")
        lines.append(f"share = narrow / (moved + math.sqrt({m} * moved))")
    else:
        lines.append(f"share = narrow / ({m} + narrow)")
    both = len(growth.fitted) == 2
    first = f"{(len(table.gaps) - 1) * (len(table.shares) - 1)} * (c < 0.0)" if both else "0"
    scaled = "gap * " if table.divided else ""
    scaled += f"root * {prefix}_rest(gap, share, {first})"
    if table.exponent:
        base = f"({m} + narrow)"
        power = " * ".join([base] * abs(table.exponent))
        bracket = f"({power})" if table.exponent < -1 else power
        scaled += f" * {power}" if table.exponent > 0 else f" / {bracket}"
    lines.append(f"value = {scaled}")
    parts = {1.0: growth.plus, -1.0: growth.minus}
    lines += _exact_part([_in_covariance(parts[sign]) for sign in growth.fitted])
    return _module_lines(table, prefix), lines, _result(growth)


def _in_covariance(polynomial: sp.Expr) -> sp.Expr:
    """A polynomial of a and b in q = a + b and q|c| = a − b, which cancels less."""
    q, shared = sp.symbols("q shared", positive=True)
    wide, narrow = (q + shared) / 2, (q - shared) / 2
    return sp.expand(polynomial.subs({WIDE: wide, NARROW: narrow}, simultaneous=True))


def _exact_part(parts: list[sp.Expr]) -> list[str]:
    """Add Q₁ + p₀ (1 − root)."""
    texts = []
    for part in parts:
        constant, rest = sp.expand(part).as_independent(*part.free_symbols, as_Add=True)
        if not part.free_symbols:
            constant, rest = part, sp.S.Zero
        weight = "" if constant == 1 else f"{source(constant)} * "
        near = "" if constant == 0 else f"{weight}gap / (1.0 + root)"
        far = "" if rest == 0 else source(rest)
        texts.append(" + ".join(text for text in (near, far) if text))
    if not any(texts):
        return []
    if len(texts) == 1:
        return [f"value += {texts[0]}"]
    plus, minus = (text or "0.0" for text in texts)
    return [f"value += {plus} if c >= 0.0 else {minus}"]


def _result(growth: Growth) -> str:
    if growth.parity == 1 or len(growth.fitted) == 2:
        return "value"
    if growth.parity == -1:
        return "value if c >= 0.0 else -value"
    sign = "-" if growth.mirrored else "+"
    return f"{source(_in_covariance(growth.total))} {sign} value if c > 0.0 else value"


def _module_lines(table: Table, prefix: str) -> list[str]:
    name = prefix.upper()
    lines = [
        "# Where F is fitted: lower ends of the rectangles, and 1 / width.",
        *_array(f"{name}_GAPS", table.gaps[:-1]),
        *_array(f"{name}_GAP_WIDTHS", [1.0 / (b - a) for a, b in pairwise(table.gaps)]),
        *_array(f"{name}_SHARES", table.shares[:-1]),
        *_array(f"{name}_SHARE_WIDTHS", [1.0 / (b - a) for a, b in pairwise(table.shares)]),
        "# Coefficients, a row for each rectangle; in a row the powers of share ascend.",
        "# fmt: off",
        f"{name}_ROWS = np.array(",
        "    [",
    ]
    for row in table.rows:
        packed = textwrap.wrap(
            ", ".join(map(repr, row)) + ",", 92, initial_indent=_IN, subsequent_indent=_IN
        )
        lines += ["        [", *packed, "        ],"]
    lines += ["    ]", ")", "# fmt: on", "", ""]
    return [*lines, *_function_lines(table, prefix)]


def _array(name: str, values: tuple[float, ...] | list[float]) -> list[str]:
    numbers = f"[{', '.join(map(repr, values))}]"
    line = f"{name} = np.array({numbers})"
    return [line] if len(line) <= 100 else [f"{name} = np.array(", f"    {numbers}", ")"]


def _function_lines(table: Table, prefix: str) -> list[str]:
    name = prefix.upper()
    count = len(table.shares) - 1
    lines = [
        '@njit(cache=True, error_model="numpy", fastmath={"contract"})',
        f"def {prefix}_rest(gap, share, first):",
        '    """Return F(gap, share) from the rows that begin at first."""',
        f"    i = {_index('gap', table.gaps)}",
        f"    j = {_index('share', table.shares)}",
        f"    x = (gap - {name}_GAPS[i]) * {name}_GAP_WIDTHS[i]",
        f"    y = (share - {name}_SHARES[j]) * {name}_SHARE_WIDTHS[j]",
        f"    return {_polynomial(table.degree)}({name}_ROWS[first + {count} * i + j], x, y)",
    ]
    return lines


def _polynomial(degree: int) -> str:
    return f"_of_degree_{degree}"


def polynomial_lines(degree: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Two functions, the second of which calls the first, that evaluate a row of `Table.rows`.

    They are unrolled, since loops of varying length cost time; but Numba needs milliseconds for
    each statement, so that four steps are one call and both duals of a module call the same.
    """
    lines = [
        '@njit(cache=True, error_model="numpy", fastmath={"contract"})',
        f"def {_polynomial(degree)}(row, x, y):",
        f'    """Return a polynomial of total degree {degree}; the powers of y ascend in a row."""',
        f"    at = {(degree + 1) * (degree + 2) // 2}",
    ]
    for steps in range(degree + 1):
        lines += [f"    at -= {steps + 1}", "    part = row[at]"]
        fours = 4 * (steps // 4)
        lines += [f"    part = _four(row, at + {n + 1}, part, x)" for n in range(0, fours, 4)]
        lines += [f"    part = part * x + row[at + {n}]" for n in range(fours + 1, steps + 1)]
        lines.append("    total = total * y + part" if steps else "    total = part")
    return _FOUR_STEPS, (*lines, "    return total")


_FOUR_STEPS = (
    '@njit(cache=True, error_model="numpy", fastmath={"contract"}, forceinline=True)',
    "def _four(row, at, part, x):",
    '    """Return what four steps of Horner\'s scheme make of part."""',
    "    part = part * x + row[at]",
    "    part = part * x + row[at + 1]",
    "    part = part * x + row[at + 2]",
    "    return part * x + row[at + 3]",
)


def _index(variable: str, ends: tuple[float, ...]) -> str:
    inner = [f"({variable} > {end!r})" for end in ends[1:-1]]
    return " + ".join(inner) if len(inner) > 1 else f"1 * {inner[0]}" if inner else "0"
