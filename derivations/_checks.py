"""What several documents check in the same way: matrices, Gaussian integrals, freeness, networks.

>>> word_moment("abab", {"a": {1: 1, 2: 2}, "b": {1: 3, 2: 10}})
19
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import combinations, groupby, product
from typing import Any

import sympy as sp

from freejac.symbolic import laws
from freejac.symbolic.check import check
from freejac.symbolic.check_families import check_each
from freejac.symbolic.check_numbers import check_estimate
from freejac.symbolic.symbols import z
from freejac.symbolic.verdict import Verdict, weakest

__all__ = [
    "HARD_TANH",
    "IDENTITY",
    "PATIENCE",
    "RELU",
    "Units",
    "averaged",
    "by_antiderivative",
    "density_of_normal",
    "every",
    "geometric",
    "matrices_agree",
    "measured_moments",
    "patiently",
    "positive_from_end",
    "primitive_of_root",
    "r_adds",
    "rotation",
    "s_multiplies",
    "semicircle_moment",
    "standard_normal",
    "sum_moment",
    "word_moment",
]

h = sp.Symbol("h", real=True)

PATIENCE: dict[str, Any] = {"samples": 3, "time_limit": 20}
"""Options of `check` for expectations and limits, whose values take quadrature."""

Units = tuple[Callable[[Any], Any], Callable[[Any], Any]]
"""An activation and its slope, on arrays."""

IDENTITY: Units = (lambda u: u, lambda u: 0 * u + 1)
RELU: Units = (lambda u: u * (u > 0), lambda u: 1.0 * (u > 0))
HARD_TANH: Units = (lambda u: u.clip(-1, 1), lambda u: 1.0 * (abs(u) < 1))


def standard_normal(f: sp.Expr, low: sp.Expr = -sp.oo, high: sp.Expr = sp.oo) -> sp.Integral:
    """∫ Dh f(h) between two ends, as the sources write it: an integral, not worked out."""
    return sp.Integral(sp.exp(-(h**2) / 2) / sp.sqrt(2 * sp.pi) * f, (h, low, high))


def density_of_normal(variance: sp.Expr) -> sp.Expr:
    """The density of N(0, variance) in h."""
    return sp.exp(-(h**2) / (2 * variance)) / sp.sqrt(2 * sp.pi * variance)


def patiently(lhs: Any, rhs: Any, where: Any = (), **options: Any) -> Verdict:
    """`check` for sides that are dear to evaluate: few points, and time even on a busy machine."""
    return check(lhs, rhs, where, **PATIENCE, **options)


def every(claim: str, *verdicts: Verdict) -> Verdict:
    """One verdict on statements that all have to hold."""
    return weakest(claim, verdicts, "part")


def matrices_agree(claim: str, left: sp.Matrix, right: sp.Matrix, where: Any = ()) -> Verdict:
    """Two matrices agree in every entry."""
    return every(claim, *(check(a, b, where) for a, b in zip(left, right, strict=True)))


def rotation(t: sp.Expr) -> sp.Matrix:
    """The rotation by 2 arctan t: every rotation but one, by rational functions."""
    return sp.Matrix([[1 - t**2, -2 * t], [2 * t, 1 - t**2]]) / (1 + t**2)


def word_moment(word: str, moments: Mapping[str, Mapping[int, Any]]) -> sp.Expr:
    """The mixed moment of free letters, from the definition of freeness alone.

    Centred powers of alternating letters have mean zero; expanding that product gives the moment by
    those of shorter words.

    Args:
        word: such as "abab".
        moments: of each letter, by order.

    >>> word_moment("aab", {"a": {1: 0, 2: 5}, "b": {1: 7}})
    35
    """
    powers = [(letter, len(list(group))) for letter, group in groupby(word)]
    if not powers:
        return sp.S.One
    means = [sp.sympify(moments[letter][power]) for letter, power in powers]
    if len(powers) == 1:
        return means[0]
    total = sp.S.Zero
    for kept in range(len(powers)):
        for places in combinations(range(len(powers)), kept):
            rest = "".join(powers[i][0] * powers[i][1] for i in places)
            left_out = sp.Mul(*(-m for i, m in enumerate(means) if i not in places))
            total -= left_out * word_moment(rest, moments)
    return sp.expand(total)


def sum_moment(order: int, first: Mapping[int, Any], second: Mapping[int, Any]) -> sp.Expr:
    """A moment of A + B for free A and B: every word of the expanded power.

    >>> sum_moment(4, {1: 0, 2: 1, 3: 0, 4: 3}, {1: 0, 2: 1, 3: 0, 4: 3})
    10
    """
    alone = {"a": first, "b": second}
    words = product("ab", repeat=order)
    return sp.Add(*(word_moment("".join(word), alone) for word in words))


def s_multiplies() -> Verdict:
    """S_AB = S_A S_B: its first three moments, against those by the definition of freeness."""
    orders = range(1, 4)
    alone = {
        letter: {k: sp.Symbol(f"{letter}_{k}", positive=True) for k in orders} for letter in "ab"
    }
    factors = [laws.from_moments([alone[letter][k] for k in orders]) for letter in "ab"]
    found = (factors[0] * factors[1]).moments(3)
    return check_each(lambda k: (found[k - 1], word_moment("ab" * k, alone)), 1, 3)


def r_adds() -> Verdict:
    """R_{A+B} = R_A + R_B: its first four moments, against those by the definition of freeness."""
    orders = range(1, 5)
    alone = {letter: {k: sp.Symbol(f"{letter}_{k}", real=True) for k in orders} for letter in "ab"}
    terms = [laws.from_moments([alone[letter][k] for k in orders]) for letter in "ab"]
    found = (terms[0] + terms[1]).moments(4)
    return check_each(lambda k: (found[k - 1], sum_moment(k, alone["a"], alone["b"])), 1, 4)


def by_antiderivative(
    f: sp.Expr,
    primitive: sp.Expr,
    over: tuple[sp.Symbol, Any, Any],
    value: sp.Expr,
    where: Any = (),
) -> Verdict:
    """∫ f = value by a primitive, continuous up to the ends, whose derivative is f between them."""
    variable, low, high = over
    inside = (sp.Contains(variable, sp.Interval.open(low, high)), *where)
    ends = primitive.subs(variable, high) - primitive.subs(variable, low)
    ends = ends.replace(sp.asin, lambda argument: sp.asin(sp.cancel(argument)))
    return every(
        f"∫ {f} = {value}",
        check(sp.diff(primitive, variable), f, inside),
        check(ends, value, where),
    )


def positive_from_end(
    f: sp.Expr, slope: sp.Expr, variable: sp.Symbol, end: sp.Expr, where: Any = ()
) -> Verdict:
    """F > 0 because it starts from 0 at an end of its range, and moves away from there.

    Args:
        f: the function.
        slope: its derivative, in a form whose sign is plain.
        variable: positive.
        end: 0, from where f rises, or ∞, towards which it falls.
        where: conditions on other symbols.
    """
    return every(
        f"{f} > 0",
        patiently(sp.diff(f, variable), slope, where),
        patiently(slope, 0, where, relation=">" if end == 0 else "<"),
        patiently(sp.Limit(f, variable, end), 0, where),
    )


def primitive_of_root(power: int, square: sp.Expr, variable: sp.Expr) -> sp.Expr:
    """A primitive of tᵏ √(c − t²), by the recursion in k.

    >>> t = sp.Symbol("t", real=True)
    >>> primitive_of_root(0, sp.Integer(4), t)
    t*sqrt(4 - t**2)/2 + 2*asin(t/2)
    """
    root = sp.sqrt(square - variable**2)
    if power == 0:
        return variable * root / 2 + square / 2 * sp.asin(variable / sp.sqrt(square))
    if power == 1:
        return -(square - variable**2) * root / 3
    lower = (power - 1) * square * primitive_of_root(power - 2, square, variable)
    return (lower - variable ** (power - 1) * (square - variable**2) * root) / (power + 2)


def semicircle_moment(power: int, square: int, value: sp.Expr) -> Verdict:
    """∫ tᵏ √(c − t²) dt × 2/(πc) between ±√c is a value."""
    t = sp.Symbol("t", real=True)
    factor, end = 2 / (sp.pi * square), sp.sqrt(square)
    primitive = factor * primitive_of_root(power, sp.Integer(square), t)
    density = factor * sp.sqrt(square - t**2)
    return by_antiderivative(t**power * density, primitive, (t, -end, end), sp.sympify(value))


def geometric(mgf: sp.Expr, first: sp.Expr, ratio: sp.Expr) -> Verdict:
    """M(z) = Σ m_k z⁻ᵏ with m_1 = first and m_{k+1} = ratio × m_k, for every k.

    That is z M = first + ratio × M, which has one solution among the series in 1/z.
    """
    return check(z * mgf, first + ratio * mgf)


def averaged(values: Iterable[Any]) -> tuple[float, float]:
    """Mean of independent measurements, and its standard error.

    >>> averaged([1, 3])
    (2.0, 1.0)
    """
    numbers = [float(value) for value in values]
    count, mean = len(numbers), sum(numbers) / len(numbers)
    return mean, (sum((u - mean) ** 2 for u in numbers) / (count * (count - 1))) ** 0.5


def measured_moments(
    sample: Any, exact: Mapping[int, sp.Expr], *, bias: float, claim: str
) -> Verdict:
    """Moments of the eigenvalues of drawn matrices against a theory's.

    Args:
        sample: anything with `moment(k)` that gives an estimate and its standard error.
        exact: the moment of each order.
        bias: systematic difference allowed for, relative to the theory's value: that of the width.
        claim: in words or as a formula.
    """
    verdicts = []
    for order, value in exact.items():
        estimate, error = sample.moment(order)
        allowed = bias * abs(float(value))
        verdicts.append(check_estimate(estimate, error, value, bias=allowed, claim=f"m_{order}"))
    return every(claim, *verdicts)
