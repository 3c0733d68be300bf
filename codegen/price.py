"""Duals as integrals of what does not cancel, by Price's theorem.

∂_c E[f(h₁)g(h₂)] = q E[f′(h₁)g′(h₂)] turns a dual D into a Taylor polynomial and integrals over the
correlation of means in which a Dirac delta of some derivative stands. With f⁽ᵏ⁾ = g_k + δ-part,

    R_k = E[f⁽ᵏ⁾f⁽ᵏ⁾] − E[g_k g_k]

is elementary for piecewise polynomials, and for c ≥ 0

    D(c) = Σ_{k<n} (qc)ᵏ/k! E[g_k]² + Σ_k qᵏ ∫₀ᶜ (c − t)ᵏ⁻¹/(k−1)! R_k(t) dt,

where E[f⁽ᵏ⁾f⁽ᵏ⁾] at t ≥ 0 is a power series in t whose coefficients are squares: nothing cancels.
Near c = −1 it is expanded there instead, up to the first derivative m that is even or odd; of that
one E[f⁽ᵐ⁾f⁽ᵐ⁾] at −t is ± the same at t, for which the sum above is taken again.

Sources: R. Price, IRE Trans. Inf. Theory 4 (1958) 69; for the squares, Hermite's expansion.

>>> from freejac.symbolic.activation import activation
>>> levels = _levels(activation("hard_tanh").function)
>>> [level.rest for level in levels]
[0, 0, -exp(1/(q*(c - 1)))/(pi*q*sqrt(1 - c**2)) + exp(-1/(q*(c + 1)))/(pi*q*sqrt(1 - c**2))]
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product

import mpmath
import sympy as sp

from freejac.codegen.compensated import Compensated, compensated, lacking
from freejac.codegen.constant_factors import (
    Term,
    factors,
    number_first,
    taken_out,
    two_doubles,
    weighted,
)
from freejac.codegen.correlation import (
    completed_squares,
    down,
    gap,
    joined_exponentials,
    paired,
    up,
)
from freejac.codegen.dual_forms import positive_form
from freejac.codegen.dual_spec import DualCode
from freejac.codegen.filling import template
from freejac.codegen.kernel_block import kernel_block
from freejac.codegen.printer import source
from freejac.codegen.rounding import combined, gathered, least_rounding, rooted, sine
from freejac.codegen.sound import soundly
from freejac.codegen.statements import Block
from freejac.symbolic.bivariate import expect2
from freejac.symbolic.errors import NoClosedForm
from freejac.symbolic.expectation import expect
from freejac.symbolic.parity import reflected
from freejac.symbolic.piecewise import PiecewiseFunction
from freejac.symbolic.quadrature import legendre_rule
from freejac.symbolic.symbols import c, q
from freejac.symbolic.symmetry import parity

__all__ = ["integral_code"]

_MOST_LEVELS = 6
_NODES = 16
_LAYER = sp.Rational(1, 8)
"""Width of the finest panel, in units of the narrowest layer of the integrand."""

_LOW, _HIGH = sp.Rational(1, 10**12), sp.Integer(10) ** 12
_PLACES = {
    "down": "x * x",
    "up": "2.0 - down",
    "gap": "up * down",
    "sine": "x * math.sqrt(up)",
    "t": "1.0 - down",
    "away": "abs(down - edge)",
}
"""What an integrand may need at x = √(1 − t); each may use those before it."""

_LOSS = 1000
_LOSS_SEEN = 1.5
"""By how much the terms of an expansion may outgrow their sum before the other one is tried."""
_NOTHING = mpmath.mpf(2) ** -500

_t = sp.Symbol("t", positive=True)
_away = sp.Symbol("away", nonnegative=True)
_size = sp.Symbol("size", nonnegative=True)
_edge = sp.Symbol("edge", nonnegative=True)
_y = sp.Dummy("y", nonnegative=True)


@dataclass(frozen=True)
class _Level:
    """A derivative: its regular part, the even (1) or odd (−1) symmetry of the whole, and R."""

    regular: PiecewiseFunction
    symmetry: int | None
    rest: sp.Expr


@dataclass(frozen=True)
class _Mean:
    """A function of q and the parameters, in code that gives it as two doubles."""

    name: str
    short: str
    equation: str
    code: Compensated


def integral_code(function: PiecewiseFunction, prefix: str) -> DualCode | None:
    """The code of E[f(h₁)f(h₂)] as an integral; None where the means in it have no closed form.

    Args:
        function: f, without Dirac deltas.
        prefix: what the names of its helper functions begin with: "dual" or "slope".
    """
    for levels in (_levels, _one_level):
        try:
            return _Writer(function, levels(function), prefix).code()
        except NoClosedForm:
            continue
    return None


def _one_level(function: PiecewiseFunction) -> list[_Level]:
    """The function and its slope, whose dual is a sum of terms that are not negative."""
    slope = function.derivative()
    if slope.deltas:
        raise NoClosedForm("the dual as an integral", "it jumps")
    form = positive_form(expect2(slope, slope))
    if form is None:
        raise NoClosedForm("the dual as an integral", "terms of its slope may cancel")
    return [
        _Level(function, parity(function), sp.S.Zero),
        _Level(slope, parity(slope), form),
    ]


def _levels(function: PiecewiseFunction) -> list[_Level]:
    """The derivatives down to the first without a regular part."""
    zero = PiecewiseFunction.smooth(sp.S.Zero).pieces
    levels = [_Level(function, parity(function), sp.S.Zero)]
    while any(piece.expr != 0 for piece in levels[-1].regular.pieces):
        if len(levels) > _MOST_LEVELS:
            raise NoClosedForm("the dual as an integral", "its derivatives do not end")
        whole = levels[-1].regular.derivative()
        regular = PiecewiseFunction(whole.pieces)
        singular = PiecewiseFunction(zero, whole.deltas)
        rest = sp.S.Zero
        if whole.deltas:
            rest = 2 * expect2(regular, singular) + expect2(singular, singular)
        levels.append(_Level(regular, parity(whole), rest))
    return levels


class _Writer:
    """The text of one dual."""

    def __init__(self, function: PiecewiseFunction, levels: list[_Level], prefix: str) -> None:
        self._levels, self._prefix = levels, prefix
        self._symbols = sorted(function.free_symbols, key=str)
        self._parameters = [s.name for s in self._symbols]
        self._scale = _narrowest(function)
        self._means: list[_Mean] = []

    def code(self) -> DualCode:
        """The module-level functions, and the body that calls them."""
        last = len(self._levels) - 1
        symmetric = self._levels[0].symmetry is not None
        turn = next(k for k, v in enumerate(self._levels) if v.symmetry is not None or k == last)
        ahead = [self._rest(k, 1) * q**k * _power(_away, k - 1) for k in range(1, last + 1)]
        kinds = [sp.Add(*ahead)]
        at = _size if symmetric else c
        forward = self._forward(last, at)
        body = {"symmetry": self._levels[0].symmetry, "forward": forward, "backward": []}
        if not symmetric:
            behind = [
                self._rest(k, -1) * q**k * (-1) ** k * _power(_away, k - 1)
                for k in range(1, last + 1)
            ]
            kinds += [sp.Add(*behind), *self._near_end(turn, last)]
            body["backward"] = self._backward(turn, last)
        fixed = [q, _edge, *self._symbols]
        apart = [taken_out(kind, fixed) for kind in kinds]
        rational, scale = _without_pi([rooted(gathered(rest)) for _, rest in apart])
        shares = [number_first(kind) for kind in rational]
        integrands = [self._integrand(rest) for _, rest in shares]
        context = {
            "prefix": self._prefix,
            "constant": self._prefix.upper(),
            "arguments": "".join(f", {name}" for name in self._parameters),
            "means": self._means,
            "kinds": integrands,
            "places": _places(integrands),
            "rule": _rule(),
            "monomials": [
                (two_doubles(scale * number), factors(product))
                for (number, _), (product, _) in zip(shares, apart, strict=True)
            ],
            "loss": _LOSS_SEEN,
            "finest": source(_LAYER * self._scale / sp.sqrt(2 * q)),
            "jumps": bool(self._levels[1].rest != 0),
            **body,
        }
        text = template("price.jinja", price=context)
        constants, lines = text.split("# The body.\n")
        return DualCode(
            tuple(lines.rstrip().split("\n")),
            "total",
            "integral of a positive function" if symmetric else "integral",
            tuple(constants.rstrip().split("\n")),
        )

    def _rest(self, level: int, side: int) -> sp.Expr:
        """R at ±t times √(1 − t²), in a form for t ≥ 0."""
        rest = self._levels[level].rest
        if rest.has(up, down, gap):
            # A form that is known to be positive at every c.
            swapped = {up: down, down: up, c: -_t} if side == -1 else {c: _t}
            return rest.xreplace(swapped) * sine
        terms = sp.expand(rest.subs(c, side * c) * sp.sqrt(1 - c**2))
        joined = joined_exponentials(completed_squares(terms))
        form = paired(joined).xreplace({c: _t})
        return form.replace(lambda e: e.is_Pow and e.base == gap and e.exp.q == 2,
                            lambda e: sine ** (2 * e.exp))  # fmt: skip

    def _near_end(self, turn: int, last: int) -> tuple[sp.Expr, sp.Expr]:
        """The integrands for c near −1, at t > |c| and at t < |c|."""
        inner = [self._rest(k, -1) * q**k * _power(_away, k - 1) for k in range(1, turn + 1)]
        outer = []
        sign = self._levels[turn].symmetry or 0
        for j in range(1, last - turn + 1):
            first, second = _power(_y + _away, turn - 1), _power(_y, j - 1)
            beyond = sp.integrate(sp.expand(first * second), (_y, 0, down))
            first, second = _power(_y, turn - 1), _power(_y + _away, j - 1)
            before = sp.integrate(sp.expand(first * second), (_y, 0, _edge))
            rest = sign * self._rest(turn + j, 1) * q ** (turn + j)
            inner.append(rest * beyond)
            outer.append(rest * before)
        return sp.Add(*inner), sp.Add(*outer)

    def _integrand(self, expr: sp.Expr) -> Block:
        taken = ["q", "c", *_PLACES, "size", "edge", *self._parameters]
        return kernel_block(_nested(_one_number(expr), self._symbols), taken)

    def _forward(self, last: int, at: sp.Expr) -> list[Term]:
        """Terms of the expansion at c = 0."""
        squares = [(k, self._square(k)) for k in range(last)]
        return [weighted(_power(at, k), name) for k, name in squares if name]

    def _backward(self, turn: int, last: int) -> list[Term]:
        """Terms of the expansion at c = −1."""
        terms = []
        for k in range(turn):
            regular = self._levels[k].regular
            equation = f"E[{_derivative(k)}(h) {_derivative(k)}(-h)]"
            name = self._mean(f"end_{k}", equation, regular * reflected(regular), k, 1)
            if name:
                terms.append(weighted(_power(_edge, k), name))
        sign = self._levels[turn].symmetry or 0
        for j in range(last - turn if sign else 0):
            name = self._square(turn + j)
            if name:
                weight = sp.expand(_power(_y, turn - 1) * _power(_y + _size, j))
                share = sp.factor(sp.integrate(weight, (_y, 0, _edge)))
                terms.append(weighted(sign * share, name))
        return terms

    def _square(self, level: int) -> sp.Symbol | None:
        """The name of a derivative's squared mean."""
        equation = f"E[{_derivative(level)}]**2"
        return self._mean(f"square_{level}", equation, self._levels[level].regular, level, 2)

    def _mean(
        self, name: str, equation: str, integrand: PiecewiseFunction, power: int, exponent: int
    ) -> sp.Symbol | None:
        """The name of q^power E[…]^exponent, which becomes a function of the module; None if 0."""
        symbol = sp.Symbol(name, real=True)
        if any(mean.short == name for mean in self._means):
            return symbol
        closed = expect(integrand)
        if closed == 0:
            return None
        form = _sure_form(integrand, closed, power, exponent, equation)
        code = _two_doubles(form, ["q", *self._parameters])
        scale = f"q**{power} * " if power > 1 else "q * " * power
        self._means.append(_Mean(f"_{self._prefix}_{name}", name, f"{scale}{equation}", code))
        return symbol


