"""Random integrands inside the class of the closed-form engine, and how far a form is off.

Every draw takes its choices from a `random.Random`, so that a seed reproduces it; a strategy of
`hypothesis` hands one in whose choices it can shrink. What is measured against is quadrature of
the definition, at 30 digits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import mpmath
import sympy as sp
from mpmath import mp, mpf

from freejac.symbolic.activation import activation
from freejac.symbolic.bivariate import expect2
from freejac.symbolic.bivariate_quadrature import gaussian_mean2
from freejac.symbolic.expectation import expect
from freejac.symbolic.functions import Phi, sigmoid, softplus
from freejac.symbolic.piecewise import PiecewiseFunction, decompose
from freejac.symbolic.quadrature import gaussian_mean
from freejac.symbolic.symbols import c, parameter, q, x

__all__ = ["KINDS", "PAIRS", "Case", "deviation", "draw", "draw_pair", "evaluate"]

GOOD = mpf(10) ** -25
"""What a deviation of a right form stays below."""

q1, q2 = (sp.Symbol(name, positive=True) for name in ("q_1", "q_2"))
width = parameter("width", positive=True)


@dataclass(frozen=True)
class Case:
    """One integral: E[f(h)], or E[f(h₁)g(h₂)].

    Attributes:
        kind: which part of the class it is drawn from.
        f, g: the factors; g is None in one variable.
        values: numbers for the variances, the correlation, and parameters.
        symbolic: whether the engine sees symbols for the variances and the correlation.
    """

    kind: str
    f: sp.Expr
    g: sp.Expr | None
    values: dict[sp.Symbol, sp.Rational]
    symbolic: bool

    def closed(self) -> sp.Expr:
        """What the engine makes of it."""
        seen = (
            {} if self.symbolic else {s: self.values[s] for s in (q, q1, q2, c) if s in self.values}
        )
        if self.g is None:
            return expect(self.f, q.subs(seen))
        at = (symbol.subs(seen) for symbol in (q1, q2, c))
        return expect2(self.f, self.g, *at)

    def __str__(self) -> str:
        values = ", ".join(f"{symbol} = {value}" for symbol, value in self.values.items())
        how = "symbolic" if self.symbolic else "numeric"
        if self.g is None:
            return f"[{self.kind}, {how}] f = {self.f}; {values}"
        return f"[{self.kind}, {how}] f = {self.f}; g = {self.g}; {values}"


def evaluate(expr: sp.Expr, values: dict[sp.Symbol, sp.Rational], size: mpf) -> mpf:
    """Value of a closed form, to 1e-30 of a size, at as many digits as its cancellations ask for.

    Raises:
        ArithmeticError: its terms are more than 4000 digits larger than the value.
    """
    terms = sp.lambdify(tuple(values), list(sp.Add.make_args(expr)), "mpmath")
    previous, digits = None, 60
    while digits < 4000:
        with mp.workdps(digits):
            numbers = [mpf(value.p) / value.q for value in values.values()]
            parts = [mp.mpmathify(term) for term in terms(*numbers)]
            value = mpmath.fsum(parts)
            lost = mpmath.log10(max(abs(part) for part in parts) / size + 1)
            if previous is not None and abs(value - previous) <= mpf(10) ** -30 * size:
                return value
        enough = digits > lost + 40
        previous, digits = value if enough else None, 2 * digits if enough else int(lost) + 60
    raise ArithmeticError(f"{expr} does not settle at {values}")


def deviation(case: Case, closed: sp.Expr, digits: int = 30) -> mpf:
    """|closed form − quadrature of the definition|, relative to the size of the integrand.

    The size is the root mean square of f, for a pair the product of both; a Dirac delta counts
    with its weight times the density. Below 1e-100 (an integrand that lives a thousand standard
    deviations out) a size is taken for that.

    Raises:
        NotConvergedError: quadrature does not resolve the integrand.
        ArithmeticError: the closed form cancels to thousands of digits.
    """
    values = case.values
    parameters = {s: v for s, v in values.items() if s not in (q, q1, q2, c)}
    f = decompose(case.f)
    with mp.workdps(50):
        if case.g is None:
            size = _size(f, values[q], parameters)
            reference = gaussian_mean(f, values[q], digits, parameters)
        else:
            g = decompose(case.g)
            size = _size(f, values[q1], parameters) * _size(g, values[q2], parameters)
            at = (values[symbol] for symbol in (q1, q2, c))
            reference = gaussian_mean2(f, g, *at, digits, parameters)
        size = max(size, mpf(10) ** -100)
        return abs(evaluate(closed, values, size) - reference) / size


def _size(
    f: PiecewiseFunction, variance: sp.Rational, parameters: dict[sp.Symbol, sp.Rational]
) -> mpf:
    regular = PiecewiseFunction(f.pieces)
    square = gaussian_mean(regular**2, variance, 8, parameters)
    total = mpmath.sqrt(square)
    for delta in f.deltas:
        at, weight = (mpf(e.subs(parameters).evalf(20)) for e in (delta.location, delta.weight))
        spread = mpmath.sqrt(mpf(variance.p) / variance.q)
        slope = (abs(at) / spread + 1) / spread
        total += abs(weight) * mpmath.npdf(at, 0, spread) * slope**delta.order
    return total


# Numbers


def small(random: Random) -> sp.Rational:
    """A number that often hits the special ones."""
    if random.random() < 0.4:
        return sp.Integer(random.choice((-2, -1, 1, 2)))
    return sp.Rational(random.choice((-1, 1)) * random.randint(1, 9), random.randint(1, 6))


def positive(random: Random) -> sp.Rational:
    return abs(small(random))


def place(random: Random) -> sp.Expr:
    """A breakpoint or an offset."""
    if random.random() < 0.3:
        return sp.S.Zero
    if random.random() < 0.1:
        return random.choice((-1, 1)) * sp.sqrt(random.choice((2, 3, 5)))
    return small(random)


def variance(random: Random) -> sp.Rational:
    """Log-uniform in [1e-6, 1e6], or one of the special values."""
    if random.random() < 0.1:
        return sp.Rational(random.choice(("1", "1/2", "2", "1e-6", "1e6", "1/4")))
    return sp.Rational(f"{10 ** random.uniform(-6, 6):.2e}")


def correlation(random: Random) -> sp.Rational:
    """Any in [−1, 1]; one in three at the ends, next to them, or 0."""
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
    fall = random.choice((sp.S.Zero, positive(random)))
    return sp.exp(-fall * x**2 + small(random) * x + random.choice((0, small(random))))


def wave(random: Random) -> sp.Expr:
    return random.choice((sp.sin, sp.cos))(positive(random) * x + random.choice((0, small(random))))


def error(random: Random, *, centred: bool = False) -> sp.Expr:
    """An error function in one of its guises."""
    line = small(random) * x + (0 if centred else place(random))
    return random.choice((sp.erf, sp.erfc, Phi))(line)


def odd_error(random: Random) -> sp.Expr:
    return sp.erf(small(random) * x)


def some(random: Random, chance: float, factor: Callable[[Random], sp.Expr]) -> sp.Expr:
    return factor(random) if random.random() < chance else sp.S.One


# Integrands in one variable


def on_the_line(random: Random) -> sp.Expr:
    """Up to three products of every factor."""
    return sp.Add(*(_product(random) for _ in range(random.randint(1, 3))))


def _product(random: Random) -> sp.Expr:
    common = polynomial(random) * some(random, 0.6, exponential)
    return (
        common
        * random.choice(
            (
                lambda: sp.S.One,
                lambda: wave(random) * some(random, 0.3, wave),
                lambda: error(random),
                lambda: error(random) * wave(random),
                lambda: error(random) * error(random),
            )
        )()
    )


def centred_errors(random: Random) -> sp.Expr:
    """Three error functions, with nothing off centre."""
    fall = sp.exp(-random.choice((sp.S.Zero, positive(random))) * x**2)
    return polynomial(random) * fall * sp.Mul(*(odd_error(random) for _ in range(3)))


def on_intervals(random: Random) -> sp.Expr:
    """Two to four pieces, each with at most one error function or wave."""
    ends = sorted({place(random) for _ in range(random.randint(1, 3))}, key=float)
    pieces = [_piece(random) for _ in range(len(ends) + 1)]
    return sp.Piecewise(
        *((e, x < end) for e, end in zip(pieces, ends, strict=False)), (pieces[-1], True)
    )


def _piece(random: Random) -> sp.Expr:
    if random.random() < 0.2:
        return sp.S.Zero
    second = random.choice((lambda: sp.S.One, lambda: wave(random), lambda: error(random)))()
    return polynomial(random) * some(random, 0.5, exponential) * second


def kinked(random: Random) -> sp.Expr:
    """Max, Min, |·|, sign and Heaviside, nested and multiplied."""
    return sp.Mul(
        *(_kink(random) ** random.choice((1, 1, 2, 3)) for _ in range(random.randint(1, 2)))
    ) * some(random, 0.4, lambda r: random.choice((monomial, exponential, wave, error))(r))


def _kink(random: Random) -> sp.Expr:
    line = small(random) * x + place(random)
    low = small(random)
    return random.choice(
        (
            lambda: sp.Max(0, line),
            lambda: sp.Abs(line),
            lambda: sp.sign(line) + small(random),
            lambda: sp.Heaviside(line),
            lambda: sp.Min(sp.Max(line, low), low + positive(random)),
            lambda: sp.Max(line, small(random) * x),
            lambda: sp.Max(0, x**2 - positive(random)),
            lambda: sp.Piecewise((line, x > 0), (sp.exp(x) - 1, True)),
        )
    )()


def growing(random: Random, at: sp.Rational) -> sp.Expr:
    """A growing exponential on a bounded interval, at, above or below its critical variance."""
    rate = random.choice((1 / (2 * at), 1 / at, 1 / (4 * at), positive(random)))
    low = small(random)
    high = low + positive(random)
    inner = polynomial(random) * sp.exp(rate * x**2 + random.choice((0, small(random))) * x)
    inner *= some(random, 0.3, wave)
    return sp.Piecewise((polynomial(random), x < low), (inner, x < high), (small(random), True))


def rational(random: Random) -> sp.Expr:
    """A rational function without real poles."""
    below = sp.S.One
    for _ in range(random.randint(1, 2)):
        gap = positive(random)
        below *= ((x - random.choice((0, small(random)))) ** 2 + gap**2) ** random.randint(1, 2)
    return polynomial(random) / below * some(random, 0.4, exponential) * some(random, 0.3, wave)


def singular(random: Random) -> sp.Expr:
    """Dirac deltas, with a smooth factor."""
    order = random.randint(0, 3)
    delta = sp.DiracDelta(x - place(random), order) if order else sp.DiracDelta(x - place(random))
    return delta * random.choice((polynomial, exponential, wave, error))(random) + polynomial(
        random
    )


def balanced(random: Random) -> sp.Expr:
    """What is outside the class, but vanishes or is known by symmetry."""
    odd = random.choice(
        (
            sp.tanh(positive(random) * x) ** random.choice((1, 3)) * x ** random.choice((0, 2)),
            sigmoid(positive(random) * x) * x ** random.choice((0, 2)),
            x * softplus(positive(random) * x),
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


KINDS: dict[str, Callable[..., sp.Expr]] = {
    "line": on_the_line,
    "centred": centred_errors,
    "intervals": on_intervals,
    "kinks": kinked,
    "growth": growing,
    "rational": rational,
    "deltas": singular,
    "symmetry": balanced,
    "parameters": parametric,
}


def draw(random: Random, kind: str | None = None) -> Case:
    """An integral in one variable."""
    kind = kind or random.choice(("line", "line", "intervals", "intervals", "kinks", *KINDS))
    at = variance(random)
    f = growing(random, at) if kind == "growth" else KINDS[kind](random)
    if f.has(sp.sin, sp.cos) and at > 10**4 and random.random() < 0.9:
        at /= 1000  # quadrature of a thousand periods is slow
    values = {q: at}
    if f.has(width):
        values[width] = positive(random)
    return Case(kind, f, None, values, kind != "growth" and random.random() < 0.75)


# Integrands in two variables: each factor has the error functions and breakpoints left for it


def smooth(random: Random) -> sp.Expr:
    """Of low degree: in three symbols the forms grow fast with it."""
    low = sp.Add(
        *(
            small(random) * x ** random.choice((0, 1, 1, 2, 3))
            for _ in range(random.choice((1, 1, 2)))
        )
    )
    return low * some(random, 0.5, exponential)


def waving(random: Random) -> sp.Expr:
    return smooth(random) * some(random, 0.7, wave)


def bent(random: Random) -> sp.Expr:
    """Breakpoints anywhere."""
    return random.choice((_on_two_pieces, _on_two_pieces, _kink, _threshold))(random)


def _on_two_pieces(random: Random) -> sp.Expr:
    ends = sorted({place(random) for _ in range(random.randint(1, 2))}, key=float)
    pieces = [some(random, 0.7, smooth) for _ in range(len(ends) + 1)]
    return sp.Piecewise(
        *((e, x < end) for e, end in zip(pieces, ends, strict=False)), (pieces[-1], True)
    )


def _threshold(random: Random) -> sp.Expr:
    return sp.Max(0, small(random) * x + place(random)) ** random.randint(0, 3)


def one_error(random: Random) -> sp.Expr:
    return smooth(random) * error(random) + some(random, 0.3, smooth) - 1


def two_errors(random: Random) -> sp.Expr:
    """Two steps or error functions in one factor."""
    if random.random() < 0.5:
        return smooth(random) * error(random) * error(random)
    return sp.Piecewise((smooth(random), x < place(random)), (smooth(random) * error(random), True))


def two_centred(random: Random) -> sp.Expr:
    fall = sp.exp(-random.choice((sp.S.Zero, positive(random))) * x**2)
    return monomial(random) * fall * odd_error(random) * odd_error(random)


def one_centred(random: Random) -> sp.Expr:
    return monomial(random) * random.choice(
        (odd_error, lambda r: sp.sign(x), lambda r: sp.Max(0, x))
    )(random)


def pinned(random: Random) -> sp.Expr:
    order = random.randint(0, 2)
    at = place(random)
    return (sp.DiracDelta(x - at, order) if order else sp.DiracDelta(x - at)) * smooth(random)


_LIBRARY = (
    "relu", "leaky_relu", "hard_tanh", "erf", "gelu", "elu", "sin", "hard_sigmoid", "hard_swish",
    "relu2", "shifted_relu", "smoothed_relu",
)  # fmt: skip


def listed(random: Random) -> sp.Expr:
    phi = activation(random.choice(_LIBRARY))
    return phi.function.subs(phi.defaults).to_sympy()


PAIRS: dict[str, tuple[Callable[[Random], sp.Expr], Callable[[Random], sp.Expr]]] = {
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
