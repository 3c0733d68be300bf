"""Random integrands inside the class of the closed-form engine.

Every draw takes its choices from a `random.Random`, so that a seed reproduces it; a strategy of
`hypothesis` hands in one whose choices it can shrink.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TypeAlias

import sympy as sp
from closed_form_cases import Case, q1, q2, width

from freejac.symbolic.activation import activation
from freejac.symbolic.functions import Phi, sigmoid, softplus
from freejac.symbolic.symbols import c, q, x

__all__ = ["KINDS", "PAIRS", "draw", "draw_pair"]

Draw: TypeAlias = Callable[[Random], sp.Expr]

_LIBRARY = (
    "relu", "leaky_relu", "hard_tanh", "erf", "gelu", "elu", "sin", "hard_sigmoid", "hard_swish",
    "relu2", "shifted_relu", "smoothed_relu",
)  # fmt: skip


# Numbers


def small(random: Random) -> sp.Rational:
    """A number that often hits the special ones."""
    if random.random() < 0.4:
        return sp.Integer(random.choice((-2, -1, 1, 2)))
    return sp.Rational(random.choice((-1, 1)) * random.randint(1, 9), random.randint(1, 6))


def positive(random: Random) -> sp.Rational:
    return abs(small(random))


def offset(random: Random) -> sp.Rational:
    return random.choice((sp.S.Zero, small(random)))


def fall(random: Random) -> sp.Rational:
    return random.choice((sp.S.Zero, positive(random)))


def place(random: Random) -> sp.Expr:
    """A breakpoint."""
    if random.random() < 0.3:
        return sp.S.Zero
    if random.random() < 0.1:
        return random.choice((-1, 1)) * sp.sqrt(random.choice((2, 3, 5)))
    return small(random)


def places(random: Random, most: int) -> list[sp.Expr]:
    return sorted({place(random) for _ in range(random.randint(1, most))}, key=float)


def variance(random: Random) -> sp.Rational:
    """Log-uniform in [1e-6, 1e6]; one in ten is a special value."""
    if random.random() < 0.1:
        return sp.Rational(random.choice(("1", "1/2", "2", "1e-6", "1e6", "1/4")))
    return sp.Rational(f"{10 ** random.uniform(-6, 6):.2e}")


def correlation(random: Random) -> sp.Rational:
    """Any in [−1, 1]; one in three at the ends, next to them, or at 0."""
    if random.random() < 1 / 3:
        near = sp.Rational(1, 10**12)
        return random.choice((sp.S.One, 1 - near, sp.S.Zero, near, near - 1, sp.S.NegativeOne))
    return sp.Rational(f"{random.uniform(-1, 1):.3f}")


# Factors


def monomial(random: Random) -> sp.Expr:
    return small(random) * x ** random.choice((0, 0, 1, 1, 2, 3, 4, 6))


def polynomial(random: Random) -> sp.Expr:
    return sp.Add(*(monomial(random) for _ in range(random.randint(1, 2))))


def exponential(random: Random) -> sp.Expr:
    """Exp of a quadratic that falls, or of a line."""
    return sp.exp(-fall(random) * x**2 + small(random) * x + offset(random))


def wave(random: Random) -> sp.Expr:
    return random.choice((sp.sin, sp.cos))(positive(random) * x + offset(random))


def error(random: Random) -> sp.Expr:
    """An error function in one of its guises."""
    return random.choice((sp.erf, sp.erfc, Phi))(small(random) * x + place(random))


def odd_error(random: Random) -> sp.Expr:
    return sp.erf(small(random) * x)


def some(random: Random, chance: float, factor: Draw) -> sp.Expr:
    return factor(random) if random.random() < chance else sp.S.One


def pieces(random: Random, ends: list[sp.Expr], piece: Draw) -> sp.Expr:
    values = [piece(random) for _ in range(len(ends) + 1)]
    cases = ((value, x < end) for value, end in zip(values, ends, strict=False))
    return sp.Piecewise(*cases, (values[-1], True))


def delta(random: Random, most: int) -> sp.Expr:
    order, at = random.randint(0, most), place(random)
    return sp.DiracDelta(x - at, order) if order else sp.DiracDelta(x - at)


# Integrands in one variable


def on_the_line(random: Random) -> sp.Expr:
    """Up to three products of every factor."""
    return sp.Add(*(_product(random) for _ in range(random.randint(1, 3))))


def _product(random: Random) -> sp.Expr:
    special = random.choice(
        (
            lambda: sp.S.One,
            lambda: wave(random) * some(random, 0.3, wave),
            lambda: error(random),
            lambda: error(random) * wave(random),
            lambda: error(random) * error(random),
        )
    )
    return polynomial(random) * some(random, 0.6, exponential) * special()


def centred_errors(random: Random) -> sp.Expr:
    """Three error functions, with nothing off centre."""
    bump = sp.exp(-fall(random) * x**2)
    return polynomial(random) * bump * sp.Mul(*(odd_error(random) for _ in range(3)))


def on_intervals(random: Random) -> sp.Expr:
    """Two to four pieces, each with at most one error function or wave."""
    return pieces(random, places(random, 3), _piece)


def _piece(random: Random) -> sp.Expr:
    if random.random() < 0.2:
        return sp.S.Zero
    special = random.choice((lambda _: sp.S.One, wave, error))(random)
    return polynomial(random) * some(random, 0.5, exponential) * special


def kinked(random: Random) -> sp.Expr:
    """Max, Min, |·|, sign and Heaviside, nested and multiplied."""
    kinks = [kink(random) ** random.choice((1, 1, 2, 3)) for _ in range(random.randint(1, 2))]
    return sp.Mul(*kinks) * some(random, 0.4, random.choice((monomial, exponential, wave, error)))


def kink(random: Random) -> sp.Expr:
    line, low = small(random) * x + place(random), small(random)
    choices = (
        lambda: sp.Max(0, line),
        lambda: sp.Abs(line),
        lambda: sp.sign(line) + low,
        lambda: sp.Heaviside(line),
        lambda: sp.Min(sp.Max(line, low), low + positive(random)),
        lambda: sp.Max(line, low * x),
        lambda: sp.Max(0, x**2 - abs(low)),
        lambda: sp.Piecewise((line, x > 0), (sp.exp(x) - 1, True)),
    )
    return random.choice(choices)()


def growing(random: Random, at: sp.Rational) -> sp.Expr:
    """A growing exponential on a bounded interval, at, above or below its critical variance."""
    rate = random.choice((1 / (2 * at), 1 / at, 1 / (4 * at), positive(random)))
    low = small(random)
    inner = polynomial(random) * sp.exp(rate * x**2 + offset(random) * x)
    inner *= some(random, 0.3, wave)
    return sp.Piecewise(
        (polynomial(random), x < low), (inner, x < low + positive(random)), (low, True)
    )


def rational(random: Random) -> sp.Expr:
    """A rational function without real poles."""
    below = sp.S.One
    for _ in range(random.randint(1, 2)):
        below *= ((x - offset(random)) ** 2 + positive(random) ** 2) ** random.randint(1, 2)
    return polynomial(random) / below * some(random, 0.4, exponential) * some(random, 0.3, wave)


def singular(random: Random) -> sp.Expr:
    """Dirac deltas, with a smooth factor."""
    smooth_factor = random.choice((polynomial, exponential, wave, error))
    return delta(random, 3) * smooth_factor(random) + polynomial(random)


def balanced(random: Random) -> sp.Expr:
    """What is outside the class, but vanishes or is known by symmetry."""
    scale, even = positive(random), x ** random.choice((0, 2))
    odd = random.choice(
        (
            sp.tanh(scale * x) ** random.choice((1, 3)) * even,
            sigmoid(scale * x) * even,
            x * softplus(scale * x),
            sp.sin(x) * sp.tanh(x) ** 2,
            sp.atan(x) * sp.exp(-(x**2)),
            1 / (1 + sp.exp(-x)),
        )
    )
    return small(random) * odd + polynomial(random) * some(random, 0.5, exponential)


def parametric(random: Random) -> sp.Expr:
    """With a positive parameter where a number may stand."""
    line = small(random) * x
    return polynomial(random) * random.choice(
        (
            sp.exp(-width * x**2),
            sp.exp(width * x),
            sp.cos(width * x + 1),
            sp.erf(width * x),
            Phi(x / width) ** 2,
            sp.Max(0, x - width),
            sp.Min(sp.Max(line, -width), width),
            sp.Piecewise((line, x > 0), (width * (sp.exp(x / width) - 1), True)),
            1 / (x**2 + width**2),
        )
    )


KINDS: dict[str, Draw] = {
    "line": on_the_line,
    "centred": centred_errors,
    "intervals": on_intervals,
    "kinks": kinked,
    "growth": lambda random: growing(random, sp.S.One),
    "rational": rational,
    "deltas": singular,
    "symmetry": balanced,
    "parameters": parametric,
}


def draw(random: Random, kind: str | None = None) -> Case:
    """An integral in one variable."""
    kind = kind or random.choice(("line", "line", "intervals", "intervals", "kinks", *KINDS))
    at = variance(random)
    if kind == "growth":
        return Case(kind, growing(random, at), None, {q: at}, symbolic=False)
    f = KINDS[kind](random)
    if f.has(sp.sin, sp.cos) and at > 10**4 and random.random() < 0.9:
        at /= 1000  # quadrature of a thousand periods is slow
    values = {q: at, width: positive(random)} if f.has(width) else {q: at}
    return Case(kind, f, None, values, symbolic=random.random() < 0.75)


# Integrands in two variables: each factor leaves error functions and breakpoints to the other


def smooth(random: Random) -> sp.Expr:
    """Of low degree: in three symbols the forms grow fast with it."""
    powers = [random.choice((0, 1, 1, 2, 3)) for _ in range(random.choice((1, 1, 2)))]
    low = sp.Add(*(small(random) * x**power for power in powers))
    return low * some(random, 0.5, exponential)


def waving(random: Random) -> sp.Expr:
    return smooth(random) * some(random, 0.7, wave)


def bent(random: Random) -> sp.Expr:
    """Breakpoints anywhere."""
    return random.choice((_two_or_three_pieces, _two_or_three_pieces, kink, _threshold))(random)


def _two_or_three_pieces(random: Random) -> sp.Expr:
    return pieces(random, places(random, 2), lambda r: some(r, 0.7, smooth))


def _threshold(random: Random) -> sp.Expr:
    return sp.Max(0, small(random) * x + place(random)) ** random.randint(0, 3)


def one_error(random: Random) -> sp.Expr:
    return smooth(random) * error(random) + some(random, 0.3, smooth) - 1


def two_errors(random: Random) -> sp.Expr:
    """Two steps or error functions in one factor."""
    if random.random() < 0.5:
        return smooth(random) * error(random) * error(random)
    outer = smooth(random) * error(random)
    return sp.Piecewise((smooth(random), x < place(random)), (outer, True))


def two_centred(random: Random) -> sp.Expr:
    bump = sp.exp(-fall(random) * x**2)
    return monomial(random) * bump * odd_error(random) * odd_error(random)


def one_centred(random: Random) -> sp.Expr:
    return monomial(random) * random.choice((odd_error(random), sp.sign(x), sp.Max(0, x)))


def pinned(random: Random) -> sp.Expr:
    return delta(random, 2) * smooth(random)


def listed(random: Random) -> sp.Expr:
    phi = activation(random.choice(_LIBRARY))
    return phi.function.subs(phi.defaults).to_sympy()


PAIRS: dict[str, tuple[Draw, Draw]] = {
    "smooth": (smooth, smooth),
    "waves": (waving, waving),
    "bends": (bent, bent),
    "errors": (one_error, one_error),
    "bend and error": (bent, one_error),
    "two errors": (two_errors, smooth),
    "bend and wave": (bent, waving),
    "error and wave": (one_error, waving),
    "three centred": (two_centred, one_centred),
    "delta and bend": (pinned, bent),
    "delta and error": (pinned, two_errors),
    "library": (listed, listed),
}


def draw_pair(random: Random, kind: str | None = None) -> Case:
    """An integral in two variables."""
    kind = kind or random.choice((*PAIRS, "bends", "errors", "library"))
    f, g = (factor(random) for factor in PAIRS[kind])
    if random.random() < 0.5:
        f, g = g, f
    first = variance(random)
    second = first if random.random() < 0.3 else variance(random)
    at = correlation(random)
    symbolic = random.random() < 0.3 and abs(at) != 1
    return Case(kind, f, g, {q1: first, q2: second, c: at}, symbolic)