def _two_doubles(form: sp.Expr, names: list[str]) -> Compensated:
    """The code of a mean: what is added to it may take nearly all of it away again."""
    block = kernel_block(form, names)
    if any(line.startswith("if ") for line in block.lines):
        return Compensated(block.lines, block.result, "0.0")
    code = compensated(block.lines, block.result, names, lacking(form))
    return replace(code, low=code.low or "0.0")


def _sure_form(
    integrand: PiecewiseFunction, closed: sp.Expr, power: int, exponent: int, equation: str
) -> sp.Expr:
    """q^power E[…]^exponent in a form that keeps its digits."""
    if closed.free_symbols <= {q}:
        try:
            return least_rounding(integrand, closed, power, exponent)
        except NoClosedForm:
            pass
    sound = soundly(integrand, closed)
    if (sound.low > _LOW and not _harmless(sound.expr, _LOW, sound.low)) or (
        sound.high < _HIGH and not _harmless(sound.expr, sound.high, _HIGH)
    ):
        raise NoClosedForm(equation, "its terms cancel on a part of the domain")
    return combined(sound.expr, power, exponent)


def _without_pi(exprs: list[sp.Expr]) -> tuple[list[sp.Expr], sp.Expr]:
    """Expressions over 1/π and 2/π; as they are and 2 where 1/π is no factor of all."""
    inverse = sp.Dummy("inverse", positive=True)
    shares = [sp.expand(expr.xreplace({sp.pi: 1 / inverse}) / inverse) for expr in exprs]
    if any(share.has(inverse) for share in shares):
        return exprs, sp.Integer(2)
    return [expr.xreplace({sp.pi: sp.S.One}) for expr in exprs], 2 / sp.pi


def _one_number(expr: sp.Expr) -> sp.Expr:
    """Every product with its irrational numbers multiplied out, rounded once in code."""

    def joined(product: sp.Mul) -> sp.Expr:
        number, rest = product.as_independent(*product.free_symbols, as_Add=False)
        return product if number.is_Rational else sp.Float(number.evalf(40), 40) * rest

    return expr.replace(lambda e: e.is_Mul and bool(e.free_symbols), joined)


def _nested(expr: sp.Expr, parameters: list[sp.Symbol]) -> sp.Expr:
    """Sums by Horner's rule in parameters: a power of one is rounded alike at every place."""
    for symbol in parameters:
        expr = expr.replace(
            lambda e, p=symbol: e.is_Add and e.is_polynomial(p) and sp.degree(e, p) > 1,
            lambda e, p=symbol: _by_horner(e, p),
        )
    return expr


def _by_horner(expr: sp.Expr, symbol: sp.Symbol) -> sp.Expr:
    total = sp.S.Zero
    for coefficient in sp.Poly(expr, symbol).all_coeffs():
        total = total * symbol + coefficient
    return total


def _harmless(form: sp.Expr, low: sp.Rational, high: sp.Rational) -> bool:
    """Whether a form loses three digits at most on an interval, or is as small as nothing."""
    body = form.args[-1][0] if isinstance(form, sp.Piecewise) and high == _HIGH else form
    body = body.args[0][0] if isinstance(body, sp.Piecewise) else body
    terms = sp.lambdify(q, list(sp.Add.make_args(body)), "mpmath")
    with mpmath.workdps(60):
        ends = [mpmath.log10(mpmath.mpf(end.p) / end.q) for end in (low, high)]
        for exponent in mpmath.linspace(*ends, 4 * int(ends[1] - ends[0]) + 1):
            values = [mpmath.mpf(v) for v in terms(mpmath.power(10, exponent))]
            size, total = mpmath.fsum(values, absolute=True), mpmath.fsum(values)
            if size > _LOSS * abs(total) and size > _NOTHING:
                return False
    return True


def _power(base: sp.Expr, exponent: int) -> sp.Expr:
    return base**exponent / sp.factorial(exponent)


def _derivative(order: int) -> str:
    return "f" + "'" * order


def _narrowest(function: PiecewiseFunction) -> sp.Expr:
    """The least distance of two breakpoints, mirrored ones among them: layers are that thin."""
    points = function.breakpoints
    if any(not at.is_number for at in points):
        raise NoClosedForm("the dual as an integral", "its kinks are parameters")
    gaps = [abs(a + s * b) for a, b, s in product(points, points, (1, -1)) if a + s * b != 0]
    return min(gaps) if gaps else sp.S.One


@lru_cache(maxsize=1)
def _rule() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Nodes and weights of the Gauss-Legendre rule on [0, 1], rounded to doubles."""
    points, weights, _ = legendre_rule(_NODES, 40)
    pairs = sorted(zip(points, weights, strict=True))
    half = mpmath.mpf(1) / 2
    nodes = tuple(repr(float(half + half * t)) for t, _ in pairs)
    return nodes, tuple(repr(float(half * w)) for _, w in pairs)


def _places(blocks: list[Block]) -> list[tuple[str, str]]:
    """The functions of x that blocks speak of, and their code, in an order that works."""
    used = set(re.findall(r"\w+", " ".join(t for b in blocks for t in (*b.lines, b.result))))
    found = []
    for name, text in reversed(_PLACES.items()):
        if name in used:
            found.append((name, text))
            used |= set(re.findall(r"\w+", text))
    return found[::-1]
